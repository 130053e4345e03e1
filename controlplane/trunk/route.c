// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/trunk/route.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/trunk/prefix.h"
#include "controlplane/trunk/route_table.h"

// ---- conditions -------------------------------------------------------------------------------------

static bool holds_time(const struct cfg_when *w, const struct cp_zone *zone, int64_t now)
{
	struct cp_local local;
	unsigned weekday;
	bool dated = w->date_count == 0;
	bool late = false;

	cp_zone_local(zone, now, &local);
	// The hours after midnight of a span over midnight belong to the day before.
	if (w->from > w->to && local.minute < (unsigned)w->to) {
		late = true;
		cp_zone_local(zone, now - (int64_t)local.minute * 60 - 60, &local);
	}
	weekday = local.weekday;
	if (!(w->days >> weekday & 1))
		return false;
	for (unsigned i = 0; i < w->date_count; i++)
		dated |= (!w->dates[i].year || w->dates[i].year == local.year) &&
			 w->dates[i].month == local.month && w->dates[i].day == local.day;
	if (!dated)
		return false;
	if (late)
		return true;
	return local.minute >= (unsigned)w->from &&
	       (w->from > w->to || local.minute < (unsigned)w->to);
}

static bool holds_when(const struct cp_routes *r, const struct cfg_route *route, int64_t now)
{
	if (!route->when_count)
		return true;
	for (unsigned i = 0; i < route->when_count; i++)
		if (holds_time(&route->when[i], cp_routes_zone(r, route->when[i].zone), now))
			return true;
	return false;
}

static bool is_anonymous(struct sip_slice caller)
{
	return !caller.n || sip_slice_iis(caller, "anonymous");
}

static bool holds_caller(const struct cfg_route *route, struct sip_slice caller)
{
	if (!route->callers.count)
		return true;
	for (unsigned i = 0; i < route->callers.count; i++) {
		const char *prefix = route->callers.prefix[i];
		size_t n = strlen(prefix);

		if (strcmp(prefix, "anonymous") == 0
				? is_anonymous(caller)
				: caller.n >= n && memcmp(caller.p, prefix, n) == 0)
			return true;
	}
	return false;
}

// ---- the look of it, for operators ------------------------------------------------------------------

struct search {
	const struct cp_routes *r;
	const struct cp_route_query *q;
	struct cp_choice *choice;
	cp_route_say *say;
	void *ctx;
	bool looped;
};

