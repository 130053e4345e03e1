// SPDX-License-Identifier: BSD-3-Clause
//
// Requests inside a call: what changes the session (re-INVITE, UPDATE, an offer in a PRACK) goes over with its
// offer bridged, what does not (INFO, MESSAGE, NOTIFY, OPTIONS) goes over as it is.
//
// UPDATE goes over as UPDATE where the other side allows it. Where it does not, a confirmed dialog gets a
// re-INVITE; an early one cannot be asked: what that side said last answers for it, and it is told of the change
// as soon as the call is up (tell.c).
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "controlplane/call/call.h"
#include "controlplane/call/media.h"
#include "controlplane/call/carry.h"
#include "controlplane/call/dtmf.h"
#include "controlplane/call/hide.h"
#include "controlplane/call/join.h"
#include "controlplane/call/refer.h"
#include "controlplane/call/subscribe.h"
#include "controlplane/call/trickle.h"
#include "controlplane/log.h"

static const struct sip_slice nothing;

// The dialog of this leg that x is about.
static struct sip_dialog *dialog_of(const struct cp_exchange *x, unsigned leg)
{
	if (!x->branch)
		return x->call->leg[leg].dialog;
	return leg ? x->branch->dialog : cp_branch_caller(x->call, x->branch);
}

static struct sip_dialog *leg_dialog(struct cp_call *call, unsigned leg)
{
	if (call->leg[leg].dialog)
		return call->leg[leg].dialog;
	if (call->speaking)
		return call->speaking->dialog;
	return call->branches ? call->branches->dialog : NULL;
}

static void respond(struct cp_exchange *x, int status, struct sip_slice reason,
	struct sip_slice lines, struct sip_slice body)
{
	const struct sip_response r = {
		.status = status, .reason = reason, .lines = lines, .body = body};
	struct sip_dialog *d = dialog_of(x, x->from);

	if (!x->server)
		return;
	if (d)
		sip_dialog_respond(d, x->server, &r);
	else
		sip_respond(x->server, &r);
}

// What waits for the end of x goes on. The call may be gone afterwards.
static void release(struct cp_exchange *x)
{
	struct cp_call *call = x->call;

	cp_exchange_release(x);
	cp_media_sweep(call);
	cp_setup_go_on(call);
}

// Of a 2xx to this leg.
static struct sip_slice ok_lines(struct cp_call *call, unsigned leg, unsigned more)
{
	unsigned own = call->state == ABI_CALL_UP ? CP_LINE_OK : 0;

	return cp_lines(call, leg, CP_LINE_CONTACT | own | more, NULL, 0);
}

// The offer came to nothing; the session is as it was (RFC 6141).
static void give_up(struct cp_exchange *x, int status, const char *lines)
{
	cp_bridge_reject(x);
	respond(x, status, nothing, sip_str(lines), nothing);
	if (x->kind == CP_X_TELL)
		cp_tell_refused(x, 0);
	if (x->kind == CP_X_FAX)
		cp_fax_refused(x, status);
	release(x);
}

// Both sides have spoken. Who hears that sends media accordingly, so hawse-media hears of it first.
static void tell_media(struct cp_exchange *x)
{
	struct cp_call *call = x->call;
	int err;

	x->phase = CP_PHASE_MEDIA;
	if (x->branch)
		call->speaking = x->branch;
	err = cp_media_apply(call, cp_oa_of(x), call->state == ABI_CALL_UP || call->leg[1].dialog);
	if (err || !cp_media_busy(call))
		cp_change_settled(x, err);
}

// ---- over to the other leg -------------------------------------------------------------------------

// May this side be made an offer now, and how?
static enum sip_method how_to_ask(const struct cp_exchange *x, unsigned to)
{
	const struct cp_call *call = x->call;
	const struct cp_branch *b = x->branch;
	const struct cp_leg *leg = &call->leg[to];

	if (call->state == ABI_CALL_UP || (to == 1 && leg->dialog)) {
		if (x->kind == CP_X_REINVITE || x->kind == CP_X_FAX || x->delayed)
			return SIP_INVITE;
		return leg->allows_update ? SIP_UPDATE : SIP_INVITE;
	}
	if (to == 0)
		return leg->allows_update && (b ? b->told : leg->told) ? SIP_UPDATE : SIP_M_OTHER;
	return b && b->final && b->allows_update ? SIP_UPDATE : SIP_M_OTHER;
}

