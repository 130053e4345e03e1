// SPDX-License-Identifier: BSD-3-Clause
// Regions A and T as a reader sees them: mapped read-only, what says where things lie copied once and
// checked, every record copied out before it is looked at. A writer that scribbles over its region can
// make the numbers wrong and nothing else. One thread owns a view.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/counters.h"
#include "dataplane/abi/shm.h"

struct st_a {
	struct abi_shm shm; // fd -1 and base NULL: closed
	uint64_t boot_epoch, realtime_offset_us;
	uint32_t pid, sessions, workers, endpoints;
	uint64_t endpoint_offset, directory_offset, leg_offset;
	struct abi_counter_table counters; // blocks: workers, then the agent
};

struct st_t {
	struct abi_shm shm;
	uint64_t boot_epoch, realtime_offset_us;
	uint32_t pid, shards, calls;
	uint64_t call_offset, trace_offset, trace_size;
	struct abi_counter_table counters; // blocks: shards, then the process
};

#ifdef __cplusplus
extern "C" {
#endif

// Take the descriptor over, also on an error. 0, -EPROTO, -EPROTONOSUPPORT (another version) or what
// mmap answers.
int st_a_open(struct st_a *a, int fd);
int st_t_open(struct st_t *t, int fd);
void st_a_close(struct st_a *a);
void st_t_close(struct st_t *t);
// Fill the view from a->shm.base and size, which are set. 0 or -errno as above.
int st_a_view(struct st_a *a);
int st_t_view(struct st_t *t);

uint64_t st_a_heartbeat(const struct st_a *a);
bool st_a_attached(const struct st_a *a); // a control plane is attached
uint64_t st_t_heartbeat(const struct st_t *t);
bool st_t_attached(const struct st_t *t); // to hawse-media
uint64_t st_t_head(const struct st_t *t, uint32_t shard);

// Copies; false when there is no such thing or the writer was at it (or died within it).
bool st_a_session(const struct st_a *a, uint32_t slot, struct abi_session_entry *entry);
bool st_a_endpoint(const struct st_a *a, uint32_t index, struct abi_endpoint *endpoint);
bool st_a_leg(const struct st_a *a, uint32_t slot, uint32_t generation, unsigned leg,
	struct abi_leg_stats *stats);
bool st_t_call(const struct st_t *t, uint32_t slot, struct abi_call *call);

// The next range [*slot, *end) from *slot on that may hold anything; false when there is none:
//   for (uint32_t slot = 0, end; st_a_range(a, &slot, &end);)
//           for (; slot < end; slot++)
// Reading a page of a memfd that nobody wrote to would make it take memory.
bool st_a_range(const struct st_a *a, uint32_t *slot, uint32_t *end);
bool st_t_range(const struct st_t *t, uint32_t *slot, uint32_t *end);

#ifdef __cplusplus
}
#endif
