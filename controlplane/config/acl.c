// SPDX-License-Identifier: BSD-3-Clause
// Who may send at all: the keys allow and deny, and sip.ban.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/config/access.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct list {
	struct cfg_acl *acl;
	bool deny;
};

static bool same_network(const struct cfg_address *a, const struct cfg_address *b)
{
	return a->family == b->family && a->prefix == b->prefix &&
	       cfg_address_matches(a, b->family, b->ip);
}

// Longest first, so that the first that holds an address decides.
static int read_network(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	const struct list *list = to;
	struct cfg_acl *acl = list->acl;
	struct cfg_address a;
	unsigned at = 0;

	if (node->kind != CFG_NODE_TEXT || cfg_address_parse(&a, node->text, true) || a.port)
		return cfg_expected(r, node, "an IP address or a network such as 192.0.2.0/24");
	while (at < acl->count && acl->networks[at].prefix >= a.prefix) {
		if (same_network(&acl->networks[at], &a))
			return cfg_fail(r, node, "expected each network once, found \"%.60s\" %s",
				node->text,
				acl->denied[at] == list->deny ? "twice" : "in allow and in deny");
		at++;
	}
	memmove(&acl->networks[at + 1], &acl->networks[at],
		(acl->count - at) * sizeof(*acl->networks));
	memmove(&acl->denied[at + 1], &acl->denied[at], (acl->count - at) * sizeof(*acl->denied));
	acl->networks[at] = a;
	acl->denied[at] = list->deny;
	acl->count++;
	acl->allowed += !list->deny;
	return 0;
}

static int read_list(
	struct cfg_reader *r, const struct cfg_node *node, struct cfg_acl *acl, bool deny)
{
	struct list list = {acl, deny};
	unsigned more = cfg_count(node), room = acl->count + more + 1;
	struct cfg_address *networks;
	bool *denied;

	if (more > 1024)
		return cfg_fail(r, node, "expected at most 1024 networks, found %u", more);
	networks = realloc(acl->networks, room * sizeof(*networks));
	if (networks)
		acl->networks = networks;
	denied = realloc(acl->denied, room * sizeof(*denied));
	if (denied)
		acl->denied = denied;
	if (!networks || !denied)
		return -ENOMEM;
	return cfg_each(r, node, "a network or a list of them", read_network, &list);
}

int cfg_read_allow(struct cfg_reader *r, const struct cfg_node *node, void *peer)
{
	return read_list(r, node, &((struct cfg_peer *)peer)->acl, false);
}

int cfg_read_deny(struct cfg_reader *r, const struct cfg_node *node, void *peer)
{
	return read_list(r, node, &((struct cfg_peer *)peer)->acl, true);
}

int cfg_read_sip_allow(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return read_list(r, node, &r->cfg->sip.acl, false);
}

int cfg_read_sip_deny(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return read_list(r, node, &r->cfg->sip.acl, true);
}

bool cfg_acl_allows(const struct cfg_acl *acl, uint8_t family, const uint8_t *ip)
{
	for (unsigned i = 0; i < acl->count; i++)
		if (cfg_address_matches(&acl->networks[i], family, ip))
			return !acl->denied[i];
	return !acl->allowed;
}

// ---- bans ------------------------------------------------------------------------------------------

static int read_failures(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_number(r, node, 1, 1000, "failures", &((struct cfg_ban *)to)->failures);
}

static int read_window(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_number(r, node, 1, 86400, "seconds", &((struct cfg_ban *)to)->window);
}

static int read_time(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_number(r, node, 1, 31536000, "seconds", &((struct cfg_ban *)to)->time);
}

int cfg_read_ban(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const struct cfg_key keys[] = {
		{"failures", read_failures},
		{"window", read_window},
		{"time", read_time},
	};
	struct cfg_ban *ban = &r->cfg->sip.ban;

	if (node->kind == CFG_NODE_TEXT && strcmp(node->text, "no") == 0) {
		ban->failures = 0;
		return 0;
	}
	if (node->kind != CFG_NODE_MAP)
		return cfg_expected(
			r, node, "a map such as {failures: 10, window: 60, time: 3600}, or no");
	return cfg_map(r, node, keys, COUNT(keys), ban);
}
