// SPDX-License-Identifier: BSD-3-Clause
//
// How requests leave: connections opened for them, TCP for what is too long for UDP (RFC 3261 18.1.1),
// and back to UDP when nobody listens there.
#include "world.h"

#include <cerrno>

namespace
{

const struct sip_flow kPeer = flow_of("192.0.2.2", 5060);

struct Route : testing::Test {
	World w;
	struct sip_transaction *tx = nullptr;
	std::string body;
	unsigned connection = 7;
	int refuse = 0;

	void SetUp() override
	{
		w.sent_by_stream = "192.0.2.1:15060";
		w.on_route = [this](struct sip_flow *flow, size_t n) {
			if (flow->transport == SIP_UDP && n <= 1300)
				return 0;
			if (refuse)
				return refuse;
			flow->transport = SIP_TCP;
			flow->socket = 1;
			flow->connection = connection;
			return 0;
		};
	}
	void send(enum sip_method method, size_t length)
	{
		struct sip_request r;
		memset(&r, 0, sizeof(r));
		body.assign(length, 'x');
		r.method = method;
		r.uri = r.to_uri = sip_str("sip:b@192.0.2.2");
		r.from_uri = sip_str("sip:a@192.0.2.1");
		r.lines = sip_str("Content-Type: text/plain\r\n");
		r.body = sl(body);
		ASSERT_EQ(0, sip_request_send(w.dialogs, &kPeer, &r, this, &tx));
	}
	struct sip_flow tcp()
	{
		struct sip_flow f = flow_of("192.0.2.2", 5060, SIP_TCP, connection);
		f.socket = 1;
		return f;
	}
};

TEST_F(Route, ShortOnesStayOnUdp)
{
	send(SIP_INVITE, 100);
	Packet p = w.pop();
	EXPECT_EQ(SIP_UDP, p.to.transport);
	EXPECT_EQ(0u, p.value("Via").find("SIP/2.0/UDP 192.0.2.1:5060;branch=")) << p.bytes;
}

TEST_F(Route, WhatIsAddedOnTheWayCounts)
{
	w.on_wire_size = [](size_t n) { return n + 1000; };
	send(SIP_INVITE, 100);
	EXPECT_EQ(SIP_TCP, w.pop().to.transport);
}

TEST_F(Route, LongOnesGoByTcpWithTheViaOfTcp)
{
	send(SIP_INVITE, 1300);
	Packet p = w.pop();
	EXPECT_TRUE(same_flow(p.to, tcp()));
	EXPECT_EQ(0u, p.value("Via").find("SIP/2.0/TCP 192.0.2.1:15060;branch=")) << p.bytes;
	// Nothing else has changed.
	EXPECT_EQ(p.value("Content-Length"), "1300");
	EXPECT_EQ(p.bytes.substr(p.bytes.size() - 1300), body);
	w.run(31000); // a stream needs no repetition
	EXPECT_TRUE(w.wire.empty());
	// The answer finds it, and the ACK goes the same way.
	w.receive(p.to, answer(p, 486, "t"));
	EXPECT_EQ(1u, w.count("response"));
	Packet ack = w.pop();
	EXPECT_EQ("ACK", ack.method());
	EXPECT_TRUE(same_flow(ack.to, tcp()));
	EXPECT_EQ(ack.value("Via"), p.value("Via"));
}

TEST_F(Route, RefusedByTcpGoesByUdpAfterAll)
{
	send(SIP_INVITE, 1300);
	std::string branch = w.pop().branch();
	struct sip_flow f = tcp();
	w.run(100);
	sip_layer_flow_failed(w.layer, &f, -ECONNREFUSED);
	Packet p = w.pop();
	EXPECT_EQ(SIP_UDP, p.to.transport);
	EXPECT_EQ(0u, p.to.connection);
	EXPECT_EQ(0u, p.value("Via").find("SIP/2.0/UDP 192.0.2.1:5060;branch=")) << p.bytes;
	EXPECT_EQ(branch, p.branch());
	EXPECT_EQ(0u, w.count("transport_error"));
	w.run(31999); // and is repeated there as UDP wants it, the whole time B
	EXPECT_EQ(6u, w.wire.size());
	EXPECT_EQ(0u, w.count("timeout"));
	w.run(1);
	EXPECT_EQ(1u, w.count("timeout"));
}

TEST_F(Route, AConnectionLostAfterAResponseIsAnError)
{
	send(SIP_INVITE, 1300);
	Packet p = w.pop();
	struct sip_flow f = tcp();
	w.receive(p.to, answer(p, 180, "t"));
	sip_layer_flow_failed(w.layer, &f, -ECONNRESET);
	w.run(1);
	EXPECT_EQ(1u, w.count("transport_error"));
	EXPECT_TRUE(w.wire.empty());
}

TEST_F(Route, NoWayIsToldFromTheNextTick)
{
	refuse = -EHOSTUNREACH;
	send(SIP_OPTIONS, 1300);
	EXPECT_EQ(0u, w.count("transport_error"));
	EXPECT_TRUE(w.wire.empty());
	w.run(1);
	EXPECT_EQ(1u, w.count("transport_error"));
	EXPECT_EQ(1u, w.count("terminated"));
}

TEST_F(Route, CancelGoesTheWayOfItsInvite)
{
	send(SIP_INVITE, 1300);
	Packet p = w.pop();
	w.receive(p.to, answer(p, 180, "t"));
	ASSERT_EQ(0, sip_client_cancel(tx, sip_slice(nullptr, 0)));
	Packet cancel = w.pop();
	EXPECT_EQ("CANCEL", cancel.method());
	EXPECT_TRUE(same_flow(cancel.to, tcp()));
	EXPECT_EQ(cancel.value("Via"), p.value("Via"));
}

// The dialog's connection is gone when the next request leaves: it goes by the one that replaces it.
TEST_F(Route, ADialogKeepsTheConnectionThatReplacesItsOwn)
{
	send(SIP_INVITE, 1300);
	Packet p = w.pop();
	struct sip_dialog *d = nullptr;
	w.on_response = [&](struct sip_transaction *t, const struct sip_message *m) {
		sip_dialog_on_response(w.dialogs, t, m, &d);
	};
	w.receive(p.to, answer(p, 200, "t", "Contact: <sip:b@192.0.2.2;transport=tcp>\r\n"));
	ASSERT_NE(nullptr, d);
	connection = 9;
	sip_dialog_ack(d, sip_slice(nullptr, 0), sip_slice(nullptr, 0));
	Packet ack = w.pop();
	EXPECT_EQ(9u, ack.to.connection);
	ASSERT_EQ(0, sip_dialog_send(d, SIP_BYE, sip_slice(nullptr, 0), sip_slice(nullptr, 0),
			     nullptr, nullptr));
	Packet bye = w.pop();
	EXPECT_EQ(9u, bye.to.connection);
	EXPECT_EQ(0u, bye.value("Via").find("SIP/2.0/TCP "));
	sip_dialog_free(d);
}

} // namespace
