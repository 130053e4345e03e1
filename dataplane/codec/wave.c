// SPDX-License-Identifier: BSD-3-Clause
// Codecs of single samples: PCMU, PCMA (RFC 3551 4.5.14) and L16 (4.5.11), and what codecs without a
// concealment of their own share.
#include <arpa/inet.h>

#include "dataplane/codec/codec_private.h"
#include "dataplane/codec/g711.h"

void *plain_decoder_new(size_t size, unsigned rate)
{
	size_t own = (size + 15) & ~(size_t)15;
	struct plain_decoder *d = calloc(1, own + codec_plc_size(rate));

	if (d)
		codec_plc_init(&d->plc, rate, (char *)d + own);
	return d;
}

void plain_decoder_free(struct codec_decoder *decoder)
{
	free(decoder);
}

void plain_encoder_free(struct codec_encoder *encoder)
{
	free(encoder);
}

void plain_conceal(struct codec_decoder *decoder, int16_t *pcm, unsigned samples)
{
	codec_plc_lost(&((struct plain_decoder *)decoder)->plc, pcm, samples);
}

bool plain_does_rate(const struct codec_format *format, unsigned rate)
{
	return rate == format->sample_rate;
}

static struct codec_decoder *decoder_open(const struct codec_format *format, unsigned rate)
{
	return plain_decoder_new(sizeof(struct plain_decoder), rate);
}

static struct codec_encoder *encoder_open(const struct codec_format *format, unsigned rate)
{
	return calloc(1, sizeof(struct codec_encoder));
}

// ---- G.711

static int g711_decode(struct codec_decoder *d, const uint8_t *payload, size_t length, int16_t *pcm,
	unsigned capacity)
{
	if (!length || length > 8 * CODEC_MAX_MS)
		return codec_refuse(d);
	if (length > capacity)
		return -ENOSPC;
	if (d->format.id == CODEC_PCMU)
		g711_ulaw_decode(pcm, payload, length);
	else
		g711_alaw_decode(pcm, payload, length);
	codec_plc_good(&((struct plain_decoder *)d)->plc, pcm, (unsigned)length);
	return (int)length;
}

static int g711_encode(struct codec_encoder *e, const int16_t *pcm, unsigned samples, uint8_t *out,
	size_t capacity)
{
	if (samples > capacity)
		return -ENOSPC;
	if (e->format.id == CODEC_PCMU)
		g711_ulaw_encode(out, pcm, samples);
	else
		g711_alaw_encode(out, pcm, samples);
	return (int)samples;
}

#define G711(which)                                                                                \
	{                                                                                          \
		.id = which, .library = "hawse (BSD)", .does_rate = plain_does_rate,               \
		.decoder_open = decoder_open, .decoder_close = plain_decoder_free,                 \
		.decode = g711_decode, .conceal = plain_conceal, .encoder_open = encoder_open,     \
		.encoder_close = plain_encoder_free, .encode = g711_encode,                        \
	}

const struct codec_ops codec_pcmu = G711(CODEC_PCMU);
const struct codec_ops codec_pcma = G711(CODEC_PCMA);

// ---- L16: network order; two channels are mixed into one, and one is sent as two

static int l16_samples(const struct codec_decoder *d, size_t length)
{
	unsigned frame = 2u * d->format.channels;
	size_t samples = length / frame;

	if (!length || length % frame ||
		samples > (size_t)d->format.rtp_clock / 1000 * CODEC_MAX_MS)
		return -EBADMSG;
	return (int)samples;
}

static int16_t l16_at(const uint8_t *p)
{
	return (int16_t)((unsigned)p[0] << 8 | p[1]);
}

static int l16_decode(struct codec_decoder *d, const uint8_t *payload, size_t length, int16_t *pcm,
	unsigned capacity)
{
	int samples = l16_samples(d, length);

	if (samples < 0)
		return codec_refuse(d);
	if ((unsigned)samples > capacity)
		return -ENOSPC;
	for (int i = 0; i < samples; i++)
		pcm[i] = d->format.channels == 1 ? l16_at(payload + 2 * i)
						 : (int16_t)((l16_at(payload + 4 * i) +
								     l16_at(payload + 4 * i + 2)) /
							     2);
	codec_plc_good(&((struct plain_decoder *)d)->plc, pcm, (unsigned)samples);
	return samples;
}

static int l16_encode(struct codec_encoder *e, const int16_t *pcm, unsigned samples, uint8_t *out,
	size_t capacity)
{
	size_t bytes = 2ul * samples * e->format.channels;

	if (bytes > capacity)
		return -ENOSPC;
	for (unsigned i = 0; i < samples; i++)
		for (unsigned c = 0; c < e->format.channels; c++) {
			*out++ = (uint8_t)((uint16_t)pcm[i] >> 8);
			*out++ = (uint8_t)pcm[i];
		}
	return (int)bytes;
}

const struct codec_ops codec_l16 = {
	.id = CODEC_L16,
	.library = "hawse (BSD)",
	.does_rate = plain_does_rate,
	.decoder_open = decoder_open,
	.decoder_close = plain_decoder_free,
	.decode = l16_decode,
	.conceal = plain_conceal,
	.encoder_open = encoder_open,
	.encoder_close = plain_encoder_free,
	.encode = l16_encode,
};
