// SPDX-License-Identifier: BSD-3-Clause
// What is let in when more comes than can be served: the questions of overload.h, asked of bytes that nobody
// has parsed, and the cheap 503.
//
// Never kept out: responses, ACK, CANCEL, requests within a dialog, and repetitions of an INVITE that was let
// in. Calls to the emergency numbers of the configuration go before other new requests. A peer gets 503 with
// Retry-After, to the packet's source and nowhere else; a stranger above his rate gets nothing, and one who
// sends junk is not read at all for a while. Peers are never muted: their addresses can be forged.
//
// Thread: the one of the loop.
#pragma once

#include "controlplane/overload.h"
#include "controlplane/trunk/policy.h"
#include "sip/screen.h"

struct cp_gate;

struct cp_gate_packet {
	const struct sip_flow *source;
	const uint8_t *data;
	size_t n;
	uint64_t now_us, waited_us;
	struct sip_peek peek;
	bool peeked;     // else it is no SIP: for the screen to say so
	bool peer;       // its sender is one
	bool known_call; // its Call-ID is that of a call which was let in
};

enum cp_gate_verdict {
	CP_GATE_PASS,
	CP_GATE_DROP,
	CP_GATE_ANSWER, // send *answer to the source, and forget it
};

struct cp_gate_counters {
	struct cp_overload_counters overload;
	uint64_t acks; // of our 503s: dropped
};

#ifdef __cplusplus
extern "C" {
#endif

// 0 or -errno.
int cp_gate_new(struct cp_gate **out, const struct cp_policy *policy);
void cp_gate_free(struct cp_gate *g);
// Limits and numbers of another policy. 0, or -ENOMEM: the old ones stay.
int cp_gate_set_policy(struct cp_gate *g, const struct cp_policy *policy);

// Is this source not to be listened to? Ask before anything else.
// Is this URI one of the emergency numbers?
bool cp_gate_is_emergency(const struct cp_gate *g, struct sip_slice uri);

bool cp_gate_muted(struct cp_gate *g, uint64_t now_us, const struct sip_flow *source);
// `answer` lies in the gate until the next call.
enum cp_gate_verdict cp_gate_check(
	struct cp_gate *g, const struct cp_gate_packet *p, struct sip_slice *answer);
// What this source sent was refused unread. Not for peers.
void cp_gate_junk(struct cp_gate *g, uint64_t now_us, const struct sip_flow *source);

void cp_gate_count(const struct cp_gate *g, struct cp_gate_counters *out);

#ifdef __cplusplus
}
#endif
