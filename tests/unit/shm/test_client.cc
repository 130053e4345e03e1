// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <set>

#include "harness.h"

TEST_F(ClientTest, AttachesWhenHawseMediaComes)
{
	abi_msg m = ping();

	make();
	process();
	EXPECT_FALSE(cp_shm_attached(c, nullptr));
	EXPECT_EQ(cp_shm_error(c), -ENOENT);
	EXPECT_EQ(submit(&m), -ENOTCONN);
	EXPECT_GT(cp_shm_next(c), now);
	start(42);
	ASSERT_TRUE(attach());
	ASSERT_EQ(attached.size(), 1u);
	EXPECT_EQ(attached[0].boot_epoch, 42u);
	EXPECT_EQ(attached[0].sessions, 64u);
	EXPECT_EQ(attached[0].generation, 1u);
	EXPECT_TRUE(attached[0].first);
	EXPECT_FALSE(attached[0].same_boot);
	EXPECT_EQ(cp_shm_error(c), 0);
}

TEST_F(ClientTest, BackOffGrowsToItsLimit)
{
	uint64_t pauses[8];

	make();
	for (auto &pause : pauses) {
		process();
		pause = cp_shm_next(c) - now;
		now = cp_shm_next(c);
	}
	EXPECT_EQ(pauses[0], 10000u);
	EXPECT_EQ(pauses[1], 20000u);
	EXPECT_EQ(pauses[7], 200000u); // retry_ms of the harness
}

TEST_F(ClientTest, CommandAndReply)
{
	abi_msg m = alloc(), got;

	make();
	start();
	ASSERT_TRUE(attach());
	EXPECT_FALSE(readable());
	ASSERT_EQ(submit(&m, 5), 0);
	EXPECT_NE(m.transaction, 0u);
	ASSERT_TRUE(media->take(&got));
	EXPECT_EQ(got.transaction, m.transaction);
	EXPECT_EQ(got.sequence, 0u);
	EXPECT_EQ(got.type, ABI_PORT_ALLOC);
	media->send(media->reply_to(got));
	EXPECT_TRUE(readable()); // the bell was rung, as we said that we sleep
	process();
	ASSERT_EQ(answers.size(), 1u);
	EXPECT_EQ(answers[0].tag, 5);
	EXPECT_EQ(answers[0].reply.result, 0);
	EXPECT_EQ(((abi_ports *)answers[0].reply.payload)->leg[1].rtp_port, 20002);
	EXPECT_FALSE(readable());
	EXPECT_EQ(cp_shm_counters(c)->replies, 1u);
}

TEST_F(ClientTest, FailedReplyCarriesTheField)
{
	abi_msg m = alloc(), got;

	make();
	start();
	ASSERT_TRUE(attach());
	ASSERT_EQ(submit(&m), 0);
	ASSERT_TRUE(media->take(&got));
	abi_msg r = media->reply_to(got, -EINVAL);
	((abi_reply *)r.payload)->field = ABI_FIELD_FAMILY;
	media->send(r);
	process();
	ASSERT_EQ(answers.size(), 1u);
	EXPECT_EQ(answers[0].reply.result, -EINVAL);
	EXPECT_EQ(((abi_reply *)answers[0].reply.payload)->field, (uint32_t)ABI_FIELD_FAMILY);
}

TEST_F(ClientTest, Events)
{
	make();
	start();
	ASSERT_TRUE(attach());
	media->send(media->event(ABI_LEARNED, 3, 1));
	media->send(media->event(ABI_MEDIA_TIMEOUT, 4, 1));
	media->send(media->event(ABI_SWEPT, 5, 1));
	process();
	ASSERT_EQ(events.size(), 3u);
	EXPECT_EQ(events[0].slot, 3u);
	EXPECT_EQ(events[1].type, ABI_MEDIA_TIMEOUT);
	EXPECT_EQ(events[2].type, ABI_SWEPT);
}

// More commands than the ring takes wait their turn; more than the queue takes are refused.
TEST_F(ClientTest, QueueIsBounded)
{
	const int sent = ABI_EVENT_SLOTS / 2, queue = 100;
	abi_msg got;
	int taken = 0;

	make(queue);
	start();
	ASSERT_TRUE(attach());
	for (int i = 0; i < sent + queue; i++) {
		abi_msg m = ping();
		ASSERT_EQ(submit(&m, i), 0) << i;
	}
	abi_msg m = ping();
	EXPECT_EQ(submit(&m), -ENOBUFS);
	EXPECT_EQ(cp_shm_counters(c)->queue_full, 1u);
	while (taken < sent + queue) {
		int before = taken;
		for (; media->take(&got); taken++)
			media->send(media->reply_to(got));
		process();
		ASSERT_GT(taken, before);
	}
	process();
	ASSERT_EQ(answers.size(), (size_t)(sent + queue));
	for (int i = 0; i < sent + queue; i++)
		ASSERT_EQ(answers[i].tag, i);
}

