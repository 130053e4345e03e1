// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/ban.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "sip/table.h"

struct entry {
	struct sip_node node;
	struct sip_addr source;
	uint64_t first_us;           // of the failures in this window
	uint64_t since_us, until_us; // 0: not banned
	unsigned failures;
	char why[96];
};

struct cp_bans {
	struct cfg_ban config;
	struct sip_table table;
	struct sip_hash_key key;
	struct cp_ban_counters counters;
};

int cp_bans_new(struct cp_bans **out, const struct cfg_ban *config, const uint8_t key[16])
{
	struct cp_bans *b = calloc(1, sizeof(*b));

	if (!b || sip_table_init(&b->table, 256)) {
		free(b);
		return -ENOMEM;
	}
	b->config = *config;
	memcpy(&b->key, key, sizeof(b->key));
	*out = b;
	return 0;
}

static void free_entry(struct sip_node *n, void *ctx)
{
	sip_table_remove(ctx, n);
	free(n);
}

void cp_bans_free(struct cp_bans *b)
{
	if (!b)
		return;
	sip_table_each(&b->table, free_entry, &b->table);
	sip_table_free(&b->table);
	free(b);
}

void cp_bans_configure(struct cp_bans *b, const struct cfg_ban *config)
{
	b->config = *config;
}

static struct sip_key key_of(const struct cp_bans *b, const struct sip_addr *source)
{
	struct sip_hash h;

	sip_hash_start(&h, &b->key);
	sip_hash_bytes(&h, &source->family, 1);
	sip_hash_bytes(&h, source->ip, sizeof(source->ip));
	return sip_hash_end(&h);
}

static struct entry *find(const struct cp_bans *b, const struct sip_addr *source)
{
	return (struct entry *)sip_table_find(&b->table, key_of(b, source));
}

static bool is_banned(const struct entry *e, uint64_t now_us)
{
	return e->until_us > now_us;
}

static void forget(struct cp_bans *b, struct entry *e)
{
	b->counters.current -= e->until_us != 0;
	free_entry(&e->node, &b->table);
}

bool cp_bans_check(struct cp_bans *b, uint64_t now_us, const struct sip_addr *source)
{
	struct entry *e = b->counters.current ? find(b, source) : NULL;

	if (!e || !is_banned(e, now_us))
		return false;
	b->counters.dropped++;
	return true;
}

static struct entry *open_entry(struct cp_bans *b, uint64_t now_us, const struct sip_addr *source)
{
	struct entry *e = find(b, source);

	if (e)
		return e;
	e = b->table.count < CP_BANS ? calloc(1, sizeof(*e)) : NULL;
	if (!e) {
		b->counters.lost++;
		return NULL;
	}
	e->source = *source;
	e->source.port = 0;
	e->first_us = now_us;
	e->node.key = key_of(b, source);
	sip_table_add(&b->table, &e->node);
	return e;
}

bool cp_bans_fail(
	struct cp_bans *b, uint64_t now_us, const struct sip_addr *source, const char *why)
{
	struct entry *e;

	b->counters.failures++;
	if (!b->config.failures)
		return false;
	e = open_entry(b, now_us, source);
	if (!e || is_banned(e, now_us))
		return false;
	if (e->until_us || now_us - e->first_us > b->config.window * 1000000ull) {
		b->counters.current -= e->until_us != 0;
		e->until_us = 0;
		e->failures = 0;
		e->first_us = now_us;
	}
	snprintf(e->why, sizeof(e->why), "%s", why);
	if (++e->failures < b->config.failures)
		return false;
	e->since_us = now_us;
	e->until_us = now_us + b->config.time * 1000000ull;
	b->counters.bans++;
	b->counters.current++;
	return true;
}

bool cp_bans_lift(struct cp_bans *b, uint64_t now_us, const struct sip_addr *source)
{
	struct entry *e = find(b, source);
	bool was = e && is_banned(e, now_us);

	if (e)
		forget(b, e);
	return was;
}

struct sweep {
	struct cp_bans *b;
	uint64_t now_us;
};

static void sweep_one(struct sip_node *n, void *ctx)
{
	const struct sweep *s = ctx;
	struct entry *e = (struct entry *)n;
	uint64_t window = s->b->config.window * 1000000ull;

	if (!is_banned(e, s->now_us) && (e->until_us || s->now_us - e->first_us > window))
		forget(s->b, e);
}

void cp_bans_sweep(struct cp_bans *b, uint64_t now_us)
{
	struct sweep s = {b, now_us};

	if (b->table.count)
		sip_table_each(&b->table, sweep_one, &s);
}

struct each {
	uint64_t now_us;
	void (*see)(const struct cp_ban_view *ban, void *ctx);
	void *ctx;
};

static void see_one(struct sip_node *n, void *ctx)
{
	const struct each *each = ctx;
	const struct entry *e = (const struct entry *)n;
	struct cp_ban_view view;

	if (!is_banned(e, each->now_us))
		return;
	view = (struct cp_ban_view){
		.source = e->source,
		.failures = e->failures,
		.since_s = (each->now_us - e->since_us) / 1000000,
		.left_s = (e->until_us - each->now_us + 999999) / 1000000,
		.why = e->why,
	};
	each->see(&view, each->ctx);
}

void cp_bans_each(struct cp_bans *b, uint64_t now_us,
	void (*see)(const struct cp_ban_view *ban, void *ctx), void *ctx)
{
	struct each each = {now_us, see, ctx};

	sip_table_each(&b->table, see_one, &each);
}

const struct cp_ban_counters *cp_bans_counters(const struct cp_bans *b)
{
	return &b->counters;
}
