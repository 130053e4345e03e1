// SPDX-License-Identifier: BSD-3-Clause
//
// Which trunks are well: OPTIONS to those that want it, what calls to them came to, and what follows when
// one goes down. The first shard asks for all of them.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "controlplane/call/call.h"
#include "controlplane/log.h"

struct cp_ping {
	struct cp_exchange x; // first: what its transaction knows it by
	struct cp_shard *shard;
	const struct cp_peer *peer; // of the shard's policy
	struct sip_timer next, patience;
	struct sip_flow hops[CP_HOPS];
	unsigned hop, hop_count;
	uint64_t sent_us;
};

static uint64_t draw(struct cp_shard *shard)
{
	uint64_t random;

	shard->ops->random(shard->ctx, &random, sizeof(random));
	return random;
}

// ---- what follows from a change ---------------------------------------------------------------------

// Calls that wait for an answer of a trunk that is gone would wait until their callers give up.
void cp_shard_trunk_down(struct cp_shard *shard, const char *name)
{
	struct cp_call *next;

	for (struct cp_call *call = shard->calls; call; call = next) {
		struct cp_exchange *x = &call->invite;

		next = call->next;
		if (!x->client || sip_tx_is_final(x->client) || !call->leg[1].peer ||
			strcmp(call->leg[1].peer->cfg->name, name) != 0 ||
			(!cp_route_has_more(call) && !call->hops_left))
			continue;
		cp_call_event(call, 1, "%s is down", name);
		sip_client_cancel(x->client, sip_slice(NULL, 0));
		cp_setup_failed(x, 503, "is down");
	}
}

static void changed(struct cp_shard *shard, const char *name, enum cp_health_change change)
{
	if (change == CP_HEALTH_SAME)
		return;
	cp_count(shard, change == CP_HEALTH_UP ? CP_C_TRUNKS_UP : CP_C_TRUNKS_DOWN);
	cp_log(change == CP_HEALTH_UP ? CP_LOG_INFO : CP_LOG_WARNING, "health", 0, "%s is %s",
		name, change == CP_HEALTH_UP ? "up again" : "down");
}

static void note(
	struct cp_shard *shard, const struct cp_peer *peer, bool ping, bool good, uint32_t took_us)
{
	struct cp_account *a = cp_peer_account(shard, peer);
	const struct cfg_health *health = peer->cfg->trunk.health;
	enum cp_health_change change;
	const char *name = peer->cfg->name;

	if (!a)
		return;
	change = cp_account_health(a, health, ping, good, took_us, cp_shard_unix_us(shard));
	changed(shard, name, change);
	if (change != CP_HEALTH_DOWN || !health || !health->ping)
		return;
	if (shard->ops->trunk_down)
		shard->ops->trunk_down(shard->ctx, name);
	else
		cp_shard_trunk_down(shard, name);
}

void cp_health_target(struct cp_call *call, int status)
{
	bool dead = status == 408 || status == 502 || status == 503 || status == 504;

	if (call->leg[1].peer)
		note(call->shard, call->leg[1].peer, false, !dead, 0);
}

// ---- the order of a call's peers --------------------------------------------------------------------

bool cp_health_order(struct cp_shard *shard, struct cp_choice *c)
{
	uint16_t later[CFG_TARGETS], down[CFG_TARGETS];
	unsigned well = 0, laters = 0, downs = 0;

	for (unsigned i = 0; i < c->count; i++) {
		const struct cp_peer *peer = cp_peers_at(shard->policy->peers, c->to[i]);
		struct cp_account *a = cp_peer_account(shard, peer);
		enum cp_standing standing = a ? cp_account_standing(a, peer->cfg->trunk.health,
							draw(shard), cp_shard_unix_us(shard))
					      : CP_STANDING_WELL;

		if (standing == CP_STANDING_WELL)
			c->to[well++] = c->to[i];
		else if (standing == CP_STANDING_LATER)
			later[laters++] = c->to[i];
		else
			down[downs++] = c->to[i];
	}
	memcpy(c->to + well, later, laters * sizeof(later[0]));
	well += laters;
	// Who calls for help tries even what seems to be dead.
	if (c->emergency) {
		memcpy(c->to + well, down, downs * sizeof(down[0]));
		well += downs;
	}
	c->count = (uint8_t)well;
	return well > 0;
}

// ---- pings ------------------------------------------------------------------------------------------

static void wait_for_next(struct cp_ping *p, uint64_t ms)
{
	struct sip_layer *layer = p->shard->layer;

	sip_timer_start(sip_layer_wheel(layer), &p->next, sip_layer_now(layer) + ms);
}

// From four fifths of the time to six.
static void finish(struct cp_ping *p, bool good)
{
	uint64_t ms = p->peer->cfg->trunk.health->ping * 1000ull;
	uint32_t took = (uint32_t)(p->shard->now_us - p->sent_us);

	sip_timer_stop(sip_layer_wheel(p->shard->layer), &p->patience);
	if (p->x.client)
		sip_client_abandon(p->x.client);
	p->x.client = NULL;
	wait_for_next(p, ms * 4 / 5 + draw(p->shard) % (ms * 2 / 5 + 1));
	note(p->shard, p->peer, true, good, took);
}

