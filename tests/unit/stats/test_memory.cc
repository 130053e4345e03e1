// SPDX-License-Identifier: BSD-3-Clause
// Memory that runs out: an exit code or an errno, never a crash and never a leak.
#include <errno.h>

#include "../failing_alloc.h"
#include "stats/prometheus.h"
#include "world.h"

class Memory : public WorldTest
{
      protected:
	FILE *null = fopen("/dev/null", "w");

	void fill()
	{
		start_media();
		start_sip();
		attach();
		media->add_session(1, ABI_SESSION_ACTIVE, 0, 1, 20000, 0xabc);
		uint32_t slot = sip->add_call(0xabc, ABI_CALL_UP, "+4930111", "+49402222");
		abi_call *c = cp_tregion_call_begin(sip->t, slot);
		c->streams = 1;
		c->media_slot[0] = 1;
		c->media_generation[0] = 1;
		cp_tregion_call_end(sip->t, slot);
		sip->message(0xabc, false, 0, "INVITE sip:x SIP/2.0\r\n\r\n");
		options.id = "abc";
		options.all = options.stages = options.messages = true;
		options.out = options.err = null;
		setvbuf(null, nullptr, _IONBF, 0);
	}

	void TearDown() override
	{
		fclose(null);
		WorldTest::TearDown();
	}
};

TEST_F(Memory, EveryTopic)
{
	fill();
	for (auto topic : {st_show_calls, st_show_call, st_show_workers, st_show_drops,
		     st_show_ports, st_show_sessions})
		EXPECT_GT(for_each_allocation([&](long) {
			int code = topic(&options);

			if (fail_after >= 0) {
				EXPECT_EQ(code, ST_EXIT_OK);
			} else {
				EXPECT_TRUE(code == ST_EXIT_FAILED || code == ST_EXIT_OK);
			}
		}),
			0);
}

TEST_F(Memory, Metrics)
{
	fill();
	EXPECT_EQ(for_each_allocation([&](long) {
		int err = st_prometheus_write(&reader, 60000000, null);

		EXPECT_EQ(err, fail_after >= 0 ? 0 : -ENOMEM);
	}),
		2);
}
