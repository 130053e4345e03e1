// SPDX-License-Identifier: BSD-3-Clause
// G.711 by every code and every sample, against the Recommendation's own words and spandsp's copy of its tables.
#include <gtest/gtest.h>

#include <spandsp.h>

#include <cmath>
#include <cstring>
#include <vector>

extern "C" {
#include "dataplane/codec/g711.h"
}

namespace
{
// G.711 2.2, tables 2a and 2b: decision values and outputs of u-law by chord and step, in 14 bits.
int ulaw_decision(int n) // the least magnitude that has code n
{
	int chord = n / 16, step = n % 16;
	return n == 0 ? 0 : ((2 * step + 32) << chord) - 33;
}
int ulaw_output(int n)
{
	int chord = n / 16, step = n % 16;
	return ((2 * step + 33) << chord) - 33;
}
// Tables 1a and 1b: A-law, in 13 bits.
int alaw_decision(int n)
{
	int chord = n / 16, step = n % 16;
	return chord == 0 ? 2 * step : (step + 16) << chord;
}
int alaw_output(int n)
{
	int chord = n / 16, step = n % 16;
	return chord == 0 ? 2 * step + 1 : ((2 * step + 33) << chord) / 2;
}

// The code of a magnitude by searching the decision values.
template <typename Decision> int number(int magnitude, Decision decision, int unit)
{
	int n = 127;
	while (n > 0 && magnitude < decision(n) * unit)
		n--;
	return n;
}
} // namespace

TEST(G711, DecodesEveryCode)
{
	for (int code = 0; code < 256; code++) {
		uint8_t c = (uint8_t)code;
		int16_t u, a;
		g711_ulaw_decode(&u, &c, 1);
		g711_alaw_decode(&a, &c, 1);
		int un = ~code & 0x7f, an = (code ^ 0x55) & 0x7f;
		EXPECT_EQ(u, (code & 0x80 ? 1 : -1) * ulaw_output(un) * 4) << code;
		EXPECT_EQ(a, (code & 0x80 ? 1 : -1) * alaw_output(an) * 8) << code;
	}
}

TEST(G711, EncodesEverySample)
{
	for (int x = -32768; x <= 32767; x++) {
		int16_t s = (int16_t)x;
		uint8_t u, a;
		g711_ulaw_encode(&u, &s, 1);
		g711_alaw_encode(&a, &s, 1);
		int un = number(std::abs(x), ulaw_decision, 4);
		ASSERT_EQ(u, (x < 0 ? 0 : 0x80) | (0x7f ^ un)) << x;
		// A-law's decision values belong to the code nearer to zero on the negative side.
		int an = number(x < 0 ? -x - 1 : x, alaw_decision, 8);
		ASSERT_EQ(a, (x < 0 ? 0 : 0x80) | (0x55 ^ an)) << x;
		ASSERT_EQ(u, linear_to_ulaw(x)) << x;
		ASSERT_EQ(a, linear_to_alaw(x)) << x;
	}
}

TEST(G711, ConvertsEveryCodeAsTheTablesSay)
{
	for (int code = 0; code < 256; code++) {
		EXPECT_EQ(g711_a2u[code], alaw_to_ulaw((uint8_t)code)) << code;
		EXPECT_EQ(g711_u2a[code], ulaw_to_alaw((uint8_t)code)) << code;
	}
}

// Tables 3 and 4 by their purpose: what comes out is the nearest value there is, or its neighbour.
TEST(G711, ConversionKeepsTheValue)
{
	for (int code = 0; code < 256; code++) {
		uint8_t from = (uint8_t)code;
		int16_t before, after;
		g711_alaw_decode(&before, &from, 1);
		g711_ulaw_decode(&after, &g711_a2u[code], 1);
		EXPECT_LE(std::abs(before - after), std::max(16, std::abs(before) / 24)) << code;
		g711_ulaw_decode(&before, &from, 1);
		g711_alaw_decode(&after, &g711_u2a[code], 1);
		EXPECT_LE(std::abs(before - after), std::max(16, std::abs(before) / 24)) << code;
	}
}

// Every length up to some vectors and more, at every alignment, nothing beside it; the sums by the words.
TEST(G711, BulkConversionAgreesWithTheTables)
{
	auto words = [](const uint8_t *p, size_t n) {
		int64_t sum = 0;
		for (size_t i = 0; i < n; i++)
			sum += p[i] << (i % 2 ? 8 : 0); // as x86 has them
		return sum;
	};
	std::vector<uint8_t> all(2048);

	for (size_t i = 0; i < all.size(); i++)
		all[i] = (uint8_t)(i * 7 + i / 256);
	for (size_t length = 0; length <= 1450; length += length < 330 ? 1 : 37)
		for (int to_a = 0; to_a < 2; to_a++) {
			const uint8_t *in = all.data() + length % 61, *table = to_a ? g711_u2a : g711_a2u;
			std::vector<uint8_t> place(length + 2, 0xee);

			memcpy(place.data() + 1, in, length);
			int64_t more = (to_a ? g711_ulaw_to_alaw : g711_alaw_to_ulaw)(place.data() + 1, length);
			for (size_t i = 0; i < length; i++)
				ASSERT_EQ(place[i + 1], table[in[i]]) << length << " " << i;
			ASSERT_EQ(place[0], 0xee);
			ASSERT_EQ(place[length + 1], 0xee);
			ASSERT_EQ(words(place.data() + 1, length) - words(in, length), more) << length;
		}
}
