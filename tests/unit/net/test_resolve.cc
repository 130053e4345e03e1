// SPDX-License-Identifier: BSD-3-Clause
// RFC 3263 against a name server of our own on loopback.
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>
#include <vector>

#include "controlplane/net/resolve.h"

namespace
{

std::string u16(unsigned v)
{
	return {static_cast<char>(v >> 8), static_cast<char>(v)};
}

std::string dns_name(const std::string &name)
{
	std::string out;
	size_t at = 0;

	while (at < name.size()) {
		size_t dot = name.find('.', at);
		if (dot == std::string::npos)
			dot = name.size();
		out += static_cast<char>(dot - at);
		out += name.substr(at, dot - at);
		at = dot + 1;
	}
	return out + '\0';
}

std::string text(const std::string &s)
{
	return static_cast<char>(s.size()) + s;
}

enum { A = 1, AAAA = 28, SRV = 33, NAPTR = 35 };

struct Resolve : testing::Test {
	uv_loop_t loop;
	cp_resolver *r = nullptr;
	int server = -1;
	std::multimap<std::pair<std::string, int>, std::string> zone;
	std::map<std::string, int> asked;
	bool mute = false;
	uint32_t ttl = 300;
	cp_resolve_query query = {};
	cp_resolve_answer answer = {};
	int answers = 0;

	void SetUp() override
	{
		sockaddr_in sa = {};
		socklen_t size = sizeof(sa);

		uv_loop_init(&loop);
		server = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		sa.sin_family = AF_INET;
		sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		ASSERT_EQ(bind(server, reinterpret_cast<sockaddr *>(&sa), sizeof(sa)), 0);
		getsockname(server, reinterpret_cast<sockaddr *>(&sa), &size);
		ASSERT_EQ(cp_resolver_new(&r, &loop,
				  ("127.0.0.1:" + std::to_string(ntohs(sa.sin_port))).c_str()),
			0);
		query.transport = CP_RESOLVE_ANY;
		query.allowed = 1 << SIP_UDP | 1 << SIP_TCP | 1 << SIP_TLS;
		query.ipv4 = true;
	}

	void TearDown() override
	{
		cp_resolver_free(r);
		uv_run(&loop, UV_RUN_DEFAULT);
		EXPECT_EQ(uv_loop_close(&loop), 0);
		close(server);
	}

	void a(const std::string &name, const std::string &ip)
	{
		uint8_t bytes[16];
		bool six = ip.find(':') != std::string::npos;

		ASSERT_EQ(inet_pton(six ? AF_INET6 : AF_INET, ip.c_str(), bytes), 1);
		zone.insert({{name, six ? AAAA : A},
			std::string(reinterpret_cast<char *>(bytes), six ? 16 : 4)});
	}

	void srv(const std::string &name, int priority, int weight, int port,
		const std::string &target)
	{
		zone.insert(
			{{name, SRV}, u16(priority) + u16(weight) + u16(port) + dns_name(target)});
	}

	void naptr(const std::string &name, int order, int preference, const std::string &service,
		const std::string &replacement, const std::string &flags = "s")
	{
		zone.insert(
			{{name, NAPTR}, u16(order) + u16(preference) + text(flags) + text(service) +
						text("") + dns_name(replacement)});
	}

	void serve()
	{
		uint8_t in[512];
		sockaddr_in from;
		socklen_t size = sizeof(from);
		ssize_t n = recvfrom(
			server, in, sizeof(in), 0, reinterpret_cast<sockaddr *>(&from), &size);

		if (n < 17 || mute)
			return;
		std::string name;
		size_t at = 12;
		while (in[at]) {
			name += (name.empty() ? "" : ".") +
				std::string(reinterpret_cast<char *>(in + at + 1), in[at]);
			at += in[at] + 1u;
		}
		int type = in[at + 1] << 8 | in[at + 2];
		asked[name + "/" + std::to_string(type)]++;
		auto range = zone.equal_range({name, type});
		std::string records;
		unsigned count = 0;
		for (auto i = range.first; i != range.second; ++i, count++)
			records += u16(0xc00c) + u16(static_cast<unsigned>(type)) + u16(1) +
				   u16(ttl >> 16) + u16(ttl & 0xffff) +
				   u16(static_cast<unsigned>(i->second.size())) + i->second;
		bool exists = false;
		for (auto &entry : zone)
			exists |= entry.first.first == name;
		std::string out(reinterpret_cast<char *>(in), 2);
		out += u16(exists ? 0x8580 : 0x8583) + u16(1) + u16(count) + u16(0) + u16(0);
		out += std::string(reinterpret_cast<char *>(in + 12), at + 5 - 12) + records;
		sendto(server, out.data(), out.size(), 0, reinterpret_cast<sockaddr *>(&from),
			size);
	}

