// SPDX-License-Identifier: BSD-3-Clause
// Keys, ICE and learned addresses from the command to the worker's mail, and packets both ways.
#include <gtest/gtest.h>

#include <cstring>

#include "world.h"

namespace
{
abi_msg keys_for(const abi_msg &session, unsigned seed, uint8_t directions = 3)
{
	abi_msg m = World::command(ABI_LEG_KEYS, session.slot, session.generation);
	abi_leg_keys k = {};

	k.leg = 1;
	k.directions = directions;
	for (unsigned d = 0; d < 2; d++) {
		if (!(directions & 1u << d))
			continue;
		k.key[d].suite = ABI_SRTP_AES_CM_128_HMAC_SHA1_80;
		memset(k.key[d].key, (int)(seed + d), 16);
		memset(k.key[d].salt, (int)(seed + d), 14);
	}
	memcpy(m.payload, &k, sizeof(k));
	return m;
}

// What the worker does with a mail of keys: it keeps them, and gives back those before.
void install(dp_mail *mail)
{
	dp_secure_leg &leg = mail->keys.to.secure->leg[mail->keys.to.leg];

	for (unsigned d = 0; d < 2; d++)
		if (mail->keys.directions & 1u << d)
			std::swap(leg.key[d], mail->keys.context[d]);
}

dp_event event_of(const abi_msg &session, uint32_t type)
{
	dp_event e = {};

	e.type = type;
	e.slot = session.slot;
	e.generation = session.generation;
	e.leg = 1;
	e.remote.family = 4;
	e.remote.port = 4000;
	memcpy(e.remote.ip, "\x0a\x02\x00\x09", 4);
	return e;
}
} // namespace

TEST(SecureSessions, KeysReachTheWorkerAndTheSameOnesChangeNothing)
{
	World w;
	abi_msg s = w.session();

	w.send(keys_for(s, 1));
	EXPECT_EQ(0, w.next().type);
	ASSERT_EQ(1u, fake_worker.mails.size());
	dp_mail *mail = fake_worker.mails.front();
	ASSERT_EQ((uint32_t)DP_MAIL_KEYS, mail->type);
	EXPECT_EQ(3u, mail->keys.directions);
	EXPECT_EQ(1, mail->keys.to.leg);
	EXPECT_EQ(ABI_IN, mail->keys.context[ABI_IN]->direction);
	EXPECT_EQ(ABI_OUT, mail->keys.context[ABI_OUT]->direction);
	install(mail);
	w.work();
	EXPECT_EQ(0, w.next().result);
	// Again, by another transaction: the worker hears nothing.
	w.send(keys_for(s, 1));
	EXPECT_TRUE(fake_worker.mails.empty());
	abi_msg reply = w.next();
	EXPECT_EQ(ABI_LEG_KEYS | ABI_REPLY, reply.type);
	EXPECT_EQ(0, reply.result);
	// One direction changes.
	abi_msg m = keys_for(s, 1);
	m.payload[8 + 8] ^= 1; // key[0].key[0]
	w.send(m);
	ASSERT_EQ(1u, fake_worker.mails.size());
	EXPECT_EQ(1u, fake_worker.mails.front()->keys.directions);
	install(fake_worker.mails.front());
	w.work();
	EXPECT_EQ(0, w.next().result);
	EXPECT_EQ(0, w.ask(World::command(ABI_SESSION_DELETE, s.slot, s.generation)).result);
}

TEST(SecureSessions, KeysThatDidNotArriveAreSentAgain)
{
	World w;
	abi_msg s = w.session();

	w.send(keys_for(s, 1));
	w.work(-ENOENT);
	EXPECT_EQ(-ENOENT, w.next().result);
	w.send(keys_for(s, 1));
	EXPECT_EQ(1u, fake_worker.mails.size());
	w.work();
	fake_worker.full = true;
	EXPECT_EQ(0, w.next().result);
	w.send(keys_for(s, 2));
	EXPECT_EQ(-EBUSY, w.next().result);
	fake_worker.full = false;
	w.send(keys_for(s, 2));
	EXPECT_EQ(1u, fake_worker.mails.size());
	w.work();
	EXPECT_EQ(0, w.next().result);
}

TEST(SecureSessions, NoKeysForASessionThatDoesNotForward)
{
	World w;
	abi_msg allocated = w.ask(World::alloc());

	EXPECT_EQ(-EINVAL, w.ask(keys_for(allocated, 1)).result);
	abi_msg s = w.session();
	w.send(World::command(ABI_SESSION_DELETE, s.slot, s.generation));
	w.send(keys_for(s, 1));
	w.work();
	EXPECT_EQ(0, w.next().result);
	EXPECT_EQ(-ENOENT, w.next().result);
}

