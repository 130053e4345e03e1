// SPDX-License-Identifier: BSD-3-Clause
// Keys and ICE over the client, and packets both ways.
#include <errno.h>

#include "controlplane/shm/secure.h"
#include "harness.h"

class SecureClient : public ClientTest
{
      protected:
	std::vector<abi_punt> punts;

	static void on_punt(void *user, const abi_punt *packet)
	{
		((SecureClient *)user)->punts.push_back(*packet);
	}

	void SetUp() override
	{
		static const cp_shm_ops ops = {on_attached, on_detached, on_event, on_punt};
		cp_shm_config config = {path.c_str(), "test", &ops, this, 0, 1000, 200};

		ASSERT_EQ(cp_shm_new(&c, &config), 0);
		start();
		ASSERT_TRUE(attach());
	}

	static abi_punt packet(uint8_t first)
	{
		abi_punt p = {};

		p.slot = 3;
		p.generation = 1;
		p.kind = ABI_PUNT_DTLS;
		p.length = 10;
		p.data[0] = first;
		p.remote.family = 4;
		return p;
	}
};

TEST_F(SecureClient, KeysAndCredentialsAreWiped)
{
	abi_leg_keys keys = {};
	abi_leg_ice ice = {};
	abi_msg got;

	keys.directions = 1;
	keys.key[0].suite = 1;
	memset(keys.key[0].key, 0x5a, 16);
	memset(ice.local_pwd, 'x', 22);
	ASSERT_EQ(cp_shm_keys(c, 3, 1, &keys, nullptr, nullptr, now), 0);
	ASSERT_EQ(cp_shm_ice(c, 3, 1, &ice, nullptr, nullptr, now), 0);
	for (uint32_t i = 0; i < 2; i++) {
		ASSERT_TRUE(media->take(&got));
		EXPECT_EQ(got.type, i ? ABI_LEG_ICE : ABI_LEG_KEYS);
		EXPECT_EQ(got.slot, 3u);
		if (i == 0)
			EXPECT_EQ(0, memcmp(got.payload, &keys, sizeof(keys)));
		EXPECT_FALSE(abi_zero(media->command_slot(i), ABI_MSG_SIZE));
		media->send(media->reply_to(got));
		process();
		EXPECT_TRUE(abi_zero(media->command_slot(i), ABI_MSG_SIZE));
	}
}

TEST_F(SecureClient, PacketsComeAndGo)
{
	abi_punt p = packet(22), sent;

	EXPECT_FALSE(readable());
	media->punt(p);
	EXPECT_TRUE(readable());
	process();
	ASSERT_EQ(punts.size(), 1u);
	EXPECT_EQ(0, memcmp(&punts[0], &p, sizeof(p)));

	ASSERT_EQ(cp_shm_inject(c, &p), 0);
	ASSERT_TRUE(media->injected(&sent));
	EXPECT_EQ(0, memcmp(&sent, &p, sizeof(p)));
	EXPECT_FALSE(media->injected(&sent));
	for (uint32_t i = 0; i < ABI_PUNT_SLOTS; i++)
		ASSERT_EQ(cp_shm_inject(c, &p), 0);
	EXPECT_EQ(cp_shm_inject(c, &p), -EAGAIN);
	EXPECT_EQ(cp_shm_counters(c)->injects, ABI_PUNT_SLOTS + 1u);
	EXPECT_EQ(cp_shm_counters(c)->injects_lost, 1u);
	p.length = 0;
	EXPECT_EQ(cp_shm_inject(c, &p), -EINVAL);
	p = packet(22);
	p.leg = 2;
	EXPECT_EQ(cp_shm_inject(c, &p), -EINVAL);
}

TEST_F(SecureClient, SkipsPacketsThatCannotBe)
{
	abi_punt p = packet(22);

	p.slot = 64;
	media->punt(p);
	p = packet(22);
	p.length = ABI_PUNT_DATA + 1;
	media->punt(p);
	p = packet(22);
	p.leg = 2;
	media->punt(p);
	p = packet(22);
	p.remote.family = 5;
	media->punt(p);
	media->punt(packet(23));
	process();
	ASSERT_EQ(punts.size(), 1u);
	EXPECT_EQ(punts[0].data[0], 23);
	EXPECT_EQ(cp_shm_counters(c)->bad_punts, 4u);
}

