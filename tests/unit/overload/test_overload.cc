// SPDX-License-Identifier: BSD-3-Clause
// Overload control in simulated time: a server with a queue, and callers that send faster than it serves.
#include <gtest/gtest.h>

#include <deque>

#include "controlplane/overload.h"

namespace
{

sip_addr host(uint32_t n)
{
	sip_addr a = {};
	a.family = 4;
	a.ip[0] = 10, a.ip[1] = static_cast<uint8_t>(n >> 16),
	a.ip[2] = static_cast<uint8_t>(n >> 8), a.ip[3] = static_cast<uint8_t>(n);
	return a;
}

struct Outcome {
	double goodput; // calls a second that were served within `patience`
	double shed;
	uint64_t worst_us; // age of what was served, after the first seconds
};

// A call takes `cost_us` of the server, a refusal `refusal_us`; what waited longer than `patience_us` was sent
// again meanwhile and is worth nothing. `offered(t)`: calls a second.
template <typename Load>
Outcome serve(cp_overload *o, uint64_t cost_us, uint64_t refusal_us, Load offered, unsigned seconds)
{
	const uint64_t patience_us = 500000;
	std::deque<uint64_t> queue; // arrival times
	double due = 0;
	uint64_t now = 1000000, last = now, end = now + seconds * 1000000ull;
	uint64_t warm = now + seconds * 1000000ull / 4;
	uint64_t good = 0, shed = 0, worst = 0;
	sip_addr source = host(1);

	while (now < end) {
		due += offered(now) * static_cast<double>(now - last) / 1e6;
		// Arrivals are spread over the time that has passed.
		unsigned n = static_cast<unsigned>(due);
		for (unsigned i = 0; i < n; i++)
			queue.push_back(last + (now - last) * (i + 1) / n);
		due -= n;
		last = now;
		if (queue.size() > 20000)
			queue.resize(20000); // the socket's buffer is full
		if (queue.empty()) {
			now += 200;
			continue;
		}
		for (unsigned batch = 0; batch < 64 && !queue.empty(); batch++) {
			uint64_t age = now - queue.front();
			queue.pop_front();
			if (cp_overload_ask(o, now, age, &source, true, CP_CLASS_NEW) == CP_ADMIT) {
				now += cost_us;
				if (now > warm) {
					good += age < patience_us;
					worst = std::max(worst, age);
				}
			} else {
				now += refusal_us;
				shed += now > warm;
			}
		}
	}
	double span = static_cast<double>(end - warm) / 1e6;
	return {static_cast<double>(good) / span, static_cast<double>(shed) / span, worst};
}

struct Overload : testing::Test {
	cp_overload *o = nullptr;
	cp_overload_config config = {};

	void TearDown() override
	{
		cp_overload_free(o);
	}

