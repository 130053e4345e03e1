// SPDX-License-Identifier: BSD-3-Clause
// The section sip.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/config/access.h"
#include "controlplane/config/reader.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct cfg_word transports[] = {
	{"udp", CFG_UDP},
	{"tcp", CFG_TCP},
	{"tls", CFG_TLS},
	{"ws", CFG_WS},
	{"wss", CFG_WSS},
};

static uint16_t default_port(enum cfg_transport transport)
{
	switch (transport) {
	case CFG_TLS:
		return 5061;
	case CFG_WS:
		return 80;
	case CFG_WSS:
		return 443;
	default:
		return CFG_PORT_SIP;
	}
}

// A listener within the media ports of its own address would take packets that are media's.
static int outside_media(
	struct cfg_reader *r, const struct cfg_node *node, const struct cfg_address *a)
{
	for (unsigned i = 0; i < r->cfg->media_count; i++) {
		const struct cfg_media *m = &r->cfg->media[i];

		for (unsigned k = 0; k < m->address_count; k++)
			if (cfg_same_ip(&m->addresses[k], a) && a->port >= m->first_port &&
				a->port <= m->last_port)
				return cfg_fail(r, node,
					"expected a port outside of media.%s.ports (%u-%u), which "
					"has the same address, found %u",
					m->name, m->first_port, m->last_port, a->port);
	}
	return 0;
}

static int read_listener(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const char expected[] = "a transport and address such as udp:192.0.2.1, "
				       "tls:192.0.2.1:5062 or udp:[2001:db8::1]";
	struct cfg_sip *sip = &r->cfg->sip;
	struct cfg_listen *l = &sip->listen[sip->listen_count];
	size_t i = 0, n;

	if (node->kind != CFG_NODE_TEXT)
		return cfg_expected(r, node, expected);
	n = strcspn(node->text, ":");
	while (i < COUNT(transports) &&
		(strlen(transports[i].name) != n || memcmp(transports[i].name, node->text, n) != 0))
		i++;
	if (i == COUNT(transports) || !node->text[n] ||
		cfg_address_parse(&l->address, node->text + n + 1, false))
		return cfg_expected(r, node, expected);
	if (!cfg_host_usable(&l->address))
		return cfg_fail(r, node,
			"expected an address of this machine, found \"%s\": write each address "
			"that "
			"shall be listened on",
			node->text);
	l->transport = (enum cfg_transport)transports[i].value;
	if (!l->address.port)
		l->address.port = default_port(l->transport);
	for (i = 0; i < sip->listen_count; i++)
		if ((sip->listen[i].transport == CFG_UDP) == (l->transport == CFG_UDP) &&
			sip->listen[i].address.port == l->address.port &&
			cfg_same_ip(&sip->listen[i].address, &l->address))
			return cfg_fail(r, node,
				"expected each listener once, found \"%s\" and \"%s\" on one port",
				transports[sip->listen[i].transport].name, node->text);
	sip->listen_count++;
	return l->transport == CFG_UDP ? outside_media(r, node, &l->address) : 0;
}

static int read_listen(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_sip *sip = &r->cfg->sip;

	if (cfg_count(node) > 256)
		return cfg_fail(
			r, node, "expected at most 256 listeners, found %u", cfg_count(node));
	sip->listen = calloc(cfg_count(node) + 1u, sizeof(*sip->listen));
	if (!sip->listen)
		return -ENOMEM;
	return cfg_each(r, node, "a list such as [udp:192.0.2.1]", read_listener, NULL);
}

static int read_strangers(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const struct cfg_word words[] = {
		{"refuse", CFG_REFUSE},
		{"ignore", CFG_IGNORE},
	};
	int value;
	int err = cfg_choice(r, node, words, COUNT(words), &value);

	if (!err)
		r->cfg->sip.strangers = (enum cfg_strangers)value;
	return err;
}

static int read_media_timeout(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_number(r, node, 0, 86400, "seconds", &r->cfg->sip.media_timeout);
}

static int read_ring_timeout(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_number(r, node, 1, 3600, "seconds", &r->cfg->sip.ring_timeout);
}

static int read_max_calls(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_number(r, node, 1, 1000000, "a number", &r->cfg->sip.max_calls);
}

