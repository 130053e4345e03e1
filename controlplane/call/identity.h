// SPDX-License-Identifier: BSD-3-Clause
// Who a phone is, once it has proved it by digest: the user, his number and his name as others see them. What the
// phone wrote into From is shown to nobody, unless it asked to be anonymous.
#pragma once

#include "controlplane/call/call.h"
#include "controlplane/call/carry.h"
#include "controlplane/config/users.h"

struct cp_identity {
	char user[CFG_USER_NAME];
	char number[48]; // empty: none
	char caller[88]; // empty: none
};

#ifdef __cplusplus
extern "C" {
#endif

// May this INVITE of a stranger make a call? Sets who he is, or has answered: then false.
bool cp_identity_login(struct cp_shard *shard, struct sip_transaction *tx,
	const struct sip_message *m, const struct cp_peer **caller, const struct cfg_user **user);
// The call is this user's. 0 or -ENOMEM.
int cp_identity_set(struct cp_call *call, const struct cfg_user *user);
// From as the other side is shown it. 0 or -ENOBUFS. `from`: what the phone wrote.
int cp_identity_from(const struct cp_call *call, const struct sip_uri *from, char uri[CP_URI],
	struct sip_slice *display);
// The host of From: ours, or the domain that the trunk knows us by.
const char *cp_identity_host(const struct cp_call *call);
// P-Asserted-Identity, towards trunks.
void cp_identity_assert(const struct cp_call *call, struct sip_build *b);
// A call that came to the Contact of our registration: what has been dialled is in its To, or in the configuration.
// False: it was not.
bool cp_identity_redial(const struct cp_peer *caller, const struct sip_message *m,
	const struct sip_uri *uri, char *number, size_t size);

#ifdef __cplusplus
}
#endif
