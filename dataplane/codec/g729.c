// SPDX-License-Identifier: BSD-3-Clause
// G.729 with annexes A and B (RFC 3551 4.5.6, RFC 4856 2.1.9) by libbcg729: frames of 10 ms in 10 bytes, and of
// 2 bytes for silence, at the end of a payload. libbcg729 is GPL-3: see meson_options.txt.
#include <bcg729/decoder.h>
#include <bcg729/encoder.h>

#include "dataplane/codec/codec_private.h"

#define FRAME   10u
#define SID     2u
#define SAMPLES 80u

struct decoder {
	struct codec_decoder base;
	bcg729DecoderChannelContextStruct *state;
};

struct encoder {
	struct codec_encoder base;
	bcg729EncoderChannelContextStruct *state;
};

static struct codec_decoder *decoder_open(const struct codec_format *format, unsigned rate)
{
	struct decoder *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->state = initBcg729DecoderChannel();
	if (!d->state) {
		free(d);
		return NULL;
	}
	return &d->base;
}

static void decoder_close(struct codec_decoder *decoder)
{
	closeBcg729DecoderChannel(((struct decoder *)decoder)->state);
	free(decoder);
}

static int decode(struct codec_decoder *decoder, const uint8_t *payload, size_t length,
	int16_t *pcm, unsigned capacity)
{
	struct decoder *d = (struct decoder *)decoder;
	bool sid = length % FRAME == SID;
	unsigned samples = (unsigned)(length / FRAME + sid) * SAMPLES;

	if (!length || (length % FRAME && !sid) || samples > 8 * CODEC_MAX_MS)
		return codec_refuse(decoder);
	if (samples > capacity)
		return -ENOSPC;
	for (; length >= FRAME; length -= FRAME, payload += FRAME, pcm += SAMPLES)
		bcg729Decoder(d->state, payload, FRAME, 0, 0, 0, pcm);
	if (sid)
		bcg729Decoder(d->state, payload, SID, 0, 1, 0, pcm);
	decoder->quiet = sid;
	return (int)samples;
}

// An erased frame; in silence one that was not sent, and noise goes on.
static void conceal(struct codec_decoder *decoder, int16_t *pcm, unsigned samples)
{
	struct decoder *d = (struct decoder *)decoder;
	int16_t frame[SAMPLES];

	while (samples) {
		unsigned now = samples < SAMPLES ? samples : SAMPLES;

		bcg729Decoder(d->state, NULL, 0, !decoder->quiet, decoder->quiet, 0, frame);
		memcpy(pcm, frame, now * sizeof(*pcm));
		pcm += now;
		samples -= now;
	}
}

static struct codec_encoder *encoder_open(const struct codec_format *format, unsigned rate)
{
	struct encoder *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->state = initBcg729EncoderChannel(format->flags & CODEC_DTX ? 1 : 0);
	if (!e->state) {
		free(e);
		return NULL;
	}
	return &e->base;
}

static void encoder_close(struct codec_encoder *encoder)
{
	closeBcg729EncoderChannel(((struct encoder *)encoder)->state);
	free(encoder);
}

// A payload is speech, then at most one SID. So what is silent at its begin is left out (`lead`), and when speech
// begins behind silence that followed speech, the first speech goes: the listener's concealment bridges it.
static int encode(struct codec_encoder *encoder, const int16_t *pcm, unsigned samples, uint8_t *out,
	size_t capacity)
{
	struct encoder *e = (struct encoder *)encoder;
	size_t used = 0;
	bool ended = false; // by a SID or by a frame that is not sent

	encoder->lead = 0;
	if (samples / SAMPLES * FRAME > capacity)
		return -ENOSPC;
	for (unsigned i = 0; i + SAMPLES <= samples; i += SAMPLES) {
		uint8_t frame[FRAME], length = 0;

		bcg729Encoder(e->state, pcm + i, frame, &length);
		if (length && ended) {
			used = 0;
			ended = false;
		}
		if (length && !used)
			encoder->lead = (uint16_t)i;
		memcpy(out + used, frame, length);
		used += length;
		ended |= length != FRAME && used > 0;
	}
	encoder->quiet = used < FRAME;
	return (int)used;
}

const struct codec_ops codec_g729 = {
	.id = CODEC_G729,
	.library = "libbcg729 (GPL-3)",
	.does_rate = plain_does_rate,
	.frame_ms = 10,
	.decoder_open = decoder_open,
	.decoder_close = decoder_close,
	.decode = decode,
	.conceal = conceal,
	.encoder_open = encoder_open,
	.encoder_close = encoder_close,
	.encode = encode,
};
