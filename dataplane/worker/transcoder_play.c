// SPDX-License-Identifier: BSD-3-Clause
// What a leg's party hears that nobody said: prompts, which lie in memory, and tones, which are made as they
// are heard.
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "dataplane/worker/transcoder_state.h"

#define SINE_BITS    10u
#define SINE_SAMPLES (1u << SINE_BITS)
#define FULL_DBM0    3.14 // dBm0 of a sine that just fits into 16 bits

static int16_t sine[SINE_SAMPLES];
static pthread_once_t sine_once = PTHREAD_ONCE_INIT;

static void fill_sine(void)
{
	for (unsigned i = 0; i < SINE_SAMPLES; i++)
		sine[i] = (int16_t)lrint(32767 * sin(2 * M_PI * i / SINE_SAMPLES));
}

// ---- reading, by the path

// How many of `wanted` samples may still be played.
static unsigned within_limit(struct dp_tc_sound *s, unsigned wanted)
{
	uint64_t left;

	if (!s->limit)
		return wanted;
	left = s->limit > s->played ? s->limit - s->played : 0;
	s->over = left <= wanted;
	return left < wanted ? (unsigned)left : wanted;
}

// The cadence was played once more. False: that was the last time.
static bool again(struct dp_tc_sound *s)
{
	s->part = 0;
	s->ended = s->loops && ++s->loop == s->loops;
	return !s->ended;
}

static uint32_t samples_of(const struct dp_tc_sound *s, uint32_t ms)
{
	return (uint32_t)((uint64_t)ms * s->rate / 1000);
}

static void sound_tone(struct dp_tc_sound *s, const struct abi_tone *tone, int16_t *pcm, unsigned n)
{
	double level = pow(10, (-(double)(s->volume ? s->volume : 13) - FULL_DBM0) / 20);
	int32_t gain = (int32_t)(level * 32768);
	uint32_t step[2];

	for (unsigned f = 0; f < 2; f++)
		step[f] = (uint32_t)(((uint64_t)tone->hz[f] << 32) / s->rate);
	for (unsigned i = 0; i < n; i++) {
		int32_t v = sine[s->phase[0] >> (32 - SINE_BITS)];

		if (step[1])
			v += sine[s->phase[1] >> (32 - SINE_BITS)];
		v = v * gain >> 15;
		pcm[i] = (int16_t)(v > INT16_MAX ? INT16_MAX : v < INT16_MIN ? INT16_MIN : v);
		s->phase[0] += step[0];
		s->phase[1] += step[1];
	}
}

static unsigned read_tones(struct dp_tc_sound *s, int16_t *pcm, unsigned samples)
{
	unsigned n = 0;

	while (n < samples && !s->ended) {
		const struct abi_tone *tone = &s->tone[s->part];
		uint32_t on = samples_of(s, tone->on_ms), all = on + samples_of(s, tone->off_ms);
		bool sounds = s->at < on || !tone->on_ms;
		uint32_t some = sounds ? on - s->at : all - s->at;

		if (!tone->on_ms || some > samples - n)
			some = samples - n;
		if (sounds)
			sound_tone(s, tone, pcm + n, some);
		else
			memset(pcm + n, 0, some * sizeof(*pcm));
		n += some;
		s->at = tone->on_ms ? s->at + some : 0;
		if (!tone->on_ms || s->at < all)
			continue;
		s->at = 0;
		s->phase[0] = s->phase[1] = 0;
		if (++s->part == s->tones && !again(s))
			break;
	}
	return n;
}

static unsigned read_sound(void *context, int16_t *pcm, unsigned samples)
{
	struct dp_tc_sound *s = context;
	unsigned wanted = within_limit(s, samples), n;

	n = s->player ? clip_player_read(s->player, pcm, wanted) : read_tones(s, pcm, wanted);
	s->played += n;
	return n;
}

// ---- orders

void dp_tc_play_on(struct dp_transcoder *t, struct dp_tc_session *s, unsigned leg)
{
	struct dp_tc_order *order = s->leg[leg].play;
	struct codec_path *path = dp_tc_towards(s, leg);
	struct codec_source source;

	if (!order || !path || codec_path_playing(path))
		return;
	// A prompt is at the rate of the path that it was made for.
	if (order->play.sound.player && order->play.sound.rate != codec_path_rate(path)) {
		dp_tc_play_stop(t, s, leg, 0, ABI_PLAY_GONE);
		return;
	}
	order->play.sound.rate = codec_path_rate(path);
	source = (struct codec_source){
		.read = read_sound, .context = &order->play.sound, .mix = order->play.sound.mix};
	codec_path_play(path, &source, t->now_us);
}

static void finish(struct dp_transcoder *t, struct dp_tc_leg *leg, enum abi_play_cause cause)
{
	struct dp_tc_order *order = leg->play;

	leg->play = NULL;
	order->play.cause = (uint8_t)cause;
	dp_tc_return(t, order);
}

void dp_tc_play_stop(struct dp_transcoder *t, struct dp_tc_session *s, unsigned leg, uint32_t id,
	enum abi_play_cause cause)
{
	struct codec_path *path = dp_tc_towards(s, leg);
	struct dp_tc_leg *l = &s->leg[leg];

	if (!l->play || (id && l->play->play.id != id))
		return;
	if (path) {
		codec_path_play(path, NULL, t->now_us);
		s->leg[!leg].path_us = t->now_us;
	}
	finish(t, l, cause);
}

void dp_tc_play(struct dp_transcoder *t, struct dp_tc_session *s, struct dp_tc_order *order)
{
	unsigned leg = order->play.leg;

	pthread_once(&sine_once, fill_sine);
	dp_tc_play_stop(t, s, leg, 0, ABI_PLAY_REPLACED);
	s->leg[leg].play = order;
	dp_tc_play_on(t, s, leg);
	dp_tc_run(t, s, !leg);
}

void dp_tc_play_look(struct dp_transcoder *t, struct dp_tc_session *s, unsigned leg)
{
	struct dp_tc_leg *l = &s->leg[leg];

	if (l->play && !codec_path_playing(dp_tc_towards(s, leg)))
		finish(t, l, l->play->play.sound.over ? ABI_PLAY_LIMIT : ABI_PLAYED);
}
