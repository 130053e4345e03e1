// SPDX-License-Identifier: BSD-3-Clause
// What hawse-media and our own agent tell of secured media: which pair is in use, whether its party consents still, what
// was refused.
#include "controlplane/call/secure.h"

#include "controlplane/call/call.h"
#include "controlplane/call/media.h"

// The plan is made anew, now or with what is being agreed: whether anything is sent has changed.
static void plan_again(struct cp_call *call)
{
	if (call->state == ABI_CALL_UP && !call->offer)
		cp_media_again(call);
}

void cp_secure_nominated(
	struct cp_session *s, unsigned leg, unsigned component, const struct abi_addr *remote)
{
	struct cp_secure *c = s->secure[leg];
	bool lost = c->lost && !component;

	c->nominated |= !component;
	c->lost &= !lost;
	c->dtls[component].remote = *remote;
	// The pair first; LEG_ICE then takes it for one that was checked.
	if (c->nominated)
		c->owed |= CP_SECURE_NOMINATED | CP_SECURE_ICE;
	if (!component)
		cp_call_event(s->call, (uint8_t)leg,
			lost ? "ICE: the party, which is lite, answers again"
			     : "ICE: the party is lite; our check nominated its address");
	cp_secure_dtls_begin(s, leg);
	if (lost)
		plan_again(s->call);
	cp_media_more(s);
}

void cp_secure_lost(struct cp_session *s, unsigned leg, unsigned component, bool nominated)
{
	struct cp_secure *c = s->secure[leg];

	if (component)
		return; // without RTCP a call goes on
	cp_call_event(s->call, (uint8_t)leg,
		nominated ? "ICE: the party does not consent any more; nothing is sent to it until it does"
			  : "ICE: the party does not answer our checks");
	if (!nominated)
		return;
	c->lost = true;
	cp_count(s->call->shard, CP_C_CONSENT_LOST);
	plan_again(s->call);
}

// Of RTP's pair. A worker says of the same one that it is nominated when consent has come back.
static void pair_in_use(struct cp_session *s, unsigned leg, const struct abi_event_ice *ice)
{
	struct cp_secure *c = s->secure[leg];

	cp_call_event(s->call, (uint8_t)leg,
		c->lost ? "ICE: the party consents again" : "ICE: a pair is nominated");
	c->nominated = true;
	c->lost = false;
	c->dtls[0].remote = ice->remote;
	cp_secure_dtls_begin(s, leg);
}

static void consent_lost(struct cp_session *s, unsigned leg, const struct abi_event_ice *ice)
{
	if (ice->component) {
		cp_call_event(s->call, (uint8_t)leg,
			"ICE: the party does not consent any more; no RTCP is sent to it");
		return;
	}
	s->secure[leg]->lost = true;
	cp_count(s->call->shard, CP_C_CONSENT_LOST);
	cp_call_event(s->call, (uint8_t)leg,
		"ICE: the party does not consent any more; nothing is sent to it until it does");
}

void cp_secure_event(struct cp_session *s, const struct abi_msg *event)
{
	const struct abi_event_ice *ice = (const struct abi_event_ice *)event->payload;
	const struct abi_event_srtp *srtp = (const struct abi_event_srtp *)event->payload;
	struct cp_call *call = s->call;
	unsigned leg = event->type == ABI_SRTP_FAILURES ? srtp->leg : ice->leg;
	bool known = leg < 2 && s->secure[leg];

	switch (event->type) {
	case ABI_ICE_NOMINATED:
		if (known && !ice->component)
			pair_in_use(s, leg, ice);
		return;
	case ABI_ICE_LOST:
		if (known)
			consent_lost(s, leg, ice);
		return;
	case ABI_SRTP_FAILURES:
		cp_call_event(call, leg < 2 ? (uint8_t)leg : 0,
			"SRTP refused: %u not authentic, %u replayed, %u in clear, %u without key",
			srtp->auth_failed, srtp->replayed, srtp->plain, srtp->no_key);
		return;
	default:
		return;
	}
}
