// SPDX-License-Identifier: BSD-3-Clause
// limits: how much a peer, or a user of one, may call and be called.
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/config/reader.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

// "0.05" as 50000: at most nine digits before the point and six after it.
int cfg_micro_parse(const char *text, int64_t *micro)
{
	int64_t whole = 0, part = 0;
	unsigned before = 0, after = 0;

	for (; isdigit((unsigned char)*text); text++, before++)
		whole = before < 9 ? whole * 10 + (*text - '0') : whole;
	if (*text == '.')
		for (text++; isdigit((unsigned char)*text); text++, after++)
			part = after < 6 ? part * 10 + (*text - '0') : part;
	if (!before || before > 9 || after > 6 || *text)
		return -EINVAL;
	for (; after < 6; after++)
		part *= 10;
	*micro = whole * 1000000 + part;
	return 0;
}

int cfg_read_money(struct cfg_reader *r, const struct cfg_node *node, int64_t *micro)
{
	if (node->kind != CFG_NODE_TEXT || cfg_micro_parse(node->text, micro))
		return cfg_expected(r, node, "an amount of money such as 0.05");
	return 0;
}

// ---- prefixes

static int read_prefix(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const char expected[] = "the first characters of a number, such as \"+49\"";
	struct cfg_prefix_list *list = to;
	char *text = list->prefix[list->count];
	int err = cfg_text(r, node, text, CFG_PREFIX, expected);

	if (err)
		return err;
	for (const char *p = text; *p; p++)
		if (!isgraph((unsigned char)*p))
			return cfg_expected(r, node, expected);
	if (!text[0])
		return cfg_expected(r, node, expected);
	list->count++;
	return 0;
}

int cfg_read_prefixes(
	struct cfg_reader *r, const struct cfg_node *node, struct cfg_prefix_list *list)
{
	if (cfg_count(node) > 10000)
		return cfg_fail(
			r, node, "expected at most 10000 prefixes, found %u", cfg_count(node));
	list->prefix = calloc(cfg_count(node) + 1u, sizeof(*list->prefix));
	if (!list->prefix)
		return -ENOMEM;
	return cfg_each(r, node, "a prefix or a list of prefixes", read_prefix, list);
}

// ---- one direction

static int read_calls(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_number(r, node, 1, 1000000, "calls at once", &((struct cfg_limit *)to)->calls);
}

// "50/s", "100/min", "20/10s"
static int read_rate(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const char expected[] = "new calls in a time, such as 50/s, 100/min or 20/10s";
	static const struct {
		const char *name;
		unsigned seconds;
	} units[] = {{"s", 1}, {"min", 60}, {"m", 60}, {"h", 3600}};
	struct cfg_limit *l = to;
	unsigned long rate, count = 1;
	char *end;

	if (node->kind != CFG_NODE_TEXT || !isdigit((unsigned char)node->text[0]))
		return cfg_expected(r, node, expected);
	rate = strtoul(node->text, &end, 10);
	if (*end++ != '/' || rate < 1 || rate > 100000)
		return cfg_expected(r, node, expected);
	if (isdigit((unsigned char)*end))
		count = strtoul(end, &end, 10);
	for (size_t i = 0; i < COUNT(units); i++)
		if (strcmp(end, units[i].name) == 0 && count >= 1 && count <= 3600) {
			l->rate = (unsigned)rate;
			l->period_s = (unsigned)count * units[i].seconds;
			return 0;
		}
	return cfg_expected(r, node, expected);
}

static int read_burst(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_number(r, node, 1, 1000000, "calls at a time", &((struct cfg_limit *)to)->burst);
}

static int read_minutes(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_number(
		r, node, 1, 100000000, "minutes a day", &((struct cfg_limit *)to)->minutes);
}

static int read_allow(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_read_prefixes(r, node, &((struct cfg_limit *)to)->allow);
}

static int read_deny(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_read_prefixes(r, node, &((struct cfg_limit *)to)->deny);
}

static int check_limit(struct cfg_reader *r, const struct cfg_node *node, const struct cfg_limit *l)
{
	if (l->burst && !l->rate)
		return cfg_fail(r, cfg_node_find(node, "burst"),
			"expected the key rate beside it, found none");
	for (unsigned i = 0; i < l->allow.count; i++)
		for (unsigned k = 0; k < l->deny.count; k++)
			if (strcmp(l->allow.prefix[i], l->deny.prefix[k]) == 0)
				return cfg_fail(r, cfg_node_find(node, "deny"),
					"expected \"%s\" to be allowed or denied, found it in both",
					l->deny.prefix[k]);
	return 0;
}

