// SPDX-License-Identifier: BSD-3-Clause
// Walking the trace in region T: whole segments are copied, checked not to have been overtaken by the
// writer, and then cut into records, each of which is checked. (controlplane/shm/tregion.h says how it
// is written.) One thread; the callback's record lives until it returns.
#pragma once

#include "stats/region.h"

struct st_record {
	struct abi_trace head; // as written; fields within what they can be
	uint32_t shard;
	const char *text; // head.size bytes, not NUL-terminated
};

#ifdef __cplusplus
extern "C" {
#endif

// All records of a shard, oldest first. `call` 0: of every call. 0 or -ENOMEM. `broken`, which may be
// NULL, counts segments that held something that is no record.
int st_trace_walk(const struct st_t *t, uint32_t shard, uint64_t call,
	void (*take)(void *user, const struct st_record *record), void *user, unsigned *broken);

#ifdef __cplusplus
}
#endif
