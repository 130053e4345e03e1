// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/net/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

struct cp_tls {
	SSL_CTX *server;
	SSL_CTX *client;
	char *certificate, *key, *authorities;
	char **clients; // NULL at the end; or NULL
	bool ask_client, may_client, insecure;
};

struct cp_tls_session {
	SSL *ssl;
	BIO *in, *out;    // owned by ssl
	uint8_t *waiting; // plain text written before the handshake was done
	size_t waiting_size;
	char *expect; // client: name that the certificate must have, NULL: any
	char why[160];
};

// ---- the configuration

static const char *reason(void)
{
	unsigned long code = ERR_peek_last_error();
	const char *text = ERR_reason_error_string(code);

	ERR_clear_error();
	return text ? text : "unknown error";
}

static int say(char error[CP_TLS_ERROR], int err, const char *what, const char *file)
{
	snprintf(error, CP_TLS_ERROR, "%s: %s: %s", file, what, reason());
	return err;
}

// OpenSSL calls a file that is not there "system lib".
static int check_readable(const char *file, char error[CP_TLS_ERROR])
{
	if (access(file, R_OK) == 0)
		return 0;
	snprintf(error, CP_TLS_ERROR, "%s: %s", file, strerror(errno));
	return -errno;
}

static int check_key_mode(const char *file, char error[CP_TLS_ERROR])
{
	struct stat st;

	if (stat(file, &st) < 0) {
		snprintf(error, CP_TLS_ERROR, "%s: %s", file, strerror(errno));
		return -errno;
	}
	if (st.st_mode & S_IRWXO) {
		snprintf(error, CP_TLS_ERROR,
			"%s: the private key can be read by everybody; run: chmod o= %s", file,
			file);
		return -EPERM;
	}
	return 0;
}

static int check_dates(SSL_CTX *ctx, const char *file, char error[CP_TLS_ERROR])
{
	X509 *x = SSL_CTX_get0_certificate(ctx);

	if (!x)
		return 0;
	if (X509_cmp_current_time(X509_get0_notBefore(x)) > 0) {
		snprintf(error, CP_TLS_ERROR, "%s: the certificate is not valid yet", file);
		return -EINVAL;
	}
	if (X509_cmp_current_time(X509_get0_notAfter(x)) < 0) {
		snprintf(error, CP_TLS_ERROR, "%s: the certificate has expired", file);
		return -EINVAL;
	}
	return 0;
}

static int load_files(const struct cp_tls *tls, bool server, SSL_CTX *ctx, char error[CP_TLS_ERROR])
{
	int err;

	if (tls->certificate) {
		err = check_readable(tls->certificate, error);
		if (!err)
			err = check_readable(tls->key, error);
		if (!err && tls->authorities)
			err = check_readable(tls->authorities, error);
		if (err)
			return err;
		if (SSL_CTX_use_certificate_chain_file(ctx, tls->certificate) != 1)
			return say(error, -EINVAL, "cannot read the certificate", tls->certificate);
		err = check_key_mode(tls->key, error);
		if (err)
			return err;
		if (SSL_CTX_use_PrivateKey_file(ctx, tls->key, SSL_FILETYPE_PEM) != 1)
			return say(error, -EINVAL, "cannot read the private key", tls->key);
		if (SSL_CTX_check_private_key(ctx) != 1)
			return say(
				error, -EINVAL, "the key is not that of the certificate", tls->key);
		err = check_dates(ctx, tls->certificate, error);
		if (err)
			return err;
	}
	if (tls->authorities && SSL_CTX_load_verify_locations(ctx, tls->authorities, NULL) != 1)
		return say(error, -EINVAL, "cannot read the authorities", tls->authorities);
	if (!tls->authorities)
		SSL_CTX_set_default_verify_paths(ctx);
	for (char **file = server ? tls->clients : NULL; file && *file; file++)
		if (SSL_CTX_load_verify_locations(ctx, *file, NULL) != 1)
			return say(error, -EINVAL, "cannot read the authorities", *file);
	return 0;
}

