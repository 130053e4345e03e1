// SPDX-License-Identifier: BSD-3-Clause
// What a plan's codecs want: whether the forwarding path can do it, what it costs a transcoder, and the paths
// that do it.
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "dataplane/agent/session_media.h"

#define NO_TYPE        255u
#define FAX_REDUNDANCY 3u
#define FAX_DELAY_MS   80u // a modem takes a gap worse than a delay

_Static_assert((int)ABI_CODECS == (int)CODECS && (int)ABI_CODEC_AMR_WB == (int)CODEC_AMR_WB &&
		       (int)ABI_CODEC_SPEEX == (int)CODEC_SPEEX &&
		       (int)ABI_CODEC_L16 == (int)CODEC_L16,
	"codecs have one numbering");
_Static_assert((int)ABI_CODEC_FEC == (int)CODEC_FEC && (int)ABI_CODEC_CBR == (int)CODEC_CBR &&
		       (int)ABI_CODEC_OCTET_ALIGNED == (int)CODEC_OCTET_ALIGN &&
		       (int)ABI_CODEC_PERIOD_2 == (int)CODEC_MODE_PERIOD_2,
	"and their flags");
_Static_assert((int)ABI_DTMF_SIGNALLED == (int)CODEC_DTMF_SIGNALLED, "and kinds of digits");

bool media_is_fax(const struct abi_session_plan *plan)
{
	return (plan->leg[0].flags ^ plan->leg[1].flags) & ABI_LEG_UDPTL;
}

// ---- can the forwarding path do it?

static bool both_g711(unsigned a, unsigned b)
{
	return (a == ABI_CODEC_PCMU && b == ABI_CODEC_PCMA) ||
	       (a == ABI_CODEC_PCMA && b == ABI_CODEC_PCMU);
}

static bool same_codec(const struct abi_session_plan *plan)
{
	const struct abi_codec_terms *a = &plan->terms[0], *b = &plan->terms[1];
	uint16_t matters = ABI_CODEC_OCTET_ALIGNED;

	if (plan->leg[0].codec != plan->leg[1].codec) // the worker converts what has one number
		return both_g711(plan->leg[0].codec, plan->leg[1].codec) &&
		       !media_also_codec(&plan->leg[0], a) && !media_also_codec(&plan->leg[1], b);
	if (plan->leg[0].codec == ABI_CODEC_G729) // who has no annex B cannot read SID frames
		matters |= ABI_CODEC_DTX;
	if (plan->leg[0].codec != ABI_CODEC_OPUS && a->khz != b->khz)
		return false;
	return !((a->flags ^ b->flags) & matters) && a->channels == b->channels &&
	       a->modes == b->modes;
}

static bool same_digits(const struct abi_session_plan *plan)
{
	const struct abi_codec_terms *a = &plan->terms[0], *b = &plan->terms[1];
	bool a_events = a->dtmf == ABI_DTMF_EVENT, b_events = b->dtmf == ABI_DTMF_EVENT;

	if (plan->leg[0].flags & ABI_LEG_DTMF_REPORT || plan->leg[1].flags & ABI_LEG_DTMF_REPORT)
		return false;
	if (a->dtmf == ABI_DTMF_NONE || b->dtmf == ABI_DTMF_NONE)
		return a->dtmf != ABI_DTMF_SIGNALLED && b->dtmf != ABI_DTMF_SIGNALLED;
	if (a->dtmf != b->dtmf)
		return false;
	return !a_events || !b_events || a->dtmf_khz == b->dtmf_khz;
}

static bool listens_for_fax(const struct abi_session_plan *plan)
{
	return (plan->leg[0].flags | plan->leg[1].flags) & ABI_LEG_FAX_REPORT;
}

