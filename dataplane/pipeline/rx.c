// SPDX-License-Identifier: BSD-3-Clause
// Stage rx: takes a burst from the source's queue, or from the ring of packets that other workers
// received for us, and fetches the headers for lookup.
#include <rte_ethdev.h>
#include <rte_prefetch.h>

#include "dataplane/worker/state.h"

#define MANY_SESSIONS 10000u // their legs are more than a second-level cache holds

unsigned dp_stage_rx(struct dp_worker *w, struct dp_burst *b)
{
	const struct dp_source *s = &w->sources[b->source];
	// Legs that come from memory want more fetches under way at once.
	unsigned burst = w->listed_count > MANY_SESSIONS ? DP_BURST : s->burst;
	unsigned n;

	if (likely(s->kind == DP_SOURCE_MEDIA))
		n = rte_eth_rx_burst(s->port, s->queue, b->mbuf, (uint16_t)burst);
	else
		n = rte_ring_sc_dequeue_burst(w->handoff_in, (void **)b->mbuf, DP_BURST, NULL);
	for (unsigned i = 0; i < n; i++)
		rte_prefetch0(rte_pktmbuf_mtod(b->mbuf[i], void *));
	return n;
}
