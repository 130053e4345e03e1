// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/shard.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "controlplane/call/call.h"
#include "controlplane/call/dtmf.h"
#include "controlplane/call/fork.h"
#include "controlplane/call/join.h"
#include "controlplane/call/journal.h"
#include "controlplane/call/media.h"
#include "controlplane/call/persist.h"
#include "controlplane/call/recording.h"
#include "controlplane/call/refer.h"
#include "controlplane/call/subscribe.h"
#include "controlplane/log.h"
#include "controlplane/registrar/enrol.h"
#include "controlplane/registrar/registrar.h"

#define LABELS_LEAST 4096u
#define LABELS_MOST  (1u << 20)

static const struct sip_capabilities capabilities = {
	.methods = CP_ALLOW ", REGISTER",
	.options = CP_OPTIONS ", path, outbound, gruu",
	.encodings = "identity",
};

// ---- requests --------------------------------------------------------------------------------------

static void in_dialog(
	struct cp_shard *shard, struct sip_transaction *tx, const struct sip_message *m)
{
	struct sip_dialog *d = sip_dialog_of(shard->dialogs, m);
	struct cp_call *call = d ? sip_dialog_user(d) : NULL;
	unsigned leg = call ? cp_leg_of(call, d) : 0;

	// Whoever knows the tags but sends from elsewhere learns nothing.
	if (call && !cp_is_party(call, leg, d, sip_tx_flow(tx))) {
		cp_count(shard, CP_C_DROP_SOURCE);
		sip_respond_simple(tx, 481, NULL);
		return;
	}
	if (sip_dialog_on_request(shard->dialogs, tx, m, &d))
		return;
	call = sip_dialog_user(d);
	if (!call) {
		sip_respond_simple(tx, m->method == SIP_BYE ? 200 : 481, NULL);
		return;
	}
	cp_call_touch(call, false);
	cp_change_request(call, leg, d, tx, m);
}

static void options(struct cp_shard *shard, struct sip_transaction *tx)
{
	// RFC 3261 11.2: answered as an INVITE would be.
	if (shard->stopping || shard->draining || !shard->ready)
		sip_respond_simple(tx, 503, "Retry-After: 5\r\n");
	else
		sip_respond_simple(tx, 200,
			"Allow: " CP_ALLOW "\r\n" CP_ACCEPT "Supported: " CP_OPTIONS
			"\r\n");
}

static void on_request(void *ctx, struct sip_transaction *tx, const struct sip_message *m)
{
	struct cp_shard *shard = ctx;

	if (sip_message_to_tag(m).n) {
		in_dialog(shard, tx, m);
		return;
	}
	if (m->method == SIP_INVITE) {
		cp_setup_invite(shard, tx, m);
		return;
	}
	if (m->method == SIP_REGISTER) {
		cp_shard_registers(shard, tx, m);
		return;
	}
	if (!cp_who(shard, shard->policy, sip_tx_flow(tx)))
		sip_respond_simple(tx, 403, NULL);
	else if (m->method == SIP_OPTIONS)
		options(shard, tx);
	else if (m->method == SIP_MESSAGE)
		sip_respond_simple(tx, 405, "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS\r\n");
	else
		cp_subscribe_outside(tx, m);
}

static struct cp_exchange *awaits_ack(struct cp_call *call, unsigned leg)
{
	if (call->invite.phase == CP_PHASE_ANSWERED && leg == 0)
		return &call->invite;
	for (unsigned i = 0; i < CP_RELAYS; i++) {
		struct cp_exchange *x = &call->other[i];

		if (x->kind == CP_X_REINVITE && x->phase == CP_PHASE_ANSWERED && x->from == leg)
			return x;
	}
	return NULL;
}

