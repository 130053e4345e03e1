// SPDX-License-Identifier: BSD-3-Clause
// Digits on their way: telephone-events and tones that come, events, tones and reports that go.
#include "dataplane/codec/path_private.h"

#define EVENT_INTERVAL_US 20000u
#define EVENT_SILENCE_US  300000u // without news an event that came is over
#define LEAST_TONE_MS     40u

// ---- telling

static void report(struct codec_path *p, unsigned event, unsigned volume, uint64_t units,
	uint32_t clock, enum codec_event_phase phase)
{
	p->stats.events += phase == CODEC_EVENT_BEGIN;
	if (p->reports == REPORTS) {
		memmove(p->report, p->report + 1, (REPORTS - 1) * sizeof(p->report[0]));
		p->reports--;
	}
	p->report[p->reports++] = (struct codec_event){
		.event = (uint8_t)event,
		.phase = (uint8_t)phase,
		.volume = (uint8_t)volume,
		.duration_ms = (uint32_t)(units * 1000 / clock),
	};
}

bool codec_path_event(struct codec_path *p, struct codec_event *event)
{
	if (!p->reports)
		return false;
	*event = p->report[0];
	p->reports--;
	memmove(p->report, p->report + 1, p->reports * sizeof(p->report[0]));
	return true;
}

unsigned codec_path_fax(struct codec_path *p)
{
	unsigned heard = p->fax;

	p->fax = 0;
	return heard;
}

// ---- what is to be sent

// Whether and how an event that came goes on.
static bool goes_on(const struct codec_path *p, unsigned event, bool *as_tone)
{
	bool can_event = p->config.to.event_type != CODEC_NO_TYPE;

	switch (p->config.dtmf_to) {
	case CODEC_DTMF_NONE:
		*as_tone = false;
		return can_event && p->config.dtmf_from == CODEC_DTMF_NONE;
	case CODEC_DTMF_EVENT:
		*as_tone = !can_event;
		return can_event || event < 16;
	case CODEC_DTMF_INBAND:
		*as_tone = true;
		return event < 16;
	default:
		return false;
	}
}

static struct path_digit *queue_digit(struct codec_path *p)
{
	struct path_digits *d = &p->digits;

	return d->count < DIGITS ? &d->queue[d->count++] : NULL;
}

// An event that is still coming. What is being sent ends; what waits is behind it already. 0: it does not go on.
static uint16_t live_begin(struct codec_path *p, unsigned event, unsigned volume, uint32_t clock)
{
	struct path_digits *d = &p->digits;
	struct path_digit *digit;
	bool as_tone;

	if (!goes_on(p, event, &as_tone))
		return 0;
	digit = queue_digit(p);
	if (!digit)
		return 0;
	if (!++d->last_id)
		d->last_id = 1;
	*digit = (struct path_digit){.clock = clock,
		.id = d->last_id,
		.event = (uint8_t)event,
		.volume = (uint8_t)volume,
		.as_tone = as_tone,
		.live = true};
	return digit->id;
}

static void live_news(struct codec_path *p, uint16_t id, uint64_t units, bool ended)
{
	struct path_digits *d = &p->digits;

	for (unsigned i = 0; id && i < d->count; i++) {
		if (d->queue[i].id != id)
			continue;
		d->queue[i].duration = units;
		d->queue[i].ended = ended;
		d->pending |= i == 0;
	}
}

int codec_path_inject(struct codec_path *p, unsigned event, unsigned duration_ms, unsigned gap_ms,
	unsigned volume, enum codec_dtmf how)
{
	bool can_event = p->config.to.event_type != CODEC_NO_TYPE, as_tone;
	struct path_digit *digit;

	if (how == CODEC_DTMF_NONE)
		as_tone = p->config.dtmf_to == CODEC_DTMF_INBAND || !can_event;
	else
		as_tone = how == CODEC_DTMF_INBAND;
	if (event > 255 || volume > 63 || (as_tone ? event > 15 : !can_event) ||
		how == CODEC_DTMF_SIGNALLED)
		return -EINVAL;
	digit = queue_digit(p);
	if (!digit)
		return -EBUSY;
	*digit = (struct path_digit){.duration = duration_ms,
		.clock = 1000,
		.gap_us = gap_ms * 1000,
		.event = (uint8_t)event,
		.volume = (uint8_t)volume,
		.as_tone = as_tone,
		.ended = true};
	return 0;
}

// ---- what came as events

static uint32_t event_clock(const struct codec_side *side)
{
	return side->event_clock ? side->event_clock : side->format.rtp_clock;
}

