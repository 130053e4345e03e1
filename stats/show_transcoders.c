// SPDX-License-Identifier: BSD-3-Clause
// hawsectl show transcoders
#include <string.h>

#include "stats/show.h"
#include "stats/text.h"
#include "stats/totals.h"

struct transcoder {
	uint64_t sessions, load, charged, in, out, concealed, late, corrupt, digits, late_ticks;
};

static uint64_t read_one(const struct st_a *a, const char *name, uint32_t i)
{
	char label[48];

	snprintf(label, sizeof(label), "transcoder=\"%u\"", i);
	return st_sum(&a->counters, name, label, a->workers, 1);
}

static struct transcoder read_transcoder(const struct st_a *a, uint32_t i)
{
	return (struct transcoder){
		.sessions = read_one(a, "transcoder_sessions", i),
		.load = read_one(a, "transcoder_load", i),
		.charged = read_one(a, "transcoder_charged", i),
		.in = read_one(a, "transcoder_packets_total", i),
		.out = read_one(a, "transcoder_made_total", i),
		.concealed = read_one(a, "transcoder_concealed_ms_total", i),
		.late = read_one(a, "transcoder_late_total", i),
		.corrupt = read_one(a, "transcoder_corrupt_drops_total", i),
		.digits = read_one(a, "transcoder_digits_total", i),
		.late_ticks = read_one(a, "transcoder_ticks_late_total", i),
	};
}

// As many as there are labels of them.
static uint32_t count_transcoders(const struct st_a *a)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < a->counters.count; i++) {
		struct abi_counter d;

		abi_counters_describe(&a->counters, i, &d);
		n += strcmp(d.name, "transcoder_sessions") == 0;
	}
	return n;
}

static void row(struct st_table *table, uint32_t i, const struct transcoder *t)
{
	st_cell(table, "%u", i);
	st_cell(table, "%llu", (unsigned long long)t->sessions);
	st_cell(table, "%.1f", (double)t->load / 10);
	st_cell(table, "%.1f", (double)t->charged / 10);
	st_cell(table, "%llu", (unsigned long long)t->in);
	st_cell(table, "%llu", (unsigned long long)t->out);
	st_cell(table, "%.1f", (double)t->concealed / 1000);
	st_cell(table, "%llu", (unsigned long long)t->late);
	st_cell(table, "%llu", (unsigned long long)t->corrupt);
	st_cell(table, "%llu", (unsigned long long)t->digits);
	st_cell(table, "%llu", (unsigned long long)t->late_ticks);
}

static json_t *json_row(uint32_t i, const struct transcoder *t)
{
	return json_pack("{s:i, s:I, s:f, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "transcoder",
		(int)i, "sessions", (json_int_t)t->sessions, "load", (double)t->load / 1000,
		"charged", (double)t->charged / 1000, "packets_in", (json_int_t)t->in,
		"packets_out", (json_int_t)t->out, "concealed_ms", (json_int_t)t->concealed, "late",
		(json_int_t)t->late, "corrupt", (json_int_t)t->corrupt, "digits",
		(json_int_t)t->digits, "late_ticks", (json_int_t)t->late_ticks);
}

int st_show_transcoders(const struct st_show *s)
{
	const struct st_a *a = &s->r->a;
	struct st_table *table;
	json_t *list;
	uint32_t n;

	if (!st_has_media(s->r))
		return st_not_running(s, &s->r->media, "hawse-media");
	n = count_transcoders(a);
	if (s->json) {
		list = json_array();
		for (uint32_t i = 0; i < n; i++) {
			struct transcoder t = read_transcoder(a, i);

			json_array_append_new(list, json_row(i, &t));
		}
		return st_print_json(s, json_pack("{s:o}", "transcoders", list));
	}
	if (!n) {
		fprintf(s->out, "there are no transcoders (dataplane.transcoders)\n");
		return ST_EXIT_OK;
	}
	table = st_table_new(
		">TRANSCODER|>SESSIONS|>LOAD %|>CHARGED %|>PACKETS IN|>OUT|>CONCEALED S"
		"|>LATE|>CORRUPT|>DIGITS|>LATE TURNS");
	for (uint32_t i = 0; i < n; i++) {
		struct transcoder t = read_transcoder(a, i);

		row(table, i, &t);
	}
	return st_table_print(table, s->out) ? ST_EXIT_FAILED : ST_EXIT_OK;
}
