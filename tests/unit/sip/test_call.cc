// SPDX-License-Identifier: BSD-3-Clause
//
// Whole calls between two of our own layers, over a wire that loses, doubles and reorders.
#include <random>

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

// What a wire does: loses, doubles and reorders.
struct Wire {
	std::mt19937 random;
	unsigned lose, twice, late; // percent
	std::multimap<uint64_t, std::pair<bool, Packet>> flying;

	bool chance(unsigned percent)
	{
		return random() % 100 < percent;
	}
	void take(World &w, bool from_a)
	{
		while (!w.wire.empty()) {
			Packet p = w.pop();
			for (int n = chance(twice) ? 2 : 1; n > 0; n--) {
				if (chance(lose))
					continue;
				uint64_t delay = chance(late) ? random() % 900 : 5 + random() % 3;
				flying.insert({w.now() + delay, {from_a, p}});
			}
		}
	}
	void run(Pair &pair, uint64_t ms)
	{
		for (uint64_t end = pair.a.now() + ms; pair.a.now() < end;) {
			pair.a.run(5);
			pair.b.run(5);
			while (!flying.empty() && flying.begin()->first <= pair.a.now()) {
				auto [from_a, p] = flying.begin()->second;
				flying.erase(flying.begin());
				if (from_a)
					pair.b.receive(kA, p.bytes);
				else
					pair.a.receive(kB, p.bytes);
			}
			take(pair.a, true);
			take(pair.b, false);
		}
	}
};

unsigned requests(const World &w, const char *method)
{
	unsigned n = 0;
	for (const Event &e : w.events)
		n += e.what == "request" && e.method == method;
	return n;
}

class BadWire : public testing::TestWithParam<unsigned>
{
};

// However bad the wire, each side's user hears of each request once and of each transaction's end
// once, and nothing is left behind.
TEST_P(BadWire, NobodyHearsAnythingTwice)
{
	unsigned established = 0, ended = 0;
	const unsigned kCalls = 60;
	for (unsigned seed = 0; seed < kCalls; seed++) {
		Pair p;
		Wire wire{std::mt19937(seed * 100 + GetParam()), GetParam(), 20, 20, {}};
		struct sip_request r = invite();
		struct sip_transaction *tx;
		unsigned fresh = 0;
		p.a.on_response = [&](struct sip_transaction *t, const struct sip_message *m) {
			struct sip_dialog *d;
			int again = sip_dialog_on_response(p.a.dialogs, t, m, &d);
			if (m->method != SIP_INVITE || !d)
				return;
			p.uac = d;
			if (m->status / 100 == 2 && again == 0) {
				fresh++;
				EXPECT_EQ(0, sip_dialog_ack(d, sip_str(NULL), sip_str(NULL)));
			}
		};
		ASSERT_EQ(0, sip_request_send(p.a.dialogs, &kB, &r, nullptr, &tx));
		for (int seconds = 0; seconds < 33 && !p.server; seconds++)
			wire.run(p, 1000);
		if (p.server)
			p.ok();
		wire.run(p, 20000);
		EXPECT_LE(fresh, 1u);
		EXPECT_EQ(p.server ? 1u : 0u, requests(p.b, "INVITE"));
		bool up = p.uas && p.uac && !sip_dialog_awaits_ack(p.uas) &&
			  sip_dialog_state(p.uac) == SIP_DIALOG_CONFIRMED;
		established += up;
		if (up) {
			ASSERT_EQ(0, sip_dialog_send(p.uac, SIP_BYE, sip_str(NULL), sip_str(NULL),
					     nullptr, &tx));
			wire.run(p, 33000);
			EXPECT_LE(requests(p.b, "BYE"), 1u);
			ended += sip_dialog_state(p.uas) == SIP_DIALOG_TERMINATED;
		}
		wire.run(p, 120000);
		EXPECT_EQ(0u, p.a.counters().transactions);
		EXPECT_EQ(0u, p.b.counters().transactions);
		EXPECT_EQ(up ? 2u : 1u, p.a.count("terminated"));
		EXPECT_EQ(p.b.count("request"), p.b.count("terminated"));
	}
	// Losing a third of all packets costs time, but hardly a call.
	EXPECT_GE(established, kCalls - 2) << GetParam() << " % lost";
	EXPECT_GE(ended, established - 1);
}

INSTANTIATE_TEST_SUITE_P(Percent, BadWire, testing::Values(0u, 10u, 33u));

// CANCEL and 200 that cross: the call is up on one side, so it is acknowledged and ended.
TEST(Call, CancelCrossesTheAnswer)
{
	Pair p;
	struct sip_request r = invite();
	struct sip_transaction *tx;
	ASSERT_EQ(0, sip_request_send(p.a.dialogs, &kB, &r, nullptr, &tx));
	p.carry();
	struct sip_response ringing;
	memset(&ringing, 0, sizeof(ringing));
	ringing.status = 180;
	ASSERT_EQ(0, sip_dialog_respond(p.uas, p.server, &ringing));
	p.carry();
	ASSERT_EQ(0, p.ok());
	ASSERT_EQ(0, sip_client_cancel(tx, sip_str(NULL)));
	p.carry();
	EXPECT_EQ(0u, p.b.count("cancel")) << "the INVITE has its final response";
	EXPECT_EQ(SIP_DIALOG_CONFIRMED, sip_dialog_state(p.uac));
	EXPECT_FALSE(sip_dialog_awaits_ack(p.uas));
	ASSERT_EQ(0, sip_dialog_send(p.uac, SIP_BYE, sip_str(NULL), sip_str(NULL), nullptr, &tx));
	p.carry();
	EXPECT_EQ(SIP_DIALOG_TERMINATED, sip_dialog_state(p.uas));
}

} // namespace
