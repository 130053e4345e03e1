// SPDX-License-Identifier: BSD-3-Clause
// Provisional responses that arrive (RFC 3262), early dialogs of forks, 199.
#include "tests/unit/control/world.h"

using namespace control;

namespace
{

const char *const kRel = "Supported: 100rel, 199\r\n";

std::string reliable(unsigned rseq, const char *more = "")
{
	return format("Require: 100rel\r\nRSeq: %u\r\nAllow: INVITE, ACK, UPDATE, PRACK\r\n%s",
		rseq, more);
}

std::string rack(const Msg &m)
{
	return "RAck: " + m.header("RSeq") + " 1 INVITE\r\n";
}

struct Prack : Call {
	Msg invite(const std::string &lines, bool offer = true)
	{
		a.call("+4930", offer ? a.sdp.text() : "", lines);
		a.expect(100);
		return b.expect_invite();
	}

	void prack(const Msg &m, const std::string &body = "", int status = 200)
	{
		a.remote_tag = m.tag("To");
		a.request("PRACK", body, rack(m));
		if (status)
			a.expect(status, "PRACK");
	}

	// The callee's PRACK, answered.
	Msg pracked(unsigned rseq)
	{
		Msg m = b.expect("PRACK");
		EXPECT_EQ(m.header("RAck"), format("%u 1 INVITE", rseq));
		b.respond(m, 200, "OK");
		return m;
	}

