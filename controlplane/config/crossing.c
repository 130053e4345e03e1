// SPDX-License-Identifier: BSD-3-Clause
// Keys of a peer that say what crosses from the other side of a call to it, and from it.
#include "controlplane/config/reader.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

int cfg_read_peer_transfer(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const struct cfg_word words[] = {
		{"here", CFG_TRANSFER_HERE},
		{"pass", CFG_TRANSFER_PASS},
		{"refuse", CFG_TRANSFER_REFUSE},
	};
	struct cfg_peer *p = to;
	int value;
	int err = cfg_choice(r, node, words, COUNT(words), &value);

	if (!err)
		p->transfer = (enum cfg_transfer)value;
	return err;
}

// ---- identity: {assert: ..., show: ..., privacy: ..., diversion: ..., history: ...}

static int read_assert(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const struct cfg_word words[] = {
		{"carry", CFG_ASSERT_CARRY},
		{"preferred", CFG_ASSERT_PREFERRED},
		{"strip", CFG_ASSERT_STRIP},
	};
	struct cfg_identity *identity = to;
	int value;
	int err = cfg_choice(r, node, words, COUNT(words), &value);

	if (!err)
		identity->assert_ = (enum cfg_assert)value;
	return err;
}

static int read_show(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const struct cfg_word words[] = {
		{"pai", CFG_SHOW_PAI},
		{"rpid", CFG_SHOW_RPID},
		{"both", CFG_SHOW_BOTH},
		{"none", CFG_SHOW_NONE},
	};
	struct cfg_identity *identity = to;
	int value;
	int err = cfg_choice(r, node, words, COUNT(words), &value);

	if (!err)
		identity->show = (enum cfg_show)value;
	return err;
}

static int read_privacy(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const struct cfg_word words[] = {
		{"carry", CFG_PRIVACY_CARRY},
		{"apply", CFG_PRIVACY_APPLY},
	};
	struct cfg_identity *identity = to;
	int value;
	int err = cfg_choice(r, node, words, COUNT(words), &value);

	if (!err)
		identity->privacy = (enum cfg_privacy)value;
	return err;
}

static int read_cross(struct cfg_reader *r, const struct cfg_node *node, enum cfg_cross *to)
{
	static const struct cfg_word words[] = {
		{"carry", CFG_CROSS_CARRY},
		{"strip", CFG_CROSS_STRIP},
	};
	int value;
	int err = cfg_choice(r, node, words, COUNT(words), &value);

	if (!err)
		*to = (enum cfg_cross)value;
	return err;
}

static int read_diversion(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return read_cross(r, node, &((struct cfg_identity *)to)->diversion);
}

static int read_history(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return read_cross(r, node, &((struct cfg_identity *)to)->history);
}

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
