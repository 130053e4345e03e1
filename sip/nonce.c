// SPDX-License-Identifier: BSD-3-Clause
//
// The nonces of a digest server: 8 hexadecimal digits of time, 16 of a running number, 32 of a keyed hash.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "sip/chars.h"
#include "sip/digest.h"
#include "sip/siphash.h"

#define WINDOW 64u // nc values that may still come behind the highest

struct place {
	uint64_t number; // of its nonce, 0: free
	uint64_t seen;   // bit n: highest - n was used
	uint32_t highest;
};

struct sip_nonces {
	struct sip_hash_key key;
	uint32_t lifetime;
	uint64_t number;
	size_t mask;
	struct place places[];
};

int sip_nonces_new(struct sip_nonces **out, const uint8_t key[16], uint32_t lifetime, size_t places)
{
	struct sip_nonces *n;

	if (!places || (places & (places - 1)) || !lifetime)
		return -EINVAL;
	n = calloc(1, sizeof(*n) + places * sizeof(n->places[0]));
	if (!n)
		return -ENOMEM;
	memcpy(&n->key, key, sizeof(n->key));
	n->lifetime = lifetime;
	n->mask = places - 1;
	*out = n;
	return 0;
}

void sip_nonces_free(struct sip_nonces *n)
{
	if (!n)
		return;
	sip_wipe(&n->key, sizeof(n->key));
	free(n);
}

static struct sip_key mac(const struct sip_nonces *n, uint32_t time, uint64_t number,
	const struct sip_addr *source, const char *realm)
{
	struct sip_hash h;

	sip_hash_start(&h, &n->key);
	sip_hash_bytes(&h, &time, sizeof(time));
	sip_hash_bytes(&h, &number, sizeof(number));
	sip_hash_bytes(&h, &source->family, 1);
	sip_hash_bytes(&h, source->ip, sizeof(source->ip));
	sip_hash_bytes(&h, realm, strlen(realm));
	return sip_hash_end(&h);
}

void sip_nonce_make(struct sip_nonces *n, uint64_t now_s, const struct sip_addr *source,
	const char *realm, char out[SIP_NONCE_TEXT])
{
	uint64_t number = ++n->number;
	struct sip_key k = mac(n, (uint32_t)now_s, number, source, realm);

	snprintf(out, SIP_NONCE_TEXT, "%08x%016llx%016llx%016llx", (uint32_t)now_s,
		(unsigned long long)number, (unsigned long long)k.a, (unsigned long long)k.b);
}

static bool read_hex(const char *p, unsigned digits, uint64_t *out)
{
	*out = 0;
	for (unsigned i = 0; i < digits; i++) {
		int digit = sip_hex_digit(p[i]);

		if (digit < 0)
			return false;
		*out = *out << 4 | (uint64_t)digit;
	}
	return true;
}

struct parts {
	uint64_t time, number;
	struct sip_key mac;
};

static bool read_nonce(struct sip_slice nonce, struct parts *p)
{
	return nonce.n == SIP_NONCE_TEXT - 1 && read_hex(nonce.p, 8, &p->time) &&
	       read_hex(nonce.p + 8, 16, &p->number) && read_hex(nonce.p + 24, 16, &p->mac.a) &&
	       read_hex(nonce.p + 40, 16, &p->mac.b);
}

enum sip_nonce_verdict sip_nonce_check(const struct sip_nonces *n, uint64_t now_s,
	const struct sip_addr *source, const char *realm, struct sip_slice nonce, uint32_t nc)
{
	const struct place *place;
	struct sip_key expected;
	struct parts p;

	if (!read_nonce(nonce, &p))
		return SIP_NONCE_STALE;
	expected = mac(n, (uint32_t)p.time, p.number, source, realm);
	if (!sip_same_secret(sip_slice((char *)&expected, sizeof(expected)),
		    sip_slice((char *)&p.mac, sizeof(p.mac))))
		return SIP_NONCE_STALE;
	if ((uint32_t)((uint32_t)now_s - (uint32_t)p.time) > n->lifetime)
		return SIP_NONCE_STALE;
	place = &n->places[p.number & n->mask];
	if (place->number > p.number)
		return SIP_NONCE_STALE;
	if (place->number < p.number || nc > place->highest)
		return SIP_NONCE_GOOD;
	if (place->highest - nc >= WINDOW)
		return SIP_NONCE_REPLAYED;
	return place->seen >> (place->highest - nc) & 1 ? SIP_NONCE_REPLAYED : SIP_NONCE_GOOD;
}

void sip_nonce_use(struct sip_nonces *n, struct sip_slice nonce, uint32_t nc)
{
	struct place *place;
	struct parts p;

	if (!read_nonce(nonce, &p))
		return;
	place = &n->places[p.number & n->mask];
	if (place->number != p.number)
		*place = (struct place){.number = p.number, .seen = 1, .highest = nc};
	else if (nc <= place->highest)
		place->seen |= 1ull << (place->highest - nc);
	else {
		uint32_t ahead = nc - place->highest;

		place->seen = ahead < WINDOW ? place->seen << ahead | 1 : 1;
		place->highest = nc;
	}
}
