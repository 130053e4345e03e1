// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "dataplane/agent/neighbour_table.h"

namespace
{
struct Neighbours : testing::Test {
	neighbour_table *table = neighbour_table_new();

	~Neighbours() override
	{
		neighbour_table_free(table);
	}

	static neighbour_entry make(uint32_t ip, uint8_t mac, int interface = 2)
	{
		neighbour_entry e = {};

		e.interface = interface;
		e.family = 4;
		memcpy(e.ip, &ip, sizeof(ip));
		memset(e.mac, mac, sizeof(e.mac));
		return e;
	}

	int set(const neighbour_entry &e)
	{
		return neighbour_table_set(table, &e);
	}

	const neighbour_entry *find(const neighbour_entry &e)
	{
		return neighbour_table_find(table, &e);
	}
};
} // namespace

TEST_F(Neighbours, SaysWhenAnAddressMoved)
{
	EXPECT_EQ(1, set(make(1, 0xaa)));
	EXPECT_EQ(0, set(make(1, 0xaa)));
	EXPECT_EQ(1, set(make(1, 0xbb)));
	EXPECT_EQ(0xbb, find(make(1, 0))->mac[5]);
	EXPECT_EQ(nullptr, find(make(1, 0, 3)));
	neighbour_entry key = make(1, 0);
	EXPECT_EQ(1, neighbour_table_remove(table, &key));
	EXPECT_EQ(-ENOENT, neighbour_table_remove(table, &key));
}

TEST_F(Neighbours, FindsAllOfMany)
{
	for (uint32_t i = 0; i < 10000; i++)
		EXPECT_EQ(1, set(make(i, (uint8_t)i)));
	for (uint32_t i = 0; i < 10000; i++)
		ASSERT_EQ((uint8_t)i, find(make(i, 0))->mac[0]);
}

TEST_F(Neighbours, DropsWhatAFullReadDidNotShow)
{
	std::vector<uint8_t> dropped;

	set(make(1, 0xaa));
	set(make(2, 0xbb));
	neighbour_table_age(table);
	set(make(2, 0xbb));
	neighbour_table_drop_old(
		table,
		[](void *arg, const neighbour_entry *e) {
			static_cast<std::vector<uint8_t> *>(arg)->push_back(e->mac[0]);
		},
		&dropped);
	EXPECT_EQ(std::vector<uint8_t>{0xaa}, dropped);
	EXPECT_EQ(nullptr, find(make(1, 0)));
	EXPECT_NE(nullptr, find(make(2, 0)));
}