static void event_news(struct codec_path *p, const struct event_change *change, uint64_t now)
{
	struct event_rx *rx = &p->rx;

	if (change->ended_before) {
		report(p, change->event_before, rx->volume, change->duration_before, rx->clock,
			CODEC_EVENT_END);
		live_news(p, p->rx_id, change->duration_before, true);
	}
	if (change->news & EVENT_BEGUN) {
		report(p, rx->event, rx->volume, event_rx_duration(rx), rx->clock,
			CODEC_EVENT_BEGIN);
		p->rx_id = live_begin(p, rx->event, rx->volume, rx->clock);
	}
	if (change->news)
		live_news(p, p->rx_id, event_rx_duration(rx), change->news & EVENT_ENDED);
	if (change->news & EVENT_ENDED)
		report(p, rx->event, rx->volume, event_rx_duration(rx), rx->clock, CODEC_EVENT_END);
	if (change->news)
		p->rx_us = now;
}

void path_event_came(struct codec_path *p, const struct codec_in *in, uint64_t now)
{
	uint32_t timestamp = in->timestamp;

	if (!in->length || in->length % EVENT_PAYLOAD) {
		p->stats.corrupt++;
		return;
	}
	// Several in one packet follow each other in time (RFC 4733 2.5.1.5).
	for (unsigned at = 0; at < in->length; at += EVENT_PAYLOAD) {
		struct event_change change;

		event_rx_read(&p->rx, in->payload + at, timestamp, &change);
		event_news(p, &change, now);
		timestamp += (uint32_t)in->payload[at + 2] << 8 | in->payload[at + 3];
	}
}

static bool event_times_out(struct codec_path *p, uint64_t now)
{
	if (!p->rx.active || now < p->rx_us + EVENT_SILENCE_US)
		return false;
	event_rx_end(&p->rx);
	report(p, p->rx.event, p->rx.volume, event_rx_duration(&p->rx), p->rx.clock,
		CODEC_EVENT_END);
	live_news(p, p->rx_id, event_rx_duration(&p->rx), true);
	return true;
}

// ---- what came as tones

static void heard_end(struct codec_path *p, uint32_t samples)
{
	report(p, (unsigned)p->heard, 0, samples, p->rate_in, CODEC_EVENT_END);
	live_news(p, p->heard_id, samples, true);
	p->heard = -1;
}

bool path_listen(struct codec_path *p, const int16_t *pcm, unsigned samples, uint64_t now)
{
	// Tones go on as they are where the other side wants tones, or nobody said that it wants otherwise.
	bool converts = p->config.dtmf_from == CODEC_DTMF_INBAND &&
			(p->config.dtmf_to == CODEC_DTMF_EVENT ||
				p->config.dtmf_to == CODEC_DTMF_SIGNALLED);
	struct tone_digit digit;

	if (p->ear)
		p->fax |= (uint8_t)fax_ear_hear(p->ear, pcm, samples);
	if (!p->detector)
		return false;
	tone_detect(p->detector, pcm, samples, &digit);
	if (digit.ended >= 0 && p->heard >= 0)
		heard_end(p, digit.event >= 0 ? 0 : digit.duration);
	if (digit.event >= 0 && p->heard < 0) {
		p->heard = digit.event;
		report(p, (unsigned)digit.event, digit.volume, digit.duration, p->rate_in,
			CODEC_EVENT_BEGIN);
		p->heard_id =
			converts ? live_begin(p, (unsigned)digit.event, digit.volume, p->rate_in)
				 : 0;
	}
	if (p->heard >= 0)
		live_news(p, p->heard_id, digit.duration, false);
	return converts && p->heard >= 0;
}

// ---- sending

bool path_digit_is_tone(const struct codec_path *p)
{
	return p->digits.running && p->digits.queue[0].as_tone;
}

bool path_digit_is_event(const struct codec_path *p)
{
	return p->digits.running && !p->digits.queue[0].as_tone && !p->digits.over;
}

static uint64_t units_to(const struct path_digit *digit, uint32_t clock)
{
	return digit->duration * clock / digit->clock;
}

// Another that is coming now is more urgent than what is still being sent.
static bool is_urged(const struct path_digits *d)
{
	for (unsigned i = 1; i < d->count; i++)
		if (d->queue[i].live)
			return true;
	return false;
}

static void start(struct codec_path *p, uint64_t now)
{
	struct path_digits *d = &p->digits;
	struct path_digit *digit = &d->queue[0];

	d->running = true;
	d->over = false;
	d->pending = true;
	d->started_us = d->due_us = now;
	d->dropped = d->made = 0;
	path_catch_up(p, now);
	path_flush(p);
	if (digit->as_tone)
		tone_start_dtmf(&d->tone, digit->event, digit->volume, p->rate);
}

static void stop(struct codec_path *p, uint64_t now)
{
	struct path_digits *d = &p->digits;

	d->running = false;
	d->last_end_us = now;
	d->last_was_tone = d->queue[0].as_tone;
	d->count--;
	memmove(d->queue, d->queue + 1, d->count * sizeof(d->queue[0]));
}

// The time of an event is time of which nothing else is sent.
static void pass_over(struct codec_path *p)
{
	struct path_digits *d = &p->digits;
	uint64_t samples = units_to(&d->queue[0], p->rate);

	d->over = true;
	samples = samples > d->dropped ? samples : d->dropped;
	p->position += samples;
	p->lead += (int64_t)samples;
	p->marker = true;
}

