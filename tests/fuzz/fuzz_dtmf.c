// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as the body of an INFO that brings a digit: what is read is a digit that there is, of a length that can be
// sent. The first octet chooses the kind of body.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/call/dtmf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cp_digit d;
	char *bytes;

	if (!size)
		return 0;
	bytes = malloc(size); // its own block, so that a step too far is seen
	memcpy(bytes, data + 1, size - 1);
	if (cp_dtmf_parse(data[0] & 1 ? CP_DTMF_RELAY : CP_DTMF_PLAIN, sip_slice(bytes, size - 1), &d) == 0 &&
		(d.digit > 16 || d.duration_ms < 40 || d.duration_ms > 10000 ||
			cp_dtmf_char(d.digit) == '?'))
		abort();
	free(bytes);
	return 0;
}
