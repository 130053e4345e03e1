// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/trunk/policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void address_of(const struct cfg_address *from, struct sip_addr *to)
{
	memset(to, 0, sizeof(*to));
	to->family = from->family;
	to->port = from->port;
	memcpy(to->ip, from->ip, sizeof(to->ip));
}

static int fill_listeners(struct cp_policy *p, struct cfg_error *why)
{
	const struct cfg_sip *sip = &p->cfg->sip;

	p->listeners = calloc(sip->listen_count + 1, sizeof(*p->listeners));
	if (!p->listeners)
		return -ENOMEM;
	for (unsigned i = 0; i < sip->listen_count; i++) {
		struct cp_listener *l = &p->listeners[i];

		if (sip->listen[i].transport != CFG_UDP) {
			snprintf(why->text, sizeof(why->text),
				"%s: sip.listen: expected udp: listeners only, others are not "
				"built yet",
				p->cfg->file);
			return -EINVAL;
		}
		address_of(&sip->listen[i].address, &l->local);
		l->transport = SIP_UDP;
		sip_addr_host(&l->local, true, l->host);
		if (l->local.port == CFG_PORT_SIP)
			snprintf(l->sent_by, sizeof(l->sent_by), "%s", l->host);
		else
			snprintf(l->sent_by, sizeof(l->sent_by), "%s:%u", l->host, l->local.port);
		p->listener_count++;
	}
	return 0;
}

// The listener that shares the address which the kernel would send from, else the first that could.
static void choose_listener(
	struct cp_policy *p, struct cp_peer *peer, cp_source_fn *source, void *ctx)
{
	struct sip_addr from;
	bool known = source && peer->remote.family && source(ctx, &peer->remote, &from) == 0;

	for (unsigned i = 0; i < p->listener_count; i++) {
		const struct cp_listener *l = &p->listeners[i];

		if (l->local.family != peer->remote.family)
			continue;
		if (known && sip_addr_same_host(&l->local, &from)) {
			peer->socket = (uint16_t)i;
			peer->callable = true;
			return;
		}
		if (!peer->callable) {
			peer->socket = (uint16_t)i;
			peer->callable = true;
		}
	}
}

static int check_transport(const struct cp_policy *p, struct cfg_error *why)
{
	for (unsigned i = 0; i < p->cfg->peer_count; i++) {
		const struct cfg_peer *peer = &p->cfg->peers[i];

		if (peer->transport == CFG_UDP)
			continue;
		why->line = peer->line;
		snprintf(why->text, sizeof(why->text),
			"%s:%u: peers.%s.transport: expected udp, others are not built yet",
			p->cfg->file, peer->line, peer->name);
		return -EINVAL;
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
	err = fill_listeners(p, why);
	if (!err)
		err = check_transport(p, why);
	if (!err)
		err = cp_peers_new(cfg, &p->peers);
	if (!err)
		err = cp_routes_new(cfg, &p->routes);
	if (err)
		goto out;
	for (unsigned i = 0; i < cfg->peer_count; i++)
		choose_listener(p, cp_peers_edit(p->peers, i), source, ctx);
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
	free(policy->listeners);
	cfg_free(policy->cfg);
	free(policy);
}
