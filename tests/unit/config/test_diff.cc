// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "controlplane/config/diff.h"

namespace {

std::vector<std::string> diff(const std::string &before, const std::string &after)
{
	std::vector<std::string> out;
	struct cfg_diff d;

	EXPECT_EQ(cfg_diff(&d, before.data(), before.size(), after.data(), after.size()), 0);
	for (unsigned i = 0; i < d.count; i++)
		out.push_back(std::string(d.all[i].key) + ": " +
			      (d.all[i].before ? d.all[i].before : "-") + " -> " +
			      (d.all[i].after ? d.all[i].after : "-"));
	cfg_diff_free(&d);
	return out;
}

cfg_effect effect(const std::string &before, const std::string &after)
{
	struct cfg_diff d;

	EXPECT_EQ(cfg_diff(&d, before.data(), before.size(), after.data(), after.size()), 0);
	EXPECT_EQ(d.count, 1u);
	cfg_effect e = d.count ? d.all[0].effect : CFG_AT_ONCE;
	cfg_diff_free(&d);
	return e;
}

using Strings = std::vector<std::string>;

TEST(Diff, WritingOtherwiseIsNoDifference)
{
	EXPECT_EQ(diff("sip: {listen: udp:192.0.2.1, trace: 4}\nrun: /run/x\n",
			  "# a comment\nrun: '/run/x'\nsip:\n  trace: 4\n  listen:\n  - udp:192.0.2.1\n"),
		Strings{});
	EXPECT_EQ(diff("", ""), Strings{});
	EXPECT_EQ(diff("", "# nothing\n"), Strings{});
}

TEST(Diff, SaysWhichKey)
{
	EXPECT_EQ(diff("peers: {a: {kind: trunk, limits: {calls: 10}}, b: {kind: trunk}}\n",
			  "peers: {c: {kind: access}, a: {kind: trunk, limits: {calls: 20, rate: 5}}}\n"),
		(Strings{"peers.b: {kind: trunk} -> -", "peers.c: - -> {kind: access}",
			"peers.a.limits.calls: 10 -> 20", "peers.a.limits.rate: - -> 5"}));
}

TEST(Diff, ARouteBeforeOthersIsOneDifference)
{
	EXPECT_EQ(diff("routes: [{from: a, to: b}, {from: b, to: a}, {from: c, to: a}]\n",
			  "routes: [{from: x, to: b}, {from: a, to: b}, {from: b, to: [a, c]}, {from: c, "
			  "to: a}]\n"),
		(Strings{"routes[0]: - -> {from: x, to: b}", "routes[2].to: a -> [a, c]"}));
	EXPECT_EQ(diff("routes: [{from: a, number: 4, to: b}, {from: b, to: a}]\n",
			  "routes: [{from: x, to: y}, {from: a, number: 5, to: b}, {from: b, to: a}]\n"),
		(Strings{"routes[0]: - -> {from: x, to: y}", "routes[1].number: 4 -> 5"}));
	EXPECT_EQ(diff("routes: [{from: a, to: b}, {from: b, to: a}]\n", "routes: [{from: b, to: a}]\n"),
		(Strings{"routes[0]: {from: a, to: b} -> -"}));
}

TEST(Diff, ASectionThatIsNewIsToldByKey)
{
	EXPECT_EQ(diff("media: {a: {device: eth0}}\n",
			  "media: {a: {device: eth0}}\ndataplane: {grace: 5, workers: 2}\n"),
		(Strings{"dataplane.grace: - -> 5", "dataplane.workers: - -> 2"}));
}

TEST(Diff, EachKeySaysWhenItTakesEffect)
{
	EXPECT_EQ(effect("dataplane: {grace: 5}", "dataplane: {grace: 6}"), CFG_MEDIA_AT_ONCE);
	EXPECT_EQ(effect("dataplane: {workers: 5}", "dataplane: {workers: 6}"), CFG_MEDIA_RESTART);
	EXPECT_EQ(effect("media: {a: {device: x}}", "media: {a: {device: y}}"), CFG_BOTH_RESTART);
	EXPECT_EQ(effect("media: {a: {ports: x}}", "media: {a: {ports: y}}"), CFG_MEDIA_RESTART);
	EXPECT_EQ(effect("media: {a: {device: x}}", "media: {a: {device: x}, b: {device: y}}"),
		CFG_BOTH_RESTART);
	EXPECT_EQ(effect("sip: {listen: x}", "sip: {listen: [x, y]}"), CFG_LISTENERS);
	EXPECT_EQ(effect("sip: {listen: [x, z]}", "sip: {listen: [x, y]}"), CFG_LISTENERS);
	EXPECT_EQ(effect("sip: {shards: 1}", "sip: {shards: 2}"), CFG_SIP_RESTART);
	EXPECT_EQ(effect("sip: {shed_after: 1}", "sip: {shed_after: 2}"), CFG_AT_ONCE);
	EXPECT_EQ(effect("peers: {media: {ports: 1}}", "peers: {media: {ports: 2}}"), CFG_AT_ONCE);
}

TEST(Diff, LongValuesAreCutWithinNoCharacter)
{
	std::string value;
	for (int i = 0; i < 300; i++)
		value += "ü";
	auto d = diff("a: x\n", "a: " + value + "\n");
	ASSERT_EQ(d.size(), 1u);
	EXPECT_EQ(d[0].substr(d[0].size() - 5), "ü...");
}

TEST(Diff, ManyAreCounted)
{
	std::string before = "routes:\n", after = "routes:\n";
	for (int i = 0; i < 3000; i++) {
		before += " - a" + std::to_string(i) + "\n";
		after += " - b" + std::to_string(i) + "\n";
	}
	struct cfg_diff d;
	ASSERT_EQ(cfg_diff(&d, before.data(), before.size(), after.data(), after.size()), 0);
	EXPECT_EQ(d.count, CFG_DIFF_MOST);
	EXPECT_EQ(d.more, 3000 - CFG_DIFF_MOST);
	cfg_diff_free(&d);
	EXPECT_EQ(cfg_diff(&d, "a: [", 4, "", 0), -EINVAL);
}

} // namespace
