// SPDX-License-Identifier: BSD-3-Clause
// What the stages that secure media share; for pipeline/ and worker/ only. The worker's thread.
#pragma once

#include "dataplane/pipeline/checksum.h"
#include "dataplane/session/secure.h"
#include "dataplane/worker/state.h"

// Beside drop reasons: what became of a packet that does not go on.
#define DP_TAKEN (DP_REASONS + 1) // it was copied; nobody counts it
#define DP_SENT  (DP_REASONS + 2) // its buffer is gone

static __rte_always_inline bool dp_from_party(
	const struct dp_leg *leg, const struct dp_packet *k, const uint8_t *frame)
{
	const uint8_t *ip = frame + k->ip, *udp = frame + k->payload - 8;

	if (unlikely(leg->rx.source_port != dp_word16(udp)))
		return false;
	if (likely(k->family == 4))
		return leg->rx.source4 == dp_word32(ip + 12);
	return memcmp(leg->six.source, ip + 8, 16) == 0;
}

static inline struct latch_addr dp_source_of(const struct dp_packet *k, const uint8_t *frame)
{
	struct latch_addr a = {.family = k->family, .port = dp_word16(frame + k->payload - 8)};

	if (k->family == 4)
		memcpy(a.ip, frame + k->ip + 12, 4);
	else
		memcpy(a.ip, frame + k->ip + 8, 16);
	return a;
}

// The other leg's part of a session's secure lines.
static inline struct dp_secure_leg *dp_secure_other(const struct dp_leg *leg)
{
	return leg->index ? leg->secure - 1 : leg->secure + 1;
}

// compand.c: the payload type's number, and G.711 in the other law; what that changes of a checksum.
#define DP_LEG_CHANGES (DP_LEG_PT_MAP | DP_LEG_A_TO_U | DP_LEG_U_TO_A)
uint64_t dp_change_rtp(struct dp_worker *w, const struct dp_packet *k, uint8_t *rtp);

// admit.c: a drop reason, or DP_REASONS.
unsigned dp_police(struct dp_leg *leg, uint32_t octets, uint32_t now);

// udptl.c: T.38. A drop reason, or DP_REASONS.
unsigned dp_admit_udptl(struct dp_worker *w, struct dp_packet *k, const uint8_t *frame, uint64_t now);

// divert.c: what transcoders have made, as a burst for protect. Returns its size.
unsigned dp_take_made(struct dp_worker *w, struct dp_burst *b);

// ice.c: STUN at a leg that has ICE, and DTLS. A drop reason, DP_TAKEN or DP_SENT.
unsigned dp_admit_stun(struct dp_worker *w, struct dp_burst *b, unsigned i);
unsigned dp_admit_dtls(struct dp_worker *w, struct dp_burst *b, unsigned i);

// worker/secure.c
// Notes that a packet was refused, for the control plane; sweeps tell it.
void dp_refuse(const struct dp_leg *leg, struct dp_secure_leg *secure, enum abi_direction direction,
	enum dp_refusal why, uint32_t ssrc, uint64_t now);
// A packet for the control plane. False: no room.
bool dp_to_control(
	struct dp_worker *w, const struct dp_packet *k, enum abi_punt_kind kind, bool valid);
