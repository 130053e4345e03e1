// SPDX-License-Identifier: BSD-3-Clause
// Certificate fingerprints as SDP says them (RFC 8122): "sha-256 AB:CD:...".
//
// Thread: any.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CP_DIGEST 64u // bytes of the longest

struct cp_print {
	uint8_t kind; // enum in fingerprint.c; 0: none
	uint8_t size;
	uint8_t digest[CP_DIGEST];
};

struct x509_st;

#ifdef __cplusplus
extern "C" {
#endif

// One fingerprint, `n` bytes. 0; -EINVAL malformed; -ENOTSUP a hash that we do not know or trust.
int cp_print_parse(const char *text, size_t n, struct cp_print *out);
bool cp_print_fits(const struct cp_print *print, const struct x509_st *certificate);

#ifdef __cplusplus
}
#endif
