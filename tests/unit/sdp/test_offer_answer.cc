// SPDX-License-Identifier: BSD-3-Clause
//
// One exchange: who is shown what, what is refused, versions, refreshes, events out of turn.
#include "call.h"

// ---- The plain call -----------------------------------------------------------------------------

TEST(OfferAnswer, APlainCall)
{
	Call call;
	std::string to_b = call.offer(SDP_LEG_A, audio("192.0.2.10", 4000));
	std::string to_a = call.answer(SDP_LEG_B, audio("192.0.2.20", 6000, "", "8 101"));

	EXPECT_EQ(crlf("v=0\n"
		       "o=- 2222222222 1 IN IP4 203.0.113.1\n"
		       "s=-\n"
		       "c=IN IP4 203.0.113.1\n"
		       "t=0 0\n"
		       "m=audio 20000 RTP/AVP 0 8 101\n"
		       "a=rtpmap:101 telephone-event/8000\n"
		       "a=fmtp:101 0-15\n"
		       "a=sendrecv\n"),
		to_b);
	EXPECT_EQ(crlf("v=0\n"
		       "o=- 1111111111 1 IN IP4 198.51.100.1\n"
		       "s=-\n"
		       "c=IN IP4 198.51.100.1\n"
		       "t=0 0\n"
		       "m=audio 10000 RTP/AVP 8 101\n"
		       "a=rtpmap:101 telephone-event/8000\n"
		       "a=fmtp:101 0-15\n"
		       "a=sendrecv\n"),
		to_a);
}

TEST(OfferAnswer, ThePlanOfAPlainCall)
{
	Call call;
	const struct sdp_plan_leg *a, *b;

	call.exchange(SDP_LEG_A, audio("192.0.2.10", 4000, "a=ptime:20\n"),
		audio("192.0.2.20", 6000, "a=rtcp:7777\na=ptime:30\n", "8 101"));
	const struct sdp_plan &plan = call.plan();

	EXPECT_FALSE(plan.provisional);
	EXPECT_FALSE(plan.held);
	ASSERT_EQ(1u, plan.n_streams);
	EXPECT_EQ(1u, plan.n_active);
	EXPECT_EQ(SDP_ACCEPTED, plan.stream[0].refusal);
	EXPECT_EQ(SDP_AUDIO, plan.stream[0].kind);
	a = &plan.stream[0].leg[SDP_LEG_A];
	b = &plan.stream[0].leg[SDP_LEG_B];
	EXPECT_EQ("192.0.2.10:4000", endpoint(a->rtp));
	EXPECT_EQ("192.0.2.10:4001", endpoint(a->rtcp));
	EXPECT_EQ("192.0.2.20:6000", endpoint(b->rtp));
	EXPECT_EQ("192.0.2.20:7777", endpoint(b->rtcp));
	EXPECT_EQ(10000, a->local.rtp_port);
	EXPECT_EQ(20000, b->local.rtp_port);
	EXPECT_TRUE(a->send && a->receive && b->send && b->receive);
	EXPECT_EQ("8>8 101>101", pts(*a));
	EXPECT_EQ("8>8 101>101", pts(*b));
	EXPECT_FALSE(a->renumber || b->renumber);
	EXPECT_STREQ("PCMA", a->in.name);
	EXPECT_EQ(8000u, b->out.rate);
	EXPECT_EQ(101, a->dtmf_in);
	EXPECT_EQ(101, b->dtmf_out);
	EXPECT_EQ(20, a->ptime);
	EXPECT_EQ(30, b->ptime);
	EXPECT_EQ(SDP_KEY_PLAIN, a->secure.keying);
}

