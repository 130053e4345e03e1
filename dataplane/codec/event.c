// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/codec/event.h"

#include <string.h>

static const char names[] = "0123456789*#ABCD";

int event_of_char(char c)
{
	const char *at = c ? strchr(names, c >= 'a' && c <= 'd' ? c - 'a' + 'A' : c) : NULL;

	return at ? (int)(at - names) : -1;
}

char event_char(unsigned event)
{
	return event < 16 ? names[event] : '\0';
}

// ---- receiving

void event_rx_init(struct event_rx *rx, uint32_t clock)
{
	*rx = (struct event_rx){.clock = clock};
}

uint32_t event_rx_duration(const struct event_rx *rx)
{
	return rx->before + rx->duration;
}

bool event_rx_end(struct event_rx *rx)
{
	bool was = rx->active;

	rx->active = false;
	return was;
}

// A segment of an event longer than one can say begins where the one before is full (RFC 4733 2.5.1.3).
static bool is_next_segment(const struct event_rx *rx, uint8_t event, uint32_t timestamp)
{
	uint32_t ahead = timestamp - rx->timestamp;

	return rx->active && event == rx->event &&
	       (ahead == EVENT_LONGEST || ahead == EVENT_LONGEST + 1);
}

static void begin(struct event_rx *rx, const uint8_t *payload, uint32_t timestamp,
	struct event_change *change)
{
	if (rx->active) {
		change->ended_before = true;
		change->event_before = rx->event;
		change->duration_before = event_rx_duration(rx);
	}
	rx->active = rx->known = true;
	rx->event = payload[0];
	rx->volume = payload[1] & 63;
	rx->timestamp = timestamp;
	rx->before = rx->duration = 0;
	change->news |= EVENT_BEGUN;
}

void event_rx_read(struct event_rx *rx, const uint8_t payload[EVENT_PAYLOAD], uint32_t timestamp,
	struct event_change *change)
{
	uint32_t duration = (uint32_t)payload[2] << 8 | payload[3];

	*change = (struct event_change){.news = EVENT_NOTHING};
	if (is_next_segment(rx, payload[0], timestamp)) {
		rx->before += timestamp - rx->timestamp;
		rx->timestamp = timestamp;
		rx->duration = 0;
	} else if (rx->known && (int32_t)(timestamp - rx->timestamp) < 0) {
		return; // late, of an earlier one
	} else if (!rx->known || timestamp != rx->timestamp || payload[0] != rx->event) {
		begin(rx, payload, timestamp, change);
	} else if (!rx->active) {
		return; // its end, again
	}
	if (duration > rx->duration) {
		rx->duration = duration;
		change->news |= EVENT_LONGER;
	}
	if (payload[1] & 0x80) {
		rx->active = false;
		change->news |= EVENT_ENDED;
	}
}

// ---- sending

void event_tx_begin(struct event_tx *tx, unsigned event, unsigned volume, uint32_t timestamp)
{
	*tx = (struct event_tx){
		.active = true,
		.first = true,
		.event = (uint8_t)event,
		.volume = (uint8_t)(volume > 63 ? 63 : volume),
		.timestamp = timestamp,
	};
}

bool event_tx_write(struct event_tx *tx, uint32_t duration, bool end,
	uint8_t payload[EVENT_PAYLOAD], uint32_t *timestamp, bool *marker)
{
	uint32_t segment = duration - tx->before;
	bool full = segment > EVENT_LONGEST;

	if (full)
		segment = EVENT_LONGEST;
	end = end && !full;
	*timestamp = tx->timestamp;
	*marker = tx->first;
	tx->first = false;
	payload[0] = tx->event;
	payload[1] = (uint8_t)((end ? 0x80 : 0) | tx->volume);
	payload[2] = (uint8_t)(segment >> 8);
	payload[3] = (uint8_t)segment;
	if (full) {
		tx->before += EVENT_LONGEST;
		tx->timestamp += EVENT_LONGEST;
		return true;
	}
	tx->ends += end;
	if (tx->ends == EVENT_END_COUNT)
		tx->active = false;
	return tx->ends && tx->active;
}
