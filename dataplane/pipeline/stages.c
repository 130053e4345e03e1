// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/pipeline/stages.h"

#include "dataplane/pipeline/secure.h"

const struct dp_stage_entry dp_stages[DP_STAGES] = {
	[DP_STAGE_RX] = {"rx", dp_stage_rx},
	[DP_STAGE_LOOKUP] = {"lookup", dp_stage_lookup},
	[DP_STAGE_HANDOFF] = {"handoff", dp_stage_handoff},
	[DP_STAGE_UNPROTECT] = {"unprotect", dp_stage_unprotect},
	[DP_STAGE_ADMIT] = {"admit", dp_stage_admit},
	[DP_STAGE_DIVERT] = {"divert", dp_stage_divert},
	[DP_STAGE_PROTECT] = {"protect", dp_stage_protect},
	[DP_STAGE_RELAY] = {"relay", dp_stage_relay},
	[DP_STAGE_TX] = {"tx", dp_stage_tx},
	[DP_STAGE_PUNT] = {"punt", dp_stage_punt},
};

#define SAMPLE_MASK 63u // one burst in 64 is timed

// The stages of one burst. `sample`: read the clock around each.
static inline unsigned run(
	struct dp_worker *w, struct dp_burst *b, unsigned first, bool sample)
{
	unsigned received = 0;

	for (unsigned s = first; s < DP_STAGES; s++) {
		unsigned in = s == DP_STAGE_PUNT ? b->punts : b->count;
		uint64_t start = 0;

		if (s != DP_STAGE_RX && !in)
			continue;
		if (sample)
			start = rte_rdtsc();
		b->count = dp_stages[s].run(w, b);
		if (s == DP_STAGE_RX) {
			in = received = b->count;
			if (!in)
				return 0;
		}
		dp_count(w, DP_COUNT_STAGE_CALLS + s, 1);
		dp_count(w, DP_COUNT_STAGE_PACKETS + s, in);
		if (!sample)
			continue;
		dp_count(w, DP_COUNT_STAGE_CYCLES + s, rte_rdtsc() - start);
		dp_count(w, DP_COUNT_STAGE_SAMPLED + s, in);
	}
	return received;
}

static void begin(struct dp_burst *b)
{
	b->count = b->punts = b->ports = b->rtcp = 0;
	b->octets = 0;
}

static void free_dropped(struct dp_worker *w)
{
	if (likely(!w->dropped_count))
		return;
	rte_pktmbuf_free_bulk(w->dropped, w->dropped_count);
	w->dropped_count = 0;
}

unsigned dp_stages_run(struct dp_worker *w, struct dp_burst *b)
{
	unsigned received;

	begin(b);
	if (unlikely(w->sources[b->source].kind == DP_SOURCE_KERNEL))
		received = dp_from_kernel(w, b);
	else
		received = run(w, b, DP_STAGE_RX, (w->turns & SAMPLE_MASK) == 0);
	if (!received)
		return 0;
	dp_count(w, DP_COUNT_RX, received);
	free_dropped(w);
	return received;
}

unsigned dp_stages_made(struct dp_worker *w, struct dp_burst *b)
{
	unsigned made;

	begin(b);
	made = dp_take_made(w, b);
	if (!made)
		return 0;
	run(w, b, DP_STAGE_PROTECT, (w->turns & SAMPLE_MASK) == 0);
	free_dropped(w);
	return made;
}
