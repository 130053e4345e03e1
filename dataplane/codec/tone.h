// SPDX-License-Identifier: BSD-3-Clause
// Tones: DTMF, ringback, busy and their like as the countries have them (ITU-T E.180), and finding DTMF in speech.
//
// Generators and cadences are pure state at any rate; a detector allocates when it is opened. Each belongs to one
// thread at a time.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TONE_PARTS 6u

struct tone_part {
	uint16_t hz[2]; // [1] 0: one frequency; both 0: silence
	uint16_t on_ms; // 0: without end
	uint16_t off_ms;
};

enum tone_kind {
	TONE_RINGBACK,
	TONE_BUSY,
	TONE_CONGESTION,
	TONE_DIAL,
	TONE_KINDS,
};

struct tone_plan {     // one country's tone
	uint8_t parts; // 1..TONE_PARTS, one after the other, again and again
	struct tone_part part[TONE_PARTS];
};

struct tone_wave { // one sine: y[n] = factor * y[n-1] - y[n-2]
	double factor, y1, y2;
};

struct tone_gen {
	struct tone_plan plan;
	struct tone_wave wave[2];
	float amplitude; // of each frequency, peak
	uint32_t rate;
	uint32_t done; // samples of the part
	uint8_t at;    // part
	uint8_t volume;
};

struct tone_detector;

#ifdef __cplusplus
extern "C" {
#endif

// The plan of a country by its calling code ("49", "1", "44") or its ISO 3166 letters ("de"); what is not known has
// Europe's (425 Hz). Never NULL.
const struct tone_plan *tone_of_country(const char *country, enum tone_kind kind);

// `volume`: -dBm0 of each frequency, 0..63.
void tone_start(
	struct tone_gen *tone, const struct tone_plan *plan, unsigned volume, unsigned rate);
// A DTMF digit without end. False: 0..15 only.
bool tone_start_dtmf(struct tone_gen *tone, unsigned event, unsigned volume, unsigned rate);
// Goes on; every part begins and ends without a click.
void tone_make(struct tone_gen *tone, int16_t *pcm, unsigned samples);
// The last samples of a tone that is to end: fades over them.
void tone_end(struct tone_gen *tone, int16_t *pcm, unsigned samples);

struct tone_digit {
	int8_t event;      // that is heard now, -1: none
	uint8_t volume;    // -dBm0
	uint32_t duration; // samples of it so far; of the one that ended, when none is heard
	int8_t ended;      // that ended in what was just looked at, -1: none
};

// PCM of 8 to 48 kHz. 0, -EINVAL, -ENOMEM.
int tone_detector_open(struct tone_detector **out, unsigned rate);
void tone_detector_close(struct tone_detector *detector); // NULL is nothing
// What is heard at the end of these samples. A digit is heard some 25 ms after it began, which `duration` counts in.
void tone_detect(struct tone_detector *detector, const int16_t *pcm, unsigned samples,
	struct tone_digit *digit);

#ifdef __cplusplus
}
#endif