	static void on_answer(void *user, const cp_resolve_answer *got)
	{
		auto *self = static_cast<Resolve *>(user);
		self->answer = *got;
		self->answers++;
	}

	int begin(const std::string &host)
	{
		memset(query.host, 0, sizeof(query.host));
		strncpy(query.host, host.c_str(), sizeof(query.host) - 1);
		return cp_resolve(r, &query, on_answer, this);
	}

	bool wait(int until, int ms = 3000)
	{
		uint64_t start = uv_hrtime();

		while (answers < until &&
			uv_hrtime() - start < static_cast<uint64_t>(ms) * 1000000) {
			serve();
			uv_run(&loop, UV_RUN_NOWAIT);
		}
		return answers >= until;
	}

	std::vector<std::string> ask(const std::string &host)
	{
		std::vector<std::string> out;
		int before = answers;

		EXPECT_EQ(begin(host), 0);
		EXPECT_TRUE(wait(before + 1));
		for (unsigned i = 0; i < answer.count; i++) {
			char ip[SIP_ADDR_TEXT];

			sip_addr_host(&answer.target[i].addr, true, ip);
			out.push_back(std::string(sip_transport_name(answer.target[i].transport)) +
				      " " + ip + ":" + std::to_string(answer.target[i].addr.port));
		}
		return out;
	}
};

using List = std::vector<std::string>;

TEST_F(Resolve, NumbersNeedNoServer)
{
	query.ipv6 = true;
	EXPECT_EQ(ask("192.0.2.7"), List{"UDP 192.0.2.7:5060"});
	EXPECT_EQ(ask("[2001:db8::1]"), List{"UDP [2001:db8::1]:5060"});
	query.port = 5070;
	query.transport = SIP_TCP;
	EXPECT_EQ(ask("192.0.2.7"), List{"TCP 192.0.2.7:5070"});
	query.port = 0;
	query.transport = CP_RESOLVE_ANY;
	query.secure = true;
	EXPECT_EQ(ask("192.0.2.7"), List{"TLS 192.0.2.7:5061"});
	EXPECT_TRUE(asked.empty());
}

// RFC 3263 section 4.1, its own example.
TEST_F(Resolve, NaptrThenSrvThenAddress)
{
	naptr("example.com", 50, 50, "SIPS+D2T", "_sips._tcp.example.com");
	naptr("example.com", 90, 50, "SIP+D2T", "_sip._tcp.example.com");
	naptr("example.com", 100, 50, "SIP+D2U", "_sip._udp.example.com");
	srv("_sips._tcp.example.com", 0, 1, 5061, "s.example.com");
	srv("_sip._tcp.example.com", 0, 1, 5060, "server1.example.com");
	srv("_sip._tcp.example.com", 1, 2, 5060, "server2.example.com");
	srv("_sip._udp.example.com", 0, 1, 5062, "server1.example.com");
	a("s.example.com", "192.0.2.9");
	a("server1.example.com", "192.0.2.1");
	a("server2.example.com", "192.0.2.2");
	EXPECT_EQ(ask("example.com"), (List{"TLS 192.0.2.9:5061", "TCP 192.0.2.1:5060",
					      "TCP 192.0.2.2:5060", "UDP 192.0.2.1:5062"}));
	query.allowed = 1 << SIP_UDP | 1 << SIP_TCP;
	EXPECT_EQ(ask("example.com"),
		(List{"TCP 192.0.2.1:5060", "TCP 192.0.2.2:5060", "UDP 192.0.2.1:5062"}));
	query.secure = true;
	EXPECT_EQ(begin("example.com"), -EINVAL);
}

TEST_F(Resolve, WithoutNaptrTheServicesAreGuessed)
{
	srv("_sip._udp.example.com", 5, 0, 5066, "a.example.com");
	a("a.example.com", "192.0.2.1");
	EXPECT_EQ(ask("Example.COM."), List{"UDP 192.0.2.1:5066"});
	query.transport = SIP_TCP; // named, and without SRV: the address
	a("example.com", "192.0.2.3");
	EXPECT_EQ(ask("example.com"), List{"TCP 192.0.2.3:5060"});
}

TEST_F(Resolve, APortAsksForAddressesOnly)
{
	a("example.com", "192.0.2.3");
	a("example.com", "2001:db8::3");
	srv("_sip._udp.example.com", 5, 0, 5066, "a.example.com");
	query.port = 5080;
	query.ipv6 = true;
	EXPECT_EQ(ask("example.com"), (List{"UDP [2001:db8::3]:5080", "UDP 192.0.2.3:5080"}));
	EXPECT_EQ(asked.size(), 2u);
}

TEST_F(Resolve, WeightsShareTheLoad)
{
	srv("_sip._udp.example.com", 1, 90, 5060, "big.example.com");
	srv("_sip._udp.example.com", 1, 10, 5060, "small.example.com");
	srv("_sip._udp.example.com", 0, 0, 5060, "first.example.com");
	a("big.example.com", "192.0.2.90");
	a("small.example.com", "192.0.2.10");
	a("first.example.com", "192.0.2.1");
	int big = 0;
	for (int i = 0; i < 1000; i++) {
		List list = ask("example.com");
		ASSERT_EQ(list.size(), 3u);
		ASSERT_EQ(list[0], "UDP 192.0.2.1:5060");
		big += list[1] == "UDP 192.0.2.90:5060";
	}
	EXPECT_GT(big, 850);
	EXPECT_LT(big, 950);
	EXPECT_EQ(asked["_sip._udp.example.com/33"], 1); // kept for its time
}

TEST_F(Resolve, FailuresAreToldApart)
{
	EXPECT_TRUE(ask("nowhere.example").empty());
	EXPECT_EQ(answer.error, -ENOENT);
	srv("_sip._udp.closed.example", 0, 0, 0, ""); // "." as target
	EXPECT_TRUE(ask("closed.example").empty());
	EXPECT_EQ(answer.error, -ENOENT);
	for (const char *bad : {"", "a b", "x/y", "sip:a", "[]"})
		EXPECT_EQ(begin(bad), -EINVAL) << bad;
	EXPECT_EQ(begin(std::string(CP_RESOLVE_HOST, 'a')), -EINVAL);
}

TEST_F(Resolve, OneQuestionForManyWhoWait)
{
	a("example.com", "192.0.2.3");
	query.port = 5060;
	for (int i = 0; i < 5; i++)
		ASSERT_EQ(begin("example.com"), 0);
	EXPECT_TRUE(wait(5));
	EXPECT_EQ(answers, 5);
	EXPECT_EQ(asked["example.com/1"], 1);
}

TEST_F(Resolve, TheCancelledAreNotTold)
{
	mute = true;
	query.port = 5060;
	ASSERT_EQ(begin("example.com"), 0);
	cp_resolve_cancel(r, this);
	mute = false;
	a("example.com", "192.0.2.3");
	EXPECT_FALSE(wait(1, 200));
}

TEST_F(Resolve, FreedWhileAskingSaysNothing)
{
	mute = true;
	ASSERT_EQ(begin("example.com"), 0);
	uv_run(&loop, UV_RUN_NOWAIT);
	cp_resolver_free(r);
	r = nullptr;
	uv_run(&loop, UV_RUN_DEFAULT);
	EXPECT_EQ(answers, 0);
}

} // namespace
