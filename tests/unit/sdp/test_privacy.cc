// SPDX-License-Identifier: BSD-3-Clause
//
// Nothing of one party is found in what the other is shown.
#include "call.h"

#include <algorithm>
#include <cctype>

namespace
{

// A body in which every field that can name a party does, in words that are found again.
std::string telling(const std::string &who, const std::string &net, bool video = true)
{
	auto at = [&](int host) { return net + "." + std::to_string(host); };

	return crlf(
		"v=0\n"
		"o=" +
		who + "-user 77" + net.substr(net.rfind('.') + 1) + "1234567 1 IN IP4 " + at(1) +
		"\n"
		"s=" +
		who +
		"-session\n"
		"i=" +
		who +
		"-info\n"
		"u=http://www." +
		who +
		".example/\n"
		"e=" +
		who + "@" + who +
		".example\n"
		"p=+1 617 555-" +
		who +
		"\n"
		"c=IN IP4 " +
		at(2) +
		"\n"
		"b=X-" +
		who + ":1@" + at(3) +
		"\n"
		"t=0 0\n"
		"k=clear:" +
		who +
		"-key\n"
		"a=tool:" +
		who +
		"-tool 1.0\n"
		"a=cat:" +
		who +
		"-cat\n"
		"a=keywds:" +
		who +
		"-keywords\n"
		"a=group:BUNDLE " +
		who +
		"-mid\n"
		"a=ice-lite\n"
		"a=ice-options:" +
		who +
		"-ice\n"
		"a=fingerprint:sha-256 AA:BB:" +
		who +
		"\n"
		"a=msid-semantic: WMS " +
		who +
		"-stream\n"
		"a=x-session-unknown:" +
		who +
		"-something\n"
		"m=audio 4000 RTP/AVP 0 101\n"
		"i=" +
		who +
		"-title\n"
		"c=IN IP4 " +
		at(4) +
		"\n"
		"k=prompt\n"
		"a=rtpmap:101 telephone-event/8000\n"
		"a=fmtp:101 0-15\n"
		"a=fmtp:0 host=" +
		at(4) +
		"\n"
		"a=rtcp:4009 IN IP4 " +
		at(5) +
		"\n"
		"a=candidate:1 1 UDP 2130706431 " +
		at(6) +
		" 4000 typ host\n"
		"a=candidate:2 1 UDP 1694498815 " +
		at(7) + " 4000 typ srflx raddr " + at(6) +
		" rport 4000\n"
		"a=remote-candidates:1 " +
		at(8) +
		" 4000\n"
		"a=end-of-candidates\n"
		"a=ice-ufrag:" +
		who +
		"-ufrag\n"
		"a=ice-pwd:" +
		who +
		"-password-of-ice-long\n"
		"a=setup:actpass\n"
		"a=tls-id:" +
		who +
		"-tls-identity-long\n"
		"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" +
		who +
		"-sdes-key\n"
		"a=mid:" +
		who +
		"-mid\n"
		"a=msid:" +
		who + "-stream " + who +
		"-track\n"
		"a=ssrc:314159 cname:" +
		who + "@" + at(9) +
		"\n"
		"a=ssrc-group:FID 1 2\n"
		"a=x-addr:" +
		at(10) +
		"\n"
		"a=x-host: pbx." +
		who +
		".example\n"
		"a=x-mail:someone@" +
		who +
		"\n"
		"a=x-uri:sip://" +
		who +
		"\n"
		"a=x-user:" +
		who +
		"-USER\n"
		"a=x-v6:2001:db8::" +
		net.substr(net.rfind('.') + 1) +
		"\n"
		"a=x-mac:00:11:22:33:44:55\n"
		"a=x-harmless:yes 1.5 on/off;a=b\n"
		"a=ptime:20\n" +
		(video ? "m=application 9 TCP/" + who + ".example " + who + ".example.com\n" : ""));
}

bool contains_nocase(const std::string &text, const std::string &what)
{
	auto same = [](char a, char b) {
		return std::tolower(static_cast<unsigned char>(a)) ==
		       std::tolower(static_cast<unsigned char>(b));
	};

	return std::search(text.begin(), text.end(), what.begin(), what.end(), same) != text.end();
}

void expect_clean(const std::string &shown, const std::string &who, const std::string &net)
{
	EXPECT_FALSE(contains_nocase(shown, who)) << shown;
	EXPECT_FALSE(contains_nocase(shown, net + ".")) << shown;
	EXPECT_FALSE(contains_nocase(shown, "77" + net.substr(net.rfind('.') + 1) + "1234567"))
		<< shown;
	for (const char *gone : {"2001:db8", "00:11:22", "314159", "cname", "candidate", "ice-",
		     "crypto", "fingerprint", "setup", "msid", "a=mid", "group", "tool",
		     "k=", "e=", "p=", "u=", "i=", "4009"}) {
		std::string line_start = std::string("\r\n") + gone;
		bool is_letter = std::string(gone).size() == 2;

		EXPECT_FALSE(contains_nocase(shown, is_letter ? line_start : gone)) << gone << "\n"
										    << shown;
	}
}

} // namespace

