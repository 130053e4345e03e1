// SPDX-License-Identifier: BSD-3-Clause
// What codecs there are, by the names that SDP has for them, and what their fmtp lines mean in numbers.
//
// A pure table and pure functions: libc only, no state, any thread, any process. hawse-sip reads SDP with
// it, hawse-media gets struct codec_format over the shared memory and checks it (codec_format_check)
// before any codec sees it. What this build of hawse-media can really open says dataplane/codec/codec.h.
//
// Refuses: names, clocks and channels that are not in the table; parameters whose value nobody could
// mean (octet-align=7); and, with -EOPNOTSUPP, payload formats that we do not speak (AMR with
// interleaving or CRC). Parameters that it does not know are ignored, as their RFCs want.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The first seven are those of enum abi_codec; the rest goes on behind. Never renumbered.
enum codec_id {
	CODEC_NONE = 0,
	CODEC_PCMU = 1,
	CODEC_PCMA = 2,
	CODEC_G722 = 3, // 16 kHz, though its RTP clock is 8000 (RFC 3551 4.5.2)
	CODEC_OPUS = 4, // RFC 7587
	CODEC_G729 = 5, // A, AB
	CODEC_L16 = 6,  // any rate of the table, 1 or 2 channels
	CODEC_GSM = 7,  // full rate, 33 bytes
	CODEC_G726_16 = 8,
	CODEC_G726_24 = 9,
	CODEC_G726_32 = 10,
	CODEC_G726_40 = 11,
	CODEC_AAL2_G726_16 = 12, // the same bits in the other order (RFC 3551 4.5.4)
	CODEC_AAL2_G726_24 = 13,
	CODEC_AAL2_G726_32 = 14,
	CODEC_AAL2_G726_40 = 15,
	CODEC_SPEEX = 16,  // 8, 16 and 32 kHz (RFC 5574)
	CODEC_AMR = 17,    // RFC 4867
	CODEC_AMR_WB = 18, // RFC 4867
	CODECS,
};

enum codec_flags {
	CODEC_DTX =
		1u
		<< 0, // silence may be left out in the codec's own way: Opus usedtx, G.729 annexb,
		      // Speex vad/cng, AMR. What is received may always be so
	CODEC_FEC = 1u << 1,         // Opus useinbandfec
	CODEC_CBR = 1u << 2,         // Opus cbr
	CODEC_STEREO = 1u << 3,      // Opus stereo: the other side likes two channels. We send one
	CODEC_OCTET_ALIGN = 1u << 4, // AMR
	CODEC_MODE_NEIGHBOR = 1u << 5, // AMR mode-change-neighbor
	CODEC_MODE_PERIOD_2 = 1u << 6, // AMR mode-change-period=2
	CODEC_ALL_FLAGS = (1u << 7) - 1,
};

#define CODEC_MODE_ANY 255u

// One direction's format, in numbers. 32 bytes without pointers, so that it can cross shared memory.
struct codec_format {
	uint8_t id;            // enum codec_id
	uint8_t channels;      // of rtpmap: 1, or 2 (L16; Opus always says 2)
	uint8_t ptime;         // ms of a packet that is sent: 10..120 (more than 60: Opus only)
	uint8_t maxptime;      // ms the receiver takes at most; 0: not said
	uint32_t rtp_clock;    // Hz of RTP timestamps
	uint32_t sample_rate;  // Hz that the codec carries by nature (G.722: 16000, Opus: 48000)
	uint32_t bitrate;      // bit/s to send at most; 0: as is usual for the codec
	uint32_t max_playback; // Opus: Hz beyond which the receiver hears nothing; 0: 48000
	uint32_t flags;        // enum codec_flags
	uint16_t mode_set; // AMR: bit n: mode n may be sent; 0: all. Speex: the same of its modes
	uint8_t mode;      // AMR, Speex: to begin with; CODEC_MODE_ANY: the best of the set
	uint8_t loss;      // per cent of loss that Opus's FEC should count on; 0: 10 with FEC
	uint8_t reserved[4];
};

_Static_assert(sizeof(struct codec_format) == 32, "struct codec_format");

struct codec_name {
	uint8_t id;
	uint8_t static_type; // RFC 3551 payload type, 255: none
	uint8_t channels;
	uint8_t ptime; // ms that are usual
	uint32_t rtp_clock;
	uint32_t sample_rate;
	uint32_t bitrate;   // bit/s of speech, without headers, as is usual
	const char *name;   // encoding name as rtpmap has it: "PCMU", "opus"
	const char *rtpmap; // "PCMU/8000", "opus/48000/2"
	const char *fmtp;   // that an offer of ours should carry, without "a=fmtp:NN "; "": none
};

#ifdef __cplusplus
extern "C" {
#endif

// Row by row: every rtpmap that can be understood; L16 and Speex have several. NULL behind the last.
const struct codec_name *codec_name_at(unsigned index);

// By rtpmap's right side, "PCMA/8000", "opus/48000/2" or "PCMA/8000/1": letters of either case
// (RFC 8866 6.6), channels of 1 may be left out. `length` bytes, no terminator needed. NULL: unknown.
const struct codec_name *codec_by_rtpmap(const char *rtpmap, size_t length);
// The row that is usual for an id: L16/16000, speex/8000. NULL: unknown.
const struct codec_name *codec_by_id(unsigned id);
// The codec of a static payload type that has no rtpmap (RFC 3551 table 4). NULL: none.
const struct codec_name *codec_by_static_type(unsigned type);

// The defaults of a row: no DTX but where the RFC's default says so (G.729 annexb).
void codec_format_init(struct codec_format *format, const struct codec_name *name);

// Reads fmtp's parameters ("useinbandfec=1;maxplaybackrate=16000") over what `format` holds; both
// separated by ";" and by spaces. 0; -EINVAL: a value makes no sense; -EOPNOTSUPP: means what we do
// not do. Nothing is changed then.
int codec_format_fmtp(struct codec_format *format, const char *fmtp, size_t length);

// codec_by_rtpmap, codec_format_init, codec_format_fmtp and ptime at once. ptime 0: as is usual. A
// ptime that cannot be made is the nearest below it that can. 0, -ENOENT (unknown rtpmap), or as above.
int codec_format_parse(
	struct codec_format *format, const char *rtpmap, const char *fmtp, unsigned ptime);

// Whether every field is one that the codecs can be opened with: for what came from another process.
// 0 or -EINVAL.
int codec_format_check(const struct codec_format *format);

// The nearest ptime at or below `ptime` that the codec can be sent with (its frames divide it, and
// maxptime, when it is said, holds it); the codec's shortest when there is none below.
unsigned codec_format_ptime(const struct codec_format *format, unsigned ptime);

// fmtp for what we are ready to receive in this format, as an answer would carry it. Bytes without
// the terminator, 0: no parameters are needed; -ENOSPC.
int codec_format_print(const struct codec_format *format, char *out, size_t capacity);

#ifdef __cplusplus
}
#endif
