// SPDX-License-Identifier: BSD-3-Clause
#include "sip/siphash.h"

static inline uint64_t rotl(uint64_t x, int b)
{
	return x << b | x >> (64 - b);
}

static inline void rounds(struct sip_hash *h, int n)
{
	while (n-- > 0) {
		h->v0 += h->v1;
		h->v1 = rotl(h->v1, 13) ^ h->v0;
		h->v0 = rotl(h->v0, 32);
		h->v2 += h->v3;
		h->v3 = rotl(h->v3, 16) ^ h->v2;
		h->v0 += h->v3;
		h->v3 = rotl(h->v3, 21) ^ h->v0;
		h->v2 += h->v1;
		h->v1 = rotl(h->v1, 17) ^ h->v2;
		h->v2 = rotl(h->v2, 32);
	}
}

void sip_hash_start(struct sip_hash *h, const struct sip_hash_key *key)
{
	h->v0 = key->k0 ^ 0x736f6d6570736575ull;
	h->v1 = key->k1 ^ 0x646f72616e646f6dull ^ 0xee;
	h->v2 = key->k0 ^ 0x6c7967656e657261ull;
	h->v3 = key->k1 ^ 0x7465646279746573ull;
	h->tail = 0;
	h->n = 0;
}

static inline void word(struct sip_hash *h, uint64_t m)
{
	h->v3 ^= m;
	rounds(h, 2);
	h->v0 ^= m;
}

static inline void byte(struct sip_hash *h, uint8_t c)
{
	h->tail |= (uint64_t)c << (8 * (h->n & 7));
	if ((++h->n & 7) == 0) {
		word(h, h->tail);
		h->tail = 0;
	}
}

void sip_hash_bytes(struct sip_hash *h, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	while (n > 0 && (h->n & 7) != 0) {
		byte(h, *p++);
		n--;
	}
	for (; n >= 8; n -= 8, p += 8, h->n += 8) {
		uint64_t m = 0;
		for (int i = 7; i >= 0; i--)
			m = m << 8 | p[i];
		word(h, m);
	}
	while (n-- > 0)
		byte(h, *p++);
}

void sip_hash_slice(struct sip_hash *h, struct sip_slice s, bool fold)
{
	uint32_t n = (uint32_t)s.n;

	if (fold) {
		for (size_t i = 0; i < s.n; i++) {
			uint8_t c = s.p[i];
			byte(h, c >= 'A' && c <= 'Z' ? c + 32 : c);
		}
	} else {
		sip_hash_bytes(h, s.p, s.n);
	}
	sip_hash_bytes(h, &n, sizeof(n));
}

struct sip_key sip_hash_end(struct sip_hash *h)
{
	struct sip_key out;

	word(h, h->tail | h->n << 56);
	h->v2 ^= 0xee;
	rounds(h, 4);
	out.a = h->v0 ^ h->v1 ^ h->v2 ^ h->v3;
	h->v1 ^= 0xdd;
	rounds(h, 4);
	out.b = h->v0 ^ h->v1 ^ h->v2 ^ h->v3;
	return out;
}
