// SPDX-License-Identifier: BSD-3-Clause
// Silence that one side leaves out and the other wants to hear, and the reverse: RFC 3389, G.729 B, AMR, Opus.
#include "tests/unit/codec/rig.h"

extern "C" {
#include "dataplane/codec/cn.h"
}

using namespace rig;

namespace
{
const codec_side pcma_cn = side(format("PCMA/8000"), 8, CODEC_NO_TYPE, 13), pcmu = side(format("PCMU/8000"), 0), l16 = side(format("L16/8000"), 97);
codec_side with(codec_side s, uint32_t flags)
{
	s.format.flags |= flags;
	return s;
}
// Speech, a second of nothing but two SIDs, speech.
std::vector<Packet> talk(const codec_side &s, uint8_t level)
{
	Sender sender(s);
	std::vector<Packet> in = sender.speak(tone(8000, 400, 400)), more;
	in.push_back(sender.packet(13, {level}, sender.timestamp(), false, 1400000));
	in.push_back(sender.packet(13, {(uint8_t)(level + 6)}, sender.timestamp() + 4000, false, 1900000));
	sender.pause(1000);
	more = sender.speak(tone(8000, 400, 400), 2400000);
	in.insert(in.end(), more.begin(), more.end());
	return in;
}
double dbov(double rms)
{
	return -20 * std::log10(rms / 32768);
}
} // namespace

TEST(Noise, HasTheLevelAndTheColourThatItsPayloadSays)
{
	cn_noise noise;
	cn_noise_init(&noise);
	for (unsigned level : {40u, 55u, 70u}) {
		uint8_t payload = (uint8_t)level;
		Pcm pcm(16000);
		ASSERT_EQ(cn_noise_read(&noise, &payload, 1), 0);
		cn_noise_make(&noise, pcm.data(), 4000);
		cn_noise_make(&noise, pcm.data(), (unsigned)pcm.size());
		EXPECT_NEAR(dbov(rms(pcm, 0, pcm.size())), level, 1.0);
	}
	// Described and made again: the same level, the same tilt.
	Pcm brown(8000), again(8000);
	double y = 0;
	unsigned seed = 1;
	for (int16_t &s : brown) {
		seed = seed * 1664525 + 1013904223;
		y = 0.9 * y + ((int)(seed >> 16) - 32768) / 400.0;
		s = (int16_t)y;
	}
	uint8_t payload[CN_PAYLOAD];
	ASSERT_EQ(cn_payload(brown.data(), 8000, CN_ORDER, payload), CN_PAYLOAD);
	ASSERT_EQ(cn_noise_read(&noise, payload, sizeof(payload)), 0);
	cn_noise_make(&noise, again.data(), 8000);
	cn_noise_make(&noise, again.data(), 8000);
	EXPECT_NEAR(dbov(rms(again, 0, 8000)), dbov(rms(brown, 0, 8000)), 1.0);
	auto tilt = [](const Pcm &p) {
		double a = 0, b = 1;
		for (size_t i = 1; i < p.size(); i++) {
			a += (double)p[i] * p[i - 1];
			b += (double)p[i] * p[i];
		}
		return a / b;
	};
	EXPECT_NEAR(tilt(again), tilt(brown), 0.05);
	EXPECT_EQ(cn_noise_read(&noise, payload, 0), -EBADMSG);
	memset(payload, 0xff, sizeof(payload));
	EXPECT_EQ(cn_noise_read(&noise, payload, sizeof(payload)), 0);
	cn_noise_make(&noise, again.data(), 8000); // stable whatever it says
	payload[0] = 0;
	EXPECT_EQ(cn_noise_read(&noise, payload, sizeof(payload)), 0);
	cn_noise_make(&noise, again.data(), 8000);
}

