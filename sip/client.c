// SPDX-License-Identifier: BSD-3-Clause
//
// The client transactions: RFC 3261 17.1.1 and 17.1.2, with the Accepted state of RFC 6026 7.2.
#include <errno.h>
#include <stdlib.h>

#include "sip/tx.h"

static bool is_invite(const struct sip_transaction *tx)
{
	return tx->kind == SIP_TX_INVITE_CLIENT;
}

static bool is_reliable(const struct sip_transaction *tx)
{
	return sip_flow_reliable(&tx->flow);
}

// The next of timer A or E, but never past timer B or F.
static void start_retransmit(struct sip_transaction *tx)
{
	uint64_t now = tx->layer->wheel.now, next = now + tx->interval;
	if (is_reliable(tx) || next > tx->give_up)
		next = tx->give_up;
	sip_tx_start(tx, next - now);
}

static int read_own(struct sip_layer *l, const uint8_t *bytes, size_t n, struct sip_via *via,
	struct sip_cseq *cseq)
{
	if (n > SIP_MESSAGE_MAX || sip_message_index(&l->own, bytes, n) || !l->own.is_request ||
		sip_message_via(&l->own, via) || via->branch.n == 0 ||
		sip_message_cseq(&l->own, cseq) || cseq->method == SIP_ACK ||
		!sip_slice_eq(cseq->method_text, l->own.method_text))
		return -EINVAL;
	return 0;
}

static int client_send(struct sip_layer *l, const struct sip_flow *to, const uint8_t *bytes,
	size_t n, void *user, uint8_t flags, struct sip_transaction **out)
{
	struct sip_transaction *tx;
	struct sip_cseq cseq;
	struct sip_via via;

	if (read_own(l, bytes, n, &via, &cseq))
		return -EINVAL;
	struct sip_key key = sip_key_client(l, via.branch, cseq.method_text);
	if (sip_table_find(&l->table, key))
		return -EEXIST;
	bool invite = cseq.method == SIP_INVITE;
	int err = sip_tx_new(
		l, invite ? SIP_TX_INVITE_CLIENT : SIP_TX_CLIENT, cseq.method, key, to, &tx);
	if (err)
		return err;
	tx->user = user;
	tx->flags = flags;
	err = sip_tx_keep(tx, bytes, n);
	if (err) {
		// Nobody has heard of it: no word at its end.
		tx->flags |= SIP_TX_INTERNAL;
		sip_tx_end(tx);
		return err;
	}
	tx->state = invite ? SIP_TX_CALLING : SIP_TX_TRYING;
	if (out)
		*out = tx;
	err = sip_tx_route(tx);
	if (err)
		sip_tx_fail(tx, err);
	else
		sip_client_start(tx);
	return 0;
}

void sip_client_start(struct sip_transaction *tx)
{
	tx->interval = tx->layer->config.t1;
	tx->give_up = tx->layer->wheel.now + 64ull * tx->layer->config.t1;
	start_retransmit(tx);
	sip_tx_put(tx, tx->bytes, tx->bytes_len);
}

int sip_client_send(struct sip_layer *l, const struct sip_flow *to, const uint8_t *bytes, size_t n,
	void *user, struct sip_transaction **out)
{
	return client_send(l, to, bytes, n, user, 0, out);
}

// ---- timers

static void retransmit(struct sip_transaction *tx)
{
	struct sip_layer *l = tx->layer;

	l->counters.retransmits_out++;
	if (sip_tx_put(tx, tx->bytes, tx->bytes_len))
		return;
	tx->interval *= 2;
	if (!is_invite(tx) && (tx->interval > l->config.t2 || tx->state == SIP_TX_PROCEEDING))
		tx->interval = l->config.t2;
	start_retransmit(tx);
}

void sip_client_fire(struct sip_transaction *tx)
{
	switch (tx->state) {
	case SIP_TX_CALLING:
	case SIP_TX_TRYING:
	case SIP_TX_PROCEEDING:
		// INVITE in PROCEEDING: only after CANCEL (9.1)
		if (tx->layer->wheel.now >= tx->give_up)
			sip_tx_time_out(tx); // B, F
		else
			retransmit(tx); // A, E
		break;
	default: // D, K, M
		sip_tx_end(tx);
	}
}

// ---- ACK and CANCEL, made from the INVITE that is kept

