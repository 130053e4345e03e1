// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_prefetch.h>

#include "dataplane/worker/state.h"

#define CHORES_A_SECOND 10000u

_Static_assert(RTE_MAX_ETHPORTS <= DP_PORTS, "ports are counted in 32 bits");

uint64_t dp_clock_ticks(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return ((uint64_t)t.tv_sec << 20) + ((uint64_t)t.tv_nsec << 20) / 1000000000;
}

// The TSC drifts against CLOCK_MONOTONIC, which everybody else uses; ticks follow the clock but
// never run backwards.
static void set_clock(struct dp_worker *w)
{
	uint64_t tsc = rte_rdtsc(), before = dp_ticks(w, tsc), now = dp_clock_ticks();

	w->base_ticks = before > now && before - now < 1u << 20 ? before : now;
	w->base_tsc = tsc;
}

static void *pages(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

// A device that the kernel serves wants a system call for each burst, so the larger the better. For
// others 32 packets, their legs and buffers stay in the first-level cache from rx to tx (83 against
// 86 cycles a packet).
static uint8_t burst_of(const struct dp_worker *w, const struct dp_source *s)
{
	if (s->burst && s->burst <= DP_BURST)
		return s->burst;
	return w->ports[s->port % DP_PORTS].partial_checksums ? DP_BURST : DP_BURST / 2;
}

static void configure(struct dp_worker *w, const struct dp_worker_config *c)
{
	w->table = c->table;
	w->counters = c->counters;
	w->adjacencies = c->adjacencies;
	w->steering = c->steering;
	w->index = c->index;
	w->workers = c->workers;
	w->poll = c->poll;
	w->source_count = c->source_count;
	memcpy(w->sources, c->sources, sizeof(w->sources));
	memcpy(w->ports, c->ports, sizeof(w->ports));
	w->leg_slots = c->leg_slots;
	w->resumes = c->resumes;
	w->pool = c->pool;
	w->slots = c->sessions;
	w->transcoders = c->transcoders;
	memcpy(w->to_transcoder, c->to_transcoder, sizeof(w->to_transcoder));
	memcpy(w->from_transcoder, c->from_transcoder, sizeof(w->from_transcoder));
	w->recorder = c->recorder;
	w->agent_bell = c->agent_bell;
	w->agent_sleeping = c->agent_sleeping;
	w->bell = -1;
	for (unsigned i = 0; i < w->source_count; i++)
		w->sources[i].burst = burst_of(w, &w->sources[i]);
	w->tick_scale = (uint64_t)(((unsigned __int128)1 << 52) / rte_get_tsc_hz());
	w->base_tsc = rte_rdtsc();
	w->base_ticks = w->swept_ticks = dp_clock_ticks();
}

static int check(const struct dp_worker_config *c)
{
	if (!c->table || !c->counters || !c->adjacencies || !c->leg_slots || !c->resumes)
		return -EINVAL;
	if (c->workers < 1 || c->workers > ABI_MAX_WORKERS || c->index >= c->workers)
		return -EINVAL;
	if (c->source_count >= DP_SOURCES || c->wait_fd_count > DP_WAIT_FDS || !c->sessions)
		return -EINVAL;
	return (c->workers > 1 && !c->steering) || c->transcoders > DP_TRANSCODERS ? -EINVAL : 0;
}

int dp_worker_create(struct dp_worker **worker, const struct dp_worker_config *config)
{
	struct dp_worker *w;
	int err = check(config);

	*worker = NULL;
	if (err)
		return err;
	w = aligned_alloc(64, sizeof(*w));
	if (!w)
		return -ENOMEM;
	memset(w, 0, sizeof(*w));
	configure(w, config);
	w->adjacency = pages(sizeof(*w->adjacency) * DP_ADJACENCIES);
	w->listed = pages(sizeof(*w->listed) * w->slots);
	w->srtp_backend = srtp_best();
	w->srtp = w->srtp_backend->open();
	if (!w->adjacency || !w->listed || !w->srtp)
		err = -ENOMEM;
	if (!err)
		err = dp_idle_prepare(w, config);
	if (err) {
		dp_worker_free(w);
		return err;
	}
	*worker = w;
	return 0;
}

int dp_workers_join(struct dp_worker **workers, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct dp_worker *w = workers[i];
		char name[RTE_RING_NAMESIZE];

		memcpy(w->peers, workers, count * sizeof(*workers));
		if (count == 1)
			return 0;
		snprintf(name, sizeof(name), "handoff_%u", i);
		w->handoff_in =
			rte_ring_create(name, DP_HANDOFF_SLOTS, SOCKET_ID_ANY, RING_F_SC_DEQ);
		if (!w->handoff_in)
			return -ENOMEM;
		w->sources[w->source_count++] =
			(struct dp_source){.kind = DP_SOURCE_HANDOFF, .burst = DP_BURST};
	}
	return 0;
}

