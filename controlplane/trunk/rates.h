// SPDX-License-Identifier: BSD-3-Clause
// What calls cost, by the prefix of the number called: a table from a file.
//
//   prefix,rate[,connect[,first[,next]]]
//   49,0.0090
//   4915,0.0420,0.01,60,1      a minute, a call that is answered, seconds of the first and of further steps
//
// Prefixes are E.164, with or without "+". Money has at most six places; steps are 1 and 1 s when nothing
// is written. Each prefix stands once. An error names file and line.
//
// Thread: immutable after loading; any thread may look up.
#pragma once

#include "controlplane/config/config.h"
#include "sip/slice.h"

struct cp_rates;

struct cp_rate {
	int64_t minute, connect; // micro-units
	uint32_t first, next;    // seconds
};

#ifdef __cplusplus
extern "C" {
#endif

// 0 or -errno with `error` written.
int cp_rates_load(struct cp_rates **out, const char *file, struct cfg_error *error);
int cp_rates_parse(struct cp_rates **out, const char *file, const void *text, size_t size,
	struct cfg_error *error);
void cp_rates_free(struct cp_rates *rates); // NULL is fine

// Of the longest prefix; NULL: none, or the number is not one that could be priced. `rates` may be NULL.
const struct cp_rate *cp_rates_find(const struct cp_rates *rates, struct sip_slice number);
// Of an answered call, micro-units; 0 ms: it was not answered, and costs nothing.
int64_t cp_rate_cost(const struct cp_rate *rate, uint64_t duration_ms);

size_t cp_rates_count(const struct cp_rates *rates);
size_t cp_rates_bytes(const struct cp_rates *rates);

#ifdef __cplusplus
}
#endif
