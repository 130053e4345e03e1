// SPDX-License-Identifier: BSD-3-Clause
// A path under what networks and senders do: order, losses, jitter, drift, restarts, junk, packet times.
#include "tests/unit/codec/rig.h"

#include <random>

using namespace rig;

namespace
{
const codec_side pcma = side(format("PCMA/8000"), 8), pcmu = side(format("PCMU/8000"), 0), g722 = side(format("G722/8000"), 9);
codec_side l16(unsigned ptime = 20)
{
	return side(format("L16/8000", "", ptime), 97);
}
std::vector<Packet> without(std::vector<Packet> packets, std::initializer_list<size_t> lost)
{
	std::vector<Packet> kept;
	for (size_t i = 0; i < packets.size(); i++)
		if (std::find(lost.begin(), lost.end(), i) == lost.end())
			kept.push_back(packets[i]);
	return kept;
}
} // namespace

TEST(Path, InOrderAddsNoDelay)
{
	Path path(pcma, g722);
	std::vector<Packet> in = Sender(pcma).speak(tone(8000, 440, 400)), out = run(path.path, in);
	ASSERT_EQ(out.size(), in.size());
	for (size_t i = 0; i < in.size(); i++)
		EXPECT_EQ(out[i].at, in[i].at);
	EXPECT_TRUE(out[0].marker);
	EXPECT_FALSE(out[1].marker);
	EXPECT_EQ(out[0].timestamp, 0xfffff000u);
	EXPECT_EQ(out[1].timestamp - out[0].timestamp, 160u);
}

TEST(Path, RefusesWhatCannotBe)
{
	codec_path *path = nullptr;
	codec_path_config c{};
	c.from = pcma;
	c.to = pcmu;
	c.to.event_type = c.to.cn_type = CODEC_NO_TYPE;
	c.to.type = 128;
	EXPECT_EQ(codec_path_open(&path, &c), -EINVAL);
	c.to = pcmu;
	c.to.cn_type = c.to.type;
	EXPECT_EQ(codec_path_open(&path, &c), -EINVAL);
	c.to = pcmu;
	c.to.format.ptime = 15;
	EXPECT_EQ(codec_path_open(&path, &c), -EINVAL);
	c.to = pcmu;
	c.to.format.id = CODEC_NONE;
	EXPECT_EQ(codec_path_open(&path, &c), -EINVAL);
	c.to = pcmu;
	c.dtmf_to = 4;
	EXPECT_EQ(codec_path_open(&path, &c), -EINVAL);
	EXPECT_EQ(path, nullptr);
}

// Every packet time into every other, 10 to 60 ms: all of the sound, in packets of the length that was asked for.
TEST(Path, PacketTimes)
{
	for (unsigned from : {10u, 20u, 30u, 40u, 50u, 60u})
		for (unsigned to : {10u, 20u, 30u, 40u, 50u, 60u}) {
			SCOPED_TRACE(std::to_string(from) + " to " + std::to_string(to));
			codec_side a = side(format("PCMA/8000", "", from), 8), b = l16(to);
			Path path(a, b);
			Pcm said = tone(8000, 500, 1200);
			std::vector<Packet> out = run(path.path, Sender(a).speak(said));
			EXPECT_EQ(out.size(), 1200 / to);
			expect_one_stream(out, b, 65530);
			for (const Packet &p : out)
				EXPECT_EQ(p.payload.size(), 16 * to);
			Pcm heard = listen(b, out, 0xfffff000u);
			EXPECT_NEAR(amplitude(heard, 100, 9000, 500, 8000), 8000, 200);
			EXPECT_LT(largest_step(heard, 0, 9600), 8000 * 2 * M_PI * 500 / 8000 * 1.15);
		}
}

