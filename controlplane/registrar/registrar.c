// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/registrar/registrar.h"

#include <errno.h>
#include <stdlib.h>

#include "controlplane/log.h"
#include "controlplane/registrar/private.h"

#define NONCE_SECONDS  300u
#define NONCES         65536u
#define STREAM_PING_MS 240000u
#define GRUU_RECORD    0 // id of our key in the journal; no address of record has it

// ---- what the location tells ------------------------------------------------------------------------

static int keep(void *ctx, uint64_t id, const void *record, size_t n)
{
	struct cp_registrar *r = ctx;
	int err = r->ops->keep ? r->ops->keep(r->ctx, id, record, n) : 0;

	r->counters.kept_failed += err != 0;
	return err;
}

static int drop(void *ctx, uint64_t id)
{
	struct cp_registrar *r = ctx;

	return r->ops->drop ? r->ops->drop(r->ctx, id) : 0;
}

static void gone(void *ctx, const struct cp_contact *contact, const char *why)
{
	struct cp_registrar *r = ctx;

	r->counters.expired += strcmp(why, "expired") == 0;
}

uint64_t cp_ping_interval(const struct cfg_access *access, const struct cp_contact *c)
{
	if (!access->keepalive || c->path.n)
		return 0;
	if (sip_flow_reliable(&c->flow))
		return STREAM_PING_MS;
	return c->nat ? access->keepalive * 1000ull : 0;
}

static void ping(void *ctx, struct cp_contact *contact)
{
	struct cp_registrar *r = ctx;
	const struct cp_peer *peer = NULL;

	for (unsigned i = 0; i < r->policy->cfg->peer_count && !peer; i++)
		if (strcmp(r->policy->cfg->peers[i].name, contact->aor->peer) == 0)
			peer = cp_peers_at(r->policy->peers, i);
	if (!peer || !peer->cfg->access || !cp_ping_interval(peer->cfg->access, contact))
		return;
	if (sip_flow_reliable(&contact->flow) && !contact->flow.connection)
		return;
	r->counters.pings++;
	if (r->ops->ping)
		r->ops->ping(r->ctx, contact);
	cp_location_ping(r->location, contact, cp_ping_interval(peer->cfg->access, contact));
}

static const struct cp_location_ops location_ops = {
	.keep = keep, .drop = drop, .gone = gone, .ping = ping};

// ---- life -------------------------------------------------------------------------------------------

int cp_registrar_new(struct cp_registrar **out, const struct cp_registrar_ops *ops, void *ctx,
	struct cp_policy *policy, uint64_t now_us, uint64_t realtime_offset_us)
{
	struct cp_registrar *r = calloc(1, sizeof(*r));
	uint8_t key[16];
	int err;

	if (!r)
		return -ENOMEM;
	r->ops = ops;
	r->ctx = ctx;
	r->now_us = now_us;
	r->policy = cp_policy_hold(policy);
	ops->random(ctx, key, sizeof(key));
	ops->random(ctx, r->gruu_key, sizeof(r->gruu_key));
	ops->random(ctx, &r->bucket_key, sizeof(r->bucket_key));
	err = sip_nonces_new(&r->nonces, key, NONCE_SECONDS, NONCES);
	sip_wipe(key, sizeof(key));
	if (!err)
		err = cp_location_new(&r->location, &location_ops, r, now_us, realtime_offset_us);
	if (err)
		cp_registrar_free(r);
	else
		*out = r;
	return err;
}

void cp_registrar_free(struct cp_registrar *r)
{
	if (!r)
		return;
	cp_location_free(r->location);
	sip_nonces_free(r->nonces);
	cp_policy_release(r->policy);
	sip_wipe(r->gruu_key, sizeof(r->gruu_key));
	free(r);
}

static bool is_user(const struct cp_policy *policy, const struct cp_aor *aor)
{
	for (unsigned i = 0; i < policy->cfg->peer_count; i++)
		if (strcmp(policy->cfg->peers[i].name, aor->peer) == 0)
			return policy->users[i] &&
			       cfg_users_find(policy->users[i], aor->user, strlen(aor->user));
	return false;
}

static void remove_stranger(struct sip_node *n, void *ctx)
{
	struct cp_registrar *r = ctx;
	struct cp_aor *aor = (struct cp_aor *)n;

	if (is_user(r->policy, aor))
		return;
	while (aor->contacts)
		cp_location_remove(r->location, aor->contacts, "no user any more");
}

void cp_registrar_set_policy(struct cp_registrar *r, struct cp_policy *policy)
{
	cp_policy_hold(policy);
	cp_policy_release(r->policy);
	r->policy = policy;
	cp_location_each(r->location, remove_stranger, r);
}

void cp_registrar_tick(struct cp_registrar *r, uint64_t now_us)
{
	if (now_us > r->now_us)
		r->now_us = now_us;
	cp_location_tick(r->location, now_us);
}

// Listeners may have changed since: a flow goes by one of its transport, or is no way any more.
static void keep_sockets(struct cp_registrar *r, struct cp_aor *aor)
{
	const struct cp_policy *policy = r->policy;
	struct cp_contact *next;

	for (struct cp_contact *c = aor->contacts; c; c = next) {
		int socket;

		next = c->next;
		if (c->flow.socket < policy->listener_count &&
			policy->listeners[c->flow.socket].transport == c->flow.transport)
			continue;
		socket = cp_policy_listener(policy, c->flow.transport, &c->flow.remote);
		if (socket < 0)
			cp_location_remove(r->location, c, "no listener any more");
		else
			cp_location_rebind(r->location, c, (uint16_t)socket);
	}
}

