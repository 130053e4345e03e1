// SPDX-License-Identifier: BSD-3-Clause
// Access to shared words, and the sequence lock that guards shared records of one writer.
// Writers: only the one process that owns the bytes. Readers: any thread of any process.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "dataplane/abi/layout.h"

static inline uint32_t abi_load32(const abi_atomic32 *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static inline void abi_store32(abi_atomic32 *word, uint32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static inline uint64_t abi_load64(const abi_atomic64 *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static inline void abi_store64(abi_atomic64 *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

// A counter of one writer: no read-modify-write on the bus, readers see whole values.
static inline void abi_add64(abi_atomic64 *word, uint64_t value)
{
	__atomic_store_n(word, __atomic_load_n(word, __ATOMIC_RELAXED) + value, __ATOMIC_RELAXED);
}

// Writer: begin, change the record with ordinary stores, end.
static inline void abi_write_begin(abi_atomic32 *sequence)
{
	uint32_t now = __atomic_load_n(sequence, __ATOMIC_RELAXED);

	__atomic_store_n(sequence, now | 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static inline void abi_write_end(abi_atomic32 *sequence)
{
	uint32_t now = __atomic_load_n(sequence, __ATOMIC_RELAXED);

	__atomic_store_n(sequence, (now | 1) + 1, __ATOMIC_RELEASE);
}

// Reader: copies `size` bytes of a record that begins at `sequence`'s record. False when the writer
// was at it for all of a few tries (a killed writer leaves it so): the copy may be torn then.
static inline bool abi_read_record(
	void *copy, const void *record, size_t size, const abi_atomic32 *sequence)
{
	for (unsigned tries = 0; tries < 64; tries++) {
		uint32_t before = abi_load32(sequence);

		if (before & 1)
			continue;
		memcpy(copy, record, size);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(sequence, __ATOMIC_RELAXED) == before)
			return true;
	}
	memcpy(copy, record, size);
	return false;
}
