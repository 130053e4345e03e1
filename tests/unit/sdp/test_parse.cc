// SPDX-License-Identifier: BSD-3-Clause
//
// The reader and the writer.
#include "call.h"

namespace
{

const char *const rfc8866_example = "v=0\r\n"
				    "o=jdoe 3724394400 3724394405 IN IP4 198.51.100.1\r\n"
				    "s=Call to John Smith\r\n"
				    "i=SDP Offer #1\r\n"
				    "u=http://www.jdoe.example.com/home.html\r\n"
				    "e=Jane Doe <jane@jdoe.example.com>\r\n"
				    "p=+1 617 555-6011\r\n"
				    "c=IN IP4 198.51.100.1\r\n"
				    "t=0 0\r\n"
				    "m=audio 49170 RTP/AVP 0\r\n"
				    "m=audio 49180 RTP/AVP 0\r\n"
				    "m=video 51372 RTP/AVP 99\r\n"
				    "c=IN IP6 2001:db8::2\r\n"
				    "a=rtpmap:99 h263-1998/90000\r\n";

// Everything that a browser, a phone and a carrier put into one body.
const char *const rich = "v=0\r\n"
			 "o=- 20518 0 IN IP4 203.0.113.1\r\n"
			 "s= \r\n"
			 "t=0 0\r\n"
			 "r=7d 1h 0 25h\r\n"
			 "q=unknown type letter\r\n"
			 "c=IN IP4 203.0.113.1\r\n"
			 "b=CT:1000\r\n"
			 "a=group:BUNDLE 0\r\n"
			 "a=sendonly\r\n"
			 "a=x-odd: with  spaces \r\n"
			 "m=audio 54400/1 RTP/AVPF 111 0 96\r\n"
			 "i=a title\r\n"
			 "b=AS:64\r\n"
			 "b=TIAS:50000\r\n"
			 "a=ice-pwd:asd88fgpdd777uzjYhagZg\r\n"
			 "a=ice-ufrag:8hhY\r\n"
			 "a=fingerprint:sha-256 AA:BB\r\n"
			 "a=setup:actpass\r\n"
			 "a=rtpmap:111 opus/48000/2\r\n"
			 "a=fmtp:111 minptime=10;useinbandfec=1\r\n"
			 "a=rtpmap:96 telephone-event/48000\r\n"
			 "a=rtcp-fb:* nack\r\n"
			 "a=rtcp:53020 IN IP6 2001:db8::5\r\n"
			 "a=rtcp-mux\r\n"
			 "a=ptime:20\r\n"
			 "a=maxptime:40.5\r\n"
			 "a=mid:0\r\n"
			 "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc\r\n"
			 "a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:def\r\n"
			 "a=candidate:1 1 UDP 2130706431 203.0.113.1 54400 typ host\r\n";

std::string round_trip(const std::string &body)
{
	Body b(body);
	std::string out(body.size() + 64, '\0');
	size_t len = 0;

	EXPECT_EQ(0, sdp_write(b.tree, out.data(), out.size(), &len));
	out.resize(len);
	return out;
}

struct Result {
	int rc;
	unsigned line;
	std::string text;
};

Result parse(const std::string &body)
{
	Arena arena(SDP_MAX_TREE);
	struct sdp_session *tree = nullptr;
	struct sdp_error err = {};
	// A copy of exactly this size, so that a read past its end is seen.
	std::unique_ptr<uint8_t[]> exact(new uint8_t[body.size()]);
	int rc;

	memcpy(exact.get(), body.data(), body.size());
	rc = sdp_parse(&arena, exact.get(), body.size(), &tree, &err);
	return {rc, err.line, err.text};
}

} // namespace

