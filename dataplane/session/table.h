// SPDX-License-Identifier: BSD-3-Clause
// (local address, port) to leg, without a search: each local address has an array of legs in port
// order, and a leg lives where its port says. Two arrays an address: legs on even ports (pairs,
// whose RTCP port is the odd one above, and muxed legs) and muxed legs on odd ports. Both are
// reserved whole and backed by memory as ports are given out; huge pages when there are any.
//
// Built once at start and constant after, but for the bits that say which ports are open, and which
// odd ports are muxed legs: written by the agent when a port is given out or comes back, read by
// workers, and by an XDP program where there is one. A packet to a port that is not open touches no
// leg. The legs themselves belong to workers (leg.h).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "dataplane/abi/layout.h"
#include "dataplane/session/leg.h"

#define DP_HASH_SLOTS  4096u // for at most ABI_MAX_ENDPOINTS addresses
#define DP_NO_ENDPOINT 0xffffu

struct dp_endpoint { // 128 bytes
	uint8_t ip[16];
	uint8_t family;
	uint8_t interface_index;
	uint16_t first_port; // even
	uint16_t last_port;
	uint16_t index;         // in the table
	struct dp_leg *legs[2]; // by port parity, one for each pair of ports
	uint64_t *open;         // bit port: given to a session
	uint64_t *muxed_odd;    // bit (port - first) / 2: the odd port is a muxed leg
	size_t bytes;           // of each array
	uint32_t pairs;
	bool shared; // `open` is somebody else's memory
} ABI_LINE;

struct dp_hash_slot {
	uint32_t key;
	uint16_t endpoint; // DP_NO_ENDPOINT: empty
	uint16_t family;
};

struct dp_table {
	uint32_t count;
	bool huge; // explicit huge pages back it
	struct dp_hash_slot hash[DP_HASH_SLOTS] ABI_LINE;
	struct dp_endpoint endpoint[];
};

#ifdef __cplusplus
extern "C" {
#endif

// Takes the endpoints as region A shows them. `huge`: try MAP_HUGETLB; without it, or when there
// are none, transparent huge pages are asked for. 0, -ENOMEM, or -EINVAL: a family that is not 4 or
// 6, an odd first port, an even last one, an address that comes twice, more than ABI_MAX_ENDPOINTS.
int dp_table_create(
	struct dp_table **table, const struct abi_endpoint *endpoints, unsigned count, bool huge);
void dp_table_free(struct dp_table *table);

// Agent: backs the leg's memory with pages, so that the worker meets no page fault, before a port
// is given to a session. 0 or -ENOMEM.
int dp_table_touch(const struct dp_table *table, unsigned endpoint, uint16_t port);

// Before workers run: `bits`, 65,536 of them, are those of the endpoint's open ports from now on.
// They outlive the table and are clear.
void dp_table_share(struct dp_table *table, unsigned endpoint, uint64_t *bits);

// Agent: packets to the port are looked at from now on, or dropped.
void dp_table_open(const struct dp_table *table, unsigned endpoint, uint16_t port, bool open);

// Agent: an odd port becomes a muxed leg, or stops being one.
void dp_table_mux(const struct dp_table *table, unsigned endpoint, uint16_t port, bool muxed);

// The endpoint that has this address, or DP_NO_ENDPOINT. Agent and tests; workers inline it.
unsigned dp_table_find(const struct dp_table *table, const uint8_t ip[16], uint8_t family);

#ifdef __cplusplus
}
#endif

// The leg whose RTP port is `port`; arithmetic only. NULL outside of the range.
static inline struct dp_leg *dp_table_leg(const struct dp_endpoint *e, uint16_t port)
{
	if (port < e->first_port || port > e->last_port)
		return NULL;
	return (struct dp_leg *)((uint8_t *)e->legs[port & 1] +
				 (size_t)((port - e->first_port) >> 1) * DP_LEG_SIZE);
}

// `port` is one of the endpoint's.
static inline bool dp_table_is_open(const struct dp_endpoint *e, uint16_t port)
{
	return __atomic_load_n(&e->open[port / 64], __ATOMIC_RELAXED) >> port % 64 & 1;
}

static inline uint32_t dp_table_slot(uint32_t key)
{
	return key * 0x9e3779b1u >> 20;
}

static inline uint32_t dp_table_key6(const uint8_t ip[16])
{
	uint64_t a, b;

	memcpy(&a, ip, 8);
	memcpy(&b, ip + 8, 8);
	a ^= b * 0x9e3779b97f4a7c15ull;
	return (uint32_t)(a ^ a >> 32);
}

// The endpoint of an IPv4 address in network order, or NULL.
static inline const struct dp_endpoint *dp_table_endpoint4(const struct dp_table *t, uint32_t ip)
{
	const struct dp_hash_slot *s = &t->hash[dp_table_slot(ip)];

	while (__builtin_expect(s->key != ip || s->family != 4, 0)) {
		if (s->endpoint == DP_NO_ENDPOINT)
			return NULL;
		s = s == &t->hash[DP_HASH_SLOTS - 1] ? t->hash : s + 1;
	}
	return &t->endpoint[s->endpoint];
}

static inline const struct dp_endpoint *dp_table_endpoint6(
	const struct dp_table *t, const uint8_t ip[16])
{
	uint32_t key = dp_table_key6(ip);

	for (uint32_t i = dp_table_slot(key);; i = (i + 1) % DP_HASH_SLOTS) {
		const struct dp_hash_slot *s = &t->hash[i];

		if (s->endpoint == DP_NO_ENDPOINT)
			return NULL;
		if (s->key == key && s->family == 6 &&
			memcmp(t->endpoint[s->endpoint].ip, ip, 16) == 0)
			return &t->endpoint[s->endpoint];
	}
}
