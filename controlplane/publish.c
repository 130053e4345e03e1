// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/publish.h"

#include "controlplane/counters.h"

void cp_publish(abi_atomic64 *to, const struct cp_transport *transport, const struct cp_gate *gate)
{
	struct cp_transport_counters t;
	struct cp_gate_counters g;

	cp_transport_count(transport, &t);
	cp_gate_count(gate, &g);
	const struct {
		enum cp_counter counter;
		uint64_t value;
	} values[] = {
		{CP_C_UDP_RECEIVED, t.udp_received},
		{CP_C_UDP_SENT, t.udp_sent},
		{CP_C_STREAM_RECEIVED, t.streams.received},
		{CP_C_STREAM_SENT, t.streams.sent},
		{CP_C_CONNECTIONS, t.streams.open},
		{CP_C_CONNECTIONS_ACCEPTED, t.streams.accepted},
		{CP_C_CONNECTIONS_MADE, t.streams.connected},
		{CP_C_CONNECTIONS_REFUSED, t.streams.refused_full + t.streams.refused_source},
		{CP_C_CONNECTIONS_SLOW, t.streams.slow},
		{CP_C_CONNECTIONS_IDLE, t.streams.idle},
		{CP_C_CONNECTIONS_BACKLOG, t.streams.backlogged},
		{CP_C_CONNECTIONS_UNFRAMED, t.streams.unframed},
		{CP_C_CONNECTIONS_TLS, t.streams.tls_failures},
		{CP_C_CONNECTIONS_UPGRADE, t.streams.upgrade_failures},
		{CP_C_KEEPALIVES, t.keepalives + t.streams.keepalives},
		{CP_C_WIDENED, t.widened},
		{CP_C_RECONNECTED, t.reconnected},
		{CP_C_ICMP, t.udp_icmp},
		{CP_C_DNS_QUESTIONS, t.dns_questions},
		{CP_C_DNS_FAILURES, t.dns_failures},
		{CP_C_DROP_KERNEL, t.udp_kernel_drops},
		{CP_C_DROP_QUEUE, t.udp_queue_full},
		{CP_C_DROP_SHED, g.overload.shed + g.overload.shed_rate},
		{CP_C_DROP_SHED_SOURCE, g.overload.shed_source},
		{CP_C_DROP_MUTED, g.overload.muted},
		{CP_C_DROP_SHED_ACK, g.acks},
		{CP_C_MUTES, g.overload.mutes},
		{CP_C_WAITED_US, g.overload.age_us},
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		abi_store64(&to[values[i].counter], values[i].value);
}
