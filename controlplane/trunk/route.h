// SPDX-License-Identifier: BSD-3-Clause
// Routes: from a peer and a number to the peers to try, in order. The longest prefix wins, then the
// first line of the file. A look-up costs two hash probes for each character of the number.
//
// Thread: immutable after making; any thread may look up.
#pragma once

#include "controlplane/config/config.h"
#include "sip/slice.h"

struct cp_routes;

#ifdef __cplusplus
extern "C" {
#endif

// `cfg` must outlive it. 0 or -ENOMEM.
int cp_routes_new(const struct cfg *cfg, struct cp_routes **out);
void cp_routes_free(struct cp_routes *routes);

// `from` is an index into cfg.peers. NULL: no route.
const struct cfg_route *cp_routes_find(
	const struct cp_routes *routes, int from, struct sip_slice number);

#ifdef __cplusplus
}
#endif