static void answer_for(struct cp_exchange *x, unsigned to)
{
	if (cp_bridge_answer_for(x, to)) {
		give_up(x, 488, NULL);
		return;
	}
	x->unasked = true;
	if (to == 1 && x->branch)
		x->branch->stale = true;
	else if (to == 1)
		x->call->leg[1].stale = true;
	tell_media(x);
}

void cp_change_forward(struct cp_exchange *x)
{
	struct cp_call *call = x->call;
	unsigned to = cp_other(x->from);
	enum sip_method method = how_to_ask(x, to);
	struct sip_slice body = {0}, lines;
	struct sip_dialog *d = dialog_of(x, to);
	int err;

	if (method == SIP_M_OTHER) {
		answer_for(x, to);
		return;
	}
	err = x->delayed ? 0 : cp_bridge_show_offer(x, &body);
	if (err) {
		give_up(x, (int)sdp_oa_status(err), NULL);
		return;
	}
	x->phase = CP_PHASE_ASKED;
	x->updating = method == SIP_UPDATE;
	if (x->branch)
		cp_dialog_route(call, to, d);
	lines = cp_lines(
		call, to, CP_LINE_CONTACT | CP_LINE_REQUEST | (body.n ? CP_LINE_SDP : 0), NULL, 0);
	err = sip_dialog_send(d, method, lines, body, x, &x->client);
	if (!err)
		return;
	if (err == -EBUSY)
		give_up(x, 491, NULL);
	else
		give_up(x, 500, "Retry-After: 1\r\n");
}

// RFC 3311 5.2, RFC 3261 14.2: whose offer has no answer yet? 0: nobody's.
static int refusal(const struct cp_call *call, unsigned leg, const struct cp_branch *branch)
{
	const struct cp_exchange *p = call->offer;

	if (call->borrower) // a party is being moved
		return 491;
	if (p && (p != &call->invite || p->delayed))
		return (p->delayed ? cp_other(p->from) : p->from) == leg ? 500 : 491;
	if (call->state == ABI_CALL_UP)
		return 0;
	// Until the answer has arrived for certain, the offer of the INVITE is under way.
	if (leg == 0)
		return (branch ? branch->told : call->leg[0].told) ? 0 : 500;
	return (branch ? branch->final : call->leg[1].final) ? 0 : 491;
}

static void refuse(struct cp_call *call, struct sip_transaction *tx, int status)
{
	char lines[32];
	uint8_t r;

	call->shard->ops->random(call->shard->ctx, &r, sizeof(r));
	snprintf(lines, sizeof(lines), "Retry-After: %u\r\n", r % 11u);
	sip_respond_simple(tx, status, status == 500 ? lines : NULL);
}

static void take_offer(struct cp_exchange *x, const struct sip_message *m)
{
	struct cp_call *call = x->call;
	unsigned leg = x->from;
	struct sdp_str same;
	char warning[160];
	struct sip_slice body = sip_message_sdp(m);
	int status, rc;

	if (!x->branch && sdp_oa_repeat_answer(&call->oa, cp_scratch(call->shard),
				  (enum sdp_leg)leg, (const uint8_t *)body.p, body.n, &same) == 0) {
		respond(x, 200, nothing, ok_lines(call, leg, CP_LINE_SDP),
			sip_slice(same.ptr, same.len));
		release(x);
		return;
	}
	rc = cp_bridge_offer(x, leg, body, &status, warning, sizeof(warning));
	if (rc < 0) {
		give_up(x, status, warning);
	} else if (call->shard->need.same && rc == 0 && sdp_oa_repeat(cp_oa_of(x), &same) == 0) {
		// A refresh: nothing has changed, the other side need not know.
		respond(x, 200, nothing, ok_lines(call, leg, CP_LINE_SDP),
			sip_slice(same.ptr, same.len));
		release(x);
	} else if (rc == 0) {
		cp_change_forward(x);
	}
}

void cp_change_offer(struct cp_call *call, unsigned leg, struct cp_branch *branch,
	struct sip_transaction *tx, const struct sip_message *m, enum cp_exchange_kind kind)
{
	struct cp_exchange *x;
	int status = refusal(call, leg, branch);

