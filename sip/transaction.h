// SPDX-License-Identifier: BSD-3-Clause
//
// The transaction layer (RFC 3261 17, corrected by RFC 6026 and RFC 4320): the four machines on one
// hash table and one timer wheel. Bytes, their flow and the time go in; bytes to send and events
// come out by `sip_layer_ops`. The layer screens, indexes, matches, answers retransmissions, sends
// them, acknowledges failures, and forgets. The transaction user (TU, the call logic) sees every
// request and response once.
//
// Rules that hold everywhere:
// - One layer per shard; all calls into it come from the shard's thread. It reads no clock:
//   sip_layer_tick() sets the time that every other call uses, so call it first when a poll returns.
// - Callbacks are made from inside sip_layer_receive(), sip_layer_tick() and sip_layer_free(). They
//   may call anything here but those three. Messages shown to them live until they return.
// - Responses go to the flow their request came from. A retransmission, an ACK or a CANCEL matches
//   only if it comes from the same host (RFC 3261 matches by Via alone; then whoever guesses a
//   branch could cancel).
// - After ops.terminated the pointer is dead; a TU that kept it clears it there. Every transaction
//   that the TU was told of, or made, gets exactly one ops.terminated, from a tick (or from
//   sip_layer_free). A sending function that fails has made none.
// - A transport error after a client's final response is not reported: there is nothing to tell.
//
// Thread: the shard that owns the layer.
#pragma once

#include "sip/build.h"
#include "sip/flow.h"
#include "sip/ids.h"
#include "sip/message.h"
#include "sip/screen.h"
#include "sip/wheel.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sip_layer;
struct sip_transaction;

enum sip_tx_kind {
	SIP_TX_INVITE_CLIENT,
	SIP_TX_CLIENT,
	SIP_TX_INVITE_SERVER,
	SIP_TX_SERVER,
};

enum sip_tx_state {
	SIP_TX_CALLING, // client INVITE
	SIP_TX_TRYING,  // client and server non-INVITE
	SIP_TX_PROCEEDING,
	SIP_TX_COMPLETED,
	SIP_TX_CONFIRMED, // server INVITE
	SIP_TX_ACCEPTED,  // RFC 6026: INVITE answered by 2xx, either side
	SIP_TX_TERMINATED,
};

struct sip_layer_ops {
	// Put bytes on the wire. 0, or -errno: the transaction then ends by ops.transport_error. A
	// datagram that a full socket buffer refused is a lost one, not an error: return 0.
	int (*send)(void *ctx, const struct sip_flow *to, const uint8_t *bytes, size_t n);
	// "host" or "host:port" that we write as sent-by for requests leaving on this flow.
	struct sip_slice (*sent_by)(void *ctx, const struct sip_flow *flow);
	// A new request, already screened and inspected. Answer by sip_respond(tx), now or later.
	// An INVITE that is not answered within 200 ms gets a 100 by itself.
	void (*request)(void *ctx, struct sip_transaction *tx, const struct sip_message *m);
	// An ACK for a 2xx: belongs to no transaction, gets no response; find its dialog.
	void (*ack)(void *ctx, const struct sip_message *m, const struct sip_flow *source);
	// A CANCEL for this INVITE, which has no final response yet. The CANCEL itself has been
	// answered by 200. The TU ends the call and answers the INVITE by 487. (`m` is the CANCEL,
	// with its Reason.)
	void (*cancel)(void *ctx, struct sip_transaction *invite, const struct sip_message *m);
	// A response to a request of ours: every provisional but 100 (100 too when `show_trying`),
	// the first final, and for INVITE each further 2xx (retransmitted or from another branch of
	// a fork: see dialog.h).
	void (*response)(void *ctx, struct sip_transaction *tx, const struct sip_message *m);
	// Client: timer B or F, no final response: treat as 408. Server: timer H, no ACK for our
	// failure.
	void (*timeout)(void *ctx, struct sip_transaction *tx);
	// send() failed, or the caller reported by sip_layer_flow_failed(): treat as 503.
	void (*transport_error)(void *ctx, struct sip_transaction *tx, int error);
	// The last word about it. (timeout and transport_error come before it.)
	void (*terminated)(void *ctx, struct sip_transaction *tx);
	// May be NULL: every message that comes in or goes out, for the trace.
	void (*trace)(void *ctx, const struct sip_flow *flow, bool out, const uint8_t *b, size_t n);
	// May be NULL. A request of `n` bytes is about to leave by `flow`: opens or finds its connection
	// (flow->connection), and takes another transport and socket if it is too long for UDP (RFC 3261
	// 18.1.1; should that one fail before any response, it goes by UDP after all). The Via is
	// written accordingly. 0, or -errno: ends by ops.transport_error.
	int (*route)(void *ctx, struct sip_flow *flow, size_t n);
	// May be NULL. How long a request is on the wire, when whoever sends it adds something. For `route`.
	size_t (*wire_size)(void *ctx, const struct sip_flow *flow, const uint8_t *bytes, size_t n);
	// May be NULL. A 401 or 407 came; `request` is what it answers. True: it has been sent again with
	// credentials (sip_request_again() in dialog.h), and the TU does not hear of this response.
	bool (*challenged)(void *ctx, struct sip_transaction *tx, const struct sip_message *response,
		struct sip_slice request);
	// May be NULL. A message was refused by screen, which is counted already.
	void (*refused)(void *ctx, const struct sip_flow *source, enum sip_refusal why);
};

