// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/codec/g711.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// clang-format off
// G.711 tables 3 and 4, by code.
const uint8_t g711_a2u[256] = {0x2a, 0x2b, 0x28, 0x29, 0x2e, 0x2f, 0x2c, 0x2d, 0x22, 0x23, 0x20,
	0x21, 0x26, 0x27, 0x24, 0x25, 0x39, 0x3a, 0x37, 0x38, 0x3d, 0x3e, 0x3b, 0x3c, 0x31, 0x32,
	0x2f, 0x30, 0x35, 0x36, 0x33, 0x34, 0x0a, 0x0b, 0x08, 0x09, 0x0e, 0x0f, 0x0c, 0x0d, 0x02,
	0x03, 0x00, 0x01, 0x06, 0x07, 0x04, 0x05, 0x1a, 0x1b, 0x18, 0x19, 0x1e, 0x1f, 0x1c, 0x1d,
	0x12, 0x13, 0x10, 0x11, 0x16, 0x17, 0x14, 0x15, 0x62, 0x63, 0x60, 0x61, 0x66, 0x67, 0x64,
	0x65, 0x5d, 0x5d, 0x5c, 0x5c, 0x5f, 0x5f, 0x5e, 0x5e, 0x74, 0x76, 0x70, 0x72, 0x7c, 0x7e,
	0x78, 0x7a, 0x6a, 0x6b, 0x68, 0x69, 0x6e, 0x6f, 0x6c, 0x6d, 0x48, 0x49, 0x46, 0x47, 0x4c,
	0x4d, 0x4a, 0x4b, 0x40, 0x41, 0x3f, 0x3f, 0x44, 0x45, 0x42, 0x43, 0x56, 0x57, 0x54, 0x55,
	0x5a, 0x5b, 0x58, 0x59, 0x4f, 0x4f, 0x4e, 0x4e, 0x52, 0x53, 0x50, 0x51, 0xaa, 0xab, 0xa8,
	0xa9, 0xae, 0xaf, 0xac, 0xad, 0xa2, 0xa3, 0xa0, 0xa1, 0xa6, 0xa7, 0xa4, 0xa5, 0xb9, 0xba,
	0xb7, 0xb8, 0xbd, 0xbe, 0xbb, 0xbc, 0xb1, 0xb2, 0xaf, 0xb0, 0xb5, 0xb6, 0xb3, 0xb4, 0x8a,
	0x8b, 0x88, 0x89, 0x8e, 0x8f, 0x8c, 0x8d, 0x82, 0x83, 0x80, 0x81, 0x86, 0x87, 0x84, 0x85,
	0x9a, 0x9b, 0x98, 0x99, 0x9e, 0x9f, 0x9c, 0x9d, 0x92, 0x93, 0x90, 0x91, 0x96, 0x97, 0x94,
	0x95, 0xe2, 0xe3, 0xe0, 0xe1, 0xe6, 0xe7, 0xe4, 0xe5, 0xdd, 0xdd, 0xdc, 0xdc, 0xdf, 0xdf,
	0xde, 0xde, 0xf4, 0xf6, 0xf0, 0xf2, 0xfc, 0xfe, 0xf8, 0xfa, 0xea, 0xeb, 0xe8, 0xe9, 0xee,
	0xef, 0xec, 0xed, 0xc8, 0xc9, 0xc6, 0xc7, 0xcc, 0xcd, 0xca, 0xcb, 0xc0, 0xc1, 0xbf, 0xbf,
	0xc4, 0xc5, 0xc2, 0xc3, 0xd6, 0xd7, 0xd4, 0xd5, 0xda, 0xdb, 0xd8, 0xd9, 0xcf, 0xcf, 0xce,
	0xce, 0xd2, 0xd3, 0xd0, 0xd1};

