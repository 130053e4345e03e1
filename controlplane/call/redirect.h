// SPDX-License-Identifier: BSD-3-Clause
// A callee that says where a call is to go instead: 300, 301 and 302 (RFC 3261 8.1.3.4), from trunks and from phones that
// forward their calls. The INVITE goes on to the number of the best Contact: to the same peer when that names the peer's own
// address, else by the rights of who redirects, as a transfer does (refer.h). The new callee is told in Diversion from where
// the call comes, as far as the policies of identity let it through. Not when five targets have been tried, and each costs a hop of Max-Forwards.
//
// It does not follow: emergency calls, a Contact without a number, a peer with `transfer: refuse`, and calls that are
// older than the configuration. Then it is as any other failure: the next target, or 480.
#pragma once

#include "controlplane/call/carry.h"

struct cp_choice;
struct cp_exchange;

#ifdef __cplusplus
extern "C" {
#endif

// The best Contact of such a response. False: it is none, or has none that could be called.
bool cp_redirect_contact(const struct sip_message *m, char uri[CP_URI]);
// Its pieces in target.c and route.c: the targets of this choice take the place of the one that is over, whatever were left
// (the call may have ended afterwards); and this peer once more, for the number of that URI, 0 or -errno.
void cp_target_instead(struct cp_exchange *x, int status, struct sip_slice phrase,
	const struct cp_choice *choice);
int cp_route_again(const struct cp_peer *peer, const struct sip_uri *uri, struct cp_choice *choice);
// The target of x is over, by this status, and names that. True when the call goes on there, or has ended for want of it.
bool cp_redirect(struct cp_exchange *x, int status, struct sip_slice phrase, const char *uri);

#ifdef __cplusplus
}
#endif
