// SPDX-License-Identifier: BSD-3-Clause
//
// The side that is called: making the dialog, requests inside it, and the 2xx that is sent until it
// is acknowledged.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "sip/dialogs.h"

int sip_dialog_new_uas(struct sip_dialogs *set, struct sip_transaction *tx,
	const struct sip_message *request, void *user, struct sip_dialog **out)
{
	struct sip_build b = sip_layer_build(set->layer);
	struct sip_dialog_parts parts = {.flow = sip_tx_flow(tx)};
	struct sip_address contact;
	struct sip_cseq cseq;
	struct sip_uri uri;
	int err = sip_message_contact(request, &contact);

	// RFC 2543 callers may leave Contact out: then it is From (RFC 4475 3.4.1).
	if (err == -ENOENT)
		err = sip_message_from(request, &contact);
	if (err || contact.star || sip_message_cseq(request, &cseq) ||
		sip_message_request_uri(request, &uri))
		return -EBADMSG;
	if (sip_dialog_write_party(&b, request, SIP_H_TO, &parts.local) ||
		sip_dialog_write_party(&b, request, SIP_H_FROM, &parts.remote) ||
		sip_dialog_write_routes(&b, request, false, &parts.routes))
		return -EBADMSG;
	parts.call_id = sip_message_call_id(request);
	parts.local_tag = sip_tx_to_tag(tx);
	parts.remote_tag = sip_message_from_tag(request);
	parts.target = contact.uri_text;
	if (parts.local_tag.n == 0)
		return -EBADMSG;
	err = sip_dialog_make(set, &parts, user, out);
	if (err)
		return err;
	struct sip_dialog *d = *out;
	d->remote_cseq = cseq.number;
	d->has_remote_cseq = true;
	d->invite_cseq = cseq.number;
	d->secure = uri.scheme == SIP_URI_SIPS;
	if (sip_tx_kind(tx) == SIP_TX_INVITE_SERVER)
		sip_dialog_watch(d, &d->invite_in, tx);
	return 0;
}

int sip_dialog_fork_uas(struct sip_dialog *d, void *user, struct sip_dialog **out)
{
	char tag[SIP_ID_TEXT];
	const struct sip_dialog_parts parts = {d->call_id,
		sip_id_tag(&d->set->layer->config.ids, tag), d->remote_tag, d->local, d->remote,
		d->routes, sip_slice(d->target, d->target_len), &d->flow, false};
	int err = sip_dialog_make(d->set, &parts, user, out);

	if (err)
		return err;
	(*out)->remote_cseq = (*out)->invite_cseq = d->invite_cseq;
	(*out)->has_remote_cseq = true;
	(*out)->secure = d->secure;
	return 0;
}

void sip_dialog_take_invite(struct sip_dialog *d, struct sip_dialog *from)
{
	struct sip_transaction *tx = from->invite_in;

	if (!tx || d == from)
		return;
	from->invite_in = NULL;
	sip_dialog_watch(d, &d->invite_in, tx);
}

// ---- the 2xx, until its ACK

void sip_dialog_forget_ok(struct sip_dialog *d)
{
	if (!d->ok)
		return;
	sip_timer_stop(&d->set->layer->wheel, &d->ok->timer);
	free(d->ok->bytes);
	free(d->ok);
	d->ok = NULL;
}

static void ok_again(struct sip_timer *t, void *ctx)
{
	struct sip_ok *ok = (struct sip_ok *)((char *)t - offsetof(struct sip_ok, timer));
	struct sip_dialog *d = ok->dialog;
	struct sip_layer *l = d->set->layer;

	if (l->wheel.now >= ok->give_up) {
		l->counters.timeouts++;
		sip_dialog_forget_ok(d);
		if (d->set->ops.no_ack)
			d->set->ops.no_ack(d->set->ctx, d);
		return;
	}
	ok->interval = ok->interval * 2 < l->config.t2 ? ok->interval * 2 : l->config.t2;
	uint64_t next = l->wheel.now + ok->interval;
	sip_timer_start(&l->wheel, t, next < ok->give_up ? next : ok->give_up);
	l->counters.retransmits_out++;
	// A transport that fails now may be back for the next one; timer H's time is the limit.
	sip_send(l, &ok->flow, ok->bytes, ok->n);
}

static void await_ack(struct sip_dialog *d, struct sip_ok *ok, uint64_t first)
{
	struct sip_layer *l = d->set->layer;

	ok->dialog = d;
	ok->interval = l->config.t1;
	ok->give_up = l->wheel.now + 64ull * l->config.t1;
	ok->timer.fire = ok_again;
	d->ok = ok;
	sip_timer_start(&l->wheel, &ok->timer, l->wheel.now + first);
}

