// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/shm/tregion.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/abi/hello.h"
#include "dataplane/abi/shm.h"

#define READERS 64u

// Free call slots of one shard: a stack of indices. Its thread alone touches it.
struct free_calls {
	uint32_t *slots;
	uint32_t count;
} __attribute__((aligned(64)));

struct reader {
	int fd; // -1: none
	bool welcomed;
};

struct cp_tregion {
	struct abi_shm shm;
	uint32_t shards, per_shard, counter_count;
	uint64_t counter_offset, call_offset, trace_offset, trace_size, segment;
	uint64_t epoch;
	struct free_calls free[ABI_MAX_SHARDS];
	uint32_t *slots; // of all shards
	int epoll, listener;
	char path[108];
	struct reader readers[READERS];
};

static struct abi_region_t *header(const struct cp_tregion *t)
{
	return t->shm.base;
}

static uint64_t lines(uint64_t bytes)
{
	return (bytes + 63) & ~63ull;
}

static bool sane(const struct cp_tregion_config *c)
{
	return c->shards >= 1 && c->shards <= ABI_MAX_SHARDS && c->calls >= 1 &&
	       c->calls <= (1u << 22) && c->trace_bytes >= 65536 &&
	       !(c->trace_bytes & (c->trace_bytes - 1)) && c->counter_count <= 4096 &&
	       (c->counters || !c->counter_count);
}

static void fill_header(struct cp_tregion *t, const struct cp_tregion_config *config)
{
	struct abi_region_t *h = header(t);

	h->magic = ABI_MAGIC_T;
	h->major = ABI_MAJOR;
	h->minor = ABI_MINOR;
	h->header_size = ABI_HEADER_SIZE;
	h->size = t->shm.size;
	h->boot_epoch = t->epoch;
	h->realtime_offset_us = abi_realtime_offset_us();
	h->pid = (uint32_t)getpid();
	h->shards = t->shards;
	h->calls = t->per_shard * t->shards;
	h->counters = t->counter_count;
	h->counter_offset = t->counter_offset;
	h->counter_size = t->call_offset - t->counter_offset;
	h->call_offset = t->call_offset;
	h->trace_offset = t->trace_offset;
	h->trace_size = t->trace_size;
	abi_store64(&h->heartbeat_us, abi_now_us());
	abi_counters_init((uint8_t *)t->shm.base + t->counter_offset, config->counters,
		t->counter_count, t->shards + 1);
}

static int make_free_lists(struct cp_tregion *t)
{
	t->slots = calloc((size_t)t->per_shard * t->shards, sizeof(*t->slots));
	if (!t->slots)
		return -ENOMEM;
	for (uint32_t s = 0; s < t->shards; s++) {
		struct free_calls *f = &t->free[s];

		f->slots = t->slots + (size_t)s * t->per_shard;
		f->count = t->per_shard;
		for (uint32_t i = 0; i < t->per_shard; i++)
			f->slots[i] = s * t->per_shard + (t->per_shard - 1 - i);
	}
	return 0;
}

static int make_region(struct cp_tregion *t, const struct cp_tregion_config *config)
{
	static const struct abi_counter none[1];
	struct cp_tregion_config c = *config;
	int err;

	t->shards = c.shards;
	t->per_shard = (c.calls + c.shards - 1) / c.shards;
	t->counter_count = c.counter_count;
	t->trace_size = c.trace_bytes;
	t->segment = c.trace_bytes / ABI_TRACE_SEGMENTS;
	t->counter_offset = ABI_HEADER_SIZE;
	t->call_offset =
		t->counter_offset + lines(abi_counters_size(t->counter_count, t->shards + 1));
	t->trace_offset =
		t->call_offset + (uint64_t)t->per_shard * t->shards * sizeof(struct abi_call);
	if (getrandom(&t->epoch, sizeof(t->epoch), 0) != (ssize_t)sizeof(t->epoch))
		return -errno;
	err = abi_shm_create(
		&t->shm, "hawse-trace", t->trace_offset + t->trace_size * t->shards, true);
	if (err)
		return err;
	if (!c.counters)
		c.counters = none;
	fill_header(t, &c);
	return 0;
}

int cp_tregion_new(struct cp_tregion **out, const struct cp_tregion_config *config)
{
	struct cp_tregion *t;
	int err;

	if (!sane(config))
		return -EINVAL;
	if (posix_memalign((void **)&t, 64, sizeof(*t)))
		return -ENOMEM;
	memset(t, 0, sizeof(*t));
	t->shm.fd = t->listener = -1;
	for (unsigned i = 0; i < READERS; i++)
		t->readers[i].fd = -1;
	t->epoll = epoll_create1(EPOLL_CLOEXEC);
	err = t->epoll < 0 ? -errno : make_region(t, config);
	if (!err)
		err = make_free_lists(t);
	if (err)
		cp_tregion_free(t);
	else
		*out = t;
	return err;
}

