// SPDX-License-Identifier: BSD-3-Clause
//
// From INVITE to ACK: who calls whom, the offer over to the other side, what rings, who answers.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "controlplane/call/call.h"
#include "controlplane/call/media.h"
#include "controlplane/call/carry.h"
#include "controlplane/call/identity.h"
#include "controlplane/call/join.h"
#include "controlplane/call/privacy.h"
#include "controlplane/call/prompt.h"
#include "controlplane/call/recording.h"
#include "controlplane/call/redirect.h"
#include "controlplane/call/refer.h"
#include "controlplane/call/replaces.h"
#include "controlplane/log.h"
#include "sip/reliable.h"

// ---- the caller's INVITE --------------------------------------------------------------------------

// Why a call has no route: 404, 416, 482, or what a route refuses by.
static enum cp_result result_of(int status)
{
	return status == 482 ? CP_RESULT_LOOP : CP_RESULT_NO_ROUTE;
}

// `to`, unless the Request-URI says it.
static void note_redialled(struct cp_call *call, const struct sip_message *m)
{
	struct sip_uri uri;
	char number[CP_NUMBER];

	if (sip_message_request_uri(m, &uri) == 0 &&
		cp_identity_redial(call->leg[0].peer, m, &uri, number, sizeof(number))) {
		snprintf(call->to, sizeof(call->to), "%s", number);
		call->redialled = true;
	}
}

int cp_setup_keep(
	struct cp_call *call, const struct sip_message *m, const struct cp_choice *choice)
{
	struct sip_address from;
	struct sip_uri uri;

	call->forwards = 70;
	if (sip_message_number(m, SIP_H_MAX_FORWARDS, &call->forwards) || call->forwards > 70)
		call->forwards = 71;
	call->forwards--;
	if (sip_message_from(m, &from) == 0)
		cp_carry_user_text(&from.uri, call->from, sizeof(call->from));
	if (sip_message_request_uri(m, &uri) == 0)
		cp_carry_user_text(&uri, call->to, sizeof(call->to));
	note_redialled(call, m);
	call->shy = cp_privacy_asked(m);
	call->saved = malloc(m->length);
	call->choice = malloc(sizeof(*choice));
	if (!call->saved || !call->choice)
		return -ENOMEM;
	*call->choice = choice ? *choice : (struct cp_choice){0};
	if (choice && choice->route)
		snprintf(call->route_name, sizeof(call->route_name), "%.39s",
			choice->route->number[0] ? choice->route->number : "*");
	memcpy(call->saved, m->data, m->length);
	call->saved_size = m->length;
	return 0;
}

void cp_setup_offer(struct cp_call *call, const struct sip_message *m)
{
	struct cp_exchange *x = &call->invite;
	char warning[160];
	int status = 0;
	int rc = cp_bridge_offer(x, 0, sip_message_sdp(m), &status, warning, sizeof(warning));

	if (rc < 0) {
		cp_call_result(call, status == 503 ? CP_RESULT_NO_MEDIA : CP_RESULT_BAD_OFFER);
		cp_call_end(call, CP_BY_HAWSE, status, sip_slice(NULL, 0), warning);
	} else if (rc == 0) {
		cp_target_ask(x);
	}
}

// The call exists: from here on every failure is its end.
static void begin(
	struct cp_call *call, const struct sip_message *m, const struct cfg_user *user)
{
	struct cp_exchange *x = &call->invite;

	if (!cp_limit_caller(call) || (user && !cp_limit_user(call, user)))
		return;
	if (sip_message_has_sdp(m)) {
		if (cp_target_choose(call)) // ports are asked for on the target's interface
			cp_setup_offer(call, m);
		return;
	}
	x->delayed = true;
	if (cp_target_choose(call))
		cp_target_ask(x);
}

