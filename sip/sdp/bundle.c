// SPDX-License-Identifier: BSD-3-Clause
//
// BUNDLE (RFC 8843): the streams of a call that share one transport, which is possible where both legs are browsers and
// each has put the same streams into one group. They are carried by the session of the group's first stream: payload
// types tell them apart (RFC 8843 9.2), MID extensions and SSRCs go over as they are.
//
// Where the other leg does not bundle, each stream has a transport of its own and the answer has no group: a group of one
// would be the browser's next offer's for all. A browser that offered a stream only in the bundle (port 0,
// a=bundle-only), or adds one to a bundle that is there already, does without that stream.
#include <string.h>

#include "sip/sdp/oa.h"

// The group of this body that says BUNDLE and has this mid, from its first mid on; empty: there is none.
static struct sdp_str group_of(const struct sdp_session *tree, struct sdp_str mid)
{
	const struct sdp_line *line = NULL;

	while (mid.len != 0 && (line = sdp_find(tree, NULL, SDP_A_GROUP, line)) != NULL) {
		struct sdp_str rest = sdp_line_value(line), token = sdp_str_token(&rest), all = rest;

		if (!sdp_str_is_nocase(token, "BUNDLE"))
			continue;
		while ((token = sdp_str_token(&rest)).len != 0)
			if (sdp_str_equal(token, mid))
				return all;
	}
	return (struct sdp_str){NULL, 0};
}

bool sdp_is_bundled(const struct sdp_session *tree, struct sdp_str mid)
{
	return group_of(tree, mid).len != 0;
}

bool sdp_are_bundled(const struct sdp_session *tree, struct sdp_str a, struct sdp_str b)
{
	struct sdp_str rest = group_of(tree, a), token;

	while ((token = sdp_str_token(&rest)).len != 0)
		if (sdp_str_equal(token, b))
			return true;
	return false;
}

void sdp_bundle_mark(struct sdp_session *tree)
{
	for (unsigned i = 0; i < tree->n_media; i++) {
		struct sdp_media *m = &tree->media[i];

		if (m->port != 0 || !m->bundle_only || !m->ice)
			continue;
		for (unsigned k = 0; k < tree->n_media && !m->only_bundled; k++) {
			const struct sdp_media *tag = &tree->media[k];

			if (tag->port == 0 || tag->only_bundled || !sdp_are_bundled(tree, tag->mid, m->mid))
				continue;
			m->only_bundled = true;
			m->port = tag->port;
			m->conn = tag->conn;
		}
	}
}

int sdp_bundle_before(const struct sdp_oa *oa, struct sdp_arena *scratch, unsigned offerer,
	struct sdp_session **tree)
{
	const struct sdp_oa_view *v = &oa->agreed;

	*tree = NULL;
	if (!oa->agreed_once || oa->secure[offerer] == NULL || !oa->secure[offerer]->is.browser)
		return 0;
	return sdp_oa_tree(
		scratch, v->offerer == offerer ? v->shown[offerer] : v->from[offerer], tree);
}

// Browsers take every stream that they add for one of the bundle that they have, and end the session when the answer
// leaves it out of there, other than by refusing it (RFC 8843 7.3.2).
bool sdp_bundle_is_late(const struct sdp_oa_trees *trees, const struct sdp_media *offer)
{
	const struct sdp_session *tree = trees->bundled;

	if (tree == NULL || offer->mid.len == 0 || sdp_is_bundled(tree, offer->mid))
		return false;
	for (unsigned i = 0; i < tree->n_media; i++)
		if (sdp_is_bundled(tree, tree->media[i].mid) &&
			sdp_are_bundled(trees->offer, tree->media[i].mid, offer->mid))
			return true;
	return false;
}

// Payload types of streams in one bundle have to tell them apart.
struct types {
	uint64_t bits[2];
};

static bool take_types(struct types *taken, const struct sdp_media *m)
{
	struct types mine = {{0, 0}};

	for (unsigned i = 0; i < m->n_formats; i++)
		mine.bits[m->formats[i].pt >> 6 & 1] |= 1ull << (m->formats[i].pt & 63);
	if ((mine.bits[0] & taken->bits[0]) != 0 || (mine.bits[1] & taken->bits[1]) != 0)
		return false;
	taken->bits[0] |= mine.bits[0];
	taken->bits[1] |= mine.bits[1];
	return true;
}

