// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <arpa/inet.h>

#include <cstring>

#include "world.h"

TEST(Sessions, PortsOfAnAllocationAreThoseOfTheDirectory)
{
	World w;
	abi_msg reply = w.ask(World::alloc());
	abi_ports ports = World::ports(reply);

	ASSERT_EQ(0, reply.result);
	EXPECT_EQ(ABI_PORT_ALLOC | ABI_REPLY, reply.type);
	EXPECT_EQ(2, ports.legs);
	EXPECT_EQ(ABI_SESSION_ALLOCATED, ports.state);
	EXPECT_EQ("10.1.0.1", World::ip4(ports.leg[0].ip));
	EXPECT_EQ("10.2.0.1", World::ip4(ports.leg[1].ip));
	EXPECT_EQ(0, ports.leg[0].rtp_port % 2);
	EXPECT_EQ(ports.leg[0].rtp_port + 1, ports.leg[0].rtcp_port);
	const abi_session_entry &entry = w.entry(reply.slot);
	EXPECT_EQ(reply.generation, entry.generation);
	EXPECT_EQ(77u, entry.call);
	EXPECT_EQ(ports.leg[1].rtp_port, entry.ports[1].rtp_port);
	EXPECT_EQ(1u, w.region.a->sessions_used);
}

TEST(Sessions, TheSameAllocationGetsTheSameSession)
{
	World w;
	abi_msg alloc = World::alloc();
	abi_msg first = w.ask(alloc), second = w.ask(alloc);

	EXPECT_EQ(first.slot, second.slot);
	EXPECT_EQ(first.generation, second.generation);
	EXPECT_EQ(0, memcmp(first.payload, second.payload, sizeof(abi_ports)));
	EXPECT_EQ(1u, w.counter(AGENT_ALLOCATIONS));
	EXPECT_EQ(1u, w.counter(AGENT_ALLOCATIONS_AGAIN));
}

TEST(Sessions, AnotherWishUnderTheSameTransactionIsRefused)
{
	World w;
	abi_msg alloc = World::alloc(), other = World::alloc(1);
	abi_reply why;

	w.ask(alloc);
	other.transaction = alloc.transaction;
	abi_msg reply = w.ask(other);
	memcpy(&why, reply.payload, sizeof(why));
	EXPECT_EQ(-EINVAL, reply.result);
	EXPECT_EQ((uint32_t)ABI_FIELD_TRANSACTION, why.field);
}

TEST(Sessions, RunsOutOfPortsAndOfSlots)
{
	World few_ports(16, 20003); // two pairs an address
	EXPECT_EQ(0, few_ports.ask(World::alloc()).result);
	EXPECT_EQ(0, few_ports.ask(World::alloc()).result);
	EXPECT_EQ(-ENOSPC, few_ports.ask(World::alloc()).result);
	EXPECT_EQ(1u, few_ports.counter(AGENT_NO_PORTS));

	World few_slots(1);
	EXPECT_EQ(0, few_slots.ask(World::alloc()).result);
	EXPECT_EQ(-ENFILE, few_slots.ask(World::alloc()).result);
}

TEST(Sessions, AnInterfaceWithoutTheFamilySaysSo)
{
	World w;
	abi_msg alloc = World::alloc(1, 6);

	EXPECT_EQ(0, w.ask(alloc).result);
	alloc = World::alloc(1, 6);
	reinterpret_cast<abi_port_alloc *>(alloc.payload)->leg[0].interface_index = 1;
	EXPECT_EQ(-EAFNOSUPPORT, w.ask(alloc).result);
}

