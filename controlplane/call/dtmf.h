// SPDX-License-Identifier: BSD-3-Clause
// Digits by SIP INFO, and between that and what hawse-media hears and sends (telephone-events, tones).
//
// An INFO with a digit for a side that takes it otherwise is answered here, and the digit is sent by hawse-media;
// for a side that takes INFO, or does not say what it takes, it goes over as it is. Digits that hawse-media hears
// for a side that takes INFO go to it one after the other, each behind the answer to the one before.
//
// Refuses: bodies that are no digit (415). Thread: the shard's; the first two functions are pure.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sip/message.h"

struct cp_call;
struct cp_digits; // those that wait, of a call
struct cp_exchange;
struct cp_session;
struct sip_transaction;
struct abi_msg;

#define CP_DIGITS 32u // that wait for one call

enum cp_dtmf_body {
	CP_DTMF_NONE,  // another body
	CP_DTMF_RELAY, // application/dtmf-relay: "Signal=5", "Duration=160"
	CP_DTMF_PLAIN, // application/dtmf: "5"
};

struct cp_digit {
	uint8_t digit;        // as in struct abi_event_dtmf: 0..16
	uint16_t duration_ms; // 40..10000
};

#ifdef __cplusplus
extern "C" {
#endif

enum cp_dtmf_body cp_dtmf_body(const struct sip_message *m);
// 0 or -EBADMSG.
int cp_dtmf_parse(enum cp_dtmf_body kind, struct sip_slice body, struct cp_digit *out);
// "5", "*", "D", "!"
char cp_dtmf_char(unsigned digit);

// An INFO of this leg. True: it was answered.
bool cp_dtmf_info(struct cp_call *call, unsigned leg, struct sip_transaction *tx,
	const struct sip_message *m);
// ABI_DTMF.
void cp_dtmf_event(struct cp_session *s, const struct abi_msg *event);
// Our INFO was answered (its status), or not at all (408, 503).
void cp_dtmf_answered(struct cp_exchange *x, int status);
void cp_dtmf_free(struct cp_call *call);

#ifdef __cplusplus
}
#endif
