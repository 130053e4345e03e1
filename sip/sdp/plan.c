// SPDX-License-Identifier: BSD-3-Clause
//
// From the three bodies of an exchange to what the dataplane has to do.
#include "sip/sdp/oa.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

// What a packet may carry besides its payload: RTP header, header extensions, SRTP tag.
#define PACKET_OVERHEAD 64

// One codec of a stream with its numbers on both legs. x is the offerer, y the answerer.
struct plan_match {
	const struct sdp_format *offer;
	const struct sdp_codec_info *info; // NULL: unknown
	uint8_t x;     // both directions of x: the answer that x saw repeats the offer's number
	uint8_t y_in;  // y was offered it, so y sends it
	uint8_t y_out; // y answered it, so y is sent it
};

// ---- Addresses ----------------------------------------------------------------------------------

static struct sdp_endpoint endpoint(const struct sdp_addr *addr, unsigned port)
{
	struct sdp_endpoint e = {0};

	if (addr->family == 0 || port == 0 || port > UINT16_MAX || sdp_addr_is_hold(addr))
		return e;
	e.family = addr->family;
	memcpy(e.ip, addr->ip, sizeof(e.ip));
	e.port = (uint16_t)port;
	return e;
}

static void plan_remote(struct sdp_plan_leg *leg, const struct sdp_media *m, bool mux)
{
	leg->rtcp_mux = mux;
	leg->rtp = endpoint(&m->conn, m->port);
	if (mux || leg->rtp.family == 0) {
		leg->rtcp = leg->rtp;
		return;
	}
	leg->rtcp = endpoint(&m->conn, m->rtcp_port != 0 ? m->rtcp_port : m->port + 1u);
	// RFC 3605: another address for RTCP. Only one that our ports can reach.
	if (m->rtcp_port != 0 && m->rtcp_addr.family == m->conn.family &&
		!sdp_addr_is_multicast(&m->rtcp_addr) && !sdp_addr_is_hold(&m->rtcp_addr))
		leg->rtcp = endpoint(&m->rtcp_addr, m->rtcp_port);
}

static uint32_t hash(uint32_t h, const void *bytes, size_t n)
{
	const uint8_t *b = bytes;

	for (size_t i = 0; i < n; i++)
		h = (h ^ b[i]) * 16777619u; // FNV-1a
	return h;
}

static uint32_t hash_endpoint(uint32_t h, const struct sdp_endpoint *e)
{
	h = hash(h, &e->family, sizeof(e->family));
	h = hash(h, e->ip, sizeof(e->ip));
	return hash(h, &e->port, sizeof(e->port));
}

// A held leg names no address. It keeps what was learned, because the same one mostly resumes.
static void plan_relearn(struct sdp_plan_leg *leg, uint32_t *planned)
{
	if (leg->rtp.family == 0) {
		leg->remote_id = *planned;
		return;
	}
	leg->remote_id = hash_endpoint(hash_endpoint(2166136261u, &leg->rtp), &leg->rtcp) | 1;
	leg->relearn = leg->remote_id != *planned;
	*planned = leg->remote_id;
}

// ---- Payload types ------------------------------------------------------------------------------

static void accept_pt(struct sdp_plan_leg *leg, uint8_t from, uint8_t to)
{
	if (leg->map[from] != SDP_PT_NONE)
		return;
	leg->map[from] = to;
	leg->accept[from >> 6] |= 1ull << (from & 63);
	leg->renumber |= from != to;
}

static void plan_pts(
	struct sdp_plan_leg *x, struct sdp_plan_leg *y, const struct plan_match *m, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		accept_pt(x, m[i].x, m[i].y_out);
		accept_pt(y, m[i].y_in, m[i].x);
	}
	// Answerers that chose another number are seen to send by that one, too. It is taken where it
	// can mean nothing else.
	for (unsigned i = 0; i < n; i++)
		accept_pt(y, m[i].y_out, m[i].x);
}

