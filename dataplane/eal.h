// SPDX-License-Identifier: BSD-3-Clause
// DPDK's environment: in memory (no files, no secondaries), on hugepages when enough are free, else on
// ordinary pages; the agent is the main lcore, each worker an lcore of its own.
//
// Called by main before any thread exists. Errors: 0 or -errno, with one line in `why`.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "controlplane/config/config.h"

#define DP_WHY 512

// From now on hugepages are left to others.
void dp_eal_ordinary_pages(void);

// `needed`: bytes that buffers and tables will take. *hugepages says what was chosen.
int dp_eal_start(const struct cfg *cfg, const char *program, size_t needed, bool *hugepages,
	char why[DP_WHY]);
void dp_eal_stop(void);

// The lcore of a worker.
unsigned dp_eal_lcore(unsigned worker);
