// SPDX-License-Identifier: BSD-3-Clause
// UPDATE (RFC 3311), early and confirmed, with a side that knows it and one that does not.
#include "tests/unit/control/world.h"

using namespace control;

namespace
{

const char *const kAllow = "Allow: INVITE, ACK, BYE, CANCEL, UPDATE, PRACK\r\n";

struct Update : Call {
	void up_with(bool caller, bool callee)
	{
		a.call("+4930", a.sdp.text(), caller ? kAllow : "");
		a.expect(100);
		Msg i = b.expect_invite();
		b.respond(i, 200, "OK", b.sdp.text(), callee ? kAllow : "");
		a.learn(a.expect(200));
		b.expect("ACK");
		a.ack();
	}

	// An early dialog in which the offer has been answered for certain.
	Msg early(bool caller_update, bool caller_reliable = true)
	{
		a.call("+4930", a.sdp.text(),
			std::string(caller_update ? kAllow : "") +
				(caller_reliable ? "Supported: 100rel\r\n" : ""));
		a.expect(100);
		Msg i = b.expect_invite();
		b.respond(i, 183, "Progress", b.sdp.text(),
			std::string("Require: 100rel\r\nRSeq: 1\r\n") + kAllow);
		b.respond(b.expect("PRACK"), 200, "OK");
		Msg p = a.expect(183);
		a.learn(p);
		if (caller_reliable) {
			a.request("PRACK", "", "RAck: " + p.header("RSeq") + " 1 INVITE\r\n");
			a.expect(200, "PRACK");
		}
		return i;
	}

