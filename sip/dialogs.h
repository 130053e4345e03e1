// SPDX-License-Identifier: BSD-3-Clause
//
// The insides of the dialog layer, shared by dialog*.c.
//
// Thread: the shard of its layer.
#pragma once

#include "sip/dialog.h"
#include "sip/tx.h"

// Our 2xx to an INVITE, until its ACK comes (13.3.1.4).
struct sip_ok {
	struct sip_timer timer;
	struct sip_dialog *dialog;
	uint64_t give_up;
	uint32_t interval;
	uint32_t cseq;
	struct sip_flow flow; // of the INVITE, which need not be that of our own requests
	uint8_t *bytes;
	size_t n;
};

// Our last ACK for a 2xx, as long as that 2xx may come again.
struct sip_kept_ack {
	struct sip_timer timer;
	struct sip_dialog *dialog;
	uint32_t cseq;
	uint32_t n;
	uint8_t bytes[];
};

struct sip_dialogs {
	struct sip_layer *layer;
	struct sip_dialog_ops ops;
	void *ctx;
	struct sip_table table; // by Call-ID and local tag: forks share a key
};

struct sip_dialog {
	struct sip_node node; // must be first
	struct sip_dialogs *set;
	void *user;
	char *strings; // one block behind the six slices below
	struct sip_slice call_id, local_tag, remote_tag, local, remote, routes;
	char *target; // changes with every target refresh
	uint32_t target_len;
	uint32_t local_cseq, remote_cseq;
	uint32_t acked_cseq; // of the last INVITE whose 2xx we acknowledged
	uint32_t owed_cseq;  // the 2xx we have to acknowledge, when owes_ack
	uint32_t
		invite_cseq; // of the last INVITE of the other side, or the one that made an early UAC's
	uint32_t rseq_seen;            // UAC: of the last reliable response, 0: none
	struct sip_reliable *reliable; // UAS: provisional responses and their PRACKs, NULL: none
	struct sip_flow flow;
	struct sip_transaction *invite_in, *invite_out; // NULL when there is none any more
	struct sip_ok *ok;
	struct sip_kept_ack *ack;
	uint8_t state;
	bool is_uac, secure, has_remote_cseq, owes_ack;
};

// What a dialog is made of; slices live only for the call.
struct sip_dialog_parts {
	struct sip_slice call_id, local_tag, remote_tag, local, remote, routes, target;
	const struct sip_flow *flow;
	bool is_uac;
};
// In the table, EARLY. 0, -EEXIST, -ENOMEM.
int sip_dialog_make(struct sip_dialogs *set, const struct sip_dialog_parts *parts, void *user,
	struct sip_dialog **out);

// The first of the dialogs with this Call-ID and local tag; sip_table_again() has the others.
struct sip_dialog *sip_dialog_first(
	struct sip_dialogs *set, struct sip_slice call_id, struct sip_slice local_tag);

// From, To, Contact and Record-Route as a dialog keeps them, written into a buffer.
int sip_dialog_write_party(struct sip_build *b, const struct sip_message *m, enum sip_header_id id,
	struct sip_slice *out);
int sip_dialog_write_routes(
	struct sip_build *b, const struct sip_message *m, bool reverse, struct sip_slice *out);
int sip_dialog_set_target(struct sip_dialog *d, struct sip_slice uri);
// From a Contact, when there is one that can be read.
int sip_dialog_refresh(struct sip_dialog *d, const struct sip_message *m);
int sip_dialog_set_routes(struct sip_dialog *d, struct sip_slice routes);

bool sip_dialog_in_pending(const struct sip_dialog *d);
bool sip_dialog_out_pending(const struct sip_dialog *d);
void sip_dialog_watch(
	struct sip_dialog *d, struct sip_transaction **place, struct sip_transaction *tx);
void sip_dialog_forget_ok(struct sip_dialog *d);
int sip_dialog_restore_ok(struct sip_dialog *d, const struct sip_dialog_view *view);
void sip_dialog_forget_ack(struct sip_dialog *d);

// reliable.c
void sip_reliable_final(struct sip_dialog *d); // a final response goes out
void sip_reliable_free(struct sip_dialog *d);
