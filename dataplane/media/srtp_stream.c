// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/media/srtp_stream.h"

#include <string.h>

static struct srtp_retired *find_retired(const struct srtp_context *c, uint32_t ssrc)
{
	for (unsigned i = 0; i < c->retired_count; i++)
		if (c->retired[i].ssrc == ssrc)
			return (struct srtp_retired *)&c->retired[i];
	return NULL;
}

// A stream of which everything up to an index is taken for used.
static void begin_behind(struct srtp_stream *s, uint64_t highest, uint32_t rtcp, uint8_t rtp)
{
	s->highest = highest;
	s->rtcp_highest = rtcp;
	s->rtp = rtp;
	memset(s->window, 0xff, sizeof(s->window));
	memset(s->rtcp_window, 0xff, sizeof(s->rtcp_window));
}

// The one that was not used for longest; a free one if there is one.
static struct srtp_stream *oldest(struct srtp_context *c)
{
	struct srtp_stream *s = &c->stream[0];

	for (unsigned i = 0; i < SRTP_STREAMS; i++) {
		if (!c->stream[i].used)
			return &c->stream[i];
		if (c->clock - c->stream[i].touched > c->clock - s->touched)
			s = &c->stream[i];
	}
	return s;
}

static void retire(struct srtp_retired *to, const struct srtp_stream *s)
{
	*to = (struct srtp_retired){
		.ssrc = s->ssrc,
		.roc = (uint32_t)(s->highest >> 16),
		.seq = (uint16_t)s->highest,
		.rtcp_index = s->rtcp_highest,
		.rtp = s->rtp,
	};
}

struct srtp_stream *srtp_stream_take(struct srtp_context *c, uint32_t ssrc)
{
	struct srtp_stream *s = srtp_stream_find(c, ssrc);
	struct srtp_retired *place, back;

	if (s)
		return s;
	place = find_retired(c, ssrc);
	back = place ? *place : (struct srtp_retired){0};
	s = oldest(c);
	if (s->used && !place) {
		if (c->retired_count == SRTP_RETIRED)
			return NULL;
		place = &c->retired[c->retired_count++];
	}
	if (s->used)
		retire(place, s);
	else if (place)
		*place = c->retired[--c->retired_count];
	memset(s, 0, sizeof(*s));
	s->used = 1;
	s->ssrc = ssrc;
	s->touched = c->clock;
	if (back.rtp)
		begin_behind(s, (uint64_t)back.roc << 16 | back.seq, back.rtcp_index, back.rtp);
	return s;
}

static uint64_t nearest(uint64_t highest, uint16_t seq)
{
	int16_t ahead = (int16_t)(seq - (uint16_t)highest);

	// Before the very first one there is nothing.
	if (ahead < 0 && highest < (uint64_t)-ahead)
		return seq;
	return highest + (uint64_t)(int64_t)ahead;
}

uint64_t srtp_guess_index(
	const struct srtp_context *c, const struct srtp_stream *s, uint32_t ssrc, uint16_t seq)
{
	const struct srtp_retired *r;

	if (s)
		return s->rtp & SRTP_SAW_RTP ? nearest(s->highest, seq) : (uint64_t)c->roc << 16 | seq;
	r = find_retired(c, ssrc);
	if (r && r->rtp & SRTP_SAW_RTP)
		return nearest((uint64_t)r->roc << 16 | r->seq, seq);
	return (uint64_t)c->roc << 16 | seq;
}

static enum srtp_verdict look(const uint64_t window[2], uint64_t behind)
{
	if (behind >= SRTP_WINDOW || window[behind / 64] >> behind % 64 & 1)
		return SRTP_REPLAYED;
	return SRTP_OK;
}

enum srtp_verdict srtp_check_index(const struct srtp_stream *s, uint64_t index)
{
	if (index > SRTP_LAST)
		return SRTP_EXHAUSTED;
	if (!(s->rtp & SRTP_SAW_RTP) || index > s->highest)
		return SRTP_OK;
	return look(s->window, s->highest - index);
}

static void slide(uint64_t window[2], uint64_t by)
{
	if (by >= 128) {
		window[0] = window[1] = 0;
	} else if (by >= 64) {
		window[1] = window[0] << (by - 64);
		window[0] = 0;
	} else if (by) {
		window[1] = window[1] << by | window[0] >> (64 - by);
		window[0] <<= by;
	}
}

