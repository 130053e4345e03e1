// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/call/call.h"
#include "controlplane/call/dtmf.h"
#include "controlplane/call/media.h"
#include "controlplane/call/prompt.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "controlplane/call/fork.h"
#include "controlplane/call/join.h"
#include "controlplane/call/refer.h"
#include "controlplane/log.h"
#include "sip/siphash.h"

// ---- labels ---------------------------------------------------------------------------------------

static uint64_t label_hash(struct cp_shard *shard, struct sip_slice call_id)
{
	const struct sip_hash_key key = {shard->label_key[0], shard->label_key[1]};
	struct sip_hash h;

	sip_hash_start(&h, &key);
	sip_hash_bytes(&h, call_id.p, call_id.n);
	return sip_hash_end(&h).a;
}

uint32_t cp_label_number(struct cp_shard *shard, struct sip_slice number)
{
	return (uint32_t)label_hash(shard, number);
}

void cp_label_set(struct cp_shard *shard, struct sip_slice call_id, uint64_t call, uint8_t leg,
	struct sip_slice number)
{
	uint64_t hash = label_hash(shard, call_id);

	shard->labels[hash & shard->label_mask] =
		(struct cp_label){hash, call, cp_label_number(shard, number), leg, false};
}

void cp_label_fresh(struct cp_shard *shard, struct sip_slice call_id)
{
	uint64_t hash = label_hash(shard, call_id);

	shard->labels[hash & shard->label_mask].fresh = true;
}

const struct cp_label *cp_label_find(struct cp_shard *shard, struct sip_slice call_id)
{
	uint64_t hash = label_hash(shard, call_id);
	const struct cp_label *label = &shard->labels[hash & shard->label_mask];

	return label->call && label->hash == hash ? label : NULL;
}

// ---- life -----------------------------------------------------------------------------------------

static void open_entry(struct cp_call *call)
{
	struct cp_shard *shard = call->shard;
	struct abi_call *entry;

	call->entry = cp_tregion_call_open(shard->tregion, shard->index);
	if (call->entry == CP_NO_CALL)
		return;
	entry = cp_tregion_call_begin(shard->tregion, call->entry);
	entry->shard = (uint8_t)shard->index;
	entry->id = call->id;
	entry->start_us = shard->now_us;
	cp_tregion_call_end(shard->tregion, call->entry);
}

struct cp_call *cp_call_new(struct cp_shard *shard, const struct cp_peer *caller,
	const struct sip_flow *source, uint64_t id)
{
	struct cp_call *call = calloc(1, sizeof(*call));
	uint64_t session_id[2];

	if (!call)
		return NULL;
	call->shard = shard;
	call->id = id;
	call->policy = cp_policy_hold(shard->policy);
	call->leg[0].peer = caller;
	call->leg[0].signalling = source->remote;
	call->leg[0].socket = source->socket;
	call->leg[0].start_us = shard->now_us;
	for (unsigned leg = 0; leg < 2; leg++) {
		call->leg[leg].bye.call = call;
		call->leg[leg].bye.kind = CP_X_BYE;
		call->leg[leg].bye.from = (uint8_t)leg;
	}
	call->invite.call = call;
	call->invite.kind = CP_X_INVITE;
	shard->ops->random(shard->ctx, session_id, sizeof(session_id));
	session_id[0] >>= 2;
	session_id[1] >>= 2;
	sdp_oa_init(&call->oa, session_id);
	call->next = shard->calls;
	if (call->next)
		call->next->prev = call;
	shard->calls = call;
	shard->count++;
	shard->running++;
	open_entry(call);
	cp_call_state(call, ABI_CALL_TRYING);
	return call;
}

void cp_exchange_release(struct cp_exchange *x)
{
	if (x->server)
		sip_tx_set_user(x->server, NULL);
	if (x->client)
		sip_tx_set_user(x->client, NULL);
	x->server = x->client = NULL;
	free(x->lines);
	x->lines = NULL;
	x->phase = CP_PHASE_NEW;
	x->branch = NULL;
	if (x->call && x->call->offer == x)
		x->call->offer = NULL;
	if (x->kind != CP_X_INVITE && x->kind != CP_X_BYE)
		x->kind = CP_X_FREE;
}

