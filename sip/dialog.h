// SPDX-License-Identifier: BSD-3-Clause
//
// Dialogs (RFC 3261 12, 13, 14): the state that a user agent keeps between transactions, for both
// roles, and the two reliabilities that the transaction layer leaves to the core: our 2xx is sent
// again until its ACK comes (13.3.1.4), and the ACK is sent again for every 2xx that comes again
// (13.2.2.4).
//
// One set per shard, beside its transaction layer. The TU hands it what the layer's callbacks brought:
// - ops.request, To has a tag: sip_dialog_on_request();
// - ops.request, no tag, makes a dialog: sip_dialog_new_uas();
// - ops.ack: sip_dialog_on_ack();
// - ops.response: sip_dialog_on_response();
//
// and sends by sip_dialog_send(), _ack() and _respond(). Timeouts and transport errors of a
// transaction need no call: the dialog sees its transactions end by itself. The TU decides when a
// dialog is over and frees it.
//
// Refuses: requests outside any dialog (481), out of order (500), crossing an INVITE (491, 500 with
// Retry-After, 14.2). Requests go to the dialog's flow, which at first is the flow that made the
// dialog; the TU may set another after resolving sip_dialog_next_hop().
//
// Thread: the shard of its layer.
#pragma once

#include "sip/transaction.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sip_dialogs;
struct sip_dialog;

enum sip_dialog_state {
	SIP_DIALOG_EARLY,
	SIP_DIALOG_CONFIRMED,
	SIP_DIALOG_TERMINATED, // the INVITE failed, or BYE went or came
};

struct sip_dialog_ops {
	// 64*T1 passed without an ACK for our 2xx: send BYE. The state is still CONFIRMED.
	void (*no_ack)(void *ctx, struct sip_dialog *d);
	// 64*T1 passed without a PRACK for our reliable response (reliable.h): refuse the INVITE.
	void (*no_prack)(void *ctx, struct sip_dialog *d);
};

// 0 or -ENOMEM. `ops` may be NULL.
int sip_dialogs_new(
	struct sip_layer *l, const struct sip_dialog_ops *ops, void *ctx, struct sip_dialogs **out);
void sip_dialogs_free(struct sip_dialogs *set); // before its layer; frees every dialog left
size_t sip_dialogs_count(const struct sip_dialogs *set);

// ---- requests outside a dialog, those that make one included

#define SIP_LAST_HOP UINT32_MAX // of max_forwards

struct sip_request {
	enum sip_method method;
	struct sip_slice method_text; // SIP_M_OTHER only
	struct sip_slice uri;         // Request-URI
	struct sip_slice from_display, from_uri;
	struct sip_slice to_display, to_uri;
	struct sip_slice from_tag; // empty: a new one
	struct sip_slice call_id;  // empty: a new one
	uint32_t cseq;             // 0: 1
	uint32_t max_forwards;     // 0: 70, SIP_LAST_HOP: 0
	struct sip_slice lines; // more header lines, each with CRLF: Contact, Route, Supported ...
	struct sip_slice body;
};
// Writes it with a Via and branch of ours and sends it. As sip_client_send(), and -ENOBUFS,
// -EINVAL.
int sip_request_send(struct sip_dialogs *set, const struct sip_flow *to,
	const struct sip_request *r, void *user, struct sip_transaction **out);

// From ops.challenged: `request` once more, with `lines` (one header, in place of those with the id `replaced`), the
// next CSeq and a branch of its own; its transaction has the user and the flow of `old`, which has none any more.
// -EALREADY: it was challenged too often, or cancelled. Else as sip_client_send().
int sip_request_again(struct sip_dialogs *set, struct sip_transaction *old,
	struct sip_slice request, struct sip_slice lines, enum sip_header_id replaced,
	struct sip_transaction **out);

// ---- UAS

// A dialog for a dialog-making request (INVITE without To tag). EARLY; its local tag is
// sip_tx_to_tag(tx). 0, -EBADMSG (Contact or Record-Route that cannot be read: answer
// 400), -ENOMEM.
int sip_dialog_new_uas(struct sip_dialogs *set, struct sip_transaction *tx,
	const struct sip_message *request, void *user, struct sip_dialog **out);

// Another early dialog by the INVITE that made `d`, under a tag of its own: what a fork behind us is to the
// caller. 0, -ENOMEM.
int sip_dialog_fork_uas(struct sip_dialog *d, void *user, struct sip_dialog **out);
// Of all that INVITE's dialogs this one is answered: it follows the transaction instead of `from`.
void sip_dialog_take_invite(struct sip_dialog *d, struct sip_dialog *from);

// sip_respond() with the dialog's tag. A 2xx to INVITE confirms the dialog and is sent again until
// the ACK comes. A failure of the INVITE that made it terminates it.
int sip_dialog_respond(
	struct sip_dialog *d, struct sip_transaction *tx, const struct sip_response *r);

