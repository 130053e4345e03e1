// SPDX-License-Identifier: BSD-3-Clause
//
// Payload types: kept where possible, renumbered where the legs differ, and the bounds of codecs.
#include "call.h"

namespace
{

std::string with(
	const std::string &ip, unsigned port, const std::string &formats, const std::string &lines)
{
	return crlf("v=0\no=- 1 1 IN IP4 " + ip + "\nc=IN IP4 " + ip + "\nm=audio " +
		    std::to_string(port) + " RTP/AVP " + formats + "\n" + lines);
}

const char *const opus111 = "a=rtpmap:111 opus/48000/2\na=fmtp:111 useinbandfec=1\n";

} // namespace

TEST(Payload, TheAnswererMayChooseOtherNumbers)
{
	Call call;

	call.offer(
		SDP_LEG_A, with("192.0.2.10", 4000, "111 101",
				   std::string(opus111) + "a=rtpmap:101 telephone-event/48000\n"));
	Body to_a(call.answer(SDP_LEG_B, with("192.0.2.20", 6000, "96 97",
						 "a=rtpmap:96 opus/48000/2\na=fmtp:96 stereo=0\n"
						 "a=rtpmap:97 telephone-event/48000\n")));
	// A sees the numbers of its own offer, with B's parameters.
	EXPECT_EQ((std::vector<unsigned>{111, 101}), to_a.pts());
	EXPECT_EQ("opus", str(to_a.media().formats[0].name));
	EXPECT_EQ("stereo=0", str(to_a.media().formats[0].fmtp));
	const struct sdp_plan &plan = call.plan();
	EXPECT_EQ("101>97 111>96", pts(plan.stream[0].leg[SDP_LEG_A]));
	// B sends by our offer's numbers; by its own if it is so made.
	EXPECT_EQ("96>111 97>101 101>101 111>111", pts(plan.stream[0].leg[SDP_LEG_B]));
	EXPECT_TRUE(plan.stream[0].leg[SDP_LEG_A].renumber);
	EXPECT_EQ(111, plan.stream[0].leg[SDP_LEG_A].in.pt);
	EXPECT_EQ(111, plan.stream[0].leg[SDP_LEG_B].in.pt);
	EXPECT_EQ(96, plan.stream[0].leg[SDP_LEG_B].out.pt);
	EXPECT_EQ(101, plan.stream[0].leg[SDP_LEG_B].dtmf_in);
	EXPECT_EQ(97, plan.stream[0].leg[SDP_LEG_B].dtmf_out);
}

TEST(Payload, SwappedNumbersAreToldApart)
{
	// B answers with 96 and 97 the other way round. What it sends by 96 is what we offered as 96.
	Call call;

	call.offer(SDP_LEG_A, with("192.0.2.10", 4000, "96 97",
				      "a=rtpmap:96 opus/48000/2\na=rtpmap:97 G726-32/8000\n"));
	call.answer(SDP_LEG_B, with("192.0.2.20", 6000, "96 97",
				       "a=rtpmap:97 opus/48000/2\na=rtpmap:96 G726-32/8000\n"));
	EXPECT_EQ("96>97 97>96", pts(call.plan().stream[0].leg[SDP_LEG_A]));
	EXPECT_EQ("96>96 97>97", pts(call.plan().stream[0].leg[SDP_LEG_B]));
}

TEST(Payload, TheNumberOfACodecDoesNotChangeOnALeg)
{
	// B knows opus as 96 since it offered it; A comes with 111 later. RFC 3264 8.3.2.
	Call call;
	const std::string b = with("192.0.2.20", 6000, "96 0", "a=rtpmap:96 opus/48000/2\n");

	call.exchange(SDP_LEG_B, b, with("192.0.2.10", 4000, "96", "a=rtpmap:96 opus/48000/2\n"));
	Body to_b(call.offer(SDP_LEG_A, with("192.0.2.10", 4000, "111", opus111)));
	EXPECT_EQ((std::vector<unsigned>{96}), to_b.pts());
	EXPECT_EQ("useinbandfec=1", str(to_b.media().formats[0].fmtp));
	Body to_a(call.answer(SDP_LEG_B, b));
	EXPECT_EQ((std::vector<unsigned>{111}), to_a.pts());
	call.accept();
	EXPECT_EQ("111>96", pts(call.plan().stream[0].leg[SDP_LEG_A]));
	EXPECT_EQ("96>111", pts(call.plan().stream[0].leg[SDP_LEG_B]));
}