TEST(OfferAnswer, NeedSaysWhatToAllocate)
{
	Call call;

	ASSERT_EQ(0, call.take_offer(SDP_LEG_A,
			     crlf("v=0\no=- 1 1 IN IP6 2001:db8::9\nc=IN IP6 2001:db8::9\n"
				  "m=audio 4000 RTP/AVP 0\na=rtcp-mux\n"
				  "m=video 0 RTP/AVP 31\n"
				  "m=video 5000 RTP/AVPF 31\nc=IN IP4 192.0.2.1\n"
				  "m=audio 7 RTP/SAVP 0\n"
				  "m=message 7 TCP/MSRP *\n")));
	EXPECT_EQ(SDP_LEG_A, call.need.offerer);
	EXPECT_EQ(5u, call.need.n_streams);
	EXPECT_EQ(2u, call.need.n_usable);
	EXPECT_EQ(1u, call.need.n_secure);
	EXPECT_FALSE(call.need.same);
	EXPECT_EQ(6, call.need.stream[0].family);
	EXPECT_TRUE(call.need.stream[0].mux);
	EXPECT_TRUE(call.need.stream[0].wanted[SDP_LEG_A]);
	EXPECT_TRUE(call.need.stream[0].wanted[SDP_LEG_B]);
	EXPECT_EQ(SDP_REFUSED_PORT_0, call.need.stream[1].refusal);
	EXPECT_FALSE(call.need.stream[1].wanted[SDP_LEG_A]);
	EXPECT_EQ(4, call.need.stream[2].family);
	EXPECT_FALSE(call.need.stream[2].mux);
	EXPECT_EQ(SDP_REFUSED_SECURE, call.need.stream[3].refusal);
	EXPECT_EQ(SDP_REFUSED_TRANSPORT, call.need.stream[4].refusal);
}

TEST(OfferAnswer, PortsStayAcrossOffers)
{
	Call call;

	call.exchange(SDP_LEG_A, audio("192.0.2.10", 4000), audio("192.0.2.20", 6000));
	ASSERT_EQ(0, call.take_offer(SDP_LEG_B, audio("192.0.2.20", 6002)));
	EXPECT_FALSE(call.need.stream[0].wanted[SDP_LEG_A]);
	EXPECT_FALSE(call.need.stream[0].wanted[SDP_LEG_B]);
}

TEST(OfferAnswer, TheLegsMayBeOfDifferentFamilies)
{
	Call call;

	ASSERT_EQ(0, call.take_offer(SDP_LEG_A, audio("192.0.2.10", 4000)));
	call.give_ports(6);
	Body to_b(call.show_offer());
	EXPECT_EQ("2001:db8:b::1", str(to_b.media().conn.host));
	EXPECT_EQ("2001:db8:b::1", str(to_b.tree->origin.addr.host));
	Body to_a(call.answer(SDP_LEG_B,
		"v=0\no=- 1 1 IN IP6 2001:db8::1\nc=IN IP6 2001:db8::1\nm=audio 6 RTP/AVP 0\n"));
	EXPECT_EQ("198.51.100.1", str(to_a.media().conn.host));
	EXPECT_EQ("[2001:db8::1]:6", "[" + ip(call.plan().stream[0].leg[1].rtp.ip, 6) + "]:" +
					     std::to_string(call.plan().stream[0].leg[1].rtp.port));
}

TEST(OfferAnswer, AnAnswerOfTheWrongFamilyIsNoMedia)
{
	Call call;

	call.offer(SDP_LEG_A, audio("192.0.2.10", 4000));
	Body to_a(call.answer(SDP_LEG_B,
		"v=0\no=- 1 1 IN IP6 2001:db8::1\nc=IN IP6 2001:db8::1\nm=audio 6 RTP/AVP 0\n"));
	EXPECT_EQ(0, to_a.media().port);
	EXPECT_EQ(SDP_REFUSED_ADDRESS, call.plan().stream[0].refusal);
	EXPECT_EQ(0u, call.plan().n_active);
}

