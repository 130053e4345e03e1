// SPDX-License-Identifier: BSD-3-Clause
// A leg: one party's side of a session, in the cache lines that forwarding touches.
//
// A leg lies at the place in memory that its local port names (table.h), so nothing is searched.
// Its memory is the agent's until it sends the ADD mail and after the DELETE mail came back, and
// that of the one worker that owns the port in between, but for the flag ACTIVE, which is the
// agent's; a worker looks only at the flags of a leg that is not ACTIVE. Numbers for others are
// published to region A.
//
// A packet between IPv4 parties touches the first two lines of the leg that it came to, one from or
// to an IPv6 party the third, too; none touches the other leg: the headers that it leaves with lie
// ready here. The lines are fetched as soon as the port is known. Everything else, RTCP too, is in
// the rare lines.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/message.h"
#include "dataplane/media/latch.h"
#include "dataplane/media/stats.h"

struct dp_secure_leg;

enum dp_leg_flags {
	DP_LEG_ACTIVE = 1u << 0,  // a session forwards here
	DP_LEG_RECEIVE = 1u << 1, // ABI_LEG_RECEIVE
	DP_LEG_MUX = 1u << 2,     // RTCP comes to the RTP port
	DP_LEG_PACKETS = 1u << 3, // packets a second are policed
	DP_LEG_OCTETS = 1u << 4,  // octets a second are policed
	DP_LEG_PT_MAP = 1u << 5,  // some payload type is renumbered
	DP_LEG_RTCP_IN = 1u << 6, // the other leg takes RTCP
	DP_LEG_SRTP_IN = 1u << 7, // what comes has to be SRTP
	DP_LEG_PROTECT = 1u << 8, // what came leaves as SRTP: the other leg has SRTP_OUT
	DP_LEG_OPAQUE = 1u << 9,  // RTCP is not looked into
	DP_LEG_DTLS = 1u << 10,   // DTLS goes to the control plane
	DP_LEG_A_TO_U = 1u << 11, // packets of codec_type are G.711 that the other leg takes in the other law
	DP_LEG_U_TO_A = 1u << 12,
	DP_LEG_CODEC = 1u << 13,  // goes to a transcoder
	DP_LEG_RECORD = 1u << 14, // a copy goes to the recorder
	DP_LEG_UDPTL = 1u << 15,  // T.38, not RTP
};

// Why nothing is sent onward; 0 when something is.
enum dp_onward_state {
	DP_ONWARD_READY = 0,
	DP_ONWARD_HOLD = 1,      // the plan does not let us send to the party
	DP_ONWARD_NO_REMOTE = 2, // nobody has said where to
	DP_ONWARD_NO_PEER = 3,   // the session has only one leg
	DP_ONWARD_NO_CONSENT = 4, // the party does not consent any more (RFC 7675)
};

// How a packet leaves: ready-made headers, where lengths, id and checksums are put in. IPv6 headers
// do not fit here, they lie apart.
struct dp_onward {
	uint8_t header4[28]; // IP and UDP
	uint16_t ip_sum;     // of the IPv4 header's words without length, id and checksum
	// Addresses and ports of the new headers less those of a packet from the confirmed source:
	// what carries a received UDP checksum over.
	uint16_t carry_sum;
	uint16_t adjacency; // index of the next hop; DP_ADJACENCY_NONE
	uint8_t l3_length;  // 20 or 40
	uint8_t state;      // enum dp_onward_state
};

// Line 0: what may come in, and how it leaves. The source is the confirmed one; until the latch is
// confirmed port is 0, which matches nothing and sends the packet the slow way (admit.c).
struct dp_leg_rx {
	uint32_t source4;     // IPv4 parties, network order
	uint16_t source_port; // network order
	uint16_t flags;       // enum dp_leg_flags
	uint64_t payload_types[2];
	struct dp_onward onward;
	uint8_t codec_type; // A_TO_U, U_TO_A: which packets
	uint8_t reserved[3];
};

// Line 2: what IPv6 needs more.
struct dp_leg_six {
	uint8_t source[16]; // confirmed, of an IPv6 party
	uint8_t header[48]; // IP and UDP, to an IPv6 party
};

// Policing. Times are 2^-20 s, wrapping: when what came before is paid off.
struct dp_leg_police {
	uint32_t packet_time;
	uint32_t packet_cost;
	uint32_t octet_time;
	uint32_t octet_cost; // 2^-36 s
};

// The headers of one way, whole: for plans and for RTCP.
struct dp_template {
	struct dp_onward onward;
	uint8_t six[48];
};

struct dp_pt_map { // struct abi_pt_map has another name in C++
	uint8_t from;
	uint8_t to;
};

