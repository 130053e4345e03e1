// SPDX-License-Identifier: BSD-3-Clause
// The XDP program in the kernel's own machine, by BPF_PROG_TEST_RUN: which packets it takes and which
// it leaves to the kernel. Without an AF_XDP socket what it takes is dropped, so DROP here means
// "ours". Needs the right to load BPF programs; skipped without.
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_ether.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

extern "C" {
#include "dataplane/nic/xdp/xdp.h"
}

namespace
{
constexpr int PASS = 2, DROP = 1; // enum xdp_action

struct Packet {
	std::vector<uint8_t> bytes;

	Packet &u8(unsigned v)
	{
		bytes.push_back((uint8_t)v);
		return *this;
	}

	Packet &u16(unsigned v)
	{
		return u8(v >> 8).u8(v & 0xff);
	}

	Packet &zeros(size_t n)
	{
		bytes.insert(bytes.end(), n, 0);
		return *this;
	}

	Packet &ip(const char *text)
	{
		uint8_t out[16];
		bool six = strchr(text, ':');

		inet_pton(six ? AF_INET6 : AF_INET, text, out);
		bytes.insert(bytes.end(), out, out + (six ? 16 : 4));
		return *this;
	}

	static Packet eth(unsigned type, std::vector<unsigned> tags = {})
	{
		Packet p;

		p.zeros(12);
		for (unsigned tag : tags)
			p.u16(tag).u16(7);
		return p.u16(type);
	}

	Packet &udp(unsigned port)
	{
		return u16(4000).u16(port).u16(20).u16(0).zeros(12);
	}

	Packet &ip4(const char *to, unsigned protocol = 17, unsigned fragment = 0, unsigned ihl = 5)
	{
		u8(0x40 | ihl).u8(0).u16(40).u16(1).u16(fragment).u8(64).u8(protocol).u16(0);
		return ip("10.9.9.9").ip(to).zeros(ihl > 5 ? (ihl - 5) * 4 : 0);
	}

	Packet &ip6(const char *to, unsigned next = 17)
	{
		return u8(0x60).u8(0).u16(0).u16(20).u8(next).u8(64).ip("fd00::9").ip(to);
	}
};

struct Xdp : testing::Test {
	bpf_object *object = nullptr;
	xdp program = {};
	int prog = -1;
	uint32_t addresses = 0;

	void SetUp() override
	{
		char path[64];
		int fd;

		libbpf_set_print([](libbpf_print_level, const char *, va_list) { return 0; });
		ASSERT_EQ(0, xdp_object_open(&fd, path));
		object = bpf_object__open_file(path, nullptr);
		close(fd);
		ASSERT_NE(nullptr, object);
		int err = bpf_object__load(object);
		if (err == -EPERM)
			GTEST_SKIP() << "may not load BPF programs";
		ASSERT_EQ(0, err);
		prog = bpf_program__fd(bpf_object__find_program_by_name(object, XDP_MEDIA_PROGRAM));
		program.ifindex = 1;
		program.addresses = map(XDP_MEDIA_ADDRESSES);
		program.counts = map(XDP_MEDIA_COUNTS);
		program.open = map(XDP_MEDIA_OPEN);
		ASSERT_EQ(0, xdp_map_open(&program));
		allow("10.1.0.1", 20000, 20999);
		allow("fd01::1", 30000, 30001);
	}

	void TearDown() override
	{
		program.ifindex = 0; // it is attached nowhere
		xdp_detach(&program);
		bpf_object__close(object);
	}

	int map(const char *name)
	{
		return bpf_object__find_map_fd_by_name(object, name);
	}

	void allow(const char *text, uint16_t first, uint16_t last)
	{
		uint8_t ip[16] = {};
		bool six = strchr(text, ':');

		inet_pton(six ? AF_INET6 : AF_INET, text, ip);
		ASSERT_EQ(0, xdp_allow(&program, six ? 6 : 4, ip, first, last, ++addresses));
		for (unsigned port = first; port <= last; port++)
			xdp_open(&program, addresses)[port / 64] |= 1ull << port % 64;
	}

	int run(const Packet &p)
	{
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p.bytes.data(),
			.data_size_in = (uint32_t)p.bytes.size());

		EXPECT_EQ(0, bpf_prog_test_run_opts(prog, &opts));
		return (int)opts.retval;
	}
};
} // namespace

TEST_F(Xdp, TakesMediaOfOurAddressesAndPortsOnly)
{
	EXPECT_EQ(DROP, run(Packet::eth(ETH_P_IP).ip4("10.1.0.1").udp(20000)));
	EXPECT_EQ(DROP, run(Packet::eth(ETH_P_IP).ip4("10.1.0.1").udp(20999)));
	EXPECT_EQ(PASS, run(Packet::eth(ETH_P_IP).ip4("10.1.0.1").udp(19999)));
	EXPECT_EQ(PASS, run(Packet::eth(ETH_P_IP).ip4("10.1.0.1").udp(21000)));
	EXPECT_EQ(PASS, run(Packet::eth(ETH_P_IP).ip4("10.1.0.1").udp(5060)));
	EXPECT_EQ(PASS, run(Packet::eth(ETH_P_IP).ip4("10.1.0.2").udp(20000)));
	EXPECT_EQ(DROP, run(Packet::eth(ETH_P_IPV6).ip6("fd01::1").udp(30001)));
	EXPECT_EQ(PASS, run(Packet::eth(ETH_P_IPV6).ip6("fd01::1").udp(20000)));
	EXPECT_EQ(PASS, run(Packet::eth(ETH_P_IPV6).ip6("fd01::2").udp(30001)));
	EXPECT_EQ(3u, xdp_count(&program, XDP_MEDIA_NO_SOCKET));
}

