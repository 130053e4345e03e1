// SPDX-License-Identifier: BSD-3-Clause
// Stage punt: what lookup found to be the kernel's (ARP, neighbour discovery, ICMP, SIP, fragments)
// leaves by the port's exception device. Frames from the kernel's side take the other way, as they
// are.
#include <string.h>

#include <rte_ethdev.h>

#include "dataplane/worker/state.h"

unsigned dp_stage_punt(struct dp_worker *w, struct dp_burst *b)
{
	const struct dp_source *s = &w->sources[b->source];
	unsigned port = w->ports[s->port].exception, sent = 0;

	if (w->ports[port % DP_PORTS].tx_queue != DP_NO_PORT)
		sent = rte_eth_tx_burst((uint16_t)port, w->ports[port % DP_PORTS].tx_queue, b->punt,
			(uint16_t)b->punts);
	dp_count(w, DP_COUNT_PUNT, sent);
	for (unsigned i = sent; i < b->punts; i++)
		dp_drop(w, b->punt[i], DP_DROP_PUNT_FULL);
	return sent;
}

// The kernel's side of an interface in a VLAN knows nothing of it. False: no room for the tag.
static bool tag(struct rte_mbuf *m, uint16_t vlan)
{
	uint8_t *frame = (uint8_t *)rte_pktmbuf_prepend(m, 4);

	if (!frame)
		return false;
	memmove(frame, frame + 4, 12);
	frame[12] = 0x81;
	frame[13] = 0;
	frame[14] = (uint8_t)(vlan >> 8);
	frame[15] = (uint8_t)vlan;
	return true;
}

static unsigned tag_all(struct dp_worker *w, struct dp_burst *b, unsigned n, uint16_t vlan)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < n; i++) {
		if (tag(b->mbuf[i], vlan))
			b->mbuf[kept++] = b->mbuf[i];
		else
			dp_drop(w, b->mbuf[i], DP_DROP_NO_HEADROOM);
	}
	return kept;
}

unsigned dp_from_kernel(struct dp_worker *w, struct dp_burst *b)
{
	const struct dp_source *s = &w->sources[b->source];
	const struct dp_port *out = &w->ports[s->peer % DP_PORTS];
	unsigned received, n, sent = 0;

	n = received = rte_eth_rx_burst(s->port, s->queue, b->mbuf, DP_BURST);
	if (!n)
		return 0;
	if (out->vlan)
		n = tag_all(w, b, n, out->vlan);
	if (out->used && out->tx_queue != DP_NO_PORT)
		sent = rte_eth_tx_burst(s->peer, out->tx_queue, b->mbuf, (uint16_t)n);
	dp_count(w, DP_COUNT_KERNEL, sent);
	for (unsigned i = sent; i < n; i++)
		dp_drop(w, b->mbuf[i], DP_DROP_PUNT_FULL);
	return received;
}
