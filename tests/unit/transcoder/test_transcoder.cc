// SPDX-License-Identifier: BSD-3-Clause
// A transcoder without its thread: packets in by a ring, turns of a millisecond, packets out by a ring.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "dataplane/abi/shm.h"
#include "dataplane/codec/g711.h"
#include "dataplane/worker/transcoder.h"

namespace
{
using Bytes = std::vector<uint8_t>;

struct Packet {
	uint8_t kind, leg;
	Bytes bytes;

	uint8_t type() const
	{
		return bytes[1] & 0x7f;
	}
	bool marker() const
	{
		return bytes[1] & 0x80;
	}
	uint16_t seq() const
	{
		return (uint16_t)(bytes[2] << 8 | bytes[3]);
	}
	uint32_t word(size_t at) const
	{
		return (uint32_t)bytes[at] << 24 | bytes[at + 1] << 16 | bytes[at + 2] << 8 |
		       bytes[at + 3];
	}
	uint32_t timestamp() const
	{
		return word(4);
	}
	uint32_t ssrc() const
	{
		return word(8);
	}
	size_t size() const
	{
		return bytes.size() - 12;
	}
};

struct Side {
	unsigned codec, type;
	uint8_t dtmf = CODEC_DTMF_NONE;
	uint8_t event_type = CODEC_NO_TYPE;
	uint8_t ptime = 20;
};

const Side pcmu = {CODEC_PCMU, 0}, pcma = {CODEC_PCMA, 8}, g722 = {CODEC_G722, 9};

Side with_digits(Side s, uint8_t dtmf, uint8_t type = CODEC_NO_TYPE)
{
	s.dtmf = dtmf;
	s.event_type = type;
	return s;
}

struct Transcoder : testing::Test {
	struct dp_transcoder *t = nullptr;
	struct dp_side_ring *in = dp_side_new(), *out = dp_side_new();
	uint64_t now = abi_now_us() + 1000000;
	unsigned nudges = 0;

	Transcoder()
	{
		dp_transcoder_config c = {};

		c.workers = 1;
		c.sessions = 16;
		c.in[0] = in;
		c.out[0] = out;
		c.nudge = [](void *ctx, unsigned worker) {
			EXPECT_EQ(0u, worker);
			static_cast<Transcoder *>(ctx)->nudges++;
		};
		c.ctx = this;
		c.agent_bell = -1;
		EXPECT_EQ(0, dp_transcoder_create(&t, &c));
	}
	~Transcoder()
	{
		dp_transcoder_free(t);
		dp_side_free(in);
		dp_side_free(out);
	}

	dp_tc_order *order(uint32_t type, uint32_t slot = 3)
	{
		dp_tc_order *o = (dp_tc_order *)calloc(1, sizeof(*o));

		o->type = type;
		o->slot = slot;
		o->generation = 5;
		return o;
	}

	static codec_side side(const Side &s)
	{
		codec_side c = {};

		codec_format_init(&c.format, codec_by_id(s.codec));
		c.format.ptime = s.ptime;
		c.type = (uint8_t)s.type;
		c.cn_type = CODEC_NO_TYPE;
		c.event_type = s.event_type;
		return c;
	}

	static codec_path *path(const Side *from, const Side &to)
	{
		codec_path_config c = {};
		codec_path *p = nullptr;

		if (from)
			c.from = side(*from);
		else
			c.from.cn_type = c.from.event_type = CODEC_NO_TYPE;
		c.to = side(to);
		c.dtmf_from = from ? from->dtmf : (uint8_t)CODEC_DTMF_NONE;
		c.dtmf_to = to.dtmf;
		c.seq = 1000;
		EXPECT_EQ(0, codec_path_open(&p, &c));
		return p;
	}

