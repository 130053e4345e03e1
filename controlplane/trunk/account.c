// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/trunk/account_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/trunk/rates.h"

#define MINUTE       (60 * SECOND)
#define HOLD_OFF     (30 * SECOND) // that a peer without pings is tried last after failures
#define DEFAULT_DOWN 3u

static void lock(struct cp_account *a)
{
	pthread_mutex_lock(&a->all->lock);
}

static void unlock(struct cp_account *a)
{
	pthread_mutex_unlock(&a->all->lock);
}

// ---- all of them ------------------------------------------------------------------------------------

int cp_accounts_new(struct cp_accounts **out)
{
	struct cp_accounts *all = calloc(1, sizeof(*all));

	if (!all)
		return -ENOMEM;
	all->mask = 255;
	all->buckets = calloc(all->mask + 1, sizeof(*all->buckets));
	if (!all->buckets) {
		free(all);
		return -ENOMEM;
	}
	pthread_mutex_init(&all->lock, NULL);
	*out = all;
	return 0;
}

void cp_accounts_free(struct cp_accounts *all)
{
	if (!all)
		return;
	for (uint32_t i = 0; i <= all->mask; i++)
		while (all->buckets[i]) {
			struct cp_account *a = all->buckets[i];

			all->buckets[i] = a->next;
			for (unsigned k = 0; k < 3; k++)
				free(a->meter[k].began);
			free(a);
		}
	pthread_mutex_destroy(&all->lock);
	free(all->buckets);
	free(all);
}

static uint32_t hash(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 16777619u;
	return h ^ h >> 15;
}

// Without memory the chains get longer.
static void grow(struct cp_accounts *all)
{
	uint32_t mask = all->mask * 2 + 1;
	struct cp_account **buckets = calloc(mask + 1u, sizeof(*buckets));

	if (!buckets)
		return;
	for (uint32_t i = 0; i <= all->mask; i++)
		while (all->buckets[i]) {
			struct cp_account *a = all->buckets[i],
					  **to = &buckets[hash(a->name) & mask];

			all->buckets[i] = a->next;
			a->next = *to;
			*to = a;
		}
	free(all->buckets);
	all->buckets = buckets;
	all->mask = mask;
}

struct cp_account *cp_account_get(struct cp_accounts *all, const char *name)
{
	struct cp_account *a;

	pthread_mutex_lock(&all->lock);
	for (a = all->buckets[hash(name) & all->mask]; a; a = a->next)
		if (strncmp(a->name, name, sizeof(a->name) - 1) == 0)
			break;
	if (!a && (a = calloc(1, sizeof(*a)))) {
		struct cp_account **to = &all->buckets[hash(name) & all->mask];

		a->all = all;
		snprintf(a->name, sizeof(a->name), "%s", name);
		a->next = *to;
		*to = a;
		if (++all->count > all->mask * 2)
			grow(all);
	}
	pthread_mutex_unlock(&all->lock);
	return a;
}

// ---- how fast ---------------------------------------------------------------------------------------

// A ring of the size that the limit wants; what is known of the past stays as far as it fits.
static bool fit(struct meter *m, uint32_t size)
{
	uint64_t *ring;

	if (m->size == size)
		return true;
	ring = calloc(size, sizeof(*ring));
	if (!ring)
		return m->size != 0;
	for (uint32_t i = 0; i < size && i < m->size; i++)
		ring[size - 1 - i] = m->began[(m->at + m->size - 1 - i) % m->size];
	free(m->began);
	m->began = ring;
	m->size = size;
	m->at = 0;
	return true;
}

static void fill(struct meter *m, const struct cfg_limit *l, uint64_t now_us)
{
	uint64_t full = (uint64_t)l->burst * l->period_s * SECOND;
	uint64_t elapsed = now_us > m->filled_us ? now_us - m->filled_us : 0;

	if (!m->filled_us || elapsed > full / l->rate)
		m->level = full;
	else
		m->level += elapsed * l->rate;
	if (m->level > full)
		m->level = full;
	m->filled_us = now_us;
}

static bool may_begin(struct meter *m, const struct cfg_limit *l, uint64_t now_us)
{
	uint64_t period_us = l->period_s * SECOND;

	if (l->burst) {
		fill(m, l, now_us);
		return m->level >= period_us;
	}
	// The call that was so many before this one.
	if (!fit(m, l->rate))
		return true;
	return !m->began[m->at] || m->began[m->at] + period_us <= now_us;
}

