// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/session/plan.h"

#include <string.h>

static struct latch_addr local_of(const struct dp_leg_plan *p, uint16_t port)
{
	struct latch_addr a = {.family = p->want.family, .port = __builtin_bswap16(port)};

	memcpy(a.ip, p->local_ip, p->want.family == 4 ? 4 : 16);
	return a;
}

static struct latch_addr signalled(const struct dp_leg_plan *p, unsigned component)
{
	const struct abi_leg_plan *w = &p->want;
	struct latch_addr a = {0};

	if (w->flags & ABI_LEG_ICE_FIRST) // nothing but what ICE nominates
		return a;
	a.port = __builtin_bswap16(component ? w->remote_rtcp_port : w->remote_rtp_port);
	a.family = w->family;
	memcpy(a.ip, component ? w->remote_rtcp_ip : w->remote_rtp_ip, w->family == 4 ? 4 : 16);
	return a;
}

// Of one unit when `rate` of them take `second`; at least 1, 0 when there is no limit.
static uint32_t cost(uint64_t second, uint32_t rate)
{
	uint64_t c = rate ? second / rate : 0;

	if (rate && c == 0)
		c = 1;
	return c > UINT32_MAX ? UINT32_MAX : (uint32_t)c;
}

void dp_plan_prepare(struct dp_plan *plan)
{
	for (unsigned i = 0; i < plan->legs; i++) {
		struct dp_leg_plan *p = &plan->leg[i];
		struct latch_addr local = local_of(p, p->ports.rtp_port);
		struct latch_addr remote = signalled(p, 0);

		memset(&p->tx, 0, sizeof(p->tx));
		dp_template_write(&p->tx, &local, &remote, p->want.dscp);
		p->tx.onward.adjacency = p->adjacency[0];
		p->packet_cost = cost(1ull << 20, p->want.max_packets);
		p->octet_cost = cost(1ull << 36, p->want.max_octets);
	}
}

static uint16_t leg_flags(const struct dp_plan *plan, unsigned index)
{
	const struct dp_leg_plan *p = &plan->leg[index];
	uint16_t flags = 0;

	if (p->want.flags & ABI_LEG_RECEIVE)
		flags |= DP_LEG_RECEIVE;
	if (p->want.flags & ABI_LEG_RTCP_MUX || p->ports.rtp_port == p->ports.rtcp_port)
		flags |= DP_LEG_MUX;
	if (p->packet_cost)
		flags |= DP_LEG_PACKETS;
	if (p->octet_cost)
		flags |= DP_LEG_OCTETS;
	if (p->want.pt_maps)
		flags |= DP_LEG_PT_MAP;
	if (plan->legs == 2 && plan->leg[!index].want.flags & ABI_LEG_RTCP)
		flags |= DP_LEG_RTCP_IN;
	if (p->want.flags & ABI_LEG_SRTP_IN)
		flags |= DP_LEG_SRTP_IN;
	if (plan->legs == 2 && plan->leg[!index].want.flags & ABI_LEG_SRTP_OUT)
		flags |= DP_LEG_PROTECT;
	if (p->want.flags & ABI_LEG_OPAQUE)
		flags |= DP_LEG_OPAQUE;
	if (p->want.flags & ABI_LEG_DTLS)
		flags |= DP_LEG_DTLS;
	if (p->want.flags & ABI_LEG_UDPTL)
		flags |= DP_LEG_UDPTL;
	return flags;
}

void dp_leg_set_media(struct dp_leg *leg, const struct dp_leg_media *media)
{
	leg->transcoder = media->transcoder;
	leg->rx.codec_type = media->codec_type;
	// One store: a packet sees the flags of before or those of now.
	leg->rx.flags = (uint16_t)((leg->rx.flags & ~DP_LEG_MEDIA) | (media->flags & DP_LEG_MEDIA));
}

static uint32_t clock_of(const struct dp_plan *plan, unsigned index)
{
	return plan->leg[index].clock_rate ? plan->leg[index].clock_rate : plan->clock_rate;
}

// What ADD and UPDATE have in common: policy and where to send, but not numbers and latches.
static void set_policy(const struct dp_plan *plan, unsigned index, uint16_t active)
{
	const struct dp_leg_plan *p = &plan->leg[index];
	struct dp_leg *leg = p->leg;

	leg->rx.flags = leg_flags(plan, index) | active;
	dp_leg_set_media(leg, &p->media);
	memcpy(leg->rx.payload_types, p->want.payload_types, sizeof(leg->rx.payload_types));
	leg->peer = plan->legs == 2 ? plan->leg[!index].leg : NULL;
	leg->police.packet_cost = p->packet_cost;
	leg->police.octet_cost = p->octet_cost;
	if (leg->peer) {
		leg->peer->rx.onward = p->tx.onward;
		memcpy(leg->peer->six.header, p->tx.six, sizeof(p->tx.six));
		if (!(p->want.flags & ABI_LEG_SEND))
			leg->peer->rx.onward.state = DP_ONWARD_HOLD;
	}
	leg->rtcp_state = p->want.flags & ABI_LEG_RTCP ? DP_ONWARD_READY : DP_ONWARD_HOLD;
	leg->rtcp_port = __builtin_bswap16(
		leg->rx.flags & DP_LEG_MUX ? p->ports.rtp_port : p->ports.rtcp_port);
	leg->rtcp_adjacency = p->adjacency[1];
	leg->dscp = p->want.dscp;
	leg->timeout_ms = p->want.flags & ABI_LEG_TIMEOUT ? plan->timeout_ms : 0;
	leg->pt_maps = p->want.pt_maps;
	for (unsigned i = 0; i < leg->pt_maps && i < ABI_PT_MAPS; i++) {
		leg->pt_map[i].from = p->want.pt_map[i].from;
		leg->pt_map[i].to = p->want.pt_map[i].to;
	}
}

