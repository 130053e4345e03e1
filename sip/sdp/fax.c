// SPDX-License-Identifier: BSD-3-Clause
//
// T.38 (ITU-T T.38 annex D, RFC 3362): what an m-line says of it, and the gateway, where one leg has T.38 and the other
// G.711: the m-lines of that are ours, with nothing of the other side in them.
#include <string.h>

#include "sip/sdp/oa.h"

#define USUAL_RATE     14400u
#define USUAL_DATAGRAM 400u
#define MOST_DATAGRAM  1400u

static const struct {
	const char *name;
	uint8_t pt;
} g711[] = {{"PCMA", 8}, {"PCMU", 0}};

// ---- what a peer has -------------------------------------------------------------------------------

static bool takes(const struct sdp_codec_policy *p)
{
	return p != NULL && (p->t38 || p->fax_gateway);
}

bool sdp_fax_translates(const struct sdp_oa *oa, enum sdp_leg audio)
{
	struct sdp_format f[2];

	return oa->policy[audio] != NULL && oa->policy[audio]->fax_gateway &&
	       (oa->can & SDP_CAN_FAX) != 0 && sdp_fax_codecs(oa, audio, NULL, f) != 0;
}

bool sdp_fax_crosses(const struct sdp_oa *oa, enum sdp_leg from)
{
	const enum sdp_leg to = sdp_leg_other(from);

	if (!takes(oa->policy[from]) || !takes(oa->policy[to]))
		return false;
	return sdp_fax_translates(oa, to) || sdp_fax_translates(oa, from) ||
	       (oa->policy[to]->t38 && (oa->can & SDP_CAN_T38) != 0);
}

// ---- what an m-line says ---------------------------------------------------------------------------

static uint32_t number(struct sdp_str value, uint32_t most)
{
	uint64_t n;

	return sdp_str_number(value, UINT32_MAX, &n) ? (uint32_t)(n < most ? n : most) : 0;
}

// Some say ":0" for no, others leave it out.
static bool is_set(struct sdp_str value)
{
	return !sdp_str_is(value, "0");
}

static void read_ec(struct sdp_str value, struct sdp_fax *fax)
{
	fax->redundancy = !sdp_str_is_nocase(value, "t38UDPNoEC");
}

static void read_line(struct sdp_str name, struct sdp_str value, struct sdp_fax *fax)
{
	if (sdp_str_is_nocase(name, "T38FaxVersion"))
		fax->version = (uint8_t)number(value, 3);
	else if (sdp_str_is_nocase(name, "T38MaxBitRate"))
		fax->max_rate = number(value, 33600);
	else if (sdp_str_is_nocase(name, "T38FaxMaxDatagram"))
		fax->max_datagram = (uint16_t)number(value, MOST_DATAGRAM);
	else if (sdp_str_is_nocase(name, "T38FaxRateManagement"))
		fax->transferred_tcf = !sdp_str_is_nocase(value, "localTCF");
	else if (sdp_str_is_nocase(name, "T38FaxUdpEC"))
		read_ec(value, fax);
	else if (sdp_str_is_nocase(name, "T38FaxFillBitRemoval"))
		fax->fill_bit_removal = is_set(value);
	else if (sdp_str_is_nocase(name, "T38FaxTranscodingMMR"))
		fax->mmr = is_set(value);
	else if (sdp_str_is_nocase(name, "T38FaxTranscodingJBIG"))
		fax->jbig = is_set(value);
}

void sdp_fax_read(const struct sdp_session *tree, const struct sdp_media *m, struct sdp_fax *fax)
{
	*fax = (struct sdp_fax){
		.on = true, .transferred_tcf = true, .max_rate = USUAL_RATE, .redundancy = true};
	for (unsigned i = 0; i < m->n_lines; i++) {
		const struct sdp_line *line = &tree->lines[m->first_line + i];

		if (line->letter == 'a')
			read_line(sdp_line_name(line), sdp_line_value(line), fax);
	}
	// A datagram that holds less than a frame and its header is no wish that can be met.
	if (fax->max_datagram < 64)
		fax->max_datagram = USUAL_DATAGRAM;
	if (fax->max_rate < 2400)
		fax->max_rate = USUAL_RATE;
}

