// SPDX-License-Identifier: BSD-3-Clause
//
// SipHash-2-4 with 128 bits of output (Aumasson and Bernstein), fed piece by piece. Transactions
// and dialogs are known by it: with a secret random key nobody can make two of them collide, so the
// hash stands for the strings and they need not be kept.
//
// Thread: plain values.
#pragma once

#include "sip/slice.h"

struct sip_hash_key {
	uint64_t k0, k1;
};

struct sip_hash {
	uint64_t v0, v1, v2, v3;
	uint64_t tail; // bytes that do not make up a word yet
	uint64_t n;    // bytes so far
};

struct sip_key {
	uint64_t a, b;
};

void sip_hash_start(struct sip_hash *h, const struct sip_hash_key *key);
void sip_hash_bytes(struct sip_hash *h, const void *bytes, size_t n);
// A slice with a mark behind it, so that "ab","c" and "a","bc" differ; fold: without ASCII case.
void sip_hash_slice(struct sip_hash *h, struct sip_slice s, bool fold);
struct sip_key sip_hash_end(struct sip_hash *h);

static inline bool sip_key_eq(struct sip_key x, struct sip_key y)
{
	return x.a == y.a && x.b == y.b;
}
