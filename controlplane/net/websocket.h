// SPDX-License-Identifier: BSD-3-Clause
// The server's side of a WebSocket (RFC 6455) that carries SIP (RFC 7118), on bytes: the HTTP
// upgrade by own code, frames by wslay. One message of the socket, text or binary, is one SIP message.
//
// Refuses: an upgrade that is not GET, HTTP/1.1, version 13, or does not offer the subprotocol
// "sip" (400, 405, 426 as the RFCs say); an upgrade request above 8 KiB; unmasked frames; messages
// above 64 KiB. Origins: those of `origins`, a comma-separated list, when it is not NULL (403 else).
//
// Thread: one at a time for each object.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cp_websocket;

struct cp_websocket_ops {
	void (*message)(void *ctx, const uint8_t *data, size_t n);
	void (*output)(void *ctx, const uint8_t *data, size_t n); // bytes for the wire
};

// 0 or -ENOMEM. `origins` is copied.
int cp_websocket_new(struct cp_websocket **out, const struct cp_websocket_ops *ops, void *ctx,
	const char *origins);
void cp_websocket_free(struct cp_websocket *w);

// Bytes from the wire; calls `message` and `output`. 0, -EPIPE (closed in order), -EPROTO (refused
// or broken; what is to be said has been output): close after the output. -ENOMEM.
// `message` must not free the object.
int cp_websocket_feed(struct cp_websocket *w, const uint8_t *bytes, size_t n);
// Sends one SIP message as a text frame, binary when it is not UTF-8. 0, -ENOTCONN (not upgraded
// yet), -ENOMEM.
int cp_websocket_send(struct cp_websocket *w, const uint8_t *bytes, size_t n);
void cp_websocket_close(struct cp_websocket *w); // close frame, going away
bool cp_websocket_ready(const struct cp_websocket *w);

#ifdef __cplusplus
}
#endif
