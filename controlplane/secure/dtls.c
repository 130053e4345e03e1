// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/secure/dtls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "controlplane/secure/datagrams.h"
#include "controlplane/secure/fingerprint.h"
#include "controlplane/secure/identity_internal.h"

#define EXPORTER "EXTRACTOR-dtls_srtp" // RFC 5764 4.2
#define COOKIE   32u

struct cp_dtls {
	SSL *ssl;
	struct cp_identity *identity;
	struct cp_datagrams wire;
	struct cp_print prints[CP_DTLS_PRINTS];
	unsigned print_count;
	enum cp_dtls_role role;
	enum cp_dtls_state state;
	uint8_t address[32];
	uint8_t address_size;
	char why[96];
};

static const struct profile {
	uint16_t id;
	uint8_t key, salt;
	const char *name;
} profiles[] = {
	{CP_SRTP_AEAD_AES_128_GCM, 16, 12, "AEAD_AES_128_GCM"},
	{CP_SRTP_AEAD_AES_256_GCM, 32, 12, "AEAD_AES_256_GCM"},
	{CP_SRTP_AES128_CM_SHA1_80, 16, 14, "AES_CM_128_HMAC_SHA1_80"},
	{CP_SRTP_AES128_CM_SHA1_32, 16, 14, "AES_CM_128_HMAC_SHA1_32"},
};
#define PROFILES     (sizeof(profiles) / sizeof(profiles[0]))
#define OPENSSL_LIST                                                                               \
	"SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80:SRTP_AES128_CM_SHA1_32"

static const struct profile *profile_of(uint16_t id)
{
	for (unsigned i = 0; i < PROFILES; i++)
		if (profiles[i].id == id)
			return &profiles[i];
	return NULL;
}

const char *cp_dtls_profile_name(uint16_t id)
{
	const struct profile *p = profile_of(id);

	return p ? p->name : "unknown";
}

// ---- what all associations have in common

// The fingerprint is compared when the handshake is done; no authority vouches for these certificates, so
// OpenSSL need not look for one, nor verify what a certificate says of itself.
static int any_certificate(X509_STORE_CTX *ctx, void *user)
{
	return 1;
}

static pthread_once_t cookie_once = PTHREAD_ONCE_INIT;
static uint8_t cookie_key[32];
static bool cookie_ready;

static void make_cookie_key(void)
{
	cookie_ready = RAND_bytes(cookie_key, sizeof(cookie_key)) == 1;
}

static int cookie_of(SSL *ssl, unsigned char *out)
{
	const struct cp_dtls *d = SSL_get_app_data(ssl);
	unsigned n = 0;

	pthread_once(&cookie_once, make_cookie_key);
	return cookie_ready && HMAC(EVP_sha256(), cookie_key, sizeof(cookie_key), d->address,
				       d->address_size, out, &n) &&
	       n == COOKIE;
}

static int generate_cookie(SSL *ssl, unsigned char *cookie, unsigned *n)
{
	*n = COOKIE;
	return cookie_of(ssl, cookie);
}

static int verify_cookie(SSL *ssl, const unsigned char *cookie, unsigned n)
{
	unsigned char wanted[EVP_MAX_MD_SIZE];

	return n == COOKIE && cookie_of(ssl, wanted) && CRYPTO_memcmp(cookie, wanted, n) == 0;
}

int cp_dtls_prepare(SSL_CTX *ctx)
{
	if (SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION) != 1 ||
		SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1 ||
		SSL_CTX_set1_groups_list(ctx, "X25519:P-256") != 1 ||
		SSL_CTX_set_tlsext_use_srtp(ctx, OPENSSL_LIST) != 0)
		return -ENOMEM;
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, any_certificate, NULL);
	SSL_CTX_set_options(ctx, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
					 SSL_OP_SINGLE_ECDH_USE);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_quiet_shutdown(ctx, 0);
	SSL_CTX_set_cookie_generate_cb(ctx, generate_cookie);
	SSL_CTX_set_cookie_verify_cb(ctx, verify_cookie);
	return 0;
}

// ---- one association

static void fail(struct cp_dtls *d, const char *why)
{
	if (d->state == CP_DTLS_FAILED || d->state == CP_DTLS_CLOSED)
		return;
	d->state = CP_DTLS_FAILED;
	snprintf(d->why, sizeof(d->why), "%s", why);
}

