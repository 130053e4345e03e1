// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/config/reader.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int cfg_fail(struct cfg_reader *r, const struct cfg_node *node, const char *format, ...)
{
	char path[96], text[288];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	cfg_node_path(node, path, sizeof(path));
	r->error->line = node->line;
	snprintf(r->error->text, sizeof(r->error->text), "%.100s:%u: %s: %s", r->file, node->line,
		path, text);
	return -EINVAL;
}

// A value as the operator will recognise it, control characters made visible.
static void describe(const struct cfg_node *node, char *out, size_t size)
{
	size_t used = 1;

	if (node->kind != CFG_NODE_TEXT) {
		snprintf(out, size, "%s of %u", node->kind == CFG_NODE_LIST ? "a list" : "a map",
			node->children);
		return;
	}
	if (!*node->text) {
		snprintf(out, size, "%s", node->quoted ? "empty text" : "nothing");
		return;
	}
	out[0] = '"';
	for (const char *p = node->text; *p && used < size - 5; p++)
		out[used++] = (unsigned char)*p < 0x20 ? '?' : *p;
	snprintf(out + used, size - used, used >= size - 5 ? "...\"" : "\"");
}

int cfg_expected(struct cfg_reader *r, const struct cfg_node *node, const char *expected)
{
	char found[96];

	describe(node, found, sizeof(found));
	return cfg_fail(r, node, "expected %s, found %s", expected, found);
}

// Edits (insert, delete, change, swap neighbours) from a to b, at most `most` + 1.
static unsigned distance(const char *a, const char *b, unsigned most)
{
	unsigned rows[3][CFG_YAML_KEY + 1];
	size_t n = strlen(a), m = strlen(b);

	if (n > CFG_YAML_KEY || m > CFG_YAML_KEY)
		return most + 1;
	for (size_t j = 0; j <= m; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned *now = rows[i % 3], *up = rows[(i - 1) % 3], *upper = rows[(i + 1) % 3];

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			unsigned best = up[j - 1] + (tolower((unsigned char)a[i - 1]) !=
							    tolower((unsigned char)b[j - 1]));

			best = up[j] + 1 < best ? up[j] + 1 : best;
			best = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
				upper[j - 2] + 1 < best)
				best = upper[j - 2] + 1;
			now[j] = best;
		}
	}
	return rows[n % 3][m];
}

const char *cfg_nearest(const char *word, const char *const *names, size_t count)
{
	unsigned best = strlen(word) <= 3 ? 1 : strlen(word) <= 6 ? 2 : 3;
	const char *nearest = NULL;

	for (size_t i = 0; i < count; i++) {
		unsigned d = distance(word, names[i], best);

		if (d > best || (d == best && nearest) || d >= strlen(names[i]))
			continue;
		best = d;
		nearest = names[i];
	}
	return nearest;
}

#define KEYS_MOST 64u // of one map; more than any has

static int unknown_key(
	struct cfg_reader *r, const struct cfg_node *node, const struct cfg_key *keys, size_t count)
{
	const char *names[KEYS_MOST];
	const char *nearest;
	char all[224] = "";
	size_t used = 0;

	if (count > KEYS_MOST)
		count = KEYS_MOST;
	for (size_t i = 0; i < count; i++) {
		names[i] = keys[i].name;
		if (used < sizeof(all))
			used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s",
				i ? ", " : "", keys[i].name);
	}
	nearest = cfg_nearest(node->key, names, count);
	if (nearest)
		return cfg_fail(r, node, "no such key; did you mean \"%s\"?", nearest);
	return cfg_fail(r, node, "no such key; expected one of %s", all);
}

int cfg_map(struct cfg_reader *r, const struct cfg_node *map, const struct cfg_key *keys,
	size_t count, void *to)
{
	if (map->kind != CFG_NODE_MAP)
		return cfg_expected(r, map, "a map of keys and values");
	for (const struct cfg_node *c = map->first; c; c = c->next) {
		size_t i = 0;

		while (i < count && strcmp(keys[i].name, c->key) != 0)
			i++;
		if (i == count)
			return unknown_key(r, c, keys, count);
	}
	for (size_t i = 0; i < count; i++) {
		const struct cfg_node *c = cfg_node_find(map, keys[i].name);
		int err = c ? keys[i].read(r, c, to) : 0;

		if (err)
			return err;
	}
	return 0;
}

