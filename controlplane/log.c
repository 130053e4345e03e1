// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const names[] = {"error", "warning", "info", "debug"};

static struct {
	char area[16];
	atomic_int level;
} own[CP_LOG_AREAS];
static atomic_uint own_count;
static atomic_int general = CP_LOG_INFO;

// ---- levels ----------------------------------------------------------------------------------------

bool cp_log_wants(enum cp_level level, const char *area)
{
	unsigned n = atomic_load_explicit(&own_count, memory_order_acquire);

	for (unsigned i = 0; i < n; i++)
		if (strcmp(own[i].area, area) == 0)
			return (int)level <=
			       atomic_load_explicit(&own[i].level, memory_order_relaxed);
	return (int)level <= atomic_load_explicit(&general, memory_order_relaxed);
}

int cp_log_set(enum cp_level level, const char *area)
{
	unsigned n = atomic_load(&own_count);

	if (!area) {
		atomic_store(&own_count, 0);
		atomic_store(&general, (int)level);
		return 0;
	}
	if (!*area || strlen(area) >= sizeof(own[0].area))
		return -EINVAL;
	for (unsigned i = 0; i < n; i++)
		if (strcmp(own[i].area, area) == 0) {
			atomic_store(&own[i].level, (int)level);
			return 0;
		}
	if (n == CP_LOG_AREAS)
		return -ENOSPC;
	strcpy(own[n].area, area);
	atomic_store(&own[n].level, (int)level);
	atomic_store_explicit(&own_count, n + 1, memory_order_release);
	return 0;
}

int cp_log_level_parse(const char *text, enum cp_level *level)
{
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], text) == 0) {
			*level = (enum cp_level)i;
			return 0;
		}
	return -EINVAL;
}

const char *cp_log_level_name(enum cp_level level)
{
	return names[level];
}

enum cp_level cp_log_level(void)
{
	return (enum cp_level)atomic_load(&general);
}

int cp_log_area(unsigned n, const char **area, enum cp_level *level)
{
	if (n >= atomic_load(&own_count))
		return -ENOENT;
	*area = own[n].area;
	*level = (enum cp_level)atomic_load(&own[n].level);
	return 0;
}

// ---- lines -----------------------------------------------------------------------------------------

static size_t put_time(char *line, size_t size)
{
	struct timespec now;
	struct tm tm;
	size_t n;

	if (getenv("JOURNAL_STREAM"))
		return 0;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	n = strftime(line, size, "time=%Y-%m-%dT%H:%M:%S", &tm);
	return n + (size_t)snprintf(line + n, size - n, ".%03ldZ ", now.tv_nsec / 1000000);
}

// Quoted; it may hold what a peer sent.
static size_t put_quoted(char *line, size_t size, const char *text)
{
	size_t n = 0;

	line[n++] = '"';
	for (; *text && n + 3 < size; text++) {
		if (*text == '"' || *text == '\\')
			line[n++] = '\\';
		line[n++] = (unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text;
	}
	line[n++] = '"';
	return n;
}

void cp_log(enum cp_level level, const char *area, uint64_t call, const char *format, ...)
{
	char line[1400], text[1024];
	size_t n, size = sizeof(line) - 1;
	va_list args;

	if (!cp_log_wants(level, area))
		return;
	n = put_time(line, size);
	n += (size_t)snprintf(line + n, size - n, "level=%s area=%.32s ", names[level], area);
	if (call)
		n += (size_t)snprintf(line + n, size - n, "call=%016" PRIx64 " ", call);
	n += (size_t)snprintf(line + n, size - n, "msg=");
	va_start(args, format);
	if (vsnprintf(text, sizeof(text), format, args) < 0)
		text[0] = '\0';
	va_end(args);
	n += put_quoted(line + n, size - n, text);
	line[n++] = '\n';
	// Nobody is left to tell when stderr is gone.
	if (write(STDERR_FILENO, line, n) < 0)
		return;
}
