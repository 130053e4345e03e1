// SPDX-License-Identifier: BSD-3-Clause
//
// Requests of our own inside a call: what one side has to be told because it could not be asked when it was
// agreed, refreshes of the session timer, and the question whether a silent side is there.
#include "controlplane/call/call.h"

static void tell_again(struct cp_call *call)
{
	if (call->state == ABI_CALL_UP)
		cp_change_tell_due(call);
}

static void fire_a(struct sip_timer *timer, void *ctx)
{
	tell_again((struct cp_call *)((char *)timer - offsetof(struct cp_call, leg[0].again)));
}

static void fire_b(struct sip_timer *timer, void *ctx)
{
	tell_again((struct cp_call *)((char *)timer - offsetof(struct cp_call, leg[1].again)));
}

static void tell_later(struct cp_call *call, unsigned leg, uint64_t ms)
{
	struct sip_layer *layer = call->shard->layer;
	struct cp_leg *l = &call->leg[leg];

	l->again.fire = leg ? fire_b : fire_a;
	sip_timer_start(sip_layer_wheel(layer), &l->again, sip_layer_now(layer) + ms);
}

// RFC 3261 14.1: after a 491 each side waits its own time.
void cp_tell_refused(struct cp_exchange *x, int status)
{
	struct cp_call *call = x->call;
	unsigned to = cp_other(x->from);
	bool again = !status || status == 491 || status == 500 || status == 503;

	if (status)
		cp_silence_answered(call, to);
	if (!again) // it does not want to know
		call->leg[to].stale = false;
	if (call->leg[to].stale)
		tell_later(call, to, sip_dialog_glare_delay(call->leg[to].dialog));
	cp_timer_later(call, to, again ? 4 : 0);
}

bool cp_change_tell(struct cp_call *call, unsigned leg)
{
	unsigned from = cp_other(leg);
	struct sip_dialog *d = call->leg[leg].dialog;
	struct sdp_str said = sdp_oa_said(&call->oa, (enum sdp_leg)from);
	struct cp_exchange *x;
	char warning[160];
	int status;

	if (call->offer || call->invite.phase != CP_PHASE_NEW || sip_dialog_awaits_ack(d) ||
		sip_dialog_invite_pending(d))
		return false;
	x = cp_exchange_new(call, CP_X_TELL, (uint8_t)from);
	if (!x)
		return false;
	if (cp_bridge_offer(
		    x, from, sip_slice(said.ptr, said.len), &status, warning, sizeof(warning)) == 0)
		cp_change_forward(x);
	else if (call->offer != x) {
		cp_tell_refused(x, 488);
		cp_exchange_release(x);
	}
	return true;
}

void cp_change_tell_due(struct cp_call *call)
{
	for (unsigned leg = 0; leg < 2 && call->state == ABI_CALL_UP; leg++)
		if (call->leg[leg].stale && !sip_timer_running(&call->leg[leg].again) &&
			!cp_change_tell(call, leg))
			tell_later(call, leg, 500);
}

// A request of ours without an offer: a refresh, or the question whether somebody is there.
void cp_tell_response(struct cp_exchange *x, const struct sip_message *m)
{
	struct cp_call *call = x->call;
	unsigned to = cp_other(x->from), kind = x->kind;
	uint32_t after = 0;
	int status = m->status, again;

	if (status < 200)
		return;
	cp_exchange_release(x);
	if (status == 408 || status == 481) {
		cp_change_lost(call, to, status);
		return;
	}
	cp_silence_answered(call, to);
	if (kind != CP_X_REFRESH)
		return;
	again = cp_timer_response(call, to, m);
	if (status == 405 || status == 501)
		call->leg[to].allows_update = false;
	if (sip_message_number(m, SIP_H_RETRY_AFTER, &after) || after > 60)
		after = 0;
	if (status == 491 || again == 1 || !call->leg[to].allows_update)
		after = 1 + sip_dialog_glare_delay(call->leg[to].dialog) / 1000;
	if (status >= 300)
		cp_timer_later(call, to, after);
}