// What the inspection of RFC 3261 8.2 lets through. Each list is ", "-separated as it is written in
// Allow, Accept and Supported. NULL fields check nothing.
struct sip_capabilities {
	const char *methods;       // others: 405 with Allow (known method) or 501 (unknown)
	const char *options;       // Require of others: 420 with Unsupported
	const char *content_types; // of bodies: others 415 with Accept; a body with
				   // handling=optional passes
	const char *encodings;     // others: 415 with Accept-Encoding; "identity" always passes
};

struct sip_layer_config {
	const struct sip_layer_ops *ops;
	void *ctx;
	struct sip_ids ids;
	const struct sip_capabilities *capabilities; // NULL: no inspection
	uint64_t now;                                // ms, any epoch, never goes back
	uint32_t t1, t2, t4;                         // ms; 0: 500, 4000, 5000
	uint32_t trying_after;                       // ms until an INVITE's own 100; 0: 200
	// What is only waited for (timers D, I, J, K, L, M) ends at multiples of so many ms, so that many end in one
	// wake-up; 0: 1.
	uint32_t together;
	uint32_t transactions; // most at once; beyond: 503 with Retry-After, without a transaction.
			       // 0: 1 million
	uint32_t retry_after;  // seconds, in that 503; 0: 5
	bool show_trying;
	bool match_any_source; // drop the same-host rule (peers that send from several addresses)
};

struct sip_layer_counters {
	uint64_t received, sent, requests, responses;
	uint64_t refused[SIP_REFUSE_COUNT]; // by screen, replied or dropped
	uint64_t inspected_out;             // 405, 415, 416, 420, 501
	uint64_t retransmits_in, retransmits_out;
	uint64_t stray_responses, stray_acks;
	uint64_t merged;   // 482
	uint64_t overload; // 503
	uint64_t no_memory;
	uint64_t timeouts, transport_errors;
	uint64_t transactions, transactions_max;
};

// 0 or -ENOMEM, -EINVAL.
int sip_layer_new(const struct sip_layer_config *config, struct sip_layer **out);
// Ends every transaction without a word (terminated is called for each).
void sip_layer_free(struct sip_layer *l);

void sip_layer_tick(struct sip_layer *l, uint64_t now);
// When to tick again at the latest (ms, absolute); UINT64_MAX: never.
uint64_t sip_layer_next(const struct sip_layer *l);
uint64_t sip_layer_now(const struct sip_layer *l);
struct sip_wheel *sip_layer_wheel(
	struct sip_layer *l); // for timers of the TU; their ctx is ops' ctx
const struct sip_ids *sip_layer_ids(const struct sip_layer *l);
const struct sip_layer_counters *sip_layer_counters(const struct sip_layer *l);
uint32_t sip_layer_t1(const struct sip_layer *l);
uint32_t sip_layer_t2(const struct sip_layer *l);

