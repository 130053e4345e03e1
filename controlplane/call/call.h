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
#include "controlplane/call/secure.h"
#include "controlplane/counters.h"
#include "controlplane/shard.h"
#include "sip/dialog.h"
#include "sip/sdp/offer_answer.h"

#define CP_SESSIONS 4u // media sessions of a call; further m-lines are refused
#define CP_RELAYS   4u // requests inside the call that may be under way at once
#define CP_REASON   160u
#define CP_LINES    6144u // header lines of one message

// What we do, as Allow says it; the transaction layer refuses the rest.
#define CP_ALLOW "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, MESSAGE, NOTIFY"

struct cp_call;

enum cp_exchange_kind {
	CP_X_FREE,
	CP_X_INVITE,   // the one that makes the call
	CP_X_REINVITE, // INVITE inside the call
	CP_X_UPDATE,   // UPDATE of one side, becomes a re-INVITE on the other
	CP_X_RELAY,    // INFO, MESSAGE, NOTIFY, OPTIONS
	CP_X_BYE,      // ours; `from` is the leg that it goes to
	CP_X_REAP,     // BYE in a dialog that no call wants
	CP_X_FORK,     // INVITE to one of several phones, see fork.h
	CP_X_REGISTER, // ours at a trunk, see registrar/enrol.h
};

enum cp_phase {
	CP_PHASE_NEW,
	CP_PHASE_PORTS,
	CP_PHASE_ASKED,
	CP_PHASE_MEDIA,
	CP_PHASE_ANSWERED,
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
	uint16_t status;           // of the 2xx that waits for hawse-media
	char *lines;               // its header lines, malloc
};

// One early dialog of leg B with a session description of its own.
struct cp_branch {
	struct cp_branch *next;
	struct sip_dialog *dialog;
	bool has_oa;
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
	char call_id[SIP_ID_TEXT];  // B: of our making
	uint64_t start_us, ring_us, answer_us, end_us;
	struct cp_exchange bye;
};

