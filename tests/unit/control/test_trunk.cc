// SPDX-License-Identifier: BSD-3-Clause
// Who somebody is by his address, and where a number goes.
#include <gtest/gtest.h>

#include <string>

extern "C" {
#include "controlplane/trunk/policy.h"
}

namespace
{

struct Policy {
	cp_policy *p = nullptr;
	cfg_error error{};

	explicit Policy(const std::string &peers, const std::string &routes = "[]",
		const std::string &listen = "[udp:192.0.2.1, \"udp:[2001:db8::1]\"]")
	{
		std::string text =
			"media: {m: {device: eth0, address: 192.0.2.1}}\nsip: {listen: " + listen +
			"}\npeers: " + peers + "\nroutes: " + routes + "\n";
		cfg *c = nullptr;
		if (cfg_parse(&c, "t.yaml", text.data(), text.size(), &error) == 0)
			cp_policy_new(c, nullptr, nullptr, &p, &error);
	}
	~Policy()
	{
		cp_policy_release(p);
	}

	std::string who(const std::string &ip, uint16_t port = 5060)
	{
		sip_addr a{};
		EXPECT_EQ(sip_addr_parse(sip_slice(ip.data(), ip.size()), port, &a), 0);
		const cp_peer *peer = cp_peers_by_source(p->peers, &a);
		return peer ? peer->cfg->name : "";
	}

	int line(int from, const std::string &number)
	{
		cp_route_query q{};
		cp_choice c;
		q.from = from;
		q.number = sip_slice(number.data(), number.size());
		cp_routes_choose(p->routes, &q, &c, nullptr, nullptr);
		return c.route ? int(c.route - p->cfg->routes) : -1;
	}
};

TEST(Peers, LongestPrefixWins)
{
	Policy p("{host: {kind: trunk, address: 10.1.2.3},"
		 " net: {kind: trunk, address: [10.9.9.9, 10.1.0.0/16]},"
		 " world: {kind: access, address: [10.0.0.0/8, \"2001:db8::/32\"]},"
		 " six: {kind: trunk, address: \"2001:db8:1::7\"}}");
	ASSERT_NE(p.p, nullptr) << p.error.text;
	EXPECT_EQ(p.who("10.1.2.3"), "host");
	EXPECT_EQ(p.who("10.1.2.3", 40000), "host");
	EXPECT_EQ(p.who("10.1.2.4"), "net");
	EXPECT_EQ(p.who("10.9.9.9"), "net");
	EXPECT_EQ(p.who("10.200.0.1"), "world");
	EXPECT_EQ(p.who("11.0.0.1"), "");
	EXPECT_EQ(p.who("2001:db8:1::7"), "six");
	EXPECT_EQ(p.who("2001:db8:1::8"), "world");
	EXPECT_EQ(p.who("2001:db9::1"), "");
	EXPECT_EQ(p.who("::ffff:10.1.2.3"), "host");
}

TEST(Peers, CallsGoToTheFirstHostFromAListenerOfItsFamily)
{
	Policy p("{a: {kind: trunk, address: [10.0.0.0/8, \"10.1.1.1:5090\", 10.2.2.2]},"
		 " b: {kind: trunk, address: \"2001:db8::9\"}, c: {kind: access, address: "
		 "10.3.0.0/16}}");
	ASSERT_NE(p.p, nullptr) << p.error.text;
	const cp_peer *a = cp_peers_at(p.p->peers, 0), *b = cp_peers_at(p.p->peers, 1);
	EXPECT_TRUE(a->callable);
	EXPECT_EQ(a->remote.port, 5090);
	EXPECT_EQ(a->remote.ip[1], 1);
	EXPECT_EQ(a->socket, 0);
	EXPECT_TRUE(b->callable);
	EXPECT_EQ(b->remote.port, 5060);
	EXPECT_EQ(b->socket, 1);
	EXPECT_FALSE(cp_peers_at(p.p->peers, 2)->callable); // a network has no address to call
	EXPECT_EQ(cp_peers_at(p.p->peers, 3), nullptr);
	EXPECT_STREQ(p.p->listeners[1].host, "[2001:db8::1]");
}

TEST(Routes, TheLongestPrefixWinsThenTheFirstLine)
{
	Policy p("{x: {kind: trunk, address: 10.1.1.1}, y: {kind: trunk, address: 10.1.1.2}}",
		"[{from: x, number: \"+49\", to: [y]}, {number: \"+4930\", to: [y, x]},"
		" {from: x, number: \"+4930\", to: [x]}, {from: x, to: [y]},"
		" {from: y, number: \"0049\", to: [x]}]");
	ASSERT_NE(p.p, nullptr) << p.error.text;
	EXPECT_EQ(p.line(0, "+4940"), 0);
	EXPECT_EQ(p.line(0, "+49301234"), 1);
	EXPECT_EQ(p.line(0, "+4930"), 1);
	EXPECT_EQ(p.line(0, "+493"), 0);
	EXPECT_EQ(p.line(0, "112"), 3);
	EXPECT_EQ(p.line(0, ""), 3);
	EXPECT_EQ(p.line(1, "+49301"), 1);
	EXPECT_EQ(p.line(1, "+4940"), -1);
	EXPECT_EQ(p.line(1, "004930"), 4);
	EXPECT_EQ(p.line(1, "004"), -1);
}

TEST(Routes, AreFoundAmongMany)
{
	std::string routes = "[";
	for (int i = 0; i < 3000; i++)
		routes += "{from: x, number: \"+" + std::to_string(100000 + i) + "\", to: [y]}, ";
	Policy p("{x: {kind: trunk, address: 10.1.1.1}, y: {kind: trunk, address: 10.1.1.2}}",
		routes + "{from: x, to: [y]}]");
	ASSERT_NE(p.p, nullptr) << p.error.text;
	for (int i = 0; i < 3000; i++)
		ASSERT_EQ(p.line(0, "+" + std::to_string(100000 + i) + "55"), i);
	EXPECT_EQ(p.line(0, "+99"), 3000);
}

TEST(Policy, LivesAsLongAsSomebodyHoldsIt)
{
	Policy p("{x: {kind: trunk, address: 10.1.1.1}}");
	ASSERT_NE(p.p, nullptr) << p.error.text;
	cp_policy *held = cp_policy_hold(p.p);
	cp_policy_release(p.p);
	p.p = nullptr;
	EXPECT_STREQ(held->cfg->peers[0].name, "x");
	cp_policy_release(held);
}

} // namespace
