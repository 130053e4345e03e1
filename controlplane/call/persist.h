// SPDX-License-Identifier: BSD-3-Clause
// A call as one record of the journal, and a call from it: everything that a hawse-sip which starts
// again needs to hold, resume, record and end a call that the one before it set up. Both dialogs, what
// was agreed, the media sessions with their plans, who calls whom, the times of the CDR.
//
// Not kept: calls that are being set up, exchanges that are under way (whoever asked for one asks again),
// and what only the process knows: the policy (the present one takes its place) and connections.
// Times are kept as Unix time, peers by name, listeners by address, so that the configuration may have
// changed; a peer that is gone from it is a stranger with that name until the call ends.
//
//   0   magic u32 | version u16, 0 u16 | size u32, 0 u32 | digest u64 of all that follows
//   24  what tape_call() in persist.c describes, then what sdp_oa_save() wrote
//
// Bytes of a journal are believed only if size and digest say that they are whole, and then every
// field is checked all the same. A record lies in a file that only our user can read: it holds what the
// parties said in their session descriptions, keys included.
//
// Thread: the shard's.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "sip/slice.h"

#define CP_PERSIST_VERSION 1u
#define CP_PERSIST_HEADER  24u

struct cp_call;
struct cp_shard;

#ifdef __cplusplus
extern "C" {
#endif

// The record of a call that is up. Its length; -EAGAIN: it is not (yet, or any more) one that can go on;
// -ENOBUFS.
int cp_persist_save(const struct cp_call *call, uint8_t *out, size_t size);
// Of a record, for seeing whether it changed.
uint64_t cp_persist_digest(const uint8_t *record);
// Writes size and digest into a record whose header is otherwise whole: for tests and fuzzers.
void cp_persist_seal(uint8_t *record, size_t size);

// The Call-IDs of both legs, within the record. 0 or -EBADMSG.
int cp_persist_call_ids(const uint8_t *record, size_t size, struct sip_slice out[2]);

// The call of this record, as call `id` of the shard, its media sessions still to be claimed. 0;
// -EBADMSG: not a whole record; -EPROTONOSUPPORT: of another version; -EADDRNOTAVAIL: there is no
// listener any more that could speak for it; -EEXIST: the call is there already; -ENOMEM.
int cp_persist_load(struct cp_shard *shard, uint64_t id, const uint8_t *record, size_t size,
	struct cp_call **out);

#ifdef __cplusplus
}
#endif
