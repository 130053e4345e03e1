// SPDX-License-Identifier: BSD-3-Clause
//
// The set of dialogs, and the life of one.
#include <errno.h>
#include <stdlib.h>

#include "sip/chars.h"
#include "sip/dialogs.h"

int sip_dialogs_new(
	struct sip_layer *l, const struct sip_dialog_ops *ops, void *ctx, struct sip_dialogs **out)
{
	struct sip_dialogs *set = calloc(1, sizeof(*set));

	if (!set)
		return -ENOMEM;
	set->layer = l;
	set->ctx = ctx;
	if (ops)
		set->ops = *ops;
	if (sip_table_init(&set->table, 256)) {
		free(set);
		return -ENOMEM;
	}
	*out = set;
	return 0;
}

static void free_each(struct sip_node *n, void *ctx)
{
	sip_dialog_free((struct sip_dialog *)n);
}

void sip_dialogs_free(struct sip_dialogs *set)
{
	if (!set)
		return;
	sip_table_each(&set->table, free_each, NULL);
	sip_table_free(&set->table);
	free(set);
}

size_t sip_dialogs_count(const struct sip_dialogs *set)
{
	return set->table.count;
}

static struct sip_key key_of(
	struct sip_dialogs *set, struct sip_slice call_id, struct sip_slice local_tag)
{
	struct sip_hash h;
	sip_hash_start(&h, &set->layer->hash_key);
	sip_hash_bytes(&h, "d", 1);
	sip_hash_slice(&h, call_id, false);
	sip_hash_slice(&h, local_tag, false);
	return sip_hash_end(&h);
}

struct sip_dialog *sip_dialog_first(
	struct sip_dialogs *set, struct sip_slice call_id, struct sip_slice local_tag)
{
	return (struct sip_dialog *)sip_table_find(&set->table, key_of(set, call_id, local_tag));
}

struct sip_dialog *sip_dialog_find(struct sip_dialogs *set, struct sip_slice call_id,
	struct sip_slice local_tag, struct sip_slice remote_tag)
{
	struct sip_node *n = sip_table_find(&set->table, key_of(set, call_id, local_tag));

	for (; n; n = sip_table_again(n)) {
		struct sip_dialog *d = (struct sip_dialog *)n;
		if (sip_slice_eq(d->remote_tag, remote_tag))
			return d;
	}
	return NULL;
}

struct sip_dialog *sip_dialog_of(struct sip_dialogs *set, const struct sip_message *request)
{
	return sip_dialog_find(set, sip_message_call_id(request), sip_message_to_tag(request),
		sip_message_from_tag(request));
}

struct sip_dialog *sip_dialog_fork(const struct sip_dialog *d, struct sip_dialog *after)
{
	struct sip_node *n =
		after ? sip_table_again(&after->node) : sip_table_find(&d->set->table, d->node.key);

	if (n == &d->node)
		n = sip_table_again(n);
	return (struct sip_dialog *)n;
}

// ---- making one

// Copy every slice into one block, in order.
static int keep_strings(
	struct sip_dialog *d, struct sip_slice *fields[], const struct sip_slice *v, unsigned count)
{
	size_t total = 1, at = 0;

	for (unsigned i = 0; i < count; i++)
		total += v[i].n;
	char *block = malloc(total);
	if (!block)
		return -ENOMEM;
	for (unsigned i = 0; i < count; i++) {
		if (v[i].n)
			memcpy(block + at, v[i].p, v[i].n);
		*fields[i] = sip_slice(block + at, v[i].n);
		at += v[i].n;
	}
	free(d->strings);
	d->strings = block;
	return 0;
}

static int keep_all(struct sip_dialog *d, const struct sip_slice values[6])
{
	struct sip_slice *fields[] = {
		&d->call_id, &d->local_tag, &d->remote_tag, &d->local, &d->remote, &d->routes};
	return keep_strings(d, fields, values, 6);
}

int sip_dialog_make(struct sip_dialogs *set, const struct sip_dialog_parts *parts, void *user,
	struct sip_dialog **out)
{
	const struct sip_slice values[] = {parts->call_id, parts->local_tag, parts->remote_tag,
		parts->local, parts->remote, parts->routes};
	struct sip_dialog *d;
	int err = -ENOMEM;

