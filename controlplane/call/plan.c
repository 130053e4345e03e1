// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/call/plan.h"

#include <string.h>

static bool is_private(const struct sdp_endpoint *e)
{
	const uint8_t *ip = e->ip;

	if (e->family == 6) // fc00::/7, fe80::/10
		return (ip[0] & 0xfe) == 0xfc || (ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80);
	return ip[0] == 10 || (ip[0] == 172 && (ip[1] & 0xf0) == 16) ||
	       (ip[0] == 192 && ip[1] == 168) || (ip[0] == 100 && (ip[1] & 0xc0) == 64) ||
	       (ip[0] == 169 && ip[1] == 254);
}

// Nothing can be sent there: loopback, 0.0.0.1, class E, IPv4 written as IPv6. Who says so does not know his own
// address.
static bool is_nowhere(const struct sdp_endpoint *e)
{
	static const uint8_t compatible[12], mapped[12] = {[10] = 0xff, [11] = 0xff};
	const uint8_t *ip = e->ip;

	if (!e->port) // held
		return false;
	if (e->family == 6)
		return memcmp(ip, compatible, 12) == 0 || memcmp(ip, mapped, 12) == 0;
	return e->family == 4 && (ip[0] == 0 || ip[0] == 127 || ip[0] >= 240);
}

// His SIP comes from somewhere; the first packet will say whether his media do too.
static void find_party(struct sdp_endpoint *e, const struct sip_addr *party)
{
	if (!is_nowhere(e))
		return;
	e->family = party->family;
	memcpy(e->ip, party->ip, sizeof(e->ip));
}

// Whose packets are believed until the first one is confirmed. The more the address that was
// signalled can be believed, the less a stranger can steal:
//   the signalled address is the one its SIP comes from   that address, any port
//   a trunk that signals another address                  that address (its media gateway), unless
//                                                         it is a private one, which a NAT hides
//   anybody else                                          the first packet with the right payload
//                                                         type: behind NAT nothing better is known
uint8_t cp_media_policy(
	const struct cp_peer *peer, const struct sdp_endpoint *rtp, const struct sip_addr *party)
{
	if (rtp->family == 0)
		return ABI_SOURCE_ANY;
	if (rtp->family == party->family && memcmp(rtp->ip, party->ip, 16) == 0)
		return ABI_SOURCE_ADDRESS;
	if (!cp_peer_behind_nat(peer) && !is_private(rtp))
		return ABI_SOURCE_ADDRESS;
	return ABI_SOURCE_ANY;
}

// One payload type of the party: accepted, and under which number it goes on.
static void plan_type(struct abi_leg_plan *out, const struct sdp_plan_leg *in, unsigned pt)
{
	uint64_t bit = 1ull << pt % 64;

	if (!(in->accept[pt / 64] & bit) || in->map[pt] == SDP_PT_NONE ||
		(out->payload_types[pt / 64] & bit))
		return;
	if (in->map[pt] != pt) {
		if (out->pt_maps == ABI_PT_MAPS)
			return;
		out->pt_map[out->pt_maps].from = (uint8_t)pt;
		out->pt_map[out->pt_maps++].to = in->map[pt];
	}
	out->payload_types[pt / 64] |= bit;
}

// Should more be renumbered than the plan has room for, then the codec in use and its events are
// those that matter.
static void plan_types(struct abi_leg_plan *out, const struct sdp_plan_leg *in)
{
	if (in->in.pt < 128)
		plan_type(out, in, in->in.pt);
	if (in->dtmf_in < 128)
		plan_type(out, in, in->dtmf_in);
	for (unsigned pt = 0; pt < 128; pt++)
		plan_type(out, in, pt);
}

void cp_plan_leg(
	struct cp_party *party, const struct sdp_plan_leg *in, bool final, struct abi_leg_plan *out)
{
	struct abi_addr *remote = &party->remote;
	struct sdp_endpoint rtp = in->rtp, rtcp = in->rtcp;

	find_party(&rtp, &party->signalling);
	find_party(&rtcp, &party->signalling);
	out->family = party->family;
	out->source_policy = is_nowhere(&in->rtp)
				     ? ABI_SOURCE_ANY
				     : cp_media_policy(party->peer, &rtp, &party->signalling);
	out->dscp = party->peer->cfg->dscp;
	out->dtmf_type = in->dtmf_in == SDP_PT_NONE ? 255 : in->dtmf_in;
	out->max_packets = in->max_packets_per_s;
	out->max_octets = in->max_octets_per_s;
	plan_types(out, in);
	if (in->receive)
		out->flags |= ABI_LEG_RECEIVE;
	if (in->relearn)
		out->flags |= ABI_LEG_RELEARN;
	if (in->rtcp_mux)
		out->flags |= ABI_LEG_RTCP_MUX;
	if (final && in->receive && in->send)
		out->flags |= ABI_LEG_TIMEOUT;
	if (rtp.family == out->family && rtp.port) {
		remote->family = rtp.family;
		remote->port = rtp.port;
		memcpy(remote->ip, rtp.ip, sizeof(remote->ip));
		if (in->send)
			out->flags |= ABI_LEG_SEND;
		if (rtcp.family == out->family && rtcp.port) {
			out->flags |= ABI_LEG_RTCP;
			out->remote_rtcp_port = rtcp.port;
			memcpy(out->remote_rtcp_ip, rtcp.ip, sizeof(out->remote_rtcp_ip));
		}
	} else if (remote->family == out->family) {
		// Held by c=0.0.0.0: who may send stays as it was.
		struct sdp_endpoint last = {.family = remote->family, .port = remote->port};

		memcpy(last.ip, remote->ip, sizeof(last.ip));
		out->source_policy = cp_media_policy(party->peer, &last, &party->signalling);
	}
	if (remote->family == out->family) {
		out->remote_rtp_port = remote->port;
		memcpy(out->remote_rtp_ip, remote->ip, sizeof(out->remote_rtp_ip));
	}
}
