// SPDX-License-Identifier: BSD-3-Clause
//
// The timer wheel, the hash and the table that transactions stand on.
#include <algorithm>
#include <random>

#include "world.h"

extern "C" {
#include "sip/table.h"
}

namespace
{

struct Timer {
	struct sip_timer t = {};
	std::vector<std::pair<int, uint64_t>> *log = nullptr;
	int id = 0;
};

struct Wheel : testing::Test {
	std::unique_ptr<struct sip_wheel> w{new sip_wheel};
	std::vector<std::pair<int, uint64_t>> log;
	std::vector<std::unique_ptr<Timer>> timers;

	Wheel()
	{
		sip_wheel_init(w.get(), 123456789, this);
	}
	Timer *make(int id)
	{
		timers.emplace_back(new Timer);
		Timer *t = timers.back().get();
		t->log = &log;
		t->id = id;
		t->t.fire = [](struct sip_timer *st, void *ctx) {
			Timer *me = (Timer *)st;
			me->log->push_back({me->id, ((Wheel *)ctx)->w->now});
		};
		return t;
	}
};

TEST_F(Wheel, FiresExactlyWhenDue)
{
	std::mt19937_64 random(7);
	std::map<int, uint64_t> due;
	for (int i = 0; i < 5000; i++) {
		// Every level of the wheel, and beyond it.
		uint64_t after = 1 + random() % (1ull << (1 + random() % 32));
		Timer *t = make(i);
		sip_timer_start(w.get(), &t->t, w->now + after);
		due[i] = w->now + after;
	}
	EXPECT_EQ(5000u, w->running);
	uint64_t end = w->now + (1ull << 33);
	while (w->now < end) {
		uint64_t next = sip_wheel_next(w.get());
		if (next == UINT64_MAX)
			break;
		ASSERT_GT(next, w->now);
		// By leaps and by bounds.
		sip_wheel_advance(w.get(), random() % 2 ? next : next + random() % 1000);
	}
	ASSERT_EQ(5000u, log.size());
	for (auto &l : log)
		EXPECT_EQ(due[l.first], l.second);
	EXPECT_TRUE(std::is_sorted(
		log.begin(), log.end(), [](auto &a, auto &b) { return a.second < b.second; }));
	EXPECT_EQ(0u, w->running);
}

TEST_F(Wheel, NextIsNeverLaterThanTheFirstTimer)
{
	std::mt19937_64 random(9);
	for (int i = 0; i < 2000; i++) {
		Timer *t = make(i);
		uint64_t due = w->now + 1 + random() % 1000000;
		sip_timer_start(w.get(), &t->t, due);
		EXPECT_LE(sip_wheel_next(w.get()), due);
		sip_timer_stop(w.get(), &t->t);
		sip_wheel_advance(w.get(), w->now + random() % 5000);
	}
	EXPECT_EQ(UINT64_MAX, sip_wheel_next(w.get()));
	EXPECT_TRUE(log.empty());
}

TEST_F(Wheel, OneTickKeepsTheOrderOfStarting)
{
	uint64_t due = w->now + 100000;
	for (int i = 0; i < 10; i++) {
		sip_timer_start(w.get(), &make(i)->t, due);
		sip_wheel_advance(w.get(), w->now + 9999);
	}
	sip_wheel_advance(w.get(), due);
	ASSERT_EQ(10u, log.size());
	for (int i = 0; i < 10; i++)
		EXPECT_EQ(i, log[(size_t)i].first);
}

TEST_F(Wheel, RestartMovesATimer)
{
	Timer *t = make(1);
	sip_timer_start(w.get(), &t->t, w->now + 10);
	sip_timer_start(w.get(), &t->t, w->now + 1000);
	sip_timer_start(w.get(), &t->t, w->now + 20);
	EXPECT_EQ(1u, w->running);
	uint64_t t0 = w->now;
	sip_wheel_advance(w.get(), w->now + 5000);
	ASSERT_EQ(1u, log.size());
	EXPECT_EQ(t0 + 20, log[0].second);
	EXPECT_FALSE(sip_timer_running(&t->t));
	// One that is due already fires with the next tick, not inside the call.
	sip_timer_start(w.get(), &t->t, 1);
	EXPECT_EQ(1u, log.size());
	sip_wheel_advance(w.get(), w->now + 1);
	EXPECT_EQ(2u, log.size());
}

TEST_F(Wheel, TimersMayStartAndStopOthersWhileFiring)
{
	static Timer *victim, *again;
	static struct sip_wheel *wheel;
	wheel = w.get();
	Timer *killer = make(1);
	victim = make(2);
	again = make(3);
	killer->t.fire = [](struct sip_timer *, void *) {
		sip_timer_stop(wheel, &victim->t);
		sip_timer_start(wheel, &again->t, wheel->now + 5);
	};
	sip_timer_start(w.get(), &killer->t, w->now + 10);
	sip_timer_start(w.get(), &victim->t, w->now + 10);
	uint64_t t0 = w->now;
	sip_wheel_advance(w.get(), w->now + 100);
	ASSERT_EQ(1u, log.size());
	EXPECT_EQ(3, log[0].first);
	EXPECT_EQ(t0 + 15, log[0].second);
}

TEST_F(Wheel, TimeDoesNotGoBack)
{
	uint64_t t0 = w->now;
	sip_wheel_advance(w.get(), t0 - 1000);
	EXPECT_EQ(t0, w->now);
}

// The vectors of the SipHash authors: key 00..0f, message 00..n-1, 128 bits.
TEST(SipHash, ReferenceVectors)
{
	uint8_t key[16], message[64];
	for (unsigned i = 0; i < sizeof(message); i++) {
		message[i] = (uint8_t)i;
		if (i < 16)
			key[i] = (uint8_t)i;
	}
	struct sip_hash_key k;
	memcpy(&k, key, sizeof(k));
	const struct {
		unsigned n;
		uint8_t out[16];
	} vectors[] = {
		{0, {0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72, 0x14, 0xc7,
			    0x55, 0x02, 0x93}},
		{1, {0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44, 0x34, 0x76, 0x59, 0x11, 0x9b,
			    0x22, 0xfc, 0x45}},
		{8, {0x3b, 0x62, 0xa9, 0xba, 0x62, 0x58, 0xf5, 0x61, 0x0f, 0x83, 0xe2, 0x64, 0xf3,
			    0x14, 0x97, 0xb4}},
	};
	for (const auto &v : vectors) {
		struct sip_hash h;
		sip_hash_start(&h, &k);
		sip_hash_bytes(&h, message, v.n);
		struct sip_key out = sip_hash_end(&h);
		EXPECT_EQ(0, memcmp(v.out, &out, 16)) << v.n;
	}
	// In pieces it is the same.
	for (unsigned cut = 0; cut <= 40; cut++) {
		struct sip_hash one, two;
		sip_hash_start(&one, &k);
		sip_hash_start(&two, &k);
		sip_hash_bytes(&one, message, 40);
		sip_hash_bytes(&two, message, cut);
		sip_hash_bytes(&two, message + cut, 40 - cut);
		EXPECT_TRUE(sip_key_eq(sip_hash_end(&one), sip_hash_end(&two)));
	}
}

TEST(SipTable, GrowsWhileItIsUsed)
{
	struct sip_table t;
	ASSERT_EQ(0, sip_table_init(&t, 4));
	const size_t kMany = 20000;
	std::vector<struct sip_node> nodes(kMany);
	std::mt19937_64 random(3);
	for (size_t i = 0; i < kMany; i++) {
		nodes[i].key = {random(), random()};
		sip_table_add(&t, &nodes[i]);
		if (i % 3 == 0) {
			size_t k = random() % (i + 1);
			bool was = sip_table_find(&t, nodes[k].key) == &nodes[k];
			EXPECT_EQ(was, sip_table_remove(&t, &nodes[k]));
			EXPECT_EQ(nullptr, sip_table_find(&t, nodes[k].key));
			sip_table_add(&t, &nodes[k]);
		}
	}
	EXPECT_EQ(kMany, t.count);
	for (auto &n : nodes)
		ASSERT_EQ(&n, sip_table_find(&t, n.key));
	size_t seen = 0;
	sip_table_each(
		&t, [](struct sip_node *, void *ctx) { ++*(size_t *)ctx; }, &seen);
	EXPECT_EQ(kMany, seen);
	sip_table_free(&t);
}

TEST(SipTable, SameKeysStayInOrder)
{
	struct sip_table t;
	ASSERT_EQ(0, sip_table_init(&t, 2));
	struct sip_node n[40];
	for (int i = 0; i < 40; i++) {
		n[i].key = {(uint64_t)(i < 3 ? 0 : i), 0};
		sip_table_add(&t, &n[i]);
	}
	EXPECT_EQ(&n[0], sip_table_find(&t, n[0].key));
	EXPECT_EQ(&n[1], sip_table_again(&n[0]));
	EXPECT_EQ(&n[2], sip_table_again(&n[1]));
	EXPECT_EQ(nullptr, sip_table_again(&n[2]));
	sip_table_free(&t);
}

} // namespace
