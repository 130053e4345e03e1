// SPDX-License-Identifier: BSD-3-Clause
// Limits held exactly, days, the fraud guard, health.
#include "parse.h"

#include <cerrno>
#include <unistd.h>

extern "C" {
#include "controlplane/trunk/account.h"
}

namespace
{

constexpr uint64_t kSecond = 1000000, kStart = 1767610800 * kSecond; // Monday noon in Berlin

struct Account : testing::Test {
	cp_accounts *all = nullptr;
	cp_account *a = nullptr;
	trunk::Config *c = nullptr;
	const cfg_limits *limits = nullptr;
	uint64_t now = kStart;
	std::vector<cp_place> places;

	void SetUp() override
	{
		ASSERT_EQ(cp_accounts_new(&all), 0);
		a = cp_account_get(all, "office");
		ASSERT_NE(a, nullptr);
	}
	void TearDown() override
	{
		for (auto &p : places)
			cp_account_release(&p, now);
		EXPECT_EQ(view().calls[CFG_IN] + view().calls[CFG_OUT], 0u);
		cp_accounts_free(all);
		delete c;
	}
	void use(const std::string &text)
	{
		delete c;
		c = new trunk::Config(
			"{a: {kind: trunk, address: 10.0.0.1, limits: " + text + "}}");
		ASSERT_NE(c->c, nullptr) << c->error.text;
		limits = c->c->peers[0].trunk.limits;
	}
	cp_limit_why take(cfg_direction way = CFG_IN, const char *number = "+4930",
		int64_t price = INT64_MAX, bool always = false)
	{
		cp_wish w{way, number, price, now, nullptr, always};
		cp_place p;
		cp_limit_why why = cp_account_take(a, limits, &w, &p);
		if (p.account)
			places.push_back(p);
		return why;
	}
	void release(size_t i = 0)
	{
		cp_account_release(&places[i], now);
		places.erase(places.begin() + long(i));
	}
	struct cp_account_view view()
	{
		struct cp_account_view v;
		cp_account_read(a, now, &v);
		return v;
	}
};

TEST_F(Account, CallsAtOnceInEachDirectionAndInBoth)
{
	use("{calls: 3, in: {calls: 2}}");
	EXPECT_EQ(take(), CP_LIMIT_NONE);
	EXPECT_EQ(take(), CP_LIMIT_NONE);
	EXPECT_EQ(take(), CP_LIMIT_CALLS);
	EXPECT_EQ(take(CFG_OUT), CP_LIMIT_NONE);
	EXPECT_EQ(take(CFG_OUT), CP_LIMIT_CALLS);
	release();
	EXPECT_EQ(take(), CP_LIMIT_NONE);
	EXPECT_EQ(take(CFG_IN, "112", INT64_MAX, true),
		CP_LIMIT_NONE); // an emergency is counted and let in
	EXPECT_EQ(view().calls[CFG_IN], 3u);
	EXPECT_EQ(view().refused[CP_LIMIT_CALLS], 2u);
	use("{in: {calls: 9}}"); // a reload forgets nobody
	EXPECT_EQ(view().calls[CFG_IN], 3u);
	EXPECT_EQ(cp_account_get(all, "office"), a);
	EXPECT_NE(cp_account_get(all, "user office"), a);
}

TEST_F(Account, WhatWasUsedUpTodaySurvivesARestart)
{
	char path[] = "/tmp/hawse-accounts-XXXXXX";
	close(mkstemp(path));
	use("{in: {minutes: 10}, fraud: {dear: 1, spend: 20, window: 3600, block: 600}}");
	EXPECT_EQ(take(CFG_IN, "+881", 2000000), CP_LIMIT_NONE);
	cp_account_answer(&places.back(), now);
	now += 540 * kSecond; // nine minutes at two a minute
	release();
	ASSERT_EQ(cp_accounts_save(all, path), 0);
	EXPECT_EQ(view().milliseconds[CFG_IN], 540000u);

	auto restart = [&](int expected) {
		cp_accounts_free(all);
		ASSERT_EQ(cp_accounts_new(&all), 0);
		ASSERT_EQ(cp_accounts_load(all, path), expected);
		a = cp_account_get(all, "office");
	};
	restart(0);
	EXPECT_EQ(view().milliseconds[CFG_IN], 540000u);
	EXPECT_EQ(view().spent, 18000000);
	EXPECT_EQ(take(CFG_IN, "+49"), CP_LIMIT_NONE);
	cp_account_answer(&places.back(), now);
	EXPECT_EQ(take(CFG_IN, "+881", 2000000), CP_LIMIT_FRAUD); // 18 and a minute at two
	now += 60 * kSecond;
	EXPECT_EQ(take(CFG_IN, "+49"), CP_LIMIT_MINUTES);
	release();
	ASSERT_EQ(cp_accounts_save(all, path), 0);
	restart(0);
	EXPECT_EQ(take(CFG_IN, "+49"), CP_LIMIT_MINUTES);
	EXPECT_TRUE(view().blocked);
	now += 24 * 3600 * kSecond; // another day
	EXPECT_EQ(take(CFG_IN, "+49"), CP_LIMIT_NONE);
	release();

	// What cannot be read is left out, and said.
	FILE *f = fopen(path, "w");
	fputs("hawse accounts 1\noffice\t1 2 3 4 5 x\n", f);
	fclose(f);
	restart(-EBADMSG);
	unlink(path);
	restart(0);
	EXPECT_EQ(view().milliseconds[CFG_IN], 0u);
	unlink(path);
}

TEST_F(Account, NoPeriodHasMoreThanTheRateUnderTwiceTheLoad)
{
	use("{rate: 10/s}");
	std::vector<uint64_t> begun;
	for (int i = 0; i < 2000; i++) { // 20 a second, unevenly, for 100 s
		now = kStart + uint64_t(i) * 50000 + uint64_t(i * 7919 % 40000);
		if (take(CFG_OUT) == CP_LIMIT_NONE) {
			begun.push_back(now);
			release();
		} else { // and no call is refused that there is room for
			ASSERT_GE(begun.size(), 10u);
			ASSERT_LT(now - begun[begun.size() - 10], kSecond);
		}
	}
	EXPECT_GT(begun.size(), 900u);
	for (size_t i = 10; i < begun.size(); i++)
		ASSERT_GE(begun[i] - begun[i - 10], kSecond);
}

TEST_F(Account, ABucketLetsABurstInAndThenTheRateToTheCall)
{
	use("{in: {rate: 30/min, burst: 5}}");
	unsigned in = 0;
	for (int i = 0; i < 20; i++)
		in += take() == CP_LIMIT_NONE;
	EXPECT_EQ(in, 5u);
	now += 2 * kSecond - 1;
	EXPECT_EQ(take(), CP_LIMIT_RATE);
	now += 1;
	EXPECT_EQ(take(), CP_LIMIT_NONE);
	EXPECT_EQ(take(), CP_LIMIT_RATE);
	in = 0;
	for (int i = 0; i < 1200; i++) { // one a second, twice the rate, for twenty minutes
		now += kSecond;
		in += take() == CP_LIMIT_NONE;
	}
	EXPECT_EQ(in, 600u);
	now += 3600 * kSecond;
	in = 0;
	for (int i = 0; i < 20; i++)
		in += take() == CP_LIMIT_NONE;
	EXPECT_EQ(in, 5u); // never more than the bucket holds
}

TEST_F(Account, MinutesCountRunningCallsAndBeginAnewAtMidnight)
{
	use("{in: {minutes: 10}, zone: Europe/Berlin}");
	EXPECT_EQ(take(), CP_LIMIT_NONE);
	cp_account_answer(&places[0], now);
	now += 6 * 60 * kSecond;
	EXPECT_EQ(take(), CP_LIMIT_NONE);
	cp_account_answer(&places[1], now);
	now += 2 * 60 * kSecond - 1;
	EXPECT_EQ(take(), CP_LIMIT_NONE); // a microsecond is left
	now += 1;
	EXPECT_EQ(take(), CP_LIMIT_MINUTES);
	release(0); // 8 minutes
	EXPECT_EQ(take(), CP_LIMIT_MINUTES);
	EXPECT_EQ(view().milliseconds[CFG_IN], 600000u);
	now = 1767657600 * kSecond; // past midnight, in UTC here: the zone is the caller's to find
	EXPECT_EQ(take(), CP_LIMIT_NONE);
	EXPECT_EQ(view().milliseconds[CFG_IN], 0u);
	now += 60 * kSecond;
	EXPECT_EQ(view().milliseconds[CFG_IN], 60000u); // the one that runs, since midnight
}

TEST_F(Account, DestinationsAreDecidedByTheLongestPrefix)
{
	use("{in: {allow: [\"+49\", \"+44\", \"+49900123\"], deny: [\"+49900\"]}, out: {deny: "
	    "[\"+882\"]}}");
	EXPECT_EQ(take(CFG_IN, "+4930"), CP_LIMIT_NONE);
	EXPECT_EQ(take(CFG_IN, "+499001"), CP_LIMIT_DESTINATION);
	EXPECT_EQ(take(CFG_IN, "+499001234"), CP_LIMIT_NONE);
	EXPECT_EQ(take(CFG_IN, "+1"), CP_LIMIT_DESTINATION);
	EXPECT_EQ(take(CFG_OUT, "+1"), CP_LIMIT_NONE);
	EXPECT_EQ(take(CFG_OUT, "+8821"), CP_LIMIT_DESTINATION);
	EXPECT_EQ(take(CFG_IN, "112", INT64_MAX, true), CP_LIMIT_NONE);
}

TEST_F(Account, TheGuardTripsOnWhatDearCallsCostAndLetsTheRestGo)
{
	use("{fraud: {dear: 0.5, spend: 10, window: 600, block: 1800, prefixes: [\"+882\"]}}");
	// Twenty at once, 2 a minute each: the sixth would be worth more than 10 in its first minute.
	unsigned in = 0;
	for (int i = 0; i < 20; i++)
		in += take(CFG_IN, "+53", 2000000) == CP_LIMIT_NONE;
	EXPECT_EQ(in, 4u);
	EXPECT_EQ(view().refused[CP_LIMIT_FRAUD], 16u);
	EXPECT_EQ(view().alarms, 1u);
	EXPECT_TRUE(view().blocked);
	EXPECT_TRUE(cp_account_tick(a, limits, nullptr, now));
	EXPECT_FALSE(cp_account_tick(a, limits, nullptr, now));
	EXPECT_EQ(take(CFG_IN, "+4930", 10000), CP_LIMIT_NONE);
	EXPECT_EQ(take(CFG_IN, "+8821", 0), CP_LIMIT_FRAUD); // listed
	EXPECT_EQ(take(CFG_OUT, "+53", 2000000), CP_LIMIT_NONE);
	while (places.size())
		release();
	now += 1800 * kSecond;
	EXPECT_FALSE(view().blocked);
	EXPECT_EQ(take(CFG_IN, "+53", 2000000), CP_LIMIT_NONE);
}

TEST_F(Account, TheGuardTripsWhileOneDearCallRuns)
{
	use("{fraud: {dear: 0.5, spend: 10, window: 3600, block: 60}}");
	EXPECT_EQ(take(CFG_IN, "+53", 1000000), CP_LIMIT_NONE);
	cp_account_answer(&places[0], now);
	now += 9 * 60 * kSecond;
	EXPECT_FALSE(cp_account_tick(a, limits, nullptr, now));
	now += 60 * kSecond;
	EXPECT_TRUE(cp_account_tick(a, limits, nullptr, now));
	release();
	now += 61 * kSecond;
	EXPECT_EQ(take(CFG_IN, "+53", 600000), CP_LIMIT_FRAUD); // spent within the hour
	now += 3600 * kSecond;
	EXPECT_EQ(take(CFG_IN, "+53", 600000), CP_LIMIT_NONE);
}

TEST_F(Account, PingsChangeTheStateByThresholdsAndTheRampGivesTheShareBack)
{
	cfg_health h{30, 2, 3, 4, 10, 0};
	EXPECT_EQ(cp_account_health(a, &h, true, false, 0, now), CP_HEALTH_SAME);
	EXPECT_EQ(cp_account_health(a, &h, true, false, 0, now), CP_HEALTH_SAME);
	EXPECT_EQ(cp_account_health(a, &h, true, true, 1500, now),
		CP_HEALTH_SAME); // in a row, or not at all
	EXPECT_EQ(view().ping_us, 1500u);
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(cp_account_health(a, &h, i == 1, false, 0, now),
			CP_HEALTH_SAME); // calls count too
	EXPECT_EQ(cp_account_health(a, &h, false, false, 0, now), CP_HEALTH_DOWN);
	EXPECT_FALSE(view().up);
	EXPECT_EQ(cp_account_standing(a, &h, 0, now), CP_STANDING_DOWN);
	EXPECT_EQ(cp_account_health(a, &h, true, true, 1, now), CP_HEALTH_SAME);
	EXPECT_EQ(cp_account_health(a, &h, false, true, 0, now),
		CP_HEALTH_SAME); // a call does not bring it up
	EXPECT_EQ(cp_account_health(a, &h, true, true, 1, now), CP_HEALTH_UP);
	auto share = [&] {
		unsigned well = 0;
		for (uint64_t r = 0; r < 1000; r++)
			well += cp_account_standing(a, &h, r, now) == CP_STANDING_WELL;
		return well;
	};
	EXPECT_EQ(share(), 100u);
	now += 5 * kSecond;
	EXPECT_EQ(share(), 550u);
	now += 5 * kSecond;
	EXPECT_EQ(share(), 1000u);
	cp_account_disable(a, true);
	EXPECT_EQ(cp_account_standing(a, &h, 0, now), CP_STANDING_DOWN);
	cp_account_disable(a, false);
	EXPECT_EQ(cp_account_standing(a, &h, 0, now), CP_STANDING_WELL);
}

TEST_F(Account, WithoutPingsFailuresPutAPeerLastForAWhile)
{
	for (int i = 0; i < 3; i++)
		cp_account_health(a, nullptr, false, false, 0, now);
	EXPECT_EQ(cp_account_standing(a, nullptr, 0, now), CP_STANDING_LATER);
	now += 30 * kSecond;
	EXPECT_EQ(cp_account_standing(a, nullptr, 0, now), CP_STANDING_WELL);
	EXPECT_EQ(cp_account_health(a, nullptr, false, true, 0, now), CP_HEALTH_UP);
}

TEST(Limits, WhatIsWrongIsRefused)
{
	auto error = [](const std::string &limits) {
		trunk::Config c("{a: {kind: trunk, address: 10.0.0.1, limits: " + limits + "}}");
		EXPECT_EQ(c.c, nullptr) << limits;
		return std::string(c.error.text);
	};
	EXPECT_NE(error("{rate: fast}").find("peers.a.limits.rate: expected new calls in a time"),
		std::string::npos);
	EXPECT_NE(error("{rate: 5/d}").find("new calls in a time"), std::string::npos);
	EXPECT_NE(error("{burst: 5}").find("expected the key rate"), std::string::npos);
	EXPECT_NE(error("{calls: 0}").find("calls at once from 1"), std::string::npos);
	EXPECT_NE(error("{allow: [\"+1\"], deny: [\"+1\"]}").find("in both"), std::string::npos);
	EXPECT_NE(error("{fraud: {dear: 1}}").find("found no spend"), std::string::npos);
	EXPECT_NE(error("{out: {call: 1}}").find("did you mean \"calls\"?"), std::string::npos);
}

} // namespace
