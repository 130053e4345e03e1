// SPDX-License-Identifier: BSD-3-Clause
//
// The peers of a route, one after the other: our INVITE to each, its ports, and what happens when one
// does not take the call.
#include <errno.h>
#include <stdio.h>

#include "controlplane/call/call.h"
#include "controlplane/call/carry.h"

// ---- our INVITE ----------------------------------------------------------------------

static void ring_timeout(struct sip_timer *timer, void *ctx)
{
	struct cp_call *call = (struct cp_call *)((char *)timer - offsetof(struct cp_call, timer));

	cp_reason_set(call, "SIP", 408, "ring timeout");
	cp_call_end(call, CP_BY_HAWSE, 408, sip_slice(NULL, 0), NULL);
}

static void start_timer(struct cp_call *call, const struct sip_message *invite)
{
	struct sip_layer *layer = call->shard->layer;
	uint32_t seconds = call->policy->cfg->sip.ring_timeout, expires;

	if (sip_message_number(invite, SIP_H_EXPIRES, &expires) == 0 && expires &&
		expires < seconds)
		seconds = expires;
	call->timer.fire = ring_timeout;
	sip_timer_start(
		sip_layer_wheel(layer), &call->timer, sip_layer_now(layer) + seconds * 1000ull);
}

struct party {
	char uri[CP_URI];
	struct sip_slice display; // as it was read, escapes and all
};

// Our word for who calls: his name and number at our address.
static int caller_party(struct cp_call *call, const struct sip_message *m, struct party *p)
{
	struct sip_address from;
	int n;

	if (sip_message_from(m, &from))
		return -EBADMSG;
	p->display = from.display;
	// RFC 3323 4.1.1.3: nobody's address stays nobody's.
	n = cp_carry_uri(&from.uri,
		sip_slice_iis(from.uri.host, "anonymous.invalid") ? "anonymous.invalid"
								  : cp_leg_listener(call, 1)->host,
		0, p->uri);
	return n < 0 ? n : 0;
}

static int callee_party(struct cp_call *call, const struct sip_message *m, struct party *p)
{
	char host[SIP_ADDR_TEXT];
	struct sip_address to;
	int n;

	if (sip_message_to(m, &to))
		return -EBADMSG;
	sip_addr_host(&call->leg[1].peer->remote, true, host);
	p->display = to.display;
	n = cp_carry_uri(&to.uri, host, 0, p->uri);
	return n < 0 ? n : 0;
}

static int target_uri(struct cp_call *call, const struct sip_message *m, char out[CP_URI])
{
	const struct sip_addr *remote = &call->leg[1].peer->remote;
	char host[SIP_ADDR_TEXT];
	struct sip_uri uri;
	int n;

	if (sip_message_request_uri(m, &uri))
		return -EBADMSG;
	sip_addr_host(remote, true, host);
	n = cp_carry_uri(&uri, host, remote->port == CFG_PORT_SIP ? 0 : remote->port, out);
	return n < 0 ? n : 0;
}

static int send_invite(struct cp_exchange *x)
{
	struct cp_call *call = x->call;
	struct cp_shard *shard = call->shard;
	struct sip_message *m = &shard->message;
	struct cp_leg *leg = &call->leg[1];
	const struct sip_flow flow = {.remote = leg->peer->remote, .socket = leg->socket};
	struct party from, to;
	struct sip_request r = {.method = SIP_INVITE, .max_forwards = call->forwards};
	char uri[CP_URI];
	int err = sip_message_index(m, call->saved, call->saved_size);

	if (!err)
		err = caller_party(call, m, &from);
	if (!err)
		err = callee_party(call, m, &to);
	if (!err)
		err = target_uri(call, m, uri);
	if (!err && !x->delayed)
		err = cp_bridge_show_offer(x, &r.body);
	if (err)
		return err;
	r.uri = sip_str(uri);
	r.from_display = from.display;
	r.from_uri = sip_str(from.uri);
	r.to_display = to.display;
	r.to_uri = sip_str(to.uri);
	r.call_id = sip_id_call_id(sip_layer_ids(shard->layer), leg->call_id);
	r.lines = cp_lines(call, 1,
		CP_LINE_CONTACT | CP_LINE_REQUEST | (r.body.n ? CP_LINE_SDP : 0), m, CP_IN_INVITE);
	cp_label_set(shard, r.call_id, call->id, 1, sip_str(call->to));
	start_timer(call, m);
	return sip_request_send(shard->dialogs, &flow, &r, x, &x->client);
}

// The offer is ready, or there is none: on to the target.
void cp_target_ask(struct cp_exchange *x)
{
	struct cp_call *call = x->call;
	int err;

	x->phase = CP_PHASE_ASKED;
	err = send_invite(x);
	if (!err) {
		cp_call_show(call);
		return;
	}
	cp_call_event(call, 1, "INVITE cannot be sent: %s", strerror(-err));
	if (err == -EPROTONOSUPPORT)
		cp_call_end(call, CP_BY_HAWSE, 488, sip_slice(NULL, 0), NULL);
	else
		cp_call_end(call, CP_BY_HAWSE, 500, sip_slice(NULL, 0), NULL);
}

