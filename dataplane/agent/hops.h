// SPDX-License-Identifier: BSD-3-Clause
// Which next hop leads to a remote address, and what its link-layer address is now: joins the mirror
// of the kernel (neighbour.h) with the table that workers send by (session/adjacency.h).
//
// One entry a next hop, counted by the legs that name it. Entries follow the kernel: a neighbour that
// changes its MAC or a link that goes down is one entry written. While an entry is in use the kernel
// is asked to keep its neighbour confirmed. A neighbour that stops answering keeps its last address
// for HOPS_PATIENCE_US, since ARP may be lost while media flows.
//
// A TAP's only neighbour is the kernel; a device that the kernel does not know (pcap, ring, memif) has
// no neighbours that we could ask, so its frames go to the broadcast address.
//
// Agent thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/nic/port.h"
#include "dataplane/session/adjacency.h"

#define HOPS_PATIENCE_US 10000000u
#define HOPS_PROBE_US    1000000u // between two questions about the same neighbour

struct hops;
struct neighbour;

struct hops_config {
	struct dp_adjacencies *table;
	struct neighbour *neighbour;
	const struct port *ports; // by media interface
	unsigned port_count;
};

// 0 or -ENOMEM.
int hops_new(struct hops **out, const struct hops_config *config);
void hops_free(struct hops *hops);

// The next hop from a media interface to a remote address. Counts one more user of *index. 0,
// -EHOSTUNREACH: no route, -ENOSPC: too many next hops.
int hops_get(struct hops *hops, unsigned interface, uint8_t family, const uint8_t ip[16],
	uint64_t now_us, uint16_t *index);
// One user more, and one fewer. DP_ADJACENCY_NONE is nobody.
void hops_hold(struct hops *hops, uint16_t index);
void hops_put(struct hops *hops, uint16_t index);
// True when the way to the address still leads over `index`; asks no kernel and counts no user.
bool hops_same(struct hops *hops, unsigned interface, uint8_t family, const uint8_t ip[16],
	uint16_t index);

// True when packets can go out by it now.
bool hops_ready(const struct hops *hops, uint16_t index);

// A neighbour of the kernel has changed: as neighbour_changed with `arg` the struct hops.
void hops_neighbour(void *arg, int interface, uint8_t family, const uint8_t ip[16]);
// Links have changed: own MAC, MTU, up or down.
void hops_links(struct hops *hops);
// Looks after what workers wanted and what grows stale. To be called about ten times a second.
void hops_tick(struct hops *hops, uint64_t now_us);

unsigned hops_count(const struct hops *hops);
