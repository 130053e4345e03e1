// SPDX-License-Identifier: BSD-3-Clause
//
// Methods by number. A method is case-sensitive (RFC 3261 7.1); one that is not listed is
// SIP_M_OTHER and goes by its text.
//
// Thread: pure functions.
#pragma once

#include "sip/slice.h"

#ifdef __cplusplus
extern "C" {
#endif

enum sip_method {
	SIP_M_OTHER,
	SIP_INVITE,
	SIP_ACK,
	SIP_BYE,
	SIP_CANCEL,
	SIP_OPTIONS,
	SIP_REGISTER,
	SIP_PRACK,
	SIP_UPDATE,
	SIP_INFO,
	SIP_REFER,
	SIP_SUBSCRIBE,
	SIP_NOTIFY,
	SIP_MESSAGE,
	SIP_PUBLISH,
	SIP_M_COUNT,
};

enum sip_method sip_method_lookup(struct sip_slice text);
const char *sip_method_name(enum sip_method m); // NULL for SIP_M_OTHER
// "Moved Temporarily" and so on; for one that has no phrase, the phrase of its class.
const char *sip_reason_phrase(int status);

#ifdef __cplusplus
}
#endif
