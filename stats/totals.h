// SPDX-License-Identifier: BSD-3-Clause
// Sums over region A that several views show: sessions by state, ports of each endpoint, counters by
// name. Plain functions over a reader's views; one thread.
#pragma once

#include "stats/region.h"

struct st_ports {
	char interface[ABI_INTERFACE_NAME];
	uint8_t ip[16];
	uint8_t family;
	uint16_t first, last;
	uint32_t configured, used, resting, free;
};

struct st_totals {
	uint64_t sessions[4];   // by enum abi_session_state; free ones are capacity less the others
	struct st_ports *ports; // a->endpoints of them
	uint32_t endpoints;
};

#ifdef __cplusplus
extern "C" {
#endif

// 0 or -ENOMEM. st_totals_free() also after an error.
int st_totals_read(const struct st_a *a, struct st_totals *totals);
void st_totals_free(struct st_totals *totals);

const char *st_session_state(uint8_t state);
const char *st_call_state(uint8_t state);

// The sum of all counters of that name (and that label, when not NULL) over `count` blocks from
// `first`.
uint64_t st_sum(const struct abi_counter_table *table, const char *name, const char *label,
	uint32_t first, uint32_t count);

#ifdef __cplusplus
}
#endif
