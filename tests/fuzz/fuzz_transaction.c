// SPDX-License-Identifier: BSD-3-Clause
// A script of what peers, the transport, the clock and the user do, in any order. No transaction is lost,
// ended twice or answered to another place than its request came from.
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sip/dialog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KEPT 16
#define SENT 8

struct world {
	struct sip_layer *layer;
	struct sip_dialogs *dialogs;
	const uint8_t *p, *end;
	struct sip_transaction *tx[KEPT]; // alive, told of or made
	struct sip_dialog *dialog[KEPT];
	unsigned next_tx, next_dialog;
	long alive; // transactions that the user knows
	char sent[SENT][2048];
	size_t sent_len[SENT];
	unsigned next_sent;
	struct sip_flow source; // of what is being received
	bool receiving, refuse;
	uint32_t random;
};

static unsigned take(struct world *w)
{
	return w->p < w->end ? *w->p++ : 0;
}

static void keep_dialog(struct world *w, struct sip_dialog *d)
{
	for (unsigned i = 0; i < KEPT; i++)
		if (w->dialog[i] == d)
			return;
	struct sip_dialog **place = &w->dialog[w->next_dialog++ % KEPT];
	sip_dialog_free(*place);
	*place = d;
}

static int on_send(void *ctx, const struct sip_flow *to, const uint8_t *b, size_t n)
{
	static struct sip_message m;
	struct world *w = ctx;

	// Everything that we write is a message that we would take.
	if (sip_screen(&m, b, n, SIP_UDP).verdict != SIP_SCREEN_ACCEPT && m.is_request)
		abort();
	if (!m.is_request && w->receiving && m.status != 0 && to->remote.family != 4)
		abort();
	if (n <= sizeof(w->sent[0])) {
		unsigned i = w->next_sent++ % SENT;
		memcpy(w->sent[i], b, n);
		w->sent_len[i] = n;
	}
	return w->refuse ? -ECONNREFUSED : 0;
}

static struct sip_slice on_sent_by(void *ctx, const struct sip_flow *flow)
{
	return sip_str("192.0.2.1:5060");
}

static void keep_tx(struct world *w, struct sip_transaction *tx)
{
	w->alive++;
	w->tx[w->next_tx++ % KEPT] = tx;
}

static void on_request(void *ctx, struct sip_transaction *tx, const struct sip_message *m)
{
	struct world *w = ctx;
	struct sip_dialog *d = NULL;

	if (memcmp(sip_tx_flow(tx), &w->source, sizeof(w->source)) != 0)
		abort();
	keep_tx(w, tx);
	if (sip_message_to_tag(m).n) {
		if (sip_dialog_on_request(w->dialogs, tx, m, &d) == 0 && !d)
			abort();
	} else if (m->method == SIP_INVITE) {
		if (sip_dialog_new_uas(w->dialogs, tx, m, w, &d) == 0)
			keep_dialog(w, d);
	}
	if (take(w) & 1)
		sip_respond_simple(tx, 100 + (int)take(w) * 2, NULL);
}

static void on_ack(void *ctx, const struct sip_message *m, const struct sip_flow *source)
{
	struct world *w = ctx;
	struct sip_dialog *d;
	sip_dialog_on_ack(w->dialogs, m, &d);
}

static void on_cancel(void *ctx, struct sip_transaction *tx, const struct sip_message *m)
{
	struct world *w = ctx;
	if (take(w) & 1)
		sip_respond_simple(tx, 487, NULL);
}

static void on_response(void *ctx, struct sip_transaction *tx, const struct sip_message *m)
{
	struct world *w = ctx;
	struct sip_dialog *d = NULL;

	if (sip_dialog_on_response(w->dialogs, tx, m, &d) < 0 || !d)
		return;
	keep_dialog(w, d);
	if (take(w) & 1)
		sip_dialog_ack(d, sip_slice("", 0), sip_slice("", 0));
}

static void on_event(void *ctx, struct sip_transaction *tx)
{
	sip_tx_status(tx);
}

static void on_error(void *ctx, struct sip_transaction *tx, int error)
{
	if (error == 0)
		abort();
}

static void on_terminated(void *ctx, struct sip_transaction *tx)
{
	struct world *w = ctx;

	if (--w->alive < 0 || sip_tx_state(tx) != SIP_TX_TERMINATED)
		abort();
	for (unsigned i = 0; i < KEPT; i++)
		if (w->tx[i] == tx)
			w->tx[i] = NULL;
}

