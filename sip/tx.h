// SPDX-License-Identifier: BSD-3-Clause
//
// The insides of the transaction layer, shared by layer.c, client.c, server.c and dialog*.c.
//
// A transaction that ends leaves the tables at once, so nothing finds it any more, and is freed by
// its own timer on the next tick: no call from inside a callback can free what its caller holds.
//
// Thread: the shard that owns the layer.
#pragma once

#include "sip/mirror.h"
#include "sip/table.h"
#include "sip/transaction.h"

#define SIP_SCRATCH (2 * (SIP_MESSAGE_MAX + 1))

enum sip_tx_flag {
	SIP_TX_INTERNAL = 1 << 0,  // the TU never hears of it: our CANCEL, the 200 to a CANCEL
	SIP_TX_CANCELLED = 1 << 1, // client: cancel was asked for
	SIP_TX_MERGED = 1 << 2,    // server: is in the table of merged requests
	SIP_TX_HELD_100 = 1 << 3,  // server: a 100 waits for its time (RFC 4320)
	SIP_TX_TIMED_OUT = 1 << 4,
	SIP_TX_WIDE = 1 << 5, // client: went by TCP for its length only
};

// Server, until its final response: what its responses mirror.
struct sip_answer {
	struct sip_mirror mirror;
	char tag[SIP_ID_TEXT]; // ours; empty until it is needed
	char pieces[];
};

struct sip_transaction {
	struct sip_node node;  // in layer->table; must be first
	struct sip_node merge; // server, in layer->merged
	struct sip_layer *layer;
	struct sip_timer timer;
	uint64_t give_up;  // ms: timer B, F, H; 0: none
	uint32_t interval; // ms: timer A, E, G as it stands
	uint32_t bytes_len;
	uint8_t *bytes; // client: the request, then the ACK; server: the last response
	union {
		struct sip_answer *answer; // server
		char *cancel_lines;        // client: CANCEL that waits for a provisional response
	};
	void *user;
	void *dialog;                               // dialog.h's side of it
	void (*on_end)(struct sip_transaction *tx); // tells the dialog
	struct sip_flow flow;
	int error;           // what the transport said; ends by transport_error
	uint16_t status;     // last response
	uint16_t udp_socket; // SIP_TX_WIDE: what it would have left by
	uint8_t kind, state, method, flags;
	uint8_t tries; // client: challenges that it has answered
};

struct sip_layer {
	struct sip_layer_ops ops;
	void *ctx;
	struct sip_layer_config config;
	struct sip_layer_counters counters;
	struct sip_hash_key hash_key;
	struct sip_table table;
	struct sip_table merged;
	struct sip_wheel wheel;
	uint32_t e_reset;             // ms until timer E of a client reaches T2 (RFC 4320)
	struct sip_message in;        // what is being received
	struct sip_message own;       // for looking into our own requests
	uint8_t scratch[SIP_SCRATCH]; // for building
};

// layer.c
int sip_tx_new(struct sip_layer *l, enum sip_tx_kind kind, enum sip_method method,
	struct sip_key key, const struct sip_flow *flow, struct sip_transaction **out);
void sip_tx_end(struct sip_transaction *tx);             // to TERMINATED; freed on the next tick
void sip_tx_fail(struct sip_transaction *tx, int error); // the same, with transport_error
void sip_tx_time_out(struct sip_transaction *tx);        // tells the TU at once, then ends
void sip_tx_start(struct sip_transaction *tx, uint64_t after); // its timer, in ms from now
// The same for what only ends it: up to config.together later.
void sip_tx_linger(struct sip_transaction *tx, uint64_t after);
int sip_tx_put(struct sip_transaction *tx, const uint8_t *bytes, size_t n); // send(), or tx_fail
int sip_tx_keep(struct sip_transaction *tx, const void *bytes, size_t n);   // replaces tx->bytes
void sip_tx_drop(struct sip_transaction *tx);                               // frees tx->bytes
struct sip_build sip_layer_build(struct sip_layer *l); // over the scratch buffer
struct sip_key sip_key_client(
	struct sip_layer *l, struct sip_slice branch, struct sip_slice method);

// route.c
// The flow for `n` bytes, as the owner wants it; `n` 0: any that lives. 0 or -errno.
int sip_route(struct sip_layer *l, struct sip_flow *flow, size_t n);
int sip_tx_route(struct sip_transaction *tx);       // the same for tx->bytes, Via written anew
bool sip_tx_route_back(struct sip_transaction *tx); // to UDP, when nobody listens on TCP

// client.c
// Starts its timers and sends it.
void sip_client_start(struct sip_transaction *tx);
void sip_client_fire(struct sip_transaction *tx);
void sip_client_response(struct sip_layer *l, const struct sip_message *m);

// server.c
void sip_server_fire(struct sip_transaction *tx);
void sip_server_request(
	struct sip_layer *l, const struct sip_flow *source, const struct sip_message *m);
