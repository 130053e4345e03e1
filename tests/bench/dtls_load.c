// SPDX-License-Identifier: BSD-3-Clause
// Handshakes by the CPU time of the whole process, both ends in it: by our associations (`ours`), by the pool of
// threads that hawse-sip runs (`pool`), and by bare OpenSSL between memory BIOs (`bare`), with the same certificates,
// ciphers and profiles. Prints one line of JSON.
//
//   dtls_load ours|pool|bare SECONDS
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "controlplane/secure/handshakes.h"
#include "controlplane/secure/identity_internal.h"

static struct cp_identity *alice, *bob;

static double cpu_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void die(const char *what)
{
	fprintf(stderr, "dtls_load: %s\n", what);
	exit(1);
}

// ---- bare OpenSSL, as its manual has it: a callback that takes every certificate

static SSL_CTX *bare_alice, *bare_bob;

static int take_it(int ok, X509_STORE_CTX *ctx)
{
	return 1;
}

static SSL_CTX *bare_context(struct cp_identity *identity)
{
	SSL_CTX *like = cp_identity_context(identity), *ctx = SSL_CTX_new(DTLS_method());

	if (!ctx || !SSL_CTX_use_certificate(ctx, SSL_CTX_get0_certificate(like)) ||
		!SSL_CTX_use_PrivateKey(ctx, SSL_CTX_get0_privatekey(like)) ||
		SSL_CTX_set_tlsext_use_srtp(ctx, "SRTP_AEAD_AES_128_GCM") ||
		!SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM") ||
		!SSL_CTX_set1_groups_list(ctx, "X25519:P-256"))
		die("no context");
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, take_it);
	SSL_CTX_set_options(ctx, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	return ctx;
}

static SSL *bare_end(SSL_CTX *ctx, BIO *in, BIO *out, bool active)
{
	SSL *ssl = SSL_new(ctx);

	BIO_up_ref(in);
	BIO_up_ref(out);
	SSL_set_bio(ssl, in, out);
	SSL_set_mtu(ssl, 16000);
	if (active)
		SSL_set_connect_state(ssl);
	else
		SSL_set_accept_state(ssl);
	return ssl;
}

static void bare(void)
{
	static const char label[] = "EXTRACTOR-dtls_srtp";
	BIO *up = BIO_new(BIO_s_mem()), *down = BIO_new(BIO_s_mem());
	uint8_t keys[56];
	SSL *client, *server;
	int a = 0, b = 0;

	BIO_set_mem_eof_return(up, -1);
	BIO_set_mem_eof_return(down, -1);
	client = bare_end(bare_alice, down, up, true);
	server = bare_end(bare_bob, up, down, false);
	for (int i = 0; i < 20 && (a != 1 || b != 1); i++) {
		a = SSL_do_handshake(client);
		b = SSL_do_handshake(server);
	}
	if (a != 1 || b != 1 ||
		!SSL_export_keying_material(client, keys, sizeof(keys), label, sizeof(label) - 1, NULL, 0, 0) ||
		!SSL_export_keying_material(server, keys, sizeof(keys), label, sizeof(label) - 1, NULL, 0, 0))
		die("a bare handshake failed");
	SSL_free(client);
	SSL_free(server);
	BIO_free(up);
	BIO_free(down);
}

// ---- our associations

static struct cp_dtls *end(struct cp_identity *identity, enum cp_dtls_role role, struct cp_identity *other)
{
	const struct cp_dtls_config config = {
		.identity = identity,
		.role = role,
		.fingerprints = cp_identity_fingerprint(other),
	};
	struct cp_dtls *d;

	if (cp_dtls_new(&d, &config))
		die("no association");
	return d;
}

static bool carry(struct cp_dtls *from, struct cp_dtls *to)
{
	uint8_t bytes[2048];
	size_t n;
	bool any = false;

	while ((n = cp_dtls_take(from, bytes, sizeof(bytes))) > 0) {
		cp_dtls_feed(to, bytes, n);
		any = true;
	}
	return any;
}

static void ours(void)
{
	struct cp_dtls *client = end(alice, CP_DTLS_ACTIVE, bob), *server = end(bob, CP_DTLS_PASSIVE, alice);
	struct cp_dtls_keys keys;

	cp_dtls_start(client);
	while (carry(client, server) | carry(server, client))
		continue;
	if (!cp_dtls_export(client, &keys) || !cp_dtls_export(server, &keys))
		die("a handshake failed");
	cp_dtls_free(client);
	cp_dtls_free(server);
}

// ---- the pool: association 2n speaks with 2n + 1

#define AT_ONCE 8u

static struct cp_handshakes *pool;
static unsigned ready;

static void on_send(void *ctx, uint64_t id, const uint8_t *bytes, size_t n)
{
	cp_handshakes_feed(pool, id ^ 1, bytes, n);
}

static void on_ready(void *ctx, uint64_t id, const struct cp_dtls_keys *keys)
{
	ready++;
}

static void on_failed(void *ctx, uint64_t id, const char *why)
{
	if (strcmp(why, "closed") != 0)
		die(why);
}

static void pooled(void)
{
	static uint64_t base;
	struct pollfd fd = {cp_handshakes_fd(pool), POLLIN, 0};

	ready = 0;
	for (uint64_t i = 0; i < 2 * AT_ONCE; i++) {
		const struct cp_dtls_config config = {
			.identity = i & 1 ? alice : bob,
			.role = i & 1 ? CP_DTLS_ACTIVE : CP_DTLS_PASSIVE,
			.fingerprints = cp_identity_fingerprint(i & 1 ? bob : alice),
		};

		if (cp_handshakes_open(pool, base + i, &config))
			die("no association");
	}
	while (ready < 2 * AT_ONCE) {
		if (poll(&fd, 1, 5000) <= 0)
			die("the pool says nothing");
		cp_handshakes_process(pool);
	}
	for (uint64_t i = 0; i < 2 * AT_ONCE; i++)
		cp_handshakes_close(pool, base + i);
	base += 2 * AT_ONCE;
}

int main(int argc, char **argv)
{
	static const struct cp_handshakes_ops ops = {on_send, on_ready, on_failed};
	const struct cp_handshakes_config config = {.ops = &ops, .threads = 1, .busy = 1000000};
	double seconds = argc == 3 ? atof(argv[2]) : 0, begin, spent;
	void (*one)(void) = NULL;
	unsigned step = 1, count = 0;

	if (argc == 3 && strcmp(argv[1], "ours") == 0)
		one = ours;
	if (argc == 3 && strcmp(argv[1], "bare") == 0)
		one = bare;
	if (argc == 3 && strcmp(argv[1], "pool") == 0) {
		one = pooled;
		step = AT_ONCE;
	}
	if (!one || seconds <= 0 || seconds > 60) {
		fprintf(stderr, "usage: dtls_load ours|pool|bare SECONDS\n");
		return 2;
	}
	alice = cp_identity_new();
	bob = cp_identity_new();
	if (!alice || !bob || cp_handshakes_new(&pool, &config))
		die("out of memory");
	bare_alice = bare_context(alice);
	bare_bob = bare_context(bob);
	one();
	begin = cpu_seconds();
	do {
		one();
		count += step;
		spent = cpu_seconds() - begin;
	} while (spent < seconds);
	printf("{\"handshakes\": %u, \"cpu_seconds\": %.3f, \"a_cpu_second\": %.1f}\n", count, spent, count / spent);
	SSL_CTX_free(bare_alice);
	SSL_CTX_free(bare_bob);
	cp_handshakes_free(pool);
	cp_identity_release(alice);
	cp_identity_release(bob);
	return 0;
}
