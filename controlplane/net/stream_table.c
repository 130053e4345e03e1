// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/net/stream_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint32_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdull;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ull;
	x ^= x >> 33;
	return (uint32_t)x & (CP_STREAM_BUCKETS - 1);
}

static uint32_t hash_host(const struct cp_stream_table *t, const struct sip_addr *a, uint64_t salt)
{
	uint64_t half[2];

	memcpy(half, a->ip, sizeof(half));
	return mix((half[0] ^ t->key) * 0x9e3779b97f4a7c15ull + half[1] + salt);
}

static uint32_t hash_remote(const struct cp_stream_table *t, const struct sip_flow *flow)
{
	return hash_host(t, &flow->remote, (uint64_t)flow->remote.port << 8 | flow->transport);
}

static struct cp_stream_source **find_source(struct cp_stream_table *t, const struct sip_addr *a)
{
	struct cp_stream_source **p = &t->sources[hash_host(t, a, 0)];

	while (*p && !sip_addr_same_host(&(*p)->addr, a))
		p = &(*p)->next;
	return p;
}

static int count_source(struct cp_stream_table *t, const struct sip_addr *a, uint32_t limit)
{
	struct cp_stream_source **p = find_source(t, a);

	if (!*p) {
		*p = calloc(1, sizeof(**p));
		if (!*p)
			return -ENOMEM;
		(*p)->addr = *a;
	}
	if ((*p)->count >= limit)
		return -EMFILE;
	(*p)->count++;
	return 0;
}

static void uncount_source(struct cp_stream_table *t, const struct sip_addr *a)
{
	struct cp_stream_source **p = find_source(t, a);
	struct cp_stream_source *source = *p;

	if (!source || --source->count)
		return;
	*p = source->next;
	free(source);
}

int cp_stream_table_add(struct cp_stream_table *t, struct cp_stream_node *node, uint32_t per_source)
{
	struct cp_stream_node **bucket;
	int err = count_source(t, &node->flow.remote, per_source);

	if (err)
		return err;
	// 0 means UDP. After four thousand million connections numbers come again; the flow's remote
	// address must then match too.
	if (++t->last_id == 0)
		t->last_id = 1;
	node->flow.connection = t->last_id;
	bucket = &t->by_id[mix(t->last_id)];
	node->next_id = *bucket;
	*bucket = node;
	bucket = &t->by_remote[hash_remote(t, &node->flow)];
	node->next_remote = *bucket;
	*bucket = node;
	return 0;
}

void cp_stream_table_remove(struct cp_stream_table *t, struct cp_stream_node *node)
{
	struct cp_stream_node **p = &t->by_id[mix(node->flow.connection)];

	while (*p && *p != node)
		p = &(*p)->next_id;
	if (!*p)
		return;
	*p = node->next_id;
	p = &t->by_remote[hash_remote(t, &node->flow)];
	while (*p && *p != node)
		p = &(*p)->next_remote;
	if (*p)
		*p = node->next_remote;
	uncount_source(t, &node->flow.remote);
}

struct cp_stream_node *cp_stream_table_find(struct cp_stream_table *t, uint32_t id)
{
	struct cp_stream_node *node = t->by_id[mix(id)];

	while (node && node->flow.connection != id)
		node = node->next_id;
	return node;
}

struct cp_stream_node *cp_stream_table_reuse(
	struct cp_stream_table *t, const struct sip_flow *flow, const struct cp_stream_node *after)
{
	struct cp_stream_node *node =
		after ? after->next_remote : t->by_remote[hash_remote(t, flow)];

	while (node && (node->flow.transport != flow->transport ||
			       !sip_addr_equal(&node->flow.remote, &flow->remote)))
		node = node->next_remote;
	return node;
}

void cp_stream_table_clear(struct cp_stream_table *t)
{
	for (unsigned i = 0; i < CP_STREAM_BUCKETS; i++)
		while (t->sources[i]) {
			struct cp_stream_source *next = t->sources[i]->next;

			free(t->sources[i]);
			t->sources[i] = next;
		}
}
