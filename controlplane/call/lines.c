// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/call/call.h"

#include "controlplane/call/carry.h"
#include "controlplane/call/identity.h"
#include "controlplane/call/trickle.h"

static bool is_plain(const char *user)
{
	for (; *user; user++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-_.",
			    *user))
			return false;
	return true;
}

// Each side is shown the other one's number at our address.
static void put_contact(struct sip_build *b, const struct cp_call *call, unsigned to)
{
	const struct cp_listener *l = cp_leg_listener(call, to);
	const char *user = to == 0 ? call->to : call->from;
	bool named = user[0] && is_plain(user) && !(to == 1 && call->hidden);
	// sips says TLS by itself.
	bool secure = (l->transport == SIP_TLS || l->transport == SIP_WSS) && cp_is_secure(call);
	size_t n =
		l->transport == SIP_TLS && secure ? strcspn(l->contact, ";") : strlen(l->contact);

	sip_build_format(b, "Contact", "<%s:%s%s%.*s>", secure ? "sips" : "sip", named ? user : "",
		named ? "@" : "", (int)n, l->contact);
}

// What we can, as far as this side may know of it.
static void put_supported(
	struct sip_build *b, const struct cp_call *call, unsigned to, unsigned own)
{
	const struct cfg_peer *peer = call->leg[to].peer->cfg;
	bool invite = (own & CP_LINE_REQUEST) && call->state < ABI_CALL_UP;
	bool prack = to ? cp_prack_offered(call) : peer->prack != CFG_PRACK_OFF;

	sip_build_format(b, "Supported", "%s%s%s%sreplaces, norefersub",
		cp_trickle_offered(call->leg[to].peer) ? CP_TRICKLE ", " : "",
		peer->session_timer.off ? "" : "timer, ", prack ? "100rel, " : "",
		invite ? "199, " : "");
	if (invite && to == 1 && prack && peer->prack == CFG_PRACK_REQUIRE)
		sip_build_header_str(b, "Require", "100rel");
}

static void put_own(struct sip_build *b, struct cp_call *call, unsigned to, unsigned own)
{
	const char *agent = call->policy->cfg->sip.user_agent;

	if (own & CP_LINE_CONTACT) {
		put_contact(b, call, to);
		sip_build_header_str(b, "Allow", CP_ALLOW);
		put_supported(b, call, to, own);
		if (cp_trickle_offered(call->leg[to].peer))
			sip_build_header_str(b, "Recv-Info", CP_TRICKLE);
	}
	if ((own & CP_LINE_OK) ||
		(own & (CP_LINE_CONTACT | CP_LINE_REQUEST)) == (CP_LINE_CONTACT | CP_LINE_REQUEST))
		cp_timer_put(call, to, own, b);
	if (agent[0])
		sip_build_header_str(b, own & CP_LINE_REQUEST ? "User-Agent" : "Server", agent);
	if (own & CP_LINE_SDP)
		sip_build_header_str(b, "Content-Type", "application/sdp");
	if (own & CP_LINE_DTMF)
		sip_build_header_str(b, "Content-Type", "application/dtmf");
	if (own & CP_LINE_DTMF_RELAY)
		sip_build_header_str(b, "Content-Type", "application/dtmf-relay");
}

struct sip_slice cp_lines(
	struct cp_call *call, unsigned to, unsigned own, const struct sip_message *m, unsigned what)
{
	struct cp_shard *shard = call->shard;
	struct sip_build b = sip_build(shard->lines, sizeof(shard->lines));
	const struct cp_carry carry = {
		call->leg[cp_other(to)].peer, call->leg[to].peer, cp_leg_listener(call, to), what,
		to == 1 && call->hidden};
	size_t ours;

	put_own(&b, call, to, own);
	if (to == 1 && (what & CP_IN_INVITE))
		cp_identity_assert(call, &b);
	ours = b.n;
	if (m)
		cp_carry(&b, &carry, m);
	// More than fits, or something that cannot be written again: better without.
	if (sip_build_check(&b))
		b.n = ours;
	return sip_slice(b.p, b.n);
}
