// SPDX-License-Identifier: BSD-3-Clause
// The keys of a bench's SRTP: whoever sends, receives or sets up call `number` works them out by himself.
// tests/bench/srtp.py has the same rule. They protect nothing.
#pragma once

#include <string.h>

#include "dataplane/abi/secure.h"

// The same one in every direction; SUITE none: all zero.
static inline struct abi_srtp_key bench_key(unsigned suite, unsigned number)
{
	const struct abi_suite *s = abi_suite_of(suite);
	struct abi_srtp_key key = {0};

	if (!s)
		return key;
	key.suite = (uint8_t)suite;
	memset(key.key, (int)(1 + number % 100), s->key);
	memset(key.salt, (int)(101 + number % 100), s->salt);
	return key;
}
