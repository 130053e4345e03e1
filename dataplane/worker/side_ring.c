// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker/side_ring.h"

#include <stdlib.h>
#include <sys/mman.h>

struct dp_side_ring *dp_side_new(void)
{
	struct dp_side_ring *r = aligned_alloc(64, sizeof(*r));

	if (!r)
		return NULL;
	memset(r, 0, sizeof(*r));
	r->bytes = mmap(NULL, DP_SIDE_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (r->bytes != MAP_FAILED)
		return r;
	free(r);
	return NULL;
}

void dp_side_free(struct dp_side_ring *r)
{
	if (!r)
		return;
	munmap(r->bytes, DP_SIDE_BYTES);
	free(r);
}
