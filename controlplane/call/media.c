// SPDX-License-Identifier: BSD-3-Clause
//
// What the call asks of hawse-media: ports, plans, the end, and all of it again after a restart.
// One command of a session is in flight at a time; a plan that changes meanwhile goes out next.
#include "controlplane/call/media.h"
#include "controlplane/call/order.h"
#include "controlplane/call/plan.h"
#include "controlplane/call/prompt.h"
#include "controlplane/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define RETRY_MS 5u

static void settled(struct cp_call *call);
static void on_reply(void *user, const struct abi_msg *reply);

// ---- sessions -------------------------------------------------------------------------------------

void cp_media_index(struct cp_session *s)
{
	struct cp_shard *shard = s->call->shard;

	if (s->slot < shard->slots)
		shard->by_slot[s->slot] = s;
}

void cp_media_unindex(struct cp_session *s)
{
	struct cp_shard *shard = s->call->shard;

	if (s->slot < shard->slots && shard->by_slot[s->slot] == s)
		shard->by_slot[s->slot] = NULL;
}

void cp_media_end_replay(struct cp_session *s)
{
	if (s->replaying)
		s->call->shard->replays--;
	s->replaying = false;
}

void cp_media_free_session(struct cp_session *s)
{
	struct cp_call *call = s->call;

	cp_media_end_replay(s);
	for (unsigned i = 0; i < CP_SESSIONS; i++)
		if (call->session[i] == s)
			call->session[i] = NULL;
	cp_media_unindex(s);
	sip_timer_stop(sip_layer_wheel(call->shard->layer), &s->timer);
	cp_secure_free(s);
	cp_orders_free(s);
	free(s);
}

static int submit(struct cp_session *s, struct abi_msg *command)
{
	struct cp_shard *shard = s->call->shard;
	int err =
		shard->attached ? shard->ops->submit(shard->ctx, command, on_reply, s) : -ENOTCONN;

	if (err)
		return err;
	cp_count(shard, CP_C_MEDIA_COMMANDS);
	s->transaction = command->transaction;
	return 0;
}

static int send_plain(struct cp_session *s, uint16_t type)
{
	struct abi_msg m;

	abi_msg_init(&m, type, 0, s->slot, s->generation);
	return submit(s, &m);
}

int cp_media_send_plan(struct cp_session *s)
{
	struct abi_msg m;
	uint16_t type = s->state == CP_SESSION_ACTIVE ? ABI_SESSION_UPDATE : ABI_SESSION_ADD;
	int err;

	abi_msg_init(&m, type, 0, s->slot, s->generation);
	memcpy(m.payload, &s->plan, sizeof(s->plan));
	err = submit(s, &m);
	if (!err)
		s->again = false;
	return err;
}

// What the session needs besides its plan: one command, if there is one.
static int send_more(struct cp_session *s)
{
	struct abi_msg m;
	int err;

	if (!cp_secure_next(s, &m)) {
		while (cp_order_next(s, &m)) {
			err = submit(s, &m);
			if (!err)
				break;
			cp_order_answered(s, err);
		}
		return 0;
	}
	err = submit(s, &m);
	if (err)
		cp_secure_failed(s);
	explicit_bzero(&m, sizeof(m));
	return err;
}

void cp_media_more(struct cp_session *s)
{
	// It goes out behind what is under way.
	if (s->state == CP_SESSION_ACTIVE && !s->transaction && !s->replay && !s->again &&
		!sip_timer_running(&s->timer))
		send_more(s);
}

static void retry_fire(struct sip_timer *timer, void *ctx)
{
	struct cp_session *s =
		(struct cp_session *)((char *)timer - offsetof(struct cp_session, timer));
	struct cp_call *call = s->call;
	int err = 0;

	if (s->transaction)
		return;
	if (s->state == CP_SESSION_DELETING)
		err = send_plain(s, ABI_SESSION_DELETE);
	else if (s->again || s->state != CP_SESSION_ACTIVE)
		err = s->planned ? cp_media_send_plan(s) : 0;
	else
		err = send_more(s);
	if (!err)
		return;
	if (s->state == CP_SESSION_DELETING)
		cp_media_free_session(s);
	else if (!call->media_error)
		call->media_error = err;
	settled(call);
}

static void retry(struct cp_session *s)
{
	struct sip_layer *layer = s->call->shard->layer;

	s->tries++;
	sip_timer_start(
		sip_layer_wheel(layer), &s->timer, sip_layer_now(layer) + RETRY_MS * s->tries);
}

