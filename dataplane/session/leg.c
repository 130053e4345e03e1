// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/session/leg.h"

#include <string.h>

#include "dataplane/session/secure.h"

#define UDP_PROTOCOL 17
#define TTL          64

static uint32_t sum_words(const uint8_t *p, size_t bytes)
{
	uint32_t sum = 0;
	uint16_t word;

	for (size_t i = 0; i + 1 < bytes; i += 2) {
		memcpy(&word, p + i, 2);
		sum += word;
	}
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

static void put16(uint8_t *p, uint16_t be)
{
	memcpy(p, &be, 2);
}

static void write4(uint8_t *h, const struct latch_addr *local, uint8_t dscp)
{
	h[0] = 0x45;
	h[1] = (uint8_t)(dscp << 2);
	h[6] = 0x40; // do not fragment: what is too big is dropped and counted
	h[8] = TTL;
	h[9] = UDP_PROTOCOL;
	memcpy(h + 12, local->ip, 4);
	put16(h + 20, local->port);
}

static void write6(uint8_t *h, const struct latch_addr *local, uint8_t dscp)
{
	h[0] = (uint8_t)(0x60 | dscp >> 2);
	h[1] = (uint8_t)(dscp << 6);
	h[6] = UDP_PROTOCOL;
	h[7] = TTL;
	memcpy(h + 8, local->ip, 16);
	put16(h + 40, local->port);
}

void dp_template_write(struct dp_template *t, const struct latch_addr *local,
	const struct latch_addr *remote, uint8_t dscp)
{
	memset(t->onward.header4, 0, sizeof(t->onward.header4));
	memset(t->six, 0, sizeof(t->six));
	t->onward.l3_length = local->family == 4 ? 20 : 40;
	t->onward.state = DP_ONWARD_NO_REMOTE;
	if (local->family == 4)
		write4(t->onward.header4, local, dscp);
	else
		write6(t->six, local, dscp);
	dp_onward_aim(&t->onward, t->six, remote);
}

void dp_onward_aim(struct dp_onward *o, uint8_t six[48], const struct latch_addr *remote)
{
	bool v4 = o->l3_length == 20;
	bool known = remote->port != 0 && remote->family == (v4 ? 4 : 6);
	uint8_t *headers = v4 ? o->header4 : six;

	memcpy(headers + (v4 ? 16 : 24), remote->ip, v4 ? 4 : 16);
	put16(headers + o->l3_length + 2, remote->port);
	// Sums are over words as they lie in memory: the byte order does not matter.
	o->ip_sum = v4 ? fold(sum_words(headers, 20)) : 0;
	if (o->state != DP_ONWARD_HOLD)
		o->state = known ? DP_ONWARD_READY : DP_ONWARD_NO_REMOTE;
}

static bool consents(const struct dp_leg *leg, unsigned component)
{
	return !leg->secure || !leg->secure->component[component].lost;
}

void dp_leg_note_consent(struct dp_leg *leg)
{
	struct dp_onward *o = leg->peer ? &leg->peer->rx.onward : NULL;

	if (o && o->state == DP_ONWARD_READY && !consents(leg, 0))
		o->state = DP_ONWARD_NO_CONSENT;
	else if (o && o->state == DP_ONWARD_NO_CONSENT && consents(leg, 0))
		o->state = DP_ONWARD_READY;
}

void dp_leg_note_carry(struct dp_leg *leg)
{
	const struct latch_addr *source = &leg->latch[0].learned;
	const struct dp_onward *in = &leg->peer->rx.onward, *out = &leg->rx.onward;
	const uint8_t *ours = dp_onward_headers(in, leg->peer->six.header);
	const uint8_t *theirs = dp_onward_headers(out, leg->six.header);
	unsigned from_in = in->l3_length == 20 ? 12 : 8, from_out = out->l3_length == 20 ? 12 : 8;
	unsigned ip = in->l3_length == 20 ? 4 : 16;
	uint32_t before, after;

	// What comes in is addressed to where the headers for the other direction say that we send
	// from.
	before = sum_words(source->ip, ip) + source->port + sum_words(ours + from_in, ip) +
		 sum_words(ours + in->l3_length, 2);
	after = sum_words(theirs + from_out, out->l3_length - from_out + 4u);
	// The complement of 16 bits is their negative.
	leg->rx.onward.carry_sum = fold(after + (fold(before) ^ 0xffffu));
}

void dp_leg_rtcp_template(const struct dp_leg *leg, struct dp_template *t)
{
	const struct dp_leg *to = leg->peer;
	bool muxed = to->rx.flags & DP_LEG_MUX;
	struct latch_addr remote = muxed ? latch_remote(&to->latch[0])
					 : latch_remote_rtcp(&to->latch[1], &to->latch[0]);

	t->onward = leg->rx.onward;
	memcpy(t->six, leg->six.header, sizeof(t->six));
	t->onward.state = to->rtcp_state;
	if (!muxed)
		t->onward.adjacency = to->rtcp_adjacency;
	put16((t->onward.l3_length == 20 ? t->onward.header4 : t->six) + t->onward.l3_length,
		to->rtcp_port);
	dp_onward_aim(&t->onward, t->six, &remote);
	if (t->onward.state == DP_ONWARD_READY && !consents(to, !muxed))
		t->onward.state = DP_ONWARD_NO_CONSENT;
}

uint64_t dp_leg_last_us(const struct dp_leg *leg, uint64_t now_ticks)
{
	int32_t ago = (int32_t)((uint32_t)now_ticks - leg->stats.last);

	// A sweep noted it already; its 32 bits may have wrapped since.
	if (leg->swept == leg->stats.last)
		return leg->last_us;
	// Threads read the clock apart: a packet may seem to come from the near future.
	return dp_ticks_to_us(now_ticks - (uint32_t)(ago < 0 ? 0 : ago));
}

static void sent_by(const struct dp_leg *leg, struct abi_leg_stats *stats)
{
	const struct dp_leg *peer = leg->peer;

	if (!peer)
		return;
	stats->sent_packets = peer->stats.packets - peer->unsent_packets;
	stats->sent_octets = peer->stats.octets - peer->unsent_octets;
}

static uint8_t ice_state(const struct dp_secure_leg *s, uint64_t now_ticks)
{
	const struct dp_ice_component *c = &s->component[0];

	if (s->ice.role == ABI_ICE_OFF)
		return ABI_ICE_NONE;
	if (!c->nominated)
		return ABI_ICE_CHECKING;
	return now_ticks - c->last > DP_CONSENT_TICKS ? ABI_ICE_SILENT : ABI_ICE_CONNECTED;
}

static void secured(const struct dp_leg *leg, uint64_t now_ticks, struct abi_leg_stats *stats)
{
	const struct dp_secure_leg *s = leg->secure;

	stats->suite_in = s->key[ABI_IN] ? s->key[ABI_IN]->suite : ABI_SRTP_NONE;
	stats->suite_out = s->key[ABI_OUT] ? s->key[ABI_OUT]->suite : ABI_SRTP_NONE;
	stats->ice = ice_state(s, now_ticks);
	stats->srtp_refused = s->refused_total;
}

void dp_leg_stats(const struct dp_leg *leg, uint64_t now_ticks, struct abi_leg_stats *stats)
{
	const struct rtp_stats *s = &leg->stats;
	struct latch_addr remote = latch_remote(&leg->latch[0]);

	*stats = (struct abi_leg_stats){
		.packets = s->packets,
		.octets = s->octets,
		.lost = rtp_stats_lost(s, &leg->more),
		.duplicate = s->duplicate,
		.out_of_order = s->out_of_order,
		.dropped = s->dropped,
		.jitter_us = rtp_stats_jitter_us(s),
		.ssrc = s->ssrc,
		.first_us = leg->more.first_us,
		.remote_port = __builtin_bswap16(remote.port),
		.remote_family = remote.family,
		.rtcp_packets = leg->rtcp_packets,
		.ssrc_changes = leg->more.ssrc_changes,
		.strangers = leg->strangers,
		.payload_type = s->payload_type,
	};
	memcpy(stats->remote_ip, remote.ip, sizeof(stats->remote_ip));
	if (leg->latch[0].policy != ABI_SOURCE_EXACT)
		stats->learned = leg->latch[0].state;
	if (leg->more.first_us)
		stats->last_us = dp_leg_last_us(leg, now_ticks);
	sent_by(leg, stats);
	if (leg->secure)
		secured(leg, now_ticks, stats);
}
