// SPDX-License-Identifier: BSD-3-Clause
// Stage relay: the packet gets the headers of the leg that it leaves by. They lie ready in that
// leg's template and the next hop's entry; lengths, id and checksums are filled in. The payload is
// not touched but for a payload type that has another number on the other side.
//
// The UDP checksum is carried over by what the headers change (RFC 1624), so a packet that was
// damaged on the way in is still recognised as damaged by the receiver. Where the received checksum
// cannot be trusted (packet.whole) or is missing and the way out is IPv6, a whole one is computed.
#include "dataplane/media/rtp.h"
#include "dataplane/pipeline/secure.h"

#define OK           DP_REASONS
#define UDP_SIZE     8u
#define L2_ROOM      32u     // an adjacency's header is copied whole
#define PROTOCOL_UDP 0x1100u // 17 as a word read from memory

// The negative of what the old headers had where the new ones have addresses and ports.
static uint64_t replaced(const uint8_t *ip, const uint8_t *udp, uint8_t family)
{
	unsigned from = family == 4 ? 12 : 8, to = family == 4 ? 20 : 40;
	uint64_t sum = (uint32_t)~dp_word32(udp);

	for (unsigned i = from; i < to; i += 4)
		sum += (uint32_t)~dp_word32(ip + i);
	return sum;
}

static enum dp_reason held_back(const struct dp_onward *t)
{
	if (t->state == DP_ONWARD_HOLD)
		return DP_DROP_NOT_SENDING;
	if (t->state == DP_ONWARD_NO_CONSENT)
		return DP_DROP_NO_CONSENT;
	return t->state == DP_ONWARD_NO_PEER ? DP_DROP_NO_PEER : DP_DROP_NO_REMOTE;
}

static enum dp_reason next_hop_lost(
	struct dp_worker *w, const struct dp_onward *t, const struct dp_adjacency *hop)
{
	if (hop && hop->state == DP_ADJACENCY_DOWN)
		return DP_DROP_LINK_DOWN;
	if (hop && !__atomic_load_n(&w->adjacencies->wanted[t->adjacency], __ATOMIC_RELAXED))
		__atomic_store_n(&w->adjacencies->wanted[t->adjacency], 1, __ATOMIC_RELAXED);
	return DP_DROP_NO_NEXT_HOP;
}

// The template in words of 8 bytes, lengths, id and checksums put in as it is written. Fields are
// shifted to where a little-endian host has them, in network order already.
static __rte_always_inline void write_ip4(uint8_t *ip, const struct dp_onward *o, uint16_t total,
	uint16_t id, uint16_t udp_length, uint16_t checksum)
{
	uint64_t w[3];
	uint32_t tail = udp_length | (uint32_t)checksum << 16;
	uint16_t sum = (uint16_t)~dp_fold((uint64_t)o->ip_sum + total + id);

	memcpy(w, o->header4, sizeof(w));
	w[0] |= (uint64_t)total << 16 | (uint64_t)id << 32;
	w[1] |= (uint64_t)sum << 16;
	memcpy(ip, w, sizeof(w));
	memcpy(ip + 24, &tail, sizeof(tail));
}

static __rte_always_inline void write_ip6(
	uint8_t *ip, const uint8_t *six, uint16_t udp_length, uint16_t checksum)
{
	uint32_t tail = udp_length | (uint32_t)checksum << 16;
	uint64_t w;

	memcpy(&w, six, sizeof(w));
	w |= (uint64_t)udp_length << 32;
	memcpy(ip, &w, sizeof(w));
	memcpy(ip + 8, six + 8, 36);
	memcpy(ip + 44, &tail, sizeof(tail));
}

// Addresses and ports of the new headers: the part that the UDP checksum covers.
static uint64_t covered(const struct dp_onward *o, const uint8_t *six)
{
	const uint8_t *headers = dp_onward_headers(o, six);

	return dp_sum(headers + (o->l3_length == 20 ? 12 : 8), o->l3_length == 20 ? 12 : 36);
}

static __attribute__((noinline)) uint64_t whole_sum(struct dp_worker *w, const struct dp_packet *k,
	const struct dp_onward *o, const uint8_t *six)
{
	uint16_t length = __builtin_bswap16((uint16_t)(k->length + UDP_SIZE));

	dp_count(w, DP_COUNT_WHOLE, 1);
	return dp_sum(k->frame + k->payload, k->length) + PROTOCOL_UDP + length * 2u +
	       covered(o, six);
}

