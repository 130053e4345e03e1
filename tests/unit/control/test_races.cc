// SPDX-License-Identifier: BSD-3-Clause
// The races of RFC 5407, each from both sides where it has two, and what comes in an order that nobody wanted.
#include "tests/unit/control/world.h"

using namespace control;

namespace
{

struct Races : Call {
	Msg ringing(const std::string &lines = "")
	{
		a.call("+4930", a.sdp.text(), lines);
		a.expect(100);
		Msg i = b.expect_invite();
		b.respond(i, 180, "Ringing");
		a.learn(a.expect(180));
		return i;
	}

	// Answered, and the caller has not acknowledged yet.
	void answered()
	{
		Msg i = ringing();
		b.respond(i, 200, "OK", b.sdp.text());
		a.learn(a.expect(200));
		b.expect("ACK");
		b.cseq = 100;
	}

	// Neither side has anything to read.
	void nothing_more()
	{
		EXPECT_TRUE(quiet(a.addr)) << sent.front().text;
		EXPECT_TRUE(quiet(b.addr)) << sent.front().text;
	}
};

// 3.1.3
TEST_F(Races, AByeOfTheCallerCrossesThe200)
{
	Msg i = ringing();
	a.request("BYE");
	a.expect(200, "BYE");
	a.ack_failure(a.expect(487, "INVITE"));
	Msg c = b.expect("CANCEL");
	b.respond(i, 200, "OK", b.sdp.text());
	b.respond(c, 481, "No Such Transaction");
	b.expect("ACK");
	b.respond(b.expect("BYE"), 200, "OK");
	nothing_more();
}

// 3.1.4: the 200 had the answer, so the lost ACK is no reason to refuse.
TEST_F(Races, AReInviteBeforeTheAckThatGotLost)
{
	answered();
	a.sdp.version++;
	a.sdp.direction = "sendonly";
	a.request("INVITE", a.sdp.text());
	Msg i = b.expect("INVITE");
	b.sdp.direction = "recvonly";
	b.respond(i, 200, "OK", b.sdp.text());
	a.expect(200, "INVITE");
	b.expect("ACK");
	a.ack();
	advance(40000);
	nothing_more(); // neither 200 is repeated any more
	bye(a, b);
}

// 3.1.5: the 200 has an offer, so there is one too many.
TEST_F(Races, AReInviteInsteadOfTheAnswerInTheAck)
{
	a.call("+4930", "");
	a.expect(100);
	Msg i = b.expect_invite();
	b.respond(i, 200, "OK", b.sdp.text());
	a.learn(a.expect(200));
	a.request("INVITE", a.sdp.text());
	Msg m = a.get();
	EXPECT_TRUE(m.status() == 491 || m.status() == 500) << m.text;
	a.ack_failure(m);
	a.cseq_ack = 1;
	a.ack(a.sdp.text());
	b.expect("ACK");
	bye(a, b);
}

// 3.1.6
TEST_F(Races, AByeBeforeTheAckThatGotLost)
{
	answered();
	a.request("BYE");
	a.expect(200, "BYE");
	b.respond(b.expect("BYE"), 200, "OK");
	advance(40000);
	nothing_more(); // the 200 is not repeated any more
}

TEST_F(Races, AReInviteOfTheCalleeBeforeTheCallersAck)
{
	answered();
	b.sdp.version++;
	b.sdp.direction = "sendonly";
	b.request("INVITE", b.sdp.text());
	b.ack_failure(
		b.expect(491, "INVITE")); // the caller has one INVITE under way; it tries again
	a.ack();
	b.request("INVITE", b.sdp.text());
	a.sdp.direction = "recvonly";
	a.respond(a.expect("INVITE"), 200, "OK", a.sdp.text());
	b.expect(200, "INVITE");
	a.expect("ACK");
	b.ack();
	bye(a, b);
}

TEST_F(Races, AByeOfTheCalleeBeforeTheCallersAck)
{
	answered();
	b.request("BYE");
	b.expect(200, "BYE");
	EXPECT_TRUE(quiet(a.addr)); // RFC 3261 15
	a.ack();
	a.respond(a.expect("BYE"), 200, "OK");
	nothing_more();
}

// 3.2.1 and on: what comes to a call that is over
TEST_F(Races, WhatComesAfterTheBye)
{
	up();
	b.cseq = 100;
	a.request("BYE");
	a.expect(200, "BYE");
	Msg m = b.expect("BYE");
	for (const char *method : {"INVITE", "UPDATE", "INFO", "OPTIONS", "REFER"}) {
		b.request(method, "", "Refer-To: <sip:+1@10.2.0.1>\r\n");
		Msg r = b.expect(481, method);
		if (std::string(method) == "INVITE")
			b.ack_failure(r);
		a.request(method, "", "Refer-To: <sip:+1@10.1.0.1>\r\n");
		r = a.expect(481, method);
		if (std::string(method) == "INVITE")
			a.ack_failure(r);
	}
	b.request("BYE");
	b.expect(200, "BYE");
	b.respond(m, 481, "Gone");
	a.request("BYE");
	EXPECT_TRUE(a.get().status() >= 200);
	nothing_more();
}

// 3.3.2
TEST_F(Races, AByeCrossesAReInvite)
{
	for (int side = 0; side < 2; side++) {
		a.call_id = format("caller-%d", side);
		a.remote_tag = "";
		up();
		b.cseq = 100;
		Party &one = side ? b : a, &other = side ? a : b;
		one.sdp.version++;
		one.sdp.direction = "sendonly";
		one.request("INVITE", one.sdp.text());
		Msg i = other.expect("INVITE");
		other.request("BYE"); // before it has seen the INVITE
		other.expect(200, "BYE");
		other.respond(i, 481, "Gone");
		other.expect("ACK");
		while (!quiet(one.addr)) {
			Msg m = one.get();
			if (m.is_request() && m.method() == "BYE")
				one.respond(m, 200, "OK");
			else if (m.method() == "INVITE" && m.status() >= 300)
				one.ack_failure(m);
			else
				EXPECT_EQ(m.method(), "INVITE") << m.text;
		}
		one.sdp.direction = "";
		nothing_more();
	}
}

// A re-INVITE that is answered while the BYE of who sent it is under way.
TEST_F(Races, WhoHasAskedHangsUpBeforeTheAnswer)
{
	up();
	a.sdp.version++;
	a.sdp.direction = "sendonly";
	a.request("INVITE", a.sdp.text());
	Msg i = b.expect("INVITE");
	a.request("BYE");
	a.expect(200, "BYE");
	b.respond(i, 200, "OK", b.sdp.text());
	bool got_bye = false;
	while (!quiet(b.addr)) {
		Msg m = b.get();
		if (m.method() == "BYE") {
			got_bye = true;
			b.respond(m, 200, "OK");
		}
	}
	EXPECT_TRUE(got_bye);
	while (!quiet(a.addr))
		a.ack_failure(a.get());
}

// RFC 3311 5.2, RFC 3261 14: one offer at a time, whatever carries it.
TEST_F(Races, OffersByUpdateAndInviteCross)
{
	up();
	b.cseq = 100;
	a.sdp.version++;
	a.sdp.direction = "sendonly";
	a.request("INVITE", a.sdp.text());
	unsigned invite = a.cseq;
	Msg i = b.expect("INVITE");
	b.request("UPDATE", b.sdp.text());
	b.expect(491, "UPDATE");
	a.request("UPDATE", a.sdp.text());
	EXPECT_TRUE(a.expect(500, "UPDATE").has("Retry-After"));
	b.request("UPDATE"); // without an offer it may cross
	b.expect(200, "UPDATE");
	b.respond(i, 200, "OK", b.sdp.text());
	a.expect(200, "INVITE");
	b.expect("ACK");
	a.cseq_ack = invite;
	a.ack();
	bye(b, a);
}

// The other way round: an UPDATE is pending when INVITEs come.
TEST_F(Races, OffersByInviteAndUpdateCross)
{
	a.call("+4930", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	b.respond(i, 200, "OK", b.sdp.text(), "Allow: INVITE, ACK, BYE, UPDATE\r\n");
	a.learn(a.expect(200));
	b.expect("ACK");
	a.ack();
	b.cseq = 100;
	a.sdp.version++;
	a.sdp.direction = "sendonly";
	a.request("UPDATE", a.sdp.text());
	Msg u = b.expect("UPDATE");
	b.request("INVITE", b.sdp.text());
	b.ack_failure(b.expect(491, "INVITE"));
	a.request("INVITE", a.sdp.text());
	Msg m = a.expect(500, "INVITE");
	EXPECT_TRUE(m.has("Retry-After"));
	a.ack_failure(m);
	b.respond(u, 200, "OK", b.sdp.text());
	a.expect(200, "UPDATE");
	bye(a, b);
}

// Both hold, and resume in another order.
TEST_F(Races, BothHold)
{
	up();
	b.cseq = 100;
	auto change = [&](Party &x, Party &y, const char *says, const char *answers) {
		x.sdp.version++;
		x.sdp.direction = says;
		x.request("INVITE", x.sdp.text());
		Msg i = y.expect("INVITE");
		EXPECT_NE(i.body().find(format("a=%s", says)), std::string::npos) << i.text;
		y.sdp.version++;
		y.sdp.direction = answers;
		y.respond(i, 200, "OK", y.sdp.text());
		Msg ok = x.expect(200, "INVITE");
		EXPECT_NE(ok.body().find(format("a=%s", answers)), std::string::npos) << ok.text;
		y.expect("ACK");
		x.ack();
	};
	change(a, b, "sendonly", "recvonly");
	change(b, a, "inactive", "inactive");
	change(a, b, "recvonly", "sendonly");
	change(b, a, "sendrecv", "sendrecv");
	const auto &plan = media.only().plan;
	for (int l = 0; l < 2; l++)
		EXPECT_EQ(plan.leg[l].flags & (ABI_LEG_RECEIVE | ABI_LEG_SEND),
			uint32_t(ABI_LEG_RECEIVE | ABI_LEG_SEND));
	bye(a, b);
}

// ---- peers that leave out what they must not

TEST_F(Races, A200WithoutContactOrToTag)
{
	a.call("+4930", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	b.raw(b.with_body(
		format("SIP/2.0 200 OK\r\nVia: %s\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: "
		       "%s\r\n",
			i.header("Via").c_str(), i.header("From").c_str(), i.header("To").c_str(),
			i.header("Call-ID").c_str(), i.header("CSeq").c_str()),
		b.sdp.text()));
	Msg ok = a.expect(200);
	a.learn(ok);
	b.expect("ACK");
	a.ack();
	a.request("BYE");
	a.expect(200, "BYE");
	b.respond(b.expect("BYE"), 200, "OK");
}

TEST_F(Races, NamesAndNumbersOfAnyLength)
{
	std::string name(900, 'n'), user(200, '1');
	a.local_uri = "";
	a.raw(a.with_body("INVITE sip:+" + user + "@10.1.0.1 SIP/2.0\r\n" + a.via() +
				  "Max-Forwards: 70\r\nFrom: \"" + name + "\" <sip:" +
				  std::string(250, 'u') + "@10.1.0.2>;tag=1\r\nTo: <sip:+" + user +
				  "@10.1.0.1>\r\nCall-ID: " + std::string(300, 'c') +
				  "\r\nCSeq: 1 INVITE\r\nContact: \"" + name +
				  "\" <sip:callerSecret@10.1.0.2;x=" + std::string(300, 'p') +
				  ">\r\nSubject: " + std::string(500, 's') + "\r\n",
		a.sdp.text()));
	Msg m = a.get();
	EXPECT_TRUE(m.status() == 100 || m.status() == 404 || m.status() == 414) << m.text;
	if (m.status() == 100) {
		Msg i = b.expect_invite();
		b.respond(i, 486, "Busy");
		b.expect("ACK");
		a.expect(486);
	}
}

TEST_F(Races, APeersContactInItsOtherForms)
{
	for (const char *contact :
		{"sip:callerSecret@10.1.0.2:5060;ob", "<sip:10.1.0.2>;expires=3600;q=0.9",
			"\"Al\" "
			"<sip:callerSecret@10.1.0.2;transport=UDP;line=x>;+sip.instance=\"<urn:"
			"uuid:1>\";reg-id=1",
			"<sip:caller%20Secret@10.1.0.2>"}) {
		a.call_id += "x";
		a.raw(a.with_body(
			std::string("INVITE sip:+4930@10.1.0.1 SIP/2.0\r\n") + a.via() +
				"Max-Forwards: 70\r\nFrom: <sip:alice@10.1.0.2>;tag=1\r\nTo: "
				"<sip:+4930@10.1.0.1>\r\nCall-ID: " +
				a.call_id + "\r\nCSeq: 1 INVITE\r\nContact: " + contact + "\r\n",
			a.sdp.text()));
		a.expect(100);
		Msg i = b.expect_invite();
		b.respond(i, 486, "Busy");
		b.expect("ACK");
		a.ack_failure(a.expect(486));
	}
}

} // namespace
