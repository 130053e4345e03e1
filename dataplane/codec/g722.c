// SPDX-License-Identifier: BSD-3-Clause
// G.722 (RFC 3551 4.5.2) by spandsp.
//
// At 8 kHz it works on the lower band alone, without the filters that split and join the bands: half the work, and no
// resampling for a narrow-band other side, which could not hear the upper band anyway.
//
// spandsp's joining filter lets loud sound overflow from one extreme to the other, where the Recommendation (and
// libavcodec's decoder, with which a test compares) saturates. So a frame that is loud is decoded again, byte by byte,
// and its last step done here.
#include <spandsp.h>
#include <spandsp/expose.h>

#include "dataplane/codec/codec_private.h"

#define LOUD 16384 // no frame whose samples are all below can have overflowed

struct g722_decoder {
	struct plain_decoder plain;
	g722_decode_state_t *state;
};

struct g722_encoder {
	struct codec_encoder base;
	g722_encode_state_t *state;
};

static bool g722_does_rate(const struct codec_format *format, unsigned rate)
{
	return rate == 8000;
}

static int g722_options(unsigned rate)
{
	return rate == 8000 ? G722_SAMPLE_RATE_8000 : 0;
}

static struct codec_decoder *g722_decoder_open(const struct codec_format *format, unsigned rate)
{
	struct g722_decoder *d = plain_decoder_new(sizeof(*d), rate);

	if (!d)
		return NULL;
	d->state = g722_decode_init(NULL, 64000, g722_options(rate));
	if (!d->state) {
		free(d);
		return NULL;
	}
	return &d->plain.base;
}

static void g722_decoder_close(struct codec_decoder *decoder)
{
	g722_decode_free(((struct g722_decoder *)decoder)->state);
	free(decoder);
}

static bool is_loud(const int16_t *pcm, size_t samples)
{
	int loud = 0;

	for (size_t i = 0; i < samples; i++)
		loud |= pcm[i] > LOUD || pcm[i] < -LOUD;
	return loud;
}

// The receive filter (G.722 table 11 and 4.4) over the 12 last sums or differences of the bands, the oldest of which
// stands at `oldest`.
static int16_t join(const int16_t history[12], int oldest, bool odd)
{
	static const int16_t h[12] = {3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11};
	int sum = 0;

	for (int i = 0; i < 12; i++)
		sum += history[(oldest + i) % 12] * h[odd ? i : 11 - i];
	sum >>= 11;
	return (int16_t)(sum > 32767 ? 32767 : sum < -32768 ? -32768 : sum);
}

static void decode_loud(struct g722_decoder *d, const g722_decode_state_t *before,
	const uint8_t *payload, size_t length, int16_t *pcm)
{
	*d->state = *before;
	for (size_t i = 0; i < length; i++, pcm += 2) {
		g722_decode(d->state, pcm, payload + i, 1);
		pcm[0] = join(d->state->y, d->state->ptr, false);
		pcm[1] = join(d->state->x, d->state->ptr, true);
	}
}

static int g722_decode_payload(struct codec_decoder *decoder, const uint8_t *payload, size_t length,
	int16_t *pcm, unsigned capacity)
{
	struct g722_decoder *d = (struct g722_decoder *)decoder;
	size_t samples = length * (decoder->rate / 8000);
	g722_decode_state_t before;

	if (!length || length > 8 * CODEC_MAX_MS)
		return codec_refuse(decoder);
	if (samples > capacity)
		return -ENOSPC;
	before = *d->state;
	samples = (size_t)g722_decode(d->state, pcm, payload, (int)length);
	if (decoder->rate != 8000 && is_loud(pcm, samples))
		decode_loud(d, &before, payload, length, pcm);
	codec_plc_good(&d->plain.plc, pcm, (unsigned)samples);
	return (int)samples;
}

static struct codec_encoder *g722_encoder_open(const struct codec_format *format, unsigned rate)
{
	struct g722_encoder *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->state = g722_encode_init(NULL, 64000, g722_options(rate));
	if (!e->state) {
		free(e);
		return NULL;
	}
	return &e->base;
}

static void g722_encoder_close(struct codec_encoder *encoder)
{
	g722_encode_free(((struct g722_encoder *)encoder)->state);
	free(encoder);
}

static int g722_encode_payload(struct codec_encoder *encoder, const int16_t *pcm, unsigned samples,
	uint8_t *out, size_t capacity)
{
	struct g722_encoder *e = (struct g722_encoder *)encoder;

	if (samples / (encoder->rate / 8000) > capacity)
		return -ENOSPC;
	return g722_encode(e->state, out, pcm, (int)samples);
}

const struct codec_ops codec_g722 = {
	.id = CODEC_G722,
	.library = "spandsp (LGPL-2.1)",
	.does_rate = g722_does_rate,
	.decoder_open = g722_decoder_open,
	.decoder_close = g722_decoder_close,
	.decode = g722_decode_payload,
	.conceal = plain_conceal,
	.encoder_open = g722_encoder_open,
	.encoder_close = g722_encoder_close,
	.encode = g722_encode_payload,
};
