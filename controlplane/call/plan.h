// SPDX-License-Identifier: BSD-3-Clause
// From what the two SDPs say of one stream to what hawse-media is to do.
//
// Thread: pure functions.
#pragma once

#include "controlplane/trunk/peer.h"
#include "dataplane/abi/message.h"
#include "sip/sdp/offer_answer.h"

struct cp_party {
	const struct cp_peer *peer;
	struct sip_addr signalling; // where its SIP comes from
	uint8_t family;             // of our port on its leg
	struct abi_addr remote; // where it received last, kept over a hold by c=0.0.0.0; updated
};

#ifdef __cplusplus
extern "C" {
#endif

// Fills `out`, which is zero. `final`: the answer stands, silence is a timeout.
void cp_plan_leg(struct cp_party *party, const struct sdp_plan_leg *in, bool final,
	struct abi_leg_plan *out);

// enum abi_source_policy for a party that wants its media at `rtp` and speaks SIP from `party`.
uint8_t cp_media_policy(
	const struct cp_peer *peer, const struct sdp_endpoint *rtp, const struct sip_addr *party);

#ifdef __cplusplus
}
#endif
