// SPDX-License-Identifier: BSD-3-Clause
//
// What a user agent server asks of a request before it does anything for it (RFC 3261 8.2.1 to
// 8.2.3): a method, a Request-URI scheme, extensions, a body it understands. The transaction layer
// does this for every new request when it was given capabilities.
//
// Thread: pure functions.
#pragma once

#include "sip/message.h"
#include "sip/transaction.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIP_INSPECT_LINES 512

struct sip_inspected {
	int status;                    // 0: pass; else 405, 501, 416, 420, 415 or 406
	char lines[SIP_INSPECT_LINES]; // the header lines that the response has to carry
};

void sip_inspect(
	const struct sip_message *m, const struct sip_capabilities *c, struct sip_inspected *out);

#ifdef __cplusplus
}
#endif
