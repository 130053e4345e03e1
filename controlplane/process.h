// SPDX-License-Identifier: BSD-3-Clause
// What hawse-sip runs on: the libuv loop, sockets, the client of hawse-media, region T, the CDR file,
// and the shards between them.
//
// Thread: the one of the loop; all shards run on it.
#pragma once

#include "controlplane/trunk/policy.h"

struct process;

#define PROCESS_WHY 512u

#ifdef __cplusplus
extern "C" {
#endif

// Binds, serves, drops privileges, tries to attach once. Holds `policy` from then on. 0 or -errno,
// with a line in `why` that says what to do.
int process_start(
	struct process **out, struct cp_policy *policy, const char *file, char why[PROCESS_WHY]);
// Until SIGTERM or SIGINT. 0 or -errno.
int process_run(struct process *p);
void process_free(struct process *p);
// "hawse-sip: ready on udp:..., 2 peers, 3 routes, hawse-media attached"
void process_summary(const struct process *p, char *out, size_t size);

// For cp_policy_new(): our address towards `to`, as the kernel routes now.
int process_source(void *ctx, const struct sip_addr *to, struct sip_addr *from);

#ifdef __cplusplus
}
#endif
