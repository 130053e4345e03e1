// SPDX-License-Identifier: BSD-3-Clause
// Plans with codecs, prompts, digits and recordings: what workers, transcoders and the recorder are told, and what
// the control plane hears. Transcoders and recorder are real, but their threads do not run.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include <sys/stat.h>
#include <unistd.h>

#include "world.h"

extern "C" {
#include "dataplane/abi/shm.h"
#include "dataplane/agent/prompts.h"
#include "dataplane/agent/transcoders.h"
#include "dataplane/worker/recorder.h"
}

namespace
{
struct Media : testing::Test {
	World w{16, 20063, 1};
	char directory[64] = "/tmp/hawse-media-XXXXXX";
	dp_side_ring *in = dp_side_new(), *out = dp_side_new(), *tape = dp_side_new();
	dp_transcoder *thread = nullptr;
	transcoders *all = nullptr;
	prompts *texts = nullptr;
	dp_recorder *recorder = nullptr;
	uint64_t now = abi_now_us() + 1000000;

	Media()
	{
		dp_transcoder_config c = {};
		transcoders_config t = {&thread, 1, 850, &w.region};
		dp_recorder_config r = {};

		EXPECT_NE(nullptr, mkdtemp(directory));
		c.workers = 1;
		c.sessions = 16;
		c.in[0] = in;
		c.out[0] = out;
		c.agent_bell = -1;
		EXPECT_EQ(0, dp_transcoder_create(&thread, &c));
		EXPECT_EQ(0, transcoders_new(&all, &t));
		EXPECT_EQ(0, prompts_new(&texts));
		r.directory = directory;
		r.workers = 1;
		r.sessions = 16;
		r.in[0] = tape;
		r.agent_bell = -1;
		EXPECT_EQ(0, dp_recorder_create(&recorder, &r));
		w.region.a->codecs = codec_built();
		w.beside(all, texts, recorder);
	}
	~Media()
	{
		w.end();
		transcoders_free(all);
		dp_transcoder_free(thread);
		prompts_free(texts);
		dp_recorder_free(recorder);
		for (auto *ring : {in, out, tape})
			dp_side_free(ring);
		EXPECT_EQ(0, system((std::string("rm -r ") + directory).c_str()));
	}

	void turn(unsigned ms = 1)
	{
		while (ms--) {
			now += 1000;
			dp_transcoder_turn(thread, now);
		}
		dp_recorder_turn(recorder, now);
		sessions_collect(w.sessions, w.now);
	}

	static void side(abi_session_plan &p, unsigned leg, uint8_t codec, uint8_t type)
	{
		p.leg[leg].codec = codec;
		p.leg[leg].codec_type = p.terms[leg].type_in = type;
		p.leg[leg].ptime_ms = 20;
		p.terms[leg].dtmf_out = 255;
	}

	// A session whose parties have these codecs; the reply to its plan.
	abi_msg plan(const abi_msg &allocated, uint8_t a, uint8_t a_type, uint8_t b, uint8_t b_type,
		uint16_t type = ABI_SESSION_ADD,
		const std::function<void(abi_session_plan &)> &more = {})
	{
		abi_msg m = World::plan(type, allocated);
		abi_session_plan &p = World::plan_of(m);

		if (a)
			side(p, 0, a, a_type);
		if (b)
			side(p, 1, b, b_type);
		if (more)
			more(p);
		w.send(m);
		mail = {};
		if (!fake_worker.mails.empty())
			mail = fake_worker.mails.back()->plan;
		w.work();
		turn();
		return w.next();
	}
	dp_plan mail;

	abi_msg alloc()
	{
		return w.ask(World::alloc());
	}

	template <class T> abi_msg command(uint16_t type, const abi_msg &session, const T &payload)
	{
		abi_msg m = World::command(type, session.slot, session.generation);

		memcpy(m.payload, &payload, sizeof(payload));
		last = m;
		w.send(m);
		medias.clear();
		for (dp_mail *mail : fake_worker.mails)
			if (mail->type == DP_MAIL_MEDIA)
				medias.push_back(mail->media);
		w.work();
		turn();
		return w.next();
	}
	abi_msg last;
	std::vector<dp_mail_media> medias;

