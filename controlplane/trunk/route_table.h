// SPDX-License-Identifier: BSD-3-Clause
// Inside controlplane/trunk: what routes are made into. route.c decides, route_table.c builds.
#pragma once

#include "controlplane/trunk/prefix.h"
#include "controlplane/trunk/route.h"
#include "controlplane/trunk/zone.h"

struct cp_route_set { // the peers of some lines of a table
	uint16_t peer[CFG_TARGETS];
	uint8_t count;
};

struct cp_route_entry {
	const struct cfg_route *route;
	const struct cp_route_set *set; // NULL: those of the route
};

const struct cfg *cp_route_cfg(const struct cp_routes *routes);
// NULL for CP_PREFIX_NONE.
const struct cp_route_entry *cp_route_entry(const struct cp_routes *routes, uint32_t at);
// The line behind it with the same prefix, CP_PREFIX_NONE: none. `at` may be CP_PREFIX_NONE.
uint32_t cp_route_next(const struct cp_routes *routes, uint32_t at);
// Of the lines that name this peer in `from`; -1: of those that name none. May be NULL.
const struct cp_prefixes *cp_route_prefixes(const struct cp_routes *routes, int from);
