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
//   0   magic u32 | version u16, 0 u16 | size u32 | size of what is packed u32 | digest u64 of all that follows
//   24  packed by LZ4: what tape_call() in persist.c describes, then what sdp_oa_save() wrote
//
// The four session descriptions of a call say nearly the same: packing costs a microsecond, and takes a
// record of 1,900 bytes to 830.
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

#define CP_PERSIST_VERSION 5u
#define CP_PERSIST_HEADER  24u

#define CP_PERSIST_PLAIN 65536u // bytes of a call before they are packed

struct cp_call;
struct cp_shard;

// Room for packing and unpacking.
struct cp_persist_scratch {
	void *state; // of LZ4
	uint8_t plain[CP_PERSIST_PLAIN];
};

#ifdef __cplusplus
extern "C" {
#endif

// NULL: no memory.
struct cp_persist_scratch *cp_persist_scratch_new(void);
void cp_persist_scratch_free(struct cp_persist_scratch *scratch);

// The record of a call that is up, by the shard's scratch. Its length; -EAGAIN: it is not (yet, or any more)
// one that can go on; -ENOBUFS.
int cp_persist_save(const struct cp_call *call, uint8_t *out, size_t size);
// Of a record, for seeing whether it changed.
uint64_t cp_persist_digest(const uint8_t *record);

// The Call-IDs of both legs, within the scratch. 0 or -EBADMSG.
int cp_persist_call_ids(struct cp_persist_scratch *scratch, const uint8_t *record, size_t size,
	struct sip_slice out[2]);

// The call of this record, as call `id` of the shard, its media sessions still to be claimed. 0;
// -EBADMSG: not a whole record; -EPROTONOSUPPORT: of another version; -EADDRNOTAVAIL: there is no
// listener any more that could speak for it; -EEXIST: the call is there already; -ENOMEM.
int cp_persist_load(struct cp_shard *shard, uint64_t id, const uint8_t *record, size_t size,
	struct cp_call **out);

// What is between a record and a call, for those who test it. A record of these bytes: its length or
// -ENOBUFS. The bytes of a record, into the scratch: how many; -EBADMSG, -EPROTONOSUPPORT.
int cp_persist_pack(struct cp_persist_scratch *scratch, const uint8_t *plain, size_t n,
	uint8_t *out, size_t size);
int cp_persist_unpack(struct cp_persist_scratch *scratch, const uint8_t *record, size_t size);

#ifdef __cplusplus
}
#endif
