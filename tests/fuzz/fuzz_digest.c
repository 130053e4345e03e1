// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as a challenge, as credentials, as Authentication-Info and as a nonce: what was read lies within
// them, what we answer to a challenge is read again as what was meant, and nothing unproved is good.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sip/digest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sip_slice all;

static void inside(struct sip_slice s)
{
	if (s.n && (s.p < all.p || s.p + s.n > all.p + all.n))
		abort();
}

static void credentials(void)
{
	static struct sip_nonces *nonces;
	static const uint8_t key[16];
	const struct sip_addr source = {.family = 4};
	struct sip_credentials c;
	char user[64];

	if (!nonces && sip_nonces_new(&nonces, key, 60, 16))
		abort();
	if (sip_nonce_check(nonces, 0, &source, "r", all, 1) == SIP_NONCE_REPLAYED)
		abort();
	if (sip_credentials_parse(all, &c))
		return;
	inside(c.username);
	inside(c.realm);
	inside(c.nonce);
	inside(c.uri);
	inside(c.response);
	inside(c.cnonce);
	inside(c.opaque);
	inside(c.nc_text);
	if (c.qop && (!c.nc || c.nc_text.n != 8))
		abort();
	sip_credentials_user(&c, user, sizeof(user));
	// Nobody knows this password.
	if (sip_credentials_right(&c, "7f3a", sip_str("REGISTER"), all))
		abort();
}

static void challenge(void)
{
	struct sip_challenge ch;
	struct sip_credentials c;
	char value[4096];
	const struct sip_answer_request a = {.challenge = &ch,
		.user = "user",
		.password = "word",
		.method = sip_str("REGISTER"),
		.uri = sip_str("sip:example.com"),
		.cnonce = "abc",
		.nc = 1};
	int n;

	if (sip_challenge_parse(all, &ch))
		return;
	inside(ch.realm);
	inside(ch.nonce);
	inside(ch.opaque);
	if (ch.sess && !ch.qop) // can only be answered without qop, which no server takes
		return;
	n = sip_credentials_write(&a, value, sizeof(value));
	if (n > 0 && (sip_credentials_parse(sip_slice(value, (size_t)n), &c) ||
			     c.algorithm != ch.algorithm || c.sess != ch.sess))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sip_auth_info info;
	char small[32];

	all = sip_slice((const char *)data, size);
	credentials();
	challenge();
	if (sip_auth_info_parse(all, &info) == 0) {
		inside(info.nextnonce);
		inside(info.rspauth);
	}
	sip_digest_unquote(all, small, sizeof(small));
	return 0;
}
