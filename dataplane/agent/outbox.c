// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/agent/outbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct place {
	bool done;
	struct abi_msg msg;
};

struct outbox {
	bool open;
	bool blocked;
	uint32_t generation;
	struct abi_producer ring;
	const abi_atomic32 *sleeping;
	int bell;
	uint32_t sequence;
	uint32_t reply_head, reply_tail; // free-running
	uint32_t event_head, event_tail;
	struct place replies[OUTBOX_REPLIES];
	struct abi_msg events[OUTBOX_EVENTS];
};

struct outbox *outbox_new(void)
{
	return calloc(1, sizeof(struct outbox));
}

void outbox_free(struct outbox *box)
{
	free(box);
}

void outbox_open(struct outbox *box, uint32_t generation, void *slots, abi_atomic32 *producer,
	const abi_atomic32 *consumer, const abi_atomic32 *sleeping, int bell)
{
	abi_producer_init(&box->ring, slots, ABI_EVENT_SLOTS, ABI_MSG_SIZE, producer, consumer);
	box->open = true;
	box->blocked = false;
	box->generation = generation;
	box->sleeping = sleeping;
	box->bell = bell;
	box->sequence = 0;
	box->reply_head = box->reply_tail = 0;
	box->event_head = box->event_tail = 0;
}

void outbox_close(struct outbox *box)
{
	box->open = false;
}

bool outbox_is_open(const struct outbox *box)
{
	return box->open;
}

bool outbox_room(const struct outbox *box)
{
	return box->open && box->reply_head - box->reply_tail < OUTBOX_REPLIES;
}

uint64_t outbox_expect(struct outbox *box, const struct abi_msg *command)
{
	struct place *place = &box->replies[box->reply_head % OUTBOX_REPLIES];
	uint16_t type = command->type | ABI_REPLY;

	place->done = false;
	abi_msg_init(&place->msg, type, command->transaction, command->slot, command->generation);
	return (uint64_t)box->generation << 32 | box->reply_head++;
}

static struct place *place_of(struct outbox *box, uint64_t ticket)
{
	uint32_t index = (uint32_t)ticket;

	if (ticket == OUTBOX_NONE || !box->open || ticket >> 32 != box->generation ||
		index - box->reply_tail >= box->reply_head - box->reply_tail)
		return NULL;
	return &box->replies[index % OUTBOX_REPLIES];
}

struct abi_msg *outbox_reply(struct outbox *box, uint64_t ticket)
{
	struct place *place = place_of(box, ticket);

	return place ? &place->msg : NULL;
}

void outbox_done(struct outbox *box, uint64_t ticket)
{
	struct place *place = place_of(box, ticket);

	if (place)
		place->done = true;
}

void outbox_fail(
	struct outbox *box, uint64_t ticket, int result, enum abi_field field, uint32_t leg)
{
	struct place *place = place_of(box, ticket);
	struct abi_reply why = {.field = field, .leg = leg};

	if (!place)
		return;
	place->msg.result = result;
	place->msg.length = sizeof(why);
	memset(place->msg.payload, 0, sizeof(place->msg.payload));
	memcpy(place->msg.payload, &why, sizeof(why));
	place->done = true;
}

bool outbox_event(struct outbox *box, const struct abi_msg *event)
{
	if (!box->open || box->event_head - box->event_tail == OUTBOX_EVENTS)
		return false;
	box->events[box->event_head++ % OUTBOX_EVENTS] = *event;
	return true;
}

static int send_one(struct outbox *box, struct abi_msg *msg)
{
	int err;

	msg->sequence = box->sequence;
	err = abi_produce(&box->ring, msg);
	if (!err)
		box->sequence++;
	return err;
}

int outbox_flush(struct outbox *box, unsigned *replies)
{
	int sent = 0, err = 0;

	*replies = 0;
	if (!box->open)
		return 0;
	while (!err && box->reply_tail != box->reply_head) {
		struct place *place = &box->replies[box->reply_tail % OUTBOX_REPLIES];

		if (!place->done)
			break;
		err = send_one(box, &place->msg);
		if (!err) {
			box->reply_tail++;
			++*replies;
			sent++;
		}
	}
	while (!err && box->event_tail != box->event_head) {
		err = send_one(box, &box->events[box->event_tail % OUTBOX_EVENTS]);
		if (!err) {
			box->event_tail++;
			sent++;
		}
	}
	if (sent)
		abi_doorbell_ring(box->sleeping, box->bell);
	box->blocked = err == -EAGAIN;
	return err == -EPROTO ? err : sent;
}

bool outbox_blocked(const struct outbox *box)
{
	return box->open && box->blocked;
}
