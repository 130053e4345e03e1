// SPDX-License-Identifier: BSD-3-Clause
// What a worker does about sessions between bursts: mail from the agent, numbers for region A, and
// events.
#include <errno.h>

#include "dataplane/worker/state.h"

#define MAILS_A_TURN 8u // so that a flood of mail does not hold up packets

static bool is_of(const struct dp_leg *leg, uint32_t slot, uint32_t generation)
{
	return leg && leg->rx.flags & DP_LEG_ACTIVE && leg->slot == slot &&
	       leg->generation == generation;
}

void dp_publish(struct dp_worker *w, struct dp_leg *leg)
{
	struct abi_leg_slot *s;
	struct abi_leg_stats stats;

	if (leg->slot >= w->slots)
		return;
	s = &w->leg_slots[leg->slot * 2 + leg->index];
	dp_leg_stats(leg, dp_ticks(w, rte_rdtsc()), &stats);
	abi_write_begin(&s->sequence);
	s->generation = leg->generation;
	s->stats = stats;
	abi_write_end(&s->sequence);
}

static void publish_resume(struct dp_worker *w, const struct dp_leg *leg)
{
	const struct latch *rtp = &leg->latch[0], *rtcp = &leg->latch[1];
	struct abi_leg_resume *r;

	if (leg->slot >= w->slots)
		return;
	r = &w->resumes[leg->slot * 2 + leg->index];
	abi_write_begin(&r->sequence);
	r->generation = leg->generation;
	r->rtp = r->rtcp = (struct abi_addr){0};
	if (rtp->state == LATCH_CONFIRMED)
		r->rtp = latch_to_abi(&rtp->learned);
	if (rtcp->state == LATCH_CONFIRMED)
		r->rtcp = latch_to_abi(&rtcp->learned);
	r->rx_ssrc = leg->stats.ssrc;
	r->rx_seq = (uint16_t)leg->stats.highest;
	abi_write_end(&r->sequence);
}

static bool tell(struct dp_worker *w, const struct dp_event *event)
{
	if (!dp_event_push(&w->mailbox.events, event)) {
		dp_count(w, DP_COUNT_EVENTS_LATE, 1);
		return false;
	}
	w->told = true;
	return true;
}

void dp_tell_learned(struct dp_worker *w, struct dp_leg *leg, unsigned component)
{
	const struct latch *l = &leg->latch[component];
	struct dp_event event = {
		.type = DP_EVENT_LEARNED,
		.slot = leg->slot,
		.generation = leg->generation,
		.leg = leg->index,
		.component = (uint8_t)component,
		.confirmed = l->state == LATCH_CONFIRMED,
		.ssrc = component ? 0 : l->ssrc,
		.remote = latch_to_abi(&l->learned),
	};

	leg->untold &= (uint8_t) ~(1u << component);
	if (l->state == LATCH_OPEN)
		return;
	dp_count(w, event.confirmed ? DP_COUNT_CONFIRMED : DP_COUNT_LEARNED, 1);
	publish_resume(w, leg);
	if (!latch_same(&l->learned, &l->signalled) && !tell(w, &event))
		leg->untold |= (uint8_t)(1u << component);
}

bool dp_tell_timeout(struct dp_worker *w, struct dp_leg *leg)
{
	struct dp_event event = {
		.type = DP_EVENT_TIMEOUT,
		.slot = leg->slot,
		.generation = leg->generation,
		.leg = leg->index,
		.last_us = leg->more.first_us ? leg->last_us : 0,
	};

	return tell(w, &event);
}

// ---- the list of sessions

static void list(struct dp_worker *w, const struct dp_plan *plan)
{
	struct dp_listed *l = &w->listed[w->listed_count];

	*l = (struct dp_listed){0};
	for (unsigned i = 0; i < plan->legs; i++) {
		l->leg[i] = plan->leg[i].leg;
		l->leg[i]->listed = w->listed_count;
	}
	w->listed_count++;
}

static void unlist(struct dp_worker *w, uint32_t at)
{
	struct dp_listed *last = &w->listed[--w->listed_count];

	w->listed[at] = *last;
	for (unsigned i = 0; i < 2; i++)
		if (w->listed[at].leg[i])
			w->listed[at].leg[i]->listed = at;
}

