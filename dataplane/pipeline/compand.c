// SPDX-License-Identifier: BSD-3-Clause
// What relay changes in the packets of legs whose codecs it can serve by itself: the payload type's number,
// and G.711 of one law into the other. Both in place; what they change of a checksum is carried over, so
// that a packet that was damaged on the way in is still recognised as damaged by the receiver.
#include "dataplane/codec/g711.h"
#include "dataplane/media/rtp.h"
#include "dataplane/pipeline/secure.h"

// In a ones' complement sum, and above what the words of a packet can lose.
#define NOTHING (65535ll << 16)

// Renumbers the payload type.
static uint64_t map_type(const struct dp_leg *leg, uint8_t *rtp)
{
	uint16_t before = dp_word16(rtp);

	for (unsigned i = 0; i < leg->pt_maps; i++) {
		if (leg->pt_map[i].from != (rtp[1] & 0x7f))
			continue;
		rtp[1] = (uint8_t)((rtp[1] & 0x80) | leg->pt_map[i].to);
		return (uint64_t)(uint16_t)~before + dp_word16(rtp);
	}
	return 0;
}

// The samples of a packet, behind its header and before its padding.
static uint8_t *samples(uint8_t *rtp, size_t length, size_t *count)
{
	struct rtp_view view;

	if (likely(rtp[0] == 0x80)) {
		*count = length - RTP_HEADER;
		return rtp + RTP_HEADER;
	}
	if (rtp_parse(&view, rtp, length) != RTP_GOOD)
		return NULL;
	*count = view.payload;
	return rtp + view.header;
}

static uint64_t compand(
	struct dp_worker *w, const struct dp_leg *leg, const struct dp_packet *k, uint8_t *rtp)
{
	size_t count = 0;
	uint8_t *p = samples(rtp, k->length, &count);
	int64_t more;

	if (!p || !count)
		return 0;
	more = leg->rx.flags & DP_LEG_A_TO_U ? g711_alaw_to_ulaw(p, count)
					     : g711_ulaw_to_alaw(p, count);
	dp_count(w, DP_COUNT_COMPANDED, 1);
	return (uint64_t)(more + NOTHING);
}

uint64_t dp_change_rtp(struct dp_worker *w, const struct dp_packet *k, uint8_t *rtp)
{
	const struct dp_leg *leg = k->leg;
	uint64_t change = 0;

	if (leg->rx.flags & (DP_LEG_A_TO_U | DP_LEG_U_TO_A) &&
		(rtp[1] & 0x7f) == leg->rx.codec_type)
		change = compand(w, leg, k, rtp);
	if (leg->rx.flags & DP_LEG_PT_MAP)
		change += map_type(leg, rtp);
	return change;
}
