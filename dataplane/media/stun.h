// SPDX-License-Identifier: BSD-3-Clause
// STUN messages (RFC 8489, and RFC 5389 where it differs on the wire in nothing used here) as ICE uses
// them (RFC 8445): parsing, MESSAGE-INTEGRITY by SHA-1, FINGERPRINT, and the responder of an ICE agent.
//
// What is refused: a length that is no multiple of four or not that of the datagram, another magic
// cookie, the two bits of the first byte, attributes that overlap the end, a wrong FINGERPRINT.
// Attributes behind MESSAGE-INTEGRITY (but FINGERPRINT) are not looked at.
//
// The responder never answers with more bytes than the request has, so nobody can use it to multiply
// what he sends in another's name. It has no clock and no I/O; any thread, no allocation.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/abi/secure.h"

#define STUN_HEADER    20u
#define STUN_COOKIE    0x2112a442u
#define STUN_UNKNOWN   8u // unknown attributes that are remembered
#define STUN_MAX_REPLY 128u

enum stun_class {
	STUN_REQUEST = 0,
	STUN_INDICATION = 1,
	STUN_SUCCESS = 2,
	STUN_ERROR = 3,
};

enum stun_verdict {
	STUN_GOOD = 0,
	STUN_BAD_SHORT,
	STUN_BAD_HEADER,
	STUN_BAD_LENGTH,
	STUN_BAD_ATTRIBUTE,
	STUN_BAD_FINGERPRINT,
};

struct stun_view {
	uint8_t type; // enum stun_class
	uint16_t method;
	const uint8_t *id; // 12 bytes
	const uint8_t *username;
	uint16_t username_length;
	uint16_t integrity; // offset of the attribute; 0: none
	bool fingerprint;   // has one, and it is right
	bool use_candidate;
	bool has_priority, controlling, controlled;
	uint32_t priority;
	uint64_t tie_breaker; // of controlling or controlled
	uint8_t unknown_count;
	uint16_t unknown[STUN_UNKNOWN]; // that must be understood
};

// The state of HMAC-SHA1 behind its key: made once, used for each message.
struct stun_key {
	uint32_t inner[5], outer[5];
};

enum stun_action {
	STUN_IGNORE = 0,   // nothing is to be sent
	STUN_REPLY = 1,    // an error response
	STUN_VALID = 2,    // a success response: the source has the credentials
	STUN_NOMINATE = 3, // that, and the pair is nominated
	STUN_RESPONSE = 4, // it is no request: for an agent
};

enum stun_why { // of IGNORE and REPLY; for counters
	STUN_WHY_NONE = 0,
	STUN_WHY_MALFORMED,
	STUN_WHY_CREDENTIALS,
	STUN_WHY_ROLE,
	STUN_WHY_ATTRIBUTE,
};

struct stun_ice { // what the responder knows of a leg
	struct stun_key key;
	uint64_t tie_breaker;
	uint8_t role; // enum abi_ice_role
	uint8_t local_length, remote_length;
	uint8_t local[ABI_ICE_UFRAG];
	uint8_t remote[ABI_ICE_UFRAG];
};

struct stun_answer {
	uint8_t action; // enum stun_action
	uint8_t why;
	uint16_t length; // of `data`
	uint32_t priority;
	uint8_t data[STUN_MAX_REPLY];
};

#ifdef __cplusplus
extern "C" {
#endif

// Fills `view` only when the answer is STUN_GOOD.
enum stun_verdict stun_parse(struct stun_view *view, const uint8_t *data, size_t size);

void stun_key_make(struct stun_key *key, const uint8_t *password, size_t size);
// True when MESSAGE-INTEGRITY is there and right.
bool stun_verify(const struct stun_view *view, const uint8_t *data, const struct stun_key *key);

// Of credentials that the boundary has checked. Role OFF clears it.
void stun_ice_set(struct stun_ice *ice, const struct abi_leg_ice *from);

// What to do about a datagram that demux took for STUN, from `ip` (4 or 16 bytes, by family) and
// `port` (host order).
void stun_respond(struct stun_answer *answer, const struct stun_ice *ice, const uint8_t *data,
	size_t size, uint8_t family, const uint8_t *ip, uint16_t port);

uint32_t stun_crc32(const uint8_t *data, size_t size);

#ifdef __cplusplus
}
#endif
