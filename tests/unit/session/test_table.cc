// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <vector>

#include "dataplane/session/table.h"
#include "tests/unit/session/endpoints.h"

namespace
{
class Table : public ::testing::Test
{
      protected:
	void make(const std::vector<struct abi_endpoint> &e, int expected = 0)
	{
		EXPECT_EQ(dp_table_create(&t, e.data(), static_cast<unsigned>(e.size()), false),
			expected);
	}

	void TearDown() override
	{
		dp_table_free(t);
	}

	struct dp_table *t = nullptr;
};

TEST_F(Table, FindsAddressesAmongMany)
{
	std::vector<struct abi_endpoint> e;

	for (unsigned i = 0; i < ABI_MAX_ENDPOINTS / 2; i++) {
		e.push_back(endpoint4(static_cast<uint8_t>(i), 20000, 20003));
		e.back().ip[2] = static_cast<uint8_t>(i >> 8);
		e.push_back(endpoint6(static_cast<uint8_t>(i), 20000, 20003));
		e.back().ip[14] = static_cast<uint8_t>(i >> 8);
	}
	make(e);
	ASSERT_NE(t, nullptr);
	for (unsigned i = 0; i < e.size(); i++)
		EXPECT_EQ(dp_table_find(t, e[i].ip, e[i].family), i);
	uint8_t other[16] = {11, 0, 0, 1};
	EXPECT_EQ(dp_table_find(t, other, 4), DP_NO_ENDPOINT);
	EXPECT_EQ(dp_table_find(t, other, 6), DP_NO_ENDPOINT);
}

TEST_F(Table, AnIp4AddressIsNotFoundAsIp6)
{
	uint8_t zero[16] = {};

	make({endpoint6(1, 20000, 20001)});
	EXPECT_EQ(dp_table_find(t, zero, 4), DP_NO_ENDPOINT);
}

TEST_F(Table, EveryPortHasALegOfItsOwn)
{
	std::set<struct dp_leg *> legs;

	make({endpoint4(1, 20000, 20999), endpoint4(2, 20000, 20999)});
	ASSERT_NE(t, nullptr);
	for (unsigned e = 0; e < 2; e++)
		for (unsigned port = 20000; port <= 20999; port++) {
			struct dp_leg *leg =
				dp_table_leg(&t->endpoint[e], static_cast<uint16_t>(port));

			ASSERT_NE(leg, nullptr);
			ASSERT_EQ(dp_table_touch(t, e, static_cast<uint16_t>(port)), 0);
			leg->slot = e * 65536 + port;
			EXPECT_TRUE(legs.insert(leg).second);
		}
	for (unsigned e = 0; e < 2; e++)
		for (unsigned port = 20000; port <= 20999; port++)
			EXPECT_EQ(dp_table_leg(&t->endpoint[e], static_cast<uint16_t>(port))->slot,
				e * 65536 + port);
}

TEST_F(Table, PortsOutsideHaveNone)
{
	make({endpoint4(1, 20000, 20999)});
	EXPECT_EQ(dp_table_leg(&t->endpoint[0], 19999), nullptr);
	EXPECT_EQ(dp_table_leg(&t->endpoint[0], 21000), nullptr);
	EXPECT_EQ(dp_table_leg(&t->endpoint[0], 0), nullptr);
	EXPECT_EQ(dp_table_leg(&t->endpoint[0], 65535), nullptr);
	EXPECT_EQ(dp_table_touch(t, 0, 21000), -EINVAL);
	EXPECT_EQ(dp_table_touch(t, 1, 20000), -EINVAL);
}

TEST_F(Table, TheWholePortRange)
{
	make({endpoint4(1, 0, 65535)});
	ASSERT_NE(t, nullptr);
	dp_table_leg(&t->endpoint[0], 65535)->slot = 1;
	dp_table_leg(&t->endpoint[0], 65534)->slot = 2;
	EXPECT_EQ(dp_table_leg(&t->endpoint[0], 65535)->slot, 1u);
}

TEST_F(Table, RemembersMuxedOddPorts)
{
	make({endpoint4(1, 20000, 20999)});
	dp_table_mux(t, 0, 20131, true);
	EXPECT_EQ(t->endpoint[0].muxed_odd[1], 2u);
	dp_table_mux(t, 0, 20132, true); // even: nothing to remember
	EXPECT_EQ(t->endpoint[0].muxed_odd[1], 2u);
	dp_table_mux(t, 0, 20131, false);
	EXPECT_EQ(t->endpoint[0].muxed_odd[1], 0u);
	dp_table_mux(t, 0, 1, true);
	dp_table_mux(t, 7, 20001, true);
}

TEST_F(Table, PortsAreClosedUntilTheyAreOpened)
{
	std::vector<uint64_t> bits(1024);

	make({endpoint4(1, 20000, 20999), endpoint6(1, 20000, 20999)});
	ASSERT_NE(t, nullptr);
	EXPECT_FALSE(dp_table_is_open(&t->endpoint[0], 20130));
	dp_table_open(t, 0, 20130, true);
	EXPECT_TRUE(dp_table_is_open(&t->endpoint[0], 20130));
	EXPECT_FALSE(dp_table_is_open(&t->endpoint[0], 20131));
	EXPECT_FALSE(dp_table_is_open(&t->endpoint[1], 20130));
	dp_table_open(t, 0, 20130, false);
	EXPECT_FALSE(dp_table_is_open(&t->endpoint[0], 20130));
	dp_table_open(t, 0, 19999, true); // not ours
	dp_table_open(t, 7, 20130, true);
	dp_table_share(t, 1, bits.data());
	dp_table_open(t, 1, 20130, true);
	EXPECT_EQ(bits[20130 / 64], 1ull << 20130 % 64);
}

TEST_F(Table, RefusesWhatMakesNoSense)
{
	make({endpoint4(1, 20001, 20999)}, -EINVAL);
	make({endpoint4(1, 20000, 20998)}, -EINVAL);
	make({endpoint4(1, 20002, 20001)}, -EINVAL);
	make({endpoint4(1, 20000, 20001), endpoint4(1, 30000, 30001)}, -EINVAL);
	struct abi_endpoint e = endpoint4(1, 20000, 20001);
	e.family = 5;
	make({e}, -EINVAL);
}

TEST_F(Table, HugePagesAreAWishNotACondition)
{
	struct abi_endpoint e = endpoint4(1, 20000, 59999);

	ASSERT_EQ(dp_table_create(&t, &e, 1, true), 0);
	dp_table_leg(&t->endpoint[0], 59999)->slot = 5;
	dp_table_leg(&t->endpoint[0], 59998)->slot = 6;
	EXPECT_EQ(dp_table_leg(&t->endpoint[0], 59999)->slot, 5u);
}
} // namespace