TEST(Path, ReorderedAndDoubledPacketsDoNoHarm)
{
	Path path(pcma, l16());
	Pcm said = tone(8000, 500, 2000);
	std::vector<Packet> in = Sender(pcma).speak(said);
	for (size_t i = 10; i + 3 < in.size(); i += 10)
		in[i].at = in[i + 1].at + 1000; // overtaken by one
	std::vector<Packet> twice;
	for (size_t i = 0; i < in.size(); i++) {
		twice.push_back(in[i]);
		if (i % 7 == 0)
			twice.push_back(in[i]);
	}
	std::vector<Packet> out = run(path.path, twice);
	ASSERT_EQ(out.size(), in.size());
	expect_one_stream(out, l16(), 65530);
	EXPECT_LT(largest_step(listen(l16(), out, 0xfffff000u), 0, 16000), 8000 * 2 * M_PI * 500 / 8000 * 1.15);
	EXPECT_EQ(path.stats().lost, 0u);
	EXPECT_EQ(path.stats().concealed_ms, 0u);
	EXPECT_EQ(path.stats().duplicate, (in.size() + 6) / 7);
	EXPECT_GT(path.stats().reordered, 5u);
}

// Late in order is not lost: nothing is made up, and a decoder that predicts stays where its encoder is.
TEST(Path, LatePacketsInOrderChangeNothing)
{
	for (const char *name : {"G729/8000", "AMR/8000", "AMR-WB/16000", "opus/48000/2", "speex/8000"}) {
		if (!built(name))
			continue;
		SCOPED_TRACE(name);
		codec_side from = side(format(name, strncmp(name, "G729", 4) == 0 ? "annexb=no" : ""), 96);
		Path calm(from, l16()), late(from, l16());
		std::vector<Packet> in = Sender(from).speak(tone(from.format.sample_rate, 1100, 2000));
		std::vector<Packet> direct = run(calm.path, in, in.back().at + 30000);
		for (size_t i = 10; i + 5 < in.size(); i += 20)
			for (size_t k = 0; k < 4; k++)
				in[i + k].at = in[i + 4].at + 100;
		std::vector<Packet> out = run(late.path, in, in.back().at + 30000);
		ASSERT_EQ(out.size(), direct.size());
		for (size_t i = 0; i < out.size(); i++)
			ASSERT_EQ(out[i].payload, direct[i].payload) << i;
		EXPECT_EQ(late.stats().concealed_ms + late.stats().silence_ms, 0u);
	}
}

// A stream whose packets come much too late at first: later they are waited for.
TEST(Path, LearnsToWaitForLatePackets)
{
	Path path(pcma, l16());
	std::vector<Packet> in = Sender(pcma).speak(tone(8000, 500, 8000));
	for (size_t i = 10; i + 4 < in.size(); i += 10)
		in[i].at += 70000;
	run(path.path, in);
	EXPECT_GE(path.stats().late, 1u);
	EXPECT_LE(path.stats().late, 4u) << "it does not learn";
	EXPECT_EQ(path.stats().lost, path.stats().late);
}

namespace
{
const char *const lossy[] = {"PCMA/8000", "PCMU/8000", "G722/8000", "L16/16000", "GSM/8000", "G726-32/8000", "opus/48000/2", "G729/8000",
	"speex/8000", "speex/16000", "AMR/8000", "AMR-WB/16000"};
codec_side lossy_side(const char *name)
{
	return side(format(name, strncmp(name, "G729", 4) == 0 ? "annexb=no" : ""), 96);
}
// Codecs that predict from what they decoded before take a while to find back to a sound that does not change.
bool predicts(const codec_side &s)
{
	switch (s.format.id) {
	case CODEC_G729:
	case CODEC_SPEEX:
	case CODEC_AMR:
	case CODEC_AMR_WB:
		return true;
	default:
		return false;
	}
}
} // namespace

