// SPDX-License-Identifier: BSD-3-Clause
//
// Which security each stream of a leg has, the lines that say so, and what the plan is told of it. Everything
// follows from the bodies of both sides and the leg's policy; see secure.h.
#include "sip/sdp/oa.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "sip/sdp/keys.h"

#define UFRAG_OCTETS 8u
#define PWD_OCTETS   24u

static const uint8_t usual[] = {SDP_AEAD_AES_256_GCM, SDP_AEAD_AES_128_GCM,
	SDP_AES_CM_128_HMAC_SHA1_80, SDP_AES_CM_128_HMAC_SHA1_32};
static const uint8_t all[] = {SDP_AEAD_AES_256_GCM, SDP_AEAD_AES_128_GCM,
	SDP_AES_256_CM_HMAC_SHA1_80, SDP_AES_CM_128_HMAC_SHA1_80, SDP_AES_192_CM_HMAC_SHA1_80,
	SDP_AES_256_CM_HMAC_SHA1_32, SDP_AES_192_CM_HMAC_SHA1_32, SDP_AES_CM_128_HMAC_SHA1_32};

// ---- shared among clones ------------------------------------------------------------------------

int sdp_oa_secure(struct sdp_oa *oa, enum sdp_leg leg, const struct sdp_security *security)
{
	struct sdp_secure *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	s->refs = 1;
	s->is = *security;
	sdp_secure_put(oa->secure[leg]);
	oa->secure[leg] = s;
	return 0;
}

bool sdp_oa_is_secured(const struct sdp_oa *oa, enum sdp_leg leg)
{
	return oa->secure[leg] != NULL;
}

void sdp_secure_get(struct sdp_secure *s)
{
	if (s != NULL)
		s->refs++;
}

void sdp_secure_put(struct sdp_secure *s)
{
	if (s == NULL || --s->refs != 0)
		return;
	OPENSSL_cleanse(s, sizeof(*s));
	free(s);
}

// ---- what a description asks for ----------------------------------------------------------------

static const uint8_t *order_of(const struct sdp_security *s, bool offered, unsigned *n)
{
	if (s->suite_count != 0) {
		*n = s->suite_count;
		return s->suites;
	}
	*n = offered ? sizeof(usual) : sizeof(all);
	return offered ? usual : all;
}

static unsigned rank(const uint8_t *order, unsigned n, unsigned suite)
{
	for (unsigned i = 0; i < n; i++)
		if (order[i] == suite)
			return i;
	return n;
}

// The offered line whose suite we like best.
static bool choose_crypto(const struct sdp_security *s, const struct sdp_session *tree,
	const struct sdp_media *m, struct sdp_crypto *out)
{
	const struct sdp_line *line = NULL;
	unsigned n, best, looked = 0;
	const uint8_t *order = order_of(s, false, &n);
	struct sdp_crypto c;

	best = n;
	while ((line = sdp_find(tree, m, SDP_A_CRYPTO, line)) != NULL && looked++ < SDP_CRYPTOS) {
		if (sdp_crypto_parse(sdp_line_value(line), &c) != 0 ||
			rank(order, n, c.suite) >= best)
			continue;
		best = rank(order, n, c.suite);
		*out = c;
	}
	OPENSSL_cleanse(&c, sizeof(c));
	return best < n;
}

static bool has_crypto(
	const struct sdp_security *s, const struct sdp_session *tree, const struct sdp_media *m)
{
	struct sdp_crypto c;
	bool found = choose_crypto(s, tree, m, &c);

	OPENSSL_cleanse(&c, sizeof(c));
	return found;
}

