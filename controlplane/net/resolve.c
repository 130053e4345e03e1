// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/net/resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <uv.h>

#include "controlplane/net/dns.h"

#define BUCKETS      1024u
#define KEPT_MAX     1024u
#define CANDIDATES   16u
#define SERVICES     8u
#define TTL_LEAST    5u
#define TTL_MOST     3600u
#define TTL_SERVICES 60u // NAPTR and SRV: c-ares does not tell theirs
#define TTL_FAILURE  10u

struct service { // a name to ask SRV of
	char name[CP_RESOLVE_HOST + 16];
	uint16_t order, preference; // NAPTR
	uint8_t transport;
};

struct candidate { // a host and port to ask addresses of
	char host[CP_RESOLVE_HOST];
	uint16_t port;
	uint8_t transport;
	uint8_t service; // which of the services it came from: these keep their order
	uint16_t priority, weight;
	struct sip_addr addr[4];
	unsigned addrs;
};

struct waiter {
	struct waiter *next;
	cp_resolve_fn *done;
	void *user;
};

// One query: under way, then kept until it expires.
struct lookup {
	struct lookup *next; // in its bucket
	struct cp_resolver *r;
	struct cp_resolve_query query;
	struct waiter *waiters;
	unsigned pending; // DNS questions
	bool holding;     // a step is being set up: no conclusions yet
	bool done;
	int error;        // worst news so far
	uint64_t expires; // ms of the loop
	uint32_t ttl;
	void (*then)(struct lookup *l);
	unsigned services;
	struct service service[SERVICES];
	unsigned candidates;
	struct candidate candidate[CANDIDATES];
};

struct cp_resolver {
	uv_loop_t *loop;
	struct cp_dns *dns;
	struct lookup *bucket[BUCKETS];
	unsigned kept;
	bool freed;
	struct cp_resolver_counters counters;
};

struct step { // a DNS question of a lookup
	struct lookup *l;
	unsigned index; // of the service or candidate
};

// ---- the answer

static uint32_t random32(void)
{
	uint32_t value = 0;

	if (getrandom(&value, sizeof(value), 0) != sizeof(value))
		value = (uint32_t)uv_hrtime();
	return value;
}

// RFC 2782: by priority; within one, at random in proportion to the weight, zero weights seldom.
static void order(const struct lookup *l, unsigned index[CANDIDATES])
{
	for (unsigned i = 0; i < l->candidates; i++)
		index[i] = i;
	for (unsigned at = 0; at < l->candidates; at++) {
		unsigned first = at;
		uint64_t sum = 0, pick;

		for (unsigned i = at + 1; i < l->candidates; i++) {
			const struct candidate *a = &l->candidate[index[i]];
			const struct candidate *b = &l->candidate[index[first]];

			if (a->service < b->service ||
				(a->service == b->service && a->priority < b->priority))
				first = i;
		}
		const struct candidate *best = &l->candidate[index[first]];
#define SAME(i)                                                                                    \
	(l->candidate[index[i]].service == best->service &&                                        \
		l->candidate[index[i]].priority == best->priority)
		for (unsigned i = at; i < l->candidates; i++)
			if (SAME(i))
				sum += l->candidate[index[i]].weight * 100u + 1;
		pick = random32() % sum;
		for (unsigned i = at; i < l->candidates; i++) {
			uint64_t weight = l->candidate[index[i]].weight * 100u + 1;

			if (!SAME(i))
				continue;
			if (pick < weight) {
				unsigned swap = index[at];

				index[at] = index[i];
				index[i] = swap;
				break;
			}
			pick -= weight;
		}
#undef SAME
	}
}

static void make_answer(const struct lookup *l, struct cp_resolve_answer *answer)
{
	unsigned index[CANDIDATES];

	memset(answer, 0, sizeof(*answer));
	order(l, index);
	for (unsigned i = 0; i < l->candidates; i++) {
		const struct candidate *c = &l->candidate[index[i]];

		for (unsigned k = 0; k < c->addrs && answer->count < CP_RESOLVE_TARGETS; k++) {
			struct cp_resolve_target *t = &answer->target[answer->count++];

			t->addr = c->addr[k];
			t->addr.port = c->port;
			t->transport = c->transport;
		}
	}
	if (answer->count == 0)
		answer->error = l->error ? l->error : -ENOENT;
}

