// SPDX-License-Identifier: BSD-3-Clause
// The boundary's checks of codecs, digits, prompts and recordings.
#include "dataplane/agent/boundary_private.h"

#include <stdbool.h>
#include <string.h>

#define NO_TYPE   255u
#define MIN_TONE  20u
#define MAX_TONE  3400u
#define MAX_LEVEL 63u // -dBm0, as a telephone-event can say it

static bool is_type(uint8_t type)
{
	return type < 128;
}

static bool khz_is_sound(unsigned codec, uint8_t khz)
{
	switch (codec) {
	case ABI_CODEC_L16:
		return khz == 0 || khz == 8 || khz == 16 || khz == 32 || khz == 44 || khz == 48;
	case ABI_CODEC_SPEEX:
		return khz == 0 || khz == 8 || khz == 16 || khz == 32;
	case ABI_CODEC_OPUS:
		return khz == 0 || khz == 8 || khz == 12 || khz == 16 || khz == 24 || khz == 48;
	default:
		return khz == 0;
	}
}

static bool mode_is_sound(const struct abi_codec_info *info, const struct abi_codec_terms *t)
{
	unsigned modes = t->modes ? t->modes : info->modes;

	return t->mode == 0 || (t->mode <= 16 && modes >> (t->mode - 1) & 1);
}

// Payload types of one direction tell packets apart.
static bool types_differ(uint8_t codec, uint8_t cn, uint8_t dtmf)
{
	return codec != dtmf && (!cn || (cn != codec && cn != dtmf));
}

static bool types_are_sound(const struct abi_leg_plan *plan, const struct abi_codec_terms *t)
{
	if (!is_type(plan->codec_type) || !is_type(t->type_in) || !(t->cn_type < 128))
		return false;
	if (!is_type(t->dtmf_out) && t->dtmf_out != NO_TYPE)
		return false;
	return types_differ(plan->codec_type, t->cn_type, t->dtmf_out) &&
	       types_differ(t->type_in, t->cn_type, plan->dtmf_type);
}

static enum abi_field check_dtmf(const struct abi_leg_plan *plan, const struct abi_codec_terms *t)
{
	if (t->dtmf > ABI_DTMF_SIGNALLED)
		return ABI_FIELD_DTMF;
	if (t->dtmf_khz && t->dtmf_khz != 8 && t->dtmf_khz != 16 && t->dtmf_khz != 32 &&
		t->dtmf_khz != 48)
		return ABI_FIELD_DTMF;
	if (t->dtmf == ABI_DTMF_EVENT && plan->dtmf_type == NO_TYPE && t->dtmf_out == NO_TYPE)
		return ABI_FIELD_DTMF;
	return ABI_FIELD_NONE;
}

static bool fax_is_sound(const struct abi_codec_terms *terms)
{
	struct abi_fax_terms t;

	memcpy(&t, terms, sizeof(t));
	return !(t.flags & ~(unsigned)ABI_FAX_FLAGS) && t.max_datagram <= 1400 &&
	       t.max_rate <= 33600 && t.version <= 3 && t.redundancy <= 8 &&
	       abi_zero(t.reserved, sizeof(t.reserved));
}

enum abi_field boundary_codec(const struct abi_leg_plan *plan, const struct abi_codec_terms *t)
{
	const struct abi_codec_info *info = abi_codec_of(plan->codec);

	if (plan->flags & ABI_LEG_UDPTL)
		return fax_is_sound(t) ? ABI_FIELD_NONE : ABI_FIELD_CODEC;
	if (plan->codec == ABI_CODEC_NONE)
		return plan->codec_type || plan->ptime_ms || plan->codec_bits ||
				       !abi_zero(t, sizeof(*t)) || plan->flags & ABI_LEG_DTMF_REPORT
			       ? ABI_FIELD_CODEC
			       : ABI_FIELD_NONE;
	if (!info || t->flags & ~info->flags || t->modes & ~info->modes ||
		!khz_is_sound(plan->codec, t->khz) || !types_are_sound(plan, t) ||
		!mode_is_sound(info, t) || t->channels > (plan->codec == ABI_CODEC_L16 ? 2 : 0) ||
		!abi_codec_ptime(plan->codec, plan->ptime_ms))
		return ABI_FIELD_CODEC;
	return check_dtmf(plan, t);
}