const uint8_t g711_u2a[256] = {0x2a, 0x2b, 0x28, 0x29, 0x2e, 0x2f, 0x2c, 0x2d, 0x22, 0x23, 0x20,
	0x21, 0x26, 0x27, 0x24, 0x25, 0x3a, 0x3b, 0x38, 0x39, 0x3e, 0x3f, 0x3c, 0x3d, 0x32, 0x33,
	0x30, 0x31, 0x36, 0x37, 0x34, 0x35, 0x0a, 0x0b, 0x08, 0x09, 0x0e, 0x0f, 0x0c, 0x0d, 0x02,
	0x03, 0x00, 0x01, 0x06, 0x07, 0x04, 0x1a, 0x1b, 0x18, 0x19, 0x1e, 0x1f, 0x1c, 0x1d, 0x12,
	0x13, 0x10, 0x11, 0x16, 0x17, 0x14, 0x15, 0x6a, 0x68, 0x69, 0x6e, 0x6f, 0x6c, 0x6d, 0x62,
	0x63, 0x60, 0x61, 0x66, 0x67, 0x64, 0x65, 0x7a, 0x78, 0x7e, 0x7f, 0x7c, 0x7d, 0x72, 0x73,
	0x70, 0x71, 0x76, 0x77, 0x74, 0x75, 0x4b, 0x49, 0x4f, 0x4d, 0x42, 0x43, 0x40, 0x41, 0x46,
	0x47, 0x44, 0x45, 0x5a, 0x5b, 0x58, 0x59, 0x5e, 0x5f, 0x5c, 0x5d, 0x52, 0x52, 0x53, 0x53,
	0x50, 0x50, 0x51, 0x51, 0x56, 0x56, 0x57, 0x57, 0x54, 0x54, 0x55, 0x55, 0xaa, 0xab, 0xa8,
	0xa9, 0xae, 0xaf, 0xac, 0xad, 0xa2, 0xa3, 0xa0, 0xa1, 0xa6, 0xa7, 0xa4, 0xa5, 0xba, 0xbb,
	0xb8, 0xb9, 0xbe, 0xbf, 0xbc, 0xbd, 0xb2, 0xb3, 0xb0, 0xb1, 0xb6, 0xb7, 0xb4, 0xb5, 0x8a,
	0x8b, 0x88, 0x89, 0x8e, 0x8f, 0x8c, 0x8d, 0x82, 0x83, 0x80, 0x81, 0x86, 0x87, 0x84, 0x9a,
	0x9b, 0x98, 0x99, 0x9e, 0x9f, 0x9c, 0x9d, 0x92, 0x93, 0x90, 0x91, 0x96, 0x97, 0x94, 0x95,
	0xea, 0xe8, 0xe9, 0xee, 0xef, 0xec, 0xed, 0xe2, 0xe3, 0xe0, 0xe1, 0xe6, 0xe7, 0xe4, 0xe5,
	0xfa, 0xf8, 0xfe, 0xff, 0xfc, 0xfd, 0xf2, 0xf3, 0xf0, 0xf1, 0xf6, 0xf7, 0xf4, 0xf5, 0xcb,
	0xc9, 0xcf, 0xcd, 0xc2, 0xc3, 0xc0, 0xc1, 0xc6, 0xc7, 0xc4, 0xc5, 0xda, 0xdb, 0xd8, 0xd9,
	0xde, 0xdf, 0xdc, 0xdd, 0xd2, 0xd2, 0xd3, 0xd3, 0xd0, 0xd0, 0xd1, 0xd1, 0xd6, 0xd6, 0xd7,
	0xd7, 0xd4, 0xd4, 0xd5, 0xd5};