void srtp_use_index(struct srtp_context *c, struct srtp_stream *s, uint64_t index)
{
	s->touched = c->clock;
	if (!(s->rtp & SRTP_SAW_RTP)) {
		s->rtp |= SRTP_SAW_RTP;
		s->highest = index;
		s->window[0] = 1;
		s->window[1] = 0;
	} else if (index > s->highest) {
		slide(s->window, index - s->highest);
		s->window[0] |= 1;
		s->highest = index;
	} else {
		uint64_t behind = s->highest - index;

		s->window[behind / 64 % 2] |= 1ull << behind % 64;
	}
	if (__builtin_expect(index >= s->promised, 0)) {
		s->promised = index + SRTP_RESERVED;
		c->fresh = true;
	}
}

enum srtp_verdict srtcp_check_index(const struct srtp_stream *s, uint32_t index)
{
	if (index > SRTCP_LAST)
		return SRTP_EXHAUSTED;
	if (!(s->rtp & SRTP_SAW_RTCP) || index > s->rtcp_highest)
		return SRTP_OK;
	return look(s->rtcp_window, s->rtcp_highest - index);
}

void srtcp_use_index(struct srtp_context *c, struct srtp_stream *s, uint32_t index)
{
	s->touched = c->clock;
	if (!(s->rtp & SRTP_SAW_RTCP)) {
		s->rtp |= SRTP_SAW_RTCP;
		s->rtcp_highest = index;
		s->rtcp_window[0] = 1;
		s->rtcp_window[1] = 0;
	} else if (index > s->rtcp_highest) {
		slide(s->rtcp_window, index - s->rtcp_highest);
		s->rtcp_window[0] |= 1;
		s->rtcp_highest = index;
	} else {
		uint32_t behind = s->rtcp_highest - index;

		s->rtcp_window[behind / 64 % 2] |= 1ull << behind % 64;
	}
	if (index >= s->rtcp_promised) {
		s->rtcp_promised = index + SRTP_RESERVED;
		c->fresh = true;
	}
}

// ---- between processes

void srtp_resume(struct srtp_context *c, const struct abi_srtp_stream *from)
{
	uint64_t next = (uint64_t)from->roc << 16 | from->seq;
	struct srtp_stream *s = from->used ? srtp_stream_take(c, from->ssrc) : NULL;

	if (!s)
		return;
	begin_behind(s, next ? next - 1 : 0, from->srtcp_index ? from->srtcp_index - 1 : 0,
		(uint8_t)((next ? SRTP_SAW_RTP : 0) | (from->srtcp_index ? SRTP_SAW_RTCP : 0)));
	s->promised = next;
	s->rtcp_promised = from->srtcp_index;
	c->fresh = true;
}

void srtp_publish(const struct srtp_context *c, struct abi_srtp_stream to[2])
{
	const struct srtp_stream *best[2] = {NULL, NULL};

	memset(to, 0, 2 * sizeof(*to));
	for (unsigned i = 0; i < SRTP_STREAMS; i++) {
		const struct srtp_stream *s = &c->stream[i];

		if (!s->used)
			continue;
		if (!best[0] || c->clock - s->touched < c->clock - best[0]->touched) {
			best[1] = best[0];
			best[0] = s;
		} else if (!best[1] || c->clock - s->touched < c->clock - best[1]->touched) {
			best[1] = s;
		}
	}
	for (unsigned i = 0; i < 2 && best[i]; i++) {
		uint64_t next = best[i]->rtp & SRTP_SAW_RTP ? best[i]->promised : 0;

		to[i].ssrc = best[i]->ssrc;
		to[i].roc = (uint32_t)(next >> 16);
		to[i].seq = (uint16_t)next;
		to[i].srtcp_index = best[i]->rtp & SRTP_SAW_RTCP ? best[i]->rtcp_promised : 0;
		to[i].used = 1;
	}
}

// The record's place of an SSRC, or one that is free. NULL: two others are there.
static struct abi_srtp_stream *place_of(struct abi_srtp_stream to[2], uint32_t ssrc)
{
	for (unsigned i = 0; i < 2; i++)
		if (!to[i].used || to[i].ssrc == ssrc)
			return &to[i];
	return NULL;
}

void srtp_publish_rtcp(const struct srtp_context *c, struct abi_srtp_stream to[2])
{
	for (unsigned i = 0; i < SRTP_STREAMS; i++) {
		const struct srtp_stream *s = &c->stream[i];
		struct abi_srtp_stream *at;

		at = s->used && s->rtp & SRTP_SAW_RTCP ? place_of(to, s->ssrc) : NULL;
		if (!at)
			continue;
		at->ssrc = s->ssrc;
		at->used = 1;
		if (s->rtcp_promised > at->srtcp_index)
			at->srtcp_index = s->rtcp_promised;
	}
}
