// SPDX-License-Identifier: BSD-3-Clause
// Codecs: one RTP payload to linear PCM and back, every codec behind the same table of functions.
//
// PCM is always 16-bit, mono, in the machine's order, at a rate that is chosen when a decoder or encoder is
// opened (codec_does_rate). A decoder takes whole RTP payloads, of any number of frames, from anybody: what
// is corrupt is refused with -EBADMSG and leaves it fit to go on. An encoder takes what makes one payload.
//
// Threads: a decoder or encoder belongs to one thread at a time. Opening and closing allocate; nothing else
// does, nor does it log, lock, or read a clock. Different ones are independent.
//
// Whole directions (jitter buffer, resampling, packet times, events) are dataplane/codec/path.h; G.711 A to u
// and back without any of it is dataplane/codec/g711.h.
#pragma once

#include "dataplane/codec/format/format.h"

#define CODEC_MAX_PAYLOAD 1500u // bytes of a payload that is looked at
#define CODEC_MAX_MS      120u  // of one payload, either way
#define CODEC_MAX_RATE    48000u
#define CODEC_MAX_PCM     (CODEC_MAX_RATE / 1000u * CODEC_MAX_MS) // samples that any payload may make

struct codec_ops;

struct codec_decoder {
	const struct codec_ops *ops;
	struct codec_format format;
	uint32_t rate; // Hz of the PCM
	uint8_t request; // AMR: the mode that the sender last asked *us* to send (CMR); CODEC_MODE_ANY
	uint8_t quiet;    // the last payload was silence of the codec's own (SID, DTX)
	uint32_t refused; // payloads that were corrupt
};

struct codec_encoder {
	const struct codec_ops *ops;
	struct codec_format format;
	uint32_t rate;
	uint8_t request; // AMR: the mode that we ask the other side to send; CODEC_MODE_ANY
	uint8_t quiet;   // what encode() last made is silence: a SID, or nothing
	uint16_t
		lead; // of what encode() last made: samples of silence before the payload begins (DTX)
};

struct codec_ops {
	uint8_t id;          // enum codec_id
	const char *library; // that does the work, with its licence: "libopus (BSD)"
	// Whether PCM may have this rate; format->sample_rate always may.
	bool (*does_rate)(const struct codec_format *format, unsigned rate);
	uint8_t frame_ms; // packets hold whole frames of so long; 0: single samples

	// NULL: out of memory, or the library refuses.
	struct codec_decoder *(*decoder_open)(const struct codec_format *format, unsigned rate);
	void (*decoder_close)(struct codec_decoder *decoder);
	// Samples written, 0: silence goes on (DTX); -EBADMSG, or -ENOSPC (capacity: CODEC_MAX_PCM is enough).
	int (*decode)(struct codec_decoder *decoder, const uint8_t *payload, size_t length,
		int16_t *pcm, unsigned capacity);
	// A substitute for what is lost, fading with its length; in silence (`quiet`): its noise goes on.
	// Exactly `samples`.
	void (*conceal)(struct codec_decoder *decoder, int16_t *pcm, unsigned samples);
	// What is lost before `next`, out of what `next` carries of it. Exactly `samples`; -ENOENT: it carries
	// nothing. NULL: the codec has no such thing.
	int (*recover)(struct codec_decoder *decoder, const uint8_t *next, size_t length,
		int16_t *pcm, unsigned samples);

	struct codec_encoder *(*encoder_open)(const struct codec_format *format, unsigned rate);
	void (*encoder_close)(struct codec_encoder *encoder);
	// One payload of `samples`, whole frames. Bytes written, 0: nothing is to be sent (DTX), -ENOSPC.
	int (*encode)(struct codec_encoder *encoder, const int16_t *pcm, unsigned samples,
		uint8_t *out, size_t capacity);
	// AMR: the other side's CMR. NULL: the codec has no modes.
	void (*set_mode)(struct codec_encoder *encoder, unsigned mode);
};

#ifdef __cplusplus
extern "C" {
#endif

// NULL: this hawse-media was built without it.
const struct codec_ops *codec_find(unsigned id);
// Bit n: codec n can be opened.
uint32_t codec_built(void);

static inline bool codec_does_rate(const struct codec_format *format, unsigned rate)
{
	const struct codec_ops *ops = codec_find(format->id);

	return ops && (rate == format->sample_rate || ops->does_rate(format, rate));
}

// 0; -EINVAL (codec_format_check, or a rate that it does not do), -EOPNOTSUPP (not built), -ENOMEM.
int codec_decoder_open(
	struct codec_decoder **out, const struct codec_format *format, unsigned rate);
int codec_encoder_open(
	struct codec_encoder **out, const struct codec_format *format, unsigned rate);
// NULL is nothing.
void codec_decoder_close(struct codec_decoder *decoder);
void codec_encoder_close(struct codec_encoder *encoder);

static inline int codec_decode(struct codec_decoder *decoder, const uint8_t *payload, size_t length,
	int16_t *pcm, unsigned capacity)
{
	return decoder->ops->decode(decoder, payload, length, pcm, capacity);
}

static inline int codec_encode(struct codec_encoder *encoder, const int16_t *pcm, unsigned samples,
	uint8_t *out, size_t capacity)
{
	return encoder->ops->encode(encoder, pcm, samples, out, capacity);
}

#ifdef __cplusplus
}
#endif
