// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/abi/counters.h"

#include <errno.h>
#include <string.h>

static size_t block_size(uint32_t count)
{
	return ((size_t)count * 8 + 63) / 64 * 64;
}

size_t abi_counters_size(uint32_t count, uint32_t blocks)
{
	return (size_t)count * sizeof(struct abi_counter) + block_size(count) * blocks;
}

void abi_counters_init(
	void *base, const struct abi_counter *descriptors, uint32_t count, uint32_t blocks)
{
	memcpy(base, descriptors, (size_t)count * sizeof(*descriptors));
	memset(abi_counters_block(base, count, 0), 0, block_size(count) * blocks);
}

abi_atomic64 *abi_counters_block(void *base, uint32_t count, uint32_t block)
{
	uint8_t *values = (uint8_t *)base + (size_t)count * sizeof(struct abi_counter);

	return (abi_atomic64 *)(void *)(values + block_size(count) * block);
}

int abi_counters_open(struct abi_counter_table *table, const void *base, size_t size,
	uint32_t count, uint32_t blocks)
{
	if (count > 65536 || blocks > 4096 || abi_counters_size(count, blocks) > size)
		return -EPROTO;
	*table = (struct abi_counter_table){
		.descriptors = base,
		.count = count,
		.blocks = blocks,
		.values = (const uint8_t *)base + (size_t)count * sizeof(struct abi_counter),
		.stride = block_size(count),
	};
	return 0;
}

uint64_t abi_counters_value(const struct abi_counter_table *table, uint32_t counter, uint32_t block)
{
	const abi_atomic64 *values;

	if (counter >= table->count || block >= table->blocks)
		return 0;
	values = (const abi_atomic64 *)(const void *)(table->values + table->stride * block);
	return abi_load64(&values[counter]);
}

void abi_counters_describe(
	const struct abi_counter_table *table, uint32_t counter, struct abi_counter *copy)
{
	memset(copy, 0, sizeof(*copy));
	if (counter >= table->count)
		return;
	memcpy(copy, &table->descriptors[counter], sizeof(*copy));
	copy->name[sizeof(copy->name) - 1] = '\0';
	copy->label[sizeof(copy->label) - 1] = '\0';
	copy->help[sizeof(copy->help) - 1] = '\0';
}
