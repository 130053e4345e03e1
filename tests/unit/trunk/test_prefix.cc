// SPDX-License-Identifier: BSD-3-Clause
// The map of prefixes against one that is slow and plain.
#include <gtest/gtest.h>

#include <cerrno>
#include <map>
#include <random>
#include <string>
#include <vector>

extern "C" {
#include "controlplane/trunk/prefix.h"
}

namespace
{

struct Map {
	cp_prefixes *map = nullptr;
	std::vector<uint32_t> next;
	int err;

	explicit Map(const std::vector<std::string> &texts, bool chain = true)
	{
		std::vector<cp_prefix> list;
		uint32_t twice[2];
		for (size_t i = 0; i < texts.size(); i++)
			list.push_back({texts[i].data(), uint32_t(texts[i].size()), uint32_t(i)});
		next.resize(texts.size() + 1);
		err = cp_prefixes_new(
			&map, list.data(), list.size(), chain ? next.data() : nullptr, twice);
	}
	~Map()
	{
		cp_prefixes_free(map);
	}
	int find(const std::string &number)
	{
		uint32_t v = cp_prefixes_longest(map, number.data(), number.size());
		return v == CP_PREFIX_NONE ? -1 : int(v);
	}
};

TEST(Prefixes, TheLongestWins)
{
	Map m({"+49", "+4930", "+1", "+", "00", "*21*", "alice"});
	ASSERT_EQ(m.err, 0);
	EXPECT_EQ(m.find("+49301234"), 1);
	EXPECT_EQ(m.find("+4930"), 1);
	EXPECT_EQ(m.find("+493"), 0);
	EXPECT_EQ(m.find("+4"), 3);
	EXPECT_EQ(m.find("0049"), 4);
	EXPECT_EQ(m.find("0"), -1);
	EXPECT_EQ(m.find(""), -1);
	EXPECT_EQ(m.find("*21*5"), 5);
	EXPECT_EQ(m.find("alice.smith"), 6);
	EXPECT_EQ(m.find("alicd"), -1);
	EXPECT_EQ(m.find("ali"), -1);
	EXPECT_EQ(m.find("\xc3\xa4"), -1);
}

TEST(Prefixes, AllAreFoundTheLongestFirst)
{
	Map m({"", "+49", "+4930", "+49301234567890123456789", "+5"});
	cp_prefix_found found[CP_PREFIX_MAX + 1];
	std::string number = "+493012345678901234567890";
	ASSERT_EQ(cp_prefixes_all(m.map, number.data(), number.size(), found), 4u);
	EXPECT_EQ(found[0].value, 3u);
	EXPECT_EQ(found[0].length, 24u);
	EXPECT_EQ(found[1].value, 2u);
	EXPECT_EQ(found[2].value, 1u);
	EXPECT_EQ(found[3].value, 0u);
	EXPECT_EQ(found[3].length, 0u);
	EXPECT_EQ(cp_prefixes_all(nullptr, "1", 1, found), 0u);
}

TEST(Prefixes, EqualOnesHangBehindTheFirstOrAreRefused)
{
	Map m({"+49", "+1", "+49", "+49"});
	ASSERT_EQ(m.err, 0);
	EXPECT_EQ(m.find("+49"), 0);
	EXPECT_EQ(m.next[0], 2u);
	EXPECT_EQ(m.next[2], 3u);
	EXPECT_EQ(m.next[3], CP_PREFIX_NONE);
	EXPECT_EQ(m.next[1], CP_PREFIX_NONE);
	EXPECT_EQ(Map({"+49", "+49"}, false).err, -EEXIST);
	EXPECT_EQ(Map({std::string(64, '1')}).err, -EINVAL);
	EXPECT_EQ(Map({"\xff"}).err, -EINVAL);
}

TEST(Prefixes, OfNothingFindsNothing)
{
	Map m({});
	ASSERT_EQ(m.err, 0);
	EXPECT_EQ(m.find("1"), -1);
	EXPECT_EQ(m.find(""), -1);
}

TEST(Prefixes, AsASlowMapFinds)
{
	std::mt19937 random(1);
	static const char letters[] = "0123456789+*#ab.@~";
	for (int round = 0; round < 30; round++) {
		unsigned kinds = round % 3 ? 3 : sizeof(letters) - 1;
		std::map<std::string, int> plain;
		std::vector<std::string> texts;
		auto draw = [&](unsigned most) {
			std::string s;
			for (unsigned n = random() % (most + 1); n; n--)
				s += letters[random() % kinds];
			return s;
		};
		for (int i = 0; i < 400; i++) {
			std::string s = draw(round % 2 ? 9 : 40);
			if (plain.emplace(s, int(texts.size())).second)
				texts.push_back(s);
		}
		Map m(texts, false);
		ASSERT_EQ(m.err, 0);
		ASSERT_EQ(cp_prefixes_count(m.map), texts.size());
		for (int i = 0; i < 2000; i++) {
			std::string s = i % 2 ? draw(45) : texts[random() % texts.size()] + draw(5);
			int want = -1;
			for (size_t n = 0; n <= s.size(); n++)
				if (plain.count(s.substr(0, n)))
					want = plain[s.substr(0, n)];
			ASSERT_EQ(m.find(s), want) << s;
		}
	}
}

} // namespace
