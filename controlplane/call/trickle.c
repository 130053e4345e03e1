// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/call/trickle.h"

#include "controlplane/call/call.h"
#include "controlplane/call/ice.h"
#include "sip/sdp/frag.h"

#define SUBTYPE "trickle-ice-sdpfrag"

bool cp_trickle_offered(const struct cp_peer *peer)
{
	return peer && peer->cfg->kind == CFG_WEBRTC;
}

// Parameters of a package say more about it, not which one it is.
static bool is_trickle(const struct sip_message *m)
{
	struct sip_slice package;
	unsigned at = 0;
	const char *end;

	if (!sip_message_find(m, "Info-Package", &at, &package))
		return false;
	end = package.n ? memchr(package.p, ';', package.n) : NULL;
	if (end)
		package.n = (size_t)(end - package.p);
	return sip_slice_iis(sip_slice_trim(package), CP_TRICKLE);
}

static bool is_frag(const struct sip_message *m)
{
	struct sip_content_type type;

	return sip_message_body(m).n && sip_message_content_type(m, &type) == 0 &&
	       sip_slice_iis(type.type, "application") && sip_slice_iis(type.subtype, SUBTYPE);
}

static unsigned check_too(struct cp_call *call, unsigned leg, const struct sdp_frag *frag)
{
	unsigned added = 0;

	for (unsigned k = 0; k < CP_SESSIONS; k++)
		if (call->session[k] && call->session[k]->state != CP_SESSION_DELETING)
			added += cp_ice_add(call->session[k], leg, frag);
	return added;
}

bool cp_trickle_info(struct cp_call *call, unsigned leg, struct sip_transaction *tx,
	const struct sip_message *m)
{
	struct sip_slice body = sip_message_body(m);
	struct sdp_frag frag;
	unsigned added;

	if (!is_trickle(m))
		return false;
	if (!cp_trickle_offered(call->leg[leg].peer)) {
		sip_respond_simple(tx, 469, "Recv-Info:\r\n");
		return true;
	}
	if (!is_frag(m)) {
		sip_respond_simple(tx, 415, "Accept: application/" SUBTYPE "\r\n");
		return true;
	}
	if (sdp_frag_parse((struct sdp_str){body.p, (uint32_t)body.n}, &frag)) {
		sip_respond_simple(tx, 400, NULL);
		return true;
	}
	added = check_too(call, leg, &frag);
	if (frag.count || frag.end)
		cp_call_event(call, (uint8_t)leg, "ICE: %u candidate%s by INFO%s%s", frag.count,
			frag.count == 1 ? "" : "s", frag.end ? ", the last" : "",
			added ? ", to be checked" : "");
	sip_respond_simple(tx, 200, NULL);
	return true;
}
