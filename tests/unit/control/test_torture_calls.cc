// SPDX-License-Identifier: BSD-3-Clause
// Every message of RFC 4475 and RFC 5118 as a peer would send it, through the whole of a shard: the verdict that
// the RFC names, to where the message came from and to nobody else, and nothing of it is left behind.
#include <fstream>
#include <sstream>

#include "tests/unit/control/world.h"

using namespace control;

namespace
{

enum {
	kSilence = 0,
	kCall = 1, // 100 to the sender, and an INVITE to the callee
};

struct Case {
	const char *file;
	const char *section;
	int verdict; // kSilence, kCall, or the status of the response
	uint8_t transport;
	const char *why;
};

const Case kCases[] = {
	{"wsinv", "4475 3.1.1.1", 481, SIP_UDP, "its To tag is no dialog of ours"},
	{"intmeth", "4475 3.1.1.2", 501, SIP_TCP, "endpoints say 501"},
	{"esc01", "4475 3.1.1.3", kCall, SIP_UDP, ""},
	{"escnull", "4475 3.1.1.4", 405, SIP_UDP, "well formed; no registrar"},
	{"esc02", "4475 3.1.1.5", 501, SIP_TCP, "RE%47ISTER is no REGISTER"},
	{"lwsdisp", "4475 3.1.1.6", 200, SIP_UDP, "OPTIONS"},
	{"longreq", "4475 3.1.1.7", kCall, SIP_TCP, ""},
	{"dblreq", "4475 3.1.1.8", 405, SIP_UDP, "the rest is discarded"},
	{"semiuri", "4475 3.1.1.9", 200, SIP_UDP, "OPTIONS"},
	{"transports", "4475 3.1.1.10", 200, SIP_UDP, "OPTIONS"},
	{"mpart01", "4475 3.1.1.11", 405, SIP_UDP, "well formed; we take no MESSAGE"},
	{"unreason", "4475 3.1.1.12", kSilence, SIP_UDP, "a response to nothing of ours"},
	{"noreason", "4475 3.1.1.13", kSilence, SIP_UDP, "a response to nothing of ours"},
	{"badinv01", "4475 3.1.2.1", 400, SIP_UDP, ""},
	{"clerr", "4475 3.1.2.2", 400, SIP_UDP, ""},
	{"ncl", "4475 3.1.2.3", 400, SIP_UDP, ""},
	{"scalar02", "4475 3.1.2.4", 400, SIP_TCP, ""},
	{"scalarlg", "4475 3.1.2.5", kSilence, SIP_TCP, ""},
	{"quotbal", "4475 3.1.2.6", 400, SIP_UDP, ""},
	{"ltgtruri", "4475 3.1.2.7", 400, SIP_UDP, ""},
	{"lwsruri", "4475 3.1.2.8", 400, SIP_UDP, ""},
	{"lwsstart", "4475 3.1.2.9", 400, SIP_UDP, ""},
	{"trws", "4475 3.1.2.10", 400, SIP_TCP, ""},
	{"escruri", "4475 3.1.2.11", 400, SIP_UDP, ""},
	{"baddate", "4475 3.1.2.12", kCall, SIP_UDP, "Date is not used: ignore it"},
	{"regbadct", "4475 3.1.2.13", 400, SIP_UDP, ""},
	{"badaspec", "4475 3.1.2.14", 400, SIP_UDP, ""},
	{"baddn", "4475 3.1.2.15", 400, SIP_UDP, ""},
	{"badvers", "4475 3.1.2.16", 505, SIP_UDP, ""},
	{"mismatch01", "4475 3.1.2.17", 400, SIP_UDP, ""},
	{"mismatch02", "4475 3.1.2.18", 501, SIP_UDP, ""},
	{"bigcode", "4475 3.1.2.19", kSilence, SIP_UDP, ""},
	{"badbranch", "4475 3.2.1", 200, SIP_UDP, "matched as RFC 2543 did"},
	{"insuf", "4475 3.3.1", 400, SIP_UDP, ""},
	{"unkscm", "4475 3.3.2", 416, SIP_TCP, ""},
	{"novelsc", "4475 3.3.3", 416, SIP_TCP, ""},
	{"unksm2", "4475 3.3.4", 405, SIP_UDP, "well formed; no registrar"},
	{"bext01", "4475 3.3.5", 420, SIP_TLS, ""},
	{"invut", "4475 3.3.6", 415, SIP_UDP, ""},
	{"regaut01", "4475 3.3.7", 405, SIP_TCP, "no registrar"},
	{"multi01", "4475 3.3.8", 400, SIP_UDP, ""},
	{"mcl01", "4475 3.3.9", 400, SIP_UDP, ""},
	{"bcast", "4475 3.3.10", kSilence, SIP_UDP, "two Vias, and no branch of ours"},
	{"zeromf", "4475 3.3.11", 200, SIP_UDP, "we are the end of it"},
	{"cparam01", "4475 3.3.12", 405, SIP_UDP, "no registrar"},
	{"cparam02", "4475 3.3.13", 405, SIP_UDP, "no registrar"},
	{"regescrt", "4475 3.3.14", 405, SIP_UDP, "no registrar"},
	{"sdp01", "4475 3.3.15", 406, SIP_UDP, ""},
	{"inv2543", "4475 3.4.1", kCall, SIP_UDP, ""},
	{"ipv6-good", "5118 4.1", 405, SIP_UDP, "well formed; no registrar"},
	{"ipv6-bad", "5118 4.2", 400, SIP_UDP, ""},
	{"port-ambiguous", "5118 4.3", 405, SIP_UDP, "well formed; no registrar"},
	{"port-unambiguous", "5118 4.4", 405, SIP_UDP, "well formed; no registrar"},
	{"via-received-param-with-delim", "5118 4.5", 481, SIP_UDP, "BYE of no dialog"},
	{"via-received-param-no-delim", "5118 4.5", 200, SIP_UDP, "OPTIONS"},
	{"ipv6-in-sdp", "5118 4.6", kCall, SIP_UDP, ""},
	{"mult-ip-in-header", "5118 4.7", 481, SIP_UDP, "BYE of no dialog"},
	{"mult-ip-in-sdp", "5118 4.8", kCall, SIP_UDP, ""},
	{"ipv4-mapped-ipv6", "5118 4.9", kCall, SIP_UDP, ""},
	{"ipv6-bug-abnf-3-colons", "5118 4.10", 200, SIP_UDP, "OPTIONS"},
	{"ipv6-correct-abnf-2-colons", "5118 4.10", 200, SIP_UDP, "OPTIONS"},
};

const char *const kTortureConfig = R"(
media:
  a: {device: a0, address: [10.1.0.1, "fd00:1::1"], ports: 20000-20999}
  b: {device: b0, address: [10.2.0.1, "fd00:2::1"], ports: 20000-20999}
sip:
  listen: [udp:10.1.0.1, udp:10.2.0.1]
peers:
  office: {kind: trunk, address: 10.1.0.2, media: a}
  carrier: {kind: trunk, address: 10.2.0.2, media: b}
routes:
  - {from: office, to: [carrier]}
)";

