// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker/transcoder.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/abi/shm.h"
#include "dataplane/worker/transcoder_state.h"

#define SECOND_US  1000000u
#define QUIET_US   200000u // without a packet: then the ticks may be longer
#define QUIET_TICK 5000u
#define IDLE_MS    1000 // without sessions

int dp_transcoder_create(struct dp_transcoder **out, const struct dp_transcoder_config *config)
{
	struct dp_transcoder *t = aligned_alloc(64, (sizeof(*t) + 63) / 64 * 64);

	*out = NULL;
	if (!t)
		return -ENOMEM;
	memset(t, 0, sizeof(*t));
	t->c = *config;
	t->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	t->table = calloc(config->sessions, sizeof(struct dp_tc_session *));
	if (t->bell < 0 || !t->table) {
		int err = t->table ? -errno : -ENOMEM;

		dp_transcoder_free(t);
		return err;
	}
	if (getrandom(&t->random, sizeof(t->random), GRND_NONBLOCK) != sizeof(t->random))
		t->random = abi_now_us() * 0x9e3779b97f4a7c15ull;
	t->random |= 1;
	snprintf(t->cname, sizeof(t->cname), "%08x%08x", dp_tc_random(t), dp_tc_random(t));
	t->now_us = t->load_from_us = t->quiet_since_us = abi_now_us();
	dp_tc_wheel_start(t);
	*out = t;
	return 0;
}

uint32_t dp_tc_random(struct dp_transcoder *t)
{
	t->random ^= t->random << 13;
	t->random ^= t->random >> 7;
	t->random ^= t->random << 17;
	return (uint32_t)(t->random >> 16);
}

void dp_transcoder_free(struct dp_transcoder *t)
{
	struct dp_tc_order *order;

	if (!t)
		return;
	for (uint32_t slot = 0; t->table && t->count && slot < t->c.sessions; slot++)
		if (t->table[slot])
			dp_tc_destroy(t, t->table[slot]);
	while ((order = dp_transcoder_reply(t)))
		free(order);
	free(t->table);
	if (t->bell >= 0)
		close(t->bell);
	free(t);
}

// ---- rings between the agent and the thread

static bool push(struct dp_tc_ring *r, struct dp_tc_order *order)
{
	if (r->head - __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE) == DP_TC_ORDERS)
		return false;
	r->slot[r->head % DP_TC_ORDERS] = order;
	__atomic_store_n(&r->head, r->head + 1, __ATOMIC_RELEASE);
	return true;
}

static struct dp_tc_order *pull(struct dp_tc_ring *r)
{
	struct dp_tc_order *order;

	if (r->tail == __atomic_load_n(&r->head, __ATOMIC_ACQUIRE))
		return NULL;
	order = r->slot[r->tail % DP_TC_ORDERS];
	__atomic_store_n(&r->tail, r->tail + 1, __ATOMIC_RELEASE);
	return order;
}

static void ring_bell(int fd)
{
	uint64_t one = 1;
	ssize_t n;

	do
		n = write(fd, &one, sizeof(one));
	while (n < 0 && errno == EINTR);
}

static void wake(struct dp_transcoder *t)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (abi_load32(&t->sleeping))
		ring_bell(t->bell);
}

int dp_transcoder_send(struct dp_transcoder *t, struct dp_tc_order *order)
{
	if (t->out == DP_TC_ORDERS || !push(&t->orders, order))
		return -EBUSY;
	t->out++;
	wake(t);
	return 0;
}

struct dp_tc_order *dp_transcoder_reply(struct dp_transcoder *t)
{
	struct dp_tc_order *order = pull(&t->replies);

	t->out -= order != NULL;
	return order;
}

// There is room: no more orders are out than the ring holds.
void dp_tc_return(struct dp_transcoder *t, struct dp_tc_order *order)
{
	push(&t->replies, order);
	t->agent_told = true;
}

bool dp_transcoder_event(struct dp_transcoder *t, struct dp_tc_event *event)
{
	struct dp_tc_event_ring *r = &t->events;

	if (r->tail == __atomic_load_n(&r->head, __ATOMIC_ACQUIRE))
		return false;
	*event = r->slot[r->tail % DP_TC_EVENTS];
	__atomic_store_n(&r->tail, r->tail + 1, __ATOMIC_RELEASE);
	return true;
}

const struct dp_tc_counters *dp_transcoder_counters(const struct dp_transcoder *t)
{
	return &t->counters;
}

unsigned dp_transcoder_load(const struct dp_transcoder *t)
{
	return abi_load32(&t->load);
}

// ---- packets to a worker

uint8_t *dp_tc_place(struct dp_transcoder *t, struct dp_tc_session *s, unsigned leg, unsigned kind,
	size_t size, struct dp_side **record)
{
	struct dp_side_ring *ring = t->c.out[s->worker];
	struct dp_side *r = ring ? dp_side_place(ring, (uint32_t)size) : NULL;

	*record = r;
	if (!r) {
		abi_add64(&t->counters.out_full, 1);
		return NULL;
	}
	*r = (struct dp_side){
		.size = (uint16_t)size,
		.kind = (uint8_t)kind,
		.leg = (uint8_t)leg,
		.slot = s->slot,
		.generation = s->generation,
	};
	return dp_side_bytes(r);
}

void dp_tc_commit(struct dp_transcoder *t, struct dp_tc_session *s, struct dp_side *record)
{
	dp_side_commit(t->c.out[s->worker], record);
	t->told |= 1ull << s->worker;
}

// ---- events for the agent