enum abi_field boundary_dtmf_send(
	const struct abi_session_entry *entry, const struct abi_dtmf_send *d)
{
	if (d->leg >= entry->legs)
		return ABI_FIELD_LEG;
	if (!abi_zero(d->reserved, sizeof(d->reserved)))
		return ABI_FIELD_RESERVED;
	if (d->how > ABI_DTMF_INBAND || d->count < 1 || d->count > ABI_DTMF_DIGITS ||
		d->volume > MAX_LEVEL)
		return ABI_FIELD_DTMF;
	if (d->duration_ms && (d->duration_ms < 40 || d->duration_ms > 10000))
		return ABI_FIELD_DTMF;
	if (d->gap_ms && (d->gap_ms < 30 || d->gap_ms > 10000))
		return ABI_FIELD_DTMF;
	for (unsigned i = 0; i < d->count; i++)
		if (d->digit[i] > ABI_DTMF_FLASH)
			return ABI_FIELD_DTMF;
	return abi_zero(d->digit + d->count, ABI_DTMF_DIGITS - d->count) ? ABI_FIELD_NONE
									 : ABI_FIELD_RESERVED;
}

static bool pitch(uint16_t hz)
{
	return hz >= MIN_TONE && hz <= MAX_TONE;
}

static enum abi_field check_tones(const struct abi_play *p)
{
	if (p->tones < 1 || p->tones > ABI_TONES || !abi_zero(p->file, sizeof(p->file)))
		return ABI_FIELD_PLAY;
	for (unsigned i = 0; i < p->tones; i++) {
		const struct abi_tone *t = &p->tone[i];

		if (!pitch(t->hz[0]) || (t->hz[1] && !pitch(t->hz[1])))
			return ABI_FIELD_PLAY;
		if (!t->on_ms && (p->tones > 1 || t->off_ms))
			return ABI_FIELD_PLAY;
	}
	return abi_zero(&p->tone[p->tones], (ABI_TONES - p->tones) * sizeof(p->tone[0]))
		       ? ABI_FIELD_NONE
		       : ABI_FIELD_RESERVED;
}

enum abi_field boundary_play(const struct abi_session_entry *entry, const struct abi_play *p)
{
	if (p->leg >= entry->legs)
		return ABI_FIELD_LEG;
	if (!abi_zero(p->reserved, sizeof(p->reserved)))
		return ABI_FIELD_RESERVED;
	if (p->flags & ~(unsigned)ABI_PLAY_FLAGS || p->volume > MAX_LEVEL)
		return ABI_FIELD_PLAY;
	if (p->kind == ABI_PLAY_TONE)
		return check_tones(p);
	if (p->kind != ABI_PLAY_FILE || p->tones || p->volume ||
		!abi_zero(p->tone, sizeof(p->tone)))
		return ABI_FIELD_PLAY;
	return abi_file_name(p->file) ? ABI_FIELD_NONE : ABI_FIELD_FILE;
}

enum abi_field boundary_play_stop(
	const struct abi_session_entry *entry, const struct abi_play_stop *p)
{
	if (p->leg >= entry->legs)
		return ABI_FIELD_LEG;
	return abi_zero(p->reserved, sizeof(p->reserved)) ? ABI_FIELD_NONE : ABI_FIELD_RESERVED;
}

// One codec of a leg that is not transcoded.
static bool recorded_codec(const struct abi_record_codec *c)
{
	const struct abi_codec_info *info = abi_codec_of(c->codec);

	if (c->codec == ABI_CODEC_NONE)
		return abi_zero(c, sizeof(*c));
	return info && is_type(c->type) && !(c->flags & ~info->flags) &&
	       khz_is_sound(c->codec, c->khz);
}

enum abi_field boundary_record(const struct abi_session_entry *entry, const struct abi_record *r)
{
	unsigned legs = (1u << entry->legs) - 1;

	if (r->legs == 0 || r->legs & ~legs)
		return ABI_FIELD_LEG;
	if (r->reserved0 || r->reserved1 || !abi_zero(r->reserved2, sizeof(r->reserved2)))
		return ABI_FIELD_RESERVED;
	if (r->kind != ABI_RECORD_PCAP && r->kind != ABI_RECORD_WAV)
		return ABI_FIELD_RECORD;
	if (r->kind == ABI_RECORD_PCAP && (r->khz || !abi_zero(r->codec, sizeof(r->codec))))
		return ABI_FIELD_RECORD;
	if (r->khz && r->khz != 8 && r->khz != 16)
		return ABI_FIELD_RECORD;
	for (unsigned i = 0; i < 2 * ABI_RECORD_CODECS; i++)
		if (!recorded_codec(&r->codec[i / ABI_RECORD_CODECS][i % ABI_RECORD_CODECS]))
			return ABI_FIELD_CODEC;
	return abi_file_name(r->file) ? ABI_FIELD_NONE : ABI_FIELD_FILE;
}
