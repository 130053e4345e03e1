// SPDX-License-Identifier: BSD-3-Clause
// Stage divert: packets of legs that are recorded are copied to the recorder; RTP and RTCP of legs that are
// transcoded go to their transcoder and no further. Both by rings in which nobody waits: what finds no room
// is dropped and counted, so neither a slow disk nor a full transcoder ever delays a packet that is relayed.
//
// And the way back: what transcoders have made goes on from protect, as if it had come from the other party.
#include "dataplane/pipeline/secure.h"
#include "dataplane/worker/side_ring.h"

#define OK        DP_REASONS
#define MADE_ROOM 96u // before a packet: for the headers that it leaves with

static bool copy_to(struct dp_side_ring *ring, const struct dp_burst *b, const struct dp_packet *k,
	unsigned headers)
{
	uint32_t size = headers + k->length;
	struct dp_side *s = dp_side_place(ring, size);

	if (unlikely(!s))
		return false;
	s->size = (uint16_t)size;
	s->kind = k->component ? DP_SIDE_RTCP : DP_SIDE_RTP;
	s->leg = k->leg->index;
	s->slot = k->leg->slot;
	s->generation = k->leg->generation;
	s->ip_size = (uint16_t)headers;
	s->reserved = 0;
	s->time = b->now;
	memcpy(dp_side_bytes(s), k->frame + k->payload - headers, size);
	dp_side_commit(ring, s);
	return true;
}

static void record(struct dp_worker *w, const struct dp_burst *b, const struct dp_packet *k)
{
	bool room = w->recorder && copy_to(w->recorder, b, k, (unsigned)k->payload - k->ip);

	dp_count(w, room ? DP_COUNT_RECORDED : DP_COUNT_RECORD_LOST, 1);
}

// DP_TAKEN, or why not.
static unsigned divert(struct dp_worker *w, const struct dp_burst *b, const struct dp_packet *k)
{
	struct dp_side_ring *ring = w->to_transcoder[k->leg->transcoder];

	dp_unsent(k); // what is made of it counts as sent
	if (unlikely(!ring || !copy_to(ring, b, k, 0)))
		return DP_DROP_TRANSCODER_FULL;
	dp_count(w, DP_COUNT_DIVERTED, 1);
	return DP_TAKEN;
}

static __attribute__((noinline)) unsigned divert_some(struct dp_worker *w, struct dp_burst *b)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < b->count; i++) {
		const struct dp_packet *k = &b->packet[i];
		unsigned reason = OK;

		if (k->leg->rx.flags & DP_LEG_RECORD)
			record(w, b, k);
		if (k->leg->rx.flags & DP_LEG_CODEC)
			reason = divert(w, b, k);
		if (reason == OK)
			dp_keep(b, kept++, i);
		else if (reason == DP_TAKEN)
			w->dropped[w->dropped_count++] = b->mbuf[i];
		else
			dp_drop(w, b->mbuf[i], reason);
	}
	return kept;
}

unsigned dp_stage_divert(struct dp_worker *w, struct dp_burst *b)
{
	uint16_t any = 0;

	for (unsigned i = 0; i < b->count; i++)
		any |= b->packet[i].leg->rx.flags;
	return likely(!(any & (DP_LEG_CODEC | DP_LEG_RECORD))) ? b->count : divert_some(w, b);
}

// ---- the way back

// The leg whose headers a packet for `leg` of the session leaves with: the other one. NULL: the session has
// ended, or has no transcoder any more.
static struct dp_leg *towards(const struct dp_worker *w, const struct dp_side *s)
{
	const struct dp_listed *l = s->slot < w->slots ? &w->listed[s->slot] : NULL;
	struct dp_leg *leg;

	if (!l || s->leg > 1 || l->generation != s->generation)
		return NULL;
	leg = __atomic_load_n(&l->leg[!s->leg], __ATOMIC_ACQUIRE);
	return leg && leg->rx.flags & DP_LEG_ACTIVE && leg->peer ? leg : NULL;
}

static bool lay_packet(
	struct dp_worker *w, struct dp_burst *b, struct dp_leg *leg, struct dp_side *s)
{
	struct rte_mbuf *m = w->pool ? rte_pktmbuf_alloc(w->pool) : NULL;
	unsigned i = b->count;
	struct dp_packet *k = &b->packet[i];

	if (!m)
		return false;
	*k = (struct dp_packet){
		.frame = rte_pktmbuf_mtod(m, uint8_t *),
		.leg = leg,
		.payload = MADE_ROOM,
		.length = s->size,
		.family = leg->rx.onward.l3_length == 20 ? 4 : 6,
		.component = s->kind == DP_SIDE_RTCP,
		.whole = 1,
		.mapped = 1,
	};
	memcpy(k->frame + MADE_ROOM, dp_side_bytes(s), s->size);
	m->data_len = m->pkt_len = MADE_ROOM + s->size;
	if (k->component) {
		k->headers = (uint8_t)i;
		dp_leg_rtcp_template(leg, &b->rtcp_headers[i]);
	} else {
		leg->unsent_packets--;
		leg->unsent_octets -= s->size;
	}
	b->mbuf[i] = m;
	b->count++;
	return true;
}

static void take_made(struct dp_worker *w, struct dp_burst *b, struct dp_side_ring *ring)
{
	struct dp_side *s;

	while (b->count < DP_BURST && (s = dp_side_next(ring))) {
		struct dp_leg *leg = towards(w, s);
		bool good = leg && lay_packet(w, b, leg, s);

		dp_count(w, good ? DP_COUNT_MADE : DP_COUNT_MADE_LOST, 1);
	}
}

unsigned dp_take_made(struct dp_worker *w, struct dp_burst *b)
{
	b->count = 0;
	for (unsigned n = 0; n < w->transcoders && b->count < DP_BURST; n++) {
		unsigned t = (w->made_next + n) % w->transcoders;

		if (w->from_transcoder[t])
			take_made(w, b, w->from_transcoder[t]);
	}
	w->made_next++; // none of them comes first always
	return b->count;
}

bool dp_made_waits(const struct dp_worker *w)
{
	for (unsigned t = 0; t < w->transcoders; t++)
		if (w->from_transcoder[t] && !dp_side_empty(w->from_transcoder[t]))
			return true;
	return false;
}
