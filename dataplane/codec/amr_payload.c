// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <string.h>

#include "dataplane/codec/amr.h"

static const int16_t narrow_bits[16] = {
	95, 103, 118, 134, 148, 159, 204, 244, 39, -1, -1, -1, -1, -1, -1, 0};
static const int16_t wide_bits[16] = {
	132, 177, 253, 285, 317, 365, 397, 461, 477, 40, -1, -1, -1, -1, 0, 0};

int amr_bits(bool wide, unsigned type)
{
	return type > 15 ? -1 : wide ? wide_bits[type] : narrow_bits[type];
}

// ---- reading

struct reader {
	const uint8_t *p;
	size_t bits, at;
};

// Up to 8 bits; those behind the end are zero, and `at` tells.
static unsigned take(struct reader *r, unsigned count)
{
	unsigned value = 0;

	for (unsigned i = 0; i < count; i++, r->at++)
		value = value << 1 |
			(r->at < r->bits ? r->p[r->at / 8] >> (7 - r->at % 8) & 1u : 0);
	return value;
}

static void align(struct reader *r)
{
	r->at = (r->at + 7) & ~(size_t)7;
}

static int read_contents(struct amr_payload *out, struct reader *r, bool wide, bool aligned)
{
	bool more = true;

	for (out->count = 0; more; out->count++) {
		unsigned entry = take(r, 6), type = entry >> 1 & 15;

		if (aligned)
			take(r, 2);
		if (r->at > r->bits || out->count == AMR_MAX_FRAMES || amr_bits(wide, type) < 0)
			return -EBADMSG;
		more = entry >> 5;
		out->type[out->count] = (uint8_t)type;
		out->frame[out->count][0] = (uint8_t)(type << 3 | (entry & 1) << 2);
	}
	return 0;
}

static void read_frame(struct reader *r, uint8_t *to, unsigned bits)
{
	for (; bits >= 8; bits -= 8)
		*to++ = (uint8_t)take(r, 8);
	if (bits)
		*to = (uint8_t)(take(r, bits) << (8 - bits));
}

int amr_read(
	struct amr_payload *out, bool wide, bool aligned, const uint8_t *payload, size_t length)
{
	struct reader r = {.p = payload, .bits = length * 8};
	int err;

	out->cmr = (uint8_t)take(&r, 4);
	if (aligned)
		take(&r, 4);
	err = read_contents(out, &r, wide, aligned);
	for (unsigned i = 0; !err && i < out->count; i++) {
		int bits = amr_bits(wide, out->type[i]);

		memset(out->frame[i] + 1, 0, AMR_MAX_FRAME - 1);
		read_frame(&r, out->frame[i] + 1, (unsigned)bits);
		if (aligned)
			align(&r);
		err = r.at > r.bits ? -EBADMSG : 0;
	}
	align(&r);
	return !err && r.at == r.bits ? 0 : -EBADMSG;
}

// ---- writing

struct writer {
	uint8_t *p;
	size_t bits, at;
};

static void put(struct writer *w, unsigned value, unsigned count)
{
	for (; count--; w->at++) {
		uint8_t bit = (uint8_t)(0x80u >> w->at % 8);

		if (w->at >= w->bits)
			continue;
		if (w->at % 8 == 0)
			w->p[w->at / 8] = 0;
		if (value >> count & 1)
			w->p[w->at / 8] |= bit;
	}
}

static void fill(struct writer *w)
{
	while (w->at % 8)
		put(w, 0, 1);
}

int amr_write(const struct amr_payload *in, bool wide, bool aligned, uint8_t *out, size_t capacity)
{
	struct writer w = {.p = out, .bits = capacity * 8};

	put(&w, in->cmr, 4);
	if (aligned)
		put(&w, 0, 4);
	for (unsigned i = 0; i < in->count; i++) {
		put(&w, i + 1 < in->count, 1);
		put(&w, in->type[i], 4);
		put(&w, in->frame[i][0] >> 2 & 1u, 1);
		if (aligned)
			put(&w, 0, 2);
	}
	for (unsigned i = 0; i < in->count; i++) {
		const uint8_t *p = in->frame[i] + 1;
		int bits = amr_bits(wide, in->type[i]);

		for (; bits >= 8; bits -= 8)
			put(&w, *p++, 8);
		if (bits > 0)
			put(&w, *p >> (8 - bits), (unsigned)bits);
		if (aligned)
			fill(&w);
	}
	fill(&w);
	return w.at > w.bits ? -ENOSPC : (int)(w.at / 8);
}
