// SPDX-License-Identifier: BSD-3-Clause
// From a master key to a context: derivation, creation, and the end.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "dataplane/media/srtp.h"

enum label { // RFC 3711 section 4.3.2; SRTCP: plus 3
	LABEL_CIPHER = 0,
	LABEL_AUTH = 1,
	LABEL_SALT = 2,
};

static const EVP_CIPHER *counter_mode(unsigned key)
{
	return key == 16 ? EVP_aes_128_ctr() : key == 24 ? EVP_aes_192_ctr() : EVP_aes_256_ctr();
}

// AES-CM of the master key over zeros, from the counter that the label makes of the master salt.
static int derive(EVP_CIPHER_CTX *cipher, const struct abi_srtp_key *key, unsigned master,
	uint8_t label, uint8_t *out, int size)
{
	static const uint8_t zeros[32];
	uint8_t iv[16] = {0};
	int written, ok;

	memcpy(iv, key->salt, sizeof(key->salt)); // GCM's 12 bytes have zeros behind
	iv[7] ^= label;
	ok = EVP_EncryptInit_ex(cipher, counter_mode(master), NULL, key->key, iv) &&
	     EVP_EncryptUpdate(cipher, out, &written, zeros, size);
	return ok ? 0 : -EIO;
}

int srtp_derive(
	const struct abi_srtp_key *key, bool rtcp, struct srtp_raw_keys *raw, uint8_t salt[16])
{
	const struct abi_suite *suite = abi_suite_of(key->suite);
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	uint8_t first = rtcp ? 3 : 0;
	int err = cipher && suite ? 0 : -EIO;

	memset(raw, 0, sizeof(*raw));
	memset(salt, 0, 16);
	if (!err) {
		raw->cipher_length = suite->key;
		raw->aead = suite->aead;
		err = derive(
			cipher, key, suite->key, first + LABEL_CIPHER, raw->cipher, suite->key);
	}
	if (!err && !suite->aead)
		err = derive(
			cipher, key, suite->key, first + LABEL_AUTH, raw->auth, sizeof(raw->auth));
	if (!err)
		err = derive(cipher, key, suite->key, first + LABEL_SALT, salt, suite->salt);
	EVP_CIPHER_CTX_free(cipher);
	return err;
}

int srtp_digest(const struct abi_srtp_key *key, uint8_t digest[16])
{
	struct abi_srtp_key copy = *key;
	uint8_t whole[32];
	int ok;

	copy.roc = 0;
	ok = EVP_Digest(&copy, sizeof(copy), whole, NULL, EVP_sha256(), NULL);
	memcpy(digest, whole, 16);
	explicit_bzero(&copy, sizeof(copy));
	return ok ? 0 : -EIO;
}

static void *keys_of(const struct srtp_context *c, bool rtcp)
{
	return (uint8_t *)c->keys + (rtcp ? c->key_size : 0);
}

static int expand(struct srtp_context *c, const struct abi_srtp_key *key, bool rtcp)
{
	struct srtp_raw_keys raw;
	int err = srtp_derive(key, rtcp, &raw, c->salt[rtcp]);

	if (!err)
		err = c->backend->expand(keys_of(c, rtcp), &raw);
	explicit_bzero(&raw, sizeof(raw));
	return err;
}

int srtp_new(struct srtp_context **out, const struct srtp_backend *backend,
	const struct abi_srtp_key *key, enum abi_direction direction)
{
	const struct abi_suite *suite = abi_suite_of(key->suite);
	struct srtp_context *c;
	int err;

	*out = NULL;
	if (!suite)
		return -EOPNOTSUPP;
	c = aligned_alloc(64, (sizeof(*c) + 63) / 64 * 64);
	if (!c)
		return -ENOMEM;
	memset(c, 0, sizeof(*c));
	c->backend = backend;
	c->suite = key->suite;
	c->direction = (uint8_t)direction;
	c->aead = suite->aead;
	c->tag = suite->rtp_tag;
	c->rtcp_tag = suite->rtcp_tag;
	c->roc = key->roc;
	c->mki_length = key->mki_length;
	memcpy(c->mki, key->mki, sizeof(c->mki));
	c->key_size = (uint32_t)backend->key_size(suite->aead);
	c->keys = aligned_alloc(64, c->key_size * 2);
	if (!c->keys) {
		free(c);
		return -ENOMEM;
	}
	memset(c->keys, 0, c->key_size * 2);
	err = expand(c, key, false);
	if (!err)
		err = expand(c, key, true);
	if (err)
		srtp_free(c);
	else
		*out = c;
	return err;
}

// Keys and salts. The memory of expanded keys stays, full of zeros.
static void forget(struct srtp_context *c)
{
	if (c->keys && c->suite) {
		c->backend->forget(keys_of(c, false), c->aead);
		c->backend->forget(keys_of(c, true), c->aead);
		explicit_bzero(c->keys, c->key_size * 2);
	}
	explicit_bzero(c->salt, sizeof(c->salt));
	c->suite = ABI_SRTP_NONE;
}

void srtp_wipe(struct srtp_context *c)
{
	forget(c);
}

void srtp_free(struct srtp_context *c)
{
	while (c) {
		struct srtp_context *previous = c->previous;

		forget(c);
		free(c->keys);
		explicit_bzero(c, sizeof(*c));
		free(c);
		c = previous;
	}
}
