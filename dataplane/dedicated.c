// SPDX-License-Identifier: BSD-3-Clause
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "dataplane/dedicated.h"

#include <stdio.h>
#include <stdlib.h>

// "0-1,4". What cannot be read is an empty list.
static void read_cpus(const char *sys, const char *file, cpu_set_t *cpus)
{
	char path[256], text[4096] = "", *p = text;
	FILE *in;

	CPU_ZERO(cpus);
	snprintf(path, sizeof(path), "%s/%s", sys, file);
	in = fopen(path, "re");
	if (!in)
		return;
	if (!fgets(text, sizeof(text), in))
		text[0] = '\0';
	fclose(in);
	while (*p >= '0' && *p <= '9') {
		unsigned long first = strtoul(p, &p, 10), last = first;

		if (*p == '-')
			last = strtoul(p + 1, &p, 10);
		for (unsigned long cpu = first; cpu <= last && cpu < CPU_SETSIZE; cpu++)
			CPU_SET(cpu, cpus);
		p += *p == ',';
	}
}

static bool all_in(const struct cfg_dataplane *d, const cpu_set_t *cpus)
{
	for (unsigned i = 0; i < d->workers; i++)
		if (d->cores[i] < 0 || d->cores[i] >= CPU_SETSIZE || !CPU_ISSET(d->cores[i], cpus))
			return false;
	return true;
}

bool dp_dedicated(const struct cfg_dataplane *d, const cpu_set_t *may, const char *sys, char *why,
	size_t size)
{
	cpu_set_t isolated, quiet, online;

	if (d->core_count < d->workers) {
		snprintf(why, size, "dataplane.cores does not name the workers' cores");
		return false;
	}
	read_cpus(sys, "isolated", &isolated);
	read_cpus(sys, "nohz_full", &quiet);
	CPU_OR(&isolated, &isolated, &quiet);
	if (all_in(d, &isolated)) {
		snprintf(why, size, "the workers' cores are isolated");
		return true;
	}
	read_cpus(sys, "online", &online);
	if (CPU_COUNT(may) < CPU_COUNT(&online) && CPU_COUNT(may) > (int)d->workers &&
		all_in(d, may)) {
		snprintf(why, size, "the workers' cores are of a cpuset of ours");
		return true;
	}
	snprintf(why, size, "others may run on the workers' cores");
	return false;
}
