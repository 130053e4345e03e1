// SPDX-License-Identifier: BSD-3-Clause
// Sockets that hawse-stats listens at.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct cfg_address;

#ifdef __cplusplus
extern "C" {
#endif

// A listening socket, not blocking, or -errno with one line in `error` that says what to do; `key` is that of the
// configuration which says where. *port is the one it listens at.
int st_listen(
	const struct cfg_address *at, const char *key, uint16_t *port, char *error, size_t size);

#ifdef __cplusplus
}
#endif
