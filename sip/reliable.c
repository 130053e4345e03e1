// SPDX-License-Identifier: BSD-3-Clause
#include "sip/reliable.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "sip/dialogs.h"

#define WAITING_MAX 8u
#define LINES_MAX   8192u

// A response that may not go out before the PRACK of the one before it.
struct waiting {
	struct waiting *next;
	int status;
	size_t reason, lines, body; // lengths
	char bytes[];
};

struct sip_reliable {
	struct sip_timer timer;
	struct sip_dialog *dialog;
	uint64_t give_up;
	uint32_t interval;
	uint32_t rseq;  // of the last one sent
	uint32_t acked; // of the last one that got its PRACK
	bool sdp;       // the last one sent has a session description
	bool told;      // and one of those that were acknowledged
	struct sip_flow flow;
	uint8_t *bytes; // of the one that has no PRACK yet, NULL: none
	size_t n;
	struct waiting *first;
};

static void stop(struct sip_reliable *r)
{
	sip_timer_stop(&r->dialog->set->layer->wheel, &r->timer);
	free(r->bytes);
	r->bytes = NULL;
	while (r->first) {
		struct waiting *w = r->first;

		r->first = w->next;
		free(w);
	}
}

void sip_reliable_final(struct sip_dialog *d)
{
	if (d->reliable)
		stop(d->reliable);
}

void sip_reliable_free(struct sip_dialog *d)
{
	if (d->reliable)
		stop(d->reliable);
	free(d->reliable);
	d->reliable = NULL;
}

// ---- UAS

static void again(struct sip_timer *t, void *ctx)
{
	struct sip_reliable *r =
		(struct sip_reliable *)((char *)t - offsetof(struct sip_reliable, timer));
	struct sip_dialog *d = r->dialog;
	struct sip_layer *l = d->set->layer;
	uint64_t next;

	if (l->wheel.now >= r->give_up) {
		l->counters.timeouts++;
		stop(r);
		if (d->set->ops.no_prack)
			d->set->ops.no_prack(d->set->ctx, d);
		return;
	}
	r->interval *= 2;
	next = l->wheel.now + r->interval;
	sip_timer_start(&l->wheel, t, next < r->give_up ? next : r->give_up);
	l->counters.retransmits_out++;
	sip_send(l, &r->flow, r->bytes, r->n);
}

static struct sip_reliable *state_of(struct sip_dialog *d)
{
	const struct sip_ids *ids = sip_layer_ids(d->set->layer);
	struct sip_reliable *r = d->reliable;

	if (r)
		return r;
	r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	r->dialog = d;
	r->timer.fire = again;
	// Section 3: any number to begin with, below 2^31.
	ids->random(ids->ctx, &r->rseq, sizeof(r->rseq));
	r->rseq = r->rseq % 100000u + 1;
	r->acked = r->rseq;
	d->reliable = r;
	return r;
}

// Its own copy: an unreliable response after it replaces what the transaction repeats.
static int keep_bytes(struct sip_reliable *r, const struct sip_transaction *tx)
{
	if (!tx->bytes)
		return -ENOMEM;
	r->bytes = malloc(tx->bytes_len);
	if (!r->bytes)
		return -ENOMEM;
	memcpy(r->bytes, tx->bytes, tx->bytes_len);
	r->n = tx->bytes_len;
	return 0;
}

static int send_now(
	struct sip_reliable *r, struct sip_transaction *tx, const struct sip_response *response)
{
	struct sip_layer *l = r->dialog->set->layer;
	struct sip_response with = *response;
	char lines[LINES_MAX];
	int n = snprintf(lines, sizeof(lines), "Require: 100rel\r\nRSeq: %u\r\n%.*s", r->rseq + 1,
		(int)response->lines.n, response->lines.n ? response->lines.p : "");
	int err;

	if (n < 0 || (size_t)n >= sizeof(lines))
		return -ENOBUFS;
	with.lines = sip_slice(lines, (size_t)n);
	err = sip_dialog_respond(r->dialog, tx, &with);
	if (err)
		return err;
	r->rseq++;
	r->sdp = response->body.n > 0;
	r->flow = *sip_tx_flow(tx);
	// Without memory it has gone out once; its PRACK is still known.
	if (keep_bytes(r, tx)) {
		l->counters.no_memory++;
		return 0;
	}
	r->interval = l->config.t1;
	r->give_up = l->wheel.now + 64ull * l->config.t1;
	sip_timer_start(&l->wheel, &r->timer, l->wheel.now + r->interval);
	return 0;
}

