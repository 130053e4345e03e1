// SPDX-License-Identifier: BSD-3-Clause
// Mail, numbers, time-outs, the way to other workers and to the kernel, and sleep.
#include "tests/unit/pipeline/rig.h"

#include <cerrno>
#include <thread>

#include <sys/eventfd.h>

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

void turn_for(Rig &rig, unsigned ms)
{
	uint64_t end = abi_now_us() + ms * 1000;

	while (abi_now_us() < end)
		rig.turn();
}

// Turns until the agent is told something, for at most 10 s.
bool wait_event(Rig &rig, struct dp_event *e)
{
	uint64_t end = abi_now_us() + 10000000;

	while (abi_now_us() < end) {
		rig.turn();
		if (dp_worker_event(rig.workers[0], e))
			return true;
	}
	return false;
}

TEST(Worker, CountsWhatALegReceives)
{
	Rig rig;
	uint64_t before = abi_now_us();

	ASSERT_EQ(rig.add(call()), 0);
	for (uint16_t n : {1, 2, 3, 3, 6, 5, 9})
		rig.pass(packet(n));
	ASSERT_EQ(rig.query(), 0);
	const struct abi_leg_stats &s = rig.stats[0];
	EXPECT_EQ(s.packets, 7u);
	EXPECT_EQ(s.octets, 7u * 172);
	EXPECT_EQ(s.lost, 3u);
	EXPECT_EQ(s.duplicate, 1u);
	EXPECT_EQ(s.out_of_order, 1u);
	EXPECT_EQ(s.ssrc, 0xabcu);
	EXPECT_EQ(s.payload_type, 8);
	EXPECT_EQ(s.remote_family, 4);
	EXPECT_EQ(s.remote_port, 4000);
	EXPECT_GE(s.first_us + 1000, before);
	EXPECT_GE(s.last_us, s.first_us);
	EXPECT_LE(s.last_us, abi_now_us() + 1000);
	EXPECT_EQ(rig.stats[1].sent_packets, 7u);
	EXPECT_EQ(rig.stats[1].sent_octets, 7u * 172);
	EXPECT_EQ(rig.stats[1].packets, 0u);
	EXPECT_EQ(rig.stats[1].last_us, 0u);
}

TEST(Worker, AQueryBringsRegionAUpToDate)
{
	Rig rig;

	ASSERT_EQ(rig.add(call(), 5), 0);
	EXPECT_EQ(rig.leg_slots[10].generation, 1u);
	rig.pass(packet(1));
	EXPECT_EQ(rig.leg_slots[10].stats.packets, 0u);
	ASSERT_EQ(rig.query(5), 0);
	EXPECT_EQ(rig.leg_slots[10].stats.packets, 1u);
	EXPECT_EQ(rig.leg_slots[11].stats.sent_packets, 1u);
	EXPECT_EQ(rig.leg_slots[10].sequence % 2, 0u);
}

TEST(Worker, PublishesByItself)
{
	Rig rig;
	uint64_t end = abi_now_us() + 10000000;

	ASSERT_EQ(rig.add(call()), 0);
	rig.pass(packet(1));
	while (rig.leg_slots[0].stats.packets == 0 && abi_now_us() < end)
		rig.turn();
	EXPECT_EQ(rig.leg_slots[0].stats.packets, 1u);
	EXPECT_GT(rig.leg_slots[0].stats.last_us, 0u);
}