struct cp_call *cp_setup_call(struct cp_shard *shard, struct sip_transaction *tx,
	const struct sip_message *m, const struct cp_peer *caller, const struct cp_choice *choice)
{
	struct cp_call *call;
	uint64_t id = shard->fresh;
	int err;

	while (!id)
		shard->ops->random(shard->ctx, &id, sizeof(id));
	shard->fresh = 0;
	call = cp_call_new(shard, caller, sip_tx_flow(tx), id);
	if (!call) {
		cp_setup_refuse(shard, tx, m, caller, CP_RESULT_INTERNAL, 503, "Retry-After: 5\r\n");
		return NULL;
	}
	call->invite.server = tx;
	sip_tx_set_user(tx, &call->invite);
	cp_label_set(shard, sip_message_call_id(m), id, 0, sip_str(""));
	err = sip_dialog_new_uas(shard->dialogs, tx, m, call, &call->leg[0].dialog);
	if (!err)
		err = cp_setup_keep(call, m, choice);
	if (err) {
		cp_call_end(
			call, CP_BY_HAWSE, err == -EBADMSG ? 400 : 500, sip_slice(NULL, 0), NULL);
		return NULL;
	}
	cp_leg_route(call, 0);
	cp_note_allow(&call->leg[0].allows_update, m);
	cp_prack_caller(call, m);
	cp_timer_init(call, 0);
	cp_timer_request(call, 0, tx, m);
	cp_record_open(call, 0);
	sip_respond_simple(tx, 100, NULL);
	return call;
}

void cp_setup_invite(
	struct cp_shard *shard, struct sip_transaction *tx, const struct sip_message *m)
{
	const struct cp_peer *caller;
	const struct cfg_user *user = NULL;
	struct cp_choice choice;
	struct cp_call *call;
	int status;

	if (cp_restored_invite(shard, tx, m) || cp_replaces_invite(shard, tx, m))
		return;
	caller = cp_who(shard, shard->policy, sip_tx_flow(tx));
	if (!cp_identity_login(shard, tx, m, &caller, &user))
		return;
	if (!caller) {
		cp_setup_refuse(shard, tx, m, NULL, CP_RESULT_STRANGER, 403, NULL);
		return;
	}
	status = cp_route_call(shard, m, caller, user ? user->number : NULL, &choice);
	if (!cp_setup_admit(shard, tx, m, caller, choice.emergency) || !cp_prack_admit(shard, tx, m, caller) ||
		!cp_timer_admit(tx, m, caller))
		return;
	if (!status && !cp_health_order(shard, &choice)) {
		cp_setup_refuse(shard, tx, m, caller, CP_RESULT_UNREACHABLE, 503, "Retry-After: 10\r\n");
		return;
	}
	if (!choice.emergency && shard->ops->disabled && shard->ops->disabled(shard->ctx, caller)) {
		cp_setup_refuse(shard, tx, m, caller, CP_RESULT_REFUSED, 503, "Retry-After: 60\r\n");
		return;
	}
	if (status) {
		cp_setup_refuse(shard, tx, m, caller, result_of(status), status, NULL);
		return;
	}
	call = cp_setup_call(shard, tx, m, caller, &choice);
	if (call && user && cp_identity_set(call, user)) {
		cp_call_end(call, CP_BY_HAWSE, 500, sip_slice(NULL, 0), NULL);
		return;
	}
	if (call)
		begin(call, m, user);
}

// ---- what the target says --------------------------------------------------------------------------

static void note_ringing(struct cp_call *call, int status)
{
	struct cp_shard *shard = call->shard;

	if (call->state == ABI_CALL_TRYING)
		cp_call_state(call, ABI_CALL_RINGING);
	if (call->leg[1].ring_us || (status != 180 && status != 183))
		return;
	call->leg[1].ring_us = shard->now_us;
	if (call->leg[0].ring_us || call->join)
		return;
	call->leg[0].ring_us = shard->now_us;
	cp_count(shard, CP_C_PDD_CALLS);
	abi_add64(&shard->counters[CP_C_PDD_MS], (shard->now_us - call->leg[0].start_us) / 1000);
}

