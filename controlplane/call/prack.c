// SPDX-License-Identifier: BSD-3-Clause
//
// Provisional responses on both sides (RFC 3262): what the callee says reliably gets its PRACK from us, what
// the caller is told goes out reliably when he demands it, or can have it and the callee said it so.
//
//   callee's reliable 18x    PRACK at once, unless it holds an offer: then with the caller's answer
//   caller's PRACK           200; with an offer of his, when that was answered (change.c)
//
// Without an offer in the INVITE the callee may offer in a reliable 18x only when the caller can answer in a
// PRACK: to a callee whose caller cannot, 100rel is not said.
#include "controlplane/call/call.h"
#include "controlplane/call/media.h"

#include <errno.h>
#include <stdlib.h>

#include "controlplane/call/carry.h"
#include "sip/reliable.h"

static const struct sip_slice nothing;

bool cp_prack_admit(struct cp_shard *shard, struct sip_transaction *tx, const struct sip_message *m,
	const struct cp_peer *caller)
{
	bool required = sip_message_lists(m, SIP_H_REQUIRE, "100rel");

	if (caller->cfg->prack == CFG_PRACK_OFF && required) {
		sip_respond_simple(tx, 420, "Unsupported: 100rel\r\n");
		return false;
	}
	if (caller->cfg->prack == CFG_PRACK_REQUIRE && !required &&
		!sip_message_lists(m, SIP_H_SUPPORTED, "100rel")) {
		sip_respond_simple(tx, 421, "Require: 100rel\r\n");
		return false;
	}
	return true;
}

void cp_prack_caller(struct cp_call *call, const struct sip_message *m)
{
	struct cp_leg *leg = &call->leg[0];

	leg->wants_199 = sip_message_lists(m, SIP_H_SUPPORTED, "199");
	if (leg->peer->cfg->prack == CFG_PRACK_OFF)
		return;
	if (sip_message_lists(m, SIP_H_REQUIRE, "100rel") ||
		leg->peer->cfg->prack == CFG_PRACK_REQUIRE)
		leg->reliable = CP_RELIABLE_REQUIRED;
	else if (sip_message_lists(m, SIP_H_SUPPORTED, "100rel"))
		leg->reliable = CP_RELIABLE_SUPPORTED;
}

bool cp_prack_offered(const struct cp_call *call)
{
	return call->leg[1].peer->cfg->prack != CFG_PRACK_OFF &&
	       (!call->invite.delayed || call->leg[0].reliable);
}

bool cp_prack_wanted(const struct cp_call *call, int seen)
{
	return call->leg[0].reliable == CP_RELIABLE_REQUIRED ||
	       (call->leg[0].reliable == CP_RELIABLE_SUPPORTED && seen > 0);
}

void cp_prack_send(struct cp_call *call, struct sip_dialog *d, struct sip_slice body)
{
	struct sip_slice lines =
		cp_lines(call, 1, CP_LINE_REQUEST | (body.n ? CP_LINE_SDP : 0), NULL, 0);
	int err;

	cp_dialog_route(call, 1, d);
	err = sip_reliable_prack(d, lines, body, NULL, NULL);
	if (err)
		cp_call_event(call, 1, "PRACK cannot be sent: %s", strerror(-err));
}

// ---- the callee's offer in a reliable response --------------------------------------------------------

void cp_prack_offer(struct cp_exchange *x, struct cp_branch *branch, const struct sip_message *m)
{
	struct cp_call *call = x->call;
	char warning[160];
	int status, rc;

	cp_branch_oa(call, branch);
	x->branch = branch;
	x->early = m->status;
	rc = cp_bridge_offer(x, 1, sip_message_sdp(m), &status, warning, sizeof(warning));
	if (rc < 0) {
		cp_call_event(call, 1, "offer in a %d cannot be used", m->status);
		cp_call_end(call, CP_BY_HAWSE, 488, nothing, NULL);
	} else if (rc == 0) {
		cp_prack_offer_back(x);
	}
}

