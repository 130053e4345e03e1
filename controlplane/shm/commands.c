// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/shm/commands.h"

#include <stdlib.h>
#include <string.h>

#define SPARES 1024u

static struct cp_command **bucket(const struct cp_commands *all, uint64_t transaction)
{
	uint64_t hash = transaction * 0x9e3779b97f4a7c15ull;

	return (struct cp_command **)&all->buckets[(hash >> 32) % CP_COMMAND_BUCKETS];
}

struct cp_command *cp_command_find(const struct cp_commands *all, uint64_t transaction)
{
	struct cp_command *c = *bucket(all, transaction);

	while (c && c->msg.transaction != transaction)
		c = c->chain;
	return c;
}

static void append(struct cp_command_list *list, struct cp_command *c)
{
	c->next = NULL;
	c->previous = list->last;
	if (list->last)
		list->last->next = c;
	else
		list->first = c;
	list->last = c;
	list->count++;
}

static void take_out(struct cp_command_list *list, struct cp_command *c)
{
	if (c->previous)
		c->previous->next = c->next;
	else
		list->first = c->next;
	if (c->next)
		c->next->previous = c->previous;
	else
		list->last = c->previous;
	list->count--;
}

struct cp_command *cp_command_add(struct cp_commands *all, const struct abi_msg *msg)
{
	struct cp_command *c = all->spare;
	struct cp_command **head;

	if (c) {
		all->spare = c->next;
		all->spares--;
	} else {
		c = malloc(sizeof(*c));
		if (!c)
			return NULL;
	}
	memset(c, 0, sizeof(*c));
	c->msg = *msg;
	c->place = CP_WAITING;
	head = bucket(all, msg->transaction);
	c->chain = *head;
	*head = c;
	append(&all->list[CP_WAITING], c);
	return c;
}

void cp_command_move(
	struct cp_commands *all, struct cp_command *command, enum cp_command_place place)
{
	take_out(&all->list[command->place], command);
	command->place = (uint8_t)place;
	append(&all->list[place], command);
}

void cp_command_drop(struct cp_commands *all, struct cp_command *command, struct abi_producer *ring)
{
	struct cp_command **link = bucket(all, command->msg.transaction);

	while (*link != command)
		link = &(*link)->chain;
	*link = command->chain;
	take_out(&all->list[command->place], command);
	if (command->flags & CP_SHM_SECRET) {
		// abi_wipe() leaves alone what lies further back than the ring holds: there
		// another command has taken the place.
		if (ring && command->place != CP_WAITING)
			abi_wipe(ring, ring->next - command->ring_index);
		explicit_bzero(&command->msg, sizeof(command->msg));
	}
	if (all->spares < SPARES) {
		command->next = all->spare;
		all->spare = command;
		all->spares++;
	} else {
		free(command);
	}
}

void cp_commands_free(struct cp_commands *all, struct abi_producer *ring)
{
	for (unsigned place = 0; place < CP_PLACES; place++)
		while (all->list[place].first)
			cp_command_drop(all, all->list[place].first, ring);
	while (all->spare) {
		struct cp_command *next = all->spare->next;

		free(all->spare);
		all->spare = next;
	}
	all->spares = 0;
}

static bool ports_fit(const struct abi_msg *command, const struct abi_msg *reply, uint32_t sessions)
{
	struct abi_port_alloc want;
	struct abi_ports got;

	memcpy(&want, command->payload, sizeof(want));
	memcpy(&got, reply->payload, sizeof(got));
	if (reply->slot >= sessions || got.legs != want.legs || got.legs > 2)
		return false;
	for (unsigned i = 0; i < got.legs; i++) {
		const struct abi_leg_local *l = &got.leg[i];

		if (l->family != want.leg[i].family || l->kind != want.leg[i].kind || !l->rtp_port)
			return false;
		if (l->rtcp_port != l->rtp_port + (l->kind == ABI_LEG_PAIR))
			return false;
	}
	return true;
}

bool cp_reply_fits(const struct abi_msg *command, const struct abi_msg *reply, uint32_t sessions)
{
	if (reply->type != (command->type | ABI_REPLY) || reply->result > 0 ||
		reply->result < -4095 ||
		reply->length != abi_msg_payload(reply->type, reply->result))
		return false;
	if (reply->result)
		return true;
	switch (command->type) {
	case ABI_PORT_ALLOC:
		return ports_fit(command, reply, sessions);
	case ABI_RECONCILE_DONE:
	case ABI_PING:
		return true;
	default:
		return reply->slot == command->slot && reply->generation == command->generation;
	}
}

static bool leg_fits(unsigned leg, unsigned component)
{
	return leg < 2 && component < 2;
}

static bool address_fits(const struct abi_addr *a)
{
	return a->family == 4 || a->family == 6;
}

static bool payload_fits(const struct abi_msg *event)
{
	union {
		struct abi_event_learned learned;
		struct abi_event_timeout timeout;
		struct abi_event_ice ice;
		struct abi_event_srtp srtp;
		struct abi_event_dtls dtls;
		struct abi_event_dtmf dtmf;
		struct abi_event_play play;
		struct abi_event_record record;
		struct abi_event_fax fax;
	} p;

	memcpy(&p, event->payload, sizeof(p));
	switch (event->type) {
	case ABI_LEARNED:
		return leg_fits(p.learned.leg, p.learned.component) &&
		       address_fits(&p.learned.remote);
	case ABI_MEDIA_TIMEOUT:
		return leg_fits(p.timeout.leg, 0);
	case ABI_ICE_NOMINATED:
		return leg_fits(p.ice.leg, p.ice.component) && address_fits(&p.ice.remote);
	case ABI_ICE_LOST:
		return leg_fits(p.ice.leg, p.ice.component);
	case ABI_SRTP_FAILURES:
		return leg_fits(p.srtp.leg, p.srtp.direction);
	case ABI_DTLS_UNASKED:
		return leg_fits(p.dtls.leg, p.dtls.component) && address_fits(&p.dtls.remote);
	case ABI_DTMF:
		return leg_fits(p.dtmf.leg, 0) && p.dtmf.digit <= ABI_DTMF_FLASH &&
		       (p.dtmf.how == ABI_DTMF_EVENT || p.dtmf.how == ABI_DTMF_INBAND);
	case ABI_PLAY_DONE:
		return leg_fits(p.play.leg, 0) && p.play.cause >= ABI_PLAYED &&
		       p.play.cause <= ABI_PLAY_GONE;
	case ABI_RECORD_DONE:
		return p.record.cause >= ABI_RECORDED && p.record.cause <= ABI_RECORD_FAILED;
	case ABI_FAX:
		return leg_fits(p.fax.leg, 0) && p.fax.news >= ABI_FAX_CALLS &&
		       p.fax.news <= ABI_FAX_OVER;
	default:
		return event->type == ABI_SWEPT;
	}
}

bool cp_event_fits(const struct abi_msg *event, uint32_t sessions)
{
	if (event->transaction || event->slot >= sessions || event->type & ABI_REPLY ||
		event->length != abi_msg_payload(event->type, 0))
		return false;
	return payload_fits(event);
}
