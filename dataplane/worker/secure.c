// SPDX-License-Identifier: BSD-3-Clause
// What a worker does about secured legs beside forwarding: keys, ICE and learned addresses by mail,
// packets between a leg and the control plane, and telling what was refused.
#include <errno.h>

#include <rte_ethdev.h>

#include "dataplane/media/rtp.h"
#include "dataplane/pipeline/secure.h"

// ---- packets for the control plane

static bool push(struct dp_punt_ring *r, const struct abi_punt *packet)
{
	uint32_t head = r->head;

	if (head - __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE) == DP_PUNT_SLOTS)
		return false;
	memcpy(&r->slot[head % DP_PUNT_SLOTS], packet,
		offsetof(struct abi_punt, data) + packet->length);
	__atomic_store_n(&r->head, head + 1, __ATOMIC_RELEASE);
	return true;
}

bool dp_to_control(
	struct dp_worker *w, const struct dp_packet *k, enum abi_punt_kind kind, bool valid)
{
	struct latch_addr source = dp_source_of(k, k->frame);
	struct abi_punt packet;
	bool room;

	memset(&packet, 0, offsetof(struct abi_punt, data));
	packet.slot = k->leg->slot;
	packet.generation = k->leg->generation;
	packet.leg = k->leg->index;
	packet.component = k->component;
	packet.kind = (uint8_t)kind;
	packet.valid = valid;
	packet.length = k->length;
	packet.remote = latch_to_abi(&source);
	packet.time_us = dp_ticks_to_us(w->burst.now);
	room = k->length && k->length <= ABI_PUNT_DATA;
	if (room)
		memcpy(packet.data, k->frame + k->payload, k->length);
	room = room && push(&w->mailbox.punts, &packet);
	dp_count(w, room ? DP_COUNT_TO_CONTROL : DP_COUNT_TO_CONTROL_FULL, 1);
	w->told |= room;
	return room;
}

bool dp_worker_punt(struct dp_worker *w, struct abi_punt *packet)
{
	struct dp_punt_ring *r = &w->mailbox.punts;
	uint32_t tail = r->tail;

	if (tail == __atomic_load_n(&r->head, __ATOMIC_ACQUIRE))
		return false;
	memset(packet, 0, sizeof(*packet));
	memcpy(packet, &r->slot[tail % DP_PUNT_SLOTS],
		offsetof(struct abi_punt, data) + r->slot[tail % DP_PUNT_SLOTS].length);
	__atomic_store_n(&r->tail, tail + 1, __ATOMIC_RELEASE);
	return true;
}

// ---- what was refused

void dp_refuse(const struct dp_leg *leg, struct dp_secure_leg *secure, enum abi_direction direction,
	enum dp_refusal why, uint32_t ssrc, uint64_t now)
{
	struct dp_refused *r = &secure->refused[direction];

	if (!r->first_us)
		r->first_us = dp_ticks_to_us(now);
	r->count[why]++;
	r->ssrc = ssrc;
	secure->refused_total++;
}

static void tell_refused(
	struct dp_worker *w, const struct dp_leg *leg, enum abi_direction direction)
{
	struct dp_refused *r = &leg->secure->refused[direction];
	struct dp_event event = {
		.type = DP_EVENT_REFUSED,
		.slot = leg->slot,
		.generation = leg->generation,
		.leg = leg->index,
		.component = (uint8_t)direction,
		.ssrc = r->ssrc,
		.last_us = r->first_us,
	};

	memcpy(event.count, r->count, sizeof(event.count));
	if (dp_tell(w, &event))
		memset(r, 0, sizeof(*r));
}

bool dp_tell_ice(struct dp_worker *w, struct dp_leg *leg, unsigned component, uint32_t type)
{
	const struct dp_ice_component *c = &leg->secure->component[component];
	struct dp_event event = {
		.type = type,
		.slot = leg->slot,
		.generation = leg->generation,
		.leg = leg->index,
		.component = (uint8_t)component,
		.confirmed = 1,
		.ssrc = c->priority,
		.remote = latch_to_abi(&leg->latch[component].learned),
		.last_us = c->last ? dp_ticks_to_us(c->last) : 0,
	};

	return dp_tell(w, &event);
}

bool dp_tell_dtls(struct dp_worker *w, const struct dp_leg *leg, unsigned component,
	const struct latch_addr *source)
{
	struct dp_event event = {
		.type = DP_EVENT_DTLS,
		.slot = leg->slot,
		.generation = leg->generation,
		.leg = leg->index,
		.component = (uint8_t)component,
		.remote = latch_to_abi(source),
	};

	return dp_tell(w, &event);
}