struct cp_call {
	struct cp_shard *shard;
	struct cp_call *next, *prev;
	uint64_t id;
	uint32_t entry; // in region T, CP_NO_CALL: none left
	uint8_t state;  // enum abi_call_state
	uint8_t target; // index into choice->to
	uint8_t held;   // bit 0 the caller holds, bit 1 the callee
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
	const struct cp_rate *rate[2]; // of a minute: what the caller is charged, what the target costs
	struct cp_leg leg[2];
	struct cp_exchange invite;
	struct cp_exchange other[CP_RELAYS];
	struct cp_exchange *offer; // whose offer is pending in `oa`
	struct sdp_oa oa;          // of the call; while forks speak, the one that has no answer yet
	struct cp_branch *branches;
	struct cp_branch *speaking; // whose answer A saw last
	struct cp_session *session[CP_SESSIONS];
	int media_error;        // first failure since the media were last settled
	struct sip_timer timer; // ring timeout
	struct sip_flow hop;    // that the INVITE goes by
	struct sip_flow *hops;  // those that are left to try, malloc
	uint8_t hops_left;
	struct cp_forks *forks;     // the phones that ring, NULL: the target is none
	struct cp_identity *identity; // of a caller that is a phone, malloc
	struct sip_timer hop_timer; // of an address that says nothing while there are others
	uint8_t *saved;             // the INVITE, until it is answered
	uint32_t saved_size;
	uint32_t forwards; // Max-Forwards to send
	struct cp_cause cause;
	char reason[CP_REASON]; // header line for BYE or CANCEL, its CRLF included
	char from[64], to[64];  // user parts
	char codec[24];
	struct cp_media_total total[2];
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
	bool ready;       // and every session was claimed or replayed
	uint64_t epoch;   // of the hawse-media that is attached, or was last
	bool stopping;
	bool urgent;             // one of the touched must reach the journal at the end of the pass
	struct cp_call *touched; // what the journal is to be told of
	uint8_t *record;         // a record being written
	struct cp_persist_scratch *scratch;
	struct cp_ghost *ghosts;
	struct cp_registrar *registrar; // shared, NULL: there are no phones
	struct cp_enrol *enrols;        // registrations of ours, of the first shard
	size_t restored;             // calls that are
	struct cp_session **by_slot; // of the attached hawse-media
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

#ifdef __cplusplus
extern "C" {
#endif

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
void cp_branches_free(struct cp_call *call);

// ---- lines.c: the header lines that we write ourselves

enum cp_line {
	CP_LINE_CONTACT = 1 << 0, // with Allow
	CP_LINE_SDP = 1 << 1,     // Content-Type: application/sdp
	CP_LINE_REQUEST = 1 << 2, // User-Agent, else Server
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

// ---- route.c: which way a number goes, and how each side writes it

// The peers for this request of `caller`. 0, or the status that it is refused by.
int cp_route_call(struct cp_shard *shard, const struct sip_message *m, const struct cp_peer *caller,
	const char *asserted, struct cp_choice *choice);
// Another target can be tried after this one.
bool cp_route_has_more(const struct cp_call *call);
// The request's number as the target writes it: sets the user part of `uri`, whose text is in `text`.
int cp_route_called(const struct cp_call *call, struct sip_uri *uri, char text[CP_USER]);
// The prices of the call as it goes now.
void cp_route_price(struct cp_call *call);
// What a leg costs (1) or is charged (0) when it was answered for so long: micro-units; -1: no price is
// known.
int64_t cp_call_cost(const struct cp_call *call, unsigned leg, uint64_t duration_ms);

// ---- target.c: the peers of a route

// Chooses the first peer from call->target on that can be called. False when there is none: then the call
// has ended, and may be gone.
bool cp_target_choose(struct cp_call *call);
// The offer is ready, or there is none: on to the target.
void cp_target_ask(struct cp_exchange *x);
// This target is over. True when another one takes its place, or the call has ended for want of one.
bool cp_target_next(struct cp_exchange *x, int status, struct sip_slice phrase);
// The same target by another of its addresses (RFC 3263 4.3), when this one has failed: 503, a timeout, or
// it cannot be reached. False when there is none left.
bool cp_target_next_hop(struct cp_exchange *x);
// Lets go of its transaction and early dialogs.
void cp_target_leave(struct cp_exchange *x);

// ---- setup.c: from INVITE to ACK

void cp_setup_invite(
	struct cp_shard *shard, struct sip_transaction *tx, const struct sip_message *m);
void cp_setup_cancel(struct cp_call *call, const struct sip_message *m);
void cp_setup_response(
	struct cp_exchange *x, struct sip_transaction *tx, const struct sip_message *m);
// The client transaction of the INVITE ended without a final response.
void cp_setup_failed(struct cp_exchange *x, int status, const char *why);
// Ports are there, or were refused by `error`.
void cp_setup_ports(struct cp_exchange *x, int error);
// hawse-media carries the call, or refused by `error`.
void cp_setup_media(struct cp_exchange *x, int error);
// Shows the caller the target's offer.
void cp_setup_offer_back(struct cp_exchange *x);
void cp_setup_ack(struct cp_exchange *x, const struct sip_message *m);
// A response to a client transaction that no call wants.
void cp_orphan_response(
	struct cp_shard *shard, struct sip_transaction *tx, const struct sip_message *m);

// ---- registrar/shard_phones.c

void cp_shard_registers(
	struct cp_shard *shard, struct sip_transaction *tx, const struct sip_message *m);

// ---- change.c: requests inside a call

void cp_change_request(struct cp_call *call, unsigned leg, struct sip_transaction *tx,
	const struct sip_message *m);
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
// Writes the CDR of one leg, as it stands.
void cp_call_record(struct cp_call *call, unsigned leg);
// Sets call->reason to one of ours: protocol "SIP" or "Q.850".
void cp_reason_set(struct cp_call *call, const char *protocol, int cause, const char *text);
// The peer's Reason header, if it has one, else nothing.
void cp_reason_take(struct cp_call *call, const struct sip_message *m);

// ---- bridge.c: offer and answer

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
// The branch of this early dialog, made if need be. NULL: no memory.
struct cp_branch *cp_bridge_branch(struct cp_call *call, struct sip_dialog *dialog);
// The branch of this dialog (if it has one) is the call from now on; the others are forgotten.
void cp_bridge_win(struct cp_call *call, struct sip_dialog *dialog);

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

// ---- media.c

// Asks for ports for every stream that wants some. Number of commands sent, or -errno when none
// could be sent.
int cp_media_alloc(struct cp_call *call, const struct sdp_oa_need *need);
// Installs the plan of `oa`. `final`: the answer stands, silence is watched. 0 or -errno.
int cp_media_apply(struct cp_call *call, struct sdp_oa *oa, bool final);
bool cp_media_busy(const struct cp_call *call);
bool cp_media_waits_for_ports(const struct cp_call *call);
// Deletes sessions whose ports the call does not use any more.
void cp_media_sweep(struct cp_call *call);
// Deletes all.
void cp_media_release(struct cp_call *call);
// Without a word; the call is being freed.
void cp_media_drop(struct cp_call *call);
// There is more to say of its security.
void cp_media_more(struct cp_session *s);
bool cp_media_gone(const struct cp_call *call);
// One more session of the call, without ports. 0, -EMFILE, -ENOMEM.
int cp_media_session(struct cp_call *call, unsigned stream, struct cp_session **out);
// Events of its slot find it.
void cp_media_index(struct cp_session *s);
// Claims or makes again what `replay` says, a window at a time, and then says that it is done.
void cp_media_replay(struct cp_shard *shard);

#ifdef __cplusplus
}
#endif
