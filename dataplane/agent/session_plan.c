// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/agent/session_media.h"

#include <errno.h>
#include <string.h>

#define WALK_A_TICK   4096u
#define DEFAULT_CLOCK 8000u
#define WAIT_US       2000000u // for a new next hop to be resolved

// Where one component of a leg will send to.
struct aim {
	bool any;
	bool learned;
	uint8_t ip[16];
};

static bool keeps_learned(const struct session *session, unsigned leg, unsigned part,
	const struct abi_leg_plan *want, const uint8_t *signalled)
{
	if (session->learned & BIT(leg, part) && want->flags & ABI_LEG_ICE_FIRST)
		return true;
	if (!(session->learned & BIT(leg, part)) || (want->flags & ABI_LEG_RELEARN))
		return false;
	return want->source_policy == ABI_SOURCE_ANY ||
	       (want->source_policy == ABI_SOURCE_ADDRESS &&
		       memcmp(signalled, session->remote_ip[leg][part], 16) == 0);
}

static struct aim aim_at(
	const struct session *session, unsigned leg, unsigned part, const struct abi_leg_plan *want)
{
	bool own = part == 1 && want->remote_rtcp_port && !(want->flags & ABI_LEG_RTCP_MUX);
	const uint8_t *ip = own ? want->remote_rtcp_ip : want->remote_rtp_ip;
	bool ice = want->flags & ABI_LEG_ICE_FIRST; // only what was nominated
	struct aim aim = {.any = !ice && (own || want->remote_rtp_port)};

	aim.learned = keeps_learned(session, leg, part, want, ip);
	aim.any |= aim.learned;
	memcpy(aim.ip, aim.learned ? session->remote_ip[leg][part] : ip, 16);
	return aim;
}

// The next hop of one component; DP_ADJACENCY_NONE when it needs none. 0 or -EHOSTUNREACH.
static int find_hop(struct sessions *s, const struct abi_leg_ports *ports, const struct aim *aim,
	uint64_t now_us, uint16_t *index)
{
	const struct abi_endpoint *endpoint = &region_of(s)->endpoints[ports->endpoint];
	int err;

	*index = DP_ADJACENCY_NONE;
	if (!aim->any)
		return 0;
	// Our own media addresses are not behind any wire.
	if (dp_table_find(s->c.table, aim->ip, endpoint->family) != DP_NO_ENDPOINT)
		return -EHOSTUNREACH;
	err = hops_get(
		s->c.hops, endpoint->interface_index, endpoint->family, aim->ip, now_us, index);
	if (err == -ENOSPC)
		region_count(region_of(s), AGENT_HOPS_EXHAUSTED);
	return err ? -EHOSTUNREACH : 0;
}

struct aims {
	struct aim aim[2][2];
	uint16_t adjacency[2][2];
};

void plan_put_hops(struct sessions *s, uint16_t adjacency[2][2])
{
	for (unsigned i = 0; i < 4; i++) {
		hops_put(s->c.hops, adjacency[i / 2][i % 2]);
		adjacency[i / 2][i % 2] = DP_ADJACENCY_NONE;
	}
}

// Looks up the way to all remotes of a plan. A source that is to be learned may be unreachable as
// signalled: a phone behind NAT says its private address. *leg: which one has no route.
static int find_hops(struct sessions *s, uint32_t slot, const struct abi_session_plan *plan,
	uint64_t now_us, struct aims *aims, unsigned *leg)
{
	const struct abi_session_entry *entry = entry_of(s, slot);

	memset(aims, 0, sizeof(*aims));
	memset(aims->adjacency, 0xff, sizeof(aims->adjacency));
	for (*leg = 0; *leg < entry->legs; (*leg)++) {
		const struct abi_leg_plan *want = &plan->leg[*leg];

		for (unsigned part = 0; part < 2; part++) {
			struct aim *aim = &aims->aim[*leg][part];
			int err;

			*aim = aim_at(&s->slots.session[slot], *leg, part, want);
			err = find_hop(
				s, &entry->ports[*leg], aim, now_us, &aims->adjacency[*leg][part]);
			if (err && want->source_policy != ABI_SOURCE_ANY) {
				plan_put_hops(s, aims->adjacency);
				return err;
			}
		}
	}
	return 0;
}

