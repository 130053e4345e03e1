// SPDX-License-Identifier: BSD-3-Clause
//
// The bodies that we show: our own session part, and m-lines with our addresses over what the other
// leg's m-lines say about codecs.
#include "sip/sdp/show.h"

#include <errno.h>
#include <string.h>

#define GATEWAY_PTIME 20u // ms, of G.711 beside T.38

// ---- m-lines ------------------------------------------------------------------------------------

static void put_kind(const struct sdp_shown_body *b, struct sdp_str kind)
{
	sdp_put(b->w, "m=");
	sdp_put_str(b->w, kind);
}

// One format is enough for a stream that is not used. Tokens of a transport that we do not know may hold
// anything; such a line becomes one that says nothing.
static void put_refused(const struct sdp_shown_body *b, const struct sdp_media *like)
{
	struct sdp_str format = {"0", 1};

	if (like->n_formats != 0)
		format = like->formats[0].text;
	if (sdp_secrets_in_unknown(&b->secrets, like->kind_text))
		sdp_put(b->w, "m=application");
	else
		put_kind(b, like->kind_text);
	sdp_put(b->w, " 0 ");
	if (sdp_secrets_in_unknown(&b->secrets, like->proto_text) ||
		sdp_secrets_in_unknown(&b->secrets, format)) {
		sdp_put(b->w, "RTP/AVP 0\r\n");
		return;
	}
	sdp_put_str(b->w, like->proto_text);
	sdp_put(b->w, " ");
	sdp_put_str(b->w, format);
	sdp_put(b->w, "\r\n");
}

static void put_local_conn(const struct sdp_shown_body *b, const struct sdp_local *local)
{
	if (local->family == b->conn.family && memcmp(local->ip, b->conn.ip, 16) == 0)
		return;
	sdp_put(b->w, "c=IN ");
	sdp_put_addr(b->w, local->family, local->ip);
	sdp_put(b->w, "\r\n");
}

// An answer may name a dynamic payload type and rely on the offer for what it is. Ours says it.
static void put_missing_rtpmaps(const struct sdp_shown_body *b, const struct sdp_shown_media *m)
{
	for (unsigned i = 0; i < m->n; i++) {
		const struct sdp_format *f;

		if (m->names == NULL || m->source_index[i] == SDP_ADDED ||
			m->source->formats[m->source_index[i]].name.len != 0)
			continue;
		f = &m->names->formats[m->name_index[i]];
		if (f->name.len == 0)
			continue;
		sdp_put(b->w, "a=rtpmap:%u ", m->pt[i]);
		sdp_put_str(b->w, f->name);
		sdp_put(b->w, "/%u", f->rate);
		if (f->channels > 1)
			sdp_put(b->w, "/%u", f->channels);
		sdp_put(b->w, "\r\n");
	}
}

static void put_formats(const struct sdp_shown_body *b, const struct sdp_shown_media *m)
{
	for (unsigned i = 0; m->fax && i < m->source->n_formats; i++) {
		sdp_put(b->w, " ");
		sdp_put_str(b->w, m->source->formats[i].text);
	}
	for (unsigned i = 0; i < m->n; i++)
		sdp_put(b->w, " %u", m->pt[i]);
	sdp_put(b->w, "\r\n");
}

static void put_rtcp(const struct sdp_shown_body *b, const struct sdp_shown_media *m)
{
	const struct sdp_local *local = m->local;

	if (m->mux)
		sdp_put(b->w, "a=rtcp-mux\r\n");
	if (local->rtcp_port != local->rtp_port + 1 &&
		!(m->mux && local->rtcp_port == local->rtp_port))
		sdp_put(b->w, "a=rtcp:%u\r\n", local->rtcp_port);
}

