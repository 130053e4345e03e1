// SPDX-License-Identifier: BSD-3-Clause
// The threads beside the workers, and what connects them: transcoders, the recorder, prompts in memory.
//
// How many transcoders there are, and where they run, says the configuration, or this: one for each CPU that
// neither a worker nor the agent needs. Where none is left, one that shares a core, at a lower priority, and takes
// less on. They sleep while nothing is transcoded.
#pragma once

#include <sched.h>
#include <stdbool.h>

#include "controlplane/config/config.h"
#include "dataplane/agent/prompts.h"
#include "dataplane/agent/region.h"
#include "dataplane/agent/transcoders.h"
#include "dataplane/worker/recorder.h"
#include "dataplane/worker/worker.h"

#define BESIDE_WHY 256

struct beside {
	unsigned count; // of transcoders
	bool shared;    // they have no cores of their own
	cpu_set_t cpus; // where they may run
	unsigned workers;
	struct dp_worker *const *worker; // [workers]
	struct dp_transcoder *transcoder[DP_TRANSCODERS];
	struct dp_side_ring *in[ABI_MAX_WORKERS][DP_TRANSCODERS]; // from workers
	struct dp_side_ring *out[ABI_MAX_WORKERS][DP_TRANSCODERS];
	struct transcoders *transcoders;            // NULL: none
	struct prompts *prompts;                    // NULL: not configured
	struct dp_side_ring *tape[ABI_MAX_WORKERS]; // to the recorder
	struct dp_recorder *recorder;               // NULL: not configured
};

// Before EAL pins this thread: `may` are the CPUs that the process may use. Says in the log what it chose.
void beside_choose(struct beside *b, const struct cfg *cfg, const cpu_set_t *may);
// 0 or -errno, and `why` says what went wrong.
int beside_rings(struct beside *b, const struct cfg *cfg, unsigned workers, char why[BESIDE_WHY]);
// A worker's ends of them.
void beside_worker(const struct beside *b, unsigned worker, struct dp_worker_config *config);
// When the workers are made.
int beside_start(struct beside *b, const struct cfg *cfg, struct dp_worker *const *workers,
	struct region *region, int bell, const abi_atomic32 *asleep, char why[BESIDE_WHY]);
// As the user that we are from now on: can it write where it has to?
int beside_check(const struct beside *b, const struct cfg *cfg, char why[BESIDE_WHY]);
// Prompts are read again.
void beside_reload(struct beside *b, const struct cfg *cfg, struct region *region);
// When the agent's sessions are gone: the threads end; then everything else.
void beside_stop(struct beside *b);
void beside_free(struct beside *b);