static void on_ack(void *ctx, const struct sip_message *m, const struct sip_flow *source)
{
	struct cp_shard *shard = ctx;
	struct sip_dialog *d = sip_dialog_of(shard->dialogs, m);
	struct cp_call *call = d ? sip_dialog_user(d) : NULL;
	struct cp_exchange *x;
	unsigned leg;

	if (call && !cp_is_party(call, cp_leg_of(call, d), d, source)) {
		cp_count(shard, CP_C_DROP_SOURCE);
		return;
	}
	if (sip_dialog_on_ack(shard->dialogs, m, &d) || !call)
		return;
	call->old_ok = false;
	cp_call_touch(call, false);
	leg = cp_leg_of(call, d);
	if (call->leg[leg].bye_wanted) {
		cp_end_acked(call, leg);
		return;
	}
	x = awaits_ack(call, leg);
	if (!x) {
		cp_change_tell_due(call);
		return;
	}
	if (x->kind == CP_X_INVITE)
		cp_setup_ack(x, m);
	else
		cp_change_ack(x, m);
}

static void on_no_ack(void *ctx, struct sip_dialog *d)
{
	struct cp_call *call = sip_dialog_user(d);

	if (!call)
		return;
	if (call->state == ABI_CALL_ENDING) {
		cp_end_acked(call, cp_leg_of(call, d));
		return;
	}
	// Of a 2xx from before a restart nobody knows whether its ACK came then.
	if (call->old_ok) {
		call->old_ok = false;
		cp_call_touch(call, false);
		return;
	}
	cp_reason_set(call, "SIP", 408, "no ACK");
	cp_call_end(call, CP_BY_HAWSE, 408, sip_str("No ACK"), NULL);
}

static void on_no_prack(void *ctx, struct sip_dialog *d)
{
	struct cp_call *call = sip_dialog_user(d);

	if (call && call->state != ABI_CALL_ENDING)
		cp_prack_never(call);
}

static void on_cancel(void *ctx, struct sip_transaction *invite, const struct sip_message *m)
{
	struct cp_exchange *x = sip_tx_user(invite);

	if (!x)
		return;
	if (x->kind == CP_X_INVITE)
		cp_setup_cancel(x->call, m);
	else
		cp_change_cancel(x);
}

// ---- responses, and their absence ------------------------------------------------------------------

static void bye_done(struct cp_exchange *x)
{
	if (x->client)
		sip_tx_set_user(x->client, NULL);
	x->client = NULL;
	cp_call_check(x->call);
}

static void on_response(void *ctx, struct sip_transaction *tx, const struct sip_message *m)
{
	struct cp_exchange *x = sip_tx_user(tx);

	if (!x) {
		cp_orphan_response(ctx, tx, m);
		return;
	}
	switch (x->kind) {
	case CP_X_INVITE:
		cp_setup_response(x, tx, m);
		break;
	case CP_X_BYE:
		if (m->status >= 200)
			bye_done(x);
		break;
	case CP_X_REAP:
		break;
	case CP_X_FORK:
		cp_fork_response(x, tx, m);
		break;
	case CP_X_REGISTER:
		cp_enrol_response(x, tx, m);
		break;
	case CP_X_PING:
		cp_health_response(x, m->status);
		break;
	case CP_X_NOTIFY:
		if (m->status >= 200)
			cp_refer_notified(x, m->status);
		break;
	case CP_X_JOIN:
		cp_join_response(x, tx, m);
		break;
	case CP_X_RESTORE:
		cp_restore_response(x, tx, m);
		break;
	case CP_X_DIGIT:
		if (m->status >= 200)
			cp_dtmf_answered(x, m->status);
		break;
	default:
		cp_call_touch(x->call, false);
		cp_change_response(x, tx, m);
	}
}

static bool on_challenged(void *ctx, struct sip_transaction *tx, const struct sip_message *m,
	struct sip_slice request)
{
	return cp_enrol_challenged(ctx, tx, m, request);
}

