// SPDX-License-Identifier: BSD-3-Clause
// The TLS of a policy: one configuration for all listeners, one for each peer that has a tls section,
// and one for the other peers. Read from files as a whole, or not at all.
//
// Thread: the one that owns the policy.
#pragma once

#include <stdbool.h>

#include "controlplane/net/tls.h"
#include "controlplane/trunk/policy.h"

struct cp_certificates;

#ifdef __cplusplus
extern "C" {
#endif

// Reads every file that the policy names. *out is NULL when it needs none. 0 or -errno with one line in
// `error` that names the file.
int cp_certificates_new(
	struct cp_certificates **out, const struct cp_policy *policy, char error[CP_TLS_ERROR]);
void cp_certificates_free(struct cp_certificates *c); // sessions made from it may go on

// Of the listeners; NULL when the policy has no certificate. It lives as long as `c`, also when that is updated.
struct cp_tls *cp_certificates_server(struct cp_certificates *c);
// Takes over everything of `fresh`, which is freed.
void cp_certificates_update(struct cp_certificates *c, struct cp_certificates *fresh);

// Towards this peer (of the policy it was made from), and whom its certificate must name. `peer` NULL:
// nobody we know; *name is NULL then: the address.
struct cp_tls *cp_certificates_towards(
	struct cp_certificates *c, const struct cp_peer *peer, const char **name);
// The peer of `policy` that is known by the certificate which this session's other end has shown; NULL:
// none. `policy` may be older than `c`.
const struct cp_peer *cp_certificates_peer(const struct cp_certificates *c,
	const struct cp_policy *policy, const struct cp_tls_session *session);

#ifdef __cplusplus
}
#endif
