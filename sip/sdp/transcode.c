// SPDX-License-Identifier: BSD-3-Clause
//
// Which formats an audio offer goes on with, and whether an answer to it means transcoding: see transcode.h.
#include "sip/sdp/transcode.h"

#include <string.h>
#include <strings.h>

#include "sip/sdp/oa.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct sdp_recode_codec codecs[] = {
	{"PCMU", 8000, 1, 0, 0, NULL},
	{"PCMA", 8000, 1, 8, 8, NULL},
	{"G722", 8000, 1, 9, 9, NULL},
	{"opus", 48000, 2, -1, 111, "useinbandfec=1"},
	{"G729", 8000, 1, 18, 18, "annexb=no"},
	{"L16", 8000, 1, -1, 118, NULL},
	{"L16", 16000, 1, -1, 119, NULL},
	{"G726-16", 8000, 1, -1, 120, NULL},
	{"G726-24", 8000, 1, -1, 121, NULL},
	{"G726-32", 8000, 1, -1, 122, NULL},
	{"G726-40", 8000, 1, -1, 123, NULL},
	{"GSM", 8000, 1, 3, 3, NULL},
	{"speex", 8000, 1, -1, 103, NULL},
	{"speex", 16000, 1, -1, 104, NULL},
	{"speex", 32000, 1, -1, 107, NULL},
	{"AMR", 8000, 1, -1, 105, "octet-align=1"},
	{"AMR-WB", 16000, 1, -1, 106, "octet-align=1"},
};

_Static_assert(COUNT(codecs) <= SDP_RECODE_MAX, "a mask has a bit for each");

// ---- codecs ---------------------------------------------------------------------------------------

const struct sdp_recode_codec *sdp_recode_codec(unsigned n)
{
	return n < COUNT(codecs) ? &codecs[n] : NULL;
}

// A parameter of an fmtp, "name=value;..."; ptr NULL when it is not there.
static struct sdp_str parameter(struct sdp_str fmtp, const char *name)
{
	const size_t n = strlen(name);
	struct sdp_str none = {NULL, 0};

	for (uint32_t i = 0; i < fmtp.len;) {
		uint32_t end = i, start;

		while (end < fmtp.len && fmtp.ptr[end] != ';')
			end++;
		start = i;
		while (start < end && fmtp.ptr[start] == ' ')
			start++;
		if (end - start > n && fmtp.ptr[start + n] == '=' &&
			strncasecmp(fmtp.ptr + start, name, n) == 0) {
			struct sdp_str value = {fmtp.ptr + start + n + 1, end - start - (uint32_t)n - 1};

			while (value.len != 0 && value.ptr[value.len - 1] == ' ')
				value.len--;
			return value;
		}
		i = end + 1;
	}
	return none;
}

static bool asks_for(struct sdp_str fmtp, const char *name)
{
	struct sdp_str value = parameter(fmtp, name);

	return value.ptr != NULL && !sdp_str_is(value, "0");
}

// RFC 4867: frames in their plain order, without a checksum, of one channel.
static bool parameters_fit(const struct sdp_recode_codec *c, struct sdp_str fmtp)
{
	if (strncmp(c->name, "AMR", 3) == 0)
		return !asks_for(fmtp, "crc") && !asks_for(fmtp, "robust-sorting") &&
		       !asks_for(fmtp, "interleaving");
	return true;
}

int sdp_recode_find(const struct sdp_format *f)
{
	for (unsigned i = 0; i < COUNT(codecs); i++)
		if (f->rate == codecs[i].rate && f->channels == codecs[i].channels &&
			sdp_str_is_nocase(f->name, codecs[i].name))
			return parameters_fit(&codecs[i], f->fmtp) ? (int)i : -1;
	return -1;
}

static bool is_named(const char *name, struct sdp_str codec, uint32_t rate)
{
	const char *slash = strchr(name, '/');
	size_t n = slash != NULL ? (size_t)(slash - name) : strlen(name);
	uint64_t wanted = rate;

	if (slash != NULL && !sdp_str_number((struct sdp_str){slash + 1,
					  (uint32_t)strlen(slash + 1)}, UINT32_MAX, &wanted))
		return false;
	return wanted == rate && codec.len == n && strncasecmp(name, codec.ptr, n) == 0;
}

