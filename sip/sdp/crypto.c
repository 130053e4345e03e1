// SPDX-License-Identifier: BSD-3-Clause
//
// a=crypto (RFC 4568 9.1), and what we derive from a leg's secret.
#include "sip/sdp/keys.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

static const struct suite {
	const char *name;
	uint8_t key, salt;
} suites[SDP_SUITES] = {
	[SDP_AES_CM_128_HMAC_SHA1_80] = {"AES_CM_128_HMAC_SHA1_80", 16, 14},
	[SDP_AES_CM_128_HMAC_SHA1_32] = {"AES_CM_128_HMAC_SHA1_32", 16, 14},
	[SDP_AES_192_CM_HMAC_SHA1_80] = {"AES_192_CM_HMAC_SHA1_80", 24, 14},
	[SDP_AES_192_CM_HMAC_SHA1_32] = {"AES_192_CM_HMAC_SHA1_32", 24, 14},
	[SDP_AES_256_CM_HMAC_SHA1_80] = {"AES_256_CM_HMAC_SHA1_80", 32, 14},
	[SDP_AES_256_CM_HMAC_SHA1_32] = {"AES_256_CM_HMAC_SHA1_32", 32, 14},
	[SDP_AEAD_AES_128_GCM] = {"AEAD_AES_128_GCM", 16, 12},
	[SDP_AEAD_AES_256_GCM] = {"AEAD_AES_256_GCM", 32, 12},
};

const char *sdp_suite_name(unsigned suite)
{
	return suite < SDP_SUITES ? suites[suite].name : NULL;
}

enum sdp_suite sdp_suite_find(struct sdp_str name)
{
	for (unsigned i = 1; i < SDP_SUITES; i++)
		if (sdp_str_is_nocase(name, suites[i].name))
			return (enum sdp_suite)i;
	return SDP_SUITE_NONE;
}

unsigned sdp_suite_key(unsigned suite)
{
	return suite < SDP_SUITES ? suites[suite].key : 0;
}

unsigned sdp_suite_salt(unsigned suite)
{
	return suite < SDP_SUITES ? suites[suite].salt : 0;
}

// ---- base64 -------------------------------------------------------------------------------------

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int value_of(char c)
{
	const char *at = c ? strchr(alphabet, c) : NULL;

	return at ? (int)(at - alphabet) : -1;
}

// Octets, or -1. With or without padding: both are seen.
static int decode(struct sdp_str text, uint8_t *out, unsigned size)
{
	unsigned n = 0, bits = 0, have = 0;

	while (text.len && text.ptr[text.len - 1] == '=')
		text.len--;
	for (uint32_t i = 0; i < text.len; i++) {
		int v = value_of(text.ptr[i]);

		if (v < 0)
			return -1;
		bits = bits << 6 | (unsigned)v;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		if (n == size)
			return -1;
		out[n++] = (uint8_t)(bits >> have);
	}
	return (int)n;
}

static void put_base64(struct sdp_writer *w, const uint8_t *bytes, unsigned n)
{
	for (unsigned i = 0; i < n; i += 3) {
		unsigned left = n - i, v = (unsigned)bytes[i] << 16;

		if (left > 1)
			v |= (unsigned)bytes[i + 1] << 8;
		if (left > 2)
			v |= bytes[i + 2];
		sdp_put(w, "%c%c%c%c", alphabet[v >> 18], alphabet[v >> 12 & 63],
			left > 1 ? alphabet[v >> 6 & 63] : '=', left > 2 ? alphabet[v & 63] : '=');
	}
}

// ---- reading ------------------------------------------------------------------------------------

// What stands before the separator; *rest is behind it, ptr NULL when there was none.
static struct sdp_str cut(struct sdp_str text, char separator, struct sdp_str *rest)
{
	const char *at = text.len ? memchr(text.ptr, separator, text.len) : NULL;

	*rest = (struct sdp_str){NULL, 0};
	if (!at)
		return text;
	rest->ptr = at + 1;
	rest->len = text.len - (uint32_t)(at + 1 - text.ptr);
	text.len = (uint32_t)(at - text.ptr);
	return text;
}

// "1:4": value and octets.
static int read_mki(struct sdp_str text, struct sdp_crypto *out)
{
	struct sdp_str length;
	struct sdp_str value = cut(text, ':', &length);
	uint64_t mki, n;

	if (!sdp_str_number(value, UINT64_MAX / 2, &mki) || !sdp_str_number(length, 128, &n) || !n)
		return -EBADMSG;
	if (n > SDP_MAX_MKI)
		return -ENOTSUP;
	out->mki_length = (uint8_t)n;
	for (unsigned i = 0; i < n; i++)
		out->mki[n - 1 - i] = i < 8 ? (uint8_t)(mki >> 8 * i) : 0;
	return 0;
}

static bool is_lifetime(struct sdp_str text)
{
	uint64_t n;

	if (text.len > 2 && text.ptr[0] == '2' && text.ptr[1] == '^')
		return sdp_str_number((struct sdp_str){text.ptr + 2, text.len - 2}, 48, &n);
	return sdp_str_number(text, (uint64_t)1 << 48, &n);
}

