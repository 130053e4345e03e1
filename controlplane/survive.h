// SPDX-License-Identifier: BSD-3-Clause
// What the process does so that its calls survive it: the journal of all shards in one file, what changed
// committed at the end of each pass of the loop, and after a restart the calls given back to their
// shards before anything is received.
//
// A journal that cannot be opened or written costs no call: it is said once, counted, and begun anew every
// ten seconds until it works, from all calls that there are then. Only a journal that another hawse-sip
// uses is a reason not to start.
//
// A call whose CDRs are written when the process dies, though the journal was not told yet, is found by its
// CDRs and forgotten.
//
// Thread: the one of the loop.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "controlplane/shard.h"
#include "dataplane/abi/sync.h"

struct cp_survive;
struct cp_cdr_list;

struct cp_survive_config {
	const char *directory;  // made if need be
	size_t calls;           // that there may be
	abi_atomic64 *counters; // the process's block
};

// The shard of a Call-ID.
typedef struct cp_shard *cp_survive_shard_fn(void *ctx, struct sip_slice call_id);

#ifdef __cplusplus
extern "C" {
#endif

// 0; *out is NULL when there can be no journal, which was logged then. -EBUSY, with a line in `why`, or -ENOMEM.
int cp_survive_open(
	struct cp_survive **out, const struct cp_survive_config *config, char *why, size_t size);
// Gives the calls of the journal to their shards. `recorded`: what the file of the CDRs says.
void cp_survive_restore(
	struct cp_survive *s, const struct cp_cdr_list *recorded, cp_survive_shard_fn *shard_of, void *ctx);
// For who the process becomes. 0 or -errno.
int cp_survive_own(struct cp_survive *s, uid_t uid, gid_t gid);
// Commits. An empty journal leaves no file.
void cp_survive_close(struct cp_survive *s);

// As cp_shard_ops.keep and .drop.
int cp_survive_keep(struct cp_survive *s, uint64_t id, const uint8_t *record, size_t n);
int cp_survive_drop(struct cp_survive *s, uint64_t id);
// The end of a pass. `all`, twice a second: also what could wait.
void cp_survive_settle(struct cp_survive *s, struct cp_shard *const *shards, unsigned count,
	uint64_t now_us, bool all);

#ifdef __cplusplus
}
#endif
