// SPDX-License-Identifier: BSD-3-Clause
// What happens to a context in its life: replays, SSRCs that come and go, re-keys, restarts.
#include "srtp_pair.h"

class SrtpLife : public testing::TestWithParam<unsigned>
{
      protected:
	abi_srtp_key key = make_key(GetParam(), 1);

	Bytes protect(Ours &ours, uint16_t seq, uint32_t ssrc = 1)
	{
		Bytes p = rtp(seq, ssrc, 20);

		EXPECT_EQ(SRTP_OK, ours.one(p)) << seq;
		return p;
	}
};

TEST_P(SrtpLife, RefusesReplays)
{
	for (auto *backend : backends()) {
		Ours out(backend, key, ABI_OUT), in(backend, key, ABI_IN);
		Bytes first = protect(out, 100), report = rtcp(1), copy;
		std::vector<Bytes> twice = {first, first};
		std::vector<srtp_verdict> verdicts;

		in.run(twice, &verdicts); // in one burst
		EXPECT_EQ(verdicts[0], SRTP_OK);
		EXPECT_EQ(verdicts[1], SRTP_REPLAYED);
		EXPECT_EQ(SRTP_REPLAYED, in.one(copy = first));
		Bytes late = protect(out, 101), far = protect(out, 100 + 200);
		EXPECT_EQ(SRTP_OK, in.one(far));
		EXPECT_EQ(SRTP_REPLAYED, in.one(late)); // older than the window
		ASSERT_EQ(SRTP_OK, out.one(report, true));
		copy = report;
		EXPECT_EQ(SRTP_OK, in.one(copy, true));
		copy = report;
		EXPECT_EQ(SRTP_REPLAYED, in.one(copy, true));
	}
}

TEST_P(SrtpLife, NeverUsesAnIndexTwice)
{
	Ours out(srtp_best(), key, ABI_OUT);
	Bytes p = rtp(10, 1, 20);

	EXPECT_EQ(SRTP_OK, out.one(p));
	p = rtp(10, 1, 30);
	EXPECT_EQ(SRTP_REPLAYED, out.one(p));
	p = rtp(9, 1, 30); // late, but new
	EXPECT_EQ(SRTP_OK, out.one(p));
	// Others come and take its place: what it had is not forgotten.
	for (uint32_t ssrc = 2; ssrc < 20; ssrc++)
		protect(out, 5, ssrc);
	p = rtp(10, 1, 20);
	EXPECT_EQ(SRTP_REPLAYED, out.one(p));
	p = rtp(11, 1, 20);
	EXPECT_EQ(SRTP_OK, out.one(p));
}

TEST_P(SrtpLife, AnSsrcThatComesBackKeepsItsRollOverCounter)
{
	Ours out(srtp_best(), key, ABI_OUT), in(&srtp_ssl, key, ABI_IN);

	for (uint32_t seq : {65000u, 65535u, 65536u, 65600u}) {
		Bytes p = protect(out, (uint16_t)seq);
		ASSERT_EQ(SRTP_OK, in.one(p));
	}
	for (uint32_t ssrc = 2; ssrc < 12; ssrc++) {
		Bytes p = protect(out, 5, ssrc);
		ASSERT_EQ(SRTP_OK, in.one(p));
	}
	Bytes p = protect(out, 65601 - 65536);
	EXPECT_EQ(SRTP_OK, in.one(p));
	EXPECT_EQ(in.context->stream[0].ssrc == 1 ? in.context->stream[0].highest : 65601u, 65601u);
}

TEST_P(SrtpLife, HoldsSoManySsrcsAndNoMore)
{
	Ours out(srtp_best(), key, ABI_OUT);
	Bytes p;

	for (uint32_t ssrc = 1; ssrc <= SRTP_STREAMS + SRTP_RETIRED; ssrc++)
		protect(out, 5, ssrc);
	p = rtp(5, 999, 20);
	EXPECT_EQ(SRTP_EXHAUSTED, out.one(p));
	p = rtcp(998);
	EXPECT_EQ(SRTP_EXHAUSTED, out.one(p, true));
	protect(out, 6, 1); // those that it knows go on
	protect(out, 6, 2);
	protect(out, 7, 1);
}