	template <class T> T event(uint16_t type)
	{
		abi_msg m = w.next();
		T t = {};

		EXPECT_EQ(type, m.type) << abi_msg_name(m.type);
		memcpy(&t, m.payload, sizeof(t));
		return t;
	}

	void end(const abi_msg &session)
	{
		abi_msg m = World::command(ABI_SESSION_DELETE, session.slot, session.generation);

		w.send(m);
		w.work();
		turn();
		EXPECT_EQ(0, w.next().result);
	}

	static abi_field field(const abi_msg &reply)
	{
		abi_reply r;

		memcpy(&r, reply.payload, sizeof(r));
		return (abi_field)r.field;
	}

	std::string file(const std::string &name)
	{
		std::ifstream f(std::string(directory) + "/" + name, std::ios::binary);

		return std::string(std::istreambuf_iterator<char>(f), {});
	}

	void heard(unsigned leg, const abi_msg &session, uint16_t seq)
	{
		std::vector<uint8_t> p = {0x45, 0, 0, 200, 0, 0, 0, 0, 64, 17, 0, 0, 10, 1, 0, 2,
			10, 1, 0, 1, 0x0f, 0xa0, 0x4e, 0x20, 0, 180, 0, 0, 0x80, 0,
			(uint8_t)(seq >> 8), (uint8_t)seq, 0, 0, (uint8_t)(seq * 160 >> 8),
			(uint8_t)(seq * 160), 1, 2, 3, 4};

		p.resize(28 + 172, 0x20); // loud in u-law
		dp_side *s = dp_side_place(tape, (uint32_t)p.size());
		*s = {};
		s->size = (uint16_t)p.size();
		s->ip_size = 28;
		s->kind = DP_SIDE_RTP;
		s->leg = (uint8_t)leg;
		s->slot = session.slot;
		s->generation = session.generation;
		s->time = (now << 14) / 15625;
		memcpy(dp_side_bytes(s), p.data(), p.size());
		dp_side_commit(tape, s);
	}
};
} // namespace

TEST_F(Media, G711OfBothLawsStaysWithTheWorker)
{
	abi_msg s = alloc();

	EXPECT_EQ(0, plan(s, ABI_CODEC_PCMA, 8, ABI_CODEC_PCMU, 0).result);
	EXPECT_EQ(DP_LEG_A_TO_U, mail.leg[0].media.flags);
	EXPECT_EQ(8, mail.leg[0].media.codec_type);
	EXPECT_EQ(DP_LEG_U_TO_A, mail.leg[1].media.flags);
	EXPECT_EQ(1u << 8, mail.leg[0].want.payload_types[0]);
	EXPECT_EQ(1u, mail.leg[1].want.payload_types[0]);
	ASSERT_EQ(1, mail.leg[0].want.pt_maps);
	EXPECT_EQ(8, mail.leg[0].want.pt_map[0].from);
	EXPECT_EQ(0, mail.leg[0].want.pt_map[0].to);
	EXPECT_EQ(0u, abi_load32(&w.region.a->transcode_sessions));
	end(s);
}

TEST_F(Media, TheSameCodecIsRelayedUnderTheOthersNumbers)
{
	abi_msg s = alloc();

	EXPECT_EQ(0, plan(s, ABI_CODEC_OPUS, 111, ABI_CODEC_OPUS, 96, ABI_SESSION_ADD, [](auto &p) {
		p.leg[0].dtmf_type = p.terms[0].dtmf_out = 101;
		p.leg[1].dtmf_type = p.terms[1].dtmf_out = 97;
		p.terms[0].dtmf = p.terms[1].dtmf = ABI_DTMF_EVENT;
	}).result);
	EXPECT_EQ(0, mail.leg[0].media.flags);
	EXPECT_EQ(48000u, mail.leg[0].clock_rate);
	ASSERT_EQ(2, mail.leg[0].want.pt_maps);
	EXPECT_EQ(96, mail.leg[0].want.pt_map[0].to);
	EXPECT_EQ(101, mail.leg[0].want.pt_map[1].from);
	EXPECT_EQ(97, mail.leg[0].want.pt_map[1].to);
	end(s);
}