TEST(OfferAnswer, Rfc4317AudioVideoWithOneCodecRejected)
{
	// RFC 4317 2.1 and 2.2: Bob takes PCMU and MPV, and has another order of things.
	Call call;
	Body to_b(call.offer(SDP_LEG_A, crlf("v=0\n"
					     "o=alice 2890844526 2890844526 IN IP4 192.0.2.30\n"
					     "s=\n"
					     "c=IN IP4 192.0.2.30\n"
					     "t=0 0\n"
					     "m=audio 49170 RTP/AVP 0 8 97\n"
					     "a=rtpmap:0 PCMU/8000\n"
					     "a=rtpmap:8 PCMA/8000\n"
					     "a=rtpmap:97 iLBC/8000\n"
					     "m=video 51372 RTP/AVP 31 32\n"
					     "a=rtpmap:31 H261/90000\n"
					     "a=rtpmap:32 MPV/90000\n")));
	EXPECT_EQ((std::vector<unsigned>{0, 8, 97}), to_b.pts(0));
	EXPECT_EQ((std::vector<unsigned>{31, 32}), to_b.pts(1));
	Body to_a(call.answer(SDP_LEG_B, crlf("v=0\n"
					      "o=bob 2808844564 2808844564 IN IP4 192.0.2.40\n"
					      "s=\n"
					      "c=IN IP4 192.0.2.40\n"
					      "t=0 0\n"
					      "m=audio 49174 RTP/AVP 97 0\n"
					      "a=rtpmap:0 PCMU/8000\n"
					      "a=rtpmap:97 iLBC/8000\n"
					      "m=video 49172 RTP/AVP 32\n"
					      "a=rtpmap:32 MPV/90000\n")));
	EXPECT_EQ((std::vector<unsigned>{97, 0}), to_a.pts(0)); // Bob's order
	EXPECT_EQ((std::vector<unsigned>{32}), to_a.pts(1));
	EXPECT_EQ(10000, to_a.media(0).port);
	EXPECT_EQ(10010, to_a.media(1).port);
	call.accept();
	EXPECT_STREQ("iLBC", call.plan().stream[0].leg[0].in.name);
	EXPECT_STREQ("MPV", call.plan().stream[1].leg[1].out.name);

	// 2.3: Bob's second offer drops the video.
	Body again(call.offer(SDP_LEG_B, crlf("v=0\n"
					      "o=bob 2808844564 2808844565 IN IP4 192.0.2.40\n"
					      "s=\n"
					      "c=IN IP4 192.0.2.40\n"
					      "t=0 0\n"
					      "m=audio 49174 RTP/AVP 97 0\n"
					      "a=rtpmap:0 PCMU/8000\n"
					      "a=rtpmap:97 iLBC/8000\n"
					      "m=video 0 RTP/AVP 32\n")));
	EXPECT_EQ(10000, again.media(0).port);
	EXPECT_EQ(0, again.media(1).port);
}

TEST(OfferAnswer, TheTimeOfTheAnswerIsThatOfTheOffer)
{
	Call call;
	std::string timed = audio("192.0.2.10", 4000);

	timed.replace(timed.find("t=0 0"), 5, "t=2873397496 2873404696");
	call.offer(SDP_LEG_A, timed);
	Body to_a(call.answer(SDP_LEG_B, audio("192.0.2.20", 6000)));
	EXPECT_EQ("2873397496 2873404696", str(to_a.tree->time));
}

TEST(OfferAnswer, ASessionWithoutMediaGoesThrough)
{
	Call call;
	const std::string empty = "v=0\r\no=bob 9 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n";

	EXPECT_EQ("v=0\r\no=- 2222222222 1 IN IP4 0.0.0.0\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n",
		call.offer(SDP_LEG_A, empty));
	Body to_a(call.answer(SDP_LEG_B, empty));
	EXPECT_EQ(0, to_a.tree->n_media);
	call.accept();
	EXPECT_EQ(0u, call.plan().n_streams);
	// Media comes later, from the other side. The o= stays what it was, but for its version.
	Body later(call.offer(SDP_LEG_B, audio("192.0.2.20", 6000)));
	EXPECT_EQ("0.0.0.0", str(Body(call.answer(SDP_LEG_A, audio("192.0.2.10", 4000)))
					     .tree->origin.addr.host));
	EXPECT_EQ(10000, later.media().port);
}

// ---- What cannot be relayed ---------------------------------------------------------------------