TEST(Sessions, AddIsAnsweredWhenTheWorkerHasIt)
{
	World w;
	abi_msg allocated = w.ask(World::alloc());
	abi_msg add = World::plan(ABI_SESSION_ADD, allocated);

	w.send(add);
	EXPECT_EQ(0, w.next().type);
	ASSERT_EQ(1u, fake_worker.mails.size());
	const dp_mail *mail = fake_worker.mails.front();
	EXPECT_EQ((uint32_t)DP_MAIL_ADD, mail->type);
	EXPECT_EQ(1, mail->plan.leg[0].adjacency[0]);
	EXPECT_EQ(2, mail->plan.leg[1].adjacency[1]);
	EXPECT_EQ("10.2.0.1", World::ip4(mail->plan.leg[1].local_ip));
	w.work();
	abi_msg reply = w.next();
	EXPECT_EQ(ABI_SESSION_ADD | ABI_REPLY, reply.type);
	EXPECT_EQ(add.transaction, reply.transaction);
	EXPECT_EQ(ABI_SESSION_ACTIVE, w.entry(allocated.slot).state);
}

TEST(Sessions, RepliesLeaveInTheOrderOfTheirCommands)
{
	World w;
	abi_msg allocated = w.ask(World::alloc());
	abi_msg add = World::plan(ABI_SESSION_ADD, allocated), ping = World::command(ABI_PING);

	w.send(add);
	w.send(ping); // could be answered at once
	EXPECT_EQ(0, w.next().type);
	w.work();
	EXPECT_EQ(add.transaction, w.next().transaction);
	EXPECT_EQ(ping.transaction, w.next().transaction);
}

TEST(Sessions, TheSamePlanTwiceReachesTheWorkerOnce)
{
	World w;
	abi_msg session = w.session();
	abi_msg update = World::plan(ABI_SESSION_UPDATE, session);

	w.ask(update);
	w.send(update);
	ASSERT_EQ(1u, fake_worker.mails.size());
	EXPECT_EQ((uint32_t)DP_MAIL_QUERY, fake_worker.mails.front()->type);
	w.work(0, 5);
	abi_msg reply = w.next();
	EXPECT_EQ(ABI_SESSION_UPDATE | ABI_REPLY, reply.type);
	EXPECT_EQ(5u, World::report(reply).leg[0].packets);
}

TEST(Sessions, NoRouteIsSaidForTheLegThatHasNone)
{
	World w;
	abi_msg allocated = w.ask(World::alloc());
	abi_msg add = World::plan(ABI_SESSION_ADD, allocated, "10.1.0.2", "192.0.2.1");
	abi_reply why;
	abi_msg reply = w.ask(add);

	memcpy(&why, reply.payload, sizeof(why));
	EXPECT_EQ(-EHOSTUNREACH, reply.result);
	EXPECT_EQ(1u, why.leg);
	EXPECT_EQ(ABI_SESSION_ALLOCATED, w.entry(allocated.slot).state);
	for (auto &user : fake_hops.users)
		EXPECT_EQ(0, user.second);
	// A source that is to be learned may be out of reach as signalled.
	add = World::plan(ABI_SESSION_ADD, allocated, "10.1.0.2", "192.0.2.1");
	World::plan_of(add).leg[1].source_policy = ABI_SOURCE_ANY;
	EXPECT_EQ(0, w.ask(add).result);
}

TEST(Sessions, OurOwnMediaAddressIsNoRemote)
{
	World w;
	abi_msg allocated = w.ask(World::alloc());

	EXPECT_EQ(-EHOSTUNREACH,
		w.ask(World::plan(ABI_SESSION_ADD, allocated, "10.1.0.2", "10.1.0.1")).result);
}

