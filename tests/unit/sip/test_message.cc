// SPDX-License-Identifier: BSD-3-Clause
//
// The index, the screen, the readers and the peek on messages that RFC 4475 does not have.
#include "world.h"

#include <osipparser2/osip_parser.h>

namespace
{

struct Read {
	struct sip_message m;
	struct sip_screened s;
	std::vector<uint8_t> copy;

	explicit Read(const std::string &text, enum sip_transport t = SIP_UDP)
	    : copy(text.begin(), text.end())
	{
		s = sip_screen(&m, copy.data(), copy.size(), t);
	}
};

TEST(Header, EveryNameLeadsToItsNumber)
{
	for (int id = 1; id < SIP_H_COUNT; id++) {
		std::string name = sip_header_name((enum sip_header_id)id);
		EXPECT_EQ(id, sip_header_lookup(sl(name))) << name;
		for (char &c : name)
			c = (char)toupper(c);
		EXPECT_EQ(id, sip_header_lookup(sl(name))) << name;
		name += "x";
		EXPECT_EQ(SIP_H_OTHER, sip_header_lookup(sl(name))) << name;
	}
	EXPECT_EQ(SIP_H_OTHER, sip_header_lookup(sip_str("")));
	EXPECT_EQ(SIP_H_OTHER, sip_header_lookup(sip_str("z")));
	EXPECT_EQ(SIP_H_OTHER, sip_header_lookup(sip_str("[")));
	const std::map<std::string, int> compact = {{"v", SIP_H_VIA}, {"F", SIP_H_FROM},
		{"t", SIP_H_TO}, {"i", SIP_H_CALL_ID}, {"l", SIP_H_CONTENT_LENGTH},
		{"c", SIP_H_CONTENT_TYPE}, {"e", SIP_H_CONTENT_ENCODING}, {"m", SIP_H_CONTACT},
		{"k", SIP_H_SUPPORTED}, {"s", SIP_H_SUBJECT}, {"o", SIP_H_EVENT},
		{"u", SIP_H_ALLOW_EVENTS}, {"r", SIP_H_REFER_TO}, {"b", SIP_H_REFERRED_BY},
		{"x", SIP_H_SESSION_EXPIRES}, {"y", SIP_H_IDENTITY}};
	for (const auto &c : compact)
		EXPECT_EQ(c.second, sip_header_lookup(sl(c.first))) << c.first;
}

TEST(Method, NamesAreCaseSensitive)
{
	for (int m = 1; m < SIP_M_COUNT; m++)
		EXPECT_EQ(m, sip_method_lookup(sip_str(sip_method_name((enum sip_method)m))));
	EXPECT_EQ(SIP_M_OTHER, sip_method_lookup(sip_str("invite")));
	EXPECT_STREQ("Busy Here", sip_reason_phrase(486));
	EXPECT_STREQ("Bad Request", sip_reason_phrase(499));
	EXPECT_STREQ("Decline", sip_reason_phrase(699));
}

struct Wrong {
	const char *from, *to;
	enum sip_refusal refusal;
	int status; // 0: dropped
};

class Screen : public testing::TestWithParam<Wrong>
{
};

TEST_P(Screen, RefusesWith)
{
	const Wrong &c = GetParam();
	Request r;
	r.lines = "Expires: 300\r\nRoute: <sip:p;lr>\r\nContent-Type: application/sdp\r\n";
	r.body = "v=0\r\n";
	std::string text = r.text();
	ASSERT_EQ(SIP_SCREEN_ACCEPT, Read(text).s.verdict);
	size_t at = text.find(c.from);
	ASSERT_NE(std::string::npos, at);
	text.replace(at, strlen(c.from), c.to);
	Read read(text);
	EXPECT_EQ(c.refusal, read.s.refusal) << sip_refusal_name(read.s.refusal) << "\n" << text;
	if (c.status) {
		EXPECT_EQ(SIP_SCREEN_REPLY, read.s.verdict);
		EXPECT_EQ(c.status, read.s.status);
	} else {
		EXPECT_EQ(SIP_SCREEN_DROP, read.s.verdict);
	}
}

const Wrong kWrong[] = {
	{"SIP/2.0\r\n", "SIP/2.1\r\n", SIP_REFUSE_VERSION, 505},
	{"SIP/2.0\r\n", "SIP/3.0\r\n", SIP_REFUSE_VERSION, 505},
	{"SIP/2.0\r\n", "SIP/2\r\n", SIP_REFUSE_GARBAGE, 400},
	{"SIP/2.0\r\n", "HTTP/1.1\r\n", SIP_REFUSE_GARBAGE, 0},
	{" SIP/2.0\r\n", "\r\n", SIP_REFUSE_GARBAGE, 0},
	{"INVITE", "INV{TE", SIP_REFUSE_METHOD, 400},
	{"INVITE", "ACK", SIP_REFUSE_CSEQ_METHOD, 0},
	{"sip:+4930123@192.0.2.1 ", "sip:+4930123@192.0.2.1;maddr ", SIP_REFUSE_NONE, 0},
	{"sip:+4930123@192.0.2.1", "sip:+4930123@", SIP_REFUSE_REQUEST_URI, 400},
	{"sip:+4930123@192.0.2.1", "sip:a@b?x=y", SIP_REFUSE_REQUEST_URI, 400},
	{"\r\nFrom: ", "\r\nFro: ", SIP_REFUSE_MISSING, 400},
	{"\r\nTo: ", "\r\nToo: ", SIP_REFUSE_MISSING, 400},
	{"\r\nCall-ID: ", "\r\nCall: ", SIP_REFUSE_MISSING, 400},
	{"\r\nCSeq: ", "\r\nSeq: ", SIP_REFUSE_MISSING, 400},
	{"\r\nVia: ", "\r\nVi: ", SIP_REFUSE_MISSING, 0},
	{"\r\nFrom: ", "\r\nf: <sip:x@y>;tag=1\r\nFrom: ", SIP_REFUSE_DOUBLED, 400},
	{"\r\nCSeq: ", "\r\nCSeq: 1 INVITE\r\nCSeq: ", SIP_REFUSE_DOUBLED, 400},
	{"\r\nCall-ID: ", "\r\ni: x\r\nCall-ID: ", SIP_REFUSE_DOUBLED, 400},
	{"\r\nTo: ", "\r\nt: <sip:x@y>\r\nTo: ", SIP_REFUSE_DOUBLED, 400},
	{"\r\nMax-Forwards: ", "\r\nMax-Forwards: 1\r\nMax-Forwards: ", SIP_REFUSE_DOUBLED, 400},
	{"\r\nContent-Length: ", "\r\nl: 5\r\nContent-Length: ", SIP_REFUSE_DOUBLED, 400},
	{"Content-Length: 5", "Content-Length: 6", SIP_REFUSE_CONTENT_LENGTH, 400},
	{"Content-Length: 5", "Content-Length: 4294967301", SIP_REFUSE_CONTENT_LENGTH, 400},
	{"Content-Length: 5", "Content-Length: -5", SIP_REFUSE_CONTENT_LENGTH, 400},
	{"Content-Length: 5", "Content-Length: 0x5", SIP_REFUSE_CONTENT_LENGTH, 400},
	{"Content-Length: 5", "Content-Length: 5, 5", SIP_REFUSE_CONTENT_LENGTH, 400},
	{"Content-Length: 5", "Content-Length: ", SIP_REFUSE_CONTENT_LENGTH, 400},
	{"Content-Length: 5", "Content-Length: 4", SIP_REFUSE_NONE, 0},
	{"CSeq: 1 ", "CSeq: 4294967297 ", SIP_REFUSE_CSEQ, 400},
	{"CSeq: 1 ", "CSeq: 2147483648 ", SIP_REFUSE_CSEQ, 400},
	{"CSeq: 1 ", "CSeq: 2147483647 ", SIP_REFUSE_NONE, 0},
	{"CSeq: 1 ", "CSeq: -1 ", SIP_REFUSE_CSEQ, 400},
	{"CSeq: 1 INVITE", "CSeq: 1INVITE", SIP_REFUSE_CSEQ, 400},
	{"CSeq: 1 INVITE", "CSeq: 1 BYE", SIP_REFUSE_CSEQ_METHOD, 400},
	{"Max-Forwards: 70", "Max-Forwards: 256", SIP_REFUSE_NUMBER, 400},
	{"Max-Forwards: 70", "Max-Forwards: 70 70", SIP_REFUSE_NUMBER, 400},
	{"Expires: 300", "Expires: 4294967296", SIP_REFUSE_NUMBER, 400},
	{"Expires: 300", "Expires: 4294967295", SIP_REFUSE_NONE, 0},
	{"Expires: 300", "Expires: soon", SIP_REFUSE_NUMBER, 400},
	{"branch=z9", "branch=z 9", SIP_REFUSE_VIA, 400},
	{"SIP/2.0/UDP", "SIP/2.0UDP", SIP_REFUSE_VIA, 400},
	{"198.51.100.7:5060;branch", "198.51.100.7:70000;branch", SIP_REFUSE_VIA, 400},
	{"198.51.100.7:5060;branch", ";branch", SIP_REFUSE_VIA, 400},
	{";rport", ";rport=x", SIP_REFUSE_VIA, 400},
	{";rport", ";branch=other", SIP_REFUSE_VIA, 400},
	{";rport", ";rport,", SIP_REFUSE_VIA, 400},
	{"<sip:a@198.51.100.7>;tag=ft1", "<sip:a@198.51.100.7;tag=ft1", SIP_REFUSE_FROM, 400},
	{"<sip:a@198.51.100.7>;tag=ft1", "*", SIP_REFUSE_FROM, 400},
	{"<sip:a@198.51.100.7>;tag=ft1", "<sip:a@h>;tag=1;tag=2", SIP_REFUSE_FROM, 400},
	{"<sip:a@198.51.100.7>;tag=ft1", "<sip:a@h>;tag", SIP_REFUSE_FROM, 400},
	{"<sip:a@198.51.100.7>;tag=ft1", "<sip:a@h>, <sip:b@h>", SIP_REFUSE_FROM, 400},
	{"To: <sip:", "To: a, b <sip:", SIP_REFUSE_TO, 400},
	{"To: <sip:", "To: <<sip:", SIP_REFUSE_TO, 400},
	{"cid-1@198.51.100.7", "a b", SIP_REFUSE_CALL_ID, 400},
	{"cid-1@198.51.100.7", "a@b@c", SIP_REFUSE_CALL_ID, 400},
	{"cid-1@198.51.100.7", "", SIP_REFUSE_CALL_ID, 400},
	{"<sip:a@198.51.100.7:5060>", "<sip:a@198.51.100.7:5060", SIP_REFUSE_CONTACT, 400},
	{"<sip:a@198.51.100.7:5060>", "*", SIP_REFUSE_CONTACT, 400},
	{"<sip:a@198.51.100.7:5060>", "<sip:a@h>;expires=4294967296", SIP_REFUSE_CONTACT, 400},
	{"<sip:a@198.51.100.7:5060>", "<sip:a@h>,", SIP_REFUSE_CONTACT, 400},
	{"<sip:p;lr>", "sip:p;lr", SIP_REFUSE_ROUTE, 400},
	{"<sip:p;lr>", "<sip:p;lr>, ", SIP_REFUSE_ROUTE, 400},
	{"application/sdp", "application", SIP_REFUSE_VALUE, 400},
	{"Expires: 300", "Expires 300", SIP_REFUSE_HEADER_LINE, 400},
	{"Expires: 300", "Exp ires: 300", SIP_REFUSE_HEADER_LINE, 400},
	{"Expires: 300", ": 300", SIP_REFUSE_HEADER_LINE, 400},
	{"Expires: 300",
		"X: a\x01"
		"b",
		SIP_REFUSE_CONTROL, 400},
	{"Expires: 300", "X: a\rb", SIP_REFUSE_CONTROL, 400},
	{"Expires: 300", "X: a\nY: b", SIP_REFUSE_CONTROL, 400},
	{"Expires: 300", "X: a\x7f", SIP_REFUSE_CONTROL, 400},
	{"\r\n\r\nv=0\r\n", "\r\n", SIP_REFUSE_BLANK_LINE, 400},
	{"\r\n\r\nv=0\r\n", "", SIP_REFUSE_BLANK_LINE, 400},
};

INSTANTIATE_TEST_SUITE_P(Each, Screen, testing::ValuesIn([] {
	std::vector<Wrong> wrong;
	for (const Wrong &w : kWrong)
		if (w.refusal != SIP_REFUSE_NONE)
			wrong.push_back(w);
	return wrong;
}()));

TEST(ScreenAccepts, TheNeighboursOfWhatItRefuses)
{
	for (const Wrong &c : kWrong) {
		if (c.refusal != SIP_REFUSE_NONE)
			continue;
		Request r;
		r.lines = "Expires: 300\r\n";
		r.body = "v=0\r\n";
		std::string text = r.text();
		text.replace(text.find(c.from), strlen(c.from), c.to);
		Read read(text);
		EXPECT_EQ(SIP_SCREEN_ACCEPT, read.s.verdict) << read.s.text << "\n" << text;
	}
}

TEST(ScreenAccepts, TheCutBodyOnUdpAndNoBodyWithoutLengthOnStreams)
{
	Request r;
	r.body = "12345";
	std::string text = r.text() + "junk behind it";
	Read cut(text);
	EXPECT_EQ("12345", str(sip_message_body(&cut.m)));
	text = r.text();
	text.replace(text.find("Content-Length: 5\r\n"), 19, "");
	Read udp(text), tcp(text, SIP_TCP);
	EXPECT_EQ("12345", str(sip_message_body(&udp.m)));
	EXPECT_EQ("", str(sip_message_body(&tcp.m)));
}

TEST(Screen, TooManyHeadersAndTooLong)
{
	Request r;
	for (int i = 0; i < 300; i++)
		r.lines += "X: y\r\n";
	Read many(r.text());
	EXPECT_EQ(SIP_REFUSE_HEADER_COUNT, many.s.refusal);
	EXPECT_EQ(SIP_SCREEN_REPLY, many.s.verdict);
	EXPECT_EQ(SIP_HEADERS_MAX, many.m.count);
	r.lines = "X: " + std::string(70000, 'y') + "\r\n";
	Read huge(r.text());
	EXPECT_EQ(SIP_REFUSE_TOO_LONG, huge.s.refusal);
	EXPECT_EQ(513, huge.s.status);
}

TEST(Message, FindsByNameInOrder)
{
	Request r;
	r.lines = "X-One: a\r\nk: timer\r\nx-one: b\r\nSupported: 100rel, replaces\r\nX-One:\r\n "
		  "c\r\n";
	Read read(r.text());
	ASSERT_EQ(SIP_SCREEN_ACCEPT, read.s.verdict);
	unsigned at = 0;
	struct sip_slice v;
	std::string all;
	while (sip_message_find(&read.m, "X-ONE", &at, &v))
		all += str(v) + ";";
	EXPECT_EQ("a;b;c;", all);
	EXPECT_TRUE(sip_message_lists(&read.m, SIP_H_SUPPORTED, "timer"));
	EXPECT_TRUE(sip_message_lists(&read.m, SIP_H_SUPPORTED, "REPLACES"));
	EXPECT_FALSE(sip_message_lists(&read.m, SIP_H_SUPPORTED, "outbound"));
	at = 0;
	EXPECT_TRUE(sip_message_find(&read.m, "Supported", &at, &v));
	EXPECT_EQ("timer", str(v));
	EXPECT_FALSE(sip_message_find(&read.m, "Nope", &at, &v));
}

TEST(Message, ListsSplitAtTheRightCommas)
{
	Request r;
	r.contact = "\"a, \\\"b\" <sip:x@h;p=1,2>;q=1 , <sip:y@h>";
	r.lines = "m: sip:z@h\r\n";
	Read read(r.text());
	// A comma is no URI character of a parameter; what counts here is the splitting.
	struct sip_walk w = sip_walk(&read.m, SIP_H_CONTACT);
	struct sip_slice e;
	std::vector<std::string> all;
	while (sip_walk_next(&w, &e))
		all.push_back(str(e));
	EXPECT_EQ((std::vector<std::string>{
			  "\"a, \\\"b\" <sip:x@h;p=1,2>;q=1", "<sip:y@h>", "sip:z@h"}),
		all);
}

TEST(Message, AddressesInTheirShapes)
{
	struct sip_address a;
	ASSERT_EQ(0, sip_address_parse(sip_str("Some One <sips:x@h>;tag=1;p=\"q;r\""), &a));
	EXPECT_EQ("Some One", str(a.display));
	EXPECT_EQ(SIP_URI_SIPS, a.uri.scheme);
	EXPECT_EQ("1", str(a.tag));
	ASSERT_EQ(0, sip_address_parse(sip_str("sip:x@h;tag=2"), &a));
	EXPECT_EQ("sip:x@h", str(a.uri_text)) << "without <> the parameters are the header's";
	EXPECT_EQ("2", str(a.tag));
	ASSERT_EQ(0, sip_address_parse(sip_str("<sip:x@h;tag=2>"), &a));
	EXPECT_EQ("", str(a.tag));
	ASSERT_EQ(0, sip_address_parse(sip_str("\"\"<tel:+49>"), &a));
	EXPECT_EQ("", str(a.display));
	ASSERT_EQ(0, sip_address_parse(sip_str("sip:x@h;p=\"<\""), &a));
	ASSERT_EQ(0, sip_address_parse(sip_str("*"), &a));
	EXPECT_TRUE(a.star);
	for (const char *bad : {"", "<>", "<sip:x@h", "sip:x@h>", "\"x <sip:x@h>", "<sip:x@h> x",
		     "a\"b\" <sip:x@h>", "sip:x@h?y=z", "<sip:x@h>;", "<sip:x@h>;;a",
		     "\"x\" sip:x@h"})
		EXPECT_EQ(-EBADMSG, sip_address_parse(sip_str(bad), &a)) << bad;
}

TEST(Message, SmallGrammars)
{
	Request r;
	r.lines = "Session-Expires: 1800;refresher=uac\r\nRetry-After: 18000 (in a "
		  "while);duration=3\r\n"
		  "Reason: Q.850 ;cause=16 ;text=\"Normal, clearing\"\r\n"
		  "Content-Type: Application/SDP; charset=utf-8\r\n";
	r.body = "v";
	Read read(r.text());
	ASSERT_EQ(SIP_SCREEN_ACCEPT, read.s.verdict) << read.s.text;
	uint32_t n;
	ASSERT_EQ(0, sip_message_number(&read.m, SIP_H_SESSION_EXPIRES, &n));
	EXPECT_EQ(1800u, n);
	ASSERT_EQ(0, sip_message_number(&read.m, SIP_H_RETRY_AFTER, &n));
	EXPECT_EQ(18000u, n);
	EXPECT_EQ(-ENOENT, sip_message_number(&read.m, SIP_H_MIN_SE, &n));
	struct sip_reason reason;
	ASSERT_EQ(0, sip_reason_parse(sip_message_value(&read.m, SIP_H_REASON), &reason));
	EXPECT_EQ("Q.850", str(reason.protocol));
	EXPECT_EQ(16u, reason.cause);
	EXPECT_EQ("Normal, clearing", str(reason.text));
	EXPECT_EQ(-EBADMSG, sip_reason_parse(sip_str("SIP;cause=x"), &reason));
	EXPECT_EQ(-EBADMSG, sip_reason_parse(sip_str(";cause=1"), &reason));
	struct sip_content_type t;
	ASSERT_EQ(0, sip_message_content_type(&read.m, &t));
	EXPECT_EQ("SDP", str(t.subtype));
	EXPECT_TRUE(sip_message_has_sdp(&read.m));
}

TEST(Peek, SeesWhatShardsAndSheddersNeed)
{
	Request r;
	r.to_tag = "s1abc";
	std::string text = "\r\n\r\n" + r.text();
	struct sip_peek p;
	ASSERT_EQ(0, sip_peek((const uint8_t *)text.data(), text.size(), &p));
	EXPECT_TRUE(p.is_request);
	EXPECT_EQ(SIP_INVITE, p.method);
	EXPECT_EQ("cid-1@198.51.100.7", str(p.call_id));
	EXPECT_EQ("z9hG4bKabc", str(p.branch));
	EXPECT_EQ("<sip:+4930123@192.0.2.1>;tag=s1abc", str(p.to));
	EXPECT_EQ("1 INVITE", str(p.cseq));
	text = "SIP/2.0 180 Ringing\r\nv: SIP/2.0/UDP x ; branch = z9hG4bKs7x\r\n , SIP/2.0/UDP "
	       "y\r\n";
	ASSERT_EQ(0, sip_peek((const uint8_t *)text.data(), text.size(), &p));
	EXPECT_FALSE(p.is_request);
	EXPECT_EQ(180, p.status);
	EXPECT_EQ("z9hG4bKs7x", str(p.branch));
	EXPECT_EQ("s7", str(sip_id_prefix(p.branch, 2)));
	struct sip_peek q;
	ASSERT_EQ(0, sip_peek_call((const uint8_t *)text.data(), text.size(), &q));
	EXPECT_EQ(p.is_request, q.is_request);
	EXPECT_EQ(p.method, q.method);
	EXPECT_EQ(p.call_id.p, q.call_id.p);
	EXPECT_EQ(p.call_id.n, q.call_id.n);
	EXPECT_EQ(-EBADMSG, sip_peek((const uint8_t *)"", 0, &p));
	EXPECT_EQ(-EBADMSG, sip_peek_call((const uint8_t *)"", 0, &p));
	EXPECT_EQ(-EBADMSG, sip_peek((const uint8_t *)"junk", 4, &p));
}

TEST(Frame, StreamsAreCutAtContentLength)
{
	Request r;
	r.body = "12345";
	std::string one = r.text(), text = "\r\n\r\n" + one + one;
	size_t skip, length;
	for (size_t n = 0; n < 4 + one.size(); n++)
		EXPECT_EQ(
			-EAGAIN, sip_screen_frame((const uint8_t *)text.data(), n, &skip, &length));
	ASSERT_EQ(0, sip_screen_frame((const uint8_t *)text.data(), text.size(), &skip, &length));
	EXPECT_EQ(4u, skip);
	EXPECT_EQ(one.size(), length);
	std::string folded = "INVITE x SIP/2.0\r\nContent-Length\t:\r\n  3\r\n\r\nabcd";
	ASSERT_EQ(
		0, sip_screen_frame((const uint8_t *)folded.data(), folded.size(), &skip, &length));
	EXPECT_EQ(folded.size() - 1, length);
	for (const char *bad : {"x\r\nl: 5\r\nContent-Length: 5\r\n\r\n", "x\r\nl: -1\r\n\r\n",
		     "x\r\nl: 99999999999\r\n\r\n", "x\r\nl: 65536\r\n\r\n"})
		EXPECT_EQ(-EBADMSG,
			sip_screen_frame((const uint8_t *)bad, strlen(bad), &skip, &length))
			<< bad;
	std::string endless(70000, 'a');
	EXPECT_EQ(-EBADMSG,
		sip_screen_frame((const uint8_t *)endless.data(), endless.size(), &skip, &length));
}

// libosipparser2 reads the same things as we do.
TEST(Tree, AgreesWithTheSlices)
{
	ASSERT_EQ(0, sip_init());
	Request r;
	r.lines = "Supported: timer\r\n";
	r.to_tag = "tt";
	Read read(r.text());
	struct osip_message *tree;
	ASSERT_EQ(0, sip_message_tree(&read.m, &tree));
	char *call_id;
	ASSERT_EQ(0, osip_call_id_to_str(tree->call_id, &call_id));
	EXPECT_EQ(str(sip_message_call_id(&read.m)), call_id);
	osip_free(call_id);
	EXPECT_STREQ("1", tree->cseq->number);
	osip_generic_param_t *tag;
	char name[] = "tag";
	ASSERT_EQ(0, osip_uri_param_get_byname(&tree->from->gen_params, name, &tag));
	EXPECT_EQ(str(sip_message_from_tag(&read.m)), tag->gvalue);
	ASSERT_EQ(0, osip_uri_param_get_byname(&tree->to->gen_params, name, &tag));
	EXPECT_EQ(str(sip_message_to_tag(&read.m)), tag->gvalue);
	osip_message_free(tree);
	Read bad("INVITE sip:x SIP/2.0");
	EXPECT_EQ(-EBADMSG, sip_message_tree(&bad.m, &tree));
}

TEST(Build, RefusesWhatWouldBreakOut)
{
	char buffer[256];
	struct sip_build b = sip_build(buffer, sizeof(buffer));
	sip_build_header(&b, "X", sip_str("a\r\n b\r\n\tc"));
	EXPECT_EQ(0, sip_build_check(&b));
	EXPECT_EQ("X: a b c\r\n", std::string(buffer, b.n));
	sip_build_header(&b, "X", sip_str("a\r\nEvil: 1"));
	EXPECT_EQ(-EINVAL, sip_build_check(&b));
	b = sip_build(buffer, sizeof(buffer));
	sip_build_format(&b, "X", "%s", "a\nb");
	EXPECT_EQ(-EINVAL, sip_build_check(&b));
	b = sip_build(buffer, sizeof(buffer));
	sip_build_address(
		&b, "To", sip_str("say \"hi\" \\\"x\\"), sip_str("sip:a@b"), sip_str("t"));
	EXPECT_EQ(0, sip_build_check(&b));
	EXPECT_EQ("To: \"say \\\"hi\\\" \\\"x\\\\\" <sip:a@b>;tag=t\r\n", std::string(buffer, b.n));
	b = sip_build(buffer, sizeof(buffer));
	sip_build_address(&b, "To", sip_str(""), sip_str("sip:a@b>;tag=x"), sip_str(""));
	EXPECT_EQ(-EINVAL, sip_build_check(&b));
	b = sip_build(buffer, sizeof(buffer));
	sip_build_request(&b, sip_str("IN VITE"), sip_str("sip:x"));
	EXPECT_EQ(-EINVAL, sip_build_end(&b, sip_str("")));
	b = sip_build(buffer, 20);
	sip_build_header(&b, "Long", sip_str("0123456789012345"));
	EXPECT_EQ(-ENOBUFS, sip_build_end(&b, sip_str("")));
	EXPECT_LE(b.n, 20u);
}

} // namespace
