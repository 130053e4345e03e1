// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/call/codecs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PTIME          20u // ms, of who does not say
#define FAX_REDUNDANCY 3u  // packets that a datagram repeats

// ---- policies -------------------------------------------------------------------------------------

static struct sdp_names names_of(const struct cfg_names *n)
{
	return (struct sdp_names){(const char (*)[16])n->name, n->count};
}

void cp_codecs_policy(const struct cfg_peer *cfg, struct sdp_codec_policy *out)
{
	const struct cfg_codecs *c = &cfg->codecs;

	*out = (struct sdp_codec_policy){
		.allow = names_of(&c->allow),
		.strip = names_of(&c->strip),
		.order = names_of(&c->order),
		.add = names_of(&c->add),
		.usual = cfg->kind == CFG_WEBRTC ? SDP_USUAL_BROWSER : SDP_USUAL_PHONE,
		.transcode = !c->no_transcode,
		.events = c->dtmf == CFG_DTMF_AUTO || c->dtmf == CFG_DTMF_RFC4733,
		.want_events = c->dtmf == CFG_DTMF_RFC4733,
		.music = c->hold_music != NULL,
		.fax_gateway = c->t38 == CFG_T38_GATEWAY && cfg->kind != CFG_WEBRTC,
		// Who insists on SRTP gets nothing in the clear.
		.t38 = c->t38 == CFG_T38_PASS && cfg->kind != CFG_WEBRTC &&
		       cfg->srtp != CFG_SRTP_SDES && cfg->srtp != CFG_SRTP_DTLS,
	};
}

static bool is_abi(unsigned abi, const char *name, uint32_t rate)
{
	const struct abi_codec_info *info = abi_codec_of(abi);

	return info && strcasecmp(info->name, name) == 0 &&
	       abi_codec_clock(abi, rate / 1000) == rate;
}

static uint8_t find_abi(const char *name, uint32_t rate)
{
	for (unsigned abi = 1; abi < ABI_CODECS; abi++)
		if (is_abi(abi, name, rate))
			return (uint8_t)abi;
	return ABI_CODEC_NONE;
}

uint32_t cp_codecs_can(uint64_t codecs, bool udptl, bool fax)
{
	const struct sdp_recode_codec *c;
	uint32_t can = udptl ? SDP_CAN_T38 : 0;

	for (unsigned i = 0; (c = sdp_recode_codec(i)) != NULL; i++)
		if (codecs >> find_abi(c->name, c->rate) & 1)
			can |= 1u << i;
	if (udptl && fax && codecs >> ABI_CODEC_PCMU & codecs >> ABI_CODEC_PCMA & 1)
		can |= SDP_CAN_FAX;
	return can & ((1u << SDP_RECODE_MAX) - 1) ? can | SDP_CAN_DTMF : can;
}

// ---- terms of a codec -----------------------------------------------------------------------------

// A number of "name=...;..."; -1: it is not there.
static long parameter(const char *fmtp, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = fmtp; p; p = strchr(p, ';')) {
		p += strspn(p, "; ");
		if (strncasecmp(p, name, n) == 0 && p[n] == '=')
			return strtol(p + n + 1, NULL, 10);
		if (!*p)
			break;
	}
	return -1;
}

static uint16_t modes_of(const char *fmtp)
{
	const char *p = strcasestr(fmtp, "mode-set=");
	uint16_t modes = 0;

	for (p = p ? p + 9 : ""; *p >= '0' && *p <= '8'; p += p[1] == ',' ? 2 : 1)
		modes |= (uint16_t)(1u << (*p - '0'));
	return modes;
}

static uint16_t flag_if(const char *fmtp, const char *name, uint16_t flag)
{
	return parameter(fmtp, name) == 1 ? flag : 0;
}

static void amr_terms(const char *fmtp, struct abi_codec_terms *t)
{
	t->flags = flag_if(fmtp, "octet-align", ABI_CODEC_OCTET_ALIGNED) |
		   flag_if(fmtp, "mode-change-neighbor", ABI_CODEC_NEIGHBOR);
	if (parameter(fmtp, "mode-change-period") == 2)
		t->flags |= ABI_CODEC_PERIOD_2;
	t->modes = modes_of(fmtp);
}

