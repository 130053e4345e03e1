// SPDX-License-Identifier: BSD-3-Clause
//
// Which m-line can be relayed, which format of an answer is which of the offer, and under what payload
// types an offer goes on.
#include "sip/sdp/oa.h"

#include <string.h>

// Whatever RTP carries is relayed alike: besides sound and picture real-time text (RFC 4103) and H.224.
static bool is_relayed(enum sdp_kind kind)
{
	return kind == SDP_AUDIO || kind == SDP_VIDEO || kind == SDP_TEXT || kind == SDP_APPLICATION;
}

enum sdp_refusal sdp_oa_refusal(const struct sdp_media *media)
{
	bool known = false;

	if (media->port == 0)
		return SDP_REFUSED_PORT_0;
	if (media->keying == SDP_KEY_REFUSED)
		return SDP_REFUSED_SECURE;
	if (media->fax) {
		if (media->conn.family == 0 || sdp_addr_is_multicast(&media->conn))
			return SDP_REFUSED_ADDRESS;
		return SDP_ACCEPTED;
	}
	if (!sdp_proto_is_rtp(media->proto))
		return SDP_REFUSED_TRANSPORT;
	if (!is_relayed(media->kind))
		return SDP_REFUSED_KIND;
	for (unsigned i = 0; i < media->n_formats; i++)
		known |= media->formats[i].name.len != 0;
	if (!known)
		return SDP_REFUSED_FORMAT;
	if (media->ice || sdp_addr_is_hold(&media->conn))
		return SDP_ACCEPTED;
	if (media->conn.family == 0 || sdp_addr_is_multicast(&media->conn))
		return SDP_REFUSED_ADDRESS;
	return SDP_ACCEPTED;
}

enum sdp_direction sdp_oa_direction(const struct sdp_media *media)
{
	unsigned d = media->direction;

	if (!media->ice && sdp_addr_is_hold(&media->conn))
		d &= ~(unsigned)SDP_RECVONLY;
	return (enum sdp_direction)d;
}

// ---- An answer's formats among the offer's ------------------------------------------------------

// Index of the format that is the same codec, with the same parameters if there is one. -1: none.
static int find_codec(const struct sdp_media *media, const struct sdp_format *f, uint64_t taken)
{
	int found = -1;

	for (unsigned i = 0; i < media->n_formats; i++) {
		const struct sdp_format *g = &media->formats[i];

		if ((taken >> i & 1) != 0 || !sdp_format_same_codec(f, g))
			continue;
		if (sdp_str_equal(f->fmtp, g->fmtp))
			return (int)i;
		if (found < 0)
			found = (int)i;
	}
	return found;
}

// Index of the format with this payload type if it may be the same codec. Answers leave out rtpmap for
// dynamic types, and the channels of opus; the payload type is then what counts.
static int find_pt(const struct sdp_media *media, const struct sdp_format *f, uint64_t taken)
{
	for (unsigned i = 0; i < media->n_formats; i++) {
		const struct sdp_format *g = &media->formats[i];

		if ((taken >> i & 1) != 0 || f->pt != g->pt)
			continue;
		if (f->name.len == 0 ||
			(f->rate == g->rate && sdp_str_equal_nocase(f->name, g->name)))
			return (int)i;
	}
	return -1;
}

// Which format of the offer each shown one was. Those that the policies added are none of them; the others stand in
// the offer's order, unless the peer has one of its own.
static void link_shown(const struct sdp_oa *oa, enum sdp_leg offerer, const struct sdp_oa_stream *s,
	uint8_t link[SDP_MAX_FORMATS])
{
	const struct sdp_media *offer = s->offer, *shown = s->shown;
	uint64_t taken = 0;

	for (unsigned i = 0; i < offer->n_formats; i++)
		if (sdp_recode_hides(oa, offerer, &offer->formats[i]))
			taken |= 1ull << i;
	for (unsigned k = 0; k < shown->n_formats; k++) {
		const struct sdp_format *f = &shown->formats[k];
		int i = (int)k;

		if (k >= offer->n_formats || (taken >> k & 1) != 0 ||
			(!sdp_format_same_codec(f, &offer->formats[k]) &&
				(f->name.len != 0 || offer->formats[k].name.len != 0)))
			i = find_codec(offer, f, taken);
		link[k] = i < 0 ? SDP_ADDED : (uint8_t)i;
		if (i >= 0)
			taken |= 1ull << i;
	}
}

