// SPDX-License-Identifier: BSD-3-Clause
//
// How a request leaves, decided when its size is known: the owner opens a connection, or takes TCP for
// what is too long for UDP (RFC 3261 18.1.1). Then the Via says so.
#include <errno.h>
#include <stdlib.h>

#include "sip/tx.h"

// The first Via of a request that we wrote: "Via: SIP/2.0/<transport> <sent-by>;branch=...".
static int write_via(struct sip_transaction *tx)
{
	static const char start[] = "\r\nVia: SIP/2.0/";
	struct sip_layer *l = tx->layer;
	struct sip_slice sent_by = l->ops.sent_by(l->ctx, &tx->flow);
	const char *transport = sip_transport_name(tx->flow.transport);
	char *p = (char *)tx->bytes, *via = memmem(p, tx->bytes_len, start, sizeof(start) - 1);
	char *branch, *fresh;
	size_t head, tail, n;

	if (!via)
		return -EINVAL;
	via += sizeof(start) - 1;
	branch = memchr(via, ';', (size_t)(p + tx->bytes_len - via));
	if (!branch)
		return -EINVAL;
	head = (size_t)(via - p);
	tail = (size_t)(p + tx->bytes_len - branch);
	n = head + strlen(transport) + 1 + sent_by.n + tail;
	if (n > SIP_MESSAGE_MAX)
		return -ENOBUFS;
	fresh = malloc(n);
	if (!fresh)
		return -ENOMEM;
	memcpy(fresh, p, head);
	n = head;
	memcpy(fresh + n, transport, strlen(transport));
	n += strlen(transport);
	fresh[n++] = ' ';
	memcpy(fresh + n, sent_by.p, sent_by.n);
	n += sent_by.n;
	memcpy(fresh + n, branch, tail);
	free(tx->bytes);
	tx->bytes = (uint8_t *)fresh;
	tx->bytes_len = (uint32_t)(n + tail);
	return 0;
}

int sip_route(struct sip_layer *l, struct sip_flow *flow, size_t n)
{
	return l->ops.route ? l->ops.route(l->ctx, flow, n) : 0;
}

int sip_tx_route(struct sip_transaction *tx)
{
	const struct sip_flow before = tx->flow;
	const struct sip_layer *l = tx->layer;
	size_t n = l->ops.wire_size
			   ? l->ops.wire_size(l->ctx, &tx->flow, tx->bytes, tx->bytes_len)
			   : tx->bytes_len;
	int err = sip_route(tx->layer, &tx->flow, n);

	if (err)
		return err;
	if (before.transport == tx->flow.transport && before.socket == tx->flow.socket)
		return 0;
	if (before.transport == SIP_UDP) {
		tx->flags |= SIP_TX_WIDE;
		tx->udp_socket = before.socket;
	}
	return write_via(tx);
}

bool sip_tx_route_back(struct sip_transaction *tx)
{
	if (!(tx->flags & SIP_TX_WIDE) || tx->status)
		return false;
	tx->flags &= (uint8_t)~SIP_TX_WIDE;
	tx->flow.transport = SIP_UDP;
	tx->flow.socket = tx->udp_socket;
	tx->flow.connection = 0;
	return write_via(tx) == 0;
}
