// SPDX-License-Identifier: BSD-3-Clause
// Keys, ICE and what was learned before a restart, on their way to workers; and the packets that go
// between legs and the control plane.
//
// Contexts are made here, because that takes time and memory, and freed here when they come back.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/agent/session_state.h"

static struct dp_secure *secure_of(struct session *session)
{
	if (session->secure)
		return session->secure;
	session->secure = aligned_alloc(64, sizeof(*session->secure));
	if (session->secure)
		memset(session->secure, 0, sizeof(*session->secure));
	return session->secure;
}

void secure_free(struct session *session)
{
	struct dp_secure *secure = session->secure;

	if (!secure)
		return;
	for (unsigned i = 0; i < 2; i++)
		for (unsigned d = 0; d < 2; d++) {
			srtp_free(secure->leg[i].key[d]);
			srtp_free(secure->leg[i].rtcp[d]);
		}
	explicit_bzero(secure, sizeof(*secure));
	free(secure);
	session->secure = NULL;
}

void secure_free_mail(struct dp_mail *mail)
{
	if (mail->type == DP_MAIL_KEYS)
		for (unsigned d = 0; d < 2; d++) {
			srtp_free(mail->keys.context[d]);
			mail->keys.context[d] = NULL;
		}
	if (mail->type == DP_MAIL_ICE)
		explicit_bzero(&mail->ice, sizeof(mail->ice));
	if (mail->type == DP_MAIL_INJECT) {
		free((void *)mail->inject.packet);
		mail->inject.packet = NULL;
	}
}

static struct dp_mail_secure address(const struct sessions *s, uint32_t slot, unsigned leg)
{
	return (struct dp_mail_secure){
		.slot = slot,
		.generation = entry_of(s, slot)->generation,
		.secure = s->slots.session[slot].secure,
		.leg = (uint8_t)leg,
	};
}

// True when the worker has, or will have, the session.
static bool forwards(const struct session *session)
{
	return session->known && !session->deleting;
}

// True when the mail is under way.
static bool send_or_fail(struct sessions *s, struct order *order, uint64_t ticket, int err)
{
	if (!err && !order)
		err = -ENOMEM;
	if (!err) {
		order->ticket = ticket;
		err = order_send(s, order);
	}
	if (!err)
		return true;
	if (order) {
		secure_free_mail(&order->mail);
		order_free(s, order);
	}
	reply_failure(s, ticket, err, ABI_FIELD_NONE, 0);
	return false;
}

// ---- keys

static int make_context(
	const struct abi_leg_keys *keys, unsigned direction, struct srtp_context **context)
{
	unsigned first = direction == ABI_IN ? 0 : ABI_SRTP_STREAMS / 2;
	int err;

	*context = NULL;
	if (keys->key[direction].suite == ABI_SRTP_NONE)
		return 0;
	err = srtp_new(context, srtp_best(), &keys->key[direction], direction);
	for (unsigned i = 0; !err && i < ABI_SRTP_STREAMS / 2; i++)
		srtp_resume(*context, &keys->resume[first + i]);
	return err;
}

// The key that the leg has already stays with all that belongs to it.
static bool has_key(const struct dp_secure *secure, const struct abi_leg_keys *keys,
	unsigned direction, uint8_t digest[16])
{
	if (srtp_digest(&keys->key[direction], digest))
		return false;
	return secure->known[keys->leg][keys->component][direction] &&
	       memcmp(digest, secure->digest[keys->leg][keys->component][direction], 16) == 0;
}

static void note_key(struct dp_secure *secure, const struct abi_leg_keys *keys, unsigned direction,
	const uint8_t digest[16])
{
	secure->known[keys->leg][keys->component][direction] =
		keys->key[direction].suite != ABI_SRTP_NONE;
	memcpy(secure->digest[keys->leg][keys->component][direction], digest, 16);
}

static void set_keys(
	struct sessions *s, uint32_t slot, const struct abi_leg_keys *keys, uint64_t ticket)
{
	struct dp_secure *secure = secure_of(&s->slots.session[slot]);
	struct order *order = order_new(s, ORDER_SECURE, DP_MAIL_KEYS, slot);
	uint8_t digest[2][16];
	uint32_t directions = 0;
	int err = secure && order ? 0 : -ENOMEM;