// One datagram, or one message framed by sip_screen_frame(). Never fails: what is wrong is answered
// or counted.
void sip_layer_receive(
	struct sip_layer *l, const struct sip_flow *source, const uint8_t *data, size_t n);
// The caller's transport says that this flow is dead (ICMP, connection lost): its client transactions end
// by transport_error, its server transactions when their final response cannot be sent. O(transactions): meant for connections, of which few die.
void sip_layer_flow_failed(struct sip_layer *l, const struct sip_flow *flow, int error);

// ---- client

// Send a whole request (from build.h; its top Via has a branch of sip_id_branch) and watch it. ACK
// has no transaction: sip_send(). 0, -ENOMEM, -EINVAL (not a request with Via branch and CSeq),
// -EEXIST (branch in use). A send() that fails is reported later, from the next tick, by
// ops.transport_error, never from in here.
int sip_client_send(struct sip_layer *l, const struct sip_flow *to, const uint8_t *bytes, size_t n,
	void *user, struct sip_transaction **out);
// Cancel our INVITE: at once, or when its first provisional response comes (9.1). `lines`: more
// header lines (Reason), or empty. The final response (487 as a rule) still comes; when none comes
// in 64*T1, timeout. 0, -EALREADY (has a final response, or was cancelled before), -ENOMEM.
int sip_client_cancel(struct sip_transaction *tx, struct sip_slice lines);
// Nobody wants the answer of this request (not an INVITE) any more: it is not repeated, and no op is called for
// it again. An answer that comes yet is stray.
void sip_client_abandon(struct sip_transaction *tx);

// ---- server

struct sip_response {
	int status;
	struct sip_slice reason; // empty: the standard phrase
	struct sip_slice to_tag; // our tag; ignored when the request had one. Empty: the layer
				 // makes one and keeps it for the responses after
	struct sip_slice
		lines; // more header lines, each with CRLF: Contact, Allow, Content-Type ...
	struct sip_slice body;
};
// 0; -EALREADY (final response was sent), -ENOBUFS, -EINVAL, -ENOMEM (only for a 2xx to INVITE;
// others then go out, but once). RFC 4320: for non-INVITE, provisional responses other than 100 are
// refused by -EINVAL, 100 is held back until the client would retransmit at T2, and 408 is not
// sent: the transaction just ends.
int sip_respond(struct sip_transaction *tx, const struct sip_response *r);
int sip_respond_simple(
	struct sip_transaction *tx, int status, const char *lines); // lines may be NULL
// The bytes of the last response. For a 2xx to INVITE the caller (dialog.h) takes them to
// retransmit: the transaction gives them up, free() them.
uint8_t *sip_take_response(struct sip_transaction *tx, size_t *n);

// ---- both

// To the wire without a transaction: ACK for 2xx, and its retransmissions. 0 or what send() said.
int sip_send(struct sip_layer *l, const struct sip_flow *to, const uint8_t *bytes, size_t n);
// Answer a request that has no transaction (not an ACK, not a response). The To tag is derived from
// the request, so that a retransmission gets the same one.
void sip_reply_stateless(struct sip_layer *l, const struct sip_flow *source,
	const struct sip_message *m, int status, const char *reason, const char *lines);

enum sip_tx_kind sip_tx_kind(const struct sip_transaction *tx);
enum sip_tx_state sip_tx_state(const struct sip_transaction *tx);
enum sip_method sip_tx_method(const struct sip_transaction *tx);
int sip_tx_status(const struct sip_transaction *tx); // the last response sent or received, 0: none
const struct sip_flow *sip_tx_flow(const struct sip_transaction *tx);
struct sip_layer *sip_tx_layer(const struct sip_transaction *tx);
void *sip_tx_user(const struct sip_transaction *tx);
void sip_tx_set_user(struct sip_transaction *tx, void *user);
struct sip_slice sip_tx_to_tag(
	const struct sip_transaction *tx); // server: our tag, made on first use
static inline bool sip_tx_is_final(const struct sip_transaction *tx)
{
	return sip_tx_status(tx) >= 200;
}

// 16-byte identity of the transaction (SipHash of branch, sent-by, method, host), for logs and
// tests.
void sip_tx_key(const struct sip_transaction *tx, uint8_t key[16]);

#ifdef __cplusplus
}
#endif
