// SPDX-License-Identifier: BSD-3-Clause
// Peers of kind access with users: what the registrar and digest need to know.
#include "controlplane/config/access.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct cfg_access *access_of(struct cfg_peer *p)
{
	if (!p->access) {
		p->access = calloc(1, sizeof(*p->access));
		if (!p->access)
			return NULL;
		p->access->expires_min = 60;
		p->access->expires_max = 3600;
		p->access->contacts = 10;
		p->access->keepalive = 30;
	}
	return p->access;
}

void cfg_access_free(struct cfg_access *access)
{
	free(access);
}

static int read_one_domain(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_access *a = to;
	struct cfg_address address;
	struct cfg_host host;

	if (node->kind != CFG_NODE_TEXT || strlen(node->text) >= sizeof(a->domain[0]) ||
		(cfg_address_parse(&address, node->text, false) &&
			(cfg_host_parse(&host, node->text) || host.port)))
		return cfg_expected(r, node, "a domain such as pbx.example.com");
	for (unsigned i = 0; i < r->cfg->peer_count; i++) {
		const struct cfg_peer *other = &r->cfg->peers[i];

		for (unsigned k = 0; other->access && k < other->access->domain_count; k++)
			if (strcasecmp(other->access->domain[k], node->text) == 0)
				return cfg_fail(r, node,
					"expected a domain of one peer only, found %.100s in "
					"peers.%s (line %u) too",
					node->text, other->name, other->line);
	}
	strcpy(a->domain[a->domain_count++], node->text);
	return 0;
}

int cfg_read_domain(struct cfg_reader *r, const struct cfg_node *node, void *peer)
{
	struct cfg_access *a = access_of(peer);

	if (!a)
		return -ENOMEM;
	if (cfg_count(node) > CFG_DOMAINS)
		return cfg_fail(r, node, "expected at most %u domains, found %u", CFG_DOMAINS,
			cfg_count(node));
	return cfg_each(r, node, "a domain or a list of them", read_one_domain, a);
}

int cfg_read_realm(struct cfg_reader *r, const struct cfg_node *node, void *peer)
{
	static const char expected[] = "a realm: text without quotes";
	struct cfg_access *a = access_of(peer);
	int err = a ? cfg_text(r, node, a->realm, sizeof(a->realm), expected) : -ENOMEM;

	if (err)
		return err;
	for (const char *p = a->realm; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == '"' || *p == '\\')
			return cfg_expected(r, node, expected);
	return a->realm[0] ? 0 : cfg_expected(r, node, expected);
}

int cfg_read_users(struct cfg_reader *r, const struct cfg_node *node, void *peer)
{
	static const char expected[] =
		"the whole path of a file with users, such as /etc/hawse/users.yaml";
	struct cfg_access *a = access_of(peer);
	int err = a ? cfg_text(r, node, a->users, sizeof(a->users), expected) : -ENOMEM;

	if (err)
		return err;
	return a->users[0] == '/' ? 0 : cfg_expected(r, node, expected);
}

static int read_algorithm(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const struct cfg_word words[] = {{"md5", 0}, {"sha-256", 1}, {"sha-512-256", 2}};
	struct cfg_access *a = to;
	int value;
	int err = cfg_choice(r, node, words, COUNT(words), &value);

	if (err)
		return err;
	for (unsigned i = 0; i < a->digest_count; i++)
		if (a->digest[i] == value)
			return cfg_fail(r, node, "expected each algorithm once, found %s twice",
				node->text);
	a->digest[a->digest_count++] = (uint8_t)value;
	return 0;
}

int cfg_read_digest(struct cfg_reader *r, const struct cfg_node *node, void *peer)
{
	struct cfg_access *a = access_of(peer);

	if (!a)
		return -ENOMEM;
	if (cfg_count(node) > COUNT(a->digest))
		return cfg_fail(
			r, node, "expected at most 3 algorithms, found %u", cfg_count(node));
	return cfg_each(r, node, "an algorithm or a list of them", read_algorithm, a);
}

