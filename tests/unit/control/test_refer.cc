// SPDX-License-Identifier: BSD-3-Clause
// Transfers: REFER carried out here, passed on and refused, Replaces from outside, and what crosses
// meanwhile.
#include "tests/unit/control/world.h"

using namespace control;

namespace
{

const char *const kTransfer = R"(
media:
  a: {device: a0, address: [10.1.0.1, "fd00:1::1"], ports: 20000-20999}
  b: {device: b0, address: [10.2.0.1, "fd00:2::1"], ports: 20000-20999}
sip:
  listen: [udp:10.1.0.1, udp:10.2.0.1]
  media_timeout: 30
  ring_timeout: 60
peers:
  office: {kind: trunk, address: 10.1.0.2, media: a}
  carrier: {kind: trunk, address: 10.2.0.2, media: b}
  backup: {kind: trunk, address: 10.2.0.3, media: b%s}
  phone: {kind: access, address: [10.1.0.4, 10.1.0.5], media: a}
routes:
  - {from: office, number: "+49", to: [carrier]}
  - {from: office, number: "+33", to: [backup]}
  - {from: carrier, to: [office]}
)";

// The caller's side calls +49 (carrier) and transfers to +33 (backup), or the callee transfers back.
struct Refer : Call {
	Party c{*this, "callee", "10.2.0.3", 1};
	std::string extra;

	void SetUp() override
	{
		ASSERT_EQ(sip_init(), 0);
		c.tag = "callee-tag-3";
		c.branch = 200; // parties of one name share the branches
		c.sdp.port = 7000;
		start(format(kTransfer, extra.c_str()).c_str());
		up();
		sent.clear();
	}

	void refer(Party &p, const std::string &to, const std::string &lines = "")
	{
		p.request("REFER", "",
			"Refer-To: " + to + "\r\nContact: <sip:" + p.name + "Secret@" + p.ip +
				":5060>\r\n" + lines);
	}

	Msg notify(Party &p, int status, bool last = false)
	{
		Msg n = p.expect("NOTIFY");
		EXPECT_EQ(n.body().substr(0, 11), "SIP/2.0 " + std::to_string(status)) << n.text;
		EXPECT_EQ(n.header("Content-Type"), "message/sipfrag;version=2.0");
		EXPECT_EQ(n.header("Event").substr(0, 5), "refer");
		EXPECT_EQ(n.header("Subscription-State").find("terminated") == 0, last) << n.text;
		EXPECT_TRUE(n.has("Contact"));
		p.respond(n, 200, "OK");
		return n;
	}

	// The target of a blind transfer answers, and the party that stays is told.
	Msg complete(Party &target, Party &stays)
	{
		Msg i = target.expect_invite();
		target.respond(i, 180, "Ringing");
		target.respond(i, 200, "OK", target.sdp.text());
		target.expect("ACK");
		Msg re = stays.expect("INVITE");
		EXPECT_FALSE(re.tag("To").empty());
		stays.sdp.version++;
		stays.respond(re, 200, "OK", stays.sdp.text());
		stays.expect("ACK");
		return re;
	}
};

