// SPDX-License-Identifier: BSD-3-Clause
//
// Forks of the callee: each of its early dialogs has a session description of its own, and is to the caller
// an early dialog too, under another tag of ours.
#include "controlplane/call/call.h"
#include "controlplane/call/media.h"

#include <stdio.h>
#include <stdlib.h>

#include "controlplane/call/carry.h"
#include "sip/reliable.h"

struct cp_branch *cp_branch_find(const struct cp_call *call, const struct sip_dialog *dialog)
{
	struct cp_branch *branch = call->branches;

	while (branch && branch->dialog != dialog && branch->caller != dialog)
		branch = branch->next;
	return branch;
}

struct cp_branch *cp_branch_get(struct cp_call *call, struct sip_dialog *dialog)
{
	struct cp_branch *branch = cp_branch_find(call, dialog);
	unsigned count = 0;

	if (branch)
		return branch;
	for (branch = call->branches; branch; branch = branch->next)
		count++;
	if (count >= CP_BRANCHES)
		return NULL;
	branch = calloc(1, sizeof(*branch));
	if (!branch)
		return NULL;
	branch->dialog = dialog;
	branch->next = call->branches;
	call->branches = branch;
	return branch;
}

// A tag that the caller has not seen yet, as long as there is memory for it.
static struct sip_dialog *lend_caller(struct cp_call *call)
{
	struct sip_dialog *first = call->leg[0].dialog, *other;

	// A call that is made of others has no caller yet (join.h).
	if (!call->lent || !first || sip_dialog_fork_uas(first, call, &other))
		other = first;
	call->lent = true;
	return other;
}

struct sip_dialog *cp_branch_caller(struct cp_call *call, struct cp_branch *branch)
{
	if (!branch)
		return call->leg[0].dialog;
	if (!branch->caller)
		branch->caller = lend_caller(call);
	return branch->caller;
}

void cp_branch_oa(struct cp_call *call, struct cp_branch *branch)
{
	if (!branch->has_oa)
		sdp_oa_clone(&branch->oa, &call->oa);
	branch->has_oa = true;
}

void cp_branch_told(struct cp_call *call, struct cp_branch *branch)
{
	struct sdp_oa *oa = branch ? &branch->oa : &call->oa;

	if (oa->state == SDP_OA_ANSWERED && (!branch || branch->has_oa))
		sdp_oa_accept(oa);
}

struct sdp_oa *cp_oa_of(const struct cp_exchange *x)
{
	return x->branch ? &x->branch->oa : &x->call->oa;
}

// ---- the end of one ----------------------------------------------------------------------------------

// What was being asked in its dialogs.
static void abandon(struct cp_call *call, struct cp_branch *branch)
{
	for (unsigned i = 0; i < CP_RELAYS; i++) {
		struct cp_exchange *x = &call->other[i];

		if (x->kind == CP_X_FREE || x->branch != branch)
			continue;
		if (x->server && !sip_tx_is_final(x->server))
			sip_respond_simple(x->server, 481, NULL);
		cp_exchange_release(x);
	}
	if (call->invite.branch != branch)
		return;
	call->invite.branch = NULL;
	if (call->offer == &call->invite)
		call->offer = NULL;
	call->invite.phase = CP_PHASE_ASKED;
	call->invite.early = 0;
}

// RFC 6228: the caller may forget what it keeps for this dialog. Sent once, as by a proxy.
static void say_over(struct cp_call *call, struct cp_branch *branch, const struct sip_message *m)
{
	struct sip_response r = {.status = 199};
	char reason[48];

	if (!m || !branch->caller || !call->leg[0].wants_199 || !call->invite.server)
		return;
	if (m->status >= 300) {
		snprintf(reason, sizeof(reason), "Reason: SIP;cause=%d\r\n", m->status);
		r.lines = sip_str(reason);
	} else {
		r.lines = cp_lines(call, 0, 0, m, CP_IN_PROVISIONAL);
	}
	sip_dialog_respond(branch->caller, call->invite.server, &r);
}

static void record(struct cp_call *call, const struct cp_branch *branch, enum cp_ended_by by,
	int status, const char *phrase)
{
	struct cp_cause cause = {.known = true, .by = (uint8_t)by, .status = (uint16_t)status};

	snprintf(cause.phrase, sizeof(cause.phrase), "%s", phrase);
	cp_call_record_fork(call, branch->dialog, branch->ring_us, &cause);
}

