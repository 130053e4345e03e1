// SPDX-License-Identifier: BSD-3-Clause
#include "stats/prometheus.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "stats/text.h"
#include "stats/totals.h"

struct entry {
	struct abi_counter d;
	const struct abi_counter_table *table;
	const char *block_label; // "worker" or "shard"
	uint32_t index, workers;
};

struct entries {
	struct entry *all;
	size_t count;
	unsigned bad;
};

static bool name_ok(const char *name)
{
	if (!isalpha((unsigned char)*name) && *name != '_')
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && *name != '_')
			return false;
	return true;
}

// Empty, or labels as `key="value",key="value"` whose values need no escapes.
static bool label_ok(const char *label)
{
	if (!*label)
		return true;
	for (;;) {
		size_t key = strspn(label, "abcdefghijklmnopqrstuvwxyz_");

		if (!key || label[key] != '=' || label[key + 1] != '"')
			return false;
		for (label += key + 2; *label != '"'; label++)
			if ((unsigned char)*label < 0x20 || (unsigned char)*label > 0x7e ||
				*label == '\\')
				return false;
		if (!*++label)
			return true;
		if (*label++ != ',')
			return false;
	}
}

static void collect(
	struct entries *e, const struct abi_counter_table *table, const char *block_label)
{
	for (uint32_t i = 0; i < table->count; i++) {
		struct entry *x = &e->all[e->count];

		abi_counters_describe(table, i, &x->d);
		if (!x->d.name[0] && !x->d.label[0])
			continue; // kept for a peer that may come
		if (!name_ok(x->d.name) || !label_ok(x->d.label)) {
			e->bad++;
			continue;
		}
		x->table = table;
		x->block_label = block_label;
		x->index = i;
		x->workers = table->blocks - 1;
		e->count++;
	}
}

static int by_name(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = strcmp(x->d.name, y->d.name);

	if (!order)
		order = strcmp(x->d.label, y->d.label);
	if (!order)
		order = x->d.scope - y->d.scope;
	if (!order && x->d.scope != ABI_SCOPE_AGENT)
		order = strcmp(x->block_label, y->block_label);
	if (!order)
		order = x->table == y->table  ? (x->index > y->index) - (x->index < y->index)
			: x->table < y->table ? -1
					      : 1;
	return order;
}

// Two samples of one name would make Prometheus refuse all of them.
static bool doubled(const struct entry *x, const struct entry *before)
{
	return strcmp(x->d.name, before->d.name) == 0 && strcmp(x->d.label, before->d.label) == 0 &&
	       x->d.scope == before->d.scope &&
	       (x->d.scope == ABI_SCOPE_AGENT || strcmp(x->block_label, before->block_label) == 0);
}

static void head(FILE *out, const char *name, const char *type, const char *help)
{
	char clean[3 * 152 + 1];

	st_clean(clean, sizeof(clean), help, strlen(help), ST_LINE);
	fprintf(out, "# HELP hawse_%s ", name);
	for (const char *p = clean; *p; p++)
		fprintf(out, *p == '\\' ? "\\\\" : "%c", *p);
	fprintf(out, "\n# TYPE hawse_%s %s\n", name, type);
}

static void samples(FILE *out, const struct entry *e)
{
	bool agent = e->d.scope == ABI_SCOPE_AGENT;
	uint32_t first = agent ? e->workers : 0, end = agent ? e->workers + 1 : e->workers;

	for (uint32_t block = first; block < end; block++) {
		fprintf(out, "hawse_%s", e->d.name);
		if (agent && e->d.label[0])
			fprintf(out, "{%s}", e->d.label);
		else if (!agent)
			fprintf(out, "{%s%s%s=\"%u\"}", e->d.label, e->d.label[0] ? "," : "",
				e->block_label, block);
		fprintf(out, " %" PRIu64 "\n", abi_counters_value(e->table, e->index, block));
	}
}

// "Media drops; the label reason says which" of media_drops_total.
static void name_in_words(const struct entry *x, char *text, size_t size)
{
	int key = (int)strcspn(x->d.label, "=");
	int n = snprintf(text, size, "%s", x->d.name);

	if (n > 6 && strcmp(text + n - 6, "_total") == 0)
		text[n -= 6] = '\0';
	for (char *p = text; *p; p++)
		*p = *p == '_' ? ' ' : *p;
	text[0] = (char)toupper((unsigned char)text[0]);
	snprintf(text + n, size - (size_t)n, "; the label \"%.*s\" says which%s", key, x->d.label,
		strstr(x->d.name, "drops_total") ? " ('hawsectl show drops' explains each)" : "");
}

// The sentence of a family: that of its members if they have one, else its name in words.
static const char *help_of(const struct entries *e, size_t first, char *text, size_t size)
{
	const struct entry *x = &e->all[first];

	for (size_t i = first + 1; i < e->count; i++) {
		if (strcmp(e->all[i].d.name, x->d.name) != 0)
			break;
		if (strcmp(e->all[i].d.help, x->d.help) == 0 || !x->d.label[0])
			continue;
		name_in_words(x, text, size);
		return text;
	}
	return x->d.help;
}