TEST_F(SecureClient, ABrokenPacketRingEndsTheAttachment)
{
	media->punt(packet(22));
	media->break_punt();
	process();
	ASSERT_EQ(detached.size(), 1u);
	EXPECT_EQ(detached[0], -EPROTO);
}

TEST_F(SecureClient, NoPacketsWithoutARing)
{
	abi_punt p = packet(22);

	media->hang_up();
	process();
	EXPECT_EQ(cp_shm_inject(c, &p), -ENOTCONN);
	media->forget_fd(ABI_FD_INJECT); // one without the other makes no sense
	now += 1000000;
	process();
	EXPECT_FALSE(cp_shm_attached(c, nullptr));
	EXPECT_EQ(cp_shm_error(c), -EPROTO);
}

TEST_F(SecureClient, EventsOfSecuredMedia)
{
	abi_msg m = media->event(ABI_ICE_NOMINATED, 3, 1);

	media->send(m); // without an address
	((abi_event_ice *)m.payload)->remote.family = 4;
	media->send(m);
	m = media->event(ABI_SRTP_FAILURES, 3, 1);
	media->send(m);
	((abi_event_srtp *)m.payload)->direction = 2;
	media->send(m);
	m = media->event(ABI_DTLS_UNASKED, 3, 1);
	media->send(m);
	((abi_event_dtls *)m.payload)->remote.family = 6;
	media->send(m);
	m = media->event(ABI_ICE_LOST, 3, 1);
	media->send(m);
	((abi_event_ice *)m.payload)->leg = 2;
	media->send(m);
	process();
	ASSERT_EQ(events.size(), 4u);
	EXPECT_EQ(events[0].type, ABI_ICE_NOMINATED);
	EXPECT_EQ(events[1].type, ABI_SRTP_FAILURES);
	EXPECT_EQ(events[2].type, ABI_DTLS_UNASKED);
	EXPECT_EQ(events[3].type, ABI_ICE_LOST);
	EXPECT_EQ(cp_shm_counters(c)->bad_events, 4u);
}

TEST(SecureResume, TakesWhatTheCommandMaySay)
{
	abi_leg_resume r = {};
	abi_leg_keys keys = {};
	abi_session_resume learned = {};

	r.rtp.family = 4;
	r.rtp.port = 5000;
	memset(r.rtp.ip, 9, 16); // what is behind the address is not believed
	r.rtcp.family = 7;
	r.rx_ssrc = 77;
	r.rx_seq = 8;
	for (auto &s : r.srtp)
		s = abi_srtp_stream{1, 2, 0xffffffff, 3, 1, 9};
	r.srtp[1].used = 0;
	keys.directions = 1 << ABI_IN;
	cp_shm_resume_keys(&r, &keys);
	EXPECT_EQ(keys.resume[0].ssrc, 1u);
	EXPECT_EQ(keys.resume[0].roc, 2u);
	EXPECT_EQ(keys.resume[0].seq, 3u);
	EXPECT_EQ(keys.resume[0].srtcp_index, 0x80000000u);
	EXPECT_EQ(keys.resume[0].reserved, 0u);
	for (int i = 1; i < 4; i++)
		EXPECT_TRUE(abi_zero(&keys.resume[i], sizeof(keys.resume[i])));
	cp_shm_resume_learned(&r, 1, &learned);
	EXPECT_EQ(learned.leg[1].rtp.port, 5000u);
	EXPECT_TRUE(abi_zero(learned.leg[1].rtp.ip + 4, 12));
	EXPECT_EQ(learned.leg[1].ssrc, 77u);
	EXPECT_EQ(learned.leg[1].seq, 8u);
	EXPECT_TRUE(abi_zero(&learned.leg[1].rtcp, sizeof(abi_addr)));
	EXPECT_TRUE(abi_zero(&learned.leg[0], sizeof(learned.leg[0])));
}
