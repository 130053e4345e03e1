// SPDX-License-Identifier: BSD-3-Clause
// DTMF: RFC 4733 both ways, tones made and found, any kind into any other.
#include "tests/unit/codec/rig.h"

extern "C" {
#include "dataplane/codec/tone.h"
}

using namespace rig;

namespace
{
const codec_side pcma = side(format("PCMA/8000"), 8, 101), pcmu = side(format("PCMU/8000"), 0, 96), l16 = side(format("L16/8000"), 97);

struct Told {
	unsigned event;
	codec_event_phase phase;
	unsigned ms;
};
std::vector<Told> told(codec_path *path)
{
	std::vector<Told> all;
	codec_event e;
	while (codec_path_event(path, &e))
		all.push_back({e.event, (codec_event_phase)e.phase, e.duration_ms});
	return all;
}

// Packets of one event: every `step` ms, the last three times.
std::vector<Packet> press(Sender &s, uint8_t type, uint8_t event, unsigned ms, uint64_t at, unsigned step = 20, uint32_t clock = 8000)
{
	std::vector<Packet> out;
	uint32_t begin = s.timestamp();
	for (unsigned t = step; t <= ms; t += step) {
		uint32_t units = t * (clock / 1000);
		bool last = t + step > ms;
		for (int i = 0; i < (last ? 3 : 1); i++)
			out.push_back(s.packet(type, {event, (uint8_t)((last ? 0x80 : 0) | 10), (uint8_t)(units >> 8), (uint8_t)units}, begin, t == step,
				at + (t - step) * 1000));
	}
	s.pause(ms);
	return out;
}
struct Heard {
	uint8_t event;
	uint32_t timestamp;
	unsigned units;
	unsigned packets = 0, ends = 0, markers = 0;
};
std::vector<Heard> events(const std::vector<Packet> &packets, uint8_t type)
{
	std::vector<Heard> all;
	for (const Packet &p : packets) {
		if (p.type != type)
			continue;
		EXPECT_EQ(p.payload.size(), 4u);
		if (all.empty() || all.back().event != p.payload[0] || all.back().timestamp != p.timestamp)
			all.push_back({p.payload[0], p.timestamp, 0});
		Heard &h = all.back();
		unsigned units = (unsigned)p.payload[2] << 8 | p.payload[3];
		EXPECT_GE(units, h.units);
		h.units = units;
		h.packets++;
		h.ends += p.payload[1] >> 7;
		h.markers += p.marker;
	}
	return all;
}
// The digits that are heard in PCM at 8 kHz, and how long each is.
std::vector<std::pair<char, unsigned>> dial_tones(Pcm pcm)
{
	pcm.resize(pcm.size() + 800); // an end is known in what follows
	std::vector<std::pair<char, unsigned>> all;
	tone_detector *d = nullptr;
	EXPECT_EQ(tone_detector_open(&d, 8000), 0);
	for (size_t at = 0; at + 160 <= pcm.size(); at += 160) {
		tone_digit digit;
		tone_detect(d, pcm.data() + at, 160, &digit);
		if (digit.ended >= 0)
			all.push_back({event_char((unsigned)digit.ended), digit.duration / 8});
	}
	tone_detector_close(d);
	return all;
}
Pcm dtmf(const char *digits, unsigned rate, unsigned on, unsigned off, unsigned volume = 10)
{
	Pcm all((size_t)rate * 100 / 1000);
	for (const char *c = digits; *c; c++) {
		tone_gen t;
		Pcm one((size_t)rate * on / 1000), gap((size_t)rate * off / 1000);
		EXPECT_TRUE(tone_start_dtmf(&t, (unsigned)event_of_char(*c), volume, rate));
		tone_end(&t, one.data(), (unsigned)one.size());
		all.insert(all.end(), one.begin(), one.end());
		all.insert(all.end(), gap.begin(), gap.end());
	}
	all.resize(all.size() + rate * 200 / 1000);
	return all;
}
auto kinds(uint8_t from, uint8_t to)
{
	return [=](codec_path_config &c) {
		c.dtmf_from = from;
		c.dtmf_to = to;
	};
}
} // namespace

