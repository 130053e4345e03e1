// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/trunk/peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "controlplane/call/codecs.h"

struct network {
	uint32_t next; // 1 + index of the next one in the bucket, 0: none
	uint16_t peer;
	uint8_t family;
	uint8_t prefix;
	bool certified; // the peer's certificate says who it is, not this
	uint8_t ip[16]; // masked
};

struct cp_peers {
	struct cp_peer *peers;
	unsigned count;
	struct network *networks;
	uint32_t *buckets; // 1 + index, 0: empty
	uint32_t mask;
	uint8_t lengths[2][129]; // prefix lengths in use, longest first, [0] IPv4, [1] IPv6
	unsigned length_count[2];
};

static void mask_ip(uint8_t ip[16], unsigned prefix)
{
	for (unsigned i = 0; i < 16; i++) {
		unsigned bits = prefix > i * 8 ? prefix - i * 8 : 0;

		if (bits < 8)
			ip[i] &= (uint8_t)(0xff00u >> bits);
	}
}

// FNV-1a: the keys are the operator's, not a stranger's.
static uint32_t hash(uint8_t family, uint8_t prefix, const uint8_t ip[16])
{
	uint64_t h = 0xcbf29ce484222325ull;

	h = (h ^ family) * 0x100000001b3ull;
	h = (h ^ prefix) * 0x100000001b3ull;
	for (unsigned i = 0; i < 16; i++)
		h = (h ^ ip[i]) * 0x100000001b3ull;
	return (uint32_t)(h ^ h >> 32);
}

static void insert(struct cp_peers *p, uint32_t at, unsigned peer, const struct cfg_address *a)
{
	struct network *n = &p->networks[at];
	uint32_t *link;

	n->peer = (uint16_t)peer;
	n->family = a->family;
	n->prefix = a->prefix;
	n->certified = p->peers[peer].cfg->tls && p->peers[peer].cfg->tls->name[0];
	memcpy(n->ip, a->ip, 16);
	mask_ip(n->ip, n->prefix);
	// Behind those that stand before it in the file.
	link = &p->buckets[hash(n->family, n->prefix, n->ip) & p->mask];
	while (*link)
		link = &p->networks[*link - 1].next;
	*link = at + 1;
	p->lengths[n->family == 6][n->prefix] = 1;
}

// From "is used" by length to a list, longest first.
static void list_lengths(struct cp_peers *p)
{
	for (unsigned f = 0; f < 2; f++) {
		uint8_t used[129];

		memcpy(used, p->lengths[f], sizeof(used));
		for (int length = 128; length >= 0; length--)
			if (used[length])
				p->lengths[f][p->length_count[f]++] = (uint8_t)length;
	}
}

static bool is_host(const struct cfg_address *a)
{
	return a->prefix == (a->family == 6 ? 128 : 32);
}

static const char *transport_param(const struct cfg_peer *cfg)
{
	if (!cfg->transport_written)
		return "";
	return cfg->transport == CFG_TCP   ? ";transport=tcp"
	       : cfg->transport == CFG_TLS ? ";transport=tls"
					   : "";
}

// RFC 3263: the URI of a name says what was written, so that the other side would find the same.
static void set_name(struct cp_peer *peer)
{
	const struct cfg_host *h = &peer->cfg->hosts[0];
	char port[8] = "";

	if (h->port)
		snprintf(port, sizeof(port), ":%u", h->port);
	snprintf(peer->host, sizeof(peer->host), "%s", h->name);
	snprintf(peer->hostport, sizeof(peer->hostport), "%s%s%s", peer->host, port,
		transport_param(peer->cfg));
}

// Phones are at their domain, wherever they are.
static void set_domain(struct cp_peer *peer)
{
	const struct cfg_access *a = peer->cfg->access;

	snprintf(peer->host, sizeof(peer->host), "%s", a->domain_count ? a->domain[0] : a->realm);
	snprintf(peer->hostport, sizeof(peer->hostport), "%s", peer->host);
}

