// SPDX-License-Identifier: BSD-3-Clause
//
// How a peer is reached, and known: what the transport says of it, or, when there is none (in tests),
// what the configuration says.
#include "controlplane/call/join.h"

const struct cp_peer *cp_who(
	struct cp_shard *shard, const struct cp_policy *policy, const struct sip_flow *flow)
{
	if (shard->ops->who)
		return shard->ops->who(shard->ctx, policy, flow);
	return cp_peers_by_source(policy->peers, &flow->remote);
}

bool cp_is_secure(const struct cp_call *call)
{
	const struct sip_dialog *d = cp_join_dialog(call);
	struct sip_dialog_view view;

	if (!d)
		return false;
	sip_dialog_view(d, &view);
	return view.secure;
}

static unsigned locate(
	struct cp_call *call, const struct cp_peer *peer, struct sip_flow list[CP_HOPS])
{
	struct cp_shard *shard = call->shard;

	if (shard->ops->locate)
		return shard->ops->locate(shard->ctx, call->policy, peer, list);
	list[0] = (struct sip_flow){
		.remote = peer->remote, .socket = peer->socket, .transport = peer->transport};
	return peer->remote.family ? 1 : 0;
}

unsigned cp_locate(struct cp_call *call, const struct cp_peer *peer, struct sip_flow list[CP_HOPS])
{
	unsigned n = peer->callable ? locate(call, peer, list) : 0, kept = 0;
	bool secure = n && cp_is_secure(call);

	for (unsigned i = 0; i < n; i++)
		if (!secure || list[i].transport == SIP_TLS)
			list[kept++] = list[i];
	return kept;
}

static bool owns(struct cp_call *call, const struct cp_peer *peer, const struct sip_addr *addr)
{
	struct cp_shard *shard = call->shard;

	if (shard->ops->owns)
		return shard->ops->owns(shard->ctx, call->policy, peer, addr);
	return cp_peers_owner(call->policy->peers, addr) == peer;
}

// A leg that began over TLS goes on over TLS, and one whose peer is known by its certificate with that.
bool cp_is_party(struct cp_call *call, unsigned leg, const struct sip_dialog *d,
	const struct sip_flow *source)
{
	const struct sip_flow *flow = sip_dialog_flow(d);
	const struct cp_peer *peer = call->leg[leg].peer;

	if ((flow->transport == SIP_TLS || flow->transport == SIP_WSS) &&
		source->transport != flow->transport)
		return false;
	if (peer && peer->cfg->tls && peer->cfg->tls->name[0])
		return cp_who(call->shard, call->policy, source) == peer;
	return sip_addr_same_host(&flow->remote, &source->remote) ||
	       (peer && cp_who(call->shard, call->policy, source) == peer);
}

// The transport that this URI asks for, on the way that `flow` is; -1: another one.
static int transport_of(const struct sip_uri *uri, const struct sip_flow *flow)
{
	struct sip_slice value;
	uint8_t transport;
	bool secure = flow->transport == SIP_TLS;

	if (uri->scheme == SIP_URI_SIPS)
		return secure ? SIP_TLS : -1;
	if (uri->scheme != SIP_URI_SIP)
		return -1;
	if (!sip_uri_param(uri, "transport", &value))
		return flow->transport;
	if (sip_transport_from(value, &transport))
		return -1;
	// RFC 5630: "sip:...;transport=tcp" is what somebody says who is on TLS all the same.
	if (secure && transport == SIP_TCP)
		return SIP_TLS;
	return transport == flow->transport ? transport : -1;
}

// What came over a connection has the port that the other side dialled from. Should the connection
// be gone, this is where it listens.
static void to_listening_port(
	struct cp_call *call, const struct cp_peer *peer, struct sip_flow *flow)
{
	struct sip_flow list[CP_HOPS];
	unsigned n = cp_locate(call, peer, list);

	for (unsigned i = 0; i < n; i++)
		if (list[i].transport == flow->transport &&
			sip_addr_same_host(&list[i].remote, &flow->remote)) {
			flow->remote.port = list[i].remote.port;
			return;
		}
}

void cp_leg_route(struct cp_call *call, unsigned leg)
{
	cp_dialog_route(call, leg, call->leg[leg].dialog);
}

void cp_dialog_route(struct cp_call *call, unsigned leg, struct sip_dialog *d)
{
	struct cp_leg *l = &call->leg[leg];
	struct sip_flow flow;
	struct sip_addr hop;
	struct sip_uri uri;

	if (!d) // a callee who speaks in an early dialog before one was chosen
		return;
	flow = *sip_dialog_flow(d);
	if (cp_peer_behind_nat(l->peer) || flow.transport == SIP_WS ||
		flow.transport == SIP_WSS)
		return;
	if (sip_uri_parse(sip_dialog_next_hop(d), &uri) == 0 && transport_of(&uri, &flow) >= 0 &&
		sip_addr_parse(uri.host,
			uri.port                    ? uri.port
			: flow.transport == SIP_TLS ? 5061
						    : CFG_PORT_SIP,
			&hop) == 0 &&
		hop.family == flow.remote.family && owns(call, l->peer, &hop))
		flow.remote = hop;
	else if (sip_flow_reliable(&flow))
		to_listening_port(call, l->peer, &flow);
	else
		return;
	sip_dialog_set_flow(d, &flow);
}