void cp_note_allow(bool *allows_update, const struct sip_message *m)
{
	if (sip_message_value(m, SIP_H_ALLOW).n)
		*allows_update = sip_message_lists(m, SIP_H_ALLOW, "UPDATE");
}

// RFC 5009, from a trunk: which early media its network lets through. Directions are the callee's.
static void note_gate(struct cp_call *call, struct cp_branch *branch, const struct sip_message *m)
{
	static const char *const names[] = {"sendrecv", "sendonly", "recvonly", "inactive"};
	struct sip_slice value;
	unsigned at = 0;
	uint8_t gate = 0;

	if (!sip_message_find(m, "P-Early-Media", &at, &value) ||
		call->leg[1].peer->cfg->kind != CFG_TRUNK)
		return;
	while (gate < 4 && (value.n < strlen(names[gate]) ||
				   strncasecmp(value.p, names[gate], strlen(names[gate])) != 0))
		gate++;
	if (gate == 4)
		return;
	branch->gate = gate;
	if (call->speaking == branch && (!call->offer || call->offer == &call->invite))
		cp_media_apply(call, &branch->oa, false);
}

// Early media of one branch. Empty when there is nothing to show.
static struct sip_slice early_answer(
	struct cp_call *call, struct cp_branch *branch, const struct sip_message *m, bool reliable)
{
	struct sip_slice shown = {0};

	// Once answered, every further description is to be ignored (RFC 3261 13.2.1).
	if (branch->final || (branch->has_oa && branch->oa.agreed_once))
		return shown;
	cp_branch_oa(call, branch);
	if (cp_bridge_answer(call, &branch->oa, 1, sip_message_sdp(m), &shown))
		return sip_slice(NULL, 0);
	branch->final = reliable;
	if (call->offer &&
		call->offer != &call->invite) // media stay with those who are changing them
		return shown;
	if (call->join) // its other party is in another call yet
		return sip_slice(NULL, 0);
	call->speaking = branch;
	call->showing = true;
	if (cp_media_apply(call, &branch->oa, false))
		cp_call_event(call, 1, "early media cannot be set up");
	return shown;
}

// The response for the caller, by the dialog that the branch is to him.
static void say(struct cp_exchange *x, struct cp_branch *branch, struct sip_response *r, int seen,
	const struct sip_message *m)
{
	struct cp_call *call = x->call;
	struct sip_dialog *d = cp_branch_caller(call, branch);
	bool reliably = branch && cp_prack_wanted(call, seen);

	if (branch && branch->told) // he has one for certain, and none may follow it
		r->body = sip_slice(NULL, 0);
	if (branch && reliably && r->body.n)
		branch->told = branch->oa.version[SDP_LEG_A];
	r->lines = cp_lines(
		call, 0, CP_LINE_CONTACT | (r->body.n ? CP_LINE_SDP : 0), m, CP_IN_PROVISIONAL);
	if (!x->server)
		return;
	if (reliably)
		sip_reliable_respond(d, x->server, r);
	else
		sip_dialog_respond(d, x->server, r);
}

static void progress(struct cp_exchange *x, struct sip_dialog *d, const struct sip_message *m)
{
	struct cp_call *call = x->call;
	struct cp_branch *branch = NULL;
	struct sip_response r = {.status = m->status, .reason = m->reason_text};
	bool offers;
	int seen;

	if (d) {
		sip_dialog_set_user(d, call);
		branch = cp_branch_get(call, d);
		if (!branch)
			sip_dialog_free(d);
	}
	if (m->status == 199) { // RFC 6228
		if (branch)
			cp_branch_drop(call, branch, m);
		return;
	}
	offers = branch && x->delayed && call->leg[0].reliable && sip_message_has_sdp(m) &&
		 !branch->has_oa;
	if (offers && call->offer) // one at a time: it comes again
		return;
	seen = branch ? sip_reliable_seen(d, m) : 0;
	if (seen < 0)
		return;
	note_ringing(call, m->status);
	cp_target_rings(call);
	cp_join_progress(call, m->status);
	if (branch) {
		if (!branch->ring_us)
			branch->ring_us = call->shard->now_us;
		cp_note_allow(&branch->allows_update, m);
		note_gate(call, branch, m);
	}
	if (seen && offers) {
		cp_prack_offer(x, branch, m);
		return;
	}
	if (branch && !x->delayed && sip_message_has_sdp(m))
		r.body = early_answer(call, branch, m, seen > 0);
	if (!r.body.n && m->status != 181 && m->status != 182 && !cp_prack_wanted(call, seen))
		r.body = cp_prompt_ringback(call);
	say(x, branch, &r, seen, m);
	if (seen)
		cp_prack_send(call, d, sip_slice(NULL, 0));
	cp_call_show(call);
}