static const int16_t ulaw_linear[256] = {-32124, -31100, -30076, -29052, -28028, -27004, -25980, -24956,
	-23932, -22908, -21884, -20860, -19836, -18812, -17788, -16764, -15996, -15484, -14972,
	-14460, -13948, -13436, -12924, -12412, -11900, -11388, -10876, -10364, -9852, -9340,
	-8828, -8316, -7932, -7676, -7420, -7164, -6908, -6652, -6396, -6140, -5884, -5628, -5372,
	-5116, -4860, -4604, -4348, -4092, -3900, -3772, -3644, -3516, -3388, -3260, -3132, -3004,
	-2876, -2748, -2620, -2492, -2364, -2236, -2108, -1980, -1884, -1820, -1756, -1692, -1628,
	-1564, -1500, -1436, -1372, -1308, -1244, -1180, -1116, -1052, -988, -924, -876, -844,
	-812, -780, -748, -716, -684, -652, -620, -588, -556, -524, -492, -460, -428, -396, -372,
	-356, -340, -324, -308, -292, -276, -260, -244, -228, -212, -196, -180, -164, -148, -132,
	-120, -112, -104, -96, -88, -80, -72, -64, -56, -48, -40, -32, -24, -16, -8, 0, 32124,
	31100, 30076, 29052, 28028, 27004, 25980, 24956, 23932, 22908, 21884, 20860, 19836, 18812,
	17788, 16764, 15996, 15484, 14972, 14460, 13948, 13436, 12924, 12412, 11900, 11388, 10876,
	10364, 9852, 9340, 8828, 8316, 7932, 7676, 7420, 7164, 6908, 6652, 6396, 6140, 5884, 5628,
	5372, 5116, 4860, 4604, 4348, 4092, 3900, 3772, 3644, 3516, 3388, 3260, 3132, 3004, 2876,
	2748, 2620, 2492, 2364, 2236, 2108, 1980, 1884, 1820, 1756, 1692, 1628, 1564, 1500, 1436,
	1372, 1308, 1244, 1180, 1116, 1052, 988, 924, 876, 844, 812, 780, 748, 716, 684, 652, 620,
	588, 556, 524, 492, 460, 428, 396, 372, 356, 340, 324, 308, 292, 276, 260, 244, 228, 212,
	196, 180, 164, 148, 132, 120, 112, 104, 96, 88, 80, 72, 64, 56, 48, 40, 32, 24, 16, 8, 0};

static const int16_t alaw_linear[256] = {-5504, -5248, -6016, -5760, -4480, -4224, -4992, -4736, -7552,
	-7296, -8064, -7808, -6528, -6272, -7040, -6784, -2752, -2624, -3008, -2880, -2240, -2112,
	-2496, -2368, -3776, -3648, -4032, -3904, -3264, -3136, -3520, -3392, -22016, -20992,
	-24064, -23040, -17920, -16896, -19968, -18944, -30208, -29184, -32256, -31232, -26112,
	-25088, -28160, -27136, -11008, -10496, -12032, -11520, -8960, -8448, -9984, -9472,
	-15104, -14592, -16128, -15616, -13056, -12544, -14080, -13568, -344, -328, -376, -360,
	-280, -264, -312, -296, -472, -456, -504, -488, -408, -392, -440, -424, -88, -72, -120,
	-104, -24, -8, -56, -40, -216, -200, -248, -232, -152, -136, -184, -168, -1376, -1312,
	-1504, -1440, -1120, -1056, -1248, -1184, -1888, -1824, -2016, -1952, -1632, -1568, -1760,
	-1696, -688, -656, -752, -720, -560, -528, -624, -592, -944, -912, -1008, -976, -816,
	-784, -880, -848, 5504, 5248, 6016, 5760, 4480, 4224, 4992, 4736, 7552, 7296, 8064, 7808,
	6528, 6272, 7040, 6784, 2752, 2624, 3008, 2880, 2240, 2112, 2496, 2368, 3776, 3648, 4032,
	3904, 3264, 3136, 3520, 3392, 22016, 20992, 24064, 23040, 17920, 16896, 19968, 18944,
	30208, 29184, 32256, 31232, 26112, 25088, 28160, 27136, 11008, 10496, 12032, 11520, 8960,
	8448, 9984, 9472, 15104, 14592, 16128, 15616, 13056, 12544, 14080, 13568, 344, 328, 376,
	360, 280, 264, 312, 296, 472, 456, 504, 488, 408, 392, 440, 424, 88, 72, 120, 104, 24, 8,
	56, 40, 216, 200, 248, 232, 152, 136, 184, 168, 1376, 1312, 1504, 1440, 1120, 1056, 1248,
	1184, 1888, 1824, 2016, 1952, 1632, 1568, 1760, 1696, 688, 656, 752, 720, 560, 528, 624,
	592, 944, 912, 1008, 976, 816, 784, 880, 848};
