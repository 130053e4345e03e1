// SPDX-License-Identifier: BSD-3-Clause
// What goes out: PCM in frames of a packet, silence, prompts; up to payloads with sequence numbers and timestamps.
#include "dataplane/codec/path_private.h"

#define CN_AGAIN_US   1000000u // a level that stays is told again
#define CN_DIFFERENCE 4        // dB that are told at once

uint32_t path_timestamp(const struct codec_path *p, uint64_t position)
{
	return p->config.timestamp + (uint32_t)(position * p->config.to.format.rtp_clock / p->rate);
}

bool path_is_replaced(const struct codec_path *p)
{
	return path_digit_is_tone(p) || (p->playing && !p->source.mix);
}

// ---- into the frames

// What was passed on last ends before anything else is sent.
void path_close_pass(struct codec_path *p)
{
	if (!p->pass_open)
		return;
	p->pass_open = false;
	p->in_next += p->last_duration;
	p->position += (uint64_t)p->last_duration * p->rate / p->config.from.format.rtp_clock;
}

static void append(struct codec_path *p, const int16_t *pcm, unsigned samples)
{
	path_close_pass(p);
	if (samples > p->capacity - p->fill)
		samples = p->capacity - p->fill;
	if (pcm)
		memcpy(p->fifo + p->fill, pcm, samples * sizeof(*pcm));
	else
		memset(p->fifo + p->fill, 0, samples * sizeof(*pcm));
	p->fill += samples;
}

void path_made(struct codec_path *p, const int16_t *pcm, unsigned samples)
{
	append(p, pcm, samples);
	p->lead += samples;
}

void path_flush(struct codec_path *p)
{
	unsigned part;

	path_close_pass(p);
	part = p->fill % p->frame;
	if (part) {
		append(p, NULL, p->frame - part);
		p->lead += p->frame - part;
	}
	p->release = p->fill;
}

bool path_has_frame(const struct codec_path *p)
{
	return p->fill >= p->frame + p->hold || p->release >= p->frame;
}

void path_catch_up(struct codec_path *p, uint64_t now)
{
	uint64_t samples;

	if (!p->out_us || now < p->out_us + 2 * path_us(p->frame, p->rate) ||
		(p->in_known && now < p->last_us + 100000))
		return;
	samples = (now - p->out_us) * p->rate / 1000000;
	path_skip(p, samples);
	p->lead += (int64_t)samples;
}

void path_skip(struct codec_path *p, uint64_t samples)
{
	unsigned part = p->fill % p->frame;
	uint64_t pad = part ? p->frame - part : 0;

	// A little that is missing is made up, so that the stream goes on: clocks are never quite the same.
	if (!p->pass && samples <= 2 * p->frame)
		pad = samples;
	pad = pad < samples ? pad : samples;
	if (pad)
		append(p, NULL, (unsigned)pad);
	samples -= pad;
	if (!samples)
		return;
	p->release = p->fill;
	if (p->fill) {
		p->break_at = p->fill;
		p->break_by += samples;
		return;
	}
	p->position += samples;
	p->marker = p->marker || !p->pass;
}

static void lead_over(struct codec_path *p, int16_t *pcm, unsigned samples)
{
	struct path_playout *t = &p->playout;
	unsigned n = t->bridge_length < samples ? t->bridge_length : samples;

	for (unsigned i = 0; i < n; i++)
		pcm[i] = (int16_t)((t->bridge[i] * (int)(n - i) + pcm[i] * (int)i) / (int)n);
	t->bridge_length = 0;
}

static void mix(struct codec_path *p, int16_t *pcm, unsigned samples, uint64_t now)
{
	int16_t other[CODEC_MAX_PCM];
	unsigned n = p->source.read(p->source.context, other, samples);

	for (unsigned i = 0; i < n && i < samples; i++) {
		int sum = pcm[i] + other[i];

		pcm[i] = (int16_t)(sum > 32767 ? 32767 : sum < -32768 ? -32768 : sum);
	}
	p->playing = n >= samples;
	p->play_us = now + 3 * path_us(p->frame, p->rate);
}

void path_heard(struct codec_path *p, int16_t *pcm, unsigned samples, uint64_t now)
{
	int16_t other[CODEC_MAX_PCM + 16];
	bool mute;

	if (p->playout.bridge_length)
		lead_over(p, pcm, samples);
	mute = path_listen(p, pcm, samples, now);
	if (p->rate != p->rate_in) {
		samples = resampler_run(p->resampler, pcm, samples, other, CODEC_MAX_PCM);
		pcm = other;
	}
	if (path_digit_is_event(p) || path_is_replaced(p)) {
		p->digits.dropped += samples;
		p->lead -= samples;
		return;
	}
	if (mute) {
		unsigned held = p->hold < p->fill ? p->hold : p->fill;

		memset(pcm, 0, samples * sizeof(*pcm));
		memset(p->fifo + p->fill - held, 0, held * sizeof(*p->fifo));
	}
	if (p->playing && samples)
		mix(p, pcm, samples, now);
	append(p, pcm, samples);
}

void path_send_noise(struct codec_path *p, const uint8_t *payload, size_t length)
{
	path_close_pass(p);
	memcpy(p->cn, payload, length);
	p->cn_length = (uint8_t)length;
}

