// SPDX-License-Identifier: BSD-3-Clause
// A call: two legs, each a dialog of its own, and between them the exchanges that are under way.
// Private to controlplane/call and shard.c.
//
//   caller  <-- leg 0, dialog A -->  cp_call  <-- leg 1, dialog B -->  callee
//
// An exchange is one request of one side and what it became on the other: a server transaction here,
// a client transaction there. At most one of them holds the offer/answer state (`offer`).
//
//   call:     TRYING -> RINGING -> UP -> ENDING -> gone
//   exchange: PORTS (an offer was taken, ports are asked for) -> ASKED (the request is with the other
//             leg) -> MEDIA (answered; hawse-media is being told) -> ANSWERED (our 2xx is out; with a
//             delayed offer the ACK brings the answer) -> gone
//
// A client transaction that is of no interest any more (a target that failed, a cancelled INVITE)
// loses its user pointer; what it still brings is dealt with by cp_orphan_response().
//
// The whole of a call but its dialogs and session descriptions is this one flat struct and a few
// small blocks, so that it can be journalled. Thread: its shard's.
#pragma once

#include "controlplane/call/carry.h"
#include "controlplane/call/cdr.h"
#include "controlplane/call/codecs.h"
#include "controlplane/call/fax.h"
#include "controlplane/call/secure.h"
#include "controlplane/counters.h"
#include "controlplane/shard.h"
#include "controlplane/trunk/account.h"
#include "sip/dialog.h"
#include "sip/sdp/cache.h"
#include "sip/sdp/offer_answer.h"
#include "sip/session_timer.h"

#define CP_SESSIONS 4u // media sessions of a call; further m-lines are refused
#define CP_BRANCHES 64u // early dialogs of a callee; further ones are heard only when they answer
#define CP_RELAYS   4u // requests inside the call that may be under way at once
#define CP_REASON   160u
#define CP_LINES    6144u // header lines of one message

// Extensions that a Require may name.
#define CP_OPTIONS "100rel, timer, replaces, norefersub"
// What we do, as Allow says it; the transaction layer refuses the rest.
#define CP_ALLOW                                                                                   \
	"INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, INFO, UPDATE, MESSAGE, REFER, SUBSCRIBE, "      \
	"NOTIFY"

// Bodies of what makes or changes a session.
#define CP_ACCEPT "Accept: application/sdp, multipart/mixed\r\n"

struct cp_call;
struct cp_order;
struct cp_digits;
struct cp_farewell;
struct cp_recordings;

enum cp_exchange_kind {
	CP_X_FREE,
	CP_X_INVITE,   // the one that makes the call
	CP_X_REINVITE, // INVITE inside the call
	CP_X_UPDATE, // UPDATE or PRACK with an offer; UPDATE on the other side if it knows it, else re-INVITE
	CP_X_TELL, // ours: what one side does not know yet, as an offer to it. `from` is the other side
	CP_X_REFRESH,  // ours: UPDATE that only keeps the session alive
	CP_X_PROBE,    // ours: OPTIONS to a side that has fallen silent
	CP_X_RELAY,    // INFO, MESSAGE, NOTIFY, OPTIONS
	CP_X_BYE,      // ours; `from` is the leg that it goes to
	CP_X_REAP,     // BYE in a dialog that no call wants
	CP_X_FORK,     // INVITE to one of several phones, see fork.h
	CP_X_REGISTER, // ours at a trunk, see registrar/enrol.h
	CP_X_PING,     // OPTIONS of health.c; has no call
	CP_X_NOTIFY,   // ours, of a transfer (refer.h); `from` is the leg that it goes to
	CP_X_JOIN,     // re-INVITE to a party that is moved into this call (join.h)
	CP_X_RESTORE,  // re-INVITE to a party that was to be moved and stays
	CP_X_FAX,      // ours: T.38, offered to the other side (fax.h)
	CP_X_DIGIT,    // ours: INFO with a digit that was heard (dtmf.h); `from` is the other side
};

