// SPDX-License-Identifier: BSD-3-Clause
// The regions of shared memory, byte by byte. ARCHITECTURE.md draws what this file declares.
//
// Every byte has exactly one writing process:
//   region A   hawse-media writes; hawse-sip, hawse-stats and hawsectl read. Never holds a key.
//   region B   hawse-sip writes, hawse-media reads. hawse-media makes a fresh one for each attach.
//   region P   two memfds: PUNT (hawse-media writes) and INJECT (hawse-sip writes).
//   region T   hawse-sip writes: trace, calls, its counters. hawse-stats and hawsectl read.
//
// Integers are little endian, as the host has them; both sides run on one machine. Addresses are
// in network order, ports in host order. Times named _us are CLOCK_MONOTONIC microseconds, which
// all processes of a machine share; `realtime_offset_us` added to one gives Unix time.
//
// A reader must not trust the writer: offsets and sizes are checked once at attach (shm.h) and
// kept in private memory, indices are masked with a private mask, strings are bounded copies.
#pragma once

#include <stdint.h>

// Shared words. Touched only by the functions of sync.h (GCC's __atomic builtins), so that the same
// layout serves C and the C++ of the unit tests.
typedef uint32_t abi_atomic32;
typedef uint64_t abi_atomic64;
#define ABI_LINE __attribute__((aligned(64)))

#define ABI_MAGIC_A      0x4177617748ull // "HwawA"
#define ABI_MAGIC_B      0x4277617748ull
#define ABI_MAGIC_PUNT   0x5077617748ull
#define ABI_MAGIC_INJECT 0x4977617748ull
#define ABI_MAGIC_T      0x5477617748ull

#define ABI_MAJOR 2 // a difference refuses the attach
#define ABI_MINOR 2 // a difference negotiates `features`

#define ABI_HEADER_SIZE    4096u
#define ABI_MSG_SIZE       256u
#define ABI_COMMAND_SLOTS  4096u
#define ABI_EVENT_SLOTS    4096u
#define ABI_PUNT_SIZE      2048u
#define ABI_PUNT_SLOTS     512u
#define ABI_MAX_SESSIONS   (1u << 21)
#define ABI_MAX_WORKERS    64u
#define ABI_MAX_ENDPOINTS  1024u // local media addresses
#define ABI_TRACE_SEGMENTS 16u   // equal parts of a trace ring; no record crosses one
#define ABI_MAX_SHARDS     16u
#define ABI_INTERFACE_NAME 24u
#define ABI_NO_SLOT        UINT32_MAX

// Features, negotiated by `features` of hello and welcome. Since minor version 1: the commands and events
// of transcode.h. Since 2: ABI_LEG_FAX_REPORT and ABI_FAX.
#define ABI_FEATURE_TRANSCODE (1ull << 0)
#define ABI_FEATURE_FAX       (1ull << 1)
#define ABI_FEATURES          (ABI_FEATURE_TRANSCODE | ABI_FEATURE_FAX)

struct abi_addr {       // 24 bytes: an IP address and port
	uint8_t ip[16]; // IPv4 in the first four bytes, rest zero
	uint16_t port;
	uint8_t family; // 0 none, 4, 6
	uint8_t reserved[5];
};

// A local media address. Filled once before anyone attaches; the port range is inclusive.
struct abi_endpoint { // 64 bytes
	uint8_t ip[16];
	uint8_t family;          // 4 or 6
	uint8_t interface_index; // index of the media interface in the order of the configuration
	uint16_t first_port;
	uint16_t last_port;
	uint16_t reserved0;
	char name[ABI_INTERFACE_NAME]; // the media interface's name in the configuration
	uint8_t reserved1[16];
};

enum abi_session_state {
	ABI_SESSION_FREE = 0,
	ABI_SESSION_ALLOCATED = 1,  // has ports, forwards nothing
	ABI_SESSION_ACTIVE = 2,     // forwards
	ABI_SESSION_QUARANTINE = 3, // deleted, its ports rest
};

enum abi_leg_kind {
	ABI_LEG_NONE = 0,
	ABI_LEG_PAIR = 1, // RTP on an even port, RTCP on the next (RFC 3550 section 11)
	ABI_LEG_MUX = 2,  // RTP and RTCP on one port (RFC 5761)
};

struct abi_leg_ports {     // 8 bytes
	uint16_t endpoint; // index into the endpoint table
	uint16_t rtp_port;
	uint16_t rtcp_port; // equals rtp_port when muxed
	uint8_t kind;       // enum abi_leg_kind
	uint8_t reserved;
};