TEST(Path, LossIsConcealedInTime)
{
	for (const char *name : lossy) {
		if (!built(name))
			continue;
		SCOPED_TRACE(name);
		codec_side from = lossy_side(name), to = l16();
		Path path(from, to);
		unsigned rate = from.format.sample_rate;
		std::vector<Packet> all = Sender(from).speak(vowel(rate, 1000));
		std::vector<Packet> out = run(path.path, without(all, {20, 33, 34}), all.back().at + 30000);
		ASSERT_EQ(out.size(), all.size()) << "the time of what was lost is kept";
		expect_one_stream(out, to, 65530);
		EXPECT_EQ(path.stats().lost, 3u);
		EXPECT_NEAR(path.stats().concealed_ms, 60, 1);
		Pcm heard = listen(to, out, 0xfffff000u);
		// No click: no step is much larger than the vowel's own, and there is sound where it was lost.
		int usual = largest_step(heard, 1600, 3000);
		double loud = rms(heard, 1600, 3000);
		EXPECT_LT(largest_step(heard, 3000, 6800), usual * 1.5);
		EXPECT_GT(rms(heard, 3200 + 80, 3200 + 400), loud / (predicts(from) ? 10 : 3)) << "concealed by silence";
		EXPECT_NEAR(20 * std::log10(rms(heard, 7000, 7900) / loud), 0, predicts(from) ? 7.0 : 2.0) << "it does not recover";
	}
}

// A tenth of the packets lost costs little of what can be understood.
TEST(Path, SpeechSurvivesLosses)
{
	Pcm reference = speech(8000);
	for (const char *name : lossy) {
		if (!built(name))
			continue;
		SCOPED_TRACE(name);
		codec_side from = lossy_side(name);
		double distances[2];
		for (bool losses : {false, true}) {
			Path path(from, l16());
			std::vector<Packet> all = Sender(from).speak(speech(from.format.sample_rate)), kept;
			for (size_t i = 0; i < all.size(); i++)
				if (!losses || i % 10 != 7)
					kept.push_back(all[i]);
			Pcm heard = listen(l16(), run(path.path, kept), 0xfffff000u);
			distances[losses] = distance(reference, heard);
			EXPECT_EQ(path.stats().lost, all.size() - kept.size());
		}
		EXPECT_LT(distances[1], distances[0] + 2.0);
	}
}

TEST(Path, OpusGetsBackWhatTheNextPacketCarries)
{
	codec_side from = side(format("opus/48000/2", "useinbandfec=1"), 96), to = l16();
	Path path(from, to);
	Pcm said = speech(48000);
	codec_side lossy = from;
	lossy.format.loss = 30;
	std::vector<Packet> all = Sender(lossy).speak(said), kept;
	for (size_t i = 0; i < all.size(); i++)
		if (i % 8 != 5)
			kept.push_back(all[i]);
	Pcm heard = listen(to, run(path.path, kept), 0xfffff000u);
	EXPECT_GT(path.stats().recovered, path.stats().lost / 2);
	EXPECT_LT(distance(speech(8000), heard), 3.5);
}

// A long loss fades away and does not hum on; the stream goes on in time.
TEST(Path, ALongLossIsAPause)
{
	Path path(pcma, l16());
	std::vector<Packet> all = Sender(pcma).speak(tone(8000, 400, 2000)), kept;
	for (size_t i = 0; i < all.size(); i++)
		if (i < 30 || i >= 55)
			kept.push_back(all[i]);
	std::vector<Packet> out = run(path.path, kept);
	EXPECT_LE(path.stats().concealed_ms, 120u);
	EXPECT_EQ(path.stats().lost, 25u);
	expect_one_stream(out, l16(), 65530);
	EXPECT_EQ(out.back().timestamp, 0xfffff000u + 99 * 160u);
	unsigned markers = 0;
	for (const Packet &p : out)
		markers += p.marker;
	EXPECT_EQ(markers, 2u);
	EXPECT_LT(rms(listen(l16(), out, 0xfffff000u), 4800 + 800, 4800 + 3900), 10);
}

