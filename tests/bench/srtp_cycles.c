// SPDX-License-Identifier: BSD-3-Clause
// Cycles a packet of SRTP: the arithmetic alone (intel-ipsec-mb in a loop, as its own programs would use it),
// ours (layout, indices, windows, MKI and the same arithmetic), and libsrtp2. 172-byte packets of 8 streams
// in bursts. One JSON object a suite and burst; each figure is the least of many slices, because others
// share the machine.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <srtp2/srtp.h>
#include <x86intrin.h>

#include "dataplane/media/srtp.h"

#define SIZE   172u
#define ROOM   (SIZE + SRTP_TAIL)
#define SLICES 400u
#define LEGS   8u

static uint8_t packets[SRTP_BURST][ROOM] __attribute__((aligned(64)));
static uint16_t seq;

static void make(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		uint16_t n = (uint16_t)(seq + i / LEGS);

		memset(packets[i], 0, 12);
		packets[i][0] = 0x80;
		packets[i][1] = 8;
		packets[i][2] = (uint8_t)(n >> 8);
		packets[i][3] = (uint8_t)n;
		packets[i][11] = (uint8_t)(1 + i % LEGS);
	}
	seq = (uint16_t)(seq + (count + LEGS - 1) / LEGS);
}

static struct abi_srtp_key key_of(unsigned suite, unsigned leg)
{
	const struct abi_suite *s = abi_suite_of(suite);
	struct abi_srtp_key key = {.suite = (uint8_t)suite};

	memset(key.key, (int)leg + 1, s->key);
	memset(key.salt, (int)leg + 2, s->salt);
	return key;
}

// What the backend does, and nothing around it.
static uint64_t raw(const struct srtp_backend *backend, struct srtp_engine *engine,
	struct srtp_context *const *legs, unsigned count)
{
	struct srtp_job jobs[SRTP_BURST], *list[SRTP_BURST];
	uint64_t best = UINT64_MAX;

	make(count);
	for (unsigned i = 0; i < count; i++) {
		jobs[i] = (struct srtp_job){
			.keys = legs[i % LEGS]->keys,
			.data = packets[i],
			.aad = packets[i],
			.aad_length = 12,
			.auth_length = SIZE + 4,
			.from = 12,
			.length = SIZE - 12,
		};
		list[i] = &jobs[i];
	}
	for (unsigned slice = 0; slice < SLICES; slice++) {
		uint64_t start = __rdtsc(), took;

		for (unsigned turn = 0; turn < 8; turn++)
			backend->crypt(engine, list, count, legs[0]->aead, true);
		took = (__rdtsc() - start) / 8;
		best = took < best ? took : best;
	}
	return best;
}

struct both {
	uint64_t protect, unprotect;
};

static struct both ours(struct srtp_engine *engine, struct srtp_context *const *out,
	struct srtp_context *const *in, unsigned count)
{
	struct both best = {UINT64_MAX, UINT64_MAX};
	struct srtp_packet p[SRTP_BURST];

	for (unsigned slice = 0; slice < SLICES; slice++) {
		uint64_t start, middle, end;

		make(count);
		for (unsigned i = 0; i < count; i++)
			p[i] = (struct srtp_packet){
				.context = out[i % LEGS], .data = packets[i], .length = SIZE};
		start = __rdtsc();
		srtp_burst_protect(engine, p, count);
		middle = __rdtsc();
		for (unsigned i = 0; i < count; i++) {
			if (p[i].verdict != SRTP_OK)
				abort();
			p[i].context = in[i % LEGS];
		}
		end = __rdtsc();
		srtp_burst_unprotect(engine, p, count);
		end = __rdtsc() - end;
		for (unsigned i = 0; i < count; i++)
			if (p[i].verdict != SRTP_OK || p[i].length != SIZE)
				abort();
		best.protect = middle - start < best.protect ? middle - start : best.protect;
		best.unprotect = end < best.unprotect ? end : best.unprotect;
	}
	return best;
}

static srtp_t session(unsigned suite, const struct abi_srtp_key *key)
{
	static uint8_t master[64];
	const struct abi_suite *s = abi_suite_of(suite);
	srtp_policy_t p = {.ssrc = {.type = ssrc_any_outbound}, .window_size = 128};
	srtp_t made;

	switch (suite) {
	case ABI_SRTP_AES_CM_128_HMAC_SHA1_80:
		srtp_crypto_policy_set_rtp_default(&p.rtp);
		break;
	case ABI_SRTP_AES_256_CM_HMAC_SHA1_80:
		srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&p.rtp);
		break;
	case ABI_SRTP_AEAD_AES_128_GCM:
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&p.rtp);
		break;
	default:
		srtp_crypto_policy_set_aes_gcm_256_16_auth(&p.rtp);
	}
	p.rtcp = p.rtp;
	memcpy(master, key->key, s->key);
	memcpy(master + s->key, key->salt, s->salt);
	p.key = master;
	if (srtp_create(&made, &p) != srtp_err_status_ok)
		abort();
	return made;
}

static uint64_t library(unsigned suite, unsigned count)
{
	struct abi_srtp_key key = key_of(suite, 0);
	srtp_t s = session(suite, &key);
	uint64_t best = UINT64_MAX;

	for (unsigned slice = 0; slice < SLICES / 4; slice++) {
		uint64_t start, took;

		make(count);
		start = __rdtsc();
		for (unsigned i = 0; i < count; i++) {
			int size = SIZE;

			if (srtp_protect(s, packets[i], &size) != srtp_err_status_ok)
				abort();
		}
		took = __rdtsc() - start;
		best = took < best ? took : best;
	}
	srtp_dealloc(s);
	return best;
}

static void measure(const struct srtp_backend *backend, struct srtp_engine *engine, unsigned suite,
	unsigned count)
{
	struct srtp_context *out[LEGS], *in[LEGS];
	struct both us;
	uint64_t bare, theirs;

	for (unsigned i = 0; i < LEGS; i++) {
		struct abi_srtp_key key = key_of(suite, i);

		if (srtp_new(&out[i], backend, &key, ABI_OUT) ||
			srtp_new(&in[i], backend, &key, ABI_IN))
			abort();
	}
	bare = raw(backend, engine, out, count);
	us = ours(engine, out, in, count);
	theirs = library(suite, count);
	printf("{\"suite\": \"%s\", \"burst\": %u, \"raw\": %.1f, \"protect\": %.1f, "
	       "\"unprotect\": %.1f, "
	       "\"libsrtp2\": %.1f}\n",
		abi_suite_of(suite)->name, count, (double)bare / count, (double)us.protect / count,
		(double)us.unprotect / count, (double)theirs / count);
	fflush(stdout);
	for (unsigned i = 0; i < LEGS; i++) {
		srtp_free(out[i]);
		srtp_free(in[i]);
	}
}

int main(void)
{
	static const unsigned suites[] = {ABI_SRTP_AES_CM_128_HMAC_SHA1_80,
		ABI_SRTP_AES_256_CM_HMAC_SHA1_80, ABI_SRTP_AEAD_AES_128_GCM,
		ABI_SRTP_AEAD_AES_256_GCM};
	const struct srtp_backend *backend = srtp_best();
	struct srtp_engine *engine = backend->open();

	if (!engine || srtp_init() != srtp_err_status_ok)
		return 1;
	fprintf(stderr, "srtp_cycles: %s\n", backend->name);
	for (unsigned i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
		for (unsigned count = 8; count <= 64; count *= 2)
			measure(backend, engine, suites[i], count);
	backend->close(engine);
	return 0;
}
