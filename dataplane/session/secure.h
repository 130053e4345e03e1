// SPDX-License-Identifier: BSD-3-Clause
// What a leg has when its media is secured: SRTP contexts, ICE, and what was refused. In lines of its
// own, which a plain leg never has.
//
// The agent allocates one for both legs of a session when the first key or ICE command comes, and frees
// it when the worker has let the session go. In between everything here is the worker's, but contexts
// come and go by mail. Keys are wiped when they are freed, and earlier when they have expired.
#pragma once

#include <stdint.h>

#include "dataplane/media/latch.h"
#include "dataplane/media/srtp.h"
#include "dataplane/media/stun.h"

#define DP_PREVIOUS_TICKS (5u << 20)  // 2^-20 s: so long a key is good after the next has come
#define DP_CONSENT_TICKS  (30u << 20) // RFC 7675 section 5.1
#define DP_ASKS_TICKS     (8u << 20)  // behind the nomination: by then the checks that lead to it are over
#define DP_ICE_CHECKED    4u          // sources that have passed a check, remembered

enum dp_refusal { // counters of a leg; as struct abi_event_srtp has them
	DP_REFUSED_AUTH = 0,
	DP_REFUSED_REPLAY,
	DP_REFUSED_NO_KEY,
	DP_REFUSED_PLAIN,
	DP_REFUSED_MALFORMED,
	DP_REFUSALS,
};

struct dp_refused { // since it was last told
	uint64_t first_us;
	uint32_t count[DP_REFUSALS];
	uint32_t ssrc;
};

enum dp_ice_untold {
	DP_UNTOLD_NOTHING = 0,
	DP_UNTOLD_NOMINATED,
	DP_UNTOLD_LOST,
};

struct dp_ice_component {
	struct latch_addr checked[DP_ICE_CHECKED];
	uint64_t last; // ticks of the last valid request; 0: none came
	// Consent. Who controls asks for it every few seconds (RFC 7675), and that is ours too; who never did so, because
	// he knows nothing of it, is there as long as his media or RTCP come.
	uint64_t since; // ticks: nominated then
	uint64_t alive; // ticks: the last that says so
	uint32_t seen;  // of the media and RTCP that count
	uint32_t priority;
	uint8_t next;      // of `checked` to be overwritten
	uint8_t nominated; // 1: the latch is what ICE said
	uint8_t asks;      // 1: a valid request came long after the nomination
	uint8_t lost;      // 1: there is no consent, nothing is sent
	uint8_t untold;    // enum dp_ice_untold: what the agent was not told yet
};

struct dp_secure_leg {
	struct srtp_context *key[2];  // by enum abi_direction
	struct srtp_context *rtcp[2]; // of RTCP, when it has keys of its own; else NULL
	uint64_t previous_until;     // ticks
	struct dp_refused refused[2];
	uint32_t refused_total;
	uint8_t dtls_told;
	struct stun_ice ice;
	struct dp_ice_component component[2];
	// Packets that wait for the agent cost it time: a leg may have so many a second.
	uint64_t punt_second;
	uint32_t punts;
	uint32_t strange; // of these, DTLS from other addresses than the signalled one
	uint32_t errors; // STUN errors answered in that second
};

// What a packet of that leg and direction is protected with.
static inline struct srtp_context *dp_key_of(
	const struct dp_secure_leg *s, enum abi_direction direction, bool rtcp)
{
	return rtcp && s->rtcp[direction] ? s->rtcp[direction] : s->key[direction];
}

struct dp_secure {
	struct dp_secure_leg leg[2];
	// The agent's: which keys the worker has, so that the same one again changes nothing.
	uint8_t digest[2][2][2][16]; // leg, component, direction
	uint8_t known[2][2][2];
} __attribute__((aligned(64)));
