// SPDX-License-Identifier: BSD-3-Clause
// Steering by the device itself: what it is told so that a packet comes to the queue of the worker that
// owns its port. No DPDK and no I/O here: the device is reached by a table of functions, steer_device.c
// has the real one.
//
// A port's class is (port / 2) % STEER_CLASSES, its worker class % workers (dp_steering_spread), and
// worker n polls queue n.
//
//   flow rules   one for each class and family, or for each worker when their number is a power of
//                two: destination port under a mask, to a queue. Exact.
//   hash         Toeplitz (RSS) over addresses and ports with a key of zeros but for a single bit. Such
//                a hash is made of destination port bits alone: its low seven bits are bits 7 to 1 of
//                the port, in that order reversed, and the table of 128 entries maps them to queues.
//                IPv6 has its port elsewhere in the hash's input and so wants another bit of the same
//                key. IPv4 does not see that one. IPv6 sees that of IPv4, by seven bits of the source
//                address (RFC 4291 interface identifiers have constants there, random ones do not).
//
// What a device puts elsewhere is handed over between workers, always: steering is speed, not
// correctness. So a wrong proof loses no packet.
//
// Proof: datagrams are sent to ports of several classes, and it is seen where they come out. A device
// that gives nothing back (most cards do not) is proved later, by traffic (agent/steering.h).
//
// Main thread, before workers run.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/session/ports.h"

#define STEER_CLASSES DP_STEERING_CLASSES
#define STEER_KEY     40u // octets of a Toeplitz key for IPv6
#define STEER_SAYS    256

enum steer_method {
	STEER_ONE = 0, // one worker polls everything
	STEER_FLOW,    // rte_flow rules
	STEER_RSS,     // RSS on the destination port
	STEER_QUEUES, // AF_XDP: the kernel chooses the queue; what is not the worker's is handed over
	STEER_HANDOFF, // nothing is known of the device's queues; handed over
	STEER_METHODS,
};

enum steer_proof {
	STEER_UNPROVED = 0,
	STEER_PROVED,
	STEER_REFUTED,
};

struct steer_ops {
	// UDP of the family whose destination port is `spec` in the bits of `mask` goes to the queue.
	// 0 or -errno.
	int (*rule)(void *device, uint8_t family, uint16_t spec, uint16_t mask, uint16_t queue);
	// All rules are taken off.
	void (*no_rules)(void *device);
	// The hash's key, and the queue for each value of its low seven bits. 0 or -errno.
	int (*hash)(
		void *device, const uint8_t key[STEER_KEY], const uint16_t queue[STEER_CLASSES]);
	// The device's own hash again.
	void (*no_hash)(void *device);
	// Sends a datagram to one of our ports and waits. The queue that it came out of, or -ENODATA.
	int (*probe)(void *device, uint8_t family, uint16_t port);
};

struct steer_target {
	const struct steer_ops *ops;
	void *device;
	bool four, six; // families of our addresses there
	uint16_t first_port;
	unsigned queues;
};

struct steer_result {
	enum steer_method method; // FLOW, RSS or HANDOFF
	enum steer_proof proof;
	char says[STEER_SAYS]; // why the better ones were not taken; may be empty
};

#ifdef __cplusplus
extern "C" {
#endif

const char *steer_method_name(enum steer_method method);

// Tries flow rules, then the hash; what the device refuses, or what probes refute, is taken off again.
void steer_device(const struct steer_target *target, const struct dp_steering *map,
	struct steer_result *result);

// The key for those families, and which class the low seven bits of a hash stand for.
void steer_key(bool four, bool six, uint8_t key[STEER_KEY]);
unsigned steer_hash_class(unsigned hash);

#ifdef __cplusplus
}
#endif
