// SPDX-License-Identifier: BSD-3-Clause
// Every check on what the control plane says, and nothing else.
//
// The control plane faces the internet and may be taken over; region B is its to scribble on. A
// command is copied out of region B once (abi_consume), and boundary_check looks at that copy. Who
// acts on a message after boundary_check has answered 0 need not ask again whether an index is in
// range, an enum has a name, an address may be sent to or a reserved byte is zero.
//
// Pure: reads only its arguments and the session directory, which hawse-media alone writes. Called
// by the agent thread.
#pragma once

#include <stdint.h>

#include "dataplane/abi/layout.h"
#include "dataplane/abi/message.h"

#define BOUNDARY_MAX_PACKETS 1000000u    // abi_leg_plan.max_packets
#define BOUNDARY_MAX_OCTETS  1250000000u // abi_leg_plan.max_octets: 10 Gbit/s
#define BOUNDARY_MIN_TIMEOUT 100u        // abi_session_plan.timeout_ms, when not 0
#define BOUNDARY_MAX_TIMEOUT 86400000u   // a day
#define BOUNDARY_MIN_CLOCK   1000u       // abi_session_plan.clock_rate
#define BOUNDARY_MAX_CLOCK   384000u
#define BOUNDARY_ANY         255u  // abi_leg_want.interface_index: any interface
#define BOUNDARY_MAX_INJECT  1452u // bytes of an injected packet: fits an IPv6 packet of 1,500

struct boundary {
	const struct abi_session_entry *directory;
	uint32_t sessions; // entries of the directory
	const struct abi_endpoint *endpoints;
	uint32_t endpoint_count;
	uint32_t interfaces; // media interfaces of the configuration
};

struct boundary_refusal {
	enum abi_field field;
	uint32_t leg;
};

#ifdef __cplusplus
extern "C" {
#endif

// 0, or the reply's result: -EINVAL with the field that is wrong, -ENOENT when the session does not
// exist (any more).
int boundary_check(const struct boundary *boundary, const struct abi_msg *copy,
	struct boundary_refusal *refusal);

// 1 when a packet that the control plane wants to send from a media port (a copy of its slot of
// INJECT) is DTLS or STUN, of a leg that forwards, to an address that we may send to; else 0.
int boundary_inject(const struct boundary *boundary, const struct abi_punt *copy);

// A unicast address of another host: not unspecified, loopback, multicast, broadcast, mapped, and
// with zeros behind an IPv4 address. 1 or 0.
int boundary_unicast(uint8_t family, const uint8_t ip[16]);

#ifdef __cplusplus
}
#endif
