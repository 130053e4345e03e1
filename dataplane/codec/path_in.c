// SPDX-License-Identifier: BSD-3-Clause
// What comes: its order, its times, losses, silence; down to PCM.
#include "dataplane/codec/path_private.h"

#define MAX_CONCEALED_MS 120u     // of one loss; what is beyond is a pause
#define HUSH_US          60000u   // behind which a codec that may fall silent has done so
#define HUSH_MOST_US     1000000u // of noise when nothing at all comes any more
#define LEAP_US          1000000  // of timestamps against arrival: the stream has begun anew

static int64_t in_us(const struct codec_path *p, int64_t units)
{
	return units * 1000000 / (int64_t)p->config.from.format.rtp_clock;
}

static uint64_t widen(const struct codec_path *p, uint32_t timestamp)
{
	return p->in_next + (uint64_t)(int64_t)(int32_t)(timestamp - (uint32_t)p->in_next);
}

// ---- faster than real time

static void earn(struct codec_path *p, uint64_t arrival)
{
	if (p->credit_at_us && arrival > p->credit_at_us)
		p->credit_us += (int64_t)(arrival - p->credit_at_us) * 101 / 100;
	p->credit_at_us = arrival;
}

static void spend(struct codec_path *p, int64_t us)
{
	p->credit_us -= us;
	if (p->credit_us > CREDIT_MOST)
		p->credit_us = CREDIT_MOST;
}

// ---- gaps in the timestamps

// How long a pause was whose end says `delta` units. A stream that begins anew has other timestamps: then the arrival
// says it. Timestamps that run ahead of the time say nothing.
static int64_t pause_us(struct codec_path *p, int64_t delta, uint64_t arrival)
{
	int64_t us = in_us(p, delta), elapsed = (int64_t)(arrival - p->last_us);

	if (p->anew || us < -LEAP_US || us > elapsed + LEAP_US) {
		p->stats.restarts++;
		p->anew = false;
		us = elapsed - (p->pass_open ? 0 : in_us(p, p->last_duration));
		return us < 0 ? 0 : us;
	}
	return us > 0 && us > p->credit_us ? 0 : us;
}

static void gap(struct codec_path *p, int64_t delta, uint64_t arrival)
{
	int64_t us = pause_us(p, delta, arrival);

	spend(p, us > 0 ? us : 0);
	p->lead -= us * (int64_t)p->rate / 1000000;
	if (p->lead < 0) {
		path_skip(p, (uint64_t)-p->lead);
		p->lead = 0;
	} else if (p->lead > 3 * (int64_t)p->frame) {
		p->lead = 3 * (int64_t)p->frame;
	}
}

// Brings the timeline to a packet's timestamp.
static void align(struct codec_path *p, uint32_t timestamp, uint64_t arrival)
{
	int32_t delta;

	path_close_pass(p);
	if (!p->in_known) {
		p->in_known = true;
		p->in_next = (1ull << 32) + timestamp;
		p->last_us = arrival;
	}
	delta = (int32_t)(timestamp - (uint32_t)p->in_next);
	if (delta || p->anew)
		gap(p, delta, arrival);
	p->in_next = widen(p, timestamp);
	p->last_us = arrival;
}

// ---- playout times

static int64_t least_transit(const struct path_playout *t)
{
	return t->base_us[0] < t->base_us[1] ? t->base_us[0] : t->base_us[1];
}

static int64_t wanted_offset(const struct codec_path *p)
{
	int64_t delay = p->playout.spread_us + 2000, least = p->config.min_delay_ms * 1000,
		most = p->config.max_delay_ms * 1000;

	delay = delay < least ? least : delay > most ? most : delay;
	return least_transit(&p->playout) + delay;
}

