// SPDX-License-Identifier: BSD-3-Clause
// Digest authentication by the examples of its RFCs, and the nonces of a server over time.
#include <gtest/gtest.h>

#include <set>
#include <string>

extern "C" {
#include "sip/digest.h"
}

namespace
{

struct sip_slice S(const char *z)
{
	return sip_str(z);
}

std::string T(struct sip_slice s)
{
	return std::string(s.p ? s.p : "", s.n);
}

std::string ha1(sip_digest_algorithm a, const char *user, const char *realm, const char *password)
{
	char out[SIP_DIGEST_HEX];

	EXPECT_EQ(sip_digest_ha1(a, S(user), S(realm), S(password), out), 0);
	return out;
}

// RFC 7616 3.9.1
const char kMufasa[] =
	"Digest username=\"Mufasa\", realm=\"http-auth@example.org\", uri=\"/dir/index.html\", "
	"algorithm=%s, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001, "
	"cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth, response=\"%s\", "
	"opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";

std::string mufasa(const char *algorithm, const char *response)
{
	char out[1024];

	snprintf(out, sizeof(out), kMufasa, algorithm, response);
	return out;
}

TEST(Digest, TheExamplesOfRfc7616)
{
	struct {
		sip_digest_algorithm a;
		const char *name, *response;
	} const all[] = {
		{SIP_MD5, "MD5", "8ca523f5e9506fed4657c9700eebdbec"},
		{SIP_SHA256, "SHA-256",
			"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"},
	};
	for (auto &e : all) {
		std::string h = ha1(e.a, "Mufasa", "http-auth@example.org", "Circle of Life");
		std::string text = mufasa(e.name, e.response);
		sip_credentials c;

		ASSERT_EQ(sip_credentials_parse(S(text.c_str()), &c), 0) << text;
		EXPECT_EQ(c.algorithm, e.a);
		EXPECT_EQ(c.nc, 1u);
		EXPECT_TRUE(sip_credentials_right(&c, h.c_str(), S("GET"), S("")));
		EXPECT_FALSE(sip_credentials_right(&c, h.c_str(), S("PUT"), S("")));
		EXPECT_FALSE(sip_credentials_right(&c,
			ha1(e.a, "Mufasa", "http-auth@example.org", "circle of life").c_str(),
			S("GET"), S("")));
	}
}

// The names of RFC 7616 3.9.2, the userhash of its erratum 4897; the response by another program (hashlib).
TEST(Digest, Sha512HalfAndAHashedUsername)
{
	const char *user = "J\xc3\xa4s\xc3\xb8n Doe", *realm = "api@example.org";
	std::string h = ha1(SIP_SHA512_256, user, realm, "Secret, or not?");
	char hash[SIP_DIGEST_HEX];
	sip_credentials c;
	const char *text =
		"Digest "
		"username=\"793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b\", "
		"realm=\"api@example.org\", uri=\"/doe.json\", algorithm=SHA-512-256, "
		"nonce=\"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK\", nc=00000001, "
		"cnonce=\"NTg6RKcb9boFIAS3KrFK9BGeh+niz/sm\", qop=auth, "
		"response=\"7a4e1192babbba02e91182d2895bfdbf7adafc6e48d4e517ca301974843d840c\", "
		"opaque=\"HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS\", userhash=true";

	ASSERT_EQ(sip_digest_userhash(SIP_SHA512_256, S(user), S(realm), hash), 0);
	ASSERT_EQ(sip_credentials_parse(S(text), &c), 0);
	EXPECT_TRUE(c.userhash);
	EXPECT_EQ(T(c.username), hash);
	EXPECT_TRUE(sip_credentials_right(&c, h.c_str(), S("GET"), S("")));
}

TEST(Digest, TheExampleOfRfc2617AndAnOldClient)
{
	std::string h = ha1(SIP_MD5, "Mufasa", "testrealm@host.com", "Circle Of Life");
	sip_credentials c;

	EXPECT_EQ(h, "939e7578ed9e3c518a452acee763bce9");
	ASSERT_EQ(sip_credentials_parse(
			  S("Digest username=\"Mufasa\",realm=\"testrealm@host.com\","
			    "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\",uri=\"/dir/index.html\","
			    "qop=\"auth\",nc=00000001,cnonce=\"0a4f113b\","
			    "response=\"6629FAE49393A05397450978507C4EF1\","
			    "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\""),
			  &c),
		0)
		<< "no spaces, a quoted qop, no algorithm";
	EXPECT_TRUE(sip_credentials_right(&c, h.c_str(), S("GET"), S(""))) << "capital digits";
	// RFC 2069: no qop at all (with its erratum's response).
	ASSERT_EQ(
		sip_credentials_parse(
			S("Digest username=\"Mufasa\", realm=\"testrealm@host.com\", "
			  "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", "
			  "response=\"1949323746fe6a43ef61f9606e7febea\""),
			&c),
		0);
	EXPECT_EQ(c.qop, unsigned(SIP_QOP_NONE));
	EXPECT_TRUE(sip_credentials_right(&c,
		ha1(SIP_MD5, "Mufasa", "testrealm@host.com", "CircleOfLife").c_str(), S("GET"),
		S("")));
}

TEST(Digest, WhatCannotBeRead)
{
	const char *good = "Digest username=\"a\", realm=\"r\", nonce=\"n\", uri=\"sip:r\", "
			   "response=\"0123456789abcdef0123456789abcdef\"";
	struct {
		const char *more;
		int err;
	} const all[] = {
		{"", 0},
		{", opaque=\"\"", 0},
		{", unknown=token, other=\"a,b\\\"c\"", 0},
		{", qop=auth, nc=00000001, cnonce=\"x\"", 0},
		{" ,, qop=auth ,nc=0000000A\r\n , cnonce=\"x\",", 0},
		{", qop=auth, nc=00000000, cnonce=\"x\"", -EBADMSG},
		{", qop=auth, nc=1, cnonce=\"x\"", -EBADMSG},
		{", qop=auth, nc=0000000g, cnonce=\"x\"", -EBADMSG},
		{", qop=auth, nc=00000001", -EBADMSG},
		{", qop=auth-conf, nc=00000001, cnonce=\"x\"", -ENOTSUP},
		{", algorithm=SHA-1", -ENOTSUP},
		{", algorithm=SHA-256", -EBADMSG}, // a response of another length
		{", algorithm=MD5-sess", -EBADMSG},
		{", nonce=\"again\"", -EBADMSG},
		{", username*=UTF-8''b", -EBADMSG},
		{", broken=\"open", -EBADMSG},
		{" qop=auth", -EBADMSG},
		{", =x", -EBADMSG},
		{", x", -EBADMSG},
	};
	sip_credentials c;

	for (auto &e : all)
		EXPECT_EQ(sip_credentials_parse(S((std::string(good) + e.more).c_str()), &c), e.err)
			<< e.more;
	EXPECT_EQ(sip_credentials_parse(S("Basic YTpi"), &c), -ENOTSUP);
	EXPECT_EQ(sip_credentials_parse(S("Digest"), &c), -ENOTSUP);
	EXPECT_EQ(sip_credentials_parse(S("Digest username=\"a\""), &c), -EBADMSG);
	EXPECT_EQ(sip_credentials_parse(S(""), &c), -ENOTSUP);
}

TEST(Digest, UsernamesAreDecoded)
{
	char out[32];
	sip_credentials c{};

	c.username = S("a\\\"b\\\\c");
	EXPECT_EQ(sip_credentials_user(&c, out, sizeof(out)), 5);
	EXPECT_STREQ(out, "a\"b\\c");
	c.extended = true;
	c.username = S("UTF-8''J%C3%A4s%C3%B8n%20Doe");
	EXPECT_GT(sip_credentials_user(&c, out, sizeof(out)), 0);
	EXPECT_STREQ(out, "J\xc3\xa4s\xc3\xb8n Doe");
	c.username = S("latin1''x");
	EXPECT_EQ(sip_credentials_user(&c, out, sizeof(out)), -EINVAL);
	c.extended = false;
	c.username = S("0123456789012345678901234567890123456789");
	EXPECT_EQ(sip_credentials_user(&c, out, sizeof(out)), -ENOBUFS);
}

TEST(Digest, AClientIsUnderstoodByAServerByEveryAlgorithm)
{
	const char *names[] = {"MD5", "SHA-256", "SHA-512-256", "MD5-sess", "SHA-256-sess"};
	const char *qops[] = {
		"", ", qop=\"auth\"", ", qop=\"auth-int,auth\"", ", qop=\"auth-int\""};

	for (auto name : names)
		for (auto qop : qops) {
			std::string text =
				std::string("Digest realm=\"a \\\"b\\\" c\", nonce=\"n1\", "
					    "opaque=\"o\", userhash=false, algorithm=") +
				name + qop;
			char value[1024];
			sip_challenge ch;
			sip_credentials c;
			sip_answer_request a{};

			if (!*qop && strstr(name, "sess"))
				continue;
			ASSERT_EQ(sip_challenge_parse(S(text.c_str()), &ch), 0) << text;
			a.challenge = &ch;
			a.user = "al\"ice";
			a.password = "se:cret";
			a.method = S("INVITE");
			a.uri = S("sip:b@example.com");
			a.body = S("v=0");
			a.cnonce = "0a4f113b";
			a.nc = 7;
			ASSERT_GT(sip_credentials_write(&a, value, sizeof(value)), 0);
			ASSERT_EQ(sip_credentials_parse(S(value), &c), 0) << value;
			EXPECT_EQ(T(c.opaque), "o");
			EXPECT_EQ(c.nc, *qop ? 7u : 0u);
			std::string h = ha1(c.algorithm, "al\"ice", "a \"b\" c", "se:cret");
			EXPECT_TRUE(sip_credentials_right(&c, h.c_str(), S("INVITE"), S("v=0")))
				<< value;
			bool whole = c.qop == SIP_QOP_AUTH_INT;
			EXPECT_EQ(sip_credentials_right(&c, h.c_str(), S("INVITE"), S("v=1")),
				!whole);
			for (size_t size = 0; size < strlen(value); size += 13)
				EXPECT_LT(sip_credentials_write(&a, value, size), 0);
		}
}

TEST(Digest, Challenges)
{
	sip_challenge c;
	char value[256];

	ASSERT_GT(sip_challenge_write(
			  SIP_SHA256, "pbx.example.com", "abc", true, value, sizeof(value)),
		0);
	EXPECT_STREQ(value, "Digest realm=\"pbx.example.com\", nonce=\"abc\", stale=true, "
			    "algorithm=SHA-256, qop=\"auth\"");
	ASSERT_EQ(sip_challenge_parse(S(value), &c), 0);
	EXPECT_TRUE(c.stale);
	EXPECT_EQ(c.qop, unsigned(SIP_QOP_AUTH));
	EXPECT_EQ(
		sip_challenge_write(SIP_MD5, "pbx.example.com", "abc", true, value, 20), -ENOBUFS);
	EXPECT_EQ(sip_challenge_parse(S("Digest realm=\"x\""), &c), -EBADMSG);
	EXPECT_EQ(sip_challenge_parse(S("Digest realm=\"x\", nonce=\"y\", qop=\"other\""), &c),
		-ENOTSUP);
	EXPECT_EQ(
		sip_challenge_parse(S("Digest realm=\"x\", nonce=\"y\", algorithm=AKAv1-MD5"), &c),
		-ENOTSUP);
	EXPECT_EQ(sip_challenge_parse(S("Bearer realm=\"x\""), &c), -ENOTSUP);
	sip_auth_info info;
	ASSERT_EQ(sip_auth_info_parse(S("nextnonce=\"n2\", qop=auth, rspauth=\"00\", cnonce=\"c\", "
					"nc=00000002"),
			  &info),
		0);
	EXPECT_EQ(T(info.nextnonce), "n2");
	EXPECT_EQ(info.nc, 2u);
	EXPECT_EQ(sip_auth_info_parse(S("nc=2"), &info), -EBADMSG);
}

// ---- nonces

struct Nonces : testing::Test {
	sip_nonces *n = nullptr;
	sip_addr source{}, other{};
	uint64_t now = 1700000000;

