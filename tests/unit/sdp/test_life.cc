// SPDX-License-Identifier: BSD-3-Clause
//
// A call over time: m-lines that come and go, offers that are taken back, early answers, forks.
#include "call.h"

// ---- m-lines over time --------------------------------------------------------------------------

TEST(OfferAnswer, VideoIsAddedRemovedAndItsSlotUsedAgain)
{
	Call call;
	const std::string v = "m=video 4002 RTP/AVP 31\n", w = "m=video 6002 RTP/AVP 31\n";
	const std::string gone = "m=video 0 RTP/AVP 31\n";

	call.exchange(SDP_LEG_A, audio("192.0.2.10", 4000), audio("192.0.2.20", 6000));

	// added by B
	ASSERT_EQ(0, call.take_offer(SDP_LEG_B, audio("192.0.2.20", 6000, w)));
	EXPECT_FALSE(call.need.stream[0].wanted[SDP_LEG_A]);
	EXPECT_TRUE(call.need.stream[1].wanted[SDP_LEG_A]);
	EXPECT_TRUE(call.need.stream[1].wanted[SDP_LEG_B]);
	call.give_ports();
	Body added(call.show_offer());
	EXPECT_EQ(10010, added.media(1).port);
	call.answer(SDP_LEG_A, audio("192.0.2.10", 4000, v));
	call.accept();
	EXPECT_EQ(2u, call.plan().n_active);

	// removed by A
	Body removed(call.offer(SDP_LEG_A, audio("192.0.2.10", 4000, gone)));
	EXPECT_EQ(0, removed.media(1).port);
	call.answer(SDP_LEG_B, audio("192.0.2.20", 6000, gone));
	call.accept();
	EXPECT_EQ(1u, call.plan().n_active);
	EXPECT_EQ(nullptr, sdp_oa_local(&call.oa, SDP_LEG_A, 1));
	EXPECT_NE(nullptr, sdp_oa_local(&call.oa, SDP_LEG_A, 0));

	// the slot used again, for audio this time
	ASSERT_EQ(0,
		call.take_offer(SDP_LEG_A, audio("192.0.2.10", 4000, "m=audio 4004 RTP/AVP 0\n")));
	EXPECT_TRUE(call.need.stream[1].wanted[SDP_LEG_A]);
	call.give_ports();
	Body reused(call.show_offer());
	EXPECT_EQ(SDP_AUDIO, reused.media(1).kind);
	EXPECT_EQ(20010, reused.media(1).port);
	call.answer(SDP_LEG_B, audio("192.0.2.20", 6000, "m=audio 6004 RTP/AVP 0\n"));
	call.accept();
	EXPECT_EQ(2u, call.plan().n_active);
	EXPECT_EQ("192.0.2.20:6004", endpoint(call.plan().stream[1].leg[SDP_LEG_B].rtp));
}

TEST(OfferAnswer, AnOfferThatForgetsALineIsFilledUp)
{
	// RFC 3264 8 forbids it, phones do it. The other side must still see all its lines.
	Call call;
	const std::string v = "m=video 4002 RTP/AVP 31\n", w = "m=video 6002 RTP/AVP 31\n";

	call.exchange(SDP_LEG_A, audio("192.0.2.10", 4000, v), audio("192.0.2.20", 6000, w));
	Body to_b(call.offer(SDP_LEG_A, audio("192.0.2.10", 4000)));
	ASSERT_EQ(2, to_b.tree->n_media);
	EXPECT_EQ("video 0 RTP/AVP 31", str(to_b.media(1).m_text));
	Body to_a(call.answer(SDP_LEG_B, audio("192.0.2.20", 6000, "m=video 0 RTP/AVP 31\n")));
	EXPECT_EQ(1, to_a.tree->n_media);
	call.accept();
	EXPECT_EQ(1u, call.plan().n_active);
	EXPECT_EQ(nullptr, sdp_oa_local(&call.oa, SDP_LEG_B, 1));
}

// ---- Rollback -----------------------------------------------------------------------------------

