// SPDX-License-Identifier: BSD-3-Clause
// What each side of a call may be offered: the peers' settings (config/codecs.h) and what hawse-media can do, as the
// offer/answer engine wants them (sip/sdp/transcode.h), and what hawse-media is to do with what came of it.
//
// A stream's plan gets codecs when the two parties have none in common, when they give digits in different ways,
// when one takes shorter packets than the other sends, or when something is to be played to one of them. Else it
// is relayed as it is.
//
// Thread: pure functions.
#pragma once

#include "controlplane/config/config.h"
#include "dataplane/abi/message.h"
#include "sip/sdp/offer_answer.h"

#ifdef __cplusplus
extern "C" {
#endif

// `cfg` must outlive it.
void cp_codecs_policy(const struct cfg_peer *cfg, struct sdp_codec_policy *out);

// From abi_region_a.codecs, whether UDPTL is relayed and whether fax is told, to what sdp_oa_policy() takes.
uint32_t cp_codecs_can(uint64_t codecs, bool udptl, bool fax);

// What is wanted beside what the two descriptions say.
struct cp_codecs_want {
	const struct cfg_codecs *peer[2];
	bool info[2]; // it has sent digits by INFO
	uint32_t can;
	bool alone; // nobody has answered the caller yet: leg 0 alone, for what is played to him
	uint8_t listen; // cp_fax_listens()
	bool look; // something is to be played, or digits to be sent, to one of them
};

// Fills what the plan says of codecs, digits and fax; its legs are as cp_plan_leg() left them. 1: hawse-media has
// to look into it, 0: it is relayed; -EOPNOTSUPP: wanted, and not to be had.
int cp_codecs_plan(const struct cp_codecs_want *want, const struct sdp_plan_stream *stream,
	struct abi_session_plan *plan);

// How a leg gives and takes digits: enum abi_dtmf; NONE: it does not say. `events`: it has a payload type for them,
// `info`: it has sent some by INFO.
uint8_t cp_codecs_dtmf(const struct cfg_codecs *peer, bool events, bool info);

// What the party sends, for a recording. All zero: nobody can read it.
void cp_codecs_heard(const struct sdp_plan_leg *leg, struct abi_record_codec *out);

#define CP_CODECS_WHY 96u
// "PCMA both", "opus -> PCMA: callee has no opus"; empty without audio.
void cp_codecs_why(const struct sdp_plan_stream *stream, char why[CP_CODECS_WHY]);

#ifdef __cplusplus
}
#endif
