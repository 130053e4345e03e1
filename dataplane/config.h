// SPDX-License-Identifier: BSD-3-Clause
// What hawse-media takes from the configuration file, beyond what the loader checks.
//
// Main thread. Errors: 0 or -errno, with one line in `why` that says what to do.
#pragma once

#include <stddef.h>

#include "controlplane/config/config.h"
#include "dataplane/abi/layout.h"

#define DP_CONFIG_WHY 512

// All local media addresses, in the order of the file. *out is to be freed.
int dp_config_endpoints(
	const struct cfg *cfg, struct abi_endpoint **out, unsigned *count, char why[DP_CONFIG_WHY]);

// Bytes of DPDK memory that the packet buffers of all interfaces and workers take; *buffers of them.
size_t dp_config_memory(const struct cfg *cfg, unsigned *buffers);

// What --check can say without touching a device.
int dp_config_check(const struct cfg *cfg, char why[DP_CONFIG_WHY]);
