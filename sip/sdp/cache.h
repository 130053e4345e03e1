// SPDX-License-Identifier: BSD-3-Clause
//
// Trees of bodies that were read not long ago. Taking an answer, showing it and planning what it says
// all look at the same three or four bodies; with a cache in their arena each is read once. Without
// room the body is read into the arena as if there were no cache.
//
// A body in the cache is held (its references are counted), so a tree never speaks of another one's
// text. Thread: the arena's.
#pragma once

#include "sip/sdp/sdp.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sdp_blob;

// NULL: no memory.
struct sdp_cache *sdp_cache_new(void);
void sdp_cache_free(struct sdp_cache *cache);

// Between two uses of the arena, when nobody holds a tree any more: makes room when there is little.
// NULL is allowed.
void sdp_cache_settle(struct sdp_cache *cache);

// The tree of a body. 0, -ENOMEM when the cache has no room, or what sdp_parse() says.
int sdp_cache_tree(struct sdp_cache *cache, struct sdp_blob *blob, struct sdp_session **tree);

#ifdef __cplusplus
}
#endif
