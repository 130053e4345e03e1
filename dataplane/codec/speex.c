// SPDX-License-Identifier: BSD-3-Clause
// Speex (RFC 5574) by libspeex: narrow-band, wide-band, ultra-wide-band; frames of 20 ms.
#include <speex/speex.h>

#include "dataplane/codec/codec_private.h"

struct decoder {
	struct codec_decoder base;
	void *state;
	SpeexBits bits;
	unsigned frame; // samples
};

struct encoder {
	struct codec_encoder base;
	void *state;
	SpeexBits bits;
	unsigned frame;
};

static const SpeexMode *mode_of(const struct codec_format *format)
{
	return speex_lib_get_mode(format->sample_rate == 8000    ? SPEEX_MODEID_NB
				  : format->sample_rate == 16000 ? SPEEX_MODEID_WB
								 : SPEEX_MODEID_UWB);
}

static struct codec_decoder *decoder_open(const struct codec_format *format, unsigned rate)
{
	struct decoder *d = calloc(1, sizeof(*d));
	int on = 1;

	if (!d)
		return NULL;
	d->state = speex_decoder_init(mode_of(format));
	if (!d->state) {
		free(d);
		return NULL;
	}
	speex_decoder_ctl(d->state, SPEEX_SET_ENH, &on);
	speex_bits_init(&d->bits);
	d->frame = format->sample_rate / 50;
	return &d->base;
}

static void decoder_close(struct codec_decoder *decoder)
{
	struct decoder *d = (struct decoder *)decoder;

	speex_bits_destroy(&d->bits);
	speex_decoder_destroy(d->state);
	free(d);
}

// ---- a look before decoding: libspeex writes to stderr about streams that cannot be, which is everybody's to send

struct walk {
	const uint8_t *p;
	size_t bits, at;
};

static unsigned take(struct walk *w, unsigned count)
{
	unsigned value = 0;

	for (; count--; w->at++)
		value = value << 1 |
			(w->at < w->bits ? w->p[w->at / 8] >> (7 - w->at % 8) & 1u : 0);
	return value;
}

// One band above, behind its flag: its mode and bits. False: there is no such mode.
static bool skip_layer(struct walk *w, bool ultra)
{
	static const uint16_t bits[8] = {4, 36, 112, 192, 352};
	unsigned mode = take(w, 3);

	if (!bits[mode] || (ultra && mode > 1))
		return false;
	w->at += bits[mode] - 4u;
	return true;
}

// What is said in the band, between frames (RFC 5574 3.3 refers to the manual's table 5.1 for the modes).
static void skip_signal(struct walk *w, unsigned mode)
{
	unsigned id = take(w, 4);

	if (mode == 13)
		w->at += 5 + 8 * id; // an application's
	else
		w->at += id < 2 ? 1 : id < 8 ? 4 : id < 10 ? 8 : id < 12 ? 16 : id < 14 ? 32 : 64;
}

enum { FRAME, END, WRONG };

static int walk_narrow(struct walk *w)
{
	static const uint16_t bits[9] = {5, 43, 119, 160, 220, 300, 364, 492, 79};
	unsigned mode;

	do {
		// A band above belongs behind its narrow-band frame: before one, libspeex finds nothing to do with it.
		if (take(w, 1))
			return WRONG;
		if (w->bits < w->at + 4)
			return END;
		mode = take(w, 4);
		if (mode == 15)
			return END;
		if (mode == 13 || mode == 14)
			skip_signal(w, mode);
		else if (mode > 8)
			return WRONG;
		if (w->at > w->bits)
			return WRONG;
	} while (mode > 8);
	w->at += bits[mode] - 5u;
	return w->at > w->bits ? WRONG : FRAME;
}

static bool is_sound(const struct codec_format *format, const uint8_t *payload, size_t length)
{
	struct walk w = {payload, length * 8, 0};
	unsigned bands = format->sample_rate == 8000 ? 0 : format->sample_rate == 16000 ? 1 : 2;

	while (w.bits - w.at >= 5) {
		int found = walk_narrow(&w);

		if (found != FRAME)
			return found == END;
		for (unsigned band = 0; band < bands && w.at < w.bits; band++) {
			if (!(w.p[w.at / 8] >> (7 - w.at % 8) & 1))
				continue;
			take(&w, 1);
			if (!skip_layer(&w, band == 1) || w.at > w.bits)
				return false;
		}
	}
	return true;
}

