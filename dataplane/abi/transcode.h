// SPDX-License-Identifier: BSD-3-Clause
// Payloads of the commands and events of media that hawse-media looks into: transcoding, digits, prompts
// and recordings. message.h includes this file.
//
// A leg whose plan has a codec is decoded and encoded by hawse-media: it sends to the party a stream of
// its own, whose SSRC, sequence numbers and timestamps go on through every change of the plan. Everything
// else here but RECORD wants that. Both legs may have the same codec: then frames are passed on as they
// are, and are decoded only while something has to be heard in them or put into them.
// Of sessions with two legs. When only one leg has a codec (nobody has answered on the other side yet), its party hears what PLAY and
// DTMF_SEND put there, else nothing is sent to it; what comes from it goes nowhere.
//
// Answers beside those of message.h:
//   -ENOSPC, ABI_FIELD_CODEC   the transcoders are full (SESSION_ADD, SESSION_UPDATE): the session goes on
//                              as it was. Answer 488, or take another route. PLAY: the same
//   -EOPNOTSUPP, ABI_FIELD_CODEC  not in abi_region_a.codecs; no transcoder runs
//   -EOPNOTSUPP, ABI_FIELD_FILE   recordings, or prompts from files, are not configured
//   -ENOENT, ABI_FIELD_FILE    there is no such prompt
//   -ENOSPC, ABI_FIELD_FILE    as many recordings run as may
//   -EBUSY, ABI_FIELD_STATE    the session is being recorded already; the leg's queue of digits is full
//   -EINVAL, ABI_FIELD_STATE   the leg has no codec (PLAY, DTMF_SEND)
// PLAY, PLAY_STOP, DTMF_SEND, RECORD and RECORD_STOP sent again with the transaction of one of the session's
// last ABI_REPEATS of them change nothing.
#pragma once

#include <stdint.h>

#include "dataplane/abi/layout.h"

// Codecs that hawse-media may be asked to transcode between. abi_region_a.codecs says which it can: bit
// 1 << enum abi_codec. The numbers are those of enum codec_id (dataplane/codec/format/format.h).
enum abi_codec {
	ABI_CODEC_NONE = 0, // relay as it is
	ABI_CODEC_PCMU = 1,
	ABI_CODEC_PCMA = 2,
	ABI_CODEC_G722 = 3, // its RTP clock is 8000
	ABI_CODEC_OPUS = 4, // 48000
	ABI_CODEC_G729 = 5,
	ABI_CODEC_L16 = 6, // at `khz`
	ABI_CODEC_GSM = 7,
	ABI_CODEC_G726_16 = 8, // RFC 3551 4.5.4
	ABI_CODEC_G726_24 = 9,
	ABI_CODEC_G726_32 = 10,
	ABI_CODEC_G726_40 = 11,
	ABI_CODEC_AAL2_G726_16 = 12,
	ABI_CODEC_AAL2_G726_24 = 13,
	ABI_CODEC_AAL2_G726_32 = 14,
	ABI_CODEC_AAL2_G726_40 = 15,
	ABI_CODEC_SPEEX = 16, // at `khz`
	ABI_CODEC_AMR = 17,
	ABI_CODEC_AMR_WB = 18, // 16000
	ABI_CODECS,
};

// What fmtp and the peer's settings say of what the party takes. The bits are those of enum codec_flags.
enum abi_codec_flags {
	// We may fall silent when there is nothing to hear: Opus usedtx, G.729 annex B, AMR SID, and CN where
	// the leg has a payload type for it. Without it something is sent for each packet time. What comes
	// from the party may always be so.
	ABI_CODEC_DTX = 1u << 0,
	ABI_CODEC_FEC = 1u << 1,           // Opus: useinbandfec
	ABI_CODEC_CBR = 1u << 2,           // Opus: cbr
	ABI_CODEC_STEREO = 1u << 3,        // Opus: stereo
	ABI_CODEC_OCTET_ALIGNED = 1u << 4, // AMR, AMR-WB (RFC 4867); else bandwidth-efficient
	ABI_CODEC_NEIGHBOR = 1u << 5,      // AMR: mode-change-neighbor
	ABI_CODEC_PERIOD_2 = 1u << 6,      // AMR: mode-change-period=2
};

