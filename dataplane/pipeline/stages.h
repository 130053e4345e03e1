// SPDX-License-Identifier: BSD-3-Clause
// THE table of the stages, and the counters of a worker.
//
// A stage is a function over a burst: `unsigned stage(struct dp_worker *, struct dp_burst *)`. It
// returns how many packets go on. It never allocates, locks, makes a system call or writes a log;
// what it refuses it gives to dp_drop with a reason, and that reason is a counter with a name and a
// sentence for the operator.
//
// To add a stage: one file, one line in dp_stages (stages.c), its reasons in the enum and in
// dp_counters.
#pragma once

#include <stdint.h>

#include "dataplane/abi/counters.h"

struct dp_worker;
struct dp_burst;

enum dp_stage_id {
	DP_STAGE_RX = 0,
	DP_STAGE_LOOKUP,
	DP_STAGE_HANDOFF,
	DP_STAGE_UNPROTECT,
	DP_STAGE_ADMIT,
	DP_STAGE_DIVERT,
	DP_STAGE_PROTECT,
	DP_STAGE_RELAY,
	DP_STAGE_TX,
	DP_STAGE_PUNT,
	DP_STAGES,
};

typedef unsigned (*dp_stage)(struct dp_worker *worker, struct dp_burst *burst);

struct dp_stage_entry {
	const char *name;
	dp_stage run;
};

extern const struct dp_stage_entry dp_stages[DP_STAGES];

// Why a packet was dropped. The order is that of the stages; also the first counters of a worker's
// block.
enum dp_reason {
	// lookup
	DP_DROP_SHORT = 0,
	DP_DROP_OTHER_VLAN,
	DP_DROP_NOT_IP,
	DP_DROP_BAD_IP,
	DP_DROP_IP_CHECKSUM,
	DP_DROP_NOT_OURS,
	DP_DROP_FRAGMENT,
	DP_DROP_NOT_UDP,
	DP_DROP_BAD_UDP,
	DP_DROP_UDP_CHECKSUM,
	DP_DROP_SEGMENTED,
	DP_DROP_NOT_MEDIA,
	DP_DROP_UNKNOWN_PORT, // admit, too, while the session is being set up or ends
	// handoff
	DP_DROP_HANDOFF_FULL,
	// unprotect
	DP_DROP_SRTP_AUTH,
	DP_DROP_SRTP_REPLAYED,
	DP_DROP_SRTP_NO_KEY,
	DP_DROP_SRTP_PLAIN,
	DP_DROP_SRTP_TRUNCATED,
	DP_DROP_SRTP_SSRCS,
	// admit
	DP_DROP_STUN,
	DP_DROP_STUN_BAD,
	DP_DROP_STUN_CREDENTIALS,
	DP_DROP_STUN_ROLE,
	DP_DROP_STUN_ATTRIBUTE,
	DP_DROP_STUN_LATE,
	DP_DROP_DTLS,
	DP_DROP_DTLS_UNCHECKED,
	DP_DROP_DTLS_RATE,
	DP_DROP_NOT_RTP,
	DP_DROP_BAD_RTP,
	DP_DROP_BAD_RTCP,
	DP_DROP_NOT_RTCP,
	DP_DROP_BAD_UDPTL,
	DP_DROP_RTCP_ON_RTP,
	DP_DROP_PAYLOAD_TYPE,
	DP_DROP_HOLD,
	DP_DROP_STRANGER,
	DP_DROP_STRANGER_RTCP,
	DP_DROP_PACKET_RATE,
	DP_DROP_OCTET_RATE,
	DP_DROP_RTCP_UNWANTED,
	DP_DROP_NO_PEER,
	DP_DROP_NOT_SENDING,
	DP_DROP_NO_REMOTE,
	DP_DROP_NO_CONSENT,
	// divert
	DP_DROP_TRANSCODER_FULL,
	// protect
	DP_DROP_SRTP_OUT_NO_KEY,
	DP_DROP_SRTP_OUT_REPEATED,
	DP_DROP_SRTP_OUT_EXHAUSTED,
	DP_DROP_SRTP_OUT_BAD,
	DP_DROP_NO_TAILROOM,
	// relay
	DP_DROP_NO_NEXT_HOP,
	DP_DROP_LINK_DOWN,
	DP_DROP_TOO_BIG,
	DP_DROP_NO_HEADROOM,
	// tx
	DP_DROP_TX_FULL,
	DP_DROP_NO_QUEUE,
	// punt
	DP_DROP_PUNT_FULL,
	DP_REASONS,
};

