// SPDX-License-Identifier: BSD-3-Clause
// The messages between hawse-sip and hawse-media: fixed 256 bytes, no pointers, reserved bytes
// zero.
//
// hawse-sip sends commands in region B, hawse-media answers each with one ABI_REPLY and sends
// events, both in region A. A command is answered in order; `transaction` of the reply is that of
// the command. Every command is idempotent: sent again with the same transaction it changes
// nothing and gives the same answer, so that a control plane that died may simply ask again.
//
// After a reattach: sessions that nobody claimed are deleted the grace time after RECONCILE_DONE, or
// earlier when ports run out. Sessions that were allocated and never added go at once when their
// control plane was cut off for misbehaviour.
//
// `result` of a reply is 0 or a negative errno:
//   -EINVAL    the message is malformed (which field: abi_reply.field, an ABI_FIELD_ value)
//   -ENOENT    no such session, or its generation is not the one named
//   -ENOSPC    no ports are left (PORT_ALLOC): every pair is used or in quarantine
//   -ENFILE    no session slot is left (PORT_ALLOC)
//   -EAFNOSUPPORT  no local address of that family on that interface
//   -EHOSTUNREACH  no route to a remote address from the leg's interface
//   -EBUSY     try again: a worker's mailbox is full
//   -EPERM     the control plane that sent it is no longer the attached one
//   -EOPNOTSUPP    this hawse-media cannot do that (a suite or codec that it was not built with)
// and those of transcode.h.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "dataplane/abi/layout.h"
#include "dataplane/abi/secure.h"
#include "dataplane/abi/transcode.h"

enum abi_msg_type {
	// commands, hawse-sip to hawse-media
	ABI_PORT_ALLOC = 1,      // abi_port_alloc -> abi_ports; makes the session, ALLOCATED
	ABI_SESSION_ADD = 2,     // abi_session_plan; ALLOCATED -> ACTIVE (ACTIVE: as UPDATE)
	ABI_SESSION_UPDATE = 3,  // abi_session_plan; -> abi_session_report
	ABI_SESSION_DELETE = 4,  // no payload -> abi_session_report, the last word on the session
	ABI_SESSION_QUERY = 5,   // no payload -> abi_session_report
	ABI_SESSION_CLAIM = 6,   // no payload -> abi_ports; after reattach: this session is mine
	ABI_RECONCILE_DONE = 7,  // no payload: sweep what nobody claimed after the grace time
	ABI_PING = 8,            // no payload
	ABI_LEG_KEYS = 9,        // abi_leg_keys: SRTP keys of a leg of an ACTIVE session. Secret
	ABI_LEG_ICE = 10,        // abi_leg_ice: ICE of a leg of an ACTIVE session. Secret
	ABI_SESSION_RESUME = 11, // abi_session_resume: what was learned before a restart
	ABI_DTMF_SEND = 12,      // abi_dtmf_send: digits for a leg's party
	ABI_PLAY = 13,           // abi_play: a prompt or a tone for a leg's party
	ABI_PLAY_STOP = 14,      // abi_play_stop
	ABI_RECORD = 15,         // abi_record: to a file
	ABI_RECORD_STOP = 16,    // abi_record_stop
	ABI_COMMANDS = 17,       // one more than the last command

	// events, hawse-media to hawse-sip
	ABI_LEARNED = 0x4001,       // abi_event_learned: a leg's remote address was learned
	ABI_MEDIA_TIMEOUT = 0x4002, // abi_event_timeout: nothing came for the plan's timeout
	ABI_SWEPT = 0x4003,         // no payload: an unclaimed session was deleted
	ABI_ICE_NOMINATED = 0x4004, // abi_event_ice: a leg sends to another nominated pair now
	ABI_ICE_LOST = 0x4005,      // abi_event_ice: no valid binding request for 30 s; once
	ABI_SRTP_FAILURES = 0x4006, // abi_event_srtp: packets that SRTP refused, summed up
	ABI_DTLS_UNASKED = 0x4007,  // abi_event_dtls: DTLS came to a leg without ABI_LEG_DTLS
	ABI_DTMF = 0x4008,          // abi_event_dtmf: a digit came from a leg's party
	ABI_PLAY_DONE = 0x4009,     // abi_event_play
	ABI_RECORD_DONE = 0x400a,   // abi_event_record
	ABI_FAX = 0x400b,           // abi_event_fax: a fax machine was heard, or has finished

	ABI_REPLY = 0x8000, // or-ed to the command's type
};

struct abi_msg { // 256 bytes
	uint16_t type;
	uint16_t length;      // bytes of payload used: exactly those of the type
	uint32_t sequence;    // grows by one for each message of the ring, from 0
	uint64_t transaction; // chosen by the sender of the command, not 0; 0 in events
	uint32_t slot;        // session slot, ABI_NO_SLOT when none
	uint32_t generation;  // the session's
	int32_t result;       // replies only
	uint32_t reserved;
	uint8_t payload[ABI_MSG_SIZE - 32];
};

