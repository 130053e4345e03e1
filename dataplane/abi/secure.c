// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/abi/secure.h"

#include <stddef.h>

// SRTCP keeps the long tag also where the suite's name says 32 (RFC 4568 6.2.2, 6188 4).
static const struct abi_suite suites[ABI_SRTP_SUITES] = {
	[ABI_SRTP_AES_CM_128_HMAC_SHA1_80] = {"AES_CM_128_HMAC_SHA1_80", 16, 14, 10, 10, 0},
	[ABI_SRTP_AES_CM_128_HMAC_SHA1_32] = {"AES_CM_128_HMAC_SHA1_32", 16, 14, 4, 10, 0},
	[ABI_SRTP_AES_192_CM_HMAC_SHA1_80] = {"AES_192_CM_HMAC_SHA1_80", 24, 14, 10, 10, 0},
	[ABI_SRTP_AES_192_CM_HMAC_SHA1_32] = {"AES_192_CM_HMAC_SHA1_32", 24, 14, 4, 10, 0},
	[ABI_SRTP_AES_256_CM_HMAC_SHA1_80] = {"AES_256_CM_HMAC_SHA1_80", 32, 14, 10, 10, 0},
	[ABI_SRTP_AES_256_CM_HMAC_SHA1_32] = {"AES_256_CM_HMAC_SHA1_32", 32, 14, 4, 10, 0},
	[ABI_SRTP_AEAD_AES_128_GCM] = {"AEAD_AES_128_GCM", 16, 12, 16, 16, 1},
	[ABI_SRTP_AEAD_AES_256_GCM] = {"AEAD_AES_256_GCM", 32, 12, 16, 16, 1},
};

const struct abi_suite *abi_suite_of(unsigned suite)
{
	return suite > ABI_SRTP_NONE && suite < ABI_SRTP_SUITES ? &suites[suite] : NULL;
}
