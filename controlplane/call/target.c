// SPDX-License-Identifier: BSD-3-Clause
//
// The peers of a route, one after the other: our INVITE to each, its ports, and what happens when one
// does not take the call.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "controlplane/call/call.h"
#include "controlplane/call/media.h"
#include "controlplane/call/carry.h"
#include "controlplane/call/fork.h"
#include "controlplane/call/identity.h"
#include "controlplane/call/join.h"
#include "controlplane/call/privacy.h"
#include "controlplane/call/redirect.h"

#define CP_HOP_MS 4000u

// ---- our INVITE ----------------------------------------------------------------------

static void ring_timeout(struct sip_timer *timer, void *ctx)
{
	struct cp_call *call = (struct cp_call *)((char *)timer - offsetof(struct cp_call, timer));

	cp_reason_set(call, "SIP", 408, "ring timeout");
	cp_call_end(call, CP_BY_HAWSE, 408, sip_slice(NULL, 0), NULL);
}

static void start_ring(struct cp_call *call, uint32_t seconds)
{
	struct sip_layer *layer = call->shard->layer;

	call->timer.fire = ring_timeout;
	sip_timer_start(
		sip_layer_wheel(layer), &call->timer, sip_layer_now(layer) + seconds * 1000ull);
}

static void start_timer(struct cp_call *call, const struct sip_message *invite)
{
	uint32_t seconds = call->policy->cfg->sip.ring_timeout, expires;

	call->bounded = sip_message_number(invite, SIP_H_EXPIRES, &expires) == 0 && expires &&
			expires < seconds;
	start_ring(call, call->bounded ? expires : seconds);
}

// Timer C begins anew with each provisional response (RFC 3261 16.7), unless the caller has set a bound.
void cp_target_rings(struct cp_call *call)
{
	if (!call->bounded)
		start_ring(call, call->policy->cfg->sip.ring_timeout);
}

static uint64_t progress_ms(const struct cp_call *call)
{
	const struct cfg_health *health = call->leg[1].peer->cfg->trunk.health;

	return health ? health->progress * 1000ull : 0;
}

static void wait_for_word(struct cp_call *call, uint64_t ms)
{
	struct sip_layer *layer = call->shard->layer;

	sip_timer_start(sip_layer_wheel(layer), &call->hop_timer, sip_layer_now(layer) + ms);
}

// An address that has not said a word when four INVITEs would have reached it (UDP's 0, 0.5, 1.5 and
// 3.5 s). Timer B would be the RFC's time, but by then the caller has hung up. Nor is a 100 the word that
// the caller waits for, where `health: {progress: ...}` says so.
static void hop_timeout(struct sip_timer *timer, void *ctx)
{
	struct cp_call *call =
		(struct cp_call *)((char *)timer - offsetof(struct cp_call, hop_timer));
	struct cp_exchange *x = &call->invite;
	uint64_t waited = (call->shard->now_us - call->asked_us) / 1000, most = progress_ms(call);

	if (!x->client || call->leg[1].ring_us || sip_tx_is_final(x->client))
		return;
	if (sip_tx_state(x->client) != SIP_TX_CALLING || !(call->hops_left || cp_route_has_more(call))) {
		if (!most)
			return;
		if (waited < most) {
			wait_for_word(call, most - waited);
			return;
		}
	}
	sip_client_cancel(x->client, sip_slice(NULL, 0));
	cp_setup_failed(x, 408, "no answer");
}

static void start_hop_timer(struct cp_call *call)
{
	uint64_t most = progress_ms(call);

	call->asked_us = call->shard->now_us;
	call->hop_timer.fire = hop_timeout;
	if (call->hops_left || cp_route_has_more(call))
		wait_for_word(call, most && most < CP_HOP_MS ? most : CP_HOP_MS);
	else if (most)
		wait_for_word(call, most);
}

struct party {
	char uri[CP_URI];
	struct sip_slice display; // as it was read, escapes and all
};

