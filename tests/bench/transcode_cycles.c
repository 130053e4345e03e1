// SPDX-License-Identifier: BSD-3-Clause
// What transcoding costs: a whole transcoder (packets in by its ring, out by its ring: order, decoding, resampling,
// encoding, streams) against the bare codec loop (decode, resample, encode), for each pair, in turn.
//
//   transcode_cycles [ROUNDS]
//
// 40 sessions of one direction each, so that codecs do not sit in the first-level cache; time is simulated, 20 ms
// a step, as fast as it goes. One JSON object a pair and round: nanoseconds of thread time a packet of 20 ms.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dataplane/codec/resample.h"
#include "dataplane/worker/transcoder.h"

#define SESSIONS 40u
#define PACKETS  250u // of a stream, again and again
#define STEPS    500u
#define SETTLE   50u // steps before anything is measured
#define STEP_US  20000u

struct stream { // what a party says
	uint16_t length[PACKETS];
	uint8_t payload[PACKETS][CODEC_MAX_PAYLOAD];
	unsigned duration; // RTP units a packet
};

static struct stream stream;

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "transcode_cycles: %s\n", what);
	exit(1);
}

static uint64_t thread_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

// Something like a voice: a pitch that moves, its harmonics, syllables.
static void say(int16_t *pcm, unsigned samples, unsigned rate, unsigned at)
{
	static double phase;

	if (!at)
		phase = 0;
	for (unsigned i = 0; i < samples; i++) {
		double t = (double)(at + i) / rate, pitch = 120 + 30 * sin(2 * M_PI * 0.7 * t),
		       v = 0;
		double loud = fabs(sin(2 * M_PI * 1.7 * t)) * fabs(sin(2 * M_PI * 0.31 * t));

		phase += 2 * M_PI * pitch / rate;
		for (unsigned h = 1; h < 20; h++)
			v += sin(h * phase) / h;
		pcm[i] = (int16_t)(5000 * loud * v);
	}
}

static void format_of(unsigned codec, struct codec_format *format)
{
	codec_format_init(format, codec_by_id(codec));
	format->ptime = 20;
	if (codec == CODEC_G729)
		format->flags = 0;
}

static void make_stream(unsigned codec)
{
	struct codec_encoder *encoder;
	struct codec_format format;
	int16_t pcm[CODEC_MAX_PCM];
	unsigned samples;

	format_of(codec, &format);
	if (codec_encoder_open(&encoder, &format, format.sample_rate))
		give_up("a codec cannot be opened");
	samples = format.sample_rate / 50;
	stream.duration = format.rtp_clock / 50;
	for (unsigned i = 0; i < PACKETS; i++) {
		int n;

		say(pcm, samples, format.sample_rate, i * samples);
		n = codec_encode(encoder, pcm, samples, stream.payload[i], CODEC_MAX_PAYLOAD);
		if (n < 0)
			give_up("a codec cannot encode");
		stream.length[i] = (uint16_t)n;
	}
	codec_encoder_close(encoder);
}

// ---- the bare loop

struct bare {
	struct codec_decoder *decoder;
	struct codec_encoder *encoder;
	struct resampler *resampler; // NULL: one rate
	unsigned samples;            // that the encoder takes
};

static void bare_open(struct bare *b, unsigned from, unsigned to, unsigned rate)
{
	struct codec_format f, t;

	format_of(from, &f);
	format_of(to, &t);
	b->resampler = NULL;
	b->samples = rate / 50;
	if (!codec_does_rate(&f, rate) && resampler_open(&b->resampler, f.sample_rate, rate))
		give_up("a resampler cannot be opened");
	if (codec_decoder_open(&b->decoder, &f, b->resampler ? f.sample_rate : rate) ||
		codec_encoder_open(&b->encoder, &t, rate))
		give_up("a codec cannot be opened");
}

static double bare_loop(unsigned from, unsigned to, unsigned rate)
{
	static struct bare all[SESSIONS];
	int16_t pcm[CODEC_MAX_PCM], other[CODEC_MAX_PCM + 16];
	uint8_t out[CODEC_MAX_PAYLOAD];
	uint64_t begin = 0;

	for (unsigned s = 0; s < SESSIONS; s++)
		bare_open(&all[s], from, to, rate);
	for (unsigned step = 0; step < STEPS + SETTLE; step++) {
		unsigned p = step % PACKETS;

		if (step == SETTLE)
			begin = thread_ns();
		for (unsigned s = 0; s < SESSIONS; s++) {
			struct bare *b = &all[s];
			int n = codec_decode(b->decoder, stream.payload[p], stream.length[p], pcm,
				CODEC_MAX_PCM);
			int16_t *in = pcm;

			if (b->resampler && n > 0) {
				n = (int)resampler_run(
					b->resampler, pcm, (unsigned)n, other, CODEC_MAX_PCM);
				in = other;
			}
			codec_encode(b->encoder, in, b->samples, out, sizeof(out));
		}
	}
	begin = thread_ns() - begin;
	for (unsigned s = 0; s < SESSIONS; s++) {
		codec_decoder_close(all[s].decoder);
		codec_encoder_close(all[s].encoder);
		resampler_close(all[s].resampler);
	}
	return (double)begin / (STEPS * SESSIONS);
}

