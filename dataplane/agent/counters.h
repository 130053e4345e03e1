// SPDX-License-Identifier: BSD-3-Clause
// The counters that belong to the agent, behind those of the workers in region A's table. Written by
// the agent thread alone.
#pragma once

#include "dataplane/abi/counters.h"
#include "dataplane/abi/message.h"
#include "dataplane/nic/steer_rules.h"

enum agent_counter {
	AGENT_ATTACHES = 0,
	AGENT_ATTACH_REFUSED, // wrong user, version, or garbled hello
	AGENT_READERS,        // gauge
	AGENT_DETACHES,
	AGENT_BROKEN_RING,     // indices that cannot be
	AGENT_BROKEN_SEQUENCE, // a message that does not follow the one before
	AGENT_FLOOD,           // detached for sending refused commands without end
	AGENT_ATTACHED,        // gauge
	AGENT_COMMANDS,
	AGENT_REPLIES,
	AGENT_EVENTS,
	AGENT_EVENTS_LOST,
	AGENT_ALLOCATIONS,
	AGENT_ALLOCATIONS_AGAIN, // repeated by transaction
	AGENT_NO_PORTS,
	AGENT_NO_SLOTS,
	AGENT_NO_ADDRESS, // no local address of that family on that interface
	AGENT_NO_ROUTE,
	AGENT_BUSY,
	AGENT_NO_SESSION, // commands for sessions that do not exist
	AGENT_SWEPT,
	AGENT_TIMEOUTS,
	AGENT_WORKER_ERRORS, // a worker refused what the agent thought right
	AGENT_SESSIONS,      // gauge
	AGENT_PORTS_TOTAL,   // gauges
	AGENT_PORTS_USED,
	AGENT_PORTS_RESTING,
	AGENT_HOPS, // gauge
	AGENT_HOPS_EXHAUSTED,
	AGENT_HOP_CHANGES, // legs that were given another next hop
	AGENT_NETLINK_UPDATES,
	AGENT_NETLINK_RESYNCS,
	AGENT_NEIGHBOUR_USES,
	AGENT_XDP_FRAGMENTS,
	AGENT_XDP_MALFORMED,
	AGENT_XDP_NO_SOCKET,
	AGENT_XDP_CLOSED,
	AGENT_STEERING, // gauges: interfaces, one for each enum steer_method
	AGENT_STEERING_PROVED = AGENT_STEERING + STEER_METHODS, // gauge
	AGENT_PUNTS, // packets for the control plane
	AGENT_PUNTS_LOST,
	AGENT_INJECTS, // packets of the control plane
	AGENT_INJECTS_LOST,
	AGENT_INJECTS_REFUSED, // that it may not send
	AGENT_TRANSCODERS_FULL, // plans refused
	AGENT_DIGITS,           // told
	AGENT_PLAYS,
	AGENT_RECORDINGS,
	AGENT_RECORDINGS_FAILED,
	AGENT_REFUSED,                                          // one for each enum abi_field
	AGENT_COUNTERS = AGENT_REFUSED + ABI_FIELDS,
};

// Of each transcoder, behind those of the agent, with the label transcoder="N".
enum transcoder_counter {
	TRANSCODER_PACKETS_IN,
	TRANSCODER_PACKETS_OUT,
	TRANSCODER_RTCP_OUT,
	TRANSCODER_CONCEALED,
	TRANSCODER_LATE,
	TRANSCODER_REFUSED,
	TRANSCODER_WRONG_TYPE,
	TRANSCODER_TOO_FAST,
	TRANSCODER_UNKNOWN,
	TRANSCODER_OUT_FULL,
	TRANSCODER_DIGITS,
	TRANSCODER_EVENTS_LOST,
	TRANSCODER_TICKS,
	TRANSCODER_LATE_TICKS,
	TRANSCODER_BUSY,
	TRANSCODER_SESSIONS, // gauges
	TRANSCODER_LOAD,
	TRANSCODER_CHARGED,
	TRANSCODER_COUNTERS,
};

#ifdef __cplusplus
extern "C" {
#endif

// Writes TRANSCODER_COUNTERS descriptors of transcoder `index` to `out`.
void transcoder_counters_describe(struct abi_counter *out, unsigned index);

// Writes the AGENT_COUNTERS descriptors to `out`.
void agent_counters_describe(struct abi_counter *out);

#ifdef __cplusplus
}
#endif
