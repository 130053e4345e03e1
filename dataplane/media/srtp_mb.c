// SPDX-License-Identifier: BSD-3-Clause
// The fast backend: intel-ipsec-mb works on all packets of a burst at once.
//
// The library has a manager for each instruction set, and none is best at everything: HMAC-SHA1 in many
// lanes (AVX-512) wins when a flush has many jobs, the SHA instructions (SSE manager) when it has few.
// So an engine has both, and which is taken for how many packets was measured when the process started.
// GCM works packet by packet, and its expanded keys fit one instruction set only: that is chosen once.
#include "dataplane/media/srtp.h"

#if defined(__x86_64__)

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <intel-ipsec-mb.h>

#define PAD_BYTES   64u // block of SHA-1
#define ROUNDS      15u // AES-256 has the most
#define PROBE_BYTES 172u
#define PROBE_TURNS 60u

enum set { // of instructions
	SET_SSE,
	SET_AVX2,
	SET_AVX512,
	SETS,
};

struct counter_keys {
	uint8_t rounds[16 * ROUNDS] __attribute__((aligned(16)));
	uint8_t inner[20] __attribute__((aligned(4))); // SHA-1 states behind the pads
	uint8_t outer[20] __attribute__((aligned(4)));
	uint8_t key; // bytes
};

struct galois_keys {
	struct gcm_key_data data;
	uint8_t key;
};

// What was found out about this machine; written once, before a second thread runs.
static struct {
	bool known;
	bool can;
	uint8_t few;  // set for up to `many` - 1 packets
	uint8_t lots; // set for `many` packets and more
	uint8_t gcm;  // set
	unsigned many;
} chosen;

struct srtp_engine {
	IMB_MGR *few, *lots, *gcm; // may be the same one
};

static IMB_MGR *manager(enum set set)
{
	static const uint64_t needs[SETS] = {
		[SET_SSE] = IMB_CPUFLAGS_SSE,
		[SET_AVX2] = IMB_CPUFLAGS_AVX2,
		[SET_AVX512] = IMB_CPUFLAGS_AVX512,
	};
	IMB_MGR *m = alloc_mb_mgr(0);

	if (!m)
		return NULL;
	if ((m->features & needs[set]) != needs[set]) {
		free_mb_mgr(m);
		return NULL;
	}
	if (set == SET_SSE)
		init_mb_mgr_sse(m);
	else if (set == SET_AVX2)
		init_mb_mgr_avx2(m);
	else
		init_mb_mgr_avx512(m);
	return m;
}

// ---- keys

static size_t key_size(uint8_t aead)
{
	size_t size = aead ? sizeof(struct galois_keys) : sizeof(struct counter_keys);

	return (size + 63) / 64 * 64;
}

// The state of SHA-1 after the block of key XOR pad (RFC 2104).
static void pad_state(IMB_MGR *m, const uint8_t *key, size_t size, uint8_t pad, uint8_t state[20])
{
	uint8_t block[PAD_BYTES];

	memset(block, pad, sizeof(block));
	for (size_t i = 0; i < size; i++)
		block[i] ^= key[i];
	IMB_SHA1_ONE_BLOCK(m, block, state);
	explicit_bzero(block, sizeof(block));
}

static void expand_counter(IMB_MGR *m, struct counter_keys *k, const struct srtp_raw_keys *raw)
{
	uint8_t decrypt[16 * ROUNDS] __attribute__((aligned(16))); // the library makes both

	if (raw->cipher_length == 16)
		IMB_AES_KEYEXP_128(m, raw->cipher, k->rounds, decrypt);
	else if (raw->cipher_length == 24)
		IMB_AES_KEYEXP_192(m, raw->cipher, k->rounds, decrypt);
	else
		IMB_AES_KEYEXP_256(m, raw->cipher, k->rounds, decrypt);
	explicit_bzero(decrypt, sizeof(decrypt));
	pad_state(m, raw->auth, sizeof(raw->auth), 0x36, k->inner);
	pad_state(m, raw->auth, sizeof(raw->auth), 0x5c, k->outer);
	k->key = raw->cipher_length;
}

