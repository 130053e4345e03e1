// SPDX-License-Identifier: BSD-3-Clause
// hawsectl route test, hawsectl rules test: what a configuration would do, read from its file and shown
// without asking a process. Each answers an exit code of show.h.
#pragma once

#include <stdio.h>

struct st_try {
	const char *file;   // the configuration
	const char *caller; // route test: his number, NULL: anonymous
	const char *at;     // route test: "2026-01-31 18:00" UTC, NULL: now
	FILE *in, *out, *err;
};

#ifdef __cplusplus
extern "C" {
#endif

// FROM is the name of a peer, NUMBER what it dials.
int st_route_test(const struct st_try *t, const char *from, const char *number);
// A message is read from t->in, its lines ended by LF or CRLF; `way` is "in" or "out".
int st_rules_test(const struct st_try *t, const char *peer, const char *way);

#ifdef __cplusplus
}
#endif
