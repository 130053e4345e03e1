// SPDX-License-Identifier: BSD-3-Clause
// Routes: from a peer, a number and the time to the peers to try, in order, and the price lists that
// decide among them.
//
// The longest prefix of the number wins, then the first line of the file (the lines of a table count as
// lines of their route). A line whose conditions do not hold, or none of whose peers can be used, is
// passed over. Emergency numbers look at the lines for them first, and neither prices nor callers count.
//
// A look-up costs one pass over the number for the lines of the peer and one for those of any.
//
// Thread: immutable after making, which may take a second for a million prefixes and may be done on any
// thread; any thread may look up.
#pragma once

#include "controlplane/config/config.h"
#include "controlplane/trunk/numbers.h"
#include "controlplane/trunk/rates.h"
#include "controlplane/trunk/zone.h"
#include "sip/slice.h"

#define CP_NO_RATE INT64_MAX

struct cp_routes;

struct cp_route_query {
	int from;                        // index into cfg.peers
	struct sip_slice number, caller; // canonical; caller empty: he has none
	int64_t now;                     // Unix time
	uint64_t random;                 // drawn for this call
	bool emergency;                  // cp_routes_emergency()
};

struct cp_choice {
	const struct cfg_route *route; // NULL: none holds
	uint16_t status; // 0: go on; else the call is refused by it: 404, 482, refuse:
	bool emergency;
	uint8_t count;
	uint16_t to[CFG_TARGETS];  // in the order to try
	int64_t rate[CFG_TARGETS]; // micro-units a minute, CP_NO_RATE: not known
	char number[CP_NUMBER];    // canonical, after the route's strip and prepend
};

// What is said of each line that was looked at, for `hawsectl route test`.
typedef void cp_route_say(void *ctx, const char *text);

#ifdef __cplusplus
extern "C" {
#endif

// `cfg` must outlive it. Reads the tables and price lists that it names. 0 or -errno with `error`
// written.
int cp_routes_new(const struct cfg *cfg, struct cp_routes **out, struct cfg_error *error);
void cp_routes_free(struct cp_routes *routes);

// `say` may be NULL.
void cp_routes_choose(const struct cp_routes *routes, const struct cp_route_query *query,
	struct cp_choice *choice, cp_route_say *say, void *ctx);
// Is it one of sip.emergency? urn:service:sos holds for its sub-services too.
bool cp_routes_emergency(const struct cfg *cfg, struct sip_slice number);

// The price lists of a peer: CFG_OUT what calls to it cost, CFG_IN what calls from it are charged. NULL:
// it has none.
const struct cp_rates *cp_routes_rates(
	const struct cp_routes *routes, unsigned peer, enum cfg_direction way);

// A time zone that some route or some limits name; NULL: UTC.
const struct cp_zone *cp_routes_zone(const struct cp_routes *routes, const char *name);

#ifdef __cplusplus
}
#endif