TEST_F(Refer, ABlindTransferByTheCaller)
{
	size_t first = cdrs.size();
	refer(a, "<sip:+33123@10.1.0.1>", "Referred-By: <sip:bob@10.1.0.2>\r\n");
	EXPECT_TRUE(a.expect(202, "REFER").has("Contact"));
	notify(a, 100);
	Msg i = c.expect_invite();
	EXPECT_EQ(i.uri(), "sip:+33123@10.2.0.3");
	EXPECT_NE(i.header("From").find("<sip:+4930123@10.2.0.1>"), std::string::npos);
	EXPECT_EQ(i.header("Referred-By"), "<sip:bob@10.2.0.1>");
	EXPECT_NE(i.body().find("m=audio"), std::string::npos);
	c.respond(i, 180, "Ringing");
	notify(a, 180);
	EXPECT_TRUE(quiet(b.addr));
	c.respond(i, 200, "OK", c.sdp.text());
	c.expect("ACK");
	Msg re = b.expect("INVITE");
	EXPECT_EQ(re.header("Call-ID"), b.call_id);
	EXPECT_NE(re.body().find("o=- "), std::string::npos);
	EXPECT_EQ(re.body().find("sendonly"), std::string::npos);
	b.sdp.version++;
	b.respond(re, 200, "OK", b.sdp.text());
	b.expect("ACK");
	notify(a, 200, true);
	// The transferor is let go of only after it has heard.
	a.respond(a.expect("BYE"), 200, "OK");
	EXPECT_EQ(cp_shard_calls(shard), 1u);
	auto &p = media.only().plan;
	EXPECT_EQ(p.leg[0].remote_rtp_port, 6000); // the party that stays is leg 0 now
	EXPECT_EQ(p.leg[1].remote_rtp_port, 7000);
	EXPECT_TRUE(p.leg[0].flags & ABI_LEG_SEND);
	EXPECT_TRUE(p.leg[1].flags & ABI_LEG_SEND);
	// The CDRs of the first call say where its party went.
	ASSERT_EQ(cdrs.size(), first + 2);
	EXPECT_NE(cdrs[first + 1].find("\"transferred_to\":"), std::string::npos);
	EXPECT_NE(cdrs[first + 1].find("\"call_id\":\"" + b.call_id), std::string::npos);
	EXPECT_NE(cdrs[first].find("\"status\":200"), std::string::npos);
	// Changes go on between the two.
	b.sdp.version++;
	b.sdp.direction = "sendonly";
	b.request("INVITE", b.sdp.text());
	Msg hold = c.expect("INVITE");
	EXPECT_NE(hold.body().find("a=sendonly"), std::string::npos);
	c.sdp.version++;
	c.sdp.direction = "recvonly";
	c.respond(hold, 200, "OK", c.sdp.text());
	b.expect(200);
	c.expect("ACK");
	b.ack();
	bye(c, b);
	pump();
	ASSERT_EQ(cdrs.size(), first + 4);
	EXPECT_NE(cdrs[first + 3].find("\"transferred_from\":"), std::string::npos);
	EXPECT_EQ(cdrs[first + 3].find("\"answer\":null"), std::string::npos);
}

TEST_F(Refer, ABlindTransferByTheCalleeSurvivesItsByeBeforeTheEnd)
{
	// The carrier transfers the office to itself: by the carrier's routes.
	Party d{*this, "caller", "10.1.0.2", 0};
	d.tag = "caller-tag-9";
	d.branch = 400;
	d.sdp.port = 4100;
	refer(b, "<sip:+49999@10.2.0.1>");
	b.expect(202, "REFER");
	notify(b, 100);
	b.request("BYE");
	b.expect(200, "BYE");
	Msg i = d.expect_invite();
	EXPECT_TRUE(quiet(a.addr)) << "the party that stays hears nothing yet";
	d.respond(i, 200, "OK", d.sdp.text());
	d.expect("ACK");
	Msg re = a.expect("INVITE");
	a.sdp.version++;
	a.respond(re, 200, "OK", a.sdp.text());
	a.expect("ACK");
	EXPECT_TRUE(quiet(b.addr)) << "who is gone is told nothing";
	EXPECT_EQ(cp_shard_calls(shard), 1u);
	EXPECT_EQ(media.only().plan.leg[0].remote_rtp_port, 4000);
	EXPECT_EQ(media.only().plan.leg[1].remote_rtp_port, 4100);
	d.request("BYE");
	d.expect(200, "BYE");
	a.respond(a.expect("BYE"), 200, "OK");
}