TEST(Worker, DeleteIsTheLastWord)
{
	Rig rig;

	ASSERT_EQ(rig.add(call()), 0);
	rig.pass(packet(1));
	turn_for(rig, 1); // the gauge is set now and then
	EXPECT_EQ(rig.counter(DP_COUNT_SESSIONS), 1u);
	ASSERT_EQ(rig.remove(), 0);
	EXPECT_EQ(rig.stats[0].packets, 1u);
	turn_for(rig, 1);
	EXPECT_EQ(rig.counter(DP_COUNT_SESSIONS), 0u);
	EXPECT_TRUE(rig.pass(packet(2)).empty());
	EXPECT_EQ(rig.counter(DP_DROP_UNKNOWN_PORT), 1u);
	EXPECT_EQ(rig.remove(), -ENOENT);
	EXPECT_EQ(rig.query(), -ENOENT);
	EXPECT_EQ(rig.update(call()), -ENOENT);
	// The ports may serve another session.
	ASSERT_EQ(rig.add(call(), 3), 0);
	EXPECT_EQ(rig.pass(packet(3)).size(), 1u);
	ASSERT_EQ(rig.query(3), 0);
	EXPECT_EQ(rig.stats[0].packets, 1u);
}

TEST(Worker, RefusesMailThatMakesNoSense)
{
	Rig rig;
	struct dp_mail m = {};

	ASSERT_EQ(rig.add(call()), 0);
	EXPECT_EQ(rig.add(call(), 1), -EEXIST); // the ports are a session's
	EXPECT_EQ(rig.pass(packet(1)).size(), 1u);
	ASSERT_EQ(rig.query(), 0);
	EXPECT_EQ(rig.stats[0].packets, 1u); // and nobody else's
	m.type = 99;
	ASSERT_EQ(dp_worker_send(rig.workers[0], &m), 0);
	rig.turn();
	ASSERT_EQ(dp_worker_reply(rig.workers[0]), &m);
	EXPECT_EQ(m.result, -EINVAL);
	EXPECT_EQ(dp_worker_reply(rig.workers[0]), nullptr);
}

TEST(Worker, MailsAnswerInOrderAndNoneIsLost)
{
	Rig rig;
	std::vector<struct dp_mail> mails(DP_MAIL_SLOTS);

	for (struct dp_mail &m : mails) {
		m.type = 99;
		ASSERT_EQ(dp_worker_send(rig.workers[0], &m), 0);
	}
	struct dp_mail more = {};
	EXPECT_EQ(dp_worker_send(rig.workers[0], &more), -EBUSY);
	for (struct dp_mail &m : mails) {
		struct dp_mail *back = dp_worker_reply(rig.workers[0]);

		while (!back) {
			rig.turn();
			back = dp_worker_reply(rig.workers[0]);
		}
		EXPECT_EQ(back, &m);
	}
	EXPECT_EQ(dp_worker_send(rig.workers[0], &more), 0);
	rig.turn();
	EXPECT_EQ(dp_worker_reply(rig.workers[0]), &more);
}

TEST(Worker, NoticesSilenceButNotTooEarly)
{
	Rig rig;
	std::vector<Rig::Leg> legs = call();
	struct dp_event e;
	uint64_t sent;

	legs[0].flags |= ABI_LEG_TIMEOUT;
	ASSERT_EQ(rig.add(legs, 0, 500), 0);
	turn_for(rig, 300);
	sent = abi_now_us();
	rig.pass(packet(1));
	ASSERT_TRUE(wait_event(rig, &e));
	EXPECT_GE(abi_now_us(), sent + 500000);
	EXPECT_EQ(e.type, DP_EVENT_TIMEOUT);
	EXPECT_EQ(e.leg, 0);
	EXPECT_EQ(e.slot, 0u);
	EXPECT_GE(e.last_us + 100, sent);
	turn_for(rig, 1500);
	EXPECT_FALSE(dp_worker_event(rig.workers[0], &e)); // told once
	EXPECT_EQ(rig.counter(DP_COUNT_TIMEOUTS), 1u);
	rig.pass(packet(2)); // media comes back, and goes again
	ASSERT_TRUE(wait_event(rig, &e));
	EXPECT_EQ(e.type, DP_EVENT_TIMEOUT);
}