TEST(SecureSessions, ResumedStreamsBeginBehindWhatWasUsed)
{
	World w;
	abi_msg s = w.session(), m = keys_for(s, 1);
	abi_leg_keys k;

	memcpy(&k, m.payload, sizeof(k));
	k.resume[2] = abi_srtp_stream{77, 3, 50, 100, 1, 0};
	memcpy(m.payload, &k, sizeof(k));
	w.send(m);
	const srtp_context *out = fake_worker.mails.front()->keys.context[ABI_OUT];
	EXPECT_EQ(77u, out->stream[0].ssrc);
	EXPECT_EQ((3ull << 16 | 100) - 1, out->stream[0].highest);
	EXPECT_EQ(49u, out->stream[0].rtcp_highest);
	w.work();
	EXPECT_EQ(0, w.next().result);
}

TEST(SecureSessions, IceAndLearnedAddresses)
{
	World w;
	abi_msg s = w.session();
	abi_msg m = World::command(ABI_LEG_ICE, s.slot, s.generation);
	abi_leg_ice ice = {};
	abi_session_resume r = {};

	ice.role = ABI_ICE_LITE;
	ice.local_ufrag_length = 4;
	memcpy(ice.local_ufrag, "abcd", 4);
	ice.local_pwd_length = 22;
	memcpy(ice.local_pwd, "0123456789012345678901", 22);
	memcpy(m.payload, &ice, sizeof(ice));
	w.send(m);
	ASSERT_EQ((uint32_t)DP_MAIL_ICE, fake_worker.mails.front()->type);
	EXPECT_EQ(ABI_ICE_LITE, fake_worker.mails.front()->ice.ice.role);
	w.work();
	EXPECT_EQ(0, w.next().result);
	m = World::command(ABI_SESSION_RESUME, s.slot, s.generation);
	r.leg[1].rtp.family = 4;
	r.leg[1].rtp.port = 4000;
	memcpy(r.leg[1].rtp.ip, "\x0a\x02\x00\x09", 4);
	memcpy(m.payload, &r, sizeof(r));
	w.send(m);
	ASSERT_EQ((uint32_t)DP_MAIL_LEARNED, fake_worker.mails.front()->type);
	EXPECT_EQ(4000, fake_worker.mails.front()->learned.addr[1][0].port);
	w.work();
	EXPECT_EQ(0, w.next().result);
}

TEST(SecureSessions, EventsReachTheControlPlane)
{
	World w;
	abi_msg s = w.session(), m;
	dp_event e = event_of(s, DP_EVENT_REFUSED);
	abi_event_srtp srtp;
	abi_event_ice ice;

	e.count[DP_REFUSED_PLAIN] = 3;
	w.event(e);
	m = w.next();
	ASSERT_EQ(ABI_SRTP_FAILURES, m.type);
	memcpy(&srtp, m.payload, sizeof(srtp));
	EXPECT_EQ(3u, srtp.plain);
	e = event_of(s, DP_EVENT_NOMINATED);
	e.ssrc = 99;
	fake_hops.way[std::string("\x0a\x02\x00\x09", 4)] = 2;
	w.event(e);
	m = w.next();
	ASSERT_EQ(ABI_ICE_NOMINATED, m.type);
	memcpy(&ice, m.payload, sizeof(ice));
	EXPECT_EQ(99u, ice.priority);
	EXPECT_EQ(4000, ice.remote.port);
	EXPECT_EQ(ABI_LEARNED, w.next().type);
	w.event(event_of(s, DP_EVENT_DTLS));
	EXPECT_EQ(ABI_DTLS_UNASKED, w.next().type);
	w.event(event_of(s, DP_EVENT_ICE_LOST));
	EXPECT_EQ(ABI_ICE_LOST, w.next().type);
}

TEST(SecureSessions, PacketsGoAndTheirNextHopIsGivenBack)
{
	World w;
	abi_msg s = w.session();
	abi_punt p = {}, got, none;

	p.slot = s.slot;
	p.generation = s.generation;
	p.leg = 1;
	p.kind = ABI_PUNT_DTLS;
	p.length = 50;
	p.data[0] = 22;
	p.remote = event_of(s, 0).remote;
	fake_worker.punts.push_back(p);
	p.generation++; // of a session that is gone
	fake_worker.punts.push_back(p);
	ASSERT_TRUE(sessions_punt(w.sessions, &got));
	EXPECT_EQ(s.generation, got.generation);
	EXPECT_FALSE(sessions_punt(w.sessions, &none));
	fake_hops.way[std::string("\x0a\x02\x00\x09", 4)] = 2;
	int users = fake_hops.users[2];
	EXPECT_TRUE(boundary_inject(&w.boundary, &got));
	ASSERT_TRUE(sessions_inject(w.sessions, &got, w.now));
	ASSERT_EQ(1u, fake_worker.mails.size());
	const dp_mail *mail = fake_worker.mails.front();
	EXPECT_EQ((uint32_t)DP_MAIL_INJECT, mail->type);
	EXPECT_EQ(2, mail->inject.adjacency);
	EXPECT_EQ(50, mail->inject.packet->length);
	EXPECT_EQ(users + 1, fake_hops.users[2]);
	w.work();
	EXPECT_EQ(users, fake_hops.users[2]);
	memcpy(got.remote.ip, "\x0a\x63\x00\x09", 4); // nobody knows the way
	EXPECT_FALSE(sessions_inject(w.sessions, &got, w.now));
	EXPECT_TRUE(fake_worker.mails.empty());
}
