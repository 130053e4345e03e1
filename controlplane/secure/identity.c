// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/secure/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controlplane/secure/identity_internal.h"

#define DAY (24 * 60 * 60)

struct cp_identity {
	atomic_uint references;
	SSL_CTX *ctx; // holds key and certificate
	char fingerprint[CP_FINGERPRINT];
};

// RFC 8827 6.5: a name that says nothing of who we are.
static int name_it(X509 *x)
{
	X509_NAME *name = X509_get_subject_name(x);

	return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"hawse",
		       -1, -1, 0) == 1 &&
	       X509_set_issuer_name(x, name) == 1;
}

static X509 *certificate_of(EVP_PKEY *key)
{
	X509 *x = X509_new();
	uint64_t serial = 0;

	if (x && RAND_bytes((unsigned char *)&serial, sizeof(serial)) == 1 &&
		X509_set_version(x, X509_VERSION_3) == 1 &&
		ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial >> 1) == 1 &&
		X509_gmtime_adj(X509_getm_notBefore(x), -DAY) &&
		X509_gmtime_adj(X509_getm_notAfter(x), (long)CP_IDENTITY_DAYS * DAY) &&
		X509_set_pubkey(x, key) == 1 && name_it(x) && X509_sign(x, key, EVP_sha256()) > 0)
		return x;
	X509_free(x);
	return NULL;
}

static bool write_fingerprint(const X509 *x, char out[CP_FINGERPRINT])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	size_t at;

	if (X509_digest(x, EVP_sha256(), digest, &n) != 1)
		return false;
	at = (size_t)snprintf(out, CP_FINGERPRINT, "sha-256");
	for (unsigned i = 0; i < n; i++)
		at += (size_t)snprintf(
			out + at, CP_FINGERPRINT - at, "%c%02X", i ? ':' : ' ', digest[i]);
	return true;
}

// Takes neither key nor certificate over.
static struct cp_identity *make(EVP_PKEY *key, X509 *x)
{
	struct cp_identity *identity = calloc(1, sizeof(*identity));

	if (!identity)
		return NULL;
	atomic_init(&identity->references, 1);
	identity->ctx = SSL_CTX_new(DTLS_method());
	if (identity->ctx && cp_dtls_prepare(identity->ctx) == 0 &&
		SSL_CTX_use_certificate(identity->ctx, x) == 1 &&
		SSL_CTX_use_PrivateKey(identity->ctx, key) == 1 &&
		write_fingerprint(x, identity->fingerprint))
		return identity;
	cp_identity_release(identity);
	return NULL;
}

static struct cp_identity *make_new(EVP_PKEY **key, X509 **x)
{
	*x = NULL;
	*key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	if (!*key)
		return NULL;
	*x = certificate_of(*key);
	return *x ? make(*key, *x) : NULL;
}

struct cp_identity *cp_identity_new(void)
{
	struct cp_identity *identity;
	EVP_PKEY *key;
	X509 *x;

	identity = make_new(&key, &x);
	EVP_PKEY_free(key);
	X509_free(x);
	return identity;
}

// ---- its file

static struct cp_identity *read_file(const char *file)
{
	struct cp_identity *identity = NULL;
	FILE *f = fopen(file, "re");
	EVP_PKEY *key = NULL;
	X509 *x = NULL;
	struct stat st;

	if (!f)
		return NULL;
	// What others could read is no secret any more.
	if (fstat(fileno(f), &st) == 0 && !(st.st_mode & (S_IRWXG | S_IRWXO))) {
		key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
		x = PEM_read_X509(f, NULL, NULL, NULL);
	}
	fclose(f);
	if (key && x && X509_check_private_key(x, key) == 1)
		identity = make(key, x);
	EVP_PKEY_free(key);
	X509_free(x);
	return identity;
}

// Whole or not at all.
static bool write_file(const char *file, EVP_PKEY *key, X509 *x)
{
	char path[512];
	int n = snprintf(path, sizeof(path), "%s.new", file);
	FILE *f = NULL;
	bool ok;
	int fd;

	if (n < 0 || (size_t)n >= sizeof(path))
		return false;
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0)
		f = fdopen(fd, "w");
	if (!f) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	ok = PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1 &&
	     PEM_write_X509(f, x) == 1;
	ok = fclose(f) == 0 && ok && rename(path, file) == 0;
	if (!ok)
		unlink(path);
	return ok;
}

struct cp_identity *cp_identity_load(const char *file, int64_t now, bool *saved)
{
	struct cp_identity *identity = file ? read_file(file) : NULL;
	EVP_PKEY *key;
	X509 *x;

	if (saved)
		*saved = identity != NULL;
	if (identity && !cp_identity_is_old(identity, now))
		return identity;
	cp_identity_release(identity);
	identity = make_new(&key, &x);
	if (identity && file) {
		bool written = write_file(file, key, x);

		if (saved)
			*saved = written;
	}
	EVP_PKEY_free(key);
	X509_free(x);
	return identity;
}

// ---- its life

struct cp_identity *cp_identity_hold(struct cp_identity *identity)
{
	atomic_fetch_add_explicit(&identity->references, 1, memory_order_relaxed);
	return identity;
}

void cp_identity_release(struct cp_identity *identity)
{
	if (!identity ||
		atomic_fetch_sub_explicit(&identity->references, 1, memory_order_acq_rel) != 1)
		return;
	SSL_CTX_free(identity->ctx); // OpenSSL wipes private keys
	free(identity);
}

const char *cp_identity_fingerprint(const struct cp_identity *identity)
{
	return identity->fingerprint;
}

bool cp_identity_is_old(const struct cp_identity *identity, int64_t now)
{
	const X509 *x = SSL_CTX_get0_certificate(identity->ctx);
	time_t renewal = (time_t)now + (time_t)(CP_IDENTITY_DAYS - CP_IDENTITY_RENEWED) * DAY;
	time_t begun = (time_t)now;

	// The end of validity tells the age: it was CP_IDENTITY_DAYS away at first.
	return X509_cmp_time(X509_get0_notAfter(x), &renewal) < 0 ||
	       X509_cmp_time(X509_get0_notBefore(x), &begun) > 0;
}

SSL_CTX *cp_identity_context(struct cp_identity *identity)
{
	return identity->ctx;
}