	// Sets the session; what comes back is closed.
	bool mute = false; // leg 1's party is sent nothing
	int set(const Side *a, const Side *b, bool fresh = true, bool report = false)
	{
		dp_tc_order *o = order(DP_TC_SET);

		if (fresh)
			o->set.session = dp_tc_session_new();
		o->set.path[0] = b ? path(a, *b) : nullptr;
		o->set.path[1] = a ? path(b, *a) : nullptr;
		for (auto &terms : o->set.terms) {
			terms.rtcp = true;
			terms.report = report;
			terms.clock = 8000;
			terms.how = ABI_DTMF_EVENT;
		}
		o->set.terms[1].mute = mute;
		return carry_out(o);
	}

	int carry_out(dp_tc_order *o)
	{
		EXPECT_EQ(0, dp_transcoder_send(t, o));
		tick();
		dp_tc_order *back = dp_transcoder_reply(t);
		EXPECT_EQ(o, back);
		int result = o->result;
		if (o->type == DP_TC_SET || o->type == DP_TC_DROP) {
			codec_path_close(o->set.path[0]);
			codec_path_close(o->set.path[1]);
			free(o->set.session);
		}
		free(o);
		return result;
	}

	unsigned tick(unsigned ms = 1)
	{
		unsigned wait = 0;

		while (ms--) {
			now += 1000;
			wait = dp_transcoder_turn(t, now);
		}
		return wait;
	}

	void put(unsigned leg, const Bytes &packet, uint8_t kind = DP_SIDE_RTP,
		uint32_t generation = 5)
	{
		dp_side *s = dp_side_place(in, (uint32_t)packet.size());

		ASSERT_NE(nullptr, s);
		*s = {};
		s->size = (uint16_t)packet.size();
		s->kind = kind;
		s->leg = (uint8_t)leg;
		s->slot = 3;
		s->generation = generation;
		s->time = (now << 14) / 15625;
		memcpy(dp_side_bytes(s), packet.data(), packet.size());
		dp_side_commit(in, s);
	}

	std::vector<Packet> take(uint8_t kind = DP_SIDE_RTP)
	{
		std::vector<Packet> got;

		while (dp_side *s = dp_side_next(out))
			if (s->kind == kind)
				got.push_back({s->kind, s->leg,
					Bytes(dp_side_bytes(s), dp_side_bytes(s) + s->size)});
		return got;
	}

	static Bytes rtp(uint8_t type, uint16_t seq, uint32_t timestamp, const Bytes &payload,
		uint32_t ssrc = 0x11223344)
	{
		Bytes p = {0x80, type, (uint8_t)(seq >> 8), (uint8_t)seq};

		for (uint32_t v : {timestamp, ssrc})
			for (int shift = 24; shift >= 0; shift -= 8)
				p.push_back((uint8_t)(v >> shift));
		p.insert(p.end(), payload.begin(), payload.end());
		return p;
	}

	static Bytes tone(unsigned packet, unsigned samples = 160, double hz = 1000)
	{
		std::vector<int16_t> pcm(samples);
		Bytes u(samples);

		for (unsigned i = 0; i < samples; i++)
			pcm[i] = (int16_t)(8000 *
					   sin(2 * M_PI * hz * (packet * samples + i) / 8000));
		g711_ulaw_encode(u.data(), pcm.data(), samples);
		return u;
	}

	// Packets first..first+n-1 of a PCMU stream, 20 ms apart.
	void speak(unsigned n, unsigned first = 0, unsigned leg = 0)
	{
		for (unsigned i = first; i < first + n; i++) {
			put(leg, rtp(0, (uint16_t)i, i * 160, tone(i)));
			tick(20);
		}
	}

	bool digit(abi_event_dtmf *digit)
	{
		dp_tc_event e;

		if (!dp_transcoder_event(t, &e))
			return false;
		EXPECT_EQ(3u, e.slot);
		EXPECT_EQ(5u, e.generation);
		*digit = e.digit;
		return true;
	}
};
} // namespace

