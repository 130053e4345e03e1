// SPDX-License-Identifier: BSD-3-Clause
// How an adaptive worker rests. For a short while after the last packet it polls on; then it sleeps
// until a descriptor says that a packet waits, where every source has one, or naps. Whoever has
// something for a sleeping worker rings its bell.
#include <errno.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <rte_ethdev.h>
#include <rte_pause.h>

#include "dataplane/worker/state.h"

#define LINGER_US   40u // polls on for so long after the last packet
#define NAP_NS      90000
#define REST_MS     5      // the longest sleep with many sessions: the sweep goes on
#define LONG_REST   50     // with few
#define DEEP_REST_S 1      // without
#define SWEPT       48000u // sessions times milliseconds that one turn of the sweep makes good

static void add_fd(struct dp_worker *w, int fd)
{
	w->wait[w->wait_count++] = (struct pollfd){.fd = fd, .events = POLLIN};
}

int dp_idle_prepare(struct dp_worker *w, const struct dp_worker_config *config)
{
	unsigned silent = 0;

	w->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (w->bell < 0)
		return -errno;
	add_fd(w, w->bell);
	for (unsigned i = 0; i < config->wait_fd_count; i++)
		add_fd(w, config->wait_fds[i]);
	for (unsigned i = 0; i < config->source_count; i++) {
		struct dp_source *s = &w->sources[i];
		int fd = s->interrupt ? rte_eth_dev_rx_intr_ctl_q_get_fd(s->port, s->queue) : -1;

		s->interrupt = fd >= 0;
		if (s->interrupt)
			add_fd(w, fd);
		else
			silent++;
	}
	w->wait_all = silent <= config->wait_fd_count;
	return 0;
}

static void ring(int fd)
{
	uint64_t one = 1;
	ssize_t n;

	do
		n = write(fd, &one, sizeof(one));
	while (n < 0 && errno == EINTR);
}

void dp_wake(const struct dp_worker *w)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&w->sleeping, __ATOMIC_RELAXED))
		ring(w->bell);
}

void dp_wake_others(struct dp_worker *w)
{
	if (w->told) {
		w->told = false;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (w->agent_bell >= 0 && w->agent_sleeping && abi_load32(w->agent_sleeping))
			ring(w->agent_bell);
	}
	for (; w->hand_wakes; w->hand_wakes &= w->hand_wakes - 1)
		dp_wake(w->peers[__builtin_ctzll(w->hand_wakes)]);
}

// Something that came after the last look and before `sleeping` was set would ring no bell.
static bool something_waits(struct dp_worker *w)
{
	const struct dp_mail_ring *r = &w->mailbox.to_worker;

	return __atomic_load_n(&r->head, __ATOMIC_ACQUIRE) != r->tail ||
	       __atomic_load_n(&r->fence, __ATOMIC_ACQUIRE) != w->mailbox.to_agent.fence ||
	       (w->handoff_in && !rte_ring_empty(w->handoff_in)) || dp_made_waits(w) ||
	       abi_load32(&w->stop);
}

static void interrupts(struct dp_worker *w, bool on)
{
	for (unsigned i = 0; i < w->source_count; i++) {
		const struct dp_source *s = &w->sources[i];

		if (!s->interrupt)
			continue;
		if (on)
			rte_eth_dev_rx_intr_enable(s->port, s->queue);
		else
			rte_eth_dev_rx_intr_disable(s->port, s->queue);
	}
}

static void clear_fds(struct dp_worker *w)
{
	uint64_t junk;
	unsigned interrupts_from = w->wait_count;

	for (unsigned i = 0; i < w->source_count; i++)
		interrupts_from -= w->sources[i].interrupt;
	// The bell and interrupts count; a packet socket stays readable until it is read from.
	for (unsigned i = 0; i < w->wait_count; i++)
		if (w->wait[i].revents && (i == 0 || i >= interrupts_from))
			(void)!read(w->wait[i].fd, &junk, sizeof(junk));
}

// Each wake-up for the sweep's sake costs 10 to 20 us, so it is as rare as the sweep can bear.
static struct timespec longest_rest(const struct dp_worker *w)
{
	uint32_t ms;

	if (!w->listed_count)
		return (struct timespec){.tv_sec = DEEP_REST_S};
	ms = SWEPT / (w->listed_end ? w->listed_end : 1);
	ms = ms < REST_MS ? REST_MS : ms > LONG_REST ? LONG_REST : ms;
	return (struct timespec){.tv_nsec = ms * 1000000l};
}

static void sleep_on_fds(struct dp_worker *w)
{
	struct timespec t = longest_rest(w);

	if (ppoll(w->wait, w->wait_count, &t, NULL) > 0)
		clear_fds(w);
}

void dp_idle_rest(struct dp_worker *w)
{
	uint64_t now = rte_rdtsc();

	if (!w->idle_since)
		w->idle_since = now;
	if (w->poll == DP_POLL_BUSY ||
		now - w->idle_since < LINGER_US * (rte_get_tsc_hz() / 1000000)) {
		rte_pause();
		return;
	}
	dp_count(w, DP_COUNT_SLEEPS, 1);
	__atomic_store_n(&w->sleeping, 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	interrupts(w, true);
	// One more turn, now that whoever comes next will ring.
	if (!something_waits(w) && !dp_worker_turn(w)) {
		dp_park(w);
		if (w->wait_all)
			sleep_on_fds(w);
		else
			nanosleep(&(struct timespec){.tv_nsec = NAP_NS}, NULL);
		dp_unpark(w);
	}
	interrupts(w, false);
	__atomic_store_n(&w->sleeping, 0, __ATOMIC_RELAXED);
}
