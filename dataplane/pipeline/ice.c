// SPDX-License-Identifier: BSD-3-Clause
// STUN and DTLS that came to a media port; called by admit. Binding requests are answered here, in the
// buffer that they came in, so that consent goes on whatever becomes of the control plane. DTLS, and STUN
// for an agent of the control plane, is copied for it.
//
// Who has no credentials gets at most DP_ERRORS answers a leg and second, none longer than his request.
// DTLS of a leg with ICE is taken from sources that have passed a check, of another leg from those that its source
// policy could learn; of any leg so much as a handshake needs, and strangers leave the party its share.
#include <rte_ethdev.h>

#include "dataplane/pipeline/secure.h"

#define DP_ERRORS  10u
#define DP_PUNTS   60u // a leg and second
#define DP_STRANGE 30u // of these, from other addresses than the party's signalled one
#define TTL        64

static const uint8_t reasons[] = {
	[STUN_WHY_NONE] = DP_DROP_STUN_BAD,
	[STUN_WHY_MALFORMED] = DP_DROP_STUN_BAD,
	[STUN_WHY_CREDENTIALS] = DP_DROP_STUN_CREDENTIALS,
	[STUN_WHY_ROLE] = DP_DROP_STUN_ROLE,
	[STUN_WHY_ATTRIBUTE] = DP_DROP_STUN_ATTRIBUTE,
};

static void swap(uint8_t *a, uint8_t *b, size_t size)
{
	uint8_t t[16];

	memcpy(t, a, size);
	memcpy(a, b, size);
	memcpy(b, t, size);
}

// The request's buffer becomes the answer's: everything goes back the way it came.
static void turn_round(struct rte_mbuf *m, const struct dp_packet *k, const struct stun_answer *a)
{
	uint8_t *frame = k->frame, *ip = frame + k->ip, *udp = frame + k->payload - 8;
	uint16_t udp_length = (uint16_t)(a->length + 8), sum;
	uint64_t covered;

	swap(frame, frame + 6, 6);
	swap(udp, udp + 2, 2);
	memcpy(udp + 8, a->data, a->length);
	dp_store16(udp + 4, __builtin_bswap16(udp_length));
	dp_store16(udp + 6, 0);
	if (k->family == 4) {
		uint16_t header = (uint16_t)(udp - ip);

		swap(ip + 12, ip + 16, 4);
		ip[8] = TTL;
		dp_store16(ip + 2, __builtin_bswap16((uint16_t)(header + udp_length)));
		dp_store16(ip + 10, 0);
		dp_store16(ip + 10, (uint16_t)~dp_fold(dp_sum(ip, header)));
		covered = dp_sum(ip + 12, 8);
	} else {
		swap(ip + 8, ip + 24, 16);
		ip[7] = TTL;
		dp_store16(ip + 4, __builtin_bswap16(udp_length));
		covered = dp_sum(ip + 8, 32);
	}
	covered += dp_sum(udp, udp_length) + 0x1100u + __builtin_bswap16(udp_length);
	sum = (uint16_t)~dp_fold(covered);
	dp_store16(udp + 6, sum ? sum : 0xffff);
	m->data_len = (uint16_t)(k->payload + a->length);
	m->pkt_len = m->data_len;
	m->ol_flags &= RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;
}

static unsigned send_back(struct dp_worker *w, struct rte_mbuf *m)
{
	const struct dp_port *p = &w->ports[m->port % DP_PORTS];
	uint16_t id = p->elsewhere ? p->tx_port : m->port;

	if (!p->used || p->tx_queue == DP_NO_PORT || !rte_eth_tx_burst(id, p->tx_queue, &m, 1))
		return DP_DROP_STUN_LATE;
	return DP_SENT;
}

static bool was_checked(const struct dp_ice_component *c, const struct latch_addr *source)
{
	for (unsigned i = 0; i < DP_ICE_CHECKED; i++)
		if (latch_same(&c->checked[i], source))
			return true;
	return false;
}

static void note_check(struct dp_ice_component *c, const struct latch_addr *source)
{
	if (was_checked(c, source))
		return;
	c->checked[c->next] = *source;
	c->next = (uint8_t)((c->next + 1) % DP_ICE_CHECKED);
}

// The pair is nominated: media goes there and comes from there.
static void nominate(struct dp_worker *w, struct dp_leg *leg, unsigned component,
	const struct latch_addr *source, const struct stun_answer *a)
{
	struct dp_ice_component *c = &leg->secure->component[component];
	bool moved = latch_nominate(&leg->latch[component], source);

	if (!moved && c->nominated)
		return;
	c->nominated = 1;
	c->asks = 0;
	c->since = w->burst.now;
	c->priority = a->priority;
	dp_count(w, DP_COUNT_NOMINATED, 1);
	if (component == 0)
		dp_leg_follow_latch(leg);
	dp_publish_resume(w, leg);
	c->untold = dp_tell_ice(w, leg, component, DP_EVENT_NOMINATED) ? DP_UNTOLD_NOTHING
								       : DP_UNTOLD_NOMINATED;
}