struct abi_port_alloc {    // 80 bytes
	uint32_t affinity; // slot of another session of this call, whose worker is wanted, or
			   // ABI_NO_SLOT
	uint8_t legs;      // 1 or 2
	uint8_t reserved0[3];
	uint64_t call; // the control plane's id of the call
	struct abi_leg_want {
		uint8_t interface_index; // media interface, 255: any
		uint8_t family;          // 4 or 6
		uint8_t kind;            // ABI_LEG_PAIR or ABI_LEG_MUX
		uint8_t reserved0;
		uint16_t rtp_port; // 0: any. Else exactly this port of `ip`, as a session had it
				   // before hawse-media was restarted
		uint8_t reserved1[10];
		uint8_t ip[16];
	} leg[2];
};

struct abi_ports { // 80 bytes
	uint32_t worker;
	uint8_t legs;
	uint8_t state; // enum abi_session_state
	uint8_t reserved[10];
	struct abi_leg_local {
		uint8_t ip[16];
		uint16_t rtp_port;
		uint16_t rtcp_port;
		uint8_t family;
		uint8_t kind;
		uint8_t interface_index;
		uint8_t reserved[9];
	} leg[2];
};

enum abi_leg_flags {
	ABI_LEG_RECEIVE = 1u << 0,  // accept RTP from this leg's party (else drop it, counted)
	ABI_LEG_SEND = 1u << 1,     // send RTP to this leg's party
	ABI_LEG_RTCP = 1u << 2,     // relay RTCP to this leg's party
	ABI_LEG_RTCP_MUX = 1u << 3, // RTCP goes to and comes from the RTP port (RFC 5761)
	ABI_LEG_RELEARN = 1u << 4,  // forget what was learned: a new offer or answer came
	ABI_LEG_TIMEOUT = 1u << 5,  // silence of this leg is a media timeout
	// What comes from the party has to be SRTP and SRTCP, what goes to it will be (secure.h).
	ABI_LEG_SRTP_IN = 1u << 6,
	ABI_LEG_SRTP_OUT = 1u << 7,
	// Both parties have agreed on keys that we do not know or do not use: RTP is relayed as it is,
	// RTCP is not looked into. On both legs, without payload type maps, SRTP_IN, SRTP_OUT, codecs.
	ABI_LEG_OPAQUE = 1u << 8,
	ABI_LEG_DTLS = 1u << 9, // DTLS records are punted; else they are dropped, counted
	// No media is accepted from the party or sent to it before a pair is nominated; needs LEG_ICE.
	// Without, the source policy goes on as ever, and a nomination overrides what it learned.
	ABI_LEG_ICE_FIRST = 1u << 10,
	ABI_LEG_DTMF_REPORT = 1u << 11, // digits of this party are told (ABI_DTMF). Needs a codec
	// UDPTL (T.38) on the RTP port: what comes from the party goes over as it is; the source policy holds,
	// by UDPTL's sequence numbers, nothing else is looked at, RTCP is not taken. On both legs, without
	// payload type maps, SRTP, DTLS, OPAQUE, RTCP, codecs. On one leg while the other has PCMU or PCMA: fax
	// is translated between T.38 and G.711; -EOPNOTSUPP where that is not built in.
	ABI_LEG_UDPTL = 1u << 12,
	// Of a leg with a codec: a fax machine that is heard in it is told (ABI_FAX). Of a leg with UDPTL whose
	// other leg has G.711: the end of the fax is.
	ABI_LEG_FAX_REPORT = 1u << 13,
};

// Which source addresses a leg accepts, relative to the address that its party signalled.
enum abi_source_policy {
	ABI_SOURCE_EXACT = 0,   // only the signalled address and port; nothing is learned
	ABI_SOURCE_ADDRESS = 1, // the signalled address; the port is learned
	ABI_SOURCE_ANY = 2,     // learned from the first acceptable packet, then strict
};

#define ABI_PT_MAPS 8u

