// SPDX-License-Identifier: BSD-3-Clause
// Payloads of the commands and events of secured media: SRTP keys, ICE credentials, what was learned
// before a restart, and what hawse-media tells of them. message.h includes this file.
//
// How a leg becomes secure
//   LEG_KEYS  after SESSION_ADD, one command a leg. A leg whose plan has ABI_LEG_SRTP_IN drops
//             what comes until it has a key for that direction, one with ABI_LEG_SRTP_OUT sends nothing
//             until then: so the order plan, keys never lets a packet through in clear.
//             A direction that is given the key it has already keeps its roll-over counter, its replay
//             window and its indices (hold, re-INVITE, a control plane that came back and
//             re-asserts). Another key begins anew, at `roc`; the one before stays good for receiving
//             for some seconds, since the other side changes when our answer reaches it.
//   LEG_ICE   after SESSION_ADD. The worker answers binding requests from then on, also while no
//             control plane is attached. Other credentials are an ICE restart (RFC 8445 section 9): the
//             pair that is in use stays in use until one is nominated with the new ones.
//   DTLS      a leg whose plan has ABI_LEG_DTLS punts DTLS records (RFC 7983); the control plane
//             injects its own. Keys come back by LEG_KEYS.
//
// Secrets: hawse-sip submits both commands as secret (wiped from region B by their writer when the
// answer has come). Nothing of them is ever written to region A.
#pragma once

#include <stdint.h>

#include "dataplane/abi/layout.h"

// RFC 4568, 6188, 7714. Numbers are part of the ABI.
enum abi_srtp_suite {
	ABI_SRTP_NONE = 0,
	ABI_SRTP_AES_CM_128_HMAC_SHA1_80 = 1,
	ABI_SRTP_AES_CM_128_HMAC_SHA1_32 = 2,
	ABI_SRTP_AES_192_CM_HMAC_SHA1_80 = 3,
	ABI_SRTP_AES_192_CM_HMAC_SHA1_32 = 4,
	ABI_SRTP_AES_256_CM_HMAC_SHA1_80 = 5,
	ABI_SRTP_AES_256_CM_HMAC_SHA1_32 = 6,
	ABI_SRTP_AEAD_AES_128_GCM = 7,
	ABI_SRTP_AEAD_AES_256_GCM = 8,
	ABI_SRTP_SUITES
};

#define ABI_SRTP_MAX_KEY  32u
#define ABI_SRTP_MAX_SALT 14u
#define ABI_SRTP_MAX_MKI  16u

enum abi_direction {
	ABI_IN = 0,  // from the leg's party to us
	ABI_OUT = 1, // from us to the leg's party
};

struct abi_srtp_key {       // 72 bytes; what is behind the suite's length is zero
	uint8_t suite;      // enum abi_srtp_suite; NONE: forget the key of this direction
	uint8_t mki_length; // 0: none. At most ABI_SRTP_MAX_MKI
	uint8_t reserved0[2];
	uint32_t roc; // of the first packet: not 0 when we join late
	uint8_t key[ABI_SRTP_MAX_KEY];
	uint8_t salt[ABI_SRTP_MAX_SALT];
	uint8_t reserved1[2];
	uint8_t mki[ABI_SRTP_MAX_MKI];
};

struct abi_leg_keys { // 224 bytes
	uint8_t leg;
	uint8_t directions; // bit 1 << enum abi_direction: key[that] is meant; else it is all zero
	// 0: of RTP, and of RTCP unless it has keys of its own. 1: of RTCP alone, from an association of
	// its own (RFC 5764 section 3, without rtcp-mux).
	uint8_t component;
	uint8_t reserved0[5];
	struct abi_srtp_key key[2]; // by enum abi_direction
	// After a restart of hawse-media: the resume record of the leg that these keys had then. Only with
	// keys that are new to the leg; streams with SSRC 0 and no index are none.
	struct abi_srtp_stream resume[ABI_SRTP_STREAMS];
	uint8_t reserved1[8];
};

