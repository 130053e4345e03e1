// SPDX-License-Identifier: BSD-3-Clause
// What changes of a peer, or of a user of one, while calls come and go: how many calls it has, how fast they
// come, what it spent, whether it is up. Accounts are found by name and outlive every configuration, so a
// reload forgets nothing.
//
// A call takes its place in an account, or is told why it gets none, in one step: under whatever load,
// no limit is ever passed by one. Places are given back exactly once (struct cp_place says whether one is
// held).
//
// Limits (cfg_limits): `calls` counts from the INVITE to the end; `rate` without `burst` lets in no period more
// than so many calls begin, with `burst` it fills a bucket of that size; `minutes` are those of answered calls
// since midnight, running ones included, and a call that runs is not cut. The fraud guard adds up what calls
// to dear destinations cost within its window, a running or a ringing one at least a minute; when that
// reaches `spend`, no more go to dear destinations for `block` seconds.
//
// Thread: any; a lock that is held for microseconds.
#pragma once

#include "controlplane/config/config.h"
#include "controlplane/trunk/zone.h"

struct cp_accounts;

enum cp_limit_why {
	CP_LIMIT_NONE,
	CP_LIMIT_CALLS,
	CP_LIMIT_RATE,
	CP_LIMIT_MINUTES,
	CP_LIMIT_DESTINATION,
	CP_LIMIT_FRAUD,
	CP_LIMITS,
};

struct cp_account;

struct cp_place {                   // of one call in one account
	struct cp_account *account; // NULL: none is held
	uint8_t way;                // enum cfg_direction: CFG_IN or CFG_OUT
	bool dear;
	int64_t price;        // micro-units a minute
	uint64_t taken_us;    // Unix time
	uint64_t answered_us; // 0: not yet
};

struct cp_wish { // of a call
	enum cfg_direction way;
	const char *number; // canonical
	int64_t price;      // micro-units a minute, CP_NO_RATE: not known
	uint64_t now_us;    // Unix time
	const struct cp_zone *zone;
	bool always; // an emergency, or a call from before a restart: it is counted, whatever the limits say
};

struct cp_account_view {
	const char *name;
	uint32_t calls[2]; // by enum cfg_direction
	uint64_t began[2], refused[CP_LIMITS], alarms;
	uint64_t milliseconds[3]; // answered today
	int64_t spent;            // within the window of the fraud guard
	bool blocked;             // by it
	bool disabled;
	// Health.
	bool up;
	uint64_t since_us; // of that state, Unix time; 0: from the start
	uint64_t pings, ping_failures;
	uint32_t ping_us; // of the last answer
};

#ifdef __cplusplus
extern "C" {
#endif

int cp_accounts_new(struct cp_accounts **out); // 0 or -ENOMEM
void cp_accounts_free(
	struct cp_accounts *all); // every place must have been given back or forgotten
// The account of that name ("carrier" of a peer, "user sip:..." of a user), made if need be. NULL: no
// memory; then nothing is counted.
struct cp_account *cp_account_get(struct cp_accounts *all, const char *name);

// ---- limits

// Takes a place, or says why not. `limits` may be NULL: nothing is bounded, but it is counted.
enum cp_limit_why cp_account_take(struct cp_account *a, const struct cfg_limits *limits,
	const struct cp_wish *wish, struct cp_place *place);
void cp_account_answer(struct cp_place *place, uint64_t now_us);
void cp_account_release(struct cp_place *place, uint64_t now_us);
// "calls at once", "calls in a time", ...
const char *cp_limit_name(enum cp_limit_why why);
// Once a second or so: begins days, and trips the guard of calls that run. True when it tripped since the
// last time.
bool cp_account_tick(struct cp_account *a, const struct cfg_limits *limits,
	const struct cp_zone *zone, uint64_t now_us);

// ---- health

enum cp_health_change {
	CP_HEALTH_SAME,
	CP_HEALTH_UP,
	CP_HEALTH_DOWN,
};

// A ping was answered in `took_us` (0: it was a call that was), or failed. `health` NULL: passive only.
enum cp_health_change cp_account_health(struct cp_account *a, const struct cfg_health *health,
	bool ping, bool good, uint32_t took_us, uint64_t now_us);

enum cp_standing {
	CP_STANDING_WELL,
	CP_STANDING_LATER, // failed lately, or is coming up again: others first
	CP_STANDING_DOWN,  // not to be tried
};
// `random`: drawn for this call.
enum cp_standing cp_account_standing(
	struct cp_account *a, const struct cfg_health *health, uint64_t random, uint64_t now_us);
// By hand: takes no calls until it is enabled again.
void cp_account_disable(struct cp_account *a, bool disabled);

// ---- over a restart (account_keep.c)

// What was used up so far today, written when it has changed. 0 or -errno.
int cp_accounts_save(struct cp_accounts *all, const char *path);
// Before calls are taken. 0, also without a file; -EBADMSG: a part of it cannot be read, and is forgotten.
int cp_accounts_load(struct cp_accounts *all, const char *path);

void cp_account_read(struct cp_account *a, uint64_t now_us, struct cp_account_view *view);

#ifdef __cplusplus
}
#endif