static void on_no_ack(void *ctx, struct sip_dialog *d)
{
	struct sip_transaction *tx;
	if (sip_dialog_send(d, SIP_BYE, sip_slice("", 0), sip_slice("", 0), NULL, &tx) == 0)
		keep_tx(ctx, tx);
}

static void fill(void *ctx, void *out, size_t n)
{
	struct world *w = ctx;
	for (size_t i = 0; i < n; i++) {
		w->random = w->random * 1664525u + 1013904223u;
		((uint8_t *)out)[i] = (uint8_t)(w->random >> 24);
	}
}

static void receive(struct world *w, const char *bytes, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);

	if (!copy)
		return;
	memcpy(copy, bytes, n);
	w->receiving = true;
	sip_layer_receive(w->layer, &w->source, copy, n);
	w->receiving = false;
	free(copy);
}

// A request made of a few bytes, so that scripts meet each other.
static void peer_request(struct world *w)
{
	static const char *const methods[] = {
		"INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "UPDATE", "INFO", "FOO"};
	char text[1024], to_tag[128] = "";
	unsigned what = take(w), ids = take(w), cseq = take(w) & 7;
	const char *method = methods[what & 7];
	struct sip_dialog *d = w->dialog[(what >> 4) & 7];
	struct sip_dialog_view v = {.call_id = {"cid", 3}, .remote_tag = {"ft", 2}};

	if (d && (what & 8)) {
		sip_dialog_view(d, &v);
		if (v.local_tag.n < 100)
			snprintf(to_tag, sizeof(to_tag), ";tag=%.*s", SIP_PRI(v.local_tag));
	}
	if (v.call_id.n > 200 || v.remote_tag.n > 100)
		return;
	int n = snprintf(text, sizeof(text),
		"%s sip:a@192.0.2.1 SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 198.51.100.7;branch=%s%u;received=203.0.113.9;rport=1\r\n"
		"From: <sip:b@x>;tag=%.*s\r\nTo: <sip:a@x>%s\r\nCall-ID: %.*s\r\n"
		"CSeq: %u %s\r\nContact: <sip:c%u@198.51.100.7>\r\n%s\r\n",
		method, ids & 128 ? "" : SIP_COOKIE, ids & 3, SIP_PRI(v.remote_tag), to_tag,
		SIP_PRI(v.call_id), cseq, method, ids & 7,
		ids & 64 ? "Record-Route: <sip:p;lr>, <sip:q>\r\n" : "");
	if (n > 0 && (size_t)n < sizeof(text))
		receive(w, text, (size_t)n);
}

// A response to something that we sent.
static void peer_response(struct world *w)
{
	static struct sip_message m;
	unsigned which = take(w) % SENT, tag = take(w) & 3;
	int status = 100 + (int)take(w) * 2;
	char text[4096];
	struct sip_build b = sip_build(text, sizeof(text));

	if (!w->sent_len[which] ||
		sip_message_index(&m, (uint8_t *)w->sent[which], w->sent_len[which]) ||
		!m.is_request)
		return;
	static const char *const tags[] = {"", "t1", "t2", "t3"};
	sip_build_status(&b, status, sip_str("X"));
	sip_build_copy(&b, &m, SIP_H_VIA);
	sip_build_copy(&b, &m, SIP_H_FROM);
	sip_build_copy(&b, &m, SIP_H_TO);
	if (tag && !sip_message_to_tag(&m).n) {
		b.n -= 2;
		sip_build_raw(&b, sip_str(";tag="));
		sip_build_raw(&b, sip_str(tags[tag]));
		sip_build_raw(&b, sip_str("\r\n"));
	}
	sip_build_copy(&b, &m, SIP_H_CALL_ID);
	sip_build_copy(&b, &m, SIP_H_CSEQ);
	sip_build_header_str(&b, "Contact", "<sip:b@198.51.100.8>");
	int n = sip_build_end(&b, sip_slice("", 0));
	if (n > 0)
		receive(w, text, (size_t)n);
}

static void we_call(struct world *w)
{
	struct sip_request r = {.method = take(w) & 1 ? SIP_INVITE : SIP_OPTIONS,
		.uri = sip_str("sip:b@198.51.100.7"),
		.to_uri = sip_str("sip:b@198.51.100.7"),
		.from_uri = sip_str("sip:a@192.0.2.1")};
	struct sip_transaction *tx;

	if (sip_request_send(w->dialogs, &w->source, &r, w, &tx) == 0)
		keep_tx(w, tx);
}

static void in_dialog(struct world *w)
{
	static const uint8_t methods[] = {SIP_INVITE, SIP_BYE, SIP_INFO, SIP_UPDATE};
	unsigned what = take(w);
	struct sip_dialog *d = w->dialog[what & 15];
	struct sip_transaction *tx;

	if (!d)
		return;
	if (what & 64) {
		sip_dialog_free(d);
		w->dialog[what & 15] = NULL;
	} else if (what & 128) {
		sip_dialog_ack(d, sip_slice("", 0), sip_slice("", 0));
	} else if (sip_dialog_send(d, (enum sip_method)methods[what >> 4 & 3], sip_slice("", 0),
			   sip_slice("", 0), w, &tx) == 0) {
		keep_tx(w, tx);
	}
}

static void respond(struct world *w)
{
	unsigned what = take(w), status = 100 + take(w) * 2;
	struct sip_transaction *tx = w->tx[what & 15];
	struct sip_dialog *d = w->dialog[what >> 4];
	struct sip_response r = {.status = (int)status};

	if (!tx)
		return;
	if (what & 1 && d && sip_tx_kind(tx) >= SIP_TX_INVITE_SERVER)
		sip_dialog_respond(d, tx, &r);
	else
		sip_respond(tx, &r);
}

static void cancel(struct world *w)
{
	struct sip_transaction *tx = w->tx[take(w) & 15];
	if (tx && sip_tx_kind(tx) == SIP_TX_INVITE_CLIENT)
		sip_client_cancel(tx, sip_str("Reason: SIP;cause=200\r\n"));
}

static void raw(struct world *w)
{
	size_t n = take(w) * 4u;
	if (n > (size_t)(w->end - w->p))
		n = (size_t)(w->end - w->p);
	const uint8_t *at = w->p;
	w->p += n;
	receive(w, (const char *)at, n);
}

static void step(struct world *w)
{
	unsigned what = take(w);

	switch (what & 15) {
	case 0:
	case 1:
	case 2:
		peer_request(w);
		break;
	case 3:
	case 4:
		peer_response(w);
		break;
	case 5:
		sip_layer_tick(w->layer, sip_layer_now(w->layer) + take(w) * 8u);
		break;
	case 6:
		sip_layer_tick(w->layer, sip_layer_now(w->layer) + take(w) * 256u);
		break;
	case 7:
		we_call(w);
		break;
	case 8:
	case 9:
		respond(w);
		break;
	case 10:
		in_dialog(w);
		break;
	case 11:
		cancel(w);
		break;
	case 12:
		w->refuse = take(w) & 1;
		break;
	case 13:
		w->source.transport = take(w) & 1 ? SIP_TCP : SIP_UDP;
		w->source.connection = w->source.transport ? 1 + (take(w) & 3) : 0;
		w->source.remote.ip[3] = (uint8_t)(take(w) & 1);
		break;
	case 14:
		sip_layer_flow_failed(w->layer, &w->source, -ECONNRESET);
		break;
	default:
		raw(w);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct sip_layer_ops ops = {.send = on_send,
		.sent_by = on_sent_by,
		.request = on_request,
		.ack = on_ack,
		.cancel = on_cancel,
		.response = on_response,
		.timeout = on_event,
		.transport_error = on_error,
		.terminated = on_terminated};
	static const struct sip_dialog_ops dialog_ops = {.no_ack = on_no_ack};
	static struct world w;

	memset(&w, 0, sizeof(w));
	w.p = data;
	w.end = data + size;
	w.source.remote = (struct sip_addr){.family = 4, .port = 5060, .ip = {198, 51, 100}};
	struct sip_layer_config config = {.ops = &ops,
		.ctx = &w,
		.now = 1,
		.show_trying = size & 1,
		.transactions = 64,
		.ids = {.random = fill, .ctx = &w, .prefix = "f"}};
	if (sip_layer_new(&config, &w.layer) ||
		sip_dialogs_new(w.layer, &dialog_ops, &w, &w.dialogs))
		return 0;
	for (unsigned steps = 0; w.p < w.end && steps < 4096; steps++)
		step(&w);
	w.refuse = false;
	sip_dialogs_free(w.dialogs);
	sip_layer_free(w.layer);
	if (w.alive != 0)
		abort();
	return 0;
}