static void set_codec(struct sdp_plan_codec *codec, const struct sdp_format *f, uint8_t pt,
	struct sdp_str fmtp)
{
	size_t n = f->name.len < sizeof(codec->name) ? f->name.len : sizeof(codec->name) - 1;

	memcpy(codec->name, f->name.ptr, n);
	codec->name[n] = '\0';
	codec->rate = f->rate;
	codec->channels = f->channels;
	codec->pt = pt;
	n = fmtp.len < sizeof(codec->fmtp) ? fmtp.len : sizeof(codec->fmtp) - 1;
	if (n != 0)
		memcpy(codec->fmtp, fmtp.ptr, n);
	codec->fmtp[n] = '\0';
}

// The codec that each side will send: the first of the answer that is no companion of another.
static void plan_codecs(
	const struct sdp_oa_stream *s, struct sdp_plan_leg *x, struct sdp_plan_leg *y)
{
	const struct sdp_format *offer, *shown, *answer;

	if (s->main.answer == SDP_ADDED || s->main.offer == SDP_ADDED)
		return;
	offer = &s->offer->formats[s->main.offer];
	shown = &s->shown->formats[s->main.shown];
	answer = &s->answer->formats[s->main.answer];
	set_codec(&x->in, offer, offer->pt, s->recoded ? sdp_recode_parameters(offer) : answer->fmtp);
	set_codec(&x->out, offer, offer->pt, offer->fmtp);
	set_codec(&y->in, shown, shown->pt, shown->fmtp);
	set_codec(&y->out, shown, answer->pt, answer->fmtp);
}

static void plan_events(
	const struct sdp_oa_stream *s, struct sdp_plan_leg *x, struct sdp_plan_leg *y)
{
	x->dtmf_in = x->dtmf_out = y->dtmf_in = y->dtmf_out = SDP_PT_NONE;
	if (s->events_offer != SDP_ADDED) {
		x->dtmf_in = x->dtmf_out = s->offer->formats[s->events_offer].pt;
		x->dtmf_rate = s->offer->formats[s->events_offer].rate;
	}
	if (s->events_far.answer == SDP_ADDED)
		return;
	y->dtmf_in = s->shown->formats[s->events_far.shown].pt;
	y->dtmf_out = s->answer->formats[s->events_far.answer].pt;
	y->dtmf_rate = s->shown->formats[s->events_far.shown].rate;
}

static void plan_noise(const struct sdp_oa_stream *s, struct sdp_plan_leg *x, struct sdp_plan_leg *y)
{
	if (s->cn_offer != SDP_ADDED)
		x->cn = s->offer->formats[s->cn_offer].pt;
	if (s->cn_far.answer != SDP_ADDED && s->shown->formats[s->cn_far.shown].pt ==
						      s->answer->formats[s->cn_far.answer].pt)
		y->cn = s->shown->formats[s->cn_far.shown].pt;
	// Comfort noise that only one side has goes into a codec.
	if (x->cn != SDP_PT_NONE)
		accept_pt(x, x->cn, y->cn != SDP_PT_NONE ? y->cn : x->cn);
	if (y->cn != SDP_PT_NONE)
		accept_pt(y, y->cn, x->cn != SDP_PT_NONE ? x->cn : y->cn);
}

// Events that only one side has, or each at a clock of its own, go over by another way than as they are.
static void accept_events(struct sdp_plan_leg *x, struct sdp_plan_leg *y)
{
	if (x->dtmf_in != SDP_PT_NONE)
		accept_pt(x, x->dtmf_in, y->dtmf_out != SDP_PT_NONE ? y->dtmf_out : x->dtmf_in);
	if (y->dtmf_in != SDP_PT_NONE)
		accept_pt(y, y->dtmf_in, x->dtmf_out != SDP_PT_NONE ? x->dtmf_out : y->dtmf_in);
}

// ---- Bounds -------------------------------------------------------------------------------------