struct dp_leg {
	struct dp_leg_rx rx;    // line 0
	struct rtp_stats stats; // line 1
	struct dp_leg_six six;  // line 2
	// ---- rare lines
	struct dp_leg *peer; // the other party's leg; NULL: nobody
	struct dp_leg_police police;
	struct latch latch[2]; // RTP, RTCP of its own port
	struct rtp_stats_rare more;
	uint64_t last_us;       // last packet as of the last sweep; CLOCK_MONOTONIC
	uint64_t since_us;      // the plan is that old: silence counts from here
	// Accepted from this leg but not sent on, less what a transcoder has made of it: so they may wrap.
	uint64_t unsent_octets;
	uint64_t unsent_packets;
	uint32_t rtcp_packets;
	uint32_t strangers;
	uint32_t slot; // session slot and generation
	uint32_t generation;
	uint32_t timeout_ms;     // 0: silence is no matter
	uint32_t swept;          // stats.last as of the last sweep
	uint32_t swept_dropped;  // stats.dropped as of the last sweep
	uint16_t rtcp_port;      // local, network order
	uint16_t rtcp_adjacency; // next hop towards the remote RTCP address
	struct dp_pt_map pt_map[ABI_PT_MAPS];
	uint8_t pt_maps;
	uint8_t index;      // 0 or 1: which leg of the session
	uint8_t kind;       // enum abi_leg_kind
	uint8_t timed_out;  // 1: the agent was told, and nothing came since
	uint8_t untold;     // bit n: the agent was not told yet what component n learned
	uint8_t rtcp_state; // enum dp_onward_state for RTCP
	uint8_t dscp;
	uint8_t transcoder;         // CODEC: index of the transcoder
	struct dp_secure_leg *secure; // secure.h; NULL: neither SRTP nor ICE
} __attribute__((aligned(64)));

#define DP_LEG_SIZE              448u
#define DP_LEG_HELD(type, bytes) _Static_assert(sizeof(type) == (bytes), "cache lines of " #type)
#ifdef __cplusplus
#undef DP_LEG_HELD
#define DP_LEG_HELD(type, bytes) static_assert(sizeof(type) == (bytes), "cache lines of " #type)
#endif
DP_LEG_HELD(struct dp_leg_rx, 64);
DP_LEG_HELD(struct dp_onward, 36);
DP_LEG_HELD(struct dp_leg_six, 64);
DP_LEG_HELD(struct rtp_stats, 64);
DP_LEG_HELD(struct dp_leg, DP_LEG_SIZE);

#define DP_DEFAULT_CLOCK 8000u // of RTP timestamps when the codec is not known

// Policing lets a leg be this much ahead of its rate: a network that held packets back delivers
// them at once.
#define DP_POLICE_BURST (1u << 19) // 2^-20 s: half a second

#ifdef __cplusplus
extern "C" {
#endif

// Headers for packets from local to remote. `remote` of family 0 gives NO_REMOTE, else the state is
// READY. The next hop is kept as it is. Families of local and remote must agree. DSCP 0..63.
void dp_template_write(struct dp_template *t, const struct latch_addr *local,
	const struct latch_addr *remote, uint8_t dscp);

// After consent was lost or came back, or the headers of the other leg were aimed: READY becomes NO_CONSENT, or the reverse.
void dp_leg_note_consent(struct dp_leg *leg);

// Another destination for headers that were written before; `six` are the IPv6 ones. Keeps HOLD.
void dp_onward_aim(struct dp_onward *o, uint8_t six[48], const struct latch_addr *remote);

// Notes what carries checksums over, after source, headers or those of the other way changed.
void dp_leg_note_carry(struct dp_leg *leg);

// Headers for RTCP that came from the leg's party, to the other one: from our RTCP port there to
// the party's. Two ports may be one.
void dp_leg_rtcp_template(const struct dp_leg *leg, struct dp_template *t);

// When the last accepted packet came; CLOCK_MONOTONIC microseconds. Only after a first one.
uint64_t dp_leg_last_us(const struct dp_leg *leg, uint64_t now_ticks);

// What the leg's numbers are now, as region A and reports have them; sent_ is what `peer`, the
// other leg or NULL, received and was sent on from it.
void dp_leg_stats(const struct dp_leg *leg, uint64_t now_ticks, struct abi_leg_stats *stats);

#ifdef __cplusplus
}
#endif

// The headers, IPv4 or IPv6.
static inline const uint8_t *dp_onward_headers(const struct dp_onward *o, const uint8_t six[48])
{
	return o->l3_length == 20 ? o->header4 : six;
}

// Microseconds of CLOCK_MONOTONIC and the 2^-20 second ticks that the hot path counts in.
static inline uint64_t dp_us_to_ticks(uint64_t us)
{
	return (us << 14) / 15625;
}

static inline uint64_t dp_ticks_to_us(uint64_t ticks)
{
	return ticks * 15625 >> 14;
}
