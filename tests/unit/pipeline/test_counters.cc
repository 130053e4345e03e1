// SPDX-License-Identifier: BSD-3-Clause
// Every counter says what it is, in words; and the table of stages is whole.
#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <string>

#include "dataplane/pipeline/stages.h"

TEST(Counters, AreAllDescribedAndDistinct)
{
	std::set<std::string> seen;

	for (unsigned i = 0; i < DP_COUNTERS; i++) {
		const struct abi_counter &c = dp_counters[i];

		ASSERT_NE(c.name[0], 0) << i;
		EXPECT_NE(c.help[0], 0) << c.name;
		EXPECT_EQ(c.name[sizeof(c.name) - 1], 0);
		EXPECT_EQ(c.label[sizeof(c.label) - 1], 0);
		EXPECT_EQ(c.help[sizeof(c.help) - 1], 0);
		EXPECT_EQ(c.scope, ABI_SCOPE_WORKER);
		EXPECT_TRUE(seen.insert(std::string(c.name) + "{" + c.label + "}").second)
			<< c.name << c.label;
	}
}

TEST(Counters, ReasonsAreLabelled)
{
	for (unsigned i = 0; i < DP_REASONS; i++) {
		EXPECT_STREQ(dp_counters[i].name, "media_drops_total");
		EXPECT_EQ(strncmp(dp_counters[i].label, "reason=\"", 8), 0);
	}
}

TEST(Stages, AreAllThereAndLabelTheirCounters)
{
	for (unsigned s = 0; s < DP_STAGES; s++) {
		ASSERT_NE(dp_stages[s].run, nullptr);
		std::string label = std::string("stage=\"") + dp_stages[s].name + "\"";
		for (unsigned base : {DP_COUNT_STAGE_CALLS, DP_COUNT_STAGE_PACKETS,
			     DP_COUNT_STAGE_CYCLES, DP_COUNT_STAGE_SAMPLED})
			EXPECT_EQ(dp_counters[base + s].label, label);
	}
}
