// SPDX-License-Identifier: BSD-3-Clause
// Trunks as callers and carriers see them: limits, health, failover, header rules, numbers, codecs,
// emergencies, in whole calls.
#include "world.h"

#include <set>

using namespace control;

namespace
{

const char *const kTrunks = R"(
media:
  a: {device: a0, address: [10.1.0.1], ports: 20000-20999}
  b: {device: b0, address: [10.2.0.1], ports: 20000-20999}
sip:
  listen: [udp:10.1.0.1, udp:10.2.0.1]
  ring_timeout: 60
peers:
  office:
    kind: trunk
    address: 10.1.0.2
    media: a
    numbers: {country: 49, outbound: national}
    limits: {in: {calls: 2, deny: ["+49900"]}}
    rules:
      in: [{pass: X-Customer}, {remove: Subject}, {replace: User-to-User, match: "^x(.*)$", with: "y\\1"}]
      out: [{add: X-Seen, value: "yes", if: {status: 180-299}}]
  carrier:
    kind: trunk
    address: 10.2.0.2
    media: b
    codecs: [PCMU, PCMA]
    numbers: {country: 49, outbound: international}
    health: {ping: 10, up: 2, down: 2, timeout: 2, ramp: 0, progress: 6}
    rules:
      out: [{remove: User-Agent}, {add: X-Trunk, value: hawse, if: {method: INVITE, status: request}}]
  backup: {kind: trunk, address: 10.2.0.3, media: b, limits: {out: {calls: 1}}, failover: [503, 480]}
routes:
  - {from: office, number: "+49", to: [carrier, backup]}
  - {from: office, number: "+1", to: [backup, carrier]}
  - {number: "112", emergency: yes, to: [backup]}
  - {from: carrier, to: [office]}
)";

struct Trunks : World {
	Party a{*this, "caller", "10.1.0.2", 0};
	Party b{*this, "callee", "10.2.0.2", 1};
	Party c{*this, "callee", "10.2.0.3", 1};

	void SetUp() override
	{
		ASSERT_EQ(sip_init(), 0);
		start(kTrunks);
	}
	void TearDown() override
	{
		if (shard) { // pings would go on for ever
			cp_policy *p = make_policy(kConfig);
			cp_shard_set_policy(shard, p);
			cp_policy_release(p);
		}
		World::TearDown();
	}
	// The last OPTIONS, however often it was repeated.
	void answer_ping(int status = 200)
	{
		Msg m;
		while (!quiet(b.addr))
			m = b.expect("OPTIONS");
		b.respond(m, status, "Whatever");
	}
	void talk(Party &callee, const char *number, const char *lines = "")
	{
		a.call(number, a.sdp.text(), lines);
		a.expect(100);
		Msg i = callee.expect_invite();
		callee.respond(i, 200, "OK", callee.sdp.text());
		a.learn(a.expect(200));
		callee.expect("ACK");
		a.ack();
	}
	void hang_up(Party &callee)
	{
		a.request("BYE");
		a.expect(200, "BYE");
		callee.respond(callee.expect("BYE"), 200, "OK");
	}
	struct cp_account_view view(const char *name)
	{
		struct cp_account_view v;
		cp_account_read(cp_account_get(cp_shard_accounts(shard), name),
			now_us + 1700000000000000ull, &v);
		return v;
	}
};

TEST_F(Trunks, NumbersAreWrittenAsEachPeerWritesThem)
{
	a.call("030123456", a.sdp.text(), "P-Asserted-Identity: <sip:030999888@10.1.0.2>\r\n");
	a.expect(100);
	Msg i = b.expect_invite();
	EXPECT_EQ(i.uri(), "sip:004930123456@10.2.0.2");
	EXPECT_EQ(i.header("To"), "<sip:004930123456@10.2.0.2>");
	EXPECT_EQ(i.header("P-Asserted-Identity"), "<sip:004930999888@10.2.0.1>");
	b.respond(i, 486, "Busy Here");
	b.expect("ACK");
	a.ack_failure(a.expect(486));
	sent.clear();
	b.call("0049301234567", b.sdp.text());
	b.expect(100);
	Msg j = a.expect_invite();
	EXPECT_EQ(j.uri(), "sip:0301234567@10.1.0.2");
	a.respond(j, 486, "Busy Here");
	a.expect("ACK");
	b.ack_failure(b.expect(486));
}

