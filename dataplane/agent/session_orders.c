// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/agent/session_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct order *order_new(
	struct sessions *s, enum purpose purpose, enum dp_mail_type type, uint32_t slot)
{
	struct order *order = s->spare;

	if (order)
		s->spare = order->next;
	else
		order = malloc(sizeof(*order));
	if (!order)
		return NULL;
	memset(order, 0, sizeof(*order));
	memset(order->release, 0xff, sizeof(order->release));
	order->mail.type = type;
	order->purpose = purpose;
	order->slot = slot;
	order->ticket = OUTBOX_NONE;
	return order;
}

void order_free(struct sessions *s, struct order *order)
{
	order->next = s->spare;
	s->spare = order;
}

int order_send(struct sessions *s, struct order *order)
{
	return dp_worker_send(s->c.workers[entry_of(s, order->slot)->worker], &order->mail);
}

struct dp_leg *order_leg(const struct sessions *s, uint32_t slot, unsigned leg)
{
	const struct abi_leg_ports *ports = &entry_of(s, slot)->ports[leg];

	return dp_table_leg(&s->c.table->endpoint[ports->endpoint], ports->rtp_port);
}

// An order that only names the session. 0, -ENOMEM or -EBUSY.
int order_target(struct sessions *s, enum purpose purpose, enum dp_mail_type type, uint32_t slot,
	uint64_t ticket)
{
	struct order *order = order_new(s, purpose, type, slot);
	int err;

	if (!order)
		return -ENOMEM;
	order->ticket = ticket;
	order->mail.target.slot = slot;
	order->mail.target.generation = entry_of(s, slot)->generation;
	order->mail.target.legs = entry_of(s, slot)->legs;
	for (unsigned i = 0; i < entry_of(s, slot)->legs; i++)
		order->mail.target.leg[i] = order_leg(s, slot, i);
	err = order_send(s, order);
	if (err)
		order_free(s, order);
	return err;
}

void reply_failure(struct sessions *s, uint64_t ticket, int err, enum abi_field field, unsigned leg)
{
	if (err == -ENOMEM)
		err = -EBUSY; // it may be there next time
	if (err == -EBUSY)
		region_count(region_of(s), AGENT_BUSY);
	outbox_fail(s->c.outbox, ticket, err, field, leg);
}

void reply_ports(struct sessions *s, uint64_t ticket, uint32_t slot)
{
	const struct abi_session_entry *entry = entry_of(s, slot);
	struct abi_msg *msg = outbox_reply(s->c.outbox, ticket);
	struct abi_ports ports = {
		.worker = entry->worker, .legs = entry->legs, .state = entry->state};

	if (!msg)
		return;
	for (unsigned i = 0; i < entry->legs; i++) {
		const struct abi_leg_ports *from = &entry->ports[i];
		const struct abi_endpoint *endpoint = &region_of(s)->endpoints[from->endpoint];
		struct abi_leg_local *to = &ports.leg[i];

		memcpy(to->ip, endpoint->ip, sizeof(to->ip));
		to->family = endpoint->family;
		to->interface_index = endpoint->interface_index;
		to->rtp_port = from->rtp_port;
		to->rtcp_port = from->rtcp_port;
		to->kind = from->kind;
	}
	msg->slot = slot;
	msg->generation = entry->generation;
	memcpy(msg->payload, &ports, sizeof(ports));
	outbox_done(s->c.outbox, ticket);
}

void reply_report(
	struct sessions *s, uint64_t ticket, const struct abi_leg_stats *stats, unsigned legs)
{
	struct abi_msg *msg = outbox_reply(s->c.outbox, ticket);

	if (!msg)
		return;
	memcpy(msg->payload, stats, sizeof(*stats) * legs);
	outbox_done(s->c.outbox, ticket);
}

// The numbers that region A has of a session; zeros when it never forwarded.
void session_published(const struct sessions *s, uint32_t slot, struct abi_leg_stats stats[2])
{
	memset(stats, 0, sizeof(*stats) * 2);
	for (unsigned i = 0; i < 2; i++) {
		const struct abi_leg_slot *from = &region_of(s)->legs[(size_t)slot * 2 + i];
		struct abi_leg_slot copy;

		if (abi_read_record(&copy, from, sizeof(copy), &from->sequence) &&
			copy.generation == entry_of(s, slot)->generation)
			stats[i] = copy.stats;
	}
}

void reply_published(struct sessions *s, uint64_t ticket, uint32_t slot)
{
	struct abi_leg_stats stats[2];

	session_published(s, slot, stats);
	reply_report(s, ticket, stats, 2);
}

void session_tell_message(struct sessions *s, const struct abi_msg *msg)
{
	if (outbox_event(s->c.outbox, msg))
		region_count(region_of(s), AGENT_EVENTS);
	else if (outbox_is_open(s->c.outbox))
		region_count(region_of(s), AGENT_EVENTS_LOST);
}

void session_tell(
	struct sessions *s, uint16_t type, uint32_t slot, const void *payload, size_t size)
{
	struct abi_msg msg;

	abi_msg_init(&msg, type, 0, slot, entry_of(s, slot)->generation);
	if (size)
		memcpy(msg.payload, payload, size);
	session_tell_message(s, &msg);
}
