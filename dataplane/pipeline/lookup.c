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

#define ETHER_IP4     0x0008 // as read from memory
#define ETHER_IP6     0xdd86
#define ETHER_VLAN    0x0081
#define ETHER_SIZE    14u
#define VLAN_SIZE     4u
#define VLAN_ID       0x0fffu
#define IP4_SIZE      20u
#define IP6_SIZE      40u
#define UDP_SIZE      8u
#define PROTOCOL_UDP  17u
#define IP6_FRAGMENT  44u
#define FRAGMENT_BITS 0xff3f // more fragments, or an offset; as read from memory

// What the kernel may want to see.
#define FOR_KERNEL                                                                                 \
	(1ull << DP_DROP_NOT_IP | 1ull << DP_DROP_NOT_OURS | 1ull << DP_DROP_FRAGMENT |            \
		1ull << DP_DROP_NOT_UDP | 1ull << DP_DROP_NOT_MEDIA)

static inline uint32_t be16(const uint8_t *p)
{
	return __builtin_bswap16(dp_word16(p));
}

// The port's leg. An odd port is a pair's RTCP, unless it is a muxed leg of its own.
static __rte_always_inline enum dp_reason find_leg(
	struct dp_packet *k, const struct dp_endpoint *e, uint16_t port)
{
	uint32_t pair = (uint32_t)(port - e->first_port) >> 1;

	if (unlikely(port < e->first_port || port > e->last_port))
		return DP_DROP_NOT_MEDIA;
	if (unlikely(!dp_table_is_open(e, port)))
		return DP_DROP_UNKNOWN_PORT;
	k->local_port = port;
	k->component = port & 1;
	if (unlikely(k->component)) {
		uint64_t bits = __atomic_load_n(&e->muxed_odd[pair / 64], __ATOMIC_RELAXED);

		k->component = !(bits >> pair % 64 & 1);
		port -= k->component;
	}
	k->leg = dp_table_leg(e, port);
	return OK;
}

// `udp` bytes into the frame UDP begins, and `room` bytes of IP payload are there.
static __rte_always_inline enum dp_reason read_udp(struct dp_packet *k, const uint8_t *data,
	uint32_t udp, uint32_t room, const struct dp_endpoint *e)
{
	uint32_t length = be16(data + udp + 4);

	if (unlikely(length < UDP_SIZE || length > room))
		return DP_DROP_BAD_UDP;
	k->payload = (uint16_t)(udp + UDP_SIZE);
	k->length = (uint16_t)(length - UDP_SIZE);
	return find_leg(k, e, (uint16_t)be16(data + udp + 2));
}

static __rte_always_inline bool bad_ip4_sum(
	const struct rte_mbuf *m, const uint8_t *ip, uint32_t header)
{
	uint64_t flags = m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;
	uint64_t sum = (uint64_t)dp_word32(ip) + dp_word32(ip + 4) + dp_word32(ip + 8) +
		       dp_word32(ip + 12) + dp_word32(ip + 16);

	for (uint32_t i = IP4_SIZE; i < header; i += 4)
		sum += dp_word32(ip + i);
	return dp_fold(sum) != 0xffff && flags != RTE_MBUF_F_RX_IP_CKSUM_GOOD;
}

// `header` bytes of IPv4 header and those of UDP are there.
static __rte_always_inline enum dp_reason read_ip4(struct dp_worker *w, const struct rte_mbuf *m,
	struct dp_packet *k, uint32_t l2, uint32_t header)
{
	const uint8_t *ip = k->frame + l2;
	uint32_t room = m->data_len - l2, total = be16(ip + 2);
	const struct dp_endpoint *e;

	if (unlikely(total > room || total < header + UDP_SIZE))
		return DP_DROP_BAD_IP;
	e = dp_table_endpoint4(w->table, dp_word32(ip + 16));
	if (unlikely(!e))
		return DP_DROP_NOT_OURS;
	if (unlikely(dp_word16(ip + 6) & FRAGMENT_BITS))
		return DP_DROP_FRAGMENT;
	if (unlikely(ip[9] != PROTOCOL_UDP))
		return DP_DROP_NOT_UDP;
	if (unlikely(bad_ip4_sum(m, ip, header)))
		return DP_DROP_IP_CHECKSUM;
	k->family = 4;
	k->ip = (uint16_t)l2;
	return read_udp(k, k->frame, l2 + header, total - header, e);
}

// The IPv6 header and that of UDP are there.
static __rte_always_inline enum dp_reason read_ip6(
	struct dp_worker *w, const struct rte_mbuf *m, struct dp_packet *k, uint32_t l2)
{
	const uint8_t *ip = k->frame + l2;
	uint32_t room = m->data_len - l2, length = be16(ip + 4);
	const struct dp_endpoint *e;

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
	k->ip = (uint16_t)l2;
	return read_udp(k, k->frame, l2 + IP6_SIZE, length, e);
}