// towards: what the other leg asked for, whose b= bounds what this one sends.
static void plan_bounds(struct sdp_plan_leg *leg, const struct sdp_media *towards,
	const struct plan_match *m, unsigned n)
{
	uint64_t packets = 0, bits = 0, asked;
	bool unknown = false;

	for (unsigned i = 0; i < n; i++) {
		const struct sdp_codec_info *info = m[i].info;

		if (info == NULL || info->max_bit_rate == 0) {
			unknown = true;
			continue;
		}
		if (packets < 1000u / info->frame_ms)
			packets = 1000u / info->frame_ms;
		if (bits < info->max_bit_rate * (uint64_t)m[i].offer->channels)
			bits = info->max_bit_rate * (uint64_t)m[i].offer->channels;
	}
	asked = towards->b_tias != 0 ? towards->b_tias : towards->b_as * 1000ull;
	if (unknown && asked == 0)
		return;
	if (unknown) {
		// Bandwidth is an average; a picture comes in a burst.
		asked = 2 * asked / 8 > bits / 8 ? 2 * asked / 8 : bits / 8;
		leg->max_octets_per_s = asked > UINT32_MAX ? UINT32_MAX : (uint32_t)asked;
		return;
	}
	// Half as much again for clocks that run fast and bursts at the edge of a second; 50 for the
	// events that go beside the codec.
	packets = packets + packets / 2 + 50;
	leg->max_packets_per_s = (uint32_t)packets;
	bits = bits / 8 * 3 / 2 + packets * PACKET_OVERHEAD;
	leg->max_octets_per_s = bits > UINT32_MAX ? UINT32_MAX : (uint32_t)bits;
}

// ---- The stream ---------------------------------------------------------------------------------

static void plan_direction(
	const struct sdp_oa_stream *s, struct sdp_plan_leg *x, struct sdp_plan_leg *y)
{
	bool x_to_y = (s->answer_direction & SDP_RECVONLY) != 0;
	bool y_to_x = (s->answer_direction & SDP_SENDONLY) != 0;

	x->willing = (s->offer_direction & SDP_RECVONLY) != 0;
	y->willing = (sdp_oa_direction(s->answer) & SDP_RECVONLY) != 0;
	x->receive = y->send = x_to_y;
	y->receive = x->send = y_to_x;
}

static void plan_leg(struct sdp_plan_leg *leg, const struct sdp_media *m,
	 const struct sdp_local *local, bool mux, uint32_t *planned)
{
	leg->local = *local;
	memset(leg->map, SDP_PT_NONE, sizeof(leg->map));
	plan_remote(leg, m, mux);
	plan_relearn(leg, planned);
	leg->ptime = m->ptime;
	leg->maxptime = m->maxptime;
}

static unsigned plan_matches(const struct sdp_oa_stream *s, struct plan_match m[SDP_MAX_FORMATS])
{
	for (unsigned i = 0; i < s->n_matches; i++) {
		const struct sdp_format *f = &s->offer->formats[s->match[i].offer];

		m[i].offer = f;
		m[i].info = sdp_codec_find(f->name, f->rate, f->channels);
		m[i].x = f->pt;
		m[i].y_in = s->shown->formats[s->match[i].shown].pt;
		m[i].y_out = s->answer->formats[s->match[i].answer].pt;
	}
	return s->n_matches;
}

// As if the two codecs were one under two names.
static struct plan_match recoded_match(const struct sdp_oa_stream *s, const struct sdp_format *f)
{
	return (struct plan_match){
		.offer = f,
		.info = sdp_codec_find(f->name, f->rate, f->channels),
		.x = s->offer->formats[s->main.offer].pt,
		.y_in = s->shown->formats[s->main.shown].pt,
		.y_out = s->answer->formats[s->main.answer].pt,
	};
}

static void plan_recoded(
	const struct sdp_oa_stream *s, struct sdp_plan_leg *x, struct sdp_plan_leg *y)
{
	struct plan_match m = recoded_match(s, &s->offer->formats[s->main.offer]);

	plan_pts(x, y, &m, 1);
	plan_bounds(x, s->answer, &m, 1);
	m = recoded_match(s, &s->shown->formats[s->main.shown]);
	plan_bounds(y, s->offer, &m, 1);
}

