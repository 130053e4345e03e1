// SPDX-License-Identifier: BSD-3-Clause
// A whole path under any packets, times, digits and prompts: what it sends is one stream with sequence numbers without
// gaps (but for payloads that are passed on), pulling ends, and it never wants to be woken for nothing for ever.
// Input: eight bytes of configuration, then orders of eight bytes, some with a payload behind.
#include <stdlib.h>
#include <string.h>

#include "dataplane/codec/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define AUDIO 96
#define NOISE 13
#define EVENT 101

struct input {
	const uint8_t *p;
	size_t left;
};

struct world {
	struct codec_path *path;
	uint64_t now;
	uint16_t seq_in, seq_out;
	uint32_t timestamp, ssrc;
	bool started, pass;
};

static void promise(bool holds)
{
	if (!holds)
		abort();
}

static unsigned byte(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->p++;
}

static bool side_of(struct codec_side *side, unsigned row, unsigned bits)
{
	unsigned rows = 0;

	while (codec_name_at(rows))
		rows++;
	codec_format_init(&side->format, codec_name_at(row % rows));
	side->format.ptime = (uint8_t)codec_format_ptime(&side->format, 10 + 10 * (bits >> 4));
	side->format.flags |= bits & 1 ? CODEC_DTX : 0;
	side->type = AUDIO;
	side->cn_type = bits & 2 ? NOISE : CODEC_NO_TYPE;
	side->event_type = bits & 4 ? EVENT : CODEC_NO_TYPE;
	side->event_clock = bits & 8 ? 16000 : 0;
	return codec_find(side->format.id);
}

static void pull(struct world *w)
{
	struct codec_out out;
	unsigned count = 0;

	while (codec_path_pull(w->path, w->now, &out)) {
		promise(out.length > 0 && out.length <= CODEC_MAX_PAYLOAD);
		promise(out.type == AUDIO || out.type == NOISE || out.type == EVENT);
		promise(!w->started || w->pass || out.seq == w->seq_out);
		w->started = true;
		w->seq_out = (uint16_t)(out.seq + 1);
		promise(++count < 2000);
	}
	promise(codec_path_wake(w->path) > w->now);
}

// Time goes on as a transcoder would have it.
static void pass_time(struct world *w, unsigned ms)
{
	uint64_t until = w->now + ms * 1000;
	unsigned wakes = 0;

	for (;;) {
		uint64_t wake = codec_path_wake(w->path);

		if (wake > until || ++wakes > 2000)
			break;
		w->now = wake > w->now ? wake : w->now + 100;
		if (w->now > until)
			break;
		pull(w);
	}
	w->now = until;
	pull(w);
}

static void push(struct world *w, struct input *in, unsigned what)
{
	size_t length = byte(in) | (what & 0x40 ? byte(in) << 8 : 0);
	struct codec_in packet = {.type = what & 8 ? what & 16 ? EVENT : NOISE : AUDIO,
		.ssrc = w->ssrc,
		.marker = what & 0x20};
	uint8_t *exact;

	w->seq_in = (uint16_t)(w->seq_in + (int8_t)byte(in));
	w->timestamp += (uint32_t)(int8_t)byte(in) * 80;
	if (length > in->left)
		length = in->left;
	exact = malloc(length ? length : 1);
	if (!exact)
		return;
	memcpy(exact, in->p, length);
	in->p += length;
	in->left -= length;
	packet.payload = exact;
	packet.length = (uint16_t)length;
	packet.seq = w->seq_in;
	packet.timestamp = w->timestamp;
	codec_path_push(w->path, &packet, w->now);
	free(exact);
}

static unsigned read_sound(void *context, int16_t *pcm, unsigned samples)
{
	unsigned *left = context, n = *left < samples ? *left : samples;

	for (unsigned i = 0; i < n; i++)
		pcm[i] = (int16_t)(i * 97);
	*left -= n;
	return n;
}

static void order(struct world *w, struct input *in, unsigned *sound)
{
	unsigned what = byte(in);
	struct codec_event event;

	switch (what & 7) {
	case 0:
		pass_time(w, byte(in));
		break;
	case 1:
		(void)codec_path_inject(w->path, byte(in) % 17, byte(in) * 4, byte(in), what >> 3,
			(enum codec_dtmf)(what >> 6));
		break;
	case 2:
		*sound = byte(in) * 16;
		codec_path_play(w->path,
			what & 8 ? NULL : &(struct codec_source){read_sound, sound, what & 16},
			w->now);
		break;
	case 3:
		w->ssrc = byte(in);
		break;
	case 4:
		w->timestamp = byte(in) << 24;
		w->seq_in = (uint16_t)(byte(in) << 8);
		break;
	default:
		push(w, in, what);
		pull(w);
	}
	while (codec_path_event(w->path, &event))
		promise(event.phase == CODEC_EVENT_BEGIN || event.phase == CODEC_EVENT_END);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct codec_path_config c = {0};
	struct world w = {.now = 1000000};
	unsigned orders = 0, sound = 0, kinds;

	if (!side_of(&c.from, byte(&in), byte(&in)) || !side_of(&c.to, byte(&in), byte(&in)))
		return 0;
	kinds = byte(&in);
	c.dtmf_from = kinds & 3;
	c.dtmf_to = kinds >> 2 & 3;
	c.flags = kinds >> 4 & 3;
	if (kinds & 0x40)
		c.from.format.id = CODEC_NONE;
	if (codec_path_open(&w.path, &c))
		return 0;
	w.pass = c.from.format.id == c.to.format.id;
	codec_path_pair(w.path, kinds & 0x80 ? w.path : NULL);
	while (in.left && orders++ < 300)
		order(&w, &in, &sound);
	(void)codec_path_counts(w.path);
	codec_path_close(w.path);
	return 0;
}
