// SPDX-License-Identifier: BSD-3-Clause
// fmtp parameters: RFC 7587 (Opus), 4856 (G.729), 4867 (AMR), 5574 (Speex).
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "dataplane/codec/format/format.h"

struct text {
	const char *p;
	size_t n;
};

static bool is(struct text text, const char *what)
{
	return text.n == strlen(what) && strncasecmp(text.p, what, text.n) == 0;
}

static struct text trim(struct text t)
{
	while (t.n && strchr(" \t\r\n\"", *t.p)) {
		t.p++;
		t.n--;
	}
	while (t.n && strchr(" \t\r\n\"", t.p[t.n - 1]))
		t.n--;
	return t;
}

// Digits only, of at most nine.
static int number(struct text text, uint32_t *out)
{
	uint32_t value = 0;

	if (!text.n || text.n > 9)
		return -EINVAL;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return -EINVAL;
		value = value * 10 + (uint32_t)(text.p[i] - '0');
	}
	*out = value;
	return 0;
}

static int number_within(struct text text, uint32_t least, uint32_t most, uint32_t *out)
{
	uint32_t value;

	if (number(text, &value) || value < least || value > most)
		return -EINVAL;
	*out = value;
	return 0;
}

static int flag(struct codec_format *format, struct text value, uint32_t bit)
{
	uint32_t on;

	if (number_within(value, 0, 1, &on))
		return -EINVAL;
	format->flags = on ? format->flags | bit : format->flags & ~bit;
	return 0;
}

// "0,2,5,7"
static int mode_list(struct text value, unsigned modes, uint16_t *set)
{
	uint16_t found = 0;

	while (value.n) {
		const char *comma = memchr(value.p, ',', value.n);
		struct text one = {value.p, comma ? (size_t)(comma - value.p) : value.n};
		uint32_t mode;

		if (number_within(trim(one), 0, modes - 1, &mode))
			return -EINVAL;
		found |= (uint16_t)(1u << mode);
		one.n += comma ? 1 : 0;
		value.p += one.n;
		value.n -= one.n;
	}
	if (!found)
		return -EINVAL;
	*set = found;
	return 0;
}

static int opus(struct codec_format *format, struct text key, struct text value)
{
	if (is(key, "useinbandfec"))
		return flag(format, value, CODEC_FEC);
	if (is(key, "usedtx"))
		return flag(format, value, CODEC_DTX);
	if (is(key, "cbr"))
		return flag(format, value, CODEC_CBR);
	if (is(key, "stereo"))
		return flag(format, value, CODEC_STEREO);
	if (is(key, "maxplaybackrate"))
		return number_within(value, 8000, 192000, &format->max_playback);
	if (is(key, "maxaveragebitrate")) {
		uint32_t bits;

		if (number_within(value, 1, 999999999, &bits))
			return -EINVAL;
		// RFC 7587 6.1: from 6000 to 510000; what is beyond means the nearest.
		format->bitrate = bits < 6000 ? 6000 : bits > 510000 ? 510000 : bits;
	}
	return 0;
}

static int g729(struct codec_format *format, struct text key, struct text value)
{
	if (!is(key, "annexb"))
		return 0;
	if (is(value, "yes"))
		format->flags |= CODEC_DTX;
	else if (is(value, "no"))
		format->flags &= ~CODEC_DTX;
	else
		return -EINVAL;
	return 0;
}

static int must_be_zero(struct text value)
{
	uint32_t on;

	if (number_within(value, 0, 1, &on))
		return -EINVAL;
	return on ? -EOPNOTSUPP : 0;
}

static int amr(struct codec_format *format, struct text key, struct text value)
{
	uint32_t n;

	if (is(key, "octet-align"))
		return flag(format, value, CODEC_OCTET_ALIGN);
	if (is(key, "mode-set"))
		return mode_list(value, format->id == CODEC_AMR ? 8 : 9, &format->mode_set);
	if (is(key, "mode-change-neighbor"))
		return flag(format, value, CODEC_MODE_NEIGHBOR);
	if (is(key, "mode-change-period")) {
		if (number_within(value, 1, 2, &n))
			return -EINVAL;
		format->flags = n == 2 ? format->flags | CODEC_MODE_PERIOD_2
				       : format->flags & ~CODEC_MODE_PERIOD_2;
		return 0;
	}
	if (is(key, "crc") || is(key, "robust-sorting"))
		return must_be_zero(value);
	if (is(key, "interleaving"))
		return number(value, &n) ? -EINVAL : -EOPNOTSUPP;
	return 0;
}

