// SPDX-License-Identifier: BSD-3-Clause
// The section peers.
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/config/access.h"
#include "controlplane/config/reader.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

// ---- peers

static CFG_WORD_READER(read_kind, struct cfg_peer, kind, {"trunk", CFG_TRUNK},
	{"access", CFG_ACCESS}, {"webrtc", CFG_WEBRTC})

// Two peers of one address could not be told apart.
static int nobody_elses(
	struct cfg_reader *r, const struct cfg_node *node, const struct cfg_address *a)
{
	const struct cfg *cfg = r->cfg;

	for (unsigned i = 0; i < cfg->peer_count; i++) {
		const struct cfg_peer *p = &cfg->peers[i];

		for (unsigned k = 0; k < p->address_count; k++)
			if (cfg_same_ip(&p->addresses[k], a) &&
				(!a->port || !p->addresses[k].port ||
					p->addresses[k].port == a->port))
				return cfg_fail(r, node,
					"expected an address of one peer only, found %s in "
					"peers.%s "
					"(line %u) too",
					node->text, p->name, p->line);
	}
	for (unsigned i = 0; i < cfg->sip.listen_count; i++) {
		const struct cfg_address *own = &cfg->sip.listen[i].address;

		if (cfg_same_ip(own, a) && own->port == (a->port ? a->port : CFG_PORT_SIP))
			return cfg_fail(r, node,
				"expected another machine's address, found %s, on which sip.listen "
				"listens: calls would come back",
				node->text);
	}
	return 0;
}

static bool is_host(const struct cfg_address *a)
{
	return a->prefix == (a->family == 4 ? 32 : 128);
}

static const struct cfg_address *first_host(const struct cfg_peer *p)
{
	for (unsigned i = 0; i < p->address_count; i++)
		if (is_host(&p->addresses[i]))
			return &p->addresses[i];
	return NULL;
}

bool cfg_peer_callable(const struct cfg_peer *p)
{
	return first_host(p) || p->by_name || p->access;
}

static int read_peer_name(struct cfg_reader *r, const struct cfg_node *node, struct cfg_peer *p)
{
	const struct cfg_host *h = &p->hosts[p->host_count];

	for (unsigned i = 0; i < r->cfg->peer_count; i++) {
		const struct cfg_peer *other = &r->cfg->peers[i];

		for (unsigned k = 0; k < other->host_count; k++)
			if (strcmp(other->hosts[k].name, h->name) == 0 &&
				other->hosts[k].port == h->port)
				return cfg_fail(r, node,
					"expected a name of one peer only, found %.100s in "
					"peers.%s (line %u) too",
					node->text, other->name, other->line);
	}
	if (!p->host_count && !first_host(p))
		p->by_name = true;
	p->host_count++;
	return 0;
}

static int read_peer_address(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_peer *p = to;
	struct cfg_address *a = &p->addresses[p->address_count];
	int err;

	if (node->kind == CFG_NODE_TEXT &&
		cfg_host_parse(&p->hosts[p->host_count], node->text) == 0)
		return read_peer_name(r, node, p);
	if (node->kind != CFG_NODE_TEXT || cfg_address_parse(a, node->text, true))
		return cfg_expected(r, node,
			"an IP address such as 192.0.2.1 or 192.0.2.1:5060, a network such as "
			"192.0.2.0/24, or a name such as sip.example.com");
	if (is_host(a) && !cfg_host_usable(a))
		return cfg_fail(r, node,
			"expected the address of a machine or network, found \"%s\"", node->text);
	err = nobody_elses(r, node, a);
	if (!err)
		p->address_count++;
	return err;
}

static int read_peer_addresses(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_peer *p = to;

	if (cfg_count(node) > 1024)
		return cfg_fail(
			r, node, "expected at most 1024 addresses, found %u", cfg_count(node));
	p->addresses = calloc(cfg_count(node) + 1u, sizeof(*p->addresses));
	p->hosts = calloc(cfg_count(node) + 1u, sizeof(*p->hosts));
	if (!p->addresses || !p->hosts)
		return -ENOMEM;
	return cfg_each(
		r, node, "an IP address, network or name, or a list of them", read_peer_address, p);
}

static int read_transport(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const char by_itself[] =
		"is opened by the peer, which is then called over it; leave "
		"transport out";
	static const struct cfg_word words[] = {
		{"udp", CFG_UDP},
		{"tcp", CFG_TCP},
		{"tls", CFG_TLS},
		{"ws", CFG_WS, by_itself},
		{"wss", CFG_WSS, by_itself},
	};
	struct cfg_peer *p = to;
	int value;
	int err = cfg_choice(r, node, words, COUNT(words), &value);

	if (!err) {
		p->transport = (enum cfg_transport)value;
		p->transport_written = true;
	}
	return err;
}

static int read_peer_media(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_peer *p = to;
	const char *names[250], *nearest;
	unsigned n = r->cfg->media_count;

	if (node->kind != CFG_NODE_TEXT)
		return cfg_expected(r, node, "the name of an interface in media");
	for (unsigned i = 0; i < n; i++) {
		names[i] = r->cfg->media[i].name;
		if (strcmp(names[i], node->text) == 0) {
			p->media = (int)i;
			return 0;
		}
	}
	nearest = cfg_nearest(node->text, names, n);
	if (nearest)
		return cfg_fail(r, node, "media has no interface \"%.40s\"; did you mean \"%s\"?",
			node->text, nearest);
	return cfg_expected(r, node, "the name of an interface in media");
}