struct dp_tc_event *dp_tc_event(struct dp_transcoder *t, const struct dp_tc_session *s, uint16_t type)
{
	struct dp_tc_event_ring *r = &t->events;
	struct dp_tc_event *e = &r->slot[r->head % DP_TC_EVENTS];

	if (r->head - __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE) == DP_TC_EVENTS) {
		abi_add64(&t->counters.events_late, 1);
		return NULL;
	}
	*e = (struct dp_tc_event){.slot = s->slot, .generation = s->generation, .type = type};
	return e;
}

void dp_tc_tell(struct dp_transcoder *t)
{
	__atomic_store_n(&t->events.head, t->events.head + 1, __ATOMIC_RELEASE);
	t->agent_told = true;
}

// ---- the loop

static bool take_packets(struct dp_transcoder *t)
{
	bool any = false;
	struct dp_side *s;

	for (unsigned w = 0; w < t->c.workers; w++)
		// What a ring holds when a turn begins is bounded; what comes meanwhile waits for the next one.
		for (uint32_t n = DP_SIDE_BYTES / 32; t->c.in[w] && n; n--) {
			s = dp_side_next(t->c.in[w]);
			if (!s)
				break;
			any = true;
			dp_tc_packet(t, w, s);
		}
	return any;
}

static void tell(struct dp_transcoder *t)
{
	for (; t->told; t->told &= t->told - 1)
		if (t->c.nudge)
			t->c.nudge(t->c.ctx, (unsigned)__builtin_ctzll(t->told));
	if (!t->agent_told)
		return;
	t->agent_told = false;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (t->c.agent_bell >= 0 && t->c.agent_sleeping && abi_load32(t->c.agent_sleeping))
		ring_bell(t->c.agent_bell);
}

static void note_load(struct dp_transcoder *t, uint64_t end_us)
{
	uint64_t busy = end_us - t->now_us;

	abi_add64(&t->counters.ticks, 1);
	abi_add64(&t->counters.late_ticks, busy > DP_TC_TICK);
	abi_add64(&t->counters.busy_us, busy);
	t->load_busy_us += busy;
	if (end_us - t->load_from_us < SECOND_US)
		return;
	abi_store32(&t->load, (uint32_t)(t->load_busy_us * 1000 / (end_us - t->load_from_us)));
	t->load_busy_us = 0;
	t->load_from_us = end_us;
}

unsigned dp_transcoder_turn(struct dp_transcoder *t, uint64_t now_us)
{
	struct dp_tc_order *order;
	struct dp_tc_timer *timer;

	t->now_us = now_us > t->now_us ? now_us : t->now_us;
	while ((order = pull(&t->orders)))
		dp_tc_carry_out(t, order);
	if (take_packets(t))
		t->quiet_since_us = t->now_us;
	while ((timer = dp_tc_expired(t)))
		dp_tc_fire(t, timer);
	tell(t);
	if (!t->count)
		return IDLE_MS * 1000;
	return t->now_us - t->quiet_since_us > QUIET_US ? QUIET_TICK : DP_TC_TICK;
}

static bool something_waits(const struct dp_transcoder *t)
{
	return t->orders.tail != __atomic_load_n(&t->orders.head, __ATOMIC_ACQUIRE) ||
	       abi_load32(&t->stop);
}

// Without sessions: until the agent rings.
static void rest(struct dp_transcoder *t)
{
	struct pollfd wait = {.fd = t->bell, .events = POLLIN};
	uint64_t junk;

	abi_store32(&t->sleeping, 1);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!something_waits(t) && poll(&wait, 1, IDLE_MS) > 0)
		(void)!read(t->bell, &junk, sizeof(junk));
	abi_store32(&t->sleeping, 0);
}

static void sleep_until(uint64_t us)
{
	struct timespec at = {
		.tv_sec = (time_t)(us / SECOND_US), .tv_nsec = (long)(us % SECOND_US * 1000)};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
		;
}

static void *run(void *arg)
{
	struct dp_transcoder *t = arg;
	struct dp_tc_order *order;
	char name[16];

	snprintf(name, sizeof(name), "transcoder-%u", t->c.index % 100);
	prctl(PR_SET_NAME, name);
	prctl(PR_SET_TIMERSLACK, 50000, 0, 0, 0);
	if (t->c.nice)
		setpriority(PRIO_PROCESS, (id_t)gettid(), t->c.nice);
	while (!abi_load32(&t->stop)) {
		uint64_t begin = abi_now_us();
		unsigned wait = dp_transcoder_turn(t, begin);
		uint64_t end = abi_now_us();

		note_load(t, end);
		if (!t->count)
			rest(t);
		else if (end < begin + wait)
			sleep_until(begin + wait);
	}
	while ((order = pull(&t->orders))) // so that everything comes back
		dp_tc_carry_out(t, order);
	return NULL;
}

int dp_transcoder_start(struct dp_transcoder *t, const void *cpus, size_t cpus_size)
{
	pthread_attr_t attributes;
	int err = pthread_attr_init(&attributes);

	if (err)
		return -err;
	if (cpus)
		err = pthread_attr_setaffinity_np(&attributes, cpus_size, cpus);
	if (!err)
		err = pthread_create(&t->thread, &attributes, run, t);
	pthread_attr_destroy(&attributes);
	t->started = !err;
	return -err;
}

void dp_transcoder_stop(struct dp_transcoder *t)
{
	if (!t || !t->started)
		return;
	abi_store32(&t->stop, 1);
	ring_bell(t->bell);
	pthread_join(t->thread, NULL);
	t->started = false;
}