TEST_F(Refer, ATargetThatRefusesLeavesTheCallAsItWas)
{
	abi_session_plan before = media.only().plan;
	for (int status : {486, 404, 603, 480}) {
		refer(a, "<sip:+33123@10.1.0.1>");
		a.expect(202, "REFER");
		notify(a, 100);
		Msg i = c.expect_invite();
		c.respond(i, status, "No");
		c.expect("ACK");
		Msg n = notify(a, status, true);
		EXPECT_TRUE(quiet(b.addr));
		EXPECT_EQ(memcmp(&media.only().plan, &before, sizeof(before)), 0);
	}
	bye(a, b);
}

TEST_F(Refer, ATargetThatRefusesAfterTheTransferorIsGoneEndsTheCall)
{
	refer(a, "<sip:+33123@10.1.0.1>");
	a.expect(202, "REFER");
	notify(a, 100);
	a.request("BYE");
	a.expect(200, "BYE");
	Msg i = c.expect_invite();
	c.respond(i, 486, "Busy");
	c.expect("ACK");
	b.respond(b.expect("BYE"), 200, "OK");
	EXPECT_TRUE(quiet(a.addr));
}

TEST_F(Refer, WhoStaysHangsUpWhileTheTargetRings)
{
	refer(a, "<sip:+33123@10.1.0.1>");
	a.expect(202, "REFER");
	notify(a, 100);
	Msg i = c.expect_invite();
	c.respond(i, 180, "Ringing");
	notify(a, 180);
	b.request("BYE");
	b.expect(200, "BYE");
	Msg cancel = c.expect("CANCEL");
	c.respond(cancel, 200, "OK");
	c.respond(i, 487, "Request Terminated");
	c.expect("ACK");
	a.respond(a.expect("BYE"), 200, "OK");
}

TEST_F(Refer, WhoStaysRefusesTheNewSession)
{
	abi_session_plan before = media.only().plan;
	refer(a, "<sip:+33123@10.1.0.1>");
	a.expect(202, "REFER");
	notify(a, 100);
	Msg i = c.expect_invite();
	c.respond(i, 200, "OK", c.sdp.text());
	c.expect("ACK");
	Msg re = b.expect("INVITE");
	b.respond(re, 488, "Not Acceptable Here");
	b.expect("ACK");
	c.respond(c.expect("BYE"), 200, "OK");
	notify(a, 488, true);
	EXPECT_EQ(cp_shard_calls(shard), 1u);
	EXPECT_EQ(memcmp(&media.only().plan, &before, sizeof(before)), 0);
	bye(b, a);
}

TEST_F(Refer, GlareWithWhoStaysIsTriedAgain)
{
	refer(a, "<sip:+33123@10.1.0.1>");
	a.expect(202, "REFER");
	notify(a, 100);
	Msg i = c.expect_invite();
	c.respond(i, 200, "OK", c.sdp.text());
	c.expect("ACK");
	Msg re = b.expect("INVITE");
	b.respond(re, 491, "Request Pending");
	b.expect("ACK");
	EXPECT_TRUE(quiet(b.addr));
	advance(4100);
	re = b.expect("INVITE");
	while (!quiet(b.addr)) // it may have been repeated already
		EXPECT_EQ(b.get().header("CSeq"), re.header("CSeq"));
	b.respond(re, 200, "OK", b.sdp.text());
	b.expect("ACK");
	notify(a, 200, true);
	a.respond(a.expect("BYE"), 200, "OK");
	bye(b, c);
}