static int make_context(
	const struct cp_tls *tls, bool server, SSL_CTX **out, char error[CP_TLS_ERROR])
{
	SSL_CTX *ctx = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	int verify = SSL_VERIFY_NONE;
	int err;

	if (!ctx) {
		snprintf(error, CP_TLS_ERROR, "TLS: %s", reason());
		return -ENOMEM;
	}
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(ctx,
		SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE);
	SSL_CTX_set_cipher_list(
		ctx, "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:ECDHE+AES:!SHA256:!SHA384");
	if (server && tls->may_client)
		verify = SSL_VERIFY_PEER;
	if (server && tls->ask_client)
		verify = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	if (!server && !tls->insecure)
		verify = SSL_VERIFY_PEER;
	SSL_CTX_set_verify(ctx, verify, NULL);
	SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"hawse", 5);
	err = load_files(tls, server, ctx, error);
	if (err) {
		SSL_CTX_free(ctx);
		return err;
	}
	*out = ctx;
	return 0;
}

int cp_tls_reload(struct cp_tls *tls, char error[CP_TLS_ERROR])
{
	SSL_CTX *server = NULL, *client = NULL;
	int err = 0;

	if (tls->certificate)
		err = make_context(tls, true, &server, error);
	if (err == 0)
		err = make_context(tls, false, &client, error);
	if (err) {
		SSL_CTX_free(server);
		return err;
	}
	SSL_CTX_free(tls->server); // sessions hold their own reference
	SSL_CTX_free(tls->client);
	tls->server = server;
	tls->client = client;
	return 0;
}

static char *copy(const char *text, bool *failed)
{
	char *s = text ? strdup(text) : NULL;

	*failed |= text && !s;
	return s;
}

static char **copy_list(const char *const *list, bool *failed)
{
	size_t n = 0;
	char **out;

	while (list && list[n])
		n++;
	if (!n)
		return NULL;
	out = calloc(n + 1, sizeof(*out));
	*failed |= !out;
	for (size_t i = 0; out && i < n; i++)
		out[i] = copy(list[i], failed);
	return out;
}

void cp_tls_swap(struct cp_tls *a, struct cp_tls *b)
{
	struct cp_tls old = *a;

	*a = *b;
	*b = old;
}

int cp_tls_new(struct cp_tls **out, const struct cp_tls_config *config, char error[CP_TLS_ERROR])
{
	struct cp_tls *tls = calloc(1, sizeof(*tls));
	bool failed = false;
	int err;

	if (!tls) {
		snprintf(error, CP_TLS_ERROR, "TLS: out of memory");
		return -ENOMEM;
	}
	tls->clients = copy_list(config->clients, &failed);
	tls->may_client = config->may_client;
	tls->certificate = copy(config->certificate, &failed);
	tls->key = copy(config->key ? config->key : config->certificate, &failed);
	tls->authorities = copy(config->authorities, &failed);
	tls->ask_client = config->ask_client;
	tls->insecure = config->insecure;
	if (failed)
		snprintf(error, CP_TLS_ERROR, "TLS: out of memory");
	err = failed ? -ENOMEM : cp_tls_reload(tls, error);
	if (err) {
		cp_tls_free(tls);
		return err;
	}
	*out = tls;
	return 0;
}

void cp_tls_free(struct cp_tls *tls)
{
	if (!tls)
		return;
	SSL_CTX_free(tls->server);
	SSL_CTX_free(tls->client);
	free(tls->certificate);
	free(tls->key);
	free(tls->authorities);
	for (char **file = tls->clients; file && *file; file++)
		free(*file);
	free(tls->clients);
	free(tls);
}

// ---- a session

static bool is_address(const char *name)
{
	uint8_t ip[16];

	return inet_pton(AF_INET, name, ip) == 1 || inet_pton(AF_INET6, name, ip) == 1;
}

// Whom we want to talk to: named in the hello, and looked for in the certificate when it has come.
static int set_name(struct cp_tls_session *s, const char *name, bool insecure)
{
	if (!is_address(name) && SSL_set_tlsext_host_name(s->ssl, name) != 1)
		return -ENOMEM;
	if (!insecure && !(s->expect = strdup(name)))
		return -ENOMEM;
	return 0;
}

