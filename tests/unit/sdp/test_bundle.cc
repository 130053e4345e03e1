// SPDX-License-Identifier: BSD-3-Clause
// BUNDLE (RFC 8843) between browsers: sound and picture by one transport, each side's wishes, and phones that know nothing of it.
#include "call.h"

namespace
{
const char *const kPrint = "sha-256 11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00";

struct sdp_security browser(uint8_t secret)
{
	struct sdp_security s = {};

	s.srtp = SDP_SRTP_DTLS;
	s.browser = true;
	memset(s.secret, secret, sizeof(s.secret));
	snprintf(s.fingerprint, sizeof(s.fingerprint), "%s", kPrint);
	return s;
}

class Browsers : public Call
{
      public:
	explicit Browsers(bool b = true)
	{
		struct sdp_security s = browser(1);

		EXPECT_EQ(0, sdp_oa_secure(&oa, SDP_LEG_A, &s));
		s = browser(2);
		if (b) {
			EXPECT_EQ(0, sdp_oa_secure(&oa, SDP_LEG_B, &s));
		}
	}
};

std::string transport(const std::string &ufrag, const std::string &setup)
{
	return "a=ice-ufrag:" + ufrag + "\na=ice-pwd:2/1muCWoOi3uLifh0NuRHlDp\na=fingerprint:" + kPrint + "\na=setup:" + setup +
	       "\n";
}

// Two m-lines; `group` "" for none. The second one has port `port`.
std::string two(const std::string &group, const std::string &setup, unsigned port, const std::string &extra = "",
	const std::string &direction = "sendrecv", unsigned video = 96)
{
	return crlf("v=0\no=- 4611732 2 IN IP4 127.0.0.1\ns=-\nt=0 0\n" + (group.empty() ? "" : "a=group:" + group + "\n") +
		    "m=audio 9 UDP/TLS/RTP/SAVPF 111 126\nc=IN IP4 0.0.0.0\n" + transport("aaaa", setup) +
		    "a=mid:0\na=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\na=sendrecv\na=rtcp-mux\n"
		    "a=rtpmap:111 opus/48000/2\na=rtpmap:126 telephone-event/8000\n"
		    "m=video " +
		    std::to_string(port) + " UDP/TLS/RTP/SAVPF " + std::to_string(video) + " 97\nc=IN IP4 0.0.0.0\n" +
		    transport("vvvv", setup) + "a=mid:1\na=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\na=" + direction +
		    "\na=rtcp-mux\na=rtpmap:" + std::to_string(video) + " VP8/90000\na=rtcp-fb:" + std::to_string(video) +
		    " nack pli\na=rtcp-fb:" + std::to_string(video) + " ccm fir\na=rtpmap:97 rtx/90000\na=fmtp:97 apt=" +
		    std::to_string(video) + "\n" + extra);
}

bool has(const std::string &body, const std::string &what)
{
	return body.find(what) != std::string::npos;
}

unsigned count(const std::string &body, const std::string &what)
{
	unsigned n = 0;

	for (size_t at = body.find(what); at != std::string::npos; at = body.find(what, at + 1))
		n++;
	return n;
}

bool takes(const struct sdp_plan_leg &leg, unsigned pt)
{
	return leg.accept[pt / 64] >> pt % 64 & 1;
}
} // namespace

