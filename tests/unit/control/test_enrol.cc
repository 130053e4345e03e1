// SPDX-License-Identifier: BSD-3-Clause
// Trunks that we register at, and that want a password for calls.
#include "tests/unit/control/phones.h"

extern "C" {
#include "controlplane/registrar/enrol.h"
}

using namespace control;

namespace
{

struct Enrol : Phones {
	void SetUp() override
	{
		trunk_more =
			", register: {user: acc1, password: pw, domain: prov.example, expires: "
			"600, retry: 10, number: \"+4930100\"}";
		hide = false;
		Phones::SetUp();
		advance(300);
	}
	bool right(const Msg &m, const char *header)
	{
		sip_credentials c;
		char ha1[SIP_DIGEST_HEX];
		std::string v = m.header(header);
		if (sip_credentials_parse(sip_slice(v.data(), v.size()), &c))
			return false;
		sip_digest_ha1(c.algorithm, sip_str("acc1"), c.realm, sip_str("pw"), ha1);
		std::string method = m.method(), body = m.body();
		EXPECT_EQ(std::string(c.uri.p, c.uri.n), m.uri());
		return sip_credentials_right(&c, ha1, sip_slice(method.data(), method.size()),
			sip_slice(body.data(), body.size()));
	}
	void wait()
	{
		while (quiet(b.addr))
			advance(200);
	}
	cp_enrol_view view()
	{
		cp_enrol_view v{};
		EXPECT_TRUE(cp_enrol_at(shard, 0, &v));
		return v;
	}
	const char *challenge = "WWW-Authenticate: Digest realm=\"prov\", nonce=\"n1\", "
				"algorithm=SHA-256, qop=\"auth,auth-int\"\r\n"
				"WWW-Authenticate: Digest realm=\"prov\", nonce=\"n1\", "
				"qop=\"auth\"\r\n";
	// 200 with all Contacts that it asked for.
	void grant(const Msg &m, unsigned expires)
	{
		std::string c = m.header("Contact");
		b.respond(m, 200, "OK", "",
			format("Contact: <sip:other@192.0.2.1>;expires=7\r\nContact: "
			       "%s;expires=%u\r\n",
				c.substr(0, c.find('>') + 1).c_str(), expires));
	}
};

TEST_F(Enrol, RegistersWithItsPasswordAndRefreshesInTime)
{
	Msg m = b.expect("REGISTER");
	EXPECT_EQ(m.uri(), "sip:prov.example");
	EXPECT_NE(m.header("To").find("<sip:acc1@prov.example>"), std::string::npos);
	EXPECT_EQ(m.header("Contact"), "<sip:acc1@10.2.0.1>;expires=600");
	EXPECT_STREQ(view().state, "trying");
	b.respond(m, 401, "Unauthorized", "", challenge);
	Msg n = b.expect("REGISTER");
	EXPECT_EQ(n.header("Call-ID"), m.header("Call-ID"));
	EXPECT_EQ(n.header("From"), m.header("From"));
	EXPECT_EQ(n.header("CSeq"), "2 REGISTER");
	EXPECT_NE(n.header("Via"), m.header("Via"));
	EXPECT_NE(n.header("Authorization").find("algorithm=SHA-256"), std::string::npos);
	EXPECT_TRUE(right(n, "Authorization"));
	grant(n, 300);
	EXPECT_STREQ(view().state, "registered");
	EXPECT_EQ(view().expires_s, 300u);
	advance(224000);
	EXPECT_TRUE(quiet(b.addr));
	wait();
	m = b.expect("REGISTER");
	EXPECT_EQ(m.header("CSeq"), "3 REGISTER");
	grant(m, 300);
	advance(1000);
	EXPECT_STREQ(view().state, "registered");
}

TEST_F(Enrol, BacksOffAndDoesNotRepeatAWrongPassword)
{
	b.respond(b.expect("REGISTER"), 401, "Unauthorized", "", challenge);
	b.respond(b.expect("REGISTER"), 401, "Unauthorized", "", challenge);
	EXPECT_TRUE(quiet(b.addr)) << "the same password again would be no better";
	EXPECT_STREQ(view().state, "failed");
	EXPECT_EQ(view().status, 401);
	uint64_t last = 0;
	for (unsigned i = 0; i < 6; i++) {
		uint64_t before = now_us;
		while (quiet(b.addr))
			advance(200);
		uint64_t waited = (now_us - before) / 1000000, most = 10u << (i < 4 ? i : 4);
		EXPECT_GE(waited + 1, most / 2);
		EXPECT_LE(waited, most + 1);
		last = waited;
		b.respond(b.expect("REGISTER"), 403, "Forbidden");
	}
	EXPECT_GE(last, 79u);
	wait();
	grant(b.expect("REGISTER"), 600);
	EXPECT_STREQ(view().state, "registered");
	EXPECT_EQ(view().failures, 0u);
}

TEST_F(Enrol, MinExpiresAndRetryAfterAndStale)
{
	b.respond(b.expect("REGISTER"), 423, "Interval Too Brief", "", "Min-Expires: 1800\r\n");
	Msg m = b.expect("REGISTER");
	EXPECT_EQ(m.header("Expires"), "1800");
	b.respond(m, 401, "Unauthorized", "", challenge);
	m = b.expect("REGISTER");
	b.respond(m, 401, "Unauthorized", "",
		"WWW-Authenticate: Digest realm=\"prov\", nonce=\"n2\", stale=true, "
		"qop=\"auth\"\r\n");
	m = b.expect("REGISTER");
	EXPECT_NE(m.header("Authorization").find("nonce=\"n2\""), std::string::npos);
	b.respond(m, 503, "Busy", "", "Retry-After: 100\r\n");
	advance(99000);
	EXPECT_TRUE(quiet(b.addr));
	wait();
	grant(b.expect("REGISTER"), 1800);
}

TEST_F(Enrol, AFailedRefreshIsTriedAgainBeforeItExpires)
{
	grant(b.expect("REGISTER"), 300);
	wait();
	b.respond(b.expect("REGISTER"), 500, "Oops");
	EXPECT_STREQ(view().state, "registered") << "it still is";
	wait();
	b.respond(b.expect("REGISTER"), 500, "Oops");
	EXPECT_EQ(view().failures, 2u);
	advance(100000);
	EXPECT_STREQ(view().state, "failed");
	sent.clear();
}

TEST_F(Enrol, CallsToItAnswerChallengesToo)
{
	Phone alice(*this, "alice", "secret", "10.1.0.10");

	grant(b.expect("REGISTER"), 600);
	alice.dial("+4940555");
	Msg i = b.expect("INVITE");
	EXPECT_NE(i.header("From").find("@prov.example>"), std::string::npos);
	b.respond(i, 407, "Proxy Authentication Required", "",
		"Proxy-Authenticate: Digest realm=\"prov\", nonce=\"n1\", qop=\"auth\"\r\n");
	b.expect("ACK");
	Msg j = b.expect_invite();
	EXPECT_EQ(j.header("CSeq"), "2 INVITE");
	EXPECT_EQ(j.header("From"), i.header("From"));
	EXPECT_EQ(j.body(), i.body());
	EXPECT_TRUE(right(j, "Proxy-Authorization"));
	EXPECT_TRUE(quiet(alice.addr)) << "the caller hears nothing of it";
	b.respond(j, 200, "OK", b.sdp.text());
	alice.learn(alice.expect(200));
	b.expect("ACK");
	alice.ack();
	// In the dialog, too.
	alice.sdp.direction = "sendonly";
	alice.request("INVITE", alice.sdp.text());
	Msg hold = b.expect("INVITE");
	EXPECT_EQ(hold.header("CSeq"), "3 INVITE");
	b.respond(hold, 401, "Unauthorized", "", challenge);
	b.expect("ACK");
	hold = b.expect("INVITE");
	EXPECT_EQ(hold.header("CSeq"), "4 INVITE");
	EXPECT_TRUE(right(hold, "Authorization"));
	b.sdp.version++;
	b.sdp.direction = "recvonly";
	b.respond(hold, 200, "OK", b.sdp.text());
	b.expect("ACK");
	alice.expect(200);
	alice.ack();
	alice.request("BYE");
	alice.expect(200, "BYE");
	Msg bye = b.expect("BYE");
	b.respond(bye, 401, "Unauthorized", "", challenge);
	bye = b.expect("BYE");
	EXPECT_EQ(bye.header("CSeq"), "6 BYE");
	EXPECT_TRUE(right(bye, "Authorization"));
	b.respond(bye, 200, "OK");
}

TEST_F(Enrol, CallsToOurContactAreForTheNumberOfTheTrunk)
{
	Phone alice(*this, "alice", "secret", "10.1.0.10");

	grant(b.expect("REGISTER"), 600);
	ASSERT_EQ(alice.registers().status(), 200);
	b.call("acc1", b.sdp.text());
	b.expect(100);
	Msg i = alice.expect_invite();
	alice.respond(i, 486, "Busy");
	alice.expect("ACK");
	b.ack_failure(b.expect(486));
}

TEST_F(Enrol, AReloadKeepsWhatIsTheSame)
{
	grant(b.expect("REGISTER"), 600);
	cp_policy *policy = make_policy(config().c_str());
	cp_shard_set_policy(shard, policy);
	cp_policy_release(policy);
	advance(2000);
	EXPECT_TRUE(quiet(b.addr));
	EXPECT_STREQ(view().state, "registered");
	trunk_more = ", register: {user: acc2, password: pw, domain: prov.example}";
	policy = make_policy(config().c_str());
	cp_shard_set_policy(shard, policy);
	cp_policy_release(policy);
	advance(300);
	Msg m = b.expect("REGISTER");
	EXPECT_NE(m.header("To").find("acc2"), std::string::npos);
	grant(m, 600);
}

TEST_F(Enrol, ADisabledTrunkIsRegisteredAtNoMore)
{
	grant(b.expect("REGISTER"), 600);
	trunk_disabled = true;
	cp_enrol_disabled(shard);
	advance(300);
	Msg m = b.expect("REGISTER");
	EXPECT_EQ(m.header("Contact"), "<sip:acc1@10.2.0.1>;expires=0");
	EXPECT_EQ(m.header("Expires"), "0");
	b.respond(m, 401, "Unauthorized", "", challenge);
	b.respond(b.expect("REGISTER"), 200, "OK");
	EXPECT_STREQ(view().state, "disabled");
	EXPECT_EQ(view().expires_s, 0u);
	advance(900000);
	EXPECT_TRUE(quiet(b.addr));
	trunk_disabled = false;
	cp_enrol_disabled(shard);
	advance(300);
	m = b.expect("REGISTER");
	EXPECT_EQ(m.header("Contact"), "<sip:acc1@10.2.0.1>;expires=600");
	grant(m, 600);
	EXPECT_STREQ(view().state, "registered");
}

TEST_F(Enrol, IcmpIsAFailureAtOnce)
{
	b.expect("REGISTER");
	sip_flow gone{};
	gone.remote = b.addr;
	cp_shard_unreachable(shard, &gone, -ECONNREFUSED);
	EXPECT_STREQ(view().state, "failed");
	// The first is sent again for a while, by UDP's rule; nobody waits for its answer.
	for (int i = 0; i < 20 && strcmp(view().state, "registered") != 0; i++) {
		wait();
		grant(b.expect("REGISTER"), 600);
	}
	EXPECT_STREQ(view().state, "registered");
	sent.clear();
}

} // namespace
