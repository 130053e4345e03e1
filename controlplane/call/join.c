// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/call/join.h"
#include "controlplane/call/media.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "controlplane/call/refer.h"

#define BUSY_MS   500u
#define MAX_TRIES 10u

static const struct sip_slice nothing;

// ---- whose dialogs ------------------------------------------------------------------------------------

static struct cp_join *join_of(struct cp_call *call)
{
	if (!call->join)
		call->join = calloc(1, sizeof(*call->join));
	if (call->join)
		call->join->call = call;
	return call->join;
}

static struct sip_dialog *end_dialog(const struct cp_join *j, unsigned leg)
{
	const struct cp_join_end *end = &j->end[leg];

	return end->call ? end->call->leg[end->leg].dialog : j->call->leg[leg].dialog;
}

struct sip_dialog *cp_join_dialog(const struct cp_call *call)
{
	return call->join ? end_dialog(call->join, 0) : call->leg[0].dialog;
}

// The same peer in the configuration that this call goes by.
const struct cp_peer *cp_join_peer(const struct cp_policy *policy, const struct cp_peer *peer)
{
	for (unsigned i = 0; i < policy->cfg->peer_count; i++)
		if (strcmp(policy->cfg->peers[i].name, peer->cfg->name) == 0)
			return cp_peers_at(policy->peers, i);
	return NULL;
}

int cp_join_take(struct cp_call *call, unsigned leg, struct cp_call *from, unsigned from_leg)
{
	const struct cp_leg *source = &from->leg[from_leg];
	const struct cp_peer *peer = cp_join_peer(call->policy, source->peer);
	struct cp_join *j;

	if (from->borrower || from->state != ABI_CALL_UP || !source->dialog || source->over)
		return -EBUSY;
	if (!peer)
		return -ESTALE;
	j = join_of(call);
	if (!j)
		return -ENOMEM;
	call->leg[leg].peer = peer;
	call->leg[leg].signalling = source->signalling;
	call->leg[leg].socket = source->socket;
	call->leg[leg].allows_update = source->allows_update;
	cp_timer_init(call, leg);
	sdp_oa_continue(&call->oa, (enum sdp_leg)leg, &from->oa, (enum sdp_leg)from_leg);
	j->end[leg] = (struct cp_join_end){.call = from, .leg = (uint8_t)from_leg};
	from->borrower = j;
	return 0;
}

static void let_go(struct cp_join *j)
{
	struct cp_call *call = j->call;

	for (unsigned leg = 0; leg < 2; leg++) {
		if (j->end[leg].call)
			j->end[leg].call->borrower = NULL;
		cp_exchange_release(&j->x[leg]);
	}
	sip_timer_stop(sip_layer_wheel(call->shard->layer), &j->timer);
	call->join = NULL;
	free(j);
}

static void fail(struct cp_call *call, int status, const char *why)
{
	cp_call_event(call, 255, "cannot be joined: %s", why);
	cp_call_end(call, CP_BY_HAWSE, status, nothing, NULL);
}

// ---- re-INVITE ----------------------------------------------------------------------------------------

static void ask(struct cp_join *j, unsigned leg);

static void ask_again(struct sip_timer *timer, void *ctx)
{
	struct cp_join *j = (struct cp_join *)((char *)timer - offsetof(struct cp_join, timer));

	ask(j, j->again);
}

static void wait_and_ask(struct cp_join *j, unsigned leg, uint32_t ms)
{
	struct sip_layer *layer = j->call->shard->layer;

	if (++j->tries > MAX_TRIES) {
		fail(j->call, 491, "the other side is busy with a change");
		return;
	}
	j->again = (uint8_t)leg;
	j->timer.fire = ask_again;
	sip_timer_start(sip_layer_wheel(layer), &j->timer, sip_layer_now(layer) + ms);
}

static void ask(struct cp_join *j, unsigned leg)
{
	struct cp_call *call = j->call;
	struct cp_exchange *x = &j->x[leg];
	struct sip_slice body, lines;
	int err;

	*x = (struct cp_exchange){
		.call = call, .kind = CP_X_JOIN, .from = (uint8_t)cp_other(leg)};
	if (leg == 0)
		call->offer = x;
	err = cp_bridge_show_offer(x, &body);
	if (err) {
		fail(call, (int)sdp_oa_status(err), "offer cannot be shown");
		return;
	}
	x->phase = CP_PHASE_ASKED;
	lines = cp_lines(call, leg, CP_LINE_CONTACT | CP_LINE_REQUEST | CP_LINE_SDP, NULL, 0);
	err = sip_dialog_send(end_dialog(j, leg), SIP_INVITE, lines, body, x, &x->client);
	if (err == -EBUSY)
		wait_and_ask(j, leg, BUSY_MS);
	else if (err)
		fail(call, 500, "re-INVITE cannot be sent");
}

