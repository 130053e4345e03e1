// SPDX-License-Identifier: BSD-3-Clause
// SIP over connections: TCP and TLS (RFC 3261 18, RFC 5923 reuse), WebSocket and secure WebSocket
// (RFC 7118, as server), on a libuv loop.
//
// A connection is named by a number that is never used twice while the process lives; flow.connection
// carries it, so a response goes back on the connection of its request and nowhere else. A
// connection that died makes a send fail with -ENOTCONN; the caller decides whether to open one.
//
// What the stream brings is cut into messages however it was split on the way (sip_screen_frame()); CRLF
// keep-alives are answered (RFC 5626 4.4.1). Bounded everywhere:
//   message          64 KiB; more ends the connection (a 513 cannot be framed any more)
//   unfinished message, TLS handshake, WebSocket upgrade   `slow_ms`, then the connection ends
//   silence          `idle_ms`, then the connection ends
//   unsent bytes     `backlog`, then the connection ends: its peer does not read
//   connections      `connections` in all, `per_source` from one address; more are closed at once
//
// Thread: the one of the loop. Callbacks may call everything here.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sip/flow.h"

#ifdef __cplusplus
extern "C" {
#endif

struct cp_streams;
struct cp_tls;
struct cp_tls_session;
struct uv_loop_s;

struct cp_stream_ops {
	// One whole message. `data` lives until the return.
	void (*receive)(void *ctx, const struct sip_flow *source, const uint8_t *data, size_t n);
	// The connection is gone: 0 closed in order, or -errno. Not called for what was never reported to
	// the owner (accepted and refused at once), and not after cp_streams_free().
	void (*closed)(void *ctx, const struct sip_flow *flow, int error);
	// How many connections this address may have; 0: none. NULL: `per_source`, whoever it is.
	uint32_t (*most)(void *ctx, const struct sip_addr *remote);
};

struct cp_stream_config {
	const struct cp_stream_ops *ops;
	void *ctx;
	uint32_t connections; // 0: 10000
	uint32_t per_source;  // 0: 1000
	uint32_t slow_ms;     // 0: 10000
	uint32_t connect_ms;  // until a connection of ours stands, TLS not included; 0: 4000
	uint32_t idle_ms;     // 0: 600000
	uint32_t backlog;     // octets; 0: 256 KiB
};

struct cp_stream_counters {
	uint64_t accepted, connected, closed;
	uint64_t refused_full, refused_source;                 // over the limits
	uint64_t received, received_octets, sent, sent_octets; // messages
	uint64_t keepalives;
	uint64_t unframed, slow, idle, backlogged; // connections ended for it
	uint64_t tls_failures, upgrade_failures;
	uint64_t open; // now
};

#define CP_STREAM_ERROR 256u

// 0 or -ENOMEM.
int cp_streams_new(
	struct cp_streams **out, struct uv_loop_s *loop, const struct cp_stream_config *config);
// Closes listeners and connections without a callback; memory goes when the loop has run once more.
void cp_streams_free(struct cp_streams *s);

// Listens on `local` (not unspecified). `socket` is flow.socket of its connections, `transport`
// TCP, TLS, WS or WSS; `tls` is needed for TLS and WSS and must outlive `s`. 0 or -errno with
// one line in `error` that says what to do.
int cp_streams_listen(struct cp_streams *s, const struct sip_addr *local, uint16_t socket,
	uint8_t transport, struct cp_tls *tls, char error[CP_STREAM_ERROR]);

// An open or opening connection to flow->remote over flow->transport (TCP or TLS), made by us or, when
// the peer connected from exactly that address and port, by it; a new one else, bound to the
// address (not the port) of `local`. Sets flow->connection. `name`: whom a TLS certificate must name (RFC 5922), NULL: the address.
// 0, -ENOBUFS (limits), -ENOMEM, or what connect() says.
int cp_streams_connect(struct cp_streams *s, struct sip_flow *flow, const struct sip_addr *local,
	struct cp_tls *tls, const char *name);

// Is it there, or on its way? One that is draining is not.
bool cp_streams_alive(struct cp_streams *s, const struct sip_flow *flow);
// Its TLS session; NULL: none, or no such connection.
const struct cp_tls_session *cp_streams_session(struct cp_streams *s, const struct sip_flow *flow);
// Inside ops.closed: why TLS ended it ("certificate verify failed: ..."); empty: it did not.
const char *cp_streams_why(const struct cp_streams *s);

// 0 when sent or queued (also while connecting), -ENOTCONN, -ENOBUFS (the connection ends). Of
// flow->remote only the host is looked at: the port may be the one that the peer listens on.
int cp_streams_send(
	struct cp_streams *s, const struct sip_flow *flow, const uint8_t *bytes, size_t n);

// Ends a connection after what is queued was sent. Unknown ones are ignored.
void cp_streams_close(struct cp_streams *s, uint32_t connection);

const struct cp_stream_counters *cp_streams_counters(const struct cp_streams *s);

#ifdef __cplusplus
}
#endif
