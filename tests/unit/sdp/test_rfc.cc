// SPDX-License-Identifier: BSD-3-Clause
//
// The worked examples of RFC 3264 section 10 and RFC 4317, with us in the middle: what each side is
// shown has the meaning that the RFC gives to what the other side said.
#include "call.h"

namespace
{

const char *const alice = "v=0\no=alice 2890844526 %u IN IP4 host.anywhere.example\ns=\n"
			  "c=IN IP4 192.0.2.30\nt=0 0\n";
const char *const bob = "v=0\no=bob 2890844730 %u IN IP4 host.example.com\ns=\n"
			"c=IN IP4 192.0.2.40\nt=0 0\n";

std::string body(const char *head, unsigned version, const char *media)
{
	char text[256];

	snprintf(text, sizeof(text), head, version);
	return crlf(std::string(text) + media);
}

// "kind port direction: pt pt", for each m-line.
std::string gist(const std::string &text)
{
	Body b(text);
	std::string out;

	for (unsigned i = 0; i < b.tree->n_media; i++) {
		out += str(b.media(i).kind_text) + " " + std::to_string(b.media(i).port);
		if (b.media(i).port != 0) {
			out += std::string(" ") + sdp_direction_name(b.media(i).direction) + ":";
			for (unsigned pt : b.pts(i))
				out += " " + std::to_string(pt);
		}
		out += "\n";
	}
	return out;
}

} // namespace

TEST(Rfc3264, BasicExchange)
{
	// 10.1: two video streams offered, one refused.
	Call call;

	EXPECT_EQ("audio 20000 sendrecv: 0\nvideo 20010 sendrecv: 31\nvideo 20020 sendrecv: 32\n",
		gist(call.offer(
			SDP_LEG_A, body(alice, 1,
					   "m=audio 62986 RTP/AVP 0\na=rtpmap:0 PCMU/8000\n"
					   "m=video 51372 RTP/AVP 31\na=rtpmap:31 H261/90000\n"
					   "m=video 53000 RTP/AVP 32\na=rtpmap:32 MPV/90000\n"))));
	EXPECT_EQ("audio 10000 sendrecv: 0\nvideo 0\nvideo 10020 sendrecv: 32\n",
		gist(call.answer(
			SDP_LEG_B, body(bob, 1,
					   "m=audio 54344 RTP/AVP 0\na=rtpmap:0 PCMU/8000\n"
					   "m=video 0 RTP/AVP 31\n"
					   "m=video 50502 RTP/AVP 32\na=rtpmap:32 MPV/90000\n"))));
	call.accept();
	EXPECT_EQ(nullptr, sdp_oa_local(&call.oa, SDP_LEG_A, 1));

	// Bob moves his audio, and adds a stream on which he wants digits.
	const std::string bob_again = body(bob, 2,
		"m=audio 65422 RTP/AVP 0\na=rtpmap:0 PCMU/8000\n"
		"m=video 0 RTP/AVP 31\n"
		"m=video 50502 RTP/AVP 32\na=rtpmap:32 MPV/90000\n"
		"m=audio 51434 RTP/AVP 110\na=rtpmap:110 telephone-event/8000\na=recvonly\n");
	call.plan();
	EXPECT_EQ("audio 10000 sendrecv: 0\nvideo 0\nvideo 10020 sendrecv: 32\n"
		  "audio 10030 recvonly: 110\n",
		gist(call.offer(SDP_LEG_B, bob_again)));
	EXPECT_EQ("audio 20000 sendrecv: 0\nvideo 0\nvideo 20020 sendrecv: 32\n"
		  "audio 20030 sendonly: 110\n",
		gist(call.answer(SDP_LEG_A,
			body(alice, 2,
				"m=audio 62986 RTP/AVP 0\na=rtpmap:0 PCMU/8000\n"
				"m=video 0 RTP/AVP 31\n"
				"m=video 53000 RTP/AVP 32\na=rtpmap:32 MPV/90000\n"
				"m=audio 53122 RTP/AVP 110\na=rtpmap:110 telephone-event/8000\n"
				"a=sendonly\n"))));
	call.accept();
	const struct sdp_plan &plan = call.plan();
	EXPECT_EQ(3u, plan.n_active);
	EXPECT_EQ("192.0.2.40:65422", endpoint(plan.stream[0].leg[SDP_LEG_B].rtp));
	EXPECT_TRUE(plan.stream[0].leg[SDP_LEG_B].relearn);
	EXPECT_FALSE(plan.stream[2].leg[SDP_LEG_B].relearn);
	EXPECT_TRUE(plan.stream[3].leg[SDP_LEG_A].receive);
	EXPECT_FALSE(plan.stream[3].leg[SDP_LEG_B].receive);
	EXPECT_EQ(110, plan.stream[3].leg[SDP_LEG_A].dtmf_in);
	EXPECT_STREQ("", plan.stream[3].leg[SDP_LEG_A].in.name);
}

