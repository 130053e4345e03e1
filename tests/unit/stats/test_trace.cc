// SPDX-License-Identifier: BSD-3-Clause
#include "stats/trace.h"
#include "world.h"

struct Seen {
	std::vector<std::pair<uint64_t, std::string>> all;

	static void take(void *user, const st_record *r)
	{
		((Seen *)user)->all.emplace_back(r->head.call, std::string(r->text, r->head.size));
	}
};

class Trace : public WorldTest
{
      protected:
	Seen walk(uint32_t shard, uint64_t call, unsigned *broken = nullptr)
	{
		Seen seen;

		EXPECT_EQ(st_trace_walk(&reader.t, shard, call, Seen::take, &seen, broken), 0);
		return seen;
	}
};

TEST_F(Trace, FiltersByCallAndShard)
{
	start_sip();
	attach();
	ASSERT_TRUE(st_has_sip(&reader));
	sip->message(1, false, 0, "one", 0);
	sip->message(2, false, 0, "two", 0);
	sip->message(1, false, 0, "three", 1);
	cp_tregion_event(sip->t, 0, 5, 1, 255, "event");
	auto seen = walk(0, 1);
	ASSERT_EQ(seen.all.size(), 2u);
	EXPECT_EQ(seen.all[0].second, "one");
	EXPECT_EQ(seen.all[1].second, "event");
	EXPECT_EQ(walk(1, 0).all.size(), 1u);
	EXPECT_EQ(walk(2, 0).all.size(), 0u); // no such shard
}

TEST_F(Trace, KeepsMostOfTheRing)
{
	unsigned broken = 0;

	start_sip();
	attach();
	for (uint64_t i = 1; i <= 20000; i++) {
		sip->message(i, false, 0, std::string(i * 13 % 1500, 'x'), 0);
		if (i % 1999)
			continue;
		auto seen = walk(0, 0, &broken);
		ASSERT_FALSE(seen.all.empty());
		EXPECT_EQ(seen.all.back().first, i);
		size_t bytes = 0;
		for (size_t k = 0; k < seen.all.size(); k++) {
			EXPECT_EQ(seen.all[k].first,
				seen.all.back().first - (seen.all.size() - 1 - k));
			bytes += seen.all[k].second.size() + sizeof(abi_trace);
		}
		if (i > 5000) {
			EXPECT_GT(bytes, (1u << 20) / 16 * 14);
		}
	}
	EXPECT_EQ(broken, 0u);
}

// A writer that runs on while we read: what is given out is whole.
TEST_F(Trace, WriterRunsOn)
{
	std::atomic<bool> end{false};

	start_sip();
	attach();
	std::thread writer([&] {
		for (uint64_t i = 1; !end; i++)
			sip->message(i, false, 0, std::string(i % 1000, (char)('a' + i % 26)), 0);
	});
	for (int i = 0; i < 50; i++)
		for (auto &[call, text] : walk(0, 0).all)
			ASSERT_EQ(text, std::string(call % 1000, (char)('a' + call % 26)));
	end = true;
	writer.join();
}

// Views over bytes that the test owns: a hostile writer.
class HostileTrace : public testing::Test
{
      protected:
	static constexpr size_t trace = 4096;
	std::vector<uint64_t> memory =
		std::vector<uint64_t>((ABI_HEADER_SIZE + 64 + 512 + trace) / 8);
	st_t t = {};

	abi_region_t *h()
	{
		return (abi_region_t *)memory.data();
	}

	uint8_t *ring()
	{
		return (uint8_t *)memory.data() + ABI_HEADER_SIZE + 64 + 512;
	}

	void SetUp() override
	{
		h()->magic = ABI_MAGIC_T;
		h()->major = ABI_MAJOR;
		h()->header_size = ABI_HEADER_SIZE;
		h()->size = memory.size() * 8;
		h()->shards = 1;
		h()->calls = 1;
		h()->counter_offset = ABI_HEADER_SIZE;
		h()->counter_size = 0;
		h()->call_offset = ABI_HEADER_SIZE + 64;
		h()->trace_offset = ABI_HEADER_SIZE + 64 + 512;
		h()->trace_size = trace;
		t.shm = {-1, memory.data(), memory.size() * 8};
		ASSERT_EQ(st_t_view(&t), 0);
	}

	size_t walk(uint64_t head, unsigned *broken = nullptr)
	{
		Seen seen;

		abi_store64(&h()->trace[0].head, head);
		EXPECT_EQ(st_trace_walk(&t, 0, 0, Seen::take, &seen, broken), 0);
		return seen.all.size();
	}
};

TEST_F(HostileTrace, AnyHead)
{
	for (uint64_t head : {0ull, 1ull, 79ull, 4095ull, 4096ull, 4097ull, 1ull << 40, 1ull << 62,
		     (1ull << 62) + 1, 1ull << 63, ~0ull, ~0ull - 4095, ~0ull - 255})
		walk(head);
}

TEST_F(HostileTrace, NoRecords)
{
	unsigned broken = 0;

	memset(ring(), 0xff, trace);
	EXPECT_EQ(walk(trace - 256, &broken), 0u);
	EXPECT_EQ(broken, 15u);
	memset(ring(), 0, trace); // lengths of 0 would never end
	broken = 0;
	EXPECT_EQ(walk(trace - 256, &broken), 0u);
	EXPECT_EQ(broken, 15u);
}

TEST_F(HostileTrace, WrongLengths)
{
	auto *r = (abi_trace *)ring();

	*r = {};
	r->kind = ABI_TRACE_RECEIVED;
	r->size = 8;
	r->length = 88;
	EXPECT_EQ(walk(88), 1u);
	r->size = 9; // more than the record has
	EXPECT_EQ(walk(88), 0u);
	r->size = UINT32_MAX;
	EXPECT_EQ(walk(88), 0u);
	r->size = 200; // more than the segment has
	r->length = 280;
	EXPECT_EQ(walk(280), 0u);
	r->size = 8;
	r->length = 88;
	r->kind = 4;
	EXPECT_EQ(walk(88), 0u);
	r->kind = ABI_TRACE_PAD;
	EXPECT_EQ(walk(88), 0u);
}

TEST_F(HostileTrace, HeadersThatLieAreRefused)
{
	for (auto change : std::vector<void (*)(abi_region_t *)>{
		     [](abi_region_t *h) { h->magic++; },
		     [](abi_region_t *h) { h->size++; },
		     [](abi_region_t *h) { h->shards = 17; },
		     [](abi_region_t *h) { h->shards = 2; }, // no room for a second ring
		     [](abi_region_t *h) { h->calls = UINT32_MAX; },
		     [](abi_region_t *h) { h->counters = 1; },
		     [](abi_region_t *h) { h->counters = UINT32_MAX; },
		     [](abi_region_t *h) { h->trace_size = 4095; },
		     [](abi_region_t *h) { h->trace_offset = ~0ull; },
		     [](abi_region_t *h) { h->call_offset = 1; },
	     }) {
		abi_region_t before = *h();
		st_t other = {};

		change(h());
		other.shm = t.shm;
		EXPECT_LT(st_t_view(&other), 0);
		*h() = before;
	}
}
