// SPDX-License-Identifier: BSD-3-Clause
#include "stats/region.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/abi/sync.h"

static const void *at(const struct abi_shm *shm, uint64_t offset)
{
	return (const uint8_t *)shm->base + offset;
}

int st_a_view(struct st_a *a)
{
	struct abi_region_a h;
	int err;

	if (a->shm.size < sizeof(h))
		return -EPROTO;
	memcpy(&h, a->shm.base, sizeof(h));
	err = abi_check_a(&h, a->shm.size);
	if (err)
		return err;
	a->boot_epoch = h.boot_epoch;
	a->realtime_offset_us = h.realtime_offset_us;
	a->pid = h.pid;
	a->sessions = h.sessions;
	a->workers = h.workers;
	a->endpoints = h.endpoints;
	a->endpoint_offset = h.endpoint_offset;
	a->directory_offset = h.directory_offset;
	a->leg_offset = h.leg_offset;
	return abi_counters_open(&a->counters, at(&a->shm, h.counter_offset), h.counter_size,
		h.counters, h.workers + 1);
}

int st_t_view(struct st_t *t)
{
	struct abi_region_t h;
	int err;

	if (t->shm.size < sizeof(h))
		return -EPROTO;
	memcpy(&h, t->shm.base, sizeof(h));
	err = abi_check_t(&h, t->shm.size);
	if (err)
		return err;
	t->boot_epoch = h.boot_epoch;
	t->realtime_offset_us = h.realtime_offset_us;
	t->pid = h.pid;
	t->shards = h.shards;
	t->calls = h.calls;
	t->call_offset = h.call_offset;
	t->trace_offset = h.trace_offset;
	t->trace_size = h.trace_size;
	return abi_counters_open(&t->counters, at(&t->shm, h.counter_offset), h.counter_size,
		h.counters, h.shards + 1);
}

int st_a_open(struct st_a *a, int fd)
{
	int err;

	memset(a, 0, sizeof(*a));
	err = abi_shm_map(&a->shm, fd, ABI_HEADER_SIZE, false);
	if (!err)
		err = st_a_view(a);
	if (err)
		st_a_close(a);
	return err;
}

int st_t_open(struct st_t *t, int fd)
{
	int err;

	memset(t, 0, sizeof(*t));
	err = abi_shm_map(&t->shm, fd, ABI_HEADER_SIZE, false);
	if (!err)
		err = st_t_view(t);
	if (err)
		st_t_close(t);
	return err;
}

void st_a_close(struct st_a *a)
{
	if (a->shm.base)
		abi_shm_close(&a->shm);
	memset(a, 0, sizeof(*a));
	a->shm.fd = -1;
}

void st_t_close(struct st_t *t)
{
	if (t->shm.base)
		abi_shm_close(&t->shm);
	memset(t, 0, sizeof(*t));
	t->shm.fd = -1;
}

uint64_t st_a_heartbeat(const struct st_a *a)
{
	return abi_load64(&((const struct abi_region_a *)a->shm.base)->heartbeat_us);
}

bool st_a_attached(const struct st_a *a)
{
	return abi_load32(&((const struct abi_region_a *)a->shm.base)->attached) != 0;
}

uint64_t st_t_heartbeat(const struct st_t *t)
{
	return abi_load64(&((const struct abi_region_t *)t->shm.base)->heartbeat_us);
}

bool st_t_attached(const struct st_t *t)
{
	return abi_load32(&((const struct abi_region_t *)t->shm.base)->attached) != 0;
}

uint64_t st_t_head(const struct st_t *t, uint32_t shard)
{
	return abi_load64(&((const struct abi_region_t *)t->shm.base)->trace[shard].head);
}

bool st_a_session(const struct st_a *a, uint32_t slot, struct abi_session_entry *entry)
{
	const struct abi_session_entry *shared;

	if (slot >= a->sessions)
		return false;
	shared = at(&a->shm, a->directory_offset + (uint64_t)slot * sizeof(*shared));
	return abi_read_record(entry, shared, sizeof(*entry), &shared->sequence);
}

bool st_a_endpoint(const struct st_a *a, uint32_t index, struct abi_endpoint *endpoint)
{
	if (index >= a->endpoints)
		return false;
	memcpy(endpoint, at(&a->shm, a->endpoint_offset + (uint64_t)index * sizeof(*endpoint)),
		sizeof(*endpoint));
	endpoint->name[sizeof(endpoint->name) - 1] = '\0';
	return true;
}

bool st_a_leg(const struct st_a *a, uint32_t slot, uint32_t generation, unsigned leg,
	struct abi_leg_stats *stats)
{
	const struct abi_leg_slot *shared;
	struct abi_leg_slot copy;

	if (slot >= a->sessions || leg > 1)
		return false;
	shared = at(&a->shm, a->leg_offset + (slot * 2ull + leg) * sizeof(*shared));
	if (!abi_read_record(&copy, shared, sizeof(copy), &shared->sequence) ||
		copy.generation != generation)
		return false;
	*stats = copy.stats;
	return true;
}

static void end_text(char *text, size_t size)
{
	text[size - 1] = '\0';
}

bool st_t_call(const struct st_t *t, uint32_t slot, struct abi_call *call)
{
	const struct abi_call *shared;

	if (slot >= t->calls)
		return false;
	shared = at(&t->shm, t->call_offset + (uint64_t)slot * sizeof(*shared));
	if (!abi_read_record(call, shared, sizeof(*call), &shared->sequence))
		return false;
	for (unsigned i = 0; i < 2; i++) {
		end_text(call->peer[i], sizeof(call->peer[i]));
		end_text(call->call_id[i], sizeof(call->call_id[i]));
	}
	end_text(call->from, sizeof(call->from));
	end_text(call->to, sizeof(call->to));
	end_text(call->codec, sizeof(call->codec));
	end_text(call->far_codec, sizeof(call->far_codec));
	return true;
}

// Only records that lie wholly in written pages: one that reaches into an unwritten page was never
// written itself, and a look at it would make that page one more to look at. Moves the offset of the
// descriptor, which all readers share; nobody reads by it.
static bool range(const struct abi_shm *shm, uint64_t offset, uint64_t size, uint32_t count,
	uint32_t *slot, uint32_t *end)
{
	uint64_t at = offset + *slot * size, limit = offset + count * size;

	while (at < limit) {
		off_t data = shm->fd < 0 ? -1 : lseek(shm->fd, (off_t)at, SEEK_DATA), hole;
		uint64_t last;

		if (data < 0 && shm->fd >= 0 && errno == ENXIO)
			return false;
		hole = data < 0 ? -1 : lseek(shm->fd, data, SEEK_HOLE);
		last = hole < 0 || (uint64_t)hole > limit ? limit : (uint64_t)hole;
		at = data < 0 || (uint64_t)data < at ? at : (uint64_t)data;
		if (at >= last)
			return false;
		*slot = (uint32_t)((at - offset + size - 1) / size);
		*end = (uint32_t)((last - offset) / size);
		if (*slot < *end)
			return true;
		at = last;
	}
	return false;
}

bool st_a_range(const struct st_a *a, uint32_t *slot, uint32_t *end)
{
	return range(&a->shm, a->directory_offset, sizeof(struct abi_session_entry), a->sessions,
		slot, end);
}

bool st_t_range(const struct st_t *t, uint32_t *slot, uint32_t *end)
{
	return range(&t->shm, t->call_offset, sizeof(struct abi_call), t->calls, slot, end);
}