TEST_F(Refer, TheTargetHangsUpWhileWhoStaysIsAsked)
{
	refer(a, "<sip:+33123@10.1.0.1>");
	a.expect(202, "REFER");
	notify(a, 100);
	Msg i = c.expect_invite();
	c.respond(i, 200, "OK", c.sdp.text());
	c.expect("ACK");
	Msg re = b.expect("INVITE");
	b.respond(re, 180, "Ringing"); // so that it can be cancelled
	c.request("BYE");
	c.expect(200, "BYE");
	notify(a, 487, true);
	b.respond(b.expect("CANCEL"), 200, "OK");
	b.respond(re, 200, "OK", b.sdp.text()); // crossed
	b.expect("ACK");
	// It believes in a session that is gone: back to the one that there is.
	Msg back = b.expect("INVITE");
	EXPECT_NE(back.body().find(format("m=audio %u ", media.only().ports.leg[1].rtp_port)),
		std::string::npos)
		<< back.body();
	auto version = [](const Msg &m) {
		return atoi(m.body().c_str() + m.body().find(' ', m.body().find(' ') + 1));
	};
	EXPECT_GT(version(back), version(re));
	b.respond(back, 200, "OK", b.sdp.text());
	b.expect("ACK");
	bye(a, b);
}

TEST_F(Refer, WithoutASubscription)
{
	refer(a, "<sip:+33123@10.1.0.1>", "Refer-Sub: false\r\nRequire: norefersub\r\n");
	EXPECT_EQ(a.expect(202, "REFER").header("Refer-Sub"), "false");
	complete(c, b);
	a.respond(a.expect("BYE"), 200, "OK");
	bye(c, b);
}

TEST_F(Refer, WhatCannotBeDone)
{
	struct {
		const char *to;
		int status;
	} rows[] = {
		{"<sip:+33123@10.1.0.1>\r\nRefer-To: <sip:+33124@10.1.0.1>", 400},
		{"<sip:+33123@10.1.0.1", 400},
		{"<http://example.com/>", 416},
		{"<sip:+33123@10.1.0.1;method=BYE>", 603},
		{"<sip:+33123@10.1.0.1?Replaces=1234>", 400},
		{"<sip:+33123@10.1.0.1?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc&Replaces=x>", 400},
	};
	for (auto &row : rows) {
		refer(a, row.to);
		a.expect(row.status, "REFER");
	}
	a.request("REFER");
	a.expect(400, "REFER");
	refer(a, "<sip:+1555@10.1.0.1>"); // no route
	a.expect(202, "REFER");
	notify(a, 100);
	notify(a, 404, true);
	refer(a, "<sip:x@10.1.0.1?Replaces=nobody%3Bto-tag%3Dbbbb%3Bfrom-tag%3Dcccc>");
	a.expect(202, "REFER");
	notify(a, 100);
	Msg n = notify(a, 481, true);
	EXPECT_NE(n.header("Event").find(";id="), std::string::npos) << "the second REFER has one";
	refer(a, "<sip:+33123@10.1.0.1>");
	a.expect(202, "REFER");
	refer(a, "<sip:+33124@10.1.0.1>"); // one at a time
	notify(a, 100);
	a.expect(491, "REFER");
	Msg i = c.expect_invite();
	c.respond(i, 486, "Busy");
	c.expect("ACK");
	notify(a, 486, true);
	bye(a, b);
}

TEST_F(Refer, ANotifyThatIsRefusedIsTheLast)
{
	refer(a, "<sip:+33123@10.1.0.1>");
	a.expect(202, "REFER");
	a.respond(a.expect("NOTIFY"), 481, "No Subscription");
	complete(c, b);
	a.respond(a.expect("BYE"), 200, "OK");
	bye(c, b);
}

TEST_F(Refer, ASubscriptionCanBeRefreshedAndEnded)
{
	refer(a, "<sip:+33123@10.1.0.1>");
	a.expect(202, "REFER");
	notify(a, 100);
	a.request("SUBSCRIBE", "", "Event: refer\r\nExpires: 30\r\n");
	Msg ok = a.expect(200, "SUBSCRIBE");
	EXPECT_EQ(ok.header("Expires"), "30");
	notify(a, 100);
	a.request("SUBSCRIBE", "", "Event: refer\r\nExpires: 0\r\n");
	a.expect(200, "SUBSCRIBE");
	notify(a, 100);
	complete(c, b);
	a.respond(a.expect("BYE"), 200, "OK");
	bye(c, b);
}

