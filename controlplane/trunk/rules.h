// SPDX-License-Identifier: BSD-3-Clause
// Header rules: what a peer's messages become before Hawse reads them, and after Hawse wrote them. Each
// rule sees what those before it made. Start line, body and the headers that calls stand on are never
// touched (the configuration refuses such rules).
//
// Thread: pure functions over the caller's buffers.
#pragma once

#include "controlplane/config/config.h"
#include "sip/message.h"

#define CP_RULES_SIZE (SIP_MESSAGE_MAX + 1u)

#ifdef __cplusplus
extern "C" {
#endif

// The message with its rules applied, in `out`. Its length; 0: no rule changes it; -ENOBUFS: it would be
// too long, or have too many headers; -EINVAL: a rule would make a header that cannot be written.
int cp_rules_apply(const struct cfg_rules *rules, enum cfg_direction way,
	const struct sip_message *m, char *out, size_t size);

// Do its conditions hold for this message?
bool cp_rule_holds(const struct cfg_rule *rule, const struct sip_message *m);

#ifdef __cplusplus
}
#endif