static void match_formats(const struct sdp_oa *oa, enum sdp_leg offerer, struct sdp_oa_stream *s)
{
	const struct sdp_media *shown = s->shown, *answer = s->answer;
	uint8_t link[SDP_MAX_FORMATS];
	uint64_t taken = 0;

	link_shown(oa, offerer, s, link);
	for (unsigned i = 0; i < answer->n_formats; i++) {
		int k = find_pt(shown, &answer->formats[i], taken);
		struct sdp_match m;

		if (k < 0)
			k = find_codec(shown, &answer->formats[i], taken);
		if (k < 0)
			continue;
		taken |= 1ull << k;
		m = (struct sdp_match){link[k], (uint8_t)k, (uint8_t)i};
		if (m.offer == SDP_ADDED)
			s->added[s->n_added++] = m;
		else
			s->match[s->n_matches++] = m;
	}
}

static unsigned index_of(const struct sdp_media *media, unsigned pt)
{
	for (unsigned i = 0; i < media->n_formats; i++)
		if (media->formats[i].pt == pt)
			return i;
	return SDP_ADDED;
}

static bool takes_main(const struct sdp_oa_stream *s, const struct sdp_match *m, unsigned offer)
{
	if (!sdp_is_recodable(&s->shown->formats[m->shown]) || s->main.answer != SDP_ADDED)
		return false;
	return m->offer != offer;
}

// The codec of each side: the same, or two that are transcoded.
static void find_main(const struct sdp_oa_view *view, unsigned i, struct sdp_oa_stream *s)
{
	unsigned offer = view->recode[i] != 0 ? index_of(s->offer, view->recode[i] - 1u) : SDP_ADDED;

	s->main = (struct sdp_match){SDP_ADDED, SDP_ADDED, SDP_ADDED};
	s->told = view->early[i] != 0;
	for (unsigned k = 0; k < s->n_matches && offer != SDP_ADDED && s->told; k++)
		if (takes_main(s, &s->match[k], offer))
			s->main = s->match[k];
	for (unsigned k = 0; k < s->n_added && offer != SDP_ADDED; k++)
		if (takes_main(s, &s->added[k], offer))
			s->main = s->added[k];
	if (s->main.answer != SDP_ADDED) {
		s->main.offer = (uint8_t)offer;
		s->recoded = true;
		return;
	}
	for (unsigned k = 0; k < s->n_matches && s->main.answer == SDP_ADDED; k++) {
		const struct sdp_format *f = &s->offer->formats[s->match[k].offer];

		if (sdp_is_codec(f) && (!s->told || f->pt == view->early[i] - 1u))
			s->main = s->match[k];
	}
}

// ---- The stream as a whole ----------------------------------------------------------------------

int sdp_oa_trees(const struct sdp_oa *oa, struct sdp_arena *scratch, const struct sdp_oa_view *view,
	struct sdp_oa_trees *trees)
{
	const unsigned x = view->offerer, y = x ^ 1;
	int rc = sdp_oa_tree(scratch, view->from[x], &trees->offer);

	if (rc == 0)
		rc = sdp_oa_tree(scratch, view->shown[y], &trees->shown);
	if (rc == 0)
		rc = sdp_oa_tree(scratch, view->from[y], &trees->answer);
	if (rc == 0)
		rc = sdp_bundle_before(oa, scratch, x, &trees->bundled);
	if (rc != 0)
		return rc;
	sdp_oa_mark(oa, (enum sdp_leg)x, trees->offer);
	sdp_oa_mark(oa, (enum sdp_leg)y, trees->shown);
	sdp_oa_mark(oa, (enum sdp_leg)y, trees->answer);
	return 0;
}

void sdp_oa_mark(const struct sdp_oa *oa, enum sdp_leg leg, struct sdp_session *tree)
{
	const bool can = sdp_fax_crosses(oa, leg);

	sdp_secure_mark(oa->secure[leg], tree);
	for (unsigned i = 0; tree != NULL && i < tree->n_media; i++) {
		struct sdp_media *m = &tree->media[i];

		m->fax = can && m->kind == SDP_IMAGE && m->proto == SDP_UDPTL &&
			 m->n_formats != 0 && sdp_str_is_nocase(m->formats[0].text, "t38");
	}
}