static void conclude(struct lookup *l)
{
	struct cp_resolve_answer answer;
	uint32_t ttl = l->ttl < TTL_LEAST ? TTL_LEAST : l->ttl > TTL_MOST ? TTL_MOST : l->ttl;

	make_answer(l, &answer);
	if (answer.error)
		ttl = TTL_FAILURE;
	l->done = true;
	l->expires = uv_now(l->r->loop) + ttl * 1000ull;
	// A callback may cancel other waiters or ask again: the list is right at every call.
	while (l->waiters) {
		struct waiter *w = l->waiters;

		l->waiters = w->next;
		make_answer(l, &answer); // each one his own order
		l->r->counters.failed += answer.error != 0;
		w->done(w->user, &answer);
		free(w);
	}
}

// ---- steps

static void note_error(struct lookup *l, int status)
{
	int err = status == ARES_ENOTFOUND || status == ARES_ENODATA ? -ENOENT
		  : status == ARES_ETIMEOUT                          ? -ETIMEDOUT
		  : status == ARES_ENOMEM                            ? -ENOMEM
								     : -EIO;

	if (l->error == 0 || l->error == -ENOENT)
		l->error = err;
}

static void proceed(struct lookup *l)
{
	if (l->pending == 0 && !l->holding && !l->r->freed)
		l->then(l);
}

static void ask(
	struct lookup *l, const char *name, enum cp_dns_type type, cp_dns_fn *done, unsigned index)
{
	struct step *step = malloc(sizeof(*step));

	if (!step) {
		l->error = -ENOMEM;
		return;
	}
	*step = (struct step){l, index};
	l->pending++;
	l->r->counters.queries++;
	cp_dns_ask(l->r->dns, name, type, done, step);
}

// Takes the step; NULL when nobody is left to care.
static struct lookup *taken(void *user, int status, unsigned *index)
{
	struct step *step = user;
	struct lookup *l = step->l;

	*index = step->index;
	free(step);
	if (status == ARES_EDESTRUCTION || l->r->freed)
		return NULL;
	l->pending--;
	if (status != ARES_SUCCESS)
		note_error(l, status);
	return l;
}

static void lower_ttl(struct lookup *l, int ttl)
{
	if (ttl >= 0 && (uint32_t)ttl < l->ttl)
		l->ttl = (uint32_t)ttl;
}

static void add_addr(struct lookup *l, unsigned index, uint8_t family, const void *ip, int ttl)
{
	struct candidate *c = &l->candidate[index];
	const unsigned most = sizeof(c->addr) / sizeof(c->addr[0]);

	if (c->addrs == most)
		return;
	c->addr[c->addrs] = (struct sip_addr){.family = family};
	memcpy(c->addr[c->addrs].ip, ip, family == 4 ? 4 : 16);
	// IPv6 first (RFC 7984, RFC 6724), whichever answer came first.
	for (unsigned i = c->addrs; family == 6 && i > 0 && c->addr[i - 1].family == 4; i--) {
		struct sip_addr swap = c->addr[i];

		c->addr[i] = c->addr[i - 1];
		c->addr[i - 1] = swap;
	}
	c->addrs++;
	lower_ttl(l, ttl);
}

static void on_a(void *user, int status, const unsigned char *bytes, int size)
{
	struct ares_addrttl found[8];
	int n = 8;
	unsigned index;
	struct lookup *l = taken(user, status, &index);

	if (!l)
		return;
	if (status == ARES_SUCCESS &&
		ares_parse_a_reply(bytes, size, NULL, found, &n) == ARES_SUCCESS)
		for (int i = 0; i < n; i++)
			add_addr(l, index, 4, &found[i].ipaddr, found[i].ttl);
	proceed(l);
}

