// SPDX-License-Identifier: BSD-3-Clause
//
// What is known about encodings without asking the peer. Names and static payload types from RFC 3551
// tables 4 and 5; clocks, frames and rates from each codec's payload format.
#include "sip/sdp/sdp.h"

#define ANY_CHANNELS 0

static const struct sdp_codec_info codecs[] = {
	// name, clock, static type, channels, ms, auxiliary, bit/s
	{"PCMU", 8000, 0, 1, 5, false, 64000},
	{"GSM", 8000, 3, 1, 20, false, 13200},
	{"G723", 8000, 4, 1, 30, false, 6400},
	{"DVI4", 8000, 5, 1, 10, false, 34000},
	{"DVI4", 16000, 6, 1, 10, false, 66000},
	{"LPC", 8000, 7, 1, 20, false, 5600},
	{"PCMA", 8000, 8, 1, 5, false, 64000},
	{"G722", 8000, 9, 1, 5, false, 64000},
	{"L16", 44100, 10, 2, 5, false, 1411200},
	{"L16", 44100, 11, 1, 5, false, 705600},
	{"QCELP", 8000, 12, 1, 20, false, 14000},
	{"CN", 8000, 13, 1, 20, true, 8000},
	{"MPA", 90000, 14, 1, 10, false, 448000},
	{"G728", 8000, 15, 1, 5, false, 16000},
	{"DVI4", 11025, 16, 1, 10, false, 46000},
	{"DVI4", 22050, 17, 1, 10, false, 90000},
	{"G729", 8000, 18, 1, 10, false, 8000},
	{"CelB", 90000, 25, 1, 0, false, 0},
	{"JPEG", 90000, 26, 1, 0, false, 0},
	{"nv", 90000, 28, 1, 0, false, 0},
	{"H261", 90000, 31, 1, 0, false, 0},
	{"MPV", 90000, 32, 1, 0, false, 0},
	{"MP2T", 90000, 33, 1, 0, false, 0},
	{"H263", 90000, 34, 1, 0, false, 0},

	{"opus", 48000, -1, 2, 5, false, 510000},
	{"AMR", 8000, -1, ANY_CHANNELS, 20, false, 14400},
	{"AMR-WB", 16000, -1, ANY_CHANNELS, 20, false, 25600},
	{"EVS", 16000, -1, ANY_CHANNELS, 20, false, 128000},
	{"iLBC", 8000, -1, 1, 20, false, 15200},
	{"speex", 8000, -1, 1, 20, false, 24600},
	{"speex", 16000, -1, 1, 20, false, 42200},
	{"speex", 32000, -1, 1, 20, false, 44000},
	{"G726-16", 8000, -1, 1, 5, false, 16000},
	{"G726-24", 8000, -1, 1, 5, false, 24000},
	{"G726-32", 8000, -1, 1, 5, false, 32000},
	{"G726-40", 8000, -1, 1, 5, false, 40000},
	{"AAL2-G726-32", 8000, -1, 1, 5, false, 32000},
	{"G7221", 16000, -1, 1, 20, false, 32000},
	{"G7221", 32000, -1, 1, 20, false, 48000},
	{"G729D", 8000, -1, 1, 10, false, 6400},
	{"G729E", 8000, -1, 1, 10, false, 11800},
	{"L16", 8000, -1, 1, 5, false, 128000},
	{"L16", 16000, -1, 1, 5, false, 256000},
	{"L16", 48000, -1, 2, 5, false, 1536000},
	{"SILK", 8000, -1, 1, 20, false, 20000},
	{"SILK", 16000, -1, 1, 20, false, 30000},
	{"SILK", 24000, -1, 1, 20, false, 40000},
	{"H263-1998", 90000, -1, 1, 0, false, 0},
	{"H264", 90000, -1, 1, 0, false, 0},
	{"H265", 90000, -1, 1, 0, false, 0},
	{"VP8", 90000, -1, 1, 0, false, 0},
	{"VP9", 90000, -1, 1, 0, false, 0},
	{"AV1", 90000, -1, 1, 0, false, 0},
};

// Encodings that go beside a main codec, whatever their clock.
static const char *const auxiliaries[] = {"telephone-event", "tone", "CN", "red", "rtx", "ulpfec",
	"flexfec", "flexfec-03", "parityfec"};

static const struct sdp_codec_info auxiliary = {"", 0, -1, 1, 20, true, 8000};

const struct sdp_codec_info *sdp_codec_static(unsigned pt)
{
	for (unsigned i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++) {
		if (codecs[i].static_pt >= 0 && (unsigned)codecs[i].static_pt == pt)
			return &codecs[i];
	}
	return NULL;
}

const struct sdp_codec_info *sdp_codec_find(struct sdp_str name, uint32_t rate, unsigned channels)
{
	for (unsigned i = 0; i < sizeof(auxiliaries) / sizeof(auxiliaries[0]); i++) {
		if (sdp_str_is_nocase(name, auxiliaries[i]))
			return &auxiliary;
	}
	for (unsigned i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++) {
		const struct sdp_codec_info *c = &codecs[i];

		if (c->rate == rate && sdp_str_is_nocase(name, c->name) &&
			(c->channels == channels || c->channels == ANY_CHANNELS))
			return c;
	}
	return NULL;
}
