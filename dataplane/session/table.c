// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/session/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE  (2ull << 20)
#define OPEN_WORDS (65536u / 64)

static size_t round_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

// Explicit huge pages are taken at once, or not at all: a shortage shows now and not as a SIGBUS.
static void *reserve_huge(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

// Aligned for transparent huge pages; backed as it is touched.
static void *reserve(size_t bytes)
{
	uint8_t *p = mmap(NULL, bytes + HUGE_PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t before;

	if (p == MAP_FAILED)
		return NULL;
	before = round_up((uintptr_t)p, HUGE_PAGE) - (uintptr_t)p;
	if (before)
		munmap(p, before);
	munmap(p + before + bytes, HUGE_PAGE - before);
	madvise(p + before, bytes, MADV_HUGEPAGE);
	return p + before;
}

static int open_endpoint(struct dp_endpoint *e, const struct abi_endpoint *from, bool *huge)
{
	memcpy(e->ip, from->ip, sizeof(e->ip));
	e->family = from->family;
	e->interface_index = from->interface_index;
	e->first_port = from->first_port;
	e->last_port = from->last_port;
	e->pairs = (uint32_t)(from->last_port - from->first_port + 1) / 2;
	e->bytes = round_up((size_t)e->pairs * DP_LEG_SIZE, HUGE_PAGE);
	e->muxed_odd = calloc((e->pairs + 63) / 64, sizeof(*e->muxed_odd));
	e->open = calloc(OPEN_WORDS, sizeof(*e->open));
	if (!e->muxed_odd || !e->open)
		return -ENOMEM;
	if (*huge) {
		e->legs[0] = reserve_huge(e->bytes);
		*huge = e->legs[0] != NULL;
	}
	if (!e->legs[0])
		e->legs[0] = reserve(e->bytes);
	e->legs[1] = reserve(e->bytes);
	return e->legs[0] && e->legs[1] ? 0 : -ENOMEM;
}

static int check(const struct abi_endpoint *e)
{
	if (e->family != 4 && e->family != 6)
		return -EINVAL;
	if (e->first_port & 1 || !(e->last_port & 1) || e->last_port < e->first_port)
		return -EINVAL;
	return 0;
}

static int hash_endpoint(struct dp_table *t, unsigned index)
{
	const struct dp_endpoint *e = &t->endpoint[index];
	uint32_t key, i;

	if (dp_table_find(t, e->ip, e->family) != DP_NO_ENDPOINT)
		return -EINVAL;
	if (e->family == 4)
		memcpy(&key, e->ip, 4);
	else
		key = dp_table_key6(e->ip);
	for (i = dp_table_slot(key); t->hash[i].endpoint != DP_NO_ENDPOINT;)
		i = (i + 1) % DP_HASH_SLOTS;
	t->hash[i] =
		(struct dp_hash_slot){.key = key, .endpoint = (uint16_t)index, .family = e->family};
	return 0;
}

int dp_table_create(
	struct dp_table **table, const struct abi_endpoint *endpoints, unsigned count, bool huge)
{
	struct dp_table *t;
	size_t size;
	int err = 0;

	*table = NULL;
	if (count > ABI_MAX_ENDPOINTS)
		return -EINVAL;
	size = round_up(sizeof(*t) + count * sizeof(struct dp_endpoint), 64);
	t = aligned_alloc(64, size);
	if (!t)
		return -ENOMEM;
	memset(t, 0, size);
	t->huge = huge;
	for (unsigned i = 0; i < DP_HASH_SLOTS; i++)
		t->hash[i].endpoint = DP_NO_ENDPOINT;
	for (unsigned i = 0; i < count && !err; i++) {
		t->endpoint[i].index = (uint16_t)i;
		err = check(&endpoints[i]);
		if (err)
			break;
		t->count = i + 1;
		err = open_endpoint(&t->endpoint[i], &endpoints[i], &t->huge);
		if (!err)
			err = hash_endpoint(t, i);
	}
	if (err) {
		dp_table_free(t);
		return err;
	}
	*table = t;
	return 0;
}

void dp_table_free(struct dp_table *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < t->count; i++) {
		struct dp_endpoint *e = &t->endpoint[i];

		for (unsigned parity = 0; parity < 2; parity++)
			if (e->legs[parity])
				munmap(e->legs[parity], e->bytes);
		free(e->muxed_odd);
		if (!e->shared)
			free(e->open);
	}
	free(t);
}

int dp_table_touch(const struct dp_table *t, unsigned endpoint, uint16_t port)
{
	struct dp_leg *leg;

	if (endpoint >= t->count)
		return -EINVAL;
	leg = dp_table_leg(&t->endpoint[endpoint], port);
	if (!leg)
		return -EINVAL;
	// Nothing changes, even if the leg were in use; but the page is ours now.
	__atomic_fetch_or(&leg->rx.reserved[0], 0, __ATOMIC_RELAXED);
	__atomic_fetch_or(&leg->slot, 0, __ATOMIC_RELAXED);
	return 0;
}

static void set_bit(uint64_t *bits, uint32_t bit, bool on)
{
	if (on)
		__atomic_fetch_or(&bits[bit / 64], 1ull << bit % 64, __ATOMIC_RELAXED);
	else
		__atomic_fetch_and(&bits[bit / 64], ~(1ull << bit % 64), __ATOMIC_RELAXED);
}

void dp_table_share(struct dp_table *t, unsigned endpoint, uint64_t *bits)
{
	struct dp_endpoint *e = &t->endpoint[endpoint];

	if (!e->shared)
		free(e->open);
	e->open = bits;
	e->shared = true;
}

void dp_table_open(const struct dp_table *t, unsigned endpoint, uint16_t port, bool open)
{
	if (endpoint < t->count && dp_table_leg(&t->endpoint[endpoint], port))
		set_bit(t->endpoint[endpoint].open, port, open);
}

void dp_table_mux(const struct dp_table *t, unsigned endpoint, uint16_t port, bool muxed)
{
	const struct dp_endpoint *e;

	if (endpoint >= t->count || !(port & 1))
		return;
	e = &t->endpoint[endpoint];
	if (dp_table_leg(e, port))
		set_bit(e->muxed_odd, (uint32_t)(port - e->first_port) / 2, muxed);
}

unsigned dp_table_find(const struct dp_table *t, const uint8_t ip[16], uint8_t family)
{
	const struct dp_endpoint *e;
	uint32_t ip4;

	memcpy(&ip4, ip, 4);
	e = family == 4 ? dp_table_endpoint4(t, ip4) : dp_table_endpoint6(t, ip);
	return e ? e->index : DP_NO_ENDPOINT;
}
