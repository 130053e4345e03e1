// SPDX-License-Identifier: BSD-3-Clause
// Finding fax machines in what is said: the calling tone (CNG, 1100 Hz in bursts), and what an answering machine begins
// with (CED, 2100 Hz, or the flags of V.21 before its first frame; ITU-T T.30). By spandsp's detectors at 8 kHz.
//
// A modem's or a text phone's 2100 Hz with phase reversals or a modulation is none of a fax.
//
// Threads: one at a time. Opening and closing allocate.
#pragma once

#include <stdint.h>

enum fax_sound {
	FAX_CALLS = 1u << 0,
	FAX_ANSWERS = 1u << 1,
};

struct fax_ear;

#ifdef __cplusplus
extern "C" {
#endif

// PCM of 8 to 48 kHz. 0, -EINVAL, -ENOMEM.
int fax_ear_open(struct fax_ear **out, unsigned rate);
void fax_ear_close(struct fax_ear *ear); // NULL is nothing
// What was heard in these samples for the first time: of enum fax_sound.
unsigned fax_ear_hear(struct fax_ear *ear, const int16_t *pcm, unsigned samples);

#ifdef __cplusplus
}
#endif
