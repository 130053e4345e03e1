// SPDX-License-Identifier: BSD-3-Clause
// Trunks that we register at: a REGISTER for each, refreshed before it expires, sent by the next address of the trunk
// when one fails, and after failures again and again with twice the pause, at random within its second half
// (RFC 5626 4.5). And the answers to digest challenges of trunks, to REGISTER as to every request of a call.
//
// A trunk that the operator has disabled is registered at no more: the registration is taken back, and had again
// when he enables it.
//
// A stopped process takes no registration back: the next one has the same Contact, and until then calls would
// only fail in another way.
//
// Thread: its shard's; the first shard has them all.
#pragma once

#include <stdbool.h>

#include "sip/transaction.h"

struct cp_exchange;
struct cp_shard;

struct cp_enrol_view {
	const char *peer;
	const char *state; // "registered", "trying", "failed", "disabled"
	char aor[384];
	int status;         // of the last answer, 0: none
	const char *reason; // of the last failure
	uint64_t expires_s; // that are left, 0: not registered
	uint64_t next_s;    // until the next REGISTER
	unsigned failures;  // in a row
};

#ifdef __cplusplus
extern "C" {
#endif

// The peers of the shard's policy: new ones are registered at once, those that changed anew, those that are gone are
// given up. 0 or -ENOMEM.
int cp_enrol_set_policy(struct cp_shard *shard);
void cp_enrol_free(struct cp_shard *shard);
void cp_enrol_response(
	struct cp_exchange *x, struct sip_transaction *tx, const struct sip_message *m);
void cp_enrol_failed(struct cp_exchange *x, int status, const char *why);
// ICMP: what was sent there did not arrive.
void cp_enrol_unreachable(struct cp_shard *shard, const struct sip_flow *to);
// The operator has disabled or enabled some.
void cp_enrol_disabled(struct cp_shard *shard);
// A connection is gone: who registered over it does so again, since calls come by it.
void cp_enrol_closed(struct cp_shard *shard, const struct sip_flow *flow);
// Every registration, for showing. False after the last.
bool cp_enrol_at(struct cp_shard *shard, unsigned index, struct cp_enrol_view *out);

// A 401 or 407 to a request of ours. True: it has been sent again with credentials.
bool cp_enrol_challenged(struct cp_shard *shard, struct sip_transaction *tx,
	const struct sip_message *m, struct sip_slice request);

#ifdef __cplusplus
}
#endif
