// SPDX-License-Identifier: BSD-3-Clause
//
// The end of a call: whatever state each side is in, it gets the one message that ends it; media are
// given back, and when hawse-media has said its last word the CDRs are written.
#include "controlplane/call/call.h"
#include "controlplane/call/media.h"
#include "controlplane/call/prompt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "controlplane/call/carry.h"
#include "controlplane/call/fork.h"
#include "controlplane/call/join.h"
#include "controlplane/call/refer.h"
#include "controlplane/log.h"

#define BYE_TRIES_US 32000000u

void cp_reason_set(struct cp_call *call, const char *protocol, int cause, const char *text)
{
	struct cp_late *late = cp_late(call);

	if (late)
		snprintf(late->reason, sizeof(late->reason), "Reason: %s;cause=%d;text=\"%s\"\r\n",
			protocol, cause, text);
}

void cp_reason_take(struct cp_call *call, const struct sip_message *m)
{
	const struct cp_carry carry = {
		call->leg[0].peer, call->leg[0].peer, cp_leg_listener(call, 0), CP_IN_BYE};
	struct cp_late *late = cp_late(call);
	struct sip_build b;

	if (!late)
		return;
	b = sip_build(late->reason, sizeof(late->reason) - 1);
	cp_carry(&b, &carry, m);
	late->reason[sip_build_check(&b) == 0 ? b.n : 0] = 0;
}

// ---- CDRs -----------------------------------------------------------------------------------------

static void record_all(struct cp_call *call)
{
	for (unsigned leg = 0; leg < 2; leg++) {
		struct cp_leg *l = &call->leg[leg];

		if (l->recorded || !l->start_us)
			continue;
		l->recorded = true;
		cp_call_record(call, leg);
	}
	cp_call_unkeep(call);
}

// ---- BYE ------------------------------------------------------------------------------------------

static void bye_again(struct sip_timer *timer, void *ctx);

static void send_bye(struct cp_call *call, unsigned leg)
{
	struct sip_layer *layer = call->shard->layer;
	struct cp_leg *l = &call->leg[leg];
	int err;

	l->bye_wanted = false;
	err = sip_dialog_send(
		l->dialog, SIP_BYE, cp_reason(call), sip_slice(NULL, 0), &l->bye, &l->bye.client);
	// No memory, for it or for the ACK before it: a party must not be left in a call that is over.
	if ((err == -ENOMEM || err == -EBUSY) && call->shard->now_us - l->end_us < BYE_TRIES_US) {
		call->timer.fire = bye_again;
		sip_timer_start(sip_layer_wheel(layer), &call->timer, sip_layer_now(layer) + 500);
		return;
	}
	if (err)
		cp_log(CP_LOG_WARNING, "call", call->id, "BYE to the %s cannot be sent: %s",
			leg ? "callee" : "caller", strerror(-err));
	l->over = true;
}

static void end_dialog(struct cp_call *call, unsigned leg)
{
	struct cp_leg *l = &call->leg[leg];

	if (!l->dialog || sip_dialog_state(l->dialog) != SIP_DIALOG_CONFIRMED) {
		l->over = true;
		return;
	}
	if (sip_dialog_owes_ack(l->dialog))
		sip_dialog_ack(l->dialog, sip_slice(NULL, 0), sip_slice(NULL, 0));
	// RFC 5407: the callee of a dialog says no BYE before the ACK came.
	if (sip_dialog_awaits_ack(l->dialog) || cp_refer_speaks(call, leg))
		l->bye_wanted = true;
	else
		send_bye(call, leg);
}

static void bye_again(struct sip_timer *timer, void *ctx)
{
	struct cp_call *call = (struct cp_call *)((char *)timer - offsetof(struct cp_call, timer));

	for (unsigned leg = 0; leg < 2; leg++)
		if (!call->leg[leg].over && !call->leg[leg].bye_wanted)
			end_dialog(call, leg);
	cp_call_check(call);
}

void cp_end_acked(struct cp_call *call, unsigned leg)
{
	if (!call->leg[leg].bye_wanted)
		return;
	send_bye(call, leg);
	cp_call_check(call);
}

void cp_reap(struct cp_shard *shard, struct sip_dialog *dialog)
{
	struct cp_exchange *x = calloc(1, sizeof(*x));

	sip_dialog_set_user(dialog, NULL);
	if (sip_dialog_owes_ack(dialog))
		sip_dialog_ack(dialog, sip_slice(NULL, 0), sip_slice(NULL, 0));
	if (x) {
		x->kind = CP_X_REAP;
		x->dialog = dialog;
		if (sip_dialog_send(dialog, SIP_BYE, sip_slice(NULL, 0), sip_slice(NULL, 0), x,
			    &x->client) == 0)
			return;
	} else {
		sip_dialog_send(
			dialog, SIP_BYE, sip_slice(NULL, 0), sip_slice(NULL, 0), NULL, NULL);
	}
	sip_dialog_free(dialog);
	free(x);
}

