// SPDX-License-Identifier: BSD-3-Clause
//
// Limits: a call takes a place in the account of its caller, and in that of each peer it is offered to.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "controlplane/call/call.h"
#include "controlplane/config/users.h"
#include "controlplane/log.h"

#define CP_USER_ACCOUNT 112u // bytes of "user alice@office"

uint64_t cp_shard_unix_us(const struct cp_shard *shard)
{
	return shard->now_us + shard->realtime_offset_us;
}

struct cp_account *cp_peer_account(struct cp_shard *shard, const struct cp_peer *peer)
{
	return cp_account_get(shard->accounts, peer->cfg->name);
}

static enum cp_limit_why take(struct cp_call *call, struct cp_account *account,
	const struct cfg_limits *limits, const char *zone, struct cp_wish *wish,
	struct cp_place *place)
{
	wish->now_us = cp_shard_unix_us(call->shard);
	wish->number = call->choice ? call->choice->number : "";
	wish->always = !call->choice || call->choice->emergency;
	if (limits)
		wish->zone = cp_routes_zone(call->policy->routes, zone);
	return cp_account_take(account, limits, wish, place);
}

static const char *zone_of(const struct cp_peer *peer)
{
	return peer->cfg->trunk.limits ? peer->cfg->trunk.limits->zone : "";
}

static void account_name(
	const struct cp_peer *peer, const char *user, char name[CP_USER_ACCOUNT])
{
	snprintf(name, CP_USER_ACCOUNT, "user %s@%s", user, peer->cfg->name);
}

// What the caller hears, and what makes sense of it there: another trunk may have room, and a phone is
// engaged; what is forbidden stays so.
static int response_of(
	enum cp_limit_why why, bool from_trunk, const char **phrase, const char **lines)
{
	*lines = NULL;
	switch (why) {
	case CP_LIMIT_CALLS:
		*phrase = "Too Many Calls";
		*lines = "Retry-After: 10\r\n";
		return from_trunk ? 503 : 486;
	case CP_LIMIT_RATE:
		*phrase = "Too Many Calls In A Time";
		*lines = "Retry-After: 1\r\n";
		return 503;
	case CP_LIMIT_MINUTES:
		*phrase = "No Minutes Left Today";
		return 403;
	case CP_LIMIT_FRAUD:
		*phrase = "Blocked By The Fraud Guard";
		return 403;
	default:
		*phrase = "Destination Not Allowed";
		return 403;
	}
}

static void say(struct cp_call *call, unsigned leg, const char *name, enum cp_limit_why why)
{
	cp_count(call->shard, CP_C_LIMITED + (unsigned)why - 1);
	cp_call_event(call, (uint8_t)leg, "%s: limit of %s reached, %s", name, cp_limit_name(why),
		leg ? "passed over" : "refused");
	cp_log(CP_LOG_INFO, "limit", call->id, "%s: limit of %s reached by a call %s %s", name,
		cp_limit_name(why), leg ? "to" : "for",
		call->choice ? call->choice->number : call->to);
}

static void refuse(struct cp_call *call, enum cp_limit_why why, bool from_trunk)
{
	const char *phrase, *lines;
	int status = response_of(why, from_trunk, &phrase, &lines);

	cp_call_result(call, CP_RESULT_LIMIT);
	cp_call_end(call, CP_BY_HAWSE, status, sip_str(phrase), lines);
}

// The price that counts for the guard: what the caller is charged, else what the cheapest way costs.
static int64_t price_of(const struct cp_call *call)
{
	const struct cp_rate *rate = cp_rates_find(
		cp_routes_rates(call->policy->routes, call->leg[0].peer->index, CFG_IN),
		sip_str(call->choice->number));

	return rate ? rate->minute : call->choice->rate[0];
}

bool cp_limit_account(struct cp_call *call, const char *name, const struct cfg_limits *limits,
	struct cp_place *place)
{
	struct cp_wish wish = {.way = CFG_IN, .price = price_of(call)};
	enum cp_limit_why why =
		take(call, cp_account_get(call->shard->accounts, name), limits,
			zone_of(call->leg[0].peer), &wish, place);

