// SPDX-License-Identifier: BSD-3-Clause
//
// The server transactions: RFC 3261 17.2.1 and 17.2.2, with the Accepted state of RFC 6026 7.1 and
// the rules of RFC 4320 for requests other than INVITE.
#include <errno.h>
#include <stdlib.h>

#include "sip/inspect.h"
#include "sip/tx.h"

static bool is_invite(const struct sip_transaction *tx)
{
	return tx->kind == SIP_TX_INVITE_SERVER;
}

static bool is_reliable(const struct sip_transaction *tx)
{
	return sip_flow_reliable(&tx->flow);
}

// ---- which transaction a request belongs to (17.2.3)

static void hash_host(struct sip_layer *l, struct sip_hash *h, const struct sip_flow *source)
{
	if (!l->config.match_any_source) {
		sip_hash_bytes(h, source->remote.ip, sizeof(source->remote.ip));
		sip_hash_bytes(h, &source->transport, 1);
	}
}

// Without the magic cookie the branch says nothing: RFC 2543 compared everything else.
static void hash_old(struct sip_hash *h, const struct sip_message *m)
{
	struct sip_walk w = sip_walk(m, SIP_H_VIA);
	struct sip_slice via = {"", 0};
	struct sip_cseq cseq = {0};

	sip_walk_next(&w, &via);
	sip_message_cseq(m, &cseq);
	sip_hash_bytes(h, "2", 1);
	sip_hash_slice(h, m->uri_text, false);
	sip_hash_slice(h, sip_message_from_tag(m), false);
	sip_hash_slice(h, sip_message_call_id(m), false);
	sip_hash_bytes(h, &cseq.number, sizeof(cseq.number));
	sip_hash_slice(h, via, false);
}

static bool has_cookie(struct sip_slice branch)
{
	return branch.n > 7 && strncasecmp(branch.p, SIP_COOKIE, 7) == 0;
}

static struct sip_key key_server(struct sip_layer *l, const struct sip_message *m,
	const struct sip_flow *source, struct sip_slice method)
{
	struct sip_via via = {0};
	struct sip_hash h;

	sip_message_via(m, &via);
	sip_hash_start(&h, &l->hash_key);
	if (has_cookie(via.branch)) {
		sip_hash_bytes(&h, "s", 1);
		sip_hash_slice(&h, via.branch, true);
		sip_hash_slice(&h, via.host, true);
		sip_hash_bytes(&h, &via.port, sizeof(via.port));
	} else {
		hash_old(&h, m);
	}
	sip_hash_slice(&h, method, false);
	hash_host(l, &h, source);
	return sip_hash_end(&h);
}

static struct sip_transaction *find(struct sip_layer *l, const struct sip_message *m,
	const struct sip_flow *source, struct sip_slice method)
{
	return (struct sip_transaction *)sip_table_find(
		&l->table, key_server(l, m, source, method));
}

// 8.2.2.2: the same request that came another way
static struct sip_key key_merged(struct sip_layer *l, const struct sip_message *m)
{
	struct sip_cseq cseq = {0};
	struct sip_hash h;

	sip_message_cseq(m, &cseq);
	sip_hash_start(&h, &l->hash_key);
	sip_hash_bytes(&h, "m", 1);
	sip_hash_slice(&h, sip_message_from_tag(m), false);
	sip_hash_slice(&h, sip_message_call_id(m), false);
	sip_hash_bytes(&h, &cseq.number, sizeof(cseq.number));
	sip_hash_slice(&h, cseq.method_text, false);
	return sip_hash_end(&h);
}

static void leave_merged(struct sip_transaction *tx)
{
	if (tx->flags & SIP_TX_MERGED)
		sip_table_remove(&tx->layer->merged, &tx->merge);
	tx->flags &= (uint8_t)~SIP_TX_MERGED;
}

// ---- responses

struct sip_slice sip_tx_to_tag(const struct sip_transaction *tx)
{
	if (tx->kind != SIP_TX_INVITE_SERVER && tx->kind != SIP_TX_SERVER)
		return sip_slice("", 0);
	struct sip_answer *a = tx->answer;
	if (!a)
		return sip_slice("", 0);
	if (!a->tag[0])
		sip_id_tag(&tx->layer->config.ids, a->tag);
	return sip_str(a->tag);
}

