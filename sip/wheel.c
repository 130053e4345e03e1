// SPDX-License-Identifier: BSD-3-Clause
#include "sip/wheel.h"

#include <stddef.h>

#define SLOT_MASK (SIP_WHEEL_SLOTS - 1)
#define HORIZON   (1ull << (SIP_WHEEL_BITS * SIP_WHEEL_LEVELS))

void sip_wheel_init(struct sip_wheel *w, uint64_t now, void *ctx)
{
	*w = (struct sip_wheel){.now = now, .ctx = ctx};
	for (int l = 0; l < SIP_WHEEL_LEVELS; l++) {
		for (int s = 0; s < SIP_WHEEL_SLOTS; s++) {
			struct sip_timer *head = &w->slots[l][s];
			head->next = head->prev = head;
		}
	}
}

// The level is that of the highest digit (base 64) in which `due` differs from now: all digits
// above are equal, so the slot comes up exactly when the wheel reaches that digit.
static void place(struct sip_wheel *w, struct sip_timer *t)
{
	uint64_t due = t->due;
	int level = 0;

	if (due - w->now >= HORIZON)
		due = w->now + HORIZON - 1;
	uint64_t diff = due ^ w->now;
	while (level < SIP_WHEEL_LEVELS - 1 && diff >> (SIP_WHEEL_BITS * (level + 1)))
		level++;
	unsigned slot = (due >> (SIP_WHEEL_BITS * level)) & SLOT_MASK;

	struct sip_timer *head = &w->slots[level][slot];
	t->next = head;
	t->prev = head->prev;
	head->prev->next = t;
	head->prev = t;
	w->used[level] |= 1ull << slot;
}

static void unlink_timer(struct sip_timer *t)
{
	t->next->prev = t->prev;
	t->prev->next = t->next;
	t->next = t->prev = NULL;
}

void sip_timer_start(struct sip_wheel *w, struct sip_timer *t, uint64_t due)
{
	sip_timer_stop(w, t);
	// The slot of the present tick has been emptied already, so nothing is placed into it.
	t->due = due > w->now ? due : w->now + 1;
	place(w, t);
	w->running++;
}

void sip_timer_stop(struct sip_wheel *w, struct sip_timer *t)
{
	if (!sip_timer_running(t))
		return;
	unlink_timer(t);
	w->running--;
	// The bit of a slot that became empty stays until the wheel comes by; it costs one look.
}

// Move every timer of this slot down to where it belongs now.
static void cascade(struct sip_wheel *w, int level)
{
	unsigned slot = (w->now >> (SIP_WHEEL_BITS * level)) & SLOT_MASK;
	struct sip_timer *head = &w->slots[level][slot], *t;

	w->used[level] &= ~(1ull << slot);
	struct sip_timer list = *head;
	if (head->next == head)
		return;
	list.next->prev = list.prev->next = &list;
	head->next = head->prev = head;
	while ((t = list.next) != &list) {
		unlink_timer(t);
		place(w, t);
	}
}

static void fire_slot(struct sip_wheel *w, unsigned slot)
{
	struct sip_timer *head = &w->slots[0][slot], *t;

	w->used[0] &= ~(1ull << slot);
	while ((t = head->next) != head) {
		unlink_timer(t);
		w->running--;
		t->fire(t, w->ctx);
	}
}

// The first tick after now at which anything may have to be done: the next used slot of level 0
// in this turn, or the next used slot of a higher level, whichever is the sooner.
static uint64_t next_stop(const struct sip_wheel *w)
{
	uint64_t best = UINT64_MAX;

	for (int level = 0; level < SIP_WHEEL_LEVELS; level++) {
		int shift = SIP_WHEEL_BITS * level;
		unsigned at = (w->now >> shift) & SLOT_MASK;
		uint64_t later = at == SLOT_MASK ? 0 : w->used[level] & (~0ull << (at + 1));
		uint64_t turn = w->now >> shift >> SIP_WHEEL_BITS;
		uint64_t slot;

		if (later) {
			slot = (turn << SIP_WHEEL_BITS) + (unsigned)__builtin_ctzll(later);
		} else if (level == SIP_WHEEL_LEVELS - 1 && w->used[level]) {
			// Only the last level wraps: its slots at or before `at` are of the next
			// turn.
			slot = ((turn + 1) << SIP_WHEEL_BITS) +
			       (unsigned)__builtin_ctzll(w->used[level]);
		} else {
			continue;
		}
		if (slot << shift < best)
			best = slot << shift;
	}
	return best;
}

void sip_wheel_advance(struct sip_wheel *w, uint64_t now)
{
	while (w->now < now) {
		uint64_t stop = w->running ? next_stop(w) : UINT64_MAX;
		if (stop > now) {
			w->now = now;
			return;
		}
		w->now = stop;
		for (int level = SIP_WHEEL_LEVELS - 1; level > 0; level--)
			if ((stop & ((1ull << (SIP_WHEEL_BITS * level)) - 1)) == 0)
				cascade(w, level);
		fire_slot(w, stop & SLOT_MASK);
	}
}

uint64_t sip_wheel_next(const struct sip_wheel *w)
{
	return w->running ? next_stop(w) : UINT64_MAX;
}
