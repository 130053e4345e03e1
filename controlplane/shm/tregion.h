// SPDX-License-Identifier: BSD-3-Clause
// Region T, hawse-sip's own: its counters, the table of running calls, and for each shard a ring of
// trace records, served read-only at `<run>/sip.sock` to hawse-stats and hawsectl.
//
// Thread: counters, calls and trace of a shard belong to that shard's thread alone and take no lock;
// cp_tregion_new/serve/process/heartbeat/free belong to one thread, the main one.
//
// The trace ring is divided into ABI_TRACE_SEGMENTS equal segments and no record crosses the end of
// one (a PAD fills it, or fewer bytes are left than a record's header has: those are nothing), so a
// reader that starts at any segment finds a record there. The writer is at work only in the segment
// that holds `head`, whose place is that of the oldest one: a reader leaves that alone. Records are
// shorter than a segment; a longer message is
// cut and its `size` says what is left of it.
//
// Needs no libuv: cp_tregion_fd() is to be polled for reading, cp_tregion_process() then called.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "dataplane/abi/counters.h"
#include "dataplane/abi/layout.h"
#include "dataplane/abi/sync.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CP_NO_CALL        UINT32_MAX

struct cp_tregion;

struct cp_tregion_config {
	uint32_t shards;    // 1..ABI_MAX_SHARDS
	uint32_t calls;     // capacity of the call table, divided among the shards (rounded up)
	size_t trace_bytes; // kept for each shard: a power of two, at least 64 KiB
	// Of the whole process. ABI_SCOPE_WORKER: one value per shard; ABI_SCOPE_AGENT: one, in the
	// block of cp_tregion_counters(t, shards), which belongs to the main thread.
	const struct abi_counter *counters;
	uint32_t counter_count;
};

// 0, -EINVAL, -ENOMEM or what memfd_create answers.
int cp_tregion_new(struct cp_tregion **out, const struct cp_tregion_config *config);
void cp_tregion_free(struct cp_tregion *t);

// Listens at `path` (mode 0660) for readers, of whom at most 64 are held. 0 or -errno;
// -EADDRINUSE: another hawse-sip is running.
int cp_tregion_serve(struct cp_tregion *t, const char *path);
// Gives the socket to the user that readers run as; for a process that becomes one. 0 or -errno.
int cp_tregion_own(struct cp_tregion *t, uid_t uid, gid_t gid);
int cp_tregion_fd(const struct cp_tregion *t); // the same for its whole life
void cp_tregion_process(struct cp_tregion *t);

// At least once a second. `attached`: to hawse-media.
void cp_tregion_heartbeat(struct cp_tregion *t, uint64_t now_us, bool attached);
uint64_t cp_tregion_epoch(const struct cp_tregion *t);

// ---- counters

// The values of shard `block`, indexed as config.counters is; block == shards: the process's own.
// Add by abi_add64(&values[i], n), set gauges by abi_store64().
abi_atomic64 *cp_tregion_counters(struct cp_tregion *t, uint32_t block);
// Gives counters from `first` on other names. A reader may see an old name with a new value once.
void cp_tregion_describe(
	struct cp_tregion *t, uint32_t first, const struct abi_counter *list, uint32_t count);

// ---- calls

// Takes a free call slot of the shard, cleared, its state still ABI_CALL_FREE; CP_NO_CALL when all
// are used. `id` of the call is the caller's to choose.
uint32_t cp_tregion_call_open(struct cp_tregion *t, uint32_t shard);
void cp_tregion_call_close(struct cp_tregion *t, uint32_t call);
// The slot for changing it; readers do not believe what they see until cp_tregion_call_end().
// Never hold it open across anything that waits.
struct abi_call *cp_tregion_call_begin(struct cp_tregion *t, uint32_t call);
void cp_tregion_call_end(struct cp_tregion *t, uint32_t call);
// The slot for reading by its owner.
const struct abi_call *cp_tregion_call(const struct cp_tregion *t, uint32_t call);
uint32_t cp_tregion_calls_used(const struct cp_tregion *t, uint32_t shard);

// ---- trace

struct cp_trace_message {
	uint64_t time_us; // abi_now_us()
	uint64_t call;    // abi_call.id, 0 when the message belongs to no call
	bool sent;
	uint8_t leg;       // 0 caller's side, 1 callee's, 255 none
	uint8_t transport; // as enum sip_transport
	struct abi_addr source, destination;
};

// A SIP message as it came or went.
void cp_tregion_trace(struct cp_tregion *t, uint32_t shard, const struct cp_trace_message *m,
	const void *bytes, size_t n);
// One line of text about a call (or none, 0).
void cp_tregion_event(struct cp_tregion *t, uint32_t shard, uint64_t time_us, uint64_t call,
	uint8_t leg, const char *format, ...) __attribute__((format(printf, 6, 7)));

#ifdef __cplusplus
}
#endif