// clang-format on

// ---- one law into the other

static uint64_t words_of(const uint8_t *p, size_t count)
{
	uint64_t sum = 0;
	uint16_t word;

	for (; count >= 2; count -= 2, p += 2) {
		memcpy(&word, p, 2);
		sum += word;
	}
	word = 0;
	memcpy(&word, p, count);
	return sum + word;
}

static int64_t by_table(const uint8_t table[256], uint8_t *p, size_t count)
{
	uint64_t before = words_of(p, count);

	for (size_t i = 0; i < count; i++)
		p[i] = table[p[i]];
	return (int64_t)(words_of(p, count) - before);
}

#if defined(__x86_64__)
#define AVX2 __attribute__((target("avx2")))

// The tables are arithmetic on the number of the magnitude, i: mostly i plus a constant, with ramps of half
// steps between. So a vector needs no look-up; the unit test compares every code with the tables.
//   a to u: i + min(i + 1, 8) - ceil((min(i -. 24, 8) + min(i -. 44, 4)) / 2) - (i > 62) - (i > 79)
//   u to a: i - ceil(min(i, 16) / 2) + min(i -. 32, 4) + min(i -. 47, 2) + (i > 63) + (i > 80)
// where -. stops at 0. A comparison that holds is -1 in a vector.

AVX2 static inline __m256i over(__m256i i, char start, char most)
{
	return _mm256_min_epu8(
		_mm256_subs_epu8(i, _mm256_set1_epi8(start)), _mm256_set1_epi8(most));
}

AVX2 static inline __m256i a2u_32(__m256i in)
{
	const __m256i low = _mm256_set1_epi8(0x7f);
	__m256i i = _mm256_and_si256(_mm256_xor_si256(in, _mm256_set1_epi8(0x55)), low);
	__m256i rise =
		_mm256_min_epu8(_mm256_add_epi8(i, _mm256_set1_epi8(1)), _mm256_set1_epi8(8));
	__m256i fall = _mm256_avg_epu8(over(i, 24, 8), over(i, 44, 4));
	__m256i steps = _mm256_add_epi8(_mm256_cmpgt_epi8(i, _mm256_set1_epi8(62)),
		_mm256_cmpgt_epi8(i, _mm256_set1_epi8(79)));

	i = _mm256_add_epi8(_mm256_sub_epi8(_mm256_add_epi8(i, rise), fall), steps);
	return _mm256_xor_si256(i, _mm256_or_si256(in, low));
}

AVX2 static inline __m256i u2a_32(__m256i in)
{
	__m256i i = _mm256_andnot_si256(in, _mm256_set1_epi8(0x7f));
	__m256i fall =
		_mm256_avg_epu8(_mm256_min_epu8(i, _mm256_set1_epi8(16)), _mm256_setzero_si256());
	__m256i rise = _mm256_add_epi8(over(i, 32, 4), over(i, 47, 2));
	__m256i steps = _mm256_add_epi8(_mm256_cmpgt_epi8(i, _mm256_set1_epi8(63)),
		_mm256_cmpgt_epi8(i, _mm256_set1_epi8(80)));
	__m256i sign = _mm256_and_si256(in, _mm256_set1_epi8((char)0x80));

	i = _mm256_sub_epi8(_mm256_add_epi8(_mm256_sub_epi8(i, fall), rise), steps);
	return _mm256_xor_si256(_mm256_xor_si256(i, sign), _mm256_set1_epi8(0x55));
}