static void put_media(const struct sdp_shown_body *b, const struct sdp_shown_media *m)
{
	const struct sdp_line *lines = b->source->lines + m->source->first_line;
	const unsigned n_lines = m->source->n_lines;

	put_kind(b, m->kind);
	sdp_put(b->w, " %u ", m->local->rtp_port);
	sdp_put_str(b->w, m->proto);
	put_formats(b, m);
	put_local_conn(b, m->local);
	for (unsigned i = 0; i < n_lines && !m->recoded && !b->told; i++)
		sdp_carry_bandwidth(b, &lines[i]);
	put_missing_rtpmaps(b, m);
	for (unsigned i = 0; i < n_lines && !b->told; i++) {
		if (lines[i].letter == 'a')
			sdp_carry_attribute(b, m, &lines[i]);
	}
	for (unsigned i = 0; i < m->n_own; i++)
		sdp_recode_put_format(b->w, &m->own[i], m->own[i].pt);
	if (m->recoded && m->ptime != 0)
		sdp_put(b->w, "a=ptime:%u\r\n", m->ptime);
	if (m->gateway && m->fax)
		sdp_fax_put(b->w, m->heard.on ? &m->heard : NULL);
	else if (m->gateway)
		sdp_put(b->w, "a=silenceSupp:off - - - -\r\n");
	if (!m->fax)
		put_rtcp(b, m);
	sdp_put(b->w, "a=%s\r\n", sdp_direction_name(m->direction));
	if (m->mid.len != 0)
		sdp_put(b->w, "a=mid:%.*s\r\n", SDP_FMT(m->mid));
}

static void add_format(
	struct sdp_shown_media *m, unsigned source_index, unsigned name_index, unsigned pt)
{
	m->map[m->source->formats[source_index].pt] = (uint8_t)pt;
	m->source_index[m->n] = (uint8_t)source_index;
	m->name_index[m->n] = (uint8_t)name_index;
	m->pt[m->n++] = (uint8_t)pt;
}

// One that the source does not have.
static void add_own(struct sdp_shown_media *m, const struct sdp_format *f, unsigned pt)
{
	m->own[m->n_own] = *f;
	m->own[m->n_own++].pt = (uint8_t)pt;
	m->source_index[m->n] = SDP_ADDED;
	m->pt[m->n++] = (uint8_t)pt;
}

// ---- Session part -------------------------------------------------------------------------------

// The address of most of the leg's streams is that of the first one.
static void choose_conn(const struct sdp_oa *oa, struct sdp_shown_body *b)
{
	b->conn = oa->origin[b->leg];
	for (unsigned i = 0; i < b->view->n_streams; i++) {
		const struct sdp_local *local = sdp_oa_view_local(b->view, b->leg, i);

		if (local == NULL)
			continue;
		b->conn.family = local->family;
		memcpy(b->conn.ip, local->ip, 16);
		return;
	}
}

static void put_session(
	const struct sdp_oa *oa, const struct sdp_shown_body *b, uint32_t version, struct sdp_str time)
{
	const struct sdp_local_origin *origin = &oa->origin[b->leg];

	sdp_put(b->w, "v=0\r\no=- %llu %u IN ", (unsigned long long)oa->session_id[b->leg],
		version);
	sdp_put_addr(b->w, origin->family, origin->ip);
	sdp_put(b->w, "\r\ns=-\r\nc=IN ");
	sdp_put_addr(b->w, b->conn.family, b->conn.ip);
	sdp_put(b->w, "\r\n");
	for (unsigned i = 0; i < b->source->n_session_lines && !b->told; i++)
		sdp_carry_bandwidth(b, &b->source->lines[i]);
	sdp_put(b->w, "t=");
	if (time.len != 0)
		sdp_put_str(b->w, time);
	else
		sdp_put(b->w, "0 0");
	sdp_put(b->w, "\r\n");
	if (b->group[0] != '\0')
		sdp_put(b->w, "a=group:%s\r\n", b->group);
	if (b->lite)
		sdp_put(b->w, b->full ? SDP_ICE_OPTIONS : "a=ice-lite\r\n" SDP_ICE_OPTIONS);
	for (unsigned i = 0; i < b->source->n_session_lines && !b->told; i++) {
		if (b->source->lines[i].letter == 'a')
			sdp_carry_attribute(b, NULL, &b->source->lines[i]);
	}
}

static bool is_browser(const struct sdp_oa *oa, enum sdp_leg leg)
{
	return oa->secure[leg] != NULL && oa->secure[leg]->is.browser;
}

