// SPDX-License-Identifier: BSD-3-Clause
// Stage admit: may this packet come in, by the policy of the leg whose port it came to? Checks that
// it is RTP of an accepted payload type from the leg's party, learns who that is, polices and
// counts.
//
// Everything that is not RTP from a confirmed source takes the slow way.
#include <rte_prefetch.h>

#include "dataplane/media/demux.h"
#include "dataplane/media/rtcp.h"
#include "dataplane/media/rtp.h"
#include "dataplane/pipeline/secure.h"

#define OK DP_REASONS

static __rte_always_inline bool accepts_type(const struct dp_leg *leg, uint8_t type)
{
	return leg->rx.payload_types[type >> 6] >> (type & 63) & 1;
}

// Virtual scheduling (ITU-T I.371): `*paid` is when what came before is paid off. A leg may be
// DP_POLICE_BURST ahead. A time further ahead than any packet can put it is one that wrapped.
static __rte_always_inline bool within_rate(uint32_t *paid, uint32_t cost, uint32_t now)
{
	int32_t ahead = (int32_t)(*paid - now);

	if (ahead < 0 || ahead > (int32_t)(DP_POLICE_BURST * 4)) {
		*paid = now;
		ahead = 0;
	}
	if (ahead > (int32_t)DP_POLICE_BURST)
		return false;
	*paid += cost;
	return true;
}

__attribute__((noinline)) unsigned dp_police(struct dp_leg *leg, uint32_t octets, uint32_t now)
{
	uint64_t octet_cost = (uint64_t)leg->police.octet_cost * octets >> 16;

	if (octet_cost > DP_POLICE_BURST)
		octet_cost = DP_POLICE_BURST;
	if (leg->rx.flags & DP_LEG_PACKETS &&
		!within_rate(&leg->police.packet_time, leg->police.packet_cost, now))
		return DP_DROP_PACKET_RATE;
	if (leg->rx.flags & DP_LEG_OCTETS &&
		!within_rate(&leg->police.octet_time, (uint32_t)octet_cost, now))
		return DP_DROP_OCTET_RATE;
	return OK;
}

static __rte_always_inline void count_rtp(
	struct dp_leg *leg, const struct dp_packet *k, const uint8_t *rtp, uint64_t now)
{
	if (unlikely(!leg->stats.packets))
		leg->more.first_us = dp_ticks_to_us(now);
	rtp_stats_update(&leg->stats, &leg->more, rtp[1] & 0x7f, rtp_read16(rtp + 2),
		rtp_read32(rtp + 4), rtp_read32(rtp + 8), k->length, now);
}

// A valid packet from a source that is not confirmed: learn, or refuse the stranger.
static enum dp_reason meet(
	struct dp_worker *w, struct dp_leg *leg, const struct dp_packet *k, const uint8_t *frame)
{
	const uint8_t *rtp = frame + k->payload;
	struct latch_addr source = dp_source_of(k, frame);
	enum latch_verdict verdict;

	verdict = latch_rtp(&leg->latch[0], &source, rtp_read32(rtp + 8), rtp_read16(rtp + 2));
	if (verdict == LATCH_STRANGER) {
		leg->strangers++;
		return DP_DROP_STRANGER;
	}
	if (verdict != LATCH_ACCEPT) {
		dp_leg_follow_latch(leg);
		dp_tell_learned(w, leg, 0);
	}
	return OK;
}

// RTP that the quick test did not pass.
static __attribute__((noinline)) enum dp_reason admit_doubtful(
	struct dp_worker *w, struct dp_leg *leg, const struct dp_packet *k, const uint8_t *frame)
{
	const uint8_t *rtp = frame + k->payload;

	if (rtp_check(rtp, k->length) != RTP_GOOD)
		return DP_DROP_BAD_RTP;
	if (leg->latch[0].state == LATCH_CONFIRMED && !dp_from_party(leg, k, frame)) {
		leg->strangers++;
		return DP_DROP_STRANGER;
	}
	if (!accepts_type(leg, rtp[1] & 0x7f))
		return DP_DROP_PAYLOAD_TYPE;
	if (!(leg->rx.flags & DP_LEG_RECEIVE))
		return DP_DROP_HOLD;
	return dp_from_party(leg, k, frame) ? OK : meet(w, leg, k, frame);
}

static enum dp_reason admit_rtcp(struct dp_worker *w, struct dp_burst *b, unsigned i,
	struct dp_packet *k, const uint8_t *frame)
{
	struct latch_addr source = dp_source_of(k, frame);
	struct dp_leg *leg = k->leg;
	enum latch_verdict verdict;
	struct rtcp_view view;

