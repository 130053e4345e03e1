// SPDX-License-Identifier: BSD-3-Clause
// A scripted SIP user agent with exact RTP: many calls in one thread, each running the same script.
//
//     sip_peer uac --local 10.99.1.2:5060 --remote 10.99.0.1:5060 --calls 100
//              --script 'invite; expect 200; play 1500; drain; wait 0.5; bye'
//     sip_peer uas --local 10.99.2.2:5060 --calls 100
//              --script 'ring 180; wait 0.1; answer; play 1500; expect-bye'
//
// It answers re-INVITE, BYE, CANCEL and OPTIONS by itself, repeats what RFC 3261 says must be
// repeated, and prints one JSON object about all calls. It speaks numeric addresses only, by UDP, or by
// --transport tcp or tls. With --early it says that it knows 100rel, UPDATE and session timers, and sends the PRACKs
// that are due.
#pragma once

#include "tests/lib/fax.h"
#include "tests/lib/rtp_io.h"
#include "tests/lib/rtp_secure.h"
#include "tests/lib/sip_text.h"
#include "tests/lib/sip_wire.h"
#include "tests/lib/tone.h"

#define SECOND      1000000000ull
#define MAX_CODES   24
#define MAX_STEPS   40
#define MAX_IGNORES 6

enum op {
	OP_INVITE,          // [nosdp] offer in the INVITE, or in our ACK
	OP_EXPECT,          // CODE: wait until the INVITE (or the last re-INVITE) got it
	OP_RING,            // CODE: a provisional response without SDP
	OP_PROGRESS,        // 183 with SDP
	OP_ANSWER,          // 200 with SDP, wait for the ACK
	OP_REJECT,          // CODE: a failure response, wait for the ACK
	OP_CANCEL,          // wait for its 200
	OP_EXPECT_CANCEL,   // wait until we were cancelled and the 487 was acknowledged
	OP_PLAY,            // N packets from now on, in the background
	OP_DRAIN,           // wait until all are sent
	OP_STOP,            // send no more
	OP_RTCP,            // SECONDS between sender reports, in the background
	OP_WAIT,            // SECONDS
	OP_BYE,             // wait for its 200
	OP_EXPECT_BYE,      // wait until the other side said BYE
	OP_REINVITE,        // DIRECTION: wait for the answer, acknowledge it
	OP_EXPECT_REINVITE, // DIRECTION, or hold: wait until the other side said so
	OP_EXPECT_MEDIA,    // N: wait until so many packets came
	OP_MOVE,            // take a new RTP port for the next offer or answer
	OP_OPTIONS,         // [CODE] outside of a dialog
	OP_REKEY,           // a new SRTP key for the next offer or answer
	OP_PLAIN,           // N: from now on packets go in clear (1), or not (0)
	OP_EXPECT_SECURE,   // N: the call has SRTP (1), or has none (0)
	OP_VANISH,          // say nothing any more
	OP_HANG_UP,         // close every connection
	OP_RING_RELIABLE,   // CODE: as ring, with 100rel: wait for the PRACK
	OP_PROGRESS_RELIABLE, // as progress, with 100rel: wait for the PRACK
	OP_UPDATE,            // DIRECTION: UPDATE with SDP, wait for its answer
	OP_REFRESH,           // UPDATE without SDP
	OP_FORK,              // go on as another fork: another tag
	OP_EXPECT_UPDATE,     // DIRECTION: wait until the other side said so by UPDATE
	// With --tone:
	OP_DIGIT,        // e5:160: a digit by event (e), as a tone (t), by INFO (i dtmf-relay, p plain)
	OP_EXPECT_DIGIT, // e5, t5, i5: wait until it came so
	OP_EXPECT_TONE,  // MS: wait until so much of the other side's tone came
	OP_SPEAK,        // N: sends its tone (1), or silence (0)
	OP_CODEC,        // CODEC:TYPE, for the next offer or answer
	// With --fax:
	OP_FAX,         // CODE: re-INVITE to T.38, which gets this answer
	OP_EXPECT_FAX,  // wait until the page is through
	OP_AUDIO,       // offers are of audio again
};

struct step {
	enum op op;
	double number;
	char word[16];
};

struct script {
	struct step steps[MAX_STEPS];
	int count;
};

// A request of ours and its repetitions.
struct client {
	char *message;
	size_t size;
	unsigned cseq;
	char method[16];
	char branch[48];
	uint64_t next, interval, give_up; // next 0: no repetition pending
	int final;
};