static void begin(struct sdp_shown_body *b, const struct sdp_oa *oa, enum sdp_leg leg,
	const struct sdp_session *source, struct sdp_writer *w)
{
	memset(b, 0, sizeof(*b));
	b->w = w;
	b->view = &oa->pending;
	b->source = source;
	b->leg = leg;
	b->plain = is_browser(oa, sdp_leg_other(leg)) && !is_browser(oa, leg);
	sdp_secrets_find(source, &b->secrets);
	choose_conn(oa, b);
}

// ---- Offer --------------------------------------------------------------------------------------

// The m-lines of an offer, and for each what the other leg said and was shown before.
struct offer_trees {
	struct sdp_session *offer;
	struct sdp_session *shown;
	struct sdp_session *from;
};

static const struct sdp_media *at(const struct sdp_session *tree, unsigned i)
{
	return tree != NULL && i < tree->n_media ? &tree->media[i] : NULL;
}

// A slot that was not in use before has no past: its numbers may mean something else now.
static const struct sdp_media *past(const struct sdp_session *tree, unsigned i)
{
	const struct sdp_media *m = at(tree, i);

	return m != NULL && m->port != 0 && sdp_proto_is_rtp(m->proto) ? m : NULL;
}

// As the leg named it, else as the other browser did, else by its number.
static struct sdp_str offered_mid(struct sdp_shown_body *b, const struct offer_trees *trees, unsigned i)
{
	const struct sdp_media *from = at(trees->from, i), *offer = at(trees->offer, i);

	if (from != NULL && from->mid.len != 0)
		return from->mid;
	// Between browsers packets say their mid, too (RFC 8843 15).
	if (offer != NULL && offer->ice && offer->mid.len != 0 && offer->mid.len <= 16)
		return offer->mid;
	b->mid[0] = (char)('0' + i / 10);
	b->mid[1] = (char)('0' + i % 10);
	return i < 10 ? (struct sdp_str){b->mid + 1, 1} : (struct sdp_str){b->mid, 2};
}

// The formats, by the numbers that the leg knows them by.
static void put_numbers(const struct sdp_oa *oa, const struct sdp_shown_body *b,
	const struct offer_trees *trees, unsigned i, struct sdp_shown_media *m)
{
	const struct sdp_media *from = past(trees->from, i);
	struct sdp_recode_list list;
	struct sdp_media formats = *m->source;
	uint8_t pts[SDP_MAX_FORMATS];

	sdp_recode_offer(oa, b->leg, m->source, from, &list);
	formats.formats = list.format;
	formats.n_formats = (uint16_t)list.n;
	sdp_oa_number(&formats, past(trees->shown, i), from, pts);
	for (unsigned k = 0; k < list.n; k++) {
		if (list.source[k] == SDP_ADDED)
			add_own(m, &list.format[k], pts[k]);
		else
			add_format(m, list.source[k], list.source[k], pts[k]);
	}
}

static bool plays_music(const struct sdp_oa *oa, enum sdp_leg holder)
{
	return oa->policy[holder] != NULL && oa->policy[holder]->music;
}

// The m-line of the side without T.38 for one with it, or the other way.
static void offer_gateway(struct sdp_shown_media *m, bool t38)
{
	m->gateway = true;
	m->fax = t38;
	m->recoded = !t38;
	m->ptime = GATEWAY_PTIME;
	m->source = sdp_fax_source(t38);
	m->kind = m->source->kind_text;
	m->proto = m->source->proto_text;
}

static void put_g711(const struct sdp_oa *oa, const struct sdp_shown_body *b,
	const struct sdp_media *last, struct sdp_shown_media *m)
{
	struct sdp_format f[2];
	unsigned n = sdp_fax_codecs(oa, b->leg, last, f);

	for (unsigned i = 0; i < n; i++)
		add_own(m, &f[i], f[i].pt);
}

