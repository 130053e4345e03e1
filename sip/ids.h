// SPDX-License-Identifier: BSD-3-Clause
//
// Identifiers of our own making: branches, tags, Call-IDs. Each starts with the shard's prefix, so
// that a response, or a request inside a dialog, leads back to the shard that made it, and goes on
// with 80 random bits from the caller's generator, so that nobody guesses it.
//
// Thread: the shard; `random` is called on it.
#pragma once

#include "sip/slice.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIP_PREFIX_MAX 8
#define SIP_COOKIE     "z9hG4bK" // RFC 3261 8.1.1.7
#define SIP_ID_TEXT    40        // any branch or tag of ours fits, with its terminator

struct sip_ids {
	char prefix[SIP_PREFIX_MAX + 1];                // of [A-Za-z0-9]; may be empty
	void (*random)(void *ctx, void *out, size_t n); // must not fail
	void *ctx;
};

// Each writes a terminated string and returns it as a slice of `out`.
struct sip_slice sip_id_tag(const struct sip_ids *ids, char out[SIP_ID_TEXT]);
struct sip_slice sip_id_branch(const struct sip_ids *ids, char out[SIP_ID_TEXT]);
// Without host part: "prefix" and random text. Our address is nobody's business (RFC 7092
// topology).
struct sip_slice sip_id_call_id(const struct sip_ids *ids, char out[SIP_ID_TEXT]);

// Does this branch, tag or Call-ID begin with `prefix` (after the cookie, for a branch)? That is
// how the socket thread finds the shard; sip_id_prefix cuts out the `n` characters to look up,
// empty when it is too short.
struct sip_slice sip_id_prefix(struct sip_slice id, size_t n);

#ifdef __cplusplus
}
#endif
