// SPDX-License-Identifier: BSD-3-Clause
// The sweep: a share of the sessions at a time, so that each leg's numbers are published about once
// a second while media flows and silence is noticed, and forwarding never waits for more than a few
// legs.
#include <rte_prefetch.h>

#include "dataplane/worker/state.h"

#define SLOTS_A_TURN 64u

static void look_for_silence(struct dp_worker *w, struct dp_leg *leg, uint64_t now_us)
{
	uint64_t since = leg->last_us > leg->since_us ? leg->last_us : leg->since_us;

	if (!leg->timeout_ms || leg->timed_out || now_us < since + leg->timeout_ms * 1000ull)
		return;
	leg->timed_out = dp_tell_timeout(w, leg);
	dp_count(w, DP_COUNT_TIMEOUTS, leg->timed_out);
}

static void sweep_leg(struct dp_worker *w, struct dp_leg *leg, uint64_t now)
{
	struct abi_leg_stats stats;

	if (leg->stats.last != leg->swept || leg->stats.dropped != leg->swept_dropped) {
		if (leg->stats.last != leg->swept) {
			leg->last_us = dp_leg_last_us(leg, now);
			leg->timed_out = 0;
		}
		leg->swept = leg->stats.last;
		leg->swept_dropped = leg->stats.dropped;
		dp_publish(w, leg, now, &stats);
	}
	for (unsigned component = 0; unlikely(leg->untold) && component < 2; component++)
		if (leg->untold >> component & 1)
			dp_tell_learned(w, leg, component);
	look_for_silence(w, leg, dp_ticks_to_us(now));
	if (unlikely(leg->secure))
		dp_sweep_secure(w, leg, now);
}

// What is looked at next is fetched a few slots ahead.
static void fetch(const struct dp_worker *w, uint32_t slot)
{
	const struct dp_listed *l = &w->listed[slot < w->listed_end ? slot : 0];

	for (unsigned i = 0; i < 2; i++) {
		const struct dp_leg *leg = __atomic_load_n(&l->leg[i], __ATOMIC_RELAXED);

		if (!leg)
			return;
		rte_prefetch0(&leg->stats);
		rte_prefetch0(&leg->last_us);
		rte_prefetch0(&leg->timeout_ms);
	}
}

void dp_sweep(struct dp_worker *w, uint64_t now)
{
	uint64_t rate = w->listed_end < DP_SWEEP_LEGS / 2 ? w->listed_end : DP_SWEEP_LEGS / 2;

	w->sweep_credit += (now - w->swept_ticks) * rate;
	w->swept_ticks = now;
	// A worker that slept or was busy catches up by a turn, not by a pause.
	if (w->sweep_credit > (uint64_t)SLOTS_A_TURN << 20)
		w->sweep_credit = (uint64_t)SLOTS_A_TURN << 20;
	while (w->sweep_credit >= 1u << 20 && w->listed_count) {
		const struct dp_listed *l;

		w->sweep_credit -= 1u << 20;
		if (w->sweep_at >= w->listed_end)
			w->sweep_at = 0;
		fetch(w, w->sweep_at + 4);
		l = &w->listed[w->sweep_at++];
		// The agent may end the session meanwhile; its legs stay as they are until this
		// turn is over.
		for (unsigned i = 0; i < 2; i++) {
			struct dp_leg *leg = __atomic_load_n(&l->leg[i], __ATOMIC_ACQUIRE);

			if (!leg)
				break;
			sweep_leg(w, leg, now);
		}
	}
}
