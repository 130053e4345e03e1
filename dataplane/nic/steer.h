// SPDX-License-Identifier: BSD-3-Clause
// How packets reach the worker that owns their session.
//
//   one worker    polls every queue of every port; there is nothing to steer
//   flow rules    DPDK devices: the port's bits choose the queue (steer_rules.h)
//   RSS           DPDK devices without such rules: the hash is made of the port's bits
//   AF_XDP queues Linux interfaces: each worker has a queue of the kernel's choice; what is not its own
//                 it hands over
//   hand-off      each worker polls its share of the queues, whatever the device puts there, and
//                 passes what is not its own to the owner over a ring: works on every device
//
// The best that a device takes is chosen for each by itself, proved with probe packets where that is
// possible, and shown by `hawsectl show workers` and the log.
//
// A worker must be able to send on every port, on a transmit queue of its own. A port with fewer
// queues than workers therefore limits the number of workers (a TAP of one queue).
//
// Main thread, before workers are made.
#pragma once

#include "dataplane/nic/port.h"
#include "dataplane/nic/steer_rules.h"
#include "dataplane/session/ports.h"
#include "dataplane/worker/worker.h"

struct steer {
	unsigned workers;      // that will run, 1..wanted
	char says[STEER_SAYS]; // why there are fewer than wanted; else empty
	struct dp_steering map;
};

void steer_choose(
	struct steer *steer, const struct port *ports, unsigned port_count, unsigned wanted);

// Before workers run, after port_admit: steers the packets of one device and proves it. `says` is the
// whole line for the log.
void steer_settle(const struct steer *steer, struct port *port, struct rte_mempool *pool,
	struct steer_result *result);

// Fills what a worker's configuration says about queues and ports. 0 or -E2BIG: more queues than a
// worker can poll.
int steer_worker(const struct port *ports, unsigned port_count, unsigned workers, unsigned index,
	struct dp_worker_config *config);