static void playout_arrived(struct codec_path *p, uint32_t timestamp, uint64_t arrival)
{
	struct path_playout *t = &p->playout;
	int64_t transit, late;

	if (!p->in_known) {
		p->in_known = true;
		p->in_next = (1ull << 32) + timestamp;
		p->last_us = arrival;
	}
	transit = (int64_t)arrival - in_us(p, (int64_t)widen(p, timestamp));
	late = transit - least_transit(t);
	if (!t->begun || late > LEAP_US || late < -LEAP_US) {
		*t = (struct path_playout){.begun = true, .spread_us = 20000, .window_us = arrival};
		t->base_us[0] = t->base_us[1] = transit;
		t->offset_us = wanted_offset(p);
		return;
	}
	if (arrival - t->window_us > 2000000) {
		t->base_us[1] = t->base_us[0];
		t->base_us[0] = transit;
		t->window_us = arrival;
	} else if (transit < t->base_us[0]) {
		t->base_us[0] = transit;
	}
	late = transit - least_transit(t);
	t->spread_us = late > t->spread_us ? late : t->spread_us - (t->spread_us - late) / 256;
}

static uint64_t due_at(const struct codec_path *p, uint64_t wide)
{
	return (uint64_t)(in_us(p, (int64_t)wide) + p->playout.offset_us);
}

// ---- decoding

static unsigned samples_of(const struct codec_path *p, uint64_t units)
{
	return (unsigned)(units * p->rate_in / p->config.from.format.rtp_clock);
}

static void conceal(struct codec_path *p, unsigned units, uint64_t now)
{
	int16_t pcm[CODEC_MAX_PCM];
	unsigned samples = samples_of(p, units);

	samples = samples > CODEC_MAX_PCM ? CODEC_MAX_PCM : samples;
	p->decoder->ops->conceal(p->decoder, pcm, samples);
	p->stats.concealed_ms += samples * 1000 / p->rate_in;
	path_heard(p, pcm, samples, now);
}

static void become_silent(struct codec_path *p, bool own, uint64_t when)
{
	p->hush_until_us = 0;
	if (!p->silent) {
		p->fill_us = when + path_us((uint64_t)(p->lead > 0 ? p->lead : 0), p->rate);
		p->cn_sent = false;
	}
	p->silent = true;
	p->own_noise = own;
}

// Silence of the codec's own, where the other side is told by comfort noise packets.
static void describe_noise(struct codec_path *p, const int16_t *pcm, unsigned samples, uint64_t now)
{
	uint8_t payload[CN_PAYLOAD];

	if (!p->cn_sent || now - p->cn_us > 1000000)
		path_send_noise(p, payload, cn_payload(pcm, samples, CN_ORDER, payload));
}

static void decoded(struct codec_path *p, int16_t *pcm, unsigned samples, uint64_t now)
{
	uint64_t units = (uint64_t)samples * p->config.from.format.rtp_clock / p->rate_in;

	if (units)
		p->last_duration = (uint32_t)units;
	p->in_next += units;
	spend(p, in_us(p, (int64_t)units));
	if (!p->decoder->quiet) {
		p->silent = false;
		path_heard(p, pcm, samples, now);
		return;
	}
	if (p->silent)
		p->fill_us += path_us(samples, p->rate_in); // this is part of what was to be filled
	become_silent(p, true, now + path_us(samples, p->rate_in));
	if (!p->pauses) {
		path_heard(p, pcm, samples, now);
		return;
	}
	path_flush(p);
	if (samples)
		describe_noise(p, pcm, samples, now);
	path_skip(p, (uint64_t)samples * p->rate / p->rate_in);
}

static bool decode(struct codec_path *p, const uint8_t *payload, unsigned length, uint64_t now)
{
	int16_t pcm[CODEC_MAX_PCM];
	int samples = p->decoder->ops->decode(p->decoder, payload, length, pcm, CODEC_MAX_PCM);

	if (p->reverse && p->decoder->request != CODEC_MODE_ANY && p->reverse->encoder &&
		p->reverse->encoder->ops->set_mode)
		p->reverse->encoder->ops->set_mode(p->reverse->encoder, p->decoder->request);
	if (samples < 0) {
		p->stats.corrupt++;
		conceal(p, p->last_duration, now);
		p->in_next += p->last_duration;
		return false;
	}
	decoded(p, pcm, (unsigned)samples, now);
	return true;
}

static bool is_too_fast(struct codec_path *p)
{
	if (p->credit_us > 0)
		return false;
	p->stats.too_fast++;
	p->in_next += p->last_duration;
	return true;
}

