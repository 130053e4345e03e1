// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/shm/region_a.h"

#include <errno.h>
#include <string.h>

int cp_region_a_open(struct cp_region_a *a, int fd)
{
	struct abi_region_a header;
	int err;

	memset(a, 0, sizeof(*a));
	err = abi_shm_map(&a->shm, fd, sizeof(header), false);
	if (err)
		return err;
	memcpy(&header, a->shm.base, sizeof(header));
	err = abi_check_a(&header, a->shm.size);
	if (err) {
		abi_shm_close(&a->shm);
		return err;
	}
	a->boot_epoch = header.boot_epoch;
	a->sessions = header.sessions;
	a->workers = header.workers;
	a->endpoints = header.endpoints;
	a->event_slots = header.event_slots;
	a->pid = header.pid;
	a->endpoint_offset = header.endpoint_offset;
	a->directory_offset = header.directory_offset;
	a->leg_offset = header.leg_offset;
	a->resume_offset = header.resume_offset;
	a->event_offset = header.event_offset;
	return 0;
}

void cp_region_a_close(struct cp_region_a *a)
{
	abi_shm_close(&a->shm);
}

static const void *at(const struct cp_region_a *a, uint64_t offset, uint64_t index, size_t size)
{
	return (const uint8_t *)a->shm.base + offset + index * size;
}

int cp_region_a_session(const struct cp_region_a *a, uint32_t slot, struct abi_session_entry *entry)
{
	const struct abi_session_entry *shared;

	if (slot >= a->sessions)
		return -ENOENT;
	shared = at(a, a->directory_offset, slot, sizeof(*shared));
	return abi_read_record(entry, shared, sizeof(*entry), &shared->sequence) ? 0 : -EAGAIN;
}

int cp_region_a_endpoint(const struct cp_region_a *a, uint32_t index, struct abi_endpoint *endpoint)
{
	if (index >= a->endpoints)
		return -ENOENT;
	memcpy(endpoint, at(a, a->endpoint_offset, index, sizeof(*endpoint)), sizeof(*endpoint));
	endpoint->name[sizeof(endpoint->name) - 1] = '\0';
	return 0;
}

int cp_region_a_resume(const struct cp_region_a *a, uint32_t slot, uint32_t generation,
	unsigned leg, struct abi_leg_resume *resume)
{
	const struct abi_leg_resume *shared;

	if (slot >= a->sessions || leg > 1)
		return -ENOENT;
	shared = at(a, a->resume_offset, slot * 2ull + leg, sizeof(*shared));
	if (!abi_read_record(resume, shared, sizeof(*resume), &shared->sequence))
		return -EAGAIN;
	return resume->generation == generation ? 0 : -ENOENT;
}

int cp_region_a_stats(const struct cp_region_a *a, uint32_t slot, uint32_t generation, unsigned leg,
	struct abi_leg_stats *stats)
{
	const struct abi_leg_slot *shared;
	struct abi_leg_slot copy;

	if (slot >= a->sessions || leg > 1)
		return -ENOENT;
	shared = at(a, a->leg_offset, slot * 2ull + leg, sizeof(*shared));
	if (!abi_read_record(&copy, shared, sizeof(copy), &shared->sequence))
		return -EAGAIN;
	if (copy.generation != generation)
		return -ENOENT;
	*stats = copy.stats;
	return 0;
}