void dp_worker_free(struct dp_worker *w)
{
	void *m;

	if (!w)
		return;
	while (w->handoff_in && rte_ring_dequeue(w->handoff_in, &m) == 0)
		rte_pktmbuf_free(m);
	rte_ring_free(w->handoff_in);
	if (w->srtp)
		w->srtp_backend->close(w->srtp);
	if (w->adjacency)
		munmap(w->adjacency, sizeof(*w->adjacency) * DP_ADJACENCIES);
	if (w->listed)
		munmap(w->listed, sizeof(*w->listed) * w->slots);
	if (w->bell >= 0)
		close(w->bell);
	free(w);
}

// ---- the loop

// What the turns before did to legs is seen by who sees this. Only now and then: telling the agent
// costs three cache lines that go to its core and back, and deletions can wait for 100 us.
static void pass_fence(struct dp_worker *w)
{
	uint32_t fence = __atomic_load_n(&w->mailbox.to_worker.fence, __ATOMIC_ACQUIRE);

	if (fence == w->mailbox.to_agent.fence)
		return;
	__atomic_store_n(&w->mailbox.to_agent.fence, fence, __ATOMIC_RELEASE);
	w->told = true;
}

static void chores(struct dp_worker *w, uint64_t tsc)
{
	w->next_chores = tsc + rte_get_tsc_hz() / CHORES_A_SECOND;
	set_clock(w);
	w->listed_end = abi_load32(&w->sessions_end);
	w->listed_count = abi_load32(&w->sessions);
	abi_store64(&w->counters[DP_COUNT_SESSIONS], w->listed_count);
	dp_sweep(w, w->base_ticks);
	pass_fence(w);
}

unsigned dp_worker_turn(struct dp_worker *w)
{
	uint64_t tsc = rte_rdtsc();
	unsigned received = 0;

	// What a turn took shows when the next one begins: one look at the clock less.
	if (w->busy_since)
		dp_count(w, DP_COUNT_CYCLES, tsc - w->busy_since);
	w->turns++;
	w->burst.now = dp_ticks(w, tsc);
	for (unsigned i = 0; i < w->source_count; i++) {
		w->burst.source = i;
		received += dp_stages_run(w, &w->burst);
	}
	if (w->transcoders)
		received += dp_stages_made(w, &w->burst);
	if (__atomic_load_n(&w->mailbox.to_worker.head, __ATOMIC_RELAXED) !=
		w->mailbox.to_worker.tail)
		dp_mail_handle(w);
	if (unlikely(tsc >= w->next_chores))
		chores(w, tsc);
	if (unlikely(w->told || w->hand_wakes))
		dp_wake_others(w);
	dp_count(w, received ? DP_COUNT_LOOPS : DP_COUNT_IDLE_LOOPS, 1);
	w->busy_since = received ? tsc : 0;
	return received;
}

int dp_worker_run(void *worker)
{
	struct dp_worker *w = worker;

	// Naps end when they shall, not up to 50 us later.
	prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	abi_store32(&w->running, 1);
	while (!abi_load32(&w->stop)) {
		if (dp_worker_turn(w))
			w->idle_since = 0;
		else
			dp_idle_rest(w);
	}
	abi_store32(&w->running, 0);
	return 0;
}
