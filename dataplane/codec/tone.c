// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/codec/tone.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#define RAMP_MS 3u

// ---- countries: E.180 Supplement 2, and for North America the Precise Tone Plan

#define ONE(a, b, on, off)                                                                         \
	{                                                                                          \
		.parts = 1, .part = { {{a, b}, on, off} }                                          \
	}
#define TWO(a, b, on1, off1, on2, off2)                                                            \
	{                                                                                          \
		.parts = 2, .part = { {{a, b}, on1, off1}, {{a, b}, on2, off2} }                   \
	}

struct country {
	const char *code;                  // calling code
	const char *letters;               // of those that share its tones
	struct tone_plan tone[TONE_KINDS]; // ringback, busy, congestion, dial
};

static const struct country countries[] = {
	{"", "",
		{ONE(425, 0, 1000, 4000), ONE(425, 0, 500, 500), ONE(425, 0, 250, 250),
			ONE(425, 0, 0, 0)}},
	{"1", "us ca",
		{ONE(440, 480, 2000, 4000), ONE(480, 620, 500, 500), ONE(480, 620, 250, 250),
			ONE(350, 440, 0, 0)}},
	{"31", "nl",
		{ONE(425, 0, 1000, 4000), ONE(425, 0, 500, 500), ONE(425, 0, 250, 250),
			ONE(425, 0, 0, 0)}},
	{"32", "be",
		{ONE(425, 0, 1000, 3000), ONE(425, 0, 500, 500), ONE(425, 0, 167, 167),
			ONE(425, 0, 0, 0)}},
	{"33", "fr",
		{ONE(440, 0, 1500, 3500), ONE(440, 0, 500, 500), ONE(440, 0, 250, 250),
			ONE(440, 0, 0, 0)}},
	{"34", "es",
		{ONE(425, 0, 1500, 3000), ONE(425, 0, 200, 200), TWO(425, 0, 200, 200, 200, 600),
			ONE(425, 0, 0, 0)}},
	{"39", "it",
		{ONE(425, 0, 1000, 4000), ONE(425, 0, 500, 500), ONE(425, 0, 200, 200),
			TWO(425, 0, 200, 200, 600, 1000)}},
	{"41", "ch",
		{ONE(425, 0, 1000, 4000), ONE(425, 0, 500, 500), ONE(425, 0, 200, 200),
			ONE(425, 0, 0, 0)}},
	{"43", "at",
		{ONE(420, 0, 1000, 5000), ONE(420, 0, 400, 400), ONE(420, 0, 200, 200),
			ONE(420, 0, 0, 0)}},
	{"44", "gb uk",
		{TWO(400, 450, 400, 200, 400, 2000), ONE(400, 0, 375, 375),
			TWO(400, 0, 400, 350, 225, 525), ONE(350, 440, 0, 0)}},
	{"46", "se",
		{ONE(425, 0, 1000, 5000), ONE(425, 0, 250, 250), ONE(425, 0, 250, 750),
			ONE(425, 0, 0, 0)}},
	{"48", "pl",
		{ONE(425, 0, 1000, 4000), ONE(425, 0, 500, 500), ONE(425, 0, 500, 500),
			ONE(425, 0, 0, 0)}},
	{"49", "de",
		{ONE(425, 0, 1000, 4000), ONE(425, 0, 480, 480), ONE(425, 0, 240, 240),
			ONE(425, 0, 0, 0)}},
	{"61", "au",
		{TWO(400, 425, 400, 200, 400, 2000), ONE(425, 0, 375, 375), ONE(425, 0, 375, 375),
			ONE(400, 425, 0, 0)}},
	{"7", "ru kz",
		{ONE(425, 0, 800, 3200), ONE(425, 0, 400, 400), ONE(425, 0, 200, 200),
			ONE(425, 0, 0, 0)}},
	{"81", "jp",
		{ONE(385, 415, 1000, 2000), ONE(400, 0, 500, 500), ONE(400, 0, 500, 500),
			ONE(400, 0, 0, 0)}},
	{"86", "cn",
		{ONE(450, 0, 1000, 4000), ONE(450, 0, 350, 350), ONE(450, 0, 700, 700),
			ONE(450, 0, 0, 0)}},
	{"91", "in",
		{TWO(400, 25, 400, 200, 400, 2000), ONE(400, 0, 750, 750), ONE(400, 0, 250, 250),
			ONE(400, 25, 0, 0)}},
};

