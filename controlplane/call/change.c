// SPDX-License-Identifier: BSD-3-Clause
//
// Requests inside a call: what changes the session (re-INVITE, UPDATE) goes over as a re-INVITE with
// its offer bridged, what does not (INFO, MESSAGE, NOTIFY, OPTIONS) goes over as it is.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "controlplane/call/call.h"
#include "controlplane/call/carry.h"
#include "controlplane/log.h"

static const struct sip_slice nothing;

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
	struct sip_dialog *d = leg_dialog(x->call, x->from);

	if (!x->server)
		return;
	if (d)
		sip_dialog_respond(d, x->server, &r);
	else
		sip_respond(x->server, &r);
}

// The offer came to nothing; the session is as it was (RFC 6141).
static void give_up(struct cp_exchange *x, int status, const char *lines)
{
	struct cp_call *call = x->call;

	cp_bridge_reject(x);
	respond(x, status, nothing, sip_str(lines), nothing);
	cp_exchange_release(x);
	cp_media_sweep(call);
}

// ---- over to the other leg -------------------------------------------------------------------------

static void forward(struct cp_exchange *x)
{
	struct cp_call *call = x->call;
	unsigned to = cp_other(x->from);
	struct sip_slice body = {0}, lines;
	int err = x->delayed ? 0 : cp_bridge_show_offer(x, &body);

	if (err) {
		give_up(x, (int)sdp_oa_status(err), NULL);
		return;
	}
	x->phase = CP_PHASE_ASKED;
	lines = cp_lines(
		call, to, CP_LINE_CONTACT | CP_LINE_REQUEST | (body.n ? CP_LINE_SDP : 0), NULL, 0);
	err = sip_dialog_send(call->leg[to].dialog, SIP_INVITE, lines, body, x, &x->client);
	if (!err)
		return;
	if (err == -EBUSY)
		give_up(x, 491, NULL);
	else
		give_up(x, 500, "Retry-After: 1\r\n");
}

static bool is_changing(const struct cp_call *call)
{
	return call->offer || call->invite.phase == CP_PHASE_ANSWERED;
}

static void change(struct cp_call *call, unsigned leg, struct sip_transaction *tx,
	const struct sip_message *m, enum cp_exchange_kind kind)
{
	struct cp_exchange *x;
	struct sdp_str same;
	char warning[160];
	int status, rc;

	if (call->state != ABI_CALL_UP || is_changing(call)) {
		sip_respond_simple(tx, 491, NULL);
		return;
	}
	x = cp_exchange_new(call, kind, (uint8_t)leg);
	if (!x) {
		sip_respond_simple(tx, 500, "Retry-After: 1\r\n");
		return;
	}
	x->server = tx;
	sip_tx_set_user(tx, x);
	if (!sip_message_has_sdp(m)) {
		x->delayed = true;
		call->offer = x;
		forward(x);
		return;
	}
	rc = cp_bridge_offer(x, leg, sip_message_body(m), &status, warning, sizeof(warning));
	if (rc < 0) {
		give_up(x, status, warning);
	} else if (call->shard->need.same && rc == 0 && sdp_oa_repeat(&call->oa, &same) == 0) {
		// A refresh: nothing has changed, the other side need not know.
		respond(x, 200, nothing,
			cp_lines(call, leg, CP_LINE_CONTACT | CP_LINE_SDP, NULL, 0),
			sip_slice(same.ptr, same.len));
		cp_exchange_release(x);
	} else if (rc == 0) {
		forward(x);
	}
}

static void update(
	struct cp_call *call, unsigned leg, struct sip_transaction *tx, const struct sip_message *m)
{
	if (sip_message_has_sdp(m)) {
		change(call, leg, tx, m, CP_X_UPDATE);
		return;
	}
	// Only a refresh of the target and the session timer (RFC 3311 5.2): between us and this side.
	struct sip_slice lines = cp_lines(call, leg, CP_LINE_CONTACT, NULL, 0);
	const struct sip_response r = {.status = 200, .lines = lines};

	sip_respond(tx, &r);
}

static void relay(
	struct cp_call *call, unsigned leg, struct sip_transaction *tx, const struct sip_message *m)
{
	unsigned to = cp_other(leg);
	struct sip_dialog *d = leg_dialog(call, to);
	struct cp_exchange *x;
	struct sip_slice lines;
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
			CP_IN_RELAY | (sip_message_body(m).n ? CP_IN_BODY : 0));
		err = sip_dialog_send(
			d, (enum sip_method)m->method, lines, sip_message_body(m), x, &x->client);
	}
	if (!err)
		return;
	sip_respond_simple(tx, 500, "Retry-After: 1\r\n");
	if (x)
		cp_exchange_release(x);
}

void cp_change_request(
	struct cp_call *call, unsigned leg, struct sip_transaction *tx, const struct sip_message *m)
{
	if (m->method == SIP_BYE) {
		cp_end_bye(call, leg, tx, m);
		return;
	}
	if (call->state == ABI_CALL_ENDING) {
		sip_respond_simple(tx, 481, NULL);
		return;
	}
	if (m->method == SIP_INVITE || m->method == SIP_UPDATE) {
		if (sip_message_body(m).n && !sip_message_has_sdp(m)) {
			sip_respond_simple(tx, 415, "Accept: application/sdp\r\n");
			return;
		}
		cp_leg_route(call, leg);
	}
	switch (m->method) {
	case SIP_INVITE:
		change(call, leg, tx, m, CP_X_REINVITE);
		break;
	case SIP_UPDATE:
		update(call, leg, tx, m);
		break;
	default:
		relay(call, leg, tx, m);
	}
}

