// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "tests/unit/sdp/call.h"

extern "C" {
#include "sip/sdp/oa.h"
}

namespace
{
struct sdp_blob *body(unsigned port)
{
	std::string text = audio("192.0.2.1", port);

	return sdp_blob_make({text.data(), static_cast<uint32_t>(text.size())}, 0);
}

bool is_in(const struct sdp_arena *arena, const void *p)
{
	return p >= arena->base && p < arena->base + arena->size;
}

TEST(SdpCache, ABodyIsReadOnce)
{
	Arena scratch(SDP_OA_SCRATCH, true);
	struct sdp_arena *arena = &scratch;
	struct sdp_blob *a = body(10000), *b = body(10002);
	struct sdp_session *first, *other, *again;

	ASSERT_EQ(0, sdp_oa_tree(arena, a, &first));
	ASSERT_EQ(0, sdp_oa_tree(arena, b, &other));
	ASSERT_EQ(0, sdp_oa_tree(&scratch, a, &again));
	EXPECT_EQ(first, again);
	EXPECT_NE(first, other);
	EXPECT_EQ(10002, other->media[0].port);
	EXPECT_EQ(0u, arena->used);
	sdp_blob_put(a); // the cache holds them
	sdp_blob_put(b);
}

TEST(SdpCache, WithoutRoomTheArenaServes)
{
	Arena scratch(SDP_OA_SCRATCH, true);
	struct sdp_arena *arena = &scratch;
	std::vector<struct sdp_blob *> bodies;
	struct sdp_session *tree;
	unsigned outside = 0;

	for (unsigned i = 0; i < 40; i++) {
		bodies.push_back(body(10000 + 2 * i));
		ASSERT_EQ(0, sdp_oa_tree(arena, bodies.back(), &tree));
		EXPECT_EQ(10000 + 2 * i, tree->media[0].port);
		outside += is_in(arena, tree);
	}
	EXPECT_GT(outside, 0u);
	EXPECT_LT(outside, 40u);
	EXPECT_EQ(2u, bodies[0]->refs);
	sdp_cache_settle(arena->cache);
	for (struct sdp_blob *b : bodies) {
		EXPECT_EQ(1u, b->refs); // let go
		sdp_blob_put(b);
	}
}

TEST(SdpCache, WhatCannotBeReadIsNotKept)
{
	Arena scratch(SDP_OA_SCRATCH, true);
	struct sdp_blob *bad = sdp_blob_make({"v=0\r\n", 5}, 0);
	struct sdp_session *tree;

	EXPECT_NE(0, sdp_oa_tree(&scratch, bad, &tree));
	EXPECT_EQ(1u, bad->refs);
	sdp_blob_put(bad);
}
} // namespace