static void on_aaaa(void *user, int status, const unsigned char *bytes, int size)
{
	struct ares_addr6ttl found[8];
	int n = 8;
	unsigned index;
	struct lookup *l = taken(user, status, &index);

	if (!l)
		return;
	if (status == ARES_SUCCESS &&
		ares_parse_aaaa_reply(bytes, size, NULL, found, &n) == ARES_SUCCESS)
		for (int i = 0; i < n; i++)
			add_addr(l, index, 6, &found[i].ip6addr, found[i].ttl);
	proceed(l);
}

static void ask_addresses(struct lookup *l)
{
	l->then = conclude;
	l->holding = true;
	for (unsigned i = 0; i < l->candidates; i++) {
		struct candidate *c = &l->candidate[i];
		struct sip_addr literal;

		if (sip_addr_parse(sip_slice(c->host, strlen(c->host)), 0, &literal) == 0) {
			if (literal.family == 4 ? l->query.ipv4 : l->query.ipv6)
				add_addr(l, i, literal.family, literal.ip, TTL_MOST);
			continue;
		}
		if (l->query.ipv4)
			ask(l, c->host, CP_DNS_A, on_a, i);
		if (l->query.ipv6)
			ask(l, c->host, CP_DNS_AAAA, on_aaaa, i);
	}
	l->holding = false;
	proceed(l);
}

static void add_candidate(struct lookup *l, const char *host, uint16_t port, uint8_t transport,
	unsigned service, uint16_t priority, uint16_t weight)
{
	struct candidate *c;

	if (l->candidates == CANDIDATES || strlen(host) >= CP_RESOLVE_HOST)
		return;
	c = &l->candidate[l->candidates++];
	memset(c, 0, sizeof(*c));
	strcpy(c->host, host);
	c->port = port ? port : transport == SIP_TLS ? 5061 : 5060;
	c->transport = transport;
	c->service = (uint8_t)service;
	c->priority = priority;
	c->weight = weight;
}

static bool may_use(const struct cp_resolve_query *q, uint8_t transport)
{
	return (q->allowed & (1u << transport)) && (!q->secure || transport == SIP_TLS);
}

static uint8_t first_transport(const struct cp_resolve_query *q)
{
	const uint8_t wish[] = {SIP_UDP, SIP_TCP, SIP_TLS};

	if (q->transport != CP_RESOLVE_ANY)
		return may_use(q, q->transport) ? q->transport : CP_RESOLVE_ANY;
	for (unsigned i = 0; i < sizeof(wish); i++)
		if (may_use(q, wish[i]))
			return wish[i];
	return CP_RESOLVE_ANY;
}

static void after_services(struct lookup *l)
{
	if (l->candidates == 0 && (l->error == 0 || l->error == -ENOENT))
		add_candidate(l, l->query.host, l->query.port, first_transport(&l->query), 0, 0, 0);
	ask_addresses(l);
}

static void on_srv(void *user, int status, const unsigned char *bytes, int size)
{
	struct ares_srv_reply *list = NULL;
	unsigned index;
	struct lookup *l = taken(user, status, &index);

	if (!l)
		return;
	if (status == ARES_SUCCESS && ares_parse_srv_reply(bytes, size, &list) == ARES_SUCCESS) {
		// A target of "." says that the service is decidedly not there.
		for (struct ares_srv_reply *s = list; s; s = s->next)
			if (s->host[0] && strcmp(s->host, "."))
				add_candidate(l, s->host, s->port, l->service[index].transport,
					index, s->priority, s->weight);
		ares_free_data(list);
		lower_ttl(l, TTL_SERVICES);
	}
	proceed(l);
}

static void ask_services(struct lookup *l)
{
	l->then = after_services;
	l->holding = true;
	for (unsigned i = 0; i < l->services; i++)
		ask(l, l->service[i].name, CP_DNS_SRV, on_srv, i);
	l->holding = false;
	proceed(l);
}

static void add_service(
	struct lookup *l, const char *name, uint8_t transport, uint16_t order, uint16_t preference)
{
	unsigned at = l->services;

