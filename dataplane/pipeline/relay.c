// SPDX-License-Identifier: BSD-3-Clause
// Stage relay: the packet gets the headers of the leg that it leaves by. They lie ready in that
// leg's template and the next hop's entry; lengths, id and checksums are filled in. The payload is
// not touched but for a payload type that has another number on the other side.
//
// The UDP checksum is carried over by what the headers change (RFC 1624), so a packet that was
// damaged on the way in is still recognised as damaged by the receiver. Where the received checksum
// cannot be trusted (packet.whole) or is missing and the way out is IPv6, a whole one is computed.
#include "dataplane/media/rtp.h"
#include "dataplane/pipeline/checksum.h"
#include "dataplane/worker/state.h"

#define OK           DP_REASONS
#define UDP_SIZE     8u
#define L2_ROOM      32u     // an adjacency's header is copied whole
#define PROTOCOL_UDP 0x1100u // 17 as a word read from memory

// What the old headers and their checksum leave for the payload: -sum(old words) + ~checksum.
static inline uint64_t carried(const uint8_t *ip, const uint8_t *udp, uint8_t family)
{
	uint64_t sum = (uint16_t)~dp_word16(udp + 6) + (uint64_t)(uint32_t)~dp_word32(udp);

	if (likely(family == 4))
		return sum + (uint32_t)~dp_word32(ip + 12) + (uint32_t)~dp_word32(ip + 16);
	for (unsigned i = 8; i < 40; i += 16) {
		sum += (uint64_t)(uint32_t)~dp_word32(ip + i) + (uint32_t)~dp_word32(ip + i + 4);
		sum += (uint64_t)(uint32_t)~dp_word32(ip + i + 8) +
		       (uint32_t)~dp_word32(ip + i + 12);
	}
	return sum;
}

static enum dp_reason held_back(const struct dp_template *t)
{
	if (t->state == DP_TEMPLATE_HOLD)
		return DP_DROP_NOT_SENDING;
	return t->state == DP_TEMPLATE_NO_PEER ? DP_DROP_NO_PEER : DP_DROP_NO_REMOTE;
}

static enum dp_reason next_hop_lost(
	struct dp_worker *w, const struct dp_template *t, const struct dp_adjacency *hop)
{
	if (hop && hop->state == DP_ADJACENCY_DOWN)
		return DP_DROP_LINK_DOWN;
	if (hop && !__atomic_load_n(&w->adjacencies->wanted[t->adjacency], __ATOMIC_RELAXED))
		__atomic_store_n(&w->adjacencies->wanted[t->adjacency], 1, __ATOMIC_RELAXED);
	return DP_DROP_NO_NEXT_HOP;
}

// Renumbers the payload type; the checksum carried over follows.
static uint64_t map_type(const struct dp_leg *leg, uint8_t *rtp)
{
	uint16_t before = dp_word16(rtp);

	for (unsigned i = 0; i < leg->pt_maps; i++) {
		if (leg->pt_map[i].from != (rtp[1] & 0x7f))
			continue;
		rtp[1] = (uint8_t)((rtp[1] & 0x80) | leg->pt_map[i].to);
		return (uint64_t)(uint16_t)~before + dp_word16(rtp);
	}
	return 0;
}

static inline void write_ip4(
	struct dp_worker *w, uint8_t *ip, const struct dp_template *t, uint32_t length)
{
	uint16_t total = __builtin_bswap16((uint16_t)length), id = w->ip_id++;

	memcpy(ip, t->header, 28);
	dp_store16(ip + 2, total);
	dp_store16(ip + 4, id);
	dp_store16(ip + 10, (uint16_t)~dp_fold((uint64_t)t->ip_sum + total + id));
}

static inline void write_ip6(uint8_t *ip, const struct dp_template *t, uint32_t length)
{
	memcpy(ip, t->header, 48);
	dp_store16(ip + 4, __builtin_bswap16((uint16_t)(length - 40)));
}

