// SPDX-License-Identifier: BSD-3-Clause
// Received RTP packets in the order of their sequence numbers: what is next, what is held until what is before it
// came, what came twice or too late, and how long a gap is worth waiting for.
//
// One stream, one thread; memory is the caller's. The time waited adapts: a packet that came when it had been given
// up already makes it longer, losses that stay losses make it shorter.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORDER_SLOTS 32u // packets that may be held, and sequence numbers that a gap may have

struct order_slot {
	uint8_t *data; // of `slot_size`
	uint64_t arrival_us;
	uint32_t timestamp;
	uint16_t seq;
	uint16_t length;
	uint8_t kind; // the caller's
	bool marker;
	bool used;
};

enum order_verdict {
	ORDER_NEXT,      // in order
	ORDER_AHEAD,     // something before it is missing: hold it
	ORDER_DUPLICATE, // came already
	ORDER_LATE,      // had been given up
	ORDER_ODD,     // far from the others: if another one follows it, the stream has begun anew
	ORDER_RESTART, // begins the stream, first of all or anew: what is held is to be forgotten
};

struct order {
	uint64_t seen;        // bit n: next - 1 - n came
	uint64_t gap_us;      // since when something behind a gap is held; 0: nothing is
	uint64_t given_up_us; // gap_us of the last gap that was given up
	uint32_t ssrc;
	uint32_t lost; // given up, or with no room in the slots
	uint32_t wait_us, least_us, most_us;
	uint16_t next;
	uint16_t odd; // sequence number behind an odd one
	bool begun, odd_known;
	uint8_t held;
	uint16_t slot_size;
	struct order_slot slot[ORDER_SLOTS];
};

// `memory`: ORDER_SLOTS times slot_size bytes.
void order_init(
	struct order *o, uint8_t *memory, uint16_t slot_size, uint32_t least_us, uint32_t most_us);
// What a packet is. RESTART has begun anew already; else nothing changes but the odd one.
enum order_verdict order_look(struct order *o, uint16_t seq, uint32_t ssrc, uint64_t now);
// Keeps a packet that is NEXT or AHEAD. `length` fits into a slot.
struct order_slot *order_hold(
	struct order *o, uint16_t seq, const void *data, size_t length, uint64_t now);
// The next packet was dealt with; its slot, if it had one, is free.
void order_done(struct order *o, uint64_t now);
// The next in order, if it is held.
struct order_slot *order_next(struct order *o);
// The first that is held behind a gap, and how many are missing before it; NULL: none.
struct order_slot *order_behind_gap(struct order *o, unsigned *missing);
// `missing` packets are taken for lost.
void order_give_up(struct order *o, unsigned missing, uint64_t now);
// When the gap is to be given up; UINT64_MAX: there is none.
uint64_t order_deadline(const struct order *o);
// A packet was LATE: waits longer the next time.
void order_was_late(struct order *o, uint64_t now);
