// SPDX-License-Identifier: BSD-3-Clause
// What a call costs in memory, and what happens when there is none.
#include <malloc.h>

#include "tests/unit/control/world.h"

using namespace control;

namespace
{

struct Memory : Call {
	// Both parties do what phones do, whatever comes.
	virtual void answer(Party &p, const Msg &m)
	{
		const Sdp &sdp = p.sdp;
		if (!m.is_request()) {
			if (m.status() < 200 || m.method() != "INVITE")
				return;
			if (m.status() >= 300) {
				p.ack_failure(m);
				return;
			}
			p.learn(m);
			p.cseq = unsigned(atoi(m.header("CSeq").c_str()));
			p.ack(offered ? "" : sdp.text());
			return;
		}
		if (m.method() == "ACK")
			return;
		if (m.method() != "INVITE") {
			p.respond(m, 200, "OK");
			return;
		}
		if (m.tag("To").empty()) {
			p.call_id = m.header("Call-ID");
			p.remote_tag = m.tag("From");
			p.local_uri = m.header("To");
			p.remote_uri = m.header("From").substr(0, m.header("From").find(";tag="));
			std::string c = m.header("Contact");
			p.target = c.substr(1, c.find('>') - 1);
			p.respond(m, 183, "Progress", sdp.text(), "", "callee-fork");
			p.respond(m, 183, "Progress", sdp.text());
		}
		p.respond(m, 200, "OK", sdp.text());
	}

	void settle()
	{
		for (int steps = 0; !sent.empty() && steps < 1000; steps++) {
			Msg m = sent.front();
			sent.pop_front();
			answer(m.to.remote.ip[1] == 1 ? a : b, m);
		}
	}

	void pass(uint64_t ms)
	{
		for (uint64_t t = 0; t < ms; t += 500) {
			advance(500);
			settle();
		}
	}

	// A BYE that found no memory is sent again, as over UDP it is.
	void hang_up()
	{
		for (int tries = 0; tries < 5 && cp_shard_calls(shard); tries++) {
			a.request("BYE");
			settle();
			pass(70000);
		}
		sent.clear();
	}

	// The n-th allocation fails, and some after it, for each n of a call.
	void at_every_point()
	{
		alloc_count = 0;
		whole_call();
		const unsigned long total = alloc_count;
		EXPECT_EQ(result(CP_RESULT_ANSWERED), 1u);
		ASSERT_GT(total, 30u);
		for (unsigned long many : {1ul, 3ul}) {
			for (unsigned long n = 1; n <= total && !HasFailure(); n++) {
				SCOPED_TRACE(format(
					"allocation %lu of %lu, %lu of them", n, total, many));
				a.call_id = format("caller-%lu-%lu", many, n);
				a.remote_tag = a.sdp.more = b.sdp.more = "";
				alloc_count = 0;
				alloc_fail_at = n;
				alloc_fail_for = many;
				whole_call();
				alloc_fail_at = 0;
				EXPECT_EQ(cp_shard_calls(shard), 0u);
				EXPECT_TRUE(media.sessions.empty());
				EXPECT_EQ(counter(CP_C_TRANSACTIONS), 0u);
			}
		}
		// And afterwards all is as before.
		uint64_t answered = result(CP_RESULT_ANSWERED);
		a.call_id = "caller-last";
		a.remote_tag = a.sdp.more = b.sdp.more = "";
		whole_call();
		EXPECT_EQ(result(CP_RESULT_ANSWERED), answered + 1);
	}

	bool offered = true;

	virtual void whole_call()
	{
		a.call("+4930", a.sdp.text(), "P-Asserted-Identity: <sip:+49305@10.1.0.2>\r\n");
		settle();
		a.sdp.more = "m=video 4002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n";
		b.sdp.more = "m=video 6002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n";
		a.request("INVITE", a.sdp.text());
		settle();
		offered = false;
		b.request("INVITE");
		settle();
		offered = true;
		b.request("INFO", "x", "", "application/dtmf");
		settle();
		pass(1000);
		hang_up();
	}
};

// Reliable responses and PRACK, UPDATE early and confirmed from both sides, and session timers that are due.
struct Extended : Memory {
	Msg ringing; // the INVITE that waits for a PRACK

