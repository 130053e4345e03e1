// SPDX-License-Identifier: BSD-3-Clause
#include "stats/cdr.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "controlplane/config/config.h"
#include "stats/ask.h"
#include "stats/show.h"

#define DEFAULT_FILE "/etc/hawse/hawse.yaml"

static const char usage[] =
	"usage: hawsectl cdr [FILTER]... [--sum[=KEY]] [--json] [-c FILE | -r RUN | --file "
	"FILE...]\n"
	"\n"
	"  --since TIME, --until TIME  of the start of the leg, UTC: 2026-01-31, 2026-01-31T12:00, "
	"or 2h ago: 2h\n"
	"  --peer NAME                 the party of the leg\n"
	"  --number DIGITS             a number, as received or as sent, that begins so\n"
	"  --status CODE               486, or 4xx\n"
	"  --call ID, --leg a|b, --ended-by caller|callee|hawse, --codec NAME, --route NUMBER\n"
	"  --interim                   interim records too, which are no final ones\n"
	"  --sum[=KEY]                 counts, answered ones, minutes, cost, quality by peer and "
	"leg, or by KEY:\n"
	"                              peer, leg, route, status, codec, ended_by, day, hour\n"
	"  --json                      the records as they are, one a line\n"
	"  --file FILE                 of these files; default are those of the configuration, "
	"with what was\n"
	"                              rotated away\n";

struct options {
	struct st_cdr_filter filter;
	const char *config, *run, *by;
	bool sum, json;
	const char *files[64];
	unsigned file_count;
	char since[32], until[32];
};

// ---- filters ---------------------------------------------------------------------------------------

static const char *text(const json_t *record, const char *key)
{
	return json_string_value(json_object_get(record, key));
}

static bool is(const json_t *record, const char *key, const char *wanted)
{
	const char *value = text(record, key);

	return !wanted || (value && strcmp(value, wanted) == 0);
}

static bool begins(const json_t *record, const char *key, const char *wanted)
{
	const char *value = text(record, key);

	return value && strncmp(value, wanted, strlen(wanted)) == 0;
}

static bool has_number(const json_t *record, const char *number)
{
	return !number || begins(record, "from", number) || begins(record, "to", number) ||
	       begins(record, "from_sent", number) || begins(record, "to_sent", number);
}

static bool has_status(const json_t *record, const char *status)
{
	const json_t *value = json_object_get(record, "status");
	long long code = (long long)json_integer_value(value);

	if (!status)
		return true;
	if (!json_is_integer(value))
		return false;
	return status[1] == 'x' ? code / 100 == status[0] - '0' : code == atoll(status);
}

bool st_cdr_matches(const struct st_cdr_filter *f, const json_t *record)
{
	const char *start = text(record, "start"), *kind = text(record, "record");

	if (f->since && (!start || strcmp(start, f->since) < 0))
		return false;
	if (f->until && (!start || strcmp(start, f->until) >= 0))
		return false;
	if (kind && strcmp(kind, "final") != 0 && !f->interim)
		return false;
	return is(record, "peer", f->peer) && has_number(record, f->number) &&
	       has_status(record, f->status) && is(record, "call", f->call) &&
	       is(record, "leg", f->leg) && is(record, "ended_by", f->ended_by) &&
	       is(record, "codec", f->codec) && is(record, "route", f->route);
}

int st_cdr_time(const char *given, uint64_t now_s, char out[32])
{
	static const char units[] = "smhd";
	static const unsigned seconds[] = {1, 60, 3600, 86400};
	static const char shape[] = "dddd-dd-ddTdd:dd:dd";
	char *end;
	unsigned long long n = strtoull(given, &end, 10);
	size_t length = strlen(given), i = 0;

	if (isdigit((unsigned char)*given) && *end && !end[1] && strchr(units, *end) &&
		n < 1000000) {
		time_t then = (time_t)(now_s - n * seconds[strchr(units, *end) - units]);
		struct tm tm;

		gmtime_r(&then, &tm);
		strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &tm);
		return 0;
	}
	for (; i < length && i < sizeof(shape) - 1; i++)
		if (shape[i] == 'd' ? !isdigit((unsigned char)given[i]) : given[i] != shape[i])
			return -EINVAL;
	if (length < 4 ||
		(length > sizeof(shape) - 1 && strcmp(given + sizeof(shape) - 1, "Z") != 0))
		return -EINVAL;
	snprintf(out, 32, "%.19s", given);
	return 0;
}

// ---- records ---------------------------------------------------------------------------------------

static const char *or_dash(const char *value)
{
	return value && *value ? value : "-";
}

