// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/call/secure.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "controlplane/call/call.h"
#include "controlplane/call/ice.h"
#include "controlplane/call/media.h"
#include "controlplane/secure/dtls.h"
#include "controlplane/shm/secure.h"

// ---- in the SDP -----------------------------------------------------------------------------------

static bool mentions(struct sip_slice body, const char *what)
{
	return body.n && memmem(body.p, body.n, what, strlen(what)) != NULL;
}

static bool wants_some(struct sip_slice body)
{
	return mentions(body, "/SAVP") || mentions(body, "a=crypto:") ||
	       mentions(body, "a=fingerprint:");
}

static int secure(struct cp_call *call, struct sdp_oa *oa, unsigned leg)
{
	const struct cfg_peer *cfg = call->leg[leg].peer->cfg;
	struct cp_shard *shard = call->shard;
	struct sdp_security s = {.srtp = (uint8_t)cfg->srtp, .browser = cfg->kind == CFG_WEBRTC};
	int err;

	s.suite_count = cfg->suite_count;
	memcpy(s.suites, cfg->suites, cfg->suite_count);
	snprintf(s.fingerprint, sizeof(s.fingerprint), "%s", shard->fingerprint);
	shard->ops->random(shard->ctx, s.secret, sizeof(s.secret));
	err = sdp_oa_secure(oa, (enum sdp_leg)leg, &s);
	explicit_bzero(&s, sizeof(s));
	return err;
}

int cp_secure_taking(struct cp_call *call, struct sdp_oa *oa, unsigned leg, struct sip_slice body)
{
	const struct cfg_peer *cfg = call->leg[leg].peer->cfg;

	if (sdp_oa_is_secured(oa, (enum sdp_leg)leg) || cfg->srtp == CFG_SRTP_OFF ||
		(cfg->srtp == CFG_SRTP_ACCEPT && !wants_some(body)))
		return 0;
	return secure(call, oa, leg);
}

int cp_secure_offering(struct cp_call *call, struct sdp_oa *oa, unsigned leg)
{
	enum cfg_srtp srtp = call->leg[leg].peer->cfg->srtp;
	bool secured = sdp_oa_is_secured(oa, (enum sdp_leg)leg);

	// What was agreed stays; the target before this one had another policy, maybe.
	if (oa->agreed_once || oa->state == SDP_OA_SHOWN || oa->state == SDP_OA_ANSWERED)
		return 0;
	if (!secured && (srtp == CFG_SRTP_OFF || srtp == CFG_SRTP_ACCEPT))
		return 0;
	return secure(call, oa, leg);
}

// ---- DTLS -----------------------------------------------------------------------------------------

#define STRANGER_US 2000000u // that a handshake may take before another source may begin one

static uint64_t dtls_id(const struct cp_session *s, unsigned leg, unsigned component)
{
	uint64_t lives = s->secure[leg]->dtls[component].lives & 0x1ff;

	return (uint64_t)s->slot << 43 | lives << 34 | (uint64_t)component << 33 |
	       (uint64_t)leg << 32 | s->generation;
}

static void dtls_close(struct cp_session *s, unsigned leg, unsigned component)
{
	struct cp_association *a = &s->secure[leg]->dtls[component];
	struct cp_shard *shard = s->call->shard;

	if (a->id && shard->ops->dtls_close)
		shard->ops->dtls_close(shard->ctx, a->id);
	a->id = 0;
}

static void dtls_open(
	struct cp_session *s, unsigned leg, unsigned component, const struct abi_addr *remote)
{
	struct cp_secure *c = s->secure[leg];
	struct cp_association *a = &c->dtls[component];
	struct cp_shard *shard = s->call->shard;
	uint64_t id;

	if (a->id || !shard->ops->dtls_open || !c->fingerprints[0])
		return;
	a->lives++;
	id = dtls_id(s, leg, component);
	a->remote = *remote;
	if (shard->ops->dtls_open(
		    shard->ctx, id, c->active, shard->fingerprint, c->fingerprints, remote) == 0) {
		a->id = id;
		a->since_us = shard->now_us;
	}
}

