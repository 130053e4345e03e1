// SPDX-License-Identifier: BSD-3-Clause
// AMR by opencore-amr, AMR-WB by opencore-amr (decoder) and vo-amrwbenc (encoder), with the modes that the other
// side asks for (RFC 4867 3.3, 4.3.1) within those that it allows. Frames of 20 ms.
#include "dataplane/codec/amr.h"

#include <opencore-amrnb/interf_dec.h>
#include <opencore-amrnb/interf_enc.h>
#include <opencore-amrwb/dec_if.h>
#include <vo-amrwbenc/enc_if.h>

#include "dataplane/codec/codec_private.h"

struct decoder {
	struct codec_decoder base;
	void *state;
	bool wide;
	unsigned frame; // samples
};

struct encoder {
	struct codec_encoder base;
	void *state;
	bool wide, dtx;
	unsigned frame;
	uint8_t mode, wanted;
	uint8_t since; // frames since the mode changed, saturating
};

static bool is_wide(const struct codec_format *format)
{
	return format->id == CODEC_AMR_WB;
}

static bool is_aligned(const struct codec_format *format)
{
	return format->flags & CODEC_OCTET_ALIGN;
}

// ---- decoding

static struct codec_decoder *decoder_open(const struct codec_format *format, unsigned rate)
{
	struct decoder *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->wide = is_wide(format);
	d->frame = format->sample_rate / 50;
	d->state = d->wide ? D_IF_init() : Decoder_Interface_init();
	if (!d->state) {
		free(d);
		return NULL;
	}
	return &d->base;
}

static void decoder_close(struct codec_decoder *decoder)
{
	struct decoder *d = (struct decoder *)decoder;

	if (d->wide)
		D_IF_exit(d->state);
	else
		Decoder_Interface_exit(d->state);
	free(d);
}

static void decode_frame(struct decoder *d, const uint8_t *frame, int16_t *pcm)
{
	if (d->wide)
		D_IF_decode(d->state, frame, pcm, 0);
	else
		Decoder_Interface_Decode(d->state, frame, pcm, 0);
}

// A frame without data: what the decoders make of it depends on what came before, speech that was lost or silence
// that goes on.
static void decode_nothing(struct decoder *d, int16_t *pcm)
{
	uint8_t frame[AMR_MAX_FRAME] = {AMR_NO_DATA << 3 | 4};

	decode_frame(d, frame, pcm);
}

static bool is_silence(bool wide, unsigned type)
{
	return type == (wide ? 9u : 8u) || type == AMR_NO_DATA;
}

static int decode(struct codec_decoder *decoder, const uint8_t *payload, size_t length,
	int16_t *pcm, unsigned capacity)
{
	struct decoder *d = (struct decoder *)decoder;
	struct amr_payload p;

	if (amr_read(&p, d->wide, is_aligned(&decoder->format), payload, length))
		return codec_refuse(decoder);
	if (p.count * d->frame > capacity)
		return -ENOSPC;
	decoder->request = p.cmr < (d->wide ? 9 : 8) ? p.cmr : CODEC_MODE_ANY;
	for (unsigned i = 0; i < p.count; i++) {
		// Without the quality bit the bits are known to be damaged (RFC 4867 4.3.2).
		if (p.frame[i][0] & 4)
			decode_frame(d, p.frame[i], pcm + i * d->frame);
		else
			decode_nothing(d, pcm + i * d->frame);
		decoder->quiet = is_silence(d->wide, p.type[i]);
	}
	return (int)(p.count * d->frame);
}

static void conceal(struct codec_decoder *decoder, int16_t *pcm, unsigned samples)
{
	struct decoder *d = (struct decoder *)decoder;
	int16_t frame[320];

	while (samples) {
		unsigned now = samples < d->frame ? samples : d->frame;

		decode_nothing(d, frame);
		memcpy(pcm, frame, now * sizeof(*pcm));
		pcm += now;
		samples -= now;
	}
}

// ---- encoding

static unsigned modes_of(const struct encoder *e)
{
	return e->wide ? 9 : 8;
}

