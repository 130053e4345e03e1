// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/call/ice.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/call/call.h"
#include "controlplane/secure/binding.h"

#define RTO_MS     500u // RFC 8489 6.2.1
#define TRIES      7u
#define CONSENT_MS 5000u     // RFC 7675 5.1, a fifth more or less
#define CONSENT_US 30000000u // so long an answer holds

// RFC 8445 5.1.2: of a peer-reflexive candidate, the only kind that a check can find.
#define PRIORITY ((110u << 24) + (65535u << 8) + 255u)

struct cp_ice {
	struct sip_timer timer;
	struct cp_session *session;
	uint8_t leg;
	bool nominated;
	bool lost;     // was told
	uint8_t tries; // of this transaction
	struct cp_binding binding;
	struct abi_addr remote;
	uint64_t answered_us;
	char username[ABI_ICE_UFRAG + SDP_UFRAG + 96];
	char password[257]; // RFC 8839 5.4
};

static void send_check(struct cp_ice *a)
{
	struct cp_session *s = a->session;
	struct cp_shard *shard = s->call->shard;
	struct abi_punt packet = {.kind = ABI_PUNT_STUN};

	packet.slot = s->slot;
	packet.generation = s->generation;
	packet.leg = a->leg;
	packet.remote = a->remote;
	packet.length = (uint16_t)cp_binding_request(&a->binding, packet.data, sizeof(packet.data));
	a->tries++;
	if (packet.length && shard->ops->inject)
		shard->ops->inject(shard->ctx, &packet);
}

static void begin_transaction(struct cp_ice *a)
{
	struct cp_shard *shard = a->session->call->shard;

	shard->ops->random(shard->ctx, a->binding.id, sizeof(a->binding.id));
	a->tries = 0;
}

static void check_again(struct cp_ice *a, unsigned ms)
{
	struct sip_layer *layer = a->session->call->shard->layer;

	sip_timer_start(sip_layer_wheel(layer), &a->timer, sip_layer_now(layer) + ms);
}

// Half a second, one, two, ...: as a transaction of STUN over UDP is sent again.
static unsigned wait_of(const struct cp_ice *a)
{
	return RTO_MS << (a->tries < 4 ? a->tries - 1 : 3);
}

static void tell_lost(struct cp_ice *a)
{
	if (!a->lost)
		cp_call_event(a->session->call, a->leg,
			a->nominated ? "ICE: the party does not consent any more"
				     : "ICE: the party does not answer our checks");
	a->lost = true;
}

static void fire(struct sip_timer *timer, void *ctx)
{
	struct cp_ice *a = (struct cp_ice *)((char *)timer - offsetof(struct cp_ice, timer));
	uint64_t now = a->session->call->shard->now_us;

	if (a->nominated && now - a->answered_us > CONSENT_US)
		tell_lost(a);
	if (a->tries == TRIES) {
		if (!a->nominated)
			tell_lost(a);
		begin_transaction(a);
	}
	send_check(a);
	check_again(a, wait_of(a));
}

static bool same(const struct cp_ice *a, const char *username, const char *password,
	const struct abi_addr *remote)
{
	return strcmp(a->username, username) == 0 && strcmp(a->password, password) == 0 &&
	       memcmp(&a->remote, remote, sizeof(*remote)) == 0;
}

int cp_ice_check(
	struct cp_session *s, unsigned leg, const struct sdp_plan_leg *in, uint64_t tie_breaker)
{
	const struct sdp_plan_secure *p = &in->secure;
	struct abi_addr remote = {.family = in->rtp.family, .port = in->rtp.port};
	char username[sizeof(((struct cp_ice *)0)->username)], password[257];
	struct cp_ice *a = s->secure[leg]->agent;

	memcpy(remote.ip, in->rtp.ip, sizeof(remote.ip));
	if (!remote.family || !remote.port || p->remote_ufrag.len > 96 ||
		p->remote_pwd.len >= sizeof(password))
		return 0; // nothing to check yet
	snprintf(username, sizeof(username), "%.*s:%s", (int)p->remote_ufrag.len,
		p->remote_ufrag.ptr, p->ufrag);
	snprintf(password, sizeof(password), "%.*s", (int)p->remote_pwd.len, p->remote_pwd.ptr);
	if (a && same(a, username, password, &remote))
		return 0;
	cp_ice_stop(s, leg);
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	s->secure[leg]->agent = a;
	a->timer.fire = fire;
	a->session = s;
	a->leg = (uint8_t)leg;
	a->remote = remote;
	memcpy(a->username, username, sizeof(username));
	memcpy(a->password, password, sizeof(password));
	a->binding.username = a->username;
	a->binding.password = a->password;
	a->binding.priority = PRIORITY;
	a->binding.tie_breaker = tie_breaker;
	begin_transaction(a);
	check_again(a, 1); // behind the plan, which hawse-media needs first
	explicit_bzero(password, sizeof(password));
	return 0;
}

void cp_ice_stop(struct cp_session *s, unsigned leg)
{
	struct cp_ice *a = s->secure[leg]->agent;

	if (!a)
		return;
	sip_timer_stop(sip_layer_wheel(s->call->shard->layer), &a->timer);
	explicit_bzero(a, sizeof(*a));
	free(a);
	s->secure[leg]->agent = NULL;
}

bool cp_ice_punt(struct cp_session *s, const struct abi_punt *packet)
{
	struct cp_ice *a = s->secure[packet->leg]->agent;
	struct cp_shard *shard = s->call->shard;
	bool first;

	// RFC 8445 7.2.5.2.1: from where the check went, or it proves nothing.
	if (!a || packet->component || memcmp(&a->remote, &packet->remote, sizeof(a->remote)) != 0 ||
		!cp_binding_accepted(packet->data, packet->length, a->binding.id, a->password))
		return false;
	first = !a->nominated;
	a->nominated = true;
	a->lost = false;
	a->answered_us = shard->now_us;
	begin_transaction(a);
	check_again(a, CONSENT_MS * 4 / 5 + CONSENT_MS * 2 / 5 * a->binding.id[0] / 255);
	if (first)
		cp_secure_nominated(s, packet->leg, &a->remote);
	return true;
}
