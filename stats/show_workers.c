// SPDX-License-Identifier: BSD-3-Clause
// hawsectl show workers [--stages]
#include <string.h>

#include "stats/show.h"
#include "stats/text.h"
#include "stats/totals.h"

struct worker {
	uint64_t received, octets, relayed, dropped, sessions;
	uint64_t busy_loops, idle_loops, sleeps, cycles, handed;
};

static struct worker read_worker(const struct abi_counter_table *t, uint32_t w)
{
	return (struct worker){
		.received = st_sum(t, "media_received_packets_total", NULL, w, 1),
		.octets = st_sum(t, "media_received_octets_total", NULL, w, 1),
		.relayed = st_sum(t, "media_relayed_packets_total", NULL, w, 1),
		.dropped = st_sum(t, "media_drops_total", NULL, w, 1),
		.sessions = st_sum(t, "media_sessions", NULL, w, 1),
		.busy_loops = st_sum(t, "worker_loops_total", "kind=\"busy\"", w, 1),
		.idle_loops = st_sum(t, "worker_loops_total", "kind=\"idle\"", w, 1),
		.sleeps = st_sum(t, "worker_sleeps_total", NULL, w, 1),
		.handed = st_sum(t, "media_handed_off_total", NULL, w, 1),
		.cycles = st_sum(t, "worker_busy_cycles_total", NULL, w, 1),
	};
}

static double ratio(uint64_t a, uint64_t b)
{
	return b ? (double)a / (double)b : 0;
}

static void row(struct st_table *table, uint32_t i, const struct worker *w)
{
	st_cell(table, "%u", i);
	st_cell(table, "%llu", (unsigned long long)w->sessions);
	st_cell(table, "%llu", (unsigned long long)w->received);
	st_cell(table, "%llu", (unsigned long long)w->relayed);
	st_cell(table, "%llu", (unsigned long long)w->dropped);
	st_cell(table, "%.0f", ratio(w->cycles, w->received));
	st_cell(table, "%.1f", ratio(w->received, w->busy_loops));
	st_cell(table, "%.1f", 100 * ratio(w->busy_loops, w->busy_loops + w->idle_loops));
	st_cell(table, "%llu", (unsigned long long)w->sleeps);
	st_cell(table, "%llu", (unsigned long long)w->handed);
}

static json_t *json_worker(uint32_t i, const struct worker *w)
{
	return json_pack("{s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f}", "worker",
		(int)i, "sessions", (json_int_t)w->sessions, "received", (json_int_t)w->received,
		"received_octets", (json_int_t)w->octets, "relayed", (json_int_t)w->relayed,
		"dropped", (json_int_t)w->dropped, "busy_loops", (json_int_t)w->busy_loops,
		"idle_loops", (json_int_t)w->idle_loops, "sleeps", (json_int_t)w->sleeps,
		"busy_cycles", (json_int_t)w->cycles, "handed_off", (json_int_t)w->handed,
		"cycles_per_packet", ratio(w->cycles, w->received));
}

// ---- steering: gauges whose label is method="...", of the agent's

// The method's name with spaces for underscores; empty when no interface is steered so.
static uint64_t read_method(const struct st_a *a, uint32_t i, char name[48])
{
	struct abi_counter d;
	const char *quote;

	abi_counters_describe(&a->counters, i, &d);
	quote = strchr(d.label, '"');
	if (strcmp(d.name, "media_steering") != 0 || !quote)
		return 0;
	snprintf(name, 48, "%.*s", (int)strcspn(quote + 1, "\""), quote + 1);
	return st_sum(&a->counters, d.name, d.label, a->workers, 1);
}

static void print_steering(const struct st_a *a, FILE *out)
{
	uint64_t proved = st_sum(&a->counters, "media_steering_proved", NULL, a->workers, 1);
	uint64_t all = 0;

	for (uint32_t i = 0; i < a->counters.count; i++) {
		char name[48];
		uint64_t n = read_method(a, i, name);

		if (!n)
			continue;
		for (char *c = name; *c; c++)
			*c = *c == '_' ? ' ' : *c;
		fprintf(out, "%s%s on %llu interface%s", all ? ", " : "steering: ", name,
			(unsigned long long)n, n == 1 ? "" : "s");
		all += n;
	}
	if (all)
		fprintf(out, "; proved on %llu of %llu\n", (unsigned long long)proved,
			(unsigned long long)all);
}

