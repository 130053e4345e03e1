// SPDX-License-Identifier: BSD-3-Clause
// A self-describing table of counters in shared memory.
//
// Layout at region offset `counter_offset`: descriptors[counters], then for each block (a worker,
// a shard, or the agent) one array of 64-bit values, starting on a cache line. Each block has one
// writing thread. Readers learn names, help and units from the table itself, so that hawse-stats
// never needs to know what a counter means.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "dataplane/abi/sync.h"

enum abi_counter_kind {
	ABI_COUNTER = 0, // only grows
	ABI_GAUGE = 1,
};

// Which blocks carry the counter; a value of another block is not shown.
enum abi_counter_scope {
	ABI_SCOPE_WORKER = 0, // blocks 0..workers-1 (shards in region T)
	ABI_SCOPE_AGENT = 1,  // the last block
};

struct abi_counter {    // 256 bytes
	char name[48];  // Prometheus base name without the leading "hawse_": "media_drops_total"
	char label[48]; // empty, or one label: "reason=\"unknown_port\""
	char help[152]; // one sentence in words that an operator understands
	uint8_t kind;
	uint8_t scope;
	uint8_t reserved[6];
};
ABI_HELD(abi_counter, 256);

struct abi_counter_table {
	const struct abi_counter *descriptors; // in shared memory; strings may lack their NUL
	uint32_t count;
	uint32_t blocks;
	const uint8_t *values; // first block
	size_t stride;         // bytes from block to block
};

#ifdef __cplusplus
extern "C" {
#endif

// Bytes that a table takes, a multiple of 64.
size_t abi_counters_size(uint32_t count, uint32_t blocks);

// Writer: copies `count` descriptors to `base` and clears the values.
void abi_counters_init(
	void *base, const struct abi_counter *descriptors, uint32_t count, uint32_t blocks);

// Writer and reader: the values of one block.
abi_atomic64 *abi_counters_block(void *base, uint32_t count, uint32_t block);

// Reader: checks that the table fits `size` bytes. 0 or -EPROTO.
int abi_counters_open(struct abi_counter_table *table, const void *base, size_t size,
	uint32_t count, uint32_t blocks);
uint64_t abi_counters_value(
	const struct abi_counter_table *table, uint32_t counter, uint32_t block);
// Copies descriptor `counter`, every string NUL-terminated.
void abi_counters_describe(
	const struct abi_counter_table *table, uint32_t counter, struct abi_counter *copy);

#ifdef __cplusplus
}
#endif
