// SPDX-License-Identifier: BSD-3-Clause
#include "sip/slice.h"

#include <errno.h>

#include "sip/chars.h"

struct sip_slice sip_slice_trim(struct sip_slice s)
{
	s = sip_skip_lws(s);
	while (s.n > 0 && sip_char_is(s.p[s.n - 1], SIP_C_LWS))
		s.n--;
	return s;
}

int sip_slice_u32(struct sip_slice s, uint32_t max, uint32_t *out)
{
	uint64_t v = 0;
	if (!sip_all(s, SIP_C_DIGIT))
		return -EINVAL;
	for (size_t i = 0; i < s.n; i++) {
		v = v * 10 + (uint64_t)(s.p[i] - '0');
		if (v > max)
			return -ERANGE;
	}
	*out = (uint32_t)v;
	return 0;
}