// The headers that both share with their INVITE (9.1, 17.1.1.3).
static void build_like_invite(struct sip_build *b, const struct sip_message *invite,
	const char *method, struct sip_slice to)
{
	struct sip_walk w = sip_walk(invite, SIP_H_VIA);
	struct sip_slice via;
	struct sip_cseq cseq = {0};

	sip_build_request(b, sip_str(method), invite->uri_text);
	if (sip_walk_next(&w, &via))
		sip_build_header(b, "Via", via);
	sip_build_number(b, "Max-Forwards", 70);
	sip_build_copy(b, invite, SIP_H_ROUTE);
	sip_build_copy(b, invite, SIP_H_FROM);
	sip_build_header(b, "To", to);
	sip_build_copy(b, invite, SIP_H_CALL_ID);
	sip_message_cseq(invite, &cseq);
	sip_build_cseq(b, cseq.number, sip_str(method));
}

// Send the ACK for a failure and keep it in place of the INVITE.
static void acknowledge(struct sip_transaction *tx, const struct sip_message *response)
{
	struct sip_layer *l = tx->layer;
	struct sip_build b = sip_layer_build(l);

	sip_message_index(&l->own, tx->bytes, tx->bytes_len);
	build_like_invite(&b, &l->own, "ACK", sip_message_value(response, SIP_H_TO));
	int n = sip_build_end(&b, sip_slice("", 0));
	if (n < 0)
		return;
	// Without memory to keep it the ACK goes out once; a lost one is then not replaced.
	if (sip_tx_keep(tx, b.p, (size_t)n))
		sip_tx_drop(tx);
	sip_tx_put(tx, (uint8_t *)b.p, (size_t)n);
}

static int send_cancel(struct sip_transaction *tx, struct sip_slice lines)
{
	struct sip_layer *l = tx->layer;
	struct sip_build b = sip_layer_build(l);

	sip_message_index(&l->own, tx->bytes, tx->bytes_len);
	build_like_invite(&b, &l->own, "CANCEL", sip_message_value(&l->own, SIP_H_TO));
	sip_build_lines(&b, lines);
	int n = sip_build_end(&b, sip_slice("", 0));
	if (n < 0)
		return n;
	int err = client_send(l, &tx->flow, (uint8_t *)b.p, (size_t)n, NULL, SIP_TX_INTERNAL, NULL);
	if (err)
		return err;
	tx->give_up = l->wheel.now + 64ull * l->config.t1;
	sip_tx_start(tx, 64ull * l->config.t1);
	return 0;
}

int sip_client_cancel(struct sip_transaction *tx, struct sip_slice lines)
{
	int err;

	if (!is_invite(tx) || (tx->flags & SIP_TX_CANCELLED) ||
		(tx->state != SIP_TX_CALLING && tx->state != SIP_TX_PROCEEDING))
		return -EALREADY;
	if (tx->state == SIP_TX_PROCEEDING) {
		err = send_cancel(tx, lines);
		if (err)
			return err;
	} else if (lines.n) {
		tx->cancel_lines = strndup(lines.p, lines.n);
		if (!tx->cancel_lines)
			return -ENOMEM;
	}
	tx->flags |= SIP_TX_CANCELLED;
	return 0;
}

void sip_client_abandon(struct sip_transaction *tx)
{
	tx->user = NULL;
	if (is_invite(tx) || tx->status >= 200 || tx->state == SIP_TX_TERMINATED)
		return;
	tx->flags |= SIP_TX_INTERNAL;
	sip_tx_end(tx);
}

static void send_waiting_cancel(struct sip_transaction *tx)
{
	// One that fails here is lost; the INVITE is then answered, or runs into no timer: so give
	// it the one that the CANCEL would have started.
	if (send_cancel(tx, sip_str(tx->cancel_lines))) {
		tx->give_up = tx->layer->wheel.now + 64ull * tx->layer->config.t1;
		sip_tx_start(tx, 64ull * tx->layer->config.t1);
	}
	free(tx->cancel_lines);
	tx->cancel_lines = NULL;
}

// ---- responses

static void to_user(struct sip_transaction *tx, const struct sip_message *m)
{
	struct sip_layer *l = tx->layer;
	if (!(tx->flags & SIP_TX_INTERNAL) && l->ops.response)
		l->ops.response(l->ctx, tx, m);
}

