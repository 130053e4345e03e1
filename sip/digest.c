// SPDX-License-Identifier: BSD-3-Clause
#include "sip/digest.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "sip/build.h"
#include "sip/chars.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *name;
	const char *openssl;
	size_t size;
} algorithms[SIP_DIGESTS] = {
	[SIP_MD5] = {"MD5", "MD5", 16},
	[SIP_SHA256] = {"SHA-256", "SHA2-256", 32},
	[SIP_SHA512_256] = {"SHA-512-256", "SHA2-512/256", 32},
};

const char *sip_digest_name(enum sip_digest_algorithm algorithm)
{
	return algorithms[algorithm].name;
}

size_t sip_digest_size(enum sip_digest_algorithm algorithm)
{
	return algorithms[algorithm].size;
}

int sip_digest_from(struct sip_slice name, enum sip_digest_algorithm *out, bool *sess)
{
	*sess = false;
	if (name.n > 5 && strncasecmp(name.p + name.n - 5, "-sess", 5) == 0) {
		*sess = true;
		name.n -= 5;
	}
	for (unsigned i = 0; i < SIP_DIGESTS; i++)
		if (sip_slice_iis(name, algorithms[i].name)) {
			*out = (enum sip_digest_algorithm)i;
			return 0;
		}
	*out = SIP_MD5;
	return name.n || *sess ? -ENOTSUP : 0;
}

void sip_wipe(void *p, size_t n)
{
	if (p)
		OPENSSL_cleanse(p, n);
}

bool sip_same_secret(struct sip_slice a, struct sip_slice b)
{
	return a.n == b.n && (a.n == 0 || CRYPTO_memcmp(a.p, b.p, a.n) == 0);
}

// ---- reading ----------------------------------------------------------------------------------------

// One "name=value" of a comma-separated list, cut from its front; the quotes are taken off. 1, 0 at the end,
// -EBADMSG.
static int next_param(struct sip_slice *rest, struct sip_slice *name, struct sip_slice *value)
{
	size_t n = 0;

	*rest = sip_skip_lws(*rest);
	while (rest->n && rest->p[0] == ',')
		*rest = sip_skip_lws(sip_slice_from(*rest, 1));
	if (!rest->n)
		return 0;
	while (n < rest->n && sip_char_is(rest->p[n], SIP_C_TOKEN))
		n++;
	*name = sip_slice(rest->p, n);
	*rest = sip_skip_lws(sip_slice_from(*rest, n));
	if (!name->n || !rest->n || rest->p[0] != '=')
		return -EBADMSG;
	*rest = sip_skip_lws(sip_slice_from(*rest, 1));
	if (rest->n && rest->p[0] == '"') {
		n = sip_quoted_len(*rest);
		if (n < 2)
			return -EBADMSG;
		*value = sip_slice(rest->p + 1, n - 2);
	} else {
		// A URI without quotes has been seen, and may hold what is no token.
		n = 0;
		while (n < rest->n && !memchr(",\"\\", rest->p[n], 3) &&
			!sip_char_is(rest->p[n], SIP_C_LWS))
			n++;
		*value = sip_slice(rest->p, n);
		if (!n)
			return -EBADMSG;
	}
	*rest = sip_skip_lws(sip_slice_from(*rest, n));
	return rest->n && rest->p[0] != ',' ? -EBADMSG : 1;
}

// "Digest" and what follows.
static int scheme(struct sip_slice *value)
{
	struct sip_slice s = sip_slice_trim(*value);

	if (s.n < 7 || strncasecmp(s.p, "Digest", 6) != 0 || !sip_char_is(s.p[6], SIP_C_LWS))
		return -ENOTSUP;
	*value = sip_slice_from(s, 7);
	return 0;
}

static unsigned qop_of(struct sip_slice token)
{
	if (sip_slice_iis(token, "auth"))
		return SIP_QOP_AUTH;
	return sip_slice_iis(token, "auth-int") ? SIP_QOP_AUTH_INT : 0;
}

