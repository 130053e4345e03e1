// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>
#include <vector>

#include "dataplane/media/stats.h"

namespace
{
class Stats : public ::testing::Test
{
      protected:
	void SetUp() override
	{
		rtp_stats_init(&s, &r, 8000);
	}

	// A packet of 20 ms of G.711 that comes when it should, `late_us` late.
	void packet(uint32_t n, uint32_t late_us = 0, uint32_t ssrc = 7)
	{
		uint64_t us = 1000000ull + n * 20000ull + late_us;

		rtp_stats_update(&s, &r, 8, static_cast<uint16_t>(first + n), n * 160, ssrc, 172,
			(us << 20) / 1000000);
	}

	struct rtp_stats s;
	struct rtp_stats_rare r;
	uint16_t first = 65530; // wraps early in every test
};

TEST_F(Stats, AnUnbrokenStreamHasNothingToReport)
{
	for (uint32_t n = 0; n < 200000; n++)
		packet(n);
	EXPECT_EQ(s.packets, 200000u);
	EXPECT_EQ(s.octets, 200000u * 172);
	EXPECT_EQ(rtp_stats_lost(&s, &r), 0u);
	EXPECT_EQ(s.duplicate, 0u);
	EXPECT_EQ(s.out_of_order, 0u);
	EXPECT_LE(rtp_stats_jitter_us(&s), 150u); // a timestamp unit is 125 us
	EXPECT_EQ(s.ssrc, 7u);
	EXPECT_EQ(s.payload_type, 8);
}

TEST_F(Stats, CountsLoss)
{
	for (uint32_t n = 0; n < 1000; n++)
		if (n % 10 != 5)
			packet(n);
	EXPECT_EQ(rtp_stats_lost(&s, &r), 100u);
	EXPECT_EQ(s.out_of_order, 0u);
}

TEST_F(Stats, LatePacketsAreOutOfOrderNotLost)
{
	packet(0);
	packet(1);
	packet(3);
	packet(4);
	EXPECT_EQ(rtp_stats_lost(&s, &r), 1u);
	packet(2);
	EXPECT_EQ(rtp_stats_lost(&s, &r), 0u);
	EXPECT_EQ(s.out_of_order, 1u);
	EXPECT_EQ(s.duplicate, 0u);
}

TEST_F(Stats, RepeatsAreDuplicatesAndDoNotPayForLosses)
{
	packet(0);
	packet(1);
	packet(1);
	packet(4); // 2 and 3 are lost
	packet(4);
	packet(0);
	EXPECT_EQ(s.duplicate, 3u);
	EXPECT_EQ(s.out_of_order, 0u);
	EXPECT_EQ(rtp_stats_lost(&s, &r), 2u);
}

TEST_F(Stats, AStreamMayBeginOutOfOrder)
{
	packet(2);
	packet(0);
	packet(1);
	packet(3);
	EXPECT_EQ(s.out_of_order, 2u);
	EXPECT_EQ(rtp_stats_lost(&s, &r), 0u);
}

TEST_F(Stats, ANewSsrcBeginsAnewAndKeepsWhatWasLost)
{
	packet(0);
	packet(2);
	packet(40000, 0, 8);
	packet(40001, 0, 8);
	EXPECT_EQ(r.ssrc_changes, 1u);
	EXPECT_EQ(s.ssrc, 8u);
	EXPECT_EQ(rtp_stats_lost(&s, &r), 1u);
	packet(40003, 0, 8);
	EXPECT_EQ(rtp_stats_lost(&s, &r), 2u);
	EXPECT_EQ(s.packets, 5u);
}

TEST_F(Stats, OneWildSequenceNumberChangesNothing)
{
	packet(0);
	packet(1);
	packet(20000);
	packet(2);
	packet(3);
	EXPECT_EQ(s.highest & 0xffff, static_cast<uint16_t>(first + 3));
	EXPECT_EQ(s.out_of_order, 0u);
	EXPECT_EQ(rtp_stats_lost(&s, &r), 0u);
}

TEST_F(Stats, TwoInARowAreARestart)
{
	packet(0);
	packet(1);
	packet(20000);
	packet(20001);
	packet(20002);
	packet(20004);
	EXPECT_EQ(s.highest & 0xffff, static_cast<uint16_t>(first + 20004));
	EXPECT_EQ(rtp_stats_lost(&s, &r), 1u);
	EXPECT_EQ(r.ssrc_changes, 0u);
}

TEST_F(Stats, JitterIsRfc3550s)
{
	std::mt19937 random(1);
	double jitter = 0, before = 0;

	for (uint32_t n = 0; n < 2000; n++) {
		uint32_t late = random() % 30000;
		double transit = late * 8000 / 1e6;

		packet(n, late);
		if (n)
			jitter += (std::fabs(transit - before) - jitter) / 16;
		before = transit;
	}
	EXPECT_NEAR(rtp_stats_jitter_us(&s), jitter / 8000 * 1e6, 300);
}

TEST_F(Stats, JitterSurvivesTheWrapOfTimestampsAndOfTime)
{
	uint64_t now = (1ull << 44) - (5ull << 20); // where now * 8000 wraps below

	for (uint32_t n = 0; n < 1000; n++)
		rtp_stats_update(&s, &r, 0, static_cast<uint16_t>(n), 0xfffff000u + n * 160, 1, 172,
			now + n * (1ull << 20) / 50);
	EXPECT_LE(rtp_stats_jitter_us(&s), 300u);
}

TEST_F(Stats, AnotherClockStartsJitterAnewAndLosesNothing)
{
	for (uint32_t n = 0; n < 100; n++)
		packet(n);
	rtp_stats_clock(&s, 48000);
	for (uint32_t n = 100; n < 200; n++)
		rtp_stats_update(&s, &r, 111, static_cast<uint16_t>(first + n), n * 960 + 77777, 7,
			172, ((1000000ull + n * 20000ull) << 20) / 1000000);
	EXPECT_EQ(rtp_stats_lost(&s, &r), 0u);
	EXPECT_LE(rtp_stats_jitter_us(&s), 50u);
	EXPECT_EQ(s.packets, 200u);
}

// Against plain sets: any mixture of loss, repeats and reordering within the window.
TEST_F(Stats, AgreesWithAModel)
{
	std::mt19937 random(2);

	for (unsigned round = 0; round < 50; round++) {
		std::vector<uint32_t> order;
		std::set<uint32_t> seen;
		uint32_t duplicate = 0, reordered = 0, highest = 0;

		for (uint32_t n = 0; n < 3000; n++) {
			if (n && random() % 20 == 0)
				continue;
			order.push_back(n);
			if (random() % 30 == 0)
				order.push_back(n);
		}
		for (size_t i = 1; i + 20 < order.size(); i++)
			if (random() % 25 == 0)
				std::swap(order[i], order[i + random() % 20]);
		rtp_stats_init(&s, &r, 8000);
		first = static_cast<uint16_t>(random());
		for (uint32_t n : order) {
			packet(n);
			if (!seen.insert(n).second)
				duplicate++;
			else if (n < highest)
				reordered++;
			highest = std::max(highest, n);
		}
		EXPECT_EQ(s.duplicate, duplicate);
		EXPECT_EQ(s.out_of_order, reordered);
		EXPECT_EQ(rtp_stats_lost(&s, &r), highest + 1 - seen.size());
	}
}
} // namespace
