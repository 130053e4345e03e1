// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

void cp_log(enum cp_level level, const char *area, uint64_t call, const char *format, ...)
{
	static const char *const names[] = {"ERROR", "WARNING", "INFO"};
	char line[1024];
	size_t n, size = sizeof(line) - 1;
	va_list args;
	int k = call ? snprintf(
			       line, size, "%s %s: call %016" PRIx64 ": ", names[level], area, call)
		     : snprintf(line, size, "%s %s: ", names[level], area);

	n = (size_t)k;
	va_start(args, format);
	k = vsnprintf(line + n, size - n, format, args);
	va_end(args);
	if (k > 0)
		n = n + (size_t)k < size ? n + (size_t)k : size - 1;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	line[n++] = '\n';
	// Nobody is left to tell when stderr is gone.
	if (write(STDERR_FILENO, line, n) < 0)
		return;
}
