// SPDX-License-Identifier: BSD-3-Clause
// G.711 of one law into the other on the way through relay.
#include "dataplane/codec/g711.h"
#include "tests/unit/pipeline/secure_rig.h"

namespace
{
const Address alice = v4(192, 0, 2, 10, 4000), bob = v4(198, 51, 100, 20, 5000);

// Alice speaks A-law as type 8 and has events as 101, Bob u-law as 0 and events as 96.
std::vector<Rig::Leg> call(uint32_t flags_a = 0, uint32_t flags_b = 0)
{
	std::vector<Rig::Leg> legs(2);

	legs[0].port = 20000;
	legs[1].port = 20002;
	legs[0].remote = alice;
	legs[1].remote = bob;
	legs[0].flags |= flags_a;
	legs[1].flags |= flags_b;
	legs[0].types = {8, 13, 101};
	legs[1].types = {0, 13, 96};
	legs[0].map = {{8, 0}, {101, 96}};
	legs[1].map = {{0, 8}, {96, 101}};
	legs[0].media.flags = DP_LEG_A_TO_U;
	legs[0].media.codec_type = 8;
	legs[1].media.flags = DP_LEG_U_TO_A;
	legs[1].media.codec_type = 0;
	return legs;
}

Bytes companded(
	Bytes p, const uint8_t table[256], uint8_t type, size_t from = 12, size_t padding = 0)
{
	p[1] = (uint8_t)((p[1] & 0x80) | type);
	for (size_t i = from; i < p.size() - padding; i++)
		p[i] = table[p[i]];
	return p;
}

Bytes through(Rig &rig, const Address &from, uint16_t port, const Bytes &payload, bool sum = true)
{
	std::vector<Bytes> out = rig.pass(udp_frame(from, local4(port), payload));

	if (out.size() != 1)
		return {};
	Frame f = read_frame(out[0]);
	EXPECT_EQ(sum, f.udp_sum_right);
	return f.payload;
}
} // namespace

TEST(Compand, EverySampleBothWaysWithRightChecksums)
{
	Rig rig;

	ASSERT_EQ(0, rig.add(call()));
	for (uint16_t n = 1; n < 60; n++) {
		Bytes p = rtp(8, n, n * 160, 7, 150 + n); // odd lengths, too

		for (size_t i = 12; i < p.size(); i++)
			p[i] = (uint8_t)(i * 7 + n * 31);
		EXPECT_EQ(companded(p, g711_a2u, 0), through(rig, alice, 20000, p)) << n;
		p[1] = 0x80;
		EXPECT_EQ(companded(p, g711_u2a, 8), through(rig, bob, 20002, p)) << n;
	}
	EXPECT_EQ(118u, rig.counter(DP_COUNT_COMPANDED));
	EXPECT_EQ(0u, rig.drops());
}

TEST(Compand, EventsAndComfortNoiseAreOnlyRenumbered)
{
	Rig rig;

	ASSERT_EQ(0, rig.add(call()));
	Bytes event = rtp(101, 1, 160, 7, 4), noise = rtp(13, 2, 320, 7, 1);
	Bytes expected = event;
	expected[1] = 96;
	EXPECT_EQ(expected, through(rig, alice, 20000, event));
	EXPECT_EQ(noise, through(rig, alice, 20000, noise));
	EXPECT_EQ(0u, rig.counter(DP_COUNT_COMPANDED));
}

TEST(Compand, ExtensionsAndPaddingStayAsTheyAre)
{
	Rig rig;

	ASSERT_EQ(0, rig.add(call()));
	Bytes p = rtp(8, 1, 160, 7, 0);
	Bytes more = {0xbe, 0xde, 0, 1, 1, 2, 3, 4};
	p[0] = 0xb0; // extension and padding
	p.insert(p.end(), more.begin(), more.end());
	for (unsigned i = 0; i < 80; i++)
		p.push_back((uint8_t)(i * 3));
	p.insert(p.end(), {9, 9, 9, 4});
	EXPECT_EQ(companded(p, g711_a2u, 0, 20, 4), through(rig, alice, 20000, p));
	p = rtp(8, 2, 320, 7, 0); // nothing to convert
	EXPECT_EQ(companded(p, g711_a2u, 0), through(rig, alice, 20000, p));
}

TEST(Compand, WhatWasDamagedStaysRecognisable)
{
	Rig rig;

	ASSERT_EQ(0, rig.add(call()));
	through(rig, alice, 20000, rtp(8, 1, 160, 7));
	Bytes frame = udp_frame(alice, local4(20000), rtp(8, 2, 320, 7));
	frame[frame.size() - 30] ^= 0x10;
	std::vector<Bytes> out = rig.pass(frame);
	ASSERT_EQ(1u, out.size());
	EXPECT_FALSE(read_frame(out[0]).udp_sum_right);
}

TEST(Compand, WhereChecksumsCannotBeTrustedWholeOnesAreMade)
{
	Rig rig(1, DP_POLL_BUSY, true);

	ASSERT_EQ(0, rig.add(call()));
	Bytes p = rtp(8, 1, 160, 7);
	EXPECT_EQ(companded(p, g711_a2u, 0), through(rig, alice, 20000, p));
}

TEST(Compand, GoesTogetherWithSrtp)
{
	SecureRig rig;
	abi_srtp_key sends = suite_key(1, 1), gets = suite_key(1, 2);
	Party a(sends, gets);
	const uint32_t both = ABI_LEG_SRTP_IN | ABI_LEG_SRTP_OUT;

	ASSERT_EQ(0, rig.add(call(both, 0)));
	ASSERT_EQ(0, rig.keys(0, &sends, &gets));
	Bytes p = rtp(8, 1, 160, 7);
	EXPECT_EQ(companded(p, g711_a2u, 0), through(rig, alice, 20000, a.protect(p)));
	p = rtp(0, 1, 160, 9);
	EXPECT_EQ(companded(p, g711_u2a, 8), a.read(through(rig, bob, 20002, p)));
}

TEST(Compand, APlanMayTakeItAwayAgain)
{
	Rig rig;
	std::vector<Rig::Leg> legs = call();

	ASSERT_EQ(0, rig.add(legs));
	legs[0].media = legs[1].media = {};
	legs[0].map = legs[1].map = {};
	ASSERT_EQ(0, rig.update(legs));
	Bytes p = rtp(8, 1, 160, 7);
	EXPECT_EQ(p, through(rig, alice, 20000, p));
}