// The active side needs to know where to: by ICE, or by the SDP.
void cp_secure_dtls_begin(struct cp_session *s, unsigned leg)
{
	struct cp_secure *c = s->secure[leg];

	if (!c || c->keying != SDP_KEY_DTLS || !c->active)
		return;
	if (!c->dtls[0].id && !c->has_keys[0] && (c->ice ? c->nominated : s->remote[leg].port != 0))
		dtls_open(s, leg, 0, c->ice ? &c->dtls[0].remote : &s->remote[leg]);
	if (c->two && !c->dtls[1].id && !c->has_keys[1] &&
		(c->ice ? c->dtls[1].remote.port : c->rtcp.port))
		dtls_open(s, leg, 1, c->ice ? &c->dtls[1].remote : &c->rtcp);
}

static struct cp_session *session_at(struct cp_shard *shard, uint32_t slot, uint32_t generation)
{
	struct cp_session *s = slot < shard->slots ? shard->by_slot[slot] : NULL;

	return s && s->generation == generation && s->state != CP_SESSION_DELETING ? s : NULL;
}

static struct cp_session *session_of(
	struct cp_shard *shard, uint64_t id, unsigned *leg, unsigned *component)
{
	struct cp_session *s = session_at(shard, (uint32_t)(id >> 43), (uint32_t)id);

	*leg = id >> 32 & 1;
	*component = id >> 33 & 1;
	return s && s->secure[*leg] && s->secure[*leg]->dtls[*component].id == id ? s : NULL;
}

static bool same_addr(const struct abi_addr *a, const struct abi_addr *b)
{
	return a->family == b->family && a->port == b->port && memcmp(a->ip, b->ip, 16) == 0;
}

static bool takes_dtls(const struct cp_secure *c, const struct abi_punt *packet)
{
	return c && packet->kind == ABI_PUNT_DTLS && c->keying == SDP_KEY_DTLS && packet->valid &&
	       packet->component <= (c->two ? 1 : 0);
}

bool cp_shard_punt(struct cp_shard *shard, const struct abi_punt *packet)
{
	struct cp_session *s = session_at(shard, packet->slot, packet->generation);
	struct cp_secure *c = s && packet->leg < 2 ? s->secure[packet->leg] : NULL;
	struct cp_association *a;

	if (c && packet->kind == ABI_PUNT_STUN)
		return cp_ice_punt(s, packet);
	if (!takes_dtls(c, packet) || !shard->ops->dtls_feed)
		return false;
	a = &c->dtls[packet->component];
	// Without ICE anybody may say hello; he does not disturb one who is at it, unless he speaks from exactly
	// where the party said that it is.
	if (a->id && !c->has_keys[packet->component] && !c->ice &&
		!same_addr(&a->remote, &packet->remote)) {
		if (shard->now_us - a->since_us < STRANGER_US &&
			!same_addr(packet->component ? &c->rtcp : &s->remote[packet->leg],
				&packet->remote))
			return true;
		dtls_close(s, packet->leg, packet->component);
	}
	if (!a->id && !c->active)
		dtls_open(s, packet->leg, packet->component, &packet->remote);
	if (c->ice)
		a->remote = packet->remote;
	if (a->id)
		shard->ops->dtls_feed(shard->ctx, a->id, packet->data, packet->length);
	return true;
}

void cp_shard_dtls_send(struct cp_shard *shard, uint64_t id, const uint8_t *bytes, size_t n)
{
	struct abi_punt packet = {.kind = ABI_PUNT_DTLS};
	unsigned leg, component;
	struct cp_session *s = session_of(shard, id, &leg, &component);

	if (!s || !shard->ops->inject || n > sizeof(packet.data))
		return;
	packet.slot = s->slot;
	packet.generation = s->generation;
	packet.leg = (uint8_t)leg;
	packet.component = (uint8_t)component;
	packet.length = (uint16_t)n;
	packet.remote = s->secure[leg]->dtls[component].remote;
	memcpy(packet.data, bytes, n);
	shard->ops->inject(shard->ctx, &packet);
}