static void print_record(const json_t *r, FILE *out)
{
	const json_t *duration = json_object_get(r, "duration_ms");
	const json_t *mos = json_object_get(json_object_get(r, "received"), "mos");
	const json_t *cost = json_object_get(r, "cost");

	fprintf(out, "%-23.23s  %-21s  %-16s  %-18s  %-18s ", or_dash(text(r, "start")),
		or_dash(text(r, "id")), or_dash(text(r, "peer")), or_dash(text(r, "from")),
		or_dash(text(r, "to")));
	if (json_is_integer(duration))
		fprintf(out, " %9.3f", (double)json_integer_value(duration) / 1000);
	else
		fprintf(out, " %9s", "-");
	fprintf(out, "  %3lld  %-6s", (long long)json_integer_value(json_object_get(r, "status")),
		or_dash(text(r, "ended_by")));
	if (json_is_number(mos))
		fprintf(out, "  %4.2f", json_number_value(mos));
	else
		fprintf(out, "  %4s", "-");
	if (json_is_number(cost))
		fprintf(out, "  %.6f\n", json_number_value(cost));
	else
		fprintf(out, "  -\n");
}

struct reading {
	const struct options *o;
	struct st_cdr_sums *sums;
	unsigned long long shown, bad;
};

static int take_line(struct reading *r, const char *line, size_t n)
{
	json_t *record = json_loadb(line, n, 0, NULL);
	int err = 0;

	if (!json_is_object(record) || !text(record, "call")) {
		r->bad++;
	} else if (st_cdr_matches(&r->o->filter, record)) {
		if (r->o->sum)
			err = st_cdr_sums_add(r->sums, record);
		else if (r->o->json)
			fprintf(stdout, "%.*s\n", (int)n, line);
		else
			print_record(record, stdout);
		r->shown++;
	}
	json_decref(record);
	return err;
}

static int read_file(struct reading *r, const char *file)
{
	FILE *in = fopen(file, "re");
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	int err = 0;

	if (!in)
		return -errno;
	while (!err && (n = getline(&line, &room, in)) > 0) {
		if (line[n - 1] == '\n')
			n--;
		if (n)
			err = take_line(r, line, (size_t)n);
	}
	if (!err && ferror(in))
		err = -EIO;
	free(line);
	fclose(in);
	return err;
}

// ---- which files -----------------------------------------------------------------------------------

// The configuration: as told, as the hawse-sip of that directory says, or the default.
static int find_config(const struct options *o, char *file, size_t size)
{
	const char *words[] = {"status"};
	json_t *answer;
	char why[256];

	snprintf(file, size, "%s", o->config ? o->config : DEFAULT_FILE);
	if (o->config || !o->run)
		return 0;
	if (st_ask(o->run, words, 1, &answer, why, sizeof(why))) {
		fprintf(stderr, "hawsectl: %s; name the files by --file or -c\n", why);
		return ST_EXIT_NOT_RUNNING;
	}
	snprintf(file, size, "%s", or_dash(text(answer, "file")));
	json_decref(answer);
	return 0;
}

static int read_all(struct reading *r, const char *path)
{
	char pattern[300];
	glob_t found = {0};
	int err = 0;

	snprintf(pattern, sizeof(pattern), "%s.[0-9]*Z*", path);
	if (glob(pattern, 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc && !err; i++)
			err = read_file(r, found.gl_pathv[i]);
	globfree(&found);
	if (!err)
		err = read_file(r, path);
	if (err)
		fprintf(stderr, "hawsectl: %s: %s\n", path, strerror(-err));
	return err ? ST_EXIT_FAILED : 0;
}

static int read_configured(struct reading *r)
{
	struct cfg_error error;
	char file[512];
	struct cfg *cfg;
	int code = find_config(r->o, file, sizeof(file));

	if (code)
		return code;
	if (cfg_load(&cfg, file, &error)) {
		fprintf(stderr, "%s\n", error.text);
		return ST_EXIT_USAGE;
	}
	if (cfg->stats.cdr[0]) {
		code = read_all(r, cfg->stats.cdr);
	} else {
		fprintf(stderr, "hawsectl: %s: stats.cdr: no CDRs are written\n", file);
		code = ST_EXIT_NOT_FOUND;
	}
	cfg_free(cfg);
	return code;
}

// ---- options ---------------------------------------------------------------------------------------

static int wrong(const char *what, const char *which)
{
	fprintf(stderr, "hawsectl: %s %s\n\n%s", what, which, usage);
	return ST_EXIT_USAGE;
}

static const char *const keys[] = {
	"peer", "leg", "route", "status", "codec", "ended_by", "day", "hour", "callee_peer"};

static bool known_key(const char *by)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(keys[i], by) == 0)
			return true;
	return false;
}

