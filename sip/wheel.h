// SPDX-License-Identifier: BSD-3-Clause
//
// A hierarchical timer wheel: five levels of 64 slots, one tick a millisecond, so up to 12 days
// ahead (later ones wait in the last level and are placed again). Starting and stopping are O(1)
// and never fail; advancing jumps over empty slots by a bitmap per level. Timers are embedded in
// what they time.
//
// Timers of one tick fire in the order in which they were started.
//
// Thread: one wheel per shard, no locks.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SIP_WHEEL_BITS   6
#define SIP_WHEEL_SLOTS  (1 << SIP_WHEEL_BITS)
#define SIP_WHEEL_LEVELS 5

struct sip_timer;
typedef void sip_timer_fn(struct sip_timer *t, void *ctx);

struct sip_timer {
	struct sip_timer *next, *prev; // NULL when it is not running
	sip_timer_fn *fire; // may start and stop any timer, this one included, and free its owner
	uint64_t due;       // ms
};

struct sip_wheel {
	uint64_t now;
	uint64_t running; // timers
	void *ctx;        // handed to every `fire`
	uint64_t used[SIP_WHEEL_LEVELS];
	struct sip_timer slots[SIP_WHEEL_LEVELS][SIP_WHEEL_SLOTS]; // list heads
};

void sip_wheel_init(struct sip_wheel *w, uint64_t now, void *ctx);
// Fires at `due`, at the next advance when that has passed. A running timer is started anew.
void sip_timer_start(struct sip_wheel *w, struct sip_timer *t, uint64_t due);
void sip_timer_stop(struct sip_wheel *w, struct sip_timer *t);
static inline bool sip_timer_running(const struct sip_timer *t)
{
	return t->next;
}
// Fire everything due at or before `now`; time never goes back, an earlier `now` is taken as the
// present one.
void sip_wheel_advance(struct sip_wheel *w, uint64_t now);
// A time by which to advance again, never later than the next timer, UINT64_MAX when none runs.
uint64_t sip_wheel_next(const struct sip_wheel *w);

#ifdef __cplusplus
}
#endif