static uint8_t suite_of(uint16_t profile)
{
	switch (profile) {
	case CP_SRTP_AES128_CM_SHA1_80:
		return ABI_SRTP_AES_CM_128_HMAC_SHA1_80;
	case CP_SRTP_AES128_CM_SHA1_32:
		return ABI_SRTP_AES_CM_128_HMAC_SHA1_32;
	case CP_SRTP_AEAD_AES_128_GCM:
		return ABI_SRTP_AEAD_AES_128_GCM;
	default:
		return ABI_SRTP_AEAD_AES_256_GCM;
	}
}

static void fill(struct abi_srtp_key *key, uint8_t suite, const uint8_t *k, size_t key_size,
	const uint8_t *salt, size_t salt_size)
{
	memset(key, 0, sizeof(*key));
	key->suite = suite;
	memcpy(key->key, k, key_size);
	memcpy(key->salt, salt, salt_size);
}

static const uint8_t owed_keys[2] = {CP_SECURE_KEYS, CP_SECURE_RTCP_KEYS};

static void begin_keys(struct abi_leg_keys *keys, unsigned leg, unsigned component)
{
	memset(keys, 0, sizeof(*keys));
	keys->leg = (uint8_t)leg;
	keys->component = (uint8_t)component;
	keys->directions = 1 << ABI_IN | 1 << ABI_OUT;
}

void cp_shard_dtls_ready(struct cp_shard *shard, uint64_t id, const struct cp_dtls_keys *keys)
{
	unsigned leg, component;
	struct cp_session *s = session_of(shard, id, &leg, &component);
	uint8_t suite = suite_of(keys->profile);
	struct abi_leg_keys *to;
	struct cp_secure *c;

	if (!s)
		return;
	c = s->secure[leg];
	to = &c->keys[component];
	begin_keys(to, leg, component);
	fill(&to->key[ABI_IN], suite, keys->theirs.key, keys->key_size, keys->theirs.salt,
		keys->salt_size);
	fill(&to->key[ABI_OUT], suite, keys->ours.key, keys->key_size, keys->ours.salt,
		keys->salt_size);
	c->has_keys[component] = true;
	c->owed |= owed_keys[component];
	cp_count(shard, CP_C_DTLS_READY);
	cp_call_event(s->call, (uint8_t)leg, "DTLS%s is up: %s", component ? " of RTCP" : "",
		abi_suite_of(suite)->name);
	cp_call_touch(s->call, true);
	cp_media_more(s);
}

void cp_shard_dtls_failed(struct cp_shard *shard, uint64_t id, const char *why)
{
	unsigned leg, component;
	struct cp_session *s = session_of(shard, id, &leg, &component);
	struct cp_secure *c;
	char text[96];

	if (!s)
		return;
	c = s->secure[leg];
	dtls_close(s, leg, component);
	cp_call_event(s->call, (uint8_t)leg, "DTLS%s: %s", component ? " of RTCP" : "", why);
	if (c->has_keys[component]) // the party is leaving, or was asked for other keys
		return;
	cp_count(shard, CP_C_DTLS_FAILED);
	// Who spoke without ICE need not have been the party. A call can do without RTCP.
	if (component || (!c->ice && !c->active))
		return;
	snprintf(text, sizeof(text), "DTLS: %.80s", why);
	cp_reason_set(s->call, "Q.850", 79, text);
	cp_call_end(s->call, CP_BY_HAWSE, 488, sip_str("Not Acceptable Here"), NULL);
}

// ---- plans ----------------------------------------------------------------------------------------

static void drop(struct cp_session *s, unsigned leg)
{
	struct cp_secure *c = s->secure[leg];

	if (!c)
		return;
	dtls_close(s, leg, 0);
	dtls_close(s, leg, 1);
	cp_ice_stop(s, leg);
	explicit_bzero(c, sizeof(*c));
	free(c);
	s->secure[leg] = NULL;
}

void cp_secure_free(struct cp_session *s)
{
	drop(s, 0);
	drop(s, 1);
	free(s->resume);
	s->resume = NULL;
}

static void fill_sdes(struct abi_srtp_key *key, const struct sdp_crypto *from, bool mki)
{
	fill(key, from->suite, from->key, sdp_suite_key(from->suite), from->salt,
		sdp_suite_salt(from->suite));
	if (!mki)
		return;
	key->mki_length = from->mki_length;
	memcpy(key->mki, from->mki, from->mki_length);
}