	x = status ? NULL : cp_exchange_new(call, kind, (uint8_t)leg);
	if (!x) {
		refuse(call, tx, status ? status : 500);
		return;
	}
	x->server = tx;
	x->branch = branch;
	sip_tx_set_user(tx, x);
	if (call->state != ABI_CALL_UP)
		cp_branch_told(call, branch);
	if (sip_message_has_sdp(m)) {
		take_offer(x, m);
		return;
	}
	x->delayed = true;
	call->offer = x;
	cp_change_forward(x);
}

static void update(struct cp_call *call, unsigned leg, struct cp_branch *branch,
	struct sip_transaction *tx, const struct sip_message *m)
{
	if (sip_message_has_sdp(m)) {
		cp_change_offer(call, leg, branch, tx, m, CP_X_UPDATE);
		return;
	}
	// Only a refresh of the target and the session timer (RFC 3311 5.2): between us and this side.
	const struct sip_response r = {.status = 200, .lines = ok_lines(call, leg, 0)};

	sip_respond(tx, &r);
}

static void relay(struct cp_call *call, unsigned leg, struct cp_branch *branch,
	struct sip_transaction *tx, const struct sip_message *m)
{
	unsigned to = cp_other(leg);
	struct sip_dialog *d = !branch   ? leg_dialog(call, to)
			       : to == 1 ? branch->dialog
					 : cp_branch_caller(call, branch);
	struct cp_exchange *x;
	struct sip_slice lines, body = sip_message_body(m);
	char *hidden = NULL;
	int err = -ENOTCONN;

	if (sip_message_has_sdp(m)) {
		sip_respond_simple(tx, 415, NULL); // it would show the addresses of this side
		return;
	}
	x = d ? cp_exchange_new(call, CP_X_RELAY, (uint8_t)leg) : NULL;
	if (x) {
		x->server = tx;
		sip_tx_set_user(tx, x);
		lines = cp_lines(call, to, CP_LINE_REQUEST, m,
			CP_IN_RELAY | (body.n ? CP_IN_BODY : 0));
		body = cp_hide(call, leg, body, &hidden);
		err = sip_dialog_send(
			d, (enum sip_method)m->method, lines, body, x, &x->client);
		free(hidden);
	}
	if (!err)
		return;
	sip_respond_simple(tx, 500, "Retry-After: 1\r\n");
	if (x)
		cp_exchange_release(x);
}

static void reinvite_or_update(struct cp_call *call, unsigned leg, struct sip_dialog *d,
	struct cp_branch *branch, struct sip_transaction *tx, const struct sip_message *m)
{
	if (!sip_message_body_serves(m)) {
		sip_respond_simple(tx, 415, CP_ACCEPT);
		return;
	}
	cp_note_allow(branch && leg ? &branch->allows_update : &call->leg[leg].allows_update, m);
	cp_dialog_route(call, leg, d);
	if (call->state == ABI_CALL_UP && !cp_timer_request(call, leg, tx, m))
		return;
	if (m->method == SIP_UPDATE)
		update(call, leg, branch, tx, m);
	else if (call->state == ABI_CALL_UP)
		cp_change_offer(call, leg, branch, tx, m, CP_X_REINVITE);
	else
		sip_respond_simple(tx, 491, NULL);
}

void cp_change_request(struct cp_call *call, unsigned leg, struct sip_dialog *d,
	struct sip_transaction *tx, const struct sip_message *m)
{
	struct cp_branch *branch = call->state == ABI_CALL_UP ? NULL : cp_branch_find(call, d);

	if (m->method == SIP_BYE) {
		cp_end_bye(call, leg, tx, m);
		return;
	}
	if (call->state == ABI_CALL_ENDING) {
		sip_respond_simple(tx, 481, NULL);
		return;
	}
	switch (m->method) {
	case SIP_INVITE:
	case SIP_UPDATE:
		reinvite_or_update(call, leg, d, branch, tx, m);
		break;
	case SIP_PRACK:
		cp_prack_request(call, d, branch, tx, m);
		break;
	case SIP_REFER:
		cp_refer_request(call, leg, tx, m);
		break;
	case SIP_SUBSCRIBE:
	case SIP_NOTIFY:
		cp_subscribe_request(call, leg, tx, m);
		break;
	default:
		if (m->method != SIP_INFO || (!cp_dtmf_info(call, leg, tx, m) &&
						     !cp_trickle_info(call, leg, tx, m)))
			relay(call, leg, branch, tx, m);
	}
}

