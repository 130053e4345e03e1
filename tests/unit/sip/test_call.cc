// SPDX-License-Identifier: BSD-3-Clause
//
// Whole calls between two of our own layers, over a wire that loses, doubles and reorders.
#include "world.h"

namespace
{

const struct sip_flow kA = flow_of("192.0.2.1", 5060), kB = flow_of("192.0.2.2", 5060);

World::Options callee()
{
	World::Options o;
	o.sent_by = "192.0.2.2:5060";
	o.prefix = "s2";
	o.seed = 2;
	return o;
}

struct sip_request invite()
{
	struct sip_request r;
	memset(&r, 0, sizeof(r));
	r.method = SIP_INVITE;
	r.uri = r.to_uri = sip_str("sip:+4930123@192.0.2.2");
	r.from_uri = sip_str("sip:+4930999@192.0.2.1");
	r.from_display = sip_str("A \"quoted\" name");
	r.lines = sip_str("Contact: <sip:a@192.0.2.1:5060>\r\nContent-Type: application/sdp\r\n");
	r.body = sip_str("v=0\r\n");
	return r;
}

struct Pair {
	World a, b{callee()};
	struct sip_dialog *uac = nullptr, *uas = nullptr;
	struct sip_transaction *server = nullptr;

	Pair()
	{
		b.on_request = [this](struct sip_transaction *tx, const struct sip_message *m) {
			if (sip_message_to_tag(m).n) {
				struct sip_dialog *d;
				if (sip_dialog_on_request(b.dialogs, tx, m, &d) == 0 &&
					m->method == SIP_BYE)
					sip_respond_simple(tx, 200, NULL);
				return;
			}
			server = tx;
			EXPECT_EQ(0, sip_dialog_new_uas(b.dialogs, tx, m, nullptr, &uas));
		};
		b.on_ack = [this](const struct sip_message *m) {
			struct sip_dialog *d;
			sip_dialog_on_ack(b.dialogs, m, &d);
		};
		a.on_response = [this](struct sip_transaction *tx, const struct sip_message *m) {
			struct sip_dialog *d;
			int again = sip_dialog_on_response(a.dialogs, tx, m, &d);
			if (d && m->method == SIP_INVITE)
				uac = d;
			if (again == 0 && m->method == SIP_INVITE && m->status / 100 == 2) {
				EXPECT_EQ(0, sip_dialog_ack(d, sip_str(NULL), sip_str(NULL)));
			}
		};
	}
	// Carry everything that lies on both wires; `lose` decides.
	void carry(const std::function<bool(const Packet &)> &lose = nullptr)
	{
		while (!a.wire.empty() || !b.wire.empty()) {
			bool from_a = !a.wire.empty();
			Packet p = from_a ? a.pop() : b.pop();
			if (lose && lose(p))
				continue;
			if (from_a)
				b.receive(kA, p.bytes);
			else
				a.receive(kB, p.bytes);
		}
	}
	void run(uint64_t ms, const std::function<bool(const Packet &)> &lose = nullptr)
	{
		for (uint64_t i = 0; i < ms; i += 10) {
			a.run(10);
			b.run(10);
			carry(lose);
		}
	}
	int ok()
	{
		struct sip_response r;
		memset(&r, 0, sizeof(r));
		r.status = 200;
		r.lines = sip_str("Contact: <sip:b@192.0.2.2:5060>\r\n");
		return sip_dialog_respond(uas, server, &r);
	}
};

TEST(Call, IsSetUpAndTornDown)
{
	Pair p;
	struct sip_request r = invite();
	struct sip_transaction *tx;

	ASSERT_EQ(0, sip_request_send(p.a.dialogs, &kB, &r, nullptr, &tx));
	p.carry();
	ASSERT_NE(nullptr, p.uas);
	struct sip_response ringing;
	memset(&ringing, 0, sizeof(ringing));
	ringing.status = 180;
	ASSERT_EQ(0, sip_dialog_respond(p.uas, p.server, &ringing));
	p.carry();
	ASSERT_NE(nullptr, p.uac);
	EXPECT_EQ(SIP_DIALOG_EARLY, sip_dialog_state(p.uac));
	ASSERT_EQ(0, p.ok());
	EXPECT_TRUE(sip_dialog_awaits_ack(p.uas));
	p.carry();
	EXPECT_EQ(SIP_DIALOG_CONFIRMED, sip_dialog_state(p.uac));
	EXPECT_EQ(SIP_DIALOG_CONFIRMED, sip_dialog_state(p.uas));
	EXPECT_FALSE(sip_dialog_awaits_ack(p.uas));
	EXPECT_FALSE(sip_dialog_owes_ack(p.uac));
	struct sip_dialog_view va, vb;
	sip_dialog_view(p.uac, &va);
	sip_dialog_view(p.uas, &vb);
	EXPECT_EQ(str(va.local), str(vb.remote));
	EXPECT_EQ("\"A \\\"quoted\\\" name\" <sip:+4930999@192.0.2.1>", str(va.local));
	EXPECT_EQ("sip:b@192.0.2.2:5060", str(va.target));
	EXPECT_EQ("sip:a@192.0.2.1:5060", str(vb.target));

	ASSERT_EQ(0, sip_dialog_send(p.uas, SIP_BYE, sip_str(NULL), sip_str(NULL), nullptr, &tx));
	p.a.on_request = [&](struct sip_transaction *bye, const struct sip_message *m) {
		struct sip_dialog *d;
		EXPECT_EQ(0, sip_dialog_on_request(p.a.dialogs, bye, m, &d));
		EXPECT_EQ(p.uac, d);
		EXPECT_EQ(0, sip_respond_simple(bye, 200, NULL));
	};
	p.carry();
	EXPECT_EQ(SIP_DIALOG_TERMINATED, sip_dialog_state(p.uac));
	EXPECT_EQ(200, p.b.last("response")->status);
	p.run(40000);
	EXPECT_EQ(0u, p.a.counters().transactions);
	EXPECT_EQ(0u, p.b.counters().transactions);
}

} // namespace