int sdp_recode_find_name(const char *name)
{
	for (unsigned i = 0; i < COUNT(codecs); i++) {
		struct sdp_str codec = {codecs[i].name, (uint32_t)strlen(codecs[i].name)};

		if (is_named(name, codec, codecs[i].rate))
			return (int)i;
	}
	return -1;
}

// ---- policies -------------------------------------------------------------------------------------

#define NOWHERE 1000u

void sdp_oa_policy(struct sdp_oa *oa, const struct sdp_codec_policy *a,
	const struct sdp_codec_policy *b, uint32_t can)
{
	oa->policy[SDP_LEG_A] = a;
	oa->policy[SDP_LEG_B] = b;
	oa->can = can;
}

static unsigned place(const struct sdp_names *names, const struct sdp_format *f)
{
	for (unsigned i = 0; i < names->count; i++)
		if (is_named(names->name[i], f->name, f->rate))
			return i;
	return NOWHERE;
}

static bool allows(const struct sdp_codec_policy *p, const struct sdp_format *f)
{
	if (p == NULL)
		return true;
	return (p->allow.count == 0 || place(&p->allow, f) != NOWHERE) &&
	       place(&p->strip, f) == NOWHERE;
}

bool sdp_recode_allows(const struct sdp_oa *oa, enum sdp_leg leg, const struct sdp_format *f)
{
	return allows(oa->policy[leg], f);
}

bool sdp_is_events(const struct sdp_format *f)
{
	return sdp_str_is_nocase(f->name, "telephone-event");
}

static bool is_beside(const struct sdp_format *f) // another codec
{
	const struct sdp_codec_info *info;

	if (f->name.len == 0)
		return false;
	info = sdp_codec_find(f->name, f->rate, f->channels);
	return info != NULL && info->auxiliary;
}

static bool speaks_events(const struct sdp_codec_policy *p)
{
	return p == NULL || p->events;
}

bool sdp_recode_can(const struct sdp_oa *oa)
{
	return oa->policy[0] != NULL && oa->policy[1] != NULL && oa->policy[0]->transcode &&
	       oa->policy[1]->transcode && (oa->can & ((1u << SDP_RECODE_MAX) - 1)) != 0;
}

static bool can_do(const struct sdp_oa *oa, int codec)
{
	return codec >= 0 && (oa->can >> codec & 1) != 0;
}

// ---- the offer as it goes on ----------------------------------------------------------------------

static void put(struct sdp_recode_list *list, const struct sdp_format *f, unsigned source)
{
	if (list->n == SDP_MAX_FORMATS)
		return;
	list->source[list->n] = (uint8_t)source;
	list->format[list->n++] = *f;
}

static bool has(const struct sdp_recode_list *list, const struct sdp_format *f)
{
	for (unsigned i = 0; i < list->n; i++)
		if (sdp_format_same_codec(&list->format[i], f))
			return true;
	return false;
}

static struct sdp_str text_of(const char *text)
{
	return (struct sdp_str){text, text != NULL ? (uint32_t)strlen(text) : 0};
}

static struct sdp_format format_of(const struct sdp_recode_codec *c)
{
	return (struct sdp_format){.name = text_of(c->name), .fmtp = text_of(c->fmtp),
		.rate = c->rate, .pt = c->usual_pt, .channels = c->channels};
}

static void add(const struct sdp_oa *oa, enum sdp_leg to, struct sdp_recode_list *list, int codec)
{
	struct sdp_format f;

	if (!can_do(oa, codec))
		return;
	f = format_of(&codecs[codec]);
	if (!has(list, &f) && allows(oa->policy[to], &f))
		put(list, &f, SDP_ADDED);
}

static void add_names(const struct sdp_oa *oa, enum sdp_leg to, struct sdp_recode_list *list,
	const struct sdp_names *names)
{
	for (unsigned i = 0; i < names->count; i++)
		add(oa, to, list, sdp_recode_find_name(names->name[i]));
}

