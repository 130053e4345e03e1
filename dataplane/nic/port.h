// SPDX-License-Identifier: BSD-3-Clause
// The DPDK ports of a media interface. What the configuration calls `device` is
//   "eth0"        a Linux interface: AF_XDP on all its queues, with our own XDP program, so that the
//                 kernel keeps ARP, ICMP, SIP and everything else of the same address
//   "tap:NAME"    a TAP device that DPDK makes, with the kernel at its other end
//   anything else what DPDK's EAL takes: "net_pcap0,rx_pcap=...", "net_memif0,...", "0000:03:00.0"
//
// DPDK owns a network card of the third sort, and the kernel would see nothing of it. So it gets a TAP
// of its own, named "hw-" and the media interface's name, with the card's MAC: workers pass on to it
// what is not media, and back. The operator gives that TAP the addresses, as he would the card.
// Captures, rings and the null device have no kernel side.
//
// One interface is one DPDK port, but for a Linux interface whose queues are not "combined" ones (a
// veth with several): net_af_xdp opens one queue of such an interface a port, so it is several ports.
// Packets leave by the first.
//
// What can be known before DPDK is asked is checked first (interface.h).
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
#define PORT_SPLIT  16u // DPDK ports of one interface; RTE_MAX_ETHPORTS is 32

struct rte_mempool;

enum nic_kind {
	NIC_LINUX, // AF_XDP beside the kernel
	NIC_TAP,   // the kernel is the only neighbour
	NIC_OWNED, // DPDK's; a TAP carries the kernel's share
	NIC_OTHER, // the kernel knows nothing of it
};

struct port_queue {     // a pair of a receive and a transmit queue
	uint16_t id;    // DPDK's port
	uint16_t queue; // of that port
	int wait_fd;    // readable when a packet waits; -1: none
};

struct port {
	const struct cfg_media *media;
	enum nic_kind kind;
	uint16_t id; // DPDK's port to send by: the first
	uint16_t ids[PORT_SPLIT];
	unsigned id_count; // probed
	struct port_queue queue[PORT_QUEUES];
	unsigned queues;
	uint16_t mtu;
	uint8_t mac[6];
	struct port_queue kernel[PORT_QUEUES]; // NIC_OWNED: of the TAP, one for each worker
	unsigned kernel_queues;
	char interface[IFNAMSIZ]; // of the kernel; empty for NIC_OTHER
	int ifindex;              // 0 for NIC_OTHER
	bool stale_program;       // a crash had left ours behind
	struct xdp xdp;
	int lock; // held while open: nobody else opens this interface
};

// How many packet buffers the port will want, before DPDK runs. Queues of a Linux interface are read
// from it; `workers` decides for other devices.
unsigned port_buffers(const struct cfg_media *media, unsigned workers);

// Opens, configures and starts. XDP passes everything to the kernel until port_admit.
int port_open(struct port *port, const struct cfg_media *media, unsigned workers,
	struct rte_mempool *pool, char why[PORT_WHY]);

// From now on packets for our addresses and ports come to us.
int port_admit(struct port *port, char why[PORT_WHY]);

// The bits of the media interface's address number `address` that say which ports are open, where a
// program in front of us reads them (xdp/xdp.h); NULL: there is none.
uint64_t *port_open_bits(const struct port *port, unsigned address);

// Stops, closes, takes the XDP program off. Safe on one that never opened.
void port_close(struct port *port);
