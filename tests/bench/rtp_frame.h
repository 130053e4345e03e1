// SPDX-License-Identifier: BSD-3-Clause
// The RTP packet that every bench sends: G.711, 20 ms, 214 bytes of Ethernet frame. Its payload
// carries what the sink needs to recognise it: which flow, which run, when it was sent.
//
// A flow is one direction of a call. Files of flows are text, one flow a line, made by
// session_loader or by the benches in Python:
//   SOURCE_IP PORT  RELAY_IP PORT  RECEIVER_IP PORT
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_SIZE    214u
#define FRAME_IP      14u
#define FRAME_UDP     34u
#define FRAME_RTP     42u
#define FRAME_PAYLOAD 54u
#define FRAME_MAGIC   0x42777748u

struct flow {
	uint32_t source_ip; // network order
	uint32_t relay_ip;
	uint32_t receiver_ip;
	uint16_t source_port; // host order
	uint16_t relay_port;
	uint16_t receiver_port;
};

struct frame_mark { // at FRAME_PAYLOAD, host order: sender and sink are one machine
	uint32_t magic;
	uint32_t flow;
	uint32_t serial; // of the flow, from 0
	uint32_t phase;  // 0 warm-up, 1 measured
	uint64_t sent_ns;
};

// Reads a file of flows; *count of them, malloc'ed. NULL and a line on stderr when it is wrong.
struct flow *flows_read(const char *file, size_t *count);

// Fills FRAME_SIZE bytes. The IPv4 checksum is right, the UDP checksum is 0: none.
void frame_build(uint8_t *frame, const struct flow *flow, uint32_t number,
	const uint8_t source_mac[6], const uint8_t relay_mac[6]);

// Gives the frame as it is now a UDP checksum.
void frame_checksum(uint8_t *frame);

// The next packet of the flow: sequence number and timestamp as `serial` says.
void frame_serial(uint8_t *frame, uint32_t serial);

// "02:00:00:00:00:01". False when it is not one.
bool mac_parse(uint8_t mac[6], const char *text);