	for (unsigned d = 0; d < 2 && !err; d++) {
		if (!(keys->directions & 1u << d) || has_key(secure, keys, d, digest[d]))
			continue;
		order->mail.keys.directions |= 1u << d;
		err = make_context(keys, d, &order->mail.keys.context[d]);
	}
	if (!err && !order->mail.keys.directions) {
		order_free(s, order);
		outbox_done(s->c.outbox, ticket);
		return;
	}
	if (!err) {
		order->mail.keys.to = address(s, slot, keys->leg);
		order->mail.keys.component = keys->component;
		directions = order->mail.keys.directions;
	}
	if (!send_or_fail(s, order, ticket, err))
		return;
	for (unsigned d = 0; d < 2; d++)
		if (directions & 1u << d)
			note_key(secure, keys, d, digest[d]);
}

// A key that did not get there is none: the same command again shall bring it.
static void forget_keys(struct sessions *s, const struct dp_mail_keys *m)
{
	struct dp_secure *secure = s->slots.session[m->to.slot].secure;

	for (unsigned d = 0; secure && d < 2; d++)
		if (m->directions & 1u << d)
			secure->known[m->to.leg][m->component][d] = 0;
}

// ---- ICE, and what was learned

static void set_ice(
	struct sessions *s, uint32_t slot, const struct abi_leg_ice *ice, uint64_t ticket)
{
	struct dp_secure *secure = secure_of(&s->slots.session[slot]);
	struct order *order = order_new(s, ORDER_SECURE, DP_MAIL_ICE, slot);

	if (order && secure) {
		order->mail.ice.to = address(s, slot, ice->leg);
		stun_ice_set(&order->mail.ice.ice, ice);
	}
	send_or_fail(s, order, ticket, secure ? 0 : -ENOMEM);
}

static void set_learned(
	struct sessions *s, uint32_t slot, const struct abi_session_resume *resume, uint64_t ticket)
{
	struct order *order = order_new(s, ORDER_SECURE, DP_MAIL_LEARNED, slot);

	if (order) {
		order->mail.learned.to = address(s, slot, 0);
		for (unsigned i = 0; i < 2; i++) {
			order->mail.learned.addr[i][0] = resume->leg[i].rtp;
			order->mail.learned.addr[i][1] = resume->leg[i].rtcp;
		}
	}
	send_or_fail(s, order, ticket, 0);
}

void secure_command(struct sessions *s, const struct abi_msg *command, uint64_t ticket)
{
	union {
		struct abi_leg_keys keys;
		struct abi_leg_ice ice;
		struct abi_session_resume resume;
	} p;

	if (!forwards(&s->slots.session[command->slot])) {
		region_count(region_of(s), AGENT_NO_SESSION);
		reply_failure(s, ticket, -ENOENT, ABI_FIELD_STATE, 0);
		return;
	}
	slots_own(&s->slots, command->slot, s->generation);
	memcpy(&p, command->payload, sizeof(p));
	if (command->type == ABI_LEG_KEYS)
		set_keys(s, command->slot, &p.keys, ticket);
	else if (command->type == ABI_LEG_ICE)
		set_ice(s, command->slot, &p.ice, ticket);
	else
		set_learned(s, command->slot, &p.resume, ticket);
	explicit_bzero(&p, sizeof(p));
}

void secure_answered(struct sessions *s, struct order *order)
{
	const struct dp_mail *mail = &order->mail;

	if (mail->type == DP_MAIL_KEYS && mail->result)
		forget_keys(s, &mail->keys);
	if (mail->result)
		reply_failure(s, order->ticket, mail->result, ABI_FIELD_STATE, 0);
	else
		outbox_done(s->c.outbox, order->ticket);
	secure_free_mail(&order->mail);
}

// ---- events

static void tell_ice(struct sessions *s, const struct dp_event *event, uint16_t type)
{
	struct abi_event_ice ice = {
		.remote = event->remote,
		.last_us = event->last_us,
		.priority = event->ssrc,
		.leg = event->leg,
		.component = event->component,
	};

	session_tell(s, type, event->slot, &ice, sizeof(ice));
}

