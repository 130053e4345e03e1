// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>

#include "controlplane/history.h"

namespace {

class History : public ::testing::Test {
protected:
	void SetUp() override
	{
		char name[] = "/tmp/hawse-history-XXXXXX";

		ASSERT_NE(mkdtemp(name), nullptr);
		state = name;
		ASSERT_EQ(cp_history_open(&h, state.c_str()), 0);
	}
	void TearDown() override
	{
		std::string rm = "rm -rf " + state;
		EXPECT_EQ(system(rm.c_str()), 0);
	}
	int add(const std::string &text, const char *how = "load")
	{
		cp_history_note note = {"root", how, "/etc/hawse/hawse.yaml", 2};
		return cp_history_add(&h, text.data(), text.size(), &note);
	}
	std::string read(unsigned n)
	{
		char *text = nullptr;
		size_t size;
		if (cp_history_read(&h, n, &text, &size))
			return "none";
		std::string out(text, size);
		free(text);
		return out;
	}
	std::string state;
	cp_history h{};
};

TEST_F(History, KeepsWhatRanAndWhoLoadedIt)
{
	EXPECT_EQ(add("one\n", "start"), 0);
	EXPECT_EQ(add("one\n"), 0); // the same again is no entry
	EXPECT_EQ(add("two\n"), 0);
	EXPECT_EQ(h.last, 2u);
	EXPECT_EQ(read(1), "one\n");
	EXPECT_EQ(read(2), "two\n");
	EXPECT_EQ(read(3), "none");
	json_t *list = cp_history_list(&h);
	ASSERT_EQ(json_array_size(list), 2u);
	json_t *newest = json_array_get(list, 0);
	EXPECT_EQ(json_integer_value(json_object_get(newest, "number")), 2);
	EXPECT_STREQ(json_string_value(json_object_get(newest, "who")), "root");
	EXPECT_STREQ(json_string_value(json_object_get(json_array_get(list, 1), "how")), "start");
	json_decref(list);
}

TEST_F(History, GoesOnAfterARestartAndForgetsTheOldest)
{
	for (unsigned i = 1; i <= CP_HISTORY_KEPT + 3; i++)
		ASSERT_EQ(add("text " + std::to_string(i)), 0);
	cp_history again;
	ASSERT_EQ(cp_history_open(&again, state.c_str()), 0);
	EXPECT_EQ(again.last, CP_HISTORY_KEPT + 3);
	EXPECT_EQ(read(3), "none");
	EXPECT_EQ(read(4), "text 4");
	json_t *list = cp_history_list(&again);
	EXPECT_EQ(json_array_size(list), CP_HISTORY_KEPT);
	json_decref(list);
}

TEST_F(History, AnEntryWithoutItsNoteIsNone)
{
	EXPECT_EQ(add("one"), 0);
	std::string half = state + "/history/000002.yaml";
	close(open(half.c_str(), O_CREAT | O_WRONLY, 0600)); // killed in between
	cp_history again;
	ASSERT_EQ(cp_history_open(&again, state.c_str()), 0);
	EXPECT_EQ(again.last, 1u);
	EXPECT_EQ(read(2), "none");
	EXPECT_EQ(add("two"), 0);
	EXPECT_EQ(read(2), "two");
}

TEST_F(History, NoneIsKeptWithoutAPlace)
{
	cp_history none;
	cp_history_note note = {"root", "load", "f", 0};
	EXPECT_EQ(cp_history_open(&none, ""), 0);
	EXPECT_EQ(cp_history_add(&none, "x", 1, &note), 0);
	json_t *list = cp_history_list(&none);
	EXPECT_EQ(json_array_size(list), 0u);
	json_decref(list);
	EXPECT_EQ(cp_history_open(&none, "/proc/nowhere"), -ENOENT);
	EXPECT_STREQ(none.directory, "");
}

} // namespace