TEST(SdpParse, ReadsTheExampleOfRfc8866)
{
	Body b(rfc8866_example);

	EXPECT_EQ("jdoe", str(b.tree->origin.user));
	EXPECT_EQ(3724394400u, b.tree->origin.id);
	EXPECT_EQ(3724394405u, b.tree->origin.version);
	EXPECT_EQ("198.51.100.1", str(b.tree->origin.addr.host));
	EXPECT_EQ("Call to John Smith", str(b.tree->name));
	EXPECT_EQ("0 0", str(b.tree->time));
	ASSERT_EQ(3, b.tree->n_media);
	EXPECT_EQ(49170, b.media(0).port);
	EXPECT_EQ(SDP_AUDIO, b.media(0).kind);
	EXPECT_EQ(4, b.media(0).conn.family);
	EXPECT_EQ("PCMU", str(b.media(0).formats[0].name));
	EXPECT_EQ(8000u, b.media(0).formats[0].rate);
	EXPECT_EQ(SDP_VIDEO, b.media(2).kind);
	EXPECT_EQ(6, b.media(2).conn.family);
	EXPECT_EQ("2001:db8::2", ip(b.media(2).conn.ip, 6));
	EXPECT_EQ("h263-1998", str(b.media(2).formats[0].name));
}

TEST(SdpParse, TypedViewsOfARichBody)
{
	Body b(rich);
	const struct sdp_media &m = b.media();

	EXPECT_EQ(54400, m.port);
	EXPECT_EQ(1, m.port_count);
	EXPECT_EQ(SDP_RTP_AVPF, m.proto);
	EXPECT_EQ((std::vector<unsigned>{111, 0, 96}), b.pts());
	EXPECT_EQ("opus", str(m.formats[0].name));
	EXPECT_EQ(2, m.formats[0].channels);
	EXPECT_EQ("minptime=10;useinbandfec=1", str(m.formats[0].fmtp));
	EXPECT_EQ(48000u, m.formats[2].rate);
	EXPECT_EQ(20, m.ptime);
	EXPECT_EQ(41, m.maxptime); // a fraction counts as one more
	EXPECT_TRUE(m.rtcp_mux);
	EXPECT_EQ(53020, m.rtcp_port);
	EXPECT_EQ("2001:db8::5", ip(m.rtcp_addr.ip, 6));
	EXPECT_EQ(64u, m.b_as);
	EXPECT_EQ(50000u, m.b_tias);
	EXPECT_EQ("0", str(m.mid));
	EXPECT_EQ(SDP_SENDONLY, m.direction); // the session's
}

TEST(SdpParse, AttributesAreFoundInOrder)
{
	Body b(rich);
	const struct sdp_line *first = sdp_find(b.tree, &b.media(), SDP_A_CRYPTO, nullptr);
	const struct sdp_line *second = sdp_find(b.tree, &b.media(), SDP_A_CRYPTO, first);

	ASSERT_NE(nullptr, first);
	ASSERT_NE(nullptr, second);
	EXPECT_EQ("1 AES_CM_128_HMAC_SHA1_80 inline:abc", str(sdp_line_value(first)));
	EXPECT_EQ("2 AES_CM_128_HMAC_SHA1_32 inline:def", str(sdp_line_value(second)));
	EXPECT_EQ(nullptr, sdp_find(b.tree, &b.media(), SDP_A_CRYPTO, second));
	EXPECT_EQ(nullptr, sdp_find(b.tree, nullptr, SDP_A_CRYPTO, nullptr));
	EXPECT_EQ("BUNDLE 0", str(sdp_value(b.tree, &b.media(), SDP_A_GROUP)));
	EXPECT_EQ("8hhY", str(sdp_value(b.tree, &b.media(), SDP_A_ICE_UFRAG)));
}

TEST(SdpWrite, GivesTheSameBytesBack)
{
	EXPECT_EQ(rfc8866_example, round_trip(rfc8866_example));
	EXPECT_EQ(rich, round_trip(rich));
}

TEST(SdpWrite, BareLineFeedsAndBlankEndsBecomeCrlf)
{
	std::string lf;

	for (char c : std::string(rich)) {
		if (c != '\r')
			lf += c;
	}
	EXPECT_EQ(rich, round_trip(lf));
	EXPECT_EQ(rich, round_trip(lf + "\n\n"));
	EXPECT_EQ(rich, round_trip(std::string(rich) + "\r\n\r\n"));
	EXPECT_EQ(rich, round_trip(lf.substr(0, lf.size() - 1))); // no end at all
}