static void failed(struct sip_transaction *tx, int status, const char *why)
{
	struct cp_exchange *x = sip_tx_user(tx);

	if (!x || x->client != tx)
		return;
	x->client = NULL;
	sip_tx_set_user(tx, NULL);
	switch (x->kind) {
	case CP_X_INVITE:
		cp_setup_failed(x, status, why);
		break;
	case CP_X_BYE:
		bye_done(x);
		break;
	case CP_X_PING:
		cp_health_failed(x);
		break;
	case CP_X_REAP:
		sip_dialog_free(x->dialog);
		free(x);
		break;
	case CP_X_FORK:
		cp_fork_failed(x, status, why);
		break;
	case CP_X_REGISTER:
		cp_enrol_failed(x, status, why);
		break;
	case CP_X_NOTIFY:
		cp_refer_notified(x, status);
		break;
	case CP_X_JOIN:
		cp_join_failed(x, status);
		break;
	case CP_X_RESTORE:
		cp_exchange_release(x);
		break;
	case CP_X_DIGIT:
		cp_dtmf_answered(x, status);
		break;
	default:
		cp_change_failed(x, status, why);
	}
}

static void on_timeout(void *ctx, struct sip_transaction *tx)
{
	failed(tx, 408, "no answer");
}

static void on_transport_error(void *ctx, struct sip_transaction *tx, int error)
{
	failed(tx, 503, "cannot be reached");
}

static void on_terminated(void *ctx, struct sip_transaction *tx)
{
	struct cp_exchange *x = sip_tx_user(tx);

	if (!x)
		return;
	if (x->server == tx)
		x->server = NULL;
	if (x->client == tx)
		x->client = NULL;
	if (x->kind == CP_X_REAP) {
		sip_dialog_free(x->dialog);
		free(x);
	} else if (x->kind == CP_X_BYE) {
		cp_call_check(x->call);
	} else if (x->kind == CP_X_RELAY && !x->server && !x->client) {
		cp_exchange_release(x);
	}
}

// ---- the wire --------------------------------------------------------------------------------------

static struct sip_slice on_sent_by(void *ctx, const struct sip_flow *flow)
{
	const struct cp_policy *policy = ((struct cp_shard *)ctx)->policy;

	return sip_str(policy->listeners[flow->socket < policy->listener_count ? flow->socket : 0]
			       .sent_by);
}

// What is traced is what was on the wire: before the rules for what comes in, after those for what goes
// out (on_send).
static void on_trace(
	void *ctx, const struct sip_flow *flow, bool out, const uint8_t *bytes, size_t n)
{
	struct cp_shard *shard = ctx;

	if (!out && shard->wire)
		cp_shard_trace(shard, flow, out, shard->wire, shard->wire_size);
	else if (!out || !cp_rewrites(shard, CFG_OUT, flow))
		cp_shard_trace(shard, flow, out, bytes, n);
}

static int on_send(void *ctx, const struct sip_flow *to, const uint8_t *bytes, size_t n)
{
	struct cp_shard *shard = ctx;
	int err;

	if (cp_rewrites(shard, CFG_OUT, to)) {
		err = cp_rewrite(shard, CFG_OUT, to, &bytes, &n);
		if (err) {
			cp_count(shard, CP_C_DROP_RULES);
			return err;
		}
		cp_shard_trace(shard, to, true, bytes, n);
	}
	return shard->ops->send(shard->ctx, to, bytes, n);
}

static int on_route(void *ctx, struct sip_flow *flow, size_t n)
{
	struct cp_shard *shard = ctx;

	return shard->ops->route ? shard->ops->route(shard->ctx, flow, n) : 0;
}

// Header rules may make it longer.
static size_t on_wire_size(
	void *ctx, const struct sip_flow *flow, const uint8_t *bytes, size_t n)
{
	return cp_rewrite(ctx, CFG_OUT, flow, &bytes, &n) ? 0 : n;
}