static void set_remote(struct cp_peer *peer)
{
	uint16_t standard = peer->cfg->transport == CFG_TLS ? 5061 : CFG_PORT_SIP;

	for (unsigned i = 0; i < peer->cfg->address_count; i++) {
		const struct cfg_address *a = &peer->cfg->addresses[i];
		char port[8] = "";

		if (!is_host(a))
			continue;
		peer->remote.family = a->family;
		peer->remote.port = a->port ? a->port : standard;
		memcpy(peer->remote.ip, a->ip, 16);
		sip_addr_host(&peer->remote, true, peer->host);
		if (peer->remote.port != standard)
			snprintf(port, sizeof(port), ":%u", peer->remote.port);
		snprintf(peer->hostport, sizeof(peer->hostport), "%s%s%s", peer->host, port,
			transport_param(peer->cfg));
		return;
	}
}

int cp_peers_new(const struct cfg *cfg, struct cp_peers **out)
{
	struct cp_peers *p = calloc(1, sizeof(*p));
	uint32_t networks = 0, buckets = 16, at = 0;

	if (!p)
		return -ENOMEM;
	for (unsigned i = 0; i < cfg->peer_count; i++)
		networks += cfg->peers[i].address_count;
	while (buckets < networks * 2)
		buckets *= 2;
	p->mask = buckets - 1;
	p->count = cfg->peer_count;
	p->peers = calloc(p->count + 1, sizeof(*p->peers));
	p->networks = calloc(networks + 1, sizeof(*p->networks));
	p->buckets = calloc(buckets, sizeof(*p->buckets));
	if (!p->peers || !p->networks || !p->buckets) {
		cp_peers_free(p);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < p->count; i++) {
		p->peers[i].cfg = &cfg->peers[i];
		cp_codecs_policy(&cfg->peers[i], &p->peers[i].codecs);
		p->peers[i].index = (uint16_t)i;
		p->peers[i].transport = (uint8_t)cfg->peers[i].transport;
		if (cfg->peers[i].access)
			set_domain(&p->peers[i]);
		else if (cfg->peers[i].by_name)
			set_name(&p->peers[i]);
		else
			set_remote(&p->peers[i]);
		for (unsigned k = 0; k < cfg->peers[i].address_count; k++)
			insert(p, at++, i, &cfg->peers[i].addresses[k]);
	}
	list_lengths(p);
	*out = p;
	return 0;
}

void cp_peers_free(struct cp_peers *peers)
{
	if (!peers)
		return;
	free(peers->peers);
	free(peers->networks);
	free(peers->buckets);
	free(peers);
}

static const struct network *probe(
	const struct cp_peers *p, const struct sip_addr *a, uint8_t prefix, bool certified)
{
	uint8_t ip[16];

	memcpy(ip, a->ip, 16);
	mask_ip(ip, prefix);
	for (uint32_t i = p->buckets[hash(a->family, prefix, ip) & p->mask]; i;
		i = p->networks[i - 1].next) {
		const struct network *n = &p->networks[i - 1];

		if (n->family == a->family && n->prefix == prefix && (certified || !n->certified) &&
			memcmp(n->ip, ip, 16) == 0)
			return n;
	}
	return NULL;
}

static const struct cp_peer *find(const struct cp_peers *peers, const struct sip_addr *source,
	bool certified, unsigned *prefix)
{
	unsigned f = source->family == 6;

	for (unsigned i = 0; i < peers->length_count[f]; i++) {
		const struct network *n = probe(peers, source, peers->lengths[f][i], certified);

		if (!n)
			continue;
		if (prefix)
			*prefix = n->prefix;
		return &peers->peers[n->peer];
	}
	return NULL;
}

const struct cp_peer *cp_peers_find(
	const struct cp_peers *peers, const struct sip_addr *source, unsigned *prefix)
{
	return find(peers, source, false, prefix);
}

const struct cp_peer *cp_peers_owner(const struct cp_peers *peers, const struct sip_addr *addr)
{
	return find(peers, addr, true, NULL);
}

const struct cp_peer *cp_peers_by_source(
	const struct cp_peers *peers, const struct sip_addr *source)
{
	return find(peers, source, false, NULL);
}

const struct cp_peer *cp_peers_at(const struct cp_peers *peers, unsigned index)
{
	return index < peers->count ? &peers->peers[index] : NULL;
}

struct cp_peer *cp_peers_edit(struct cp_peers *peers, unsigned index)
{
	return index < peers->count ? &peers->peers[index] : NULL;
}
