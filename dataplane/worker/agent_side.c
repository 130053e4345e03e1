// SPDX-License-Identifier: BSD-3-Clause
// The agent's side of a worker. A session begins and ends without it: 100,000 a second of each must
// cost forwarding nothing.
//
//   ADD     the session is laid into its legs' memory and listed for the sweep; then the legs are
//           opened, and the worker sees them when the next packet comes.
//   DELETE  the legs are closed and unlisted. The worker may be in the midst of a packet for them,
//           so their numbers are the last ones only after it has passed a fence between two bursts,
//           one for all that were closed before, or while it sleeps. Changes that are still under way
//           to the worker come first: then the mail itself goes there and back, in order.
//
// Everything else is done by the worker (session.c).
#include <errno.h>

#include "dataplane/worker/state.h"

void dp_worker_stop(struct dp_worker *w)
{
	abi_store32(&w->stop, 1);
	dp_wake(w);
}

void dp_worker_nudge(const struct dp_worker *w)
{
	dp_wake(w);
}

// ---- lists

static void put(struct dp_mail_list *list, struct dp_mail *mail)
{
	mail->next = NULL;
	if (list->last)
		list->last->next = mail;
	else
		list->first = mail;
	list->last = mail;
}

static struct dp_mail *take(struct dp_mail_list *list)
{
	struct dp_mail *mail = list->first;

	if (!mail)
		return NULL;
	list->first = mail->next;
	if (!list->first)
		list->last = NULL;
	return mail;
}

static void move(struct dp_mail_list *to, struct dp_mail_list *from)
{
	struct dp_mail *mail;

	while ((mail = take(from)))
		put(to, mail);
}

// ---- a session begins

static int check(const struct dp_worker *w, const struct dp_plan *plan)
{
	if (plan->legs < 1 || plan->legs > 2 || plan->slot >= w->slots)
		return -EINVAL;
	if (w->listed[plan->slot].leg[0])
		return -EEXIST;
	for (unsigned i = 0; i < plan->legs; i++) {
		if (!plan->leg[i].leg)
			return -EINVAL;
		if (plan->leg[i].leg->rx.flags & DP_LEG_ACTIVE)
			return -EEXIST;
	}
	return 0;
}

// The sweep reads leg[0] first and stops where there is none.
static void list(struct dp_worker *w, const struct dp_plan *plan)
{
	struct dp_listed *l = &w->listed[plan->slot];

	l->generation = plan->generation;
	__atomic_store_n(&l->leg[1], plan->legs == 2 ? plan->leg[1].leg : NULL, __ATOMIC_RELEASE);
	__atomic_store_n(&l->leg[0], plan->leg[0].leg, __ATOMIC_RELEASE);
	if (plan->slot >= abi_load32(&w->sessions_end))
		abi_store32(&w->sessions_end, plan->slot + 1);
	abi_store32(&w->sessions, abi_load32(&w->sessions) + 1);
}

static int begin(struct dp_worker *w, struct dp_mail *mail)
{
	struct abi_leg_stats stats;
	uint64_t now = dp_clock_ticks();
	int err = check(w, &mail->plan);

	if (err)
		return err;
	dp_plan_lay(&mail->plan, dp_ticks_to_us(now), now);
	for (unsigned i = 0; i < mail->plan.legs; i++) {
		mail->leg[i] = mail->plan.leg[i].leg;
		dp_publish(w, mail->leg[i], now, &stats);
		dp_publish_resume(w, mail->leg[i]);
	}
	list(w, &mail->plan);
	for (unsigned i = 0; i < mail->plan.legs; i++)
		dp_leg_open(mail->leg[i]);
	return 0;
}

// ---- a session ends

static struct dp_listed *listed(struct dp_worker *w, uint32_t slot, uint32_t generation)
{
	struct dp_listed *l = slot < w->slots ? &w->listed[slot] : NULL;

	return l && l->leg[0] && l->generation == generation ? l : NULL;
}

// True when a worker that has not passed a fence cannot touch a leg either.
static bool rests(struct dp_worker *w)
{
	return __atomic_load_n(&w->parked, __ATOMIC_ACQUIRE) ||
	       (abi_load32(&w->stop) && !abi_load32(&w->running));
}

static void ask_fence(struct dp_worker *w)
{
	struct dp_mailbox *box = &w->mailbox;

	if (box->fenced.first || !box->closed.first)
		return;
	move(&box->fenced, &box->closed);
	__atomic_thread_fence(__ATOMIC_SEQ_CST); // what was closed, before `parked` is read
	if (rests(w)) {
		move(&box->done, &box->fenced);
		return;
	}
	__atomic_store_n(&box->to_worker.fence, box->to_worker.fence + 1, __ATOMIC_RELEASE);
	dp_wake(w);
}

