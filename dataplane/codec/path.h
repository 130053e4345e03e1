// SPDX-License-Identifier: BSD-3-Clause
// One direction of a transcoded call: RTP payloads of one codec in, RTP payloads of another out. Between them
// the order of packets, losses, silence, events, resampling and packet times.
//
//	in -> jitter buffer -> decode or conceal -> resample -> frames of `ptime` -> encode -> out
//	        events ------------------------------------------^   (or tones, or both ways)
//
// The caller pushes what came and pulls what is to be sent:
//
//	codec_path_push(path, &in, now);
//	while (codec_path_pull(path, now, &out))
//		send(out);                            // out.payload lives until the next call
//	sleep until codec_path_wake(path), at the latest, and pull again
//
// By itself a path adds no delay: what comes in order is decoded at once, and only a gap is waited for, as long
// as late packets of this stream have shown to be worth it. CODEC_PATH_PLAYOUT makes it a playout buffer
// instead, which gives frames out by the clock (recording, gateways), adapts its depth, and takes up clock drift
// by a frame less or more.
//
// What goes out is one RTP stream: sequence numbers without gaps, timestamps that follow the media time of what
// came (silence and loss advance them), the marker on what begins after silence. It stays so when a path is
// replaced by another (codec_path_continue).
//
// Bad input: unknown payload types, corrupt payloads, payloads too long, packets too late or twice, a stream
// faster than real time: counted (struct codec_path_stats), and concealed where that serves the listener.
//
// Threads: a path belongs to one thread at a time. Opening and closing allocate and may be done by another
// thread; nothing else does, nor logs, locks, or reads a clock. `now` is CLOCK_MONOTONIC in microseconds, and
// never goes back.
#pragma once

#include "dataplane/codec/codec.h"
#include "dataplane/codec/event.h"

#define CODEC_NO_TYPE 255u

struct codec_side {
	struct codec_format format; // id CODEC_NONE in `from`: nothing comes, the path only plays
	uint8_t type;               // payload type of the codec, 0..127
	uint8_t cn_type;            // of comfort noise (RFC 3389), CODEC_NO_TYPE: none
	uint8_t event_type;         // of telephone-event (RFC 4733), CODEC_NO_TYPE: none
	uint8_t reserved;
	uint32_t
		event_clock; // of telephone-event's rtpmap, in whose units durations are; 0: rtp_clock
};

enum codec_path_flags {
	CODEC_PATH_PLAYOUT = 1u << 0, // give out by the clock
	CODEC_PATH_VAD = 1u << 1,     // leave silence out where `to` has comfort noise
	CODEC_PATH_DETECT = 1u << 2,  // find DTMF tones in what comes, and take them for events
	// Events are reported (codec_path_event) and not sent, neither as events nor as tones: SIP INFO.
	CODEC_PATH_EVENTS_OUT = 1u << 3,
};

struct codec_path_config {
	struct codec_side from, to;
	uint32_t flags;
	uint16_t
		min_delay_ms; // PLAYOUT: at least; else: a gap is waited for so long at least. 0: 5
	uint16_t max_delay_ms; // at most; 0: 200
	uint16_t seq;          // of the first packet that is sent
	uint16_t reserved;
	uint32_t timestamp; // of the first sample that is sent
};

struct codec_in {
	const uint8_t *payload;
	uint16_t length;
	uint16_t seq;
	uint32_t timestamp;
	uint32_t ssrc;
	uint8_t type;
	bool marker;
};

struct codec_out {
	const uint8_t *payload; // the path's own memory
	uint16_t length;
	uint16_t seq;
	uint32_t timestamp;
	uint8_t type;
	bool marker;
};

struct codec_path_stats {
	uint64_t packets_in, packets_out;
	uint32_t lost; // packets that never came, or came too late
	uint32_t late; // of those, that came too late
	uint32_t duplicate;
	uint32_t reordered;    // came out of order, and in time
	uint32_t corrupt;      // payloads that the codec refused
	uint32_t too_long;     // payloads longer than any of the codec
	uint32_t wrong_type;   // payload types that the path does not know
	uint32_t too_fast;     // media that came faster than real time, thrown away
	uint32_t concealed_ms; // that were made up
	uint32_t recovered;    // packets got back from what the next one carried (Opus FEC)
	uint32_t stretched;    // frames inserted, and
	uint32_t shrunk;     // frames taken out, because of clock drift or a better delay (PLAYOUT)
	uint32_t restarts;   // streams that began anew: another SSRC, or timestamps that jumped
	uint32_t events;     // that came, or were found in tones
	uint32_t silence_ms; // that were left out or filled with comfort noise
	uint32_t delay_us;   // now: how long a gap is waited for; PLAYOUT: from arrival to playout
};

struct codec_path;
struct codec_clip; // dataplane/codec/wav.h

#ifdef __cplusplus
extern "C" {
#endif

// 0; -EINVAL (a format or payload type that cannot be), -EOPNOTSUPP (a codec not built), -ENOMEM.
int codec_path_open(struct codec_path **out, const struct codec_path_config *config);
void codec_path_close(struct codec_path *path); // NULL is nothing

// `path` takes up where `before` stopped: its sequence, timestamp and counters. For a changed codec or
// payload type in mid-call. `before` is only to be closed then.
void codec_path_continue(struct codec_path *path, const struct codec_path *before, uint64_t now);
// The path of the other direction, or NULL: what one side asks to be sent in (AMR's mode requests) is
// told to the encoder there, and said to the other side here. Both belong to the same thread.
void codec_path_pair(struct codec_path *path, struct codec_path *reverse);

void codec_path_push(struct codec_path *path, const struct codec_in *in, uint64_t now);
// False: nothing (more) is to be sent now.
bool codec_path_pull(struct codec_path *path, uint64_t now, struct codec_out *out);
// When pull has to be called next, though nothing was pushed; UINT64_MAX: never.
uint64_t codec_path_wake(const struct codec_path *path);

// The next event that came (events, or tones by CODEC_PATH_DETECT): its begin and its end. False: none.
bool codec_path_event(struct codec_path *path, struct codec_event *event);
// Sends an event of `duration_ms`, as an event or as tones, after those that are under way. 0 or -EBUSY (more
// than 32 are waiting), -EINVAL (no such event, as tones: not one of 0-9 * # A-D).
int codec_path_inject(struct codec_path *path, unsigned event, unsigned duration_ms,
	unsigned volume, uint64_t now);

// Plays a clip instead of what comes; `loop`: again and again. The clip is shared and must outlive it. NULL:
// stop. While it plays, what comes is dropped.
void codec_path_play(
	struct codec_path *path, const struct codec_clip *clip, bool loop, uint64_t now);
bool codec_path_playing(const struct codec_path *path);

const struct codec_path_stats *codec_path_stats(const struct codec_path *path);
// Bytes that it holds, its codecs' libraries not counted.
size_t codec_path_size(const struct codec_path *path);

#ifdef __cplusplus
}
#endif