static uint64_t elapsed_units(const struct codec_path *p, uint64_t now, bool *ended)
{
	const struct path_digits *d = &p->digits;
	const struct path_digit *digit = &d->queue[0];
	uint32_t clock = event_clock(&p->config.to);
	uint64_t whole = units_to(digit, clock);
	uint64_t passed = (now - d->started_us + EVENT_INTERVAL_US) * clock / 1000000;

	*ended = digit->ended;
	if (digit->live || d->over)
		return whole;
	*ended = passed >= whole;
	return *ended ? whole : passed;
}

static void out_event(struct codec_path *p, uint64_t now, struct codec_out *out)
{
	struct path_digits *d = &p->digits;
	uint64_t units;
	bool ended, marker, more;
	uint32_t timestamp;

	if (!d->tx.active)
		event_tx_begin(&d->tx, d->queue[0].event, d->queue[0].volume,
			path_timestamp(p, p->position));
	units = elapsed_units(p, now, &ended);
	ended = ended || is_urged(d);
	more = event_tx_write(&d->tx, (uint32_t)units, ended, p->payload, &timestamp, &marker);
	*out = (struct codec_out){.payload = p->payload,
		.length = EVENT_PAYLOAD,
		.seq = p->seq++,
		.timestamp = timestamp,
		.type = p->config.to.event_type,
		.marker = marker};
	p->stats.packets_out++;
	d->pending = more && !d->tx.ends; // a full segment: the next at once
	d->due_us = is_urged(d) ? now : now + EVENT_INTERVAL_US;
	if (d->tx.ends && !d->over)
		pass_over(p);
	if (d->tx.ends && !d->tx.active)
		stop(p, now);
}

bool path_digit_packet(struct codec_path *p, uint64_t now, struct codec_out *out)
{
	struct path_digits *d = &p->digits;

	if (!d->running || d->queue[0].as_tone || (!d->pending && now < d->due_us))
		return false;
	// One that is coming is told of when there is news, its end three times.
	if (d->queue[0].live && !d->pending && !d->tx.ends && !is_urged(d)) {
		d->due_us = now + EVENT_INTERVAL_US;
		return false;
	}
	out_event(p, now, out);
	return true;
}

// Samples of the gap to the next tone: silence that is sent, so that two are two.
static uint64_t silence_behind(const struct codec_path *p)
{
	const struct path_digits *d = &p->digits;

	return d->count > 1 && d->queue[1].as_tone
		       ? (uint64_t)d->queue[1].gap_us * p->rate / 1000000
		       : 0;
}

static bool make_tone(struct codec_path *p, uint64_t now)
{
	struct path_digits *d = &p->digits;
	int16_t pcm[CODEC_MAX_RATE / 1000 * TICK_MS];
	unsigned samples = p->rate * TICK_MS / 1000;
	uint64_t least = p->rate / 1000 * LEAST_TONE_MS, whole = units_to(&d->queue[0], p->rate);
	bool ended = d->queue[0].ended || is_urged(d);

	if (now < d->due_us)
		return false;
	if (d->due_us + 500000 < now)
		d->due_us = now;
	if (ended && whole < least)
		whole = least;
	if (!ended || d->made + samples < whole) {
		tone_make(&d->tone, pcm, samples);
	} else if (d->made < whole) {
		samples = (unsigned)(whole - d->made);
		tone_end(&d->tone, pcm, samples);
	} else {
		memset(pcm, 0, sizeof(pcm)); // the gap
	}
	path_made(p, pcm, samples);
	d->made += samples;
	d->due_us += path_us(samples, p->rate);
	if (ended && d->made >= whole + silence_behind(p)) {
		path_flush(p);
		stop(p, d->due_us > now ? d->due_us : now);
	}
	return true;
}

// Between tones the gap was sent already.
static uint64_t may_start_at(const struct path_digits *d)
{
	const struct path_digit *next = &d->queue[0];

	if (next->live || !d->last_end_us)
		return 0;
	return d->last_end_us + (next->as_tone && d->last_was_tone ? 0 : next->gap_us);
}

bool path_digit_advance(struct codec_path *p, uint64_t now)
{
	struct path_digits *d = &p->digits;

	if (event_times_out(p, now))
		return true;
	if (d->running)
		return d->queue[0].as_tone && make_tone(p, now);
	if (!d->count || now < may_start_at(d))
		return false;
	start(p, now);
	return true;
}

uint64_t path_digit_wake(const struct codec_path *p)
{
	const struct path_digits *d = &p->digits;
	uint64_t wake = p->rx.active ? p->rx_us + EVENT_SILENCE_US : UINT64_MAX;
	uint64_t own = UINT64_MAX;

	if (d->running)
		own = d->pending && !d->queue[0].as_tone ? 0 : d->due_us;
	else if (d->count)
		own = may_start_at(d);
	return own < wake ? own : wake;
}