TEST(Tone, DtmfOfEveryDigitIsFoundAtEveryRate)
{
	for (unsigned rate : {8000u, 16000u, 24000u, 48000u}) {
		Pcm pcm = dtmf("0123456789*#ABCD", rate, 100, 100);
		if (rate != 8000)
			pcm = resampled(pcm, rate, 8000);
		std::string found;
		for (auto [digit, ms] : dial_tones(pcm)) {
			found += digit;
			EXPECT_NEAR(ms, 100, 20);
		}
		EXPECT_EQ(found, "0123456789*#ABCD") << rate;
	}
	for (unsigned volume : {3u, 20u, 28u}) {
		EXPECT_EQ(dial_tones(dtmf("159D", 8000, 60, 60, volume)).size(), 4u) << volume;
	}
	EXPECT_EQ(dial_tones(dtmf("5", 8000, 15, 100)).size(), 0u) << "15 ms is no digit";
}

TEST(Tone, SpeechIsNoDigit)
{
	Pcm once = speech(8000), pcm;
	for (double gain : {0.25, 1.0, 2.0})
		for (int16_t s : once)
			pcm.push_back((int16_t)std::max(-32768.0, std::min(32767.0, s * gain)));
	EXPECT_EQ(dial_tones(pcm).size(), 0u);
	EXPECT_EQ(dial_tones(vowel(8000, 2000)).size(), 0u);
}

TEST(Tone, CountriesHaveTheirOwn)
{
	const tone_plan *de = tone_of_country("49", TONE_BUSY), *us = tone_of_country("us", TONE_RINGBACK);
	EXPECT_EQ(de->part[0].hz[0], 425);
	EXPECT_EQ(de->part[0].on_ms, 480);
	EXPECT_EQ(us->part[0].hz[1], 480);
	EXPECT_EQ(tone_of_country("+44", TONE_RINGBACK)->parts, 2);
	EXPECT_EQ(tone_of_country("GB", TONE_RINGBACK), tone_of_country("44", TONE_RINGBACK));
	EXPECT_EQ(tone_of_country("zz", TONE_DIAL)->part[0].hz[0], 425);
	EXPECT_EQ(tone_of_country("", TONE_DIAL)->part[0].hz[0], 425);
	// Two seconds on, four off, without a click at the edges.
	tone_gen t;
	Pcm pcm(8000 * 7);
	tone_start(&t, us, 13, 8000);
	for (size_t at = 0; at < pcm.size(); at += 80)
		tone_make(&t, pcm.data() + at, 80);
	EXPECT_NEAR(20 * std::log10(amplitude(pcm, 800, 15000, 440, 8000) / 32767), -13 - 3.14, 0.2);
	EXPECT_NEAR(20 * std::log10(amplitude(pcm, 800, 15000, 480, 8000) / 32767), -13 - 3.14, 0.2);
	EXPECT_EQ(rms(pcm, 16000, 48000), 0);
	EXPECT_GT(rms(pcm, 48100, 55000), 1000);
	EXPECT_LT(largest_step(pcm, 0, pcm.size()), 2 * 5130 * 2 * M_PI * 480 / 8000);
}

TEST(Event, GoesOverWithItsDuration)
{
	for (unsigned ms : {40u, 100u, 160u, 1000u, 6000u}) {
		SCOPED_TRACE(ms);
		Path path(pcma, pcmu, kinds(CODEC_DTMF_EVENT, CODEC_DTMF_EVENT));
		Sender s(pcma);
		std::vector<Packet> in = s.speak(speech(8000)), digit = press(s, 101, 5, ms, in.back().at + 20000);
		in.insert(in.end(), digit.begin(), digit.end());
		std::vector<Packet> more = s.speak(tone(8000, 300, 200), in.back().at + 20000);
		in.insert(in.end(), more.begin(), more.end());
		std::vector<Packet> out = run(path.path, in);
		expect_one_stream(out, pcmu, 65530);
		std::vector<Heard> heard = events(out, 96);
		ASSERT_EQ(heard.size(), 1u);
		EXPECT_EQ(heard[0].event, 5);
		EXPECT_EQ(heard[0].units, ms * 8);
		EXPECT_EQ(heard[0].ends, 3u);
		EXPECT_EQ(heard[0].markers, 1u);
		EXPECT_EQ(heard[0].timestamp, 0xfffff000u + 120 * 160);
		EXPECT_EQ(out.back().timestamp, 0xfffff000u + (in.back().timestamp - 5000)) << "speech goes on in its time";
		std::vector<Told> t = told(path.path);
		ASSERT_EQ(t.size(), 2u);
		EXPECT_EQ(t[0].phase, CODEC_EVENT_BEGIN);
		EXPECT_EQ(t[1].phase, CODEC_EVENT_END);
		EXPECT_EQ(t[1].ms, ms);
		EXPECT_EQ(path.stats().concealed_ms, 0u);
	}
}

