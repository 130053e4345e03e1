// SPDX-License-Identifier: BSD-3-Clause
// Session timers (RFC 4028) on each leg by itself, and sides that fall silent.
#include "tests/unit/control/world.h"

using namespace control;

namespace
{

struct Session : Call {
	// Seconds, without what the other leg's timer has to say in between.
	void seconds(unsigned n)
	{
		advance(n * 1000ull);
	}

	Msg up_with(const std::string &caller, const std::string &callee)
	{
		a.call("+4930", a.sdp.text(), caller);
		a.expect(100);
		Msg i = b.expect_invite();
		b.respond(i, 200, "OK", b.sdp.text(), callee);
		Msg ok = a.expect(200);
		a.learn(ok);
		b.expect("ACK");
		a.ack();
		return ok;
	}

	abi_msg silence(unsigned leg)
	{
		abi_msg m{};
		m.type = ABI_MEDIA_TIMEOUT;
		m.slot = media.sessions.begin()->first;
		m.generation = media.sessions.begin()->second.generation;
		reinterpret_cast<abi_event_timeout *>(m.payload)->leg = uint8_t(leg);
		return m;
	}

	void configure(const std::string &office, const std::string &carrier)
	{
		text = format(R"(
media: {a: {device: a0, address: 10.1.0.1}, b: {device: b0, address: 10.2.0.1}}
sip: {listen: [udp:10.1.0.1, udp:10.2.0.1], media_timeout: 30}
peers:
  office: {kind: trunk, address: 10.1.0.2, media: a%s}
  carrier: {kind: trunk, address: 10.2.0.2, media: b%s}
routes: [{from: office, to: [carrier]}, {from: carrier, to: [office]}]
)",
			office.c_str(), carrier.c_str());
		cp_shard_free(shard);
		cp_tregion_free(tregion);
		shard = nullptr;
		start(text.c_str());
	}
	std::string text;
};

const char *const kCarrier = "Supported: timer\r\nAllow: INVITE, ACK, UPDATE\r\n";

TEST_F(Session, EachLegHasItsOwn)
{
	configure("", ", session_timer: {expires: 600}");
	a.call("+4930", a.sdp.text(), "Supported: timer\r\nSession-Expires: 240\r\n");
	a.expect(100);
	Msg i = b.expect_invite();
	EXPECT_EQ(i.header("Session-Expires"), "600");
	EXPECT_NE(i.header("Supported").find("timer"), std::string::npos);
	b.respond(i, 200, "OK", b.sdp.text(),
		std::string("Session-Expires: 300;refresher=uas\r\nRequire: timer\r\n") + kCarrier);
	Msg ok = a.expect(200);
	EXPECT_EQ(ok.header("Session-Expires"), "240;refresher=uac");
	EXPECT_EQ(ok.header("Require"), "timer");
	a.learn(ok);
	b.expect("ACK");
	a.ack();
	seconds(110);
	a.request("UPDATE", "", "Supported: timer\r\nSession-Expires: 240;refresher=uac\r\n");
	EXPECT_EQ(a.expect(200, "UPDATE").header("Session-Expires"), "240;refresher=uac");
	EXPECT_TRUE(quiet(b.addr));
	b.request("UPDATE", "", "Supported: timer\r\nSession-Expires: 300;refresher=uac\r\n");
	EXPECT_EQ(b.expect(200, "UPDATE").header("Session-Expires"), "300;refresher=uac");
	EXPECT_TRUE(quiet(a.addr));
	seconds(206);
	EXPECT_TRUE(quiet(a.addr));
	EXPECT_TRUE(quiet(b.addr));
	EXPECT_GE(until(a.addr, 3000), 1900u); // 208 s after the caller's last refresh
	for (Party *p : {&a, &b}) {
		Msg end = p->expect("BYE");
		EXPECT_NE(end.header("Reason").find("session timer"), std::string::npos);
		p->respond(end, 200, "OK");
	}
}

