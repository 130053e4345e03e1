// SPDX-License-Identifier: BSD-3-Clause
// Why a call ended, and how one side's failure looks on the other side.
//
// Thread: pure functions and plain values.
#pragma once

#include "controlplane/counters.h"
#include "sip/message.h"

struct cp_cause {
	uint8_t by;      // enum cp_ended_by: 0 caller, 1 callee, 2 hawse
	bool known;      // false: the call has not ended
	uint16_t status; // SIP status; 200: ended by BYE
	char phrase[64]; // as the peer worded it, or ours
};

#ifdef __cplusplus
extern "C" {
#endif

// May another target take a call that was answered so? Timeouts count as 408, transport errors as 503.
bool cp_cause_try_next(int status);

// The status that the caller gets for a final failure of the callee. Most are carried as they are;
// what would be meaningless or give away the other side is not: redirections (their Contact is not
// carried), challenges (we answer for both sides), and what only our own request could have caused.
int cp_cause_carried(int status);

enum cp_result cp_cause_result(int status);

// RFC 3326 and Q.850 for a status; 0 when none fits.
int cp_cause_q850(int status);

// "caller", "callee", "hawse".
const char *cp_cause_by(uint8_t by);

#ifdef __cplusplus
}
#endif