TEST(Bundle, BothBrowsersShareOneTransport)
{
	Browsers call;
	std::string shown = call.offer(SDP_LEG_A, two("BUNDLE 0 1", "actpass", 9));

	EXPECT_TRUE(has(shown, "a=group:BUNDLE 0 1\r\n")) << shown;
	// An offer's m-lines have addresses of their own (RFC 8843 7.2.1).
	EXPECT_TRUE(has(shown, "m=audio 20000 ")) << shown;
	EXPECT_TRUE(has(shown, "m=video 20010 ")) << shown;
	EXPECT_TRUE(has(shown, "a=rtcp-fb:96 nack pli\r\n"));
	EXPECT_TRUE(has(shown, "a=rtcp-fb:96 ccm fir\r\n"));
	EXPECT_EQ(2u, count(shown, "sdes:mid"));
	std::string answer = call.answer(SDP_LEG_B, two("BUNDLE 0 1", "active", 9));
	EXPECT_TRUE(has(answer, "a=group:BUNDLE 0 1\r\n")) << answer;
	EXPECT_TRUE(has(answer, "m=audio 10000 ")) << answer;
	EXPECT_TRUE(has(answer, "m=video 10000 ")) << answer;
	EXPECT_EQ(1u, count(answer, "a=ice-ufrag")) << answer; // RFC 8843 7.1.3
	EXPECT_EQ(1u, count(answer, "a=fingerprint"));
	EXPECT_EQ(2u, count(answer, "a=rtcp-mux"));
	call.accept();
	const struct sdp_plan &plan = call.plan();
	EXPECT_EQ(SDP_ACCEPTED, plan.stream[0].refusal);
	EXPECT_EQ(SDP_BUNDLED, plan.stream[1].refusal);
	for (auto &leg : plan.stream[0].leg) {
		for (unsigned pt : {111u, 126u, 96u, 97u})
			EXPECT_TRUE(takes(leg, pt)) << pt;
		EXPECT_FALSE(takes(leg, 98));
		EXPECT_STREQ("opus", leg.in.name);
		EXPECT_EQ(0u, leg.max_octets_per_s); // nobody knows what a picture needs
	}
	EXPECT_FALSE(plan.held);
	// Either side may hold the picture alone.
	call.exchange(SDP_LEG_A, two("BUNDLE 0 1", "actpass", 9, "", "inactive"), two("BUNDLE 0 1", "active", 9, "", "inactive"));
	for (auto &leg : call.plan().stream[0].leg) {
		EXPECT_TRUE(takes(leg, 111));
		EXPECT_FALSE(takes(leg, 96));
	}
}

TEST(Bundle, TheOtherBrowserMayDecline)
{
	Browsers call;

	call.offer(SDP_LEG_A, two("BUNDLE 0 1", "actpass", 9));
	std::string answer = call.answer(SDP_LEG_B, two("BUNDLE 0", "active", 9));
	EXPECT_FALSE(has(answer, "BUNDLE")) << answer;
	EXPECT_TRUE(has(answer, "m=video 10010 ")) << answer;
	EXPECT_EQ(2u, count(answer, "a=ice-ufrag")) << answer;
	call.accept();
	EXPECT_EQ(SDP_ACCEPTED, call.plan().stream[1].refusal);
	EXPECT_FALSE(takes(call.plan().stream[0].leg[0], 96));
}

TEST(Bundle, OnlyBundled)
{
	Browsers call, other;

	std::string shown = call.offer(SDP_LEG_A, two("BUNDLE 0 1", "actpass", 0, "a=bundle-only\n"));
	EXPECT_TRUE(has(shown, "m=video 20010 ")) << shown;
	std::string answer = call.answer(SDP_LEG_B, two("BUNDLE 0 1", "active", 9));
	EXPECT_TRUE(has(answer, "m=video 10000 ")) << answer;
	EXPECT_EQ(SDP_BUNDLED, call.plan().stream[1].refusal);

	other.offer(SDP_LEG_A, two("BUNDLE 0 1", "actpass", 0, "a=bundle-only\n"));
	answer = other.answer(SDP_LEG_B, two("", "active", 9));
	EXPECT_TRUE(has(answer, "m=video 0 ")) << answer;
	EXPECT_EQ(SDP_ACCEPTED, other.plan().stream[0].refusal);
	EXPECT_EQ(SDP_REFUSED_PORT_0, other.plan().stream[1].refusal);
}

TEST(Bundle, PayloadTypesMustTellThemApart)
{
	Browsers call;

	// The picture under a number of the sound: what came could be either.
	call.offer(SDP_LEG_A, two("BUNDLE 0 1", "actpass", 9, "", "sendrecv", 126));
	std::string answer = call.answer(SDP_LEG_B, two("BUNDLE 0 1", "active", 9, "", "sendrecv", 126));
	EXPECT_FALSE(has(answer, "BUNDLE")) << answer;
	EXPECT_TRUE(has(answer, "m=video 10010 ")) << answer;
	EXPECT_EQ(SDP_ACCEPTED, call.plan().stream[1].refusal);
}

