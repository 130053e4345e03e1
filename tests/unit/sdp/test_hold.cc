// SPDX-License-Identifier: BSD-3-Clause
//
// Hold in its dialects, resume, and addresses that move.
#include "call.h"

namespace
{

const std::string a_open = audio("192.0.2.10", 4000), b_open = audio("192.0.2.20", 6000);

std::string direction_of(const std::string &body)
{
	return sdp_direction_name(Body(body).media().direction);
}

// What flows, as "A>B" and "B>A".
std::string flow(const struct sdp_plan &plan)
{
	const struct sdp_plan_leg &a = plan.stream[0].leg[SDP_LEG_A];
	const struct sdp_plan_leg &b = plan.stream[0].leg[SDP_LEG_B];
	std::string out;

	EXPECT_EQ(a.receive, b.send);
	EXPECT_EQ(b.receive, a.send);
	if (a.receive)
		out += "A>B ";
	if (b.receive)
		out += "B>A ";
	return out;
}

class Hold : public testing::Test
{
      protected:
	void SetUp() override
	{
		call.exchange(SDP_LEG_A, a_open, b_open);
		EXPECT_EQ("A>B B>A ", flow(call.plan()));
	}
	Call call;
};

} // namespace

TEST_F(Hold, SendonlyAnsweredRecvonly)
{
	EXPECT_EQ("sendonly",
		direction_of(call.offer(SDP_LEG_A, audio("192.0.2.10", 4000, "a=sendonly\n"))));
	EXPECT_EQ("recvonly",
		direction_of(call.answer(SDP_LEG_B, audio("192.0.2.20", 6000, "a=recvonly\n"))));
	call.accept();
	EXPECT_EQ("A>B ", flow(call.plan()));
	EXPECT_TRUE(call.plan().held);
	EXPECT_EQ("192.0.2.10:4001", endpoint(call.plan().stream[0].leg[SDP_LEG_A].rtcp));

	EXPECT_EQ("sendrecv", direction_of(call.offer(SDP_LEG_A, a_open)));
	EXPECT_EQ("sendrecv", direction_of(call.answer(SDP_LEG_B, b_open)));
	call.accept();
	EXPECT_EQ("A>B B>A ", flow(call.plan()));
	EXPECT_FALSE(call.plan().held);
	EXPECT_FALSE(call.plan().stream[0].leg[SDP_LEG_A].relearn);
}

TEST_F(Hold, SendonlyAnsweredSendrecvIsReadAsRecvonly)
{
	call.offer(SDP_LEG_A, audio("192.0.2.10", 4000, "a=sendonly\n"));
	EXPECT_EQ("recvonly", direction_of(call.answer(SDP_LEG_B, b_open)));
	EXPECT_EQ("A>B ", flow(call.plan()));
}

TEST_F(Hold, BothHold)
{
	call.exchange(SDP_LEG_A, audio("192.0.2.10", 4000, "a=sendonly\n"),
		audio("192.0.2.20", 6000, "a=recvonly\n"));
	EXPECT_EQ("inactive",
		direction_of(call.offer(SDP_LEG_B, audio("192.0.2.20", 6000, "a=inactive\n"))));
	EXPECT_EQ("inactive",
		direction_of(call.answer(SDP_LEG_A, audio("192.0.2.10", 4000, "a=inactive\n"))));
	call.accept();
	EXPECT_EQ("", flow(call.plan()));
	EXPECT_TRUE(call.plan().held);
}

TEST_F(Hold, InactiveByTheCallee)
{
	EXPECT_EQ("inactive",
		direction_of(call.offer(SDP_LEG_B, audio("192.0.2.20", 6000, "a=inactive\n"))));
	call.answer(SDP_LEG_A, audio("192.0.2.10", 4000, "a=inactive\n"));
	EXPECT_EQ("", flow(call.plan()));
}

TEST_F(Hold, SessionLevelDirection)
{
	std::string held = a_open;

	held.insert(held.find("m=audio"), "a=sendonly\r\n");
	EXPECT_EQ("sendonly", direction_of(call.offer(SDP_LEG_A, held)));
}

TEST_F(Hold, ZeroAddress)
{
	// RFC 2543: c=0.0.0.0 and no direction. The holder may still play music.
	Body to_b(call.offer(SDP_LEG_A, audio("0.0.0.0", 4000)));
	EXPECT_EQ("203.0.113.1", str(to_b.media().conn.host)); // never shown to the other side
	EXPECT_EQ(SDP_SENDONLY, to_b.media().direction);
	EXPECT_EQ("recvonly",
		direction_of(call.answer(SDP_LEG_B, audio("192.0.2.20", 6000, "a=recvonly\n"))));
	call.accept();
	const struct sdp_plan &plan = call.plan();
	EXPECT_EQ("A>B ", flow(plan));
	EXPECT_EQ("none", endpoint(plan.stream[0].leg[SDP_LEG_A].rtp));
	EXPECT_EQ("none", endpoint(plan.stream[0].leg[SDP_LEG_A].rtcp));
	EXPECT_FALSE(plan.stream[0].leg[SDP_LEG_A].relearn);

	// Resumed at the same address: nothing to learn anew.
	call.exchange(SDP_LEG_A, a_open, b_open);
	EXPECT_EQ("A>B B>A ", flow(call.plan()));
	EXPECT_FALSE(call.plan().stream[0].leg[SDP_LEG_A].relearn);
}

TEST_F(Hold, ZeroAddressAnsweredWithZeroAddress)
{
	call.offer(SDP_LEG_A, audio("0.0.0.0", 4000));
	EXPECT_EQ("inactive", direction_of(call.answer(SDP_LEG_B, audio("0.0.0.0", 6000))));
	EXPECT_EQ("", flow(call.plan()));
}