// ---- m-lines of ours -------------------------------------------------------------------------------

const struct sdp_media *sdp_fax_source(bool t38)
{
	static struct sdp_format format = {.text = {"t38", 3}};
	static const struct sdp_media image = {.kind = SDP_IMAGE,
		.kind_text = {"image", 5},
		.proto = SDP_UDPTL,
		.proto_text = {"udptl", 5},
		.n_formats = 1,
		.formats = &format};
	static const struct sdp_media audio = {.kind = SDP_AUDIO,
		.kind_text = {"audio", 5},
		.proto = SDP_RTP_AVP,
		.proto_text = {"RTP/AVP", 7}};

	return t38 ? &image : &audio;
}

// What we offer, or answer to what was offered: no more than that.
void sdp_fax_put(struct sdp_writer *w, const struct sdp_fax *offered)
{
	const struct sdp_fax usual = {
		.transferred_tcf = true, .max_rate = USUAL_RATE, .redundancy = true};
	const struct sdp_fax *fax = offered != NULL ? offered : &usual;

	sdp_put(w, "a=T38FaxVersion:%u\r\na=T38MaxBitRate:%u\r\n", fax->version,
		fax->max_rate < USUAL_RATE ? fax->max_rate : USUAL_RATE);
	sdp_put(w, "a=T38FaxRateManagement:%s\r\n",
		fax->transferred_tcf ? "transferredTCF" : "localTCF");
	sdp_put(w, "a=T38FaxMaxBuffer:%u\r\na=T38FaxMaxDatagram:%u\r\n", 2 * USUAL_DATAGRAM,
		USUAL_DATAGRAM);
	sdp_put(w, "a=T38FaxUdpEC:%s\r\n", fax->redundancy ? "t38UDPRedundancy" : "t38UDPNoEC");
}

static struct sdp_format format_at(unsigned i)
{
	return (struct sdp_format){
		.name = {g711[i].name, 4}, .rate = 8000, .channels = 1, .pt = g711[i].pt};
}

static bool is_g711(const struct sdp_format *f)
{
	for (unsigned i = 0; i < 2; i++)
		if (f->rate == 8000 && sdp_str_is_nocase(f->name, g711[i].name))
			return true;
	return false;
}

unsigned sdp_fax_codecs(const struct sdp_oa *oa, enum sdp_leg to, const struct sdp_media *from,
	struct sdp_format out[2])
{
	unsigned n = 0;
	bool second = false;

	// The one that it has now, or would rather have, first.
	for (unsigned i = 0; from != NULL && i < from->n_formats; i++)
		if (is_g711(&from->formats[i])) {
			second = sdp_str_is_nocase(from->formats[i].name, g711[1].name);
			break;
		}
	for (unsigned i = 0; i < 2; i++) {
		struct sdp_format f = format_at(second ? 1 - i : i);

		if (sdp_recode_allows(oa, to, &f))
			out[n++] = f;
	}
	return n;
}

// ---- an answer --------------------------------------------------------------------------------------

static uint8_t first_g711(const struct sdp_media *m)
{
	for (unsigned i = 0; i < m->n_formats; i++)
		if (is_g711(&m->formats[i]))
			return (uint8_t)i;
	return SDP_ADDED;
}

static uint8_t same_as(const struct sdp_media *m, const struct sdp_format *f)
{
	for (unsigned i = 0; i < m->n_formats; i++)
		if (sdp_format_same_codec(&m->formats[i], f))
			return (uint8_t)i;
	return SDP_ADDED;
}

static uint8_t with_type(const struct sdp_media *m, unsigned pt)
{
	for (unsigned i = 0; i < m->n_formats; i++)
		if (m->formats[i].pt == pt)
			return (uint8_t)i;
	return SDP_ADDED;
}