static void begin(struct meter *m, const struct cfg_limit *l, uint64_t now_us)
{
	m->calls++;
	if (!l || !l->rate)
		return;
	if (l->burst) {
		uint64_t period_us = l->period_s * SECOND;

		fill(m, l, now_us);
		m->level -=
			m->level < period_us ? m->level : period_us; // an emergency may overdraw
		return;
	}
	if (!fit(m, l->rate))
		return;
	m->began[m->at] = now_us;
	m->at = (m->at + 1) % m->size;
}

// ---- minutes ----------------------------------------------------------------------------------------

static uint64_t used_us(const struct meter *m, uint64_t now_us)
{
	uint64_t running = m->running * now_us;

	return m->finished_us + (running > m->started_us ? running - m->started_us : 0);
}

static void begin_day(struct cp_account *a, const struct cp_zone *zone, uint64_t now_us)
{
	struct cp_local local;

	if (a->day_start_us && now_us - a->day_start_us < 3600 * SECOND)
		return;
	cp_zone_local(zone, (int64_t)(now_us / SECOND), &local);
	if ((uint64_t)local.day_start * SECOND == a->day_start_us)
		return;
	a->day_start_us = (uint64_t)local.day_start * SECOND;
	for (unsigned i = 0; i < 3; i++) {
		a->meter[i].finished_us = 0;
		a->meter[i].started_us = a->meter[i].running * a->day_start_us;
	}
}

// ---- dear calls -------------------------------------------------------------------------------------

static bool has_prefix(const struct cfg_prefix_list *list, const char *number)
{
	for (unsigned i = 0; i < list->count; i++)
		if (strncmp(number, list->prefix[i], strlen(list->prefix[i])) == 0)
			return true;
	return false;
}

static bool is_dear(const struct cfg_limits *limits, const struct cp_wish *w, int64_t *price)
{
	const struct cfg_fraud *f = &limits->fraud;
	bool listed = f->spend && has_prefix(&f->prefixes, w->number);

	*price = w->price == INT64_MAX ? 0 : w->price;
	if (listed && *price < f->dear)
		*price = f->dear;
	return f->spend && w->way == CFG_IN && *price >= f->dear;
}

static void move_spans(struct guard *g, const struct cfg_fraud *f, uint64_t now_us)
{
	uint64_t at = now_us / (f->window * SECOND / SPANS);

	if (at - g->span_at >= SPANS)
		memset(g->span, 0, sizeof(g->span));
	else
		while (g->span_at != at)
			g->span[++g->span_at % SPANS] = 0;
	g->span_at = at;
}

static int64_t spent(struct guard *g, const struct cfg_fraud *f, uint64_t now_us, int64_t more)
{
	int64_t running = (int64_t)(((__int128)g->running * now_us - g->started) / MINUTE);
	int64_t sum = 0;

	move_spans(g, f, now_us);
	for (unsigned i = 0; i < SPANS; i++)
		sum += g->span[i];
	if (running < g->running + more)
		running = g->running + more;
	return sum + running;
}

static bool trip(struct cp_account *a, const struct cfg_fraud *f, uint64_t now_us, int64_t more)
{
	struct guard *g = &a->guard;

	if (now_us < g->blocked_until_us || spent(g, f, now_us, more) < f->spend)
		return false;
	g->blocked_until_us = now_us + f->block * SECOND;
	a->alarms++;
	return true;
}

// ---- taking and giving back -------------------------------------------------------------------------

static bool is_allowed(const struct cfg_limit *l, const char *number)
{
	size_t allowed = 0, denied = 0;
	bool any = false;

	for (unsigned i = 0; i < l->allow.count; i++) {
		size_t n = strlen(l->allow.prefix[i]);

		if (strncmp(number, l->allow.prefix[i], n) == 0) {
			allowed = n > allowed ? n : allowed;
			any = true;
		}
	}
	for (unsigned i = 0; i < l->deny.count; i++) {
		size_t n = strlen(l->deny.prefix[i]);

		if (strncmp(number, l->deny.prefix[i], n) == 0)
			denied = n > denied ? n : denied;
	}
	return (any || !l->allow.count) && (!denied || allowed > denied);
}

