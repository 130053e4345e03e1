// SPDX-License-Identifier: BSD-3-Clause
// Recordings of a call: begun by the operator or by what a peer's configuration says, written by hawse-media below the
// configured directory as YYYYMMDD/<call>-<number>.wav or .pcap, and named in the call's CDRs. One at a time.
//
// A recording that fails or that the disk has no room for is said in the log and in the call's trace; the call goes
// on. After a restart of hawse-media it goes on in another file.
//
// Thread: the shard's.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sip/tape.h"

struct cp_call;
struct cp_session;
struct abi_msg;

#define CP_RECORDINGS     8u  // files that a CDR names
#define CP_RECORDING_FILE 48u // "20260131/0123456789abcdef-1.pcap"

struct cp_recordings { // of a call
	uint8_t kind;  // enum cfg_record, of the one that runs; CFG_RECORD_NO: none does
	uint8_t count; // files so far
	char file[CP_RECORDINGS][CP_RECORDING_FILE];
};

#ifdef __cplusplus
extern "C" {
#endif

// `kind`: enum cfg_record. 0; -EALREADY it is recorded; -ENOTCONN it has no media; -EOPNOTSUPP the configuration
// names no directory; -EMFILE it was begun too often; -ENOMEM.
int cp_recording_start(struct cp_call *call, unsigned kind);
// 0 or -EALREADY: it is not recorded.
int cp_recording_stop(struct cp_call *call);
// The call is up: what its peers' configuration says.
void cp_recording_up(struct cp_call *call);
// hawse-media was started anew.
void cp_recording_again(struct cp_session *s);
// ABI_RECORD_DONE.
void cp_recording_event(struct cp_session *s, const struct abi_msg *event);
void cp_recording_tape(struct sip_tape *t, struct cp_recordings *r);

#ifdef __cplusplus
}
#endif
