// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/secure/handshakes.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define BUCKETS 1024u
#define THREADS 16u
#define BATCH   8u // orders whose news are told together: who is told often is woken often
#define LOOK_MS 50  // between looks at timers
#define PRINTS  2048u

enum kind {
	ORDER_OPEN,
	ORDER_FEED,
	ORDER_TRUST,
	ORDER_CLOSE,
	NEWS_SEND,
	NEWS_READY,
	NEWS_FAILED,
};

// An order for a thread, or news from one.
struct note {
	struct note *next;
	uint64_t id;
	uint32_t life; // which association of that number
	uint8_t kind;
	uint16_t size;
	union {
		struct cp_dtls *dtls;
		struct cp_dtls_keys keys;
		uint8_t bytes[0];
	};
};

struct list {
	struct note *first, **last;
	unsigned count;
};

struct association {
	struct association *next;
	uint64_t id;
	uint32_t life;
	bool told; // ready or failed
	bool counted;
	struct cp_dtls *dtls;
};

struct thread {
	struct cp_handshakes *pool;
	pthread_t handle;
	bool runs;
	pthread_mutex_t lock; // orders, stop
	pthread_cond_t wake;
	struct list orders;
	bool stop;
	struct list told;                   // news that the owner has not got yet; the thread's own
	struct association *table[BUCKETS]; // the same
	unsigned under_way;
};

// What the owner knows of an association.
struct open {
	struct open *next;
	uint64_t id;
	uint32_t life;
};

struct cp_handshakes {
	struct cp_handshakes_config config;
	struct cp_handshakes_counters counters;
	struct open *open[BUCKETS];
	unsigned open_count;
	uint32_t lives;
	int fd;
	atomic_uint under_way; // handshakes that are not done
	pthread_mutex_t lock;  // news
	struct list news;
	unsigned thread_count;
	struct thread threads[THREADS];
};

// ---- notes

static void list_init(struct list *l)
{
	l->first = NULL;
	l->last = &l->first;
	l->count = 0;
}

static void list_add(struct list *l, struct note *n)
{
	n->next = NULL;
	*l->last = n;
	l->last = &n->next;
	l->count++;
}

static struct note *list_take_all(struct list *l)
{
	struct note *first = l->first;

	list_init(l);
	return first;
}

static struct note *note_new(
	enum kind kind, uint64_t id, uint32_t life, const void *bytes, size_t n)
{
	size_t room = n > sizeof(struct cp_dtls_keys) ? n : sizeof(struct cp_dtls_keys);
	struct note *note = malloc(offsetof(struct note, bytes) + room);

	if (!note)
		return NULL;
	note->kind = (uint8_t)kind;
	note->id = id;
	note->life = life;
	note->size = (uint16_t)n;
	if (n)
		memcpy(note->bytes, bytes, n);
	return note;
}

static void note_free(struct note *n)
{
	if (n->kind == NEWS_READY)
		OPENSSL_cleanse(&n->keys, sizeof(n->keys));
	free(n);
}

static unsigned bucket_of(uint64_t id)
{
	id *= 0x9e3779b97f4a7c15u;
	return (unsigned)(id >> 32) % BUCKETS;
}

// ---- a thread: what it tells

static void tell(struct thread *t, struct note *n)
{
	if (n)
		list_add(&t->told, n);
}

static void publish(struct thread *t)
{
	struct cp_handshakes *h = t->pool;
	uint64_t one = 1;
	bool first;

	if (!t->told.first)
		return;
	pthread_mutex_lock(&h->lock);
	first = !h->news.first;
	*h->news.last = t->told.first;
	h->news.last = t->told.last;
	h->news.count += t->told.count;
	pthread_mutex_unlock(&h->lock);
	list_init(&t->told);
	if (first && write(h->fd, &one, sizeof(one)) < 0)
		return; // the counter is full: it is readable all the same
}

static void note_done(struct thread *t, struct association *a)
{
	if (!a->counted)
		return;
	a->counted = false;
	atomic_fetch_sub_explicit(&t->pool->under_way, 1, memory_order_relaxed);
}