// ---- back from the other leg -----------------------------------------------------------------------

static void relayed(struct cp_exchange *x, const struct sip_message *m)
{
	bool failure = m->status >= 300, body = cp_carry_has_body(m);
	int status = failure ? cp_cause_carried(m->status) : m->status;

	respond(x, status, status == m->status ? m->reason_text : nothing,
		cp_lines(x->call, x->from, 0, m,
			(failure ? CP_IN_FAILURE : 0) | (body ? CP_IN_BODY : 0)),
		body ? sip_message_body(m) : nothing);
}

// Both sides have spoken. Who hears that sends media accordingly, so hawse-media hears of it first.
static void tell_media(struct cp_exchange *x)
{
	struct cp_call *call = x->call;
	int err;

	x->phase = CP_PHASE_MEDIA;
	err = cp_media_apply(call, &call->oa, true);
	if (err || !cp_media_busy(call))
		cp_change_settled(x, err);
}

void cp_change_settled(struct cp_exchange *x, int error)
{
	struct cp_call *call = x->call;
	unsigned to = cp_other(x->from);
	struct sdp_str shown;

	if (error) {
		cp_change_media(call, error);
		return;
	}
	cp_bridge_accept(x);
	cp_media_sweep(call);
	if (x->delayed) {
		shown = sdp_oa_shown(&call->oa, (enum sdp_leg)to);
		sip_dialog_ack(call->leg[to].dialog, sip_str("Content-Type: application/sdp\r\n"),
			sip_slice(shown.ptr, shown.len));
	} else {
		sip_dialog_ack(call->leg[to].dialog, nothing, nothing);
		shown = sdp_oa_shown(&call->oa, (enum sdp_leg)x->from);
		respond(x, 200, nothing,
			cp_lines(call, x->from, CP_LINE_CONTACT | CP_LINE_SDP, NULL, 0),
			sip_slice(shown.ptr, shown.len));
	}
	cp_exchange_release(x);
	cp_call_event(call, 255, "session changed%s%s, %s", call->held & 1 ? ", caller holds" : "",
		call->held & 2 ? ", callee holds" : "", call->codec[0] ? call->codec : "no codec");
	cp_call_show(call);
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
	respond(x, 200, nothing, cp_lines(call, x->from, CP_LINE_CONTACT | CP_LINE_SDP, NULL, 0),
		body);
}

static void answered_late(struct cp_exchange *x, const struct sip_message *m)
{
	char warning[160];
	int status = 500, rc = -EINVAL;

	if (sip_message_has_sdp(m))
		rc = cp_bridge_offer(x, cp_other(x->from), sip_message_body(m), &status, warning,
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

	cp_leg_route(call, to);
	if (x->delayed) {
		answered_late(x, m);
		return;
	}
	if (sip_message_has_sdp(m))
		body = sip_message_body(m);
	if (cp_bridge_answer(call, &call->oa, to, body, &shown) == 0) {
		tell_media(x);
		return;
	}
	// This side has changed its session and we cannot tell to what.
	respond(x, 500, nothing, nothing, nothing);
	cp_reason_set(call, "SIP", 488, "answer cannot be used");
	cp_call_end(call, CP_BY_HAWSE, 488, nothing, NULL);
}

// RFC 3261 12.2.1.2, RFC 5057: the other side has lost the dialog, or is gone.
static bool ends_call(int status)
{
	return status == 408 || status == 481;
}

static void lost(struct cp_call *call, unsigned leg, int status)
{
	// Who has no dialog needs no BYE; who did not answer may yet hear one.
	if (status == 481)
		call->leg[leg].over = true;
	cp_reason_set(call, "SIP", status, sip_reason_phrase(status));
	cp_call_end(call, (enum cp_ended_by)leg, status, nothing, NULL);
}

static void refused(struct cp_exchange *x, const struct sip_message *m)
{
	struct cp_call *call = x->call;
	unsigned to = cp_other(x->from);
	int status = m->status;

	cp_bridge_reject(x);
	relayed(x, m);
	cp_exchange_release(x);
	cp_media_sweep(call);
	if (ends_call(status))
		lost(call, to, status);
}

void cp_change_response(
	struct cp_exchange *x, struct sip_transaction *tx, const struct sip_message *m)
{
	struct cp_call *call = x->call;
	unsigned to = cp_other(x->from);
	struct sip_dialog *d = NULL;
	int status = m->status;

	if (sip_dialog_on_response(call->shard->dialogs, tx, m, &d) == 1)
		return;
	if (x->kind == CP_X_RELAY) {
		if (status < 200)
			return;
		relayed(x, m);
		cp_exchange_release(x);
		if (ends_call(status))
			lost(call, to, status);
		return;
	}
	if (status >= 300)
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

	cp_call_event(call, (uint8_t)to, "%s", why);
	give_up(x, status, NULL);
	if (ends_call(status))
		lost(call, to, status);
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
		forward(x);
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
		err = cp_bridge_answer(call, &call->oa, x->from, sip_message_body(m), &shown);
	if (err) {
		answer_as_before(x);
		cp_exchange_release(x);
	} else {
		tell_media(x);
	}
}