int cp_registrar_restore(struct cp_registrar *r, uint64_t id, const void *record, size_t n)
{
	struct cp_aor *aor;
	int err;

	if (id == GRUU_RECORD && n == sizeof(r->gruu_key)) {
		memcpy(r->gruu_key, record, n);
		r->key_kept = true;
		return 0;
	}
	err = cp_location_restore(r->location, id, record, n);
	if (err)
		return err;
	aor = cp_location_by_id(r->location, id);
	if (!is_user(r->policy, aor)) {
		remove_stranger(&aor->node, r);
		return -ESTALE;
	}
	keep_sockets(r, aor);
	for (struct cp_contact *c = aor->contacts; c; c = c->next)
		if (c->nat && c->flow.transport == SIP_UDP)
			cp_location_ping(
				r->location, c, 1000 + (c->expires * 7919 + c->cseq) % 20000);
	return 0;
}

bool cp_registrar_settle(struct cp_registrar *r)
{
	return cp_location_settle(r->location);
}

void cp_registrar_keep_key(struct cp_registrar *r)
{
	if (!r->key_kept && r->ops->keep)
		r->ops->keep(r->ctx, GRUU_RECORD, r->gruu_key, sizeof(r->gruu_key));
	r->key_kept = true;
}

bool cp_registrar_serves(const struct cp_registrar *r)
{
	for (unsigned i = 0; i < r->policy->cfg->peer_count; i++)
		if (r->policy->cfg->peers[i].access)
			return true;
	return false;
}

struct cp_location *cp_registrar_location(struct cp_registrar *r)
{
	return r->location;
}

const struct cp_registrar_counters *cp_registrar_counters(const struct cp_registrar *r)
{
	return &r->counters;
}

bool cp_registrar_knows(const struct cp_registrar *r, const struct sip_addr *host)
{
	return cp_location_knows(r->location, host);
}

void cp_registrar_closed(struct cp_registrar *r, const struct sip_flow *flow)
{
	cp_location_closed(r->location, flow);
}

// ---- whom to ring -----------------------------------------------------------------------------------

const struct cfg_user *cp_registrar_user(
	const struct cp_policy *policy, const struct cp_peer *peer, const struct sip_uri *uri)
{
	const struct cfg_users *users = policy->users[peer->index];
	const struct cfg_user *user = NULL;
	char name[256];
	int n;

	if (!users)
		return NULL;
	if (uri->scheme != SIP_URI_TEL) {
		n = sip_unescape(uri->user, name, sizeof(name) - 1);
		user = n > 0 ? cfg_users_find(users, name, (size_t)n) : NULL;
	}
	if (user)
		return user;
	n = sip_uri_number(uri, name, sizeof(name));
	if (n <= 0)
		return NULL;
	user = cfg_users_find(users, name, (size_t)n);
	return user ? user : cfg_users_by_number(users, name, (size_t)n);
}

// A phone that listens where it says it does can be dialled when its connection is gone; one behind NAT cannot.
static bool reachable(struct cp_registrar *r, const struct cp_contact *c, struct sip_flow *flow)
{
	struct sip_addr said;
	struct sip_uri uri;

	*flow = c->flow;
	if (c->flow.transport == SIP_UDP)
		return true;
	if (c->flow.connection && (!r->ops->alive || r->ops->alive(r->ctx, &c->flow)))
		return true;
	if (c->flow.transport != SIP_TCP && c->flow.transport != SIP_TLS)
		return false;
	if (c->path.n || sip_uri_parse(c->uri, &uri) ||
		sip_addr_parse(uri.host,
			uri.port                       ? uri.port
			: c->flow.transport == SIP_TLS ? 5061
						       : 5060,
			&said) ||
		!sip_addr_same_host(&said, &c->flow.remote))
		return false;
	flow->remote = said;
	flow->connection = 0;
	return true;
}

static bool put_ring(struct cp_ring *ring, const struct cp_contact *c, const struct sip_flow *flow)
{
	if (c->uri.n >= sizeof(ring->uri) || c->path.n >= sizeof(ring->route))
		return false;
	ring->flow = *flow;
	ring->q = c->q;
	memcpy(ring->uri, c->uri.p, c->uri.n);
	ring->uri[c->uri.n] = '\0';
	if (c->path.n)
		memcpy(ring->route, c->path.p, c->path.n);
	ring->route[c->path.n] = '\0';
	return true;
}

// RFC 5626 5.? : of several flows of one phone one is rung.
static bool other_flow(struct cp_registrar *r, const struct cp_aor *aor, const struct cp_contact *c)
{
	struct sip_flow flow;

	if (!c->reg_id)
		return false;
	for (const struct cp_contact *d = aor->contacts; d && d != c; d = d->next)
		if (d->reg_id && sip_slice_eq(d->instance, c->instance) && reachable(r, d, &flow))
			return true;
	return false;
}

int cp_registrar_ring(struct cp_registrar *r, const struct cp_policy *policy,
	const struct cp_peer *peer, const struct sip_uri *dialled, struct cp_ring list[CP_RING],
	unsigned *count)
{
	const struct cfg_user *user = cp_registrar_user(policy, peer, dialled);
	const struct cp_contact *only = NULL;
	struct cp_aor *aor =
		user ? cp_location_find(r->location, peer->cfg->name, user->name) : NULL;
	int by_gruu = cp_gruu_find(r, dialled, aor, &only);
	struct sip_flow flow;

	*count = 0;
	if (only)
		aor = only->aor;
	if (!user && !only)
		return -ENOENT;
	for (const struct cp_contact *c = aor ? aor->contacts : NULL; c && *count < CP_RING;
		c = c->next)
		if ((!by_gruu || c == only) && reachable(r, c, &flow) &&
			(by_gruu || !other_flow(r, aor, c)) && put_ring(&list[*count], c, &flow))
			(*count)++;
	return *count ? 0 : -EHOSTUNREACH;
}
