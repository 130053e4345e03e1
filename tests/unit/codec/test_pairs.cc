// SPDX-License-Identifier: BSD-3-Clause
// Every codec into every other: a tone keeps its frequency and level, speech stays intelligible. The measure of
// speech is the log-spectral distance of 20 bands of 250 to 3400 Hz (rig.h).
#include "tests/unit/codec/rig.h"

using namespace rig;

namespace
{
struct Codec {
	const char *rtpmap, *fmtp;
	double level; // dB that a tone may be off after one coding
	double speech; // dB of spectral distance after one coding
};

const Codec codecs[] = {
	{"PCMU/8000", "", 0.5, 2.0},
	{"PCMA/8000", "", 0.5, 2.0},
	{"G722/8000", "", 0.5, 2.0},
	{"opus/48000/2", "useinbandfec=1", 1.5, 4.0},
	{"G729/8000", "annexb=no", 1.5, 5.0},
	{"L16/16000", "", 0.2, 1.0},
	{"L16/44100", "", 0.2, 1.0},
	{"GSM/8000", "", 1.0, 4.0},
	{"G726-32/8000", "", 1.0, 4.0},
	{"AAL2-G726-40/8000", "", 1.0, 4.0},
	{"speex/8000", "", 1.5, 5.0},
	{"speex/16000", "", 1.5, 5.0},
	{"AMR/8000", "octet-align=1", 1.5, 5.0},
	{"AMR-WB/16000", "", 1.5, 5.0},
};
} // namespace

TEST(Pairs, ToneAndSpeechSurvive)
{
	Pcm reference = speech(8000);
	reference.resize(8000 * 12 / 10);
	for (const Codec &a : codecs)
		for (const Codec &b : codecs) {
			if (!built(a.rtpmap) || !built(b.rtpmap))
				continue;
			SCOPED_TRACE(std::string(a.rtpmap) + " to " + b.rtpmap);
			codec_side from = side(format(a.rtpmap, a.fmtp)), to = side(format(b.rtpmap, b.fmtp), 97);
			Path path(from, to);
			unsigned in = from.format.sample_rate, out = to.format.sample_rate;
			Pcm spoken = tone(in, 1000, 400), said = speech(in);
			said.resize(in * 14 / 10);
			size_t begin = spoken.size();
			spoken.insert(spoken.end(), said.begin(), said.end());
			std::vector<Packet> sent = run(path.path, Sender(from).speak(spoken));
			expect_one_stream(sent, to, 65530);
			Pcm heard = listen(to, sent, 0xfffff000u);
			ASSERT_GT(heard.size(), (size_t)(out * 1.6));
			size_t first = out * 200 / 1000, last = out * 380 / 1000;
			double at = amplitude(heard, first, last, 1000, out), all = rms(heard, first, last) * M_SQRT2;
			double db = 20 * std::log10(at / 8000);
			EXPECT_NEAR(db, 0, a.level + b.level);
			EXPECT_GT(at / all, 0.9) << "the tone is not alone";
			Pcm narrow = resampled(Pcm(heard.begin() + (long)((uint64_t)begin * out / in), heard.end()), out, 8000);
			double off = distance(reference, narrow);
			EXPECT_LT(off, a.speech + b.speech);
			printf("%-20s %-20s %5.2f dB, distance %4.1f dB\n", a.rtpmap, b.rtpmap, db, off);
			const codec_path_stats &s = path.stats();
			EXPECT_EQ(s.lost + s.corrupt + s.concealed_ms + s.restarts + s.too_fast, 0u);
		}
}