void cp_branch_late(struct cp_shard *shard, const struct sip_dialog *d)
{
	struct cp_cause cause = {.known = true, .by = CP_BY_HAWSE, .status = 200};
	const struct cp_label *label;
	struct cp_call *call = shard->calls;
	struct sip_dialog_view view;

	sip_dialog_view(d, &view);
	label = cp_label_find(shard, view.call_id);
	while (call && (!label || call->id != label->call))
		call = call->next;
	if (!call || !call->leg[1].peer)
		return;
	snprintf(cause.phrase, sizeof(cause.phrase), "answered too late");
	cp_call_record_fork(call, d, 0, &cause);
}

static void free_branch(struct cp_call *call, struct cp_branch *branch, const struct sip_message *m)
{
	abandon(call, branch);
	say_over(call, branch, m);
	if (call->speaking == branch)
		call->speaking = NULL;
	if (branch->has_oa)
		sdp_oa_fini(&branch->oa);
	if (branch->caller != call->leg[0].dialog)
		sip_dialog_free(branch->caller);
	sip_dialog_free(branch->dialog);
	free(branch);
}

static void take(struct cp_call *call, struct cp_branch *branch)
{
	struct cp_branch **link = &call->branches;

	while (*link != branch)
		link = &(*link)->next;
	*link = branch->next;
}

void cp_branch_drop(struct cp_call *call, struct cp_branch *branch, const struct sip_message *m)
{
	bool spoke = call->speaking == branch;

	take(call, branch);
	record(call, branch, CP_BY_CALLEE, 199, "early dialog terminated");
	free_branch(call, branch, m);
	for (branch = call->branches; spoke && branch; branch = branch->next) {
		if (!branch->has_oa)
			continue;
		call->speaking = branch;
		cp_media_apply(call, &branch->oa, false);
		return;
	}
}

void cp_branches_free(struct cp_call *call, const struct sip_message *m)
{
	while (call->branches) {
		struct cp_branch *branch = call->branches;

		call->branches = branch->next;
		free_branch(call, branch, m);
	}
}

// ---- the one that is answered --------------------------------------------------------------------------

static void become_call(struct cp_call *call, struct cp_branch *winner)
{
	if (winner->has_oa) {
		sdp_oa_fini(&call->oa);
		call->oa = winner->oa;
	}
	for (unsigned i = 0; i < CP_RELAYS; i++)
		if (call->other[i].branch == winner)
			call->other[i].branch = NULL;
	if (call->invite.branch == winner)
		call->invite.branch = NULL;
	if (call->speaking == winner)
		call->speaking = NULL;
	call->leg[0].told = winner->told;
	call->leg[1].final = winner->final;
	call->leg[1].stale = winner->stale;
	call->leg[1].allows_update = winner->allows_update;
}

void cp_branch_win(struct cp_call *call, struct sip_dialog *dialog)
{
	struct cp_branch *winner = cp_branch_find(call, dialog);
	struct sip_dialog *first = call->leg[0].dialog, *caller = winner ? winner->caller : NULL;

	if (winner) {
		take(call, winner);
		become_call(call, winner);
	}
	free(winner);
	for (const struct cp_branch *b = call->branches; b; b = b->next)
		record(call, b, CP_BY_HAWSE, 487, "another fork answered");
	cp_branches_free(call, NULL);
	if (!caller)
		caller = lend_caller(call);
	if (caller == first)
		return;
	sip_dialog_take_invite(caller, first);
	call->leg[0].dialog = caller;
	sip_dialog_free(first);
}

void cp_orphan_response(
	struct cp_shard *shard, struct sip_transaction *tx, const struct sip_message *m)
{
	struct sip_dialog *d = NULL;

	if (sip_tx_kind(tx) != SIP_TX_INVITE_CLIENT ||
		sip_dialog_on_response(shard->dialogs, tx, m, &d) != 0 || !d)
		return;
	if (sip_dialog_user(d)) {
		// A re-INVITE that was answered after the call ended: its BYE is out already.
		if (sip_dialog_state(d) == SIP_DIALOG_TERMINATED && sip_dialog_owes_ack(d))
			sip_dialog_ack(d, sip_slice(NULL, 0), sip_slice(NULL, 0));
		return;
	}
	// A fork that lost, or a 200 that crossed our CANCEL.
	if (m->status >= 200 && m->status < 300) {
		cp_branch_late(shard, d);
		cp_reap(shard, d);
	} else {
		sip_dialog_free(d);
	}
}
