// SPDX-License-Identifier: BSD-3-Clause
// One rate to another, by speexdsp. Opening allocates, nothing else does.
#pragma once

#include <stdint.h>

struct resampler;

#ifdef __cplusplus
extern "C" {
#endif

// 0, -EINVAL (a rate outside 8000..48000), -ENOMEM. Equal rates copy.
int resampler_open(struct resampler **out, unsigned from, unsigned to);
void resampler_close(struct resampler *r); // NULL is nothing

// All of `in`; returns the samples written. `capacity` has to be at least count * to / from + 16; what does
// not fit is lost.
unsigned resampler_run(
	struct resampler *r, const int16_t *in, unsigned count, int16_t *out, unsigned capacity);

#ifdef __cplusplus
}
#endif
