// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <thread>

#include "dataplane/session/adjacency.h"

namespace
{
class Adjacency : public ::testing::Test
{
      protected:
	void SetUp() override
	{
		all = dp_adjacencies_create();
		ASSERT_NE(all, nullptr);
		copy.reset(new struct dp_adjacency[DP_ADJACENCIES]());
	}

	void TearDown() override
	{
		dp_adjacencies_free(all);
	}

	void sync()
	{
		dp_adjacency_sync(all, copy.get(), &seen);
	}

	struct dp_adjacencies *all = nullptr;
	std::unique_ptr<struct dp_adjacency[]> copy;
	uint32_t seen = 0;
	const uint8_t own[6] = {2, 0, 0, 0, 0, 1}, hop[6] = {2, 0, 0, 0, 0, 2};
};

TEST_F(Adjacency, BecomesValidAndLost)
{
	int i = dp_adjacency_alloc(all, 4);

	ASSERT_EQ(i, 0);
	sync();
	EXPECT_EQ(copy[0].state, DP_ADJACENCY_INCOMPLETE);
	dp_adjacency_set(all, 0, 3, 1500, own, hop, 0);
	sync();
	EXPECT_EQ(copy[0].state, DP_ADJACENCY_VALID);
	EXPECT_EQ(copy[0].port, 3);
	EXPECT_EQ(copy[0].mtu, 1500);
	EXPECT_EQ(copy[0].l2_length, 14);
	const uint8_t untagged[14] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0};
	EXPECT_EQ(memcmp(copy[0].header + 18, untagged, 14), 0);
	dp_adjacency_lose(all, 0, DP_ADJACENCY_DOWN);
	sync();
	EXPECT_EQ(copy[0].state, DP_ADJACENCY_DOWN);
	dp_adjacency_release(all, 0);
	sync();
	EXPECT_EQ(copy[0].state, DP_ADJACENCY_FREE);
	EXPECT_EQ(dp_adjacency_alloc(all, 6), 0);
}

TEST_F(Adjacency, TagsVlans)
{
	ASSERT_EQ(dp_adjacency_alloc(all, 6), 0);
	dp_adjacency_set(all, 0, 0, 1500, own, hop, 0x123);
	sync();
	const uint8_t tagged[18] = {
		2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x81, 0, 0x01, 0x23, 0x86, 0xdd};
	EXPECT_EQ(copy[0].l2_length, 18);
	EXPECT_EQ(memcmp(copy[0].header + 14, tagged, 18), 0);
}

TEST_F(Adjacency, RunsOut)
{
	for (unsigned i = 0; i < DP_ADJACENCIES; i++)
		ASSERT_EQ(dp_adjacency_alloc(all, 4), static_cast<int>(i));
	EXPECT_EQ(dp_adjacency_alloc(all, 4), -ENOSPC);
	dp_adjacency_release(all, 77);
	EXPECT_EQ(dp_adjacency_alloc(all, 4), 77);
}

TEST_F(Adjacency, WantedIsToldOnce)
{
	ASSERT_EQ(dp_adjacency_alloc(all, 4), 0);
	EXPECT_FALSE(dp_adjacency_wanted(all, 0));
	all->wanted[0] = 1;
	EXPECT_TRUE(dp_adjacency_wanted(all, 0));
	EXPECT_FALSE(dp_adjacency_wanted(all, 0));
	EXPECT_FALSE(dp_adjacency_wanted(all, DP_ADJACENCIES));
}

TEST_F(Adjacency, OnlyWhatChangedIsCopied)
{
	ASSERT_EQ(dp_adjacency_alloc(all, 4), 0);
	ASSERT_EQ(dp_adjacency_alloc(all, 4), 1);
	sync();
	copy[0].mtu = 4711; // would be overwritten by a copy
	dp_adjacency_set(all, 1, 0, 1400, own, hop, 0);
	sync();
	EXPECT_EQ(copy[0].mtu, 4711);
	EXPECT_EQ(copy[1].mtu, 1400);
}

// A writer that never rests: a reader never sees half of one entry and half of another.
TEST_F(Adjacency, NeverTorn)
{
	std::atomic<bool> stop{false};

	ASSERT_EQ(dp_adjacency_alloc(all, 4), 0);
	std::thread writer([&] {
		for (uint8_t n = 0; !stop; n++) {
			uint8_t mac[6];

			memset(mac, n, sizeof(mac));
			dp_adjacency_set(all, 0, n, n, mac, mac, 0);
			std::this_thread::yield();
		}
	});
	unsigned changes = 0;
	uint16_t last = 0;
	// Until enough was seen; a machine with other work may let the writer wait for long.
	for (unsigned i = 0; changes < 1000 && i < 100000000; i++) {
		sync();
		if (copy[0].state != DP_ADJACENCY_VALID)
			continue;
		changes += copy[0].mtu != last;
		last = copy[0].mtu;
		ASSERT_EQ(copy[0].mtu, copy[0].port);
		for (unsigned b = 18; b < 30; b++)
			ASSERT_EQ(copy[0].header[b], copy[0].port);
	}
	stop = true;
	writer.join();
	EXPECT_GT(changes, 0u);
}
} // namespace
