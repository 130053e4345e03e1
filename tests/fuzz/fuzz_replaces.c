// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as a Replaces header and as the headers of a Refer-To: what is read lies within them, and is what a
// dialog may be called.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/call/replaces.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_part(struct sip_slice whole, struct sip_slice part)
{
	if (!part.n || part.p < whole.p || part.p + part.n > whole.p + whole.n)
		abort();
}

static void check(struct sip_slice whole, const struct cp_replaces *r)
{
	check_part(whole, r->call_id);
	check_part(whole, r->to_tag);
	check_part(whole, r->from_tag);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *bytes = malloc(size + 1); // its own block, so that a step too far is seen
	char text[CP_REPLACES];
	struct sip_slice in = sip_slice(bytes, size);
	struct cp_replaces r;

	memcpy(bytes, data, size);
	if (cp_replaces_parse(in, &r) == 0)
		check(in, &r);
	if (cp_replaces_in_uri(in, text, &r) == 0) {
		check(sip_slice(text, sizeof(text)), &r);
		for (size_t i = 0; i < r.call_id.n; i++)
			if ((unsigned char)r.call_id.p[i] < 0x20)
				abort();
	}
	free(bytes);
	return 0;
}