	cp_overload *fresh()
	{
		cp_overload_free(o);
		EXPECT_EQ(cp_overload_new(&o, &config), 0);
		return o;
	}
};

TEST_F(Overload, BelowCapacityNothingIsShed)
{
	for (uint64_t cost : {200, 1000, 5000}) {
		double load = 0.7e6 / static_cast<double>(cost);
		Outcome r = serve(
			fresh(), cost, 5, [&](uint64_t) { return load; }, 20);
		EXPECT_NEAR(r.goodput, load, load * 0.02) << cost;
		EXPECT_EQ(r.shed, 0) << cost;
	}
}

TEST_F(Overload, FourTimesTheLoadKeepsTheGoodput)
{
	for (uint64_t cost : {100, 300, 2000}) {
		double capacity = 1e6 / static_cast<double>(cost);
		double load = 4 * capacity;
		// What is left for calls when every refusal costs 4 us.
		double left = capacity * (1 - (load - capacity) * 4 / 1e6);
		Outcome r = serve(
			fresh(), cost, 4, [&](uint64_t) { return load; }, 40);
		EXPECT_GT(r.goodput, 0.95 * left) << cost;
		EXPECT_LT(r.worst_us, 400000u) << cost;
	}
}

TEST_F(Overload, ABurstPassesAndIsForgotten)
{
	double capacity = 1000;
	auto load = [&](uint64_t now) {
		double t = static_cast<double>(now) / 1e6 - 1;
		return t > 15 && t < 20 ? 8 * capacity : 0.5 * capacity;
	};
	cp_overload *box = fresh();
	serve(box, 1000, 4, load, 25);
	// Five seconds after the burst half the capacity is taken whole again.
	Outcome after = serve(
		box, 1000, 4, [&](uint64_t) { return 0.5 * capacity; }, 10);
	EXPECT_NEAR(after.goodput, 0.5 * capacity, 0.02 * capacity);
	EXPECT_EQ(after.shed, 0);
}

TEST_F(Overload, DialogsAreNeverShedAndEmergenciesGoBeforeCalls)
{
	sip_addr a = host(1);
	unsigned calls = 0, emergencies = 0, dialogs = 0;

	fresh();
	for (int i = 0; i < 1000; i++) {
		uint64_t now = 11000000 + i * 1000u;
		calls += cp_overload_ask(o, now, 2000000, &a, true, CP_CLASS_NEW) == CP_ADMIT;
		emergencies +=
			cp_overload_ask(o, now, 2000000, &a, true, CP_CLASS_EMERGENCY) == CP_ADMIT;
		dialogs += cp_overload_ask(o, now, 2000000, &a, true, CP_CLASS_DIALOG) == CP_ADMIT;
	}
	EXPECT_EQ(calls, 0u);
	EXPECT_EQ(emergencies, 1000u);
	EXPECT_EQ(dialogs, 1000u);
}

TEST_F(Overload, AStrangerHasABucketAndAPeerHasNone)
{
	config.source_rate = 5;
	config.source_burst = 10;
	fresh();
	sip_addr stranger = host(7), other = host(8), peer = host(9);
	unsigned admitted = 0, peers = 0;
	for (int i = 0; i < 1000; i++) { // 100 a second for ten seconds
		uint64_t now = 1000000 + i * 10000u;
		admitted +=
			cp_overload_ask(o, now, 0, &stranger, false, CP_CLASS_OTHER) == CP_ADMIT;
		peers += cp_overload_ask(o, now, 0, &peer, true, CP_CLASS_OTHER) == CP_ADMIT;
	}
	EXPECT_NEAR(admitted, 60, 2);
	EXPECT_EQ(peers, 1000u);
	EXPECT_EQ(cp_overload_ask(o, 11000000, 0, &other, false, CP_CLASS_OTHER), CP_ADMIT);
	EXPECT_EQ(cp_overload_counters(o)->shed_source, 1000u - admitted);
}

TEST_F(Overload, JunkMutesItsSourceForATime)
{
	config.junk_rate = 10;
	config.mute_ms = 2000;
	fresh();
	sip_addr bad = host(666), good = host(1);
	uint64_t now = 5000000;
	for (int i = 0; i < 10; i++)
		cp_overload_junk(o, now, &bad);
	EXPECT_FALSE(cp_overload_muted(o, now, &bad));
	cp_overload_junk(o, now, &bad);
	EXPECT_TRUE(cp_overload_muted(o, now, &bad));
	EXPECT_FALSE(cp_overload_muted(o, now, &good));
	EXPECT_TRUE(cp_overload_muted(o, now + 1999000, &bad));
	EXPECT_FALSE(cp_overload_muted(o, now + 2001000, &bad));
	EXPECT_EQ(cp_overload_counters(o)->mutes, 1u);
	// Now and then something malformed: no reason to be deaf.
	for (int i = 0; i < 100; i++)
		cp_overload_junk(o, now + i * 1000000u, &good);
	EXPECT_FALSE(cp_overload_muted(o, now + 100000000, &good));
}

TEST_F(Overload, ASpooferCannotUnmuteByFloodingTheTable)
{
	config.sources = 64;
	config.junk_rate = 1;
	config.mute_ms = 60000;
	fresh();
	sip_addr bad = host(666);
	uint64_t now = 5000000;
	cp_overload_junk(o, now, &bad);
	cp_overload_junk(o, now, &bad);
	ASSERT_TRUE(cp_overload_muted(o, now, &bad));
	for (uint32_t i = 1000; i < 20000; i++) {
		sip_addr spoofed = host(i);
		cp_overload_junk(o, now, &spoofed);
	}
	EXPECT_TRUE(cp_overload_muted(o, now, &bad));
}

TEST_F(Overload, ANetworkOfIpv6IsOneSource)
{
	config.junk_rate = 2;
	fresh();
	for (uint8_t i = 0; i < 4; i++) {
		sip_addr a = {};
		a.family = 6;
		a.ip[0] = 0x20, a.ip[15] = i;
		cp_overload_junk(o, 1000000, &a);
	}
	sip_addr a = {};
	a.family = 6;
	a.ip[0] = 0x20, a.ip[15] = 99;
	EXPECT_TRUE(cp_overload_muted(o, 1000000, &a));
	a.ip[7] = 1;
	EXPECT_FALSE(cp_overload_muted(o, 1000000, &a));
}

TEST_F(Overload, TheConfiguredRateIsHeldExactly)
{
	config.rate_most = 50;
	fresh();
	sip_addr a = host(1);
	unsigned admitted = 0;
	for (int i = 0; i < 10000; i++) // twenty times the rate for ten seconds
		admitted += cp_overload_ask(o, 1000000 + i * 1000u, 0, &a, true, CP_CLASS_NEW) ==
			    CP_ADMIT;
	EXPECT_NEAR(admitted, 50 + 500, 2);
}

TEST_F(Overload, RetryAfterIsSpread)
{
	fresh();
	unsigned seen[16] = {};
	for (int i = 0; i < 1000; i++) {
		uint32_t s = cp_overload_retry_after(o);
		ASSERT_GE(s, 2u);
		ASSERT_LE(s, 10u);
		seen[s]++;
	}
	for (unsigned s = 2; s <= 10; s++)
		EXPECT_GT(seen[s], 50u) << s;
}

} // namespace
