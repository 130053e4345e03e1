// SPDX-License-Identifier: BSD-3-Clause
//
// Dialogs against scripted peers: RFC 3261 12 to 15.
#include "world.h"

namespace
{

const struct sip_flow kPeer = flow_of("198.51.100.7", 5060);
const struct sip_slice kNone = {nullptr, 0};

struct sip_response response(int status, const char *lines = nullptr)
{
	struct sip_response r;
	memset(&r, 0, sizeof(r));
	r.status = status;
	r.lines = sip_str(lines);
	return r;
}

// ---- we are called

struct Uas : testing::Test {
	World w;
	Request req;
	struct sip_transaction *tx = nullptr, *in = nullptr;
	struct sip_dialog *d = nullptr, *seen = nullptr;
	int result = 1;
	unsigned no_acks = 0;

	Uas()
	{
		w.on_request = [this](struct sip_transaction *t, const struct sip_message *m) {
			if (sip_message_to_tag(m).n) {
				in = t;
				result = sip_dialog_on_request(w.dialogs, t, m, &seen);
				return;
			}
			tx = t;
			result = sip_dialog_new_uas(w.dialogs, t, m, this, &d);
		};
		w.on_ack = [this](const struct sip_message *m) {
			result = sip_dialog_on_ack(w.dialogs, m, &seen);
		};
		w.on_no_ack = [this](struct sip_dialog *) { no_acks++; };
	}
	void invite()
	{
		w.receive(kPeer, req.text());
		ASSERT_EQ(0, result);
		ASSERT_NE(nullptr, d);
	}
	std::string tag()
	{
		struct sip_dialog_view v;
		sip_dialog_view(d, &v);
		return str(v.local_tag);
	}
	Request inside(const char *method, unsigned cseq)
	{
		Request r = req;
		r.method = method;
		r.to_tag = tag();
		r.cseq = cseq;
		r.branch = std::string("z9hG4bK") + method + std::to_string(cseq);
		r.body = "";
		r.lines = "";
		return r;
	}
	void accept()
	{
		struct sip_response r = response(200, "Contact: <sip:us@192.0.2.1>\r\n");
		ASSERT_EQ(0, sip_dialog_respond(d, tx, &r));
		w.wire.pop_back();
	}
	void ack(unsigned cseq = 1)
	{
		w.receive(kPeer, inside("ACK", cseq).text());
	}
	void establish()
	{
		invite();
		accept();
		ack();
		ASSERT_EQ(0, result);
	}
};

TEST_F(Uas, StateIsTakenFromTheInvite)
{
	req.lines = "Record-Route: <sip:p1.example.com;lr>\r\n"
		    "Record-Route: <sip:p2.example.com;lr>, <sip:p3.example.com;lr>\r\n";
	invite();
	struct sip_dialog_view v;
	sip_dialog_view(d, &v);
	EXPECT_EQ(SIP_DIALOG_EARLY, v.state);
	EXPECT_FALSE(v.is_uac);
	EXPECT_FALSE(v.secure);
	EXPECT_EQ("cid-1@198.51.100.7", str(v.call_id));
	EXPECT_EQ("ft1", str(v.remote_tag));
	EXPECT_EQ("<sip:a@198.51.100.7>", str(v.remote));
	EXPECT_EQ("<sip:+4930123@192.0.2.1>", str(v.local));
	EXPECT_EQ("sip:a@198.51.100.7:5060", str(v.target));
	EXPECT_EQ("<sip:p1.example.com;lr>, <sip:p2.example.com;lr>, <sip:p3.example.com;lr>",
		str(v.routes));
	EXPECT_EQ(1u, v.remote_cseq);
	EXPECT_EQ("sip:p1.example.com;lr", str(sip_dialog_next_hop(d)));
	EXPECT_EQ(this, sip_dialog_user(d));
	EXPECT_EQ(d, sip_dialog_find(w.dialogs, v.call_id, v.local_tag, v.remote_tag));
	EXPECT_EQ(nullptr, sip_dialog_find(w.dialogs, v.call_id, v.local_tag, v.local_tag));
}

TEST_F(Uas, The2xxIsRepeatedUntilItsAck)
{
	invite();
	uint64_t t0 = w.now();
	struct sip_response r = response(200);
	ASSERT_EQ(0, sip_dialog_respond(d, tx, &r));
	std::string bytes = w.pop().bytes;
	w.run(3600);
	ASSERT_EQ(3u, w.wire.size());
	EXPECT_EQ(t0 + 500, w.wire[0].at);
	EXPECT_EQ(t0 + 1500, w.wire[1].at);
	EXPECT_EQ(t0 + 3500, w.wire[2].at);
	for (const Packet &p : w.wire) {
		EXPECT_EQ(bytes, p.bytes);
		EXPECT_TRUE(same_flow(kPeer, p.to));
	}
	w.wire.clear();
	EXPECT_TRUE(sip_dialog_awaits_ack(d));
	ack();
	EXPECT_EQ(0, result);
	EXPECT_FALSE(sip_dialog_awaits_ack(d));
	ack();
	EXPECT_EQ(-EALREADY, result);
	w.run(60000);
	EXPECT_TRUE(w.wire.empty());
	EXPECT_EQ(0u, no_acks);
	EXPECT_EQ(SIP_DIALOG_CONFIRMED, sip_dialog_state(d));
}

TEST_F(Uas, The2xxIsRepeatedOverTcpToo)
{
	struct sip_flow tcp = flow_of("198.51.100.7", 5060, SIP_TCP, 9);
	w.receive(tcp, req.text());
	accept();
	w.run(600);
	EXPECT_EQ(1u, w.wire.size());
}

TEST_F(Uas, WithoutAckTheUserIsToldAfter64T1)
{
	establish();
	sip_dialog_free(d);
	d = nullptr;
	req.call_id = "second";
	req.branch = "z9hG4bK2";
	invite();
	accept();
	w.run(31999);
	EXPECT_EQ(0u, no_acks);
	EXPECT_EQ(10u, w.wire.size()); // as timer G
	w.run(1);
	EXPECT_EQ(1u, no_acks);
	w.wire.clear();
	w.run(60000);
	EXPECT_TRUE(w.wire.empty());
	// Now it may be ended.
	EXPECT_EQ(0, sip_dialog_send(d, SIP_BYE, kNone, kNone, nullptr, nullptr));
}

TEST_F(Uas, ByeWaitsForTheAck)
{
	invite();
	EXPECT_EQ(-ENOTCONN, sip_dialog_send(d, SIP_BYE, kNone, kNone, nullptr, nullptr));
	accept();
	EXPECT_EQ(-EBUSY, sip_dialog_send(d, SIP_BYE, kNone, kNone, nullptr, nullptr));
	ack();
	EXPECT_EQ(0, sip_dialog_send(d, SIP_BYE, kNone, kNone, nullptr, nullptr));
	EXPECT_EQ(SIP_DIALOG_TERMINATED, sip_dialog_state(d));
	EXPECT_EQ(-ENOTCONN, sip_dialog_send(d, SIP_BYE, kNone, kNone, nullptr, nullptr));
}

TEST_F(Uas, FailureEndsTheEarlyDialog)
{
	invite();
	struct sip_response r = response(486);
	ASSERT_EQ(0, sip_dialog_respond(d, tx, &r));
	EXPECT_EQ(SIP_DIALOG_TERMINATED, sip_dialog_state(d));
	EXPECT_EQ(tag(), w.pop().tag("To"));
}

TEST_F(Uas, RequestsOutsideAnyDialogAre481)
{
	establish();
	for (int i = 0; i < 4; i++) {
		Request r = inside("BYE", 5);
		r.branch += std::to_string(i);
		if (i == 0)
			r.to_tag = "wrong";
		if (i == 1)
			r.from_tag = "wrong";
		if (i == 2)
			r.call_id = "wrong";
		w.wire.clear();
		w.receive(kPeer, r.text());
		EXPECT_EQ(i < 3 ? -ENOENT : 0, result) << i;
		EXPECT_EQ(i < 3 ? 1u : 0u, w.wire.size());
		if (i < 3) {
			EXPECT_EQ(481, w.pop().status());
		}
	}
	EXPECT_EQ(SIP_DIALOG_TERMINATED, sip_dialog_state(d));
}

TEST_F(Uas, StrayAckIsCounted)
{
	establish();
	Request a = inside("ACK", 1);
	a.to_tag = "wrong";
	w.receive(kPeer, a.text());
	EXPECT_EQ(-ENOENT, result);
	EXPECT_EQ(1u, w.counters().stray_acks);
	EXPECT_TRUE(w.wire.empty());
}

TEST_F(Uas, LowerCSeqIs500)
{
	establish();
	w.receive(kPeer, inside("INFO", 7).text());
	EXPECT_EQ(0, result);
	w.receive(kPeer, inside("INFO", 6).text());
	EXPECT_EQ(-ESTALE, result);
	EXPECT_EQ(500, w.pop().status());
	w.receive(kPeer, inside("INFO", 2147483647).text());
	EXPECT_EQ(0, result);
}

TEST_F(Uas, SecondInviteBeforeTheFirstIsAnsweredIs500WithRetryAfter)
{
	invite();
	w.receive(kPeer, inside("INVITE", 2).text());
	EXPECT_EQ(-EBUSY, result);
	Packet p = w.pop();
	EXPECT_EQ(500, p.status());
	ASSERT_NE("", p.value("Retry-After"));
	EXPECT_LE(std::stoi(p.value("Retry-After")), 10);
}

TEST_F(Uas, CrossingInvitesGet491AndABackOff)
{
	establish();
	struct sip_transaction *ours;
	ASSERT_EQ(0, sip_dialog_send(d, SIP_INVITE, kNone, kNone, nullptr, &ours));
	Packet sent = w.pop();
	EXPECT_EQ(-EBUSY, sip_dialog_send(d, SIP_INVITE, kNone, kNone, nullptr, nullptr));
	w.receive(kPeer, inside("INVITE", 2).text());
	EXPECT_EQ(-EBUSY, result);
	EXPECT_EQ(491, w.pop().status());
	// The called side backs off by up to 2 s, the calling side by 2.1 to 4 s.
	for (int i = 0; i < 200; i++)
		EXPECT_LE(sip_dialog_glare_delay(d), 2000u);
	w.receive(kPeer, answer(sent, 491));
	EXPECT_EQ("ACK", w.pop().method());
	EXPECT_FALSE(sip_dialog_invite_pending(d));
	w.receive(kPeer, inside("INVITE", 3).text());
	EXPECT_EQ(0, result);
	EXPECT_EQ(-EBUSY, sip_dialog_send(d, SIP_INVITE, kNone, kNone, nullptr, nullptr));
	EXPECT_EQ(SIP_DIALOG_CONFIRMED, sip_dialog_state(d));
}

TEST_F(Uas, PendingEndsWithItsTransaction)
{
	establish();
	ASSERT_EQ(0, sip_dialog_send(d, SIP_INVITE, kNone, kNone, nullptr, nullptr));
	EXPECT_TRUE(sip_dialog_invite_pending(d));
	w.run(32001); // timer B
	EXPECT_EQ(1u, w.count("timeout"));
	EXPECT_FALSE(sip_dialog_invite_pending(d));
	w.run(10);
	EXPECT_EQ(0, sip_dialog_send(d, SIP_INVITE, kNone, kNone, nullptr, nullptr));
	// And the dialog may go before its transaction does.
	sip_dialog_free(d);
	w.run(40000);
}

TEST_F(Uas, ReInviteMovesTheTarget)
{
	establish();
	Request r = inside("INVITE", 2);
	r.contact = "<sip:moved@198.51.100.99:5070;transport=tcp>";
	w.receive(kPeer, r.text());
	ASSERT_EQ(0, result);
	EXPECT_EQ(d, seen);
	EXPECT_EQ("sip:moved@198.51.100.99:5070;transport=tcp", str(sip_dialog_next_hop(d)));
	struct sip_response ok = response(200);
	ASSERT_EQ(0, sip_dialog_respond(d, in, &ok));
	w.wire.clear();
	ack(1);
	EXPECT_EQ(-EALREADY, result) << "that was the first INVITE's";
	EXPECT_TRUE(sip_dialog_awaits_ack(d));
	ack(2);
	EXPECT_EQ(0, result);
	// What is no target refresh does not move it.
	r = inside("INFO", 3);
	r.contact = "<sip:nowhere@203.0.113.1>";
	w.receive(kPeer, r.text());
	EXPECT_EQ("sip:moved@198.51.100.99:5070;transport=tcp", str(sip_dialog_next_hop(d)));
}

TEST_F(Uas, FailedReInviteLeavesTheDialogAlone)
{
	establish();
	w.receive(kPeer, inside("INVITE", 2).text());
	struct sip_response no = response(488);
	ASSERT_EQ(0, sip_dialog_respond(d, in, &no));
	EXPECT_EQ(SIP_DIALOG_CONFIRMED, sip_dialog_state(d));
}

TEST_F(Uas, RequestsGoByLooseRoutes)
{
	req.lines = "Record-Route: <sip:p1.example.com;lr>, <sip:p2.example.com;lr>\r\n";
	establish();
	ASSERT_EQ(0, sip_dialog_send(d, SIP_INFO, sip_str("Info-Package: x\r\n"), sip_str("hi"),
			     nullptr, nullptr));
	Packet p = w.pop();
	EXPECT_EQ("INFO sip:a@198.51.100.7:5060 SIP/2.0", p.line());
	EXPECT_EQ("<sip:p1.example.com;lr>, <sip:p2.example.com;lr>", p.value("Route"));
	EXPECT_EQ("<sip:+4930123@192.0.2.1>;tag=" + tag(), p.value("From"));
	EXPECT_EQ("<sip:a@198.51.100.7>;tag=ft1", p.value("To"));
	EXPECT_EQ("1 INFO", p.value("CSeq"));
	EXPECT_EQ("70", p.value("Max-Forwards"));
	EXPECT_EQ("x", p.value("Info-Package"));
	EXPECT_EQ("2", p.value("Content-Length"));
	EXPECT_EQ("z9hG4bKs1", p.branch().substr(0, 9));
	ASSERT_EQ(0, sip_dialog_send(d, SIP_INFO, kNone, kNone, nullptr, nullptr));
	EXPECT_EQ("2 INFO", w.pop().value("CSeq"));
	EXPECT_TRUE(same_flow(kPeer, p.to));
	struct sip_flow elsewhere = flow_of("192.0.2.77", 5070);
	sip_dialog_set_flow(d, &elsewhere);
	ASSERT_EQ(0, sip_dialog_send(d, SIP_INFO, kNone, kNone, nullptr, nullptr));
	EXPECT_TRUE(same_flow(elsewhere, w.pop().to));
}

TEST_F(Uas, AStrictRouterTakesTheRequestUri)
{
	req.lines = "Record-Route: <sip:strict.example.com>, <sip:p2.example.com;lr>\r\n";
	establish();
	ASSERT_EQ(0, sip_dialog_send(d, SIP_INFO, kNone, kNone, nullptr, nullptr));
	Packet p = w.pop();
	EXPECT_EQ("INFO sip:strict.example.com SIP/2.0", p.line());
	EXPECT_EQ("<sip:p2.example.com;lr>, <sip:a@198.51.100.7:5060>", p.value("Route"));
}

TEST_F(Uas, CrossingByesAreBothRight)
{
	establish();
	ASSERT_EQ(0, sip_dialog_send(d, SIP_BYE, kNone, kNone, nullptr, nullptr));
	w.wire.clear();
	w.receive(kPeer, inside("BYE", 2).text());
	EXPECT_EQ(-ENOENT, result);
	EXPECT_EQ(200, w.pop().status());
}

TEST_F(Uas, ByeStopsTheRepeated2xx)
{
	invite();
	accept();
	w.receive(kPeer, inside("BYE", 2).text());
	EXPECT_EQ(0, result);
	EXPECT_EQ(SIP_DIALOG_TERMINATED, sip_dialog_state(d));
	w.run(60000);
	EXPECT_EQ(0u, no_acks);
	for (const Packet &p : w.wire)
		EXPECT_NE(200, p.status());
}

TEST_F(Uas, RestoredDialogGoesOn)
{
	req.lines = "Record-Route: <sip:p1.example.com;lr>\r\n";
	establish();
	w.receive(kPeer, inside("INFO", 41).text());
	struct sip_dialog_view v;
	sip_dialog_view(d, &v);
	World other;
	struct sip_dialog *r;
	ASSERT_EQ(0, sip_dialog_restore(other.dialogs, &v, nullptr, &r));
	EXPECT_EQ(-EEXIST, sip_dialog_restore(other.dialogs, &v, nullptr, &r));
	int got = 1;
	other.on_request = [&](struct sip_transaction *t, const struct sip_message *m) {
		struct sip_dialog *which;
		got = sip_dialog_on_request(other.dialogs, t, m, &which);
	};
	Request old = inside("INFO", 40);
	other.receive(kPeer, old.text());
	EXPECT_EQ(-ESTALE, got);
	other.receive(kPeer, inside("BYE", 42).text());
	EXPECT_EQ(0, got);
	struct sip_dialog_view bad = v;
	bad.target = sip_str("garbage");
	bad.local_tag = sip_str("else");
	EXPECT_EQ(-EINVAL, sip_dialog_restore(other.dialogs, &bad, nullptr, &r));
}

TEST_F(Uas, A2xxThatAwaitsItsAckIsSentAgainAfterARestart)
{
	invite();
	accept();
	struct sip_dialog_view v;
	sip_dialog_view(d, &v);
	std::string bytes = str(v.ok);
	ASSERT_NE(std::string::npos, bytes.find("SIP/2.0 200"));
	World other;
	struct sip_dialog *r;
	ASSERT_EQ(0, sip_dialog_restore(other.dialogs, &v, nullptr, &r));
	EXPECT_TRUE(sip_dialog_awaits_ack(r));
	other.run(1);
	ASSERT_EQ(1u, other.wire.size());
	EXPECT_EQ(bytes, other.wire.front().bytes);
	other.run(501);
	EXPECT_EQ(2u, other.wire.size());
	other.on_ack = [&](const struct sip_message *m) {
		struct sip_dialog *which;
		EXPECT_EQ(0, sip_dialog_on_ack(other.dialogs, m, &which));
	};
	other.receive(kPeer, inside("ACK", v.ok_cseq).text());
	EXPECT_FALSE(sip_dialog_awaits_ack(r));
	other.wire.clear();
	other.run(60000);
	EXPECT_TRUE(other.wire.empty());
}

TEST_F(Uas, SipsMakesItSecure)
{
	req.uri = "sips:+4930123@192.0.2.1";
	invite();
	struct sip_dialog_view v;
	sip_dialog_view(d, &v);
	EXPECT_TRUE(v.secure);
}

// ---- we call

struct Uac : testing::Test {
	World w;
	struct sip_transaction *tx = nullptr;
	struct sip_dialog *d = nullptr;
	Packet sent;
	int result = 0;

