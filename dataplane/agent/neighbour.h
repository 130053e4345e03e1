// SPDX-License-Identifier: BSD-3-Clause
// A mirror of what the kernel knows about links, routes and neighbours, kept up to date by netlink.
//
// Linux owns ARP, neighbour discovery and routing; hawse-media looks up. Since the kernel does not see
// our packets, it would let the neighbours that calls go to grow stale and forget them: neighbour_use
// tells it that an entry is in use, which makes it resolve a missing one and probe a stale one.
//
// Mirrored: all links; unicast, blackhole, unreachable and prohibit routes of the main table; IPv4
// and IPv6 neighbours with a usable link-layer address. Not mirrored: policy rules and their tables.
// When the kernel's queue to us overflows, or a link or address changes (the kernel drops IPv4 routes
// of a link that goes down without a word), the routes are read anew.
//
// Agent thread. Errors: 0 or -errno.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct neighbour_link {
	int index;
	char name[16];
	uint8_t mac[6];
	uint32_t mtu;
	bool up; // administratively up, with carrier
};

enum neighbour_change {
	NEIGHBOUR_LINKS = 1 << 0,
	NEIGHBOUR_ROUTES = 1 << 1,
	NEIGHBOUR_ENTRIES = 1 << 2,
};

struct neighbour_stats {
	uint64_t updates; // netlink messages that changed the mirror
	uint64_t resyncs; // full reads after the first
	uint64_t uses;    // entries that the kernel was asked to resolve or probe
};

// Told for each neighbour whose link-layer address became known, changed, or failed.
typedef void neighbour_changed(void *arg, int interface, uint8_t family, const uint8_t ip[16]);

struct neighbour;

// Opens netlink and reads links, routes and neighbours.
int neighbour_open(struct neighbour **out);
void neighbour_close(struct neighbour *nb);

// From now on `changed` hears of every neighbour that changes.
void neighbour_tell(struct neighbour *nb, neighbour_changed *changed, void *arg);

// To be polled for reading.
int neighbour_fd(const struct neighbour *nb);

// Takes what netlink has to say, a bounded share of it. A mask of enum neighbour_change, or -errno.
int neighbour_poll(struct neighbour *nb);

// NULL when there is none.
const struct neighbour_link *neighbour_link(const struct neighbour *nb, int interface);
const struct neighbour_link *neighbour_link_named(const struct neighbour *nb, const char *name);

// The next hop to `ip` out of `interface`. 0 or -EHOSTUNREACH.
int neighbour_route(const struct neighbour *nb, int interface, uint8_t family, const uint8_t *ip,
	uint8_t *hop_family, uint8_t hop[16]);

// The link-layer address of a next hop, when the kernel knows one. *fresh: it is confirmed, else
// neighbour_use would do good.
bool neighbour_find(const struct neighbour *nb, int interface, uint8_t family, const uint8_t *ip,
	uint8_t mac[6], bool *fresh);

// Asks the kernel to resolve the neighbour, or to probe it if it is stale.
int neighbour_use(struct neighbour *nb, int interface, uint8_t family, const uint8_t *ip);

// Adds a permanent neighbour: our media address behind a TAP, whose other end nobody else resolves.
int neighbour_pin(struct neighbour *nb, int interface, uint8_t family, const uint8_t *ip,
	const uint8_t mac[6]);

// True when `ip` is an address of the kernel on `interface`. Asks the kernel each time.
bool neighbour_owns(struct neighbour *nb, int interface, uint8_t family, const uint8_t *ip);

struct neighbour_stats neighbour_stats(const struct neighbour *nb);
