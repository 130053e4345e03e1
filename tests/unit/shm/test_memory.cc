// SPDX-License-Identifier: BSD-3-Clause
// Memory that runs out: nothing is lost that was there before, nothing is left behind.
#include <errno.h>

#include "../failing_alloc.h"
#include "controlplane/shm/tregion.h"
#include "harness.h"

class Memory : public ClientTest
{
};

TEST_F(Memory, NewClient)
{
	static const cp_shm_ops ops = {on_attached, on_detached, on_event};

	EXPECT_GT(for_each_allocation([this](long) {
		cp_shm_config config = {path.c_str(), "test", &ops, this, 0, 0, 0};
		cp_shm *client = nullptr;
		int err = cp_shm_new(&client, &config);

		EXPECT_EQ(err, fail_after >= 0 ? 0 : -ENOMEM);
		cp_shm_free(client);
	}),
		0);
}

TEST_F(Memory, CommandThatFindsNoneIsNotSent)
{
	abi_msg m = alloc(), got;

	make();
	start();
	ASSERT_TRUE(attach());
	fail_after = 0;
	EXPECT_EQ(cp_shm_submit(c, &m, 0, nullptr, nullptr, now), -ENOMEM);
	fail_after = -1;
	EXPECT_FALSE(media->take(&got));
	// And with memory the same command goes.
	ASSERT_EQ(submit(&m), 0);
	ASSERT_TRUE(media->take(&got));
	EXPECT_EQ(got.sequence, 0u);
	media->send(media->reply_to(got));
	// Answers need none.
	fail_after = 0;
	process();
	fail_after = -1;
	EXPECT_EQ(answers.size(), 1u);
}

TEST(MemoryOfTregion, New)
{
	EXPECT_GT(for_each_allocation([](long) {
		cp_tregion_config config = {2, 100, 65536, nullptr, 0};
		cp_tregion *t = nullptr;
		int err = cp_tregion_new(&t, &config);

		EXPECT_EQ(err, fail_after >= 0 ? 0 : -ENOMEM);
		cp_tregion_free(t);
	}),
		0);
}