// The other side has no comfort noise: it hears noise of that level, without a gap.
TEST(Silence, ComfortNoiseIsMadeForWhoHasNone)
{
	Path path(pcma_cn, l16);
	std::vector<Packet> out = run(path.path, talk(pcma_cn, 50));
	expect_one_stream(out, l16, 65530);
	EXPECT_NEAR((double)out.size(), 90, 1);
	unsigned markers = 0;
	for (const Packet &p : out)
		markers += p.marker;
	EXPECT_EQ(markers, 1u) << "a stream without a pause";
	Pcm heard = listen(l16, out, 0xfffff000u);
	EXPECT_NEAR(dbov(rms(heard, 8000 * 5 / 10, 8000 * 8 / 10)), 50, 1.5);
	EXPECT_NEAR(dbov(rms(heard, 8000 * 10 / 10, 8000 * 13 / 10)), 56, 1.5);
	EXPECT_NEAR((double)(out.back().timestamp - out.front().timestamp), 89 * 160, 320) << "in time";
	EXPECT_EQ(path.stats().concealed_ms, 0u);
}

// The other side has it too, and wants it: the payload goes over.
TEST(Silence, ComfortNoiseGoesOverToWhoHasIt)
{
	codec_side to = with(side(format("PCMU/8000"), 0, CODEC_NO_TYPE, 19), CODEC_DTX);
	Path path(pcma_cn, to);
	std::vector<Packet> out = run(path.path, talk(pcma_cn, 50));
	expect_one_stream(out, to, 65530);
	ASSERT_EQ(out.size(), 42u);
	EXPECT_EQ(out[20].type, 19);
	EXPECT_EQ(out[20].payload, std::vector<uint8_t>{50});
	EXPECT_EQ(out[20].timestamp - out[19].timestamp, 160u);
	EXPECT_EQ(out[21].payload, std::vector<uint8_t>{56});
	EXPECT_EQ(out[21].timestamp - out[20].timestamp, 4000u);
	EXPECT_TRUE(out[22].marker);
	EXPECT_EQ(out[22].timestamp - out[20].timestamp, 8000u);
}

// Nobody said that he is silent, but nothing is to be heard and the other side takes comfort noise.
TEST(Silence, PausesAreLeftOutWhereThatIsWanted)
{
	codec_side to = with(side(format("PCMU/8000"), 0, CODEC_NO_TYPE, 13), CODEC_DTX);
	Path path(l16, to);
	Pcm said = speech(8000), quiet(8000 * 3);
	unsigned seed = 1;
	for (int16_t &s : quiet) {
		seed = seed * 1664525 + 1013904223;
		s = (int16_t)((int)(seed >> 16) % 60 - 30);
	}
	Pcm all = said;
	all.insert(all.end(), quiet.begin(), quiet.end());
	all.insert(all.end(), said.begin(), said.end());
	std::vector<Packet> in = Sender(l16).speak(all), out = run(path.path, in);
	expect_one_stream(out, to, 65530);
	EXPECT_LT(out.size(), in.size() - 100);
	EXPECT_GT(out.size(), in.size() - 150);
	size_t noises = 0;
	for (const Packet &p : out)
		if (p.type == 13) {
			noises++;
			EXPECT_NEAR(p.payload[0], dbov(rms(quiet, 0, quiet.size())), 3);
		}
	EXPECT_GE(noises, 1u);
	EXPECT_LE(noises, 8u);
	// Nothing of the speech was taken for silence.
	Pcm heard = listen(to, out, 0xfffff000u);
	EXPECT_LT(distance(said, Pcm(heard.begin() + (long)(said.size() + quiet.size()), heard.end())), 1.0);
	EXPECT_LT(distance(said, heard), 1.0);
}

