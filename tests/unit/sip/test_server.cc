// SPDX-License-Identifier: BSD-3-Clause
//
// The server transactions, by simulated time: RFC 3261 17.2, RFC 6026, RFC 4320, timers G, H, I, J, L;
// and where responses go.
#include "world.h"

namespace
{

const struct sip_flow kPeer = flow_of("198.51.100.7", 5060);
const struct sip_flow kTcp = flow_of("198.51.100.7", 5060, SIP_TCP, 3);
const struct sip_flow kStranger = flow_of("203.0.113.66", 5060);

struct Server : testing::Test {
	World w;
	struct sip_transaction *tx = nullptr;
	Request req;
	using Times = std::vector<uint64_t>;

	Server()
	{
		w.on_request = [this](struct sip_transaction *t, const struct sip_message *) {
			tx = t;
		};
	}
	void start(const char *method, const struct sip_flow &from = kPeer)
	{
		req.method = method;
		w.receive(from, req.text());
		ASSERT_NE(nullptr, tx);
	}
	Request ack() const
	{
		Request a = req;
		a.method = "ACK";
		return a;
	}
	Times offsets(uint64_t from)
	{
		Times t;
		for (const Packet &p : w.wire)
			t.push_back(p.at - from);
		return t;
	}
};

TEST_F(Server, InviteGetsItsOwn100After200ms)
{
	start("INVITE");
	w.run(199);
	EXPECT_TRUE(w.wire.empty());
	w.run(1);
	ASSERT_EQ(1u, w.wire.size());
	Packet p = w.pop();
	EXPECT_EQ("SIP/2.0 100 Trying", p.line());
	EXPECT_EQ("", p.tag("To"));
	w.run(60000);
	EXPECT_TRUE(w.wire.empty());
	EXPECT_EQ(SIP_TX_PROCEEDING, sip_tx_state(tx));
}

TEST_F(Server, No100WhenTheUserWasFaster)
{
	start("INVITE");
	EXPECT_EQ(0, sip_respond_simple(tx, 180, NULL));
	Packet p = w.pop();
	EXPECT_EQ(180, p.status());
	EXPECT_NE("", p.tag("To"));
	w.run(1000);
	EXPECT_TRUE(w.wire.empty());
}

TEST_F(Server, RetransmittedInviteGetsTheLastResponse)
{
	start("INVITE");
	w.receive(kPeer, req.text());
	ASSERT_EQ(1u, w.wire.size());
	EXPECT_EQ(100, w.pop().status());
	EXPECT_EQ(0, sip_respond_simple(tx, 183, NULL));
	std::string bytes = w.pop().bytes;
	w.receive(kPeer, req.text());
	EXPECT_EQ(bytes, w.pop().bytes);
	EXPECT_EQ(1u, w.count("request"));
	EXPECT_EQ(2u, w.counters().retransmits_in);
}

TEST_F(Server, FailureIsRepeatedByTimerGUntilTimerH)
{
	start("INVITE");
	uint64_t t0 = w.now();
	EXPECT_EQ(0, sip_respond_simple(tx, 404, NULL));
	EXPECT_EQ(404, w.pop().status());
	w.run(31999);
	EXPECT_EQ((Times{500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500}),
		offsets(t0));
	EXPECT_EQ(0u, w.count("timeout"));
	w.run(1);
	EXPECT_EQ(1u, w.count("timeout"));
	w.run(2);
	EXPECT_EQ(1u, w.count("terminated"));
}

TEST_F(Server, TimerGStaysQuietOverTcpButTimerHDoesNot)
{
	start("INVITE", kTcp);
	EXPECT_EQ(0, sip_respond_simple(tx, 404, NULL));
	w.wire.clear();
	w.run(31999);
	EXPECT_TRUE(w.wire.empty());
	w.run(1);
	EXPECT_EQ(1u, w.count("timeout"));
}

TEST_F(Server, AckForAFailureIsAbsorbedUntilTimerI)
{
	start("INVITE");
	EXPECT_EQ(0, sip_respond_simple(tx, 486, NULL));
	Packet p = w.pop();
	Request a = ack();
	a.to_tag = p.tag("To");
	w.receive(kPeer, a.text());
	EXPECT_EQ(SIP_TX_CONFIRMED, sip_tx_state(tx));
	EXPECT_EQ(0u, w.count("ack")) << "not for the user";
	w.receive(kPeer, a.text());
	w.receive(kPeer, req.text());
	EXPECT_TRUE(w.wire.empty());
	w.run(4999);
	EXPECT_TRUE(w.wire.empty());
	EXPECT_EQ(0u, w.count("terminated"));
	w.run(2);
	EXPECT_EQ(1u, w.count("terminated"));
	EXPECT_EQ(0u, w.count("timeout"));
}

TEST_F(Server, TimerIIsZeroOverTcp)
{
	start("INVITE", kTcp);
	EXPECT_EQ(0, sip_respond_simple(tx, 486, NULL));
	Request a = ack();
	a.to_tag = w.pop().tag("To");
	w.receive(kTcp, a.text());
	w.run(2);
	EXPECT_EQ(1u, w.count("terminated"));
}

TEST_F(Server, AcceptedAbsorbsInvitesUntilTimerL)
{
	start("INVITE");
	EXPECT_EQ(0, sip_respond_simple(tx, 200, "Contact: <sip:x@192.0.2.1>\r\n"));
	EXPECT_EQ(SIP_TX_ACCEPTED, sip_tx_state(tx));
	w.wire.clear();
	w.receive(kPeer, req.text());
	w.receive(kPeer, req.text());
	w.run(10000);
	EXPECT_TRUE(w.wire.empty()) << "the core repeats a 2xx, the transaction does not";
	EXPECT_EQ(1u, w.count("request")) << "and there is no second call";
	// An ACK that kept the INVITE's branch still is the core's.
	w.receive(kPeer, ack().text());
	Request a = ack();
	a.branch = "z9hG4bKother";
	w.receive(kPeer, a.text());
	EXPECT_EQ(2u, w.count("ack"));
	w.run(21999);
	EXPECT_EQ(0u, w.count("terminated"));
	w.run(2);
	EXPECT_EQ(1u, w.count("terminated"));
	EXPECT_EQ(0u, w.count("timeout"));
}

TEST_F(Server, FinalIsFinal)
{
	start("INVITE");
	EXPECT_EQ(0, sip_respond_simple(tx, 486, NULL));
	EXPECT_EQ(-EALREADY, sip_respond_simple(tx, 200, NULL));
	EXPECT_EQ(-EALREADY, sip_respond_simple(tx, 180, NULL));
	EXPECT_EQ(1u, w.wire.size());
}

TEST_F(Server, OtherRequestsAreAnsweredAgainUntilTimerJ)
{
	start("OPTIONS");
	w.receive(kPeer, req.text());
	EXPECT_TRUE(w.wire.empty()) << "TRYING discards retransmissions";
	EXPECT_EQ(0, sip_respond_simple(tx, 200, NULL));
	std::string bytes = w.pop().bytes;
	w.run(31000);
	w.receive(kPeer, req.text());
	EXPECT_EQ(bytes, w.pop().bytes);
	w.run(999);
	EXPECT_EQ(0u, w.count("terminated"));
	w.run(2);
	EXPECT_EQ(1u, w.count("terminated"));
	EXPECT_EQ(1u, w.count("request"));
}

TEST_F(Server, TimerJIsZeroOverTcp)
{
	start("OPTIONS", kTcp);
	EXPECT_EQ(0, sip_respond_simple(tx, 200, NULL));
	w.run(2);
	EXPECT_EQ(1u, w.count("terminated"));
}

// RFC 4320 4.1: 100 comes when the client's timer E has reached T2, not before.
TEST_F(Server, SlowAnswerToOptionsGets100AtThreeAndAHalfSeconds)
{
	start("OPTIONS");
	EXPECT_EQ(0, sip_respond_simple(tx, 100, NULL));
	w.run(3499);
	EXPECT_TRUE(w.wire.empty());
	w.run(1);
	ASSERT_EQ(1u, w.wire.size());
	std::string bytes = w.wire[0].bytes;
	EXPECT_EQ(100, w.pop().status());
	w.receive(kPeer, req.text());
	EXPECT_EQ(bytes, w.pop().bytes);
	EXPECT_EQ(0, sip_respond_simple(tx, 200, NULL));
	EXPECT_EQ(200, w.pop().status());
}

TEST_F(Server, OtherProvisionalsAreRefusedForOptions)
{
	start("OPTIONS");
	EXPECT_EQ(-EINVAL, sip_respond_simple(tx, 180, NULL));
	EXPECT_TRUE(w.wire.empty());
}

// RFC 4320 4.2: a 408 would come when nobody listens any more.
TEST_F(Server, No408ForOptions)
{
	start("OPTIONS");
	EXPECT_EQ(0, sip_respond_simple(tx, 408, NULL));
	EXPECT_TRUE(w.wire.empty());
	w.run(2);
	EXPECT_EQ(1u, w.count("terminated"));
	start("INVITE");
	EXPECT_EQ(0, sip_respond_simple(tx, 408, NULL));
	EXPECT_EQ(408, w.pop().status());
}

TEST_F(Server, UnansweredOptionsEndWhenTheClientHasGivenUp)
{
	start("OPTIONS");
	w.run(31999);
	EXPECT_EQ(1u, w.wire.size()); // the 100
	EXPECT_EQ(0u, w.count("terminated"));
	w.run(2);
	EXPECT_EQ(1u, w.count("terminated"));
	EXPECT_EQ(0u, w.counters().transactions);
}

TEST_F(Server, CancelIsAnsweredAndReachesTheUserByItsInvite)
{
	start("INVITE");
	EXPECT_EQ(0, sip_respond_simple(tx, 180, NULL));
	std::string tag = w.pop().tag("To");
	Request c = req;
	c.method = "CANCEL";
	c.lines = "Reason: SIP;cause=200\r\n";
	w.receive(kPeer, c.text());
	ASSERT_EQ(1u, w.wire.size());
	Packet p = w.pop();
	EXPECT_EQ(200, p.status());
	EXPECT_EQ("1 CANCEL", p.value("CSeq"));
	EXPECT_EQ(tag, p.tag("To"));
	EXPECT_EQ(1u, w.count("cancel"));
	EXPECT_EQ(tx, w.last("cancel")->tx);
	EXPECT_EQ(0, sip_respond_simple(tx, 487, NULL));
	EXPECT_EQ("1 INVITE", w.pop().value("CSeq"));
	// Again: the stored 200, and nothing for the user.
	w.receive(kPeer, c.text());
	EXPECT_EQ(p.bytes, w.pop().bytes);
	EXPECT_EQ(1u, w.count("cancel"));
	EXPECT_EQ(1u, w.count("request"));
}

TEST_F(Server, CancelOfNothingIs481)
{
	req.method = "CANCEL";
	w.receive(kPeer, req.text());
	EXPECT_EQ(481, w.pop().status());
	EXPECT_TRUE(w.events.empty());
}

TEST_F(Server, CancelAfterTheFinalResponseChangesNothing)
{
	start("INVITE");
	EXPECT_EQ(0, sip_respond_simple(tx, 200, NULL));
	w.wire.clear();
	req.method = "CANCEL";
	w.receive(kPeer, req.text());
	EXPECT_EQ(200, w.pop().status());
	EXPECT_EQ(0u, w.count("cancel"));
}

TEST_F(Server, AStrangerCannotCancelOrAcknowledgeWithAGuessedBranch)
{
	start("INVITE");
	Request c = req;
	c.method = "CANCEL";
	w.receive(kStranger, c.text());
	Packet p = w.pop();
	EXPECT_EQ(481, p.status());
	EXPECT_TRUE(same_flow(kStranger, p.to));
	EXPECT_EQ(0u, w.count("cancel"));
	EXPECT_EQ(0, sip_respond_simple(tx, 486, NULL));
	w.wire.clear();
	w.receive(kStranger, ack().text());
	EXPECT_EQ(SIP_TX_COMPLETED, sip_tx_state(tx));
	EXPECT_TRUE(w.wire.empty());
}

TEST_F(Server, SeveralAddressesOfOnePeerMatchWhenAllowed)
{
	World::Options o;
	o.match_any_source = true;
	World any(o);
	any.receive(kPeer, req.text());
	Request c = req;
	c.method = "CANCEL";
	any.receive(kStranger, c.text());
	EXPECT_EQ(1u, any.count("cancel"));
}

// 18.2.1, RFC 3581, and TRAPS.md: what the Via claims decides nothing.
TEST_F(Server, ForgedViaNeverDecidesWhereResponsesGo)
{
	const char *forged[] = {
		";received=203.0.113.200",
		";rport=9999",
		";maddr=203.0.113.201;ttl=1",
		";rport=9999;received=203.0.113.200;maddr=203.0.113.201",
	};
	int n = 0;
	for (const char *params : forged) {
		for (const struct sip_flow &from : {kPeer, kTcp, kStranger}) {
			Request r;
			r.branch = "z9hG4bKf" + std::to_string(n++);
			r.call_id = r.branch;
			r.sent_by = "203.0.113.222:6666";
			r.via_params = params;
			w.receive(from, r.text());
			ASSERT_EQ(0, sip_respond_simple(tx, 180, NULL));
			ASSERT_EQ(0, sip_respond_simple(tx, 486, NULL));
			w.receive(from, r.text());
			w.run(600);
			r.cseq_method = "BYE"; // refused by screen
			w.receive(from, r.text());
			ASSERT_LE(4u, w.wire.size());
			for (const Packet &p : w.wire) {
				EXPECT_TRUE(same_flow(from, p.to)) << p.bytes;
				EXPECT_EQ(std::string::npos, p.bytes.find("203.0.113.200"));
				EXPECT_EQ(std::string::npos, p.bytes.find("9999"));
			}
			w.wire.clear();
			w.run(40000);
			w.wire.clear();
		}
	}
}

TEST_F(Server, ReceivedAndRportSayWhatWasSeen)
{
	struct sip_flow nat = flow_of("203.0.113.5", 61234);
	start("OPTIONS", nat);
	EXPECT_EQ(0, sip_respond_simple(tx, 200, NULL));
	EXPECT_EQ(
		"SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKabc;rport=61234;received=203.0.113.5",
		w.pop().value("Via"));
	// Without rport in the request there is none in the response (3581 4).
	req.branch = "z9hG4bKnorport";
	req.via_params = "";
	req.call_id = "other";
	start("OPTIONS", nat);
	EXPECT_EQ(0, sip_respond_simple(tx, 200, NULL));
	EXPECT_EQ("SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKnorport;received=203.0.113.5",
		w.pop().value("Via"));
	req.branch = "z9hG4bKsame";
	req.call_id = "third";
	start("OPTIONS", kPeer);
	EXPECT_EQ(0, sip_respond_simple(tx, 200, NULL));
	EXPECT_EQ("SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKsame", w.pop().value("Via"));
	struct sip_flow v6 = flow_of("2001:db8::9:255", 5060);
	req.branch = "z9hG4bKsix";
	req.sent_by = "[2001:db8::9:1]";
	req.call_id = "fourth";
	start("OPTIONS", v6);
	EXPECT_EQ(0, sip_respond_simple(tx, 200, NULL));
	EXPECT_EQ("SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKsix;received=2001:db8::9:255",
		w.pop().value("Via"));
}

TEST_F(Server, ResponseMirrorsItsRequest)
{
	req.lines = "Via: SIP/2.0/TCP a.example.com;branch=z9hG4bK2, SIP/2.0/UDP b.example.com\r\n"
		    "Record-Route: <sip:p1;lr>\r\nRecord-Route: <sip:p2;lr>, <sip:p3;lr>\r\n"
		    "Timestamp: 54.3\r\n";
	start("INVITE");
	w.run(200);
	Packet trying = w.pop();
	EXPECT_EQ("54.3", trying.value("Timestamp"));
	EXPECT_EQ("", trying.value("Record-Route"));
	struct sip_response r;
	memset(&r, 0, sizeof(r));
	r.status = 200;
	r.to_tag = sip_str("mine");
	r.reason = sip_str("Fine");
	r.lines = sip_str("Contact: <sip:x@192.0.2.1>\r\nContent-Type: application/sdp\r\n");
	r.body = sip_str("v=0\r\n");
	EXPECT_EQ(0, sip_respond(tx, &r));
	EXPECT_EQ("SIP/2.0 200 Fine\r\n"
		  "Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKabc;rport=5060;"
		  "received=198.51.100.7\r\n"
		  "Via: SIP/2.0/TCP a.example.com;branch=z9hG4bK2, SIP/2.0/UDP b.example.com\r\n"
		  "From: <sip:a@198.51.100.7>;tag=ft1\r\n"
		  "To: <sip:+4930123@192.0.2.1>;tag=mine\r\n"
		  "Call-ID: cid-1@198.51.100.7\r\n"
		  "CSeq: 1 INVITE\r\n"
		  "Record-Route: <sip:p1;lr>\r\n"
		  "Record-Route: <sip:p2;lr>, <sip:p3;lr>\r\n"
		  "Contact: <sip:x@192.0.2.1>\r\n"
		  "Content-Type: application/sdp\r\n"
		  "Content-Length: 5\r\n\r\nv=0\r\n",
		w.pop().bytes);
}

TEST_F(Server, TagStaysTheSameFromThe180ToThe200)
{
	start("INVITE");
	std::string tag = str(sip_tx_to_tag(tx));
	EXPECT_EQ("s1", tag.substr(0, 2)) << "it leads back to the shard";
	EXPECT_EQ(0, sip_respond_simple(tx, 180, NULL));
	EXPECT_EQ(0, sip_respond_simple(tx, 200, NULL));
	EXPECT_EQ(tag, w.pop().tag("To"));
	EXPECT_EQ(tag, w.pop().tag("To"));
}

TEST_F(Server, InjectedHeadersAreRefused)
{
	start("INVITE");
	struct sip_response r;
	memset(&r, 0, sizeof(r));
	r.status = 200;
	r.reason = sip_str("OK\r\nEvil: 1");
	EXPECT_EQ(-EINVAL, sip_respond(tx, &r));
	r.reason = sip_str(NULL);
	r.lines = sip_str("Good: 1\r\n\r\nbody");
	EXPECT_EQ(-EINVAL, sip_respond(tx, &r));
	r.lines = sip_str("No end");
	EXPECT_EQ(-EINVAL, sip_respond(tx, &r));
	EXPECT_TRUE(w.wire.empty());
	r.lines = sip_str(NULL);
	EXPECT_EQ(0, sip_respond(tx, &r));
}

// 8.2.2.2
TEST_F(Server, SameRequestByAnotherWayIs482)
{
	start("INVITE");
	Request second = req;
	second.branch = "z9hG4bKotherpath";
	w.receive(kPeer, second.text());
	EXPECT_EQ(482, w.pop().status());
	EXPECT_EQ(1u, w.count("request"));
	EXPECT_EQ(1u, w.counters().merged);
	// After a failure a proxy may try here again: that is serial forking, not merging.
	EXPECT_EQ(0, sip_respond_simple(tx, 486, NULL));
	w.wire.clear();
	w.receive(kPeer, second.text());
	EXPECT_EQ(2u, w.count("request"));
}

TEST_F(Server, InDialogRequestsAreNeverMerged)
{
	req.to_tag = "known";
	start("INVITE");
	req.branch = "z9hG4bKsecond";
	start("INVITE");
	EXPECT_EQ(2u, w.count("request"));
}

TEST_F(Server, WithoutCookieEverythingElseHasToMatch)
{
	req.branch = "1";
	start("INVITE");
	w.receive(kPeer, req.text());
	EXPECT_EQ(1u, w.count("request"));
	EXPECT_EQ(1u, w.counters().retransmits_in);
	w.wire.clear();
	EXPECT_EQ(0, sip_respond_simple(tx, 486, NULL));
	Request a = ack();
	a.to_tag = w.pop().tag("To");
	w.receive(kPeer, a.text());
	EXPECT_EQ(SIP_TX_CONFIRMED, sip_tx_state(tx));
	// The same branch with another CSeq is another transaction.
	req.cseq = 2;
	w.receive(kPeer, req.text());
	EXPECT_EQ(2u, w.count("request"));
}

TEST_F(Server, SentByCountsToo)
{
	start("OPTIONS");
	req.sent_by = "198.51.100.7:5070";
	req.call_id = "another";
	start("OPTIONS");
	EXPECT_EQ(2u, w.count("request"));
	req.sent_by = "198.51.100.7:5070";
	req.branch = "Z9HG4BKABC"; // tokens compare without case
	w.receive(kPeer, req.text());
	EXPECT_EQ(2u, w.count("request"));
}

TEST_F(Server, BeyondTheLimitNewCallsGet503AndOldOnesCanEnd)
{
	World::Options o;
	o.transactions = 8;
	World small(o);
	for (int i = 0; i < 10; i++) {
		Request r;
		r.branch += std::to_string(i);
		r.call_id += std::to_string(i);
		small.receive(kPeer, r.text());
	}
	EXPECT_EQ(8u, small.count("request"));
	EXPECT_EQ(2u, small.counters().overload);
	ASSERT_EQ(2u, small.wire.size());
	Packet p = small.pop();
	EXPECT_EQ(503, p.status());
	EXPECT_EQ("5", p.value("Retry-After"));
	EXPECT_NE("", p.tag("To"));
	Request bye;
	bye.method = "BYE";
	bye.branch = "z9hG4bKbye";
	bye.to_tag = "x";
	small.receive(kPeer, bye.text());
	EXPECT_EQ(9u, small.count("request"));
}

TEST_F(Server, StatelessAnswersHaveOneTag)
{
	req.cseq_method = "BYE";
	w.receive(kPeer, req.text());
	w.receive(kPeer, req.text());
	ASSERT_EQ(2u, w.wire.size());
	EXPECT_EQ(w.wire[0].bytes, w.wire[1].bytes);
	EXPECT_EQ("SIP/2.0 400 CSeq Method Differs", w.wire[0].line());
	EXPECT_NE("", w.wire[0].tag("To"));
}

TEST_F(Server, ResponsesAndAcksAreNeverAnswered)
{
	Request a = req;
	a.method = "ACK";
	a.cseq_method = "INVITE";
	w.receive(kPeer, a.text());
	w.receive(kPeer, "ACK sip:x SIP/7.0\r\nVia: SIP/7.0/UDP 198.51.100.7\r\n\r\n");
	w.receive(kPeer, "SIP/2.0 200 OK\r\n\r\n");
	w.receive(kPeer, "SIP/2.0 999 OK\r\nVia: SIP/2.0/UDP 198.51.100.7\r\n\r\n");
	EXPECT_TRUE(w.wire.empty());
	EXPECT_TRUE(w.events.empty());
}

TEST_F(Server, JunkIsCountedAndNotAnswered)
{
	w.receive(kPeer, "");
	w.receive(kPeer, "\r\n\r\n");
	w.receive(kPeer, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	w.receive(kPeer, std::string("\0\1\2\3", 4));
	w.receive(kPeer, "INVITE");
	EXPECT_TRUE(w.wire.empty());
	EXPECT_EQ(2u, w.counters().refused[SIP_REFUSE_KEEPALIVE]);
	EXPECT_EQ(3u, w.counters().refused[SIP_REFUSE_GARBAGE]);
	EXPECT_EQ(5u, w.counters().received);
}

TEST_F(Server, TransportErrorOfAResponseIsTold)
{
	start("OPTIONS", kTcp);
	w.send_error = -EPIPE;
	EXPECT_EQ(0, sip_respond_simple(tx, 200, NULL));
	w.run(2);
	EXPECT_EQ(1u, w.count("transport_error"));
	EXPECT_EQ(1u, w.count("terminated"));
}

TEST_F(Server, FreeingTheLayerEndsEverything)
{
	{
		World gone;
		for (int i = 0; i < 10; i++) {
			Request r;
			r.branch += std::to_string(i);
			r.call_id += std::to_string(i);
			gone.receive(kPeer, r.text());
		}
		EXPECT_EQ(10u, gone.counters().transactions);
	}
	SUCCEED();
}

} // namespace
