// SPDX-License-Identifier: BSD-3-Clause
// The section routes.
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/config/reader.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int find_peer(struct cfg_reader *r, const struct cfg_node *node, int *index)
{
	const struct cfg *cfg = r->cfg;
	const char *nearest = NULL;
	const char **names;

	if (node->kind != CFG_NODE_TEXT)
		return cfg_expected(r, node, "the name of a peer");
	for (unsigned i = 0; i < cfg->peer_count; i++)
		if (strcmp(cfg->peers[i].name, node->text) == 0) {
			*index = (int)i;
			return 0;
		}
	names = calloc(cfg->peer_count + 1u, sizeof(*names));
	if (!names)
		return -ENOMEM;
	for (unsigned i = 0; i < cfg->peer_count; i++)
		names[i] = cfg->peers[i].name;
	nearest = cfg_nearest(node->text, names, cfg->peer_count);
	free(names);
	if (nearest)
		return cfg_fail(r, node, "there is no peer \"%.40s\"; did you mean \"%s\"?",
			node->text, nearest);
	return cfg_fail(
		r, node, "expected the name of a peer in peers, found \"%.40s\"", node->text);
}

// ---- conditions

static int read_from(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_route *route = to;

	if (node->kind == CFG_NODE_TEXT && strcmp(node->text, "any") == 0)
		return 0;
	return find_peer(r, node, &route->from);
}

static int read_characters(
	struct cfg_reader *r, const struct cfg_node *node, char *text, const char *expected)
{
	int err = cfg_text(r, node, text, CFG_PREFIX, expected);

	if (err)
		return err;
	for (const char *p = text; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("+*#-_.!~'()&=$,;?/%:", *p))
			return cfg_expected(r, node, expected);
	return 0;
}

static int read_number(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_route *route = to;

	return read_characters(
		r, node, route->number, "the first characters of a number, such as \"+49\"");
}

static int read_caller(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_route *route = to;

	return cfg_read_prefixes(r, node, &route->callers);
}

static int read_flag(struct cfg_reader *r, const struct cfg_node *node, bool *flag)
{
	static const struct cfg_word words[] = {{"yes", 1}, {"no", 0}};
	int value, err = cfg_choice(r, node, words, COUNT(words), &value);

	if (!err)
		*flag = value;
	return err;
}

static int read_emergency(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return read_flag(r, node, &((struct cfg_route *)to)->emergency);
}

// ---- where it goes

static int add_target(
	struct cfg_reader *r, const struct cfg_node *node, struct cfg_route *route, int peer)
{
	for (unsigned i = 0; i < route->to_count; i++)
		if (route->to[i] == peer)
			return cfg_fail(r, node, "expected each peer once, found \"%s\" twice",
				r->cfg->peers[peer].name);
	if (!cfg_peer_callable(&r->cfg->peers[peer]))
		return cfg_fail(r, node,
			"expected a peer that can be called, found \"%s\", which has no single "
			"address and no name (line %u)",
			r->cfg->peers[peer].name, r->cfg->peers[peer].line);
	route->to[route->to_count] = peer;
	route->target[route->to_count] =
		(struct cfg_target){.priority = (uint8_t)(route->to_count + 1), .weight = 1};
	route->to_count++;
	return 0;
}

static int read_target_peer(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	int peer = 0;
	int err = find_peer(r, node, &peer);

	return err ? err : add_target(r, node, to, peer);
}

static int read_priority(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_route *route = to;
	unsigned n;
	int err = cfg_number(r, node, 1, 100, "a priority", &n);

	if (!err)
		route->target[route->to_count - 1].priority = (uint8_t)n;
	return err;
}

// Peers with a weight that stand side by side share their calls.
static int read_weight(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_route *route = to;
	unsigned n, at = route->to_count - 1;
	const struct cfg_node *before = node->parent->parent->first;
	int err = cfg_number(r, node, 1, 1000, "a weight", &n);

	if (err)
		return err;
	route->target[at].weight = (uint16_t)n;
	if (at == 0 || cfg_node_find(node->parent, "priority"))
		return 0;
	while (before->next != node->parent)
		before = before->next;
	if (before->kind == CFG_NODE_MAP && cfg_node_find(before, "weight"))
		route->target[at].priority = route->target[at - 1].priority;
	return 0;
}

