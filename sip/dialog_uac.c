// SPDX-License-Identifier: BSD-3-Clause
//
// The side that calls: dialogs made by responses, forks, and 2xx that come again.
#include <errno.h>

#include "sip/dialogs.h"

// The Request-URI of the INVITE, which the transaction keeps until its final response has been
// shown: where to send when a response names no Contact.
static struct sip_slice fallback_target(struct sip_transaction *tx, struct sip_slice to_uri)
{
	struct sip_layer *l = tx->layer;

	if (!tx->bytes || sip_message_index(&l->own, tx->bytes, tx->bytes_len))
		return to_uri;
	return l->own.uri_text;
}

static int make(struct sip_dialogs *set, struct sip_transaction *tx, const struct sip_message *m,
	struct sip_dialog **out)
{
	struct sip_build b = sip_layer_build(set->layer);
	struct sip_dialog_parts parts = {.flow = sip_tx_flow(tx), .is_uac = true};
	struct sip_address contact, to;
	struct sip_cseq cseq;
	int err;

	if (sip_message_to(m, &to) || sip_message_cseq(m, &cseq) ||
		sip_dialog_write_party(&b, m, SIP_H_FROM, &parts.local) ||
		sip_dialog_write_party(&b, m, SIP_H_TO, &parts.remote) ||
		sip_dialog_write_routes(&b, m, true, &parts.routes))
		return -EBADMSG;
	parts.call_id = sip_message_call_id(m);
	parts.local_tag = sip_message_from_tag(m);
	parts.remote_tag = to.tag;
	if (sip_message_contact(m, &contact) == 0 && !contact.star)
		parts.target = contact.uri_text;
	else
		parts.target = fallback_target(tx, to.uri_text);
	err = sip_dialog_make(set, &parts, sip_tx_user(tx), out);
	if (err)
		return err;
	(*out)->local_cseq = (*out)->invite_cseq = cseq.number;
	return 0;
}

// 13.2.2.4: the 2xx decides the route set and target anew.
static int confirm(struct sip_dialog *d, const struct sip_message *m)
{
	struct sip_build b = sip_layer_build(d->set->layer);
	struct sip_slice routes;
	int err;

	if (d->state == SIP_DIALOG_EARLY) {
		err = sip_dialog_write_routes(&b, m, true, &routes);
		if (!err)
			err = sip_dialog_set_routes(d, routes);
		if (err)
			return err;
	}
	err = sip_dialog_refresh(d, m);
	if (err)
		return err;
	if (d->state == SIP_DIALOG_EARLY)
		d->state = SIP_DIALOG_CONFIRMED;
	return 0;
}

// 0: a new one; 1: it came again.
static int on_invite_ok(struct sip_dialog *d, const struct sip_message *m, uint32_t cseq)
{
	struct sip_layer *l = d->set->layer;
	int err;

	if (d->ack && d->ack->cseq == cseq) {
		l->counters.retransmits_in++;
		l->counters.retransmits_out++;
		sip_send(l, &d->flow, d->ack->bytes, d->ack->n);
		return 1;
	}
	if (d->owes_ack && d->owed_cseq == cseq)
		return 1;
	// An older INVITE's 2xx, long acknowledged: its ACK is gone, and so is its use.
	if (cseq <= d->acked_cseq)
		return 1;
	err = confirm(d, m);
	if (err)
		return err;
	d->owes_ack = true;
	d->owed_cseq = cseq;
	return 0;
}

static void end_early(struct sip_dialogs *set, struct sip_dialog *d)
{
	for (; d; d = (struct sip_dialog *)sip_table_again(&d->node))
		if (d->is_uac && d->state == SIP_DIALOG_EARLY)
			d->state = SIP_DIALOG_TERMINATED;
}

static int on_invite_response(struct sip_dialogs *set, struct sip_transaction *tx,
	const struct sip_message *m, struct sip_dialog **out)
{
	struct sip_cseq cseq;
	int err;

	if (m->status >= 300) {
		// The failure ends every early dialog, also when its own tag made none.
		if (*out == NULL || (*out)->state == SIP_DIALOG_EARLY)
			end_early(set, sip_dialog_first(set, sip_message_call_id(m),
					       sip_message_from_tag(m)));
		return 0;
	}
	if (m->status <= 100 || sip_message_cseq(m, &cseq))
		return 0;
	if (!*out) {
		if (sip_message_to_tag(m).n == 0 && m->status < 200)
			return 0;
		err = make(set, tx, m, out);
		if (err)
			return err;
	}
	return m->status >= 200 ? on_invite_ok(*out, m, cseq.number) : 0;
}

int sip_dialog_on_response(struct sip_dialogs *set, struct sip_transaction *tx,
	const struct sip_message *response, struct sip_dialog **out)
{
	// A response inside a dialog belongs to it whatever tag its sender wrote.
	struct sip_dialog *d = tx->dialog;

	if (!d)
		d = sip_dialog_find(set, sip_message_call_id(response),
			sip_message_from_tag(response), sip_message_to_tag(response));
	*out = d;
	if (sip_tx_kind(tx) == SIP_TX_INVITE_CLIENT)
		return on_invite_response(set, tx, response, out);
	if (d && sip_tx_method(tx) == SIP_UPDATE && response->status >= 200 &&
		response->status < 300)
		return sip_dialog_refresh(d, response);
	return 0;
}
