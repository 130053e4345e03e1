// SPDX-License-Identifier: BSD-3-Clause
// What is not relayed, and why it says so.
#include "tests/unit/pipeline/rig.h"

#include <random>

#include "dataplane/abi/shm.h"

namespace
{
const Address alice = v4(192, 0, 2, 10, 4000), bob = v4(198, 51, 100, 20, 5000);
const Address alice6 = v6(10, 4000), bob6 = v6(20, 5000);

std::vector<Rig::Leg> call()
{
	std::vector<Rig::Leg> legs(2);

	legs[0].port = 20000;
	legs[1].port = 20002;
	legs[0].remote = alice;
	legs[1].remote = bob;
	return legs;
}

std::vector<Rig::Leg> call6()
{
	std::vector<Rig::Leg> legs(2);

	for (Rig::Leg &l : legs) {
		l.family = 6;
		l.hop = 1;
	}
	legs[0].port = 20000;
	legs[1].port = 20002;
	legs[0].remote = alice6;
	legs[1].remote = bob6;
	return legs;
}

// Sets the IPv4 header checksum right after a change.
void fix_ip(Bytes &f)
{
	unsigned sum = 0;

	f[24] = f[25] = 0;
	for (size_t i = 14; i < 34; i += 2)
		sum += f[i] << 8 | f[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	f[24] = static_cast<uint8_t>(~sum >> 8);
	f[25] = static_cast<uint8_t>(~sum);
}

class Refuse : public ::testing::Test
{
      protected:
	void SetUp() override
	{
		ASSERT_EQ(rig.add(call()), 0);
		ASSERT_EQ(rig.add(call6(), 1), 0);
	}

	// The frame is dropped for this reason and no other.
	void expect_drop(const Bytes &frame, enum dp_reason reason, uint64_t flags = 0)
	{
		uint64_t before = rig.counter(reason), all = rig.drops();

		EXPECT_TRUE(rig.pass(frame, flags).empty());
		EXPECT_EQ(rig.counter(reason), before + 1) << dp_counters[reason].label;
		EXPECT_EQ(rig.drops(), all + 1);
	}

	Bytes good() const
	{
		return udp_frame(alice, local4(20000), rtp(8, 1, 1, 1));
	}

	Bytes good6() const
	{
		return udp_frame(alice6, local6(20000), rtp(8, 1, 1, 1));
	}

	Rig rig;
};

TEST_F(Refuse, FramesThatAreNotForUs)
{
	Bytes f = good();

	expect_drop(Bytes(f.begin(), f.begin() + 17), DP_DROP_SHORT);
	expect_drop(Bytes(f.begin(), f.begin() + 41), DP_DROP_SHORT);
	f[12] = 8;
	f[13] = 6; // ARP
	expect_drop(f, DP_DROP_NOT_IP);
	expect_drop(udp_frame(alice, v4(10, 0, 0, 2, 20000), rtp(8, 1, 1, 1)), DP_DROP_NOT_OURS);
	expect_drop(udp_frame(alice6, v6(9, 20000), rtp(8, 1, 1, 1)), DP_DROP_NOT_OURS);
	expect_drop(udp_frame(alice, local4(19998), rtp(8, 1, 1, 1)), DP_DROP_NOT_MEDIA);
	expect_drop(udp_frame(alice, local4(5060), rtp(8, 1, 1, 1)), DP_DROP_NOT_MEDIA);
	expect_drop(udp_frame(alice, local4(20004), rtp(8, 1, 1, 1)), DP_DROP_UNKNOWN_PORT);
	expect_drop(udp_frame(alice, local4(20999), rtp(8, 1, 1, 1)), DP_DROP_UNKNOWN_PORT);
	expect_drop(udp_frame(alice6, local6(20004), rtp(8, 1, 1, 1)), DP_DROP_UNKNOWN_PORT);
}

TEST_F(Refuse, BrokenIp4)
{
	Bytes f = good();

	f[14] = 0x44;
	expect_drop(f, DP_DROP_BAD_IP);
	f[14] = 0x4f; // options beyond what is there would be fine, but the sum is not
	expect_drop(f, DP_DROP_IP_CHECKSUM);
	f[14] = 0x65;
	expect_drop(f, DP_DROP_BAD_IP);
	f = good();
	f[16] = 0xff; // total length
	expect_drop(f, DP_DROP_BAD_IP);
	f = good();
	f[17] = 27;
	f[16] = 0;
	fix_ip(f);
	expect_drop(f, DP_DROP_BAD_IP);
	f = good();
	f[25] ^= 1;
	expect_drop(f, DP_DROP_IP_CHECKSUM);
	EXPECT_EQ(rig.pass(f, RTE_MBUF_F_RX_IP_CKSUM_GOOD).size(), 1u); // the NIC looked
	f = good();
	f[20] = 0x20; // more fragments
	fix_ip(f);
	expect_drop(f, DP_DROP_FRAGMENT);
	f[20] = 0;
	f[21] = 100;
	fix_ip(f);
	expect_drop(f, DP_DROP_FRAGMENT);
	f = good();
	f[23] = 6;
	fix_ip(f);
	expect_drop(f, DP_DROP_NOT_UDP);
}

TEST_F(Refuse, BrokenIp6)
{
	Bytes f = good6();

	EXPECT_EQ(rig.pass(f).size(), 1u);
	f[14] = 0x50;
	expect_drop(f, DP_DROP_BAD_IP);
	f = good6();
	f[18] = 0xff;
	expect_drop(f, DP_DROP_BAD_IP);
	f = good6();
	f[20] = 44;
	expect_drop(f, DP_DROP_FRAGMENT);
	f[20] = 58;
	expect_drop(f, DP_DROP_NOT_UDP);
	f = good6();
	f[60] = f[61] = 0; // IPv6 must have a UDP checksum
	expect_drop(f, DP_DROP_UDP_CHECKSUM);
	f.resize(61);
	expect_drop(f, DP_DROP_SHORT);
}

TEST_F(Refuse, BrokenUdp)
{
	Bytes f = good();

	f[38] = 0;
	f[39] = 7;
	expect_drop(f, DP_DROP_BAD_UDP);
	f[38] = 0xff;
	expect_drop(f, DP_DROP_BAD_UDP);
	expect_drop(good(), DP_DROP_UDP_CHECKSUM, RTE_MBUF_F_RX_L4_CKSUM_BAD);
}

TEST_F(Refuse, WhatIsNotRtp)
{
	auto to_rtp = [](const Bytes &p) { return udp_frame(alice, local4(20000), p); };

	expect_drop(to_rtp({}), DP_DROP_NOT_RTP);
	expect_drop(to_rtp({0x80}), DP_DROP_NOT_RTP);
	expect_drop(to_rtp({0x80, 8, 0, 1}), DP_DROP_NOT_RTP);
	Bytes p(40);
	expect_drop(to_rtp(p), DP_DROP_STUN);
	p[0] = 22;
	expect_drop(to_rtp(p), DP_DROP_DTLS);
	p[0] = 'I';
	expect_drop(to_rtp(p), DP_DROP_NOT_RTP);
	p = rtp(8, 1, 1, 1, 3);
	p[0] = 0x8f;
	expect_drop(to_rtp(p), DP_DROP_BAD_RTP);
	p = rtp(8, 1, 1, 1, 3);
	p[0] = 0xa0;
	p.back() = 99;
	expect_drop(to_rtp(p), DP_DROP_BAD_RTP);
	expect_drop(to_rtp(rtp(9, 1, 1, 1)), DP_DROP_PAYLOAD_TYPE);
	expect_drop(to_rtp(rtp(127, 1, 1, 1)), DP_DROP_PAYLOAD_TYPE);
	expect_drop(to_rtp(rtcp_report(1)), DP_DROP_RTCP_ON_RTP);
	ASSERT_EQ(rig.query(), 0);
	EXPECT_EQ(rig.stats[0].dropped, 11u);
	EXPECT_EQ(rig.stats[0].packets, 0u);
}

TEST_F(Refuse, RtpWithExtensionsAndPaddingIsRtp)
{
	Bytes p = rtp(8, 1, 1, 1, 0);

	p[0] = 0xb1;
	p.insert(p.end(), {1, 2, 3, 4, 0xbe, 0xde, 0, 1, 9, 9, 9, 9, 0, 0, 0, 4});
	EXPECT_EQ(rig.pass(udp_frame(alice, local4(20000), p)).size(), 1u);
}

TEST_F(Refuse, StrangersAreCountedAndMoveNothing)
{
	const Address strangers[] = {v4(192, 0, 2, 10, 4001), v4(192, 0, 2, 11, 4000), bob};

	EXPECT_EQ(rig.pass(good()).size(), 1u);
	for (const Address &s : strangers)
		expect_drop(udp_frame(s, local4(20000), rtp(8, 2, 2, 2)), DP_DROP_STRANGER);
	// Whatever else is wrong with it.
	expect_drop(udp_frame(strangers[0], local4(20000), rtp(99, 2, 2, 2)), DP_DROP_STRANGER);
	Address near = alice6;
	near.ip[14] = 1;
	expect_drop(udp_frame(near, local6(20000), rtp(8, 2, 2, 2)), DP_DROP_STRANGER);
	ASSERT_EQ(rig.query(), 0);
	EXPECT_EQ(rig.stats[0].strangers, 4u);
	EXPECT_EQ(rig.stats[0].packets, 1u);
	EXPECT_EQ(rig.stats[0].remote_port, 4000);
	std::vector<Bytes> out = rig.pass(udp_frame(bob, local4(20002), rtp(8, 1, 1, 1)));
	ASSERT_EQ(out.size(), 1u);
	EXPECT_EQ(read_frame(out[0]).to.port, 4000);
}

TEST_F(Refuse, Hold)
{
	std::vector<Rig::Leg> legs = call();

	legs[0].flags = ABI_LEG_SEND; // alice sends nothing
	ASSERT_EQ(rig.update(legs), 0);
	expect_drop(good(), DP_DROP_HOLD);
	EXPECT_EQ(rig.pass(udp_frame(bob, local4(20002), rtp(8, 1, 1, 1))).size(), 1u);
	legs[0].flags = ABI_LEG_RECEIVE; // alice receives nothing
	ASSERT_EQ(rig.update(legs), 0);
	EXPECT_EQ(rig.pass(good()).size(), 1u);
	expect_drop(udp_frame(bob, local4(20002), rtp(8, 2, 2, 1)), DP_DROP_NOT_SENDING);
	ASSERT_EQ(rig.query(), 0);
	EXPECT_EQ(rig.stats[0].sent_packets, 1u);
	EXPECT_EQ(rig.stats[1].packets, 2u);
}

TEST_F(Refuse, NobodyToSendTo)
{
	std::vector<Rig::Leg> legs = call();

	legs[1].remote = v4(0, 0, 0, 0, 0);
	ASSERT_EQ(rig.update(legs), 0);
	expect_drop(good(), DP_DROP_NO_REMOTE);
	std::vector<Rig::Leg> single = {call()[0]};
	single[0].port = 20100;
	ASSERT_EQ(rig.add(single, 2), 0);
	expect_drop(udp_frame(alice, local4(20100), rtp(8, 1, 1, 1)), DP_DROP_NO_PEER);
	ASSERT_EQ(rig.query(2), 0);
	EXPECT_EQ(rig.stats[0].packets, 1u);
}

// 500 packets as fast as they go: half a second's worth may pass, and what the time that it took
// allows.
size_t flood(Rig &rig, double *seconds)
{
	uint64_t start = abi_now_us();
	size_t out = 0;

	for (uint16_t n = 0; n < 500; n++)
		out += rig.pass(udp_frame(alice, local4(20000), rtp(8, n, n, 1))).size();
	*seconds = static_cast<double>(abi_now_us() - start) / 1e6;
	return out;
}

TEST_F(Refuse, AFloodAtOneLegIsPoliced)
{
	std::vector<Rig::Leg> legs = call();
	double seconds;

	legs[0].max_packets = 100;
	ASSERT_EQ(rig.update(legs), 0);
	size_t out = flood(rig, &seconds);
	EXPECT_GE(out, 50u);
	EXPECT_LE(static_cast<double>(out), 52 + 100 * seconds);
	EXPECT_EQ(rig.counter(DP_DROP_PACKET_RATE), 500 - out);
	// The other leg is not touched by it.
	EXPECT_EQ(rig.pass(udp_frame(bob, local4(20002), rtp(8, 1, 1, 1))).size(), 1u);
}

TEST_F(Refuse, OctetsArePolicedToo)
{
	std::vector<Rig::Leg> legs = call();
	double seconds;

	legs[0].max_octets = 17200;
	ASSERT_EQ(rig.update(legs), 0);
	size_t out = flood(rig, &seconds);
	EXPECT_GE(out, 50u);
	EXPECT_LE(static_cast<double>(out), 52 + 100 * seconds);
	EXPECT_EQ(rig.counter(DP_DROP_OCTET_RATE), 500 - out);
}

TEST_F(Refuse, TruncatedAnywhereIsNoHarm)
{
	for (const Bytes &whole :
		{good(), good6(), udp_frame(alice, local4(20000), rtp(8, 1, 1, 1), 5)})
		for (size_t size = 0; size < whole.size(); size++) {
			uint64_t before = rig.drops();

			EXPECT_TRUE(rig.pass(Bytes(whole.begin(), whole.begin() + size)).empty());
			EXPECT_EQ(rig.drops(), before + 1);
		}
}

TEST_F(Refuse, RandomChangesAreNoHarm)
{
	std::mt19937 random(5);
	uint64_t in = 0, out = 0, before = rig.drops();

	for (unsigned n = 0; n < 30000; n++) {
		Bytes f = n % 2 ? good() : good6();

		for (unsigned changes = 1 + random() % 4; changes; changes--)
			f[random() % (n % 3 ? 70 : f.size())] = static_cast<uint8_t>(random());
		if (random() % 8 == 0)
			f.resize(random() % (f.size() + 1));
		in++;
		out += rig.pass(f).size();
	}
	EXPECT_EQ(out + rig.drops() - before, in);
	EXPECT_GT(out, 0u);
}
} // namespace
