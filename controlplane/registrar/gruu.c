// SPDX-License-Identifier: BSD-3-Clause
//
// RFC 5627. A public GRUU is the address of record with the instance in `gr`. A temporary one has a user part
// that only we can read, an AES block of the address of record, the epoch of its contact and a running number: two of them
// do not show that they are one phone's, all stay valid as long as the phone keeps its Call-ID, and none
// costs us memory.
#include <openssl/evp.h>

#include "controlplane/registrar/private.h"
#include "sip/chars.h"

#define TEMP "tgruu."

static bool crypt(const struct cp_registrar *r, bool encrypt, const uint8_t in[16], uint8_t out[16])
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0;
	bool ok = ctx &&
		  EVP_CipherInit_ex(ctx, EVP_aes_128_ecb(), NULL, r->gruu_key, NULL, encrypt) &&
		  EVP_CIPHER_CTX_set_padding(ctx, 0) && EVP_CipherUpdate(ctx, out, &n, in, 16) &&
		  n == 16;

	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

static void write_temp(
	struct cp_registrar *r, struct cp_contact *c, const char *domain, struct sip_build *b)
{
	uint8_t plain[16], block[16];
	char text[33];

	c->temps++;
	cp_location_touch(r->location, c->aor);
	memcpy(plain, &c->aor->id, 8);
	memcpy(plain + 8, &c->epoch, 4);
	memcpy(plain + 12, &c->temps, 4);
	if (!crypt(r, true, plain, block))
		return;
	for (unsigned i = 0; i < 16; i++) {
		text[2 * i] = "0123456789abcdef"[block[i] >> 4];
		text[2 * i + 1] = "0123456789abcdef"[block[i] & 15];
	}
	text[32] = '\0';
	sip_build_raw(b, sip_str(";temp-gruu=\"sip:" TEMP));
	sip_build_raw(b, sip_str(text));
	sip_build_raw(b, sip_str("@"));
	sip_build_raw(b, sip_str(domain));
	sip_build_raw(b, sip_str(";gr\""));
}

// What may not stand in a URI parameter is escaped: an instance is "<urn:uuid:...>", seldom anything else.
static void put_param(struct sip_build *b, struct sip_slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		char escaped[3] = {'%', "0123456789ABCDEF"[(uint8_t)s.p[i] >> 4],
			"0123456789ABCDEF"[s.p[i] & 15]};
		bool plain = sip_char_is(s.p[i], SIP_C_PARAM | SIP_C_UNRESERVED);

		sip_build_raw(b, plain ? sip_slice(&s.p[i], 1) : sip_slice(escaped, 3));
	}
}

static struct sip_slice without_angles(struct sip_slice s)
{
	if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>')
		return sip_slice(s.p + 1, s.n - 2);
	return s;
}

void cp_gruu_write(
	struct cp_registrar *r, struct cp_contact *c, const char *domain, struct sip_build *b)
{
	sip_build_raw(b, sip_str(";pub-gruu=\"sip:"));
	sip_build_raw(b, sip_str(c->aor->user));
	sip_build_raw(b, sip_str("@"));
	sip_build_raw(b, sip_str(domain));
	sip_build_raw(b, sip_str(";gr="));
	put_param(b, without_angles(c->instance));
	sip_build_raw(b, sip_str("\""));
	write_temp(r, c, domain, b);
}

static const struct cp_contact *of_instance(const struct cp_aor *aor, struct sip_slice gr)
{
	char text[256];
	int n = sip_unescape(gr, text, sizeof(text));

	if (n < 0)
		return NULL;
	for (const struct cp_contact *c = aor ? aor->contacts : NULL; c; c = c->next)
		if (sip_slice_ieq(without_angles(c->instance), sip_slice(text, (size_t)n)))
			return c;
	return NULL;
}

static const struct cp_contact *of_temp(struct cp_registrar *r, struct sip_slice user)
{
	uint8_t block[16], plain[16];
	struct sip_slice hex = sip_slice_from(user, strlen(TEMP));
	const struct cp_aor *aor;
	uint32_t epoch, temp;
	uint64_t id;

	if (hex.n != 32)
		return NULL;
	for (unsigned i = 0; i < 16; i++) {
		int high = sip_hex_digit(hex.p[2 * i]), low = sip_hex_digit(hex.p[2 * i + 1]);

		if (high < 0 || low < 0)
			return NULL;
		block[i] = (uint8_t)(high << 4 | low);
	}
	if (!crypt(r, false, block, plain))
		return NULL;
	memcpy(&id, plain, 8);
	memcpy(&epoch, plain + 8, 4);
	memcpy(&temp, plain + 12, 4);
	aor = cp_location_by_id(r->location, id);
	for (const struct cp_contact *c = aor ? aor->contacts : NULL; c; c = c->next)
		if (c->gruu && c->epoch == epoch && temp && temp <= c->temps)
			return c;
	return NULL;
}

int cp_gruu_find(struct cp_registrar *r, const struct sip_uri *uri, struct cp_aor *aor,
	const struct cp_contact **out)
{
	struct sip_slice gr;

	*out = NULL;
	if (uri->scheme == SIP_URI_TEL || !sip_uri_param(uri, "gr", &gr))
		return 0;
	if (gr.n)
		*out = of_instance(aor, gr);
	else if (uri->user.n > strlen(TEMP) && strncasecmp(uri->user.p, TEMP, strlen(TEMP)) == 0)
		*out = of_temp(r, uri->user);
	return 1;
}