static int read_target(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const struct cfg_key keys[] = {
		{"peer", read_target_peer},
		{"priority", read_priority},
		{"weight", read_weight},
	};

	if (node->kind != CFG_NODE_MAP)
		return read_target_peer(r, node, to);
	if (!cfg_node_find(node, "peer"))
		return cfg_fail(r, node, "expected the key peer, found none");
	return cfg_map(r, node, keys, COUNT(keys), to);
}

static int read_to(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_route *route = to;

	if (cfg_count(node) > COUNT(route->to))
		return cfg_fail(r, node, "expected at most %zu peers, found %u", COUNT(route->to),
			cfg_count(node));
	if (node->kind == CFG_NODE_MAP)
		return cfg_expected(r, node, "a peer or a list of peers");
	return cfg_each(r, node, "a peer or a list of peers", read_target, route);
}

static CFG_WORD_READER(read_order, struct cfg_route, by_cost, {"priority", 0}, {"cost", 1})

static int read_max_rate(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_read_money(r, node, &((struct cfg_route *)to)->max_rate);
}

static int read_refuse(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	unsigned status;
	int err = cfg_number(r, node, 400, 699, "a status", &status);

	if (!err)
		((struct cfg_route *)to)->refuse = (uint16_t)status;
	return err;
}

static int read_strip(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	unsigned n;
	int err = cfg_number(r, node, 0, 63, "characters", &n);

	if (!err)
		((struct cfg_route *)to)->strip = (uint8_t)n;
	return err;
}

static int read_prepend(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return read_characters(r, node, ((struct cfg_route *)to)->prepend,
		"characters of a number, such as \"+49\"");
}

static int read_table(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_read_path(r, node, &((struct cfg_route *)to)->table);
}

// ---- a route

static bool is_conditional(const struct cfg_route *route)
{
	return route->callers.count || route->when_count || route->emergency || route->table;
}

static int check_route(
	struct cfg_reader *r, const struct cfg_node *node, const struct cfg_route *route)
{
	unsigned ways = (route->to_count > 0) + (route->refuse > 0) + (route->table != NULL);

	if (ways == 0)
		return cfg_fail(
			r, node, "expected the key to (a peer or a list of peers), found none");
	if (ways > 1)
		return cfg_fail(r, node, "expected one of to, table and refuse, found more");
	if (route->table && route->number[0])
		return cfg_fail(r, cfg_node_find(node, "number"),
			"expected no number beside a table, which has the numbers");
	if (is_conditional(route))
		return 0;
	for (unsigned i = 0; i < r->cfg->route_count; i++)
		if (r->cfg->routes[i].from == route->from && !is_conditional(&r->cfg->routes[i]) &&
			strcmp(r->cfg->routes[i].number, route->number) == 0)
			return cfg_fail(r, node,
				"expected each from and number once, found those of line %u: this "
				"route would never be used; list more peers in its \"to\"",
				r->cfg->routes[i].line);
	return 0;
}

static int read_route(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const struct cfg_key keys[] = {
		{"from", read_from},
		{"number", read_number},
		{"caller", read_caller},
		{"when", cfg_read_when},
		{"emergency", read_emergency},
		{"order", read_order},
		{"max_rate", read_max_rate},
		{"to", read_to},
		{"table", read_table},
		{"refuse", read_refuse},
		{"strip", read_strip},
		{"prepend", read_prepend},
	};
	struct cfg *cfg = r->cfg;
	struct cfg_route *route = &cfg->routes[cfg->route_count];
	int err;

	route->from = -1;
	route->max_rate = -1;
	route->line = node->line;
	err = cfg_map(r, node, keys, COUNT(keys), route);
	if (!err)
		err = check_route(r, node, route);
	if (err)
		cfg_route_free(route);
	else
		cfg->route_count++;
	return err;
}

int cfg_read_routes(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	if (node->kind != CFG_NODE_LIST)
		return cfg_expected(
			r, node, "a list of routes, as in [{from: office, to: [carrier]}]");
	if (node->children > 20000)
		return cfg_fail(r, node,
			"expected at most 20000 routes, found %u; more go into a table",
			node->children);
	r->cfg->routes = calloc(node->children + 1u, sizeof(*r->cfg->routes));
	if (!r->cfg->routes)
		return -ENOMEM;
	for (const struct cfg_node *c = node->first; c; c = c->next) {
		int err = read_route(r, c, NULL);

		if (err)
			return err;
	}
	return 0;
}

void cfg_route_free(struct cfg_route *route)
{
	free(route->callers.prefix);
	free(route->when);
	free(route->table);
}
