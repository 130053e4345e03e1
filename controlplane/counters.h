// SPDX-License-Identifier: BSD-3-Clause
// What hawse-sip counts, in region T: one explicit table. A shard adds to its own block; readers
// learn names and help from the table itself.
//
// Thread: the shard that owns the block.
#pragma once

#include "dataplane/abi/counters.h"
#include "sip/method.h"
#include "sip/screen.h"

// How a call's set-up ended.
enum cp_result {
	CP_RESULT_ANSWERED,
	CP_RESULT_CANCELLED,
	CP_RESULT_BUSY,        // 486, 600
	CP_RESULT_NO_ANSWER,   // 408 and 480 of the other side, ring timeout
	CP_RESULT_UNREACHABLE, // no target took it: 5xx, timeout, transport error
	CP_RESULT_REFUSED,     // any other 3xx to 6xx of the other side
	CP_RESULT_NO_ROUTE,
	CP_RESULT_STRANGER,
	CP_RESULT_LOOP,      // 482, 483
	CP_RESULT_BAD_OFFER, // 400, 415, 488 for its body
	CP_RESULT_NO_PORTS,  // 503: ports or sessions exhausted
	CP_RESULT_NO_MEDIA,  // 503: hawse-media is not there
	CP_RESULT_OVERLOAD,  // 503: max_calls
	CP_RESULT_INTERNAL,  // 500
	CP_RESULT_LIMIT,     // a limit of the caller, or of every target
	CP_RESULTS,
};

// Requests are counted by method: SIP_M_OTHER .. SIP_M_COUNT - 1.
enum cp_counter {
	CP_C_REQUESTS, // [SIP_M_COUNT] received
	CP_C_REQUESTS_LAST = CP_C_REQUESTS + SIP_M_COUNT - 1,
	CP_C_REQUESTS_SENT, // [SIP_M_COUNT]
	CP_C_REQUESTS_SENT_LAST = CP_C_REQUESTS_SENT + SIP_M_COUNT - 1,
	CP_C_RESPONSES, // [6] received, 1xx .. 6xx
	CP_C_RESPONSES_LAST = CP_C_RESPONSES + 5,
	CP_C_RESPONSES_SENT, // [6]
	CP_C_RESPONSES_SENT_LAST = CP_C_RESPONSES_SENT + 5,
	CP_C_DROPS, // [SIP_REFUSE_COUNT] by screen
	CP_C_DROPS_LAST = CP_C_DROPS + SIP_REFUSE_COUNT - 1,
	CP_C_DROP_STRANGER,
	CP_C_DROP_STRAY_RESPONSE,
	CP_C_DROP_STRAY_ACK,
	CP_C_DROP_OVERLOAD,
	CP_C_DROP_NO_MEMORY,
	CP_C_DROP_SOURCE, // in a dialog, from an address that is not its peer's
	CP_C_RETRANSMITS_IN,
	CP_C_RETRANSMITS_OUT,
	CP_C_MERGED,
	CP_C_TIMEOUTS,
	CP_C_TRANSPORT_ERRORS,
	CP_C_TRANSACTIONS, // gauge
	CP_C_CALLS,        // [CP_RESULTS] by how the set-up ended
	CP_C_CALLS_LAST = CP_C_CALLS + CP_RESULTS - 1,
	CP_C_CALLS_CURRENT, // gauge
	CP_C_CALLS_UP,      // gauge
	CP_C_ENDED_CALLER,  // calls that were up, by who ended them
	CP_C_ENDED_CALLEE,
	CP_C_ENDED_HAWSE,
	CP_C_MEDIA_TIMEOUTS,
	CP_C_NEXT_TARGETS,
	CP_C_NEXT_HOPS,
	CP_C_SETUP_MS, // sums over answered calls
	CP_C_PDD_MS,   // and over calls that rang
	CP_C_PDD_CALLS,
	CP_C_DURATION_MS,
	CP_C_MEDIA_COMMANDS,
	CP_C_MEDIA_FAILURES,
	CP_C_REPLAYED,
	CP_C_REPLAY_FAILED,
	CP_C_DTLS_READY,
	CP_C_DTLS_FAILED,
	CP_C_CONSENT_LOST,
	CP_C_CDR_FAILED,
	CP_C_KEPT, // records given to the journal
	CP_C_KEEP_FAILED,
	CP_C_RESTORED,
	CP_C_RESTORE_LOST,
	CP_C_ENROL_FAILURES,
	CP_C_LIMITED, // [CP_LIMITS - 1] by enum cp_limit_why
	CP_C_LIMITED_LAST = CP_C_LIMITED + 4,
	CP_C_FRAUD_ALARMS,
	CP_C_TRUNKS_DOWN,
	CP_C_TRUNKS_UP,
	CP_C_DROP_RULES,
	// Of the transport and the gate before it; not of a shard.
	CP_C_UDP_RECEIVED,
	CP_C_UDP_SENT,
	CP_C_STREAM_RECEIVED,
	CP_C_STREAM_SENT,
	CP_C_CONNECTIONS, // gauge
	CP_C_CONNECTIONS_ACCEPTED,
	CP_C_CONNECTIONS_MADE,
	CP_C_CONNECTIONS_REFUSED,
	CP_C_CONNECTIONS_SLOW,
	CP_C_CONNECTIONS_IDLE,
	CP_C_CONNECTIONS_BACKLOG,
	CP_C_CONNECTIONS_UNFRAMED,
	CP_C_CONNECTIONS_TLS,
	CP_C_CONNECTIONS_UPGRADE,
	CP_C_KEEPALIVES,
	CP_C_WIDENED,
	CP_C_RECONNECTED,
	CP_C_ICMP,
	CP_C_DNS_QUESTIONS,
	CP_C_DNS_FAILURES,
	CP_C_DROP_KERNEL,
	CP_C_DROP_QUEUE,
	CP_C_DROP_SHED,
	CP_C_DROP_SHED_SOURCE,
	CP_C_DROP_MUTED,
	CP_C_DROP_SHED_ACK,
	CP_C_MUTES,
	CP_C_WAITED_US, // gauge
	CP_C_JOURNAL,   // gauge
	CP_C_JOURNAL_FAILED,
	CP_C_REGISTRATIONS,    // gauge
	CP_C_REGISTERED_USERS, // gauge
	CP_C_REGISTERS,
	CP_C_REGISTERS_CHALLENGED,
	CP_C_REGISTERS_STALE,
	CP_C_REGISTERS_FAILED,
	CP_C_REGISTERS_REFUSED,
	CP_C_REGISTERS_FLOODED,
	CP_C_REGISTRATIONS_EXPIRED,
	CP_C_REGISTRATIONS_LOST,
	CP_C_PHONE_PINGS,
	CP_C_BANS, // gauge
	CP_C_BANNED,
	CP_C_DROP_BANNED,
	CP_C_DROP_DENIED,
	CP_C_TRUNKS_REGISTERED, // gauge
	CP_C_TRUNKS_UNREGISTERED, // gauge
	CP_COUNTERS,
};

#ifdef __cplusplus
extern "C" {
#endif

// Fills the table of all CP_COUNTERS descriptors.
void cp_counters_describe(struct abi_counter table[CP_COUNTERS]);

// "answered", "no_route", ...
const char *cp_result_name(enum cp_result result);

#ifdef __cplusplus
}
#endif