// Our word for who calls: his name and number at our address.
static int caller_party(struct cp_call *call, const struct sip_message *m, struct party *p)
{
	struct sip_address from;
	char text[CP_USER];
	int n;

	if (sip_message_from(m, &from))
		return -EBADMSG;
	call->hidden = cp_identity_hides(call->leg[1].peer, m);
	if (call->hidden) {
		p->display = sip_str("Anonymous");
		snprintf(p->uri, sizeof(p->uri), "%s", CP_ANONYMOUS);
		return 0;
	}
	n = cp_carry_number(
		call->leg[0].peer, call->leg[1].peer, CFG_OF_CALLER, &from.uri, text);
	if (n)
		return n;
	p->display = from.display;
	if (call->identity)
		return cp_identity_from(call, &from.uri, p->uri, &p->display);
	// RFC 3323 4.1.1.3: nobody's address stays nobody's.
	n = cp_carry_uri(&from.uri,
		sip_slice_iis(from.uri.host, "anonymous.invalid") ? "anonymous.invalid"
								  : cp_identity_host(call),
		0, p->uri);
	return n < 0 ? n : 0;
}

// sip: becomes sips: when the caller wrote that. 0 or -ENOBUFS.
static int secure_uri(const struct cp_call *call, char uri[CP_URI])
{
	size_t n = strlen(uri);

	if (!cp_is_secure(call))
		return 0;
	if (n + 2 > CP_URI)
		return -ENOBUFS;
	memmove(uri + 4, uri + 3, n - 2);
	uri[3] = 's';
	return 0;
}

static int callee_party(struct cp_call *call, const struct sip_message *m, struct party *p)
{
	struct sip_address to;
	struct sip_uri uri;
	char text[CP_USER];
	int n;

	if (sip_message_to(m, &to) || sip_message_request_uri(m, &uri))
		return -EBADMSG;
	// Most say the same number in both, and then the other side hears the same in both.
	if (sip_slice_eq(to.uri.user, uri.user) && to.uri.scheme != SIP_URI_OTHER)
		n = cp_route_called(call, &to.uri, text);
	else
		n = cp_carry_number(
			call->leg[0].peer, call->leg[1].peer, CFG_OF_CALLED, &to.uri, text);
	if (n)
		return n;
	p->display = to.display;
	n = cp_carry_uri(&to.uri, call->leg[1].peer->host, 0, p->uri);
	return n < 0 ? n : secure_uri(call, p->uri);
}

static int target_uri(struct cp_call *call, const struct sip_message *m, char out[CP_URI])
{
	struct sip_uri uri;
	char text[CP_USER];
	int n;

	if (sip_message_request_uri(m, &uri))
		return -EBADMSG;
	n = cp_route_called(call, &uri, text);
	if (n)
		return n;
	if (uri.scheme == SIP_URI_OTHER) { // urn:service:sos
		n = snprintf(out, CP_URI, "%.*s", SIP_PRI(uri.whole));
		return n < 0 || n >= (int)CP_URI ? -ENOBUFS : 0;
	}
	n = cp_carry_uri(&uri, call->leg[1].peer->hostport, 0, out);
	return n < 0 ? n : secure_uri(call, out);
}

static int send_invite(struct cp_exchange *x)
{
	struct cp_call *call = x->call;
	struct cp_shard *shard = call->shard;
	struct sip_message *m = &shard->message;
	struct cp_leg *leg = &call->leg[1];
	struct party from, to;
	struct sip_request r = {.method = SIP_INVITE,
		.max_forwards = call->forwards ? call->forwards : SIP_LAST_HOP};
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
	if (!err && shard->ops->admits && !shard->ops->admits(shard->ctx, &call->hop, sip_str(uri)))
		err = -EBUSY;
	if (err)
		return err;
	cp_record_sent(call, from.uri, uri);
	r.uri = sip_str(uri);
	r.from_display = from.display;
	r.from_uri = sip_str(from.uri);
	r.to_display = to.display;
	r.to_uri = sip_str(to.uri);
	r.call_id = sip_id_call_id(sip_layer_ids(shard->layer), leg->call_id);
	r.lines = cp_lines(call, 1,
		CP_LINE_CONTACT | CP_LINE_REQUEST | (r.body.n ? CP_LINE_SDP : 0), m, CP_IN_INVITE);
	cp_label_set(shard, r.call_id, call->id, 1, sip_str(call->to));
	cp_record_open(call, 1);
	start_timer(call, m);
	start_hop_timer(call);
	if (call->forks)
		return cp_fork_send(x, &r, m);
	return sip_request_send(shard->dialogs, &call->hop, &r, x, &x->client);
}