static void look_at_fence(struct dp_worker *w)
{
	struct dp_mailbox *box = &w->mailbox;
	uint32_t passed = __atomic_load_n(&box->to_agent.fence, __ATOMIC_ACQUIRE);

	if (passed == box->to_worker.fence || rests(w))
		move(&box->done, &box->fenced);
	ask_fence(w);
}

static void end(struct dp_worker *w, struct dp_mail *mail)
{
	struct dp_listed *l = listed(w, mail->target.slot, mail->target.generation);

	mail->result = l ? 0 : -ENOENT;
	if (!l) {
		put(&w->mailbox.done, mail);
		return;
	}
	for (unsigned i = 0; i < 2; i++) {
		mail->leg[i] = l->leg[i];
		if (l->leg[i])
			dp_leg_close(l->leg[i]);
		__atomic_store_n(&l->leg[i], NULL, __ATOMIC_RELEASE);
	}
	abi_store32(&w->sessions, abi_load32(&w->sessions) - 1);
	put(&w->mailbox.closed, mail);
}

// ---- mail

static uint32_t slot_of(const struct dp_mail *mail)
{
	switch (mail->type) {
	case DP_MAIL_ADD:
	case DP_MAIL_UPDATE:
		return mail->plan.slot;
	case DP_MAIL_HOP:
		return mail->hop.slot;
	case DP_MAIL_KEYS:
	case DP_MAIL_ICE:
	case DP_MAIL_LEARNED:
	case DP_MAIL_INJECT:
		return mail->secure.slot;
	case DP_MAIL_MEDIA:
		return mail->media.slot;
	default:
		return mail->target.slot;
	}
}

// How many mails are under way for the session; NULL: there can be none.
static uint32_t *under_way(struct dp_worker *w, const struct dp_mail *mail)
{
	uint32_t slot = slot_of(mail);

	return slot < w->slots ? &w->listed[slot].mails : NULL;
}

static int post(struct dp_worker *w, struct dp_mail *mail)
{
	uint32_t *mails = under_way(w, mail);

	if (!dp_mail_push(&w->mailbox.to_worker, mail))
		return -EBUSY;
	if (mails)
		++*mails;
	w->mailbox.out++;
	dp_wake(w);
	return 0;
}

int dp_worker_send(struct dp_worker *w, struct dp_mail *mail)
{
	const uint32_t *mails = under_way(w, mail);

	if (w->mailbox.out >= DP_MAIL_SLOTS)
		return -EBUSY;
	mail->result = 0;
	mail->leg[0] = mail->leg[1] = NULL;
	if (mail->type == DP_MAIL_ADD) {
		mail->result = begin(w, mail);
		put(&w->mailbox.done, mail);
	} else if (mail->type == DP_MAIL_DELETE && !(mails && *mails)) {
		end(w, mail);
		ask_fence(w);
	} else {
		return post(w, mail);
	}
	w->mailbox.out++;
	return 0;
}

// What comes back from the worker is done, but a deletion only begins now.
static void collect(struct dp_worker *w)
{
	struct dp_mail *mail;

	while ((mail = dp_mail_pull(&w->mailbox.to_agent))) {
		uint32_t *mails = under_way(w, mail);

		if (mails)
			--*mails;
		if (mail->type == DP_MAIL_DELETE)
			end(w, mail);
		else
			put(&w->mailbox.done, mail);
	}
	look_at_fence(w);
}

struct dp_mail *dp_worker_reply(struct dp_worker *w)
{
	struct dp_mail *mail;

	if (!w->mailbox.done.first)
		collect(w);
	mail = take(&w->mailbox.done);
	if (!mail)
		return NULL;
	w->mailbox.out--;
	if (mail->type != DP_MAIL_DELETE || mail->result)
		return mail;
	for (unsigned i = 0; i < 2 && mail->leg[i]; i++)
		dp_publish(w, mail->leg[i], dp_clock_ticks(), &mail->stats[i]);
	return mail;
}

bool dp_worker_event(struct dp_worker *w, struct dp_event *event)
{
	return dp_event_pull(&w->mailbox.events, event);
}

unsigned dp_worker_out(const struct dp_worker *w)
{
	return w->mailbox.out;
}

bool dp_worker_running(const struct dp_worker *w)
{
	return abi_load32(&w->running);
}