	// Encrypted from end to end, only its first header can be read.
	if (leg->rx.flags & DP_LEG_OPAQUE ? k->length < 8
					  : rtcp_parse(&view, frame + k->payload, k->length) != RTCP_GOOD)
		return DP_DROP_BAD_RTCP;
	if (k->component == 0)
		verdict = latch_muxed_rtcp(&leg->latch[0], &source) ? LATCH_ACCEPT : LATCH_STRANGER;
	else
		verdict = latch_rtcp(&leg->latch[1], &leg->latch[0], &source);
	if (verdict == LATCH_STRANGER) {
		leg->strangers++;
		return DP_DROP_STRANGER_RTCP;
	}
	if (verdict != LATCH_ACCEPT)
		dp_tell_learned(w, leg, 1);
	leg->rtcp_packets++;
	if (!leg->peer)
		return DP_DROP_NO_PEER;
	// A transcoder ends it here, and makes its own for both sides.
	if (!(leg->rx.flags & (DP_LEG_RTCP_IN | DP_LEG_CODEC)))
		return DP_DROP_RTCP_UNWANTED;
	k->component = 1;
	k->headers = (uint8_t)i;
	dp_leg_rtcp_template(leg, &b->rtcp_headers[i]);
	return OK;
}

// Everything that is not RTP on the port for RTP.
static __attribute__((noinline)) enum dp_reason admit_other(struct dp_worker *w, struct dp_burst *b,
	unsigned i, struct dp_packet *k, const uint8_t *frame)
{
	const uint8_t *p = frame + k->payload;
	bool muxed = k->leg->rx.flags & DP_LEG_MUX;
	enum media_kind kind;

	if (k->leg->rx.flags & DP_LEG_UDPTL)
		return dp_admit_udptl(w, k, frame, b->now);
	if (k->component == 1 && muxed)
		return DP_DROP_UNKNOWN_PORT;
	if (k->length < 2)
		return k->component ? DP_DROP_BAD_RTCP : DP_DROP_NOT_RTP;
	kind = media_demux(p[0], p[1]);
	if (kind == MEDIA_STUN)
		return dp_admit_stun(w, b, i);
	if (kind == MEDIA_DTLS)
		return dp_admit_dtls(w, b, i);
	if (kind == MEDIA_RTCP)
		return k->component || muxed ? admit_rtcp(w, b, i, k, frame) : DP_DROP_RTCP_ON_RTP;
	if (k->component)
		return DP_DROP_NOT_RTCP;
	return DP_DROP_NOT_RTP;
}

// What does not go on: dropped, or used up already.
static void put_away(struct dp_worker *w, struct dp_burst *b, unsigned i, unsigned reason)
{
	if (reason == DP_SENT)
		return;
	if (reason == DP_TAKEN) {
		w->dropped[w->dropped_count++] = b->mbuf[i];
		return;
	}
	if (reason != DP_DROP_UNKNOWN_PORT)
		b->packet[i].leg->stats.dropped++;
	dp_drop(w, b->mbuf[i], reason);
}

// Who only forwards a packet never reads its payload; who changes or copies it does so when the whole burst has
// been admitted, and it is there by then.
#define DP_LEG_TOUCHES (DP_LEG_A_TO_U | DP_LEG_U_TO_A | DP_LEG_CODEC | DP_LEG_RECORD)

static void fetch_payload(const uint8_t *rtp, unsigned length)
{
	for (unsigned at = 0; at < length && at < 256; at += 64)
		rte_prefetch0(rtp + at);
}

static __rte_always_inline enum dp_reason admit(struct dp_worker *w, struct dp_burst *b, unsigned i)
{
	struct dp_packet *k = &b->packet[i];
	const uint8_t *frame = k->frame;
	const uint8_t *rtp = frame + k->payload;
	struct dp_leg *leg = k->leg;
	uint16_t flags = __atomic_load_n(&leg->rx.flags, __ATOMIC_ACQUIRE); // then the rest
	enum dp_reason reason;

	k->settled = k->mapped = 0;
	if (unlikely(!(flags & DP_LEG_ACTIVE) || (flags & DP_LEG_SRTP_IN && !k->secured)))
		return DP_DROP_UNKNOWN_PORT;
	if (unlikely(flags & DP_LEG_UDPTL || k->length < RTP_HEADER || k->component ||
		     media_demux(rtp[0], rtp[1]) != MEDIA_RTP))
		return admit_other(w, b, i, k, frame);
	if (unlikely(rtp[0] != 0x80 || !(flags & DP_LEG_RECEIVE) ||
		     !accepts_type(leg, rtp[1] & 0x7f) || !dp_from_party(leg, k, frame))) {
		reason = admit_doubtful(w, leg, k, frame);
		if (reason != OK)
			return reason;
	} else {
		k->settled = 1;
	}
	if (unlikely(flags & (DP_LEG_PACKETS | DP_LEG_OCTETS))) {
		reason = dp_police(leg, k->length, (uint32_t)b->now);
		if (reason != OK)
			return reason;
	}
	count_rtp(leg, k, rtp, b->now);
	if (unlikely(leg->rx.onward.l3_length != 20))
		rte_prefetch0(&leg->six);
	if (unlikely(flags & DP_LEG_TOUCHES))
		fetch_payload(rtp, k->length);
	return OK;
}

unsigned dp_stage_admit(struct dp_worker *w, struct dp_burst *b)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < b->count; i++) {
		enum dp_reason reason = admit(w, b, i);

		if (unlikely(reason != OK)) {
			put_away(w, b, i, reason);
			continue;
		}
		dp_keep(b, kept++, i);
	}
	return kept;
}
