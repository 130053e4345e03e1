// SPDX-License-Identifier: BSD-3-Clause
// The XDP program of a Linux interface, from our side: hand it to DPDK, find it again, tell it our
// addresses, take it off.
//
// DPDK's net_af_xdp loads and attaches the program itself (`xdp_prog=`) and keeps libbpf's objects to
// itself. It does so in this process, though, so the descriptors of program and maps are ours:
// xdp_adopt finds them among /proc/self/fd by the id of the attached program. That needs no
// CAP_SYS_ADMIN, which asking the kernel for a map by id would.
//
// Until xdp_allow has been called the program passes everything to the kernel.
//
// All functions are called by the main thread. Errors: 0 or -errno, with one line in `why` that says
// what to do.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "dataplane/nic/xdp/media.h"

#define XDP_WHY 256

struct xdp {
	int ifindex; // 0: none adopted
	int program; // descriptors, owned by DPDK's driver: not closed here
	int sockets;
	int addresses;
	int counts;
	int open;
	uint64_t *bits; // media_open, mapped
	uint32_t program_id;
};

// A path under which DPDK can open our object for as long as *fd stays open.
int xdp_object_open(int *fd, char path[64]);

// Makes sure that the interface has no program: takes off one of ours that a crash left behind
// (*stale = 1), refuses another's (-EBUSY).
int xdp_clear(const char *interface, int ifindex, int *stale, char why[XDP_WHY]);

// Finds the program that the driver has attached to `ifindex`, and its maps.
int xdp_adopt(struct xdp *xdp, const char *interface, int ifindex, char why[XDP_WHY]);

// Maps the bits of `open`, for xdp_open. xdp_adopt does so.
int xdp_map_open(struct xdp *xdp);

// Redirects what comes on a queue to this AF_XDP socket: for queues whose port the driver gave another
// program.
int xdp_socket(const struct xdp *xdp, unsigned queue, int socket);

// Takes off whatever program the interface has. For programs that the driver has attached.
int xdp_take_off(int ifindex);

// UDP for this address and these ports is ours from now on, or no longer: redirected when the port's
// bit in xdp_open(index) is set, else dropped. `index` is the caller's, one for each address, below
// XDP_MEDIA_MAX_ADDRESSES.
int xdp_allow(const struct xdp *xdp, uint8_t family, const uint8_t *ip, uint16_t first_port,
	uint16_t last_port, uint32_t index);
int xdp_forbid(const struct xdp *xdp, uint8_t family, const uint8_t *ip);

// The bits of an address, one for each of 65,536 ports, all clear at first; any thread may set and
// clear them. NULL: none adopted, or an index too large. Valid until xdp_detach.
uint64_t *xdp_open(const struct xdp *xdp, uint32_t index);

// A frame is received on the first queue, as far as the program can tell: it does with it what it does
// with all. 0 or -errno; kernels before 5.18 cannot. The frame must be for our address and an open port.
int xdp_inject(const struct xdp *xdp, const void *frame, size_t size);

// Sums a counter of the program over all CPUs. 0 when it cannot be read.
uint64_t xdp_count(const struct xdp *xdp, enum xdp_media_count which);

// Takes our program off the interface if it is still on it, and unmaps the bits.
void xdp_detach(struct xdp *xdp);