// How a party gives and takes digits.
enum abi_dtmf {
	// It is not looked at: telephone-events go on when both legs have a payload type for them.
	ABI_DTMF_NONE = 0,
	ABI_DTMF_EVENT = 1,  // telephone-event (RFC 4733)
	ABI_DTMF_INBAND = 2, // tones among the speech
	// By SIP INFO: nothing of it is in the media. What comes from the other leg is reported (ABI_DTMF) and
	// taken out of what this party gets; the control plane brings its own to the other leg by DTMF_SEND.
	ABI_DTMF_SIGNALLED = 3,
};

// The rest of a leg's codec; all zero when the leg has none. `codec`, `codec_type`, `ptime_ms`, `codec_bits`
// and `dtmf_type` are in struct abi_leg_plan. Payload types other than type_in, codec_type, cn_type, dtmf_type and dtmf_out are
// not taken from a leg with a codec, whatever payload_types says; pt_map is not used.
struct abi_codec_terms { // 12 bytes
	uint16_t flags;  // enum abi_codec_flags, those of the codec
	uint16_t modes;  // AMR, AMR-WB, Speex: bit n: mode n may be sent (mode-set); 0: all
	// Payload type by which the party was asked to send the codec; codec_type: by which it takes it. Many send by
	// that, too: it is read where it is none of the leg's other types.
	uint8_t type_in;
	// L16, Speex: 8, 16, 32, 44 (44100 Hz), 48; 0 is 8. Opus: what the party plays at most; 0: 48
	uint8_t khz;
	uint8_t cn_type; // comfort noise (RFC 3389), both ways; 0: none
	uint8_t dtmf;    // enum abi_dtmf
	uint8_t dtmf_out; // telephone-event as the party takes it, 255: none; as it sends it: dtmf_type, or this
	uint8_t dtmf_khz; // of its timestamps: 8, 16, 48; 0: as the codec's
	uint8_t mode;     // AMR, AMR-WB, Speex: the mode to begin with, plus 1; 0: the best
	uint8_t channels; // L16: 1 or 2; 0: 1. Others: 0
};

#define ABI_REPEATS 4u

// ---- T.38 to G.711

enum abi_fax_flags { // as the party's SDP says it (T.38 annex D)
	ABI_FAX_TRANSFERRED_TCF = 1u << 0,
	ABI_FAX_FILL_BIT_REMOVAL = 1u << 1,
	ABI_FAX_MMR = 1u << 2,
	ABI_FAX_JBIG = 1u << 3,
	ABI_FAX_NO_ECM = 1u << 4, // errors are not to be corrected
	ABI_FAX_FLAGS = (1u << 5) - 1,
};

// In abi_session_plan.terms of a leg with ABI_LEG_UDPTL whose other leg has a codec. All zero: as is usual.
struct abi_fax_terms {         // 12 bytes
	uint16_t flags;        // enum abi_fax_flags
	uint16_t max_datagram; // T38FaxMaxDatagram; 0: 400
	uint16_t max_rate;     // T38MaxBitRate; 0: 14400
	uint8_t version;       // T38FaxVersion, 0..3
	uint8_t redundancy;    // packets that each datagram repeats, 0..8
	uint8_t reserved[4];
};

enum abi_fax_news {
	ABI_FAX_CALLS = 1,   // CNG was heard: a machine that calls
	ABI_FAX_ANSWERS = 2, // CED, or the preamble of V.21: one that answers
	ABI_FAX_OVER = 3,    // of a leg with UDPTL: the machines have said goodbye (DCN)
};

// Each at most once for a plan.
struct abi_event_fax { // 16 bytes
	uint8_t leg;
	uint8_t news;      // enum abi_fax_news
	uint16_t pages;    // OVER: that went over
	uint32_t bit_rate; // of the last one
	uint8_t reserved[8];
};