// ---- with a consultation ------------------------------------------------------------------------------

struct Attended : Refer {
	// The office has a second call, to +33.
	Party a2{*this, "caller", "10.1.0.2", 0};

	void SetUp() override
	{
		Refer::SetUp();
		a2.branch = 100;
	}

	void second(bool answered)
	{
		a2.call_id = "caller-call-2";
		a2.tag = "caller-tag-2";
		a2.sdp.port = 4200;
		a2.call("+33123", a2.sdp.text());
		a2.expect(100);
		Msg i = c.expect_invite();
		c.respond(i, 180, "Ringing");
		a2.learn(a2.expect(180));
		if (answered)
			answer(i);
	}

	void answer(const Msg &i)
	{
		c.respond(i, 200, "OK", c.sdp.text());
		a2.learn(a2.expect(200));
		c.expect("ACK");
		a2.ack();
	}

	std::string replaces(const Party &p)
	{
		return "<sip:+33123@10.1.0.1?Replaces=" + p.call_id + "%3Bto-tag%3D" +
		       p.remote_tag + "%3Bfrom-tag%3D" + p.tag + ">";
	}

	void join()
	{
		Msg re = c.expect("INVITE");
		EXPECT_EQ(re.header("Call-ID"), c.call_id);
		c.sdp.version++;
		c.respond(re, 200, "OK", c.sdp.text());
		c.expect("ACK");
		re = b.expect("INVITE");
		EXPECT_EQ(re.header("Call-ID"), b.call_id);
		b.sdp.version++;
		b.respond(re, 200, "OK", b.sdp.text());
		b.expect("ACK");
	}

	void check_joined()
	{
		EXPECT_EQ(cp_shard_calls(shard), 1u);
		auto &p = media.only().plan;
		EXPECT_EQ(p.leg[0].remote_rtp_port, 6000);
		EXPECT_EQ(p.leg[1].remote_rtp_port, 7000);
		bye(b, c);
	}
};

TEST_F(Attended, BothPartiesAreJoined)
{
	second(true);
	refer(a, replaces(a2));
	a.expect(202, "REFER");
	notify(a, 100);
	join();
	notify(a, 200, true);
	// One BYE in each of its dialogs.
	a.respond(a.expect("BYE"), 200, "OK");
	a2.respond(a2.expect("BYE"), 200, "OK");
	check_joined();
	EXPECT_EQ(cdrs.size(), 6u);
	for (auto &line : cdrs)
		EXPECT_NE(line.find("\"transferred_"), std::string::npos) << line;
}

TEST_F(Attended, TheTransferorHangsUpBothAtOnce)
{
	second(true);
	refer(a, replaces(a2));
	a.expect(202, "REFER");
	notify(a, 100);
	a.request("BYE");
	a.expect(200, "BYE");
	a2.request("BYE");
	a2.expect(200, "BYE");
	join();
	EXPECT_TRUE(quiet(a.addr));
	check_joined();
}

TEST_F(Attended, ATargetThatStillRings)
{
	second(false);
	refer(a, replaces(a2));
	a.expect(202, "REFER");
	notify(a, 100);
	EXPECT_TRUE(quiet(b.addr));
	answer(c.invite);
	join();
	notify(a, 200, true);
	a.respond(a.expect("BYE"), 200, "OK");
	a2.respond(a2.expect("BYE"), 200, "OK");
	check_joined();
}

TEST_F(Attended, ATargetThatRingsAndRefuses)
{
	second(false);
	refer(a, replaces(a2));
	a.expect(202, "REFER");
	notify(a, 100);
	c.respond(c.invite, 486, "Busy");
	c.expect("ACK");
	Msg n = a.get(), busy = a.get(); // both go to the same host
	if (n.is_request())
		std::swap(n, busy);
	EXPECT_EQ(n.status(), 486);
	a2.ack_failure(n);
	EXPECT_EQ(busy.body().substr(0, 11), "SIP/2.0 486");
	a.respond(busy, 200, "OK");
	bye(a, b);
}

