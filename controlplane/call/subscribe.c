// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/call/subscribe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "controlplane/call/carry.h"
#include "controlplane/call/hide.h"
#include "controlplane/call/refer.h"

#define LINES 4096u

static const struct sip_slice nothing;

// "refer;id=93" -> "refer"
static struct sip_slice package_of(struct sip_slice event)
{
	const char *semi = event.n ? memchr(event.p, ';', event.n) : NULL;

	return sip_slice_trim(sip_slice(event.p, semi ? (size_t)(semi - event.p) : event.n));
}

// ---- Event ----------------------------------------------------------------------------------------------

// The id under which the other side knows the same subscription to a REFER.
static void put_event(
	struct sip_build *b, struct cp_call *call, unsigned leg, const struct sip_message *m)
{
	struct sip_slice event = sip_message_value(m, SIP_H_EVENT), package = package_of(event), id;
	const struct cp_passed *p = &call->passed;
	bool asked = p->from == leg; // by who is the subscriber
	uint32_t number;
	char *hidden;

	if (!sip_slice_iis(package, "refer") || !p->any) { // dialog;call-id=... (RFC 4235)
		sip_build_header(b, "Event", cp_hide(call, leg, event, &hidden));
		free(hidden);
		return;
	}
	if (sip_param_find(sip_slice_from(event, package.n), "id", &id) &&
		sip_slice_u32(id, UINT32_MAX, &number) == 0 &&
		number == (asked ? p->here : p->there))
		sip_build_format(b, "Event", "refer;id=%u", asked ? p->there : p->here);
	else
		sip_build_header(b, "Event", sip_str("refer"));
}

// RFC 6665 8.2.3; other parameters are nobody's business.
static void put_state(struct sip_build *b, const struct sip_message *m)
{
	static const char *const known[] = {"reason", "expires", "retry-after"};
	struct sip_slice value = sip_message_value(m, SIP_H_SUBSCRIPTION_STATE),
			 state = package_of(value), param;

	sip_build_raw(b, sip_str("Subscription-State: "));
	sip_build_value(b, state);
	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (sip_param_find(sip_slice_from(value, state.n), known[i], &param) && param.n) {
			sip_build_raw(b, sip_str(";"));
			sip_build_raw(b, sip_str(known[i]));
			sip_build_raw(b, sip_str("="));
			sip_build_value(b, param);
		}
	sip_build_raw(b, sip_str("\r\n"));
}

static struct sip_slice lines_for(struct cp_call *call, unsigned leg, const struct sip_message *m,
	struct sip_slice body, char out[LINES])
{
	unsigned to = cp_other(leg);
	struct sip_slice own = cp_lines(call, to, CP_LINE_CONTACT | CP_LINE_REQUEST, m,
		CP_IN_SUBSCRIPTION | (body.n ? CP_IN_BODY : 0));
	struct sip_build b = sip_build(out, LINES);

	sip_build_lines(&b, own);
	if (sip_message_has(m, SIP_H_EVENT))
		put_event(&b, call, leg, m);
	if (m->method == SIP_NOTIFY)
		put_state(&b, m);
	return sip_build_check(&b) ? nothing : sip_slice(b.p, b.n);
}

// ---- bodies ---------------------------------------------------------------------------------------------

static bool is_sipfrag(const struct sip_message *m)
{
	struct sip_content_type type;

	return sip_message_content_type(m, &type) == 0 && sip_slice_iis(type.type, "message") &&
	       sip_slice_iis(type.subtype, "sipfrag");
}

// "SIP/2.0 200 OK" and no more: what follows are headers of the other side.
static struct sip_slice status_line(struct sip_slice body, char out[128])
{
	size_t n = 0;

	while (n < body.n && n < 120 && (unsigned char)body.p[n] >= 0x20)
		n++;
	if (n < 11 || strncasecmp(body.p, "SIP/2.0 ", 8) != 0)
		return nothing;
	snprintf(out, 128, "%.*s\r\n", (int)n, body.p);
	return sip_str(out);
}

// ---- inside a call --------------------------------------------------------------------------------------

// 0, or the status that refuses.
static int judge(const struct sip_message *m)
{
	if (!sip_message_has(m, SIP_H_EVENT))
		return 489;
	if (m->method == SIP_NOTIFY && !sip_message_has(m, SIP_H_SUBSCRIPTION_STATE))
		return 400;
	if (sip_message_has_sdp(m))
		return 415;
	return 0;
}

void cp_subscribe_request(
	struct cp_call *call, unsigned leg, struct sip_transaction *tx, const struct sip_message *m)
{
	struct sip_dialog *d = call->leg[cp_other(leg)].dialog;
	struct sip_slice body = sip_message_body(m);
	char lines[LINES], fragment[128], *hidden = NULL;
	struct cp_exchange *x;
	int status = judge(m), err;

	if (status) {
		sip_respond_simple(tx, status, NULL);
		return;
	}
	if (m->method == SIP_SUBSCRIBE && cp_refer_subscribe(call, leg, tx, m))
		return;
	x = d ? cp_exchange_new(call, CP_X_RELAY, (uint8_t)leg) : NULL;
	if (!x) {
		sip_respond_simple(tx, 500, "Retry-After: 1\r\n");
		return;
	}
	x->server = tx;
	x->alone = true;
	sip_tx_set_user(tx, x);
	body = is_sipfrag(m) ? status_line(body, fragment) : cp_hide(call, leg, body, &hidden);
	err = sip_dialog_send(d, (enum sip_method)m->method, lines_for(call, leg, m, body, lines),
		body, x, &x->client);
	free(hidden);
	if (!err)
		return;
	sip_respond_simple(tx, 500, "Retry-After: 1\r\n");
	cp_exchange_release(x);
}

bool cp_subscribe_response(
	struct cp_exchange *x, struct sip_transaction *tx, const struct sip_message *m)
{
	struct sip_response r = {.status = m->status, .reason = m->reason_text};
	unsigned what = m->status < 300 ? CP_IN_SUBSCRIPTION : CP_IN_FAILURE;
	char *hidden = NULL;

	if (!x->alone)
		return false;
	if (cp_carry_has_body(m)) {
		r.body = cp_hide(x->call, cp_other(x->from), sip_message_body(m), &hidden);
		what |= CP_IN_BODY;
	}
	// 481 and 408 say that the subscription is over, not the call (RFC 5057 5.1).
	if (m->status >= 300)
		r.status = cp_cause_carried(m->status);
	if (r.status != m->status)
		r.reason = nothing;
	r.lines = cp_lines(x->call, x->from, CP_LINE_CONTACT, m, what);
	if (x->server)
		sip_respond(x->server, &r);
	free(hidden);
	cp_exchange_release(x);
	return true;
}

// ---- outside ----------------------------------------------------------------------------------------------

void cp_subscribe_outside(struct sip_transaction *tx, const struct sip_message *m)
{
	switch (m->method) {
	case SIP_SUBSCRIBE:
		sip_respond_simple(tx, 489, "Allow-Events: refer\r\n");
		break;
	case SIP_REFER:
		sip_respond_simple(tx, 603, NULL); // we call for nobody who is in no call
		break;
	default:
		sip_respond_simple(tx, 481, NULL);
	}
}
