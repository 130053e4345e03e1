// SPDX-License-Identifier: BSD-3-Clause
// When the streams of a transcoder are to be looked at: a wheel of milliseconds. What is due later than the
// wheel reaches is looked at when it has come round, and put off.
#include "dataplane/worker/transcoder_state.h"

static uint64_t ms_of(uint64_t us)
{
	return (us + DP_TC_TICK - 1) / DP_TC_TICK;
}

void dp_tc_wheel_start(struct dp_transcoder *t)
{
	t->wheel_ms = t->now_us / DP_TC_TICK;
}

static void take_out(struct dp_tc_timer *timer)
{
	if (!timer->link)
		return;
	*timer->link = timer->next;
	if (timer->next)
		timer->next->link = timer->link;
	timer->link = NULL;
	timer->next = NULL;
}

static void put_in(struct dp_transcoder *t, struct dp_tc_timer *timer)
{
	uint64_t ms = ms_of(timer->due_us), last = t->wheel_ms + DP_TC_WHEEL - 1;
	struct dp_tc_timer **slot;

	ms = ms <= t->wheel_ms ? t->wheel_ms + 1 : ms > last ? last : ms;
	slot = &t->wheel[ms % DP_TC_WHEEL];
	timer->next = *slot;
	timer->link = slot;
	if (timer->next)
		timer->next->link = &timer->next;
	*slot = timer;
}

void dp_tc_due(struct dp_transcoder *t, struct dp_tc_timer *timer, uint64_t due_us)
{
	if (timer->link && timer->due_us == due_us)
		return;
	take_out(timer);
	timer->due_us = due_us;
	if (due_us != UINT64_MAX)
		put_in(t, timer);
}

// What is put in while the wheel runs is due in a later millisecond, so a slot empties for good.
struct dp_tc_timer *dp_tc_expired(struct dp_transcoder *t)
{
	uint64_t now_ms = t->now_us / DP_TC_TICK;

	// Who slept for longer than the wheel reaches has every slot to look at, once.
	if (now_ms > t->wheel_ms + DP_TC_WHEEL)
		t->wheel_ms = now_ms - DP_TC_WHEEL;
	for (;;) {
		struct dp_tc_timer *timer = t->wheel[t->wheel_ms % DP_TC_WHEEL];

		if (timer) {
			take_out(timer);
			if (timer->due_us <= t->now_us)
				return timer;
			put_in(t, timer);
			continue;
		}
		if (t->wheel_ms >= now_ms)
			return NULL;
		t->wheel_ms++;
	}
}
