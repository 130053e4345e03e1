// SPDX-License-Identifier: BSD-3-Clause
// A stream of SIP messages, whole and then cut anywhere: however its bytes arrive, the same messages come
// out of it, and it breaks at the same place. The first bytes of the input say where the cuts are.
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sip/screen.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CUTS     8u
#define MESSAGES 64u

struct stream {
	uint8_t *bytes;
	size_t n;    // came so far and was not taken
	size_t base; // taken
	unsigned count;
	size_t at[MESSAGES], length[MESSAGES];
	int broken;
};

static void take(struct stream *s)
{
	size_t skip, length;

	while (s->n && !s->broken && s->count < MESSAGES) {
		// A copy of exactly what has come, so that AddressSanitizer sees its end.
		uint8_t *copy = malloc(s->n);
		int err;

		if (!copy)
			abort();
		memcpy(copy, s->bytes + s->base, s->n);
		err = sip_screen_frame(copy, s->n, &skip, &length);
		free(copy);
		if (err == -EAGAIN)
			return;
		if (err) {
			s->broken = err;
			return;
		}
		if (skip > s->n || length > s->n - skip || skip + length == 0)
			abort();
		if (length) { // keep-alives come out whenever they come
			s->at[s->count] = s->base + skip;
			s->length[s->count++] = length;
		}
		s->base += skip + length;
		s->n -= skip + length;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stream whole = {0}, parts = {0};
	uint8_t cuts[CUTS];

	if (size < CUTS)
		return 0;
	memcpy(cuts, data, CUTS);
	data += CUTS;
	size -= CUTS;
	whole.bytes = parts.bytes = (uint8_t *)(uintptr_t)data;
	whole.n = size;
	take(&whole);
	for (size_t came = 0, i = 0; came < size; i++) {
		size_t step = 1 + cuts[i % CUTS];

		step = step < size - came ? step : size - came;
		came += step;
		parts.n += step;
		take(&parts);
		if (parts.broken)
			break;
	}
	if (whole.count != parts.count || whole.broken != parts.broken)
		abort();
	for (unsigned i = 0; i < whole.count; i++)
		if (whole.at[i] != parts.at[i] || whole.length[i] != parts.length[i])
			abort();
	return 0;
}