TEST(OfferAnswer, UnusableLinesAreOfferedWithPortZeroInTheirPlace)
{
	Call call;
	Body to_b(call.offer(SDP_LEG_A,
		crlf("v=0\no=- 1 1 IN IP4 192.0.2.1\nc=IN IP4 192.0.2.1\n"
		     "m=message 7 TCP/MSRP *\na=path:msrp://192.0.2.1:7394/x;tcp\n"
		     "m=audio 4000 RTP/AVP 0\n"
		     "m=image 5000 udptl t38\na=T38FaxVersion:0\n"
		     "m=audio 6000 RTP/SAVP 0\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:k\n"
		     "m=audio 8000 RTP/AVP 0\nc=IN IP4 224.2.1.1/127\n")));

	ASSERT_EQ(5, to_b.tree->n_media);
	EXPECT_EQ("message 0 TCP/MSRP *", str(to_b.media(0).m_text));
	EXPECT_EQ(20010, to_b.media(1).port);
	EXPECT_EQ("image 0 udptl t38", str(to_b.media(2).m_text));
	EXPECT_EQ("audio 0 RTP/SAVP 0", str(to_b.media(3).m_text));
	EXPECT_EQ("audio 0 RTP/AVP 0", str(to_b.media(4).m_text));
	EXPECT_EQ(0, to_b.media(0).n_lines);
	Body to_a(call.answer(SDP_LEG_B,
		crlf("v=0\no=- 1 1 IN IP4 192.0.2.2\nc=IN IP4 192.0.2.2\n"
		     "m=message 0 TCP/MSRP *\nm=audio 9000 RTP/AVP 0\nm=image 0 udptl t38\n"
		     "m=audio 0 RTP/SAVP 0\nm=audio 0 RTP/AVP 0\n")));
	ASSERT_EQ(5, to_a.tree->n_media);
	EXPECT_EQ(10010, to_a.media(1).port);
	for (unsigned i : {0, 2, 3, 4})
		EXPECT_EQ(0, to_a.media(i).port) << i;
	EXPECT_EQ(SDP_MESSAGE, to_a.media(0).kind);
	EXPECT_EQ(1u, call.plan().n_active);
	EXPECT_EQ(SDP_REFUSED_SECURE, call.plan().stream[3].refusal);
}

struct Hopeless {
	const char *media;
	unsigned warning;
	const char *text;
};

class OfferHopeless : public testing::TestWithParam<Hopeless>
{
};

TEST_P(OfferHopeless, IsRefusedWithAWarning)
{
	Call call;
	int rc = call.take_offer(
		SDP_LEG_A, crlf(std::string("v=0\no=- 1 1 IN IP4 192.0.2.1\nc=IN IP4 192.0.2.1\n") +
				   GetParam().media));

	EXPECT_EQ(-EPROTONOSUPPORT, rc);
	EXPECT_EQ(488u, sdp_oa_status(rc));
	EXPECT_EQ(GetParam().warning, call.err.warning);
	EXPECT_EQ(4u, call.err.line);
	EXPECT_STREQ(GetParam().text, call.err.text);
	EXPECT_EQ(SDP_OA_STABLE, call.oa.state);
}

INSTANTIATE_TEST_SUITE_P(Kinds, OfferHopeless,
	testing::Values(
		Hopeless{"m=audio 4 RTP/SAVP 0\n", 302, "no m-line can be relayed (secure)"},
		Hopeless{"m=audio 4 UDP/TLS/RTP/SAVPF 0\n", 302,
			"no m-line can be relayed (secure)"},
		Hopeless{"m=audio 4 TCP/RTP/AVP 0\n", 302, "no m-line can be relayed (transport)"},
		Hopeless{"m=image 4 udptl t38\n", 302, "no m-line can be relayed (transport)"},
		Hopeless{"m=smell 4 RTP/AVP 98\na=rtpmap:98 rose/1000\n", 304,
			"no m-line can be relayed (kind)"},
		Hopeless{"m=audio 4 RTP/AVP 98\n", 305, "no m-line can be relayed (format)"},
		Hopeless{"m=audio 4 RTP/AVP 0\nc=IN IP4 pbx.example.com\n", 301,
			"no m-line can be relayed (address)"},
		Hopeless{"m=audio 4 RTP/AVP 0\nc=ATM NSAP 47.0\n", 301,
			"no m-line can be relayed (address)"}));

TEST(OfferAnswer, RemovingAllMediaIsNotHopeless)
{
	Call call;

	call.exchange(SDP_LEG_A, audio("192.0.2.10", 4000), audio("192.0.2.20", 6000));
	Body to_b(call.offer(SDP_LEG_A, audio("192.0.2.10", 0)));
	EXPECT_EQ(0, to_b.media().port);
	call.answer(SDP_LEG_B, audio("192.0.2.20", 0));
	call.accept();
	EXPECT_EQ(0u, call.plan().n_active);
	EXPECT_EQ(nullptr, sdp_oa_local(&call.oa, SDP_LEG_A, 0));
	EXPECT_EQ(nullptr, sdp_oa_local(&call.oa, SDP_LEG_B, 0));
}

