// SPDX-License-Identifier: BSD-3-Clause
// Does a worker have its core to itself? Then polling without a pause costs nobody anything, and
// `poll` need not be written: busy on cores that are dedicated, adaptive where others work too.
//
// A core is dedicated when the configuration names it for the worker (dataplane.cores) and
//   - the kernel keeps others off it: isolcpus, nohz_full or an isolated cpuset partition, or
//   - the process may run on some of the machine's CPUs only (a cpuset, as containers with whole CPUs
//     have), and one is left for the agent.
// libc only; reads /sys. Any thread.
#pragma once

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>

#include "controlplane/config/config.h"

#define DP_CPUS "/sys/devices/system/cpu"

#ifdef __cplusplus
extern "C" {
#endif

// True when every worker's core is. `may`: CPUs that the process may run on; `sys`: DP_CPUS. `why`
// says in a few words what decided.
bool dp_dedicated(const struct cfg_dataplane *d, const cpu_set_t *may, const char *sys, char *why,
	size_t size);

#ifdef __cplusplus
}
#endif
