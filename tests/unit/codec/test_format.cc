// SPDX-License-Identifier: BSD-3-Clause
// Names of codecs and their fmtp lines, as the RFCs of each write them.
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <string>

extern "C" {
#include "dataplane/codec/codec.h"
}

namespace
{
const codec_name *find(const char *rtpmap)
{
	return codec_by_rtpmap(rtpmap, strlen(rtpmap));
}
codec_format parsed(const char *rtpmap, const char *fmtp, unsigned ptime = 0)
{
	codec_format f{};
	EXPECT_EQ(codec_format_parse(&f, rtpmap, fmtp, ptime), 0) << rtpmap << " " << fmtp;
	return f;
}
int refused(const char *rtpmap, const char *fmtp)
{
	codec_format f{};
	return codec_format_parse(&f, rtpmap, fmtp, 0);
}
std::string printed(const codec_format &f)
{
	char text[200];
	int n = codec_format_print(&f, text, sizeof(text));
	return n < 0 ? "failed" : std::string(text, (size_t)n);
}
} // namespace

TEST(Format, NamesAreFoundInEitherCaseAndWithOneChannel)
{
	ASSERT_TRUE(find("pcma/8000"));
	EXPECT_EQ(find("pcma/8000")->id, CODEC_PCMA);
	EXPECT_EQ(find("PCMU/8000/1")->id, CODEC_PCMU);
	EXPECT_EQ(find("OPUS/48000/2")->id, CODEC_OPUS);
	EXPECT_EQ(find("amr-wb/16000")->id, CODEC_AMR_WB);
	EXPECT_EQ(find("speex/16000")->sample_rate, 16000u);
	EXPECT_EQ(find("G722/8000")->sample_rate, 16000u);
	for (const char *wrong : {"opus/48000", "PCMA", "PCMA/16000", "PCMA/8000/2", "PCMA/80000", "", "/", "PCMA/8000 "})
		EXPECT_FALSE(find(wrong)) << wrong;
}

TEST(Format, StaticTypesAreThoseOfRfc3551)
{
	EXPECT_EQ(codec_by_static_type(0)->id, CODEC_PCMU);
	EXPECT_EQ(codec_by_static_type(3)->id, CODEC_GSM);
	EXPECT_EQ(codec_by_static_type(8)->id, CODEC_PCMA);
	EXPECT_EQ(codec_by_static_type(9)->id, CODEC_G722);
	EXPECT_EQ(codec_by_static_type(18)->id, CODEC_G729);
	EXPECT_FALSE(codec_by_static_type(96));
	EXPECT_FALSE(codec_by_static_type(255));
}

// Every row can be opened, both ways, as it stands.
TEST(Format, EveryRowOpens)
{
	for (unsigned i = 0; codec_name_at(i); i++) {
		const codec_name *name = codec_name_at(i);
		codec_format f;
		codec_decoder *d = nullptr;
		codec_encoder *e = nullptr;
		ASSERT_EQ(find(name->rtpmap), name);
		if (!codec_find(name->id)) {
			EXPECT_EQ(name->id, CODEC_G729) << "only this one may be missing";
			continue;
		}
		codec_format_init(&f, name);
		EXPECT_EQ(codec_format_check(&f), 0) << name->rtpmap;
		EXPECT_EQ(codec_format_ptime(&f, name->ptime), name->ptime) << name->rtpmap;
		EXPECT_EQ(codec_format_parse(&f, name->rtpmap, name->fmtp, 0), 0);
		ASSERT_EQ(codec_decoder_open(&d, &f, f.sample_rate), 0) << name->rtpmap;
		ASSERT_EQ(codec_encoder_open(&e, &f, f.sample_rate), 0) << name->rtpmap;
		EXPECT_EQ(codec_decoder_open(&d, &f, 11025), -EINVAL);
		codec_decoder_close(d);
		codec_encoder_close(e);
	}
}

TEST(Format, Opus)
{
	codec_format f = parsed("opus/48000/2", "maxplaybackrate=16000; sprop-maxcapturerate=16000;\tstereo=1;useinbandfec=1;usedtx=0;maxaveragebitrate=20000");
	EXPECT_EQ(f.max_playback, 16000u);
	EXPECT_EQ(f.bitrate, 20000u);
	EXPECT_EQ(f.flags, CODEC_FEC | CODEC_STEREO);
	EXPECT_EQ(parsed("opus/48000/2", "maxaveragebitrate=900000").bitrate, 510000u);
	EXPECT_EQ(parsed("opus/48000/2", "unheard=of;;x").flags, 0u);
	EXPECT_EQ(refused("opus/48000/2", "usedtx=2"), -EINVAL);
	EXPECT_EQ(refused("opus/48000/2", "maxplaybackrate=-1"), -EINVAL);
	EXPECT_EQ(refused("opus/48000/2", "maxplaybackrate=99999999999999999999"), -EINVAL);
	EXPECT_EQ(printed(f), "maxplaybackrate=16000;maxaveragebitrate=20000;useinbandfec=1");
}