static void fill_plan(const struct sessions *s, uint32_t slot, const struct abi_session_plan *plan,
	const struct aims *aims, struct dp_plan *out)
{
	const struct abi_session_entry *entry = entry_of(s, slot);

	out->slot = slot;
	out->generation = entry->generation;
	out->timeout_ms = plan->timeout_ms;
	out->clock_rate = plan->clock_rate ? plan->clock_rate : DEFAULT_CLOCK;
	out->legs = entry->legs;
	for (unsigned i = 0; i < entry->legs; i++) {
		struct dp_leg_plan *leg = &out->leg[i];

		leg->leg = order_leg(s, slot, i);
		leg->ports = entry->ports[i];
		memcpy(leg->local_ip, s->c.region->endpoints[entry->ports[i].endpoint].ip, 16);
		leg->want = plan->leg[i];
		leg->adjacency[0] = aims->adjacency[i][0];
		leg->adjacency[1] = aims->adjacency[i][1];
	}
	dp_plan_prepare(out);
}

// The worker has the order: what the session sends to is what the plan says.
static void adopt(struct session *session, struct order *order, const struct aims *aims)
{
	memcpy(order->release, session->adjacency, sizeof(order->release));
	memcpy(session->adjacency, aims->adjacency, sizeof(session->adjacency));
	session->remote = session->learned = 0;
	for (unsigned leg = 0; leg < 2; leg++) {
		for (unsigned part = 0; part < 2; part++) {
			const struct aim *aim = &aims->aim[leg][part];

			memcpy(session->remote_ip[leg][part], aim->ip, 16);
			session->remote |= (uint8_t)(aim->any ? BIT(leg, part) : 0);
			session->learned |= (uint8_t)(aim->learned ? BIT(leg, part) : 0);
		}
	}
}

// The same plan again changes nothing and gets the same kind of answer.
static void plan_again(struct sessions *s, const struct abi_msg *command, uint64_t ticket)
{
	int err;

	if (command->type == ABI_SESSION_ADD) {
		outbox_done(s->c.outbox, ticket);
		return;
	}
	err = order_target(s, ORDER_QUERY, DP_MAIL_QUERY, command->slot, ticket);
	if (err)
		reply_failure(s, ticket, err, ABI_FIELD_NONE, 0);
}

void plan_session(
	struct sessions *s, const struct abi_msg *command, uint64_t ticket, uint64_t now_us)
{
	struct session *session = &s->slots.session[command->slot];
	bool report = command->type == ABI_SESSION_UPDATE;
	struct media_change change;
	struct abi_session_plan plan;
	struct order *order;
	struct aims aims;
	unsigned leg;
	int err;

	if (session->deleting) {
		region_count(region_of(s), AGENT_NO_SESSION);
		reply_failure(s, ticket, -ENOENT, ABI_FIELD_STATE, 0);
		return;
	}
	slots_own(&s->slots, command->slot, s->generation);
	if (session->known && session->plan_transaction == command->transaction) {
		plan_again(s, command, ticket);
		return;
	}
	memcpy(&plan, command->payload, sizeof(plan));
	err = find_hops(s, command->slot, &plan, now_us, &aims, &leg);
	if (err) {
		region_count(region_of(s), AGENT_NO_ROUTE);
		reply_failure(s, ticket, err, ABI_FIELD_ADDRESS, leg);
		return;
	}
	err = media_prepare(s, command->slot, &plan, &change);
	if (err) {
		plan_put_hops(s, aims.adjacency);
		reply_failure(s, ticket, err, ABI_FIELD_CODEC, 0);
		return;
	}
	order = order_new(s, report ? ORDER_UPDATE : ORDER_ADD,
		session->known ? DP_MAIL_UPDATE : DP_MAIL_ADD, command->slot);
	err = order ? 0 : -ENOMEM;
	if (order) {
		order->ticket = ticket;
		fill_plan(s, command->slot, &plan, &aims, &order->mail.plan);
		media_fill(&change, change.media ? change.media->recorded : 0, &plan,
			&order->mail.plan);
		err = order_send(s, order);
	}
	if (err) {
		media_forget(&change);
		plan_put_hops(s, aims.adjacency);
		if (order)
			order_free(s, order);
		reply_failure(s, ticket, err, ABI_FIELD_NONE, 0);
		return;
	}
	adopt(session, order, &aims);
	media_adopt(s, command->slot, &plan, &change);
	session->plan_transaction = command->transaction;
	session->known = true;
	slots_state(&s->slots, command->slot, ABI_SESSION_ACTIVE);
}

// Mails a leg its new next hops. False when that must be tried again.
static bool change_hops(
	struct sessions *s, uint32_t slot, unsigned leg, const uint16_t adjacency[2])
{
	struct session *session = &s->slots.session[slot];
	struct order *order = order_new(s, ORDER_HOP, DP_MAIL_HOP, slot);

