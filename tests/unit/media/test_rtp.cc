// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <vector>

#include "dataplane/media/demux.h"
#include "dataplane/media/rtp.h"

namespace
{
using Bytes = std::vector<uint8_t>;

Bytes packet(uint8_t first, size_t rest)
{
	Bytes p = {first, 0x88, 0x12, 0x34, 0, 0, 1, 0, 0xca, 0xfe, 0xba, 0xbe};

	for (size_t i = 0; i < rest; i++)
		p.push_back(static_cast<uint8_t>(i));
	return p;
}

enum rtp_verdict parse(const Bytes &p, struct rtp_view *v)
{
	// A copy of exactly this size, so that the sanitizer sees a read past it.
	std::vector<uint8_t> exact(p);
	exact.shrink_to_fit();
	return rtp_parse(v, exact.data(), exact.size());
}

TEST(Rtp, ReadsThePlainHeader)
{
	struct rtp_view v;

	ASSERT_EQ(parse(packet(0x80, 160), &v), RTP_GOOD);
	EXPECT_EQ(v.header, 12u);
	EXPECT_EQ(v.payload, 160u);
	EXPECT_EQ(v.type, 8);
	EXPECT_EQ(v.marker, 1);
	EXPECT_EQ(v.seq, 0x1234);
	EXPECT_EQ(v.timestamp, 256u);
	EXPECT_EQ(v.ssrc, 0xcafebabeu);
}

TEST(Rtp, MeasuresCsrcsExtensionAndPadding)
{
	Bytes p = packet(0xb2, 8); // padding, extension, 2 CSRCs
	struct rtp_view v;

	p.insert(p.end(), {0xbe, 0xde, 0, 1, 9, 9, 9, 9}); // extension of one word
	p.insert(p.end(), {1, 2, 3, 4, 5, 0, 0, 3});       // 5 of payload, 3 of padding
	ASSERT_EQ(parse(p, &v), RTP_GOOD);
	EXPECT_EQ(v.header, 12u + 8 + 8);
	EXPECT_EQ(v.payload, 5u);
	EXPECT_EQ(v.padding, 3);
}

TEST(Rtp, RefusesWhatDoesNotFit)
{
	struct rtp_view v;
	Bytes p;

	EXPECT_EQ(parse(Bytes(), &v), RTP_BAD_SHORT);
	p = packet(0x80, 0);
	p.pop_back();
	EXPECT_EQ(parse(p, &v), RTP_BAD_SHORT);
	EXPECT_EQ(parse(packet(0x40, 10), &v), RTP_BAD_VERSION);
	EXPECT_EQ(parse(packet(0x8f, 59), &v), RTP_BAD_CSRC);
	EXPECT_EQ(parse(packet(0x8f, 60), &v), RTP_GOOD);
	EXPECT_EQ(parse(packet(0x90, 3), &v), RTP_BAD_EXTENSION);
	p = packet(0x90, 0);
	p.insert(p.end(), {0, 0, 0xff, 0xff});
	EXPECT_EQ(parse(p, &v), RTP_BAD_EXTENSION);
}

TEST(Rtp, RefusesImpossiblePadding)
{
	struct rtp_view v;
	Bytes p = packet(0xa0, 4);

	p.back() = 0;
	EXPECT_EQ(parse(p, &v), RTP_BAD_PADDING);
	p.back() = 5;
	EXPECT_EQ(parse(p, &v), RTP_BAD_PADDING);
	p.back() = 4;
	ASSERT_EQ(parse(p, &v), RTP_GOOD);
	EXPECT_EQ(v.payload, 0u);
	// Padding that has no byte to say its length.
	EXPECT_EQ(parse(packet(0xa0, 0), &v), RTP_BAD_PADDING);
}

TEST(Rtp, QuickCheckAgreesWithTheParser)
{
	for (unsigned first = 0; first < 256; first++)
		for (size_t size = 0; size < 90; size += 3) {
			Bytes p = packet(static_cast<uint8_t>(first), 90);
			struct rtp_view v;

			p.resize(size);
			EXPECT_EQ(rtp_check(p.data(), p.size()), parse(p, &v))
				<< first << " " << size;
		}
}

TEST(Demux, FollowsRfc7983)
{
	EXPECT_EQ(media_demux(0, 1), MEDIA_STUN);
	EXPECT_EQ(media_demux(3, 1), MEDIA_STUN);
	EXPECT_EQ(media_demux(4, 1), MEDIA_OTHER);
	EXPECT_EQ(media_demux(16, 0), MEDIA_ZRTP);
	EXPECT_EQ(media_demux(19, 0), MEDIA_ZRTP);
	EXPECT_EQ(media_demux(20, 254), MEDIA_DTLS);
	EXPECT_EQ(media_demux(63, 254), MEDIA_DTLS);
	EXPECT_EQ(media_demux(64, 0), MEDIA_TURN);
	EXPECT_EQ(media_demux(79, 0), MEDIA_TURN);
	EXPECT_EQ(media_demux(80, 0), MEDIA_OTHER);
	EXPECT_EQ(media_demux(127, 0), MEDIA_OTHER);
	EXPECT_EQ(media_demux(128, 0), MEDIA_RTP);
	EXPECT_EQ(media_demux(191, 127), MEDIA_RTP);
	EXPECT_EQ(media_demux(192, 0), MEDIA_OTHER);
}

TEST(Demux, TellsRtcpFromRtpByTheTypeWithItsMarker)
{
	EXPECT_EQ(media_demux(0x80, 200), MEDIA_RTCP);
	EXPECT_EQ(media_demux(0x80, 192), MEDIA_RTCP);
	EXPECT_EQ(media_demux(0x80, 223), MEDIA_RTCP);
	EXPECT_EQ(media_demux(0x80, 224), MEDIA_RTP); // marker and payload type 96
	EXPECT_EQ(media_demux(0x80, 0x80 | 8), MEDIA_RTP);
	EXPECT_EQ(media_demux(0x80, 191), MEDIA_RTP);
}
} // namespace
