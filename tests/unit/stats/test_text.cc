// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <string>

#include "stats/text.h"

static std::string clean(const std::string &in, enum st_clean how, size_t size = 1000)
{
	std::string out(size, '#');
	size_t n = st_clean(out.data(), size, in.data(), in.size(), how);

	EXPECT_LT(n, size);
	EXPECT_EQ(out[n], '\0');
	return out.substr(0, n);
}

TEST(Clean, TerminalsAreNotSteered)
{
	EXPECT_EQ(clean("plain", ST_LINE), "plain");
	EXPECT_EQ(clean("a\033[2Jb", ST_LINE), "a?[2Jb");
	EXPECT_EQ(clean("a\r\nb", ST_LINE), "a??b");
	EXPECT_EQ(clean(std::string("a\0b", 3), ST_LINE), "a?b");
	EXPECT_EQ(clean("\x7f", ST_LINE), "?");
	EXPECT_EQ(clean("\xc2\x9b"
			"31m",
			  ST_LINE),
		"?31m"); // CSI as one character
	EXPECT_EQ(clean("\xe2\x80\xae"
			"gnp",
			  ST_LINE),
		"?gnp"); // right-to-left override
	EXPECT_EQ(clean("J\xc3\xbcrgen", ST_LINE), "J\xc3\xbcrgen");
}

TEST(Clean, BrokenUtf8)
{
	for (const char *bad : {"\xff", "\x80", "\xc3", "\xe2\x82", "\xc0\xaf", "\xed\xa0\x80",
		     "\xf4\x90\x80\x80", "\xe0\x80\xaf"}) {
		EXPECT_EQ(clean(bad, ST_LINE), std::string(strlen(bad), '?'));
		std::string json;
		for (size_t i = 0; i < strlen(bad); i++)
			json += "\xef\xbf\xbd";
		EXPECT_EQ(clean(bad, ST_BYTES), json);
	}
}

TEST(Clean, Lines)
{
	EXPECT_EQ(clean("a\r\n\tb\r\n", ST_LINES), "a\n\tb\n");
	EXPECT_EQ(clean("a\rb", ST_LINES), "a?b");
	EXPECT_EQ(clean("a\r\n\033", ST_BYTES), "a\r\n\033");
}

TEST(Clean, NeverBeyondItsSize)
{
	EXPECT_EQ(clean("abcdef", ST_LINE, 4), "abc");
	EXPECT_EQ(clean("ab\xc3\xbc", ST_LINE, 4), "ab"); // no half characters
	EXPECT_EQ(clean("abc", ST_LINE, 1), "");
	EXPECT_EQ(st_clean(nullptr, 0, "a", 1, ST_LINE), 0u);
}

TEST(Text, Addresses)
{
	const uint8_t four[16] = {192, 0, 2, 1}, six[16] = {0x20, 0x01, 0x0d, 0xb8};
	char text[ST_ADDR_TEXT];

	st_addr(text, four, 4, 5060);
	EXPECT_STREQ(text, "192.0.2.1:5060");
	st_addr(text, four, 4, 0);
	EXPECT_STREQ(text, "192.0.2.1");
	st_addr(text, six, 6, 5060);
	EXPECT_STREQ(text, "[2001:db8::]:5060");
	st_addr(text, six, 6, 0);
	EXPECT_STREQ(text, "2001:db8::");
	st_addr(text, four, 9, 5060);
	EXPECT_STREQ(text, "-");
}

TEST(Text, Durations)
{
	char text[ST_TIME_TEXT];

	st_duration(text, 1000000, 43500000);
	EXPECT_STREQ(text, "0:42");
	st_duration(text, 1000000, 3723000000u + 1000000u);
	EXPECT_STREQ(text, "1:02:03");
	st_duration(text, 0, 5);
	EXPECT_STREQ(text, "-");
	st_duration(text, 10, 5);
	EXPECT_STREQ(text, "-");
	st_duration(text, 1, UINT64_MAX);
	EXPECT_NE(text[0], '\0');
}

TEST(Text, ClockOfAnyTime)
{
	char text[ST_TIME_TEXT];

	setenv("TZ", "UTC", 1);
	tzset();
	st_clock(text, 3723004000u, 0);
	EXPECT_STREQ(text, "01:02:03.004");
	st_clock(text, UINT64_MAX, 5);
	st_clock(text, UINT64_MAX / 2, 5);
}

TEST(Table, Aligned)
{
	char *text = nullptr;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	st_table *t = st_table_new("NAME|>N|LAST");

	st_cell(t, "%s", "a");
	st_cell(t, "%d", 5);
	st_cell(t, "%s", "x");
	st_cell(t, "%s", "l\xc3\xa4nger");
	st_cell(t, "%d", 12345);
	st_cell(t, "%s", "evil\n\033row");
	EXPECT_EQ(st_table_print(t, out), 0);
	fclose(out);
	EXPECT_STREQ(text, "NAME        N  LAST\n"
			   "a           5  x\n"
			   "l\xc3\xa4nger  12345  evil??row\n");
	free(text);
	EXPECT_LT(st_table_print(nullptr, stdout), 0);
}