static void sweep_ice(struct dp_worker *w, struct dp_leg *leg, unsigned component, uint64_t now)
{
	struct dp_ice_component *c = &leg->secure->component[component];
	uint32_t seen = leg->stats.last + leg->rtcp_packets;

	if (!c->asks && seen != c->seen) {
		c->alive = now;
		if (c->lost) { // silent while it was held
			c->lost = 0;
			c->untold = DP_UNTOLD_NOMINATED;
			dp_leg_note_consent(leg);
		}
	}
	c->seen = seen;
	// Who controls asks for consent himself.
	if (leg->secure->ice.role != ABI_ICE_OFF && leg->secure->ice.role != ABI_ICE_CONTROLLING &&
		c->nominated && !c->lost && c->last && now - c->alive > DP_CONSENT_TICKS) {
		c->lost = 1;
		c->untold = DP_UNTOLD_LOST;
		dp_leg_note_consent(leg);
	}
	if (c->untold && dp_tell_ice(w, leg, component,
				 c->untold == DP_UNTOLD_LOST ? DP_EVENT_ICE_LOST : DP_EVENT_NOMINATED))
		c->untold = DP_UNTOLD_NOTHING;
}

void dp_sweep_secure(struct dp_worker *w, struct dp_leg *leg, uint64_t now)
{
	struct dp_secure_leg *s = leg->secure;

	for (unsigned i = 0; i < 2; i++) {
		if (s->refused[i].first_us)
			tell_refused(w, leg, i);
		sweep_ice(w, leg, i, now);
	}
	if (s->previous_until && now > s->previous_until) {
		s->previous_until = 0;
		if (s->key[ABI_IN] && s->key[ABI_IN]->previous)
			srtp_wipe(s->key[ABI_IN]->previous);
		if (s->rtcp[ABI_IN] && s->rtcp[ABI_IN]->previous)
			srtp_wipe(s->rtcp[ABI_IN]->previous);
	}
}

// ---- mail

// The legs of a session that forwards here; they get their secure lines with the first mail.
static struct dp_leg *leg_of(struct dp_worker *w, const struct dp_mail_secure *m)
{
	struct dp_listed *l = m->slot < w->slots ? &w->listed[m->slot] : NULL;

	if (!l || !l->leg[0] || l->generation != m->generation || m->leg > 1 || !l->leg[m->leg])
		return NULL;
	for (unsigned i = 0; i < 2; i++)
		if (m->secure && l->leg[i] && !l->leg[i]->secure)
			l->leg[i]->secure = &m->secure->leg[i];
	return l->leg[m->leg];
}

static void take_key(struct dp_secure_leg *s, struct dp_mail_keys *m, unsigned d, uint64_t now)
{
	struct srtp_context **key = m->component ? &s->rtcp[d] : &s->key[d], *old = *key;

	*key = m->context[d];
	m->context[d] = old; // goes back to be freed
	if (d != ABI_IN || !*key || !old)
		return;
	// What is on its way under the old key shall still be read; what was before that goes.
	m->context[d] = old->previous;
	old->previous = NULL;
	(*key)->previous = old;
	s->previous_until = now + DP_PREVIOUS_TICKS;
}

int dp_mail_keys(struct dp_worker *w, struct dp_mail_keys *m)
{
	struct dp_leg *leg = leg_of(w, &m->to);

	if (!leg)
		return -ENOENT;
	for (unsigned d = 0; d < 2; d++)
		if (m->directions & 1u << d)
			take_key(leg->secure, m, d, w->burst.now);
	dp_publish_resume(w, leg);
	return 0;
}

int dp_mail_ice(struct dp_worker *w, const struct dp_mail_ice *m)
{
	struct dp_leg *leg = leg_of(w, &m->to);

	if (!leg)
		return -ENOENT;
	leg->secure->ice = m->ice;
	for (unsigned i = 0; i < 2; i++) {
		struct dp_ice_component *c = &leg->secure->component[i];

		memset(c->checked, 0, sizeof(c->checked));
		// After a restart hawse-media was told the pair that was in use.
		c->nominated = m->ice.role != ABI_ICE_OFF && leg->latch[i].policy == LATCH_BY_ICE &&
			       leg->latch[i].state == LATCH_CONFIRMED;
		if (c->nominated)
			c->checked[0] = leg->latch[i].learned;
		c->next = c->nominated;
		c->last = c->nominated ? w->burst.now : 0;
		c->since = c->alive = w->burst.now;
		c->asks = 0;
		// Other credentials alone are no consent. Who controls says so by giving the pair.
		c->lost = c->lost && c->nominated && m->ice.role == ABI_ICE_LITE;
	}
	dp_leg_note_consent(leg);
	return 0;
}

