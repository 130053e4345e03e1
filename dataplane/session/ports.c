// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/session/ports.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NONE 0xffffu // no pair
#define ANY  255u    // any interface

enum port_state {
	PORT_FREE = 0,
	PORT_USED,
	PORT_RESTING,
};

enum list_kind {
	LIST_WHOLE = 0, // both ports free
	LIST_HALF = 1,  // one of them
	LIST_KINDS,
};

struct list { // of pairs, first in first out
	uint16_t head;
	uint16_t tail;
};

// Addresses that answer the same wish.
struct group {
	uint16_t *members;
	uint32_t count;
	uint32_t cursor;               // where the next search starts
	uint32_t (*pairs)[LIST_KINDS]; // by worker: pairs in the members' lists
};

struct address {
	uint8_t ip[16];
	uint8_t family;
	uint16_t first;
	uint32_t pairs;
	uint8_t *state; // by port - first
	uint16_t *next; // by pair: of the list that the pair is in
	uint16_t *prev;
	struct list (*lists)[LIST_KINDS]; // by worker
	// Resting ports in the order that they came; each port is in it at most once.
	uint16_t *rest_port;
	uint64_t *rest_until;
	uint32_t rest_head;
	uint32_t rest_count;
	struct group *groups[2]; // its interface's, and the one of any interface
};

struct dp_ports {
	const struct dp_steering *steering;
	uint64_t rest_us;
	uint32_t workers;
	uint32_t count;
	struct address *address;
	struct group group[ANY + 1][2]; // by interface; family 4, 6
	uint32_t *sessions;             // by worker
	uint32_t total;
	uint32_t used;
	uint32_t resting;
};

void dp_steering_spread(struct dp_steering *s, uint32_t workers)
{
	s->workers = workers;
	for (uint32_t port = 0; port < 65536; port++)
		s->worker[port] = (uint8_t)(port / 2 % DP_STEERING_CLASSES % workers);
}

// ---- lists of pairs

static unsigned pair_worker(const struct dp_ports *p, const struct address *a, uint32_t pair)
{
	return p->steering->worker[a->first + pair * 2];
}

static void account(struct address *a, unsigned worker, enum list_kind kind, int by)
{
	for (unsigned g = 0; g < 2; g++)
		a->groups[g]->pairs[worker][kind] += (uint32_t)by;
}

static void append(struct address *a, unsigned worker, enum list_kind kind, uint16_t pair)
{
	struct list *l = &a->lists[worker][kind];

	a->next[pair] = NONE;
	a->prev[pair] = l->tail;
	if (l->tail == NONE)
		l->head = pair;
	else
		a->next[l->tail] = pair;
	l->tail = pair;
	account(a, worker, kind, 1);
}

static void detach(struct address *a, unsigned worker, enum list_kind kind, uint16_t pair)
{
	struct list *l = &a->lists[worker][kind];

	if (a->prev[pair] == NONE)
		l->head = a->next[pair];
	else
		a->next[a->prev[pair]] = a->next[pair];
	if (a->next[pair] == NONE)
		l->tail = a->prev[pair];
	else
		a->prev[a->next[pair]] = a->prev[pair];
	account(a, worker, kind, -1);
}

// Which list a pair belongs to by its ports' states; LIST_KINDS: none.
static enum list_kind belongs(const struct address *a, uint32_t pair)
{
	unsigned vacant = (a->state[pair * 2] == PORT_FREE) + (a->state[pair * 2 + 1] == PORT_FREE);

	return vacant == 2 ? LIST_WHOLE : vacant == 1 ? LIST_HALF : LIST_KINDS;
}

// Changes a port's state and moves its pair to the list where it belongs then.
static void set_state(struct dp_ports *p, struct address *a, uint16_t port, enum port_state state)
{
	uint32_t offset = (uint32_t)(port - a->first);
	uint16_t pair = (uint16_t)(offset / 2);
	unsigned worker = pair_worker(p, a, pair);
	enum list_kind before = belongs(a, pair), after;

	p->used -= a->state[offset] == PORT_USED;
	p->resting -= a->state[offset] == PORT_RESTING;
	p->used += state == PORT_USED;
	p->resting += state == PORT_RESTING;
	a->state[offset] = (uint8_t)state;
	after = belongs(a, pair);
	if (before == after)
		return;
	if (before != LIST_KINDS)
		detach(a, worker, before, pair);
	if (after != LIST_KINDS)
		append(a, worker, after, pair);
}