// It has said that it has one of the offerer's codecs.
static bool has_common(const struct sdp_recode_list *list, const struct sdp_media *from)
{
	for (unsigned i = 0; from != NULL && i < from->n_formats; i++)
		if (sdp_is_codec(&from->formats[i]) && has(list, &from->formats[i]))
			return true;
	return false;
}

// What it said before, its present codec first. False: nothing that helps.
static bool add_known(const struct sdp_oa *oa, enum sdp_leg to, struct sdp_recode_list *list,
	const struct sdp_media *from)
{
	bool any = false;

	for (unsigned i = 0; from != NULL && i < from->n_formats; i++) {
		int codec = sdp_recode_find(&from->formats[i]);
		struct sdp_format f = from->formats[i];

		if (!can_do(oa, codec) || !allows(oa->policy[to], &f))
			continue;
		any = true;
		f.fmtp = sdp_recode_parameters(&f);
		if (!has(list, &f))
			put(list, &f, SDP_ADDED);
	}
	return any;
}

static void add_codecs(const struct sdp_oa *oa, enum sdp_leg to, struct sdp_recode_list *list,
	const struct sdp_media *from)
{
	static const char phone[][16] = {"PCMA", "PCMU"};
	static const char browser[][16] = {"opus", "G722", "PCMA", "PCMU"};
	const struct sdp_codec_policy *p = oa->policy[to];
	struct sdp_names usual = {NULL, 0};
	bool known;

	if (has_common(list, from))
		return;
	known = add_known(oa, to, list, from);
	if (p->usual == SDP_USUAL_PHONE)
		usual = (struct sdp_names){phone, COUNT(phone)};
	else if (p->usual == SDP_USUAL_BROWSER)
		usual = (struct sdp_names){browser, COUNT(browser)};
	if (p->add.count != 0)
		add_names(oa, to, list, &p->add);
	else if (!known)
		add_names(oa, to, list, p->allow.count != 0 ? &p->allow : &usual);
}

static bool may_pause(const struct sdp_format *f);

// Whose silence is made into what has none of its own tells it by comfort noise.
static void add_noise(struct sdp_recode_list *list, unsigned first, const struct sdp_media *offer)
{
	const struct sdp_format f = {.name = text_of("CN"), .rate = 8000, .pt = 13, .channels = 1};
	bool pauses = false, wanted = false;

	for (unsigned i = 0; i < offer->n_formats; i++)
		pauses |= may_pause(&offer->formats[i]);
	for (unsigned i = first; i < list->n; i++)
		wanted |= list->format[i].rate == 8000;
	if (pauses && wanted && !has(list, &f))
		put(list, &f, SDP_ADDED);
}

// Something of the offer can be made into another codec.
static bool has_source(const struct sdp_oa *oa, enum sdp_leg from, const struct sdp_media *offer)
{
	for (unsigned i = 0; i < offer->n_formats; i++)
		if (can_do(oa, sdp_recode_find(&offer->formats[i])) &&
			allows(oa->policy[from], &offer->formats[i]))
			return true;
	return false;
}

// Events at the clock of each codec from `first` on.
static void add_events(struct sdp_recode_list *list, unsigned first)
{
	const unsigned n = list->n;

	for (unsigned i = first; i < n; i++) {
		struct sdp_format f = {.name = text_of("telephone-event"),
			.fmtp = text_of("0-15"), .rate = list->format[i].rate, .pt = 101,
			.channels = 1};

		if (sdp_is_codec(&list->format[i]) && f.rate != 0 && !has(list, &f))
			put(list, &f, SDP_ADDED);
	}
}

static bool offers_events(const struct sdp_media *offer)
{
	for (unsigned i = 0; i < offer->n_formats; i++)
		if (sdp_is_events(&offer->formats[i]))
			return true;
	return false;
}

static unsigned rank(const struct sdp_names *order, const struct sdp_format *f)
{
	if (is_beside(f))
		return NOWHERE + 1;
	return place(order, f);
}