static void keep_answer(struct cp_exchange *x, const struct sip_message *m)
{
	// Who was told reliably must not be told again (RFC 3261 13.2.1).
	struct sip_slice lines = cp_lines(x->call, 0,
		CP_LINE_CONTACT | CP_LINE_OK | (x->call->leg[0].told ? 0 : CP_LINE_SDP), m,
		CP_IN_SUCCESS);

	x->status = m->status;
	free(x->lines);
	x->lines = strndup(lines.p, lines.n);
}

static void answer_failed(struct cp_call *call, int status, const char *text)
{
	cp_reason_set(call, "SIP", status, text);
	cp_call_end(call, CP_BY_HAWSE, status, sip_slice(NULL, 0), NULL);
}

// Who hears that the call is up sends media at once, so hawse-media hears of it first.
static void tell_media(struct cp_exchange *x)
{
	struct cp_call *call = x->call;
	int err;

	call->showing = true;
	x->phase = CP_PHASE_MEDIA;
	err = cp_media_apply(call, &call->oa, true);
	if (err || !cp_media_busy(call))
		cp_setup_media(x, err);
}

// The callee's 2xx, with what came of its early dialogs behind us.
static void take_answer(struct cp_exchange *x, struct sip_slice body)
{
	struct cp_call *call = x->call;
	struct sip_slice shown;
	char warning[160];
	int status, rc;

	if (call->oa.agreed_once || (call->leg[1].final && call->oa.state == SDP_OA_ANSWERED)) {
		tell_media(x); // nothing that came in the 2xx changes that
	} else if (x->delayed) {
		rc = body.n ? cp_bridge_offer(x, 1, body, &status, warning, sizeof(warning))
			    : -EINVAL;
		if (rc < 0)
			answer_failed(call, body.n ? 488 : 502, "offer cannot be used");
		else if (rc == 0)
			cp_setup_offer_back(x);
	} else if (cp_bridge_answer(call, &call->oa, 1, body, &shown)) {
		answer_failed(call, 502, "answer cannot be used");
	} else {
		tell_media(x);
	}
}

static void answered(struct cp_exchange *x, struct sip_dialog *d, const struct sip_message *m)
{
	struct cp_call *call = x->call;

	sip_timer_stop(sip_layer_wheel(call->shard->layer), &call->timer);
	if (x->client)
		sip_tx_set_user(x->client, NULL); // what still comes by it is another fork
	x->client = NULL;
	sip_dialog_set_user(d, call);
	call->leg[1].dialog = d;
	call->leg[1].answer_us = call->shard->now_us;
	cp_health_target(call, m->status);
	cp_branch_win(call, d);
	cp_leg_route(call, 1);
	cp_note_allow(&call->leg[1].allows_update, m);
	cp_timer_response(call, 1, m);
	if (!cp_join_answered(x, m))
		cp_setup_take_answer(x, m);
}

void cp_setup_take_answer(struct cp_exchange *x, const struct sip_message *m)
{
	struct cp_call *call = x->call;

	keep_answer(x, m);
	if (!call->offer || (call->offer == x && !x->delayed))
		take_answer(x, sip_message_sdp(m));
	else if (call->offer != x) // of an early dialog: first that, then the answer
		x->phase = CP_PHASE_WAITING;
}

