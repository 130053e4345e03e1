// SPDX-License-Identifier: BSD-3-Clause
// The agent's side of a worker. A session is laid into its legs' memory before ADD is sent, and its
// last numbers are read after DELETE came back: nobody else uses the legs then, and the worker only
// has to open and close them.
#include <errno.h>

#include "dataplane/worker/state.h"

void dp_worker_stop(struct dp_worker *w)
{
	abi_store32(&w->stop, 1);
	dp_wake(w);
}

static int check(const struct dp_worker *w, const struct dp_plan *plan)
{
	if (plan->legs < 1 || plan->legs > 2 || plan->slot >= w->slots)
		return -EINVAL;
	for (unsigned i = 0; i < plan->legs; i++) {
		if (!plan->leg[i].leg)
			return -EINVAL;
		if (__atomic_load_n(&plan->leg[i].leg->rx.flags, __ATOMIC_ACQUIRE) & DP_LEG_ACTIVE)
			return -EEXIST;
	}
	return 0;
}

static void lay(const struct dp_worker *w, struct dp_mail *mail)
{
	struct abi_leg_stats stats;
	uint64_t now = dp_clock_ticks();

	mail->result = check(w, &mail->plan);
	if (mail->result)
		return;
	dp_plan_lay(&mail->plan, dp_ticks_to_us(now), now);
	for (unsigned i = 0; i < mail->plan.legs; i++) {
		mail->leg[i] = mail->plan.leg[i].leg;
		dp_publish(w, mail->leg[i], now, &stats);
		dp_publish_resume(w, mail->leg[i]);
	}
}

static void prepare(const struct dp_worker *w, struct dp_mail *mail)
{
	mail->result = 0;
	mail->leg[0] = mail->leg[1] = NULL;
	if (mail->type == DP_MAIL_ADD)
		lay(w, mail);
	if (mail->type != DP_MAIL_DELETE)
		return;
	for (unsigned i = 0; i < mail->target.legs && i < 2; i++)
		mail->leg[i] = mail->target.leg[i];
}

int dp_worker_send(struct dp_worker *w, struct dp_mail *mail)
{
	if (w->mailbox.out >= DP_MAIL_SLOTS)
		return -EBUSY;
	prepare(w, mail);
	if (!dp_mail_push(&w->mailbox.to_worker, mail))
		return -EBUSY;
	w->mailbox.out++;
	dp_wake(w);
	return 0;
}

struct dp_mail *dp_worker_reply(struct dp_worker *w)
{
	struct dp_mail *mail = dp_mail_pull(&w->mailbox.to_agent);

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
