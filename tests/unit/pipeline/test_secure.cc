// SPDX-License-Identifier: BSD-3-Clause
// SRTP through the stages: clear, protected and re-keyed legs, and what is refused.
#include "tests/unit/pipeline/secure_rig.h"

namespace
{
const Address alice = v4(192, 0, 2, 10, 4000), bob = v4(198, 51, 100, 20, 5000);

std::vector<Rig::Leg> call(uint32_t flags_a, uint32_t flags_b)
{
	std::vector<Rig::Leg> legs(2);

	legs[0].port = 20000;
	legs[1].port = 20002;
	legs[0].remote = alice;
	legs[1].remote = bob;
	legs[0].flags |= flags_a;
	legs[1].flags |= flags_b;
	return legs;
}

const uint32_t both = ABI_LEG_SRTP_IN | ABI_LEG_SRTP_OUT;

class Secured : public testing::TestWithParam<unsigned>
{
      protected:
	abi_srtp_key a_sends = suite_key(GetParam(), 1), a_gets = suite_key(GetParam(), 2);
	abi_srtp_key b_sends = suite_key(GetParam(), 3), b_gets = suite_key(GetParam(), 4);
	SecureRig rig;
	Party a{a_sends, a_gets}, b{b_sends, b_gets};

	Bytes from_alice(const Bytes &payload)
	{
		return udp_frame(alice, local4(20000), payload);
	}
	Bytes from_bob(const Bytes &payload)
	{
		return udp_frame(bob, local4(20002), payload);
	}
	Bytes through(const Bytes &frame)
	{
		std::vector<Bytes> out = rig.pass(frame);

		if (out.size() != 1)
			return {};
		Frame f = read_frame(out[0]);
		EXPECT_TRUE(f.udp_sum_right);
		EXPECT_TRUE(f.ip_sum_right);
		return f.payload;
	}
};
} // namespace

TEST_P(Secured, ToAndFromAPlainLeg)
{
	ASSERT_EQ(0, rig.add(call(both, 0)));
	ASSERT_EQ(0, rig.keys(0, &a_sends, &a_gets));
	for (uint16_t n = 65500; n != 100; n++) {
		Bytes p = rtp(8, n, n * 160, 7);

		ASSERT_EQ(p, through(from_alice(a.protect(p)))) << n;
		p = rtp(8, n, n * 160, 9, n % 300);
		Bytes got = through(from_bob(p));
		ASSERT_NE(p, got);
		ASSERT_EQ(p, a.read(got)) << n;
	}
	Bytes report = rtcp_report(7);
	EXPECT_EQ(report, through(udp_frame(v4(192, 0, 2, 10, 4001), local4(20001),
				  a.protect(report, true))));
	report = rtcp_report(9);
	Bytes got = through(udp_frame(v4(198, 51, 100, 20, 5001), local4(20003), report));
	EXPECT_EQ(report, a.read(got, true));
	EXPECT_EQ(0u, rig.drops());
	rig.query();
	EXPECT_EQ(GetParam(), rig.stats[0].suite_in);
	EXPECT_EQ(GetParam(), rig.stats[0].suite_out);
	EXPECT_EQ(0, rig.stats[1].suite_in);
	EXPECT_EQ(0u, rig.buffers_out());
}

TEST_P(Secured, ToALegWithOtherKeysAndTypes)
{
	std::vector<Rig::Leg> legs = call(both, both);

	legs[0].map = {{8, 96}};
	ASSERT_EQ(0, rig.add(legs));
	ASSERT_EQ(0, rig.keys(0, &a_sends, &a_gets));
	ASSERT_EQ(0, rig.keys(1, &b_sends, &b_gets));
	for (uint16_t n = 0; n < 100; n++)
		rig.put(from_alice(a.protect(rtp(8, n, n * 160, 7))));
	while (rig.turn())
		;
	std::vector<Bytes> out = rig.take();
	ASSERT_EQ(100u, out.size());
	for (uint16_t n = 0; n < 100; n++)
		ASSERT_EQ(rtp(96, n, n * 160, 7), b.read(read_frame(out[n]).payload)) << n;
}