static void put_offered(const struct sdp_oa *oa, struct sdp_arena *scratch, struct sdp_shown_body *b,
	const struct offer_trees *trees, unsigned i, const struct sdp_local *local)
{
	const struct sdp_media *offer = at(trees->offer, i);
	const struct sdp_media *last = past(trees->from, i);
	enum sdp_keying keying = SDP_KEY_PLAIN;
	struct sdp_shown_media m;

	memset(&m, 0, sizeof(m));
	memset(m.map, SDP_PT_NONE, sizeof(m.map));
	m.kind = offer->kind_text;
	m.proto = offer->proto_text;
	m.fax = offer->fax;
	m.source = offer;
	if (offer->fax ? sdp_fax_translates(oa, b->leg) : oa->pending.fax == i + 1)
		offer_gateway(&m, !offer->fax);
	if (!m.fax)
		sdp_secure_offer(oa->secure[b->leg], last != NULL ? last : past(trees->shown, i),
			m.source, &m.proto, &keying);
	m.local = local;
	m.direction = sdp_oa_direction(offer);
	if (plays_music(oa, sdp_leg_other(b->leg)) && (m.direction & SDP_RECVONLY) == 0)
		m.direction = SDP_SENDONLY;
	m.mux = offer->rtcp_mux || local->rtcp_port == local->rtp_port || b->lite;
	m.pass = keying == SDP_KEY_PASS;
	m.plain = b->plain;
	if (b->lite)
		m.mid = offered_mid(b, trees, i);
	if (m.gateway && !m.fax)
		put_g711(oa, b, last, &m);
	else if (!m.fax)
		put_numbers(oa, b, trees, i, &m);
	put_media(b, &m);
	if (!m.fax)
		sdp_secure_put_offer(oa, scratch, b->leg, i, keying, local, m.mux, b->w);
}

static bool can_offer(const struct sdp_oa *oa, const struct sdp_shown_body *b,
	const struct sdp_media *offer, unsigned i)
{
	const struct sdp_local *near = sdp_oa_view_local(b->view, sdp_leg_other(b->leg), i);

	if (offer != NULL && offer->keying == SDP_KEY_PASS &&
		(oa->secure[b->leg] == NULL || oa->secure[b->leg]->is.srtp != SDP_SRTP_PASS))
		return false;
	return offer != NULL && sdp_oa_refusal(offer) == SDP_ACCEPTED &&
	       sdp_recode_speaks(oa, b->leg, offer) && near != NULL &&
	       near->family == offer->conn.type && sdp_oa_view_local(b->view, b->leg, i) != NULL;
}

static void add_to_group(struct sdp_shown_body *b, struct sdp_str mid)
{
	size_t n = strlen(b->group);
	struct sdp_writer w;

	sdp_writer_init(&w, b->group + n, sizeof(b->group) - n - 1);
	sdp_put(&w, n == 0 ? "BUNDLE %.*s" : " %.*s", SDP_FMT(mid));
	b->group[w.overflow ? n : n + w.len] = '\0';
}

// The first m-line is a group, with those that the other browser has in a group with it.
static void offer_group(
	const struct sdp_oa *oa, struct sdp_shown_body *b, const struct offer_trees *trees)
{
	const struct sdp_media *first = NULL;

	for (unsigned i = 0; i < b->view->n_streams; i++) {
		const struct sdp_media *offer = at(trees->offer, i);

		if (!can_offer(oa, b, offer, i) ||
			(first != NULL &&
				!(offer->ice && sdp_are_bundled(trees->offer, first->mid, offer->mid))))
			continue;
		if (first == NULL)
			first = offer;
		add_to_group(b, offered_mid(b, trees, i));
	}
}