static void on_refused(void *ctx, const struct sip_flow *source, enum sip_refusal why)
{
	struct cp_shard *shard = ctx;

	if (why != SIP_REFUSE_KEEPALIVE && shard->ops->junk)
		shard->ops->junk(shard->ctx, source);
}

static const struct sip_layer_ops layer_ops = {
	.send = on_send,
	.sent_by = on_sent_by,
	.request = on_request,
	.ack = on_ack,
	.cancel = on_cancel,
	.response = on_response,
	.timeout = on_timeout,
	.transport_error = on_transport_error,
	.terminated = on_terminated,
	.trace = on_trace,
	.route = on_route,
	.wire_size = on_wire_size,
	.refused = on_refused,
	.challenged = on_challenged,
};

static const struct sip_dialog_ops dialog_ops = {.no_ack = on_no_ack, .no_prack = on_no_prack};

// What a stranger sends is not even looked at, unless he carries on a call that began when he was
// none.
static bool is_ignored(
	struct cp_shard *shard, const struct sip_flow *source, const uint8_t *data, size_t n)
{
	struct sip_peek peek;

	if (shard->policy->cfg->sip.strangers != CFG_IGNORE || cp_who(shard, shard->policy, source) ||
		(shard->registrar && cp_registrar_serves(shard->registrar)))
		return false;
	return sip_peek_call(data, n, &peek) || !peek.call_id.n || !cp_label_find(shard, peek.call_id);
}

static void receive(
	struct cp_shard *shard, const struct sip_flow *source, const uint8_t *data, size_t n)
{
	const uint8_t *bytes = data;
	size_t size = n;

	if (cp_rewrite(shard, CFG_IN, source, &bytes, &size)) {
		cp_count(shard, CP_C_DROP_RULES);
		return;
	}
	if (bytes != data) {
		shard->wire = data;
		shard->wire_size = n;
	}
	sip_layer_receive(shard->layer, source, bytes, size);
	shard->wire = NULL;
}

void cp_shard_receive(
	struct cp_shard *shard, const struct sip_flow *source, const uint8_t *data, size_t n)
{
	shard->fresh = 0;
	if (is_ignored(shard, source, data, n))
		cp_count(shard, CP_C_DROP_STRANGER);
	else
		receive(shard, source, data, n);
}

bool cp_shard_knows(struct cp_shard *shard, struct sip_slice call_id)
{
	return call_id.n && cp_label_find(shard, call_id);
}

// UDP's ICMP may be a peer that is starting again, so requests are repeated all the same; but where
// another target waits, a call that nobody has answered goes there at once. A storm of ICMP gets 20
// walks over the calls a second.
void cp_shard_unreachable(struct cp_shard *shard, const struct sip_flow *to, int error)
{
	struct cp_call *next;

	cp_health_unreachable(shard, to);
	if (shard->now_us - shard->failed_us > 1000000) {
		shard->failed_us = shard->now_us;
		shard->failed = 0;
	}
	if (shard->failed++ >= 20)
		return;
	cp_enrol_unreachable(shard, to);
	for (struct cp_call *call = shard->calls; call; call = next) {
		struct cp_exchange *x = &call->invite;

		next = call->next;
		if (call->forks) {
			cp_fork_unreachable(call, to);
			continue;
		}
		if (!x->client || sip_tx_state(x->client) != SIP_TX_CALLING ||
			(!cp_route_has_more(call) && !call->hops_left) ||
			!sip_addr_equal(&sip_tx_flow(x->client)->remote, &to->remote))
			continue;
		sip_client_cancel(x->client, sip_slice(NULL, 0));
		cp_setup_failed(x, 503, "cannot be reached");
	}
}

void cp_shard_closed(struct cp_shard *shard, const struct sip_flow *flow, int error)
{
	sip_layer_flow_failed(shard->layer, flow, error ? error : -ECONNRESET);
	cp_enrol_closed(shard, flow);
}

