// SPDX-License-Identifier: BSD-3-Clause
// Sessions begin and end without the worker's help, and still nothing is counted after the last word.
#include "tests/unit/pipeline/rig.h"

#include <cerrno>
#include <thread>

#include "dataplane/abi/shm.h"

namespace
{
const Address alice = v4(192, 0, 2, 10, 4000), bob = v4(198, 51, 100, 20, 5000);

std::vector<Rig::Leg> call(uint16_t port = 20000)
{
	std::vector<Rig::Leg> legs(2);

	legs[0].port = port;
	legs[1].port = static_cast<uint16_t>(port + 2);
	legs[0].remote = alice;
	legs[1].remote = bob;
	return legs;
}

Bytes packet(uint16_t seq, uint16_t port = 20000)
{
	return udp_frame(alice, local4(port), rtp(8, seq, seq * 160u, 0xabc));
}

struct dp_mail about(uint32_t type, Rig &rig, uint16_t port, uint32_t slot)
{
	struct dp_mail m = {};

	m.type = type;
	m.target.slot = slot;
	m.target.generation = 1;
	m.target.legs = 2;
	for (unsigned i = 0; i < 2; i++)
		m.target.leg[i] =
			dp_table_leg(&rig.table->endpoint[0], static_cast<uint16_t>(port + 2 * i));
	return m;
}

struct dp_mail *wait_reply(struct dp_worker *w)
{
	uint64_t end = abi_now_us() + 10000000;
	struct dp_mail *m;

