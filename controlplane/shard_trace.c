// SPDX-License-Identifier: BSD-3-Clause
//
// Every message of a shard in region T, with the call that it belongs to.
#include "controlplane/call/call.h"
#include "controlplane/registrar/registrar.h"

static void abi_address(const struct sip_addr *from, struct abi_addr *to)
{
	to->family = from->family;
	to->port = from->port;
	memcpy(to->ip, from->ip, sizeof(to->ip));
}

static void count_message(struct cp_shard *shard, const struct sip_peek *peek, bool out)
{
	if (peek->is_request)
		cp_count(
			shard, (out ? CP_C_REQUESTS_SENT : CP_C_REQUESTS) + (unsigned)peek->method);
	else if (peek->status >= 100 && peek->status < 700)
		cp_count(shard,
			(out ? CP_C_RESPONSES_SENT : CP_C_RESPONSES) + peek->status / 100u - 1);
}

// The id of the call that a message belongs to; a new INVITE of a peer is given the one that its call
// will have.
static uint64_t call_of(struct cp_shard *shard, const struct sip_peek *peek,
	const struct sip_flow *flow, bool out, uint8_t *leg)
{
	const struct cp_label *label = peek->call_id.n ? cp_label_find(shard, peek->call_id) : NULL;

	*leg = 255;
	if (label) {
		// Challenged, and here again with credentials: one call.
		if (label->fresh && !out && peek->is_request && peek->method == SIP_INVITE)
			shard->fresh = label->call;
		*leg = label->leg;
		return label->call;
	}
	if (out || !peek->is_request || peek->method != SIP_INVITE || !peek->call_id.n ||
		!(cp_who(shard, shard->policy, flow) ||
			(shard->registrar && cp_registrar_knows(shard->registrar, &flow->remote))))
		return 0;
	while (!shard->fresh)
		shard->ops->random(shard->ctx, &shard->fresh, sizeof(shard->fresh));
	cp_label_set(shard, peek->call_id, shard->fresh, 0, sip_str(""));
	cp_label_fresh(shard, peek->call_id);
	*leg = 0;
	return shard->fresh;
}

void cp_shard_trace(struct cp_shard *shard, const struct sip_flow *flow, bool out,
	const uint8_t *bytes, size_t n)
{
	const struct cp_policy *policy = shard->policy;
	struct cp_trace_message t = {
		.time_us = shard->now_us, .sent = out, .leg = 255, .transport = flow->transport};
	struct sip_peek peek;

	if (sip_peek_call(bytes, n, &peek) == 0) {
		count_message(shard, &peek, out);
		t.call = call_of(shard, &peek, flow, out, &t.leg);
	}
	abi_address(&flow->remote, out ? &t.destination : &t.source);
	if (flow->socket < policy->listener_count)
		abi_address(
			&policy->listeners[flow->socket].local, out ? &t.source : &t.destination);
	cp_tregion_trace(shard->tregion, shard->index, &t, bytes, n);
}
