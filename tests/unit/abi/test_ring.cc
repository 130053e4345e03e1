// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "dataplane/abi/ring.h"

namespace
{

struct Pair {
	std::vector<uint8_t> slots;
	abi_atomic32 producer_index;
	abi_atomic32 consumer_index;
	abi_producer out;
	abi_consumer in;

	Pair(uint32_t count, uint32_t size, uint32_t start = 0)
	    : slots(count * size), producer_index(start), consumer_index(start)
	{
		abi_producer_init(
			&out, slots.data(), count, size, &producer_index, &consumer_index);
		abi_consumer_init(&in, slots.data(), count, size, &consumer_index, &producer_index);
	}
};

TEST(Ring, DeliversInOrderAcrossIndexWrap)
{
	Pair p(8, 8, UINT32_MAX - 20);
	uint64_t sent = 0, expected = 0, got;

	for (int round = 0; round < 100; round++) {
		for (int i = 0; i < 5; i++, sent++)
			ASSERT_EQ(abi_produce(&p.out, &sent), 0);
		for (int i = 0; i < 5; i++) {
			ASSERT_EQ(abi_consume(&p.in, &got), 1);
			ASSERT_EQ(got, expected++);
		}
		ASSERT_EQ(abi_consume(&p.in, &got), 0);
	}
}

TEST(Ring, FullRingRefusesAndLosesNothing)
{
	Pair p(4, 8);
	uint64_t value = 7, got;

	for (uint64_t i = 0; i < 4; i++)
		ASSERT_EQ(abi_produce(&p.out, &i), 0);
	EXPECT_EQ(abi_produce(&p.out, &value), -EAGAIN);
	EXPECT_EQ(abi_room(&p.out), 0u);
	ASSERT_EQ(abi_consume(&p.in, &got), 1);
	EXPECT_EQ(got, 0u);
	EXPECT_EQ(abi_room(&p.out), 1u);
	EXPECT_EQ(abi_produce(&p.out, &value), 0);
}

TEST(Ring, ConsumerDetectsImpossibleProducer)
{
	Pair p(4, 8);
	uint64_t got;

	p.producer_index = 5; // one more than the ring holds
	EXPECT_EQ(abi_consume(&p.in, &got), -EPROTO);
	p.producer_index = 1; // it stays broken: no second chance
	EXPECT_EQ(abi_consume(&p.in, &got), -EPROTO);
}

TEST(Ring, ConsumerDetectsProducerGoingBack)
{
	Pair p(4, 8);
	uint64_t value = 1, got;

	ASSERT_EQ(abi_produce(&p.out, &value), 0);
	ASSERT_EQ(abi_consume(&p.in, &got), 1);
	p.producer_index = 0;
	EXPECT_EQ(abi_consume(&p.in, &got), -EPROTO);
}

TEST(Ring, ProducerDetectsImpossibleConsumer)
{
	Pair p(4, 8);
	uint64_t value = 1;

	for (int i = 0; i < 4; i++)
		ASSERT_EQ(abi_produce(&p.out, &value), 0);
	p.consumer_index = 5; // claims to have read what was never written
	EXPECT_EQ(abi_produce(&p.out, &value), -EPROTO);
	EXPECT_EQ(abi_room(&p.out), 0u);
}

TEST(Ring, ProducerDetectsConsumerGoingBack)
{
	Pair p(4, 8);
	uint64_t value = 1, got;

	for (int i = 0; i < 4; i++)
		ASSERT_EQ(abi_produce(&p.out, &value), 0);
	ASSERT_EQ(abi_consume(&p.in, &got), 1);
	EXPECT_EQ(abi_room(&p.out), 1u);
	p.consumer_index = 0;
	EXPECT_EQ(abi_room(&p.out), 0u);
	EXPECT_EQ(abi_produce(&p.out, &value), -EPROTO);
}

TEST(Ring, WipeClearsTheLastSlotOnly)
{
	Pair p(4, 8);
	uint64_t first = 0x1111, second = 0x2222, got;

	ASSERT_EQ(abi_produce(&p.out, &first), 0);
	ASSERT_EQ(abi_produce(&p.out, &second), 0);
	abi_wipe(&p.out, 1);
	ASSERT_EQ(abi_consume(&p.in, &got), 1);
	EXPECT_EQ(got, first);
	ASSERT_EQ(abi_consume(&p.in, &got), 1);
	EXPECT_EQ(got, 0u);
}

TEST(Ring, TwoThreadsMoveAMillionWithoutLoss)
{
	Pair p(64, 16);
	constexpr uint64_t total = 1000000;
	uint64_t wrong = 0;

	std::thread consumer([&] {
		uint64_t slot[2];

		for (uint64_t i = 0; i < total;) {
			int n = abi_consume(&p.in, slot);
			if (n == 1) {
				wrong += slot[0] != i || slot[1] != ~i;
				i++;
			} else {
				std::this_thread::yield();
			}
		}
	});
	for (uint64_t i = 0; i < total;) {
		uint64_t slot[2] = {i, ~i};
		if (abi_produce(&p.out, slot) == 0)
			i++;
		else
			std::this_thread::yield();
	}
	consumer.join();
	EXPECT_EQ(wrong, 0u);
}

TEST(Doorbell, RingsOnlyASleeper)
{
	int bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	abi_atomic32 sleeping = 0;
	uint64_t count = 0;

	ASSERT_GE(bell, 0);
	abi_doorbell_ring(&sleeping, bell);
	EXPECT_EQ(read(bell, &count, sizeof(count)), -1);
	abi_doorbell_arm(&sleeping);
	abi_doorbell_ring(&sleeping, bell);
	EXPECT_EQ(read(bell, &count, sizeof(count)), 8);
	EXPECT_EQ(count, 1u);
	abi_doorbell_disarm(&sleeping);
	abi_doorbell_ring(&sleeping, bell);
	EXPECT_EQ(read(bell, &count, sizeof(count)), -1);
	close(bell);
}

TEST(Sequence, ReaderSeesTornWriteAsFailure)
{
	struct {
		abi_atomic32 sequence;
		uint32_t value;
	} record = {0, 5}, copy;

	EXPECT_TRUE(abi_read_record(&copy, &record, sizeof(record), &record.sequence));
	EXPECT_EQ(copy.value, 5u);
	abi_write_begin(&record.sequence);
	record.value = 6;
	EXPECT_FALSE(abi_read_record(&copy, &record, sizeof(record), &record.sequence));
	abi_write_end(&record.sequence);
	EXPECT_TRUE(abi_read_record(&copy, &record, sizeof(record), &record.sequence));
	EXPECT_EQ(copy.value, 6u);
	// A writer that died in the middle and comes back finishes with an even number.
	abi_write_begin(&record.sequence);
	abi_write_begin(&record.sequence);
	abi_write_end(&record.sequence);
	EXPECT_EQ(record.sequence & 1, 0u);
}

} // namespace