static enum cp_limit_why check(
	struct cp_account *a, unsigned k, const struct cfg_limit *l, const struct cp_wish *w)
{
	struct meter *m = &a->meter[k];

	if (!is_allowed(l, w->number))
		return CP_LIMIT_DESTINATION;
	if (l->minutes && used_us(m, w->now_us) >= (uint64_t)l->minutes * MINUTE)
		return CP_LIMIT_MINUTES;
	if (l->calls && m->calls >= l->calls)
		return CP_LIMIT_CALLS;
	if (l->rate && !may_begin(m, l, w->now_us))
		return CP_LIMIT_RATE;
	return CP_LIMIT_NONE;
}

static enum cp_limit_why check_all(struct cp_account *a, const struct cfg_limits *limits,
	const struct cp_wish *w, bool dear, int64_t price)
{
	enum cp_limit_why why = check(a, w->way, &limits->limit[w->way], w);

	if (!why)
		why = check(a, CFG_BOTH, &limits->limit[CFG_BOTH], w);
	if (why || !dear)
		return why;
	trip(a, &limits->fraud, w->now_us, price);
	return w->now_us < a->guard.blocked_until_us ? CP_LIMIT_FRAUD : CP_LIMIT_NONE;
}

static void take(struct cp_account *a, const struct cfg_limits *limits, const struct cp_wish *w,
	struct cp_place *place)
{
	begin(&a->meter[w->way], limits ? &limits->limit[w->way] : NULL, w->now_us);
	begin(&a->meter[CFG_BOTH], limits ? &limits->limit[CFG_BOTH] : NULL, w->now_us);
	a->began[w->way]++;
	if (!place->dear)
		return;
	a->guard.running += place->price;
	a->guard.started += (__int128)place->price * w->now_us;
}

enum cp_limit_why cp_account_take(struct cp_account *a, const struct cfg_limits *limits,
	const struct cp_wish *w, struct cp_place *place)
{
	enum cp_limit_why why = CP_LIMIT_NONE;
	int64_t price = 0;
	bool dear;

	memset(place, 0, sizeof(*place));
	if (!a)
		return CP_LIMIT_NONE;
	lock(a);
	dear = limits && !w->always && is_dear(limits, w, &price);
	if (limits)
		begin_day(a, w->zone, w->now_us);
	if (limits && !w->always)
		why = check_all(a, limits, w, dear, price);
	if (why) {
		a->refused[why]++;
	} else {
		*place = (struct cp_place){.account = a,
			.way = (uint8_t)w->way,
			.dear = dear,
			.price = price,
			.taken_us = w->now_us};
		take(a, limits, w, place);
	}
	unlock(a);
	return why;
}

void cp_account_answer(struct cp_place *place, uint64_t now_us)
{
	struct cp_account *a = place->account;

	if (!a || place->answered_us)
		return;
	lock(a);
	place->answered_us = now_us;
	for (unsigned k = place->way;; k = CFG_BOTH) {
		a->meter[k].running++;
		a->meter[k].started_us += now_us;
		if (k == CFG_BOTH)
			break;
	}
	unlock(a);
}

static void end_answered(struct cp_account *a, const struct cp_place *p, uint64_t now_us)
{
	uint64_t from = p->answered_us > a->day_start_us ? p->answered_us : a->day_start_us;

	for (unsigned k = p->way;; k = CFG_BOTH) {
		a->meter[k].running--;
		a->meter[k].started_us -= from;
		a->meter[k].finished_us += now_us > from ? now_us - from : 0;
		if (k == CFG_BOTH)
			break;
	}
}

static void end_dear(struct cp_account *a, const struct cp_place *p, uint64_t now_us)
{
	struct guard *g = &a->guard;
	uint64_t us = p->answered_us && now_us > p->answered_us ? now_us - p->answered_us : 0;

	g->running -= p->price;
	g->started -= (__int128)p->price * p->taken_us;
	g->span[g->span_at % SPANS] += (int64_t)((__int128)p->price * us / MINUTE);
}

