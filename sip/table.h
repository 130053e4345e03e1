// SPDX-License-Identifier: BSD-3-Clause
//
// A hash table of embedded nodes, keyed by SipHash values. It grows a few buckets at a time, so no
// single insertion pays for all; when there is no memory to grow it goes on with longer chains.
//
// Thread: the shard that owns it.
#pragma once

#include "sip/siphash.h"

struct sip_node {
	struct sip_node *next;
	struct sip_key key;
};

struct sip_table {
	struct sip_node **heads;
	struct sip_node **old; // being moved into heads, NULL: nothing to move
	size_t mask, old_mask;
	size_t moved; // buckets of old that are empty for good
	size_t count;
};

int sip_table_init(struct sip_table *t, size_t buckets); // a power of two; 0 or -ENOMEM
void sip_table_free(struct sip_table *t);                // the nodes are the caller's
void sip_table_add(struct sip_table *t, struct sip_node *n);
bool sip_table_remove(struct sip_table *t, struct sip_node *n); // false: was not in it
struct sip_node *sip_table_find(const struct sip_table *t, struct sip_key key);
// The next node with the same key.
struct sip_node *sip_table_again(const struct sip_node *n);
// Every node; `see` may remove the one it sees, and nothing else.
void sip_table_each(struct sip_table *t, void (*see)(struct sip_node *n, void *ctx), void *ctx);