void cp_tregion_free(struct cp_tregion *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < READERS; i++)
		if (t->readers[i].fd >= 0)
			close(t->readers[i].fd);
	if (t->listener >= 0) {
		close(t->listener);
		unlink(t->path);
	}
	if (t->epoll >= 0)
		close(t->epoll);
	abi_shm_close(&t->shm);
	free(t->slots);
	free(t);
}

// ---- readers

static int watch(struct cp_tregion *t, int fd, uint32_t number)
{
	struct epoll_event e = {.events = EPOLLIN | EPOLLRDHUP, .data = {.u32 = number}};

	return epoll_ctl(t->epoll, EPOLL_CTL_ADD, fd, &e) ? -errno : 0;
}

int cp_tregion_serve(struct cp_tregion *t, const char *path)
{
	int err;

	if (t->listener >= 0)
		return -EALREADY;
	if (strlen(path) >= sizeof(t->path))
		return -ENAMETOOLONG;
	t->listener = abi_listen(path, 0660);
	if (t->listener < 0) {
		err = t->listener;
		t->listener = -1;
		return err;
	}
	strcpy(t->path, path);
	return watch(t, t->listener, READERS);
}

int cp_tregion_own(struct cp_tregion *t, uid_t uid, gid_t gid)
{
	if (t->listener < 0)
		return -ENOTCONN;
	return chown(t->path, uid, gid) ? -errno : 0;
}

int cp_tregion_fd(const struct cp_tregion *t)
{
	return t->epoll;
}

static void drop_reader(struct reader *r)
{
	close(r->fd);
	*r = (struct reader){.fd = -1};
}

// A free place, if need be that of one who connected and said nothing yet; READERS: none.
static unsigned find_place(struct cp_tregion *t)
{
	unsigned silent = READERS;

	for (unsigned i = 0; i < READERS; i++) {
		if (t->readers[i].fd < 0)
			return i;
		if (!t->readers[i].welcomed)
			silent = i;
	}
	if (silent < READERS)
		drop_reader(&t->readers[silent]);
	return silent;
}

static void take_readers(struct cp_tregion *t)
{
	for (;;) {
		uid_t uid;
		pid_t pid;
		unsigned i;
		int fd = abi_accept(t->listener, &uid, &pid);

		if (fd < 0)
			return;
		i = find_place(t);
		if (i == READERS || watch(t, fd, i)) {
			close(fd);
			continue;
		}
		t->readers[i] = (struct reader){.fd = fd};
	}
}

static void serve_reader(struct cp_tregion *t, struct reader *r)
{
	struct abi_welcome welcome = {.boot_epoch = t->epoch, .fd_kind = {ABI_FD_T}};
	struct abi_hello hello;
	int err = abi_hello_read(r->fd, &hello);

	if (err == -EAGAIN)
		return;
	// After the welcome nothing more is said: what comes is the end, or not ours.
	if (r->welcomed || (err && err != -EPROTONOSUPPORT)) {
		drop_reader(r);
		return;
	}
	if (!err && hello.role != ABI_ROLE_READER)
		err = -EACCES;
	welcome.status = err;
	welcome.fd_count = err ? 0 : 1;
	if (abi_welcome_send(r->fd, &welcome, &t->shm.fd) || err)
		drop_reader(r);
	else
		r->welcomed = true;
}

void cp_tregion_process(struct cp_tregion *t)
{
	struct epoll_event events[16];
	int n = epoll_wait(t->epoll, events, 16, 0);

	for (int i = 0; i < n; i++) {
		uint32_t number = events[i].data.u32;

		if (number == READERS)
			take_readers(t);
		else if (t->readers[number].fd >= 0)
			serve_reader(t, &t->readers[number]);
	}
}

void cp_tregion_heartbeat(struct cp_tregion *t, uint64_t now_us, bool attached)
{
	abi_store64(&header(t)->heartbeat_us, now_us);
	abi_store32(&header(t)->attached, attached);
}

uint64_t cp_tregion_epoch(const struct cp_tregion *t)
{
	return t->epoch;
}

void cp_tregion_describe(
	struct cp_tregion *t, uint32_t first, const struct abi_counter *list, uint32_t count)
{
	struct abi_counter *to = (struct abi_counter *)((uint8_t *)t->shm.base + t->counter_offset);

	if (first <= t->counter_count && count <= t->counter_count - first)
		memcpy(&to[first], list, count * sizeof(*list));
}