int cp_dtls_new(struct cp_dtls **out, const struct cp_dtls_config *config)
{
	struct cp_dtls *d = calloc(1, sizeof(*d));
	BIO *bio;
	int err = -ENOMEM;

	*out = NULL;
	if (!d)
		return -ENOMEM;
	d->role = config->role;
	d->identity = cp_identity_hold(config->identity);
	if (config->address && config->address_size <= sizeof(d->address)) {
		memcpy(d->address, config->address, config->address_size);
		d->address_size = config->address_size;
	}
	d->ssl = SSL_new(cp_identity_context(d->identity));
	bio = cp_datagrams_bio(&d->wire);
	if (!d->ssl || !bio) {
		BIO_free(bio);
		goto out;
	}
	SSL_set_bio(d->ssl, bio, bio);
	SSL_set_app_data(d->ssl, d);
	SSL_set_mtu(d->ssl, CP_DTLS_MTU);
	if (config->cookie && d->role == CP_DTLS_PASSIVE)
		SSL_set_options(d->ssl, SSL_OP_COOKIE_EXCHANGE);
	if (d->role == CP_DTLS_ACTIVE)
		SSL_set_connect_state(d->ssl);
	else
		SSL_set_accept_state(d->ssl);
	err = config->fingerprints ? cp_dtls_trust(d, config->fingerprints) : 0;
out:
	ERR_clear_error();
	if (err)
		cp_dtls_free(d);
	else
		*out = d;
	return err;
}

void cp_dtls_free(struct cp_dtls *d)
{
	if (!d)
		return;
	SSL_free(d->ssl);
	cp_datagrams_fini(&d->wire);
	cp_identity_release(d->identity);
	OPENSSL_cleanse(d, sizeof(*d));
	free(d);
}

// ---- whom it is with

static void judge(struct cp_dtls *d)
{
	X509 *x = SSL_get1_peer_certificate(d->ssl);
	bool fits = false;

	for (unsigned i = 0; x && i < d->print_count && !fits; i++)
		fits = cp_print_fits(&d->prints[i], x);
	X509_free(x);
	if (!fits) {
		fail(d, "wrong fingerprint");
		SSL_shutdown(d->ssl);
		return;
	}
	d->state = CP_DTLS_READY;
}

static void done(struct cp_dtls *d)
{
	const SRTP_PROTECTION_PROFILE *p = SSL_get_selected_srtp_profile(d->ssl);

	if (!p || !profile_of((uint16_t)p->id)) {
		fail(d, "the peer does not use SRTP");
		SSL_shutdown(d->ssl);
		return;
	}
	d->state = CP_DTLS_UNTRUSTED;
	if (d->print_count)
		judge(d);
}

int cp_dtls_trust(struct cp_dtls *d, const char *fingerprints)
{
	struct cp_print prints[CP_DTLS_PRINTS];
	unsigned n = 0;

	for (const char *at = fingerprints; *at && n < CP_DTLS_PRINTS;) {
		size_t length = strcspn(at, "\n");

		if (cp_print_parse(at, length, &prints[n]) == 0)
			n++;
		at += length + (at[length] == '\n');
	}
	if (!n)
		return -EINVAL;
	memcpy(d->prints, prints, n * sizeof(*prints));
	d->print_count = n;
	if (d->state == CP_DTLS_UNTRUSTED)
		judge(d);
	return 0;
}

// ---- datagrams and time

static void note_error(struct cp_dtls *d, int result)
{
	int error = SSL_get_error(d->ssl, result);
	const char *text;

	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
		return;
	if (error == SSL_ERROR_ZERO_RETURN) {
		d->state = CP_DTLS_CLOSED;
		return;
	}
	text = ERR_reason_error_string(ERR_peek_error());
	fail(d, text ? text : "the handshake was broken off");
}

static void go_on(struct cp_dtls *d)
{
	uint8_t rest[2048];
	int result;

	ERR_clear_error();
	if (d->state == CP_DTLS_HANDSHAKE) {
		result = SSL_do_handshake(d->ssl);
		if (result == 1)
			done(d);
		else
			note_error(d, result);
	}
	// Alerts, and flights of a peer that did not get our last one. Application data has no place here.
	if (d->state == CP_DTLS_READY || d->state == CP_DTLS_UNTRUSTED) {
		do {
			result = SSL_read(d->ssl, rest, sizeof(rest));
		} while (result > 0);
		note_error(d, result);
	}
	ERR_clear_error();
}

void cp_dtls_start(struct cp_dtls *d)
{
	if (d->role == CP_DTLS_ACTIVE && d->state == CP_DTLS_HANDSHAKE)
		go_on(d);
}

// OpenSSL breaks a handshake off for a plaintext record that makes no sense, which anybody could send. What no
// peer would say does not get there (RFC 6347 4.1.2.7).
#define RECORD_HEADER    13u
#define HANDSHAKE_HEADER 12u
#define TYPE_LEAST       20u // change_cipher_spec, alert, handshake, application_data
#define TYPE_HANDSHAKE   22u
#define TYPE_MOST        23u

