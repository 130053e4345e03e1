// SPDX-License-Identifier: BSD-3-Clause
// Price lists: what is read, what is refused by file and line, what a call costs.
#include "parse.h"

extern "C" {
#include "controlplane/trunk/csv.h"
}

namespace
{

struct Rates {
	cp_rates *r = nullptr;
	cfg_error error{};
	int err;

	explicit Rates(const std::string &text)
	{
		err = cp_rates_parse(&r, "r.csv", text.data(), text.size(), &error);
	}
	~Rates()
	{
		cp_rates_free(r);
	}
	int64_t minute(const char *number)
	{
		const cp_rate *rate = cp_rates_find(r, sip_str(number));
		return rate ? rate->minute : -1;
	}
};

TEST(Rates, TheLongestPrefixOfAnInternationalNumber)
{
	Rates r("\xef\xbb\xbfprefix,rate\r\n# Germany\r\n49, "
		"0.009\r\n\"+4915\";0.042;0.01;60;10\n\n1,0.0000015\n");
	EXPECT_NE(r.err, 0) << "seven places";
	Rates s("prefix,rate\r\n# Germany\r\n49, "
		"0.009\r\n\"+4915\";0.042;0.01;60;10\n\n1,0.000001\n441,2");
	ASSERT_EQ(s.err, 0) << s.error.text;
	EXPECT_EQ(cp_rates_count(s.r), 4u);
	EXPECT_EQ(s.minute("+49301234"), 9000);
	EXPECT_EQ(s.minute("+49151234"), 42000);
	EXPECT_EQ(s.minute("49151234"), 42000); // plain, long enough
	EXPECT_EQ(s.minute("+1"), 1);
	EXPECT_EQ(s.minute("110"), -1); // a short code is not America
	EXPECT_EQ(s.minute("+44"), -1);
	EXPECT_EQ(s.minute("+441"), 2000000);
	EXPECT_EQ(s.minute(""), -1);
	const cp_rate *mobile = cp_rates_find(s.r, sip_str("+4915"));
	ASSERT_NE(mobile, nullptr);
	EXPECT_EQ(cp_rate_cost(mobile, 0), 0);
	EXPECT_EQ(cp_rate_cost(mobile, 1), 10000 + 42000);
	EXPECT_EQ(cp_rate_cost(mobile, 60000), 10000 + 42000);
	EXPECT_EQ(cp_rate_cost(mobile, 60001), 10000 + 42000 * 70 / 60);
	EXPECT_EQ(cp_rate_cost(cp_rates_find(s.r, sip_str("+49301")), 1500), 300); // 2 s
}

TEST(Rates, WhatIsWrongNamesFileAndLine)
{
	const struct {
		const char *text, *error;
	} cases[] = {
		{"49,0.1\n49\n", "r.csv:2: expected prefix,rate"},
		{"49,0.1\n49,0.2,1,1,1,1\n", "r.csv:2: expected prefix,rate"},
		{"49,0.1\n\n4x,0.1\n", "r.csv:3: prefix: expected the first digits"},
		{"049,0.1\n", "r.csv:1: prefix: "},
		{"+,0.1\n", "r.csv:1: prefix: "},
		{"49,free\n", "r.csv:1: rate: expected an amount of money such as 0.0125, found "
			      "\"free\""},
		{"49,-1\n", "r.csv:1: rate: "},
		{"49,1,x\n", "r.csv:1: connect: "},
		{"49,1,0,0,1\n", "r.csv:1: first: expected seconds"},
		{"49,1,0,60,99999999999\n", "r.csv:1: next: expected seconds"},
		{"49,1\n1,1\n+49,2\n",
			"r.csv:3: prefix: expected each once, found 49 in line 1 too"},
	};
	for (auto &c : cases) {
		Rates r(c.text);
		EXPECT_EQ(r.err, -EINVAL) << c.text;
		EXPECT_NE(std::string(r.error.text).find(c.error), std::string::npos)
			<< r.error.text;
		EXPECT_EQ(r.r, nullptr);
	}
	cp_rates *none = nullptr;
	cfg_error error{};
	EXPECT_EQ(cp_rates_load(&none, "/nowhere/r.csv", &error), -ENOENT);
	EXPECT_STREQ(error.text, "/nowhere/r.csv: cannot be read: No such file or directory");
	EXPECT_EQ(cp_rates_load(&none, "/tmp", &error), -EISDIR);
}

} // namespace