// The offer is ready, or there is none: on to the target.
void cp_target_ask(struct cp_exchange *x)
{
	struct cp_call *call = x->call;
	int err;

	x->phase = CP_PHASE_ASKED;
	if (cp_join_ask(call))
		return;
	err = send_invite(x);
	if (!err) {
		cp_call_show(call);
		return;
	}
	if (err == -EBUSY) {
		cp_call_event(call, 1, "%s asked for fewer calls", call->leg[1].peer->cfg->name);
		if (!cp_target_next(x, 503, sip_str("Asked for fewer calls")))
			cp_call_end(call, CP_BY_HAWSE, 503, sip_slice(NULL, 0), NULL);
		return;
	}
	cp_call_event(call, 1, "INVITE cannot be sent: %s", strerror(-err));
	if (err == -EPROTONOSUPPORT)
		cp_call_end(call, CP_BY_HAWSE, 488, sip_slice(NULL, 0), NULL);
	else
		cp_call_end(call, CP_BY_HAWSE, 500, sip_slice(NULL, 0), NULL);
}

static bool same_network(const struct cp_leg *a, const struct cp_leg *b)
{
	return a->peer && a->peer->cfg->media == b->peer->cfg->media &&
	       a->signalling.family == b->signalling.family;
}

static void take_hop(struct cp_call *call, const struct sip_flow *hop)
{
	call->hop = *hop;
	call->leg[1].signalling = hop->remote;
	call->leg[1].socket = hop->socket;
}

// Where the peer is. Without memory for the others the first is the only one.
static bool locate(struct cp_call *call, const struct cp_peer *peer)
{
	struct sip_flow list[CP_HOPS];
	unsigned n = cp_locate(call, peer, list);

	free(call->hops);
	call->hops = NULL;
	call->hops_left = 0;
	if (n > 1)
		call->hops = malloc((n - 1) * sizeof(*list));
	if (call->hops) {
		memcpy(call->hops, &list[1], (n - 1) * sizeof(*list));
		call->hops_left = (uint8_t)(n - 1);
	}
	if (n)
		take_hop(call, &list[0]);
	return n > 0;
}