static int read_trace(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	unsigned mib;
	int err = cfg_number(r, node, 1, 4096, "MiB", &mib);

	if (err)
		return err;
	if (mib & (mib - 1))
		return cfg_expected(r, node, "MiB as a power of two (1, 2, 4, ... 4096)");
	r->cfg->sip.trace = mib;
	return 0;
}

static int read_shards(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_number(r, node, 1, 16, "a number", &r->cfg->sip.shards);
}

static int read_sip_certificate(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_read_certificate(r, node, &r->cfg->sip.tls);
}

static int read_sip_key(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_read_key(r, node, &r->cfg->sip.tls);
}

static int read_sip_authorities(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_read_authorities(r, node, &r->cfg->sip.tls);
}

static int read_nameserver(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	char *all = r->cfg->sip.nameservers;
	struct cfg_address a;
	size_t n = strlen(all);
	int err = cfg_host(r, node, 1, &a);

	if (err)
		return err;
	if (n + strlen(node->text) + 2 > sizeof(r->cfg->sip.nameservers))
		return cfg_fail(r, node, "expected fewer nameservers: four are plenty");
	snprintf(all + n, sizeof(r->cfg->sip.nameservers) - n, "%s%s", n ? "," : "", node->text);
	return 0;
}

static int read_nameservers(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_each(r, node, "an address such as 192.0.2.53, or a list", read_nameserver, NULL);
}

static int read_emergency_number(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const char expected[] = "a number such as 112, or urn:service:sos";
	struct cfg_sip *sip = &r->cfg->sip;
	char *number = sip->emergency[sip->emergency_count];
	int err = cfg_text(r, node, number, sizeof(sip->emergency[0]), expected);

	if (err)
		return err;
	if (!number[0] ||
		strspn(number, "0123456789+*#abcdefghijklmnopqrstuvwxyz:.-") != strlen(number))
		return cfg_expected(r, node, expected);
	sip->emergency_count++;
	return 0;
}

static int read_emergency(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_sip *sip = &r->cfg->sip;

	sip->emergency_count = 0;
	if (node->kind == CFG_NODE_LIST && !node->children)
		return 0;
	if (cfg_count(node) > COUNT(sip->emergency))
		return cfg_fail(r, node, "expected at most %zu numbers, found %u",
			COUNT(sip->emergency), cfg_count(node));
	return cfg_each(r, node, "a number or a list of them", read_emergency_number, NULL);
}

static int read_stranger_rate(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_number(r, node, 0, 1000000, "requests a second", &r->cfg->sip.stranger_rate);
}

static int read_shed_after(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_number(r, node, 0, 10000, "milliseconds", &r->cfg->sip.shed_after);
}

static int read_user_agent(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_text(r, node, r->cfg->sip.user_agent, sizeof(r->cfg->sip.user_agent), "text");
}

static int check_certificate(struct cfg_reader *r, const struct cfg_node *node)
{
	const struct cfg_sip *sip = &r->cfg->sip;

	if (sip->tls.key[0] && !sip->tls.certificate[0])
		return cfg_fail(r, cfg_node_find(node, "key"),
			"expected the key certificate beside it, found none");
	for (unsigned i = 0; i < sip->listen_count; i++)
		if ((sip->listen[i].transport == CFG_TLS || sip->listen[i].transport == CFG_WSS) &&
			!sip->tls.certificate[0])
			return cfg_fail(r, cfg_node_find(node, "listen"),
				"expected the keys sip.certificate and sip.key, which a %s: "
				"listener needs, found none",
				transports[sip->listen[i].transport].name);
	return 0;
}

int cfg_read_sip(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const struct cfg_key keys[] = {
		{"listen", read_listen},
		{"strangers", read_strangers},
		{"media_timeout", read_media_timeout},
		{"ring_timeout", read_ring_timeout},
		{"max_calls", read_max_calls},
		{"trace", read_trace},
		{"shards", read_shards},
		{"user_agent", read_user_agent},
		{"certificate", read_sip_certificate},
		{"key", read_sip_key},
		{"authorities", read_sip_authorities},
		{"nameservers", read_nameservers},
		{"emergency", read_emergency},
		{"stranger_rate", read_stranger_rate},
		{"shed_after", read_shed_after},
		{"ban", cfg_read_ban},
		{"allow", cfg_read_sip_allow},
		{"deny", cfg_read_sip_deny},
	};
	int err = cfg_map(r, node, keys, COUNT(keys), NULL);

	return err ? err : check_certificate(r, node);
}