// ---- digits

#define ABI_DTMF_DIGITS 32u
#define ABI_DTMF_FLASH  16u // events 0..9, 10 *, 11 #, 12..15 A..D, 16 flash

// Sends digits to the leg's party, one after the other, behind those that are still being sent. EVENT wants a
// payload type for them; INBAND knows no flash.
struct abi_dtmf_send { // 48 bytes
	uint8_t leg;
	uint8_t how;          // enum abi_dtmf: EVENT or INBAND; NONE: as the leg takes them
	uint8_t count;        // 1..ABI_DTMF_DIGITS
	uint8_t volume;       // 0..63: -dBm0; 0: as is usual (10)
	uint16_t duration_ms; // of each, 40..10000; 0: 100
	uint16_t gap_ms;      // between two, 30..10000; 0: 60
	uint8_t digit[ABI_DTMF_DIGITS];
	uint8_t reserved[8];
};

// A digit that came from a leg's party has ended. For each leg with ABI_LEG_DTMF_REPORT, and for what
// has to go to a leg with ABI_DTMF_SIGNALLED.
struct abi_event_dtmf {   // 24 bytes
	uint64_t time_us; // of its beginning
	uint16_t duration_ms;
	uint8_t leg;
	uint8_t digit;  // 0..ABI_DTMF_FLASH
	uint8_t how;    // EVENT or INBAND
	uint8_t volume; // -dBm0; 0: not known
	uint8_t reserved[10];
};

// ---- prompts, music on hold, tones

enum abi_play_kind {
	ABI_PLAY_FILE = 1, // a wav file under the configured directory, held in memory
	ABI_PLAY_TONE = 2,
};

enum abi_play_flags {
	ABI_PLAY_MIX = 1u << 0, // into what the other party says; else in its place
	ABI_PLAY_FLAGS = (1u << 1) - 1,
};

#define ABI_TONES 4u
#define ABI_FILE  128u // with its NUL

struct abi_tone {       // 8 bytes: one part of a cadence
	uint16_t hz[2]; // 20..3400; [1] may be 0
	uint16_t on_ms; // 0, alone: without end
	uint16_t off_ms;
};

// Takes the place of what plays to that leg (which ends with PLAY_DONE, REPLACED).
struct abi_play {        // 192 bytes
	uint8_t leg;     // who hears it
	uint8_t kind;    // enum abi_play_kind
	uint8_t flags;   // enum abi_play_flags
	uint8_t tones;   // TONE: 1..ABI_TONES, played one after the other
	uint32_t id;     // the sender's, comes back with PLAY_DONE
	uint32_t loops;  // of all of it; 0: without end
	uint32_t max_ms; // 0: no limit
	uint8_t volume;  // TONE: 0..63: -dBm0 of each frequency; 0: as is usual (13)
	uint8_t reserved[15];
	struct abi_tone tone[ABI_TONES];
	// FILE: relative, of letters, digits and "._-/", no part of it begins with a dot. NUL behind it to the end.
	char file[ABI_FILE];
};

struct abi_play_stop { // 8 bytes
	uint8_t leg;
	uint8_t reserved[3];
	uint32_t id; // stops only what has it; 0: whatever plays. Nothing plays: 0 all the same
};

enum abi_play_cause {
	ABI_PLAYED = 1, // to its end
	ABI_PLAY_STOPPED = 2,
	ABI_PLAY_REPLACED = 3,
	ABI_PLAY_LIMIT = 4, // max_ms
	ABI_PLAY_GONE = 5,  // the plan took the leg's codec away
};

struct abi_event_play { // 16 bytes: PLAY_DONE. Not told of sessions that were deleted
	uint32_t id;
	uint32_t played_ms;
	uint8_t leg;
	uint8_t cause; // enum abi_play_cause
	uint8_t reserved[6];
};

// ---- recordings

