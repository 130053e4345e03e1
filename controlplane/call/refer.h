// SPDX-License-Identifier: BSD-3-Clause
// REFER inside a call (RFC 3515, 3892, 4488): passed on to the other side, carried out here, or refused, as
// the peers of the call say (cfg_peer.transfer). How a transfer that is carried out here goes, its
// sender hears by NOTIFY.
//
// Thread: its shard's.
#pragma once

#include "controlplane/call/call.h"

struct cp_transfer {
	struct cp_call *call;   // in which the REFER came; it owns this
	struct cp_call *made;   // that is being made, NULL when that is over
	struct cp_call *awaits; // whose callee still rings, NULL
	uint8_t from;           // leg that asked
	uint8_t awaits_leg;     // its leg in `awaits`
	bool quiet;             // it wants no NOTIFY, or none can be sent
	bool over;              // how it ended has been said
	bool has_id;            // not the first REFER of the dialog
	uint32_t id;            // CSeq of the REFER
	uint16_t said, due;     // status of the last NOTIFY, and of the next; 0: none
	struct cp_exchange notify;
};

#ifdef __cplusplus
extern "C" {
#endif

void cp_refer_request(struct cp_call *call, unsigned leg, struct sip_transaction *tx,
	const struct sip_message *m);
// How the transfer goes: 180, 200, 486 ... A final status is the last word.
void cp_refer_tell(struct cp_transfer *t, int status);
void cp_refer_notified(struct cp_exchange *x, int status);
// Its sender waits for our last NOTIFY: BYE after that.
bool cp_refer_speaks(const struct cp_call *call, unsigned leg);
// The sender of the REFER hangs up. True: the call stays until the transfer is over.
bool cp_refer_bye(struct cp_call *call, unsigned leg);
// This call is up: a transfer that waited for it goes on.
void cp_refer_up(struct cp_call *call);
void cp_refer_call_ended(struct cp_call *call);
void cp_refer_drop(struct cp_call *call);

// A subscription to the progress of a transfer that we report: SUBSCRIBE that refreshes or ends it. False when it is none of ours.
bool cp_refer_subscribe(struct cp_call *call, unsigned leg, struct sip_transaction *tx,
	const struct sip_message *m);

// ---- pass.c

// REFER goes to the other side, with every name in it written as that side knows it. False: it names
// something that the other side cannot know, and has to be carried out here.
bool cp_pass_refer(struct cp_call *call, unsigned leg, struct sip_transaction *tx,
	const struct sip_message *m);

#ifdef __cplusplus
}
#endif
