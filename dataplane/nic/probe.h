// SPDX-License-Identifier: BSD-3-Clause
// Probe packets: UDP datagrams from ourselves to ourselves that nobody else could have sent, to see
// which queue a device puts them into. Bytes only.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROBE_MAX 128u

struct probe {
	uint8_t mac[6]; // source and destination: a switch gives it back to nobody
	uint8_t family; // 4 or 6
	uint8_t ip[16]; // source and destination
	uint16_t port;  // destination
	uint64_t token; // what tells one from another
};

#ifdef __cplusplus
extern "C" {
#endif

// A frame with right checksums; TTL 1. Returns its size.
size_t probe_write(const struct probe *probe, uint8_t frame[PROBE_MAX]);

// True when the frame is that probe's.
bool probe_is(const struct probe *probe, const uint8_t *frame, size_t size);

// A token that was not given before.
uint64_t probe_token(void);

#ifdef __cplusplus
}
#endif
