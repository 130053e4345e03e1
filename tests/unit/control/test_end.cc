// SPDX-License-Identifier: BSD-3-Clause
// How calls end, and what hawse-media's coming and going does to them.
#include "tests/unit/control/world.h"

using namespace control;

namespace
{

struct End : Call {
	uint64_t boot = 0;

	abi_msg event(uint16_t type)
	{
		abi_msg m{};
		m.type = type;
		m.slot = media.sessions.begin()->first;
		m.generation = media.sessions.begin()->second.generation;
		return m;
	}

	void detach()
	{
		media.attached = false;
		// The client fails what is in flight, then says that it is gone.
		std::deque<FakeMedia::Waiting> lost;
		lost.swap(media.replies);
		for (auto &w : lost) {
			w.reply.result = -ECONNRESET;
			if (w.done)
				w.done(w.user, &w.reply);
		}
		cp_shard_detached(shard);
	}

	void attach(bool same_boot)
	{
		media.attached = true;
		if (!same_boot)
			media.sessions.clear();
		cp_shm_info info{};
		info.sessions = 64;
		info.same_boot = same_boot;
		info.boot_epoch = boot += !same_boot;
		cp_shard_attached(shard, &info);
		pump();
	}
};

TEST_F(End, ReasonGoesOver)
{
	up();
	b.request("BYE", "", "Reason: Q.850;cause=31;text=\"callee is tired\"\r\n");
	hide = false; // the word is carried on purpose
	b.expect(200);
	Msg m = a.expect("BYE");
	EXPECT_EQ(m.header("Reason"), "Q.850;cause=31;text=\"callee is tired\"");
	a.respond(m, 200, "OK");
}

TEST_F(End, ByesMayCross)
{
	up();
	a.request("BYE");
	a.expect(200, "BYE");
	Msg ours = b.expect("BYE");
	b.request("BYE");
	b.expect(200, "BYE");
	b.respond(ours, 200, "OK");
	EXPECT_TRUE(quiet(a.addr));
	EXPECT_EQ(cdrs.size(), 2u);
}

TEST_F(End, TheByeWaitsForTheAck)
{
	a.call("+4930", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	b.respond(i, 200, "OK", b.sdp.text());
	a.learn(a.expect(200));
	b.expect("ACK");
	b.request("BYE");
	b.expect(200);
	EXPECT_TRUE(quiet(a.addr));
	a.ack();
	a.respond(a.expect("BYE"), 200, "OK");
}

TEST_F(End, TheByeWaitsForAnAckThatNeverComes)
{
	a.call("+4930", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	b.respond(i, 200, "OK", b.sdp.text());
	a.learn(a.expect(200));
	b.expect("ACK");
	b.request("BYE");
	b.expect(200);
	advance(32100);
	Msg m;
	while (!quiet(a.addr))
		m = a.get();
	EXPECT_EQ(m.method(), "BYE");
	a.respond(m, 200, "OK");
}

TEST_F(End, ACallerMayEndAnEarlyDialogByBye)
{
	a.call("+4930", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	b.respond(i, 180, "Ringing");
	a.learn(a.expect(180));
	a.request("BYE");
	a.cseq = 1;
	a.expect(200, "BYE");
	a.ack_failure(a.expect(487, "INVITE"));
	b.respond(b.expect("CANCEL"), 200, "OK");
	b.respond(i, 487, "Request Terminated");
	b.expect("ACK");
}

TEST_F(End, AByeThatNobodyAnswersEndsTheCallAllTheSame)
{
	up();
	a.request("BYE");
	a.expect(200);
	b.expect("BYE");
	EXPECT_EQ(cdrs.size(), 2u); // not only when the BYE has timed out
	advance(33000);
	EXPECT_EQ(cp_shard_calls(shard), 0u);
}

TEST_F(End, MediaTimeoutEndsBothLegsWithAReason)
{
	up();
	abi_msg m = event(ABI_MEDIA_TIMEOUT);
	reinterpret_cast<abi_event_timeout *>(m.payload)->leg = 0;
	abi_msg other = m;
	other.generation++;
	EXPECT_FALSE(cp_shard_event(shard, &other)); // somebody else's
	EXPECT_TRUE(cp_shard_event(shard, &m));
	a.expect("OPTIONS");
	EXPECT_TRUE(quiet(b.addr));
	reinterpret_cast<abi_event_timeout *>(m.payload)->leg = 1;
	EXPECT_TRUE(cp_shard_event(shard, &m)); // both are silent
	pump();
	for (Party *p : {&a, &b}) {
		Msg bye = p->expect("BYE");
		EXPECT_EQ(bye.header("Reason"), "Q.850;cause=102;text=\"media timeout\"");
		p->respond(bye, 200, "OK");
	}
	EXPECT_EQ(counter(CP_C_MEDIA_TIMEOUTS), 1u);
	ASSERT_EQ(cdrs.size(), 2u);
	EXPECT_NE(cdrs[0].find("\"ended_by\":\"hawse\",\"status\":408,\"cause\":\"media timeout\""),
		std::string::npos)
		<< cdrs[0];
}

TEST_F(End, WithoutHawseMediaNewCallsGet503AndOldOnesGoOn)
{
	up();
	detach();
	Party other{*this, "caller", "10.1.0.4", 0};
	other.call_id = "caller-other";
	other.call("+4930", other.sdp.text());
	Msg m = other.expect(503);
	EXPECT_GT(atoi(m.header("Retry-After").c_str()), 0);
	other.ack_failure(m);
	EXPECT_EQ(result(CP_RESULT_NO_MEDIA), 1u);
	// Hold while it is away: the session is told when it is back.
	a.sdp.direction = "sendonly";
	b.sdp.direction = "recvonly";
	a.request("INVITE", a.sdp.text());
	b.respond(b.expect("INVITE"), 200, "OK", b.sdp.text());
	b.expect("ACK");
	a.expect(200);
	a.ack();
	EXPECT_TRUE(media.only().plan.leg[0].flags & ABI_LEG_SEND);
	attach(true);
	EXPECT_EQ(media.count(ABI_SESSION_CLAIM), 1u);
	EXPECT_FALSE(media.only().plan.leg[0].flags & ABI_LEG_SEND);
	EXPECT_EQ(media.reconciled, 2u);
	bye(a, b);
}

TEST_F(End, ACallThatEndsWhileItIsClaimedHoldsUpNobody)
{
	up();
	detach();
	media.hold = true;
	attach(true);
	EXPECT_EQ(media.count(ABI_SESSION_CLAIM), 1u);
	bye(a, b);
	EXPECT_EQ(media.reconciled, 1u);
	media.hold = false;
	pump();
	advance(1);
	EXPECT_EQ(media.reconciled, 2u);
}

TEST_F(End, AClaimThatGotNoAnswerIsMadeAgain)
{
	up();
	detach();
	media.fail[ABI_SESSION_CLAIM] = {-ETIMEDOUT, -ETIMEDOUT};
	attach(true);
	EXPECT_EQ(media.count(ABI_SESSION_CLAIM), 3u);
	EXPECT_EQ(media.reconciled, 2u);
	bye(a, b);
}

TEST_F(End, ARestartedHawseMediaGetsTheSessionsBackOnTheSamePorts)
{
	up();
	abi_session_plan plan = media.only().plan;
	abi_ports ports = media.only().ports;
	detach();
	attach(false);
	EXPECT_EQ(memcmp(&media.only().ports.leg, &ports.leg, sizeof(ports.leg)), 0);
	EXPECT_TRUE(media.only().active);
	for (auto &l : plan.leg)
		l.flags &= ~uint32_t(ABI_LEG_RELEARN);
	EXPECT_EQ(memcmp(&media.only().plan, &plan, sizeof(plan)), 0);
	EXPECT_EQ(media.reconciled, 2u);
	EXPECT_EQ(counter(CP_C_REPLAYED), 1u);
	// New calls are taken again, and the old one can be changed and ended.
	EXPECT_EQ(cp_tregion_call(tregion, 0)->state, ABI_CALL_UP);
	abi_msg e = event(ABI_LEARNED);
	EXPECT_TRUE(cp_shard_event(shard, &e));
	bye(b, a);
}

TEST_F(End, ASessionThatCannotBeMadeAgainEndsItsCall)
{
	up();
	detach();
	media.fail[ABI_PORT_ALLOC] = {-ENOSPC};
	attach(false);
	for (Party *p : {&a, &b}) {
		Msg bye = p->expect("BYE");
		EXPECT_EQ(bye.header("Reason"), "Q.850;cause=41;text=\"media lost\"");
		p->respond(bye, 200, "OK");
	}
	EXPECT_EQ(media.reconciled, 2u);
	EXPECT_EQ(counter(CP_C_REPLAY_FAILED), 1u);
}

TEST_F(End, ManyCallsAreReplayedInWindows)
{
	cp_shard_free(shard);
	cp_tregion_free(tregion);
	std::string config = kConfig;
	start(config.replace(config.find("ring_timeout"), 0, "max_calls: 2000\n  ").c_str());
	std::vector<std::string> ids;
	for (int k = 0; k < 700; k++) {
		a.call_id = format("caller-%d", k);
		a.remote_tag = "";
		up();
	}
	EXPECT_EQ(media.sessions.size(), 700u);
	media.hold = true;
	detach();
	media.commands.clear();
	attach(false);
	EXPECT_LE(media.replies.size(), 256u);
	EXPECT_EQ(media.reconciled, 2u); // both starts, not yet this one
	media.hold = false;
	pump();
	EXPECT_EQ(media.sessions.size(), 700u);
	EXPECT_EQ(media.reconciled, 3u);
	cp_shard_stop(shard);
	pump();
	EXPECT_EQ(cdrs.size(), 1400u);
	advance(33000);
}

TEST_F(End, HawseMediaDiesWhileACallIsChanged)
{
	up();
	a.sdp.port = 4700;
	a.request("INVITE", a.sdp.text());
	Msg i = b.expect("INVITE");
	media.hold = true;
	b.respond(i, 200, "OK", b.sdp.text());
	detach(); // the update is lost; the change goes through and is told later
	a.expect(200);
	b.expect("ACK");
	a.ack();
	media.hold = false;
	attach(false);
	EXPECT_EQ(media.only().plan.leg[0].remote_rtp_port, 4700);
	bye(a, b);
}

TEST_F(End, HawseMediaDiesWhileACallIsSetUp)
{
	// Ports were asked for.
	media.hold = true;
	a.call("+4930", a.sdp.text());
	a.expect(100);
	detach();
	a.ack_failure(a.expect(503));
	media.hold = false;
	attach(false);
	// The plan was told.
	a.call_id = "caller-2";
	a.call("+4930", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	media.hold = true;
	b.respond(i, 200, "OK", b.sdp.text());
	detach();
	b.expect("ACK");
	a.ack_failure(a.expect(503));
	b.respond(b.expect("BYE"), 200, "OK");
	media.hold = false;
	attach(false);
	// It rang: the call gets its ports back and goes on.
	a.call_id = "caller-3";
	a.call("+4930", a.sdp.text());
	a.expect(100);
	i = b.expect_invite();
	b.respond(i, 180, "Ringing");
	a.expect(180);
	abi_ports ports = media.only().ports;
	detach();
	attach(false);
	EXPECT_EQ(memcmp(&media.only().ports.leg, &ports.leg, sizeof(ports.leg)), 0);
	b.respond(i, 200, "OK", b.sdp.text());
	b.expect("ACK");
	a.learn(a.expect(200));
	a.ack();
	EXPECT_TRUE(media.only().active);
	bye(a, b);
}

TEST_F(End, ADeleteThatFailsIsSentAgain)
{
	up();
	media.fail[ABI_SESSION_DELETE] = {-EBUSY, -ETIMEDOUT};
	a.request("BYE");
	a.expect(200);
	b.respond(b.expect("BYE"), 200, "OK");
	EXPECT_EQ(cdrs.size(), 0u);
	advance(100);
	EXPECT_EQ(cdrs.size(), 2u);
	EXPECT_EQ(media.count(ABI_SESSION_DELETE), 3u);
}

TEST_F(End, AStopEndsEveryCall)
{
	up();
	Party ringing{*this, "caller", "10.1.0.4", 0};
	ringing.call_id = "caller-ringing";
	ringing.call("+4930", ringing.sdp.text());
	ringing.expect(100);
	Msg i = b.expect("INVITE");
	b.respond(i, 180, "Ringing", "", "", "callee-other");
	ringing.expect(180);
	cp_shard_stop(shard);
	pump();
	a.respond(a.expect("BYE"), 200, "OK");
	ringing.ack_failure(ringing.expect(503));
	Msg m = b.get();
	Msg n = b.get();
	EXPECT_EQ((m.method() == "BYE") + (n.method() == "BYE"), 1);
	EXPECT_EQ((m.method() == "CANCEL") + (n.method() == "CANCEL"), 1);
	b.respond(m, 200, "OK");
	b.respond(n, 200, "OK");
	b.respond(i, 487, "Request Terminated", "", "", "callee-other");
	EXPECT_EQ(cp_shard_calls(shard), 0u);
	a.call_id = "caller-late";
	a.remote_tag = "";
	a.call("+4930", a.sdp.text());
	while (!quiet(a.addr)) {
		Msg last = a.get();
		EXPECT_EQ(last.status(), 503);
		a.ack_failure(last);
	}
}

TEST_F(End, CallsBeyondTheTableAreRefused)
{
	cp_shard_free(shard);
	cp_tregion_free(tregion);
	std::string config = kConfig;
	start(config.replace(config.find("ring_timeout"), 0, "max_calls: 1\n  ").c_str());
	up();
	Party other{*this, "caller", "10.1.0.4", 0};
	other.call_id = "caller-other";
	other.call("+4930", other.sdp.text());
	Msg m = other.expect(503);
	EXPECT_TRUE(m.has("Retry-After"));
	other.ack_failure(m);
	EXPECT_EQ(result(CP_RESULT_OVERLOAD), 1u);
	bye(a, b);
}

} // namespace
