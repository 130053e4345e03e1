// SPDX-License-Identifier: BSD-3-Clause
// The session loader's state, and what it prints about it. One thread owns it all.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/hello.h"
#include "dataplane/abi/message.h"
#include "dataplane/abi/ring.h"
#include "dataplane/abi/shm.h"
#include "tests/bench/rtp_frame.h"

#define PORTS_PER_IP 25000u
#define FIRST_PORT   10000u
#define IN_FLIGHT    2048u // commands; the ring holds 4096
#define LATENCIES    (1u << 22)

struct session {
	uint32_t slot;
	uint32_t generation;
	uint16_t port[2]; // local, of caller's and callee's leg
	uint8_t ip[2][4];
};

struct pending { // by transaction & (IN_FLIGHT * 2 - 1)
	uint64_t transaction;
	uint64_t sent_us;
	struct session *session;
	uint32_t number; // of the session: its remote addresses
	uint16_t type;
};

struct loader {
	const char *socket_path;
	const char *flows;
	uint32_t count;
	uint32_t caller; // host order
	uint32_t callee;
	bool both;
	bool mux;
	bool strict;
	unsigned codec[2], codec_type[2]; // enum abi_codec of caller and callee; 0: relayed
	unsigned suite[2][2]; // enum abi_srtp_suite of caller and callee, by enum abi_direction; 0: RTP
	unsigned keys;           // how often they were replaced
	const char *exact_file;
	struct flow *exact; // two a session: of caller's and callee's leg

	struct abi_attached attached;
	struct abi_shm a_shm;
	struct abi_shm b_shm;
	const struct abi_region_a *a;
	struct abi_region_b *b;
	struct abi_producer commands;
	struct abi_consumer events;
	uint64_t transaction;
	uint32_t sequence;
	uint32_t in_flight;
	struct pending pending[IN_FLIGHT * 2];

	struct session *sessions;
	uint32_t added; // SESSION_ADD answered with 0
	uint32_t deleted;
	uint32_t failed;
	int32_t first_error;
	uint16_t first_error_type;
	uint32_t first_error_field;
	uint32_t busy;        // told to try again, and did
	struct session *live; // churn: ring of those that are, oldest first
	uint32_t live_head, live_tail, live_mask;
	uint32_t *latency_us;
	uint32_t latencies;
	struct abi_leg_stats total[2];
	uint32_t silent_legs;
};

// Where a party of a session sends from: leg 0 the caller, 1 the callee. Port in host order.
void loader_party(
	const struct loader *l, unsigned leg, uint32_t number, uint8_t ip[16], uint16_t *port);

// Adds a session's report to the totals.
void loader_add_stats(struct loader *l, const struct abi_session_report *report);

// Parts of a JSON object, each beginning with a comma; the numbers are cleared after.
void loader_print_latencies(struct loader *l);
void loader_print_failures(struct loader *l);
// A whole object without its end.
void loader_print_totals(const struct loader *l);
// A whole object: every counter of region A. 0 or -EPROTO.
int loader_print_counters(const struct loader *l);

// The file of flows. 0 or -errno.
int loader_write_flows(const struct loader *l);
