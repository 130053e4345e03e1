// SPDX-License-Identifier: BSD-3-Clause
// Calls of phones and to them: who calls is who proved it, several phones of one user ring at once.
#include "tests/unit/control/phones.h"

using namespace control;

namespace
{

struct PhoneCalls : Phones {
	Phone alice{*this, "alice", "secret", "10.1.0.10"};
	Phone desk{*this, "bob", "geheim", "10.1.0.20"};
	Phone cell{*this, "bob", "geheim", "10.1.0.21"};

	void SetUp() override
	{
		Phones::SetUp();
		desk.contact = "<sip:desk@10.1.0.20:5060>";
		cell.contact = "<sip:cell@10.1.0.21:5060>";
		hide = false; // colleagues see each other's side
	}
	void register_all()
	{
		ASSERT_EQ(alice.registers().status(), 200);
		ASSERT_EQ(desk.registers().status(), 200);
		ASSERT_EQ(cell.registers().status(), 200);
	}
	void hang_up(Party &from, Party &to)
	{
		from.request("BYE");
		from.expect(200, "BYE");
		to.respond(to.expect("BYE"), 200, "OK");
	}
};

TEST_F(PhoneCalls, OutNeedAPasswordAndShowTheNumberOfTheUser)
{
	register_all();
	alice.nonce.clear();
	alice.dial("+4940555");
	Msg i = b.expect_invite();
	EXPECT_EQ(i.uri(), "sip:+4940555@10.2.0.2");
	EXPECT_NE(i.header("From").find("\"Alice A\" <sip:+4930100@10.2.0.1>"), std::string::npos)
		<< i.header("From");
	EXPECT_EQ(i.header("P-Asserted-Identity"), "\"Alice A\" <sip:+4930100@10.2.0.1>");
	EXPECT_EQ(i.text.find("Mallory"), std::string::npos);
	EXPECT_EQ(i.text.find("evil"), std::string::npos);
	EXPECT_EQ(i.text.find("Authorization"), std::string::npos);
	b.respond(i, 200, "OK", b.sdp.text());
	Msg ok = alice.expect(200);
	alice.learn(ok);
	b.expect("ACK");
	alice.ack();
	hang_up(b, alice);
	EXPECT_NE(cdrs[0].find("\"from\":\"+4930100\""), std::string::npos) << cdrs[0];
}

TEST_F(PhoneCalls, AStrangerDoesNotGetIn)
{
	Phone mallory(*this, "alice", "guess", "10.1.0.66");

	mallory.raw(mallory.with_body(
		"INVITE sip:+49900@pbx.example SIP/2.0\r\n" + mallory.via() +
			"Max-Forwards: 70\r\nFrom: <sip:x@elsewhere.example>;tag=1\r\nTo: "
			"<sip:+49900@elsewhere.example>\r\nCall-ID: m1\r\nCSeq: 1 "
			"INVITE\r\nContact: <sip:m@10.1.0.66>\r\n",
		mallory.sdp.text()));
	EXPECT_EQ(mallory.get().status(), 401) << "asks our domain";
	mallory.call_id = "caller-call-mallory";
	EXPECT_EQ(mallory.dial("+49900"), 403);
	EXPECT_EQ(suspects.size(), 1u);
	EXPECT_TRUE(quiet(b.addr));
}

void redirects(Party &p, const Msg &i, const char *contact)
{
	p.raw(format("SIP/2.0 302 Moved\r\nVia: %s\r\nFrom: %s\r\nTo: %s;tag=%s\r\nCall-ID: %s\r\nCSeq: %s\r\n"
		     "Contact: %s\r\nContent-Length: 0\r\n\r\n",
		i.header("Via").c_str(), i.header("From").c_str(), i.header("To").c_str(),
		p.tag.c_str(), i.header("Call-ID").c_str(), i.header("CSeq").c_str(), contact));
}

TEST_F(PhoneCalls, APhoneForwardsItsCalls)
{
	register_all();
	alice.dial("bob");
	Msg d = desk.expect_invite(), c = cell.expect_invite();
	redirects(desk, d, "<sip:alice@pbx.example>, <sip:+4940555@pbx.example>;q=0.1");
	desk.expect("ACK");
	// The other phone rings on; when it does not want the call either, it goes where the first has said.
	cell.respond(c, 480, "Not Now");
	cell.expect("ACK");
	Msg i = alice.expect_invite();
	redirects(alice, i, "<sip:+4940555@pbx.example>");
	alice.expect("ACK");
	Msg t = b.expect_invite();
	EXPECT_EQ(t.uri(), "sip:+4940555@10.2.0.2");
	b.respond(t, 486, "Busy");
	b.expect("ACK");
	Msg m = alice.get();
	EXPECT_EQ(m.status(), 486) << m.text;
	alice.ack_failure(m);
}

TEST_F(PhoneCalls, ColleaguesCallEachOtherByName)
{
	register_all();
	alice.dial("bob");
	Msg d = desk.expect_invite(), c = cell.expect_invite();
	EXPECT_EQ(d.uri(), "sip:desk@10.1.0.20:5060");
	EXPECT_EQ(c.uri(), "sip:cell@10.1.0.21:5060");
	EXPECT_NE(d.tag("From"), c.tag("From"));
	EXPECT_NE(d.header("From").find("<sip:alice@pbx.example>"), std::string::npos);
	EXPECT_FALSE(d.has("P-Asserted-Identity"));
	desk.respond(d, 180, "Ringing");
	EXPECT_EQ(alice.get().status(), 180);
	cell.respond(c, 180, "Ringing");
	EXPECT_EQ(alice.get().status(), 180);
	cell.respond(c, 200, "OK", cell.sdp.text());
	alice.learn(alice.expect(200));
	cell.expect("ACK");
	Msg cancel = desk.expect("CANCEL");
	desk.respond(cancel, 200, "OK");
	desk.respond(d, 487, "Request Terminated");
	desk.expect("ACK");
	alice.ack();
	hang_up(alice, cell);
	EXPECT_EQ(result(CP_RESULT_ANSWERED), 1u);
}

TEST_F(PhoneCalls, TwoThatAnswerAtOnceLeaveOneCall)
{
	register_all();
	b.call("+4930101", b.sdp.text());
	b.expect(100);
	Msg d = desk.expect_invite(), c = cell.expect_invite();
	desk.respond(d, 180, "Ringing");
	b.learn(b.expect(180));
	desk.respond(d, 200, "OK", desk.sdp.text());
	b.learn(b.expect(200));
	desk.expect("ACK");
	b.ack();
	cell.respond(c, 200, "OK", cell.sdp.text()); // crossed our CANCEL
	cell.expect("ACK");
	Msg bye = cell.expect("BYE");
	cell.respond(bye, 200, "OK");
	hang_up(b, desk);
}

TEST_F(PhoneCalls, OneThatRefusesDoesNotEndIt)
{
	register_all();
	b.call("+4930101", b.sdp.text());
	b.expect(100);
	Msg d = desk.expect_invite(), c = cell.expect_invite();
	cell.respond(c, 180, "Ringing");
	b.expect(180);
	desk.respond(d, 486, "Busy Here");
	desk.expect("ACK");
	EXPECT_TRUE(quiet(b.addr));
	cell.respond(c, 480, "Away");
	cell.expect("ACK");
	Msg m = b.expect(486);
	b.ack_failure(m);
	EXPECT_EQ(result(CP_RESULT_BUSY), 1u);
}

TEST_F(PhoneCalls, ADeclineEndsItForAll)
{
	register_all();
	b.call("+4930101", b.sdp.text());
	b.expect(100);
	Msg d = desk.expect_invite(), c = cell.expect_invite();
	cell.respond(c, 180, "Ringing");
	b.expect(180);
	desk.respond(d, 603, "Decline");
	desk.expect("ACK");
	Msg cancel = cell.expect("CANCEL");
	cell.respond(cancel, 200, "OK");
	cell.respond(c, 487, "Request Terminated");
	cell.expect("ACK");
	b.ack_failure(b.expect(603));
}

TEST_F(PhoneCalls, TheCallerHangsUpWhileTheyRing)
{
	register_all();
	b.call("+4930101", b.sdp.text());
	b.expect(100);
	Msg d = desk.expect_invite(), c = cell.expect_invite();
	desk.respond(d, 180, "Ringing");
	cell.respond(c, 180, "Ringing");
	b.expect(180);
	b.expect(180);
	b.cancel();
	b.expect(200, "CANCEL");
	b.ack_failure(b.expect(487));
	for (Phone *p : {&desk, &cell}) {
		Msg cancel = p->expect("CANCEL");
		p->respond(cancel, 200, "OK");
	}
	desk.respond(d, 487, "Request Terminated");
	cell.respond(c, 487, "Request Terminated");
	desk.expect("ACK");
	cell.expect("ACK");
}

TEST_F(PhoneCalls, ThePreferredRingFirst)
{
	ASSERT_EQ(desk.registers("Contact: " + desk.contact + ";q=0.5\r\n").status(), 200);
	ASSERT_EQ(cell.registers("Contact: " + cell.contact + ";q=0.9\r\n").status(), 200);
	b.call("+4930101", b.sdp.text());
	b.expect(100);
	Msg c = cell.expect_invite();
	EXPECT_TRUE(quiet(desk.addr));
	cell.respond(c, 180, "Ringing");
	b.expect(180);
	advance(20100);
	Msg cancel = cell.expect("CANCEL");
	cell.respond(cancel, 200, "OK");
	cell.respond(c, 487, "Request Terminated");
	cell.expect("ACK");
	Msg d = desk.expect_invite();
	desk.respond(d, 200, "OK", desk.sdp.text());
	b.learn(b.expect(200));
	desk.expect("ACK");
	b.ack();
	hang_up(desk, b);
}

TEST_F(PhoneCalls, NobodyRegisteredAndNobodyAtAll)
{
	b.call("+4930101", b.sdp.text());
	b.expect(100);
	b.ack_failure(b.expect(480));
	b.call_id = "callee-call-2";
	b.call("+4930999", b.sdp.text());
	b.expect(100);
	b.ack_failure(b.expect(404));
}

TEST_F(PhoneCalls, LimitsOfAUserHoldForWhatHeCallsAndForWhoCallsHim)
{
	write_users("alice: {password: secret, number: \"+4930100\", limits: {in: {calls: 1, deny: "
		    "[\"+1900\"]}}}\n"
		    "bob: {password: geheim, number: \"+4930101\", limits: {out: {calls: 1}}}\n");
	cp_policy *policy = make_policy(config().c_str());
	ASSERT_NE(policy, nullptr);
	cp_registrar_set_policy(registrar, policy);
	cp_shard_set_policy(shard, policy);
	cp_policy_release(policy);
	register_all();
	alice.nonce.clear();
	EXPECT_EQ(alice.dial("+1900555"), 100);
	alice.ack_failure(alice.expect(403));
	EXPECT_EQ(alice.dial("+4940555"), 100);
	Msg i = b.expect_invite();
	b.respond(i, 200, "OK", b.sdp.text());
	alice.learn(alice.expect(200));
	b.expect("ACK");
	alice.ack();
	// A second of hers is refused, and the record says why.
	Phone again(*this, "alice", "secret", "10.1.0.11");
	again.call_id = "caller-again";
	EXPECT_EQ(again.dial("+4940556"), 100);
	again.ack_failure(again.expect(486));
	EXPECT_TRUE(quiet(b.addr));
	ASSERT_FALSE(cdrs.empty());
	EXPECT_NE(cdrs.back().find("\"status\":486,\"cause\":\"Too Many Calls\""), std::string::npos)
		<< cdrs.back();
	hang_up(b, alice);
	// Bob has one call; the next caller hears that he is engaged.
	b.call_id = "callee-call-3";
	b.remote_tag.clear();
	b.call("+4930101", b.sdp.text());
	b.expect(100);
	Msg d = desk.expect_invite();
	cell.respond(cell.expect_invite(), 180, "Ringing");
	b.expect(180);
	desk.respond(d, 200, "OK", desk.sdp.text());
	Party other{*this, "callee", "10.2.0.2", 1};
	other.call_id = "callee-call-4";
	other.branch = 500;
	b.learn(b.expect(200));
	desk.expect("ACK");
	b.ack();
	cell.respond(cell.expect("CANCEL"), 200, "OK");
	cell.respond(cell.invite, 487, "Terminated");
	cell.expect("ACK");
	other.call("+4930101", other.sdp.text());
	other.expect(100);
	other.ack_failure(other.expect(486));
	EXPECT_TRUE(quiet(desk.addr));
	hang_up(desk, b);
}

TEST_F(PhoneCalls, APhoneThatIsGoneDoesNotHoldUpTheOthers)
{
	register_all();
	b.call("+4930101", b.sdp.text());
	b.expect(100);
	desk.expect_invite();
	Msg c = cell.expect_invite();
	sip_flow gone{};
	gone.remote = desk.addr;
	cp_shard_unreachable(shard, &gone, -ECONNREFUSED);
	EXPECT_TRUE(quiet(b.addr));
	cell.respond(c, 486, "Busy Here");
	cell.expect("ACK");
	b.ack_failure(b.expect(486));
}

TEST_F(PhoneCalls, WithoutOfferAndAnonymous)
{
	register_all();
	b.call("+4930100", "");
	b.expect(100);
	Msg i = alice.expect_invite();
	EXPECT_EQ(i.body(), "");
	alice.respond(i, 200, "OK", alice.sdp.text());
	Msg ok = b.expect(200);
	b.learn(ok);
	b.ack(b.sdp.text());
	alice.expect("ACK");
	hang_up(alice, b);
}

} // namespace
