// SPDX-License-Identifier: BSD-3-Clause
//
// What both sides of the transaction layer share: the layer itself, the life of a transaction,
// receiving and sending.
#include <errno.h>
#include <stdlib.h>

#include "sip/inspect.h"
#include "sip/tx.h"

#define BUCKETS_AT_START 1024

static struct sip_transaction *tx_of(struct sip_timer *t)
{
	return (struct sip_transaction *)((char *)t - offsetof(struct sip_transaction, timer));
}

static void set_defaults(struct sip_layer_config *c)
{
	c->t1 = c->t1 ? c->t1 : 500;
	c->t2 = c->t2 ? c->t2 : 4000;
	c->t4 = c->t4 ? c->t4 : 5000;
	c->trying_after = c->trying_after ? c->trying_after : 200;
	c->together = c->together ? c->together : 1;
	c->transactions = c->transactions ? c->transactions : 1000000;
	c->retry_after = c->retry_after ? c->retry_after : 5;
}

// The sum of a client's timer E until the retransmission that is followed by T2.
static uint32_t e_reset(const struct sip_layer_config *c)
{
	uint32_t sum = 0;
	for (uint32_t e = c->t1; e < c->t2; e *= 2)
		sum += e;
	return sum;
}

int sip_layer_new(const struct sip_layer_config *config, struct sip_layer **out)
{
	struct sip_layer *l;
	int err;

	if (!config->ops || !config->ids.random || !config->ops->send || !config->ops->sent_by)
		return -EINVAL;
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->config = *config;
	set_defaults(&l->config);
	l->ops = *config->ops;
	l->ctx = config->ctx;
	l->e_reset = e_reset(&l->config);
	config->ids.random(config->ids.ctx, &l->hash_key, sizeof(l->hash_key));
	sip_wheel_init(&l->wheel, config->now, l->ctx);
	err = sip_table_init(&l->table, BUCKETS_AT_START);
	if (!err)
		err = sip_table_init(&l->merged, BUCKETS_AT_START);
	if (err) {
		sip_table_free(&l->table);
		free(l);
		return err;
	}
	*out = l;
	return 0;
}

// ---- the life of a transaction

static void tx_free(struct sip_transaction *tx)
{
	struct sip_layer *l = tx->layer;

	if (tx->on_end)
		tx->on_end(tx);
	if (!(tx->flags & SIP_TX_INTERNAL) && l->ops.terminated)
		l->ops.terminated(l->ctx, tx);
	l->counters.transactions--;
	free(tx->bytes);
	free(tx->answer); // cancel_lines shares its place
	free(tx);
}

static void tx_unlink(struct sip_transaction *tx)
{
	sip_table_remove(&tx->layer->table, &tx->node);
	if (tx->flags & SIP_TX_MERGED)
		sip_table_remove(&tx->layer->merged, &tx->merge);
	tx->flags &= (uint8_t)~SIP_TX_MERGED;
}

static void tx_fire(struct sip_timer *t, void *ctx)
{
	struct sip_transaction *tx = tx_of(t);
	struct sip_layer *l = tx->layer;

	if (tx->state != SIP_TX_TERMINATED) {
		if (tx->kind == SIP_TX_INVITE_CLIENT || tx->kind == SIP_TX_CLIENT)
			sip_client_fire(tx);
		else
			sip_server_fire(tx);
		return;
	}
	bool heard = !(tx->flags & SIP_TX_INTERNAL);
	if (tx->error) {
		l->counters.transport_errors++;
		if (heard && l->ops.transport_error)
			l->ops.transport_error(l->ctx, tx, tx->error);
	}
	tx_free(tx);
}

int sip_tx_new(struct sip_layer *l, enum sip_tx_kind kind, enum sip_method method,
	struct sip_key key, const struct sip_flow *flow, struct sip_transaction **out)
{
	struct sip_transaction *tx = calloc(1, sizeof(*tx));

	if (!tx) {
		l->counters.no_memory++;
		return -ENOMEM;
	}
	tx->layer = l;
	tx->kind = (uint8_t)kind;
	tx->method = (uint8_t)method;
	tx->flow = *flow;
	tx->timer.fire = tx_fire;
	tx->node.key = key;
	sip_table_add(&l->table, &tx->node);
	if (++l->counters.transactions > l->counters.transactions_max)
		l->counters.transactions_max = l->counters.transactions;
	*out = tx;
	return 0;
}

void sip_tx_start(struct sip_transaction *tx, uint64_t after)
{
	struct sip_wheel *w = &tx->layer->wheel;
	sip_timer_start(w, &tx->timer, w->now + after);
}

void sip_tx_linger(struct sip_transaction *tx, uint64_t after)
{
	struct sip_wheel *w = &tx->layer->wheel;
	uint64_t due = w->now + after, step = tx->layer->config.together;

	if (after)
		due = (due + step - 1) / step * step;
	sip_timer_start(w, &tx->timer, due);
}