// Opus at 48 kHz with telephone-event/48000 on one side: durations are in another unit, and 1.4 s fill a segment.
TEST(Event, UnitsAndSegmentsChange)
{
	codec_side opus = side(format("opus/48000/2"), 111, 110);
	for (unsigned ms : {100u, 3000u}) {
		SCOPED_TRACE(ms);
		Path path(pcma, opus, kinds(CODEC_DTMF_EVENT, CODEC_DTMF_EVENT));
		Sender s(pcma);
		std::vector<Packet> in = s.speak(tone(8000, 300, 100)), digit = press(s, 101, 11, ms, in.back().at + 20000);
		in.insert(in.end(), digit.begin(), digit.end());
		std::vector<Heard> heard = events(run(path.path, in), 110);
		ASSERT_EQ(heard.size(), ms * 48 / 65535 + 1);
		unsigned sum = 0;
		for (size_t i = 0; i < heard.size(); i++) {
			EXPECT_EQ(heard[i].event, 11);
			EXPECT_EQ(heard[i].timestamp, heard[0].timestamp + 65535 * i);
			EXPECT_EQ(heard[i].ends, i + 1 == heard.size() ? 3u : 0u);
			sum += heard[i].units;
		}
		EXPECT_EQ(sum, ms * 48);
		// And back: segments become one.
		Path back(opus, pcma, kinds(CODEC_DTMF_EVENT, CODEC_DTMF_EVENT));
		std::vector<Packet> again = run(path.path, {});
		Path first(pcma, opus, kinds(CODEC_DTMF_EVENT, CODEC_DTMF_EVENT));
		heard = events(run(back.path, run(first.path, in)), 101);
		ASSERT_EQ(heard.size(), 1u);
		EXPECT_EQ(heard[0].units, ms * 8);
	}
}

TEST(Event, LostEndsOverlapsAndSeveralInOnePacket)
{
	Path path(pcma, pcmu, kinds(CODEC_DTMF_EVENT, CODEC_DTMF_EVENT));
	Sender s(pcma);
	std::vector<Packet> in = s.speak(tone(8000, 300, 100)), one = press(s, 101, 1, 100, 1100000), two;
	one.resize(one.size() - 3); // no end ever comes
	two = press(s, 101, 2, 100, 1180000); // and the next begins
	in.insert(in.end(), one.begin(), one.end());
	in.insert(in.end(), two.begin(), two.end());
	one = press(s, 101, 3, 100, 1400000);
	one.resize(one.size() - 3); // no end, and nothing behind it
	in.insert(in.end(), one.begin(), one.end());
	std::vector<Packet> out = run(path.path, in, 2000000);
	std::vector<Heard> heard = events(out, 96);
	ASSERT_EQ(heard.size(), 3u);
	EXPECT_EQ(heard[0].event, 1);
	EXPECT_EQ(heard[0].units, 640u);
	EXPECT_EQ(heard[1].event, 2);
	EXPECT_EQ(heard[1].units, 800u);
	EXPECT_EQ(heard[2].event, 3);
	for (const Heard &h : heard)
		EXPECT_EQ(h.ends, 3u) << (int)h.event;
	EXPECT_EQ(told(path.path).size(), 6u);
	// Two events in one payload.
	Path both(pcma, pcmu, kinds(CODEC_DTMF_EVENT, CODEC_DTMF_EVENT));
	Sender t(pcma);
	in = t.speak(tone(8000, 300, 100));
	in.push_back(t.packet(101, {7, 0x8a, 3, 0x20, 8, 0x8a, 3, 0x20}, t.timestamp(), true, 1100000));
	heard = events(run(both.path, in, 2000000), 96);
	ASSERT_EQ(heard.size(), 2u);
	EXPECT_EQ(heard[0].event, 7);
	EXPECT_EQ(heard[1].event, 8);
	EXPECT_EQ(heard[1].units, 800u);
}

