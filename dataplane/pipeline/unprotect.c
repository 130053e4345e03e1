// SPDX-License-Identifier: BSD-3-Clause
// Stage unprotect: SRTP and SRTCP of the legs that have it become RTP and RTCP, a whole burst at once.
// It stands before admit, so that nothing is learned from what does not authenticate. What a known
// stranger sends is not worth the arithmetic.
#include "dataplane/media/demux.h"
#include "dataplane/media/rtcp.h"
#include "dataplane/media/rtp.h"
#include "dataplane/pipeline/secure.h"

#define OK DP_REASONS

struct batch {
	unsigned count;
	uint8_t from[DP_BURST]; // index in the burst
	uint16_t reason[DP_BURST];
	struct srtp_packet packet[DP_BURST];
};

static enum dp_reason refuse(struct dp_burst *b, unsigned i, enum dp_reason reason)
{
	static const uint8_t kinds[] = {
		[DP_DROP_SRTP_AUTH - DP_DROP_SRTP_AUTH] = DP_REFUSED_AUTH,
		[DP_DROP_SRTP_REPLAYED - DP_DROP_SRTP_AUTH] = DP_REFUSED_REPLAY,
		[DP_DROP_SRTP_NO_KEY - DP_DROP_SRTP_AUTH] = DP_REFUSED_NO_KEY,
		[DP_DROP_SRTP_PLAIN - DP_DROP_SRTP_AUTH] = DP_REFUSED_PLAIN,
		[DP_DROP_SRTP_TRUNCATED - DP_DROP_SRTP_AUTH] = DP_REFUSED_MALFORMED,
		[DP_DROP_SRTP_SSRCS - DP_DROP_SRTP_AUTH] = DP_REFUSED_NO_KEY,
	};
	const struct dp_packet *k = &b->packet[i];
	const uint8_t *p = k->frame + k->payload;
	bool rtcp = media_demux(p[0], p[1]) == MEDIA_RTCP;

	if (k->leg->secure && k->length >= 12)
		dp_refuse(k->leg, k->leg->secure, ABI_IN, kinds[reason - DP_DROP_SRTP_AUTH],
			rtp_read32(p + (rtcp ? 4 : 8)), b->now);
	return reason;
}

// Codecs of one byte a sample, in whole tens of milliseconds: SRTP's tag makes other lengths.
static bool looks_plain(const uint8_t *rtp, unsigned length)
{
	uint8_t type = rtp[1] & 0x7f;

	return rtp[0] == 0x80 && (type == 0 || type == 8 || type == 9) && length > RTP_HEADER &&
	       (length - RTP_HEADER) % 80 == 0;
}

static bool is_stranger(const struct dp_leg *leg, const struct dp_packet *k)
{
	struct latch_addr source;

	if (k->component == 0)
		return leg->latch[0].state == LATCH_CONFIRMED && !dp_from_party(leg, k, k->frame);
	source = dp_source_of(k, k->frame);
	return leg->latch[1].state == LATCH_CONFIRMED &&
	       !latch_same(&leg->latch[1].learned, &source);
}

// Into the batch, or a reason. OK: it is none of this stage's.
static unsigned consider(struct dp_burst *b, unsigned i, struct batch *batch)
{
	struct dp_packet *k = &b->packet[i];
	uint8_t *p = k->frame + k->payload;
	struct dp_leg *leg = k->leg;
	struct rtcp_view view;
	enum media_kind kind;

	if (k->length < 8)
		return OK; // admit says why not
	kind = media_demux(p[0], p[1]);
	if (kind != MEDIA_RTP && kind != MEDIA_RTCP)
		return OK;
	if (kind == MEDIA_RTP && (k->component || k->length < RTP_HEADER))
		return OK;
	if (is_stranger(leg, k)) {
		leg->strangers++;
		return kind == MEDIA_RTP ? DP_DROP_STRANGER : DP_DROP_STRANGER_RTCP;
	}
	if (!leg->secure || !dp_key_of(leg->secure, ABI_IN, kind == MEDIA_RTCP))
		return refuse(b, i, DP_DROP_SRTP_NO_KEY);
	// A compound in clear fills the datagram exactly; what is encrypted does so by no chance.
	if (kind == MEDIA_RTCP && rtcp_parse(&view, p, k->length) == RTCP_GOOD)
		return refuse(b, i, DP_DROP_SRTP_PLAIN);
	batch->from[batch->count] = (uint8_t)i;
	batch->packet[batch->count++] = (struct srtp_packet){
		.context = dp_key_of(leg->secure, ABI_IN, kind == MEDIA_RTCP),
		.data = p,
		.length = k->length,
		.rtcp = kind == MEDIA_RTCP,
	};
	return DP_TAKEN;
}