static void take_audio(struct codec_path *p, const uint8_t *payload, unsigned length,
	uint32_t timestamp, uint64_t arrival, uint64_t now)
{
	earn(p, arrival);
	align(p, timestamp, arrival);
	if (!is_too_fast(p))
		decode(p, payload, length, now);
}

static void take_noise(struct codec_path *p, const uint8_t *payload, unsigned length,
	uint32_t timestamp, uint64_t arrival, uint64_t now)
{
	earn(p, arrival);
	if (cn_noise_read(&p->noise, payload, length)) {
		p->stats.corrupt++;
		return;
	}
	align(p, timestamp, arrival);
	become_silent(p, false, now);
	path_flush(p);
	if (p->pauses || (p->pass && p->config.to.cn_type != CODEC_NO_TYPE))
		path_send_noise(p, payload, length < CN_PAYLOAD ? length : CN_PAYLOAD);
}

static void take_slot(struct codec_path *p, struct order_slot *slot, uint64_t now)
{
	if (slot->kind == PATH_AUDIO)
		take_audio(p, slot->data, slot->length, slot->timestamp, slot->arrival_us, now);
	else if (slot->kind == PATH_NOISE)
		take_noise(p, slot->data, slot->length, slot->timestamp, slot->arrival_us, now);
	order_done(&p->order, now);
}

// ---- losses

static void lose(
	struct codec_path *p, const struct order_slot *behind, unsigned missing, uint64_t now)
{
	int64_t units = (int32_t)(behind->timestamp - (uint32_t)p->in_next);
	int64_t most = (int64_t)missing * p->last_duration;
	int64_t limit = (int64_t)p->config.from.format.rtp_clock * MAX_CONCEALED_MS / 1000;

	order_give_up(&p->order, missing, now);
	if (p->pass)
		p->seq = (uint16_t)(p->seq + missing);
	else if (!p->silent && p->in_known && units > 0) {
		units = units < most ? units : most;
		p->conceal_left = (unsigned)(units < limit ? units : limit);
		p->recover_last = behind->kind == PATH_AUDIO && p->decoder->ops->recover;
	}
}

static bool recover(struct codec_path *p, unsigned units, uint64_t now)
{
	int16_t pcm[CODEC_MAX_PCM];
	const struct order_slot *next = order_next(&p->order);
	unsigned samples = samples_of(p, units);

	if (!next || next->kind != PATH_AUDIO || samples > CODEC_MAX_PCM ||
		p->decoder->ops->recover(p->decoder, next->data, next->length, pcm, samples))
		return false;
	p->stats.recovered++;
	path_heard(p, pcm, samples, now);
	return true;
}

static void conceal_some(struct codec_path *p, uint64_t now)
{
	unsigned units = p->conceal_left < p->last_duration ? p->conceal_left : p->last_duration;

	p->conceal_left -= units;
	if (p->conceal_left || !p->recover_last || !recover(p, units, now))
		conceal(p, units, now);
	p->in_next += units;
	spend(p, in_us(p, units));
}

// ---- payloads that are passed on

// Position and in_next stand at the beginning of what was passed on last (pass_open), until something else is sent.
static void pass_time(struct codec_path *p, const struct order_slot *slot)
{
	int64_t delta, us;

	if (!p->in_known) {
		p->in_known = true;
		p->in_next = (1ull << 32) + slot->timestamp;
		p->last_us = slot->arrival_us;
	}
	delta = (int32_t)(slot->timestamp - (uint32_t)p->in_next);
	us = delta || p->anew ? pause_us(p, delta, slot->arrival_us) : 0;
	if (us > 0 && us <= 120000 && p->pass_open)
		p->last_duration = (uint32_t)delta;
	spend(p, us > 0 ? us : 0);
	p->lead -= us * (int64_t)p->rate / 1000000;
	p->in_next = widen(p, slot->timestamp);
	p->last_us = slot->arrival_us;
}

static void overhear(struct codec_path *p, const struct order_slot *slot, uint64_t now, bool *mute)
{
	int16_t pcm[CODEC_MAX_PCM];
	int n = p->detector || p->ear
			? p->decoder->ops->decode(
				  p->decoder, slot->data, slot->length, pcm, CODEC_MAX_PCM)
			: 0;

	*mute = n > 0 && path_listen(p, pcm, (unsigned)n, now);
}

