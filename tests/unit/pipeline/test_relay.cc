// SPDX-License-Identifier: BSD-3-Clause
// What comes out for what comes in.
#include "tests/unit/pipeline/rig.h"

#include <random>

namespace
{
const Address alice = v4(192, 0, 2, 10, 4000), bob = v4(198, 51, 100, 20, 5000);
const Address alice6 = v6(10, 4000), bob6 = v6(20, 5000);

std::vector<Rig::Leg> call(const Address &a, const Address &b)
{
	std::vector<Rig::Leg> legs(2);

	legs[0].port = 20000;
	legs[1].port = 20002;
	legs[0].remote = a;
	legs[1].remote = b;
	for (Rig::Leg &l : legs) {
		l.family = l.remote.ip.size() == 4 ? 4 : 6;
		l.hop = l.family == 6;
	}
	return legs;
}

Address local_of(const Address &remote, uint16_t port)
{
	return remote.ip.size() == 4 ? local4(port) : local6(port);
}

void expect_relayed(
	const std::vector<Bytes> &out, const Address &from, const Address &to, const Bytes &payload)
{
	ASSERT_EQ(out.size(), 1u);
	Frame f = read_frame(out[0]);

	EXPECT_EQ(f.from.ip, from.ip);
	EXPECT_EQ(f.from.port, from.port);
	EXPECT_EQ(f.to.ip, to.ip);
	EXPECT_EQ(f.to.port, to.port);
	EXPECT_EQ(f.ttl, 64u);
	EXPECT_TRUE(f.ip_sum_right);
	EXPECT_TRUE(f.udp_sum_right);
	EXPECT_FALSE(f.udp_sum_none);
	EXPECT_EQ(f.payload, payload);
	EXPECT_EQ(f.destination_mac, (Bytes{2, 2, 2, 2, 2, 2}));
	EXPECT_EQ(f.source_mac, (Bytes{2, 1, 1, 1, 1, 1}));
}

struct Case {
	const char *name;
	Address a, b;
	bool partial;
	unsigned vlan_in;
	bool vlan_out;
};

class Relay : public ::testing::TestWithParam<Case>
{
};

TEST_P(Relay, BothWaysWithAnyPayload)
{
	const Case &c = GetParam();
	Rig rig(1, DP_POLL_BUSY, c.partial);
	std::vector<Rig::Leg> legs = call(c.a, c.b);
	std::mt19937 random(4);

	for (Rig::Leg &l : legs)
		l.hop += c.vlan_out ? 2 : 0;
	ASSERT_EQ(rig.add(legs), 0);
	for (uint16_t n = 0; n < 200; n++) {
		Bytes payload = rtp(8, n, n * 160, 99, random() % 1300);

		for (size_t i = 12; i < payload.size(); i++)
			payload[i] = static_cast<uint8_t>(random());
		Bytes in = udp_frame(c.a, local_of(c.a, 20000), payload, c.vlan_in);
		if (c.partial) { // as a veth's sender leaves it
			in[udp_offset(in) + 6] = 0x5a;
			in[udp_offset(in) + 7] = static_cast<uint8_t>(n);
		}
		std::vector<Bytes> out = rig.pass(in);
		expect_relayed(out, local_of(c.b, 20002), c.b, payload);
		ASSERT_EQ(out.size(), 1u);
		EXPECT_EQ(read_frame(out[0]).vlan, c.vlan_out ? 42u : 0u);
		out = rig.pass(udp_frame(c.b, local_of(c.b, 20002), payload, c.vlan_in));
		expect_relayed(out, local_of(c.a, 20000), c.a, payload);
	}
	EXPECT_EQ(rig.drops(), 0u);
	EXPECT_EQ(rig.counter(DP_COUNT_RTP), 400u);
	EXPECT_EQ(rig.counter(DP_COUNT_WHOLE), c.partial ? 400u : 0u);
}

INSTANTIATE_TEST_SUITE_P(Families, Relay,
	::testing::Values(Case{"v4_v4", alice, bob, false, 0, false},
		Case{"v6_v6", alice6, bob6, false, 0, false},
		Case{"v4_v6", alice, bob6, false, 0, false},
		Case{"v6_v4", alice6, bob, false, 0, false},
		Case{"v4_v4_partial", alice, bob, true, 0, false},
		Case{"v6_v6_partial", alice6, bob6, true, 0, false},
		Case{"v4_v6_partial", alice, bob6, true, 0, false},
		Case{"v4_v4_vlan", alice, bob, false, 7, true},
		Case{"v4_v6_to_vlan", alice, bob6, false, 0, true},
		Case{"v6_v4_from_vlan", alice6, bob, false, 7, false}),
	[](const auto &i) { return std::string(i.param.name); });

TEST(RelayOne, MarksDscpAndForbidsFragments)
{
	Rig rig;
	std::vector<Rig::Leg> legs = call(alice, bob);

	legs[1].dscp = 46;
	ASSERT_EQ(rig.add(legs), 0);
	Bytes in = udp_frame(alice, local4(20000), rtp(0, 1, 1, 1));
	in[15] = 0x28; // what the other side marked does not matter
	in[14 + 10] = in[14 + 11] = 0;
	Frame f;
	{
		// the header checksum for the changed byte
		unsigned sum = 0;
		for (size_t i = 14; i < 34; i += 2)
			sum += in[i] << 8 | in[i + 1];
		sum = (sum & 0xffff) + (sum >> 16);
		sum = ~sum & 0xffff;
		in[24] = static_cast<uint8_t>(sum >> 8);
		in[25] = static_cast<uint8_t>(sum);
	}
	std::vector<Bytes> out = rig.pass(in);
	ASSERT_EQ(out.size(), 1u);
	f = read_frame(out[0]);
	EXPECT_EQ(f.dscp, 46u);
	EXPECT_TRUE(f.df);
	EXPECT_TRUE(f.ip_sum_right);
}

TEST(RelayOne, DamageStaysVisible)
{
	Rig rig;

	ASSERT_EQ(rig.add(call(alice, bob)), 0);
	Bytes in = udp_frame(alice, local4(20000), rtp(0, 1, 1, 1));
	in[100] ^= 0x10;
	std::vector<Bytes> out = rig.pass(in);
	ASSERT_EQ(out.size(), 1u);
	EXPECT_FALSE(read_frame(out[0]).udp_sum_right);
}

TEST(RelayOne, NoChecksumStaysNoneOnIp4AndIsMadeForIp6)
{
	Rig rig;

	ASSERT_EQ(rig.add(call(alice, bob)), 0);
	std::vector<Rig::Leg> mixed = call(alice, bob6);
	mixed[0].port = 20010;
	mixed[1].port = 20012;
	ASSERT_EQ(rig.add(mixed, 1), 0);
	Bytes in = udp_frame(alice, local4(20000), rtp(0, 1, 1, 1));
	in[40] = in[41] = 0;
	std::vector<Bytes> out = rig.pass(in);
	ASSERT_EQ(out.size(), 1u);
	EXPECT_TRUE(read_frame(out[0]).udp_sum_none);
	in = udp_frame(alice, local4(20010), rtp(0, 1, 1, 1));
	in[40] = in[41] = 0;
	out = rig.pass(in);
	ASSERT_EQ(out.size(), 1u);
	EXPECT_TRUE(read_frame(out[0]).udp_sum_right);
}

TEST(RelayOne, ANicThatSaysTheChecksumIsPartialIsBelieved)
{
	Rig rig;

	ASSERT_EQ(rig.add(call(alice, bob)), 0);
	Bytes in = udp_frame(alice, local4(20000), rtp(0, 1, 1, 1)), payload = rtp(0, 1, 1, 1);
	in[40] = 1;
	expect_relayed(rig.pass(in, RTE_MBUF_F_RX_L4_CKSUM_NONE), local4(20002), bob, payload);
}

TEST(RelayOne, IpOptionsAndTrailingBytesAreLeftBehind)
{
	Rig rig;

	ASSERT_EQ(rig.add(call(alice, bob)), 0);
	Bytes payload = rtp(0, 1, 1, 1), in = udp_frame(alice, local4(20000), payload);
	in.insert(in.end(), 6, 0xee); // Ethernet padding
	expect_relayed(rig.pass(in), local4(20002), bob, payload);
	in = udp_frame(alice, local4(20000), payload);
	in.insert(in.begin() + 34, {1, 1, 1, 0}); // options: no operation, end
	in[14] = 0x46;
	in[17] = static_cast<uint8_t>(in[17] + 4);
	in[24] = in[25] = 0;
	unsigned sum = 0;
	for (size_t i = 14; i < 38; i += 2)
		sum += in[i] << 8 | in[i + 1];
	sum = ~((sum & 0xffff) + (sum >> 16)) & 0xffff;
	in[24] = static_cast<uint8_t>(sum >> 8);
	in[25] = static_cast<uint8_t>(sum);
	expect_relayed(rig.pass(in), local4(20002), bob, payload);
}

TEST(RelayOne, RenumbersPayloadTypes)
{
	Rig rig;
	std::vector<Rig::Leg> legs = call(alice, bob);

	legs[0].types = {8, 101};
	legs[0].map = {{101, 96}};
	legs[1].types = {8, 96};
	legs[1].map = {{96, 101}};
	ASSERT_EQ(rig.add(legs), 0);
	Bytes event = rtp(101 | 0x80, 1, 1, 1, 4), audio = rtp(8, 2, 1, 1);
	Bytes mapped = event;
	mapped[1] = 96 | 0x80;
	expect_relayed(
		rig.pass(udp_frame(alice, local4(20000), event)), local4(20002), bob, mapped);
	expect_relayed(rig.pass(udp_frame(alice, local4(20000), audio)), local4(20002), bob, audio);
	expect_relayed(
		rig.pass(udp_frame(bob, local4(20002), mapped)), local4(20000), alice, event);
}

TEST(RelayOne, LeavesByAnotherDevice)
{
	Rig rig;
	std::vector<Rig::Leg> legs = call(alice, bob), other = call(alice, bob);

	legs[1].hop = 4;
	ASSERT_EQ(rig.add(legs), 0);
	other[0].port = 20010;
	other[1].port = 20012;
	ASSERT_EQ(rig.add(other, 1), 0);
	// Both ways out in one burst, interleaved.
	for (uint16_t n = 0; n < 20; n++)
		rig.put(udp_frame(alice, local4(n % 2 ? 20000 : 20010), rtp(0, n, n, 1)));
	rig.turn();
	std::vector<Bytes> first = rig.take(0), second = rig.take(1);
	ASSERT_EQ(first.size(), 10u);
	ASSERT_EQ(second.size(), 10u);
	for (unsigned n = 0; n < 10; n++) {
		EXPECT_EQ(read_frame(first[n]).payload[3], n * 2);
		EXPECT_EQ(read_frame(second[n]).payload[3], n * 2 + 1);
		EXPECT_EQ(read_frame(second[n]).from.port, 20002);
	}
	// And what comes in by the other device goes out by the first.
	rig.put(udp_frame(bob, local4(20002), rtp(0, 1, 1, 1)), 0, 0, 1);
	rig.turn();
	EXPECT_EQ(rig.take(0).size(), 1u);
}

TEST(RelayOne, NextHopsChangeUnderARunningCall)
{
	Rig rig;
	Bytes in = udp_frame(alice, local4(20000), rtp(0, 1, 1, 1));
	const uint8_t own[6] = {2, 1, 1, 1, 1, 1}, gateway[6] = {2, 9, 9, 9, 9, 9};

	ASSERT_EQ(rig.add(call(alice, bob)), 0);
	dp_adjacency_lose(rig.hops, 0, DP_ADJACENCY_INCOMPLETE);
	EXPECT_TRUE(rig.pass(in).empty());
	EXPECT_EQ(rig.counter(DP_DROP_NO_NEXT_HOP), 1u);
	EXPECT_TRUE(dp_adjacency_wanted(rig.hops, 0));
	EXPECT_FALSE(dp_adjacency_wanted(rig.hops, 0));
	dp_adjacency_set(rig.hops, 0, rig.devices[0]->port, 1500, own, gateway, 0);
	std::vector<Bytes> out = rig.pass(in);
	ASSERT_EQ(out.size(), 1u);
	EXPECT_EQ(read_frame(out[0]).destination_mac, (Bytes{2, 9, 9, 9, 9, 9}));
	dp_adjacency_lose(rig.hops, 0, DP_ADJACENCY_DOWN);
	EXPECT_TRUE(rig.pass(in).empty());
	EXPECT_EQ(rig.counter(DP_DROP_LINK_DOWN), 1u);
	// A leg may be given another next hop by mail.
	EXPECT_EQ(rig.hop(0, 1, 2), 0);
	out = rig.pass(in);
	ASSERT_EQ(out.size(), 1u);
	EXPECT_EQ(read_frame(out[0]).vlan, 42u);
	EXPECT_EQ(rig.hop(0, 1, DP_ADJACENCY_NONE), 0);
	EXPECT_TRUE(rig.pass(in).empty());
	EXPECT_EQ(rig.counter(DP_DROP_NO_NEXT_HOP), 2u);
}

TEST(RelayOne, RespectsTheMtu)
{
	Rig rig;
	const uint8_t own[6] = {2, 1, 1, 1, 1, 1}, hop[6] = {2, 2, 2, 2, 2, 2};

	ASSERT_EQ(rig.add(call(alice, bob)), 0);
	dp_adjacency_set(rig.hops, 0, rig.devices[0]->port, 200, own, hop, 0);
	EXPECT_EQ(rig.pass(udp_frame(alice, local4(20000), rtp(0, 1, 1, 1, 160))).size(), 1u);
	EXPECT_EQ(rig.pass(udp_frame(alice, local4(20000), rtp(0, 2, 1, 1, 161))).size(), 0u);
	EXPECT_EQ(rig.counter(DP_DROP_TOO_BIG), 1u);
	ASSERT_EQ(rig.query(), 0);
	EXPECT_EQ(rig.stats[0].packets, 2u);
	EXPECT_EQ(rig.stats[1].sent_packets, 1u);
	EXPECT_EQ(rig.stats[1].sent_octets, 172u);
}

TEST(RelayOne, BurstsOfManyCallsKeepTheirOrder)
{
	Rig rig;

	for (uint16_t s = 0; s < 50; s++) {
		std::vector<Rig::Leg> legs = call(alice, bob);

		legs[0].port = static_cast<uint16_t>(20000 + s * 4);
		legs[1].port = static_cast<uint16_t>(20002 + s * 4);
		ASSERT_EQ(rig.add(legs, s), 0);
	}
	for (uint16_t n = 0; n < 500; n++)
		rig.put(udp_frame(alice, local4(static_cast<uint16_t>(20000 + n % 50 * 4)),
			rtp(0, static_cast<uint16_t>(n / 50), n, n % 50)));
	while (rig.turn())
		;
	std::vector<Bytes> out = rig.take();
	ASSERT_EQ(out.size(), 500u);
	for (uint16_t n = 0; n < 500; n++) {
		Frame f = read_frame(out[n]);

		EXPECT_EQ(f.from.port, 20002 + n % 50 * 4);
		EXPECT_EQ(f.payload[3], n / 50);
	}
}

TEST(RelayOne, AFullDeviceDropsAndCounts)
{
	Rig rig;

	ASSERT_EQ(rig.add(call(alice, bob)), 0);
	for (unsigned round = 0; round < 2; round++) {
		for (uint16_t n = 0; n < 1000; n++)
			rig.put(udp_frame(alice, local4(20000), rtp(0, n, n, 1, 0)));
		while (rig.turn())
			;
	}
	size_t out = rig.take().size();
	EXPECT_LT(out, 2000u);
	EXPECT_EQ(out + rig.counter(DP_DROP_TX_FULL), 2000u);
	ASSERT_EQ(rig.query(), 0);
	EXPECT_EQ(rig.stats[1].sent_packets, out);
	EXPECT_EQ(rig.counter(DP_COUNT_RTP), out);
}
} // namespace
