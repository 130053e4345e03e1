// SPDX-License-Identifier: BSD-3-Clause
// hawsectl show drops: every counter whose name ends in "drops_total", in the words of its help.
#include <string.h>

#include "stats/show.h"
#include "stats/text.h"

static bool is_drop(const struct abi_counter *d)
{
	static const char end[] = "drops_total";
	size_t n = strlen(d->name);

	return n >= sizeof(end) - 1 && strcmp(d->name + n - (sizeof(end) - 1), end) == 0;
}

// What stands in the quotes of `reason="..."`.
static void reason_of(const struct abi_counter *d, char *reason, size_t size)
{
	const char *quote = strchr(d->label, '"');
	size_t n = quote ? strcspn(quote + 1, "\"") : 0;

	snprintf(reason, size, "%.*s", n ? (int)n : (int)strlen(d->name), n ? quote + 1 : d->name);
}

struct drops {
	const struct st_show *s;
	struct st_table *table;
	json_t *list;
	unsigned kinds;
	uint64_t sum;
};

static void add(
	struct drops *d, const char *process, const struct abi_counter *counter, uint64_t count)
{
	char reason[sizeof(counter->name)];

	reason_of(counter, reason, sizeof(reason));
	d->sum += count;
	d->kinds += count > 0;
	if (d->s->json)
		json_array_append_new(d->list,
			json_pack("{s:s, s:o, s:o, s:I, s:o}", "process", process, "counter",
				st_json_string(counter->name), "reason", st_json_string(reason),
				"count", (json_int_t)count, "help", st_json_string(counter->help)));
	if (d->s->json || (!count && !d->s->all))
		return;
	st_cell(d->table, "%llu", (unsigned long long)count);
	st_cell(d->table, "%s", process);
	st_cell(d->table, "%s", reason);
	st_cell(d->table, "%s", counter->help);
}

static void collect(struct drops *d, const struct abi_counter_table *table, const char *process)
{
	for (uint32_t i = 0; i < table->count; i++) {
		struct abi_counter counter;
		uint64_t count = 0;

		abi_counters_describe(table, i, &counter);
		if (!is_drop(&counter))
			continue;
		for (uint32_t block = 0; block < table->blocks; block++)
			count += abi_counters_value(table, i, block);
		add(d, process, &counter, count);
	}
}

static int print(struct drops *d)
{
	if (d->s->json)
		return st_print_json(d->s, json_pack("{s:o}", "drops", d->list));
	if (!d->kinds && !d->s->all) {
		st_table_free(d->table);
		fprintf(d->s->out, "nothing was dropped (every reason there is: --all)\n");
		return ST_EXIT_OK;
	}
	if (st_table_print(d->table, d->s->out))
		return ST_EXIT_FAILED;
	fprintf(d->s->out, "%llu in all, since the processes were started\n",
		(unsigned long long)d->sum);
	return ST_EXIT_OK;
}

int st_show_drops(const struct st_show *s)
{
	struct drops d = {.s = s};

	if (!st_has_media(s->r)) {
		int code = st_not_running(s, &s->r->media, "hawse-media");

		if (!st_has_sip(s->r))
			return code;
	}
	if (!st_has_sip(s->r))
		st_not_running(s, &s->r->sip, "hawse-sip");
	if (s->json)
		d.list = json_array();
	else
		d.table = st_table_new(">COUNT|PROCESS|REASON|WHAT IT MEANS");
	if (st_has_media(s->r))
		collect(&d, &s->r->a.counters, "hawse-media");
	if (st_has_sip(s->r))
		collect(&d, &s->r->t.counters, "hawse-sip");
	return print(&d);
}
