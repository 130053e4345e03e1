// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/registrar/location.h"

#include <errno.h>
#include <stdlib.h>

struct host {
	struct sip_node node;
	unsigned contacts;
};

struct cp_location {
	const struct cp_location_ops *ops;
	void *ctx;
	struct sip_table aors, flows, hosts;
	struct sip_hash_key key; // of flows and hosts, which others choose
	struct sip_wheel wheel;
	uint64_t now_us, realtime_offset_us;
	size_t contacts;
	struct cp_aor *changed;
	uint8_t *record;
};

// ---- keys -------------------------------------------------------------------------------------------

// Fixed: it must be the same after a restart. Names are the operator's.
uint64_t cp_location_id(const char *peer, const char *user)
{
	static const struct sip_hash_key fixed = {0x6861777365726567ull, 1};
	struct sip_hash h;

	sip_hash_start(&h, &fixed);
	sip_hash_slice(&h, sip_str(peer), false);
	sip_hash_slice(&h, sip_str(user), false);
	return sip_hash_end(&h).a;
}

static struct sip_key key_of_id(uint64_t id)
{
	return (struct sip_key){id, ~id};
}

static struct sip_key key_of_host(const struct cp_location *l, const struct sip_addr *a)
{
	struct sip_hash h;

	sip_hash_start(&h, &l->key);
	sip_hash_bytes(&h, &a->family, 1);
	sip_hash_bytes(&h, a->ip, sizeof(a->ip));
	return sip_hash_end(&h);
}

static struct sip_key key_of_flow(const struct cp_location *l, const struct sip_flow *f)
{
	struct sip_hash h;

	sip_hash_start(&h, &l->key);
	sip_hash_bytes(&h, &f->remote.family, 1);
	sip_hash_bytes(&h, f->remote.ip, sizeof(f->remote.ip));
	sip_hash_bytes(&h, &f->remote.port, sizeof(f->remote.port));
	sip_hash_bytes(&h, &f->socket, sizeof(f->socket));
	sip_hash_bytes(&h, &f->transport, sizeof(f->transport));
	sip_hash_bytes(&h, &f->connection, sizeof(f->connection));
	return sip_hash_end(&h);
}

// ---- life -------------------------------------------------------------------------------------------

int cp_location_new(struct cp_location **out, const struct cp_location_ops *ops, void *ctx,
	uint64_t now_us, uint64_t realtime_offset_us)
{
	struct cp_location *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->ops = ops;
	l->ctx = ctx;
	l->now_us = now_us;
	l->realtime_offset_us = realtime_offset_us;
	l->key.k0 = now_us * 0x9e3779b97f4a7c15ull ^ (uint64_t)(uintptr_t)l;
	l->key.k1 = realtime_offset_us;
	sip_wheel_init(&l->wheel, now_us / 1000, l);
	l->record = malloc(CP_LOCATION_RECORD);
	if (!l->record || sip_table_init(&l->aors, 1024) || sip_table_init(&l->flows, 1024) ||
		sip_table_init(&l->hosts, 1024)) {
		cp_location_free(l);
		return -ENOMEM;
	}
	*out = l;
	return 0;
}

static void free_aor(struct sip_node *n, void *ctx)
{
	struct cp_aor *aor = (struct cp_aor *)n;

	while (aor->contacts) {
		struct cp_contact *next = aor->contacts->next;

		free(aor->contacts);
		aor->contacts = next;
	}
	sip_table_remove(ctx, n);
	free(aor);
}

static void free_host(struct sip_node *n, void *ctx)
{
	sip_table_remove(ctx, n);
	free(n);
}

void cp_location_free(struct cp_location *l)
{
	if (!l)
		return;
	if (l->aors.heads)
		sip_table_each(&l->aors, free_aor, &l->aors);
	if (l->hosts.heads)
		sip_table_each(&l->hosts, free_host, &l->hosts);
	sip_table_free(&l->aors);
	sip_table_free(&l->flows);
	sip_table_free(&l->hosts);
	free(l->record);
	free(l);
}

void cp_location_tick(struct cp_location *l, uint64_t now_us)
{
	if (now_us > l->now_us)
		l->now_us = now_us;
	sip_wheel_advance(&l->wheel, l->now_us / 1000);
}