// What the forwarding path cannot do, and nothing else, wants a transcoder.
TEST_F(Media, WhatWantsATranscoder)
{
	auto thread = [&](uint8_t a, uint8_t b,
			      const std::function<void(abi_session_plan &)> &more) {
		abi_msg s = alloc();

		EXPECT_EQ(0, plan(s, a, 96, b, 97, ABI_SESSION_ADD, more).result);
		bool diverted = mail.leg[0].media.flags & DP_LEG_CODEC;
		end(s);
		w.tick(6000000);
		return diverted;
	};
	auto nothing = [](auto &) {};

	EXPECT_TRUE(thread(ABI_CODEC_PCMU, ABI_CODEC_G722, nothing));
	EXPECT_FALSE(thread(ABI_CODEC_GSM, ABI_CODEC_GSM, nothing));
	EXPECT_TRUE(
		thread(ABI_CODEC_PCMU, ABI_CODEC_PCMA, [](auto &p) { p.leg[1].ptime_ms = 40; }));
	EXPECT_TRUE(thread(ABI_CODEC_AMR, ABI_CODEC_AMR,
		[](auto &p) { p.terms[0].flags = ABI_CODEC_OCTET_ALIGNED; }));
	EXPECT_FALSE(thread(ABI_CODEC_PCMU, ABI_CODEC_PCMU,
		[](auto &p) { p.terms[0].dtmf = p.terms[1].dtmf = ABI_DTMF_INBAND; }));
	EXPECT_TRUE(thread(ABI_CODEC_PCMU, ABI_CODEC_PCMU, [](auto &p) {
		p.terms[0].dtmf = ABI_DTMF_INBAND;
		p.terms[1].dtmf = ABI_DTMF_SIGNALLED;
	}));
	EXPECT_TRUE(thread(ABI_CODEC_PCMU, ABI_CODEC_PCMU,
		[](auto &p) { p.leg[0].flags |= ABI_LEG_DTMF_REPORT; }));
	EXPECT_TRUE(
		thread(ABI_CODEC_PCMU, ABI_CODEC_PCMU, [](auto &p) { p.terms[0].cn_type = 13; }));
	EXPECT_TRUE(thread(ABI_CODEC_PCMU, 0, nothing));
}

TEST_F(Media, ATranscodedSessionBeginsChangesAndEnds)
{
	abi_msg s = alloc();

	EXPECT_EQ(0, plan(s, ABI_CODEC_PCMU, 0, ABI_CODEC_G722, 9).result);
	EXPECT_EQ(DP_LEG_CODEC, mail.leg[0].media.flags);
	EXPECT_EQ(DP_LEG_CODEC, mail.leg[1].media.flags);
	EXPECT_EQ(1u, mail.leg[0].want.payload_types[0]);
	EXPECT_EQ(0, mail.leg[0].want.pt_maps);
	w.tick(100000);
	EXPECT_EQ(1u, abi_load32(&w.region.a->transcode_sessions));
	EXPECT_GT(abi_load32(&w.region.a->transcode_load), 0u);
	EXPECT_EQ(0, plan(s, ABI_CODEC_PCMU, 0, ABI_CODEC_GSM, 3, ABI_SESSION_UPDATE).result);
	EXPECT_EQ(DP_LEG_CODEC, mail.leg[0].media.flags);
	EXPECT_EQ(0, plan(s, ABI_CODEC_PCMU, 0, ABI_CODEC_PCMU, 0, ABI_SESSION_UPDATE).result);
	EXPECT_EQ(0, mail.leg[0].media.flags);
	w.tick(100000);
	EXPECT_EQ(0u, abi_load32(&w.region.a->transcode_sessions));
	EXPECT_EQ(0, plan(s, ABI_CODEC_PCMU, 0, ABI_CODEC_G722, 9, ABI_SESSION_UPDATE).result);
	EXPECT_EQ(0, plan(s, 0, 0, 0, 0, ABI_SESSION_UPDATE).result);
	EXPECT_EQ(0, mail.leg[0].media.flags);
	EXPECT_EQ(0, plan(s, ABI_CODEC_PCMU, 0, ABI_CODEC_G722, 9, ABI_SESSION_UPDATE).result);
	end(s);
	w.tick(100000);
	EXPECT_EQ(0u, abi_load32(&w.region.a->transcode_sessions));
}

