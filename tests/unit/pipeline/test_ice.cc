// SPDX-License-Identifier: BSD-3-Clause
// STUN and DTLS at media ports, and packets of the control plane.
#include <openssl/hmac.h>

#include "tests/unit/pipeline/secure_rig.h"

namespace
{
const Address browser = v4(192, 0, 2, 10, 4000), bob = v4(198, 51, 100, 20, 5000);
const Address elsewhere = v4(192, 0, 2, 66, 6000);
const char *password = "0123456789012345678901";

void add(Bytes &m, uint16_t type, const Bytes &value)
{
	m.insert(m.end(), {(uint8_t)(type >> 8), (uint8_t)type, 0, (uint8_t)value.size()});
	m.insert(m.end(), value.begin(), value.end());
	m.resize((m.size() + 3) / 4 * 4);
	m[3] = (uint8_t)(m.size() - 20);
}

Bytes binding(bool nominate, const char *with = password)
{
	Bytes m = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
	const std::string user = "abcd:wxyz";
	unsigned n = 20;

	add(m, 0x0006, Bytes(user.begin(), user.end()));
	add(m, 0x0024, {1, 2, 3, 4});
	add(m, 0x802a, Bytes(8, 1));
	if (nominate)
		add(m, 0x0025, {});
	add(m, 0x0008, Bytes(20));
	HMAC(EVP_sha1(), with, (int)strlen(with), m.data(), m.size() - 24, m.data() + m.size() - 20,
		&n);
	return m;
}

Bytes hello(uint8_t first = 22)
{
	Bytes m(100, 0x55);

	m[0] = first;
	return m;
}

class IceLeg : public testing::Test
{
      protected:
	SecureRig rig;
	std::vector<Rig::Leg> legs{2};

	void start(uint32_t flags, uint8_t policy = ABI_SOURCE_EXACT)
	{
		legs[0].policy = policy;
		legs[0].port = 20000;
		legs[0].kind = ABI_LEG_MUX;
		legs[0].flags |= ABI_LEG_RTCP_MUX | flags;
		legs[0].remote = elsewhere; // what the SDP says: nothing that counts
		legs[1].port = 20002;
		legs[1].remote = bob;
		ASSERT_EQ(0, rig.add(legs));
		ASSERT_EQ(0, rig.ice(0, ABI_ICE_LITE));
	}
	std::vector<Bytes> ask(const Address &from, const Bytes &message)
	{
		return rig.pass(udp_frame(from, local4(20000), message));
	}
};
} // namespace

TEST_F(IceLeg, AnswersAndSendsWhereItWasNominated)
{
	dp_event e;

	start(ABI_LEG_ICE_FIRST);
	EXPECT_TRUE(rig.pass(udp_frame(bob, local4(20002), rtp(8, 1, 0, 9))).empty());
	EXPECT_TRUE(ask(elsewhere, rtp(8, 1, 0, 7)).empty()); // before any pair
	EXPECT_TRUE(ask(browser, rtp(8, 1, 0, 7)).empty());
	std::vector<Bytes> out = ask(browser, binding(false));
	ASSERT_EQ(1u, out.size());
	Frame f = read_frame(out[0]);
	EXPECT_EQ(f.to.ip, browser.ip);
	EXPECT_EQ(f.to.port, browser.port);
	EXPECT_EQ(f.from.port, 20000);
	EXPECT_TRUE(f.ip_sum_right);
	EXPECT_TRUE(f.udp_sum_right);
	EXPECT_EQ(0x01, f.payload[0]);
	EXPECT_EQ(0x01, f.payload[1]);
	EXPECT_LE(f.payload.size(), binding(false).size());
	EXPECT_TRUE(ask(browser, rtp(8, 1, 0, 7)).empty()); // checked, not nominated
	ASSERT_EQ(1u, ask(browser, binding(true)).size());
	ASSERT_TRUE(rig.event(DP_EVENT_NOMINATED, &e));
	EXPECT_EQ(4000, e.remote.port);
	EXPECT_EQ(0x01020304u, e.ssrc);
	EXPECT_EQ(1u, ask(browser, rtp(8, 2, 0, 7)).size());
	EXPECT_TRUE(ask(elsewhere, rtp(8, 3, 0, 7)).empty());
	ASSERT_EQ(0, rig.hop(0, 0, 0)); // as the agent answers the event
	out = rig.pass(udp_frame(bob, local4(20002), rtp(8, 2, 0, 9)));
	ASSERT_EQ(1u, out.size());
	EXPECT_EQ(read_frame(out[0]).to.port, browser.port);
	// The browser moves.
	ASSERT_EQ(1u, ask(elsewhere, binding(true)).size());
	out = rig.pass(udp_frame(bob, local4(20002), rtp(8, 3, 0, 9)));
	ASSERT_EQ(1u, out.size());
	EXPECT_EQ(read_frame(out[0]).to.port, elsewhere.port);
	EXPECT_TRUE(ask(browser, rtp(8, 4, 0, 7)).empty());
	rig.query();
	EXPECT_EQ(ABI_ICE_CONNECTED, rig.stats[0].ice);
	// A new offer without new credentials leaves it there.
	legs[0].flags |= ABI_LEG_RELEARN;
	ASSERT_EQ(0, rig.update(legs));
	EXPECT_EQ(1u, ask(elsewhere, rtp(8, 5, 0, 7)).size());
	EXPECT_EQ(0u, rig.buffers_out());
}

