// SPDX-License-Identifier: BSD-3-Clause
// The SSRCs of a context and their indices; for srtp.c. One thread, that of the context.
#pragma once

#include "dataplane/media/srtp.h"

#define SRTCP_LAST 0x7fffffffu
#define SRTP_LAST  0xffffffffffffull

// NULL when the SSRC is not among them.
struct srtp_stream *srtp_stream_find(struct srtp_context *c, uint32_t ssrc);
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
