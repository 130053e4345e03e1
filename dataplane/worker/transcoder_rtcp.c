// SPDX-License-Identifier: BSD-3-Clause
// RTCP of transcoded legs (RFC 3550 section 6.4). What comes speaks of streams that end here, so it ends here,
// too, and each party gets reports about what is sent to it and what came from it: a sender report while
// something is sent, else a receiver report, and the SDES that has to follow.
#include <string.h>
#include <time.h>

#include "dataplane/abi/shm.h"
#include "dataplane/media/rtcp.h"
#include "dataplane/media/rtp.h"
#include "dataplane/worker/transcoder_state.h"

#define SECOND_US    1000000u
#define INTERVAL_US  5000000u    // on the average
#define NTP_OFFSET   2208988800u // seconds from 1900 to 1970
#define SR_SIZE      28u
#define RR_SIZE      8u
#define BLOCK_SIZE   24u
#define SDES_CNAME   1u
#define MAX_COMPOUND 128u
#define ACTIVE_US    10000000u // what was sent so recently makes us a sender

static void put16(uint8_t *p, uint16_t v)
{
	v = __builtin_bswap16(v);
	memcpy(p, &v, 2);
}

static void put32(uint8_t *p, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(p, &v, 4);
}

static uint64_t ntp_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return ((uint64_t)now.tv_sec + NTP_OFFSET) << 32 |
	       ((uint64_t)now.tv_nsec << 32) / 1000000000u;
}

// ---- in

void dp_tc_rtcp_read(struct dp_transcoder *t, struct dp_tc_leg *leg, const uint8_t *p, size_t size)
{
	struct rtcp_view view;

	if (rtcp_parse(&view, p, size) != RTCP_GOOD)
		return;
	for (size_t at = 0; at + 8 <= size;) {
		size_t length = ((size_t)rtp_read16(p + at + 2) + 1) * 4;

		if (p[at + 1] == RTCP_SR && length >= SR_SIZE) {
			leg->received.sr_middle =
				rtp_read32(p + at + 8) << 16 | rtp_read32(p + at + 12) >> 16;
			leg->received.sr_us = t->now_us;
		}
		at += length;
	}
}

// ---- out

static size_t write_block(struct dp_transcoder *t, struct dp_tc_received *r, uint8_t *p)
{
	uint32_t lost = rtp_stats_lost(&r->stats, &r->more);
	uint32_t expected = (uint32_t)r->stats.packets + lost;
	uint32_t since = expected - r->expected_before, lost_since = lost - r->lost_before;
	uint32_t fraction = since && (int32_t)lost_since > 0 ? (lost_since << 8) / since : 0;

	put32(p, r->stats.ssrc);
	put32(p + 4, (fraction > 255 ? 255 : fraction) << 24 | (lost > 0x7fffff ? 0x7fffff : lost));
	put32(p + 8, r->stats.highest);
	put32(p + 12, r->stats.jitter >> 4);
	put32(p + 16, r->sr_us ? r->sr_middle : 0);
	put32(p + 20, r->sr_us ? (uint32_t)(((t->now_us - r->sr_us) << 16) / SECOND_US) : 0);
	r->expected_before = expected;
	r->lost_before = lost;
	return BLOCK_SIZE;
}

// RTP time of now: that of the last packet, and what has passed since.
static uint32_t rtp_now(const struct dp_transcoder *t, const struct dp_tc_leg *leg)
{
	return leg->sent.timestamp +
	       (uint32_t)((t->now_us - leg->sent.last_us) * leg->terms.clock / SECOND_US);
}

static size_t write_head(struct dp_transcoder *t, const struct dp_tc_leg *leg, bool sender,
	unsigned blocks, uint8_t *p)
{
	uint64_t ntp = ntp_now();
	size_t size = sender ? SR_SIZE : RR_SIZE;

	p[0] = (uint8_t)(0x80 | blocks);
	p[1] = sender ? RTCP_SR : RTCP_RR;
	put16(p + 2, (uint16_t)((size + blocks * BLOCK_SIZE) / 4 - 1));
	put32(p + 4, leg->terms.ssrc);
	if (!sender)
		return size;
	put32(p + 8, (uint32_t)(ntp >> 32));
	put32(p + 12, (uint32_t)ntp);
	put32(p + 16, rtp_now(t, leg));
	put32(p + 20, leg->sent.packets);
	put32(p + 24, leg->sent.octets);
	return size;
}

static size_t write_sdes(const struct dp_transcoder *t, uint32_t ssrc, uint8_t *p)
{
	size_t name = strlen(t->cname), size = (4 + 4 + 2 + name + 1 + 3) / 4 * 4;

	memset(p, 0, size);
	p[0] = 0x81;
	p[1] = RTCP_SDES;
	put16(p + 2, (uint16_t)(size / 4 - 1));
	put32(p + 4, ssrc);
	p[8] = SDES_CNAME;
	p[9] = (uint8_t)name;
	memcpy(p + 10, t->cname, name);
	return size;
}

void dp_tc_rtcp_send(struct dp_transcoder *t, struct dp_tc_session *s, unsigned leg)
{
	struct dp_tc_leg *l = &s->leg[leg];
	bool sender = l->sent.packets && t->now_us - l->sent.last_us < ACTIVE_US;
	bool receiver = l->received.stats.started == RTP_STARTED;
	uint8_t compound[MAX_COMPOUND], *p;
	struct dp_side *record;
	size_t size;

	// A half to one and a half intervals (6.3.1).
	dp_tc_due(t, &l->timer[DP_TC_RTCP],
		t->now_us + INTERVAL_US / 2 + dp_tc_random(t) % INTERVAL_US);
	if (!l->terms.rtcp || (!sender && !receiver))
		return;
	size = write_head(t, l, sender, receiver, compound);
	if (receiver)
		size += write_block(t, &l->received, compound + size);
	size += write_sdes(t, l->terms.ssrc, compound + size);
	p = dp_tc_place(t, s, leg, DP_SIDE_RTCP, size, &record);
	if (!p)
		return;
	memcpy(p, compound, size);
	dp_tc_commit(t, s, record);
	abi_add64(&t->counters.rtcp_out, 1);
}
