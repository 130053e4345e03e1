// SPDX-License-Identifier: BSD-3-Clause
// T.38: UDPTL on the RTP port goes over as it is, from the party and nobody else.
#include "tests/unit/pipeline/rig.h"

namespace
{
const Address alice = v4(192, 0, 2, 10, 4000), bob = v4(198, 51, 100, 20, 5000);

std::vector<Rig::Leg> call(uint8_t policy = ABI_SOURCE_EXACT)
{
	std::vector<Rig::Leg> legs(2);

	legs[0].port = 20000;
	legs[1].port = 20002;
	legs[0].remote = alice;
	legs[1].remote = bob;
	for (auto &leg : legs) {
		leg.flags = ABI_LEG_RECEIVE | ABI_LEG_SEND | ABI_LEG_UDPTL;
		leg.policy = policy;
		leg.types = {};
	}
	return legs;
}

Bytes udptl(uint16_t seq, size_t size = 8)
{
	Bytes p = {(uint8_t)(seq >> 8), (uint8_t)seq};

	for (size_t i = 2; i < size; i++)
		p.push_back((uint8_t)(i * 5 + seq));
	return p;
}

Bytes through(Rig &rig, const Address &from, uint16_t port, const Bytes &payload)
{
	std::vector<Bytes> out = rig.pass(udp_frame(from, local4(port), payload));

	if (out.size() != 1)
		return {};
	EXPECT_TRUE(read_frame(out[0]).udp_sum_right);
	return read_frame(out[0]).payload;
}
} // namespace

// The first octets look like STUN, DTLS, RTP and nothing in turn.
TEST(Udptl, GoesOverWhateverItLooksLike)
{
	Rig rig;

	ASSERT_EQ(0, rig.add(call()));
	for (unsigned seq = 0; seq < 0x10000; seq += 0x1ff) {
		Bytes p = udptl((uint16_t)seq, 3 + seq % 200);

		ASSERT_EQ(p, through(rig, alice, 20000, p)) << seq;
		ASSERT_EQ(p, through(rig, bob, 20002, p)) << seq;
	}
	EXPECT_EQ(0u, rig.drops());
	rig.query();
	EXPECT_EQ(rig.stats[0].packets, rig.stats[1].sent_packets);
}

TEST(Udptl, LearnsTheSourceFromTheFirstAndConfirmsItByTheNext)
{
	Rig rig;
	const Address elsewhere = v4(203, 0, 113, 9, 7777), stranger = v4(203, 0, 113, 66, 6666);

	ASSERT_EQ(0, rig.add(call(ABI_SOURCE_ANY)));
	EXPECT_EQ(udptl(0), through(rig, elsewhere, 20000, udptl(0)));
	EXPECT_EQ(udptl(1), through(rig, elsewhere, 20000, udptl(1)));
	EXPECT_EQ(Bytes(), through(rig, stranger, 20000, udptl(2)));
	EXPECT_EQ(1u, rig.counter(DP_DROP_STRANGER));
	std::vector<Bytes> out = rig.pass(udp_frame(bob, local4(20002), udptl(0)));
	ASSERT_EQ(1u, out.size());
	EXPECT_EQ(elsewhere.ip, read_frame(out[0]).to.ip);
	EXPECT_EQ(elsewhere.port, read_frame(out[0]).to.port);
}

TEST(Udptl, WhatCannotBeItIsDropped)
{
	Rig rig;
	std::vector<Rig::Leg> legs = call();

	ASSERT_EQ(0, rig.add(legs));
	EXPECT_EQ(Bytes(), through(rig, alice, 20000, {0, 1}));
	EXPECT_EQ(1u, rig.counter(DP_DROP_BAD_UDPTL));
	EXPECT_EQ(Bytes(), through(rig, v4(192, 0, 2, 10, 4001), 20001, rtcp_report(7)));
	EXPECT_EQ(1u, rig.counter(DP_DROP_NOT_RTCP));
	legs[0].flags &= ~(uint32_t)ABI_LEG_RECEIVE;
	ASSERT_EQ(0, rig.update(legs));
	EXPECT_EQ(Bytes(), through(rig, alice, 20000, udptl(3)));
	EXPECT_EQ(1u, rig.counter(DP_DROP_HOLD));
}

TEST(Udptl, ComesAndGoesWithThePlan)
{
	Rig rig;
	std::vector<Rig::Leg> audio = call();

	for (auto &leg : audio) {
		leg.flags = ABI_LEG_RECEIVE | ABI_LEG_SEND | ABI_LEG_RTCP;
		leg.types = {8};
	}
	ASSERT_EQ(0, rig.add(audio));
	EXPECT_NE(Bytes(), through(rig, alice, 20000, rtp(8, 1, 160, 7)));
	ASSERT_EQ(0, rig.update(call()));
	EXPECT_EQ(udptl(0), through(rig, alice, 20000, udptl(0)));
	ASSERT_EQ(0, rig.update(audio)); // fallen back
	EXPECT_NE(Bytes(), through(rig, alice, 20000, rtp(8, 2, 320, 7)));
	EXPECT_EQ(Bytes(), through(rig, alice, 20000, udptl(0x1234)));
}
