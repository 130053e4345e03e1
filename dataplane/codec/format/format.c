// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/codec/format/format.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define NONE 255

// The usual row of an id stands before its others.
static const struct codec_name table[] = {
	{CODEC_PCMU, 0, 1, 20, 8000, 8000, 64000, "PCMU", "PCMU/8000", ""},
	{CODEC_PCMA, 8, 1, 20, 8000, 8000, 64000, "PCMA", "PCMA/8000", ""},
	{CODEC_G722, 9, 1, 20, 8000, 16000, 64000, "G722", "G722/8000", ""},
	{CODEC_OPUS, NONE, 2, 20, 48000, 48000, 32000, "opus", "opus/48000/2", "useinbandfec=1"},
	{CODEC_G729, 18, 1, 20, 8000, 8000, 8000, "G729", "G729/8000", "annexb=no"},
	{CODEC_L16, NONE, 1, 20, 16000, 16000, 256000, "L16", "L16/16000", ""},
	{CODEC_L16, NONE, 1, 20, 8000, 8000, 128000, "L16", "L16/8000", ""},
	{CODEC_L16, NONE, 1, 20, 32000, 32000, 512000, "L16", "L16/32000", ""},
	{CODEC_L16, 11, 1, 10, 44100, 44100, 705600, "L16", "L16/44100", ""},
	{CODEC_L16, NONE, 1, 10, 48000, 48000, 768000, "L16", "L16/48000", ""},
	{CODEC_L16, NONE, 2, 20, 8000, 8000, 256000, "L16", "L16/8000/2", ""},
	{CODEC_L16, NONE, 2, 20, 16000, 16000, 512000, "L16", "L16/16000/2", ""},
	{CODEC_GSM, 3, 1, 20, 8000, 8000, 13200, "GSM", "GSM/8000", ""},
	{CODEC_G726_16, NONE, 1, 20, 8000, 8000, 16000, "G726-16", "G726-16/8000", ""},
	{CODEC_G726_24, NONE, 1, 20, 8000, 8000, 24000, "G726-24", "G726-24/8000", ""},
	{CODEC_G726_32, 2, 1, 20, 8000, 8000, 32000, "G726-32", "G726-32/8000", ""},
	{CODEC_G726_40, NONE, 1, 20, 8000, 8000, 40000, "G726-40", "G726-40/8000", ""},
	{CODEC_AAL2_G726_16, NONE, 1, 20, 8000, 8000, 16000, "AAL2-G726-16", "AAL2-G726-16/8000",
		""},
	{CODEC_AAL2_G726_24, NONE, 1, 20, 8000, 8000, 24000, "AAL2-G726-24", "AAL2-G726-24/8000",
		""},
	{CODEC_AAL2_G726_32, NONE, 1, 20, 8000, 8000, 32000, "AAL2-G726-32", "AAL2-G726-32/8000",
		""},
	{CODEC_AAL2_G726_40, NONE, 1, 20, 8000, 8000, 40000, "AAL2-G726-40", "AAL2-G726-40/8000",
		""},
	{CODEC_SPEEX, NONE, 1, 20, 8000, 8000, 15000, "speex", "speex/8000", ""},
	{CODEC_SPEEX, NONE, 1, 20, 16000, 16000, 27800, "speex", "speex/16000", ""},
	{CODEC_SPEEX, NONE, 1, 20, 32000, 32000, 29600, "speex", "speex/32000", ""},
	{CODEC_AMR, NONE, 1, 20, 8000, 8000, 12200, "AMR", "AMR/8000", "octet-align=1"},
	{CODEC_AMR_WB, NONE, 1, 20, 16000, 16000, 23850, "AMR-WB", "AMR-WB/16000", "octet-align=1"},
};

#define ROWS (sizeof(table) / sizeof(table[0]))

const struct codec_name *codec_name_at(unsigned index)
{
	return index < ROWS ? &table[index] : NULL;
}

const struct codec_name *codec_by_id(unsigned id)
{
	for (size_t i = 0; i < ROWS; i++)
		if (table[i].id == id)
			return &table[i];
	return NULL;
}

const struct codec_name *codec_by_static_type(unsigned type)
{
	for (size_t i = 0; type < 128 && i < ROWS; i++)
		if (table[i].static_type == type)
			return &table[i];
	return NULL;
}