static unsigned number(const uint8_t *p, unsigned bytes)
{
	unsigned value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value = value << 8 | p[i];
	return value;
}

static bool is_message(const uint8_t *p, size_t n)
{
	while (n) {
		unsigned whole, offset, part;

		if (n < HANDSHAKE_HEADER)
			return false;
		whole = number(p + 1, 3);
		offset = number(p + 6, 3);
		part = number(p + 9, 3);
		if (p[0] > 24 || whole > 16384 || part > n - HANDSHAKE_HEADER ||
			offset + part > whole)
			return false;
		p += HANDSHAKE_HEADER + part;
		n -= HANDSHAKE_HEADER + part;
	}
	return true;
}

static bool is_dtls(const uint8_t *p, size_t n)
{
	while (n) {
		size_t length;

		if (n < RECORD_HEADER || p[0] < TYPE_LEAST || p[0] > TYPE_MOST || p[1] != 0xfe)
			return false;
		length = number(p + 11, 2);
		if (length == 0 || length > n - RECORD_HEADER)
			return false;
		if (p[0] == TYPE_HANDSHAKE && number(p + 3, 2) == 0 &&
			!is_message(p + RECORD_HEADER, length))
			return false;
		p += RECORD_HEADER + length;
		n -= RECORD_HEADER + length;
	}
	return true;
}

void cp_dtls_feed(struct cp_dtls *d, const uint8_t *bytes, size_t n)
{
	if (d->state == CP_DTLS_FAILED || d->state == CP_DTLS_CLOSED || !n || !is_dtls(bytes, n))
		return;
	d->wire.in = bytes;
	d->wire.in_size = n;
	go_on(d);
	d->wire.in = NULL;
}

size_t cp_dtls_take(struct cp_dtls *d, uint8_t *out, size_t size)
{
	return cp_datagrams_take(&d->wire, out, size);
}

int cp_dtls_timeout(struct cp_dtls *d)
{
	struct timeval left;

	if (d->state == CP_DTLS_FAILED || d->state == CP_DTLS_CLOSED ||
		DTLSv1_get_timeout(d->ssl, &left) != 1)
		return -1;
	return (int)(left.tv_sec * 1000 + (left.tv_usec + 999) / 1000);
}

void cp_dtls_tick(struct cp_dtls *d)
{
	if (d->state != CP_DTLS_HANDSHAKE)
		return;
	ERR_clear_error();
	if (DTLSv1_handle_timeout(d->ssl) < 0)
		fail(d, "the peer does not answer");
	ERR_clear_error();
}

void cp_dtls_close(struct cp_dtls *d)
{
	if (d->state == CP_DTLS_READY || d->state == CP_DTLS_UNTRUSTED)
		SSL_shutdown(d->ssl);
	ERR_clear_error();
	if (d->state != CP_DTLS_FAILED)
		d->state = CP_DTLS_CLOSED;
}

// ---- what comes of it

enum cp_dtls_state cp_dtls_state(const struct cp_dtls *d)
{
	return d->state;
}

const char *cp_dtls_why(const struct cp_dtls *d)
{
	return d->why;
}

// RFC 5764 4.2: client's key, server's key, client's salt, server's salt.
bool cp_dtls_export(const struct cp_dtls *d, struct cp_dtls_keys *keys)
{
	uint8_t bytes[2 * (CP_DTLS_KEY + CP_DTLS_SALT)];
	const SRTP_PROTECTION_PROFILE *selected;
	const struct profile *p;
	struct cp_dtls_half *client, *server;

	if (d->state != CP_DTLS_READY)
		return false;
	selected = SSL_get_selected_srtp_profile(d->ssl);
	p = selected ? profile_of((uint16_t)selected->id) : NULL;
	if (!p || SSL_export_keying_material(d->ssl, bytes, 2u * (p->key + p->salt), EXPORTER,
			  strlen(EXPORTER), NULL, 0, 0) != 1)
		return false;
	memset(keys, 0, sizeof(*keys));
	keys->profile = p->id;
	keys->key_size = p->key;
	keys->salt_size = p->salt;
	client = d->role == CP_DTLS_ACTIVE ? &keys->ours : &keys->theirs;
	server = d->role == CP_DTLS_ACTIVE ? &keys->theirs : &keys->ours;
	memcpy(client->key, bytes, p->key);
	memcpy(server->key, bytes + p->key, p->key);
	memcpy(client->salt, bytes + 2 * p->key, p->salt);
	memcpy(server->salt, bytes + 2 * p->key + p->salt, p->salt);
	OPENSSL_cleanse(bytes, sizeof(bytes));
	return true;
}
