// SPDX-License-Identifier: BSD-3-Clause
// Which way a call goes: conditions, order, price, loops, emergencies, tables.
#include "parse.h"

#include <map>

namespace
{

const char *const kPeers =
	"{office: {kind: trunk, address: 10.0.0.1}, a: {kind: trunk, address: 10.0.0.2},"
	" b: {kind: trunk, address: 10.0.0.3}, c: {kind: trunk, address: 10.0.0.4},"
	" phones: {kind: access, address: [10.0.0.5]}}";

struct Routes {
	trunk::Config c;
	cp_routes *r = nullptr;
	cfg_error error{};
	std::string said;

	explicit Routes(const std::string &routes, const std::string &peers = kPeers)
	    : c(peers, routes)
	{
		if (c.c)
			cp_routes_new(c.c, &r, &error);
		else
			error = c.error;
	}
	~Routes()
	{
		cp_routes_free(r);
	}

	// The names of the peers in order, or the status.
	std::string go(const std::string &number, int from = 0, int64_t now = 0,
		const std::string &caller = "", uint64_t random = 1)
	{
		cp_route_query q{};
		cp_choice choice;
		std::string names;
		q.from = from;
		q.number = sip_slice(number.data(), number.size());
		q.caller = sip_slice(caller.data(), caller.size());
		q.now = now;
		q.random = random;
		q.emergency = cp_routes_emergency(c.c, q.number);
		said.clear();
		cp_routes_choose(
			r, &q, &choice,
			[](void *ctx, const char *text) {
				static_cast<Routes *>(ctx)->said += std::string(text) + "\n";
			},
			this);
		if (choice.status)
			return std::to_string(choice.status);
		for (unsigned i = 0; i < choice.count; i++)
			names += (i ? " " : "") + std::string(c.c->peers[choice.to[i]].name);
		sent = choice.number;
		return names;
	}
	std::string sent;
};

TEST(Routes, PassOverLinesThatDoNotHoldOnToShorterPrefixes)
{
	Routes r("[{from: office, number: \"+4930\", caller: [\"+4940\", anonymous], to: [a]},"
		 " {from: office, number: \"+4930\", when: {days: mon-fri, hours: \"08:00-18:00\", "
		 "zone: Europe/Berlin},"
		 " to: [b]}, {from: office, number: \"+49\", to: [c, b]}, {number: \"+\", refuse: "
		 "403}]");
	ASSERT_NE(r.r, nullptr) << r.error.text;
	const int64_t monday_noon = 1767610800; // 2026-01-05 12:00 in Berlin
	EXPECT_EQ(r.go("+49301", 0, monday_noon, "+49401"), "a");
	EXPECT_EQ(r.go("+49301", 0, monday_noon, ""), "a");
	EXPECT_EQ(r.go("+49301", 0, monday_noon, "+49301"), "b");
	EXPECT_NE(r.said.find("line 4: passed over: not for this caller"), std::string::npos)
		<< r.said;
	EXPECT_EQ(r.go("+49301", 0, monday_noon + 6 * 3600 - 1, "+1"), "b");
	EXPECT_EQ(r.go("+49301", 0, monday_noon + 6 * 3600, "+1"), "c b");
	EXPECT_EQ(r.go("+49301", 0, monday_noon - 86400, "+1"), "c b"); // Sunday
	EXPECT_EQ(r.go("+44", 0, monday_noon), "403");
	EXPECT_EQ(r.go("44", 0, monday_noon), "404");
	EXPECT_EQ(r.go("+49301", 1, monday_noon), "403"); // only the line of any is for it
}

TEST(Routes, HoursOverMidnightBelongToTheDayTheyBegan)
{
	Routes r("[{from: office, when: [{days: fri, hours: \"22:00-06:00\", zone: UTC}, {dates: "
		 "[12-25, 2026-05-01],"
		 " zone: UTC}], to: [a]}, {from: office, to: [b]}]");
	ASSERT_NE(r.r, nullptr) << r.error.text;
	const int64_t friday = 1767916800;           // 2026-01-09 00:00
	EXPECT_EQ(r.go("1", 0, friday + 3600), "b"); // still Thursday's night
	EXPECT_EQ(r.go("1", 0, friday + 22 * 3600), "a");
	EXPECT_EQ(r.go("1", 0, friday + 29 * 3600), "a");
	EXPECT_EQ(r.go("1", 0, friday + 30 * 3600), "b");
	EXPECT_EQ(r.go("1", 0, friday + 46 * 3600), "b"); // Saturday night
	EXPECT_EQ(r.go("1", 0, 1766620800), "a");         // 25 December 2025
	EXPECT_EQ(r.go("1", 0, 1777593600), "a");         // 1 May 2026
	EXPECT_EQ(r.go("1", 0, 1777593600 + 365 * 86400 + 43200), "b"); // 2027
}

TEST(Routes, WeightsShareWhatHasOnePriority)
{
	Routes r("[{from: office, to: [{peer: a, weight: 3}, {peer: b, weight: 1}, c]}]");
	ASSERT_NE(r.r, nullptr) << r.error.text;
	std::map<std::string, int> seen;
	for (uint64_t i = 0; i < 4000; i++)
		seen[r.go("1", 0, 0, "", i * 7919)]++;
	EXPECT_EQ(seen.size(), 2u);
	EXPECT_NEAR(seen["a b c"], 3000, 150);
	EXPECT_NEAR(seen["b a c"], 1000, 150);
	Routes p("[{from: office, to: [{peer: a, priority: 2}, {peer: b, priority: 1}]}]");
	EXPECT_EQ(p.go("1"), "b a");
}

TEST(Routes, LeastCostByTheRatesOfEach)
{
	trunk::File a("prefix,rate\n49,0.02\n4930,0.01\n44,0.05\n"), b("49,0.015\n882,5\n"),
		c("4930,0.02\n");
	std::string peers = std::string("{office: {kind: trunk, address: 10.0.0.1}, ") +
			    "a: {kind: trunk, address: 10.0.0.2, rates: " + a.path +
			    "}, b: {kind: trunk, address: 10.0.0.3, rates: " + b.path +
			    "}, c: {kind: trunk, address: 10.0.0.4, rates: " + c.path +
			    "}, d: {kind: trunk, address: 10.0.0.6}}";
	Routes r("[{from: office, number: \"+\", order: cost, max_rate: 0.04, to: [a, b, c]},"
		 " {from: office, number: \"\", order: cost, to: [d, a]}]",
		peers);
	ASSERT_NE(r.r, nullptr) << r.error.text;
	EXPECT_EQ(r.go("+49301"), "a b c");
	EXPECT_EQ(r.go("+49891"), "b a");
	EXPECT_EQ(r.go("+441"),
		"a d"); // above max_rate in the first line; what has no price list comes last
	EXPECT_NE(r.said.find("0.050000 a minute is above max_rate"), std::string::npos) << r.said;
	EXPECT_EQ(r.go("+1"), "d");
	EXPECT_EQ(cp_routes_rates(r.r, 4, CFG_OUT), nullptr);
	EXPECT_NE(cp_routes_rates(r.r, 1, CFG_OUT), nullptr);
}

TEST(Routes, LoopsAreRefusedAndPhonesMayCallEachOther)
{
	Routes r("[{number: \"+1\", to: [a]}, {number: \"+2\", to: [a, b]}, {from: a, number: "
		 "\"+3\", to: [a]},"
		 " {from: phones, to: [phones]}]");
	ASSERT_NE(r.r, nullptr) << r.error.text;
	EXPECT_EQ(r.go("+1", 0), "a");
	EXPECT_EQ(r.go("+1", 1), "482");
	EXPECT_EQ(r.go("+2", 1), "b");
	EXPECT_EQ(r.go("+3", 1), "a"); // written so
	EXPECT_EQ(r.go("+9", 4), "phones");
}

TEST(Routes, EmergenciesGoFirstWhateverTheRest)
{
	trunk::File a("49,0.02\n");
	std::string peers =
		std::string("{office: {kind: trunk, address: 10.0.0.1}, a: {kind: trunk, address: "
			    "10.0.0.2, rates: ") +
		a.path + "}, b: {kind: trunk, address: 10.0.0.3}}";
	Routes r("[{from: office, number: \"112\", to: [a]}, {from: office, refuse: 403}, {number: "
		 "\"112\", emergency: yes,"
		 " strip: 3, prepend: \"+49110\", caller: [\"+1\"], max_rate: 0.000001, to: [b, "
		 "a]}]",
		peers);
	ASSERT_NE(r.r, nullptr) << r.error.text;
	EXPECT_EQ(r.go("112"), "b a");
	EXPECT_EQ(r.sent, "+49110");
	EXPECT_EQ(r.go("911"), "404"); // refuse: is passed over, and nothing else is there
	EXPECT_EQ(r.go("113"), "403");
	EXPECT_TRUE(cp_routes_emergency(r.c.c, sip_str("urn:service:sos.police")));
	EXPECT_FALSE(cp_routes_emergency(r.c.c, sip_str("urn:service:soso")));
	EXPECT_FALSE(cp_routes_emergency(r.c.c, sip_str("1123")));
}

TEST(Routes, TablesAreLinesOfTheirRoute)
{
	trunk::File t("prefix,peer\n+4930,a\n+493012, b, c\n+493013;c;\n");
	Routes r("[{from: office, table: " + std::string(t.path) +
		 "}, {from: office, number: \"+4930\", to: [b]},"
		 " {from: office, number: \"+49301\", to: [c]}]");
	ASSERT_NE(r.r, nullptr) << r.error.text;
	EXPECT_EQ(r.go("+49302"), "a");
	EXPECT_EQ(r.go("+493012"), "b c");
	EXPECT_EQ(r.go("+493013"), "c");
	EXPECT_EQ(r.go("+493019"), "c");
	EXPECT_EQ(r.go("+494"), "404");
	trunk::File bad("+4930,a\n+4931,nobody\n"), worse("x\n");
	Routes e("[{from: office, table: " + std::string(bad.path) + "}]");
	EXPECT_EQ(e.r, nullptr);
	EXPECT_EQ(std::string(e.error.text),
		std::string(bad.path) +
			":2: expected the name of a peer in peers, found \"nobody\"");
	Routes f("[{from: office, table: " + std::string(worse.path) + "}]");
	EXPECT_NE(std::string(f.error.text).find(":1: prefix: expected"), std::string::npos)
		<< f.error.text;
	Routes g("[{from: office, table: /nowhere.csv}]");
	EXPECT_STREQ(g.error.text, "/nowhere.csv: cannot be read: No such file or directory");
}

TEST(Routes, WhatIsWrongIsRefusedByFileAndLine)
{
	auto error = [](const std::string &route) {
		Routes r("[" + route + "]");
		EXPECT_EQ(r.r, nullptr) << route;
		return std::string(r.error.text);
	};
	EXPECT_NE(error("{to: [a], refuse: 403}")
			  .find("t.yaml:4: routes[0]: expected one of to, table and refuse"),
		std::string::npos);
	EXPECT_NE(error("{to: [a], when: {days: someday}}").find("expected a weekday"),
		std::string::npos);
	EXPECT_NE(error("{to: [a], when: {hours: \"8-18\"}}").find("expected a span of the day"),
		std::string::npos);
	EXPECT_NE(error("{to: [a], when: {zone: Berlin}}").find("expected a time zone"),
		std::string::npos);
	EXPECT_NE(error("{to: [a], when: {dates: 13-01}}").find("expected a date"),
		std::string::npos);
	EXPECT_NE(error("{to: [{peer: a, weight: 0}]}").find("a weight from 1 to 1000"),
		std::string::npos);
	EXPECT_NE(error("{to: [{weight: 1}]}").find("expected the key peer"), std::string::npos);
	EXPECT_NE(error("{to: [a], order: price}").find("expected priority or cost"),
		std::string::npos);
	EXPECT_NE(error("{to: [a], max_rate: much}").find("an amount of money"), std::string::npos);
}

} // namespace