void sip_tx_end(struct sip_transaction *tx)
{
	if (tx->state == SIP_TX_TERMINATED)
		return;
	tx->state = SIP_TX_TERMINATED;
	tx_unlink(tx);
	sip_tx_start(tx, 0);
}

void sip_tx_fail(struct sip_transaction *tx, int error)
{
	if (tx->state == SIP_TX_TERMINATED)
		return;
	// A client that has its final response has nothing more to tell.
	bool client = tx->kind == SIP_TX_INVITE_CLIENT || tx->kind == SIP_TX_CLIENT;
	// 18.1.1: long as it is, better by UDP than not at all.
	if (client && sip_tx_route_back(tx)) {
		sip_client_start(tx);
		return;
	}
	if (!client || tx->status < 200)
		tx->error = error ? error : -EIO;
	sip_tx_end(tx);
}

void sip_tx_time_out(struct sip_transaction *tx)
{
	struct sip_layer *l = tx->layer;

	if (tx->state == SIP_TX_TERMINATED)
		return;
	l->counters.timeouts++;
	tx->flags |= SIP_TX_TIMED_OUT;
	sip_tx_end(tx);
	if (!(tx->flags & SIP_TX_INTERNAL) && l->ops.timeout)
		l->ops.timeout(l->ctx, tx);
}

int sip_tx_keep(struct sip_transaction *tx, const void *bytes, size_t n)
{
	uint8_t *copy = malloc(n);

	if (!copy) {
		tx->layer->counters.no_memory++;
		return -ENOMEM;
	}
	memcpy(copy, bytes, n);
	free(tx->bytes);
	tx->bytes = copy;
	tx->bytes_len = (uint32_t)n;
	return 0;
}

void sip_tx_drop(struct sip_transaction *tx)
{
	free(tx->bytes);
	tx->bytes = NULL;
	tx->bytes_len = 0;
}

// ---- sending

struct sip_build sip_layer_build(struct sip_layer *l)
{
	return sip_build((char *)l->scratch, sizeof(l->scratch));
}

int sip_send(struct sip_layer *l, const struct sip_flow *to, const uint8_t *bytes, size_t n)
{
	l->counters.sent++;
	if (l->ops.trace)
		l->ops.trace(l->ctx, to, true, bytes, n);
	return l->ops.send(l->ctx, to, bytes, n);
}

int sip_tx_put(struct sip_transaction *tx, const uint8_t *bytes, size_t n)
{
	int err = sip_send(tx->layer, &tx->flow, bytes, n);
	if (err)
		sip_tx_fail(tx, err);
	return err;
}

void sip_reply_stateless(struct sip_layer *l, const struct sip_flow *source,
	const struct sip_message *m, int status, const char *reason, const char *lines)
{
	struct sip_build b = sip_layer_build(l);
	struct sip_hash h;
	char tag[SIP_ID_TEXT];
	uint8_t raw[16];

	if (!m->is_request || m->method == SIP_ACK)
		return;
	sip_hash_start(&h, &l->hash_key);
	sip_hash_slice(&h, sip_message_call_id(m), false);
	sip_hash_slice(&h, sip_message_value(m, SIP_H_FROM), false);
	sip_hash_slice(&h, sip_message_value(m, SIP_H_CSEQ), false);
	sip_hash_slice(&h, sip_message_value(m, SIP_H_VIA), false);
	struct sip_key key = sip_hash_end(&h);
	memcpy(raw, &key, sizeof(raw));
	for (int i = 0; i < 16; i++)
		tag[i] = "abcdefghijklmnopqrstuvwxyz234567"[raw[i] & 31];
	sip_build_response(&b, m, source, status, sip_str(reason), sip_slice(tag, 16));
	sip_build_lines(&b, sip_str(lines));
	int n = sip_build_end(&b, sip_slice("", 0));
	if (n > 0 && n <= SIP_MESSAGE_MAX)
		sip_send(l, source, l->scratch, (size_t)n);
}

// ---- receiving

struct sip_key sip_key_client(struct sip_layer *l, struct sip_slice branch, struct sip_slice method)
{
	struct sip_hash h;
	sip_hash_start(&h, &l->hash_key);
	sip_hash_bytes(&h, "c", 1);
	sip_hash_slice(&h, branch, false);
	sip_hash_slice(&h, method, false);
	return sip_hash_end(&h);
}

static void refuse(struct sip_layer *l, const struct sip_flow *source, const struct sip_screened *s)
{
	const struct sip_capabilities *c = l->config.capabilities;
	char lines[SIP_INSPECT_LINES] = "";

	if (s->status == 501 && c && c->methods) {
		struct sip_build b = sip_build(lines, sizeof(lines) - 1);
		sip_build_header(&b, "Allow", sip_str(c->methods));
		lines[sip_build_check(&b) ? 0 : b.n] = '\0';
	}
	sip_reply_stateless(l, source, &l->in, s->status, s->text, lines);
}

