// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/media/stats.h"

void rtp_stats_init(struct rtp_stats *s, struct rtp_stats_rare *r, uint32_t clock_rate)
{
	*s = (struct rtp_stats){.clock_rate = clock_rate};
	*r = (struct rtp_stats_rare){.bad_next = RTP_NO_BAD};
}

void rtp_stats_clock(struct rtp_stats *s, uint32_t clock_rate)
{
	if (clock_rate == s->clock_rate)
		return;
	s->clock_rate = clock_rate;
	s->jitter = 0;
	if (s->started)
		s->started = RTP_NEW_CLOCK;
}

// Packets that the current SSRC owes: RFC 3550 A.3, but repeats do not pay for losses.
static uint32_t lost_now(
	const struct rtp_stats *s, const struct rtp_stats_rare *r, uint64_t packets)
{
	uint64_t expected, received;

	if (!s->started)
		return 0;
	expected = (uint64_t)s->highest - r->base + 1;
	received = packets - r->before - (s->duplicate - r->duplicate_before);
	return expected > received ? (uint32_t)(expected - received) : 0;
}

uint32_t rtp_stats_lost(const struct rtp_stats *s, const struct rtp_stats_rare *r)
{
	return r->lost_before + lost_now(s, r, s->packets);
}

uint32_t rtp_stats_jitter_us(const struct rtp_stats *s)
{
	if (!s->clock_rate)
		return 0;
	return (uint32_t)((uint64_t)(s->jitter >> 4) * 1000000 / s->clock_rate);
}

// A first packet of an SSRC, or the second after a jump that the sender meant: `behind` packets of
// it were counted already.
static void begin(struct rtp_stats *s, struct rtp_stats_rare *r, uint16_t seq, uint32_t ssrc,
	uint32_t transit, uint32_t behind)
{
	r->lost_before += lost_now(s, r, s->packets - 1 - behind);
	r->before = s->packets - 1 - behind;
	r->duplicate_before = s->duplicate;
	r->bad_next = RTP_NO_BAD;
	s->ssrc = ssrc;
	// One cycle ahead, so that a packet older than the first does not go below zero.
	s->highest = 0x10000u | seq;
	r->base = s->highest - behind;
	s->window = behind ? 3 : 1;
	s->transit = transit;
	s->started = RTP_STARTED;
}

// A packet at or behind the highest: late, or seen before.
static void old(struct rtp_stats *s, struct rtp_stats_rare *r, uint32_t behind)
{
	if (behind < 64 && s->window & 1ull << behind) {
		s->duplicate++;
		return;
	}
	if (behind < 64)
		s->window |= 1ull << behind;
	s->out_of_order++;
	// Reordered before the first packet that came: the stream began earlier.
	if (s->highest - behind < r->base)
		r->base = s->highest - behind;
}

void rtp_stats_odd(struct rtp_stats *s, struct rtp_stats_rare *r, uint16_t seq, uint32_t ssrc,
	uint32_t transit)
{
	uint16_t behind = (uint16_t)((uint16_t)s->highest - seq);

	if (s->started == RTP_NEW_CLOCK && ssrc == s->ssrc) {
		uint16_t ahead = (uint16_t)-behind;

		s->transit = transit;
		s->started = RTP_STARTED;
		if (ahead - 1u < RTP_MAX_DROPOUT - 1) {
			rtp_stats_advance(s, ahead);
			return;
		}
	}
	if (!s->started || ssrc != s->ssrc) {
		if (s->started)
			r->ssrc_changes++;
		begin(s, r, seq, ssrc, transit, 0);
		return;
	}
	if (behind <= RTP_MAX_MISORDER) {
		old(s, r, behind);
		return;
	}
	// A jump. Two in a row make it a restart of the sender, or of its sequence numbers.
	if (seq == r->bad_next) {
		begin(s, r, seq, ssrc, transit, 1);
		return;
	}
	r->bad_next = (uint16_t)(seq + 1);
}