TEST(OfferAnswer, MalformedBodiesHaveTheirStatus)
{
	Call call;

	EXPECT_EQ(-EBADMSG, call.take_offer(SDP_LEG_A, "hello"));
	EXPECT_EQ(400u, sdp_oa_status(-EBADMSG));
	EXPECT_EQ(-EMSGSIZE, call.take_offer(SDP_LEG_A, std::string(70000, 'x')));
	EXPECT_EQ(413u, sdp_oa_status(-EMSGSIZE));
	EXPECT_EQ(0u, sdp_oa_status(0));
	EXPECT_EQ(500u, sdp_oa_status(-ENOMEM));
	EXPECT_EQ(SDP_OA_STABLE, call.oa.state);
}

TEST(OfferAnswer, WithoutPortsThereIsNoOffer)
{
	Call call;
	struct sdp_str text;

	ASSERT_EQ(0, call.take_offer(SDP_LEG_A, audio("192.0.2.10", 4000)));
	EXPECT_EQ(-EPROTONOSUPPORT, sdp_oa_show_offer(&call.oa, &call.scratch, &text));
	call.give_ports();
	EXPECT_EQ(0, sdp_oa_show_offer(&call.oa, &call.scratch, &text));
}

TEST(OfferAnswer, AStreamWithoutPortsIsLeftOut)
{
	Call call;
	const std::string two = audio("192.0.2.10", 4000, "m=video 4002 RTP/AVP 31\n");
	const struct sdp_local none = {};

	ASSERT_EQ(0, call.take_offer(SDP_LEG_A, two));
	call.give_ports();
	ASSERT_EQ(0, sdp_oa_set_local(&call.oa, SDP_LEG_B, 1, &none));
	Body to_b(call.show_offer());
	EXPECT_EQ(20000, to_b.media(0).port);
	EXPECT_EQ(0, to_b.media(1).port);
	// It stays refused even if the answerer says a port.
	Body to_a(call.answer(SDP_LEG_B, audio("192.0.2.20", 6000, "m=video 6002 RTP/AVP 31\n")));
	EXPECT_EQ(0, to_a.media(1).port);
	EXPECT_EQ(SDP_REFUSED_LOCAL, call.plan().stream[1].refusal);
}

TEST(OfferAnswer, StreamsMayHaveAddressesOfTheirOwn)
{
	Call call;
	struct sdp_local other = Call::local(SDP_LEG_B, 1);

	other.ip[3] = 77;
	ASSERT_EQ(0,
		call.take_offer(SDP_LEG_A, audio("192.0.2.10", 4000, "m=video 4002 RTP/AVP 31\n")));
	call.give_ports();
	ASSERT_EQ(0, sdp_oa_set_local(&call.oa, SDP_LEG_B, 1, &other));
	Body to_b(call.show_offer());
	EXPECT_EQ("203.0.113.1", str(to_b.tree->conn.host));
	EXPECT_EQ("203.0.113.1", str(to_b.media(0).conn.host));
	EXPECT_EQ("203.0.113.77", str(to_b.media(1).conn.host));
}

TEST(OfferAnswer, PortsThatAreNoneAreRefused)
{
	Call call;
	struct sdp_local l = Call::local(SDP_LEG_A, 0), odd = l, no_port = l;

	odd.family = 5;
	no_port.rtcp_port = 0;
	EXPECT_EQ(-EINVAL, sdp_oa_set_local(&call.oa, SDP_LEG_A, 0, &l)); // no offer
	ASSERT_EQ(0, call.take_offer(SDP_LEG_A, audio("192.0.2.10", 4000)));
	EXPECT_EQ(-EINVAL, sdp_oa_set_local(&call.oa, SDP_LEG_A, 1, &l)); // no such stream
	EXPECT_EQ(-EINVAL, sdp_oa_set_local(&call.oa, SDP_LEG_A, 0, &odd));
	EXPECT_EQ(-EINVAL, sdp_oa_set_local(&call.oa, SDP_LEG_A, 0, &no_port));
	EXPECT_EQ(nullptr, sdp_oa_local(&call.oa, SDP_LEG_A, 0));
	EXPECT_EQ(0, sdp_oa_set_local(&call.oa, SDP_LEG_A, 0, &l));
}

