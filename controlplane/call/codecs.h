// SPDX-License-Identifier: BSD-3-Clause
// Which codecs a peer may be offered, and in which order: the settings `codecs` and `dtmf` of both sides
// of a call, put into an offer that is ready to be shown. What is taken out of an offer cannot be in its
// answer, so nothing else has to know.
//
// Thread: pure functions over the caller's buffers.
#pragma once

#include "controlplane/trunk/policy.h"
#include "sip/slice.h"

#define CP_CODECS_TEXT 32768u

#ifdef __cplusplus
extern "C" {
#endif

// The offer of `from` as `to` may see it, in `out`. Its length; 0: nothing is to be changed;
// -EPROTONOSUPPORT: no audio is left in it; -ENOBUFS.
int cp_codecs_filter(const struct cp_peer *from, const struct cp_peer *to, struct sip_slice offer,
	char *out, size_t size);

#ifdef __cplusplus
}
#endif