TEST(Worker, SilenceFromTheStartHasNoLastPacket)
{
	Rig rig;
	std::vector<Rig::Leg> legs = call();
	struct dp_event e;

	legs[1].flags |= ABI_LEG_TIMEOUT;
	ASSERT_EQ(rig.add(legs, 0, 100), 0);
	ASSERT_TRUE(wait_event(rig, &e));
	EXPECT_EQ(e.leg, 1);
	EXPECT_EQ(e.last_us, 0u);
}

TEST(Worker, EventsThatFindNoRoomAreToldLater)
{
	Rig rig;
	std::vector<Rig::Leg> legs = call();
	struct dp_event e;
	unsigned told = 0;

	legs[0].policy = ABI_SOURCE_ANY;
	ASSERT_EQ(rig.add(legs), 0);
	// Two sources in turn make a new candidate each time.
	for (uint16_t n = 0; n < DP_EVENT_SLOTS + 10; n++)
		rig.pass(udp_frame(v4(203, 0, 113, 5, static_cast<uint16_t>(7000 + n % 2)),
			local4(20000), rtp(8, n, n, 1)));
	EXPECT_GT(rig.counter(DP_COUNT_EVENTS_LATE), 0u);
	while (dp_worker_event(rig.workers[0], &e))
		told++;
	EXPECT_EQ(told, DP_EVENT_SLOTS);
	ASSERT_TRUE(wait_event(rig, &e));
	EXPECT_EQ(e.remote.port, 7001); // the last candidate
}

TEST(Worker, PacketsAtTheWrongWorkerAreHandedOver)
{
	Rig rig(2);

	// Pairs are spread over workers: port 20000 / 2 is even, so both legs are worker 0's.
	std::vector<Rig::Leg> legs = call(20000);
	legs[1].port = 20004;
	ASSERT_EQ(rig.add(legs), 0);
	for (uint16_t n = 0; n < 100; n++)
		rig.put(packet(n), 1);
	for (unsigned i = 0; i < 4; i++) {
		rig.turn(1);
		rig.turn(0);
	}
	std::vector<Bytes> out = rig.take();
	ASSERT_EQ(out.size(), 100u);
	for (uint16_t n = 0; n < 100; n++)
		EXPECT_EQ(read_frame(out[n]).payload[3], n);
	EXPECT_EQ(rig.counter(DP_COUNT_HANDED, 1), 100u);
	EXPECT_EQ(rig.counter(DP_COUNT_RTP, 0), 100u);
	EXPECT_EQ(rig.counter(DP_COUNT_RTP, 1), 0u);
	EXPECT_EQ(rig.drops(), 0u);
}

TEST(Worker, AnOwnerThatDoesNotKeepUpCostsCountedPackets)
{
	Rig rig(2);
	unsigned in = 0;

	ASSERT_EQ(rig.add(call()), 0);
	for (unsigned round = 0; round < 3; round++) {
		for (uint16_t n = 0; n < 1000; n++, in++)
			rig.put(packet(n), 1);
		while (rig.turn(1))
			;
	}
	EXPECT_GT(rig.counter(DP_DROP_HANDOFF_FULL, 1), 0u);
	EXPECT_EQ(rig.counter(DP_DROP_HANDOFF_FULL, 1) + rig.counter(DP_COUNT_HANDED, 1), in);
}

TEST(Worker, TheKernelGetsItsShareAndSendsIts)
{
	Rig rig(1, DP_POLL_BUSY, false, true);
	Bytes arp = packet(1), sip = udp_frame(alice, local4(5060), {'O', 'P'}), icmp = packet(1);
	Bytes other = udp_frame(alice, v4(10, 9, 9, 9, 20000), rtp(8, 1, 1, 1));

	arp[13] = 6;
	icmp[23] = 1;
	ASSERT_EQ(rig.add(call()), 0);
	for (const Bytes &f : {arp, sip, icmp, other, packet(2)})
		rig.put(f);
	rig.put(udp_frame(
		alice, local4(20100), rtp(8, 1, 1, 1))); // media for nobody: not the kernel's
	rig.turn();
	EXPECT_EQ(rig.take(1), (std::vector<Bytes>{arp, sip, icmp, other}));
	EXPECT_EQ(rig.take(0).size(), 1u);
	EXPECT_EQ(rig.counter(DP_COUNT_PUNT), 4u);
	EXPECT_EQ(rig.counter(DP_DROP_UNKNOWN_PORT), 1u);
	EXPECT_EQ(rig.drops(), 1u);
	// The other way everything goes as it is.
	rig.put(arp, 0, 0, 1);
	rig.put(packet(3), 0, 0, 1);
	rig.turn();
	EXPECT_EQ(rig.take(0), (std::vector<Bytes>{arp, packet(3)}));
	EXPECT_EQ(rig.counter(DP_COUNT_KERNEL), 2u);
}

