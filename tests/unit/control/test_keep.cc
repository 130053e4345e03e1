// SPDX-License-Identifier: BSD-3-Clause
// kill -9 of hawse-sip in the middle of calls: what the next one makes of the journal.
#include "tests/unit/control/world.h"

extern "C" {
#include "controlplane/call/journal.h"
#include "controlplane/call/persist.h"
#include "sip/siphash.h"
}

using namespace control;

namespace
{

struct Keep : Call {
	uint64_t boot = 0;

	// Dies without a word, its shared memory and transactions with it.
	void kill()
	{
		cp_shard_free(shard);
		cp_tregion_free(tregion);
		shard = nullptr;
		tregion = nullptr;
		media.replies.clear();
		uncommitted.clear();
		sent.clear();
	}

	// The next one, half a second later.
	void restore(const char *config = kConfig, unsigned recorded = 0)
	{
		now_us += 500000;
		open(config);
		for (auto &record : journal)
			restored[record.first] = cp_shard_restore(shard, record.first,
				reinterpret_cast<const uint8_t *>(record.second.data()),
				record.second.size(), recorded);
	}

	void attach(bool same_media = true)
	{
		if (!same_media) {
			media.sessions.clear();
			boot++;
		}
		attach_first(boot);
		keep(false);
	}

	// Killed in a quiet moment; else: before what can wait was written.
	void restart(bool quiet = true)
	{
		if (quiet)
			keep(true);
		kill();
		restore();
		attach();
	}

	// From caller to callee and back, and whoever asked for it.
	void change(Party &from, Party &to, const std::string &offer, const std::string &answer)
	{
		from.sdp.direction = offer;
		from.sdp.version++;
		to.sdp.direction = answer;
		to.sdp.version++;
		from.request("INVITE", from.sdp.text());
		to.respond(to.expect("INVITE"), 200, "OK", to.sdp.text());
		to.expect("ACK");
		from.expect(200);
		from.ack();
	}

	bool is_sent_to(unsigned leg)
	{
		return media.only().plan.leg[leg].flags & ABI_LEG_SEND;
	}