// ---- the whole call -------------------------------------------------------------------------------

// A has no final answer yet.
static void refuse_caller(
	struct cp_call *call, int status, struct sip_slice phrase, const char *lines)
{
	struct cp_exchange *x = &call->invite;
	struct sip_response r = {.status = status, .reason = phrase, .lines = sip_str(lines)};

	if (call->leg[0].dialog)
		sip_dialog_respond(call->leg[0].dialog, x->server, &r);
	else
		sip_respond(x->server, &r);
}

static void end_invite(struct cp_call *call, int status, struct sip_slice phrase, const char *lines)
{
	struct cp_exchange *x = &call->invite;

	sip_timer_stop(sip_layer_wheel(call->shard->layer), &call->timer);
	if (x->client && !sip_tx_is_final(x->client))
		sip_client_cancel(x->client, cp_reason(call));
	cp_fork_end(call);
	if (x->server && !sip_tx_is_final(x->server))
		refuse_caller(call, status, phrase, lines);
	cp_exchange_release(x);
	cp_branches_free(call, NULL);
}

// RFC 3261 15.1.2: requests that are still pending get 487.
static void end_others(struct cp_call *call)
{
	for (unsigned i = 0; i < CP_RELAYS; i++) {
		struct cp_exchange *x = &call->other[i];

		if (x->kind == CP_X_FREE)
			continue;
		if (x->server && !sip_tx_is_final(x->server))
			sip_respond_simple(x->server, 487, NULL);
		cp_exchange_release(x);
	}
}

static void count_end(struct cp_call *call)
{
	struct cp_shard *shard = call->shard;

	if (!call->leg[0].answer_us)
		return;
	cp_count(shard, CP_C_ENDED_CALLER + call->cause.by);
	abi_add64(&shard->counters[CP_C_DURATION_MS],
		(shard->now_us - call->leg[0].answer_us) / 1000);
}

void cp_call_end(struct cp_call *call, enum cp_ended_by by, int status, struct sip_slice phrase,
	const char *lines)
{
	if (call->state == ABI_CALL_ENDING)
		return;
	if (!phrase.n)
		phrase =
			sip_str(status == 200 ? "Normal call clearing" : sip_reason_phrase(status));
	call->cause.known = true;
	call->cause.by = (uint8_t)by;
	call->cause.status = (uint16_t)status;
	snprintf(call->cause.phrase, sizeof(call->cause.phrase), "%.*s",
		(int)(phrase.n < 63 ? phrase.n : 63), phrase.p);
	for (unsigned leg = 0; leg < 2; leg++)
		if (!call->leg[leg].end_us)
			call->leg[leg].end_us = call->shard->now_us;
	cp_call_result(call, call->leg[0].answer_us ? CP_RESULT_ANSWERED : cp_cause_result(status));
	count_end(call);
	cp_call_event(call, (uint8_t)(by == CP_BY_HAWSE ? 255 : by), "ended by %s: %d %s",
		cp_cause_by((uint8_t)by), status, call->cause.phrase);
	cp_call_state(call, ABI_CALL_ENDING);
	cp_prompt_free(call);
	cp_timer_stop(call);
	cp_silence_stop(call);
	cp_limit_release(call, 0);
	cp_limit_release(call, 1);
	cp_refer_call_ended(call);
	cp_join_call_ended(call);
	end_invite(call, status, phrase, lines);
	end_others(call);
	for (unsigned leg = 0; leg < 2; leg++)
		if (!call->leg[leg].over)
			end_dialog(call, leg);
	cp_media_release(call);
	cp_call_check(call);
}

void cp_call_check(struct cp_call *call)
{
	if (call->state != ABI_CALL_ENDING || !cp_media_gone(call))
		return;
	record_all(call);
	for (unsigned leg = 0; leg < 2; leg++)
		if (!call->leg[leg].over || call->leg[leg].bye.client)
			return;
	cp_call_free(call);
}

void cp_end_bye(
	struct cp_call *call, unsigned leg, struct sip_transaction *tx, const struct sip_message *m)
{
	sip_respond_simple(tx, 200, NULL);
	call->leg[leg].over = true;
	call->leg[leg].bye_wanted = false;
	if (call->state == ABI_CALL_ENDING) {
		cp_call_check(call);
		return;
	}
	if (cp_refer_bye(call, leg) || cp_join_bye(call, leg)) {
		call->leg[leg].end_us = call->shard->now_us;
		return;
	}
	cp_reason_take(call, m);
	// A caller may end an early dialog by BYE too (15); then the INVITE gets its 487.
	if (call->leg[0].answer_us)
		cp_call_end(call, (enum cp_ended_by)leg, 200, sip_slice(NULL, 0), NULL);
	else
		cp_call_end(call, (enum cp_ended_by)leg, 487, sip_slice(NULL, 0), NULL);
}