TEST_F(Attended, WhoStaysRefusesAndTheOtherGoesBack)
{
	second(true);
	uint16_t port = 0;
	for (auto &s : media.sessions)
		if (s.second.plan.leg[1].remote_rtp_port == 7000)
			port = s.second.ports.leg[1].rtp_port;
	refer(a, replaces(a2));
	a.expect(202, "REFER");
	notify(a, 100);
	Msg re = c.expect("INVITE");
	c.sdp.version++;
	c.respond(re, 200, "OK", c.sdp.text());
	c.expect("ACK");
	Msg no = b.expect("INVITE");
	b.respond(no, 488, "No");
	b.expect("ACK");
	Msg back = c.expect("INVITE");
	EXPECT_NE(back.body().find(format("m=audio %u ", port)), std::string::npos);
	c.respond(back, 200, "OK", c.sdp.text());
	c.expect("ACK");
	notify(a, 488, true);
	bye(a, b);
	bye(a2, c);
}

TEST_F(Attended, AnotherPeersDialogIsNobodysToNames)
{
	second(true);
	// The carrier knows the names of the office's dialog, and yet it is not its own.
	refer(b, replaces(a2));
	b.expect(202, "REFER");
	notify(b, 100);
	notify(b, 481, true);
	bye(a, b);
	bye(a2, c);
}

// ---- INVITE with Replaces -----------------------------------------------------------------------------

struct Replace : Attended {
	std::string header(const Party &p)
	{
		return "Replaces: " + p.call_id + ";to-tag=" + p.remote_tag +
		       ";from-tag=" + p.tag + "\r\nRequire: replaces\r\n";
	}

	void SetUp() override
	{
		Attended::SetUp();
		a2.call_id = "caller-call-3";
		a2.tag = "caller-tag-3";
		a2.sdp.port = 4300;
	}
};

TEST_F(Replace, APeersOtherPhoneTakesOver)
{
	a2.call("+49301", a2.sdp.text(), header(a));
	a2.expect(100);
	Msg re = b.expect("INVITE");
	EXPECT_EQ(re.header("Call-ID"), b.call_id);
	EXPECT_FALSE(re.has("Replaces"));
	b.sdp.version++;
	b.respond(re, 200, "OK", b.sdp.text());
	Msg first = a.get(), second = a.get(); // 200 to the new one, BYE to the old one
	if (first.is_request())
		std::swap(first, second);
	EXPECT_EQ(first.status(), 200);
	EXPECT_NE(first.body().find("m=audio"), std::string::npos);
	a2.learn(first);
	EXPECT_EQ(second.method(), "BYE");
	EXPECT_EQ(second.header("Call-ID"), a.call_id);
	a.respond(second, 200, "OK");
	b.expect("ACK");
	a2.ack();
	auto &p = media.only().plan;
	EXPECT_EQ(p.leg[0].remote_rtp_port, 4300);
	EXPECT_EQ(p.leg[1].remote_rtp_port, 6000);
	bye(b, a2);
}

TEST_F(Replace, WhatDoesNotTakeOver)
{
	// Another peer.
	c.call("+49", c.sdp.text(), header(a));
	c.ack_failure(c.expect(481));
	struct {
		std::string lines;
		int status;
	} rows[] = {
		{"Replaces: nobody;to-tag=x1;from-tag=y1\r\n", 481},
		{"Replaces: " + a.call_id + ";to-tag=" + a.tag + ";from-tag=" + a.remote_tag +
				"\r\n",
			481},
		{"Replaces: " + a.call_id + ";to-tag=" + a.remote_tag + "\r\n", 400},
		{header(a) + header(a), 400},
		{"Replaces: " + a.call_id + ";to-tag=" + a.remote_tag + ";from-tag=" + a.tag +
				";early-only\r\n",
			486},
	};
	for (auto &row : rows) {
		a2.call_id += "x";
		a2.call("+49301", a2.sdp.text(), row.lines);
		a2.ack_failure(a2.expect(row.status));
	}
	a2.call_id += "x";
	a2.call("+49301", "", header(a)); // nothing to offer to who stays
	a2.ack_failure(a2.expect(488));
	EXPECT_TRUE(quiet(b.addr));
	bye(a, b);
}

