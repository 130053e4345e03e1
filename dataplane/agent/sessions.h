// SPDX-License-Identifier: BSD-3-Clause
// Sessions: what becomes of a command that the boundary has let through.
//
// A session is a slot of the directory in region A. PORT_ALLOC gives it ports and a worker, ADD mails
// the worker a plan, and the reply leaves when the worker has confirmed; so what a reply says is true.
// DELETE mails the worker too; when the answer is back no packet of the session is forwarded any more,
// its ports rest, and the numbers in the reply are the last ones.
//
// Every command may come twice. PORT_ALLOC is known by its transaction, a plan by the transaction that
// brought it; DELETE of a session that rests is answered from the numbers that region A still has.
//
// Sessions outlive the control plane that made them. After RECONCILE_DONE and the grace time, those
// that the new one has not claimed are swept; sooner when it runs out of ports.
//
// Agent thread. Talks to workers by mail only.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/agent/hops.h"
#include "dataplane/agent/outbox.h"
#include "dataplane/agent/region.h"
#include "dataplane/session/ports.h"
#include "dataplane/session/table.h"

struct dp_recorder;
struct dp_worker;
struct sessions;
struct prompts;
struct transcoders;

struct sessions_config {
	struct region *region;
	struct outbox *outbox;
	struct hops *hops;
	const struct dp_table *table;
	struct dp_ports *ports;
	struct dp_worker **workers;
	uint32_t worker_count;
	struct transcoders *transcoders; // NULL: there are none
	struct prompts *prompts;         // NULL: not configured
	struct dp_recorder *recorder;    // NULL: not configured
	uint32_t count; // of session slots
	uint64_t rest_us;
	uint64_t grace_us;
};

#ifdef __cplusplus
extern "C" {
#endif

// 0 or -ENOMEM.
int sessions_new(struct sessions **out, const struct sessions_config *config);
// Workers must have stopped; takes back what is in their mailboxes.
void sessions_free(struct sessions *s);

// For what is freed, and for control planes that say RECONCILE_DONE, from now on.
void sessions_set_times(struct sessions *s, uint64_t rest_us, uint64_t grace_us);

// True when every worker can take another order.
bool sessions_room(const struct sessions *s);

// Carries out a command that boundary_check has let through. `ticket` is of outbox_expect.
void sessions_command(
	struct sessions *s, const struct abi_msg *command, uint64_t ticket, uint64_t now_us);

// What workers answered and noticed. Returns how much there was.
unsigned sessions_collect(struct sessions *s, uint64_t now_us);

// Takes one packet that a leg got and the control plane shall have. False: there is none.
bool sessions_punt(struct sessions *s, struct abi_punt *packet);
// Sends a packet of the control plane that boundary_inject has let through. False: lost.
bool sessions_inject(struct sessions *s, const struct abi_punt *packet, uint64_t now_us);

// A control plane of this generation has attached.
void sessions_attached(struct sessions *s, uint32_t generation);

// The control plane was cut off for what it did: what it has allocated and never used is given back
// at once, so that it cannot starve the next one of ports.
void sessions_misbehaved(struct sessions *s);

// Routes have changed: legs look for their next hops anew, a share of them each tick. A leg stays with
// its old next hop for a moment while the new one is being resolved.
void sessions_reroute(struct sessions *s, uint64_t now_us);

// Sweeping, resting, rerouting. To be called about ten times a second; true: more is to be done at
// once.
bool sessions_tick(struct sessions *s, uint64_t now_us);

#ifdef __cplusplus
}
#endif