TEST(SdpWrite, SaysWhenTheBufferIsTooSmall)
{
	Body b(rich);
	std::string out(b.text.size(), '\0');
	size_t len = 0;

	for (size_t size = 0; size < b.text.size(); size++)
		EXPECT_EQ(-ENOSPC, sdp_write(b.tree, out.data(), size, &len)) << size;
	EXPECT_EQ(0, sdp_write(b.tree, out.data(), b.text.size(), &len));
}

TEST(SdpParse, ToleratesWhatPeersDo)
{
	// A name with spaces as the user, no s=, no t=, spaces at ends, formats said twice.
	Body b("v=0\no=John Q Public 7 8 IN IP4 192.0.2.1\nc=IN IP4 192.0.2.1\n"
	       "m=audio 4000 RTP/AVP 0  8 0 \na=sendonly \na=ptime: 20 \na=rtpmap:98 x/8000\n");

	EXPECT_EQ("John Q Public", str(b.tree->origin.user));
	EXPECT_EQ(7u, b.tree->origin.id);
	EXPECT_EQ((std::vector<unsigned>{0, 8}), b.pts());
	EXPECT_EQ(SDP_SENDONLY, b.media().direction);
	EXPECT_EQ(20, b.media().ptime);
}

TEST(SdpParse, AnEmptySessionIsASession)
{
	Body b("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n");

	EXPECT_EQ(0, b.tree->n_media);
}

TEST(SdpParse, HostNamesAreKeptAndNotResolved)
{
	Body b("v=0\no=- 1 1 IN IP4 host.example\nc=IN IP4 media.example.com\nm=audio 4 RTP/AVP "
	       "0\n");

	EXPECT_EQ(0, b.media().conn.family);
	EXPECT_EQ(4, b.media().conn.type);
	EXPECT_EQ("media.example.com", str(b.media().conn.host));
	EXPECT_FALSE(sdp_addr_is_hold(&b.media().conn));
}

TEST(SdpParse, MulticastHasTtlAndCount)
{
	Body b("v=0\no=- 1 1 IN IP4 1.2.3.4\nc=IN IP4 224.2.1.1/127/3\nm=audio 4/2 RTP/AVP 0\n"
	       "m=audio 6 RTP/AVP 0\nc=IN IP6 ff15::101/3\n");

	EXPECT_EQ(127, b.media(0).conn.ttl);
	EXPECT_EQ(3, b.media(0).conn.count);
	EXPECT_EQ(2, b.media(0).port_count);
	EXPECT_TRUE(sdp_addr_is_multicast(&b.media(0).conn));
	EXPECT_EQ(3, b.media(1).conn.count);
	EXPECT_TRUE(sdp_addr_is_multicast(&b.media(1).conn));
}

TEST(SdpParse, HoldAddressesOfAllKinds)
{
	const std::string head = "v=0\no=- 1 1 IN IP4 1.2.3.4\nc=IN ";
	const std::string tail = "\nm=audio 4 RTP/AVP 0\n";

	for (const char *held : {"IP4 0.0.0.0", "IP6 ::", "IP6 0:0:0:0:0:0:0:0", "IP6 x.INVALID"}) {
		Body b(head + held + tail);
		EXPECT_TRUE(sdp_addr_is_hold(&b.media().conn)) << held;
	}
	for (const char *open : {"IP4 0.0.0.1", "IP6 ::1", "IP4 invalid.example"}) {
		Body b(head + open + tail);
		EXPECT_FALSE(sdp_addr_is_hold(&b.media().conn)) << open;
	}
}

TEST(SdpParse, DirectionOfTheMediaBeatsTheSession)
{
	Body b("v=0\no=- 1 1 IN IP4 1.2.3.4\nc=IN IP4 1.2.3.4\na=inactive\nm=audio 4 RTP/AVP 0\n"
	       "m=audio 6 RTP/AVP 0\na=recvonly\n");

	EXPECT_EQ(SDP_INACTIVE, b.media(0).direction);
	EXPECT_EQ(SDP_RECVONLY, b.media(1).direction);
	EXPECT_EQ(SDP_SENDONLY, sdp_direction_turn(SDP_RECVONLY));
	EXPECT_EQ(SDP_SENDRECV, sdp_direction_turn(SDP_SENDRECV));
	EXPECT_EQ(SDP_INACTIVE, sdp_direction_turn(SDP_INACTIVE));
}

