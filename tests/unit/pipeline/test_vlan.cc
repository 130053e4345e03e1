// SPDX-License-Identifier: BSD-3-Clause
// An interface in a VLAN: a device that DPDK owns sees the whole trunk.
#include "tests/unit/pipeline/rig.h"

namespace
{
const Address alice = v4(192, 0, 2, 10, 4000), bob = v4(198, 51, 100, 20, 5000);
const Address alice6 = v6(10, 4000), bob6 = v6(20, 5000);
constexpr uint16_t VLAN = 42; // next hops 2 and 3 of the rig

class Vlan : public ::testing::Test
{
      protected:
	void SetUp() override
	{
		std::vector<Rig::Leg> four(2), six(2);

		four[0].remote = alice;
		four[1].remote = bob;
		six[0].remote = alice6;
		six[1].remote = bob6;
		for (unsigned i = 0; i < 2; i++) {
			four[i].port = six[i].port = static_cast<uint16_t>(20000 + 2 * i);
			four[i].hop = 2;
			six[i].family = 6;
			six[i].hop = 3;
		}
		ASSERT_EQ(rig.add(four), 0);
		ASSERT_EQ(rig.add(six, 1), 0);
	}

	// Of any size that RTP has, small ones too.
	Bytes media(bool six, unsigned vlan, size_t payload = 160)
	{
		seq++;
		return six ? udp_frame(alice6, local6(20000), rtp(8, seq, seq, 1, payload), vlan)
			   : udp_frame(alice, local4(20000), rtp(8, seq, seq, 1, payload), vlan);
	}

	Rig rig{1, DP_POLL_BUSY, false, true, VLAN};
	uint16_t seq = 0;
};

TEST_F(Vlan, MediaOfTheVlanIsRelayedWithItsTag)
{
	for (bool six : {false, true})
		for (size_t payload : {0, 1, 10, 20, 160, 1000}) {
			std::vector<Bytes> out = rig.pass(media(six, VLAN, payload));

			ASSERT_EQ(out.size(), 1u) << payload;
			Frame f = read_frame(out[0]);
			EXPECT_EQ(f.vlan, VLAN);
			EXPECT_TRUE(f.udp_sum_right);
			EXPECT_EQ(f.payload.size(), payload + 12);
			EXPECT_EQ(f.to.port, 5000);
		}
	// The priority bits of a tag are no part of the VLAN's number.
	EXPECT_EQ(rig.pass(media(false, 0xa000 | VLAN)).size(), 1u);
}

TEST_F(Vlan, OtherNetworksOfTheTrunkAreNotOurs)
{
	for (unsigned vlan : {0u, 41u, 43u, 0x42u}) {
		uint64_t before = rig.counter(DP_DROP_OTHER_VLAN);

		EXPECT_TRUE(rig.pass(media(false, vlan)).empty()) << vlan;
		EXPECT_TRUE(rig.pass(media(true, vlan)).empty()) << vlan;
		EXPECT_EQ(rig.counter(DP_DROP_OTHER_VLAN), before + 2) << vlan;
	}
	Bytes arp = media(false, 0);
	arp[13] = 6;
	rig.pass(arp);
	EXPECT_TRUE(rig.take(1).empty()); // not the kernel's either
}

TEST_F(Vlan, TheKernelSeesNoTags)
{
	Bytes sip = udp_frame(alice, local4(5060), {'O', 'P'}, VLAN);
	Bytes untagged = udp_frame(alice, local4(5060), {'O', 'P'});

	EXPECT_TRUE(rig.pass(sip).empty());
	EXPECT_EQ(rig.take(1), (std::vector<Bytes>{untagged}));
	rig.put(untagged, 0, 0, 1);
	rig.turn();
	EXPECT_EQ(rig.take(0), (std::vector<Bytes>{sip}));
	EXPECT_EQ(rig.counter(DP_COUNT_KERNEL), 1u);
}

TEST_F(Vlan, TooShortForATagIsNoHarm)
{
	Bytes f = media(false, VLAN);

	for (size_t n = 14; n < 18 + 28; n++) {
		rig.pass(Bytes(f.begin(), f.begin() + static_cast<long>(n)));
		EXPECT_TRUE(rig.take(0).empty());
		rig.take(1);
	}
	EXPECT_EQ(rig.pass(f).size(), 1u);
}
} // namespace