// inline:<key||salt>["|"lifetime]["|"MKI:length]
static int read_key(struct sdp_str text, struct sdp_crypto *out)
{
	const struct suite *s = &suites[out->suite];
	uint8_t bytes[SDP_MAX_KEY + SDP_MAX_SALT];
	struct sdp_str rest, method = cut(text, ':', &rest), key;
	int n, rc = 0;

	if (!sdp_str_is_nocase(method, "inline"))
		return -ENOTSUP;
	if (rest.len && memchr(rest.ptr, ';', rest.len))
		return -ENOTSUP; // several master keys
	key = cut(rest, '|', &rest);
	n = decode(key, bytes, sizeof(bytes));
	if (n != s->key + s->salt) {
		rc = -EBADMSG;
		goto out;
	}
	memcpy(out->key, bytes, s->key);
	memcpy(out->salt, bytes + s->key, s->salt);
	for (unsigned parts = 0; rest.ptr && !rc; parts++) {
		struct sdp_str part = cut(rest, '|', &rest);

		if (part.len && memchr(part.ptr, ':', part.len))
			rc = read_mki(part, out);
		else if (parts || !is_lifetime(part))
			rc = -EBADMSG;
	}
out:
	OPENSSL_cleanse(bytes, sizeof(bytes));
	return rc;
}

// RFC 4568 6.3: what changes how packets look is refused, hints are passed over.
static bool is_hint(struct sdp_str parameter)
{
	static const struct sdp_str window = {"WSH=", 4}, rate = {"KDR=0", 5};

	return parameter.len && (parameter.ptr[0] == '-' ||
					(parameter.len > window.len &&
						memcmp(parameter.ptr, window.ptr, window.len) == 0) ||
					sdp_str_equal(parameter, rate));
}

int sdp_crypto_parse(struct sdp_str value, struct sdp_crypto *out)
{
	struct sdp_str tag = sdp_str_token(&value), suite = sdp_str_token(&value);
	struct sdp_str key = sdp_str_token(&value), parameter;
	uint64_t number;
	int rc;

	memset(out, 0, sizeof(*out));
	if (tag.len > 9 || !sdp_str_number(tag, 999999999, &number) || !suite.len || !key.len)
		return -EBADMSG;
	out->tag = (uint32_t)number;
	out->suite = (uint8_t)sdp_suite_find(suite);
	if (out->suite == SDP_SUITE_NONE)
		return -ENOTSUP;
	rc = read_key(key, out);
	while (!rc && (parameter = sdp_str_token(&value)).len)
		rc = is_hint(parameter) ? 0 : -ENOTSUP;
	if (rc)
		OPENSSL_cleanse(out, sizeof(*out));
	return rc;
}

// ---- ours ---------------------------------------------------------------------------------------

void sdp_derive(const struct sdp_security *s, const char *what, const void *more, size_t n,
	uint8_t out[64])
{
	uint8_t text[1024];
	size_t length = strlen(what), got = 0;

	if (n > sizeof(text) - length - 1)
		n = sizeof(text) - length - 1;
	memcpy(text, what, length);
	text[length] = 0;
	memcpy(text + length + 1, more, n);
	memset(out, 0, 64);
	EVP_Q_mac(NULL, "HMAC", NULL, "SHA512", NULL, s->secret, sizeof(s->secret), text,
		length + 1 + n, out, 64, &got);
}

void sdp_crypto_ours(
	const struct sdp_security *s, unsigned stream, unsigned suite, struct sdp_crypto *out)
{
	const uint8_t which[2] = {(uint8_t)stream, (uint8_t)suite};
	uint8_t bytes[64];

	memset(out, 0, sizeof(*out));
	sdp_derive(s, "sdes", which, sizeof(which), bytes);
	out->suite = (uint8_t)suite;
	memcpy(out->key, bytes, suites[suite].key);
	memcpy(out->salt, bytes + suites[suite].key, suites[suite].salt);
	OPENSSL_cleanse(bytes, sizeof(bytes));
}

void sdp_put_crypto(struct sdp_writer *w, uint32_t tag, const struct sdp_crypto *c)
{
	const struct suite *s = &suites[c->suite];
	uint8_t bytes[SDP_MAX_KEY + SDP_MAX_SALT];

	memcpy(bytes, c->key, s->key);
	memcpy(bytes + s->key, c->salt, s->salt);
	sdp_put(w, "a=crypto:%u %s inline:", tag, s->name);
	put_base64(w, bytes, (unsigned)s->key + s->salt);
	sdp_put(w, "\r\n");
	OPENSSL_cleanse(bytes, sizeof(bytes));
}

void sdp_text_of(const uint8_t *bytes, unsigned n, char *out)
{
	for (unsigned i = 0; i < n; i++)
		out[i] = alphabet[bytes[i] & 63];
	out[n] = 0;
}
