// SPDX-License-Identifier: BSD-3-Clause
//
// Who somebody is, by digest (RFC 3261 22.2, RFC 8760).
#include <stdio.h>

#include "controlplane/log.h"
#include "controlplane/registrar/private.h"

#define REALM_CHALLENGES 1024u

// ---- which peer -------------------------------------------------------------------------------------

static bool is_domain(const struct cfg_access *a, struct sip_slice host)
{
	for (unsigned i = 0; i < a->domain_count; i++)
		if (sip_slice_iis(host, a->domain[i]))
			return true;
	return false;
}

bool cp_is_listener(const struct cp_policy *policy, struct sip_slice host)
{
	for (unsigned i = 0; i < policy->listener_count; i++)
		if (sip_slice_iis(host, policy->listeners[i].host))
			return true;
	return false;
}

const struct cp_peer *cp_access_of(const struct cp_policy *policy, const struct sip_uri *uri)
{
	const struct cfg *cfg = policy->cfg;
	const struct cp_peer *open = NULL;

	if (uri->scheme != SIP_URI_SIP && uri->scheme != SIP_URI_SIPS)
		return NULL;
	for (unsigned i = 0; i < cfg->peer_count; i++) {
		const struct cfg_access *a = cfg->peers[i].access;

		if (!a)
			continue;
		if (is_domain(a, uri->host))
			return cp_peers_at(policy->peers, i);
		if (!a->domain_count)
			open = cp_peers_at(policy->peers, i);
	}
	return open && cp_is_listener(policy, uri->host) ? open : NULL;
}

// ---- the challenge ----------------------------------------------------------------------------------

// MD5 only where it was offered; whoever does better may.
static bool can(const struct cfg_access *a, const struct cfg_users *users, unsigned algorithm)
{
	if (algorithm != SIP_MD5)
		return users;
	for (unsigned i = 0; i < a->digest_count; i++)
		if (a->digest[i] == algorithm)
			return users;
	return false;
}

// RFC 8760 2.4: one challenge an algorithm, the preferred on top, all of one nonce.
static void challenge(
	struct cp_registrar *r, const struct cp_peer *peer, struct sip_transaction *tx, bool stale)
{
	const struct cfg_access *a = peer->cfg->access;
	struct sip_build b = sip_build(r->lines, sizeof(r->lines));
	char nonce[SIP_NONCE_TEXT], value[REALM_CHALLENGES];
	struct sip_response response = {.status = 401};

	r->counters.challenged++;
	sip_nonce_make(r->nonces, r->now_us / 1000000, &sip_tx_flow(tx)->remote, a->realm, nonce);
	for (unsigned i = 0; i < a->digest_count; i++)
		if (sip_challenge_write((enum sip_digest_algorithm)a->digest[i], a->realm, nonce,
			    stale, value, sizeof(value)) > 0)
			sip_build_header_str(&b, "WWW-Authenticate", value);
	response.lines = sip_slice(b.p, sip_build_check(&b) ? 0 : b.n);
	sip_respond(tx, &response);
}

// ---- credentials ------------------------------------------------------------------------------------

// Those for our realm, by an algorithm that we offer.
static bool find_credentials(const struct cp_peer *peer, const struct cfg_users *users,
	const struct sip_message *m, struct sip_credentials *out)
{
	static const uint8_t ids[] = {SIP_H_AUTHORIZATION, SIP_H_PROXY_AUTHORIZATION};
	const struct cfg_access *a = peer->cfg->access;

	for (unsigned k = 0; k < sizeof(ids); k++)
		for (unsigned i = m->first[ids[k]]; i; i = m->headers[i - 1].next)
			if (sip_credentials_parse(sip_header_value_of(m, i - 1), out) == 0 &&
				sip_slice_is(out->realm, a->realm) && can(a, users, out->algorithm))
				return true;
	return false;
}

static int ha1_of(const struct cfg_user *user, const char *realm,
	enum sip_digest_algorithm algorithm, char out[SIP_DIGEST_HEX])
{
	if (user->ha1[algorithm]) {
		snprintf(out, SIP_DIGEST_HEX, "%s", user->ha1[algorithm]);
		return 0;
	}
	if (!user->password)
		return -1;
	return sip_digest_ha1(
		algorithm, sip_str(user->name), sip_str(realm), sip_str(user->password), out);
}

// RFC 7616 3.4.4. We do not offer it; who sends it all the same is found by trying, in small files.
static const struct cfg_user *by_hash(
	const struct cfg_users *users, const char *realm, const struct sip_credentials *c)
{
	char hash[SIP_DIGEST_HEX];

	for (unsigned i = 0; i < users->count && users->count <= 1000; i++)
		if (sip_digest_userhash(c->algorithm, sip_str(users->users[i].name), sip_str(realm),
			    hash) == 0 &&
			sip_slice_iis(c->username, hash))
			return &users->users[i];
	return NULL;
}

