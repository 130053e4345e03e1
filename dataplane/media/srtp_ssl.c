// SPDX-License-Identifier: BSD-3-Clause
// The portable backend: OpenSSL, one packet after the other. libsrtp2 is not it, because it cannot be
// told an SRTCP index to go on from, and makes its contexts anew for every packet.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "dataplane/media/srtp.h"

struct keys { // what stands in a context's memory for RTP or RTCP
	EVP_CIPHER_CTX *cipher;
	EVP_MD_CTX *inner, *outer; // SHA-1 behind the blocks of key XOR pad (RFC 2104)
	EVP_MD_CTX *work;
};

struct srtp_engine {
	char nothing;
};

static bool able(void)
{
	return true;
}

static struct srtp_engine *open_engine(void)
{
	return calloc(1, sizeof(struct srtp_engine));
}

static void close_engine(struct srtp_engine *engine)
{
	free(engine);
}

static size_t key_size(uint8_t aead)
{
	return (sizeof(struct keys) + 63) / 64 * 64;
}

static const EVP_CIPHER *cipher_of(const struct srtp_raw_keys *raw)
{
	if (raw->aead)
		return raw->cipher_length == 16 ? EVP_aes_128_gcm() : EVP_aes_256_gcm();
	if (raw->cipher_length == 16)
		return EVP_aes_128_ctr();
	return raw->cipher_length == 24 ? EVP_aes_192_ctr() : EVP_aes_256_ctr();
}

static EVP_MD_CTX *begin(const struct srtp_raw_keys *raw, uint8_t pad)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t block[64];

	memset(block, pad, sizeof(block));
	for (size_t i = 0; i < sizeof(raw->auth); i++)
		block[i] ^= raw->auth[i];
	if (md && (!EVP_DigestInit_ex(md, EVP_sha1(), NULL) ||
			  !EVP_DigestUpdate(md, block, sizeof(block)))) {
		EVP_MD_CTX_free(md);
		md = NULL;
	}
	explicit_bzero(block, sizeof(block));
	return md;
}

static void forget(void *memory, uint8_t aead)
{
	struct keys *k = memory;

	EVP_CIPHER_CTX_free(k->cipher);
	EVP_MD_CTX_free(k->inner);
	EVP_MD_CTX_free(k->outer);
	EVP_MD_CTX_free(k->work);
	*k = (struct keys){0};
}

static int expand(void *memory, const struct srtp_raw_keys *raw)
{
	struct keys *k = memory;

	k->cipher = EVP_CIPHER_CTX_new();
	if (!raw->aead) {
		k->inner = begin(raw, 0x36);
		k->outer = begin(raw, 0x5c);
		k->work = EVP_MD_CTX_new();
	}
	if (!k->cipher || (!raw->aead && (!k->inner || !k->outer || !k->work)) ||
		!EVP_CipherInit_ex(k->cipher, cipher_of(raw), NULL, raw->cipher, NULL, 1)) {
		forget(memory, raw->aead);
		return -ENOMEM;
	}
	return 0;
}

static void authenticate(struct srtp_job *j)
{
	const struct keys *k = j->keys;
	uint8_t digest[20];

	if (!EVP_MD_CTX_copy_ex(k->work, k->inner) ||
		!EVP_DigestUpdate(k->work, j->data, j->auth_length) ||
		!EVP_DigestFinal_ex(k->work, digest, NULL) ||
		!EVP_MD_CTX_copy_ex(k->work, k->outer) ||
		!EVP_DigestUpdate(k->work, digest, sizeof(digest)) ||
		!EVP_DigestFinal_ex(k->work, j->tag, NULL))
		memset(j->tag, 0, sizeof(j->tag));
}

static void encipher(struct srtp_job *j)
{
	const struct keys *k = j->keys;
	uint8_t *at = j->data + j->from;
	int size;

	if (j->length && EVP_CipherInit_ex(k->cipher, NULL, NULL, NULL, j->iv, 1))
		EVP_CipherUpdate(k->cipher, at, &size, at, j->length);
}

static void counter_mode(struct srtp_job *j, bool protect)
{
	if (protect)
		encipher(j);
	authenticate(j);
	if (!protect)
		encipher(j);
}

// Galois mode computes its tag of the cipher text either way; what it enciphers is always a XOR. So the
// way back is: clear text, and its tag made by enciphering a copy of it again.
static void galois(struct srtp_job *j, bool protect)
{
	const struct keys *k = j->keys;
	uint8_t *at = j->data + j->from, text[2048];
	int size;

	memset(j->tag, 0, sizeof(j->tag));
	if (j->length > sizeof(text))
		return;
	EVP_CipherInit_ex(k->cipher, NULL, NULL, NULL, j->iv, 1);
	EVP_CipherUpdate(k->cipher, NULL, &size, j->aad, j->aad_length);
	EVP_CipherUpdate(k->cipher, text, &size, at, j->length);
	if (!protect) {
		memcpy(at, text, j->length);
		EVP_CipherInit_ex(k->cipher, NULL, NULL, NULL, j->iv, 1);
		EVP_CipherUpdate(k->cipher, NULL, &size, j->aad, j->aad_length);
		EVP_CipherUpdate(k->cipher, text, &size, at, j->length);
	} else {
		memcpy(at, text, j->length);
	}
	if (!EVP_CipherFinal_ex(k->cipher, text, &size) ||
		!EVP_CIPHER_CTX_ctrl(k->cipher, EVP_CTRL_AEAD_GET_TAG, 16, j->tag))
		memset(j->tag, 0, sizeof(j->tag));
}

static void crypt(struct srtp_engine *engine, struct srtp_job *const *jobs, unsigned count,
	uint8_t aead, bool protect)
{
	for (unsigned i = 0; i < count; i++) {
		if (aead)
			galois(jobs[i], protect);
		else
			counter_mode(jobs[i], protect);
	}
}

const struct srtp_backend srtp_ssl = SRTP_BACKEND("OpenSSL");
