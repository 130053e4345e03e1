// SPDX-License-Identifier: BSD-3-Clause
// One recording: its file, and what is on its way there. The recorder's thread.
#pragma once

#include "dataplane/codec/path.h"
#include "dataplane/codec/wav.h"
#include "dataplane/worker/recorder.h"

#define RECORDING_BLOCK 65536u // bytes that are written at once
#define RECORDING_RING  65536u // samples of a leg that wait for the other one's; a power of two

struct recording_leg {
	struct codec_path *path[ABI_RECORD_CODECS];
	uint8_t paths;
	int16_t *pcm;    // [RECORDING_RING], by sample number
	uint64_t cursor; // samples that are there
};

struct recording {
	struct dp_record_order *order; // START; what it became goes into order->done
	int fd;
	uint64_t began_us;  // CLOCK_MONOTONIC
	uint64_t offset_us; // to Unix time
	uint64_t octets;    // written, or in `block`
	uint64_t flushed;   // wav: samples that are written
	uint32_t rate;
	uint8_t channels;
	struct recording_leg leg[2];
	uint32_t filled; // of block
	uint8_t block[RECORDING_BLOCK];
};

// NULL: out of memory. Opens the file: an error is in order->done, and the recording has ended then.
struct recording *recording_begin(int directory, struct dp_record_order *order, uint64_t now_us);
bool recording_ended(const struct recording *r);
void recording_packet(struct recording *r, const struct dp_side *s, uint64_t now_us);
// What is due: samples, limits.
void recording_tick(struct recording *r, uint64_t now_us);
// Writes the rest and fills order->done, unless it has ended already. Frees it; the order stays.
void recording_end(struct recording *r, enum abi_record_cause cause, uint64_t now_us);
