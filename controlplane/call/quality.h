// SPDX-License-Identifier: BSD-3-Clause
// How a leg sounded, by the E-model of ITU-T G.107 (06/2015): from what was received, the codec's equipment
// impairment Ie and its robustness against loss Bpl (G.113 appendix I), with the default of every other
// parameter, so that a perfect G.711 call has R = 93.2 and MOS = 4.41.
//
//   Ie,eff = Ie + (95 - Ie) * Ppl / (Ppl / BurstR + Bpl),   BurstR = 1 (random loss)
//   R      = 93.2 - Idd - Ie,eff
//   Idd    by equation 7-27 from the one-way delay: half of the round trip where it is known, one packet, the
//          codec's look-ahead, and a jitter buffer of twice the measured jitter (at least 20 ms)
//
// Codecs for which G.113 has no narrow-band values (wide-band, Opus) are not judged.
//
// Thread: pure functions.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct cp_quality_input {
	const char *codec;       // "PCMA/8000"
	uint64_t received, lost; // packets
	uint32_t jitter_us;
	uint32_t round_trip_us; // 0: not known
};

struct cp_quality {
	double r;    // 0..100
	double mos;  // MOS-CQE, 1..4.5
	double loss; // percent
};

#ifdef __cplusplus
extern "C" {
#endif

// False: nothing was received, or the codec is not known.
bool cp_quality_of(const struct cp_quality_input *in, struct cp_quality *out);
// Annex B of G.107.
double cp_quality_mos(double r);

#ifdef __cplusplus
}
#endif
