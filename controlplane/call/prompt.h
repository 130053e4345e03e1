// SPDX-License-Identifier: BSD-3-Clause
// What is played to the parties of a call: music while the other side holds it, ringback while the callee gives no
// early media, an announcement before a refusal. hawse-media has the files in memory.
//
// Thread: the shard's.
#pragma once

#include "controlplane/call/call.h"

#ifdef __cplusplus
extern "C" {
#endif

// Who hears music by what is agreed now (call->hears): before the plan is made, which has to make room for it.
void cp_prompt_choose(struct cp_call *call, bool final);
// Behind the plan: what begins and what ends.
void cp_prompt_follow(struct cp_call *call);
// hawse-media was started anew, or hawse-sip: it has to be told again.
void cp_prompt_again(struct cp_session *s);
// ABI_PLAY_DONE.
void cp_prompt_event(struct cp_session *s, const struct abi_msg *event);

#ifdef __cplusplus
}
#endif
