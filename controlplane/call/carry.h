// SPDX-License-Identifier: BSD-3-Clause
// What goes from one side of a call to the other. A back-to-back user agent writes every message
// itself; this is the whole list of what it takes over, so what is not listed here is not carried:
// no Via, Route, Contact, Call-ID, tag, host, User-Agent or unknown header of one side is ever seen
// on the other. The table is in carry.c.
//
// Identities (From, To, P-Asserted-Identity, Diversion) are written anew: the display name and the
// user part are carried, the host is ours or the peer's.
//
// Thread: pure functions over the caller's buffers.
#pragma once

#include "controlplane/trunk/policy.h"
#include "sip/build.h"

enum cp_carried_in {
	CP_IN_INVITE = 1 << 0,      // INVITE that makes a call
	CP_IN_REINVITE = 1 << 1,    // INVITE and UPDATE inside it
	CP_IN_RELAY = 1 << 2,       // INFO, MESSAGE, NOTIFY, OPTIONS inside it
	CP_IN_BYE = 1 << 3,         // BYE and CANCEL
	CP_IN_PROVISIONAL = 1 << 4, // responses to INVITE
	CP_IN_SUCCESS = 1 << 5,
	CP_IN_FAILURE = 1 << 6, // of anything
	CP_IN_BODY = 1 << 7,    // with a body that is carried as it is
	CP_IN_SUBSCRIPTION = 1 << 8, // REFER, SUBSCRIBE, NOTIFY and their 2xx
};

struct cp_carry {
	const struct cp_peer *from;
	const struct cp_peer *to;
	const struct cp_listener *listener; // ours, on the side that it goes to
	unsigned what;                      // enum cp_carried_in, or-ed
	bool hidden; // who it comes from is anonymous to who it goes to, whatever the message says
};

#define CP_URI  512u
#define CP_USER 256u // of a user part

#ifdef __cplusplus
extern "C" {
#endif

// Appends the headers of `m` that go over.
void cp_carry(struct sip_build *b, const struct cp_carry *c, const struct sip_message *m);

// "sip:<user of uri>@<host>[:port]"; without user part "sip:<host>". `port` 0: none is written.
// Length or -ENOBUFS.
int cp_carry_uri(const struct sip_uri *uri, const char *host, uint16_t port, char out[CP_URI]);

// The same for a header that says who somebody is: a tel URI names no host and stays one.
int cp_carry_identity_uri(const struct sip_uri *uri, const char *host, char out[CP_URI]);

// The user part as an operator reads it, cut at size - 1 bytes: number or name, parameters left out.
void cp_carry_user_text(const struct sip_uri *uri, char *out, size_t size);

// A number of one side as the other writes it: sets the user part of `uri`, whose text is in `text`. `of`:
// CFG_OF_CALLED or CFG_OF_CALLER. 0 or -ENOBUFS.
int cp_carry_number(const struct cp_peer *from, const struct cp_peer *to, unsigned of,
	struct sip_uri *uri, char text[CP_USER]);

// The body of a request or response inside a call that is not a session description.
bool cp_carry_has_body(const struct sip_message *m);

#ifdef __cplusplus
}
#endif
