// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/call/dtmf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "controlplane/call/call.h"
#include "controlplane/call/media.h"
#include "controlplane/call/order.h"

#define SHORTEST 40u
#define LONGEST  10000u
#define USUAL    160u // ms, of a body that does not say

struct cp_digits {
	struct cp_exchange x; // our INFO
	bool under_way;
	uint8_t count, leg[CP_DIGITS];
	struct cp_digit digit[CP_DIGITS];
};

static const char digits[] = "0123456789*#ABCD!";

// ---- bodies ---------------------------------------------------------------------------------------

enum cp_dtmf_body cp_dtmf_body(const struct sip_message *m)
{
	struct sip_content_type type;

	if (!sip_message_body(m).n || sip_message_content_type(m, &type) ||
		!sip_slice_iis(type.type, "application"))
		return CP_DTMF_NONE;
	if (sip_slice_iis(type.subtype, "dtmf-relay"))
		return CP_DTMF_RELAY;
	return sip_slice_iis(type.subtype, "dtmf") ? CP_DTMF_PLAIN : CP_DTMF_NONE;
}

// "5", "*", "d", "!", "flash", and the event's number, which some say: "10" for "*".
static int digit_of(struct sip_slice s)
{
	uint32_t n;
	const char *p;

	if (s.n == 1) {
		p = strchr(digits, s.p[0] >= 'a' && s.p[0] <= 'd' ? s.p[0] - 'a' + 'A' : s.p[0]);
		return s.p[0] && p ? (int)(p - digits) : -1;
	}
	if (sip_slice_iis(s, "flash") || sip_slice_iis(s, "hf"))
		return ABI_DTMF_FLASH;
	return s.n == 2 && sip_slice_u32(s, ABI_DTMF_FLASH, &n) == 0 && n >= 10 ? (int)n : -1;
}

static struct sip_slice take_line(struct sip_slice *rest)
{
	size_t n = 0;
	struct sip_slice line;

	while (n < rest->n && rest->p[n] != '\r' && rest->p[n] != '\n')
		n++;
	line = sip_slice(rest->p, n);
	while (n < rest->n && (rest->p[n] == '\r' || rest->p[n] == '\n'))
		n++;
	*rest = sip_slice_from(*rest, n);
	return sip_slice_trim(line);
}

static int parse_line(struct sip_slice line, int *digit, uint32_t *duration)
{
	const char *eq = line.n ? memchr(line.p, '=', line.n) : NULL;
	struct sip_slice key, value;

	if (!line.n)
		return 0;
	if (!eq)
		return -EBADMSG;
	key = sip_slice_trim(sip_slice(line.p, (size_t)(eq - line.p)));
	value = sip_slice_trim(sip_slice_from(line, (size_t)(eq - line.p) + 1));
	if (sip_slice_iis(key, "signal")) {
		*digit = digit_of(value);
		return *digit < 0 ? -EBADMSG : 0;
	}
	if (sip_slice_iis(key, "duration"))
		return sip_slice_u32(value, 600000, duration) ? -EBADMSG : 0;
	return 0;
}

int cp_dtmf_parse(enum cp_dtmf_body kind, struct sip_slice body, struct cp_digit *out)
{
	uint32_t duration = USUAL;
	int digit = -1, err = 0;

	if (kind == CP_DTMF_PLAIN && !(body.n && memchr(body.p, '=', body.n))) {
		digit = digit_of(take_line(&body));
		err = take_line(&body).n ? -EBADMSG : 0;
	}
	while (body.n && !err)
		err = parse_line(take_line(&body), &digit, &duration);
	if (err || digit < 0)
		return -EBADMSG;
	out->digit = (uint8_t)digit;
	out->duration_ms = (uint16_t)(duration < SHORTEST  ? SHORTEST
				      : duration > LONGEST ? LONGEST
							   : duration);
	return 0;
}

char cp_dtmf_char(unsigned digit)
{
	return digit <= ABI_DTMF_FLASH ? digits[digit] : '?';
}

// ---- from INFO ------------------------------------------------------------------------------------

// How this leg takes digits: enum abi_dtmf; NONE: nobody knows.
static unsigned taken_by(const struct cp_session *s, unsigned leg)
{
	const struct cp_leg *l = &s->call->leg[leg];
	const bool events = s->plan.leg[leg].dtmf_type != 255;

	return cp_codecs_dtmf(l->peer ? &l->peer->cfg->codecs : NULL, events, l->info_digits);
}

// hawse-media speaks on this leg, from now on if not before.
static bool speaks(struct cp_session *s)
{
	struct cp_call *call = s->call;

	if (s->looked_into)
		return true;
	if (call->offer || call->state != ABI_CALL_UP || !call->shard->can)
		return false;
	call->look = true;
	return cp_media_again(call) == 0 && s->looked_into;
}

