// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "dataplane/abi/shm.h"
#include "dataplane/worker/recording.h"

#define TICK_MS 10
#define IDLE_MS 1000
#define NICE    5

struct list { // of orders, by any number of threads
	pthread_mutex_t lock;
	struct dp_record_order *first, *last;
};

struct dp_recorder {
	struct dp_recorder_config c;
	pthread_t thread;
	bool started;
	int directory, bell;
	struct list orders, replies;
	struct recording **table; // by slot
	struct recording *all[DP_RECORDINGS];
	unsigned count;
	bool told;
	abi_atomic32 stop;
};

int dp_recorder_check(const struct dp_recorder *r)
{
	return faccessat(r->directory, ".", W_OK, AT_EACCESS) < 0 ? -errno : 0;
}

int dp_recorder_create(struct dp_recorder **out, const struct dp_recorder_config *config)
{
	struct dp_recorder *r = calloc(1, sizeof(*r));
	int err = -ENOMEM;

	*out = NULL;
	if (!r)
		return err;
	r->c = *config;
	pthread_mutex_init(&r->orders.lock, NULL);
	pthread_mutex_init(&r->replies.lock, NULL);
	r->table = calloc(config->sessions, sizeof(struct recording *));
	r->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	r->directory = open(config->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->directory < 0 || r->bell < 0)
		err = -errno;
	else if (r->table)
		err = dp_recorder_check(r);
	if (err) {
		dp_recorder_free(r);
		return err;
	}
	*out = r;
	return 0;
}

// ---- orders. The lock is between the agent and a thread that forwards nothing.

static void put(struct list *list, struct dp_record_order *order)
{
	order->next = NULL;
	pthread_mutex_lock(&list->lock);
	if (list->first)
		list->last->next = order;
	else
		list->first = order;
	list->last = order;
	pthread_mutex_unlock(&list->lock);
}

static struct dp_record_order *take(struct list *list)
{
	struct dp_record_order *order;

	pthread_mutex_lock(&list->lock);
	order = list->first;
	if (order)
		list->first = order->next;
	pthread_mutex_unlock(&list->lock);
	return order;
}

static void ring(int fd)
{
	uint64_t one = 1;

	(void)!write(fd, &one, sizeof(one));
}

void dp_recorder_send(struct dp_recorder *r, struct dp_record_order *order)
{
	put(&r->orders, order);
	ring(r->bell);
}

struct dp_record_order *dp_recorder_reply(struct dp_recorder *r)
{
	return take(&r->replies);
}

static void give_back(struct dp_recorder *r, struct dp_record_order *order)
{
	put(&r->replies, order);
	r->told = true;
}

// ---- recordings

static struct recording *find(const struct dp_recorder *r, uint32_t slot, uint32_t generation)
{
	struct recording *rec = slot < r->c.sessions ? r->table[slot] : NULL;

	return rec && rec->order->generation == generation ? rec : NULL;
}

static void end(
	struct dp_recorder *r, struct recording *rec, enum abi_record_cause cause, uint64_t now_us)
{
	struct dp_record_order *order = rec->order;

	r->table[order->slot] = NULL;
	for (unsigned i = 0; i < r->count; i++)
		if (r->all[i] == rec)
			r->all[i] = r->all[--r->count];
	recording_end(rec, cause, now_us);
	give_back(r, order);
}

static void refuse(struct dp_recorder *r, struct dp_record_order *order, int err)
{
	memset(&order->done, 0, sizeof(order->done));
	order->done.id = order->wish.id;
	order->done.error = err;
	order->done.cause = ABI_RECORD_FAILED;
	give_back(r, order);
}

static void begin(struct dp_recorder *r, struct dp_record_order *order, uint64_t now_us)
{
	struct recording *rec;

	if (order->slot >= r->c.sessions || r->table[order->slot] || r->count == DP_RECORDINGS) {
		refuse(r, order, -EBUSY);
		return;
	}
	rec = recording_begin(r->directory, order, now_us);
	if (!rec) {
		refuse(r, order, -ENOMEM);
		return;
	}
	r->table[order->slot] = rec;
	r->all[r->count++] = rec;
}

static void take_orders(struct dp_recorder *r, uint64_t now_us)
{
	struct dp_record_order *order;

	while ((order = take(&r->orders))) {
		struct recording *rec = find(r, order->slot, order->generation);

		if (order->type == DP_RECORD_START) {
			begin(r, order, now_us);
			continue;
		}
		if (rec)
			end(r, rec, order->cause, now_us);
		give_back(r, order);
	}
}

static void take_packets(struct dp_recorder *r, uint64_t now_us)
{
	struct dp_side *s;

	for (unsigned w = 0; w < r->c.workers; w++)
		for (uint32_t n = DP_SIDE_BYTES / 32; r->c.in[w] && n; n--) {
			struct recording *rec;

			s = dp_side_next(r->c.in[w]);
			if (!s)
				break;
			rec = s->leg < 2 ? find(r, s->slot, s->generation) : NULL;
			if (rec)
				recording_packet(rec, s, now_us);
		}
}

void dp_recorder_turn(struct dp_recorder *r, uint64_t now_us)
{
	// Packets first: those before a stop belong to the recording.
	take_packets(r, now_us);
	take_orders(r, now_us);
	for (unsigned i = r->count; i-- > 0;) {
		recording_tick(r->all[i], now_us);
		if (recording_ended(r->all[i]))
			end(r, r->all[i], r->all[i]->order->done.cause, now_us);
	}
	if (!r->told)
		return;
	r->told = false;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (r->c.agent_bell >= 0 && r->c.agent_sleeping && abi_load32(r->c.agent_sleeping))
		ring(r->c.agent_bell);
}

static void *run(void *arg)
{
	struct dp_recorder *r = arg;
	struct pollfd wait = {.fd = r->bell, .events = POLLIN};
	uint64_t junk;

	prctl(PR_SET_NAME, "recorder");
	setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
	while (!abi_load32(&r->stop)) {
		dp_recorder_turn(r, abi_now_us());
		if (poll(&wait, 1, r->count ? TICK_MS : IDLE_MS) > 0)
			(void)!read(r->bell, &junk, sizeof(junk));
	}
	return NULL;
}

int dp_recorder_start(struct dp_recorder *r, const void *cpus, size_t cpus_size)
{
	pthread_attr_t attributes;
	int err = pthread_attr_init(&attributes);

	if (err)
		return -err;
	if (cpus)
		err = pthread_attr_setaffinity_np(&attributes, cpus_size, cpus);
	if (!err)
		err = pthread_create(&r->thread, &attributes, run, r);
	pthread_attr_destroy(&attributes);
	r->started = !err;
	return -err;
}

void dp_recorder_stop(struct dp_recorder *r)
{
	if (!r || !r->started)
		return;
	abi_store32(&r->stop, 1);
	ring(r->bell);
	pthread_join(r->thread, NULL);
	r->started = false;
}

void dp_recorder_free(struct dp_recorder *r)
{
	struct dp_record_order *order;

	if (!r)
		return;
	if (r->table) {
		take_packets(r, abi_now_us());
		take_orders(r, abi_now_us());
	}
	while (r->count)
		end(r, r->all[0], ABI_RECORDED, abi_now_us());
	while ((order = take(&r->replies)))
		free(order);
	if (r->directory >= 0)
		close(r->directory);
	if (r->bell >= 0)
		close(r->bell);
	pthread_mutex_destroy(&r->orders.lock);
	pthread_mutex_destroy(&r->replies.lock);
	free(r->table);
	free(r);
}