// Consent is of the pair that is in use.
static void renew_consent(struct dp_worker *w, struct dp_leg *leg, unsigned component, uint64_t now)
{
	struct dp_ice_component *c = &leg->secure->component[component];

	c->last = c->alive = now;
	c->asks |= c->nominated && now - c->since > DP_ASKS_TICKS;
	if (likely(!c->lost))
		return;
	c->lost = 0;
	dp_leg_note_consent(leg);
	c->untold = dp_tell_ice(w, leg, component, DP_EVENT_NOMINATED) ? DP_UNTOLD_NOTHING
								       : DP_UNTOLD_NOMINATED;
}

static void valid_check(struct dp_worker *w, struct dp_burst *b, const struct dp_packet *k,
	const struct latch_addr *source, const struct stun_answer *a)
{
	struct dp_leg *leg = k->leg;
	struct dp_ice_component *c = &leg->secure->component[k->component];
	const struct latch *l = &leg->latch[k->component];

	dp_count(w, DP_COUNT_STUN, 1);
	note_check(c, source);
	if (a->action == STUN_NOMINATE)
		nominate(w, leg, k->component, source, a);
	if (!c->nominated || (l->state == LATCH_CONFIRMED && latch_same(&l->learned, source)))
		renew_consent(w, leg, k->component, b->now);
}

static void new_second(struct dp_secure_leg *s, uint64_t now)
{
	if (s->punt_second == now >> 20)
		return;
	s->punt_second = now >> 20;
	s->punts = s->strange = s->errors = 0;
}

static unsigned punt_stun(struct dp_worker *w, const struct dp_packet *k, bool valid)
{
	struct dp_secure_leg *s = k->leg->secure;

	if (s->ice.role == ABI_ICE_LITE || s->punts++ >= DP_PUNTS)
		return DP_DROP_STUN_BAD;
	dp_to_control(w, k, ABI_PUNT_STUN, valid);
	return DP_TAKEN;
}

unsigned dp_admit_stun(struct dp_worker *w, struct dp_burst *b, unsigned i)
{
	const struct dp_packet *k = &b->packet[i];
	struct dp_secure_leg *s = k->leg->secure;
	struct latch_addr source;
	struct stun_answer a;

	if (!s || s->ice.role == ABI_ICE_OFF)
		return DP_DROP_STUN;
	source = dp_source_of(k, k->frame);
	new_second(s, b->now);
	stun_respond(&a, &s->ice, k->frame + k->payload, k->length, k->family, source.ip,
		__builtin_bswap16(source.port));
	if (a.action == STUN_RESPONSE)
		return punt_stun(w, k, was_checked(&s->component[k->component], &source));
	if (a.action == STUN_VALID || a.action == STUN_NOMINATE) {
		valid_check(w, b, k, &source, &a);
		if (s->ice.role != ABI_ICE_LITE)
			punt_stun(w, k, true);
		if (!a.length)
			return DP_DROP_STUN_LATE;
		turn_round(b->mbuf[i], k, &a);
		return send_back(w, b->mbuf[i]);
	}
	dp_count(w, reasons[a.why], 1);
	k->leg->stats.dropped++;
	if (a.action != STUN_REPLY || s->errors++ >= DP_ERRORS)
		return DP_TAKEN;
	turn_round(b->mbuf[i], k, &a);
	return send_back(w, b->mbuf[i]) == DP_SENT ? DP_SENT : DP_TAKEN;
}

static bool is_signalled(
	const struct dp_leg *leg, unsigned component, const struct latch_addr *source)
{
	return latch_same_ip(&leg->latch[0].signalled, source) ||
	       latch_same_ip(&leg->latch[component].signalled, source);
}

// Without ICE: who may be the party.
static bool may_begin(const struct dp_leg *leg, unsigned component, const struct latch_addr *source)
{
	const struct latch *l = &leg->latch[component];

	if (l->state == LATCH_CONFIRMED)
		return latch_same(&l->learned, source);
	return l->policy == ABI_SOURCE_ANY || is_signalled(leg, component, source);
}

unsigned dp_admit_dtls(struct dp_worker *w, struct dp_burst *b, unsigned i)
{
	const struct dp_packet *k = &b->packet[i];
	struct dp_secure_leg *s = k->leg->secure;
	struct latch_addr source = dp_source_of(k, k->frame);
	bool valid, strange;

	if (!(k->leg->rx.flags & DP_LEG_DTLS)) {
		if (s && !s->dtls_told)
			s->dtls_told = dp_tell_dtls(w, k->leg, k->component, &source);
		return DP_DROP_DTLS;
	}
	if (!s)
		return DP_DROP_DTLS;
	valid = s->ice.role == ABI_ICE_OFF ? may_begin(k->leg, k->component, &source)
					   : was_checked(&s->component[k->component], &source);
	if (!valid)
		return DP_DROP_DTLS_UNCHECKED;
	new_second(s, b->now);
	strange = s->ice.role == ABI_ICE_OFF && !is_signalled(k->leg, k->component, &source);
	if (s->punts >= DP_PUNTS || (strange && s->strange >= DP_STRANGE))
		return DP_DROP_DTLS_RATE;
	s->punts++;
	s->strange += strange;
	dp_to_control(w, k, ABI_PUNT_DTLS, true);
	return DP_TAKEN;
}
