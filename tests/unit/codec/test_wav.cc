// SPDX-License-Identifier: BSD-3-Clause
// WAV files as prompts, and the files that recordings are written to.
#include "tests/unit/codec/rig.h"

#include <fstream>

using namespace rig;

namespace
{
using Bytes = std::vector<uint8_t>;
Bytes chunk(const char *id, Bytes data)
{
	Bytes c(id, id + 4);
	for (unsigned i = 0; i < 4; i++)
		c.push_back((uint8_t)(data.size() >> 8 * i));
	c.insert(c.end(), data.begin(), data.end());
	if (data.size() & 1)
		c.push_back(0);
	return c;
}
Bytes fmt(unsigned tag, unsigned channels, unsigned rate, unsigned bits, bool extensible = false)
{
	Bytes f;
	auto put = [&](uint32_t v, unsigned n) {
		for (unsigned i = 0; i < n; i++)
			f.push_back((uint8_t)(v >> 8 * i));
	};
	put(extensible ? 0xfffe : tag, 2);
	put(channels, 2);
	put(rate, 4);
	put(rate * channels * bits / 8, 4);
	put(channels * bits / 8, 2);
	put(bits, 2);
	if (extensible) {
		put(22, 2);
		put(bits, 2);
		put(3, 4);
		put(tag, 2);
		f.resize(40);
	}
	return chunk("fmt ", f);
}
Bytes riff(std::initializer_list<Bytes> chunks)
{
	Bytes all{'W', 'A', 'V', 'E'};
	for (const Bytes &c : chunks)
		all.insert(all.end(), c.begin(), c.end());
	return chunk("RIFF", all);
}
std::string why(const Bytes &file)
{
	codec_clip *clip = nullptr;
	char text[200] = "";
	Bytes exact(file);
	int err = codec_clip_read(&clip, exact.data(), exact.size(), text, sizeof(text));
	EXPECT_EQ(err, -EINVAL);
	EXPECT_EQ(clip, nullptr);
	return text;
}
Pcm read(const Bytes &file, unsigned *rate)
{
	codec_clip *clip = nullptr;
	char text[200] = "";
	EXPECT_EQ(codec_clip_read(&clip, file.data(), file.size(), text, sizeof(text)), 0) << text;
	if (!clip)
		return {};
	Pcm pcm(clip->pcm, clip->pcm + clip->samples);
	*rate = clip->rate;
	codec_clip_free(clip);
	return pcm;
}
} // namespace

TEST(Wav, EveryKindIsRead)
{
	unsigned rate = 0;
	EXPECT_EQ(read(riff({fmt(1, 1, 8000, 16), chunk("data", {1, 0, 0xff, 0xff})}), &rate), (Pcm{1, -1}));
	EXPECT_EQ(rate, 8000u);
	EXPECT_EQ(read(riff({fmt(1, 2, 16000, 16), chunk("data", {2, 0, 4, 0})}), &rate), (Pcm{3}));
	EXPECT_EQ(read(riff({fmt(1, 1, 44100, 8), chunk("data", {128, 255})}), &rate), (Pcm{0, 127 * 256}));
	EXPECT_EQ(read(riff({fmt(7, 1, 8000, 8), chunk("data", {0xff, 0x80})}), &rate), (Pcm{0, 32124}));
	EXPECT_EQ(read(riff({fmt(6, 1, 8000, 8), chunk("data", {0xd5})}), &rate), (Pcm{8}));
	EXPECT_EQ(read(riff({chunk("LIST", {1, 2, 3}), fmt(1, 1, 8000, 16, true), chunk("fact", {0, 0, 0, 0}), chunk("data", {5, 0})}), &rate), (Pcm{5}));
	// A recorder that was killed said a size that is not there.
	Bytes cut = riff({fmt(1, 1, 8000, 16), chunk("data", {1, 0, 2, 0, 3, 0})});
	cut.resize(cut.size() - 3);
	EXPECT_EQ(read(cut, &rate), (Pcm{1}));
}

TEST(Wav, WhatIsNoSoundIsRefusedInWords)
{
	EXPECT_NE(why({}).find("no WAV file"), std::string::npos);
	EXPECT_NE(why({'I', 'D', '3', 4, 0, 0, 0, 0, 0, 0, 0, 0, 0}).find("no WAV file"), std::string::npos);
	EXPECT_NE(why(riff({})).find("no fmt"), std::string::npos);
	EXPECT_NE(why(riff({chunk("data", {1, 2})})).find("before its fmt"), std::string::npos);
	EXPECT_NE(why(riff({fmt(1, 1, 8000, 16)})).find("no data"), std::string::npos);
	EXPECT_NE(why(riff({fmt(85, 1, 8000, 16), chunk("data", {1, 2})})).find("0x55"), std::string::npos);
	EXPECT_NE(why(riff({fmt(1, 6, 48000, 16), chunk("data", {1, 2})})).find("6 channels"), std::string::npos);
	EXPECT_NE(why(riff({fmt(1, 1, 96000, 16), chunk("data", {1, 2})})).find("96000 Hz"), std::string::npos);
	EXPECT_NE(why(riff({fmt(1, 1, 8000, 24), chunk("data", {1, 2, 3})})).find("24 bits"), std::string::npos);
	EXPECT_NE(why(riff({fmt(1, 1, 8000, 16), chunk("data", {})})).find("no sound"), std::string::npos);
	EXPECT_NE(why(riff({chunk("fmt ", {1, 0}), chunk("data", {1, 2})})).find("fmt chunk"), std::string::npos);
}

