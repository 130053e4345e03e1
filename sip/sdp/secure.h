// SPDX-License-Identifier: BSD-3-Clause
//
// What secures the media of a leg: SRTP keyed in the SDP itself (RFC 4568), or by DTLS (RFC 5763), and ICE lite
// (RFC 8445) with what browsers want besides (RFC 8827, 8834, 8843). Part of the offer/answer engine: each leg has
// its own security, and neither sees a key, a fingerprint or a candidate of the other.
//
// Nothing random is made here. All that is ours (keys, ICE credentials) is derived from one secret a leg, so that the
// same state always shows the same body: a key stays through hold and re-INVITE, and changes with the suite; ICE
// credentials change when the party restarts ICE.
//
// Which SRTP a leg has:
//	of its own offers   what the offer says, when the policy takes it
//	of what we offer    what it had before, else what the policy says
// Refused: a profile that the policy excludes, keys with unencrypted or unauthenticated streams, with a key
// derivation rate, with several master keys, or of the wrong length; a fingerprint that is missing.
#pragma once

#include "sip/sdp/sdp.h"

#ifdef __cplusplus
extern "C" {
#endif

enum sdp_srtp {
	SDP_SRTP_ACCEPT,      // plain RTP is offered, whatever is offered is taken
	SDP_SRTP_OFF,         // plain RTP only
	SDP_SRTP_BEST_EFFORT, // keys are offered in a plain profile (RFC 8643), whatever is offered is taken
	SDP_SRTP_SDES,        // nothing but SRTP with keys in the SDP
	SDP_SRTP_DTLS,        // nothing but SRTP with keys by DTLS
	SDP_SRTP_PASS,        // untouched, where the other leg has it too: the parties' own keys (RFC 4568)
};

// RFC 4568, 6188, 7714; numbered as enum abi_srtp_suite.
enum sdp_suite {
	SDP_SUITE_NONE,
	SDP_AES_CM_128_HMAC_SHA1_80,
	SDP_AES_CM_128_HMAC_SHA1_32,
	SDP_AES_192_CM_HMAC_SHA1_80,
	SDP_AES_192_CM_HMAC_SHA1_32,
	SDP_AES_256_CM_HMAC_SHA1_80,
	SDP_AES_256_CM_HMAC_SHA1_32,
	SDP_AEAD_AES_128_GCM,
	SDP_AEAD_AES_256_GCM,
	SDP_SUITES,
};

#define SDP_MAX_KEY     32u
#define SDP_MAX_SALT    14u
#define SDP_MAX_MKI     16u
#define SDP_SECRET      32u
#define SDP_FINGERPRINT 128u
#define SDP_UFRAG       16u // of ours, NUL included
#define SDP_PWD         32u
#define SDP_CRYPTOS     16u // lines that are looked at
#define SDP_CANDIDATES  12u // of a party that is lite, kept

// "AES_CM_128_HMAC_SHA1_80", ...; NULL for what does not exist.
const char *sdp_suite_name(unsigned suite);
// By name, any case. SDP_SUITE_NONE when unknown.
enum sdp_suite sdp_suite_find(struct sdp_str name);
unsigned sdp_suite_key(unsigned suite);  // octets
unsigned sdp_suite_salt(unsigned suite); // octets

// The security of a leg, for the life of its call.
struct sdp_security {
	uint8_t srtp;  // enum sdp_srtp
	bool browser;  // a WebRTC peer: ICE, feedback profile, rtcp-mux, mid and BUNDLE
	uint8_t suites[SDP_SUITES]; // of SDES, the best first
	uint8_t suite_count;        // 0: a good order
	uint8_t secret[SDP_SECRET]; // random, of this leg alone
	char fingerprint[SDP_FINGERPRINT]; // of our certificate: "sha-256 AB:..."; empty: no DTLS
};

// One a=crypto line that can be used.
struct sdp_crypto {
	uint32_t tag;
	uint8_t suite; // enum sdp_suite
	uint8_t mki_length;
	uint8_t mki[SDP_MAX_MKI];
	uint8_t key[SDP_MAX_KEY];
	uint8_t salt[SDP_MAX_SALT];
};

// The value of an a=crypto line. 0; -EBADMSG malformed; -ENOTSUP a suite or parameter that we do not have.
int sdp_crypto_parse(struct sdp_str value, struct sdp_crypto *out);

// Where a party may be reached (RFC 8839 5.1), over UDP.
struct sdp_candidate {
	uint8_t component; // 1 RTP, 2 RTCP
	uint8_t family;    // 4 or 6
	uint8_t ip[16];
	uint16_t port;
	uint32_t priority;
};

// The value of an a=candidate line. False: malformed, not UDP, or an address that is none (a name of mDNS).
bool sdp_candidate_parse(struct sdp_str value, struct sdp_candidate *out);

// How one stream of one leg is secured, for the plan.
enum sdp_keying {
	SDP_KEY_PLAIN,
	SDP_KEY_SDES,
	SDP_KEY_DTLS,
	SDP_KEY_PASS,
	SDP_KEY_REFUSED, // see above
};

struct sdp_plan_secure {
	uint8_t keying;           // enum sdp_keying
	bool ice;                 // the party speaks ICE; ufrag and pwd hold
	bool lite;            // and sends no checks: we are to
	bool active;              // DTLS: we begin (a=setup:active)
	bool role_known;          // DTLS: false while we are the offerer and no answer has said
	struct sdp_crypto ours;   // SDES: what we send with
	struct sdp_crypto theirs; // SDES: what the party sends with
	char fingerprints[2 * SDP_FINGERPRINT]; // DTLS: of the party, a line each, no newline at the end
	struct sdp_str remote_ufrag, remote_pwd, mid; // slices into oa
	// LITE: its candidates of our family, in the order of its SDP. None: the address of its m-line.
	struct sdp_candidate candidate[SDP_CANDIDATES];
	uint8_t candidates;
	char ufrag[SDP_UFRAG], pwd[SDP_PWD];     // ours
};

#ifdef __cplusplus
}
#endif
