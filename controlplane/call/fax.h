// SPDX-License-Identifier: BSD-3-Clause
// Fax of a call: T.38 that is passed through, and the gateway, where one party has T.38 and the other, by its peer's
// `t38: gateway`, G.711 alone. Who has T.38 may change to it by a re-INVITE of its own; and when hawse-media hears a fax
// machine in a call where the gateway is wanted, we offer it. Where that is refused the fax goes on as audio. When the
// machines have said goodbye, who was changed by us is changed back.
//
// Thread: the call's shard.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/message.h"
#include "sip/sdp/offer_answer.h"

struct cp_call;
struct cp_exchange;
struct cp_session;
struct cp_fax;

enum cp_fax_way { // of any fax that the call had
	CP_FAX_NONE,
	CP_FAX_PASSED,
	CP_FAX_GATEWAY,
};

#ifdef __cplusplus
extern "C" {
#endif

// The leg whose party has no T.38, while the other's may be offered it, and one more: hawse-media is to listen for fax
// machines. 0: it need not.
unsigned cp_fax_listens(const struct cp_call *call);
// The first stream of a plan that is being installed.
void cp_fax_note(struct cp_call *call, const struct sdp_plan_stream *stream);
// ABI_FAX.
void cp_fax_event(struct cp_session *s, const struct abi_msg *event);
// The offer of x is to be T.38 to its reader.
bool cp_fax_offers(const struct cp_exchange *x);
// Our offer of T.38 (CP_X_FAX) came to nothing, by this status.
void cp_fax_refused(struct cp_exchange *x, int status);
// For CDRs and the journal.
enum cp_fax_way cp_fax_had(const struct cp_call *call, uint16_t *pages);
// 0, -EINVAL, -ENOMEM.
int cp_fax_restore(struct cp_call *call, uint8_t way, uint16_t pages);
void cp_fax_free(struct cp_call *call);

#ifdef __cplusplus
}
#endif
