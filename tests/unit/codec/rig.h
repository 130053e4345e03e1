// SPDX-License-Identifier: BSD-3-Clause
// A party that speaks a codec, a path, and a party that listens, on a clock of the test's own.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <vector>

extern "C" {
#include "dataplane/codec/path.h"
#include "dataplane/codec/wav.h"
#include "tests/unit/codec/measure.h"
}

namespace rig
{
using Pcm = std::vector<int16_t>;

struct Packet {
	std::vector<uint8_t> payload;
	uint16_t seq;
	uint32_t timestamp;
	uint32_t ssrc;
	uint8_t type;
	bool marker;
	uint64_t at; // us: when it comes, or went
};

inline codec_format format(const char *rtpmap, const char *fmtp = "", unsigned ptime = 0)
{
	codec_format f{};
	EXPECT_EQ(codec_format_parse(&f, rtpmap, fmtp, ptime), 0) << rtpmap;
	return f;
}

// False: this build is without it (G.729 is an option).
inline bool built(const char *rtpmap)
{
	const codec_name *name = codec_by_rtpmap(rtpmap, strlen(rtpmap));
	return name && codec_find(name->id);
}

inline codec_side side(const codec_format &f, uint8_t type = 96, uint8_t event = CODEC_NO_TYPE, uint8_t cn = CODEC_NO_TYPE)
{
	codec_side s{};
	s.format = f;
	s.type = type;
	s.event_type = event;
	s.cn_type = cn;
	return s;
}

// Every sine at `hz` with an amplitude of `peak`.
inline Pcm tone(unsigned rate, double hz, unsigned ms, double peak = 8000)
{
	Pcm pcm((size_t)rate * ms / 1000);
	for (size_t i = 0; i < pcm.size(); i++)
		pcm[i] = (int16_t)std::lrint(peak * std::sin(2 * M_PI * hz * (double)i / rate));
	return pcm;
}

// A voice that holds an "a": harmonics of 125 Hz under two formants.
inline Pcm vowel(unsigned rate, unsigned ms)
{
	Pcm pcm((size_t)rate * ms / 1000);
	for (size_t i = 0; i < pcm.size(); i++) {
		double sum = 0;
		for (int h = 1; h <= 24; h++) {
			double hz = 125.0 * h, a = 1 / (1 + std::pow((hz - 700) / 200, 2)) + 0.5 / (1 + std::pow((hz - 1200) / 200, 2)) + 0.02;
			sum += a * std::sin(2 * M_PI * hz * (double)i / rate + h * h * 0.3);
		}
		pcm[i] = (int16_t)std::lrint(2000 * sum);
	}
	return pcm;
}

// Encodes PCM at the format's own rate into packets, the first of them coming at `start`.
class Sender
{
      public:
	explicit Sender(const codec_side &s, uint32_t ssrc = 1, uint16_t seq = 1000, uint32_t timestamp = 5000)
		: side_(s), ssrc_(ssrc), seq_(seq), timestamp_(timestamp)
	{
		EXPECT_EQ(codec_encoder_open(&encoder_, &s.format, s.format.sample_rate), 0);
	}
	~Sender()
	{
		codec_encoder_close(encoder_);
	}
	std::vector<Packet> speak(const Pcm &pcm, uint64_t start = 1000000)
	{
		std::vector<Packet> packets;
		const codec_format &f = side_.format;
		size_t frame = (size_t)f.sample_rate * f.ptime / 1000;
		for (size_t at = 0; at + frame <= pcm.size(); at += frame) {
			uint8_t out[CODEC_MAX_PAYLOAD];
			int n = codec_encode(encoder_, pcm.data() + at, (unsigned)frame, out, sizeof(out));
			EXPECT_GE(n, 0);
			if (n > 0)
				packets.push_back({{out, out + n}, seq_++, timestamp_, ssrc_, side_.type, first_, start + at * 1000000 / f.sample_rate});
			first_ = n <= 0;
			timestamp_ += (uint32_t)(f.rtp_clock * f.ptime / 1000);
		}
		return packets;
	}
	void pause(unsigned ms)
	{
		timestamp_ += side_.format.rtp_clock / 100 * ms / 10;
		first_ = true;
	}
	Packet packet(uint8_t type, std::vector<uint8_t> payload, uint32_t timestamp, bool marker, uint64_t at)
	{
		return {payload, seq_++, timestamp, ssrc_, type, marker, at};
	}
	uint32_t timestamp() const
	{
		return timestamp_;
	}
	uint16_t &seq()
	{
		return seq_;
	}

