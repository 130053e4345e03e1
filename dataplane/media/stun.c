// SPDX-License-Identifier: BSD-3-Clause
#define OPENSSL_SUPPRESS_DEPRECATED // the SHA-1 that does not allocate
#include "dataplane/media/stun.h"

#include <string.h>

#include <openssl/sha.h>

#include "dataplane/media/rtp.h"

#define METHOD_BINDING 1u
#define TAG            20u
#define FINGERPRINT    0x5354554eu
#define WITH_TAG       (4u + TAG)
#define WITH_PRINT     8u

enum attribute {
	A_USERNAME = 0x0006,
	A_INTEGRITY = 0x0008,
	A_ERROR_CODE = 0x0009,
	A_UNKNOWN = 0x000a,
	A_REALM = 0x0014,
	A_NONCE = 0x0015,
	A_INTEGRITY_SHA256 = 0x001c,
	A_XOR_MAPPED = 0x0020,
	A_PRIORITY = 0x0024,
	A_USE_CANDIDATE = 0x0025,
	A_FINGERPRINT = 0x8028,
	A_CONTROLLED = 0x8029,
	A_CONTROLLING = 0x802a,
};

uint32_t stun_crc32(const uint8_t *data, size_t size)
{
	uint32_t crc = 0xffffffff;

	while (size--) {
		crc ^= *data++;
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (0xedb88320u & -(crc & 1));
	}
	return ~crc;
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)(v >> 16));
	put16(p + 2, (uint16_t)v);
}

static uint64_t read64(const uint8_t *p)
{
	return (uint64_t)rtp_read32(p) << 32 | rtp_read32(p + 4);
}

// ---- HMAC-SHA1

static void load(SHA_CTX *sha, const uint32_t state[5])
{
	SHA1_Init(sha);
	sha->h0 = state[0];
	sha->h1 = state[1];
	sha->h2 = state[2];
	sha->h3 = state[3];
	sha->h4 = state[4];
	sha->Nl = 64 * 8; // one block went in
}

static void pad_state(uint32_t state[5], const uint8_t *key, size_t size, uint8_t pad)
{
	uint8_t block[64];
	SHA_CTX sha;

	memset(block, pad, sizeof(block));
	for (size_t i = 0; i < size; i++)
		block[i] ^= key[i];
	SHA1_Init(&sha);
	SHA1_Update(&sha, block, sizeof(block));
	state[0] = sha.h0;
	state[1] = sha.h1;
	state[2] = sha.h2;
	state[3] = sha.h3;
	state[4] = sha.h4;
	explicit_bzero(block, sizeof(block));
	explicit_bzero(&sha, sizeof(sha));
}

void stun_key_make(struct stun_key *key, const uint8_t *password, size_t size)
{
	// The boundary and the RFC's limit: no password here is longer than a block.
	if (size > 64)
		size = 64;
	pad_state(key->inner, password, size, 0x36);
	pad_state(key->outer, password, size, 0x5c);
}

// Over the message up to `size` as if its length field said `length`.
static void hmac(const struct stun_key *key, const uint8_t *data, size_t size, uint16_t length,
	uint8_t tag[TAG])
{
	uint8_t head[4];
	SHA_CTX sha;

	memcpy(head, data, 2);
	put16(head + 2, length);
	load(&sha, key->inner);
	SHA1_Update(&sha, head, 4);
	SHA1_Update(&sha, data + 4, size - 4);
	SHA1_Final(tag, &sha);
	load(&sha, key->outer);
	SHA1_Update(&sha, tag, TAG);
	SHA1_Final(tag, &sha);
}

bool stun_verify(const struct stun_view *view, const uint8_t *data, const struct stun_key *key)
{
	uint8_t tag[TAG], differs = 0;

	if (!view->integrity)
		return false;
	hmac(key, data, view->integrity, (uint16_t)(view->integrity + WITH_TAG - STUN_HEADER), tag);
	for (unsigned i = 0; i < TAG; i++)
		differs |= tag[i] ^ data[view->integrity + 4 + i];
	return differs == 0;
}

// ---- parsing

static enum stun_verdict read_tie(
	struct stun_view *v, const uint8_t *value, uint16_t length, bool *set)
{
	if (length != 8)
		return STUN_BAD_ATTRIBUTE;
	*set = true;
	v->tie_breaker = read64(value);
	return STUN_GOOD;
}