// A payload ends with its bits, or with a terminator and padding (RFC 5574 3.3).
static int decode(struct codec_decoder *decoder, const uint8_t *payload, size_t length,
	int16_t *pcm, unsigned capacity)
{
	struct decoder *d = (struct decoder *)decoder;
	unsigned samples = 0;

	if (!length || length > CODEC_MAX_PAYLOAD || !is_sound(&decoder->format, payload, length))
		return codec_refuse(decoder);
	speex_bits_read_from(&d->bits, (const char *)payload, (int)length);
	while (speex_bits_remaining(&d->bits) >= 5) {
		int result;

		if (samples + d->frame > decoder->rate / 1000 * CODEC_MAX_MS)
			return codec_refuse(decoder);
		if (samples + d->frame > capacity)
			return -ENOSPC;
		result = speex_decode_int(d->state, &d->bits, pcm + samples);
		if (result == -2 || speex_bits_remaining(&d->bits) < 0)
			return codec_refuse(decoder);
		if (result)
			break;
		samples += d->frame;
	}
	return samples ? (int)samples : codec_refuse(decoder);
}

static void conceal(struct codec_decoder *decoder, int16_t *pcm, unsigned samples)
{
	struct decoder *d = (struct decoder *)decoder;
	int16_t frame[640];

	while (samples) {
		unsigned now = samples < d->frame ? samples : d->frame;

		speex_decode_int(d->state, NULL, now == d->frame ? pcm : frame);
		if (now < d->frame)
			memcpy(pcm, frame, now * sizeof(*pcm));
		pcm += now;
		samples -= now;
	}
}

// Quality 0..10 of the narrow band's modes by number, as RFC 5574 has them: the mode itself when it is said.
static void set_up(void *state, const struct codec_format *format)
{
	int mode = format->mode == CODEC_MODE_ANY ? -1 : format->mode;
	int quality = 8, complexity = 3, on = format->flags & CODEC_DTX ? 1 : 0;

	speex_encoder_ctl(state, SPEEX_SET_QUALITY, &quality);
	if (mode >= 0 && format->sample_rate == 8000)
		speex_encoder_ctl(state, SPEEX_SET_MODE, &mode);
	else if (mode >= 0)
		speex_encoder_ctl(state, SPEEX_SET_QUALITY, &mode);
	speex_encoder_ctl(state, SPEEX_SET_COMPLEXITY, &complexity);
	if (format->bitrate) {
		int bits = (int)format->bitrate;

		speex_encoder_ctl(state, SPEEX_SET_BITRATE, &bits);
	}
	speex_encoder_ctl(state, SPEEX_SET_VAD, &on);
	speex_encoder_ctl(state, SPEEX_SET_DTX, &on);
}

static struct codec_encoder *encoder_open(const struct codec_format *format, unsigned rate)
{
	struct encoder *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->state = speex_encoder_init(mode_of(format));
	if (!e->state) {
		free(e);
		return NULL;
	}
	set_up(e->state, format);
	speex_bits_init(&e->bits);
	e->frame = format->sample_rate / 50;
	return &e->base;
}

static void encoder_close(struct codec_encoder *encoder)
{
	struct encoder *e = (struct encoder *)encoder;

	speex_bits_destroy(&e->bits);
	speex_encoder_destroy(e->state);
	free(e);
}

static int encode(struct codec_encoder *encoder, const int16_t *pcm, unsigned samples, uint8_t *out,
	size_t capacity)
{
	struct encoder *e = (struct encoder *)encoder;
	bool speech = false;

	speex_bits_reset(&e->bits);
	for (unsigned i = 0; i + e->frame <= samples; i += e->frame)
		speech |= speex_encode_int(e->state, (spx_int16_t *)pcm + i, &e->bits) != 0;
	encoder->quiet = !speech;
	if (!speech)
		return 0;
	speex_bits_insert_terminator(&e->bits);
	if ((size_t)speex_bits_nbytes(&e->bits) > capacity)
		return -ENOSPC;
	return speex_bits_write(&e->bits, (char *)out, (int)capacity);
}

const struct codec_ops codec_speex = {
	.id = CODEC_SPEEX,
	.library = "libspeex (BSD)",
	.does_rate = plain_does_rate,
	.frame_ms = 20,
	.decoder_open = decoder_open,
	.decoder_close = decoder_close,
	.decode = decode,
	.conceal = conceal,
	.encoder_open = encoder_open,
	.encoder_close = encoder_close,
	.encode = encode,
};