// ---- out of the frames

static void leap(struct codec_path *p)
{
	if (p->break_at || !p->break_by)
		return;
	p->position += p->break_by;
	p->break_by = 0;
	p->marker = true;
}

static void consume(struct codec_path *p)
{
	p->fill -= p->frame;
	memmove(p->fifo, p->fifo + p->frame, p->fill * sizeof(*p->fifo));
	p->position += p->frame;
	p->release -= p->release < p->frame ? p->release : p->frame;
	p->break_at -= p->break_at < p->frame ? p->break_at : p->frame;
}

static void finish(struct codec_path *p, uint8_t type, unsigned length, uint32_t timestamp,
	struct codec_out *out)
{
	*out = (struct codec_out){.payload = p->payload,
		.length = (uint16_t)length,
		.seq = p->seq++,
		.timestamp = timestamp,
		.type = type};
	p->stats.packets_out++;
}

static void out_noise(struct codec_path *p, uint64_t now, struct codec_out *out)
{
	memcpy(p->payload, p->cn, p->cn_length);
	finish(p, p->config.to.cn_type, p->cn_length, path_timestamp(p, p->position), out);
	p->cn_length = 0;
	p->cn_sent = true;
	p->cn_us = now;
	p->vad.sent = p->cn[0];
	p->marker = true;
}

// Our own ear for silence. True: the frame is not to be sent.
static bool is_pause(struct codec_path *p, uint64_t now)
{
	uint8_t payload[CN_PAYLOAD];
	unsigned length;
	int difference;

	if (!p->pauses || !cn_vad_silent(&p->vad, p->fifo, p->frame)) {
		p->cn_sent = false;
		return false;
	}
	length = cn_payload(p->fifo, p->frame, CN_ORDER, payload);
	difference = payload[0] - p->vad.sent;
	if (!p->cn_sent || now - p->cn_us > CN_AGAIN_US || difference >= CN_DIFFERENCE ||
		difference <= -CN_DIFFERENCE)
		path_send_noise(p, payload, length);
	p->stats.silence_ms += p->frame * 1000 / p->rate;
	return true;
}

static bool out_frame(struct codec_path *p, uint64_t now, struct codec_out *out)
{
	uint32_t timestamp;
	int bytes;

	if (is_pause(p, now)) {
		consume(p);
		p->marker = true;
		return false;
	}
	bytes = codec_encode(p->encoder, p->fifo, p->frame, p->payload, sizeof(p->payload));
	timestamp = path_timestamp(p, p->position + p->encoder->lead);
	consume(p);
	if (bytes <= 0) {
		p->marker = true;
		return false;
	}
	finish(p, p->config.to.type, (unsigned)bytes, timestamp, out);
	out->marker = p->marker;
	p->marker = p->encoder->quiet;
	return true;
}

bool path_out_packet(struct codec_path *p, uint64_t now, struct codec_out *out)
{
	leap(p);
	while (path_has_frame(p)) {
		bool sent;

		if (p->cn_length) { // it goes before what follows it
			out_noise(p, now, out);
			return true;
		}
		sent = out_frame(p, now, out);
		leap(p);
		if (sent)
			return true;
	}
	if (!p->cn_length)
		return false;
	out_noise(p, now, out);
	return true;
}

void path_out_pass(struct codec_path *p, const struct order_slot *slot, struct codec_out *out)
{
	// pass_time has taken from `lead` what has passed since.
	if (p->lead < 0) {
		p->position += (uint64_t)-p->lead;
		p->lead = 0;
	}
	if (p->lead > 3 * (int64_t)p->frame)
		p->lead = 3 * (int64_t)p->frame;
	memcpy(p->payload, slot->data, slot->length);
	finish(p, p->config.to.type, slot->length, path_timestamp(p, p->position), out);
	out->marker = slot->marker || p->marker;
	p->marker = false;
	p->pass_open = true;
}

// ---- prompts

void codec_path_play(struct codec_path *p, const struct codec_source *source, uint64_t now)
{
	p->playing = source != NULL;
	if (!source)
		return;
	path_catch_up(p, now);
	p->source = *source;
	p->play_us = now;
}

bool codec_path_playing(const struct codec_path *p)
{
	return p->playing;
}

bool path_out_advance(struct codec_path *p, uint64_t now)
{
	int16_t pcm[CODEC_MAX_RATE / 1000 * TICK_MS];
	unsigned want = p->rate * TICK_MS / 1000, got;

	if (!p->playing || now < p->play_us)
		return false;
	if (p->play_us + 500000 < now)
		p->play_us = now; // nobody pulled for long
	p->play_us += TICK_MS * 1000;
	if (path_digit_is_tone(p) || path_digit_is_event(p))
		return true; // a digit first
	got = p->source.read(p->source.context, pcm, want);
	if (got)
		path_made(p, pcm, got < want ? got : want);
	if (got < want) {
		p->playing = false;
		path_flush(p);
	}
	return true;
}

uint64_t path_out_wake(const struct codec_path *p)
{
	return p->playing ? p->play_us : UINT64_MAX;
}
