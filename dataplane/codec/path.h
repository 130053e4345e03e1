// SPDX-License-Identifier: BSD-3-Clause
// One direction of a transcoded call: RTP payloads of one codec in, RTP payloads of another out. Between them
// the order of packets, losses, silence, events, resampling and packet times.
//
//	in -> jitter buffer -> decode or conceal -> resample -> frames of `ptime` -> encode -> out
//	        events ------------------------------------------^   (or tones, or both ways)
//
// The same codec and format on both sides: payloads are passed on as they are, and decoded only while
// something has to be heard in them or put into them.
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
// What goes out is one RTP stream: sequence numbers without gaps (but for payloads that are passed on as they are:
// there a loss stays one), timestamps that follow the media time of what came (silence and loss advance them), the
// marker on what begins after silence. It stays so when a path is replaced by another (codec_path_continue).
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
	// `from`: by which the codec and events come, too; those of a zeroed struct are no types of their own
	uint8_t also_type, also_event_type;
	uint32_t event_clock; // of its rtpmap, the unit of durations; 0: rtp_clock
};

// How digits come from a side and go to it. The numbers are those of enum abi_dtmf.
enum codec_dtmf {
	// Not looked at: telephone-events go on when both sides have a payload type for them.
	CODEC_DTMF_NONE = 0,
	CODEC_DTMF_EVENT = 1,  // telephone-event (RFC 4733)
	CODEC_DTMF_INBAND = 2, // tones among the speech: found in it, made into it
	// By signalling: what comes is reported (codec_path_event) and goes no further; codec_path_inject
	// brings what came by signalling.
	CODEC_DTMF_SIGNALLED = 3,
};

enum codec_path_flags {
	CODEC_PATH_PLAYOUT = 1u << 0, // give out by the clock
	// Tones are looked for although `dtmf_from` is not INBAND: for reports.
	CODEC_PATH_DETECT = 1u << 1,
	CODEC_PATH_FAX = 1u << 2, // fax machines are listened for: codec_path_fax
};

struct codec_path_config {
	struct codec_side from, to;
	uint32_t flags;
	uint8_t dtmf_from, dtmf_to; // enum codec_dtmf
	uint16_t seq;               // of the first packet that is sent
	uint32_t timestamp;         // of the first sample that is sent
	// PLAYOUT: between arrival and playout; else: how long a gap is waited for.
	uint16_t min_delay_ms; // 0: 5
	uint16_t max_delay_ms; // 0: 200
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

// The next event that came, whatever becomes of it: its begin, then its end. False: none. 16 are kept.
bool codec_path_event(struct codec_path *path, struct codec_event *event);
// What was heard of a fax machine for the first time, of enum fax_sound (fax_ear.h); 0: nothing (more).
unsigned codec_path_fax(struct codec_path *path);
// Sends an event, as `how` says (EVENT, INBAND; NONE: as dtmf_to says, and tones where that is impossible),
// behind those that are waiting and `gap_ms` after them. volume: -dBm0. 0, -EBUSY (more than 32 are waiting),
// -EINVAL (as tones: not one of 0-9 * # A-D; EVENT without event_type).
int codec_path_inject(struct codec_path *path, unsigned event, unsigned duration_ms,
	unsigned gap_ms, unsigned volume, enum codec_dtmf how);

// Where sound comes from that nobody said: a prompt, a tone. Called by the path's thread for each frame.
struct codec_source {
	// Writes up to `samples` at codec_path_rate(); fewer: it has ended. Must not block or allocate.
	unsigned (*read)(void *context, int16_t *pcm, unsigned samples);
	void *context;
	bool mix; // into what comes; else in its place
};

// Plays from now on, by a clock of its own while nothing comes. NULL: stop. The source is copied; what it
// points to must live until codec_path_playing is false.
void codec_path_play(struct codec_path *path, const struct codec_source *source, uint64_t now);
bool codec_path_playing(const struct codec_path *path);
// Hz of PCM inside the path: what a source has to make.
unsigned codec_path_rate(const struct codec_path *path);

// The next sequence number and timestamp, for a stream that goes on without this path.
void codec_path_stream(const struct codec_path *path, uint16_t *seq, uint32_t *timestamp);
const struct codec_path_stats *codec_path_counts(struct codec_path *path);
// Bytes that it holds, its codecs' libraries not counted.
size_t codec_path_size(const struct codec_path *path);

#ifdef __cplusplus
}
#endif