static bool allows(const struct encoder *e, unsigned mode)
{
	uint16_t set = e->base.format.mode_set;

	return mode < modes_of(e) && (!set || set >> mode & 1);
}

// The highest mode of the set up to `most`; the lowest of the set when there is none.
static uint8_t best(const struct encoder *e, unsigned most)
{
	unsigned mode = most < modes_of(e) ? most : modes_of(e) - 1;

	for (unsigned m = mode + 1; m--;)
		if (allows(e, m))
			return (uint8_t)m;
	while (!allows(e, mode))
		mode++;
	return (uint8_t)mode;
}

static void set_mode(struct codec_encoder *encoder, unsigned mode)
{
	struct encoder *e = (struct encoder *)encoder;

	e->wanted = best(e, mode);
}

static struct codec_encoder *encoder_open(const struct codec_format *format, unsigned rate)
{
	struct encoder *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->wide = is_wide(format);
	e->dtx = format->flags & CODEC_DTX;
	e->frame = format->sample_rate / 50;
	e->base.format = *format;
	e->mode = e->wanted = best(e, format->mode);
	e->state = e->wide ? E_IF_init() : Encoder_Interface_init(e->dtx);
	if (!e->state) {
		free(e);
		return NULL;
	}
	return &e->base;
}

static void encoder_close(struct codec_encoder *encoder)
{
	struct encoder *e = (struct encoder *)encoder;

	if (e->wide)
		E_IF_exit(e->state);
	else
		Encoder_Interface_exit(e->state);
	free(e);
}

// One step towards the mode that is wanted, as often and as far as the other side allows.
static void move_mode(struct encoder *e)
{
	uint32_t flags = e->base.format.flags;

	e->since += e->since < 255;
	if (e->mode == e->wanted || (flags & CODEC_MODE_PERIOD_2 && e->since & 1))
		return;
	if (!(flags & CODEC_MODE_NEIGHBOR)) {
		e->mode = e->wanted;
	} else {
		int step = e->wanted > e->mode ? 1 : -1, mode = e->mode;

		do
			mode += step;
		while (!allows(e, (unsigned)mode));
		e->mode = (uint8_t)mode;
	}
	e->since = 0;
}

static int encode(struct codec_encoder *encoder, const int16_t *pcm, unsigned samples, uint8_t *out,
	size_t capacity)
{
	struct encoder *e = (struct encoder *)encoder;
	struct amr_payload p;
	bool anything = false;

	p.cmr = encoder->request == CODEC_MODE_ANY ? AMR_CMR_NONE : encoder->request;
	p.count = 0;
	encoder->quiet = true;
	for (unsigned i = 0; i + e->frame <= samples && p.count < AMR_MAX_FRAMES; i += e->frame) {
		uint8_t *frame = p.frame[p.count];

		move_mode(e);
		if (e->wide)
			E_IF_encode(e->state, e->mode, pcm + i, frame, e->dtx);
		else
			Encoder_Interface_Encode(e->state, (enum Mode)e->mode, pcm + i, frame, 0);
		p.type[p.count] = frame[0] >> 3 & 15;
		anything |= p.type[p.count] != AMR_NO_DATA;
		encoder->quiet &= is_silence(e->wide, p.type[p.count]);
		p.count++;
	}
	return anything ? amr_write(&p, e->wide, is_aligned(&encoder->format), out, capacity) : 0;
}

#define AMR(which, owners)                                                                         \
	{                                                                                          \
		.id = which, .library = owners, .does_rate = plain_does_rate, .frame_ms = 20,      \
		.decoder_open = decoder_open, .decoder_close = decoder_close, .decode = decode,    \
		.conceal = conceal, .encoder_open = encoder_open, .encoder_close = encoder_close,  \
		.encode = encode, .set_mode = set_mode,                                            \
	}

const struct codec_ops codec_amr = AMR(CODEC_AMR, "opencore-amr (Apache-2.0)");
const struct codec_ops codec_amr_wb = AMR(CODEC_AMR_WB, "opencore-amr, vo-amrwbenc (Apache-2.0)");
