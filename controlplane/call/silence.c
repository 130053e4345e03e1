// SPDX-License-Identifier: BSD-3-Clause
//
// A leg from which no media came for media_timeout seconds. A phone may stop its RTP on mute, and a gateway
// while nobody speaks; a party that is gone stops it too. Which of them it is, the policy of the peer decides:
// by default it is asked (OPTIONS inside the dialog), and who answers lives. Silence on both sides is the end.
#include "controlplane/call/call.h"

#include <errno.h>

// As long as four requests by UDP take.
#define ANSWER_MS 4000u

static const struct sip_slice nothing;

static void end(struct cp_call *call, unsigned leg)
{
	cp_count(call->shard, CP_C_MEDIA_TIMEOUTS);
	cp_call_event(call, (uint8_t)leg, "no media from the %s", leg ? "callee" : "caller");
	cp_reason_set(call, "Q.850", 102, "media timeout");
	cp_call_end(call, CP_BY_HAWSE, 408, sip_str("media timeout"), NULL);
}

// It said nothing since it was told to be silent. Without that knowledge it is believed to be.
static bool is_silent(const struct cp_call *call, unsigned leg)
{
	const struct cp_shard *shard = call->shard;
	uint64_t bound = shard->now_us - call->policy->cfg->sip.media_timeout * 1000000ull, last;

	if (!call->leg[leg].silent)
		return false;
	if (!shard->ops->heard)
		return true;
	for (unsigned i = 0; i < CP_SESSIONS; i++) {
		const struct cp_session *s = call->session[i];

		if (s && s->state == CP_SESSION_ACTIVE &&
			shard->ops->heard(
				shard->ctx, s->epoch, s->slot, s->generation, leg, &last) == 0 &&
			last > bound)
			return false;
	}
	return true;
}

static void wait_for(struct cp_call *call, unsigned leg, uint64_t ms)
{
	struct sip_layer *layer = call->shard->layer;

	sip_timer_start(sip_layer_wheel(layer), &call->leg[leg].quiet, sip_layer_now(layer) + ms);
}

static void probe(struct cp_call *call, unsigned leg)
{
	struct cp_exchange *x = cp_exchange_new(call, CP_X_PROBE, (uint8_t)cp_other(leg));

	call->leg[leg].probing = true;
	if (!x || sip_dialog_send(call->leg[leg].dialog, SIP_OPTIONS,
			  cp_lines(call, leg, CP_LINE_REQUEST, NULL, 0), nothing, x,
			  &x->client) != 0) {
		if (x)
			cp_exchange_release(x);
		call->leg[leg].probing = false; // another time
	}
	wait_for(call, leg, ANSWER_MS);
}

static void fire(struct cp_call *call, unsigned leg)
{
	struct cp_leg *l = &call->leg[leg];

	if (call->state != ABI_CALL_UP)
		return;
	if (l->probing) {
		end(call, leg);
		return;
	}
	// It lived then. If it still says nothing, it is asked again.
	if (call->shard->ops->heard && is_silent(call, leg) && !call->held)
		probe(call, leg);
	else
		l->silent = false;
}

static void fire_a(struct sip_timer *timer, void *ctx)
{
	fire((struct cp_call *)((char *)timer - offsetof(struct cp_call, leg[0].quiet)), 0);
}

static void fire_b(struct sip_timer *timer, void *ctx)
{
	fire((struct cp_call *)((char *)timer - offsetof(struct cp_call, leg[1].quiet)), 1);
}

void cp_silence(struct cp_call *call, unsigned leg)
{
	struct cp_leg *l = &call->leg[leg];

	l->silent = true;
	l->quiet.fire = leg ? fire_b : fire_a;
	// Who is being transferred may hear and say nothing for as long as the new party rings.
	if (call->state != ABI_CALL_UP || call->transfer || call->borrower)
		return;
	if (l->peer->cfg->silence == CFG_SILENCE_END || is_silent(call, cp_other(leg)))
		end(call, leg);
	else if (l->peer->cfg->silence == CFG_SILENCE_ASK && !l->probing)
		probe(call, leg);
}

void cp_silence_answered(struct cp_call *call, unsigned leg)
{
	struct cp_leg *l = &call->leg[leg];

	if (!l->probing)
		return;
	l->probing = false;
	cp_call_event(call, (uint8_t)leg, "silent, and there");
	wait_for(call, leg, call->policy->cfg->sip.media_timeout * 1000ull + 1000);
}

void cp_silence_stop(struct cp_call *call)
{
	for (unsigned leg = 0; leg < 2; leg++)
		sip_timer_stop(sip_layer_wheel(call->shard->layer), &call->leg[leg].quiet);
}
