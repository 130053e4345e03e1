// SPDX-License-Identifier: BSD-3-Clause
// How a call comes about: the targets of its route, from INVITE to ACK. Part of call.h, which includes it.
#pragma once

#include "controlplane/call/call.h"

#ifdef __cplusplus
extern "C" {
#endif

// ---- target.c: the peers of a route

// Chooses the first peer from call->target on that can be called. False when there is none: then the call
// has ended, and may be gone.
bool cp_target_choose(struct cp_call *call);
// The offer is ready, or there is none: on to the target.
void cp_target_ask(struct cp_exchange *x);
// This target is over. True when another one takes its place, or the call has ended for want of one.
bool cp_target_next(struct cp_exchange *x, int status, struct sip_slice phrase);
// The same target by another of its addresses (RFC 3263 4.3), when this one has failed: 503, a timeout, or
// it cannot be reached. False when there is none left.
bool cp_target_next_hop(struct cp_exchange *x);
// Lets go of its transaction and early dialogs, of which the caller hears by 199 if `m` says that they failed.
void cp_target_leave(struct cp_exchange *x, const struct sip_message *m);
// It rings on.
void cp_target_rings(struct cp_call *call);

// ---- setup.c: from INVITE to ACK

void cp_setup_invite(
	struct cp_shard *shard, struct sip_transaction *tx, const struct sip_message *m);
void cp_setup_cancel(struct cp_call *call, const struct sip_message *m);
void cp_setup_response(
	struct cp_exchange *x, struct sip_transaction *tx, const struct sip_message *m);
// The client transaction of the INVITE ended without a final response.
void cp_setup_failed(struct cp_exchange *x, int status, const char *why);
// Ports are there, or were refused by `error`.
void cp_setup_ports(struct cp_exchange *x, int error);
// hawse-media carries the call, or refused by `error`.
void cp_setup_media(struct cp_exchange *x, int error);
// Does this message's Allow, if it has one, name UPDATE?
void cp_note_allow(bool *allows_update, const struct sip_message *m);
// What kept the callee's answer from the caller may be over.
void cp_setup_go_on(struct cp_call *call);
// Shows the caller the target's offer.
void cp_setup_offer_back(struct cp_exchange *x);
void cp_setup_ack(struct cp_exchange *x, const struct sip_message *m);
// An INVITE that becomes no call, with its CDR; `caller` NULL: a stranger's, without one.
void cp_setup_refuse(struct cp_shard *shard, struct sip_transaction *tx,
	const struct sip_message *m, const struct cp_peer *caller, enum cp_result result, int status,
	const char *lines);
// The pieces, for calls that begin otherwise. A new INVITE that is refused is answered. NULL: it is.
bool cp_setup_admit(struct cp_shard *shard, struct sip_transaction *tx, const struct sip_message *m,
	const struct cp_peer *caller, bool emergency);
// `choice` NULL: it goes by no route.
struct cp_call *cp_setup_call(struct cp_shard *shard, struct sip_transaction *tx,
	const struct sip_message *m, const struct cp_peer *caller, const struct cp_choice *choice);
int cp_setup_keep(
	struct cp_call *call, const struct sip_message *m, const struct cp_choice *choice);
// The INVITE's offer is taken; on to the target.
void cp_setup_offer(struct cp_call *call, const struct sip_message *m);
// Leg 1 has its dialog, and `m` is the 2xx that made or changed it.
void cp_setup_take_answer(struct cp_exchange *x, const struct sip_message *m);
void cp_setup_up(struct cp_call *call);
// A response to a client transaction that no call wants.
void cp_orphan_response(
	struct cp_shard *shard, struct sip_transaction *tx, const struct sip_message *m);

#ifdef __cplusplus
}
#endif