// "auth,auth-int,token"
static unsigned qop_list(struct sip_slice list)
{
	unsigned qop = 0;

	while (list.n) {
		const char *comma = memchr(list.p, ',', list.n);
		size_t n = comma ? (size_t)(comma - list.p) : list.n;

		qop |= qop_of(sip_slice_trim(sip_slice(list.p, n)));
		list = sip_slice_from(list, n + (comma ? 1 : 0));
	}
	return qop;
}

static int once(struct sip_slice *to, bool *seen, struct sip_slice value)
{
	if (*seen)
		return -EBADMSG;
	*seen = true;
	*to = value;
	return 0;
}

static bool is_true(struct sip_slice s)
{
	return sip_slice_iis(s, "true");
}

// Which of these names it is; the count: none.
static unsigned index_of(struct sip_slice name, const char *const *names, unsigned count)
{
	unsigned i = 0;

	while (i < count && !sip_slice_iis(name, names[i]))
		i++;
	return i;
}

// Every parameter into a place of its own. 0 or -EBADMSG.
static int read_params(struct sip_slice value, const char *const *names, unsigned count,
	struct sip_slice *places, bool *seen)
{
	struct sip_slice name, v;
	int rc;

	while ((rc = next_param(&value, &name, &v)) > 0) {
		unsigned i = index_of(name, names, count);

		if (i < count && once(&places[i], &seen[i], v))
			return -EBADMSG;
	}
	return rc;
}

int sip_challenge_parse(struct sip_slice value, struct sip_challenge *out)
{
	static const char *const names[] = {
		"realm", "nonce", "opaque", "algorithm", "stale", "userhash", "qop"};
	struct sip_slice v[COUNT(names)] = {0};
	bool seen[COUNT(names)] = {0};

	*out = (struct sip_challenge){0};
	if (scheme(&value))
		return -ENOTSUP;
	if (read_params(value, names, COUNT(names), v, seen) || !seen[0] || !seen[1])
		return -EBADMSG;
	out->realm = v[0];
	out->nonce = v[1];
	out->opaque = v[2];
	out->has_opaque = seen[2];
	out->stale = is_true(v[4]);
	out->userhash = is_true(v[5]);
	out->qop = qop_list(v[6]);
	if (seen[6] && !out->qop)
		return -ENOTSUP;
	return sip_digest_from(v[3], &out->algorithm, &out->sess);
}

static int read_nc(struct sip_slice text, uint32_t *nc)
{
	*nc = 0;
	if (text.n != 8)
		return -EBADMSG;
	for (unsigned i = 0; i < 8; i++) {
		int digit = sip_hex_digit(text.p[i]);

		if (digit < 0)
			return -EBADMSG;
		*nc = *nc << 4 | (uint32_t)digit;
	}
	return 0;
}

// A nonce count that is 0 was never sent by anybody who counts.
static int check_qop(struct sip_credentials *c, bool has_qop)
{
	if (!has_qop)
		return c->sess ? -EBADMSG : 0;
	if (!c->qop)
		return -ENOTSUP;
	if (!c->cnonce.n || read_nc(c->nc_text, &c->nc) || !c->nc)
		return -EBADMSG;
	return 0;
}

int sip_credentials_parse(struct sip_slice value, struct sip_credentials *out)
{
	static const char *const names[] = {"username", "username*", "realm", "nonce", "uri",
		"response", "cnonce", "opaque", "nc", "algorithm", "userhash", "qop"};
	struct sip_slice v[COUNT(names)] = {0};
	bool seen[COUNT(names)] = {0};
	int err;

	*out = (struct sip_credentials){0};
	if (scheme(&value))
		return -ENOTSUP;
	if (read_params(value, names, COUNT(names), v, seen) || seen[0] == seen[1] || !seen[2] ||
		!seen[3] || !seen[4] || !seen[5])
		return -EBADMSG;
	out->username = seen[1] ? v[1] : v[0];
	out->extended = seen[1];
	out->realm = v[2];
	out->nonce = v[3];
	out->uri = v[4];
	out->response = v[5];
	out->cnonce = v[6];
	out->opaque = v[7];
	out->nc_text = v[8];
	out->userhash = is_true(v[10]);
	out->qop = qop_of(v[11]);
	err = sip_digest_from(v[9], &out->algorithm, &out->sess);
	if (err)
		return err;
	err = check_qop(out, seen[11]);
	if (err)
		return err;
	// RFC 7616 3.4: a hashed name needs no other encoding.
	return (out->userhash && out->extended) ||
			       out->response.n != 2 * algorithms[out->algorithm].size
		       ? -EBADMSG
		       : 0;
}