bool path_in_pass(struct codec_path *p, uint64_t now, struct codec_out *out)
{
	struct order_slot *slot = p->pass ? order_next(&p->order) : NULL;
	bool mute, fast;

	if (!slot || slot->kind != PATH_AUDIO)
		return false;
	earn(p, slot->arrival_us);
	pass_time(p, slot);
	fast = p->credit_us <= 0;
	p->stats.too_fast += fast;
	overhear(p, slot, now, &mute);
	p->silent = false;
	if (!fast && !mute && !path_is_replaced(p) && !path_digit_is_event(p))
		path_out_pass(p, slot, out);
	else
		out->length = 0;
	order_done(&p->order, now);
	return true;
}

// ---- by the clock

// When nothing has come for so long that the sender must have fallen silent without a word, as Opus does: other
// codecs say it, or cannot.
static uint64_t hush_at(const struct codec_path *p)
{
	if (!p->in_known || p->silent || p->pass || p->pauses || p->order.held || p->rx.active ||
		p->config.flags & CODEC_PATH_PLAYOUT)
		return UINT64_MAX;
	// Only who may leave silence out: to a decoder that predicts from what it made before, noise that the sender
	// never meant does more harm than a late packet.
	if (!(p->config.from.format.flags & CODEC_DTX) ||
		(p->config.from.format.id != CODEC_OPUS && p->config.from.format.id != CODEC_SPEEX))
		return UINT64_MAX;
	return p->last_us + (uint64_t)in_us(p, p->last_duration) + HUSH_US;
}

static void hush(struct codec_path *p)
{
	become_silent(p, true, p->last_us + (uint64_t)in_us(p, p->last_duration));
	p->decoder->quiet = true;
	p->hush_until_us = p->last_us + HUSH_MOST_US;
}

static bool fill_is_due(const struct codec_path *p)
{
	return p->silent && (!p->hush_until_us || p->fill_us < p->hush_until_us) && !p->pauses &&
	       !path_is_replaced(p) &&
	       !(p->pass && p->config.to.cn_type != CODEC_NO_TYPE && !p->own_noise) &&
	       !(p->pass && p->own_noise);
}

static void fill(struct codec_path *p, uint64_t now)
{
	int16_t pcm[CODEC_MAX_RATE / 1000 * TICK_MS];
	unsigned rate = p->own_noise ? p->rate_in : p->rate, samples = rate * TICK_MS / 1000;

	p->stats.silence_ms += TICK_MS;
	p->fill_us += path_us(samples, rate);
	if (p->fill_us + 500000 < now)
		p->fill_us = now; // nobody pulled for long
	if (p->own_noise) {
		p->decoder->ops->conceal(p->decoder, pcm, samples);
		path_heard(p, pcm, samples, now);
		p->lead += (int64_t)p->rate * TICK_MS / 1000;
	} else {
		cn_noise_make(&p->noise, pcm, samples);
		path_made(p, pcm, samples);
	}
}

static unsigned missing_ms(const struct codec_path *p)
{
	return (unsigned)((uint64_t)p->playout.missing * p->last_duration * 1000 /
			  p->config.from.format.rtp_clock);
}

static bool playout_goes_on(const struct codec_path *p)
{
	return p->playout.begun && !p->silent && missing_ms(p) < 100;
}

// Nothing is there to be given out.
static bool playout_misses(struct codec_path *p, uint64_t now)
{
	unsigned missing;

	if (!playout_goes_on(p))
		return false;
	if (order_behind_gap(&p->order, &missing))
		order_give_up(&p->order, 1, now);
	p->playout.missing++;
	conceal(p, p->last_duration, now);
	p->in_next += p->last_duration;
	return true;
}