void cp_join_start(struct cp_call *call)
{
	struct cp_join *j = call->join;
	const struct cp_join_end *end = &j->end[0];
	unsigned streams = j->end[1].call ? sdp_oa_streams(&j->end[1].call->oa) : 0;
	char *body = malloc(SDP_MAX_BODY), warning[160];
	int n, status = 500, rc = -ENOMEM;

	n = body ? sdp_oa_offer_again(
			   &end->call->oa, (enum sdp_leg)end->leg, streams, body, SDP_MAX_BODY)
		 : -ENOMEM;
	if (n > 0)
		rc = cp_bridge_offer(&call->invite, 0, sip_slice(body, (size_t)n), &status, warning,
			sizeof(warning));
	free(body);
	if (rc < 0)
		fail(call, status, "its session cannot be offered");
	else if (rc == 0)
		cp_target_ask(&call->invite);
}

bool cp_join_ask(struct cp_call *call)
{
	if (!call->join || !call->join->end[1].call)
		return false;
	ask(call->join, 1);
	return true;
}

// ---- everybody has agreed -----------------------------------------------------------------------------

// The dialog moves; the call that it comes from has lost that side.
static void move(struct cp_join *j, unsigned leg)
{
	struct cp_join_end *end = &j->end[leg];
	struct cp_call *call = j->call, *from = end->call;
	struct cp_leg *to = &call->leg[leg], *old = &from->leg[end->leg];
	struct sip_slice id = cp_leg_call_id(from, end->leg);

	old->moved_id = malloc(id.n + 1);
	if (old->moved_id) {
		memcpy(old->moved_id, id.p, id.n);
		old->moved_id[id.n] = 0;
	}
	to->dialog = old->dialog;
	old->dialog = NULL;
	old->over = true;
	old->end_us = call->shard->now_us;
	to->start_us = to->answer_us = call->shard->now_us;
	// It keeps its place in its peer's limits.
	cp_limit_release(call, leg);
	to->place = old->place;
	to->user = old->user;
	old->place = (struct cp_place){0};
	old->user = NULL;
	from->moved_to = call->id;
	call->moved_from = from->id;
	from->borrower = NULL;
	end->call = NULL;
	// It goes on at the price that it began with.
	call->rate[leg] = call->policy == from->policy ? from->rate[end->leg] : NULL;
	sip_dialog_set_user(to->dialog, call);
	cp_label_set(call->shard, cp_leg_call_id(call, leg), call->id, (uint8_t)leg,
		sip_str(leg ? call->to : ""));
	cp_record_open(call, leg);
}

static void leave(struct cp_call *from, unsigned leg, const char *why)
{
	cp_call_end(from, (enum cp_ended_by)leg, 200, sip_str(why), NULL);
}

// Both legs come from elsewhere, or the target has answered: the call is up.
static void finish(struct cp_join *j)
{
	struct cp_call *call = j->call, *from[2] = {j->end[0].call, j->end[1].call};
	struct cp_transfer *t = j->transfer;
	unsigned left[2] = {cp_other(j->end[0].leg), cp_other(j->end[1].leg)};

	for (unsigned leg = 0; leg < 2; leg++)
		if (from[leg])
			move(j, leg);
	j->transfer = NULL;
	let_go(j);
	cp_exchange_release(&call->invite);
	call->showing = true;
	cp_setup_up(call);
	if (t) {
		t->made = NULL;
		cp_refer_tell(t, 200);
	}
	for (unsigned leg = 0; leg < 2; leg++)
		if (from[leg])
			leave(from[leg], left[leg], "Call transferred");
}

void cp_join_settled(struct cp_exchange *x, int error)
{
	struct cp_call *call = x->call;
	struct cp_join *j = call->join;

	sip_dialog_ack(end_dialog(j, 0), nothing, nothing);
	if (error) {
		fail(call, error == -EHOSTUNREACH ? 502 : 503, "media refused");
		return;
	}
	cp_bridge_accept(x);
	cp_media_sweep(call);
	finish(j);
}

// ---- what the parties say -----------------------------------------------------------------------------

static int take_answer(struct cp_call *call, unsigned leg, const struct sip_message *m)
{
	struct sip_slice body = sip_message_sdp(m);
	struct sdp_error error = {0};
	int err;

	if (!body.n)
		return call->oa.state == SDP_OA_ANSWERED ? 0 : -EINVAL;
	call->shard->arena.used = 0;
	cp_bridge_policy(call, &call->oa);
	err = sdp_oa_take_answer(&call->oa, &call->shard->arena, (enum sdp_leg)leg,
		(const uint8_t *)body.p, body.n, &error);
	if (err)
		cp_call_event(call, (uint8_t)leg, "answer cannot be used: line %u: %s", error.line,
			error.text);
	return err;
}