static enum sdp_keying classify(
	const struct sdp_secure *secure, const struct sdp_session *tree, const struct sdp_media *m)
{
	const bool srtp = sdp_proto_is_secure(m->proto);
	const struct sdp_security *s = secure != NULL ? &secure->is : NULL;
	bool sdes, dtls, only_dtls = m->proto == SDP_DTLS_SAVP || m->proto == SDP_DTLS_SAVPF;

	if (!sdp_proto_is_rtp(m->proto))
		return SDP_KEY_PLAIN; // refused for that
	if (s == NULL || s->srtp == SDP_SRTP_OFF)
		return srtp ? SDP_KEY_REFUSED : SDP_KEY_PLAIN;
	if (s->srtp == SDP_SRTP_PASS) {
		if (only_dtls)
			return SDP_KEY_REFUSED;
		return sdp_find(tree, m, SDP_A_CRYPTO, NULL) != NULL ? SDP_KEY_PASS
			: srtp ? SDP_KEY_REFUSED : SDP_KEY_PLAIN;
	}
	sdes = s->srtp != SDP_SRTP_DTLS && !only_dtls && has_crypto(s, tree, m);
	dtls = s->srtp != SDP_SRTP_SDES && s->fingerprint[0] != '\0' &&
	       sdp_value(tree, m, SDP_A_FINGERPRINT).len != 0;
	if (sdes)
		return SDP_KEY_SDES;
	if (dtls)
		return SDP_KEY_DTLS;
	return srtp || s->srtp == SDP_SRTP_SDES || s->srtp == SDP_SRTP_DTLS ? SDP_KEY_REFUSED
									     : SDP_KEY_PLAIN;
}

static bool keep_text(struct sdp_str text, char *out, size_t size)
{
	if (text.len == 0 || text.len >= size)
		return false;
	memcpy(out, text.ptr, text.len);
	out[text.len] = '\0';
	return true;
}

// ---- ICE: where the party may be ----------------------------------------------------------------

// A candidate for RTP, of the right family: it becomes the address of the m-line.
static bool take_candidate(struct sdp_str value, struct sdp_media *m)
{
	struct sdp_candidate c;
	struct sdp_str part = {NULL, 0};

	if (!sdp_candidate_parse(value, &c) || c.component != 1 ||
		c.family != (m->conn.type == 6 ? 6 : 4))
		return false;
	for (unsigned i = 0; i < 5; i++)
		part = sdp_str_token(&value);
	m->conn.family = c.family;
	m->conn.host = part;
	memcpy(m->conn.ip, c.ip, sizeof(m->conn.ip));
	m->port = c.port;
	return true;
}

// A browser that hides its addresses says 0.0.0.0 and port 9, which is no hold.
static void find_address(const struct sdp_session *tree, struct sdp_media *m)
{
	const struct sdp_line *line = NULL;

	if (m->port == 0 || (m->conn.family != 0 && !sdp_addr_is_hold(&m->conn)))
		return;
	while ((line = sdp_find(tree, m, SDP_A_CANDIDATE, line)) != NULL)
		if (take_candidate(sdp_line_value(line), m))
			return;
}

void sdp_secure_mark(const struct sdp_secure *secure, struct sdp_session *tree)
{
	for (unsigned i = 0; tree != NULL && i < tree->n_media; i++) {
		struct sdp_media *m = &tree->media[i];

		m->keying = (uint8_t)classify(secure, tree, m);
		m->ice = secure != NULL && secure->is.browser &&
			 sdp_value(tree, m, SDP_A_ICE_UFRAG).len != 0 &&
			 sdp_value(tree, m, SDP_A_ICE_PWD).len != 0;
		if (m->ice)
			find_address(tree, m);
	}
	if (tree != NULL && secure != NULL && secure->is.browser)
		sdp_bundle_mark(tree);
}

// ---- an answer to what we offered ---------------------------------------------------------------

// The answer's line among those that we offered: same tag, same suite.
static bool answered_crypto(const struct sdp_security *s, const struct sdp_session *tree,
	const struct sdp_media *m, struct sdp_crypto *out)
{
	const struct sdp_line *line = sdp_find(tree, m, SDP_A_CRYPTO, NULL);
	unsigned n;
	const uint8_t *order = order_of(s, true, &n);

	return line != NULL && sdp_crypto_parse(sdp_line_value(line), out) == 0 && out->tag >= 1 &&
	       out->tag <= n && order[out->tag - 1] == out->suite;
}