TEST_F(Replace, WhoStaysRefusesAndNothingHasChanged)
{
	a2.call("+49301", a2.sdp.text(), header(a));
	a2.expect(100);
	Msg re = b.expect("INVITE");
	b.respond(re, 488, "No");
	b.expect("ACK");
	a2.ack_failure(a2.expect(488));
	EXPECT_EQ(media.only().plan.leg[0].remote_rtp_port, 4000);
	bye(a, b);
}

// ---- by policy ----------------------------------------------------------------------------------------

struct Policies : Attended {
	void restart(const std::string &carrier, const std::string &backup)
	{
		bye(a, b);
		advance(40000);
		std::string text = format(kTransfer, backup.c_str());
		text.replace(text.find("media: b}"), 9, "media: b" + carrier + "}");
		cp_policy *policy = make_policy(text.c_str());
		ASSERT_NE(policy, nullptr);
		cp_shard_set_policy(shard, policy);
		cp_policy_release(policy);
		a.call_id = "caller-call-7";
		a.remote_tag = "";
		up();
		sent.clear();
	}
};

TEST_F(Policies, Refused)
{
	restart(", transfer: refuse", "");
	for (int side = 0; side < 2; side++) {
		refer(side ? b : a, "<sip:+33123@10.1.0.1>");
		(side ? b : a).expect(603, "REFER");
	}
	bye(a, b);
}

TEST_F(Policies, ABlindTransferIsPassedOn)
{
	restart(", transfer: pass", "");
	refer(a, "<sip:+33123@10.1.0.1>", "Referred-By: <sip:bob@10.1.0.2>\r\n");
	Msg r = b.expect("REFER");
	EXPECT_EQ(r.header("Refer-To"), "<sip:+33123@10.2.0.1>");
	EXPECT_EQ(r.header("Referred-By"), "<sip:bob@10.2.0.1>");
	EXPECT_TRUE(r.has("Contact"));
	b.respond(r, 202, "Accepted", "", "Contact: <sip:calleeSecret@10.2.0.2>\r\n");
	EXPECT_TRUE(a.expect(202, "REFER").has("Contact"));
	unsigned theirs = unsigned(atoi(r.header("CSeq").c_str()));
	b.request("NOTIFY",
		"SIP/2.0 180 Ringing\r\nContact: <sip:calleeSecret@10.2.0.9>\r\nTo: <sip:x@y>\r\n",
		format("Event: refer;id=%u\r\nSubscription-State: active;expires=50;x=callee\r\n",
			theirs),
		"message/sipfrag;version=2.0");
	Msg n = a.expect("NOTIFY");
	EXPECT_EQ(n.header("Event"), format("refer;id=%u", a.cseq));
	EXPECT_EQ(n.header("Subscription-State"), "active;expires=50");
	EXPECT_EQ(n.body(), "SIP/2.0 180 Ringing\r\n");
	a.respond(n, 200, "OK");
	b.expect(200, "NOTIFY");
	a.request("SUBSCRIBE", "", format("Event: refer;id=%u\r\nExpires: 0\r\n", a.cseq));
	Msg s = b.expect("SUBSCRIBE");
	EXPECT_EQ(s.header("Event"), format("refer;id=%u", theirs));
	EXPECT_EQ(s.header("Expires"), "0");
	b.respond(s, 200, "OK", "", "Expires: 0\r\n");
	EXPECT_EQ(a.expect(200, "SUBSCRIBE").header("Expires"), "0");
	// A subscription that is over is not a call that is (RFC 5057).
	b.request("NOTIFY", "SIP/2.0 200 OK\r\n",
		"Event: refer\r\nSubscription-State: terminated;reason=noresource\r\n",
		"message/sipfrag");
	n = a.expect("NOTIFY");
	a.respond(n, 481, "No Subscription");
	b.expect(481, "NOTIFY");
	EXPECT_EQ(cp_shard_calls(shard), 1u);
	bye(a, b);
}

