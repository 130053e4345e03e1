// SPDX-License-Identifier: BSD-3-Clause
// Stage lookup: reads Ethernet, IP and UDP headers and finds the leg that the local address and
// port name. What is not media at one of our addresses goes to the kernel, where there is a way
// there, or is dropped.
//
// Checksums: the IPv4 header's is checked here unless the NIC did. A UDP checksum is not: relay
// carries it over, so that an error on the way in is still one on the way out, unless a whole one
// must be computed.
#include <rte_prefetch.h>

#include "dataplane/pipeline/checksum.h"
#include "dataplane/worker/state.h"

#define OK DP_REASONS

#define ETHER_IP4    0x0008 // as read from memory
#define ETHER_IP6    0xdd86
#define ETHER_VLAN   0x0081
#define ETHER_SIZE   14u
#define VLAN_SIZE    4u
#define IP4_SIZE     20u
#define IP6_SIZE     40u
#define UDP_SIZE     8u
#define PROTOCOL_UDP 17u
#define IP6_FRAGMENT 44u

// What the kernel may want to see.
#define FOR_KERNEL                                                                                 \
	(1ull << DP_DROP_NOT_IP | 1ull << DP_DROP_NOT_OURS | 1ull << DP_DROP_FRAGMENT |            \
		1ull << DP_DROP_NOT_UDP | 1ull << DP_DROP_NOT_MEDIA)

static inline uint32_t be16(const uint8_t *p)
{
	return __builtin_bswap16(dp_word16(p));
}

// The port's leg. An odd port is a pair's RTCP, unless it is a muxed leg of its own.
static inline enum dp_reason find_leg(
	struct dp_packet *k, const struct dp_endpoint *e, uint16_t port)
{
	uint32_t pair = (uint32_t)(port - e->first_port) >> 1;

	if (unlikely(port < e->first_port || port > e->last_port))
		return DP_DROP_NOT_MEDIA;
	k->local_port = port;
	k->component = port & 1;
	if (unlikely(k->component)) {
		uint64_t bits = __atomic_load_n(&e->muxed_odd[pair / 64], __ATOMIC_RELAXED);

		k->component = !(bits >> pair % 64 & 1);
		port -= k->component;
	}
	k->leg = dp_table_leg(e, port);
	rte_prefetch0(&k->leg->rx);
	rte_prefetch0(&k->leg->onward);
	rte_prefetch0(&k->leg->stats);
	return OK;
}

// `udp` bytes into the frame UDP begins, and `room` bytes of IP payload are there.
static inline enum dp_reason read_udp(struct dp_packet *k, const uint8_t *data, uint32_t udp,
	uint32_t room, const struct dp_endpoint *e)
{
	uint32_t length = be16(data + udp + 4);

	if (unlikely(length < UDP_SIZE || length > room))
		return DP_DROP_BAD_UDP;
	k->payload = (uint16_t)(udp + UDP_SIZE);
	k->length = (uint16_t)(length - UDP_SIZE);
	return find_leg(k, e, (uint16_t)be16(data + udp + 2));
}

static inline bool bad_ip4_sum(const struct rte_mbuf *m, const uint8_t *ip, uint32_t header)
{
	uint64_t flags = m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;
	uint64_t sum = 0;

	if (flags == RTE_MBUF_F_RX_IP_CKSUM_GOOD)
		return false;
	for (uint32_t i = 0; i < header; i += 4)
		sum += dp_word32(ip + i);
	return dp_fold(sum) != 0xffff;
}

static inline enum dp_reason read_ip4(
	struct dp_worker *w, const struct rte_mbuf *m, struct dp_packet *k, uint32_t l2)
{
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *), *ip = data + l2;
	uint32_t room = m->data_len - l2, header = IP4_SIZE, total;
	const struct dp_endpoint *e;

	if (unlikely(room < IP4_SIZE + UDP_SIZE))
		return DP_DROP_SHORT;
	if (unlikely(ip[0] != 0x45)) {
		header = (ip[0] & 0x0fu) * 4;
		if (ip[0] >> 4 != 4 || header < IP4_SIZE || header + UDP_SIZE > room)
			return DP_DROP_BAD_IP;
	}
	total = be16(ip + 2);
	if (unlikely(total > room || total < header + UDP_SIZE))
		return DP_DROP_BAD_IP;
	e = dp_table_endpoint4(w->table, dp_word32(ip + 16));
	if (unlikely(!e))
		return DP_DROP_NOT_OURS;
	if (unlikely(be16(ip + 6) & 0x3fff))
		return DP_DROP_FRAGMENT;
	if (unlikely(ip[9] != PROTOCOL_UDP))
		return DP_DROP_NOT_UDP;
	if (unlikely(bad_ip4_sum(m, ip, header)))
		return DP_DROP_IP_CHECKSUM;
	k->family = 4;
	return read_udp(k, data, l2 + header, total - header, e);
}