enum sdp_keying sdp_secure_answered(const struct sdp_secure *secure,
	const struct sdp_media *shown, const struct sdp_session *tree, const struct sdp_media *answer)
{
	struct sdp_crypto c;
	bool fits;

	if (sdp_proto_is_secure(shown->proto) != sdp_proto_is_secure(answer->proto))
		return SDP_KEY_REFUSED;
	switch (shown->keying) {
	case SDP_KEY_PLAIN:
		return SDP_KEY_PLAIN; // keys that nobody asked for change nothing
	case SDP_KEY_SDES:
		if (answer->keying != SDP_KEY_SDES)
			return answer->keying == SDP_KEY_PLAIN ? SDP_KEY_PLAIN : SDP_KEY_REFUSED;
		fits = answered_crypto(&secure->is, tree, answer, &c);
		OPENSSL_cleanse(&c, sizeof(c));
		return fits ? SDP_KEY_SDES : SDP_KEY_REFUSED;
	default:
		return answer->keying == shown->keying || answer->keying == SDP_KEY_PLAIN
			       ? (enum sdp_keying)answer->keying
			       : SDP_KEY_REFUSED;
	}
}

// ---- DTLS: who begins ---------------------------------------------------------------------------

enum role { ROLE_UNKNOWN, ROLE_ACTIVE, ROLE_PASSIVE };

static enum role turn(enum role r)
{
	return r == ROLE_ACTIVE ? ROLE_PASSIVE : r == ROLE_PASSIVE ? ROLE_ACTIVE : r;
}

static enum role said(const struct sdp_session *tree, unsigned i)
{
	struct sdp_str setup = {NULL, 0};

	if (tree != NULL && i < tree->n_media)
		setup = sdp_value(tree, &tree->media[i], SDP_A_SETUP);
	return sdp_str_is_nocase(setup, "active")    ? ROLE_ACTIVE
	       : sdp_str_is_nocase(setup, "passive") ? ROLE_PASSIVE
						     : ROLE_UNKNOWN;
}

// Ours, as it was agreed before this exchange.
static enum role agreed_role(
	const struct sdp_oa *oa, struct sdp_arena *scratch, enum sdp_leg leg, unsigned i)
{
	const struct sdp_oa_view *v = &oa->agreed;
	struct sdp_session *tree = NULL;

	if (!oa->agreed_once)
		return ROLE_UNKNOWN;
	if (v->offerer == leg)
		return sdp_oa_tree(scratch, v->shown[leg], &tree) == 0 ? said(tree, i) : ROLE_UNKNOWN;
	return sdp_oa_tree(scratch, v->from[leg], &tree) == 0 ? turn(said(tree, i)) : ROLE_UNKNOWN;
}

// Our role in the answer to an offer of this leg. A browser finds its way to us by ICE, so it may begin.
static bool answer_active(const struct sdp_oa *oa, struct sdp_arena *scratch, enum sdp_leg leg,
	const struct sdp_session *offer, unsigned i)
{
	enum role theirs = said(offer, i);

	if (theirs == ROLE_UNKNOWN)
		return agreed_role(oa, scratch, leg, i) == ROLE_ACTIVE;
	return theirs == ROLE_PASSIVE;
}

// ---- ICE: ours ----------------------------------------------------------------------------------

struct credentials {
	struct sdp_str ufrag, pwd;
};

static struct credentials credentials_of(const struct sdp_session *tree, unsigned i)
{
	struct credentials c = {{NULL, 0}, {NULL, 0}};

	if (tree == NULL || i >= tree->n_media)
		return c;
	c.ufrag = sdp_value(tree, &tree->media[i], SDP_A_ICE_UFRAG);
	c.pwd = sdp_value(tree, &tree->media[i], SDP_A_ICE_PWD);
	return c;
}

static bool same_credentials(const struct credentials *a, const struct credentials *b)
{
	return sdp_str_equal(a->ufrag, b->ufrag) && sdp_str_equal(a->pwd, b->pwd);
}

static void derive_credentials(const struct sdp_security *s, const struct credentials *theirs,
	char ufrag[SDP_UFRAG], char pwd[SDP_PWD])
{
	char text[512];
	size_t n = 0;
	uint8_t bytes[64];

	for (uint32_t i = 0; i < theirs->ufrag.len && n < 256; i++)
		text[n++] = theirs->ufrag.ptr[i];
	text[n++] = ':';
	for (uint32_t i = 0; i < theirs->pwd.len && n < sizeof(text); i++)
		text[n++] = theirs->pwd.ptr[i];
	sdp_derive(s, "ice", text, n, bytes);
	sdp_text_of(bytes, UFRAG_OCTETS, ufrag);
	sdp_text_of(bytes + UFRAG_OCTETS, PWD_OCTETS, pwd);
	OPENSSL_cleanse(bytes, sizeof(bytes));
}