// A frame is left out: its beginning leads over to the next.
static void shrink(struct codec_path *p, struct order_slot *slot, uint64_t now)
{
	struct path_playout *t = &p->playout;
	int16_t pcm[CODEC_MAX_PCM];
	int n = p->decoder->ops->decode(p->decoder, slot->data, slot->length, pcm, CODEC_MAX_PCM);

	if (n > 0) {
		t->bridge_length = p->rate_in / 200;
		if (t->bridge_length > (unsigned)n)
			t->bridge_length = (unsigned)n;
		memcpy(t->bridge, pcm, t->bridge_length * sizeof(*pcm));
	}
	p->in_next = widen(p, slot->timestamp) + p->last_duration;
	t->offset_us -= in_us(p, p->last_duration);
	t->wrong_since_us = 0;
	p->stats.shrunk++;
	p->last_us = slot->arrival_us;
	order_done(&p->order, now);
}

// The delay is not what it should be: by more than a frame too long for a second, or too short. True: mended.
static bool playout_mends(struct codec_path *p, struct order_slot *slot, uint64_t now)
{
	struct path_playout *t = &p->playout;
	int64_t frame = in_us(p, p->last_duration), over = t->offset_us - wanted_offset(p);

	if (slot->kind != PATH_AUDIO || p->silent)
		return false;
	if (slot->marker ||
		(int32_t)(slot->timestamp - (uint32_t)p->in_next) > 3 * (int32_t)p->last_duration) {
		t->offset_us -= over; // behind a pause nobody hears it
		return over < 0;
	}
	if (over < -frame / 4) {
		t->offset_us += frame;
		p->stats.stretched++;
		conceal(p, p->last_duration, now);
		p->lead += (int64_t)p->last_duration * p->rate / p->config.from.format.rtp_clock;
		return true;
	}
	if (over <= frame + 3000) {
		t->wrong_since_us = 0;
		return false;
	}
	if (!t->wrong_since_us)
		t->wrong_since_us = now;
	if (now - t->wrong_since_us < 1000000)
		return false;
	shrink(p, slot, now);
	return true;
}

// A packet that came when its time was over. While nothing else was there, the time waits for it.
static bool playout_too_late(struct codec_path *p, struct order_slot *slot, uint64_t now)
{
	struct path_playout *t = &p->playout;
	int64_t late = -in_us(p, (int32_t)(slot->timestamp - (uint32_t)p->in_next));

	if (slot->kind != PATH_AUDIO || late <= 0 || late > LEAP_US)
		return false;
	if (t->missing && t->offset_us + late <= least_transit(t) + p->config.max_delay_ms * 1000) {
		t->offset_us += late;
		p->lead += late * (int64_t)p->rate / 1000000;
		p->in_next = widen(p, slot->timestamp);
		p->stats.stretched++;
		return false;
	}
	p->stats.late++;
	p->order.lost++;
	order_done(&p->order, now);
	return true;
}

static bool playout_advance(struct codec_path *p, uint64_t now)
{
	struct order_slot *slot = order_next(&p->order);
	uint64_t due;

	if (!p->playout.begun)
		return false;
	if (slot && slot->kind == PATH_DONE) {
		order_done(&p->order, now);
		return true;
	}
	if (slot && playout_too_late(p, slot, now))
		return true;
	due = due_at(p, slot ? widen(p, slot->timestamp) : p->in_next);
	if (now < due)
		return false;
	if (!slot)
		return playout_misses(p, now);
	p->playout.missing = 0;
	if (playout_mends(p, slot, now))
		return true;
	p->stats.delay_us = (uint32_t)(now - slot->arrival_us);
	take_slot(p, slot, now);
	return true;
}

static bool order_advance(struct codec_path *p, uint64_t now)
{
	struct order_slot *slot = order_next(&p->order);
	unsigned missing;

	p->stats.delay_us = p->order.wait_us;
	if (slot && !(p->pass && slot->kind == PATH_AUDIO)) {
		take_slot(p, slot, now);
		return true;
	}
	if (slot || now < order_deadline(&p->order))
		return false;
	slot = order_behind_gap(&p->order, &missing);
	if (!slot)
		return false;
	lose(p, slot, missing, now);
	return true;
}

bool path_in_advance(struct codec_path *p, uint64_t now)
{
	if (p->conceal_left) {
		conceal_some(p, now);
		return true;
	}
	if (p->config.flags & CODEC_PATH_PLAYOUT ? playout_advance(p, now) : order_advance(p, now))
		return true;
	if (now >= hush_at(p))
		hush(p);
	if (!fill_is_due(p) || now < p->fill_us)
		return false;
	fill(p, now);
	return true;
}

