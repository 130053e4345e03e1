// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/trunk/policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

_Static_assert((int)CFG_UDP == (int)SIP_UDP && (int)CFG_TCP == (int)SIP_TCP &&
		       (int)CFG_TLS == (int)SIP_TLS && (int)CFG_WS == (int)SIP_WS &&
		       (int)CFG_WSS == (int)SIP_WSS,
	"transports are numbered alike");

static void address_of(const struct cfg_address *from, struct sip_addr *to)
{
	memset(to, 0, sizeof(*to));
	to->family = from->family;
	to->port = from->port;
	memcpy(to->ip, from->ip, sizeof(to->ip));
}

static uint16_t default_port(uint8_t transport)
{
	switch (transport) {
	case SIP_TLS:
		return 5061;
	case SIP_WS:
		return 80;
	case SIP_WSS:
		return 443;
	default:
		return CFG_PORT_SIP;
	}
}

// A Contact always says its port when that is not 5060: what others take for the default of TLS or a
// WebSocket differs. RFC 5630 would rather not see transport=tls, but who reads it knows what to do.
static void write_listener(struct cp_listener *l)
{
	static const char *const params[] = {
		"", ";transport=tcp", ";transport=tls", ";transport=ws", ";transport=ws"};
	char port[8] = "", contact_port[8] = "";

	sip_addr_host(&l->local, true, l->host);
	if (l->local.port != default_port(l->transport))
		snprintf(port, sizeof(port), ":%u", l->local.port);
	if (l->local.port != CFG_PORT_SIP)
		snprintf(contact_port, sizeof(contact_port), ":%u", l->local.port);
	snprintf(l->sent_by, sizeof(l->sent_by), "%s%s", l->host, port);
	snprintf(l->contact, sizeof(l->contact), "%s%s%s", l->host, contact_port,
		params[l->transport]);
}

static int fill_listeners(struct cp_policy *p)
{
	const struct cfg_sip *sip = &p->cfg->sip;

	p->listeners = calloc(sip->listen_count + 1, sizeof(*p->listeners));
	if (!p->listeners)
		return -ENOMEM;
	p->listener_count = sip->listen_count;
	for (unsigned i = 0; i < sip->listen_count; i++) {
		struct cp_listener *l = &p->listeners[i];

		address_of(&sip->listen[i].address, &l->local);
		l->transport = (uint8_t)sip->listen[i].transport; // the enums agree
		l->stream = -1;
		write_listener(l);
	}
	for (unsigned i = 0; i < p->listener_count; i++)
		for (unsigned k = 0; k < p->listener_count; k++)
			if (p->listeners[i].transport == SIP_UDP &&
				p->listeners[k].transport == SIP_TCP &&
				sip_addr_same_host(&p->listeners[i].local, &p->listeners[k].local))
				p->listeners[i].stream = (int16_t)k;
	return 0;
}

int cp_policy_listener(const struct cp_policy *p, uint8_t transport, const struct sip_addr *to)
{
	struct sip_addr from;
	bool known = p->source && p->source(p->source_ctx, to, &from) == 0;
	int found = -1;

	for (unsigned i = 0; i < p->listener_count; i++) {
		const struct cp_listener *l = &p->listeners[i];

		if (l->local.family != to->family || l->transport != transport)
			continue;
		if (known && sip_addr_same_host(&l->local, &from))
			return (int)i;
		if (found < 0)
			found = (int)i;
	}
	return found;
}

static void choose_listener(const struct cp_policy *p, struct cp_peer *peer)
{
	int found =
		peer->remote.family ? cp_policy_listener(p, peer->transport, &peer->remote) : -1;

	peer->callable = peer->cfg->by_name || found >= 0 || peer->cfg->access;
	peer->socket = (uint16_t)(found < 0 ? 0 : found);
}

// The files of users hold secrets: only who makes a policy reads them.
static int load_users(struct cp_policy *p, struct cfg_error *why)
{
	p->users = calloc(p->cfg->peer_count + 1u, sizeof(*p->users));
	if (!p->users)
		return -ENOMEM;
	for (unsigned i = 0; i < p->cfg->peer_count; i++) {
		const struct cfg_access *access = p->cfg->peers[i].access;
		int err = access ? cfg_users_load(&p->users[i], access->users, why) : 0;

		if (err)
			return err;
	}
	return 0;
}

int cp_policy_new(struct cfg *cfg, cp_source_fn *source, void *ctx, struct cp_policy **out,
	struct cfg_error *why)
{
	struct cp_policy *p = calloc(1, sizeof(*p));
	int err = -ENOMEM;

	memset(why, 0, sizeof(*why));
	if (!p) {
		cfg_free(cfg);
		goto out;
	}
	p->references = 1;
	p->cfg = cfg;
	p->source = source;
	p->source_ctx = ctx;
	err = fill_listeners(p);
	if (!err)
		err = cp_peers_new(cfg, &p->peers);
	if (!err)
		err = cp_routes_new(cfg, &p->routes, why);
	if (!err)
		err = load_users(p, why);
	if (err)
		goto out;
	for (unsigned i = 0; i < cfg->peer_count; i++) {
		const struct cfg_rules *rules = cfg->peers[i].trunk.rules;

		choose_listener(p, cp_peers_edit(p->peers, i));
		for (unsigned way = 0; way < 2; way++)
			p->rules[way] |= rules && rules->count[way];
	}
	*out = p;
	return 0;
out:
	if (err == -ENOMEM)
		snprintf(why->text, sizeof(why->text), "no memory left for the configuration");
	cp_policy_release(p);
	return err;
}

struct cp_policy *cp_policy_hold(struct cp_policy *policy)
{
	policy->references++;
	return policy;
}

void cp_policy_release(struct cp_policy *policy)
{
	if (!policy || --policy->references)
		return;
	cp_peers_free(policy->peers);
	cp_routes_free(policy->routes);
	for (unsigned i = 0; policy->users && i < policy->cfg->peer_count; i++)
		cfg_users_free(policy->users[i]);
	free(policy->users);
	free(policy->listeners);
	cfg_free(policy->cfg);
	free(policy);
}

bool cp_policy_same_listeners(const struct cp_policy *a, const struct cp_policy *b)
{
	if (a->listener_count != b->listener_count)
		return false;
	for (unsigned i = 0; i < a->listener_count; i++)
		if (a->listeners[i].transport != b->listeners[i].transport ||
			!sip_addr_equal(&a->listeners[i].local, &b->listeners[i].local))
			return false;
	return true;
}