TEST(Sessions, PortsAreOpenAsLongAsTheSessionHasThem)
{
	World w;
	abi_msg session = w.session(), mux = w.ask(World::alloc(2, 4, ABI_LEG_MUX));
	const abi_session_entry &pairs = w.entry(session.slot), &odd = w.entry(mux.slot);
	auto open = [&w](uint16_t endpoint, uint16_t port) {
		return dp_table_is_open(&w.table->endpoint[endpoint], port);
	};

	for (const abi_leg_ports &leg : pairs.ports) {
		EXPECT_TRUE(open(leg.endpoint, leg.rtp_port));
		EXPECT_TRUE(open(leg.endpoint, leg.rtcp_port));
		EXPECT_FALSE(open(leg.endpoint, leg.rtcp_port + 2));
	}
	EXPECT_TRUE(open(odd.ports[0].endpoint, odd.ports[0].rtp_port));
	w.send(World::command(ABI_SESSION_DELETE, session.slot, session.generation));
	EXPECT_TRUE(open(pairs.ports[0].endpoint, pairs.ports[0].rtp_port)); // until it is done
	w.work();
	for (const abi_leg_ports &leg : pairs.ports) {
		EXPECT_FALSE(open(leg.endpoint, leg.rtp_port));
		EXPECT_FALSE(open(leg.endpoint, leg.rtcp_port));
	}
	EXPECT_TRUE(open(odd.ports[0].endpoint, odd.ports[0].rtp_port));
}

TEST(Sessions, DeleteReportsAndItsPortsRest)
{
	World w;
	abi_msg session = w.session();
	abi_msg del = World::command(ABI_SESSION_DELETE, session.slot, session.generation);

	w.send(del);
	w.work(0, 42);
	abi_msg reply = w.next();
	EXPECT_EQ(0, reply.result);
	EXPECT_EQ(42u, World::report(reply).leg[1].packets);
	EXPECT_EQ(ABI_SESSION_QUARANTINE, w.entry(session.slot).state);
	EXPECT_EQ(0u, w.region.a->sessions_used);
	for (auto &user : fake_hops.users)
		EXPECT_EQ(0, user.second);
	w.tick(1000);
	EXPECT_EQ(4u, w.counter(AGENT_PORTS_RESTING));
	EXPECT_EQ(0u, w.counter(AGENT_PORTS_USED));
	// Again: the same answer as long as it rests. The numbers are those of region A.
	EXPECT_EQ(0,
		w.ask(World::command(ABI_SESSION_DELETE, session.slot, session.generation)).result);
	w.tick(6000000);
	EXPECT_EQ(ABI_SESSION_FREE, w.entry(session.slot).state);
	EXPECT_EQ(-ENOENT,
		w.ask(World::command(ABI_SESSION_DELETE, session.slot, session.generation)).result);
}

TEST(Sessions, DeleteOfWhatNeverForwardedNeedsNoWorker)
{
	World w;
	abi_msg allocated = w.ask(World::alloc());

	w.send(World::command(ABI_SESSION_DELETE, allocated.slot, allocated.generation));
	EXPECT_TRUE(fake_worker.mails.empty());
	EXPECT_EQ(0, w.next().result);
	EXPECT_EQ(ABI_SESSION_QUARANTINE, w.entry(allocated.slot).state);
}

TEST(Sessions, ASecondDeleteWaitsForTheFirst)
{
	World w;
	abi_msg session = w.session();
	abi_msg one = World::command(ABI_SESSION_DELETE, session.slot, session.generation);
	abi_msg two = World::command(ABI_SESSION_DELETE, session.slot, session.generation);

	w.send(one);
	w.send(two);
	EXPECT_EQ(0, w.next().type);
	w.work();
	EXPECT_EQ(one.transaction, w.next().transaction);
	abi_msg reply = w.next();
	EXPECT_EQ(two.transaction, reply.transaction);
	EXPECT_EQ(0, reply.result);
}

TEST(Sessions, AnUpdateAfterDeleteFindsNoSession)
{
	World w;
	abi_msg session = w.session();

	w.send(World::command(ABI_SESSION_DELETE, session.slot, session.generation));
	w.send(World::plan(ABI_SESSION_UPDATE, session));
	w.work();
	EXPECT_EQ(0, w.next().result);
	EXPECT_EQ(-ENOENT, w.next().result);
}