int sip_credentials_user(const struct sip_credentials *c, char *out, size_t size)
{
	struct sip_slice s = c->username;
	const char *quote;
	int n;

	if (!c->extended)
		return sip_digest_unquote(s, out, size);
	// RFC 5987: UTF-8'language'value
	if (s.n < 7 || strncasecmp(s.p, "UTF-8'", 6) != 0)
		return -EINVAL;
	s = sip_slice_from(s, 6);
	quote = memchr(s.p, '\'', s.n);
	if (!quote)
		return -EINVAL;
	s = sip_slice_from(s, (size_t)(quote - s.p) + 1);
	n = size ? sip_unescape(s, out, size - 1) : -ENOBUFS;
	if (n >= 0)
		out[n] = '\0';
	return n;
}

int sip_auth_info_parse(struct sip_slice value, struct sip_auth_info *out)
{
	static const char *const names[] = {"nextnonce", "rspauth", "cnonce", "nc", "qop"};
	struct sip_slice v[COUNT(names)] = {0};
	bool seen[COUNT(names)] = {0};

	*out = (struct sip_auth_info){0};
	if (read_params(value, names, COUNT(names), v, seen))
		return -EBADMSG;
	out->nextnonce = v[0];
	out->rspauth = v[1];
	out->cnonce = v[2];
	out->qop = qop_of(v[4]);
	if (seen[3] && read_nc(v[3], &out->nc))
		return -EBADMSG;
	return 0;
}

int sip_digest_unquote(struct sip_slice quoted, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < quoted.n; i++) {
		if (quoted.p[i] == '\\' && i + 1 < quoted.n)
			i++;
		if (n + 1 >= size)
			return -ENOBUFS;
		out[n++] = quoted.p[i];
	}
	if (!size)
		return -ENOBUFS;
	out[n] = '\0';
	return (int)n;
}

// ---- arithmetic -------------------------------------------------------------------------------------

struct hash {
	EVP_MD_CTX *ctx;
	int ok;
};

// Fetched once: looking a digest up by name costs more than computing it.
static const EVP_MD *md(enum sip_digest_algorithm algorithm)
{
	static _Thread_local const EVP_MD *fetched[SIP_DIGESTS];

	if (!fetched[algorithm])
		fetched[algorithm] = EVP_MD_fetch(NULL, algorithms[algorithm].openssl, NULL);
	return fetched[algorithm];
}

static EVP_MD_CTX *context(void)
{
	static _Thread_local EVP_MD_CTX *ctx;

	if (!ctx)
		ctx = EVP_MD_CTX_new();
	return ctx;
}

static struct hash begin(enum sip_digest_algorithm algorithm)
{
	struct hash h = {context(), 0};

	h.ok = h.ctx && md(algorithm) && EVP_DigestInit_ex2(h.ctx, md(algorithm), NULL);
	return h;
}

static void put(struct hash *h, struct sip_slice s)
{
	if (h->ok && s.n)
		h->ok = EVP_DigestUpdate(h->ctx, s.p, s.n);
}

static void colon(struct hash *h)
{
	put(h, sip_str(":"));
}

static void hex(const uint8_t *bytes, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * n] = '\0';
}