static bool send_digit(struct cp_session *s, unsigned leg, const struct cp_digit *d)
{
	const struct abi_dtmf_send order = {
		.leg = (uint8_t)leg,
		.count = 1,
		.duration_ms = d->duration_ms,
		.digit = {d->digit},
	};

	return cp_order_give(s, ABI_DTMF_SEND, &order, sizeof(order), NULL) == 0;
}

bool cp_dtmf_info(struct cp_call *call, unsigned leg, struct sip_transaction *tx,
	const struct sip_message *m)
{
	enum cp_dtmf_body kind = cp_dtmf_body(m);
	struct cp_session *s = cp_order_session(call);
	unsigned to = cp_other(leg), how;
	struct cp_digit d;

	if (kind == CP_DTMF_NONE)
		return false;
	call->leg[leg].info_digits = true;
	call->leg[leg].plain_digits = kind == CP_DTMF_PLAIN;
	how = s ? taken_by(s, to) : ABI_DTMF_NONE;
	if ((how != ABI_DTMF_EVENT && how != ABI_DTMF_INBAND) || !speaks(s))
		return false;
	if (cp_dtmf_parse(kind, sip_message_body(m), &d)) {
		sip_respond_simple(tx, 415, "Accept: application/dtmf-relay, application/dtmf\r\n");
		return true;
	}
	if (!send_digit(s, to, &d))
		return false;
	cp_call_event(call, (uint8_t)leg, "digit %c by INFO, %u ms, sent as %s", cp_dtmf_char(d.digit),
		d.duration_ms, how == ABI_DTMF_EVENT ? "telephone-event" : "tone");
	sip_respond_simple(tx, 200, NULL);
	return true;
}

// ---- to INFO --------------------------------------------------------------------------------------

// The first that waits. Without a dialog to send it in there is nobody to hear it.
static void send_next(struct cp_call *call)
{
	struct cp_digits *w = call->digits;
	struct sip_slice lines;
	struct cp_exchange *x;
	char body[64];
	unsigned leg;
	int n;

	if (!w || !w->count || w->under_way || call->state != ABI_CALL_UP)
		return;
	leg = w->leg[0];
	x = &w->x;
	if (!call->leg[leg].dialog)
		return;
	*x = (struct cp_exchange){
		.call = call, .kind = CP_X_DIGIT, .from = (uint8_t)cp_other(leg)};
	if (call->leg[leg].plain_digits)
		n = snprintf(body, sizeof(body), "%c\r\n", cp_dtmf_char(w->digit[0].digit));
	else
		n = snprintf(body, sizeof(body), "Signal=%c\r\nDuration=%u\r\n",
			cp_dtmf_char(w->digit[0].digit), w->digit[0].duration_ms);
	lines = cp_lines(call, leg,
		CP_LINE_REQUEST | (call->leg[leg].plain_digits ? CP_LINE_DTMF : CP_LINE_DTMF_RELAY),
		NULL, 0);
	w->count--;
	memmove(w->leg, w->leg + 1, w->count);
	memmove(w->digit, w->digit + 1, w->count * sizeof(w->digit[0]));
	w->under_way = true;
	if (sip_dialog_send(call->leg[leg].dialog, SIP_INFO, lines, sip_slice(body, (size_t)n), x,
		    &x->client) == 0)
		return;
	w->under_way = false;
	cp_exchange_release(x);
}

void cp_dtmf_event(struct cp_session *s, const struct abi_msg *event)
{
	const struct abi_event_dtmf *e = (const struct abi_event_dtmf *)event->payload;
	struct cp_call *call = s->call;
	unsigned to = cp_other(e->leg & 1);
	struct cp_digits *w;

	cp_call_event(call, e->leg, "digit %c by %s, %u ms", cp_dtmf_char(e->digit),
		e->how == ABI_DTMF_EVENT ? "telephone-event" : "tone", e->duration_ms);
	if (taken_by(s, to) != ABI_DTMF_SIGNALLED)
		return;
	if (!call->digits)
		call->digits = calloc(1, sizeof(*call->digits));
	w = call->digits;
	if (!w || w->count == CP_DIGITS) {
		cp_call_event(call, (uint8_t)to, "digit %c is lost", cp_dtmf_char(e->digit));
		return;
	}
	w->leg[w->count] = (uint8_t)to;
	w->digit[w->count++] = (struct cp_digit){e->digit, e->duration_ms};
	send_next(call);
}

void cp_dtmf_answered(struct cp_exchange *x, int status)
{
	struct cp_call *call = x->call;
	unsigned leg = cp_other(x->from);

	call->digits->under_way = false;
	if (status >= 300)
		cp_call_event(call, (uint8_t)leg, "INFO refused: %d", status);
	cp_exchange_release(x);
	if (status == 481 && call->state == ABI_CALL_UP)
		cp_change_lost(call, leg, status);
	else
		send_next(call);
}

void cp_dtmf_free(struct cp_call *call)
{
	if (call->digits)
		cp_exchange_release(&call->digits->x);
	free(call->digits);
	call->digits = NULL;
}
