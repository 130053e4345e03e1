// SPDX-License-Identifier: BSD-3-Clause
// Stage tx: sends what relay has written, by as many ports as it leaves by; nearly always that is
// one. A full queue is offered the rest a few times more, then the rest is dropped and counted.
#include <rte_ethdev.h>

#include "dataplane/worker/state.h"

#define TRIES 8u

static void lose(struct dp_worker *w, struct dp_burst *b, unsigned i, enum dp_reason reason)
{
	// mbuf and packet are still ours: the driver takes only what it sends.
	b->octets -= b->mbuf[i]->pkt_len;
	b->rtcp -= b->packet[i].component;
	dp_unsent(&b->packet[i]);
	dp_drop(w, b->mbuf[i], reason);
}

// Packets first..first+n-1 of the burst leave by one port. Returns how many went out.
static unsigned send_run(
	struct dp_worker *w, struct dp_burst *b, unsigned port, unsigned first, unsigned n)
{
	const struct dp_port *p = &w->ports[port];
	bool able = p->used && p->tx_queue != DP_NO_PORT;
	uint16_t id = p->elsewhere ? p->tx_port : (uint16_t)port;
	unsigned sent = 0;

	for (unsigned tries = 0; able && tries < TRIES && sent < n; tries++)
		sent += rte_eth_tx_burst(
			id, p->tx_queue, b->mbuf + first + sent, (uint16_t)(n - sent));
	for (unsigned i = sent; i < n; i++)
		lose(w, b, first + i, able ? DP_DROP_TX_FULL : DP_DROP_NO_QUEUE);
	return sent;
}

// Several ports: packets of one port stand in runs more often than not.
static unsigned send_runs(struct dp_worker *w, struct dp_burst *b)
{
	unsigned sent = 0, first = 0;

	for (unsigned i = 1; i <= b->count; i++) {
		if (i < b->count && b->port[i] == b->port[first])
			continue;
		sent += send_run(w, b, b->port[first], first, i - first);
		first = i;
	}
	return sent;
}

unsigned dp_stage_tx(struct dp_worker *w, struct dp_burst *b)
{
	unsigned sent;

	if (likely((b->ports & (b->ports - 1)) == 0))
		sent = send_run(w, b, b->port[0], 0, b->count);
	else
		sent = send_runs(w, b);
	dp_count(w, DP_COUNT_RTP, sent - b->rtcp);
	if (b->rtcp)
		dp_count(w, DP_COUNT_RTCP, b->rtcp);
	dp_count(w, DP_COUNT_TX_OCTETS, b->octets);
	return sent;
}
