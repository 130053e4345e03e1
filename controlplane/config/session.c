// SPDX-License-Identifier: BSD-3-Clause
// What is done inside calls of a peer: session timers, reliable provisional responses, silence.
#include <string.h>

#include "controlplane/config/reader.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int read_seconds(struct cfg_reader *r, const struct cfg_node *node, uint32_t *to)
{
	unsigned n;
	int err = cfg_number(r, node, 90, 86400, "seconds", &n);

	if (!err)
		*to = n;
	return err;
}

static int read_expires(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_session_timer *t = to;

	return read_seconds(r, node, &t->expires);
}

static int read_minimum(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_session_timer *t = to;

	return read_seconds(r, node, &t->minimum);
}

static CFG_WORD_READER(read_refresher, struct cfg_session_timer, refresher,
	{"either", CFG_REFRESH_EITHER}, {"hawse", CFG_REFRESH_HAWSE}, {"peer", CFG_REFRESH_PEER})

void cfg_session_defaults(struct cfg_peer *p)
{
	p->session_timer = (struct cfg_session_timer){.expires = 1800, .minimum = 90};
}

int cfg_read_session_timer(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const struct cfg_key keys[] = {
		{"expires", read_expires},
		{"minimum", read_minimum},
		{"refresher", read_refresher},
	};
	struct cfg_session_timer *t = &((struct cfg_peer *)to)->session_timer;
	int err;

	if (node->kind == CFG_NODE_TEXT && strcmp(node->text, "off") == 0) {
		t->off = true;
		return 0;
	}
	if (node->kind != CFG_NODE_MAP)
		return cfg_expected(r, node, "off, or a map such as {expires: 1800, minimum: 90}");
	err = cfg_map(r, node, keys, COUNT(keys), t);
	if (!err && t->expires < t->minimum)
		return cfg_fail(r, node, "expected expires not below minimum, found %u below %u",
			t->expires, t->minimum);
	return err;
}

CFG_WORD_READER(cfg_read_prack, struct cfg_peer, prack, {"on", CFG_PRACK_ON},
	{"off", CFG_PRACK_OFF}, {"require", CFG_PRACK_REQUIRE})

CFG_WORD_READER(cfg_read_silence, struct cfg_peer, silence, {"ask", CFG_SILENCE_ASK},
	{"end", CFG_SILENCE_END}, {"allow", CFG_SILENCE_ALLOW})
