// SPDX-License-Identifier: BSD-3-Clause
// A hawse-media that answers wrongly: nothing that it says is believed without a check.
#include <errno.h>

#include "harness.h"

class Hostile : public ClientTest
{
      protected:
	abi_msg command, got;

	void SetUp() override
	{
		make();
		start();
		ASSERT_TRUE(attach());
	}

	void ask(abi_msg m)
	{
		command = m;
		ASSERT_EQ(submit(&command), 0);
		ASSERT_TRUE(media->take(&got));
	}

	void expect_refused(const abi_msg &reply)
	{
		size_t before = answers.size();
		uint64_t bad = cp_shm_counters(c)->bad_replies;

		media->send(reply);
		process();
		ASSERT_EQ(answers.size(), before + 1);
		EXPECT_EQ(answers.back().reply.result, -EPROTO);
		EXPECT_EQ(cp_shm_counters(c)->bad_replies, bad + 1);
		EXPECT_TRUE(cp_shm_attached(c, nullptr));
	}
};

TEST_F(Hostile, WrongReplies)
{
	abi_msg r;

	ask(alloc());
	r = media->reply_to(got);
	r.slot = 64; // outside of the directory
	expect_refused(r);
	ask(alloc());
	r = media->reply_to(got);
	((abi_ports *)r.payload)->legs = 3;
	expect_refused(r);
	ask(alloc());
	r = media->reply_to(got);
	((abi_ports *)r.payload)->leg[0].family = 6;
	expect_refused(r);
	ask(alloc());
	r = media->reply_to(got);
	((abi_ports *)r.payload)->leg[1].rtp_port = 0;
	expect_refused(r);
	ask(alloc());
	r = media->reply_to(got);
	((abi_ports *)r.payload)->leg[1].rtcp_port = 5;
	expect_refused(r);
	ask(alloc());
	r = media->reply_to(got);
	r.length = 255;
	expect_refused(r);
	ask(alloc());
	r = media->reply_to(got);
	r.type = ABI_PING | ABI_REPLY;
	expect_refused(r);
	ask(ping());
	r = media->reply_to(got);
	r.result = 1;
	expect_refused(r);
	abi_msg del;
	abi_msg_init(&del, ABI_SESSION_DELETE, 0, 3, 9);
	ask(del);
	r = media->reply_to(got);
	r.generation = 8;
	expect_refused(r);
}

TEST_F(Hostile, UnknownTransactionIsCounted)
{
	ask(ping());
	abi_msg r = media->reply_to(got);
	r.transaction++;
	media->send(r);
	process();
	EXPECT_TRUE(answers.empty());
	EXPECT_EQ(cp_shm_counters(c)->bad_replies, 1u);
	// The same answer twice: the second belongs to nobody.
	media->send(media->reply_to(got));
	media->send(media->reply_to(got));
	process();
	EXPECT_EQ(answers.size(), 1u);
	EXPECT_EQ(cp_shm_counters(c)->bad_replies, 2u);
}

TEST_F(Hostile, WrongEventsAreCounted)
{
	abi_msg e = media->event(ABI_LEARNED, 64, 1);

	media->send(e);
	e = media->event(ABI_LEARNED, 1, 1);
	((abi_event_learned *)e.payload)->leg = 2;
	media->send(e);
	e = media->event(ABI_LEARNED, 1, 1);
	((abi_event_learned *)e.payload)->remote.family = 5;
	media->send(e);
	e = media->event(ABI_SWEPT, 1, 1);
	e.length = 8;
	media->send(e);
	e = media->event(0x4099, 1, 1);
	media->send(e);
	e = media->event(ABI_PORT_ALLOC, 1, 1); // a command from there
	media->send(e);
	process();
	EXPECT_TRUE(events.empty());
	EXPECT_EQ(cp_shm_counters(c)->bad_events, 6u);
	EXPECT_TRUE(cp_shm_attached(c, nullptr));
}

TEST_F(Hostile, JumpInTheSequenceDetaches)
{
	media->send(media->event(ABI_SWEPT, 1, 1));
	process();
	media->sequence += 5;
	media->send(media->event(ABI_SWEPT, 2, 1));
	process();
	ASSERT_EQ(detached.size(), 1u);
	EXPECT_EQ(detached[0], -EPROTO);
	EXPECT_EQ(cp_shm_counters(c)->broken, 1u);
	EXPECT_EQ(events.size(), 1u);
	EXPECT_TRUE(attach()); // with fresh rings
}

TEST_F(Hostile, EventIndexBeyondTheRingDetaches)
{
	abi_store32(&media->a()->event_producer, 100000);
	process();
	ASSERT_EQ(detached.size(), 1u);
	EXPECT_EQ(detached[0], -EPROTO);
}

TEST_F(Hostile, CommandIndexBeyondTheRingDetaches)
{
	abi_msg m = ping();

	abi_store32(&media->a()->command_consumer, 100000);
	for (uint32_t i = 0; i < ABI_COMMAND_SLOTS + 1; i++) {
		m = ping();
		ASSERT_EQ(submit(&m), 0);
		ASSERT_EQ(cp_shm_counters(c)->queue_full, 0u);
		if (i % 1000 == 0) { // keep room among the unanswered: the ring itself shall fill
			now += 1000000;
			process();
			now += 10000000;
			process();
		}
	}
	now += 1000000;
	process();
	ASSERT_EQ(detached.size(), 1u);
	EXPECT_EQ(detached[0], -EPROTO);
}

TEST_F(Hostile, MissingDescriptorIsNotAttached)
{
	media->forget_fd(ABI_FD_B);
	media->hang_up();
	process();
	for (int i = 0; i < 5; i++) {
		now += 1000000;
		process();
	}
	EXPECT_FALSE(cp_shm_attached(c, nullptr));
	EXPECT_EQ(cp_shm_error(c), -EPROTO);
	media->forget_fd(0);
	EXPECT_TRUE(attach());
}

TEST_F(Hostile, RefusalIsTold)
{
	media->refuse(-EBUSY);
	media->hang_up();
	process();
	now += 1000000;
	process();
	EXPECT_FALSE(cp_shm_attached(c, nullptr));
	EXPECT_EQ(cp_shm_error(c), -EBUSY);
}
