// SPDX-License-Identifier: BSD-3-Clause
// hawsectl show calls
#include <errno.h>

#include "stats/show.h"
#include "stats/text.h"
#include "stats/totals.h"

static const char *held(const struct abi_call *c)
{
	static const char *const names[] = {
		"", " (caller holds)", " (callee holds)", " (both hold)"};

	return names[c->held & 3];
}

static void row(const struct st_show *s, struct st_table *table, const struct abi_call *c)
{
	char id[ST_ID_TEXT], time[ST_TIME_TEXT];

	st_id(id, c->id);
	st_duration(time, c->answer_us ? c->answer_us : c->start_us, s->now_us);
	st_cell(table, "%s", id);
	st_cell(table, "%s%s", st_call_state(c->state), held(c));
	st_cell(table, "%s", time);
	st_cell(table, "%s", c->from[0] ? c->from : "-");
	st_cell(table, "%s", c->to[0] ? c->to : "-");
	st_cell(table, "%s", c->peer[0][0] ? c->peer[0] : "-");
	st_cell(table, "%s", c->peer[1][0] ? c->peer[1] : "-");
	st_cell(table, "%s", c->codec[0] ? c->codec : "-");
}

int st_show_calls(const struct st_show *s)
{
	const struct st_t *t = &s->r->t;
	struct st_table *table = NULL;
	json_t *calls = NULL;
	unsigned count = 0;

	if (!st_has_sip(s->r))
		return st_not_running(s, &s->r->sip, "hawse-sip");
	if (s->json)
		calls = json_array();
	else
		table = st_table_new("CALL|STATE|>TIME|FROM|TO|CALLER|CALLEE|CODEC");
	for (uint32_t slot = 0, end; st_t_range(t, &slot, &end);) {
		for (; slot < end; slot++) {
			struct abi_call c;

			if (!st_t_call(t, slot, &c) || c.state == ABI_CALL_FREE || !c.id)
				continue;
			count++;
			if (s->json)
				json_array_append_new(
					calls, st_json_call(&c, s->now_us, t->realtime_offset_us));
			else
				row(s, table, &c);
		}
	}
	if (s->json)
		return st_print_json(s, json_pack("{s:o}", "calls", calls));
	if (st_table_print(table, s->out))
		return ST_EXIT_FAILED;
	fprintf(s->out, "%u call%s\n", count, count == 1 ? "" : "s");
	return ST_EXIT_OK;
}
