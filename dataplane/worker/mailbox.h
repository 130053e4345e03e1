// SPDX-License-Identifier: BSD-3-Clause
// Mail between the agent and one worker: rings of one producer and one consumer inside the process.
//
// The agent allocates a mail, fills it and sends it; the worker does what it says between two
// bursts, writes the answer into the same mail and returns it; the agent frees it. So the worker
// never allocates. A returned mail always finds room, because no more mails are out than the ring
// holds. Events are small, go one way, and are kept back by the worker while the agent is late.
// Agents use dp_worker_send, _reply and _event (worker.h), which do more than move pointers.
//
// ADD and DELETE do not trouble the worker (agent_side.c): they come back to the agent by lists of
// its own. What a DELETE waits for is a fence: the agent asks with a number in the ring's line that
// the worker reads anyway, and the worker repeats that number between two bursts.
//
// Threads: one agent, one worker.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/message.h"
#include "dataplane/session/plan.h"
#include "dataplane/session/secure.h"

#define DP_MAIL_SLOTS  1024u
#define DP_EVENT_SLOTS 1024u
#define DP_PUNT_SLOTS  64u // packets of one worker for the control plane

enum dp_mail_type {
	DP_MAIL_ADD = 1,    // plan: a session starts to forward
	DP_MAIL_UPDATE = 2, // plan: a session changes; stats come back
	DP_MAIL_DELETE = 3, // target: stops; the last stats come back
	DP_MAIL_QUERY = 4,  // target: stats come back and are published
	DP_MAIL_HOP = 5,    // hop: another next hop for a leg
	DP_MAIL_KEYS = 6,    // keys: SRTP contexts; those that they replace come back
	DP_MAIL_ICE = 7,     // ice: credentials
	DP_MAIL_LEARNED = 8, // learned: what an earlier dataplane knew
	DP_MAIL_INJECT = 9,  // inject: a packet to be sent
	DP_MAIL_MEDIA = 10,  // media: to a transcoder or the recorder from now on, or no more
};

struct dp_mail_target {
	uint32_t slot;
	uint32_t generation;
	uint32_t legs;
	struct dp_leg *leg[2];
};

struct dp_mail_hop {
	uint32_t slot;
	uint32_t generation;
	struct dp_leg *leg;
	uint16_t adjacency[2]; // RTP, RTCP
};

struct dp_mail_secure { // what mails for secured legs begin with
	uint32_t slot;
	uint32_t generation;
	struct dp_secure *secure; // the session's; becomes the legs' with the first mail
	uint8_t leg;
};

struct dp_mail_keys {
	struct dp_mail_secure to;
	uint32_t directions;             // bit 1 << enum abi_direction
	uint32_t component;              // as in struct abi_leg_keys
	struct srtp_context *context[2]; // NULL: none any more. Back: to be freed
};

struct dp_mail_ice {
	struct dp_mail_secure to;
	struct stun_ice ice;
};

struct dp_mail_learned {
	struct dp_mail_secure to;
	struct abi_addr addr[2][2]; // by leg and component
};

struct dp_mail_inject {
	struct dp_mail_secure to;
	uint16_t adjacency;
	struct dp_template headers;
	const struct abi_punt *packet; // the agent's
};

struct dp_mail_media {
	uint32_t slot;
	uint32_t generation;
	struct dp_leg_media leg[2];
};

struct dp_mail {
	uint32_t type;         // enum dp_mail_type
	int32_t result;        // worker: 0, -ENOENT (no such session here), -EEXIST (ADD), -EINVAL
	uint64_t cookie;       // the agent's
	void *owner;           // the agent's
	struct dp_mail *next;  // dp_worker_send's
	struct dp_leg *leg[2]; // dp_worker_send: those of a session that begins or ends
	union {
		struct dp_plan plan;
		struct dp_mail_target target;
		struct dp_mail_hop hop;
		struct dp_mail_secure secure;
		struct dp_mail_keys keys;
		struct dp_mail_ice ice;
		struct dp_mail_learned learned;
		struct dp_mail_inject inject;
		struct dp_mail_media media;
	};
	struct abi_leg_stats stats[2]; // worker: after UPDATE, DELETE, QUERY
};

