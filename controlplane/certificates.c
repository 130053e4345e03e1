// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/certificates.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct entry { // of a peer with a tls section
	char peer[CFG_NAME];
	char name[256];
	struct cp_tls *tls;
};

struct cp_certificates {
	struct cp_tls *server; // may be NULL
	struct cp_tls *client;
	struct entry *entries;
	unsigned count;
};

static const char *or_null(const char *file)
{
	return file[0] ? file : NULL;
}

// What a peer's section leaves out is ours.
static const char *or_ours(const char *file, const char *ours)
{
	return file[0] ? file : or_null(ours);
}

static bool is_needed(const struct cp_policy *policy)
{
	for (unsigned i = 0; i < policy->listener_count; i++)
		if (policy->listeners[i].transport == SIP_TLS ||
			policy->listeners[i].transport == SIP_WSS)
			return true;
	return policy->cfg->sip.tls.certificate[0] != '\0';
}

// A client may show a certificate when there is a peer to be known by one; then those who vouch for such
// peers are asked beside our own.
static int make_server(
	struct cp_certificates *c, const struct cp_policy *policy, char error[CP_TLS_ERROR])
{
	const struct cfg *cfg = policy->cfg;
	const char **clients = calloc(cfg->peer_count + 1u, sizeof(*clients));
	struct cp_tls_config config = {
		.certificate = or_null(cfg->sip.tls.certificate),
		.key = or_null(cfg->sip.tls.key),
		.authorities = or_null(cfg->sip.tls.authorities),
		.clients = clients,
	};
	unsigned n = 0;
	int err;

	if (!clients) {
		snprintf(error, CP_TLS_ERROR, "TLS: out of memory");
		return -ENOMEM;
	}
	for (unsigned i = 0; i < cfg->peer_count; i++) {
		const struct cfg_tls *tls = cfg->peers[i].tls;

		if (!tls || !tls->name[0])
			continue;
		config.may_client = true;
		if (tls->authorities[0])
			clients[n++] = tls->authorities;
	}
	err = config.certificate ? cp_tls_new(&c->server, &config, error) : 0;
	free(clients);
	return err;
}

static int make_entry(struct cp_certificates *c, const struct cfg *cfg, const struct cfg_peer *peer,
	char error[CP_TLS_ERROR])
{
	bool own = peer->tls->certificate[0];
	const struct cp_tls_config config = {
		.certificate = or_ours(peer->tls->certificate, cfg->sip.tls.certificate),
		.key = own ? or_null(peer->tls->key) : or_null(cfg->sip.tls.key),
		.authorities = or_ours(peer->tls->authorities, cfg->sip.tls.authorities),
		.insecure = peer->tls->insecure,
	};
	struct entry *e = &c->entries[c->count];

	snprintf(e->peer, sizeof(e->peer), "%s", peer->name);
	snprintf(e->name, sizeof(e->name), "%s", peer->tls->name);
	c->count++;
	return cp_tls_new(&e->tls, &config, error);
}

static int make(struct cp_certificates *c, const struct cp_policy *policy, char error[CP_TLS_ERROR])
{
	const struct cfg *cfg = policy->cfg;
	const struct cp_tls_config client = {
		.certificate = or_null(cfg->sip.tls.certificate),
		.key = or_null(cfg->sip.tls.key),
		.authorities = or_null(cfg->sip.tls.authorities),
	};
	int err = make_server(c, policy, error);

	if (!err)
		err = cp_tls_new(&c->client, &client, error);
	if (err)
		return err;
	c->entries = calloc(cfg->peer_count + 1u, sizeof(*c->entries));
	if (!c->entries) {
		snprintf(error, CP_TLS_ERROR, "TLS: out of memory");
		return -ENOMEM;
	}
	for (unsigned i = 0; i < cfg->peer_count && !err; i++)
		if (cfg->peers[i].tls)
			err = make_entry(c, cfg, &cfg->peers[i], error);
	return err;
}

int cp_certificates_new(
	struct cp_certificates **out, const struct cp_policy *policy, char error[CP_TLS_ERROR])
{
	struct cp_certificates *c;
	int err;

	*out = NULL;
	if (!is_needed(policy))
		return 0;
	c = calloc(1, sizeof(*c));
	if (!c) {
		snprintf(error, CP_TLS_ERROR, "TLS: out of memory");
		return -ENOMEM;
	}
	err = make(c, policy, error);
	if (err)
		cp_certificates_free(c);
	else
		*out = c;
	return err;
}

void cp_certificates_free(struct cp_certificates *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < c->count; i++)
		cp_tls_free(c->entries[i].tls);
	free(c->entries);
	cp_tls_free(c->server);
	cp_tls_free(c->client);
	free(c);
}

void cp_certificates_update(struct cp_certificates *c, struct cp_certificates *fresh)
{
	struct cp_certificates old = *c;

	*c = *fresh;
	*fresh = old;
	// Listeners hold the server's: the same object, another content.
	if (c->server && fresh->server) {
		struct cp_tls *server = fresh->server;

		cp_tls_swap(c->server, fresh->server);
		fresh->server = c->server;
		c->server = server;
	}
	cp_certificates_free(fresh);
}

struct cp_tls *cp_certificates_server(struct cp_certificates *c)
{
	return c ? c->server : NULL;
}

static const struct entry *entry_of(const struct cp_certificates *c, const char *peer)
{
	for (unsigned i = 0; i < c->count; i++)
		if (strcmp(c->entries[i].peer, peer) == 0)
			return &c->entries[i];
	return NULL;
}

struct cp_tls *cp_certificates_towards(
	struct cp_certificates *c, const struct cp_peer *peer, const char **name)
{
	const struct entry *e = peer ? entry_of(c, peer->cfg->name) : NULL;

	*name = e && e->name[0]              ? e->name
		: peer && peer->cfg->by_name ? peer->cfg->hosts[0].name
					     : NULL;
	return e ? e->tls : c->client;
}

const struct cp_peer *cp_certificates_peer(const struct cp_certificates *c,
	const struct cp_policy *policy, const struct cp_tls_session *session)
{
	for (unsigned i = 0; i < policy->cfg->peer_count; i++) {
		const struct cfg_peer *peer = &policy->cfg->peers[i];
		const struct entry *e;

		if (!peer->tls || !peer->tls->name[0])
			continue;
		e = entry_of(c, peer->name);
		if (e && cp_tls_peer_is_by(session, e->tls, peer->tls->name))
			return cp_peers_at(policy->peers, i);
	}
	return NULL;
}
