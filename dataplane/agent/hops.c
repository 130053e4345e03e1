// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/agent/hops.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/abi/shm.h"
#include "dataplane/agent/neighbour.h"

#define BUCKETS 8192u
#define NOBODY  UINT16_MAX

struct hop {
	uint32_t users;
	uint16_t next; // in the bucket
	uint8_t interface;
	uint8_t family;     // of the packets
	uint8_t hop_family; // of the next hop's address
	bool known;         // has a MAC
	uint8_t ip[16];     // of the next hop
	uint8_t mac[6];
	uint64_t asked_us; // when the kernel was last asked about it
	uint64_t lost_us;  // when the kernel forgot it; 0: it has not
};

struct hops {
	struct hops_config c;
	unsigned count;
	unsigned last; // one above the highest index in use
	uint16_t bucket[BUCKETS];
	struct hop hop[DP_ADJACENCIES];
};

int hops_new(struct hops **out, const struct hops_config *config)
{
	struct hops *hops = calloc(1, sizeof(*hops));

	*out = hops;
	if (!hops)
		return -ENOMEM;
	hops->c = *config;
	memset(hops->bucket, 0xff, sizeof(hops->bucket));
	return 0;
}

void hops_free(struct hops *hops)
{
	free(hops);
}

unsigned hops_count(const struct hops *hops)
{
	return hops->count;
}

// The kernel knows routes and neighbours of it.
static bool is_mirrored(const struct port *port)
{
	return port->kind == NIC_LINUX || port->kind == NIC_OWNED;
}

static uint16_t *bucket_of(struct hops *hops, const struct hop *key)
{
	uint64_t words[2], h;

	memcpy(words, key->ip, sizeof(words));
	h = (words[0] ^ (uint64_t)key->interface << 56 ^ key->family) * 0x9e3779b97f4a7c15ull;
	h = (h ^ h >> 32 ^ words[1]) * 0xc2b2ae3d27d4eb4full;
	return &hops->bucket[(h >> 32) % BUCKETS];
}

static bool same(const struct hop *a, const struct hop *b)
{
	return a->interface == b->interface && a->family == b->family &&
	       a->hop_family == b->hop_family && memcmp(a->ip, b->ip, 16) == 0;
}

static uint16_t find(struct hops *hops, const struct hop *key)
{
	uint16_t index = *bucket_of(hops, key);

	while (index != NOBODY && !same(&hops->hop[index], key))
		index = hops->hop[index].next;
	return index;
}

// Who the next hop is. 0 or -EHOSTUNREACH.
static int route(struct hops *hops, unsigned interface, uint8_t family, const uint8_t ip[16],
	struct hop *key)
{
	const struct port *port = &hops->c.ports[interface];

	*key = (struct hop){.interface = (uint8_t)interface, .family = family};
	if (is_mirrored(port))
		return neighbour_route(
			hops->c.neighbour, port->ifindex, family, ip, &key->hop_family, key->ip);
	key->hop_family = family; // one entry serves all: there is one neighbour
	return 0;
}

static void write_hop(struct hops *hops, uint16_t index)
{
	struct hop *hop = &hops->hop[index];
	const struct port *port = &hops->c.ports[hop->interface];
	const struct neighbour_link *link = NULL;

	if (port->kind != NIC_OTHER)
		link = neighbour_link(hops->c.neighbour, port->ifindex);
	if (port->kind != NIC_OTHER && (!link || !link->up))
		dp_adjacency_lose(hops->c.table, index, DP_ADJACENCY_DOWN);
	else if (hop->known)
		dp_adjacency_set(hops->c.table, index, port->id,
			link && link->mtu < UINT16_MAX ? (uint16_t)link->mtu : port->mtu,
			port->kind == NIC_LINUX ? link->mac : port->mac, hop->mac,
			port->media->vlan);
	else
		dp_adjacency_lose(hops->c.table, index, DP_ADJACENCY_INCOMPLETE);
}

static void ask(struct hops *hops, struct hop *hop, uint64_t now_us)
{
	const struct port *port = &hops->c.ports[hop->interface];

	if (hop->asked_us && now_us - hop->asked_us < HOPS_PROBE_US)
		return;
	hop->asked_us = now_us;
	neighbour_use(hops->c.neighbour, port->ifindex, hop->hop_family, hop->ip);
}

