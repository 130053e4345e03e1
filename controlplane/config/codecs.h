// SPDX-License-Identifier: BSD-3-Clause
// What a peer may say of its codecs, digits, fax, tones and recordings. Part of config.h, which says what holds for
// all of it.
//
//   peers:
//     carrier:
//       codecs: [PCMA, G722]        what may cross, in this order; what is missing is reached by transcoding
//       codecs: {allow: [...],      what may cross, either way; default: everything
//                strip: [...],      what must not
//                order: [...],      which of the offerer's codecs come first; those that are added stay behind
//                add: [...]}        what it is offered beside the offerer's; default: what it has said before, else
//                                   what is allowed, else G.711, and to browsers Opus and G.722 too
//       transcode: auto             off: a call without a common codec is refused
//       dtmf: auto                  how it gives and takes digits: as its SDP says (telephone-event, else tones and
//                                   INFO as they come); rfc4733, info, inband: so and not otherwise
//       t38: pass                   fax by T.38; refuse: 488, and fax goes on as audio; gateway: it has none, its G.711
//                                   is made into the other side's T.38 and back. When a fax machine is heard in such
//                                   a call, the other side is offered T.38, if it says `pass`
//       ringback: pass              who calls it hears what it sends; tone, or FILE: that, until it sends something
//       hold_music: FILE            what the other side hears while it holds the call
//       announce: {404: FILE, ...}  what its callers hear before their call is refused so
//       record: no                  wav, pcap: every call with it
//   prompts: /var/lib/hawse/prompts      directory of the FILEs, which are wav
//   recordings: /var/lib/hawse/recordings
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CFG_CODECS    16u // names of one list
#define CFG_PROMPT    96u // bytes of a file's name below `prompts`, NUL included
#define CFG_ANNOUNCES 16u

struct cfg_names {
	char (*name)[16]; // "PCMA", "L16/16000"; any case
	unsigned count;
};

enum cfg_dtmf {
	CFG_DTMF_AUTO,
	CFG_DTMF_RFC4733,
	CFG_DTMF_INFO,
	CFG_DTMF_INBAND,
};

enum cfg_t38 {
	CFG_T38_PASS,
	CFG_T38_REFUSE,
	CFG_T38_GATEWAY,
};

enum cfg_ringback {
	CFG_RINGBACK_PASS,
	CFG_RINGBACK_TONE,
	CFG_RINGBACK_FILE,
};

enum cfg_record {
	CFG_RECORD_NO,
	CFG_RECORD_WAV,
	CFG_RECORD_PCAP,
};

struct cfg_announce {
	uint16_t status;
	char file[CFG_PROMPT];
};

struct cfg_codecs {
	struct cfg_names allow, strip, order, add;
	bool no_transcode;
	uint8_t dtmf;     // enum cfg_dtmf
	uint8_t t38;      // enum cfg_t38
	uint8_t ringback; // enum cfg_ringback
	uint8_t record;   // enum cfg_record
	char *ringback_file;         // NULL: none
	char *hold_music;            // NULL: none
	struct cfg_announce *announce; // NULL: none
	unsigned announces;
};
