// SPDX-License-Identifier: BSD-3-Clause
// What the configuration decides: strangers, targets in other networks, where requests go, and a new
// configuration under running calls.
#include "tests/unit/control/world.h"

using namespace control;

namespace
{

struct Configured : Call {
	void restart(const std::string &from, const std::string &to)
	{
		std::string config = kConfig;
		size_t at = config.find(from);
		ASSERT_NE(at, std::string::npos);
		cp_shard_free(shard);
		cp_tregion_free(tregion);
		start(config.replace(at, from.size(), to).c_str());
	}
};

TEST_F(Configured, StrangersMayBeIgnored)
{
	restart("ring_timeout", "strangers: ignore\n  ring_timeout");
	Party s{*this, "caller", "10.1.0.99", 0};
	s.call("+4930", s.sdp.text());
	s.cseq = 5;
	s.request("OPTIONS");
	s.raw("junk");
	s.raw("INVITE sip:x SIP/7.0\r\n\r\n");
	EXPECT_TRUE(quiet(s.addr));
	EXPECT_EQ(counter(CP_C_DROP_STRANGER), 4u);
	up();
	bye(a, b);
}

TEST_F(Configured, ANewConfigurationDropsNoCall)
{
	restart("ring_timeout", "strangers: ignore\n  ring_timeout");
	up();
	// The carrier is a peer no more, and numbers with +49 go nowhere.
	std::string config = kConfig;
	config.replace(config.find("10.2.0.2"), 8, "10.2.0.8");
	config.replace(config.find("ring_timeout"), 0, "strangers: ignore\n  ");
	config.replace(config.find("\"+49\""), 5, "\"+43\"");
	cp_policy *policy = make_policy(config.c_str());
	ASSERT_NE(policy, nullptr);
	cp_shard_set_policy(shard, policy);
	cp_policy_release(policy);
	Party other{*this, "caller", "10.1.0.2", 0};
	other.call_id = "caller-other";
	other.branch = 100;
	other.call("+4930", other.sdp.text());
	other.ack_failure(other.expect(404));
	// The call of before goes on with the peer of before.
	a.sdp.version++;
	a.sdp.direction = "sendonly";
	a.request("INVITE", a.sdp.text());
	b.respond(b.expect("INVITE"), 200, "OK", b.sdp.text());
	b.expect("ACK");
	a.expect(200);
	a.ack();
	b.request("INFO", "x", "", "application/dtmf");
	a.respond(a.expect("INFO"), 200, "OK");
	b.expect(200);
	bye(b, a);
}

TEST_F(Configured, TheNextTargetMayBeInAnotherNetwork)
{
	hide = false; // the backup sits on the caller's side
	restart("10.2.0.3, media: b", "10.1.0.3, media: a");
	Party backup{*this, "callee", "10.1.0.3", 0};
	a.call("+4930", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	EXPECT_NE(i.body().find("c=IN IP4 10.2.0.1"), std::string::npos);
	b.respond(i, 183, "Progress", b.sdp.text());
	Msg early = a.expect(183);
	b.respond(i, 503, "No");
	b.expect("ACK");
	Msg j = backup.expect_invite();
	EXPECT_NE(j.body().find("c=IN IP4 10.1.0.1"), std::string::npos) << j.body();
	EXPECT_NE(j.header("Contact").find("10.1.0.1"), std::string::npos);
	EXPECT_EQ(media.only().ports.leg[1].interface_index, 0);
	backup.respond(j, 200, "OK", backup.sdp.text());
	backup.expect("ACK");
	Msg ok = a.expect(200);
	EXPECT_NE(ok.body(), early.body()); // other ports, so another version
	a.learn(ok);
	a.ack();
	EXPECT_TRUE(media.only().active);
	bye(a, backup);
}

TEST_F(Configured, PortsForTheNextTargetMayBeExhausted)
{
	hide = false;
	restart("10.2.0.3, media: b", "10.1.0.3, media: a");
	a.call("+4930", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	media.fail[ABI_PORT_ALLOC] = {-ENOSPC};
	b.respond(i, 503, "No");
	b.expect("ACK");
	Msg m = a.expect(503);
	EXPECT_TRUE(m.has("Retry-After"));
	a.ack_failure(m);
	EXPECT_EQ(result(CP_RESULT_NO_PORTS), 1u);
}

TEST_F(Configured, WithoutAnOfferTheNextTargetNeedsNoPorts)
{
	Party backup{*this, "callee", "10.2.0.3", 1};
	a.call("+4930", "");
	a.expect(100);
	b.respond(b.expect_invite(), 500, "No");
	b.expect("ACK");
	Msg j = backup.expect_invite();
	backup.respond(j, 200, "OK", backup.sdp.text());
	a.learn(a.expect(200));
	a.ack(a.sdp.text());
	backup.expect("ACK");
	bye(a, backup);
}

TEST_F(Configured, RequestsGoToTheContactOfATrunkButNotOfAPhone)
{
	a.call("+4930", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	// Its answers come from 5060, it wants requests on 5088.
	std::string ok = "SIP/2.0 200 OK\r\nVia: " + i.header("Via") +
			 "\r\nFrom: " + i.header("From") + "\r\nTo: " + i.header("To") +
			 ";tag=" + b.tag + "\r\nCall-ID: " + b.call_id +
			 "\r\nCSeq: 1 INVITE\r\nContact: <sip:x@10.2.0.2:5088>\r\n";
	b.raw(b.with_body(ok, b.sdp.text()));
	a.learn(a.expect(200));
	Msg ack = b.expect("ACK");
	EXPECT_EQ(ack.to.remote.port, 5088);
	EXPECT_EQ(ack.uri(), "sip:x@10.2.0.2:5088");
	a.ack();
	bye(a, b);

	Party phone{*this, "caller", "10.1.0.4", 0};
	phone.call_id = "caller-phone";
	phone.addr.port = 40001; // behind NAT; its Contact says 5060
	phone.call("+4930", phone.sdp.text());
	phone.expect(100);
	i = b.expect_invite();
	b.respond(i, 200, "OK", b.sdp.text());
	phone.learn(phone.expect(200));
	b.expect("ACK");
	phone.ack();
	b.request("BYE");
	b.expect(200);
	Msg end = phone.expect("BYE");
	EXPECT_EQ(end.to.remote.port, 40001);
	phone.respond(end, 200, "OK");
}

TEST_F(Configured, AContactOutsideThePeerIsNotFollowed)
{
	a.call("+4930", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	std::string ok = "SIP/2.0 200 OK\r\nVia: " + i.header("Via") +
			 "\r\nFrom: " + i.header("From") + "\r\nTo: " + i.header("To") +
			 ";tag=" + b.tag + "\r\nCall-ID: " + b.call_id +
			 "\r\nCSeq: 1 INVITE\r\nContact: <sip:victim@198.51.100.1>\r\n";
	b.raw(b.with_body(ok, b.sdp.text()));
	a.learn(a.expect(200));
	Msg ack = b.expect("ACK");
	EXPECT_EQ(ack.uri(),
		"sip:victim@198.51.100.1"); // as RFC 3261 wants it, but sent to the carrier
	a.ack();
	bye(a, b);
}

TEST_F(Configured, MessagesAreTracedUnderTheirCall)
{
	up();
	uint64_t id = cp_tregion_call(tregion, 0)->id;
	EXPECT_NE(id, 0u);
	bye(a, b);
	EXPECT_NE(cdrs[0].find(format("\"call\":\"%016llx\"", (unsigned long long)id)),
		std::string::npos);
	EXPECT_EQ(counter(CP_C_REQUESTS + SIP_INVITE), 1u);
	EXPECT_EQ(counter(CP_C_REQUESTS_SENT + SIP_INVITE), 1u);
	EXPECT_EQ(counter(CP_C_REQUESTS + SIP_BYE), 1u);
	EXPECT_EQ(counter(CP_C_RESPONSES + 1), 2u); // 200 to INVITE and BYE
	EXPECT_EQ(counter(CP_C_RESPONSES_SENT + 1), 2u);
	EXPECT_EQ(counter(CP_C_RESPONSES_SENT + 0), 2u); // 100, 180
}

} // namespace