	void answer(const Msg &i, const std::string &body = "")
	{
		b.respond(i, 200, "OK", body);
		Msg ok = a.expect(200, "INVITE");
		a.cseq_ack = 1;
		a.learn(ok);
		a.remote_tag = ok.tag("To");
		b.expect("ACK");
		a.ack();
	}
};

TEST_F(Prack, BothSidesHaveIt)
{
	Msg i = invite(kRel);
	EXPECT_NE(i.header("Supported").find("100rel"), std::string::npos);
	b.respond(i, 183, "Progress", b.sdp.text(), reliable(7));
	pracked(7);
	Msg p = a.expect(183);
	EXPECT_EQ(p.header("Require"), "100rel");
	EXPECT_NE(p.body().find("m=audio"), std::string::npos);
	advance(1600);
	EXPECT_EQ(a.expect(183).text, p.text); // after 500 and 1500 ms
	EXPECT_EQ(a.expect(183).text, p.text);
	b.respond(i, 183, "Progress", b.sdp.text(), reliable(7)); // it did not see our PRACK
	b.respond(i, 180, "Ringing", "", reliable(9));            // 8 is missing
	EXPECT_TRUE(quiet(b.addr));
	prack(p);
	prack(p, "", 481); // once
	advance(9000);
	EXPECT_TRUE(quiet(a.addr));
	b.respond(i, 180, "Ringing", "", reliable(8));
	pracked(8);
	Msg r = a.expect(180);
	EXPECT_EQ(atoi(r.header("RSeq").c_str()), atoi(p.header("RSeq").c_str()) + 1);
	prack(r);
	b.respond(i, 200, "OK");
	Msg ok = a.expect(200);
	EXPECT_EQ(ok.body(), ""); // the answer is known
	EXPECT_FALSE(ok.has("Content-Type"));
	b.expect("ACK");
	a.learn(ok);
	a.cseq_ack = 1;
	a.ack();
	EXPECT_TRUE(media.only().plan.leg[0].flags & ABI_LEG_TIMEOUT);
	advance(40000);
	EXPECT_TRUE(quiet(a.addr)) << a.get().text;
	bye(a, b);
}

TEST_F(Prack, TheCallerMayDemandWhatTheCalleeDoesNotHave)
{
	Msg i = invite("Require: 100rel\r\n");
	EXPECT_FALSE(i.has("Require"));
	b.respond(i, 180, "Ringing");
	Msg r = a.expect(180);
	EXPECT_EQ(r.header("Require"), "100rel");
	b.respond(i, 183, "Progress", b.sdp.text()); // waits for the PRACK of the first
	EXPECT_TRUE(quiet(a.addr));
	prack(r);
	Msg p = a.expect(183);
	EXPECT_EQ(atoi(p.header("RSeq").c_str()), atoi(r.header("RSeq").c_str()) + 1);
	prack(p);
	answer(i, b.sdp.text());
	bye(a, b);
}

TEST_F(Prack, ACallerThatCouldIsNotMadeToWhenTheCalleeCannot)
{
	Msg i = invite(kRel);
	b.respond(i, 183, "Progress", b.sdp.text());
	EXPECT_FALSE(a.expect(183).has("RSeq"));
	answer(i, b.sdp.text());
	bye(b, a);
}

TEST_F(Prack, OnlyTheCalleeHasIt)
{
	Msg i = invite("");
	b.respond(i, 183, "Progress", b.sdp.text(), reliable(1));
	pracked(1);
	Msg p = a.expect(183);
	EXPECT_FALSE(p.has("RSeq"));
	EXPECT_FALSE(p.has("Require"));
	b.respond(i, 200, "OK");
	Msg ok = a.expect(200);
	EXPECT_NE(ok.body().find("m=audio"), std::string::npos); // he has no answer yet
	a.learn(ok);
	b.expect("ACK");
	a.ack();
	bye(b, a);
}

TEST_F(Prack, The200WaitsForThePrackOfTheAnswer)
{
	Msg i = invite(kRel);
	b.respond(i, 183, "Progress", b.sdp.text(), reliable(1));
	pracked(1);
	Msg p = a.expect(183);
	b.respond(i, 200, "OK");
	b.expect("ACK");
	EXPECT_TRUE(quiet(a.addr));
	prack(p);
	Msg ok = a.expect(200, "INVITE");
	a.learn(ok);
	a.cseq_ack = 1;
	a.ack();
	bye(a, b);
}

TEST_F(Prack, WithoutAPrackTheCallFailsAfter64T1)
{
	Msg i = invite(kRel);
	b.respond(i, 180, "Ringing", "", reliable(1));
	pracked(1);
	until(b.addr, 33000);
	Msg c = b.expect("CANCEL");
	b.respond(c, 200, "OK");
	b.respond(i, 487, "Terminated");
	b.expect("ACK");
	Msg last;
	while (!quiet(a.addr))
		last = a.get();
	EXPECT_EQ(last.status(), 504);
	a.ack_failure(last);
}

TEST_F(Prack, WithoutAnOfferTheCalleeOffersInA18xAndThePracksAnswer)
{
	Msg i = invite(kRel, false);
	EXPECT_NE(i.header("Supported").find("100rel"), std::string::npos);
	b.respond(i, 183, "Progress", b.sdp.text(), reliable(1));
	EXPECT_TRUE(quiet(b.addr)); // our PRACK has to hold the answer
	Msg p = a.expect(183);
	EXPECT_NE(p.body().find("m=audio"), std::string::npos);
	prack(p, a.sdp.text());
	Msg m = pracked(1);
	EXPECT_NE(m.body().find("m=audio"), std::string::npos);
	EXPECT_EQ(media.only().plan.leg[0].remote_rtp_port, a.sdp.port);
	EXPECT_EQ(media.only().plan.leg[1].remote_rtp_port, b.sdp.port);
	b.respond(i, 200, "OK");
	Msg ok = a.expect(200, "INVITE");
	EXPECT_EQ(ok.body(), "");
	EXPECT_EQ(b.expect("ACK").body(), "");
	a.learn(ok);
	a.cseq_ack = 1;
	a.ack();
	bye(b, a);
}

TEST_F(Prack, WithoutAnOfferACallerThatCannotAnswerIsNotOffered)
{
	Msg i = invite("", false);
	EXPECT_EQ(i.header("Supported").find("100rel"), std::string::npos);
	b.respond(i, 200, "OK", b.sdp.text());
	a.learn(a.expect(200));
	a.ack(a.sdp.text());
	b.expect("ACK");
	bye(a, b);
}

TEST_F(Prack, AnOfferInThePrackGoesOverAsUpdate)
{
	Msg i = invite(kRel);
	b.respond(i, 183, "Progress", b.sdp.text(), reliable(1));
	pracked(1);
	Msg p = a.expect(183);
	a.sdp.port = 4500;
	a.sdp.version++;
	prack(p, a.sdp.text(), 0);
	Msg u = b.expect("UPDATE");
	EXPECT_NE(u.body().find("m=audio"), std::string::npos);
	EXPECT_TRUE(quiet(a.addr));
	b.respond(i, 200, "OK"); // faster than its own answer to the UPDATE
	EXPECT_TRUE(quiet(a.addr));
	b.respond(u, 200, "OK", b.sdp.text());
	Msg done = a.expect(200, "PRACK");
	EXPECT_NE(done.body().find("m=audio"), std::string::npos);
	EXPECT_EQ(media.only().plan.leg[0].remote_rtp_port, 4500);
	b.expect("ACK");
	Msg ok = a.expect(200, "INVITE");
	a.learn(ok);
	a.cseq_ack = 1;
	a.ack();
	EXPECT_TRUE(quiet(b.addr));
	bye(a, b);
}

TEST_F(Prack, AnOfferInThePrackIsToldLaterToACalleeWithoutUpdate)
{
	Msg i = invite(kRel);
	b.respond(i, 183, "Progress", b.sdp.text(), "Require: 100rel\r\nRSeq: 1\r\n");
	pracked(1);
	Msg p = a.expect(183);
	a.sdp.codecs = "0 101";
	a.sdp.version++;
	prack(p, a.sdp.text(), 0);
	EXPECT_TRUE(quiet(b.addr));
	Msg done = a.expect(200, "PRACK");
	EXPECT_NE(done.body().find("RTP/AVP 0"), std::string::npos) << done.body();
	answer(i);
	Msg again = b.expect("INVITE"); // now it can be asked
	EXPECT_NE(again.body().find("RTP/AVP 0"), std::string::npos) << again.body();
	b.respond(again, 491, "Request Pending");
	b.expect("ACK");
	EXPECT_GE(until(b.addr, 4100), 2100u); // ours is the Call-ID: 2.1 to 4 s
	again = b.expect("INVITE");
	b.respond(again, 200, "OK", b.sdp.text());
	b.expect("ACK");
	EXPECT_TRUE(quiet(a.addr));
	bye(a, b);
}

TEST_F(Prack, EveryForkHasNumbersAndADialogOfItsOwn)
{
	Msg i = invite(kRel);
	Sdp one = b.sdp, two = b.sdp;
	one.port = 6100;
	two.port = 6200;
	b.respond(i, 183, "Progress", one.text(), reliable(500), "callee-one");
	pracked(500);
	Msg first = a.expect(183);
	b.respond(i, 183, "Progress", two.text(), reliable(9), "callee-two");
	Msg m = pracked(9);
	EXPECT_EQ(m.tag("To"), "callee-two");
	Msg second = a.expect(183);
	EXPECT_NE(first.tag("To"), second.tag("To"));
	prack(second);
	a.cseq = 1; // a dialog of its own
	prack(first);
	a.cseq = 2;
	// One of them says something in its dialog.
	a.remote_tag = second.tag("To");
	Sdp other = a.sdp;
	other.port = 4700;
	a.request("UPDATE", other.text());
	Msg u = b.expect("UPDATE");
	EXPECT_EQ(u.tag("To"), "callee-two");
	b.respond(u, 200, "OK", two.text());
	a.expect(200, "UPDATE");
	EXPECT_EQ(media.only().plan.leg[1].remote_rtp_port, 6200);
	b.respond(i, 200, "OK", "", "", "callee-one");
	Msg ok = a.expect(200);
	EXPECT_EQ(ok.tag("To"), first.tag("To"));
	EXPECT_EQ(ok.body(), "");
	EXPECT_EQ(media.only().plan.leg[1].remote_rtp_port, 6100);
	EXPECT_EQ(media.only().plan.leg[0].remote_rtp_port, a.sdp.port);
	b.expect("ACK");
	a.learn(ok);
	a.remote_tag = ok.tag("To");
	a.cseq_ack = 1;
	a.ack();
	b.tag = "callee-one";
	bye(a, b);
}

TEST_F(Prack, AForkThatIsOverIsForgottenAndSaid)
{
	Msg i = invite(kRel);
	Sdp two = b.sdp;
	two.port = 6200;
	b.respond(i, 183, "Progress", b.sdp.text(), "", "callee-one");
	Msg first = a.expect(183);
	b.respond(i, 183, "Progress", two.text(), "", "callee-two");
	Msg second = a.expect(183);
	EXPECT_EQ(media.only().plan.leg[1].remote_rtp_port, 6200);
	b.respond(i, 199, "Early Dialog Terminated", "", "Reason: SIP;cause=486;text=\"Busy\"\r\n",
		"callee-two");
	Msg over = a.expect(199);
	EXPECT_EQ(over.tag("To"), second.tag("To"));
	EXPECT_NE(over.header("Reason").find("cause=486"), std::string::npos);
	EXPECT_EQ(media.only().plan.leg[1].remote_rtp_port,
		b.sdp.port); // the other one is heard again
	b.tag = "callee-one";
	b.respond(i, 200, "OK", b.sdp.text());
	Msg ok = a.expect(200);
	EXPECT_EQ(ok.tag("To"), first.tag("To"));
	a.learn(ok);
	b.expect("ACK");
	a.ack();
	bye(b, a);
}

TEST_F(Prack, TheNextTargetSpeaksInADialogOfItsOwn)
{
	Party backup{*this, "callee", "10.2.0.3", 1};
	Msg i = invite(kRel);
	b.respond(i, 183, "Progress", b.sdp.text(), reliable(3));
	pracked(3);
	Msg first = a.expect(183);
	prack(first);
	b.respond(i, 503, "No");
	b.expect("ACK");
	EXPECT_EQ(a.expect(199).tag("To"), first.tag("To"));
	Msg j = backup.expect_invite();
	backup.respond(j, 183, "Progress", backup.sdp.text(), reliable(77));
	backup.respond(backup.expect("PRACK"), 200, "OK");
	Msg second = a.expect(183);
	EXPECT_NE(second.tag("To"), first.tag("To"));
	a.cseq = 1;
	prack(second);
	backup.respond(j, 200, "OK");
	Msg ok = a.expect(200, "INVITE");
	EXPECT_EQ(ok.tag("To"), second.tag("To"));
	backup.expect("ACK");
	a.learn(ok);
	a.cseq_ack = 1;
	a.ack();
	bye(a, backup);
}

TEST_F(Prack, WhatIsNoPrack)
{
	Msg i = invite(kRel);
	b.respond(i, 183, "Progress", b.sdp.text(), reliable(1));
	pracked(1);
	Msg p = a.expect(183);
	a.remote_tag = p.tag("To");
	for (auto [line, status] : std::vector<std::pair<std::string, int>>{{"RAck: junk\r\n", 400},
		     {"", 400}, {"RAck: 99999999999 1 INVITE\r\n", 400},
		     {"RAck: " + p.header("RSeq") + " 2 INVITE\r\n", 481},
		     {"RAck: " + p.header("RSeq") + " 1 BYE\r\n", 481},
		     {"RAck: 1 1 INVITE\r\n", 481}}) {
		a.request("PRACK", "", line);
		a.expect(status, "PRACK");
	}
	prack(p);
	answer(i);
	a.request("PRACK", "", rack(p));
	a.expect(481, "PRACK");
	bye(a, b);
}

TEST_F(Prack, EarlyMediaGoWhereTheCalleesNetworkLetsThem)
{
	Msg i = invite("P-Early-Media: supported\r\n");
	EXPECT_EQ(i.header("P-Early-Media"), "supported");
	struct {
		const char *value;
		bool caller, callee;
	} rows[] = {{"inactive", false, false}, {"sendonly", false, true},
		{"recvonly, inactive", true, false}, {"sendrecv", true, true}};
	for (auto &row : rows) {
		b.respond(i, 183, "Progress", b.sdp.text(),
			format("P-Early-Media: %s\r\n", row.value));
		EXPECT_EQ(a.expect(183).header("P-Early-Media"), row.value);
		const auto &p = media.only().plan;
		EXPECT_EQ(bool(p.leg[0].flags & ABI_LEG_RECEIVE), row.caller) << row.value;
		EXPECT_EQ(bool(p.leg[1].flags & ABI_LEG_RECEIVE), row.callee) << row.value;
	}
	b.respond(i, 183, "Progress", b.sdp.text(), "P-Early-Media: inactive\r\n");
	a.expect(183);
	answer(i, b.sdp.text());
	EXPECT_TRUE(media.only().plan.leg[0].flags & ABI_LEG_RECEIVE);
	EXPECT_TRUE(media.only().plan.leg[1].flags & ABI_LEG_RECEIVE);
	bye(a, b);
}

TEST_F(Prack, RingingMayGoOnAsLongAsTheCalleeSaysSo)
{
	Msg i = invite("");
	for (int minute = 0; minute < 4; minute++) {
		b.respond(i, 180, "Ringing");
		a.expect(180);
		advance(50000);
	}
	EXPECT_TRUE(quiet(a.addr));
	EXPECT_GE(until(b.addr, 11000), 9900u); // ring_timeout: 60
	Msg end = a.expect(408);
	a.ack_failure(end);
	b.respond(b.expect("CANCEL"), 200, "OK");
	b.respond(i, 487, "Terminated");
	b.expect("ACK");
}

struct PrackPolicy : Prack {
	const char *config(const char *what)
	{
		text = format(R"(
media: {a: {device: a0, address: 10.1.0.1}, b: {device: b0, address: 10.2.0.1}}
sip: {listen: [udp:10.1.0.1, udp:10.2.0.1]}
peers:
  office: {kind: trunk, address: 10.1.0.2, media: a, prack: %s}
  carrier: {kind: trunk, address: 10.2.0.2, media: b, prack: %s}
routes: [{from: office, to: [carrier]}, {from: carrier, to: [office]}]
)",
			what, what);
		return text.c_str();
	}