// The named ones first; stable.
static void sort(struct sdp_recode_list *list, const struct sdp_names *order)
{
	for (unsigned i = 1; order->count != 0 && i < list->n; i++)
		for (unsigned k = i; k != 0 && rank(order, &list->format[k]) <
						       rank(order, &list->format[k - 1]);
			k--) {
			struct sdp_format f = list->format[k];
			uint8_t source = list->source[k];

			list->format[k] = list->format[k - 1];
			list->source[k] = list->source[k - 1];
			list->format[k - 1] = f;
			list->source[k - 1] = source;
		}
}

static void keep_allowed(const struct sdp_oa *oa, enum sdp_leg to, const struct sdp_media *offer,
	struct sdp_recode_list *list)
{
	const enum sdp_leg from = sdp_leg_other(to);

	for (unsigned i = 0; i < offer->n_formats; i++) {
		const struct sdp_format *f = &offer->formats[i];
		bool keep = true;

		if (sdp_is_events(f))
			keep = speaks_events(oa->policy[from]) && speaks_events(oa->policy[to]);
		else if (!is_beside(f))
			keep = allows(oa->policy[from], f) && allows(oa->policy[to], f);
		if (keep)
			put(list, f, i);
	}
}

void sdp_recode_offer(const struct sdp_oa *oa, enum sdp_leg to, const struct sdp_media *offer,
	const struct sdp_media *from, struct sdp_recode_list *list)
{
	const struct sdp_codec_policy *theirs = oa->policy[sdp_leg_other(to)], *p = oa->policy[to];
	unsigned first;

	list->n = 0;
	if (offer->kind != SDP_AUDIO || p == NULL || theirs == NULL) {
		for (unsigned i = 0; i < offer->n_formats; i++)
			put(list, &offer->formats[i], i);
		return;
	}
	keep_allowed(oa, to, offer, list);
	sort(list, p->order.count != 0 ? &p->order : &theirs->order);
	first = list->n;
	if (offer->keying == SDP_KEY_PASS)
		return;
	if (sdp_recode_can(oa) && has_source(oa, sdp_leg_other(to), offer))
		add_codecs(oa, to, list, from);
	add_noise(list, first, offer);
	if ((oa->can & SDP_CAN_DTMF) == 0 || !p->events)
		return;
	if (p->want_events || !theirs->events)
		add_events(list, 0);
	else if (offers_events(offer))
		add_events(list, first);
}

bool sdp_recode_speaks(const struct sdp_oa *oa, enum sdp_leg to, const struct sdp_media *offer)
{
	struct sdp_recode_list list;

	if (offer->kind != SDP_AUDIO || oa->policy[to] == NULL)
		return true;
	sdp_recode_offer(oa, to, offer, NULL, &list);
	for (unsigned i = 0; i < list.n; i++)
		if (!is_beside(&list.format[i]))
			return true;
	return false;
}

// ---- what an answer means -------------------------------------------------------------------------

bool sdp_is_codec(const struct sdp_format *f)
{
	return f->name.len != 0 && !is_beside(f);
}

// The codec that the offerer has now, if it is not its own wish (its last word was an answer).
static struct sdp_str present_codec(
	const struct sdp_oa *oa, struct sdp_arena *scratch, unsigned leg, unsigned i)
{
	struct sdp_session *tree = NULL;

	if (!oa->agreed_once || oa->agreed.offerer == leg ||
		sdp_oa_tree(scratch, oa->agreed.from[leg], &tree) != 0 || tree == NULL ||
		i >= tree->n_media || tree->media[i].port == 0)
		return (struct sdp_str){NULL, 0};
	for (unsigned k = 0; k < tree->media[i].n_formats; k++)
		if (sdp_is_codec(&tree->media[i].formats[k]))
			return tree->media[i].formats[k].name;
	return (struct sdp_str){NULL, 0};
}

static uint8_t choose(const struct sdp_oa *oa, struct sdp_arena *scratch, unsigned leg, unsigned i,
	const struct sdp_media *offer)
{
	struct sdp_str present = present_codec(oa, scratch, leg, i);
	uint8_t first = SDP_PT_NONE;

	for (unsigned k = 0; k < offer->n_formats; k++) {
		const struct sdp_format *f = &offer->formats[k];

		if (!can_do(oa, sdp_recode_find(f)) || !allows(oa->policy[leg], f))
			continue;
		if (present.len != 0 && sdp_str_equal_nocase(f->name, present))
			return f->pt;
		if (first == SDP_PT_NONE)
			first = f->pt;
	}
	return first;
}

