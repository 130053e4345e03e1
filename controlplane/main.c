// SPDX-License-Identifier: BSD-3-Clause
// hawse-sip [-c FILE] [--check] [--version] [--help]
//
// Exit codes: 0 after SIGTERM or SIGINT, and when --check finds nothing wrong; 1 when it cannot start
// or go on; 2 when the command line or the configuration file is wrong.
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "controlplane/certificates.h"
#include "controlplane/log.h"
#include "controlplane/process.h"
#include "dataplane/abi/notify.h"
#include "sip/message.h"

#define DEFAULT_FILE "/etc/hawse/hawse.yaml"

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
	"usage: hawse-sip [-c FILE] [--check]\n"
	"\n"
	"The control plane of Hawse: a SIP back-to-back user agent that asks hawse-media for "
	"ports.\n"
	"\n"
	"  -c, --config FILE  the configuration; default " DEFAULT_FILE "\n"
	"      --check        read the configuration, say what is wrong with it, and end\n"
	"      --version      say the version and end\n"
	"  -h, --help         this\n"
	"\n"
	"SIGHUP reads the configuration and certificates again: peers and routes change for new\n"
	"calls, certificates for new connections.\n"
	"SIGUSR1 drains: no new calls, and it ends with the last of those that run.\n"
	"Logs to stderr. Exit codes: 0 stopped by SIGTERM or SIGINT, or nothing wrong; 1 cannot "
	"start\n"
	"or go on; 2 the command line or the configuration is wrong.\n";

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
			puts("hawse-sip " HAWSE_VERSION);
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
	fprintf(stderr, "hawse-sip: unexpected argument %s\n%s", argv[optind], usage);
	return EXIT_WRONG;
}

// The files that the configuration names are looked at too.
static int check(struct cp_policy *policy, const char *file)
{
	struct cp_certificates *certificates = NULL;
	char why[CP_TLS_ERROR];
	int err = cp_certificates_new(&certificates, policy, why);

	if (err)
		fprintf(stderr, "%s\n", why);
	else
		printf("%s: nothing wrong\n", file);
	cp_certificates_free(certificates);
	cp_policy_release(policy);
	return err ? EXIT_WRONG : EXIT_STOPPED;
}

static int serve(struct cp_policy *policy, const char *file)
{
	char why[PROCESS_WHY] = "", summary[1024];
	struct process *p;
	int err;

	signal(SIGPIPE, SIG_IGN);
	err = process_start(&p, policy, file, why);
	if (err) {
		cp_log(CP_LOG_ERROR, "start", 0, "%s", why[0] ? why : strerror(-err));
		return EXIT_FAILED;
	}
	process_summary(p, summary, sizeof(summary));
	cp_log(CP_LOG_INFO, "main", 0, "hawse-sip: %s", summary);
	abi_notify("READY=1");
	err = process_run(p);
	abi_notify("STOPPING=1");
	process_free(p);
	return err ? EXIT_FAILED : EXIT_STOPPED;
}

int main(int argc, char **argv)
{
	struct cp_policy *policy;
	struct cfg_error error;
	struct options options;
	struct cfg *cfg;
	int code = read_options(argc, argv, &options);

	if (code >= 0)
		return code;
	if (cfg_load(&cfg, options.file, &error) ||
		cp_policy_new(cfg, process_source, NULL, &policy, &error)) {
		fprintf(stderr, "%s\n", error.text);
		return EXIT_WRONG;
	}
	if (options.check)
		return check(policy, options.file);
	if (sip_init()) {
		cp_log(CP_LOG_ERROR, "start", 0, "no memory left");
		cp_policy_release(policy);
		return EXIT_FAILED;
	}
	return serve(policy, options.file);
}