	if (sip_dialog_find(set, parts->call_id, parts->local_tag, parts->remote_tag))
		return -EEXIST;
	d = calloc(1, sizeof(*d));
	if (!d)
		goto out;
	d->set = set;
	d->user = user;
	d->flow = *parts->flow;
	d->is_uac = parts->is_uac;
	d->state = SIP_DIALOG_EARLY;
	err = keep_all(d, values);
	if (!err)
		err = sip_dialog_set_target(d, parts->target);
	if (err)
		goto out;
	d->node.key = key_of(set, d->call_id, d->local_tag);
	sip_table_add(&set->table, &d->node);
	*out = d;
	return 0;
out:
	if (d) {
		free(d->strings);
		free(d->target);
	}
	free(d);
	if (err == -ENOMEM)
		set->layer->counters.no_memory++;
	return err;
}

static void unwatch(struct sip_transaction *tx)
{
	if (tx) {
		tx->dialog = NULL;
		tx->on_end = NULL;
	}
}

void sip_dialog_free(struct sip_dialog *d)
{
	if (!d)
		return;
	unwatch(d->invite_in);
	unwatch(d->invite_out);
	sip_dialog_forget_ok(d);
	sip_dialog_forget_ack(d);
	sip_reliable_free(d);
	sip_table_remove(&d->set->table, &d->node);
	free(d->strings);
	free(d->target);
	free(d);
}

int sip_dialog_set_target(struct sip_dialog *d, struct sip_slice uri)
{
	char *copy = malloc(uri.n + 1);

	if (!copy)
		return -ENOMEM;
	if (uri.n)
		memcpy(copy, uri.p, uri.n);
	free(d->target);
	d->target = copy;
	d->target_len = (uint32_t)uri.n;
	return 0;
}

int sip_dialog_refresh(struct sip_dialog *d, const struct sip_message *m)
{
	struct sip_address contact;

	if (sip_message_contact(m, &contact) || contact.star)
		return 0;
	if (sip_slice_eq(contact.uri_text, sip_slice(d->target, d->target_len)))
		return 0;
	return sip_dialog_set_target(d, contact.uri_text);
}

int sip_dialog_set_routes(struct sip_dialog *d, struct sip_slice routes)
{
	const struct sip_slice values[] = {
		d->call_id, d->local_tag, d->remote_tag, d->local, d->remote, routes};

	return sip_slice_eq(d->routes, routes) ? 0 : keep_all(d, values);
}

// ---- what a dialog keeps of headers

// "display" <uri>, without the parameters: these belong to the messages (12.2.1.1).
int sip_dialog_write_party(struct sip_build *b, const struct sip_message *m, enum sip_header_id id,
	struct sip_slice *out)
{
	struct sip_slice value = sip_message_value(m, id);
	struct sip_address a;
	size_t start = b->n;

	if (sip_address_parse(value, &a) || a.star)
		return -EBADMSG;
	if (a.display.n) {
		// As it stood there, quotes and all.
		const char *angle = a.uri_text.p - 1;
		sip_build_value(b, sip_slice_trim(sip_slice(value.p, (size_t)(angle - value.p))));
		sip_build_raw(b, sip_str(" "));
	}
	sip_build_raw(b, sip_str("<"));
	sip_build_value(b, a.uri_text);
	sip_build_raw(b, sip_str(">"));
	*out = sip_slice(b->p + start, b->n - start);
	return sip_build_check(b);
}

#define ROUTES_MAX 32

int sip_dialog_write_routes(
	struct sip_build *b, const struct sip_message *m, bool reverse, struct sip_slice *out)
{
	struct sip_walk w = sip_walk(m, SIP_H_RECORD_ROUTE);
	struct sip_slice routes[ROUTES_MAX], one;
	struct sip_address a;
	size_t start = b->n, n = 0;

	while (sip_walk_next(&w, &one)) {
		if (n == ROUTES_MAX || sip_address_parse(one, &a) || a.star ||
			a.uri_text.p[-1] != '<')
			return -EBADMSG;
		routes[n++] = one;
	}
	for (size_t i = 0; i < n; i++) {
		if (i)
			sip_build_raw(b, sip_str(", "));
		sip_build_value(b, routes[reverse ? n - 1 - i : i]);
	}
	*out = sip_slice(b->p + start, b->n - start);
	return sip_build_check(b);
}