enum abi_ice_role {
	ABI_ICE_OFF = 0,         // forget the credentials; every other field is zero
	ABI_ICE_LITE = 1,        // controlled, answers only
	ABI_ICE_CONTROLLED = 2,  // an agent in the control plane; it sends checks by INJECT
	ABI_ICE_CONTROLLING = 3, // the same
};

#define ABI_ICE_UFRAG 32u
#define ABI_ICE_PWD   64u

struct abi_leg_ice { // 224 bytes
	uint8_t leg;
	uint8_t role;               // enum abi_ice_role
	uint8_t local_ufrag_length; // 4..32
	uint8_t local_pwd_length;   // 22..64
	// 0: not known yet (the answer has not come), or longer than fits here. Requests are then
	// accepted for what follows the colon of their USERNAME whatever it is.
	uint8_t remote_ufrag_length;
	uint8_t reserved0[3];
	uint32_t priority; // of our candidate, for checks that the worker sends; 0: it sends none
	uint32_t reserved1;
	uint64_t tie_breaker; // of an agent; LITE: 0
	uint8_t local_ufrag[ABI_ICE_UFRAG];
	uint8_t local_pwd[ABI_ICE_PWD];
	uint8_t remote_ufrag[ABI_ICE_UFRAG];
	uint8_t reserved2[72];
};

// What an earlier hawse-media had learned of a session, from its resume records: sends there at once
// and accepts from there, as if it had been learned now. Family 0: nothing. After SESSION_ADD.
struct abi_session_resume { // 128 bytes
	struct abi_leg_learned {
		struct abi_addr rtp;
		struct abi_addr rtcp;
		uint32_t ssrc;
		uint16_t seq;
		uint8_t reserved[10];
	} leg[2];
};

// ---- events

struct abi_event_ice { // 48 bytes: ICE_NOMINATED, ICE_LOST
	struct abi_addr remote;
	uint64_t last_us;  // of the last valid binding request; 0: none ever came
	uint32_t priority; // as the request said it
	uint8_t leg;
	uint8_t component;
	uint8_t reserved[10];
};

// Counted since the last such event of this leg; at most one a second.
struct abi_event_srtp {    // 48 bytes: SRTP_FAILURES
	uint64_t first_us; // of them
	uint32_t auth_failed;
	uint32_t replayed;
	uint32_t no_key; // nothing to decrypt or encrypt with
	uint32_t plain;  // RTP or RTCP in clear where SRTP is due
	uint32_t malformed;
	uint32_t ssrc; // of the last one
	uint8_t leg;
	uint8_t direction; // enum abi_direction
	uint8_t reserved[14];
};

struct abi_event_dtls { // 32 bytes: DTLS_UNASKED, once a leg and plan: DTLS where none is due
	struct abi_addr remote;
	uint8_t leg;
	uint8_t component;
	uint8_t reserved[6];
};

ABI_HELD(abi_srtp_key, 72);
ABI_HELD(abi_leg_keys, 224);
ABI_HELD(abi_leg_ice, 224);
ABI_HELD(abi_session_resume, 128);
ABI_HELD(abi_event_ice, 48);
ABI_HELD(abi_event_srtp, 48);
ABI_HELD(abi_event_dtls, 32);

// What a suite is made of; sizes in bytes.
struct abi_suite {
	const char *name; // as in RFC 4568 and its registry
	uint8_t key;
	uint8_t salt;
	uint8_t rtp_tag; // of SRTP
	uint8_t rtcp_tag;
	uint8_t aead; // 1: GCM, 0: counter mode and HMAC-SHA1
};

#ifdef __cplusplus
extern "C" {
#endif

// NULL for NONE and what does not exist.
const struct abi_suite *abi_suite_of(unsigned suite);

#ifdef __cplusplus
}
#endif