// Leg 1 has answered: leg 0 is offered the same, so that its answer is one that leg 1 can take.
static void ask_remaining(struct cp_join *j)
{
	struct cp_call *call = j->call;
	struct sdp_oa_need *need = &call->shard->need;
	struct sdp_error error = {0};
	struct sdp_str said;
	int err = sdp_oa_accept(&call->oa);

	call->offer = NULL;
	said = sdp_oa_said(&call->oa, SDP_LEG_B);
	call->shard->arena.used = 0;
	cp_bridge_policy(call, &call->oa);
	if (!err)
		err = sdp_oa_take_offer(&call->oa, &call->shard->arena, SDP_LEG_B,
			(const uint8_t *)said.ptr, said.len, need, &error);
	if (err)
		fail(call, 488, "the answer cannot be offered");
	else
		ask(j, 0);
}

bool cp_join_answered(struct cp_exchange *x, const struct sip_message *m)
{
	struct cp_call *call = x->call;
	struct cp_join *j = call->join;
	int err;

	if (!j)
		return false;
	err = take_answer(call, 1, m);
	sip_dialog_ack(call->leg[1].dialog, nothing, nothing);
	if (err)
		fail(call, 488, "answer cannot be used");
	else
		ask_remaining(j);
	return true;
}

// INVITE with Replaces: it is a call like others from here on.
static void replaced(struct cp_join *j, const struct sip_message *m)
{
	struct cp_call *call = j->call, *from = j->end[1].call;
	unsigned left = cp_other(j->end[1].leg);

	move(j, 1);
	let_go(j);
	leave(from, left, "Replaced");
	cp_setup_take_answer(&call->invite, m);
}

static void answered(struct cp_join *j, unsigned leg, const struct sip_message *m)
{
	struct cp_call *call = j->call;
	struct cp_exchange *x = &j->x[leg];
	int err;

	x->client = NULL;
	j->end[leg].told = true;
	cp_timer_response(call, leg, m);
	if (leg == 1 && !j->end[0].call) {
		replaced(j, m);
		return;
	}
	err = take_answer(call, leg, m);
	if (err || leg == 1)
		sip_dialog_ack(end_dialog(j, leg), nothing, nothing);
	if (err) {
		fail(call, 488, "answer cannot be used");
	} else if (leg == 1) {
		ask_remaining(j);
	} else {
		x->phase = CP_PHASE_MEDIA;
		err = cp_media_apply(call, &call->oa, true);
		if (err || !cp_media_busy(call))
			cp_join_settled(x, err);
	}
}

// RFC 5057: the party that was to be moved has lost its dialog.
static void party_lost(struct cp_call *from, unsigned leg, int status)
{
	if (status == 481)
		from->leg[leg].over = true;
	cp_call_end(from, (enum cp_ended_by)leg, status, nothing, NULL);
}

static void refused(struct cp_join *j, unsigned leg, int status)
{
	struct cp_call *from = j->end[leg].call;
	unsigned from_leg = j->end[leg].leg;

	j->x[leg].client = NULL;
	if (status == 491) {
		wait_and_ask(j, leg, sip_dialog_glare_delay(end_dialog(j, leg)));
		return;
	}
	if (status == 408 || status == 481)
		party_lost(from, from_leg, status); // this ends the join too
	else
		fail(j->call, cp_cause_carried(status), "re-INVITE was refused");
}

void cp_join_response(
	struct cp_exchange *x, struct sip_transaction *tx, const struct sip_message *m)
{
	struct cp_call *call = x->call;
	struct sip_dialog *d = NULL;
	unsigned leg = cp_other(x->from);

	if (sip_dialog_on_response(call->shard->dialogs, tx, m, &d) == 1 || m->status < 200)
		return;
	if (x->client == tx)
		sip_tx_set_user(tx, NULL);
	if (m->status < 300)
		answered(call->join, leg, m);
	else
		refused(call->join, leg, m->status);
}

void cp_join_failed(struct cp_exchange *x, int status)
{
	refused(x->call->join, cp_other(x->from), status);
}

void cp_join_progress(struct cp_call *call, int status)
{
	if (call->join && call->join->transfer && status > 100 && status != 199)
		cp_refer_tell(call->join->transfer, status);
}

// ---- it came to nothing -------------------------------------------------------------------------------

