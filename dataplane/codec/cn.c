// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/codec/cn.h"

#include <errno.h>
#include <math.h>
#include <string.h>

// ---- noise

void cn_noise_init(struct cn_noise *noise)
{
	*noise = (struct cn_noise){.seed = 0x9e3779b9u, .level = 127};
}

// 0 dBov is the square wave that just fits (ITU-T G.100.1): its RMS is 32768.
static float rms_of_level(unsigned level)
{
	return 32768.0f * powf(10.0f, -(float)level / 20.0f);
}

int cn_noise_read(struct cn_noise *noise, const uint8_t *payload, size_t length)
{
	float power = 1.0f;

	if (!length)
		return -EBADMSG;
	noise->level = payload[0] & 127;
	noise->order = (uint8_t)(length - 1 < CN_ORDER ? length - 1 : CN_ORDER);
	for (unsigned i = 0; i < noise->order; i++) {
		// RFC 3389 3.2: k = 258 * (N - 127) / 32768, for N of 0..254
		int n = payload[1 + i] == 255 ? 254 : payload[1 + i];

		noise->reflection[i] = 258.0f * (float)(n - 127) / 32768.0f;
		power *= 1.0f - noise->reflection[i] * noise->reflection[i];
	}
	// The filter makes the excitation louder by this much.
	noise->wanted = rms_of_level(noise->level) * sqrtf(power);
	return 0;
}

// Uniform, RMS 1.
static float excitation(struct cn_noise *noise)
{
	noise->seed = noise->seed * 1664525u + 1013904223u;
	return (float)(int32_t)noise->seed * (1.7320508f / 2147483648.0f);
}

// The all-pole lattice of the reflection coefficients: stable, because each is below 1.
static float shape(struct cn_noise *noise, float x)
{
	for (unsigned i = noise->order; i--;) {
		x -= noise->reflection[i] * noise->memory[i];
		noise->memory[i + 1] = noise->memory[i] + noise->reflection[i] * x;
	}
	noise->memory[0] = x;
	return x;
}

void cn_noise_make(struct cn_noise *noise, int16_t *pcm, unsigned samples)
{
	for (unsigned i = 0; i < samples; i++) {
		float x;

		noise->gain += (noise->wanted - noise->gain) / 256.0f;
		x = shape(noise, noise->gain * excitation(noise));
		pcm[i] = (int16_t)(x > 32767.0f ? 32767.0f : x < -32768.0f ? -32768.0f : x);
	}
}

// ---- its description

static float mean_square(const int16_t *pcm, unsigned samples)
{
	int64_t sum = 0;

	for (unsigned i = 0; i < samples; i++)
		sum += (int32_t)pcm[i] * pcm[i];
	return samples ? (float)sum / (float)samples : 0.0f;
}

static unsigned level_of(float square)
{
	float db = square < 1.0f ? 127.0f : -10.0f * log10f(square / (32768.0f * 32768.0f));

	return db > 127.0f ? 127 : db < 0.0f ? 0 : (unsigned)(db + 0.5f);
}

// Levinson and Durbin's recursion on the autocorrelation.
static void reflections(const int16_t *pcm, unsigned samples, unsigned order, float *k)
{
	double r[CN_ORDER + 1] = {0}, a[CN_ORDER + 1] = {1.0}, error;

	for (unsigned lag = 0; lag <= order; lag++)
		for (unsigned i = lag; i < samples; i++)
			r[lag] += (double)pcm[i] * pcm[i - lag];
	error = r[0] * 1.0001 + 1.0; // a little white noise keeps it well conditioned
	for (unsigned i = 1; i <= order; i++) {
		double before[CN_ORDER + 1], sum = r[i];

		for (unsigned j = 1; j < i; j++)
			sum += a[j] * r[i - j];
		k[i - 1] = (float)(-sum / error);
		memcpy(before, a, sizeof(a));
		for (unsigned j = 1; j < i; j++)
			a[j] = before[j] + (double)k[i - 1] * before[i - j];
		a[i] = (double)k[i - 1];
		error *= 1.0 - (double)k[i - 1] * (double)k[i - 1];
	}
}

unsigned cn_payload(const int16_t *pcm, unsigned samples, unsigned order, uint8_t *out)
{
	float k[CN_ORDER];

	if (order > CN_ORDER)
		order = CN_ORDER;
	out[0] = (uint8_t)level_of(mean_square(pcm, samples));
	reflections(pcm, samples, order, k);
	for (unsigned i = 0; i < order; i++) {
		int n = (int)lrintf(k[i] * 32768.0f / 258.0f) + 127;

		out[1 + i] = (uint8_t)(n < 0 ? 0 : n > 254 ? 254 : n);
	}
	return 1 + order;
}

// ---- silence

#define HANGOVER_MS 240u      // longer than the closure of a plosive, shorter than a pause
#define LOUD        250000.0f // mean square of -36 dBov: speech, whatever the floor
#define FAINT       330.0f    // of -65 dBov: silence, whatever the floor
#define OVER_FLOOR  5.0f      // 7 dB

void cn_vad_init(struct cn_vad *vad, unsigned rate)
{
	*vad = (struct cn_vad){.floor = FAINT, .rate = rate, .hangover = rate / 1000 * HANGOVER_MS};
}

bool cn_vad_silent(struct cn_vad *vad, const int16_t *pcm, unsigned samples)
{
	float square = mean_square(pcm, samples), ms = (float)samples * 1000.0f / (float)vad->rate;
	bool speech = square > FAINT && (square > LOUD || square > vad->floor * OVER_FLOOR);

	// The floor falls at once and rises by 3 dB a second.
	if (square < vad->floor)
		vad->floor += (square - vad->floor) * 0.25f;
	else
		vad->floor *= 1.0f + 0.0007f * ms;
	if (vad->floor < FAINT / 2.0f)
		vad->floor = FAINT / 2.0f;
	if (speech) {
		vad->hangover = vad->rate / 1000 * HANGOVER_MS;
		vad->quiet = 0;
	} else if (vad->hangover > samples) {
		vad->hangover -= samples;
	} else {
		vad->hangover = 0;
		vad->quiet += samples;
	}
	vad->silent = !speech && !vad->hangover;
	return vad->silent;
}
