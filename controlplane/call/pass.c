// SPDX-License-Identifier: BSD-3-Clause
//
// REFER that goes over to the other side. What it names there must be known there: a number at our
// address, or, for a transfer with a consultation, the dialog that this other side has in the second call.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "controlplane/call/carry.h"
#include "controlplane/call/refer.h"
#include "controlplane/call/replaces.h"

#define LINES 4096u

// Into a header part of a URI: everything but unreserved is written as %HH (RFC 3261 25.1, hvalue).
static int escape(struct sip_slice in, char *out, size_t size)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t n = 0;

	for (size_t i = 0; i < in.n; i++) {
		unsigned char c = (unsigned char)in.p[i];
		bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			     (c >= 'A' && c <= 'Z') || (c && strchr("-_.!~*'()", c));

		if (n + 4 > size)
			return -ENOBUFS;
		if (plain) {
			out[n++] = (char)c;
		} else {
			out[n++] = '%';
			out[n++] = hex[c >> 4];
			out[n++] = hex[c & 15];
		}
	}
	out[n] = 0;
	return (int)n;
}

// The other side's own dialog in the call that `r` names, as it calls it: to-tag is that of its party.
static int replaces_there(
	struct cp_call *call, unsigned leg, const struct cp_replaces *r, char out[1024])
{
	const struct cp_peer *asks = call->leg[leg].peer, *told = call->leg[cp_other(leg)].peer;
	struct sip_dialog_view view;
	char name[CP_REPLACES], escaped[768];
	unsigned at = 0, far;
	struct cp_call *other = cp_replaces_find(call->shard, r, &at);

	if (!other || other == call || other->state != ABI_CALL_UP ||
		strcmp(other->leg[at].peer->cfg->name, asks->cfg->name) != 0)
		return -ENOENT;
	far = cp_other(at);
	if (!other->leg[far].dialog ||
		strcmp(other->leg[far].peer->cfg->name, told->cfg->name) != 0)
		return -ENOENT;
	sip_dialog_view(other->leg[far].dialog, &view);
	if (snprintf(name, sizeof(name), "%.*s;to-tag=%.*s;from-tag=%.*s", SIP_PRI(view.call_id),
		    SIP_PRI(view.remote_tag), SIP_PRI(view.local_tag)) >= (int)sizeof(name) ||
		escape(sip_str(name), escaped, sizeof(escaped)) < 0)
		return -ENOBUFS;
	if (snprintf(out, 1024, "%.*s?Replaces=%s", SIP_PRI(view.target), escaped) >= 1024)
		return -ENOBUFS;
	return 0;
}

// Refer-To as the other side is to read it.
static int target_there(
	struct cp_call *call, unsigned leg, const struct sip_message *m, char out[1024])
{
	const struct cp_listener *l = cp_leg_listener(call, cp_other(leg));
	struct cp_replaces r;
	char text[CP_REPLACES], uri[CP_URI];
	struct sip_address to;
	int err = sip_address_parse(sip_message_value(m, SIP_H_REFER_TO), &to);

	if (err)
		return err;
	if (cp_replaces_in_uri(to.uri.headers, text, &r) == 0)
		return replaces_there(call, leg, &r, out);
	err = cp_carry_uri(&to.uri, l->host,
		l->local.port == CFG_PORT_SIP ? 0 : l->local.port, uri);
	if (err >= 0)
		snprintf(out, 1024, "%s", uri);
	return err < 0 ? err : 0;
}

bool cp_pass_refer(
	struct cp_call *call, unsigned leg, struct sip_transaction *tx, const struct sip_message *m)
{
	unsigned to = cp_other(leg);
	struct sip_dialog *d = call->leg[to].dialog;
	char uri[1024], buffer[LINES];
	struct sip_build b = sip_build(buffer, sizeof(buffer));
	struct sip_dialog_view view;
	struct sip_cseq cseq;
	struct cp_exchange *x;
	int err;

	if (!d || sip_message_cseq(m, &cseq) || target_there(call, leg, m, uri))
		return false;
	x = cp_exchange_new(call, CP_X_RELAY, (uint8_t)leg);
	if (!x) {
		sip_respond_simple(tx, 500, "Retry-After: 1\r\n");
		return true;
	}
	x->server = tx;
	x->alone = true;
	sip_tx_set_user(tx, x);
	sip_build_lines(&b,
		cp_lines(call, to, CP_LINE_CONTACT | CP_LINE_REQUEST, m, CP_IN_SUBSCRIPTION));
	sip_build_format(&b, "Refer-To", "<%s>", uri);
	err = sip_build_check(&b);
	if (!err)
		err = sip_dialog_send(d, SIP_REFER, sip_slice(b.p, b.n), sip_slice(NULL, 0), x,
			&x->client);
	if (err) {
		sip_respond_simple(tx, 500, "Retry-After: 1\r\n");
		cp_exchange_release(x);
		return true;
	}
	sip_dialog_view(d, &view);
	call->passed = (struct cp_passed){true, (uint8_t)leg, cseq.number, view.local_cseq};
	cp_call_event(call, (uint8_t)leg, "transfer passed on");
	return true;
}