enum abi_record_kind {
	ABI_RECORD_PCAP = 1, // RTP as it came and was sent, decrypted, in IP and UDP headers
	ABI_RECORD_WAV = 2,  // 16 bit, 8 or 16 kHz; stereo with both legs: left leg 0, right leg 1
};

#define ABI_RECORD_CODECS 3u

struct abi_record_codec { // 4 bytes
	uint8_t codec;    // enum abi_codec
	uint8_t type;     // payload type
	uint8_t khz;
	uint8_t flags; // enum abi_codec_flags
};

// Of what comes from the parties. Works with and without transcoding.
struct abi_record {   // 184 bytes
	uint8_t kind; // enum abi_record_kind
	uint8_t legs; // 1 leg 0, 2 leg 1, 3 both
	uint8_t khz;  // WAV: 8 or 16; 0: 8
	uint8_t reserved0;
	uint32_t id;    // comes back with RECORD_DONE
	uint32_t max_s; // 0: no limit
	uint32_t reserved1;
	uint64_t max_octets; // of the file; 0: no limit
	// WAV: how to read a leg whose plan has no codec: up to three codecs that its party may send.
	// Unused ones are all zero.
	struct abi_record_codec codec[2][ABI_RECORD_CODECS];
	char file[ABI_FILE]; // as in abi_play; directories are made. It must not exist
	uint8_t reserved2[8];
};

struct abi_record_stop { // 8 bytes
	uint32_t id;     // 0: whatever records
	uint32_t reserved;
};

enum abi_record_cause {
	ABI_RECORDED = 1,         // stopped
	ABI_RECORD_SESSION = 2,   // the session has ended
	ABI_RECORD_LIMIT = 3,     // max_s or max_octets
	ABI_RECORD_DISK_FULL = 4, // what was written is kept and can be read
	ABI_RECORD_FAILED = 5,    // error says why
};

struct abi_event_record { // 40 bytes: RECORD_DONE, also of a session that was deleted
	uint64_t octets;  // of the file
	uint64_t packets; // recorded
	uint32_t id;
	uint32_t lost; // packets that found no room on the way
	uint32_t ms;
	int32_t error; // 0 or -errno
	uint8_t cause; // enum abi_record_cause
	uint8_t reserved[7];
};

ABI_HELD(abi_codec_terms, 12);
ABI_HELD(abi_fax_terms, 12);
ABI_HELD(abi_event_fax, 16);
ABI_HELD(abi_dtmf_send, 48);
ABI_HELD(abi_event_dtmf, 24);
ABI_HELD(abi_tone, 8);
ABI_HELD(abi_play, 192);
ABI_HELD(abi_play_stop, 8);
ABI_HELD(abi_event_play, 16);
ABI_HELD(abi_record_codec, 4);
ABI_HELD(abi_record, 184);
ABI_HELD(abi_record_stop, 8);
ABI_HELD(abi_event_record, 40);

// What a codec is, as far as both sides have to agree.
struct abi_codec_info {
	const char *name;  // as SDP has it, "PCMU"
	uint32_t clock;    // of RTP timestamps; L16 and Speex: `khz` says
	uint8_t frame_ms;  // packets hold whole ones
	uint8_t max_ptime; // ms
	uint16_t flags;    // of enum abi_codec_flags, that make sense
	uint16_t modes;    // that there are
};

#ifdef __cplusplus
extern "C" {
#endif

// NULL for NONE and what does not exist.
const struct abi_codec_info *abi_codec_of(unsigned codec);

// RTP clock of the codec; `khz` as in abi_codec_terms. 0 for NONE.
uint32_t abi_codec_clock(unsigned codec, unsigned khz);

// 1 when a packet of so many milliseconds can be made of the codec's frames.
int abi_codec_ptime(unsigned codec, unsigned ptime_ms);

// 1 when `name` (ABI_FILE bytes) is a name as struct abi_play has it.
int abi_file_name(const char *name);

#ifdef __cplusplus
}
#endif