	std::map<uint64_t, int> restored;
};

TEST_F(Keep, ACallIsWrittenWhenItIsAnsweredAndNotBefore)
{
	a.call("+4930", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	b.respond(i, 180, "Ringing");
	a.learn(a.expect(180));
	EXPECT_TRUE(journal.empty());
	b.respond(i, 200, "OK", b.sdp.text());
	a.learn(a.expect(200));
	b.expect("ACK");
	EXPECT_EQ(journal.size(), 1u);
	EXPECT_EQ(counter(CP_C_KEPT), 1u);
	a.ack();
	EXPECT_EQ(counter(CP_C_KEPT), 1u) << "an ACK can wait";
	keep(true);
	EXPECT_EQ(counter(CP_C_KEPT), 2u);
	keep(true);
	EXPECT_EQ(counter(CP_C_KEPT), 2u) << "nothing changed";
	bye(a, b);
	EXPECT_EQ(journal.size(), 1u) << "that it is over can wait";
	keep(true);
	EXPECT_TRUE(journal.empty());
}

TEST_F(Keep, TheCallerEndsARestoredCall)
{
	up("+4930123");
	abi_session_plan plan = media.only().plan;
	restart();
	EXPECT_EQ(counter(CP_C_RESTORED), 1u);
	EXPECT_EQ(counter(CP_C_CALLS_UP), 1u);
	EXPECT_EQ(media.count(ABI_SESSION_CLAIM), 1u);
	EXPECT_EQ(media.count(ABI_SESSION_UPDATE), 0u) << "hawse-media had not forgotten";
	EXPECT_EQ(memcmp(&plan, &media.only().plan, sizeof(plan)), 0);
	EXPECT_TRUE(quiet(a.addr) && quiet(b.addr)) << "and neither party hears of it";
	advance(10000);
	bye(a, b);
	ASSERT_EQ(cdrs.size(), 2u);
	for (const std::string &line : cdrs) {
		// Start and answer at 1,000 s, the end 10.5 s later.
		EXPECT_NE(line.find("\"start\":\"2023-11-14T22:30:00.000Z\""), std::string::npos)
			<< line;
		EXPECT_NE(line.find("\"answer\":\"2023-11-14T22:30:00.000Z\""), std::string::npos);
		EXPECT_NE(line.find("\"duration_ms\":10500"), std::string::npos) << line;
		EXPECT_NE(line.find("\"ended_by\":\"caller\",\"status\":200"), std::string::npos);
		EXPECT_NE(line.find("\"to\":\"+4930123\""), std::string::npos);
		EXPECT_NE(line.find("\"codec\":\"PCMA/8000\""), std::string::npos);
		EXPECT_NE(line.find("\"packets\":100"), std::string::npos) << line;
	}
	EXPECT_NE(cdrs[0].find("\"peer\":\"office\""), std::string::npos);
	EXPECT_NE(cdrs[1].find("\"peer\":\"carrier\""), std::string::npos);
}

TEST_F(Keep, TheCalleeEndsARestoredCall)
{
	up();
	restart();
	bye(b, a);
	ASSERT_EQ(cdrs.size(), 2u);
	EXPECT_NE(cdrs[0].find("\"ended_by\":\"callee\""), std::string::npos);
}

TEST_F(Keep, EitherSideHoldsAndResumes)
{
	up();
	restart();
	change(a, b, "sendonly", "recvonly");
	EXPECT_FALSE(is_sent_to(0));
	change(a, b, "sendrecv", "sendrecv");
	EXPECT_TRUE(is_sent_to(0));
	restart();
	change(b, a, "inactive", "inactive");
	EXPECT_FALSE(is_sent_to(0) || is_sent_to(1));
	restart();
	change(b, a, "sendrecv", "sendrecv");
	EXPECT_TRUE(is_sent_to(0) && is_sent_to(1));
	restart();
	bye(b, a);
	EXPECT_EQ(cdrs.size(), 2u);
}

TEST_F(Keep, CSeqAndVersionGoOn)
{
	up();
	a.request("INFO", "x", "", "text/plain");
	Msg before = b.expect("INFO");
	b.respond(before, 200, "OK");
	a.expect(200);
	restart();
	a.request("INFO", "x", "", "text/plain");
	Msg after = b.expect("INFO");
	EXPECT_GT(atoi(after.header("CSeq").c_str()), atoi(before.header("CSeq").c_str()));
	b.respond(after, 200, "OK");
	a.expect(200);
	a.sdp.direction = "sendonly";
	a.request("INVITE", a.sdp.text());
	Msg again = b.expect("INVITE");
	auto version = [](const Msg &m) {
		unsigned v = 0;
		sscanf(m.body().c_str() + m.body().find("o="), "o=- %*s %u", &v);
		return v;
	};
	EXPECT_EQ(version(again), version(b.invite) + 1);
	EXPECT_EQ(again.tag("From"), b.invite.tag("From"));
	EXPECT_EQ(again.header("Call-ID"), b.invite.header("Call-ID"));
	b.respond(again, 200, "OK", b.sdp.text());
	b.expect("ACK");
	a.expect(200);
	a.ack();
	bye(a, b);
}

TEST_F(Keep, SilenceStillEndsTheCall)
{
	up();
	restart();
	abi_msg m{};
	m.type = ABI_MEDIA_TIMEOUT;
	m.slot = media.sessions.begin()->first;
	m.generation = media.sessions.begin()->second.generation;
	EXPECT_TRUE(cp_shard_event(shard, &m));
	a.expect("OPTIONS");
	advance(3900);
	a.sent_again("OPTIONS");
	EXPECT_TRUE(quiet(b.addr));
	advance(200);
	for (Party *p : {&a, &b}) {
		Msg bye = p->expect("BYE");
		EXPECT_NE(bye.header("Reason").find("media timeout"), std::string::npos);
		p->respond(bye, 200, "OK");
	}
}

TEST_F(Keep, AMediaTimeoutThatComesBeforeTheClaimIsHeard)
{
	up();
	keep(true);
	kill();
	restore();
	media.hold = true;
	cp_shm_info info{};
	info.sessions = 64;
	cp_shard_attached(shard, &info);
	abi_msg m{};
	m.type = ABI_MEDIA_TIMEOUT;
	m.slot = media.sessions.begin()->first;
	m.generation = media.sessions.begin()->second.generation;
	EXPECT_TRUE(cp_shard_event(shard, &m));
	a.expect("OPTIONS");
	reinterpret_cast<abi_event_timeout *>(m.payload)->leg = 1;
	EXPECT_TRUE(cp_shard_event(shard, &m));
	media.hold = false;
	pump();
	advance(1);
	EXPECT_EQ(media.reconciled, 2u);
	a.respond(a.expect("BYE"), 200, "OK");
	b.respond(b.expect("BYE"), 200, "OK");
	EXPECT_EQ(cdrs.size(), 2u);
}

TEST_F(Keep, ASessionThatHawseMediaDoesNotHaveEndsItsCall)
{
	up();
	keep(true);
	kill();
	media.sessions.clear();
	restore();
	attach();
	EXPECT_EQ(counter(CP_C_REPLAY_FAILED), 1u);
	for (Party *p : {&a, &b}) {
		Msg bye = p->expect("BYE");
		EXPECT_NE(bye.header("Reason").find("media lost"), std::string::npos);
		p->respond(bye, 200, "OK");
	}
	EXPECT_EQ(cdrs.size(), 2u);
}

TEST_F(Keep, BothMayDie)
{
	up();
	abi_session_plan plan = media.only().plan;
	abi_ports ports = media.only().ports;
	keep(true);
	kill();
	restore();
	attach(false);
	for (auto &leg : plan.leg)
		leg.flags &=
			~uint32_t(ABI_LEG_RELEARN); // a session that is new has nothing to forget
	EXPECT_EQ(memcmp(&plan, &media.only().plan, sizeof(plan)), 0);
	EXPECT_EQ(ports.leg[0].rtp_port, media.only().ports.leg[0].rtp_port);
	EXPECT_EQ(ports.leg[1].rtp_port, media.only().ports.leg[1].rtp_port);
	restart(); // and hawse-sip alone, which knows the new place
	EXPECT_EQ(media.count(ABI_PORT_ALLOC), 2u);
	bye(a, b);
}

TEST_F(Keep, CallsThatAreBeingSetUpDieWithTheirProcess)
{
	a.call("+4930", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	b.respond(i, 180, "Ringing");
	a.learn(a.expect(180));
	restart();
	EXPECT_EQ(counter(CP_C_RESTORED), 0u);
	EXPECT_EQ(media.count(ABI_SESSION_CLAIM), 0u) << "hawse-media sweeps it";
	b.respond(i, 200, "OK", b.sdp.text());
	EXPECT_TRUE(quiet(b.addr));
	b.request("BYE");
	b.expect(481);
	a.request("BYE");
	a.expect(481);
	media.sessions.clear();
}

TEST_F(Keep, A200ThatGotLostIsSentAgain)
{
	a.call("+4930", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	b.respond(i, 200, "OK", b.sdp.text());
	Msg lost = a.expect(200);
	restart(false);
	advance(1);
	Msg again = a.expect(200);
	EXPECT_EQ(again.text, lost.text);
	a.learn(again);
	a.ack();
	advance(60000);
	EXPECT_TRUE(quiet(a.addr));
	bye(a, b);
}

TEST_F(Keep, AnInviteThatComesAgainMakesNoSecondCall)
{
	a.call("+4930", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	b.respond(i, 200, "OK", b.sdp.text());
	std::string tag = a.expect(200).tag("To");
	b.expect("ACK");
	restart(false);
	a.call("+4930", a.sdp.text());
	Msg ok = a.expect(200);
	EXPECT_EQ(ok.tag("To"), tag);
	EXPECT_FALSE(ok.body().empty());
	EXPECT_TRUE(quiet(b.addr));
	EXPECT_EQ(cp_shard_calls(shard), 1u);
	a.learn(ok);
	a.ack();
	bye(a, b);
}

TEST_F(Keep, WhetherTheAckCameBeforeIsNotHeldAgainstTheCall)
{
	up(); // the ACK came, but the journal was not told yet
	restart(false);
	advance(40000);
	EXPECT_EQ(counter(CP_C_CALLS_UP), 1u);
	a.get(); // the 200s that were repeated meanwhile
	sent.clear();
	bye(a, b);
	EXPECT_TRUE(quiet(a.addr));
}

TEST_F(Keep, AChangeThatWasUnderWayIsAskedForAgain)
{
	up();
	keep(true);
	a.sdp.direction = "sendonly";
	a.sdp.version++;
	a.request("INVITE", a.sdp.text());
	Msg re = b.expect("INVITE");
	b.sdp.direction = "recvonly";
	media.hold = true; // hawse-media was told, and hawse-sip never heard its answer
	b.respond(re, 200, "OK", b.sdp.text());
	EXPECT_FALSE(is_sent_to(0));
	media.hold = false;
	restart();
	EXPECT_TRUE(is_sent_to(0)) << "back to what was agreed";
	a.cseq--;
	a.request("INVITE", a.sdp.text()); // the caller's repetition
	Msg fresh = b.expect("INVITE");
	EXPECT_GT(atoi(fresh.header("CSeq").c_str()), atoi(re.header("CSeq").c_str()));
	b.respond(fresh, 200, "OK", b.sdp.text());
	b.expect("ACK");
	a.expect(200);
	a.ack();
	EXPECT_FALSE(is_sent_to(0));
	bye(b, a);
}

TEST_F(Keep, ADelayedOfferIsWrittenWhenItWasAnswered)
{
	a.call("+4930", "");
	a.expect(100);
	Msg i = b.expect_invite();
	b.respond(i, 200, "OK", b.sdp.text());
	Msg ok = a.expect(200);
	a.learn(ok);
	EXPECT_TRUE(journal.empty());
	a.ack(a.sdp.text());
	b.expect("ACK");
	EXPECT_EQ(journal.size(), 1u);
	restart();
	change(b, a, "sendonly", "recvonly");
	bye(a, b);
}

TEST_F(Keep, StrangersAreStillNoParty)
{
	up();
	restart();
	Party x(*this, "callerX", "10.1.0.9", 0);
	Party forged = a;
	forged.addr = x.addr;
	forged.request("BYE");
	EXPECT_EQ(x.get().status(), 481);
	EXPECT_EQ(counter(CP_C_DROP_SOURCE), 1u);
	bye(a, b);
}

TEST_F(Keep, APeerThatTheConfigurationForgotKeepsItsCall)
{
	std::string config = kConfig;
	size_t at = config.find("  carrier:");
	config.erase(at, config.find('\n', at) + 1 - at);
	for (const char *route :
		{"  - {from: office, number: \"+49\"", "  - {from: office, number: \"+1\"",
			"  - {from: phone", "  - {from: carrier"}) {
		at = config.find(route);
		config.erase(at, config.find('\n', at) + 1 - at);
	}
	config += "  - {from: office, to: [backup]}\n";
	up();
	keep(true);
	kill();
	restore(config.c_str());
	attach();
	EXPECT_EQ(counter(CP_C_RESTORED), 1u);
	change(a, b, "sendonly", "recvonly");
	change(b, a, "sendonly", "recvonly");
	bye(b, a);
	ASSERT_EQ(cdrs.size(), 2u);
	EXPECT_NE(cdrs[1].find("\"peer\":\"carrier\""), std::string::npos);
}

TEST_F(Keep, WithoutAListenerOfItsFamilyTheCallIsLost)
{
	const char *config = R"(
media:
  a: {device: a0, address: ["fd00:1::1"], ports: 20000-20999}
sip:
  listen: ["udp:[fd00:1::1]"]
peers:
  office: {kind: trunk, address: ["fd00:1::2"]}
)";
	up();
	keep(true);
	kill();
	restore(config);
	ASSERT_EQ(restored.begin()->second, -EADDRNOTAVAIL);
	EXPECT_EQ(counter(CP_C_RESTORE_LOST), 1u);
	EXPECT_EQ(cp_shard_calls(shard), 0u);
	attach();
	media.sessions.clear();
	journal.clear();
}

TEST_F(Keep, KilledBetweenTheCdrsOfBothLegs)
{
	up();
	keep(true);
	a.request("BYE");
	a.expect(200, "BYE");
	b.expect("BYE");
	ASSERT_EQ(cdrs.size(), 2u);
	cdrs.pop_back(); // it did not come to that
	kill();
	restore(kConfig, 1);
	attach();
	ASSERT_EQ(cdrs.size(), 2u);
	EXPECT_NE(cdrs[1].find("\"leg\":\"b\""), std::string::npos);
	a.respond(a.expect("BYE"), 481, "Gone");
	b.respond(b.expect("BYE"), 200, "OK");
	media.sessions.clear();
}

TEST_F(Keep, AJournalThatIsFullCostsNoCall)
{
	journal_error = -ENOSPC;
	up();
	EXPECT_EQ(counter(CP_C_KEEP_FAILED), 1u);
	EXPECT_TRUE(journal.empty());
	journal_error = 0;
	cp_shard_keep_again(shard);
	keep(false);
	EXPECT_EQ(journal.size(), 1u);
	restart();
	bye(a, b);
}

TEST_F(Keep, AStopLeavesNothing)
{
	up();
	cp_shard_stop(shard);
	pump();
	keep(true);
	EXPECT_TRUE(journal.empty());
	a.respond(a.expect("BYE"), 200, "OK");
	b.respond(b.expect("BYE"), 200, "OK");
}

// ---- records ---------------------------------------------------------------------------------------

// A call with everything in it, and its record.
struct Record : Keep {
	std::string record, plain;
	uint64_t id = 0;
	cp_persist_scratch *scratch = cp_persist_scratch_new();

	void SetUp() override
	{
		Keep::SetUp();
		up();
		change(b, a, "sendonly", "recvonly");
		keep(true);
		id = journal.begin()->first;
		record = journal.begin()->second;
		plain = unpacked(record);
		kill();
		open(kConfig);
	}

	void TearDown() override
	{
		EXPECT_EQ(cp_shard_calls(shard), 0u);
		EXPECT_EQ(cp_tregion_calls_used(tregion, 0), 0u);
		media.sessions.clear();
		journal.clear();
		Keep::TearDown();
		cp_persist_scratch_free(scratch);
	}

	int load(const std::string &bytes, uint64_t as)
	{
		// In memory of exactly this size, so that AddressSanitizer sees its end.
		std::vector<uint8_t> copy(bytes.begin(), bytes.end());
		int rc = cp_shard_restore(shard, as, copy.data(), copy.size(), 0);
		return rc;
	}

	// Ends what was restored, however little sense it makes.
	void end()
	{
		cp_shard_stop(shard);
		advance(70000);
		cp_shard_free(shard);
		cp_tregion_free(tregion);
		cdrs.clear();
		all.clear();
		sent.clear();
		open(kConfig);
	}

	static uint64_t digest_of(const std::string &bytes)
	{
		const struct sip_hash_key key = {0, 0};
		struct sip_hash h;
		sip_hash_start(&h, &key);
		sip_hash_bytes(
			&h, bytes.data() + CP_PERSIST_HEADER, bytes.size() - CP_PERSIST_HEADER);
		return sip_hash_end(&h).a | 1;
	}

	// What is in a record, and a record of whatever.
	std::string unpacked(const std::string &bytes)
	{
		int n = cp_persist_unpack(
			scratch, reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
		EXPECT_GT(n, 0);
		return {reinterpret_cast<const char *>(scratch->plain), size_t(n > 0 ? n : 0)};
	}
	std::string packed(const std::string &plain)
	{
		std::string out(plain.size() + 1000, 0);
		int n = cp_persist_pack(scratch, reinterpret_cast<const uint8_t *>(plain.data()),
			plain.size(), reinterpret_cast<uint8_t *>(&out[0]), out.size());
		EXPECT_GT(n, 0);
		out.resize(size_t(n > 0 ? n : 0));
		return out;
	}
};

TEST_F(Record, SeveralFitIntoAPage)
{
	RecordProperty("bytes", int(record.size()));
	EXPECT_LT(record.size(), 1300u);
}

TEST_F(Record, IsTheSameWhenReadAndWrittenAgain)
{
	ASSERT_EQ(load(record, id), 0);
	cp_shard_keep_again(shard);
	keep(true);
	std::string again = unpacked(journal[id]);
	ASSERT_EQ(again.size(), plain.size());
	// But for the room that both CSeqs were given.
	unsigned differs = 0;
	for (size_t i = 0; i < plain.size(); i++)
		differs += plain[i] != again[i];
	EXPECT_GT(differs, 0u);
	EXPECT_LE(differs, 4u);
	EXPECT_EQ(load(record, id), -EEXIST);
	end();
}

TEST_F(Record, SaysWhichShardItsCallBelongsTo)
{
	struct sip_slice ids[2];
	ASSERT_EQ(cp_persist_call_ids(scratch, reinterpret_cast<const uint8_t *>(record.data()),
			  record.size(), ids),
		0);
	EXPECT_EQ(std::string(ids[0].p, ids[0].n), a.call_id);
	EXPECT_EQ(std::string(ids[1].p, ids[1].n), b.call_id);
}

TEST_F(Record, CutShortItIsRefused)
{
	for (size_t n = 0; n < record.size(); n++)
		ASSERT_EQ(load(record.substr(0, n), id), -EBADMSG) << n;
	for (size_t n = 0; n < plain.size(); n++)
		ASSERT_EQ(load(packed(plain.substr(0, n)), id), -EBADMSG) << n;
	EXPECT_EQ(load(record + "x", id), -EBADMSG);
	EXPECT_EQ(load(packed(plain + "x"), id), -EBADMSG);
	EXPECT_GT(counter(CP_C_RESTORE_LOST), 2000u);
	EXPECT_EQ(counter(CP_C_CALLS_CURRENT), 0u);
}

// The digest keeps accidents out; whoever writes it too has LZ4 to deal with.
TEST_F(Record, PackedJunkIsRefused)
{
	for (size_t i = CP_PERSIST_HEADER; i < record.size(); i++) {
		std::string junk = record;
		junk[i] = char(junk[i] ^ 0xff);
		uint64_t digest = digest_of(junk);
		memcpy(&junk[16], &digest, 8);
		load(junk, id);
		if (cp_shard_calls(shard))
			end();
	}
	std::string more = record;
	uint32_t size = CP_PERSIST_PLAIN + 1;
	memcpy(&more[12], &size, 4);
	EXPECT_EQ(load(more, id), -EBADMSG);
	size = uint32_t(plain.size()) - 1;
	memcpy(&more[12], &size, 4);
	EXPECT_EQ(load(more, id), -EBADMSG);
}

TEST_F(Record, EveryFlippedBitIsSeen)
{
	for (size_t i = 0; i < record.size(); i++) {
		std::string garbled = record;
		garbled[i] ^= char(1 << i % 8);
		int rc = load(garbled, id);
		ASSERT_TRUE(rc == -EBADMSG || rc == -EPROTONOSUPPORT) << i;
	}
	EXPECT_EQ(load(record, id + 1), -EBADMSG);
	EXPECT_EQ(load(record, 0), -EBADMSG);
}

TEST_F(Record, OfAnotherVersionItIsRefused)
{
	record[4]++;
	EXPECT_EQ(load(record, id), -EPROTONOSUPPORT);
}

TEST_F(Record, WithoutMemoryItIsNotReadAtAll)
{
	unsigned failures = 0;
	int rc;
	alloc_fail_for = 1;
	do {
		alloc_count = 0;
		alloc_fail_at = failures + 1;
		Armed armed;
		rc = cp_shard_restore(shard, id, reinterpret_cast<const uint8_t *>(record.data()),
			record.size(), 0);
		if (rc) {
			ASSERT_EQ(rc, -ENOMEM) << failures;
			ASSERT_EQ(cp_shard_calls(shard), 0u);
			ASSERT_EQ(cp_tregion_calls_used(tregion, 0), 0u);
			failures++;
		}
	} while (rc && failures < 100);
	alloc_fail_at = 0;
	EXPECT_EQ(rc, 0);
	EXPECT_GE(failures, 10u);
	EXPECT_EQ(counter(CP_C_RESTORE_LOST), failures);
	end();
}

TEST_F(Record, WhatAHostileWriterSealedDoesNoHarm)
{
	unsigned refused = 0, taken = 0;
	hide = false;
	for (size_t i = 0; i < plain.size(); i += 2) {
		std::string garbled = plain;
		garbled[i] = char(garbled[i] ^ (i % 3 ? 0xff : 0x01));
		if (load(packed(garbled), id)) {
			refused++;
			continue;
		}
		if (++taken % 16 == 0) // of what is taken some calls are tried out
			attach_first(0);
		end();
	}
	EXPECT_GT(refused, 100u);
	EXPECT_GT(taken, 100u);
}

} // namespace
