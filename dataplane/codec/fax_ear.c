// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/codec/fax_ear.h"

#include <spandsp.h>

#include <errno.h>
#include <stdlib.h>

#include "dataplane/codec/resample.h"

#define CHUNK 960u // samples that are looked at together, at 48 kHz

struct fax_ear {
	modem_connect_tones_rx_state_t *calls, *answers;
	struct resampler *resampler;
	unsigned heard; // enum fax_sound
};

static void on_tone(void *user, int tone, int level, int delay)
{
	struct fax_ear *ear = user;

	if (tone == MODEM_CONNECT_TONES_FAX_CNG)
		ear->heard |= FAX_CALLS;
	else if (tone == MODEM_CONNECT_TONES_FAX_PREAMBLE || tone == MODEM_CONNECT_TONES_FAX_CED)
		ear->heard |= FAX_ANSWERS;
}

int fax_ear_open(struct fax_ear **out, unsigned rate)
{
	struct fax_ear *ear = calloc(1, sizeof(*ear));
	int err = -ENOMEM;

	if (!ear)
		return -ENOMEM;
	ear->calls = modem_connect_tones_rx_init(NULL, MODEM_CONNECT_TONES_FAX_CNG, on_tone, ear);
	ear->answers = modem_connect_tones_rx_init(
		NULL, MODEM_CONNECT_TONES_FAX_CED_OR_PREAMBLE, on_tone, ear);
	if (ear->calls && ear->answers)
		err = resampler_open(&ear->resampler, rate, 8000);
	if (err) {
		fax_ear_close(ear);
		return err;
	}
	*out = ear;
	return 0;
}

void fax_ear_close(struct fax_ear *ear)
{
	if (!ear)
		return;
	if (ear->calls)
		modem_connect_tones_rx_free(ear->calls);
	if (ear->answers)
		modem_connect_tones_rx_free(ear->answers);
	resampler_close(ear->resampler);
	free(ear);
}

unsigned fax_ear_hear(struct fax_ear *ear, const int16_t *pcm, unsigned samples)
{
	const unsigned before = ear->heard;
	int16_t narrow[CHUNK + 16];

	while (samples) {
		unsigned now = samples < CHUNK ? samples : CHUNK;
		int n = (int)resampler_run(ear->resampler, pcm, now, narrow, CHUNK + 16);

		if (!(ear->heard & FAX_CALLS))
			modem_connect_tones_rx(ear->calls, narrow, n);
		if (!(ear->heard & FAX_ANSWERS))
			modem_connect_tones_rx(ear->answers, narrow, n);
		pcm += now;
		samples -= now;
	}
	return ear->heard & ~before;
}
