// SPDX-License-Identifier: BSD-3-Clause
//
// The client transactions, by simulated time: RFC 3261 17.1, RFC 6026, timers A, B, D, E, F, K, M.
#include "world.h"

namespace
{

const struct sip_flow kPeer = flow_of("192.0.2.2", 5060);
const struct sip_flow kTcp = flow_of("192.0.2.2", 5060, SIP_TCP, 3);

struct Client : testing::Test {
	World w;
	struct sip_transaction *tx = nullptr;
	Packet sent;

	void start(enum sip_method method, const struct sip_flow &to = kPeer)
	{
		struct sip_request r;
		memset(&r, 0, sizeof(r));
		r.method = method;
		r.uri = r.to_uri = sip_str("sip:b@192.0.2.2");
		r.from_uri = sip_str("sip:a@192.0.2.1");
		r.lines = sip_str("Route: <sip:192.0.2.2;lr>\r\n");
		ASSERT_EQ(0, sip_request_send(w.dialogs, &to, &r, this, &tx));
		ASSERT_EQ(1u, w.wire.size());
		sent = w.pop();
	}
	void answer_by(int status, const char *tag = "rt1")
	{
		w.receive(kPeer, answer(sent, status, tag));
	}
	// When, after the first, packets went out.
	std::vector<uint64_t> offsets()
	{
		std::vector<uint64_t> t;
		for (const Packet &p : w.wire)
			t.push_back(p.at - sent.at);
		return t;
	}
	using Times = std::vector<uint64_t>;
};

TEST_F(Client, TimerADoublesUntilTimerB)
{
	start(SIP_INVITE);
	w.run(31999);
	EXPECT_EQ((Times{500, 1500, 3500, 7500, 15500, 31500}), offsets());
	for (const Packet &p : w.wire)
		EXPECT_EQ(sent.bytes, p.bytes);
	EXPECT_EQ(0u, w.count("timeout"));
	w.run(1);
	EXPECT_EQ(1u, w.count("timeout"));
	w.run(10);
	EXPECT_EQ(1u, w.count("terminated"));
	EXPECT_EQ(0u, w.counters().transactions);
	EXPECT_EQ(6u, w.counters().retransmits_out);
}

TEST_F(Client, AnAbandonedRequestIsNeitherRepeatedNorHeardOfAgain)
{
	start(SIP_OPTIONS);
	w.run(600);
	EXPECT_EQ((Times{500}), offsets());
	sip_client_abandon(tx);
	w.run(40000);
	EXPECT_EQ((Times{500}), offsets());
	EXPECT_EQ(0u, w.count("timeout"));
	EXPECT_EQ(0u, w.count("terminated"));
	EXPECT_EQ(0u, w.counters().transactions);
}

TEST_F(Client, TimerEIsCappedByT2UntilTimerF)
{
	start(SIP_OPTIONS);
	w.run(31999);
	EXPECT_EQ((Times{500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500}),
		offsets());
	w.run(1);
	EXPECT_EQ(1u, w.count("timeout"));
	EXPECT_EQ(0u, w.count("response"));
}

TEST_F(Client, NothingIsRepeatedOverTcp)
{
	start(SIP_INVITE, kTcp);
	w.run(31999);
	EXPECT_TRUE(w.wire.empty());
	EXPECT_EQ(0u, w.count("timeout"));
	w.run(1);
	EXPECT_EQ(1u, w.count("timeout"));
	start(SIP_OPTIONS, kTcp);
	w.run(32000);
	EXPECT_TRUE(w.wire.empty());
	EXPECT_EQ(2u, w.count("timeout"));
}

TEST_F(Client, ProvisionalStopsInviteTimers)
{
	start(SIP_INVITE);
	w.run(600);
	w.wire.clear();
	answer_by(100);
	w.run(1000 * 180);
	EXPECT_TRUE(w.wire.empty());
	EXPECT_EQ(0u, w.count("timeout"));
	EXPECT_EQ(0u, w.count("response")) << "100 is nobody's business";
	answer_by(180);
	EXPECT_EQ(1u, w.count("response"));
	EXPECT_EQ(SIP_TX_PROCEEDING, sip_tx_state(tx));
}

TEST_F(Client, ProvisionalSlowsTimerEButNotTimerF)
{
	start(SIP_OPTIONS);
	w.run(600); // one retransmission at 500
	w.wire.clear();
	answer_by(100);
	w.run(31399);
	EXPECT_EQ((Times{4600, 8600, 12600, 16600, 20600, 24600, 28600}), offsets());
	w.run(1);
	EXPECT_EQ(1u, w.count("timeout"));
}

TEST_F(Client, FailureIsAcknowledgedAndAgainUntilTimerD)
{
	start(SIP_INVITE);
	answer_by(486, "callee");
	ASSERT_EQ(1u, w.wire.size());
	Packet ack = w.pop();
	EXPECT_EQ("ACK sip:b@192.0.2.2 SIP/2.0", ack.line());
	EXPECT_EQ(sent.branch(), ack.branch());
	EXPECT_EQ("1 ACK", ack.value("CSeq"));
	EXPECT_EQ("callee", ack.tag("To"));
	EXPECT_EQ(sent.value("From"), ack.value("From"));
	EXPECT_EQ(sent.value("Call-ID"), ack.value("Call-ID"));
	EXPECT_EQ("<sip:192.0.2.2;lr>", ack.value("Route"));
	EXPECT_EQ(sent.value("Via"), ack.value("Via"));
	EXPECT_EQ(486, w.last("response")->status);
	for (int i = 0; i < 3; i++) {
		w.run(1000);
		answer_by(486, "callee");
		ASSERT_EQ(1u, w.wire.size());
		EXPECT_EQ(ack.bytes, w.pop().bytes);
	}
	EXPECT_EQ(1u, w.count("response")) << "the user hears of it once";
	w.run(28999);
	EXPECT_EQ(0u, w.count("terminated"));
	w.run(2);
	EXPECT_EQ(1u, w.count("terminated"));
	answer_by(486, "callee");
	EXPECT_TRUE(w.wire.empty());
	EXPECT_EQ(1u, w.counters().stray_responses);
}

TEST_F(Client, TimerDIsZeroOverTcp)
{
	start(SIP_INVITE, kTcp);
	answer_by(603);
	EXPECT_EQ("ACK", w.pop().method());
	w.run(2);
	EXPECT_EQ(1u, w.count("terminated"));
}

TEST_F(Client, AcceptedPassesEvery2xxUntilTimerM)
{
	start(SIP_INVITE);
	answer_by(200, "one");
	EXPECT_EQ(SIP_TX_ACCEPTED, sip_tx_state(tx));
	EXPECT_TRUE(w.wire.empty()) << "the core acknowledges a 2xx";
	answer_by(200, "one");
	answer_by(200, "two");
	EXPECT_EQ(3u, w.count("response"));
	answer_by(180, "late");
	answer_by(486, "late");
	EXPECT_EQ(3u, w.count("response"));
	EXPECT_TRUE(w.wire.empty());
	w.run(31999);
	EXPECT_EQ(0u, w.count("terminated"));
	w.run(2);
	EXPECT_EQ(1u, w.count("terminated"));
	EXPECT_EQ(0u, w.count("timeout"));
}

TEST_F(Client, OtherFinalIsToldOnceUntilTimerK)
{
	start(SIP_OPTIONS);
	answer_by(200);
	answer_by(200);
	answer_by(404);
	EXPECT_EQ(1u, w.count("response"));
	EXPECT_TRUE(w.wire.empty());
	w.run(4999);
	EXPECT_EQ(0u, w.count("terminated"));
	w.run(2);
	EXPECT_EQ(1u, w.count("terminated"));
}

TEST_F(Client, TimerKIsZeroOverTcp)
{
	start(SIP_OPTIONS, kTcp);
	answer_by(200);
	w.run(2);
	EXPECT_EQ(1u, w.count("terminated"));
}

TEST_F(Client, ResponsesMatchByBranchAndMethod)
{
	start(SIP_INVITE);
	std::string r = answer(sent, 200);
	std::string other = r;
	size_t at = other.find("z9hG4bK") + 9;
	other[at] = other[at] == 'a' ? 'b' : 'a';
	w.receive(kPeer, other);
	std::string bye = r;
	bye.replace(bye.find("INVITE"), 6, "BYE");
	w.receive(kPeer, bye);
	EXPECT_EQ(0u, w.count("response"));
	EXPECT_EQ(2u, w.counters().stray_responses);
	// More than one Via: went astray (8.1.3.3).
	std::string two = r;
	two.insert(two.find("Via:"), "Via: SIP/2.0/UDP 203.0.113.5;branch=z9hG4bKx\r\n");
	w.receive(kPeer, two);
	EXPECT_EQ(0u, w.count("response"));
	EXPECT_EQ(1u, w.counters().refused[SIP_REFUSE_VIA_COUNT]);
	w.receive(kPeer, r);
	EXPECT_EQ(1u, w.count("response"));
}

TEST_F(Client, CancelGoesOutAtOnceWhenSomethingCame)
{
	start(SIP_INVITE);
	answer_by(180);
	EXPECT_EQ(0, sip_client_cancel(tx, sip_str("Reason: SIP;cause=200\r\n")));
	EXPECT_EQ(-EALREADY, sip_client_cancel(tx, sip_str(NULL)));
	ASSERT_EQ(1u, w.wire.size());
	Packet cancel = w.pop();
	EXPECT_EQ("CANCEL sip:b@192.0.2.2 SIP/2.0", cancel.line());
	EXPECT_EQ(sent.value("Via"), cancel.value("Via"));
	EXPECT_EQ("1 CANCEL", cancel.value("CSeq"));
	EXPECT_EQ(sent.value("To"), cancel.value("To"));
	EXPECT_EQ("<sip:192.0.2.2;lr>", cancel.value("Route"));
	EXPECT_EQ("SIP;cause=200", cancel.value("Reason"));
	// It is a transaction of its own, which the user does not hear of.
	w.run(500);
	ASSERT_EQ(1u, w.wire.size());
	EXPECT_EQ(cancel.bytes, w.pop().bytes);
	w.receive(kPeer, answer(cancel, 200));
	EXPECT_EQ(1u, w.count("response"));
	answer_by(487);
	EXPECT_EQ("ACK", w.pop().method());
	EXPECT_EQ(487, w.last("response")->status);
	w.run(33000);
	EXPECT_EQ(1u, w.count("terminated"));
	EXPECT_EQ(0u, w.counters().transactions);
}

TEST_F(Client, CancelWaitsForTheFirstProvisional)
{
	start(SIP_INVITE);
	EXPECT_EQ(0, sip_client_cancel(tx, sip_str("Reason: Q.850;cause=16\r\n")));
	EXPECT_TRUE(w.wire.empty());
	w.run(500);
	EXPECT_EQ("INVITE", w.pop().method());
	answer_by(100);
	ASSERT_EQ(1u, w.wire.size());
	Packet cancel = w.pop();
	EXPECT_EQ("CANCEL", cancel.method());
	EXPECT_EQ("Q.850;cause=16", cancel.value("Reason"));
}

TEST_F(Client, CancelWithoutFinalTimesOutAfter64T1)
{
	start(SIP_INVITE);
	answer_by(180);
	EXPECT_EQ(0, sip_client_cancel(tx, sip_str(NULL)));
	w.receive(kPeer, answer(w.pop(), 200));
	w.run(31999);
	EXPECT_EQ(0u, w.count("timeout"));
	w.run(2);
	EXPECT_EQ(1u, w.count("timeout"));
	for (const Packet &p : w.wire)
		EXPECT_NE("INVITE", p.method()) << "no retransmission after a provisional";
}

TEST_F(Client, CancelComesTooLate)
{
	start(SIP_INVITE);
	answer_by(200);
	EXPECT_EQ(-EALREADY, sip_client_cancel(tx, sip_str(NULL)));
	EXPECT_TRUE(w.wire.empty());
}

TEST_F(Client, TransportErrorIsToldFromTheNextTick)
{
	w.send_error = -ECONNREFUSED;
	struct sip_request r;
	memset(&r, 0, sizeof(r));
	r.method = SIP_OPTIONS;
	r.uri = r.to_uri = r.from_uri = sip_str("sip:b@192.0.2.2");
	ASSERT_EQ(0, sip_request_send(w.dialogs, &kPeer, &r, nullptr, &tx));
	EXPECT_EQ(0u, w.count("transport_error"));
	w.run(1);
	EXPECT_EQ(1u, w.count("transport_error"));
	EXPECT_EQ(1u, w.count("terminated"));
	EXPECT_EQ(0u, w.counters().transactions);
}

TEST_F(Client, TransportErrorOnARetransmission)
{
	start(SIP_INVITE);
	w.send_error = -ENETUNREACH;
	w.run(502);
	EXPECT_EQ(1u, w.count("transport_error"));
	EXPECT_EQ(1u, w.count("terminated"));
	EXPECT_EQ(0u, w.count("timeout"));
}

TEST_F(Client, LostConnectionEndsItsTransactionsOnly)
{
	start(SIP_INVITE, kTcp);
	start(SIP_OPTIONS);
	sip_layer_flow_failed(w.layer, &kTcp, -ECONNRESET);
	w.run(2);
	EXPECT_EQ(1u, w.count("transport_error"));
	EXPECT_EQ(1u, w.count("terminated"));
	EXPECT_EQ(1u, w.counters().transactions);
}

TEST_F(Client, BranchIsNotUsedTwice)
{
	start(SIP_OPTIONS);
	EXPECT_EQ(-EEXIST, sip_client_send(w.layer, &kPeer, (const uint8_t *)sent.bytes.data(),
				   sent.bytes.size(), nullptr, nullptr));
	EXPECT_EQ(-EINVAL,
		sip_client_send(w.layer, &kPeer, (const uint8_t *)"x", 1, nullptr, nullptr));
	EXPECT_EQ(1u, w.counters().transactions);
}

TEST_F(Client, LoweredT1MovesEveryTimer)
{
	World::Options o;
	o.t1 = 100;
	World fast(o);
	struct sip_request r;
	memset(&r, 0, sizeof(r));
	r.method = SIP_INVITE;
	r.uri = r.to_uri = r.from_uri = sip_str("sip:b@192.0.2.2");
	ASSERT_EQ(0, sip_request_send(fast.dialogs, &kPeer, &r, nullptr, nullptr));
	fast.run(6399);
	EXPECT_EQ(7u, fast.wire.size());
	EXPECT_EQ(0u, fast.count("timeout"));
	fast.run(1);
	EXPECT_EQ(1u, fast.count("timeout"));
}

TEST_F(Client, OneHundredThousandAtOnce)
{
	const unsigned kMany = 100000;
	for (unsigned i = 0; i < kMany; i++) {
		struct sip_request r;
		memset(&r, 0, sizeof(r));
		r.method = SIP_OPTIONS;
		r.uri = r.to_uri = r.from_uri = sip_str("sip:b@192.0.2.2");
		ASSERT_EQ(0, sip_request_send(w.dialogs, &kPeer, &r, nullptr, nullptr));
	}
	EXPECT_EQ(kMany, w.counters().transactions);
	std::deque<Packet> all;
	all.swap(w.wire);
	for (const Packet &p : all)
		w.receive(kPeer, answer(p, 200));
	EXPECT_EQ(kMany, w.count("response"));
	EXPECT_EQ(0u, w.counters().stray_responses);
	w.run(6000);
	EXPECT_EQ(0u, w.counters().transactions);
	EXPECT_EQ(kMany, w.count("terminated"));
}

} // namespace