TEST(Event, BecomesTonesOfTheSameLength)
{
	for (unsigned ms : {60u, 100u, 500u}) {
		SCOPED_TRACE(ms);
		Path path(pcma, l16, kinds(CODEC_DTMF_EVENT, CODEC_DTMF_INBAND));
		Sender s(pcma);
		std::vector<Packet> in = s.speak(tone(8000, 300, 200)), digit;
		for (uint8_t e : {1, 1, 9, 11}) {
			digit = press(s, 101, e, ms, in.back().at + 20000);
			in.insert(in.end(), digit.begin(), digit.end());
			std::vector<Packet> more = s.speak(tone(8000, 300, 100, 500), in.back().at + 20000);
			in.insert(in.end(), more.begin(), more.end());
		}
		std::vector<Packet> out = run(path.path, in);
		expect_one_stream(out, l16, 65530);
		auto found = dial_tones(listen(l16, out, 0xfffff000u));
		ASSERT_EQ(found.size(), 4u);
		std::string digits;
		for (auto [d, length] : found) {
			digits += d;
			EXPECT_NEAR(length, ms, 25);
		}
		EXPECT_EQ(digits, "119#");
	}
}

TEST(Event, TonesBecomeEventsAndAreTakenOut)
{
	for (const char *name : {"PCMA/8000", "G722/8000", "opus/48000/2"}) {
		if (!built(name))
			continue;
		SCOPED_TRACE(name);
		codec_side from = side(format(name), 111);
		Path path(from, pcmu, kinds(CODEC_DTMF_INBAND, CODEC_DTMF_EVENT));
		std::vector<Packet> out = run(path.path, Sender(from).speak(dtmf("14#", from.format.sample_rate, 120, 100)));
		expect_one_stream(out, pcmu, 65530);
		std::vector<Heard> heard = events(out, 96);
		ASSERT_EQ(heard.size(), 3u);
		EXPECT_EQ(heard[0].event, 1);
		EXPECT_EQ(heard[1].event, 4);
		EXPECT_EQ(heard[2].event, 11);
		for (const Heard &h : heard) {
			EXPECT_NEAR(h.units, 120 * 8, 25 * 8);
			EXPECT_EQ(h.ends, 3u);
		}
		EXPECT_EQ(dial_tones(listen(pcmu, out, 0xfffff000u)).size(), 0u) << "heard twice";
	}
}