struct Bad {
	const char *body;
	int rc;
	unsigned line;
	const char *text;
};

class SdpMalformed : public testing::TestWithParam<Bad>
{
};

TEST_P(SdpMalformed, IsRefusedWithLineAndReason)
{
	Result r = parse(GetParam().body);

	EXPECT_EQ(GetParam().rc, r.rc);
	EXPECT_EQ(GetParam().line, r.line);
	EXPECT_EQ(GetParam().text, r.text);
}

#define HEAD "v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nc=IN IP4 1.2.3.4\r\nt=0 0\r\n"

INSTANTIATE_TEST_SUITE_P(Lines, SdpMalformed,
	testing::Values(Bad{"", -EBADMSG, 0, "empty body"},
		Bad{"\r\n\r\n", -EBADMSG, 1, "empty line"},
		Bad{"v=1\r\n", -EBADMSG, 1, "does not begin with v=0"},
		Bad{"o=- 1 1 IN IP4 1.2.3.4\r\nv=0\r\n", -EBADMSG, 1, "does not begin with v=0"},
		Bad{"v=0\r\ns=-\r\n", -EBADMSG, 0, "no o="},
		Bad{"v=0\r\nhello\r\n", -EBADMSG, 2, "not a letter and an equals sign"},
		Bad{"v=0\r\nS=-\r\n", -EBADMSG, 2, "not a letter and an equals sign"},
		Bad{"v=0\r\n=x\r\n", -EBADMSG, 2, "not a letter and an equals sign"},
		Bad{"v=0\r\n\r\ns=-\r\n", -EBADMSG, 2, "empty line"},
		Bad{"v=0\r\ns=a\rb\r\n", -EBADMSG, 2, "carriage return inside the line"},
		Bad{"v=0\r\r\n", -EBADMSG, 1, "carriage return inside the line"},
		Bad{HEAD "v=0\r\n", -EBADMSG, 6, "second v="},
		Bad{HEAD "s=-\r\n", -EBADMSG, 6, "second s="},
		Bad{HEAD "o=- 1 1 IN IP4 1.2.3.4\r\n", -EBADMSG, 6, "second o="},
		Bad{HEAD "c=IN IP4 1.2.3.4\r\n", -EBADMSG, 6, "second c= of the session"},
		Bad{HEAD "a=\r\n", -EBADMSG, 6, "attribute without a name"},
		Bad{HEAD "a=:x\r\n", -EBADMSG, 6, "attribute without a name"},
		Bad{HEAD "m=audio 4 RTP/AVP 0\r\no=- 1 1 IN IP4 1.2.3.4\r\n", -EBADMSG, 7,
			"second o="}));

INSTANTIATE_TEST_SUITE_P(OriginAndAddress, SdpMalformed,
	testing::Values(Bad{"v=0\r\no=- 1 1 IN IP4\r\n", -EBADMSG, 2, "o= has 5 of 6 fields"},
		Bad{"v=0\r\no=- 18446744073709551616 1 IN IP4 1.2.3.4\r\n", -EBADMSG, 2,
			"o= session id is not a 64-bit number"},
		Bad{"v=0\r\no=- 1 -1 IN IP4 1.2.3.4\r\n", -EBADMSG, 2,
			"o= version is not a 64-bit number"},
		Bad{"v=0\r\no=- 1 1 IN IP4 1.2.3.400\r\n", -EBADMSG, 2, "not an IPv4 address"},
		Bad{"v=0\r\no=- 1 1 IN IP4 1.2.3\r\n", -EBADMSG, 2, "not an IPv4 address"},
		Bad{"v=0\r\no=- 1 1 IN IP4 2001:db8::1\r\n", -EBADMSG, 2, "not an IPv4 address"},
		Bad{"v=0\r\no=- 1 1 IN IP6 2001:db8:::1\r\n", -EBADMSG, 2, "not an IPv6 address"},
		Bad{"v=0\r\no=- 1 1 IN IP4 a_b!\r\n", -EBADMSG, 2,
			"address is neither a number nor a host name"},
		Bad{"v=0\r\no=- 1 1 IN IP4 1.2.3.4/24\r\n", -EBADMSG, 2,
			"address range is malformed"},
		Bad{"v=0\r\nc=IN IP4 224.0.0.1/256\r\n", -EBADMSG, 2,
			"ttl is not a number of 0-255"},
		Bad{"v=0\r\nc=IN IP4 224.0.0.1/1/0\r\n", -EBADMSG, 2, "address range is empty"},
		Bad{"v=0\r\nc=IN IP4 224.0.0.1/1/2/3\r\n", -EBADMSG, 2,
			"address range is malformed"},
		Bad{"v=0\r\nc=IN IP6 ff02::1/1/1\r\n", -EBADMSG, 2, "IPv6 addresses have no ttl"},
		Bad{"v=0\r\nc=IN IP4\r\n", -EBADMSG, 2,
			"expected network type, address type and address"},
		Bad{"v=0\r\nc=IN IP4 1.2.3.4 5\r\n", -EBADMSG, 2,
			"expected network type, address type and address"}));

