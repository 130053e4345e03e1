// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "dataplane/media/latch.h"

namespace
{
struct latch_addr addr(uint8_t last, uint16_t port)
{
	struct latch_addr a = {};

	a.ip[0] = 192;
	a.ip[2] = 2;
	a.ip[3] = last;
	a.port = __builtin_bswap16(port);
	a.family = 4;
	return a;
}

const struct latch_addr party = addr(1, 4000), nat = addr(9, 5555), attacker = addr(66, 6666);

struct latch open(uint8_t policy, const struct latch_addr &signalled = party)
{
	struct latch l;

	latch_init(&l, &signalled, policy);
	return l;
}

bool sends_to(const struct latch &l, const struct latch_addr &where)
{
	struct latch_addr to = latch_remote(&l);

	return latch_same(&to, &where);
}

TEST(Latch, ExactLearnsNothing)
{
	struct latch l = open(ABI_SOURCE_EXACT);

	EXPECT_EQ(latch_rtp(&l, &nat, 1, 1), LATCH_STRANGER);
	EXPECT_EQ(latch_rtp(&l, &party, 1, 1), LATCH_ACCEPT);
	EXPECT_TRUE(sends_to(l, party));
}

TEST(Latch, ExactWithoutAnAddressTakesNobody)
{
	struct latch_addr none = {};
	struct latch l = open(ABI_SOURCE_EXACT, none);

	EXPECT_EQ(latch_rtp(&l, &nat, 1, 1), LATCH_STRANGER);
	EXPECT_EQ(latch_remote(&l).family, 0);
}

TEST(Latch, AddressLearnsOnlyThePort)
{
	struct latch l = open(ABI_SOURCE_ADDRESS);
	struct latch_addr other = addr(1, 4444);

	EXPECT_EQ(latch_rtp(&l, &nat, 1, 1), LATCH_STRANGER);
	EXPECT_EQ(latch_rtp(&l, &other, 1, 1), LATCH_MOVED);
	EXPECT_TRUE(sends_to(l, other));
	EXPECT_EQ(latch_rtp(&l, &other, 1, 2), LATCH_SETTLED);
	EXPECT_EQ(latch_rtp(&l, &party, 1, 3), LATCH_STRANGER);
}

TEST(Latch, SignalledSourceIsConfirmedAtOnce)
{
	struct latch l = open(ABI_SOURCE_ANY);

	EXPECT_EQ(latch_rtp(&l, &party, 1, 1), LATCH_MOVED_SETTLED);
	EXPECT_EQ(latch_rtp(&l, &attacker, 1, 2), LATCH_STRANGER);
	EXPECT_TRUE(sends_to(l, party));
}

TEST(Latch, LearnsConfirmsAndIsStrictThen)
{
	struct latch l = open(ABI_SOURCE_ANY);

	EXPECT_TRUE(sends_to(l, party));
	EXPECT_EQ(latch_rtp(&l, &nat, 1, 100), LATCH_MOVED);
	EXPECT_TRUE(sends_to(l, nat));
	EXPECT_EQ(latch_rtp(&l, &nat, 1, 101), LATCH_SETTLED);
	EXPECT_EQ(latch_rtp(&l, &attacker, 1, 102), LATCH_STRANGER);
	EXPECT_EQ(latch_rtp(&l, &party, 1, 102), LATCH_STRANGER);
	EXPECT_EQ(latch_rtp(&l, &nat, 1, 102), LATCH_ACCEPT);
	EXPECT_TRUE(sends_to(l, nat));
}

TEST(Latch, OnePacketOfAnAttackerDoesNotTakeTheCall)
{
	struct latch l = open(ABI_SOURCE_ANY);

	EXPECT_EQ(latch_rtp(&l, &attacker, 9, 9), LATCH_MOVED);
	EXPECT_EQ(latch_rtp(&l, &nat, 1, 100), LATCH_MOVED);
	EXPECT_EQ(latch_rtp(&l, &nat, 1, 101), LATCH_SETTLED);
	EXPECT_EQ(latch_rtp(&l, &attacker, 9, 10), LATCH_STRANGER);
	EXPECT_TRUE(sends_to(l, nat));
}

TEST(Latch, ConfirmingNeedsTheSameStreamGoingOn)
{
	struct latch l = open(ABI_SOURCE_ANY);

	latch_rtp(&l, &nat, 1, 65535);
	EXPECT_EQ(latch_rtp(&l, &nat, 1, 65535), LATCH_ACCEPT); // the same packet again
	EXPECT_EQ(latch_rtp(&l, &nat, 2, 4), LATCH_ACCEPT);     // another stream
	EXPECT_EQ(latch_rtp(&l, &nat, 2, 30000), LATCH_ACCEPT); // a jump
	EXPECT_EQ(l.state, LATCH_LEARNED);
	EXPECT_EQ(latch_rtp(&l, &nat, 2, 30003), LATCH_SETTLED);
}

TEST(Latch, ConfirmsAcrossTheWrap)
{
	struct latch l = open(ABI_SOURCE_ANY);

	latch_rtp(&l, &nat, 1, 65535);
	EXPECT_EQ(latch_rtp(&l, &nat, 1, 0), LATCH_SETTLED);
}

TEST(Latch, ReopenedSendsOnUntilSomebodyElseComes)
{
	struct latch l = open(ABI_SOURCE_ANY);
	struct latch_addr moved = addr(9, 7777);

	latch_rtp(&l, &nat, 1, 1);
	latch_rtp(&l, &nat, 1, 2);
	latch_reopen(&l, 1, 2);
	EXPECT_TRUE(sends_to(l, nat));
	EXPECT_EQ(latch_rtp(&l, &moved, 1, 3), LATCH_MOVED);
	EXPECT_EQ(latch_rtp(&l, &moved, 1, 4), LATCH_SETTLED);
	EXPECT_EQ(latch_rtp(&l, &nat, 1, 5), LATCH_STRANGER);
}

TEST(Latch, ReopenedIsConfirmedByTheOldSourceGoingOn)
{
	struct latch l = open(ABI_SOURCE_ANY);

	latch_rtp(&l, &nat, 1, 1);
	latch_rtp(&l, &nat, 1, 2);
	latch_reopen(&l, 1, 2);
	EXPECT_EQ(latch_rtp(&l, &nat, 1, 3), LATCH_SETTLED);
}

TEST(Latch, ResignalKeepsWhatIsStillAllowed)
{
	struct latch l = open(ABI_SOURCE_ANY);
	struct latch_addr other = addr(5, 4000);

	latch_rtp(&l, &nat, 1, 1);
	latch_rtp(&l, &nat, 1, 2);
	latch_resignal(&l, &other, ABI_SOURCE_ANY);
	EXPECT_TRUE(sends_to(l, nat));
	EXPECT_EQ(l.state, LATCH_CONFIRMED);
	latch_resignal(&l, &other, ABI_SOURCE_ADDRESS);
	EXPECT_TRUE(sends_to(l, other));
	EXPECT_EQ(l.state, LATCH_OPEN);
}

TEST(Latch, ResumesWhatThePolicyAllows)
{
	struct latch l = open(ABI_SOURCE_ANY);

	latch_resume(&l, &nat);
	EXPECT_EQ(l.state, LATCH_CONFIRMED);
	EXPECT_TRUE(sends_to(l, nat));
	l = open(ABI_SOURCE_EXACT);
	latch_resume(&l, &nat);
	EXPECT_TRUE(sends_to(l, party));
}

TEST(LatchRtcp, FollowsTheConfirmedRtpAddress)
{
	struct latch rtp = open(ABI_SOURCE_ANY), rtcp = open(ABI_SOURCE_ANY, addr(1, 4001));
	struct latch_addr from_nat = addr(9, 5556);

	latch_rtp(&rtp, &nat, 1, 1);
	latch_rtp(&rtp, &nat, 1, 2);
	EXPECT_EQ(latch_rtcp(&rtcp, &rtp, &attacker), LATCH_STRANGER);
	EXPECT_EQ(latch_rtcp(&rtcp, &rtp, &from_nat), LATCH_MOVED_SETTLED);
	EXPECT_EQ(latch_rtcp(&rtcp, &rtp, &from_nat), LATCH_ACCEPT);
	struct latch_addr other_port = addr(9, 5557);
	EXPECT_EQ(latch_rtcp(&rtcp, &rtp, &other_port), LATCH_STRANGER);
}

TEST(LatchRtcp, BeforeRtpItIsOnlyACandidate)
{
	struct latch rtp = open(ABI_SOURCE_ANY), rtcp = open(ABI_SOURCE_ANY, addr(1, 4001));
	struct latch_addr from_nat = addr(9, 5556), from_attacker = addr(66, 6667);

	EXPECT_EQ(latch_rtcp(&rtcp, &rtp, &from_attacker), LATCH_MOVED);
	latch_rtp(&rtp, &nat, 1, 1);
	latch_rtp(&rtp, &nat, 1, 2);
	EXPECT_EQ(latch_rtcp(&rtcp, &rtp, &from_attacker), LATCH_STRANGER);
	EXPECT_EQ(latch_rtcp(&rtcp, &rtp, &from_nat), LATCH_MOVED_SETTLED);
}

TEST(LatchRtcp, IsSentWhereRtpCameFromUntilItComes)
{
	struct latch rtp = open(ABI_SOURCE_ANY), rtcp = open(ABI_SOURCE_ANY, addr(1, 4001));
	struct latch_addr to, expected = addr(9, 4001);

	latch_rtp(&rtp, &nat, 1, 1);
	to = latch_remote_rtcp(&rtcp, &rtp);
	EXPECT_TRUE(latch_same(&to, &expected));
}

TEST(LatchRtcp, MuxedNeverMovesTheLatch)
{
	struct latch l = open(ABI_SOURCE_ANY);

	EXPECT_FALSE(latch_muxed_rtcp(&l, &nat));
	EXPECT_TRUE(latch_muxed_rtcp(&l, &party));
	EXPECT_EQ(l.state, LATCH_OPEN);
	latch_rtp(&l, &nat, 1, 1);
	EXPECT_TRUE(latch_muxed_rtcp(&l, &nat));
	EXPECT_FALSE(latch_muxed_rtcp(&l, &party));
}

TEST(Latch, AbiAddressesAndBack)
{
	struct abi_addr a = latch_to_abi(&nat);
	struct latch_addr b;

	EXPECT_EQ(a.port, 5555);
	EXPECT_EQ(a.family, 4);
	b = latch_from_abi(&a);
	EXPECT_TRUE(latch_same(&b, &nat));
}
} // namespace