enum cp_phase {
	CP_PHASE_NEW,
	CP_PHASE_PORTS,
	CP_PHASE_ASKED,
	CP_PHASE_MEDIA,
	CP_PHASE_ANSWERED,
	CP_PHASE_WAITING, // the callee has answered while another offer is under way
	CP_PHASE_HELD,    // our 2xx waits for a PRACK
};

struct cp_exchange {
	struct cp_call *call;           // NULL in CP_X_REAP and CP_X_REGISTER
	struct sip_transaction *server; // NULL when none or over
	struct sip_transaction *client;
	struct sip_dialog *dialog; // CP_X_REAP
	uint8_t kind;              // enum cp_exchange_kind
	uint8_t phase;             // enum cp_phase
	uint8_t from;              // leg that asked
	bool delayed;              // the request had no offer: it comes in the 2xx
	bool unasked;              // the other side could not be asked; it is told later
	bool updating;             // the other side was asked by UPDATE
	uint8_t tries;             // for the same: 422
	bool alone;                // should it fail, the call goes on (RFC 5057: another usage)
	uint16_t status;           // of the 2xx that waits for hawse-media
	uint16_t early; // INVITE: of the reliable response whose offer waits for the caller's PRACK
	struct cp_branch
		*branch; // of the callee's early dialog that it is about, NULL: of the call's
	char *lines;     // its header lines, malloc
};

// One early dialog of leg B with a session description of its own.
struct cp_branch {
	struct cp_branch *next;
	struct sip_dialog *dialog;
	struct sip_dialog *caller; // what it is to the caller, NULL: nothing yet
	bool has_oa;
	bool final; // it answered reliably: its answer stands
	bool stale; // its side has to be told what the caller offered since
	bool allows_update;
	uint8_t gate; // P-Early-Media: bit 0 what the caller says is stopped, bit 1 what the callee says
	uint64_t ring_us;
	uint32_t told; // version that the caller was told reliably, 0: none
	struct sdp_oa oa;
};

enum cp_session_state {
	CP_SESSION_ALLOCATING,
	CP_SESSION_ALLOCATED,
	CP_SESSION_ACTIVE,
	CP_SESSION_DELETING,
};

// One media stream of the call in hawse-media.
struct cp_session {
	struct cp_call *call;
	uint64_t transaction; // in flight, 0: none
	uint64_t epoch;       // of the hawse-media that gave slot and generation
	uint32_t slot;
	uint32_t generation;
	uint8_t state;  // enum cp_session_state
	uint8_t stream; // m-line
	uint8_t tries;
	bool planned;                  // `plan` is to be installed, or is
	bool again;                    // it changed while a command was in flight
	bool replay;                   // hawse-media may not have it any more
	bool replaying;                // it is being asked
	struct sip_timer timer;        // of the next try
	struct abi_leg_local local[2]; // our ports
	struct abi_addr remote[2];     // where the party receives, as it said last
	struct abi_session_plan plan;
	struct cp_secure *secure[2]; // NULL: plain RTP
	struct cp_resume *resume;    // NULL: nothing was learned before, or all is told
	bool looked_into;            // the plan has codecs
	struct abi_record_codec heard[2]; // what each party sends
	struct cp_order *orders, *last_order; // what else it is told, in this order (order.h)
};

enum cp_reliable { // provisional responses to the caller
	CP_RELIABLE_NO,
	CP_RELIABLE_SUPPORTED,
	CP_RELIABLE_REQUIRED,
};