TEST(Payload, ANumberThatMeansAnotherCodecThereIsReplaced)
{
	// B uses 101 for opus; A offers telephone-event as 101 and G726 as 96.
	Call call;

	call.exchange(SDP_LEG_B, with("192.0.2.20", 6000, "101", "a=rtpmap:101 opus/48000/2\n"),
		with("192.0.2.10", 4000, "101", "a=rtpmap:101 opus/48000/2\n"));
	Body to_b(call.offer(
		SDP_LEG_A, with("192.0.2.10", 4000, "96 102 101",
				   "a=rtpmap:96 G726-32/8000\na=rtpmap:102 opus/48000/2\n"
				   "a=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15\n")));
	std::vector<unsigned> n = to_b.pts();
	ASSERT_EQ(3u, n.size());
	EXPECT_EQ(96u, n[0]);
	EXPECT_EQ(101u, n[1]); // opus, as B knows it
	EXPECT_NE(101u, n[2]);
	EXPECT_NE(96u, n[2]);
	EXPECT_NE(102u, n[2]); // A means something else by it
	EXPECT_GE(n[2], 96u);
	EXPECT_EQ("telephone-event", str(to_b.media().formats[2].name));
	EXPECT_EQ("0-15", str(to_b.media().formats[2].fmtp));
}

TEST(Payload, EntriesWithTheSameParametersGoBeforeThoseWithTheSameName)
{
	// A lists H264 again, with one entry changed and in another order.
	Call call;
	auto video = [](const std::string &ip, const std::string &first,
			     const std::string &second) {
		return crlf("v=0\no=- 1 1 IN IP4 " + ip + "\nc=IN IP4 " + ip +
			    "\nm=video 4000 RTP/AVP 96 97\na=rtpmap:96 H264/90000\na=fmtp:96 " +
			    first + "\na=rtpmap:97 H264/90000\na=fmtp:97 " + second + "\n");
	};

	call.exchange(
		SDP_LEG_A, video("192.0.2.10", "p=0", "p=1"), video("192.0.2.20", "p=0", "p=1"));
	Body to_b(call.offer(SDP_LEG_A, video("192.0.2.10", "p=2", "p=0")));
	EXPECT_EQ((std::vector<unsigned>{97, 96}), to_b.pts());
	EXPECT_EQ("p=0", str(sdp_format_by_pt(&to_b.media(), 96)->fmtp)); // as B knows it
}

TEST(Payload, NumbersInParametersAreRenumberedToo)
{
	Call call;
	std::string b = crlf("v=0\no=- 1 1 IN IP4 192.0.2.20\nc=IN IP4 192.0.2.20\n"
			     "m=video 6000 RTP/AVPF 100 97\na=rtpmap:100 VP8/90000\n"
			     "a=rtpmap:97 rtx/90000\na=fmtp:97 rtx-time=96;apt=100\n"
			     "a=rtcp-fb:100 nack pli\na=rtcp-fb:* ccm fir\n"
			     "a=imageattr:100 send [x=640]\n");

	call.offer(SDP_LEG_A, crlf("v=0\no=- 1 1 IN IP4 192.0.2.10\nc=IN IP4 192.0.2.10\n"
				   "m=video 4000 RTP/AVPF 96 98\na=rtpmap:96 VP8/90000\n"
				   "a=rtpmap:98 rtx/90000\na=fmtp:98 apt=96\n"));
	std::string to_a = call.answer(SDP_LEG_B, b);
	EXPECT_NE(std::string::npos, to_a.find("m=video 10000 RTP/AVPF 96 98\r\n")) << to_a;
	EXPECT_NE(std::string::npos, to_a.find("a=fmtp:98 rtx-time=96;apt=96\r\n")) << to_a;
	EXPECT_NE(std::string::npos, to_a.find("a=rtcp-fb:96 nack pli\r\n"));
	EXPECT_NE(std::string::npos, to_a.find("a=rtcp-fb:* ccm fir\r\n"));
	EXPECT_NE(std::string::npos, to_a.find("a=imageattr:96 send [x=640]\r\n"));
}

