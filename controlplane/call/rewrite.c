// SPDX-License-Identifier: BSD-3-Clause
//
// Header rules on the wire: between the bytes that come and go and the transaction layer, which never
// sees what a rule has taken away.
#include <errno.h>
#include <stdlib.h>

#include "controlplane/call/call.h"
#include "controlplane/trunk/rules.h"

struct cp_rewriter {
	struct sip_message message;
	char out[CP_RULES_SIZE];
};

static const struct cfg_rules *rules_of(
	struct cp_shard *shard, enum cfg_direction way, const struct sip_flow *flow)
{
	const struct cp_peer *peer;

	if (!shard->policy->rules[way])
		return NULL;
	peer = cp_who(shard, shard->policy, flow);
	return peer && peer->cfg->trunk.rules && peer->cfg->trunk.rules->count[way]
		       ? peer->cfg->trunk.rules
		       : NULL;
}

bool cp_rewrites(struct cp_shard *shard, enum cfg_direction way, const struct sip_flow *flow)
{
	return rules_of(shard, way, flow) != NULL;
}

int cp_rewrite(struct cp_shard *shard, enum cfg_direction way, const struct sip_flow *flow,
	const uint8_t **bytes, size_t *n)
{
	const struct cfg_rules *rules = rules_of(shard, way, flow);
	struct cp_rewriter *w;
	int made;

	if (!rules)
		return 0;
	if (!shard->rewriter[way])
		shard->rewriter[way] = malloc(sizeof(*w));
	w = shard->rewriter[way];
	if (!w)
		return -ENOMEM;
	// What is no message, a keep-alive for one, is judged by the layer.
	if (sip_message_index(&w->message, *bytes, *n))
		return 0;
	made = cp_rules_apply(rules, way, &w->message, w->out, sizeof(w->out));
	if (made <= 0)
		return made;
	*bytes = (const uint8_t *)w->out;
	*n = (size_t)made;
	return 0;
}
