// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/codec/wav.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/codec/g711.h"
#include "dataplane/codec/resample.h"

enum { PCM = 1, ALAW = 6, ULAW = 7, EXTENSIBLE = 0xfffe };

struct wave {
	unsigned tag, channels, rate, align, bits;
	const uint8_t *data;
	size_t size;
};

struct complaint {
	char *text;
	size_t size;
};

__attribute__((format(printf, 2, 3))) static int refuse(
	struct complaint why, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (why.size)
		vsnprintf(why.text, why.size, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

static unsigned le16(const uint8_t *p)
{
	return p[0] | (unsigned)p[1] << 8;
}

static uint32_t le32(const uint8_t *p)
{
	return le16(p) | (uint32_t)le16(p + 2) << 16;
}

// ---- reading

static int read_format(struct wave *w, const uint8_t *p, size_t size, struct complaint why)
{
	if (size < 16)
		return refuse(why, "its fmt chunk has %zu bytes instead of 16", size);
	w->tag = le16(p);
	w->channels = le16(p + 2);
	w->rate = le32(p + 4);
	w->align = le16(p + 12);
	w->bits = le16(p + 14);
	if (w->tag == EXTENSIBLE) {
		// The sub-format's first two bytes are a tag again.
		if (size < 40)
			return refuse(why, "its extensible fmt chunk is cut short");
		w->tag = le16(p + 24);
	}
	return 0;
}

static int check_format(const struct wave *w, struct complaint why)
{
	if (w->tag != PCM && w->tag != ALAW && w->tag != ULAW)
		return refuse(
			why, "its format is number 0x%x, neither PCM nor A-law nor u-law", w->tag);
	if (w->channels < 1 || w->channels > 2)
		return refuse(why, "it has %u channels; 1 or 2 can be read", w->channels);
	if (w->rate < 8000 || w->rate > 48000)
		return refuse(why, "its rate is %u Hz; 8000 to 48000 can be read", w->rate);
	if (w->tag == PCM ? w->bits != 8 && w->bits != 16 : w->bits != 8)
		return refuse(why, "it has %u bits a sample; %s can be read", w->bits,
			w->tag == PCM ? "8 or 16" : "8");
	if (w->align != w->channels * w->bits / 8)
		return refuse(why, "it says %u bytes for a sample of %u channels and %u bits",
			w->align, w->channels, w->bits);
	return 0;
}

// Goes through the chunks up to the data. A recorder that was killed leaves sizes that are too large: what is there
// counts.
static int read_chunks(struct wave *w, const uint8_t *file, size_t size, struct complaint why)
{
	size_t at = 12;
	bool format = false;

	while (size - at >= 8) {
		const uint8_t *chunk = file + at;
		size_t length = le32(chunk + 4), rest = size - at - 8;

		length = length < rest ? length : rest;
		if (memcmp(chunk, "fmt ", 4) == 0) {
			if (read_format(w, chunk + 8, length, why))
				return -EINVAL;
			format = true;
		} else if (memcmp(chunk, "data", 4) == 0) {
			if (!format)
				return refuse(why, "its data come before its fmt chunk");
			w->data = chunk + 8;
			w->size = length;
			return 0;
		}
		at += 8 + length;
		at += length & 1 && at < size;
	}
	return refuse(why, format ? "it has no data chunk" : "it has no fmt chunk");
}

static int16_t sample_at(const struct wave *w, const uint8_t *p)
{
	int16_t sample;

	if (w->tag == ALAW)
		g711_alaw_decode(&sample, p, 1);
	else if (w->tag == ULAW)
		g711_ulaw_decode(&sample, p, 1);
	else if (w->bits == 8)
		sample = (int16_t)((*p - 128) * 256);
	else
		sample = (int16_t)le16(p);
	return sample;
}

static struct codec_clip *clip_of(size_t samples, unsigned rate)
{
	struct codec_clip *clip = malloc(sizeof(*clip) + samples * sizeof(int16_t));

	if (clip)
		*clip = (struct codec_clip){
			.rate = rate, .samples = (uint32_t)samples, .pcm = (int16_t *)(clip + 1)};
	return clip;
}

int codec_clip_read(
	struct codec_clip **out, const uint8_t *file, size_t size, char *text, size_t text_size)
{
	struct complaint why = {text, text_size};
	struct wave w = {0};
	struct codec_clip *clip;
	size_t samples;

	if (size < 12 || memcmp(file, "RIFF", 4) != 0 || memcmp(file + 8, "WAVE", 4) != 0)
		return refuse(why, "it is no WAV file: it does not begin with RIFF and WAVE");
	if (read_chunks(&w, file, size, why) || check_format(&w, why))
		return -EINVAL;
	samples = w.size / w.align;
	if (!samples)
		return refuse(why, "it holds no sound");
	if (samples > (size_t)CLIP_MAX_S * w.rate)
		return refuse(why, "it is longer than %u minutes", CLIP_MAX_S / 60);
	clip = clip_of(samples, w.rate);
	if (!clip)
		return -ENOMEM;
	for (size_t i = 0; i < samples; i++) {
		const uint8_t *p = w.data + i * w.align;

		clip->pcm[i] =
			w.channels == 1
				? sample_at(&w, p)
				: (int16_t)((sample_at(&w, p) + sample_at(&w, p + w.bits / 8)) / 2);
	}
	*out = clip;
	return 0;
}

int codec_clip_new(struct codec_clip **out, const int16_t *pcm, size_t samples, unsigned rate)
{
	struct codec_clip *clip;

	if (rate < 8000 || rate > 48000 || !samples || samples > (size_t)CLIP_MAX_S * rate)
		return -EINVAL;
	clip = clip_of(samples, rate);
	if (!clip)
		return -ENOMEM;
	memcpy(clip->pcm, pcm, samples * sizeof(*pcm));
	*out = clip;
	return 0;
}

void codec_clip_free(struct codec_clip *clip)
{
	free(clip);
}

uint32_t codec_clip_ms(const struct codec_clip *clip)
{
	return (uint32_t)((uint64_t)clip->samples * 1000 / clip->rate);
}

// ---- playing

struct clip_player {
	const struct codec_clip *clip;
	struct resampler *resampler;
	uint32_t rate;
	uint32_t at;
	unsigned loops; // that are left; 0 with `endless`
	bool endless;
	unsigned kept, kept_at; // samples that were resampled and not yet asked for
	int16_t keep[1024];
};

int clip_player_open(
	struct clip_player **out, const struct codec_clip *clip, unsigned rate, unsigned loops)
{
	struct clip_player *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	p->clip = clip;
	p->rate = rate;
	p->loops = loops;
	p->endless = !loops;
	err = resampler_open(&p->resampler, clip->rate, rate);
	if (err) {
		free(p);
		return err;
	}
	*out = p;
	return 0;
}

void clip_player_close(struct clip_player *p)
{
	if (!p)
		return;
	resampler_close(p->resampler);
	free(p);
}

// The next 10 ms at most of the clip, at the player's rate, into `keep`. False: it has ended.
static bool refill(struct clip_player *p)
{
	const struct codec_clip *clip = p->clip;
	unsigned now = clip->rate / 100;

	if (p->at == clip->samples) {
		if (!p->endless && p->loops && --p->loops == 0)
			return false;
		p->at = 0;
	}
	if (!p->endless && !p->loops)
		return false;
	if (now > clip->samples - p->at)
		now = clip->samples - p->at;
	p->kept = resampler_run(p->resampler, clip->pcm + p->at, now, p->keep,
		sizeof(p->keep) / sizeof(p->keep[0]));
	p->kept_at = 0;
	p->at += now;
	return true;
}

unsigned clip_player_read(void *context, int16_t *pcm, unsigned samples)
{
	struct clip_player *p = context;
	unsigned done = 0;

	while (done < samples) {
		unsigned now = p->kept - p->kept_at;

		if (!now) {
			if (!refill(p))
				break;
			continue;
		}
		now = now < samples - done ? now : samples - done;
		memcpy(pcm + done, p->keep + p->kept_at, now * sizeof(*pcm));
		p->kept_at += now;
		done += now;
	}
	return done;
}
