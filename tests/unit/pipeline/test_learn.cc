// SPDX-License-Identifier: BSD-3-Clause
// Symmetric RTP, as the parties see it.
#include "tests/unit/pipeline/rig.h"

namespace
{
const Address alice = v4(192, 0, 2, 10, 4000), bob = v4(198, 51, 100, 20, 5000);
const Address nat = v4(203, 0, 113, 5, 7000), thief = v4(203, 0, 113, 66, 6666);

class Learn : public ::testing::Test
{
      protected:
	void SetUp() override
	{
		legs.resize(2);
		legs[0].port = 20000;
		legs[1].port = 20002;
		legs[0].remote = alice;
		legs[1].remote = bob;
		legs[0].policy = ABI_SOURCE_ANY;
		ASSERT_EQ(rig.add(legs), 0);
	}

	bool passes(const Address &from, uint16_t seq, uint8_t type = 8)
	{
		std::vector<Bytes> out =
			rig.pass(udp_frame(from, local4(20000), rtp(type, seq, seq, 1)));

		if (out.size() != 1)
			return false;
		EXPECT_TRUE(read_frame(out[0]).udp_sum_right);
		EXPECT_TRUE(read_frame(out[0]).ip_sum_right);
		return true;
	}

	// Where bob's media goes now.
	Address bobs_media_goes_to()
	{
		std::vector<Bytes> out =
			rig.pass(udp_frame(bob, local4(20002), rtp(8, bobs_seq++, 1, 2)));

		EXPECT_EQ(out.size(), 1u);
		if (out.empty())
			return Address();
		EXPECT_TRUE(read_frame(out[0]).udp_sum_right);
		return read_frame(out[0]).to;
	}

	std::vector<struct dp_event> events()
	{
		std::vector<struct dp_event> all;
		struct dp_event e;

		while (dp_worker_event(rig.workers[0], &e))
			all.push_back(e);
		return all;
	}

	Rig rig;
	std::vector<Rig::Leg> legs;
	uint16_t bobs_seq = 0;
};

TEST_F(Learn, FromTheFirstPacketAndStrictFromTheSecond)
{
	EXPECT_EQ(bobs_media_goes_to().ip, alice.ip);
	EXPECT_TRUE(passes(nat, 1));
	EXPECT_EQ(bobs_media_goes_to().ip, nat.ip);
	EXPECT_TRUE(passes(nat, 2));
	EXPECT_FALSE(passes(thief, 3));
	EXPECT_FALSE(passes(alice, 3));
	EXPECT_TRUE(passes(nat, 3));
	EXPECT_EQ(bobs_media_goes_to().port, 7000);
	ASSERT_EQ(rig.query(), 0);
	EXPECT_EQ(rig.stats[0].learned, 2);
	EXPECT_EQ(rig.stats[0].remote_port, 7000);
	EXPECT_EQ(rig.stats[0].strangers, 2u);
	EXPECT_EQ(rig.stats[0].packets, 3u);
}

TEST_F(Learn, TellsTheAgentAndLeavesAResumeRecord)
{
	passes(nat, 1);
	passes(nat, 2);
	std::vector<struct dp_event> told = events();

	ASSERT_EQ(told.size(), 2u);
	EXPECT_EQ(told[0].type, DP_EVENT_LEARNED);
	EXPECT_EQ(told[0].confirmed, 0);
	EXPECT_EQ(told[1].confirmed, 1);
	EXPECT_EQ(told[1].remote.port, 7000);
	EXPECT_EQ(told[1].ssrc, 1u);
	EXPECT_EQ(told[1].leg, 0);
	EXPECT_EQ(rig.resumes[0].generation, 1u);
	EXPECT_EQ(rig.resumes[0].rtp.port, 7000);
	EXPECT_EQ(rig.resumes[0].rtp.ip[0], 203);
	EXPECT_EQ(rig.resumes[0].sequence % 2, 0u);
}

TEST_F(Learn, TheSignalledAddressIsNoNews)
{
	EXPECT_TRUE(passes(alice, 1));
	EXPECT_TRUE(events().empty());
	EXPECT_FALSE(passes(thief, 2));
}

TEST_F(Learn, OnlyFromPacketsThatAreAcceptable)
{
	EXPECT_FALSE(passes(thief, 1, 99)); // payload type
	Bytes p = rtp(8, 1, 1, 1, 0);
	p[0] = 0x8f;
	rig.pass(udp_frame(thief, local4(20000), p));
	rig.pass(udp_frame(thief, local4(20000), Bytes(40)));
	EXPECT_EQ(bobs_media_goes_to().ip, alice.ip);
	EXPECT_TRUE(events().empty());
	ASSERT_EQ(rig.query(), 0);
	EXPECT_EQ(rig.stats[0].learned, 0);
}

TEST_F(Learn, AThiefsOnePacketLosesAgainstTheParty)
{
	EXPECT_TRUE(passes(thief, 9));
	EXPECT_TRUE(passes(nat, 1));
	EXPECT_TRUE(passes(nat, 2));
	EXPECT_FALSE(passes(thief, 10));
	EXPECT_EQ(bobs_media_goes_to().ip, nat.ip);
}

TEST_F(Learn, NotDuringHold)
{
	legs[0].flags = ABI_LEG_SEND;
	ASSERT_EQ(rig.update(legs), 0);
	EXPECT_FALSE(passes(nat, 1));
	EXPECT_EQ(bobs_media_goes_to().ip, alice.ip);
}

TEST_F(Learn, AnewOnlyAfterANewOfferOrAnswer)
{
	passes(nat, 1);
	passes(nat, 2);
	ASSERT_EQ(rig.update(legs), 0); // something else changed
	EXPECT_FALSE(passes(thief, 3));
	legs[0].flags |= ABI_LEG_RELEARN;
	ASSERT_EQ(rig.update(legs), 0);
	EXPECT_EQ(bobs_media_goes_to().ip, nat.ip); // no gap
	const Address moved = v4(203, 0, 113, 7, 7007);
	EXPECT_TRUE(passes(moved, 3));
	EXPECT_TRUE(passes(moved, 4));
	EXPECT_EQ(bobs_media_goes_to().ip, moved.ip);
	EXPECT_FALSE(passes(nat, 5));
}

TEST_F(Learn, ANewAddressForgetsTheOld)
{
	passes(nat, 1);
	passes(nat, 2);
	legs[0].flags |= ABI_LEG_RELEARN;
	legs[0].remote = v4(192, 0, 2, 11, 4100);
	ASSERT_EQ(rig.update(legs), 0);
	EXPECT_EQ(bobs_media_goes_to().port, 4100);
	EXPECT_EQ(rig.resumes[0].rtp.port, 0);
}

TEST_F(Learn, OnlyThePortWhenTheAddressIsFixed)
{
	legs[0].policy = ABI_SOURCE_ADDRESS;
	legs[0].flags |= ABI_LEG_RELEARN;
	ASSERT_EQ(rig.update(legs), 0);
	EXPECT_FALSE(passes(nat, 1));
	const Address other_port = v4(192, 0, 2, 10, 4444);
	EXPECT_TRUE(passes(other_port, 1));
	EXPECT_TRUE(passes(other_port, 2));
	EXPECT_FALSE(passes(alice, 3));
	EXPECT_EQ(bobs_media_goes_to().port, 4444);
}
} // namespace