int dp_mail_learned(struct dp_worker *w, const struct dp_mail_learned *m)
{
	for (unsigned i = 0; i < 2; i++) {
		struct dp_mail_secure to = m->to;
		struct dp_leg *leg;

		to.leg = (uint8_t)i;
		leg = leg_of(w, &to);
		if (!leg && i == 0)
			return -ENOENT;
		for (unsigned c = 0; leg && c < 2; c++) {
			struct latch_addr a = latch_from_abi(&m->addr[i][c]);

			bool told = leg->secure && leg->secure->ice.role == ABI_ICE_CONTROLLING;

			if (!a.port || (leg->latch[c].state == LATCH_CONFIRMED && !told))
				continue;
			// An agent in the control plane nominates by it, another pair than before maybe.
			if (told)
				latch_nominate(&leg->latch[c], &a);
			else
				latch_resume(&leg->latch[c], &a);
			dp_leg_follow_latch(leg);
			dp_tell_learned(w, leg, c); // the agent finds the next hop
		}
	}
	return 0;
}

// ---- packets of the control plane

static unsigned write_headers(
	uint8_t *ip, const struct dp_template *t, const uint8_t *data, uint16_t length)
{
	const uint8_t *headers = dp_onward_headers(&t->onward, t->six);
	uint16_t udp_length = __builtin_bswap16((uint16_t)(length + 8)), sum;
	unsigned l3 = t->onward.l3_length;
	uint8_t *udp = ip + l3;
	uint64_t covered;

	memcpy(ip, headers, l3 + 8);
	memcpy(udp + 8, data, length);
	dp_store16(udp + 4, udp_length);
	dp_store16(udp + 6, 0);
	if (l3 == 20) {
		dp_store16(ip + 2, __builtin_bswap16((uint16_t)(l3 + 8 + length)));
		dp_store16(ip + 10, 0);
		dp_store16(ip + 10, (uint16_t)~dp_fold(dp_sum(ip, l3)));
		covered = dp_sum(ip + 12, 8);
	} else {
		dp_store16(ip + 4, udp_length);
		covered = dp_sum(ip + 8, 32);
	}
	covered += dp_sum(udp, length + 8u) + 0x1100u + udp_length;
	sum = (uint16_t)~dp_fold(covered);
	dp_store16(udp + 6, sum ? sum : 0xffff);
	return l3 + 8u + length;
}

int dp_mail_inject(struct dp_worker *w, const struct dp_mail_inject *m)
{
	const struct dp_adjacency *hop;
	const struct dp_port *port;
	struct rte_mbuf *packet;
	unsigned length;
	uint8_t *frame;

	dp_count(w, DP_COUNT_INJECT_LOST, 1); // taken back when it has left
	if (!leg_of(w, &m->to))
		return -ENOENT;
	dp_adjacency_sync(w->adjacencies, w->adjacency, &w->adjacency_seen);
	hop = m->adjacency < DP_ADJACENCIES ? &w->adjacency[m->adjacency] : NULL;
	if (!hop || hop->state != DP_ADJACENCY_VALID) {
		if (hop)
			__atomic_store_n(
				&w->adjacencies->wanted[m->adjacency], 1, __ATOMIC_RELAXED);
		return -EHOSTUNREACH;
	}
	port = &w->ports[hop->port % DP_PORTS];
	packet = w->pool ? rte_pktmbuf_alloc(w->pool) : NULL;
	if (!packet)
		return -ENOMEM;
	frame = rte_pktmbuf_mtod(packet, uint8_t *);
	memcpy(frame, hop->header + 32 - hop->l2_length, hop->l2_length);
	length = hop->l2_length + write_headers(frame + hop->l2_length, &m->headers,
					  m->packet->data, m->packet->length);
	packet->data_len = (uint16_t)length;
	packet->pkt_len = length;
	if (!port->used || port->tx_queue == DP_NO_PORT ||
		!rte_eth_tx_burst(port->elsewhere ? port->tx_port : (uint16_t)hop->port,
			port->tx_queue, &packet, 1)) {
		rte_pktmbuf_free(packet);
		return -EAGAIN;
	}
	dp_count(w, DP_COUNT_INJECT_LOST, (uint64_t)-1);
	dp_count(w, DP_COUNT_INJECTED, 1);
	return 0;
}