static enum sdp_refusal judge(const struct sdp_oa *oa, const struct sdp_oa_view *view,
	const struct sdp_session *answer, unsigned i, struct sdp_oa_stream *s)
{
	const struct sdp_local *local = sdp_oa_view_local(view, (enum sdp_leg)view->offerer, i);
	enum sdp_refusal r;

	if (s->offer == NULL)
		return SDP_REFUSED_PORT_0;
	r = sdp_oa_refusal(s->offer);
	if (r != SDP_ACCEPTED)
		return r;
	if (s->shown == NULL || s->shown->port == 0)
		return SDP_REFUSED_LOCAL;
	if (s->answer == NULL)
		return SDP_REFUSED_PORT_0;
	if (s->answer->port == 0)
		return SDP_REFUSED_PORT_0;
	// A record read back (keep.c) may say anything.
	if (sdp_oa_refusal(s->shown) != SDP_ACCEPTED)
		return SDP_REFUSED_FORMAT;
	s->gateway = s->shown->fax != s->offer->fax;
	s->fax = s->offer->fax && !s->gateway;
	if (s->shown->fax ? !s->answer->fax : !sdp_proto_is_rtp(s->answer->proto))
		return SDP_REFUSED_TRANSPORT;
	if (s->gateway && !sdp_fax_match(view, i, s))
		return SDP_REFUSED_FORMAT;
	if (!s->fax && !s->gateway) {
		match_formats(oa, (enum sdp_leg)view->offerer, s);
		find_main(view, i, s);
		if ((s->n_matches == 0 && !s->recoded) || (s->told && s->main.answer == SDP_ADDED))
			return SDP_REFUSED_FORMAT;
		sdp_recode_events(oa, view->offerer, s);
		sdp_recode_noise(s);
	}
	s->answer_keying =
		sdp_secure_answered(oa->secure[view->offerer ^ 1], s->shown, answer, s->answer);
	if (s->answer_keying == SDP_KEY_REFUSED)
		return SDP_REFUSED_SECURE;
	if (s->answer->conn.type != s->shown->conn.type ||
		sdp_addr_is_multicast(&s->answer->conn) ||
		(s->answer->conn.family == 0 && !s->answer->ice &&
			!sdp_addr_is_hold(&s->answer->conn)))
		return SDP_REFUSED_ADDRESS;
	if (local == NULL || sdp_oa_view_local(view, (enum sdp_leg)(view->offerer ^ 1), i) == NULL)
		return SDP_REFUSED_LOCAL;
	return local->family == s->offer->conn.type ? SDP_ACCEPTED : SDP_REFUSED_ADDRESS;
}

static const struct sdp_media *media_at(const struct sdp_session *tree, unsigned i)
{
	return tree != NULL && i < tree->n_media ? &tree->media[i] : NULL;
}

void sdp_oa_stream(const struct sdp_oa *oa, const struct sdp_oa_view *view,
	const struct sdp_oa_trees *trees, unsigned i, struct sdp_oa_stream *stream)
{
	unsigned tag;

	sdp_oa_stream_alone(oa, view, trees, i, stream);
	if (stream->refusal == SDP_ACCEPTED &&
		(stream->offer->only_bundled || sdp_bundle_is_late(trees, stream->offer)) &&
		(sdp_oa_bundle(oa, view, trees, &tag) >> i & 1) == 0)
		stream->refusal = SDP_REFUSED_PORT_0;
}

void sdp_oa_stream_alone(const struct sdp_oa *oa, const struct sdp_oa_view *view,
	const struct sdp_oa_trees *trees, unsigned i, struct sdp_oa_stream *stream)
{
	memset(stream, 0, offsetof(struct sdp_oa_stream, match));
	stream->offer = media_at(trees->offer, i);
	stream->shown = media_at(trees->shown, i);
	stream->answer = media_at(trees->answer, i);
	stream->refusal = judge(oa, view, trees->answer, i, stream);
	if (stream->refusal != SDP_ACCEPTED)
		return;
	stream->offer_direction = sdp_oa_direction(stream->offer);
	stream->answer_direction = (enum sdp_direction)(
		sdp_oa_direction(stream->answer) & sdp_direction_turn(stream->offer_direction));
}

// ---- Payload types of an offer that goes on -----------------------------------------------------

struct pt_set {
	uint64_t bits[2];
};

static bool pt_in(const struct pt_set *set, unsigned pt)
{
	return (set->bits[pt >> 6] >> (pt & 63) & 1) != 0;
}