// Takes what the kernel knows now. A lost neighbour keeps its MAC until hops_tick loses patience.
static void refresh(struct hops *hops, uint16_t index, uint64_t now_us)
{
	struct hop *hop = &hops->hop[index];
	const struct port *port = &hops->c.ports[hop->interface];
	bool fresh = true;

	if (!is_mirrored(port)) {
		memset(hop->mac, 0xff, 6);
		if (port->kind == NIC_TAP)
			memcpy(hop->mac, port->mac, 6);
		hop->known = true;
	} else if (neighbour_find(hops->c.neighbour, port->ifindex, hop->hop_family, hop->ip,
			   hop->mac, &fresh)) {
		hop->known = true;
		hop->lost_us = 0;
	} else if (hop->known && !hop->lost_us) {
		hop->lost_us = now_us;
	}
	if (!hop->known || !fresh || hop->lost_us)
		ask(hops, hop, now_us);
}

static int create(struct hops *hops, const struct hop *key, uint64_t now_us, uint16_t *index)
{
	int at = dp_adjacency_alloc(hops->c.table, key->family);
	uint16_t *bucket = bucket_of(hops, key);

	if (at < 0)
		return at;
	*index = (uint16_t)at;
	hops->hop[at] = *key;
	hops->hop[at].next = *bucket;
	*bucket = *index;
	hops->count++;
	if ((unsigned)at >= hops->last)
		hops->last = (unsigned)at + 1;
	refresh(hops, *index, now_us);
	write_hop(hops, *index);
	return 0;
}

int hops_get(struct hops *hops, unsigned interface, uint8_t family, const uint8_t ip[16],
	uint64_t now_us, uint16_t *index)
{
	struct hop key;
	int err = route(hops, interface, family, ip, &key);

	*index = DP_ADJACENCY_NONE;
	if (err)
		return err;
	*index = find(hops, &key);
	if (*index == NOBODY)
		err = create(hops, &key, now_us, index);
	if (err)
		*index = DP_ADJACENCY_NONE;
	else
		hops->hop[*index].users++;
	return err;
}

bool hops_same(
	struct hops *hops, unsigned interface, uint8_t family, const uint8_t ip[16], uint16_t index)
{
	struct hop key;

	if (route(hops, interface, family, ip, &key))
		return index == DP_ADJACENCY_NONE;
	return index != DP_ADJACENCY_NONE && find(hops, &key) == index;
}

bool hops_ready(const struct hops *hops, uint16_t index)
{
	return index != DP_ADJACENCY_NONE && hops->hop[index].known;
}

void hops_hold(struct hops *hops, uint16_t index)
{
	if (index != DP_ADJACENCY_NONE)
		hops->hop[index].users++;
}

void hops_put(struct hops *hops, uint16_t index)
{
	uint16_t *at;

	if (index == DP_ADJACENCY_NONE || --hops->hop[index].users)
		return;
	at = bucket_of(hops, &hops->hop[index]);
	while (*at != index)
		at = &hops->hop[*at].next;
	*at = hops->hop[index].next;
	hops->count--;
	dp_adjacency_release(hops->c.table, index);
}

void hops_neighbour(void *arg, int interface, uint8_t family, const uint8_t ip[16])
{
	struct hops *hops = arg;
	struct hop key = {.hop_family = family};

	memcpy(key.ip, ip, 16);
	for (unsigned i = 0; i < hops->c.port_count; i++) {
		if (!is_mirrored(&hops->c.ports[i]) || hops->c.ports[i].ifindex != interface)
			continue;
		key.interface = (uint8_t)i;
		// An IPv6 neighbour may be the gateway of IPv4 packets too.
		for (key.family = 4; key.family <= 6; key.family += 2) {
			uint16_t index = find(hops, &key);

			if (index == NOBODY)
				continue;
			hops->hop[index].asked_us = 0;
			refresh(hops, index, abi_now_us());
			write_hop(hops, index);
		}
	}
}

void hops_links(struct hops *hops)
{
	for (unsigned i = 0; i < hops->last; i++)
		if (hops->hop[i].users)
			write_hop(hops, (uint16_t)i);
}

static void tick_one(struct hops *hops, uint16_t index, uint64_t now_us)
{
	struct hop *hop = &hops->hop[index];
	bool wanted = dp_adjacency_wanted(hops->c.table, index);

	if (!is_mirrored(&hops->c.ports[hop->interface]))
		return;
	if (hop->asked_us && now_us - hop->asked_us < HOPS_PROBE_US)
		return;
	if (wanted || hop->known)
		refresh(hops, index, now_us);
	if (hop->lost_us && now_us - hop->lost_us > HOPS_PATIENCE_US) {
		hop->known = false;
		hop->lost_us = 0;
		write_hop(hops, index);
	}
}

void hops_tick(struct hops *hops, uint64_t now_us)
{
	for (unsigned i = 0; i < hops->last; i++)
		if (hops->hop[i].users)
			tick_one(hops, (uint16_t)i, now_us);
}