TEST(Privacy, NothingOfAPartyIsShownToTheOther)
{
	Call call;
	std::string to_b = call.offer(SDP_LEG_A, telling("alice", "192.0.41"));
	std::string to_a = call.answer(SDP_LEG_B, telling("robert", "192.0.52"));

	expect_clean(to_b, "alice", "192.0.41");
	expect_clean(to_a, "robert", "192.0.52");
	EXPECT_NE(std::string::npos, to_b.find("a=x-harmless:yes 1.5 on/off;a=b\r\n")) << to_b;
	EXPECT_NE(std::string::npos, to_a.find("a=x-harmless:yes 1.5 on/off;a=b\r\n"));
	EXPECT_NE(std::string::npos, to_b.find("a=ptime:20\r\n"));
	EXPECT_NE(std::string::npos, to_b.find("a=fmtp:101 0-15\r\n"));

	// And the way back, after the roles have changed.
	call.accept();
	to_a = call.offer(SDP_LEG_B, telling("robert", "192.0.52"));
	to_b = call.answer(SDP_LEG_A, telling("alice", "192.0.41"));
	expect_clean(to_a, "robert", "192.0.52");
	expect_clean(to_b, "alice", "192.0.41");
}

TEST(Privacy, TheLegsOfOurOwnDoNotShowEachOther)
{
	Call call;
	std::string to_b = call.offer(SDP_LEG_A, audio("192.0.2.10", 4000));
	std::string to_a = call.answer(SDP_LEG_B, audio("192.0.2.20", 6000));

	EXPECT_EQ(std::string::npos, to_b.find("198.51.100.1"));
	EXPECT_EQ(std::string::npos, to_b.find("1111111111"));
	EXPECT_EQ(std::string::npos, to_a.find("203.0.113.1"));
	EXPECT_EQ(std::string::npos, to_a.find("2222222222"));
}

TEST(Privacy, EveryAttributeWithAnAddressInItStaysBehind)
{
	for (const char *leak : {"x:10.1.2.3", "x:port=5,ip=10.1.2.3;", "x:[fe80::1]", "x:::1",
		     "x:2001:db8:1:2:3:4:5:6", "x:bob@home", "x:http://h", "x:sbc1.carrier.net",
		     "x:10.1.2.3:5060", "10.1.2.3", "x-10.1.2.3-y:1", "x:2001:DB8::1%eth0"}) {
		Call call;
		std::string to_b = call.offer(
			SDP_LEG_A, audio("192.0.2.10", 4000, "a=" + std::string(leak) + "\n"));
		EXPECT_EQ(std::string::npos, to_b.find(leak)) << leak;
	}
	for (const char *fine : {"x:1.5", "x", "x:a.b", "silenceSupp:off - - - -", "X-cap:1 2 3",
		     "x:version 1.2.3", "x:12:34", "framesize:34 176-144"}) {
		Call call;
		std::string to_b = call.offer(
			SDP_LEG_A, audio("192.0.2.10", 4000, "a=" + std::string(fine) + "\n"));
		EXPECT_NE(std::string::npos, to_b.find("a=" + std::string(fine) + "\r\n")) << fine;
	}
}

TEST(Privacy, KnownAttributesThatNameAVendorAreKept)
{
	// An extmap is a URI by its nature, and tells nothing of the party.
	Call call;
	const std::string map =
		"a=extmap:3 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n";
	std::string to_b = call.offer(
		SDP_LEG_A, audio("192.0.2.10", 4000, map.substr(0, map.size() - 2) + "\n"));

	EXPECT_NE(std::string::npos, to_b.find(map));
}

TEST(Privacy, LinesOfUnknownTransportsSayNothing)
{
	Call call;
	Body to_b(call.offer(
		SDP_LEG_A, audio("192.0.2.10", 4000,
				   "m=x/192.0.2.10 7 TCP 1\nm=message 7 TCP/pbx.example *\n"
				   "m=image 7 udptl 192.0.2.10\nm=image 7 udptl t38\n")));

	EXPECT_EQ("application 0 TCP 1", str(to_b.media(1).m_text));
	EXPECT_EQ("message 0 RTP/AVP 0", str(to_b.media(2).m_text));
	EXPECT_EQ("image 0 RTP/AVP 0", str(to_b.media(3).m_text));
	EXPECT_EQ("image 0 udptl t38", str(to_b.media(4).m_text));
}