struct cp_exchange *cp_exchange_new(struct cp_call *call, enum cp_exchange_kind kind, uint8_t from)
{
	for (unsigned i = 0; i < CP_RELAYS; i++) {
		struct cp_exchange *x = &call->other[i];

		if (x->kind != CP_X_FREE)
			continue;
		*x = (struct cp_exchange){.call = call, .kind = (uint8_t)kind, .from = from};
		return x;
	}
	return NULL;
}

static void unlink_call(struct cp_call *call)
{
	struct cp_shard *shard = call->shard;

	if (shard->replaying == call)
		shard->replaying = call->next;
	if (call->prev)
		call->prev->next = call->next;
	else
		shard->calls = call->next;
	if (call->next)
		call->next->prev = call->prev;
	shard->count--;
	shard->restored -= call->restored;
	if (call->state != ABI_CALL_ENDING)
		shard->running--;
	if (call->state == ABI_CALL_UP)
		shard->up--;
}

struct cp_late *cp_late(struct cp_call *call)
{
	if (!call->late)
		call->late = calloc(1, sizeof(*call->late));
	return call->late;
}

struct cp_media_total cp_call_total(const struct cp_call *call, unsigned leg)
{
	return call->late ? call->late->total[leg] : (struct cp_media_total){0};
}

void cp_call_count(struct cp_call *call, unsigned leg, const struct abi_leg_stats *stats)
{
	struct cp_late *late = cp_late(call);

	if (late)
		cp_media_total_add(&late->total[leg], stats);
}

void cp_call_free(struct cp_call *call)
{
	struct cp_shard *shard = call->shard;

	unlink_call(call);
	cp_call_untouch(call);
	cp_limit_release(call, 0);
	cp_limit_release(call, 1);
	sip_timer_stop(sip_layer_wheel(shard->layer), &call->timer);
	sip_timer_stop(sip_layer_wheel(shard->layer), &call->hop_timer);
	sip_timer_stop(sip_layer_wheel(shard->layer), &call->interim);
	free(call->hops);
	cp_fork_end(call);
	free(call->identity);
	cp_timer_stop(call);
	cp_silence_stop(call);
	for (unsigned leg = 0; leg < 2; leg++)
		sip_timer_stop(sip_layer_wheel(shard->layer), &call->leg[leg].again);
	cp_media_drop(call);
	cp_join_drop(call);
	cp_refer_drop(call);
	cp_exchange_release(&call->invite);
	cp_dtmf_free(call);
	cp_fax_free(call);
	cp_prompt_free(call);
	for (unsigned i = 0; i < CP_RELAYS; i++)
		cp_exchange_release(&call->other[i]);
	cp_branches_free(call, NULL);
	for (unsigned leg = 0; leg < 2; leg++) {
		cp_exchange_release(&call->leg[leg].bye);
		sip_dialog_free(call->leg[leg].dialog);
		free(call->leg[leg].moved_id);
	}
	sdp_oa_fini(&call->oa);
	if (call->entry != CP_NO_CALL)
		cp_tregion_call_close(shard->tregion, call->entry);
	cp_policy_release(call->policy);
	free(call->saved);
	free(call->choice);
	free(call->late);
	free(call->recordings);
	free(call);
}

// ---- what others see ------------------------------------------------------------------------------

const struct cp_listener *cp_leg_listener(const struct cp_call *call, unsigned leg)
{
	const struct cp_policy *policy = call->policy;
	unsigned socket = call->leg[leg].socket;

	return &policy->listeners[socket < policy->listener_count ? socket : 0];
}

unsigned cp_leg_of(const struct cp_call *call, const struct sip_dialog *dialog)
{
	for (const struct cp_branch *b = call->branches; b; b = b->next)
		if (b->caller == dialog)
			return 0;
	return call->leg[0].dialog == dialog ? 0 : 1;
}

