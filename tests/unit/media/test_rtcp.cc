// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <vector>

#include "dataplane/media/rtcp.h"

namespace
{
using Bytes = std::vector<uint8_t>;

Bytes piece(uint8_t first, uint8_t type, uint16_t words)
{
	Bytes p = {first, type, static_cast<uint8_t>(words >> 8), static_cast<uint8_t>(words)};

	p.resize(4 + words * 4u, 0x11);
	return p;
}

Bytes operator+(Bytes a, const Bytes &b)
{
	a.insert(a.end(), b.begin(), b.end());
	return a;
}

enum rtcp_verdict parse(const Bytes &p, struct rtcp_view *v)
{
	std::vector<uint8_t> exact(p);
	exact.shrink_to_fit();
	return rtcp_parse(v, exact.data(), exact.size());
}

TEST(Rtcp, ReadsACompound)
{
	struct rtcp_view v;

	ASSERT_EQ(parse(piece(0x80, RTCP_SR, 6) + piece(0x81, RTCP_SDES, 3), &v), RTCP_GOOD);
	EXPECT_EQ(v.type, RTCP_SR);
	EXPECT_EQ(v.packets, 2);
	EXPECT_EQ(v.ssrc, 0x11111111u);
	EXPECT_EQ(v.bye, 0);
}

TEST(Rtcp, SeesBye)
{
	struct rtcp_view v;

	ASSERT_EQ(parse(piece(0x80, RTCP_RR, 1) + piece(0x81, RTCP_BYE, 1), &v), RTCP_GOOD);
	EXPECT_EQ(v.bye, 1);
}

TEST(Rtcp, TakesReducedSize)
{
	struct rtcp_view v;

	EXPECT_EQ(parse(piece(0x81, RTCP_PSFB, 2), &v), RTCP_GOOD);
}

TEST(Rtcp, RefusesLengthsThatDoNotAddUp)
{
	struct rtcp_view v;
	Bytes p = piece(0x80, RTCP_RR, 7);

	for (size_t cut = 1; cut < p.size(); cut++) {
		Bytes q(p.begin(), p.end() - static_cast<long>(cut));
		EXPECT_NE(parse(q, &v), RTCP_GOOD) << cut;
	}
	p.push_back(0x80);
	EXPECT_EQ(parse(p, &v), RTCP_BAD_LENGTH);
	EXPECT_EQ(parse(piece(0x80, RTCP_RR, 0), &v), RTCP_BAD_SHORT);
}

TEST(Rtcp, RefusesOtherVersionsAndTypes)
{
	struct rtcp_view v;

	EXPECT_EQ(parse(piece(0x40, RTCP_RR, 1), &v), RTCP_BAD_VERSION);
	EXPECT_EQ(parse(piece(0x80, 8, 1), &v), RTCP_BAD_TYPE);
	EXPECT_EQ(parse(piece(0x80, RTCP_RR, 1) + piece(0xc0, RTCP_SDES, 1), &v), RTCP_BAD_VERSION);
	EXPECT_EQ(parse(piece(0x80, RTCP_RR, 1) + piece(0x80, 224, 1), &v), RTCP_BAD_TYPE);
}

TEST(Rtcp, PaddingIsOnlyInTheLastAndWholeWords)
{
	struct rtcp_view v;
	Bytes last = piece(0xa0, RTCP_RR, 2);

	last.back() = 4;
	EXPECT_EQ(parse(last, &v), RTCP_GOOD);
	last.back() = 3;
	EXPECT_EQ(parse(last, &v), RTCP_BAD_PADDING);
	last.back() = 0;
	EXPECT_EQ(parse(last, &v), RTCP_BAD_PADDING);
	last.back() = 12;
	EXPECT_EQ(parse(last, &v), RTCP_BAD_PADDING);
	last.back() = 4;
	EXPECT_EQ(parse(last + piece(0x80, RTCP_SDES, 1), &v), RTCP_BAD_PADDING);
}
} // namespace
