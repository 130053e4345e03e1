// SPDX-License-Identifier: BSD-3-Clause
// The SSRCs of a context and their indices; for srtp.c. One thread, that of the context.
#pragma once

#include "dataplane/media/srtp.h"

#define SRTCP_LAST 0x7fffffffu
#define SRTP_LAST  0xffffffffffffull

// Of srtp_stream.rtp.
#define SRTP_SAW_RTP  1u
#define SRTP_SAW_RTCP 2u

// NULL when the SSRC is not among them.
static inline struct srtp_stream *srtp_stream_find(struct srtp_context *c, uint32_t ssrc)
{
	for (unsigned i = 0; i < SRTP_STREAMS; i++)
		if (__builtin_expect(c->stream[i].ssrc == ssrc && c->stream[i].used, 1))
			return &c->stream[i];
	return NULL;
}
// The stream of this SSRC, made or brought back if need be. NULL: no place.
struct srtp_stream *srtp_stream_take(struct srtp_context *c, uint32_t ssrc);

// The index that a sequence number most likely means (RFC 3711 section 3.3.1); `s` NULL: a stream that
// begins with it. What was retired is known too.
uint64_t srtp_guess_index(
	const struct srtp_context *c, const struct srtp_stream *s, uint32_t ssrc, uint16_t seq);

// SRTP_OK, SRTP_REPLAYED or SRTP_EXHAUSTED: may this index still be used?
enum srtp_verdict srtp_check_index(const struct srtp_stream *s, uint64_t index);
// It is used now.
void srtp_use_index(struct srtp_context *c, struct srtp_stream *s, uint64_t index);

enum srtp_verdict srtcp_check_index(const struct srtp_stream *s, uint32_t index);
void srtcp_use_index(struct srtp_context *c, struct srtp_stream *s, uint32_t index);

// ---- the usual packet, a little ahead of the highest one of its stream: the same as the functions above

static inline bool srtp_is_next(const struct srtp_stream *s, uint16_t seq, uint64_t *index)
{
	uint16_t ahead = (uint16_t)(seq - (uint16_t)s->highest);

	*index = s->highest + ahead;
	return __builtin_expect(
		ahead - 1u < 63u && s->rtp & SRTP_SAW_RTP && *index <= SRTP_LAST, 1);
}

// Its index may be used; `index` as srtp_is_next() has answered it, for no other packet since.
static inline void srtp_use_next(struct srtp_context *c, struct srtp_stream *s, uint64_t index)
{
	unsigned by = (unsigned)(index - s->highest);

	s->window[1] = s->window[1] << by | s->window[0] >> (64 - by);
	s->window[0] = s->window[0] << by | 1;
	s->highest = index;
	s->touched = c->clock;
	if (__builtin_expect(index >= s->promised, 0)) {
		s->promised = index + SRTP_RESERVED;
		c->fresh = true;
	}
}