TEST(OfferAnswer, ARefusedOfferLeavesNoTrace)
{
	Call call;

	call.exchange(SDP_LEG_A, audio("192.0.2.10", 4000), audio("192.0.2.20", 6000, "", "8 101"));
	call.plan();
	call.offer(SDP_LEG_A, audio("192.0.2.99", 9000, "a=inactive\nm=video 9002 RTP/AVP 31\n"));
	sdp_oa_reject(&call.oa);
	EXPECT_EQ(SDP_OA_STABLE, call.oa.state);
	EXPECT_EQ(nullptr, sdp_oa_local(&call.oa, SDP_LEG_A, 1)); // to be freed by the caller
	const struct sdp_plan &plan = call.plan();
	ASSERT_EQ(1u, plan.n_streams);
	EXPECT_EQ("192.0.2.10:4000", endpoint(plan.stream[0].leg[SDP_LEG_A].rtp));
	EXPECT_TRUE(plan.stream[0].leg[SDP_LEG_A].receive);
	EXPECT_FALSE(plan.stream[0].leg[SDP_LEG_A].relearn);
	EXPECT_EQ("8>8 101>101", pts(plan.stream[0].leg[SDP_LEG_A]));
}

TEST(OfferAnswer, AnAnsweredThenRefusedOfferGoesBackToo)
{
	// 183 with an answer, then 488.
	Call call;

	call.exchange(SDP_LEG_A, audio("192.0.2.10", 4000), audio("192.0.2.20", 6000));
	call.plan();
	call.offer(SDP_LEG_A, audio("192.0.2.99", 9000));
	call.answer(SDP_LEG_B, audio("192.0.2.20", 6000));
	EXPECT_TRUE(call.plan().provisional);
	EXPECT_TRUE(call.plan().provisional);
	sdp_oa_reject(&call.oa);
	EXPECT_EQ("192.0.2.10:4000", endpoint(call.plan().stream[0].leg[SDP_LEG_A].rtp));
	EXPECT_FALSE(call.plan().provisional);
}

TEST(OfferAnswer, GoingBackFromAnInstalledPlanLearnsAnew)
{
	Call call;

	call.exchange(SDP_LEG_A, audio("192.0.2.10", 4000), audio("192.0.2.20", 6000));
	call.plan();
	call.offer(SDP_LEG_A, audio("192.0.2.99", 9000));
	call.answer(SDP_LEG_B, audio("192.0.2.20", 6000));
	EXPECT_TRUE(call.plan().stream[0].leg[SDP_LEG_A].relearn);
	sdp_oa_reject(&call.oa);
	const struct sdp_plan &back = call.plan();
	EXPECT_TRUE(back.stream[0].leg[SDP_LEG_A].relearn);
	EXPECT_FALSE(back.stream[0].leg[SDP_LEG_B].relearn);
}

TEST(OfferAnswer, ARefusedFirstOfferLeavesNothing)
{
	Call call;
	struct sdp_plan plan;

	call.offer(SDP_LEG_A, audio("192.0.2.10", 4000));
	sdp_oa_reject(&call.oa);
	EXPECT_EQ(-EINVAL, sdp_oa_plan(&call.oa, &call.scratch, &plan));
	EXPECT_EQ(nullptr, sdp_oa_local(&call.oa, SDP_LEG_A, 0));
	EXPECT_EQ("", str(sdp_oa_shown(&call.oa, SDP_LEG_B)));
}

// ---- Early media and forks ----------------------------------------------------------------------

TEST(OfferAnswer, EarlyMediaThenTheSameAnswer)
{
	Call call;
	const std::string b = audio("192.0.2.20", 6000);

	call.offer(SDP_LEG_A, audio("192.0.2.10", 4000));
	std::string early = call.answer(SDP_LEG_B, b);
	EXPECT_TRUE(call.plan().provisional);
	EXPECT_EQ(early, call.answer(SDP_LEG_B, b));
	call.accept();
	EXPECT_FALSE(call.plan().provisional);
	EXPECT_FALSE(call.plan().stream[0].leg[SDP_LEG_B].relearn);
}

TEST(OfferAnswer, EarlyMediaFromElsewhereThenAnother)
{
	// An announcement server, then the callee, in one dialog.
	Call call;

	call.offer(SDP_LEG_A, audio("192.0.2.10", 4000));
	std::string early = call.answer(SDP_LEG_B, audio("192.0.2.66", 5000));
	EXPECT_TRUE(call.plan().stream[0].leg[SDP_LEG_B].relearn);
	EXPECT_FALSE(call.plan().stream[0].leg[SDP_LEG_B].relearn); // it was taken
	std::string final = call.answer(SDP_LEG_B, audio("192.0.2.20", 6000));
	EXPECT_EQ(early, final); // A sees us, and we have not moved
	const struct sdp_plan &plan = call.plan();
	EXPECT_TRUE(plan.stream[0].leg[SDP_LEG_B].relearn);
	EXPECT_FALSE(plan.stream[0].leg[SDP_LEG_A].relearn);
	EXPECT_EQ("192.0.2.20:6000", endpoint(plan.stream[0].leg[SDP_LEG_B].rtp));
}