int sdp_oa_write_offer(
	const struct sdp_oa *oa, struct sdp_arena *scratch, uint32_t version, struct sdp_writer *w)
{
	const struct sdp_oa_view *view = &oa->pending;
	const enum sdp_leg to = sdp_leg_other((enum sdp_leg)view->offerer);
	struct offer_trees trees;
	struct sdp_shown_body b;
	int rc = sdp_oa_tree(scratch, view->from[view->offerer], &trees.offer);

	// What the leg saw and said when both agreed: numbers of a refused offer bind no one.
	if (rc == 0)
		rc = sdp_oa_tree(scratch, oa->agreed.shown[to], &trees.shown);
	if (rc == 0)
		rc = sdp_oa_tree(scratch, oa->agreed.from[to], &trees.from);
	if (rc != 0)
		return rc;
	sdp_oa_mark(oa, (enum sdp_leg)view->offerer, trees.offer);
	sdp_oa_mark(oa, to, trees.shown);
	sdp_oa_mark(oa, to, trees.from);
	begin(&b, oa, to, trees.offer, w);
	b.lite = is_browser(oa, to);
	if (b.lite)
		offer_group(oa, &b, &trees);
	put_session(oa, &b, version, (struct sdp_str){NULL, 0});
	for (unsigned i = 0; i < view->n_streams; i++) {
		const struct sdp_media *offer = at(trees.offer, i);
		const struct sdp_media *like = offer != NULL ? offer : at(trees.shown, i);

		if (can_offer(oa, &b, offer, i))
			put_offered(oa, scratch, &b, &trees, i, sdp_oa_view_local(view, to, i));
		else if (like != NULL)
			put_refused(&b, like);
	}
	return w->overflow ? -EMSGSIZE : 0;
}

// ---- Answer -------------------------------------------------------------------------------------

// What the answerer has taken, under the offerer's numbers.
static void answer_matches(const struct sdp_oa_stream *s, struct sdp_shown_media *m)
{
	bool events = false;

	for (unsigned k = 0; k < s->n_matches; k++) {
		const struct sdp_match *match = &s->match[k];

		add_format(m, match->answer, match->offer, s->offer->formats[match->offer].pt);
		events |= match->offer == s->events_offer;
	}
	if (s->events_offer != SDP_ADDED && !events)
		add_own(m, &s->offer->formats[s->events_offer],
			s->offer->formats[s->events_offer].pt);
}

// The codec that is made out of the answerer's.
static void answer_recoded(const struct sdp_oa_stream *s, struct sdp_shown_media *m)
{
	const uint8_t said[] = {s->main.offer, s->events_offer, s->cn_offer};

	m->recoded = true; // by what the offerer said, and nothing else
	m->ptime = s->offer->ptime;
	for (unsigned k = 0; k < sizeof(said); k++) {
		struct sdp_format f;

		if (said[k] == SDP_ADDED)
			continue;
		f = s->offer->formats[said[k]];
		f.fmtp = sdp_recode_parameters(&f);
		add_own(m, &f, f.pt);
	}
}

static void answer_gateway(
	const struct sdp_oa_stream *s, const struct sdp_session *offer, struct sdp_shown_media *m)
{
	m->gateway = true;
	m->source = sdp_fax_source(m->fax);
	m->names = NULL;
	if (m->fax)
		sdp_fax_read(offer, s->offer, &m->heard);
}

static void put_answered(const struct sdp_oa *oa, struct sdp_arena *scratch,
	const struct sdp_shown_body *b, const struct sdp_session *offer, unsigned i,
	const struct sdp_oa_stream *s, const struct sdp_local *local)
{
	const bool shares = (b->bundle >> i & 1) != 0 && i != b->tag;
	struct sdp_shown_media m;

	memset(&m, 0, sizeof(m));
	memset(m.map, SDP_PT_NONE, sizeof(m.map));
	m.kind = s->offer->kind_text;
	m.proto = s->offer->proto_text;
	m.local = shares ? sdp_oa_view_local(b->view, b->leg, b->tag) : local;
	m.source = s->told ? s->offer : s->answer;
	m.names = s->told ? NULL : s->offer;
	m.direction = s->answer_direction;
	m.mux = s->offer->rtcp_mux;
	m.pass = s->offer->keying == SDP_KEY_PASS;
	m.plain = b->plain;
	m.fax = s->offer->fax;
	if (s->gateway)
		answer_gateway(s, offer, &m);
	if (is_browser(oa, b->leg))
		m.mid = s->offer->mid;
	if (s->recoded || s->told || (s->gateway && !m.fax))
		answer_recoded(s, &m);
	else if (!m.fax)
		answer_matches(s, &m);
	put_media(b, &m);
	// RFC 8843 7.1.3: what describes the transport stands once.
	if (!m.fax && !shares)
		sdp_secure_put_answer(oa, scratch, offer, i, local, m.mux, b->w);
}