static enum stun_verdict read_attribute(
	struct stun_view *v, uint16_t type, const uint8_t *value, uint16_t length, uint16_t at)
{
	switch (type) {
	case A_USERNAME:
		v->username = value;
		v->username_length = length;
		return STUN_GOOD;
	case A_INTEGRITY:
		v->integrity = at;
		return length == TAG ? STUN_GOOD : STUN_BAD_ATTRIBUTE;
	case A_PRIORITY:
		if (length != 4)
			return STUN_BAD_ATTRIBUTE;
		v->has_priority = true;
		v->priority = rtp_read32(value);
		return STUN_GOOD;
	case A_USE_CANDIDATE:
		v->use_candidate = true;
		return STUN_GOOD;
	case A_CONTROLLED:
		return read_tie(v, value, length, &v->controlled);
	case A_CONTROLLING:
		return read_tie(v, value, length, &v->controlling);
	case A_ERROR_CODE:
	case A_UNKNOWN:
	case A_REALM:
	case A_NONCE:
	case A_INTEGRITY_SHA256:
	case A_XOR_MAPPED:
		return STUN_GOOD;
	default:
		if (type < 0x8000 && v->unknown_count < STUN_UNKNOWN)
			v->unknown[v->unknown_count++] = type;
		return STUN_GOOD;
	}
}

static enum stun_verdict read_print(
	struct stun_view *v, const uint8_t *data, unsigned at, uint16_t length, size_t size)
{
	// It is the last one, and so the length field is what it was when it was computed.
	if (length != 4 || at + WITH_PRINT != size ||
		rtp_read32(data + at + 4) != (stun_crc32(data, at) ^ FINGERPRINT))
		return STUN_BAD_FINGERPRINT;
	v->fingerprint = true;
	return STUN_GOOD;
}

static enum stun_verdict read_attributes(struct stun_view *v, const uint8_t *data, size_t size)
{
	enum stun_verdict verdict = STUN_GOOD;

	for (size_t at = STUN_HEADER; at < size && verdict == STUN_GOOD;) {
		uint16_t type, length;

		if (size - at < 4)
			return STUN_BAD_ATTRIBUTE;
		type = rtp_read16(data + at);
		length = rtp_read16(data + at + 2);
		if (size - at - 4 < ((size_t)length + 3) / 4 * 4)
			return STUN_BAD_ATTRIBUTE;
		if (type == A_FINGERPRINT)
			return read_print(v, data, (unsigned)at, length, size);
		if (!v->integrity)
			verdict = read_attribute(v, type, data + at + 4, length, (uint16_t)at);
		at += 4 + ((size_t)length + 3) / 4 * 4;
	}
	return verdict;
}

enum stun_verdict stun_parse(struct stun_view *view, const uint8_t *data, size_t size)
{
	struct stun_view v = {0};
	enum stun_verdict verdict;
	uint16_t type;

	if (size < STUN_HEADER)
		return STUN_BAD_SHORT;
	type = rtp_read16(data);
	if (type & 0xc000 || rtp_read32(data + 4) != STUN_COOKIE)
		return STUN_BAD_HEADER;
	if (size > UINT16_MAX || size % 4 || rtp_read16(data + 2) != size - STUN_HEADER)
		return STUN_BAD_LENGTH;
	v.type = (uint8_t)((type >> 4 & 1) | (type >> 7 & 2));
	v.method = (uint16_t)((type & 0x000f) | (type & 0x00e0) >> 1 | (type & 0x3e00) >> 2);
	v.id = data + 8;
	verdict = read_attributes(&v, data, size);
	if (verdict == STUN_GOOD)
		*view = v;
	return verdict;
}

// ---- answering

void stun_ice_set(struct stun_ice *ice, const struct abi_leg_ice *from)
{
	explicit_bzero(ice, sizeof(*ice));
	if (from->role == ABI_ICE_OFF)
		return;
	stun_key_make(&ice->key, from->local_pwd, from->local_pwd_length);
	ice->tie_breaker = from->tie_breaker;
	ice->role = from->role;
	ice->local_length = from->local_ufrag_length;
	ice->remote_length = from->remote_ufrag_length;
	memcpy(ice->local, from->local_ufrag, sizeof(ice->local));
	memcpy(ice->remote, from->remote_ufrag, sizeof(ice->remote));
}

static void begin(struct stun_answer *a, const struct stun_view *v, uint16_t type)
{
	put16(a->data, type);
	put32(a->data + 4, STUN_COOKIE);
	memcpy(a->data + 8, v->id, 12);
	a->length = STUN_HEADER;
}

static void add_tag(struct stun_answer *a, const struct stun_key *key)
{
	uint8_t *at = a->data + a->length;

	put16(at, A_INTEGRITY);
	put16(at + 2, TAG);
	hmac(key, a->data, a->length, (uint16_t)(a->length + WITH_TAG - STUN_HEADER), at + 4);
	a->length += WITH_TAG;
}

static void finish(struct stun_answer *a)
{
	uint8_t *at = a->data + a->length;

	put16(a->data + 2, (uint16_t)(a->length + WITH_PRINT - STUN_HEADER));
	put16(at, A_FINGERPRINT);
	put16(at + 2, 4);
	put32(at + 4, stun_crc32(a->data, a->length) ^ FINGERPRINT);
	a->length += WITH_PRINT;
}

