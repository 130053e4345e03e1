// SPDX-License-Identifier: BSD-3-Clause
//
// Session timers (RFC 4028), each leg's by itself: what one side wants of its leg does not bind the other.
// The rules are sip/session_timer's; here are the clock, the refreshes and the end.
//
// We refresh by an UPDATE without a body where the party allows it, else by a re-INVITE with what is agreed.
// Whatever it answers but 408 and 481 says that it lives; a party that does not refuses nothing by refusing
// the refresh, so no call ends for that.
#include "controlplane/call/call.h"

#include <errno.h>
#include <stdio.h>

#define BUSY_S      2u          // until another exchange is over
#define REFUSED_S   30u         // until a refresh that was refused is tried again
#define RESTORED_US 32000000ull // what came while nobody listened comes again so long

static const struct sip_slice nothing;

static bool is_off(const struct cp_call *call, unsigned leg)
{
	return call->leg[leg].peer->cfg->session_timer.off;
}

static void stop(struct cp_call *call, unsigned leg)
{
	sip_timer_stop(sip_layer_wheel(call->shard->layer), &call->leg[leg].due);
	call->leg[leg].due_us = 0;
}

static void start(struct cp_call *call, unsigned leg, uint64_t us)
{
	struct sip_layer *layer = call->shard->layer;
	struct cp_leg *l = &call->leg[leg];

	l->due_us = call->shard->now_us + us;
	sip_timer_start(sip_layer_wheel(layer), &l->due, sip_layer_now(layer) + us / 1000);
	cp_call_touch(call, false);
}

// The last 2xx was now.
static void count_down(struct cp_call *call, unsigned leg)
{
	uint32_t seconds;

	if (sip_st_next(&call->leg[leg].session, &seconds) == SIP_ST_NOTHING)
		stop(call, leg);
	else
		start(call, leg, seconds * 1000000ull);
}

static void refresh(struct cp_call *call, unsigned leg)
{
	struct cp_exchange *x;

	if (!call->leg[leg].allows_update) {
		if (!cp_change_tell(call, leg))
			start(call, leg, BUSY_S * 1000000ull);
		return;
	}
	x = cp_exchange_new(call, CP_X_REFRESH, (uint8_t)cp_other(leg));
	if (x && sip_dialog_send(call->leg[leg].dialog, SIP_UPDATE,
			 cp_lines(call, leg, CP_LINE_CONTACT | CP_LINE_REQUEST, NULL, 0), nothing,
			 x, &x->client) == 0)
		return;
	if (x)
		cp_exchange_release(x);
	start(call, leg, BUSY_S * 1000000ull);
}

static void fire(struct cp_call *call, unsigned leg)
{
	uint32_t seconds;

	call->leg[leg].due_us = 0;
	if (call->state != ABI_CALL_UP)
		return;
	switch (sip_st_next(&call->leg[leg].session, &seconds)) {
	case SIP_ST_REFRESH:
		// Until its answer comes; without one the request itself ends the call.
		refresh(call, leg);
		break;
	case SIP_ST_EXPIRE:
		cp_call_event(call, (uint8_t)leg, "session timer expired");
		cp_reason_set(call, "SIP", 408, "session timer expired");
		cp_call_end(call, CP_BY_HAWSE, 408, sip_str("session timer expired"), NULL);
		break;
	default:
		break;
	}
}

static void fire_a(struct sip_timer *timer, void *ctx)
{
	fire((struct cp_call *)((char *)timer - offsetof(struct cp_call, leg[0].due)), 0);
}

static void fire_b(struct sip_timer *timer, void *ctx)
{
	fire((struct cp_call *)((char *)timer - offsetof(struct cp_call, leg[1].due)), 1);
}

static void from_config(struct sip_session_timer *t, const struct cfg_session_timer *c)
{
	sip_st_init(t, c->off ? 0 : c->expires, c->minimum);
	t->prefer = (enum sip_st_refresher)c->refresher;
}

void cp_timer_init(struct cp_call *call, unsigned leg)
{
	struct cp_leg *l = &call->leg[leg];

	from_config(&l->session, &l->peer->cfg->session_timer);
	l->due.fire = leg ? fire_b : fire_a;
}

// ---- what the parties say --------------------------------------------------------------------------

static bool refuse(struct sip_transaction *tx, const struct sip_session_timer *t, int status)
{
	char text[32];
	struct sip_build b = sip_build(text, sizeof(text) - 1);

	if (!status)
		return false;
	if (status == 422)
		sip_st_refuse(t, &b);
	text[b.n] = 0;
	sip_respond_simple(tx, status, text);
	return true;
}

bool cp_timer_admit(
	struct sip_transaction *tx, const struct sip_message *m, const struct cp_peer *caller)
{
	const struct cfg_session_timer *c = &caller->cfg->session_timer;
	struct sip_session_timer t;

	if (c->off && sip_message_lists(m, SIP_H_REQUIRE, "timer")) {
		sip_respond_simple(tx, 420, "Unsupported: timer\r\n");
		return false;
	}
	from_config(&t, c);
	return c->off || !refuse(tx, &t, sip_st_request(&t, m));
}

bool cp_timer_request(
	struct cp_call *call, unsigned leg, struct sip_transaction *tx, const struct sip_message *m)
{
	struct sip_session_timer *t = &call->leg[leg].session;

	return is_off(call, leg) || !refuse(tx, t, sip_st_request(t, m));
}

void cp_timer_put(struct cp_call *call, unsigned leg, unsigned own, struct sip_build *b)
{
	struct cp_leg *l = &call->leg[leg];

	if (is_off(call, leg))
		return;
	if (own & CP_LINE_REQUEST) {
		// Inside an early dialog there is none yet.
		if (call->state < ABI_CALL_UP &&
			(leg == 0 || call->branches || call->leg[1].dialog))
			return;
		sip_st_offer(&l->session, b);
	} else if (own & CP_LINE_OK) {
		sip_st_answer(&l->session, b);
		count_down(call, leg);
	}
}

int cp_timer_response(struct cp_call *call, unsigned leg, const struct sip_message *m)
{
	struct cp_leg *l = &call->leg[leg];
	int rc;

	if (is_off(call, leg) || m->status < 200)
		return 0;
	rc = sip_st_response(&l->session, m);
	if (m->status < 300)
		count_down(call, leg);
	return rc;
}

void cp_timer_later(struct cp_call *call, unsigned leg, uint32_t seconds)
{
	struct cp_leg *l = &call->leg[leg];

	if (call->state == ABI_CALL_UP && !l->due_us && l->session.refresher == SIP_ST_US)
		start(call, leg, (seconds ? seconds : REFUSED_S) * 1000000ull);
}

void cp_timer_stop(struct cp_call *call)
{
	for (unsigned leg = 0; leg < 2; leg++)
		stop(call, leg);
}

// ---- after a restart -------------------------------------------------------------------------------

void cp_timer_restore(struct cp_call *call, unsigned leg, uint64_t due_us)
{
	struct cp_leg *l = &call->leg[leg];
	uint64_t now = call->shard->now_us, left = due_us > now ? due_us - now : 0;

	// A refresh of theirs may have come while nobody was there to answer.
	if (l->session.refresher == SIP_ST_THEM && left < RESTORED_US)
		left = RESTORED_US;
	if (l->session.refresher != SIP_ST_NOBODY)
		start(call, leg, left);
}