TEST_F(IceLeg, TellsStrangersSoAndNotOften)
{
	start(ABI_LEG_ICE_FIRST);
	unsigned answers = 0;
	for (int i = 0; i < 50; i++) {
		std::vector<Bytes> out = ask(elsewhere, binding(true, "not the password......"));

		if (out.empty())
			continue;
		Frame f = read_frame(out[0]);
		EXPECT_EQ(0x11, f.payload[1]);
		EXPECT_LT(f.payload.size(), binding(true).size());
		answers++;
	}
	EXPECT_GE(answers, 1u);
	EXPECT_LE(answers, 20u); // two seconds' worth at most
	EXPECT_EQ(50u, rig.counter(DP_DROP_STUN_CREDENTIALS));
	EXPECT_TRUE(ask(elsewhere, Bytes(20, 0)).empty());
	EXPECT_EQ(1u, rig.counter(DP_DROP_STUN_BAD));
	EXPECT_TRUE(rig.pass(udp_frame(bob, local4(20002), binding(true))).empty());
	EXPECT_EQ(1u, rig.counter(DP_DROP_STUN)); // no ICE there
	EXPECT_EQ(0u, rig.buffers_out());
}

TEST_F(IceLeg, WithoutIceDtlsIsOfWhoMayBeTheParty)
{
	abi_punt p;
	unsigned strange = 0, party = 0;

	start(ABI_LEG_DTLS, ABI_SOURCE_ADDRESS);
	ASSERT_EQ(0, rig.ice(0, ABI_ICE_OFF));
	EXPECT_TRUE(ask(browser, hello()).empty()); // another address than was signalled
	EXPECT_EQ(1u, rig.counter(DP_DROP_DTLS_UNCHECKED));
	EXPECT_TRUE(ask(v4(192, 0, 2, 66, 7777), hello()).empty());
	ASSERT_TRUE(dp_worker_punt(rig.workers[0], &p));
	EXPECT_EQ(7777, p.remote.port);
	legs[0].policy = ABI_SOURCE_ANY;
	legs[0].flags |= ABI_LEG_RELEARN;
	ASSERT_EQ(0, rig.update(legs));
	for (int i = 0; i < 500; i++)
		ask(v4(192, 0, 2, 10, (uint16_t)(5000 + i)), hello());
	while (dp_worker_punt(rig.workers[0], &p))
		strange++;
	for (int i = 0; i < 20; i++)
		ask(elsewhere, hello());
	while (dp_worker_punt(rig.workers[0], &p))
		party += p.remote.port == 6000;
	EXPECT_LE(strange, 61u); // of two seconds at most
	EXPECT_GE(strange, 20u);
	EXPECT_EQ(20u, party); // strangers leave it its share
	EXPECT_EQ(0u, rig.buffers_out());
}