static bool names(const struct country *c, const char *country)
{
	const char *at = strlen(country) == 2 ? strcasestr(c->letters, country) : NULL;

	return strcmp(c->code, country) == 0 || (at && (at == c->letters || at[-1] == ' '));
}

const struct tone_plan *tone_of_country(const char *country, enum tone_kind kind)
{
	if (*country == '+')
		country++;
	for (size_t i = 1; *country && i < sizeof(countries) / sizeof(countries[0]); i++)
		if (names(&countries[i], country))
			return &countries[i].tone[kind];
	return &countries[0].tone[kind];
}

// ---- making

// Full scale is +3.14 dBm0 of a sine (G.711 u-law; A-law's 3.17 within 0.03 dB).
static float peak_of(unsigned volume)
{
	return 32767.0f * powf(10.0f, -((float)volume + 3.14f) / 20.0f);
}

static void wave_start(struct tone_wave *wave, unsigned hz, unsigned rate)
{
	double w = 2.0 * M_PI * hz / rate;

	// sin(0) comes first
	*wave = (struct tone_wave){.factor = 2.0 * cos(w), .y1 = -sin(w), .y2 = -sin(2.0 * w)};
}

static double wave_next(struct tone_wave *wave)
{
	double y = wave->factor * wave->y1 - wave->y2;

	wave->y2 = wave->y1;
	wave->y1 = y;
	return y;
}

static void start_part(struct tone_gen *tone)
{
	const struct tone_part *part = &tone->plan.part[tone->at];

	tone->done = 0;
	for (unsigned i = 0; i < 2; i++)
		wave_start(&tone->wave[i], part->hz[i], tone->rate);
}

void tone_start(struct tone_gen *tone, const struct tone_plan *plan, unsigned volume, unsigned rate)
{
	*tone = (struct tone_gen){.plan = *plan,
		.amplitude = peak_of(volume),
		.rate = rate,
		.volume = (uint8_t)volume};
	start_part(tone);
}

bool tone_start_dtmf(struct tone_gen *tone, unsigned event, unsigned volume, unsigned rate)
{
	static const uint16_t low[4] = {697, 770, 852, 941}, high[4] = {1209, 1336, 1477, 1633};
	// by event: 0..9 * # A..D
	static const uint8_t key[16] = {13, 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 14, 3, 7, 11, 15};
	struct tone_plan plan = {.parts = 1};

	if (event > 15)
		return false;
	plan.part[0].hz[0] = low[key[event] / 4];
	plan.part[0].hz[1] = high[key[event] % 4];
	tone_start(tone, &plan, volume, rate);
	return true;
}

// 0..1: a part rises and falls over RAMP_MS.
static float envelope(const struct tone_gen *tone, uint32_t on)
{
	uint32_t ramp = tone->rate * RAMP_MS / 1000;

	if (tone->done < ramp)
		return (float)tone->done / (float)ramp;
	if (on && tone->done + ramp > on)
		return tone->done < on ? (float)(on - tone->done) / (float)ramp : 0.0f;
	return 1.0f;
}

void tone_make(struct tone_gen *tone, int16_t *pcm, unsigned samples)
{
	for (unsigned i = 0; i < samples; i++) {
		const struct tone_part *part = &tone->plan.part[tone->at];
		uint32_t on = part->on_ms * tone->rate / 1000;
		uint32_t all = on + part->off_ms * tone->rate / 1000;
		float sum = 0.0f;

		for (unsigned w = 0; w < 2 && (!on || tone->done < on); w++)
			if (part->hz[w])
				sum += (float)wave_next(&tone->wave[w]);
		sum *= tone->amplitude * envelope(tone, on);
		pcm[i] = (int16_t)lrintf(sum > 32767.0f    ? 32767.0f
					 : sum < -32768.0f ? -32768.0f
							   : sum);
		tone->done++;
		if (on && tone->done >= all) {
			tone->at = (uint8_t)((tone->at + 1) % tone->plan.parts);
			start_part(tone);
		}
	}
}

void tone_end(struct tone_gen *tone, int16_t *pcm, unsigned samples)
{
	unsigned ramp = tone->rate * RAMP_MS / 1000;

	tone_make(tone, pcm, samples);
	ramp = ramp < samples ? ramp : samples;
	for (unsigned i = 0; i < ramp; i++)
		pcm[samples - ramp + i] =
			(int16_t)((int)pcm[samples - ramp + i] * (int)(ramp - i) / (int)ramp);
}