// ---- rest

static void wake_rested(struct dp_ports *p, struct address *a, uint64_t now_us)
{
	while (a->rest_count && a->rest_until[a->rest_head] <= now_us) {
		uint16_t port = a->rest_port[a->rest_head];

		a->rest_head = (a->rest_head + 1) % (a->pairs * 2);
		a->rest_count--;
		set_state(p, a, port, PORT_FREE);
	}
}

static void rest(struct dp_ports *p, struct address *a, uint16_t port, uint64_t now_us)
{
	uint32_t at = (a->rest_head + a->rest_count) % (a->pairs * 2);

	if (a->state[port - a->first] != PORT_USED)
		return;
	a->rest_port[at] = port;
	a->rest_until[at] = now_us + p->rest_us;
	a->rest_count++;
	set_state(p, a, port, PORT_RESTING);
}

void dp_ports_set_rest(struct dp_ports *p, uint64_t rest_us)
{
	p->rest_us = rest_us;
}

void dp_ports_tick(struct dp_ports *p, uint64_t now_us)
{
	for (uint32_t i = 0; i < p->count; i++)
		wake_rested(p, &p->address[i], now_us);
}

// ---- taking

static void use(
	struct dp_ports *p, unsigned index, uint16_t port, uint8_t kind, struct abi_leg_ports *got)
{
	struct address *a = &p->address[index];

	set_state(p, a, port, PORT_USED);
	if (kind == ABI_LEG_PAIR)
		set_state(p, a, port + 1, PORT_USED);
	*got = (struct abi_leg_ports){
		.endpoint = (uint16_t)index,
		.rtp_port = port,
		.rtcp_port = kind == ABI_LEG_PAIR ? port + 1 : port,
		.kind = kind,
	};
}

// Back to the free ones at once: nobody has seen them.
static void untake(struct dp_ports *p, const struct abi_leg_ports *got)
{
	struct address *a = &p->address[got->endpoint];

	set_state(p, a, got->rtp_port, PORT_FREE);
	if (got->kind == ABI_LEG_PAIR)
		set_state(p, a, got->rtcp_port, PORT_FREE);
}

static int take_exactly(struct dp_ports *p, const struct dp_port_want *w, int worker,
	uint64_t now_us, struct abi_leg_ports *got)
{
	for (uint32_t i = 0; i < p->count; i++) {
		struct address *a = &p->address[i];
		uint32_t offset = (uint32_t)(w->rtp_port - a->first);

		if (a->family != w->family || memcmp(a->ip, w->ip, sizeof(a->ip)) != 0)
			continue;
		if (w->rtp_port < a->first || offset >= a->pairs * 2)
			return -ENOSPC;
		wake_rested(p, a, now_us);
		if (p->steering->worker[w->rtp_port] != worker)
			return -ENOSPC;
		if (a->state[offset] != PORT_FREE)
			return -ENOSPC;
		if (w->kind == ABI_LEG_PAIR && a->state[offset + 1] != PORT_FREE)
			return -ENOSPC;
		use(p, i, w->rtp_port, w->kind, got);
		return 0;
	}
	return -EAFNOSUPPORT;
}

// The next port of an address that has one, beginning where the last search ended.
static int take_any(struct dp_ports *p, struct group *g, uint8_t kind, unsigned worker,
	enum list_kind from, struct abi_leg_ports *got)
{
	for (uint32_t n = 0; n < g->count; n++) {
		unsigned index = g->members[(g->cursor + n) % g->count];
		struct address *a = &p->address[index];
		uint16_t pair = a->lists[worker][from].head;
		uint16_t port;

		if (pair == NONE)
			continue;
		port = (uint16_t)(a->first + pair * 2);
		if (a->state[pair * 2] != PORT_FREE)
			port++;
		use(p, index, port, kind, got);
		g->cursor = (g->cursor + n + 1) % g->count;
		return 0;
	}
	return -ENOSPC;
}

