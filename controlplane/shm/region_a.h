// SPDX-License-Identifier: BSD-3-Clause
// Inside controlplane/shm: region A of one hawse-media, mapped for reading. What says where things
// lie is copied once, checked, and read from the copy ever after. One thread owns a region.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/shm.h"
#include "dataplane/abi/sync.h"

struct cp_region_a {
	struct abi_shm shm; // fd -1: none
	uint64_t boot_epoch;
	uint32_t sessions, workers, endpoints, event_slots, pid;
	uint64_t endpoint_offset, directory_offset, leg_offset, resume_offset, event_offset;
};

// Takes the descriptor over, also on an error. 0, -EPROTO, -EPROTONOSUPPORT or what mmap answers.
int cp_region_a_open(struct cp_region_a *a, int fd);
void cp_region_a_close(struct cp_region_a *a);

static inline const struct abi_region_a *cp_region_a_header(const struct cp_region_a *a)
{
	return (const struct abi_region_a *)a->shm.base;
}

// 0, -ENOENT for what lies outside or is of another generation, -EAGAIN for a torn record.
int cp_region_a_session(
	const struct cp_region_a *a, uint32_t slot, struct abi_session_entry *entry);
int cp_region_a_endpoint(
	const struct cp_region_a *a, uint32_t index, struct abi_endpoint *endpoint);
int cp_region_a_resume(const struct cp_region_a *a, uint32_t slot, uint32_t generation,
	unsigned leg, struct abi_leg_resume *resume);
int cp_region_a_stats(const struct cp_region_a *a, uint32_t slot, uint32_t generation, unsigned leg,
	struct abi_leg_stats *stats);