static void say(const struct search *s, const struct cfg_route *route, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void say(const struct search *s, const struct cfg_route *route, const char *format, ...)
{
	char text[320];
	va_list args;
	int n;

	if (!s->say)
		return;
	n = snprintf(text, sizeof(text), "line %u: ", route->line);
	va_start(args, format);
	vsnprintf(text + n, sizeof(text) - (size_t)n, format, args);
	va_end(args);
	s->say(s->ctx, text);
}

static const char *peer_name(const struct search *s, unsigned peer)
{
	return cp_route_cfg(s->r)->peers[peer].name;
}

// ---- the peers of a line ----------------------------------------------------------------------------

struct targets {
	uint16_t peer[CFG_TARGETS];
	struct cfg_target target[CFG_TARGETS];
	int64_t rate[CFG_TARGETS];
	unsigned count;
};

static bool is_loop(const struct search *s, const struct cfg_route *route, unsigned peer)
{
	const struct cfg_peer *p = &cp_route_cfg(s->r)->peers[peer];

	// Phones of one peer call each other; a trunk that gets its own call back is a loop, unless the
	// line says so by name.
	return (int)peer == s->q->from && p->kind == CFG_TRUNK && route->from != s->q->from;
}

// May this peer be used, and at what price?
static bool is_usable(
	struct search *s, const struct cfg_route *route, unsigned peer, int64_t *price)
{
	const struct cp_rates *rates = cp_routes_rates(s->r, peer, CFG_OUT);
	const struct cp_rate *rate = cp_rates_find(rates, sip_str(s->choice->number));

	*price = rate ? rate->minute : CP_NO_RATE;
	if (is_loop(s, route, peer)) {
		s->looped = true;
		say(s, route, "%s passed over: the call came from there", peer_name(s, peer));
		return false;
	}
	if (s->q->emergency)
		return true;
	if (rates && !rate && (route->by_cost || route->max_rate >= 0)) {
		say(s, route, "%s passed over: its rates have no price for %s", peer_name(s, peer),
			s->choice->number);
		return false;
	}
	if (route->max_rate >= 0 && rate && rate->minute > route->max_rate) {
		say(s, route, "%s passed over: %.6f a minute is above max_rate", peer_name(s, peer),
			(double)rate->minute / 1e6);
		return false;
	}
	return true;
}

static void collect(struct search *s, const struct cp_route_entry *e, struct targets *t)
{
	const struct cfg_route *route = e->route;
	const struct cp_route_set *set = e->set;
	unsigned n = set ? set->count : route->to_count;

	t->count = 0;
	for (unsigned i = 0; i < n; i++) {
		unsigned peer = set ? set->peer[i] : (unsigned)route->to[i];
		int64_t rate;

		if (!is_usable(s, route, peer, &rate))
			continue;
		t->peer[t->count] = (uint16_t)peer;
		t->target[t->count] =
			set ? (struct cfg_target){(uint8_t)(i + 1), 1} : route->target[i];
		t->rate[t->count++] = rate;
	}
}

static void swap(struct targets *t, unsigned a, unsigned b)
{
	uint16_t peer = t->peer[a];
	struct cfg_target target = t->target[a];
	int64_t rate = t->rate[a];

	t->peer[a] = t->peer[b];
	t->target[a] = t->target[b];
	t->rate[a] = t->rate[b];
	t->peer[b] = peer;
	t->target[b] = target;
	t->rate[b] = rate;
}

static bool before(const struct targets *t, bool by_cost, unsigned a, unsigned b)
{
	if (by_cost && t->rate[a] != t->rate[b])
		return t->rate[a] < t->rate[b];
	return t->target[a].priority < t->target[b].priority;
}

static uint64_t draw(uint64_t *random)
{
	uint64_t z = *random += 0x9e3779b97f4a7c15ull; // splitmix64

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

// Stable sort, then equals are drawn by their weights.
static void order(struct targets *t, bool by_cost, uint64_t random)
{
	for (unsigned i = 1; i < t->count; i++)
		for (unsigned k = i; k && before(t, by_cost, k, k - 1); k--)
			swap(t, k, k - 1);
	for (unsigned i = 0; i < t->count; i++) {
		uint64_t sum = 0, at;
		unsigned end = i;

		while (end < t->count && !before(t, by_cost, i, end))
			sum += t->target[end++].weight;
		if (end - i < 2)
			continue;
		at = draw(&random) % sum;
		end = i;
		while (at >= t->target[end].weight)
			at -= t->target[end++].weight;
		for (; end > i; end--)
			swap(t, end, end - 1);
	}
}

// ---- lines ------------------------------------------------------------------------------------------

static bool rewrite(struct search *s, const struct cfg_route *route)
{
	struct sip_slice rest = sip_slice_from(s->q->number, route->strip);
	int n = snprintf(s->choice->number, CP_NUMBER, "%s%.*s", route->prepend, SIP_PRI(rest));

	return n >= 0 && n < (int)CP_NUMBER;
}

static bool take(struct search *s, const struct cp_route_entry *e)
{
	const struct cfg_route *route = e->route;
	struct cp_choice *c = s->choice;
	struct targets t;

	if (!holds_when(s->r, route, s->q->now)) {
		say(s, route, "passed over: not at this time");
		return false;
	}
	if (!s->q->emergency && !holds_caller(route, s->q->caller)) {
		say(s, route, "passed over: not for this caller");
		return false;
	}
	if (route->refuse && s->q->emergency)
		return false;
	if (!rewrite(s, route))
		return false;
	if (route->refuse) {
		say(s, route, "refuses it by %u", route->refuse);
		c->route = route;
		c->status = route->refuse;
		return true;
	}
	collect(s, e, &t);
	if (!t.count) {
		say(s, route, "passed over: none of its peers can be used");
		return false;
	}
	order(&t, route->by_cost && !s->q->emergency, s->q->random);
	c->route = route;
	c->status = 0;
	c->count = (uint8_t)t.count;
	memcpy(c->to, t.peer, t.count * sizeof(t.peer[0]));
	memcpy(c->rate, t.rate, t.count * sizeof(t.rate[0]));
	say(s, route, "takes it%s%s%s", route->by_cost ? ", the cheapest first" : "",
		e->set ? ", by its table " : "", e->set ? route->table : "");
	return true;
}

// Lines of one prefix, those of the peer and those of any in the order of the file.
static bool take_chains(struct search *s, uint32_t mine, uint32_t any)
{
	while (mine != CP_PREFIX_NONE || any != CP_PREFIX_NONE) {
		const struct cp_route_entry *a = cp_route_entry(s->r, mine);
		const struct cp_route_entry *b = cp_route_entry(s->r, any);
		const struct cp_route_entry *e = !b || (a && a->route < b->route) ? a : b;

		if (e == a)
			mine = cp_route_next(s->r, mine);
		else
			any = cp_route_next(s->r, any);
		if (take(s, e))
			return true;
	}
	return false;
}

static bool take_longest(struct search *s)
{
	struct cp_prefix_found mine[CP_PREFIX_MAX + 1], any[CP_PREFIX_MAX + 1];
	const struct sip_slice number = s->q->number;
	unsigned m = 0, a = 0;
	unsigned mines =
		cp_prefixes_all(cp_route_prefixes(s->r, s->q->from), number.p, number.n, mine);
	unsigned anys = cp_prefixes_all(cp_route_prefixes(s->r, -1), number.p, number.n, any);

	while (m < mines || a < anys) {
		uint32_t x = m < mines ? mine[m].length + 1 : 0,
			 y = a < anys ? any[a].length + 1 : 0;
		uint32_t p = CP_PREFIX_NONE, q = CP_PREFIX_NONE;

		if (x >= y)
			p = mine[m++].value;
		if (y >= x)
			q = any[a++].value;
		if (take_chains(s, p, q))
			return true;
	}
	return false;
}

static bool take_emergency(struct search *s)
{
	const struct cfg *cfg = cp_route_cfg(s->r);

	for (unsigned i = 0; i < cfg->route_count; i++) {
		const struct cfg_route *route = &cfg->routes[i];
		const struct cp_route_entry e = {.route = route};
		size_t n = strlen(route->number);

		if (route->emergency && (route->from < 0 || route->from == s->q->from) &&
			s->q->number.n >= n && memcmp(s->q->number.p, route->number, n) == 0 &&
			take(s, &e))
			return true;
	}
	return false;
}

void cp_routes_choose(const struct cp_routes *routes, const struct cp_route_query *query,
	struct cp_choice *choice, cp_route_say *say_it, void *ctx)
{
	struct search s = {routes, query, choice, say_it, ctx, false};

	choice->route = NULL;
	choice->count = 0;
	choice->emergency = query->emergency;
	choice->number[0] = 0;
	if ((query->emergency && take_emergency(&s)) || take_longest(&s))
		return;
	choice->status = s.looped ? 482 : 404;
}

bool cp_routes_emergency(const struct cfg *cfg, struct sip_slice number)
{
	for (unsigned i = 0; i < cfg->sip.emergency_count; i++) {
		struct sip_slice known = sip_str(cfg->sip.emergency[i]);

		if (sip_slice_ieq(number, known))
			return true;
		if (known.n > 4 && strncasecmp(known.p, "urn:", 4) == 0 && number.n > known.n &&
			number.p[known.n] == '.' && strncasecmp(number.p, known.p, known.n) == 0)
			return true;
	}
	return false;
}