uint8_t sdp_recode_first(const struct sdp_oa *oa, unsigned leg, const struct sdp_media *offer)
{
	for (unsigned k = 0; k < offer->n_formats; k++)
		if (can_do(oa, sdp_recode_find(&offer->formats[k])) &&
			allows(oa->policy[leg], &offer->formats[k]))
			return offer->formats[k].pt;
	return SDP_PT_NONE;
}

// The offerer knows of one codec, and what the answerer has is made into it.
static uint8_t choose_told(const struct sdp_oa *oa, unsigned i, const struct sdp_oa_stream *s)
{
	const unsigned told = oa->pending.early[i] - 1u;

	for (unsigned k = 0; k < s->n_matches; k++)
		if (s->offer->formats[s->match[k].offer].pt == told)
			return SDP_PT_NONE;
	return (uint8_t)told;
}

uint8_t sdp_recode_choose(const struct sdp_oa *oa, struct sdp_arena *scratch, unsigned i,
	const struct sdp_oa_stream *s)
{
	if (oa->pending.early[i] != 0)
		return choose_told(oa, i, s);
	for (unsigned k = 0; k < s->n_matches; k++)
		if (sdp_is_codec(&s->offer->formats[s->match[k].offer]))
			return SDP_PT_NONE; // both have it
	for (unsigned k = 0; k < s->n_added; k++) {
		const struct sdp_format *f = &s->shown->formats[s->added[k].shown];

		if (sdp_is_codec(f) && can_do(oa, sdp_recode_find(f)))
			return choose(oa, scratch, oa->pending.offerer, i, s->offer);
	}
	return SDP_PT_NONE;
}

// ---- events ---------------------------------------------------------------------------------------

// Of events at several clocks, those at that of the codec (RFC 4733 2.1), else the first.
struct search {
	uint32_t clock;
	bool found, exact;
};

static bool is_better(struct search *s, const struct sdp_format *f)
{
	if (!sdp_is_events(f) || s->exact || (s->found && f->rate != s->clock))
		return false;
	s->found = true;
	s->exact = f->rate == s->clock;
	return true;
}

void sdp_recode_events(const struct sdp_oa *oa, unsigned offerer, struct sdp_oa_stream *s)
{
	const struct sdp_codec_policy *x = oa->policy[offerer], *y = oa->policy[offerer ^ 1];
	const bool can = x != NULL && y != NULL && (oa->can & SDP_CAN_DTMF) != 0;
	const bool made = s->recoded || s->told || (can && (!y->events || x->want_events));
	struct search near = {0}, far = {0};

	s->events_offer = SDP_ADDED;
	s->events_far = (struct sdp_match){SDP_ADDED, SDP_ADDED, SDP_ADDED};
	if (s->main.answer != SDP_ADDED) {
		near.clock = s->offer->formats[s->main.offer].rate;
		far.clock = s->shown->formats[s->main.shown].rate;
	}
	for (unsigned k = 0; k < s->n_matches; k++) {
		if (!s->told && is_better(&near, &s->offer->formats[s->match[k].offer]))
			s->events_offer = s->match[k].offer;
		if (is_better(&far, &s->shown->formats[s->match[k].shown]))
			s->events_far = s->match[k];
	}
	for (unsigned k = 0; k < s->n_added; k++)
		if (is_better(&far, &s->shown->formats[s->added[k].shown]))
			s->events_far = s->added[k];
	for (unsigned i = 0; made && speaks_events(x) && i < s->offer->n_formats; i++)
		if (is_better(&near, &s->offer->formats[i]))
			s->events_offer = (uint8_t)i;
}

// ---- comfort noise ----------------------------------------------------------------------------------

static bool is_noise(const struct sdp_format *f)
{
	return sdp_str_is_nocase(f->name, "CN");
}

