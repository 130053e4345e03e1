// SPDX-License-Identifier: BSD-3-Clause
//
// Offer and answer across both legs: who offers what to whom, and what comes of it.
#include "controlplane/call/call.h"
#include "controlplane/call/media.h"

#include <errno.h>
#include <stdio.h>

static struct sdp_arena *scratch(struct cp_call *call)
{
	return cp_scratch(call->shard);
}

static struct sip_slice as_slice(struct sdp_str s)
{
	return sip_slice(s.ptr, s.len);
}

void cp_bridge_policy(struct cp_call *call, struct sdp_oa *oa)
{
	const struct cp_peer *a = call->leg[0].peer, *b = call->leg[1].peer;

	sdp_oa_policy(oa, a ? &a->codecs : NULL, b ? &b->codecs : NULL, call->shard->can);
}

// Ports are there for every stream that can have some.
static bool wants_ports(const struct sdp_oa_need *need)
{
	for (unsigned i = 0; i < need->n_streams; i++)
		if (need->stream[i].wanted[0] || need->stream[i].wanted[1])
			return true;
	return false;
}

int cp_bridge_offer(struct cp_exchange *x, unsigned leg, struct sip_slice body, int *status,
	char *warning, size_t size)
{
	struct cp_call *call = x->call;
	struct sdp_oa_need *need = &call->shard->need;
	struct sdp_error error = {0};
	struct sdp_oa *oa = cp_oa_of(x);
	int err = cp_secure_taking(call, oa, leg, body);

	cp_bridge_policy(call, oa);
	if (!err)
		err = sdp_oa_take_offer(oa, scratch(call), (enum sdp_leg)leg,
			(const uint8_t *)body.p, body.n, need, &error);

	*status = (int)sdp_oa_status(err);
	if (err) {
		snprintf(warning, size, "Warning: %u hawse \"%s\"\r\n",
			error.warning ? error.warning : 399, error.text);
		if (err == -EALREADY)
			snprintf(warning, size, "Retry-After: %u\r\n", 1u);
		return err;
	}
	call->offer = x;
	if (!wants_ports(need))
		return 0;
	err = cp_media_alloc(call, need);
	if (err > 0) {
		x->phase = CP_PHASE_PORTS;
		return 1;
	}
	// Nothing could be asked for. With streams that have ports the call goes on without the new
	// ones; with none, showing the offer will say so.
	if (err < 0 && !oa->agreed_once) {
		*status = 503;
		snprintf(warning, size, "Retry-After: 5\r\n");
		cp_bridge_reject(x);
		return err;
	}
	return 0;
}

// A call that would need a transcoder is better refused by the target, or taken by another one, than ended when
// somebody has answered.
static bool is_full(const struct cp_shard *shard)
{
	return shard->ops->transcoders_full && shard->ops->transcoders_full(shard->ctx);
}

int cp_bridge_show_offer(struct cp_exchange *x, struct sip_slice *body)
{
	struct sdp_oa *oa = cp_oa_of(x);
	struct sdp_str text = {0};
	int err = cp_secure_offering(x->call, oa, (unsigned)sdp_leg_other((enum sdp_leg)oa->pending.offerer));

	cp_bridge_policy(x->call, oa);
	if (!oa->agreed_once && is_full(x->call->shard))
		oa->can &= SDP_CAN_DTMF | SDP_CAN_T38 | SDP_CAN_FAX;
	if (!err && cp_fax_offers(x) && !sdp_oa_offer_fax(oa, scratch(x->call)) && x->kind == CP_X_FAX)
		err = -EPROTONOSUPPORT;
	if (!err)
		err = sdp_oa_show_offer(oa, scratch(x->call), &text);
	*body = as_slice(text);
	return err;
}

int cp_bridge_answer(struct cp_call *call, struct sdp_oa *oa, unsigned leg, struct sip_slice body,
	struct sip_slice *shown)
{
	struct sdp_error error = {0};
	struct sdp_str text = {0};
	int err = 0;

	cp_bridge_policy(call, oa);
	if (body.n)
		err = sdp_oa_take_answer(oa, scratch(call), (enum sdp_leg)leg,
			(const uint8_t *)body.p, body.n, &error);
	if (err) {
		cp_call_event(call, (uint8_t)leg, "answer cannot be used: line %u: %s", error.line,
			error.text);
		return err;
	}
	err = sdp_oa_show_answer(oa, scratch(call), &text);
	*shown = as_slice(text);
	return err;
}

// For a side that cannot be asked now: what it said last is its answer. It is told later.
int cp_bridge_answer_for(struct cp_exchange *x, unsigned leg)
{
	struct cp_call *call = x->call;
	struct sdp_oa *oa = cp_oa_of(x);
	struct sip_slice offer, shown;
	int err = cp_bridge_show_offer(x, &offer);

	return err ? err
		   : cp_bridge_answer(
			     call, oa, leg, as_slice(sdp_oa_said(oa, (enum sdp_leg)leg)), &shown);
}

void cp_bridge_reject(struct cp_exchange *x)
{
	struct cp_call *call = x->call;

	if (call->offer != x)
		return;
	call->offer = NULL;
	sdp_oa_reject(cp_oa_of(x));
	cp_call_touch(call, true);
}

int cp_bridge_accept(struct cp_exchange *x)
{
	struct cp_call *call = x->call;

	if (call->offer == x)
		call->offer = NULL;
	cp_call_touch(call, true);
	return sdp_oa_accept(cp_oa_of(x));
}
