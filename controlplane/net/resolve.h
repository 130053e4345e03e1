// SPDX-License-Identifier: BSD-3-Clause
// Where to send a request: RFC 3263 over c-ares, on a libuv loop. NAPTR, then SRV, then A and AAAA,
// each only where the RFC says so:
//   a numeric host      itself
//   a port was written  A and AAAA of the host, with that port
//   a transport was written  SRV of _sip._udp, _sip._tcp or _sips._tcp; A and AAAA when there is none
//   neither             NAPTR for the services that `allowed` names; SRV of each allowed transport when there
//                       is none; A and AAAA with the default port of the first allowed
// SRV targets are ordered by priority, and by weight at random within it (RFC 2782), anew for each
// answer. The answer is a list to be tried in order: failover stays inside one transaction.
//
// Answers are kept for the shortest TTL of what they were made of (at most an hour, at least 5 seconds; failures
// 10 seconds), so calls do not wait for DNS. Thread: the one of the loop.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sip/flow.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CP_RESOLVE_HOST    256u
#define CP_RESOLVE_TARGETS 16u

struct cp_resolver;
struct uv_loop_s;

struct cp_resolve_query {
	char host[CP_RESOLVE_HOST]; // name, or address with or without brackets
	uint16_t port;              // 0: none was written
	uint8_t transport;          // enum sip_transport, or CP_RESOLVE_ANY
	bool secure;                // sips: only TLS will do
	uint8_t allowed;            // bit n: transport n is one that we can use (UDP, TCP, TLS)
	bool ipv4, ipv6;            // families that we can send from
};
#define CP_RESOLVE_ANY 255u

struct cp_resolve_target {
	struct sip_addr addr;
	uint8_t transport;
};

struct cp_resolve_answer {
	int error; // 0; -ENOENT no such name or nothing usable; -ETIMEDOUT; -EIO the server's fault
	unsigned count;
	struct cp_resolve_target target[CP_RESOLVE_TARGETS];
};

// Must not free the resolver.
typedef void cp_resolve_fn(void *user, const struct cp_resolve_answer *answer);

// `servers`: "127.0.0.1:5353,[::1]:53"; NULL: those of the system. 0 or -errno.
int cp_resolver_new(struct cp_resolver **out, struct uv_loop_s *loop, const char *servers);
// Queries under way are forgotten without a callback. Memory goes when the loop has run once more.
void cp_resolver_free(struct cp_resolver *r);

// Calls `done` once: at once, from inside, when the answer is known (numeric or kept), later else.
// 0, -EINVAL (a host that cannot be one, no transport left), -ENOMEM; then `done` is not called.
int cp_resolve(struct cp_resolver *r, const struct cp_resolve_query *query, cp_resolve_fn *done,
	void *user);
// Whoever asked with this `user` is not told any more.
void cp_resolve_cancel(struct cp_resolver *r, void *user);

struct cp_resolver_counters {
	uint64_t asked, kept, failed,
		queries; // calls, answered from memory, failures, DNS questions
};
const struct cp_resolver_counters *cp_resolver_counters(const struct cp_resolver *r);

#ifdef __cplusplus
}
#endif