void cp_prack_offer_back(struct cp_exchange *x)
{
	struct cp_call *call = x->call;
	struct sip_response r = {.status = x->early};

	if (cp_bridge_show_offer(x, &r.body)) {
		cp_call_end(call, CP_BY_HAWSE, 488, nothing, NULL);
		return;
	}
	x->phase = CP_PHASE_ASKED;
	r.lines = cp_lines(call, 0, CP_LINE_CONTACT | CP_LINE_SDP, NULL, 0);
	if (x->server)
		sip_reliable_respond(cp_branch_caller(call, x->branch), x->server, &r);
}

// hawse-media knows: the callee may.
void cp_prack_answered(struct cp_exchange *x)
{
	struct cp_call *call = x->call;
	struct cp_branch *branch = x->branch;
	struct sdp_oa *oa = cp_oa_of(x);
	struct sip_dialog *d = branch ? branch->dialog : call->leg[1].dialog;
	struct sdp_str shown;

	cp_bridge_accept(x);
	shown = sdp_oa_shown(oa, SDP_LEG_B);
	if (branch) {
		branch->final = true;
		branch->told = oa->version[SDP_LEG_A];
	} else {
		call->leg[0].told = oa->version[SDP_LEG_A];
	}
	x->branch = NULL;
	x->phase = CP_PHASE_ASKED;
	cp_prack_send(call, d, sip_slice(shown.ptr, shown.len));
	if (x->status) // its 200 is there, and waited
		x->phase = CP_PHASE_WAITING;
	cp_setup_go_on(call);
}

static void take_answer(
	struct cp_exchange *x, struct cp_branch *branch, const struct sip_message *m)
{
	struct cp_call *call = x->call;
	struct sip_slice shown;
	int err = -EINVAL;

	if (sip_message_has_sdp(m))
		err = cp_bridge_answer(call, cp_oa_of(x), 0, sip_message_sdp(m), &shown);
	if (err) {
		cp_reason_set(call, "SIP", 488, "answer cannot be used");
		cp_call_end(call, CP_BY_HAWSE, 488, nothing, NULL);
		return;
	}
	call->speaking = branch;
	call->showing = true;
	x->phase = CP_PHASE_MEDIA;
	err = cp_media_apply(call, cp_oa_of(x), false);
	if (err || !cp_media_busy(call))
		cp_setup_media(x, err);
}

// ---- the caller's PRACK ------------------------------------------------------------------------------

void cp_prack_request(struct cp_call *call, struct sip_dialog *d, struct cp_branch *branch,
	struct sip_transaction *tx, const struct sip_message *m)
{
	struct cp_exchange *x = &call->invite;
	int err = sip_reliable_on_prack(d, m);
	bool owed = call->offer == x && x->delayed && x->branch == branch && x->early;

	if (err || call->state == ABI_CALL_ENDING) {
		sip_respond_simple(tx, err == -EBADMSG ? 400 : 481, NULL);
		return;
	}
	if (!sip_message_body_serves(m)) {
		sip_respond_simple(tx, 415, CP_ACCEPT);
	} else if (!owed && sip_message_has_sdp(m)) {
		// An offer (section 5): answered when the other side has.
		cp_branch_told(call, branch);
		sip_reliable_next(d, x->server);
		cp_change_offer(call, 0, branch, tx, m, CP_X_UPDATE);
		return;
	} else {
		sip_respond_simple(tx, 200, NULL);
	}
	sip_reliable_next(d, x->server);
	if (owed) {
		x->early = 0;
		take_answer(x, branch, m);
	} else {
		cp_setup_go_on(call);
	}
}

void cp_prack_never(struct cp_call *call)
{
	cp_reason_set(call, "SIP", 504, "no PRACK");
	cp_call_end(call, CP_BY_HAWSE, 504, sip_str("No PRACK"), NULL);
}
