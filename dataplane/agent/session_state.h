// SPDX-License-Identifier: BSD-3-Clause
// What sessions.c, session_plan.c and session_orders.c share; nobody else includes it.
#pragma once

#include "dataplane/agent/session_slots.h"
#include "dataplane/agent/sessions.h"
#include "dataplane/worker/worker.h"

#define BIT(leg, part) (1u << ((leg)*2 + (part)))

enum purpose {
	ORDER_ADD,
	ORDER_UPDATE,
	ORDER_QUERY,  // reply with a report
	ORDER_DELETE, // reply with a report; then the session rests
	ORDER_SWEEP,  // nobody waits; then the session rests
	ORDER_HOP,    // nobody waits
	ORDER_SECURE, // keys, ICE or learned addresses
	ORDER_INJECT, // nobody waits
	ORDER_MEDIA,  // nobody waits
};

struct order {
	struct dp_mail mail; // first: a mail that comes back is its order
	struct order *next;
	uint64_t ticket;
	uint32_t slot;
	uint8_t purpose;
	uint16_t release[2][2]; // next hops that no leg names any more when it is back
};

struct sessions {
	struct sessions_config c;
	struct slots slots;
	struct order *spare;
	uint32_t generation;  // of the control plane
	uint64_t sweep_at_us; // 0: not asked for
	uint32_t sweep_next;  // slot
	uint32_t purge_next;  // slot
	bool purging;         // a control plane was cut off
	uint32_t walk_next;   // slot to reroute next
	unsigned recordings; // that run
	bool walking, walk_again;
	bool walk_waits;        // some leg keeps its old next hop until the new one is resolved
	uint64_t walk_until_us; // but no longer than this
};

static inline struct region *region_of(const struct sessions *s)
{
	return s->c.region;
}

static inline struct abi_session_entry *entry_of(const struct sessions *s, uint32_t slot)
{
	return &s->c.region->directory[slot];
}

// ---- session_orders.c: mail to workers, and what is told to the control plane

// NULL: out of memory.
struct order *order_new(
	struct sessions *s, enum purpose purpose, enum dp_mail_type type, uint32_t slot);
void order_free(struct sessions *s, struct order *order);
// 0 or -EBUSY.
int order_send(struct sessions *s, struct order *order);
// An order that only names the session. 0, -ENOMEM or -EBUSY.
int order_target(struct sessions *s, enum purpose purpose, enum dp_mail_type type, uint32_t slot,
	uint64_t ticket);
struct dp_leg *order_leg(const struct sessions *s, uint32_t slot, unsigned leg);

void reply_failure(
	struct sessions *s, uint64_t ticket, int err, enum abi_field field, unsigned leg);
void reply_ports(struct sessions *s, uint64_t ticket, uint32_t slot);
void reply_report(
	struct sessions *s, uint64_t ticket, const struct abi_leg_stats *stats, unsigned legs);
// The numbers that region A has of a session; zeros when it never forwarded.
void session_published(const struct sessions *s, uint32_t slot, struct abi_leg_stats stats[2]);
void reply_published(struct sessions *s, uint64_t ticket, uint32_t slot);
void session_tell_message(struct sessions *s, const struct abi_msg *msg);
void session_tell(
	struct sessions *s, uint16_t type, uint32_t slot, const void *payload, size_t size);

// ---- session_secure.c: keys, ICE, packets of the control plane

void secure_command(struct sessions *s, const struct abi_msg *command, uint64_t ticket);
void secure_answered(struct sessions *s, struct order *order);
void secure_event(struct sessions *s, const struct dp_event *event, uint64_t now_us);
// What a session has of it, with its keys; what a mail has that will not be sent.
void secure_free(struct session *session);
void secure_free_mail(struct dp_mail *mail);

// ---- session_plan.c: plans, and the next hops of what they send to

void plan_session(
	struct sessions *s, const struct abi_msg *command, uint64_t ticket, uint64_t now_us);
// Gives back the users of up to four next hops.
void plan_put_hops(struct sessions *s, uint16_t adjacency[2][2]);
// A leg's remote address was learned.
void plan_learned(struct sessions *s, const struct dp_event *event, uint64_t now_us);
// A share of sessions_reroute. True: more is to be done.
bool plan_reroute_some(struct sessions *s, uint64_t now_us);
