// SPDX-License-Identifier: BSD-3-Clause
#include "tests/unit/pipeline/rig.h"

namespace
{
const Address alice = v4(192, 0, 2, 10, 4000), bob = v4(198, 51, 100, 20, 5000);
const Address alice_rtcp = v4(192, 0, 2, 10, 4001), bob_rtcp = v4(198, 51, 100, 20, 5001);

// `a` and `b`: muxed or not.
std::vector<Rig::Leg> call(bool a, bool b)
{
	std::vector<Rig::Leg> legs(2);

	legs[0].port = 20000;
	legs[1].port = b ? 20003 : 20002; // a muxed leg may have an odd port
	legs[0].remote = alice;
	legs[1].remote = bob;
	for (unsigned i = 0; i < 2; i++)
		if (i ? b : a) {
			legs[i].kind = ABI_LEG_MUX;
			legs[i].flags |= ABI_LEG_RTCP_MUX;
			legs[i].remote_rtcp = legs[i].remote;
		}
	return legs;
}

class Rtcp : public ::testing::Test
{
      protected:
	void add(bool a, bool b)
	{
		if (b)
			dp_table_mux(rig.table, 0, 20003, true);
		ASSERT_EQ(rig.add(call(a, b)), 0);
	}

	void expect_relayed(const Address &source, uint16_t local, uint16_t from, const Address &to)
	{
		std::vector<Bytes> out = rig.pass(udp_frame(source, local4(local), rtcp_report(7)));

		ASSERT_EQ(out.size(), 1u);
		Frame f = read_frame(out[0]);
		EXPECT_EQ(f.from.ip, local4(0).ip);
		EXPECT_EQ(f.from.port, from);
		EXPECT_EQ(f.to.ip, to.ip);
		EXPECT_EQ(f.to.port, to.port);
		EXPECT_TRUE(f.udp_sum_right);
		EXPECT_EQ(f.payload, rtcp_report(7));
	}

	void expect_drop(
		const Address &source, uint16_t local, const Bytes &payload, enum dp_reason r)
	{
		uint64_t before = rig.counter(r);

		EXPECT_TRUE(rig.pass(udp_frame(source, local4(local), payload)).empty());
		EXPECT_EQ(rig.counter(r), before + 1) << dp_counters[r].label;
	}