static void provisional(struct sip_transaction *tx, const struct sip_message *m)
{
	bool first = tx->state != SIP_TX_PROCEEDING;

	if (tx->state == SIP_TX_COMPLETED || tx->state == SIP_TX_ACCEPTED)
		return;
	tx->state = SIP_TX_PROCEEDING;
	tx->status = m->status;
	if (is_invite(tx) && first) {
		sip_timer_stop(&tx->layer->wheel, &tx->timer);
		if (tx->flags & SIP_TX_CANCELLED)
			send_waiting_cancel(tx);
	} else if (first) {
		tx->interval = tx->layer->config.t2;
		start_retransmit(tx);
	}
	if (m->status > 100 || tx->layer->config.show_trying)
		to_user(tx, m);
}

// The request, when what came asks for credentials and somebody may have them. malloc.
static uint8_t *challenged_request(struct sip_transaction *tx, const struct sip_message *m)
{
	uint8_t *copy;

	if ((m->status != 401 && m->status != 407) || !tx->layer->ops.challenged || !tx->bytes ||
		(tx->flags & SIP_TX_INTERNAL))
		return NULL;
	copy = malloc(tx->bytes_len);
	if (copy)
		memcpy(copy, tx->bytes, tx->bytes_len);
	return copy;
}

// To the user, unless the request has gone out again with credentials. Frees `request`.
static void to_user_or_again(
	struct sip_transaction *tx, const struct sip_message *m, uint8_t *request, size_t n)
{
	struct sip_layer *l = tx->layer;

	if (!request || !l->ops.challenged(l->ctx, tx, m, sip_slice((char *)request, n)))
		to_user(tx, m);
	free(request);
}

static void invite_final(struct sip_transaction *tx, const struct sip_message *m)
{
	struct sip_layer *l = tx->layer;
	uint8_t *request;
	size_t n;

	switch (tx->state) {
	case SIP_TX_ACCEPTED:
		if (m->status < 300)
			to_user(tx, m);
		return;
	case SIP_TX_COMPLETED:
		if (m->status >= 300 && tx->bytes) {
			l->counters.retransmits_in++;
			l->counters.retransmits_out++;
			sip_tx_put(tx, tx->bytes, tx->bytes_len);
		}
		return;
	}
	tx->status = m->status;
	if (m->status < 300) {
		tx->state = SIP_TX_ACCEPTED;
		sip_tx_linger(tx, 64ull * l->config.t1); // M
		to_user(tx, m);
		sip_tx_drop(tx); // the dialog may have wanted its Request-URI
	} else {
		tx->state = SIP_TX_COMPLETED;
		sip_tx_linger(tx, is_reliable(tx) ? 0 : 64ull * l->config.t1); // D
		request = challenged_request(tx, m);
		n = tx->bytes_len;
		acknowledge(tx, m);
		to_user_or_again(tx, m, request, n);
	}
}

static void other_final(struct sip_transaction *tx, const struct sip_message *m)
{
	uint8_t *request;
	size_t n = tx->bytes_len;

	if (tx->state == SIP_TX_COMPLETED) {
		tx->layer->counters.retransmits_in++;
		return;
	}
	tx->status = m->status;
	tx->state = SIP_TX_COMPLETED;
	request = challenged_request(tx, m);
	sip_tx_drop(tx);
	sip_tx_linger(tx, is_reliable(tx) ? 0 : tx->layer->config.t4); // K
	to_user_or_again(tx, m, request, n);
}

static bool has_one_via(const struct sip_message *m)
{
	struct sip_walk w = sip_walk(m, SIP_H_VIA);
	struct sip_slice value;

	return sip_walk_next(&w, &value) && !sip_walk_next(&w, &value);
}

void sip_client_response(struct sip_layer *l, const struct sip_message *m)
{
	struct sip_via via;

	// 8.1.3.3: a response with more than one Via went astray
	if (!has_one_via(m)) {
		l->counters.refused[SIP_REFUSE_VIA_COUNT]++;
		return;
	}
	if (sip_message_via(m, &via))
		return;
	struct sip_node *node =
		sip_table_find(&l->table, sip_key_client(l, via.branch, m->method_text));
	if (!node) {
		l->counters.stray_responses++;
		return;
	}
	struct sip_transaction *tx = (struct sip_transaction *)node;
	if (m->status < 200)
		provisional(tx, m);
	else if (is_invite(tx))
		invite_final(tx, m);
	else
		other_final(tx, m);
}
