// SPDX-License-Identifier: BSD-3-Clause
//
// What is added to an offer, what an answer to it means, and what is kept of it later on.
#include <cstring>

#include "call.h"

namespace
{

const uint32_t ALL = (1u << SDP_RECODE_MAX) - 1;

struct Policies {
	sdp_codec_policy a{}, b{};
	uint32_t can = ALL | SDP_CAN_DTMF | SDP_CAN_T38;

	Policies()
	{
		for (sdp_codec_policy *p : {&a, &b}) {
			p->usual = SDP_USUAL_PHONE;
			p->transcode = p->events = p->t38 = true;
		}
	}
	void set(Call &call)
	{
		sdp_oa_policy(&call.oa, &a, &b, can);
	}
};

std::string body(const std::string &formats, const std::string &lines = "", unsigned version = 1,
	unsigned port = 4000)
{
	return crlf("v=0\no=- 1 " + std::to_string(version) +
		    " IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\nm=audio " +
		    std::to_string(port) + " RTP/AVP " + formats + "\n" + lines);
}

const char OPUS[] = "a=rtpmap:111 opus/48000/2\na=fmtp:111 useinbandfec=1;maxplaybackrate=16000\n"
		    "a=rtpmap:110 telephone-event/48000\na=fmtp:110 0-15\n";

std::string formats(const std::string &text, unsigned i = 0)
{
	Body b(text);
	std::string out;

	for (unsigned k = 0; k < b.media(i).n_formats; k++) {
		const sdp_format &f = b.media(i).formats[k];

		out += (out.empty() ? "" : " ") + std::to_string(f.pt) + ":" + str(f.name) + "/" +
		       std::to_string(f.rate);
	}
	return out;
}

TEST(Transcode, G711IsAddedBehindWhatTheCallerHas)
{
	Call call;
	Policies p;

	p.set(call);
	EXPECT_EQ(formats(call.offer(SDP_LEG_A, body("111 110", OPUS))),
		"111:opus/48000 110:telephone-event/48000 8:PCMA/8000 0:PCMU/8000 101:telephone-event/8000");
}

TEST(Transcode, NothingIsAddedWithoutATranscoder)
{
	Call call;
	Policies p;

	p.can = 0;
	p.set(call);
	EXPECT_EQ(formats(call.offer(SDP_LEG_A, body("111 110", OPUS))),
		"111:opus/48000 110:telephone-event/48000");
}

TEST(Transcode, NothingIsAddedWhenOneSideDoesNotWantIt)
{
	for (bool a : {true, false}) {
		Call call;
		Policies p;

		(a ? p.a : p.b).transcode = false;
		p.set(call);
		EXPECT_EQ(formats(call.offer(SDP_LEG_A, body("111 110", OPUS))),
			"111:opus/48000 110:telephone-event/48000");
	}
}

TEST(Transcode, NothingIsAddedToWhatNobodyCanDecode)
{
	Call call;
	Policies p;

	p.set(call);
	EXPECT_EQ(formats(call.offer(SDP_LEG_A, body("96", "a=rtpmap:96 EVS/16000\n"))),
		"96:EVS/16000");
}

TEST(Transcode, BothHaveOneAndItIsTheirs)
{
	Call call;
	Policies p;

	p.set(call);
	call.offer(SDP_LEG_A, body("8 101", "a=rtpmap:101 telephone-event/8000\n"));
	// The callee names its own favourite first: what both have goes all the same.
	EXPECT_EQ(formats(call.answer(SDP_LEG_B, body("0 8 101", "a=rtpmap:101 telephone-event/8000\n"))),
		"8:PCMA/8000 101:telephone-event/8000");
	EXPECT_FALSE(call.plan().stream[0].recoded);
	EXPECT_STREQ(call.plan().stream[0].leg[1].in.name, "PCMA");
}

TEST(Transcode, TheCallerKeepsWhatHePrefers)
{
	Call call;
	Policies p;

	p.set(call);
	call.offer(SDP_LEG_A, body("96 111 110", std::string("a=rtpmap:96 EVS/16000\n") + OPUS +
							 "a=ptime:40\n"));
	std::string shown = call.answer(SDP_LEG_B,
		body("0 101", "a=rtpmap:101 telephone-event/8000\na=ptime:30\na=maxptime:60\n"));

	EXPECT_EQ(formats(shown), "111:opus/48000 110:telephone-event/48000");
	EXPECT_NE(shown.find("a=fmtp:111 useinbandfec=1\r\n"), std::string::npos);
	EXPECT_NE(shown.find("a=ptime:40\r\n"), std::string::npos);
	EXPECT_EQ(shown.find("a=ptime:30"), std::string::npos);
	EXPECT_EQ(shown.find("a=maxptime"), std::string::npos);
	call.accept();

	const sdp_plan_stream &s = call.plan().stream[0];

	EXPECT_TRUE(s.recoded);
	EXPECT_STREQ(s.leg[0].out.name, "opus");
	EXPECT_STREQ(s.leg[0].out.fmtp, "useinbandfec=1;maxplaybackrate=16000");
	EXPECT_EQ(s.leg[0].out.pt, 111);
	EXPECT_EQ(s.leg[0].dtmf_in, 110);
	EXPECT_EQ(s.leg[0].dtmf_rate, 48000u);
	EXPECT_EQ(s.leg[0].ptime, 40);
	EXPECT_STREQ(s.leg[1].out.name, "PCMU");
	EXPECT_EQ(s.leg[1].dtmf_out, 101);
	EXPECT_EQ(s.leg[1].dtmf_rate, 8000u);
	EXPECT_EQ(s.leg[1].ptime, 30);
	EXPECT_EQ(pts(s.leg[0]), "110>101 111>0");
	EXPECT_EQ(pts(s.leg[1]), "0>111 101>110");
	EXPECT_GT(s.leg[0].max_octets_per_s, s.leg[1].max_octets_per_s); // each by its own codec
}

TEST(Transcode, AnswerWithoutAnyOfThemIsNoStream)
{
	Call call;
	Policies p;

	p.set(call);
	call.offer(SDP_LEG_A, body("111", OPUS));
	EXPECT_EQ(Body(call.answer(SDP_LEG_B, body("96", "a=rtpmap:96 EVS/16000\n"))).media().port, 0);
}

TEST(Transcode, NumbersOfAddedCodecsAvoidThoseInUse)
{
	Call call;
	Policies p;

	p.b.usual = SDP_USUAL_BROWSER;
	p.set(call);
	EXPECT_EQ(formats(call.offer(SDP_LEG_A,
			  body("18 111", "a=rtpmap:111 telephone-event/8000\n"))),
		"18:G729/8000 111:telephone-event/8000 96:opus/48000 9:G722/8000 8:PCMA/8000 "
		"0:PCMU/8000 101:telephone-event/48000");
	// The answerer takes opus under a number of its own.
	call.answer(SDP_LEG_B, body("100", "a=rtpmap:100 opus/48000/2\n"));

	const sdp_plan_stream &s = call.plan().stream[0];

	EXPECT_EQ(s.leg[1].in.pt, 96);
	EXPECT_EQ(s.leg[1].out.pt, 100);
	EXPECT_EQ(s.leg[1].dtmf_in, SDP_PT_NONE);
	EXPECT_EQ(s.leg[0].dtmf_in, 111); // made into tones for the other side
}

TEST(Transcode, AmrParametersBindBothSides)
{
	Call call;
	Policies p;

	p.set(call);
	call.offer(SDP_LEG_A, body("97", "a=rtpmap:97 AMR-WB/16000\n"
					 "a=fmtp:97 octet-align=1;mode-set=0,1,2\n"));
	std::string shown = call.answer(SDP_LEG_B, body("8"));

	EXPECT_NE(shown.find("a=fmtp:97 octet-align=1;mode-set=0,1,2\r\n"), std::string::npos);
	EXPECT_STREQ(call.plan().stream[0].leg[0].out.fmtp, "octet-align=1;mode-set=0,1,2");
}

TEST(Transcode, AmrThatNobodyPacksIsNotPromised)
{
	Call call;
	Policies p;

	p.set(call);
	EXPECT_EQ(formats(call.offer(SDP_LEG_A, body("97", "a=rtpmap:97 AMR/8000\n"
							   "a=fmtp:97 octet-align=1; interleaving=30\n"))),
		"97:AMR/8000");
}

TEST(Transcode, AnnexBIsDeclinedInAnAnswer)
{
	Call call;
	Policies p;

	p.set(call);
	call.offer(SDP_LEG_A, body("18"));
	EXPECT_NE(call.answer(SDP_LEG_B, body("8")).find("a=fmtp:18 annexb=no\r\n"),
		std::string::npos);
}

// ---- policies

const char LIST[][16] = {"PCMA", "g722"};
const char STRIPPED[][16] = {"opus"};
const char ADDED[][16] = {"L16/16000", "G726-32"};

TEST(Transcode, AllowIsAListForBothWays)
{
	Call call;
	Policies p;

	p.b.allow = p.b.order = {LIST, 2};
	p.set(call);
	EXPECT_EQ(formats(call.offer(SDP_LEG_A, body("0 9 8"))), "8:PCMA/8000 9:G722/8000");
	call.answer(SDP_LEG_B, body("8"));
	call.accept();
	// And from it.
	EXPECT_EQ(formats(call.offer(SDP_LEG_B, body("0 8", "", 2))), "8:PCMA/8000");
}

TEST(Transcode, WhatIsAllowedIsReached)
{
	Call call;
	Policies p;

	p.b.allow = p.b.order = {LIST, 2};
	p.set(call);
	EXPECT_EQ(formats(call.offer(SDP_LEG_A, body("0"))), "8:PCMA/8000 9:G722/8000");
	EXPECT_EQ(formats(call.answer(SDP_LEG_B, body("9"))), "0:PCMU/8000");
	EXPECT_TRUE(call.plan().stream[0].recoded);
}

TEST(Transcode, NothingAllowedIsNoOffer)
{
	Call call;
	Policies p;
	struct sdp_str text;

	p.b.allow = {LIST, 2};
	p.a.transcode = false;
	p.set(call);
	EXPECT_EQ(0, call.take_offer(SDP_LEG_A, body("0")));
	call.give_ports();
	EXPECT_EQ(-EPROTONOSUPPORT, sdp_oa_show_offer(&call.oa, &call.scratch, &text));
}

TEST(Transcode, StripOrderAndAdd)
{
	Call call;
	Policies p;

	p.b.strip = {STRIPPED, 1};
	p.b.order = {LIST, 2};
	p.b.add = {ADDED, 2};
	p.set(call);
	EXPECT_EQ(formats(call.offer(SDP_LEG_A, body("111 0 9 8 110", OPUS))),
		"8:PCMA/8000 9:G722/8000 0:PCMU/8000 110:telephone-event/48000 119:L16/16000 "
		"122:G726-32/8000 101:telephone-event/16000 96:telephone-event/8000");
	call.answer(SDP_LEG_B, body("0"));
	EXPECT_STREQ(call.plan().stream[0].leg[0].in.name, "PCMU");
	EXPECT_FALSE(call.plan().stream[0].recoded);
}

TEST(Transcode, ASideWithoutEventsIsNotOfferedThem)
{
	for (bool dtmf : {true, false}) {
		Call call;
		Policies p;
		std::string shown;

		p.b.events = false;
		p.can = dtmf ? p.can : 0;
		p.set(call);
		shown = call.offer(SDP_LEG_A, body("8 101", "a=rtpmap:101 telephone-event/8000\n"));
		EXPECT_EQ(shown.find("telephone-event"), std::string::npos);
		shown = call.answer(SDP_LEG_B, body("8"));
		// The other one gives them to us, when we can make something of them.
		EXPECT_EQ(shown.find("telephone-event") != std::string::npos, dtmf);
		EXPECT_EQ(call.plan().stream[0].leg[0].dtmf_in, dtmf ? 101 : SDP_PT_NONE);
		EXPECT_EQ(call.plan().stream[0].leg[1].dtmf_in, SDP_PT_NONE);
	}
}

TEST(Transcode, ASideThatWantsEventsIsOfferedThem)
{
	Call call;
	Policies p;

	p.b.want_events = true;
	p.set(call);
	EXPECT_EQ(formats(call.offer(SDP_LEG_A, body("8"))),
		"8:PCMA/8000 0:PCMU/8000 101:telephone-event/8000");
	EXPECT_EQ(formats(call.answer(SDP_LEG_B, body("8 101", "a=rtpmap:101 telephone-event/8000\n"))),
		"8:PCMA/8000");
	EXPECT_EQ(call.plan().stream[0].leg[0].dtmf_in, SDP_PT_NONE);
	EXPECT_EQ(call.plan().stream[0].leg[1].dtmf_in, 101);
}

// ---- in mid-call

void talk(Call &call) // opus on A, PCMA on B
{
	call.exchange(SDP_LEG_A, body("111 110", OPUS), body("8 101", "a=rtpmap:101 telephone-event/8000\n"));
}

TEST(Transcode, HoldAndResumeKeepTheCodecs)
{
	Call call;
	Policies p;
	std::string shown;

	p.set(call);
	talk(call);
	shown = call.exchange(SDP_LEG_A, body("111 110", std::string(OPUS) + "a=sendonly\n", 2),
		body("8 101", "a=rtpmap:101 telephone-event/8000\na=recvonly\n", 2));
	EXPECT_EQ(formats(shown), "111:opus/48000 110:telephone-event/48000");
	EXPECT_TRUE(call.plan().stream[0].recoded);
	EXPECT_FALSE(call.plan().stream[0].leg[0].send);
	// The other side resumes, with all that it knows: opus is behind it, and still what A has.
	shown = call.offer(SDP_LEG_B, body("8 0 101", "a=rtpmap:101 telephone-event/8000\n", 3));
	EXPECT_EQ(formats(shown).find("8:PCMA/8000 0:PCMU/8000 101:telephone-event/8000 111:opus/48000"),
		0u) << formats(shown);
	EXPECT_EQ(formats(call.answer(SDP_LEG_A, body("111 110", OPUS, 3))),
		"8:PCMA/8000 101:telephone-event/8000");
	call.accept();
	EXPECT_TRUE(call.plan().stream[0].recoded);
	EXPECT_STREQ(call.plan().stream[0].leg[0].out.name, "opus");
	EXPECT_STREQ(call.plan().stream[0].leg[1].out.name, "PCMA");
}

TEST(Transcode, WhoAnsweredBeforeKeepsHisCodecWhenHeOffers)
{
	Call call;
	Policies p;

	p.set(call);
	talk(call);
	// B prefers PCMU now that it offers, but has PCMA: A has neither, so nothing is to change.
	EXPECT_EQ(formats(call.exchange(SDP_LEG_B, body("0 8", "", 2), body("111", OPUS, 2))),
		"8:PCMA/8000");
	EXPECT_STREQ(call.plan().stream[0].leg[1].out.name, "PCMA");
}

TEST(Transcode, OutOfTranscodingAndInto)
{
	Call call;
	Policies p;

	p.set(call);
	talk(call);
	EXPECT_EQ(formats(call.exchange(SDP_LEG_A, body("8", "", 2), body("8", "", 2))), "8:PCMA/8000");
	EXPECT_FALSE(call.plan().stream[0].recoded);
	EXPECT_EQ(formats(call.exchange(SDP_LEG_A, body("9", "", 3), body("8", "", 3))), "9:G722/8000");
	EXPECT_TRUE(call.plan().stream[0].recoded);
}

TEST(Transcode, ARefusedChangeLeavesItAsItWas)
{
	Call call;
	Policies p;

	p.set(call);
	talk(call);
	call.offer(SDP_LEG_A, body("8", "", 2));
	call.answer(SDP_LEG_B, body("8", "", 2));
	sdp_oa_reject(&call.oa);
	EXPECT_TRUE(call.plan().stream[0].recoded);
	EXPECT_STREQ(call.plan().stream[0].leg[0].out.name, "opus");
}

TEST(Transcode, ItIsInTheJournal)
{
	Call call;
	Policies p;
	uint8_t bytes[16384];
	struct sdp_oa loaded;
	struct sdp_plan plan;

	p.set(call);
	talk(call);
	int n = sdp_oa_save(&call.oa, bytes, sizeof(bytes));
	ASSERT_GT(n, 0);
	ASSERT_EQ(0, sdp_oa_load(&loaded, &call.scratch, bytes, (size_t)n));
	// Whatever is configured by now.
	ASSERT_EQ(0, sdp_oa_plan(&loaded, &call.scratch, &plan));
	EXPECT_TRUE(plan.stream[0].recoded);
	EXPECT_STREQ(plan.stream[0].leg[0].out.name, "opus");
	EXPECT_STREQ(plan.stream[0].leg[1].out.name, "PCMA");
	sdp_oa_fini(&loaded);
}

TEST(Transcode, AnAnswererThatPrefersWhatWasAddedIsOfferedTheCommonCodecAlone)
{
	Call call;
	Policies p;

	p.set(call);
	call.exchange(SDP_LEG_A, body("111 110", OPUS), body("8 111", OPUS));
	EXPECT_FALSE(call.plan().stream[0].recoded);
	EXPECT_STREQ("opus", call.plan().stream[0].leg[1].out.name);
	EXPECT_TRUE(sdp_oa_is_unclear(&call.oa));
	EXPECT_EQ(formats(call.offer(SDP_LEG_A, body("111 110", OPUS))),
		"111:opus/48000 110:telephone-event/48000");
	call.answer(SDP_LEG_B, body("111", OPUS, 2));
	call.accept();
	EXPECT_FALSE(sdp_oa_is_unclear(&call.oa));
}

TEST(Transcode, OrdinaryAnswersAreClear)
{
	for (const char *answer : {"111 8", "111", "8", "111 110 8 0"}) {
		Call call;
		Policies p;

		p.set(call);
		call.exchange(SDP_LEG_A, body("111 110", OPUS), body(answer, OPUS));
		EXPECT_FALSE(sdp_oa_is_unclear(&call.oa)) << answer;
	}
}

// ---- comfort noise

const char AMR[] = "a=rtpmap:106 AMR-WB/16000\na=fmtp:106 octet-align=1\n";

TEST(Noise, IsOfferedForSilenceOfAnotherKind)
{
	Call call;
	Policies p;

	p.set(call);
	EXPECT_EQ(formats(call.offer(SDP_LEG_A, body("106", AMR))),
		"106:AMR-WB/16000 8:PCMA/8000 0:PCMU/8000 13:CN/8000");
	EXPECT_EQ(formats(call.answer(SDP_LEG_B, body("8 13"))), "106:AMR-WB/16000");
	call.accept();
	const sdp_plan_stream &s = call.plan().stream[0];
	EXPECT_TRUE(s.recoded);
	EXPECT_EQ(SDP_PT_NONE, s.leg[0].cn);
	EXPECT_EQ(13, s.leg[1].cn);
	EXPECT_TRUE(s.leg[1].accept[0] >> 13 & 1);
}

TEST(Noise, OfTheOffererIsTakenThoughTheOtherSideHasNone)
{
	Call call;
	Policies p;

	p.set(call);
	p.b.strip = {nullptr, 0};
	call.offer(SDP_LEG_A, body("18 13", "a=fmtp:18 annexb=no\n"));
	EXPECT_EQ(formats(call.answer(SDP_LEG_B, body("0"))), "18:G729/8000 13:CN/8000");
	call.accept();
	EXPECT_EQ(13, call.plan().stream[0].leg[0].cn);
	EXPECT_EQ(SDP_PT_NONE, call.plan().stream[0].leg[1].cn);
}

TEST(Noise, OfBothGoesOver)
{
	Call call;
	Policies p;

	p.set(call);
	EXPECT_EQ(formats(call.exchange(SDP_LEG_A, body("8 13"), body("8 13"))), "8:PCMA/8000 13:CN/8000");
	EXPECT_EQ(13, call.plan().stream[0].leg[0].cn);
	EXPECT_EQ(13, call.plan().stream[0].leg[1].cn);
	EXPECT_EQ(formats(call.exchange(SDP_LEG_A, body("8 13", "", 2), body("8", "", 2))), "8:PCMA/8000");
	EXPECT_EQ(SDP_PT_NONE, call.plan().stream[0].leg[0].cn);
}

// ---- fax

std::string fax(unsigned port = 4000, unsigned version = 2)
{
	return crlf("v=0\no=- 1 " + std::to_string(version) +
		    " IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\nm=image " +
		    std::to_string(port) +
		    " udptl t38\na=T38FaxVersion:0\na=T38MaxBitRate:14400\n"
		    "a=T38FaxRateManagement:transferredTCF\na=T38FaxUdpEC:t38UDPRedundancy\n");
}

TEST(Fax, GoesOverAndBack)
{
	Call call;
	Policies p;
	std::string shown;

	p.set(call);
	call.exchange(SDP_LEG_A, body("8"), body("8"));
	shown = call.offer(SDP_LEG_B, fax());
	EXPECT_NE(shown.find("m=image 10000 udptl t38\r\n"), std::string::npos) << shown;
	EXPECT_NE(shown.find("a=T38FaxUdpEC:t38UDPRedundancy\r\n"), std::string::npos);
	EXPECT_EQ(shown.find("a=rtcp"), std::string::npos);
	shown = call.answer(SDP_LEG_A, fax(5000));
	EXPECT_NE(shown.find("m=image 20000 udptl t38\r\n"), std::string::npos) << shown;
	call.accept();

	const sdp_plan &plan = call.plan();

	EXPECT_TRUE(plan.stream[0].fax);
	EXPECT_EQ(endpoint(plan.stream[0].leg[0].rtp), "192.0.2.1:5000");
	EXPECT_TRUE(plan.stream[0].leg[0].send && plan.stream[0].leg[1].send);
	EXPECT_EQ(formats(call.exchange(SDP_LEG_A, body("8", "", 3), body("8", "", 3))), "8:PCMA/8000");
	EXPECT_FALSE(call.plan().stream[0].fax);
}

TEST(Fax, IsRefusedByPolicyAndByAnAnswer)
{
	Call call;
	Policies p;

	p.a.t38 = false;
	p.set(call);
	call.exchange(SDP_LEG_A, body("8"), body("8"));
	EXPECT_EQ(-EPROTONOSUPPORT, call.take_offer(SDP_LEG_B, fax()));
	p.a.t38 = true;
	p.set(call);
	call.offer(SDP_LEG_B, fax());
	EXPECT_NE(call.answer(SDP_LEG_A, fax(0)).find("m=image 0 udptl t38"), std::string::npos);
	EXPECT_EQ(call.plan().n_active, 0u);
	sdp_oa_reject(&call.oa);
	EXPECT_EQ(call.plan().n_active, 1u);
}

TEST(Fax, BesideAudio)
{
	Call call;
	Policies p;
	std::string both = fax() + crlf("m=audio 0 RTP/AVP 8\n"), shown;

	p.set(call);
	call.exchange(SDP_LEG_A, body("8"), body("8"));
	shown = call.offer(SDP_LEG_B, both);
	EXPECT_NE(shown.find("m=audio 0 "), std::string::npos);
	shown = call.answer(SDP_LEG_A, both);
	call.accept();
	EXPECT_TRUE(call.plan().stream[0].fax);
	EXPECT_EQ(call.plan().n_active, 1u);
}

struct Gateway : testing::Test {
	Call call;
	Policies p;

