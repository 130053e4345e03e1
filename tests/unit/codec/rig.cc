// SPDX-License-Identifier: BSD-3-Clause
#include "tests/unit/codec/rig.h"

#include <fstream>

extern "C" {
#include "dataplane/codec/resample.h"
}

namespace rig
{
Pcm resampled(const Pcm &pcm, unsigned from, unsigned to)
{
	resampler *r = nullptr;
	EXPECT_EQ(resampler_open(&r, from, to), 0);
	Pcm out(pcm.size() * to / from + 64);
	out.resize(resampler_run(r, pcm.data(), (unsigned)pcm.size(), out.data(), (unsigned)out.size()));
	resampler_close(r);
	return out;
}

Pcm speech(unsigned rate)
{
	std::vector<char> bytes(200000);
	std::ifstream file(SPEECH, std::ios::binary);
	file.read(bytes.data(), (long)bytes.size());
	bytes.resize((size_t)file.gcount());
	codec_clip *clip = nullptr;
	char why[200];
	EXPECT_EQ(codec_clip_read(&clip, (const uint8_t *)bytes.data(), bytes.size(), why, sizeof(why)), 0) << why;
	Pcm pcm(clip->pcm, clip->pcm + clip->samples);
	unsigned own = clip->rate;
	codec_clip_free(clip);
	return resampled(pcm, own, rate);
}

} // namespace rig