// The bundle that both have; else the first m-line of the offer's group is a group for itself, which those want who
// bundle at all costs, when it is the only one (RFC 8843 7.3.3).
static void take_group(const struct sdp_session *offer, const struct sdp_oa_stream *s, unsigned i,
	struct sdp_shown_body *b)
{
	if (s->refusal != SDP_ACCEPTED)
		return;
	b->lite |= s->offer->ice;
	if (b->bundle != 0 ? (b->bundle >> i & 1) != 0
			   : b->group[0] == '\0' && sdp_is_bundled(offer, s->offer->mid))
		add_to_group(b, s->offer->mid);
}

static void choose_group(const struct sdp_oa *oa, const struct sdp_oa_trees *trees,
	struct sdp_shown_body *b)
{
	unsigned accepted = 0;

	b->bundle = sdp_oa_bundle(oa, b->view, trees, &b->tag);
	b->full = sdp_find(trees->offer, NULL, SDP_A_ICE_LITE, NULL) != NULL;
	for (unsigned i = 0; i < trees->offer->n_media; i++) {
		struct sdp_oa_stream s;

		sdp_oa_stream(oa, b->view, trees, i, &s);
		take_group(trees->offer, &s, i, b);
		accepted += s.refusal == SDP_ACCEPTED;
	}
	if (b->bundle == 0 && accepted > 1)
		b->group[0] = '\0';
}

static bool was_told(const struct sdp_oa_view *view)
{
	for (unsigned i = 0; i < view->n_streams; i++)
		if (view->early[i] != 0)
			return true;
	return false;
}

int sdp_oa_write_answer(
	const struct sdp_oa *oa, struct sdp_arena *scratch, uint32_t version, struct sdp_writer *w)
{
	const struct sdp_oa_view *view = &oa->pending;
	const enum sdp_leg to = (enum sdp_leg)view->offerer;
	struct sdp_oa_trees trees;
	struct sdp_shown_body b;
	int rc = sdp_oa_trees(oa, scratch, view, &trees);

	if (rc != 0)
		return rc;
	begin(&b, oa, to, trees.answer, w);
	b.told = was_told(view);
	if (is_browser(oa, to))
		choose_group(oa, &trees, &b);
	// RFC 3264 6: the time of the answer is that of the offer.
	put_session(oa, &b, version, trees.offer->time);
	for (unsigned i = 0; i < trees.offer->n_media; i++) {
		struct sdp_oa_stream s;

		sdp_oa_stream(oa, view, &trees, i, &s);
		if (s.refusal == SDP_ACCEPTED)
			put_answered(oa, scratch, &b, trees.offer, i, &s,
				sdp_oa_view_local(view, to, i));
		else
			put_refused(&b, s.offer);
	}
	return w->overflow ? -EMSGSIZE : 0;
}

// ---- Early --------------------------------------------------------------------------------------

// As sdp_oa_write_answer() will write it when the other side has answered: nothing of that side is in it.
int sdp_oa_write_early(
	const struct sdp_oa *oa, struct sdp_arena *scratch, uint32_t version, struct sdp_writer *w)
{
	const enum sdp_leg to = (enum sdp_leg)oa->pending.offerer;
	struct sdp_session *offer;
	struct sdp_oa_stream s;
	struct sdp_shown_body b;
	int rc = sdp_oa_tree(scratch, oa->pending.from[to], &offer);

	if (rc != 0)
		return rc;
	sdp_oa_mark(oa, to, offer);
	begin(&b, oa, to, offer, w);
	b.told = true;
	b.full = sdp_find(offer, NULL, SDP_A_ICE_LITE, NULL) != NULL;
	for (unsigned i = 0; is_browser(oa, to) && i < offer->n_media; i++) {
		sdp_early_stream(oa, offer, i, &s);
		take_group(offer, &s, i, &b);
	}
	put_session(oa, &b, version, offer->time);
	for (unsigned i = 0; i < offer->n_media; i++) {
		sdp_early_stream(oa, offer, i, &s);
		if (s.refusal == SDP_ACCEPTED)
			put_answered(oa, scratch, &b, offer, i, &s, sdp_oa_view_local(b.view, to, i));
		else
			put_refused(&b, s.offer);
	}
	return w->overflow ? -EMSGSIZE : 0;
}