uint64_t path_in_wake(const struct codec_path *p)
{
	uint64_t wake = UINT64_MAX;
	const struct order_slot *next = &p->order.slot[p->order.next % ORDER_SLOTS];

	if (p->conceal_left)
		return 0;
	if (!(p->config.flags & CODEC_PATH_PLAYOUT))
		wake = next->used ? 0 : order_deadline(&p->order);
	else if (p->playout.begun && next->used)
		wake = due_at(p, widen(p, next->timestamp));
	else if (playout_goes_on(p))
		wake = due_at(p, p->in_next);
	if (fill_is_due(p) && p->fill_us < wake)
		wake = p->fill_us;
	return hush_at(p) < wake ? hush_at(p) : wake;
}

// ---- pushing

static bool classify(struct codec_path *p, const struct codec_in *in, enum path_kind *kind)
{
	const struct codec_side *from = &p->config.from;

	if (from->format.id == CODEC_NONE)
		return false;
	if (in->type == from->type)
		*kind = PATH_AUDIO;
	else if (in->type == from->cn_type)
		*kind = PATH_NOISE;
	else if (in->type == from->event_type)
		*kind = PATH_DONE;
	else if (from->also_type && in->type == from->also_type)
		*kind = PATH_AUDIO;
	else if (from->also_event_type && in->type == from->also_event_type)
		*kind = PATH_DONE;
	else
		return false;
	return true;
}

static void restart(struct codec_path *p)
{
	p->anew = p->in_known;
	p->playout.begun = false;
	p->conceal_left = 0;
	p->silent = false;
}

static void push_now(
	struct codec_path *p, const struct codec_in *in, enum path_kind kind, uint64_t now)
{
	if (kind == PATH_AUDIO)
		take_audio(p, in->payload, in->length, in->timestamp, now, now);
	else if (kind == PATH_NOISE)
		take_noise(p, in->payload, in->length, in->timestamp, now, now);
	order_done(&p->order, now);
}

static void push_held(
	struct codec_path *p, const struct codec_in *in, enum path_kind kind, uint64_t now)
{
	struct order_slot *slot = order_hold(
		&p->order, in->seq, in->payload, kind == PATH_DONE ? 0 : in->length, now);

	slot->kind = (uint8_t)kind;
	slot->marker = in->marker;
	slot->timestamp = in->timestamp;
	if (p->config.flags & CODEC_PATH_PLAYOUT && kind != PATH_DONE)
		playout_arrived(p, in->timestamp, now);
}

void codec_path_push(struct codec_path *p, const struct codec_in *in, uint64_t now)
{
	enum path_kind kind;
	enum order_verdict verdict;

	p->stats.packets_in++;
	if (!classify(p, in, &kind)) {
		p->stats.wrong_type++;
		return;
	}
	if (in->length > p->order.slot_size) {
		p->stats.too_long++;
		return;
	}
	verdict = order_look(&p->order, in->seq, in->ssrc, now);
	p->stats.duplicate += verdict == ORDER_DUPLICATE;
	p->stats.late += verdict == ORDER_LATE || verdict == ORDER_ODD;
	if (verdict == ORDER_LATE)
		order_was_late(&p->order, now);
	if (verdict == ORDER_RESTART)
		restart(p);
	if (kind == PATH_DONE && verdict != ORDER_DUPLICATE && verdict != ORDER_ODD)
		path_event_came(p, in, now);
	if (verdict == ORDER_DUPLICATE || verdict == ORDER_LATE || verdict == ORDER_ODD)
		return;
	p->stats.reordered += verdict == ORDER_NEXT && p->order.held > 0;
	// What is in order is decoded where it lies, when the frame before has been pulled.
	if (verdict != ORDER_AHEAD && !(p->config.flags & CODEC_PATH_PLAYOUT) && !p->conceal_left &&
		!path_has_frame(p) && !(p->pass && kind == PATH_AUDIO))
		push_now(p, in, kind, now);
	else
		push_held(p, in, kind, now);
}
