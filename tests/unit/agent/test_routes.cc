// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <arpa/inet.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "dataplane/agent/routes.h"

namespace
{
constexpr int A = 3, B = 4; // interfaces

struct Routes : testing::Test {
	route_table *table = routes_new();

	~Routes() override
	{
		routes_free(table);
	}

	static route make(const char *to, uint8_t prefix, int interface, const char *via = nullptr,
		uint32_t metric = 0)
	{
		route r = {};

		r.family = strchr(to, ':') ? 6 : 4;
		r.prefix = prefix;
		r.metric = metric;
		r.interface = interface;
		inet_pton(r.family == 4 ? AF_INET : AF_INET6, to, r.destination);
		if (via) {
			r.gateway_family = strchr(via, ':') ? 6 : 4;
			inet_pton(r.gateway_family == 4 ? AF_INET : AF_INET6, via, r.gateway);
		}
		return r;
	}

	void add(const route &r)
	{
		EXPECT_EQ(0, routes_add(table, &r));
	}

	std::string hop(const char *to, int interface)
	{
		uint8_t ip[16] = {}, out[16], family;
		bool six = strchr(to, ':');
		char text[INET6_ADDRSTRLEN];

		inet_pton(six ? AF_INET6 : AF_INET, to, ip);
		if (routes_lookup(table, six ? 6 : 4, ip, interface, &family, out))
			return "none";
		return inet_ntop(family == 4 ? AF_INET : AF_INET6, out, text, sizeof(text));
	}
};
} // namespace

TEST_F(Routes, NothingLeadsNowhere)
{
	EXPECT_EQ("none", hop("10.0.0.1", A));
	EXPECT_EQ("none", hop("2001:db8::1", A));
}

TEST_F(Routes, ConnectedIsReachedDirectlyAndTheRestByTheGateway)
{
	add(make("10.1.0.0", 24, A));
	add(make("0.0.0.0", 0, A, "10.1.0.254"));
	EXPECT_EQ("10.1.0.7", hop("10.1.0.7", A));
	EXPECT_EQ("10.1.0.254", hop("8.8.8.8", A));
	EXPECT_EQ("none", hop("8.8.8.8", B));
}

TEST_F(Routes, TheLongestPrefixWinsWhateverTheOrder)
{
	add(make("10.1.2.0", 24, A, "10.0.0.3"));
	add(make("10.0.0.0", 8, A, "10.0.0.1"));
	add(make("10.1.2.128", 25, A, "10.0.0.4"));
	add(make("10.1.0.0", 16, A, "10.0.0.2"));
	add(make("10.1.2.200", 32, A, "10.0.0.5"));
	EXPECT_EQ("10.0.0.1", hop("10.200.0.1", A));
	EXPECT_EQ("10.0.0.2", hop("10.1.3.1", A));
	EXPECT_EQ("10.0.0.3", hop("10.1.2.1", A));
	EXPECT_EQ("10.0.0.4", hop("10.1.2.129", A));
	EXPECT_EQ("10.0.0.5", hop("10.1.2.200", A));
}

TEST_F(Routes, EachInterfaceFindsItsOwnDefault)
{
	add(make("0.0.0.0", 0, A, "10.1.0.254", 100));
	add(make("0.0.0.0", 0, B, "10.2.0.254", 200));
	EXPECT_EQ("10.1.0.254", hop("1.1.1.1", A));
	EXPECT_EQ("10.2.0.254", hop("1.1.1.1", B));
	// A longer prefix by the other interface is none of ours.
	add(make("1.1.1.0", 24, B, "10.2.0.253"));
	EXPECT_EQ("10.1.0.254", hop("1.1.1.1", A));
}

TEST_F(Routes, TheLowestMetricWinsAndItsSuccessorTakesOver)
{
	route best = make("0.0.0.0", 0, A, "10.1.0.1", 10);

	add(make("0.0.0.0", 0, A, "10.1.0.2", 20));
	add(best);
	EXPECT_EQ("10.1.0.1", hop("9.9.9.9", A));
	EXPECT_EQ(0, routes_remove(table, &best));
	EXPECT_EQ("10.1.0.2", hop("9.9.9.9", A));
	EXPECT_EQ(-ENOENT, routes_remove(table, &best));
}

TEST_F(Routes, BlackholesHoldForEveryInterface)
{
	route hole = make("10.9.0.0", 16, 0);

	hole.blocked = true;
	add(make("0.0.0.0", 0, A, "10.1.0.1"));
	add(hole);
	EXPECT_EQ("none", hop("10.9.1.1", A));
	EXPECT_EQ("10.1.0.1", hop("10.8.1.1", A));
}

TEST_F(Routes, AReplacedRouteLeavesNothingBehind)
{
	route any = make("0.0.0.0", 0, 0);

	add(make("0.0.0.0", 0, A, "10.1.0.1"));
	add(make("0.0.0.0", 0, B, "10.2.0.1"));
	EXPECT_EQ(0, routes_remove(table, &any)); // interface 0: all
	EXPECT_EQ(0u, routes_count(table));
	EXPECT_EQ("none", hop("1.2.3.4", A));
}

TEST_F(Routes, TheSameRouteTwiceIsOne)
{
	add(make("10.1.0.0", 24, A));
	add(make("10.1.0.99", 24, A)); // host bits say nothing
	EXPECT_EQ(1u, routes_count(table));
}

TEST_F(Routes, Ipv6AndIpv4ByAnIpv6Gateway)
{
	add(make("2001:db8:1::", 64, A));
	add(make("::", 0, A, "fe80::1"));
	add(make("0.0.0.0", 0, A, "fe80::1"));
	EXPECT_EQ("2001:db8:1::5", hop("2001:db8:1::5", A));
	EXPECT_EQ("fe80::1", hop("2001:db8:2::5", A));
	EXPECT_EQ("fe80::1", hop("192.0.2.1", A));
}

TEST_F(Routes, PrefixesThatCannotBeAreRefused)
{
	route r = make("10.0.0.0", 33, A);

	EXPECT_EQ(-EINVAL, routes_add(table, &r));
	r = make("10.0.0.0", 8, A);
	r.family = 5;
	EXPECT_EQ(-EINVAL, routes_add(table, &r));
}

TEST_F(Routes, ManyRoutesAreAllFoundAgain)
{
	for (unsigned i = 0; i < 20000; i++) {
		route r = make("0.0.0.0", 24, A, "10.0.0.1");

		r.destination[0] = 20;
		r.destination[1] = (uint8_t)(i >> 8);
		r.destination[2] = (uint8_t)i;
		add(r);
	}
	EXPECT_EQ(20000u, routes_count(table));
	EXPECT_EQ("10.0.0.1", hop("20.0.0.9", A));
	EXPECT_EQ("10.0.0.1", hop("20.78.31.9", A));
	EXPECT_EQ("none", hop("20.79.0.9", A));
	routes_clear(table);
	EXPECT_EQ("none", hop("20.0.0.9", A));
}