struct cp_leg {
	const struct cp_peer *peer; // of call->policy
	struct sip_dialog *dialog;  // A: from the start. B: when answered
	struct sip_addr signalling; // the party's
	uint16_t socket;            // our listener
	bool over;                  // this side is finished: BYE, CANCEL or failure
	bool bye_wanted;            // BYE as soon as the ACK came
	bool recorded;              // the CDR is written
	uint8_t suite;              // enum abi_srtp_suite of its media; 0: plain RTP
	uint8_t keying;             // enum sdp_keying
	bool allows_update;         // its Allow said so
	bool wants_199;             // A: its Supported said so
	uint8_t reliable;           // A: enum cp_reliable
	bool final;                 // B: it answered before its 2xx
	bool stale;                 // it has to be told what is agreed
	bool silent;                // no media came for too long
	bool probing;               // and it was asked whether it lives
	bool info_digits;           // it has sent digits by INFO,
	bool plain_digits;          // as application/dtmf
	uint32_t told; // A: version of ours that it was told reliably before the 2xx, 0: none
	struct sip_session_timer session; // RFC 4028
	uint64_t due_us;                  // when that wants a refresh or the end, 0: never
	struct sip_timer due;
	struct sip_timer again;    // of what it has to be told
	struct sip_timer quiet;    // of its silence
	bool referred;             // it has sent a REFER
	char call_id[SIP_ID_TEXT]; // B: of our making
	char *moved_id;            // Call-ID of the dialog, which has moved to another call; malloc
	uint64_t start_us, ring_us, answer_us, end_us;
	struct cp_place place; // in the account of its peer
	struct cp_place *user; // in that of its user; NULL: none, which is usual. malloc
	struct cp_exchange bye;
};

// What a call needs when it ends, or after a restart; most of a call's life it is not there.
struct cp_late {
	char reason[CP_REASON];         // header line for BYE or CANCEL, its CRLF included
	struct cp_media_total total[2]; // of sessions that are over
	struct cp_rate rate[2];         // of a restored call: call->rate points here
};

struct cp_call {
	struct cp_shard *shard;
	struct cp_call *next, *prev;
	uint64_t id;
	uint32_t entry; // in region T, CP_NO_CALL: none left
	uint8_t state;  // enum abi_call_state
	uint8_t target; // index into choice->to
	uint8_t held;   // bit 0 the caller holds, bit 1 the callee
	bool hidden;    // the caller is anonymous to the callee
	bool shy;       // and wants to be, to whoever may not know (RFC 3323)
	bool counted;   // the result of the set-up was
	bool showing;   // A has seen an answer
	bool restored;  // from the journal of a hawse-sip before this one
	bool old_ok;    // and with a 2xx of then, of which nobody knows whether its ACK came
	bool redialled; // `to` is not what the Request-URI says
	bool touched;   // in the shard's list of calls that the journal is to be told of
	bool kept_failed;
	struct cp_call *touched_next;
	uint64_t kept; // digest of its record in the journal, 0: none
	struct cp_policy *policy;
	struct cp_choice *choice; // where it may go; malloc, until it is answered
	const struct cp_rate
		*rate[2]; // of a minute: what the caller is charged, what the target costs
	struct cp_leg leg[2];
	struct cp_exchange invite;
	struct cp_exchange other[CP_RELAYS];
	struct cp_exchange *offer; // whose offer is pending in `oa`
	struct sdp_oa oa;          // of the call; while forks speak, the one that has no answer yet
	struct cp_branch *branches;
	struct cp_branch *speaking; // whose media flow
	bool lent;                  // leg[0].dialog is a branch's, or was
	bool bounded;               // the caller said how long it may ring
	struct cp_session *session[CP_SESSIONS];
	int media_error;        // first failure since the media were last settled
	struct sip_timer timer; // ring timeout
	struct sip_flow hop;    // that the INVITE goes by
	struct sip_flow *hops;  // those that are left to try, malloc
	uint8_t hops_left;
	struct cp_forks *forks;       // the phones that ring, NULL: the target is none
	struct cp_identity *identity; // of a caller that is a phone, malloc
	struct sip_timer hop_timer;   // of an address that says nothing while there are others
	uint64_t asked_us;            // when the INVITE left for it
	uint8_t *saved;               // the INVITE, until it is answered
	uint32_t saved_size;
	uint32_t forwards; // Max-Forwards to send
	struct cp_cause cause;
	char from[64], to[64];           // user parts, as the caller said them
	struct cp_late *late;            // NULL: not needed yet
	char from_sent[48], to_sent[48]; // as the target was told last
	char route_name[40];             // the route's prefix
	uint8_t attempt;                 // targets that did not take it
	struct sip_timer interim;        // of the next record of a long call
	char codec[2][24];              // of each leg: "PCMA/8000"
	char codec_why[CP_CODECS_WHY];  // why these
	bool transcoded;
	bool hears[2]; // this party wants to be sent something, by its own description
	bool alone, ringback; // we have answered the caller ourselves; he hears ringback
	struct cp_farewell *farewell; // he hears why he is refused (prompt.h), or NULL
	uint8_t music, playing; // bit n: leg n is to hear music, and does
	bool look; // its media are looked into, whatever their codecs: something is to be heard in them
	struct cp_recordings *recordings; // malloc; NULL: it was never recorded
	struct cp_fax *fax; // malloc; NULL: nothing of the kind (fax.h)
	struct cp_digits *digits; // that wait to be sent by INFO, malloc; NULL: none did
	struct cp_transfer *transfer;   // that one of its parties has asked for (refer.h), or NULL
	struct cp_transfer *awaited_by; // goes on when this call is answered
	struct cp_join *join;           // this call is being made of others (join.h)
	struct cp_join *borrower;       // takes a party away from this call
	uint64_t moved_from, moved_to;  // calls that a party came from, and went to
	struct cp_passed {              // the last REFER that was passed on
		bool any;
		uint8_t from;         // leg that sent it
		uint32_t here, there; // its CSeq on that side and on the other
	} passed;
};