static int read_dscp(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_peer *p = to;
	unsigned n;
	int err = cfg_number(r, node, 0, 63, "a DSCP", &n);

	if (!err)
		p->dscp = (uint8_t)n;
	return err;
}

// `family` 0: any. A name whose transport is left to the DNS will do with any that can be dialled.
static bool has_listener(const struct cfg *cfg, const struct cfg_peer *p, uint8_t family)
{
	for (unsigned i = 0; i < cfg->sip.listen_count; i++) {
		const struct cfg_listen *l = &cfg->sip.listen[i];

		if ((l->transport == p->transport ||
			    (p->by_name && !p->transport_written && l->transport <= CFG_TLS)) &&
			(!family || l->address.family == family))
			return true;
	}
	return cfg->sip.listen_count == 0;
}

static int check_reach(struct cfg_reader *r, const struct cfg_node *node, const struct cfg_peer *p)
{
	static const char *const names[] = {"udp", "tcp", "tls", "ws", "wss"};
	const struct cfg_address *host = p->by_name ? NULL : first_host(p);

	if (!host && !p->by_name)
		return 0;
	if (!has_listener(r->cfg, p, 0))
		return cfg_fail(r,
			cfg_node_find(node, p->transport_written ? "transport" : "address"),
			"expected a transport that sip.listen has, found %s: add a %s: listener",
			names[p->transport], names[p->transport]);
	if (host && !has_listener(r->cfg, p, host->family))
		return cfg_fail(r, cfg_node_find(node, "address"),
			"expected an address that a listener can reach, found one of IPv%u only, "
			"and "
			"sip.listen has none of that family",
			host->family);
	return 0;
}

static int check_peer(struct cfg_reader *r, const struct cfg_node *node, const struct cfg_peer *p)
{
	if (!cfg_node_find(node, "kind"))
		return cfg_fail(r, node, "expected the key kind (trunk, access or webrtc), found none");
	if (!p->address_count && !p->host_count && !(p->tls && p->tls->name[0]) && !p->access)
		return cfg_fail(r, node,
			"expected the key address (where its messages come from), "
			"found none");
	return check_reach(r, node, p);
}

static int read_peer(struct cfg_reader *r, const struct cfg_node *node)
{
	static const struct cfg_key keys[] = {
		{"kind", read_kind},
		{"transport", read_transport},
		{"address", read_peer_addresses},
		{"media", read_peer_media},
		{"dscp", read_dscp},
		{"tls", cfg_read_peer_tls},
		{"srtp", cfg_read_srtp},
		{"suites", cfg_read_suites},
		{"codecs", cfg_read_codecs},
		{"transcode", cfg_read_transcode},
		{"dtmf", cfg_read_dtmf},
		{"t38", cfg_read_t38},
		{"ringback", cfg_read_ringback},
		{"hold_music", cfg_read_hold_music},
		{"announce", cfg_read_announce},
		{"record", cfg_read_record},
		{"nat", cfg_read_nat},
		{"numbers", cfg_read_numbers},
		{"rates", cfg_read_rates},
		{"tariff", cfg_read_tariff},
		{"limits", cfg_read_limits},
		{"health", cfg_read_health},
		{"failover", cfg_read_failover},
		{"rules", cfg_read_rules},
		{"domain", cfg_read_domain},
		{"realm", cfg_read_realm},
		{"users", cfg_read_users},
		{"digest", cfg_read_digest},
		{"expires", cfg_read_expires},
		{"contacts", cfg_read_contacts},
		{"keepalive", cfg_read_keepalive},
		{"register", cfg_read_register},
		{"allow", cfg_read_allow},
		{"deny", cfg_read_deny},
		{"session_timer", cfg_read_session_timer},
		{"prack", cfg_read_prack},
		{"silence", cfg_read_silence},
		{"transfer", cfg_read_peer_transfer},
		{"identity", cfg_read_peer_identity},
	};
	struct cfg_peer *p = &r->cfg->peers[r->cfg->peer_count];
	int err = cfg_name(r, node, node->key, p->name, sizeof(p->name));

	if (err)
		return err;
	if (strcmp(p->name, "any") == 0)
		return cfg_fail(
			r, node, "expected another name: \"any\" means every peer in routes");
	r->cfg->peer_count++;
	p->dscp = 46;
	cfg_session_defaults(p);
	p->identity.show = CFG_SHOW_PAI;
	p->line = node->line;
	err = cfg_map(r, node, keys, COUNT(keys), p);
	cfg_default_identity(p);
	if (!err)
		err = cfg_check_access(r, node, p);
	if (!err)
		err = cfg_check_secure(r, node, p);
	return err ? err : check_peer(r, node, p);
}

int cfg_read_peers(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	if (node->kind != CFG_NODE_MAP)
		return cfg_expected(
			r, node, "peers, as in {carrier: {kind: trunk, address: 192.0.2.1}}");
	if (node->children > 10000)
		return cfg_fail(r, node, "expected at most 10000 peers, found %u", node->children);
	r->cfg->peers = calloc(node->children + 1u, sizeof(*r->cfg->peers));
	if (!r->cfg->peers)
		return -ENOMEM;
	for (const struct cfg_node *c = node->first; c; c = c->next) {
		int err = read_peer(r, c);

		if (err)
			return err;
	}
	return 0;
}