bool sdp_fax_match(const struct sdp_oa_view *view, unsigned i, struct sdp_oa_stream *s)
{
	s->main = (struct sdp_match){SDP_ADDED, SDP_ADDED, SDP_ADDED};
	s->events_far = s->main;
	s->events_offer = s->cn_offer = SDP_ADDED;
	s->cn_far = s->main;
	if (s->shown->fax) { // the offerer's codec was chosen when it was offered
		s->main.offer = view->recode[i] != 0 ? with_type(s->offer, view->recode[i] - 1u)
						     : first_g711(s->offer);
		return s->main.offer != SDP_ADDED;
	}
	s->main.answer = first_g711(s->answer);
	if (s->main.answer == SDP_ADDED)
		return false;
	s->main.shown = same_as(s->shown, &s->answer->formats[s->main.answer]);
	return s->main.shown != SDP_ADDED;
}

// ---- an offer of ours -------------------------------------------------------------------------------

// What this leg speaks now in stream i: it was chosen by whoever answered.
static const struct sdp_format *present(
	const struct sdp_oa *oa, struct sdp_arena *scratch, enum sdp_leg leg, unsigned i)
{
	struct sdp_blob *body =
		oa->agreed.offerer == leg ? oa->agreed.shown[leg] : oa->agreed.from[leg];
	struct sdp_session *tree = NULL;
	const struct sdp_media *m;

	if (!oa->agreed_once || sdp_oa_tree(scratch, body, &tree) != 0 || tree == NULL ||
		i >= tree->n_media)
		return NULL;
	m = &tree->media[i];
	if (m->kind != SDP_AUDIO || m->port == 0 || !sdp_proto_is_rtp(m->proto))
		return NULL;
	for (unsigned k = 0; k < m->n_formats; k++)
		if (sdp_is_codec(&m->formats[k]))
			return is_g711(&m->formats[k]) ? &m->formats[k] : NULL;
	return NULL;
}

static int choose_stream(
	struct sdp_oa *oa, struct sdp_arena *scratch, const struct sdp_session *offer)
{
	const enum sdp_leg from = (enum sdp_leg)oa->pending.offerer;

	for (unsigned i = 0; i < offer->n_media; i++) {
		const struct sdp_media *m = &offer->media[i];
		const struct sdp_format *now;
		uint8_t k;

		if (m->kind != SDP_AUDIO || sdp_oa_refusal(m) != SDP_ACCEPTED)
			continue;
		now = present(oa, scratch, from, i);
		k = now != NULL ? same_as(m, now) : SDP_ADDED;
		if (k == SDP_ADDED)
			return -1;
		oa->pending.recode[i] = (uint8_t)(m->formats[k].pt + 1);
		return (int)i;
	}
	return -1;
}

bool sdp_oa_offer_fax(struct sdp_oa *oa, struct sdp_arena *scratch)
{
	const enum sdp_leg from = (enum sdp_leg)oa->pending.offerer;
	const size_t mark = scratch->used;
	struct sdp_session *offer = NULL;
	int i = -1;

	if (oa->state != SDP_OA_OFFERED || !sdp_fax_translates(oa, from) ||
		!sdp_fax_crosses(oa, sdp_leg_other(from)) || !oa->policy[from ^ 1]->t38)
		return false;
	if (sdp_oa_tree(scratch, oa->pending.from[from], &offer) == 0 && offer != NULL) {
		sdp_oa_mark(oa, from, offer);
		i = choose_stream(oa, scratch, offer);
	}
	scratch->used = mark;
	oa->pending.fax = (uint8_t)(i + 1);
	return i >= 0;
}

bool sdp_oa_has_fax(const struct sdp_oa *oa, enum sdp_leg leg)
{
	return oa->agreed_once && (oa->agreed.fax_legs >> leg & 1) != 0;
}