TEST(OfferAnswer, ABodyThatGrowsPastTheLimitIsNotShown)
{
	// 1,024 lines with what we add to them.
	Call call;
	struct sdp_str text;
	std::string lines;

	for (int i = 0; i < SDP_MAX_LINES - 8; i++)
		lines += "a=x\n";
	ASSERT_EQ(0, call.take_offer(SDP_LEG_A, audio("192.0.2.10", 4000, lines)));
	call.give_ports();
	ASSERT_EQ(-EMSGSIZE, sdp_oa_show_offer(&call.oa, &call.scratch, &text));
	EXPECT_EQ("", str(sdp_oa_shown(&call.oa, SDP_LEG_B)));
	EXPECT_EQ(0u, call.oa.version[SDP_LEG_B]);
	EXPECT_EQ(0u, (&call.scratch)->used);
}

TEST(OfferAnswer, AFinalResponseWithoutABodyKeepsTheEarlyAnswer)
{
	Call call;
	std::string shown;

	call.offer(SDP_LEG_A, audio("192.0.2.10", 4000));
	shown = call.answer(SDP_LEG_B, audio("192.0.2.20", 6000));
	call.accept();
	EXPECT_EQ(shown, str(sdp_oa_shown(&call.oa, SDP_LEG_A)));
	EXPECT_EQ(-EINVAL, sdp_oa_accept(&call.oa));
}

// ---- Versions -----------------------------------------------------------------------------------

TEST(OfferAnswerVersion, StaysWhenTheBodyStays)
{
	Call call;

	EXPECT_EQ(1u, version_of(call.offer(SDP_LEG_A, audio("192.0.2.10", 4000))));
	EXPECT_EQ(1u, version_of(call.show_offer())); // again: the same
	EXPECT_EQ(1u, version_of(call.answer(SDP_LEG_B, audio("192.0.2.20", 6000))));
	EXPECT_EQ(1u, version_of(call.answer(SDP_LEG_B, audio("192.0.2.20", 6000))));
	call.accept();
	// The far side moves: what A is shown of it does not change.
	EXPECT_EQ(
		1u, version_of(call.offer(SDP_LEG_B, audio("192.0.2.77", 6100, "", "0 8 101", 2))));
	EXPECT_EQ(1u, version_of(call.answer(SDP_LEG_A, audio("192.0.2.10", 4000))));
}

TEST(OfferAnswerVersion, GrowsByOneWhenTheBodyChanges)
{
	Call call;
	std::string first, second;

	first = call.offer(SDP_LEG_A, audio("192.0.2.10", 4000));
	call.answer(SDP_LEG_B, audio("192.0.2.20", 6000));
	call.accept();
	second = call.offer(SDP_LEG_A, audio("192.0.2.10", 4000, "a=sendonly\n"));
	EXPECT_EQ(1u, version_of(first));
	EXPECT_EQ(2u, version_of(second));
	EXPECT_EQ(
		2u, version_of(call.answer(SDP_LEG_B, audio("192.0.2.20", 6000, "a=recvonly\n"))));
	call.accept();
	EXPECT_EQ(3u, version_of(call.offer(SDP_LEG_A, audio("192.0.2.10", 4000))));
	EXPECT_EQ(3u, version_of(call.answer(SDP_LEG_B, audio("192.0.2.20", 6000))));
	call.accept();
	// Nothing but the version may change in the o= line of a session.
	EXPECT_EQ("- 2222222222 1 IN IP4 203.0.113.1", first.substr(first.find("o=") + 2, 33));
	EXPECT_EQ("- 2222222222 2 IN IP4 203.0.113.1", second.substr(second.find("o=") + 2, 33));
}

TEST(OfferAnswerVersion, IsNotUsedTwiceForDifferentBodies)
{
	Call call;

	call.exchange(SDP_LEG_A, audio("192.0.2.10", 4000), audio("192.0.2.20", 6000));
	EXPECT_EQ(2u, version_of(call.offer(SDP_LEG_A, audio("192.0.2.10", 4000, "a=inactive\n"))));
	sdp_oa_reject(&call.oa);
	// B refused version 2. What it agreed to is version 1, and that is what it is shown again.
	EXPECT_EQ(1u, version_of(call.offer(SDP_LEG_A, audio("192.0.2.10", 4000))));
	sdp_oa_reject(&call.oa);
	EXPECT_EQ(3u, version_of(call.offer(SDP_LEG_A, audio("192.0.2.10", 4000, "a=sendonly\n"))));
}