TEST_F(Media, AFullTranscoderRefusesAndTheSessionGoesOnAsItWas)
{
	transcoders_charge(all, 0, 849000);
	abi_msg s = alloc();
	EXPECT_EQ(0, plan(s, ABI_CODEC_PCMU, 0, ABI_CODEC_PCMU, 0).result);
	abi_msg refused = plan(s, ABI_CODEC_PCMU, 0, ABI_CODEC_AMR_WB, 97, ABI_SESSION_UPDATE);
	EXPECT_EQ(-ENOSPC, refused.result);
	EXPECT_EQ(ABI_FIELD_CODEC, field(refused));
	EXPECT_EQ(1u, w.counter(AGENT_TRANSCODERS_FULL));
	abi_play tone = {};
	tone.kind = ABI_PLAY_TONE;
	tone.tones = 1;
	tone.tone[0].hz[0] = 425;
	EXPECT_EQ(0, command(ABI_PLAY, s, tone).result); // a cheap one still fits
	end(s);
	transcoders_charge(all, 0, 1000000);
	s = alloc();
	EXPECT_EQ(-ENOSPC, plan(s, ABI_CODEC_PCMU, 0, ABI_CODEC_G722, 9).result);
	EXPECT_EQ(ABI_SESSION_ALLOCATED, w.entry(s.slot).state);
	EXPECT_TRUE(fake_worker.mails.empty());
	transcoders_charge(all, 0, -1849000);
	EXPECT_EQ(0, plan(s, ABI_CODEC_PCMU, 0, ABI_CODEC_G722, 9).result);
	end(s);
}

TEST_F(Media, WhatCannotBeOpenedIsRefused)
{
	abi_msg s = alloc();

	w.region.a->codecs &= ~(1ull << ABI_CODEC_G722);
	abi_msg refused = plan(s, ABI_CODEC_PCMU, 0, ABI_CODEC_G722, 9);
	EXPECT_EQ(-EOPNOTSUPP, refused.result);
	EXPECT_EQ(ABI_FIELD_CODEC, field(refused));
}

TEST_F(Media, AToneMakesARelayedSessionATranscodedOne)
{
	abi_msg s = alloc();
	abi_play tone = {};

	tone.leg = 1;
	tone.kind = ABI_PLAY_TONE;
	tone.id = 77;
	tone.loops = 1;
	tone.tones = 1;
	tone.tone[0] = {{425, 0}, 200, 100};
	EXPECT_EQ(0, plan(s, ABI_CODEC_PCMA, 8, ABI_CODEC_PCMU, 0).result);
	EXPECT_EQ(0, command(ABI_PLAY, s, tone).result);
	ASSERT_EQ(1u, medias.size());
	EXPECT_EQ(DP_LEG_CODEC, medias[0].leg[0].flags);
	w.send(last); // again: nothing
	EXPECT_EQ(0, w.next().result);
	turn(500);
	unsigned made = 0;
	while (dp_side *p = dp_side_next(out)) {
		EXPECT_EQ(1, p->leg);
		made++;
	}
	EXPECT_GE(made, 14u);
	auto done = event<abi_event_play>(ABI_PLAY_DONE);
	EXPECT_EQ(77u, done.id);
	EXPECT_EQ(1, done.leg);
	EXPECT_EQ(ABI_PLAYED, done.cause);
	EXPECT_NEAR(300, done.played_ms, 25);
	EXPECT_EQ(0, w.next().type);
	EXPECT_EQ(0, plan(s, ABI_CODEC_PCMA, 8, ABI_CODEC_PCMU, 0, ABI_SESSION_UPDATE).result);
	EXPECT_EQ(DP_LEG_A_TO_U, mail.leg[0].media.flags); // relayed again
	end(s);
}

