// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/secure/fingerprint.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>
#include <strings.h>

// MD5 and MD2 can be forged and are passed over.
static const struct hash {
	const char *name; // of RFC 8122
	const EVP_MD *(*md)(void);
	uint8_t size;
} hashes[] = {
	{"sha-256", EVP_sha256, 32},
	{"sha-384", EVP_sha384, 48},
	{"sha-512", EVP_sha512, 64},
	{"sha-224", EVP_sha224, 28},
	{"sha-1", EVP_sha1, 20},
};
#define HASHES (sizeof(hashes) / sizeof(hashes[0]))

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

int cp_print_parse(const char *text, size_t n, struct cp_print *out)
{
	const char *space = memchr(text, ' ', n);
	size_t name = space ? (size_t)(space - text) : n, at = name + 1;
	unsigned i = 0;

	while (i < HASHES && (strlen(hashes[i].name) != name ||
				     strncasecmp(hashes[i].name, text, name) != 0))
		i++;
	if (i == HASHES)
		return space ? -ENOTSUP : -EINVAL;
	if (!space || n - at != 3u * hashes[i].size - 1)
		return -EINVAL;
	memset(out, 0, sizeof(*out));
	for (unsigned k = 0; k < hashes[i].size; k++, at += 3) {
		int high = hex(text[at]), low = hex(text[at + 1]);

		if (high < 0 || low < 0 || (at + 2 < n && text[at + 2] != ':'))
			return -EINVAL;
		out->digest[k] = (uint8_t)(high << 4 | low);
	}
	out->kind = (uint8_t)(i + 1);
	out->size = hashes[i].size;
	return 0;
}

bool cp_print_fits(const struct cp_print *print, const X509 *certificate)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	return print->kind && print->kind <= HASHES &&
	       X509_digest(certificate, hashes[print->kind - 1].md(), digest, &n) == 1 &&
	       n == print->size && CRYPTO_memcmp(digest, print->digest, n) == 0;
}