// Which call and leg a Call-ID belongs to, for the trace and for loops. A cache: a newer one may push
// out an older.
struct cp_label {
	uint64_t hash;
	uint64_t call;
	uint32_t number; // hash of the number that leg B was called by
	uint8_t leg;
	bool fresh; // no call has it yet
};

// A peer of a restored call that the configuration does not have any more.
struct cp_ghost {
	struct cp_ghost *next;
	struct cp_peer peer;
	struct cfg_peer cfg;
};

struct cp_shard {
	const struct cp_shard_ops *ops;
	void *ctx;
	struct sip_layer *layer;
	struct sip_dialogs *dialogs;
	struct cp_policy *policy;
	struct cp_accounts *accounts;
	bool own_accounts;
	struct cp_ping *pings;
	unsigned ping_count;
	void *rewriter[2];          // by enum cfg_direction, once it was needed
	const uint8_t *wire;        // what a message was before header rules, while it is received
	size_t wire_size;
	struct cp_tregion *tregion;
	abi_atomic64 *counters;
	uint32_t index;
	uint64_t now_us, realtime_offset_us;
	struct cp_call *calls;
	struct cp_call *replaying; // next call to be looked at after attach
	size_t count;              // calls in the list
	size_t running;            // of these, not ENDING
	size_t up;
	unsigned replays; // commands in flight
	bool attached;    // to hawse-media
	uint32_t can;     // codecs that it transcodes: cp_codecs_can()
	bool ready;       // and every session was claimed or replayed
	uint64_t epoch;   // of the hawse-media that is attached, or was last
	bool stopping;
	bool draining;           // takes no new calls
	bool urgent;             // one of the touched must reach the journal at the end of the pass
	struct cp_call *touched; // what the journal is to be told of
	uint8_t *record;         // a record being written
	struct cp_persist_scratch *scratch;
	struct cp_ghost *ghosts;
	struct cp_registrar *registrar; // shared, NULL: there are no phones
	struct cp_enrol *enrols;        // registrations of ours, of the first shard
	size_t restored;                // calls that are
	struct cp_session **by_slot;    // of the attached hawse-media
	uint32_t slots;
	struct cp_label *labels;
	uint64_t label_mask;
	uint64_t label_key[2];
	uint64_t fresh;             // id given to the INVITE that is being received, 0: none
	uint64_t failed_us;         // when a flow was last given up because of ICMP
	unsigned failed;            // how often in that second
	struct sip_message message; // an INVITE read again from call->saved
	struct sdp_arena arena;
	void *arena_memory;
	char fingerprint[SDP_FINGERPRINT]; // of our certificate; empty: no DTLS
	struct sdp_cache *trees;           // of the arena
	struct sdp_plan plan;
	struct sdp_oa_need need;
	char lines[CP_LINES];
};