TEST_F(IceLeg, DtlsGoesToTheControlPlane)
{
	abi_punt p;
	dp_event e;

	start(ABI_LEG_ICE_FIRST | ABI_LEG_DTLS);
	EXPECT_TRUE(ask(browser, hello()).empty());
	EXPECT_EQ(1u, rig.counter(DP_DROP_DTLS_UNCHECKED));
	EXPECT_FALSE(dp_worker_punt(rig.workers[0], &p));
	ask(browser, binding(false));
	EXPECT_TRUE(ask(browser, hello()).empty());
	ASSERT_TRUE(dp_worker_punt(rig.workers[0], &p));
	EXPECT_EQ(ABI_PUNT_DTLS, p.kind);
	EXPECT_EQ(1, p.valid);
	EXPECT_EQ(100, p.length);
	EXPECT_EQ(0, memcmp(p.data, hello().data(), 100));
	EXPECT_EQ(4000, p.remote.port);
	for (int i = 0; i < 200; i++)
		ask(browser, hello());
	EXPECT_GE(rig.counter(DP_DROP_DTLS_RATE), 20u);
	unsigned kept = 0;
	while (dp_worker_punt(rig.workers[0], &p))
		kept++;
	EXPECT_GE(kept, 50u);
	EXPECT_LE(kept, DP_PUNT_SLOTS);
	EXPECT_TRUE(rig.pass(udp_frame(bob, local4(20002), hello())).empty());
	EXPECT_EQ(1u, rig.counter(DP_DROP_DTLS));
	ASSERT_TRUE(rig.event(DP_EVENT_DTLS, &e));
	EXPECT_EQ(1, e.leg);
	EXPECT_EQ(0u, rig.buffers_out());
}

TEST_F(IceLeg, AnAgentGetsWhatItMustKnow)
{
	Bytes response = binding(false);
	abi_punt p;

	start(0);
	response[0] = 0x01; // a success response
	EXPECT_TRUE(ask(browser, response).empty());
	EXPECT_FALSE(dp_worker_punt(rig.workers[0], &p)); // lite asks nothing
	ASSERT_EQ(0, rig.ice(0, ABI_ICE_CONTROLLED));
	EXPECT_EQ(1u, ask(browser, binding(true)).size());
	ASSERT_TRUE(dp_worker_punt(rig.workers[0], &p));
	EXPECT_EQ(ABI_PUNT_STUN, p.kind);
	EXPECT_TRUE(ask(browser, response).empty());
	ASSERT_TRUE(dp_worker_punt(rig.workers[0], &p));
	EXPECT_EQ(0x01, p.data[0]);
}

TEST_F(IceLeg, SendsWhatTheControlPlaneInjects)
{
	abi_punt packet = {};
	dp_mail m = {};
	latch_addr local = {}, remote = {};

	start(ABI_LEG_DTLS);
	local.family = remote.family = 4;
	local.port = __builtin_bswap16(20000);
	remote.port = __builtin_bswap16(4000);
	memcpy(local.ip, local4(20000).ip.data(), 4);
	memcpy(remote.ip, browser.ip.data(), 4);
	packet.length = 100;
	memcpy(packet.data, hello().data(), 100);
	m.type = DP_MAIL_INJECT;
	dp_template_write(&m.inject.headers, &local, &remote, 0);
	m.inject.packet = &packet;
	EXPECT_EQ(0, rig.send_secure(m, 0));
	std::vector<Bytes> out = rig.take();
	ASSERT_EQ(1u, out.size());
	Frame f = read_frame(out[0]);
	EXPECT_EQ(hello(), f.payload);
	EXPECT_EQ(f.to.port, 4000);
	EXPECT_EQ(f.from.port, 20000);
	EXPECT_TRUE(f.ip_sum_right);
	EXPECT_TRUE(f.udp_sum_right);
	EXPECT_EQ(0u, rig.counter(DP_COUNT_INJECT_LOST));
	m.inject.adjacency = DP_ADJACENCY_NONE;
	EXPECT_EQ(-EHOSTUNREACH, rig.send_secure(m, 0));
	EXPECT_EQ(1u, rig.counter(DP_COUNT_INJECT_LOST));
	EXPECT_EQ(0u, rig.buffers_out());
}

TEST_F(IceLeg, GoesOnAfterARestart)
{
	dp_mail m = {};

	legs[0].port = 20000;
	legs[0].kind = ABI_LEG_MUX;
	legs[0].flags |= ABI_LEG_RTCP_MUX | ABI_LEG_ICE_FIRST;
	legs[1].port = 20002;
	legs[1].remote = bob;
	ASSERT_EQ(0, rig.add(legs));
	m.type = DP_MAIL_LEARNED;
	m.learned.addr[0][0].family = 4;
	m.learned.addr[0][0].port = browser.port;
	memcpy(m.learned.addr[0][0].ip, browser.ip.data(), 4);
	ASSERT_EQ(0, rig.send_secure(m, 0));
	ASSERT_EQ(0, rig.ice(0, ABI_ICE_LITE));
	EXPECT_EQ(1u, ask(browser, rtp(8, 2, 0, 7)).size());
	rig.query();
	EXPECT_EQ(ABI_ICE_CONNECTED, rig.stats[0].ice);
}

