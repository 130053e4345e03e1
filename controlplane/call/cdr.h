// SPDX-License-Identifier: BSD-3-Clause
// Call detail records: one line of JSON for every leg of every call, a target that did not take the
// call included. Times are RFC 3339, UTC, milliseconds; what did not happen or is not known is null.
//
//   {"call":"00c0ffee00c0ffee","leg":"b","attempt":1,"record":"final","id":"00c0ffee00c0ffee-b1",
//    "peer":"carrier","caller_peer":"office","callee_peer":"carrier","route":"+49",
//    "from":"030123","to":"+49301","from_sent":"+4930123","to_sent":"49301","call_id":"...",
//    "start":"2026-01-31T12:00:00.000Z","ring":...,"answer":...,"end":...,
//    "pdd_ms":120,"setup_ms":4031,"duration_ms":60012,"cost":0.009000,
//    "ended_by":"caller","status":200,"cause":"Normal call clearing","q850":16,"reason":null,
//    "codec":"PCMA/8000","transcoded":true,"codec_why":"opus -> PCMA: callee has no opus",
//    "received":{"packets":3000,"octets":516000,"lost":0,"duplicate":0,"out_of_order":0,
//    "jitter_ms":0.125,"strangers":0,"dropped":0,"r":93.2,"mos":4.41},
//    "sent":{"packets":3000,"octets":516000},"remote":"192.0.2.1:4000","learned":"confirmed"}
//
// `id` names the leg: "-a" the caller's, "-b1", "-b2" the targets in the order in which they were tried. There is
// exactly one record "final" for each id. "interim" records of long calls come before it
// (stats.interim); their counts and cost are those since the beginning, their "end" is null.
//
// `from` and `to` are the numbers as the caller said them, `..._sent` as the target was told. `pdd_ms`: until
// it rang, or answered without ringing. `reason` is the Reason header (RFC 3326) of whoever ended it, q850 its
// Q.850 cause, else that of the status by RFC 3398. `received` is what came from this leg's party, `sent` what was
// sent to it; `r` and `mos` judge the former (quality.h). `learned` is "no" (as signalled), "yes" or
// "confirmed". Without media (never connected) "received", "sent", "remote" and "learned" are null.
//
// "recordings":["20260131/00c0ffee00c0ffee-1.wav"] of a call that was recorded.
//
// After a transfer a party goes on in another call: the old one's lines end with
// "transferred_to":"<call>", the new one's with "transferred_from":"<call>", and the times of the two add up.
//
// Thread: pure functions.
#pragma once

#include "controlplane/call/cause.h"
#include "dataplane/abi/layout.h"

#define CP_CDR_LINE 4096u
#define CP_CDR_ID   32u // bytes of "0123456789abcdef-b255", NUL included

enum cp_cdr_record {
	CP_CDR_FINAL,
	CP_CDR_INTERIM,
	CP_CDR_OPEN, // not for the file: what is known of a leg that begins (cdr_open.h)
};

// Media of one leg, added up over the call's sessions.
struct cp_media_total {
	uint64_t packets, octets, sent_packets, sent_octets;
	uint32_t lost, duplicate, out_of_order, dropped, strangers;
	uint32_t jitter_us; // of the last session that had any
	struct abi_addr remote;
	uint8_t learned;
	bool any; // a report came
};

struct cp_recordings;

struct cp_cdr {
	enum cp_cdr_record record;
	uint64_t call;
	unsigned leg;     // 0 or 1
	unsigned attempt; // of leg 1, from 1
	const char *peer, *caller_peer, *callee_peer, *route;
	const char *from, *to, *from_sent, *to_sent, *codec; // empty: not known
	const char *codec_why; // empty: no media
	bool transcoded;
	const char *fax;    // "passed", "gateway"; NULL: there was none
	unsigned fax_pages; // that the gateway counted
	const struct cp_recordings *recordings; // NULL: none
	const char *srtp, *keying; // "AEAD_AES_128_GCM", "dtls" or "sdes"; NULL or empty: plain RTP
	struct sip_slice call_id;
	struct sip_slice
		fork; // tag of a fork of the callee that did not get the call; empty: the leg itself
	uint64_t start_us, ring_us, answer_us, end_us; // Unix time; 0: did not happen
	uint64_t now_us;                               // of an interim record
	int64_t cost;                                  // micro-units; -1: no price is known
	const struct cp_cause *cause;
	const char *reason; // the Reason header line, or empty
	uint64_t moved_from, moved_to; // calls that a party came from, and went to; 0: none
	const struct cp_media_total *media;
};

#ifdef __cplusplus
extern "C" {
#endif

void cp_media_total_add(struct cp_media_total *total, const struct abi_leg_stats *stats);

// "0123456789abcdef-a", "...-b2".
void cp_cdr_id(uint64_t call, unsigned leg, unsigned attempt, char out[CP_CDR_ID]);
// The Q.850 cause of a Reason header line; 0: it has none.
int cp_cdr_q850(const char *reason);
// The line, its newline included. Its length, -ENOBUFS when it does not fit.
int cp_cdr_write(const struct cp_cdr *cdr, char *line, size_t size);

#ifdef __cplusplus
}
#endif
