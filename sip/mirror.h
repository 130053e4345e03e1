// SPDX-License-Identifier: BSD-3-Clause
//
// What every response to a request has in common, in pieces, so that a server transaction can keep
// it and answer later without the request. For sip/ only.
//
// Thread: whoever owns the buffer.
#pragma once

#include "sip/build.h"

// Offsets into what was built: [0, to) Via, From, and To without its line end; [to, cseq) that line
// end, Call-ID, CSeq; [cseq, routes) Record-Route; [routes, end) Timestamp.
struct sip_mirror {
	uint32_t to, cseq, routes, end;
	bool has_tag; // To has one already
};

void sip_build_mirror(struct sip_build *b, const struct sip_message *request,
	const struct sip_flow *source, struct sip_mirror *out);
// The front of a response: the status line and the pieces of the mirror that its status calls for.
void sip_build_mirrored(struct sip_build *b, const struct sip_mirror *mirror, const char *pieces,
	int status, struct sip_slice reason, struct sip_slice to_tag);
