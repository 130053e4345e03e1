// SPDX-License-Identifier: BSD-3-Clause
// The kernel's main routing table as hawse-media mirrors it: longest prefix first, then the lowest
// metric, for IPv4 and IPv6.
//
// A leg sends from its media interface, so a look-up asks for a route out of one interface: with two
// uplinks, each with a default route, each interface finds its own. A blackhole or unreachable route
// holds for every interface.
//
// One hash table over (family, prefix length, masked address); a look-up tries the prefix lengths that
// exist, longest first. Memory and plain calls only, no netlink: neighbour.c fills it. Agent thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct route {
	uint8_t family;         // of the destination, 4 or 6
	uint8_t prefix;         // bits
	bool blocked;           // blackhole, unreachable, prohibit
	uint8_t gateway_family; // 0: the destination is on the link. May be 6 for an IPv4 route
	uint8_t destination[16];
	uint8_t gateway[16];
	uint32_t metric;
	int interface; // index; 0 when blocked
};

struct route_table;

#ifdef __cplusplus
extern "C" {
#endif

struct route_table *routes_new(void); // NULL: out of memory
void routes_free(struct route_table *table);
void routes_clear(struct route_table *table);
uint32_t routes_count(const struct route_table *table);

// Adds one; one that exists already (same destination, metric, interface, gateway) stays one.
// 0, -EINVAL for a prefix that is too long, -ENOMEM.
int routes_add(struct route_table *table, const struct route *route);
// Removes all of the destination with this metric that match interface and gateway; interface 0
// matches every one. 0 or -ENOENT.
int routes_remove(struct route_table *table, const struct route *route);

// The next hop towards `ip` out of `interface`: the gateway, or `ip` itself. 0 or -EHOSTUNREACH.
int routes_lookup(const struct route_table *table, uint8_t family, const uint8_t *ip, int interface,
	uint8_t *hop_family, uint8_t hop[16]);

#ifdef __cplusplus
}
#endif
