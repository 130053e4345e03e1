// SPDX-License-Identifier: BSD-3-Clause
#include "stats/try.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "controlplane/trunk/route.h"
#include "controlplane/trunk/rules.h"
#include "stats/show.h"

static int find_peer(const struct st_try *t, const struct cfg *cfg, const char *name)
{
	for (unsigned i = 0; i < cfg->peer_count; i++)
		if (strcmp(cfg->peers[i].name, name) == 0)
			return (int)i;
	fprintf(t->err, "hawsectl: %s has no peer \"%s\"\n", t->file, name);
	return -1;
}

// ---- route test -------------------------------------------------------------------------------------

static int read_time(const struct st_try *t, int64_t *now)
{
	struct tm tm = {0};
	const char *end;

	*now = (int64_t)time(NULL);
	if (!t->at)
		return 0;
	end = strptime(t->at, "%Y-%m-%d %H:%M", &tm);
	if (!end || *end) {
		fprintf(t->err,
			"hawsectl: --at: expected a time in UTC such as \"2026-01-31 18:00\", "
			"found \"%s\"\n",
			t->at);
		return -EINVAL;
	}
	*now = (int64_t)timegm(&tm);
	return 0;
}

static void on_say(void *ctx, const char *text)
{
	fprintf(((const struct st_try *)ctx)->out, "  %s\n", text);
}

static void show_target(
	const struct st_try *t, const struct cfg *cfg, const struct cp_choice *c, unsigned i)
{
	const struct cfg_peer *peer = &cfg->peers[c->to[i]];
	char sent[CP_NUMBER];

	if (cp_number_send(peer->trunk.numbers, CFG_OF_CALLED, sip_str(c->number), sent) < 0)
		strcpy(sent, "(too long)");
	fprintf(t->out, "%2u. %-24s as %-20s", i + 1, peer->name, sent);
	if (c->rate[i] == CP_NO_RATE)
		fprintf(t->out, " no rate\n");
	else
		fprintf(t->out, " %.6f a minute\n", (double)c->rate[i] / 1e6);
}

static int decide(const struct st_try *t, const struct cfg *cfg, const struct cp_routes *routes,
	int from, const char *number)
{
	const struct cfg_numbers *numbers = cfg->peers[from].trunk.numbers;
	struct cp_route_query q = {.from = from, .random = (uint64_t)time(NULL)};
	char called[CP_NUMBER], caller[CP_NUMBER] = "";
	struct cp_choice c;
	int n;

	if (read_time(t, &q.now))
		return ST_EXIT_USAGE;
	q.emergency = cp_routes_emergency(cfg, sip_str(number));
	n = cp_number_receive(q.emergency ? NULL : numbers, CFG_OF_CALLED, sip_str(number), called);
	if (n < 0 || (t->caller && cp_number_receive(numbers, CFG_OF_CALLER, sip_str(t->caller),
					   caller) < 0)) {
		fprintf(t->err, "hawsectl: a number is too long\n");
		return ST_EXIT_USAGE;
	}
	q.number = sip_str(called);
	q.caller = sip_str(caller);
	q.emergency = q.emergency || cp_routes_emergency(cfg, q.number);
	fprintf(t->out, "%s calls %s%s%s%s\n", cfg->peers[from].name, number,
		strcmp(number, called) ? ", which is " : "", strcmp(number, called) ? called : "",
		q.emergency ? ", an emergency number" : "");
	cp_routes_choose(routes, &q, &c, on_say, (void *)(uintptr_t)t);
	if (c.status) {
		fprintf(t->out, "refused: %u%s\n", c.status,
			!c.route && c.status == 404 ? ", no route takes it" : "");
		return ST_EXIT_NOT_FOUND;
	}
	for (unsigned i = 0; i < c.count; i++)
		show_target(t, cfg, &c, i);
	return ST_EXIT_OK;
}

int st_route_test(const struct st_try *t, const char *from, const char *number)
{
	struct cfg_error error;
	struct cp_routes *routes;
	struct cfg *cfg;
	int peer, code = ST_EXIT_USAGE;

	if (cfg_load(&cfg, t->file, &error)) {
		fprintf(t->err, "%s\n", error.text);
		return ST_EXIT_USAGE;
	}
	peer = find_peer(t, cfg, from);
	if (peer >= 0 && cp_routes_new(cfg, &routes, &error)) {
		fprintf(t->err, "%s\n", error.text);
	} else if (peer >= 0) {
		code = decide(t, cfg, routes, peer, number);
		cp_routes_free(routes);
	}
	cfg_free(cfg);
	return code;
}

// ---- rules test -------------------------------------------------------------------------------------

// What was pasted, with the line ends that SIP has, and the empty line that the end of a paste loses.
static size_t read_message(FILE *in, char *out, size_t size)
{
	size_t n = 0;
	bool body = false;
	int c, last = 0;

	while ((c = getc(in)) != EOF && n + 5 < size) {
		if (c == '\n' && last != '\r' && !body)
			out[n++] = '\r';
		out[n++] = (char)c;
		last = c;
		body = body || (n >= 4 && memcmp(out + n - 4, "\r\n\r\n", 4) == 0);
	}
	if (!body) {
		if (n >= 2 && memcmp(out + n - 2, "\r\n", 2) != 0) {
			memcpy(out + n, "\r\n", 2);
			n += 2;
		}
		memcpy(out + n, "\r\n", 2);
		n += 2;
	}
	return n;
}

static int show_message(
	const struct st_try *t, const struct cfg_rules *rules, enum cfg_direction way)
{
	static struct sip_message m;
	static char text[CP_RULES_SIZE], out[CP_RULES_SIZE];
	size_t n = read_message(t->in, text, sizeof(text));
	int made;

	if (sip_message_index(&m, (const uint8_t *)text, n)) {
		fprintf(t->err, "hawsectl: what was pasted is no SIP message\n");
		return ST_EXIT_USAGE;
	}
	made = cp_rules_apply(rules, way, &m, out, sizeof(out));
	if (made < 0) {
		fprintf(t->err, "hawsectl: the message would be refused: %s\n",
			made == -ENOBUFS ? "the rules make it too long"
					 : "a header cannot be written");
		return ST_EXIT_NOT_FOUND;
	}
	fwrite(made ? out : text, 1, made ? (size_t)made : n, t->out);
	fprintf(t->err, made ? "changed by the rules\n" : "no rule changes it\n");
	return ST_EXIT_OK;
}

int st_rules_test(const struct st_try *t, const char *name, const char *way)
{
	struct cfg_error error;
	struct cfg *cfg;
	int peer, code = ST_EXIT_USAGE;

	if (strcmp(way, "in") != 0 && strcmp(way, "out") != 0) {
		fprintf(t->err, "hawsectl: expected in or out, found \"%s\"\n", way);
		return ST_EXIT_USAGE;
	}
	if (cfg_load(&cfg, t->file, &error)) {
		fprintf(t->err, "%s\n", error.text);
		return ST_EXIT_USAGE;
	}
	peer = find_peer(t, cfg, name);
	if (peer >= 0)
		code = show_message(
			t, cfg->peers[peer].trunk.rules, way[0] == 'i' ? CFG_IN : CFG_OUT);
	cfg_free(cfg);
	return code;
}
