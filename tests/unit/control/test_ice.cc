// SPDX-License-Identifier: BSD-3-Clause
// A browser-like party that is ICE lite: hawse-sip checks it, nominates what answers, asks for consent, and believes nobody
// else. dataplane/media/stun.h, which is lite itself, plays the party.
#include <regex>

#include "tests/unit/control/phones.h"

#include "dataplane/media/stun.h"

using namespace control;

namespace
{
const char *const print = "sha-256 11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00";
std::vector<abi_punt> injected;

struct LiteParty : Phones {
	Phone alice{*this, "alice", "secret", "10.1.0.10"};
	std::string ours; // our ufrag

	void SetUp() override
	{
		Phones::SetUp();
		hide = false;
		injected.clear();
		cp_shard_free(shard);
		cp_tregion_free(tregion);
		cp_registrar_free(registrar);
		shard = nullptr;
		registrar = nullptr;
		std::string text = config();
		text.replace(text.find("kind: access"), strlen("kind: access"), "kind: webrtc");
		start(text.c_str());
		used_ops.inject = [](void *, const abi_punt *p) {
			injected.push_back(*p);
			return 0;
		};
		cp_shard_set_fingerprint(shard, print);
	}

	std::string offer()
	{
		return std::string("v=0\r\no=- 1 1 IN IP4 10.1.0.10\r\ns=-\r\nt=0 0\r\na=ice-lite\r\n"
				   "m=audio 4000 UDP/TLS/RTP/SAVPF 8\r\nc=IN IP4 10.1.0.10\r\n"
				   "a=ice-ufrag:evtj\r\na=ice-pwd:VOkJxbRl1RmTxUk/WvJxBt\r\n"
				   "a=candidate:1 1 UDP 2130706431 10.1.0.10 4000 typ host\r\na=fingerprint:") +
		       print + "\r\na=setup:actpass\r\na=mid:0\r\na=rtcp-mux\r\na=rtpmap:8 PCMA/8000\r\n";
	}

	void call()
	{
		ASSERT_EQ(alice.registers().status(), 200);
		alice.body = offer();
		alice.dial("+4940555");
		Msg i = b.expect_invite();
		b.respond(i, 200, "OK", b.sdp.text());
		Msg ok = alice.expect(200);
		alice.learn(ok);
		b.expect("ACK");
		alice.ack();
		EXPECT_EQ(std::string::npos, ok.text.find("a=ice-lite")) << ok.text;
		std::smatch m;
		ASSERT_TRUE(std::regex_search(ok.text, m, std::regex("a=ice-ufrag:(\\S+)")));
		ours = m[1];
		advance(20);
	}

	// What the party says to a packet of ours; false: not a check that it takes.
	bool answer(const abi_punt &sent, abi_punt *back)
	{
		struct abi_leg_ice params = {};
		struct stun_answer a;
		struct stun_ice ice;

		params.role = ABI_ICE_LITE;
		params.local_ufrag_length = 4;
		params.local_pwd_length = 22;
		params.remote_ufrag_length = (uint8_t)ours.size();
		memcpy(params.local_ufrag, "evtj", 4);
		memcpy(params.local_pwd, "VOkJxbRl1RmTxUk/WvJxBt", 22);
		memcpy(params.remote_ufrag, ours.data(), ours.size());
		stun_ice_set(&ice, &params);
		stun_respond(&a, &ice, sent.data, sent.length, 4, sent.remote.ip, 20000);
		*back = {};
		back->slot = sent.slot;
		back->generation = sent.generation;
		back->leg = sent.leg;
		back->kind = ABI_PUNT_STUN;
		back->remote = sent.remote;
		back->length = a.length;
		memcpy(back->data, a.data, a.length);
		return a.action == STUN_NOMINATE;
	}

	unsigned told(uint16_t type)
	{
		return media.count(type);
	}

	void hang_up()
	{
		alice.request("BYE");
		alice.expect(200, "BYE");
		b.respond(b.expect("BYE"), 200, "OK");
	}
};
} // namespace

TEST_F(LiteParty, IsCheckedNominatedAndAskedForConsent)
{
	abi_punt back;

	call();
	ASSERT_EQ(1u, injected.size());
	EXPECT_EQ(ABI_PUNT_STUN, injected[0].kind);
	EXPECT_EQ(4000, injected[0].remote.port);
	EXPECT_EQ(1u, told(ABI_LEG_ICE));
	EXPECT_EQ(0u, told(ABI_SESSION_RESUME));
	for (auto &m : media.commands) {
		if (m.type != ABI_LEG_ICE)
			continue;
		auto *ice = reinterpret_cast<const abi_leg_ice *>(m.payload);
		EXPECT_EQ(ABI_ICE_CONTROLLING, ice->role);
		EXPECT_NE(0u, ice->tie_breaker);
	}
	ASSERT_TRUE(answer(injected[0], &back));
	ASSERT_TRUE(cp_shard_punt(shard, &back));
	pump();
	ASSERT_EQ(1u, told(ABI_SESSION_RESUME));
	EXPECT_EQ(2u, told(ABI_LEG_ICE)); // behind it
	EXPECT_EQ(ABI_LEG_ICE, media.commands.back().type);
	for (auto &m : media.commands)
		if (m.type == ABI_SESSION_RESUME) {
			auto *r = reinterpret_cast<const abi_session_resume *>(m.payload);
			EXPECT_EQ(4000, r->leg[0].rtp.port);
			EXPECT_EQ(0, r->leg[1].rtp.family);
		}
	EXPECT_FALSE(cp_shard_punt(shard, &back)); // the same answer again
	// Consent, every four to six seconds.
	advance(6500);
	ASSERT_GE(injected.size(), 2u); // and again, since nobody has answered
	ASSERT_TRUE(answer(injected.back(), &back));
	EXPECT_TRUE(cp_shard_punt(shard, &back));
	pump();
	EXPECT_EQ(1u, told(ABI_SESSION_RESUME));
	hang_up();
	unsigned n = (unsigned)injected.size();
	advance(20000);
	EXPECT_EQ(n, injected.size()); // no check after the call
}

TEST_F(LiteParty, IsAskedAgainAndNobodyElseIsBelieved)
{
	abi_punt back, forged;

	call();
	advance(3600);
	EXPECT_EQ(4u, injected.size()); // at 0, 0.5, 1.5 and 3.5 s
	EXPECT_EQ(0, memcmp(injected[0].data, injected[3].data, injected[0].length));
	ASSERT_TRUE(answer(injected[3], &back));
	forged = back;
	forged.remote.port = 4001;
	EXPECT_FALSE(cp_shard_punt(shard, &forged));
	forged = back;
	forged.data[back.length - 10] ^= 1; // of the integrity
	EXPECT_FALSE(cp_shard_punt(shard, &forged));
	forged = back;
	forged.leg = 1;
	EXPECT_FALSE(cp_shard_punt(shard, &forged));
	pump();
	EXPECT_EQ(0u, told(ABI_SESSION_RESUME));
	EXPECT_TRUE(cp_shard_punt(shard, &back));
	pump();
	EXPECT_EQ(1u, told(ABI_SESSION_RESUME));
	hang_up();
}
