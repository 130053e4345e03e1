// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/secure/binding.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#define HEADER      20u
#define COOKIE      0x2112a442u
#define REQUEST     0x0001u
#define SUCCESS     0x0101u
#define USERNAME    0x0006u
#define INTEGRITY   0x0008u
#define PRIORITY    0x0024u
#define USE         0x0025u
#define FINGERPRINT 0x8028u
#define CONTROLLING 0x802au
#define SHA1        20u

static uint16_t read16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t read32(const uint8_t *p)
{
	return (uint32_t)read16(p) << 16 | read16(p + 2);
}

static void write16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void write32(uint8_t *p, uint32_t v)
{
	write16(p, v >> 16);
	write16(p + 2, v & 0xffff);
}

// RFC 8489 14.7
static uint32_t fingerprint(const uint8_t *p, size_t n)
{
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < n; i++) {
		crc ^= p[i];
		for (unsigned k = 0; k < 8; k++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc ^ 0x5354554eu;
}

static void integrity(const uint8_t *p, size_t n, const char *password, uint8_t out[SHA1])
{
	unsigned size = SHA1;

	memset(out, 0, SHA1);
	HMAC(EVP_sha1(), password, (int)strlen(password), p, n, out, &size);
}

// An attribute at the end; the message's length is kept right.
static size_t add(uint8_t *out, size_t at, unsigned type, const void *value, size_t n)
{
	size_t padded = (n + 3) / 4 * 4;

	write16(out + at, type);
	write16(out + at + 2, (unsigned)n);
	memset(out + at + 4, 0, padded);
	if (n)
		memcpy(out + at + 4, value, n);
	write16(out + 2, (unsigned)(at + 4 + padded - HEADER));
	return at + 4 + padded;
}

size_t cp_binding_request(const struct cp_binding *b, uint8_t *out, size_t size)
{
	size_t name = strlen(b->username), at = HEADER;
	uint8_t value[8], mac[SHA1];

	if (size < CP_BINDING_MAX || name > 128)
		return 0;
	write16(out, REQUEST);
	write32(out + 4, COOKIE);
	memcpy(out + 8, b->id, CP_BINDING_ID);
	at = add(out, at, USERNAME, b->username, name);
	write32(value, b->priority);
	at = add(out, at, PRIORITY, value, 4);
	write32(value, (uint32_t)(b->tie_breaker >> 32));
	write32(value + 4, (uint32_t)b->tie_breaker);
	at = add(out, at, CONTROLLING, value, 8);
	if (b->use)
		at = add(out, at, USE, NULL, 0);
	// Each of the two covers what is before it, with the length that will be right behind it.
	write16(out + 2, (unsigned)(at + 4 + SHA1 - HEADER));
	integrity(out, at, b->password, mac);
	at = add(out, at, INTEGRITY, mac, SHA1);
	write16(out + 2, (unsigned)(at + 8 - HEADER));
	write32(value, fingerprint(out, at));
	return add(out, at, FINGERPRINT, value, 4);
}

// MESSAGE-INTEGRITY at `at`, over what stands before it.
static bool proves(const uint8_t *bytes, size_t at, const char *password)
{
	uint8_t copy[2048], mac[SHA1];

	if (at > sizeof(copy))
		return false;
	memcpy(copy, bytes, at);
	write16(copy + 2, (unsigned)(at + 4 + SHA1 - HEADER));
	integrity(copy, at, password, mac);
	return CRYPTO_memcmp(mac, bytes + at + 4, SHA1) == 0;
}

bool cp_binding_accepted(
	const uint8_t *bytes, size_t n, const uint8_t id[CP_BINDING_ID], const char *password)
{
	bool proved = false;

	if (n < HEADER || n % 4 || read16(bytes) != SUCCESS || read16(bytes + 2) + HEADER != n ||
		read32(bytes + 4) != COOKIE || memcmp(bytes + 8, id, CP_BINDING_ID) != 0)
		return false;
	for (size_t at = HEADER; at + 4 <= n;) {
		unsigned type = read16(bytes + at), length = read16(bytes + at + 2);
		size_t next = at + 4 + (length + 3u) / 4 * 4;

		if (next > n)
			return false;
		if (type == INTEGRITY && !proved) {
			if (length != SHA1 || !proves(bytes, at, password))
				return false;
			proved = true;
		}
		if (type == FINGERPRINT)
			return proved && next == n && length == 4 &&
			       read32(bytes + at + 4) == fingerprint(bytes, at);
		at = next;
	}
	return proved;
}
