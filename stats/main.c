// SPDX-License-Identifier: BSD-3-Clause
// hawse-stats [-c FILE] [--check] [--version] [--help]
//
// One thread: attached to hawse-media and hawse-sip as a reader, it answers HTTP at stats.listen, and HTTPS with the
// files of a directory at stats.page.listen. SIGHUP: certificate, key and directory are read again.
// Exit codes: 0 after SIGTERM or SIGINT, when --check finds nothing wrong, or when there is nothing to
// serve; 1 when it cannot start; 2 when the command line or the configuration file is wrong.
#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "controlplane/config/config.h"
#include "dataplane/abi/shm.h"
#include "stats/http.h"
#include "stats/page.h"
#include "stats/prometheus.h"
#include "stats/reader.h"
#include "stats/text.h"

#define DEFAULT_FILE "/etc/hawse/hawse.yaml"
#define STALE_US     5000000u // a heartbeat older than this: the process hangs

enum exit_code {
	EXIT_STOPPED = 0,
	EXIT_FAILED = 1,
	EXIT_WRONG = 2,
};

struct options {
	const char *file;
	bool check;
};

static const char usage[] =
	"usage: hawse-stats [-c FILE] [--check]\n"
	"\n"
	"Metrics of Hawse: reads the shared memory of hawse-media and hawse-sip, read-only, and "
	"serves it\n"
	"to Prometheus at stats.listen. Either may end and start again. It also serves the files of\n"
	"stats.page, such as the web phone, over HTTPS; SIGHUP has it read their certificate again.\n"
	"\n"
	"  -c, --config FILE  the configuration; default " DEFAULT_FILE "\n"
	"      --check        read the configuration, say what is wrong with it, and end\n"
	"      --version      say the version and end\n"
	"  -h, --help         this\n"
	"\n"
	"Logs to stderr. Exit codes: 0 stopped by SIGTERM or SIGINT, nothing wrong, or nothing to "
	"serve;\n"
	"1 cannot start; 2 the command line or the configuration is wrong.\n";

// -1: go on. Else the exit code.
static int read_options(int argc, char **argv, struct options *options)
{
	static const struct option long_options[] = {
		{"config", required_argument, NULL, 'c'},
		{"check", no_argument, NULL, 'k'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int option;

	*options = (struct options){.file = DEFAULT_FILE};
	while ((option = getopt_long(argc, argv, "c:h", long_options, NULL)) >= 0) {
		switch (option) {
		case 'c':
			options->file = optarg;
			break;
		case 'k':
			options->check = true;
			break;
		case 'V':
			puts("hawse-stats " HAWSE_VERSION);
			return EXIT_STOPPED;
		case 'h':
			fputs(usage, stdout);
			return EXIT_STOPPED;
		default:
			fputs(usage, stderr);
			return EXIT_WRONG;
		}
	}
	if (optind == argc)
		return -1;
	fprintf(stderr, "hawse-stats: unexpected argument %s\n%s", argv[optind], usage);
	return EXIT_WRONG;
}

static int metrics(void *ctx, FILE *out)
{
	struct st_reader *r = ctx;
	uint64_t now = abi_now_us();

	st_reader_poll(r, now, 100);
	return st_prometheus_write(r, now, out);
}

static bool fresh(FILE *out, const char *process, uint64_t heartbeat_us, bool attached)
{
	uint64_t now = abi_now_us(), age = now > heartbeat_us ? now - heartbeat_us : 0;

	if (age > STALE_US)
		fprintf(out, "%s: hangs, no sign of life for %.1f s\n", process, (double)age / 1e6);
	else if (!attached)
		fprintf(out, "%s: runs, but is not attached to the other\n", process);
	else
		fprintf(out, "%s: ok\n", process);
	return age <= STALE_US && attached;
}

static int health(void *ctx, FILE *out)
{
	struct st_reader *r = ctx;
	char text[256];
	int well = 1;

	st_reader_poll(r, abi_now_us(), 100);
	if (st_has_media(r)) {
		well &= fresh(out, "hawse-media", st_a_heartbeat(&r->a), st_a_attached(&r->a));
	} else {
		st_explain(&r->media, "hawse-media", text, sizeof(text));
		fprintf(out, "%s\n", text);
		well = 0;
	}
	if (st_has_sip(r)) {
		well &= fresh(out, "hawse-sip", st_t_heartbeat(&r->t), st_t_attached(&r->t));
	} else {
		st_explain(&r->sip, "hawse-sip", text, sizeof(text));
		fprintf(out, "%s\n", text);
		well = 0;
	}
	return well;
}

static int drop_privileges(const char *name)
{
	const struct passwd *user = getpwnam(name);

	if (!user) {
		fprintf(stderr,
			"hawse-stats: user: no user %s on this machine; create it with: useradd "
			"--system %s\n",
			name, name);
		return -ENOENT;
	}
	if (geteuid() == user->pw_uid)
		return 0;
	if (setgroups(0, NULL) || setresgid(user->pw_gid, user->pw_gid, user->pw_gid) ||
		setresuid(user->pw_uid, user->pw_uid, user->pw_uid) ||
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) {
		fprintf(stderr, "hawse-stats: cannot become user %s: %s\n", name, strerror(errno));
		return -errno;
	}
	return 0;
}

// Says once what changed: who came and who went.
static void note(const struct st_link *link, const char *process, bool *was)
{
	bool is = link->socket >= 0;

	if (is != *was)
		fprintf(stderr, "hawse-stats: %s %s\n", process, is ? "attached" : "is gone");
	*was = is;
}

// Certificates and files are looked at again.
static void reload(struct st_page *page)
{
	char error[ST_PAGE_ERROR];

	if (!page)
		return;
	if (st_page_load(page, error))
		fprintf(stderr, "hawse-stats: %s; what was goes on\n", error);
	else
		fprintf(stderr, "hawse-stats: the page's certificate and directory are read anew\n");
}

// 0, or the signal that ends it.
static int taken(int signals, struct st_page *page)
{
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGHUP)
			return (int)info.ssi_signo;
		reload(page);
	}
	return 0;
}