static void expand_galois(IMB_MGR *m, struct galois_keys *k, const struct srtp_raw_keys *raw)
{
	if (raw->cipher_length == 16)
		IMB_AES128_GCM_PRE(m, raw->cipher, &k->data);
	else
		IMB_AES256_GCM_PRE(m, raw->cipher, &k->data);
	k->key = raw->cipher_length;
}

// The agent's: it expands and never submits. Made with the first key and kept.
static IMB_MGR *expander(void)
{
	static IMB_MGR *m;

	if (!m)
		m = manager(chosen.gcm);
	return m;
}

static int expand(void *keys, const struct srtp_raw_keys *raw)
{
	IMB_MGR *m = expander();

	if (!m)
		return -ENOMEM;
	if (raw->aead)
		expand_galois(m, keys, raw);
	else
		expand_counter(m, keys, raw);
	return 0;
}

static void forget(void *keys, uint8_t aead)
{
}

// ---- bursts

static void fill(IMB_JOB *job, struct srtp_job *from, bool protect)
{
	const struct counter_keys *k = from->keys;

	job->cipher_direction = protect ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
	job->chain_order = protect ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
	job->cipher_mode = from->length ? IMB_CIPHER_CNTR : IMB_CIPHER_NULL;
	job->hash_alg = IMB_AUTH_HMAC_SHA_1;
	job->enc_keys = k->rounds;
	job->dec_keys = k->rounds;
	job->key_len_in_bytes = k->key;
	job->src = from->data;
	job->dst = from->data + from->from;
	job->cipher_start_src_offset_in_bytes = from->from;
	job->msg_len_to_cipher_in_bytes = from->length;
	job->iv = from->iv;
	job->iv_len_in_bytes = 16;
	job->hash_start_src_offset_in_bytes = 0;
	job->msg_len_to_hash_in_bytes = from->auth_length;
	job->auth_tag_output = from->tag;
	job->auth_tag_output_len_in_bytes = 12;
	job->u.HMAC._hashed_auth_key_xor_ipad = k->inner;
	job->u.HMAC._hashed_auth_key_xor_opad = k->outer;
}

static void counter_mode(IMB_MGR *m, struct srtp_job *const *jobs, unsigned count, bool protect)
{
	for (unsigned i = 0; i < count; i++) {
		fill(IMB_GET_NEXT_JOB(m), jobs[i], protect);
		IMB_SUBMIT_JOB_NOCHECK(m);
	}
	while (IMB_FLUSH_JOB(m))
		;
}

static void galois(IMB_MGR *m, struct srtp_job *j, bool protect)
{
	const struct galois_keys *k = j->keys;
	uint8_t *at = j->data + j->from;
	struct gcm_context_data ctx;

	if (k->key == 16 && protect)
		IMB_AES128_GCM_ENC(m, &k->data, &ctx, at, at, j->length, j->iv, j->aad,
			j->aad_length, j->tag, 16);
	else if (k->key == 16)
		IMB_AES128_GCM_DEC(m, &k->data, &ctx, at, at, j->length, j->iv, j->aad,
			j->aad_length, j->tag, 16);
	else if (protect)
		IMB_AES256_GCM_ENC(m, &k->data, &ctx, at, at, j->length, j->iv, j->aad,
			j->aad_length, j->tag, 16);
	else
		IMB_AES256_GCM_DEC(m, &k->data, &ctx, at, at, j->length, j->iv, j->aad,
			j->aad_length, j->tag, 16);
}

static void crypt(struct srtp_engine *engine, struct srtp_job *const *jobs, unsigned count,
	uint8_t aead, bool protect)
{
	if (!aead) {
		counter_mode(
			count >= chosen.many ? engine->lots : engine->few, jobs, count, protect);
		return;
	}
	for (unsigned i = 0; i < count; i++)
		galois(engine->gcm, jobs[i], protect);
}

// ---- choosing

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

struct probe {
	uint8_t data[SRTP_BURST][PROBE_BYTES + 32];
	struct srtp_job job[SRTP_BURST];
	struct srtp_job *jobs[SRTP_BURST];
	struct counter_keys counter;
	struct galois_keys galois;
};