// Nobody is sent anything who has not asked for consent for half a minute (RFC 7675 5.1).
TEST_F(IceLeg, SendsNothingWithoutConsent)
{
	dp_ice_component &c = rig.secure->leg[0].component[0];
	dp_event e;
	auto sent = [&](uint16_t seq) {
		return rig.pass(udp_frame(bob, local4(20002), rtp(8, seq, 0, 9))).size();
	};
	auto wait_for = [&](uint32_t type) {
		for (int i = 0; i < 60; i++) {
			rig.turn();
			if (rig.event(type, &e))
				return true;
			usleep(100000);
		}
		return false;
	};

	start(ABI_LEG_ICE_FIRST);
	ASSERT_EQ(1u, ask(browser, binding(true)).size());
	ASSERT_TRUE(rig.event(DP_EVENT_NOMINATED, &e));
	ASSERT_EQ(0, rig.hop(0, 0, 0));
	EXPECT_EQ(1u, sent(1));
	EXPECT_EQ(0, c.asks);
	c.since = 1; // the pair is in use for long
	ASSERT_EQ(1u, ask(browser, binding(false)).size());
	EXPECT_EQ(1, c.asks);
	c.alive = 1; // and that was the last time
	ASSERT_TRUE(wait_for(DP_EVENT_ICE_LOST));
	EXPECT_EQ(0u, sent(2));
	EXPECT_EQ(1u, rig.counter(DP_DROP_NO_CONSENT));
	EXPECT_EQ(0u, rig.pass(udp_frame(v4(198, 51, 100, 20, 5001), local4(20003), rtcp_report(9))).size());
	EXPECT_EQ(2u, rig.counter(DP_DROP_NO_CONSENT));
	// Neither a new plan nor new credentials are consent, nor are its media.
	ASSERT_EQ(0, rig.update(legs));
	EXPECT_EQ(0u, sent(3));
	ASSERT_EQ(0, rig.ice(0, ABI_ICE_LITE));
	EXPECT_EQ(1u, ask(browser, rtp(8, 2, 0, 7)).size());
	EXPECT_EQ(0u, sent(4));
	// It asks again, and is heard of.
	ASSERT_EQ(1u, ask(browser, binding(false)).size());
	ASSERT_TRUE(rig.event(DP_EVENT_NOMINATED, &e));
	EXPECT_EQ(1u, sent(5));
	EXPECT_EQ(4u, rig.counter(DP_DROP_NO_CONSENT));
	EXPECT_EQ(0u, rig.buffers_out());
}

// Full agents of before RFC 7675 send no check when they have nominated, and are there all the same.
TEST_F(IceLeg, TakesMediaOfWhoNeverAsksForItsConsent)
{
	dp_ice_component &c = rig.secure->leg[0].component[0];
	dp_event e;

	start(ABI_LEG_ICE_FIRST);
	ASSERT_EQ(1u, ask(browser, binding(true)).size());
	ASSERT_EQ(0, rig.hop(0, 0, 0));
	c.alive = 1;
	EXPECT_EQ(1u, ask(browser, rtp(8, 1, 0, 7)).size());
	for (int i = 0; i < 60 && c.alive == 1; i++) {
		rig.turn();
		usleep(100000);
	}
	EXPECT_NE(1u, c.alive);
	EXPECT_FALSE(rig.event(DP_EVENT_ICE_LOST, &e));
	EXPECT_EQ(1u, rig.pass(udp_frame(bob, local4(20002), rtp(8, 1, 0, 9))).size());
	// It was silent for long, held without RTCP, and speaks again.
	c.alive = 1;
	for (int i = 0; i < 60 && !c.lost; i++) {
		rig.turn();
		usleep(100000);
	}
	ASSERT_EQ(1, c.lost);
	EXPECT_EQ(0u, rig.pass(udp_frame(bob, local4(20002), rtp(8, 2, 0, 9))).size());
	EXPECT_EQ(1u, ask(browser, rtp(8, 2, 0, 7)).size());
	for (int i = 0; i < 60 && c.lost; i++) {
		rig.turn();
		usleep(100000);
	}
	EXPECT_EQ(0, c.lost);
	EXPECT_EQ(1u, rig.pass(udp_frame(bob, local4(20002), rtp(8, 3, 0, 9))).size());
}
