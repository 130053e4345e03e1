// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/cdr.h"

struct sum {
	char key[96];
	uint64_t legs, answered, duration_ms, pdd_ms, pdds, packets, lost, judged;
	int64_t cost; // micro-units
	uint64_t priced;
	double mos;
};

struct st_cdr_sums {
	const char *by;
	struct sum *all;
	size_t count, room;
};

struct st_cdr_sums *st_cdr_sums_new(const char *by)
{
	struct st_cdr_sums *s = calloc(1, sizeof(*s));

	if (s)
		s->by = by;
	return s;
}

static const char *text(const json_t *record, const char *key)
{
	const char *value = json_string_value(json_object_get(record, key));

	return value ? value : "-";
}

static void key_of(const struct st_cdr_sums *s, const json_t *record, char *out, size_t size)
{
	const json_t *value;

	if (!s->by)
		snprintf(out, size, "%s %s", text(record, "peer"), text(record, "leg"));
	else if (strcmp(s->by, "day") == 0)
		snprintf(out, size, "%.10s", text(record, "start"));
	else if (strcmp(s->by, "hour") == 0)
		snprintf(out, size, "%.13s", text(record, "start"));
	else if ((value = json_object_get(record, s->by)) && json_is_integer(value))
		snprintf(out, size, "%lld", (long long)json_integer_value(value));
	else
		snprintf(out, size, "%s", text(record, s->by));
}

static struct sum *find(struct st_cdr_sums *s, const char *key)
{
	// Of few kinds there are many: the one met last is moved to the front half by half.
	for (size_t i = 0; i < s->count; i++) {
		struct sum swap;

		if (strcmp(s->all[i].key, key) != 0)
			continue;
		swap = s->all[i / 2];
		s->all[i / 2] = s->all[i];
		s->all[i] = swap;
		return &s->all[i / 2];
	}
	if (s->count == s->room) {
		size_t room = s->room ? s->room * 2 : 64;
		void *more = realloc(s->all, room * sizeof(*s->all));

		if (!more)
			return NULL;
		s->all = more;
		s->room = room;
	}
	memset(&s->all[s->count], 0, sizeof(*s->all));
	snprintf(s->all[s->count].key, sizeof(s->all[0].key), "%s", key);
	return &s->all[s->count++];
}

int st_cdr_sums_add(struct st_cdr_sums *s, const json_t *record)
{
	const json_t *received = json_object_get(record, "received");
	const json_t *pdd = json_object_get(record, "pdd_ms"),
		     *cost = json_object_get(record, "cost");
	const json_t *mos = json_object_get(received, "mos");
	struct sum *sum;
	char key[96];

	key_of(s, record, key, sizeof(key));
	sum = find(s, key);
	if (!sum)
		return -ENOMEM;
	sum->legs++;
	sum->answered += json_is_string(json_object_get(record, "answer"));
	sum->duration_ms += (uint64_t)json_integer_value(json_object_get(record, "duration_ms"));
	if (json_is_integer(pdd)) {
		sum->pdd_ms += (uint64_t)json_integer_value(pdd);
		sum->pdds++;
	}
	if (json_is_number(cost)) {
		sum->cost += llround(json_number_value(cost) * 1e6);
		sum->priced++;
	}
	if (json_is_number(mos)) {
		sum->mos += json_number_value(mos);
		sum->judged++;
	}
	sum->packets += (uint64_t)json_integer_value(json_object_get(received, "packets"));
	sum->lost += (uint64_t)json_integer_value(json_object_get(received, "lost"));
	return 0;
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct sum *)a)->key, ((const struct sum *)b)->key);
}

static double part(uint64_t of, uint64_t whole)
{
	return whole ? (double)of / (double)whole : 0;
}

static int print_json(const struct st_cdr_sums *s, FILE *out)
{
	json_t *list = json_array();
	int err = 0;

	for (size_t i = 0; i < s->count && !err; i++) {
		const struct sum *m = &s->all[i];

		err = json_array_append_new(list,
			json_pack("{s:s, s:I, s:I, s:f, s:I, s:f, s:o, s:o, s:o, s:I, s:I}", "key",
				m->key, "legs", (json_int_t)m->legs, "answered",
				(json_int_t)m->answered, "asr", part(m->answered, m->legs),
				"duration_ms", (json_int_t)m->duration_ms, "acd_s",
				part(m->duration_ms, m->answered) / 1000, "pdd_ms",
				m->pdds ? json_real(part(m->pdd_ms, m->pdds)) : json_null(), "mos",
				m->judged ? json_real(m->mos / (double)m->judged) : json_null(),
				"cost", m->priced ? json_real((double)m->cost / 1e6) : json_null(),
				"packets", (json_int_t)m->packets, "lost", (json_int_t)m->lost));
	}
	if (!err)
		err = json_dumpf(list, out, JSON_INDENT(2)) || fputc('\n', out) == EOF;
	json_decref(list);
	return err ? -ENOMEM : 0;
}

static void print_row(const struct sum *m, int width, FILE *out)
{
	fprintf(out, "%-*s  %8llu  %8llu  %5.1f%%  %10.2f  %7.1f", width, m->key,
		(unsigned long long)m->legs, (unsigned long long)m->answered,
		100 * part(m->answered, m->legs), (double)m->duration_ms / 60000,
		part(m->duration_ms, m->answered) / 1000);
	if (m->pdds)
		fprintf(out, "  %7.0f", part(m->pdd_ms, m->pdds));
	else
		fprintf(out, "  %7s", "-");
	if (m->judged)
		fprintf(out, "  %4.2f", m->mos / (double)m->judged);
	else
		fprintf(out, "  %4s", "-");
	fprintf(out, "  %5.2f%%", 100 * part(m->lost, m->packets + m->lost));
	if (m->priced)
		fprintf(out, "  %s%lld.%06lld\n", m->cost < 0 ? "-" : "",
			(long long)(llabs(m->cost) / 1000000),
			(long long)(llabs(m->cost) % 1000000));
	else
		fprintf(out, "  -\n");
}

int st_cdr_sums_print(struct st_cdr_sums *s, bool json, FILE *out)
{
	int width = 4;

	if (s->count)
		qsort(s->all, s->count, sizeof(*s->all), by_key);
	if (json)
		return print_json(s, out);
	for (size_t i = 0; i < s->count; i++)
		if ((int)strlen(s->all[i].key) > width)
			width = (int)strlen(s->all[i].key);
	fprintf(out, "%-*s  %8s  %8s  %6s  %10s  %7s  %7s  %4s  %6s  %s\n", width,
		s->by ? s->by : "peer", "legs", "answered", "asr", "minutes", "acd s", "pdd ms",
		"mos", "loss", "cost");
	for (size_t i = 0; i < s->count; i++)
		print_row(&s->all[i], width, out);
	return 0;
}

void st_cdr_sums_free(struct st_cdr_sums *s)
{
	if (!s)
		return;
	free(s->all);
	free(s);
}