static bool same_network(const struct cp_leg *leg, const struct cp_peer *peer)
{
	return leg->peer && leg->peer->cfg->media == peer->cfg->media &&
	       leg->peer->remote.family == peer->remote.family;
}

// The next peer of the route that can be called at all; the call ends when there is none.
void cp_target_choose(struct cp_call *call)
{
	struct cp_leg *leg = &call->leg[1];

	for (; call->target < call->route->to_count; call->target++) {
		const struct cp_peer *peer =
			cp_peers_at(call->policy->peers, (unsigned)call->route->to[call->target]);

		if (!peer || !peer->callable)
			continue;
		leg->peer = peer;
		leg->signalling = peer->remote;
		leg->socket = peer->socket;
		leg->start_us = call->shard->now_us;
		leg->ring_us = leg->answer_us = leg->end_us = 0;
		return;
	}
	cp_call_event(call, 255, "no target of the route can be called");
	cp_call_end(call, CP_BY_HAWSE, 480, sip_slice(NULL, 0), NULL);
}

// The next target is reached over another interface or another IP version: other ports.
static int ask_ports_again(struct cp_call *call)
{
	struct sdp_oa_need *need = &call->shard->need;
	const struct sdp_local none = {0};

	memset(need, 0, sizeof(*need));
	need->offerer = SDP_LEG_A;
	for (unsigned k = 0; k < CP_SESSIONS; k++) {
		const struct cp_session *s = call->session[k];
		unsigned i = s ? s->stream : 0;

		if (!s || s->state == CP_SESSION_ALLOCATING || s->state == CP_SESSION_DELETING ||
			i >= SDP_MAX_MEDIA)
			continue;
		need->stream[i].wanted[0] = need->stream[i].wanted[1] = true;
		need->stream[i].family = s->local[0].family;
		if (need->n_streams <= i)
			need->n_streams = i + 1;
		sdp_oa_set_local(&call->oa, SDP_LEG_B, i, &none);
	}
	cp_media_release(call);
	return cp_media_alloc(call, need);
}

void cp_setup_ports(struct cp_exchange *x, int error)
{
	struct cp_call *call = x->call;
	bool any = sdp_oa_local(&call->oa, SDP_LEG_A, 0) || !cp_media_gone(call);

	if (error && !any) {
		cp_call_event(call, 255, "no ports: %s", strerror(-error));
		if (error == -EAFNOSUPPORT) {
			cp_call_end(call, CP_BY_HAWSE, 488, sip_slice(NULL, 0),
				"Warning: 301 hawse \"no media address of that IP version\"\r\n");
			return;
		}
		cp_call_result(call, error == -ENOSPC || error == -ENFILE ? CP_RESULT_NO_PORTS
									  : CP_RESULT_NO_MEDIA);
		cp_call_end(call, CP_BY_HAWSE, 503, sip_slice(NULL, 0), "Retry-After: 5\r\n");
		return;
	}
	cp_call_show(call);
	if (x->delayed)
		cp_setup_offer_back(x);
	else
		cp_target_ask(x);
}

// ---- the next one ----------------------------------------------------------------------------------

// This target is over. True when another one takes its place.
bool cp_target_next(struct cp_exchange *x, int status, struct sip_slice phrase)
{
	struct cp_call *call = x->call;
	const struct cp_leg before = call->leg[1];

	if (!cp_cause_try_next(status) || call->target + 1u >= call->route->to_count)
		return false;
	call->leg[1].end_us = call->shard->now_us;
	call->cause.by = CP_BY_CALLEE;
	call->cause.status = (uint16_t)status;
	snprintf(call->cause.phrase, sizeof(call->cause.phrase), "%.*s",
		(int)(phrase.n < 63 ? phrase.n : 63), phrase.p);
	cp_call_record(call, 1);
	cp_call_event(call, 1, "%s did not take it: %d", before.peer->cfg->name, status);
	cp_count(call->shard, CP_C_NEXT_TARGETS);
	call->target++;
	cp_target_choose(call);
	if (call->state == ABI_CALL_ENDING)
		return true;
	if (x->delayed || same_network(&before, call->leg[1].peer)) {
		cp_target_ask(x);
	} else if (ask_ports_again(call) > 0) {
		x->phase = CP_PHASE_PORTS;
	} else {
		cp_call_end(call, CP_BY_HAWSE, 503, sip_slice(NULL, 0), "Retry-After: 5\r\n");
	}
	return true;
}

void cp_target_leave(struct cp_exchange *x)
{
	struct cp_call *call = x->call;

	sip_timer_stop(sip_layer_wheel(call->shard->layer), &call->timer);
	if (x->client)
		sip_tx_set_user(x->client, NULL);
	x->client = NULL;
	cp_branches_free(call);
}