bool cp_media_busy(const struct cp_call *call)
{
	for (unsigned i = 0; i < CP_SESSIONS; i++) {
		const struct cp_session *s = call->session[i];

		// What waits for hawse-media to come back is not waited for.
		if (s && s->state != CP_SESSION_DELETING && !s->replay &&
			(s->transaction || s->again || sip_timer_running(&s->timer)))
			return true;
	}
	return false;
}

bool cp_media_waits_for_ports(const struct cp_call *call)
{
	for (unsigned i = 0; i < CP_SESSIONS; i++)
		if (call->session[i] && call->session[i]->state == CP_SESSION_ALLOCATING)
			return true;
	return false;
}

bool cp_media_gone(const struct cp_call *call)
{
	for (unsigned i = 0; i < CP_SESSIONS; i++)
		if (call->session[i])
			return false;
	return true;
}

// ---- ports ----------------------------------------------------------------------------------------

// Of whoever is offering now.
static struct sdp_oa *asking_oa(struct cp_call *call)
{
	return call->offer ? cp_oa_of(call->offer) : &call->oa;
}

static uint8_t family_of(
	struct cp_call *call, unsigned leg, const struct sdp_oa_need *need, unsigned i)
{
	const struct sdp_local *local;

	if (leg == (unsigned)need->offerer)
		return need->stream[i].family;
	local = sdp_oa_local(asking_oa(call), (enum sdp_leg)leg, 0);
	return local ? local->family : call->leg[leg].signalling.family;
}

int cp_media_session(struct cp_call *call, unsigned stream, struct cp_session **out)
{
	struct cp_session *s;
	unsigned at = 0;

	while (at < CP_SESSIONS && call->session[at])
		at++;
	if (at == CP_SESSIONS)
		return -EMFILE;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->call = call;
	s->stream = (uint8_t)stream;
	s->slot = ABI_NO_SLOT;
	s->timer.fire = retry_fire;
	call->session[at] = s;
	*out = s;
	return 0;
}

static int alloc_stream(struct cp_call *call, const struct sdp_oa_need *need, unsigned i)
{
	struct abi_port_alloc *want;
	struct cp_session *s;
	struct abi_msg m;
	int err = cp_media_session(call, i, &s);

	if (err)
		return err;
	abi_msg_init(&m, ABI_PORT_ALLOC, 0, ABI_NO_SLOT, 0);
	want = (struct abi_port_alloc *)m.payload;
	want->affinity = ABI_NO_SLOT;
	for (unsigned k = 0; k < CP_SESSIONS; k++)
		if (call->session[k] && call->session[k]->slot != ABI_NO_SLOT)
			want->affinity = call->session[k]->slot;
	want->legs = 2;
	want->call = call->id;
	for (unsigned leg = 0; leg < 2; leg++) {
		want->leg[leg].interface_index = (uint8_t)call->leg[leg].peer->cfg->media;
		want->leg[leg].family = family_of(call, leg, need, i);
		want->leg[leg].kind = ABI_LEG_PAIR;
	}
	err = submit(s, &m);
	if (err)
		cp_media_free_session(s);
	return err;
}

int cp_media_alloc(struct cp_call *call, const struct sdp_oa_need *need)
{
	int sent = 0, err = 0;

	for (unsigned i = 0; i < need->n_streams; i++) {
		if (!need->stream[i].wanted[0] && !need->stream[i].wanted[1])
			continue;
		err = alloc_stream(call, need, i);
		if (err)
			break;
		sent++;
	}
	return sent ? sent : err;
}

static int take_ports(struct cp_session *s, const struct abi_msg *reply)
{
	const struct abi_ports *ports = (const struct abi_ports *)reply->payload;
	int err = 0;

	s->slot = reply->slot;
	s->generation = reply->generation;
	s->epoch = s->call->shard->epoch;
	s->state = CP_SESSION_ALLOCATED;
	cp_media_index(s);
	for (unsigned leg = 0; leg < 2 && !err; leg++) {
		struct sdp_local local = {0};

		s->local[leg] = ports->leg[leg];
		local.family = ports->leg[leg].family;
		local.rtp_port = ports->leg[leg].rtp_port;
		local.rtcp_port = ports->leg[leg].rtcp_port;
		memcpy(local.ip, ports->leg[leg].ip, sizeof(local.ip));
		err = sdp_oa_set_local(asking_oa(s->call), (enum sdp_leg)leg, s->stream, &local);
	}
	return err;
}

// ---- plans ----------------------------------------------------------------------------------------

