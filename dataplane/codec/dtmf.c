// SPDX-License-Identifier: BSD-3-Clause
// Finding DTMF, by spandsp's detector at 8 kHz.
#include <spandsp.h>

#include <errno.h>
#include <stdlib.h>

#include "dataplane/codec/event.h"
#include "dataplane/codec/resample.h"
#include "dataplane/codec/tone.h"

#define CHUNK 960u // samples that are looked at together, at 48 kHz
#define BLOCK 102u // of the detector, at 8 kHz; a digit is reported at the end of its second

struct tone_detector {
	dtmf_rx_state_t *state;
	struct resampler *resampler;
	uint32_t rate;
	struct tone_digit digit;
	int8_t news; // reported in this chunk: an event, -1: its end, -2: nothing
	uint8_t volume;
};

static void report(void *user, int code, int level, int delay)
{
	struct tone_detector *d = user;

	d->news = (int8_t)(code ? event_of_char((char)code) : -1);
	if (code)
		d->volume = (uint8_t)(level > 0 ? 0 : level < -63 ? 63 : -level);
}

int tone_detector_open(struct tone_detector **out, unsigned rate)
{
	struct tone_detector *d = calloc(1, sizeof(*d));
	int err = -ENOMEM;

	if (!d)
		return -ENOMEM;
	d->rate = rate;
	d->digit = (struct tone_digit){.event = -1, .ended = -1};
	d->state = dtmf_rx_init(NULL, NULL, NULL);
	if (!d->state)
		goto fail;
	dtmf_rx_set_realtime_callback(d->state, report, d);
	err = resampler_open(&d->resampler, rate, 8000);
	if (err)
		goto fail;
	*out = d;
	return 0;
fail:
	tone_detector_close(d);
	return err;
}

void tone_detector_close(struct tone_detector *d)
{
	if (!d)
		return;
	if (d->state)
		dtmf_rx_free(d->state);
	resampler_close(d->resampler);
	free(d);
}

static void look(struct tone_detector *d, unsigned samples)
{
	if (d->digit.event >= 0)
		d->digit.duration += samples;
	if (d->news == -2)
		return;
	if (d->digit.event >= 0 && d->news != d->digit.event)
		d->digit.ended = d->digit.event;
	if (d->news >= 0 && d->news != d->digit.event) {
		d->digit.volume = d->volume;
		d->digit.duration = 2 * BLOCK * (d->rate / 100) / 80;
	} else if (d->news < 0 && d->digit.ended >= 0) {
		// It was gone for a block before that was sure.
		uint32_t over = BLOCK * (d->rate / 100) / 80;

		d->digit.duration -= over < d->digit.duration ? over : 0;
	}
	d->digit.event = d->news;
}

void tone_detect(
	struct tone_detector *d, const int16_t *pcm, unsigned samples, struct tone_digit *digit)
{
	int16_t narrow[CHUNK + 16];

	d->digit.ended = -1;
	while (samples) {
		unsigned now = samples < CHUNK ? samples : CHUNK, n;

		d->news = -2;
		n = resampler_run(d->resampler, pcm, now, narrow, CHUNK + 16);
		dtmf_rx(d->state, narrow, (int)n);
		look(d, now);
		pcm += now;
		samples -= now;
	}
	*digit = d->digit;
}