enum media_way media_way_of(const struct abi_session_plan *plan, unsigned legs)
{
	if (!plan->leg[0].codec && !(legs == 2 && plan->leg[1].codec))
		return MEDIA_PLAIN;
	if (legs != 2 || !plan->leg[0].codec || !plan->leg[1].codec)
		return MEDIA_THREAD;
	return same_codec(plan) && same_digits(plan) &&
			       plan->leg[0].ptime_ms == plan->leg[1].ptime_ms &&
			       !plan->terms[0].cn_type == !plan->terms[1].cn_type &&
			       !listens_for_fax(plan)
		       ? MEDIA_RELAY
		       : MEDIA_THREAD;
}

uint32_t media_cost(const struct abi_session_plan *plan, unsigned legs)
{
	if (media_is_fax(plan))
		return transcoders_fax_cost();
	if (legs != 2)
		return transcoders_cost(plan->leg[0].codec, ABI_CODEC_NONE);
	return transcoders_cost(plan->leg[0].codec, plan->leg[1].codec) +
	       transcoders_cost(plan->leg[1].codec, plan->leg[0].codec);
}

// ---- paths

static const struct codec_name *name_of(
	const struct abi_leg_plan *leg, const struct abi_codec_terms *t)
{
	uint32_t clock = abi_codec_clock(leg->codec, t->khz);
	const struct codec_name *name;
	unsigned channels = t->channels ? t->channels : 1;

	for (unsigned i = 0; (name = codec_name_at(i)); i++)
		if (name->id == leg->codec && name->rtp_clock == clock &&
			(name->id != CODEC_L16 || name->channels == channels))
			return name;
	return NULL;
}

int media_format(const struct abi_leg_plan *leg, const struct abi_codec_terms *t,
	struct codec_format *format)
{
	const struct codec_name *name = name_of(leg, t);

	if (!name)
		return -EOPNOTSUPP;
	codec_format_init(format, name);
	format->ptime = leg->ptime_ms;
	format->bitrate = leg->codec_bits * 1000u;
	format->max_playback = leg->codec == ABI_CODEC_OPUS ? t->khz * 1000u : 0;
	format->flags = t->flags;
	format->mode_set = t->modes;
	format->mode = t->mode ? (uint8_t)(t->mode - 1) : CODEC_MODE_ANY;
	return codec_format_check(format) ? -EOPNOTSUPP : 0;
}

static int side_of(
	const struct abi_session_plan *plan, unsigned leg, bool from, struct codec_side *side)
{
	const struct abi_leg_plan *l = &plan->leg[leg];
	const struct abi_codec_terms *t = &plan->terms[leg];

	memset(side, 0, sizeof(*side));
	side->cn_type = side->event_type = NO_TYPE;
	if (!l->codec)
		return 0;
	side->type = from ? t->type_in : l->codec_type;
	side->cn_type = t->cn_type ? t->cn_type : NO_TYPE;
	side->event_type = from ? l->dtmf_type : t->dtmf_out;
	side->event_clock = t->dtmf_khz * 1000u;
	if (from) {
		side->also_type = media_also_codec(l, t);
		side->also_event_type = media_also_events(l, t);
	}
	return media_format(l, t, &side->format);
}

static int open_path(const struct abi_session_plan *plan, unsigned from, struct codec_path **path)
{
	struct codec_path_config c = {
		.dtmf_from = plan->terms[from].dtmf, .dtmf_to = plan->terms[!from].dtmf};
	uint64_t random = 0;
	int err = side_of(plan, from, true, &c.from);

	if (!err)
		err = side_of(plan, !from, false, &c.to);
	if (err)
		return err;
	if (plan->leg[from].flags & ABI_LEG_DTMF_REPORT && c.dtmf_from == CODEC_DTMF_NONE)
		c.flags |= CODEC_PATH_DETECT;
	if (plan->leg[from].flags & ABI_LEG_FAX_REPORT && plan->leg[from].codec)
		c.flags |= CODEC_PATH_FAX;
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		random = (uintptr_t)plan * 0x9e3779b97f4a7c15ull;
	c.seq = (uint16_t)(random & 0x7fff); // far from its wrap, for SRTP's roll-over counter
	c.timestamp = (uint32_t)(random >> 32);
	return codec_path_open(path, &c);
}

// ---- T.38

