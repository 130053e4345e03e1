// SPDX-License-Identifier: BSD-3-Clause
// Transfers when memory runs out, and when hawse-sip is killed in or after one.
#include "tests/unit/control/world.h"

using namespace control;

namespace
{

struct Scarce : Call {
	Party c{*this, "callee", "10.2.0.3", 1}, a2{*this, "caller", "10.1.0.2", 0};

	void SetUp() override
	{
		ASSERT_EQ(sip_init(), 0);
		std::string config = kConfig;
		size_t at = config.find("  - {from: carrier");
		config.insert(at, "  - {from: office, number: \"+33\", to: [backup]}\n");
		start(config.c_str());
		c.branch = 20000;
		a2.branch = 40000;
		c.sdp.port = 7000;
		c.tag = "callee-tag-3";
		a2.tag = "caller-tag-2";
	}

	// Every party does what phones do.
	void answer(Party &p, const Msg &m)
	{
		if (!m.is_request()) {
			if (m.method() != "INVITE" || m.status() < 200)
				return;
			Party &who = &p == &a && m.header("Call-ID") == a2.call_id ? a2 : p;
			if (m.status() >= 300) {
				who.ack_failure(m);
				return;
			}
			who.learn(m);
			who.cseq = unsigned(atoi(m.header("CSeq").c_str()));
			who.ack();
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
			std::string contact = m.header("Contact");
			p.target = contact.substr(1, contact.find('>') - 1);
		}
		p.respond(m, 200, "OK", p.sdp.text());
	}

	void settle()
	{
		for (int steps = 0; !sent.empty() && steps < 1000; steps++) {
			Msg m = sent.front();
			sent.pop_front();
			answer(m.to.remote.ip[1] == 1 ? a : m.to.remote.ip[3] == 3 ? c : b, m);
		}
	}

	void pass(uint64_t ms)
	{
		for (uint64_t t = 0; t < ms; t += 500) {
			advance(500);
			settle();
		}
	}

	void refer(const std::string &to)
	{
		a.request("REFER", "",
			"Refer-To: " + to + "\r\nContact: <sip:callerSecret@10.1.0.2:5060>\r\n");
		settle();
		pass(1000);
	}

	void hang_up()
	{
		for (int tries = 0; tries < 5 && cp_shard_calls(shard); tries++) {
			for (Party *p : {&b, &c, &a, &a2})
				if (!p->remote_tag.empty())
					p->request("BYE");
			settle();
			pass(70000);
		}
		sent.clear();
	}

	void first(const std::string &id)
	{
		for (Party *p : {&a, &b, &c, &a2})
			p->remote_tag = "";
		a.call_id = "caller-" + id;
		a2.call_id = "caller2-" + id;
		a.call("+4930", a.sdp.text());
		settle();
	}

	void blind(const std::string &id)
	{
		first(id);
		refer("<sip:+33123@10.1.0.1>");
		hang_up();
	}

	void attended(const std::string &id)
	{
		first(id);
		a2.call("+33123", a2.sdp.text());
		settle();
		refer("<sip:+33123@10.1.0.1?Replaces=" + a2.call_id + "%3Bto-tag%3D" +
			(a2.remote_tag.empty() ? "x" : a2.remote_tag) + "%3Bfrom-tag%3D" + a2.tag +
			">");
		hang_up();
	}

	void everywhere(const std::function<void(const std::string &)> &transfer)
	{
		alloc_count = 0;
		transfer("measure");
		const unsigned long total = alloc_count;
		ASSERT_GT(total, 60u);
		unsigned joined = 0;
		for (auto &line : cdrs)
			joined += line.find("transferred_from") != std::string::npos;
		EXPECT_EQ(joined, 2u);
		for (unsigned long n = 1; n <= total && !HasFailure(); n++) {
			SCOPED_TRACE(format("allocation %lu of %lu", n, total));
			alloc_count = 0;
			alloc_fail_at = n;
			alloc_fail_for = 1;
			transfer(std::to_string(n));
			alloc_fail_at = 0;
			EXPECT_EQ(cp_shard_calls(shard), 0u);
			EXPECT_TRUE(media.sessions.empty());
			EXPECT_EQ(counter(CP_C_TRANSACTIONS), 0u);
		}
	}

	// kill -9, and the next one with the journal that is left.
	void restart()
	{
		keep(true);
		cp_shard_free(shard);
		cp_tregion_free(tregion);
		media.replies.clear();
		uncommitted.clear();
		sent.clear();
		now_us += 500000;
		open(kConfig);
		for (auto &record : journal)
			EXPECT_EQ(cp_shard_restore(shard, record.first,
					  reinterpret_cast<const uint8_t *>(record.second.data()),
					  record.second.size(), 0),
				0);
		attach_first(0);
		keep(false);
	}
};

TEST_F(Scarce, ABlindTransferWithoutMemoryLeavesNothing)
{
	everywhere([this](const std::string &id) { blind(id); });
}

TEST_F(Scarce, AnAttendedTransferWithoutMemoryLeavesNothing)
{
	everywhere([this](const std::string &id) { attended(id); });
}

TEST_F(Scarce, ATransferredCallSurvivesAKill)
{
	first("kept");
	refer("<sip:+33123@10.1.0.1>");
	ASSERT_EQ(cp_shard_calls(shard), 1u);
	ASSERT_EQ(journal.size(), 1u);
	restart();
	ASSERT_EQ(cp_shard_calls(shard), 1u);
	for (Party *p : {&b, &c}) {
		Party &other = p == &b ? c : b;
		p->sdp.version++;
		p->sdp.direction = "sendonly";
		p->request("INVITE", p->sdp.text());
		Msg i = other.expect("INVITE");
		other.respond(i, 200, "OK", other.sdp.text());
		p->expect(200);
		other.expect("ACK");
		p->ack();
		p->sdp.direction = "";
	}
	c.request("BYE");
	c.expect(200, "BYE");
	b.respond(b.expect("BYE"), 200, "OK");
	pump();
	ASSERT_EQ(cdrs.size(), 4u);
	EXPECT_NE(cdrs[2].find("\"transferred_from\""), std::string::npos)
		<< "the CDR still says where it came from";
}

TEST_F(Scarce, AKillInATransferLeavesTheCallThatItBeganIn)
{
	first("kept");
	a.request("REFER", "",
		"Refer-To: <sip:+33123@10.1.0.1>\r\nContact: <sip:callerSecret@10.1.0.2:5060>\r\n");
	a.expect(202);
	Msg i = c.expect_invite();
	c.respond(i, 180, "Ringing");
	restart();
	ASSERT_EQ(cp_shard_calls(shard), 1u);
	media.sessions.erase(media.sessions.rbegin()->first); // nobody claimed it: swept
	a.request("BYE");
	a.expect(200, "BYE");
	b.respond(b.expect("BYE"), 200, "OK");
}

} // namespace
