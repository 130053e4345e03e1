// SPDX-License-Identifier: BSD-3-Clause
// Connectivity checks that we send (RFC 8445 7.2.4, RFC 8489): one Binding request, and whether a datagram is its success
// response, proved by the party's password. Bytes in, bytes out; any thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CP_BINDING_MAX 320u // bytes of a request, with the longest user name that an a=ice-ufrag allows us
#define CP_BINDING_ID  12u

struct cp_binding {
	uint8_t id[CP_BINDING_ID]; // of the transaction, random
	const char *username;      // "theirs:ours", up to 128 characters
	const char *password;      // theirs
	uint32_t priority;         // that a candidate found by the check would have
	uint64_t tie_breaker;      // we are controlling
	bool use;                  // USE-CANDIDATE: it nominates
};

#ifdef __cplusplus
extern "C" {
#endif

// Its length; 0: `size` or the user name does not fit.
size_t cp_binding_request(const struct cp_binding *b, uint8_t *out, size_t size);
// The success response to that transaction, with MESSAGE-INTEGRITY by that password and, if there is one, a right
// FINGERPRINT.
bool cp_binding_accepted(
	const uint8_t *bytes, size_t n, const uint8_t id[CP_BINDING_ID], const char *password);

#ifdef __cplusplus
}
#endif
