// SPDX-License-Identifier: BSD-3-Clause
#include "tests/unit/control/world.h"

using namespace control;

namespace
{

TEST_F(Call, IsSetUpAndEndedWithMediaAnchored)
{
	a.call("+4930123", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	EXPECT_EQ(i.uri(), "sip:+4930123@10.2.0.2");
	EXPECT_EQ(i.header("Max-Forwards"), "69");
	EXPECT_NE(i.header("From").find("\"Al Person\" <sip:alice@10.2.0.1>"), std::string::npos);
	EXPECT_NE(i.body().find("c=IN IP4 10.2.0.1"), std::string::npos);
	EXPECT_NE(i.body().find("m=audio 20002 RTP/AVP 8 0 101"), std::string::npos) << i.body();
	b.respond(i, 180, "Ringing");
	Msg ringing = a.expect(180);
	EXPECT_FALSE(ringing.tag("To").empty());
	EXPECT_NE(ringing.tag("To"), b.tag);
	b.respond(i, 200, "OK", b.sdp.text());
	Msg ok = a.expect(200);
	EXPECT_NE(ok.body().find("c=IN IP4 10.1.0.1"), std::string::npos);
	EXPECT_NE(ok.body().find("m=audio 20000 RTP/AVP"), std::string::npos) << ok.body();
	EXPECT_NE(ok.header("Contact").find("10.1.0.1"), std::string::npos);
	EXPECT_NE(b.call_id, a.call_id);
	b.expect("ACK");
	a.learn(ok);
	a.ack();

	const auto &plan = media.only().plan;
	EXPECT_EQ(plan.leg[0].remote_rtp_port, 4000);
	EXPECT_EQ(plan.leg[1].remote_rtp_port, 6000);
	EXPECT_EQ(plan.timeout_ms, 30000u);
	for (int l = 0; l < 2; l++) {
		EXPECT_TRUE(plan.leg[l].flags & ABI_LEG_RECEIVE);
		EXPECT_TRUE(plan.leg[l].flags & ABI_LEG_SEND);
		EXPECT_TRUE(plan.leg[l].flags & ABI_LEG_RTCP);
		EXPECT_TRUE(plan.leg[l].flags & ABI_LEG_TIMEOUT);
		EXPECT_EQ(plan.leg[l].source_policy, ABI_SOURCE_ADDRESS);
		EXPECT_EQ(plan.leg[l].dtmf_type, 101);
		EXPECT_EQ(plan.leg[l].payload_types[0], 1ull << 8 | 1ull);
		EXPECT_EQ(plan.leg[l].payload_types[1], 1ull << (101 - 64));
	}
	EXPECT_EQ(counter(CP_C_CALLS_UP), 1u);
	advance(10000);
	EXPECT_TRUE(quiet(a.addr)) << sent.front().text; // the 2xx is not sent again after its ACK
	bye(a, b);
	EXPECT_EQ(result(CP_RESULT_ANSWERED), 1u);
	EXPECT_EQ(counter(CP_C_ENDED_CALLER), 1u);
	ASSERT_EQ(cdrs.size(), 2u);
	EXPECT_NE(cdrs[0].find("\"leg\":\"a\""), std::string::npos);
	EXPECT_NE(cdrs[0].find("\"duration_ms\":10000"), std::string::npos) << cdrs[0];
	EXPECT_NE(cdrs[1].find("\"ended_by\":\"caller\""), std::string::npos);
	EXPECT_NE(cdrs[1].find("\"codec\":\"PCMA/8000\""), std::string::npos);
	EXPECT_NE(cdrs[1].find("\"remote\":\"10.2.0.2:6000\""), std::string::npos);
}

TEST_F(Call, IsShownInRegionT)
{
	up();
	const abi_call *c = cp_tregion_call(tregion, 0);
	EXPECT_EQ(c->state, ABI_CALL_UP);
	EXPECT_STREQ(c->peer[0], "office");
	EXPECT_STREQ(c->peer[1], "carrier");
	EXPECT_STREQ(c->from, "alice");
	EXPECT_STREQ(c->to, "+4930123");
	EXPECT_STREQ(c->codec, "PCMA/8000");
	EXPECT_STREQ(c->call_id[0], a.call_id.c_str());
	EXPECT_STREQ(c->call_id[1], b.call_id.c_str());
	EXPECT_EQ(c->streams, 1);
	EXPECT_EQ(c->media_slot[0], media.sessions.begin()->first);
	bye(b, a);
	EXPECT_EQ(counter(CP_C_ENDED_CALLEE), 1u);
}

TEST_F(Call, EveryFailureIsCarriedOver)
{
	for (int status : {400, 403, 404, 408, 415, 480, 484, 486, 488, 500, 503, 600, 603, 606}) {
		a.call_id = format("caller-%d", status);
		a.call("+1202", a.sdp.text()); // one target
		a.expect(100);
		Msg i = b.expect_invite();
		b.respond(i, status, "Own Words", "",
			"Retry-After: 7\r\nWarning: 399 10.2.0.2 \"why\"\r\n");
		b.expect("ACK");
		Msg m = a.expect(status);
		EXPECT_EQ(m.start(), format("SIP/2.0 %d Own Words", status));
		EXPECT_EQ(m.header("Retry-After"), "7");
		EXPECT_EQ(m.header("Warning"), "399 hawse \"why\"");
		a.ack_failure(m);
		EXPECT_TRUE(media.sessions.empty());
	}
}

TEST_F(Call, RedirectionAndChallengeSayNothingOfTheOtherSide)
{
	for (auto [status, seen] :
		std::vector<std::pair<int, int>>{{305, 480}, {401, 403}, {407, 403}}) {
		a.call_id = format("caller-%d", status);
		a.call("+1202", a.sdp.text());
		a.expect(100);
		Msg i = b.expect_invite();
		b.respond(i, status, "Callee Words", "",
			"WWW-Authenticate: Digest realm=\"CalleeSecret\", nonce=\"1\"\r\n");
		b.expect("ACK");
		Msg m = a.expect(seen);
		EXPECT_FALSE(m.has("WWW-Authenticate"));
		EXPECT_FALSE(m.has("Contact"));
		a.ack_failure(m);
	}
}

TEST_F(Call, TheNextTargetIsTriedWhenOneCannot)
{
	Party backup{*this, "callee", "10.2.0.3", 1};
	for (int status : {408, 503, 500, 305}) {
		a.call_id = format("caller-%d", status);
		cdrs.clear();
		a.call("+4930", a.sdp.text());
		a.expect(100);
		Msg i = b.expect_invite();
		b.respond(i, status, "No");
		b.expect("ACK");
		Msg j = backup.expect_invite();
		EXPECT_NE(j.header("Call-ID"), i.header("Call-ID"));
		EXPECT_EQ(j.uri(), "sip:+4930@10.2.0.3");
		backup.respond(j, 486, "Busy");
		backup.expect("ACK");
		a.ack_failure(a.expect(486));
		ASSERT_EQ(cdrs.size(), 3u); // the target that did not take it, then both legs
		EXPECT_NE(cdrs[0].find("\"peer\":\"carrier\""), std::string::npos);
		EXPECT_NE(cdrs[0].find(format("\"status\":%d", status)), std::string::npos);
		EXPECT_NE(cdrs[2].find("\"peer\":\"backup\""), std::string::npos);
	}
	EXPECT_EQ(counter(CP_C_NEXT_TARGETS), 4u);
}

TEST_F(Call, BusyIsNotTriedElsewhere)
{
	a.call("+4930", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	b.respond(i, 486, "Busy Here");
	b.expect("ACK");
	a.ack_failure(a.expect(486));
	EXPECT_TRUE(quiet(address("10.2.0.3")));
	EXPECT_EQ(result(CP_RESULT_BUSY), 1u);
}

TEST_F(Call, ATargetThatIsSilentTimesOut)
{
	Party backup{*this, "callee", "10.2.0.3", 1};
	a.call("+4930", a.sdp.text());
	a.expect(100);
	advance(4100);
	Msg j = backup.expect_invite();
	backup.respond(j, 603, "Decline");
	backup.expect("ACK");
	a.ack_failure(a.expect(603));
	sent.clear();
	a.call_id = "caller-2";
	a.call("+1202", a.sdp.text());
	a.expect(100);
	advance(32100);
	a.ack_failure(a.expect(408));
}

TEST_F(Call, UnreachableByIcmpGoesToTheNextTargetAtOnce)
{
	Party backup{*this, "callee", "10.2.0.3", 1};
	a.call("+4930", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	cp_shard_unreachable(shard, &i.to, -ECONNREFUSED);
	Msg j = backup.expect_invite();
	// The first target is there after all: it is cancelled, and its 200 gets ACK and BYE.
	b.respond(i, 180, "Ringing");
	Msg cancel = b.expect("CANCEL");
	b.respond(cancel, 200, "OK");
	b.respond(i, 200, "OK", b.sdp.text());
	b.expect("ACK");
	Msg bye = b.expect("BYE");
	b.respond(bye, 200, "OK");
	EXPECT_TRUE(quiet(a.addr));
	backup.respond(j, 486, "Busy");
	backup.expect("ACK");
	a.ack_failure(a.expect(486));
}

TEST_F(Call, NobodyAnswersTheRinging)
{
	a.call("+4930", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	b.respond(i, 180, "Ringing");
	a.expect(180);
	advance(60100);
	Msg cancel = b.expect("CANCEL");
	EXPECT_NE(cancel.header("Reason").find("ring timeout"), std::string::npos);
	b.respond(cancel, 200, "OK");
	b.respond(i, 487, "Request Terminated");
	b.expect("ACK");
	a.ack_failure(a.expect(408));
}

TEST_F(Call, TheCallerCancels)
{
	a.call("+4930", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	b.respond(i, 180, "Ringing");
	a.expect(180);
	a.cancel("Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n");
	a.expect(200, "CANCEL");
	a.ack_failure(a.expect(487, "INVITE"));
	Msg cancel = b.expect("CANCEL");
	EXPECT_EQ(cancel.header("Reason"), "SIP;cause=200;text=\"Call completed elsewhere\"");
	EXPECT_EQ(cancel.header("Via"), i.header("Via"));
	b.respond(cancel, 200, "OK");
	b.respond(i, 487, "Request Terminated");
	b.expect("ACK");
	EXPECT_EQ(result(CP_RESULT_CANCELLED), 1u);
	ASSERT_EQ(cdrs.size(), 2u);
	EXPECT_NE(cdrs[0].find("\"status\":487"), std::string::npos);
}

TEST_F(Call, ACancelBeforeAnythingRangWaits)
{
	a.call("+4930", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	a.cancel();
	a.expect(200, "CANCEL");
	a.ack_failure(a.expect(487, "INVITE"));
	EXPECT_TRUE(quiet(b.addr)); // RFC 3261 9.1: not before a provisional response
	b.respond(i, 100, "Trying");
	b.respond(b.expect("CANCEL"), 200, "OK");
	b.respond(i, 487, "Request Terminated");
	b.expect("ACK");
}

TEST_F(Call, ACancelThatCrossesThe200GetsAckAndBye)
{
	a.call("+4930", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	b.respond(i, 180, "Ringing");
	a.expect(180);
	a.cancel();
	b.respond(i, 200, "OK", b.sdp.text());
	a.expect(200, "CANCEL");
	a.ack_failure(a.expect(487, "INVITE"));
	b.expect("CANCEL");
	b.expect("ACK");
	b.respond(b.expect("BYE"), 200, "OK");
}

TEST_F(Call, ACancelWhilePortsAreAskedFor)
{
	media.hold = true;
	a.call("+4930", a.sdp.text());
	a.expect(100);
	a.cancel();
	a.expect(200, "CANCEL");
	a.ack_failure(a.expect(487, "INVITE"));
	media.hold = false;
	pump();
	EXPECT_TRUE(quiet(b.addr));
	EXPECT_TRUE(media.sessions.empty());
}

TEST_F(Call, ACancelWhileMediaIsTold)
{
	a.call("+4930", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	media.hold = true;
	b.respond(i, 200, "OK", b.sdp.text());
	// Neither hears that the call is up before hawse-media can carry what they will send then.
	EXPECT_TRUE(quiet(a.addr));
	EXPECT_TRUE(quiet(b.addr));
	a.cancel();
	a.expect(200, "CANCEL");
	a.ack_failure(a.expect(487, "INVITE"));
	b.expect("ACK");
	b.respond(b.expect("BYE"), 200, "OK");
	media.hold = false;
	pump();
}

TEST_F(Call, ARepeatedInviteIsOneCall)
{
	a.call("+4930", a.sdp.text());
	a.branch--; // the same branch again
	a.call("+4930", a.sdp.text());
	a.expect(100);
	a.expect(100);
	b.expect_invite();
	EXPECT_TRUE(quiet(b.addr));
	b.respond(b.invite, 200, "OK", b.sdp.text());
	a.learn(a.expect(200));
	b.expect("ACK");
	a.branch--;
	std::string target = a.target;
	a.call("+4930", a.sdp.text()); // and after the 200
	a.target = target;
	EXPECT_TRUE(quiet(b.addr));
	EXPECT_EQ(cp_shard_calls(shard), 1u);
	a.ack();
	sent.clear();
	bye(a, b);
}

TEST_F(Call, EarlyMediaFlows)
{
	a.call("+4930", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	b.respond(i, 183, "Session Progress", b.sdp.text());
	Msg progress = a.expect(183);
	EXPECT_NE(progress.body().find("c=IN IP4 10.1.0.1"), std::string::npos);
	EXPECT_TRUE(media.only().active);
	EXPECT_FALSE(media.only().plan.leg[0].flags & ABI_LEG_TIMEOUT);
	EXPECT_EQ(media.only().plan.leg[1].remote_rtp_port, 6000);
	b.respond(i, 200, "OK", b.sdp.text());
	Msg ok = a.expect(200);
	EXPECT_EQ(ok.body(), progress.body()); // same description, same version
	a.learn(ok);
	b.expect("ACK");
	a.ack();
	EXPECT_TRUE(media.only().plan.leg[0].flags & ABI_LEG_TIMEOUT);
	bye(a, b);
}

TEST_F(Call, TheAnswerMayStandInThe183Alone)
{
	a.call("+4930", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	b.respond(i, 183, "Session Progress", b.sdp.text());
	a.expect(183);
	b.respond(i, 200, "OK");
	Msg ok = a.expect(200);
	EXPECT_NE(ok.body().find("m=audio"), std::string::npos);
	a.learn(ok);
	b.expect("ACK");
	a.ack();
	bye(b, a);
}

TEST_F(Call, ForksSpeakInTurnAndOneWins)
{
	a.call("+4930", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	Sdp one = b.sdp, two = b.sdp;
	one.port = 6100;
	two.port = 6200;
	two.codecs = "0 101";
	b.respond(i, 183, "Progress", one.text(), "", "callee-one");
	Msg first = a.expect(183);
	EXPECT_EQ(media.only().plan.leg[1].remote_rtp_port, 6100);
	b.respond(i, 183, "Progress", two.text(), "", "callee-two");
	Msg second = a.expect(183);
	EXPECT_EQ(media.only().plan.leg[1].remote_rtp_port, 6200);
	EXPECT_TRUE(media.only().plan.leg[1].flags & ABI_LEG_RELEARN);
	EXPECT_NE(first.tag("To"), second.tag("To")); // two early dialogs to the caller as well
	EXPECT_NE(first.body(), second.body());
	b.respond(i, 200, "OK", one.text(), "", "callee-one");
	Msg ok = a.expect(200);
	EXPECT_EQ(media.only().plan.leg[1].remote_rtp_port, 6100);
	EXPECT_EQ(ok.tag("To"), first.tag("To"));
	a.learn(ok);
	b.expect("ACK");
	a.ack();
	// The other one answers too: ACK and BYE, nobody else hears of it.
	b.respond(i, 200, "OK", two.text(), "", "callee-two");
	Msg ack = b.expect("ACK");
	EXPECT_EQ(ack.tag("To"), "callee-two");
	Msg end = b.expect("BYE");
	EXPECT_EQ(end.tag("To"), "callee-two");
	b.respond(end, 200, "OK");
	EXPECT_TRUE(quiet(a.addr));
	EXPECT_EQ(media.only().plan.leg[1].remote_rtp_port, 6100);
	ASSERT_EQ(cdrs.size(), 2u); // when it lost, and when it answered all the same
	EXPECT_NE(cdrs[0].find("\"fork\":\"callee-two\""), std::string::npos) << cdrs[0];
	EXPECT_NE(cdrs[0].find("\"status\":487,\"cause\":\"another fork answered\""),
		std::string::npos)
		<< cdrs[0];
	EXPECT_NE(cdrs[1].find("\"answered too late\""), std::string::npos) << cdrs[1];
	b.tag = "callee-one";
	bye(a, b);
}

TEST_F(Call, A200ThatComesAgainGetsItsAckAgain)
{
	up();
	b.respond(b.invite, 200, "OK", b.sdp.text());
	b.expect("ACK");
	EXPECT_TRUE(quiet(a.addr));
	EXPECT_TRUE(quiet(b.addr));
	bye(a, b);
}

TEST_F(Call, The200IsSentUntilItsAckAndThenTheCallEnds)
{
	a.call("+4930", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	b.respond(i, 200, "OK", b.sdp.text());
	a.learn(a.expect(200));
	b.expect("ACK");
	advance(1600);
	a.expect(200);
	a.expect(200); // after 500 and 1500 ms
	EXPECT_TRUE(quiet(a.addr));
	advance(32000);
	Msg end = b.expect("BYE");
	EXPECT_NE(end.header("Reason").find("no ACK"), std::string::npos);
	b.respond(end, 200, "OK");
	Msg last;
	while (!quiet(a.addr))
		last = a.get();
	EXPECT_EQ(last.method(), "BYE");
	a.respond(last, 200, "OK");
	EXPECT_EQ(counter(CP_C_ENDED_HAWSE), 1u);
}

TEST_F(Call, WithoutAnOfferTheCalleeOffers)
{
	a.call("+4930", "");
	a.expect(100);
	Msg i = b.expect_invite();
	EXPECT_EQ(i.body(), "");
	EXPECT_TRUE(media.sessions.empty());
	b.respond(i, 180, "Ringing");
	a.expect(180);
	b.respond(i, 200, "OK", b.sdp.text());
	Msg ok = a.expect(200);
	EXPECT_NE(ok.body().find("c=IN IP4 10.1.0.1"), std::string::npos);
	EXPECT_TRUE(quiet(b.addr)); // its ACK needs the caller's answer
	a.learn(ok);
	a.ack(a.sdp.text());
	Msg ack = b.expect("ACK");
	EXPECT_NE(ack.body().find("c=IN IP4 10.2.0.1"), std::string::npos);
	EXPECT_TRUE(media.only().active);
	EXPECT_EQ(media.only().plan.leg[0].remote_rtp_port, 4000);
	EXPECT_EQ(media.only().plan.leg[1].remote_rtp_port, 6000);
	bye(a, b);
}

TEST_F(Call, AnAckWithoutTheAnswerThatIsOwedEndsTheCall)
{
	a.call("+4930", "");
	a.expect(100);
	Msg i = b.expect_invite();
	b.respond(i, 200, "OK", b.sdp.text());
	a.learn(a.expect(200));
	a.ack();
	b.expect("ACK");
	b.respond(b.expect("BYE"), 200, "OK");
	a.respond(a.expect("BYE"), 200, "OK");
}

TEST_F(Call, AnAnswerThatCannotBeUsedEndsTheCall)
{
	a.call("+4930", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	b.respond(i, 200, "OK", "v=0\r\nnonsense");
	b.expect("ACK");
	b.respond(b.expect("BYE"), 200, "OK");
	a.ack_failure(a.expect(502));
	a.call_id = "caller-2";
	a.call("+4930", a.sdp.text());
	a.expect(100);
	i = b.expect_invite();
	b.respond(i, 200, "OK");
	b.expect("ACK");
	b.respond(b.expect("BYE"), 200, "OK");
	a.ack_failure(a.expect(502));
}

TEST_F(Call, WhatCannotBecomeACall)
{
	a.call("5551", a.sdp.text());
	a.ack_failure(a.expect(404));
	a.call_id = "caller-2";
	a.call("+4930", a.sdp.text(), "", 0);
	a.ack_failure(a.expect(483));
	a.call_id = "caller-3";
	a.call("+4930", "v=0\r\no=broken");
	Msg m = a.expect(100);
	m = a.expect(400);
	EXPECT_TRUE(m.has("Warning"));
	a.ack_failure(m);
	a.call_id = "caller-4";
	Sdp secure = a.sdp;
	std::string text = secure.text();
	text.replace(text.find("RTP/AVP"), 7, "RTP/SAVP");
	a.call("+4930", text);
	a.expect(100);
	a.ack_failure(a.expect(488));
	a.call_id = "caller-5";
	a.call("+4930", a.sdp.text(), "Require: x-nothing\r\n");
	m = a.expect(420);
	EXPECT_EQ(m.header("Unsupported"), "x-nothing");
	a.ack_failure(m);
	EXPECT_TRUE(quiet(b.addr));
	EXPECT_EQ(result(CP_RESULT_NO_ROUTE), 1u);
	EXPECT_EQ(result(CP_RESULT_LOOP), 1u);
	EXPECT_EQ(result(CP_RESULT_BAD_OFFER), 2u);
}

TEST_F(Call, AStrangerGets403)
{
	Party s{*this, "caller", "10.1.0.99", 0};
	s.call("+4930", s.sdp.text());
	s.ack_failure(s.expect(403));
	EXPECT_EQ(result(CP_RESULT_STRANGER), 1u);
	EXPECT_TRUE(quiet(b.addr));
}

TEST_F(Call, PortsExhaustedIs503)
{
	for (int err : {-ENOSPC, -ENFILE}) {
		media.fail[ABI_PORT_ALLOC] = {err};
		a.call_id = format("caller%d", err);
		a.call("+4930", a.sdp.text());
		a.expect(100);
		Msg m = a.expect(503);
		EXPECT_GT(atoi(m.header("Retry-After").c_str()), 0);
		a.ack_failure(m);
	}
	EXPECT_EQ(result(CP_RESULT_NO_PORTS), 2u);
	EXPECT_TRUE(quiet(b.addr));
	media.fail[ABI_PORT_ALLOC] = {-EAFNOSUPPORT};
	a.call_id = "caller-af";
	a.call("+4930", a.sdp.text());
	a.expect(100);
	a.ack_failure(a.expect(488));
}

TEST_F(Call, APlanThatIsRefusedFailsTheCall)
{
	media.fail[ABI_SESSION_ADD] = {-EHOSTUNREACH};
	a.call("+4930", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	b.respond(i, 200, "OK", b.sdp.text());
	b.expect("ACK");
	b.respond(b.expect("BYE"), 200, "OK");
	a.ack_failure(a.expect(502));
}

TEST_F(Call, ABusyWorkerIsAskedAgain)
{
	media.fail[ABI_SESSION_ADD] = {-EBUSY, -EBUSY};
	a.call("+4930", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	b.respond(i, 200, "OK", b.sdp.text());
	EXPECT_TRUE(quiet(a.addr));
	EXPECT_TRUE(quiet(b.addr));
	advance(50);
	b.expect("ACK");
	a.learn(a.expect(200));
	a.ack();
	EXPECT_EQ(media.count(ABI_SESSION_ADD), 3u);
	bye(a, b);
}

TEST_F(Call, ALoopThroughAProxyIsFound)
{
	a.call("+4930", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	// The carrier sends our own INVITE back to us, as a proxy does.
	std::string back = i.text;
	back.replace(back.find("10.2.0.2"), 8, "10.2.0.1");
	back.insert(back.find("Via:"), "Via: SIP/2.0/UDP 10.2.0.2;branch=z9hG4bKcallee77\r\n");
	b.raw(back);
	Msg m = b.expect(482);
	b.ack_failure(m);
	b.respond(i, 482, "Loop Detected");
	b.expect("ACK");
	a.ack_failure(a.expect(482));
	hide = true;
}

TEST_F(Call, OptionsAreAnswered)
{
	a.target = "sip:10.1.0.1";
	a.local_uri = "<sip:a@10.1.0.2>";
	a.remote_uri = "<sip:10.1.0.1>";
	a.request("OPTIONS");
	Msg m = a.expect(200);
	EXPECT_NE(m.header("Allow").find("INVITE"), std::string::npos);
	EXPECT_EQ(m.header("Accept"), "application/sdp, multipart/mixed");
	EXPECT_TRUE(m.has("Supported"));
	a.call_id = "caller-2";
	a.request("REGISTER");
	a.expect(405);
	a.call_id = "caller-3";
	a.request("INFO");
	a.expect(481);
	a.call_id = "caller-4";
	a.request("FROBNICATE");
	a.expect(501);
}

} // namespace
