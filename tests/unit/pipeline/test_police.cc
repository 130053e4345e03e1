// SPDX-License-Identifier: BSD-3-Clause
// Policing of one leg is that leg's matter alone, over IPv4 and IPv6.
#include "tests/unit/pipeline/rig.h"

namespace
{
const Address alice = v4(192, 0, 2, 10, 4000), bob = v4(198, 51, 100, 20, 5000);
const Address alice6 = v6(10, 4000), bob6 = v6(20, 5000);

class Police : public ::testing::TestWithParam<bool>
{
      protected:
	// A call with 50 packets a second from its first leg, on four ports from `port`.
	void call(uint16_t port, uint32_t slot)
	{
		std::vector<Rig::Leg> legs(2);

		for (unsigned i = 0; i < 2; i++) {
			legs[i].port = static_cast<uint16_t>(port + 2 * i);
			legs[i].family = GetParam() ? 6 : 4;
			legs[i].hop = GetParam();
			legs[i].remote = GetParam() ? (i ? bob6 : alice6) : (i ? bob : alice);
			legs[i].max_packets = 50;
		}
		ASSERT_EQ(rig.add(legs, slot), 0);
	}

	void put(uint16_t port, uint16_t seq)
	{
		Bytes payload = rtp(8, seq, seq * 160u, port);

		rig.put(GetParam() ? udp_frame(alice6, local6(port), payload)
				   : udp_frame(alice, local4(port), payload));
	}

	Rig rig;
};

TEST_P(Police, AFloodAtOnePortDoesNotHurtAnother)
{
	std::vector<unsigned> relayed(2);
	uint16_t flood = 0;

	call(20000, 0);
	call(20004, 1);
	for (uint16_t calm = 0; calm < 20; calm++) {
		for (unsigned i = 0; i < 50; i++)
			put(20000, flood++);
		put(20004, calm);
		while (rig.turn())
			;
		for (const Bytes &frame : rig.take()) {
			Frame f = read_frame(frame);

			EXPECT_TRUE(f.udp_sum_right);
			relayed[f.from.port == 20006]++;
		}
	}
	EXPECT_EQ(relayed[1], 20u);
	EXPECT_GE(relayed[0], 25u);  // half a second at once
	EXPECT_LT(relayed[0], 500u); // on however slow a machine
	EXPECT_EQ(rig.counter(DP_DROP_PACKET_RATE), flood - relayed[0]);
	ASSERT_EQ(rig.query(1), 0);
	EXPECT_EQ(rig.stats[0].packets, 20u);
	EXPECT_EQ(rig.stats[0].dropped, 0u);
	ASSERT_EQ(rig.query(0), 0);
	EXPECT_EQ(rig.stats[0].dropped, flood - relayed[0]);
}

INSTANTIATE_TEST_SUITE_P(Families, Police, ::testing::Values(false, true),
	[](const auto &i) { return i.param ? "v6" : "v4"; });
} // namespace