// What nobody waits for goes with the next that somebody does, in order, or after a while.
TEST_F(ClientTest, PatientCommandsWaitForCompany)
{
	abi_msg first = ping(), second = ping(), third = ping(), got;

	make();
	start();
	ASSERT_TRUE(attach());
	ASSERT_EQ(submit(&first, 1, CP_SHM_PATIENT), 0);
	ASSERT_EQ(submit(&second, 2, CP_SHM_PATIENT), 0);
	process();
	EXPECT_FALSE(media->take(&got));
	EXPECT_EQ(cp_shm_next(c), now + CP_SHM_PATIENCE_US);
	ASSERT_EQ(submit(&third, 3), 0);
	for (const abi_msg *m : {&first, &second, &third}) {
		ASSERT_TRUE(media->take(&got));
		EXPECT_EQ(got.transaction, m->transaction);
		media->send(media->reply_to(got));
	}
	process();
	EXPECT_EQ(answers.size(), 3u);

	ASSERT_EQ(submit(&(first = ping()), 4, CP_SHM_PATIENT), 0);
	now += CP_SHM_PATIENCE_US - 1;
	process();
	EXPECT_FALSE(media->take(&got));
	now += 1;
	EXPECT_LE(cp_shm_next(c), now);
	process();
	ASSERT_TRUE(media->take(&got));
	EXPECT_EQ(got.transaction, first.transaction);
}

TEST_F(ClientTest, PatientCommandsFailWithTheirHawseMedia)
{
	abi_msg m = ping();

	make();
	start();
	ASSERT_TRUE(attach());
	ASSERT_EQ(submit(&m, 1, CP_SHM_PATIENT), 0);
	media.reset();
	process();
	ASSERT_EQ(answers.size(), 1u);
	EXPECT_EQ(answers[0].reply.result, -ECONNRESET);
	EXPECT_GT(cp_shm_next(c), 0u);
}

TEST_F(ClientTest, SequenceOfCommandsGrowsByOne)
{
	abi_msg got;

	make();
	start();
	ASSERT_TRUE(attach());
	for (uint32_t i = 0; i < 10000; i++) {
		abi_msg m = ping();
		ASSERT_EQ(submit(&m), 0);
		ASSERT_TRUE(media->take(&got));
		ASSERT_EQ(got.sequence, i);
		media->send(media->reply_to(got));
		process();
	}
	EXPECT_EQ(answers.size(), 10000u);
	EXPECT_EQ(cp_shm_counters(c)->broken, 0u);
}

TEST_F(ClientTest, TimesOut)
{
	abi_msg m = ping(), got;

	make();
	start();
	ASSERT_TRUE(attach());
	ASSERT_EQ(submit(&m), 0);
	EXPECT_LE(cp_shm_next(c), now + 1000000);
	now += 999999;
	process();
	EXPECT_TRUE(answers.empty());
	now += 1;
	process();
	ASSERT_EQ(answers.size(), 1u);
	EXPECT_EQ(answers[0].reply.result, -ETIMEDOUT);
	EXPECT_EQ(answers[0].reply.transaction, m.transaction);
	// Its answer comes after all: known, and told to nobody.
	ASSERT_TRUE(media->take(&got));
	media->send(media->reply_to(got));
	process();
	EXPECT_EQ(answers.size(), 1u);
	EXPECT_EQ(cp_shm_counters(c)->late_replies, 1u);
	EXPECT_EQ(cp_shm_counters(c)->bad_replies, 0u);
}

TEST_F(ClientTest, LateSessionIsDeleted)
{
	abi_msg m = alloc(), got, next;

	make();
	start();
	ASSERT_TRUE(attach());
	ASSERT_EQ(submit(&m), 0);
	now += 1000000;
	process();
	ASSERT_EQ(answers.size(), 1u);
	ASSERT_TRUE(media->take(&got));
	abi_msg r = media->reply_to(got);
	media->send(r);
	process();
	ASSERT_TRUE(media->take(&next));
	EXPECT_EQ(next.type, ABI_SESSION_DELETE);
	EXPECT_EQ(next.slot, r.slot);
	EXPECT_EQ(next.generation, r.generation);
	EXPECT_EQ(answers.size(), 1u);
}

