// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>

#include "dataplane/session/adjacency.h"
#include "dataplane/session/plan.h"

namespace
{
class Plan : public ::testing::Test
{
      protected:
	void SetUp() override
	{
		memset(&plan, 0, sizeof(plan));
		memset(legs, 0xa5, sizeof(legs)); // whatever lay there
		plan.slot = 3;
		plan.generation = 9;
		plan.legs = 2;
		plan.clock_rate = 16000;
		plan.timeout_ms = 30000;
		for (unsigned i = 0; i < 2; i++) {
			struct dp_leg_plan *p = &plan.leg[i];

			p->leg = &legs[i];
			p->ports.rtp_port = static_cast<uint16_t>(20000 + i * 2);
			p->ports.rtcp_port = static_cast<uint16_t>(20001 + i * 2);
			p->ports.kind = ABI_LEG_PAIR;
			p->local_ip[0] = 10;
			p->want.family = 4;
			p->want.flags =
				ABI_LEG_RECEIVE | ABI_LEG_SEND | ABI_LEG_RTCP | ABI_LEG_TIMEOUT;
			p->want.source_policy = ABI_SOURCE_ANY;
			p->want.remote_rtp_ip[0] = 192;
			p->want.remote_rtp_ip[3] = static_cast<uint8_t>(i + 1);
			p->want.remote_rtp_port = 4000;
			memcpy(p->want.remote_rtcp_ip, p->want.remote_rtp_ip, 16);
			p->want.remote_rtcp_port = 4001;
			p->want.payload_types[0] = 1u << 8;
			p->adjacency[0] = 5;
			p->adjacency[1] = 6;
		}
	}

	void add()
	{
		dp_plan_prepare(&plan);
		dp_plan_lay(&plan, 1000000, 1 << 20);
		for (struct dp_leg &leg : legs)
			dp_leg_open(&leg);
	}

	void update()
	{
		dp_plan_prepare(&plan);
		dp_plan_update(&plan, 2000000);
	}

	// The leg learns another source than was signalled.
	void learn(struct dp_leg *leg)
	{
		struct latch_addr source = nat();

		latch_rtp(&leg->latch[0], &source, 1, 1);
		latch_rtp(&leg->latch[0], &source, 1, 2);
		dp_leg_follow_latch(leg);
		leg->stats.ssrc = 1;
		leg->stats.highest = 0x10002;
	}

	static struct latch_addr nat()
	{
		struct latch_addr a = {};

		a.ip[0] = 203;
		a.port = __builtin_bswap16(7777);
		a.family = 4;
		return a;
	}

	// How packets go to the leg's party.
	struct dp_onward &onward(unsigned leg)
	{
		return legs[!leg].rx.onward;
	}

	bool sends_to_nat(unsigned leg)
	{
		return onward(leg).header4[16] == 203;
	}