static int read_min(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_number(r, node, 1, 3600, "seconds", &((struct cfg_access *)to)->expires_min);
}

static int read_max(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_number(r, node, 1, 604800, "seconds", &((struct cfg_access *)to)->expires_max);
}

static int read_default(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_number(
		r, node, 1, 604800, "seconds", &((struct cfg_access *)to)->expires_default);
}

int cfg_read_expires(struct cfg_reader *r, const struct cfg_node *node, void *peer)
{
	static const struct cfg_key keys[] = {
		{"min", read_min},
		{"max", read_max},
		{"default", read_default},
	};
	struct cfg_access *a = access_of(peer);
	int err = a ? cfg_map(r, node, keys, COUNT(keys), a) : -ENOMEM;

	if (err)
		return err;
	if (a->expires_min > a->expires_max)
		return cfg_fail(r, node, "expected a min of at most max, found %u and %u",
			a->expires_min, a->expires_max);
	if (a->expires_default &&
		(a->expires_default < a->expires_min || a->expires_default > a->expires_max))
		return cfg_fail(r, node, "expected a default between min and max, found %u",
			a->expires_default);
	return 0;
}

int cfg_read_contacts(struct cfg_reader *r, const struct cfg_node *node, void *peer)
{
	struct cfg_access *a = access_of(peer);

	return a ? cfg_number(r, node, 1, 100, "contacts of one user", &a->contacts) : -ENOMEM;
}

int cfg_read_keepalive(struct cfg_reader *r, const struct cfg_node *node, void *peer)
{
	struct cfg_access *a = access_of(peer);

	return a ? cfg_number(r, node, 0, 3600, "seconds", &a->keepalive) : -ENOMEM;
}

// Two peers without a domain would both be meant by our own addresses.
static int check_domains(struct cfg_reader *r, const struct cfg_node *node, struct cfg_peer *p)
{
	for (unsigned i = 0; i + 1 < r->cfg->peer_count; i++) {
		const struct cfg_peer *other = &r->cfg->peers[i];

		if (other->access && !other->access->domain_count && !p->access->domain_count)
			return cfg_fail(r, node,
				"expected the key domain, since peers.%s (line %u) has none either",
				other->name, other->line);
	}
	return 0;
}

static int check_phones(struct cfg_reader *r, const struct cfg_node *node, struct cfg_peer *p)
{
	struct cfg_access *a = p->access;

	if (p->kind == CFG_TRUNK)
		return cfg_fail(r, node,
			"expected kind: access with domain, realm, users, digest, expires, "
			"contacts "
			"and keepalive, found trunk");
	if (!a->users[0])
		return cfg_fail(r, node,
			"expected the key users (a file with the users and their passwords), found "
			"none");
	if (!a->realm[0])
		strcpy(a->realm, a->domain_count ? a->domain[0] : "hawse");
	if (!a->digest_count)
		a->digest[a->digest_count++] = 0;
	if (!a->expires_default)
		a->expires_default = a->expires_max < 3600 ? a->expires_max : 3600;
	if (a->expires_default < a->expires_min)
		a->expires_default = a->expires_min;
	return check_domains(r, node, p);
}

int cfg_check_access(struct cfg_reader *r, const struct cfg_node *node, struct cfg_peer *p)
{
	if (p->reg && p->kind != CFG_TRUNK)
		return cfg_fail(r, cfg_node_find(node, "register"),
			"expected kind: trunk, which is what one registers at");
	if (p->reg && !p->reg->domain[0]) {
		if (!p->host_count)
			return cfg_fail(r, cfg_node_find(node, "register"),
				"expected the key domain (of the address of record), since the "
				"peer "
				"has no name");
		strcpy(p->reg->domain, p->hosts[0].name);
	}
	return p->access ? check_phones(r, node, p) : 0;
}
