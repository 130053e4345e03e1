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
// The callee rings without media: ringback by the configuration of its peer. The body for the caller; empty: none.
struct sip_slice cp_prompt_ringback(struct cp_call *call);
// The caller is to be refused so: plays to him first what the configuration of his peer has for it. True: the refusal
// comes when that is over. `lines` as in cp_call_end().
bool cp_prompt_farewell(struct cp_call *call, int by, int status, struct sip_slice phrase,
	const char *lines);
void cp_prompt_free(struct cp_call *call);
// hawse-media was started anew, or hawse-sip: it has to be told again.
void cp_prompt_again(struct cp_session *s);
// ABI_PLAY_DONE.
void cp_prompt_event(struct cp_session *s, const struct abi_msg *event);

#ifdef __cplusplus
}
#endif
