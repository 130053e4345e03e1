// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as the body of an INFO that brings candidates: what is read lies in the body, and every candidate can be checked.
#include <stdlib.h>
#include <string.h>

#include "sip/sdp/frag.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_inside(struct sdp_str s, const char *bytes, size_t size)
{
	if (s.len && (s.ptr < bytes || s.ptr + s.len > bytes + size))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *bytes = malloc(size ? size : 1); // its own block, so that a step too far is seen
	struct sdp_frag frag;

	memcpy(bytes, data, size);
	if (sdp_frag_parse((struct sdp_str){bytes, (uint32_t)size}, &frag) == 0) {
		expect_inside(frag.ufrag, bytes, size);
		expect_inside(frag.pwd, bytes, size);
		if (!frag.ufrag.len || !frag.pwd.len || frag.count > SDP_FRAG_CANDIDATES)
			abort();
		for (unsigned i = 0; i < frag.count; i++) {
			const struct sdp_candidate *c = &frag.item[i].candidate;

			expect_inside(frag.item[i].mid, bytes, size);
			if (!c->port || c->component < 1 || c->component > 2 ||
				(c->family != 4 && c->family != 6))
				abort();
		}
	}
	free(bytes);
	return 0;
}