	void SetUp() override
	{
		Memory::SetUp();
		a.branch = b.branch = 100000;
	}

	static bool is_new(const Msg &m)
	{
		return m.is_request() && m.method() == "INVITE" && m.tag("To").empty();
	}

	void answer(Party &p, const Msg &m) override
	{
		if (!m.is_request() && m.has("RSeq")) {
			p.learn(m);
			p.request("PRACK", "",
				"RAck: " + m.header("RSeq") + " " + m.header("CSeq") + "\r\n");
		} else if (is_new(m) && m.header("Supported").find("100rel") != std::string::npos) {
			ringing = m;
			p.call_id = m.header("Call-ID");
			p.remote_tag = m.tag("From");
			p.local_uri = m.header("To");
			p.remote_uri = m.header("From").substr(0, m.header("From").find(";tag="));
			std::string c = m.header("Contact");
			p.target = c.substr(1, c.find('>') - 1);
			p.respond(m, 183, "Progress", p.sdp.text(),
				"Require: 100rel\r\nRSeq: 7\r\nAllow: INVITE, ACK, UPDATE, PRACK\r\n");
		} else if (m.is_request() && m.method() == "UPDATE" && !m.body().empty()) {
			p.respond(m, 200, "OK", p.sdp.text());
		} else {
			Memory::answer(p, m);
		}
	}

	void whole_call() override
	{
		const std::string allow = "Allow: INVITE, ACK, BYE, CANCEL, UPDATE, PRACK\r\n";
		a.call("+4930", a.sdp.text(),
			allow + "Supported: 100rel, timer\r\nSession-Expires: 600\r\n");
		settle();
		a.sdp.version++;
		a.request("UPDATE", a.sdp.text(), allow);
		settle();
		b.respond(ringing, 200, "OK", "", allow + "Supported: timer\r\n");
		settle();
		for (Party *p : {&a, &b}) {
			p->sdp.version++;
			p->request("UPDATE", p->sdp.text(), allow);
			settle();
			p->request("UPDATE", "", allow);
			settle();
		}
		for (int k = 0; k < 5; k++) {
			advance(120000);
			settle();
		}
		hang_up();
	}
};

TEST_F(Memory, ACallIsCheap)
{
	if (mallinfo2().uordblks == 0)
		GTEST_SKIP() << "a sanitizer's malloc does not count";
	// What the test itself keeps of the journal, which is a file otherwise.
	auto kept = [this] {
		size_t bytes = 0;
		for (const auto &record : journal)
			bytes += record.second.capacity() + 96;
		return bytes;
	};
	cp_shard_free(shard);
	cp_tregion_free(tregion);
	std::string config = kConfig;
	start(config.replace(config.find("ring_timeout"), 0, "max_calls: 5000\n  ").c_str());
	const int calls = 1000;
	for (int round = 0; round < 2; round++) {
		all.clear();
		all.shrink_to_fit();
		media.commands.clear();
		media.commands.shrink_to_fit();
		advance(40000); // transactions of before are over
		size_t before = mallinfo2().uordblks - kept();
		for (int k = 0; k < calls; k++) {
			a.call_id = format("caller-%d-%d", round, k);
			a.remote_tag = "";
			up();
		}
		advance(40000);
		all.clear();
		all.shrink_to_fit();
		media.commands.clear();
		media.commands.shrink_to_fit();
		// The fake hawse-media keeps some 500 bytes of its own for each.
		size_t each = (mallinfo2().uordblks - kept() - before) / calls;
		RecordProperty("bytes_per_call", int(each));
		printf("%zu bytes a call, %zu of them the test's\n", each,
			sizeof(FakeMedia::Session) + 48);
		if (round == 1) {
			EXPECT_LT(each, 6000u);
		}
	}
	cp_shard_stop(shard);
	pump();
	advance(33000);
}

TEST_F(Memory, WithoutItCallsFailAndNothingIsLeft)
{
	at_every_point();
}

TEST_F(Extended, WithoutItReliableCallsAndTimersFailAndNothingIsLeft)
{
	at_every_point();
}

} // namespace