TEST_P(Secured, NothingGoesInClear)
{
	ASSERT_EQ(0, rig.add(call(both, 0)));
	EXPECT_TRUE(rig.pass(from_alice(rtp(8, 1, 0, 7))).empty()); // no key yet
	EXPECT_EQ(1u, rig.counter(DP_DROP_SRTP_NO_KEY));
	EXPECT_TRUE(rig.pass(from_bob(rtp(8, 1, 0, 9))).empty());
	EXPECT_EQ(1u, rig.counter(DP_DROP_SRTP_OUT_NO_KEY));
	ASSERT_EQ(0, rig.keys(0, &a_sends, &a_gets));
	EXPECT_TRUE(rig.pass(from_alice(rtp(8, 1, 0, 7))).empty());
	EXPECT_EQ(1u, rig.counter(DP_DROP_SRTP_PLAIN));
	EXPECT_TRUE(rig.pass(udp_frame(v4(192, 0, 2, 10, 4001), local4(20001), rtcp_report(7)))
			    .empty());
	EXPECT_EQ(2u, rig.counter(DP_DROP_SRTP_PLAIN));
	Bytes p = a.protect(rtp(8, 1, 0, 7)), damaged = p;
	damaged[15] ^= 1;
	EXPECT_TRUE(rig.pass(from_alice(damaged)).empty());
	EXPECT_EQ(1u, rig.counter(DP_DROP_SRTP_AUTH));
	EXPECT_EQ(1u, rig.pass(from_alice(p)).size());
	EXPECT_TRUE(rig.pass(from_alice(p)).empty());
	EXPECT_EQ(1u, rig.counter(DP_DROP_SRTP_REPLAYED));
	EXPECT_TRUE(rig.pass(from_alice(rtp(8, 1, 0, 7, 2))).empty());
	EXPECT_EQ(1u, rig.counter(DP_DROP_SRTP_TRUNCATED));
	EXPECT_EQ(1u, rig.pass(from_bob(rtp(8, 1, 0, 9))).size());
	EXPECT_TRUE(rig.pass(from_bob(rtp(8, 1, 0, 9, 30))).empty()); // the same index again
	EXPECT_EQ(1u, rig.counter(DP_DROP_SRTP_OUT_REPEATED));
	rig.query();
	EXPECT_EQ(5u, rig.stats[0].srtp_refused); // since it has keys
	EXPECT_EQ(0u, rig.buffers_out());
}

TEST_P(Secured, NobodyIsLearnedWithoutTheKey)
{
	std::vector<Rig::Leg> legs = call(both, 0);
	const Address impostor = v4(192, 0, 2, 66, 6000), nat = v4(192, 0, 2, 77, 7000);
	abi_srtp_key wrong = suite_key(GetParam(), 9);
	Party stranger(wrong, wrong);
	dp_event e;

	legs[0].policy = ABI_SOURCE_ANY;
	ASSERT_EQ(0, rig.add(legs));
	ASSERT_EQ(0, rig.keys(0, &a_sends, &a_gets));
	for (uint16_t n = 0; n < 5; n++) {
		EXPECT_TRUE(rig.pass(udp_frame(impostor, local4(20000), rtp(8, n, 0, 7))).empty());
		EXPECT_TRUE(rig.pass(udp_frame(impostor, local4(20000),
					     stranger.protect(rtp(8, n, 0, 7))))
				    .empty());
	}
	EXPECT_FALSE(rig.event(DP_EVENT_LEARNED, &e));
	for (uint16_t n = 0; n < 5; n++)
		EXPECT_EQ(1u,
			rig.pass(udp_frame(nat, local4(20000), a.protect(rtp(8, n, 0, 7)))).size());
	ASSERT_TRUE(rig.event(DP_EVENT_LEARNED, &e));
	EXPECT_EQ(7000, e.remote.port);
	uint64_t before = rig.counter(DP_COUNT_SRTP_IN);
	EXPECT_TRUE(rig.pass(udp_frame(impostor, local4(20000), stranger.protect(rtp(8, 9, 0, 7))))
			    .empty());
	EXPECT_EQ(before, rig.counter(DP_COUNT_SRTP_IN)); // not worth the arithmetic
}

TEST_P(Secured, ANewKeyWithoutALostPacket)
{
	abi_srtp_key next = suite_key(GetParam(), 7);
	Party later(next, a_gets);

	ASSERT_EQ(0, rig.add(call(both, 0)));
	ASSERT_EQ(0, rig.keys(0, &a_sends, &a_gets));
	EXPECT_EQ(1u, rig.pass(from_alice(a.protect(rtp(8, 1, 0, 7)))).size());
	ASSERT_EQ(0, rig.keys(0, &next, nullptr));
	EXPECT_EQ(rtp(8, 2, 0, 7), through(from_alice(a.protect(rtp(8, 2, 0, 7))))); // on its way
	EXPECT_EQ(rtp(8, 3, 0, 7), through(from_alice(later.protect(rtp(8, 3, 0, 7)))));
	EXPECT_EQ(rtp(8, 4, 0, 7), through(from_alice(later.protect(rtp(8, 4, 0, 7)))));
}

