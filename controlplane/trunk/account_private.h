// SPDX-License-Identifier: BSD-3-Clause
// What an account holds. Private to account.c (which counts) and account_keep.c (which keeps it over a restart).
//
// Thread: any, under the lock of all accounts.
#pragma once

#include <pthread.h>

#include "controlplane/trunk/account.h"

#define SECOND 1000000ull
#define SPANS  60u // pieces of the fraud guard's window

struct meter { // of one direction
	uint32_t calls;
	uint64_t *began; // the last `size` beginnings, a ring
	uint32_t size, at;
	uint64_t level; // of the bucket, in calls x its period in us
	uint64_t filled_us;
	// Answered today.
	uint64_t finished_us; // sum of those that ended
	uint32_t running;
	uint64_t started_us; // sum of the beginnings of those that run
};

struct guard {
	int64_t span[SPANS]; // spent by calls that ended
	uint64_t span_at;    // number of the last one
	int64_t running;     // sum of the prices of those that run
	__int128 started;    // sum of price x beginning: exact, whatever the numbers
	uint64_t blocked_until_us;
};

struct cp_account {
	struct cp_accounts *all;
	struct cp_account *next;
	char name[96];
	struct meter meter[3]; // enum cfg_direction
	uint64_t day_start_us;
	struct guard guard;
	uint64_t began[2], refused[CP_LIMITS], alarms, told;
	bool disabled, down, by_ping;
	uint32_t good, bad; // in a row
	uint64_t since_us, pings, ping_failures;
	uint32_t ping_us;
};

struct cp_accounts {
	pthread_mutex_t lock;
	struct cp_account **buckets;
	uint32_t mask, count;
	uint64_t saved; // digest of what account_keep.c has written last, 0: nothing
};