enum dp_counter {
	DP_COUNT_RX = DP_REASONS, // frames received
	DP_COUNT_RX_OCTETS,
	DP_COUNT_RTP, // packets relayed
	DP_COUNT_RTCP,
	DP_COUNT_TX_OCTETS,
	DP_COUNT_WHOLE,  // whole UDP checksums computed
	DP_COUNT_PUNT,   // to the kernel
	DP_COUNT_KERNEL, // from the kernel
	DP_COUNT_FRAGMENT_PUNT,
	DP_COUNT_HANDED, // to other workers
	DP_COUNT_LEARNED,
	DP_COUNT_CONFIRMED,
	DP_COUNT_TIMEOUTS,
	DP_COUNT_SRTP_IN, // packets made clear
	DP_COUNT_SRTP_OUT,
	DP_COUNT_STUN, // binding requests answered with success
	DP_COUNT_NOMINATED,
	DP_COUNT_TO_CONTROL, // packets for the control plane
	DP_COUNT_TO_CONTROL_FULL,
	DP_COUNT_INJECTED,
	DP_COUNT_INJECT_LOST,
	DP_COUNT_DIVERTED, // RTP and RTCP to transcoders
	DP_COUNT_MADE,     // and from them
	DP_COUNT_MADE_LOST,
	DP_COUNT_COMPANDED,
	DP_COUNT_RECORDED,
	DP_COUNT_RECORD_LOST,
	DP_COUNT_EVENTS_LATE,
	DP_COUNT_MAILS,
	DP_COUNT_SESSIONS, // gauge
	DP_COUNT_LOOPS,
	DP_COUNT_IDLE_LOOPS,
	DP_COUNT_SLEEPS,
	DP_COUNT_CYCLES, // of loops that did something
	DP_COUNT_STAGE_CALLS,
	DP_COUNT_STAGE_PACKETS = DP_COUNT_STAGE_CALLS + DP_STAGES,
	DP_COUNT_STAGE_CYCLES = DP_COUNT_STAGE_PACKETS + DP_STAGES,
	DP_COUNT_STAGE_SAMPLED = DP_COUNT_STAGE_CYCLES + DP_STAGES,
	DP_COUNTERS = DP_COUNT_STAGE_SAMPLED + DP_STAGES,
};

#ifdef __cplusplus
extern "C" {
#endif

// The descriptors of a worker's block, in the order of the enums above. hawse-media appends the
// agent's.
extern const struct abi_counter dp_counters[DP_COUNTERS];

unsigned dp_stage_rx(struct dp_worker *worker, struct dp_burst *burst);
unsigned dp_stage_lookup(struct dp_worker *worker, struct dp_burst *burst);
unsigned dp_stage_handoff(struct dp_worker *worker, struct dp_burst *burst);
unsigned dp_stage_unprotect(struct dp_worker *worker, struct dp_burst *burst);
unsigned dp_stage_protect(struct dp_worker *worker, struct dp_burst *burst);
unsigned dp_stage_admit(struct dp_worker *worker, struct dp_burst *burst);
unsigned dp_stage_divert(struct dp_worker *worker, struct dp_burst *burst);
unsigned dp_stage_relay(struct dp_worker *worker, struct dp_burst *burst);
unsigned dp_stage_tx(struct dp_worker *worker, struct dp_burst *burst);
unsigned dp_stage_punt(struct dp_worker *worker, struct dp_burst *burst);

// Runs one burst through the whole table; what `burst` held before is forgotten. Returns packets
// received.
unsigned dp_stages_run(struct dp_worker *worker, struct dp_burst *burst);

// Takes what transcoders have made and sends it through the stages from protect on. Returns packets.
unsigned dp_stages_made(struct dp_worker *worker, struct dp_burst *burst);

#ifdef __cplusplus
}
#endif