static void pt_add(struct pt_set *set, unsigned pt)
{
	set->bits[pt >> 6] |= 1ull << (pt & 63);
}

// The number that this leg knows the codec by, or -1. Parameters count first: a video offer lists H264
// several times.
static int known_number(const struct sdp_media *media, const struct sdp_format *f,
	const struct pt_set *taken, bool same_parameters)
{
	int found = -1;

	for (unsigned i = 0; media != NULL && i < media->n_formats; i++) {
		const struct sdp_format *g = &media->formats[i];

		if (pt_in(taken, g->pt) || !sdp_format_same_codec(f, g))
			continue;
		if (same_parameters && !sdp_str_equal(f->fmtp, g->fmtp))
			continue;
		if (found < 0 || g->pt == f->pt)
			found = g->pt;
	}
	return found;
}

// This leg knows the number as another codec.
static bool conflicts(const struct sdp_media *media, const struct sdp_format *f, unsigned pt)
{
	const struct sdp_format *g = media != NULL ? sdp_format_by_pt(media, pt) : NULL;

	return g != NULL && !sdp_format_same_codec(f, g);
}

static void note_formats(const struct sdp_media *media, struct pt_set *set)
{
	for (unsigned i = 0; media != NULL && i < media->n_formats; i++)
		pt_add(set, media->formats[i].pt);
}

// A number that no one uses: dynamic ones first, then the unassigned ones. 64-95 could be taken for RTCP
// where it shares the port (RFC 5761 4), 72-76 always.
static unsigned free_number(const struct pt_set *taken, const struct pt_set *known)
{
	static const uint8_t from[] = {96, 35}, to[] = {127, 63};

	for (unsigned pass = 0; pass < 2; pass++) {
		for (unsigned range = 0; range < 2; range++) {
			for (unsigned pt = from[range]; pt <= to[range]; pt++) {
				if (!pt_in(taken, pt) && (pass == 1 || !pt_in(known, pt)))
					return pt;
			}
		}
	}
	for (unsigned pt = 0; pt < 128; pt++) {
		if (!pt_in(taken, pt))
			return pt;
	}
	return 0; // 64 formats at most, so never
}

// An offer being numbered.
struct numbering {
	const struct sdp_media *offer, *shown, *from;
	struct pt_set taken, known;
	uint64_t done; // bit i: format i has its number
	uint8_t *pts;
};

static void give(struct numbering *n, unsigned i, unsigned pt)
{
	n->pts[i] = (uint8_t)pt;
	pt_add(&n->taken, pt);
	n->done |= 1ull << i;
}

// The ways to a number, best first. -1: not this way.
static int try_same_parameters(const struct numbering *n, const struct sdp_format *f)
{
	int pt = known_number(n->shown, f, &n->taken, true);

	return pt >= 0 ? pt : known_number(n->from, f, &n->taken, true);
}

static int try_same_codec(const struct numbering *n, const struct sdp_format *f)
{
	int pt = known_number(n->shown, f, &n->taken, false);

	return pt >= 0 ? pt : known_number(n->from, f, &n->taken, false);
}

static int try_own(const struct numbering *n, const struct sdp_format *f)
{
	if (pt_in(&n->taken, f->pt) || conflicts(n->shown, f, f->pt) ||
		conflicts(n->from, f, f->pt))
		return -1;
	return f->pt;
}

static int try_free(const struct numbering *n, const struct sdp_format *f)
{
	return (int)free_number(&n->taken, &n->known);
}

void sdp_oa_number(const struct sdp_media *offer, const struct sdp_media *shown,
	const struct sdp_media *from, uint8_t pts[SDP_MAX_FORMATS])
{
	static int (*const ways[])(const struct numbering *, const struct sdp_format *) = {
		try_same_parameters, try_same_codec, try_own, try_free};
	struct numbering n = {.offer = offer, .shown = shown, .from = from, .pts = pts};

	note_formats(offer, &n.known);
	note_formats(shown, &n.known);
	note_formats(from, &n.known);
	for (unsigned way = 0; way < sizeof(ways) / sizeof(ways[0]); way++) {
		for (unsigned i = 0; i < offer->n_formats; i++) {
			int pt = (n.done >> i & 1) != 0 ? -1 : ways[way](&n, &offer->formats[i]);

			if (pt >= 0)
				give(&n, i, (unsigned)pt);
		}
	}
}