static void plan_relayed(
	const struct sdp_oa_stream *s, struct sdp_plan_leg *x, struct sdp_plan_leg *y)
{
	struct plan_match matches[SDP_MAX_FORMATS];
	unsigned n = plan_matches(s, matches);

	plan_pts(x, y, matches, n);
	plan_bounds(x, s->answer, matches, n);
	plan_bounds(y, s->offer, matches, n);
}

// G.711 on one leg; what it says goes into the gateway, so it is renumbered to nothing.
static void plan_gateway(const struct sdp_oa_stream *s, const struct sdp_oa_trees *trees,
	struct sdp_plan_leg *x, struct sdp_plan_leg *y)
{
	const bool far = s->shown->fax; // y has T.38
	const struct sdp_format *f = far ? &s->offer->formats[s->main.offer]
					 : &s->shown->formats[s->main.shown];
	const uint8_t out = far ? f->pt : s->answer->formats[s->main.answer].pt;
	const struct plan_match m = {.offer = f,
		.info = sdp_codec_find(f->name, f->rate, f->channels),
		.x = f->pt, .y_in = f->pt, .y_out = out};
	struct sdp_plan_leg *audio = far ? x : y;
	static const struct sdp_str none;

	sdp_fax_read(far ? trees->answer : trees->offer, far ? s->answer : s->offer, &(far ? y : x)->fax);
	accept_pt(audio, f->pt, f->pt);
	set_codec(&audio->in, f, f->pt, none);
	set_codec(&audio->out, f, out, none);
	plan_bounds(audio, far ? s->answer : s->offer, &m, 1);
}

static void plan_formats(
	const struct sdp_oa_stream *s, const struct sdp_oa_trees *trees, struct sdp_plan_leg *x, struct sdp_plan_leg *y)
{
	x->dtmf_in = x->dtmf_out = y->dtmf_in = y->dtmf_out = x->cn = y->cn = SDP_PT_NONE;
	if (s->fax) {
		x->fax.on = y->fax.on = true;
		return;
	}
	if (s->gateway) {
		plan_gateway(s, trees, x, y);
		return;
	}
	if (s->recoded)
		plan_recoded(s, x, y);
	else
		plan_relayed(s, x, y);
	plan_codecs(s, x, y);
	plan_events(s, x, y);
	accept_events(x, y);
	plan_noise(s, x, y);
}

static void plan_stream(struct sdp_oa *oa, struct sdp_arena *scratch,
	const struct sdp_oa_view *view, const struct sdp_oa_trees *trees, unsigned i,
	struct sdp_plan_stream *out)
{
	const unsigned x = view->offerer, y = x ^ 1;
	struct sdp_oa_stream s;

	sdp_oa_stream(oa, view, trees, i, &s);
	out->refusal = s.refusal;
	out->kind = s.offer != NULL ? s.offer->kind : SDP_KIND_OTHER;
	if (s.refusal != SDP_ACCEPTED) {
		oa->planned[i][0] = oa->planned[i][1] = 0;
		return;
	}
	plan_leg(&out->leg[x], s.offer, sdp_oa_view_local(view, (enum sdp_leg)x, i),
		s.offer->rtcp_mux, &oa->planned[i][x]);
	plan_leg(&out->leg[y], s.answer, sdp_oa_view_local(view, (enum sdp_leg)y, i),
		s.shown->rtcp_mux && s.answer->rtcp_mux, &oa->planned[i][y]);
	sdp_secure_plan_offerer(oa, view, scratch, trees->offer, i, &out->leg[x].secure);
	sdp_secure_plan_answerer(oa, view, trees, s.answer_keying, i, &out->leg[y].secure);
	plan_direction(&s, &out->leg[x], &out->leg[y]);
	out->recoded = s.recoded;
	out->fax = s.fax;
	out->gateway = s.gateway;
	plan_formats(&s, trees, &out->leg[x], &out->leg[y]);
}