static int send_options(struct cp_ping *p, const struct sip_flow *flow)
{
	struct cp_shard *shard = p->shard;
	const struct cp_policy *policy = shard->policy;
	const struct cp_listener *l =
		&policy->listeners[flow->socket < policy->listener_count ? flow->socket : 0];
	char uri[320], from[SIP_ADDR_TEXT + 8], to[320];
	char lines[256];
	struct sip_build b = sip_build(lines, sizeof(lines));
	struct sip_request r = {.method = SIP_OPTIONS, .max_forwards = 70};

	snprintf(uri, sizeof(uri), "sip:%s", p->peer->hostport);
	snprintf(from, sizeof(from), "sip:%s", l->host);
	snprintf(to, sizeof(to), "sip:%s", p->peer->host);
	sip_build_format(&b, "Contact", "<sip:%s>", l->contact);
	sip_build_header_str(&b, "Accept", "application/sdp");
	if (policy->cfg->sip.user_agent[0])
		sip_build_header_str(&b, "User-Agent", policy->cfg->sip.user_agent);
	r.uri = sip_str(uri);
	r.from_uri = sip_str(from);
	r.to_uri = sip_str(to);
	r.lines = sip_slice(b.p, sip_build_check(&b) ? 0 : b.n);
	return sip_request_send(shard->dialogs, flow, &r, &p->x, &p->x.client);
}

// The next address of the peer, until one answers.
static void ask(struct cp_ping *p)
{
	struct sip_layer *layer = p->shard->layer;

	while (p->hop < p->hop_count) {
		p->sent_us = p->shard->now_us;
		if (send_options(p, &p->hops[p->hop++]) == 0) {
			sip_timer_start(sip_layer_wheel(layer), &p->patience,
				sip_layer_now(layer) +
					p->peer->cfg->trunk.health->timeout * 1000ull);
			return;
		}
	}
	finish(p, false);
}

static void failed(struct cp_ping *p)
{
	struct cp_shard *shard = p->shard;

	if (p->x.client)
		sip_client_abandon(p->x.client);
	p->x.client = NULL;
	sip_timer_stop(sip_layer_wheel(shard->layer), &p->patience);
	if (shard->ops->failed)
		shard->ops->failed(shard->ctx, &p->hops[p->hop - 1]);
	ask(p);
}

static void on_patience(struct sip_timer *timer, void *ctx)
{
	failed((struct cp_ping *)((char *)timer - offsetof(struct cp_ping, patience)));
}

static void on_next(struct sip_timer *timer, void *ctx)
{
	struct cp_ping *p = (struct cp_ping *)((char *)timer - offsetof(struct cp_ping, next));
	struct cp_shard *shard = p->shard;

	p->hop = 0;
	p->hop_count = 0;
	if (shard->stopping)
		return;
	// Whoever works on it is not bothered, and nobody cares what state it is in.
	if (shard->ops->disabled && shard->ops->disabled(shard->ctx, p->peer)) {
		wait_for_next(p, p->peer->cfg->trunk.health->ping * 1000ull);
		return;
	}
	if (shard->ops->locate) {
		p->hop_count = shard->ops->locate(shard->ctx, shard->policy, p->peer, p->hops);
	} else if (p->peer->remote.family) {
		p->hops[p->hop_count++] = (struct sip_flow){.remote = p->peer->remote,
			.socket = p->peer->socket,
			.transport = p->peer->transport};
	}
	ask(p);
}

void cp_health_response(struct cp_exchange *x, int status)
{
	struct cp_ping *p = (struct cp_ping *)x;

	if (status < 200)
		return;
	// Whatever else it says, it is there and can speak.
	if (status == 408 || status == 502 || status == 503 || status == 504)
		failed(p);
	else
		finish(p, true);
}

void cp_health_failed(struct cp_exchange *x)
{
	failed((struct cp_ping *)x);
}

void cp_health_unreachable(struct cp_shard *shard, const struct sip_flow *to)
{
	for (unsigned i = 0; i < shard->ping_count; i++) {
		struct cp_ping *p = &shard->pings[i];

		if (p->x.client && p->hop &&
			sip_addr_equal(&p->hops[p->hop - 1].remote, &to->remote))
			failed(p);
	}
}

// ---- life -------------------------------------------------------------------------------------------

void cp_health_stop(struct cp_shard *shard)
{
	for (unsigned i = 0; i < shard->ping_count; i++) {
		struct cp_ping *p = &shard->pings[i];

		sip_timer_stop(sip_layer_wheel(shard->layer), &p->next);
		sip_timer_stop(sip_layer_wheel(shard->layer), &p->patience);
		if (p->x.client)
			sip_client_abandon(p->x.client);
	}
	free(shard->pings);
	shard->pings = NULL;
	shard->ping_count = 0;
}

void cp_health_start(struct cp_shard *shard)
{
	const struct cfg *cfg = shard->policy->cfg;
	unsigned count = 0;

	cp_health_stop(shard);
	for (unsigned i = 0; i < cfg->peer_count && shard->index == 0; i++)
		count += cfg->peers[i].trunk.health && cfg->peers[i].trunk.health->ping;
	if (count == 0)
		return;
	shard->pings = calloc(count, sizeof(*shard->pings));
	if (!shard->pings) {
		cp_log(CP_LOG_ERROR, "health", 0, "no memory for the pings: none are sent");
		return;
	}
	for (unsigned i = 0; i < cfg->peer_count; i++) {
		const struct cfg_health *health = cfg->peers[i].trunk.health;
		struct cp_ping *p = &shard->pings[shard->ping_count];

		if (!health || !health->ping)
			continue;
		shard->ping_count++;
		p->x.kind = CP_X_PING;
		p->shard = shard;
		p->peer = cp_peers_at(shard->policy->peers, i);
		p->next.fire = on_next;
		p->patience.fire = on_patience;
		wait_for_next(p, draw(shard) % 1000);
	}
}