// ---- life ------------------------------------------------------------------------------------------

static int new_layer(struct cp_shard *shard)
{
	struct sip_layer_config config = {
		.ops = &layer_ops,
		.ctx = shard,
		.capabilities = &capabilities,
		.now = shard->now_us / 1000,
		.together = 128,
	};
	int err;

	// By its first letter a Call-ID or branch of ours leads back to this shard.
	config.ids.prefix[0] = (char)('a' + shard->index);
	config.ids.random = shard->ops->random;
	config.ids.ctx = shard->ctx;
	err = sip_layer_new(&config, &shard->layer);
	return err ? err : sip_dialogs_new(shard->layer, &dialog_ops, shard, &shard->dialogs);
}

int cp_shard_new(const struct cp_shard_config *config, struct cp_shard **out)
{
	struct cp_shard *shard = calloc(1, sizeof(*shard));
	uint64_t labels = LABELS_LEAST;
	int err = -ENOMEM;

	if (!shard)
		return -ENOMEM;
	shard->ops = config->ops;
	shard->ctx = config->ctx;
	shard->tregion = config->tregion;
	shard->index = config->index;
	shard->counters = cp_tregion_counters(config->tregion, config->index);
	shard->policy = cp_policy_hold(config->policy);
	shard->registrar = config->registrar;
	shard->now_us = config->now_us;
	shard->realtime_offset_us = config->realtime_offset_us;
	shard->ops->random(shard->ctx, shard->label_key, sizeof(shard->label_key));
	while (labels < 4ull * config->policy->cfg->sip.max_calls && labels < LABELS_MOST)
		labels *= 2;
	shard->label_mask = labels - 1;
	shard->labels = calloc(labels, sizeof(*shard->labels));
	shard->arena_memory = malloc(SDP_OA_SCRATCH);
	shard->trees = sdp_cache_new();
	if (config->ops->keep) {
		shard->record = malloc(CP_JOURNAL_RECORD);
		shard->scratch = cp_persist_scratch_new();
	}
	if (!shard->labels || !shard->arena_memory || !shard->trees ||
		(config->ops->keep && (!shard->record || !shard->scratch)))
		goto out;
	sdp_arena_init(&shard->arena, shard->arena_memory, SDP_OA_SCRATCH);
	shard->arena.cache = shard->trees;
	shard->accounts = config->accounts;
	shard->own_accounts = !config->accounts;
	if (shard->own_accounts && cp_accounts_new(&shard->accounts))
		goto out;
	err = new_layer(shard);
	if (!err)
		err = cp_enrol_set_policy(shard);
	if (err)
		goto out;
	cp_health_start(shard);
	*out = shard;
	return 0;
out:
	cp_shard_free(shard);
	return err;
}

void cp_shard_free(struct cp_shard *shard)
{
	if (!shard)
		return;
	while (shard->calls)
		cp_call_free(shard->calls);
	cp_enrol_free(shard);
	if (shard->layer)
		cp_health_stop(shard);
	if (shard->dialogs)
		sip_dialogs_free(shard->dialogs);
	sip_layer_free(shard->layer);
	cp_policy_release(shard->policy);
	if (shard->own_accounts)
		cp_accounts_free(shard->accounts);
	free(shard->rewriter[CFG_IN]);
	free(shard->rewriter[CFG_OUT]);
	free(shard->by_slot);
	free(shard->labels);
	free(shard->arena_memory);
	sdp_cache_free(shard->trees);
	free(shard->record);
	cp_persist_scratch_free(shard->scratch);
	while (shard->ghosts) {
		struct cp_ghost *next = shard->ghosts->next;

		free(shard->ghosts);
		shard->ghosts = next;
	}
	free(shard);
}

void cp_shard_tick(struct cp_shard *shard, uint64_t now_us)
{
	if (now_us > shard->now_us)
		shard->now_us = now_us;
	sip_layer_tick(shard->layer, shard->now_us / 1000);
	// A call that ended while its session was being claimed leaves its turn to the next.
	if (shard->attached && !shard->ready)
		cp_media_replay(shard);
}