	Rig rig;
};

TEST_F(Rtcp, PairToPair)
{
	add(false, false);
	expect_relayed(alice_rtcp, 20001, 20003, bob_rtcp);
	expect_relayed(bob_rtcp, 20003, 20001, alice_rtcp);
	EXPECT_EQ(rig.counter(DP_COUNT_RTCP), 2u);
	EXPECT_EQ(rig.counter(DP_COUNT_RTP), 0u);
	ASSERT_EQ(rig.query(), 0);
	EXPECT_EQ(rig.stats[0].rtcp_packets, 1u);
	EXPECT_EQ(rig.stats[0].packets, 0u);
	EXPECT_EQ(rig.stats[0].sent_packets, 0u);
}

TEST_F(Rtcp, PairToMux)
{
	add(false, true);
	expect_relayed(alice_rtcp, 20001, 20003, bob);
	expect_relayed(bob, 20003, 20001, alice_rtcp);
}

TEST_F(Rtcp, MuxToMux)
{
	add(true, true);
	expect_relayed(alice, 20000, 20003, bob);
	expect_relayed(bob, 20003, 20000, alice);
	// RTP goes the same way, on the odd port too.
	std::vector<Bytes> out = rig.pass(udp_frame(bob, local4(20003), rtp(8, 1, 1, 1)));
	ASSERT_EQ(out.size(), 1u);
	EXPECT_EQ(read_frame(out[0]).to.port, 4000);
	EXPECT_EQ(read_frame(out[0]).from.port, 20000);
}

TEST_F(Rtcp, ThePortBesideAMuxedOneIsNobodys)
{
	add(true, true);
	expect_drop(alice_rtcp, 20001, rtcp_report(7), DP_DROP_UNKNOWN_PORT);
	expect_drop(bob, 20002, rtcp_report(7), DP_DROP_UNKNOWN_PORT);
}

TEST_F(Rtcp, APairThatNegotiatedMuxUsesTheRtpPort)
{
	std::vector<Rig::Leg> legs = call(false, false);

	legs[0].flags |= ABI_LEG_RTCP_MUX;
	legs[0].remote_rtcp = alice;
	ASSERT_EQ(rig.add(legs), 0);
	expect_relayed(bob_rtcp, 20003, 20000, alice);
	expect_relayed(alice, 20000, 20003, bob_rtcp);
	expect_drop(alice_rtcp, 20001, rtcp_report(7), DP_DROP_UNKNOWN_PORT);
}

TEST_F(Rtcp, StrangersAreRefused)
{
	add(false, true);
	expect_drop(v4(192, 0, 2, 10, 4009), 20001, rtcp_report(7), DP_DROP_STRANGER_RTCP);
	expect_drop(bob_rtcp, 20003, rtcp_report(7), DP_DROP_STRANGER_RTCP);
	ASSERT_EQ(rig.query(), 0);
	EXPECT_EQ(rig.stats[0].strangers, 1u);
	EXPECT_EQ(rig.stats[1].strangers, 1u);
}

TEST_F(Rtcp, GarbageIsRefused)
{
	add(false, true);
	Bytes p = rtcp_report(7);

	p[3] = 7;
	expect_drop(alice_rtcp, 20001, p, DP_DROP_BAD_RTCP);
	expect_drop(bob, 20003, p, DP_DROP_BAD_RTCP);
	expect_drop(alice_rtcp, 20001, {}, DP_DROP_BAD_RTCP);
	expect_drop(alice_rtcp, 20001, rtp(8, 1, 1, 1), DP_DROP_NOT_RTCP);
}

TEST_F(Rtcp, APartyMayTakeNone)
{
	std::vector<Rig::Leg> legs = call(false, false);

	legs[1].flags &= ~static_cast<uint32_t>(ABI_LEG_RTCP);
	ASSERT_EQ(rig.add(legs), 0);
	expect_drop(alice_rtcp, 20001, rtcp_report(7), DP_DROP_RTCP_UNWANTED);
	expect_relayed(bob_rtcp, 20003, 20001, alice_rtcp);
}

TEST_F(Rtcp, GoesOnDuringHold)
{
	std::vector<Rig::Leg> legs = call(false, false);

	for (Rig::Leg &l : legs)
		l.flags = ABI_LEG_RTCP;
	ASSERT_EQ(rig.add(legs), 0);
	expect_relayed(alice_rtcp, 20001, 20003, bob_rtcp);
}

TEST_F(Rtcp, FollowsTheAddressThatRtpCameFrom)
{
	std::vector<Rig::Leg> legs = call(false, false);
	const Address nat = v4(203, 0, 113, 5, 7000), nat_rtcp = v4(203, 0, 113, 5, 7777);

	legs[0].policy = ABI_SOURCE_ANY;
	ASSERT_EQ(rig.add(legs), 0);
	rig.pass(udp_frame(nat, local4(20000), rtp(8, 1, 1, 1)));
	rig.pass(udp_frame(nat, local4(20000), rtp(8, 2, 2, 1)));
	expect_relayed(bob_rtcp, 20003, 20001, v4(203, 0, 113, 5, 4001));
	expect_drop(v4(203, 0, 113, 6, 7777), 20001, rtcp_report(7), DP_DROP_STRANGER_RTCP);
	expect_relayed(nat_rtcp, 20001, 20003, bob_rtcp);
	expect_relayed(bob_rtcp, 20003, 20001, nat_rtcp);
}
} // namespace
