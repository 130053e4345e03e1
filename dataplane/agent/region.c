// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/agent/region.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "dataplane/abi/message.h"

static uint64_t place(uint64_t *at, uint64_t bytes)
{
	uint64_t offset = *at;

	*at += (bytes + 63) / 64 * 64;
	return offset;
}

static uint64_t new_epoch(void)
{
	uint64_t epoch = 0;

	// Blocks only before the kernel's generator is seeded.
	if (getrandom(&epoch, sizeof(epoch), 0) != sizeof(epoch) || epoch == 0)
		epoch = abi_now_us() + abi_realtime_offset_us();
	return epoch;
}

static void lay_out(struct abi_region_a *a, uint32_t sessions, uint32_t workers, uint32_t endpoints,
	uint32_t counters)
{
	uint64_t at = ABI_HEADER_SIZE;

	memset(a, 0, sizeof(*a));
	a->magic = ABI_MAGIC_A;
	a->major = ABI_MAJOR;
	a->minor = ABI_MINOR;
	a->header_size = ABI_HEADER_SIZE;
	a->boot_epoch = new_epoch();
	a->realtime_offset_us = abi_realtime_offset_us();
	a->pid = (uint32_t)getpid();
	a->sessions = sessions;
	a->workers = workers;
	a->endpoints = endpoints;
	a->event_slots = ABI_EVENT_SLOTS;
	a->counters = counters;
	a->counter_size = abi_counters_size(counters, workers + 1);
	a->endpoint_offset = place(&at, (uint64_t)endpoints * sizeof(struct abi_endpoint));
	a->directory_offset = place(&at, (uint64_t)sessions * sizeof(struct abi_session_entry));
	a->leg_offset = place(&at, (uint64_t)sessions * 2 * sizeof(struct abi_leg_slot));
	a->resume_offset = place(&at, (uint64_t)sessions * 2 * sizeof(struct abi_leg_resume));
	a->event_offset = place(&at, (uint64_t)ABI_EVENT_SLOTS * ABI_MSG_SIZE);
	a->counter_offset = place(&at, a->counter_size);
	a->size = at;
}

static void point(struct region *r, const struct abi_region_a *layout)
{
	uint8_t *base = r->shm.base;

	r->a = (struct abi_region_a *)(void *)base;
	*r->a = *layout;
	r->endpoints = (void *)(base + layout->endpoint_offset);
	r->directory = (void *)(base + layout->directory_offset);
	r->legs = (void *)(base + layout->leg_offset);
	r->resumes = (void *)(base + layout->resume_offset);
	r->events = base + layout->event_offset;
	r->counters = base + layout->counter_offset;
	r->counter_count = layout->counters;
}

// Each slot of the ring comes to be used: see control.c.
static void populate(uint8_t *bytes, size_t size)
{
	size_t before = (uintptr_t)bytes % (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)madvise(bytes - before, before + size, MADV_POPULATE_WRITE);
}

int region_create(struct region *region, uint32_t sessions, uint32_t workers, uint32_t transcoders,
	const struct abi_endpoint *endpoints, uint32_t endpoint_count,
	const struct abi_counter *worker_counters, uint32_t worker_counter_count)
{
	uint32_t count =
		worker_counter_count + AGENT_COUNTERS + transcoders * TRANSCODER_COUNTERS;
	struct abi_counter *all = calloc(count, sizeof(*all));
	struct abi_region_a layout;
	int err = -ENOMEM;

	*region = (struct region){.shm.fd = -1};
	if (!all)
		return err;
	memcpy(all, worker_counters, sizeof(*all) * worker_counter_count);
	agent_counters_describe(all + worker_counter_count);
	for (uint32_t i = 0; i < transcoders; i++)
		transcoder_counters_describe(all + worker_counter_count + AGENT_COUNTERS +
						     (size_t)i * TRANSCODER_COUNTERS,
			i);
	lay_out(&layout, sessions, workers, endpoint_count, count);
	layout.transcoders = transcoders;
	err = abi_shm_create(&region->shm, "hawse-a", layout.size, true);
	if (err)
		goto out;
	point(region, &layout);
	populate(region->events, (size_t)ABI_EVENT_SLOTS * ABI_MSG_SIZE);
	memcpy(region->endpoints, endpoints, sizeof(*endpoints) * endpoint_count);
	abi_counters_init(region->counters, all, count, workers + 1);
	region->first_counter = worker_counter_count;
	region->mine = abi_counters_block(region->counters, count, workers) + worker_counter_count;
out:
	free(all);
	return err;
}

void region_close(struct region *region)
{
	abi_shm_close(&region->shm);
}

abi_atomic64 *region_worker_counters(const struct region *region, uint32_t worker)
{
	return abi_counters_block(region->counters, region->counter_count, worker);
}
