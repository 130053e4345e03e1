// SPDX-License-Identifier: BSD-3-Clause
// The recorder: one thread that writes what parties say to files, from a side path. Workers copy the packets of
// recorded legs into rings (pipeline/divert.c) and never wait: while a disk is slow, what finds no room in the
// rings is missing in the recording, and is counted there.
//
// pcap: each packet as it came, decrypted, with IP and UDP headers whose lengths and checksums are right.
// wav: 16-bit PCM, one channel a recorded leg, in the time that it was said: each leg goes through a playout
// buffer (codec/path.h), and silence stands where nothing came.
//
// A file is made new, never overwritten, under the configured directory, and no link is followed. When the disk
// is full, what was written stays and can be read: the header of a wav is put right.
//
// Threads: dp_recorder_create, _start, _stop, _free, _send and _reply belong to the agent.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/message.h"
#include "dataplane/abi/sync.h"
#include "dataplane/codec/format/format.h"
#include "dataplane/worker/side_ring.h"

#define DP_RECORDINGS 1000u // at once

struct dp_recorder;

enum dp_record_type {
	DP_RECORD_START = 1, // comes back when the recording has ended
	DP_RECORD_STOP = 2,  // comes back at once
};

struct dp_record_codec { // wav: how to read what a party sends
	struct codec_format format;
	uint8_t type;
};

struct dp_record_order { // the agent's; one allocation
	uint32_t type;   // enum dp_record_type
	uint32_t slot;
	uint32_t generation;
	uint8_t cause;                // STOP: enum abi_record_cause
	struct dp_record_order *next; // the agent's
	// START
	struct abi_record wish;
	struct dp_record_codec codec[2][ABI_RECORD_CODECS];
	uint8_t codecs[2];
	// START, back
	struct abi_event_record done;
};

struct dp_recorder_config {
	const char *directory; // must outlive it
	unsigned workers;
	uint32_t sessions;
	struct dp_side_ring *in[ABI_MAX_WORKERS];
	int agent_bell;
	const abi_atomic32 *agent_sleeping;
};

#ifdef __cplusplus
extern "C" {
#endif

// Can this user write to it? 0 or -errno.
int dp_recorder_check(const struct dp_recorder *r);
// 0, -ENOMEM, or -errno of the directory: not there, or not to be written to.
int dp_recorder_create(struct dp_recorder **out, const struct dp_recorder_config *config);
int dp_recorder_start(struct dp_recorder *r, const void *cpus, size_t cpus_size);
void dp_recorder_stop(struct dp_recorder *r);
// After it has stopped. Recordings that run end as if stopped.
void dp_recorder_free(struct dp_recorder *r);

// Never fails.
void dp_recorder_send(struct dp_recorder *r, struct dp_record_order *order);
struct dp_record_order *dp_recorder_reply(struct dp_recorder *r);

// One turn without sleeping, for tests.
void dp_recorder_turn(struct dp_recorder *r, uint64_t now_us);

#ifdef __cplusplus
}
#endif