	struct dp_plan plan;
	struct dp_leg legs[2];
};

TEST_F(Plan, AddForgetsWhatLayThere)
{
	add();
	EXPECT_EQ(legs[0].stats.packets, 0u);
	EXPECT_EQ(legs[0].slot, 3u);
	EXPECT_EQ(legs[0].generation, 9u);
	EXPECT_EQ(legs[1].index, 1);
	EXPECT_EQ(legs[0].peer, &legs[1]);
	EXPECT_EQ(legs[1].peer, &legs[0]);
	EXPECT_EQ(legs[0].rx.flags, DP_LEG_ACTIVE | DP_LEG_RECEIVE | DP_LEG_RTCP_IN);
	EXPECT_EQ(legs[0].stats.clock_rate, 16000u);
	EXPECT_EQ(onward(0).adjacency, 5);
	EXPECT_EQ(legs[0].rtcp_adjacency, 6);
	EXPECT_EQ(legs[0].timeout_ms, 30000u);
	EXPECT_EQ(legs[0].rx.source_port, 0); // nobody is confirmed
}

TEST_F(Plan, ExactSourceIsConfirmedAtOnce)
{
	plan.leg[0].want.source_policy = ABI_SOURCE_EXACT;
	add();
	EXPECT_EQ(legs[0].rx.source_port, __builtin_bswap16(4000));
	EXPECT_EQ(legs[0].rx.source4 & 0xff, 192u);
	EXPECT_EQ(legs[0].six.source[0], 192);
}

TEST_F(Plan, FlagsMakeTheTemplatesHold)
{
	plan.leg[0].want.flags &= ~static_cast<uint32_t>(ABI_LEG_SEND | ABI_LEG_TIMEOUT);
	plan.leg[1].want.flags &= ~static_cast<uint32_t>(ABI_LEG_RTCP);
	add();
	EXPECT_EQ(onward(0).state, DP_ONWARD_HOLD);
	EXPECT_EQ(legs[0].timeout_ms, 0u);
	EXPECT_FALSE(legs[0].rx.flags & DP_LEG_RTCP_IN); // the other leg takes none
	EXPECT_TRUE(legs[1].rx.flags & DP_LEG_RTCP_IN);
}

TEST_F(Plan, RtcpTemplateGoesFromPortToPort)
{
	struct dp_template t;

	add();
	dp_leg_rtcp_template(&legs[1], &t);
	EXPECT_EQ(t.onward.state, DP_ONWARD_READY);
	EXPECT_EQ(t.onward.header4[20] << 8 | t.onward.header4[21], 20001);
	EXPECT_EQ(t.onward.header4[22] << 8 | t.onward.header4[23], 4001);
	EXPECT_EQ(t.onward.adjacency, 6);
}

TEST_F(Plan, RtcpTemplateOfAMuxedLegUsesTheRtpPort)
{
	struct dp_template t;

	plan.leg[0].want.flags |= ABI_LEG_RTCP_MUX;
	add();
	learn(&legs[0]);
	dp_leg_rtcp_template(&legs[1], &t);
	EXPECT_EQ(t.onward.header4[20] << 8 | t.onward.header4[21], 20000);
	EXPECT_EQ(t.onward.header4[22] << 8 | t.onward.header4[23], 7777);
	EXPECT_EQ(t.onward.header4[16], 203);
	EXPECT_EQ(t.onward.adjacency, 5);
}

TEST_F(Plan, UpdateKeepsNumbersAndWhatWasLearned)
{
	add();
	learn(&legs[0]);
	legs[0].stats.packets = 77;
	plan.leg[0].want.dscp = 46;
	update();
	EXPECT_EQ(legs[0].stats.packets, 77u);
	EXPECT_TRUE(sends_to_nat(0));
	EXPECT_EQ(onward(0).header4[1], 46 << 2);
	EXPECT_EQ(legs[0].rx.source_port, nat().port);
}

TEST_F(Plan, RelearnWithTheSameAddressSendsOnButListensAnew)
{
	add();
	learn(&legs[0]);
	plan.leg[0].want.flags |= ABI_LEG_RELEARN;
	update();
	EXPECT_TRUE(sends_to_nat(0));
	EXPECT_EQ(legs[0].rx.source_port, 0);
	EXPECT_EQ(legs[0].latch[0].state, LATCH_LEARNED);
}

TEST_F(Plan, RelearnWithAnotherAddressForgets)
{
	add();
	learn(&legs[0]);
	plan.leg[0].want.flags |= ABI_LEG_RELEARN;
	plan.leg[0].want.remote_rtp_ip[3] = 200;
	update();
	EXPECT_FALSE(sends_to_nat(0));
	EXPECT_EQ(onward(0).header4[19], 200);
	EXPECT_EQ(legs[0].latch[0].state, LATCH_OPEN);
}

TEST_F(Plan, ResumesLearnedAddresses)
{
	struct latch_addr source = nat();

	plan.leg[0].resume[0] = latch_to_abi(&source);
	add();
	EXPECT_TRUE(sends_to_nat(0));
	EXPECT_EQ(legs[0].rx.source_port, nat().port);
	EXPECT_EQ(legs[1].rx.source_port, 0);
}

TEST_F(Plan, LimitsBecomeCosts)
{
	plan.leg[0].want.max_packets = 50;
	plan.leg[0].want.max_octets = 8600;
	plan.leg[1].want.max_packets = UINT32_MAX;
	add();
	EXPECT_EQ(legs[0].police.packet_cost, (1u << 20) / 50);
	EXPECT_EQ(legs[0].police.octet_cost, (1ull << 36) / 8600);
	EXPECT_TRUE(legs[0].rx.flags & DP_LEG_PACKETS);
	EXPECT_TRUE(legs[0].rx.flags & DP_LEG_OCTETS);
	EXPECT_EQ(legs[1].police.packet_cost, 1u); // not free
	EXPECT_FALSE(legs[1].rx.flags & DP_LEG_OCTETS);
}

TEST_F(Plan, OneLegHasNoPeer)
{
	plan.legs = 1;
	add();
	EXPECT_EQ(legs[0].peer, nullptr);
	EXPECT_FALSE(legs[0].rx.flags & DP_LEG_RTCP_IN);
}

TEST_F(Plan, LegsAreLaidClosedAndKeepTheirNumbersWhenClosed)
{
	dp_plan_prepare(&plan);
	dp_plan_lay(&plan, 1000000, 1 << 20);
	EXPECT_FALSE(legs[0].rx.flags & DP_LEG_ACTIVE);
	EXPECT_TRUE(legs[0].rx.flags & DP_LEG_RECEIVE);
	dp_leg_open(&legs[0]);
	EXPECT_TRUE(legs[0].rx.flags & DP_LEG_ACTIVE);
	legs[0].stats.packets = 5;
	dp_leg_close(&legs[0]);
	EXPECT_EQ(legs[0].rx.flags, 0);
	EXPECT_EQ(legs[0].stats.packets, 5u);
	EXPECT_EQ(legs[0].peer, &legs[1]);
}

TEST_F(Plan, StatsShowWhatTheOtherLegGot)
{
	struct abi_leg_stats s;

	add();
	legs[1].stats.packets = 100;
	legs[1].stats.octets = 17200;
	legs[1].unsent_packets = 3;
	legs[1].unsent_octets = 516;
	dp_leg_stats(&legs[0], 2 << 20, &s);
	EXPECT_EQ(s.packets, 0u);
	EXPECT_EQ(s.sent_packets, 97u);
	EXPECT_EQ(s.sent_octets, 17200u - 516);
	EXPECT_EQ(s.last_us, 0u);
	EXPECT_EQ(s.remote_port, 4000);
	EXPECT_EQ(s.learned, 0);
	learn(&legs[0]);
	dp_leg_stats(&legs[0], 2 << 20, &s);
	EXPECT_EQ(s.remote_port, 7777);
	EXPECT_EQ(s.learned, 2);
}
} // namespace
