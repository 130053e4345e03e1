// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/nic/steer_rules.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PROBES     16u // pairs of ports from the first one on
#define CLASS_BITS 7u  // STEER_CLASSES

// Bit p of the key is what hash bit b gets from input bit i when p = i + 31 - b. Bit 7 of the
// destination port is input bit 88 with IPv4 (12 octets of addresses and ports), 280 with IPv6.
#define KEY_BIT_4 119u
#define KEY_BIT_6 311u

const char *steer_method_name(enum steer_method method)
{
	static const char *const names[STEER_METHODS] = {
		[STEER_ONE] = "one worker",
		[STEER_FLOW] = "flow rules",
		[STEER_RSS] = "RSS on the destination port",
		[STEER_QUEUES] = "AF_XDP queues and hand-off",
		[STEER_HANDOFF] = "hand-off",
	};

	return method < STEER_METHODS ? names[method] : "";
}

void steer_key(bool four, bool six, uint8_t key[STEER_KEY])
{
	memset(key, 0, STEER_KEY);
	if (four)
		key[KEY_BIT_4 / 8] |= (uint8_t)(0x80u >> KEY_BIT_4 % 8);
	if (six)
		key[KEY_BIT_6 / 8] |= (uint8_t)(0x80u >> KEY_BIT_6 % 8);
}

unsigned steer_hash_class(unsigned hash)
{
	unsigned class = 0;

	for (unsigned b = 0; b < CLASS_BITS; b++)
		class |= (hash >> b & 1) << (CLASS_BITS - 1 - b);
	return class;
}

// ---- the two ways

static int rules_of(const struct steer_target *t, const struct dp_steering *map, uint8_t family)
{
	bool power = (map->workers & (map->workers - 1)) == 0;
	unsigned classes = power ? map->workers : STEER_CLASSES;
	int err = 0;

	for (unsigned class = 0; class < classes && !err; class ++)
		err = t->ops->rule(t->device, family, (uint16_t)(class << 1),
			(uint16_t)((classes - 1) << 1), map->worker[class << 1]);
	return err;
}

static int set_rules(const struct steer_target *t, const struct dp_steering *map)
{
	int err = t->four ? rules_of(t, map, 4) : 0;

	if (!err && t->six)
		err = rules_of(t, map, 6);
	if (err)
		t->ops->no_rules(t->device);
	return err;
}

static int set_hash(const struct steer_target *t, const struct dp_steering *map)
{
	uint16_t queue[STEER_CLASSES];
	uint8_t key[STEER_KEY];
	int err;

	steer_key(t->four, t->six, key);
	for (unsigned h = 0; h < STEER_CLASSES; h++)
		queue[h] = map->worker[steer_hash_class(h) << 1];
	err = t->ops->hash(t->device, key, queue);
	if (err)
		t->ops->no_hash(t->device);
	return err;
}

// ---- proof

static enum steer_proof prove_family(
	const struct steer_target *t, const struct dp_steering *map, uint8_t family)
{
	enum steer_proof proof = STEER_UNPROVED;

	for (unsigned i = 0; i < PROBES; i++) {
		uint16_t port = (uint16_t)(t->first_port + 2 * i);
		int queue = t->ops->probe(t->device, family, port);

		if (queue < 0 && i == 0)
			return STEER_UNPROVED; // it gives nothing back
		if (queue < 0)
			continue;
		if (queue != map->worker[port])
			return STEER_REFUTED;
		proof = STEER_PROVED;
	}
	return proof;
}

// The worse of both families.
static enum steer_proof prove(const struct steer_target *t, const struct dp_steering *map)
{
	enum steer_proof four = t->four ? prove_family(t, map, 4) : STEER_PROVED;
	enum steer_proof six = t->six ? prove_family(t, map, 6) : STEER_PROVED;

	if (four == STEER_REFUTED || six == STEER_REFUTED)
		return STEER_REFUTED;
	return four == STEER_PROVED && six == STEER_PROVED ? STEER_PROVED : STEER_UNPROVED;
}

// ---- the choice

static void note(struct steer_result *r, enum steer_method method, int err)
{
	size_t used = strlen(r->says);

	snprintf(r->says + used, sizeof(r->says) - used, "%s%s: %s", used ? "; " : "",
		steer_method_name(method),
		err ? strerror(-err) : "accepted, but probe packets came to another queue");
}

static bool try(const struct steer_target *t, const struct dp_steering *map,
	enum steer_method method, struct steer_result *r)
{
	int err = method == STEER_FLOW ? set_rules(t, map) : set_hash(t, map);

	if (!err) {
		r->method = method;
		r->proof = prove(t, map);
		if (r->proof != STEER_REFUTED)
			return true;
		if (method == STEER_FLOW)
			t->ops->no_rules(t->device);
		else
			t->ops->no_hash(t->device);
	}
	note(r, method, err);
	return false;
}

void steer_device(
	const struct steer_target *t, const struct dp_steering *map, struct steer_result *r)
{
	*r = (struct steer_result){0};
	if (t->queues < map->workers)
		note(r, STEER_FLOW, -ENOSPC);
	else if (try(t, map, STEER_FLOW, r) || try(t, map, STEER_RSS, r))
		return;
	r->method = STEER_HANDOFF;
	r->proof = STEER_PROVED; // there is nothing that could be wrong
}
