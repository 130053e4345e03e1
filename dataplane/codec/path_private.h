// SPDX-License-Identifier: BSD-3-Clause
// A path from inside: for path*.c only.
//
// Two timelines. What comes has its RTP timestamps: `in_next` is the one that would follow without a gap. What goes
// out has a position, in samples at `rate`, from which its timestamps are made. `lead` says how far what was sent is
// ahead of what came: tones, prompts and noise make it grow, what came and was not sent makes it shrink, and a gap
// in what came uses it up before it becomes a gap in what goes out.
#pragma once

#include "dataplane/codec/cn.h"
#include "dataplane/codec/codec_private.h"
#include "dataplane/codec/fax_ear.h"
#include "dataplane/codec/order.h"
#include "dataplane/codec/path.h"
#include "dataplane/codec/resample.h"
#include "dataplane/codec/tone.h"

#define DIGITS       33u
#define REPORTS      16u
#define CREDIT_MOST  1000000 // us of media that may come faster than real time
#define CREDIT_FIRST 400000
#define TICK_MS      20u // of sound that is made by the clock

enum path_kind { // of what came
	PATH_AUDIO,
	PATH_NOISE,
	PATH_DONE, // nothing to be done any more: events are looked at when they come
};

struct path_digit {        // a digit to be sent
	uint64_t duration; // in units of `clock`: the whole, or what is known so far
	uint32_t clock;
	uint32_t gap_us; // behind the one before
	uint16_t id;     // of those that are still coming (live)
	uint8_t event, volume;
	bool as_tone;
	bool live, ended;
};

struct path_digits {
	struct path_digit queue[DIGITS];
	uint8_t count;
	uint16_t last_id;
	// what is being sent: queue[0]
	bool running;
	bool over; // its end is known and taken into account; of events repetitions may follow
	bool last_was_tone;
	bool pending; // its duration has changed: say so
	uint64_t started_us, due_us, last_end_us;
	uint64_t dropped; // samples that came meanwhile and were not sent
	uint64_t made;    // samples of the tone
	struct event_tx tx;
	struct tone_gen tone;
};

struct path_playout { // times at which packets are given out: timestamp's time plus `offset`
	bool begun;
	int64_t offset_us;
	int64_t base_us[2]; // least transit time of this window and of the one before
	uint64_t window_us; // begin of this one
	int64_t spread_us;  // how much longer than that packets take
	uint64_t wrong_since_us;
	uint32_t missing; // packets in a row that were not there
	int16_t bridge[48 * 5];
	unsigned bridge_length; // samples of a frame that was left out, to lead over to the next
};

struct codec_path {
	struct codec_path_config config;
	struct codec_decoder *decoder;
	struct codec_encoder *encoder;
	struct resampler *resampler;
	struct tone_detector *detector;
	struct fax_ear *ear;
	struct codec_path *reverse;
	struct codec_path_stats stats;
	uint32_t rate_in; // of the decoder
	uint32_t rate;    // of the encoder and everything between
	uint32_t frame;   // samples of a packet that is sent
	bool pass;        // payloads are passed on as they are
	bool pauses;      // silence may be left out, by comfort noise packets

	// what comes
	struct order order;
	bool in_known;
	bool anew;      // the next timestamps are of another stream
	bool pass_open; // position and in_next stand at the beginning of a payload that was passed on
	uint64_t in_next;       // unwrapped
	uint32_t last_duration; // timestamp units of a packet
	uint64_t last_us;       // arrival
	int64_t credit_us;
	uint64_t credit_at_us;
	struct path_playout playout;
	unsigned conceal_left; // timestamp units that are still to be made up
	bool recover_last;     // of them the last packet's may be in what follows

	// silence of the other side
	bool silent, own_noise; // own: the decoder makes it
	struct cn_noise noise;
	uint64_t fill_us;       // when it has to be filled next
	uint64_t hush_until_us; // not 0: nobody said so; until then at most
	struct cn_vad vad;
	uint8_t cn[CN_PAYLOAD];
	uint8_t cn_length; // not 0: to be sent
	bool cn_sent;      // since speech ended
	uint64_t cn_us;

	// sound between
	int16_t *fifo;
	unsigned fill, capacity;
	unsigned hold;     // samples at its end that wait for what the ear for tones says of them
	unsigned release;  // samples at its begin that do not
	unsigned break_at; // samples of the fifo after which position leaps
	uint64_t break_by;

	// what goes out
	uint64_t position;
	uint64_t out_us; // when what was sent ends
	int64_t lead;
	uint16_t seq;
	bool marker;

	// digits
	struct event_rx rx;
	uint64_t rx_us;
	uint16_t rx_id;
	uint16_t heard_id; // of a digit in tones
	int8_t heard;
	struct path_digits digits;
	struct codec_event report[REPORTS];
	uint8_t reports;
	uint8_t fax; // heard and not yet told: enum fax_sound

	// playing
	struct codec_source source;
	bool playing;
	uint64_t play_us; // when its next samples are due

	uint8_t payload[CODEC_MAX_PAYLOAD];
};

static inline uint64_t path_us(uint64_t samples, unsigned rate)
{
	return samples * 1000000u / rate;
}

// ---- path_in.c: what came
bool path_in_advance(struct codec_path *p, uint64_t now); // true: something was done
uint64_t path_in_wake(const struct codec_path *p);
// The next payload that is passed on as it is. True: there was one; out->length 0: it is not to be sent.
bool path_in_pass(struct codec_path *p, uint64_t now, struct codec_out *out);

// ---- path_out.c: to what goes out
// PCM at rate_in from the other side, or in its place.
void path_heard(struct codec_path *p, int16_t *pcm, unsigned samples, uint64_t now);
// PCM at `rate` that was made here.
void path_made(struct codec_path *p, const int16_t *pcm, unsigned samples);
// So many samples have passed of which nothing is to be sent.
void path_skip(struct codec_path *p, uint64_t samples);
// Sound of our own begins: the time since the last packet has passed, when nothing comes that says so.
void path_catch_up(struct codec_path *p, uint64_t now);
bool path_has_frame(const struct codec_path *p);
// What was passed on last ends before anything else is sent or timed.
void path_close_pass(struct codec_path *p);
// What waits for the rest of its packet is to be sent without it.
void path_flush(struct codec_path *p);
// A comfort noise payload is to be sent.
void path_send_noise(struct codec_path *p, const uint8_t *payload, size_t length);
bool path_out_packet(struct codec_path *p, uint64_t now, struct codec_out *out);
// A payload as it came.
void path_out_pass(struct codec_path *p, const struct order_slot *slot, struct codec_out *out);
bool path_out_advance(struct codec_path *p, uint64_t now); // by the clock
uint64_t path_out_wake(const struct codec_path *p);
uint32_t path_timestamp(const struct codec_path *p, uint64_t position);
// Sound of our own takes the place of what comes.
bool path_is_replaced(const struct codec_path *p);

// ---- path_digit.c
void path_event_came(struct codec_path *p, const struct codec_in *in, uint64_t now);
// Looks for tones in what came. True: it is to be taken out.
bool path_listen(struct codec_path *p, const int16_t *pcm, unsigned samples, uint64_t now);
bool path_digit_packet(struct codec_path *p, uint64_t now, struct codec_out *out);
bool path_digit_advance(struct codec_path *p, uint64_t now);
uint64_t path_digit_wake(const struct codec_path *p);
bool path_digit_is_tone(const struct codec_path *p);  // a tone is being made
bool path_digit_is_event(const struct codec_path *p); // an event takes the place of speech