// Those that the leg knows, unless it has begun anew (RFC 8445 9): `theirs` are then others than before.
static void our_credentials(const struct sdp_oa *oa, struct sdp_arena *scratch, enum sdp_leg leg,
	unsigned i, const struct credentials *theirs, char ufrag[SDP_UFRAG], char pwd[SDP_PWD])
{
	const struct sdp_oa_view *v = &oa->agreed;
	struct sdp_session *from = NULL, *shown = NULL;
	struct credentials before, known;

	if (oa->agreed_once && sdp_oa_tree(scratch, v->from[leg], &from) == 0 &&
		sdp_oa_tree(scratch, v->shown[leg], &shown) == 0) {
		before = credentials_of(from, i);
		known = credentials_of(shown, i);
		if ((theirs->ufrag.len == 0 || same_credentials(theirs, &before)) &&
			keep_text(known.ufrag, ufrag, SDP_UFRAG) &&
			keep_text(known.pwd, pwd, SDP_PWD))
			return;
	}
	derive_credentials(&oa->secure[leg]->is, theirs, ufrag, pwd);
}

// ---- writing ------------------------------------------------------------------------------------

static const char *profile(enum sdp_keying keying, bool browser)
{
	switch (keying) {
	case SDP_KEY_SDES:
		return "RTP/SAVP";
	case SDP_KEY_DTLS:
		return browser ? "UDP/TLS/RTP/SAVPF" : "UDP/TLS/RTP/SAVP";
	default:
		return "RTP/AVP";
	}
}

// Before anything was agreed the policy decides, then what the leg has.
static enum sdp_keying keying_to_offer(const struct sdp_secure *secure,
	const struct sdp_media *past, const struct sdp_media *offer)
{
	if (offer->keying == SDP_KEY_PASS)
		return SDP_KEY_PASS;
	if (secure == NULL)
		return SDP_KEY_PLAIN;
	if (past != NULL && past->keying != SDP_KEY_REFUSED && past->keying != SDP_KEY_PASS)
		return (enum sdp_keying)past->keying;
	switch (secure->is.srtp) {
	case SDP_SRTP_BEST_EFFORT:
	case SDP_SRTP_SDES:
		return SDP_KEY_SDES;
	case SDP_SRTP_DTLS:
		return SDP_KEY_DTLS;
	default:
		return SDP_KEY_PLAIN;
	}
}

static struct sdp_str text_of(const char *s)
{
	return (struct sdp_str){s, (uint32_t)strlen(s)};
}

void sdp_secure_offer(const struct sdp_secure *secure, const struct sdp_media *past,
	const struct sdp_media *offer, struct sdp_str *proto, enum sdp_keying *keying)
{
	*keying = keying_to_offer(secure, past, offer);
	*proto = offer->proto_text;
	if (*keying == SDP_KEY_PASS)
		return;
	if (past != NULL && secure != NULL)
		*proto = past->proto_text;
	else if (*keying == SDP_KEY_SDES && secure->is.srtp == SDP_SRTP_BEST_EFFORT)
		*proto = text_of(offer->proto == SDP_RTP_AVPF ? "RTP/AVPF" : "RTP/AVP");
	else if (*keying != SDP_KEY_PLAIN || sdp_proto_is_secure(offer->proto))
		*proto = text_of(profile(*keying, secure != NULL && secure->is.browser));
}

static void put_fingerprint(struct sdp_writer *w, const struct sdp_secure *secure, const char *setup)
{
	sdp_put(w, "a=fingerprint:%s\r\na=setup:%s\r\n", secure->is.fingerprint, setup);
}

