// SPDX-License-Identifier: BSD-3-Clause
// A Linux interface, before DPDK is asked to open it: what the kernel says of it, and everything that
// can be known to fail. DPDK answers most failures with -22; here each has a line of its own.
//
// Main thread. Errors: 0 or -errno, with one line in `why` that says what to do.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INTERFACE_WHY 512

// How AF_XDP can open an interface's receive queues.
struct interface_queues {
	unsigned count;
	bool combined; // net_af_xdp takes all in one port; else (veth) each needs a port of its own
};

struct interface_queues interface_queues(const char *interface);

// 0 when it cannot be asked.
uint16_t interface_mtu(const char *interface);

// Exists, capabilities, locked memory for `bytes` of packet buffers, number of queues. `media` is the
// name in the configuration. *ifindex is filled.
int interface_check(const char *media, const char *interface, size_t bytes, int *ifindex,
	char why[INTERFACE_WHY]);

// Takes the interface for this process alone. The descriptor that holds the lock, or -EBUSY.
int interface_lock(const char *media, const char *interface, char why[INTERFACE_WHY]);

// What to do about an error that the kernel or DPDK has put in words; "" when nothing is known.
const char *interface_hint(const char *said);