// ---- Repeated offers ----------------------------------------------------------------------------

TEST(OfferAnswer, ARefreshIsSeenAndCanBeAnsweredAlone)
{
	Call call;
	struct sdp_str text = {};
	const std::string a = audio("192.0.2.10", 4000), b = audio("192.0.2.20", 6000);
	std::string shown = call.exchange(SDP_LEG_A, a, b);

	ASSERT_EQ(0, call.take_offer(SDP_LEG_A, a));
	EXPECT_TRUE(call.need.same);
	ASSERT_EQ(0, sdp_oa_repeat(&call.oa, &text));
	EXPECT_EQ(shown, str(text));
	EXPECT_EQ(SDP_OA_STABLE, call.oa.state);
	EXPECT_EQ(1u, call.plan().n_active);
}

TEST(OfferAnswer, ARefreshByTheAnswererGoesThrough)
{
	// It repeats an answer; ours to it may not: what we last showed it was an offer.
	Call call;
	struct sdp_str text = {};
	const std::string a = audio("192.0.2.10", 4000), b = audio("192.0.2.20", 6000);

	call.exchange(SDP_LEG_A, a, b);
	ASSERT_EQ(0, call.take_offer(SDP_LEG_B, b));
	EXPECT_FALSE(call.need.same);
	EXPECT_EQ(-EINVAL, sdp_oa_repeat(&call.oa, &text));
}

TEST(OfferAnswer, AChangedOfferIsNotARefresh)
{
	Call call;

	call.exchange(SDP_LEG_A, audio("192.0.2.10", 4000), audio("192.0.2.20", 6000));
	ASSERT_EQ(0, call.take_offer(SDP_LEG_A, audio("192.0.2.10", 4000, "a=sendonly\n")));
	EXPECT_FALSE(call.need.same);
}

// ---- Order of events ----------------------------------------------------------------------------

TEST(OfferAnswer, OneOfferAtATime)
{
	Call call;
	const std::string a = audio("192.0.2.10", 4000), b = audio("192.0.2.20", 6000);

	call.exchange(SDP_LEG_A, a, b);
	ASSERT_EQ(0, call.take_offer(SDP_LEG_A, a));
	EXPECT_EQ(-EALREADY, call.take_offer(SDP_LEG_A, a));
	EXPECT_EQ(500u, sdp_oa_status(-EALREADY));
	EXPECT_EQ(-EBUSY, call.take_offer(SDP_LEG_B, b)); // glare
	EXPECT_EQ(491u, sdp_oa_status(-EBUSY));
	// The pending one is not hurt.
	call.give_ports();
	call.show_offer();
	call.answer(SDP_LEG_B, b);
	call.accept();
	EXPECT_EQ(1u, call.plan().n_active);
}

TEST(OfferAnswer, AnswersOutOfTurnAreRefused)
{
	Call call;
	struct sdp_str text;
	struct sdp_plan plan;
	const std::string a = audio("192.0.2.10", 4000), b = audio("192.0.2.20", 6000);

	EXPECT_EQ(-EINVAL, call.take_answer(SDP_LEG_B, b));
	EXPECT_EQ(-EINVAL, sdp_oa_show_offer(&call.oa, &call.scratch, &text));
	EXPECT_EQ(-EINVAL, sdp_oa_plan(&call.oa, &call.scratch, &plan));
	ASSERT_EQ(0, call.take_offer(SDP_LEG_A, a));
	EXPECT_EQ(-EINVAL, call.take_answer(SDP_LEG_B, b)); // not shown yet
	call.give_ports();
	call.show_offer();
	EXPECT_EQ(-EINVAL, call.take_answer(SDP_LEG_A, b)); // its own offer
	EXPECT_EQ(-EINVAL, sdp_oa_show_answer(&call.oa, &call.scratch, &text));
	EXPECT_EQ(-EINVAL, sdp_oa_accept(&call.oa));
	EXPECT_EQ(-EINVAL, sdp_oa_plan(&call.oa, &call.scratch, &plan));
	EXPECT_EQ(0, call.take_answer(SDP_LEG_B, b));
}