unsigned cfg_count(const struct cfg_node *node)
{
	return node->kind == CFG_NODE_LIST ? node->children : 1;
}

int cfg_each(struct cfg_reader *r, const struct cfg_node *node, const char *expected,
	int (*read)(struct cfg_reader *r, const struct cfg_node *node, void *to), void *to)
{
	if (node->kind != CFG_NODE_LIST)
		return read(r, node, to);
	if (!node->children)
		return cfg_fail(r, node, "expected %s, found an empty list", expected);
	for (const struct cfg_node *c = node->first; c; c = c->next) {
		int err = read(r, c, to);

		if (err)
			return err;
	}
	return 0;
}

// Printable and in one line: texts end up in headers, log lines and paths.
int cfg_text(struct cfg_reader *r, const struct cfg_node *node, char *text, size_t size,
	const char *expected)
{
	size_t n;

	if (node->kind != CFG_NODE_TEXT)
		return cfg_expected(r, node, expected);
	n = strlen(node->text);
	if (n >= size)
		return cfg_fail(r, node, "expected %s of at most %zu characters, found %zu",
			expected, size - 1, n);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)node->text[i] < 0x20 || node->text[i] == 0x7f)
			return cfg_fail(r, node,
				"expected %s in one line, found a control character (0x%02x)",
				expected, (unsigned char)node->text[i]);
	memcpy(text, node->text, n + 1);
	return 0;
}

int cfg_number(struct cfg_reader *r, const struct cfg_node *node, unsigned least, unsigned most,
	const char *unit, unsigned *value)
{
	char expected[96];
	unsigned long long n = 0;
	size_t digits = 0;

	snprintf(expected, sizeof(expected), "%s from %u to %u", unit, least, most);
	if (node->kind != CFG_NODE_TEXT)
		return cfg_expected(r, node, expected);
	for (; isdigit((unsigned char)node->text[digits]) && digits < 12; digits++)
		n = n * 10 + (unsigned)(node->text[digits] - '0');
	if (!digits || node->text[digits] || n < least || n > most)
		return cfg_expected(r, node, expected);
	*value = (unsigned)n;
	return 0;
}

int cfg_choice(struct cfg_reader *r, const struct cfg_node *node, const struct cfg_word *words,
	size_t count, int *value)
{
	const char *names[16], *nearest;
	char expected[192];
	size_t used = 0, known = 0;

	for (size_t i = 0; i < count; i++) {
		if (node->kind == CFG_NODE_TEXT && strcmp(node->text, words[i].name) == 0) {
			if (words[i].refused)
				return cfg_fail(
					r, node, "\"%s\" %s", words[i].name, words[i].refused);
			*value = words[i].value;
			return 0;
		}
		if (words[i].refused || known == 16)
			continue;
		names[known++] = words[i].name;
	}
	for (size_t i = 0; i < known; i++)
		used += (size_t)snprintf(expected + used,
			used < sizeof(expected) ? sizeof(expected) - used : 0, "%s%s",
			!i              ? ""
			: i + 1 < known ? ", "
					: " or ",
			names[i]);
	if (node->kind == CFG_NODE_TEXT) {
		nearest = cfg_nearest(node->text, names, known);
		if (nearest)
			return cfg_fail(r, node,
				"expected %s, found \"%.60s\"; did you mean \"%s\"?", expected,
				node->text, nearest);
	}
	return cfg_expected(r, node, expected);
}

int cfg_name(struct cfg_reader *r, const struct cfg_node *node, const char *text, char *name,
	size_t size)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("-_.", text[i]))
			return cfg_fail(r, node,
				"expected a name of letters, digits, '-', '_' and '.', found "
				"\"%.60s\"",
				text);
	if (!n || n >= size)
		return cfg_fail(r, node, "expected a name of 1 to %zu characters, found one of %zu",
			size - 1, n);
	memcpy(name, text, n + 1);
	return 0;
}
