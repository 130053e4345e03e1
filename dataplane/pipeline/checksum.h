// SPDX-License-Identifier: BSD-3-Clause
// Ones' complement sums (RFC 1071) over words as they lie in memory: the byte order does not matter
// as long as the result is stored the way that the words were read. The negative of a word is its
// complement, so a checksum is carried over to new headers by adding the new words and the
// complements of the old (RFC 1624).
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

// A sum of 16- and 32-bit words, to 16 bits. Adding a sum to itself with its halves exchanged
// leaves both halves added, carry included, in the upper one.
static inline uint16_t dp_fold(uint64_t sum)
{
	uint32_t half;

	sum += sum << 32 | sum >> 32;
	half = (uint32_t)(sum >> 32);
	half += half << 16 | half >> 16;
	return (uint16_t)(half >> 16);
}

static inline uint32_t dp_word32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint16_t dp_word16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline void dp_store16(uint8_t *p, uint16_t v)
{
	memcpy(p, &v, sizeof(v));
}

// Sum of `size` bytes that begin on an even offset of the message. Halves of 32-bit lanes are
// summed apart, so no carry is lost below 256 kB.
static inline uint64_t dp_sum(const uint8_t *p, size_t size)
{
	typedef uint32_t lanes __attribute__((vector_size(16)));
	lanes low = {0}, high = {0}, v;
	uint64_t w[2], sum;

	for (; size >= 16; size -= 16, p += 16) {
		memcpy(&v, p, sizeof(v));
		low += v & 0xffff;
		high += v >> 16;
	}
	low += high;
	memcpy(w, &low, sizeof(w));
	sum = (uint32_t)w[0] + (w[0] >> 32) + (uint32_t)w[1] + (w[1] >> 32);
	if (size & 8) {
		memcpy(w, p, 8);
		sum += (uint32_t)w[0] + (w[0] >> 32);
		p += 8;
	}
	if (size & 4) {
		sum += dp_word32(p);
		p += 4;
	}
	if (size & 2) {
		sum += dp_word16(p);
		p += 2;
	}
	if (size & 1) { // the last byte is padded with a zero after it
		uint8_t last[2] = {*p, 0};

		sum += dp_word16(last);
	}
	return sum;
}