TEST_F(Media, PromptsAreFoundByTheirNames)
{
	abi_msg s = alloc();
	abi_play play = {};
	std::vector<uint8_t> wav = {'R', 'I', 'F', 'F', 0x24, 0x0c, 0, 0, 'W', 'A', 'V', 'E', 'f',
		'm', 't', ' ', 16, 0, 0, 0, 1, 0, 1, 0, 0x40, 0x1f, 0, 0, 0x80, 0x3e, 0, 0, 2, 0,
		16, 0, 'd', 'a', 't', 'a', 0, 0x0c, 0, 0};

	wav.resize(44 + 3072, 0x11); // 192 ms
	std::string sub = std::string(directory) + "/en";
	ASSERT_EQ(0, mkdir(sub.c_str(), 0700));
	std::ofstream(sub + "/busy.wav").write((char *)wav.data(), (long)wav.size());
	std::ofstream(sub + "/text.wav") << "this is no audio";
	std::ofstream(sub + "/.hidden") << "x";
	static unsigned left_out;
	left_out = 0;
	ASSERT_EQ(
		0, prompts_read(texts, directory, [](const char *, const char *) { left_out++; }));
	EXPECT_EQ(1u, prompts_count(texts));
	EXPECT_EQ(1u, left_out);
	play.kind = ABI_PLAY_FILE;
	play.loops = 2;
	strcpy(play.file, "en/ring.wav");
	EXPECT_EQ(0, plan(s, ABI_CODEC_PCMA, 8, ABI_CODEC_G722, 9).result);
	abi_msg refused = command(ABI_PLAY, s, play);
	EXPECT_EQ(-ENOENT, refused.result);
	EXPECT_EQ(ABI_FIELD_FILE, field(refused));
	strcpy(play.file, "en/busy.wav");
	EXPECT_EQ(0, command(ABI_PLAY, s, play).result);
	// What plays goes on from the memory that it began with.
	ASSERT_EQ(0, unlink((sub + "/busy.wav").c_str()));
	ASSERT_EQ(0, prompts_read(texts, directory, [](const char *, const char *) {}));
	EXPECT_EQ(0u, prompts_count(texts));
	turn(600);
	auto done = event<abi_event_play>(ABI_PLAY_DONE);
	EXPECT_EQ(ABI_PLAYED, done.cause);
	EXPECT_NEAR(384, done.played_ms, 25);
	EXPECT_NE(0, prompts_read(texts, "/nowhere/at/all", [](const char *, const char *) {}));
	end(s);
}

TEST_F(Media, MusicStopsWhenItIsToldTo)
{
	abi_msg s = alloc();
	abi_play tone = {};
	abi_play_stop stop = {};

	tone.kind = ABI_PLAY_TONE;
	tone.id = 1;
	tone.tones = 1;
	tone.tone[0].hz[0] = 425;
	EXPECT_EQ(0, plan(s, ABI_CODEC_PCMA, 8, ABI_CODEC_G722, 9).result);
	EXPECT_EQ(0, command(ABI_PLAY_STOP, s, stop).result); // nothing plays
	EXPECT_EQ(0, command(ABI_PLAY, s, tone).result);
	tone.id = 2;
	w.next();
	EXPECT_EQ(0, command(ABI_PLAY, s, tone).result);
	EXPECT_EQ(ABI_PLAY_REPLACED, event<abi_event_play>(ABI_PLAY_DONE).cause);
	EXPECT_EQ(0, command(ABI_PLAY_STOP, s, stop).result);
	auto done = event<abi_event_play>(ABI_PLAY_DONE);
	EXPECT_EQ(ABI_PLAY_STOPPED, done.cause);
	EXPECT_EQ(2u, done.id);
	EXPECT_EQ(0, command(ABI_PLAY, s, tone).result);
	end(s); // of an ended session nothing more is told
	EXPECT_EQ(0, w.next().type);
}

