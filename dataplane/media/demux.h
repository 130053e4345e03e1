// SPDX-License-Identifier: BSD-3-Clause
// What a datagram on a media port is, by its first two bytes: RFC 7983 and, for RTP against RTCP on
// one port, RFC 5761 section 4. Looks at bytes only; any thread.
#pragma once

#include <stdint.h>

enum media_kind {
	MEDIA_OTHER = 0, // none of these: counted and dropped
	MEDIA_STUN = 1,  // first byte 0..3
	MEDIA_ZRTP = 2,  // 16..19
	MEDIA_DTLS = 3,  // 20..63
	MEDIA_TURN = 4,  // 64..79, channel data
	MEDIA_RTP = 5,   // 128..191
	MEDIA_RTCP = 6,  // 128..191, second byte 192..223
};

static inline enum media_kind media_demux(uint8_t first, uint8_t second)
{
	if ((first & 0xc0) == 0x80)
		return (second & 0xe0) == 0xc0 ? MEDIA_RTCP : MEDIA_RTP;
	if (first <= 3)
		return MEDIA_STUN;
	if (first >= 20 && first <= 63)
		return MEDIA_DTLS;
	if (first >= 16 && first <= 19)
		return MEDIA_ZRTP;
	if (first >= 64 && first <= 79)
		return MEDIA_TURN;
	return MEDIA_OTHER;
}
