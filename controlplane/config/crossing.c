// SPDX-License-Identifier: BSD-3-Clause
// Keys of a peer that say what crosses from the other side of a call to it, and from it.
#include "controlplane/config/reader.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

CFG_WORD_READER(cfg_read_peer_transfer, struct cfg_peer, transfer, {"here", CFG_TRANSFER_HERE},
	{"pass", CFG_TRANSFER_PASS}, {"refuse", CFG_TRANSFER_REFUSE})

// ---- identity: {assert: ..., show: ..., privacy: ..., diversion: ..., history: ...}

static CFG_WORD_READER(read_assert, struct cfg_identity, assert_, {"carry", CFG_ASSERT_CARRY},
	{"preferred", CFG_ASSERT_PREFERRED}, {"strip", CFG_ASSERT_STRIP})

static CFG_WORD_READER(read_show, struct cfg_identity, show, {"pai", CFG_SHOW_PAI},
	{"rpid", CFG_SHOW_RPID}, {"both", CFG_SHOW_BOTH}, {"none", CFG_SHOW_NONE})

static CFG_WORD_READER(read_privacy, struct cfg_identity, privacy, {"carry", CFG_PRIVACY_CARRY},
	{"apply", CFG_PRIVACY_APPLY})

#define CROSS_WORDS {"carry", CFG_CROSS_CARRY}, {"strip", CFG_CROSS_STRIP}

static CFG_WORD_READER(read_diversion, struct cfg_identity, diversion, CROSS_WORDS)
static CFG_WORD_READER(read_history, struct cfg_identity, history, CROSS_WORDS)

int cfg_read_peer_identity(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const struct cfg_key keys[] = {
		{"assert", read_assert},
		{"show", read_show},
		{"privacy", read_privacy},
		{"diversion", read_diversion},
		{"history", read_history},
	};

	return cfg_map(r, node, keys, COUNT(keys), &((struct cfg_peer *)to)->identity);
}

void cfg_default_identity(struct cfg_peer *p)
{
	bool trunk = p->kind == CFG_TRUNK;

	if (p->identity.assert_ == CFG_ASSERT_UNSET)
		p->identity.assert_ = trunk ? CFG_ASSERT_CARRY : CFG_ASSERT_STRIP;
	if (p->identity.privacy == CFG_PRIVACY_UNSET)
		p->identity.privacy = trunk ? CFG_PRIVACY_CARRY : CFG_PRIVACY_APPLY;
}
