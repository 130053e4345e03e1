// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <cerrno>
#include <vector>

#include "dataplane/agent/outbox.h"

namespace
{
struct Outbox : testing::Test {
	std::vector<uint8_t> slots = std::vector<uint8_t>(ABI_EVENT_SLOTS * ABI_MSG_SIZE);
	abi_atomic32 producer = 0, consumed = 0, sleeping = 0;
	abi_consumer reader;
	outbox *box = outbox_new();
	unsigned replies = 0;

	Outbox()
	{
		open(1);
	}

	~Outbox() override
	{
		outbox_free(box);
	}

	void open(uint32_t generation)
	{
		producer = consumed = 0;
		outbox_open(box, generation, slots.data(), &producer, &consumed, &sleeping, -1);
		abi_consumer_init(
			&reader, slots.data(), ABI_EVENT_SLOTS, ABI_MSG_SIZE, &consumed, &producer);
	}

	uint64_t expect(uint64_t transaction)
	{
		abi_msg m;

		abi_msg_init(&m, ABI_PING, transaction, ABI_NO_SLOT, 0);
		return outbox_expect(box, &m);
	}

	abi_msg read()
	{
		abi_msg m = {};

		EXPECT_LE(0, outbox_flush(box, &replies));
		abi_consume(&reader, &m);
		return m;
	}

	static abi_msg event()
	{
		abi_msg m;

		abi_msg_init(&m, ABI_SWEPT, 0, 1, 1);
		return m;
	}
};
} // namespace

TEST_F(Outbox, HoldsBackWhatOvertakesAnother)
{
	uint64_t one = expect(1), two = expect(2);

	outbox_done(box, two);
	EXPECT_EQ(0, read().type);
	outbox_done(box, one);
	EXPECT_EQ(1u, read().transaction);
	EXPECT_EQ(2u, read().transaction);
}

TEST_F(Outbox, SequenceGrowsByOneOverRepliesAndEvents)
{
	abi_msg e = event();

	outbox_done(box, expect(1));
	EXPECT_TRUE(outbox_event(box, &e));
	outbox_done(box, expect(2));
	for (uint32_t i = 0; i < 3; i++)
		EXPECT_EQ(i, read().sequence);
}

TEST_F(Outbox, AFullRingKeepsRepliesUntilThereIsRoom)
{
	for (uint64_t i = 1; i <= OUTBOX_REPLIES; i++)
		outbox_done(box, expect(i));
	EXPECT_FALSE(outbox_room(box));
	EXPECT_EQ((int)ABI_EVENT_SLOTS, outbox_flush(box, &replies));
	EXPECT_TRUE(outbox_room(box));
	outbox_done(box, expect(9999));
	EXPECT_EQ(0, outbox_flush(box, &replies));
	EXPECT_TRUE(outbox_blocked(box));
	abi_msg m;
	EXPECT_EQ(1, abi_consume(&reader, &m));
	EXPECT_EQ(1, outbox_flush(box, &replies));
	EXPECT_FALSE(outbox_blocked(box));
}

TEST_F(Outbox, EventsAreBounded)
{
	abi_msg e = event();
	unsigned taken = 0;

	while (outbox_event(box, &e))
		taken++;
	EXPECT_EQ(OUTBOX_EVENTS, taken);
}

TEST_F(Outbox, ATicketOfAnEarlierControlPlaneIsNobodys)
{
	uint64_t old = expect(1);

	open(2);
	EXPECT_EQ(nullptr, outbox_reply(box, old));
	uint64_t fresh = expect(2);
	outbox_done(box, old);
	EXPECT_EQ(0, read().type);
	outbox_done(box, fresh);
	EXPECT_EQ(2u, read().transaction);
	EXPECT_EQ(nullptr, outbox_reply(box, OUTBOX_NONE));
	EXPECT_EQ(nullptr, outbox_reply(box, fresh)); // has left
}

TEST_F(Outbox, AConsumerThatRunsAheadIsBroken)
{
	consumed = 77;
	for (uint64_t i = 1; i <= OUTBOX_REPLIES; i++)
		outbox_done(box, expect(i));
	outbox_flush(box, &replies);
	consumed = 0x80000000u;
	outbox_done(box, expect(9999));
	EXPECT_EQ(-EPROTO, outbox_flush(box, &replies));
}

TEST_F(Outbox, AFailureCarriesFieldAndLeg)
{
	abi_reply why;

	outbox_fail(box, expect(1), -EINVAL, ABI_FIELD_DSCP, 1);
	abi_msg m = read();
	memcpy(&why, m.payload, sizeof(why));
	EXPECT_EQ(-EINVAL, m.result);
	EXPECT_EQ(sizeof(why), m.length);
	EXPECT_EQ((uint32_t)ABI_FIELD_DSCP, why.field);
	EXPECT_EQ(1u, why.leg);
}