// ---- back from the other leg -----------------------------------------------------------------------

static void relayed(struct cp_exchange *x, const struct sip_message *m)
{
	bool failure = m->status >= 300, has_body = cp_carry_has_body(m);
	int status = failure ? cp_cause_carried(m->status) : m->status;
	struct sip_slice body = nothing;
	char *hidden = NULL;

	if (has_body)
		body = cp_hide(x->call, cp_other(x->from), sip_message_body(m), &hidden);
	respond(x, status, status == m->status ? m->reason_text : nothing,
		cp_lines(x->call, x->from, 0, m,
			(failure ? CP_IN_FAILURE : 0) | (has_body ? CP_IN_BODY : 0)),
		body);
	free(hidden);
}

// What the caller knows of an early dialog, when it has changed.
static void note_told(struct cp_exchange *x)
{
	struct cp_call *call = x->call;
	uint32_t *told = x->branch ? &x->branch->told : &call->leg[0].told;

	if (call->state != ABI_CALL_UP && (x->from == 0 || !x->unasked))
		*told = cp_oa_of(x)->version[SDP_LEG_A];
}

// The other side has answered to an offer of its own in the 2xx: its ACK brings ours.
static void send_ack(struct cp_exchange *x)
{
	struct sip_dialog *d = dialog_of(x, cp_other(x->from));
	struct sdp_str shown;

	if (!d || !sip_dialog_owes_ack(d) || x->updating || x->unasked)
		return;
	if (!x->delayed) {
		sip_dialog_ack(d, nothing, nothing);
		return;
	}
	shown = sdp_oa_shown(cp_oa_of(x), (enum sdp_leg)cp_other(x->from));
	sip_dialog_ack(
		d, sip_str("Content-Type: application/sdp\r\n"), sip_slice(shown.ptr, shown.len));
}

// An offer that was answered comes to nothing: it is refused, and the side that had taken it is offered again what was
// agreed.
static void take_back(struct cp_exchange *x)
{
	struct cp_call *call = x->call;
	unsigned to = cp_other(x->from);

	cp_bridge_reject(x);
	call->leg[to].stale = call->leg[to].stale || !x->unasked;
	if (sip_dialog_owes_ack(call->leg[to].dialog))
		sip_dialog_ack(call->leg[to].dialog, nothing, nothing);
	respond(x, 488, nothing,
		sip_str("Warning: 305 hawse \"no codec in common, and no room to transcode\"\r\n"),
		nothing);
	if (x->kind == CP_X_FAX)
		cp_fax_refused(x, 488);
	if (cp_media_apply(call, &call->oa, true))
		cp_call_event(call, 255, "media cannot be set up as before");
	release(x);
	cp_change_tell_due(call);
}

// hawse-media cannot make the codecs into each other, or has no room left to.
static void codecs_refused(struct cp_exchange *x, int error)
{
	struct cp_call *call = x->call;

	cp_log(CP_LOG_WARNING, "media", call->id, "cannot be transcoded: %s", strerror(-error));
	cp_call_event(call, 255, "change refused: cannot be transcoded: %s", strerror(-error));
	take_back(x);
}

void cp_change_settled(struct cp_exchange *x, int error)
{
	struct cp_call *call = x->call;
	char text[CP_CODECS_TEXT];
	struct sdp_str shown;

	if (x->kind == CP_X_JOIN) {
		cp_join_settled(x, error);
		return;
	}
	if (cp_media_is_codec_error(error) && call->state == ABI_CALL_UP &&
		(x->server || x->kind == CP_X_FAX) && !x->delayed) {
		codecs_refused(x, error);
		return;
	}
	if (error) {
		cp_change_media(call, error);
		return;
	}
	cp_bridge_accept(x);
	send_ack(x);
	note_told(x);
	shown = sdp_oa_shown(cp_oa_of(x), (enum sdp_leg)x->from);
	if (!x->delayed)
		respond(x, 200, nothing, ok_lines(call, x->from, CP_LINE_SDP),
			sip_slice(shown.ptr, shown.len));
	if (call->state == ABI_CALL_UP)
		call->leg[0].stale = call->leg[1].stale = false;
	cp_call_event(call, 255, "session changed%s%s, %s", call->held & 1 ? ", caller holds" : "",
		call->held & 2 ? ", callee holds" : "", cp_call_codecs(call, text));
	cp_call_show(call);
	release(x);
}