// SIP INFO on one side: reported and taken out; and what comes by it is sent.
TEST(Event, SignalledDigitsAreReportedAndInjected)
{
	for (uint8_t kind : {CODEC_DTMF_EVENT, CODEC_DTMF_INBAND}) {
		Path path(pcma, l16, kinds(kind, CODEC_DTMF_SIGNALLED));
		Sender s(pcma);
		std::vector<Packet> in;
		if (kind == CODEC_DTMF_EVENT) {
			in = s.speak(tone(8000, 300, 100));
			std::vector<Packet> digit = press(s, 101, 5, 100, 1100000);
			in.insert(in.end(), digit.begin(), digit.end());
		} else {
			in = s.speak(dtmf("5", 8000, 100, 100));
		}
		std::vector<Packet> out = run(path.path, in);
		std::vector<Told> t = told(path.path);
		ASSERT_EQ(t.size(), 2u);
		EXPECT_EQ(t[1].event, 5u);
		EXPECT_NEAR(t[1].ms, 100, 20);
		EXPECT_EQ(dial_tones(listen(l16, out, 0xfffff000u)).size(), 0u);
	}
	Path events_out(l16, pcmu, kinds(CODEC_DTMF_SIGNALLED, CODEC_DTMF_EVENT)), tones_out(pcma, l16, kinds(CODEC_DTMF_SIGNALLED, CODEC_DTMF_INBAND));
	for (codec_path *p : {events_out.path, tones_out.path})
		for (unsigned digit : {1u, 2u})
			EXPECT_EQ(codec_path_inject(p, digit, 200, 80, 10, CODEC_DTMF_NONE), 0);
	EXPECT_EQ(codec_path_inject(tones_out.path, 16, 100, 0, 10, CODEC_DTMF_NONE), -EINVAL) << "a flash is no tone";
	EXPECT_EQ(codec_path_inject(tones_out.path, 1, 100, 0, 10, CODEC_DTMF_EVENT), -EINVAL);
	std::vector<Packet> out = run(events_out.path, Sender(l16).speak(tone(8000, 300, 1000)));
	expect_one_stream(out, pcmu, 65530);
	std::vector<Heard> heard = events(out, 96);
	ASSERT_EQ(heard.size(), 2u);
	EXPECT_EQ(heard[0].units, 1600u);
	EXPECT_EQ(heard[1].units, 1600u);
	EXPECT_GE(heard[1].timestamp - heard[0].timestamp, 280u * 8);
	EXPECT_NEAR((double)(out.back().timestamp - 0xfffff000u), 8000, 500);
	// Nothing has to come for that.
	out = run(tones_out.path, {}, 2000000);
	expect_one_stream(out, l16, 65530);
	auto found = dial_tones(listen(l16, out, out.front().timestamp));
	ASSERT_EQ(found.size(), 2u);
	EXPECT_NEAR(found[0].second, 200, 20);
	EXPECT_EQ(codec_path_wake(tones_out.path), UINT64_MAX);
}

TEST(Event, TheQueueOfDigitsIsBounded)
{
	Path path(pcma, pcmu, kinds(CODEC_DTMF_EVENT, CODEC_DTMF_EVENT));
	unsigned taken = 0;
	while (codec_path_inject(path.path, 1, 100, 50, 10, CODEC_DTMF_NONE) == 0)
		ASSERT_LT(++taken, 100u);
	EXPECT_GE(taken, 32u);
	EXPECT_EQ(codec_path_inject(path.path, 1, 100, 50, 10, CODEC_DTMF_NONE), -EBUSY);
}

// The same codec on both sides: payloads are passed, and digits are found in them all the same.
TEST(Event, IsFoundInWhatIsPassedOn)
{
	codec_side to = side(pcma.format, 8, 96);
	Path path(pcma, to, kinds(CODEC_DTMF_INBAND, CODEC_DTMF_EVENT));
	std::vector<Packet> in = Sender(pcma).speak(dtmf("9", 8000, 100, 100)), out = run(path.path, in);
	std::vector<Heard> heard = events(out, 96);
	ASSERT_EQ(heard.size(), 1u);
	EXPECT_EQ(heard[0].event, 9);
	EXPECT_EQ(out[0].payload, in[0].payload);
	EXPECT_EQ(dial_tones(listen(to, out, 0xfffff000u)).size(), 0u);
}

// Speech, a digit, comfort noise and speech again, all passed on: every packet keeps its place in time.
TEST(Event, PassesAmongPayloadsInTime)
{
	codec_side from = side(pcma.format, 8, 101, 13), to = side(pcma.format, 100, 96, 19);
	for (uint8_t kind : {CODEC_DTMF_NONE, CODEC_DTMF_EVENT}) {
		Path path(from, to, kinds(kind, kind));
		Sender s(from);
		std::vector<Packet> in = s.speak(tone(8000, 300, 200)), more = press(s, 101, 7, 120, 1200000);
		in.insert(in.end(), more.begin(), more.end());
		more = s.speak(tone(8000, 300, 200), 1320000);
		in.insert(in.end(), more.begin(), more.end());
		in.push_back(s.packet(13, {50}, s.timestamp(), false, 1520000));
		s.pause(400);
		more = s.speak(tone(8000, 300, 200), 1920000);
		in.insert(in.end(), more.begin(), more.end());
		std::vector<Packet> out = run(path.path, in);
		uint32_t shift = 0xfffff000u - 5000;
		std::map<uint32_t, uint8_t> places;
		for (const Packet &p : in)
			places[p.timestamp + shift] = p.type == 8 ? 100 : p.type == 13 ? 19 : 96;
		for (const Packet &p : out) {
			ASSERT_TRUE(places.count(p.timestamp)) << "type " << (int)p.type << " at " << (int32_t)(p.timestamp - 0xfffff000u);
			EXPECT_EQ(places[p.timestamp], p.type);
		}
		std::vector<Heard> heard = events(out, 96);
		ASSERT_EQ(heard.size(), 1u);
		EXPECT_EQ(heard[0].units, 960u);
		EXPECT_GE(heard[0].ends, 3u);
		EXPECT_EQ(out.size(), in.size());
	}
}