static void tell_state(struct thread *t, struct association *a)
{
	enum cp_dtls_state state = cp_dtls_state(a->dtls);
	struct cp_dtls_keys keys;
	struct note *n;

	if (state != CP_DTLS_HANDSHAKE)
		note_done(t, a);
	if (state == CP_DTLS_READY && !a->told && cp_dtls_export(a->dtls, &keys)) {
		a->told = true;
		n = note_new(NEWS_READY, a->id, a->life, &keys, sizeof(keys));
		OPENSSL_cleanse(&keys, sizeof(keys));
		tell(t, n);
	} else if (state == CP_DTLS_FAILED || state == CP_DTLS_CLOSED) {
		const char *why = state == CP_DTLS_CLOSED ? "closed" : cp_dtls_why(a->dtls);

		tell(t, note_new(NEWS_FAILED, a->id, a->life, why, strlen(why) + 1));
	}
}

// What the association wants to send, and what became of it.
static void after(struct thread *t, struct association *a, enum cp_dtls_state before)
{
	uint8_t bytes[2048];
	size_t n;

	while ((n = cp_dtls_take(a->dtls, bytes, sizeof(bytes))) > 0)
		tell(t, note_new(NEWS_SEND, a->id, a->life, bytes, n));
	if (cp_dtls_state(a->dtls) != before)
		tell_state(t, a);
}

// ---- a thread: what it is told

static struct association **find(struct thread *t, uint64_t id, uint32_t life)
{
	struct association **at = &t->table[bucket_of(id)];

	while (*at && ((*at)->id != id || (*at)->life != life))
		at = &(*at)->next;
	return at;
}

static void open_one(struct thread *t, struct note *n)
{
	struct association *a = calloc(1, sizeof(*a));
	struct association **at = &t->table[bucket_of(n->id)];

	if (!a) {
		static const char why[] = "out of memory";

		cp_dtls_free(n->dtls);
		atomic_fetch_sub_explicit(&t->pool->under_way, 1, memory_order_relaxed);
		tell(t, note_new(NEWS_FAILED, n->id, n->life, why, sizeof(why)));
		return;
	}
	a->id = n->id;
	a->life = n->life;
	a->dtls = n->dtls;
	a->counted = true;
	a->next = *at;
	*at = a;
	cp_dtls_start(a->dtls);
	after(t, a, CP_DTLS_HANDSHAKE);
}

static void close_one(struct thread *t, struct association **at, bool word)
{
	struct association *a = *at;
	uint8_t bytes[2048];
	size_t n;

	*at = a->next;
	note_done(t, a);
	if (word) {
		cp_dtls_close(a->dtls);
		while ((n = cp_dtls_take(a->dtls, bytes, sizeof(bytes))) > 0)
			tell(t, note_new(NEWS_SEND, a->id, a->life, bytes, n));
	}
	cp_dtls_free(a->dtls);
	free(a);
}

static void obey(struct thread *t, struct note *n)
{
	struct association **at;
	enum cp_dtls_state before;

	if (n->kind == ORDER_OPEN) {
		open_one(t, n);
		return;
	}
	at = find(t, n->id, n->life);
	if (!*at)
		return;
	before = cp_dtls_state((*at)->dtls);
	switch (n->kind) {
	case ORDER_FEED:
		cp_dtls_feed((*at)->dtls, n->bytes, n->size);
		break;
	case ORDER_TRUST:
		cp_dtls_trust((*at)->dtls, (const char *)n->bytes);
		break;
	default:
		close_one(t, at, true);
		return;
	}
	after(t, *at, before);
}