	Gateway()
	{
		p.a.t38 = false;
		p.a.fax_gateway = true;
		p.can |= SDP_CAN_FAX;
		p.set(call);
	}
	void expect_plan(unsigned pt)
	{
		const sdp_plan &plan = call.plan();
		const sdp_plan_stream &s = plan.stream[0];

		ASSERT_EQ(1u, plan.n_active);
		EXPECT_TRUE(s.gateway && !s.fax && !s.recoded);
		EXPECT_TRUE(s.leg[1].fax.on && !s.leg[0].fax.on);
		EXPECT_EQ(pt, s.leg[0].in.pt);
		EXPECT_STREQ(pt ? "PCMA" : "PCMU", s.leg[0].out.name);
		EXPECT_STREQ("", s.leg[1].in.name);
		EXPECT_TRUE(s.leg[0].send && s.leg[0].receive && s.leg[1].send && s.leg[1].receive);
	}
};

TEST_F(Gateway, T38OfOneSideIsG711OfTheOther)
{
	call.exchange(SDP_LEG_A, body("0 8"), body("0"));
	std::string shown = call.offer(SDP_LEG_B, fax());
	EXPECT_EQ(formats(shown), "0:PCMU/8000 8:PCMA/8000") << shown;
	EXPECT_EQ(shown.find("T38"), std::string::npos) << shown;
	EXPECT_NE(shown.find("a=silenceSupp:off - - - -\r\n"), std::string::npos) << shown;
	shown = call.answer(SDP_LEG_A, body("0", "", 2));
	EXPECT_NE(shown.find("m=image 20000 udptl t38\r\n"), std::string::npos) << shown;
	EXPECT_NE(shown.find("a=T38FaxUdpEC:t38UDPRedundancy\r\n"), std::string::npos) << shown;
	EXPECT_EQ(shown.find("rtpmap"), std::string::npos) << shown;
	call.accept();
	expect_plan(0);
	EXPECT_TRUE(sdp_oa_has_fax(&call.oa, SDP_LEG_B));
	EXPECT_FALSE(sdp_oa_has_fax(&call.oa, SDP_LEG_A));
	// And audio again, of either side.
	call.exchange(SDP_LEG_B, body("8", "", 3), body("8", "", 3));
	EXPECT_FALSE(call.plan().stream[0].gateway);
	EXPECT_FALSE(sdp_oa_has_fax(&call.oa, SDP_LEG_B));
}

TEST_F(Gateway, TermsOfTheFax)
{
	call.exchange(SDP_LEG_A, body("8"), body("8"));
	std::string offer = fax();
	offer += crlf("a=T38FaxMaxDatagram:72\na=T38FaxFillBitRemoval\na=T38FaxTranscodingMMR:0\n");
	offer.replace(offer.find("FaxVersion:0"), 12, "FaxVersion:3");
	offer.replace(offer.find("BitRate:14400"), 13, "BitRate:9600");
	offer.replace(offer.find("transferredTCF"), 14, "localTCF");
	offer.replace(offer.find("t38UDPRedundancy"), 16, "t38UDPNoEC");
	call.offer(SDP_LEG_B, offer);
	std::string shown = call.answer(SDP_LEG_A, body("8", "", 2));
	call.accept();
	for (const char *line : {"a=T38FaxVersion:3\r\n", "a=T38MaxBitRate:9600\r\n",
		     "a=T38FaxRateManagement:localTCF\r\n", "a=T38FaxUdpEC:t38UDPNoEC\r\n"})
		EXPECT_NE(shown.find(line), std::string::npos) << line << shown;
	EXPECT_EQ(shown.find("FillBitRemoval"), std::string::npos);
	const sdp_fax &f = call.plan().stream[0].leg[1].fax;
	EXPECT_EQ(3, f.version);
	EXPECT_EQ(72, f.max_datagram);
	EXPECT_EQ(9600u, f.max_rate);
	EXPECT_TRUE(f.fill_bit_removal && !f.mmr && !f.transferred_tcf && !f.redundancy);
}

TEST_F(Gateway, OurOfferOfT38)
{
	// The callee has chosen the caller's second codec: that is what the caller speaks.
	call.exchange(SDP_LEG_A, body("8 0"), body("0"));
	ASSERT_EQ(0, call.take_offer(SDP_LEG_A, body("8 0")));
	ASSERT_TRUE(sdp_oa_offer_fax(&call.oa, &call.scratch));
	sdp_str text;
	ASSERT_EQ(0, sdp_oa_show_offer(&call.oa, &call.scratch, &text));
	std::string shown = str(text);
	EXPECT_NE(shown.find("m=image 20000 udptl t38\r\n"), std::string::npos) << shown;
	EXPECT_NE(shown.find("a=T38FaxRateManagement:transferredTCF\r\n"), std::string::npos) << shown;
	EXPECT_EQ(shown.find("rtpmap"), std::string::npos) << shown;
	call.answer(SDP_LEG_B, fax(5000));
	call.accept();
	expect_plan(0);
	// Kept in the journal as it is.
	uint8_t kept[8192];
	int n = sdp_oa_save(&call.oa, kept, sizeof(kept));
	ASSERT_GT(n, 0);
	sdp_oa_fini(&call.oa);
	ASSERT_EQ(0, sdp_oa_load(&call.oa, &call.scratch, kept, (size_t)n));
	p.set(call);
	expect_plan(0);
	EXPECT_TRUE(sdp_oa_has_fax(&call.oa, SDP_LEG_B));
}

TEST_F(Gateway, IsNotOfferedWhereItCannotBe)
{
	const std::string g722 = body("9 8");

	call.exchange(SDP_LEG_A, g722, body("9"));
	ASSERT_EQ(0, call.take_offer(SDP_LEG_A, g722));
	EXPECT_FALSE(sdp_oa_offer_fax(&call.oa, &call.scratch)) << "it speaks G.722";
	sdp_oa_reject(&call.oa);
	call.exchange(SDP_LEG_A, body("8"), body("8"));
	ASSERT_EQ(0, call.take_offer(SDP_LEG_B, body("8")));
	EXPECT_FALSE(sdp_oa_offer_fax(&call.oa, &call.scratch)) << "the other one has no T.38";
	sdp_oa_reject(&call.oa);
	p.can &= ~SDP_CAN_FAX;
	p.set(call);
	ASSERT_EQ(0, call.take_offer(SDP_LEG_A, body("8", "", 2)));
	EXPECT_FALSE(sdp_oa_offer_fax(&call.oa, &call.scratch)) << "hawse-media cannot";
	sdp_oa_reject(&call.oa);
	EXPECT_EQ(-EPROTONOSUPPORT, call.take_offer(SDP_LEG_B, fax()));
}

TEST_F(Gateway, AnAnswerThatWillNotDoLeavesTheStreamRefused)
{
	call.exchange(SDP_LEG_A, body("8"), body("8"));
	call.offer(SDP_LEG_B, fax());
	EXPECT_NE(call.answer(SDP_LEG_A, body("9", "", 2)).find("m=image 0 "), std::string::npos);
	EXPECT_FALSE(sdp_oa_carries(&call.oa));
}

// ---- an answer of our own before the other side's

std::string early(Call &call, int want = 0)
{
	struct sdp_str text = {};

	EXPECT_EQ(want, sdp_oa_answer_early(&call.oa, &call.scratch, &text));
	return str(text);
}

TEST(Early, WhatWasSaidStands)
{
	Call call;
	Policies p;
	struct sdp_plan plan;

	p.set(call);
	call.offer(SDP_LEG_A, body("111 8 110", std::string(OPUS) + "a=ptime:40\n"));
	std::string said = early(call);
	EXPECT_EQ(formats(said), "111:opus/48000 110:telephone-event/48000");
	EXPECT_EQ(early(call), said);
	ASSERT_EQ(0, sdp_oa_plan_early(&call.oa, &call.scratch, &plan));
	EXPECT_STREQ(plan.stream[0].leg[0].out.name, "opus");
	EXPECT_TRUE(plan.stream[0].leg[0].send);
	EXPECT_FALSE(plan.stream[0].leg[0].receive);
	EXPECT_EQ(endpoint(plan.stream[0].leg[0].rtp), "192.0.2.1:4000");
	// Both have PCMA, but opus is what the caller was told.
	EXPECT_EQ(call.answer(SDP_LEG_B, body("8 101", "a=rtpmap:101 telephone-event/8000\n"
						       "a=ptime:30\na=silenceSupp:off - - - -\n")), said);
	EXPECT_TRUE(call.plan().stream[0].recoded);
	EXPECT_STREQ(call.plan().stream[0].leg[0].out.name, "opus");
	EXPECT_STREQ(call.plan().stream[0].leg[1].out.name, "PCMA");
	call.accept();
	EXPECT_TRUE(call.plan().stream[0].recoded);
	// The next offer may leave it.
	EXPECT_EQ(formats(call.exchange(SDP_LEG_A, body("111 8 110", OPUS, 2), body("8", "", 2))),
		"8:PCMA/8000");
	EXPECT_FALSE(call.plan().stream[0].recoded);
}

TEST(Early, NothingIsMadeWhereTheCalleeHasIt)
{
	Call call;
	Policies p;

	p.set(call);
	call.offer(SDP_LEG_A, body("8 0 101", "a=rtpmap:101 telephone-event/8000\n"));
	std::string said = early(call);
	EXPECT_EQ(call.answer(SDP_LEG_B, body("0 8 101", "a=rtpmap:101 telephone-event/8000\n")), said);
	EXPECT_FALSE(call.plan().stream[0].recoded);
	EXPECT_STREQ(call.plan().stream[0].leg[1].out.name, "PCMA");
}

TEST(Early, OnlyOneAudioStreamThatCanBeSpokenIn)
{
	Call call;
	Policies p;

	p.set(call);
	early(call, -EINVAL);
	call.offer(SDP_LEG_A, body("96", "a=rtpmap:96 EVS/16000\n"));
	early(call, -EOPNOTSUPP);
	sdp_oa_reject(&call.oa);
	call.offer(SDP_LEG_A, body("8", "m=video 5000 RTP/AVP 97\na=rtpmap:97 VP8/90000\n"));
	early(call, -EOPNOTSUPP);
	sdp_oa_reject(&call.oa);
	p.can = 0;
	p.set(call);
	call.offer(SDP_LEG_A, body("8"));
	early(call, -EOPNOTSUPP);
}

TEST(Transcode, NamesOfCodecs)
{
	EXPECT_EQ(sdp_recode_find_name("pcma"), 1);
	EXPECT_GE(sdp_recode_find_name("L16/16000"), 0);
	EXPECT_NE(sdp_recode_find_name("L16/16000"), sdp_recode_find_name("L16/8000"));
	EXPECT_EQ(sdp_recode_find_name("L16/44100"), -1);
	EXPECT_EQ(sdp_recode_find_name("nonsense"), -1);
	EXPECT_EQ(sdp_recode_codec(SDP_RECODE_MAX), nullptr);
}

}
