// SPDX-License-Identifier: BSD-3-Clause
#include "stats/totals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void count_leg(struct st_totals *totals, const struct abi_leg_ports *leg, uint8_t state)
{
	uint32_t ports = leg->kind == ABI_LEG_PAIR ? 2 : leg->kind == ABI_LEG_MUX ? 1 : 0;

	if (leg->endpoint >= totals->endpoints)
		return;
	if (state == ABI_SESSION_QUARANTINE)
		totals->ports[leg->endpoint].resting += ports;
	else
		totals->ports[leg->endpoint].used += ports;
}

static void describe(const struct st_a *a, struct st_totals *totals)
{
	for (uint32_t i = 0; i < a->endpoints; i++) {
		struct st_ports *p = &totals->ports[i];
		struct abi_endpoint e;

		st_a_endpoint(a, i, &e);
		memcpy(p->interface, e.name, sizeof(p->interface));
		memcpy(p->ip, e.ip, sizeof(p->ip));
		p->family = e.family;
		p->first = e.first_port;
		p->last = e.last_port;
		p->configured = e.last_port >= e.first_port ? e.last_port - e.first_port + 1u : 0;
	}
}

int st_totals_read(const struct st_a *a, struct st_totals *totals)
{
	uint64_t others = 0;

	memset(totals, 0, sizeof(*totals));
	totals->ports = calloc(a->endpoints + 1u, sizeof(*totals->ports));
	if (!totals->ports)
		return -ENOMEM;
	totals->endpoints = a->endpoints;
	describe(a, totals);
	for (uint32_t slot = 0, end; st_a_range(a, &slot, &end);) {
		for (; slot < end; slot++) {
			struct abi_session_entry e;

			if (!st_a_session(a, slot, &e) || e.state == ABI_SESSION_FREE ||
				e.state > 3)
				continue;
			totals->sessions[e.state]++;
			others++;
			for (unsigned leg = 0; leg < 2 && leg < e.legs; leg++)
				count_leg(totals, &e.ports[leg], e.state);
		}
	}
	totals->sessions[ABI_SESSION_FREE] = a->sessions - others;
	for (uint32_t i = 0; i < totals->endpoints; i++) {
		struct st_ports *p = &totals->ports[i];
		uint64_t taken = (uint64_t)p->used + p->resting;

		p->free = taken < p->configured ? p->configured - (uint32_t)taken : 0;
	}
	return 0;
}

void st_totals_free(struct st_totals *totals)
{
	free(totals->ports);
	memset(totals, 0, sizeof(*totals));
}

const char *st_session_state(uint8_t state)
{
	static const char *const names[] = {"free", "allocated", "active", "resting"};

	return state < 4 ? names[state] : "unknown";
}

const char *st_call_state(uint8_t state)
{
	static const char *const names[] = {"free", "trying", "ringing", "up", "ending"};

	return state < 5 ? names[state] : "unknown";
}

uint64_t st_sum(const struct abi_counter_table *table, const char *name, const char *label,
	uint32_t first, uint32_t count)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < table->count; i++) {
		struct abi_counter d;

		abi_counters_describe(table, i, &d);
		if (strcmp(d.name, name) != 0 || (label && strcmp(d.label, label) != 0))
			continue;
		for (uint32_t block = first; block < first + count; block++)
			sum += abi_counters_value(table, i, block);
	}
	return sum;
}