static unsigned judge(
	struct dp_worker *w, struct dp_burst *b, const struct srtp_packet *p, unsigned i)
{
	static const uint16_t reasons[SRTP_VERDICTS] = {
		[SRTP_OK] = OK,
		[SRTP_AUTH_FAILED] = DP_DROP_SRTP_AUTH,
		[SRTP_REPLAYED] = DP_DROP_SRTP_REPLAYED,
		[SRTP_TRUNCATED] = DP_DROP_SRTP_TRUNCATED,
		[SRTP_EXHAUSTED] = DP_DROP_SRTP_SSRCS,
		[SRTP_TOO_LONG] = DP_DROP_SRTP_TRUNCATED,
	};
	struct dp_packet *k = &b->packet[i];
	unsigned reason = reasons[p->verdict];

	if (likely(reason == OK)) {
		k->length = p->length;
		k->whole = 1; // the checksum that came is of what came
		if (unlikely(p->context->fresh)) {
			p->context->fresh = false;
			dp_publish_resume(w, k->leg);
		}
		return OK;
	}
	if (reason == DP_DROP_SRTP_AUTH && !p->rtcp && looks_plain(p->data, k->length))
		reason = DP_DROP_SRTP_PLAIN;
	return refuse(b, i, reason);
}

static void run(struct dp_worker *w, struct dp_burst *b, struct batch *batch)
{
	srtp_burst_unprotect(w->srtp, batch->packet, batch->count);
	for (unsigned n = 0; n < batch->count; n++)
		batch->reason[batch->from[n]] =
			(uint16_t)judge(w, b, &batch->packet[n], batch->from[n]);
	dp_count(w, DP_COUNT_SRTP_IN, batch->count);
}

// A packet at a leg that takes SRTP only.
static inline bool due(const struct dp_burst *b, unsigned i)
{
	return (b->packet[i].leg->rx.flags & (DP_LEG_SRTP_IN | DP_LEG_ACTIVE)) ==
	       (DP_LEG_SRTP_IN | DP_LEG_ACTIVE);
}

static __attribute__((noinline)) unsigned unprotect(struct dp_worker *w, struct dp_burst *b)
{
	struct batch batch = {.count = 0};
	unsigned kept = 0;

	for (unsigned i = 0; i < b->count; i++)
		if (due(b, i))
			rte_prefetch0(&b->packet[i].leg->secure);
	// The agent may open the leg meanwhile: admit takes only what was looked at here.
	for (unsigned i = 0; i < b->count; i++) {
		b->packet[i].secured = due(b, i);
		batch.reason[i] = (uint16_t)(b->packet[i].secured ? consider(b, i, &batch) : OK);
	}
	if (batch.count)
		run(w, b, &batch);
	for (unsigned i = 0; i < b->count; i++) {
		if (unlikely(batch.reason[i] != OK)) {
			b->packet[i].leg->stats.dropped++;
			dp_drop(w, b->mbuf[i], batch.reason[i]);
			continue;
		}
		dp_keep(b, kept++, i);
	}
	return kept;
}

unsigned dp_stage_unprotect(struct dp_worker *w, struct dp_burst *b)
{
	uint16_t any = 0;

	for (unsigned i = 0; i < b->count; i++)
		any |= b->packet[i].leg->rx.flags;
	return likely(!(any & DP_LEG_SRTP_IN)) ? b->count : unprotect(w, b);
}