static void plan_sdes(struct cp_secure *c, unsigned leg, const struct sdp_plan_secure *in)
{
	struct abi_leg_keys keys;

	begin_keys(&keys, leg, 0);
	fill_sdes(&keys.key[ABI_IN], &in->theirs, true);
	fill_sdes(&keys.key[ABI_OUT], &in->ours, false);
	if (!c->has_keys[0] || memcmp(&keys, &c->keys[0], sizeof(keys)) != 0) {
		c->keys[0] = keys;
		c->has_keys[0] = true;
		c->owed |= CP_SECURE_KEYS;
	}
	explicit_bzero(&keys, sizeof(keys));
}

// RTCP is apart, or is not any more: then it has the keys of RTP again.
static void plan_rtcp(struct cp_session *s, unsigned leg, const struct sdp_plan_leg *in)
{
	struct cp_secure *c = s->secure[leg];
	bool two = in->secure.keying == SDP_KEY_DTLS && !in->rtcp_mux;

	c->rtcp = (struct abi_addr){0};
	if (two && in->rtcp.family) {
		c->rtcp.family = in->rtcp.family;
		c->rtcp.port = in->rtcp.port;
		memcpy(c->rtcp.ip, in->rtcp.ip, sizeof(c->rtcp.ip));
	}
	if (c->two && !two) {
		dtls_close(s, leg, 1);
		if (c->has_keys[1])
			c->owed |= CP_SECURE_RTCP_KEYS;
		c->has_keys[1] = false;
	}
	c->two = two;
}

static void plan_dtls(struct cp_session *s, unsigned leg, const struct sdp_plan_secure *in)
{
	struct cp_secure *c = s->secure[leg];

	if (!c->fingerprints[0] || strcmp(c->fingerprints, in->fingerprints) != 0 ||
		c->active != in->active) {
		for (unsigned component = 0; component < 2; component++) {
			dtls_close(s, leg, component);
			c->has_keys[component] = false;
		}
		c->active = in->active;
		snprintf(c->fingerprints, sizeof(c->fingerprints), "%s", in->fingerprints);
	}
	cp_secure_dtls_begin(s, leg);
}

// It says who controls when both think so; the same one as long as we do.
static uint64_t tie_breaker(const struct cp_session *s, const struct cp_secure *c)
{
	struct cp_shard *shard = s->call->shard;
	uint64_t tie = c->credentials.tie_breaker;

	if (c->credentials.role != ABI_ICE_CONTROLLING)
		shard->ops->random(shard->ctx, &tie, sizeof(tie));
	return tie;
}

static void plan_ice(struct cp_session *s, unsigned leg, const struct sdp_plan_secure *in)
{
	struct abi_leg_ice ice = {.leg = (uint8_t)leg, .role = ABI_ICE_LITE};
	struct cp_secure *c = s->secure[leg];

	if (in->lite) {
		ice.role = ABI_ICE_CONTROLLING;
		ice.tie_breaker = tie_breaker(s, c);
	}
	ice.local_ufrag_length = (uint8_t)strlen(in->ufrag);
	ice.local_pwd_length = (uint8_t)strlen(in->pwd);
	memcpy(ice.local_ufrag, in->ufrag, ice.local_ufrag_length);
	memcpy(ice.local_pwd, in->pwd, ice.local_pwd_length);
	if (in->remote_ufrag.len <= ABI_ICE_UFRAG) {
		ice.remote_ufrag_length = (uint8_t)in->remote_ufrag.len;
		memcpy(ice.remote_ufrag, in->remote_ufrag.ptr, in->remote_ufrag.len);
	}
	if (!c->ice || memcmp(&ice, &c->credentials, sizeof(ice)) != 0) {
		c->credentials = ice;
		c->owed |= CP_SECURE_ICE;
	}
	c->ice = c->known = true;
	explicit_bzero(&ice, sizeof(ice));
}

// DTLS is punted from a leg that has a place for what will come of it: a role of none makes one.
static void plan_without_ice(struct cp_secure *c)
{
	if (c->ice || !c->known)
		c->owed |= CP_SECURE_ICE;
	c->ice = false;
	c->known = true;
}