static int take_tag(struct sip_answer *a, struct sip_slice tag)
{
	if (tag.n == 0 || a->mirror.has_tag)
		return 0;
	if (tag.n >= sizeof(a->tag))
		return -EINVAL;
	memcpy(a->tag, tag.p, tag.n);
	a->tag[tag.n] = '\0';
	return 0;
}

static int keep_answer(struct sip_transaction *tx, const struct sip_message *m)
{
	struct sip_build b = sip_layer_build(tx->layer);
	struct sip_mirror mirror;

	sip_build_mirror(&b, m, &tx->flow, &mirror);
	int err = sip_build_check(&b);
	if (err)
		return err;
	tx->answer = malloc(sizeof(*tx->answer) + b.n);
	if (!tx->answer) {
		tx->layer->counters.no_memory++;
		return -ENOMEM;
	}
	tx->answer->mirror = mirror;
	tx->answer->tag[0] = '\0';
	memcpy(tx->answer->pieces, b.p, b.n);
	return 0;
}

static void after_invite_response(struct sip_transaction *tx, int status)
{
	struct sip_layer *l = tx->layer;

	if (status < 200) {
		sip_timer_stop(&l->wheel, &tx->timer); // no own 100 any more
		return;
	}
	tx->give_up = l->wheel.now + 64ull * l->config.t1;
	if (status < 300) {
		tx->state = SIP_TX_ACCEPTED;
		sip_tx_linger(tx, 64ull * l->config.t1); // L
		return;
	}
	leave_merged(tx);
	tx->state = SIP_TX_COMPLETED;
	tx->interval = l->config.t1;
	sip_tx_start(tx, is_reliable(tx) ? 64ull * l->config.t1 : tx->interval); // H, G
}

static void after_response(struct sip_transaction *tx, int status)
{
	struct sip_layer *l = tx->layer;

	if (status < 200) {
		tx->state = SIP_TX_PROCEEDING;
		sip_tx_start(tx, tx->give_up - l->wheel.now);
		return;
	}
	leave_merged(tx);
	tx->state = SIP_TX_COMPLETED;
	sip_tx_linger(tx, is_reliable(tx) ? 0 : 64ull * l->config.t1); // J
}

static int build_response(
	struct sip_transaction *tx, const struct sip_response *r, struct sip_build *b)
{
	struct sip_answer *a = tx->answer;
	int err = take_tag(a, r->to_tag);

	if (err)
		return err;
	struct sip_slice tag = r->status > 100 ? sip_tx_to_tag(tx) : sip_slice("", 0);
	*b = sip_layer_build(tx->layer);
	sip_build_mirrored(b, &a->mirror, a->pieces, r->status, r->reason, tag);
	sip_build_lines(b, r->lines);
	int n = sip_build_end(b, r->body);
	if (n > SIP_MESSAGE_MAX)
		return -ENOBUFS;
	return n < 0 ? n : 0;
}

static int respond(struct sip_transaction *tx, const struct sip_response *r)
{
	bool needed = is_invite(tx) && r->status >= 200 && r->status < 300;
	struct sip_build b;
	int err = build_response(tx, r, &b);

	if (err)
		return err;
	// Without memory a response goes out once and is not repeated: better than none, and the
	// user gets rid of the transaction. Only a 2xx to INVITE is worth nothing then.
	if (sip_tx_keep(tx, b.p, b.n)) {
		if (needed)
			return -ENOMEM;
		sip_tx_drop(tx);
	}
	tx->status = (uint16_t)r->status;
	tx->flags &= (uint8_t)~SIP_TX_HELD_100;
	if (r->status >= 200) {
		free(tx->answer);
		tx->answer = NULL;
	}
	if (is_invite(tx))
		after_invite_response(tx, r->status);
	else
		after_response(tx, r->status);
	sip_tx_put(tx, (uint8_t *)b.p, b.n);
	return 0;
}