TEST(Sessions, AFullMailboxSaysTryAgainAndKeepsNothing)
{
	World w;
	abi_msg allocated = w.ask(World::alloc());

	fake_worker.full = true;
	EXPECT_EQ(-EBUSY, w.ask(World::plan(ABI_SESSION_ADD, allocated)).result);
	EXPECT_EQ(ABI_SESSION_ALLOCATED, w.entry(allocated.slot).state);
	for (auto &user : fake_hops.users)
		EXPECT_EQ(0, user.second);
	fake_worker.full = false;
	EXPECT_EQ(0, w.ask(World::plan(ABI_SESSION_ADD, allocated)).result);
}

TEST(Sessions, ASlotThatRestsIsTakenEarlyWhenNoneIsLeft)
{
	World w(1);
	abi_msg first = w.session();

	w.ask(World::command(ABI_SESSION_DELETE, first.slot, first.generation));
	abi_msg second = w.ask(World::alloc());
	EXPECT_EQ(0, second.result);
	EXPECT_EQ(first.slot, second.slot);
	EXPECT_EQ(first.generation + 1, second.generation);
	// Whoever still means the first one is told.
	EXPECT_EQ(-ENOENT,
		w.ask(World::command(ABI_SESSION_QUERY, first.slot, first.generation)).result);
}

static dp_event learned(const abi_msg &session, unsigned leg, const char *ip)
{
	dp_event event = {};

	event.type = DP_EVENT_LEARNED;
	event.slot = session.slot;
	event.generation = session.generation;
	event.leg = (uint8_t)leg;
	inet_pton(AF_INET, ip, event.remote.ip);
	event.remote.family = 4;
	event.remote.port = 7000;
	event.ssrc = 9;
	return event;
}

TEST(Sessions, ALearnedAddressIsToldAndGetsItsNextHop)
{
	World w;
	abi_msg session = w.session();
	abi_event_learned told;

	w.event(learned(session, 1, "10.2.0.3"));
	abi_msg event = w.next();
	memcpy(&told, event.payload, sizeof(told));
	EXPECT_EQ(ABI_LEARNED, event.type);
	EXPECT_EQ("10.2.0.3", World::ip4(told.remote.ip));
	ASSERT_EQ(1u, fake_worker.mails.size());
	EXPECT_EQ((uint32_t)DP_MAIL_HOP, fake_worker.mails.front()->type);
	EXPECT_EQ(3, fake_worker.mails.front()->hop.adjacency[0]);
	EXPECT_EQ(3, fake_worker.mails.front()->hop.adjacency[1]); // RTCP follows
	// The old next hop is held until the worker has let go of it.
	EXPECT_EQ(2, fake_hops.users[2]);
	w.work();
	EXPECT_EQ(0, fake_hops.users[2]);
	EXPECT_EQ(2, fake_hops.users[3]);
}

TEST(Sessions, AnUpdateKeepsTheWayToWhatWasLearned)
{
	World w;
	abi_msg session = w.session();
	abi_msg update = World::plan(ABI_SESSION_UPDATE, session);

	World::plan_of(update).leg[1].source_policy = ABI_SOURCE_ANY;
	w.event(learned(session, 1, "10.2.0.3"));
	w.work();
	w.send(update);
	EXPECT_EQ(3, fake_worker.mails.front()->plan.leg[1].adjacency[0]);
	w.work();
	update = World::plan(ABI_SESSION_UPDATE, session);
	World::plan_of(update).leg[1].flags |= ABI_LEG_RELEARN;
	w.send(update);
	EXPECT_EQ(2, fake_worker.mails.front()->plan.leg[1].adjacency[0]);
}

TEST(Sessions, ARouteThatMovesTakesRunningCallsAlong)
{
	World w;
	abi_msg session = w.session();
	uint8_t ip[4];

	inet_pton(AF_INET, "10.1.0.2", ip);
	fake_hops.way[std::string((char *)ip, 4)] = 8; // another gateway
	sessions_reroute(w.sessions, w.now);
	w.tick(100000);
	ASSERT_EQ(1u, fake_worker.mails.size()); // leg 1 stays as it is
	EXPECT_EQ(8, fake_worker.mails.front()->hop.adjacency[0]);
	w.work();
	EXPECT_EQ(0, fake_hops.users[1]);
	EXPECT_EQ(2, fake_hops.users[8]);
	fake_hops.way.erase(std::string((char *)ip, 4)); // and is gone
	sessions_reroute(w.sessions, w.now);
	w.tick(100000);
	ASSERT_EQ(1u, fake_worker.mails.size());
	EXPECT_EQ(DP_ADJACENCY_NONE, fake_worker.mails.front()->hop.adjacency[0]);
	EXPECT_EQ(ABI_SESSION_ACTIVE, w.entry(session.slot).state);
}

