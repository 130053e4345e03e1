// SPDX-License-Identifier: BSD-3-Clause
// hawsectl cdr: the records of legs (controlplane/call/cdr.h) from their files, filtered, and summed. Reads the files
// that are rotated away too, in their order. Lines that are no records are counted and told.
//
// One thread.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct st_cdr_filter {
	const char *since, *until; // RFC 3339 in UTC, or the beginning of it; of the leg's start
	const char *peer, *number; // a name; the beginning of a number, as received or as sent
	const char *status;        // "486", "4xx"
	const char *call, *leg;
	const char *ended_by, *codec, *route;
	bool interim; // those too
};

#ifdef __cplusplus
extern "C" {
#endif

bool st_cdr_matches(const struct st_cdr_filter *filter, const json_t *record);
// "2h" (that long ago), or what begins with a date, into `out`. 0 or -EINVAL.
int st_cdr_time(const char *text, uint64_t now_s, char out[32]);

struct st_cdr_sums; // by one member, or by peer and leg

struct st_cdr_sums *st_cdr_sums_new(const char *by); // NULL: peer and leg, or no memory
int st_cdr_sums_add(struct st_cdr_sums *s, const json_t *record);
// As a table, or as one JSON array.
int st_cdr_sums_print(struct st_cdr_sums *s, bool json, FILE *out);
void st_cdr_sums_free(struct st_cdr_sums *s);

// The whole command, its options included; argv[0] is hawsectl. An exit code.
int st_cdr_main(int argc, char **argv);

#ifdef __cplusplus
}
#endif