// The name may come with its domain behind it, which some phones write.
static const struct cfg_user *whose(
	const struct cfg_users *users, const struct cfg_access *a, const struct sip_credentials *c)
{
	char name[256];
	int n;

	if (c->userhash)
		return by_hash(users, a->realm, c);
	n = sip_credentials_user(c, name, sizeof(name));
	return n < 0 ? NULL : cfg_users_find(users, name, (size_t)n);
}

static enum cp_login refuse(struct cp_registrar *r, const struct cp_peer *peer,
	struct sip_transaction *tx, const struct sip_credentials *c, bool known)
{
	char what[128];

	r->counters.failed++;
	snprintf(what, sizeof(what), "%s: %s %.*s", peer->cfg->name,
		known ? "wrong password of" : "no user",
		(int)(c->username.n < 60 ? c->username.n : 60), c->username.p);
	if (r->ops->suspect)
		r->ops->suspect(r->ctx, &sip_tx_flow(tx)->remote, what);
	sip_respond_simple(tx, 403, NULL);
	return CP_LOGIN_ANSWERED;
}

enum cp_login cp_access_login(struct cp_registrar *r, const struct cp_peer *peer,
	struct sip_transaction *tx, const struct sip_message *m, const struct cfg_user **user)
{
	const struct cfg_access *a = peer->cfg->access;
	const struct cfg_users *users = r->policy->users[peer->index];
	const struct sip_addr *source = &sip_tx_flow(tx)->remote;
	struct sip_credentials c;
	char ha1[SIP_DIGEST_HEX] = "";
	bool right;

	if (!find_credentials(peer, users, m, &c)) {
		challenge(r, peer, tx, false);
		return CP_LOGIN_ANSWERED;
	}
	switch (sip_nonce_check(r->nonces, r->now_us / 1000000, source, a->realm, c.nonce, c.nc)) {
	case SIP_NONCE_STALE:
		r->counters.stale++;
		challenge(r, peer, tx, true);
		return CP_LOGIN_ANSWERED;
	case SIP_NONCE_REPLAYED:
		r->counters.replayed++;
		challenge(r, peer, tx, true);
		return CP_LOGIN_ANSWERED;
	case SIP_NONCE_GOOD:
		break;
	}
	*user = whose(users, a, &c);
	right = *user && ha1_of(*user, a->realm, c.algorithm, ha1) == 0 &&
		sip_credentials_right(&c, ha1, m->method_text, sip_message_body(m));
	sip_wipe(ha1, sizeof(ha1));
	if (!right)
		return refuse(r, peer, tx, &c, *user);
	sip_nonce_use(r->nonces, c.nonce, c.nc);
	return CP_LOGIN_OK;
}

void cp_access_info(struct cp_registrar *r, const struct cp_peer *peer, const struct sip_message *m,
	const struct cfg_user *user, struct sip_build *b)
{
	const struct cfg_access *a = peer->cfg->access;
	const struct cfg_users *users = r->policy->users[peer->index];
	char ha1[SIP_DIGEST_HEX], rspauth[SIP_DIGEST_HEX];
	struct sip_credentials c;
	struct sip_digest d = {.ha1 = ha1};

	// auth-int would sign the body, and without qop there is no rspauth (RFC 7616 3.5).
	if (!find_credentials(peer, users, m, &c) || c.qop != SIP_QOP_AUTH ||
		ha1_of(user, a->realm, c.algorithm, ha1))
		return;
	d.algorithm = c.algorithm;
	d.sess = c.sess;
	d.qop = c.qop;
	d.uri = c.uri;
	d.nonce = c.nonce;
	d.cnonce = c.cnonce;
	d.nc = c.nc_text;
	if (sip_digest_response(&d, rspauth) == 0)
		sip_build_format(b, "Authentication-Info",
			"qop=auth, rspauth=\"%s\", cnonce=\"%.*s\", nc=%.*s", rspauth,
			SIP_PRI(c.cnonce), SIP_PRI(c.nc_text));
	sip_wipe(ha1, sizeof(ha1));
}

enum cp_login cp_registrar_login(struct cp_registrar *r, struct sip_transaction *tx,
	const struct sip_message *m, const struct cp_peer **peer, const struct cfg_user **user)
{
	const struct sip_addr *source = &sip_tx_flow(tx)->remote;
	struct sip_address from;
	struct sip_uri uri;

	// An anonymous From names nobody; then the domain that is called does.
	*peer = sip_message_from(m, &from) == 0 ? cp_access_of(r->policy, &from.uri) : NULL;
	if (!*peer && sip_message_request_uri(m, &uri) == 0)
		*peer = cp_access_of(r->policy, &uri);
	if (!*peer)
		return CP_LOGIN_FOREIGN;
	if (!cfg_acl_allows(&(*peer)->cfg->acl, source->family, source->ip)) {
		sip_respond_simple(tx, 403, NULL);
		return CP_LOGIN_ANSWERED;
	}
	return cp_access_login(r, *peer, tx, m, user);
}
