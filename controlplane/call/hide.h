// SPDX-License-Identifier: BSD-3-Clause
// Bodies that cross as they are (INFO, MESSAGE, NOTIFY, and what answers them) may name what only
// one side knows: its addresses, its Call-ID, its tags. Here each is replaced by what stands for it on the
// other side, so that dialog-info, sipfrags and the like mean the same dialog there.
//
// Thread: its shard's.
#pragma once

#include "controlplane/call/call.h"

#ifdef __cplusplus
extern "C" {
#endif

// `body` came by leg `from` and goes to the other. What to send: `body` itself, or *text (free it). Without
// memory, or when it would grow beyond 64 KiB: nothing at all.
struct sip_slice cp_hide(
	struct cp_call *call, unsigned from, struct sip_slice body, char **text);

#ifdef __cplusplus
}
#endif
