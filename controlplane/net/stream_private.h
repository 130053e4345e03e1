// SPDX-License-Identifier: BSD-3-Clause
// What stream.c (listeners and connections come and go) and stream_bytes.c (their bytes) share.
// Nobody else includes it.
#pragma once

#include <uv.h>

#include "controlplane/net/stream.h"
#include "controlplane/net/stream_table.h"
#include "controlplane/net/tls.h"
#include "controlplane/net/websocket.h"
#include "sip/screen.h"

#define READ_SIZE  65536u
#define BUFFER_MAX (SIP_MESSAGE_MAX + 4096u) // one message and a few keep-alives
#define SWEEP_MS   500u

enum stream_state {
	CONNECTING,
	OPEN,
	DRAINING, // what is queued goes out, then it closes
	CLOSED,
};

struct listener {
	uv_tcp_t tcp; // first: libuv's pointer is ours
	struct listener *next;
	struct cp_streams *s;
	struct cp_tls *tls;
	uint16_t socket;
	uint8_t transport;
};

struct connection {
	uv_tcp_t tcp; // first
	struct cp_stream_node node;
	struct connection *prev, *next;
	struct cp_streams *s;
	struct cp_tls_session *tls;
	struct cp_websocket *websocket;
	enum stream_state state;
	int error;   // why it ends
	uint8_t *in; // an unfinished message
	size_t in_size, in_room;
	size_t queued;          // octets that libuv holds
	uint64_t began_ms;      // of the connection
	uint64_t heard_ms;      // last bytes
	uint64_t unfinished_ms; // since when `in` waits for its rest; 0: it does not
	uv_connect_t connect;
	uv_shutdown_t shutdown;
};

struct out {
	uv_write_t write; // first
	struct connection *c;
	size_t size;
	uint8_t bytes[];
};

struct cp_streams {
	uv_loop_t *loop;
	struct cp_stream_config config;
	struct cp_stream_counters counters;
	struct cp_stream_table table;
	struct listener *listeners;
	struct connection *connections;
	uv_timer_t sweep;
	unsigned handles; // of libuv that still point to us
	bool freed;
	const char *why; // see cp_streams_why()
	uint8_t read[READ_SIZE];
	uint8_t plain[READ_SIZE];
};

// Ends a connection now. The owner hears of it unless everything is being freed.
void stream_end(struct connection *c, int error);
// Ends it when what is queued has gone out. The sweep ends it when that takes too long.
void stream_drain(struct connection *c, int error);

// Plain text to the peer, through TLS when there is one. 0 or -errno: end it then.
int stream_put(struct connection *c, const uint8_t *bytes, size_t n);
// What TLS has made for the wire.
int stream_flush(struct connection *c);
// libuv's callbacks for uv_read_start().
void stream_on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf);
void stream_on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);

extern const struct cp_websocket_ops stream_websocket_ops;
