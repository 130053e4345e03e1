// SPDX-License-Identifier: BSD-3-Clause
// stats.page: the directory that hawse-stats serves over HTTPS.
#include <string.h>

#include "controlplane/config/reader.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int read_listen(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_read_http_listen(r, node, &((struct cfg_page *)to)->listen);
}

static int read_directory(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const char expected[] =
		"the whole path of a directory, such as /usr/share/hawse/webphone";
	struct cfg_page *page = to;
	int err = cfg_text(r, node, page->directory, sizeof(page->directory), expected);

	if (err)
		return err;
	return page->directory[0] == '/' && page->directory[1] ? 0
							       : cfg_expected(r, node, expected);
}

static int read_certificate(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_page *page = to;
	struct cfg_tls tls = {0};
	int err = cfg_read_certificate(r, node, &tls);

	memcpy(page->certificate, tls.certificate, sizeof(page->certificate));
	return err;
}

static int read_key(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_page *page = to;
	struct cfg_tls tls = {0};
	int err = cfg_read_key(r, node, &tls);

	memcpy(page->key, tls.key, sizeof(page->key));
	return err;
}

int cfg_read_page(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const struct cfg_key keys[] = {
		{"listen", read_listen},
		{"directory", read_directory},
		{"certificate", read_certificate},
		{"key", read_key},
	};
	struct cfg_page *page = &r->cfg->stats.page;
	const struct cfg_tls *sip = &r->cfg->sip.tls; // read before this section
	int err = cfg_map(r, node, keys, COUNT(keys), page);

	if (err)
		return err;
	if (!page->listen.port)
		return cfg_fail(r, node,
			"expected the key listen, an address and a port such as 203.0.113.10:8443, "
			"found none");
	if (!page->directory[0])
		return cfg_fail(r, node,
			"expected the key directory, such as /usr/share/hawse/webphone, found "
			"none");
	if (page->key[0] && !page->certificate[0])
		return cfg_fail(r, cfg_node_find(node, "key"),
			"expected the key certificate beside it, found none");
	if (!page->certificate[0]) {
		memcpy(page->certificate, sip->certificate, sizeof(page->certificate));
		memcpy(page->key, sip->key, sizeof(page->key));
	}
	if (!page->certificate[0])
		return cfg_fail(r, node,
			"expected the key certificate, here or in the section sip: pages are "
			"served "
			"over HTTPS only, found none");
	if (!page->key[0])
		memcpy(page->key, page->certificate, sizeof(page->key));
	page->enabled = true;
	return 0;
}