static void send_restore(struct cp_exchange *x)
{
	struct cp_call *call = x->call;
	unsigned leg = cp_other(x->from);
	struct sdp_str text;
	int err = sdp_oa_show_again(
		&call->oa, (enum sdp_leg)leg, call->oa.version[leg] + 1, &text);

	x->phase = CP_PHASE_MEDIA; // from now on: on the way back
	if (!err)
		err = sip_dialog_send(call->leg[leg].dialog, SIP_INVITE,
			cp_lines(call, leg, CP_LINE_CONTACT | CP_LINE_REQUEST | CP_LINE_SDP, NULL,
				0),
			sip_slice(text.ptr, text.len), x, &x->client);
	if (err)
		cp_exchange_release(x);
	cp_call_touch(call, true);
}

void cp_restore_response(
	struct cp_exchange *x, struct sip_transaction *tx, const struct sip_message *m)
{
	struct cp_call *call = x->call;
	unsigned leg = cp_other(x->from);
	struct sip_dialog *d = NULL;

	if (sip_dialog_on_response(call->shard->dialogs, tx, m, &d) == 1 || m->status < 200)
		return;
	sip_tx_set_user(tx, NULL);
	x->client = NULL;
	if (m->status < 300)
		sip_dialog_ack(call->leg[leg].dialog, nothing, nothing);
	if (m->status < 300 && x->phase == CP_PHASE_ASKED)
		send_restore(x);
	else
		cp_exchange_release(x);
}

// The party has been told of a session that there will not be.
static void restore(struct cp_join *j, unsigned leg)
{
	struct cp_join_end *end = &j->end[leg];
	struct cp_exchange *asked = &j->x[leg], *x;
	struct cp_call *from = end->call;

	if (!from || from->state != ABI_CALL_UP || (!end->told && !asked->client))
		return;
	from->oa.version[end->leg] = j->call->oa.version[leg];
	x = cp_exchange_new(from, CP_X_RESTORE, (uint8_t)cp_other(end->leg));
	if (!x)
		return;
	if (end->told) {
		if (sip_dialog_owes_ack(from->leg[end->leg].dialog))
			sip_dialog_ack(from->leg[end->leg].dialog, nothing, nothing);
		send_restore(x);
		return;
	}
	x->phase = CP_PHASE_ASKED;
	x->client = asked->client;
	asked->client = NULL;
	sip_tx_set_user(x->client, x);
	sip_client_cancel(x->client, nothing);
}

static bool somebody_left(const struct cp_call *call)
{
	return call->state == ABI_CALL_UP && (call->leg[0].over || call->leg[1].over);
}

static void came_to_nothing(struct cp_join *j)
{
	struct cp_call *from[2] = {j->end[0].call, j->end[1].call};
	struct cp_transfer *t = j->transfer;
	int status = j->call->cause.status;

	for (unsigned leg = 0; leg < 2; leg++)
		restore(j, leg);
	let_go(j);
	if (t) {
		t->made = NULL;
		cp_refer_tell(t, status < 300 ? 487 : status);
	}
	for (unsigned leg = 0; leg < 2; leg++)
		if (from[leg] && somebody_left(from[leg]))
			cp_call_end(from[leg],
				(enum cp_ended_by)(from[leg]->leg[0].over ? 0 : 1), 200, nothing,
				NULL);
}

void cp_join_call_ended(struct cp_call *call)
{
	struct cp_join *j = call->borrower;

	if (call->join) {
		came_to_nothing(call->join);
	} else if (j) {
		call->borrower = NULL;
		for (unsigned leg = 0; leg < 2; leg++)
			if (j->end[leg].call == call) {
				if (j->x[leg].client)
					sip_client_cancel(j->x[leg].client, nothing);
				cp_exchange_release(&j->x[leg]);
				j->end[leg].call = NULL;
			}
		cp_call_end(j->call, CP_BY_HAWSE, 487, nothing, NULL);
	}
}

void cp_join_drop(struct cp_call *call)
{
	struct cp_join *lender = call->borrower;

	for (unsigned leg = 0; lender && leg < 2; leg++)
		if (lender->end[leg].call == call) {
			cp_exchange_release(&lender->x[leg]);
			lender->end[leg].call = NULL;
		}
	call->borrower = NULL;
	if (!call->join)
		return;
	if (call->join->transfer)
		call->join->transfer->made = NULL;
	let_go(call->join);
}

bool cp_join_bye(struct cp_call *call, unsigned leg)
{
	struct cp_join *j = call->borrower;

	if (!j || call->state != ABI_CALL_UP)
		return false;
	for (unsigned i = 0; i < 2; i++)
		if (j->end[i].call == call && j->end[i].leg == leg)
			return false;
	return true;
}