struct abi_leg_plan {              // 96 bytes
	uint8_t remote_rtp_ip[16]; // as signalled
	uint8_t remote_rtcp_ip[16];
	uint16_t remote_rtp_port; // 0: nothing is sent
	uint16_t remote_rtcp_port;
	uint8_t family; // 4 or 6, the leg's own
	uint8_t source_policy;
	uint8_t dscp; // 0..63, of packets sent to this party
	uint8_t pt_maps;
	uint32_t flags;
	uint32_t max_packets;      // a second, that may be received; 0: no limit
	uint64_t payload_types[2]; // bit n: payload type n is accepted from this party
	struct abi_pt_map {
		uint8_t from; // as received on this leg
		uint8_t to;   // as sent on the other
	} pt_map[ABI_PT_MAPS];
	uint32_t max_octets; // a second, UDP payload; 0: no limit
	uint8_t dtmf_type;   // telephone-event payload type of this party, 255: none
	// Transcoding (transcode.h): what this party sends and gets; abi_session_plan.terms has the rest.
	// Without a codec all four are zero.
	uint8_t codec;      // enum abi_codec
	uint8_t codec_type; // its payload type, as this party takes it
	uint8_t ptime_ms;   // of packets to this party; whole frames (abi_codec_ptime)
	uint8_t codec_bits; // of what is sent to it, kbit/s; 0: as is usual
	uint8_t reserved[7];
};

struct abi_session_plan { // 224 bytes
	struct abi_leg_plan leg[2];
	uint32_t timeout_ms; // without media on a leg with ABI_LEG_TIMEOUT; 0: never
	uint32_t clock_rate; // of the RTP timestamps, for jitter; 8000 when the codec is unknown. Of a
			     // leg with a codec: that codec's
	struct abi_codec_terms terms[2]; // by leg
};

struct abi_session_report { // 224 bytes
	struct abi_leg_stats leg[2];
};

struct abi_reply {      // payload of a failed reply
	uint32_t field; // enum abi_field: what was wrong
	uint32_t leg;
};

struct abi_event_learned { // 40 bytes
	struct abi_addr remote;
	uint32_t ssrc;
	uint8_t leg;
	uint8_t component; // 0 RTP, 1 RTCP
	uint8_t reserved[10];
};

struct abi_event_timeout { // 24 bytes
	uint64_t last_us;  // 0: nothing ever came
	uint8_t leg;
	uint8_t reserved[15];
};

// Field of a command that the boundary refused.
enum abi_field {
	ABI_FIELD_NONE = 0,
	ABI_FIELD_TYPE,
	ABI_FIELD_LENGTH,
	ABI_FIELD_TRANSACTION,
	ABI_FIELD_SLOT,
	ABI_FIELD_GENERATION,
	ABI_FIELD_RESERVED,
	ABI_FIELD_LEGS,
	ABI_FIELD_INTERFACE,
	ABI_FIELD_FAMILY,
	ABI_FIELD_KIND,
	ABI_FIELD_FLAGS,
	ABI_FIELD_POLICY,
	ABI_FIELD_DSCP,
	ABI_FIELD_PT_MAP,
	ABI_FIELD_ADDRESS,
	ABI_FIELD_PORT,
	ABI_FIELD_LIMIT,
	ABI_FIELD_CLOCK_RATE,
	ABI_FIELD_STATE,
	ABI_FIELD_LEG,   // number of the leg, or directions
	ABI_FIELD_SUITE, // or lengths that do not fit it
	ABI_FIELD_MKI,
	ABI_FIELD_STREAM, // resumed SRTP stream
	ABI_FIELD_ICE,    // role, priority or credentials
	ABI_FIELD_CODEC, // or its payload types, packet time, terms
	ABI_FIELD_DTMF,  // kind, digits, durations
	ABI_FIELD_PLAY,  // kind, flags, tones
	ABI_FIELD_FILE,  // its name
	ABI_FIELD_RECORD, // kind, rate
	ABI_FIELDS,
};

ABI_HELD(abi_msg, ABI_MSG_SIZE);
ABI_HELD(abi_port_alloc, 80);
ABI_HELD(abi_ports, 80);
ABI_HELD(abi_leg_plan, 96);
ABI_HELD(abi_session_plan, 224);
ABI_HELD(abi_session_report, 224);
ABI_HELD(abi_event_learned, 40);
ABI_HELD(abi_event_timeout, 24);

#ifdef __cplusplus
extern "C" {
#endif

// Clears the whole message and fills its header. `length` is set from the type.
void abi_msg_init(struct abi_msg *msg, uint16_t type, uint64_t transaction, uint32_t slot,
	uint32_t generation);

// Bytes of payload that a message of this type carries; a reply with result != 0 carries
// struct abi_reply. -1 for a type that does not exist.
int abi_msg_payload(uint16_t type, int32_t result);

// "PORT_ALLOC", "PORT_ALLOC reply", ...; "unknown" for what does not exist.
const char *abi_msg_name(uint16_t type);

// "interface", "payload type map", ...
const char *abi_field_name(uint32_t field);

// True for commands whose payload is secret: the sender wipes its slot, the receiver its copy.
int abi_msg_secret(uint16_t type);

// True when every byte is zero: reserved bytes, and what follows `length`.
int abi_zero(const void *bytes, size_t size);

#ifdef __cplusplus
}
#endif
