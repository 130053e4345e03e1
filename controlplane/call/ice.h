// SPDX-License-Identifier: BSD-3-Clause
// A full ICE agent, controlling, for a party that is lite (RFC 8445 6.1.1): it answers checks and sends none. We check all
// candidates that it has for us, of RTP and, where it is apart, of RTCP, nominate the best that answers, and go on asking
// for consent (RFC 7675). With every other party we are lite ourselves, and the worker does all there is to do.
//
// We have one address, so that pairs differ in the party's candidate alone: their order is that of its priorities. A
// check is sent every Ta; who answers first is nominated when no better one can come any more, or half a second later.
// With only one candidate there is nothing to choose, and the first check nominates it.
//
// Checks go out by region INJECT, their answers come by PUNT. When one is nominated hawse-media is told the pair, media
// begin, and DTLS if we are its active side. Consent that is lost stops sending; then all candidates are checked anew.
//
// Not in the journal: after a restart of hawse-sip the pair stays in use while cp_ice_restore() has it checked again.
//
// Private to controlplane/call. Thread: the shard's.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/layout.h"

struct abi_punt;
struct cp_call;
struct cp_session;
struct sdp_frag;
struct sdp_plan_leg;

#ifdef __cplusplus
extern "C" {
#endif

// Checks this party from now on, or goes on doing so when nothing has changed. 0 or -ENOMEM.
int cp_ice_check(struct cp_session *s, unsigned leg, const struct sdp_plan_leg *in, uint64_t tie_breaker);
void cp_ice_stop(struct cp_session *s, unsigned leg);
// STUN that came to the leg. True: it was an answer to our check.
bool cp_ice_punt(struct cp_session *s, const struct abi_punt *packet);
// Candidates that came later (RFC 8838): those of this m-line and generation are checked too. How many were new.
unsigned cp_ice_add(struct cp_session *s, unsigned leg, const struct sdp_frag *frag);
// A call of the journal: its agents, by what was agreed. 0 or -ENOMEM.
int cp_ice_restore(struct cp_call *call);

#ifdef __cplusplus
}
#endif
