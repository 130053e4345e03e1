// SPDX-License-Identifier: BSD-3-Clause
// Numbers as peers write them, canonical in between; hours and days of time zones.
#include "parse.h"

extern "C" {
#include "controlplane/trunk/zone.h"
}

namespace
{

std::string in(const cfg_numbers *n, const char *number, unsigned of = CFG_OF_CALLED)
{
	char out[CP_NUMBER];
	return cp_number_receive(n, of, sip_str(number), out) < 0 ? "error" : out;
}

std::string out(const cfg_numbers *n, const char *number, unsigned of = CFG_OF_CALLED)
{
	char to[CP_NUMBER];
	return cp_number_send(n, of, sip_str(number), to) < 0 ? "error" : to;
}

TEST(Numbers, EveryFormBecomesCanonicalAndAnyFormGoesOut)
{
	trunk::Config c("{de: {kind: trunk, address: 10.0.0.1, numbers: {country: 49, area: 30, "
			"outbound: national}},"
			" us: {kind: trunk, address: 10.0.0.2, numbers: {country: 1, national: "
			"\"1\", international: \"011\","
			" inbound: plain, outbound: plain}},"
			" it: {kind: trunk, address: 10.0.0.3, numbers: {country: 39, national: "
			"\"\", outbound: international}},"
			" e: {kind: trunk, address: 10.0.0.4, numbers: {country: 49}},"
			" no: {kind: trunk, address: 10.0.0.5}}");
	ASSERT_NE(c.c, nullptr) << c.error.text;
	const cfg_numbers *de = c.c->peers[0].trunk.numbers, *us = c.c->peers[1].trunk.numbers,
			  *it = c.c->peers[2].trunk.numbers, *e = c.c->peers[3].trunk.numbers;
	EXPECT_EQ(in(de, "+4930123456"), "+4930123456");
	EXPECT_EQ(in(de, "004930123456"), "+4930123456");
	EXPECT_EQ(in(de, "030123456"), "+4930123456");
	EXPECT_EQ(in(de, "0123"), "0123"); // no number has so few digits
	EXPECT_EQ(in(de, "123456"), "+4930123456");
	EXPECT_EQ(in(de, "112"), "112");
	EXPECT_EQ(in(de, "0044201234567"), "+44201234567");
	EXPECT_EQ(in(de, "*21#"), "*21#");
	EXPECT_EQ(in(de, "alice"), "alice");
	EXPECT_EQ(in(us, "12125550100"), "+12125550100");
	EXPECT_EQ(in(us, "442012345678"), "+442012345678");
	EXPECT_EQ(in(us, "011442012345678"), "+442012345678");
	EXPECT_EQ(in(us, "911"), "911");
	EXPECT_EQ(in(it, "0612345678"), "+390612345678"); // Italy keeps its zero
	EXPECT_EQ(in(nullptr, "030123456"), "030123456");
	EXPECT_EQ(out(de, "+4930123456"), "030123456");
	EXPECT_EQ(out(de, "+442012345678"), "00442012345678");
	EXPECT_EQ(out(de, "112"), "112");
	EXPECT_EQ(out(us, "+4930123456"), "4930123456");
	EXPECT_EQ(out(it, "+390612345678"), "00390612345678");
	EXPECT_EQ(out(e, "+4930123456"), "+4930123456");
	EXPECT_EQ(out(nullptr, "+4930123456"), "+4930123456");
	EXPECT_EQ(in(de, std::string(127, '9').c_str()), "error"); // it would not fit any more
}

TEST(Numbers, RulesRewriteBeforeAndAfter)
{
	trunk::Config c(
		"{a: {kind: trunk, address: 10.0.0.1, numbers: {country: 49, outbound: national,"
		" in: [{match: \"^9([0-9]+)$\", with: \"\\\\1\"}, {of: caller, match: \"^(1..)$\", "
		"with: \"03055\\\\1\"}],"
		" out: [{of: both, match: \"^0(180.*)$\", with: \"X\\\\1\\\\\\\\\"}]}}}");
	ASSERT_NE(c.c, nullptr) << c.error.text;
	const cfg_numbers *n = c.c->peers[0].trunk.numbers;
	EXPECT_EQ(in(n, "9030123456"), "+4930123456");
	EXPECT_EQ(in(n, "123"), "123");
	EXPECT_EQ(in(n, "123", CFG_OF_CALLER), "+493055123");
	EXPECT_EQ(out(n, "+4918012345"), "X18012345\\");
	EXPECT_EQ(out(n, "+493012345"), "03012345");
}

TEST(Numbers, WhatIsWrongIsRefused)
{
	auto error = [](const std::string &numbers) {
		trunk::Config c("{a: {kind: trunk, address: 10.0.0.1, numbers: " + numbers + "}}");
		EXPECT_EQ(c.c, nullptr) << numbers;
		return std::string(c.error.text);
	};
	EXPECT_NE(error("{country: 049}")
			  .find("t.yaml:3: peers.a.numbers.country: expected a country code"),
		std::string::npos);
	EXPECT_NE(
		error("{outbound: national}").find("expected the key country"), std::string::npos);
	EXPECT_NE(error("{in: [{match: \"(\", with: a}]}").find("expected a regular expression"),
		std::string::npos);
	EXPECT_NE(error("{in: [{match: a, with: \"\\\\1\"}]}").find("it has 0"), std::string::npos);
	EXPECT_NE(error("{in: [{match: a}]}").find("found no with"), std::string::npos);
	EXPECT_NE(error("{outbound: local}").find("as_is, e164, plain, national or international"),
		std::string::npos);
}

TEST(Zones, SummerAndWinterFarPastWhatTheFileLists)
{
	cp_zone *z = nullptr;
	cp_local l;
	ASSERT_EQ(cp_zone_load(&z, "Europe/Berlin"), 0);
	EXPECT_EQ(cp_zone_offset(z, 1767225600), 3600); // 2026-01-01
	EXPECT_EQ(cp_zone_offset(z, 1774745999), 3600); // 2026-03-29 00:59:59 UTC
	EXPECT_EQ(cp_zone_offset(z, 1774746000), 7200); // and the second after it
	EXPECT_EQ(cp_zone_offset(z, 1792890000), 3600); // 2026-10-25 01:00 UTC
	EXPECT_EQ(cp_zone_offset(z, 1792889999), 7200);
	EXPECT_EQ(cp_zone_offset(z, 3645216000), 7200); // July 2085: the footer says it
	EXPECT_EQ(cp_zone_offset(z, 3629318400), 3600); // January 2085
	cp_zone_local(z, 1774745999, &l);
	EXPECT_EQ(l.year, 2026);
	EXPECT_EQ(l.month, 3u);
	EXPECT_EQ(l.day, 29u);
	EXPECT_EQ(l.weekday, 6u); // Sunday
	EXPECT_EQ(l.minute, 119u);
	EXPECT_EQ(l.day_start, 1774738800);
	cp_zone_local(z, 1774746000, &l);
	EXPECT_EQ(l.minute, 180u);
	EXPECT_EQ(l.day_start, 1774738800); // midnight was before the change
	cp_zone_free(z);
	ASSERT_EQ(cp_zone_load(&z, "Australia/Sydney"), 0); // summer over the turn of the year
	EXPECT_EQ(cp_zone_offset(z, 3629318400), 39600);
	EXPECT_EQ(cp_zone_offset(z, 3645216000), 36000);
	cp_zone_free(z);
	ASSERT_EQ(cp_zone_load(&z, "Asia/Kolkata"), 0);
	EXPECT_EQ(cp_zone_offset(z, 3645216000), 19800);
	cp_zone_free(z);
	EXPECT_EQ(cp_zone_offset(nullptr, 0), 0);
	EXPECT_EQ(cp_zone_load(&z, "No/Where"), -ENOENT);
	const uint8_t junk[60] = {'T', 'Z', 'i', 'f', '2'};
	EXPECT_LT(cp_zone_parse(&z, junk, sizeof(junk)), 0);
}

} // namespace
