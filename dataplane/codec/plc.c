// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/codec/plc.h"

#include <string.h>

// In samples of `rate`, what Appendix I has in samples of 8 kHz.
static unsigned at(const struct codec_plc *plc, unsigned samples_at_8k)
{
	return samples_at_8k * (plc->rate / 100) / 80;
}

#define PITCH_LEAST 40u  // 200 Hz
#define PITCH_MOST  120u // 66 Hz
#define WINDOW      160u // of the comparison
#define KEPT        (PITCH_MOST + WINDOW + 110u)

size_t codec_plc_size(unsigned rate)
{
	struct codec_plc plc = {.rate = rate};

	return (at(&plc, KEPT) + at(&plc, PITCH_MOST) + 2) * sizeof(int16_t);
}

void codec_plc_init(struct codec_plc *plc, unsigned rate, void *memory)
{
	*plc = (struct codec_plc){.rate = rate, .history = memory};
	plc->kept = (uint16_t)at(plc, KEPT);
	plc->cycle = plc->history + plc->kept;
}

static void remember(struct codec_plc *plc, const int16_t *pcm, unsigned samples)
{
	if (samples >= plc->kept) {
		memcpy(plc->history, pcm + samples - plc->kept, plc->kept * sizeof(*pcm));
		return;
	}
	memmove(plc->history, plc->history + samples, (plc->kept - samples) * sizeof(*pcm));
	memcpy(plc->history + plc->kept - samples, pcm, samples * sizeof(*pcm));
}

// How alike the last samples and those `lag` before them are, each `step`th looked at: the correlation
// squared over the energy, so that a loud stretch is not preferred.
static double likeness(const struct codec_plc *plc, unsigned lag, unsigned step)
{
	const int16_t *now = plc->history + plc->kept - at(plc, WINDOW), *then = now - lag;
	int64_t product = 0, energy = 1;

	for (unsigned i = 0; i < at(plc, WINDOW); i += step) {
		product += (int32_t)now[i] * then[i];
		energy += (int32_t)then[i] * then[i];
	}
	return product <= 0 ? 0.0 : (double)product * (double)product / (double)energy;
}

static unsigned best_lag(
	const struct codec_plc *plc, unsigned from, unsigned to, unsigned stride, unsigned step)
{
	unsigned best = from;
	double most = -1.0;

	for (unsigned lag = from; lag <= to; lag += stride) {
		double l = likeness(plc, lag, step);

		if (l > most) {
			most = l;
			best = lag;
		}
	}
	return best;
}

// Coarsely at every other sample of 8 kHz, then around the best.
static unsigned find_pitch(const struct codec_plc *plc)
{
	unsigned least = at(plc, PITCH_LEAST), most = at(plc, PITCH_MOST), step = at(plc, 2);
	unsigned coarse = best_lag(plc, least, most, step, step);
	unsigned from = coarse > least + step ? coarse - step : least;
	unsigned to = coarse + step < most ? coarse + step : most;

	return best_lag(plc, from, to, 1, step > 1 ? step / 2 : 1);
}

// (a * (total - i) + b * i) / total
static int16_t mix(int a, int b, unsigned i, unsigned total)
{
	return (int16_t)((a * (int)(total - i) + b * (int)i) / (int)total);
}

static void begin(struct codec_plc *plc)
{
	const int16_t *end = plc->history + plc->kept;
	unsigned pitch = find_pitch(plc), overlap = pitch / 4;

	plc->pitch = (uint16_t)pitch;
	plc->offset = 0;
	memcpy(plc->cycle, end - pitch, pitch * sizeof(*end));
	// Its end goes over into what preceded its begin, so that it can be repeated.
	for (unsigned i = 0; i < overlap; i++)
		plc->cycle[pitch - overlap + i] = mix(end[(int)i - (int)overlap],
			end[(int)i - (int)overlap - (int)pitch], i + 1, overlap);
}

static int16_t next(struct codec_plc *plc)
{
	int16_t sample = plc->cycle[plc->offset];

	plc->offset = (uint16_t)(plc->offset + 1 == plc->pitch ? 0 : plc->offset + 1);
	return sample;
}

// Of 32768, for the sample that is `lost` after the last good one.
static int gain(const struct codec_plc *plc, uint32_t lost)
{
	uint32_t hold = plc->rate / 100, fade = plc->rate / 20;

	if (lost <= hold)
		return 32768;
	if (lost >= hold + fade)
		return 0;
	return (int)(32768u - (uint64_t)(lost - hold) * 32768u / fade);
}

static int16_t faded(struct codec_plc *plc)
{
	int g = gain(plc, plc->lost++);

	return g ? (int16_t)((next(plc) * g) >> 15) : 0;
}

void codec_plc_lost(struct codec_plc *plc, int16_t *pcm, unsigned samples)
{
	unsigned i = 0;

	if (!plc->lost) {
		const int16_t *end = plc->history + plc->kept;
		unsigned overlap;

		begin(plc);
		// The last good samples played backwards lead over without a step.
		overlap = plc->pitch / 4u < samples ? plc->pitch / 4u : samples;
		for (; i < overlap; i++)
			pcm[i] = mix(end[-1 - (int)i], faded(plc), i, overlap);
	}
	for (; i < samples; i++)
		pcm[i] = faded(plc);
	remember(plc, pcm, samples);
}

void codec_plc_good(struct codec_plc *plc, int16_t *pcm, unsigned samples)
{
	if (plc->lost) {
		// 4 ms, and more after a longer loss, at most 10 ms.
		unsigned overlap = at(plc, 32) + plc->lost / 4;

		overlap = overlap < at(plc, 80) ? overlap : at(plc, 80);
		overlap = overlap < samples ? overlap : samples;
		for (unsigned i = 0; i < overlap; i++)
			pcm[i] = mix(faded(plc), pcm[i], i, overlap);
		plc->lost = 0;
	}
	remember(plc, pcm, samples);
}
