// SPDX-License-Identifier: BSD-3-Clause
// Certificates: of the listeners (section sip) and of single peers.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/config/reader.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int read_file(struct cfg_reader *r, const struct cfg_node *node, char *path, size_t size,
	const char *what)
{
	int err = cfg_text(r, node, path, size, what);

	if (err)
		return err;
	return path[0] == '/' && path[strlen(path) - 1] != '/' ? 0 : cfg_expected(r, node, what);
}

int cfg_read_certificate(struct cfg_reader *r, const struct cfg_node *node, void *tls)
{
	struct cfg_tls *t = tls;

	return read_file(r, node, t->certificate, sizeof(t->certificate),
		"the whole path of a certificate in PEM, such as /etc/hawse/certificate.pem");
}

int cfg_read_key(struct cfg_reader *r, const struct cfg_node *node, void *tls)
{
	struct cfg_tls *t = tls;

	return read_file(r, node, t->key, sizeof(t->key),
		"the whole path of a private key in PEM, such as /etc/hawse/key.pem");
}

int cfg_read_authorities(struct cfg_reader *r, const struct cfg_node *node, void *tls)
{
	struct cfg_tls *t = tls;

	return read_file(r, node, t->authorities, sizeof(t->authorities),
		"the whole path of certificates in PEM, such as "
		"/etc/ssl/certs/ca-certificates.crt");
}

static int read_name(struct cfg_reader *r, const struct cfg_node *node, void *tls)
{
	struct cfg_tls *t = tls;
	struct cfg_host host;

	if (node->kind != CFG_NODE_TEXT || cfg_host_parse(&host, node->text) || host.port)
		return cfg_expected(
			r, node, "the name that its certificate has, such as sip.carrier.example");
	memcpy(t->name, host.name, sizeof(host.name));
	return 0;
}

static CFG_WORD_READER(read_verify, struct cfg_tls, insecure, {"yes", 0}, {"no", 1})

int cfg_read_peer_tls(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const struct cfg_key keys[] = {
		{"certificate", cfg_read_certificate},
		{"key", cfg_read_key},
		{"authorities", cfg_read_authorities},
		{"name", read_name},
		{"verify", read_verify},
	};
	struct cfg_peer *p = to;
	int err;

	p->tls = calloc(1, sizeof(*p->tls));
	if (!p->tls)
		return -ENOMEM;
	err = cfg_map(r, node, keys, COUNT(keys), p->tls);
	if (err)
		return err;
	if (p->tls->key[0] && !p->tls->certificate[0])
		return cfg_fail(r, cfg_node_find(node, "key"),
			"expected the key certificate beside it, found none");
	if (p->tls->insecure && p->tls->name[0])
		return cfg_fail(r, cfg_node_find(node, "verify"),
			"expected yes, found \"no\": a name that nobody verifies would let anybody "
			"in");
	if (p->tls->name[0] && p->transport_written && p->transport != CFG_TLS)
		return cfg_fail(r, cfg_node_find(node, "name"),
			"expected transport: tls, without which a peer shows no certificate");
	for (unsigned i = 0; p->tls->name[0] && i < r->cfg->peer_count; i++) {
		const struct cfg_peer *other = &r->cfg->peers[i];

		if (other != p && other->tls && strcmp(other->tls->name, p->tls->name) == 0)
			return cfg_fail(r, cfg_node_find(node, "name"),
				"expected a name of one peer only, found \"%.100s\" in peers.%s "
				"(line %u) too",
				p->tls->name, other->name, other->line);
	}
	return 0;
}