int sip_respond(struct sip_transaction *tx, const struct sip_response *r)
{
	if (tx->kind != SIP_TX_INVITE_SERVER && tx->kind != SIP_TX_SERVER)
		return -EINVAL;
	if (tx->state == SIP_TX_TERMINATED || tx->status >= 200)
		return -EALREADY;
	if (r->status < 100 || r->status > 699)
		return -EINVAL;
	if (!is_invite(tx)) {
		// RFC 4320 4.1, 4.2
		if (r->status > 100 && r->status < 200)
			return -EINVAL;
		if (r->status == 408) {
			sip_tx_end(tx);
			return 0;
		}
		if (r->status == 100 && tx->state == SIP_TX_TRYING && !is_reliable(tx)) {
			tx->flags |= SIP_TX_HELD_100; // sent by the timer anyway
			return 0;
		}
	}
	return respond(tx, r);
}

int sip_respond_simple(struct sip_transaction *tx, int status, const char *lines)
{
	struct sip_response r = {.status = status, .lines = sip_str(lines)};
	return sip_respond(tx, &r);
}

uint8_t *sip_take_response(struct sip_transaction *tx, size_t *n)
{
	uint8_t *bytes = tx->bytes;

	if (tx->kind != SIP_TX_INVITE_SERVER && tx->kind != SIP_TX_SERVER)
		return NULL;
	*n = tx->bytes_len;
	tx->bytes = NULL;
	tx->bytes_len = 0;
	return bytes;
}

static void send_trying(struct sip_transaction *tx)
{
	struct sip_response r = {.status = 100};
	respond(tx, &r); // for want of memory it stays away; the client goes on trying
}

// ---- timers

void sip_server_fire(struct sip_transaction *tx)
{
	struct sip_layer *l = tx->layer;

	switch (tx->state) {
	case SIP_TX_TRYING: // timer E of the client is at T2 by now: say 100 (RFC 4320 4.1)
		sip_tx_start(tx, tx->give_up - l->wheel.now);
		tx->state = SIP_TX_PROCEEDING;
		send_trying(tx);
		break;
	case SIP_TX_PROCEEDING:
		if (is_invite(tx))
			send_trying(tx);
		else
			sip_tx_end(tx); // the client's timer F has fired: nobody listens any more
		break;
	case SIP_TX_COMPLETED:
		if (!is_invite(tx)) {
			sip_tx_end(tx); // J
		} else if (l->wheel.now >= tx->give_up) {
			sip_tx_time_out(tx); // H
		} else {                     // G
			l->counters.retransmits_out++;
			if (tx->bytes && sip_tx_put(tx, tx->bytes, tx->bytes_len))
				return;
			tx->interval *= 2;
			if (tx->interval > l->config.t2)
				tx->interval = l->config.t2;
			uint64_t left = tx->give_up - l->wheel.now;
			sip_tx_start(tx, tx->interval < left ? tx->interval : left);
		}
		break;
	default: // I, L
		sip_tx_end(tx);
	}
}

// ---- requests

static void again(struct sip_transaction *tx)
{
	struct sip_layer *l = tx->layer;

	l->counters.retransmits_in++;
	// A 2xx to INVITE is sent again by the core, in its own rhythm (RFC 6026 7.1).
	if (tx->state == SIP_TX_ACCEPTED || tx->state == SIP_TX_CONFIRMED)
		return;
	if (tx->bytes) {
		l->counters.retransmits_out++;
		sip_tx_put(tx, tx->bytes, tx->bytes_len);
	} else if (is_invite(tx) && tx->answer) {
		send_trying(tx);
	}
}

static void on_ack(struct sip_layer *l, const struct sip_flow *source, const struct sip_message *m)
{
	struct sip_transaction *tx = find(l, m, source, sip_str("INVITE"));

	if (tx && tx->state == SIP_TX_COMPLETED) {
		tx->state = SIP_TX_CONFIRMED;
		sip_tx_drop(tx);
		sip_tx_linger(tx, is_reliable(tx) ? 0 : l->config.t4); // I
	} else if (tx && tx->state == SIP_TX_CONFIRMED) {
		l->counters.retransmits_in++;
	} else if (tx && tx->state == SIP_TX_PROCEEDING) {
		l->counters.stray_acks++;
	} else if (l->ops.ack) {
		l->ops.ack(l->ctx, m, source);
	}
}