TEST(Bundle, APhoneWithPictureHasTwoTransports)
{
	Browsers call(false);
	std::string shown = call.offer(SDP_LEG_A, two("BUNDLE 0 1", "actpass", 9));

	EXPECT_FALSE(has(shown, "BUNDLE")) << shown;
	EXPECT_TRUE(has(shown, "m=video 20010 RTP/AVP")) << shown;
	std::string answer = call.answer(SDP_LEG_B,
		crlf("v=0\no=- 1 1 IN IP4 203.0.113.9\ns=-\nc=IN IP4 203.0.113.9\nt=0 0\nm=audio 5000 RTP/AVP 111\n"
		     "a=rtpmap:111 opus/48000/2\nm=video 5002 RTP/AVP 96\na=rtpmap:96 VP8/90000\n"));
	EXPECT_FALSE(has(answer, "BUNDLE")) << answer;
	EXPECT_TRUE(has(answer, "m=video 10010 UDP/TLS/RTP/SAVPF 96")) << answer;
	EXPECT_EQ(2u, count(answer, "a=ice-ufrag")) << answer;
	EXPECT_EQ(SDP_ACCEPTED, call.plan().stream[1].refusal);
	EXPECT_EQ(SDP_KEY_DTLS, call.plan().stream[1].leg[0].secure.keying);
	EXPECT_EQ(SDP_KEY_PLAIN, call.plan().stream[1].leg[1].secure.keying);
	// And goes on having them: a browser offers the bundle again, but has none that it would insist on.
	call.accept();
	call.offer(SDP_LEG_A, two("BUNDLE 0 1", "actpass", 9, "", "sendonly"));
	answer = call.answer(SDP_LEG_B,
		crlf("v=0\no=- 1 2 IN IP4 203.0.113.9\ns=-\nc=IN IP4 203.0.113.9\nt=0 0\nm=audio 5000 RTP/AVP 111\n"
		     "a=rtpmap:111 opus/48000/2\na=recvonly\nm=video 5002 RTP/AVP 96\na=rtpmap:96 VP8/90000\na=recvonly\n"));
	EXPECT_FALSE(has(answer, "BUNDLE")) << answer;
	EXPECT_TRUE(has(answer, "m=video 10010 UDP/TLS/RTP/SAVPF 96")) << answer;
}

// Chrome: "Answer cannot remove m= section from already-established BUNDLE group", which ends the session.
TEST(Bundle, APictureThatIsAddedToABundleNeedsOneThere)
{
	Browsers call(false);
	std::string one = two("BUNDLE 0", "actpass", 9);

	one.erase(one.find("m=video"));
	call.offer(SDP_LEG_A, one);
	std::string answer = call.answer(SDP_LEG_B,
		crlf("v=0\no=- 1 1 IN IP4 203.0.113.9\ns=-\nc=IN IP4 203.0.113.9\nt=0 0\nm=audio 5000 RTP/AVP 111\n"
		     "a=rtpmap:111 opus/48000/2\n"));
	EXPECT_TRUE(has(answer, "a=group:BUNDLE 0\r\n")) << answer;
	call.accept();
	call.offer(SDP_LEG_A, two("BUNDLE 0 1", "actpass", 9));
	answer = call.answer(SDP_LEG_B,
		crlf("v=0\no=- 1 2 IN IP4 203.0.113.9\ns=-\nc=IN IP4 203.0.113.9\nt=0 0\nm=audio 5000 RTP/AVP 111\n"
		     "a=rtpmap:111 opus/48000/2\nm=video 5002 RTP/AVP 96\na=rtpmap:96 VP8/90000\n"));
	EXPECT_TRUE(has(answer, "a=group:BUNDLE 0\r\n")) << answer;
	EXPECT_TRUE(has(answer, "m=video 0 ")) << answer;
	EXPECT_EQ(SDP_REFUSED_PORT_0, call.plan().stream[1].refusal);
	call.accept();
	EXPECT_NE(SDP_ACCEPTED, call.plan().stream[1].refusal);
	EXPECT_EQ(SDP_ACCEPTED, call.plan().stream[0].refusal);
}
