// SPDX-License-Identifier: BSD-3-Clause
//
// Every message of RFC 4475 and RFC 5118, handed to the layer as it would come from the wire, and the
// verdict that the RFC names. Where it leaves a choice, ours stands in the table's remark.
#include <fstream>
#include <sstream>

#include "world.h"

#include <osipparser2/osip_parser.h>

namespace
{

enum Verdict {
	kAccept,  // a request reaches the user; a response passes the screen
	kDiscard, // nothing is sent, nobody is told
};

struct Case {
	const char *file;
	const char *section;
	int verdict; // Verdict, or the status of the response
	uint8_t transport;
	const char *expect; // has to be in the response
	const char *remark;
};

const Case kCases[] = {
	{"wsinv", "4475 3.1.1.1", kAccept, SIP_UDP, "", ""},
	{"intmeth", "4475 3.1.1.2", 501, SIP_TCP, "\r\nAllow: INVITE", "endpoints say 501"},
	{"esc01", "4475 3.1.1.3", kAccept, SIP_UDP, "", ""},
	{"escnull", "4475 3.1.1.4", 405, SIP_UDP, "\r\nAllow: INVITE", "well formed; no registrar"},
	{"esc02", "4475 3.1.1.5", 501, SIP_TCP, "\r\nAllow: INVITE", "RE%47ISTER is no REGISTER"},
	{"lwsdisp", "4475 3.1.1.6", kAccept, SIP_UDP, "", ""},
	{"longreq", "4475 3.1.1.7", kAccept, SIP_TCP, "", ""},
	{"dblreq", "4475 3.1.1.8", 405, SIP_UDP, "CSeq: 8 REGISTER", "the rest is discarded"},
	{"semiuri", "4475 3.1.1.9", kAccept, SIP_UDP, "", ""},
	{"transports", "4475 3.1.1.10", kAccept, SIP_UDP, "", ""},
	{"mpart01", "4475 3.1.1.11", 405, SIP_UDP, "", "well formed; we take no MESSAGE"},
	{"unreason", "4475 3.1.1.12", kAccept, SIP_UDP, "", ""},
	{"noreason", "4475 3.1.1.13", kAccept, SIP_UDP, "", ""},
	{"badinv01", "4475 3.1.2.1", 400, SIP_UDP, "", ""},
	{"clerr", "4475 3.1.2.2", 400, SIP_UDP, "", ""},
	{"ncl", "4475 3.1.2.3", 400, SIP_UDP, "", ""},
	{"scalar02", "4475 3.1.2.4", 400, SIP_TCP, "", ""},
	{"scalarlg", "4475 3.1.2.5", kDiscard, SIP_TCP, "", ""},
	{"quotbal", "4475 3.1.2.6", 400, SIP_UDP, "", ""},
	{"ltgtruri", "4475 3.1.2.7", 400, SIP_UDP, "", ""},
	{"lwsruri", "4475 3.1.2.8", 400, SIP_UDP, "", ""},
	{"lwsstart", "4475 3.1.2.9", 400, SIP_UDP, "", ""},
	{"trws", "4475 3.1.2.10", 400, SIP_TCP, "", ""},
	{"escruri", "4475 3.1.2.11", 400, SIP_UDP, "", ""},
	{"baddate", "4475 3.1.2.12", kAccept, SIP_UDP, "", "Date is not used: ignore it"},
	{"regbadct", "4475 3.1.2.13", 400, SIP_UDP, "", ""},
	{"badaspec", "4475 3.1.2.14", 400, SIP_UDP, "", ""},
	{"baddn", "4475 3.1.2.15", 400, SIP_UDP, "", ""},
	{"badvers", "4475 3.1.2.16", 505, SIP_UDP, "", ""},
	{"mismatch01", "4475 3.1.2.17", 400, SIP_UDP, "", ""},
	{"mismatch02", "4475 3.1.2.18", 501, SIP_UDP, "\r\nAllow: INVITE", ""},
	{"bigcode", "4475 3.1.2.19", kDiscard, SIP_UDP, "", ""},
	{"badbranch", "4475 3.2.1", kAccept, SIP_UDP, "", "matched as RFC 2543 did"},
	{"insuf", "4475 3.3.1", 400, SIP_UDP, "CSeq: 193942 INVITE", ""},
	{"unkscm", "4475 3.3.2", 416, SIP_TCP, "", ""},
	{"novelsc", "4475 3.3.3", 416, SIP_TCP, "", ""},
	{"unksm2", "4475 3.3.4", 405, SIP_UDP, "", "well formed; no registrar"},
	{"bext01", "4475 3.3.5", 420, SIP_TLS,
		"\r\nUnsupported: nothingSupportsThis, nothingSupportsThisEither\r\n", ""},
	{"invut", "4475 3.3.6", 415, SIP_UDP, "\r\nAccept: application/sdp\r\n", ""},
	{"regaut01", "4475 3.3.7", 405, SIP_TCP, "\r\nAllow: INVITE", "no registrar"},
	{"multi01", "4475 3.3.8", 400, SIP_UDP, "", ""},
	{"mcl01", "4475 3.3.9", 400, SIP_UDP, "", ""},
	{"bcast", "4475 3.3.10", kDiscard, SIP_UDP, "", "two Vias, and no branch of ours"},
	{"zeromf", "4475 3.3.11", kAccept, SIP_UDP, "", ""},
	{"cparam01", "4475 3.3.12", 405, SIP_UDP, "", "no registrar"},
	{"cparam02", "4475 3.3.13", 405, SIP_UDP, "", "no registrar"},
	{"regescrt", "4475 3.3.14", 405, SIP_UDP, "", "no registrar"},
	{"sdp01", "4475 3.3.15", 406, SIP_UDP, "", ""},
	{"inv2543", "4475 3.4.1", kAccept, SIP_UDP, "", ""},
	{"ipv6-good", "5118 4.1", 405, SIP_UDP, "", "well formed; no registrar"},
	{"ipv6-bad", "5118 4.2", 400, SIP_UDP, "", ""},
	{"port-ambiguous", "5118 4.3", 405, SIP_UDP, "", "well formed; no registrar"},
	{"port-unambiguous", "5118 4.4", 405, SIP_UDP, "", "well formed; no registrar"},
	{"via-received-param-with-delim", "5118 4.5", kAccept, SIP_UDP, "", ""},
	{"via-received-param-no-delim", "5118 4.5", kAccept, SIP_UDP, "", ""},
	{"ipv6-in-sdp", "5118 4.6", kAccept, SIP_UDP, "", ""},
	{"mult-ip-in-header", "5118 4.7", kAccept, SIP_UDP, "", ""},
	{"mult-ip-in-sdp", "5118 4.8", kAccept, SIP_UDP, "", ""},
	{"ipv4-mapped-ipv6", "5118 4.9", kAccept, SIP_UDP, "", ""},
	{"ipv6-bug-abnf-3-colons", "5118 4.10", kAccept, SIP_UDP, "", ""},
	{"ipv6-correct-abnf-2-colons", "5118 4.10", kAccept, SIP_UDP, "", ""},
};

std::string load(const std::string &name)
{
	std::ifstream f(std::string(TORTURE_DIR) + "/" + name + ".dat", std::ios::binary);
	EXPECT_TRUE(f.good()) << name;
	std::stringstream s;
	s << f.rdbuf();
	return s.str();
}

const struct sip_capabilities kCapabilities = {
	"INVITE, ACK, CANCEL, BYE, OPTIONS", "timer", "application/sdp", ""};

class Torture : public testing::TestWithParam<Case>
{
};

TEST_P(Torture, GetsTheVerdictOfItsRfc)
{
	const Case &c = GetParam();
	std::string bytes = load(c.file);
	World::Options o;
	o.capabilities = &kCapabilities;
	World w(o);
	// Its Via names somebody else: the answer has to come to this flow all the same.
	struct sip_flow flow = flow_of("203.0.113.99", 40000, c.transport, c.transport ? 7 : 0);

	if (bytes.compare(0, 4, "SIP/") == 0) {
		struct sip_message m;
		struct sip_screened s = sip_screen(&m, (const uint8_t *)bytes.data(), bytes.size(),
			(enum sip_transport)c.transport);
		if (c.verdict == kAccept) {
			EXPECT_EQ(SIP_SCREEN_ACCEPT, s.verdict) << s.text;
		}
		w.receive(flow, bytes);
		EXPECT_TRUE(w.wire.empty());
		EXPECT_TRUE(w.events.empty());
		return;
	}
	w.receive(flow, bytes);
	if (c.verdict == kAccept) {
		EXPECT_EQ(1u, w.count("request")) << (w.wire.empty() ? "" : w.wire[0].bytes);
		EXPECT_TRUE(w.wire.empty());
		return;
	}
	EXPECT_TRUE(w.events.empty());
	ASSERT_EQ(c.verdict == kDiscard ? 0u : 1u, w.wire.size());
	if (c.verdict == kDiscard)
		return;
	Packet p = w.pop();
	EXPECT_EQ(c.verdict, p.status()) << p.bytes;
	EXPECT_TRUE(same_flow(flow, p.to));
	EXPECT_NE(std::string::npos, p.bytes.find(c.expect)) << p.bytes;
	// What we say about a malformed message is itself well formed; the mirrored headers of
	// a message without From, To and Call-ID can't be.
	struct sip_message m;
	EXPECT_EQ(0, sip_message_index(&m, (const uint8_t *)p.bytes.data(), p.bytes.size()));
}

std::string name_of(const testing::TestParamInfo<Case> &info)
{
	std::string s = info.param.file;
	for (char &c : s)
		if (!isalnum(c))
			c = '_';
	return s;
}

INSTANTIATE_TEST_SUITE_P(Rfc4475And5118, Torture, testing::ValuesIn(kCases), name_of);

// What the valid ones say, read by the typed readers.
TEST(TortureValues, ShortTortuousInvite)
{
	std::string bytes = load("wsinv");
	struct sip_message m;
	ASSERT_EQ(SIP_SCREEN_ACCEPT,
		sip_screen(&m, (const uint8_t *)bytes.data(), bytes.size(), SIP_UDP).verdict);
	struct sip_address a;
	ASSERT_EQ(0, sip_message_from(&m, &a));
	EXPECT_EQ("J Rosenberg \\\\\\\"", str(a.display));
	EXPECT_EQ("98asjd8", str(a.tag));
	EXPECT_EQ("98asjd8", str(sip_message_from_tag(&m)));
	ASSERT_EQ(0, sip_message_to(&m, &a));
	EXPECT_EQ("1918181833n", str(a.tag));
	EXPECT_EQ("1918181833n", str(sip_message_to_tag(&m)));
	struct sip_cseq cseq;
	ASSERT_EQ(0, sip_message_cseq(&m, &cseq));
	EXPECT_EQ(9u, cseq.number);
	uint32_t n;
	ASSERT_EQ(0, sip_message_number(&m, SIP_H_MAX_FORWARDS, &n));
	EXPECT_EQ(68u, n);
	EXPECT_TRUE(sip_message_has(&m, SIP_H_SUBJECT));
	EXPECT_EQ("", str(sip_message_value(&m, SIP_H_SUBJECT)));
	struct sip_walk w = sip_walk(&m, SIP_H_VIA);
	struct sip_slice v;
	std::vector<std::string> hosts, branches;
	while (sip_walk_next(&w, &v)) {
		struct sip_via via;
		ASSERT_EQ(0, sip_via_parse(v, &via)) << str(v);
		hosts.push_back(str(via.host));
		branches.push_back(str(via.branch));
	}
	EXPECT_EQ((std::vector<std::string>{"192.0.2.2", "spindle.example.com", "192.168.255.111"}),
		hosts);
	EXPECT_EQ(
		(std::vector<std::string>{"390skdjuw", "z9hG4bK9ikj8", "z9hG4bK30239"}), branches);
	ASSERT_EQ(0, sip_message_contact(&m, &a));
	EXPECT_EQ("Quoted string \\\"\\\"", str(a.display));
	ASSERT_TRUE(sip_param_find(a.params, "newparam", &v));
	EXPECT_EQ("newvalue", str(v));
	ASSERT_TRUE(sip_param_find(a.params, "q", &v));
	EXPECT_EQ("0.33", str(v));
	EXPECT_TRUE(sip_param_find(a.params, "secondparam", &v));
	unsigned at = 0;
	ASSERT_TRUE(sip_message_find(&m, "UnknownHeaderWithUnusualValue", &at, &v));
	EXPECT_EQ(";;,,;;,;", str(v));
	EXPECT_EQ(150u, sip_message_body(&m).n);
	EXPECT_TRUE(sip_message_has_sdp(&m));
}

TEST(TortureValues, LinesAreLossless)
{
	for (const Case &c : kCases) {
		std::string bytes = load(c.file);
		struct sip_message m;
		if (sip_message_index(&m, (const uint8_t *)bytes.data(), bytes.size()))
			continue;
		std::string again = bytes.substr(0, bytes.find("\r\n") + 2);
		for (unsigned i = 0; i < m.count; i++)
			again += str(sip_header_line_of(&m, i));
		again += "\r\n" + str(sip_message_body(&m));
		EXPECT_EQ(bytes, again) << c.file;
	}
}

TEST(TortureValues, ExtraOctetsAreCutOff)
{
	std::string bytes = load("dblreq");
	struct sip_message m;
	ASSERT_EQ(SIP_SCREEN_ACCEPT,
		sip_screen(&m, (const uint8_t *)bytes.data(), bytes.size(), SIP_UDP).verdict);
	EXPECT_EQ(0u, sip_message_body(&m).n);
	EXPECT_EQ("REGISTER", str(m.method_text));
}

TEST(TortureValues, PortIsOutsideTheBrackets)
{
	struct sip_uri u;
	ASSERT_EQ(0, sip_uri_parse(sip_str("sip:[2001:db8::10:5070]"), &u));
	EXPECT_EQ(0, u.port);
	ASSERT_EQ(0, sip_uri_parse(sip_str("sip:[2001:db8::10]:5070"), &u));
	EXPECT_EQ(5070, u.port);
	EXPECT_EQ("[2001:db8::10]", str(u.host));
}

// RFC 4475 3.4.1: no Contact, no tag, no branch, and still a call.
TEST(TortureValues, Rfc2543CallerGetsADialog)
{
	World w;
	struct sip_dialog *d = nullptr;
	w.on_request = [&](struct sip_transaction *tx, const struct sip_message *m) {
		ASSERT_EQ(0, sip_dialog_new_uas(w.dialogs, tx, m, nullptr, &d));
	};
	w.receive(flow_of("192.0.2.5", 5060), load("inv2543"));
	ASSERT_NE(nullptr, d);
	struct sip_dialog_view v;
	sip_dialog_view(d, &v);
	EXPECT_EQ("", str(v.remote_tag));
	EXPECT_EQ("sip:+13035551111@ift.client.example.net;user=phone", str(v.target));
	EXPECT_EQ("<sip:UserB@example.com;maddr=ss1.example.com>", str(v.routes));
	// The same bytes again are the same transaction.
	w.receive(flow_of("192.0.2.5", 5060), load("inv2543"));
	EXPECT_EQ(1u, w.count("request"));
	EXPECT_EQ(1u, w.counters().retransmits_in);
}

std::string osip_tag(osip_list_t *params)
{
	osip_generic_param_t *tag = nullptr;
	char name[] = "tag";
	osip_uri_param_get_byname(params, name, &tag);
	return tag && tag->gvalue ? tag->gvalue : "";
}

int count_of(const struct sip_message *m, enum sip_header_id id)
{
	struct sip_walk w = sip_walk(m, id);
	struct sip_slice e;
	int n = 0;
	while (sip_walk_next(&w, &e))
		n++;
	return n;
}

// Where libosipparser2 reads a message too, it reads the same.
TEST(TortureValues, LibosipReadsTheSame)
{
	unsigned both = 0;
	ASSERT_EQ(0, sip_init());
	for (const Case &c : kCases) {
		std::string bytes = load(c.file);
		struct sip_message m;
		struct osip_message *t;
		if (sip_screen(&m, (const uint8_t *)bytes.data(), bytes.size(), SIP_UDP).verdict !=
			SIP_SCREEN_ACCEPT)
			continue;
		if (sip_message_tree(&m, &t))
			continue;
		both++;
		struct sip_cseq cseq;
		ASSERT_EQ(0, sip_message_cseq(&m, &cseq));
		EXPECT_EQ(cseq.number, (uint32_t)strtoul(t->cseq->number, nullptr, 10)) << c.file;
		EXPECT_EQ(str(cseq.method_text), t->cseq->method) << c.file;
		EXPECT_EQ(str(sip_message_from_tag(&m)), osip_tag(&t->from->gen_params)) << c.file;
		EXPECT_EQ(str(sip_message_to_tag(&m)), osip_tag(&t->to->gen_params)) << c.file;
		EXPECT_EQ(count_of(&m, SIP_H_VIA), osip_list_size(&t->vias)) << c.file;
		EXPECT_EQ(count_of(&m, SIP_H_CONTACT), osip_list_size(&t->contacts)) << c.file;
		EXPECT_EQ(count_of(&m, SIP_H_ROUTE), osip_list_size(&t->routes)) << c.file;
		struct sip_via via;
		ASSERT_EQ(0, sip_message_via(&m, &via));
		std::string host = ((osip_via_t *)osip_list_get(&t->vias, 0))->host;
		EXPECT_EQ(str(via.host),
			host[0] != '[' && strchr(host.c_str(), ':') ? "[" + host + "]" : host)
			<< c.file;
		EXPECT_EQ(m.is_request ? 0 : m.status, t->status_code) << c.file;
		osip_message_free(t);
	}
	EXPECT_GE(both, 25u);
}

} // namespace
