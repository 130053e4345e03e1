// SPDX-License-Identifier: BSD-3-Clause
// ITU-T G.711: A-law and u-law, to linear and back, and one into the other without linear.
//
// A to u and back is by the tables 3 and 4 of G.711 (not by way of linear PCM, which differs in a few codes):
// the conversion that two networks are supposed to have between them. All are pure functions, any thread, at any
// alignment.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define G711_SILENCE_U 0xffu
#define G711_SILENCE_A 0xd5u

#ifdef __cplusplus
extern "C" {
#endif

// In the forwarding stage: in place, vectorised, up to 64 kB. For who carries a checksum over they say what the sum of the
// 16-bit words, as they lie in memory, has more than before; an odd last byte has a zero behind it.
int64_t g711_alaw_to_ulaw(uint8_t *p, size_t count);
int64_t g711_ulaw_to_alaw(uint8_t *p, size_t count);

// The tables that the above are by.
extern const uint8_t g711_a2u[256];
extern const uint8_t g711_u2a[256];

// 16-bit linear: u-law's 14 bits times 4 (-32124..32124), A-law's 13 bits times 8 (-32256..32256).
void g711_ulaw_decode(int16_t *pcm, const uint8_t *from, size_t count);
void g711_alaw_decode(int16_t *pcm, const uint8_t *from, size_t count);
// By the decision values of G.711 tables 1a to 2b; saturates.
void g711_ulaw_encode(uint8_t *to, const int16_t *pcm, size_t count);
void g711_alaw_encode(uint8_t *to, const int16_t *pcm, size_t count);

#ifdef __cplusplus
}
#endif