	if (!why)
		return true;
	say(call, 0, name, why);
	refuse(call, why, call->leg[0].peer->cfg->kind == CFG_TRUNK);
	return false;
}

bool cp_limit_caller(struct cp_call *call)
{
	const struct cp_peer *peer = call->leg[0].peer;

	return cp_limit_account(
		call, peer->cfg->name, peer->cfg->trunk.limits, &call->leg[0].place);
}

bool cp_limit_user(struct cp_call *call, const struct cfg_user *user)
{
	const struct cp_peer *peer = call->leg[0].peer;
	char name[CP_USER_ACCOUNT];

	if (!user->limits)
		return true;
	account_name(peer, user->name, name);
	call->leg[0].user = calloc(1, sizeof(*call->leg[0].user));
	if (call->leg[0].user)
		return cp_limit_account(call, name, user->limits, call->leg[0].user);
	cp_call_end(call, CP_BY_HAWSE, 503, sip_slice(NULL, 0), "Retry-After: 5\r\n");
	return false;
}

enum cp_limit_why cp_limit_called(
	struct cp_call *call, const struct cp_peer *peer, const struct cfg_user *user)
{
	struct cp_wish wish = {.way = CFG_OUT, .price = CP_NO_RATE};
	char name[CP_USER_ACCOUNT];
	enum cp_limit_why why;

	if (!user || !user->limits)
		return CP_LIMIT_NONE;
	account_name(peer, user->name, name);
	free(call->leg[1].user);
	call->leg[1].user = calloc(1, sizeof(*call->leg[1].user));
	if (!call->leg[1].user)
		return CP_LIMIT_CALLS;
	why = take(call, cp_account_get(call->shard->accounts, name), user->limits, zone_of(peer),
		&wish, call->leg[1].user);
	if (why)
		say(call, 1, name, why);
	return why;
}

enum cp_limit_why cp_limit_target(struct cp_call *call, const struct cp_peer *peer)
{
	struct cp_wish wish = {.way = CFG_OUT, .price = CP_NO_RATE};
	enum cp_limit_why why;

	cp_limit_release(call, 1);
	why = take(call, cp_peer_account(call->shard, peer), peer->cfg->trunk.limits,
		zone_of(peer), &wish, &call->leg[1].place);
	if (why)
		say(call, 1, peer->cfg->name, why);
	return why;
}

// No peer of the route had room: what the last one lacked is what the caller hears.
void cp_limit_none(struct cp_call *call, const struct cp_peer *last, enum cp_limit_why why)
{
	refuse(call, why, !last || last->cfg->kind == CFG_TRUNK);
}

void cp_limit_answered(struct cp_call *call)
{
	for (unsigned leg = 0; leg < 2; leg++) {
		cp_account_answer(&call->leg[leg].place, cp_shard_unix_us(call->shard));
		if (call->leg[leg].user)
			cp_account_answer(call->leg[leg].user, cp_shard_unix_us(call->shard));
	}
}

void cp_limit_release(struct cp_call *call, unsigned leg)
{
	cp_account_release(&call->leg[leg].place, cp_shard_unix_us(call->shard));
	if (call->leg[leg].user)
		cp_account_release(call->leg[leg].user, cp_shard_unix_us(call->shard));
	free(call->leg[leg].user);
	call->leg[leg].user = NULL;
}

// A call from before a restart has its places again.
void cp_limit_restore(struct cp_call *call)
{
	for (unsigned leg = 0; leg < 2; leg++) {
		struct cp_leg *l = &call->leg[leg];
		struct cp_wish wish = {.way = leg ? CFG_OUT : CFG_IN, .price = CP_NO_RATE};

		take(call, cp_peer_account(call->shard, l->peer), l->peer->cfg->trunk.limits,
			zone_of(l->peer), &wish, &l->place);
		if (l->answer_us)
			cp_account_answer(
				&l->place, l->answer_us + call->shard->realtime_offset_us);
	}
	cp_route_price(call);
}
