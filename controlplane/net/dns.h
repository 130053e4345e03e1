// SPDX-License-Identifier: BSD-3-Clause
// c-ares on a libuv loop: one question, one answer. Used by resolve.c only.
#pragma once

#include <ares.h>
#include <stdint.h>

struct uv_loop_s;
struct cp_dns;

// `status` is c-ares'; ARES_EDESTRUCTION when the channel is being freed.
typedef void cp_dns_fn(void *user, int status, const unsigned char *answer, int size);

// 0 or -errno. `servers` as in resolve.h.
int cp_dns_new(struct cp_dns **out, struct uv_loop_s *loop, const char *servers);
void cp_dns_free(struct cp_dns *d); // every question ends with ARES_EDESTRUCTION

// Types of RFC 1035, 2782, 3403, 3596.
enum cp_dns_type {
	CP_DNS_A = 1,
	CP_DNS_AAAA = 28,
	CP_DNS_SRV = 33,
	CP_DNS_NAPTR = 35,
};
// May call `done` from inside.
void cp_dns_ask(
	struct cp_dns *d, const char *name, enum cp_dns_type type, cp_dns_fn *done, void *user);
