// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define LINE 1024

static bool verbose;

void dp_log_verbose(void)
{
	verbose = true;
}

void dp_log(enum dp_level level, const char *area, const char *format, ...)
{
	static const char *const names[] = {"ERROR", "WARNING", "INFO", "DEBUG"};
	char line[LINE];
	va_list args;

	if (level == DP_DEBUG && !verbose)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	// One call, so that lines of several threads do not mix.
	fprintf(stderr, "%s %s: %s\n", names[level], area, line);
}