TEST_F(Xdp, DropsWhatComesToClosedPorts)
{
	xdp_open(&program, 1)[20100 / 64] &= ~(1ull << 20100 % 64);
	EXPECT_EQ(DROP, run(Packet::eth(ETH_P_IP).ip4("10.1.0.1").udp(20100)));
	EXPECT_EQ(1u, xdp_count(&program, XDP_MEDIA_CLOSED));
	EXPECT_EQ(0u, xdp_count(&program, XDP_MEDIA_NO_SOCKET));
	EXPECT_EQ(DROP, run(Packet::eth(ETH_P_IP).ip4("10.1.0.1").udp(20101)));
	EXPECT_EQ(1u, xdp_count(&program, XDP_MEDIA_CLOSED));
	EXPECT_EQ(1u, xdp_count(&program, XDP_MEDIA_NO_SOCKET));
	xdp_open(&program, 2)[30000 / 64] &= ~(1ull << 30000 % 64);
	EXPECT_EQ(DROP, run(Packet::eth(ETH_P_IPV6).ip6("fd01::1").udp(30000)));
	EXPECT_EQ(2u, xdp_count(&program, XDP_MEDIA_CLOSED));
	// the kernel's ports stay the kernel's
	EXPECT_EQ(PASS, run(Packet::eth(ETH_P_IP).ip4("10.1.0.1").udp(5060)));
	EXPECT_EQ(nullptr, xdp_open(&program, XDP_MEDIA_MAX_ADDRESSES));
}

TEST_F(Xdp, LeavesTheRestToTheKernel)
{
	EXPECT_EQ(PASS, run(Packet::eth(ETH_P_IP).ip4("10.1.0.1", 6).udp(20000)));   // TCP
	EXPECT_EQ(PASS, run(Packet::eth(ETH_P_IP).ip4("10.1.0.1", 1).udp(20000)));   // ICMP
	EXPECT_EQ(PASS, run(Packet::eth(ETH_P_IPV6).ip6("fd01::1", 58).udp(30000))); // ICMPv6
	EXPECT_EQ(PASS, run(Packet::eth(ETH_P_IPV6).ip6("fd01::1", 0).udp(30000)));  // hop by hop
	EXPECT_EQ(PASS, run(Packet::eth(ETH_P_ARP).zeros(40)));
}

TEST_F(Xdp, LooksBehindVlanTagsAndOptions)
{
	EXPECT_EQ(DROP, run(Packet::eth(ETH_P_IP, {ETH_P_8021Q}).ip4("10.1.0.1").udp(20000)));
	EXPECT_EQ(DROP,
		run(Packet::eth(ETH_P_IP, {ETH_P_8021AD, ETH_P_8021Q}).ip4("10.1.0.1").udp(20000)));
	EXPECT_EQ(DROP, run(Packet::eth(ETH_P_IPV6, {ETH_P_8021Q}).ip6("fd01::1").udp(30000)));
	EXPECT_EQ(DROP, run(Packet::eth(ETH_P_IP).ip4("10.1.0.1", 17, 0, 15).udp(20000)));
}

TEST_F(Xdp, CountsFragmentsAndPassesThem)
{
	EXPECT_EQ(PASS, run(Packet::eth(ETH_P_IP).ip4("10.1.0.1", 17, 0x2000).udp(20000)));
	EXPECT_EQ(PASS, run(Packet::eth(ETH_P_IP).ip4("10.1.0.1", 17, 0x0001).udp(20000)));
	EXPECT_EQ(PASS, run(Packet::eth(ETH_P_IPV6).ip6("fd01::1", 44).udp(30000)));
	EXPECT_EQ(DROP, run(Packet::eth(ETH_P_IP).ip4("10.1.0.1", 17, 0x4000).udp(20000))); // DF
	EXPECT_EQ(3u, xdp_count(&program, XDP_MEDIA_FRAGMENT));
	EXPECT_EQ(PASS, run(Packet::eth(ETH_P_IP).ip4("10.1.0.2", 17, 0x2000).udp(20000)));
	EXPECT_EQ(3u, xdp_count(&program, XDP_MEDIA_FRAGMENT)); // not to us
}

TEST_F(Xdp, CutShortPacketsGoToTheKernel)
{
	Packet whole = Packet::eth(ETH_P_IP).ip4("10.1.0.1").udp(20000);

	for (size_t n = 14; n < 14 + 20 + 8; n++) { // the kernel runs nothing shorter
		Packet cut;

		cut.bytes.assign(whole.bytes.begin(), whole.bytes.begin() + (long)n);
		EXPECT_EQ(PASS, run(cut)) << n;
	}
	EXPECT_GT(xdp_count(&program, XDP_MEDIA_MALFORMED), 20u);
	EXPECT_EQ(PASS, run(Packet::eth(ETH_P_IP).ip4("10.1.0.1", 17, 0, 4).udp(20000)));
	EXPECT_EQ(PASS, run(Packet::eth(ETH_P_8021Q)));
}

TEST_F(Xdp, ForgetsAnAddress)
{
	uint8_t ip[4] = {10, 1, 0, 1};

	EXPECT_EQ(0, xdp_forbid(&program, 4, ip));
	EXPECT_EQ(PASS, run(Packet::eth(ETH_P_IP).ip4("10.1.0.1").udp(20000)));
}
