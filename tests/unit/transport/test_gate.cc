// SPDX-License-Identifier: BSD-3-Clause
// What is let in, by bytes, age and source.
#include "policy.h"

extern "C" {
#include "controlplane/gate.h"
}

namespace
{

const char *const kConfig =
	"sip: {listen: [\"udp:192.0.2.1\"], shed_after: 100, stranger_rate: 20}\n";

struct Gate : testing::Test {
	cp_policy *policy = nullptr;
	cp_gate *g = nullptr;
	uint64_t now = 1000000000;
	sip_flow source{};
	bool peer = true, known = false;
	std::string answer;

	void SetUp() override
	{
		policy = make_policy(kConfig);
		ASSERT_NE(policy, nullptr);
		ASSERT_EQ(cp_gate_new(&g, policy), 0);
		source.remote = address("198.51.100.7", 40000);
	}
	void TearDown() override
	{
		cp_gate_free(g);
		cp_policy_release(policy);
	}
	static std::string request(const std::string &method,
		const std::string &uri = "sip:+49301@192.0.2.1",
		const std::string &to = "<sip:+49301@192.0.2.1>")
	{
		return method + " " + uri +
		       " SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.99:7777;branch=z9hG4bKa;rport\r\n"
		       "Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKb\r\nFrom: "
		       "<sip:a@b>;tag=1\r\nTo: " +
		       to + "\r\nCall-ID: x@y\r\nCSeq: 1 " + method +
		       "\r\nContent-Length: 0\r\n\r\n";
	}
	cp_gate_verdict ask(const std::string &text, uint64_t waited_us = 0)
	{
		std::string copy = text; // on the heap, so that a sanitizer sees reads beyond it
		cp_gate_packet p{};
		struct sip_slice out {
		};
		p.source = &source;
		p.data = reinterpret_cast<const uint8_t *>(copy.data());
		p.n = copy.size();
		p.now_us = now;
		p.waited_us = waited_us;
		p.peeked = sip_peek(p.data, p.n, &p.peek) == 0;
		p.peer = peer;
		p.known_call = known;
		cp_gate_verdict v = cp_gate_check(g, &p, &out);
		answer = v == CP_GATE_ANSWER ? std::string(out.p, out.n) : "";
		return v;
	}
	cp_gate_counters count()
	{
		cp_gate_counters c{};
		cp_gate_count(g, &c);
		return c;
	}
};

TEST_F(Gate, YoungRequestsPass)
{
	EXPECT_EQ(ask(request("INVITE"), 99000), CP_GATE_PASS);
	EXPECT_EQ(ask(request("OPTIONS"), 99000), CP_GATE_PASS);
	EXPECT_EQ(count().overload.shed, 0u);
}

TEST_F(Gate, OldOnesGet503ToTheSourceAsTheRfcsWriteIt)
{
	ASSERT_EQ(ask(request("INVITE"), 101000), CP_GATE_ANSWER);
	EXPECT_EQ(answer.find("SIP/2.0 503 Service Unavailable\r\n"), 0u) << answer;
	// RFC 3581: what was seen, not what was claimed; the other Via as it was, in order.
	size_t first = answer.find("Via: SIP/2.0/UDP 203.0.113.99:7777;branch=z9hG4bKa");
	size_t second = answer.find("10.0.0.1;branch=z9hG4bKb");
	ASSERT_NE(first, std::string::npos) << answer;
	EXPECT_LT(first, second);
	EXPECT_NE(answer.find("received=198.51.100.7"), std::string::npos) << answer;
	EXPECT_NE(answer.find("rport=40000"), std::string::npos) << answer;
	EXPECT_NE(answer.find("\r\nTo: <sip:+49301@192.0.2.1>;tag="), std::string::npos) << answer;
	EXPECT_NE(answer.find("\r\nCSeq: 1 INVITE\r\n"), std::string::npos);
	size_t at = answer.find("\r\nRetry-After: ");
	ASSERT_NE(at, std::string::npos);
	int seconds = atoi(answer.c_str() + at + 15);
	EXPECT_GE(seconds, 2);
	EXPECT_LE(seconds, 10);
	EXPECT_NE(answer.find("\r\nContent-Length: 0\r\n\r\n"), std::string::npos);
	EXPECT_EQ(count().overload.shed, 1u);
}

TEST_F(Gate, TheAckOfSuchA503IsDroppedAndNoOther)
{
	ASSERT_EQ(ask(request("INVITE"), 500000), CP_GATE_ANSWER);
	size_t at = answer.find("\r\nTo: ") + 6;
	std::string to = answer.substr(at, answer.find("\r\n", at) - at);
	EXPECT_EQ(ask(request("ACK", "sip:x@192.0.2.1", to)), CP_GATE_DROP);
	EXPECT_EQ(count().acks, 1u);
	EXPECT_EQ(ask(request("ACK", "sip:x@192.0.2.1", "<sip:b@c>;tag=abcdefghijklmnopqrstuv")),
		CP_GATE_PASS);
	EXPECT_EQ(count().acks, 1u);
}

TEST_F(Gate, NothingOfACallThatRunsIsEverShed)
{
	const uint64_t ages = 5000000;
	for (const char *method : {"BYE", "INVITE", "UPDATE", "INFO", "PRACK", "REFER"})
		EXPECT_EQ(ask(request(method, "sip:x@192.0.2.1", "<sip:b@c>;tag=77"), ages),
			CP_GATE_PASS)
			<< method;
	EXPECT_EQ(ask(request("ACK"), ages), CP_GATE_PASS);
	EXPECT_EQ(ask(request("CANCEL"), ages), CP_GATE_PASS);
	EXPECT_EQ(ask("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\r\n\r\n", ages),
		CP_GATE_PASS);
	known = true; // an INVITE that was let in, once more
	EXPECT_EQ(ask(request("INVITE"), ages), CP_GATE_PASS);
	peer = false; // but nobody else may say so
	EXPECT_EQ(ask(request("INVITE"), ages), CP_GATE_ANSWER);
}

TEST_F(Gate, EmergencyCallsGoBeforeAllOthers)
{
	for (const char *uri : {"sip:112@192.0.2.1", "sip:911@192.0.2.1;user=phone", "tel:112",
		     "sips:911@host", "urn:service:sos", "urn:service:sos.fire", "SIP:112@x",
		     "sip:112;phone-context=+49@x"})
		EXPECT_EQ(ask(request("INVITE", uri), 900000), CP_GATE_PASS) << uri;
	for (const char *uri : {"sip:1120@192.0.2.1", "sip:0112@x", "sip:112.x@y",
		     "urn:service:sosx", "urn:service:counseling", "sip:x@112"})
		EXPECT_EQ(ask(request("INVITE", uri), 900000), CP_GATE_ANSWER) << uri;
	EXPECT_EQ(ask(request("OPTIONS", "sip:112@192.0.2.1"), 900000), CP_GATE_ANSWER);
}

TEST_F(Gate, NumbersAndAgeAreThoseOfTheConfiguration)
{
	cp_policy *other = make_policy(
		"sip: {listen: [\"udp:192.0.2.1\"], shed_after: 0, emergency: [\"110\"]}\n");
	ASSERT_NE(other, nullptr);
	ASSERT_EQ(cp_gate_set_policy(g, other), 0);
	EXPECT_EQ(ask(request("INVITE"), 5000000), CP_GATE_PASS) << "0 sheds nothing";
	cp_policy_release(other);
	other = make_policy("sip: {listen: [\"udp:192.0.2.1\"], emergency: [\"110\"]}\n");
	ASSERT_EQ(cp_gate_set_policy(g, other), 0);
	EXPECT_EQ(ask(request("INVITE", "sip:110@x"), 5000000), CP_GATE_PASS);
	EXPECT_EQ(ask(request("INVITE", "sip:112@x"), 5000000), CP_GATE_ANSWER);
	cp_policy_release(other);
}

TEST_F(Gate, WhatLacksItsHeadersGetsNoAnswer)
{
	for (const char *name : {"Via", "From", "To", "Call-ID", "CSeq"}) {
		std::string text = request("INVITE"), want = std::string("\r\n") + name + ":";
		size_t at;
		while ((at = text.find(want)) != std::string::npos)
			text.erase(at, text.find("\r\n", at + 2) - at);
		EXPECT_EQ(ask(text, 900000), CP_GATE_DROP) << name;
	}
}

TEST_F(Gate, StrangersHaveARateEachAndPeersNone)
{
	peer = false;
	unsigned passed = 0, dropped = 0;
	for (int i = 0; i < 200; i++) {
		cp_gate_verdict v = ask(request("INVITE"));
		passed += v == CP_GATE_PASS;
		dropped += v == CP_GATE_DROP; // no answer either: it might not be he
	}
	EXPECT_EQ(passed, 40u); // twice the rate at once
	EXPECT_EQ(dropped, 160u);
	EXPECT_TRUE(cp_gate_muted(g, now, &source)) << "who goes on above his rate";
	sip_flow first = source;
	source.remote = address("198.51.100.8");
	EXPECT_EQ(ask(request("INVITE")), CP_GATE_PASS) << "another one's rate is his own";
	source = first;
	now += 1000000;
	passed = 0;
	for (int i = 0; i < 100; i++)
		passed += ask(request("INVITE")) == CP_GATE_PASS;
	EXPECT_EQ(passed, 20u);
	peer = true;
	for (int i = 0; i < 200; i++)
		EXPECT_EQ(ask(request("INVITE")), CP_GATE_PASS);
}

TEST_F(Gate, JunkMutesItsSourceForAWhile)
{
	for (int i = 0; i < 21; i++) {
		EXPECT_FALSE(cp_gate_muted(g, now, &source));
		cp_gate_junk(g, now, &source);
	}
	EXPECT_TRUE(cp_gate_muted(g, now, &source));
	sip_flow other = source;
	other.remote = address("198.51.100.8");
	EXPECT_FALSE(cp_gate_muted(g, now, &other));
	EXPECT_TRUE(cp_gate_muted(g, now + 9900000, &source));
	EXPECT_FALSE(cp_gate_muted(g, now + 10100000, &source));
	EXPECT_EQ(count().overload.mutes, 1u);
	EXPECT_EQ(count().overload.muted, 2u);
}

TEST_F(Gate, WhatIsNoSipIsLeftToTheScreen)
{
	EXPECT_EQ(ask("\r\n\r\n"), CP_GATE_PASS);
	EXPECT_EQ(ask(""), CP_GATE_PASS);
	EXPECT_EQ(ask(std::string(300, '\xff')), CP_GATE_PASS);
}

} // namespace