static void prepare_probe(struct probe *p, uint8_t aead)
{
	for (unsigned i = 0; i < SRTP_BURST; i++) {
		p->jobs[i] = &p->job[i];
		p->job[i] = (struct srtp_job){
			.keys = aead ? (void *)&p->galois : (void *)&p->counter,
			.data = p->data[i],
			.aad = p->data[i],
			.aad_length = 12,
			.auth_length = PROBE_BYTES + 4,
			.from = 12,
			.length = PROBE_BYTES - 12,
		};
	}
}

// The least of some turns: others share this machine.
static uint64_t time_of(IMB_MGR *m, struct probe *p, unsigned count, uint8_t aead)
{
	uint64_t best = UINT64_MAX;

	for (unsigned turn = 0; turn < PROBE_TURNS; turn++) {
		uint64_t start = clock_ns(), took;

		if (!aead)
			counter_mode(m, p->jobs, count, true);
		for (unsigned i = 0; aead && i < count; i++)
			galois(m, p->jobs[i], true);
		took = clock_ns() - start;
		best = took < best ? took : best;
	}
	return best;
}

static enum set fastest(
	IMB_MGR *const managers[SETS], struct probe *p, unsigned count, uint8_t aead)
{
	static const struct srtp_raw_keys raw = {.cipher_length = 16};
	uint64_t best = UINT64_MAX;
	enum set found = SET_SSE;

	for (enum set set = SET_SSE; set < SETS; set++) {
		uint64_t took;

		if (!managers[set])
			continue;
		if (aead)
			expand_galois(managers[set], &p->galois, &raw);
		took = time_of(managers[set], p, count, aead);
		if (took < best) {
			best = took;
			found = set;
		}
	}
	return found;
}

static void measure(IMB_MGR *const managers[SETS], struct probe *p)
{
	static const struct srtp_raw_keys raw = {.cipher_length = 16};

	expand_counter(managers[SET_SSE], &p->counter, &raw);
	prepare_probe(p, 0);
	chosen.few = (uint8_t)fastest(managers, p, 4, 0);
	chosen.lots = (uint8_t)fastest(managers, p, SRTP_BURST, 0);
	chosen.many = 2;
	while (chosen.few != chosen.lots && chosen.many < SRTP_BURST &&
		fastest(managers, p, chosen.many, 0) != chosen.lots)
		chosen.many *= 2;
	prepare_probe(p, 1);
	chosen.gcm = (uint8_t)fastest(managers, p, 16, 1);
}

static void choose(void)
{
	IMB_MGR *managers[SETS];
	struct probe *p = aligned_alloc(64, (sizeof(*p) + 63) / 64 * 64);

	chosen.known = true;
	for (enum set set = SET_SSE; set < SETS; set++)
		managers[set] = manager(set);
	chosen.can = p && managers[SET_SSE];
	if (chosen.can) {
		memset(p, 0, sizeof(*p));
		measure(managers, p);
	}
	for (enum set set = SET_SSE; set < SETS; set++)
		if (managers[set])
			free_mb_mgr(managers[set]);
	free(p);
}

static bool able(void)
{
	if (!chosen.known)
		choose();
	return chosen.can;
}

static void close_engine(struct srtp_engine *e)
{
	if (!e)
		return;
	if (e->lots && e->lots != e->few)
		free_mb_mgr(e->lots);
	if (e->gcm && e->gcm != e->few && e->gcm != e->lots)
		free_mb_mgr(e->gcm);
	if (e->few)
		free_mb_mgr(e->few);
	free(e);
}

static struct srtp_engine *open_engine(void)
{
	struct srtp_engine *e = able() ? calloc(1, sizeof(*e)) : NULL;

	if (!e)
		return NULL;
	e->few = manager(chosen.few);
	e->lots = chosen.lots == chosen.few ? e->few : manager(chosen.lots);
	e->gcm = chosen.gcm == chosen.few    ? e->few
		 : chosen.gcm == chosen.lots ? e->lots
					     : manager(chosen.gcm);
	if (!e->few || !e->lots || !e->gcm) {
		close_engine(e);
		return NULL;
	}
	return e;
}

const struct srtp_backend srtp_mb = SRTP_BACKEND("intel-ipsec-mb");

const struct srtp_backend *srtp_best(void)
{
	return able() ? &srtp_mb : &srtp_ssl;
}

#else

const struct srtp_backend *srtp_best(void)
{
	return &srtp_ssl;
}

#endif