static int new_server(struct sip_layer *l, const struct sip_flow *source,
	const struct sip_message *m, uint8_t flags, struct sip_transaction **out)
{
	bool invite = m->method == SIP_INVITE;
	struct sip_transaction *tx;
	int err = sip_tx_new(l, invite ? SIP_TX_INVITE_SERVER : SIP_TX_SERVER, m->method,
		key_server(l, m, source, m->method_text), source, &tx);

	if (err)
		return err;
	tx->flags = flags;
	tx->state = invite ? SIP_TX_PROCEEDING : SIP_TX_TRYING;
	err = keep_answer(tx, m);
	if (err) {
		tx->flags |= SIP_TX_INTERNAL;
		sip_tx_end(tx);
		return err;
	}
	tx->give_up = invite ? 0 : l->wheel.now + 64ull * l->config.t1;
	sip_tx_start(tx, invite ? l->config.trying_after : l->e_reset);
	*out = tx;
	return 0;
}

static void on_cancel(
	struct sip_layer *l, const struct sip_flow *source, const struct sip_message *m)
{
	struct sip_transaction *invite = find(l, m, source, sip_str("INVITE")), *tx;
	struct sip_response r = {.status = invite ? 200 : 481};

	if (new_server(l, source, m, SIP_TX_INTERNAL, &tx)) {
		sip_reply_stateless(l, source, m, r.status, NULL, NULL);
	} else {
		if (invite) // 9.2: the same tag as in the responses to the INVITE
			r.to_tag = sip_tx_to_tag(invite);
		respond(tx, &r);
	}
	if (invite && invite->state == SIP_TX_PROCEEDING && l->ops.cancel)
		l->ops.cancel(l->ctx, invite, m);
}

// Calls that are up must be able to end when no new one is let in.
static bool is_full(const struct sip_layer *l, bool in_dialog)
{
	uint64_t limit = l->config.transactions;
	if (in_dialog)
		limit += limit / 4;
	return l->counters.transactions >= limit;
}

static void refuse_overload(
	struct sip_layer *l, const struct sip_flow *source, const struct sip_message *m)
{
	char text[48];
	struct sip_build b = sip_build(text, sizeof(text) - 1);

	sip_build_number(&b, "Retry-After", l->config.retry_after);
	text[b.n] = '\0';
	sip_reply_stateless(l, source, m, 503, NULL, text);
}

static void on_new(struct sip_layer *l, const struct sip_flow *source, const struct sip_message *m)
{
	bool in_dialog = sip_message_to_tag(m).n > 0;
	struct sip_inspected inspected = {0};
	struct sip_transaction *tx;
	struct sip_key merged;

	if (is_full(l, in_dialog)) {
		l->counters.overload++;
		refuse_overload(l, source, m);
		return;
	}
	if (l->config.capabilities)
		sip_inspect(m, l->config.capabilities, &inspected);
	if (inspected.status) {
		l->counters.inspected_out++;
		sip_reply_stateless(l, source, m, inspected.status, NULL, inspected.lines);
		return;
	}
	merged = key_merged(l, m);
	if (!in_dialog && sip_table_find(&l->merged, merged)) {
		l->counters.merged++;
		sip_reply_stateless(l, source, m, 482, NULL, NULL);
		return;
	}
	int err = new_server(l, source, m, 0, &tx);
	if (err) {
		if (err == -ENOMEM)
			refuse_overload(l, source, m);
		return;
	}
	if (!in_dialog) {
		tx->merge.key = merged;
		sip_table_add(&l->merged, &tx->merge);
		tx->flags |= SIP_TX_MERGED;
	}
	if (l->ops.request)
		l->ops.request(l->ctx, tx, m);
}

void sip_server_request(
	struct sip_layer *l, const struct sip_flow *source, const struct sip_message *m)
{
	if (m->method == SIP_ACK) {
		on_ack(l, source, m);
		return;
	}
	struct sip_transaction *tx = find(l, m, source, m->method_text);
	if (tx)
		again(tx);
	else if (m->method == SIP_CANCEL)
		on_cancel(l, source, m);
	else
		on_new(l, source, m);
}