TEST_P(SrtpLife, StrangersTakeNoPlace)
{
	abi_srtp_key other = make_key(GetParam(), 2);
	Ours in(srtp_best(), key, ABI_IN), stranger(&srtp_ssl, other, ABI_OUT);
	Ours out(&srtp_ssl, key, ABI_OUT);

	for (uint32_t ssrc = 1; ssrc < 200; ssrc++) {
		Bytes p = rtp(5, ssrc, 20);
		if (ssrc % 20 == 0)
			p[0] |= 0x10; // an extension that does not fit
		else if (ssrc <= 30)
			ASSERT_EQ(SRTP_OK, stranger.one(p));
		EXPECT_NE(SRTP_OK, in.one(p));
	}
	for (auto &s : in.context->stream)
		EXPECT_EQ(0, s.used);
	Bytes p = protect(out, 1);
	EXPECT_EQ(SRTP_OK, in.one(p));
}

TEST_P(SrtpLife, ReadsTheKeyBeforeForAWhile)
{
	for (auto *backend : backends()) {
		for (bool mki : {false, true}) {
			abi_srtp_key old_key = make_key(GetParam(), 1, mki ? Bytes{1} : Bytes{});
			abi_srtp_key new_key = make_key(GetParam(), 2, mki ? Bytes{2} : Bytes{});
			Ours old_out(&srtp_ssl, old_key, ABI_OUT),
				new_out(&srtp_ssl, new_key, ABI_OUT);
			Ours in(backend, new_key, ABI_IN);
			std::vector<Bytes> mixed, plain;
			std::vector<srtp_verdict> verdicts;
			Bytes report = rtcp(1), damaged;

			ASSERT_EQ(0, srtp_new(&in.context->previous, backend, &old_key, ABI_IN));
			for (uint16_t i = 0; i < 40; i++) {
				plain.push_back(rtp(i, 1, 160));
				mixed.push_back(plain.back());
				ASSERT_EQ(SRTP_OK, (i % 3 ? new_out : old_out).one(mixed.back()));
			}
			damaged = rtp(40, 1, 160);
			ASSERT_EQ(SRTP_OK, new_out.one(damaged));
			damaged[20] ^= 1;
			mixed.push_back(damaged);
			in.run(mixed, &verdicts);
			EXPECT_EQ(SRTP_AUTH_FAILED, verdicts.back());
			mixed.pop_back();
			EXPECT_EQ(plain, mixed) << backend->name << mki;
			ASSERT_EQ(SRTP_OK, old_out.one(report, true));
			EXPECT_EQ(SRTP_OK, in.one(report, true));
			EXPECT_EQ(rtcp(1), report);
			srtp_wipe(in.context->previous);
			Bytes p = protect(old_out, 100);
			EXPECT_EQ(SRTP_AUTH_FAILED, in.one(p));
			p = protect(new_out, 100);
			EXPECT_EQ(SRTP_OK, in.one(p));
		}
	}
}

