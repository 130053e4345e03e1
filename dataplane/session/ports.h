// SPDX-License-Identifier: BSD-3-Clause
// Which local ports are free, used, or resting after use. Owner: the agent; no locks.
//
// A port steers to one worker (dp_steering), and all legs of a session get ports of the same one.
// Pairs are an even port and the next; a muxed leg takes one port, first from pairs that are
// already split. Freed ports rest before they are given out again, oldest first, so that late
// packets of an old call reach nobody. Everything takes constant time, however many ports there
// are.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/layout.h"
#include "dataplane/abi/message.h"

// Which worker receives the packets of a local port, whatever the address. The same for both ports
// of a pair.
struct dp_steering {
	uint32_t workers;
	uint8_t worker[65536];
};

struct dp_ports;

struct dp_port_want {
	uint8_t interface_index; // 255: any
	uint8_t family;          // 4 or 6
	uint8_t kind;            // ABI_LEG_PAIR or ABI_LEG_MUX
	uint8_t reserved;
	uint16_t rtp_port; // not 0: exactly this port of `ip`
	uint8_t ip[16];
};

struct dp_ports_info {
	uint32_t total; // ports configured
	uint32_t used;
	uint32_t resting;
};

#ifdef __cplusplus
extern "C" {
#endif

// Spreads pairs over workers in runs of one pair, again and again after so many pairs: what devices
// can be told by masks and by hash tables.
#define DP_STEERING_CLASSES 128u
void dp_steering_spread(struct dp_steering *s, uint32_t workers);

// `endpoints` and `steering` must outlive it. `rest_us`: quarantine. 0, -ENOMEM or -EINVAL as
// dp_table_create, also when steering parts a pair.
int dp_ports_create(struct dp_ports **ports, const struct abi_endpoint *endpoints, unsigned count,
	const struct dp_steering *steering, uint64_t rest_us);
// For ports that are freed from now on.
void dp_ports_set_rest(struct dp_ports *p, uint64_t rest_us);
void dp_ports_free(struct dp_ports *ports);

// Gives ports for 1 or 2 legs, all of one worker: `worker` when that is not -1, else the one with
// the fewest sessions that has enough. Fills got[] and returns the worker, or: -ENOSPC no port is
// free (or the one asked for is not, or lies with another worker), -EAFNOSUPPORT no such address,
// -EINVAL the wish makes no sense (a pair on an odd port, legs not 1 or 2). Nothing is taken on
// error.
int dp_ports_take(struct dp_ports *ports, const struct dp_port_want *want, unsigned legs,
	int worker, uint64_t now_us, struct abi_leg_ports *got);

// The legs' ports go to rest.
void dp_ports_give(
	struct dp_ports *ports, const struct abi_leg_ports *legs, unsigned count, uint64_t now_us);

// Takes what has rested long enough back among the free ones. `take` does so too when it must.
void dp_ports_tick(struct dp_ports *ports, uint64_t now_us);

// Sessions that hold ports of a worker.
uint32_t dp_ports_sessions(const struct dp_ports *ports, unsigned worker);
void dp_ports_info(const struct dp_ports *ports, struct dp_ports_info *info);

#ifdef __cplusplus
}
#endif
