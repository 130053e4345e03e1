// SPDX-License-Identifier: BSD-3-Clause
// RTP payloads of AMR and AMR-WB (RFC 4867), octet-aligned and bandwidth-efficient, one channel, without
// interleaving, CRC and robust sorting.
//
// Pure functions on bytes. A frame is as the storage format has it (RFC 4867 5.3), and as the codec libraries
// take and give it: a byte of frame type and quality, then the speech bits, filled up to whole bytes.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AMR_MAX_FRAMES 6u  // 120 ms
#define AMR_MAX_FRAME  61u // bytes: AMR-WB 23.85
#define AMR_CMR_NONE   15u
#define AMR_LOST       14u // frame types: speech that was lost (WB),
#define AMR_NO_DATA    15u // and nothing

struct amr_payload {
	uint8_t cmr;   // mode that the sender asks for, AMR_CMR_NONE
	uint8_t count; // of frames, in order of time
	uint8_t type[AMR_MAX_FRAMES];
	uint8_t frame[AMR_MAX_FRAMES][AMR_MAX_FRAME];
};

#ifdef __cplusplus
extern "C" {
#endif

// Speech bits of a frame type (SID and nothing too); -1: reserved.
int amr_bits(bool wide, unsigned type);

// 0 or -EBADMSG: it ends before its frames do, has more than six, a reserved type, or bytes behind.
int amr_read(
	struct amr_payload *out, bool wide, bool aligned, const uint8_t *payload, size_t length);

// Bytes written; -ENOSPC.
int amr_write(const struct amr_payload *in, bool wide, bool aligned, uint8_t *out, size_t capacity);

#ifdef __cplusplus
}
#endif