// ---- mail

static int add(struct dp_worker *w, const struct dp_plan *plan)
{
	uint64_t now = dp_ticks(w, rte_rdtsc());

	if (plan->slot >= w->slots || w->listed_count >= w->slots)
		return -EINVAL;
	for (unsigned i = 0; i < plan->legs; i++)
		if (!plan->leg[i].leg || plan->leg[i].leg->rx.flags & DP_LEG_ACTIVE)
			return -EEXIST;
	dp_plan_add(plan, dp_ticks_to_us(now), now);
	list(w, plan);
	for (unsigned i = 0; i < plan->legs; i++) {
		dp_publish(w, plan->leg[i].leg);
		publish_resume(w, plan->leg[i].leg);
	}
	return 0;
}

static int update(struct dp_worker *w, const struct dp_plan *plan)
{
	for (unsigned i = 0; i < plan->legs; i++)
		if (!is_of(plan->leg[i].leg, plan->slot, plan->generation))
			return -ENOENT;
	dp_plan_update(plan, dp_ticks_to_us(dp_ticks(w, rte_rdtsc())));
	for (unsigned i = 0; i < plan->legs; i++)
		publish_resume(w, plan->leg[i].leg);
	return 0;
}

static void report(
	struct dp_worker *w, struct dp_mail *mail, struct dp_leg *const *legs, unsigned n)
{
	uint64_t now = dp_ticks(w, rte_rdtsc());

	for (unsigned i = 0; i < n; i++) {
		dp_leg_stats(legs[i], now, &mail->stats[i]);
		dp_publish(w, legs[i]);
	}
}

static int with_target(struct dp_worker *w, struct dp_mail *mail)
{
	struct dp_mail_target *t = &mail->target;
	uint32_t listed;

	if (t->legs < 1 || t->legs > 2)
		return -EINVAL;
	for (unsigned i = 0; i < t->legs; i++)
		if (!is_of(t->leg[i], t->slot, t->generation))
			return -ENOENT;
	report(w, mail, t->leg, t->legs);
	if (mail->type == DP_MAIL_QUERY)
		return 0;
	listed = t->leg[0]->listed;
	for (unsigned i = 0; i < t->legs; i++)
		dp_leg_close(t->leg[i]);
	unlist(w, listed);
	return 0;
}

static int hop(struct dp_mail_hop *h)
{
	if (!is_of(h->leg, h->slot, h->generation))
		return -ENOENT;
	if (h->leg->rx.peer)
		h->leg->rx.peer->onward.adjacency = h->adjacency[0];
	h->leg->rtcp_adjacency = h->adjacency[1];
	return 0;
}

static int handle(struct dp_worker *w, struct dp_mail *mail)
{
	struct dp_leg *legs[2] = {mail->plan.leg[0].leg, mail->plan.leg[1].leg};
	int err;

	switch (mail->type) {
	case DP_MAIL_ADD:
	case DP_MAIL_UPDATE:
		if (mail->plan.legs < 1 || mail->plan.legs > 2)
			return -EINVAL;
		if (mail->type == DP_MAIL_ADD)
			return add(w, &mail->plan);
		err = update(w, &mail->plan);
		if (!err)
			report(w, mail, legs, mail->plan.legs);
		return err;
	case DP_MAIL_DELETE:
	case DP_MAIL_QUERY:
		return with_target(w, mail);
	case DP_MAIL_HOP:
		return hop(&mail->hop);
	default:
		return -EINVAL;
	}
}

void dp_mail_handle(struct dp_worker *w)
{
	for (unsigned n = 0; n < MAILS_A_TURN; n++) {
		struct dp_mail *mail = dp_mail_pull(&w->mailbox.to_worker);

		if (!mail)
			break;
		mail->result = handle(w, mail);
		dp_count(w, DP_COUNT_MAILS, 1);
		// There is room: no more mails are out than the ring holds.
		dp_mail_push(&w->mailbox.to_agent, mail);
		w->told = true;
	}
	abi_store64(&w->counters[DP_COUNT_SESSIONS], w->listed_count);
}
