// SPDX-License-Identifier: BSD-3-Clause
// Symmetric RTP: which source a leg listens to, and where it sends.
//
// The control plane signals an address and a policy (enum abi_source_policy). What the policy
// leaves open is learned from the first acceptable packet: the caller has already checked that it
// is valid RTP of a payload type that the leg may receive. One packet is a candidate: media goes to
// it at once, so that nobody waits behind a NAT, but anybody might have sent it, so another
// acceptable source may still take its place. The next packet of the same source that continues the
// candidate's sequence confirms it. From then on the latch is strict: every other source is a
// stranger until latch_init is called for a new offer or answer. A packet from exactly the
// signalled address needs no second one.
//
//     OPEN --acceptable--> LEARNED --continues--> CONFIRMED        EXACT policy: CONFIRMED at once
//       \____________signalled address____________/
//
// RTCP has a latch of its own when it has a port of its own. It follows the RTP latch: once RTP is
// confirmed, RTCP must come from that IP address.
//
// Owner: the leg's worker. No I/O.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "dataplane/abi/message.h"

enum latch_state {
	LATCH_OPEN = 0,
	LATCH_LEARNED = 1,
	LATCH_CONFIRMED = 2,
};

struct latch_addr {     // 20 bytes
	uint8_t ip[16]; // IPv4 in the first four, rest zero
	uint16_t port;  // network order, 0: none
	uint8_t family; // 4, 6, 0: none
	uint8_t reserved;
};

struct latch { // 48 bytes
	struct latch_addr signalled;
	struct latch_addr learned; // the candidate or the confirmed source
	uint32_t ssrc;             // of the candidate
	uint16_t seq;
	uint8_t policy; // enum abi_source_policy
	uint8_t state;  // enum latch_state
};

// Beside enum abi_source_policy: nobody is learned but whom ICE nominates.
#define LATCH_BY_ICE 255u

enum latch_verdict {
	LATCH_STRANGER = 0,      // refuse it
	LATCH_ACCEPT = 1,        // nothing changed
	LATCH_MOVED = 2,         // accept; `learned` is a new candidate
	LATCH_SETTLED = 3,       // accept; `learned` is confirmed and has not changed
	LATCH_MOVED_SETTLED = 4, // accept; `learned` is new and confirmed
};

// A candidate's next packet may lie this far ahead.
#define LATCH_WINDOW 100u

static inline bool latch_same(const struct latch_addr *a, const struct latch_addr *b)
{
	return memcmp(a->ip, b->ip, 16) == 0 && a->port == b->port && a->family == b->family;
}

static inline bool latch_same_ip(const struct latch_addr *a, const struct latch_addr *b)
{
	return memcmp(a->ip, b->ip, 16) == 0 && a->family == b->family;
}

#ifdef __cplusplus
extern "C" {
#endif

// Forgets what was learned. `signalled` may have port 0: none was signalled yet.
void latch_init(struct latch *l, const struct latch_addr *signalled, uint8_t policy);

// Another signalled address or policy without learning anew: what was learned stays unless the
// policy no longer allows it.
void latch_resignal(struct latch *l, const struct latch_addr *signalled, uint8_t policy);

// Learning starts anew but the party's signalled address is the old one: what was learned is a
// candidate again, so that sending goes on. The stream stands at `ssrc` and `seq`.
void latch_reopen(struct latch *l, uint32_t ssrc, uint16_t seq);

// Takes what an earlier dataplane learned, as confirmed, when the policy allows it.
void latch_resume(struct latch *l, const struct latch_addr *learned);

// ICE has nominated this source: it is confirmed, whatever the policy says. True when it is a new one.
bool latch_nominate(struct latch *l, const struct latch_addr *source);

// An acceptable RTP packet came from `source`.
enum latch_verdict latch_rtp(
	struct latch *l, const struct latch_addr *source, uint32_t ssrc, uint16_t seq);

// A valid RTCP packet came to the leg's RTCP port. `rtp` is the leg's RTP latch.
enum latch_verdict latch_rtcp(
	struct latch *l, const struct latch *rtp, const struct latch_addr *source);

// A valid RTCP packet came to the port that carries RTP too. It never moves the latch.
bool latch_muxed_rtcp(const struct latch *l, const struct latch_addr *source);

// Where to send now: what was learned, else what was signalled. Family 0 when neither is known.
struct latch_addr latch_remote(const struct latch *l);
// Where to send RTCP of a leg with an RTCP port: learned; else the signalled port, at the address
// that RTP was learned from.
struct latch_addr latch_remote_rtcp(const struct latch *l, const struct latch *rtp);

struct latch_addr latch_from_abi(const struct abi_addr *addr);
struct abi_addr latch_to_abi(const struct latch_addr *addr);

#ifdef __cplusplus
}
#endif
