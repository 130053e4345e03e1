// SPDX-License-Identifier: BSD-3-Clause
// The slots of sessions: which are free, used or resting, what the agent remembers of each beside the
// directory entry in region A, and finding one by the transaction of its PORT_ALLOC.
//
// A deleted session's slot rests as long as its ports, so that a repeated DELETE finds its numbers;
// when slots run out, the one that has rested longest is taken early.
//
// Agent thread. Constant time, but for slots_tick.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/layout.h"
#include "dataplane/agent/region.h"

struct dp_secure;
struct session_media;

struct session {                     // the agent's own part
	struct dp_secure *secure;    // NULL: never had a key or ICE
	struct session_media *media; // NULL: never had a codec, nor is it recorded
	uint64_t plan_transaction;   // of the last ADD or UPDATE
	uint64_t wish;               // digest of the PORT_ALLOC
	uint64_t rest_until_us;      // in quarantine
	uint64_t timeout_us[2];      // when the leg was last reported silent, 0: never
	uint8_t remote_ip[2][2][16]; // by leg and component: where it sends
	uint16_t adjacency[2][2];    // by leg and component: what is or will be at the worker
	uint32_t next;               // of the same hash, or behind in the free or resting list
	uint8_t remote;              // bit leg * 2 + component: has a remote address
	uint8_t learned;             // the same bits: it was learned from media
	bool known;                  // a worker has or will have it
	bool deleting;               // DELETE is at the worker
};

struct slots {
	struct region *region;
	struct session *session;
	uint32_t count;
	uint32_t *hash; // by transaction of used sessions
	uint32_t hash_mask;
	uint32_t fresh; // slots from here on were never used
	uint32_t free;
	uint32_t rest_first, rest_last;
	uint32_t used; // allocated or active
	uint64_t rest_us;
};

#ifdef __cplusplus
extern "C" {
#endif

// 0 or -ENOMEM.
int slots_create(struct slots *slots, struct region *region, uint32_t count, uint64_t rest_us);
void slots_destroy(struct slots *slots);

// The session that this PORT_ALLOC made, or ABI_NO_SLOT.
uint32_t slots_find(const struct slots *slots, uint64_t transaction);

// A slot for a new session, its directory entry ALLOCATED with these values and a new generation;
// ABI_NO_SLOT when none is left.
struct slots_new {
	uint64_t transaction, call, wish;
	uint32_t owner;
	uint8_t worker, legs;
	struct abi_leg_ports ports[2];
};
uint32_t slots_take(struct slots *slots, const struct slots_new *values, uint64_t now_us);

// Changes of a directory entry that readers see whole.
void slots_state(struct slots *slots, uint32_t slot, enum abi_session_state state);
void slots_own(struct slots *slots, uint32_t slot, uint32_t owner);

// The session is over; its slot rests.
void slots_rest(struct slots *slots, uint32_t slot, uint64_t now_us);
void slots_tick(struct slots *slots, uint64_t now_us);

#ifdef __cplusplus
}
#endif