TEST(Path, AHoldKeepsTheStream)
{
	Path path(pcma, l16());
	Sender sender(pcma);
	std::vector<Packet> in = sender.speak(tone(8000, 400, 200)), more;
	// Some senders' timestamps go on while they hold, some stop, some leap.
	more = sender.speak(tone(8000, 400, 200), 6000000);
	in.insert(in.end(), more.begin(), more.end());
	sender.pause(4800);
	more = sender.speak(tone(8000, 400, 200), 11000000);
	in.insert(in.end(), more.begin(), more.end());
	sender.pause(100000000);
	more = sender.speak(tone(8000, 400, 200), 16000000);
	in.insert(in.end(), more.begin(), more.end());
	std::vector<Packet> out = run(path.path, in);
	ASSERT_EQ(out.size(), 40u);
	expect_one_stream(out, l16(), 65530);
	EXPECT_EQ(out[10].timestamp - out[9].timestamp, 160u);
	EXPECT_EQ(out[20].timestamp - out[19].timestamp, 160u + 4800 * 8);
	EXPECT_TRUE(out[20].marker);
	EXPECT_NEAR((double)(out[30].timestamp - out[29].timestamp), 4820 * 8, 400);
	EXPECT_EQ(path.stats().concealed_ms, 0u);
}

TEST(Path, AnotherSsrcGoesOnInTheSameStream)
{
	Path path(pcma, l16());
	std::vector<Packet> in = Sender(pcma, 1, 100, 77).speak(tone(8000, 400, 200));
	std::vector<Packet> more = Sender(pcma, 2, 40000, 0x80000000u).speak(tone(8000, 400, 200), 1200000);
	in.insert(in.end(), more.begin(), more.end());
	std::vector<Packet> out = run(path.path, in);
	ASSERT_EQ(out.size(), 20u);
	expect_one_stream(out, l16(), 65530);
	EXPECT_EQ(out[10].timestamp - out[9].timestamp, 160u);
	EXPECT_EQ(path.stats().restarts, 1u);
	EXPECT_EQ(path.stats().lost, 0u);
}

TEST(Path, ASenderThatStartsAnewIsFollowed)
{
	Path path(pcma, l16());
	std::vector<Packet> in = Sender(pcma, 1, 100, 77).speak(tone(8000, 400, 200));
	std::vector<Packet> more = Sender(pcma, 1, 30000, 0x70000000u).speak(tone(8000, 400, 200), 1200000);
	in.insert(in.end(), more.begin(), more.end());
	std::vector<Packet> out = run(path.path, in);
	EXPECT_GE(out.size(), 19u);
	expect_one_stream(out, l16(), 65530);
}

// Twice as fast as time: half of it is thrown away, and neither memory nor work grows.
TEST(Path, TwiceTheRateIsRefused)
{
	Path path(pcma, l16());
	std::vector<Packet> in = Sender(pcma).speak(tone(8000, 400, 20000));
	for (Packet &p : in)
		p.at = 1000000 + (p.at - 1000000) / 2;
	std::vector<Packet> out = run(path.path, in);
	EXPECT_GT(path.stats().too_fast, 400u);
	EXPECT_LT(out.size(), 600u);
	expect_one_stream(out, l16(), 65530);
	// A burst behind a stall of the network is not that.
	Path patient(pcma, l16());
	in = Sender(pcma).speak(tone(8000, 400, 4000));
	for (Packet &p : in)
		if (p.at > 2000000 && p.at < 2600000)
			p.at = 2600000;
	EXPECT_EQ(run(patient.path, in).size(), 200u);
	EXPECT_EQ(patient.stats().too_fast, 0u);
}

// Senders that count G.722 in samples, or packets wrongly: no storm of pauses.
TEST(Path, TimestampsThatRunAheadAreNotBelieved)
{
	Path path(g722, l16());
	std::vector<Packet> in = Sender(g722).speak(tone(16000, 400, 10000));
	for (size_t i = 0; i < in.size(); i++)
		in[i].timestamp = (uint32_t)(320 * i);
	std::vector<Packet> out = run(path.path, in);
	expect_one_stream(out, l16(), 65530);
	EXPECT_GE(out.size(), 495u);
	EXPECT_LT(out.back().timestamp - out.front().timestamp, 12000u * 8);
}

