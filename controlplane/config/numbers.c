// SPDX-License-Identifier: BSD-3-Clause
// numbers: the form in which a peer writes and wants telephone numbers.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/config/reader.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

int cfg_read_regex(struct cfg_reader *r, const struct cfg_node *node, regex_t *regex, int flags)
{
	char text[256], why[96];
	int err = cfg_text(r, node, text, sizeof(text), "a regular expression");

	if (err)
		return err;
	err = regcomp(regex, text, REG_EXTENDED | flags);
	if (err == REG_ESPACE)
		return -ENOMEM;
	if (err) {
		regerror(err, regex, why, sizeof(why));
		return cfg_fail(
			r, node, "expected a regular expression, found \"%.60s\": %s", text, why);
	}
	return 0;
}

int cfg_check_groups(
	struct cfg_reader *r, const struct cfg_node *node, const char *with, size_t groups)
{
	for (const char *p = with; *p; p++) {
		if (*p != '\\')
			continue;
		p++;
		if (*p == '\\')
			continue;
		if (*p < '0' || *p > '9')
			return cfg_fail(r, node,
				"expected \\0 to \\9 or \\\\ after a backslash, found \"%.60s\"",
				with);
		if ((size_t)(*p - '0') > groups)
			return cfg_fail(r, node,
				"expected a group that `match` has, found \\%c, and it has %zu", *p,
				groups);
	}
	return 0;
}

static int digits_of(struct cfg_reader *r, const struct cfg_node *node, char *to, size_t size,
	size_t least, const char *expected)
{
	int err = cfg_text(r, node, to, size, expected);

	if (err)
		return err;
	if (strlen(to) < least || strspn(to, "0123456789") != strlen(to))
		return cfg_expected(r, node, expected);
	return 0;
}

static int read_country(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const char expected[] = "a country code such as 49";
	struct cfg_numbers *n = to;
	int err = digits_of(r, node, n->country, sizeof(n->country), 1, expected);

	return !err && n->country[0] == '0' ? cfg_expected(r, node, expected) : err;
}

static int read_area(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_numbers *n = to;

	return digits_of(r, node, n->area, sizeof(n->area), 1,
		"an area code without the national prefix, such as 30");
}

static int read_national(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_numbers *n = to;

	return digits_of(r, node, n->national, sizeof(n->national), 0,
		"the national prefix such as \"0\", or \"\"");
}

static int read_international(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_numbers *n = to;

	return digits_of(r, node, n->international, sizeof(n->international), 1,
		"the international prefix such as \"00\"");
}

static CFG_WORD_READER(read_inbound, struct cfg_numbers, inbound_plain, {"auto", 0}, {"plain", 1})

static CFG_WORD_READER(read_outbound, struct cfg_numbers, outbound, {"as_is", CFG_FORM_AS_IS},
	{"e164", CFG_FORM_E164}, {"plain", CFG_FORM_PLAIN}, {"national", CFG_FORM_NATIONAL},
	{"international", CFG_FORM_INTERNATIONAL})

// ---- in and out: explicit rewriting

static CFG_WORD_READER(read_of, struct cfg_rewrite, of, {"called", CFG_OF_CALLED},
	{"caller", CFG_OF_CALLER}, {"both", CFG_OF_CALLED | CFG_OF_CALLER})

static int read_with(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_rewrite *w = to;

	return cfg_text(r, node, w->with, sizeof(w->with), "what stands there then");
}

static int read_match(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_rewrite *w = to;

	return cfg_read_regex(r, node, &w->match, 0);
}

struct rewrites {
	struct cfg_numbers *numbers;
	unsigned way;
};

static int read_rewrite(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const struct cfg_key keys[] = {
		{"of", read_of}, {"with", read_with}, {"match", read_match}};
	struct rewrites *all = to;
	unsigned *count = &all->numbers->rewrites[all->way];
	struct cfg_rewrite *w = &all->numbers->rewrite[all->way][*count];
	int err;

	w->of = CFG_OF_CALLED;
	err = cfg_map(r, node, keys, COUNT(keys), w);
	// `match` is read last: when that failed there is nothing to free.
	if (err)
		return err;
	if (!cfg_node_find(node, "match"))
		return cfg_fail(r, node, "expected the keys match and with, found no match");
	(*count)++;
	if (!cfg_node_find(node, "with"))
		return cfg_fail(r, node, "expected the keys match and with, found no with");
	return cfg_check_groups(r, cfg_node_find(node, "with"), w->with, w->match.re_nsub);
}

static int read_rewrites(
	struct cfg_reader *r, const struct cfg_node *node, struct cfg_numbers *n, unsigned way)
{
	struct rewrites all = {n, way};

	if (cfg_count(node) > 100)
		return cfg_fail(r, node, "expected at most 100 rules, found %u", cfg_count(node));
	n->rewrite[way] = calloc(cfg_count(node), sizeof(*n->rewrite[way]));
	if (!n->rewrite[way])
		return -ENOMEM;
	return cfg_each(r, node, "a list of {match: ..., with: ...}", read_rewrite, &all);
}

static int read_in(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return read_rewrites(r, node, to, CFG_IN);
}

static int read_out(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return read_rewrites(r, node, to, CFG_OUT);
}

int cfg_read_numbers(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const struct cfg_key keys[] = {
		{"country", read_country},
		{"area", read_area},
		{"national", read_national},
		{"international", read_international},
		{"inbound", read_inbound},
		{"outbound", read_outbound},
		{"in", read_in},
		{"out", read_out},
	};
	struct cfg_peer *p = to;
	struct cfg_numbers *n = calloc(1, sizeof(*n));
	int err;

	if (!n)
		return -ENOMEM;
	p->trunk.numbers = n;
	strcpy(n->national, "0");
	strcpy(n->international, "00");
	err = cfg_map(r, node, keys, COUNT(keys), n);
	if (err)
		return err;
	if (n->country[0] && !cfg_node_find(node, "outbound"))
		n->outbound = CFG_FORM_E164;
	if (n->outbound == CFG_FORM_NATIONAL && !n->country[0])
		return cfg_fail(r, cfg_node_find(node, "outbound"),
			"expected the key country beside it, or nobody knows what is national");
	if (n->area[0] && !n->country[0])
		return cfg_fail(r, cfg_node_find(node, "area"),
			"expected the key country beside it, found none");
	return 0;
}

void cfg_numbers_free(struct cfg_numbers *n)
{
	if (!n)
		return;
	for (unsigned way = 0; way < 2; way++) {
		for (unsigned i = 0; i < n->rewrites[way]; i++)
			regfree(&n->rewrite[way][i].match);
		free(n->rewrite[way]);
	}
	free(n);
}