TEST_F(ClientTest, ForgottenSessionIsDeleted)
{
	abi_msg m = alloc(), got, next;

	make();
	start();
	ASSERT_TRUE(attach());
	ASSERT_EQ(submit(&m), 0);
	cp_shm_forget(c, m.transaction);
	ASSERT_TRUE(media->take(&got));
	media->send(media->reply_to(got));
	process();
	EXPECT_TRUE(answers.empty());
	ASSERT_TRUE(media->take(&next));
	EXPECT_EQ(next.type, ABI_SESSION_DELETE);
	// And one that failed leaves nothing to delete.
	m = alloc();
	ASSERT_EQ(submit(&m), 0);
	cp_shm_forget(c, m.transaction);
	ASSERT_TRUE(media->take(&got));
	media->send(media->reply_to(got, -ENOSPC));
	process();
	EXPECT_FALSE(media->take(&next));
}

// Sent again after a time-out, with the same transaction: one command, one answer.
TEST_F(ClientTest, AskedAgain)
{
	abi_msg m = alloc(), got;

	make();
	start();
	ASSERT_TRUE(attach());
	ASSERT_EQ(submit(&m, 1), 0);
	EXPECT_EQ(submit(&m, 2), -EEXIST);
	now += 1000000;
	process();
	ASSERT_EQ(submit(&m, 3), 0);
	ASSERT_TRUE(media->take(&got));
	media->send(media->reply_to(got));
	process();
	ASSERT_EQ(answers.size(), 2u);
	EXPECT_EQ(answers[1].tag, 3);
	EXPECT_EQ(answers[1].reply.result, 0);
	EXPECT_FALSE(media->take(&got));
}

TEST_F(ClientTest, HangUpEndsWhatIsInFlight)
{
	abi_msg m = ping(), n = alloc();

	make();
	start(7);
	ASSERT_TRUE(attach());
	ASSERT_EQ(submit(&m, 1), 0);
	ASSERT_EQ(submit(&n, 2), 0);
	media->hang_up();
	EXPECT_TRUE(readable());
	process();
	ASSERT_EQ(answers.size(), 2u);
	EXPECT_EQ(answers[0].reply.result, -ECONNRESET);
	EXPECT_EQ(answers[1].tag, 2);
	ASSERT_EQ(detached.size(), 1u);
	EXPECT_EQ(detached[0], -EPIPE);
	ASSERT_TRUE(attach());
	ASSERT_EQ(attached.size(), 2u);
	EXPECT_TRUE(attached[1].same_boot);
	EXPECT_EQ(attached[1].generation, 2u);
}

// What hawse-media wrote before it died is still read.
TEST_F(ClientTest, LastWordsAreHeard)
{
	abi_msg m = ping(), got;

	make();
	start();
	ASSERT_TRUE(attach());
	ASSERT_EQ(submit(&m), 0);
	ASSERT_TRUE(media->take(&got));
	media->send(media->reply_to(got));
	media.reset();
	process();
	ASSERT_EQ(answers.size(), 1u);
	EXPECT_EQ(answers[0].reply.result, 0);
	EXPECT_EQ(detached.size(), 1u);
}

TEST_F(ClientTest, OldRegionsStayUntilReconciled)
{
	abi_leg_resume resume;
	abi_leg_stats stats;
	abi_msg got;

	make();
	start(100);
	ASSERT_TRUE(attach());
	media->resume(9, 1)->generation = 3;
	media->resume(9, 1)->rx_ssrc = 0xabcd;
	media->leg(9, 0)->generation = 3;
	media->leg(9, 0)->stats.packets = 17;
	media.reset();
	process();
	ASSERT_EQ(detached.size(), 1u);
	EXPECT_EQ(cp_shm_resume(c, 100, 9, 3, 1, &resume), 0);
	start(200);
	ASSERT_TRUE(attach());
	EXPECT_FALSE(attached[1].same_boot);
	EXPECT_FALSE(attached[1].first);
	media.reset();
	start(300); // and dies again before we were done
	process();
	ASSERT_TRUE(attach());
	ASSERT_EQ(cp_shm_resume(c, 100, 9, 3, 1, &resume), 0);
	EXPECT_EQ(resume.rx_ssrc, 0xabcdu);
	ASSERT_EQ(cp_shm_stats(c, 100, 9, 3, 0, &stats), 0);
	EXPECT_EQ(stats.packets, 17u);
	EXPECT_EQ(cp_shm_resume(c, 100, 9, 4, 1, &resume), -ENOENT);
	EXPECT_EQ(cp_shm_resume(c, 100, 64, 3, 1, &resume), -ENOENT);
	EXPECT_EQ(cp_shm_resume(c, 100, 9, 3, 2, &resume), -ENOENT);
	EXPECT_EQ(cp_shm_resume(c, 99, 9, 3, 1, &resume), -ENOENT);
	ASSERT_EQ(cp_shm_reconciled(c, now), 0);
	ASSERT_TRUE(media->take(&got));
	EXPECT_EQ(got.type, ABI_RECONCILE_DONE);
	EXPECT_EQ(cp_shm_resume(c, 100, 9, 3, 1, &resume), -ENOENT);
	EXPECT_EQ(cp_shm_resume(c, 300, 9, 0, 1, &resume), 0);
}