// What the words of a vector have more than those of another, in lanes that 64 kB do not overflow.
AVX2 static inline __m256i more(__m256i out, __m256i in)
{
	const __m256i word = _mm256_set1_epi32(0xffff);
	__m256i low = _mm256_sub_epi32(_mm256_and_si256(out, word), _mm256_and_si256(in, word));
	__m256i high = _mm256_sub_epi32(_mm256_srli_epi32(out, 16), _mm256_srli_epi32(in, 16));

	return _mm256_add_epi32(low, high);
}

AVX2 static inline int64_t in_all_lanes(__m256i v)
{
	__m256i wide = _mm256_add_epi64(_mm256_cvtepi32_epi64(_mm256_castsi256_si128(v)),
		_mm256_cvtepi32_epi64(_mm256_extracti128_si256(v, 1)));
	__m128i half =
		_mm_add_epi64(_mm256_castsi256_si128(wide), _mm256_extracti128_si256(wide, 1));

	return _mm_cvtsi128_si64(half) + _mm_extract_epi64(half, 1);
}

#define IN_PLACE(name)                                                                             \
	AVX2 static int64_t name##_avx2(uint8_t *p, size_t count)                                  \
	{                                                                                          \
		__m256i change = _mm256_setzero_si256();                                           \
		size_t i;                                                                          \
                                                                                                   \
		for (i = 0; i + 32 <= count; i += 32) {                                            \
			__m256i in = _mm256_loadu_si256((const __m256i *)(p + i));                 \
			__m256i out = name##_32(in);                                               \
                                                                                                   \
			_mm256_storeu_si256((__m256i *)(p + i), out);                              \
			change = _mm256_add_epi32(change, more(out, in));                          \
		}                                                                                  \
		return in_all_lanes(change) +                                                      \
		       (i < count ? by_table(g711_##name, p + i, count - i) : 0);                  \
	}
IN_PLACE(a2u)
IN_PLACE(u2a)
#endif

int64_t g711_alaw_to_ulaw(uint8_t *p, size_t count)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx2"))
		return a2u_avx2(p, count);
#endif
	return by_table(g711_a2u, p, count);
}

int64_t g711_ulaw_to_alaw(uint8_t *p, size_t count)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx2"))
		return u2a_avx2(p, count);
#endif
	return by_table(g711_u2a, p, count);
}

// ---- linear

void g711_ulaw_decode(int16_t *pcm, const uint8_t *from, size_t count)
{
	for (size_t i = 0; i < count; i++)
		pcm[i] = ulaw_linear[from[i]];
}

void g711_alaw_decode(int16_t *pcm, const uint8_t *from, size_t count)
{
	for (size_t i = 0; i < count; i++)
		pcm[i] = alaw_linear[from[i]];
}

// Magnitude and bias make the segment the place of the highest bit.
static inline uint8_t ulaw_of(int sample)
{
	unsigned sign = sample < 0 ? 0x00 : 0x80;
	unsigned magnitude = (unsigned)(sample < 0 ? -sample : sample) + 132;
	unsigned segment;

	if (magnitude > 0x7fff)
		magnitude = 0x7fff;
	segment = 24 - (unsigned)__builtin_clz(magnitude);
	return (uint8_t)(sign | (0x7f ^ (segment << 4 | (magnitude >> (segment + 3) & 0x0f))));
}

static inline uint8_t alaw_of(int sample)
{
	unsigned sign = sample < 0 ? 0x00 : 0x80;
	unsigned magnitude = (unsigned)(sample < 0 ? ~sample : sample);
	unsigned segment = 24 - (unsigned)__builtin_clz(magnitude | 0xff);
	unsigned step = magnitude >> (segment ? segment + 3 : 4) & 0x0f;

	return (uint8_t)(sign | ((segment << 4 | step) ^ 0x55));
}

void g711_ulaw_encode(uint8_t *to, const int16_t *pcm, size_t count)
{
	for (size_t i = 0; i < count; i++)
		to[i] = ulaw_of(pcm[i]);
}

void g711_alaw_encode(uint8_t *to, const int16_t *pcm, size_t count)
{
	for (size_t i = 0; i < count; i++)
		to[i] = alaw_of(pcm[i]);
}