INSTANTIATE_TEST_SUITE_P(Media, SdpMalformed,
	testing::Values(Bad{HEAD "m=audio\r\n", -EBADMSG, 6, "m= has fewer than 4 fields"},
		Bad{HEAD "m=audio 65536 RTP/AVP 0\r\n", -EBADMSG, 6,
			"port is not a number of 0-65535"},
		Bad{HEAD "m=audio -1 RTP/AVP 0\r\n", -EBADMSG, 6,
			"port is not a number of 0-65535"},
		Bad{HEAD "m=audio 4294967297 RTP/AVP 0\r\n", -EBADMSG, 6,
			"port is not a number of 0-65535"},
		Bad{HEAD "m=audio 4/0 RTP/AVP 0\r\n", -EBADMSG, 6,
			"number of ports is not a number of 1-65535"},
		Bad{HEAD "m=audio 4/ RTP/AVP 0\r\n", -EBADMSG, 6,
			"number of ports is not a number of 1-65535"},
		Bad{HEAD "m=audio 4 RTP/AVP\r\n", -EBADMSG, 6, "m= without a format"},
		Bad{HEAD "m=audio 4 RTP/AVP 128\r\n", -EBADMSG, 6,
			"payload type is not a number of 0-127"},
		Bad{HEAD "m=audio 4 RTP/AVP PCMU\r\n", -EBADMSG, 6,
			"payload type is not a number of 0-127"},
		Bad{"v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\nm=audio 4 RTP/AVP 0\r\n", -EBADMSG, 3,
			"no c= for this m-line"},
		Bad{HEAD "m=audio 4 RTP/AVP 96\r\na=rtpmap:96\r\n", -EBADMSG, 7,
			"rtpmap without an encoding"},
		Bad{HEAD "m=audio 4 RTP/AVP 96\r\na=rtpmap:96 opus/x\r\n", -EBADMSG, 7,
			"rtpmap clock is not a number above 0"},
		Bad{HEAD "m=audio 4 RTP/AVP 96\r\na=rtpmap:96 opus/0\r\n", -EBADMSG, 7,
			"rtpmap clock is not a number above 0"},
		Bad{HEAD "m=audio 4 RTP/AVP 96\r\na=rtpmap:96 opus/48000/0\r\n", -EBADMSG, 7,
			"rtpmap channels is not a number of 1-255"},
		Bad{HEAD "m=audio 4 RTP/AVP 96\r\na=rtpmap:224 opus/48000\r\n", -EBADMSG, 7,
			"payload type is not a number of 0-127"},
		Bad{HEAD "m=audio 4 RTP/AVP 96\r\na=fmtp:x 1\r\n", -EBADMSG, 7,
			"payload type is not a number of 0-127"},
		Bad{HEAD "m=audio 4 RTP/AVP 0\r\na=ptime:20ms\r\n", -EBADMSG, 7,
			"not a number of milliseconds"},
		Bad{HEAD "m=audio 4 RTP/AVP 0\r\na=ptime:65536\r\n", -EBADMSG, 7,
			"not a number of milliseconds"},
		Bad{HEAD "m=audio 4 RTP/AVP 0\r\na=rtcp:70000\r\n", -EBADMSG, 7,
			"rtcp port is not a number of 0-65535"},
		Bad{HEAD "m=audio 4 RTP/AVP 0\r\na=rtcp:7 IN IP4 1.1.1\r\n", -EBADMSG, 7,
			"not an IPv4 address"},
		Bad{HEAD "m=audio 4 RTP/AVP 0\r\nb=AS:4294967296\r\n", -EBADMSG, 7,
			"bandwidth is not a 32-bit number"},
		Bad{HEAD "m=audio 4 RTP/AVP 0\r\nb=AS\r\n", -EBADMSG, 7, "b= without a colon"}));

