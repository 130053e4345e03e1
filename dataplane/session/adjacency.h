// SPDX-License-Identifier: BSD-3-Clause
// Next hops. A leg names its next hop by index, so that a neighbour whose MAC changes, or a gateway
// that moves to another port, is one entry changed and not a million legs.
//
// The agent writes entries (from the kernel's routes and neighbours); workers read them. A worker
// looks once a burst whether `version` moved and then copies what changed to a table of its own, so
// the forwarding path reads memory that nobody writes. The one thing that workers write is
// `wanted`: a packet had no resolved next hop, please ask the kernel to resolve it.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/sync.h"

#define DP_ADJACENCIES    4096u
#define DP_ADJACENCY_NONE 0xffffu

enum dp_adjacency_state {
	DP_ADJACENCY_FREE = 0,
	DP_ADJACENCY_INCOMPLETE = 1, // the link-layer address is not known (yet, or any more)
	DP_ADJACENCY_VALID = 2,
	DP_ADJACENCY_DOWN = 3, // its port has no link
};

struct dp_adjacency {       // 64 bytes
	uint8_t header[32]; // Ethernet header, its last byte at [31], VLAN tag and type included
	uint16_t l2_length; // 14 or 18
	uint16_t mtu;       // of the IP packet
	uint16_t port;      // DPDK port
	uint8_t state;      // enum dp_adjacency_state
	uint8_t family;     // 4 or 6: what the header's type says
	uint32_t version;   // of the table when it was written
	uint32_t reserved[5];
};

struct dp_adjacencies {       // one, shared by the agent and all workers
	abi_atomic32 version; // odd while the agent writes
	abi_atomic32 used;    // entries below may be in use
	struct dp_adjacency
		entry[DP_ADJACENCIES] ABI_LINE; // agent: rw, workers: copy under version
	uint8_t wanted[DP_ADJACENCIES];         // worker: sets, agent: reads and clears; relaxed
};

#ifdef __cplusplus
extern "C" {
#endif

// Zeroed, page-backed as used. NULL without memory.
struct dp_adjacencies *dp_adjacencies_create(void);
void dp_adjacencies_free(struct dp_adjacencies *all);

// Agent: an unused index, set INCOMPLETE, or -ENOSPC. Freeing needs that no leg names it any more;
// a worker drops (next_hop_unresolved) what still does.
int dp_adjacency_alloc(struct dp_adjacencies *all, uint8_t family);
void dp_adjacency_release(struct dp_adjacencies *all, unsigned index);

// Agent: the next hop is reached by this MAC on this port. vlan 0: untagged, else 1..4094.
void dp_adjacency_set(struct dp_adjacencies *all, unsigned index, uint16_t port, uint16_t mtu,
	const uint8_t own_mac[6], const uint8_t hop_mac[6], uint16_t vlan);
// Agent: INCOMPLETE or DOWN.
void dp_adjacency_lose(struct dp_adjacencies *all, unsigned index, enum dp_adjacency_state state);

// Agent: true once for each time that workers wanted it since the last call.
bool dp_adjacency_wanted(struct dp_adjacencies *all, unsigned index);

// Worker: brings `copy` (DP_ADJACENCIES entries) up to date; `*seen` is the version it has. Tries
// again at the next burst when the agent was writing.
void dp_adjacency_sync(const struct dp_adjacencies *all, struct dp_adjacency *copy, uint32_t *seen);

#ifdef __cplusplus
}
#endif