TEST(Wav, APlayerResamplesAndLoops)
{
	codec_clip *clip = nullptr;
	Pcm pcm = tone(8000, 500, 100);
	ASSERT_EQ(codec_clip_new(&clip, pcm.data(), pcm.size(), 8000), 0);
	EXPECT_EQ(codec_clip_ms(clip), 100u);
	for (unsigned rate : {8000u, 16000u, 44100u, 48000u}) {
		clip_player *player = nullptr;
		ASSERT_EQ(clip_player_open(&player, clip, rate, 3), 0);
		Pcm heard;
		int16_t block[333];
		unsigned n;
		do {
			n = clip_player_read(player, block, 333);
			heard.insert(heard.end(), block, block + n);
		} while (n == 333);
		EXPECT_NEAR((double)heard.size(), rate * 0.3, 3) << rate;
		EXPECT_NEAR(amplitude(heard, rate / 20, rate / 4, 500, rate), 8000, 200) << rate;
		EXPECT_EQ(clip_player_read(player, block, 333), 0u);
		clip_player_close(player);
	}
	EXPECT_EQ(codec_clip_new(&clip, pcm.data(), 0, 8000), -EINVAL);
	EXPECT_EQ(codec_clip_new(&clip, pcm.data(), 10, 7999), -EINVAL);
	codec_clip_free(clip);
}

TEST(Record, WhatIsWrittenIsReadAgain)
{
	uint8_t file[WAV_HEADER + 8];
	int16_t left[2] = {100, -200}, right[2] = {300, 400};
	unsigned rate = 0;
	wav_header(file, 16000, 2, 8);
	wav_stereo(file + WAV_HEADER, left, right, 2);
	EXPECT_EQ(read(Bytes(file, file + sizeof(file)), &rate), (Pcm{200, 100}));
	EXPECT_EQ(rate, 16000u);
	wav_header(file, 8000, 2, 8);
	wav_stereo(file + WAV_HEADER, NULL, right, 2);
	EXPECT_EQ(read(Bytes(file, file + sizeof(file)), &rate), (Pcm{150, 200}));
	wav_header(file, 8000, 1, 4);
	wav_mono(file + WAV_HEADER, left, 2);
	EXPECT_EQ(read(Bytes(file, file + WAV_HEADER + 4), &rate), (Pcm{100, -200}));
}

// Byte by byte as pcap's and the RFCs' drawings have it; checksums add up.
TEST(Record, PcapHoldsWholeDatagrams)
{
	uint8_t header[PCAP_HEADER], out[200];
	pcap_header(header);
	EXPECT_EQ(memcmp(header, "\xd4\xc3\xb2\xa1\x02\x00\x04\x00", 8), 0);
	EXPECT_EQ(header[20], 101);
	for (uint8_t family : {4, 6}) {
		pcap_packet p{};
		p.time_us = 1700000000123456ull;
		p.family = family;
		for (uint8_t i = 0; i < 16; i++) {
			p.from_ip[i] = (uint8_t)(i + 1);
			p.to_ip[i] = (uint8_t)(0xf0 - i);
		}
		p.from_port = 4000;
		p.to_port = 5001;
		p.data = "hello";
		p.length = 5;
		int n = pcap_record(&p, out, sizeof(out));
		unsigned ip = family == 4 ? 20 : 40;
		ASSERT_EQ(n, (int)(16 + ip + 8 + 5));
		EXPECT_EQ(out[8], ip + 13);
		EXPECT_EQ(memcmp(out + 16 + ip + 8, "hello", 5), 0);
		auto sum = [](const uint8_t *d, size_t size, uint32_t s) {
			for (size_t i = 0; i < size; i += 2)
				s += (uint32_t)d[i] << 8 | (i + 1 < size ? d[i + 1] : 0);
			while (s >> 16)
				s = (s & 0xffff) + (s >> 16);
			return s;
		};
		if (family == 4)
			EXPECT_EQ(sum(out + 16, 20, 0), 0xffffu);
		unsigned addresses = family == 4 ? 8 : 32;
		EXPECT_EQ(sum(out + 16 + ip, 13, sum(out + 16 + ip - addresses, addresses, 17 + 13)), 0xffffu);
		EXPECT_EQ(pcap_record(&p, out, (size_t)n - 1), -ENOSPC);
		p.family = 5;
		EXPECT_EQ(pcap_record(&p, out, sizeof(out)), -EINVAL);
	}
}