enum dp_event_type {
	DP_EVENT_LEARNED =
		1, // remote, ssrc, component: please look for the next hop too (DP_MAIL_HOP)
	DP_EVENT_TIMEOUT = 2,   // last_us
	DP_EVENT_NOMINATED = 3, // remote, component, last_us; ssrc: the priority. As LEARNED
	DP_EVENT_ICE_LOST = 4,  // the same
	DP_EVENT_REFUSED = 5,   // count, ssrc; component: the direction; last_us: of the first
	DP_EVENT_DTLS = 6,      // remote, component
};

struct dp_event {
	uint32_t type;
	uint32_t slot;
	uint32_t generation;
	uint8_t leg;
	uint8_t component; // 0 RTP, 1 RTCP
	uint8_t confirmed; // LEARNED: 1 when the latch is strict already
	uint8_t reserved;
	uint32_t ssrc;
	struct abi_addr remote;
	uint64_t last_us;
	uint32_t count[DP_REFUSALS];
};

struct dp_mail_ring {
	uint32_t head ABI_LINE; // producer
	uint32_t tail_seen;
	uint32_t fence;         // producer: to the worker, asked for; to the agent, passed
	uint32_t tail ABI_LINE; // consumer
	uint32_t head_seen;
	struct dp_mail *slot[DP_MAIL_SLOTS] ABI_LINE;
};

struct dp_event_ring {
	uint32_t head ABI_LINE;
	uint32_t tail_seen;
	uint32_t tail ABI_LINE;
	uint32_t head_seen;
	struct dp_event slot[DP_EVENT_SLOTS] ABI_LINE;
};

struct dp_mail_list { // first in, first out; the agent's
	struct dp_mail *first, *last;
};

struct dp_punt_ring {
	uint32_t head ABI_LINE; // producer
	uint32_t tail ABI_LINE; // consumer
	struct abi_punt slot[DP_PUNT_SLOTS] ABI_LINE;
};

struct dp_mailbox {
	struct dp_mail_ring to_worker;
	struct dp_mail_ring to_agent;
	struct dp_event_ring events;
	struct dp_punt_ring punts;
	// agent
	uint32_t out ABI_LINE;      // mails that have not come back
	struct dp_mail_list done;   // may be pulled
	struct dp_mail_list fenced; // deletions that wait for the fence that was asked for
	struct dp_mail_list closed; // deletions that wait for the next one
};

static inline bool dp_mail_push(struct dp_mail_ring *r, struct dp_mail *mail)
{
	uint32_t head = r->head;

	if (head - r->tail_seen == DP_MAIL_SLOTS) {
		r->tail_seen = __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE);
		if (head - r->tail_seen == DP_MAIL_SLOTS)
			return false;
	}
	r->slot[head % DP_MAIL_SLOTS] = mail;
	__atomic_store_n(&r->head, head + 1, __ATOMIC_RELEASE);
	return true;
}

static inline struct dp_mail *dp_mail_pull(struct dp_mail_ring *r)
{
	uint32_t tail = r->tail;
	struct dp_mail *mail;

	if (tail == r->head_seen) {
		r->head_seen = __atomic_load_n(&r->head, __ATOMIC_ACQUIRE);
		if (tail == r->head_seen)
			return NULL;
	}
	mail = r->slot[tail % DP_MAIL_SLOTS];
	__atomic_store_n(&r->tail, tail + 1, __ATOMIC_RELEASE);
	return mail;
}

static inline bool dp_event_push(struct dp_event_ring *r, const struct dp_event *event)
{
	uint32_t head = r->head;

	if (head - r->tail_seen == DP_EVENT_SLOTS) {
		r->tail_seen = __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE);
		if (head - r->tail_seen == DP_EVENT_SLOTS)
			return false;
	}
	r->slot[head % DP_EVENT_SLOTS] = *event;
	__atomic_store_n(&r->head, head + 1, __ATOMIC_RELEASE);
	return true;
}

static inline bool dp_event_pull(struct dp_event_ring *r, struct dp_event *event)
{
	uint32_t tail = r->tail;

	if (tail == r->head_seen) {
		r->head_seen = __atomic_load_n(&r->head, __ATOMIC_ACQUIRE);
		if (tail == r->head_seen)
			return false;
	}
	*event = r->slot[tail % DP_EVENT_SLOTS];
	__atomic_store_n(&r->tail, tail + 1, __ATOMIC_RELEASE);
	return true;
}
