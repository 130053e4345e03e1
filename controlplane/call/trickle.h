// SPDX-License-Identifier: BSD-3-Clause
// Candidates that come behind an offer or answer, in INFO requests of the package trickle-ice (RFC 8840), from peers of kind
// webrtc. Who is a full agent comes to us from wherever he is, and checks prove who he is; a lite party's candidates are
// checked by our agent. We trickle nothing: the one candidate that we have is in the SDP, with a=end-of-candidates.
//
// Private to controlplane/call. Thread: the shard's.
#pragma once

#include <stdbool.h>

struct cp_call;
struct cp_peer;
struct sip_message;
struct sip_transaction;

#define CP_TRICKLE "trickle-ice"

#ifdef __cplusplus
extern "C" {
#endif

// Whether we take such INFO from this peer, and say so in Recv-Info.
bool cp_trickle_offered(const struct cp_peer *peer);
// An INFO of a leg. True: it was of this package, and is answered.
bool cp_trickle_info(struct cp_call *call, unsigned leg, struct sip_transaction *tx,
	const struct sip_message *m);

#ifdef __cplusplus
}
#endif