static bool is_browser(const struct sdp_oa *oa, unsigned leg)
{
	return oa->secure[leg] != NULL && oa->secure[leg]->is.browser;
}

static bool in_one_group(
	const struct sdp_oa_trees *t, const struct sdp_oa_stream *a, const struct sdp_oa_stream *b)
{
	return sdp_are_bundled(t->offer, a->offer->mid, b->offer->mid) &&
	       sdp_are_bundled(t->shown, a->shown->mid, b->shown->mid) &&
	       sdp_are_bundled(t->answer, a->answer->mid, b->answer->mid);
}

uint16_t sdp_oa_bundle(const struct sdp_oa *oa, const struct sdp_oa_view *view,
	const struct sdp_oa_trees *trees, unsigned *tag)
{
	struct types offered = {{0, 0}}, answered = {{0, 0}};
	struct sdp_oa_stream first, s;
	uint16_t mask = 0;

	*tag = 0;
	if (!is_browser(oa, view->offerer) || !is_browser(oa, view->offerer ^ 1u))
		return 0;
	for (unsigned i = 0; i < view->n_streams; i++) {
		sdp_oa_stream_alone(oa, view, trees, i, &s);
		// What hawse-media makes anew, or the browser was told before, is of a session of its own.
		if (s.refusal != SDP_ACCEPTED || s.recoded || s.fax || s.told || s.answer_keying != SDP_KEY_DTLS ||
			(mask == 0 && s.offer->only_bundled) ||
			(mask != 0 && !in_one_group(trees, &first, &s)))
			continue;
		if (!take_types(&offered, s.offer) || !take_types(&answered, s.answer))
			continue;
		if (mask == 0) {
			*tag = i;
			first = s;
		}
		mask |= (uint16_t)(1u << i);
	}
	return (mask & (mask - 1)) != 0 ? mask : 0;
}

// ---- the plan -----------------------------------------------------------------------------------

static uint32_t sum(uint32_t a, uint32_t b)
{
	return a == 0 || b == 0 ? 0 : a + b; // 0: no bound is known
}

static void silence(struct sdp_plan_leg *leg)
{
	if (leg->receive)
		return;
	leg->accept[0] = leg->accept[1] = 0;
	memset(leg->map, SDP_PT_NONE, sizeof(leg->map));
}

static void join(struct sdp_plan_leg *to, const struct sdp_plan_leg *from)
{
	for (unsigned pt = 0; pt < sizeof(from->map) && from->receive; pt++) {
		if (from->map[pt] == SDP_PT_NONE || to->map[pt] != SDP_PT_NONE)
			continue;
		to->map[pt] = from->map[pt];
		to->accept[pt >> 6] |= 1ull << (pt & 63);
	}
	to->renumber |= from->renumber;
	to->receive |= from->receive;
	to->send |= from->send;
	to->max_packets_per_s = sum(to->max_packets_per_s, from->max_packets_per_s);
	to->max_octets_per_s = sum(to->max_octets_per_s, from->max_octets_per_s);
}

// What a call is about is its sound.
static void name_after(struct sdp_plan_leg *to, const struct sdp_plan_leg *from)
{
	to->in = from->in;
	to->out = from->out;
	to->dtmf_in = from->dtmf_in;
	to->dtmf_out = from->dtmf_out;
}

void sdp_bundle_plan(struct sdp_plan *plan, uint16_t mask, unsigned tag)
{
	struct sdp_plan_stream *to = &plan->stream[tag];

	if (mask == 0)
		return;
	for (unsigned leg = 0; leg < 2; leg++)
		silence(&to->leg[leg]);
	for (unsigned i = 0; i < plan->n_streams; i++) {
		struct sdp_plan_stream *s = &plan->stream[i];

		if (i == tag || (mask >> i & 1) == 0)
			continue;
		for (unsigned leg = 0; leg < 2; leg++) {
			join(&to->leg[leg], &s->leg[leg]);
			if (to->kind != SDP_AUDIO && s->kind == SDP_AUDIO)
				name_after(&to->leg[leg], &s->leg[leg]);
		}
		s->refusal = SDP_BUNDLED;
	}
}