// An offer of the other leg that cannot be shown or answered: it has to be acknowledged with an
// answer all the same, and what we said last is the one that changes least.
static void answer_as_before(struct cp_exchange *x)
{
	struct cp_call *call = x->call;
	unsigned to = cp_other(x->from);
	struct sip_dialog *d = call->leg[to].dialog;
	struct sdp_str shown;

	cp_bridge_reject(x);
	shown = sdp_oa_shown(&call->oa, (enum sdp_leg)to);
	if (sip_dialog_owes_ack(d))
		sip_dialog_ack(d, sip_str("Content-Type: application/sdp\r\n"),
			sip_slice(shown.ptr, shown.len));
	cp_media_sweep(call);
}

static void offer_back(struct cp_exchange *x)
{
	struct cp_call *call = x->call;
	struct sip_slice body;

	if (cp_bridge_show_offer(x, &body)) {
		answer_as_before(x);
		respond(x, 488, nothing, nothing, nothing);
		cp_exchange_release(x);
		return;
	}
	x->phase = CP_PHASE_ANSWERED;
	respond(x, 200, nothing, ok_lines(call, x->from, CP_LINE_SDP), body);
}

static void answered_late(struct cp_exchange *x, const struct sip_message *m)
{
	char warning[160];
	int status = 500, rc = -EINVAL;

	if (sip_message_has_sdp(m))
		rc = cp_bridge_offer(x, cp_other(x->from), sip_message_sdp(m), &status, warning,
			sizeof(warning));
	if (rc == 0) {
		offer_back(x);
	} else if (rc < 0) {
		answer_as_before(x);
		respond(x, 488, nothing, nothing, nothing);
		cp_exchange_release(x);
	}
}

static void answered(struct cp_exchange *x, const struct sip_message *m)
{
	struct cp_call *call = x->call;
	unsigned to = cp_other(x->from);
	struct sip_slice shown, body = {0};

	if (call->leg[to].dialog)
		cp_leg_route(call, to);
	cp_note_allow(
		x->branch && to ? &x->branch->allows_update : &call->leg[to].allows_update, m);
	cp_timer_response(call, to, m);
	call->leg[to].stale &= x->kind != CP_X_TELL;
	if (x->delayed) {
		answered_late(x, m);
		return;
	}
	body = sip_message_sdp(m);
	if (cp_bridge_answer(call, cp_oa_of(x), to, body, &shown) == 0) {
		if (x->kind == CP_X_FAX && !sdp_oa_carries(&call->oa))
			take_back(x); // m=image 0
		else
			tell_media(x);
		return;
	}
	// This side has changed its session and we cannot tell to what.
	respond(x, 500, nothing, nothing, nothing);
	cp_reason_set(call, "SIP", 488, "answer cannot be used");
	cp_call_end(call, CP_BY_HAWSE, 488, nothing, NULL);
}

// RFC 3261 12.2.1.2, RFC 5057: the other side has lost the dialog, or is gone.
static bool ends_call(const struct cp_call *call, int status)
{
	return call->state == ABI_CALL_UP && (status == 408 || status == 481);
}

void cp_change_lost(struct cp_call *call, unsigned leg, int status)
{
	// Who has no dialog needs no BYE; who did not answer may yet hear one.
	if (status == 481)
		call->leg[leg].over = true;
	cp_reason_set(call, "SIP", status, sip_reason_phrase(status));
	cp_call_end(call, (enum cp_ended_by)leg, status, nothing, NULL);
}

// The request itself was what it did not like, and another one will do. False: it was the offer.
static bool ask_otherwise(struct cp_exchange *x, const struct sip_message *m)
{
	struct cp_call *call = x->call;
	unsigned to = cp_other(x->from);

	if (m->status == 422 && x->tries < 3 && cp_timer_response(call, to, m) == 1) {
		x->tries++;
	} else if (x->updating && (m->status == 405 || m->status == 501)) {
		call->leg[to].allows_update = false;
		if (x->branch)
			x->branch->allows_update = false;
	} else {
		return false;
	}
	sip_tx_set_user(x->client, NULL);
	x->client = NULL;
	cp_change_forward(x);
	return true;
}

