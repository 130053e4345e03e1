// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/codec/resample.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <speex/speex_resampler.h>

struct resampler {
	SpeexResamplerState *state; // NULL: equal rates
};

int resampler_open(struct resampler **out, unsigned from, unsigned to)
{
	struct resampler *r;
	int err;

	if (from < 8000 || from > 48000 || to < 8000 || to > 48000)
		return -EINVAL;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	if (from != to) {
		r->state = speex_resampler_init(1, from, to, SPEEX_RESAMPLER_QUALITY_VOIP, &err);
		if (!r->state) {
			free(r);
			return -ENOMEM;
		}
	}
	*out = r;
	return 0;
}

void resampler_close(struct resampler *r)
{
	if (!r)
		return;
	if (r->state)
		speex_resampler_destroy(r->state);
	free(r);
}

unsigned resampler_run(
	struct resampler *r, const int16_t *in, unsigned count, int16_t *out, unsigned capacity)
{
	spx_uint32_t read = count, written = capacity;

	if (!r->state) {
		written = count < capacity ? count : capacity;
		memcpy(out, in, written * sizeof(*out));
		return written;
	}
	speex_resampler_process_int(r->state, 0, in, &read, out, &written);
	return written;
}