static int take_one(struct dp_ports *p, const struct dp_port_want *w, unsigned worker,
	uint64_t now_us, struct abi_leg_ports *got)
{
	struct group *g = &p->group[w->interface_index][w->family == 6];

	if (w->rtp_port)
		return take_exactly(p, w, (int)worker, now_us, got);
	if (!g->count)
		return -EAFNOSUPPORT;
	if (w->kind == ABI_LEG_MUX && g->pairs[worker][LIST_HALF])
		return take_any(p, g, w->kind, worker, LIST_HALF, got);
	if (!g->pairs[worker][LIST_WHOLE])
		return -ENOSPC;
	return take_any(p, g, w->kind, worker, LIST_WHOLE, got);
}

static int take_of(struct dp_ports *p, const struct dp_port_want *want, unsigned legs,
	unsigned worker, uint64_t now_us, struct abi_leg_ports *got)
{
	// A leg that wants a certain port comes first, or the other one might take it.
	unsigned first = legs == 2 && !want[0].rtp_port && want[1].rtp_port;
	int err = take_one(p, &want[first], worker, now_us, &got[first]);

	if (err || legs == 1)
		return err;
	err = take_one(p, &want[!first], worker, now_us, &got[!first]);
	if (err)
		untake(p, &got[first]);
	return err;
}

static int check_want(const struct dp_port_want *w)
{
	if (w->family != 4 && w->family != 6)
		return -EINVAL;
	if (w->kind != ABI_LEG_PAIR && w->kind != ABI_LEG_MUX)
		return -EINVAL;
	return w->kind == ABI_LEG_PAIR && w->rtp_port & 1 ? -EINVAL : 0;
}

static unsigned idlest(const struct dp_ports *p)
{
	unsigned best = 0;

	for (unsigned w = 1; w < p->workers; w++)
		if (p->sessions[w] < p->sessions[best])
			best = w;
	return best;
}

// With the worker named, or with whichever has what is wanted, the idlest first.
static int take_somewhere(struct dp_ports *p, const struct dp_port_want *want, unsigned legs,
	int worker, uint64_t now_us, struct abi_leg_ports *got)
{
	unsigned start = worker < 0 ? idlest(p) : (unsigned)worker;
	unsigned tries = worker < 0 ? p->workers : 1;
	int err = -ENOSPC;

	for (unsigned n = 0; n < tries; n++) {
		unsigned w = (start + n) % p->workers;

		err = take_of(p, want, legs, w, now_us, got);
		if (err)
			continue;
		p->sessions[w]++;
		return (int)w;
	}
	return err;
}

int dp_ports_take(struct dp_ports *p, const struct dp_port_want *want, unsigned legs, int worker,
	uint64_t now_us, struct abi_leg_ports *got)
{
	int err = legs == 1 || legs == 2 ? 0 : -EINVAL;

	for (unsigned i = 0; i < legs && !err; i++) {
		err = check_want(&want[i]);
		if (!err && worker < 0 && want[i].rtp_port)
			worker = p->steering->worker[want[i].rtp_port];
	}
	if (err || worker >= (int)p->workers)
		return -EINVAL;
	err = take_somewhere(p, want, legs, worker, now_us, got);
	if (err != -ENOSPC || !p->resting)
		return err;
	dp_ports_tick(p, now_us);
	return take_somewhere(p, want, legs, worker, now_us, got);
}

void dp_ports_give(
	struct dp_ports *p, const struct abi_leg_ports *legs, unsigned count, uint64_t now_us)
{
	for (unsigned i = 0; i < count; i++) {
		struct address *a;

		if (legs[i].kind == ABI_LEG_NONE || legs[i].endpoint >= p->count)
			continue;
		a = &p->address[legs[i].endpoint];
		if (legs[i].rtp_port < a->first ||
			(uint32_t)(legs[i].rtp_port - a->first) >= a->pairs * 2)
			continue;
		if (i == 0 && a->state[legs[i].rtp_port - a->first] == PORT_USED)
			p->sessions[p->steering->worker[legs[i].rtp_port]]--;
		rest(p, a, legs[i].rtp_port, now_us);
		if (legs[i].kind == ABI_LEG_PAIR)
			rest(p, a, legs[i].rtp_port + 1, now_us);
	}
}

uint32_t dp_ports_sessions(const struct dp_ports *p, unsigned worker)
{
	return worker < p->workers ? p->sessions[worker] : 0;
}