static inline enum dp_reason read_ip6(
	struct dp_worker *w, const struct rte_mbuf *m, struct dp_packet *k, uint32_t l2)
{
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *), *ip = data + l2;
	uint32_t room = m->data_len - l2, length;
	const struct dp_endpoint *e;

	if (unlikely(room < IP6_SIZE + UDP_SIZE))
		return DP_DROP_SHORT;
	length = be16(ip + 4);
	if (unlikely(ip[0] >> 4 != 6 || length > room - IP6_SIZE || length < UDP_SIZE))
		return DP_DROP_BAD_IP;
	e = dp_table_endpoint6(w->table, ip + 24);
	if (unlikely(!e))
		return DP_DROP_NOT_OURS;
	if (unlikely(ip[6] == IP6_FRAGMENT))
		return DP_DROP_FRAGMENT;
	if (unlikely(ip[6] != PROTOCOL_UDP))
		return DP_DROP_NOT_UDP;
	k->family = 6;
	return read_udp(k, data, l2 + IP6_SIZE, length, e);
}

static inline enum dp_reason look(
	struct dp_worker *w, const struct rte_mbuf *m, struct dp_packet *k)
{
	uint8_t *data = rte_pktmbuf_mtod(m, uint8_t *);
	uint32_t l2 = ETHER_SIZE;
	uint16_t type;

	if (unlikely(m->data_len < ETHER_SIZE + VLAN_SIZE))
		return DP_DROP_SHORT;
	if (unlikely(m->data_len != m->pkt_len))
		return DP_DROP_SEGMENTED;
	type = dp_word16(data + 12);
	if (unlikely(type == ETHER_VLAN)) {
		l2 += VLAN_SIZE;
		type = dp_word16(data + 16);
	}
	k->frame = data;
	k->ip = (uint16_t)l2;
	if (likely(type == ETHER_IP4))
		return read_ip4(w, m, k, l2);
	if (likely(type == ETHER_IP6))
		return read_ip6(w, m, k, l2);
	return DP_DROP_NOT_IP;
}

static void refuse(
	struct dp_worker *w, struct dp_burst *b, struct rte_mbuf *m, enum dp_reason reason)
{
	const struct dp_source *s = &w->sources[b->source];

	if (!(FOR_KERNEL >> reason & 1) || s->kind != DP_SOURCE_MEDIA ||
		w->ports[s->port].exception == DP_NO_PORT) {
		dp_drop(w, m, reason);
		return;
	}
	if (reason == DP_DROP_FRAGMENT)
		dp_count(w, DP_COUNT_FRAGMENT_PUNT, 1);
	b->punt[b->punts++] = m;
}

unsigned dp_stage_lookup(struct dp_worker *w, struct dp_burst *b)
{
	uint64_t octets = 0;
	unsigned kept = 0;

	for (unsigned i = 0; i < b->count; i++) {
		struct rte_mbuf *m = b->mbuf[i];
		struct dp_packet *k = &b->packet[kept];
		enum dp_reason reason = look(w, m, k);
		uint64_t l4 = m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;

		octets += m->pkt_len;
		if (unlikely(l4 == RTE_MBUF_F_RX_L4_CKSUM_BAD && reason == OK))
			reason = DP_DROP_UDP_CHECKSUM;
		if (unlikely(reason != OK)) {
			refuse(w, b, m, reason);
			continue;
		}
		// Ports on which any checksum may be partial; NICs say it of single packets.
		k->whole = w->ports[m->port % DP_PORTS].partial_checksums |
			   (l4 == RTE_MBUF_F_RX_L4_CKSUM_NONE);
		b->mbuf[kept++] = m;
	}
	dp_count(w, DP_COUNT_RX_OCTETS, octets);
	return kept;
}