// One entry of the session directory. `sequence` is odd while the agent writes the entry.
struct abi_session_entry { // 64 bytes
	abi_atomic32 sequence;
	uint32_t generation; // grows each time that the slot is given out
	uint8_t state;       // enum abi_session_state
	uint8_t worker;
	uint8_t legs; // 1 or 2
	uint8_t reserved0;
	uint32_t owner;       // generation of the control plane that last claimed it
	uint64_t transaction; // of the PORT_ALLOC that made it
	uint64_t call;        // the control plane's own name for the call (region T's call id)
	struct abi_leg_ports ports[2];
	uint64_t created_us;
	uint8_t reserved1[8];
};

// What one leg received and what was sent to it. Written by the leg's worker at most once a
// second while media flows, and whenever the session is queried or deleted.
struct abi_leg_stats {    // 112 bytes
	uint64_t packets; // RTP received and accepted
	uint64_t octets;  // of their UDP payloads
	uint64_t sent_packets;
	uint64_t sent_octets;
	uint32_t lost; // RFC 3550 appendix A.3, never negative
	uint32_t duplicate;
	uint32_t out_of_order;
	uint32_t dropped;   // received at the leg's ports and refused, whatever the reason
	uint32_t jitter_us; // RFC 3550 section 6.4.1 in microseconds
	uint32_t ssrc;      // the last one accepted
	uint64_t first_us;  // 0: nothing came yet
	uint64_t last_us;
	uint8_t remote_ip[16]; // where RTP is sent to now
	uint16_t remote_port;
	uint8_t remote_family;
	uint8_t learned; // 1: the remote address was learned from media, 2: and confirmed
	uint32_t rtcp_packets;
	uint32_t ssrc_changes;
	uint32_t strangers;   // packets from a source that is not the leg's
	uint8_t payload_type; // last one accepted
	uint8_t suite_in;     // enum abi_srtp_suite that the leg's packets come by; 0: in clear
	uint8_t suite_out;
	uint8_t ice;           // enum abi_ice_state
	uint32_t srtp_refused; // not authenticated, replayed, in clear, or no key
};

enum abi_ice_state {
	ABI_ICE_NONE = 0,      // the leg has no ICE
	ABI_ICE_CHECKING = 1,  // no pair was nominated yet
	ABI_ICE_CONNECTED = 2, // RTP goes to the nominated pair
	ABI_ICE_SILENT = 3,    // and no valid request has come for long
};

struct abi_leg_slot {          // 128 bytes: the shared copy of a leg's statistics
	abi_atomic32 sequence; // odd while being written
	uint32_t generation;   // of the session that the numbers belong to
	uint64_t reserved;
	struct abi_leg_stats stats;
};

// How far one SRTP stream of a leg may have come: both indices are the first ones that were certainly
// not used yet. They are published ahead, a block at a time and before the first one of the block is
// used, so that whoever goes on from here never uses one twice.
struct abi_srtp_stream { // 16 bytes
	uint32_t ssrc;
	uint32_t roc;
	uint32_t srtcp_index;
	uint16_t seq;
	uint8_t used;     // 1: the record says something
	uint8_t reserved; // 0
};

#define ABI_SRTP_STREAMS 4u // [0], [1] from the leg's party, [2], [3] to it

// What a restarted dataplane needs to go on with a leg. SRTP streams are zero for plain RTP.
struct abi_leg_resume { // 128 bytes
	abi_atomic32 sequence;
	uint32_t generation;
	struct abi_addr rtp;  // learned
	struct abi_addr rtcp; // learned
	uint32_t rx_ssrc;
	uint16_t rx_seq;
	uint8_t reserved[2];
	struct abi_srtp_stream srtp[ABI_SRTP_STREAMS];
};

// ---- region A -----------------------------------------------------------------------------------

