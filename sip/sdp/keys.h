// SPDX-License-Identifier: BSD-3-Clause
//
// Private to sip/sdp: crypto.c (keys in text, and derived), secure.c (who uses which).
#pragma once

#include "sip/sdp/secure.h"

// 64 octets that only who has the secret knows, another for each `what` and each `more`.
void sdp_derive(const struct sdp_security *s, const char *what, const void *more, size_t n,
	uint8_t out[64]);
// What we send with in this stream by this suite. No tag.
void sdp_crypto_ours(
	const struct sdp_security *s, unsigned stream, unsigned suite, struct sdp_crypto *out);
void sdp_put_crypto(struct sdp_writer *w, uint32_t tag, const struct sdp_crypto *c);
// n octets as n characters that ICE takes (6 bits each), and a NUL.
void sdp_text_of(const uint8_t *bytes, unsigned n, char *out);