static int write_counters(const struct st_reader *r, FILE *out)
{
	struct entries e = {0};
	char help[192];
	size_t room = 1;

	room += st_has_media(r) ? r->a.counters.count : 0;
	room += st_has_sip(r) ? r->t.counters.count : 0;
	e.all = calloc(room, sizeof(*e.all));
	if (!e.all)
		return -ENOMEM;
	if (st_has_media(r))
		collect(&e, &r->a.counters, "worker");
	if (st_has_sip(r))
		collect(&e, &r->t.counters, "shard");
	qsort(e.all, e.count, sizeof(*e.all), by_name);
	for (size_t i = 0; i < e.count; i++) {
		const struct entry *x = &e.all[i];

		if (i > 0 && doubled(x, &e.all[i - 1])) {
			e.bad++;
			continue;
		}
		if (i == 0 || strcmp(x->d.name, e.all[i - 1].d.name) != 0)
			head(out, x->d.name, x->d.kind == ABI_GAUGE ? "gauge" : "counter",
				help_of(&e, i, help, sizeof(help)));
		samples(out, x);
	}
	free(e.all);
	head(out, "stats_bad_metrics", "gauge", "Counters left out because their names are none");
	fprintf(out, "hawse_stats_bad_metrics %u\n", e.bad);
	return 0;
}

static void age(FILE *out, const char *process, uint64_t heartbeat_us, uint64_t now_us)
{
	double seconds = now_us > heartbeat_us ? (double)(now_us - heartbeat_us) / 1e6 : 0;

	fprintf(out, "hawse_heartbeat_age_seconds{process=\"%s\"} %.3f\n", process, seconds);
}

static void write_processes(const struct st_reader *r, uint64_t now_us, FILE *out)
{
	head(out, "up", "gauge", "1 while the process runs and can be read");
	fprintf(out, "hawse_up{process=\"hawse-media\"} %d\n", st_has_media(r));
	fprintf(out, "hawse_up{process=\"hawse-sip\"} %d\n", st_has_sip(r));
	head(out, "attached", "gauge",
		"1 while hawse-sip and hawse-media are attached to each other, "
		"as the process sees it");
	if (st_has_media(r))
		fprintf(out, "hawse_attached{process=\"hawse-media\"} %d\n", st_a_attached(&r->a));
	if (st_has_sip(r))
		fprintf(out, "hawse_attached{process=\"hawse-sip\"} %d\n", st_t_attached(&r->t));
	head(out, "heartbeat_age_seconds", "gauge",
		"Since the process last said that it lives; more than a few seconds: it hangs");
	if (st_has_media(r))
		age(out, "hawse-media", st_a_heartbeat(&r->a), now_us);
	if (st_has_sip(r))
		age(out, "hawse-sip", st_t_heartbeat(&r->t), now_us);
	head(out, "stats_attaches_total", "counter",
		"Times that the reader attached to the process");
	fprintf(out, "hawse_stats_attaches_total{process=\"hawse-media\"} %" PRIu64 "\n",
		r->media.attaches);
	fprintf(out, "hawse_stats_attaches_total{process=\"hawse-sip\"} %" PRIu64 "\n",
		r->sip.attaches);
}

static void port_sample(
	FILE *out, const struct st_ports *p, const char *address, const char *state, uint32_t n)
{
	char interface[3 * ABI_INTERFACE_NAME + 1];

	st_clean(interface, sizeof(interface), p->interface, strlen(p->interface), ST_LINE);
	for (char *c = interface; *c; c++)
		if (*c == '"' || *c == '\\')
			*c = '?';
	fprintf(out, "hawse_media_address_ports{interface=\"%s\",address=\"%s\",state=\"%s\"} %u\n",
		interface, address, state, n);
}

static int write_totals(const struct st_a *a, FILE *out)
{
	struct st_totals totals;
	int err = st_totals_read(a, &totals);

	if (err)
		return err;
	head(out, "media_directory_sessions", "gauge", "Session slots by state");
	for (uint8_t state = 0; state < 4; state++)
		fprintf(out, "hawse_media_directory_sessions{state=\"%s\"} %" PRIu64 "\n",
			st_session_state(state), totals.sessions[state]);
	head(out, "media_address_ports", "gauge", "Media ports of each local address by state");
	for (uint32_t i = 0; i < totals.endpoints; i++) {
		const struct st_ports *p = &totals.ports[i];
		char address[ST_ADDR_TEXT];

		st_addr(address, p->ip, p->family, 0);
		port_sample(out, p, address, "used", p->used);
		port_sample(out, p, address, "resting", p->resting);
		port_sample(out, p, address, "free", p->free);
	}
	st_totals_free(&totals);
	return 0;
}

int st_prometheus_write(const struct st_reader *r, uint64_t now_us, FILE *out)
{
	int err = write_counters(r, out);

	write_processes(r, now_us, out);
	if (!err && st_has_media(r))
		err = write_totals(&r->a, out);
	return err;
}