TEST(OfferAnswer, WhatIsAnsweredWithoutHavingBeenOfferedIsNotThere)
{
	Call call;

	call.offer(SDP_LEG_A, audio("192.0.2.10", 4000));
	EXPECT_EQ(0, call.take_answer(SDP_LEG_B,
			     audio("192.0.2.20", 6000, "m=video 4 RTP/AVP 31\na=x\nm=video 0 RTP/AVP 31\n")));
	std::string said = str(sdp_oa_said(&call.oa, SDP_LEG_B));
	EXPECT_NE(std::string::npos, said.find("m=audio 6000"));
	EXPECT_EQ(std::string::npos, said.find("video"));
}

TEST(OfferAnswer, AnswersThatAreNoneAreRefused)
{
	Call call;

	call.offer(SDP_LEG_A, audio("192.0.2.10", 4000));
	EXPECT_EQ(-EBADMSG, call.take_answer(SDP_LEG_B, "v=0\r\n"));
	EXPECT_STREQ("no o=", call.err.text);
	EXPECT_EQ(-EBADMSG, call.take_answer(SDP_LEG_B, crlf("v=0\no=- 1 1 IN IP4 192.0.2.20\n"
							     "c=IN IP4 192.0.2.20\n"
							     "m=video 4 RTP/AVP 0\n")));
	EXPECT_STREQ("answer is of another kind of media than the offer", call.err.text);
	EXPECT_EQ(-EBADMSG, call.take_answer(SDP_LEG_B, crlf("v=0\no=- 1 1 IN IP4 192.0.2.20\n"
							     "c=IN IP4 192.0.2.20\n"
							     "m=audio 4 RTP/SAVP 0\n")));
	EXPECT_STREQ("answer has another transport than the offer", call.err.text);
	EXPECT_EQ(SDP_OA_SHOWN, call.oa.state);
	call.answer(SDP_LEG_B, audio("192.0.2.20", 6000)); // a good one may still come
}

TEST(OfferAnswer, AnswersWithFewerLinesDeclineTheRest)
{
	Call call;

	call.offer(SDP_LEG_A, audio("192.0.2.10", 4000, "m=video 4002 RTP/AVP 31\n"));
	Body to_a(call.answer(SDP_LEG_B, audio("192.0.2.20", 6000)));
	ASSERT_EQ(2, to_a.tree->n_media);
	EXPECT_EQ("video 0 RTP/AVP 31", str(to_a.media(1).m_text));
	EXPECT_EQ(SDP_REFUSED_PORT_0, call.plan().stream[1].refusal);
}

TEST(OfferAnswer, ForeignCodecsInAnAnswerAreLeftOut)
{
	Call call;

	call.offer(SDP_LEG_A, audio("192.0.2.10", 4000));
	Body to_a(call.answer(SDP_LEG_B, audio("192.0.2.20", 6000, "", "9 18 8")));
	EXPECT_EQ((std::vector<unsigned>{8}), to_a.pts());
	Body none(call.answer(SDP_LEG_B, audio("192.0.2.20", 6000, "", "9 18")));
	EXPECT_EQ(0, none.media().port);
	EXPECT_EQ(SDP_REFUSED_FORMAT, call.plan().stream[0].refusal);
}

// ---- Delayed offer ------------------------------------------------------------------------------

TEST(OfferAnswer, DelayedOffer)
{
	// INVITE without a body, the callee offers in its 200, the caller answers in its ACK.
	Call call;
	Body to_a(call.offer(SDP_LEG_B, audio("192.0.2.20", 6000)));
	EXPECT_EQ("198.51.100.1", str(to_a.media().conn.host));
	EXPECT_EQ(10000, to_a.media().port);
	Body to_b(call.answer(SDP_LEG_A, audio("192.0.2.10", 4000, "", "8")));
	EXPECT_EQ("203.0.113.1", str(to_b.media().conn.host));
	EXPECT_EQ((std::vector<unsigned>{8}), to_b.pts());
	call.accept();
	EXPECT_EQ("192.0.2.10:4000", endpoint(call.plan().stream[0].leg[SDP_LEG_A].rtp));
	EXPECT_EQ("192.0.2.20:6000", endpoint(call.plan().stream[0].leg[SDP_LEG_B].rtp));
}
