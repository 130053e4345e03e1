// SPDX-License-Identifier: BSD-3-Clause
//
// Requests: outside a dialog, inside one, and the ACK for a 2xx.
#include <errno.h>
#include <stdlib.h>

#include "sip/chars.h"
#include "sip/dialogs.h"

static void put_via(struct sip_build *b, struct sip_layer *l, const struct sip_flow *to)
{
	char branch[SIP_ID_TEXT];

	sip_build_via(b, to->transport, l->ops.sent_by(l->ctx, to),
		sip_id_branch(&l->config.ids, branch), true);
}

static struct sip_slice method_text(enum sip_method method, struct sip_slice other)
{
	return method == SIP_M_OTHER ? other : sip_str(sip_method_name(method));
}

int sip_request_send(struct sip_dialogs *set, const struct sip_flow *to,
	const struct sip_request *r, void *user, struct sip_transaction **out)
{
	struct sip_layer *l = set->layer;
	struct sip_build b = sip_layer_build(l);
	struct sip_slice method = method_text(r->method, r->method_text);
	struct sip_slice tag = r->from_tag, call_id = r->call_id;
	char new_tag[SIP_ID_TEXT], new_id[SIP_ID_TEXT];

	if (tag.n == 0)
		tag = sip_id_tag(&l->config.ids, new_tag);
	if (call_id.n == 0)
		call_id = sip_id_call_id(&l->config.ids, new_id);
	sip_build_request(&b, method, r->uri);
	put_via(&b, l, to);
	sip_build_number(&b, "Max-Forwards",
		r->max_forwards == SIP_LAST_HOP ? 0
		: r->max_forwards		? r->max_forwards
						: 70);
	sip_build_address(&b, "From", r->from_display, r->from_uri, tag);
	sip_build_address(&b, "To", r->to_display, r->to_uri, sip_slice("", 0));
	sip_build_header(&b, "Call-ID", call_id);
	sip_build_cseq(&b, r->cseq ? r->cseq : 1, method);
	sip_build_lines(&b, r->lines);
	int n = sip_build_end(&b, r->body);
	if (n < 0)
		return n;
	if (n > SIP_MESSAGE_MAX)
		return -ENOBUFS;
	return sip_client_send(l, to, (uint8_t *)b.p, (size_t)n, user, out);
}

// ---- inside a dialog

// The first of the routes with its URI, and what is behind it.
static bool first_route(
	struct sip_slice routes, struct sip_address *first, struct sip_slice *behind)
{
	const char *close = routes.n ? memchr(routes.p, '>', routes.n) : NULL;
	size_t n;

	if (!close)
		return false;
	// The parameters of a route may hold quoted commas; nobody writes them, so let them be
	// part of what the address reader refuses.
	n = (size_t)(close - routes.p);
	while (n < routes.n && routes.p[n] != ',')
		n++;
	*behind = sip_skip_lws(sip_slice_from(routes, n + 1));
	return sip_address_parse(sip_slice(routes.p, n), first) == 0;
}

struct sip_slice sip_dialog_next_hop(const struct sip_dialog *d)
{
	struct sip_address first;
	struct sip_slice behind;

	if (first_route(d->routes, &first, &behind))
		return first.uri_text;
	return sip_slice(d->target, d->target_len);
}

// 12.2.1.1: a first route without ;lr is a strict router: it becomes the Request-URI, and the
// target goes to the end of the routes.
static void put_start_and_routes(
	struct sip_build *b, const struct sip_dialog *d, struct sip_slice method)
{
	struct sip_slice target = sip_slice(d->target, d->target_len), behind;
	struct sip_address first;

	if (!first_route(d->routes, &first, &behind)) {
		sip_build_request(b, method, target);
		return;
	}
	if (sip_uri_is_loose(&first.uri)) {
		sip_build_request(b, method, target);
		sip_build_header(b, "Route", d->routes);
		return;
	}
	sip_build_request(b, method, first.uri_text);
	sip_build_raw(b, sip_str("Route: "));
	sip_build_raw(b, behind);
	sip_build_raw(b, sip_str(behind.n ? ", <" : "<"));
	sip_build_value(b, target);
	sip_build_raw(b, sip_str(">\r\n"));
}

static void put_party(
	struct sip_build *b, const char *name, struct sip_slice party, struct sip_slice tag)
{
	sip_build_raw(b, sip_str(name));
	sip_build_value(b, party);
	if (tag.n) {
		sip_build_raw(b, sip_str(";tag="));
		sip_build_value(b, tag);
	}
	sip_build_raw(b, sip_str("\r\n"));
}