TEST_F(Transcoder, AStreamOfItsOwnWithoutGaps)
{
	ASSERT_EQ(0, set(&pcmu, &g722));
	speak(50);
	tick(100);
	std::vector<Packet> got = take();
	ASSERT_GE(got.size(), 49u);
	EXPECT_LE(got.size(), 51u);
	for (size_t i = 0; i < got.size(); i++) {
		EXPECT_EQ(1, got[i].leg);
		EXPECT_EQ(9, got[i].type());
		EXPECT_EQ(160u, got[i].size());
		EXPECT_EQ((uint16_t)(got[0].seq() + i), got[i].seq());
		EXPECT_EQ(got[0].timestamp() + 160u * i, got[i].timestamp());
		EXPECT_EQ(got[0].ssrc(), got[i].ssrc());
		EXPECT_EQ(i == 0, got[i].marker());
	}
	EXPECT_NE(0x11223344u, got[0].ssrc());
	EXPECT_GT(nudges, 0u);
	EXPECT_EQ(50u, abi_load64(&dp_transcoder_counters(t)->packets_in));
	EXPECT_EQ(got.size(), abi_load64(&dp_transcoder_counters(t)->packets_out));
}

TEST_F(Transcoder, TheStreamGoesOnThroughACodecChange)
{
	ASSERT_EQ(0, set(&pcmu, &g722));
	speak(20);
	ASSERT_EQ(0, set(&pcmu, &pcma, false));
	speak(20, 20);
	std::vector<Packet> got = take();
	ASSERT_GE(got.size(), 38u);
	EXPECT_EQ(9, got.front().type());
	EXPECT_EQ(8, got.back().type());
	for (size_t i = 1; i < got.size(); i++) {
		EXPECT_EQ((uint16_t)(got[i - 1].seq() + 1), got[i].seq());
		EXPECT_EQ(got[0].ssrc(), got[i].ssrc());
		EXPECT_LE(got[i].timestamp() - got[i - 1].timestamp(), 480u);
	}
}

TEST_F(Transcoder, AHeldPartyMissesNoNumbers)
{
	ASSERT_EQ(0, set(&pcmu, &g722));
	speak(20);
	std::vector<Packet> before = take();
	ASSERT_FALSE(before.empty());
	mute = true;
	ASSERT_EQ(0, set(&pcmu, &g722, false));
	speak(20, 20);
	for (const Packet &p : take())
		EXPECT_NE(1, p.leg);
	mute = false;
	ASSERT_EQ(0, set(&pcmu, &g722, false));
	speak(20, 40);
	std::vector<Packet> after = take();
	ASSERT_FALSE(after.empty());
	EXPECT_EQ((uint16_t)(before.back().seq() + 1), after[0].seq());
	EXPECT_EQ(before[0].ssrc(), after[0].ssrc());
	EXPECT_TRUE(after[0].marker());
	EXPECT_FALSE(after[1].marker());
	EXPECT_GE(after[0].timestamp() - before.back().timestamp(), 20u * 160);
}

TEST_F(Transcoder, PacketTimesAreConverted)
{
	Side slow = pcma;

	slow.ptime = 60;
	ASSERT_EQ(0, set(&pcmu, &slow));
	speak(30);
	tick(50);
	std::vector<Packet> got = take();
	ASSERT_GE(got.size(), 9u);
	EXPECT_LE(got.size(), 10u);
	EXPECT_EQ(480u, got[1].size());
	EXPECT_EQ(480u, got[1].timestamp() - got[0].timestamp());
}

TEST_F(Transcoder, RubbishIsCountedAndHurtsNothing)
{
	ASSERT_EQ(0, set(&pcmu, &g722));
	speak(5);
	take();
	put(0, Bytes(1, 0x80));
	put(0, Bytes(12, 0xff));
	put(0, rtp(77, 5, 800, tone(5)));
	put(0, rtp(0, 5, 800, tone(5)), DP_SIDE_RTP, 6);
	put(1, rtp(9, 5, 800, Bytes(1400, 3)));
	put(0, Bytes(40, 0xc8), DP_SIDE_RTCP);
	put(0, Bytes(4, 0x80), DP_SIDE_RTCP);
	tick(10);
	speak(20, 6);
	EXPECT_GE(take().size(), 19u);
	ASSERT_EQ(0, carry_out(order(DP_TC_DROP)));
	EXPECT_EQ(1u, abi_load64(&dp_transcoder_counters(t)->unknown));
	EXPECT_GE(abi_load64(&dp_transcoder_counters(t)->wrong_type), 1u);
}