std::string load(const std::string &name)
{
	std::ifstream f(std::string(TORTURE_DIR) + "/" + name + ".dat", std::ios::binary);
	EXPECT_TRUE(f.good()) << name;
	std::stringstream s;
	s << f.rdbuf();
	return s.str();
}

struct TortureCalls : World, testing::WithParamInterface<Case> {
	Party callee{*this, "callee", "10.2.0.2", 1};

	void SetUp() override
	{
		ASSERT_EQ(sip_init(), 0);
		hide = false; // its texts are not ours
		start(kTortureConfig);
	}

	void deliver(const std::string &bytes, const sip_addr &from)
	{
		on_receive = [](sip_flow &flow) {
			flow.transport = GetParam().transport;
			flow.connection = flow.transport ? 7 : 0;
		};
		receive(from, 0, bytes);
	}
};

TEST_P(TortureCalls, GetsTheVerdictOfItsRfc)
{
	const Case &c = GetParam();
	const sip_addr office = address("10.1.0.2", 40000);
	deliver(load(c.file), office);
	if (getenv("TORTURE_SHOW")) {
		for (auto &m : sent)
			printf("%s: %s\n", c.file, m.start().c_str());
		if (sent.empty())
			printf("%s: silence\n", c.file);
	}
	unsigned answers = 0, invites = 0;
	for (auto &m : sent) {
		if (m.is_request()) {
			invites += m.method() == "INVITE";
			EXPECT_TRUE(sip_addr_same_host(&m.to.remote, &callee.addr)) << m.text;
			continue;
		}
		// Whatever its Vias, Routes and Contacts name.
		EXPECT_TRUE(sip_addr_equal(&m.to.remote, &office)) << m.text;
		sip_message out;
		EXPECT_EQ(sip_message_index(&out, reinterpret_cast<const uint8_t *>(m.text.data()),
				  m.text.size()),
			0)
			<< m.text;
		if (m.status() == 100 && c.verdict != kCall)
			continue; // looked at more closely
		EXPECT_EQ(m.status(), c.verdict == kCall ? 100 : c.verdict) << m.text;
		answers++;
	}
	EXPECT_EQ(answers, c.verdict == kSilence ? 0u : 1u);
	EXPECT_EQ(invites, c.verdict == kCall ? 1u : 0u);
	EXPECT_EQ(cp_shard_calls(shard), c.verdict == kCall ? 1u : 0u);
	cp_shard_stop(shard);
	pump();
}