static int plan_codecs(struct cp_session *s, const struct sdp_plan_stream *stream,
	struct abi_session_plan *plan)
{
	const struct cp_call *call = s->call;
	const struct cp_codecs_want want = {
		.peer = {&call->leg[0].peer->cfg->codecs, &call->leg[1].peer->cfg->codecs},
		.info = {call->leg[0].info_digits, call->leg[1].info_digits},
		.can = call->shard->can,
		.look = call->look || call->music,
		.alone = call->alone,
		.listen = (uint8_t)cp_fax_listens(call),
	};

	return cp_codecs_plan(&want, stream, plan);
}

static int plan_session(struct cp_session *s, const struct sdp_plan_stream *stream, bool final)
{
	uint32_t pending[2] = {0, 0};
	struct abi_session_plan plan = {0};
	int err;

	// A relearn that was never told must not get lost.
	for (unsigned leg = 0; leg < 2; leg++)
		if (s->planned && (s->again || s->transaction))
			pending[leg] = s->plan.leg[leg].flags & ABI_LEG_RELEARN;
	for (unsigned leg = 0; leg < 2; leg++) {
		const struct cp_leg *l = &s->call->leg[leg];
		struct cp_party party = {
			l->peer, l->signalling, s->local[leg].family, s->remote[leg]};

		cp_plan_leg(&party, &stream->leg[leg], final, &plan.leg[leg]);
		// Who types, or steers a camera, says nothing for a long time.
		if (l->peer->cfg->silence == CFG_SILENCE_ALLOW || stream->kind == SDP_TEXT ||
			stream->kind == SDP_APPLICATION)
			plan.leg[leg].flags &= ~(uint32_t)ABI_LEG_TIMEOUT;
		if (!final && s->call->speaking && (s->call->speaking->gate >> leg & 1))
			plan.leg[leg].flags &= ~(uint32_t)ABI_LEG_RECEIVE;
		if (s->call->music >> leg & 1 && plan.leg[leg].remote_rtp_port)
			plan.leg[leg].flags |= ABI_LEG_SEND;
		cp_codecs_heard(&stream->leg[leg], &s->heard[leg]);
		s->remote[leg] = party.remote;
		if (cp_secure_plan(s, leg, &stream->leg[leg], &plan.leg[leg]))
			return -ENOMEM;
		plan.leg[leg].flags |= pending[leg];
	}
	plan.timeout_ms = final ? s->call->policy->cfg->sip.media_timeout * 1000 : 0;
	plan.clock_rate = stream->leg[0].in.rate ? stream->leg[0].in.rate : 8000;
	err = plan_codecs(s, stream, &plan);
	if (err < 0)
		return err;
	s->looked_into = err > 0;
	s->plan = plan;
	s->planned = true;
	return 0;
}

static bool is_local(const struct cp_session *s, const struct sdp_plan_stream *stream)
{
	for (unsigned leg = 0; leg < 2; leg++)
		if (s->local[leg].rtp_port != stream->leg[leg].local.rtp_port ||
			memcmp(s->local[leg].ip, stream->leg[leg].local.ip, 16) != 0)
			return false;
	return true;
}

static void note_name(const struct sdp_plan_leg *leg, char out[24])
{
	out[0] = '\0';
	if (leg->fax.on)
		snprintf(out, 24, "t38");
	else if (leg->in.name[0])
		snprintf(out, 24, "%.16s/%u", leg->in.name, leg->in.rate);
}

static void note_codec(struct cp_call *call, const struct sdp_plan *plan)
{
	call->held = 0;
	for (unsigned i = 0; i < plan->n_streams; i++) {
		const struct sdp_plan_stream *stream = &plan->stream[i];

		if (stream->refusal != SDP_ACCEPTED)
			continue;
		for (unsigned leg = 0; leg < 2; leg++)
			note_name(&stream->leg[leg], call->codec[leg]);
		cp_fax_note(call, stream);
		cp_codecs_why(stream, call->codec_why);
		call->transcoded = stream->recoded || stream->gateway;
		call->hears[0] = stream->leg[0].willing;
		call->hears[1] = stream->leg[1].willing;
		call->held =
			(uint8_t)((stream->leg[0].send ? 0 : 1) | (stream->leg[1].send ? 0 : 2));
		return;
	}
}

bool cp_media_is_codec_error(int error)
{
	return error == -ENOSPC || error == -EOPNOTSUPP;
}

int cp_media_again(struct cp_call *call)
{
	struct sdp_oa *oa = call->speaking ? &call->speaking->oa : &call->oa;

	return cp_media_apply(call, oa, call->state == ABI_CALL_UP);
}