// IPv4 options, two tags, and whatever is not to be relayed.
static __attribute__((noinline)) enum dp_reason look_closer(
	struct dp_worker *w, const struct rte_mbuf *m, struct dp_packet *k)
{
	uint32_t l2 = ETHER_SIZE, header;
	uint16_t type;

	type = dp_word16(k->frame + 12);
	if (type == ETHER_VLAN) {
		l2 += VLAN_SIZE;
		type = dp_word16(k->frame + 16);
	}
	if (type != ETHER_IP4 && type != ETHER_IP6)
		return DP_DROP_NOT_IP;
	if (m->data_len < l2 + UDP_SIZE + (type == ETHER_IP4 ? IP4_SIZE : IP6_SIZE))
		return DP_DROP_SHORT;
	if (type == ETHER_IP6)
		return read_ip6(w, m, k, l2);
	header = (k->frame[l2] & 0x0fu) * 4;
	if (k->frame[l2] >> 4 != 4 || header < IP4_SIZE || m->data_len < l2 + header + UDP_SIZE)
		return DP_DROP_BAD_IP;
	return read_ip4(w, m, k, l2, header);
}

// The usual frames; `l2` is known where this is compiled in.
static __rte_always_inline enum dp_reason look_at(
	struct dp_worker *w, const struct rte_mbuf *m, struct dp_packet *k, uint32_t l2)
{
	uint16_t type = dp_word16(k->frame + l2 - 2);

	if (unlikely(m->data_len < l2 + IP6_SIZE + UDP_SIZE))
		return look_closer(w, m, k);
	if (likely(type == ETHER_IP4 && k->frame[l2] == 0x45))
		return read_ip4(w, m, k, l2, IP4_SIZE);
	if (likely(type == ETHER_IP6))
		return read_ip6(w, m, k, l2);
	return look_closer(w, m, k);
}

static __rte_always_inline enum dp_reason look(
	struct dp_worker *w, const struct rte_mbuf *m, struct dp_packet *k, uint16_t vlan)
{
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *);
	bool tagged;

	k->frame = frame;
	if (unlikely(m->data_len != m->pkt_len))
		return DP_DROP_SEGMENTED;
	if (unlikely(m->data_len < ETHER_SIZE + VLAN_SIZE))
		return DP_DROP_SHORT;
	tagged = dp_word16(frame + 12) == ETHER_VLAN;
	if (vlan && (!tagged || (be16(frame + ETHER_SIZE) & VLAN_ID) != vlan))
		return DP_DROP_OTHER_VLAN;
	return tagged ? look_at(w, m, k, ETHER_SIZE + VLAN_SIZE) : look_at(w, m, k, ETHER_SIZE);
}

// The kernel's side of an interface in a VLAN knows nothing of it. The frame has a tag.
static void untag(struct rte_mbuf *m)
{
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *);

	memmove(frame + VLAN_SIZE, frame, 12);
	rte_pktmbuf_adj(m, VLAN_SIZE);
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
	if (w->ports[s->port].vlan)
		untag(m);
	b->punt[b->punts++] = m;
}

// A loop of its own: a prefetch waits for its address to be translated, and among the instructions
// of parsing only a few such waits overlap (400 cycles a packet at a million sessions; so: 250).
static void fetch_legs(const struct dp_burst *b, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		const struct dp_leg *leg = b->packet[i].leg;

		rte_prefetch0(&leg->rx);
		rte_prefetch0(&leg->stats);
		if (unlikely(b->packet[i].family == 6))
			rte_prefetch0(&leg->six);
	}
}

unsigned dp_stage_lookup(struct dp_worker *w, struct dp_burst *b)
{
	const struct dp_source *s = &w->sources[b->source];
	uint16_t vlan = s->kind == DP_SOURCE_MEDIA ? w->ports[s->port % DP_PORTS].vlan : 0;
	uint64_t octets = 0;
	unsigned kept = 0;

	for (unsigned i = 0; i < b->count; i++) {
		struct rte_mbuf *m = b->mbuf[i];
		struct dp_packet *k = &b->packet[kept];
		enum dp_reason reason = look(w, m, k, vlan);
		uint64_t l4 = m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;

		octets += m->pkt_len;
		// NICs say of single packets what a port's `partial_checksums` says of all.
		k->whole = w->ports[m->port % DP_PORTS].partial_checksums;
		if (unlikely(l4 && l4 != RTE_MBUF_F_RX_L4_CKSUM_GOOD)) {
			k->whole |= l4 == RTE_MBUF_F_RX_L4_CKSUM_NONE;
			if (l4 == RTE_MBUF_F_RX_L4_CKSUM_BAD && reason == OK)
				reason = DP_DROP_UDP_CHECKSUM;
		}
		if (unlikely(reason != OK)) {
			refuse(w, b, m, reason);
			continue;
		}
		k->secured = 0;
		b->mbuf[kept++] = m;
	}
	fetch_legs(b, kept);
	dp_count(w, DP_COUNT_RX_OCTETS, octets);
	return kept;
}
