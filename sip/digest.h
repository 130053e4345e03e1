// SPDX-License-Identifier: BSD-3-Clause
//
// Digest authentication (RFC 3261 22, RFC 7616, RFC 8760), both sides: reading and writing challenges and
// credentials, the arithmetic, and the nonces of a server.
//
// Algorithms: MD5, SHA-256, SHA-512-256, each also as -sess. qop: auth, auth-int, or none (RFC 2069).
//
// Nonces are made without state: time, a running number and a keyed hash (SipHash-2-4, 128 bits) over both,
// the realm and the source's address, so a flood of requests that are challenged costs a hash each and
// no memory. Only a nonce by which somebody has proved his password takes a place in a table, where its
// nc values are kept: no credentials are good twice. Of two nonces that want the same place the younger has
// it, and the older is stale.
//
// Secrets: what is passed in is not kept; intermediate values are wiped.
//
// Thread: pure functions; a struct sip_nonces belongs to one thread.
#pragma once

#include "sip/flow.h"
#include "sip/slice.h"

#ifdef __cplusplus
extern "C" {
#endif

enum sip_digest_algorithm {
	SIP_MD5,
	SIP_SHA256,
	SIP_SHA512_256,
	SIP_DIGESTS,
};

enum sip_qop {
	SIP_QOP_NONE = 0, // RFC 2069
	SIP_QOP_AUTH = 1 << 0,
	SIP_QOP_AUTH_INT = 1 << 1,
};

#define SIP_DIGEST_BYTES 32u
#define SIP_DIGEST_HEX   65u // text of the longest, with its end

// "MD5", "SHA-256", "SHA-512-256".
const char *sip_digest_name(enum sip_digest_algorithm algorithm);
// Of a name, with or without "-sess". Empty is MD5. -ENOTSUP: none of ours.
int sip_digest_from(struct sip_slice name, enum sip_digest_algorithm *out, bool *sess);
// Bytes of a hash: 16 or 32.
size_t sip_digest_size(enum sip_digest_algorithm algorithm);

// ---- reading. Slices are what stands between the quotes; sip_digest_unquote() takes out backslashes.

struct sip_challenge { // WWW-Authenticate, Proxy-Authenticate
	struct sip_slice realm, nonce, opaque;
	bool has_opaque;
	enum sip_digest_algorithm algorithm;
	bool sess;
	bool stale;
	bool userhash;
	unsigned qop; // of enum sip_qop, or-ed; NONE: it has none
};
// 0; -ENOTSUP: another scheme or algorithm, or only a qop that is none of ours; -EBADMSG.
int sip_challenge_parse(struct sip_slice value, struct sip_challenge *out);

struct sip_credentials { // Authorization, Proxy-Authorization
	struct sip_slice username, realm, nonce, uri, response, cnonce, opaque;
	struct sip_slice nc_text; // eight hexadecimal digits, empty without qop
	uint32_t nc;
	enum sip_digest_algorithm algorithm;
	bool sess;
	bool userhash;
	bool extended; // username was username* (RFC 5987): its percent signs are escapes
	unsigned qop;  // one of enum sip_qop
};
// 0, -ENOTSUP, -EBADMSG (something that must be there is not, or twice).
int sip_credentials_parse(struct sip_slice value, struct sip_credentials *out);
// The username as it is in the users file. Length, or -ENOBUFS, -EINVAL.
int sip_credentials_user(const struct sip_credentials *c, char *out, size_t size);

struct sip_auth_info { // Authentication-Info
	struct sip_slice nextnonce, rspauth, cnonce;
	uint32_t nc;
	unsigned qop;
};
int sip_auth_info_parse(struct sip_slice value, struct sip_auth_info *out);

// Without backslashes of quoted pairs. Length or -ENOBUFS.
int sip_digest_unquote(struct sip_slice quoted, char *out, size_t size);

// ---- arithmetic

// H(user ":" realm ":" password), in hexadecimal, lower case. 0 or -ENOMEM.
int sip_digest_ha1(enum sip_digest_algorithm algorithm, struct sip_slice user,
	struct sip_slice realm, struct sip_slice password, char out[SIP_DIGEST_HEX]);
// H(user ":" realm) (RFC 7616 3.4.4).
int sip_digest_userhash(enum sip_digest_algorithm algorithm, struct sip_slice user,
	struct sip_slice realm, char out[SIP_DIGEST_HEX]);

struct sip_digest {
	enum sip_digest_algorithm algorithm;
	bool sess;
	unsigned qop;
	const char *ha1;         // as of sip_digest_ha1()
	struct sip_slice method; // empty: of rspauth
	struct sip_slice uri, nonce, cnonce, nc;
	struct sip_slice body; // auth-int only
};
// The response, or rspauth when method is empty. 0 or -ENOMEM.
int sip_digest_response(const struct sip_digest *d, char out[SIP_DIGEST_HEX]);
// Are these credentials right for this request? In constant time. `ha1` of credentials->algorithm.
bool sip_credentials_right(const struct sip_credentials *c, const char *ha1,
	struct sip_slice method, struct sip_slice body);
// The same bytes? In constant time for strings of one length.
bool sip_same_secret(struct sip_slice a, struct sip_slice b);
void sip_wipe(void *p, size_t n);

// ---- writing

// The value of a challenge: Digest realm="...", nonce="...", algorithm=..., qop="auth". `realm` has no
// quotes in it. Length or -ENOBUFS.
int sip_challenge_write(enum sip_digest_algorithm algorithm, const char *realm, const char *nonce,
	bool stale, char *out, size_t size);

struct sip_answer_request { // what a client answers a challenge with
	const struct sip_challenge *challenge;
	const char *user, *password;
	struct sip_slice method, uri, body;
	const char *cnonce;
	uint32_t nc; // 1 for a new nonce
};
// The value of Authorization or Proxy-Authorization. Length, -ENOBUFS, -ENOMEM.
int sip_credentials_write(const struct sip_answer_request *a, char *out, size_t size);

// ---- the nonces of a server

#define SIP_NONCE_TEXT 57u // with its end

struct sip_nonces;

enum sip_nonce_verdict {
	SIP_NONCE_GOOD,
	SIP_NONCE_STALE,    // too old, or of another life or source: a new one, stale=true
	SIP_NONCE_REPLAYED, // this nc was used, or is too far behind
};

// `lifetime` in seconds. `places`: a power of two; nonces in use at once. 0, -EINVAL or -ENOMEM.
int sip_nonces_new(
	struct sip_nonces **out, const uint8_t key[16], uint32_t lifetime, size_t places);
void sip_nonces_free(struct sip_nonces *n);
void sip_nonce_make(struct sip_nonces *n, uint64_t now_s, const struct sip_addr *source,
	const char *realm, char out[SIP_NONCE_TEXT]);
// Looks, and changes nothing: nobody has proved anything yet. Without qop nc is 0, and good once.
enum sip_nonce_verdict sip_nonce_check(const struct sip_nonces *n, uint64_t now_s,
	const struct sip_addr *source, const char *realm, struct sip_slice nonce, uint32_t nc);
// The password was right: this nc of the nonce is used. After SIP_NONCE_GOOD only.
void sip_nonce_use(struct sip_nonces *n, struct sip_slice nonce, uint32_t nc);

#ifdef __cplusplus
}
#endif