static bool known_status(const char *status)
{
	return strlen(status) == 3 && status[0] >= '1' && status[0] <= '6' &&
	       ((isdigit((unsigned char)status[1]) && isdigit((unsigned char)status[2])) ||
		       strcmp(status + 1, "xx") == 0);
}

// Where the argument of a filter goes; NULL: the option is none.
static const char **filter_of(struct st_cdr_filter *f, int option)
{
	switch (option) {
	case 'P':
		return &f->peer;
	case 'N':
		return &f->number;
	case 'C':
		return &f->call;
	case 'L':
		return &f->leg;
	case 'E':
		return &f->ended_by;
	case 'O':
		return &f->codec;
	case 'R':
		return &f->route;
	default:
		return NULL;
	}
}

static int take_option(struct options *o, int option)
{
	const char **filter = filter_of(&o->filter, option);
	uint64_t now = (uint64_t)time(NULL);

	if (filter)
		*filter = optarg;
	else if (option == 'S' && st_cdr_time(optarg, now, o->since))
		return wrong("expected a time, found", optarg);
	else if (option == 'U' && st_cdr_time(optarg, now, o->until))
		return wrong("expected a time, found", optarg);
	else if (option == 'T' && !known_status(optarg))
		return wrong("expected a status such as 486 or 4xx, found", optarg);
	else if (option == 's' && optarg && !known_key(optarg))
		return wrong("unknown key of --sum:", optarg);
	else if (option == 'F' && o->file_count == sizeof(o->files) / sizeof(o->files[0]))
		return wrong("too many files:", optarg);
	else if (option == 'F')
		o->files[o->file_count++] = optarg;
	else if (option == 'S')
		o->filter.since = o->since;
	else if (option == 'U')
		o->filter.until = o->until;
	else if (option == 'T')
		o->filter.status = optarg;
	else if (option == 'I')
		o->filter.interim = true;
	else if (option == 'c')
		o->config = optarg;
	else if (option == 'r')
		o->run = optarg;
	else if (option == 'j')
		o->json = true;
	if (option == 's') {
		o->sum = true;
		o->by = optarg;
	}
	return -1;
}

// -1: go on. Else the exit code.
static int read_options(int argc, char **argv, struct options *o)
{
	static const struct option all[] = {{"since", 1, NULL, 'S'}, {"until", 1, NULL, 'U'},
		{"peer", 1, NULL, 'P'}, {"number", 1, NULL, 'N'}, {"status", 1, NULL, 'T'},
		{"call", 1, NULL, 'C'}, {"leg", 1, NULL, 'L'}, {"ended-by", 1, NULL, 'E'},
		{"codec", 1, NULL, 'O'}, {"route", 1, NULL, 'R'}, {"interim", 0, NULL, 'I'},
		{"sum", 2, NULL, 's'}, {"file", 1, NULL, 'F'}, {"json", 0, NULL, 'j'},
		{"config", 1, NULL, 'c'}, {"run", 1, NULL, 'r'}, {"help", 0, NULL, 'h'},
		{NULL, 0, NULL, 0}};
	int option, code = -1;

	optind = 0;
	while (code < 0 && (option = getopt_long(argc, argv, "c:r:jh", all, NULL)) >= 0) {
		if (option == 'h' || option == '?') {
			fputs(usage, option == 'h' ? stdout : stderr);
			return option == 'h' ? ST_EXIT_OK : ST_EXIT_USAGE;
		}
		code = take_option(o, option);
	}
	if (code < 0 && argc - optind > 1)
		return wrong("unexpected", argv[optind + 1]);
	return code;
}

int st_cdr_main(int argc, char **argv)
{
	struct options o = {0};
	struct reading r = {.o = &o};
	int code = read_options(argc, argv, &o);

	if (code >= 0)
		return code;
	r.sums = st_cdr_sums_new(o.by);
	if (!r.sums)
		return ST_EXIT_FAILED;
	code = o.file_count ? 0 : read_configured(&r);
	for (unsigned i = 0; i < o.file_count && !code; i++) {
		int err = read_file(&r, o.files[i]);

		if (err) {
			fprintf(stderr, "hawsectl: %s: %s\n", o.files[i], strerror(-err));
			code = ST_EXIT_FAILED;
		}
	}
	if (!code && o.sum && st_cdr_sums_print(r.sums, o.json, stdout))
		code = ST_EXIT_FAILED;
	if (r.bad)
		fprintf(stderr, "hawsectl: %llu lines are no records\n", r.bad);
	if (fflush(stdout))
		code = ST_EXIT_FAILED;
	st_cdr_sums_free(r.sums);
	return code;
}
