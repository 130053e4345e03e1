// SPDX-License-Identifier: BSD-3-Clause
// Cycles a 20 ms frame of transcoding: the codec libraries alone in a loop (decode, encode; between rates that differ,
// the resampler), and ours: a whole path from RTP payload to RTP payload (order, times, losses, silence, frames, the
// same arithmetic). And of G.711 A to u in the forwarding stage: what the conversion of 160 bytes adds to copying them.
// One JSON object a pair; each figure is made of the least that ten frames took in many passes over the same speech-like
// sound, A B A B ..., because others share the machine.
//
//   codec_cycles [PASSES]
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <opus/opus.h>
#include <spandsp.h>
#include <x86intrin.h>
#ifdef HAVE_G729
#include <bcg729/decoder.h>
#include <bcg729/encoder.h>
#endif

#include "dataplane/codec/g711.h"
#include "dataplane/codec/path.h"

#define FRAMES 150u
#define SLICE  10u // frames that are timed together: the shorter, the likelier undisturbed
#define SLICES (FRAMES / SLICE)
#define PCM    960u
#define SIZE   1500u

struct frame {
	uint8_t data[SIZE];
	int length;
};

static struct frame frames[FRAMES];
static int16_t sound[48000 * 4];

// ---- libraries, as a program that has only one of each would call them

struct raw {
	const char *rtpmap;
	unsigned rate;
	void *(*open_decoder)(unsigned rate);
	int (*decode)(void *state, const uint8_t *in, int length, int16_t *pcm);
	void *(*open_encoder)(unsigned rate);
	int (*encode)(void *state, const int16_t *pcm, int samples, uint8_t *out);
};

static void *nothing(unsigned rate)
{
	return &sound;
}

static int alaw_decode(void *state, const uint8_t *in, int length, int16_t *pcm)
{
	for (int i = 0; i < length; i++)
		pcm[i] = alaw_to_linear(in[i]);
	return length;
}

static int alaw_encode(void *state, const int16_t *pcm, int samples, uint8_t *out)
{
	for (int i = 0; i < samples; i++)
		out[i] = linear_to_alaw(pcm[i]);
	return samples;
}

static void *g722_in(unsigned rate)
{
	return g722_decode_init(NULL, 64000, rate == 8000 ? G722_SAMPLE_RATE_8000 : 0);
}

static int g722_de(void *state, const uint8_t *in, int length, int16_t *pcm)
{
	return g722_decode(state, pcm, in, length);
}

static void *g722_out(unsigned rate)
{
	return g722_encode_init(NULL, 64000, rate == 8000 ? G722_SAMPLE_RATE_8000 : 0);
}

static int g722_en(void *state, const int16_t *pcm, int samples, uint8_t *out)
{
	return g722_encode(state, out, pcm, samples);
}

static void *opus_in(unsigned rate)
{
	return opus_decoder_create((int)rate, 1, NULL);
}

static int opus_de(void *state, const uint8_t *in, int length, int16_t *pcm)
{
	return opus_decode(state, in, length, pcm, PCM, 0);
}

