// SPDX-License-Identifier: BSD-3-Clause
// Who a party says it is, and who may know (RFC 3323, 3325, 5806, 7044): what the peers of a call have in
// cfg_peer.identity decides.
//
// A peer whose identities are believed asserts by P-Asserted-Identity (or Remote-Party-ID); of others the
// one that they prefer, if that is allowed, or none. Who is shown what is private gets everything with its
// Privacy header; everybody else gets a caller that asked for it as anonymous: in From, in Contact, and
// without any header that would say his name.
//
// Thread: pure functions over the caller's buffers.
#pragma once

#include "controlplane/call/carry.h"

// Privacy: what is asked for.
struct cp_privacy {
	bool id, header, user, history, session;
	bool none;
	bool critical;
	bool unknown; // something that nobody here has heard of
};

#define CP_ANONYMOUS "sip:anonymous@anonymous.invalid"

#ifdef __cplusplus
extern "C" {
#endif

struct cp_privacy cp_privacy_of(const struct sip_message *m);
// It asks for anonymity.
bool cp_privacy_asked(const struct sip_message *m);
// The sender of `m` is to be anonymous to `to`.
bool cp_identity_hides(const struct cp_peer *to, const struct sip_message *m);
// It insists on a privacy that it cannot be given (RFC 3323 4.2: 500).
bool cp_privacy_impossible(const struct sip_message *m);

// Appends P-Asserted-Identity or Remote-Party-ID, as the peer that it goes to wants it.
void cp_identity_carry(struct sip_build *b, const struct cp_carry *c, const struct sip_message *m);
void cp_history_carry(struct sip_build *b, const struct cp_carry *c, const struct sip_message *m);
// May Diversion go from this peer to that?
bool cp_diversion_crosses(const struct cp_carry *c);

#ifdef __cplusplus
}
#endif
