// SPDX-License-Identifier: BSD-3-Clause
// Datagrams that are said to be UDPTL: the reader keeps to their bounds, and the fax gateway lives with what they carry.
// Input: datagrams, each behind two bytes of its length. The top bit of the length: only the reader.
#include <stdlib.h>
#include <string.h>

#include "dataplane/codec/fax.h"
#include "dataplane/codec/udptl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void promise(bool holds)
{
	if (!holds)
		abort();
}

static void within(const struct udptl_ifp *ifp, const uint8_t *data, size_t size)
{
	promise(!ifp->length || (ifp->data >= data && ifp->data + ifp->length <= data + size));
}

static void read_one(const uint8_t *data, size_t size)
{
	struct udptl_packet packet;
	struct udptl_tx tx = {0};
	uint8_t out[UDPTL_MAX];

	if (udptl_read(&packet, data, size))
		return;
	within(&packet.primary, data, size);
	for (unsigned i = 0; i < packet.count; i++)
		within(&packet.secondary[i], data, size);
	for (unsigned i = 0; i < 3; i++) {
		int n = udptl_write(
			&tx, packet.primary.data, packet.primary.length, 8, out, sizeof(out));

		promise(n < 0 || udptl_read(&packet, out, (size_t)n) == 0);
		if (n < 0 || udptl_read(&packet, data, size))
			break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fax_config config = {.redundancy = 3};
	struct fax *fax = NULL;
	unsigned count = 0;

	while (size >= 2 && count++ < 50) {
		size_t length = (size_t)(data[0] & 0x7f) << 8 | data[1];
		bool only_read = data[0] & 0x80;
		uint8_t *exact;

		data += 2;
		size -= 2;
		length = length < size ? length : size;
		exact = malloc(length ? length : 1);
		if (!exact)
			break;
		memcpy(exact, data, length);
		read_one(exact, length);
		if (!only_read && (fax || fax_open(&fax, &config) == 0)) {
			int16_t pcm[160];
			uint8_t out[UDPTL_MAX];

			(void)fax_from_t38(fax, exact, length);
			promise(fax_to_audio(fax, pcm, 160) == 160);
			fax_from_audio(fax, pcm, 160);
			while (fax_to_t38(fax, out, sizeof(out)))
				;
		}
		free(exact);
		data += length;
		size -= length;
	}
	fax_close(fax);
	return 0;
}
