// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/codec/order.h"

#include <string.h>

#define FAR       200   // sequence numbers that one stream may jump
#define MARGIN_US 5000u // more than what the late packet would have needed

void order_init(
	struct order *o, uint8_t *memory, uint16_t slot_size, uint32_t least_us, uint32_t most_us)
{
	*o = (struct order){.slot_size = slot_size, .least_us = least_us, .most_us = most_us};
	o->wait_us = least_us > 20000 ? least_us : 20000;
	if (o->wait_us > most_us)
		o->wait_us = most_us;
	for (unsigned i = 0; i < ORDER_SLOTS; i++)
		o->slot[i].data = memory + (size_t)i * slot_size;
}

static void restart(struct order *o, uint16_t seq, uint32_t ssrc)
{
	for (unsigned i = 0; i < ORDER_SLOTS; i++)
		o->slot[i].used = false;
	o->begun = true;
	o->odd_known = false;
	o->held = 0;
	o->gap_us = 0;
	o->seen = 0;
	o->ssrc = ssrc;
	o->next = seq;
}

enum order_verdict order_look(struct order *o, uint16_t seq, uint32_t ssrc, uint64_t now)
{
	int ahead = (int16_t)(seq - o->next);

	if (!o->begun || ssrc != o->ssrc) {
		restart(o, seq, ssrc);
		return ORDER_RESTART;
	}
	if (ahead >= FAR || ahead <= -FAR) {
		if (o->odd_known && seq == o->odd) {
			restart(o, seq, ssrc);
			return ORDER_RESTART;
		}
		o->odd = (uint16_t)(seq + 1);
		o->odd_known = true;
		return ORDER_ODD;
	}
	o->odd_known = false;
	if (ahead < 0)
		return ahead >= -64 && o->seen >> (-ahead - 1) & 1 ? ORDER_DUPLICATE : ORDER_LATE;
	if (ahead < (int)ORDER_SLOTS && o->slot[seq % ORDER_SLOTS].used)
		return ORDER_DUPLICATE;
	return ahead ? ORDER_AHEAD : ORDER_NEXT;
}

static void move_on(struct order *o, unsigned count, bool came)
{
	o->next = (uint16_t)(o->next + count);
	o->seen = count < 64 ? o->seen << count : 0;
	o->seen |= came;
}

struct order_slot *order_hold(
	struct order *o, uint16_t seq, const void *data, size_t length, uint64_t now)
{
	struct order_slot *slot;

	// A gap that is longer than the slots: what it would have had room for is lost.
	while ((uint16_t)(seq - o->next) >= ORDER_SLOTS) {
		slot = &o->slot[o->next % ORDER_SLOTS];
		o->held -= slot->used;
		o->lost += !slot->used;
		slot->used = false;
		move_on(o, 1, false);
	}
	slot = &o->slot[seq % ORDER_SLOTS];
	memcpy(slot->data, data, length);
	slot->length = (uint16_t)length;
	slot->seq = seq;
	slot->arrival_us = now;
	slot->used = true;
	o->held++;
	if (!o->gap_us && seq != o->next)
		o->gap_us = now;
	return slot;
}

// A gap begins to count when the first packet behind it came.
static void look_for_gap(struct order *o)
{
	unsigned missing;
	struct order_slot *first = order_behind_gap(o, &missing);

	o->gap_us = first ? first->arrival_us : 0;
}

void order_done(struct order *o, uint64_t now)
{
	struct order_slot *slot = &o->slot[o->next % ORDER_SLOTS];

	o->held -= slot->used;
	slot->used = false;
	move_on(o, 1, true);
	if (o->held)
		look_for_gap(o);
	else
		o->gap_us = 0;
}

struct order_slot *order_next(struct order *o)
{
	struct order_slot *slot = &o->slot[o->next % ORDER_SLOTS];

	return slot->used ? slot : NULL;
}

struct order_slot *order_behind_gap(struct order *o, unsigned *missing)
{
	if (!o->held || order_next(o))
		return NULL;
	for (*missing = 1; *missing < ORDER_SLOTS; ++*missing) {
		struct order_slot *slot = &o->slot[(o->next + *missing) % ORDER_SLOTS];

		if (slot->used)
			return slot;
	}
	return NULL;
}

void order_give_up(struct order *o, unsigned missing, uint64_t now)
{
	move_on(o, missing, false);
	o->lost += missing;
	if (o->gap_us)
		o->given_up_us = o->gap_us;
	o->wait_us -= (o->wait_us - o->least_us) / 8;
	look_for_gap(o);
}

uint64_t order_deadline(const struct order *o)
{
	if (!o->gap_us)
		return UINT64_MAX;
	// So many are held that it cannot be a matter of order.
	return o->held > ORDER_SLOTS * 3 / 4 ? 0 : o->gap_us + o->wait_us;
}

void order_was_late(struct order *o, uint64_t now)
{
	uint64_t needed = now - o->given_up_us + MARGIN_US;

	if (!o->given_up_us || needed > o->most_us)
		return; // nothing that may be waited for would have helped
	if (needed > o->wait_us)
		o->wait_us = (uint32_t)needed;
}