static void look_at_timers(struct thread *t)
{
	for (unsigned i = 0; i < BUCKETS; i++)
		for (struct association *a = t->table[i]; a; a = a->next) {
			enum cp_dtls_state before = cp_dtls_state(a->dtls);

			if (before != CP_DTLS_HANDSHAKE || cp_dtls_timeout(a->dtls) != 0)
				continue;
			cp_dtls_tick(a->dtls);
			after(t, a, before);
		}
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static struct timespec look_at(uint64_t ms)
{
	return (struct timespec){(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
}

static void *run(void *user)
{
	struct thread *t = user;
	uint64_t look = now_ms() + LOOK_MS;
	unsigned done = 0;

	pthread_mutex_lock(&t->lock);
	while (!t->stop) {
		struct note *n = t->orders.first;

		if (n) {
			t->orders.first = n->next;
			if (!t->orders.first)
				t->orders.last = &t->orders.first;
			t->orders.count--;
			pthread_mutex_unlock(&t->lock);
			obey(t, n);
			note_free(n);
			if (++done % BATCH == 0)
				publish(t);
		} else if (t->told.first) {
			pthread_mutex_unlock(&t->lock);
			publish(t);
		} else {
			struct timespec until = look_at(look);

			// Without handshakes under way nothing is due.
			if (atomic_load_explicit(&t->pool->under_way, memory_order_relaxed))
				pthread_cond_timedwait(&t->wake, &t->lock, &until);
			else
				pthread_cond_wait(&t->wake, &t->lock);
			if (t->stop)
				break;
			pthread_mutex_unlock(&t->lock);
		}
		if (now_ms() >= look) {
			look_at_timers(t);
			look = now_ms() + LOOK_MS;
		}
		pthread_mutex_lock(&t->lock);
	}
	pthread_mutex_unlock(&t->lock);
	publish(t);
	return NULL;
}

// ---- the pool

static int thread_start(struct cp_handshakes *h, struct thread *t)
{
	pthread_condattr_t attributes;
	sigset_t all, old;
	int err;

	t->pool = h;
	list_init(&t->orders);
	list_init(&t->told);
	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&t->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old); // signals are the owner's
	err = pthread_create(&t->handle, NULL, run, t);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	t->runs = err == 0;
	if (t->runs)
		pthread_setname_np(t->handle, "dtls");
	return -err;
}

// More than there are CPUs would only take turns.
static unsigned usual_threads(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) == 1 ? 1 : 2;
}

int cp_handshakes_new(struct cp_handshakes **out, const struct cp_handshakes_config *config)
{
	struct cp_handshakes *h = calloc(1, sizeof(*h));
	int err = 0;

	*out = NULL;
	if (!h)
		return -ENOMEM;
	h->config = *config;
	h->thread_count = config->threads ? config->threads : usual_threads();
	if (h->thread_count > THREADS)
		h->thread_count = THREADS;
	if (!h->config.associations)
		h->config.associations = 65536;
	if (!h->config.waiting)
		h->config.waiting = 8192;
	if (!h->config.busy)
		h->config.busy = 256;
	list_init(&h->news);
	pthread_mutex_init(&h->lock, NULL);
	h->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (h->fd < 0)
		err = -errno;
	for (unsigned i = 0; i < h->thread_count && !err; i++)
		err = thread_start(h, &h->threads[i]);
	if (err)
		cp_handshakes_free(h);
	else
		*out = h;
	return err;
}

static void thread_end(struct thread *t)
{
	struct note *n;

	if (!t->pool)
		return;
	if (t->runs) {
		pthread_mutex_lock(&t->lock);
		t->stop = true;
		pthread_cond_signal(&t->wake);
		pthread_mutex_unlock(&t->lock);
		pthread_join(t->handle, NULL);
	}
	n = list_take_all(&t->orders);
	while (n) {
		struct note *next = n->next;

		if (n->kind == ORDER_OPEN)
			cp_dtls_free(n->dtls);
		note_free(n);
		n = next;
	}
	for (unsigned i = 0; i < BUCKETS; i++)
		while (t->table[i])
			close_one(t, &t->table[i], false);
	pthread_cond_destroy(&t->wake);
	pthread_mutex_destroy(&t->lock);
}

void cp_handshakes_free(struct cp_handshakes *h)
{
	struct note *n;

	if (!h)
		return;
	for (unsigned i = 0; i < h->thread_count; i++)
		thread_end(&h->threads[i]);
	n = list_take_all(&h->news);
	while (n) {
		struct note *next = n->next;

		note_free(n);
		n = next;
	}
	for (unsigned i = 0; i < BUCKETS; i++)
		while (h->open[i]) {
			struct open *o = h->open[i];

			h->open[i] = o->next;
			free(o);
		}
	pthread_mutex_destroy(&h->lock);
	if (h->fd >= 0)
		close(h->fd);
	free(h);
}

int cp_handshakes_fd(const struct cp_handshakes *h)
{
	return h->fd;
}

void cp_handshakes_count(const struct cp_handshakes *h, struct cp_handshakes_counters *out)
{
	*out = h->counters;
}

// ---- the owner's side

static struct open **find_open(struct cp_handshakes *h, uint64_t id)
{
	struct open **at = &h->open[bucket_of(id)];

	while (*at && (*at)->id != id)
		at = &(*at)->next;
	return at;
}

// False: the queue is full; orders that must arrive are taken all the same.
static bool order(struct cp_handshakes *h, struct note *n, bool must)
{
	struct thread *t = &h->threads[(bucket_of(n->id) >> 4) % h->thread_count];
	bool taken, idle;

	pthread_mutex_lock(&t->lock);
	taken = must || t->orders.count < h->config.waiting;
	idle = !t->orders.first;
	if (taken)
		list_add(&t->orders, n);
	if (taken && idle)
		pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
	return taken;
}

int cp_handshakes_open(struct cp_handshakes *h, uint64_t id, const struct cp_dtls_config *config)
{
	struct cp_dtls_config c = *config;
	struct open **at = find_open(h, id), *o;
	struct note *n;
	int err;

	if (*at)
		return -EEXIST;
	if (h->open_count >= h->config.associations) {
		h->counters.refused++;
		return -EMFILE;
	}
	c.cookie |= atomic_load_explicit(&h->under_way, memory_order_relaxed) >= h->config.busy;
	n = note_new(ORDER_OPEN, id, 0, NULL, 0);
	o = calloc(1, sizeof(*o));
	err = n && o ? cp_dtls_new(&n->dtls, &c) : -ENOMEM;
	if (err) {
		free(n);
		free(o);
		return err;
	}
	o->id = id;
	o->life = n->life = ++h->lives;
	*at = o;
	h->open_count++;
	h->counters.opened++;
	h->counters.cookies += c.cookie && c.role == CP_DTLS_PASSIVE;
	atomic_fetch_add_explicit(&h->under_way, 1, memory_order_relaxed);
	order(h, n, true);
	return 0;
}

int cp_handshakes_feed(struct cp_handshakes *h, uint64_t id, const uint8_t *bytes, size_t size)
{
	struct open *o = *find_open(h, id);
	struct note *n;

	if (!o || !size || size > UINT16_MAX)
		return 0;
	h->counters.datagrams++;
	n = note_new(ORDER_FEED, id, o->life, bytes, size);
	if (n && order(h, n, false))
		return 0;
	free(n);
	h->counters.dropped++;
	return -ENOBUFS;
}

int cp_handshakes_trust(struct cp_handshakes *h, uint64_t id, const char *fingerprints)
{
	struct open *o = *find_open(h, id);
	struct note *n;

	if (!o)
		return 0;
	if (strlen(fingerprints) >= PRINTS)
		return -EINVAL;
	n = note_new(ORDER_TRUST, id, o->life, fingerprints, strlen(fingerprints) + 1);
	if (!n)
		return -ENOMEM;
	order(h, n, true);
	return 0;
}

void cp_handshakes_close(struct cp_handshakes *h, uint64_t id)
{
	struct open **at = find_open(h, id), *o = *at;
	struct note *n;

	if (!o)
		return;
	n = note_new(ORDER_CLOSE, id, o->life, NULL, 0);
	if (n)
		order(h, n, true);
	*at = o->next;
	h->open_count--;
	h->counters.closed++;
	free(o);
}

static void deliver(struct cp_handshakes *h, const struct note *n)
{
	const struct cp_handshakes_ops *ops = h->config.ops;
	const struct open *o = *find_open(h, n->id);
	bool current = o && o->life == n->life;

	switch (n->kind) {
	case NEWS_SEND: // the farewell of a closed one too
		if (current || !o)
			ops->send(h->config.ctx, n->id, n->bytes, n->size);
		break;
	case NEWS_READY:
		h->counters.ready += current;
		if (current)
			ops->ready(h->config.ctx, n->id, &n->keys);
		break;
	default:
		h->counters.failed += current;
		if (current)
			ops->failed(h->config.ctx, n->id, (const char *)n->bytes);
		break;
	}
}

void cp_handshakes_process(struct cp_handshakes *h)
{
	struct note *n;
	uint64_t count;

	if (read(h->fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return;
	pthread_mutex_lock(&h->lock);
	n = list_take_all(&h->news);
	pthread_mutex_unlock(&h->lock);
	while (n) {
		struct note *next = n->next;

		deliver(h, n);
		note_free(n);
		n = next;
	}
}