TEST_F(Transcoder, ReportsSayWhatWasSentAndWhatWasLost)
{
	ASSERT_EQ(0, set(&pcmu, &g722));
	for (unsigned i = 0; i < 400; i++) {
		if (i % 10 != 9) // a tenth is lost
			put(0, rtp(0, (uint16_t)i, i * 160, tone(i)));
		tick(20);
	}
	std::vector<Packet> rtp_got, reports;
	while (dp_side *s = dp_side_next(out)) {
		Packet p = {s->kind, s->leg, Bytes(dp_side_bytes(s), dp_side_bytes(s) + s->size)};
		(s->kind == DP_SIDE_RTP ? rtp_got : reports).push_back(p);
	}
	unsigned receiver = 0, sender = 0;
	for (const Packet &p : reports) {
		size_t at = 0;

		EXPECT_EQ(p.leg == 1 ? 0x80 : 0x81, p.bytes[0]); // a block for what came
		if (p.leg == 1) { // to Bob, whom we send to and hear nothing of
			EXPECT_EQ(200, p.bytes[1]);
			EXPECT_EQ(rtp_got[0].ssrc(), p.word(4));
			EXPECT_GT(p.word(20), 10u);
			sender++;
		} else { // to Alice, who sends and gets nothing
			EXPECT_EQ(201, p.bytes[1]);
			EXPECT_EQ(0x11223344u, p.word(8));
			if (p.word(12) & 0xffffff) {
				EXPECT_NEAR(25, p.word(12) >> 24, 8); // a tenth of 256
				receiver++;
			}
		}
		for (; at < p.bytes.size();
			at += 4u * (1 + (p.bytes[at + 2] << 8 | p.bytes[at + 3])))
			ASSERT_EQ(2, p.bytes[at] >> 6);
		EXPECT_EQ(p.bytes.size(), at);
		EXPECT_EQ(202, p.bytes[p.bytes.size() - 27]); // and who we are
	}
	EXPECT_GE(sender, 1u);
	EXPECT_GE(receiver, 1u);
	EXPECT_GT(rtp_got.size(), 380u); // what was lost was made up
	ASSERT_EQ(0, carry_out(order(DP_TC_DROP)));
	EXPECT_GT(abi_load64(&dp_transcoder_counters(t)->concealed_ms), 100u);
}

TEST_F(Transcoder, EventsGoOverUnderTheOthersNumberAndAreTold)
{
	Side a = with_digits(pcmu, CODEC_DTMF_EVENT, 101),
	     b = with_digits(g722, CODEC_DTMF_EVENT, 96);
	unsigned events = 0, ends = 0;
	abi_event_dtmf heard;

	ASSERT_EQ(0, set(&a, &b, true, true));
	speak(5);
	for (unsigned i = 0; i < 8; i++) {
		uint8_t end = i >= 5 ? 0x80 : 0;
		unsigned duration = i >= 5 ? 960 : (i + 1) * 160;

		put(0, rtp(101, (uint16_t)(5 + i), 800,
			       {5, (uint8_t)(end | 10), (uint8_t)(duration >> 8),
				       (uint8_t)duration}));
		tick(20);
	}
	speak(10, 13);
	for (const Packet &p : take()) {
		if (p.type() != 96)
			continue;
		EXPECT_EQ(5, p.bytes[12]);
		events++;
		ends += p.bytes[13] >> 7;
	}
	EXPECT_GE(events, 6u);
	EXPECT_EQ(3u, ends);
	ASSERT_TRUE(digit(&heard));
	EXPECT_EQ(5, heard.digit);
	EXPECT_EQ(0, heard.leg);
	EXPECT_NEAR(120, heard.duration_ms, 30);
	EXPECT_FALSE(digit(&heard));
}

