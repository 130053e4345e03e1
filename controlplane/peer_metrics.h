// SPDX-License-Identifier: BSD-3-Clause
// Peers as operators see them: gauges and counters of each in region T, whose descriptors name the peers of
// the present configuration, and the list that `hawsectl show peers` prints. Looks after what accounts need
// once a second, too.
//
// Thread: the one of the loop.
#pragma once

#include <jansson.h>

#include "controlplane/shm/tregion.h"
#include "controlplane/trunk/account.h"
#include "controlplane/trunk/policy.h"

#define CP_PEER_METRICS 14u

#ifdef __cplusplus
extern "C" {
#endif

// How many counters region T should have for the peers of this configuration and some that may come.
uint32_t cp_peer_metrics_count(const struct cfg *cfg);
// Descriptors of so many counters from `first` on: those of the policy's peers, as far as there is room.
void cp_peer_metrics_describe(
	const struct cp_policy *policy, struct abi_counter *list, uint32_t count);
// The values, into one block of counters. Says in the log whose fraud guard tripped; how many did.
unsigned cp_peer_metrics_publish(const struct cp_policy *policy, struct cp_accounts *accounts,
	abi_atomic64 *values, uint32_t count, uint64_t now_us);
// {"peers": [...]}; NULL: no memory. `name` NULL: all.
json_t *cp_peer_list(const struct cp_policy *policy, struct cp_accounts *accounts, const char *name,
	uint64_t now_us);

#ifdef __cplusplus
}
#endif
