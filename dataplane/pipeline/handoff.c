// SPDX-License-Identifier: BSD-3-Clause
// Stage handoff: a packet whose port belongs to another worker goes there by a ring. NICs that
// steer by port leave nothing to do here; for the others this always works.
#include "dataplane/worker/state.h"

// Sends what is collected for one worker; what finds no room is dropped.
static void pass(struct dp_worker *w, unsigned to, struct rte_mbuf **m, unsigned n)
{
	unsigned sent = rte_ring_mp_enqueue_burst(w->peers[to]->handoff_in, (void **)m, n, NULL);

	w->hand_wakes |= 1ull << to;
	dp_count(w, DP_COUNT_HANDED, sent);
	for (; sent < n; sent++)
		dp_drop(w, m[sent], DP_DROP_HANDOFF_FULL);
}

unsigned dp_stage_handoff(struct dp_worker *w, struct dp_burst *b)
{
	struct rte_mbuf *away[DP_BURST];
	unsigned kept = 0, away_count = 0, away_to = 0;

	if (w->workers == 1 || w->sources[b->source].kind == DP_SOURCE_HANDOFF)
		return b->count;
	for (unsigned i = 0; i < b->count; i++) {
		unsigned owner = w->steering->worker[b->packet[i].local_port];

		if (owner == w->index) {
			dp_keep(b, kept++, i);
			continue;
		}
		if (away_count && owner != away_to) {
			pass(w, away_to, away, away_count);
			away_count = 0;
		}
		away_to = owner;
		away[away_count++] = b->mbuf[i];
	}
	if (away_count)
		pass(w, away_to, away, away_count);
	return kept;
}
