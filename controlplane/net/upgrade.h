// SPDX-License-Identifier: BSD-3-Clause
// The HTTP request that opens a WebSocket (RFC 6455 section 4.2) for SIP (RFC 7118 section 5), read from
// bytes. Pure; any thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CP_UPGRADE_MAX    8192u // bytes of the request
#define CP_UPGRADE_ANSWER 512u

struct cp_upgrade {
	size_t length; // of the request, its blank line included; what follows are frames
	int status;    // 101, or why not: 400, 403, 405, 426, 431
	char answer[CP_UPGRADE_ANSWER]; // the HTTP response to send, whole
};

// 0 with *out filled, or -EAGAIN when the request is not all there yet. `origins`: allowed ones,
// comma-separated, NULL: any.
int cp_upgrade_read(struct cp_upgrade *out, const uint8_t *bytes, size_t n, const char *origins);

#ifdef __cplusplus
}
#endif
