// SPDX-License-Identifier: BSD-3-Clause
#include "sip/sdp/cache.h"

#include <errno.h>
#include <stdlib.h>

#include "sip/sdp/oa.h"

#define BODIES 16u
#define ROOM   (64u * 1024)

struct sdp_cache {
	struct sdp_arena arena;
	unsigned count;
	struct {
		struct sdp_blob *blob;
		struct sdp_session *tree;
	} body[BODIES];
	uint8_t memory[ROOM];
};

struct sdp_cache *sdp_cache_new(void)
{
	struct sdp_cache *cache = malloc(sizeof(*cache));

	if (cache == NULL)
		return NULL;
	cache->count = 0;
	sdp_arena_init(&cache->arena, cache->memory, ROOM);
	return cache;
}

static void clear(struct sdp_cache *cache)
{
	while (cache->count != 0)
		sdp_blob_put(cache->body[--cache->count].blob);
	cache->arena.used = 0;
}

void sdp_cache_free(struct sdp_cache *cache)
{
	if (cache == NULL)
		return;
	clear(cache);
	free(cache);
}

void sdp_cache_settle(struct sdp_cache *cache)
{
	if (cache != NULL && (cache->count > BODIES / 2 || cache->arena.used > ROOM / 2))
		clear(cache);
}

int sdp_cache_tree(struct sdp_cache *cache, struct sdp_blob *blob, struct sdp_session **tree)
{
	int rc;

	for (unsigned i = cache->count; i-- != 0;) {
		if (cache->body[i].blob != blob)
			continue;
		*tree = cache->body[i].tree;
		return 0;
	}
	if (cache->count == BODIES)
		return -ENOMEM;
	rc = sdp_parse(&cache->arena, (const uint8_t *)blob->text, blob->len, tree, NULL);
	if (rc != 0)
		return rc;
	blob->refs++;
	cache->body[cache->count].blob = blob;
	cache->body[cache->count++].tree = *tree;
	return 0;
}
