// SPDX-License-Identifier: BSD-3-Clause
// Memory files: create, seal, map, and check what a peer handed over.
//
// The writer maps its region first and seals it then: F_SEAL_SHRINK and GROW always, so that no
// peer can make us touch pages that are gone, and F_SEAL_FUTURE_WRITE when only the creator may
// write. A region that another process shall write (B, INJECT) is sealed against resizing only.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct abi_shm {
	int fd; // -1: none
	void *base;
	size_t size;
};

#ifdef __cplusplus
extern "C" {
#endif

// Creates a memfd of `size` bytes, zeroed, mapped for writing. `readers_only`: nobody else will
// ever map it for writing. Not backed by pages until touched. 0 or -errno.
int abi_shm_create(struct abi_shm *shm, const char *name, size_t size, bool readers_only);

// Maps a descriptor that came from a peer; takes it over also on error. Refuses what is not sealed
// against resizing or is smaller than `least` bytes (-EPROTO).
int abi_shm_map(struct abi_shm *shm, int fd, size_t least, bool writable);

// Unmaps and closes; keeps nothing. Safe on a zeroed or closed one with fd -1.
void abi_shm_close(struct abi_shm *shm);

// CLOCK_MONOTONIC microseconds, and what to add to get Unix time.
uint64_t abi_now_us(void);
uint64_t abi_realtime_offset_us(void);

struct abi_region_a;
struct abi_region_t;

// Reader's checks, once at attach: magic, major version, and that every offset and size lies inside
// `size`. 0, -EPROTO, or -EPROTONOSUPPORT for another major version.
int abi_check_a(const struct abi_region_a *a, size_t size);
int abi_check_t(const struct abi_region_t *t, size_t size);

#ifdef __cplusplus
}
#endif