// ---- prompts

namespace
{
struct Player {
	clip_player *player = nullptr;
	codec_source source{};
	codec_clip *clip = nullptr;
	Player(const Pcm &pcm, unsigned clip_rate, codec_path *path, unsigned loops, bool mix)
	{
		EXPECT_EQ(codec_clip_new(&clip, pcm.data(), pcm.size(), clip_rate), 0);
		EXPECT_EQ(clip_player_open(&player, clip, codec_path_rate(path), loops), 0);
		source.read = clip_player_read;
		source.context = player;
		source.mix = mix;
	}
	~Player()
	{
		clip_player_close(player);
		codec_clip_free(clip);
	}
};
} // namespace

TEST(Play, ComesByTheClockWhenNothingElseDoes)
{
	codec_side none{};
	for (const char *name : {"PCMA/8000", "opus/48000/2", "G729/8000", "AMR-WB/16000"}) {
		if (!built(name))
			continue;
		SCOPED_TRACE(name);
		codec_side to = side(format(name), 100);
		Path path(none, to);
		Player player(tone(16000, 400, 500), 16000, path.path, 2, false);
		codec_path_play(path.path, &player.source, 1000000);
		EXPECT_TRUE(codec_path_playing(path.path));
		std::vector<Packet> out = run(path.path, {}, 3000000);
		EXPECT_FALSE(codec_path_playing(path.path));
		EXPECT_NEAR((double)out.size(), 50, 1);
		expect_one_stream(out, to, 65530);
		for (size_t i = 2; i < out.size(); i++)
			EXPECT_NEAR((double)(out[i].at - out[i - 1].at), 20000, 200);
		EXPECT_EQ(codec_path_wake(path.path), UINT64_MAX);
	}
}

TEST(Play, TakesThePlaceOfSpeechOrIsMixedIntoIt)
{
	for (bool mix : {false, true}) {
		Path path(pcma, l16);
		Player player(tone(8000, 1000, 400, 4000), 8000, path.path, 1, mix);
		codec_path_play(path.path, &player.source, 1000000);
		std::vector<Packet> out = run(path.path, Sender(pcma).speak(tone(8000, 400, 1000, 4000)));
		expect_one_stream(out, l16, 65530);
		EXPECT_NEAR((double)out.size(), 50, 2);
		Pcm heard = listen(l16, out, 0xfffff000u);
		EXPECT_NEAR(amplitude(heard, 800, 2800, 1000, 8000), 4000, 200);
		EXPECT_NEAR(amplitude(heard, 800, 2800, 400, 8000), mix ? 4000 : 0, 200);
		EXPECT_NEAR(amplitude(heard, 4400, 7600, 400, 8000), 4000, 200) << "speech again";
		EXPECT_NEAR((double)(out.back().timestamp - 0xfffff000u), 49 * 160, 480);
	}
}

TEST(Play, CanBeStopped)
{
	codec_side none{};
	Path path(none, pcma);
	Player player(tone(8000, 400, 500), 8000, path.path, 0, false);
	codec_path_play(path.path, &player.source, 1000000);
	EXPECT_EQ(run(path.path, {}, 1990000).size(), 50u);
	codec_path_play(path.path, nullptr, 2000000);
	EXPECT_FALSE(codec_path_playing(path.path));
	std::vector<Packet> out;
	pull(path.path, 3000000, out);
	EXPECT_EQ(out.size(), 0u);
}