TEST(Worker, FragmentsGoToTheKernelAndAreCounted)
{
	Rig rig(1, DP_POLL_BUSY, false, true);
	Bytes f = packet(1);

	f[20] = 0x20; // more fragments; nobody has looked at the header's checksum yet
	rig.put(f);
	rig.turn();
	EXPECT_EQ(rig.take(1).size(), 1u);
	EXPECT_EQ(rig.counter(DP_COUNT_FRAGMENT_PUNT), 1u);
}

TEST(Worker, RingsTheAgentOnlyWhenItSleeps)
{
	Rig rig;
	uint64_t rung = 0;

	ASSERT_EQ(rig.add(call()), 0);
	EXPECT_EQ(eventfd_read(rig.bell, &rung), -1);
	rig.agent_sleeping = 1;
	ASSERT_EQ(rig.query(), 0);
	EXPECT_EQ(eventfd_read(rig.bell, &rung), 0);
	EXPECT_EQ(rung, 1u);
	rig.pass(packet(1)); // nothing to tell
	EXPECT_EQ(eventfd_read(rig.bell, &rung), -1);
}

TEST(Worker, StagesAreTimed)
{
	Rig rig;

	ASSERT_EQ(rig.add(call()), 0);
	for (uint16_t n = 0; n < 200; n++)
		rig.pass(packet(n));
	for (unsigned stage :
		{DP_STAGE_RX, DP_STAGE_LOOKUP, DP_STAGE_ADMIT, DP_STAGE_RELAY, DP_STAGE_TX}) {
		EXPECT_EQ(rig.counter(DP_COUNT_STAGE_CALLS + stage), 200u);
		EXPECT_EQ(rig.counter(DP_COUNT_STAGE_PACKETS + stage), 200u);
		EXPECT_GT(rig.counter(DP_COUNT_STAGE_CYCLES + stage), 0u);
		EXPECT_GT(rig.counter(DP_COUNT_STAGE_SAMPLED + stage), 0u);
	}
	EXPECT_EQ(rig.counter(DP_COUNT_STAGE_CALLS + DP_STAGE_PUNT), 0u);
}

// The loop on a thread of its own, adaptive: it sleeps, wakes for mail, and relays.
TEST(Worker, SleepsAndWakesForMail)
{
	Rig rig(1, DP_POLL_ADAPTIVE);
	std::thread loop([&] { EXPECT_EQ(dp_worker_run(rig.workers[0]), 0); });
	struct dp_mail m = {};

	m.type = 99;
	for (unsigned i = 0; i < 50; i++) {
		std::this_thread::sleep_for(std::chrono::milliseconds(2));
		uint64_t start = abi_now_us();
		ASSERT_EQ(dp_worker_send(rig.workers[0], &m), 0);
		while (!dp_worker_reply(rig.workers[0]))
			ASSERT_LT(abi_now_us() - start, 1000000u);
	}
	EXPECT_GT(rig.counter(DP_COUNT_SLEEPS), 10u);
	EXPECT_TRUE(dp_worker_running(rig.workers[0]));
	dp_worker_stop(rig.workers[0]);
	loop.join();
	EXPECT_FALSE(dp_worker_running(rig.workers[0]));
}
} // namespace
