// SPDX-License-Identifier: BSD-3-Clause
// SUBSCRIBE and NOTIFY (RFC 6665). Inside a call they go over to the other side: event packages are
// between the parties, and a REFER that was passed on makes a subscription too. Outside a call we have
// nothing to tell of.
//
// Of a sipfrag only its status line goes over; the id of a refer event is the CSeq that the REFER had
// on that side.
//
// Thread: its shard's.
#pragma once

#include "controlplane/call/call.h"

#ifdef __cplusplus
extern "C" {
#endif

void cp_subscribe_request(struct cp_call *call, unsigned leg, struct sip_transaction *tx,
	const struct sip_message *m);
// A final response to REFER, SUBSCRIBE or NOTIFY that went over. False when x is none of these.
bool cp_subscribe_response(
	struct cp_exchange *x, struct sip_transaction *tx, const struct sip_message *m);
// Outside any call: 489, 481, 403.
void cp_subscribe_outside(struct sip_transaction *tx, const struct sip_message *m);

#ifdef __cplusplus
}
#endif