// Codecs that fall silent by themselves, each to a side that hears all of it.
TEST(Silence, EachCodecsOwnIsHeardAsNoiseInTime)
{
	for (auto [name, fmtp] : {std::pair{"G729/8000", "annexb=yes"}, {"AMR/8000", "octet-align=1"}, {"AMR-WB/16000", ""}, {"opus/48000/2", "usedtx=1"},
		     {"speex/8000", "cng=on"}}) {
		if (!built(name))
			continue;
		SCOPED_TRACE(name);
		codec_side from = with(side(format(name, fmtp), 96), CODEC_DTX);
		unsigned rate = from.format.sample_rate;
		Path path(from, l16);
		Pcm all = speech(rate), quiet(rate * 2);
		unsigned seed = 1;
		for (int16_t &s : quiet) {
			seed = seed * 1664525 + 1013904223;
			s = (int16_t)((int)(seed >> 16) % 80 - 40);
		}
		size_t said = all.size();
		all.insert(all.end(), quiet.begin(), quiet.end());
		Pcm again = speech(rate);
		all.insert(all.end(), again.begin(), again.end());
		std::vector<Packet> in = Sender(from).speak(all), out = run(path.path, in, in.back().at + 30000);
		EXPECT_LT(in.size(), all.size() * 50 / rate - 15) << "the sender left out nothing";
		expect_one_stream(out, l16, 65530);
		EXPECT_NEAR((double)out.size(), (double)all.size() * 50 / rate, 3);
		Pcm heard = listen(l16, out, 0xfffff000u);
		size_t begin = said * 8000 / rate;
		EXPECT_LT(rms(heard, begin + 8000, begin + 15000), 60);
		EXPECT_LT(distance(speech(8000), Pcm(heard.begin() + (long)(begin + 16000), heard.end())), 6.0);
		EXPECT_EQ(path.stats().concealed_ms, 0u);
		EXPECT_EQ(path.stats().lost, 0u);
	}
}

// And to a side that has comfort noise packets: described, and not sent.
TEST(Silence, ACodecsOwnBecomesComfortNoise)
{
	if (!built("G729/8000"))
		GTEST_SKIP() << "built without G.729";
	codec_side from = side(format("G729/8000", "annexb=yes"), 18), to = with(side(format("PCMA/8000"), 8, CODEC_NO_TYPE, 13), CODEC_DTX);
	Path path(from, to);
	Pcm all = speech(8000);
	all.resize(all.size() + 16000);
	Pcm again = speech(8000);
	all.insert(all.end(), again.begin(), again.end());
	std::vector<Packet> out = run(path.path, Sender(from).speak(all));
	expect_one_stream(out, to, 65530);
	size_t noises = 0;
	for (const Packet &p : out)
		noises += p.type == 13;
	EXPECT_GE(noises, 1u);
	EXPECT_LE(noises, 30u);
	EXPECT_LT(out.size(), all.size() / 160 - 60);
	EXPECT_NEAR((double)(out.back().timestamp - out.front().timestamp), (double)all.size(), 600);
}

// What the encoder leaves out by itself is left out of the stream, and what follows has a marker and its time.
TEST(Silence, AnEncodersOwnIsUsedWhereItIsWanted)
{
	for (auto [name, fmtp] : {std::pair{"G729/8000", "annexb=yes"}, {"AMR/8000", ""}, {"opus/48000/2", "usedtx=1"}}) {
		if (!built(name))
			continue;
		SCOPED_TRACE(name);
		codec_side to = with(side(format(name, fmtp), 96), CODEC_DTX);
		Path path(l16, to);
		Pcm all = speech(8000);
		size_t said = all.size();
		all.resize(said + 24000, 0);
		Pcm again = speech(8000);
		all.insert(all.end(), again.begin(), again.end());
		std::vector<Packet> in = Sender(l16).speak(all), out = run(path.path, in);
		expect_one_stream(out, to, 65530);
		EXPECT_LT(out.size(), in.size() - 60);
		unsigned markers = 0;
		for (const Packet &p : out)
			markers += p.marker;
		EXPECT_GE(markers, 2u);
		Pcm heard = listen(to, out, 0xfffff000u);
		size_t rate = to.format.sample_rate;
		Pcm late(heard.begin() + (long)((said + 24000) * rate / 8000), heard.end());
		EXPECT_LT(distance(again, resampled(late, (unsigned)rate, 8000)), 6.0) << "it is not where it belongs";
	}
}