TEST_P(TortureCalls, FromAStrangerMakesNothing)
{
	const sip_addr stranger = address("10.1.0.66", 40000);
	deliver(load(GetParam().file), stranger);
	for (auto &m : sent) {
		EXPECT_FALSE(m.is_request()) << m.text;
		EXPECT_GE(m.status(), 400) << m.text;
		EXPECT_TRUE(sip_addr_equal(&m.to.remote, &stranger)) << m.text;
	}
	EXPECT_LE(sent.size(), 1u);
	EXPECT_EQ(cp_shard_calls(shard), 0u);
}

std::string name_of(const testing::TestParamInfo<Case> &info)
{
	std::string s = info.param.file;
	for (char &c : s)
		if (!isalnum(c))
			c = '_';
	return s;
}

INSTANTIATE_TEST_SUITE_P(Rfc4475And5118, TortureCalls, testing::ValuesIn(kCases), name_of);

// ---- what no RFC lists: truncated, oversized, wrapped, doubled, forged ----------------------------------

struct Hostile : Call {
	std::string invite(const std::string &lines, const std::string &body = "")
	{
		return a.with_body("INVITE sip:+4930123@10.1.0.1 SIP/2.0\r\n" + lines, body);
	}

	std::string usual(const std::string &without = "", const std::string &instead = "")
	{
		const char *lines[] = {"Via: SIP/2.0/UDP 10.1.0.2:5060;branch=z9hG4bKcallerX",
			"Max-Forwards: 70", "From: <sip:x@10.1.0.2>;tag=callerX",
			"To: <sip:+4930123@10.1.0.1>", "Call-ID: callerX", "CSeq: 1 INVITE",
			"Contact: <sip:x@10.1.0.2>"};
		std::string out;
		for (std::string line : lines)
			out += (!without.empty() && line.compare(0, without.size(), without) == 0
						? instead
						: line) +
			       "\r\n";
		return out;
	}

	void TearDown() override
	{
		cp_shard_stop(shard);
		pump();
		Call::TearDown();
	}
};

TEST_F(Hostile, CutShortAnywhereItIsRefusedOrNothing)
{
	std::string whole = invite(usual(), a.sdp.text());
	for (size_t n = 1; n < whole.size(); n++) {
		SCOPED_TRACE(n);
		sent.clear();
		a.raw(whole.substr(0, n));
		ASSERT_LE(sent.size(), 1u);
		if (!sent.empty()) {
			ASSERT_EQ(sent[0].status(), 400) << sent[0].text;
			ASSERT_TRUE(sip_addr_same_host(&sent[0].to.remote, &a.addr));
		}
		ASSERT_EQ(cp_shard_calls(shard), 0u);
	}
	sent.clear();
}

TEST_F(Hostile, DoubledHeadersThatMayStandOnce)
{
	for (std::string line : {"From: <sip:y@10.1.0.2>;tag=callerY", "To: <sip:+1@10.1.0.1>",
		     "Call-ID: callerY", "CSeq: 2 INVITE", "Max-Forwards: 69", "Content-Length: 5",
		     "Content-Length: 4294967296", "Content-Type: text/plain"}) {
		SCOPED_TRACE(line);
		a.raw(invite(usual() + line + "\r\n", a.sdp.text()));
		a.expect(400);
		EXPECT_TRUE(quiet(b.addr));
		advance(40000);
		sent.clear();
	}
}

TEST_F(Hostile, NumbersThatWrap)
{
	struct {
		const char *header, *line;
	} rows[] = {
		{"CSeq", "CSeq: 4294967297 INVITE"},
		{"CSeq", "CSeq: 2147483648 INVITE"},
		{"CSeq", "CSeq: -1 INVITE"},
		{"CSeq", "CSeq: 18446744073709551617 INVITE"},
		{"CSeq", "CSeq: 1 BYE"},
		{"Max-Forwards", "Max-Forwards: 4294967366"},
		{"Max-Forwards", "Max-Forwards: -1"},
		{"Contact", "Content-Length: 18446744073709551615"},
		{"Contact", "Content-Length: -1"},
		{"Via", "Via: SIP/2.0/UDP 10.1.0.2:65537;branch=z9hG4bKcallerX"},
	};
	for (auto &row : rows) {
		SCOPED_TRACE(row.line);
		a.raw("INVITE sip:+4930123@10.1.0.1 SIP/2.0\r\n" + usual(row.header, row.line) +
			"\r\n");
		if (!sent.empty()) {
			a.expect(400);
		}
		EXPECT_EQ(cp_shard_calls(shard), 0u);
		advance(40000);
		sent.clear();
	}
}

