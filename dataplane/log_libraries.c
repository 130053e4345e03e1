// SPDX-License-Identifier: BSD-3-Clause
// The part of log.h that listens to DPDK and libbpf.
#include "dataplane/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/libbpf.h>
#include <rte_log.h>

#define LINE 1024

static char first[LINE];

// DPDK's own level of the line that is being written.
static enum dp_level dpdk_level(void)
{
	unsigned level = (unsigned)rte_log_cur_msg_loglevel();

	if (level > 0 && level <= RTE_LOG_ERR)
		return DP_ERROR;
	if (level == RTE_LOG_WARNING)
		return DP_WARNING;
	return DP_DEBUG;
}

// Libraries are quoted in the line that says what failed; by themselves their lines tell an operator
// little, so they show only with --verbose. The first complaint is the cause, others follow from it.
static void note(enum dp_level level, const char *area, const char *text, int length)
{
	if (level <= DP_WARNING && !first[0])
		snprintf(first, sizeof(first), "%.*s", length, text);
	dp_log(DP_DEBUG, area, "%.*s", length, text);
}

const char *dp_log_dpdk_said(void)
{
	return first;
}

void dp_log_forget_dpdk(void)
{
	first[0] = '\0';
}

static ssize_t take_dpdk(void *cookie, const char *text, size_t size)
{
	size_t length = size;

	while (length && (text[length - 1] == '\n' || text[length - 1] == ' '))
		length--;
	if (length)
		note(dpdk_level(), "dpdk", text, (int)length);
	return (ssize_t)size;
}

static int take_bpf(enum libbpf_print_level level, const char *format, va_list args)
{
	char line[LINE];
	int n = vsnprintf(line, sizeof(line), format, args);

	if (n > 0 && n < (int)sizeof(line) && line[n - 1] == '\n')
		line[--n] = '\0';
	note(level == LIBBPF_WARN ? DP_WARNING : DP_DEBUG, "bpf", line, (int)strlen(line));
	return n;
}

int dp_log_take_dpdk(void)
{
	static const cookie_io_functions_t functions = {.write = take_dpdk};
	FILE *stream = fopencookie(NULL, "w", functions);

	if (!stream)
		return -ENOMEM;
	setvbuf(stream, NULL, _IOLBF, 0);
	libbpf_set_print(take_bpf);
	return rte_openlog_stream(stream) ? -errno : 0;
}
