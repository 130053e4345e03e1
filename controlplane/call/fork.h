// SPDX-License-Identifier: BSD-3-Clause
// A target that is several phones: an INVITE to each, those of one preference (q) at once, the next ones when none
// of them takes the call, or after CP_GROUP_MS. The first that answers has it; the others get CANCEL.
//
// Each INVITE has the call's Call-ID and a From tag of its own, so each is a dialog of its own and one that fails ends
// no other. While phones ring call->invite.client is NULL; the one that answers becomes it.
//
// Thread: the call's.
#pragma once

#include "controlplane/call/call.h"

#define CP_GROUP_MS 20000u

struct cp_forks;

#ifdef __cplusplus
extern "C" {
#endif

// Looks up the phones of whom the call is for. 0, or the status that says why there are none: 404, 480, 500.
int cp_fork_choose(struct cp_call *call, const struct cp_peer *peer);
// Whose phones they are; NULL: nobody knows.
const struct cfg_user *cp_fork_user(const struct cp_call *call);
// Sends `r` to the phones of the next group, its Request-URI and lines written for each. 0 or -errno: to none.
int cp_fork_send(struct cp_exchange *x, struct sip_request *r, const struct sip_message *invite);
void cp_fork_response(
	struct cp_exchange *fork, struct sip_transaction *tx, const struct sip_message *m);
void cp_fork_failed(struct cp_exchange *fork, int status, const char *why);
// ICMP: what was sent there did not arrive.
void cp_fork_unreachable(struct cp_call *call, const struct sip_flow *to);
// Cancels what rings, and forgets it.
void cp_fork_end(struct cp_call *call);

#ifdef __cplusplus
}
#endif
