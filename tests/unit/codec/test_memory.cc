// SPDX-License-Identifier: BSD-3-Clause
// What opens says -ENOMEM when there is no memory, whichever allocation of ours it is that fails, and leaks nothing.
#include "tests/unit/codec/rig.h"
#include "tests/unit/failing_alloc.h"

extern "C" {
#include "dataplane/codec/fax.h"
#include "dataplane/codec/tone.h"
}

using namespace rig;

TEST(Memory, PathsOfEveryCodec)
{
	codec_side l16 = side(format("L16/44100"), 97), pcma = side(format("PCMA/8000"), 8);
	for (unsigned row = 0; codec_name_at(row); row++) {
		if (!codec_find(codec_name_at(row)->id))
			continue;
		codec_side other = side(format(codec_name_at(row)->rtpmap), 96);
		for (bool from : {true, false}) {
			codec_path_config c{};
			c.from = from ? other : l16;
			c.to = from ? (row % 2 ? pcma : l16) : other;
			c.flags = CODEC_PATH_DETECT;
			long tried = for_each_allocation([&](long) {
				codec_path *path = nullptr;
				int err = codec_path_open(&path, &c);
				EXPECT_TRUE(err == 0 || err == -ENOMEM) << codec_name_at(row)->rtpmap << " " << err;
				EXPECT_EQ(err == 0, path != nullptr);
				codec_path_close(path);
			});
			EXPECT_GE(tried, 3) << codec_name_at(row)->rtpmap;
		}
	}
}

// Once open, a path needs no memory of ours any more, whatever comes.
TEST(Memory, NothingIsAllocatedForAFrame)
{
	codec_side from = side(format("G722/8000"), 9, 101, 13), to = side(format("L16/44100"), 97);
	Path path(from, to, [](codec_path_config &c) { c.dtmf_to = CODEC_DTMF_INBAND; });
	std::vector<uint8_t> audio(160, 0xfe), event{5, 10, 0, 160}, noise{60};
	codec_out out{};
	fail_after = 0;
	for (unsigned i = 0; i < 200; i++) {
		codec_in in{};
		const std::vector<uint8_t> &payload = i % 50 == 20 ? event : i % 50 == 40 ? noise : audio;
		in.payload = payload.data();
		in.length = (uint16_t)payload.size();
		in.type = i % 50 == 20 ? 101 : i % 50 == 40 ? 13 : 9;
		in.seq = (uint16_t)(i % 7 == 3 ? i + 1 : i % 7 == 4 ? i - 1 : i);
		in.timestamp = 160 * in.seq;
		if (i % 31 != 5)
			codec_path_push(path.path, &in, 1000000 + i * 20000);
		while (codec_path_pull(path.path, 1000000 + i * 20000, &out))
			;
	}
	EXPECT_EQ(fail_after, 0) << "something was allocated";
	fail_after = -1;
}

TEST(Memory, ClipsPlayersDetectorsFax)
{
	Pcm pcm = tone(8000, 400, 100);
	std::vector<uint8_t> file(WAV_HEADER + pcm.size() * 2);
	wav_header(file.data(), 8000, 1, pcm.size() * 2);
	for_each_allocation([&](long) {
		codec_clip *clip = nullptr;
		char why[100];
		int err = codec_clip_read(&clip, file.data(), file.size(), why, sizeof(why));
		EXPECT_TRUE(err == 0 || err == -ENOMEM);
		codec_clip_free(clip);
	});
	codec_clip *clip = nullptr;
	ASSERT_EQ(codec_clip_new(&clip, pcm.data(), pcm.size(), 8000), 0);
	for_each_allocation([&](long) {
		clip_player *player = nullptr;
		int err = clip_player_open(&player, clip, 16000, 1);
		EXPECT_TRUE(err == 0 || err == -ENOMEM);
		clip_player_close(player);
	});
	codec_clip_free(clip);
	for_each_allocation([&](long) {
		tone_detector *d = nullptr;
		int err = tone_detector_open(&d, 16000);
		EXPECT_TRUE(err == 0 || err == -ENOMEM);
		tone_detector_close(d);
	});
	for_each_allocation([&](long) {
		fax *f = nullptr;
		fax_config c{};
		int err = fax_open(&f, &c);
		EXPECT_TRUE(err == 0 || err == -ENOMEM);
		fax_close(f);
	});
}
