// SPDX-License-Identifier: BSD-3-Clause
// What a call costs in memory, and what happens when there is none.
#include <malloc.h>

#include "tests/unit/control/world.h"

using namespace control;

namespace
{

struct Memory : Call {
	// Both parties do what phones do, whatever comes.
	void answer(Party &p, const Msg &m)
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

	bool offered = true;

	void whole_call()
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
		// A BYE that found no memory is sent again, as over UDP it is.
		for (int tries = 0; tries < 5 && cp_shard_calls(shard); tries++) {
			a.request("BYE");
			settle();
			pass(70000);
		}
		sent.clear();
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
	alloc_count = 0;
	whole_call();
	const unsigned long total = alloc_count;
	EXPECT_EQ(result(CP_RESULT_ANSWERED), 1u);
	ASSERT_GT(total, 30u);
	for (unsigned long many : {1ul, 3ul}) {
		for (unsigned long n = 1; n <= total && !HasFailure(); n++) {
			SCOPED_TRACE(format("allocation %lu of %lu, %lu of them", n, total, many));
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

} // namespace