TEST_F(Media, DigitsGoToTheParty)
{
	abi_msg s = alloc();
	abi_dtmf_send digits = {};

	digits.count = 2;
	digits.digit[0] = 5;
	digits.leg = 1;
	EXPECT_EQ(0, plan(s, ABI_CODEC_PCMA, 8, ABI_CODEC_G722, 9, ABI_SESSION_ADD, [](auto &p) {
		p.leg[1].dtmf_type = p.terms[1].dtmf_out = 101;
		p.terms[1].dtmf = ABI_DTMF_EVENT;
	}).result);
	EXPECT_EQ(0, command(ABI_DTMF_SEND, s, digits).result);
	turn(500);
	unsigned events = 0;
	while (dp_side *p = dp_side_next(out))
		events += p->kind == DP_SIDE_RTP && (dp_side_bytes(p)[1] & 0x7f) == 101;
	EXPECT_GE(events, 10u);
	digits.digit[0] = ABI_DTMF_FLASH;
	digits.how = ABI_DTMF_INBAND;
	abi_msg refused = command(ABI_DTMF_SEND, s, digits);
	EXPECT_EQ(-EINVAL, refused.result);
	EXPECT_EQ(ABI_FIELD_DTMF, field(refused));
	end(s);
}

TEST_F(Media, WithoutACodecThereIsNothingToPlayInto)
{
	abi_msg s = w.session();
	abi_play tone = {};
	abi_play_stop stop = {};
	abi_dtmf_send digits = {};

	tone.kind = ABI_PLAY_TONE;
	tone.tones = digits.count = 1;
	tone.tone[0].hz[0] = 425;
	EXPECT_EQ(-EINVAL, command(ABI_PLAY, s, tone).result);
	EXPECT_EQ(-EINVAL, command(ABI_DTMF_SEND, s, digits).result);
	EXPECT_EQ(0, command(ABI_PLAY_STOP, s, stop).result);
}

TEST_F(Media, APlainSessionIsRecordedAndTheFileCanBeRead)
{
	abi_msg s = w.session();
	abi_record record = {};
	abi_record_stop stop = {};

	record.kind = ABI_RECORD_WAV;
	record.legs = 3;
	record.id = 5;
	record.codec[0][0] = record.codec[1][0] = {ABI_CODEC_PCMU, 0, 0, 0};
	strcpy(record.file, "2026/11/a.wav");
	EXPECT_EQ(0, command(ABI_RECORD, s, record).result);
	ASSERT_EQ(1u, medias.size());
	EXPECT_EQ(DP_LEG_RECORD, medias[0].leg[0].flags);
	EXPECT_EQ(DP_LEG_RECORD, medias[0].leg[1].flags);
	EXPECT_EQ(1u, abi_load32(&w.region.a->recordings));
	EXPECT_EQ(-EBUSY, command(ABI_RECORD, s, record).result);
	for (uint16_t n = 0; n < 100; n++) {
		heard(0, s, n);
		turn(20);
	}
	stop.id = 4; // of another
	EXPECT_EQ(0, command(ABI_RECORD_STOP, s, stop).result);
	EXPECT_EQ(0, w.next().type);
	stop.id = 5;
	EXPECT_EQ(0, command(ABI_RECORD_STOP, s, stop).result);
	auto done = event<abi_event_record>(ABI_RECORD_DONE);
	EXPECT_EQ(5u, done.id);
	EXPECT_EQ(ABI_RECORDED, done.cause);
	EXPECT_EQ(100u, done.packets);
	EXPECT_EQ(0, done.error);
	EXPECT_NEAR(2000, done.ms, 100);
	std::string wav = file("2026/11/a.wav");
	EXPECT_EQ(done.octets, wav.size());
	EXPECT_NEAR(44 + 2 * 2 * 8000 * 2, wav.size(), 4000);
	EXPECT_EQ("RIFF", wav.substr(0, 4));
	EXPECT_EQ(wav.size() - 44,
		(uint32_t)((uint8_t)wav[40] | (uint8_t)wav[41] << 8 | (uint8_t)wav[42] << 16));
	size_t loud[2] = {};
	for (size_t i = 44; i + 4 <= wav.size(); i += 4) {
		loud[0] += abs((int16_t)((uint8_t)wav[i] | wav[i + 1] << 8)) > 1000;
		loud[1] += abs((int16_t)((uint8_t)wav[i + 2] | wav[i + 3] << 8)) > 1000;
	}
	EXPECT_GT(loud[0], 14000u); // of 16,000: left speaks,
	EXPECT_EQ(0u, loud[1]);     // right is silent
	EXPECT_EQ(0u, abi_load32(&w.region.a->recordings));
}

