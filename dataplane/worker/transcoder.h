// SPDX-License-Identifier: BSD-3-Clause
// A transcoder: one thread that decodes and encodes, so that no worker ever has to. Workers hand it the
// packets of sessions that want it (pipeline/divert.c) and take back what it has made of them; it owns the
// codecs, the streams that it sends (SSRC, sequence, timestamps, RTCP) and what plays to a party.
//
// It works on a tick of a millisecond: takes what came, lets out what is due, tells the workers, sleeps.
// Without sessions it sleeps until the agent wakes it. No DPDK: it is a thread of its own, of whatever
// priority and cores it was given.
//
// Threads: dp_transcoder_create, _start, _stop, _free, _send, _reply, _event and _load belong to the agent; the
// rest is the thread's. Nothing is allocated after a session was sent: codecs are opened by the agent, and
// come back to it to be closed.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/message.h"
#include "dataplane/abi/sync.h"
#include "dataplane/codec/fax.h"
#include "dataplane/codec/path.h"
#include "dataplane/codec/wav.h"
#include "dataplane/worker/side_ring.h"

#define DP_TC_ORDERS 4096u // on their way to a transcoder, in it, or back; a power of two
#define DP_TC_EVENTS 1024u // a power of two

struct dp_transcoder;
struct dp_worker;

// What is constant of a leg's streams until the next DP_TC_SET.
struct dp_tc_terms {
	bool mute;      // nothing is sent to its party: what there is to be sent leaves no gap in its stream
	bool rtcp;      // its party takes RTCP
	bool report;    // digits that it gives are told
	bool fax;       // fax machines that are heard of it, or the end of what the gateway does for it
	uint8_t how;    // enum abi_dtmf: how it gives them
	uint32_t clock; // of RTP timestamps from and to it
	uint32_t ssrc;  // of what is sent to it; kept when the session has one
};

// Something that a leg's party hears. Made by the agent, the transcoder's until it comes back.
struct dp_tc_sound {
	struct clip_player *player; // of a prompt, at the path's rate; NULL: tones
	uint32_t rate;
	uint32_t loops; // of tones; 0: without end
	uint64_t limit; // samples in all; 0: none
	uint8_t tones;
	uint8_t volume; // of tones: -dBm0
	bool mix;
	struct abi_tone tone[ABI_TONES];
	// the transcoder's
	uint64_t played; // samples
	uint32_t at;     // within the part of the cadence
	uint32_t part;   // of the cadence
	uint32_t loop;
	uint32_t phase[2];
	bool over;  // by `limit`
	bool ended; // tones: all of them were played
};

enum dp_tc_type {
	DP_TC_SET = 1,  // a session begins here, or changes
	DP_TC_DROP = 2, // it ends: everything comes back
	DP_TC_PLAY = 3, // comes back when it has ended
	DP_TC_PLAY_STOP = 4,
	DP_TC_DIGITS = 5,
};

struct dp_tc_set {
	unsigned worker;
	// For a new session; back: when it was not used, or with DROP.
	struct dp_tc_session *session;
	struct codec_path *path[2]; // from leg n to the other one; NULL: none. Back: to be closed
	struct dp_tc_terms terms[2];
	// T.38 on leg fax_leg: the path from there only plays what the gateway says, the one to there
	// makes 16-bit PCM at 8 kHz, by the clock. NULL: none. Back: to be closed.
	struct fax *fax;
	uint8_t fax_leg;
};

struct dp_tc_play {
	struct dp_tc_sound sound;
	uint32_t id;
	uint8_t leg;
	uint8_t cause; // back: enum abi_play_cause
	void *owner;   // the agent's
};

// The agent's; one allocation. What it points to is the transcoder's until it comes back.
struct dp_tc_order {
	uint32_t type; // enum dp_tc_type
	uint32_t slot;
	uint32_t generation;
	int32_t result; // 0, -ENOENT: no such session here, -EBUSY: no room for the digits, -EINVAL
	struct dp_tc_order *next; // the agent's
	uint64_t ticket;          // the agent's
	union {
		struct dp_tc_set set;
		struct dp_tc_play play;
		struct abi_play_stop stop;
		struct abi_dtmf_send digits;
	};
};

struct dp_tc_event {
	uint32_t slot;
	uint32_t generation;
	uint16_t type; // ABI_DTMF or ABI_FAX
	union {
		struct abi_event_dtmf digit; // that has ended
		struct abi_event_fax fax;
	};
};

// Everything that a transcoder counts; the thread writes, the agent reads.
struct dp_tc_counters {
	abi_atomic64 packets_in, packets_out, rtcp_in, rtcp_out;
	abi_atomic64 concealed_ms;      // made up for what was lost
	abi_atomic64 late;              // packets that came too late
	abi_atomic64 refused;           // payloads that no codec of the session could read
	abi_atomic64 wrong_type;        // of a payload type that the session does not have
	abi_atomic64 too_fast;          // media that came faster than real time
	abi_atomic64 unknown;           // packets of sessions that are not here (any more)
	abi_atomic64 out_full;          // packets that a worker had no room for
	abi_atomic64 digits;            // heard
	abi_atomic64 events_late;       // that the agent did not take at once
	abi_atomic64 ticks, late_ticks; // turns, and those that took more than their millisecond
	abi_atomic64 busy_us;           // time at work
};

struct dp_transcoder_config {
	unsigned index;
	unsigned workers;
	uint32_t sessions;                         // bound of slot numbers
	struct dp_side_ring *in[ABI_MAX_WORKERS];  // from each worker
	struct dp_side_ring *out[ABI_MAX_WORKERS]; // to it
	// Tells a worker that something waits for it. NULL: nobody has to be told.
	void (*nudge)(void *ctx, unsigned worker);
	void *ctx;
	int nice;       // of the thread: on a core that it shares
	int agent_bell; // eventfd, rung when something comes back; -1: never
	const abi_atomic32 *agent_sleeping;
};

#ifdef __cplusplus
extern "C" {
#endif

// 0, -ENOMEM, or -errno of the eventfd.
int dp_transcoder_create(struct dp_transcoder **out, const struct dp_transcoder_config *config);
// Makes the thread; it runs on the CPUs of `cpus` (a cpu_set_t), NULL: as the caller. 0 or -errno.
int dp_transcoder_start(struct dp_transcoder *t, const void *cpus, size_t cpus_size);
// Waits until it has ended.
void dp_transcoder_stop(struct dp_transcoder *t);
// After it has stopped. Its sessions are the caller's no more: paths are closed, orders freed by free().
void dp_transcoder_free(struct dp_transcoder *t);

// A session's memory, for DP_TC_SET. NULL: out of memory. Freed by free().
struct dp_tc_session *dp_tc_session_new(void);

// 0 or -EBUSY: too many are out.
int dp_transcoder_send(struct dp_transcoder *t, struct dp_tc_order *order);
// An order that came back, or NULL.
struct dp_tc_order *dp_transcoder_reply(struct dp_transcoder *t);
bool dp_transcoder_event(struct dp_transcoder *t, struct dp_tc_event *event);
const struct dp_tc_counters *dp_transcoder_counters(const struct dp_transcoder *t);
// Of the last second: thousandths of its time at work.
unsigned dp_transcoder_load(const struct dp_transcoder *t);

// One turn without sleeping, for tests. Microseconds until the next one is due.
unsigned dp_transcoder_turn(struct dp_transcoder *t, uint64_t now_us);

#ifdef __cplusplus
}
#endif
