// SPDX-License-Identifier: BSD-3-Clause
// One target at several addresses (RFC 3263 4.3), sips, and who may speak for a leg.
#include "tests/unit/control/world.h"

using namespace control;

namespace
{

struct Hops : Call {
	Party second{*this, "callee", "10.2.0.7", 1};
	Party third{*this, "callee", "10.2.0.8", 1};

	void SetUp() override
	{
		Call::SetUp();
		second.tag = "callee-tag-2";
		third.tag = "callee-tag-3";
		on_locate = [this](const cp_peer *peer, sip_flow *list) -> unsigned {
			bool carrier = std::string(peer->cfg->name) == "carrier";
			const sip_addr *at[] = {&b.addr, &second.addr, &third.addr};
			for (unsigned i = 0; i < (carrier ? 3 : 1); i++) {
				list[i] = {};
				list[i].remote = carrier ? *at[i] : peer->remote;
				list[i].socket = peer->socket;
			}
			return carrier ? 3 : 1;
		};
	}
	void answer(Party &party)
	{
		Msg i = party.expect_invite();
		party.respond(i, 180, "Ringing");
		a.learn(a.expect(180));
		party.respond(i, 200, "OK", party.sdp.text());
		a.learn(a.expect(200));
		party.expect("ACK");
		a.ack();
	}
};

TEST_F(Hops, TheNextAddressTakesTheCallAfter503)
{
	a.call("+1555", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	b.respond(i, 503, "Busy", "", "Retry-After: 5\r\n");
	b.expect("ACK");
	answer(second);
	EXPECT_NE(second.invite.header("Via"), i.header("Via"));
	EXPECT_EQ(second.invite.uri(), i.uri()) << "the same request";
	EXPECT_EQ(second.invite.body(), i.body());
	EXPECT_TRUE(quiet(a.addr)) << "the caller hears nothing of the first";
	EXPECT_EQ(counter(CP_C_NEXT_HOPS), 1u);
	EXPECT_EQ(counter(CP_C_NEXT_TARGETS), 0u);
	bye(a, second);
	EXPECT_EQ(result(CP_RESULT_ANSWERED), 1u);
	EXPECT_EQ(cdrs.size(), 2u) << "one target, one CDR";
}

TEST_F(Hops, AnAddressThatSaysNothingIsLeftAfterFourSeconds)
{
	a.call("+1555", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	advance(3900);
	EXPECT_TRUE(quiet(second.addr));
	while (!quiet(b.addr))
		b.expect("INVITE"); // as UDP repeats it
	advance(200);
	answer(second);
	// Should the first wake up after all, its call is put an end to.
	b.respond(i, 200, "OK", b.sdp.text());
	b.expect("ACK");
	Msg late = b.expect("BYE");
	b.respond(late, 200, "OK");
	bye(second, a);
}

TEST_F(Hops, OneThatRingsIsNotLeft)
{
	a.call("+1555", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	b.respond(i, 100, "Trying");
	advance(10000);
	EXPECT_TRUE(quiet(second.addr));
	b.respond(i, 486, "Busy Here");
	b.expect("ACK");
	a.ack_failure(a.expect(486));
	EXPECT_TRUE(quiet(second.addr)) << "busy is busy, at whatever address";
	EXPECT_EQ(counter(CP_C_NEXT_HOPS), 0u);
}

TEST_F(Hops, WhatCannotBeSentGoesOnAtOnce)
{
	send_errors["10.2.0.2"] = -EHOSTUNREACH;
	send_errors["10.2.0.7"] = -EHOSTUNREACH;
	a.call("+1555", a.sdp.text());
	a.expect(100);
	advance(10);
	answer(third);
	EXPECT_EQ(counter(CP_C_NEXT_HOPS), 2u);
	bye(a, third);
}

TEST_F(Hops, WhenNoneIsLeftTheRouteGoesOn)
{
	for (const char *ip : {"10.2.0.2", "10.2.0.7", "10.2.0.8"})
		send_errors[ip] = -EHOSTUNREACH;
	Party backup(*this, "callee", "10.2.0.3", 1);
	a.call("+4930", a.sdp.text()); // carrier, then backup
	a.expect(100);
	advance(10);
	answer(backup);
	EXPECT_EQ(counter(CP_C_NEXT_HOPS), 2u);
	EXPECT_EQ(counter(CP_C_NEXT_TARGETS), 1u);
	bye(a, backup);
}

TEST_F(Hops, TheCallerMayGiveUpInBetween)
{
	a.call("+1555", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	a.cancel();
	a.expect(200, "CANCEL");
	a.ack_failure(a.expect(487, "INVITE"));
	b.respond(i, 503, "Busy");
	b.expect("ACK");
	EXPECT_TRUE(quiet(second.addr));
}

TEST_F(Hops, NowhereToGoIs480)
{
	on_locate = [](const cp_peer *, sip_flow *) { return 0u; };
	a.call("+1555", a.sdp.text());
	a.expect(100);
	a.ack_failure(a.expect(480));
}

// ---- TLS

static const char *const kSecure = R"(
media:
  a: {device: a0, address: [10.1.0.1], ports: 20000-20999}
  b: {device: b0, address: [10.2.0.1], ports: 20000-20999}
sip:
  listen: [tls:10.1.0.1, tls:10.2.0.1, udp:10.2.0.1]
  certificate: /unused.pem
peers:
  office: {kind: trunk, address: "10.1.0.2:5061", transport: tls, media: a}
  carrier: {kind: trunk, address: "10.2.0.2:5061", transport: tls, media: b}
  plain: {kind: trunk, address: 10.2.0.3, media: b}
routes:
  - {from: office, number: "+1555", to: [plain, carrier]}
  - {from: office, number: "+2", to: [plain]}
  - {from: office, number: "+17", to: [carrier]}
)";

struct Secure : Call {
	void SetUp() override
	{
		ASSERT_EQ(sip_init(), 0);
		start(kSecure);
		on_receive = [](sip_flow &flow) {
			flow.transport = SIP_TLS;
			flow.connection = flow.socket + 1u;
		};
	}
};

TEST_F(Secure, SipsGoesByTlsOnlyAndSaysSoInEveryContact)
{
	a.scheme = "sips";
	a.call("+1555", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite(); // not plain, which has no TLS
	EXPECT_EQ(i.to.transport, SIP_TLS);
	EXPECT_EQ(i.uri(), "sips:+1555@10.2.0.2;transport=tls");
	EXPECT_EQ(i.header("To"), "<sips:+1555@10.2.0.2>");
	EXPECT_EQ(i.header("Contact"), "<sips:alice@10.2.0.1:5061>");
	EXPECT_EQ(i.header("Via").find("SIP/2.0/TLS 10.2.0.1;"), 0u);
	b.respond(i, 200, "OK", b.sdp.text());
	Msg ok = a.expect(200);
	EXPECT_EQ(ok.header("Contact"), "<sips:+1555@10.1.0.1:5061>");
	a.learn(ok);
	b.expect("ACK");
	a.ack();
	bye(a, b);
}

TEST_F(Secure, SipsThatWouldLeaveTlsIsRefused)
{
	a.scheme = "sips";
	a.call("+2555", a.sdp.text());
	a.expect(100);
	a.ack_failure(a.expect(480));
	EXPECT_TRUE(quiet(address("10.2.0.3")));
}

TEST_F(Secure, SipSaysTheTransportAndMayLeaveTls)
{
	Party plain(*this, "callee", "10.2.0.3", 2);
	a.call("+2555", a.sdp.text());
	a.expect(100);
	Msg i = plain.expect_invite();
	EXPECT_EQ(i.to.transport, SIP_UDP);
	EXPECT_EQ(i.uri(), "sip:+2555@10.2.0.3");
	EXPECT_EQ(i.header("Contact"), "<sip:alice@10.2.0.1>");
	plain.respond(i, 200, "OK", plain.sdp.text());
	Msg ok = a.expect(200);
	EXPECT_EQ(ok.header("Contact"), "<sip:+2555@10.1.0.1:5061;transport=tls>");
	a.learn(ok);
	plain.expect("ACK");
	a.ack();
	bye(a, plain);
}

TEST_F(Secure, NobodySpeaksByUdpForALegThatBeganOverTls)
{
	up("+1777");
	auto secure = on_receive;
	on_receive = nullptr;
	a.request("BYE"); // its address and its tags, but no TLS
	a.expect(481);
	EXPECT_TRUE(quiet(b.addr));
	EXPECT_EQ(counter(CP_C_DROP_SOURCE), 1u);
	on_receive = secure;
	bye(a, b);
}

} // namespace
