// SPDX-License-Identifier: BSD-3-Clause
// What goes from one side to the other, and what does not; CDR lines; whose media are believed.
#include "tests/unit/control/world.h"

extern "C" {
#include "controlplane/call/carry.h"
#include "controlplane/call/cdr.h"
#include "controlplane/call/plan.h"
}

using namespace control;

namespace
{

struct Carry : Call {
	Msg invite(const std::string &lines, const std::string &number = "+4930")
	{
		a.call_id = format("caller-%u", unsigned(all.size()));
		a.remote_tag = "";
		a.call(number, a.sdp.text(), lines);
		a.expect(100);
		return b.expect_invite();
	}

	void refuse(const Msg &i)
	{
		b.respond(i, 486, "Busy");
		b.expect("ACK");
		a.ack_failure(a.expect(486));
	}
};

TEST_F(Carry, NothingThatIsNotListedGoesOver)
{
	Msg i = invite(
		"Record-Route: <sip:10.1.0.7;lr>\r\nRoute: <sip:10.1.0.1;lr>\r\n"
		"Via: SIP/2.0/UDP 10.1.0.8;branch=z9hG4bKcallerOther\r\n"
		"X-Caller: CallerSecret\r\nOrganization: CallerSecret\r\n"
		"Call-Info: <http://10.1.0.9/caller>\r\nP-Preferred-Identity: "
		"<sip:caller@10.1.0.2>\r\n"
		"Error-Info: <sip:caller@10.1.0.2>\r\nIn-Reply-To: "
		"caller@10.1.0.2\r\n"
		"P-Charging-Vector: icid-value=caller\r\nServer: CallerSecret\r\n"
		"Supported: CallerSecret\r\nTimestamp: 54\r\nAllow: INVITE, FROM-CALLER\r\n");
	for (const char *name : {"Record-Route", "Route", "X-Caller", "Organization", "Call-Info",
		     "P-Preferred-Identity", "Error-Info", "In-Reply-To", "P-Charging-Vector",
		     "Timestamp"})
		EXPECT_FALSE(i.has(name)) << name;
	EXPECT_EQ(i.header("Via", 1), "");
	EXPECT_EQ(i.header("Allow").find("FROM"), std::string::npos);
	refuse(i);
}

TEST_F(Carry, WhatIsListedDoes)
{
	Msg i = invite("Subject: lunch\r\nPriority: urgent\r\nPrivacy: none\r\n"
		       "User-to-User: 56a390f3d2b7310023;encoding=hex\r\n"
		       "Alert-Info: <urn:alert:source:external>\r\n"
		       "P-Asserted-Identity: \"Al\" "
		       "<sip:+49305;npdi;tgrp=caller@10.1.0.2;user=phone>, <tel:+49305>\r\n"
		       "Diversion: <sip:+4977@10.1.0.2>;reason=no-answer;x=10.1.0.2\r\n");
	EXPECT_EQ(i.header("Subject"), "lunch");
	EXPECT_EQ(i.header("Priority"), "urgent");
	EXPECT_EQ(i.header("Privacy"), "none");
	EXPECT_EQ(i.header("User-To-User"), "56a390f3d2b7310023;encoding=hex");
	EXPECT_EQ(i.header("Alert-Info"), "<urn:alert:source:external>");
	EXPECT_EQ(i.header("P-Asserted-Identity"), "\"Al\" <sip:+49305;npdi@10.2.0.1;user=phone>");
	EXPECT_EQ(i.header("P-Asserted-Identity", 1), "<tel:+49305>");
	EXPECT_EQ(i.header("Diversion"), "<sip:+4977@10.2.0.1>;reason=no-answer");
	b.respond(i, 180, "Ringing", "", "P-Asserted-Identity: <sip:+4930@10.2.0.2>\r\n");
	EXPECT_EQ(a.expect(180).header("P-Asserted-Identity"), "<sip:+4930@10.1.0.1>");
	refuse(i);
}

TEST_F(Carry, AlertInfoThatNamesAHostDoesNot)
{
	Msg i = invite("Alert-Info: <http://10.1.0.2/ring.wav>\r\n");
	EXPECT_FALSE(i.has("Alert-Info"));
	refuse(i);
	i = invite("Alert-Info: <http://127.0.0.1/Bellcore-dr2>\r\n");
	EXPECT_EQ(i.header("Alert-Info"), "<http://127.0.0.1/Bellcore-dr2>");
	refuse(i);
	i = invite("Alert-Info: <http://10.1.0.2>;info=alert-autoanswer\r\n");
	EXPECT_EQ(i.header("Alert-Info"), "<http://127.0.0.1/>;info=alert-autoanswer");
	refuse(i);
	i = invite("Alert-Info: <http://127.0.0.1.caller.example/x>\r\n");
	EXPECT_FALSE(i.has("Alert-Info"));
	refuse(i);
}

TEST_F(Carry, APhoneIsNotBelievedWhoItIs)
{
	Party phone{*this, "caller", "10.1.0.4", 0};
	phone.call("+4930", phone.sdp.text(), "P-Asserted-Identity: <sip:caller@10.1.0.2>\r\n");
	phone.expect(100);
	Msg i = b.expect_invite();
	EXPECT_FALSE(i.has("P-Asserted-Identity"));
	b.respond(i, 486, "Busy");
	b.expect("ACK");
	phone.ack_failure(phone.expect(486));
}

TEST_F(Carry, NumbersKeepWhatBelongsToThem)
{
	Msg i = invite("",
		"+4930;npdi;rn=+4931;phone-context=+49;tgrp=caller;trunk-context=caller.example");
	EXPECT_EQ(i.uri(), "sip:+4930;npdi;rn=+4931;phone-context=+49@10.2.0.2");
	refuse(i);
	i = invite("", "+4930;phone-context=caller.example");
	EXPECT_EQ(i.uri(), "sip:+4930@10.2.0.2");
	refuse(i);
}

TEST_F(Carry, AnonymousStaysAnonymous)
{
	a.call_id = "caller-anonymous";
	a.target = "sip:+4930@10.1.0.1";
	a.raw(a.with_body("INVITE sip:+4930@10.1.0.1 SIP/2.0\r\n" + a.via() +
				  "Max-Forwards: 70\r\nFrom: \"Anonymous\" "
				  "<sip:anonymous@anonymous.invalid>;tag=caller\r\nTo: "
				  "<sip:+4930@10.1.0.1>\r\nCall-ID: caller-anonymous\r\nCSeq: 1 "
				  "INVITE\r\nContact: <sip:10.1.0.2>\r\nPrivacy: id\r\n"
				  "P-Asserted-Identity: <sip:+49306@10.1.0.2>\r\n",
		a.sdp.text()));
	a.expect(100);
	Msg i = b.expect_invite();
	EXPECT_EQ(
		i.header("From").find("\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag="), 0u);
	EXPECT_EQ(i.header("Privacy"), "id");
	// A trunk is told all the same (RFC 3325: within the trust domain).
	EXPECT_EQ(i.header("P-Asserted-Identity"), "<sip:+49306@10.2.0.1>");
	refuse(i);
}

TEST_F(Carry, ADisplayNameIsCarriedWithItsQuotes)
{
	a.call_id = "caller-quotes";
	a.target = "sip:+4930@10.1.0.1";
	a.raw(a.with_body("INVITE sip:+4930@10.1.0.1 SIP/2.0\r\n" + a.via() +
				  "Max-Forwards: 70\r\nFrom: \"Al \\\"the\\\" \\\\ one\" "
				  "<sip:al@10.1.0.2>;tag=caller\r\nTo: <sip:+4930@10.1.0.1>\r\n"
				  "Call-ID: caller-quotes\r\nCSeq: 1 INVITE\r\nContact: "
				  "<sip:10.1.0.2>\r\n",
		a.sdp.text()));
	a.expect(100);
	Msg i = b.expect_invite();
	EXPECT_EQ(i.header("From").find("\"Al \\\"the\\\" \\\\ one\" <sip:al@10.2.0.1>;tag="), 0u)
		<< i.header("From");
	refuse(i);
}

TEST_F(Carry, AHeaderCannotBeSmuggledIn)
{
	// An escaped line end in a user part stays escaped.
	Msg i = invite("", "+4930%0d%0aX-Evil%3a%201");
	EXPECT_EQ(i.uri(), "sip:+4930%0d%0aX-Evil%3a%201@10.2.0.2");
	EXPECT_FALSE(i.has("X-Evil"));
	EXPECT_STREQ(cp_tregion_call(tregion, 0)->to, "+4930??X-Evil: 1");
	refuse(i);
}

TEST_F(Carry, MaxForwardsOnlyFalls)
{
	for (auto [in, out] :
		std::vector<std::pair<unsigned, const char *>>{{70, "69"}, {2, "1"}, {1, "0"}, {255, "70"}}) {
		a.call_id = format("caller-mf%u", in);
		a.call("+4930", a.sdp.text(), "", in);
		a.expect(100);
		Msg i = b.expect_invite();
		EXPECT_EQ(i.header("Max-Forwards"), out);
		refuse(i);
	}
}

// ---- CDRs

TEST(Cdr, IsOneLineOfJsonWhateverThePeerWrote)
{
	cp_cause cause{0, true, 486, "Busy \"here\" \\ \x01 \xff"};
	cp_media_total media{};
	std::string call_id = "x\"\\\r\n\xc3\xa4\xed\xa0\x80" + std::string(1000, 'y');
	cp_cdr cdr{};
	cdr.call = 0xc0ffee;
	cdr.leg = 1;
	cdr.peer = "office";
	cdr.from = "a\xc3\xa4";
	cdr.to = "\xc0\xaf";
	cdr.codec = "";
	cdr.call_id = sip_slice(call_id.data(), call_id.size());
	cdr.start_us = 1767225599999000;
	cdr.end_us = cdr.start_us + 2500000;
	cdr.cause = &cause;
	cdr.media = &media;
	char line[CP_CDR_LINE];
	int n = cp_cdr_write(&cdr, line, sizeof(line));
	ASSERT_GT(n, 0);
	std::string s(line, size_t(n));
	EXPECT_EQ(s.find('\n'), s.size() - 1);
	EXPECT_NE(s.find("\"call\":\"0000000000c0ffee\",\"leg\":\"b\""), std::string::npos);
	EXPECT_NE(s.find("\"start\":\"2025-12-31T23:59:59.999Z\",\"ring\":null,\"answer\":null,"
			 "\"end\":\"2026-01-01T00:00:02.499Z\""),
		std::string::npos)
		<< s;
	EXPECT_NE(s.find("\"cause\":\"Busy \\\"here\\\" \\\\ \\u0001 \\ufffd\""), std::string::npos)
		<< s;
	EXPECT_NE(s.find("\"from\":\"a\xc3\xa4\""), std::string::npos);
	EXPECT_NE(s.find("\"to\":\"\\ufffd\\ufffd\""), std::string::npos);
	EXPECT_NE(s.find("\"received\":null"), std::string::npos);
	EXPECT_NE(s.find("\"duration_ms\":null"), std::string::npos);
	EXPECT_EQ(cp_cdr_write(&cdr, line, 200), -ENOBUFS);
}

TEST(Cdr, MediaAddUpOverSessions)
{
	cp_media_total total{};
	abi_leg_stats one{}, two{};
	one.packets = 100;
	one.lost = 1;
	one.jitter_us = 1250;
	one.remote_family = 6;
	one.remote_ip[0] = 0x20;
	one.remote_ip[1] = 0x01;
	one.remote_port = 4000;
	one.learned = 2;
	two.sent_packets = 7;
	cp_media_total_add(&total, &one);
	cp_media_total_add(&total, &two);
	cp_cause cause{2, true, 200, "x"};
	cp_cdr cdr{};
	cdr.peer = cdr.from = cdr.to = cdr.codec = "";
	cdr.cause = &cause;
	cdr.media = &total;
	char line[CP_CDR_LINE];
	ASSERT_GT(cp_cdr_write(&cdr, line, sizeof(line)), 0);
	std::string s(line);
	EXPECT_NE(s.find("\"packets\":100"), std::string::npos);
	EXPECT_NE(s.find("\"jitter_ms\":1.250"), std::string::npos);
	EXPECT_NE(s.find("\"sent\":{\"packets\":7"), std::string::npos);
	EXPECT_NE(
		s.find("\"remote\":\"[2001::]:4000\",\"learned\":\"confirmed\""), std::string::npos)
		<< s;
}

// ---- whose media are believed

TEST(Source, TheMoreTheAddressCanBeBelievedTheLessIsLearned)
{
	cfg_peer trunk{}, phone{};
	trunk.kind = CFG_TRUNK;
	phone.kind = CFG_ACCESS;
	cp_peer t{}, p{};
	t.cfg = &trunk;
	p.cfg = &phone;
	auto policy = [](const cp_peer &peer, const char *rtp, const char *sip) {
		sip_addr r = address(rtp), s = address(sip);
		sdp_endpoint e{};
		e.family = r.family;
		memcpy(e.ip, r.ip, 16);
		return int(cp_media_policy(&peer, &e, &s));
	};
	EXPECT_EQ(policy(t, "203.0.113.5", "203.0.113.5"), ABI_SOURCE_ADDRESS);
	EXPECT_EQ(
		policy(t, "203.0.113.99", "203.0.113.5"), ABI_SOURCE_ADDRESS); // its media gateway
	EXPECT_EQ(policy(t, "192.168.1.9", "203.0.113.5"), ABI_SOURCE_ANY);    // behind NAT
	EXPECT_EQ(policy(t, "10.0.0.9", "10.0.0.9"), ABI_SOURCE_ADDRESS);
	EXPECT_EQ(policy(p, "203.0.113.5", "203.0.113.5"), ABI_SOURCE_ADDRESS);
	EXPECT_EQ(policy(p, "203.0.113.6", "203.0.113.5"), ABI_SOURCE_ANY);
	EXPECT_EQ(policy(p, "192.168.1.9", "203.0.113.5"), ABI_SOURCE_ANY);
	EXPECT_EQ(policy(t, "fd00::9", "2001:db8::1"), ABI_SOURCE_ANY);
	EXPECT_EQ(policy(t, "2001:db8::9", "2001:db8::1"), ABI_SOURCE_ADDRESS);
	sdp_endpoint held{};
	sip_addr s = address("203.0.113.5");
	EXPECT_EQ(cp_media_policy(&t, &held, &s), ABI_SOURCE_ANY);
}

} // namespace