TEST_F(Session, WeRefreshByUpdateWhereItIsAllowed)
{
	configure(", session_timer: off", ", session_timer: {expires: 200, refresher: hawse}");
	a.call("+4930", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	EXPECT_EQ(i.header("Session-Expires"), "200;refresher=uac");
	b.respond(i, 200, "OK", b.sdp.text(),
		std::string("Session-Expires: 200;refresher=uac\r\n") + kCarrier);
	a.learn(a.expect(200));
	b.expect("ACK");
	a.ack();
	for (int n = 0; n < 3; n++) {
		EXPECT_GE(until(b.addr, 101000), 99900u);
		Msg u = b.expect("UPDATE");
		EXPECT_EQ(u.header("Session-Expires"), "200;refresher=uac");
		EXPECT_EQ(u.body(), "");
		b.respond(u, 200, "OK", "",
			"Session-Expires: 200;refresher=uac\r\nSupported: timer\r\n");
	}
	EXPECT_TRUE(quiet(a.addr));
	bye(a, b);
}

TEST_F(Session, ElseByAReinviteThatChangesNothing)
{
	configure(", session_timer: off", ", session_timer: {expires: 200}");
	up_with("", ""); // it does not know the timer: we refresh
	until(b.addr, 101000);
	Msg i = b.expect("INVITE");
	EXPECT_NE(i.body().find("m=audio"), std::string::npos);
	b.respond(i, 200, "OK", b.sdp.text());
	b.expect("ACK");
	EXPECT_FALSE(media.only().plan.leg[1].flags & ABI_LEG_RELEARN);
	EXPECT_EQ(media.only().plan.leg[1].remote_rtp_port, b.sdp.port);
	EXPECT_TRUE(media.only().plan.leg[1].flags & ABI_LEG_TIMEOUT);
	EXPECT_TRUE(quiet(a.addr));
	// One that refuses lives, too, and is asked again.
	until(b.addr, 101000);
	i = b.expect("INVITE");
	b.respond(i, 488, "Not Acceptable Here");
	b.expect("ACK");
	until(b.addr, 31000);
	i = b.expect("INVITE");
	b.respond(i, 481, "Call/Transaction Does Not Exist");
	b.expect("ACK");
	Msg end = a.expect("BYE");
	EXPECT_NE(end.header("Reason").find("cause=481"), std::string::npos);
	a.respond(end, 200, "OK");
}

TEST_F(Session, APartyThatIsGoneIsFound)
{
	configure(", session_timer: off", ", session_timer: {expires: 200}");
	up_with("", kCarrier);
	until(a.addr, 134000);
	b.sent_again("UPDATE");
	a.respond(a.expect("BYE"), 200, "OK");
	b.respond(b.expect("BYE"), 200, "OK");
}

TEST_F(Session, TooShortIs422FromEitherSide)
{
	configure(", session_timer: {minimum: 120}", "");
	a.call("+4930", a.sdp.text(), "Supported: timer\r\nSession-Expires: 100\r\n");
	Msg m = a.expect(422);
	EXPECT_EQ(m.header("Min-SE"), "120");
	a.ack_failure(m);
	a.call_id = "caller-two";
	a.call("+4930", a.sdp.text(),
		"Supported: timer\r\nSession-Expires: 120\r\nMin-SE: 120\r\n");
	a.expect(100);
	Msg i = b.expect_invite();
	EXPECT_EQ(i.header("Session-Expires"), "1800");
	b.respond(i, 422, "Session Interval Too Small", "", "Min-SE: 3600\r\n");
	b.expect("ACK");
	i = b.expect_invite(); // once more, with what it wants
	EXPECT_EQ(i.header("Session-Expires"), "3600");
	EXPECT_EQ(i.header("Min-SE"), "3600");
	b.respond(i, 200, "OK", b.sdp.text(), kCarrier);
	a.learn(a.expect(200));
	b.expect("ACK");
	a.ack();
	a.request("UPDATE", "", "Supported: timer\r\nSession-Expires: 90\r\n");
	EXPECT_EQ(a.expect(422, "UPDATE").header("Min-SE"), "120");
	bye(a, b);
}

TEST_F(Session, A422ThatCannotBeMetEndsTheCall)
{
	a.call("+1202", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	b.respond(i, 422, "Session Interval Too Small", "", "Min-SE: 100\r\n");
	b.expect("ACK");
	a.ack_failure(a.expect(500));
}

TEST_F(Session, OffIsNotTakenPartIn)
{
	configure(", session_timer: off", ", session_timer: off");
	a.call("+4930", a.sdp.text(), "Require: timer\r\nSession-Expires: 100\r\n");
	Msg m = a.expect(420);
	EXPECT_EQ(m.header("Unsupported"), "timer");
	a.ack_failure(m);
	a.call_id = "caller-two";
	a.call("+4930", a.sdp.text(), "Supported: timer\r\nSession-Expires: 100\r\n");
	a.expect(100);
	Msg i = b.expect_invite();
	EXPECT_FALSE(i.has("Session-Expires"));
	b.respond(i, 200, "OK", b.sdp.text());
	Msg ok = a.expect(200);
	EXPECT_FALSE(ok.has("Session-Expires"));
	a.learn(ok);
	b.expect("ACK");
	a.ack();
	seconds(4000);
	EXPECT_TRUE(quiet(a.addr));
	EXPECT_TRUE(quiet(b.addr));
	bye(a, b);
}

TEST_F(Session, GoesOnAfterARestart)
{
	configure(", session_timer: off", ", session_timer: {expires: 200}");
	up_with("", std::string("Session-Expires: 200;refresher=uac\r\n") + kCarrier);
	seconds(50);
	keep(true);
	cp_shard_free(shard);
	cp_tregion_free(tregion);
	shard = nullptr;
	media.replies.clear();
	uncommitted.clear();
	sent.clear();
	open(text.c_str());
	for (auto &record : journal)
		ASSERT_EQ(cp_shard_restore(shard, record.first,
				  reinterpret_cast<const uint8_t *>(record.second.data()),
				  record.second.size(), 0),
			0);
	attach_first(0);
	EXPECT_GE(until(b.addr, 51000), 49000u);
	Msg u = b.expect("UPDATE");
	b.respond(u, 200, "OK", "", "Session-Expires: 200;refresher=uas\r\nRequire: timer\r\n");
	EXPECT_GE(until(b.addr, 170000), 167000u);
	a.respond(a.expect("BYE"), 200, "OK");
	b.respond(b.expect("BYE"), 200, "OK");
}

// ---- silence

TEST_F(Session, OneThatIsMutedIsAskedAndLives)
{
	up();
	abi_msg m = silence(1);
	EXPECT_TRUE(cp_shard_event(shard, &m));
	Msg q = b.expect("OPTIONS");
	b.respond(q, 200, "OK");
	seconds(100);
	EXPECT_TRUE(quiet(a.addr));
	EXPECT_TRUE(quiet(b.addr));
	m = silence(0);
	EXPECT_TRUE(cp_shard_event(shard, &m));
	a.respond(a.expect("OPTIONS"), 405, "Method Not Allowed"); // that is an answer, too
	seconds(100);
	EXPECT_EQ(cp_shard_calls(shard), 1u);
	bye(a, b);
}

TEST_F(Session, OneThatLostTheCallSaysSo)
{
	up();
	abi_msg m = silence(1);
	EXPECT_TRUE(cp_shard_event(shard, &m));
	b.respond(b.expect("OPTIONS"), 481, "Call/Transaction Does Not Exist");
	a.respond(a.expect("BYE"), 200, "OK");
	EXPECT_TRUE(quiet(b.addr));
}

TEST_F(Session, SilenceMayBeTheEndOrNoMatter)
{
	configure(", silence: allow", ", silence: end");
	up_with("", "");
	EXPECT_FALSE(media.only().plan.leg[0].flags & ABI_LEG_TIMEOUT);
	EXPECT_TRUE(media.only().plan.leg[1].flags & ABI_LEG_TIMEOUT);
	abi_msg m = silence(1);
	EXPECT_TRUE(cp_shard_event(shard, &m));
	a.respond(a.expect("BYE"), 200, "OK");
	b.respond(b.expect("BYE"), 200, "OK");
}

} // namespace
