// SPDX-License-Identifier: BSD-3-Clause
// The registrar: RFC 3261 10.3, digest, Path, outbound, GRUU, and what survives a restart.
#include "tests/unit/control/phones.h"

using namespace control;

namespace
{

TEST_F(Phones, AreChallengedByEveryAlgorithmAndThenBound)
{
	Phone p(*this, "alice", "secret", "10.1.0.10");
	Msg m = p.register_raw("Contact: <sip:alice@10.1.0.10>;expires=600\r\n");

	EXPECT_EQ(m.status(), 401);
	EXPECT_NE(m.header("WWW-Authenticate", 0).find("algorithm=SHA-256"), std::string::npos);
	EXPECT_NE(m.header("WWW-Authenticate", 1).find("algorithm=MD5"), std::string::npos);
	EXPECT_NE(m.header("WWW-Authenticate").find("realm=\"pbx.example\""), std::string::npos);
	EXPECT_EQ(contacts(), 0u);
	for (auto algorithm : {"SHA-256", "MD5", "SHA-256-sess"}) {
		p.algorithm = algorithm;
		p.nonce.clear();
		m = p.registers();
		EXPECT_EQ(m.status(), 200) << algorithm << m.text;
		EXPECT_NE(m.header("Authentication-Info").find("rspauth=\""), std::string::npos);
	}
	EXPECT_EQ(m.header("Contact"), "<sip:alice@10.1.0.10:5060>;expires=600");
	EXPECT_NE(m.header("Date"), "");
	EXPECT_EQ(contacts(), 1u);
	p.algorithm = "SHA-512-256";
	EXPECT_EQ(p.registers().status(), 200) << "better than what was offered";
}

struct WithoutMd5 : Phones {
	WithoutMd5()
	{
		more = ", digest: sha-256";
	}
};

TEST_F(WithoutMd5, Md5IsNotTaken)
{
	Phone p(*this, "alice", "secret", "10.1.0.10");

	EXPECT_EQ(p.registers().status(), 401);
	p.algorithm = "SHA-256";
	EXPECT_EQ(p.registers().status(), 200);
}

TEST_F(Phones, WithHashesOnly)
{
	Phone p(*this, "carol", "ha", "10.1.0.10");

	EXPECT_EQ(p.registers().status(), 200);
	p.algorithm = "SHA-256";
	EXPECT_EQ(p.registers().status(), 403) << "there is no SHA-256 of it";
}

TEST_F(Phones, WrongPasswordAndUnknownUserLookAlike)
{
	Phone p(*this, "alice", "wrong", "10.1.0.10"), q(*this, "nobody", "x", "10.1.0.11");
	Msg m = p.registers(), n = q.registers();

	EXPECT_EQ(m.status(), 403);
	EXPECT_EQ(n.status(), 403);
	EXPECT_EQ(suspects.size(), 2u);
	EXPECT_EQ(contacts(), 0u);
	Phone r(*this, "bob", "geheim", "10.1.0.12");
	EXPECT_EQ(r.register_raw("", "sip:alice@pbx.example").status(), 401);
	r.nonce = "";
	Msg c = r.register_raw("", "sip:alice@pbx.example");
	r.learn_nonce(c);
	EXPECT_EQ(r.register_raw("Contact: <sip:bob@10.1.0.12>\r\n", "sip:alice@pbx.example")
			  .status(),
		403)
		<< "another one's address of record";
	EXPECT_EQ(suspects.size(), 2u) << "that is no guess";
}

TEST_F(Phones, NoncesExpireAndCannotBeReplayed)
{
	Phone p(*this, "alice", "secret", "10.1.0.10");

	ASSERT_EQ(p.registers().status(), 200);
	p.nc--; // the same nc again
	Msg m = p.register_raw("Contact: " + p.contact + "\r\n");
	EXPECT_EQ(m.status(), 401);
	EXPECT_NE(m.header("WWW-Authenticate").find("stale=true"), std::string::npos);
	p.learn_nonce(m);
	EXPECT_EQ(p.registers().status(), 200);
	pass(301000);
	m = p.register_raw("Contact: " + p.contact + "\r\n");
	EXPECT_EQ(m.status(), 401);
	EXPECT_NE(m.header("WWW-Authenticate").find("stale=true"), std::string::npos);
	// Stolen by another host, it is worth nothing.
	ASSERT_EQ(p.registers().status(), 200);
	Phone thief(*this, "alice", "secret", "10.1.0.66");
	thief.nonce = p.nonce;
	thief.nc = p.nc;
	EXPECT_EQ(thief.register_raw("Contact: <sip:x@10.1.0.66>\r\n").status(), 401);
	EXPECT_EQ(contacts(), 1u);
	EXPECT_EQ(cp_registrar_counters(registrar)->failed, 0u);
}

TEST_F(Phones, ExpiresIsBounded)
{
	Phone p(*this, "alice", "secret", "10.1.0.10");
	Msg m = p.registers(5);

	EXPECT_EQ(m.status(), 423);
	EXPECT_EQ(m.header("Min-Expires"), "60");
	EXPECT_EQ(contacts(), 0u);
	EXPECT_NE(p.registers(999999).header("Contact").find("expires=3600"), std::string::npos);
	m = p.registers("Contact: " + p.contact + "\r\nExpires: 120\r\n");
	EXPECT_NE(m.header("Contact").find("expires=120"), std::string::npos);
	m = p.registers("Contact: " + p.contact + "\r\n");
	EXPECT_NE(m.header("Contact").find("expires=3600"), std::string::npos);
	m = p.registers(60);
	pass(59000);
	EXPECT_EQ(contacts(), 1u);
	pass(2000);
	EXPECT_EQ(contacts(), 0u);
	EXPECT_EQ(cp_registrar_counters(registrar)->expired, 1u);
}

TEST_F(Phones, SeveralContactsAreListedByPreferenceAndLimited)
{
	Phone p(*this, "alice", "secret", "10.1.0.10");
	Msg m = p.registers("Contact: <sip:a@10.1.0.10>;q=0.2, <sip:b@10.1.0.10>;q=0.75\r\n"
			    "Contact: <sip:c@10.1.0.10>\r\n");

	ASSERT_EQ(m.status(), 200) << m.text;
	EXPECT_EQ(m.header("Contact", 0).find("<sip:c@10.1.0.10>;expires=3600"), 0u);
	EXPECT_NE(m.header("Contact", 1).find("<sip:b@10.1.0.10>;expires=3600;q=0.750"),
		std::string::npos);
	EXPECT_NE(m.header("Contact", 2).find("q=0.200"), std::string::npos);
	m = p.registers("Contact: <sip:d@10.1.0.10>\r\n");
	EXPECT_EQ(m.status(), 403) << "a fourth";
	EXPECT_NE(m.header("Warning").find("too many"), std::string::npos);
	m = p.registers("Contact: <sip:d@10.1.0.10>, <sip:a@10.1.0.10>;expires=0\r\n");
	EXPECT_EQ(m.status(), 200) << "one for another";
	EXPECT_EQ(contacts(), 3u);
	std::string all;
	for (int i = 0; i < 40; i++)
		all += format("Contact: <sip:x%d@10.1.0.10>\r\n", i);
	EXPECT_EQ(p.registers(all).status(), 403);
	m = p.registers(""); // asks
	EXPECT_EQ(m.status(), 200);
	EXPECT_NE(m.text.find("<sip:d@10.1.0.10>"), std::string::npos);
	EXPECT_EQ(m.text.find("<sip:a@10.1.0.10>"), std::string::npos);
}

TEST_F(Phones, StarTakesAllAway)
{
	Phone p(*this, "alice", "secret", "10.1.0.10");

	ASSERT_EQ(p.registers("Contact: <sip:a@10.1.0.10>, <sip:b@10.1.0.10>\r\n").status(), 200);
	EXPECT_EQ(p.registers("Contact: *\r\n").status(), 400) << "without Expires: 0";
	EXPECT_EQ(p.registers("Contact: *\r\nExpires: 60\r\n").status(), 400);
	EXPECT_EQ(p.registers("Contact: *, <sip:a@10.1.0.10>\r\nExpires: 0\r\n").status(), 400);
	EXPECT_EQ(contacts(), 2u);
	Msg m = p.registers("Contact: *\r\nExpires: 0\r\n");
	EXPECT_EQ(m.status(), 200);
	EXPECT_FALSE(m.has("Contact"));
	EXPECT_EQ(contacts(), 0u);
}

TEST_F(Phones, AllOrNothing)
{
	Phone p(*this, "alice", "secret", "10.1.0.10");

	ASSERT_EQ(p.registers("Contact: <sip:a@10.1.0.10>\r\n").status(), 200);
	EXPECT_EQ(p.registers("Contact: <sip:b@10.1.0.10>, <tel:+49>\r\n").status(), 400);
	EXPECT_EQ(
		p.registers("Contact: <sip:b@10.1.0.10>, <sip:c@10.1.0.10>;expires=1\r\n").status(),
		423);
	EXPECT_EQ(contacts(), 1u);
}

TEST_F(Phones, AnOlderRequestChangesNothing)
{
	Phone p(*this, "alice", "secret", "10.1.0.10");

	ASSERT_EQ(p.registers().status(), 200);
	p.number -= 2;
	EXPECT_EQ(p.registers(0).status(), 500) << "CSeq is not higher";
	EXPECT_EQ(contacts(), 1u);
	p.register_id = "another-caller-reg";
	EXPECT_EQ(p.registers(0).status(), 200) << "the phone began anew";
	EXPECT_EQ(contacts(), 0u);
}

TEST_F(Phones, UrisCompareAsUris)
{
	Phone p(*this, "alice", "secret", "10.1.0.10");

	ASSERT_EQ(p.registers("Contact: <sip:a@HOST.example;transport=udp>\r\n").status(), 200);
	ASSERT_EQ(p.registers("Contact: <sip:a@host.example;transport=UDP>\r\n").status(), 200);
	EXPECT_EQ(contacts(), 1u);
	ASSERT_EQ(p.registers("Contact: <sip:a@host.example>\r\n").status(), 200);
	EXPECT_EQ(contacts(), 2u);
}

TEST_F(Phones, ForeignDomains)
{
	Phone p(*this, "alice", "secret", "10.1.0.10");

	EXPECT_EQ(p.register_raw("", "sip:alice@elsewhere.example").status(), 403);
	EXPECT_EQ(suspects.size(), 1u);
}

TEST_F(Phones, Outbound)
{
	Phone p(*this, "alice", "secret", "10.1.0.10");
	const char *line = "Contact: <sip:alice@192.168.1.2:%d>;reg-id=%d;+sip.instance="
			   "\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\"\r\n";

	p.supported = "Supported: path, outbound\r\n";
	Msg m = p.registers(format(line, 5060, 1));
	ASSERT_EQ(m.status(), 200) << m.text;
	EXPECT_EQ(m.header("Require"), "outbound");
	EXPECT_EQ(m.header("Flow-Timer"), "120");
	EXPECT_NE(m.header("Contact").find(";reg-id=1"), std::string::npos);
	ASSERT_EQ(p.registers(format(line, 5060, 2)).status(), 200);
	EXPECT_EQ(contacts(), 2u) << "two flows of one phone";
	ASSERT_EQ(p.registers(format(line, 5099, 1)).status(), 200);
	EXPECT_EQ(contacts(), 2u) << "a new flow with its old number";
	p.supported = "Supported: outbound\r\nVia: SIP/2.0/UDP proxy.example;branch=z9hG4bKx\r\n";
	EXPECT_EQ(p.register_raw(format(line, 5060, 1)).status(), 439) << "a proxy between";
	p.supported = "Supported: outbound, path\r\nVia: SIP/2.0/UDP "
		      "proxy.example;branch=z9hG4bKy\r\nPath: <sip:proxy.example;lr;ob>\r\n";
	EXPECT_EQ(p.registers(format(line, 5060, 1)).status(), 200) << "one that knows it";
}

TEST_F(Phones, PathIsTheWayBack)
{
	Phone p(*this, "alice", "secret", "10.1.0.10");

	p.supported = "Supported: path\r\nPath: <sip:edge1.example;lr>, <sip:edge2.example;lr>\r\n";
	Msg m = p.registers();
	ASSERT_EQ(m.status(), 200);
	EXPECT_NE(m.header("Path").find("edge1.example"), std::string::npos);
	b.call("+4930100", b.sdp.text());
	b.expect(100);
	Msg i = p.expect("INVITE");
	EXPECT_EQ(i.header("Route"), "<sip:edge1.example;lr>, <sip:edge2.example;lr>");
	EXPECT_EQ(i.uri(), "sip:alice@10.1.0.10:5060");
	p.respond(i, 486, "Busy Here");
	p.expect("ACK");
	b.ack_failure(b.expect(486));
}

TEST_F(Phones, Gruus)
{
	Phone p(*this, "alice", "secret", "10.1.0.10");
	std::string line = "Contact: " + p.contact +
			   ";+sip.instance=\"<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>\"\r\n";

	p.supported = "Supported: gruu\r\n";
	Msg m = p.registers(line);
	ASSERT_EQ(m.status(), 200);
	std::string c = m.header("Contact");
	EXPECT_NE(c.find(";pub-gruu=\"sip:alice@pbx.example;gr=urn:uuid:f81d4fae-7dec-11d0-a765-"
			 "00a0c91e6bf6\""),
		std::string::npos)
		<< c;
	size_t at = c.find(";temp-gruu=\"");
	ASSERT_NE(at, std::string::npos);
	std::string temp = c.substr(at + 12, c.find('"', at + 12) - at - 12);
	m = p.registers(line);
	c = m.header("Contact");
	at = c.find(";temp-gruu=\"");
	std::string second = c.substr(at + 12, c.find('"', at + 12) - at - 12);
	EXPECT_NE(temp, second);
	cp_policy *policy = make_policy(config().c_str());
	const cp_peer *office = cp_peers_at(policy->peers, 0);
	cp_ring ring[CP_RING];
	unsigned n;
	sip_uri uri;
	auto rings = [&](const std::string &text) {
		EXPECT_EQ(sip_uri_parse(sip_slice(text.data(), text.size()), &uri), 0) << text;
		return cp_registrar_ring(registrar, policy, office, &uri, ring, &n);
	};
	EXPECT_EQ(rings(temp), 0);
	EXPECT_EQ(n, 1u);
	EXPECT_EQ(rings(second), 0) << "the older one stays good";
	EXPECT_EQ(
		rings("sip:alice@pbx.example;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"), 0);
	EXPECT_EQ(rings("sip:alice@pbx.example;gr=urn:uuid:00000000"), -EHOSTUNREACH);
	std::string forged = temp;
	forged[12] = forged[12] == '0' ? '1' : '0';
	EXPECT_EQ(rings(forged), -ENOENT);
	EXPECT_EQ(rings("sip:tgruu.zz@pbx.example;gr"), -ENOENT);
	p.register_id = "after-restart-caller";
	p.registers(line);
	EXPECT_EQ(rings(temp), -ENOENT) << "another Call-ID ends them";
	p.supported = "";
	EXPECT_EQ(p.registers(line).text.find("gruu"), std::string::npos) << "not asked for";
	cp_policy_release(policy);
}

TEST_F(Phones, SurviveARestart)
{
	Phone p(*this, "alice", "secret", "10.1.0.10"), q(*this, "bob", "geheim", "10.1.0.11");

	ASSERT_EQ(p.registers().status(), 200);
	ASSERT_EQ(q.registers(60).status(), 200);
	pass(1);
	EXPECT_EQ(kept.size(), 2u);
	auto records = kept;
	cp_policy *policy = make_policy(config().c_str());
	cp_registrar *old = registrar;
	now_us += 100 * 1000000ull;
	new_registrar(policy);
	unsigned good = 0, stale = 0;
	for (auto &r : records) {
		int err =
			cp_registrar_restore(registrar, r.first, r.second.data(), r.second.size());
		good += err == 0;
		stale += err == -ESTALE;
		for (size_t n = 0; n < r.second.size(); n++)
			EXPECT_NE(cp_registrar_restore(registrar, r.first, r.second.data(), n), 0);
	}
	EXPECT_EQ(good, 1u);
	EXPECT_EQ(stale, 1u) << "bob's has expired in between";
	EXPECT_EQ(contacts(), 1u);
	std::swap(old, registrar);
	cp_registrar_free(old);
	cp_policy_release(policy);
}

TEST_F(Phones, WhoIsNoUserAnyMoreIsForgotten)
{
	Phone p(*this, "alice", "secret", "10.1.0.10"), q(*this, "bob", "geheim", "10.1.0.11");

	ASSERT_EQ(p.registers().status(), 200);
	ASSERT_EQ(q.registers().status(), 200);
	write_users("bob: {password: neu}\n");
	cp_policy *policy = make_policy(config().c_str());
	cp_registrar_set_policy(registrar, policy);
	cp_policy_release(policy);
	EXPECT_EQ(contacts(), 1u);
	EXPECT_EQ(q.registers().status(), 403) << "with the old password";
	q.password = "neu";
	q.nonce.clear();
	EXPECT_EQ(q.registers().status(), 200);
}

TEST_F(Phones, BehindNatArePinged)
{
	Phone p(*this, "alice", "secret", "10.1.0.10"), q(*this, "bob", "geheim", "10.1.0.11");

	ASSERT_EQ(p.registers("Contact: <sip:alice@192.168.7.7:5060>\r\n").status(), 200);
	ASSERT_EQ(q.registers().status(), 200);
	pass(31000);
	pass(31000);
	EXPECT_EQ(pings.size(), 2u) << "alice alone";
	EXPECT_EQ(pings[0], "sip:alice@192.168.7.7:5060");
}

TEST_F(Phones, AFloodIsBounded)
{
	Phone p(*this, "alice", "secret", "10.1.0.10");
	unsigned refused = 0;

	for (int i = 0; i < 2500; i++)
		refused += p.register_raw("").status() == 503;
	EXPECT_GT(refused, 400u);
	EXPECT_LT(refused, 600u);
	pass(5000);
	EXPECT_NE(p.register_raw("").status(), 503);
}

TEST_F(Phones, OfTwoFlowsOfOnePhoneTheOneThatStandsRings)
{
	Phone p(*this, "alice", "secret", "10.1.0.10");
	const char *line =
		"Contact: <sip:alice@192.168.1.2:%d;transport=tcp>;reg-id=%d;+sip.instance="
		"\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\"\r\n";
	cp_policy *policy = make_policy(config().c_str());
	cp_ring ring[CP_RING];
	unsigned n = 0, connection = 7;
	sip_uri uri;

	p.supported = "Supported: outbound\r\n";
	on_receive = [&](sip_flow &flow) {
		flow.transport = SIP_TCP;
		flow.connection = connection;
	};
	ASSERT_EQ(p.registers(format(line, 5060, 1)).status(), 200);
	connection = 8;
	ASSERT_EQ(p.registers(format(line, 5060, 2)).status(), 200);
	ASSERT_EQ(sip_uri_parse(sip_str("sip:alice@pbx.example"), &uri), 0);
	auto rings = [&] {
		return cp_registrar_ring(
			registrar, policy, cp_peers_at(policy->peers, 0), &uri, ring, &n);
	};
	ASSERT_EQ(rings(), 0);
	ASSERT_EQ(n, 1u);
	EXPECT_EQ(ring[0].flow.connection, 8u) << "the younger";
	sip_flow gone = ring[0].flow;
	cp_registrar_closed(registrar, &gone);
	ASSERT_EQ(rings(), 0);
	ASSERT_EQ(n, 1u);
	EXPECT_EQ(ring[0].flow.connection, 7u);
	gone = ring[0].flow;
	cp_registrar_closed(registrar, &gone);
	EXPECT_EQ(rings(), -EHOSTUNREACH) << "behind NAT nobody can dial it";
	EXPECT_EQ(contacts(), 2u) << "they may come back";
	pass(250000);
	EXPECT_TRUE(pings.empty()) << "there is nothing to keep open";
	cp_policy_release(policy);
}

TEST_F(Phones, ConnectionsAreKeptOpen)
{
	Phone p(*this, "alice", "secret", "10.1.0.10");

	on_receive = [&](sip_flow &flow) {
		flow.transport = SIP_TCP;
		flow.connection = 7;
	};
	ASSERT_EQ(p.registers("Contact: <sip:alice@10.1.0.10;transport=tcp>\r\n").status(), 200);
	pass(239000);
	EXPECT_TRUE(pings.empty());
	pass(2000);
	EXPECT_EQ(pings.size(), 1u);
}

} // namespace