TEST(Payload, RedundancyNamesItsPayloadTypes)
{
	Call call;

	call.offer(SDP_LEG_A,
		with("192.0.2.10", 4000, "63 111",
			std::string(opus111) + "a=rtpmap:63 red/48000/2\na=fmtp:63 111/111\n"));
	std::string to_a = call.answer(SDP_LEG_B,
		with("192.0.2.20", 6000, "97 96",
			"a=rtpmap:96 opus/48000/2\na=rtpmap:97 red/48000/2\na=fmtp:97 96/96\n"));
	EXPECT_NE(std::string::npos, to_a.find("a=fmtp:63 111/111\r\n")) << to_a;
	EXPECT_STREQ("opus", call.plan().stream[0].leg[0].in.name); // red is no main codec
}

TEST(Payload, AnAnswerMayLeaveOutTheMapOfADynamicType)
{
	Call call;

	call.offer(SDP_LEG_A, with("192.0.2.10", 4000, "111 0", opus111));
	Body to_a(call.answer(SDP_LEG_B, with("192.0.2.20", 6000, "111", "")));
	EXPECT_EQ((std::vector<unsigned>{111}), to_a.pts());
	EXPECT_EQ("opus", str(to_a.media().formats[0].name)); // we say it
	EXPECT_EQ(2, to_a.media().formats[0].channels);
	EXPECT_STREQ("opus", call.plan().stream[0].leg[1].out.name);
}

TEST(Payload, AMappedStaticTypeIsTheBareOne)
{
	Call call;

	call.offer(SDP_LEG_A, with("192.0.2.10", 4000, "8 0", "a=rtpmap:0 pcmu/8000/1\n"));
	Body to_a(call.answer(SDP_LEG_B, with("192.0.2.20", 6000, "0", "")));
	EXPECT_EQ((std::vector<unsigned>{0}), to_a.pts());
}

TEST(Payload, SeveralEntriesOfACodecAreMatchedByParameters)
{
	Call call;

	call.offer(SDP_LEG_A, crlf("v=0\no=- 1 1 IN IP4 192.0.2.10\nc=IN IP4 192.0.2.10\n"
				   "m=video 4000 RTP/AVP 96 97\na=rtpmap:96 H264/90000\n"
				   "a=fmtp:96 packetization-mode=0\na=rtpmap:97 H264/90000\n"
				   "a=fmtp:97 packetization-mode=1\n"));
	Body to_a(
		call.answer(SDP_LEG_B, crlf("v=0\no=- 1 1 IN IP4 192.0.2.20\nc=IN IP4 192.0.2.20\n"
					    "m=video 6000 RTP/AVP 109\na=rtpmap:109 H264/90000\n"
					    "a=fmtp:109 packetization-mode=1\n")));
	EXPECT_EQ((std::vector<unsigned>{97}), to_a.pts());
}

TEST(Payload, EventsGoAtTheClockOfTheCodec)
{
	Call call;
	const std::string both = "a=rtpmap:101 telephone-event/8000\n"
				 "a=rtpmap:110 telephone-event/48000\n" +
				 std::string(opus111);

	call.exchange(SDP_LEG_A, with("192.0.2.10", 4000, "111 0 101 110", both),
		with("192.0.2.20", 6000, "111 101 110", both));
	EXPECT_EQ(110, call.plan().stream[0].leg[0].dtmf_in);
	call.exchange(SDP_LEG_A, with("192.0.2.10", 4000, "111 0 101 110", both),
		with("192.0.2.20", 6000, "0 101 110", both));
	EXPECT_EQ(101, call.plan().stream[0].leg[0].dtmf_in);
	call.exchange(
		SDP_LEG_A, with("192.0.2.10", 4000, "0", ""), with("192.0.2.20", 6000, "0", ""));
	EXPECT_EQ(SDP_PT_NONE, call.plan().stream[0].leg[0].dtmf_in);
}