int sip_dialog_restore_ok(struct sip_dialog *d, const struct sip_dialog_view *view)
{
	struct sip_ok *ok = calloc(1, sizeof(*ok));

	if (ok)
		ok->bytes = malloc(view->ok.n);
	if (!ok || !ok->bytes) {
		free(ok);
		d->set->layer->counters.no_memory++;
		return -ENOMEM;
	}
	memcpy(ok->bytes, view->ok.p, view->ok.n);
	ok->n = view->ok.n;
	ok->cseq = view->ok_cseq;
	ok->flow = view->ok_flow;
	await_ack(d, ok, 0);
	ok->interval /= 2; // now is the time at which the first repetition is due
	ok->give_up = d->set->layer->wheel.now + 16ull * d->set->layer->config.t1;
	return 0;
}

static int accept_invite(
	struct sip_dialog *d, struct sip_transaction *tx, const struct sip_response *r)
{
	struct sip_ok *ok = calloc(1, sizeof(*ok));
	int err;

	if (!ok)
		return -ENOMEM;
	err = sip_respond(tx, r);
	if (err) {
		free(ok);
		return err;
	}
	sip_dialog_forget_ok(d);
	ok->cseq = d->invite_cseq;
	ok->flow = *sip_tx_flow(tx);
	ok->bytes = sip_take_response(tx, &ok->n);
	d->state = SIP_DIALOG_CONFIRMED;
	await_ack(d, ok, d->set->layer->config.t1);
	return 0;
}

int sip_dialog_respond(
	struct sip_dialog *d, struct sip_transaction *tx, const struct sip_response *r)
{
	struct sip_response with_tag = *r;
	bool first = d->state == SIP_DIALOG_EARLY && !d->is_uac && d->invite_in == tx;

	with_tag.to_tag = d->local_tag;
	if (r->status >= 200 && sip_tx_kind(tx) == SIP_TX_INVITE_SERVER)
		sip_reliable_final(d);
	if (sip_tx_kind(tx) == SIP_TX_INVITE_SERVER && r->status >= 200 && r->status < 300)
		return accept_invite(d, tx, &with_tag);
	int err = sip_respond(tx, &with_tag);
	if (!err && first && r->status >= 300)
		d->state = SIP_DIALOG_TERMINATED;
	return err;
}

// ---- requests inside a dialog

static int refuse(struct sip_transaction *tx, int status, const char *lines, int err)
{
	sip_respond_simple(tx, status, lines);
	return err;
}

// 14.2: one INVITE at a time
static int check_invite(struct sip_dialog *d, struct sip_transaction *tx)
{
	const struct sip_ids *ids = sip_layer_ids(d->set->layer);
	char lines[32];
	uint8_t r;

	if (sip_dialog_in_pending(d)) {
		ids->random(ids->ctx, &r, sizeof(r));
		snprintf(lines, sizeof(lines), "Retry-After: %u\r\n", r % 11u);
		return refuse(tx, 500, lines, -EBUSY);
	}
	if (sip_dialog_out_pending(d))
		return refuse(tx, 491, NULL, -EBUSY);
	return 0;
}

static bool is_target_refresh(enum sip_method m)
{
	return m == SIP_INVITE || m == SIP_UPDATE || m == SIP_SUBSCRIBE || m == SIP_NOTIFY;
}

static int accept_request(
	struct sip_dialog *d, struct sip_transaction *tx, const struct sip_message *m)
{
	int err;

	if (m->method == SIP_INVITE) {
		err = check_invite(d, tx);
		if (err)
			return err;
	}
	if (is_target_refresh(m->method) && sip_dialog_refresh(d, m))
		return refuse(tx, 503, NULL, -ENOMEM);
	if (m->method == SIP_INVITE) {
		sip_dialog_watch(d, &d->invite_in, tx);
		d->invite_cseq = d->remote_cseq;
	}
	if (m->method == SIP_BYE) {
		d->state = SIP_DIALOG_TERMINATED;
		sip_dialog_forget_ok(d);
	}
	return 0;
}

int sip_dialog_on_request(struct sip_dialogs *set, struct sip_transaction *tx,
	const struct sip_message *request, struct sip_dialog **out)
{
	struct sip_dialog *d = sip_dialog_of(set, request);
	struct sip_cseq cseq;

	*out = d;
	if (!d)
		return refuse(tx, 481, NULL, -ENOENT);
	if (d->state == SIP_DIALOG_TERMINATED) // two BYEs that cross are both right
		return refuse(tx, request->method == SIP_BYE ? 200 : 481, NULL, -ENOENT);
	if (sip_message_cseq(request, &cseq))
		return refuse(tx, 400, NULL, -EBADMSG);
	if (d->has_remote_cseq && cseq.number < d->remote_cseq)
		return refuse(tx, 500, NULL, -ESTALE);
	d->remote_cseq = cseq.number;
	d->has_remote_cseq = true;
	return accept_request(d, tx, request);
}

int sip_dialog_on_ack(
	struct sip_dialogs *set, const struct sip_message *ack, struct sip_dialog **out)
{
	struct sip_dialog *d = sip_dialog_of(set, ack);
	struct sip_cseq cseq;

	*out = d;
	if (!d || sip_message_cseq(ack, &cseq)) {
		set->layer->counters.stray_acks++;
		return -ENOENT;
	}
	if (!d->ok || d->ok->cseq != cseq.number)
		return -EALREADY;
	sip_dialog_forget_ok(d);
	return 0;
}