	while (!(m = dp_worker_reply(w)) && abi_now_us() < end)
		std::this_thread::yield();
	return m;
}

TEST(SessionEnds, ADeletionWaitsForTheBurstThatMayBeUnderWay)
{
	Rig rig;
	struct dp_worker *w = rig.workers[0];

	ASSERT_EQ(rig.add(call()), 0);
	rig.pass(packet(1));
	struct dp_mail end = about(DP_MAIL_DELETE, rig, 20000, 0);
	ASSERT_EQ(dp_worker_send(w, &end), 0);
	EXPECT_EQ(dp_worker_reply(w), nullptr);
	EXPECT_TRUE(rig.pass(packet(2)).empty()); // but nothing is relayed any more
	EXPECT_EQ(rig.counter(DP_DROP_UNKNOWN_PORT), 1u);
	ASSERT_EQ(rig.turn_for_reply(), &end);
	EXPECT_EQ(end.result, 0);
	EXPECT_EQ(end.stats[0].packets, 1u);
	EXPECT_EQ(dp_worker_out(w), 0u);
}

TEST(SessionEnds, ManyDeletionsShareAFence)
{
	Rig rig;
	struct dp_worker *w = rig.workers[0];
	std::vector<struct dp_mail> ends;

	for (uint32_t i = 0; i < 20; i++) {
		ASSERT_EQ(rig.add(call(static_cast<uint16_t>(20000 + i * 4)), i), 0);
		ends.push_back(about(DP_MAIL_DELETE, rig, static_cast<uint16_t>(20000 + i * 4), i));
	}
	for (struct dp_mail &m : ends)
		ASSERT_EQ(dp_worker_send(w, &m), 0);
	EXPECT_EQ(dp_worker_reply(w), nullptr);
	ASSERT_EQ(rig.turn_for_reply(), &ends[0]); // the fence was asked for when this came
	EXPECT_EQ(dp_worker_reply(w), nullptr);
	ASSERT_EQ(rig.turn_for_reply(), &ends[1]);
	for (unsigned i = 2; i < 20; i++)
		EXPECT_EQ(dp_worker_reply(w), &ends[i]) << i;
	EXPECT_EQ(rig.counter(DP_COUNT_MAILS), 0u);
}

TEST(SessionEnds, ChangesUnderWayComeFirst)
{
	Rig rig;
	struct dp_worker *w = rig.workers[0];

	ASSERT_EQ(rig.add(call()), 0);
	struct dp_mail query = about(DP_MAIL_QUERY, rig, 20000, 0);
	struct dp_mail end = about(DP_MAIL_DELETE, rig, 20000, 0);
	struct dp_mail late = about(DP_MAIL_QUERY, rig, 20000, 0);
	ASSERT_EQ(dp_worker_send(w, &query), 0);
	ASSERT_EQ(dp_worker_send(w, &end), 0);
	ASSERT_EQ(dp_worker_send(w, &late), 0);
	// The query and the deletion go to the worker: the session forwards until they are back.
	EXPECT_EQ(rig.pass(packet(1)).size(), 1u);
	ASSERT_EQ(dp_worker_reply(w), &query);
	EXPECT_EQ(query.result, 0);
	ASSERT_EQ(dp_worker_reply(w), &late); // it had overtaken nothing: the session was there
	EXPECT_EQ(dp_worker_reply(w), nullptr);
	EXPECT_TRUE(rig.pass(packet(2)).empty());
	ASSERT_EQ(rig.turn_for_reply(), &end);
	EXPECT_EQ(end.stats[0].packets, 1u);
}

TEST(SessionEnds, WhatTheWorkerNeverHadIsRefusedAtOnce)
{
	Rig rig;
	struct dp_worker *w = rig.workers[0];
	struct dp_mail none = about(DP_MAIL_DELETE, rig, 20000, 0), beyond = none;

	beyond.target.slot = 1u << 20;
	for (struct dp_mail *m : {&none, &beyond}) {
		ASSERT_EQ(dp_worker_send(w, m), 0);
		ASSERT_EQ(dp_worker_reply(w), m);
		EXPECT_EQ(m->result, -ENOENT);
	}
}

// The loop on a thread of its own: a worker that sleeps is not woken for an end.
TEST(SessionEnds, ASleepingWorkerSleepsOn)
{
	Rig rig(1, DP_POLL_ADAPTIVE);
	struct dp_worker *w = rig.workers[0];
	unsigned at_once = 0;

	for (uint32_t i = 0; i < 20; i++)
		ASSERT_EQ(rig.add(call(static_cast<uint16_t>(20000 + i * 4)), i), 0);
	std::thread loop([&] { EXPECT_EQ(dp_worker_run(w), 0); });
	for (uint32_t i = 0; i < 20; i++) {
		struct dp_mail end =
			about(DP_MAIL_DELETE, rig, static_cast<uint16_t>(20000 + i * 4), i);

		std::this_thread::sleep_for(std::chrono::milliseconds(3));
		EXPECT_EQ(dp_worker_send(w, &end), 0);
		struct dp_mail *m = dp_worker_reply(w);
		at_once += m != nullptr;
		EXPECT_EQ(m ? m : wait_reply(w), &end);
		EXPECT_EQ(end.result, 0);
	}
	EXPECT_GT(at_once, 0u);
	dp_worker_stop(w);
	loop.join();
}

// Packets come all the time while sessions begin and end: what DELETE reports is the last word, and
// every packet was relayed or dropped.
TEST(SessionEnds, NumbersDoNotMoveAfterTheLastWord)
{
	Rig rig(1, DP_POLL_ADAPTIVE);
	struct dp_worker *w = rig.workers[0];
	uint64_t reported = 0, put = 0;

	ASSERT_EQ(rig.add(call()), 0);
	ASSERT_EQ(rig.remove(), 0);
	std::thread loop([&] { EXPECT_EQ(dp_worker_run(w), 0); });
	for (uint32_t round = 0; round < 300; round++) {
		struct dp_mail m = {}, end = about(DP_MAIL_DELETE, rig, 20000, round % 8);
		const struct dp_leg *leg = end.target.leg[0];

		ASSERT_EQ(rig.lay(call(), round % 8, m), 0);
		ASSERT_EQ(dp_worker_reply(w), &m); // needs nobody
		ASSERT_EQ(m.result, 0);
		for (uint16_t n = 0; n < 8; n++, put++)
			rig.put(packet(n));
		if (round % 3 == 0)
			std::this_thread::yield();
		ASSERT_EQ(dp_worker_send(w, &end), 0);
		ASSERT_EQ(wait_reply(w), &end);
		EXPECT_EQ(end.result, 0);
		uint64_t packets = leg->stats.packets;
		EXPECT_EQ(end.stats[0].packets, packets);
		reported += packets;
		// What is still in the queue finds the leg closed.
		while (rte_ring_count(rig.devices[0]->in[0]))
			std::this_thread::yield();
		EXPECT_EQ(leg->stats.packets, packets);
		rig.take();
	}
	dp_worker_stop(w);
	loop.join();
	rig.take();
	EXPECT_EQ(rig.counter(DP_COUNT_RTP), reported);
	EXPECT_EQ(rig.counter(DP_DROP_UNKNOWN_PORT) + reported, put);
	EXPECT_GT(reported, 0u);
}
} // namespace
