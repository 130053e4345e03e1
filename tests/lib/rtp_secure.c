// SPDX-License-Identifier: BSD-3-Clause
#include "tests/lib/rtp_secure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/evp.h>
#include <srtp2/srtp.h>

#define MAX_MASTER 46

struct suite {
	const char *name;
	int key, salt;
	void (*set)(srtp_crypto_policy_t *p);
	bool short_tag;
};

static const struct suite suites[] = {
	{"AES_CM_128_HMAC_SHA1_80", 16, 14, srtp_crypto_policy_set_rtp_default, false},
	{"AES_CM_128_HMAC_SHA1_32", 16, 14, srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32, true},
	{"AES_256_CM_HMAC_SHA1_80", 32, 14, srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80, false},
	{"AES_256_CM_HMAC_SHA1_32", 32, 14, srtp_crypto_policy_set_aes_cm_256_hmac_sha1_32, true},
	{"AEAD_AES_128_GCM", 16, 12, srtp_crypto_policy_set_aes_gcm_128_16_auth, false},
	{"AEAD_AES_256_GCM", 32, 12, srtp_crypto_policy_set_aes_gcm_256_16_auth, false},
};

struct rtp_secure {
	struct secure_options options;
	const struct suite *suite;
	uint8_t ours[MAX_MASTER], next[MAX_MASTER], theirs[MAX_MASTER];
	bool rekeying, refused;
	bool in_mki; // the other side's packets carry one: its line says so
	int tag;
	srtp_t out, in;
};

static int master_size(const struct rtp_secure *s)
{
	return s->suite->key + s->suite->salt;
}

static srtp_t session(const struct rtp_secure *s, const uint8_t *master, bool inbound)
{
	static uint8_t mki[1] = {1};
	srtp_master_key_t key = {.key = (uint8_t *)master, .mki_id = mki, .mki_size = 1};
	srtp_master_key_t *keys = &key;
	srtp_policy_t p = {.window_size = 1024};
	srtp_t made;

	s->suite->set(&p.rtp);
	p.rtcp = p.rtp;
	if (s->suite->short_tag)
		p.rtcp.auth_tag_len = 10;
	p.ssrc.type = inbound ? ssrc_any_inbound : ssrc_any_outbound;
	p.key = (uint8_t *)master;
	if (inbound ? s->in_mki : s->options.mki) {
		p.key = NULL;
		p.keys = &keys;
		p.num_master_keys = 1;
	}
	if (srtp_create(&made, &p) != srtp_err_status_ok)
		abort();
	return made;
}

static void random_key(uint8_t *key, int size)
{
	if (getrandom(key, (size_t)size, 0) != size)
		abort();
}

static void make_out(struct rtp_secure *s)
{
	uint8_t wrong[MAX_MASTER];

	if (s->out)
		srtp_dealloc(s->out);
	random_key(wrong, sizeof(wrong));
	s->out = session(s, s->options.wrong ? wrong : s->ours, false);
}

struct rtp_secure *secure_new(const struct secure_options *options)
{
	struct rtp_secure *s = calloc(1, sizeof(*s));
	static bool ready;

	if (!s || (!ready && srtp_init() != srtp_err_status_ok))
		abort();
	ready = true;
	s->options = *options;
	s->tag = 1;
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
		if (strcmp(suites[i].name, options->suite) == 0)
			s->suite = &suites[i];
	if (!s->suite) {
		free(s);
		return NULL;
	}
	random_key(s->ours, master_size(s));
	make_out(s);
	return s;
}

void secure_free(struct rtp_secure *s)
{
	if (!s)
		return;
	if (s->in)
		srtp_dealloc(s->in);
	if (s->out)
		srtp_dealloc(s->out);
	free(s);
}

void secure_rekey(struct rtp_secure *s)
{
	random_key(s->next, master_size(s));
	s->rekeying = true;
}

void secure_settle(struct rtp_secure *s)
{
	if (!s->rekeying)
		return;
	memcpy(s->ours, s->next, sizeof(s->ours));
	s->rekeying = false;
	make_out(s);
}

const char *secure_profile(const struct rtp_secure *s, bool answer)
{
	if (!s || s->options.best_effort || (answer && s->refused))
		return "RTP/AVP";
	return "RTP/SAVP";
}

void secure_write(const struct rtp_secure *s, bool answer, char *out, size_t size)
{
	uint8_t text[MAX_MASTER * 2];

	*out = 0;
	if (!s || (answer && s->refused))
		return;
	EVP_EncodeBlock(text, s->rekeying ? s->next : s->ours, master_size(s));
	snprintf(out, size, "a=crypto:%d %s inline:%s%s\r\n", answer ? s->tag : 1, s->suite->name,
		text, s->options.mki ? "|2^31|1:1" : "");
}

// ---- packets

static bool protect(void *state, uint8_t *packet, int *size, bool rtcp)
{
	struct rtp_secure *s = state;
	unsigned mki = s->options.mki;

	return (rtcp ? srtp_protect_rtcp_mki(s->out, packet, size, mki, 0)
		     : srtp_protect_mki(s->out, packet, size, mki, 0)) == srtp_err_status_ok;
}

static bool unprotect(void *state, uint8_t *packet, int *size, bool rtcp)
{
	struct rtp_secure *s = state;
	unsigned mki = s->in_mki;

	return (rtcp ? srtp_unprotect_rtcp_mki(s->in, packet, size, mki)
		     : srtp_unprotect_mki(s->in, packet, size, mki)) == srtp_err_status_ok;
}

static bool take_line(struct rtp_secure *s, const char *line)
{
	char suite[40], params[128], *bar;
	uint8_t key[128];
	int tag, size;

	if (sscanf(line, "%d %39s inline:%127s", &tag, suite, params) != 3 ||
		strcmp(suite, s->suite->name) != 0)
		return false;
	s->in_mki = strchr(params, ':') != NULL; // no base64 and no lifetime has a colon
	bar = strchr(params, '|');
	if (bar)
		*bar = 0;
	size = (int)strlen(params);
	while (size % 4)
		params[size++] = '=';
	params[size] = 0;
	if (EVP_DecodeBlock(key, (uint8_t *)params, size) < master_size(s))
		return false;
	s->tag = tag;
	// The same key goes on with all that it has counted.
	if (s->in && memcmp(key, s->theirs, (size_t)master_size(s)) == 0)
		return true;
	memcpy(s->theirs, key, (size_t)master_size(s));
	if (s->in)
		srtp_dealloc(s->in);
	s->in = session(s, s->theirs, true);
	return true;
}

bool secure_read(struct rtp_secure *s, const struct sdp_audio *remote, struct rtp_stream *stream)
{
	bool found = false;

	for (int i = 0; i < remote->crypto_count && !found; i++)
		found = take_line(s, remote->crypto[i]);
	s->refused = !found;
	stream->guard = (struct rtp_guard){0};
	stream->guard_due = false;
	if (found)
		stream->guard = (struct rtp_guard){protect, unprotect, s};
	return found;
}
