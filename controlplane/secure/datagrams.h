// SPDX-License-Identifier: BSD-3-Clause
// A BIO that keeps datagrams apart, which OpenSSL's memory BIO does not. One direction is bytes of the
// caller's that are read once, the other a queue of what OpenSSL wrote.
//
// Thread: that of its owner.
#pragma once

#include <openssl/bio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CP_DATAGRAMS      16u // that a flight may have
#define CP_DATAGRAM_BYTES 1500u

struct cp_datagrams {
	const uint8_t *in; // of the caller, NULL: none
	size_t in_size;
	unsigned first, count;
	uint16_t size[CP_DATAGRAMS];
	uint8_t *bytes; // CP_DATAGRAMS * CP_DATAGRAM_BYTES, made when first written
};

#ifdef __cplusplus
extern "C" {
#endif

// Reads and writes `d`, which must outlive it. NULL: no memory.
BIO *cp_datagrams_bio(struct cp_datagrams *d);
// The oldest one written, 0: none.
size_t cp_datagrams_take(struct cp_datagrams *d, uint8_t *out, size_t size);
void cp_datagrams_fini(struct cp_datagrams *d);

#ifdef __cplusplus
}
#endif
