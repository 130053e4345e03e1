// SPDX-License-Identifier: BSD-3-Clause
// health, failover, and the other settings of a peer that are one value.
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/config/reader.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

// ---- health

static int read_ping(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_number(r, node, 0, 3600, "seconds", &((struct cfg_health *)to)->ping);
}

static int read_up(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_number(r, node, 1, 100, "answers", &((struct cfg_health *)to)->up);
}

static int read_down(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_number(r, node, 1, 100, "failures", &((struct cfg_health *)to)->down);
}

static int read_timeout(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_number(r, node, 1, 32, "seconds", &((struct cfg_health *)to)->timeout);
}

static int read_ramp(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_number(r, node, 0, 3600, "seconds", &((struct cfg_health *)to)->ramp);
}

static int read_progress(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_number(r, node, 0, 180, "seconds", &((struct cfg_health *)to)->progress);
}

int cfg_read_health(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const struct cfg_key keys[] = {
		{"ping", read_ping},
		{"up", read_up},
		{"down", read_down},
		{"timeout", read_timeout},
		{"ramp", read_ramp},
		{"progress", read_progress},
	};
	struct cfg_peer *p = to;
	struct cfg_health *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	p->trunk.health = h;
	*h = (struct cfg_health){.ping = 30, .up = 2, .down = 3, .timeout = 4, .ramp = 30};
	return cfg_map(r, node, keys, COUNT(keys), h);
}

// ---- failover

static int read_status(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_trunk *t = to;
	unsigned status, n = 0;
	int err = cfg_number(r, node, 300, 699, "a status", &status);

	if (err)
		return err;
	// What the called party itself said, or what no other trunk could change.
	if (status >= 600 || status == 486 || status == 404 || status == 487 || status == 401 ||
		status == 407 || status == 482 || status == 483)
		return cfg_fail(r, node,
			"%u never goes on to another trunk: it is said of the called party, or of "
			"us",
			status);
	while (t->failover[n])
		n++;
	t->failover[n] = (uint16_t)status;
	return 0;
}

int cfg_read_failover(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_trunk *t = &((struct cfg_peer *)to)->trunk;

	t->failover_written = true;
	if (node->kind == CFG_NODE_LIST && !node->children)
		return 0;
	if (cfg_count(node) >= COUNT(t->failover))
		return cfg_fail(r, node, "expected at most %zu statuses, found %u",
			COUNT(t->failover) - 1, cfg_count(node));
	return cfg_each(r, node, "a status or a list of them", read_status, t);
}

// ---- media

CFG_WORD_READER(cfg_read_nat, struct cfg_peer, trunk.nat, {"yes", CFG_YES}, {"no", CFG_NO})

// ---- files

int cfg_read_path(struct cfg_reader *r, const struct cfg_node *node, char **path)
{
	static const char expected[] = "the whole path of a file, such as /etc/hawse/rates.csv";
	char text[256];
	int err = cfg_text(r, node, text, sizeof(text), expected);

	if (err)
		return err;
	if (text[0] != '/' || text[strlen(text) - 1] == '/')
		return cfg_expected(r, node, expected);
	*path = calloc(1, strlen(text) + 1);
	if (!*path)
		return -ENOMEM;
	strcpy(*path, text);
	return 0;
}

int cfg_read_rates(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_trunk *t = &((struct cfg_peer *)to)->trunk;

	t->rates_line = node->line;
	return cfg_read_path(r, node, &t->rates);
}

int cfg_read_tariff(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_trunk *t = &((struct cfg_peer *)to)->trunk;

	t->tariff_line = node->line;
	return cfg_read_path(r, node, &t->tariff);
}

void cfg_trunk_free(struct cfg_trunk *t)
{
	cfg_numbers_free(t->numbers);
	cfg_limits_free(t->limits);
	cfg_rules_free(t->rules);
	free(t->health);
	free(t->rates);
	free(t->tariff);
}