      private:
	codec_side side_;
	codec_encoder *encoder_ = nullptr;
	uint32_t ssrc_;
	uint16_t seq_;
	uint32_t timestamp_;
	bool first_ = true;
};

struct Path {
	codec_path *path = nullptr;
	codec_path_config config{};
	explicit Path(const codec_side &from, const codec_side &to, const std::function<void(codec_path_config &)> &change = nullptr)
	{
		config.from = from;
		config.to = to;
		config.seq = 65530; // so that it wraps in every test
		config.timestamp = 0xfffff000u;
		if (change)
			change(config);
		EXPECT_EQ(codec_path_open(&path, &config), 0);
	}
	~Path()
	{
		codec_path_close(path);
	}
	const codec_path_stats &stats()
	{
		return *codec_path_counts(path);
	}
};

inline void pull(codec_path *path, uint64_t now, std::vector<Packet> &out)
{
	codec_out o{};
	unsigned guard = 0;
	while (codec_path_pull(path, now, &o)) {
		out.push_back({{o.payload, o.payload + o.length}, o.seq, o.timestamp, 0, o.type, o.marker, now});
		ASSERT_LT(++guard, 1000u) << "pull never ends";
	}
}

// Lets the packets come at their times; pulls then, and when the path wants to be woken. Ends at `until`.
inline std::vector<Packet> run(codec_path *path, std::vector<Packet> in, uint64_t until = 0)
{
	std::vector<Packet> out;
	std::stable_sort(in.begin(), in.end(), [](const Packet &a, const Packet &b) { return a.at < b.at; });
	uint64_t now = in.empty() ? 1000000 : in.front().at;
	if (!until)
		until = in.empty() ? now : in.back().at + 300000;
	size_t next = 0;
	while (now <= until) {
		for (; next < in.size() && in[next].at <= now; next++) {
			const Packet &p = in[next];
			codec_in i{};
			std::vector<uint8_t> exact(p.payload); // a read past it is seen
			i.payload = exact.data();
			i.length = (uint16_t)exact.size();
			i.seq = p.seq;
			i.timestamp = p.timestamp;
			i.ssrc = p.ssrc;
			i.type = p.type;
			i.marker = p.marker;
			codec_path_push(path, &i, now);
			pull(path, now, out);
		}
		pull(path, now, out);
		uint64_t wake = codec_path_wake(path);
		uint64_t then = next < in.size() ? in[next].at : until + 1;
		if (wake < then)
			then = wake > now ? wake : now + 100;
		now = then;
	}
	return out;
}

// Decodes packets and lays them where their timestamps say; what is missing is silence.
inline Pcm listen(const codec_side &s, const std::vector<Packet> &packets, uint32_t first)
{
	codec_decoder *d = nullptr;
	EXPECT_EQ(codec_decoder_open(&d, &s.format, s.format.sample_rate), 0);
	Pcm all;
	for (const Packet &p : packets) {
		int16_t pcm[CODEC_MAX_PCM];
		if (p.type != s.type)
			continue;
		int n = codec_decode(d, p.payload.data(), p.payload.size(), pcm, CODEC_MAX_PCM);
		EXPECT_GE(n, 0);
		uint64_t at = (uint64_t)(uint32_t)(p.timestamp - first) * s.format.sample_rate / s.format.rtp_clock;
		if (n <= 0 || at > 48000 * 600)
			continue;
		if (all.size() < at + (size_t)n)
			all.resize(at + (size_t)n);
		std::copy(pcm, pcm + n, all.begin() + (long)at);
	}
	codec_decoder_close(d);
	return all;
}

// The rules that every stream we send keeps: sequence numbers without gaps, timestamps that never go back and
// (events aside) advance by at least the packet before.
inline void expect_one_stream(const std::vector<Packet> &packets, const codec_side &s, uint16_t seq)
{
	const Packet *before = nullptr;
	for (const Packet &p : packets) {
		ASSERT_EQ(p.seq, seq++);
		if (p.type != s.type)
			continue;
		if (before)
			ASSERT_GE((int32_t)(p.timestamp - before->timestamp), (int32_t)(s.format.rtp_clock / 100)) << "seq " << p.seq;
		before = &p;
	}
}

// ---- measuring

inline double rms(const Pcm &pcm, size_t from, size_t to)
{
	double sum = 0;
	to = std::min(to, pcm.size());
	for (size_t i = from; i < to; i++)
		sum += (double)pcm[i] * pcm[i];
	return to > from ? std::sqrt(sum / (double)(to - from)) : 0;
}

// Amplitude of one frequency.
inline double amplitude(const Pcm &pcm, size_t from, size_t to, double hz, unsigned rate)
{
	double re = 0, im = 0;
	to = std::min(to, pcm.size());
	for (size_t i = from; i < to; i++) {
		re += pcm[i] * std::cos(2 * M_PI * hz * (double)i / rate);
		im += pcm[i] * std::sin(2 * M_PI * hz * (double)i / rate);
	}
	return to > from ? 2 * std::hypot(re, im) / (double)(to - from) : 0;
}

inline int largest_step(const Pcm &pcm, size_t from, size_t to)
{
	int most = 0;
	for (size_t i = from + 1; i < std::min(to, pcm.size()); i++)
		most = std::max(most, std::abs(pcm[i] - pcm[i - 1]));
	return most;
}

Pcm speech(unsigned rate); // tests/unit/codec/speech.wav, by espeak-ng, 2.4 s
Pcm resampled(const Pcm &pcm, unsigned from, unsigned to);
inline double distance(const Pcm &reference, const Pcm &heard) // both at 8 kHz: measure.h
{
	return measure_distance(reference.data(), reference.size(), heard.data(), heard.size());
}
} // namespace rig
