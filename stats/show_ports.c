// SPDX-License-Identifier: BSD-3-Clause
// hawsectl show ports
#include "stats/show.h"
#include "stats/text.h"
#include "stats/totals.h"

static int print_table(const struct st_show *s, const struct st_totals *totals)
{
	struct st_table *table =
		st_table_new("INTERFACE|ADDRESS|PORTS|>CONFIGURED|>USED|>RESTING|>FREE|>USED %");

	for (uint32_t i = 0; i < totals->endpoints; i++) {
		const struct st_ports *p = &totals->ports[i];
		char address[ST_ADDR_TEXT];

		st_addr(address, p->ip, p->family, 0);
		st_cell(table, "%s", p->interface);
		st_cell(table, "%s", address);
		st_cell(table, "%u-%u", p->first, p->last);
		st_cell(table, "%u", p->configured);
		st_cell(table, "%u", p->used);
		st_cell(table, "%u", p->resting);
		st_cell(table, "%u", p->free);
		st_cell(table, "%.1f", p->configured ? 100.0 * p->used / p->configured : 0.0);
	}
	if (st_table_print(table, s->out))
		return ST_EXIT_FAILED;
	fprintf(s->out, "sessions: %llu active, %llu allocated, %llu resting, %llu free\n",
		(unsigned long long)totals->sessions[ABI_SESSION_ACTIVE],
		(unsigned long long)totals->sessions[ABI_SESSION_ALLOCATED],
		(unsigned long long)totals->sessions[ABI_SESSION_QUARANTINE],
		(unsigned long long)totals->sessions[ABI_SESSION_FREE]);
	return ST_EXIT_OK;
}

static int print_json(const struct st_show *s, const struct st_totals *totals)
{
	json_t *ports = json_array();

	for (uint32_t i = 0; i < totals->endpoints; i++) {
		const struct st_ports *p = &totals->ports[i];

		json_array_append_new(ports,
			json_pack("{s:o, s:o, s:i, s:i, s:I, s:I, s:I, s:I}", "interface",
				st_json_string(p->interface), "address",
				st_json_addr(p->ip, p->family, 0), "first", (int)p->first, "last",
				(int)p->last, "configured", (json_int_t)p->configured, "used",
				(json_int_t)p->used, "resting", (json_int_t)p->resting, "free",
				(json_int_t)p->free));
	}
	return st_print_json(
		s, json_pack("{s:o, s:{s:I, s:I, s:I, s:I}}", "ports", ports, "sessions", "active",
			   (json_int_t)totals->sessions[ABI_SESSION_ACTIVE], "allocated",
			   (json_int_t)totals->sessions[ABI_SESSION_ALLOCATED], "resting",
			   (json_int_t)totals->sessions[ABI_SESSION_QUARANTINE], "free",
			   (json_int_t)totals->sessions[ABI_SESSION_FREE]));
}

int st_show_ports(const struct st_show *s)
{
	struct st_totals totals;
	int code = ST_EXIT_FAILED;

	if (!st_has_media(s->r))
		return st_not_running(s, &s->r->media, "hawse-media");
	if (st_totals_read(&s->r->a, &totals) == 0)
		code = s->json ? print_json(s, &totals) : print_table(s, &totals);
	st_totals_free(&totals);
	return code;
}
