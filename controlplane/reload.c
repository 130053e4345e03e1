// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "controlplane/counters.h"
#include "controlplane/log.h"
#include "controlplane/peer_metrics.h"
#include "controlplane/process_private.h"

static void describe_peers(struct process *p, const struct cp_policy *policy)
{
	struct abi_counter *list = calloc(p->peer_counters + 1u, sizeof(*list));

	if (!list)
		return;
	cp_peer_metrics_describe(policy, list, p->peer_counters);
	cp_tregion_describe(p->tregion, CP_COUNTERS, list, p->peer_counters);
	free(list);
}

int process_adopt(struct process *p, struct cfg *cfg, char why[PROCESS_WHY])
{
	struct cp_policy *policy, *old = p->policy;
	struct cfg_error error;
	char cdr[PROCESS_WHY];
	int err = cp_policy_new(cfg, process_source, p, &policy, &error);

	if (err) {
		snprintf(why, PROCESS_WHY, "%s", error.text);
		return err;
	}
	if (!cp_policy_same_listeners(old, policy)) {
		snprintf(why, PROCESS_WHY,
			"%.200s: sip.listen: expected the same listeners as before; others need a "
			"restart",
			policy->cfg->file);
		err = -EXDEV;
	} else {
		err = cp_transport_set_policy(p->transport, policy, why);
	}
	if (err) {
		cp_policy_release(policy);
		return err;
	}
	if (cp_gate_set_policy(p->gate, policy))
		cp_log(CP_LOG_ERROR, "config", 0, "no memory left: the old limits stay");
	cp_phones_set_policy(p->phones, policy);
	for (unsigned i = 0; i < p->shard_count; i++)
		cp_shard_set_policy(p->shards[i], policy);
	cp_log(CP_LOG_INFO, "config", 0, "taken over: peers %u to %u, routes %u to %u",
		old->cfg->peer_count, policy->cfg->peer_count, old->cfg->route_count,
		policy->cfg->route_count);
	describe_peers(p, policy);
	cp_policy_release(old);
	p->policy = policy;
	if (cp_cdr_file_open(&p->cdr, policy->cfg->stats.cdr, cdr, sizeof(cdr)))
		cp_log(CP_LOG_ERROR, "cdr", 0, "%s", cdr);
	return 0;
}

int process_reload(struct process *p, char why[PROCESS_WHY])
{
	struct cfg_error error;
	struct cfg *cfg;
	int err = cfg_load(&cfg, p->file, &error);

	if (err)
		snprintf(why, PROCESS_WHY, "%s", error.text);
	else
		err = process_adopt(p, cfg, why);
	if (err)
		cp_log(CP_LOG_ERROR, "config", 0, "not taken over: %s", why);
	return err;
}
