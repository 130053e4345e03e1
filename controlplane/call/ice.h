// SPDX-License-Identifier: BSD-3-Clause
// A full ICE agent, controlling, for a party that is lite (RFC 8445 6.1.1): it answers checks and sends none, so we check
// the address that its SDP says, nominate at once, and go on checking for consent (RFC 7675). With every other party
// we are lite ourselves, and the worker does all there is to do.
//
// Checks go out by region INJECT, their answers come by PUNT. When the first one is accepted hawse-media is told the pair,
// media begin, and DTLS if we are its active side.
//
// Not in the journal: after a restart of hawse-sip the pair stays in use, and the next offer or answer checks it again.
//
// Private to controlplane/call. Thread: the shard's.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/layout.h"

struct abi_punt;
struct cp_session;
struct sdp_plan_leg;

#ifdef __cplusplus
extern "C" {
#endif

// Checks this party from now on, or goes on doing so when nothing has changed. 0 or -ENOMEM.
int cp_ice_check(struct cp_session *s, unsigned leg, const struct sdp_plan_leg *in, uint64_t tie_breaker);
void cp_ice_stop(struct cp_session *s, unsigned leg);
// STUN that came to the leg. True: it was an answer to our check.
bool cp_ice_punt(struct cp_session *s, const struct abi_punt *packet);

#ifdef __cplusplus
}
#endif
