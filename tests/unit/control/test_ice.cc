// SPDX-License-Identifier: BSD-3-Clause
// A browser-like party that is ICE lite: hawse-sip checks it, nominates what answers, asks for consent, and believes nobody
// else. dataplane/media/stun.h, which is lite itself, plays the party.
#include <regex>
#include <set>

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
	std::string candidates = "a=candidate:1 1 UDP 2130706431 10.1.0.10 4000 typ host\r\n";
	std::string text;

	void SetUp() override
	{
		Phones::SetUp();
		hide = false;
		injected.clear();
		text = config();
		text.replace(text.find("kind: access"), strlen("kind: access"), "kind: webrtc");
		begin_again();
	}

	void begin_again()
	{
		cp_shard_free(shard);
		cp_tregion_free(tregion);
		cp_registrar_free(registrar);
		shard = nullptr;
		registrar = nullptr;
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
				   "") +
		       candidates + "a=fingerprint:" + print + "\r\na=setup:actpass\r\na=mid:0\r\na=rtcp-mux\r\na=rtpmap:8 PCMA/8000\r\n";
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
		EXPECT_NE(std::string::npos, ok.text.find("\r\na=ice-options:ice2 trickle\r\n")) << ok.text;
		EXPECT_NE(std::string::npos, ok.text.find("\r\na=end-of-candidates\r\n")) << ok.text;
		EXPECT_EQ("trickle-ice", ok.header("Recv-Info"));
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
		nominates = a.action == STUN_NOMINATE;
		return a.action == STUN_NOMINATE || a.action == STUN_VALID;
	}
	bool nominates = false; // what was answered last

	// From now on the party answers what comes to these ports.
	void answer_at(const std::set<unsigned> &ports, unsigned ms)
	{
		abi_punt back;

		for (unsigned t = 0; t < ms; t += 10) {
			advance(10);
			for (; seen < injected.size(); seen++)
				if (ports.count(injected[seen].remote.port) && answer(injected[seen], &back))
					cp_shard_punt(shard, &back);
			pump();
		}
	}
	size_t seen = 0;

	// The pair that hawse-media was told last.
	unsigned pair()
	{
		unsigned port = 0;
		for (auto &m : media.commands)
			if (m.type == ABI_SESSION_RESUME)
				port = reinterpret_cast<const abi_session_resume *>(m.payload)->leg[0].rtp.port;
		return port;
	}

	bool is_sent_to(unsigned leg)
	{
		return media.only().plan.leg[leg].flags & ABI_LEG_SEND;
	}

	int info(const std::string &body, const std::string &package = "trickle-ice",
		const std::string &type = "application/trickle-ice-sdpfrag")
	{
		alice.request("INFO", body, "Info-Package: " + package + "\r\n", type);
		Msg m = alice.get();
		return m.status();
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

// RFC 8445 8.1.1: of several the best that answers, however late it comes within reason.
TEST_F(LiteParty, OfSeveralTheBestThatAnswersIsNominated)
{
	candidates = "a=candidate:1 1 UDP 1694498815 192.0.2.7 4002 typ srflx raddr 10.1.0.10 rport 4000\r\n"
		     "a=candidate:2 1 UDP 2130706431 10.1.0.10 4000 typ host\r\n"
		     "a=candidate:3 1 UDP 2130706175 10.1.0.11 4001 typ host\r\n"
		     "a=candidate:4 1 UDP 2130706175 2001:db8::1 4003 typ host\r\n"
		     "a=candidate:5 1 TCP 2130706175 10.1.0.12 4004 typ host tcptype active\r\n"
		     "a=candidate:6 1 UDP 2130706175 1b2c.local 4005 typ host\r\n"
		     "a=candidate:7 2 UDP 2130706174 10.1.0.11 4006 typ host\r\n"
		     "a=end-of-candidates\r\n";
	call();
	advance(300);
	ASSERT_EQ(3u, injected.size()); // one every 50 ms, and no other than these
	EXPECT_EQ(4000, injected[0].remote.port);
	EXPECT_EQ(4001, injected[1].remote.port);
	EXPECT_EQ(4002, injected[2].remote.port);
	answer_at({4001, 4002}, 300);
	EXPECT_EQ(0u, told(ABI_SESSION_RESUME)); // the best may answer yet
	EXPECT_FALSE(nominates);
	answer_at({4001, 4002}, 400);
	EXPECT_EQ(4001u, pair());
	EXPECT_TRUE(nominates);
	EXPECT_EQ(1u, told(ABI_SESSION_RESUME));
	answer_at({4000, 4001, 4002}, 6500); // consent is asked of one
	EXPECT_EQ(4001, injected.back().remote.port);
	EXPECT_EQ(1u, told(ABI_SESSION_RESUME));
	EXPECT_LE(injected.size(), 12u);
	hang_up();
}

TEST_F(LiteParty, TheBestAnswersAtOnce)
{
	candidates += "a=candidate:3 1 UDP 100 10.1.0.11 4001 typ host\r\n";
	call();
	answer_at({4000, 4001}, 120);
	EXPECT_EQ(4000u, pair());
	hang_up();
}

// RFC 7675 5.1: sending stops, all candidates are tried again, and what answers is sent to.
TEST_F(LiteParty, WithoutConsentNothingIsSentUntilItAnswersAgain)
{
	candidates += "a=candidate:3 1 UDP 100 10.1.0.11 4001 typ host\r\n";
	call();
	answer_at({4000}, 700);
	ASSERT_EQ(4000u, pair());
	EXPECT_TRUE(is_sent_to(0));
	answer_at({}, 29000);
	EXPECT_TRUE(is_sent_to(0));
	answer_at({}, 8000);
	EXPECT_FALSE(is_sent_to(0));
	EXPECT_TRUE(is_sent_to(1));
	EXPECT_EQ(1u, counter(CP_C_CONSENT_LOST));
	answer_at({4001}, 40000);
	EXPECT_TRUE(is_sent_to(0));
	EXPECT_EQ(4001u, pair());
	hang_up();
}

// RFC 8840.
TEST_F(LiteParty, CandidatesThatTrickleInAreCheckedToo)
{
	const std::string credentials = "a=ice-ufrag:evtj\r\na=ice-pwd:VOkJxbRl1RmTxUk/WvJxBt\r\n";
	const std::string late = "m=audio 9 RTP/AVP 0\r\na=mid:0\r\n"
				 "a=candidate:9 1 UDP 2130706430 10.1.0.12 4009 typ host\r\n";

	call();
	answer_at({}, 700);
	EXPECT_EQ(200, info(credentials + "m=audio 9 RTP/AVP 0\r\na=mid:1\r\n"
					   "a=candidate:9 1 UDP 2130706430 10.1.0.12 4007 typ host\r\n"));
	std::string old = credentials;
	old.replace(old.find("evtj"), 4, "gone");
	EXPECT_EQ(200, info(old + late));
	EXPECT_EQ(200, info(credentials + late + "a=end-of-candidates\r\n"));
	answer_at({4007, 4009}, 1500);
	EXPECT_EQ(4009u, pair());
	EXPECT_EQ(400, info(late));			// of which generation?
	EXPECT_EQ(415, info(credentials, "trickle-ice", "text/plain"));
	EXPECT_EQ(200, info(credentials, "trickle-ice;a=b"));
	b.request("INFO", credentials, "Info-Package: trickle-ice\r\n", "application/trickle-ice-sdpfrag");
	EXPECT_EQ(469, b.get().status()); // a trunk has no ICE
	hang_up();
}

TEST_F(LiteParty, IsAskedForConsentByTheNextHawseSipToo)
{
	call();
	answer_at({4000}, 700);
	ASSERT_EQ(4000u, pair());
	keep(true);
	cp_shard_free(shard);
	cp_tregion_free(tregion);
	cp_registrar_free(registrar);
	shard = nullptr;
	tregion = nullptr;
	registrar = nullptr;
	media.replies.clear();
	uncommitted.clear();
	sent.clear();
	injected.clear();
	seen = 0;
	now_us += 500000;
	open(text.c_str());
	used_ops.inject = [](void *, const abi_punt *p) {
		injected.push_back(*p);
		return 0;
	};
	cp_shard_set_fingerprint(shard, print);
	for (auto &record : journal)
		ASSERT_EQ(0, cp_shard_restore(shard, record.first,
				     reinterpret_cast<const uint8_t *>(record.second.data()), record.second.size(), 0));
	attach_first(0);
	answer_at({4000}, 7000);
	ASSERT_GE(injected.size(), 2u);
	EXPECT_EQ(4000, injected[0].remote.port);
	EXPECT_TRUE(is_sent_to(0));
	answer_at({}, 40000); // and that it does not answer any more is seen
	EXPECT_FALSE(is_sent_to(0));
	hang_up();
}
