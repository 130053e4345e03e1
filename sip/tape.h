// SPDX-License-Identifier: BSD-3-Clause
//
// A record of bytes, written and read by one description of its fields: the same function, run over
// a tape that writes or one that reads, so that both agree by construction. Integers as this machine
// has them: a record never leaves it.
//
// Writing never goes past the end, reading never past what is there: either sets `bad`, once and for
// all, and what is read from then on is zero. Bytes that are read are a stranger's: enumerations and
// counts are checked by who knows them (sip_tape_check()).
//
// Thread: plain values.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct sip_tape {
	uint8_t *out;      // NULL: this one reads
	const uint8_t *in; // NULL: this one writes
	size_t size, at;
	bool bad;
};

static inline struct sip_tape sip_tape_writer(uint8_t *out, size_t size)
{
	return (struct sip_tape){.out = out, .size = size};
}

static inline struct sip_tape sip_tape_reader(const uint8_t *in, size_t size)
{
	return (struct sip_tape){.in = in, .size = size};
}

static inline void sip_tape_check(struct sip_tape *t, bool holds)
{
	if (!holds)
		t->bad = true;
}

static inline void sip_tape_bytes(struct sip_tape *t, void *bytes, size_t n)
{
	if (t->bad || n > t->size - t->at) {
		t->bad = true;
		if (t->in && n)
			memset(bytes, 0, n);
		return;
	}
	if (t->in && n)
		memcpy(bytes, t->in + t->at, n);
	else if (n)
		memcpy(t->out + t->at, bytes, n);
	t->at += n;
}

static inline void sip_tape_u8(struct sip_tape *t, uint8_t *v)
{
	sip_tape_bytes(t, v, sizeof(*v));
}

static inline void sip_tape_u16(struct sip_tape *t, uint16_t *v)
{
	sip_tape_bytes(t, v, sizeof(*v));
}

static inline void sip_tape_u32(struct sip_tape *t, uint32_t *v)
{
	sip_tape_bytes(t, v, sizeof(*v));
}

static inline void sip_tape_u64(struct sip_tape *t, uint64_t *v)
{
	sip_tape_bytes(t, v, sizeof(*v));
}

static inline void sip_tape_bool(struct sip_tape *t, bool *v)
{
	uint8_t byte = *v;

	sip_tape_u8(t, &byte);
	sip_tape_check(t, byte <= 1);
	*v = byte == 1;
}

// Bytes with their length before them. Reading leaves *bytes within the record.
static inline void sip_tape_slice(struct sip_tape *t, const char **bytes, size_t *n)
{
	uint32_t length = (uint32_t)*n;

	sip_tape_check(t, *n <= UINT32_MAX);
	sip_tape_u32(t, &length);
	if (t->bad || length > t->size - t->at) {
		t->bad = true;
		*bytes = NULL;
		*n = 0;
		return;
	}
	if (t->in)
		*bytes = (const char *)t->in + t->at;
	else if (length)
		memcpy(t->out + t->at, *bytes, length);
	*n = length;
	t->at += length;
}

// A text in a buffer of its own, its NUL not written.
static inline void sip_tape_text(struct sip_tape *t, char *text, size_t size)
{
	const char *bytes = text;
	size_t n = t->in ? 0 : strnlen(text, size - 1);

	sip_tape_slice(t, &bytes, &n);
	if (!t->in)
		return;
	if (n >= size || (n && memchr(bytes, 0, n))) {
		t->bad = true;
		n = 0;
	}
	if (n)
		memcpy(text, bytes, n);
	text[n] = '\0';
}