// Every session of the call by the shard's plan.
static int send_plans(struct cp_call *call, bool final)
{
	struct sdp_plan *plan = &call->shard->plan;

	for (unsigned k = 0; k < CP_SESSIONS; k++) {
		struct cp_session *s = call->session[k];
		int err;

		if (!s || s->stream >= plan->n_streams || s->state == CP_SESSION_DELETING ||
			s->state == CP_SESSION_ALLOCATING ||
			plan->stream[s->stream].refusal != SDP_ACCEPTED ||
			!is_local(s, &plan->stream[s->stream]))
			continue;
		err = plan_session(s, &plan->stream[s->stream], final);
		if (err)
			return err;
		s->again = true;
		s->tries = 0;
		if (s->transaction || s->replay)
			continue;
		err = cp_media_send_plan(s);
		if (err == -ENOTCONN && call->oa.agreed_once) {
			s->replay = true; // it is told when hawse-media is there again
			err = 0;
		}
		if (err)
			return err;
	}
	return 0;
}

int cp_media_apply(struct cp_call *call, struct sdp_oa *oa, bool final)
{
	struct cp_shard *shard = call->shard;
	struct sdp_plan *plan = &shard->plan;
	int err;

	cp_bridge_policy(call, oa);
	err = sdp_oa_plan(oa, cp_scratch(shard), plan);
	if (err)
		return err;
	call->alone = false;
	note_codec(call, plan);
	cp_prompt_choose(call, final);
	cp_call_touch(call, true);
	err = send_plans(call, final);
	if (!err)
		cp_prompt_follow(call);
	return err;
}

int cp_media_early(struct cp_call *call)
{
	struct cp_shard *shard = call->shard;
	int err;

	cp_bridge_policy(call, &call->oa);
	err = sdp_oa_plan_early(&call->oa, cp_scratch(shard), &shard->plan);
	call->alone = true;
	return err ? err : send_plans(call, false);
}

// ---- the end --------------------------------------------------------------------------------------

static void release(struct cp_session *s)
{
	struct cp_shard *shard = s->call->shard;

	if (s->state == CP_SESSION_DELETING)
		return;
	if (s->transaction)
		shard->ops->forget(shard->ctx, s->transaction);
	s->transaction = 0;
	cp_media_end_replay(s);
	s->again = false;
	sip_timer_stop(sip_layer_wheel(shard->layer), &s->timer);
	// Ports that were only asked for are given back by the client.
	if (s->state == CP_SESSION_ALLOCATING) {
		cp_media_free_session(s);
		return;
	}
	s->state = CP_SESSION_DELETING;
	s->tries = 0;
	// A restarted hawse-media may have given that slot to somebody else.
	if (s->epoch != shard->epoch) {
		cp_record_old_media(s);
		cp_media_free_session(s);
		return;
	}
	if (send_plain(s, ABI_SESSION_DELETE))
		cp_media_free_session(s);
}

void cp_media_release(struct cp_call *call)
{
	for (unsigned i = 0; i < CP_SESSIONS; i++)
		if (call->session[i])
			release(call->session[i]);
}

void cp_media_drop(struct cp_call *call)
{
	for (unsigned i = 0; i < CP_SESSIONS; i++) {
		struct cp_session *s = call->session[i];

		if (!s)
			continue;
		if (s->transaction)
			call->shard->ops->forget(call->shard->ctx, s->transaction);
		cp_media_free_session(s);
	}
}

static bool in_use(const struct cp_call *call, const struct cp_session *s)
{
	for (unsigned leg = 0; leg < 2; leg++) {
		const struct sdp_local *local =
			sdp_oa_local(&call->oa, (enum sdp_leg)leg, s->stream);

		if (local && local->rtp_port == s->local[leg].rtp_port &&
			memcmp(local->ip, s->local[leg].ip, sizeof(local->ip)) == 0)
			return true;
	}
	return false;
}

void cp_media_sweep(struct cp_call *call)
{
	// Another fork may want them yet.
	if (call->branches)
		return;
	for (unsigned i = 0; i < CP_SESSIONS; i++) {
		struct cp_session *s = call->session[i];

		if (s && s->state != CP_SESSION_ALLOCATING && !in_use(call, s))
			release(s);
	}
}

// ---- replies --------------------------------------------------------------------------------------

