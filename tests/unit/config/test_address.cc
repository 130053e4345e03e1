// SPDX-License-Identifier: BSD-3-Clause
#include <arpa/inet.h>
#include <errno.h>
#include <gtest/gtest.h>

#include "controlplane/config/config.h"

struct Good {
	const char *text;
	uint8_t family, prefix;
	uint16_t port;
};

TEST(Address, Accepted)
{
	static const Good good[] = {
		{"10.0.0.1", 4, 32, 0},
		{"10.0.0.1:5062", 4, 32, 5062},
		{"10.0.0.0/8", 4, 8, 0},
		{"0.0.0.0/0", 4, 0, 0},
		{"10.0.0.1/32", 4, 32, 0},
		{"2001:db8::1", 6, 128, 0},
		{"[2001:db8::1]", 6, 128, 0},
		{"[2001:db8::1]:65535", 6, 128, 65535},
		{"2001:db8::/32", 6, 32, 0},
		{"::/0", 6, 0, 0},
	};

	for (auto &g : good) {
		cfg_address a;

		ASSERT_EQ(cfg_address_parse(&a, g.text, true), 0) << g.text;
		EXPECT_EQ(a.family, g.family) << g.text;
		EXPECT_EQ(a.prefix, g.prefix) << g.text;
		EXPECT_EQ(a.port, g.port) << g.text;
	}
}

TEST(Address, Refused)
{
	static const char *const bad[] = {"", " ", "10.0.0", "10.0.0.1.2", "10.0.0.01",
		"10.0.0.256", "10.0.0.1:", "10.0.0.1:0", "10.0.0.1:65536", "10.0.0.1:05060",
		"10.0.0.1:+5", "10.0.0.1 ", "10.0.0.1/33", "10.0.0.1/8", "10.0.0.0/",
		"10.0.0.0/8:5", "[10.0.0.1]", "[::1", "::1]", "[]", "[::1]5060", "2001:db8::1::2",
		"2001:db8::/129", "host", "fe80::1%eth0", ":5060",
		"2001:db8:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:1"};

	for (auto text : bad) {
		cfg_address a;

		EXPECT_EQ(cfg_address_parse(&a, text, true), -EINVAL) << text;
	}
}

TEST(Address, NetworksOnlyWhereAllowed)
{
	cfg_address a;

	EXPECT_EQ(cfg_address_parse(&a, "10.0.0.0/8", false), -EINVAL);
	EXPECT_EQ(cfg_address_parse(&a, "10.0.0.1", false), 0);
}

static bool matches(const char *network, const char *ip)
{
	cfg_address n;
	cfg_address host;

	EXPECT_EQ(cfg_address_parse(&n, network, true), 0);
	EXPECT_EQ(cfg_address_parse(&host, ip, false), 0);
	return cfg_address_matches(&n, host.family, host.ip);
}

TEST(Address, Matches)
{
	EXPECT_TRUE(matches("10.0.0.1", "10.0.0.1"));
	EXPECT_FALSE(matches("10.0.0.1", "10.0.0.2"));
	EXPECT_TRUE(matches("10.0.0.0/8", "10.255.0.1"));
	EXPECT_FALSE(matches("10.0.0.0/8", "11.0.0.1"));
	EXPECT_TRUE(matches("192.0.2.128/25", "192.0.2.129"));
	EXPECT_FALSE(matches("192.0.2.128/25", "192.0.2.127"));
	EXPECT_TRUE(matches("0.0.0.0/0", "203.0.113.1"));
	EXPECT_FALSE(matches("0.0.0.0/0", "2001:db8::1"));
	EXPECT_TRUE(matches("2001:db8::/33", "2001:db8:7fff::1"));
	EXPECT_FALSE(matches("2001:db8::/33", "2001:db8:8000::1"));
	EXPECT_TRUE(matches("2001:db8::1", "2001:db8::1"));
}
