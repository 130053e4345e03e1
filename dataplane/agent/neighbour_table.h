// SPDX-License-Identifier: BSD-3-Clause
// Neighbours with a usable link-layer address, by (interface, family, address): the memory of
// neighbour.c. After a full read of the kernel's table, what did not come again is dropped.
//
// Agent thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct neighbour_entry {
	int interface;
	uint8_t family; // 4 or 6
	uint8_t mac[6];
	bool fresh;     // confirmed, permanent, or in no need of it
	uint8_t ip[16]; // IPv4 in the first four bytes, rest zero
};

struct neighbour_table;

typedef void neighbour_table_visit(void *arg, const struct neighbour_entry *entry);

#ifdef __cplusplus
extern "C" {
#endif

struct neighbour_table *neighbour_table_new(void); // NULL: out of memory
void neighbour_table_free(struct neighbour_table *table);

// 1: new, or its link-layer address changed; 0: it is as before, but maybe for its freshness; -ENOMEM.
int neighbour_table_set(struct neighbour_table *table, const struct neighbour_entry *entry);
// 1, or -ENOENT.
int neighbour_table_remove(struct neighbour_table *table, const struct neighbour_entry *key);
const struct neighbour_entry *neighbour_table_find(
	const struct neighbour_table *table, const struct neighbour_entry *key);

// All entries are old until they are set again; then drops those that still are, telling of each.
void neighbour_table_age(struct neighbour_table *table);
void neighbour_table_drop_old(
	struct neighbour_table *table, neighbour_table_visit *dropped, void *arg);

#ifdef __cplusplus
}
#endif
