// SPDX-License-Identifier: BSD-3-Clause
// Trunks that we register at.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/config/access.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

void cfg_register_free(struct cfg_register *reg)
{
	if (reg && reg->password)
		explicit_bzero(reg->password, strlen(reg->password));
	free(reg ? reg->password : NULL);
	free(reg);
}

static int read_domain(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_register *g = to;
	struct cfg_address address;
	struct cfg_host host;

	if (node->kind != CFG_NODE_TEXT || strlen(node->text) >= sizeof(g->domain) ||
		(cfg_address_parse(&address, node->text, false) &&
			cfg_host_parse(&host, node->text)))
		return cfg_expected(r, node, "a domain such as provider.example");
	strcpy(g->domain, node->text);
	return 0;
}

static int read_name(
	struct cfg_reader *r, const struct cfg_node *node, char *to, size_t size, const char *what)
{
	int err = cfg_text(r, node, to, size, what);

	if (err)
		return err;
	return to[0] && to[strspn(to, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789-_.!~*'()&=+$,")] == '\0'
		       ? 0
		       : cfg_expected(r, node, what);
}

static int read_user(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_register *g = to;

	return read_name(r, node, g->user, sizeof(g->user), "the user that the provider gave");
}

static int read_auth_user(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_register *g = to;
	int err = cfg_text(r, node, g->auth_user, sizeof(g->auth_user), "the user of the password");

	for (const char *p = g->auth_user; !err && *p; p++)
		if ((unsigned char)*p < 0x20)
			return cfg_expected(r, node, "the user of the password");
	return err;
}

static int read_contact(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_register *g = to;

	return read_name(r, node, g->contact, sizeof(g->contact),
		"the user part of our Contact: letters, digits, - _ .");
}

static int read_number(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_register *g = to;

	return read_name(r, node, g->number, sizeof(g->number), "a number such as \"+4930123456\"");
}

// No error says what was found.
static int read_password(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_register *g = to;
	bool plain = node->kind == CFG_NODE_TEXT && *node->text && strlen(node->text) <= 128;

	for (const char *p = node->text; plain && *p; p++)
		plain = (unsigned char)*p >= 0x20;
	if (!plain)
		return cfg_fail(r, node,
			"expected a password of 1 to 128 characters in one line; write it in "
			"quotes");
	g->password = strdup(node->text);
	return g->password ? 0 : -ENOMEM;
}

static int read_expires(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_number(r, node, 10, 86400, "seconds", &((struct cfg_register *)to)->expires);
}

static int read_retry(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_number(r, node, 1, 3600, "seconds", &((struct cfg_register *)to)->retry);
}

static CFG_WORD_READER(read_send, struct cfg_register, calls_only, {"yes", 0}, {"no", 1})

int cfg_read_register(struct cfg_reader *r, const struct cfg_node *node, void *peer)
{
	static const struct cfg_key keys[] = {
		{"user", read_user},
		{"password", read_password},
		{"domain", read_domain},
		{"auth_user", read_auth_user},
		{"contact", read_contact},
		{"number", read_number},
		{"expires", read_expires},
		{"retry", read_retry},
		{"send", read_send},
	};
	struct cfg_peer *p = peer;
	struct cfg_register *g = p->reg = calloc(1, sizeof(*p->reg));
	int err;

	if (!g)
		return -ENOMEM;
	g->expires = 600;
	g->retry = 10;
	err = cfg_map(r, node, keys, COUNT(keys), g);
	if (err)
		return err;
	if (!g->user[0] || !g->password)
		return cfg_fail(r, node, "expected the keys user and password, found no %s",
			g->user[0] ? "password" : "user");
	if (!g->auth_user[0])
		strcpy(g->auth_user, g->user);
	if (!g->contact[0])
		strcpy(g->contact, g->user);
	return 0;
}
