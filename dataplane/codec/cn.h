// SPDX-License-Identifier: BSD-3-Clause
// Comfort noise (RFC 3389): what a SID payload says, noise that sounds so, a payload for the noise that is there;
// and a detector of silence for codecs that have none.
//
// Pure state on PCM at 8 to 48 kHz; nothing allocates. Any payload of 1 byte and more is understood; coefficients
// beyond the tenth are not used (RFC 3389 3.2 leaves the order to the receiver).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CN_ORDER   10u
#define CN_PAYLOAD (1u + CN_ORDER)

struct cn_noise {
	uint32_t seed;
	float gain;    // RMS of the excitation
	float wanted;  // towards which it glides, so that updates do not click
	uint8_t level; // -dBov, of the last payload
	uint8_t order;
	float reflection[CN_ORDER];
	float memory[CN_ORDER + 1];
};

struct cn_vad {
	float floor; // mean square of the noise below the speech
	uint32_t rate;
	uint32_t hangover; // samples that are still taken for speech
	uint32_t quiet;    // samples of silence so far
	uint8_t sent;      // level that was sent last, -dBov
	bool silent;
};

#ifdef __cplusplus
extern "C" {
#endif

void cn_noise_init(struct cn_noise *noise);
// 0, or -EBADMSG: it is empty.
int cn_noise_read(struct cn_noise *noise, const uint8_t *payload, size_t length);
void cn_noise_make(struct cn_noise *noise, int16_t *pcm, unsigned samples);

// Level and, with order > 0, spectrum of a frame of noise. Bytes written: 1 + order.
unsigned cn_payload(const int16_t *pcm, unsigned samples, unsigned order, uint8_t *out);

void cn_vad_init(struct cn_vad *vad, unsigned rate);
// True: the frame is silence, and has been for longer than speech pauses between words.
bool cn_vad_silent(struct cn_vad *vad, const int16_t *pcm, unsigned samples);

#ifdef __cplusplus
}
#endif