TEST_P(SrtpLife, GoesOnAfterARestartWithoutUsingAnIndexTwice)
{
	Ours before(srtp_best(), key, ABI_OUT), after(srtp_best(), key, ABI_OUT);
	Ours listener(&srtp_ssl, key, ABI_IN), listener_after(&srtp_ssl, key, ABI_IN);
	abi_srtp_stream said[2];
	uint32_t index = 65500, reports = 0;
	Bytes p;

	for (; index < 65600; index++) {
		p = protect(before, (uint16_t)index);
		if (before.context->fresh) {
			srtp_publish(before.context, said);
			before.context->fresh = false;
		}
		// What was published is always ahead of what was used.
		ASSERT_GT(((uint64_t)said[0].roc << 16 | said[0].seq), index);
		ASSERT_EQ(SRTP_OK, listener.one(p));
	}
	for (; reports < 40; reports++) {
		p = rtcp(1);
		ASSERT_EQ(SRTP_OK, before.one(p, true));
		if (before.context->fresh)
			srtp_publish(before.context, said);
		before.context->fresh = false;
	}
	EXPECT_GT(said[0].srtcp_index, 40u);
	EXPECT_LE(said[0].srtcp_index, 40u + SRTP_RESERVED);
	// Killed here.
	srtp_resume(after.context, &said[0]);
	srtp_publish(listener.context, said);
	for (uint32_t i = index - 50; i < index; i++) {
		p = rtp((uint16_t)i, 1, 5);
		EXPECT_EQ(SRTP_REPLAYED, after.one(p)) << i;
	}
	srtp_resume(listener_after.context, &said[0]);
	unsigned lost = 0;
	for (uint32_t i = index; i < index + 60; i++) {
		p = rtp((uint16_t)i, 1, 20);
		if (after.one(p) != SRTP_OK) {
			lost++;
			continue;
		}
		ASSERT_EQ(SRTP_OK, listener.one(p)) << i;
	}
	EXPECT_LE(lost, SRTP_RESERVED);
	p = rtp((uint16_t)(index + 61), 1, 20);
	ASSERT_EQ(SRTP_OK, after.one(p));
	EXPECT_EQ(SRTP_OK, listener_after.one(p)); // the roll-over counter came along
	p = rtcp(1);
	ASSERT_EQ(SRTP_OK, after.one(p, true));
	uint32_t word;
	memcpy(&word, p.data() + p.size() - (abi_suite_of(GetParam())->aead ? 4 : 14), 4);
	EXPECT_GT(__builtin_bswap32(word) & 0x7fffffffu, reports);
}

TEST_P(SrtpLife, JoinsLate)
{
	Ours sender(&srtp_ssl, key, ABI_OUT);
	abi_srtp_key late = key;

	late.roc = 1;
	Ours in(srtp_best(), late, ABI_IN), zero(srtp_best(), key, ABI_IN);
	for (uint32_t i : {30000u, 60000u, 65535u, 65536u})
		protect(sender, (uint16_t)i);
	Bytes p = protect(sender, 10), copy = p;
	EXPECT_EQ(SRTP_AUTH_FAILED, zero.one(copy));
	EXPECT_EQ(SRTP_OK, in.one(p));
}

TEST_P(SrtpLife, RefusesWhatCannotBeSrtp)
{
	Ours in(srtp_best(), key, ABI_IN), out(srtp_best(), key, ABI_OUT);
	Bytes p;

	for (size_t size = 12; size < 16; size++) {
		p = rtp(1, 1, 0);
		p.resize(size);
		EXPECT_EQ(SRTP_TRUNCATED, in.one(p)) << size;
	}
	p = rtp(1, 1, 40, 15);
	p.resize(70);
	EXPECT_EQ(SRTP_TRUNCATED, in.one(p));
	p = rtcp(1);
	p.resize(8);
	EXPECT_EQ(SRTP_TRUNCATED, in.one(p, true));
	p = rtp(1, 1, 160); // in clear
	EXPECT_EQ(SRTP_AUTH_FAILED, in.one(p));
	p = rtp(1, 1, 0, 3);
	p.resize(16);
	EXPECT_EQ(SRTP_TRUNCATED, out.one(p));
	srtp_wipe(out.context);
	p = rtp(1, 1, 160);
	EXPECT_EQ(SRTP_EXHAUSTED, out.one(p));
}

INSTANTIATE_TEST_SUITE_P(Suites, SrtpLife,
	testing::Values((unsigned)ABI_SRTP_AES_CM_128_HMAC_SHA1_80,
		(unsigned)ABI_SRTP_AES_256_CM_HMAC_SHA1_32, (unsigned)ABI_SRTP_AEAD_AES_128_GCM,
		(unsigned)ABI_SRTP_AEAD_AES_256_GCM),
	[](const testing::TestParamInfo<unsigned> &info) {
		return std::string(abi_suite_of(info.param)->name);
	});