	Msg answer(const Msg &i)
	{
		b.respond(i, 200, "OK");
		Msg ok = a.expect(200, "INVITE");
		b.expect("ACK");
		a.cseq_ack = 1;
		a.learn(ok);
		a.ack();
		return ok;
	}
};

TEST_F(Update, GoesOverAsUpdateWhereItIsAllowed)
{
	up_with(true, true);
	for (int side = 0; side < 2; side++) {
		Party &x = side ? b : a, &y = side ? a : b;
		x.sdp.port += 10;
		x.sdp.version++;
		x.request("UPDATE", x.sdp.text());
		Msg u = y.expect("UPDATE");
		y.respond(u, 200, "OK", y.sdp.text());
		Msg ok = x.expect(200, "UPDATE");
		EXPECT_NE(ok.body().find("m=audio"), std::string::npos);
		EXPECT_EQ(media.only().plan.leg[side].remote_rtp_port, x.sdp.port);
		EXPECT_TRUE(quiet(y.addr));
	}
	bye(a, b);
}

TEST_F(Update, BecomesAReinviteWhereItIsNot)
{
	up_with(true, false);
	a.sdp.port = 4500;
	a.request("UPDATE", a.sdp.text());
	Msg i = b.expect("INVITE");
	b.respond(i, 200, "OK", b.sdp.text());
	b.expect("ACK");
	a.expect(200, "UPDATE");
	EXPECT_EQ(media.only().plan.leg[0].remote_rtp_port, 4500);
	bye(b, a);
}

TEST_F(Update, AReinviteTakesItsPlaceWhenItIsNotKnownAfterAll)
{
	up_with(true, true);
	a.sdp.port = 4500;
	a.request("UPDATE", a.sdp.text());
	Msg u = b.expect("UPDATE");
	b.respond(u, 501, "Not Implemented");
	Msg i = b.expect("INVITE");
	b.respond(i, 200, "OK", b.sdp.text());
	b.expect("ACK");
	a.expect(200, "UPDATE");
	bye(b, a);
}

TEST_F(Update, IsRefusedWithoutATrace)
{
	up_with(true, true);
	abi_session_plan before = media.only().plan;
	Sdp other = b.sdp;
	other.port = 6900;
	b.request("UPDATE", other.text());
	Msg u = a.expect("UPDATE");
	a.respond(u, 504, "Server Time-out");
	b.expect(504, "UPDATE");
	EXPECT_EQ(memcmp(&media.only().plan, &before, sizeof(before)), 0);
	bye(b, a);
}

TEST_F(Update, Glare)
{
	up_with(true, true);
	a.sdp.port = 4500;
	a.request("UPDATE", a.sdp.text());
	Msg u = b.expect("UPDATE");
	b.request("UPDATE", b.sdp.text() + "a=x-1\r\n"); // crosses ours
	b.expect(491, "UPDATE");
	a.request("UPDATE", a.sdp.text() + "a=x-2\r\n"); // its own is unanswered
	Msg refused = a.expect(500, "UPDATE");
	EXPECT_TRUE(refused.has("Retry-After"));
	b.respond(u, 491, "Request Pending");
	EXPECT_EQ(a.expect(491, "UPDATE").header("CSeq"), "2 UPDATE");
	bye(b, a);
}

TEST_F(Update, EarlyFromEitherSide)
{
	Msg i = early(true);
	for (int side = 0; side < 2; side++) {
		Party &x = side ? b : a, &y = side ? a : b;
		x.sdp.port += 10;
		x.sdp.version++;
		x.request("UPDATE", x.sdp.text());
		Msg u = y.expect("UPDATE");
		y.respond(u, 200, "OK", y.sdp.text());
		x.expect(200, "UPDATE");
		EXPECT_EQ(media.only().plan.leg[side].remote_rtp_port, x.sdp.port);
	}
	EXPECT_EQ(answer(i).body(), "");
	EXPECT_TRUE(quiet(a.addr));
	EXPECT_TRUE(quiet(b.addr));
	bye(a, b);
}

TEST_F(Update, AnEarlyOneOfTheCalleeIsAnsweredForACallerWhoCannot)
{
	Msg i = early(false, false);
	b.sdp.port = 6500;
	b.sdp.codecs = "0 101";
	b.sdp.version++;
	b.request("UPDATE", b.sdp.text());
	Msg ok = b.expect(200, "UPDATE");
	EXPECT_NE(ok.body().find("RTP/AVP 0"), std::string::npos) << ok.body();
	EXPECT_TRUE(quiet(a.addr));
	EXPECT_EQ(media.only().plan.leg[1].remote_rtp_port, 6500);
	Msg done = answer(i); // he hears of it here
	EXPECT_NE(done.body().find("RTP/AVP 0"), std::string::npos) << done.body();
	EXPECT_TRUE(quiet(a.addr));
	bye(b, a);
}

TEST_F(Update, ACallerWhoHasTheAnswerAlreadyIsToldWhenTheCallIsUp)
{
	Msg i = early(false);
	b.sdp.codecs = "0 101";
	b.sdp.version++;
	b.request("UPDATE", b.sdp.text());
	b.expect(200, "UPDATE");
	EXPECT_EQ(answer(i).body(), "");
	Msg again = a.expect("INVITE");
	EXPECT_NE(again.body().find("RTP/AVP 0"), std::string::npos) << again.body();
	a.respond(again, 200, "OK", a.sdp.text());
	a.expect("ACK");
	EXPECT_TRUE(quiet(b.addr));
	bye(b, a);
}

TEST_F(Update, BeforeTheAnswerIsCertainNobodyMayOffer)
{
	a.call("+4930", a.sdp.text(), kAllow);
	a.expect(100);
	Msg i = b.expect_invite();
	b.respond(i, 183, "Progress", b.sdp.text(), kAllow);
	a.learn(a.expect(183));
	a.request("UPDATE", a.sdp.text());
	EXPECT_TRUE(a.expect(500, "UPDATE").has("Retry-After")); // its offer is under way
	b.request("UPDATE", b.sdp.text());
	b.expect(491, "UPDATE"); // ours is
	a.request("UPDATE");
	a.expect(200, "UPDATE"); // no offer, no harm
	b.respond(i, 200, "OK", b.sdp.text());
	a.expect(200, "INVITE");
	b.expect("ACK");
	a.cseq_ack = 1;
	a.ack();
	bye(b, a);
}

TEST_F(Update, AnEarlyOneThatIsRefusedLeavesTheCallToGoOn)
{
	Msg i = early(true);
	for (int status : {488, 481, 500}) {
		a.request("UPDATE", a.sdp.text() + "a=x-1\r\n");
		b.respond(b.expect("UPDATE"), status, "No");
		a.expect(status, "UPDATE");
	}
	answer(i);
	bye(a, b);
}

} // namespace