void dp_ports_info(const struct dp_ports *p, struct dp_ports_info *info)
{
	*info = (struct dp_ports_info){.total = p->total, .used = p->used, .resting = p->resting};
}

// ---- making

static int join_group(struct dp_ports *p, struct address *a, unsigned which, struct group *g)
{
	if (!g->members) {
		g->members = calloc(p->count, sizeof(*g->members));
		g->pairs = calloc(p->workers, sizeof(*g->pairs));
	}
	if (!g->members || !g->pairs)
		return -ENOMEM;
	g->members[g->count++] = (uint16_t)(a - p->address);
	a->groups[which] = g;
	return 0;
}

static int check_address(const struct dp_ports *p, const struct abi_endpoint *e)
{
	if ((e->family != 4 && e->family != 6) || e->first_port & 1 || !(e->last_port & 1))
		return -EINVAL;
	if (e->last_port < e->first_port || e->interface_index == ANY)
		return -EINVAL;
	for (uint32_t port = e->first_port; port <= e->last_port; port += 2)
		if (p->steering->worker[port] >= p->workers ||
			p->steering->worker[port] != p->steering->worker[port + 1])
			return -EINVAL;
	return 0;
}

static int open_address(struct dp_ports *p, struct address *a, const struct abi_endpoint *e)
{
	int err = check_address(p, e);

	if (err)
		return err;
	memcpy(a->ip, e->ip, sizeof(a->ip));
	a->family = e->family;
	a->first = e->first_port;
	a->pairs = (uint32_t)(e->last_port - e->first_port + 1) / 2;
	a->state = calloc(a->pairs * 2, sizeof(*a->state));
	a->next = calloc(a->pairs, sizeof(*a->next));
	a->prev = calloc(a->pairs, sizeof(*a->prev));
	a->lists = malloc(p->workers * sizeof(*a->lists));
	a->rest_port = calloc(a->pairs * 2, sizeof(*a->rest_port));
	a->rest_until = calloc(a->pairs * 2, sizeof(*a->rest_until));
	if (!a->state || !a->next || !a->prev || !a->lists || !a->rest_port || !a->rest_until)
		return -ENOMEM;
	memset(a->lists, 0xff, p->workers * sizeof(*a->lists));
	err = join_group(p, a, 0, &p->group[e->interface_index][e->family == 6]);
	if (!err)
		err = join_group(p, a, 1, &p->group[ANY][e->family == 6]);
	if (err)
		return err;
	for (uint32_t pair = 0; pair < a->pairs; pair++)
		append(a, pair_worker(p, a, pair), LIST_WHOLE, (uint16_t)pair);
	p->total += a->pairs * 2;
	return 0;
}

int dp_ports_create(struct dp_ports **ports, const struct abi_endpoint *endpoints, unsigned count,
	const struct dp_steering *steering, uint64_t rest_us)
{
	struct dp_ports *p;
	int err = 0;

	*ports = NULL;
	if (count > ABI_MAX_ENDPOINTS || !steering->workers)
		return -EINVAL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->steering = steering;
	p->rest_us = rest_us;
	p->workers = steering->workers;
	p->address = calloc(count ? count : 1, sizeof(*p->address));
	p->sessions = calloc(p->workers, sizeof(*p->sessions));
	if (!p->address || !p->sessions)
		err = -ENOMEM;
	p->count = p->address ? count : 0;
	for (unsigned i = 0; i < count && !err; i++)
		err = open_address(p, &p->address[i], &endpoints[i]);
	if (err) {
		dp_ports_free(p);
		return err;
	}
	*ports = p;
	return 0;
}

void dp_ports_free(struct dp_ports *p)
{
	if (!p)
		return;
	for (uint32_t i = 0; i < p->count; i++) {
		struct address *a = &p->address[i];

		free(a->state);
		free(a->next);
		free(a->prev);
		free(a->lists);
		free(a->rest_port);
		free(a->rest_until);
	}
	for (unsigned i = 0; i <= ANY; i++)
		for (unsigned family = 0; family < 2; family++) {
			free(p->group[i][family].members);
			free(p->group[i][family].pairs);
		}
	free(p->address);
	free(p->sessions);
	free(p);
}
