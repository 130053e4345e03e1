// SPDX-License-Identifier: BSD-3-Clause
// Packets that go to a transcoder or the recorder, and what comes back from a transcoder.
#include "dataplane/worker/side_ring.h"
#include "tests/unit/pipeline/secure_rig.h"

namespace
{
const Address alice = v4(192, 0, 2, 10, 4000), bob = v4(198, 51, 100, 20, 5000);

std::vector<Rig::Leg> call(uint16_t media, uint32_t flags_a = 0)
{
	std::vector<Rig::Leg> legs(2);

	legs[0].port = 20000;
	legs[1].port = 20002;
	legs[0].remote = alice;
	legs[1].remote = bob;
	legs[0].flags |= flags_a;
	for (auto &leg : legs)
		leg.media.flags = media;
	return legs;
}

struct Rings {
	struct dp_side_ring *to = dp_side_new(), *from = dp_side_new(), *tape = dp_side_new();

	~Rings()
	{
		dp_side_free(to);
		dp_side_free(from);
		dp_side_free(tape);
	}
	void give(dp_worker_config &c)
	{
		c.transcoders = 1;
		c.to_transcoder[0] = to;
		c.from_transcoder[0] = from;
		c.recorder = tape;
	}
	// As a transcoder has made it for a leg's party.
	void make(unsigned leg, const Bytes &packet, uint8_t kind = DP_SIDE_RTP, uint32_t slot = 0,
		uint32_t generation = 1)
	{
		dp_side *s = dp_side_place(from, (uint32_t)packet.size());

		ASSERT_NE(nullptr, s);
		*s = {};
		s->size = (uint16_t)packet.size();
		s->kind = kind;
		s->leg = (uint8_t)leg;
		s->slot = slot;
		s->generation = generation;
		memcpy(dp_side_bytes(s), packet.data(), packet.size());
		dp_side_commit(from, s);
	}
};

Bytes bytes_of(dp_side *s)
{
	return s ? Bytes(dp_side_bytes(s), dp_side_bytes(s) + s->size) : Bytes();
}

struct Divert : testing::Test {
	Rings rings;
	SecureRig rig{false, [this](dp_worker_config &c) { rings.give(c); }};
};
} // namespace

TEST_F(Divert, RtpAndRtcpGoToTheTranscoderAndNoFurther)
{
	ASSERT_EQ(0, rig.add(call(DP_LEG_CODEC)));
	Bytes p = rtp(8, 1, 160, 7), report = rtcp_report(7);

	EXPECT_TRUE(rig.pass(udp_frame(alice, local4(20000), p)).empty());
	EXPECT_TRUE(rig.pass(udp_frame(v4(192, 0, 2, 10, 4001), local4(20001), report)).empty());
	EXPECT_TRUE(rig.pass(udp_frame(bob, local4(20002), p)).empty());
	dp_side *s = dp_side_next(rings.to);
	ASSERT_EQ(p, bytes_of(s));
	EXPECT_EQ(DP_SIDE_RTP, s->kind);
	EXPECT_EQ(0, s->leg);
	s = dp_side_next(rings.to);
	ASSERT_EQ(report, bytes_of(s));
	EXPECT_EQ(DP_SIDE_RTCP, s->kind);
	s = dp_side_next(rings.to);
	ASSERT_EQ(p, bytes_of(s));
	EXPECT_EQ(1, s->leg);
	EXPECT_EQ(nullptr, dp_side_next(rings.to));
	EXPECT_EQ(3u, rig.counter(DP_COUNT_DIVERTED));
	EXPECT_EQ(0u, rig.drops());
	EXPECT_EQ(0u, rig.buffers_out());
	rig.query();
	EXPECT_EQ(1u, rig.stats[0].packets);
	EXPECT_EQ(0u, rig.stats[1].sent_packets);
}

