// SPDX-License-Identifier: BSD-3-Clause
// 300, 301 and 302 of trunks: where a call may go instead, and where it may not.
#include "tests/unit/control/world.h"

using namespace control;

namespace
{

struct Redirect : Call {
	Party other{*this, "callee", "10.2.0.3", 1};

	void configure(const std::string &carrier, const std::string &routes)
	{
		text = format(R"(
media: {a: {device: a0, address: 10.1.0.1}, b: {device: b0, address: 10.2.0.1}}
sip: {listen: [udp:10.1.0.1, udp:10.2.0.1], emergency: [112]}
peers:
  office: {kind: trunk, address: 10.1.0.2, media: a}
  carrier: {kind: trunk, address: 10.2.0.2, media: b%s}
  backup: {kind: trunk, address: 10.2.0.3, media: b}
routes: [{from: office, to: [carrier, backup]}, %s]
)",
			carrier.c_str(), routes.c_str());
		cp_shard_free(shard);
		cp_tregion_free(tregion);
		shard = nullptr;
		start(text.c_str());
	}

	Msg called(unsigned forwards = 70)
	{
		a.call("+4930", a.sdp.text(), "", forwards);
		a.expect(100);
		return b.expect_invite();
	}

	void moved(const Msg &i, const std::string &contact, int status = 302)
	{
		b.raw(format("SIP/2.0 %d Moved\r\nVia: %s\r\nFrom: %s\r\nTo: %s;tag=%s\r\nCall-ID: "
			     "%s\r\nCSeq: %s\r\nContact: %s\r\nContent-Length: 0\r\n\r\n",
			status, i.header("Via").c_str(), i.header("From").c_str(),
			i.header("To").c_str(), b.tag.c_str(), i.header("Call-ID").c_str(),
			i.header("CSeq").c_str(), contact.c_str()));
		b.expect("ACK");
	}

	void talk(Party &to, const Msg &i)
	{
		to.respond(i, 180, "Ringing");
		a.expect(180);
		to.respond(i, 200, "OK", to.sdp.text());
		a.learn(a.expect(200));
		to.expect("ACK");
		a.ack();
		bye(to, a);
	}

	std::string text;
};

TEST_F(Redirect, ToAnotherNumberOfTheSamePeer)
{
	Msg i = called();
	moved(i, "<sip:+4911@10.2.0.2>;q=0.5, \"x\" "
		 "<sip:+4999@10.2.0.2;user=phone?Subject=calleeSecret>;q=0.9");
	Msg j = b.expect_invite();
	EXPECT_EQ(j.uri(), "sip:+4999@10.2.0.2;user=phone");
	EXPECT_EQ(j.header("Diversion"), "<sip:+4930@10.2.0.1>;reason=unconditional");
	EXPECT_EQ(j.header("Max-Forwards"), "68");
	EXPECT_FALSE(j.has("Subject"));
	EXPECT_NE(j.header("Call-ID"), i.header("Call-ID"));
	EXPECT_NE(j.header("To").find("+4930"), std::string::npos);
	b.cseq = 10;
	talk(b, j);
	ASSERT_EQ(cdrs.size(), 3u); // the first attempt, and both legs
	EXPECT_NE(cdrs[0].find("\"status\":302"), std::string::npos);
}

TEST_F(Redirect, ByTheRoutesOfWhoRedirects)
{
	configure("", "{from: carrier, number: \"+55\", to: [backup]}");
	Msg i = called();
	b.respond(i, 180, "Ringing");
	a.expect(180);
	moved(i, "<sip:+5512@callee.example.net:5080;transport=tcp>", 301);
	Msg j = other.expect_invite();
	EXPECT_EQ(j.uri(), "sip:+5512@10.2.0.3");
	EXPECT_EQ(j.header("Diversion"), "<sip:+4930@10.2.0.1>;reason=no-answer");
	talk(other, j);
}

TEST_F(Redirect, NotWhereItMayNotGo)
{
	configure("", "{from: carrier, number: \"+55\", to: [backup]}");
	for (const char *contact : {"<sip:+6612@callee.example.net>", "<tel:+6612>",
		     "<sip:callee.example.net>", "<mailto:callee@example.net>",
		     "<sip:112@callee.example.net>", "<sips:@10.2.0.2>"}) {
		a.call_id += "x";
		moved(called(), contact);
		Msg j = other.expect_invite(); // the next target of the caller's route
		EXPECT_EQ(j.uri(), "sip:+4930@10.2.0.3") << contact;
		EXPECT_FALSE(j.has("Diversion"));
		other.respond(j, 486, "Busy");
		other.expect("ACK");
		a.ack_failure(a.expect(486));
	}
}

TEST_F(Redirect, NotForEver)
{
	configure(", failover: [500]", "{from: carrier, number: \"+55\", to: [backup]}");
	Msg i = called();
	for (int n = 0; n < 5; n++) {
		moved(i, format("<sip:+499%d@10.2.0.2>", n));
		i = b.expect_invite();
		EXPECT_EQ(i.uri(), format("sip:+499%d@10.2.0.2", n));
	}
	moved(i, "<sip:+4996@10.2.0.2>");
	a.ack_failure(a.expect(480));
	a.call_id += "x";
	i = called(2); // one hop is left, and none behind it
	moved(i, "<sip:+4991@10.2.0.2>");
	i = b.expect_invite();
	EXPECT_EQ(i.header("Max-Forwards"), "0");
	moved(i, "<sip:+4992@10.2.0.2>");
	a.ack_failure(a.expect(480));
}

TEST_F(Redirect, NotByPolicyAndNotByOtherStatuses)
{
	configure(", transfer: refuse", "{from: carrier, number: \"+\", to: [backup]}");
	moved(called(), "<sip:+5512@10.2.0.2>");
	Msg j = other.expect_invite();
	EXPECT_EQ(j.uri(), "sip:+4930@10.2.0.3");
	other.respond(j, 305, "Use Proxy", "", "Contact: <sip:+1@10.2.0.3>\r\n");
	other.expect("ACK");
	Msg m = a.expect(480);
	EXPECT_FALSE(m.has("Contact"));
	a.ack_failure(m);
}

TEST_F(Redirect, ACancelInBetween)
{
	Msg i = called();
	moved(i, "<sip:+4999@10.2.0.2>");
	Msg j = b.expect_invite();
	b.respond(j, 180, "Ringing");
	a.expect(180);
	a.cancel();
	a.expect(200, "CANCEL");
	a.ack_failure(a.expect(487));
	b.respond(b.expect("CANCEL"), 200, "OK");
	b.respond(j, 487, "Request Terminated");
	b.expect("ACK");
}

TEST_F(Redirect, WithoutAnOfferToo)
{
	a.call("+4930", "");
	a.expect(100);
	Msg i = b.expect_invite();
	moved(i, "<sip:+4999@10.2.0.2>");
	Msg j = b.expect_invite();
	b.respond(j, 200, "OK", b.sdp.text());
	a.learn(a.expect(200));
	a.ack(a.sdp.text());
	EXPECT_NE(b.expect("ACK").body(), "");
	b.cseq = 10;
	bye(b, a);
}

} // namespace
