// SPDX-License-Identifier: BSD-3-Clause
// G.726 (RFC 3551 4.5.4) by spandsp. RFC 3551's packing has the first code in the lowest bits, AAL2's in the highest.
#include <spandsp.h>

#include "dataplane/codec/codec_private.h"

#define LIBRARY "spandsp (LGPL-2.1)"

struct g726_decoder {
	struct plain_decoder plain;
	g726_state_t *state;
};

struct g726_encoder {
	struct codec_encoder base;
	g726_state_t *state;
};

static unsigned bits_of(const struct codec_format *format)
{
	return format->id >= CODEC_AAL2_G726_16 ? format->id - CODEC_AAL2_G726_16 + 2u
						: format->id - CODEC_G726_16 + 2u;
}

static g726_state_t *g726_new(const struct codec_format *format)
{
	int packing = format->id >= CODEC_AAL2_G726_16 ? G726_PACKING_LEFT : G726_PACKING_RIGHT;

	return g726_init(NULL, (int)bits_of(format) * 8000, G726_ENCODING_LINEAR, packing);
}

static struct codec_decoder *g726_decoder_open(const struct codec_format *format, unsigned rate)
{
	struct g726_decoder *d = plain_decoder_new(sizeof(*d), rate);

	if (!d)
		return NULL;
	d->state = g726_new(format);
	if (!d->state) {
		free(d);
		return NULL;
	}
	return &d->plain.base;
}

static void g726_decoder_close(struct codec_decoder *decoder)
{
	g726_free(((struct g726_decoder *)decoder)->state);
	free(decoder);
}

// Eight codes fill whole bytes: `bits` of them.
static int g726_decode_payload(struct codec_decoder *decoder, const uint8_t *payload, size_t length,
	int16_t *pcm, unsigned capacity)
{
	struct g726_decoder *d = (struct g726_decoder *)decoder;
	unsigned bits = bits_of(&decoder->format);
	size_t samples = length / bits * 8;

	if (!length || length % bits || samples > 8 * CODEC_MAX_MS)
		return codec_refuse(decoder);
	if (samples > capacity)
		return -ENOSPC;
	samples = (size_t)g726_decode(d->state, pcm, payload, (int)length);
	codec_plc_good(&d->plain.plc, pcm, (unsigned)samples);
	return (int)samples;
}

static struct codec_encoder *g726_encoder_open(const struct codec_format *format, unsigned rate)
{
	struct g726_encoder *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->state = g726_new(format);
	if (!e->state) {
		free(e);
		return NULL;
	}
	return &e->base;
}

static void g726_encoder_close(struct codec_encoder *encoder)
{
	g726_free(((struct g726_encoder *)encoder)->state);
	free(encoder);
}

static int g726_encode_payload(struct codec_encoder *encoder, const int16_t *pcm, unsigned samples,
	uint8_t *out, size_t capacity)
{
	struct g726_encoder *e = (struct g726_encoder *)encoder;

	if ((size_t)samples * bits_of(&encoder->format) / 8 > capacity)
		return -ENOSPC;
	return g726_encode(e->state, out, pcm, (int)samples);
}

#define G726(which)                                                                                \
	{                                                                                          \
		.id = which, .library = LIBRARY, .does_rate = plain_does_rate,                     \
		.decoder_open = g726_decoder_open, .decoder_close = g726_decoder_close,            \
		.decode = g726_decode_payload, .conceal = plain_conceal,                           \
		.encoder_open = g726_encoder_open, .encoder_close = g726_encoder_close,            \
		.encode = g726_encode_payload,                                                     \
	}

const struct codec_ops codec_g726[8] = {
	G726(CODEC_G726_16),
	G726(CODEC_G726_24),
	G726(CODEC_G726_32),
	G726(CODEC_G726_40),
	G726(CODEC_AAL2_G726_16),
	G726(CODEC_AAL2_G726_24),
	G726(CODEC_AAL2_G726_32),
	G726(CODEC_AAL2_G726_40),
};