	if (at == SERVICES || strlen(name) >= sizeof(l->service[0].name))
		return;
	while (at > 0 && (l->service[at - 1].order > order ||
				 (l->service[at - 1].order == order &&
					 l->service[at - 1].preference > preference))) {
		l->service[at] = l->service[at - 1];
		at--;
	}
	strcpy(l->service[at].name, name);
	l->service[at].transport = transport;
	l->service[at].order = order;
	l->service[at].preference = preference;
	l->services++;
}

// RFC 3263 section 4.1: "_sip._udp.example.com" and its like for every transport that will do.
static void guess_services(struct lookup *l)
{
	static const struct {
		uint8_t transport;
		const char *prefix;
	} known[] = {{SIP_UDP, "_sip._udp."}, {SIP_TCP, "_sip._tcp."}, {SIP_TLS, "_sips._tcp."}};
	char name[CP_RESOLVE_HOST + 16];

	for (unsigned i = 0; i < 3; i++) {
		if (!may_use(&l->query, known[i].transport) ||
			(l->query.transport != CP_RESOLVE_ANY &&
				l->query.transport != known[i].transport))
			continue;
		snprintf(name, sizeof(name), "%s%s", known[i].prefix, l->query.host);
		add_service(l, name, known[i].transport, (uint16_t)i, 0);
	}
	ask_services(l);
}

static void after_naptr(struct lookup *l)
{
	if (l->services)
		ask_services(l);
	else
		guess_services(l);
}

static uint8_t naptr_transport(const char *service)
{
	return strcasecmp(service, "SIP+D2U") == 0    ? SIP_UDP
	       : strcasecmp(service, "SIP+D2T") == 0  ? SIP_TCP
	       : strcasecmp(service, "SIPS+D2T") == 0 ? SIP_TLS
						      : CP_RESOLVE_ANY;
}

static void on_naptr(void *user, int status, const unsigned char *bytes, int size)
{
	struct ares_naptr_reply *list = NULL;
	unsigned index;
	struct lookup *l = taken(user, status, &index);

	if (!l)
		return;
	if (status == ARES_SUCCESS && ares_parse_naptr_reply(bytes, size, &list) == ARES_SUCCESS) {
		for (struct ares_naptr_reply *n = list; n; n = n->next) {
			uint8_t transport = naptr_transport((const char *)n->service);

			if (transport != CP_RESOLVE_ANY && may_use(&l->query, transport) &&
				strcasecmp((const char *)n->flags, "s") == 0 && n->replacement[0])
				add_service(l, n->replacement, transport, n->order, n->preference);
		}
		ares_free_data(list);
		lower_ttl(l, TTL_SERVICES);
	}
	proceed(l);
}

// ---- lookups

static void start(struct lookup *l)
{
	const struct cp_resolve_query *q = &l->query;
	struct sip_addr literal;

	l->ttl = TTL_MOST;
	if (q->port || sip_addr_parse(sip_slice(q->host, strlen(q->host)), 0, &literal) == 0) {
		add_candidate(l, q->host, q->port, first_transport(q), 0, 0, 0);
		ask_addresses(l);
	} else if (q->transport != CP_RESOLVE_ANY) {
		guess_services(l);
	} else {
		l->then = after_naptr;
		l->holding = true;
		ask(l, q->host, CP_DNS_NAPTR, on_naptr, 0);
		l->holding = false;
		proceed(l);
	}
}

static unsigned bucket_of(const struct cp_resolve_query *q)
{
	uint32_t hash = 2166136261u ^ q->port ^ ((uint32_t)q->transport << 16);

	for (const char *p = q->host; *p; p++)
		hash = (hash ^ (uint8_t)*p) * 16777619u;
	return hash % BUCKETS;
}

static bool same(const struct cp_resolve_query *a, const struct cp_resolve_query *b)
{
	return strcmp(a->host, b->host) == 0 && a->port == b->port &&
	       a->transport == b->transport && a->secure == b->secure && a->allowed == b->allowed &&
	       a->ipv4 == b->ipv4 && a->ipv6 == b->ipv6;
}

// Finds the lookup of a query; frees what expired in its bucket, and everything kept there when there is
// too much in all.
static struct lookup *find(struct cp_resolver *r, const struct cp_resolve_query *q)
{
	struct lookup **p = &r->bucket[bucket_of(q)], *found = NULL;
	uint64_t now = uv_now(r->loop);

