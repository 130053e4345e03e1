// SPDX-License-Identifier: BSD-3-Clause
//
// SRTP and ICE in offers and answers: RFC 4568, 5763, 8643, 8445 lite, and what a browser says.
#include "call.h"

#include <algorithm>
#include <cstring>

namespace {

const char kPrint[] = "sha-256 11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00";
const char kKey128[] = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";           // 30 octets, RFC 4568 6.1
const char kGcm128[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw==";           // 28 octets

struct sdp_security security(enum sdp_srtp srtp, bool browser = false, uint8_t secret = 1)
{
	struct sdp_security s = {};

	s.srtp = srtp;
	s.browser = browser;
	memset(s.secret, secret, sizeof(s.secret));
	snprintf(s.fingerprint, sizeof(s.fingerprint), "%s", kPrint);
	return s;
}

class SecureCall : public Call
{
      public:
	SecureCall(enum sdp_srtp a, enum sdp_srtp b, bool browser_a = false, bool browser_b = false)
	{
		struct sdp_security s = security(a, browser_a, 1);

		EXPECT_EQ(0, sdp_oa_secure(&oa, SDP_LEG_A, &s));
		s = security(b, browser_b, 2);
		EXPECT_EQ(0, sdp_oa_secure(&oa, SDP_LEG_B, &s));
	}
};

std::string media(const std::string &proto, const std::string &lines, unsigned port = 4000,
	const std::string &ip = "192.0.2.9")
{
	return crlf("v=0\no=- 1 1 IN IP4 192.0.2.9\ns=-\nc=IN IP4 " + ip + "\nt=0 0\nm=audio " +
		    std::to_string(port) + " " + proto + " 8\n" + lines);
}

std::string crypto(unsigned tag, const std::string &suite, const std::string &key)
{
	return "a=crypto:" + std::to_string(tag) + " " + suite + " inline:" + key + "\n";
}

bool has(const std::string &body, const std::string &what)
{
	return body.find(what) != std::string::npos;
}

std::string line_of(const std::string &body, const std::string &begin)
{
	size_t at = body.find(begin), end = body.find("\r\n", at == std::string::npos ? 0 : at);

	return at == std::string::npos ? "" : body.substr(at, end - at);
}

// The key of an a=crypto line.
struct sdp_crypto parsed(const std::string &line)
{
	struct sdp_crypto c = {};
	std::string value = line.substr(strlen("a=crypto:"));

	EXPECT_EQ(0, sdp_crypto_parse({value.data(), (uint32_t)value.size()}, &c)) << line;
	return c;
}

bool same_key(const struct sdp_crypto &a, const struct sdp_crypto &b)
{
	return a.suite == b.suite && memcmp(a.key, b.key, sizeof(a.key)) == 0 &&
	       memcmp(a.salt, b.salt, sizeof(a.salt)) == 0;
}

int parse(const std::string &value)
{
	struct sdp_crypto c;

	return sdp_crypto_parse({value.data(), (uint32_t)value.size()}, &c);
}

const std::string kSdes = crypto(1, "AES_CM_128_HMAC_SHA1_80", kKey128);

} // namespace

// ---- a=crypto -----------------------------------------------------------------------------------

TEST(Crypto, ReadsRfc4568)
{
	struct sdp_crypto c;
	std::string v = std::string("1 AES_CM_128_HMAC_SHA1_80 inline:") + kKey128 + "|2^20|1:4";

	ASSERT_EQ(0, sdp_crypto_parse({v.data(), (uint32_t)v.size()}, &c));
	EXPECT_EQ(1u, c.tag);
	EXPECT_EQ(SDP_AES_CM_128_HMAC_SHA1_80, c.suite);
	EXPECT_EQ(4, c.mki_length);
	EXPECT_EQ(0, memcmp(c.mki, "\0\0\0\1", 4));
	EXPECT_EQ(0, memcmp(c.key, "YS__semctl () {\t", 3));
	EXPECT_EQ(0, parse(std::string("2 AEAD_AES_128_GCM inline:") + kGcm128));
	EXPECT_EQ(0, parse(std::string("2 aead_aes_128_gcm inline:") + kGcm128 + " WSH=128 -NEW=1"));
	EXPECT_EQ(0, parse(std::string("2 AEAD_AES_128_GCM inline:") + kGcm128 + "|1048576 KDR=0"));
	EXPECT_EQ(0, parse("7 AEAD_AES_128_GCM inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw"));
}

TEST(Crypto, RefusesWhatWouldNotBeSecure)
{
	const std::string key = std::string("1 AES_CM_128_HMAC_SHA1_80 inline:") + kKey128;

	EXPECT_EQ(-ENOTSUP, parse(key + " UNENCRYPTED_SRTP"));
	EXPECT_EQ(-ENOTSUP, parse(key + " UNENCRYPTED_SRTCP"));
	EXPECT_EQ(-ENOTSUP, parse(key + " UNAUTHENTICATED_SRTP"));
	EXPECT_EQ(-ENOTSUP, parse(key + " KDR=4"));
	EXPECT_EQ(-ENOTSUP, parse(key + " WSH=128 FEC_ORDER=FEC_SRTP"));
	EXPECT_EQ(-ENOTSUP, parse(key + ";inline:" + kKey128));
	EXPECT_EQ(-ENOTSUP, parse(std::string("1 NULL_HMAC_SHA1_80 inline:") + kKey128));
	EXPECT_EQ(-ENOTSUP, parse(std::string("1 AES_CM_128_HMAC_SHA1_80 uri:") + kKey128));
}

TEST(Crypto, RefusesWhatIsMalformed)
{
	const std::string key = std::string("1 AES_CM_128_HMAC_SHA1_80 inline:") + kKey128;

	for (const char *bad : {"", "1", "1 AES_CM_128_HMAC_SHA1_80", "x AES_CM_128_HMAC_SHA1_80 inline:AA",
		     "1234567890 AES_CM_128_HMAC_SHA1_80 inline:AA", "1 AES_CM_128_HMAC_SHA1_80 inline:",
		     "1 AES_CM_128_HMAC_SHA1_80 inline:!!!!", "1 AES_CM_128_HMAC_SHA1_80 inline:AAAA"})
		EXPECT_EQ(-EBADMSG, parse(bad)) << bad;
	EXPECT_EQ(-EBADMSG, parse(key + "|2^99"));
	EXPECT_EQ(-EBADMSG, parse(key + "|1:0"));
	EXPECT_EQ(-EBADMSG, parse(key + "|1:4|2^20"));
	EXPECT_EQ(-EBADMSG, parse(std::string("1 AEAD_AES_256_GCM inline:") + kKey128));
}

// ---- SDES ---------------------------------------------------------------------------------------

TEST(Secure, ASecureCallerReachesAPlainCallee)
{
	SecureCall call(SDP_SRTP_ACCEPT, SDP_SRTP_ACCEPT);
	std::string shown = call.offer(SDP_LEG_A, media("RTP/SAVP", kSdes));
	std::string answer;

	EXPECT_TRUE(has(shown, "m=audio 20000 RTP/AVP 8\r\n")) << shown;
	EXPECT_FALSE(has(shown, "crypto"));
	answer = call.answer(SDP_LEG_B, audio("203.0.113.9", 5000, "", "8"));
	EXPECT_TRUE(has(answer, "m=audio 10000 RTP/SAVP 8\r\n")) << answer;
	EXPECT_TRUE(has(answer, "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"));
	const struct sdp_plan &p = call.plan();
	EXPECT_EQ(SDP_KEY_SDES, p.stream[0].leg[0].secure.keying);
	EXPECT_EQ(SDP_KEY_PLAIN, p.stream[0].leg[1].secure.keying);
	EXPECT_TRUE(same_key(parsed(line_of(answer, "a=crypto")), p.stream[0].leg[0].secure.ours));
	EXPECT_TRUE(same_key(parsed("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + std::string(kKey128)),
		p.stream[0].leg[0].secure.theirs));
	// Not the caller's own key sent back.
	EXPECT_FALSE(same_key(p.stream[0].leg[0].secure.ours, p.stream[0].leg[0].secure.theirs));
}

TEST(Secure, APlainCallerReachesASecureCallee)
{
	SecureCall call(SDP_SRTP_ACCEPT, SDP_SRTP_SDES);
	std::string shown = call.offer(SDP_LEG_A, audio("192.0.2.9", 4000, "", "8")), answer;

	EXPECT_TRUE(has(shown, "m=audio 20000 RTP/SAVP 8\r\n")) << shown;
	EXPECT_TRUE(has(shown, "a=crypto:1 AEAD_AES_256_GCM inline:"));
	EXPECT_TRUE(has(shown, "a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:"));
	answer = call.answer(SDP_LEG_B, media("RTP/SAVP", crypto(3, "AES_CM_128_HMAC_SHA1_80", kKey128)));
	EXPECT_TRUE(has(answer, "m=audio 10000 RTP/AVP 8\r\n")) << answer;
	EXPECT_FALSE(has(answer, "crypto"));
	const struct sdp_plan &p = call.plan();
	EXPECT_EQ(SDP_KEY_SDES, p.stream[0].leg[1].secure.keying);
	EXPECT_TRUE(same_key(parsed(line_of(shown, "a=crypto:3")), p.stream[0].leg[1].secure.ours));
}

TEST(Secure, EachSideHasItsOwnKeysAndSuites)
{
	SecureCall call(SDP_SRTP_ACCEPT, SDP_SRTP_SDES);
	std::string offer = media("RTP/SAVP", crypto(7, "AES_CM_128_HMAC_SHA1_32", kKey128) +
						      crypto(9, "AEAD_AES_128_GCM", kGcm128));
	std::string shown = call.offer(SDP_LEG_A, offer), answer;

	EXPECT_FALSE(has(shown, kKey128));
	EXPECT_FALSE(has(shown, kGcm128));
	answer = call.answer(SDP_LEG_B, media("RTP/SAVP", crypto(3, "AES_CM_128_HMAC_SHA1_80", kKey128)));
	EXPECT_TRUE(has(answer, "a=crypto:9 AEAD_AES_128_GCM inline:")) << answer; // the better one
	EXPECT_EQ(std::string::npos, answer.find(kKey128));
	EXPECT_EQ(1, std::count(answer.begin(), answer.end(), '|') + 1);
	const struct sdp_plan &p = call.plan();
	EXPECT_EQ(SDP_AEAD_AES_128_GCM, p.stream[0].leg[0].secure.ours.suite);
	EXPECT_EQ(SDP_AES_CM_128_HMAC_SHA1_80, p.stream[0].leg[1].secure.ours.suite);
}

TEST(Secure, AnAnswerThatWasNotOfferedIsRefused)
{
	for (const std::string &answer : {media("RTP/SAVP", crypto(3, "AES_CM_128_HMAC_SHA1_32", kKey128)),
		     media("RTP/SAVP", crypto(9, "AES_CM_128_HMAC_SHA1_80", kKey128)), media("RTP/SAVP", "")}) {
		SecureCall call(SDP_SRTP_ACCEPT, SDP_SRTP_SDES);

		call.offer(SDP_LEG_A, audio("192.0.2.9", 4000, "", "8"));
		call.answer(SDP_LEG_B, answer);
		EXPECT_EQ(SDP_REFUSED_SECURE, call.plan().stream[0].refusal) << answer;
	}
}

TEST(Secure, APlainAnswerToASecureOfferIsNoAnswer)
{
	SecureCall call(SDP_SRTP_ACCEPT, SDP_SRTP_SDES);

	call.offer(SDP_LEG_A, audio("192.0.2.9", 4000, "", "8"));
	EXPECT_EQ(-EBADMSG, call.take_answer(SDP_LEG_B, audio("203.0.113.9", 5000, "", "8")));
}

TEST(Secure, PoliciesRefuse)
{
	const std::string plain = audio("192.0.2.9", 4000, "", "8"), sdes = media("RTP/SAVP", kSdes);
	const std::string dtls = media("UDP/TLS/RTP/SAVP", std::string("a=fingerprint:") + kPrint + "\na=setup:actpass\n");
	struct {
		enum sdp_srtp policy;
		const std::string &offer;
		int result;
	} cases[] = {
		{SDP_SRTP_OFF, sdes, -EPROTONOSUPPORT}, {SDP_SRTP_OFF, dtls, -EPROTONOSUPPORT}, {SDP_SRTP_OFF, plain, 0},
		{SDP_SRTP_SDES, plain, -EPROTONOSUPPORT}, {SDP_SRTP_SDES, dtls, -EPROTONOSUPPORT}, {SDP_SRTP_SDES, sdes, 0},
		{SDP_SRTP_DTLS, plain, -EPROTONOSUPPORT}, {SDP_SRTP_DTLS, sdes, -EPROTONOSUPPORT}, {SDP_SRTP_DTLS, dtls, 0},
		{SDP_SRTP_ACCEPT, plain, 0}, {SDP_SRTP_ACCEPT, sdes, 0}, {SDP_SRTP_ACCEPT, dtls, 0},
		{SDP_SRTP_BEST_EFFORT, plain, 0}, {SDP_SRTP_BEST_EFFORT, sdes, 0}, {SDP_SRTP_BEST_EFFORT, dtls, 0},
	};

	for (auto &c : cases) {
		SecureCall call(c.policy, SDP_SRTP_ACCEPT);

		EXPECT_EQ(c.result, call.take_offer(SDP_LEG_A, c.offer)) << c.policy << c.offer;
		if (c.result != 0)
			EXPECT_EQ(302u, call.err.warning);
	}
}

TEST(Secure, WithoutASecurityNothingSecureIsTaken)
{
	Call call;

	EXPECT_EQ(-EPROTONOSUPPORT, call.take_offer(SDP_LEG_A, media("RTP/SAVP", kSdes)));
	EXPECT_EQ(0, call.take_offer(SDP_LEG_A, media("RTP/AVP", kSdes)));
}

TEST(Secure, KeysStayThroughHoldAndResume)
{
	SecureCall call(SDP_SRTP_ACCEPT, SDP_SRTP_SDES);
	std::string sdes_b = crypto(2, "AEAD_AES_128_GCM", kGcm128);
	std::string first, shown, again;

	shown = call.offer(SDP_LEG_A, media("RTP/SAVP", kSdes));
	first = call.answer(SDP_LEG_B, media("RTP/SAVP", sdes_b));
	call.accept();
	// The caller holds, and shows the same key.
	again = call.offer(SDP_LEG_A, media("RTP/SAVP", kSdes + "a=sendonly\n"));
	EXPECT_EQ(line_of(shown, "a=crypto:2"), line_of(again, "a=crypto:2"));
	again = call.answer(SDP_LEG_B, media("RTP/SAVP", sdes_b + "a=recvonly\n"));
	EXPECT_EQ(line_of(first, "a=crypto"), line_of(again, "a=crypto"));
	call.accept();
	// The callee resumes: what we offer the caller is what it has, by the same key.
	again = call.offer(SDP_LEG_B, media("RTP/SAVP", sdes_b));
	EXPECT_TRUE(has(again, "RTP/SAVP")) << again;
	EXPECT_TRUE(has(again, parsed(line_of(first, "a=crypto")).suite ? line_of(first, "a=crypto").substr(11) : "?"))
		<< again;
	again = call.answer(SDP_LEG_A, media("RTP/SAVP", crypto(3, "AES_CM_128_HMAC_SHA1_80", kKey128)));
	call.accept();
	EXPECT_TRUE(same_key(call.plan().stream[0].leg[0].secure.ours, parsed(line_of(first, "a=crypto"))));
}

TEST(Secure, ANewKeyOfThePartyIsInThePlan)
{
	SecureCall call(SDP_SRTP_ACCEPT, SDP_SRTP_ACCEPT);
	const std::string other = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd";

	call.offer(SDP_LEG_A, media("RTP/SAVP", kSdes));
	call.answer(SDP_LEG_B, audio("203.0.113.9", 5000, "", "8"));
	call.accept();
	struct sdp_crypto before = call.plan().stream[0].leg[0].secure.theirs;
	call.offer(SDP_LEG_A, media("RTP/SAVP", crypto(1, "AES_CM_128_HMAC_SHA1_80", other)));
	call.answer(SDP_LEG_B, audio("203.0.113.9", 5000, "", "8"));
	call.accept();
	EXPECT_FALSE(same_key(before, call.plan().stream[0].leg[0].secure.theirs));
}

// ---- RFC 8643 -----------------------------------------------------------------------------------

TEST(Secure, BestEffortOffersKeysInAPlainProfile)
{
	SecureCall call(SDP_SRTP_OFF, SDP_SRTP_BEST_EFFORT);
	std::string shown = call.offer(SDP_LEG_A, audio("192.0.2.9", 4000, "", "8"));

	EXPECT_TRUE(has(shown, "RTP/AVP 8\r\n")) << shown;
	EXPECT_TRUE(has(shown, "a=crypto:3 AES_CM_128_HMAC_SHA1_80"));
	call.answer(SDP_LEG_B, audio("203.0.113.9", 5000, crypto(3, "AES_CM_128_HMAC_SHA1_80", kKey128), "8"));
	EXPECT_EQ(SDP_KEY_SDES, call.plan().stream[0].leg[1].secure.keying);
}

TEST(Secure, BestEffortTakesAPlainAnswer)
{
	SecureCall call(SDP_SRTP_OFF, SDP_SRTP_BEST_EFFORT);

	call.offer(SDP_LEG_A, audio("192.0.2.9", 4000, "", "8"));
	call.answer(SDP_LEG_B, audio("203.0.113.9", 5000, "", "8"));
	EXPECT_EQ(SDP_ACCEPTED, call.plan().stream[0].refusal);
	EXPECT_EQ(SDP_KEY_PLAIN, call.plan().stream[0].leg[1].secure.keying);
}

TEST(Secure, BestEffortOfAPeerIsAnswered)
{
	SecureCall call(SDP_SRTP_ACCEPT, SDP_SRTP_OFF);
	std::string answer;

	call.offer(SDP_LEG_A, audio("192.0.2.9", 4000, kSdes, "8"));
	answer = call.answer(SDP_LEG_B, audio("203.0.113.9", 5000, "", "8"));
	EXPECT_TRUE(has(answer, "RTP/AVP 8\r\n"));
	EXPECT_TRUE(has(answer, "a=crypto:1 AES_CM_128_HMAC_SHA1_80"));
}

// ---- untouched ----------------------------------------------------------------------------------

TEST(Secure, PassLeavesKeysToTheParties)
{
	SecureCall call(SDP_SRTP_PASS, SDP_SRTP_PASS);
	std::string shown = call.offer(SDP_LEG_A, media("RTP/SAVP", kSdes)), answer;

	EXPECT_TRUE(has(shown, "RTP/SAVP")) << shown;
	EXPECT_TRUE(has(shown, kKey128));
	answer = call.answer(SDP_LEG_B, media("RTP/SAVP", crypto(1, "AES_CM_128_HMAC_SHA1_80", std::string(kKey128))));
	EXPECT_TRUE(has(answer, "a=crypto:1")) << answer;
	EXPECT_EQ(SDP_KEY_PASS, call.plan().stream[0].leg[0].secure.keying);
	EXPECT_EQ(SDP_KEY_PASS, call.plan().stream[0].leg[1].secure.keying);
}

TEST(Secure, PassNeedsBothSides)
{
	SecureCall call(SDP_SRTP_PASS, SDP_SRTP_ACCEPT);
	struct sdp_str text;

	ASSERT_EQ(0, call.take_offer(SDP_LEG_A, media("RTP/SAVP", kSdes)));
	call.give_ports();
	ASSERT_EQ(0, sdp_oa_show_offer(&call.oa, &call.scratch, &text));
	EXPECT_TRUE(has(str(text), "m=audio 0 "));
}

// ---- a browser ----------------------------------------------------------------------------------

namespace {

// As Chromium says it when it hides its addresses.
std::string chromium(const std::string &more = "", const std::string &setup = "actpass",
	const std::string &ufrag = "4ZcD")
{
	return crlf("v=0\no=- 4611732 2 IN IP4 127.0.0.1\ns=-\nt=0 0\na=group:BUNDLE 0\n"
		    "a=extmap-allow-mixed\na=msid-semantic: WMS stream\n"
		    "m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\nc=IN IP4 0.0.0.0\n"
		    "a=rtcp:9 IN IP4 0.0.0.0\n"
		    "a=candidate:1 1 udp 2113937151 6c4ac7e0.local 54609 typ host generation 0\n"
		    "a=ice-ufrag:" + ufrag + "\na=ice-pwd:2/1muCWoOi3uLifh0NuRHlDp\na=ice-options:trickle\n"
		    "a=fingerprint:" + kPrint + "\na=setup:" + setup + "\na=mid:0\n"
		    "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\na=sendrecv\n"
		    "a=msid:stream track\na=rtcp-mux\na=rtpmap:111 opus/48000/2\na=rtcp-fb:111 transport-cc\n"
		    "a=fmtp:111 minptime=10;useinbandfec=1\na=rtpmap:63 red/48000/2\na=rtpmap:9 G722/8000\n"
		    "a=rtpmap:0 PCMU/8000\na=rtpmap:8 PCMA/8000\na=rtpmap:13 CN/8000\n"
		    "a=rtpmap:110 telephone-event/48000\na=rtpmap:126 telephone-event/8000\n"
		    "a=ssrc:123456 cname:secretname\n" + more);
}

} // namespace

TEST(Browser, CallsATrunk)
{
	SecureCall call(SDP_SRTP_DTLS, SDP_SRTP_ACCEPT, true, false);
	std::string shown = call.offer(SDP_LEG_A, chromium()), answer;

	EXPECT_TRUE(has(shown, "m=audio 20000 RTP/AVP 111 63 9 0 8 13 110 126\r\n")) << shown;
	for (const char *secret : {"ice-", "fingerprint", "setup", "candidate", "extmap", "rtcp-fb", "BUNDLE", "a=mid", "ssrc", "msid"})
		EXPECT_FALSE(has(shown, secret)) << secret;
	EXPECT_TRUE(has(shown, "a=sendrecv"));
	answer = call.answer(SDP_LEG_B, audio("203.0.113.9", 5000, "", "8 101"));
	EXPECT_TRUE(has(answer, "m=audio 10000 UDP/TLS/RTP/SAVPF 8 ")) << answer;
	for (const char *line : {"a=group:BUNDLE 0\r\n", "a=ice-lite\r\n", "a=mid:0\r\n", "a=rtcp-mux\r\n", "a=setup:passive\r\n",
		     "a=candidate:1 1 UDP 2130706431 198.51.100.1 10000 typ host\r\n"})
		EXPECT_TRUE(has(answer, line)) << line << answer;
	EXPECT_FALSE(has(answer, "a=candidate:1 2"));
	EXPECT_TRUE(has(answer, std::string("a=fingerprint:") + kPrint));
	const struct sdp_plan_leg &a = call.plan().stream[0].leg[0];
	EXPECT_EQ(SDP_KEY_DTLS, a.secure.keying);
	EXPECT_TRUE(a.secure.ice);
	EXPECT_FALSE(a.secure.active);
	EXPECT_EQ("4ZcD", str(a.secure.remote_ufrag));
	EXPECT_EQ(line_of(answer, "a=ice-ufrag:"), std::string("a=ice-ufrag:") + a.secure.ufrag);
	EXPECT_EQ(line_of(answer, "a=ice-pwd:"), std::string("a=ice-pwd:") + a.secure.pwd);
	EXPECT_GE(strlen(a.secure.pwd), 22u);
	EXPECT_STREQ(kPrint, a.secure.fingerprints);
	// 0.0.0.0 with ICE is no hold.
	EXPECT_TRUE(a.receive);
	EXPECT_TRUE(a.send);
	EXPECT_TRUE(a.rtcp_mux);
	EXPECT_FALSE(call.plan().held);
}

TEST(Browser, ThatIsLiteIsChecked)
{
	SecureCall call(SDP_SRTP_DTLS, SDP_SRTP_ACCEPT, true, false);
	std::string body = chromium();

	body.replace(body.find("a=extmap-allow-mixed"), strlen("a=extmap-allow-mixed"), "a=ice-lite");
	call.offer(SDP_LEG_A, body);
	std::string answer = call.answer(SDP_LEG_B, audio("203.0.113.9", 5000, "", "8 101"));
	EXPECT_FALSE(has(answer, "a=ice-lite")) << answer; // one of the two has to check
	EXPECT_TRUE(has(answer, "a=ice-ufrag"));
	EXPECT_TRUE(call.plan().stream[0].leg[0].secure.lite);
	EXPECT_EQ("2/1muCWoOi3uLifh0NuRHlDp", str(call.plan().stream[0].leg[0].secure.remote_pwd));
}

TEST(Browser, IsCalledByATrunk)
{
	SecureCall call(SDP_SRTP_ACCEPT, SDP_SRTP_DTLS, false, true);
	std::string shown = call.offer(SDP_LEG_A, audio("192.0.2.9", 4000, "", "0 8 101")), answer;

	for (const char *line : {"m=audio 20000 UDP/TLS/RTP/SAVPF 0 8 101\r\n", "a=group:BUNDLE 0\r\n", "a=ice-lite\r\n", "a=mid:0\r\n",
		     "a=rtcp-mux\r\n", "a=setup:actpass\r\n", "a=candidate:1 1 UDP 2130706431 203.0.113.1 20000 typ host\r\n"})
		EXPECT_TRUE(has(shown, line)) << line << shown;
	answer = call.answer(SDP_LEG_B,
		crlf("v=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\nt=0 0\na=group:BUNDLE 0\nm=audio 9 UDP/TLS/RTP/SAVPF 8 101\n"
		     "c=IN IP4 0.0.0.0\na=ice-ufrag:abcd\na=ice-pwd:0123456789012345678901\n"
		     "a=candidate:1 1 udp 2113937151 192.0.2.77 54609 typ host\na=fingerprint:") +
			kPrint + crlf("\na=setup:active\na=mid:0\na=rtcp-mux\na=rtpmap:8 PCMA/8000\na=rtpmap:101 telephone-event/8000\n"));
	EXPECT_TRUE(has(answer, "m=audio 10000 RTP/AVP 8 101\r\n")) << answer;
	EXPECT_FALSE(has(answer, "ice"));
	const struct sdp_plan_leg &b = call.plan().stream[0].leg[1];
	EXPECT_EQ(SDP_KEY_DTLS, b.secure.keying);
	EXPECT_FALSE(b.secure.active);
	EXPECT_EQ("abcd", str(b.secure.remote_ufrag));
	EXPECT_EQ(line_of(shown, "a=ice-ufrag:"), std::string("a=ice-ufrag:") + b.secure.ufrag);
	EXPECT_EQ(54609, b.rtp.port); // of the candidate
	EXPECT_TRUE(b.send);
}

TEST(Browser, HoldKeepsRoleAndCredentials)
{
	SecureCall call(SDP_SRTP_DTLS, SDP_SRTP_ACCEPT, true, false);
	std::string first, again;

	call.offer(SDP_LEG_A, chromium());
	first = call.answer(SDP_LEG_B, audio("203.0.113.9", 5000, "", "8 101"));
	call.accept();
	std::string held = chromium();
	held.replace(held.find("a=sendrecv"), 10, "a=sendonly");
	call.offer(SDP_LEG_A, held);
	again = call.answer(SDP_LEG_B, audio("203.0.113.9", 5000, "a=recvonly\n", "8 101"));
	for (const char *line : {"a=ice-ufrag:", "a=ice-pwd:", "a=setup:", "a=fingerprint:"})
		EXPECT_EQ(line_of(first, line), line_of(again, line));
	EXPECT_TRUE(has(again, "a=recvonly"));
	call.accept();
	EXPECT_FALSE(call.plan().stream[0].leg[0].send);
	// The trunk resumes: the browser is offered what it knows.
	again = call.offer(SDP_LEG_B, audio("203.0.113.9", 5000, "", "8 101"));
	EXPECT_TRUE(has(again, "UDP/TLS/RTP/SAVPF")) << again;
	EXPECT_EQ(line_of(first, "a=ice-ufrag:"), line_of(again, "a=ice-ufrag:"));
	EXPECT_TRUE(has(again, "a=setup:actpass"));
	call.answer(SDP_LEG_A, chromium("", "active"));
	call.accept();
	EXPECT_FALSE(call.plan().stream[0].leg[0].secure.active);
	// And it holds once more: still passive.
	call.offer(SDP_LEG_A, held);
	again = call.answer(SDP_LEG_B, audio("203.0.113.9", 5000, "a=recvonly\n", "8 101"));
	EXPECT_TRUE(has(again, "a=setup:passive"));
}

TEST(Browser, AnIceRestartGetsNewCredentials)
{
	SecureCall call(SDP_SRTP_DTLS, SDP_SRTP_ACCEPT, true, false);
	std::string first, again;

	call.offer(SDP_LEG_A, chromium());
	first = call.answer(SDP_LEG_B, audio("203.0.113.9", 5000, "", "8 101"));
	call.accept();
	call.offer(SDP_LEG_A, chromium("", "actpass", "NEWu"));
	again = call.answer(SDP_LEG_B, audio("203.0.113.9", 5000, "", "8 101"));
	EXPECT_NE(line_of(first, "a=ice-ufrag:"), line_of(again, "a=ice-ufrag:"));
	EXPECT_NE(line_of(first, "a=ice-pwd:"), line_of(again, "a=ice-pwd:"));
	call.accept();
	EXPECT_EQ("NEWu", str(call.plan().stream[0].leg[0].secure.remote_ufrag));
	EXPECT_EQ(line_of(again, "a=ice-ufrag:"), std::string("a=ice-ufrag:") + call.plan().stream[0].leg[0].secure.ufrag);
}

TEST(Browser, APassivePartyMakesUsBegin)
{
	SecureCall call(SDP_SRTP_ACCEPT, SDP_SRTP_ACCEPT);
	std::string answer;

	call.offer(SDP_LEG_A, media("UDP/TLS/RTP/SAVP", std::string("a=fingerprint:") + kPrint + "\na=setup:passive\n"));
	answer = call.answer(SDP_LEG_B, audio("203.0.113.9", 5000, "", "8"));
	EXPECT_TRUE(has(answer, "a=setup:active")) << answer;
	EXPECT_TRUE(call.plan().stream[0].leg[0].secure.active);
}

TEST(Browser, WithoutAFingerprintThereIsNoDtls)
{
	SecureCall call(SDP_SRTP_DTLS, SDP_SRTP_ACCEPT, true, false);

	EXPECT_EQ(-EPROTONOSUPPORT, call.take_offer(SDP_LEG_A, media("UDP/TLS/RTP/SAVPF", "a=setup:actpass\n")));
}

// ---- a journal ----------------------------------------------------------------------------------

TEST(Secure, SurvivesARestart)
{
	SecureCall call(SDP_SRTP_DTLS, SDP_SRTP_SDES, true, false);
	uint8_t bytes[16384];
	struct sdp_oa back;
	struct sdp_plan p;
	int n;

	call.offer(SDP_LEG_A, chromium());
	call.answer(SDP_LEG_B, media("RTP/SAVP", crypto(3, "AES_CM_128_HMAC_SHA1_80", kKey128)));
	call.accept();
	struct sdp_plan before = call.plan();
	n = sdp_oa_save(&call.oa, bytes, sizeof(bytes));
	ASSERT_GT(n, 0);
	ASSERT_EQ(0, sdp_oa_load(&back, &call.scratch, bytes, (size_t)n));
	ASSERT_EQ(0, sdp_oa_plan(&back, &call.scratch, &p));
	EXPECT_STREQ(before.stream[0].leg[0].secure.pwd, p.stream[0].leg[0].secure.pwd);
	EXPECT_EQ(SDP_KEY_DTLS, p.stream[0].leg[0].secure.keying);
	EXPECT_TRUE(same_key(before.stream[0].leg[1].secure.ours, p.stream[0].leg[1].secure.ours));
	EXPECT_TRUE(same_key(before.stream[0].leg[1].secure.theirs, p.stream[0].leg[1].secure.theirs));
	sdp_oa_fini(&back);
}
