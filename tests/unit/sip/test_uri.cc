// SPDX-License-Identifier: BSD-3-Clause
#include "world.h"

namespace
{

struct sip_uri uri(const char *text)
{
	struct sip_uri u;
	EXPECT_EQ(0, sip_uri_parse(sip_str(text), &u)) << text;
	return u;
}

TEST(Uri, PartsAreFound)
{
	struct sip_uri u = uri(
		"sips:alice;day=tue:secret@[2001:db8::1]:5061;transport=tcp;lr?subject=a%20b&x=");
	EXPECT_EQ(SIP_URI_SIPS, u.scheme);
	EXPECT_EQ("alice;day=tue", str(u.user));
	EXPECT_EQ("secret", str(u.password));
	EXPECT_EQ("[2001:db8::1]", str(u.host));
	EXPECT_EQ(5061, u.port);
	EXPECT_EQ("transport=tcp;lr", str(u.params));
	EXPECT_EQ("subject=a%20b&x=", str(u.headers));
	EXPECT_TRUE(sip_uri_is_loose(&u));
	struct sip_slice v;
	EXPECT_TRUE(sip_uri_param(&u, "TRANSPORT", &v));
	EXPECT_EQ("tcp", str(v));
	EXPECT_FALSE(sip_uri_param(&u, "maddr", &v));
	u = uri("sip:example.com");
	EXPECT_FALSE(u.has_user);
	EXPECT_EQ(0, u.port);
	EXPECT_EQ(SIP_URI_OTHER, uri("urn:service:sos").scheme);
	EXPECT_EQ("service:sos", str(uri("urn:service:sos").rest));
}

class BadUri : public testing::TestWithParam<const char *>
{
};

TEST_P(BadUri, IsRefused)
{
	struct sip_uri u;
	EXPECT_EQ(-EINVAL, sip_uri_parse(sip_str(GetParam()), &u));
}

INSTANTIATE_TEST_SUITE_P(Each, BadUri,
	testing::Values("", "sip", "sip:", ":x", "1sip:x", "sip:@host", "sip:a b@host", "sip:a@",
		"sip:a@host:", "sip:a@host:0", "sip:a@host:65536", "sip:a@host:99999999999",
		"sip:a@host;", "sip:a@host;;lr", "sip:a@host;lr;LR", "sip:a@host;=x", "sip:a@host?",
		"sip:a@host?x", "sip:a@host?=x", "sip:a@host?a=b&", "sip:a%4@host", "sip:a%zz@host",
		"sip:a@ho st", "sip:a@host\r\n", "sip:a@[::1", "sip:a@[zz]", "sip:a@2001:db8::1",
		"sip:a@[1.2.3.4]", "sip:<a>@host", "sip:a@host>", "sip:a@b@c", "tel:", "tel:+",
		"tel:abcxyz", "tel:+49a", "tel:+49;", "http:", "http:a b", "sip:a@[2001:db8:::10]",
		"sip:a\"b@host", "sip:a@host;p=\"q\""));

struct Pair {
	const char *a, *b;
	bool equal;
};

class UriEqual : public testing::TestWithParam<Pair>
{
};

TEST_P(UriEqual, BothWays)
{
	struct sip_uri a = uri(GetParam().a), b = uri(GetParam().b);
	EXPECT_EQ(GetParam().equal, sip_uri_equal(&a, &b)) << GetParam().a << " " << GetParam().b;
	EXPECT_EQ(GetParam().equal, sip_uri_equal(&b, &a)) << GetParam().b << " " << GetParam().a;
}

// The examples of RFC 3261 19.1.4 first, with its own remarks.
const Pair kPairs[] = {
	{"sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp", true},
	{"sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", true},
	{"sip:carol@chicago.com", "sip:carol@chicago.com;security=on", true},
	{"sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on", true},
	{"sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
		"sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com", true},
	{"sip:alice@atlanta.com?subject=project%20x&priority=urgent",
		"sip:alice@atlanta.com?priority=urgent&subject=project%20x", true},
	{"SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP", false},
	{"sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", false},
	{"sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", false},
	{"sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp", false},
	{"sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", false},
	{"sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4", false},
	{"sip:carol@chicago.com;security=off", "sip:carol@chicago.com;security=on", false},
	{"sip:a@h", "sips:a@h", false},
	{"sip:h", "sip:a@h", false},
	{"sip:a:x@h", "sip:a:y@h", false},
	{"sip:a;b@h", "sip:a%3bb@h", false},
	{"sip:a@h;maddr=1.2.3.4", "sip:a@h", false},
	{"sip:a@h;user=phone", "sip:a@h", false},
	{"sip:a@h;ttl=1", "sip:a@h", false},
	{"sip:a@[2001:db8::1]", "sip:a@[2001:DB8:0::1]", true},
	{"tel:+1-201-555-0123", "tel:+12015550123", true},
	{"tel:+12015550123", "tel:+12015550124", false},
	{"tel:7042;phone-context=example.com", "tel:7042;phone-context=EXAMPLE.com", true},
	{"tel:7042;phone-context=example.com", "tel:7042;phone-context=other.com", false},
	{"tel:7042;phone-context=example.com", "tel:7042", false},
	{"urn:service:sos", "URN:service:sos", true},
	{"urn:service:sos", "urn:service:SOS", false},
};

INSTANTIATE_TEST_SUITE_P(Rfc3261, UriEqual, testing::ValuesIn(kPairs));

std::string number(const char *text)
{
	struct sip_uri u = uri(text);
	char out[32];
	return sip_uri_number(&u, out, sizeof(out)) >= 0 ? out : "error";
}

TEST(Uri, NumberOfTheUserPart)
{
	EXPECT_EQ("+4930123456", number("sip:+49-30.123(456)@h;user=phone"));
	EXPECT_EQ("030123", number("sip:030123;phone-context=+49@h"));
	EXPECT_EQ("*31#0301", number("tel:*31#0301"));
	EXPECT_EQ("", number("sip:alice@h"));
	EXPECT_EQ("", number("sip:12+34@h"));
	EXPECT_EQ("", number("sip:h"));
	EXPECT_EQ("error", number("sip:1234567890123456789012345678901234@h"));
	EXPECT_TRUE(sip_number_is_e164(sip_str("+4930123456")));
	EXPECT_FALSE(sip_number_is_e164(sip_str("4930123456")));
	EXPECT_FALSE(sip_number_is_e164(sip_str("+")));
	EXPECT_FALSE(sip_number_is_e164(sip_str("+0123")));
	EXPECT_FALSE(sip_number_is_e164(sip_str("+1234567890123456")));
	EXPECT_TRUE(sip_number_is_e164(sip_str("+123456789012345")));
}

TEST(Uri, EscapesBothWays)
{
	char out[16];
	EXPECT_EQ(5, sip_unescape(sip_str("%41b%00%2fc"), out, sizeof(out)));
	EXPECT_EQ(0, memcmp("Ab\0/c", out, 6));
	EXPECT_EQ(-EINVAL, sip_unescape(sip_str("a%4"), out, sizeof(out)));
	EXPECT_EQ(-ENOBUFS, sip_unescape(sip_str("0123456789abcdef"), out, sizeof(out)));
	EXPECT_EQ(15, sip_unescape(sip_str("0123456789abcde"), out, sizeof(out)));
	EXPECT_EQ(8, sip_escape_user(sip_str("a@b#"), out, sizeof(out)));
	EXPECT_STREQ("a%40b%23", out);
	EXPECT_EQ(-ENOBUFS, sip_escape_user(sip_str("@@@@@@"), out, sizeof(out)));
}

TEST(Flow, AddressesBothWays)
{
	struct sip_addr a, b;
	char text[SIP_ADDR_TEXT];
	struct sockaddr_storage ss;
	for (const char *s : {"192.0.2.1", "255.10.0.199", "2001:db8::1", "::1"}) {
		ASSERT_EQ(0, sip_addr_parse(sip_str(s), 5061, &a));
		sip_addr_host(&a, false, text);
		EXPECT_STREQ(s, text);
		socklen_t n = sip_addr_to_sockaddr(&a, &ss);
		ASSERT_EQ(0, sip_addr_from_sockaddr((struct sockaddr *)&ss, n, &b));
		EXPECT_TRUE(sip_addr_equal(&a, &b));
	}
	ASSERT_EQ(0, sip_addr_parse(sip_str("[::ffff:192.0.2.1]"), 1, &a));
	EXPECT_EQ(4, a.family) << "a mapped address is the address it maps";
	ASSERT_EQ(0, sip_addr_parse(sip_str("[2001:db8::1]"), 1, &a));
	sip_addr_host(&a, true, text);
	EXPECT_STREQ("[2001:db8::1]", text);
	for (const char *s : {"", "example.com", "1.2.3", "[::1", "1.2.3.4.5"})
		EXPECT_EQ(-EINVAL, sip_addr_parse(sip_str(s), 1, &a)) << s;
	struct sockaddr un = {};
	un.sa_family = AF_UNIX;
	EXPECT_EQ(-EINVAL, sip_addr_from_sockaddr(&un, sizeof(un), &a));
	uint8_t t;
	EXPECT_EQ(0, sip_transport_from(sip_str("wss"), &t));
	EXPECT_EQ(SIP_WSS, t);
	EXPECT_EQ(-EINVAL, sip_transport_from(sip_str("sctp"), &t));
}

} // namespace
