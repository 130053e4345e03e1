// SPDX-License-Identifier: BSD-3-Clause
// What the test suites of carriers and of other SIP stacks try: RFC 3665 flows with a twist, races of RFC 3262 and
// 3311, bodies of several parts, peers of RFC 2543.
#include "tests/unit/control/world.h"

#include <set>

using namespace control;

namespace
{

struct Suites : Call {
	Msg called(const std::string &body, const std::string &lines = "",
		const std::string &number = "+4930")
	{
		a.call(number, body, lines);
		a.expect(100);
		return b.expect_invite();
	}

	void confirm(const Msg &ok)
	{
		a.learn(ok);
		b.expect("ACK");
		a.ack();
	}

	// Hold and resume work.
	void changes(Party &x, Party &y)
	{
		x.sdp.version++;
		x.sdp.direction = "sendonly";
		x.request("INVITE", x.sdp.text());
		Msg i = y.expect("INVITE");
		EXPECT_NE(i.body().find("a=sendonly"), std::string::npos) << i.text;
		y.sdp.version++;
		y.sdp.direction = "recvonly";
		y.respond(i, 200, "OK", y.sdp.text());
		x.expect(200, "INVITE");
		y.expect("ACK");
		x.ack();
		x.sdp.direction = y.sdp.direction = "";
	}
};

// ---- bodies of several parts (RFC 5621)

std::string part(const std::string &head, const std::string &body)
{
	return "--b1\r\n" + head + "\r\n" + body + "\r\n";
}
std::string several(const std::string &parts)
{
	return "A preamble that nobody reads\r\n" + parts + "--b1--\r\nand an epilogue";
}
const char *const kMixed = "multipart/mixed;boundary=b1";
const char *const kSdp =
	"Content-Type: application/sdp\r\nContent-Disposition: session;handling=required\r\n";
const char *const kIsup = "Content-Type: application/isup;version=itu-t92+\r\nContent-Disposition: "
			  "signal;handling=%s\r\n";

// An INVITE whose body is of that type.
struct Parts : Suites {
	void call(const std::string &type, const std::string &body, const std::string &lines = "")
	{
		a.local_uri = format("<sip:alice@%s>", a.ip.c_str());
		a.remote_uri = "<sip:+4930@10.1.0.1>";
		a.target = "sip:+4930@10.1.0.1";
		a.cseq = 0;
		a.request("INVITE", body, lines + "User-Agent: callerSecret\r\n", type);
	}
};

TEST_F(Parts, TheOfferMayBeOneOfThem)
{
	call(kMixed, several(part(format(kIsup, "optional"), "\x01\x02 10.1.0.2") +
			     part(kSdp, a.sdp.text())));
	a.expect(100);
	Msg i = b.expect_invite();
	EXPECT_EQ(i.header("Content-Type"), "application/sdp");
	EXPECT_NE(i.body().find("m=audio"), std::string::npos);
	b.respond(i, 183, "Session Progress", several(part(kSdp, b.sdp.text())), "", "", kMixed);
	EXPECT_NE(a.expect(183).body().find("m=audio"), std::string::npos);
	b.respond(i, 200, "OK",
		several(part(kSdp, b.sdp.text()) + part(format(kIsup, "required"), "\x09")), "", "",
		"Multipart/Mixed; boundary=\"b1\"");
	Msg ok = a.expect(200);
	EXPECT_EQ(ok.header("Content-Type"), "application/sdp");
	confirm(ok);
	changes(b, a);
	// Inside the call, too.
	a.sdp.version++;
	a.sdp.port = 4400;
	a.request("INVITE", several(part(kSdp, a.sdp.text())), "", kMixed);
	Msg again = b.expect("INVITE");
	b.sdp.version++;
	b.respond(again, 200, "OK", several(part(kSdp, b.sdp.text())), "", "", kMixed);
	a.expect(200);
	b.expect("ACK");
	a.ack();
	EXPECT_EQ(media.only().plan.leg[0].remote_rtp_port, 4400);
	bye(a, b);
}

TEST_F(Parts, TheAnswerInTheAckToo)
{
	call(kMixed, several(part(format(kIsup, "optional"), "x")),
		"Content-Disposition: signal;handling=optional\r\n");
	a.expect(100);
	Msg i = b.expect_invite();
	EXPECT_EQ(i.body(), "");
	b.respond(i, 200, "OK", b.sdp.text());
	a.learn(a.expect(200));
	a.request("ACK", several(part(kSdp, a.sdp.text())), "", kMixed);
	EXPECT_NE(b.expect("ACK").body().find("m=audio"), std::string::npos);
	bye(b, a);
}

TEST_F(Parts, WhatMustBeUnderstoodAndIsNotIs415)
{
	for (const std::string &body :
		{several(part(kSdp, a.sdp.text()) + part(format(kIsup, "required"), "x")),
			several(part("Content-Type: text/plain\r\n", "hello")),
			std::string("--b2--"), std::string("nothing")}) {
		a.call_id += "x";
		call(kMixed, body);
		Msg m = a.expect(415);
		EXPECT_EQ(m.header("Accept"), "application/sdp, multipart/mixed");
		a.ack_failure(m);
	}
	a.call_id += "x";
	call("application/isup;version=x", "abc");
	a.ack_failure(a.expect(415));
}

TEST_F(Parts, OneThatMayBeIgnoredIs)
{
	call("application/isup;version=x", "abc",
		"Content-Disposition: signal;handling=optional\r\n");
	a.expect(100);
	Msg i = b.expect_invite();
	EXPECT_EQ(i.body(), "");
	b.respond(i, 486, "Busy");
	b.expect("ACK");
	a.ack_failure(a.expect(486));
}

TEST_F(Parts, OfAlternativesTheLastAndLineEndsOfAnyKind)
{
	std::string old = a.sdp.text();
	a.sdp.port = 4802;
	std::string all = several(part(kSdp, old) + part(kSdp, a.sdp.text()));
	std::string lf;
	for (char c : all)
		if (c != '\r')
			lf += c;
	call("multipart/alternative;boundary=b1", lf);
	a.expect(100);
	Msg i = b.expect_invite();
	b.respond(i, 200, "OK", b.sdp.text());
	confirm(a.expect(200));
	EXPECT_EQ(media.only().plan.leg[0].remote_rtp_port, 4802);
	bye(a, b);
}

// A description inside of what is passed on would tell where the other side is.
TEST_F(Parts, DoNotSmuggleADescriptionThrough)
{
	up();
	a.request("INFO", several(part(kSdp, a.sdp.text())), "", kMixed);
	a.expect(415, "INFO");
	EXPECT_TRUE(quiet(b.addr));
	bye(a, b);
}

// ---- answers

TEST_F(Suites, AnUnreliable183ThenA200WithoutADescription)
{
	Msg i = called(a.sdp.text());
	b.respond(i, 183, "Session Progress", b.sdp.text());
	a.expect(183);
	b.respond(i, 200, "OK");
	Msg ok = a.expect(200);
	EXPECT_NE(ok.body().find("m=audio"), std::string::npos) << ok.text;
	confirm(ok);
	EXPECT_EQ(media.only().plan.leg[1].remote_rtp_port, 6000);
	changes(a, b);
	bye(a, b);
}

TEST_F(Suites, AnotherDescriptionInThe200ThanInTheUnreliable183)
{
	Msg i = called(a.sdp.text());
	b.respond(i, 183, "Session Progress", b.sdp.text());
	a.expect(183);
	b.sdp.port = 6200;
	b.sdp.version++;
	b.respond(i, 200, "OK", b.sdp.text());
	confirm(a.expect(200));
	EXPECT_EQ(media.only().plan.leg[1].remote_rtp_port, 6200);
	bye(b, a);
}

TEST_F(Suites, UnreliableThenReliable183)
{
	Msg i = called(a.sdp.text(), "Supported: 100rel\r\n");
	b.respond(i, 183, "Session Progress", b.sdp.text());
	a.expect(183);
	b.respond(i, 183, "Session Progress", b.sdp.text(), "Require: 100rel\r\nRSeq: 5\r\n");
	Msg prack = b.expect("PRACK");
	EXPECT_EQ(prack.header("RAck").substr(0, 2), "5 ");
	b.respond(prack, 200, "OK");
	Msg m = a.expect(183);
	EXPECT_TRUE(m.has("RSeq"));
	a.learn(m);
	a.cseq_ack = 1;
	a.request("PRACK", "", format("RAck: %s 1 INVITE\r\n", m.header("RSeq").c_str()));
	a.expect(200, "PRACK");
	b.respond(i, 200, "OK", b.sdp.text());
	Msg ok = a.expect(200, "INVITE");
	a.learn(ok);
	b.expect("ACK");
	a.cseq_ack = 1;
	a.ack();
	bye(a, b);
}

TEST_F(Suites, A200BeforeThePrackOfItsDescription)
{
	Msg i = called(a.sdp.text(), "Require: 100rel\r\n");
	b.respond(i, 183, "Session Progress", b.sdp.text(), "Require: 100rel\r\nRSeq: 5\r\n");
	Msg m = a.expect(183);
	a.learn(m);
	b.respond(b.expect("PRACK"), 200, "OK");
	b.respond(i, 200, "OK", b.sdp.text());
	b.expect("ACK");
	EXPECT_TRUE(quiet(a.addr)); // RFC 3262 3: not before the PRACK
	a.request("PRACK", "", format("RAck: %s 1 INVITE\r\n", m.header("RSeq").c_str()));
	a.expect(200, "PRACK");
	Msg ok = a.expect(200, "INVITE");
	a.cseq_ack = 1;
	a.ack();
	bye(b, a);
}

TEST_F(Suites, CancelledBeforeThePrack)
{
	Msg i = called(a.sdp.text(), "Require: 100rel\r\n");
	b.respond(i, 183, "Session Progress", b.sdp.text(), "Require: 100rel\r\nRSeq: 5\r\n");
	a.expect(183);
	b.respond(b.expect("PRACK"), 200, "OK");
	a.cancel();
	a.expect(200, "CANCEL");
	a.ack_failure(a.expect(487));
	b.respond(b.expect("CANCEL"), 200, "OK");
	b.respond(i, 487, "Request Terminated");
	b.expect("ACK");
}

// ---- requests that cross or come too early

TEST_F(Suites, ASecondInviteWhileTheFirstIsPending)
{
	Msg i = called(a.sdp.text());
	b.respond(i, 180, "Ringing");
	a.learn(a.expect(180));
	a.request("INVITE", a.sdp.text());
	Msg m = a.expect(500, "INVITE");
	EXPECT_TRUE(m.has("Retry-After"));
	a.ack_failure(m);
	// And from the callee.
	b.request("INVITE", b.sdp.text());
	b.ack_failure(b.expect(491, "INVITE"));
	b.respond(i, 200, "OK", b.sdp.text());
	Msg ok = a.expect(200, "INVITE");
	a.learn(ok);
	b.expect("ACK");
	a.cseq_ack = 1;
	a.ack();
	changes(a, b);
	bye(a, b);
}

// Which it must not send (RFC 3261 15), but what it means is clear.
TEST_F(Suites, AByeOfTheCalleeInAnEarlyDialogEndsTheCall)
{
	b.respond(called(a.sdp.text()), 180, "Ringing");
	a.expect(180);
	b.request("BYE");
	b.expect(200, "BYE");
	a.ack_failure(a.expect(487, "INVITE"));
}

TEST_F(Suites, InfoAndOptionsInAnEarlyDialog)
{
	Msg i = called(a.sdp.text());
	b.respond(i, 183, "Session Progress", b.sdp.text());
	a.learn(a.expect(183));
	a.request("INFO", "x", "", "text/plain");
	b.respond(b.expect("INFO"), 200, "OK");
	a.expect(200, "INFO");
	b.cseq = 10;
	b.request("OPTIONS");
	a.respond(a.expect("OPTIONS"), 200, "OK");
	b.expect(200, "OPTIONS");
	b.respond(i, 200, "OK", b.sdp.text());
	Msg ok = a.expect(200, "INVITE");
	b.expect("ACK");
	a.cseq_ack = 1;
	a.ack();
	bye(a, b);
}

TEST_F(Suites, TargetsMoveByReInviteAndUpdate)
{
	up();
	// The caller moves to another port of its address.
	a.raw(a.with_body(
		format("INVITE %s SIP/2.0\r\n", a.target.c_str()) + a.via() +
			format("Max-Forwards: 70\r\nFrom: %s;tag=%s\r\nTo: %s;tag=%s\r\nCall-ID: "
			       "%s\r\nCSeq: %u INVITE\r\n"
			       "Contact: "
			       "<sip:new@10.1.0.2:5099;ob>;+sip.instance=\"<urn:uuid:1>\"\r\n",
				a.local_uri.c_str(), a.tag.c_str(), a.remote_uri.c_str(),
				a.remote_tag.c_str(), a.call_id.c_str(), ++a.cseq),
		a.sdp.text()));
	Msg ok = a.expect(200, "INVITE"); // a refresh
	a.ack();
	b.request("BYE");
	b.expect(200, "BYE");
	Msg m = a.expect("BYE");
	EXPECT_EQ(m.uri(), "sip:new@10.1.0.2:5099;ob");
	EXPECT_EQ(m.to.remote.port, 5099);
	a.respond(m, 200, "OK");
}

// ---- requests that are refused

TEST_F(Suites, ExtensionsThatNobodyHereKnows)
{
	a.call("+4930", a.sdp.text(), "Require: precondition, 100rel\r\nRequire: x-y\r\n");
	Msg m = a.expect(420);
	EXPECT_EQ(m.header("Unsupported"), "precondition, x-y");
	a.ack_failure(m);
	// The call goes on when they are asked for inside it.
	a.call_id = "caller-2";
	up();
	a.request("INVITE", a.sdp.text(), "Require: precondition\r\n");
	m = a.expect(420, "INVITE");
	a.ack_failure(m);
	changes(a, b);
	bye(a, b);
}

TEST_F(Suites, MethodsAndEventsThatNobodyHereKnows)
{
	up();
	a.request("FOO");
	Msg m = a.expect(501, "FOO");
	EXPECT_NE(m.header("Allow").find("UPDATE"), std::string::npos) << m.text;
	a.request("PUBLISH", "x", "Event: presence\r\n", "text/plain");
	m = a.expect(405, "PUBLISH");
	EXPECT_NE(m.header("Allow").find("INVITE"), std::string::npos);
	a.request("SUBSCRIBE", "", "Contact: <sip:callerSecret@10.1.0.2>\r\n");
	a.expect(489, "SUBSCRIBE");
	a.request("INVITE", "gz", "Content-Encoding: gzip\r\n");
	m = a.expect(415, "INVITE");
	EXPECT_EQ(m.header("Accept-Encoding"), "identity");
	a.ack_failure(m);
	changes(b, a);
	bye(a, b);
}

TEST_F(Suites, InfoPackagesCrossAndSoDoTheirRefusals)
{
	Msg i = called(a.sdp.text(), "Recv-Info: conference, foo\r\n");
	EXPECT_EQ(i.header("Recv-Info"), "conference, foo");
	b.respond(i, 200, "OK", b.sdp.text(), "Recv-Info: nil\r\n");
	Msg ok = a.expect(200);
	EXPECT_EQ(ok.header("Recv-Info"), "nil");
	confirm(ok);
	b.cseq = 1;
	b.request("INFO", "<x/>", "Info-Package: foo\r\nContent-Disposition: Info-Package\r\n",
		"application/foo+xml");
	Msg m = a.expect("INFO");
	EXPECT_EQ(m.header("Info-Package"), "foo");
	EXPECT_EQ(m.header("Content-Disposition"), "Info-Package");
	a.respond(m, 469, "Bad Info Package", "", "Recv-Info: conference\r\n");
	m = b.expect(469, "INFO");
	EXPECT_EQ(m.header("Recv-Info"), "conference");
	bye(a, b);
}

// ---- peers of RFC 2543, and headers in their other forms

TEST_F(Suites, WithoutCookieTagAndContact)
{
	std::string via = "Via: SIP/2.0/UDP 10.1.0.2:5060\r\n";
	std::string core =
		"From: <sip:alice@10.1.0.2>\r\nTo: <sip:+4930@10.1.0.1>\r\nCall-ID: old-caller\r\n";
	std::string invite =
		"INVITE sip:+4930@10.1.0.1 SIP/2.0\r\n" + via + core + "CSeq: 7 INVITE\r\n";
	a.raw(a.with_body(invite, a.sdp.text()));
	a.expect(100);
	Msg i = b.expect_invite();
	a.raw(a.with_body(invite, a.sdp.text())); // again
	EXPECT_TRUE(quiet(b.addr));
	while (!quiet(a.addr))
		a.get();
	b.respond(i, 180, "Ringing");
	Msg m = a.expect(180);
	a.raw("CANCEL sip:+4930@10.1.0.1 SIP/2.0\r\n" + via + core +
		"CSeq: 7 CANCEL\r\nContent-Length: 0\r\n\r\n");
	a.expect(200, "CANCEL");
	m = a.expect(487);
	a.raw("ACK sip:+4930@10.1.0.1 SIP/2.0\r\n" + via +
		"From: <sip:alice@10.1.0.2>\r\nTo: " + m.header("To") +
		"\r\nCall-ID: old-caller\r\nCSeq: 7 ACK\r\nContent-Length: 0\r\n\r\n");
	b.respond(b.expect("CANCEL"), 200, "OK");
	b.respond(i, 487, "Request Terminated");
	b.expect("ACK");
	advance(40000);
	EXPECT_TRUE(quiet(a.addr)); // its ACK was understood
}

TEST_F(Suites, AWholeCallOfAPeerWithoutTags)
{
	std::string core =
		"f: <sip:alice@10.1.0.2>\r\ni: old-caller\r\nm: <sip:callerSecret@10.1.0.2>\r\n";
	a.raw("INVITE sip:+4930@10.1.0.1 SIP/2.0\r\nv: SIP/2.0/UDP 10.1.0.2:5060;branch=1\r\n" +
		core + "t: <sip:+4930@10.1.0.1>\r\nCSeq: 7\r\n INVITE\r\ns: \r\n folded\r\nl: " +
		std::to_string(a.sdp.text().size()) + "\r\nc: application/sdp\r\n\r\n" +
		a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	b.respond(i, 200, "OK", b.sdp.text());
	Msg ok = a.expect(200);
	b.expect("ACK");
	std::string to = "To: " + ok.header("To") + "\r\n";
	a.raw("ACK sip:+4930@10.1.0.1 SIP/2.0\r\nv: SIP/2.0/UDP 10.1.0.2:5060;branch=1\r\n" + core +
		to + "CSeq: 7 ACK\r\n\r\n");
	advance(40000);
	EXPECT_TRUE(quiet(a.addr));
	b.cseq = 1;
	b.request("BYE");
	b.expect(200, "BYE");
	Msg m = a.expect("BYE");
	a.respond(m, 200, "OK");
}

TEST_F(Suites, ViasInOneLineAndRoutesOfManyProxies)
{
	std::string routes, others;
	for (int n = 0; n < 12; n++)
		routes += format("%s<sip:p%d.caller.example.net;lr;ftag=0123456789abcdef>",
			n ? ", " : "", n);
	a.raw(a.with_body(
		"INVITE sip:+4930@10.1.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP "
		"10.1.0.2:5060;branch=z9hG4bKcaller1, SIP/2.0/TCP "
		"caller.example.net;branch=z9hG4bKcaller0;received=10.1.0.77\r\nVia: SIP/2.0/UDP "
		"10.1.0.9\r\nRecord-Route: " +
			routes +
			"\r\nFrom: <sip:alice@10.1.0.2>;tag=1\r\nTo: "
			"<sip:+4930@10.1.0.1>\r\nCall-ID: many-caller\r\nCSeq: 1 INVITE\r\n"
			"Max-Forwards: 60\r\nContact: <sip:callerSecret@caller.example.net>\r\n",
		a.sdp.text()));
	a.expect(100);
	Msg i = b.expect_invite();
	EXPECT_FALSE(i.has("Record-Route"));
	b.respond(i, 200, "OK", b.sdp.text());
	Msg ok = a.expect(200);
	EXPECT_NE(ok.text.find("z9hG4bKcaller0"), std::string::npos);
	EXPECT_NE(ok.text.find("p11.caller.example.net"), std::string::npos);
	b.expect("ACK");
	a.raw("ACK sip:+4930@10.1.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP "
	      "10.1.0.2:5060;branch=z9hG4bKcaller2\r\nFrom: <sip:alice@10.1.0.2>;tag=1\r\nTo: " +
		ok.header("To") +
		"\r\nCall-ID: many-caller\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n");
	b.cseq = 1;
	b.request("BYE");
	b.expect(200, "BYE");
	Msg m = a.expect("BYE");
	EXPECT_EQ(m.uri(), "sip:callerSecret@caller.example.net");
	std::string route = m.header("Route");
	EXPECT_LT(route.find("p0."), route.find("p11.")) << m.text;
	a.respond(m, 200, "OK");
}

TEST_F(Suites, TheOtherEndsSessionMayBecomeAnotherOne)
{
	up();
	// A peer that has transferred behind itself: another o= and a lower version.
	std::string other = "v=0\r\no=pbx 99 1 IN IP4 10.2.0.2\r\ns=-\r\nc=IN IP4 10.2.0.2\r\nt=0 "
			    "0\r\nm=audio 6800 RTP/AVP 0\r\n";
	b.cseq = 1;
	b.request("INVITE", other);
	Msg i = a.expect("INVITE");
	a.sdp.codecs = "0";
	a.sdp.attributes = "";
	a.sdp.version++;
	a.respond(i, 200, "OK", a.sdp.text());
	b.expect(200, "INVITE");
	a.expect("ACK");
	b.ack();
	EXPECT_EQ(media.only().plan.leg[1].remote_rtp_port, 6800);
	bye(b, a);
}

TEST_F(Suites, ACallsNumbersMayJump)
{
	up();
	a.cseq += 1000;
	a.request("OPTIONS");
	b.respond(b.expect("OPTIONS"), 200, "OK");
	a.expect(200, "OPTIONS");
	a.cseq -= 500;
	a.request("OPTIONS");
	a.expect(500, "OPTIONS"); // RFC 3261 12.2.2
	a.cseq += 1000;
	changes(a, b);
	bye(a, b);
}

TEST_F(Suites, AnOfferWithoutACommonCodecInsideACall)
{
	up();
	a.sdp.version++;
	a.sdp.codecs = "96";
	a.sdp.attributes = "a=rtpmap:96 X-STRANGE/8000\r\n";
	a.request("INVITE", a.sdp.text());
	Msg i = b.expect("INVITE");
	b.respond(i, 488, "Not Acceptable Here", "", "Warning: 304 10.2.0.2 \"no such codec\"\r\n");
	b.expect("ACK");
	Msg m = a.expect(488);
	EXPECT_TRUE(m.has("Warning"));
	a.ack_failure(m);
	EXPECT_EQ(media.only().plan.leg[0].remote_rtp_port, 4000);
	bye(b, a);
}

// RFC 4103: text beside sound has a session of its own, whose silence means nothing.
TEST_F(Suites, RealTimeText)
{
	const char *text = "m=text %d RTP/AVP 100 98\r\na=rtpmap:98 t140/1000\r\na=rtpmap:100 "
			   "red/1000\r\na=fmtp:100 98/98/98\r\n";
	a.sdp.more = format(text, 4100);
	Msg i = called(a.sdp.text());
	EXPECT_NE(i.body().find("a=fmtp:100 98/98/98"), std::string::npos) << i.text;
	b.sdp.more = format(text, 6100);
	b.respond(i, 200, "OK", b.sdp.text());
	Msg ok = a.expect(200);
	EXPECT_EQ(ok.body().find("m=text 0"), std::string::npos) << ok.text;
	confirm(ok);
	ASSERT_EQ(media.sessions.size(), 2u);
	for (auto &s : media.sessions) {
		bool typed = s.second.plan.leg[0].remote_rtp_port == 4100;
		EXPECT_EQ((s.second.plan.leg[0].flags & ABI_LEG_TIMEOUT) != 0, !typed);
		EXPECT_TRUE(s.second.plan.leg[0].flags & ABI_LEG_SEND);
	}
	bye(a, b);
}

TEST_F(Suites, APartyMovesToTheOtherFamily)
{
	up();
	b.cseq = 1;
	std::string six = "v=0\r\no=- 4711 9 IN IP6 fd00:1::2\r\ns=-\r\nc=IN IP6 fd00:1::2\r\nt=0 "
			  "0\r\nm=audio 4300 RTP/AVP 8\r\n";
	a.request("INVITE", six);
	Msg i = b.expect("INVITE");
	EXPECT_NE(i.body().find("IN IP4 10.2.0.1"), std::string::npos) << i.text;
	b.sdp.version++;
	b.respond(i, 200, "OK", b.sdp.text());
	Msg ok = a.expect(200, "INVITE");
	EXPECT_NE(ok.body().find("IN IP6 fd00:1::1"), std::string::npos) << ok.text;
	b.expect("ACK");
	a.ack();
	const auto &leg = media.only().plan.leg[0];
	EXPECT_EQ(leg.family, 6);
	EXPECT_EQ(leg.remote_rtp_port, 4300);
	changes(b, a);
	bye(a, b);
}

TEST_F(Suites, ManyForks)
{
	Msg i = called(a.sdp.text(), "Supported: 100rel\r\n");
	for (int n = 0; n < 200; n++)
		b.respond(i, 183, "Session Progress", n % 2 ? b.sdp.text() : "", "",
			format("fork-%d", n));
	std::set<std::string> tags;
	while (!quiet(a.addr)) {
		tags.insert(a.expect(183).tag("To"));
	}
	EXPECT_GE(tags.size(), 64u);
	EXPECT_LE(tags.size(), 65u); // no callee can make us remember more
	b.tag = "fork-199";
	b.respond(i, 200, "OK", b.sdp.text());
	confirm(a.expect(200, "INVITE"));
	changes(a, b);
	bye(a, b);
}

// ---- descriptions as phones write them

TEST_F(Suites, DescriptionsOfAllKinds)
{
	const char *head =
		"v=0\r\no=- 1 1 IN IP4 10.1.0.2\r\ns=-\r\nc=IN IP4 10.1.0.2\r\nt=0 0\r\n";
	std::string many = "m=audio 4000 RTP/AVP 8";
	for (int n = 96; n < 126; n++)
		many += format(" %d", n);
	many += "\r\n";
	for (int n = 96; n < 126; n++)
		many += format("a=rtpmap:%d X-%d/8000\r\n", n, n);
	const std::string fine[] = {
		std::string(head) + "m=audio 4000/1 RTP/AVP 8\r\n",
		std::string(head) + "m=audio 4000 RTP/AVP 8 \r\n",
		std::string(head) +
			"m=audio 4000 RTP/AVP 8\r\na=rtpmap:8 pcma/8000/1\r\na=PTIME:20\r\n",
		std::string(head) + "a=sendonly\r\nm=audio 4000 RTP/AVP 8\r\n",
		std::string(head) + "m=audio 4000 RTP/AVP 8\r\n\r\n",
		std::string(head) + "m=audio 4000 RTP/AVP 8", // no line end
		std::string(head) + "m=audio 4000 RTP/AVP 8\r\na=rtcp:4100 IN IP4 10.1.0.2\r\n",
		std::string(head) + "m=audio 4000 RTP/AVPF 8\r\na=rtcp-fb:* nack\r\n",
		std::string(head) + "m=audio 4000 rtp/avp 8\r\n",
		std::string(head) +
			"m=audio 4000 RTP/AVP 8\r\nm=audio 0 RTP/AVP 8\r\nm=video 0 RTP/AVP 31\r\n",
		std::string(head) +
			"m=audio 4000 RTP/AVP 8\r\nm=application 4004 UDP/BFCP *\r\nm=message 2855 "
			"TCP/MSRP *\r\na=path:msrp://10.1.0.2:2855/s;tcp\r\n",
		std::string(head) + "m=audio 4000 RTP/AVP 8 8 0 8\r\n",
		std::string(head) + many,
		"v=0\no=- 1 1 IN IP4 10.1.0.2\ns=-\nc=IN IP4 10.1.0.2\nt=0 0\nm=audio 4000 RTP/AVP "
		"8\n",
		"v=0\r\no=root 4711 0 IN IP4 10.1.0.2\r\ns=session\r\nt=0 "
		"0\r\nm=audio 4000 RTP/AVP 8\r\nc=IN IP4 10.1.0.2\r\n",
		"v=0\r\no=SBC 18446744073709551615 18446744073709551615 IN IP4 10.1.0.2\r\ns= "
		"\r\nc=IN IP4 10.1.0.2\r\nb=AS:80\r\nb=RS:0\r\nt=0 0\r\nr=1\r\nk=prompt\r\nm=audio "
		"4000 RTP/AVP 8\r\n",
		"v=0\r\no=- 1 1 IN IP4 10.1.0.2\r\ns=\r\ni=\r\nc=IN IP4 10.1.0.2\r\nt=0 "
		"0\r\nm=audio 4000 RTP/AVP 8\r\n",
		"v=0\r\no=- 1 1 IN IP4 pbx.caller.example\r\ns=-\r\ne=a@b\r\np=+1\r\nc=IN IP4 "
		"10.1.0.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n",
		"v=0\r\no=- 1 1 IN IP4 10.1.0.2\r\ns=-\r\nc=IN IP4 10.1.0.2/127\r\nt=0 "
		"0\r\nm=audio 4000 RTP/AVP 8\r\n",
		"v=0\r\no=- 1 1 IN IP4 10.1.0.2\r\nc=IN IP4 10.1.0.2\r\nm=audio 4000 RTP/AVP 8\r\n",
	};
	int n = 0;
	for (const std::string &sdp : fine) {
		SCOPED_TRACE(sdp);
		a.call_id = format("caller-sdp-%d", n++);
		a.remote_tag = "";
		a.call("+4930", sdp);
		Msg first = a.get();
		if (first.status() != 100) {
			ADD_FAILURE() << first.text;
			a.ack_failure(first);
			continue;
		}
		Msg i = b.expect_invite();
		std::string body = i.body();
		unsigned lines = 0;
		for (size_t at = 0; (at = sdp.find("\nm=", at)) != std::string::npos; at++)
			lines++;
		for (size_t at = 0; (at = body.find("\nm=", at)) != std::string::npos; at++)
			lines--;
		EXPECT_EQ(lines, 0u) << body;
		// An answer that mirrors it with one audio stream.
		std::string answer = "v=0\r\no=- 9 9 IN IP4 10.2.0.2\r\ns=-\r\nc=IN IP4 "
				     "10.2.0.2\r\nt=0 0\r\nm=audio 6000 RTP/AVP 8\r\n";
		if (body.find("RTP/AVPF") != std::string::npos)
			answer.replace(answer.find("RTP/AVP"), 7, "RTP/AVPF");
		bool first_line = true;
		for (size_t at = 0; (at = body.find("\nm=", at)) != std::string::npos; at++) {
			if (!first_line) {
				std::string kind = body.substr(at + 1, body.find(' ', at) - at - 1);
				size_t proto = body.find(' ', body.find(' ', at) + 1);
				answer += kind + " 0" +
					  body.substr(proto, body.find("\r\n", proto) - proto) +
					  "\r\n";
			}
			first_line = false;
		}
		b.respond(i, 200, "OK", answer);
		Msg ok = a.get();
		EXPECT_EQ(ok.status(), 200) << ok.text;
		if (ok.status() != 200)
			return;
		confirm(ok);
		EXPECT_EQ(media.sessions.begin()->second.plan.leg[0].remote_rtp_port, 4000);
		bye(a, b);
	}
}

} // namespace