void cp_setup_up(struct cp_call *call)
{
	struct cp_shard *shard = call->shard;
	char text[CP_CODECS_TEXT];

	call->leg[0].answer_us = shard->now_us;
	cp_call_result(call, CP_RESULT_ANSWERED);
	abi_add64(&shard->counters[CP_C_SETUP_MS], (shard->now_us - call->leg[0].start_us) / 1000);
	free(call->saved);
	free(call->choice);
	call->saved = NULL;
	call->choice = NULL;
	cp_call_event(call, 255, "answered, %s", cp_call_codecs(call, text));
	if (call->transcoded)
		cp_log(CP_LOG_INFO, "call", call->id, "transcoded: %s", call->codec_why);
	cp_call_state(call, ABI_CALL_UP);
	cp_limit_answered(call);
	cp_record_up(call);
	cp_recording_up(call);
	cp_call_touch(call, true);
	cp_refer_up(call);
}

static int answer_caller(struct cp_exchange *x, struct sip_slice body)
{
	struct cp_call *call = x->call;
	const struct sip_response r = {
		.status = x->status, .lines = sip_str(x->lines), .body = body};
	int err = x->server && x->lines ? sip_dialog_respond(call->leg[0].dialog, x->server, &r)
					: -ENOTCONN;

	if (err) {
		answer_failed(call, 500, "internal error");
		return err;
	}
	return 0;
}

static void media_refused(struct cp_call *call, int error)
{
	cp_call_event(call, 255, "media refused: %s", strerror(-error));
	if (cp_media_is_codec_error(error)) {
		cp_reason_set(call, "SIP", 488, "cannot be transcoded");
		cp_call_end(call, CP_BY_HAWSE, 488, sip_slice(NULL, 0),
			"Warning: 305 hawse \"no codec in common, and no room to transcode\"\r\n");
		return;
	}
	if (error == -EHOSTUNREACH)
		answer_failed(call, 502, "media address unreachable");
	else
		answer_failed(call, 503, "no media");
}

void cp_setup_media(struct cp_exchange *x, int error)
{
	struct cp_call *call = x->call;
	struct sdp_str shown;

	if (error) {
		media_refused(call, error);
		return;
	}
	if (x->delayed && !call->oa.agreed_once && call->offer == x && !call->leg[0].answer_us) {
		cp_prack_answered(x);
		return;
	}
	cp_bridge_accept(x);
	cp_media_sweep(call);
	if (!x->delayed) // told of what is left, once the call is up
		call->leg[1].stale = call->leg[1].stale || sdp_oa_is_unclear(&call->oa);
	if (x->delayed && call->leg[0].answer_us) {
		shown = sdp_oa_shown(&call->oa, SDP_LEG_B);
		sip_dialog_ack(call->leg[1].dialog, sip_str("Content-Type: application/sdp\r\n"),
			sip_slice(shown.ptr, shown.len));
		cp_exchange_release(x);
		cp_call_show(call);
		return;
	}
	sip_dialog_ack(call->leg[1].dialog, sip_slice(NULL, 0), sip_slice(NULL, 0));
	x->phase = CP_PHASE_HELD;
	cp_setup_go_on(call);
}

// The 2xx to the caller, as soon as nothing forbids it.
static void finish(struct cp_exchange *x)
{
	struct cp_call *call = x->call;
	struct cp_leg *caller = &call->leg[0];
	struct sdp_str shown = sdp_oa_shown(&call->oa, SDP_LEG_A);

	if (caller->told) {
		caller->stale |= caller->told != call->oa.version[SDP_LEG_A];
		shown = (struct sdp_str){0};
	}
	if (answer_caller(x, sip_slice(shown.ptr, shown.len)))
		return;
	cp_setup_up(call);
	cp_exchange_release(x);
}