// ---- transactions that a dialog follows

static void on_end(struct sip_transaction *tx)
{
	struct sip_dialog *d = tx->dialog;

	if (d && d->invite_in == tx)
		d->invite_in = NULL;
	if (d && d->invite_out == tx)
		d->invite_out = NULL;
}

void sip_dialog_watch(
	struct sip_dialog *d, struct sip_transaction **place, struct sip_transaction *tx)
{
	unwatch(*place);
	*place = tx;
	tx->dialog = d;
	tx->on_end = on_end;
}

static bool is_pending(const struct sip_transaction *tx)
{
	return tx && tx->status < 200 && tx->state != SIP_TX_TERMINATED;
}

bool sip_dialog_in_pending(const struct sip_dialog *d)
{
	return is_pending(d->invite_in);
}

bool sip_dialog_out_pending(const struct sip_dialog *d)
{
	return is_pending(d->invite_out) || (d->is_uac && d->state == SIP_DIALOG_EARLY);
}

bool sip_dialog_invite_pending(const struct sip_dialog *d)
{
	return sip_dialog_in_pending(d) || sip_dialog_out_pending(d);
}

// ---- reading

void *sip_dialog_user(const struct sip_dialog *d)
{
	return d->user;
}

void sip_dialog_set_user(struct sip_dialog *d, void *user)
{
	d->user = user;
}

enum sip_dialog_state sip_dialog_state(const struct sip_dialog *d)
{
	return d->state;
}

const struct sip_flow *sip_dialog_flow(const struct sip_dialog *d)
{
	return &d->flow;
}

void sip_dialog_set_flow(struct sip_dialog *d, const struct sip_flow *flow)
{
	d->flow = *flow;
}

bool sip_dialog_awaits_ack(const struct sip_dialog *d)
{
	return d->ok;
}

bool sip_dialog_owes_ack(const struct sip_dialog *d)
{
	return d->owes_ack;
}

uint32_t sip_dialog_glare_delay(const struct sip_dialog *d)
{
	const struct sip_ids *ids = sip_layer_ids(d->set->layer);
	uint16_t r;

	ids->random(ids->ctx, &r, sizeof(r));
	return d->is_uac ? 2100 + r % 191 * 10 : r % 201 * 10;
}

void sip_dialog_view(const struct sip_dialog *d, struct sip_dialog_view *out)
{
	*out = (struct sip_dialog_view){
		.state = d->state,
		.is_uac = d->is_uac,
		.secure = d->secure,
		.call_id = d->call_id,
		.local_tag = d->local_tag,
		.remote_tag = d->remote_tag,
		.local = d->local,
		.remote = d->remote,
		.target = sip_slice(d->target, d->target_len),
		.routes = d->routes,
		.local_cseq = d->local_cseq,
		.remote_cseq = d->remote_cseq,
		.has_remote_cseq = d->has_remote_cseq,
		.flow = d->flow,
	};
	if (!d->ok)
		return;
	out->ok = sip_slice((const char *)d->ok->bytes, d->ok->n);
	out->ok_cseq = d->ok->cseq;
	out->ok_flow = d->ok->flow;
}

int sip_dialog_restore(struct sip_dialogs *set, const struct sip_dialog_view *view, void *user,
	struct sip_dialog **out)
{
	struct sip_dialog_parts parts = {view->call_id, view->local_tag, view->remote_tag,
		view->local, view->remote, view->routes, view->target, &view->flow, view->is_uac};
	struct sip_uri target;
	int err;

	if (view->call_id.n == 0 || view->local_tag.n == 0 || view->local.n == 0 ||
		view->remote.n == 0 || sip_uri_parse(view->target, &target))
		return -EINVAL;
	err = sip_dialog_make(set, &parts, user, out);
	if (err)
		return err;
	(*out)->state = (uint8_t)view->state;
	(*out)->secure = view->secure;
	(*out)->local_cseq = view->local_cseq;
	(*out)->remote_cseq = view->remote_cseq;
	(*out)->has_remote_cseq = view->has_remote_cseq;
	if (!view->ok.n)
		return 0;
	err = sip_dialog_restore_ok(*out, view);
	if (err)
		sip_dialog_free(*out);
	return err;
}
