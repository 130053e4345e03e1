// SPDX-License-Identifier: BSD-3-Clause
// UDPTL (ITU-T T.38 over UDP) at a leg that has it instead of RTP: relayed as it is. The party is learned
// by the sequence numbers that its datagrams begin with, as it would be by those of RTP.
#include "dataplane/media/rtp.h"
#include "dataplane/pipeline/secure.h"

#define OK        DP_REASONS
#define MIN_UDPTL 3u // sequence number, length of the primary packet

static void count(struct dp_leg *leg, const struct dp_packet *k, uint16_t seq, uint64_t now)
{
	struct rtp_stats *s = &leg->stats;

	if (unlikely(!s->packets))
		leg->more.first_us = dp_ticks_to_us(now);
	// It has no timestamps: to be on time is all that can be said of them.
	rtp_stats_update(
		s, &leg->more, 0, seq, (uint32_t)(now * s->clock_rate >> 20), 0, k->length, now);
}

unsigned dp_admit_udptl(
	struct dp_worker *w, struct dp_packet *k, const uint8_t *frame, uint64_t now)
{
	struct latch_addr source = dp_source_of(k, frame);
	struct dp_leg *leg = k->leg;
	enum latch_verdict verdict;
	uint16_t seq;

	if (k->component)
		return DP_DROP_NOT_RTCP;
	if (k->length < MIN_UDPTL)
		return DP_DROP_BAD_UDPTL;
	if (!(leg->rx.flags & DP_LEG_RECEIVE))
		return DP_DROP_HOLD;
	seq = rtp_read16(frame + k->payload);
	if (!dp_from_party(leg, k, frame)) {
		verdict = latch_rtp(&leg->latch[0], &source, 0, seq);
		if (verdict == LATCH_STRANGER) {
			leg->strangers++;
			return DP_DROP_STRANGER;
		}
		if (verdict != LATCH_ACCEPT) {
			dp_leg_follow_latch(leg);
			dp_tell_learned(w, leg, 0);
		}
	} else {
		k->settled = 1;
	}
	if (leg->rx.flags & (DP_LEG_PACKETS | DP_LEG_OCTETS)) {
		unsigned reason = dp_police(leg, k->length, (uint32_t)now);

		if (reason != OK)
			return reason;
	}
	count(leg, k, seq, now);
	k->mapped = 1; // nothing in it is ours to change
	return OK;
}