// ---- fraud

static int read_dear(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_read_money(r, node, &((struct cfg_fraud *)to)->dear);
}

static int read_spend(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_read_money(r, node, &((struct cfg_fraud *)to)->spend);
}

static int read_window(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_number(r, node, 60, 86400, "seconds", &((struct cfg_fraud *)to)->window);
}

static int read_block(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_number(r, node, 1, 604800, "seconds", &((struct cfg_fraud *)to)->block);
}

static int read_dear_prefixes(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_read_prefixes(r, node, &((struct cfg_fraud *)to)->prefixes);
}

static int read_fraud(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const struct cfg_key keys[] = {
		{"dear", read_dear},
		{"spend", read_spend},
		{"window", read_window},
		{"block", read_block},
		{"prefixes", read_dear_prefixes},
	};
	struct cfg_fraud *f = &((struct cfg_limits *)to)->fraud;
	int err;

	f->window = f->block = 3600;
	err = cfg_map(r, node, keys, COUNT(keys), f);
	if (err)
		return err;
	if (f->dear <= 0 || f->spend <= 0)
		return cfg_fail(r, node,
			"expected the keys dear (from what price a minute on) and spend (how much "
			"in the window), found no %s",
			f->dear <= 0 ? "dear" : "spend");
	return 0;
}

// ---- all

static const struct cfg_key limit_keys[] = {
	{"calls", read_calls},
	{"rate", read_rate},
	{"burst", read_burst},
	{"minutes", read_minutes},
	{"allow", read_allow},
	{"deny", read_deny},
};

static int read_way(struct cfg_reader *r, const struct cfg_node *node, struct cfg_limit *l)
{
	int err = cfg_map(r, node, limit_keys, COUNT(limit_keys), l);

	return err ? err : check_limit(r, node, l);
}

static int read_in(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return read_way(r, node, &((struct cfg_limits *)to)->limit[CFG_IN]);
}

static int read_out(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return read_way(r, node, &((struct cfg_limits *)to)->limit[CFG_OUT]);
}

static int read_zone(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_limits *l = to;

	return cfg_read_zone(r, node, l->zone, sizeof(l->zone));
}

static int both_calls(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return read_calls(r, node, &((struct cfg_limits *)to)->limit[CFG_BOTH]);
}

static int both_rate(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return read_rate(r, node, &((struct cfg_limits *)to)->limit[CFG_BOTH]);
}

static int both_burst(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return read_burst(r, node, &((struct cfg_limits *)to)->limit[CFG_BOTH]);
}

static int both_minutes(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return read_minutes(r, node, &((struct cfg_limits *)to)->limit[CFG_BOTH]);
}

static int both_allow(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return read_allow(r, node, &((struct cfg_limits *)to)->limit[CFG_BOTH]);
}

static int both_deny(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return read_deny(r, node, &((struct cfg_limits *)to)->limit[CFG_BOTH]);
}

int cfg_limits_parse(struct cfg_reader *r, const struct cfg_node *node, struct cfg_limits **limits)
{
	static const struct cfg_key keys[] = {
		{"calls", both_calls},
		{"rate", both_rate},
		{"burst", both_burst},
		{"minutes", both_minutes},
		{"allow", both_allow},
		{"deny", both_deny},
		{"in", read_in},
		{"out", read_out},
		{"fraud", read_fraud},
		{"zone", read_zone},
	};
	struct cfg_limits *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return -ENOMEM;
	*limits = l;
	err = cfg_map(r, node, keys, COUNT(keys), l);
	return err ? err : check_limit(r, node, &l->limit[CFG_BOTH]);
}

int cfg_read_limits(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_limits_parse(r, node, &((struct cfg_peer *)to)->trunk.limits);
}

void cfg_limits_free(struct cfg_limits *l)
{
	if (!l)
		return;
	for (unsigned i = 0; i < 3; i++) {
		free(l->limit[i].allow.prefix);
		free(l->limit[i].deny.prefix);
	}
	free(l->fraud.prefixes.prefix);
	free(l);
}
