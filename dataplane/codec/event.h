// SPDX-License-Identifier: BSD-3-Clause
// Telephone events (RFC 4733): reading them into begin and end with a duration, and writing them, with
// segments for long ones and the last packet three times.
//
// Pure state machines on bytes; the caller has the clock. Times in and out are in units of the event's clock
// (8000 a second unless its rtpmap says otherwise). Refused: payloads that are not of four bytes an event, and
// events above 15 where only DTMF is spoken of (codec_event_char).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EVENT_PAYLOAD   4u
#define EVENT_LONGEST   65535u // units that one segment can say
#define EVENT_FLASH     16u
#define EVENT_END_COUNT 3u

enum codec_event_phase {
	CODEC_EVENT_BEGIN = 1, // duration: what is known so far
	CODEC_EVENT_END = 2,   // duration: the whole
};

struct codec_event {
	uint8_t event;  // 0..9, 10 *, 11 #, 12..15 A..D, 16 flash, others RFC 4733 3.2
	uint8_t phase;  // enum codec_event_phase
	uint8_t volume; // -dBm0, 0..63
	uint8_t reserved;
	uint32_t duration_ms;
};

// ---- receiving

struct event_rx {
	uint32_t clock;
	bool active;
	uint8_t event, volume;
	uint32_t timestamp; // of the segment
	uint32_t before;    // units of earlier segments
	uint32_t duration;  // units of this one
	bool known; // `timestamp` and `event` are of one that ended: its repetitions are nothing
};

enum event_news {               // bits
	EVENT_NOTHING = 0,      // a repetition, or late
	EVENT_BEGUN = 1u << 0,  // `rx` holds the new one
	EVENT_LONGER = 1u << 1, // it lasts longer now
	EVENT_ENDED = 1u << 2,  // its end; `rx` still holds it
};

struct event_change {      // what one event of a payload meant
	unsigned news;     // enum event_news
	bool ended_before; // the one before ended without saying so; these are of it
	uint8_t event_before;
	uint32_t duration_before; // units
};

// ---- sending

struct event_tx {
	bool active;
	bool first; // nothing of it was written yet: the marker
	uint8_t event, volume;
	uint8_t ends;       // how often its end was written
	uint32_t timestamp; // of the segment
	uint32_t before;    // units of earlier segments
};

#ifdef __cplusplus
extern "C" {
#endif

// "0123456789*#ABCD" <-> 0..15; -1, '\0': none.
int event_of_char(char c);
char event_char(unsigned event);

void event_rx_init(struct event_rx *rx, uint32_t clock);
// The four bytes at `payload` of a packet with that timestamp.
void event_rx_read(struct event_rx *rx, const uint8_t payload[EVENT_PAYLOAD], uint32_t timestamp,
	struct event_change *change);
// Audio came, or nothing for long: an event that is under way is over. True: there was one.
bool event_rx_end(struct event_rx *rx);
// Units since its begin.
uint32_t event_rx_duration(const struct event_rx *rx);

void event_tx_begin(struct event_tx *tx, unsigned event, unsigned volume, uint32_t timestamp);
// Writes the next packet of an event that has lasted `duration` units in all. Returns true while there is more
// to write *now*: a segment that is full, or an end that was written fewer than three times. `timestamp` and
// `marker` are those of the packet.
bool event_tx_write(struct event_tx *tx, uint32_t duration, bool end,
	uint8_t payload[EVENT_PAYLOAD], uint32_t *timestamp, bool *marker);

#ifdef __cplusplus
}
#endif