static int build_request(struct sip_dialog *d, enum sip_method method, uint32_t cseq,
	struct sip_slice lines, struct sip_slice body, struct sip_build *b)
{
	struct sip_layer *l = d->set->layer;
	struct sip_slice text = sip_str(sip_method_name(method));

	if (text.n == 0)
		return -EINVAL;
	// A connection that is gone is replaced for all that follows. What the size demands is decided
	// when it is sent.
	if (sip_flow_reliable(&d->flow))
		sip_route(l, &d->flow, 0);
	*b = sip_layer_build(l);
	put_start_and_routes(b, d, text);
	put_via(b, l, &d->flow);
	sip_build_number(b, "Max-Forwards", 70);
	put_party(b, "From: ", d->local, d->local_tag);
	put_party(b, "To: ", d->remote, d->remote_tag);
	sip_build_header(b, "Call-ID", d->call_id);
	sip_build_cseq(b, cseq, text);
	sip_build_lines(b, lines);
	int n = sip_build_end(b, body);
	if (n > SIP_MESSAGE_MAX)
		return -ENOBUFS;
	return n < 0 ? n : 0;
}

static int may_send(const struct sip_dialog *d, enum sip_method method)
{
	if (d->state == SIP_DIALOG_TERMINATED)
		return -ENOTCONN;
	switch (method) {
	case SIP_ACK:
	case SIP_CANCEL:
		return -EINVAL;
	case SIP_INVITE:
		if (d->state != SIP_DIALOG_CONFIRMED)
			return -ENOTCONN;
		return sip_dialog_invite_pending(d) || d->ok || d->owes_ack ? -EBUSY : 0;
	case SIP_BYE:
		// 15: the callee's BYE waits for the ACK; before the 2xx it has a response to send.
		if (!d->is_uac && d->state == SIP_DIALOG_EARLY)
			return -ENOTCONN;
		return d->ok || d->owes_ack ? -EBUSY : 0;
	default:
		return 0;
	}
}

int sip_dialog_send(struct sip_dialog *d, enum sip_method method, struct sip_slice lines,
	struct sip_slice body, void *user, struct sip_transaction **out)
{
	struct sip_transaction *tx = NULL;
	struct sip_build b;
	int err = may_send(d, method);

	if (!err)
		err = build_request(d, method, d->local_cseq + 1, lines, body, &b);
	if (!err)
		err = sip_client_send(d->set->layer, &d->flow, (uint8_t *)b.p, b.n, user, &tx);
	if (err)
		return err;
	d->local_cseq++;
	if (method == SIP_INVITE)
		sip_dialog_watch(d, &d->invite_out, tx);
	if (method == SIP_BYE)
		d->state = SIP_DIALOG_TERMINATED;
	if (out)
		*out = tx;
	return 0;
}

// ---- ACK for a 2xx

static void ack_is_old(struct sip_timer *t, void *ctx)
{
	struct sip_kept_ack *a =
		(struct sip_kept_ack *)((char *)t - offsetof(struct sip_kept_ack, timer));
	sip_dialog_forget_ack(a->dialog);
}

void sip_dialog_forget_ack(struct sip_dialog *d)
{
	if (d->ack)
		sip_timer_stop(&d->set->layer->wheel, &d->ack->timer);
	free(d->ack);
	d->ack = NULL;
}

int sip_dialog_ack(struct sip_dialog *d, struct sip_slice lines, struct sip_slice body)
{
	struct sip_layer *l = d->set->layer;
	struct sip_kept_ack *a;
	struct sip_build b;
	int err;

	if (!d->owes_ack)
		return -EALREADY;
	err = build_request(d, SIP_ACK, d->owed_cseq, lines, body, &b);
	if (err)
		return err;
	a = calloc(1, sizeof(*a) + b.n);
	if (!a)
		return -ENOMEM;
	a->dialog = d;
	a->cseq = d->owed_cseq;
	a->n = (uint32_t)b.n;
	memcpy(a->bytes, b.p, b.n);
	a->timer.fire = ack_is_old;
	sip_dialog_forget_ack(d);
	d->ack = a;
	d->owes_ack = false;
	d->acked_cseq = d->owed_cseq;
	sip_timer_start(&l->wheel, &a->timer, l->wheel.now + 64ull * l->config.t1);
	return sip_send(l, &d->flow, a->bytes, a->n);
}
