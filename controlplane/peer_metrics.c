// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/peer_metrics.h"

#include <stdio.h>
#include <string.h>

#include "controlplane/log.h"

#define MOST  2800u // counters; a region has 4,096 in all
#define SPARE 32u   // peers that a reload may add

static const struct {
	const char *name, *help;
	uint8_t kind;
} metrics[CP_PEER_METRICS] = {
	{"peer_up", "1 when calls may go to this peer, 0 when it is down or disabled.", ABI_GAUGE},
	{"peer_calls_in", "Calls of this peer now.", ABI_GAUGE},
	{"peer_calls_out", "Calls to this peer now.", ABI_GAUGE},
	{"peer_calls_in_total", "Calls that this peer began.", ABI_COUNTER},
	{"peer_calls_out_total", "Calls that were offered to this peer.", ABI_COUNTER},
	{"peer_limited_calls_total", "Calls that its limit of calls at once refused.", ABI_COUNTER},
	{"peer_limited_rate_total", "Calls that its limit of calls in a time refused.",
		ABI_COUNTER},
	{"peer_limited_minutes_total", "Calls that its limit of minutes a day refused.",
		ABI_COUNTER},
	{"peer_limited_destination_total", "Calls to numbers that it may not call.", ABI_COUNTER},
	{"peer_limited_fraud_total", "Calls that its fraud guard refused.", ABI_COUNTER},
	{"peer_fraud_blocked", "1 while its fraud guard blocks dear destinations.", ABI_GAUGE},
	{"peer_seconds_today", "Answered seconds of its calls, both ways, since midnight.",
		ABI_GAUGE},
	{"peer_pings_total", "OPTIONS sent to see whether it is up.", ABI_COUNTER},
	{"peer_ping_failures_total", "Of these, those that were not answered, or by 503.",
		ABI_COUNTER},
};

static uint32_t shown(const struct cp_policy *policy, uint32_t count)
{
	uint32_t room = count / CP_PEER_METRICS;

	return policy->cfg->peer_count < room ? policy->cfg->peer_count : room;
}

uint32_t cp_peer_metrics_count(const struct cfg *cfg)
{
	uint32_t count = (cfg->peer_count + SPARE) * CP_PEER_METRICS;

	return count < MOST ? count : MOST / CP_PEER_METRICS * CP_PEER_METRICS;
}

void cp_peer_metrics_describe(
	const struct cp_policy *policy, struct abi_counter *list, uint32_t count)
{
	uint32_t peers = shown(policy, count);

	memset(list, 0, count * sizeof(*list));
	for (uint32_t k = 0; k < count; k++) {
		uint32_t i = k / CP_PEER_METRICS;
		struct abi_counter *c = &list[k];

		c->kind = metrics[k % CP_PEER_METRICS].kind;
		c->scope = ABI_SCOPE_AGENT;
		if (i >= peers)
			continue; // without a name it is not shown
		snprintf(c->name, sizeof(c->name), "%s", metrics[k % CP_PEER_METRICS].name);
		snprintf(c->label, sizeof(c->label), "peer=\"%s\"", policy->cfg->peers[i].name);
		snprintf(c->help, sizeof(c->help), "%s", metrics[k % CP_PEER_METRICS].help);
	}
}

static void put(abi_atomic64 *to, const struct cp_account_view *v)
{
	const uint64_t values[CP_PEER_METRICS] = {v->up, v->calls[CFG_IN], v->calls[CFG_OUT],
		v->began[CFG_IN], v->began[CFG_OUT], v->refused[CP_LIMIT_CALLS],
		v->refused[CP_LIMIT_RATE], v->refused[CP_LIMIT_MINUTES],
		v->refused[CP_LIMIT_DESTINATION], v->refused[CP_LIMIT_FRAUD], v->blocked,
		v->milliseconds[CFG_BOTH] / 1000, v->pings, v->ping_failures};

	for (unsigned i = 0; i < CP_PEER_METRICS; i++)
		abi_store64(&to[i], values[i]);
}

unsigned cp_peer_metrics_publish(const struct cp_policy *policy, struct cp_accounts *accounts,
	abi_atomic64 *values, uint32_t count, uint64_t now_us)
{
	uint32_t room = shown(policy, count);
	unsigned alarms = 0;

	for (uint32_t i = 0; i < policy->cfg->peer_count; i++) {
		const struct cfg_peer *peer = &policy->cfg->peers[i];
		const struct cfg_limits *limits = peer->trunk.limits;
		struct cp_account *a = cp_account_get(accounts, peer->name);
		struct cp_account_view view;

		if (!a)
			continue;
		if (cp_account_tick(a, limits,
			    limits ? cp_routes_zone(policy->routes, limits->zone) : NULL, now_us)) {
			alarms++;
			cp_log(CP_LOG_ERROR, "fraud", 0,
				"alarm: %s has spent its limit on dear destinations; they are "
				"blocked for %u s",
				peer->name, limits ? limits->fraud.block : 0);
		}
		cp_account_read(a, now_us, &view);
		if (i < room)
			put(&values[i * CP_PEER_METRICS], &view);
	}
	return alarms;
}

static const char *state_of(const struct cfg_peer *peer, const struct cp_account_view *v)
{
	if (v->disabled)
		return "disabled";
	if (!v->up)
		return "down";
	return peer->trunk.health && peer->trunk.health->ping && !v->pings ? "not asked yet" : "up";
}

static json_t *describe(const struct cfg_peer *peer, struct cp_accounts *accounts, uint64_t now_us)
{
	static const char *const kinds[] = {"trunk", "access", "webrtc"};
	struct cp_account *a = cp_account_get(accounts, peer->name);
	struct cp_account_view v;
	uint64_t refused = 0;

	if (!a)
		return NULL;
	cp_account_read(a, now_us, &v);
	for (unsigned i = 1; i < CP_LIMITS; i++)
		refused += v.refused[i];
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:I, s:b}", "peer",
		peer->name, "kind", kinds[peer->kind], "state", state_of(peer, &v), "since_s",
		(json_int_t)(v.since_us ? (now_us - v.since_us) / 1000000 : 0), "in",
		(json_int_t)v.calls[CFG_IN], "out", (json_int_t)v.calls[CFG_OUT], "limited",
		(json_int_t)refused, "seconds_today", (json_int_t)(v.milliseconds[CFG_BOTH] / 1000),
		"pings", (json_int_t)v.pings, "ping_ms", (double)v.ping_us / 1000.0, "lost_pings",
		(json_int_t)v.ping_failures, "fraud_block", v.blocked);
}

json_t *cp_peer_list(const struct cp_policy *policy, struct cp_accounts *accounts, const char *name,
	uint64_t now_us)
{
	json_t *list = json_array();

	for (unsigned i = 0; list && i < policy->cfg->peer_count; i++) {
		const struct cfg_peer *peer = &policy->cfg->peers[i];

		if (name && strcmp(name, peer->name) != 0)
			continue;
		if (json_array_append_new(list, describe(peer, accounts, now_us))) {
			json_decref(list);
			return NULL;
		}
	}
	return json_pack("{s:o}", "peers", list);
}
