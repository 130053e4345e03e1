// SPDX-License-Identifier: BSD-3-Clause
// A call that is made of other calls: after a transfer, or because an INVITE with Replaces takes a
// party's place. One of its legs, or both, is a dialog that still belongs to another call; only when
// everybody has agreed do the dialogs move here, and until then every failure leaves the other calls
// as they were.
//
//   blind transfer     leg 0 from the call of the REFER, leg 1 a new INVITE by the routes
//   attended transfer  leg 0 from the call of the REFER, leg 1 from the call that Replaces names
//   Replaces           leg 0 the INVITE that came, leg 1 from the call that Replaces names
//
// Offer and answer go so: leg 1 is offered what leg 0's party said last, or just now in its INVITE.
// When leg 1 has answered, a leg 0 that comes from another call is offered that by re-INVITE (RFC 3725
// flow III, shortened: its last description is known), and answers. Then hawse-media is told.
//
// A party that has been re-INVITEd when the whole comes to nothing is re-INVITEd back.
//
// Thread: its shard's.
#pragma once

#include "controlplane/call/call.h"

struct cp_join_end {
	struct cp_call *call; // NULL: this leg is no other call's
	uint8_t leg;          // of that call
	bool told;            // it has answered our re-INVITE
};

struct cp_join {
	struct cp_call *call; // that is being made
	struct cp_join_end end[2];
	struct cp_exchange x[2]; // our re-INVITE to each, CP_X_JOIN
	struct cp_transfer *transfer; // that hears how it goes, or NULL
	struct sip_timer timer;       // until `again` is asked again
	uint8_t again;
	uint8_t tries;
};

#ifdef __cplusplus
extern "C" {
#endif

// This peer in another configuration, by its name. NULL: it is not there.
const struct cp_peer *cp_join_peer(const struct cp_policy *policy, const struct cp_peer *peer);
// `leg` of the new call will be the dialog of `from_leg` of `from`. 0, -EBUSY (it is being taken away
// already), -ENOMEM, -ESTALE (its peer is not in the configuration any more).
int cp_join_take(struct cp_call *call, unsigned leg, struct cp_call *from, unsigned from_leg);
// Leg 0 comes from another call: its party's last description is offered. The call may have ended after.
void cp_join_start(struct cp_call *call);

// What call logic tells it ----------------------------------------------------------------------------

// The offer is ready. False when leg 1 is to be called by INVITE.
bool cp_join_ask(struct cp_call *call);
// The target's 2xx made a dialog, which is leg 1 now. False when this is nobody's join.
bool cp_join_answered(struct cp_exchange *x, const struct sip_message *m);
void cp_join_progress(struct cp_call *call, int status);
void cp_join_response(
	struct cp_exchange *x, struct sip_transaction *tx, const struct sip_message *m);
void cp_join_failed(struct cp_exchange *x, int status);
// hawse-media carries it, or refused by `error`.
void cp_join_settled(struct cp_exchange *x, int error);
// A call ended that is being made, or that a party is taken from.
void cp_join_call_ended(struct cp_call *call);
// The call is being freed, without a word to anybody.
void cp_join_drop(struct cp_call *call);
// A BYE came by this leg while the other one is being taken away. True: the call stays until that is over.
bool cp_join_bye(struct cp_call *call, unsigned leg);
// Its answers to our re-INVITE back (CP_X_RESTORE).
void cp_restore_response(
	struct cp_exchange *x, struct sip_transaction *tx, const struct sip_message *m);
// The dialog that leg 0 of this call will be. NULL: none.
struct sip_dialog *cp_join_dialog(const struct cp_call *call);

#ifdef __cplusplus
}
#endif
