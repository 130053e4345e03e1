// SPDX-License-Identifier: BSD-3-Clause
// Measuring sound for tests; in C, which test builds optimise.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Mean distance in dB of the spectra in 20 bands of 250 to 3400 Hz, over the frames of 32 ms in which `reference` has
// speech, both at 8 kHz. `heard` may be early by 10 ms and late by 60 ms. What is 30 dB below a frame's loudest band
// counts as masked. 0: the same; 1: hardly heard; 6: the formants are there; more: words get lost.
double measure_distance(const int16_t *reference, size_t samples, const int16_t *heard, size_t heard_samples);