TEST_F(Trunks, HeaderRulesHoldInBothDirections)
{
	a.call("+4930123456", a.sdp.text(),
		"X-Customer: 17\r\nX-Other: 18\r\nSubject: hidden\r\nUser-to-User: x1234\r\n");
	a.expect(100);
	Msg i = b.expect_invite();
	EXPECT_EQ(i.header("X-Customer"), "17");
	EXPECT_FALSE(i.has("X-Other"));
	EXPECT_FALSE(i.has("Subject"));
	EXPECT_FALSE(i.has("User-Agent"));
	EXPECT_EQ(i.header("User-To-User"), "y1234") << i.text;
	EXPECT_EQ(i.header("X-Trunk"), "hawse");
	b.respond(i, 180, "Ringing");
	EXPECT_EQ(a.expect(180).header("X-Seen"), "yes");
	b.respond(i, 200, "OK", b.sdp.text());
	Msg ok = a.expect(200);
	EXPECT_EQ(ok.header("X-Seen"), "yes");
	a.learn(ok);
	EXPECT_FALSE(b.expect("ACK").has("X-Trunk"));
	a.ack();
	hang_up(b);
}

TEST_F(Trunks, CodecsAreOfferedInThePeersOrderAndNoOthers)
{
	a.sdp.codecs = "9 8 0 101";
	a.call("+4930123456", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	EXPECT_NE(i.body().find("RTP/AVP 0 8 101\r\n"), std::string::npos) << i.body();
	b.sdp.codecs = "0 101";
	b.respond(i, 200, "OK", b.sdp.text());
	Msg ok = a.expect(200);
	EXPECT_NE(ok.body().find("RTP/AVP 0 101"), std::string::npos) << ok.body();
	a.learn(ok);
	b.expect("ACK");
	a.ack();
	hang_up(b);
	sent.clear();
	a.call_id = "caller-2";
	a.sdp.codecs = "9";
	a.sdp.attributes = "";
	a.call("+4930123456", a.sdp.text());
	a.expect(100);
	a.ack_failure(a.expect(488));
}

TEST_F(Trunks, ALimitRefusesWithTheReasonAndGivesPlacesBack)
{
	talk(b, "+4930123456");
	Party a2{*this, "caller", "10.1.0.2", 0}, a3{*this, "caller", "10.1.0.2", 0};
	a2.call_id = "caller-2";
	a2.tag = "caller-tag-2";
	a2.branch = 100;
	a3.call_id = "caller-3";
	a3.tag = "caller-tag-3";
	a3.branch = 200;
	Party b2 = b;
	a2.call("+4930123456", a2.sdp.text());
	a2.expect(100);
	Msg i = b2.expect_invite();
	a3.call("+4930123456", a3.sdp.text());
	a3.expect(100);
	Msg no = a3.expect(503);
	EXPECT_EQ(no.start(), "SIP/2.0 503 Too Many Calls");
	EXPECT_EQ(no.header("Retry-After"), "10");
	a3.ack_failure(no);
	EXPECT_EQ(result(CP_RESULT_LIMIT), 1u);
	EXPECT_EQ(counter(CP_C_LIMITED), 1u);
	EXPECT_EQ(view("office").calls[CFG_IN], 2u);
	EXPECT_EQ(view("carrier").calls[CFG_OUT], 2u);
	b2.respond(i, 486, "Busy Here");
	b2.expect("ACK");
	a2.ack_failure(a2.expect(486));
	EXPECT_EQ(view("office").calls[CFG_IN], 1u);
	EXPECT_EQ(view("carrier").calls[CFG_OUT], 1u);
	hang_up(b);
	EXPECT_EQ(view("office").calls[CFG_IN], 0u);
	EXPECT_NE(cdrs.back().find("caller"), std::string::npos);
	a3.call_id = "caller-4";
	a3.call("0900123456", a3.sdp.text());
	a3.expect(100);
	a3.ack_failure(a3.expect(403));
}

TEST_F(Trunks, ATargetWithoutRoomIsPassedOver)
{
	talk(c, "+12125550100");
	Party a2{*this, "caller", "10.1.0.2", 0};
	a2.call_id = "caller-2";
	a2.tag = "caller-tag-2";
	a2.branch = 100;
	a2.call("+12125550100", a2.sdp.text());
	a2.expect(100);
	Msg i = b.expect_invite(); // the carrier, second in the route
	b.respond(i, 486, "Busy Here");
	b.expect("ACK");
	a2.ack_failure(a2.expect(486));
	EXPECT_EQ(view("backup").refused[CP_LIMIT_CALLS], 1u);
	hang_up(c);
}

TEST_F(Trunks, FailoverByCauseAsThePeerSays)
{
	a.call("+12125550100", a.sdp.text());
	a.expect(100);
	Msg i = c.expect_invite();
	c.respond(i, 480, "Gone"); // on backup's list, on no one else's
	c.expect("ACK");
	Msg j = b.expect_invite();
	b.respond(j, 480, "Gone");
	b.expect("ACK");
	a.ack_failure(a.expect(480));
	a.call_id = "caller-2";
	a.call("+12125550100", a.sdp.text());
	a.expect(100);
	i = c.expect_invite();
	c.respond(i, 500, "Broken"); // not on it
	c.expect("ACK");
	a.ack_failure(a.expect(500));
}

TEST_F(Trunks, ATrunkThatGoesDownGivesItsCallsInSetUpToTheNext)
{
	advance(1100);
	answer_ping();
	a.call("+4930123456", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	b.respond(i, 180, "Ringing");
	a.expect(180);
	// Two pings without an answer: ICMP says at once that nobody is there. Repetitions count once.
	std::set<std::string> seen;
	for (int k = 0, n = 0; k < 2 && n < 60; n++) {
		advance(500);
		while (!quiet(b.addr)) {
			Msg ping = b.get();
			if (ping.method() != "OPTIONS" ||
				!seen.insert(ping.header("Call-ID")).second)
				continue;
			cp_shard_unreachable(shard, &ping.to, -ECONNREFUSED);
			k++;
		}
	}
	EXPECT_FALSE(view("carrier").up);
	EXPECT_EQ(counter(CP_C_TRUNKS_DOWN), 1u);
	Msg j = c.expect_invite();
	c.respond(j, 486, "Busy Here");
	c.expect("ACK");
	a.ack_failure(a.expect(486));
	sent.clear();
	// The next call does not try it at all; a call that has no other trunk is refused at once.
	a.call_id = "caller-2";
	a.call("+4930123456", a.sdp.text());
	a.expect(100);
	c.respond(c.expect_invite(), 486, "Busy Here");
	c.expect("ACK");
	a.ack_failure(a.expect(486));
	sent.clear();
	for (int k = 0, n = 0; k < 2 && n < 60; n++) {
		advance(500);
		while (!quiet(b.addr)) {
			Msg ping = b.get();
			if (ping.method() != "OPTIONS" ||
				!seen.insert(ping.header("Call-ID")).second)
				continue;
			b.respond(ping, 405, "Method Not Allowed"); // and alive
			k++;
		}
	}
	EXPECT_TRUE(view("carrier").up);
}

TEST_F(Trunks, A100AloneIsNotWaitedForLongerThanProgressSays)
{
	advance(1100);
	answer_ping();
	a.call("+4930123456", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	b.respond(i, 100, "Trying");
	advance(5900);
	EXPECT_TRUE(quiet(c.addr));
	advance(200);
	Msg j = c.expect_invite();
	c.respond(j, 486, "Busy Here");
	c.expect("ACK");
	a.ack_failure(a.expect(486));
	sent.clear();
}

TEST_F(Trunks, EmergenciesPassEveryLimit)
{
	talk(b, "+4930123456");
	std::vector<Party> more;
	for (int k = 0; k < 3; k++) {
		Party p{*this, "caller", "10.1.0.2", 0}, q{*this, "callee", "10.2.0.3", 1};
		p.call_id = "caller-e" + std::to_string(k);
		p.tag = "caller-te" + std::to_string(k);
		p.branch = unsigned(300 + k * 10);
		p.call("112", p.sdp.text());
		p.expect(100);
		Msg i = q.expect_invite();
		EXPECT_EQ(i.uri(), "sip:112@10.2.0.3");
		q.respond(i, 486, "Busy Here");
		q.expect("ACK");
		p.ack_failure(p.expect(486));
	}
	a.request("BYE");
	a.expect(200, "BYE");
	b.respond(b.expect("BYE"), 200, "OK");
}

} // namespace