static void opus_terms(const char *fmtp, struct abi_leg_plan *leg, struct abi_codec_terms *t)
{
	long most = parameter(fmtp, "maxplaybackrate"), bits = parameter(fmtp, "maxaveragebitrate");

	t->flags = flag_if(fmtp, "useinbandfec", ABI_CODEC_FEC) |
		   flag_if(fmtp, "usedtx", ABI_CODEC_DTX) |
		   flag_if(fmtp, "cbr", ABI_CODEC_CBR);
	if (most > 0 && most <= 16000)
		t->khz = most <= 8000 ? 8 : 16;
	if (bits >= 6000 && bits < 255000)
		leg->codec_bits = (uint8_t)(bits / 1000);
}

// The party's own wish, as far as the codec has packets of that length.
static uint8_t ptime_of(unsigned codec, const struct sdp_plan_leg *in)
{
	unsigned most = in->maxptime ? in->maxptime : 60, ms = in->ptime ? in->ptime : PTIME;

	ms = ms < most ? ms : most;
	ms = ms > 60 ? 60 : ms - ms % 10;
	for (; ms >= 10; ms -= 10)
		if (abi_codec_ptime(codec, ms))
			return (uint8_t)ms;
	for (ms = 10; !abi_codec_ptime(codec, ms) && ms < 120;)
		ms += 10;
	return (uint8_t)ms;
}

static int leg_codec(const struct sdp_plan_leg *in, uint8_t dtmf, struct abi_leg_plan *leg,
	struct abi_codec_terms *t)
{
	const char *fmtp = in->out.fmtp;
	unsigned codec = find_abi(in->out.name, in->out.rate);

	if (codec == ABI_CODEC_NONE)
		return -EOPNOTSUPP;
	leg->codec = (uint8_t)codec;
	leg->codec_type = in->out.pt;
	leg->ptime_ms = ptime_of(codec, in);
	t->type_in = in->in.pt;
	if (codec == ABI_CODEC_AMR || codec == ABI_CODEC_AMR_WB)
		amr_terms(fmtp, t);
	else if (codec == ABI_CODEC_OPUS)
		opus_terms(fmtp, leg, t);
	else if (codec == ABI_CODEC_L16 || codec == ABI_CODEC_SPEEX)
		t->khz = (uint8_t)(in->out.rate / 1000);
	if (codec == ABI_CODEC_L16)
		t->channels = in->out.channels;
	if (in->cn != SDP_PT_NONE && in->cn != leg->codec_type && in->cn != t->type_in)
		t->cn_type = in->cn;
	t->dtmf = dtmf;
	t->dtmf_out = 255;
	if (in->dtmf_out != SDP_PT_NONE) {
		t->dtmf_out = in->dtmf_out;
		t->dtmf_khz = (uint8_t)(in->dtmf_rate / 1000);
	}
	memset(leg->pt_map, 0, sizeof(leg->pt_map));
	leg->pt_maps = 0;
	leg->payload_types[in->in.pt / 64] |= 1ull << in->in.pt % 64;
	return 0;
}

// ---- does it have to be looked into? --------------------------------------------------------------

uint8_t cp_codecs_dtmf(const struct cfg_codecs *peer, bool events, bool info)
{
	switch (peer ? peer->dtmf : CFG_DTMF_AUTO) {
	case CFG_DTMF_INFO:
		return ABI_DTMF_SIGNALLED;
	case CFG_DTMF_INBAND:
		return ABI_DTMF_INBAND;
	case CFG_DTMF_RFC4733:
		return events ? ABI_DTMF_EVENT : ABI_DTMF_INBAND;
	default:
		return events ? ABI_DTMF_EVENT : info ? ABI_DTMF_SIGNALLED : ABI_DTMF_NONE;
	}
}