TEST_F(Media, APcapOfACallThatEnds)
{
	abi_msg s = alloc();
	abi_record record = {};

	record.kind = ABI_RECORD_PCAP;
	record.legs = 1;
	strcpy(record.file, "b.pcap");
	EXPECT_EQ(0, plan(s, ABI_CODEC_PCMU, 0, ABI_CODEC_G722, 9).result);
	EXPECT_EQ(0, command(ABI_RECORD, s, record).result);
	ASSERT_EQ(1u, medias.size());
	EXPECT_EQ(DP_LEG_CODEC | DP_LEG_RECORD, medias[0].leg[0].flags);
	EXPECT_EQ(DP_LEG_CODEC, medias[0].leg[1].flags);
	// Another plan keeps it.
	EXPECT_EQ(0, plan(s, ABI_CODEC_PCMU, 0, ABI_CODEC_GSM, 3, ABI_SESSION_UPDATE).result);
	EXPECT_EQ(DP_LEG_CODEC | DP_LEG_RECORD, mail.leg[0].media.flags);
	heard(0, s, 1);
	heard(1, s, 1); // is not recorded
	heard(0, s, 2);
	turn();
	end(s);
	turn();
	abi_msg m = w.next();
	abi_event_record done;
	ASSERT_EQ(ABI_RECORD_DONE, m.type);
	EXPECT_EQ(s.generation, m.generation);
	memcpy(&done, m.payload, sizeof(done));
	EXPECT_EQ(ABI_RECORD_SESSION, done.cause);
	EXPECT_EQ(2u, done.packets);
	EXPECT_EQ(24u + 2 * (16 + 200), file("b.pcap").size());
}

TEST_F(Media, RecordingsThatCannotBeMade)
{
	abi_msg s = w.session();
	abi_record record = {};

	record.kind = ABI_RECORD_PCAP;
	record.legs = 1;
	strcpy(record.file, "there");
	std::ofstream(std::string(directory) + "/there") << "precious";
	EXPECT_EQ(0, command(ABI_RECORD, s, record).result);
	auto done = event<abi_event_record>(ABI_RECORD_DONE);
	EXPECT_EQ(ABI_RECORD_FAILED, done.cause);
	EXPECT_EQ(-EEXIST, done.error);
	EXPECT_EQ("precious", file("there"));
	EXPECT_EQ(1u, w.counter(AGENT_RECORDINGS_FAILED));
	// A link leads nowhere else.
	ASSERT_EQ(0, symlink("/tmp", (std::string(directory) + "/out").c_str()));
	memset(record.file, 0, sizeof(record.file));
	strcpy(record.file, "out/hawse-test-escaped");
	EXPECT_EQ(0, command(ABI_RECORD, s, record).result);
	EXPECT_EQ(ABI_RECORD_FAILED, event<abi_event_record>(ABI_RECORD_DONE).cause);
	EXPECT_NE(0, access("/tmp/hawse-test-escaped", F_OK));
	record.max_octets = 500;
	memset(record.file, 0, sizeof(record.file));
	strcpy(record.file, "limited");
	EXPECT_EQ(0, command(ABI_RECORD, s, record).result);
	for (uint16_t n = 0; n < 5; n++)
		heard(0, s, n);
	turn();
	EXPECT_EQ(ABI_RECORD_LIMIT, event<abi_event_record>(ABI_RECORD_DONE).cause);
}