TEST(Payload, AFullSetOfFormatsKeepsItsNumbers)
{
	Call call;
	std::string formats, lines;

	for (int pt = 64; pt < 128; pt++) {
		formats += (pt > 64 ? " " : "") + std::to_string(pt);
		lines += "a=rtpmap:" + std::to_string(pt) + " x" + std::to_string(pt) + "/8000\n";
	}
	Body to_b(call.offer(SDP_LEG_A, with("192.0.2.10", 4000, formats, lines)));
	for (unsigned i = 0; i < 64; i++)
		EXPECT_EQ(64 + i, to_b.pts()[i]);
	call.answer(SDP_LEG_B, with("192.0.2.20", 6000, formats, lines));
	EXPECT_EQ(~0ull, call.plan().stream[0].leg[0].accept[1]);
	EXPECT_EQ(0ull, call.plan().stream[0].leg[0].accept[0]);
}

TEST(Payload, EveryRenumberedSetIsWithoutDoubles)
{
	// The same 40 codecs, numbered from both ends, so that nearly every number conflicts.
	Call call;
	std::string up, down, up_lines, down_lines;

	for (int i = 0; i < 40; i++) {
		int a = 88 + i, b = 127 - i;

		up += (i ? " " : "") + std::to_string(a);
		down += (i ? " " : "") + std::to_string(b);
		up_lines += "a=rtpmap:" + std::to_string(a) + " c" + std::to_string(i) + "/8000\n";
		down_lines +=
			"a=rtpmap:" + std::to_string(b) + " d" + std::to_string(i) + "/8000\n";
	}
	call.exchange(SDP_LEG_B, with("192.0.2.20", 6000, up, up_lines),
		with("192.0.2.10", 4000, up, up_lines));
	Body to_b(call.offer(SDP_LEG_A, with("192.0.2.10", 4000, down, down_lines)));
	std::vector<unsigned> n = to_b.pts();
	ASSERT_EQ(40u, n.size()); // the reader drops doubles
	for (unsigned i = 0; i < 40; i++)
		EXPECT_EQ("d" + std::to_string(i), str(to_b.media().formats[i].name));
}

TEST(Bounds, G711At20MillisecondsIsWellWithin)
{
	Call call;

	call.exchange(SDP_LEG_A, audio("192.0.2.10", 4000), audio("192.0.2.20", 6000));
	const struct sdp_plan_leg &leg = call.plan().stream[0].leg[0];
	EXPECT_GE(leg.max_packets_per_s, 2u * 100); // 10 ms packets, twice
	EXPECT_LE(leg.max_packets_per_s, 500u);
	EXPECT_GE(leg.max_octets_per_s, 200u * (80 + 12)); // 5 ms packets
	EXPECT_LE(leg.max_octets_per_s, 50000u);
}

TEST(Bounds, AnUnknownCodecHasNoneButItsBandwidth)
{
	Call call;
	const std::string x = "a=rtpmap:99 x-codec/8000\n";

	call.exchange(
		SDP_LEG_A, with("192.0.2.10", 4000, "99", x), with("192.0.2.20", 6000, "99", x));
	EXPECT_EQ(0u, call.plan().stream[0].leg[0].max_packets_per_s);
	EXPECT_EQ(0u, call.plan().stream[0].leg[0].max_octets_per_s);
	call.exchange(SDP_LEG_A, with("192.0.2.10", 4000, "99", x),
		with("192.0.2.20", 6000, "99", "b=AS:64\n" + x));
	EXPECT_EQ(16000u, call.plan().stream[0].leg[0].max_octets_per_s); // what B asks A for
	EXPECT_EQ(0u, call.plan().stream[0].leg[1].max_octets_per_s);
}