struct sip_slice cp_leg_call_id(const struct cp_call *call, unsigned leg)
{
	struct sip_dialog_view view;

	if (!call->leg[leg].dialog)
		return sip_str(call->leg[leg].moved_id ? call->leg[leg].moved_id
						       : call->leg[leg].call_id);
	sip_dialog_view(call->leg[leg].dialog, &view);
	return view.call_id;
}

static void copy_text(char *to, size_t size, struct sip_slice from)
{
	size_t n = from.n < size - 1 ? from.n : size - 1;

	if (n)
		memcpy(to, from.p, n);
	memset(to + n, 0, size - n);
}

void cp_call_show(struct cp_call *call)
{
	struct cp_tregion *t = call->shard->tregion;
	struct abi_call *entry;

	if (call->entry == CP_NO_CALL)
		return;
	entry = cp_tregion_call_begin(t, call->entry);
	entry->state = call->state;
	entry->held = call->held;
	entry->streams = 0;
	entry->answer_us = call->leg[0].answer_us;
	for (unsigned i = 0; i < CP_SESSIONS; i++) {
		const struct cp_session *s = call->session[i];

		if (!s || s->slot == ABI_NO_SLOT || s->state == CP_SESSION_DELETING)
			continue;
		entry->media_slot[entry->streams] = s->slot;
		entry->media_generation[entry->streams++] = s->generation;
	}
	for (unsigned leg = 0; leg < 2; leg++) {
		const struct cp_peer *peer = call->leg[leg].peer;

		copy_text(entry->peer[leg], sizeof(entry->peer[leg]),
			sip_str(peer ? peer->cfg->name : ""));
		copy_text(entry->call_id[leg], sizeof(entry->call_id[leg]),
			cp_leg_call_id(call, leg));
	}
	copy_text(entry->from, sizeof(entry->from), sip_str(call->from));
	copy_text(entry->to, sizeof(entry->to), sip_str(call->to));
	copy_text(entry->codec, sizeof(entry->codec), sip_str(call->codec[0]));
	copy_text(entry->far_codec, sizeof(entry->far_codec),
		sip_str(call->transcoded ? call->codec[1] : ""));
	cp_tregion_call_end(t, call->entry);
}

void cp_call_event(struct cp_call *call, uint8_t leg, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	cp_tregion_event(call->shard->tregion, call->shard->index, call->shard->now_us, call->id,
		leg, "%s", text);
	if (cp_log_wants(CP_LOG_DEBUG, "call"))
		cp_log(CP_LOG_DEBUG, "call", call->id, "%s%s",
			leg == 0   ? "caller: "
			: leg == 1 ? "callee: "
				   : "",
			text);
}

const char *cp_call_codecs(const struct cp_call *call, char text[CP_CODECS_TEXT])
{
	if (!call->codec[0][0])
		return "no codec";
	if (call->transcoded)
		snprintf(text, CP_CODECS_TEXT, "%s | %s (%s)", call->codec[0], call->codec[1],
			call->codec_why);
	else
		snprintf(text, CP_CODECS_TEXT, "%s (%s)", call->codec[0], call->codec_why);
	return text;
}

void cp_call_state(struct cp_call *call, enum abi_call_state state)
{
	struct cp_shard *shard = call->shard;

	if (call->state == (uint8_t)state)
		return;
	if (call->state == ABI_CALL_UP)
		shard->up--;
	if (state == ABI_CALL_UP)
		shard->up++;
	if (state == ABI_CALL_ENDING)
		shard->running--;
	call->state = (uint8_t)state;
	abi_store64(&shard->counters[CP_C_CALLS_CURRENT], shard->running);
	abi_store64(&shard->counters[CP_C_CALLS_UP], shard->up);
	cp_call_show(call);
}

void cp_call_result(struct cp_call *call, enum cp_result result)
{
	if (call->counted)
		return;
	call->counted = true;
	cp_count(call->shard, CP_C_CALLS + (unsigned)result);
}