int cp_secure_plan(
	struct cp_session *s, unsigned leg, const struct sdp_plan_leg *in, struct abi_leg_plan *out)
{
	const struct sdp_plan_secure *p = &in->secure;
	struct cp_secure *c = s->secure[leg];

	if (p->keying == SDP_KEY_PASS)
		out->flags |= ABI_LEG_OPAQUE;
	if (p->keying != SDP_KEY_SDES && p->keying != SDP_KEY_DTLS && !p->ice) {
		drop(s, leg);
		return 0;
	}
	if (!c)
		c = s->secure[leg] = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	if (c->keying != p->keying)
		c->has_keys[0] = c->has_keys[1] = false;
	plan_rtcp(s, leg, in);
	c->keying = p->keying;
	if (p->keying == SDP_KEY_SDES || p->keying == SDP_KEY_DTLS)
		out->flags |= ABI_LEG_SRTP_IN | ABI_LEG_SRTP_OUT;
	if (p->keying == SDP_KEY_SDES)
		plan_sdes(c, leg, p);
	if (!p->ice || !p->lite)
		cp_ice_stop(s, leg);
	if (p->ice) {
		plan_ice(s, leg, p);
		if (p->lite && cp_ice_check(s, leg, in, c->credentials.tie_breaker))
			return -ENOMEM;
		out->flags |= ABI_LEG_ICE_FIRST;
		if (in->send)
			out->flags |= ABI_LEG_SEND | ABI_LEG_RTCP;
		// Of parties that are not lite the worker knows whether they consent.
		if (c->lost && p->lite)
			out->flags &= ~(uint32_t)(ABI_LEG_SEND | ABI_LEG_RTCP);
		out->source_policy = ABI_SOURCE_ANY;
	} else if (p->keying == SDP_KEY_DTLS || c->ice) {
		plan_without_ice(c);
	}
	if (p->keying == SDP_KEY_DTLS) {
		out->flags |= ABI_LEG_DTLS;
		plan_dtls(s, leg, p);
	}
	return 0;
}

// ---- commands -------------------------------------------------------------------------------------

bool cp_secure_is(uint16_t type)
{
	return type == ABI_LEG_KEYS || type == ABI_LEG_ICE || type == ABI_SESSION_RESUME;
}

static void next_keys(struct cp_session *s, struct cp_secure *c, unsigned leg, unsigned component,
	struct abi_msg *m)
{
	struct abi_leg_keys *keys = (struct abi_leg_keys *)m->payload;

	c->owed &= (uint8_t)~owed_keys[component];
	abi_msg_init(m, ABI_LEG_KEYS, 0, s->slot, s->generation);
	if (!c->has_keys[component]) { // those of RTCP are to be forgotten
		begin_keys(keys, leg, component);
		return;
	}
	*keys = c->keys[component];
	if (s->resume && s->resume->have[leg])
		cp_shm_resume_keys(&s->resume->leg[leg], keys);
	if (component)
		return;
	s->call->leg[leg].suite = keys->key[ABI_IN].suite;
	s->call->leg[leg].keying = c->keying;
}

static bool next_of_leg(struct cp_session *s, struct cp_secure *c, unsigned leg, struct abi_msg *m)
{
	if (c->owed & CP_SECURE_NOMINATED) {
		struct abi_session_resume *r = (struct abi_session_resume *)m->payload;

		c->owed &= (uint8_t)~CP_SECURE_NOMINATED;
		abi_msg_init(m, ABI_SESSION_RESUME, 0, s->slot, s->generation);
		r->leg[leg].rtp = c->dtls[0].remote;
		r->leg[leg].rtcp = c->two ? c->dtls[1].remote : (struct abi_addr){0};
		return true;
	}
	if (c->owed & CP_SECURE_ICE) {
		c->owed &= (uint8_t)~CP_SECURE_ICE;
		abi_msg_init(m, ABI_LEG_ICE, 0, s->slot, s->generation);
		if (c->ice)
			memcpy(m->payload, &c->credentials, sizeof(c->credentials));
		else
			((struct abi_leg_ice *)m->payload)->leg = (uint8_t)leg;
		return true;
	}
	if (c->owed & CP_SECURE_KEYS && c->has_keys[0])
		next_keys(s, c, leg, 0, m);
	else if (c->owed & CP_SECURE_RTCP_KEYS)
		next_keys(s, c, leg, 1, m);
	else
		return false;
	return true;
}