uint64_t cp_shard_next(const struct cp_shard *shard)
{
	uint64_t next = sip_layer_next(shard->layer);

	return next > UINT64_MAX / 1000 ? UINT64_MAX : next * 1000;
}

void cp_shard_set_policy(struct cp_shard *shard, struct cp_policy *policy)
{
	struct cp_policy *old = shard->policy;

	cp_health_stop(shard);
	shard->policy = cp_policy_hold(policy);
	if (cp_enrol_set_policy(shard))
		cp_log(CP_LOG_ERROR, "register", 0, "no memory for a registration");
	cp_health_start(shard);
	cp_policy_release(old);
}

void cp_shard_stop(struct cp_shard *shard)
{
	struct cp_call *next;

	shard->stopping = true;
	for (struct cp_call *call = shard->calls; call; call = next) {
		next = call->next;
		cp_reason_set(call, "Q.850", 38, "shutdown");
		cp_call_end(call, CP_BY_HAWSE, 503, sip_str("Shutdown"), NULL);
	}
}

void cp_shard_drain(struct cp_shard *shard, bool drain)
{
	shard->draining = drain;
}

bool cp_shard_hangup(struct cp_shard *shard, uint64_t id)
{
	for (struct cp_call *call = shard->calls; call; call = call->next) {
		if (call->id != id || call->state == ABI_CALL_ENDING)
			continue;
		cp_reason_set(call, "Q.850", 31, "ended by the operator");
		cp_call_end(call, CP_BY_HAWSE, call->leg[0].answer_us ? 200 : 480,
			sip_str("Ended by the Operator"), NULL);
		return true;
	}
	return false;
}

int cp_shard_record(struct cp_shard *shard, uint64_t id, unsigned kind)
{
	for (struct cp_call *call = shard->calls; call; call = call->next)
		if (call->id == id && call->state != ABI_CALL_ENDING)
			return kind ? cp_recording_start(call, kind) : cp_recording_stop(call);
	return -ENOENT;
}

void cp_shard_each(const struct cp_shard *shard,
	void (*fn)(void *ctx, uint64_t call, unsigned attempt), void *ctx)
{
	for (const struct cp_call *call = shard->calls; call; call = call->next)
		fn(ctx, call->id, call->attempt + 1u);
}

size_t cp_shard_calls(const struct cp_shard *shard)
{
	return shard->count;
}

struct cp_accounts *cp_shard_accounts(const struct cp_shard *shard)
{
	return shard->accounts;
}

void cp_shard_publish(struct cp_shard *shard)
{
	const struct sip_layer_counters *c = sip_layer_counters(shard->layer);
	abi_atomic64 *to = shard->counters;

	for (unsigned i = 0; i < SIP_REFUSE_COUNT; i++)
		abi_store64(&to[CP_C_DROPS + i], c->refused[i]);
	abi_store64(&to[CP_C_DROP_STRAY_RESPONSE], c->stray_responses);
	abi_store64(&to[CP_C_DROP_STRAY_ACK], c->stray_acks);
	abi_store64(&to[CP_C_DROP_OVERLOAD], c->overload);
	abi_store64(&to[CP_C_DROP_NO_MEMORY], c->no_memory);
	abi_store64(&to[CP_C_RETRANSMITS_IN], c->retransmits_in);
	abi_store64(&to[CP_C_RETRANSMITS_OUT], c->retransmits_out);
	abi_store64(&to[CP_C_MERGED], c->merged);
	abi_store64(&to[CP_C_TIMEOUTS], c->timeouts);
	abi_store64(&to[CP_C_TRANSPORT_ERRORS], c->transport_errors);
	abi_store64(&to[CP_C_TRANSACTIONS], c->transactions);
}