// Of both legs. Who does not say gives tones, where the other side has something else. An INFO that came by the way
// is no reason to listen to everything.
static void find_dtmf(const struct cp_codecs_want *want, const struct sdp_plan_stream *stream,
	bool info, uint8_t dtmf[2])
{
	for (unsigned leg = 0; leg < 2; leg++)
		dtmf[leg] = cp_codecs_dtmf(want->peer[leg],
			stream->leg[leg].dtmf_in != SDP_PT_NONE, info && want->info[leg]);
	for (unsigned leg = 0; leg < 2; leg++)
		if (dtmf[leg] == ABI_DTMF_NONE && dtmf[leg ^ 1] != ABI_DTMF_NONE)
			dtmf[leg] = ABI_DTMF_INBAND;
}

static bool is_recodable(uint32_t can, const struct sdp_plan_codec *c)
{
	const struct sdp_recode_codec *r;

	for (unsigned i = 0; (r = sdp_recode_codec(i)) != NULL; i++)
		if (strcasecmp(r->name, c->name) == 0 && r->rate == c->rate)
			return can >> i & 1;
	return false;
}

// Packets of one are longer than the other takes.
static bool too_long(const struct sdp_plan_leg *from, const struct sdp_plan_leg *to)
{
	return to->maxptime && to->maxptime >= 10 && from->ptime > to->maxptime;
}

// A fax machine may be heard that the gateway is there for: where its party speaks G.711.
static bool listens(const struct cp_codecs_want *want, const struct sdp_plan_stream *s)
{
	const char *name = want->listen ? s->leg[want->listen - 1].in.name : "";

	return strcasecmp(name, "PCMA") == 0 || strcasecmp(name, "PCMU") == 0;
}

static bool wants_a_look(const struct cp_codecs_want *want, const struct sdp_plan_stream *s,
	const uint8_t dtmf[2])
{
	const bool transcode = !(want->peer[0] && want->peer[0]->no_transcode) &&
			       !(want->peer[1] && want->peer[1]->no_transcode);

	if (!s->leg[0].out.name[0] || s->leg[0].secure.keying == SDP_KEY_PASS ||
		!is_recodable(want->can, &s->leg[0].out) || !is_recodable(want->can, &s->leg[1].out))
		return false;
	return want->look || listens(want, s) || dtmf[0] != dtmf[1] ||
	       (transcode && (too_long(&s->leg[0], &s->leg[1]) || too_long(&s->leg[1], &s->leg[0])));
}

static void plan_fax(struct abi_leg_plan *leg)
{
	leg->flags |= ABI_LEG_UDPTL;
	leg->flags &= ~(uint32_t)(ABI_LEG_RTCP | ABI_LEG_RTCP_MUX | ABI_LEG_TIMEOUT);
	leg->payload_types[0] = leg->payload_types[1] = 0;
	leg->pt_maps = 0;
	leg->dtmf_type = 255;
	leg->max_packets = leg->max_octets = 0;
	memset(leg->pt_map, 0, sizeof(leg->pt_map));
	memset(leg->remote_rtcp_ip, 0, sizeof(leg->remote_rtcp_ip));
	leg->remote_rtcp_port = 0;
}

static bool is_amr(unsigned codec)
{
	return codec == ABI_CODEC_AMR || codec == ABI_CODEC_AMR_WB;
}

// May what comes from this leg fall silent? AMR always may.
static bool pauses(const struct abi_session_plan *plan, unsigned leg)
{
	return plan->terms[leg].cn_type || is_amr(plan->leg[leg].codec) ||
	       plan->terms[leg].flags & ABI_CODEC_DTX;
}

// We are silent where the one side may be and the other is told of it in a way that it has. Who never falls silent is
// heard to the last bit.
static void agree_silence(struct abi_session_plan *plan)
{
	const bool may[2] = {pauses(plan, 0), pauses(plan, 1)};

	for (unsigned leg = 0; leg < 2; leg++) {
		struct abi_codec_terms *t = &plan->terms[leg];

		if (!may[leg ^ 1])
			t->flags &= (uint16_t)~ABI_CODEC_DTX;
		else if (t->cn_type || is_amr(plan->leg[leg].codec))
			t->flags |= ABI_CODEC_DTX;
	}
}