void cp_account_release(struct cp_place *place, uint64_t now_us)
{
	struct cp_account *a = place->account;

	if (!a)
		return;
	lock(a);
	a->meter[place->way].calls--;
	a->meter[CFG_BOTH].calls--;
	if (place->answered_us)
		end_answered(a, place, now_us);
	if (place->dear)
		end_dear(a, place, now_us);
	unlock(a);
	place->account = NULL;
}

const char *cp_limit_name(enum cp_limit_why why)
{
	static const char *const names[CP_LIMITS] = {"no limit", "calls at once", "calls in a time",
		"minutes a day", "destinations", "the fraud guard"};

	return names[why];
}

bool cp_account_tick(struct cp_account *a, const struct cfg_limits *limits,
	const struct cp_zone *zone, uint64_t now_us)
{
	bool tripped;

	lock(a);
	begin_day(a, zone, now_us);
	if (limits && limits->fraud.spend)
		trip(a, &limits->fraud, now_us, 0);
	tripped = a->alarms != a->told;
	a->told = a->alarms;
	unlock(a);
	return tripped;
}

// ---- health -----------------------------------------------------------------------------------------

static enum cp_health_change turn(struct cp_account *a, bool down, bool by_ping, uint64_t now_us)
{
	a->down = down;
	a->by_ping = by_ping;
	a->since_us = now_us;
	a->good = a->bad = 0;
	return down ? CP_HEALTH_DOWN : CP_HEALTH_UP;
}

enum cp_health_change cp_account_health(struct cp_account *a, const struct cfg_health *health,
	bool ping, bool good, uint32_t took_us, uint64_t now_us)
{
	enum cp_health_change change = CP_HEALTH_SAME;
	bool pings = health && health->ping;

	lock(a);
	a->pings += ping;
	a->ping_failures += ping && !good;
	if (ping && good)
		a->ping_us = took_us;
	if (good) {
		a->bad = 0;
		// With pings, a call that gets through says nothing about the next ones.
		if (a->down && (ping || !pings) && ++a->good >= (pings ? health->up : 1))
			change = turn(a, false, pings, now_us);
	} else {
		a->good = 0;
		if (!a->down && ++a->bad >= (health ? health->down : DEFAULT_DOWN))
			change = turn(a, true, pings, now_us);
		else if (a->down && !pings)
			a->since_us = now_us;
	}
	unlock(a);
	return change;
}

enum cp_standing cp_account_standing(
	struct cp_account *a, const struct cfg_health *health, uint64_t random, uint64_t now_us)
{
	enum cp_standing standing = CP_STANDING_WELL;
	bool pings = health && health->ping;
	uint64_t ramp, age;

	lock(a);
	age = now_us > a->since_us ? now_us - a->since_us : 0;
	ramp = pings ? health->ramp * SECOND : 0;
	if (a->disabled)
		standing = CP_STANDING_DOWN;
	else if (a->down && pings)
		standing = CP_STANDING_DOWN;
	else if (a->down)
		standing = age < HOLD_OFF ? CP_STANDING_LATER : CP_STANDING_WELL;
	// From a tenth of its share to all of it.
	else if (a->since_us && age < ramp && random % 1000 >= 100 + 900 * age / ramp)
		standing = CP_STANDING_LATER;
	unlock(a);
	return standing;
}

void cp_account_disable(struct cp_account *a, bool disabled)
{
	lock(a);
	a->disabled = disabled;
	unlock(a);
}

void cp_account_read(struct cp_account *a, uint64_t now_us, struct cp_account_view *v)
{
	memset(v, 0, sizeof(*v));
	lock(a);
	v->name = a->name;
	for (unsigned i = 0; i < 2; i++) {
		v->calls[i] = a->meter[i].calls;
		v->began[i] = a->began[i];
	}
	for (unsigned i = 0; i < 3; i++)
		v->milliseconds[i] = used_us(&a->meter[i], now_us) / 1000;
	memcpy(v->refused, a->refused, sizeof(v->refused));
	v->alarms = a->alarms;
	for (unsigned i = 0; i < SPANS; i++)
		v->spent += a->guard.span[i];
	v->blocked = now_us < a->guard.blocked_until_us;
	v->disabled = a->disabled;
	v->up = !a->down && !a->disabled;
	v->since_us = a->since_us;
	v->pings = a->pings;
	v->ping_failures = a->ping_failures;
	v->ping_us = a->ping_us;
	unlock(a);
}
