// SPDX-License-Identifier: BSD-3-Clause
// Between persist.c (a call as a record) and persist_load.c (a record as a call): what a record holds.
#pragma once

#include "controlplane/call/call.h"
#include "controlplane/call/persist.h"
#include "controlplane/call/recording.h"

// A flow without the numbers that only a process knows.
struct kept_flow {
	struct sip_addr remote, local;
	uint8_t transport;
};

struct kept_leg {
	char peer[CFG_NAME];
	struct sip_addr signalling;
	uint64_t start, ring, answer; // Unix time, us
	uint64_t due;                 // of the session timer
	struct sip_session_timer session;
	uint8_t refresher;
	bool allows_update, stale;
	struct sip_dialog_view dialog;
	struct kept_flow listener, flow, ok_flow; // of the leg, its dialog, its dialog's 2xx
};

struct kept_session {
	uint64_t epoch;
	uint32_t slot, generation;
	uint8_t state, stream;
	struct abi_leg_local local[2];
	struct abi_addr remote[2];
	struct abi_session_plan plan;
	bool secured[2];
	struct cp_secure secure[2];
};

// A call between cp_call and bytes.
struct kept_call {
	uint64_t id;
	uint8_t held;
	bool hidden, shy;
	uint64_t moved_from;
	bool unsettled; // an exchange was under way: hawse-media may have been told of it
	char from[64], to[64], codec[2][24], codec_why[CP_CODECS_WHY];
	bool transcoded, look;
	uint8_t fax; // enum cp_fax_way
	uint16_t fax_pages;
	struct cp_recordings recordings;
	char from_sent[48], to_sent[48], route_name[40];
	uint8_t attempt;
	bool priced[2];
	struct cp_rate rate[2];
	struct cp_media_total total[2];
	struct kept_leg leg[2];
	uint8_t sessions;
	struct kept_session session[CP_SESSIONS];
	const char *agreed; // sdp_oa_save(); reading only
	size_t agreed_size;
};

// The record's parts; texts stay slices of the scratch. 0, -EBADMSG, -EPROTONOSUPPORT.
int cp_persist_open(struct cp_persist_scratch *scratch, const uint8_t *record, size_t size,
	struct kept_call *k);