TEST(Path, CorruptPayloadsAreConcealed)
{
	struct Junk {
		const char *name;
		std::vector<uint8_t> payload;
	};
	const Junk junk[] = {{"GSM/8000", {1, 2, 3}}, {"G729/8000", {1, 2, 3}}, {"opus/48000/2", {0xff}}, {"AMR/8000", {0xf0, 0xff}},
		{"AMR-WB/16000", {0}}, {"L16/16000", {1, 2, 3}}, {"G726-40/8000", {1, 2, 3}}, {"PCMA/8000", {}}, {"G722/8000", {}}};
	for (const Junk &j : junk) {
		if (!built(j.name))
			continue;
		SCOPED_TRACE(j.name);
		codec_side from = side(format(j.name), 96);
		Path path(from, l16());
		std::vector<Packet> in = Sender(from).speak(tone(from.format.sample_rate, 400, 400));
		size_t count = in.size();
		in[count / 2].payload = j.payload;
		std::vector<Packet> out = run(path.path, in, in.back().at + 30000);
		EXPECT_EQ(path.stats().corrupt, 1u);
		EXPECT_EQ(out.size(), count);
		expect_one_stream(out, l16(), 65530);
	}
}

TEST(Path, UnknownTypesAndLongPayloadsAreCounted)
{
	Path path(pcma, l16());
	std::vector<Packet> in = Sender(pcma).speak(tone(8000, 400, 200));
	in[3].type = 0; // another codec all of a sudden
	in[5].payload.resize(1400, 0xd5);
	in[7].type = 101;
	std::vector<Packet> out = run(path.path, in);
	EXPECT_EQ(path.stats().wrong_type, 2u);
	EXPECT_EQ(path.stats().too_long, 1u);
	EXPECT_EQ(path.stats().lost, 3u);
	EXPECT_EQ(out.size(), 10u);
}

// ---- playout by the clock

namespace
{
// Every frame of a playout path, in 20 ms of L16, and when it was given out.
void playout(codec_path_config &c)
{
	c.flags |= CODEC_PATH_PLAYOUT;
}
double worst_pace(const std::vector<Packet> &out, size_t from)
{
	double worst = 0;
	for (size_t i = from; i < out.size(); i++)
		worst = std::max(worst, std::abs((double)(out[i].at - out[i - 1].at) - 20000));
	return worst;
}
} // namespace

TEST(Playout, JitterIsTakenOut)
{
	Path path(pcma, l16(), playout);
	std::vector<Packet> in = Sender(pcma).speak(tone(8000, 500, 10000));
	std::mt19937 random(1);
	for (Packet &p : in)
		p.at += random() % 40000;
	std::vector<Packet> out = run(path.path, in);
	expect_one_stream(out, l16(), 65530);
	EXPECT_LT(path.stats().concealed_ms, 200u);
	EXPECT_LT(worst_pace(out, 100), 20001) << "but for a frame more or less";
	EXPECT_LT(path.stats().delay_us, 80000u);
	size_t smooth = 0;
	for (size_t i = 100; i < out.size(); i++)
		smooth += std::abs((double)(out[i].at - out[i - 1].at) - 20000) < 1000;
	EXPECT_GT(smooth, (out.size() - 100) * 98 / 100);
}

// A sender whose clock is 200 ppm off, either way, for five minutes: the delay stays what it is.
TEST(Playout, ClockDriftIsTakenUp)
{
	for (double drift : {1.0002, 0.9998}) {
		Path path(pcma, l16(), playout);
		std::vector<Packet> in;
		std::vector<uint8_t> payload(160, 0xd5);
		for (unsigned i = 0; i < 15000; i++)
			in.push_back({payload, (uint16_t)i, i * 160, 1, 8, i == 0, 1000000 + (uint64_t)(i * 20000 * drift)});
		std::vector<Packet> out = run(path.path, in);
		expect_one_stream(out, l16(), 65530);
		EXPECT_LT(path.stats().delay_us, 60000u) << drift;
		EXPECT_NEAR((double)(drift > 1 ? path.stats().stretched : path.stats().shrunk), 3, 2) << drift;
		EXPECT_EQ(path.stats().lost, 0u) << drift;
	}
}

