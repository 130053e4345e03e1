// SPDX-License-Identifier: BSD-3-Clause
// A session's plan: what the agent worked out for a worker to do. The agent fills it from commands
// that the boundary has checked, prepares it (everything that takes time), and mails it to the
// worker, which applies it between bursts by copying lines. After mailing nobody changes it; it
// comes back with the mail.
#pragma once

#include <stdint.h>

#include "dataplane/abi/message.h"
#include "dataplane/session/leg.h"
#include "dataplane/session/table.h"

#define DP_LEG_MEDIA (DP_LEG_A_TO_U | DP_LEG_U_TO_A | DP_LEG_CODEC | DP_LEG_RECORD)

// What becomes of a leg's RTP beside being relayed.
struct dp_leg_media {
	uint16_t flags; // of DP_LEG_MEDIA
	uint8_t codec_type;
	uint8_t transcoder;
};

struct dp_leg_plan {
	// filled by the agent
	struct dp_leg *leg; // of its RTP port, by dp_table_leg
	struct abi_leg_ports ports;
	uint8_t local_ip[16];
	struct abi_leg_plan want;  // as the control plane sent it, checked
	uint16_t adjacency[2];     // next hop towards the remote RTP and RTCP address
	struct abi_addr resume[2]; // learned by an earlier dataplane; family 0: nothing
	struct dp_leg_media media;
	uint32_t clock_rate; // of a leg with a codec; 0: the plan's
	// filled by dp_plan_prepare
	struct dp_template tx;
	uint32_t packet_cost;
	uint32_t octet_cost;
};

struct dp_plan {
	uint32_t slot;
	uint32_t generation;
	uint32_t timeout_ms;
	uint32_t clock_rate;
	uint32_t legs; // 1 or 2
	struct dp_leg_plan leg[2];
};

#ifdef __cplusplus
extern "C" {
#endif

// Agent: builds the templates and costs.
void dp_plan_prepare(struct dp_plan *plan);

// Agent: lays a fresh session into its legs' memory, forgetting what that held. The legs are not
// open yet, so the worker looks at nothing but their flags.
void dp_plan_lay(const struct dp_plan *plan, uint64_t now_us, uint64_t now_ticks);

// Agent: the leg forwards from now on, or no more; the worker sees it when it next looks, and may be
// in the midst of a packet for it. No mail for the leg may be under way. A closed leg keeps its
// numbers.
void dp_leg_open(struct dp_leg *leg);
void dp_leg_close(struct dp_leg *leg);

// Worker: a changed plan for a session that runs. Numbers go on; what was learned stays unless the
// leg's flags have ABI_LEG_RELEARN.
void dp_plan_update(const struct dp_plan *plan, uint64_t now_us);

// Worker, or the agent before the leg is open.
void dp_leg_set_media(struct dp_leg *leg, const struct dp_leg_media *media);

// Worker: the latch moved; aims the templates and the fast comparison at what it says now.
void dp_leg_follow_latch(struct dp_leg *leg);

#ifdef __cplusplus
}
#endif
