// SPDX-License-Identifier: BSD-3-Clause
// How many packets the captures of a net_pcap device hold. With infinite_rx=1 DPDK keeps every packet
// of a capture in a buffer of its own for as long as the device is open, and refuses to start with
// fewer; a relay that is measured on a capture of a million packets needs a million buffers more.
//
// Main thread, before DPDK runs.
#pragma once

#include <stddef.h>

// Packets of all rx_pcap= files of the devargs, when they are played for ever; else 0. A file that
// cannot be read counts as empty: DPDK will say so. At most CAPTURE_MAX.
unsigned capture_packets(const char *device);

#define CAPTURE_MAX 16000000u