// The next peer of the route that can be called at all.
bool cp_target_choose(struct cp_call *call)
{
	struct cp_leg *leg = &call->leg[1];
	int status = 480, phones;
	enum cp_limit_why why = CP_LIMIT_NONE;
	const struct cp_peer *peer = NULL;

	cp_fork_end(call);
	for (; call->choice && call->target < call->choice->count; call->target++) {
		peer = cp_peers_at(call->policy->peers, call->choice->to[call->target]);
		phones = peer && peer->cfg->access ? cp_fork_choose(call, peer) : 0;
		if (phones)
			status = phones;
		if (!peer || phones || (!peer->cfg->access && !locate(call, peer)))
			continue;
		why = cp_limit_target(call, peer);
		if (!why && peer->cfg->access)
			why = cp_limit_called(call, peer, cp_fork_user(call));
		if (why) {
			cp_fork_end(call);
			continue;
		}
		leg->peer = peer;
		cp_timer_init(call, 1);
		leg->start_us = call->shard->now_us;
		leg->ring_us = leg->answer_us = leg->end_us = 0;
		cp_route_price(call);
		return true;
	}
	if (why) {
		cp_limit_none(call, peer, why);
		return false;
	}
	cp_call_event(call, 255, "no target of the route can be called");
	cp_call_end(call, CP_BY_HAWSE, status, sip_slice(NULL, 0), NULL);
	return false;
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

static bool has_ports(const struct cp_call *call)
{
	for (unsigned i = 0; i < CP_SESSIONS; i++)
		if (call->session[i] && call->session[i]->state != CP_SESSION_DELETING)
			return true;
	return false;
}

void cp_setup_ports(struct cp_exchange *x, int error)
{
	struct cp_call *call = x->call;

	if (error && !has_ports(call)) {
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
	if (x->early)
		cp_prack_offer_back(x);
	else if (x->delayed)
		cp_setup_offer_back(x);
	else
		cp_target_ask(x);
}

// ---- the next one ----------------------------------------------------------------------------------

static void go_on(struct cp_exchange *x, const struct cp_leg *before)
{
	struct cp_call *call = x->call;

	if (x->delayed || same_network(before, &call->leg[1])) {
		cp_target_ask(x);
	} else if (ask_ports_again(call) > 0) {
		x->phase = CP_PHASE_PORTS;
	} else {
		cp_call_end(call, CP_BY_HAWSE, 503, sip_slice(NULL, 0), "Retry-After: 5\r\n");
	}
}

// By the list of the peer that said so, if it has one.
static bool try_next(const struct cp_call *call, int status)
{
	const struct cfg_trunk *t = &call->leg[1].peer->cfg->trunk;

	if (!t->failover_written)
		return cp_cause_try_next(status);
	for (unsigned i = 0; t->failover[i]; i++)
		if (t->failover[i] == status)
			return true;
	return false;
}

// Its CDR, and what the log and the counters have to say.
static void give_back(struct cp_call *call, int status, struct sip_slice phrase)
{
	call->leg[1].end_us = call->shard->now_us;
	call->cause.by = CP_BY_CALLEE;
	call->cause.status = (uint16_t)status;
	snprintf(call->cause.phrase, sizeof(call->cause.phrase), "%.*s",
		(int)(phrase.n < 63 ? phrase.n : 63), phrase.p);
	cp_call_record(call, 1);
	call->attempt++;
	cp_call_event(call, 1, "%s did not take it: %d", call->leg[1].peer->cfg->name, status);
	cp_count(call->shard, CP_C_NEXT_TARGETS);
}

// This target is over. True when another one takes its place.
bool cp_target_next(struct cp_exchange *x, int status, struct sip_slice phrase)
{
	struct cp_call *call = x->call;
	const struct cp_leg before = call->leg[1];

	cp_health_target(call, status);
	if (!try_next(call, status) || !cp_route_has_more(call))
		return false;
	give_back(call, status, phrase);
	call->target++;
	if (cp_target_choose(call))
		go_on(x, &before);
	return true;
}

void cp_target_instead(struct cp_exchange *x, int status, struct sip_slice phrase,
	const struct cp_choice *choice)
{
	struct cp_call *call = x->call;
	const struct cp_leg before = call->leg[1];

	cp_health_target(call, status);
	give_back(call, status, phrase);
	*call->choice = *choice;
	call->target = 0;
	if (cp_target_choose(call))
		go_on(x, &before);
}

bool cp_target_next_hop(struct cp_exchange *x)
{
	struct cp_call *call = x->call;
	const struct cp_leg before = call->leg[1];
	char host[SIP_ADDR_TEXT];

	if (call->shard->ops->failed)
		call->shard->ops->failed(call->shard->ctx, &call->hop);
	if (!call->hops_left)
		return false;
	sip_addr_host(&call->hop.remote, true, host);
	cp_call_event(call, 1, "%s %s:%u failed, trying the next address",
		sip_transport_name(call->hop.transport), host, call->hop.remote.port);
	cp_count(call->shard, CP_C_NEXT_HOPS);
	take_hop(call, &call->hops[0]);
	call->hops_left--;
	memmove(call->hops, call->hops + 1, call->hops_left * sizeof(*call->hops));
	go_on(x, &before);
	return true;
}

void cp_target_leave(struct cp_exchange *x, const struct sip_message *m)
{
	struct cp_call *call = x->call;

	sip_timer_stop(sip_layer_wheel(call->shard->layer), &call->timer);
	sip_timer_stop(sip_layer_wheel(call->shard->layer), &call->hop_timer);
	if (x->client)
		sip_tx_set_user(x->client, NULL);
	x->client = NULL;
	cp_fork_end(call);
	cp_branches_free(call, m);
}