TEST_F(Divert, WhatIsMadeLeavesByTheLegsOwnHeaders)
{
	ASSERT_EQ(0, rig.add(call(DP_LEG_CODEC)));
	Bytes p = rtp(9, 1, 160, 77, 60), report = rtcp_report(77);

	for (unsigned n = 0; n < 100; n++)
		rings.make(1, p);
	rings.make(1, report, DP_SIDE_RTCP);
	for (unsigned n = 0; n < 4; n++)
		rig.turn();
	std::vector<Bytes> out = rig.take();
	ASSERT_EQ(101u, out.size());
	for (unsigned n = 0; n < 101; n++) {
		Frame f = read_frame(out[n]);

		EXPECT_EQ(n < 100 ? p : report, f.payload);
		EXPECT_EQ(bob.ip, f.to.ip);
		EXPECT_EQ(n < 100 ? 5000 : 5001, f.to.port);
		EXPECT_EQ(n < 100 ? 20002 : 20003, f.from.port);
		EXPECT_TRUE(f.udp_sum_right && f.ip_sum_right);
	}
	rig.query();
	EXPECT_EQ(100u, rig.stats[1].sent_packets);
	EXPECT_EQ(100u * p.size(), rig.stats[1].sent_octets);
	EXPECT_EQ(0u, rig.stats[0].packets);
	EXPECT_EQ(101u, rig.counter(DP_COUNT_MADE));
	EXPECT_EQ(0u, rig.buffers_out());
}

TEST_F(Divert, BothWaysWithSrtp)
{
	abi_srtp_key sends = suite_key(1, 1), gets = suite_key(1, 2);
	Party a(sends, gets);

	ASSERT_EQ(0, rig.add(call(DP_LEG_CODEC, ABI_LEG_SRTP_IN | ABI_LEG_SRTP_OUT)));
	ASSERT_EQ(0, rig.keys(0, &sends, &gets));
	Bytes p = rtp(8, 1, 160, 7);
	EXPECT_TRUE(rig.pass(udp_frame(alice, local4(20000), a.protect(p))).empty());
	EXPECT_EQ(p, bytes_of(dp_side_next(rings.to)));
	rings.make(0, p);
	rings.make(0, rtcp_report(7), DP_SIDE_RTCP);
	rig.turn();
	std::vector<Bytes> out = rig.take();
	ASSERT_EQ(2u, out.size());
	EXPECT_EQ(p, a.read(read_frame(out[0]).payload));
	EXPECT_EQ(rtcp_report(7), a.read(read_frame(out[1]).payload, true));
}

TEST_F(Divert, WhatIsMadeForASessionThatHasEndedIsLost)
{
	Bytes p = rtp(9, 1, 160, 77);

	ASSERT_EQ(0, rig.add(call(DP_LEG_CODEC)));
	rings.make(0, p, DP_SIDE_RTP, 0, 2);
	rings.make(0, p, DP_SIDE_RTP, 63);
	rings.make(0, p, DP_SIDE_RTP, UINT32_MAX);
	rings.make(2, p);
	rig.turn();
	EXPECT_TRUE(rig.take().empty());
	EXPECT_EQ(4u, rig.counter(DP_COUNT_MADE_LOST));
	ASSERT_EQ(0, rig.remove());
	rings.make(0, p);
	rig.turn();
	EXPECT_TRUE(rig.take().empty());
	EXPECT_EQ(5u, rig.counter(DP_COUNT_MADE_LOST));
}

TEST_F(Divert, AHeldPartyGetsNothing)
{
	std::vector<Rig::Leg> legs = call(DP_LEG_CODEC);

	legs[1].flags &= ~(uint32_t)ABI_LEG_SEND;
	ASSERT_EQ(0, rig.add(legs));
	rings.make(1, rtp(9, 1, 160, 77));
	rig.turn();
	EXPECT_TRUE(rig.take().empty());
	EXPECT_EQ(1u, rig.counter(DP_DROP_NOT_SENDING));
	rig.query();
	EXPECT_EQ(0u, rig.stats[1].sent_packets);
}

// Nobody waits: what finds no room is dropped, and calls that are not transcoded see nothing of it.
TEST_F(Divert, AFullTranscoderHurtsNobodyElse)
{
	std::vector<Rig::Leg> plain = call(0);

	plain[0].port = 20010;
	plain[1].port = 20012;
	ASSERT_EQ(0, rig.add(call(DP_LEG_CODEC)));
	ASSERT_EQ(0, rig.add(plain, 1));
	for (uint16_t n = 0; n < 4000; n++) {
		Bytes p = rtp(8, n, n * 160u, 7);

		ASSERT_TRUE(rig.pass(udp_frame(alice, local4(20000), p)).empty());
		ASSERT_EQ(1u, rig.pass(udp_frame(alice, local4(20010), p)).size());
	}
	uint64_t lost = rig.counter(DP_DROP_TRANSCODER_FULL);
	EXPECT_GT(lost, 1000u);
	EXPECT_EQ(4000u, lost + rig.counter(DP_COUNT_DIVERTED));
	EXPECT_EQ(0u, rig.buffers_out());
	for (uint64_t n = 0; n < 4000 - lost; n++)
		ASSERT_NE(nullptr, dp_side_next(rings.to)) << n;
	EXPECT_EQ(nullptr, dp_side_next(rings.to));
	EXPECT_TRUE(rig.pass(udp_frame(alice, local4(20000), rtp(8, 4000, 640000, 7))).empty());
	EXPECT_NE(nullptr, dp_side_next(rings.to)); // there is room again
}

