// SPDX-License-Identifier: BSD-3-Clause
//
// Candidates that trickle in behind an offer or answer: bodies of application/trickle-ice-sdpfrag, in INFO requests of the
// package trickle-ice (RFC 8840). Bytes in, slices of them out; any thread.
#pragma once

#include <errno.h>
#include <stdbool.h>

#include "sip/sdp/secure.h"

#define SDP_FRAG_CANDIDATES 32u // the rest is passed over

struct sdp_frag {
	struct sdp_str ufrag, pwd; // of the generation that this is of
	bool end;                  // a=end-of-candidates, of any m-line
	unsigned count;
	struct sdp_frag_item {
		struct sdp_str mid; // empty: of all media
		struct sdp_candidate candidate;
	} item[SDP_FRAG_CANDIDATES];
};

#ifdef __cplusplus
extern "C" {
#endif

// 0; -EBADMSG: no lines of SDP, or without the credentials that say which generation it is of.
int sdp_frag_parse(struct sdp_str body, struct sdp_frag *out);

#ifdef __cplusplus
}
#endif
