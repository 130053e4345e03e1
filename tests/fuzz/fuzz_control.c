// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as a request of hawsectl: what is taken is packed again into the very bytes that came.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/control/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cp_wire_request request;
	long whole = cp_wire_size(data, size);
	uint8_t *bytes;
	size_t n;

	if (cp_wire_parse(data, size, &request))
		return 0;
	if (whole != (long)size || cp_wire_pack(request.words, request.count, &bytes, &n))
		abort();
	if (n != size || memcmp(bytes, data, n) != 0)
		abort();
	free(bytes);
	return 0;
}