// RFC 8445 5.1.2.1: a host candidate, the best there is.
static void put_candidate(struct sdp_writer *w, const struct sdp_local *local, unsigned component,
	unsigned port)
{
	sdp_put(w, "a=candidate:1 %u UDP %u ", component,
		(126u << 24) + (65535u << 8) + (256u - component));
	// "IP4 192.0.2.1": the address alone
	sdp_put_ip(w, local->family, local->ip);
	sdp_put(w, " %u typ host\r\n", port);
}

static void put_ice(struct sdp_writer *w, const char *ufrag, const char *pwd,
	const struct sdp_local *local, bool mux)
{
	sdp_put(w, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\n", ufrag, pwd);
	put_candidate(w, local, 1, local->rtp_port);
	if (!mux && local->rtcp_port != local->rtp_port)
		put_candidate(w, local, 2, local->rtcp_port);
	sdp_put(w, "a=end-of-candidates\r\n");
}

static void put_cryptos(struct sdp_writer *w, const struct sdp_security *s, unsigned stream)
{
	unsigned n;
	const uint8_t *order = order_of(s, true, &n);
	struct sdp_crypto c;

	for (unsigned i = 0; i < n; i++) {
		sdp_crypto_ours(s, stream, order[i], &c);
		sdp_put_crypto(w, i + 1, &c);
	}
	OPENSSL_cleanse(&c, sizeof(c));
}

void sdp_secure_put_offer(const struct sdp_oa *oa, struct sdp_arena *scratch, enum sdp_leg to,
	unsigned stream, enum sdp_keying keying, const struct sdp_local *local, bool mux,
	struct sdp_writer *w)
{
	const struct sdp_secure *secure = oa->secure[to];
	const struct credentials nobody = {{NULL, 0}, {NULL, 0}};
	char ufrag[SDP_UFRAG], pwd[SDP_PWD];

	if (secure == NULL)
		return;
	if (keying == SDP_KEY_SDES)
		put_cryptos(w, &secure->is, stream);
	if (keying == SDP_KEY_DTLS)
		put_fingerprint(w, secure, "actpass");
	if (!secure->is.browser)
		return;
	our_credentials(oa, scratch, to, stream, &nobody, ufrag, pwd);
	put_ice(w, ufrag, pwd, local, mux);
}

void sdp_secure_put_answer(const struct sdp_oa *oa, struct sdp_arena *scratch,
	const struct sdp_session *offer, unsigned stream, const struct sdp_local *local, bool mux,
	struct sdp_writer *w)
{
	const enum sdp_leg to = (enum sdp_leg)oa->pending.offerer;
	const struct sdp_secure *secure = oa->secure[to];
	const struct sdp_media *m = &offer->media[stream];
	struct sdp_crypto theirs, ours;

	if (secure == NULL)
		return;
	if (m->keying == SDP_KEY_SDES && choose_crypto(&secure->is, offer, m, &theirs)) {
		sdp_crypto_ours(&secure->is, stream, theirs.suite, &ours);
		sdp_put_crypto(w, theirs.tag, &ours);
		OPENSSL_cleanse(&ours, sizeof(ours));
		OPENSSL_cleanse(&theirs, sizeof(theirs));
	}
	if (m->keying == SDP_KEY_DTLS)
		put_fingerprint(w, secure,
			answer_active(oa, scratch, to, offer, stream) ? "active" : "passive");
	if (m->ice) {
		const struct credentials remote = credentials_of(offer, stream);
		char ufrag[SDP_UFRAG], pwd[SDP_PWD];

		our_credentials(oa, scratch, to, stream, &remote, ufrag, pwd);
		put_ice(w, ufrag, pwd, local, mux);
	}
}

// ---- the plan -----------------------------------------------------------------------------------

static void join_fingerprints(
	const struct sdp_session *tree, const struct sdp_media *m, char *out, size_t size)
{
	const struct sdp_media *at = sdp_find(tree, m, SDP_A_FINGERPRINT, NULL) != NULL ? m : NULL;
	const struct sdp_line *line = NULL;
	size_t n = 0;

	while ((line = sdp_find(tree, at, SDP_A_FINGERPRINT, line)) != NULL) {
		struct sdp_str v = sdp_line_value(line);

		if (n + v.len + 2 > size)
			break;
		if (n != 0)
			out[n++] = '\n';
		memcpy(out + n, v.ptr, v.len);
		n += v.len;
	}
	out[n] = '\0';
}

static void plan_keys(const struct sdp_security *s, unsigned stream, bool theirs,
	struct sdp_plan_secure *out)
{
	if (!theirs) {
		out->keying = SDP_KEY_REFUSED;
		return;
	}
	sdp_crypto_ours(s, stream, out->theirs.suite, &out->ours);
}

// Those that we may check: ours is one address, of one family.
static void plan_candidates(
	const struct sdp_session *tree, const struct sdp_media *m, struct sdp_plan_secure *out)
{
	const struct sdp_line *line = NULL;

	while (out->candidates < SDP_CANDIDATES &&
		(line = sdp_find(tree, m, SDP_A_CANDIDATE, line)) != NULL) {
		struct sdp_candidate *c = &out->candidate[out->candidates];

		out->candidates += sdp_candidate_parse(sdp_line_value(line), c) &&
				   (m->conn.family == 0 || c->family == m->conn.family);
	}
}

static void plan_ice(const struct sdp_session *tree, unsigned i, struct sdp_plan_secure *out)
{
	const struct credentials c = credentials_of(tree, i);

	out->ice = true;
	out->lite = sdp_find(tree, NULL, SDP_A_ICE_LITE, NULL) != NULL;
	out->remote_ufrag = c.ufrag;
	out->remote_pwd = c.pwd;
	out->mid = tree->media[i].mid;
	if (out->lite)
		plan_candidates(tree, &tree->media[i], out);
}

void sdp_secure_plan_offerer(const struct sdp_oa *oa, const struct sdp_oa_view *view,
	struct sdp_arena *scratch, const struct sdp_session *offer, unsigned i,
	struct sdp_plan_secure *out)
{
	const enum sdp_leg leg = (enum sdp_leg)view->offerer;
	const struct sdp_secure *secure = oa->secure[leg];
	const struct sdp_media *m = &offer->media[i];
	struct sdp_session *shown = NULL;

	out->keying = m->keying;
	if (secure == NULL)
		return;
	if (m->keying == SDP_KEY_SDES)
		plan_keys(&secure->is, i, choose_crypto(&secure->is, offer, m, &out->theirs), out);
	if (m->keying == SDP_KEY_DTLS) {
		// What we have said, if we have: the agreed exchange is then this one.
		enum role ours = sdp_oa_tree(scratch, view->shown[leg], &shown) == 0 &&
						 view->answer_shown
					 ? said(shown, i)
					 : ROLE_UNKNOWN;

		join_fingerprints(offer, m, out->fingerprints, sizeof(out->fingerprints));
		out->role_known = true;
		out->active = ours == ROLE_UNKNOWN ? answer_active(oa, scratch, leg, offer, i)
						   : ours == ROLE_ACTIVE;
	}
	if (m->ice) {
		const struct credentials remote = credentials_of(offer, i);

		plan_ice(offer, i, out);
		our_credentials(oa, scratch, leg, i, &remote, out->ufrag, out->pwd);
	}
}

void sdp_secure_plan_answerer(const struct sdp_oa *oa, const struct sdp_oa_view *view,
	const struct sdp_oa_trees *trees, enum sdp_keying keying, unsigned i,
	struct sdp_plan_secure *out)
{
	const struct sdp_secure *secure = oa->secure[view->offerer ^ 1];
	const struct sdp_media *m = &trees->answer->media[i];

	out->keying = (uint8_t)keying;
	if (secure == NULL)
		return;
	if (keying == SDP_KEY_SDES)
		plan_keys(&secure->is, i, answered_crypto(&secure->is, trees->answer, m, &out->theirs),
			out);
	if (keying == SDP_KEY_DTLS) {
		join_fingerprints(trees->answer, m, out->fingerprints, sizeof(out->fingerprints));
		out->role_known = true;
		out->active = said(trees->answer, i) == ROLE_PASSIVE;
	}
	if (m->ice) {
		const struct credentials ours = credentials_of(trees->shown, i);

		plan_ice(trees->answer, i, out);
		keep_text(ours.ufrag, out->ufrag, sizeof(out->ufrag));
		keep_text(ours.pwd, out->pwd, sizeof(out->pwd));
	}
}
