// SPDX-License-Identifier: BSD-3-Clause
// Which transcoder takes a session, and when none does. Their threads do not run here: nothing is measured.
#include <gtest/gtest.h>

#include <cerrno>

extern "C" {
#include "dataplane/agent/transcoders.h"
}

namespace
{
struct Placing : testing::Test {
	struct region region;
	struct dp_transcoder *all[3];
	struct transcoders *t;

	Placing()
	{
		static const abi_counter none = {};
		const abi_endpoint endpoint = {};

		EXPECT_EQ(0, region_create(&region, 16, 1, 3, &endpoint, 1, &none, 1));
		for (auto &one : all) {
			dp_transcoder_config c = {};

			c.workers = 1;
			c.sessions = 16;
			c.agent_bell = -1;
			EXPECT_EQ(0, dp_transcoder_create(&one, &c));
		}
		transcoders_config c = {all, 3, 850, &region};
		EXPECT_EQ(0, transcoders_new(&t, &c));
	}
	~Placing()
	{
		transcoders_free(t);
		for (auto *one : all)
			dp_transcoder_free(one);
		region_close(&region);
	}
};
} // namespace

TEST_F(Placing, SessionsSpreadByWhatTheyCost)
{
	unsigned taken[3] = {};

	for (unsigned n = 0; n < 30; n++) {
		int i = transcoders_choose(t, 5000, -1, 0);

		ASSERT_GE(i, 0);
		taken[i]++;
		transcoders_charge(t, (unsigned)i, 5000);
	}
	for (unsigned n : taken)
		EXPECT_EQ(10u, n);
	transcoders_charge(t, 1, -50000);
	EXPECT_EQ(1, transcoders_choose(t, 5000, -1, 0));
}

TEST_F(Placing, WhenAllAreFullTheNextIsRefusedAndThoseThereStay)
{
	unsigned n = 0;
	int i;

	while ((i = transcoders_choose(t, 20000, -1, 0)) >= 0) {
		transcoders_charge(t, (unsigned)i, 20000);
		ASSERT_LT(++n, 1000u);
	}
	EXPECT_EQ(-ENOSPC, i);
	EXPECT_EQ(3u * 42, n); // 850,000 us a second each
	for (unsigned k = 0; k < 3; k++)
		transcoders_charge(t, k, 20000);
	transcoders_tick(t, 1000000);
	EXPECT_EQ(1u, abi_load32(&region.a->transcode_full));
	EXPECT_GT(abi_load32(&region.a->transcode_load), 950u);
	EXPECT_EQ(2, transcoders_choose(t, 20000, 2, 20000)); // a plan that changes nothing
	EXPECT_EQ(2, transcoders_choose(t, 500, 2, 20000));
	EXPECT_EQ(-ENOSPC, transcoders_choose(t, 60000, 2, 20000));
	transcoders_charge(t, 0, -40000);
	EXPECT_EQ(0, transcoders_choose(t, 20000, -1, 0));
	transcoders_tick(t, 1100000);
	EXPECT_EQ(0u, abi_load32(&region.a->transcode_full));
}

TEST_F(Placing, DearCodecsCostMore)
{
	EXPECT_GT(transcoders_cost(ABI_CODEC_PCMU, ABI_CODEC_AMR_WB),
		transcoders_cost(ABI_CODEC_PCMU, ABI_CODEC_G722));
	EXPECT_GT(transcoders_cost(ABI_CODEC_PCMU, ABI_CODEC_G722),
		transcoders_cost(ABI_CODEC_PCMU, ABI_CODEC_PCMA));
	for (unsigned codec = 0; codec < ABI_CODECS; codec++)
		EXPECT_GT(transcoders_cost(codec, ABI_CODEC_NONE), 0u);
}

TEST_F(Placing, OrdersThatFindNoRoomWaitTheirTurn)
{
	const unsigned many = DP_TC_ORDERS + 100;
	unsigned back = 0;

	for (unsigned n = 0; n < many; n++) {
		dp_tc_order *o = (dp_tc_order *)calloc(1, sizeof(*o));

		o->type = DP_TC_PLAY_STOP;
		o->generation = n;
		transcoders_send(t, 0, o);
	}
	for (unsigned turn = 0; turn < 10 && back < many; turn++) {
		dp_transcoder_turn(all[0], 2000000 + turn * 1000);
		for (dp_tc_order *o; (o = transcoders_reply(t)); back++) {
			EXPECT_EQ(back, o->generation);
			transcoders_dispose(o);
		}
	}
	EXPECT_EQ(many, back);
}