// Nothing is in flight any more: whoever waits for it goes on.
static void settled(struct cp_call *call)
{
	struct cp_exchange *x = call->offer ? call->offer : &call->invite;
	int err = call->media_error;

	if (call->state == ABI_CALL_ENDING) {
		cp_call_check(call);
		return;
	}
	if (cp_media_busy(call))
		return;
	call->media_error = 0;
	if (x->phase == CP_PHASE_PORTS)
		x->kind == CP_X_INVITE ? cp_setup_ports(x, err) : cp_change_ports(x, err);
	else if (x->phase == CP_PHASE_MEDIA)
		x->kind == CP_X_INVITE ? cp_setup_media(x, err) : cp_change_settled(x, err);
	else if (err)
		cp_change_media(call, err);
}

static void on_delete(struct cp_session *s, const struct abi_msg *reply)
{
	const struct abi_session_report *report = (const struct abi_session_report *)reply->payload;
	struct cp_call *call = s->call;

	if ((reply->result == -EBUSY || reply->result == -ETIMEDOUT) && call->shard->attached &&
		s->tries < CP_MEDIA_TRIES * 4) {
		retry(s);
		return;
	}
	if (reply->result == 0)
		for (unsigned leg = 0; leg < 2; leg++)
			cp_call_count(call, leg, &report->leg[leg]);
	else if (reply->result == -ECONNRESET)
		cp_record_old_media(s);
	cp_media_free_session(s);
	settled(call);
}

// An answer to a plan: try again what may be tried again.
static void on_plan(struct cp_session *s, const struct abi_msg *reply)
{
	struct cp_call *call = s->call;
	int result = reply->result;

	if ((result == -EBUSY || result == -ETIMEDOUT) && s->tries < CP_MEDIA_TRIES) {
		s->again = true;
		retry(s);
		return;
	}
	if (result == 0) {
		s->state = CP_SESSION_ACTIVE;
		s->tries = 0;
		for (unsigned leg = 0; leg < 2 && !s->again; leg++)
			s->plan.leg[leg].flags &= ~(uint32_t)ABI_LEG_RELEARN;
		result = s->again ? cp_media_send_plan(s) : send_more(s);
	} else if (result == -ECONNRESET && call->oa.agreed_once) {
		s->again = true; // told again after the replay
		s->replay = true;
		result = 0;
	}
	if (result && !call->media_error)
		call->media_error = result;
	if (result)
		s->again = false;
	settled(call);
}

// An answer to what is said besides the plan.
static void on_secure(struct cp_session *s, const struct abi_msg *reply)
{
	struct cp_call *call = s->call;
	int result = reply->result;

	if (result)
		cp_secure_failed(s);
	if ((result == -EBUSY || result == -ETIMEDOUT) && s->tries < CP_MEDIA_TRIES) {
		retry(s);
		return;
	}
	if (result == -ECONNRESET && call->oa.agreed_once) {
		s->replay = true;
		result = 0;
	} else if (!result) {
		s->tries = 0;
		result = s->again ? cp_media_send_plan(s) : send_more(s);
	}
	if (result && !call->media_error)
		call->media_error = result;
	settled(call);
}

// An order that failed is nobody's failure but its own.
static void on_order(struct cp_session *s, const struct abi_msg *reply)
{
	struct cp_call *call = s->call;
	int err = 0;

	cp_order_answered(s, reply->result);
	if (reply->result == -ECONNRESET)
		s->replay = true;
	else if (call->state != ABI_CALL_ENDING)
		err = s->again ? cp_media_send_plan(s) : send_more(s);
	if (err && !call->media_error)
		call->media_error = err;
	settled(call);
}

static void on_ports(struct cp_session *s, const struct abi_msg *reply)
{
	struct cp_call *call = s->call;
	int err = reply->result;

	if (!err)
		err = take_ports(s, reply);
	if (err) {
		if (!call->media_error)
			call->media_error = err;
		if (reply->result)
			cp_media_free_session(s);
		else
			release(s);
	}
	settled(call);
}

static void on_reply(void *user, const struct abi_msg *reply)
{
	struct cp_session *s = user;

	s->transaction = 0;
	if (reply->result)
		cp_count(s->call->shard, CP_C_MEDIA_FAILURES);
	switch (s->state) {
	case CP_SESSION_ALLOCATING:
		on_ports(s, reply);
		break;
	case CP_SESSION_DELETING:
		on_delete(s, reply);
		break;
	default:
		if (cp_secure_is(reply->type & (uint16_t)~ABI_REPLY))
			on_secure(s, reply);
		else if (cp_order_is(reply->type & (uint16_t)~ABI_REPLY))
			on_order(s, reply);
		else
			on_plan(s, reply);
	}
}