TEST_F(ClientTest, DirectoryIsReadBySeqlock)
{
	abi_session_entry entry;
	abi_endpoint endpoint;

	make();
	start();
	ASSERT_TRUE(attach());
	media->session(2)->generation = 5;
	media->session(2)->state = ABI_SESSION_ACTIVE;
	ASSERT_EQ(cp_shm_session(c, 2, &entry), 0);
	EXPECT_EQ(entry.generation, 5u);
	media->session(2)->sequence = 1; // a writer died within it
	EXPECT_EQ(cp_shm_session(c, 2, &entry), -EAGAIN);
	EXPECT_EQ(cp_shm_session(c, 64, &entry), -ENOENT);
	EXPECT_EQ(cp_shm_endpoint(c, 0, &endpoint), 0);
	EXPECT_EQ(cp_shm_endpoint(c, 1, &endpoint), -ENOENT);
}

TEST_F(ClientTest, HeartbeatIsWritten)
{
	make();
	start();
	ASSERT_TRUE(attach());
	EXPECT_EQ(media->b()->heartbeat_us, now);
	EXPECT_LE(cp_shm_next(c), now + 250000);
	now = cp_shm_next(c);
	process();
	EXPECT_EQ(media->b()->heartbeat_us, now);
}

TEST_F(ClientTest, SecretsAreWipedFromTheRing)
{
	abi_msg got;
	uint8_t key[16];

	memset(key, 0x5a, sizeof(key));
	make();
	start();
	ASSERT_TRUE(attach());
	for (uint32_t i = 0; i < 3; i++) {
		abi_msg m;
		abi_msg_init(&m, ABI_SESSION_ADD, 0, 1, 1);
		memcpy(m.payload, key, sizeof(key));
		ASSERT_EQ(submit(&m, 0, i == 1 ? CP_SHM_SECRET : 0), 0);
		ASSERT_TRUE(media->take(&got));
	}
	EXPECT_EQ(memcmp(media->command_slot(1) + 32, key, 16), 0);
	media->send(media->reply_to(got)); // the third's, which is no secret
	process();
	EXPECT_EQ(memcmp(media->command_slot(1) + 32, key, 16), 0);
	memcpy(&got, media->command_slot(1), sizeof(got));
	media->send(media->reply_to(got));
	process();
	EXPECT_TRUE(abi_zero(media->command_slot(1), ABI_MSG_SIZE));
	EXPECT_FALSE(abi_zero(media->command_slot(0), ABI_MSG_SIZE));
	EXPECT_FALSE(abi_zero(media->command_slot(2), ABI_MSG_SIZE));
}

TEST_F(ClientTest, TransactionsAreUnique)
{
	std::set<uint64_t> seen;

	make();
	for (int i = 0; i < 10000; i++)
		EXPECT_TRUE(seen.insert(cp_shm_transaction(c)).second);
	EXPECT_EQ(seen.count(0), 0u);
}

TEST_F(ClientTest, RefusesWhatIsNoCommand)
{
	abi_msg m = ping();

	make();
	start();
	ASSERT_TRUE(attach());
	m.type = ABI_LEARNED;
	EXPECT_EQ(submit(&m), -EINVAL);
	m = ping();
	m.length = 1;
	EXPECT_EQ(submit(&m), -EINVAL);
	m = ping();
	m.type = 0;
	EXPECT_EQ(submit(&m), -EINVAL);
}
