// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/agent/neighbour_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BUCKETS 256u

struct node {
	struct node *next;
	uint32_t age; // of the table when it was last set
	struct neighbour_entry entry;
};

struct neighbour_table {
	struct node **buckets;
	uint32_t mask, count, age;
};

struct neighbour_table *neighbour_table_new(void)
{
	struct neighbour_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->buckets = calloc(FIRST_BUCKETS, sizeof(*table->buckets));
	if (!table->buckets) {
		free(table);
		return NULL;
	}
	table->mask = FIRST_BUCKETS - 1;
	return table;
}

static void drop(struct neighbour_table *table, struct node **at)
{
	struct node *node = *at;

	*at = node->next;
	free(node);
	table->count--;
}

void neighbour_table_free(struct neighbour_table *table)
{
	if (!table)
		return;
	for (uint32_t i = 0; i <= table->mask; i++)
		while (table->buckets[i])
			drop(table, &table->buckets[i]);
	free(table->buckets);
	free(table);
}

static struct node **place(const struct neighbour_table *table, const struct neighbour_entry *key)
{
	uint64_t words[2], h;
	struct node **at;

	memcpy(words, key->ip, sizeof(words));
	h = (words[0] ^ (uint64_t)(uint32_t)key->interface << 32) * 0x9e3779b97f4a7c15ull;
	h = (h ^ h >> 32 ^ words[1]) * 0xc2b2ae3d27d4eb4full;
	at = &table->buckets[(uint32_t)(h >> 32) & table->mask];
	for (; *at; at = &(*at)->next) {
		const struct neighbour_entry *e = &(*at)->entry;

		if (e->interface == key->interface && e->family == key->family &&
			memcmp(e->ip, key->ip, sizeof(e->ip)) == 0)
			break;
	}
	return at;
}

// A table that cannot grow stays correct, only slower.
static void grow(struct neighbour_table *table)
{
	uint32_t old_size = table->mask + 1;
	struct node **old = table->buckets;
	struct node **buckets = calloc((size_t)old_size * 2, sizeof(*buckets));

	if (!buckets)
		return;
	table->buckets = buckets;
	table->mask = old_size * 2 - 1;
	for (uint32_t i = 0; i < old_size; i++) {
		struct node *node = old[i];

		while (node) {
			struct node *next = node->next;

			node->next = NULL;
			*place(table, &node->entry) = node;
			node = next;
		}
	}
	free(old);
}

int neighbour_table_set(struct neighbour_table *table, const struct neighbour_entry *entry)
{
	struct node **at = place(table, entry);
	int moved;

	if (!*at) {
		if (table->count > table->mask) {
			grow(table);
			at = place(table, entry);
		}
		*at = calloc(1, sizeof(**at));
		if (!*at)
			return -ENOMEM;
		table->count++;
		moved = 1;
	} else {
		moved = memcmp((*at)->entry.mac, entry->mac, sizeof(entry->mac)) != 0;
	}
	(*at)->entry = *entry;
	(*at)->age = table->age;
	return moved;
}

int neighbour_table_remove(struct neighbour_table *table, const struct neighbour_entry *key)
{
	struct node **at = place(table, key);

	if (!*at)
		return -ENOENT;
	drop(table, at);
	return 1;
}

const struct neighbour_entry *neighbour_table_find(
	const struct neighbour_table *table, const struct neighbour_entry *key)
{
	const struct node *node = *place(table, key);

	return node ? &node->entry : NULL;
}

void neighbour_table_age(struct neighbour_table *table)
{
	table->age++;
}

void neighbour_table_drop_old(
	struct neighbour_table *table, neighbour_table_visit *dropped, void *arg)
{
	for (uint32_t i = 0; i <= table->mask; i++) {
		struct node **at = &table->buckets[i];

		while (*at) {
			struct neighbour_entry entry = (*at)->entry;

			if ((*at)->age == table->age) {
				at = &(*at)->next;
				continue;
			}
			drop(table, at);
			dropped(arg, &entry);
		}
	}
}