TEST_P(Secured, PublishesAheadOfWhatItUses)
{
	ASSERT_EQ(0, rig.add(call(both, 0)));
	ASSERT_EQ(0, rig.keys(0, &a_sends, &a_gets));
	for (uint16_t n = 1; n < 100; n++) {
		EXPECT_EQ(1u, rig.pass(from_bob(rtp(8, n, 0, 9))).size());
		EXPECT_EQ(1u, rig.pass(from_alice(a.protect(rtp(8, n, 0, 7)))).size());
		const abi_leg_resume &r = rig.resumes[0];
		ASSERT_EQ(1, r.srtp[0].used);
		ASSERT_EQ(7u, r.srtp[0].ssrc);
		ASSERT_EQ(9u, r.srtp[2].ssrc);
		ASSERT_GT(r.srtp[2].seq, n);
		ASSERT_GT(r.srtp[0].seq, n);
	}
}

TEST_P(Secured, RtcpMayHaveKeysOfItsOwn)
{
	abi_srtp_key rtcp_sends = suite_key(GetParam(), 11), rtcp_gets = suite_key(GetParam(), 12);
	const Address rtcp_at = v4(192, 0, 2, 10, 4001), bob_rtcp = v4(198, 51, 100, 20, 5001);
	Party a_rtcp(rtcp_sends, rtcp_gets);

	ASSERT_EQ(0, rig.add(call(both, 0)));
	ASSERT_EQ(0, rig.keys(0, &a_sends, &a_gets));
	ASSERT_EQ(0, rig.keys(0, &rtcp_sends, &rtcp_gets, 1));
	Bytes report = rtcp_report(7), other = rtcp_report(9), p = rtp(8, 1, 0, 7);
	EXPECT_EQ(p, through(from_alice(a.protect(p))));
	EXPECT_EQ(report, through(udp_frame(rtcp_at, local4(20001), a_rtcp.protect(report, true))));
	a.protect(report, true);
	EXPECT_TRUE(rig.pass(udp_frame(rtcp_at, local4(20001), a.protect(report, true))).empty());
	EXPECT_EQ(1u, rig.counter(DP_DROP_SRTP_AUTH));
	EXPECT_EQ(other, a_rtcp.read(through(udp_frame(bob_rtcp, local4(20003), other)), true));
	// A restart goes on behind the indices of both.
	EXPECT_EQ(7u, rig.resumes[0].srtp[0].ssrc);
	EXPECT_GT(rig.resumes[0].srtp[0].seq, 1u);
	EXPECT_GT(rig.resumes[0].srtp[0].srtcp_index, 1u);
	EXPECT_EQ(9u, rig.resumes[0].srtp[2].ssrc);
	EXPECT_GT(rig.resumes[0].srtp[2].srtcp_index, 1u);
}

TEST_P(Secured, TellsWhatWasRefused)
{
	dp_event e;

	ASSERT_EQ(0, rig.add(call(both, 0)));
	ASSERT_EQ(0, rig.keys(0, &a_sends, &a_gets));
	for (uint16_t n = 0; n < 7; n++)
		rig.pass(from_alice(rtp(8, n, 0, 7)));
	for (int i = 0; i < 3000 && !rig.event(DP_EVENT_REFUSED, &e); i++) {
		usleep(1000);
		rig.turn();
	}
	EXPECT_EQ(DP_EVENT_REFUSED, e.type);
	EXPECT_EQ(7u, e.count[DP_REFUSED_PLAIN]);
	EXPECT_EQ(ABI_IN, e.component);
	EXPECT_EQ(7u, e.ssrc);
}

TEST_P(Secured, OpaqueGoesThroughUntouched)
{
	std::vector<Rig::Leg> legs = call(ABI_LEG_OPAQUE, ABI_LEG_OPAQUE);

	ASSERT_EQ(0, rig.add(legs));
	Bytes p = a.protect(rtp(8, 1, 0, 7)), report = a.protect(rtcp_report(7), true);
	EXPECT_EQ(p, through(from_alice(p)));
	EXPECT_EQ(report, through(udp_frame(v4(192, 0, 2, 10, 4001), local4(20001), report)));
}

INSTANTIATE_TEST_SUITE_P(Suites, Secured,
	testing::Values(
		(unsigned)ABI_SRTP_AES_CM_128_HMAC_SHA1_80, (unsigned)ABI_SRTP_AEAD_AES_256_GCM));
