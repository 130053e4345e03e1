// SPDX-License-Identifier: BSD-3-Clause
// Single codecs: G.722 against another decoder, AMR's payloads by RFC 4867, and what each refuses.
#include "tests/unit/codec/rig.h"

#include <fstream>

extern "C" {
#include "dataplane/codec/amr.h"
}

using namespace rig;

// g722.bin: 4,000 bytes (speech, then every code at random, which saturates), and what libavcodec 59's decoder makes of
// them. The ITU's own vectors are not free to be kept here.
TEST(G722, DecodesAsLibavcodecDoes)
{
	std::vector<uint8_t> bytes(20000);
	std::ifstream file(G722_BIN, std::ios::binary);
	file.read((char *)bytes.data(), (long)bytes.size());
	ASSERT_EQ(file.gcount(), 20000);
	codec_format f = format("G722/8000");
	for (size_t step : {80u, 160u, 400u}) {
		codec_decoder *d = nullptr;
		ASSERT_EQ(codec_decoder_open(&d, &f, 16000), 0);
		for (size_t at = 0; at < 4000; at += step) {
			int16_t pcm[960];
			ASSERT_EQ(codec_decode(d, bytes.data() + at, step, pcm, 960), (int)step * 2);
			ASSERT_EQ(memcmp(pcm, bytes.data() + 4000 + at * 4, step * 4), 0) << "at byte " << at << " in steps of " << step;
		}
		codec_decoder_close(d);
	}
}

TEST(G722, LoudSoundDoesNotOverflow)
{
	codec_side from = side(format("G722/8000"), 9), to = side(format("L16/16000"), 97);
	Path path(from, to);
	Pcm heard = listen(to, run(path.path, Sender(from).speak(tone(16000, 1000, 400, 32700))), 0xfffff000u);
	EXPECT_LT(largest_step(heard, 800, 6000), 32767 * 2 * M_PI * 1000 / 16000 * 1.3);
}

// Every mode in both layouts, one frame and three: what is read is what was written.
TEST(Amr, PayloadsOfEveryModeInBothLayouts)
{
	for (bool wide : {false, true})
		for (bool aligned : {false, true})
			for (unsigned type = 0; type < 16; type++) {
				if (amr_bits(wide, type) < 0)
					continue;
				amr_payload in{}, out{};
				in.cmr = 5;
				in.count = 3;
				size_t bits = 0;
				for (unsigned i = 0; i < 3; i++) {
					in.type[i] = (uint8_t)type;
					in.frame[i][0] = (uint8_t)(type << 3 | 4);
					size_t n = (size_t)amr_bits(wide, type);
					for (size_t b = 0; b < n; b++)
						in.frame[i][1 + b / 8] |= (uint8_t)(((b * 7 + i) % 3 == 0) << (7 - b % 8));
					bits += aligned ? (n + 7) / 8 * 8 : n;
				}
				uint8_t bytes[400];
				int n = amr_write(&in, wide, aligned, bytes, sizeof(bytes));
				ASSERT_EQ(n, aligned ? (int)(1 + 3 + bits / 8) : (int)((4 + 18 + bits + 7) / 8));
				ASSERT_EQ(amr_read(&out, wide, aligned, bytes, (size_t)n), 0);
				EXPECT_EQ(out.cmr, 5);
				ASSERT_EQ(out.count, 3);
				for (unsigned i = 0; i < 3; i++)
					EXPECT_EQ(memcmp(in.frame[i], out.frame[i], AMR_MAX_FRAME), 0);
				for (int cut = 0; cut < n; cut++)
					EXPECT_EQ(amr_read(&out, wide, aligned, bytes, (size_t)cut), -EBADMSG);
				EXPECT_EQ(amr_write(&in, wide, aligned, bytes, (size_t)n - 1), -ENOSPC);
			}
}

// RFC 4867 4.5.1: one frame of AMR 7.4 without a mode request, bandwidth-efficient: 4 + 6 + 148 bits in 20 bytes.
TEST(Amr, TheRfcsFirstExample)
{
	uint8_t bytes[20] = {0xf2, 0x40}; // CMR 15, F 0, FT 4, Q 1
	amr_payload p;
	bytes[1] = 0x40;
	ASSERT_EQ(amr_read(&p, false, false, bytes, 20), 0);
	EXPECT_EQ(p.cmr, 15);
	EXPECT_EQ(p.count, 1);
	EXPECT_EQ(p.type[0], 4);
	EXPECT_EQ(p.frame[0][0], 4 << 3 | 4);
	EXPECT_EQ(amr_read(&p, false, false, bytes, 21), -EBADMSG);
}

TEST(Amr, ModesFollowTheRequestWithinTheSet)
{
	codec_format f = format("AMR/8000", "octet-align=1;mode-set=0,2,5,7;mode-change-period=2;mode-change-neighbor=1");
	codec_encoder *e = nullptr;
	ASSERT_EQ(codec_encoder_open(&e, &f, 8000), 0);
	Pcm pcm = vowel(8000, 20);
	auto mode = [&] {
		uint8_t out[64];
		EXPECT_GT(codec_encode(e, pcm.data(), 160, out, sizeof(out)), 0);
		return out[1] >> 3 & 15;
	};
	EXPECT_EQ(mode(), 7);
	e->ops->set_mode(e, 3); // the highest of the set up to it is 2
	std::vector<int> seen;
	for (int i = 0; i < 8; i++)
		seen.push_back(mode());
	EXPECT_EQ(seen.back(), 2);
	for (size_t i = 1; i < seen.size(); i++)
		EXPECT_TRUE(seen[i] == seen[i - 1] || (seen[i - 1] == 7 && seen[i] == 5) || (seen[i - 1] == 5 && seen[i] == 2)) << "one step at a time";
	codec_encoder_close(e);
}

// What the other side asks for in its payloads is told to the encoder towards it.
TEST(Amr, ARequestReachesTheOtherDirection)
{
	codec_side amr = side(format("AMR-WB/16000", "octet-align=1"), 96), l16 = side(format("L16/16000"), 97);
	Path to_us(amr, l16), to_them(l16, amr);
	codec_path_pair(to_us.path, to_them.path);
	std::vector<Packet> in = Sender(amr).speak(tone(16000, 400, 100));
	for (Packet &p : in)
		p.payload[0] = 2 << 4; // mode 2, please
	run(to_us.path, in);
	std::vector<Packet> out = run(to_them.path, Sender(l16).speak(tone(16000, 400, 100)));
	ASSERT_EQ(out.size(), 5u);
	EXPECT_EQ(out.back().payload[1] >> 3 & 15, 2);
	EXPECT_EQ(out.back().payload.size(), 2u + 32);
}

// A stereo stream is one sound; one sound is sent on both sides.
TEST(L16, TwoChannelsAreMixed)
{
	codec_side two = side(format("L16/16000/2"), 96), one = side(format("L16/16000"), 97);
	Path path(one, two), back(two, one);
	std::vector<Packet> stereo = run(path.path, Sender(one).speak(tone(16000, 400, 100)));
	ASSERT_EQ(stereo.size(), 5u);
	EXPECT_EQ(stereo[1].payload.size(), 320u * 4);
	EXPECT_EQ(memcmp(&stereo[1].payload[0], &stereo[1].payload[2], 2), 0);
	std::vector<Packet> mono = run(back.path, stereo);
	EXPECT_NEAR(amplitude(listen(one, mono, 0xfffff000u), 0, 1600, 400, 16000), 8000, 20);
}
