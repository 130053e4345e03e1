// SPDX-License-Identifier: BSD-3-Clause
// The names of peers: what they resolve to by RFC 3263, asked again as the TTLs say, so that no call waits
// for the DNS and a server that fails leaves the last answer in use.
//
// Thread: the one of the loop.
#pragma once

#include "controlplane/net/resolve.h"
#include "controlplane/trunk/policy.h"

struct cp_names;
struct uv_loop_s;

#ifdef __cplusplus
extern "C" {
#endif

// 0 or -errno. `servers` as of cp_resolver_new(); empty: the system's.
int cp_names_new(struct cp_names **out, struct uv_loop_s *loop, const char *servers);
void cp_names_free(struct cp_names *n); // memory goes when the loop has run once more

// Asks for the names of these peers; what is known of the same names is kept. 0 or -ENOMEM, then nothing
// has changed.
int cp_names_set(struct cp_names *n, const struct cp_policy *policy);

// Where requests to a peer by name go, in an order that is drawn anew for each call. How many; 0: nothing is
// known (yet).
unsigned cp_names_targets(struct cp_names *n, const struct cp_peer *peer,
	struct cp_resolve_target list[CP_RESOLVE_TARGETS]);
// The peer of this policy, one of whose names has this address. NULL: none.
const struct cp_peer *cp_names_owner(
	const struct cp_names *n, const struct cp_policy *policy, const struct sip_addr *addr);
const struct cp_resolver_counters *cp_names_counters(const struct cp_names *n);

#ifdef __cplusplus
}
#endif
