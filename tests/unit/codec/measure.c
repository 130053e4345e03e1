// SPDX-License-Identifier: BSD-3-Clause
#include "tests/unit/codec/measure.h"

#include <math.h>
#include <string.h>

#define BANDS 20
#define FRAME 256
#define RATE  8000.0

static double energy_at(const double *w, double hz)
{
	double c = 2 * cos(2 * M_PI * hz / RATE), s1 = 0, s2 = 0; // Goertzel

	for (size_t i = 0; i < FRAME; i++) {
		double s = w[i] + c * s1 - s2;

		s2 = s1;
		s1 = s;
	}
	return s1 * s1 + s2 * s2 - c * s1 * s2;
}

static void bands(const int16_t *pcm, double energy[BANDS])
{
	double w[FRAME];

	for (size_t i = 0; i < FRAME; i++)
		w[i] = pcm[i] * (0.5 - 0.5 * cos(2 * M_PI * (double)i / FRAME));
	for (unsigned b = 0; b < BANDS; b++) {
		double low = 250 * pow(3400.0 / 250, (double)b / BANDS);
		double high = 250 * pow(3400.0 / 250, (b + 1.0) / BANDS);

		energy[b] = 0;
		for (double hz = low; hz < high; hz += 31.25)
			energy[b] += energy_at(w, hz);
	}
}

static double square_sum(const int16_t *pcm, size_t samples)
{
	double sum = 0;

	for (size_t i = 0; i < samples; i++)
		sum += (double)pcm[i] * pcm[i];
	return sum;
}

static double likeness(const int16_t *reference, size_t samples, const int16_t *heard, size_t heard_samples,
	long late, size_t step)
{
	double product = 0, energy = 1;

	for (size_t i = 80; i < samples && (long)i + late < (long)heard_samples; i += step) {
		double h = heard[(long)i + late];

		product += reference[i] * h;
		energy += h * h;
	}
	return product / sqrt(energy);
}

static long best_of(const int16_t *reference, size_t samples, const int16_t *heard, size_t heard_samples, long from,
	long to, long stride, size_t step)
{
	long best = from;
	double most = -1;

	for (long late = from; late <= to; late += stride) {
		double l = likeness(reference, samples, heard, heard_samples, late, step);

		if (l > most) {
			most = l;
			best = late;
		}
	}
	return best;
}

static long lateness(const int16_t *reference, size_t samples, const int16_t *heard, size_t heard_samples)
{
	long coarse = best_of(reference, samples, heard, heard_samples, -80, 480, 2, 7);

	return best_of(reference, samples, heard, heard_samples, coarse > -79 ? coarse - 1 : -80, coarse + 1, 1, 1);
}

static double frame_distance(const int16_t *reference, const int16_t *heard)
{
	double a[BANDS], b[BANDS], top = 0, square = 0;

	bands(reference, a);
	bands(heard, b);
	for (unsigned i = 0; i < BANDS; i++)
		top = a[i] > top ? a[i] : top;
	for (unsigned i = 0; i < BANDS; i++) {
		double d = 10 * log10((b[i] + top / 1000) / (a[i] + top / 1000));

		square += d * d;
	}
	return sqrt(square / BANDS);
}

double measure_distance(const int16_t *reference, size_t samples, const int16_t *heard, size_t heard_samples)
{
	double sum = 0, loud = square_sum(reference, samples) / (double)samples * FRAME;
	long late = lateness(reference, samples, heard, heard_samples);
	size_t frames = 0;

	for (long at = 80; at + FRAME <= (long)samples; at += FRAME) {
		if (at + late + FRAME > (long)heard_samples)
			break;
		if (square_sum(reference + at, FRAME) < loud / 16)
			continue;
		sum += frame_distance(reference + at, heard + at + late);
		frames++;
	}
	return frames < 5 ? 99 : sum / (double)frames;
}