// A request with a To tag. 0 and the dialog, with its CSeq and remote target brought up to date; or
// it has already been answered: -ENOENT (481), -ESTALE (500, CSeq), -EBUSY (491 or 500, INVITE
// crossing), -EBADMSG (400: an INVITE's Contact that cannot be read). BYE makes the state
// TERMINATED (the TU answers it and frees).
int sip_dialog_on_request(struct sip_dialogs *set, struct sip_transaction *tx,
	const struct sip_message *request, struct sip_dialog **out);
// An ACK for a 2xx. 0 (look at its body when the offer was in the 2xx), -EALREADY (came before),
// -ENOENT.
int sip_dialog_on_ack(
	struct sip_dialogs *set, const struct sip_message *ack, struct sip_dialog **out);

// ---- UAC

// A response. *out is its dialog, found or (INVITE, 101 to 299 with To tag) made with the user of
// `tx`; NULL when it has none (100, failure of a first INVITE). Forks make several dialogs on one
// transaction. 0 new to the TU; 1 a 2xx that came again: its ACK has been sent again, or is still
// owed: nothing to do; -EBADMSG (Record-Route that cannot be read: no dialog), -ENOMEM. A 2xx to INVITE
// must be answered by sip_dialog_ack(), also when the TU does not want it (then BYE follows).
int sip_dialog_on_response(struct sip_dialogs *set, struct sip_transaction *tx,
	const struct sip_message *response, struct sip_dialog **out);
// The ACK for the last 2xx to our INVITE. Kept and sent again for 64*T1 whenever the 2xx comes
// again. 0, -EALREADY (not owed), -ENOMEM, -ENOBUFS, -EINVAL or what send() said.
int sip_dialog_ack(struct sip_dialog *d, struct sip_slice lines, struct sip_slice body);
// Another dialog that the same INVITE made by forking, NULL after the last; start with NULL.
struct sip_dialog *sip_dialog_fork(const struct sip_dialog *d, struct sip_dialog *after);

// ---- both

// Send a request inside the dialog. `lines`: more header lines (Contact for INVITE and UPDATE,
// Reason ...). -EBUSY: an INVITE of either side is pending, or an ACK is awaited or owed: wait;
// -ENOTCONN: terminated, or INVITE before the dialog is confirmed. BYE makes the state TERMINATED.
// Else as sip_client_send().
int sip_dialog_send(struct sip_dialog *d, enum sip_method method, struct sip_slice lines,
	struct sip_slice body, void *user, struct sip_transaction **out);
// How long to wait after a 491, in ms (14.1): 2,100 to 4,000 when we chose the Call-ID, else 0 to
// 2,000.
uint32_t sip_dialog_glare_delay(const struct sip_dialog *d);

void sip_dialog_free(struct sip_dialog *d); // NULL is fine

struct sip_dialog *sip_dialog_find(struct sip_dialogs *set, struct sip_slice call_id,
	struct sip_slice local_tag, struct sip_slice remote_tag);
struct sip_dialog *sip_dialog_of(struct sip_dialogs *set, const struct sip_message *request);

void *sip_dialog_user(const struct sip_dialog *d);
void sip_dialog_set_user(struct sip_dialog *d, void *user);
enum sip_dialog_state sip_dialog_state(const struct sip_dialog *d);
const struct sip_flow *sip_dialog_flow(const struct sip_dialog *d);
void sip_dialog_set_flow(struct sip_dialog *d, const struct sip_flow *flow);
// The URI to resolve for the next request: the first route, or the remote target.
struct sip_slice sip_dialog_next_hop(const struct sip_dialog *d);
bool sip_dialog_awaits_ack(
	const struct sip_dialog *d); // our 2xx has no ACK yet: no BYE before (RFC 5407)
bool sip_dialog_owes_ack(
	const struct sip_dialog *d); // a 2xx came that sip_dialog_ack() has not answered
bool sip_dialog_invite_pending(const struct sip_dialog *d);

// Everything a dialog is, as slices into it: for journals and for showing.
struct sip_dialog_view {
	enum sip_dialog_state state;
	bool is_uac;
	bool secure; // sips
	struct sip_slice call_id;
	struct sip_slice local_tag, remote_tag;
	struct sip_slice local; // "display" <uri>, as From or To shows it, without tag
	struct sip_slice remote;
	struct sip_slice target; // remote target URI
	struct sip_slice
		routes; // "<sip:a;lr>, <sip:b;lr>" in the order in which they are to be visited
	uint32_t local_cseq;  // 0: none sent yet
	uint32_t remote_cseq; // valid when has_remote_cseq
	bool has_remote_cseq;
	struct sip_flow flow;
	// Our 2xx that has no ACK yet; empty when there is none.
	struct sip_slice ok;
	uint32_t ok_cseq;
	struct sip_flow ok_flow;
};
void sip_dialog_view(const struct sip_dialog *d, struct sip_dialog_view *out);
// A dialog from its view (after a restart). A 2xx that awaits its ACK is sent again at once, and until
// the ACK comes or 16*T1 have passed: that ACK may have come long ago, and who had sent it may not say
// it again. 0, -EINVAL, -EEXIST, -ENOMEM.
int sip_dialog_restore(struct sip_dialogs *set, const struct sip_dialog_view *view, void *user,
	struct sip_dialog **out);

#ifdef __cplusplus
}
#endif