int sdp_oa_plan(struct sdp_oa *oa, struct sdp_arena *scratch, struct sdp_plan *plan)
{
	const struct sdp_oa_view *view = oa->state == SDP_OA_ANSWERED ? &oa->pending : &oa->agreed;
	const size_t mark = scratch->used;
	struct sdp_oa_trees trees;
	uint16_t mask;
	unsigned tag;
	int rc;

	if (oa->state != SDP_OA_ANSWERED && !oa->agreed_once)
		return -EINVAL;
	rc = sdp_oa_trees(oa, scratch, view, &trees);
	if (rc != 0)
		goto out;
	memset(plan, 0, offsetof(struct sdp_plan, stream[view->n_streams]));
	plan->provisional = oa->state == SDP_OA_ANSWERED;
	plan->n_streams = view->n_streams;
	plan->held = true;
	for (unsigned i = 0; i < view->n_streams; i++) {
		struct sdp_plan_stream *s = &plan->stream[i];

		plan_stream(oa, scratch, view, &trees, i, s);
		plan->n_active += s->refusal == SDP_ACCEPTED;
		if (s->leg[0].receive && s->leg[1].receive)
			plan->held = false;
	}
	if (plan->n_active == 0)
		plan->held = false;
	mask = sdp_oa_bundle(oa, view, &trees, &tag);
	sdp_bundle_plan(plan, mask, tag);
out:
	scratch->used = mark;
	return rc;
}

// Of a stream that is only ours and the offerer's yet.
static void plan_early(struct sdp_oa *oa, struct sdp_arena *scratch, const struct sdp_session *offer,
	unsigned i, struct sdp_plan_stream *out)
{
	const struct sdp_oa_view *view = &oa->pending;
	const unsigned x = view->offerer, y = x ^ 1;
	struct sdp_plan_leg *leg = &out->leg[x], *far = &out->leg[y];
	const struct sdp_local *local = sdp_oa_view_local(view, (enum sdp_leg)y, i);
	const struct sdp_format *f;
	struct sdp_oa_stream s;

	sdp_early_stream(oa, offer, i, &s);
	out->refusal = s.refusal;
	out->kind = s.offer->kind;
	if (s.refusal != SDP_ACCEPTED)
		return;
	f = &s.offer->formats[s.main.offer];
	plan_leg(leg, s.offer, sdp_oa_view_local(view, (enum sdp_leg)x, i), s.offer->rtcp_mux,
		&oa->planned[i][x]);
	if (local != NULL)
		far->local = *local;
	memset(far->map, SDP_PT_NONE, sizeof(far->map));
	sdp_secure_plan_offerer(oa, view, scratch, offer, i, &leg->secure);
	leg->willing = leg->send = (s.offer_direction & SDP_RECVONLY) != 0;
	set_codec(&leg->in, f, f->pt, sdp_recode_parameters(f));
	set_codec(&leg->out, f, f->pt, f->fmtp);
	plan_events(&s, leg, far);
	leg->cn = far->cn = SDP_PT_NONE;
}

int sdp_oa_plan_early(struct sdp_oa *oa, struct sdp_arena *scratch, struct sdp_plan *plan)
{
	const size_t mark = scratch->used;
	struct sdp_session *offer;
	int rc;

	if (oa->state != SDP_OA_OFFERED && oa->state != SDP_OA_SHOWN)
		return -EINVAL;
	rc = sdp_oa_tree(scratch, oa->pending.from[oa->pending.offerer], &offer);
	memset(plan, 0, sizeof(*plan));
	plan->provisional = true;
	if (rc == 0) {
		sdp_oa_mark(oa, (enum sdp_leg)oa->pending.offerer, offer);
		plan->n_streams = offer->n_media;
	}
	for (unsigned i = 0; i < plan->n_streams; i++) {
		plan_early(oa, scratch, offer, i, &plan->stream[i]);
		plan->n_active += plan->stream[i].refusal == SDP_ACCEPTED;
	}
	scratch->used = mark;
	return rc != 0 ? rc : plan->n_active != 0 ? 0 : -EINVAL;
}
