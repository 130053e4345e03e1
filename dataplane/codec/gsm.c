// SPDX-License-Identifier: BSD-3-Clause
// GSM 06.10 full rate (RFC 3551 4.5.8) by libgsm: frames of 33 bytes, 20 ms.
#include <gsm.h>

#include "dataplane/codec/codec_private.h"

#define FRAME   33u
#define SAMPLES 160u

struct decoder {
	struct plain_decoder plain;
	gsm state;
};

struct encoder {
	struct codec_encoder base;
	gsm state;
};

static struct codec_decoder *decoder_open(const struct codec_format *format, unsigned rate)
{
	struct decoder *d = plain_decoder_new(sizeof(*d), rate);

	if (!d)
		return NULL;
	d->state = gsm_create();
	if (!d->state) {
		free(d);
		return NULL;
	}
	return &d->plain.base;
}

static void decoder_close(struct codec_decoder *decoder)
{
	gsm_destroy(((struct decoder *)decoder)->state);
	free(decoder);
}

// Every frame begins with the signature 1101.
static bool is_sound(const uint8_t *payload, size_t length)
{
	if (!length || length % FRAME || length / FRAME > CODEC_MAX_MS / 20)
		return false;
	for (size_t i = 0; i < length; i += FRAME)
		if (payload[i] >> 4 != GSM_MAGIC)
			return false;
	return true;
}

static int decode(struct codec_decoder *decoder, const uint8_t *payload, size_t length,
	int16_t *pcm, unsigned capacity)
{
	struct decoder *d = (struct decoder *)decoder;
	unsigned frames = (unsigned)(length / FRAME);

	if (!is_sound(payload, length))
		return codec_refuse(decoder);
	if (frames * SAMPLES > capacity)
		return -ENOSPC;
	for (unsigned i = 0; i < frames; i++)
		(void)gsm_decode(d->state, (gsm_byte *)payload + i * FRAME, pcm + i * SAMPLES);
	codec_plc_good(&d->plain.plc, pcm, frames * SAMPLES);
	return (int)(frames * SAMPLES);
}

static struct codec_encoder *encoder_open(const struct codec_format *format, unsigned rate)
{
	struct encoder *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->state = gsm_create();
	if (!e->state) {
		free(e);
		return NULL;
	}
	return &e->base;
}

static void encoder_close(struct codec_encoder *encoder)
{
	gsm_destroy(((struct encoder *)encoder)->state);
	free(encoder);
}

static int encode(struct codec_encoder *encoder, const int16_t *pcm, unsigned samples, uint8_t *out,
	size_t capacity)
{
	struct encoder *e = (struct encoder *)encoder;
	unsigned frames = samples / SAMPLES;

	if (frames * FRAME > capacity)
		return -ENOSPC;
	for (unsigned i = 0; i < frames; i++)
		gsm_encode(e->state, (gsm_signal *)pcm + i * SAMPLES, out + i * FRAME);
	return (int)(frames * FRAME);
}

const struct codec_ops codec_gsm = {
	.id = CODEC_GSM,
	.library = "libgsm (TU Berlin's own, permissive)",
	.does_rate = plain_does_rate,
	.frame_ms = 20,
	.decoder_open = decoder_open,
	.decoder_close = decoder_close,
	.decode = decode,
	.conceal = plain_conceal,
	.encoder_open = encoder_open,
	.encoder_close = encoder_close,
	.encode = encode,
};