int cp_tls_session_new(
	struct cp_tls_session **out, struct cp_tls *tls, enum cp_tls_role role, const char *name)
{
	SSL_CTX *ctx = role == CP_TLS_SERVER ? tls->server : tls->client;
	struct cp_tls_session *s;

	if (!ctx)
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->ssl = SSL_new(ctx);
	s->in = BIO_new(BIO_s_mem());
	s->out = BIO_new(BIO_s_mem());
	if (!s->ssl || !s->in || !s->out) {
		BIO_free(s->in);
		BIO_free(s->out);
		SSL_free(s->ssl);
		free(s);
		return -ENOMEM;
	}
	SSL_set_bio(s->ssl, s->in, s->out);
	if (role == CP_TLS_SERVER)
		SSL_set_accept_state(s->ssl);
	else
		SSL_set_connect_state(s->ssl);
	if (role == CP_TLS_CLIENT && name && set_name(s, name, tls->insecure)) {
		cp_tls_session_free(s);
		return -ENOMEM;
	}
	*out = s;
	return 0;
}

void cp_tls_session_free(struct cp_tls_session *s)
{
	if (!s)
		return;
	SSL_free(s->ssl);
	free(s->waiting);
	free(s->expect);
	free(s);
}

static int failed(struct cp_tls_session *s)
{
	long verify = SSL_get_verify_result(s->ssl);

	if (!s->why[0]) {
		const char *what = reason();

		if (verify != X509_V_OK)
			snprintf(s->why, sizeof(s->why), "%s: %s", what,
				X509_verify_cert_error_string(verify));
		else
			snprintf(s->why, sizeof(s->why), "%s", what);
	}
	return -EPROTO;
}

static int write_plain(struct cp_tls_session *s, const uint8_t *bytes, size_t n)
{
	while (n) {
		int done;

		ERR_clear_error();
		done = SSL_write(s->ssl, bytes, n > INT32_MAX ? INT32_MAX : (int)n);
		if (done <= 0)
			return failed(s);
		bytes += done;
		n -= (size_t)done;
	}
	return 0;
}

static int handshake(struct cp_tls_session *s)
{
	uint8_t *waiting = s->waiting;
	int rc, err = 0;

	if (SSL_is_init_finished(s->ssl))
		return 0;
	ERR_clear_error();
	rc = SSL_do_handshake(s->ssl);
	if (rc != 1) {
		int why = SSL_get_error(s->ssl, rc);

		return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : failed(s);
	}
	if (s->expect && !cp_tls_peer_is(s, s->expect)) {
		snprintf(s->why, sizeof(s->why), "the certificate does not name %s", s->expect);
		return -EPROTO;
	}
	s->waiting = NULL;
	if (waiting)
		err = write_plain(s, waiting, s->waiting_size);
	s->waiting_size = 0;
	free(waiting);
	return err;
}

int cp_tls_start(struct cp_tls_session *s)
{
	return SSL_is_server(s->ssl) ? 0 : handshake(s);
}

int cp_tls_feed(struct cp_tls_session *s, const uint8_t *bytes, size_t n)
{
	if (n > INT32_MAX || BIO_write(s->in, bytes, (int)n) != (int)n)
		return -ENOMEM;
	return handshake(s);
}

int cp_tls_read(struct cp_tls_session *s, uint8_t *out, size_t size)
{
	int n;

	if (!SSL_is_init_finished(s->ssl))
		return 0;
	ERR_clear_error();
	n = SSL_read(s->ssl, out, size > INT32_MAX ? INT32_MAX : (int)size);
	if (n > 0)
		return n;
	switch (SSL_get_error(s->ssl, n)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return 0;
	case SSL_ERROR_ZERO_RETURN:
		return -EPIPE;
	default:
		return failed(s);
	}
}

int cp_tls_write(struct cp_tls_session *s, const uint8_t *bytes, size_t n)
{
	uint8_t *grown;

	if (SSL_is_init_finished(s->ssl))
		return write_plain(s, bytes, n);
	grown = realloc(s->waiting, s->waiting_size + n);
	if (!grown)
		return -ENOMEM;
	memcpy(grown + s->waiting_size, bytes, n);
	s->waiting = grown;
	s->waiting_size += n;
	return 0;
}

