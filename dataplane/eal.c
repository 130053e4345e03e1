// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/eal.h"

#include <ctype.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>

#include "dataplane/log.h"

#define MAX_ARGS  16
#define MIB       (1024u * 1024u)
#define SLACK     (32u * MIB) // rings, device state, malloc headers
#define LCORES    8192
#define MAIN_CORE "0"

static bool ordinary;

void dp_eal_ordinary_pages(void)
{
	ordinary = true;
}

static size_t pages_of(const char *size)
{
	char path[128];
	unsigned long pages = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/hugepages-%s/free_hugepages", size);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%lu", &pages) != 1)
		pages = 0;
	fclose(f);
	return pages;
}

static size_t free_huge(void)
{
	size_t small = pages_of("2048kB") * 2 * MIB, large = pages_of("1048576kB") * 1024 * MIB;

	return small > large ? small : large; // DPDK does not mix them within one pool
}

// "(0-1,4)": the CPUs that we may run on.
static void all_cpus(char *out, size_t size)
{
	cpu_set_t set;
	size_t used = 0;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		CPU_ZERO(&set);
	for (int cpu = 0; cpu < CPU_SETSIZE && used < size; cpu++)
		if (CPU_ISSET(cpu, &set))
			used += (size_t)snprintf(
				out + used, size - used, "%s%d", used ? "," : "(", cpu);
	if (used && used < size)
		snprintf(out + used, size - used, ")");
}

static bool may_run_on(int cpu)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 && cpu >= 0 && cpu < CPU_SETSIZE &&
	       CPU_ISSET(cpu, &set);
}

static int lcore_list(const struct cfg *cfg, char *out, size_t size, char why[DP_WHY])
{
	const struct cfg_dataplane *d = &cfg->dataplane;
	char all[2048] = "0", agent[16];
	size_t used;

	all_cpus(all, sizeof(all));
	snprintf(agent, sizeof(agent), "%d", d->agent_core);
	if (d->agent_core >= 0 && !may_run_on(d->agent_core))
		goto no_core;
	used = (size_t)snprintf(
		out, size, "--lcores=" MAIN_CORE "@%s", d->agent_core >= 0 ? agent : all);
	for (unsigned i = 0; i < d->workers && used < size; i++) {
		char core[16];

		if (i < d->core_count && !may_run_on(d->cores[i])) {
			snprintf(agent, sizeof(agent), "%d", d->cores[i]);
			goto no_core;
		}
		snprintf(core, sizeof(core), "%d", i < d->core_count ? d->cores[i] : 0);
		used += (size_t)snprintf(out + used, size - used, ",%u@%s", dp_eal_lcore(i),
			i < d->core_count ? core : all);
	}
	if (used < size)
		return 0;
	snprintf(why, DP_WHY,
		"too many workers for this machine's list of CPUs; name the cores "
		"in dataplane.cores");
	return -E2BIG;
no_core:
	snprintf(why, DP_WHY,
		"core %s of the configuration does not exist or may not be used; this "
		"process may run on %s",
		agent, all);
	return -EINVAL;
}

// "0000:03:00.0", "03:00.0,args": such a device needs DPDK to look at the PCI bus.
static bool is_pci(const char *device)
{
	unsigned domain, bus, dev, function;

	return sscanf(device, "%x:%x:%x.%u", &domain, &bus, &dev, &function) == 4 ||
	       sscanf(device, "%x:%x.%u", &bus, &dev, &function) == 3;
}

static bool any_pci(const struct cfg *cfg)
{
	for (unsigned i = 0; i < cfg->media_count; i++)
		if (is_pci(cfg->media[i].device))
			return true;
	return false;
}

static int choose_memory(const struct cfg *cfg, size_t needed, bool *hugepages, char why[DP_WHY])
{
	size_t given = (size_t)cfg->dataplane.memory * MIB;

	*hugepages = !ordinary && free_huge() >= needed;
	if (*hugepages)
		return 0;
	if (!ordinary && free_huge() && given >= needed)
		dp_log(DP_WARNING, "start",
			"%zu MiB of hugepages are free and %zu MiB are needed: ordinary pages are "
			"used, which costs speed; run: sysctl vm.nr_hugepages=%zu",
			free_huge() / MIB, needed / MIB, needed / (2 * MIB) + 1);
	if (given >= needed)
		return 0;
	snprintf(why, DP_WHY,
		"this configuration needs %zu MiB for packet buffers and tables; dataplane.memory "
		"gives %u and %zu MiB of hugepages are free: set dataplane.memory to %zu, or run: "
		"sysctl vm.nr_hugepages=%zu",
		needed / MIB, cfg->dataplane.memory, free_huge() / MIB, needed / MIB + 1,
		needed / (2 * MIB) + 1);
	return -ENOMEM;
}

unsigned dp_eal_lcore(unsigned worker)
{
	return worker + 1;
}

int dp_eal_start(const struct cfg *cfg, const char *program, size_t needed, bool *hugepages,
	char why[DP_WHY])
{
	static char lcores[LCORES], memory[32];
	char *args[MAX_ARGS];
	int count = 0, err;

	needed += SLACK;
	err = choose_memory(cfg, needed, hugepages, why);
	if (!err)
		err = lcore_list(cfg, lcores, sizeof(lcores), why);
	if (err)
		return err;
	args[count++] = (char *)program;
	args[count++] = "--no-telemetry";
	args[count++] = "--iova-mode=va";
	args[count++] = "--log-level=lib.*:warning";
	args[count++] = "--main-lcore=" MAIN_CORE;
	args[count++] = lcores;
	if (!any_pci(cfg))
		args[count++] = "--no-pci";
	if (*hugepages) {
		args[count++] = "--in-memory";
	} else { // which --in-memory does not go with
		args[count++] = "--no-shconf";
		snprintf(memory, sizeof(memory), "%u", cfg->dataplane.memory);
		args[count++] = "--no-huge";
		args[count++] = "-m";
		args[count++] = memory;
	}
	args[count] = NULL;
	dp_log_take_dpdk();
	if (rte_eal_init(count, args) >= 0)
		return 0;
	snprintf(why, DP_WHY, "DPDK does not start: %s%s%s", rte_strerror(rte_errno),
		dp_log_dpdk_said()[0] ? "; it says: " : "", dp_log_dpdk_said());
	return -EIO;
}

void dp_eal_stop(void)
{
	rte_eal_cleanup();
}
