// SPDX-License-Identifier: BSD-3-Clause
// hawsectl: what hawse-media and hawse-sip are doing, read from their shared memory, and what hawse-sip is told to
// do by its control channel.
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "controlplane/config/config.h"
#include "dataplane/abi/shm.h"
#include "stats/ask.h"
#include "stats/cdr.h"
#include "stats/try.h"

#define DEFAULT_FILE "/etc/hawse/hawse.yaml"
#define DEFAULT_RUN  "/run/hawse"

static const char usage[] =
	"usage: hawsectl [-r RUN | -c FILE] COMMAND [--json]\n"
	"\n"
	"  show calls                  calls that run now\n"
	"  show call ID [--messages]   one call: parties, media each way, the ladder of its "
	"messages;\n"
	"                              --messages prints them whole. Also for calls that ended "
	"lately\n"
	"  show sessions [--all]       media sessions; --all: those too whose ports rest\n"
	"  show ports                  media ports of each address: used, resting, free\n"
	"  show transcoders            load and sessions of each, what was late, lost, concealed\n"
	"  show workers [--stages]     what each worker did; --stages: what each stage of the "
	"pipeline costs\n"
	"  show drops [--all]          what was dropped and why; --all: every reason there is\n"
	"  show peers [NAME]           up or down, calls now, what limits refused, seconds today\n"
	"\n"
	"  cdr [FILTER]... [--sum]     records of calls, filtered and summed; hawsectl cdr --help\n"
	"  status                      hawse-sip: its process, its calls\n"
	"  config reload               hawse-sip reads its configuration again, as SIGHUP has it "
	"do\n"
	"  drain [--json]              no new calls (503), waits for the last to end, and so does "
	"hawse-sip;\n"
	"                              --json does not wait here. drain cancel: new calls again\n"
	"  trunk disable|enable NAME   no new calls to or from a peer, also after a restart; and "
	"again\n"
	"  trunk list                  peers, and which are disabled\n"
	"  log [LEVEL [AREA]]          what hawse-sip logs: error, warning, info, debug; of all or "
	"one area, such\n"
	"                              as call, transport; until it is restarted\n"
	"  call hangup ID              ends a call: BYE to both sides\n"
	"  call record ID start|stop [wav|pcap]  records a call, to a file that its CDR names\n"
	"  show registrations [USER]   phones that are registered, and trunks that we register at\n"
	"  show bans                   addresses that are not listened to, and why\n"
	"  unban ADDRESS               listens to it again\n"
	"\n"
	"  route test FROM NUMBER [--caller NUMBER] [--at \"YYYY-MM-DD HH:MM\"]\n"
	"                              where a call of peer FROM would go by the configuration, "
	"and why\n"
	"  rules test PEER in|out      what the header rules make of the message on standard "
	"input\n"
	"\n"
	"  -j, --json         JSON instead of a table\n"
	"  -r, --run RUN      the directory of the sockets, \"run\" in the configuration\n"
	"  -c, --config FILE  take it from this configuration; default " DEFAULT_FILE "\n"
	"                     where that exists, else " DEFAULT_RUN "\n"
	"      --version      say the version and end\n"
	"  -h, --help         this\n"
	"\n"
	"Exit codes: 0 shown or done; 1 there is no such call; 2 the command line or the "
	"configuration is "
	"wrong;\n"
	"3 hawse-media or hawse-sip is needed and does not run, or may not be read; 4 cannot go "
	"on.\n";

struct options {
	const char *run, *file;
	const char *caller, *at; // route test
	bool json, all, stages, messages, trial;
};

static const struct topic {
	const char *name;
	int (*show)(const struct st_show *s);
	bool id, stages, messages, all; // which options it knows
} topics[] = {
	{"calls", st_show_calls, false, false, false, false},
	{"call", st_show_call, true, false, true, false},
	{"sessions", st_show_sessions, false, false, false, true},
	{"ports", st_show_ports, false, false, false, false},
	{"workers", st_show_workers, false, true, false, false},
	{"transcoders", st_show_transcoders, false, false, false, false},
	{"drops", st_show_drops, false, false, false, true},
};

