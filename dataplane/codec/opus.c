// SPDX-License-Identifier: BSD-3-Clause
// Opus (RFC 6716, RFC 7587) by libopus, which resamples by itself: PCM may have 8, 12, 16, 24 or 48 kHz.
//
// One channel in and out: libopus mixes a stereo stream down, and a receiver of "opus/48000/2" takes mono.
#include <opus/opus.h>

#include "dataplane/codec/codec_private.h"

#define COMPLEXITY                                                                                 \
	5 // of 10: half the work of 10 for speech that listeners cannot tell apart at these rates

struct decoder {
	struct codec_decoder base;
	OpusDecoder *state;
};

struct encoder {
	struct codec_encoder base;
	OpusEncoder *state;
};

static bool does_rate(const struct codec_format *format, unsigned rate)
{
	return rate == 8000 || rate == 12000 || rate == 16000 || rate == 24000 || rate == 48000;
}

// ---- decoding

static struct codec_decoder *decoder_open(const struct codec_format *format, unsigned rate)
{
	struct decoder *d = calloc(1, sizeof(*d));
	int err;

	if (!d)
		return NULL;
	d->state = opus_decoder_create((opus_int32)rate, 1, &err);
	if (err != OPUS_OK) {
		free(d);
		return NULL;
	}
	return &d->base;
}

static void decoder_close(struct codec_decoder *decoder)
{
	opus_decoder_destroy(((struct decoder *)decoder)->state);
	free(decoder);
}

static int decode(struct codec_decoder *decoder, const uint8_t *payload, size_t length,
	int16_t *pcm, unsigned capacity)
{
	struct decoder *d = (struct decoder *)decoder;
	int samples;

	if (!length || length > CODEC_MAX_PAYLOAD)
		return codec_refuse(decoder);
	samples =
		opus_packet_get_nb_samples(payload, (opus_int32)length, (opus_int32)decoder->rate);
	if (samples <= 0)
		return codec_refuse(decoder);
	if ((unsigned)samples > capacity)
		return -ENOSPC;
	samples = opus_decode(d->state, payload, (opus_int32)length, pcm, (int)capacity, 0);
	if (samples < 0)
		return codec_refuse(decoder);
	decoder->quiet = length <= 2;
	return samples;
}

// libopus makes multiples of 2.5 ms, at most 120 ms at a time; what is over is silence.
static void conceal(struct codec_decoder *decoder, int16_t *pcm, unsigned samples)
{
	struct decoder *d = (struct decoder *)decoder;
	unsigned quantum = decoder->rate / 400, most = decoder->rate / 1000 * 120;

	while (samples >= quantum) {
		unsigned now = samples < most ? samples / quantum * quantum : most;
		int made = opus_decode(d->state, NULL, 0, pcm, (int)now, 0);

		if (made <= 0)
			break;
		pcm += made;
		samples -= (unsigned)made;
	}
	memset(pcm, 0, samples * sizeof(*pcm));
}

// Whether a packet's first frame carries what was before it at a low bit rate (RFC 6716 4.2.4): the flag stands
// behind the VAD flags of each 20 ms of SILK; of a second channel likewise, behind the first one's.
static bool carries_before(const uint8_t *payload, size_t length)
{
	const unsigned char *frames[48];
	opus_int16 sizes[48];
	unsigned parts, config = payload[0] >> 3;

	if (config >= 16 || // CELT only
		opus_packet_parse(payload, (opus_int32)length, NULL, frames, sizes, NULL) < 1 ||
		sizes[0] < 1)
		return false;
	// SILK only: 10, 20, 40, 60 ms by the two low bits; hybrid: 10 or 20 ms.
	parts = config < 12 && (config & 3) > 1 ? config & 3 : 1;
	if (frames[0][0] >> (7 - parts) & 1)
		return true;
	return payload[0] & 4 && frames[0][0] >> (6 - 2 * parts) & 1;
}