static void fax_terms(const struct sdp_fax *fax, struct abi_codec_terms *terms)
{
	struct abi_fax_terms t = {
		.flags = (uint16_t)((fax->transferred_tcf ? ABI_FAX_TRANSFERRED_TCF : 0) |
				    (fax->fill_bit_removal ? ABI_FAX_FILL_BIT_REMOVAL : 0) |
				    (fax->mmr ? ABI_FAX_MMR : 0) | (fax->jbig ? ABI_FAX_JBIG : 0)),
		.max_datagram = fax->max_datagram,
		.max_rate = (uint16_t)fax->max_rate,
		.version = fax->version,
		.redundancy = fax->redundancy ? FAX_REDUNDANCY : 0,
	};

	_Static_assert(sizeof(t) == sizeof(*terms), "one stands in the other's place");
	memcpy(terms, &t, sizeof(t));
}

static int plan_gateway(const struct sdp_plan_stream *stream, struct abi_session_plan *plan)
{
	const unsigned t38 = stream->leg[1].fax.on ? 1 : 0, audio = t38 ^ 1;
	struct abi_leg_plan *leg = &plan->leg[audio];
	int err;

	plan_fax(&plan->leg[t38]);
	plan->leg[t38].flags |= ABI_LEG_FAX_REPORT;
	fax_terms(&stream->leg[t38].fax, &plan->terms[t38]);
	err = leg_codec(&stream->leg[audio], ABI_DTMF_NONE, leg, &plan->terms[audio]);
	leg->dtmf_type = 255;
	leg->flags &= ~(uint32_t)ABI_LEG_TIMEOUT; // machines take turns
	plan->clock_rate = 8000;
	return err ? err : 1;
}

int cp_codecs_plan(const struct cp_codecs_want *want, const struct sdp_plan_stream *stream,
	struct abi_session_plan *plan)
{
	uint8_t dtmf[2];
	int err = 0;

	if (stream->fax) {
		plan_fax(&plan->leg[0]);
		plan_fax(&plan->leg[1]);
		return 0;
	}
	if (stream->gateway)
		return plan_gateway(stream, plan);
	if (want->alone) {
		err = leg_codec(&stream->leg[0], ABI_DTMF_NONE, &plan->leg[0], &plan->terms[0]);
		return err ? err : 1;
	}
	find_dtmf(want, stream, false, dtmf);
	if (stream->kind != SDP_AUDIO || !(stream->recoded || wants_a_look(want, stream, dtmf)))
		return 0;
	find_dtmf(want, stream, true, dtmf);
	for (unsigned leg = 0; leg < 2 && !err; leg++)
		err = leg_codec(&stream->leg[leg], dtmf[leg], &plan->leg[leg], &plan->terms[leg]);
	if (!err)
		agree_silence(plan);
	for (unsigned leg = 0; leg < 2 && listens(want, stream); leg++)
		plan->leg[leg].flags |= ABI_LEG_FAX_REPORT;
	return err ? err : 1;
}

void cp_codecs_heard(const struct sdp_plan_leg *leg, struct abi_record_codec *out)
{
	struct abi_leg_plan plan = {0};
	struct abi_codec_terms terms = {0};

	*out = (struct abi_record_codec){0};
	if (!leg->in.name[0] || leg_codec(leg, ABI_DTMF_NONE, &plan, &terms))
		return;
	out->codec = plan.codec;
	out->type = leg->in.pt;
	out->khz = plan.codec == ABI_CODEC_OPUS ? 0 : terms.khz;
	out->flags = (uint8_t)(terms.flags & ABI_CODEC_OCTET_ALIGNED);
}

// ---- in words -------------------------------------------------------------------------------------

void cp_codecs_why(const struct sdp_plan_stream *stream, char why[CP_CODECS_WHY])
{
	const char *a = stream->leg[0].out.name, *b = stream->leg[1].out.name;

	why[0] = '\0';
	if (stream->fax)
		snprintf(why, CP_CODECS_WHY, "T.38 passed through");
	else if (stream->gateway)
		snprintf(why, CP_CODECS_WHY, "fax gateway: %s has no T.38",
			stream->leg[0].fax.on ? "callee" : "caller");
	else if (stream->recoded)
		snprintf(why, CP_CODECS_WHY, "%.20s -> %.20s: callee has no %.20s", a, b, a);
	else if (a[0])
		snprintf(why, CP_CODECS_WHY, "%.20s both", a);
}
