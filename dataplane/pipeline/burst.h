// SPDX-License-Identifier: BSD-3-Clause
// Up to 64 packets on their way through the stages, and what each stage found out for the next.
//
// Owner: the worker. Arrays are parallel; a stage that lets a packet go moves the later ones up, so
// that index 0..count-1 is always what the next stage shall look at.
#pragma once

#include <stdint.h>

#include <rte_mbuf.h>

#include "dataplane/session/leg.h"

#define DP_BURST 64u

struct dp_packet {           // 32 bytes: what lookup found
	uint8_t *frame;      // the mbuf's data as received
	struct dp_leg *leg;  // that it came to
	uint16_t ip;         // offset of the IP header from the frame's start
	uint16_t payload;    // offset of the UDP payload
	uint16_t length;     // bytes of the UDP payload
	uint16_t local_port; // host order
	uint8_t family;      // 4 or 6
	uint8_t component;   // 0 RTP, 1 RTCP
	uint8_t whole;       // 1: its UDP checksum cannot be trusted; compute a whole one
	uint8_t headers;     // admit: which of rtcp_headers it leaves with, when it is RTCP
	uint8_t settled;     // admit: 1: from the confirmed source, so onward.carry_sum holds
	uint8_t mapped;      // protect: 1: its payload type has the other side's number already
	uint8_t secured;      // unprotect: 1: its leg took SRTP already when the stage saw it
	uint8_t reserved[1];
};

struct dp_burst {
	uint32_t count;
	uint32_t source; // index of the worker's source
	uint32_t punts;
	uint32_t ports;  // relay: bit n: some packet leaves by DPDK port n (RTE_MAX_ETHPORTS is 32)
	uint32_t rtcp;   // relay: packets of it
	uint64_t octets; // relay: of the frames that go out
	uint64_t now;    // 2^-20 s of CLOCK_MONOTONIC
	struct rte_mbuf *mbuf[DP_BURST];
	struct dp_packet packet[DP_BURST];
	uint8_t port[DP_BURST];                    // relay: DPDK port to leave by
	struct rte_mbuf *punt[DP_BURST];           // for the kernel
	struct dp_template rtcp_headers[DP_BURST]; // admit: made as RTCP comes
};