struct abi_region_a {
	// line 0-1: written before the descriptor is passed on, constant after
	uint64_t magic;
	uint16_t major;
	uint16_t minor;
	uint32_t header_size;
	uint64_t size;       // of the whole region
	uint64_t boot_epoch; // differs for every start of hawse-media
	uint64_t realtime_offset_us;
	uint32_t pid;
	uint32_t sessions; // capacity of the directory
	uint32_t workers;
	uint32_t endpoints;
	uint32_t event_slots;
	uint32_t counters;         // number of descriptors
	uint64_t endpoint_offset;  // struct abi_endpoint[endpoints]
	uint64_t directory_offset; // struct abi_session_entry[sessions]
	uint64_t leg_offset;       // struct abi_leg_slot[sessions * 2]
	uint64_t resume_offset;    // struct abi_leg_resume[sessions * 2]
	uint64_t event_offset;     // ABI_MSG_SIZE * event_slots
	uint64_t counter_offset;   // see counters.h
	uint64_t counter_size;
	// line 2: the agent, as consumer of commands
	ABI_LINE abi_atomic32 command_consumer;
	// line 3: the agent, as producer of events
	ABI_LINE abi_atomic32 event_producer;
	// line 4: the agent's state
	ABI_LINE abi_atomic64 heartbeat_us;
	abi_atomic32 sleeping;   // 1: ring the command doorbell after publishing
	abi_atomic32 generation; // of the attached control plane, grows at each attach
	abi_atomic32 attached;   // 1 while a control plane is attached
	abi_atomic32 sessions_used;
	// line 5: the transcoders, as of the agent's last tick
	ABI_LINE uint64_t codecs;         // bit 1 << enum abi_codec: can be transcoded. Constant
	uint32_t transcoders;             // threads; 0: there are none. Constant
	abi_atomic32 transcode_load;      // of the least busy one, in thousandths of what it may take
	abi_atomic32 transcode_full;      // 1: another session will be refused
	abi_atomic32 transcode_sessions;
	abi_atomic32 recordings;          // that run now
	abi_atomic32 prompts;             // files held in memory; 0: none, or not configured
	ABI_LINE uint8_t rest[ABI_HEADER_SIZE - 384];
};

// ---- region B -----------------------------------------------------------------------------------

struct abi_region_b {
	uint64_t magic; // line 0: written by hawse-media before the descriptor is passed on, and
	uint16_t major; // nobody needs to trust it after
	uint16_t minor;
	uint32_t header_size;
	uint64_t size;
	uint32_t generation;
	uint32_t command_slots;
	ABI_LINE abi_atomic32 command_producer;
	ABI_LINE abi_atomic32 event_consumer;
	ABI_LINE abi_atomic64 heartbeat_us;
	abi_atomic32 sleeping; // 1: ring the event doorbell after publishing
	ABI_LINE uint8_t rest[ABI_HEADER_SIZE - 256];
	// command slots follow, ABI_MSG_SIZE * command_slots
};

// ---- region P -----------------------------------------------------------------------------------

// Both memfds of region P: this header, then ABI_PUNT_SIZE * slots.
struct abi_region_p {
	uint64_t magic;
	uint16_t major;
	uint16_t minor;
	uint32_t header_size;
	uint64_t size;
	uint32_t generation;
	uint32_t slots;
	ABI_LINE abi_atomic32 producer; // of this memfd's own slots
	ABI_LINE abi_atomic32 consumer; // of the other memfd's slots
	ABI_LINE uint8_t rest[ABI_HEADER_SIZE - 192];
};

// PUNT: hawse-media's doorbell is that of its events, and after it the control plane looks into both
// rings. A full ring loses the packet (counted); DTLS and ICE send again. INJECT: the control plane rings
// the doorbell of its commands. Packets are taken in order, and after all commands that were published
// before them. `time_us` of an injected one is 0.
enum abi_punt_kind {
	ABI_PUNT_DTLS = 1, // RFC 7983: first byte 20..63. Of a leg with ABI_LEG_DTLS
	// Of a leg with an ICE agent in the control plane (LEG_ICE): responses, and requests that were
	// valid, after they have been answered.
	ABI_PUNT_STUN = 2,
};

struct abi_punt { // 2048 bytes, one packet either way
	uint32_t slot;
	uint32_t generation;
	uint8_t leg;
	uint8_t component; // 0 RTP or muxed, 1 RTCP
	uint8_t kind;      // enum abi_punt_kind
	uint8_t valid;     // 1, punted: the source has passed a check of ICE, or ICE is not in use
	uint16_t length;   // of data, 1..ABI_PUNT_DATA
	uint16_t reserved1;
	struct abi_addr remote; // source when punted, destination when injected
	uint64_t time_us;
	uint8_t data[ABI_PUNT_SIZE - 48];
};

#define ABI_PUNT_DATA (ABI_PUNT_SIZE - 48u)

// ---- region T -----------------------------------------------------------------------------------

