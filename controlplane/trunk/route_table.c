// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/trunk/route_table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/trunk/csv.h"

#define SEEN 1024u

struct named_zone {
	char name[48];
	struct cp_zone *zone;
};

struct cp_routes {
	const struct cfg *cfg;
	struct cp_prefixes **prefixes; // [0] any, [1 + peer]
	struct cp_route_entry *entries;
	uint32_t *next;
	uint32_t count, size;
	struct cp_route_set **sets; // each for itself: entries point at them
	unsigned set_count, set_size;
	struct named_zone *zones;
	unsigned zone_count;
	struct cp_rates **rates[2]; // by enum cfg_direction and peer
};

// What is only needed while they are made.
struct maker {
	struct cp_routes *r;
	struct cp_prefix *list; // of all entries
	int *from;
	struct cp_csv *tables; // by route; prefixes point into their text
	struct cfg_error *error;
	const struct cp_route_set *seen[SEEN];
};

const struct cfg *cp_route_cfg(const struct cp_routes *r)
{
	return r->cfg;
}

const struct cp_route_entry *cp_route_entry(const struct cp_routes *r, uint32_t at)
{
	return at == CP_PREFIX_NONE ? NULL : &r->entries[at];
}

uint32_t cp_route_next(const struct cp_routes *r, uint32_t at)
{
	return at == CP_PREFIX_NONE ? CP_PREFIX_NONE : r->next[at];
}

const struct cp_prefixes *cp_route_prefixes(const struct cp_routes *r, int from)
{
	return from < (int)r->cfg->peer_count ? r->prefixes[1 + from] : NULL;
}

const struct cp_zone *cp_routes_zone(const struct cp_routes *r, const char *name)
{
	for (unsigned i = 0; i < r->zone_count; i++)
		if (strcmp(r->zones[i].name, name) == 0)
			return r->zones[i].zone;
	return NULL;
}

const struct cp_rates *cp_routes_rates(
	const struct cp_routes *r, unsigned peer, enum cfg_direction way)
{
	return peer < r->cfg->peer_count ? r->rates[way][peer] : NULL;
}

// ---- entries ----------------------------------------------------------------------------------------

static int grow(struct maker *m)
{
	struct cp_routes *r = m->r;
	uint32_t size = r->size ? r->size * 2 : 256;
	void *entries = realloc(r->entries, size * sizeof(*r->entries));
	void *list, *from;

	if (!entries)
		return -ENOMEM;
	r->entries = entries;
	list = realloc(m->list, size * sizeof(*m->list));
	if (!list)
		return -ENOMEM;
	m->list = list;
	from = realloc(m->from, size * sizeof(*m->from));
	if (!from)
		return -ENOMEM;
	m->from = from;
	r->size = size;
	return 0;
}

static int add_entry(struct maker *m, const struct cfg_route *route, const struct cp_route_set *set,
	const char *prefix)
{
	struct cp_routes *r = m->r;
	int err = r->count == r->size ? grow(m) : 0;

	if (err)
		return err;
	r->entries[r->count] = (struct cp_route_entry){route, set};
	m->list[r->count] = (struct cp_prefix){prefix, (uint32_t)strlen(prefix), r->count};
	m->from[r->count] = route->from;
	r->count++;
	return 0;
}

// ---- tables -----------------------------------------------------------------------------------------

static int find_peer(const struct cfg *cfg, const char *name)
{
	for (unsigned i = 0; i < cfg->peer_count; i++)
		if (strcmp(cfg->peers[i].name, name) == 0)
			return (int)i;
	return -1;
}

static int read_set(struct maker *m, const struct cp_csv *csv, struct cp_route_set *set)
{
	memset(set, 0, sizeof(*set));
	if (csv->fields < 2 || csv->fields - 1 > CFG_TARGETS)
		return cp_csv_fail(csv, m->error,
			"expected prefix,peer[,peer...] with at most %u peers, found %u fields",
			CFG_TARGETS, csv->fields);
	for (unsigned i = 1; i < csv->fields; i++) {
		int peer = find_peer(m->r->cfg, csv->field[i]);

		if (i > 1 && !*csv->field[i])
			continue;
		if (peer < 0)
			return cp_csv_fail(csv, m->error,
				"expected the name of a peer in peers, found \"%.40s\"",
				csv->field[i]);
		if (!cfg_peer_callable(&m->r->cfg->peers[peer]))
			return cp_csv_fail(csv, m->error,
				"expected a peer that can be called, found \"%.40s\", which has no "
				"single address and no name",
				csv->field[i]);
		set->peer[set->count++] = (uint16_t)peer;
	}
	return 0;
}