void cp_setup_go_on(struct cp_call *call)
{
	struct cp_exchange *x = &call->invite;

	if (call->state >= ABI_CALL_UP || (call->offer && call->offer != x))
		return;
	if (x->phase == CP_PHASE_WAITING)
		take_answer(x, sip_slice(NULL, 0));
	else if (x->phase == CP_PHASE_HELD && !sip_reliable_holds_ok(call->leg[0].dialog))
		finish(x);
}

// Delayed offer: the target's offer goes to the caller in our 2xx, his ACK will bring the answer.
void cp_setup_offer_back(struct cp_exchange *x)
{
	struct cp_call *call = x->call;
	struct sip_slice body;

	if (cp_bridge_show_offer(x, &body)) {
		answer_failed(call, 488, "offer cannot be used");
		return;
	}
	if (answer_caller(x, body))
		return;
	x->phase = CP_PHASE_ANSWERED;
	cp_setup_up(call);
}

void cp_setup_ack(struct cp_exchange *x, const struct sip_message *m)
{
	struct cp_call *call = x->call;
	struct sip_slice shown;
	int err = -EINVAL;

	if (sip_message_has_sdp(m))
		err = cp_bridge_answer(call, &call->oa, 0, sip_message_sdp(m), &shown);
	if (err)
		answer_failed(call, 488, "answer cannot be used");
	else
		tell_media(x);
}

// ---- failures --------------------------------------------------------------------------------------

static void refused(struct cp_exchange *x, const struct sip_message *m)
{
	struct cp_call *call = x->call;
	int status = cp_cause_carried(m->status);
	struct sip_slice phrase = status == m->status ? m->reason_text : sip_slice(NULL, 0);
	char lines[CP_LINES], contact[CP_URI];
	struct sip_slice carried;

	cp_target_leave(x, m);
	if (m->status == 422 && call->invite.tries < 3 && cp_timer_response(call, 1, m) == 1) {
		x->tries++;
		cp_target_ask(x);
		return;
	}
	if (m->status == 503 && cp_target_next_hop(x))
		return;
	if (cp_redirect_contact(m, contact) && cp_redirect(x, m->status, m->reason_text, contact))
		return;
	if (cp_target_next(x, m->status, m->reason_text))
		return;
	carried = cp_lines(call, 0, 0, m, CP_IN_FAILURE);
	memcpy(lines, carried.p, carried.n);
	lines[carried.n < sizeof(lines) ? carried.n : sizeof(lines) - 1] = 0;
	cp_call_result(call, cp_cause_result(m->status));
	if (!cp_prompt_farewell(call, CP_BY_CALLEE, status, phrase, lines))
		cp_call_end(call, CP_BY_CALLEE, status, phrase, lines);
}

void cp_setup_failed(struct cp_exchange *x, int status, const char *why)
{
	struct cp_call *call = x->call;

	cp_target_leave(x, NULL);
	if (cp_target_next_hop(x))
		return;
	if (!cp_target_next(x, status, sip_str(why)) &&
		!cp_prompt_farewell(call, CP_BY_HAWSE, status, sip_slice(NULL, 0), NULL))
		cp_call_end(call, CP_BY_HAWSE, status, sip_slice(NULL, 0), NULL);
}

void cp_setup_cancel(struct cp_call *call, const struct sip_message *m)
{
	cp_reason_take(call, m);
	cp_call_end(call, CP_BY_CALLER, 487, sip_slice(NULL, 0), NULL);
}

void cp_setup_response(
	struct cp_exchange *x, struct sip_transaction *tx, const struct sip_message *m)
{
	struct sip_dialog *d = NULL;
	int rc = sip_dialog_on_response(x->call->shard->dialogs, tx, m, &d);

	if (rc == 1)
		return;
	if (m->status >= 300)
		refused(x, m);
	else if (m->status < 200 && rc == 0)
		progress(x, d, m);
	else if (m->status >= 200 && rc == 0 && d)
		answered(x, d, m);
	else if (m->status >= 200)
		cp_setup_failed(x, 502, "2xx without a dialog");
}