TEST(Sessions, ALegKeepsItsNextHopUntilTheNewOneIsResolved)
{
	World w;
	uint8_t ip[4];

	w.session();
	inet_pton(AF_INET, "10.1.0.2", ip);
	fake_hops.way[std::string((char *)ip, 4)] = 8;
	fake_hops.unresolved = {8};
	sessions_reroute(w.sessions, w.now);
	w.tick(100000);
	EXPECT_TRUE(fake_worker.mails.empty());
	EXPECT_EQ(2, fake_hops.users[1]);
	fake_hops.unresolved.clear();
	w.tick(100000);
	ASSERT_EQ(1u, fake_worker.mails.size());
	w.work();
	EXPECT_EQ(0, fake_hops.users[1]);
	// It does not wait for ever.
	fake_hops.way[std::string((char *)ip, 4)] = 9;
	fake_hops.unresolved = {9};
	sessions_reroute(w.sessions, w.now);
	w.tick(100000);
	EXPECT_TRUE(fake_worker.mails.empty());
	w.tick(2000000);
	EXPECT_EQ(1u, fake_worker.mails.size());
}

TEST(Sessions, WhatTheNewControlPlaneDoesNotClaimIsSwept)
{
	World w;
	abi_msg claimed = w.session(), orphan = w.session(), unused = w.ask(World::alloc());

	sessions_attached(w.sessions, 2);
	EXPECT_EQ(0,
		w.ask(World::command(ABI_SESSION_CLAIM, claimed.slot, claimed.generation)).result);
	EXPECT_EQ(2u, w.entry(claimed.slot).owner);
	EXPECT_EQ(0, w.ask(World::command(ABI_RECONCILE_DONE)).result);
	w.tick(2900000);
	EXPECT_EQ(ABI_SESSION_ACTIVE, w.entry(orphan.slot).state);
	w.tick(200000);
	w.work();
	EXPECT_EQ(ABI_SESSION_ACTIVE, w.entry(claimed.slot).state);
	EXPECT_EQ(ABI_SESSION_QUARANTINE, w.entry(orphan.slot).state);
	EXPECT_EQ(ABI_SESSION_QUARANTINE, w.entry(unused.slot).state);
	EXPECT_EQ(2u, w.counter(AGENT_SWEPT));
	EXPECT_EQ(ABI_SWEPT, w.next().type);
	EXPECT_EQ(ABI_SWEPT, w.next().type);
}

TEST(Sessions, NothingIsSweptBeforeReconcileDone)
{
	World w;
	abi_msg orphan = w.session();

	sessions_attached(w.sessions, 2);
	w.tick(100000000);
	w.work();
	EXPECT_EQ(ABI_SESSION_ACTIVE, w.entry(orphan.slot).state);
	// A control plane that dies after it takes its sweep along.
	w.ask(World::command(ABI_RECONCILE_DONE));
	sessions_attached(w.sessions, 3);
	w.tick(100000000);
	w.work();
	EXPECT_EQ(ABI_SESSION_ACTIVE, w.entry(orphan.slot).state);
}

static dp_event silent(const abi_msg &session, unsigned leg)
{
	dp_event event = {};

	event.type = DP_EVENT_TIMEOUT;
	event.slot = session.slot;
	event.generation = session.generation;
	event.leg = (uint8_t)leg;
	return event;
}