static int keep_set(
	struct maker *m, const struct cp_route_set *set, const struct cp_route_set **out)
{
	struct cp_routes *r = m->r;
	uint32_t h = set->count;

	for (unsigned i = 0; i < set->count; i++)
		h = h * 31 + set->peer[i];
	h = (h ^ h >> 16) % SEEN;
	if (m->seen[h] && memcmp(m->seen[h], set, sizeof(*set)) == 0) {
		*out = m->seen[h];
		return 0;
	}
	if (r->set_count == r->set_size) {
		unsigned size = r->set_size ? r->set_size * 2 : 64;
		void *sets = realloc(r->sets, size * sizeof(*r->sets));

		if (!sets)
			return -ENOMEM;
		r->sets = sets;
		r->set_size = size;
	}
	r->sets[r->set_count] = malloc(sizeof(*set));
	if (!r->sets[r->set_count])
		return -ENOMEM;
	memcpy(r->sets[r->set_count], set, sizeof(*set));
	*out = m->seen[h] = r->sets[r->set_count++];
	return 0;
}

static int check_prefix(struct maker *m, const struct cp_csv *csv)
{
	const char *p = csv->field[0];

	if (!*p || strlen(p) >= CFG_PREFIX || strspn(p, "0123456789+*#") != strlen(p))
		return cp_csv_fail(csv, m->error,
			"prefix: expected the first characters of a number such as +4930, found "
			"\"%.40s\"",
			p);
	return 0;
}

static int read_table(struct maker *m, const struct cfg_route *route, struct cp_csv *csv)
{
	int err = cp_csv_open(csv, route->table, m->error);

	while (!err && (err = cp_csv_next(csv, m->error)) > 0) {
		const struct cp_route_set *kept;
		struct cp_route_set set;

		err = check_prefix(m, csv);
		if (!err)
			err = read_set(m, csv, &set);
		if (!err)
			err = keep_set(m, &set, &kept);
		if (!err)
			err = add_entry(m, route, kept, csv->field[0]);
	}
	return err;
}

static int add_routes(struct maker *m)
{
	const struct cfg *cfg = m->r->cfg;
	int err = 0;

	for (unsigned i = 0; i < cfg->route_count && !err; i++) {
		const struct cfg_route *route = &cfg->routes[i];

		// Lines for emergencies are few and looked at before all others.
		if (route->emergency)
			continue;
		if (route->table)
			err = read_table(m, route, &m->tables[i]);
		else
			err = add_entry(m, route, NULL, route->number);
	}
	return err;
}

// ---- the maps ---------------------------------------------------------------------------------------

// Sorts the entries by who they are for, stable, so that each map gets a piece of the list.
static int make_maps(struct maker *m)
{
	struct cp_routes *r = m->r;
	size_t groups = r->cfg->peer_count + 1u;
	uint32_t *start = calloc(groups + 1, sizeof(*start));
	struct cp_prefix *sorted = malloc((r->count + 1u) * sizeof(*sorted));
	int err = 0;

	r->next = malloc((r->count + 1u) * sizeof(*r->next));
	r->prefixes = calloc(groups, sizeof(*r->prefixes));
	if (!start || !sorted || !r->next || !r->prefixes) {
		err = -ENOMEM;
		goto out;
	}
	for (uint32_t i = 0; i < r->count; i++)
		start[m->from[i] + 2]++;
	for (size_t g = 0; g < groups; g++)
		start[g + 1] += start[g];
	for (uint32_t i = 0; i < r->count; i++)
		sorted[start[m->from[i] + 1]++] = m->list[i];
	// Each start is now the end of its group.
	for (size_t g = 0; g < groups && !err; g++) {
		uint32_t begin = g ? start[g - 1] : 0;

		if (start[g] > begin)
			err = cp_prefixes_new(
				&r->prefixes[g], sorted + begin, start[g] - begin, r->next, NULL);
	}
out:
	free(start);
	free(sorted);
	return err;
}

// ---- zones and price lists --------------------------------------------------------------------------

