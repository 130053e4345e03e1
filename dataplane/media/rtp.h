// SPDX-License-Identifier: BSD-3-Clause
// RTP as RFC 3550 section 5.1 draws it: a check of everything that a receiver may rely on, and a
// view of the fixed fields. Works on bytes that came from anybody; any thread.
//
// Refuses (RTP_BAD_): fewer than 12 bytes, a version other than 2, CSRCs or a header extension that
// do not fit, padding of no bytes or of more than there is.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define RTP_HEADER 12u

enum rtp_verdict {
	RTP_GOOD = 0,
	RTP_BAD_SHORT,
	RTP_BAD_VERSION,
	RTP_BAD_CSRC,
	RTP_BAD_EXTENSION,
	RTP_BAD_PADDING,
};

struct rtp_view {
	uint32_t header; // bytes up to the payload, CSRCs and extension included
	uint16_t seq;
	uint32_t timestamp;
	uint32_t ssrc;
	uint32_t payload; // bytes, padding excluded
	uint8_t padding;
	uint8_t type; // payload type, 0..127
	uint8_t marker;
};

#ifdef __cplusplus
extern "C" {
#endif

// Fills `view` only when the answer is RTP_GOOD.
enum rtp_verdict rtp_parse(struct rtp_view *view, const uint8_t *data, size_t size);

// The same verdict for a packet whose first byte says that it has CSRCs, extension or padding.
enum rtp_verdict rtp_check_rare(const uint8_t *data, size_t size);

#ifdef __cplusplus
}
#endif

static inline uint16_t rtp_read16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return __builtin_bswap16(v);
}

static inline uint32_t rtp_read32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return __builtin_bswap32(v);
}

// The hot path's check: nearly every packet is version 2 and nothing else in its first byte.
static inline enum rtp_verdict rtp_check(const uint8_t *data, size_t size)
{
	if (size < RTP_HEADER)
		return RTP_BAD_SHORT;
	if (data[0] == 0x80)
		return RTP_GOOD;
	return rtp_check_rare(data, size);
}