TEST_F(Hold, ZeroAddressThenResumedElsewhere)
{
	call.exchange(SDP_LEG_A, audio("0.0.0.0", 4000), b_open);
	call.plan();
	call.exchange(SDP_LEG_A, audio("192.0.2.11", 4000), b_open);
	EXPECT_TRUE(call.plan().stream[0].leg[SDP_LEG_A].relearn);
}

TEST_F(Hold, HeldFromTheStart)
{
	// Click-to-dial: the first offer has no address yet.
	Call fresh;

	fresh.exchange(SDP_LEG_A, audio("0.0.0.0", 4000), b_open);
	EXPECT_EQ("A>B ", flow(fresh.plan()));
	fresh.exchange(SDP_LEG_A, a_open, b_open);
	const struct sdp_plan &plan = fresh.plan();
	EXPECT_EQ("A>B B>A ", flow(plan));
	EXPECT_TRUE(plan.stream[0].leg[SDP_LEG_A].relearn);
}

TEST(HoldIpv6, UnspecifiedAddressAndInvalidName)
{
	for (const char *held : {"::", "hold.invalid"}) {
		Call call;
		const std::string head = "v=0\no=- 1 1 IN IP6 2001:db8::1\nc=IN IP6 ";

		ASSERT_EQ(0, call.take_offer(SDP_LEG_A, head + held + "\nm=audio 4 RTP/AVP 0\n"));
		EXPECT_EQ(6, call.need.stream[0].family);
		call.give_ports(6);
		EXPECT_EQ("sendonly", direction_of(call.show_offer()));
		call.answer(SDP_LEG_B, head + "2001:db8::2\nm=audio 6 RTP/AVP 0\n");
		EXPECT_EQ("A>B ", flow(call.plan())) << held;
	}
}

TEST_F(Hold, AMovedAddressIsLearnedAnewOnItsLegOnly)
{
	call.exchange(SDP_LEG_A, audio("192.0.2.55", 4444), b_open);
	{
		const struct sdp_plan &plan = call.plan();
		EXPECT_TRUE(plan.stream[0].leg[SDP_LEG_A].relearn);
		EXPECT_FALSE(plan.stream[0].leg[SDP_LEG_B].relearn);
		EXPECT_EQ("192.0.2.55:4444", endpoint(plan.stream[0].leg[SDP_LEG_A].rtp));
	}
	call.exchange(SDP_LEG_A, audio("192.0.2.55", 4446), b_open); // the port alone
	EXPECT_TRUE(call.plan().stream[0].leg[SDP_LEG_A].relearn);
	call.exchange(
		SDP_LEG_A, audio("192.0.2.55", 4446), audio("192.0.2.20", 6000, "a=ptime:40\n"));
	EXPECT_FALSE(call.plan().stream[0].leg[SDP_LEG_A].relearn);
}

TEST(RtcpMux, IsAgreedOnEachLegByItself)
{
	Call call;
	Body to_b(call.offer(SDP_LEG_A, audio("192.0.2.10", 4000, "a=rtcp-mux\n")));
	EXPECT_TRUE(to_b.media().rtcp_mux);
	Body to_a(call.answer(SDP_LEG_B, b_open)); // does not multiplex
	EXPECT_TRUE(to_a.media().rtcp_mux);
	const struct sdp_plan &plan = call.plan();
	EXPECT_TRUE(plan.stream[0].leg[SDP_LEG_A].rtcp_mux);
	EXPECT_FALSE(plan.stream[0].leg[SDP_LEG_B].rtcp_mux);
	EXPECT_EQ("192.0.2.10:4000", endpoint(plan.stream[0].leg[SDP_LEG_A].rtcp));
	EXPECT_EQ("192.0.2.20:6001", endpoint(plan.stream[0].leg[SDP_LEG_B].rtcp));
}

TEST(RtcpMux, IsNotOfferedUnasked)
{
	Call call;
	Body to_b(call.offer(SDP_LEG_A, a_open));
	EXPECT_FALSE(to_b.media().rtcp_mux);
	Body to_a(call.answer(SDP_LEG_B, audio("192.0.2.20", 6000, "a=rtcp-mux\n")));
	EXPECT_FALSE(to_a.media().rtcp_mux);
	EXPECT_FALSE(call.plan().stream[0].leg[SDP_LEG_B].rtcp_mux); // answered, but not offered
}

TEST(RtcpMux, OddPortsOfOursAreSaid)
{
	Call call;
	struct sdp_local odd = Call::local(SDP_LEG_B, 0);

	ASSERT_EQ(0, call.take_offer(SDP_LEG_A, a_open));
	call.give_ports();
	odd.rtcp_port = 31337;
	ASSERT_EQ(0, sdp_oa_set_local(&call.oa, SDP_LEG_B, 0, &odd));
	EXPECT_EQ(31337, Body(call.show_offer()).media().rtcp_port);
	odd.rtcp_port = odd.rtp_port; // one port only: it has to be multiplexed
	ASSERT_EQ(0, sdp_oa_set_local(&call.oa, SDP_LEG_B, 0, &odd));
	Body muxed(call.show_offer());
	EXPECT_TRUE(muxed.media().rtcp_mux);
	EXPECT_EQ(0, muxed.media().rtcp_port);
}

TEST(RtcpAddress, ADifferentHostForRtcp)
{
	Call call;

	call.exchange(
		SDP_LEG_A, audio("192.0.2.10", 4000, "a=rtcp:5000 IN IP4 192.0.2.11\n"), b_open);
	EXPECT_EQ("192.0.2.11:5000", endpoint(call.plan().stream[0].leg[SDP_LEG_A].rtcp));
}