// 0: none is sent. Zero itself is written as all ones (RFC 768).
static uint16_t finish_sum(struct dp_worker *w, const struct dp_packet *k,
	const struct dp_template *t, uint64_t sum, bool carry, const uint8_t *payload)
{
	uint16_t length = __builtin_bswap16((uint16_t)(k->length + UDP_SIZE)), result;

	if (!carry) {
		sum = dp_sum(payload, k->length) + PROTOCOL_UDP + length * 2u;
		dp_count(w, DP_COUNT_WHOLE, 1);
	}
	result = (uint16_t)~dp_fold(sum + t->udp_sum);
	return result ? result : 0xffff;
}

// Headers in place of the old ones, from the payload backwards.
static inline void rewrite(struct dp_worker *w, struct rte_mbuf *m, const struct dp_packet *k,
	const struct dp_adjacency *hop)
{
	const struct dp_template *t = k->out;
	uint8_t *frame = k->frame, *payload = frame + k->payload;
	uint8_t *udp = payload - UDP_SIZE, *ip = udp - t->l3_length;
	uint32_t length = t->l3_length + UDP_SIZE + k->length;
	bool none = dp_word16(udp + 6) == 0, carry = !k->whole && !none;
	bool silent = none && !k->whole && t->l3_length == 20;
	uint64_t sum = carry ? carried(frame + k->ip, udp, k->family) : 0;
	uint16_t checksum;

	if (unlikely(k->leg->rx.flags & DP_LEG_PT_MAP && !k->component))
		sum += map_type(k->leg, payload);
	checksum = silent ? 0 : finish_sum(w, k, t, sum, carry, payload);
	if (likely(t->l3_length == 20))
		write_ip4(w, ip, t, length);
	else
		write_ip6(ip, t, length);
	dp_store16(udp + 4, __builtin_bswap16((uint16_t)(k->length + UDP_SIZE)));
	dp_store16(udp + 6, checksum);
	memcpy(ip - 32, hop->header, 32);
	length += hop->l2_length;
	m->data_off = (uint16_t)(ip - hop->l2_length - (uint8_t *)m->buf_addr);
	m->data_len = (uint16_t)length;
	m->pkt_len = length;
	m->ol_flags &= RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;
}

static inline enum dp_reason relay(struct dp_worker *w, struct dp_burst *b, unsigned i)
{
	const struct dp_packet *k = &b->packet[i];
	const struct dp_template *t = k->out;
	const struct dp_adjacency *hop;
	struct rte_mbuf *m = b->mbuf[i];
	uint32_t headers = t->l3_length + UDP_SIZE;

	if (unlikely(t->state != DP_TEMPLATE_READY))
		return held_back(t);
	if (unlikely(t->adjacency >= DP_ADJACENCIES))
		return DP_DROP_NO_NEXT_HOP;
	hop = &w->adjacency[t->adjacency];
	if (unlikely(hop->state != DP_ADJACENCY_VALID))
		return next_hop_lost(w, t, hop);
	if (unlikely(headers + k->length > hop->mtu))
		return DP_DROP_TOO_BIG;
	if (unlikely((uint32_t)m->data_off + k->payload < headers + L2_ROOM))
		return DP_DROP_NO_HEADROOM;
	if (unlikely(k->family == 6 && !k->whole && dp_word16(k->frame + k->payload - 2) == 0))
		return DP_DROP_UDP_CHECKSUM;
	rewrite(w, m, k, hop);
	b->port[i] = (uint8_t)hop->port;
	b->ports |= 1u << (hop->port % DP_PORTS);
	b->octets += m->pkt_len;
	b->rtcp += k->component;
	return OK;
}

unsigned dp_stage_relay(struct dp_worker *w, struct dp_burst *b)
{
	unsigned kept = 0;

	dp_adjacency_sync(w->adjacencies, w->adjacency, &w->adjacency_seen);
	for (unsigned i = 0; i < b->count; i++) {
		enum dp_reason reason = relay(w, b, i);

		if (unlikely(reason != OK)) {
			dp_unsent(&b->packet[i]);
			dp_drop(w, b->mbuf[i], reason);
			continue;
		}
		b->port[kept] = b->port[i];
		dp_keep(b, kept++, i);
	}
	return kept;
}
