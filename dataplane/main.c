// SPDX-License-Identifier: BSD-3-Clause
// hawse-media [-c FILE] [--check] [--verbose] [--version] [--help]
//
// Exit codes: 0 after SIGTERM or SIGINT, and when --check finds nothing wrong; 1 when it cannot start
// or go on; 2 when the command line or the configuration file is wrong.
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "controlplane/config/config.h"
#include "dataplane/abi/notify.h"
#include "dataplane/config.h"
#include "dataplane/eal.h"
#include "dataplane/log.h"
#include "dataplane/start.h"

#define DEFAULT_FILE "/etc/hawse/hawse.yaml"

enum exit_code {
	EXIT_STOPPED = 0,
	EXIT_FAILED = 1,
	EXIT_WRONG = 2,
};

#define MAX_ARGS 16

struct options {
	const char *file;
	bool check;
	bool ordinary_pages;
};

#if defined(__SANITIZE_ADDRESS__) // GCC
#define WITH_SANITIZER 1
#elif defined(__has_feature) // clang
#define WITH_SANITIZER __has_feature(address_sanitizer)
#else
#define WITH_SANITIZER 0
#endif

#if WITH_SANITIZER
// net_af_xdp never closes the BPF objects that it opens, so sanitizer builds find them at exit.
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libbpf\nleak:libxdp\n";
}

const char *__lsan_default_options(void);
const char *__lsan_default_options(void)
{
	return "print_suppressions=0";
}
#endif

static const char usage[] =
	"usage: hawse-media [-c FILE] [--check]\n"
	"\n"
	"The media relay of Hawse: owns the media ports and forwards RTP and RTCP.\n"
	"\n"
	"  -c, --config FILE  the configuration; default " DEFAULT_FILE "\n"
	"      --check        read the configuration, say what is wrong with it, and end\n"
	"      --ordinary-pages  leave hugepages to others\n"
	"  -v, --verbose      more in the log, also what DPDK and libbpf say\n"
	"      --version      say the version and end\n"
	"  -h, --help         this\n"
	"\n"
	"SIGHUP reads the configuration again: dataplane.grace and dataplane.quarantine change at\n"
	"once, and the log says what else wants a restart.\n"
	"Logs to stderr. Exit codes: 0 stopped by SIGTERM or SIGINT, or nothing wrong; 1 cannot "
	"start\n"
	"or go on; 2 the command line or the configuration is wrong.\n";

// -1: go on. Else the exit code.
static int read_options(int argc, char **argv, struct options *options)
{
	static const struct option long_options[] = {
		{"config", required_argument, NULL, 'c'},
		{"check", no_argument, NULL, 'k'},
		{"ordinary-pages", no_argument, NULL, 'o'},
		{"verbose", no_argument, NULL, 'v'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int option;

	*options = (struct options){.file = DEFAULT_FILE};
	while ((option = getopt_long(argc, argv, "c:vh", long_options, NULL)) >= 0) {
		switch (option) {
		case 'c':
			options->file = optarg;
			break;
		case 'k':
			options->check = true;
			break;
		case 'o':
			options->ordinary_pages = true;
			break;
		case 'v':
			dp_log_verbose();
			break;
		case 'V':
			puts("hawse-media " HAWSE_VERSION);
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
	fprintf(stderr, "hawse-media: unexpected argument %s\n%s", argv[optind], usage);
	return EXIT_WRONG;
}

// Signals are read by the agent; threads that DPDK makes inherit the mask.
static void block_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
}

// DPDK cannot begin twice in one process.
static void start_on_ordinary_pages(char **argv, const char *why)
{
	char *args[MAX_ARGS + 2];
	int n = 0;

	while (argv[n] && n < MAX_ARGS) {
		args[n] = argv[n];
		n++;
	}
	args[n++] = "--ordinary-pages";
	args[n] = NULL;
	dp_log(DP_WARNING, "start", "%s; starting again on ordinary pages, which costs speed", why);
	execv("/proc/self/exe", args);
}

static int serve(const struct cfg *cfg, const struct options *options, char **argv)
{
	struct dataplane *dataplane;
	char why[START_WHY] = "";
	int end = dataplane_start(&dataplane, cfg, argv[0], why);

	if (end == -EAGAIN && !options->ordinary_pages)
		start_on_ordinary_pages(argv, why);
	if (end) {
		dp_log(DP_ERROR, "start", "%s", why[0] ? why : strerror(-end));
		return EXIT_FAILED;
	}
	dp_log(DP_INFO, "main", "hawse-media: %s", dataplane_summary(dataplane));
	abi_notify("READY=1");
	end = dataplane_run(dataplane);
	abi_notify("STOPPING=1");
	if (end < 0)
		dp_log(DP_ERROR, "agent", "cannot go on: %s", strerror(-end));
	else
		dp_log(DP_INFO, "main", "%s: ending", strsignal(end));
	dataplane_stop(dataplane);
	return end < 0 ? EXIT_FAILED : EXIT_STOPPED;
}

int main(int argc, char **argv)
{
	char why[DP_CONFIG_WHY] = "";
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
	if (dp_config_check(cfg, why)) {
		fprintf(stderr, "%s: %s\n", options.file, why);
		cfg_free(cfg);
		return EXIT_WRONG;
	}
	if (options.check) {
		printf("%s: nothing wrong\n", options.file);
		code = EXIT_STOPPED;
	} else {
		block_signals();
		if (options.ordinary_pages)
			dp_eal_ordinary_pages();
		code = serve(cfg, &options, argv);
	}
	cfg_free(cfg);
	return code;
}
