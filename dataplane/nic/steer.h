// SPDX-License-Identifier: BSD-3-Clause
// How packets reach the worker that owns their session.
//
//   one worker    polls every queue of every port; there is nothing to steer
//   hand-off      each worker polls its share of the queues, whatever the device puts there, and
//                 passes what is not its own to the owner over a ring: works on every device
//
// A worker must be able to send on every port, on a transmit queue of its own. A port with fewer
// queues than workers therefore limits the number of workers (a TAP of one queue).
//
// Main thread, before workers are made.
#pragma once

#include "dataplane/nic/port.h"
#include "dataplane/session/ports.h"
#include "dataplane/worker/worker.h"

#define STEER_SAYS 256

struct steer {
	unsigned workers; // that will run, 1..wanted
	const char *method;
	char says[STEER_SAYS]; // one line for the log
	struct dp_steering map;
};

void steer_choose(
	struct steer *steer, const struct port *ports, unsigned port_count, unsigned wanted);

// Fills what a worker's configuration says about queues and ports. 0 or -E2BIG: more queues than a
// worker can poll.
int steer_worker(const struct port *ports, unsigned port_count, unsigned workers, unsigned index,
	struct dp_worker_config *config);
