// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINE 1024

static bool verbose;

void dp_log_verbose(void)
{
	verbose = true;
}

static void put_time(char *out, size_t size)
{
	struct timespec now;
	struct tm tm;
	size_t n;

	out[0] = '\0';
	if (getenv("JOURNAL_STREAM"))
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	n = strftime(out, size, "time=%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, size - n, ".%03ldZ ", now.tv_nsec / 1000000);
}

void dp_log(enum dp_level level, const char *area, const char *format, ...)
{
	static const char *const names[] = {"error", "warning", "info", "debug"};
	char line[LINE], quoted[2 * LINE], time[48];
	size_t n = 0;
	va_list args;

	if (level == DP_DEBUG && !verbose)
		return;
	va_start(args, format);
	if (vsnprintf(line, sizeof(line), format, args) < 0)
		line[0] = '\0';
	va_end(args);
	for (const char *p = line; *p && n + 3 < sizeof(quoted); p++) {
		if (*p == '"' || *p == '\\')
			quoted[n++] = '\\';
		quoted[n++] = (unsigned char)*p < 0x20 || *p == 0x7f ? '?' : *p;
	}
	quoted[n] = '\0';
	put_time(time, sizeof(time));
	// One call, so that lines of several threads do not mix.
	fprintf(stderr, "%slevel=%s area=%s msg=\"%s\"\n", time, names[level], area, quoted);
}