// `key` NULL: the asker has not shown that he knows it.
static void answer_error(struct stun_answer *a, const struct stun_view *v, unsigned code,
	enum stun_why why, const struct stun_key *key)
{
	uint8_t *at;

	begin(a, v, 0x0111);
	at = a->data + a->length;
	put16(at, A_ERROR_CODE);
	put16(at + 2, 4);
	put32(at + 4, code / 100 << 8 | code % 100);
	a->length += 8;
	if (code == 420) {
		at = a->data + a->length;
		put16(at, A_UNKNOWN);
		put16(at + 2, (uint16_t)(v->unknown_count * 2));
		for (unsigned i = 0; i < v->unknown_count; i++)
			put16(at + 4 + i * 2, v->unknown[i]);
		a->length = (uint16_t)(a->length + 4 + (v->unknown_count + 1) / 2 * 4);
	}
	if (key)
		add_tag(a, key);
	finish(a);
	a->action = STUN_REPLY;
	a->why = (uint8_t)why;
}

static void answer_success(struct stun_answer *a, const struct stun_view *v,
	const struct stun_key *key, uint8_t family, const uint8_t *ip, uint16_t port)
{
	unsigned size = family == 4 ? 4 : 16;
	uint8_t *at;

	begin(a, v, 0x0101);
	at = a->data + a->length;
	put16(at, A_XOR_MAPPED);
	put16(at + 2, (uint16_t)(4 + size));
	at[5] = family == 4 ? 1 : 2;
	put16(at + 6, port ^ (uint16_t)(STUN_COOKIE >> 16));
	for (unsigned i = 0; i < size; i++)
		at[8 + i] = ip[i] ^ a->data[4 + i]; // cookie and transaction id
	a->length = (uint16_t)(a->length + 8 + size);
	add_tag(a, key);
	finish(a);
	a->action = STUN_VALID;
}

// USERNAME is ours, a colon, and the other's (RFC 8445 section 7.3).
static bool names_us(const struct stun_ice *ice, const struct stun_view *v)
{
	const uint8_t *rest = v->username + ice->local_length + 1;

	if (v->username_length < ice->local_length + 1u ||
		memcmp(v->username, ice->local, ice->local_length) != 0 || rest[-1] != ':')
		return false;
	return ice->remote_length == 0 ||
	       (v->username_length == ice->local_length + 1u + ice->remote_length &&
		       memcmp(rest, ice->remote, ice->remote_length) == 0);
}

// RFC 8445 section 7.3.1.1: who of two that want the same role keeps it.
static bool role_conflict(const struct stun_ice *ice, const struct stun_view *v)
{
	if (ice->role == ABI_ICE_CONTROLLING)
		return v->controlling && ice->tie_breaker >= v->tie_breaker;
	if (ice->role == ABI_ICE_CONTROLLED)
		return v->controlled && ice->tie_breaker < v->tie_breaker;
	return v->controlled; // who is lite stays controlled
}

static void answer_request(struct stun_answer *a, const struct stun_ice *ice,
	const struct stun_view *v, const uint8_t *data, uint8_t family, const uint8_t *ip,
	uint16_t port)
{
	if (!v->username || !v->integrity) {
		answer_error(a, v, 400, STUN_WHY_CREDENTIALS, NULL);
	} else if (!names_us(ice, v) || !stun_verify(v, data, &ice->key)) {
		answer_error(a, v, 401, STUN_WHY_CREDENTIALS, NULL);
	} else if (v->unknown_count) {
		answer_error(a, v, 420, STUN_WHY_ATTRIBUTE, &ice->key);
	} else if (role_conflict(ice, v)) {
		answer_error(a, v, 487, STUN_WHY_ROLE, &ice->key);
	} else {
		answer_success(a, v, &ice->key, family, ip, port);
		a->priority = v->priority;
		if (v->use_candidate && ice->role != ABI_ICE_CONTROLLING)
			a->action = STUN_NOMINATE;
	}
}

void stun_respond(struct stun_answer *a, const struct stun_ice *ice, const uint8_t *data,
	size_t size, uint8_t family, const uint8_t *ip, uint16_t port)
{
	struct stun_view v;

	memset(a, 0, sizeof(*a));
	if (stun_parse(&v, data, size) != STUN_GOOD || v.method != METHOD_BINDING) {
		a->why = STUN_WHY_MALFORMED;
		return;
	}
	if (v.type == STUN_SUCCESS || v.type == STUN_ERROR) {
		a->action = STUN_RESPONSE;
		return;
	}
	if (v.type == STUN_INDICATION) // a keep-alive
		return;
	answer_request(a, ice, &v, data, family, ip, port);
	if (a->length > size) {
		a->length = 0;
		if (a->action == STUN_REPLY)
			a->action = STUN_IGNORE;
	}
}
