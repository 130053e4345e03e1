// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as SRTP and SRTCP of every suite, by both backends; and any bytes made SRTP and read again.
// What was not protected never authenticates, and what was comes back as it was.
#include <stdlib.h>
#include <string.h>

#include "dataplane/media/srtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST 1600u

static void must(int truth)
{
	if (!truth)
		abort();
}

static struct abi_srtp_key key_of(unsigned suite, unsigned mki)
{
	const struct abi_suite *s = abi_suite_of(suite);
	struct abi_srtp_key key = {.suite = (uint8_t)suite, .mki_length = (uint8_t)mki};

	memset(key.key, 7, s->key);
	memset(key.salt, 8, s->salt);
	memset(key.mki, 9, mki);
	return key;
}

// The packet lies at the end of its memory, so that a read behind it is seen.
static void unprotect(struct srtp_engine *engine, struct srtp_context *c, const uint8_t *data,
	uint16_t size, uint8_t rtcp)
{
	struct srtp_packet p = {.context = c, .length = size, .rtcp = rtcp};

	p.data = malloc(size);
	must(p.data != NULL);
	memcpy(p.data, data, size);
	srtp_burst_unprotect(engine, &p, 1);
	must(p.verdict != SRTP_OK && p.verdict < SRTP_VERDICTS);
	free(p.data);
}

static void round_trip(struct srtp_engine *engine, struct srtp_context *out,
	struct srtp_context *in, const uint8_t *data, uint16_t size, uint8_t rtcp)
{
	struct srtp_packet p = {.context = out, .length = size, .rtcp = rtcp};

	p.data = malloc(size + SRTP_TAIL);
	must(p.data != NULL);
	memcpy(p.data, data, size);
	srtp_burst_protect(engine, &p, 1);
	if (p.verdict == SRTP_OK) {
		must(p.length > size && p.length <= size + SRTP_TAIL);
		p.context = in;
		srtp_burst_unprotect(engine, &p, 1);
		must(p.verdict == SRTP_OK && p.length == size && memcmp(p.data, data, size) == 0);
	}
	free(p.data);
}

static void with(const struct srtp_backend *backend, const uint8_t *data, uint16_t size,
	unsigned suite, unsigned mki, uint8_t rtcp)
{
	static struct srtp_engine *engines[2]; // opening one takes longer than all the rest
	struct srtp_engine **place = &engines[backend == &srtp_ssl], *engine;
	struct abi_srtp_key key = key_of(suite, mki), other = key_of(suite, mki);
	struct srtp_context *in = NULL, *out = NULL;

	if (!*place)
		*place = backend->open();
	engine = *place;
	other.key[0] ^= 1;
	must(engine && !srtp_new(&in, backend, &key, ABI_IN) &&
		!srtp_new(&out, backend, &key, ABI_OUT) &&
		!srtp_new(&in->previous, backend, &other, ABI_IN));
	unprotect(engine, in, data, size, rtcp);
	round_trip(engine, out, in, data, size, rtcp);
	srtp_free(in);
	srtp_free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned suite, mki;
	uint8_t rtcp;

	if (size < 3 + 12 || size > MOST)
		return 0;
	suite = 1 + data[0] % (ABI_SRTP_SUITES - 1);
	mki = data[1] % (ABI_SRTP_MAX_MKI + 1);
	rtcp = data[2] & 1;
	with(&srtp_ssl, data + 3, (uint16_t)(size - 3), suite, mki, rtcp);
	if (srtp_best() != &srtp_ssl)
		with(srtp_best(), data + 3, (uint16_t)(size - 3), suite, mki, rtcp);
	return 0;
}