// All that hawse-media has to know of a leg.
static uint8_t everything(const struct cp_secure *c)
{
	bool place = c->ice || c->keying == SDP_KEY_DTLS;

	return (uint8_t)((place ? CP_SECURE_ICE : 0) | (c->has_keys[0] ? CP_SECURE_KEYS : 0) |
			 (c->has_keys[1] ? CP_SECURE_RTCP_KEYS : 0));
}

bool cp_secure_next(struct cp_session *s, struct abi_msg *command)
{
	for (unsigned leg = 0; leg < 2; leg++)
		if (s->secure[leg] && next_of_leg(s, s->secure[leg], leg, command))
			return true;
	if (s->resume && !s->resume->told) {
		struct abi_session_resume *r = (struct abi_session_resume *)command->payload;

		s->resume->told = true;
		abi_msg_init(command, ABI_SESSION_RESUME, 0, s->slot, s->generation);
		for (unsigned leg = 0; leg < 2; leg++)
			if (s->resume->have[leg])
				cp_shm_resume_learned(&s->resume->leg[leg], leg, r);
		return true;
	}
	free(s->resume); // all is told
	s->resume = NULL;
	return false;
}

void cp_secure_failed(struct cp_session *s)
{
	for (unsigned leg = 0; leg < 2; leg++) {
		struct cp_secure *c = s->secure[leg];

		// Which leg it was the reply does not say; saying it twice does no harm.
		if (c)
			c->owed |= everything(c);
	}
	if (s->resume)
		s->resume->told = false;
}

void cp_secure_again(struct cp_session *s)
{
	struct cp_shard *shard = s->call->shard;
	struct cp_resume *r = s->resume ? s->resume : calloc(1, sizeof(*r));

	for (unsigned leg = 0; leg < 2; leg++) {
		struct cp_secure *c = s->secure[leg];

		if (c)
			c->owed = everything(c);
	}
	if (!r)
		return;
	s->resume = r;
	r->told = false;
	for (unsigned leg = 0; leg < 2 && shard->ops->resume; leg++)
		r->have[leg] = shard->ops->resume(shard->ctx, s->epoch, s->slot, s->generation, leg,
				       &r->leg[leg]) == 0;
	if (r->have[0] || r->have[1])
		return;
	free(r);
	s->resume = NULL;
}

// ---- the journal ----------------------------------------------------------------------------------

void cp_secure_tape(struct sip_tape *t, struct cp_secure *c)
{
	sip_tape_u8(t, &c->keying);
	sip_tape_bool(t, &c->active);
	sip_tape_bool(t, &c->ice);
	sip_tape_bool(t, &c->two);
	sip_tape_check(t, c->keying <= SDP_KEY_DTLS);
	for (unsigned i = 0; i < 2; i++) {
		sip_tape_bool(t, &c->has_keys[i]);
		if (c->has_keys[i])
			sip_tape_bytes(t, &c->keys[i], sizeof(c->keys[i]));
	}
	if (c->ice)
		sip_tape_bytes(t, &c->credentials, sizeof(c->credentials));
	sip_tape_text(t, c->fingerprints, sizeof(c->fingerprints));
	sip_tape_check(t, c->keys[0].leg < 2 && c->keys[1].leg < 2);
}

// ---- for records ----------------------------------------------------------------------------------

const char *cp_secure_suite(const struct cp_call *call, unsigned leg)
{
	const struct abi_suite *suite = abi_suite_of(call->leg[leg].suite);

	return suite ? suite->name : "";
}

const char *cp_secure_keying(const struct cp_call *call, unsigned leg)
{
	if (!call->leg[leg].suite)
		return "";
	return call->leg[leg].keying == SDP_KEY_DTLS ? "dtls" : "sdes";
}