// G.711 in, 16-bit PCM at 8 kHz out, by the clock.
static int open_ear(const struct abi_session_plan *plan, unsigned audio, struct codec_path **path)
{
	struct codec_path_config c = {
		.flags = CODEC_PATH_PLAYOUT, .min_delay_ms = FAX_DELAY_MS, .max_delay_ms = 300};
	const struct abi_leg_plan pcm = {.codec = ABI_CODEC_L16, .ptime_ms = 20};
	const struct abi_codec_terms terms = {.khz = 8};
	int err = side_of(plan, audio, true, &c.from);

	c.from.event_type = c.from.cn_type = NO_TYPE;
	c.to.type = 96;
	c.to.event_type = c.to.cn_type = NO_TYPE;
	if (!err)
		err = media_format(&pcm, &terms, &c.to.format);
	return err ? err : codec_path_open(path, &c);
}

static int open_fax(const struct abi_session_plan *plan, struct dp_tc_set *set)
{
	unsigned leg = plan->leg[1].flags & ABI_LEG_UDPTL ? 1 : 0;
	struct abi_fax_terms t;
	struct fax_config c;
	int err;

	memcpy(&t, &plan->terms[leg], sizeof(t));
	c = (struct fax_config){
		.version = t.version,
		.redundancy = t.redundancy,
		.max_datagram = t.max_datagram,
		.max_rate = t.max_rate,
		.transferred_tcf = t.flags & ABI_FAX_TRANSFERRED_TCF,
		.fill_bit_removal = t.flags & ABI_FAX_FILL_BIT_REMOVAL,
		.mmr = t.flags & ABI_FAX_MMR,
		.jbig = t.flags & ABI_FAX_JBIG,
		.no_ecm = t.flags & ABI_FAX_NO_ECM,
	};
	if (abi_zero(&t, sizeof(t)))
		c.redundancy = FAX_REDUNDANCY;
	set->fax_leg = (uint8_t)leg;
	err = open_ear(plan, !leg, &set->path[!leg]);
	if (!err)
		err = open_path(plan, leg, &set->path[leg]);
	return err ? err : fax_open(&set->fax, &c);
}

static void close_all(struct dp_tc_set *set)
{
	for (unsigned i = 0; i < 2; i++) {
		codec_path_close(set->path[i]);
		set->path[i] = NULL;
	}
	fax_close(set->fax);
	set->fax = NULL;
}

static void fill_terms(const struct abi_session_plan *plan, unsigned legs, struct dp_tc_set *set)
{
	for (unsigned i = 0; i < legs; i++) {
		const struct abi_leg_plan *leg = &plan->leg[i];
		struct dp_tc_terms *terms = &set->terms[i];

		terms->mute = !(leg->flags & ABI_LEG_SEND);
		terms->fax = leg->flags & ABI_LEG_FAX_REPORT;
		if (!leg->codec)
			continue;
		terms->rtcp = leg->flags & ABI_LEG_RTCP && leg->flags & ABI_LEG_SEND;
		terms->report = leg->flags & ABI_LEG_DTMF_REPORT ||
				(legs == 2 && plan->leg[!i].codec &&
					plan->terms[!i].dtmf == ABI_DTMF_SIGNALLED);
		terms->how =
			plan->terms[i].dtmf == ABI_DTMF_INBAND ? ABI_DTMF_INBAND : ABI_DTMF_EVENT;
		terms->clock = abi_codec_clock(leg->codec, plan->terms[i].khz);
	}
}

int media_open(const struct abi_session_plan *plan, unsigned legs, struct dp_tc_set *set)
{
	int err = 0;

	fill_terms(plan, legs, set);
	if (media_is_fax(plan))
		err = open_fax(plan, set);
	for (unsigned i = 0; i < legs && !err && !media_is_fax(plan); i++)
		if (legs == 2 && plan->leg[!i].codec)
			err = open_path(plan, i, &set->path[i]);
	if (err)
		close_all(set);
	return err == -EINVAL ? -EOPNOTSUPP : err;
}
