// SPDX-License-Identifier: BSD-3-Clause
//
// A request once more, with the credentials that a 401 or 407 asked for (RFC 3261 22.2): the same but for
// its branch, its CSeq and the header with them.
#include <errno.h>

#include "sip/dialogs.h"

#define TRIES 3u // challenges to one request

static void put_cseq(struct sip_build *b, const struct sip_message *m, uint32_t number)
{
	sip_build_cseq(b, number, m->method_text);
}

static void put_headers(struct sip_build *b, struct sip_layer *l, const struct sip_message *m,
	const struct sip_flow *flow, uint32_t cseq, enum sip_header_id replaced)
{
	char branch[SIP_ID_TEXT];

	for (unsigned i = 0; i < m->count; i++) {
		enum sip_header_id id = (enum sip_header_id)m->headers[i].id;

		if (id == SIP_H_VIA)
			sip_build_via(b, flow->transport, l->ops.sent_by(l->ctx, flow),
				sip_id_branch(&l->config.ids, branch), true);
		else if (id == SIP_H_CSEQ)
			put_cseq(b, m, cseq);
		else if (id != SIP_H_CONTENT_LENGTH && id != replaced)
			sip_build_raw(b, sip_header_line_of(m, i));
	}
}

// In a dialog the next number is the dialog's to give.
static uint32_t next_cseq(
	struct sip_dialogs *set, const struct sip_message *m, struct sip_dialog **dialog)
{
	struct sip_cseq cseq = {0};

	sip_message_cseq(m, &cseq);
	*dialog = sip_message_to_tag(m).n ? sip_dialog_find(set, sip_message_call_id(m),
						    sip_message_from_tag(m), sip_message_to_tag(m))
					  : NULL;
	return (*dialog && (*dialog)->local_cseq > cseq.number ? (*dialog)->local_cseq
							       : cseq.number) +
	       1;
}

int sip_request_again(struct sip_dialogs *set, struct sip_transaction *old,
	struct sip_slice request, struct sip_slice lines, enum sip_header_id replaced,
	struct sip_transaction **out)
{
	struct sip_layer *l = set->layer;
	struct sip_build b = sip_layer_build(l);
	struct sip_message *m = &l->own;
	struct sip_flow flow = old->flow;
	struct sip_transaction *tx;
	struct sip_dialog *d;
	uint32_t cseq;
	int n, err;

	if (old->tries >= TRIES || (old->flags & SIP_TX_CANCELLED))
		return -EALREADY;
	if (sip_message_index(m, (const uint8_t *)request.p, request.n))
		return -EINVAL;
	cseq = next_cseq(set, m, &d);
	sip_build_request(&b, m->method_text, m->uri_text);
	put_headers(&b, l, m, &flow, cseq, replaced);
	sip_build_lines(&b, lines);
	n = sip_build_end(&b, sip_message_body(m));
	if (n < 0 || n > SIP_MESSAGE_MAX)
		return n < 0 ? n : -ENOBUFS;
	err = sip_client_send(l, &flow, (uint8_t *)b.p, (size_t)n, old->user, &tx);
	if (err)
		return err;
	tx->tries = (uint8_t)(old->tries + 1);
	old->user = NULL;
	if (d)
		d->local_cseq = cseq;
	if (d && d->invite_out == old)
		sip_dialog_watch(d, &d->invite_out, tx);
	*out = tx;
	return 0;
}
