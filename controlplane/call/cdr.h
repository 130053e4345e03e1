// SPDX-License-Identifier: BSD-3-Clause
// Call detail records: one line of JSON for every leg of every call, a target that did not take the
// call included. Times are RFC 3339, UTC, milliseconds; what did not happen is null.
//
//   {"call":"00c0ffee00c0ffee","leg":"a","peer":"office","from":"+4930123","to":"+49301",
//    "call_id":"...","start":"2026-01-31T12:00:00.000Z","ring":...,"answer":...,"end":...,
//    "pdd_ms":120,"setup_ms":4031,"duration_ms":60012,"ended_by":"caller","status":200,
//    "cause":"Normal call clearing","codec":"PCMA/8000",
//    "received":{"packets":3000,"octets":516000,"lost":0,"duplicate":0,"out_of_order":0,
//    "jitter_ms":0.125,"strangers":0,"dropped":0},"sent":{"packets":3000,"octets":516000},
//    "remote":"192.0.2.1:4000","learned":"confirmed"}
//
// `received` is what came from this leg's party, `sent` what was sent to it. `learned` is "no" (as
// signalled), "yes" or "confirmed". Without media (never connected, or hawse-media was gone)
// "received", "sent", "remote" and "learned" are null.
//
// Thread: pure functions.
#pragma once

#include "controlplane/call/cause.h"
#include "dataplane/abi/layout.h"

#define CP_CDR_LINE 4096u

// Media of one leg, added up over the call's sessions.
struct cp_media_total {
	uint64_t packets, octets, sent_packets, sent_octets;
	uint32_t lost, duplicate, out_of_order, dropped, strangers;
	uint32_t jitter_us; // of the last session that had any
	struct abi_addr remote;
	uint8_t learned;
	bool any; // a report came
};

struct cp_cdr {
	uint64_t call;
	unsigned leg; // 0 or 1
	const char *peer;
	const char *from, *to, *codec;
	const char *srtp, *keying; // "AEAD_AES_128_GCM", "dtls" or "sdes"; NULL or empty: plain RTP
	struct sip_slice call_id;
	struct sip_slice
		fork; // tag of a fork of the callee that did not get the call; empty: the leg itself
	uint64_t start_us, ring_us, answer_us, end_us; // Unix time; 0: did not happen
	const struct cp_cause *cause;
	const struct cp_media_total *media;
};

#ifdef __cplusplus
extern "C" {
#endif

void cp_media_total_add(struct cp_media_total *total, const struct abi_leg_stats *stats);

// The line, its newline included. Its length, -ENOBUFS when it does not fit.
int cp_cdr_write(const struct cp_cdr *cdr, char *line, size_t size);

#ifdef __cplusplus
}
#endif