static inline void cp_count(struct cp_shard *shard, unsigned counter)
{
	abi_add64(&shard->counters[counter], 1);
}

static inline unsigned cp_other(unsigned leg)
{
	return leg ^ 1;
}

// The arena of the shard, empty. What was in it is gone.
static inline struct sdp_arena *cp_scratch(struct cp_shard *shard)
{
	shard->arena.used = 0;
	sdp_cache_settle(shard->arena.cache);
	return &shard->arena;
}

#ifdef __cplusplus
extern "C" {
#endif

// ---- shard_trace.c

// A message as it was on the wire. An INVITE that may become a call is given the id that it will have.
void cp_shard_trace(struct cp_shard *shard, const struct sip_flow *flow, bool out,
	const uint8_t *bytes, size_t n);

// ---- call.c: life

// A call for this INVITE, in the shard's list and in region T. NULL: no memory.
struct cp_call *cp_call_new(struct cp_shard *shard, const struct cp_peer *caller,
	const struct sip_flow *source, uint64_t id);
// Frees it if nothing is under way any more; the pointer may be dead afterwards.
void cp_call_check(struct cp_call *call);
// Frees it whatever is under way, without a word to anybody.
void cp_call_free(struct cp_call *call);
// Brings the entry in region T up to date.
void cp_call_show(struct cp_call *call);
void cp_call_event(struct cp_call *call, uint8_t leg, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
#define CP_CODECS_TEXT 160u
// "opus/48000 | PCMA/8000 (opus -> PCMA: callee has no opus)"
const char *cp_call_codecs(const struct cp_call *call, char text[CP_CODECS_TEXT]);
// Sets the state and keeps the gauges.
void cp_call_state(struct cp_call *call, enum abi_call_state state);
void cp_call_result(struct cp_call *call, enum cp_result result);
const struct cp_listener *cp_leg_listener(const struct cp_call *call, unsigned leg);
struct sip_slice cp_leg_call_id(const struct cp_call *call, unsigned leg);
unsigned cp_leg_of(const struct cp_call *call, const struct sip_dialog *dialog);
void cp_label_set(struct cp_shard *shard, struct sip_slice call_id, uint64_t call, uint8_t leg,
	struct sip_slice number);
const struct cp_label *cp_label_find(struct cp_shard *shard, struct sip_slice call_id);
// The INVITE with it may not become a call, but be challenged first.
void cp_label_fresh(struct cp_shard *shard, struct sip_slice call_id);
uint32_t cp_label_number(struct cp_shard *shard, struct sip_slice number);

// Lets go of both transactions and clears it.
void cp_exchange_release(struct cp_exchange *x);
struct cp_exchange *cp_exchange_new(struct cp_call *call, enum cp_exchange_kind kind, uint8_t from);

// ---- lines.c: the header lines that we write ourselves

enum cp_line {
	CP_LINE_CONTACT = 1 << 0, // with Allow
	CP_LINE_SDP = 1 << 1,     // Content-Type: application/sdp
	CP_LINE_REQUEST = 1 << 2, // User-Agent, else Server
	CP_LINE_OK = 1 << 3,      // a 2xx to INVITE or UPDATE: the session timer is settled by it
	CP_LINE_DTMF = 1 << 4,    // Content-Type: application/dtmf
	CP_LINE_DTMF_RELAY = 1 << 5,
};
// Our own lines for a message to leg `to`, and what is carried over from `m` (NULL: nothing) as
// `what` (enum cp_carried_in) says. Lies in the shard's buffer until the next one is written.
struct sip_slice cp_lines(struct cp_call *call, unsigned to, unsigned own,
	const struct sip_message *m, unsigned what);

// ---- reach.c: where peers are, and who is one

// NULL: a stranger.
const struct cp_peer *cp_who(
	struct cp_shard *shard, const struct cp_policy *policy, const struct sip_flow *flow);
// The flows that requests to this peer may go by in this call, the most likely first. How many; 0: none now.
unsigned cp_locate(struct cp_call *call, const struct cp_peer *peer, struct sip_flow list[CP_HOPS]);
// The caller asked for sips: TLS on the other side too, and sips in what we say (RFC 5630).
bool cp_is_secure(const struct cp_call *call);
// May who sends on this flow speak for the leg?
bool cp_is_party(struct cp_call *call, unsigned leg, const struct sip_dialog *d,
	const struct sip_flow *source);
// Requests in the dialog of this leg go to its next hop if that is an address of its peer; else they
// go where the dialog was made from, as behind NAT they must. A connection that lives is used on.
void cp_leg_route(struct cp_call *call, unsigned leg);
void cp_dialog_route(struct cp_call *call, unsigned leg, struct sip_dialog *d);

// ---- rewrite.c: header rules

bool cp_rewrites(struct cp_shard *shard, enum cfg_direction way, const struct sip_flow *flow);
// Points at what the rules make of a message, valid until the next one that goes this way. 0 or -errno: it
// must not pass.
int cp_rewrite(struct cp_shard *shard, enum cfg_direction way, const struct sip_flow *flow,
	const uint8_t **bytes, size_t *n);

// ---- registrar/shard_phones.c

void cp_shard_registers(
	struct cp_shard *shard, struct sip_transaction *tx, const struct sip_message *m);

// ---- change.c: requests inside a call

void cp_change_request(struct cp_call *call, unsigned leg, struct sip_dialog *d,
	struct sip_transaction *tx, const struct sip_message *m);
// On to the other leg, with the offer that was taken.
void cp_change_forward(struct cp_exchange *x);
// This side has no such dialog any more, or does not answer.
void cp_change_lost(struct cp_call *call, unsigned leg, int status);
// An offer of this leg by UPDATE, re-INVITE or PRACK. `branch`: of the early dialog, NULL: of the call's.
void cp_change_offer(struct cp_call *call, unsigned leg, struct cp_branch *branch,
	struct sip_transaction *tx, const struct sip_message *m, enum cp_exchange_kind kind);
void cp_change_response(
	struct cp_exchange *x, struct sip_transaction *tx, const struct sip_message *m);
void cp_change_failed(struct cp_exchange *x, int status, const char *why);
void cp_change_cancel(struct cp_exchange *x);
void cp_change_ports(struct cp_exchange *x, int error);
// hawse-media carries the change, or refused by `error`.
void cp_change_settled(struct cp_exchange *x, int error);
// It refused something that nobody waits for.
void cp_change_media(struct cp_call *call, int error);
void cp_change_ack(struct cp_exchange *x, const struct sip_message *m);

// ---- end.c

enum cp_ended_by {
	CP_BY_CALLER = 0, // as legs are numbered
	CP_BY_CALLEE = 1,
	CP_BY_HAWSE = 2,
};

// Ends the call on both sides: failure response, CANCEL or BYE, whatever the side is in. Idempotent.
// `status` is what the caller is answered if he has no final response yet, and what the CDR says;
// `lines` are more header lines of that response.
void cp_call_end(struct cp_call *call, enum cp_ended_by by, int status, struct sip_slice phrase,
	const char *lines);
// One side is through; a BYE that was waiting goes out.
void cp_end_acked(struct cp_call *call, unsigned leg);
void cp_end_bye(struct cp_call *call, unsigned leg, struct sip_transaction *tx,
	const struct sip_message *m);
// ACK and BYE for a dialog of ours that no call wants; takes it over.
void cp_reap(struct cp_shard *shard, struct sip_dialog *dialog);
// The CDR of a fork of the callee that did not get the call.
void cp_call_record_fork(struct cp_call *call, const struct sip_dialog *d, uint64_t ring_us,
	const struct cp_cause *cause);
// What comes late: made when it is asked for first; NULL: no memory.
struct cp_late *cp_late(struct cp_call *call);
// The line for BYE or CANCEL, empty when there is none.
static inline struct sip_slice cp_reason(const struct cp_call *call)
{
	return sip_str(call->late ? call->late->reason : "");
}
// What was counted in sessions that are over.
struct cp_media_total cp_call_total(const struct cp_call *call, unsigned leg);
// Adds to it. Without memory it is lost.
void cp_call_count(struct cp_call *call, unsigned leg, const struct abi_leg_stats *stats);
// Sets the reason to one of ours: protocol "SIP" or "Q.850".
void cp_reason_set(struct cp_call *call, const char *protocol, int cause, const char *text);
// The peer's Reason header, if it has one, else nothing.
void cp_reason_take(struct cp_call *call, const struct sip_message *m);

// ---- bridge.c: offer and answer

// What the peers of both legs want of codecs, and what hawse-media can: for everything else that is done with oa.
void cp_bridge_policy(struct cp_call *call, struct sdp_oa *oa);
// Takes the offer of `leg` for x and asks for ports. 0: go on at once; 1: cp_..._ports() will be
// called; or -errno with `status` and a Warning line for the refusal.
int cp_bridge_offer(struct cp_exchange *x, unsigned leg, struct sip_slice body, int *status,
	char *warning, size_t size);
// The offer for the other leg. 0 or -errno as sdp_oa_show_offer().
int cp_bridge_show_offer(struct cp_exchange *x, struct sip_slice *body);
// B's answer of one branch (NULL: the call's own) and what A is to be shown.
int cp_bridge_answer(struct cp_call *call, struct sdp_oa *oa, unsigned leg, struct sip_slice body,
	struct sip_slice *shown);
// The offer of x came to nothing: back to what was agreed.
void cp_bridge_reject(struct cp_exchange *x);
// What was answered stands.
int cp_bridge_accept(struct cp_exchange *x);
// Offers x to this leg and answers for it, by what it said last: it cannot be asked now.
int cp_bridge_answer_for(struct cp_exchange *x, unsigned leg);

// ---- branch.c: forks of the callee

// The branch that has this dialog, on either side. NULL: none.
struct cp_branch *cp_branch_find(const struct cp_call *call, const struct sip_dialog *dialog);
// The branch of this early dialog of the callee, made if need be. NULL: no memory, or too many.
struct cp_branch *cp_branch_get(struct cp_call *call, struct sip_dialog *dialog);
// What it is to the caller, made if need be. NULL branch: the call's.
struct sip_dialog *cp_branch_caller(struct cp_call *call, struct cp_branch *branch);
// Gives it a description of its own.
void cp_branch_oa(struct cp_call *call, struct cp_branch *branch);
// The caller has acknowledged what this branch, or the call, said.
void cp_branch_told(struct cp_call *call, struct cp_branch *branch);
struct sdp_oa *cp_oa_of(const struct cp_exchange *x);
// It is over (199, or the failure `m` of them all): the caller hears of it if he wants to. `m` NULL: he need not.
void cp_branch_drop(struct cp_call *call, struct cp_branch *branch, const struct sip_message *m);
void cp_branches_free(struct cp_call *call, const struct sip_message *m);
// A 2xx of a fork whose call went to another one, or is over: its CDR.
void cp_branch_late(struct cp_shard *shard, const struct sip_dialog *d);
// The branch of this dialog (if it has one) is the call from now on; the others are forgotten.
void cp_branch_win(struct cp_call *call, struct sip_dialog *dialog);

// ---- prack.c

// Refuses an INVITE that wants what this peer must not, or cannot what it must. False when it has.
bool cp_prack_admit(struct cp_shard *shard, struct sip_transaction *tx, const struct sip_message *m,
	const struct cp_peer *caller);
// What the caller's INVITE says of it.
void cp_prack_caller(struct cp_call *call, const struct sip_message *m);
// May the callee be told that we know it?
bool cp_prack_offered(const struct cp_call *call);
// Does a provisional response go to the caller reliably? `seen`: sip_reliable_seen() of the callee's.
bool cp_prack_wanted(const struct cp_call *call, int seen);
void cp_prack_send(struct cp_call *call, struct sip_dialog *d, struct sip_slice body);
// The callee's offer in a reliable response.
void cp_prack_offer(struct cp_exchange *x, struct cp_branch *branch, const struct sip_message *m);
void cp_prack_offer_back(struct cp_exchange *x);
// hawse-media carries what the caller answered to it.
void cp_prack_answered(struct cp_exchange *x);
void cp_prack_request(struct cp_call *call, struct sip_dialog *d, struct cp_branch *branch,
	struct sip_transaction *tx, const struct sip_message *m);
void cp_prack_never(struct cp_call *call);

// ---- tell.c: requests of our own inside a call

// Offers this leg what is agreed: by UPDATE if it allows it, else by re-INVITE. False: not now.
bool cp_change_tell(struct cp_call *call, unsigned leg);
// Tells whoever has to be told, once the call is up and nothing else is under way.
void cp_change_tell_due(struct cp_call *call);
void cp_tell_response(struct cp_exchange *x, const struct sip_message *m);
// `status` 0: it could not be asked.
void cp_tell_refused(struct cp_exchange *x, int status);

// ---- timer.c: session timers (RFC 4028), each leg's by itself

void cp_timer_init(struct cp_call *call, unsigned leg);
// An INVITE that makes a call. False: it was refused.
bool cp_timer_admit(
	struct sip_transaction *tx, const struct sip_message *m, const struct cp_peer *caller);
// An INVITE or UPDATE of this leg. False: it was refused.
bool cp_timer_request(struct cp_call *call, unsigned leg, struct sip_transaction *tx,
	const struct sip_message *m);
// Its lines in our INVITE or UPDATE, or in our 2xx to one (CP_LINE_OK), which starts it anew.
void cp_timer_put(struct cp_call *call, unsigned leg, unsigned own, struct sip_build *b);
// The final response of this leg to our INVITE or UPDATE. 1: a 422 that can be met, send it again.
int cp_timer_response(struct cp_call *call, unsigned leg, const struct sip_message *m);
// A refresh was refused: once more in so many seconds (0: some).
void cp_timer_later(struct cp_call *call, unsigned leg, uint32_t seconds);
void cp_timer_stop(struct cp_call *call);
// What was due at that time, by a hawse-sip before this one.
void cp_timer_restore(struct cp_call *call, unsigned leg, uint64_t due_us);

// ---- silence.c

// No media came from this leg for too long.
void cp_silence(struct cp_call *call, unsigned leg);
// It has answered something.
void cp_silence_answered(struct cp_call *call, unsigned leg);
void cp_silence_stop(struct cp_call *call);

// ---- keep.c

// The call has changed in what a record of it holds. `now`: without that record the call could not go
// on after a restart, or not rightly. Does nothing for a call that is not up.
void cp_call_touch(struct cp_call *call, bool now);
void cp_call_untouch(struct cp_call *call);
// Its CDRs are written: it need not survive anything any more.
void cp_call_unkeep(struct cp_call *call);
// An INVITE without To tag: is it the one of a restored call whose 200 got lost? Then it is answered.
bool cp_restored_invite(
	struct cp_shard *shard, struct sip_transaction *tx, const struct sip_message *m);

#ifdef __cplusplus
}
#endif

#include "controlplane/call/business.h"
#include "controlplane/call/setup.h"