uint64_t cp_location_unix(const struct cp_location *l)
{
	return (l->now_us + l->realtime_offset_us) / 1000000;
}

// ---- addresses of record ---------------------------------------------------------------------------

struct cp_aor *cp_location_by_id(struct cp_location *l, uint64_t id)
{
	return (struct cp_aor *)sip_table_find(&l->aors, key_of_id(id));
}

struct cp_aor *cp_location_find(struct cp_location *l, const char *peer, const char *user)
{
	struct cp_aor *aor = cp_location_by_id(l, cp_location_id(peer, user));

	return aor && strcmp(aor->peer, peer) == 0 && strcmp(aor->user, user) == 0 ? aor : NULL;
}

struct cp_aor *cp_location_open(struct cp_location *l, const char *peer, const char *user)
{
	struct cp_aor *aor = cp_location_find(l, peer, user);
	size_t n = strlen(peer) + 1, m = strlen(user) + 1;

	if (aor)
		return aor;
	aor = calloc(1, sizeof(*aor) + n + m);
	if (!aor)
		return NULL;
	memcpy(aor->peer, peer, n);
	aor->user = memcpy(aor->peer + n, user, m);
	aor->id = cp_location_id(peer, user);
	aor->node.key = key_of_id(aor->id);
	sip_table_add(&l->aors, &aor->node);
	return aor;
}

// One that changed goes when the journal has been told.
void cp_location_close(struct cp_location *l, struct cp_aor *aor)
{
	if (aor->contacts || aor->changed)
		return;
	sip_table_remove(&l->aors, &aor->node);
	free(aor);
}

void cp_location_touch(struct cp_location *l, struct cp_aor *aor)
{
	if (aor->changed)
		return;
	aor->changed = true;
	aor->changed_next = l->changed;
	l->changed = aor;
}

// ---- hosts ------------------------------------------------------------------------------------------

static struct host *find_host(const struct cp_location *l, const struct sip_addr *a)
{
	return (struct host *)sip_table_find(&l->hosts, key_of_host(l, a));
}

// Without memory its phones count as strangers at the gate.
static void add_host(struct cp_location *l, const struct sip_addr *a)
{
	struct host *h = find_host(l, a);

	if (!h) {
		h = calloc(1, sizeof(*h));
		if (!h)
			return;
		h->node.key = key_of_host(l, a);
		sip_table_add(&l->hosts, &h->node);
	}
	h->contacts++;
}

static void remove_host(struct cp_location *l, const struct sip_addr *a)
{
	struct host *h = find_host(l, a);

	if (!h || --h->contacts)
		return;
	sip_table_remove(&l->hosts, &h->node);
	free(h);
}

bool cp_location_knows(const struct cp_location *l, const struct sip_addr *host)
{
	return find_host(l, host);
}

// ---- contacts ---------------------------------------------------------------------------------------

static void copy(char **at, struct sip_slice *s)
{
	if (s->n)
		memcpy(*at, s->p, s->n);
	s->p = *at;
	*at += s->n;
}

struct cp_contact *cp_contact_new(const struct cp_contact *parts)
{
	size_t n = parts->uri.n + parts->call_id.n + parts->path.n + parts->instance.n +
		   parts->agent.n;
	struct cp_contact *c = malloc(sizeof(*c) + n);
	char *at;

	if (!c)
		return NULL;
	memcpy(c, parts, sizeof(*c));
	c->next = NULL;
	c->aor = NULL;
	memset(&c->by_flow, 0, sizeof(c->by_flow));
	memset(&c->expiry, 0, sizeof(c->expiry));
	memset(&c->ping, 0, sizeof(c->ping));
	at = c->strings;
	copy(&at, &c->uri);
	copy(&at, &c->call_id);
	copy(&at, &c->path);
	copy(&at, &c->instance);
	copy(&at, &c->agent);
	return c;
}

static void on_expiry(struct sip_timer *t, void *ctx)
{
	struct cp_location *l = ctx;
	struct cp_contact *c =
		(struct cp_contact *)((char *)t - offsetof(struct cp_contact, expiry));
	struct cp_aor *aor = c->aor;

	cp_location_remove(l, c, "expired");
	cp_location_close(l, aor);
}

