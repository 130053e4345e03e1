// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/agent/routes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BUCKETS 64u
#define MAX_PREFIX    128u

struct node {
	struct node *next;
	struct route route;
};

struct route_table {
	struct node **buckets;
	uint32_t mask;
	uint32_t count;
	uint32_t of_prefix[2][MAX_PREFIX + 1]; // how many, [0] IPv4, [1] IPv6
};

static unsigned bits_of(uint8_t family)
{
	return family == 4 ? 32 : 128;
}

static uint32_t *of_prefix(struct route_table *table, uint8_t family, uint8_t prefix)
{
	return &table->of_prefix[family == 6][prefix];
}

static void mask_to(uint8_t out[16], uint8_t family, const uint8_t *ip, unsigned prefix)
{
	unsigned bytes = prefix / 8, bits = prefix % 8;

	memset(out, 0, 16);
	memcpy(out, ip, bytes);
	if (bits)
		out[bytes] = ip[bytes] & (uint8_t)(0xff00u >> bits);
}

static uint32_t hash(uint8_t family, uint8_t prefix, const uint8_t masked[16])
{
	uint64_t words[2], h;

	memcpy(words, masked, sizeof(words));
	h = (words[0] ^ (uint64_t)family << 56 ^ prefix) * 0x9e3779b97f4a7c15ull;
	h = (h ^ h >> 32 ^ words[1]) * 0xc2b2ae3d27d4eb4full;
	return (uint32_t)(h ^ h >> 29);
}

struct route_table *routes_new(void)
{
	struct route_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->buckets = calloc(FIRST_BUCKETS, sizeof(*table->buckets));
	if (!table->buckets) {
		free(table);
		return NULL;
	}
	table->mask = FIRST_BUCKETS - 1;
	return table;
}

void routes_clear(struct route_table *table)
{
	for (uint32_t i = 0; i <= table->mask; i++) {
		struct node *node = table->buckets[i];

		while (node) {
			struct node *next = node->next;

			free(node);
			node = next;
		}
		table->buckets[i] = NULL;
	}
	table->count = 0;
	memset(table->of_prefix, 0, sizeof(table->of_prefix));
}

void routes_free(struct route_table *table)
{
	if (!table)
		return;
	routes_clear(table);
	free(table->buckets);
	free(table);
}

uint32_t routes_count(const struct route_table *table)
{
	return table->count;
}

static struct node **bucket_of(const struct route_table *table, const struct route *route)
{
	return &table->buckets[hash(route->family, route->prefix, route->destination) &
			       table->mask];
}

// A table that cannot grow stays correct, only slower.
static void grow(struct route_table *table)
{
	uint32_t old_size = table->mask + 1;
	struct node **old = table->buckets;
	struct node **buckets = calloc((size_t)old_size * 2, sizeof(*buckets));

	if (!buckets)
		return;
	table->buckets = buckets;
	table->mask = old_size * 2 - 1;
	for (uint32_t i = 0; i < old_size; i++) {
		struct node *node = old[i];

		while (node) {
			struct node *next = node->next;
			struct node **to = bucket_of(table, &node->route);

			// Appended, so that routes of equal metric keep their order.
			while (*to)
				to = &(*to)->next;
			node->next = NULL;
			*to = node;
			node = next;
		}
	}
	free(old);
}

static bool same_destination(const struct route *a, const struct route *b)
{
	return a->family == b->family && a->prefix == b->prefix &&
	       memcmp(a->destination, b->destination, 16) == 0;
}

static bool same_hop(const struct route *a, const struct route *b)
{
	return a->interface == b->interface && a->gateway_family == b->gateway_family &&
	       memcmp(a->gateway, b->gateway, 16) == 0;
}

// The route with its host bits cleared and without bytes that mean nothing. 0 or -EINVAL.
static int normal(struct route *out, const struct route *route)
{
	if ((route->family != 4 && route->family != 6) || route->prefix > bits_of(route->family))
		return -EINVAL;
	*out = *route;
	mask_to(out->destination, route->family, route->destination, route->prefix);
	memset(out->gateway, 0, sizeof(out->gateway));
	if (route->gateway_family)
		memcpy(out->gateway, route->gateway, route->gateway_family == 4 ? 4 : 16);
	return 0;
}

int routes_add(struct route_table *table, const struct route *route)
{
	struct route wanted;
	struct node *node, **at;
	int err = normal(&wanted, route);

	if (err)
		return err;
	if (table->count > table->mask)
		grow(table);
	at = bucket_of(table, &wanted);
	for (; *at; at = &(*at)->next) {
		const struct route *r = &(*at)->route;

		if (same_destination(r, &wanted) && r->metric == wanted.metric &&
			r->blocked == wanted.blocked && same_hop(r, &wanted))
			return 0;
	}
	node = calloc(1, sizeof(*node));
	if (!node)
		return -ENOMEM;
	node->route = wanted;
	*at = node;
	table->count++;
	++*of_prefix(table, wanted.family, wanted.prefix);
	return 0;
}

int routes_remove(struct route_table *table, const struct route *route)
{
	struct route wanted;
	struct node **at;
	int err = normal(&wanted, route);

	if (err)
		return err;
	err = -ENOENT;
	at = bucket_of(table, &wanted);
	while (*at) {
		struct node *node = *at;
		const struct route *r = &node->route;

		if (!same_destination(r, &wanted) || r->metric != wanted.metric ||
			(wanted.interface && !same_hop(r, &wanted))) {
			at = &node->next;
			continue;
		}
		*at = node->next;
		free(node);
		table->count--;
		--*of_prefix(table, wanted.family, wanted.prefix);
		err = 0;
	}
	return err;
}

// The best route of one prefix length that leads out of `interface`, or is blocked for all.
static const struct route *best(const struct route_table *table, uint8_t family, uint8_t prefix,
	const uint8_t *ip, int interface)
{
	struct route key = {.family = family, .prefix = prefix};
	const struct route *found = NULL;

	mask_to(key.destination, family, ip, prefix);
	for (const struct node *node = *bucket_of(table, &key); node; node = node->next) {
		const struct route *r = &node->route;

		if (!same_destination(r, &key) || (!r->blocked && r->interface != interface))
			continue;
		if (!found || r->metric < found->metric)
			found = r;
	}
	return found;
}

int routes_lookup(const struct route_table *table, uint8_t family, const uint8_t *ip, int interface,
	uint8_t *hop_family, uint8_t hop[16])
{
	for (int prefix = (int)bits_of(family); prefix >= 0; prefix--) {
		const struct route *route;

		if (table->of_prefix[family == 6][prefix] == 0)
			continue;
		route = best(table, family, (uint8_t)prefix, ip, interface);
		if (!route)
			continue;
		if (route->blocked)
			return -EHOSTUNREACH;
		memset(hop, 0, 16);
		*hop_family = route->gateway_family ? route->gateway_family : family;
		memcpy(hop, route->gateway_family ? route->gateway : ip, *hop_family == 4 ? 4 : 16);
		return 0;
	}
	return -EHOSTUNREACH;
}