static int speex(struct codec_format *format, struct text key, struct text value)
{
	uint32_t mode;

	if (is(key, "vbr"))
		return is(value, "vad") || is(value, "on") || is(value, "off") ? 0 : -EINVAL;
	if (is(key, "cng")) {
		if (!is(value, "on") && !is(value, "off"))
			return -EINVAL;
		format->flags =
			is(value, "on") ? format->flags | CODEC_DTX : format->flags & ~CODEC_DTX;
		return 0;
	}
	if (!is(key, "mode"))
		return 0;
	if (is(value, "any")) {
		format->mode = CODEC_MODE_ANY;
		return 0;
	}
	// "1,any", or a list of which the first is liked best (RFC 5574 5.1)
	if (memchr(value.p, ',', value.n))
		value.n = (size_t)((const char *)memchr(value.p, ',', value.n) - value.p);
	if (number_within(trim(value), 0, format->sample_rate == 8000 ? 8 : 10, &mode))
		return -EINVAL;
	format->mode = (uint8_t)mode;
	return 0;
}

static int parameter(struct codec_format *format, struct text key, struct text value)
{
	uint32_t ms;

	if (is(key, "maxptime") || is(key, "ptime")) {
		if (number_within(value, 1, 10000, &ms))
			return -EINVAL;
		if (is(key, "maxptime"))
			format->maxptime = (uint8_t)(ms > 255 ? 255 : ms);
		return 0;
	}
	switch (format->id) {
	case CODEC_OPUS:
		return opus(format, key, value);
	case CODEC_G729:
		return g729(format, key, value);
	case CODEC_AMR:
	case CODEC_AMR_WB:
		return amr(format, key, value);
	case CODEC_SPEEX:
		return speex(format, key, value);
	default:
		return 0;
	}
}

// Takes "key=value" or "key" up to the next ";".
static struct text take(struct text *rest)
{
	const char *end = memchr(rest->p, ';', rest->n);
	struct text one = {rest->p, end ? (size_t)(end - rest->p) : rest->n};

	rest->p += one.n + (end ? 1 : 0);
	rest->n -= one.n + (end ? 1 : 0);
	return trim(one);
}

int codec_format_fmtp(struct codec_format *format, const char *fmtp, size_t length)
{
	struct codec_format read = *format;
	struct text rest = {fmtp, length};

	while (rest.n) {
		struct text key = take(&rest), value = {"", 0};
		const char *equals = key.n ? memchr(key.p, '=', key.n) : NULL;
		int err;

		if (equals) {
			value.p = equals + 1;
			value.n = key.n - (size_t)(equals + 1 - key.p);
			key.n = (size_t)(equals - key.p);
		}
		err = key.n ? parameter(&read, trim(key), trim(value)) : 0;
		if (err)
			return err;
	}
	if (read.mode != CODEC_MODE_ANY && read.mode_set && !(read.mode_set >> read.mode & 1))
		return -EINVAL;
	*format = read;
	return 0;
}

// ---- writing

struct out {
	char *p;
	size_t capacity, used;
	bool full;
};

__attribute__((format(printf, 2, 3))) static void put(struct out *out, const char *text, ...)
{
	va_list arguments;
	int n;

	if (out->full)
		return;
	if (out->used && out->used + 1 < out->capacity)
		out->p[out->used++] = ';';
	va_start(arguments, text);
	n = vsnprintf(out->p + out->used, out->capacity - out->used, text, arguments);
	va_end(arguments);
	if (n < 0 || (size_t)n >= out->capacity - out->used)
		out->full = true;
	else
		out->used += (size_t)n;
}

static void put_mode_set(struct out *out, uint16_t set)
{
	char list[40] = "";
	size_t used = 0;

	for (unsigned i = 0; i < 16; i++)
		if (set >> i & 1)
			used += (size_t)snprintf(
				list + used, sizeof(list) - used, "%s%u", used ? "," : "", i);
	put(out, "mode-set=%s", list);
}

int codec_format_print(const struct codec_format *format, char *text, size_t capacity)
{
	struct out out = {.p = text, .capacity = capacity};

	if (!capacity)
		return -ENOSPC;
	text[0] = '\0';
	switch (format->id) {
	case CODEC_OPUS:
		if (format->max_playback)
			put(&out, "maxplaybackrate=%u", format->max_playback);
		if (format->bitrate)
			put(&out, "maxaveragebitrate=%u", format->bitrate);
		if (format->flags & CODEC_FEC)
			put(&out, "useinbandfec=1");
		if (format->flags & CODEC_DTX)
			put(&out, "usedtx=1");
		if (format->flags & CODEC_CBR)
			put(&out, "cbr=1");
		break;
	case CODEC_G729:
		put(&out, "annexb=%s", format->flags & CODEC_DTX ? "yes" : "no");
		break;
	case CODEC_AMR:
	case CODEC_AMR_WB:
		if (format->flags & CODEC_OCTET_ALIGN)
			put(&out, "octet-align=1");
		if (format->mode_set)
			put_mode_set(&out, format->mode_set);
		if (format->flags & CODEC_MODE_PERIOD_2)
			put(&out, "mode-change-period=2");
		if (format->flags & CODEC_MODE_NEIGHBOR)
			put(&out, "mode-change-neighbor=1");
		break;
	case CODEC_SPEEX:
		if (format->mode != CODEC_MODE_ANY)
			put(&out, "mode=%u", format->mode);
		break;
	default:
		break;
	}
	return out.full ? -ENOSPC : (int)out.used;
}