static void *opus_out(unsigned rate) // as dataplane/codec/opus.c sets it up
{
	OpusEncoder *e = opus_encoder_create((int)rate, 1, OPUS_APPLICATION_VOIP, NULL);

	opus_encoder_ctl(e, OPUS_SET_BITRATE(rate <= 8000 ? 16000 : 24000));
	opus_encoder_ctl(e, OPUS_SET_COMPLEXITY(5));
	opus_encoder_ctl(e, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
	opus_encoder_ctl(e, OPUS_SET_VBR(1));
	return e;
}

static int opus_en(void *state, const int16_t *pcm, int samples, uint8_t *out)
{
	return opus_encode(state, pcm, samples, out, SIZE);
}

#ifdef HAVE_G729
static void *g729_in(unsigned rate)
{
	return initBcg729DecoderChannel();
}

static int g729_de(void *state, const uint8_t *in, int length, int16_t *pcm)
{
	for (int i = 0; i < length; i += 10)
		bcg729Decoder(state, in + i, 10, 0, 0, 0, pcm + i * 8);
	return length * 8;
}

static void *g729_out(unsigned rate)
{
	return initBcg729EncoderChannel(0);
}

static int g729_en(void *state, const int16_t *pcm, int samples, uint8_t *out)
{
	for (int i = 0; i < samples; i += 80) {
		uint8_t length;

		bcg729Encoder(state, pcm + i, out + i / 8, &length);
	}
	return samples / 8;
}
#endif

static const struct raw pcma = {"PCMA/8000", 8000, nothing, alaw_decode, nothing, alaw_encode};
static const struct raw g722 = {"G722/8000", 16000, g722_in, g722_de, g722_out, g722_en};
static const struct raw opus = {"opus/48000/2", 48000, opus_in, opus_de, opus_out, opus_en};
#ifdef HAVE_G729
static const struct raw g729 = {"G729/8000", 8000, g729_in, g729_de, g729_out, g729_en};
#endif

// ---- measuring

// Syllables of a voice: harmonics that glide, and pauses.
static void make_sound(unsigned rate)
{
	double phase = 0;

	for (unsigned i = 0; i < FRAMES * rate / 50; i++) {
		double t = (double)i / rate, pitch = 120 + 30 * sin(2 * M_PI * 0.7 * t), sum = 0;
		double loud = fabs(sin(2 * M_PI * 1.5 * t));

		phase += 2 * M_PI * pitch / rate;
		for (int h = 1; h < 24; h++)
			sum += sin(h * phase) /
			       (1 + fabs(h * pitch - 600 - 300 * sin(2 * t)) / 200);
		sound[i] = (int16_t)(2500 * loud * sum);
	}
}

static void make_frames(const struct raw *from)
{
	unsigned samples = from->rate / 50;
	void *encoder = from->open_encoder(from->rate);

	make_sound(from->rate);
	for (unsigned i = 0; i < FRAMES; i++)
		frames[i].length =
			from->encode(encoder, sound + i * samples, (int)samples, frames[i].data);
}

static void least(uint64_t *best, uint64_t start)
{
	uint64_t took = __rdtsc() - start;

	*best = took < *best ? took : *best;
}

static void raw_slice(const struct raw *from, const struct raw *to, void *decoder, void *encoder,
	unsigned at, uint64_t *best)
{
	uint64_t start = __rdtsc();

	for (unsigned i = at; i < at + SLICE; i++) {
		int16_t pcm[PCM];
		uint8_t out[SIZE];
		int n = from->decode(decoder, frames[i].data, frames[i].length, pcm);

		if (n <= 0 || to->encode(encoder, pcm, n, out) <= 0)
			abort();
	}
	least(best, start);
}

static struct codec_path *open_path(const char *from, const char *to)
{
	struct codec_path_config c = {.max_delay_ms = 200};
	struct codec_path *path;

	c.from.cn_type = c.from.event_type = c.to.cn_type = c.to.event_type = CODEC_NO_TYPE;
	c.from.type = 96;
	c.to.type = 97;
	if (codec_format_parse(&c.from.format, from, "annexb=no", 20) ||
		codec_format_parse(&c.to.format, to, "annexb=no", 20) || codec_path_open(&path, &c))
		abort();
	return path;
}

static void path_slice(struct codec_path *path, struct codec_in *in, unsigned units, uint64_t *now,
	unsigned at, uint64_t *best)
{
	uint64_t start = __rdtsc();

	for (unsigned i = at; i < at + SLICE; i++) {
		struct codec_out out;

		in->payload = frames[i].data;
		in->length = (uint16_t)frames[i].length;
		codec_path_push(path, in, *now);
		if (!codec_path_pull(path, *now, &out) || codec_path_pull(path, *now, &out))
			abort();
		in->seq++;
		in->timestamp += units;
		*now += 20000;
	}
	least(best, start);
}

static void measure(const struct raw *from, const struct raw *to, unsigned passes)
{
	struct codec_path *path = open_path(from->rtpmap, to->rtpmap);
	unsigned rate = codec_path_rate(path);
	void *decoder = from->open_decoder(rate), *encoder = to->open_encoder(rate);
	struct codec_in in = {.type = 96, .ssrc = 1};
	uint64_t raw[SLICES], ours[SLICES], sum[2] = {0}, now = 1000000;
	const struct codec_name *name = codec_by_rtpmap(from->rtpmap, strlen(from->rtpmap));

	make_frames(from);
	memset(raw, 0xff, sizeof(raw));
	memset(ours, 0xff, sizeof(ours));
	for (unsigned i = 0; i < passes * SLICES; i++) {
		unsigned s = i % SLICES;

		raw_slice(from, to, decoder, encoder, s * SLICE, &raw[s]);
		path_slice(path, &in, name->rtp_clock / 50, &now, s * SLICE, &ours[s]);
	}
	for (unsigned s = 0; s < SLICES; s++) {
		sum[0] += raw[s];
		sum[1] += ours[s];
	}
	printf("{\"pair\": \"%s to %s\", \"pcm\": %u, \"raw\": %.0f, \"path\": %.0f, \"ratio\": "
	       "%.3f}\n",
		from->rtpmap, to->rtpmap, rate, (double)sum[0] / FRAMES, (double)sum[1] / FRAMES,
		(double)sum[1] / (double)sum[0]);
	fflush(stdout);
	codec_path_close(path);
}

// 160 bytes of each of 64 packets, as a burst has them.
static uint64_t copy_burst(uint8_t (*to)[256], uint8_t (*from)[256])
{
	uint64_t start = __rdtsc();

	for (unsigned i = 0; i < 64; i++) {
		memcpy(to[i], from[i], 160);
		__asm__ volatile("" : : "r"(to[i]) : "memory");
	}
	return __rdtsc() - start;
}

static uint64_t convert_burst(uint8_t (*to)[256], uint8_t (*from)[256])
{
	uint64_t start = __rdtsc();

	for (unsigned i = 0; i < 64; i++) {
		memcpy(to[i], from[i], 160);
		g711_alaw_to_ulaw(to[i], 160);
	}
	return __rdtsc() - start;
}

static void measure_g711(unsigned passes)
{
	static uint8_t from[64][256], to[64][256];
	uint64_t copied = UINT64_MAX, converted = UINT64_MAX;

	for (unsigned i = 0; i < sizeof(from); i++)
		((uint8_t *)from)[i] = (uint8_t)(i * 31);
	for (unsigned i = 0; i < passes * 100; i++) {
		uint64_t a = copy_burst(to, from), b = convert_burst(to, from);

		copied = a < copied ? a : copied;
		converted = b < converted ? b : converted;
	}
	printf("{\"pair\": \"PCMA to PCMU, forwarding stage\", \"raw\": %.1f, \"path\": %.1f, "
	       "\"more\": %.1f}\n",
		(double)copied / 64, (double)converted / 64,
		((double)converted - (double)copied) / 64);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	unsigned passes = argc > 1 ? (unsigned)atoi(argv[1]) : 20;

	measure_g711(passes);
	measure(&pcma, &g722, passes);
	measure(&g722, &pcma, passes);
	measure(&pcma, &opus, passes);
	measure(&opus, &pcma, passes);
	measure(&g722, &opus, passes);
	measure(&opus, &g722, passes);
#ifdef HAVE_G729
	measure(&pcma, &g729, passes);
	measure(&g729, &pcma, passes);
	measure(&g729, &g722, passes);
	measure(&opus, &g729, passes);
#endif
	return 0;
}