static json_t *json_steering(const struct st_a *a)
{
	json_t *methods = json_object();

	for (uint32_t i = 0; i < a->counters.count; i++) {
		char name[48];
		uint64_t n = read_method(a, i, name);

		if (n)
			json_object_set_new(methods, name, json_integer((json_int_t)n));
	}
	return json_pack("{s:o, s:I}", "interfaces", methods, "proved",
		(json_int_t)st_sum(&a->counters, "media_steering_proved", NULL, a->workers, 1));
}

// ---- stages: the counters whose label is stage="..."

struct stage {
	char label[48];
	char name[48];
	uint64_t calls, packets, cycles, sampled;
};

static struct stage read_stage(
	const struct abi_counter_table *t, const struct abi_counter *d, uint32_t workers)
{
	struct stage s = {0};
	const char *quote = strchr(d->label, '"');

	memcpy(s.label, d->label, sizeof(s.label));
	if (quote)
		snprintf(s.name, sizeof(s.name), "%.*s", (int)strcspn(quote + 1, "\""), quote + 1);
	s.calls = st_sum(t, "stage_calls_total", d->label, 0, workers);
	s.packets = st_sum(t, "stage_packets_total", d->label, 0, workers);
	s.cycles = st_sum(t, "stage_sampled_cycles_total", d->label, 0, workers);
	s.sampled = st_sum(t, "stage_sampled_packets_total", d->label, 0, workers);
	return s;
}

static void stages(const struct st_a *a, struct st_table *table, json_t *list)
{
	for (uint32_t i = 0; i < a->counters.count; i++) {
		struct abi_counter d;
		struct stage s;

		abi_counters_describe(&a->counters, i, &d);
		if (strcmp(d.name, "stage_calls_total") != 0)
			continue;
		s = read_stage(&a->counters, &d, a->workers);
		if (list) {
			json_array_append_new(
				list, json_pack("{s:o, s:I, s:I, s:f}", "stage",
					      st_json_string(s.name), "calls", (json_int_t)s.calls,
					      "packets", (json_int_t)s.packets, "cycles_per_packet",
					      ratio(s.cycles, s.sampled)));
			continue;
		}
		st_cell(table, "%s", s.name);
		st_cell(table, "%llu", (unsigned long long)s.calls);
		st_cell(table, "%llu", (unsigned long long)s.packets);
		st_cell(table, "%.1f", ratio(s.packets, s.calls));
		st_cell(table, "%.0f", ratio(s.cycles, s.sampled));
	}
}

static int print_json(const struct st_show *s)
{
	json_t *workers = json_array(), *list = s->stages ? json_array() : NULL, *root;

	for (uint32_t i = 0; i < s->r->a.workers; i++) {
		struct worker w = read_worker(&s->r->a.counters, i);

		json_array_append_new(workers, json_worker(i, &w));
	}
	root = json_pack("{s:o, s:o}", "workers", workers, "steering", json_steering(&s->r->a));
	if (list) {
		stages(&s->r->a, NULL, list);
		json_object_set_new(root, "stages", list);
	}
	return st_print_json(s, root);
}

int st_show_workers(const struct st_show *s)
{
	struct st_table *table;

	if (!st_has_media(s->r))
		return st_not_running(s, &s->r->media, "hawse-media");
	if (s->json)
		return print_json(s);
	table = st_table_new(">WORKER|>SESSIONS|>RECEIVED|>RELAYED|>DROPPED|>CYCLES/PACKET|"
			     ">PACKETS/TURN|>BUSY TURNS %|>SLEEPS|>HANDED OVER");
	for (uint32_t i = 0; i < s->r->a.workers; i++) {
		struct worker w = read_worker(&s->r->a.counters, i);

		row(table, i, &w);
	}
	if (st_table_print(table, s->out))
		return ST_EXIT_FAILED;
	print_steering(&s->r->a, s->out);
	if (!s->stages) {
		fprintf(s->out, "the stages of the pipeline: --stages\n");
		return ST_EXIT_OK;
	}
	fputc('\n', s->out);
	table = st_table_new("STAGE|>BURSTS|>PACKETS|>PACKETS/BURST|>CYCLES/PACKET");
	stages(&s->r->a, table, NULL);
	return st_table_print(table, s->out) ? ST_EXIT_FAILED : ST_EXIT_OK;
}