	if (!order)
		return false;
	order->mail.hop.slot = slot;
	order->mail.hop.generation = entry_of(s, slot)->generation;
	order->mail.hop.leg = order_leg(s, slot, leg);
	memcpy(order->mail.hop.adjacency, adjacency, sizeof(order->mail.hop.adjacency));
	if (order_send(s, order)) {
		order_free(s, order);
		return false;
	}
	memcpy(order->release[0], session->adjacency[leg], sizeof(order->release[0]));
	memcpy(session->adjacency[leg], adjacency, sizeof(session->adjacency[leg]));
	region_count(region_of(s), AGENT_HOP_CHANGES);
	return true;
}

// A new next hop takes a moment to be resolved; until then the old one may still lead there.
static bool better_wait(
	struct sessions *s, const uint16_t old[2], const uint16_t fresh[2], uint64_t now_us)
{
	bool wait = false;

	for (unsigned part = 0; part < 2 && now_us < s->walk_until_us; part++)
		wait |= fresh[part] != DP_ADJACENCY_NONE && !hops_ready(s->c.hops, fresh[part]) &&
			hops_ready(s->c.hops, old[part]);
	s->walk_waits |= wait;
	return wait;
}

// Looks whether the leg's remotes are still reached as they were. False: to be tried again.
static bool reroute_leg(struct sessions *s, uint32_t slot, unsigned leg, uint64_t now_us)
{
	const struct abi_leg_ports *ports = &entry_of(s, slot)->ports[leg];
	const struct abi_endpoint *endpoint = &region_of(s)->endpoints[ports->endpoint];
	struct session *session = &s->slots.session[slot];
	uint16_t fresh[2];
	bool same = true;

	for (unsigned part = 0; part < 2; part++)
		if (session->remote & BIT(leg, part))
			same &= hops_same(s->c.hops, endpoint->interface_index, endpoint->family,
				session->remote_ip[leg][part], session->adjacency[leg][part]);
	if (same)
		return true;
	for (unsigned part = 0; part < 2; part++) {
		struct aim aim = {.any = session->remote & BIT(leg, part)};

		memcpy(aim.ip, session->remote_ip[leg][part], 16);
		find_hop(s, ports, &aim, now_us, &fresh[part]);
	}
	same = memcmp(fresh, session->adjacency[leg], sizeof(fresh)) == 0 ||
	       better_wait(s, session->adjacency[leg], fresh, now_us);
	if (!same && change_hops(s, slot, leg, fresh))
		return true;
	hops_put(s->c.hops, fresh[0]);
	hops_put(s->c.hops, fresh[1]);
	return same;
}

void sessions_reroute(struct sessions *s, uint64_t now_us)
{
	s->walk_again = s->walking;
	if (!s->walking)
		s->walk_next = 0;
	s->walking = true;
	s->walk_until_us = now_us + WAIT_US;
}

// The walk has come to its end. False when it begins anew at once.
static bool walked(struct sessions *s)
{
	bool waits = s->walk_waits;

	s->walking = s->walk_again || waits;
	s->walk_again = s->walk_waits = false;
	s->walk_next = 0;
	return !s->walking || waits; // who waits looks again at the next tick
}

bool plan_reroute_some(struct sessions *s, uint64_t now_us)
{
	for (unsigned n = 0; s->walking && n < WALK_A_TICK; n++) {
		uint32_t slot = s->walk_next;

		if (slot >= s->slots.fresh) {
			if (walked(s))
				return false;
			continue;
		}
		if (s->slots.session[slot].known && !s->slots.session[slot].deleting)
			for (unsigned i = 0; i < entry_of(s, slot)->legs; i++)
				if (!sessions_room(s) || !reroute_leg(s, slot, i, now_us))
					return true;
		s->walk_next++;
	}
	return s->walking;
}

void plan_learned(struct sessions *s, const struct dp_event *event, uint64_t now_us)
{
	struct session *session = &s->slots.session[event->slot];
	struct abi_event_learned learned = {
		.remote = event->remote,
		.ssrc = event->ssrc,
		.leg = event->leg,
		.component = event->component,
	};

	session_tell(s, ABI_LEARNED, event->slot, &learned, sizeof(learned));
	for (unsigned part = event->component; part < 2; part++) {
		// RTCP follows RTP until it has been heard by itself.
		if (part != event->component && (session->learned & BIT(event->leg, part)))
			continue;
		memcpy(session->remote_ip[event->leg][part], event->remote.ip, 16);
		session->remote |= (uint8_t)BIT(event->leg, part);
	}
	session->learned |= (uint8_t)BIT(event->leg, event->component);
	if (!reroute_leg(s, event->slot, event->leg, now_us))
		sessions_reroute(s, now_us);
}
