// SPDX-License-Identifier: BSD-3-Clause
// What a worker does about sessions between bursts: mail from the agent, and events for it. The
// agent's side of the mailbox is agent_side.c: it begins and ends sessions without the worker.
#include <errno.h>

#include <rte_prefetch.h>

#include "dataplane/worker/state.h"

#define MAILS_A_TURN 8u // so that a flood of mail does not hold up packets

// The session that a mail is about, or NULL when it is not the one that
// forwards in that slot.
static struct dp_listed *session_of(struct dp_worker *w, uint32_t slot, uint32_t generation)
{
	struct dp_listed *l = slot < w->slots ? &w->listed[slot] : NULL;

	return l && l->leg[0] && l->generation == generation ? l : NULL;
}

bool dp_tell(struct dp_worker *w, const struct dp_event *event)
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
	dp_publish_resume(w, leg);
	if (!latch_same(&l->learned, &l->signalled) && !dp_tell(w, &event))
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

	return dp_tell(w, &event);
}

// ---- mail

static int update(struct dp_worker *w, const struct dp_plan *plan)
{
	const struct dp_listed *l = session_of(w, plan->slot, plan->generation);

	if (!l)
		return -ENOENT;
	for (unsigned i = 0; i < 2; i++)
		if (l->leg[i] != (i < plan->legs ? plan->leg[i].leg : NULL))
			return -ENOENT;
	dp_plan_update(plan, dp_ticks_to_us(dp_ticks(w, rte_rdtsc())));
	for (unsigned i = 0; i < plan->legs; i++)
		dp_publish_resume(w, plan->leg[i].leg);
	return 0;
}

static void report(struct dp_worker *w, struct dp_mail *mail, const struct dp_listed *l)
{
	for (unsigned i = 0; i < 2 && l->leg[i]; i++)
		dp_publish(w, l->leg[i], dp_ticks(w, rte_rdtsc()), &mail->stats[i]);
}

static int hop(struct dp_worker *w, struct dp_mail_hop *h)
{
	const struct dp_listed *l = session_of(w, h->slot, h->generation);

	if (!l || !h->leg || (h->leg != l->leg[0] && h->leg != l->leg[1]))
		return -ENOENT;
	if (h->leg->peer)
		h->leg->peer->rx.onward.adjacency = h->adjacency[0];
	h->leg->rtcp_adjacency = h->adjacency[1];
	return 0;
}

static int update_and_report(struct dp_worker *w, struct dp_mail *mail)
{
	int err = update(w, &mail->plan);

	if (!err)
		report(w, mail, &w->listed[mail->plan.slot]);
	return err;
}

static int query(struct dp_worker *w, struct dp_mail *mail)
{
	const struct dp_listed *l = session_of(w, mail->target.slot, mail->target.generation);

	if (!l)
		return -ENOENT;
	report(w, mail, l);
	return 0;
}

static int media(struct dp_worker *w, const struct dp_mail_media *m)
{
	const struct dp_listed *l = session_of(w, m->slot, m->generation);

	if (!l)
		return -ENOENT;
	for (unsigned i = 0; i < 2 && l->leg[i]; i++)
		dp_leg_set_media(l->leg[i], &m->leg[i]);
	return 0;
}

// ADD never comes here.
static int handle(struct dp_worker *w, struct dp_mail *mail)
{
	switch (mail->type) {
	case DP_MAIL_UPDATE:
		return update_and_report(w, mail);
	case DP_MAIL_DELETE: // it comes after what was under way for the session; that is all
		return 0;
	case DP_MAIL_QUERY:
		return query(w, mail);
	case DP_MAIL_HOP:
		return hop(w, &mail->hop);
	case DP_MAIL_KEYS:
		return dp_mail_keys(w, &mail->keys);
	case DP_MAIL_ICE:
		return dp_mail_ice(w, &mail->ice);
	case DP_MAIL_LEARNED:
		return dp_mail_learned(w, &mail->learned);
	case DP_MAIL_INJECT:
		return dp_mail_inject(w, &mail->inject);
	case DP_MAIL_MEDIA:
		return media(w, &mail->media);
	default:
		return -EINVAL;
	}
}

// Mail comes from another core's cache: all of it is fetched before the first is read.
static unsigned pull(struct dp_worker *w, struct dp_mail **mails)
{
	unsigned n = 0;

	while (n < MAILS_A_TURN && (mails[n] = dp_mail_pull(&w->mailbox.to_worker)))
		rte_prefetch0(mails[n++]);
	return n;
}

void dp_mail_handle(struct dp_worker *w)
{
	struct dp_mail *mails[MAILS_A_TURN];
	unsigned n = pull(w, mails);

	for (unsigned i = 0; i < n; i++) {
		mails[i]->result = handle(w, mails[i]);
		// There is room: no more mails are out than the ring holds.
		dp_mail_push(&w->mailbox.to_agent, mails[i]);
	}
	dp_count(w, DP_COUNT_MAILS, n);
	w->told |= n > 0;
}