TEST_F(Transcoder, DigitsAreSentToAParty)
{
	Side b = with_digits(g722, CODEC_DTMF_EVENT, 96);
	dp_tc_order *o = order(DP_TC_DIGITS);
	std::vector<uint8_t> digits;

	ASSERT_EQ(0, set(&pcmu, &b));
	speak(5);
	o->digits.leg = 1;
	o->digits.count = 3;
	o->digits.digit[0] = 1;
	o->digits.digit[1] = 11;
	o->digits.digit[2] = 1;
	ASSERT_EQ(0, carry_out(o));
	speak(60, 5);
	unsigned ends = 0;
	for (const Packet &p : take()) {
		if (p.type() != 96)
			continue;
		ends += p.bytes[13] >> 7;
		if (p.marker())
			digits.push_back(p.bytes[12]);
	}
	EXPECT_EQ((std::vector<uint8_t>{1, 11, 1}), digits);
	EXPECT_EQ(9u, ends);
}

TEST_F(Transcoder, MoreDigitsThanWaitAreRefused)
{
	Side b = with_digits(g722, CODEC_DTMF_EVENT, 96);
	int result = 0;

	ASSERT_EQ(0, set(&pcmu, &b));
	for (unsigned n = 0; n < 3 && !result; n++) {
		dp_tc_order *o = order(DP_TC_DIGITS);

		o->digits.leg = 1;
		o->digits.count = 32;
		result = carry_out(o);
	}
	EXPECT_EQ(-EBUSY, result);
	dp_tc_order *o = order(DP_TC_DIGITS, 4);
	o->digits.count = 1;
	EXPECT_EQ(-ENOENT, carry_out(o));
}

// A tone with a cadence, to a party whose other side has not been heard of yet.
TEST_F(Transcoder, AToneIsHeardThoughNobodySpeaks)
{
	dp_tc_order *o = order(DP_TC_PLAY);

	ASSERT_EQ(0, set(nullptr, &pcma));
	o->play.leg = 1;
	o->play.id = 9;
	o->play.sound.tones = 1;
	o->play.sound.loops = 2;
	o->play.sound.tone[0] = {{425, 0}, 200, 200};
	ASSERT_EQ(0, dp_transcoder_send(t, o));
	tick(2000);
	std::vector<Packet> got = take();
	ASSERT_GE(got.size(), 39u);
	EXPECT_LE(got.size(), 42u);
	unsigned loud = 0;
	for (size_t i = 0; i < got.size(); i++) {
		int16_t pcm[160], peak = 0;

		EXPECT_EQ((uint16_t)(got[0].seq() + i), got[i].seq());
		g711_alaw_decode(pcm, &got[i].bytes[12], 160);
		for (int16_t v : pcm)
			peak = v > peak ? v : peak;
		loud += peak > 2000;
	}
	EXPECT_NEAR(20, loud, 3);
	ASSERT_EQ(o, dp_transcoder_reply(t));
	EXPECT_EQ(ABI_PLAYED, o->play.cause);
	EXPECT_EQ(9u, o->play.id);
	EXPECT_NEAR(800, o->play.sound.played * 1000 / o->play.sound.rate, 20);
	free(o);
}