struct call {
	struct call *next_in_hash;
	unsigned number;
	bool uas, live, failed, vanished;
	char problem[120];
	// The dialog.
	char call_id[128], local[256], remote[256], target[256], tag[32];
	char sip_call_id[128];
	char routes[1024], first_route[160]; // Route lines, and the URI of the first
	unsigned cseq;
	struct client invite, other;
	struct sockaddr_storage
		peer; // where our requests go, and the source of the INVITE for a uas
	// The INVITE we answer: its repetitions get the last response again.
	char *request, *response;
	size_t response_size;
	unsigned invite_cseq, info_cseq;
	int answered;         // the final response we gave, 0: none yet
	bool acked, reliable; // reliable: repeat the response until the ACK
	uint64_t response_next, response_interval, response_give_up;
	bool bye_seen, cancel_seen,
		offered; // offered: our offer stands in the INVITE, else in the ACK
	char reason[160];
	char remote_direction[12];
	unsigned remote_version;
	char reinvite_seen[12];
	bool hold_seen; // since the script last waited for one: a resume may follow before it looks
	int tags; // that the responses to our INVITE had
	char last_tag[64];
	int reinvites, updates, refreshes, pracks; // that the other side sent
	char update_seen[12];
	unsigned rseq, rseq_seen; // of our last reliable response, of theirs
	bool pracked;
	uint64_t reliable_next, reliable_interval;
	// What came.
	int codes[MAX_CODES], code_count;
	unsigned repeats_seen, repeats_sent, acks_sent;
	int ignore_left[MAX_IGNORES];
	char retry_after[16];
	// Media.
	struct rtp_stream media;
	struct rtp_secure *secure;
	bool secured;
	uint16_t rtp_port;
	const char *direction;
	char codecs[24]; // instead of the peer's
	bool fax;        // it is T.38 now
	unsigned sdp_version;
	bool has_remote_sdp;
	// The script.
	int pc;
	bool entered;
	uint64_t step_started, step_until;
	uint64_t started, invited, answered_at, ended_at;
};

struct ignore {
	char what[16]; // a method or a code
	int times;
};

struct peer {
	bool uas, mux, json_calls;
	bool early; // knows 100rel, UPDATE and session timers
	struct sockaddr_storage local, remote;
	struct wire *wire;
	int epoll_fd;
	unsigned calls;
	double rate, step_timeout, time_limit;
	uint16_t rtp_base, rtp_slots;
	char from[64], to[64], extra[4096];
	const char *fax; // as telefax_new() takes it, or "refuse"; NULL, and on G.711: knows no T.38
	const char *codecs, *lines, *tone; // of SDP; lines: instead of the usual rtpmaps
	struct secure_options secure;
	uint64_t interval; // ns between packets; 0: 20 ms
	int first_seq;     // 0: a random one
	uint32_t sender;
	struct script script;
	struct ignore ignores[MAX_IGNORES];
	int ignore_count;
	struct call **all;
	unsigned count, oldest, finished, failed;
	struct call *hash[4096];
	struct rtp_latency latency;
	unsigned strays, refused;
};

// sip_script.c
int script_parse(const char *text, struct script *out);
const char *script_name(enum op op);
// Runs the call as far as it can go now; returns when it wants to be looked at again.
uint64_t script_run(struct peer *p, struct call *c, uint64_t now);

// sip_dialog.c
void dialog_receive(struct peer *p, const char *message, const struct sockaddr_storage *from);
uint64_t dialog_repeat(struct peer *p, struct call *c, uint64_t now);
void dialog_invite(struct peer *p, struct call *c, bool sdp, uint64_t now);
void dialog_request(struct peer *p, struct call *c, const char *method, uint64_t now);
void dialog_cancel(struct peer *p, struct call *c, uint64_t now);
// A digit: dtmf-relay, or the plain kind.
void dialog_info(struct peer *p, struct call *c, char digit, unsigned ms, bool plain, uint64_t now);
void dialog_options(struct peer *p, struct call *c, uint64_t now);
void dialog_respond_reliably(struct peer *p, struct call *c, int code, bool sdp, uint64_t now);
void dialog_fork(struct call *c);
void dialog_update(struct peer *p, struct call *c, const char *direction, uint64_t now);
void dialog_respond(struct peer *p, struct call *c, int code, bool sdp, uint64_t now);

// sip_peer.c
struct call *peer_add_call(struct peer *p, const char *call_id, uint64_t now);
int peer_open_media(struct peer *p, struct call *c);
struct call *peer_find(struct peer *p, const char *call_id);
void peer_finish(struct peer *p, struct call *c, const char *problem);