TEST(OfferAnswer, AFinalAnswerWithFewerCodecsGetsANewVersion)
{
	Call call;

	call.offer(SDP_LEG_A, audio("192.0.2.10", 4000));
	EXPECT_EQ(1u, version_of(call.answer(SDP_LEG_B, audio("192.0.2.66", 5000))));
	EXPECT_EQ(2u, version_of(call.answer(SDP_LEG_B, audio("192.0.2.66", 5000, "", "8"))));
}

TEST(OfferAnswer, ForksEachHaveTheirOwnAnswer)
{
	Call one;
	struct sdp_oa two;
	struct sdp_str text;
	struct sdp_plan plan;
	const std::string b2 = audio("192.0.2.22", 7000, "", "0");

	one.offer(SDP_LEG_A, audio("192.0.2.10", 4000));
	sdp_oa_clone(&two, &one.oa); // the second branch rings
	one.answer(SDP_LEG_B, audio("192.0.2.21", 6000, "", "8"));
	ASSERT_EQ(0,
		sdp_oa_take_answer(&two, &one.scratch, SDP_LEG_B, bytes(b2), b2.size(), nullptr));
	ASSERT_EQ(0, sdp_oa_show_answer(&two, &one.scratch, &text));
	EXPECT_EQ((std::vector<unsigned>{0}), Body(str(text)).pts());
	ASSERT_EQ(0, sdp_oa_plan(&two, &one.scratch, &plan));
	EXPECT_EQ("192.0.2.22:7000", endpoint(plan.stream[0].leg[SDP_LEG_B].rtp));
	EXPECT_EQ("192.0.2.21:6000", endpoint(one.plan().stream[0].leg[SDP_LEG_B].rtp));
	ASSERT_EQ(0, sdp_oa_accept(&two));
	sdp_oa_reject(&one.oa); // the first branch lost; the second goes on
	ASSERT_EQ(0, sdp_oa_plan(&two, &one.scratch, &plan));
	EXPECT_EQ("0>0", pts(plan.stream[0].leg[SDP_LEG_A]));
	sdp_oa_fini(&two);
}

TEST(OfferAnswer, ForksInOneDialogKeepTheVersionInOrder)
{
	Call one;
	struct sdp_oa two;
	struct sdp_str text;
	struct sdp_plan plan;
	const std::string b2 = audio("192.0.2.22", 7000, "", "0");

	one.offer(SDP_LEG_A, audio("192.0.2.10", 4000));
	sdp_oa_clone(&two, &one.oa);
	EXPECT_EQ(1u, version_of(one.answer(SDP_LEG_B, audio("192.0.2.21", 6000, "", "8"))));
	one.plan();
	ASSERT_EQ(0,
		sdp_oa_take_answer(&two, &one.scratch, SDP_LEG_B, bytes(b2), b2.size(), nullptr));
	sdp_oa_follow(&two, &one.oa, SDP_LEG_A);
	ASSERT_EQ(0, sdp_oa_show_answer(&two, &one.scratch, &text));
	EXPECT_EQ(2u, version_of(str(text))); // another body, so another version
	ASSERT_EQ(0, sdp_oa_plan(&two, &one.scratch, &plan));
	EXPECT_TRUE(plan.stream[0].leg[SDP_LEG_B].relearn);
	EXPECT_FALSE(plan.stream[0].leg[SDP_LEG_A].relearn);
	sdp_oa_fini(&two);
}

TEST(OfferAnswer, AClonesPortsAreItsOwn)
{
	Call one;
	struct sdp_oa two;
	struct sdp_local moved = Call::local(SDP_LEG_A, 3);

	one.offer(SDP_LEG_A, audio("192.0.2.10", 4000));
	sdp_oa_clone(&two, &one.oa);
	ASSERT_EQ(0, sdp_oa_set_local(&two, SDP_LEG_A, 0, &moved));
	EXPECT_EQ(10000, sdp_oa_local(&one.oa, SDP_LEG_A, 0)->rtp_port);
	EXPECT_EQ(10030, sdp_oa_local(&two, SDP_LEG_A, 0)->rtp_port);
	sdp_oa_fini(&two);
}

TEST(OfferAnswer, ACallIsSmall)
{
	EXPECT_LE(sizeof(struct sdp_oa), 512u);
}