TEST(SdpMalformedMore, NulIsRefused)
{
	Result r = parse(std::string("v=0\r\ns=a\0b\r\n", 12));

	EXPECT_EQ(-EBADMSG, r.rc);
	EXPECT_EQ(2u, r.line);
	EXPECT_EQ("NUL in the line", r.text);
}

TEST(SdpMalformedMore, SizesAreBounded)
{
	std::string lines = HEAD, media = HEAD, formats = HEAD "m=audio 4 RTP/AVP",
		    body = HEAD "i=";

	for (int i = 0; i < SDP_MAX_LINES; i++)
		lines += "a=x\r\n";
	for (int i = 0; i <= SDP_MAX_MEDIA; i++)
		media += "m=audio 4 RTP/AVP 0\r\n";
	for (int i = 0; i <= SDP_MAX_FORMATS; i++)
		formats += " " + std::to_string(i);
	body += std::string(SDP_MAX_BODY, 'x') + "\r\n";
	EXPECT_EQ("more than 1024 lines", parse(lines).text);
	EXPECT_EQ(-EMSGSIZE, parse(lines).rc);
	EXPECT_EQ("more than 16 m-lines", parse(media).text);
	EXPECT_EQ(-EMSGSIZE, parse(media).rc);
	EXPECT_EQ("more than 64 formats", parse(formats).text);
	EXPECT_EQ(6u, parse(formats).line);
	EXPECT_EQ("more than 65535 octets", parse(body).text);
	EXPECT_EQ(-EMSGSIZE, parse(body).rc);
}

TEST(SdpParse, TheLargestBodyFitsTheArena)
{
	std::string body = HEAD;
	int lines = 5;

	for (int i = 0; i < SDP_MAX_MEDIA; i++, lines++) {
		body += "m=audio 4 RTP/AVP";
		for (int f = 0; f < SDP_MAX_FORMATS; f++)
			body += " " + std::to_string(f);
		body += "\r\n";
	}
	for (; lines < SDP_MAX_LINES; lines++)
		body += "a=x\r\n";
	EXPECT_EQ(0, parse(body).rc) << parse(body).text;
}

TEST(SdpParse, EveryTruncationIsReadOrRefused)
{
	const std::string body = rich;

	for (size_t n = 0; n < body.size(); n++) {
		Result r = parse(body.substr(0, n));
		EXPECT_TRUE(r.rc == 0 || r.rc == -EBADMSG) << n;
		EXPECT_EQ(r.rc == 0, r.text.empty()) << n;
	}
}

TEST(SdpCodec, KnowsTheStaticTypes)
{
	struct sdp_str g722 = {"g722", 4}, dtmf = {"telephone-event", 15}, odd = {"x-odd", 5};

	EXPECT_STREQ("PCMA", sdp_codec_static(8)->name);
	EXPECT_EQ(nullptr, sdp_codec_static(96));
	ASSERT_NE(nullptr, sdp_codec_find(g722, 8000, 1));
	EXPECT_EQ(9, sdp_codec_find(g722, 8000, 1)->static_pt);
	EXPECT_EQ(nullptr, sdp_codec_find(g722, 16000, 1));
	EXPECT_TRUE(sdp_codec_find(dtmf, 48000, 1)->auxiliary);
	EXPECT_EQ(nullptr, sdp_codec_find(odd, 8000, 1));
}