static int recover(struct codec_decoder *decoder, const uint8_t *next, size_t length, int16_t *pcm,
	unsigned samples)
{
	struct decoder *d = (struct decoder *)decoder;

	if (!length || length > CODEC_MAX_PAYLOAD || samples % (decoder->rate / 400) ||
		!carries_before(next, length))
		return -ENOENT;
	return opus_decode(d->state, next, (opus_int32)length, pcm, (int)samples, 1) == (int)samples
		       ? 0
		       : -ENOENT;
}

// ---- encoding

static opus_int32 bits_of(const struct codec_format *format, unsigned rate)
{
	opus_int32 usual = rate <= 8000 ? 16000 : rate <= 16000 ? 24000 : 32000;

	return format->bitrate ? (opus_int32)format->bitrate : usual;
}

static opus_int32 bandwidth_of(const struct codec_format *format)
{
	unsigned most = format->max_playback ? format->max_playback : 48000;

	return most < 12000   ? OPUS_BANDWIDTH_NARROWBAND
	       : most < 16000 ? OPUS_BANDWIDTH_MEDIUMBAND
	       : most < 24000 ? OPUS_BANDWIDTH_WIDEBAND
	       : most < 48000 ? OPUS_BANDWIDTH_SUPERWIDEBAND
			      : OPUS_BANDWIDTH_FULLBAND;
}

static void set_up(OpusEncoder *state, const struct codec_format *format, unsigned rate)
{
	bool fec = format->flags & CODEC_FEC;

	opus_encoder_ctl(state, OPUS_SET_BITRATE(bits_of(format, rate)));
	opus_encoder_ctl(state, OPUS_SET_MAX_BANDWIDTH(bandwidth_of(format)));
	opus_encoder_ctl(state, OPUS_SET_COMPLEXITY(COMPLEXITY));
	opus_encoder_ctl(state, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
	opus_encoder_ctl(state, OPUS_SET_VBR(format->flags & CODEC_CBR ? 0 : 1));
	opus_encoder_ctl(state, OPUS_SET_DTX(format->flags & CODEC_DTX ? 1 : 0));
	opus_encoder_ctl(state, OPUS_SET_INBAND_FEC(fec ? 1 : 0));
	opus_encoder_ctl(state, OPUS_SET_PACKET_LOSS_PERC(!fec           ? 0
							  : format->loss ? format->loss
									 : 10));
}

static struct codec_encoder *encoder_open(const struct codec_format *format, unsigned rate)
{
	struct encoder *e = calloc(1, sizeof(*e));
	int err;

	if (!e)
		return NULL;
	e->state = opus_encoder_create((opus_int32)rate, 1, OPUS_APPLICATION_VOIP, &err);
	if (err != OPUS_OK) {
		free(e);
		return NULL;
	}
	set_up(e->state, format, rate);
	return &e->base;
}

static void encoder_close(struct codec_encoder *encoder)
{
	opus_encoder_destroy(((struct encoder *)encoder)->state);
	free(encoder);
}

// What has two bytes or less need not be sent (opus_encode's documentation, RFC 7587 3.1.3).
static int encode(struct codec_encoder *encoder, const int16_t *pcm, unsigned samples, uint8_t *out,
	size_t capacity)
{
	struct encoder *e = (struct encoder *)encoder;
	opus_int32 room = capacity > 1275 * 3 ? 1275 * 3 : (opus_int32)capacity;
	int bytes = opus_encode(e->state, pcm, (int)samples, out, room);

	if (bytes < 0)
		return -ENOSPC;
	encoder->quiet = encoder->format.flags & CODEC_DTX && bytes <= 2;
	return encoder->quiet ? 0 : bytes;
}

const struct codec_ops codec_opus = {
	.id = CODEC_OPUS,
	.library = "libopus (BSD)",
	.does_rate = does_rate,
	.frame_ms = 10,
	.decoder_open = decoder_open,
	.decoder_close = decoder_close,
	.decode = decode,
	.conceal = conceal,
	.recover = recover,
	.encoder_open = encoder_open,
	.encoder_close = encoder_close,
	.encode = encode,
};