// Of the UDP datagram with its new headers; the old ones are still there. `change`: of the payload.
// 0: none is sent. Zero itself is written as all ones (RFC 768).
static __rte_always_inline uint16_t udp_checksum(struct dp_worker *w, const struct dp_packet *k,
	const struct dp_onward *o, const uint8_t *six, uint64_t change)
{
	const uint8_t *udp = k->frame + k->payload - UDP_SIZE;
	uint16_t received = dp_word16(udp + 6), result;
	uint64_t sum = (uint16_t)~received + change;

	if (likely(received && !k->whole && k->settled))
		sum += o->carry_sum;
	else if (received && !k->whole)
		sum += covered(o, six) + replaced(k->frame + k->ip, udp, k->family);
	else if (!k->whole && o->l3_length == 20)
		return 0;
	else
		sum = whole_sum(w, k, o, six);
	result = (uint16_t)~dp_fold(sum);
	return result ? result : 0xffff;
}

// Headers in place of the old ones, from the payload backwards.
static __rte_always_inline void rewrite(struct dp_worker *w, struct rte_mbuf *m,
	const struct dp_packet *k, const struct dp_onward *o, const uint8_t *six,
	const struct dp_adjacency *hop, uint16_t id)
{
	uint8_t *payload = k->frame + k->payload, *ip = payload - UDP_SIZE - o->l3_length;
	uint32_t length = o->l3_length + UDP_SIZE + k->length;
	uint16_t udp_length = __builtin_bswap16((uint16_t)(k->length + UDP_SIZE));
	uint64_t change = 0;
	uint16_t checksum;

	if (unlikely(k->leg->rx.flags & DP_LEG_CHANGES && !k->component && !k->mapped))
		change = dp_change_rtp(w, k, payload);
	checksum = udp_checksum(w, k, o, six, change);
	if (likely(o->l3_length == 20))
		write_ip4(ip, o, __builtin_bswap16((uint16_t)length), id, udp_length, checksum);
	else
		write_ip6(ip, six, udp_length, checksum);
	memcpy(ip - 32, hop->header, 32);
	length += hop->l2_length;
	m->data_off = (uint16_t)(ip - hop->l2_length - (uint8_t *)m->buf_addr);
	m->data_len = (uint16_t)length;
	m->pkt_len = length;
	m->ol_flags &= RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;
}

static __rte_always_inline enum dp_reason relay(
	struct dp_worker *w, struct dp_burst *b, unsigned i, unsigned to)
{
	const struct dp_packet *k = &b->packet[i];
	const struct dp_onward *o = &k->leg->rx.onward;
	const uint8_t *six = k->leg->six.header;
	const struct dp_adjacency *hop;
	struct rte_mbuf *m = b->mbuf[i];
	uint32_t headers;

	if (unlikely(k->component)) {
		o = &b->rtcp_headers[k->headers].onward;
		six = b->rtcp_headers[k->headers].six;
	}
	if (unlikely(o->state != DP_ONWARD_READY))
		return held_back(o);
	if (unlikely(o->adjacency >= DP_ADJACENCIES))
		return DP_DROP_NO_NEXT_HOP;
	hop = &w->adjacency[o->adjacency];
	if (unlikely(hop->state != DP_ADJACENCY_VALID))
		return next_hop_lost(w, o, hop);
	headers = o->l3_length + UDP_SIZE;
	if (unlikely(headers + k->length > hop->mtu))
		return DP_DROP_TOO_BIG;
	if (unlikely((uint32_t)m->data_off + k->payload < headers + L2_ROOM))
		return DP_DROP_NO_HEADROOM;
	if (unlikely(k->family == 6 && !k->whole && dp_word16(k->frame + k->payload - 2) == 0))
		return DP_DROP_UDP_CHECKSUM;
	rewrite(w, m, k, o, six, hop, (uint16_t)(w->ip_id + i));
	b->port[to] = (uint8_t)hop->port;
	return OK;
}

unsigned dp_stage_relay(struct dp_worker *w, struct dp_burst *b)
{
	uint32_t ports = 0, rtcp = 0;
	uint64_t octets = 0;
	unsigned kept = 0;

	dp_adjacency_sync(w->adjacencies, w->adjacency, &w->adjacency_seen);
	for (unsigned i = 0; i < b->count; i++) {
		enum dp_reason reason = relay(w, b, i, kept);

		if (unlikely(reason != OK)) {
			dp_unsent(&b->packet[i]);
			dp_drop(w, b->mbuf[i], reason);
			continue;
		}
		ports |= 1u << b->port[kept] % DP_PORTS;
		octets += b->mbuf[i]->pkt_len;
		rtcp += b->packet[i].component;
		dp_keep(b, kept++, i);
	}
	w->ip_id = (uint16_t)(w->ip_id + b->count);
	b->ports = ports;
	b->octets = octets;
	b->rtcp = rtcp;
	return kept;
}
