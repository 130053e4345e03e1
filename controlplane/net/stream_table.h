// SPDX-License-Identifier: BSD-3-Clause
// Connections by number and by remote address, and how many come from each address. Inside of
// stream.c; nobody else includes it.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sip/flow.h"

#define CP_STREAM_BUCKETS 4096u

struct cp_stream_node { // part of a connection
	struct cp_stream_node *next_id, *next_remote;
	struct sip_flow flow;
};

struct cp_stream_source {
	struct cp_stream_source *next;
	struct sip_addr addr;
	uint32_t count;
};

struct cp_stream_table {
	struct cp_stream_node *by_id[CP_STREAM_BUCKETS];
	struct cp_stream_node *by_remote[CP_STREAM_BUCKETS];
	struct cp_stream_source *sources[CP_STREAM_BUCKETS];
	uint64_t key; // random: peers must not choose their buckets
	uint32_t last_id;
};

// Gives the node its number and enters it. 0, -ENOMEM, or -EMFILE when its address has `per_source`.
int cp_stream_table_add(
	struct cp_stream_table *t, struct cp_stream_node *node, uint32_t per_source);
void cp_stream_table_remove(struct cp_stream_table *t, struct cp_stream_node *node);
struct cp_stream_node *cp_stream_table_find(struct cp_stream_table *t, uint32_t id);
// Same remote address, port and transport; the first after `after` (NULL: the first of all).
struct cp_stream_node *cp_stream_table_reuse(
	struct cp_stream_table *t, const struct sip_flow *flow, const struct cp_stream_node *after);
void cp_stream_table_clear(
	struct cp_stream_table *t); // only the counts of sources; nodes are not ours
