// SPDX-License-Identifier: BSD-3-Clause
// What secures the media of a call: the security that each leg's SDP is made with, and for each media session the
// keys, ICE credentials and DTLS associations that follow from it. hawse-media is told of them in commands of
// their own, behind the plan and before anybody is answered.
//
// SDES: both keys are in the plan. DTLS: the association runs on threads of the process (secure/handshakes.h), its
// datagrams come and go by region P, and its keys follow when they are there. ICE: the worker answers; we hear which
// pair was nominated.
//
// Keys are in the journal (a file of ours alone), so that calls go on after either process was killed.
//
// Private to controlplane/call and shard.c. Thread: the shard's.
#pragma once

#include "dataplane/abi/message.h"
#include "sip/sdp/offer_answer.h"
#include "sip/slice.h"
#include "sip/tape.h"

struct cp_call;
struct cp_ice;
struct cp_session;
struct cp_shard;

// A DTLS association.
struct cp_association {
	uint64_t id;       // 0: there is none
	uint64_t since_us; // it was opened then
	uint32_t lives;    // that there were
	struct abi_addr remote;
};

// Of one leg of a session. NULL there: plain RTP. Without rtcp-mux, RTCP has a DTLS association and keys of its own
// (RFC 5764 section 3): component 1.
struct cp_secure {
	uint8_t keying; // enum sdp_keying
	uint8_t owed;   // enum cp_secure_owed: what hawse-media is to be told
	bool active;    // DTLS: we begin
	bool ice;
	bool two;         // DTLS: RTCP is apart
	bool has_keys[2]; // by component
	struct abi_leg_keys keys[2];
	struct abi_leg_ice credentials;
	char fingerprints[2 * SDP_FINGERPRINT]; // DTLS: of the party
	// ---- not in the journal
	struct cp_ice *agent; // of a party that is lite; else NULL
	bool known; // hawse-media has a place for keys, by LEG_ICE of whatever role
	struct cp_association dtls[2];
	struct abi_addr rtcp; // where the party receives it
	bool nominated;
	bool lost; // the party does not consent any more
};

enum cp_secure_owed {
	CP_SECURE_ICE = 1 << 0,
	CP_SECURE_KEYS = 1 << 1,
	CP_SECURE_RTCP_KEYS = 1 << 2,
	CP_SECURE_NOMINATED = 1 << 3, // by our own agent
};

// What was learned before hawse-media was restarted.
struct cp_resume {
	bool have[2];
	bool told;
	struct abi_leg_resume leg[2];
};

#ifdef __cplusplus
extern "C" {
#endif

// The security of a leg that makes an offer, if it wants some and has none.
int cp_secure_taking(struct cp_call *call, struct sdp_oa *oa, unsigned leg, struct sip_slice body);
// The security of a leg that is made an offer.
int cp_secure_offering(struct cp_call *call, struct sdp_oa *oa, unsigned leg);

// Adds to the plan of a leg. 0 or -ENOMEM.
int cp_secure_plan(struct cp_session *s, unsigned leg, const struct sdp_plan_leg *in,
	struct abi_leg_plan *out);
// Fills the next command that the session needs. False: nothing is left to say.
bool cp_secure_next(struct cp_session *s, struct abi_msg *command);
// It failed and is to be sent again.
void cp_secure_failed(struct cp_session *s);
bool cp_secure_is(uint16_t command_type);
// hawse-media knows nothing of it any more; reads what it had learned, before the session gets another place.
void cp_secure_again(struct cp_session *s);
void cp_secure_free(struct cp_session *s);

// Begins the handshakes that we begin and whose other side is known. Private to secure*.c.
void cp_secure_dtls_begin(struct cp_session *s, unsigned leg);
// Our own agent has found the party there.
void cp_secure_nominated(
	struct cp_session *s, unsigned leg, unsigned component, const struct abi_addr *remote);
// It does not answer any more, or never did.
void cp_secure_lost(struct cp_session *s, unsigned leg, unsigned component, bool nominated);

// ICE_NOMINATED, ICE_LOST, SRTP_FAILURES, DTLS_UNASKED of this session.
void cp_secure_event(struct cp_session *s, const struct abi_msg *event);

// A session's part of a record in the journal.
void cp_secure_tape(struct sip_tape *t, struct cp_secure *secure);

// What the leg's media are, or were last, secured by: "AEAD_AES_128_GCM", "" for plain RTP.
const char *cp_secure_suite(const struct cp_call *call, unsigned leg);
const char *cp_secure_keying(const struct cp_call *call, unsigned leg); // "dtls", "sdes", ""

#ifdef __cplusplus
}
#endif
