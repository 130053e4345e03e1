// SPDX-License-Identifier: BSD-3-Clause
// Requests inside a call.
#include "tests/unit/control/world.h"

using namespace control;

namespace
{

struct Change : Call {
	void SetUp() override
	{
		Call::SetUp();
		up();
	}

	void TearDown() override
	{
		if (finish && cp_shard_calls(shard) && !HasFatalFailure()) {
			sent.clear();
			bye(a, b);
		}
		Call::TearDown();
	}

	// One side re-INVITEs, the other answers; what each saw.
	std::pair<Msg, Msg> reinvite(Party &from, Party &to)
	{
		from.sdp.version++;
		from.request("INVITE", from.sdp.text());
		Msg i = to.expect("INVITE");
		to.sdp.version++;
		to.respond(i, 200, "OK", to.sdp.text());
		Msg ok = from.expect(200);
		to.expect("ACK");
		from.ack();
		return {i, ok};
	}
};

TEST_F(Change, HoldAndResumeFromEitherSideInThreeDialects)
{
	for (int side = 0; side < 2; side++) {
		Party &x = side ? b : a, &y = side ? a : b;
		for (std::string how : {"sendonly", "inactive", "0.0.0.0"}) {
			std::string ip = x.sdp.ip;
			if (how == "0.0.0.0")
				x.sdp.ip = how;
			else
				x.sdp.direction = how;
			y.sdp.direction = how == "sendonly"   ? "recvonly"
					  : how == "inactive" ? how
							      : "";
			auto [i, ok] = reinvite(x, y);
			if (how != "0.0.0.0") {
				EXPECT_NE(i.body().find("a=" + how), std::string::npos) << i.body();
			}
			const auto &p = media.only().plan;
			EXPECT_FALSE(p.leg[side].flags & ABI_LEG_SEND) << how;
			EXPECT_FALSE(p.leg[side].flags & ABI_LEG_TIMEOUT) << how;
			EXPECT_FALSE(p.leg[1 - side].flags & ABI_LEG_TIMEOUT) << how;
			EXPECT_FALSE(p.leg[side].flags & ABI_LEG_RELEARN) << how;
			EXPECT_EQ(p.leg[side].remote_rtp_port, x.sdp.port); // it is remembered
			EXPECT_TRUE(cp_tregion_call(tregion, 0)->held & 1 << side);
			x.sdp.direction = y.sdp.direction = "";
			x.sdp.ip = ip;
			reinvite(x, y);
			const auto &q = media.only().plan;
			EXPECT_TRUE(q.leg[side].flags & ABI_LEG_SEND) << how;
			EXPECT_TRUE(q.leg[side].flags & ABI_LEG_TIMEOUT) << how;
			EXPECT_FALSE(q.leg[side].flags & ABI_LEG_RELEARN) << how;
			EXPECT_EQ(cp_tregion_call(tregion, 0)->held, 0);
		}
	}
	EXPECT_EQ(media.count(ABI_PORT_ALLOC), 1u);
	EXPECT_EQ(media.count(ABI_SESSION_ADD), 1u);
}

TEST_F(Change, OurVersionGrowsOnlyWhenTheBodyChanges)
{
	auto version = [](const Msg &m) {
		return atoi(m.body().c_str() + m.body().find(' ', m.body().find(' ') + 1));
	};
	auto [i, ok] = reinvite(a, b); // only the caller's version is new
	EXPECT_EQ(version(i), 1) << i.body();
	a.sdp.direction = "sendonly";
	b.sdp.direction = "recvonly";
	auto [j, ok2] = reinvite(a, b);
	EXPECT_EQ(version(j), 2);
	EXPECT_EQ(version(ok2), 2);
}

TEST_F(Change, AnAddressThatChangesIsLearnedAnew)
{
	a.sdp.port = 4444;
	reinvite(a, b);
	const auto &p = media.only().plan;
	EXPECT_EQ(p.leg[0].remote_rtp_port, 4444);
	EXPECT_TRUE(p.leg[0].flags & ABI_LEG_RELEARN);
	EXPECT_FALSE(p.leg[1].flags & ABI_LEG_RELEARN);
	b.sdp.port = 6666;
	reinvite(b, a);
	EXPECT_EQ(media.only().plan.leg[1].remote_rtp_port, 6666);
	EXPECT_TRUE(media.only().plan.leg[1].flags & ABI_LEG_RELEARN);
	EXPECT_FALSE(media.only().plan.leg[0].flags & ABI_LEG_RELEARN);
}

TEST_F(Change, TheCodecMayChange)
{
	a.sdp.codecs = "0 101";
	b.sdp.codecs = "0 101";
	reinvite(a, b);
	EXPECT_EQ(media.only().plan.leg[0].payload_types[0], 1ull);
	EXPECT_STREQ(cp_tregion_call(tregion, 0)->codec, "PCMU/8000");
}

TEST_F(Change, APlainRefreshIsAnsweredAtOnce)
{
	a.request("INVITE", a.sdp.text());
	Msg ok = a.expect(200);
	EXPECT_NE(ok.body().find("m=audio 20000"), std::string::npos);
	a.ack();
	EXPECT_TRUE(quiet(b.addr));
}

TEST_F(Change, ARefreshOfWhoAnsweredLastIsAnsweredAtOnceToo)
{
	Msg seen = b.invite;
	std::string answer = b.sdp.text();
	b.request("INVITE", answer);
	Msg ok = b.expect(200);
	EXPECT_EQ(ok.body(), seen.body());
	b.ack();
	EXPECT_TRUE(quiet(a.addr));
	// It may send only: that is a change, and goes over; then its refresh does not.
	b.sdp.direction = "sendonly";
	a.sdp.direction = "recvonly";
	reinvite(b, a);
	a.request("INVITE", a.sdp.text());
	ok = a.expect(200);
	EXPECT_NE(ok.body().find("a=sendonly"), std::string::npos) << ok.body();
	a.ack();
	EXPECT_TRUE(quiet(b.addr));
	// What was offered both ways and answered one way is no answer to that.
	b.sdp.direction = "";
	reinvite(b, a);
	a.request("INVITE", a.sdp.text());
	Msg i = b.expect("INVITE");
	b.sdp.direction = "sendonly";
	b.sdp.version++;
	b.respond(i, 200, "OK", b.sdp.text());
	a.expect(200);
	b.expect("ACK");
	a.ack();
	a.sdp.direction = b.sdp.direction = "";
}

TEST_F(Change, APartyThatNamesLoopbackIsWhereItsSipComesFrom)
{
	a.sdp.ip = "127.0.0.1";
	reinvite(a, b);
	const auto &p = media.only().plan.leg[0];
	const uint8_t ip[4] = {10, 1, 0, 2};
	EXPECT_EQ(memcmp(p.remote_rtp_ip, ip, 4), 0);
	EXPECT_EQ(p.remote_rtp_port, 4000);
	EXPECT_EQ(p.source_policy, ABI_SOURCE_ANY);
	EXPECT_TRUE(p.flags & ABI_LEG_SEND);
	a.sdp.ip = "10.1.0.2";
	reinvite(a, b);
	EXPECT_EQ(media.only().plan.leg[0].source_policy, ABI_SOURCE_ADDRESS);
}

TEST_F(Change, ARefreshWithoutOfferGetsTheOtherSidesOffer)
{
	for (int side = 0; side < 2; side++) {
		Party &x = side ? b : a, &y = side ? a : b;
		x.request("INVITE");
		Msg i = y.expect("INVITE");
		EXPECT_EQ(i.body(), "");
		y.respond(i, 200, "OK", y.sdp.text());
		Msg ok = x.expect(200);
		EXPECT_NE(ok.body().find("m=audio"), std::string::npos);
		EXPECT_TRUE(quiet(y.addr));
		x.ack(x.sdp.text());
		Msg ack = y.expect("ACK");
		EXPECT_NE(ack.body().find("m=audio"), std::string::npos);
		EXPECT_EQ(media.only().plan.leg[side].remote_rtp_port, x.sdp.port);
		EXPECT_EQ(media.only().plan.leg[1 - side].remote_rtp_port, y.sdp.port);
	}
}

TEST_F(Change, AnAckWithoutTheAnswerLeavesTheSessionAsItWas)
{
	abi_session_plan before = media.only().plan;
	Sdp other = b.sdp;
	other.port = 6900;
	a.request("INVITE");
	Msg i = b.expect("INVITE");
	b.respond(i, 200, "OK", other.text());
	a.expect(200);
	a.ack();
	Msg ack = b.expect("ACK");
	EXPECT_NE(ack.body().find("m=audio"), std::string::npos);
	EXPECT_EQ(media.only().plan.leg[1].remote_rtp_port, before.leg[1].remote_rtp_port);
	reinvite(a, b); // and offers go on
}

TEST_F(Change, ARejectedReinviteLeavesTheSessionAsItWas)
{
	abi_session_plan before = media.only().plan;
	unsigned updates = media.only().updates;
	for (int status : {488, 486, 491, 500, 603}) {
		Sdp other = a.sdp;
		other.port = 4900;
		a.request("INVITE", other.text());
		Msg i = b.expect("INVITE");
		b.respond(i, status, "No");
		b.expect("ACK");
		a.ack_failure(a.expect(status));
		EXPECT_EQ(memcmp(&media.only().plan, &before, sizeof(before)), 0);
	}
	EXPECT_EQ(media.only().updates, updates);
	EXPECT_EQ(cp_shard_calls(shard), 1u);
	reinvite(b, a);
}

TEST_F(Change, GlareIs491)
{
	a.request("INVITE", a.sdp.text() + "a=x-1\r\n");
	Msg i = b.expect("INVITE");
	// b sends its own before it sees ours.
	b.request("INVITE", b.sdp.text() + "a=x-2\r\n");
	Msg refused = b.expect(491);
	b.ack_failure(refused);
	b.respond(i, 491, "Request Pending");
	b.expect("ACK");
	a.ack_failure(a.expect(491));
	reinvite(b, a);
	reinvite(a, b);
}

TEST_F(Change, GlareInsideHawseIs491Too)
{
	media.hold = true;
	std::string video = "m=video 4002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n";
	a.sdp.more = video;
	a.request("INVITE", a.sdp.text()); // waits for ports
	b.request("INVITE", b.sdp.text() + "a=x-2\r\n");
	b.ack_failure(b.expect(491));
	media.hold = false;
	pump();
	Msg i = b.expect("INVITE");
	b.respond(i, 488, "No");
	b.expect("ACK");
	a.ack_failure(a.expect(488));
	EXPECT_EQ(media.sessions.size(), 1u); // the ports for the video are given back
	a.sdp.more = "";
}

TEST_F(Change, AStreamIsAddedAndRemoved)
{
	std::string video = "m=video 4002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n";
	a.sdp.more = video;
	b.sdp.more = "m=video 6002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n";
	auto [i, ok] = reinvite(a, b);
	EXPECT_NE(i.body().find("m=video 20006"), std::string::npos) << i.body();
	EXPECT_NE(ok.body().find("m=video 20004"), std::string::npos);
	ASSERT_EQ(media.sessions.size(), 2u);
	EXPECT_EQ(cp_tregion_call(tregion, 0)->streams, 2);
	const auto &v = media.sessions.rbegin()->second.plan;
	EXPECT_EQ(v.leg[0].remote_rtp_port, 4002);
	EXPECT_EQ(v.leg[1].remote_rtp_port, 6002);
	EXPECT_EQ(v.clock_rate, 90000u);
	a.sdp.more = "m=video 0 RTP/AVP 96\r\n";
	b.sdp.more = "m=video 0 RTP/AVP 96\r\n";
	reinvite(a, b);
	EXPECT_EQ(media.sessions.size(), 1u);
}

TEST_F(Change, NoPortsForANewStreamCostsOnlyThatStream)
{
	media.fail[ABI_PORT_ALLOC] = {-ENOSPC};
	a.sdp.more = "m=video 4002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n";
	b.sdp.more = "m=video 0 RTP/AVP 96\r\n";
	auto [i, ok] = reinvite(a, b);
	EXPECT_NE(i.body().find("m=video 0 "), std::string::npos) << i.body();
	EXPECT_NE(ok.body().find("m=video 0 "), std::string::npos);
	EXPECT_EQ(media.sessions.size(), 1u);
}

TEST_F(Change, UpdateBecomesAReinvite)
{
	a.sdp.port = 4500;
	a.request("UPDATE", a.sdp.text());
	Msg i = b.expect("INVITE");
	b.respond(i, 200, "OK", b.sdp.text());
	b.expect("ACK");
	Msg ok = a.expect(200, "UPDATE");
	EXPECT_NE(ok.body().find("m=audio 20000"), std::string::npos);
	EXPECT_EQ(media.only().plan.leg[0].remote_rtp_port, 4500);
	a.request("UPDATE");
	a.expect(200, "UPDATE");
	EXPECT_TRUE(quiet(b.addr));
}

TEST_F(Change, InfoMessageNotifyAndOptionsGoOver)
{
	struct {
		const char *method, *type, *body, *lines;
	} rows[] = {
		{"INFO", "application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", ""},
		{"MESSAGE", "text/plain", "hello", ""},
		{"NOTIFY", "message/sipfrag", "SIP/2.0 100 Trying\r\n",
			"Event: refer\r\nSubscription-State: active\r\n"},
		{"OPTIONS", "", "", ""},
	};
	for (auto &row : rows) {
		for (int side = 0; side < 2; side++) {
			Party &x = side ? b : a, &y = side ? a : b;
			x.request(row.method, row.body, row.lines, row.type);
			Msg m = y.expect(row.method);
			EXPECT_EQ(m.body(), row.body);
			EXPECT_EQ(m.header("Content-Type"), row.type);
			EXPECT_EQ(m.header("Event"), *row.lines ? "refer" : "");
			y.respond(m, 200, "Fine", "answer", "", "", "text/plain");
			Msg ok = x.expect(200, row.method);
			EXPECT_EQ(ok.start(), "SIP/2.0 200 Fine");
			EXPECT_EQ(ok.body(), "answer");
		}
	}
	a.request("INFO", "x", "", "application/dtmf");
	Msg m = b.expect("INFO");
	b.respond(m, 415, "No Such Thing");
	a.expect(415);
	a.request("INFO", a.sdp.text()); // would show our addresses
	a.expect(415);
	EXPECT_TRUE(quiet(b.addr));
}

TEST_F(Change, ASideThatHasLostTheDialogEndsTheCall)
{
	a.request("INFO", "x", "", "application/dtmf");
	Msg m = b.expect("INFO");
	b.respond(m, 481, "Call/Transaction Does Not Exist");
	a.expect(481);
	Msg end = a.expect("BYE");
	a.respond(end, 200, "OK");
	EXPECT_TRUE(quiet(b.addr));
	EXPECT_EQ(counter(CP_C_ENDED_CALLEE), 1u);
}

TEST_F(Change, ASideThatDoesNotAnswerAReinviteEndsTheCall)
{
	Sdp other = a.sdp;
	other.port = 4900;
	a.request("INVITE", other.text());
	b.expect("INVITE");
	advance(32100);
	Msg m;
	do
		m = a.get();
	while (m.status() == 100);
	EXPECT_EQ(m.status(), 408);
	a.ack_failure(m);
	a.respond(a.expect("BYE"), 200, "OK");
	while (!quiet(b.addr))
		m = b.get();
	EXPECT_EQ(m.method(), "BYE");
	b.respond(m, 200, "OK");
}

TEST_F(Change, AStrangerCannotUseTheDialog)
{
	Party s = a;
	s.addr = address("10.1.0.66");
	s.request("BYE");
	s.expect(481);
	EXPECT_EQ(counter(CP_C_DROP_SOURCE), 1u);
	EXPECT_EQ(cp_shard_calls(shard), 1u);
	EXPECT_TRUE(quiet(b.addr));
	Party forged = a;
	forged.remote_tag = "wrong";
	forged.request("BYE");
	forged.expect(481);
	EXPECT_EQ(cp_shard_calls(shard), 1u);
	// The dialog's own number line is not disturbed.
	reinvite(a, b);
}

TEST_F(Change, ACancelledReinviteLeavesTheCallAlone)
{
	Sdp other = a.sdp;
	other.port = 4900;
	a.request("INVITE", other.text());
	Msg i = b.expect("INVITE");
	b.respond(i, 180, "Ringing");
	a.expect(180);
	a.raw(format(
		"CANCEL %s SIP/2.0\r\nVia: SIP/2.0/UDP 10.1.0.2:5060;branch=%s\r\nMax-Forwards: "
		"70\r\nFrom: %s;tag=%s\r\nTo: %s;tag=%s\r\nCall-ID: %s\r\nCSeq: %u "
		"CANCEL\r\nContent-Length: 0\r\n\r\n",
		a.target.c_str(), a.last_invite_branch.c_str(), a.local_uri.c_str(), a.tag.c_str(),
		a.remote_uri.c_str(), a.remote_tag.c_str(), a.call_id.c_str(), a.cseq));
	a.expect(200, "CANCEL");
	b.respond(b.expect("CANCEL"), 200, "OK");
	b.respond(i, 487, "Request Terminated");
	b.expect("ACK");
	a.ack_failure(a.expect(487, "INVITE"));
	EXPECT_EQ(media.only().plan.leg[0].remote_rtp_port, 4000);
	reinvite(a, b);
}

TEST_F(Change, NobodyHearsOfAChangeBeforeHawseMediaHas)
{
	for (int side = 0; side < 2; side++) {
		Party &x = side ? b : a, &y = side ? a : b;
		x.sdp.port += 10;
		x.request("INVITE", x.sdp.text());
		Msg i = y.expect("INVITE");
		media.hold = true;
		y.respond(i, 200, "OK", y.sdp.text());
		EXPECT_TRUE(quiet(x.addr));
		EXPECT_TRUE(quiet(y.addr));
		media.hold = false;
		pump();
		x.expect(200);
		y.expect("ACK");
		x.ack();
		x.request("INVITE"); // and the same with the answer in the ACK
		i = y.expect("INVITE");
		y.sdp.port += 10;
		y.respond(i, 200, "OK", y.sdp.text());
		x.expect(200);
		media.hold = true;
		x.ack(x.sdp.text());
		EXPECT_TRUE(quiet(y.addr));
		media.hold = false;
		pump();
		y.expect("ACK");
	}
}

TEST_F(Change, APlanThatIsRefusedLaterEndsTheCall)
{
	media.fail[ABI_SESSION_UPDATE] = {-EHOSTUNREACH};
	a.sdp.port = 4900;
	a.request("INVITE", a.sdp.text());
	Msg i = b.expect("INVITE");
	b.respond(i, 200, "OK", b.sdp.text());
	b.expect("ACK");
	b.respond(b.expect("BYE"), 200, "OK");
	a.ack_failure(a.expect(487, "INVITE"));
	a.respond(a.expect("BYE"), 200, "OK");
}

TEST_F(Change, AnUnansweredReinviteOfOursIsAcknowledgedWhenTheCallEnds)
{
	Sdp other = a.sdp;
	other.port = 4900;
	a.request("INVITE", other.text());
	Msg i = b.expect("INVITE");
	a.request("BYE");
	a.expect(200, "BYE");
	a.ack_failure(a.expect(487, "INVITE"));
	Msg end = b.expect("BYE");
	b.respond(i, 200, "OK", b.sdp.text()); // crosses the BYE
	b.expect("ACK");
	b.respond(end, 200, "OK");
}

} // namespace