// ---- the whole transcoder

static unsigned add_session(struct dp_transcoder *t, unsigned slot, unsigned from, unsigned to)
{
	struct dp_tc_order *o = calloc(1, sizeof(*o));
	struct codec_path_config c = {0};
	unsigned rate;

	format_of(from, &c.from.format);
	format_of(to, &c.to.format);
	c.from.type = c.to.type = 96;
	c.from.cn_type = c.from.event_type = c.to.cn_type = c.to.event_type = CODEC_NO_TYPE;
	if (!o || codec_path_open(&o->set.path[0], &c))
		give_up("a path cannot be opened");
	rate = codec_path_rate(o->set.path[0]);
	o->type = DP_TC_SET;
	o->slot = slot;
	o->set.session = dp_tc_session_new();
	o->set.terms[0].clock = c.from.format.rtp_clock;
	o->set.terms[1].clock = c.to.format.rtp_clock;
	if (dp_transcoder_send(t, o))
		give_up("an order was refused");
	return rate;
}

static void put(struct dp_side_ring *ring, unsigned slot, unsigned step, uint64_t now)
{
	unsigned p = step % PACKETS;
	struct dp_side *s = dp_side_place(ring, 12u + stream.length[p]);
	uint32_t timestamp = __builtin_bswap32(step * stream.duration);
	uint16_t seq = __builtin_bswap16((uint16_t)step);
	uint8_t *b;

	if (!s)
		give_up("the ring is full");
	*s = (struct dp_side){.size = (uint16_t)(12 + stream.length[p]),
		.kind = DP_SIDE_RTP,
		.slot = slot,
		.time = (now << 14) / 15625};
	b = dp_side_bytes(s);
	b[0] = 0x80;
	b[1] = 96;
	memcpy(b + 2, &seq, 2);
	memcpy(b + 4, &timestamp, 4);
	memset(b + 8, 7, 4);
	memcpy(b + 12, stream.payload[p], stream.length[p]);
	dp_side_commit(ring, s);
}

static double whole_loop(unsigned from, unsigned to, unsigned *rate, double *made)
{
	struct dp_transcoder_config config = {.workers = 1, .sessions = SESSIONS, .agent_bell = -1};
	uint64_t now = 1000000000000ull, begin = 0, packets = 0;
	struct dp_transcoder *t;

	config.in[0] = dp_side_new();
	config.out[0] = dp_side_new();
	if (!config.in[0] || !config.out[0] || dp_transcoder_create(&t, &config))
		give_up("out of memory");
	for (unsigned s = 0; s < SESSIONS; s++)
		*rate = add_session(t, s, from, to);
	for (unsigned step = 0; step < STEPS + SETTLE; step++) {
		if (step == SETTLE) {
			begin = thread_ns();
			packets = 0;
		}
		for (unsigned s = 0; s < SESSIONS; s++)
			put(config.in[0], s, step, now);
		dp_transcoder_turn(t, now);
		now += STEP_US;
		while (dp_side_next(config.out[0]))
			packets++;
	}
	begin = thread_ns() - begin;
	*made = (double)packets / (STEPS * SESSIONS);
	dp_transcoder_free(t);
	dp_side_free(config.in[0]);
	dp_side_free(config.out[0]);
	return (double)begin / (STEPS * SESSIONS);
}

int main(int argc, char **argv)
{
	static const unsigned pairs[][2] = {
		{CODEC_PCMU, CODEC_G722},
		{CODEC_G722, CODEC_PCMU},
		{CODEC_PCMU, CODEC_OPUS},
		{CODEC_OPUS, CODEC_PCMU},
		{CODEC_PCMU, CODEC_G729},
		{CODEC_G729, CODEC_PCMU},
		{CODEC_PCMU, CODEC_AMR_WB},
		{CODEC_AMR_WB, CODEC_PCMU},
		{CODEC_PCMU, CODEC_AMR},
		{CODEC_AMR, CODEC_PCMU},
		{CODEC_PCMU, CODEC_GSM},
		{CODEC_PCMU, CODEC_G726_32},
		{CODEC_PCMU, CODEC_SPEEX},
		{CODEC_OPUS, CODEC_AMR_WB},
		{CODEC_PCMU, CODEC_PCMA},
	};
	unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 3;

	for (unsigned i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		const struct codec_name *from = codec_by_id(pairs[i][0]),
					*to = codec_by_id(pairs[i][1]);

		if (!codec_find(from->id) || !codec_find(to->id))
			continue;
		make_stream(from->id);
		for (unsigned n = 0; n < rounds; n++) {
			unsigned rate = 8000;
			double made, whole = whole_loop(from->id, to->id, &rate, &made);
			double bare = bare_loop(from->id, to->id, rate);

			printf("{\"from\": \"%s\", \"to\": \"%s\", \"rate\": %u, \"whole_ns\": "
			       "%.0f, "
			       "\"bare_ns\": %.0f, \"made\": %.3f}\n",
				from->name, to->name, rate, whole, bare, made);
			fflush(stdout);
		}
	}
	return 0;
}
