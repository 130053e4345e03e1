// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as the answer to a connectivity check of ours: nobody who has not the password is believed.
#include <stdlib.h>
#include <string.h>

#include "controlplane/secure/binding.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t id[CP_BINDING_ID] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
	uint8_t copy[2048];

	if (size > sizeof(copy))
		return 0;
	memcpy(copy, data, size);
	if (size >= 20)
		memcpy(copy + 8, id, sizeof(id));
	if (cp_binding_accepted(copy, size, id, "a password that is in no corpus"))
		abort();
	return 0;
}