	Uac()
	{
		w.on_response = [this](struct sip_transaction *t, const struct sip_message *m) {
			result = sip_dialog_on_response(w.dialogs, t, m, &d);
		};
	}
	void invite()
	{
		struct sip_request r;
		memset(&r, 0, sizeof(r));
		r.method = SIP_INVITE;
		r.uri = r.to_uri = sip_str("sip:b@198.51.100.7");
		r.from_uri = sip_str("sip:a@192.0.2.1");
		ASSERT_EQ(0, sip_request_send(w.dialogs, &kPeer, &r, this, &tx));
		sent = w.pop();
	}
	void answer_by(int status, const char *tag,
		const char *lines = "Contact: <sip:b@198.51.100.8>\r\n")
	{
		w.receive(kPeer, answer(sent, status, tag, lines));
	}
	void establish()
	{
		invite();
		answer_by(200, "b1");
		ASSERT_NE(nullptr, d);
		ASSERT_EQ(0, sip_dialog_ack(d, kNone, kNone));
		w.wire.clear();
	}
};

TEST_F(Uac, EarlyThenConfirmed)
{
	invite();
	answer_by(100, "");
	EXPECT_EQ(nullptr, d);
	answer_by(180, "");
	EXPECT_EQ(nullptr, d) << "no tag, no dialog";
	answer_by(180, "b1",
		"Contact: <sip:b@198.51.100.8>\r\nRecord-Route: <sip:p1;lr>, <sip:p2;lr>\r\n");
	ASSERT_NE(nullptr, d);
	EXPECT_EQ(SIP_DIALOG_EARLY, sip_dialog_state(d));
	EXPECT_EQ(this, sip_dialog_user(d));
	struct sip_dialog_view v;
	sip_dialog_view(d, &v);
	EXPECT_EQ("<sip:p2;lr>, <sip:p1;lr>", str(v.routes)) << "reversed for the caller";
	EXPECT_EQ("sip:p2;lr", str(sip_dialog_next_hop(d)));
	struct sip_dialog *early = d;
	answer_by(200, "b1", "Contact: <sip:b@198.51.100.9>\r\nRecord-Route: <sip:p3;lr>\r\n");
	EXPECT_EQ(early, d);
	EXPECT_EQ(0, result);
	EXPECT_EQ(SIP_DIALOG_CONFIRMED, sip_dialog_state(d));
	sip_dialog_view(d, &v);
	EXPECT_EQ("<sip:p3;lr>", str(v.routes)) << "the 2xx decides anew";
	EXPECT_EQ("sip:b@198.51.100.9", str(v.target));
	EXPECT_TRUE(sip_dialog_owes_ack(d));
	EXPECT_EQ(1u, sip_dialogs_count(w.dialogs));
}

TEST_F(Uac, AckIsSentAgainForEvery2xxThatComesAgain)
{
	invite();
	answer_by(200, "b1");
	answer_by(200, "b1");
	EXPECT_EQ(1, result) << "again, before we acknowledged";
	EXPECT_TRUE(w.wire.empty());
	ASSERT_EQ(0, sip_dialog_ack(
			     d, sip_str("Content-Type: application/sdp\r\n"), sip_str("v=0\r\n")));
	Packet ack = w.pop();
	EXPECT_EQ("ACK sip:b@198.51.100.8 SIP/2.0", ack.line());
	EXPECT_EQ("1 ACK", ack.value("CSeq"));
	EXPECT_NE(sent.branch(), ack.branch());
	EXPECT_EQ("5", ack.value("Content-Length"));
	EXPECT_EQ(-EALREADY, sip_dialog_ack(d, kNone, kNone));
	for (int i = 0; i < 3; i++) {
		w.run(4000);
		answer_by(200, "b1");
		EXPECT_EQ(1, result);
		ASSERT_EQ(1u, w.wire.size());
		EXPECT_EQ(ack.bytes, w.pop().bytes);
	}
	EXPECT_EQ(0u, w.count("timeout"));
}

TEST_F(Uac, ForksMakeSeveralDialogs)
{
	invite();
	answer_by(183, "b1");
	struct sip_dialog *one = d;
	answer_by(180, "b2", "Contact: <sip:other@198.51.100.10>\r\n");
	struct sip_dialog *two = d;
	answer_by(180, "b3");
	struct sip_dialog *three = d;
	EXPECT_EQ(3u, sip_dialogs_count(w.dialogs));
	std::set<struct sip_dialog *> forks;
	for (struct sip_dialog *f = sip_dialog_fork(one, nullptr); f; f = sip_dialog_fork(one, f))
		forks.insert(f);
	EXPECT_EQ((std::set<struct sip_dialog *>{two, three}), forks);
	answer_by(200, "b2", "Contact: <sip:other@198.51.100.10>\r\n");
	EXPECT_EQ(two, d);
	ASSERT_EQ(0, sip_dialog_ack(two, kNone, kNone));
	EXPECT_EQ(SIP_DIALOG_EARLY, sip_dialog_state(one));
	// A second branch answers too: acknowledged, then ended.
	answer_by(200, "b1");
	EXPECT_EQ(one, d);
	EXPECT_EQ(0, result);
	ASSERT_EQ(0, sip_dialog_ack(one, kNone, kNone));
	ASSERT_EQ(0, sip_dialog_send(one, SIP_BYE, kNone, kNone, nullptr, nullptr));
	EXPECT_EQ(SIP_DIALOG_CONFIRMED, sip_dialog_state(two));
	// And one that was never early.
	answer_by(200, "b4");
	ASSERT_NE(nullptr, d);
	EXPECT_EQ(4u, sip_dialogs_count(w.dialogs));
	EXPECT_TRUE(sip_dialog_owes_ack(d));
}

TEST_F(Uac, FailureEndsEveryEarlyDialog)
{
	invite();
	answer_by(183, "b1");
	struct sip_dialog *one = d;
	answer_by(183, "b2");
	struct sip_dialog *two = d;
	answer_by(486, "b2");
	EXPECT_EQ(two, d);
	EXPECT_EQ(SIP_DIALOG_TERMINATED, sip_dialog_state(one));
	EXPECT_EQ(SIP_DIALOG_TERMINATED, sip_dialog_state(two));
	answer_by(183, "b1");
	EXPECT_EQ(2u, sip_dialogs_count(w.dialogs));
}

TEST_F(Uac, FailureByAnotherTagEndsThemToo)
{
	invite();
	answer_by(183, "b1");
	struct sip_dialog *one = d;
	answer_by(503, "proxy");
	EXPECT_EQ(nullptr, d);
	EXPECT_EQ(SIP_DIALOG_TERMINATED, sip_dialog_state(one));
}

TEST_F(Uac, ResponsesWithoutContactGoBackToTheRequestUri)
{
	invite();
	answer_by(200, "b1", "");
	ASSERT_NE(nullptr, d);
	ASSERT_EQ(0, sip_dialog_ack(d, kNone, kNone));
	EXPECT_EQ("ACK sip:b@198.51.100.7 SIP/2.0", w.pop().line());
}

TEST_F(Uac, InviteInsideHasToWait)
{
	invite();
	answer_by(180, "b1");
	EXPECT_EQ(-ENOTCONN, sip_dialog_send(d, SIP_INVITE, kNone, kNone, nullptr, nullptr));
	// Early requests of other kinds may go, and count on.
	ASSERT_EQ(0, sip_dialog_send(d, SIP_UPDATE, kNone, kNone, nullptr, nullptr));
	EXPECT_EQ("2 UPDATE", w.pop().value("CSeq"));
	answer_by(200, "b1");
	EXPECT_EQ(0, result) << "the INVITE's CSeq is lower now, and still new";
	EXPECT_EQ(-EBUSY, sip_dialog_send(d, SIP_INVITE, kNone, kNone, nullptr, nullptr));
	EXPECT_EQ(-EBUSY, sip_dialog_send(d, SIP_BYE, kNone, kNone, nullptr, nullptr));
	ASSERT_EQ(0, sip_dialog_ack(d, kNone, kNone));
	EXPECT_EQ("1 ACK", w.pop().value("CSeq"));
	ASSERT_EQ(0, sip_dialog_send(d, SIP_INVITE, kNone, kNone, nullptr, nullptr));
	EXPECT_EQ("3 INVITE", w.pop().value("CSeq"));
}

TEST_F(Uac, EarlyDialogMayBeEndedByBye)
{
	invite();
	answer_by(180, "b1");
	EXPECT_EQ(0, sip_dialog_send(d, SIP_BYE, kNone, kNone, nullptr, nullptr));
}

TEST_F(Uac, ReInviteIsAcknowledgedByItsOwnCSeq)
{
	establish();
	ASSERT_EQ(0, sip_dialog_send(d, SIP_INVITE, sip_str("Contact: <sip:a@192.0.2.1>\r\n"),
			     kNone, nullptr, nullptr));
	Packet re = w.pop();
	EXPECT_EQ("2 INVITE", re.value("CSeq"));
	struct sip_dialog *same = d;
	w.receive(kPeer, answer(re, 200, "", "Contact: <sip:moved@198.51.100.20>\r\n"));
	EXPECT_EQ(same, d);
	EXPECT_EQ(0, result);
	ASSERT_EQ(0, sip_dialog_ack(d, kNone, kNone));
	Packet ack = w.pop();
	EXPECT_EQ("2 ACK", ack.value("CSeq"));
	EXPECT_EQ("ACK sip:moved@198.51.100.20 SIP/2.0", ack.line());
	// The first 2xx straggles in: its ACK has been replaced, and it is no news.
	answer_by(200, "b1");
	EXPECT_EQ(1, result);
	EXPECT_TRUE(w.wire.empty());
	EXPECT_EQ(1u, sip_dialogs_count(w.dialogs));
}

TEST_F(Uac, CallerBacksOffLonger)
{
	establish();
	uint32_t least = 9999, most = 0;
	for (int i = 0; i < 2000; i++) {
		uint32_t ms = sip_dialog_glare_delay(d);
		least = std::min(least, ms);
		most = std::max(most, ms);
		EXPECT_EQ(0u, ms % 10);
	}
	EXPECT_EQ(2100u, least);
	EXPECT_EQ(4000u, most);
}

TEST_F(Uac, InviteFromThePeerWhileOursIsPendingIs491)
{
	establish();
	int got = 1;
	struct sip_dialog_view v;
	sip_dialog_view(d, &v);
	w.on_request = [&](struct sip_transaction *t, const struct sip_message *m) {
		struct sip_dialog *which;
		got = sip_dialog_on_request(w.dialogs, t, m, &which);
	};
	ASSERT_EQ(0, sip_dialog_send(d, SIP_INVITE, kNone, kNone, nullptr, nullptr));
	w.wire.clear();
	Request r;
	r.call_id = str(v.call_id);
	r.from_tag = "b1";
	r.to_tag = str(v.local_tag);
	r.cseq = 77;
	w.receive(kPeer, r.text());
	EXPECT_EQ(-EBUSY, got);
	EXPECT_EQ(491, w.pop().status());
}

TEST_F(Uac, TagsAndCallIdsLeadBackToTheShard)
{
	invite();
	EXPECT_EQ("s1", sent.tag("From").substr(0, 2));
	EXPECT_EQ("s1", sent.value("Call-ID").substr(0, 2));
	std::string branch = sent.branch();
	EXPECT_EQ("s1", str(sip_id_prefix(sl(branch), 2)));
	EXPECT_EQ("", str(sip_id_prefix(sip_str("x"), 2)));
}

} // namespace