TEST_F(Policies, WithAConsultationItNamesTheOtherSidesDialog)
{
	restart(", transfer: pass", "");
	// A second call of the office to the carrier.
	Party b2{*this, "callee", "10.2.0.2", 1};
	b2.tag = "callee-tag-8";
	b2.branch = 300;
	a2.call_id = "caller-call-8";
	a2.tag = "caller-tag-8";
	a2.call("+49308", a2.sdp.text());
	a2.expect(100);
	Msg i = b2.expect_invite();
	b2.respond(i, 200, "OK", b2.sdp.text());
	a2.learn(a2.expect(200));
	b2.expect("ACK");
	a2.ack();
	refer(a, replaces(a2));
	Msg r = b.expect("REFER");
	EXPECT_EQ(r.header("Refer-To"),
		"<sip:calleeSecret@10.2.0.2:5060?Replaces=" + b2.call_id +
			"%3Bto-tag%3D" + b2.tag + "%3Bfrom-tag%3D" + b2.remote_tag + ">");
	b.respond(r, 202, "Accepted");
	a.expect(202, "REFER");
	bye(a, b);
	bye(a2, b2);
}

TEST_F(Policies, AConsultationThatTheOtherSideCannotKnowIsCarriedOutHere)
{
	restart(", transfer: pass", "");
	second(true); // to another peer
	refer(a, replaces(a2));
	a.expect(202, "REFER");
	notify(a, 100);
	join();
	notify(a, 200, true);
	a.respond(a.expect("BYE"), 200, "OK");
	a2.respond(a2.expect("BYE"), 200, "OK");
	check_joined();
}

// ---- what crosses as it is ----------------------------------------------------------------------------

TEST_F(Refer, BodiesThatNameADialogNameTheOtherOneOnTheOtherSide)
{
	std::string body = "<dialog call-id=\"" + a.call_id + "\" local-tag=\"" + a.tag +
			   "\" remote-tag=\"" + a.remote_tag +
			   "\"><local>sip:7@10.1.0.2</local><via>10.1.0.2:5060</via>"
			   "<x>10.1.0.1</x><y>110.1.0.23</y></dialog>";
	a.request("NOTIFY", body, "Event: dialog\r\nSubscription-State: active\r\n",
		"application/dialog-info+xml");
	Msg n = b.expect("NOTIFY");
	EXPECT_NE(n.body().find("call-id=\"" + b.call_id + "\""), std::string::npos);
	EXPECT_NE(n.body().find("local-tag=\"" + b.remote_tag + "\""), std::string::npos);
	EXPECT_NE(n.body().find("remote-tag=\"" + b.tag + "\""), std::string::npos);
	EXPECT_NE(n.body().find("<local>sip:7@10.2.0.1<"), std::string::npos) << n.body();
	EXPECT_NE(n.body().find("<x>10.2.0.2<"), std::string::npos);
	EXPECT_NE(n.body().find("<y>110.1.0.23<"), std::string::npos);
	b.respond(n, 200, "OK");
	a.expect(200, "NOTIFY");
	bye(a, b);
	hide = false; // 110.1.0.23 holds "10.1."
}

TEST_F(Refer, SubscriptionsThatCannotBe)
{
	a.request("SUBSCRIBE");
	a.expect(489, "SUBSCRIBE");
	a.request("NOTIFY", "", "Event: x\r\n");
	a.expect(400, "NOTIFY");
	bye(a, b);
}

} // namespace