	void open_with(const char *what)
	{
		cp_shard_free(shard);
		cp_tregion_free(tregion);
		shard = nullptr;
		start(config(what));
	}
	std::string text;
};

TEST_F(PrackPolicy, OffIs420ToWhoDemandsItAndNotOffered)
{
	open_with("off");
	a.call("+4930", a.sdp.text(), "Require: 100rel\r\n");
	Msg m = a.expect(420);
	EXPECT_EQ(m.header("Unsupported"), "100rel");
	a.ack_failure(m);
	a.call_id = "caller-two";
	Msg i = invite(kRel);
	EXPECT_EQ(i.header("Supported").find("100rel"), std::string::npos);
	b.respond(i, 183, "Progress", b.sdp.text());
	EXPECT_FALSE(a.expect(183).has("RSeq"));
	answer(i, b.sdp.text());
	bye(a, b);
}

TEST_F(PrackPolicy, RequireIs421ToWhoCannotAndDemandedOfTheOther)
{
	open_with("require");
	a.call("+4930", a.sdp.text());
	Msg m = a.expect(421);
	EXPECT_EQ(m.header("Require"), "100rel");
	a.ack_failure(m);
	a.call_id = "caller-two";
	Msg i = invite(kRel);
	EXPECT_EQ(i.header("Require"), "100rel");
	b.respond(i, 180, "Ringing", "", reliable(1));
	pracked(1);
	prack(a.expect(180));
	answer(i, b.sdp.text());
	bye(a, b);
}

} // namespace