static void note_source(struct dp_leg *leg)
{
	const struct latch *l = &leg->latch[0];

	leg->rx.source_port = 0;
	if (l->state != LATCH_CONFIRMED)
		return;
	leg->rx.source_port = l->learned.port;
	memcpy(&leg->rx.source4, l->learned.ip, sizeof(leg->rx.source4));
	memcpy(leg->six.source, l->learned.ip, sizeof(leg->six.source));
}

void dp_leg_follow_latch(struct dp_leg *leg)
{
	struct latch_addr remote = latch_remote(&leg->latch[0]);

	note_source(leg);
	if (!leg->peer)
		return;
	dp_onward_aim(&leg->peer->rx.onward, leg->peer->six.header, &remote);
	dp_leg_note_consent(leg);
	dp_leg_note_carry(leg);
	dp_leg_note_carry(leg->peer);
}

static uint8_t policy_of(const struct dp_leg_plan *p)
{
	return p->want.flags & ABI_LEG_ICE_FIRST ? LATCH_BY_ICE : p->want.source_policy;
}

static void start_latches(const struct dp_leg_plan *p)
{
	for (unsigned c = 0; c < 2; c++) {
		struct latch_addr remote = signalled(p, c);
		struct latch_addr resumed = latch_from_abi(&p->resume[c]);

		latch_init(&p->leg->latch[c], &remote, policy_of(p));
		if (resumed.family == p->want.family)
			latch_resume(&p->leg->latch[c], &resumed);
	}
	dp_leg_follow_latch(p->leg);
}

void dp_plan_lay(const struct dp_plan *plan, uint64_t now_us, uint64_t now_ticks)
{
	for (unsigned i = 0; i < plan->legs; i++) {
		struct dp_leg *leg = plan->leg[i].leg;

		memset(leg, 0, sizeof(*leg));
		leg->rx.onward.state = DP_ONWARD_NO_PEER;
		leg->slot = plan->slot;
		leg->generation = plan->generation;
		leg->index = (uint8_t)i;
		leg->kind = plan->leg[i].ports.kind;
		leg->since_us = leg->last_us = now_us;
		rtp_stats_init(&leg->stats, &leg->more,
			clock_of(plan, i) ? clock_of(plan, i) : DP_DEFAULT_CLOCK);
		leg->stats.last = leg->swept = (uint32_t)now_ticks;
		leg->police.packet_time = leg->police.octet_time = (uint32_t)now_ticks;
	}
	for (unsigned i = 0; i < plan->legs; i++)
		set_policy(plan, i, 0);
	for (unsigned i = 0; i < plan->legs; i++)
		start_latches(&plan->leg[i]);
}

// A new offer or answer came. With another address, learning starts at nothing; with the old one,
// sending goes on to what was learned while anybody acceptable may take its place.
static void relearn(
	struct dp_leg *leg, unsigned component, const struct latch_addr *remote, uint8_t policy)
{
	struct latch *l = &leg->latch[component];

	if (l->policy == policy && latch_same(&l->signalled, remote))
		latch_reopen(l, leg->stats.ssrc, (uint16_t)leg->stats.highest);
	else
		latch_init(l, remote, policy);
}

void dp_plan_update(const struct dp_plan *plan, uint64_t now_us)
{
	for (unsigned i = 0; i < plan->legs; i++) {
		const struct dp_leg_plan *p = &plan->leg[i];
		struct dp_leg *leg = p->leg;

		set_policy(plan, i, DP_LEG_ACTIVE);
		for (unsigned c = 0; c < 2; c++) {
			struct latch_addr remote = signalled(p, c);

			if (p->want.flags & ABI_LEG_RELEARN)
				relearn(leg, c, &remote, policy_of(p));
			else
				latch_resignal(&leg->latch[c], &remote, policy_of(p));
		}
		dp_leg_follow_latch(leg);
		if (clock_of(plan, i))
			rtp_stats_clock(&leg->stats, clock_of(plan, i));
		// A plan that changes starts the clock of the time-out anew.
		leg->since_us = now_us;
		leg->timed_out = 0;
	}
}

void dp_leg_open(struct dp_leg *leg)
{
	__atomic_store_n(&leg->rx.flags, leg->rx.flags | DP_LEG_ACTIVE, __ATOMIC_RELEASE);
}

void dp_leg_close(struct dp_leg *leg)
{
	__atomic_store_n(&leg->rx.flags, 0, __ATOMIC_RELEASE);
}