static void on_ping(struct sip_timer *t, void *ctx)
{
	struct cp_location *l = ctx;

	l->ops->ping(l->ctx, (struct cp_contact *)((char *)t - offsetof(struct cp_contact, ping)));
}

void cp_location_ping(struct cp_location *l, struct cp_contact *contact, uint64_t ms)
{
	contact->ping.fire = on_ping;
	sip_timer_start(&l->wheel, &contact->ping, l->now_us / 1000 + ms);
}

void cp_location_insert(struct cp_location *l, struct cp_aor *aor, struct cp_contact *c)
{
	struct cp_contact **at = &aor->contacts;
	uint64_t now = cp_location_unix(l), left = c->expires > now ? c->expires - now : 0;

	// The preferred first, and among equals the youngest.
	while (*at && (*at)->q > c->q)
		at = &(*at)->next;
	c->next = *at;
	*at = c;
	c->aor = aor;
	aor->count++;
	l->contacts++;
	c->by_flow.key = key_of_flow(l, &c->flow);
	sip_table_add(&l->flows, &c->by_flow);
	add_host(l, &c->flow.remote);
	c->expiry.fire = on_expiry;
	sip_timer_start(&l->wheel, &c->expiry, l->now_us / 1000 + left * 1000);
	cp_location_touch(l, aor);
}

void cp_location_remove(struct cp_location *l, struct cp_contact *c, const char *why)
{
	struct cp_aor *aor = c->aor;
	struct cp_contact **at = &aor->contacts;

	if (why && l->ops->gone)
		l->ops->gone(l->ctx, c, why);
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	aor->count--;
	l->contacts--;
	sip_table_remove(&l->flows, &c->by_flow);
	remove_host(l, &c->flow.remote);
	sip_timer_stop(&l->wheel, &c->expiry);
	sip_timer_stop(&l->wheel, &c->ping);
	free(c);
	cp_location_touch(l, aor);
}

static struct cp_contact *of_node(struct sip_node *n)
{
	return n ? (struct cp_contact *)((char *)n - offsetof(struct cp_contact, by_flow)) : NULL;
}

struct cp_contact *cp_location_by_flow(const struct cp_location *l, const struct sip_flow *flow)
{
	return of_node(sip_table_find(&l->flows, key_of_flow(l, flow)));
}

void cp_location_closed(struct cp_location *l, const struct sip_flow *flow)
{
	struct cp_contact *c;

	if (!sip_flow_reliable(flow))
		return;
	while ((c = cp_location_by_flow(l, flow))) {
		sip_table_remove(&l->flows, &c->by_flow);
		c->flow.connection = 0;
		c->by_flow.key = key_of_flow(l, &c->flow);
		sip_table_add(&l->flows, &c->by_flow);
	}
}

void cp_location_rebind(struct cp_location *l, struct cp_contact *c, uint16_t socket)
{
	sip_table_remove(&l->flows, &c->by_flow);
	c->flow.socket = socket;
	c->by_flow.key = key_of_flow(l, &c->flow);
	sip_table_add(&l->flows, &c->by_flow);
}

size_t cp_location_contacts(const struct cp_location *l)
{
	return l->contacts;
}

size_t cp_location_users(const struct cp_location *l)
{
	return l->aors.count;
}

void cp_location_each(struct cp_location *l, void (*see)(struct sip_node *n, void *ctx), void *ctx)
{
	sip_table_each(&l->aors, see, ctx);
}

bool cp_location_settle(struct cp_location *l)
{
	bool some = l->changed;

	while (l->changed) {
		struct cp_aor *aor = l->changed;
		int n;

		l->changed = aor->changed_next;
		aor->changed = false;
		if (l->ops->keep && aor->contacts) {
			n = cp_location_pack(aor, l->record, CP_LOCATION_RECORD);
			if (n > 0)
				l->ops->keep(l->ctx, aor->id, l->record, (size_t)n);
		} else if (l->ops->keep) {
			l->ops->drop(l->ctx, aor->id);
		}
		cp_location_close(l, aor);
	}
	return some;
}
