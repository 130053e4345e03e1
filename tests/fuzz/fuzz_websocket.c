// SPDX-License-Identifier: BSD-3-Clause
// Any bytes on a WebSocket, before and after its upgrade, split at any place: messages stay within their bound, and nothing
// comes out of one that was refused.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/net/websocket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char upgrade[] =
	"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
	"Sec-WebSocket-Protocol: sip\r\n\r\n";

struct state {
	bool refused;
	unsigned messages;
	size_t sum;
};

static void message(void *ctx, const uint8_t *data, size_t n)
{
	struct state *s = ctx;

	s->messages++;
	if (s->refused || n > 65536)
		abort();
	// Every byte can be read.
	for (size_t i = 0; i < n; i++)
		s->sum += data[i];
}

static void output(void *ctx, const uint8_t *data, size_t n)
{
	if (n > 70000)
		abort();
}

static const struct cp_websocket_ops ops = {message, output};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct state state = {0};
	struct cp_websocket *w;
	size_t split;
	int err = 0;

	if (size < 2 || cp_websocket_new(&w, &ops, &state, NULL))
		return 0;
	if (data[0] & 1)
		err = cp_websocket_feed(w, (const uint8_t *)upgrade, sizeof(upgrade) - 1);
	if (err || ((data[0] & 1) && !cp_websocket_ready(w)))
		abort();
	split = 2 + data[1] % (size - 1);
	split = split > size ? size : split;
	if (split > 2)
		err = cp_websocket_feed(w, data + 2, split - 2);
	state.refused = err != 0;
	if (!err && split < size)
		err = cp_websocket_feed(w, data + split, size - split);
	if (!err && cp_websocket_ready(w))
		cp_websocket_send(w, (const uint8_t *)"x", 1);
	cp_websocket_free(w);
	return 0;
}