// -1: go on. Else the exit code.
static int read_options(int argc, char **argv, struct options *o)
{
	static const struct option long_options[] = {
		{"run", required_argument, NULL, 'r'},
		{"config", required_argument, NULL, 'c'},
		{"json", no_argument, NULL, 'j'},
		{"all", no_argument, NULL, 'a'},
		{"stages", no_argument, NULL, 's'},
		{"messages", no_argument, NULL, 'm'},
		{"caller", required_argument, NULL, 'C'},
		{"at", required_argument, NULL, 'A'},
		{"trial", no_argument, NULL, 't'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int option;

	*o = (struct options){0};
	while ((option = getopt_long(argc, argv, "r:c:jh", long_options, NULL)) >= 0) {
		switch (option) {
		case 'r':
			o->run = optarg;
			break;
		case 'c':
			o->file = optarg;
			break;
		case 'j':
			o->json = true;
			break;
		case 'a':
			o->all = true;
			break;
		case 's':
			o->stages = true;
			break;
		case 'm':
			o->messages = true;
			break;
		case 'C':
			o->caller = optarg;
			break;
		case 'A':
			o->at = optarg;
			break;
		case 't':
			o->trial = true;
			break;
		case 'V':
			puts("hawsectl " HAWSE_VERSION);
			return ST_EXIT_OK;
		case 'h':
			fputs(usage, stdout);
			return ST_EXIT_OK;
		default:
			fputs(usage, stderr);
			return ST_EXIT_USAGE;
		}
	}
	return -1;
}

static int wrong(const char *what, const char *which)
{
	fprintf(stderr, "hawsectl: %s%s%s\n\n%s", what, which ? " " : "", which ? which : "",
		usage);
	return ST_EXIT_USAGE;
}

static const struct topic *find_topic(const char *name)
{
	for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++)
		if (strcmp(topics[i].name, name) == 0)
			return &topics[i];
	return NULL;
}

// The topic that the words name, with options that it knows. NULL: *code says how to end.
static const struct topic *read_words(int argc, char **words, const struct options *o, int *code)
{
	const struct topic *topic;

	*code = ST_EXIT_USAGE;
	if (argc < 1 || strcmp(words[0], "show") != 0) {
		*code = wrong(argc < 1 ? "expected a command" : "unknown command",
			argc < 1 ? NULL : words[0]);
		return NULL;
	}
	topic = argc < 2 ? NULL : find_topic(words[1]);
	if (!topic) {
		*code = wrong(argc < 2 ? "expected a topic after show" : "unknown topic",
			argc < 2 ? NULL : words[1]);
		return NULL;
	}
	if (argc != 2 + topic->id) {
		*code = argc < 2 + topic->id ? wrong("expected the ID of a call", NULL)
					     : wrong("unexpected", words[2 + topic->id]);
		return NULL;
	}
	if ((o->stages && !topic->stages) || (o->messages && !topic->messages) ||
		(o->all && !topic->all)) {
		*code = wrong("that option does not go with show", topic->name);
		return NULL;
	}
	return topic;
}

// Where the sockets are: -r, or the configuration's, or the default.
static int find_run(const struct options *o, char *run, size_t size)
{
	const char *file = o->file ? o->file : DEFAULT_FILE;
	struct cfg_error error;
	struct cfg *cfg;

	if (o->run || (!o->file && access(file, F_OK))) {
		snprintf(run, size, "%s", o->run ? o->run : DEFAULT_RUN);
		return 0;
	}
	if (cfg_load(&cfg, file, &error)) {
		fprintf(stderr, "%s\n", error.text);
		return ST_EXIT_USAGE;
	}
	snprintf(run, size, "%s", cfg->run);
	cfg_free(cfg);
	return 0;
}

static int show(const struct topic *topic, const struct options *o, const char *run, const char *id)
{
	struct st_reader reader;
	struct st_show s = {
		.r = &reader,
		.out = stdout,
		.err = stderr,
		.json = o->json,
		.all = o->all,
		.stages = o->stages,
		.messages = o->messages,
		.id = id,
	};
	int code;

	if (st_reader_init(&reader, run, "hawsectl"))
		return wrong("the directory's name is too long:", run);
	st_reader_poll(&reader, abi_now_us(), 2000);
	s.now_us = abi_now_us();
	code = topic->show(&s);
	st_reader_close(&reader);
	if (fflush(stdout) && code == ST_EXIT_OK) {
		perror("hawsectl");
		code = ST_EXIT_FAILED;
	}
	return code;
}

static int order(const struct options *o, char **words, int count)
{
	char run[128];
	int used, code;
	const struct st_order *found = st_order_find(words, count, &used);

	if (!found)
		return -1;
	if (o->stages || o->messages || o->all ||
		(o->trial && strncmp(found->name, "config ", 7) != 0))
		return wrong("that option does not go with", found->name);
	if (count - used < (int)found->least || count - used > (int)found->most) {
		fprintf(stderr, "usage: hawsectl %s %s\n", found->name, found->usage);
		return ST_EXIT_USAGE;
	}
	code = find_run(o, run, sizeof(run));
	return code ? code
		    : st_order_run(&(struct st_order_call){
			      found, run, words, count, used, o->json, o->trial, stdout, stderr});
}

// route test, rules test: -1 when the words are neither.
static int try_out(const struct options *o, char **words, int count)
{
	const struct st_try t = {.file = o->file ? o->file : DEFAULT_FILE,
		.caller = o->caller,
		.at = o->at,
		.in = stdin,
		.out = stdout,
		.err = stderr};
	bool route = count > 0 && strcmp(words[0], "route") == 0;

	if (!route && (count < 1 || strcmp(words[0], "rules") != 0))
		return -1;
	if (count != 4 || strcmp(words[1], "test") != 0)
		return wrong(route ? "expected route test FROM NUMBER"
				   : "expected rules test PEER in|out",
			NULL);
	return route ? st_route_test(&t, words[2], words[3])
		     : st_rules_test(&t, words[2], words[3]);
}

// The first word that is no option, nor the argument of one.
static bool is_cdr(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (argv[i][0] != '-')
			return strcmp(argv[i], "cdr") == 0;
		if (strcmp(argv[i], "-r") == 0 || strcmp(argv[i], "-c") == 0 ||
			strcmp(argv[i], "--run") == 0 || strcmp(argv[i], "--config") == 0)
			i++;
	}
	return false;
}

int main(int argc, char **argv)
{
	char run[128];
	struct options options;
	const struct topic *topic;
	int code =
		is_cdr(argc, argv) ? st_cdr_main(argc, argv) : read_options(argc, argv, &options);

	if (code < 0)
		code = try_out(&options, argv + optind, argc - optind);
	if (code < 0)
		code = order(&options, argv + optind, argc - optind);
	if (code >= 0)
		return code;
	topic = read_words(argc - optind, argv + optind, &options, &code);
	if (!topic)
		return code;
	code = find_run(&options, run, sizeof(run));
	if (code)
		return code;
	return show(topic, &options, run, topic->id ? argv[optind + 2] : NULL);
}
