// SPDX-License-Identifier: BSD-3-Clause
// Who we are in DTLS: a P-256 key and a certificate of our own making (RFC 8827 6.5), known to the other side
// by the fingerprint in our SDP (RFC 8122). Counted references: associations keep theirs when a newer
// one takes its place.
//
// Kept in a file that only our user can read, so that a restart of hawse-sip need not show peers another
// fingerprint. The key is wiped when the last reference goes.
//
// Threads: any may hold and read one.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CP_FINGERPRINT      128u // "sha-256 AB:CD:..." and its NUL; SHA-512 has 199 and is not what we show
#define CP_IDENTITY_DAYS    30u  // that a certificate is valid
#define CP_IDENTITY_RENEWED 14u  // days after which a new one takes its place

#ifdef __cplusplus
extern "C" {
#endif

struct cp_identity;

// A new one, valid from a day ago. NULL: no memory, or no randomness.
struct cp_identity *cp_identity_new(void);
// From the file if there is one and it is young enough at `now` (Unix time, seconds), else a new one, which
// is written there if that can be done (`saved`, which may be NULL, says whether it is). `file` NULL: always new.
struct cp_identity *cp_identity_load(const char *file, int64_t now, bool *saved);

struct cp_identity *cp_identity_hold(struct cp_identity *identity);
void cp_identity_release(struct cp_identity *identity); // NULL is allowed

// As a=fingerprint has it: "sha-256 AB:CD:...".
const char *cp_identity_fingerprint(const struct cp_identity *identity);
// Is it time for another?
bool cp_identity_is_old(const struct cp_identity *identity, int64_t now);

#ifdef __cplusplus
}
#endif
