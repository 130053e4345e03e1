// SPDX-License-Identifier: BSD-3-Clause
// The DPDK port of a media interface. What the configuration calls `device` is
//   "eth0"        a Linux interface: AF_XDP on all its queues, with our own XDP program, so that the
//                 kernel keeps ARP, ICMP, SIP and everything else of the same address
//   "tap:NAME"    a TAP device that DPDK makes, with the kernel at its other end
//   anything else what DPDK's EAL takes: "net_pcap0,rx_pcap=...", "net_memif0,...", "0000:03:00.0"
//
// What can be known before DPDK is asked is checked here first, because DPDK answers most of it with
// -22: that the interface exists, capabilities, locked memory, queues that AF_XDP cannot open.
//
// Main thread, before workers start and after they have ended. Errors: 0 or -errno, with one line in
// `why` that says what to do.
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "controlplane/config/config.h"
#include "dataplane/nic/xdp/xdp.h"

#define PORT_WHY    512
#define PORT_QUEUES 64u

struct rte_mempool;

enum port_kind {
	PORT_LINUX, // AF_XDP beside the kernel
	PORT_TAP,   // the kernel is the only neighbour
	PORT_OTHER, // the kernel knows nothing of it
};

struct port {
	const struct cfg_media *media;
	enum port_kind kind;
	uint16_t id;     // DPDK's
	uint16_t queues; // pairs of a receive and a transmit queue
	uint16_t mtu;
	uint8_t mac[6];
	char name[64];            // DPDK's name of the device
	char interface[IFNAMSIZ]; // of the kernel; empty for PORT_OTHER
	int ifindex;              // 0 for PORT_OTHER
	bool open;
	bool stale_program; // a crash had left ours behind
	struct xdp xdp;
	int wait_fd[PORT_QUEUES]; // readable when the queue has a packet; -1: none
	int lock;                 // abstract socket: nobody else opens this interface
};

// How many packet buffers the port will want, before DPDK runs. Queues of a Linux interface are read
// from it; `workers` decides for other devices.
unsigned port_buffers(const struct cfg_media *media, unsigned workers);

// Opens, configures and starts. XDP passes everything to the kernel until port_admit.
int port_open(struct port *port, const struct cfg_media *media, unsigned workers,
	struct rte_mempool *pool, char why[PORT_WHY]);

// From now on packets for our addresses and ports come to us.
int port_admit(struct port *port, char why[PORT_WHY]);

// Stops, closes, takes the XDP program off. Safe on one that never opened.
void port_close(struct port *port);