int cp_tls_take(struct cp_tls_session *s, uint8_t *out, size_t size)
{
	int n = BIO_read(s->out, out, size > INT32_MAX ? INT32_MAX : (int)size);

	return n > 0 ? n : 0;
}

void cp_tls_shutdown(struct cp_tls_session *s)
{
	if (SSL_is_init_finished(s->ssl) && !s->why[0])
		SSL_shutdown(s->ssl);
	ERR_clear_error();
}

bool cp_tls_ready(const struct cp_tls_session *s)
{
	return SSL_is_init_finished(s->ssl);
}

// ---- who the peer is (RFC 5922)

// "sip:example.com" names example.com; a URI with a user part names nobody here.
static bool uri_names(const ASN1_IA5STRING *uri, const char *domain)
{
	const char *text = (const char *)ASN1_STRING_get0_data(uri);
	size_t n = (size_t)ASN1_STRING_length(uri);

	if (n > 4 && strncasecmp(text, "sip:", 4) == 0)
		text += 4, n -= 4;
	else if (n > 5 && strncasecmp(text, "sips:", 5) == 0)
		text += 5, n -= 5;
	else
		return false;
	return n == strlen(domain) && strncasecmp(text, domain, n) == 0;
}

// 1 named by a URI, 0 not, -1 when there is no URI of SIP at all.
static int named_by_uri(X509 *x, const char *domain)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	int found = -1;

	for (int i = 0; names && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type != GEN_URI)
			continue;
		if (found < 0)
			found = 0;
		if (uri_names(name->d.uniformResourceIdentifier, domain))
			found = 1;
	}
	GENERAL_NAMES_free(names);
	return found;
}

bool cp_tls_peer_is(const struct cp_tls_session *s, const char *domain)
{
	X509 *x = SSL_get1_peer_certificate(s->ssl);
	bool result = false;
	int by_uri;

	if (!x || SSL_get_verify_result(s->ssl) != X509_V_OK || !SSL_is_init_finished(s->ssl))
		goto out;
	by_uri = named_by_uri(x, domain);
	if (is_address(domain))
		result = X509_check_ip_asc(x, domain, 0) == 1;
	else if (by_uri >= 0)
		result = by_uri == 1 ||
			 X509_check_host(x, domain, 0,
				 X509_CHECK_FLAG_NO_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
				 NULL) == 1;
	else
		result = X509_check_host(x, domain, 0, X509_CHECK_FLAG_NO_WILDCARDS, NULL) == 1;
out:
	X509_free(x);
	return result;
}

bool cp_tls_peer_is_by(const struct cp_tls_session *s, const struct cp_tls *tls, const char *domain)
{
	X509_STORE_CTX *ctx;
	bool result = false;
	X509 *x;

	if (tls->insecure || !cp_tls_peer_is(s, domain))
		return false;
	x = SSL_get1_peer_certificate(s->ssl);
	ctx = X509_STORE_CTX_new();
	if (x && ctx &&
		X509_STORE_CTX_init(ctx, SSL_CTX_get_cert_store(tls->client), x,
			SSL_get_peer_cert_chain(s->ssl)) == 1)
		result = X509_verify_cert(ctx) == 1;
	X509_STORE_CTX_free(ctx);
	X509_free(x);
	ERR_clear_error();
	return result;
}

bool cp_tls_session_serves(
	const struct cp_tls_session *s, const struct cp_tls *tls, const char *name)
{
	if (tls->insecure || !name)
		return !SSL_is_server(s->ssl);
	if (s->expect && strcasecmp(s->expect, name) == 0)
		return true;
	return cp_tls_peer_is_by(s, tls, name);
}

const char *cp_tls_session_why(const struct cp_tls_session *s)
{
	return s->why[0] ? s->why : "no error";
}

bool cp_tls_session_failed(const struct cp_tls_session *s)
{
	return s->why[0] != '\0';
}
