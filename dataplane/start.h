// SPDX-License-Identifier: BSD-3-Clause
// Everything of hawse-media put together from a configuration, and taken apart again.
//
// Main thread. Errors: 0 or -errno, with one line in `why` that says what to do.
#pragma once

#include "controlplane/config/config.h"

#define START_WHY 640

struct dataplane;

// Opens the socket, DPDK, the ports; makes tables and workers; lets packets in and launches the
// workers; gives up root when the configuration names a user.
int dataplane_start(
	struct dataplane **out, const struct cfg *cfg, const char *program, char why[START_WHY]);

// One line about what runs, for the log.
const char *dataplane_summary(const struct dataplane *d);

// Runs the agent until SIGTERM or SIGINT. The signal, or -errno.
int dataplane_run(struct dataplane *d);

// Stops the workers, takes XDP programs off, closes everything. Safe on what has started in part.
void dataplane_stop(struct dataplane *d);