TEST(Rfc3264, OneOfNCodecs)
{
	// 10.2: the stream is set up inactive, then one codec is chosen by a second offer.
	Call call;

	call.exchange(SDP_LEG_A, body(alice, 1, "m=audio 62986 RTP/AVP 0 4 18\na=inactive\n"),
		body(bob, 1, "m=audio 54344 RTP/AVP 0 4\na=inactive\n"));
	EXPECT_FALSE(call.plan().stream[0].leg[SDP_LEG_A].receive);
	EXPECT_TRUE(call.plan().held);
	EXPECT_EQ("audio 20000 sendrecv: 4\n",
		gist(call.offer(SDP_LEG_A,
			body(alice, 2,
				"m=audio 62986 RTP/AVP 4\na=rtpmap:4 G723/8000\na=sendrecv\n"))));
	EXPECT_EQ("audio 10000 sendrecv: 4\n",
		gist(call.answer(
			SDP_LEG_B, body(bob, 2, "m=audio 54344 RTP/AVP 4\na=sendrecv\n"))));
	call.accept();
	EXPECT_STREQ("G723", call.plan().stream[0].leg[SDP_LEG_A].in.name);
	EXPECT_EQ("4>4", pts(call.plan().stream[0].leg[SDP_LEG_B]));
}

TEST(Rfc4317, HoldAndUnhold)
{
	// 3.1: Bob holds, then takes the call again.
	Call call;
	const char *const two = "m=audio 49170 RTP/AVP 0 97\na=rtpmap:97 iLBC/8000\n";

	call.exchange(SDP_LEG_A, body(alice, 1, two),
		body(bob, 1,
			"m=audio 49172 RTP/AVP 97\n"
			"a=rtpmap:97 iLBC/8000\n"));
	EXPECT_EQ("audio 10000 sendonly: 97\n",
		gist(call.offer(SDP_LEG_B, body(bob, 2,
						   "m=audio 49172 RTP/AVP 97\n"
						   "a=rtpmap:97 iLBC/8000\na=sendonly\n"))));
	EXPECT_EQ("audio 20000 recvonly: 97\n",
		gist(call.answer(SDP_LEG_A, body(alice, 2,
						    "m=audio 49170 RTP/AVP 97\n"
						    "a=rtpmap:97 iLBC/8000\na=recvonly\n"))));
	call.accept();
	EXPECT_TRUE(call.plan().held);
	EXPECT_EQ("audio 10000 sendrecv: 97\n",
		gist(call.offer(SDP_LEG_B, body(bob, 3,
						   "m=audio 49172 RTP/AVP 97\n"
						   "a=rtpmap:97 iLBC/8000\n"))));
	call.answer(SDP_LEG_A, body(alice, 3, "m=audio 49170 RTP/AVP 97\na=rtpmap:97 iLBC/8000\n"));
	call.accept();
	EXPECT_FALSE(call.plan().held);
}

TEST(Rfc4317, AddingAndDeletingMedia)
{
	// 4.1 and 4.2: video is added to a call and taken out again; its line stays.
	Call call;
	const char *const first = "m=audio 49170 RTP/AVP 0\n";
	const char *const second = "m=audio 49170 RTP/AVP 0\nm=video 49172 RTP/AVP 31\n"
				   "a=rtpmap:31 H261/90000\n";
	const char *const third = "m=audio 49170 RTP/AVP 0\nm=video 0 RTP/AVP 31\n";

	call.exchange(SDP_LEG_A, body(alice, 1, first), body(bob, 1, first));
	EXPECT_EQ("audio 10000 sendrecv: 0\nvideo 10010 sendrecv: 31\n",
		gist(call.offer(SDP_LEG_B, body(bob, 2, second))));
	call.answer(SDP_LEG_A, body(alice, 2, second));
	call.accept();
	EXPECT_EQ(2u, call.plan().n_active);
	EXPECT_EQ("audio 20000 sendrecv: 0\nvideo 0\n",
		gist(call.offer(SDP_LEG_A, body(alice, 3, third))));
	EXPECT_EQ("audio 10000 sendrecv: 0\nvideo 0\n",
		gist(call.answer(SDP_LEG_B, body(bob, 3, third))));
	call.accept();
	EXPECT_EQ(1u, call.plan().n_active);
	EXPECT_EQ(2u, call.plan().n_streams);
}

TEST(Rfc4317, DelayedOfferWithSeveralCodecs)
{
	// 5.1: the INVITE has no body; the 200 offers, the ACK answers.
	Call call;

	EXPECT_EQ("audio 10000 sendrecv: 0 8 99\n",
		gist(call.offer(SDP_LEG_B, body(bob, 1,
						   "m=audio 49172 RTP/AVP 0 8 99\n"
						   "a=rtpmap:99 iLBC/8000\n"))));
	EXPECT_EQ("audio 20000 sendrecv: 99 0\n",
		gist(call.answer(SDP_LEG_A, body(alice, 1,
						    "m=audio 49170 RTP/AVP 99 0\n"
						    "a=rtpmap:99 iLBC/8000\n"))));
	call.accept();
	EXPECT_STREQ("iLBC", call.plan().stream[0].leg[SDP_LEG_B].in.name);
}