TEST(Sessions, SilenceIsToldToWhoIsAttached)
{
	World w;
	abi_msg session = w.session();
	abi_event_timeout told;

	w.event(silent(session, 1));
	abi_msg event = w.next();
	memcpy(&told, event.payload, sizeof(told));
	EXPECT_EQ(ABI_MEDIA_TIMEOUT, event.type);
	EXPECT_EQ(1, told.leg);
	EXPECT_EQ(session.generation, event.generation);
}

TEST(Sessions, AClaimTellsWhatFellSilentMeanwhile)
{
	World w;
	abi_msg session = w.session(), lively = w.session();

	outbox_close(w.outbox); // nobody is attached
	w.event(silent(session, 1));
	EXPECT_EQ(1u, w.counter(AGENT_TIMEOUTS));
	w.attach(2);
	w.ask(World::command(ABI_SESSION_CLAIM, lively.slot, lively.generation));
	EXPECT_EQ(0, w.next().type);
	w.ask(World::command(ABI_SESSION_CLAIM, session.slot, session.generation));
	EXPECT_EQ(ABI_MEDIA_TIMEOUT, w.next().type);
}

TEST(Sessions, AnEventOfAnotherGenerationIsNobodys)
{
	World w;
	abi_msg session = w.session();
	dp_event event = learned(session, 0, "10.2.0.3");

	event.generation++;
	w.event(event);
	EXPECT_EQ(0, w.next().type);
	event = learned(session, 0, "10.2.0.3");
	event.slot = 9999;
	w.event(event);
	EXPECT_EQ(0, w.next().type);
}

TEST(Sessions, AnAffinityGetsTheSameWorker)
{
	World w;
	abi_msg first = w.ask(World::alloc()), alloc = World::alloc();

	reinterpret_cast<abi_port_alloc *>(alloc.payload)->affinity = first.slot;
	abi_msg second = w.ask(alloc);
	EXPECT_EQ(World::ports(first).worker, World::ports(second).worker);
}

TEST(Sessions, MuxedLegsTakeOnePortEach)
{
	World w;

	for (unsigned i = 0; i < 4; i++) {
		abi_ports ports = World::ports(w.ask(World::alloc(2, 4, ABI_LEG_MUX)));

		EXPECT_EQ(ports.leg[0].rtp_port, ports.leg[0].rtcp_port);
	}
	w.tick(1);
	EXPECT_EQ(8u, w.counter(AGENT_PORTS_USED));
}

TEST(Sessions, WhatACutOffControlPlaneNeverUsedIsGivenBack)
{
	World w;
	abi_msg active = w.session(), unused = w.ask(World::alloc());

	outbox_close(w.outbox);
	sessions_misbehaved(w.sessions);
	w.now += 10000000;
	w.tick(100000);
	EXPECT_EQ(ABI_SESSION_FREE, w.entry(unused.slot).state);
	EXPECT_EQ(0u, w.counter(AGENT_PORTS_RESTING));
	EXPECT_EQ(4u, w.counter(AGENT_PORTS_USED));
	EXPECT_EQ(ABI_SESSION_ACTIVE, w.entry(active.slot).state);
	// The next one keeps what it has.
	w.attach(2);
	abi_msg fresh = w.ask(World::alloc());
	sessions_misbehaved(w.sessions);
	w.tick(100000);
	EXPECT_EQ(ABI_SESSION_ALLOCATED, w.entry(fresh.slot).state);
}

TEST(Sessions, OrphansMakeRoomWhenPortsRunOut)
{
	World w(16, 20003); // two pairs an address
	abi_msg orphan = w.session();

	w.attach(2);
	w.ask(World::command(ABI_RECONCILE_DONE));
	EXPECT_EQ(0, w.ask(World::alloc()).result);
	EXPECT_EQ(-ENOSPC, w.ask(World::alloc()).result);
	w.tick(100000); // long before the grace time is over
	w.work();
	EXPECT_EQ(ABI_SESSION_QUARANTINE, w.entry(orphan.slot).state);
	w.tick(5100000);
	EXPECT_EQ(0, w.ask(World::alloc()).result);
}
