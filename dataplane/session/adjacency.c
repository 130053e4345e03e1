// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/session/adjacency.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

struct dp_adjacencies *dp_adjacencies_create(void)
{
	void *p = mmap(NULL, sizeof(struct dp_adjacencies), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

void dp_adjacencies_free(struct dp_adjacencies *all)
{
	if (all)
		munmap(all, sizeof(*all));
}

// An entry changes: the table's version becomes odd, and even and new in the end.
static void write_entry(struct dp_adjacencies *all, unsigned index, struct dp_adjacency entry)
{
	abi_write_begin(&all->version);
	entry.version = (__atomic_load_n(&all->version, __ATOMIC_RELAXED) | 1) + 1;
	all->entry[index] = entry;
	if (index >= all->used)
		abi_store32(&all->used, index + 1);
	abi_write_end(&all->version);
}

int dp_adjacency_alloc(struct dp_adjacencies *all, uint8_t family)
{
	for (unsigned i = 0; i < DP_ADJACENCIES; i++) {
		if (all->entry[i].state != DP_ADJACENCY_FREE)
			continue;
		write_entry(all, i,
			(struct dp_adjacency){.state = DP_ADJACENCY_INCOMPLETE, .family = family});
		__atomic_store_n(&all->wanted[i], 0, __ATOMIC_RELAXED);
		return (int)i;
	}
	return -ENOSPC;
}

void dp_adjacency_release(struct dp_adjacencies *all, unsigned index)
{
	if (index < DP_ADJACENCIES)
		write_entry(all, index, (struct dp_adjacency){.state = DP_ADJACENCY_FREE});
}

void dp_adjacency_set(struct dp_adjacencies *all, unsigned index, uint16_t port, uint16_t mtu,
	const uint8_t own_mac[6], const uint8_t hop_mac[6], uint16_t vlan)
{
	struct dp_adjacency e = {.port = port, .mtu = mtu, .state = DP_ADJACENCY_VALID};
	uint8_t *p = e.header + sizeof(e.header) - (vlan ? 18 : 14);

	if (index >= DP_ADJACENCIES)
		return;
	e.family = all->entry[index].family;
	e.l2_length = vlan ? 18 : 14;
	memcpy(p, hop_mac, 6);
	memcpy(p + 6, own_mac, 6);
	if (vlan) {
		p[12] = 0x81;
		p[14] = (uint8_t)(vlan >> 8 & 0x0f);
		p[15] = (uint8_t)vlan;
	}
	e.header[30] = e.family == 4 ? 0x08 : 0x86;
	e.header[31] = e.family == 4 ? 0x00 : 0xdd;
	write_entry(all, index, e);
}

void dp_adjacency_lose(struct dp_adjacencies *all, unsigned index, enum dp_adjacency_state state)
{
	struct dp_adjacency e;

	if (index >= DP_ADJACENCIES)
		return;
	e = all->entry[index];
	e.state = (uint8_t)state;
	write_entry(all, index, e);
}

bool dp_adjacency_wanted(struct dp_adjacencies *all, unsigned index)
{
	if (index >= DP_ADJACENCIES || !__atomic_load_n(&all->wanted[index], __ATOMIC_RELAXED))
		return false;
	__atomic_store_n(&all->wanted[index], 0, __ATOMIC_RELAXED);
	return true;
}

void dp_adjacency_sync(const struct dp_adjacencies *all, struct dp_adjacency *copy, uint32_t *seen)
{
	uint32_t version = abi_load32(&all->version);
	uint32_t used = abi_load32(&all->used);

	if (version & 1 || version == *seen)
		return;
	for (uint32_t i = 0; i < used && i < DP_ADJACENCIES; i++) {
		struct dp_adjacency entry;

		entry.version = __atomic_load_n(&all->entry[i].version, __ATOMIC_RELAXED);
		if ((int32_t)(entry.version - *seen) <= 0)
			continue;
		entry = all->entry[i];
		// A torn entry is not taken; `seen` stays old, so the next burst looks again.
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&all->version, __ATOMIC_RELAXED) != version)
			return;
		copy[i] = entry;
	}
	*seen = version;
}