abi_atomic64 *cp_tregion_counters(struct cp_tregion *t, uint32_t block)
{
	return abi_counters_block((uint8_t *)t->shm.base + t->counter_offset, t->counter_count,
		block > t->shards ? t->shards : block);
}

// ---- calls

static struct abi_call *slot(const struct cp_tregion *t, uint32_t call)
{
	return (struct abi_call *)(void *)((uint8_t *)t->shm.base + t->call_offset) + call;
}

static void clear(struct abi_call *c, uint8_t shard)
{
	abi_write_begin(&c->sequence);
	memset((uint8_t *)c + sizeof(c->sequence), 0, sizeof(*c) - sizeof(c->sequence));
	c->shard = shard;
	abi_write_end(&c->sequence);
}

uint32_t cp_tregion_call_open(struct cp_tregion *t, uint32_t shard)
{
	struct free_calls *f = &t->free[shard];
	uint32_t call;

	if (!f->count)
		return CP_NO_CALL;
	call = f->slots[--f->count];
	clear(slot(t, call), (uint8_t)shard);
	return call;
}

void cp_tregion_call_close(struct cp_tregion *t, uint32_t call)
{
	uint32_t shard = call / t->per_shard;
	struct free_calls *f = &t->free[shard];

	clear(slot(t, call), (uint8_t)shard);
	f->slots[f->count++] = call;
}

struct abi_call *cp_tregion_call_begin(struct cp_tregion *t, uint32_t call)
{
	struct abi_call *c = slot(t, call);

	abi_write_begin(&c->sequence);
	return c;
}

void cp_tregion_call_end(struct cp_tregion *t, uint32_t call)
{
	abi_write_end(&slot(t, call)->sequence);
}

const struct abi_call *cp_tregion_call(const struct cp_tregion *t, uint32_t call)
{
	return slot(t, call);
}

uint32_t cp_tregion_calls_used(const struct cp_tregion *t, uint32_t shard)
{
	return t->per_shard - t->free[shard].count;
}

// ---- trace

// Says that everything up to `head` is written, and keeps later writes from being seen before it.
static void publish(struct cp_tregion *t, uint32_t shard, uint64_t head)
{
	abi_store64(&header(t)->trace[shard].head, head);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

// A PAD up to the end of the segment. Where less than a record's header is left, readers go on
// without looking, so that it need not be whole.
static uint64_t pad(struct cp_tregion *t, uint8_t *ring, uint64_t head, uint64_t left)
{
	struct abi_trace p = {.length = (uint32_t)left, .kind = ABI_TRACE_PAD};
	size_t room = left < sizeof(p) ? (size_t)left : sizeof(p);

	memcpy(ring + (head & (t->trace_size - 1)), &p, room);
	return head + left;
}

static void append(
	struct cp_tregion *t, uint32_t shard, struct abi_trace *record, const void *text, size_t n)
{
	uint8_t *ring = (uint8_t *)t->shm.base + t->trace_offset + t->trace_size * shard;
	uint64_t head = abi_load64(&header(t)->trace[shard].head);
	uint64_t left = t->segment - head % t->segment;
	size_t most = (size_t)t->segment - sizeof(*record);
	uint8_t *to;

	if (n > most)
		n = most;
	record->size = (uint32_t)n;
	record->length = (uint32_t)((sizeof(*record) + n + 7) & ~(size_t)7);
	if (record->length > left) {
		head = pad(t, ring, head, left);
		publish(t, shard, head);
	}
	to = ring + (head & (t->trace_size - 1));
	memcpy(to, record, sizeof(*record));
	memcpy(to + sizeof(*record), text, n);
	memset(to + sizeof(*record) + n, 0, record->length - sizeof(*record) - n);
	publish(t, shard, head + record->length);
}

void cp_tregion_trace(struct cp_tregion *t, uint32_t shard, const struct cp_trace_message *m,
	const void *bytes, size_t n)
{
	struct abi_trace record = {
		.time_us = m->time_us,
		.call = m->call,
		.kind = m->sent ? ABI_TRACE_SENT : ABI_TRACE_RECEIVED,
		.leg = m->leg,
		.transport = m->transport,
		.source = m->source,
		.destination = m->destination,
	};

	append(t, shard, &record, bytes, n);
}

void cp_tregion_event(struct cp_tregion *t, uint32_t shard, uint64_t time_us, uint64_t call,
	uint8_t leg, const char *format, ...)
{
	struct abi_trace record = {
		.time_us = time_us, .call = call, .kind = ABI_TRACE_EVENT, .leg = leg};
	char text[512];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (n < 0)
		return;
	append(t, shard, &record, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}
