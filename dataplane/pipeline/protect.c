// SPDX-License-Identifier: BSD-3-Clause
// Stage protect: what leaves by a leg that has SRTP becomes SRTP or SRTCP, a whole burst at once. Payload
// types are renumbered here already, because the header is authenticated too.
#include "dataplane/media/rtp.h"
#include "dataplane/pipeline/secure.h"

#define OK DP_REASONS

struct batch {
	unsigned count;
	uint8_t from[DP_BURST];
	uint16_t reason[DP_BURST];
	struct srtp_packet packet[DP_BURST];
};

static uint8_t onward_state(const struct dp_burst *b, const struct dp_packet *k)
{
	return k->component ? b->rtcp_headers[k->headers].onward.state : k->leg->rx.onward.state;
}

static unsigned refuse(struct dp_burst *b, const struct dp_packet *k, unsigned reason)
{
	const uint8_t *p = k->frame + k->payload;

	if (k->leg->secure && reason == DP_DROP_SRTP_OUT_NO_KEY)
		dp_refuse(k->leg->peer, dp_secure_other(k->leg), ABI_OUT, DP_REFUSED_NO_KEY,
			rtp_read32(p + (k->component ? 4 : 8)), b->now);
	return reason;
}

static unsigned consider(struct dp_worker *w, struct dp_burst *b, unsigned i, struct batch *batch)
{
	struct dp_packet *k = &b->packet[i];
	const struct rte_mbuf *m = b->mbuf[i];
	uint8_t *p = k->frame + k->payload;
	struct srtp_context *context;

	if (onward_state(b, k) != DP_ONWARD_READY)
		return OK; // relay drops it and says why
	context = k->leg->secure ? dp_key_of(dp_secure_other(k->leg), ABI_OUT, k->component) : NULL;
	if (!context)
		return refuse(b, k, DP_DROP_SRTP_OUT_NO_KEY);
	if ((uint32_t)m->data_off + k->payload + k->length + SRTP_TAIL > m->buf_len)
		return DP_DROP_NO_TAILROOM;
	if (unlikely(k->leg->rx.flags & DP_LEG_CHANGES && !k->component && !k->mapped)) {
		dp_change_rtp(w, k, p);
		k->mapped = 1;
	}
	batch->from[batch->count] = (uint8_t)i;
	batch->packet[batch->count++] = (struct srtp_packet){
		.context = context, .data = p, .length = k->length, .rtcp = k->component};
	return DP_TAKEN;
}

static unsigned judge(
	struct dp_worker *w, struct dp_burst *b, const struct srtp_packet *p, unsigned i)
{
	static const uint16_t reasons[SRTP_VERDICTS] = {
		[SRTP_OK] = OK,
		[SRTP_AUTH_FAILED] = DP_DROP_SRTP_OUT_BAD,
		[SRTP_REPLAYED] = DP_DROP_SRTP_OUT_REPEATED,
		[SRTP_TRUNCATED] = DP_DROP_SRTP_OUT_BAD,
		[SRTP_EXHAUSTED] = DP_DROP_SRTP_OUT_EXHAUSTED,
		[SRTP_TOO_LONG] = DP_DROP_SRTP_OUT_BAD,
	};
	struct dp_packet *k = &b->packet[i];

	if (unlikely(p->verdict != SRTP_OK))
		return reasons[p->verdict];
	k->length = p->length;
	k->whole = 1;
	// Before the packet leaves: its index may never be used again, whatever happens to us.
	if (unlikely(p->context->fresh)) {
		p->context->fresh = false;
		dp_publish_resume(w, k->leg->peer);
	}
	return OK;
}

static __attribute__((noinline)) unsigned protect(struct dp_worker *w, struct dp_burst *b)
{
	struct batch batch = {.count = 0};
	unsigned kept = 0;

	for (unsigned i = 0; i < b->count; i++)
		batch.reason[i] = (uint16_t)(b->packet[i].leg->rx.flags & DP_LEG_PROTECT
						     ? consider(w, b, i, &batch)
						     : OK);
	if (batch.count) {
		srtp_burst_protect(w->srtp, batch.packet, batch.count);
		for (unsigned n = 0; n < batch.count; n++)
			batch.reason[batch.from[n]] =
				(uint16_t)judge(w, b, &batch.packet[n], batch.from[n]);
		dp_count(w, DP_COUNT_SRTP_OUT, batch.count);
	}
	for (unsigned i = 0; i < b->count; i++) {
		if (unlikely(batch.reason[i] != OK)) {
			dp_unsent(&b->packet[i]);
			dp_drop(w, b->mbuf[i], batch.reason[i]);
			continue;
		}
		dp_keep(b, kept++, i);
	}
	return kept;
}

unsigned dp_stage_protect(struct dp_worker *w, struct dp_burst *b)
{
	uint16_t any = 0;

	for (unsigned i = 0; i < b->count; i++)
		any |= b->packet[i].leg->rx.flags;
	return likely(!(any & DP_LEG_PROTECT)) ? b->count : protect(w, b);
}