void sip_layer_receive(
	struct sip_layer *l, const struct sip_flow *source, const uint8_t *data, size_t n)
{
	struct sip_screened s = sip_screen(&l->in, data, n, source->transport);

	l->counters.received++;
	if (s.refusal != SIP_REFUSE_KEEPALIVE && l->ops.trace)
		l->ops.trace(l->ctx, source, false, data, n);
	if (s.verdict != SIP_SCREEN_ACCEPT) {
		l->counters.refused[s.refusal]++;
		if (l->ops.refused)
			l->ops.refused(l->ctx, source, s.refusal);
		if (s.verdict == SIP_SCREEN_REPLY)
			refuse(l, source, &s);
		return;
	}
	if (l->in.is_request) {
		l->counters.requests++;
		sip_server_request(l, source, &l->in);
	} else {
		l->counters.responses++;
		sip_client_response(l, &l->in);
	}
}

struct flow_failure {
	const struct sip_flow *flow;
	int error;
};

static bool same_flow(const struct sip_flow *a, const struct sip_flow *b)
{
	return a->transport == b->transport && a->socket == b->socket &&
	       a->connection == b->connection &&
	       (a->connection || sip_addr_equal(&a->remote, &b->remote));
}

static void fail_on_flow(struct sip_node *node, void *ctx)
{
	struct sip_transaction *tx = (struct sip_transaction *)node;
	struct flow_failure *f = ctx;
	bool client = tx->kind == SIP_TX_INVITE_CLIENT || tx->kind == SIP_TX_CLIENT;

	if (!same_flow(&tx->flow, f->flow))
		return;
	// What is not answered yet may be answered on another connection (18.2.2): send() will say.
	if (!client && tx->status < 200)
		return;
	switch (tx->state) {
	case SIP_TX_CALLING:
	case SIP_TX_TRYING:
	case SIP_TX_PROCEEDING:
		sip_tx_fail(tx, f->error);
		break;
	default: // what it still does is answer retransmissions, and there will be none
		sip_tx_end(tx);
	}
}

void sip_layer_flow_failed(struct sip_layer *l, const struct sip_flow *flow, int error)
{
	struct flow_failure f = {flow, error};
	sip_table_each(&l->table, fail_on_flow, &f);
}

// ---- the layer

static void end_each(struct sip_node *node, void *ctx)
{
	sip_tx_end((struct sip_transaction *)node);
}

void sip_layer_free(struct sip_layer *l)
{
	if (!l)
		return;
	sip_table_each(&l->table, end_each, NULL);
	// Those that ended are on the wheel, due now or at the next tick; TU timers are the TU's.
	while (l->counters.transactions)
		sip_wheel_advance(&l->wheel, l->wheel.now + 1);
	sip_table_free(&l->table);
	sip_table_free(&l->merged);
	free(l);
}

void sip_layer_tick(struct sip_layer *l, uint64_t now)
{
	sip_wheel_advance(&l->wheel, now);
}

uint64_t sip_layer_next(const struct sip_layer *l)
{
	return sip_wheel_next(&l->wheel);
}

uint64_t sip_layer_now(const struct sip_layer *l)
{
	return l->wheel.now;
}

struct sip_wheel *sip_layer_wheel(struct sip_layer *l)
{
	return &l->wheel;
}

const struct sip_ids *sip_layer_ids(const struct sip_layer *l)
{
	return &l->config.ids;
}

const struct sip_layer_counters *sip_layer_counters(const struct sip_layer *l)
{
	return &l->counters;
}

uint32_t sip_layer_t1(const struct sip_layer *l)
{
	return l->config.t1;
}

uint32_t sip_layer_t2(const struct sip_layer *l)
{
	return l->config.t2;
}

enum sip_tx_kind sip_tx_kind(const struct sip_transaction *tx)
{
	return tx->kind;
}

enum sip_tx_state sip_tx_state(const struct sip_transaction *tx)
{
	return tx->state;
}

enum sip_method sip_tx_method(const struct sip_transaction *tx)
{
	return tx->method;
}

int sip_tx_status(const struct sip_transaction *tx)
{
	return tx->status;
}

const struct sip_flow *sip_tx_flow(const struct sip_transaction *tx)
{
	return &tx->flow;
}

struct sip_layer *sip_tx_layer(const struct sip_transaction *tx)
{
	return tx->layer;
}

void *sip_tx_user(const struct sip_transaction *tx)
{
	return tx->user;
}

void sip_tx_set_user(struct sip_transaction *tx, void *user)
{
	tx->user = user;
}

void sip_tx_key(const struct sip_transaction *tx, uint8_t key[16])
{
	memcpy(key, &tx->node.key, 16);
}
