// SPDX-License-Identifier: BSD-3-Clause
//
// Provisional responses that arrive (RFC 3262): RSeq, RAck and PRACK of one dialog, for both roles. Each
// early dialog of a fork has numbers of its own.
//
// As UAS: sip_reliable_respond() sends a 1xx with Require: 100rel and RSeq, and again at T1, 2*T1, 4*T1 ...
// until its PRACK comes; the next one waits meanwhile. ops.no_prack() says that none came in 64*T1: the TU
// then refuses the INVITE. The final response stops the repetitions, but a PRACK that comes late still
// matches. While sip_reliable_holds_ok() the INVITE must not be answered by 2xx (section 3).
//
// As UAC: sip_reliable_seen() for each provisional response, sip_reliable_prack() for what it lets through.
//
// Thread: the shard of the dialog's layer.
#pragma once

#include "sip/dialog.h"

#ifdef __cplusplus
extern "C" {
#endif

// ---- UAS

// Sends r (101 to 199) by the INVITE `tx` reliably, or puts it behind what has no PRACK yet. 0; -EALREADY (there
// was a final response), -EINVAL, -ENOBUFS, -ENOMEM: nothing was sent.
int sip_reliable_respond(
	struct sip_dialog *d, struct sip_transaction *tx, const struct sip_response *r);
// A PRACK inside this dialog, after sip_dialog_on_request(). 0: answer it by 2xx (or look at its body); -ENOENT:
// nothing of ours that waits (481); -EBADMSG: RAck cannot be read (400). It is not answered yet.
int sip_reliable_on_prack(struct sip_dialog *d, const struct sip_message *prack);
// Sends what waited for that PRACK, once it has been answered.
void sip_reliable_next(struct sip_dialog *d, struct sip_transaction *tx);
// A session description went out whose PRACK has not come.
bool sip_reliable_holds_ok(const struct sip_dialog *d);
// A session description of ours got its PRACK: the other side has it for certain.
bool sip_reliable_told(const struct sip_dialog *d);

// ---- UAC

// A response to our INVITE that belongs to this dialog. 0: not a reliable one; 1: it is, and it is new: PRACK
// is owed; -EALREADY: it came before, or one before it is missing: do nothing, it comes again.
int sip_reliable_seen(struct sip_dialog *d, const struct sip_message *response);
// The PRACK for the last one seen. As sip_dialog_send().
int sip_reliable_prack(struct sip_dialog *d, struct sip_slice lines, struct sip_slice body,
	void *user, struct sip_transaction **out);

#ifdef __cplusplus
}
#endif