static int put_last(struct sip_reliable *r, const struct sip_response *response)
{
	size_t size = response->reason.n + response->lines.n + response->body.n;
	struct waiting *w, **link = &r->first;
	unsigned n = 0;

	for (; *link; link = &(*link)->next)
		n++;
	if (n >= WAITING_MAX)
		return -ENOBUFS;
	w = malloc(sizeof(*w) + size + 1);
	if (!w)
		return -ENOMEM;
	w->next = NULL;
	w->status = response->status;
	w->reason = response->reason.n;
	w->lines = response->lines.n;
	w->body = response->body.n;
	if (w->reason)
		memcpy(w->bytes, response->reason.p, w->reason);
	if (w->lines)
		memcpy(w->bytes + w->reason, response->lines.p, w->lines);
	if (w->body)
		memcpy(w->bytes + w->reason + w->lines, response->body.p, w->body);
	*link = w;
	return 0;
}

int sip_reliable_respond(
	struct sip_dialog *d, struct sip_transaction *tx, const struct sip_response *response)
{
	struct sip_reliable *r;

	if (response->status <= 100 || response->status >= 200)
		return -EINVAL;
	if (sip_tx_is_final(tx))
		return -EALREADY;
	r = state_of(d);
	if (!r)
		return -ENOMEM;
	return r->bytes ? put_last(r, response) : send_now(r, tx, response);
}

// RAck: 776656 1 INVITE
static int read_rack(const struct sip_message *m, uint32_t *rseq, struct sip_cseq *cseq)
{
	struct sip_slice value = sip_slice_trim(sip_message_value(m, SIP_H_RACK));
	uint64_t number = 0;
	size_t i = 0;

	while (i < value.n && value.p[i] >= '0' && value.p[i] <= '9' && i < 11)
		number = number * 10 + (unsigned)(value.p[i++] - '0');
	if (!i || i == value.n || number > UINT32_MAX || (value.p[i] != ' ' && value.p[i] != '\t'))
		return -EBADMSG;
	*rseq = (uint32_t)number;
	return sip_cseq_parse(sip_slice_trim(sip_slice_from(value, i)), cseq);
}

int sip_reliable_on_prack(struct sip_dialog *d, const struct sip_message *prack)
{
	struct sip_reliable *r = d->reliable;
	struct sip_cseq cseq;
	uint32_t rseq;

	if (read_rack(prack, &rseq, &cseq))
		return -EBADMSG;
	if (!r || rseq != r->rseq || r->acked == r->rseq || cseq.method != SIP_INVITE ||
		cseq.number != d->invite_cseq)
		return -ENOENT;
	r->acked = rseq;
	r->told |= r->sdp;
	sip_timer_stop(&d->set->layer->wheel, &r->timer);
	free(r->bytes);
	r->bytes = NULL;
	return 0;
}

void sip_reliable_next(struct sip_dialog *d, struct sip_transaction *tx)
{
	struct sip_reliable *r = d->reliable;
	struct waiting *w = r ? r->first : NULL;

	if (!w || r->bytes || !tx || sip_tx_is_final(tx))
		return;
	struct sip_response response = {
		.status = w->status,
		.reason = sip_slice(w->bytes, w->reason),
		.lines = sip_slice(w->bytes + w->reason, w->lines),
		.body = sip_slice(w->bytes + w->reason + w->lines, w->body),
	};

	r->first = w->next;
	send_now(r, tx, &response);
	free(w);
}

bool sip_reliable_holds_ok(const struct sip_dialog *d)
{
	const struct sip_reliable *r = d->reliable;

	return r && r->bytes && r->sdp;
}

bool sip_reliable_told(const struct sip_dialog *d)
{
	return d->reliable && d->reliable->told;
}

// ---- UAC

int sip_reliable_seen(struct sip_dialog *d, const struct sip_message *response)
{
	uint32_t rseq;

	if (response->status <= 100 || response->status >= 200 ||
		!sip_message_lists(response, SIP_H_REQUIRE, "100rel") ||
		sip_message_number(response, SIP_H_RSEQ, &rseq) || !rseq)
		return 0;
	if (d->state != SIP_DIALOG_EARLY || (d->rseq_seen && rseq != d->rseq_seen + 1))
		return -EALREADY;
	d->rseq_seen = rseq;
	return 1;
}

int sip_reliable_prack(struct sip_dialog *d, struct sip_slice lines, struct sip_slice body,
	void *user, struct sip_transaction **out)
{
	char with[LINES_MAX];
	int n = snprintf(with, sizeof(with), "RAck: %u %u INVITE\r\n%.*s", d->rseq_seen,
		d->invite_cseq, (int)lines.n, lines.n ? lines.p : "");

	if (!d->rseq_seen)
		return -EINVAL;
	if (n < 0 || (size_t)n >= sizeof(with))
		return -ENOBUFS;
	return sip_dialog_send(d, SIP_PRACK, sip_slice(with, (size_t)n), body, user, out);
}
