// SPDX-License-Identifier: BSD-3-Clause
// Steering on real devices: rte_flow, RSS and probe packets for a DPDK port, and probes through the XDP
// program for a Linux interface.
//
// Main thread, before workers run: it polls their queues.
#pragma once

#include "dataplane/nic/port.h"
#include "dataplane/nic/steer_rules.h"

// Steers the packets of a device that DPDK drives by itself.
void steer_port(struct port *port, struct rte_mempool *pool, const struct dp_steering *map,
	struct steer_result *result);

// Proves that what the XDP program takes comes to us: a probe packet is put into the interface's first
// queue as if it had been received (the kernel puts none into others). `open`: bits of the interface's
// first address (port_open_bits). 0, -ENODATA: it did not arrive, or -ENOTSUP: this kernel takes no
// probe packets.
int steer_prove_socket(const struct port *port, uint64_t *open);