void sdp_recode_noise(struct sdp_oa_stream *s)
{
	const struct sdp_match none = {SDP_ADDED, SDP_ADDED, SDP_ADDED};
	uint32_t near, far;

	s->cn_offer = SDP_ADDED;
	s->cn_far = none;
	if (s->main.answer == SDP_ADDED)
		return;
	near = s->offer->formats[s->main.offer].rate;
	far = s->shown->formats[s->main.shown].rate;
	for (unsigned k = 0; k < s->n_matches + s->n_added; k++) {
		const struct sdp_match *m = k < s->n_matches ? &s->match[k] : &s->added[k - s->n_matches];
		const struct sdp_format *f = &s->shown->formats[m->shown];

		if (is_noise(f) && f->rate == far)
			s->cn_far = *m;
	}
	if (!s->recoded) {
		s->cn_offer = s->cn_far.offer;
		return;
	}
	for (unsigned i = 0; i < s->offer->n_formats; i++)
		if (is_noise(&s->offer->formats[i]) && s->offer->formats[i].rate == near)
			s->cn_offer = (uint8_t)i;
}

// It may fall silent in a way of its own.
static bool may_pause(const struct sdp_format *f)
{
	if (f->name.len >= 3 && strncasecmp(f->name.ptr, "AMR", 3) == 0)
		return true;
	if (sdp_str_is_nocase(f->name, "opus"))
		return asks_for(f->fmtp, "usedtx");
	return is_noise(f);
}

void sdp_recode_early_events(const struct sdp_oa *oa, unsigned offerer, struct sdp_oa_stream *s)
{
	struct search near = {.clock = s->offer->formats[s->main.offer].rate};

	for (unsigned i = 0; speaks_events(oa->policy[offerer]) && i < s->offer->n_formats; i++)
		if (is_better(&near, &s->offer->formats[i]))
			s->events_offer = (uint8_t)i;
}

bool sdp_recode_is_unclear(const struct sdp_oa_stream *s)
{
	if (s->refusal != SDP_ACCEPTED || s->fax || s->gateway || s->recoded || s->told ||
		s->main.answer == SDP_ADDED)
		return false;
	for (unsigned k = 0; k < s->n_added; k++)
		if (sdp_is_codec(&s->shown->formats[s->added[k].shown]) &&
			s->added[k].answer < s->main.answer)
			return true;
	return false;
}

bool sdp_oa_is_unclear(const struct sdp_oa *oa)
{
	return oa->agreed_once && oa->agreed.unclear;
}

// ---- lines of our own -----------------------------------------------------------------------------

void sdp_recode_put_format(struct sdp_writer *w, const struct sdp_format *f, unsigned pt)
{
	sdp_put(w, "a=rtpmap:%u ", pt);
	sdp_put_str(w, f->name);
	sdp_put(w, "/%u", f->rate);
	if (f->channels > 1)
		sdp_put(w, "/%u", f->channels);
	sdp_put(w, "\r\n");
	if (f->fmtp.len == 0)
		return;
	sdp_put(w, "a=fmtp:%u ", pt);
	sdp_put_str(w, f->fmtp);
	sdp_put(w, "\r\n");
}

// What we take of a codec that was offered with these parameters: those of AMR bind both sides, others say
// only what their own side likes.
struct sdp_str sdp_recode_parameters(const struct sdp_format *offered)
{
	int codec = sdp_recode_find(offered);

	if (sdp_is_events(offered))
		return offered->fmtp.len != 0 ? text_of("0-15") : offered->fmtp;
	if (codec < 0)
		return offered->fmtp;
	if (strncmp(codecs[codec].name, "AMR", 3) == 0)
		return offered->fmtp;
	return text_of(codecs[codec].fmtp);
}

bool sdp_is_recodable(const struct sdp_format *f)
{
	return sdp_recode_find(f) >= 0;
}

// The peer's policy takes this format out of what it says, so it cannot be what was added for the other side.
bool sdp_recode_hides(const struct sdp_oa *oa, enum sdp_leg from, const struct sdp_format *f)
{
	if (sdp_is_events(f))
		return !speaks_events(oa->policy[from]);
	return sdp_is_codec(f) && !allows(oa->policy[from], f);
}