TEST(Format, G729AnnexBIsOnUnlessSaid)
{
	EXPECT_EQ(parsed("G729/8000", "").flags, CODEC_DTX);
	EXPECT_EQ(parsed("G729/8000", "annexb=no").flags, 0u);
	EXPECT_EQ(printed(parsed("G729/8000", "annexb=no")), "annexb=no");
	EXPECT_EQ(refused("G729/8000", "annexb=perhaps"), -EINVAL);
}

TEST(Format, Amr)
{
	codec_format f = parsed("AMR/8000", "octet-align=1; mode-set=0,2,5,7; mode-change-period=2; mode-change-neighbor=1; max-red=0");
	EXPECT_EQ(f.mode_set, 1u << 0 | 1u << 2 | 1u << 5 | 1u << 7);
	EXPECT_EQ(f.flags, CODEC_OCTET_ALIGN | CODEC_MODE_PERIOD_2 | CODEC_MODE_NEIGHBOR);
	EXPECT_EQ(printed(f), "octet-align=1;mode-set=0,2,5,7;mode-change-period=2;mode-change-neighbor=1");
	EXPECT_EQ(parsed("AMR-WB/16000", "mode-set=8").mode_set, 1u << 8);
	EXPECT_EQ(refused("AMR/8000", "mode-set=8"), -EINVAL);
	EXPECT_EQ(refused("AMR/8000", "mode-set="), -EINVAL);
	EXPECT_EQ(refused("AMR/8000", "mode-set=1,,2"), -EINVAL);
	EXPECT_EQ(refused("AMR/8000", "crc=1"), -EOPNOTSUPP);
	EXPECT_EQ(refused("AMR/8000", "crc=0"), 0);
	EXPECT_EQ(refused("AMR/8000", "interleaving=30"), -EOPNOTSUPP);
	EXPECT_EQ(refused("AMR/8000", "octet-align=7"), -EINVAL);
}

TEST(Format, Speex)
{
	EXPECT_EQ(parsed("speex/8000", "mode=\"1,any\"").mode, 1);
	EXPECT_EQ(parsed("speex/16000", "mode=any;vbr=off").mode, CODEC_MODE_ANY);
	EXPECT_EQ(parsed("speex/16000", "cng=on").flags, CODEC_DTX);
	EXPECT_EQ(refused("speex/8000", "mode=9"), -EINVAL);
}

TEST(Format, PacketTimesAreThoseThatCanBeSent)
{
	EXPECT_EQ(parsed("PCMA/8000", "", 30).ptime, 30);
	EXPECT_EQ(parsed("PCMA/8000", "", 25).ptime, 20);
	EXPECT_EQ(parsed("PCMA/8000", "", 5).ptime, 10);
	EXPECT_EQ(parsed("PCMA/8000", "", 200).ptime, 60);
	EXPECT_EQ(parsed("GSM/8000", "", 30).ptime, 20);
	EXPECT_EQ(parsed("AMR/8000", "", 10).ptime, 20);
	EXPECT_EQ(parsed("opus/48000/2", "", 30).ptime, 20);
	EXPECT_EQ(parsed("opus/48000/2", "", 120).ptime, 120);
	EXPECT_EQ(parsed("L16/48000", "", 20).ptime, 10);
	EXPECT_EQ(parsed("PCMA/8000", "maxptime=20", 60).ptime, 20);
}

// What another process says is looked at field by field.
TEST(Format, CheckRefusesWhatCannotBe)
{
	const codec_format good = parsed("AMR/8000", "mode-set=0,2");
	auto bad = [&](auto change) {
		codec_format f = good;
		change(f);
		return codec_format_check(&f);
	};
	EXPECT_EQ(codec_format_check(&good), 0);
	EXPECT_EQ(bad([](codec_format &f) { f.id = CODECS; }), -EINVAL);
	EXPECT_EQ(bad([](codec_format &f) { f.id = CODEC_NONE; }), -EINVAL);
	EXPECT_EQ(bad([](codec_format &f) { f.sample_rate = 8001; }), -EINVAL);
	EXPECT_EQ(bad([](codec_format &f) { f.rtp_clock = 0; }), -EINVAL);
	EXPECT_EQ(bad([](codec_format &f) { f.channels = 0; }), -EINVAL);
	EXPECT_EQ(bad([](codec_format &f) { f.ptime = 0; }), -EINVAL);
	EXPECT_EQ(bad([](codec_format &f) { f.ptime = 30; }), -EINVAL);
	EXPECT_EQ(bad([](codec_format &f) { f.mode = 1; }), -EINVAL);
	EXPECT_EQ(bad([](codec_format &f) { f.mode_set = 0x100; }), -EINVAL);
	EXPECT_EQ(bad([](codec_format &f) { f.flags = 0x80; }), -EINVAL);
	EXPECT_EQ(bad([](codec_format &f) { f.loss = 101; }), -EINVAL);
	EXPECT_EQ(bad([](codec_format &f) { f.reserved[3] = 1; }), -EINVAL);
}