TEST_F(Hostile, ForgedViaAndRouteReachNobody)
{
	// Each names somebody who would get what he did not ask for.
	for (std::string lines :
		{usual("Via", "Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKcallerX;received="
			      "198.51.100.8;rport=9;maddr=198.51.100.9"),
			usual("Via", "Via: SIP/2.0/TCP 198.51.100.7;branch=z9hG4bKcallerX"),
			usual() + "Route: <sip:198.51.100.7;lr>, <sip:10.2.0.2;lr>\r\n",
			usual() + "Record-Route: <sip:198.51.100.7;lr>\r\n",
			usual() + "Path: <sip:198.51.100.7;lr>\r\n"}) {
		SCOPED_TRACE(lines);
		a.raw(invite(lines, a.sdp.text()));
		for (auto &m : sent)
			EXPECT_TRUE(sip_addr_same_host(&m.to.remote, &a.addr) ||
				    sip_addr_same_host(&m.to.remote, &b.addr))
				<< m.text;
		Msg i = b.expect_invite();
		EXPECT_FALSE(i.has("Route"));
		EXPECT_EQ(i.text.find("198.51.100."), std::string::npos) << i.text;
		b.respond(i, 486, "Busy");
		advance(40000);
		sent.clear();
	}
}

TEST_F(Hostile, AForgedViaBranchIsNobodysTransaction)
{
	up();
	sent.clear();
	// Who guesses everything but sends from elsewhere.
	sip_addr thief = address("10.1.0.4");
	std::string dialog = format("From: %s;tag=%s\r\nTo: %s;tag=%s\r\nCall-ID: %s\r\n",
		a.local_uri.c_str(), a.tag.c_str(), a.remote_uri.c_str(), a.remote_tag.c_str(),
		a.call_id.c_str());
	for (std::string method : {"BYE", "INVITE", "REFER", "INFO", "UPDATE", "SUBSCRIBE"}) {
		receive(thief, 0,
			format("%s %s SIP/2.0\r\nVia: SIP/2.0/UDP 10.1.0.2:5060;branch="
			       "z9hG4bKcallerT%s\r\nMax-Forwards: 70\r\n%sCSeq: 77 %s\r\nContact: "
			       "<sip:t@10.1.0.4>\r\nRefer-To: <sip:+491@10.1.0.1>\r\nEvent: refer\r\n"
			       "Content-Length: 0\r\n\r\n",
				method.c_str(), a.target.c_str(), method.c_str(), dialog.c_str(),
				method.c_str()));
		Msg no = next(thief);
		EXPECT_EQ(no.status(), 481) << no.text;
		if (method == "INVITE")
			receive(thief, 0,
				format("ACK %s SIP/2.0\r\nVia: %s\r\nMax-Forwards: 70\r\nFrom: "
				       "%s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: 77 ACK\r\n"
				       "Content-Length: 0\r\n\r\n",
					a.target.c_str(), no.header("Via").c_str(),
					no.header("From").c_str(), no.header("To").c_str(),
					no.header("Call-ID").c_str()));
	}
	EXPECT_TRUE(quiet(b.addr));
	EXPECT_EQ(cp_shard_calls(shard), 1u);
	bye(a, b);
}

TEST_F(Hostile, TooLargeIsRefused)
{
	// More headers, longer ones and a longer body than anybody needs.
	std::string many = usual();
	for (int i = 0; i < 600; i++)
		many += format("X-%d: y\r\n", i);
	a.raw(invite(many, a.sdp.text()));
	EXPECT_LE(sent.size(), 1u);
	EXPECT_EQ(cp_shard_calls(shard), 0u);
	sent.clear();
	a.raw(invite(usual("Call-ID", "Call-ID: " + std::string(60000, 'c')), a.sdp.text()));
	EXPECT_EQ(cp_shard_calls(shard), 0u);
	EXPECT_LE(sent.size(), 1u);
	sent.clear();
	std::string lines;
	for (int i = 0; i < 2000; i++)
		lines += format("a=x-%d\r\n", i);
	a.raw(invite(usual(), a.sdp.text() + lines));
	for (auto &m : sent)
		EXPECT_TRUE(m.status() == 100 || m.status() == 413 || m.status() == 400)
			<< m.start();
	EXPECT_EQ(cp_shard_calls(shard), 0u);
}

} // namespace