static void tell_refused(struct sessions *s, const struct dp_event *event)
{
	struct abi_event_srtp srtp = {
		.first_us = event->last_us,
		.auth_failed = event->count[DP_REFUSED_AUTH],
		.replayed = event->count[DP_REFUSED_REPLAY],
		.no_key = event->count[DP_REFUSED_NO_KEY],
		.plain = event->count[DP_REFUSED_PLAIN],
		.malformed = event->count[DP_REFUSED_MALFORMED],
		.ssrc = event->ssrc,
		.leg = event->leg,
		.direction = event->component,
	};

	session_tell(s, ABI_SRTP_FAILURES, event->slot, &srtp, sizeof(srtp));
}

void secure_event(struct sessions *s, const struct dp_event *event, uint64_t now_us)
{
	struct abi_event_dtls dtls = {
		.remote = event->remote, .leg = event->leg, .component = event->component};

	switch (event->type) {
	case DP_EVENT_NOMINATED:
		tell_ice(s, event, ABI_ICE_NOMINATED);
		plan_learned(s, event, now_us);
		break;
	case DP_EVENT_ICE_LOST:
		tell_ice(s, event, ABI_ICE_LOST);
		break;
	case DP_EVENT_REFUSED:
		tell_refused(s, event);
		break;
	case DP_EVENT_DTLS:
		session_tell(s, ABI_DTLS_UNASKED, event->slot, &dtls, sizeof(dtls));
		break;
	}
}

// ---- packets

bool sessions_punt(struct sessions *s, struct abi_punt *packet)
{
	for (uint32_t w = 0; w < s->c.worker_count; w++)
		while (dp_worker_punt(s->c.workers[w], packet))
			if (packet->slot < s->slots.count &&
				entry_of(s, packet->slot)->generation == packet->generation)
				return true;
	return false;
}

static struct latch_addr local_of(
	const struct sessions *s, const struct abi_leg_ports *ports, unsigned component)
{
	const struct abi_endpoint *e = &region_of(s)->endpoints[ports->endpoint];
	struct abi_addr a = {
		.family = e->family, .port = component ? ports->rtcp_port : ports->rtp_port};

	memcpy(a.ip, e->ip, sizeof(a.ip));
	return latch_from_abi(&a);
}

static int aim(
	struct sessions *s, struct order *order, const struct abi_punt *packet, uint64_t now_us)
{
	const struct abi_leg_ports *ports = &entry_of(s, packet->slot)->ports[packet->leg];
	const struct abi_endpoint *e = &region_of(s)->endpoints[ports->endpoint];
	struct latch_addr local = local_of(s, ports, packet->component);
	struct latch_addr remote = latch_from_abi(&packet->remote);
	struct dp_mail_inject *m = &order->mail.inject;

	if (dp_table_find(s->c.table, packet->remote.ip, e->family) != DP_NO_ENDPOINT)
		return -EHOSTUNREACH; // our own addresses are not behind any wire
	if (hops_get(s->c.hops, e->interface_index, e->family, packet->remote.ip, now_us,
		    &m->adjacency))
		return -EHOSTUNREACH;
	order->release[0][0] = m->adjacency;
	m->to = address(s, packet->slot, packet->leg);
	dp_template_write(&m->headers, &local, &remote, 0);
	return 0;
}

bool sessions_inject(struct sessions *s, const struct abi_punt *packet, uint64_t now_us)
{
	size_t size = offsetof(struct abi_punt, data) + packet->length;
	struct order *order;
	struct abi_punt *copy;
	int err;

	if (!forwards(&s->slots.session[packet->slot]))
		return false;
	order = order_new(s, ORDER_INJECT, DP_MAIL_INJECT, packet->slot);
	if (!order)
		return false;
	copy = malloc(size);
	order->mail.inject.packet = copy;
	err = copy ? aim(s, order, packet, now_us) : -ENOMEM;
	if (copy)
		memcpy(copy, packet, size);
	if (!err)
		err = order_send(s, order);
	if (!err)
		return true;
	plan_put_hops(s, order->release);
	secure_free_mail(&order->mail);
	order_free(s, order);
	return false;
}
