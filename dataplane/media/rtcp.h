// SPDX-License-Identifier: BSD-3-Clause
// RTCP compound packets, checked as RFC 3550 appendix A.2 says, but reduced-size packets (RFC 5506)
// may begin with any RTCP type. Works on bytes that came from anybody; any thread.
//
// Refuses (RTCP_BAD_): fewer than 8 bytes, a version other than 2, a type outside 192..223, lengths
// that do not add up to the datagram, padding anywhere but in the last packet or of an impossible
// size.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum rtcp_verdict {
	RTCP_GOOD = 0,
	RTCP_BAD_SHORT,
	RTCP_BAD_VERSION,
	RTCP_BAD_TYPE,
	RTCP_BAD_LENGTH,
	RTCP_BAD_PADDING,
};

enum rtcp_type {
	RTCP_SR = 200,
	RTCP_RR = 201,
	RTCP_SDES = 202,
	RTCP_BYE = 203,
	RTCP_APP = 204,
	RTCP_RTPFB = 205,
	RTCP_PSFB = 206,
	RTCP_XR = 207,
};

struct rtcp_view {
	uint32_t ssrc;    // of the first packet's sender
	uint8_t type;     // of the first packet
	uint16_t packets; // in the compound
	uint8_t bye;      // 1: a BYE is among them
};

#ifdef __cplusplus
extern "C" {
#endif

// Fills `view` only when the answer is RTCP_GOOD.
enum rtcp_verdict rtcp_parse(struct rtcp_view *view, const uint8_t *data, size_t size);

#ifdef __cplusplus
}
#endif