static void refused(struct cp_exchange *x, const struct sip_message *m)
{
	struct cp_call *call = x->call;
	unsigned to = cp_other(x->from);
	int status = m->status;

	if (ask_otherwise(x, m))
		return;
	cp_bridge_reject(x);
	relayed(x, m);
	if (x->kind == CP_X_TELL)
		cp_tell_refused(x, status);
	if (x->kind == CP_X_FAX)
		cp_fax_refused(x, status);
	if (ends_call(call, status)) {
		cp_exchange_release(x);
		cp_change_lost(call, to, status);
	} else {
		release(x);
	}
}

static void relay_response(struct cp_exchange *x, const struct sip_message *m)
{
	struct cp_call *call = x->call;
	unsigned to = cp_other(x->from);
	int status = m->status;

	if (status < 200)
		return;
	relayed(x, m);
	cp_exchange_release(x);
	if (ends_call(call, status))
		cp_change_lost(call, to, status);
}

void cp_change_response(
	struct cp_exchange *x, struct sip_transaction *tx, const struct sip_message *m)
{
	struct cp_call *call = x->call;
	struct sip_dialog *d = NULL;
	int status = m->status;

	if (sip_dialog_on_response(call->shard->dialogs, tx, m, &d) == 1)
		return;
	if (x->kind == CP_X_RELAY && status >= 200 && cp_subscribe_response(x, tx, m))
		return;
	if (x->kind == CP_X_RELAY)
		relay_response(x, m);
	else if (x->kind == CP_X_REFRESH || x->kind == CP_X_PROBE)
		cp_tell_response(x, m);
	else if (status >= 300)
		refused(x, m);
	else if (status >= 200 && d)
		answered(x, m);
	else if (status > 100 && status != 199 && x->kind == CP_X_REINVITE)
		respond(x, status, m->reason_text, nothing, nothing);
}

void cp_change_failed(struct cp_exchange *x, int status, const char *why)
{
	struct cp_call *call = x->call;
	unsigned to = cp_other(x->from);

	bool usage = x->kind == CP_X_RELAY && x->alone;

	cp_call_event(call, (uint8_t)to, "%s", why);
	if (usage || !ends_call(call, status)) {
		if (x->kind == CP_X_REFRESH)
			cp_timer_later(call, to, 0);
		give_up(x, status, NULL);
		return;
	}
	cp_bridge_reject(x);
	respond(x, status, nothing, nothing, nothing);
	cp_exchange_release(x);
	cp_change_lost(call, to, status);
}

void cp_change_cancel(struct cp_exchange *x)
{
	// The 487 of the other side, or the 200 that crossed the CANCEL, is what the asker gets.
	if (x->client)
		sip_client_cancel(x->client, nothing);
	else
		give_up(x, 487, NULL);
}

void cp_change_ports(struct cp_exchange *x, int error)
{
	if (error)
		cp_call_event(x->call, 255, "no ports for a new stream: %s", strerror(-error));
	if (x->delayed)
		offer_back(x);
	else
		cp_change_forward(x);
}

void cp_change_media(struct cp_call *call, int error)
{
	cp_log(CP_LOG_WARNING, "media", call->id, "session plan refused: %s", strerror(-error));
	cp_call_event(call, 255, "media refused: %s", strerror(-error));
	if (call->state != ABI_CALL_UP)
		return;
	cp_reason_set(call, "Q.850", 41, "media refused");
	cp_call_end(call, CP_BY_HAWSE, 503, nothing, NULL);
}

void cp_change_ack(struct cp_exchange *x, const struct sip_message *m)
{
	struct cp_call *call = x->call;
	struct sip_slice shown;
	int err = -EINVAL;

	if (sip_message_has_sdp(m))
		err = cp_bridge_answer(call, cp_oa_of(x), x->from, sip_message_sdp(m), &shown);
	if (err) {
		answer_as_before(x);
		cp_exchange_release(x);
	} else {
		tell_media(x);
	}
}