// T: header, counters (counters.h), call slots, and for each shard a ring of trace records.
struct abi_region_t {
	uint64_t magic;
	uint16_t major;
	uint16_t minor;
	uint32_t header_size;
	uint64_t size;
	uint64_t boot_epoch; // differs for every start of hawse-sip
	uint64_t realtime_offset_us;
	uint32_t pid;
	uint32_t shards;
	uint32_t calls; // capacity of the call table
	uint32_t counters;
	uint64_t counter_offset;
	uint64_t counter_size;
	uint64_t call_offset;  // struct abi_call[calls]
	uint64_t trace_offset; // shards * trace_size bytes
	uint64_t trace_size;   // a power of two
	uint64_t pad[2];
	ABI_LINE abi_atomic64 heartbeat_us;
	abi_atomic32 attached; // 1 while attached to hawse-media
	// Bytes ever written to the trace ring of each shard. A record that begins before
	// head - trace_size is overwritten.
	ABI_LINE struct abi_trace_head {
		ABI_LINE abi_atomic64 head;
	} trace[ABI_MAX_SHARDS];
	ABI_LINE uint8_t rest[ABI_HEADER_SIZE - 192 - 64 * ABI_MAX_SHARDS];
};

enum abi_call_state {
	ABI_CALL_FREE = 0,
	ABI_CALL_TRYING = 1,  // INVITE received, no provisional answer but 100
	ABI_CALL_RINGING = 2, // 18x sent
	ABI_CALL_UP = 3,
	ABI_CALL_ENDING = 4,
};

// A running call, for hawsectl. `sequence` is odd while the shard writes the entry.
struct abi_call { // 512 bytes
	abi_atomic32 sequence;
	uint8_t state; // enum abi_call_state
	uint8_t shard;
	uint8_t held;    // bit 0 caller holds, bit 1 callee holds
	uint8_t streams; // number of media sessions
	uint64_t id;     // not 0; hawsectl prints and takes it as 16 hexadecimal digits
	uint64_t start_us;
	uint64_t answer_us; // 0: not answered yet
	uint32_t media_slot[4];
	uint32_t media_generation[4];
	char peer[2][32]; // [0] caller's side, [1] callee's side
	char from[64];    // numbers or user parts, NUL-terminated, cut when longer
	char to[64];
	char call_id[2][104]; // the two Call-IDs
	char codec[24];       // "PCMA/8000", of the caller's side
	char far_codec[24];   // of the callee's, when it is transcoded; else empty
};

enum abi_trace_kind {
	ABI_TRACE_PAD = 0,      // skip `length` bytes
	ABI_TRACE_RECEIVED = 1, // a SIP message as it came
	ABI_TRACE_SENT = 2,
	ABI_TRACE_EVENT = 3, // one line of text: what happened to the call
};

// A trace record, 8-byte aligned. No record crosses the end of a segment (1/16 of the ring): a PAD fills
// it, or nothing when less than a record is left. A reader copies whole segments and drops those that
// the head has reached since.
struct abi_trace {        // 80 bytes, then `size` bytes of text, then padding up to `length`
	uint32_t length;  // of the whole record, a multiple of 8
	uint32_t size;    // of the text
	uint64_t time_us; // CLOCK_MONOTONIC
	uint64_t call;    // struct abi_call.id, 0 when it belongs to none
	uint8_t kind;
	uint8_t leg;       // 0 caller's side, 1 callee's side, 255 none
	uint8_t transport; // 0 UDP 1 TCP 2 TLS 3 WS 4 WSS
	uint8_t reserved[5];
	struct abi_addr source;
	struct abi_addr destination;
};

#define ABI_HELD(type, bytes)                                                                      \
	_Static_assert(sizeof(struct type) == (bytes), "layout of " #type " is part of the ABI")
#ifdef __cplusplus
#undef ABI_HELD
#define ABI_HELD(type, bytes)                                                                      \
	static_assert(sizeof(struct type) == (bytes), "layout of " #type " is part of the ABI")
#endif
ABI_HELD(abi_addr, 24);
ABI_HELD(abi_endpoint, 64);
ABI_HELD(abi_leg_ports, 8);
ABI_HELD(abi_session_entry, 64);
ABI_HELD(abi_leg_stats, 112);
ABI_HELD(abi_leg_slot, 128);
ABI_HELD(abi_srtp_stream, 16);
ABI_HELD(abi_leg_resume, 128);
ABI_HELD(abi_region_a, ABI_HEADER_SIZE);
ABI_HELD(abi_region_b, ABI_HEADER_SIZE);
ABI_HELD(abi_region_p, ABI_HEADER_SIZE);
ABI_HELD(abi_punt, ABI_PUNT_SIZE);
ABI_HELD(abi_region_t, ABI_HEADER_SIZE);
ABI_HELD(abi_call, 512);
ABI_HELD(abi_trace, 80);
