// SPDX-License-Identifier: BSD-3-Clause
// Region A: the one memory that hawse-media shows to others, created and sealed before anybody
// attaches. The agent writes header, directory and events; a worker writes its sessions' numbers and
// its counters. Nobody else can ever map it for writing.
//
// Agent thread. Errors: 0 or -errno.
#pragma once

#include <stdint.h>

#include "dataplane/abi/layout.h"
#include "dataplane/abi/shm.h"
#include "dataplane/abi/sync.h"
#include "dataplane/agent/counters.h"

struct region {
	struct abi_shm shm;
	struct abi_region_a *a;
	struct abi_endpoint *endpoints;
	struct abi_session_entry *directory;
	struct abi_leg_slot *legs;      // [sessions * 2], workers write
	struct abi_leg_resume *resumes; // [sessions * 2], workers write
	uint8_t *events;
	void *counters;
	uint32_t counter_count;
	uint32_t first_counter; // of the agent's
	abi_atomic64 *mine;     // the agent's values, by enum agent_counter
};

#ifdef __cplusplus
extern "C" {
#endif

// `worker_counters` describes what each worker's block begins with.
int region_create(struct region *region, uint32_t sessions, uint32_t workers, uint32_t transcoders,
	const struct abi_endpoint *endpoints, uint32_t endpoint_count,
	const struct abi_counter *worker_counters, uint32_t worker_counter_count);
void region_close(struct region *region);

// The counters of a worker.
abi_atomic64 *region_worker_counters(const struct region *region, uint32_t worker);

// By enum transcoder_counter, written by the agent.
static inline abi_atomic64 *region_transcoder_counters(
	const struct region *region, uint32_t transcoder)
{
	return region->mine + AGENT_COUNTERS + (size_t)transcoder * TRANSCODER_COUNTERS;
}

static inline void region_count(struct region *region, unsigned counter)
{
	abi_add64(&region->mine[counter], 1);
}

static inline void region_gauge(struct region *region, unsigned counter, uint64_t value)
{
	abi_store64(&region->mine[counter], value);
}

#ifdef __cplusplus
}
#endif