static int soonest(int a, int b)
{
	return a < 0 ? b : b < 0 || a < b ? a : b;
}

static void loop(struct st_reader *r, struct st_http *http, struct st_page *page, int signals)
{
	bool media = false, sip = false;

	for (;;) {
		struct pollfd fds[3] = {
			{.fd = signals, .events = POLLIN},
			{.fd = http ? st_http_fd(http) : -1, .events = POLLIN},
			{.fd = page ? st_page_fd(page) : -1, .events = POLLIN},
		};
		int timeout = soonest(1000, http ? st_http_timeout(http) : -1);

		timeout = soonest(timeout, page ? st_page_timeout(page) : -1);
		st_reader_poll(r, abi_now_us(), 100);
		note(&r->media, "hawse-media", &media);
		note(&r->sip, "hawse-sip", &sip);
		if (poll(fds, 3, timeout) < 0 && errno != EINTR)
			return;
		if (fds[0].revents && taken(signals, page))
			return;
		if (http)
			st_http_run(http);
		if (page)
			st_page_run(page);
	}
}

static int catch_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void tell_ready(const struct cfg_stats *cfg, struct st_http *http, struct st_page *page)
{
	char at[ST_ADDR_TEXT], page_at[ST_ADDR_TEXT];

	if (http)
		st_addr(at, cfg->listen.ip, cfg->listen.family, st_http_port(http));
	if (page)
		st_addr(page_at, cfg->page.listen.ip, cfg->page.listen.family, st_page_port(page));
	fprintf(stderr, "hawse-stats: ready:%s%s%s%s%s%s\n", http ? " http://" : "",
		http ? at : "", http ? "/metrics" : "", page ? " https://" : "",
		page ? page_at : "", page ? "/" : "");
}

static int serve(const struct cfg *cfg)
{
	static const struct st_http_ops ops = {metrics, health};
	char error[ST_PAGE_ERROR] = "out of memory";
	struct st_http *http = NULL;
	struct st_page *page = NULL;
	struct st_reader reader;
	int signals = catch_signals(), code = EXIT_FAILED;

	if (st_reader_init(&reader, cfg->run, "hawse-stats") || signals < 0) {
		fprintf(stderr, "hawse-stats: cannot start: %s\n", strerror(errno));
		goto out;
	}
	if ((cfg->stats.enabled &&
		    st_http_start(&http, &cfg->stats.listen, &ops, &reader, error)) ||
		(cfg->stats.page.enabled && st_page_open(&page, &cfg->stats.page, error))) {
		fprintf(stderr, "hawse-stats: %s\n", error);
		goto out;
	}
	if (cfg->user[0] && geteuid() == 0 && drop_privileges(cfg->user))
		goto out;
	// As the user that will have to read them again.
	if (page && st_page_load(page, error)) {
		fprintf(stderr, "hawse-stats: %s\n", error);
		goto out;
	}
	tell_ready(&cfg->stats, http, page);
	loop(&reader, http, page, signals);
	fprintf(stderr, "hawse-stats: ending\n");
	code = EXIT_STOPPED;
out:
	st_http_stop(http);
	st_page_close(page);
	st_reader_close(&reader);
	if (signals >= 0)
		close(signals);
	return code;
}

int main(int argc, char **argv)
{
	struct cfg_error error;
	struct options options;
	struct cfg *cfg;
	int code = read_options(argc, argv, &options);

	if (code >= 0)
		return code;
	if (cfg_load(&cfg, options.file, &error)) {
		fprintf(stderr, "%s\n", error.text);
		return EXIT_WRONG;
	}
	if (options.check) {
		printf("%s: nothing wrong\n", options.file);
		code = EXIT_STOPPED;
	} else if (!cfg->stats.enabled && !cfg->stats.page.enabled) {
		fprintf(stderr,
			"hawse-stats: nothing to serve: %s has no stats.listen and no stats.page\n",
			options.file);
		code = EXIT_STOPPED;
	} else {
		code = serve(cfg);
	}
	cfg_free(cfg);
	return code;
}