static int load_zone(struct maker *m, const char *name, unsigned line)
{
	struct cp_routes *r = m->r;
	struct named_zone *zones;
	int err;

	for (unsigned i = 0; i < r->zone_count; i++)
		if (strcmp(r->zones[i].name, name) == 0)
			return 0;
	zones = realloc(r->zones, (r->zone_count + 1) * sizeof(*zones));
	if (!zones)
		return -ENOMEM;
	r->zones = zones;
	zones += r->zone_count;
	snprintf(zones->name, sizeof(zones->name), "%s", name);
	zones->zone = NULL;
	err = cp_zone_load(&zones->zone, name);
	if (err) {
		m->error->line = line;
		snprintf(m->error->text, sizeof(m->error->text),
			"%.200s:%u: zone: time zone \"%s\" cannot be read: %s", r->cfg->file, line,
			name, strerror(-err));
		return err;
	}
	r->zone_count++;
	return 0;
}

static int load_zones(struct maker *m)
{
	const struct cfg *cfg = m->r->cfg;

	for (unsigned i = 0; i < cfg->route_count; i++)
		for (unsigned k = 0; k < cfg->routes[i].when_count; k++) {
			int err = load_zone(
				m, cfg->routes[i].when[k].zone, cfg->routes[i].when[k].line);

			if (err)
				return err;
		}
	for (unsigned i = 0; i < cfg->peer_count; i++) {
		const struct cfg_limits *l = cfg->peers[i].trunk.limits;
		int err = l ? load_zone(m, l->zone, cfg->peers[i].line) : 0;

		if (err)
			return err;
	}
	return 0;
}

static int load_rates(struct maker *m)
{
	struct cp_routes *r = m->r;
	int err = 0;

	for (unsigned way = 0; way < 2; way++) {
		r->rates[way] = calloc(r->cfg->peer_count + 1u, sizeof(*r->rates[way]));
		if (!r->rates[way])
			return -ENOMEM;
		for (unsigned i = 0; i < r->cfg->peer_count && !err; i++) {
			const struct cfg_trunk *t = &r->cfg->peers[i].trunk;
			const char *file = way == CFG_OUT ? t->rates : t->tariff;

			if (file)
				err = cp_rates_load(&r->rates[way][i], file, m->error);
		}
	}
	return err;
}

int cp_routes_new(const struct cfg *cfg, struct cp_routes **out, struct cfg_error *error)
{
	struct maker *m = calloc(1, sizeof(*m));
	struct cp_routes *r = calloc(1, sizeof(*r));
	int err = -ENOMEM;

	*error = (struct cfg_error){0};
	if (!m || !r)
		goto out;
	r->cfg = cfg;
	m->r = r;
	m->error = error;
	m->tables = calloc(cfg->route_count + 1u, sizeof(*m->tables));
	err = m->tables ? add_routes(m) : -ENOMEM;
	if (!err)
		err = make_maps(m);
	if (!err)
		err = load_zones(m);
	if (!err)
		err = load_rates(m);
out:
	if (err == -ENOMEM)
		snprintf(error->text, sizeof(error->text), "no memory left for the routes");
	if (err && r && r->cfg)
		cp_routes_free(r);
	else if (err)
		free(r);
	else
		*out = r;
	for (unsigned i = 0; m && m->tables && i < cfg->route_count; i++)
		cp_csv_close(&m->tables[i]);
	if (m) {
		free(m->tables);
		free(m->list);
		free(m->from);
	}
	free(m);
	return err;
}

void cp_routes_free(struct cp_routes *r)
{
	if (!r)
		return;
	for (size_t g = 0; r->prefixes && g < r->cfg->peer_count + 1u; g++)
		cp_prefixes_free(r->prefixes[g]);
	for (unsigned way = 0; way < 2; way++) {
		for (unsigned i = 0; r->rates[way] && i < r->cfg->peer_count; i++)
			cp_rates_free(r->rates[way][i]);
		free(r->rates[way]);
	}
	for (unsigned i = 0; i < r->set_count; i++)
		free(r->sets[i]);
	for (unsigned i = 0; i < r->zone_count; i++)
		cp_zone_free(r->zones[i].zone);
	free(r->sets);
	free(r->zones);
	free(r->prefixes);
	free(r->entries);
	free(r->next);
	free(r);
}
