// SPDX-License-Identifier: BSD-3-Clause
// Packet loss concealment on PCM, for codecs that have none of their own: by the method of ITU-T G.711
// Appendix I (the last pitch period again and again, overlapped at its seams, fading), at any rate, without
// its delay.
//
// From 10 ms on it fades by a fifth every 10 ms: after 60 ms of loss there is silence. What follows a loss is
// overlapped with what the concealment would have gone on with, so there is no click either way.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct codec_plc {
	int16_t *history; // `kept` samples, the newest last
	int16_t *cycle;   // one pitch period, its end fading into what was before its begin
	uint32_t rate;
	uint16_t kept;
	uint16_t pitch;  // samples of `cycle`
	uint16_t offset; // next sample of it
	uint32_t lost;   // samples that were concealed since the last good one
};

// Bytes of `memory` for codec_plc_init, at 8 to 48 kHz.
size_t codec_plc_size(unsigned rate);
// `memory` has to be aligned for int16_t and zero; it lives as long as `plc` does.
void codec_plc_init(struct codec_plc *plc, unsigned rate, void *memory);

// A good frame was decoded: remembers it, and mends its beginning when it follows a loss.
void codec_plc_good(struct codec_plc *plc, int16_t *pcm, unsigned samples);
// Makes up a frame.
void codec_plc_lost(struct codec_plc *plc, int16_t *pcm, unsigned samples);
