// SPDX-License-Identifier: BSD-3-Clause
// Every codec's library behind our wrappers: any payloads, losses and recoveries in any order. A decoder writes no more
// than it says, refuses with -EBADMSG only, and goes on; what it makes can be encoded.
// Input: a row of the table of codecs, flags, then payloads, each behind a byte of what to do and two of its length.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/codec/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define GUARD 0x5a5a

struct party {
	struct codec_decoder *decoder;
	struct codec_encoder *encoder;
	unsigned rate;
};

static void promise(bool holds)
{
	if (!holds)
		abort();
}

static void encode(struct party *p, const int16_t *pcm, unsigned samples)
{
	unsigned frame = p->rate * p->encoder->format.ptime / 1000;
	uint8_t *out = malloc(CODEC_MAX_PAYLOAD);

	for (unsigned at = 0; out && at + frame <= samples; at += frame) {
		int n = codec_encode(p->encoder, pcm + at, frame, out, CODEC_MAX_PAYLOAD);

		promise(n >= 0 && n <= (int)CODEC_MAX_PAYLOAD);
		promise(n > 0 || p->encoder->format.flags & CODEC_DTX);
		promise(p->encoder->lead < frame);
	}
	free(out);
}

static void decode(struct party *p, const uint8_t *payload, size_t length, unsigned capacity)
{
	int16_t *pcm = malloc((capacity + 1) * sizeof(*pcm));
	uint32_t refused = p->decoder->refused;
	int n;

	if (!pcm)
		return;
	pcm[capacity] = GUARD;
	n = codec_decode(p->decoder, payload, length, pcm, capacity);
	promise(n >= 0 ? n <= (int)capacity : n == -EBADMSG || n == -ENOSPC);
	promise(pcm[capacity] == GUARD);
	promise(p->decoder->refused == refused + (n == -EBADMSG));
	promise(capacity < CODEC_MAX_PCM || n != -ENOSPC);
	if (n > 0)
		encode(p, pcm, (unsigned)n);
	free(pcm);
}

static void lose(
	struct party *p, unsigned samples, const uint8_t *next, size_t length, bool recover)
{
	int16_t *pcm = malloc(samples * sizeof(*pcm) + 2);

	if (!pcm)
		return;
	if (!recover || !p->decoder->ops->recover ||
		p->decoder->ops->recover(p->decoder, next, length, pcm, samples))
		p->decoder->ops->conceal(p->decoder, pcm, samples);
	if (samples)
		promise(pcm[0] <= 32767 &&
			pcm[samples - 1] <= 32767); // all of it was written (memory sanitizers)
	free(pcm);
}

static bool open_party(struct party *p, unsigned row, unsigned flags)
{
	unsigned rows = 0;
	struct codec_format format;

	while (codec_name_at(rows))
		rows++;
	codec_format_init(&format, codec_name_at(row % rows));
	format.flags = flags & CODEC_ALL_FLAGS;
	p->rate = format.sample_rate;
	if (flags & 0x80 && codec_does_rate(&format, 8000))
		p->rate = 8000;
	if (codec_decoder_open(&p->decoder, &format, p->rate))
		return false;
	return codec_encoder_open(&p->encoder, &format, p->rate) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct party p = {0};
	unsigned steps = 0;

	if (size < 2 || !open_party(&p, data[0], data[1]))
		goto out;
	data += 2;
	size -= 2;
	while (size >= 3 && steps++ < 64) {
		unsigned what = data[0];
		size_t length = (size_t)data[1] << 8 | data[2];
		uint8_t *exact;

		data += 3;
		size -= 3;
		length = length < size ? length : size;
		exact = malloc(length + 1);
		if (!exact)
			break;
		memcpy(exact, data, length);
		exact = realloc(exact, length ? length : 1); // a read past it is seen
		if (what & 1)
			lose(&p, p.rate / 100 * (what >> 4), exact, length, what & 2);
		decode(&p, exact, length, what & 4 ? p.rate / 1000 * (what >> 3) : CODEC_MAX_PCM);
		if (p.encoder->ops->set_mode)
			p.encoder->ops->set_mode(p.encoder, p.decoder->request);
		free(exact);
		data += length;
		size -= length;
	}
out:
	codec_decoder_close(p.decoder);
	codec_encoder_close(p.encoder);
	return 0;
}