TEST(Playout, ATakenOutFrameDoesNotClick)
{
	Path path(pcma, l16(), playout);
	std::vector<Packet> in = Sender(pcma).speak(tone(8000, 200, 8000));
	for (size_t i = 0; i < 50; i++)
		in[i].at += 90000; // late at first; then the way gets shorter
	std::vector<Packet> out = run(path.path, in);
	EXPECT_GE(path.stats().shrunk, 1u);
	Pcm heard = listen(l16(), out, 0xfffff000u);
	EXPECT_LT(largest_step(heard, 800, 60000), 8000 * 2 * M_PI * 200 / 8000 * 2.2);
}

TEST(Playout, LossesAreConcealedAndAStopIsAStop)
{
	Path path(pcma, l16(), playout);
	std::vector<Packet> in = Sender(pcma).speak(tone(8000, 400, 1000));
	std::vector<Packet> out = run(path.path, without(in, {10, 11, 30}), 4000000);
	expect_one_stream(out, l16(), 65530);
	EXPECT_EQ(path.stats().lost, 3u);
	EXPECT_GE(out.size(), 50u);
	EXPECT_LE(out.size(), 56u) << "nothing is made up for long when nothing comes any more";
	EXPECT_EQ(codec_path_wake(path.path), UINT64_MAX);
}

// ---- another codec in mid-call

TEST(Path, ANewPathGoesOnWhereTheOldOneStopped)
{
	Path first(pcma, g722);
	std::vector<Packet> out = run(first.path, Sender(pcma).speak(tone(8000, 400, 200)), 1200000);
	Path second(pcmu, g722);
	codec_path_continue(second.path, first.path, 1200000);
	std::vector<Packet> in = Sender(pcmu, 1, 1010, 5000 + 1600).speak(tone(8000, 400, 200), 1200000);
	std::vector<Packet> more = run(second.path, in);
	out.insert(out.end(), more.begin(), more.end());
	ASSERT_EQ(out.size(), 20u);
	expect_one_stream(out, g722, 65530);
	EXPECT_EQ(out[10].timestamp - out[9].timestamp, 160u);
	EXPECT_TRUE(out[10].marker);
	EXPECT_EQ(second.stats().packets_in, 20u);
	EXPECT_EQ(second.stats().lost, 0u);
}

// ---- the same codec on both sides

TEST(Pass, PayloadsGoOverAsTheyAre)
{
	Path path(pcma, side(pcma.format, 100));
	Sender sender(pcma);
	std::vector<Packet> in = sender.speak(speech(8000));
	sender.pause(500);
	std::vector<Packet> more = sender.speak(tone(8000, 300, 100), in.back().at + 520000);
	in.insert(in.end(), more.begin(), more.end());
	std::vector<Packet> lossy = without(in, {5}), out = run(path.path, lossy);
	ASSERT_EQ(out.size(), lossy.size());
	for (size_t i = 0; i < out.size(); i++) {
		EXPECT_EQ(out[i].payload, lossy[i].payload);
		EXPECT_EQ(out[i].type, 100);
		EXPECT_EQ(out[i].marker, lossy[i].marker);
		EXPECT_EQ((uint16_t)(out[i].seq - out[0].seq), (uint16_t)(lossy[i].seq - lossy[0].seq)) << "a loss stays one";
		EXPECT_EQ(out[i].timestamp - out[0].timestamp, lossy[i].timestamp - lossy[0].timestamp);
	}
	EXPECT_EQ(path.stats().concealed_ms, 0u);
}

TEST(Pass, OtherPacketTimesAreNotPassed)
{
	codec_side thirty = side(format("PCMA/8000", "", 30), 8);
	Path path(pcma, thirty);
	std::vector<Packet> out = run(path.path, Sender(pcma).speak(tone(8000, 400, 600)));
	ASSERT_EQ(out.size(), 20u);
	EXPECT_EQ(out[0].payload.size(), 240u);
}
