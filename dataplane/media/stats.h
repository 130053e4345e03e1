// SPDX-License-Identifier: BSD-3-Clause
// What a receiver knows about an RTP stream: RFC 3550 appendices A.1 (extended sequence numbers),
// A.3 (loss) and A.8 (jitter), and exact duplicates within the last 64 sequence numbers.
//
// Owner: the one thread that receives the leg. The hot half is one cache line and changes with
// every packet; the rest changes when a stream starts, jumps or changes its SSRC. Nothing is
// refused here: a packet that is relayed is counted. A jump of RTP_MAX_DROPOUT or more is taken for
// a restart of the sender when two packets in a row agree on it, as A.1 has it.
#pragma once

#include <stdint.h>

#define RTP_MAX_DROPOUT  3000u
#define RTP_MAX_MISORDER 100u

enum rtp_started {
	RTP_NOTHING = 0, // no packet yet
	RTP_STARTED = 1,
	RTP_NEW_CLOCK = 2, // started, but transit is of another clock rate
};

struct rtp_stats {        // 64 bytes
	uint64_t packets; // accepted
	uint64_t octets;  // of their UDP payloads
	uint64_t window;  // bit n: sequence number highest - n was received
	uint32_t ssrc;
	uint32_t highest; // extended: cycles << 16 | sequence number
	uint32_t transit; // arrival - timestamp of the last packet, in timestamp units
	uint32_t jitter;  // in timestamp units, times 16
	uint32_t duplicate;
	uint32_t out_of_order;
	uint32_t last; // arrival of the last packet in 2^-20 seconds, wrapping
	uint32_t clock_rate;
	uint32_t dropped; // came to the leg and was refused; the owner counts it
	uint8_t payload_type;
	uint8_t started; // enum rtp_started
	uint8_t reserved[2];
};

struct rtp_stats_rare {    // 40 bytes
	uint64_t before;   // packets counted before the current SSRC or restart
	uint64_t first_us; // 0: nothing came yet. The owner writes it
	uint32_t base;     // extended sequence number of the first packet
	uint32_t duplicate_before;
	uint32_t lost_before; // of earlier SSRCs and restarts
	uint32_t bad_next;    // sequence number that would prove a restart; RTP_NO_BAD: none
	uint32_t ssrc_changes;
	uint32_t reserved;
};
#define RTP_NO_BAD 0x10000u

#ifdef __cplusplus
extern "C" {
#endif

void rtp_stats_init(struct rtp_stats *s, struct rtp_stats_rare *r, uint32_t clock_rate);

// The codec changed: jitter begins anew, everything else goes on. The same rate changes nothing.
void rtp_stats_clock(struct rtp_stats *s, uint32_t clock_rate);

// RFC 3550 A.3: packets expected less packets received, over all SSRCs; never negative.
uint32_t rtp_stats_lost(const struct rtp_stats *s, const struct rtp_stats_rare *r);

// RFC 3550 6.4.1, in microseconds.
uint32_t rtp_stats_jitter_us(const struct rtp_stats *s);

// Everything but "the next packet, or a few later": first packet, new SSRC, old packet, jump.
void rtp_stats_odd(struct rtp_stats *s, struct rtp_stats_rare *r, uint16_t seq, uint32_t ssrc,
	uint32_t transit);

#ifdef __cplusplus
}
#endif

static inline void rtp_stats_advance(struct rtp_stats *s, uint16_t ahead)
{
	s->highest += ahead;
	s->window = ahead < 64 ? s->window << ahead | 1 : 1;
}

// Counts one accepted packet. `now` is the arrival in 2^-20 seconds, of any epoch.
static inline void rtp_stats_update(struct rtp_stats *s, struct rtp_stats_rare *r, uint8_t type,
	uint16_t seq, uint32_t timestamp, uint32_t ssrc, uint32_t octets, uint64_t now)
{
	uint32_t arrival = (uint32_t)(now * s->clock_rate >> 20);
	uint16_t ahead = (uint16_t)(seq - (uint16_t)s->highest);
	uint32_t transit = arrival - timestamp;

	s->packets++;
	s->octets += octets;
	s->last = (uint32_t)now;
	s->payload_type = type;
	if (__builtin_expect(ssrc == s->ssrc && s->started == RTP_STARTED &&
				     ahead - 1u < RTP_MAX_DROPOUT - 1,
		    1)) {
		int32_t d = (int32_t)(transit - s->transit);

		rtp_stats_advance(s, ahead);
		s->transit = transit;
		d = d < 0 ? -d : d;
		s->jitter += (uint32_t)d - ((s->jitter + 8) >> 4);
		return;
	}
	if (ahead == 0 && ssrc == s->ssrc && s->started == RTP_STARTED)
		s->duplicate++;
	else
		rtp_stats_odd(s, r, seq, ssrc, transit);
}
