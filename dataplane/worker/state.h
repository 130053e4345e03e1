// SPDX-License-Identifier: BSD-3-Clause
// What a worker keeps; for worker/ and pipeline/ only. Everything belongs to the worker's thread
// unless it says otherwise.
#pragma once

#include <poll.h>

#include <rte_branch_prediction.h>
#include <rte_cycles.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "dataplane/pipeline/burst.h"
#include "dataplane/worker/worker.h"

#define DP_HANDOFF_SLOTS 2048u

// A session that forwards, by its slot; leg[0] is NULL when there is none. Agent: rw; worker: ro.
struct dp_listed {
	struct dp_leg *leg[2];
	uint32_t generation;
	uint32_t mails; // agent's: on their way to the worker or back
};

struct dp_worker {
	// Constant while the worker runs.
	const struct dp_table *table;
	abi_atomic64 *counters; // region A
	struct dp_adjacencies *adjacencies;
	struct dp_adjacency *adjacency; // our copy, DP_ADJACENCIES entries
	const struct dp_steering *steering;
	uint32_t index;
	uint32_t workers;
	uint32_t source_count;
	enum dp_poll poll;
	struct dp_source sources[DP_SOURCES];
	struct dp_port ports[DP_PORTS];
	struct rte_ring *handoff_in;              // what other workers received for us
	struct dp_worker *peers[ABI_MAX_WORKERS]; // us among them
	struct abi_leg_slot *leg_slots;
	struct abi_leg_resume *resumes;
	uint32_t slots; // bound of session slots
	struct rte_mempool *pool;
	const struct srtp_backend *srtp_backend;
	struct srtp_engine *srtp;
	int agent_bell;
	const abi_atomic32 *agent_sleeping;
	uint32_t transcoders;
	struct dp_side_ring *to_transcoder[DP_TRANSCODERS];
	struct dp_side_ring *from_transcoder[DP_TRANSCODERS];
	struct dp_side_ring *recorder; // NULL: nothing can be recorded

	// The forwarding path.
	uint32_t adjacency_seen ABI_LINE;
	uint32_t dropped_count;
	uint32_t turns;
	uint16_t ip_id;
	uint32_t made_next; // transcoder whose packets are taken first
	bool told; // mail or events went to the agent since its bell was last looked at
	struct rte_mbuf *dropped[DP_BURST * 2];
	struct dp_burst burst;

	// Time: ticks = base_ticks + (tsc - base_tsc) * tick_scale >> 32.
	uint64_t base_tsc;
	uint64_t base_ticks;
	uint64_t tick_scale;
	uint64_t next_chores; // tsc
	uint64_t busy_since;  // tsc of the turn before when it had packets, else 0

	// Sessions by slot, and where the sweep stands.
	struct dp_listed *listed;
	uint32_t listed_count; // as of the last chores
	uint32_t listed_end;   // the same; no session has had this slot or one above
	uint32_t sweep_at;
	uint64_t sweep_credit; // slots times 2^20 that may be looked at
	uint64_t swept_ticks;

	// Sleep.
	uint64_t idle_since; // tsc; 0: not idle
	uint64_t hand_wakes; // bit n: packets went to worker n since it was last looked at
	struct pollfd wait[DP_WAIT_FDS + DP_SOURCES + 1];
	uint32_t wait_count;
	bool wait_all;                  // every source can wake us
	int bell;                       // eventfd: the agent and other workers wake us
	abi_atomic32 sleeping ABI_LINE; // worker: rw, others: ro
	abi_atomic32 stop;              // agent: rw, worker: ro
	abi_atomic32 running;           // worker: rw, agent: ro
	abi_atomic32 parked;            // worker: rw, agent: ro; it sleeps and touches no leg

	// agent: rw, worker: ro
	abi_atomic32 sessions ABI_LINE; // that forward
	abi_atomic32 sessions_end;      // no session has had this slot or one above

	struct dp_mailbox mailbox ABI_LINE;
};

static inline void dp_count(struct dp_worker *w, unsigned counter, uint64_t by)
{
	abi_add64(&w->counters[counter], by);
}

// Takes the packet out of the world. Freed with the others at the burst's end.
static inline void dp_drop(struct dp_worker *w, struct rte_mbuf *m, enum dp_reason reason)
{
	dp_count(w, reason, 1);
	w->dropped[w->dropped_count++] = m;
}

static inline uint64_t dp_ticks(const struct dp_worker *w, uint64_t tsc)
{
	return w->base_ticks + ((tsc - w->base_tsc) * w->tick_scale >> 32);
}

// Moves packet `from` to place `to` of the burst.
static inline void dp_keep(struct dp_burst *b, unsigned to, unsigned from)
{
	if (to == from)
		return;
	b->mbuf[to] = b->mbuf[from];
	b->packet[to] = b->packet[from];
}

// Accepted from its leg but not sent on.
static inline void dp_unsent(const struct dp_packet *k)
{
	if (k->component)
		return;
	k->leg->unsent_packets++;
	k->leg->unsent_octets += k->length;
}

// punt.c: frames from the kernel's side. Returns packets received.
unsigned dp_from_kernel(struct dp_worker *w, struct dp_burst *b);

// divert.c: some transcoder has made something.
bool dp_made_waits(const struct dp_worker *w);

// publish.c: to region A; also fills *stats.
void dp_publish(const struct dp_worker *w, const struct dp_leg *leg, uint64_t now_ticks,
	struct abi_leg_stats *stats);
void dp_publish_resume(const struct dp_worker *w, const struct dp_leg *leg);
// worker.c: CLOCK_MONOTONIC, for threads that are not the worker's.
uint64_t dp_clock_ticks(void);

// session.c: what mail does, and what is told to the agent.
void dp_mail_handle(struct dp_worker *w);
void dp_tell_learned(struct dp_worker *w, struct dp_leg *leg, unsigned component);
bool dp_tell_timeout(struct dp_worker *w, struct dp_leg *leg);
bool dp_tell(struct dp_worker *w, const struct dp_event *event);
// secure.c: keys, ICE and packets of the control plane.
bool dp_tell_ice(struct dp_worker *w, struct dp_leg *leg, unsigned component, uint32_t type);
bool dp_tell_dtls(struct dp_worker *w, const struct dp_leg *leg, unsigned component,
	const struct latch_addr *source);
void dp_sweep_secure(struct dp_worker *w, struct dp_leg *leg, uint64_t now);
int dp_mail_keys(struct dp_worker *w, struct dp_mail_keys *m);
int dp_mail_ice(struct dp_worker *w, const struct dp_mail_ice *m);
int dp_mail_learned(struct dp_worker *w, const struct dp_mail_learned *m);
int dp_mail_inject(struct dp_worker *w, const struct dp_mail_inject *m);
// sweep.c: publishes and looks for silence, a share of the sessions at a time.
void dp_sweep(struct dp_worker *w, uint64_t now);
// Around a sleep: meanwhile the agent need not ask for a fence. Whoever wakes sees what the agent
// had closed.
static inline void dp_park(struct dp_worker *w)
{
	__atomic_store_n(&w->parked, 1, __ATOMIC_RELEASE);
}

static inline void dp_unpark(struct dp_worker *w)
{
	__atomic_store_n(&w->parked, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

// idle.c: how an adaptive worker rests when nothing came, and who is woken by whom.
int dp_idle_prepare(struct dp_worker *w, const struct dp_worker_config *config);
void dp_idle_rest(struct dp_worker *w);
void dp_wake(const struct dp_worker *w);
void dp_wake_others(struct dp_worker *w);