	void SetUp() override
	{
		make(64);
		sip_addr_parse(S("192.0.2.1"), 5060, &source);
		sip_addr_parse(S("192.0.2.2"), 5060, &other);
	}
	void make(size_t places)
	{
		const uint8_t key[16] = {1, 2, 3};
		sip_nonces_free(n);
		ASSERT_EQ(sip_nonces_new(&n, key, 300, places), 0);
	}
	void TearDown() override
	{
		sip_nonces_free(n);
	}
	std::string nonce(const char *realm = "r")
	{
		char out[SIP_NONCE_TEXT];
		sip_nonce_make(n, now, &source, realm, out);
		return out;
	}
	sip_nonce_verdict check(const std::string &t, uint32_t nc)
	{
		return sip_nonce_check(n, now, &source, "r", S(t.c_str()), nc);
	}
	sip_nonce_verdict use(const std::string &t, uint32_t nc)
	{
		sip_nonce_verdict v = check(t, nc);
		if (v == SIP_NONCE_GOOD)
			sip_nonce_use(n, S(t.c_str()), nc);
		return v;
	}
};

TEST_F(Nonces, AreGoodForATimeOneSourceAndOneRealm)
{
	std::string t = nonce();

	EXPECT_EQ(t.size(), SIP_NONCE_TEXT - 1);
	EXPECT_EQ(check(t, 1), SIP_NONCE_GOOD);
	EXPECT_EQ(sip_nonce_check(n, now, &other, "r", S(t.c_str()), 1), SIP_NONCE_STALE);
	EXPECT_EQ(sip_nonce_check(n, now, &source, "s", S(t.c_str()), 1), SIP_NONCE_STALE);
	source.port = 9;
	EXPECT_EQ(check(t, 1), SIP_NONCE_GOOD) << "NAT may give another port";
	now += 300;
	EXPECT_EQ(check(t, 1), SIP_NONCE_GOOD);
	now += 1;
	EXPECT_EQ(check(t, 1), SIP_NONCE_STALE);
	now -= 302;
	EXPECT_EQ(check(t, 1), SIP_NONCE_STALE) << "nor from the future";
}

TEST_F(Nonces, CannotBeMade)
{
	std::string t = nonce();

	for (size_t i = 0; i < t.size(); i++) {
		std::string forged = t;
		forged[i] = forged[i] == '0' ? '1' : '0';
		EXPECT_EQ(check(forged, 1), SIP_NONCE_STALE) << i;
	}
	EXPECT_EQ(check("", 1), SIP_NONCE_STALE);
	EXPECT_EQ(check(t + "0", 1), SIP_NONCE_STALE);
	EXPECT_EQ(check(std::string(56, 'z'), 1), SIP_NONCE_STALE);
	std::set<std::string> all;
	for (int i = 0; i < 1000; i++)
		all.insert(nonce());
	EXPECT_EQ(all.size(), 1000u);
}

TEST_F(Nonces, NoCountIsTakenTwice)
{
	std::string t = nonce();

	EXPECT_EQ(use(t, 1), SIP_NONCE_GOOD);
	EXPECT_EQ(use(t, 1), SIP_NONCE_REPLAYED);
	EXPECT_EQ(use(t, 3), SIP_NONCE_GOOD);
	EXPECT_EQ(use(t, 2), SIP_NONCE_GOOD) << "overtaken on the way";
	EXPECT_EQ(use(t, 2), SIP_NONCE_REPLAYED);
	EXPECT_EQ(use(t, 3), SIP_NONCE_REPLAYED);
	EXPECT_EQ(use(t, 100), SIP_NONCE_GOOD);
	EXPECT_EQ(use(t, 36), SIP_NONCE_REPLAYED) << "too far behind to be known";
	EXPECT_EQ(use(t, 37), SIP_NONCE_GOOD);
	EXPECT_EQ(use(t, 99), SIP_NONCE_GOOD);
	EXPECT_EQ(use(t, 1), SIP_NONCE_REPLAYED);
	EXPECT_EQ(use(t, 0xffffffff), SIP_NONCE_GOOD);
	EXPECT_EQ(use(t, 100), SIP_NONCE_REPLAYED);
}

TEST_F(Nonces, WithoutCountAreGoodOnce)
{
	std::string t = nonce();

	EXPECT_EQ(use(t, 0), SIP_NONCE_GOOD);
	EXPECT_EQ(use(t, 0), SIP_NONCE_REPLAYED);
}

TEST_F(Nonces, AFloodOfChallengesDisplacesNobody)
{
	std::string t = nonce();

	ASSERT_EQ(use(t, 1), SIP_NONCE_GOOD);
	for (int i = 0; i < 1000; i++)
		nonce();
	EXPECT_EQ(use(t, 1), SIP_NONCE_REPLAYED);
	EXPECT_EQ(use(t, 2), SIP_NONCE_GOOD);
}

TEST_F(Nonces, WhoIsDisplacedIsStaleAndNotReplayable)
{
	make(1);
	std::string first = nonce(), second = nonce();

	ASSERT_EQ(use(first, 1), SIP_NONCE_GOOD);
	ASSERT_EQ(use(second, 1), SIP_NONCE_GOOD);
	EXPECT_EQ(use(first, 1), SIP_NONCE_STALE);
	EXPECT_EQ(use(first, 2), SIP_NONCE_STALE);
	EXPECT_EQ(use(second, 2), SIP_NONCE_GOOD);
}

TEST(NoncesOf, WrongSizes)
{
	const uint8_t key[16] = {};
	sip_nonces *n;

	EXPECT_EQ(sip_nonces_new(&n, key, 300, 0), -EINVAL);
	EXPECT_EQ(sip_nonces_new(&n, key, 300, 3), -EINVAL);
	EXPECT_EQ(sip_nonces_new(&n, key, 0, 4), -EINVAL);
}

} // namespace
