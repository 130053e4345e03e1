// SPDX-License-Identifier: BSD-3-Clause
//
// What a shard does for phones outside of calls.
#include <stdio.h>

#include "controlplane/call/call.h"
#include "controlplane/registrar/registrar.h"

void cp_shard_registers(
	struct cp_shard *shard, struct sip_transaction *tx, const struct sip_message *m)
{
	if (shard->stopping)
		sip_respond_simple(tx, 503, "Retry-After: 5\r\n");
	else if (shard->registrar)
		cp_registrar_request(shard->registrar, tx, m);
	else
		sip_respond_simple(tx, cp_who(shard, shard->policy, sip_tx_flow(tx)) ? 405 : 403,
			"Allow: " CP_ALLOW "\r\n");
}

void cp_shard_ping(struct cp_shard *shard, const struct sip_flow *flow, struct sip_slice uri)
{
	const struct cp_policy *policy = shard->policy;
	char from[SIP_ADDR_TEXT + 16];
	struct sip_request r = {.method = SIP_OPTIONS, .uri = uri, .to_uri = uri};

	snprintf(from, sizeof(from), "sip:%s",
		policy->listeners[flow->socket < policy->listener_count ? flow->socket : 0].host);
	r.from_uri = sip_str(from);
	sip_request_send(shard->dialogs, flow, &r, NULL, NULL);
}