TEST_F(Transcoder, WhatPlaysEndsByOrderByLimitAndByWhatComesNext)
{
	dp_tc_order *o[4];

	ASSERT_EQ(0, set(&pcmu, &pcma));
	for (unsigned i = 0; i < 4; i++) {
		o[i] = order(DP_TC_PLAY);
		o[i]->play.leg = 1;
		o[i]->play.id = i + 1;
		o[i]->play.sound.tones = 1;
		o[i]->play.sound.tone[0] = {{425, 0}, 0, 0};
	}
	o[1]->play.sound.limit = 800; // 100 ms
	ASSERT_EQ(0, dp_transcoder_send(t, o[0]));
	tick(100);
	ASSERT_EQ(0, dp_transcoder_send(t, o[1]));
	tick(1);
	EXPECT_EQ(o[0], dp_transcoder_reply(t));
	EXPECT_EQ(ABI_PLAY_REPLACED, o[0]->play.cause);
	tick(300);
	EXPECT_EQ(o[1], dp_transcoder_reply(t));
	EXPECT_EQ(ABI_PLAY_LIMIT, o[1]->play.cause);
	ASSERT_EQ(0, dp_transcoder_send(t, o[2]));
	dp_tc_order *stop = order(DP_TC_PLAY_STOP);
	stop->stop.leg = 1;
	stop->stop.id = 77; // of another
	ASSERT_EQ(0, carry_out(stop));
	tick(100);
	EXPECT_EQ(nullptr, dp_transcoder_reply(t));
	stop = order(DP_TC_PLAY_STOP);
	stop->stop.leg = 1;
	stop->stop.id = 3;
	ASSERT_EQ(0, dp_transcoder_send(t, stop));
	tick(1);
	EXPECT_EQ(o[2], dp_transcoder_reply(t));
	EXPECT_EQ(ABI_PLAY_STOPPED, o[2]->play.cause);
	EXPECT_EQ(stop, dp_transcoder_reply(t));
	free(stop);
	ASSERT_EQ(0, dp_transcoder_send(t, o[3]));
	tick(50);
	ASSERT_EQ(0, set(&pcmu, &g722, false)); // and goes on over another plan, at its rate
	take();
	tick(200);
	EXPECT_GE(take().size(), 9u);
	dp_tc_order *drop = order(DP_TC_DROP);
	ASSERT_EQ(0, dp_transcoder_send(t, drop));
	tick(1);
	EXPECT_EQ(o[3], dp_transcoder_reply(t));
	EXPECT_EQ(ABI_PLAY_GONE, o[3]->play.cause);
	EXPECT_EQ(drop, dp_transcoder_reply(t));
	codec_path_close(drop->set.path[0]);
	codec_path_close(drop->set.path[1]);
	free(drop->set.session);
	free(drop);
	for (dp_tc_order *p : o)
		free(p);
}

TEST_F(Transcoder, SleepsWithoutSessionsAndTicksWithThem)
{
	EXPECT_GT(tick(), 100000u);
	ASSERT_EQ(0, set(&pcmu, &g722));
	speak(1);
	EXPECT_EQ(1000u, tick());
	EXPECT_EQ(5000u, tick(500)); // nothing comes: longer ticks
	ASSERT_EQ(0, carry_out(order(DP_TC_DROP)));
	EXPECT_EQ(-ENOENT, carry_out(order(DP_TC_DROP)));
	EXPECT_GT(tick(), 100000u);
}

TEST_F(Transcoder, AFullRingToTheWorkerIsCounted)
{
	ASSERT_EQ(0, set(&pcmu, &g722));
	speak(4000);
	EXPECT_GT(abi_load64(&dp_transcoder_counters(t)->out_full), 100u);
	take();
	speak(10, 4000);
	EXPECT_GE(take().size(), 9u);
}

TEST_F(Transcoder, RunsAsAThread)
{
	ASSERT_EQ(0, dp_transcoder_start(t, nullptr, 0));
	dp_tc_order *o = order(DP_TC_SET), *back = nullptr;
	uint64_t end = abi_now_us() + 10000000;

	o->set.session = dp_tc_session_new();
	o->set.path[0] = path(&pcmu, pcma);
	ASSERT_EQ(0, dp_transcoder_send(t, o));
	while (!(back = dp_transcoder_reply(t)) && abi_now_us() < end)
		;
	ASSERT_EQ(o, back);
	free(o);
	size_t got = 0;
	for (unsigned i = 0; got < 5 && abi_now_us() < end; i++) {
		uint64_t next = abi_now_us() + 20000;

		put(0, rtp(0, (uint16_t)i, i * 160, tone(i)));
		while (abi_now_us() < next)
			got += take().size();
	}
	EXPECT_GE(got, 5u);
	dp_transcoder_stop(t);
}
