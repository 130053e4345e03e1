// SPDX-License-Identifier: BSD-3-Clause
// The section stats.
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/config/reader.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

int cfg_read_http_listen(
	struct cfg_reader *r, const struct cfg_node *node, struct cfg_address *address)
{
	struct cfg_address a;

	// Here the unspecified address is what it says: every address of the machine.
	if (node->kind == CFG_NODE_TEXT && cfg_address_parse(&a, node->text, false) == 0 &&
		a.port && !cfg_host_usable(&a) && a.ip[0] == 0) {
		*address = a;
		return 0;
	}
	return cfg_host(r, node, 2, address);
}

static int read_listen(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	int err = cfg_read_http_listen(r, node, &r->cfg->stats.listen);

	r->cfg->stats.enabled = !err;
	return err;
}

static int read_cdr(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const char expected[] = "the whole path of a file, such as /var/log/hawse/cdr.jsonl";
	struct cfg_stats *s = &r->cfg->stats;
	int err = cfg_text(r, node, s->cdr, sizeof(s->cdr), expected);
	size_t n;

	if (err)
		return err;
	n = strlen(s->cdr);
	return s->cdr[0] == '/' && s->cdr[n - 1] != '/' ? 0 : cfg_expected(r, node, expected);
}

// A whole number and one of the units; `units` pairs each with its factor.
static int read_amount(struct cfg_reader *r, const struct cfg_node *node, const char *units,
	const uint64_t *factors, uint64_t most, const char *expected, uint64_t *value)
{
	const char *unit;
	char *end;

	if (node->kind != CFG_NODE_TEXT || !isdigit((unsigned char)node->text[0]) ||
		strlen(node->text) > 12)
		return cfg_expected(r, node, expected);
	*value = strtoull(node->text, &end, 10);
	unit = *end ? strchr(units, *end) : units;
	if (!unit || (*end && end[1]) || *value > most / factors[unit - units])
		return cfg_expected(r, node, expected);
	*value *= factors[unit - units];
	return 0;
}

static int read_time(struct cfg_reader *r, const struct cfg_node *node, uint64_t least,
	const char *expected, unsigned *seconds)
{
	static const uint64_t factors[] = {1, 60, 3600, 86400};
	uint64_t value;
	int err = read_amount(r, node, "smhd", factors, 366 * 86400, expected, &value);

	if (err)
		return err;
	*seconds = (unsigned)value;
	return value >= least ? 0 : cfg_expected(r, node, expected);
}

static int read_interim(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_stats *s = &r->cfg->stats;

	if (node->kind == CFG_NODE_TEXT && strcmp(node->text, "never") == 0) {
		s->interim = 0;
		return 0;
	}
	return read_time(r, node, 1, "a time such as 15m or 1h, or never", &s->interim);
}

static int read_sync(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const char expected[] = "always, never or a time such as 1s";
	struct cfg_cdr *how = &r->cfg->stats.how;

	if (node->kind == CFG_NODE_TEXT && strcmp(node->text, "always") == 0)
		how->sync_s = CFG_SYNC_ALWAYS;
	else if (node->kind == CFG_NODE_TEXT && strcmp(node->text, "never") == 0)
		how->sync_s = CFG_SYNC_NEVER;
	else
		return read_time(r, node, 1, expected, &how->sync_s);
	return 0;
}

static int read_size(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const uint64_t factors[] = {1, 1 << 10, 1 << 20, 1 << 30};
	static const char expected[] = "a size of at least 64k, such as 100M or 1G";
	uint64_t *size = &r->cfg->stats.how.rotate_bytes;
	int err = read_amount(r, node, "BkMG", factors, 1ull << 50, expected, size);

	return err || *size >= 65536 ? err : cfg_expected(r, node, expected);
}

static int read_every(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return read_time(r, node, 60, "a time of at least a minute, such as 1h or 1d",
		&r->cfg->stats.how.rotate_s);
}

static int read_rotate(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const struct cfg_key keys[] = {
		{"size", read_size},
		{"every", read_every},
	};

	return cfg_map(r, node, keys, COUNT(keys), NULL);
}

int cfg_read_stats(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const struct cfg_key keys[] = {
		{"listen", read_listen},
		{"cdr", read_cdr},
		{"interim", read_interim},
		{"sync", read_sync},
		{"rotate", read_rotate},
		{"page", cfg_read_page},
	};

	return cfg_map(r, node, keys, COUNT(keys), NULL);
}