static bool same_rtpmap(const struct codec_name *row, const char *rtpmap, size_t length)
{
	size_t own = strlen(row->rtpmap);

	if (length < own || strncasecmp(row->rtpmap, rtpmap, own) != 0)
		return false;
	return length == own ||
	       (row->channels == 1 && length == own + 2 && memcmp(rtpmap + own, "/1", 2) == 0);
}

const struct codec_name *codec_by_rtpmap(const char *rtpmap, size_t length)
{
	for (size_t i = 0; i < ROWS; i++)
		if (same_rtpmap(&table[i], rtpmap, length))
			return &table[i];
	return NULL;
}

void codec_format_init(struct codec_format *format, const struct codec_name *name)
{
	*format = (struct codec_format){
		.id = name->id,
		.channels = name->channels,
		.ptime = name->ptime,
		.rtp_clock = name->rtp_clock,
		.sample_rate = name->sample_rate,
		.mode = CODEC_MODE_ANY,
		// RFC 4856 2.1.9: annexb is "yes" unless it is said to be "no".
		.flags = name->id == CODEC_G729 ? CODEC_DTX : 0,
	};
}

int codec_format_parse(
	struct codec_format *format, const char *rtpmap, const char *fmtp, unsigned ptime)
{
	const struct codec_name *name = codec_by_rtpmap(rtpmap, strlen(rtpmap));
	struct codec_format read;
	int err;

	if (!name)
		return -ENOENT;
	codec_format_init(&read, name);
	err = codec_format_fmtp(&read, fmtp ? fmtp : "", fmtp ? strlen(fmtp) : 0);
	if (err)
		return err;
	read.ptime = (uint8_t)codec_format_ptime(&read, ptime ? ptime : name->ptime);
	*format = read;
	return 0;
}

// ---- packet times

// Frames of the codec in ms, and the longest packet.
static unsigned frame_ms(const struct codec_format *format)
{
	switch (format->id) {
	case CODEC_GSM:
	case CODEC_SPEEX:
	case CODEC_AMR:
	case CODEC_AMR_WB:
		return 20;
	default:
		return 10;
	}
}

// Opus has packets of 10, 20 and 40 ms and of one to six 20 ms frames (RFC 6716 3.1, RFC 7587 6.1).
static bool can_be_sent(const struct codec_format *format, unsigned ptime)
{
	if (format->id == CODEC_OPUS)
		return ptime == 10 || (ptime >= 20 && ptime <= 120 && ptime % 20 == 0);
	if (format->id == CODEC_L16 && format->sample_rate * format->channels * ptime / 500 > 1400)
		return false; // it would not fit into a packet
	return ptime >= 10 && ptime <= 60 && ptime % frame_ms(format) == 0;
}

unsigned codec_format_ptime(const struct codec_format *format, unsigned ptime)
{
	unsigned least = frame_ms(format);

	if (format->maxptime && ptime > format->maxptime)
		ptime = format->maxptime;
	if (ptime > 120)
		ptime = 120;
	while (ptime > least && !can_be_sent(format, ptime))
		ptime--;
	return ptime > least ? ptime : least;
}

// ---- what another process says

static bool is_a_row(const struct codec_format *format)
{
	for (size_t i = 0; i < ROWS; i++)
		if (table[i].id == format->id && table[i].channels == format->channels &&
			table[i].rtp_clock == format->rtp_clock &&
			table[i].sample_rate == format->sample_rate)
			return true;
	return false;
}

static unsigned modes_of(const struct codec_format *format)
{
	switch (format->id) {
	case CODEC_AMR:
		return 8;
	case CODEC_AMR_WB:
		return 9;
	case CODEC_SPEEX:
		return format->sample_rate == 8000 ? 9 : 11;
	default:
		return 0;
	}
}

static bool modes_are_sound(const struct codec_format *format)
{
	unsigned modes = modes_of(format);

	if (format->mode_set >> modes)
		return false;
	if (format->mode == CODEC_MODE_ANY)
		return true;
	return format->mode < modes && (!format->mode_set || format->mode_set >> format->mode & 1);
}

int codec_format_check(const struct codec_format *format)
{
	static const uint8_t zero[sizeof(format->reserved)];

	if (!is_a_row(format) || !can_be_sent(format, format->ptime) || !modes_are_sound(format))
		return -EINVAL;
	if (format->flags & ~CODEC_ALL_FLAGS || format->loss > 100 || format->bitrate > 2000000 ||
		format->max_playback > 192000 || memcmp(format->reserved, zero, sizeof(zero)) != 0)
		return -EINVAL;
	return 0;
}