TEST_F(Divert, RecordedPacketsAreCopiedWithTheirHeadersAndGoOn)
{
	ASSERT_EQ(0, rig.add(call(DP_LEG_RECORD)));
	Bytes p = rtp(8, 1, 160, 7);

	EXPECT_EQ(1u, rig.pass(udp_frame(alice, local4(20000), p)).size());
	dp_side *s = dp_side_next(rings.tape);
	ASSERT_NE(nullptr, s);
	EXPECT_EQ(28u, s->ip_size);
	EXPECT_EQ(28u + p.size(), s->size);
	EXPECT_EQ(0x45, dp_side_bytes(s)[0]);
	EXPECT_EQ(p, Bytes(dp_side_bytes(s) + 28, dp_side_bytes(s) + s->size));
	EXPECT_EQ(1u, rig.counter(DP_COUNT_RECORDED));
	for (uint16_t n = 2; n < 4000; n++) // nobody takes them away
		ASSERT_EQ(1u,
			rig.pass(udp_frame(alice, local4(20000), rtp(8, n, n * 160u, 7))).size());
	EXPECT_GT(rig.counter(DP_COUNT_RECORD_LOST), 0u);
	EXPECT_EQ(0u, rig.drops());
}

TEST_F(Divert, MailDivertsASessionThatRuns)
{
	dp_mail m = {};

	ASSERT_EQ(0, rig.add(call(0)));
	m.type = DP_MAIL_MEDIA;
	m.media.generation = 1;
	m.media.leg[0].flags = DP_LEG_CODEC | DP_LEG_RECEIVE; // of other flags it knows nothing
	ASSERT_EQ(0, dp_worker_send(rig.workers[0], &m));
	ASSERT_EQ(&m, rig.turn_for_reply());
	EXPECT_EQ(0, m.result);
	EXPECT_TRUE(rig.pass(udp_frame(alice, local4(20000), rtp(8, 1, 160, 7))).empty());
	EXPECT_EQ(1u, rig.pass(udp_frame(bob, local4(20002), rtp(8, 1, 160, 7))).size());
	m.media.generation = 9;
	ASSERT_EQ(0, dp_worker_send(rig.workers[0], &m));
	ASSERT_EQ(&m, rig.turn_for_reply());
	EXPECT_EQ(-ENOENT, m.result);
}

TEST(SideRing, RecordsOfAllSizesComeBackAsTheyWere)
{
	struct dp_side_ring *r = dp_side_new();
	uint32_t put = 0, got = 0;

	for (unsigned turn = 0; turn < 20000; turn++) {
		uint32_t size = put * 37 % (DP_SIDE_PACKET + 1);
		dp_side *s = dp_side_place(r, size);

		if (s) {
			*s = {};
			s->size = (uint16_t)size;
			s->kind = DP_SIDE_RTP;
			s->slot = put;
			memset(dp_side_bytes(s), (int)(put & 0xff), size);
			dp_side_commit(r, s);
			put++;
		}
		for (unsigned n = 0; n < (s ? turn % 3 : 50); n++) {
			dp_side *t = dp_side_next(r);

			if (!t)
				break;
			ASSERT_EQ(got, t->slot);
			ASSERT_EQ(got * 37 % (DP_SIDE_PACKET + 1), t->size);
			for (unsigned i = 0; i < t->size; i++)
				ASSERT_EQ(got & 0xff, dp_side_bytes(t)[i]);
			got++;
		}
	}
	while (dp_side_next(r))
		got++;
	EXPECT_EQ(put, got);
	EXPECT_GT(put, 10000u);
	EXPECT_EQ(nullptr, dp_side_place(r, DP_SIDE_PACKET + 1));
	EXPECT_TRUE(dp_side_empty(r));
	dp_side_free(r);
}
