// SPDX-License-Identifier: BSD-3-Clause
// Overload control: which new requests to take when more come than can be served (RFC 6357, R3 of the goals).
//
// Under overload a SIP server that takes everything serves nothing: what waits in the socket's buffer is
// sent again by its senders, and every call ends too late. So a new call that has waited longer than `target_us` in the
// kernel is not taken: it is answered from a cheap path, 503 with Retry-After, before the message is read whole.
// Refusing costs little, so the queue soon begins with what is young, and the machine always works on
// calls that are still worth it. No rate is guessed, so nothing swings, and below capacity nothing is
// shed. The target lies well below T1 (500 ms), when senders begin to repeat themselves.
//
// Requests within a dialog, responses and emergency calls are never shed; new calls and other requests are.
// A source (IP address) that sends junk, or more than its share of new requests, is met by a token bucket
// of its own before that: junk above the rate makes the source `muted` for a time, and its datagrams are
// dropped unread.
//
// Sans clock: the time in microseconds (any epoch, never back) is given. Thread: the shard that owns it.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sip/flow.h"

#ifdef __cplusplus
extern "C" {
#endif

struct cp_overload;

struct cp_overload_config {
	uint32_t target_us;  // age above which new calls are shed; 0: 100000
	double rate_most;    // new calls a second, whatever the machine could serve; 0: no bound
	uint32_t sources;    // table of sources, a power of two; 0: 16384
	double source_rate;  // new requests a second of one unknown source; 0: no bound
	double source_burst; // 0: twice the rate
	double junk_rate;    // refused messages a second of one source; 0: 20
	uint32_t mute_ms;    // how long a source of junk is not listened to; 0: 10000
};

enum cp_overload_class {
	CP_CLASS_DIALOG,    // in-dialog requests, responses, ACK, CANCEL
	CP_CLASS_EMERGENCY, // a new call to an emergency number
	CP_CLASS_NEW,       // a new call
	CP_CLASS_OTHER,     // OPTIONS, REGISTER, MESSAGE, ... outside a dialog
};

enum cp_overload_verdict {
	CP_ADMIT,
	CP_SHED,        // answer 503 with Retry-After by the cheap path
	CP_SHED_SOURCE, // the same, because of this source alone
	CP_MUTE,        // drop, say nothing
};

struct cp_overload_counters {
	uint64_t admitted, shed, shed_rate, shed_source, muted, mutes;
	uint64_t age_us; // of the last new request asked about
};

// 0 or -ENOMEM.
int cp_overload_new(struct cp_overload **out, const struct cp_overload_config *config);
void cp_overload_free(struct cp_overload *o);

// Before anything is read: is this source muted?
bool cp_overload_muted(struct cp_overload *o, uint64_t now_us, const struct sip_addr *source);
// The source sent something that was refused as malformed, or that no known peer may send.
void cp_overload_junk(struct cp_overload *o, uint64_t now_us, const struct sip_addr *source);

// `age_us`: how long it has waited, by the kernel's time stamp. `trusted`: the source is a configured
// peer; it has no bucket of its own.
enum cp_overload_verdict cp_overload_ask(struct cp_overload *o, uint64_t now_us, uint64_t age_us,
	const struct sip_addr *source, bool trusted, enum cp_overload_class class_);

// Seconds for Retry-After: some, at random within a range, so that not all come back together.
uint32_t cp_overload_retry_after(struct cp_overload *o);

const struct cp_overload_counters *cp_overload_counters(const struct cp_overload *o);

#ifdef __cplusplus
}
#endif