static int finish(struct hash *h, char out[SIP_DIGEST_HEX])
{
	uint8_t bytes[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	out[0] = '\0';
	if (!h->ok || !EVP_DigestFinal_ex(h->ctx, bytes, &n) || n > SIP_DIGEST_BYTES)
		return -ENOMEM;
	hex(bytes, n, out);
	sip_wipe(bytes, sizeof(bytes));
	return 0;
}

int sip_digest_ha1(enum sip_digest_algorithm algorithm, struct sip_slice user,
	struct sip_slice realm, struct sip_slice password, char out[SIP_DIGEST_HEX])
{
	struct hash h = begin(algorithm);

	put(&h, user);
	colon(&h);
	put(&h, realm);
	colon(&h);
	put(&h, password);
	return finish(&h, out);
}

int sip_digest_userhash(enum sip_digest_algorithm algorithm, struct sip_slice user,
	struct sip_slice realm, char out[SIP_DIGEST_HEX])
{
	struct hash h = begin(algorithm);

	put(&h, user);
	colon(&h);
	put(&h, realm);
	return finish(&h, out);
}

static int session_ha1(const struct sip_digest *d, char out[SIP_DIGEST_HEX])
{
	struct hash h;

	if (!d->sess) {
		snprintf(out, SIP_DIGEST_HEX, "%s", d->ha1);
		return 0;
	}
	h = begin(d->algorithm);
	put(&h, sip_str(d->ha1));
	colon(&h);
	put(&h, d->nonce);
	colon(&h);
	put(&h, d->cnonce);
	return finish(&h, out);
}

static int request_hash(const struct sip_digest *d, char out[SIP_DIGEST_HEX])
{
	char body[SIP_DIGEST_HEX];
	struct hash h;
	int err = 0;

	if (d->qop == SIP_QOP_AUTH_INT) {
		h = begin(d->algorithm);
		put(&h, d->body);
		err = finish(&h, body);
	}
	if (err)
		return err;
	h = begin(d->algorithm);
	put(&h, d->method);
	colon(&h);
	put(&h, d->uri);
	if (d->qop == SIP_QOP_AUTH_INT) {
		colon(&h);
		put(&h, sip_str(body));
	}
	return finish(&h, out);
}

int sip_digest_response(const struct sip_digest *d, char out[SIP_DIGEST_HEX])
{
	char ha1[SIP_DIGEST_HEX], ha2[SIP_DIGEST_HEX];
	int err = session_ha1(d, ha1);
	struct hash h;

	if (!err)
		err = request_hash(d, ha2);
	if (!err) {
		h = begin(d->algorithm);
		put(&h, sip_str(ha1));
		colon(&h);
		put(&h, d->nonce);
		colon(&h);
		if (d->qop) {
			put(&h, d->nc);
			colon(&h);
			put(&h, d->cnonce);
			colon(&h);
			put(&h, sip_str(d->qop == SIP_QOP_AUTH ? "auth" : "auth-int"));
			colon(&h);
		}
		put(&h, sip_str(ha2));
		err = finish(&h, out);
	}
	sip_wipe(ha1, sizeof(ha1));
	return err;
}

bool sip_credentials_right(const struct sip_credentials *c, const char *ha1,
	struct sip_slice method, struct sip_slice body)
{
	const struct sip_digest d = {
		.algorithm = c->algorithm,
		.sess = c->sess,
		.qop = c->qop,
		.ha1 = ha1,
		.method = method,
		.uri = c->uri,
		.nonce = c->nonce,
		.cnonce = c->cnonce,
		.nc = c->nc_text,
		.body = body,
	};
	char expected[SIP_DIGEST_HEX], given[SIP_DIGEST_HEX];
	bool right;

	if (c->response.n >= sizeof(given) || sip_digest_response(&d, expected))
		return false;
	// Hexadecimal digits in capitals are seen, though the RFC has small ones.
	for (size_t i = 0; i < c->response.n; i++)
		given[i] = (char)(c->response.p[i] | (c->response.p[i] >= 'A' ? 0x20 : 0));
	right = sip_same_secret(sip_str(expected), sip_slice(given, c->response.n));
	sip_wipe(expected, sizeof(expected));
	return right;
}

// ---- writing ----------------------------------------------------------------------------------------

int sip_challenge_write(enum sip_digest_algorithm algorithm, const char *realm, const char *nonce,
	bool stale, char *out, size_t size)
{
	int n = snprintf(out, size,
		"Digest realm=\"%s\", nonce=\"%s\"%s, algorithm=%s, qop=\"auth\"", realm, nonce,
		stale ? ", stale=true" : "", algorithms[algorithm].name);

	return n < 0 || (size_t)n >= size ? -ENOBUFS : n;
}

// A username as a quoted string.
static void put_quoted(struct sip_build *b, const char *text)
{
	for (const char *p = text; *p; p++) {
		if (*p == '"' || *p == '\\')
			sip_build_raw(b, sip_str("\\"));
		sip_build_value(b, sip_slice(p, 1));
	}
}

static void put_names(struct sip_build *b, const struct sip_answer_request *a, const char *user)
{
	const struct sip_challenge *c = a->challenge;

	sip_build_raw(b, sip_str("Digest username=\""));
	put_quoted(b, user);
	sip_build_raw(b, sip_str("\", realm=\""));
	sip_build_value(b, c->realm);
	sip_build_raw(b, sip_str("\", nonce=\""));
	sip_build_value(b, c->nonce);
	sip_build_raw(b, sip_str("\", uri=\""));
	sip_build_value(b, a->uri);
	sip_build_raw(b, sip_str("\", algorithm="));
	sip_build_raw(b, sip_str(algorithms[c->algorithm].name));
	sip_build_raw(b, sip_str(c->sess ? "-sess" : ""));
	if (c->userhash)
		sip_build_raw(b, sip_str(", userhash=true"));
	if (c->has_opaque) {
		sip_build_raw(b, sip_str(", opaque=\""));
		sip_build_value(b, c->opaque);
		sip_build_raw(b, sip_str("\""));
	}
}

int sip_credentials_write(const struct sip_answer_request *a, char *out, size_t size)
{
	const struct sip_challenge *c = a->challenge;
	struct sip_build b = sip_build(out, size);
	char ha1[SIP_DIGEST_HEX], response[SIP_DIGEST_HEX], nc[16], hashed[SIP_DIGEST_HEX],
		realm[256], text[128];
	struct sip_digest d = {
		.algorithm = c->algorithm,
		.sess = c->sess,
		.qop = c->qop & SIP_QOP_AUTH ? SIP_QOP_AUTH : c->qop,
		.ha1 = ha1,
		.method = a->method,
		.uri = a->uri,
		.nonce = c->nonce,
		.cnonce = sip_str(a->cnonce),
		.body = a->body,
	};
	int err, n = sip_digest_unquote(c->realm, realm, sizeof(realm));

	if (n < 0)
		return n;
	snprintf(nc, sizeof(nc), "%08x", a->nc);
	d.nc = sip_str(nc);
	err = sip_digest_ha1(c->algorithm, sip_str(a->user), sip_slice(realm, (size_t)n),
		sip_str(a->password), ha1);
	if (!err)
		err = sip_digest_response(&d, response);
	sip_wipe(ha1, sizeof(ha1));
	if (!err && c->userhash)
		err = sip_digest_userhash(
			c->algorithm, sip_str(a->user), sip_slice(realm, (size_t)n), hashed);
	if (err)
		return err;
	put_names(&b, a, c->userhash ? hashed : a->user);
	snprintf(text, sizeof(text), ", response=\"%s\"", response);
	sip_build_raw(&b, sip_str(text));
	if (d.qop || c->sess) {
		sip_build_raw(&b, sip_str(", cnonce=\""));
		sip_build_raw(&b, sip_str(a->cnonce));
		sip_build_raw(&b, sip_str("\""));
	}
	if (d.qop) {
		snprintf(text, sizeof(text), ", qop=%s, nc=%s",
			d.qop == SIP_QOP_AUTH ? "auth" : "auth-int", nc);
		sip_build_raw(&b, sip_str(text));
	}
	err = sip_build_check(&b);
	if (err || b.n >= size)
		return err ? err : -ENOBUFS;
	out[b.n] = '\0';
	return (int)b.n;
}