	while (*p) {
		struct lookup *l = *p;

		if (l->done && !l->waiters &&
			(l->expires <= now || (r->kept > KEPT_MAX && !same(&l->query, q)))) {
			*p = l->next;
			r->kept--;
			free(l);
			continue;
		}
		if (same(&l->query, q))
			found = l;
		p = &l->next;
	}
	return found;
}

static int clean(struct cp_resolve_query *out, const struct cp_resolve_query *in)
{
	size_t n = strnlen(in->host, sizeof(in->host));
	const char *host = in->host;

	if (n >= 2 && host[0] == '[' && host[n - 1] == ']')
		host++, n -= 2;
	if (n > 1 && host[n - 1] == '.')
		n--;
	if (n == 0 || n >= sizeof(in->host) - 1)
		return -EINVAL;
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < n; i++) {
		char c = host[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    c == '-' || c == '.' || c == '_' || c == ':'))
			return -EINVAL;
		out->host[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
	}
	if (memchr(host, ':', n) &&
		sip_addr_parse(sip_slice(out->host, n), 0, &(struct sip_addr){0}) != 0)
		return -EINVAL;
	out->port = in->port;
	out->transport = in->transport;
	out->secure = in->secure;
	out->allowed = in->allowed;
	out->ipv4 = in->ipv4;
	out->ipv6 = in->ipv6;
	return first_transport(out) == CP_RESOLVE_ANY || !(in->ipv4 || in->ipv6) ? -EINVAL : 0;
}

static int wait_for(struct lookup *l, cp_resolve_fn *done, void *user)
{
	struct waiter *w = malloc(sizeof(*w));

	if (!w)
		return -ENOMEM;
	*w = (struct waiter){l->waiters, done, user};
	l->waiters = w;
	return 0;
}

int cp_resolve(struct cp_resolver *r, const struct cp_resolve_query *query, cp_resolve_fn *done,
	void *user)
{
	struct cp_resolve_query q;
	struct cp_resolve_answer answer;
	struct lookup *l;
	int err = clean(&q, query);

	if (err)
		return err;
	r->counters.asked++;
	l = find(r, &q);
	if (l && l->done) {
		r->counters.kept++;
		make_answer(l, &answer);
		r->counters.failed += answer.error != 0;
		done(user, &answer);
		return 0;
	}
	if (l)
		return wait_for(l, done, user);
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->r = r;
	l->query = q;
	err = wait_for(l, done, user);
	if (err) {
		free(l);
		return err;
	}
	l->next = r->bucket[bucket_of(&q)];
	r->bucket[bucket_of(&q)] = l;
	r->kept++;
	start(l);
	return 0;
}

void cp_resolve_cancel(struct cp_resolver *r, void *user)
{
	for (unsigned i = 0; i < BUCKETS; i++)
		for (struct lookup *l = r->bucket[i]; l; l = l->next)
			for (struct waiter **p = &l->waiters; *p;) {
				struct waiter *w = *p;

				if (w->user == user) {
					*p = w->next;
					free(w);
				} else {
					p = &w->next;
				}
			}
}

int cp_resolver_new(struct cp_resolver **out, struct uv_loop_s *loop, const char *servers)
{
	struct cp_resolver *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->loop = loop;
	err = cp_dns_new(&r->dns, loop, servers);
	if (err) {
		free(r);
		return err;
	}
	*out = r;
	return 0;
}

void cp_resolver_free(struct cp_resolver *r)
{
	if (!r)
		return;
	r->freed = true;
	cp_dns_free(r->dns);
	for (unsigned i = 0; i < BUCKETS; i++)
		for (struct lookup *l = r->bucket[i], *next; l; l = next) {
			next = l->next;
			for (struct waiter *w = l->waiters, *after; w; w = after) {
				after = w->next;
				free(w);
			}
			free(l);
		}
	free(r);
}

const struct cp_resolver_counters *cp_resolver_counters(const struct cp_resolver *r)
{
	return &r->counters;
}
