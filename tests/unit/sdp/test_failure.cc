// SPDX-License-Identifier: BSD-3-Clause
//
// Memory that runs out: every arena size, and every i-th malloc. What fails must change nothing.
#include "call.h"

extern "C" {
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);

static int fail_at = -1; // allocations until one fails, -1: never

void *__wrap_malloc(size_t size)
{
	return fail_at >= 0 && fail_at-- == 0 ? nullptr : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fail_at >= 0 && fail_at-- == 0 ? nullptr : __real_calloc(n, size);
}
}

namespace
{

// Drives a call with a hold and a second stream. Each step that fails is tried again with plenty, and
// the outcome has to be that of a call in which nothing failed. Returns the count of failures.
class Stubborn
{
      public:
	explicit Stubborn(size_t arena, int fail) : small(arena), fail(fail)
	{
	}
	std::string run()
	{
		const std::string a = audio("192.0.2.10", 4000), b = audio("192.0.2.20", 6000);
		const std::string v = "m=video 4002 RTP/AVP 31\n", w = "m=video 6002 RTP/AVP 31\n";

		exchange(SDP_LEG_A, a, b);
		exchange(SDP_LEG_B, audio("192.0.2.20", 6000, "a=sendonly\n"), a);
		exchange(SDP_LEG_A, audio("192.0.2.10", 4000, v), audio("192.0.2.20", 6000, w));
		return log;
	}
	int failures = 0;

      private:
	template <typename F> void step(F f)
	{
		int rc;

		fail_at = fail;
		rc = f(&small);
		fail_at = -1;
		if (rc != 0) {
			EXPECT_EQ(-ENOMEM, rc);
			failures++;
			rc = f(&plenty);
		}
		ASSERT_EQ(0, rc);
	}
	void exchange(enum sdp_leg leg, const std::string &offer, const std::string &answer)
	{
		struct sdp_oa *oa = &call.oa;
		struct sdp_str text = {};
		static struct sdp_plan plan;

		step([&](struct sdp_arena *s) {
			return sdp_oa_take_offer(
				oa, s, leg, bytes(offer), offer.size(), &call.need, nullptr);
		});
		for (unsigned i = 0; i < call.need.n_streams; i++) {
			for (enum sdp_leg l : {SDP_LEG_A, SDP_LEG_B}) {
				struct sdp_local local = Call::local(l, i);

				step([&](struct sdp_arena *) {
					return sdp_oa_set_local(oa, l, i, &local);
				});
			}
		}
		step([&](struct sdp_arena *s) { return sdp_oa_show_offer(oa, s, &text); });
		log += str(text);
		step([&](struct sdp_arena *s) {
			return sdp_oa_take_answer(
				oa, s, sdp_leg_other(leg), bytes(answer), answer.size(), nullptr);
		});
		step([&](struct sdp_arena *s) { return sdp_oa_show_answer(oa, s, &text); });
		log += str(text);
		ASSERT_EQ(0, sdp_oa_accept(oa));
		step([&](struct sdp_arena *s) { return sdp_oa_plan(oa, s, &plan); });
		for (unsigned i = 0; i < plan.n_streams; i++) {
			for (const struct sdp_plan_leg &l : plan.stream[i].leg)
				log += endpoint(l.rtp) + (l.relearn ? " relearn " : " ") + pts(l) +
				       "\n";
		}
	}

	Call call;
	Arena small, plenty;
	int fail;
	std::string log;
};

} // namespace

TEST(Failure, TheReaderSurvivesEveryArenaSize)
{
	const std::string body = audio("192.0.2.10", 4000, "m=video 4 RTP/AVP 31\n");
	size_t size = 0;
	int rc;

	do {
		Arena arena(size++);
		struct sdp_session *tree = nullptr;
		struct sdp_error err = {};

		rc = sdp_parse(&arena, bytes(body), body.size(), &tree, &err);
		if (rc != 0) {
			EXPECT_EQ(-ENOMEM, rc);
			EXPECT_STREQ("out of memory", err.text);
			EXPECT_EQ(0u, (&arena)->used); // given back
		}
	} while (rc != 0 && size < SDP_MAX_TREE);
	EXPECT_EQ(0, rc);
	EXPECT_GT(size, 300u);
}

TEST(Failure, AnExchangeSurvivesEveryScratchSize)
{
	const std::string right = Stubborn(SDP_OA_SCRATCH, -1).run();
	int failed_runs = 0;

	// Trees take a few kilobytes, the buffer of show_* the better part of the rest.
	for (size_t size = 0; size < SDP_MAX_BODY + 8192; size += size < 6000 ? 61 : 997) {
		Stubborn s(size, -1);

		EXPECT_EQ(right, s.run()) << size;
		failed_runs += s.failures != 0;
	}
	EXPECT_GT(failed_runs, 100);
	EXPECT_EQ(0, Stubborn(SDP_OA_SCRATCH, -1).failures);
}

TEST(Failure, AnExchangeSurvivesEveryFailedMalloc)
{
	const std::string right = Stubborn(SDP_OA_SCRATCH, -1).run();
	Stubborn first(SDP_OA_SCRATCH, 0), never(SDP_OA_SCRATCH, 1000);

	EXPECT_EQ(right, first.run());
	EXPECT_GE(first.failures, 10); // every step that keeps something
	EXPECT_EQ(right, never.run());
	EXPECT_EQ(0, never.failures);
}

TEST(Failure, WhatWasKeptIsReadWholeOrNotAtAll)
{
	Call call, again;
	uint8_t record[4096];
	int size, rc, failures = 0;

	call.exchange(SDP_LEG_A, audio("192.0.2.10", 4000), audio("192.0.2.20", 6000));
	size = sdp_oa_save(&call.oa, record, sizeof(record));
	ASSERT_GT(size, 0);
	do {
		fail_at = failures;
		rc = sdp_oa_load(&again.oa, &again.scratch, record, size_t(size));
		fail_at = -1;
		if (rc != 0) {
			EXPECT_EQ(-ENOMEM, rc);
			EXPECT_FALSE(again.oa.agreed_once);
			failures++;
		}
	} while (rc != 0 && failures < 100);
	EXPECT_EQ(0, rc);
	EXPECT_EQ(5, failures); // the ports and four bodies
}

TEST(Failure, ScratchIsGivenBack)
{
	Call call;

	call.exchange(SDP_LEG_A, audio("192.0.2.10", 4000), audio("192.0.2.20", 6000));
	call.plan();
	EXPECT_NE(0, call.take_offer(SDP_LEG_A, "v=0\r\nx"));
	EXPECT_EQ(0u, (&call.scratch)->used);
}
