// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/trunk/route.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	uint32_t next; // 1 + index in the bucket, 0: none
	uint8_t length;
	const struct cfg_route *route;
};

struct cp_routes {
	struct entry *entries;
	uint32_t *buckets;
	uint32_t mask;
	size_t longest;
};

static uint32_t mix(uint64_t h)
{
	return (uint32_t)(h ^ h >> 32);
}

static uint64_t seed(int from)
{
	return (0xcbf29ce484222325ull ^ (uint64_t)(uint32_t)from) * 0x100000001b3ull;
}

static uint64_t step(uint64_t h, char c)
{
	return (h ^ (uint8_t)c) * 0x100000001b3ull;
}

static void insert(struct cp_routes *r, uint32_t at, const struct cfg_route *route)
{
	struct entry *e = &r->entries[at];
	uint64_t h = seed(route->from);
	uint32_t *link;

	e->route = route;
	e->length = (uint8_t)strlen(route->number);
	for (unsigned i = 0; i < e->length; i++)
		h = step(h, route->number[i]);
	// Behind the earlier lines, which win.
	link = &r->buckets[mix(h) & r->mask];
	while (*link)
		link = &r->entries[*link - 1].next;
	*link = at + 1;
	if (e->length > r->longest)
		r->longest = e->length;
}

int cp_routes_new(const struct cfg *cfg, struct cp_routes **out)
{
	struct cp_routes *r = calloc(1, sizeof(*r));
	uint32_t buckets = 16;

	if (!r)
		return -ENOMEM;
	while (buckets < cfg->route_count * 2)
		buckets *= 2;
	r->mask = buckets - 1;
	r->entries = calloc(cfg->route_count + 1, sizeof(*r->entries));
	r->buckets = calloc(buckets, sizeof(*r->buckets));
	if (!r->entries || !r->buckets) {
		cp_routes_free(r);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < cfg->route_count; i++)
		insert(r, i, &cfg->routes[i]);
	*out = r;
	return 0;
}

void cp_routes_free(struct cp_routes *routes)
{
	if (!routes)
		return;
	free(routes->entries);
	free(routes->buckets);
	free(routes);
}

static const struct cfg_route *probe(
	const struct cp_routes *r, int from, uint64_t h, struct sip_slice number, size_t length)
{
	for (uint32_t i = r->buckets[mix(h) & r->mask]; i; i = r->entries[i - 1].next) {
		const struct entry *e = &r->entries[i - 1];

		if (e->route->from == from && e->length == length &&
			(length == 0 || memcmp(e->route->number, number.p, length) == 0))
			return e->route;
	}
	return NULL;
}

// The earlier line of the file; both lie in one array.
static const struct cfg_route *earlier(const struct cfg_route *a, const struct cfg_route *b)
{
	if (!a || !b)
		return a ? a : b;
	return a < b ? a : b;
}

const struct cfg_route *cp_routes_find(
	const struct cp_routes *routes, int from, struct sip_slice number)
{
	uint64_t mine = seed(from), any = seed(-1);
	const struct cfg_route *best = NULL, *found;

	for (size_t length = 0;; length++) {
		found = earlier(probe(routes, from, mine, number, length),
			probe(routes, -1, any, number, length));
		if (found)
			best = found;
		if (length >= number.n || length >= routes->longest)
			return best;
		mine = step(mine, number.p[length]);
		any = step(any, number.p[length]);
	}
}
