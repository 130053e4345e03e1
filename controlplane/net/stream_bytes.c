// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/net/stream_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// ---- bytes out

static void on_written(uv_write_t *write, int status)
{
	struct out *out = (struct out *)write;
	struct connection *c = out->c;

	c->queued -= out->size;
	free(out);
	if (status < 0 && status != UV_ECANCELED)
		stream_end(c, status);
}

static int queue_bytes(struct connection *c, const uint8_t *bytes, size_t n)
{
	struct out *out;
	uv_buf_t buf;
	int err;

	if (c->queued + n > c->s->config.backlog) {
		c->s->counters.backlogged++;
		stream_end(c, -ENOBUFS);
		return -ENOBUFS;
	}
	out = malloc(sizeof(*out) + n);
	if (!out)
		return -ENOMEM;
	out->c = c;
	out->size = n;
	memcpy(out->bytes, bytes, n);
	buf = uv_buf_init((char *)out->bytes, (unsigned)n);
	err = uv_write(&out->write, (uv_stream_t *)&c->tcp, &buf, 1, on_written);
	if (err < 0) {
		free(out);
		return err;
	}
	c->queued += n;
	return 0;
}

static int put(struct connection *c, const uint8_t *bytes, size_t n)
{
	if (c->queued == 0 && c->state != CONNECTING) {
		uv_buf_t buf = uv_buf_init((char *)(uintptr_t)bytes, (unsigned)n);
		int done = uv_try_write((uv_stream_t *)&c->tcp, &buf, 1);

		if (done < 0 && done != UV_EAGAIN)
			return done;
		if (done > 0) {
			bytes += done;
			n -= (size_t)done;
		}
	}
	return n ? queue_bytes(c, bytes, n) : 0;
}

int stream_flush(struct connection *c)
{
	uint8_t bytes[16384];
	int n, err = 0;

	while (err == 0 && (n = cp_tls_take(c->tls, bytes, sizeof(bytes))) > 0)
		err = put(c, bytes, (size_t)n);
	return err;
}

int stream_put(struct connection *c, const uint8_t *bytes, size_t n)
{
	int err;

	if (!c->tls)
		return put(c, bytes, n);
	err = cp_tls_write(c->tls, bytes, n);
	return err ? err : stream_flush(c);
}

static void websocket_output(void *ctx, const uint8_t *bytes, size_t n)
{
	struct connection *c = ctx;
	int err = c->state == CLOSED ? 0 : stream_put(c, bytes, n);

	if (err)
		stream_end(c, err);
}

// ---- bytes in

static void deliver(struct connection *c, const uint8_t *data, size_t n)
{
	struct cp_streams *s = c->s;

	s->counters.received++;
	s->counters.received_octets += n;
	s->config.ops->receive(s->config.ctx, &c->node.flow, data, n);
}

static void websocket_message(void *ctx, const uint8_t *data, size_t n)
{
	struct connection *c = ctx;

	if (c->state != OPEN || c->s->freed)
		return;
	// RFC 7118 section 6: keep-alives of two CRLFs may come as messages too.
	if (n == 4 && memcmp(data, "\r\n\r\n", 4) == 0) {
		c->s->counters.keepalives++;
		cp_websocket_send(c->websocket, (const uint8_t *)"\r\n", 2);
		return;
	}
	deliver(c, data, n);
}

// RFC 5626 section 4.4.1: CRLFCRLF is a ping, answered by CRLF. Returns the bytes that were no message.
static size_t skip_keepalives(struct connection *c, const uint8_t *data, size_t n)
{
	size_t at = 0;

	while (n - at >= 2 && data[at] == '\r' && data[at + 1] == '\n') {
		if (n - at >= 4 && data[at + 2] == '\r' && data[at + 3] == '\n') {
			c->s->counters.keepalives++;
			if (stream_put(c, (const uint8_t *)"\r\n", 2) != 0)
				return n;
			at += 2;
		}
		at += 2;
	}
	return at;
}

// Cuts messages from the front. Returns how many bytes are done with, or -errno: close.
static ssize_t cut(struct connection *c, const uint8_t *data, size_t n)
{
	size_t at = 0;

	while (c->state == OPEN && !c->s->freed) {
		size_t skip = 0, length = 0;
		int err;

		at += skip_keepalives(c, data + at, n - at);
		if (at == n || c->state != OPEN)
			break;
		err = sip_screen_frame(data + at, n - at, &skip, &length);
		if (err == -EAGAIN)
			return n - at > SIP_MESSAGE_MAX ? -EMSGSIZE : (ssize_t)at;
		if (err) {
			deliver(c, data + at, n - at < SIP_MESSAGE_MAX ? n - at : SIP_MESSAGE_MAX);
			return err;
		}
		if (length > SIP_MESSAGE_MAX)
			return -EMSGSIZE;
		deliver(c, data + at + skip, length);
		at += skip + length;
	}
	return (ssize_t)at;
}

static int keep(struct connection *c, const uint8_t *data, size_t n)
{
	if (c->in_size + n > c->in_room) {
		size_t room = (c->in_size + n + 4095) & ~(size_t)4095;
		uint8_t *grown = room > 2 * BUFFER_MAX ? NULL : realloc(c->in, room);

		if (!grown)
			return room > 2 * BUFFER_MAX ? -EMSGSIZE : -ENOMEM;
		c->in = grown;
		c->in_room = room;
	}
	memcpy(c->in + c->in_size, data, n);
	c->in_size += n;
	return 0;
}

static void unframed(struct connection *c, int error)
{
	c->s->counters.unframed++;
	stream_drain(c, error);
}

// Frames plain text that has come. What is unfinished is kept.
static void take_stream(struct connection *c, const uint8_t *data, size_t n)
{
	bool buffered = c->in_size > 0;
	ssize_t used;
	int err;

	if (buffered) {
		err = keep(c, data, n);
		if (err) {
			unframed(c, err);
			return;
		}
		data = c->in;
		n = c->in_size;
	}
	used = cut(c, data, n);
	if (c->state != OPEN || c->s->freed)
		return;
	if (used < 0) {
		unframed(c, (int)used);
		return;
	}
	if (buffered)
		memmove(c->in, c->in + used, c->in_size -= (size_t)used);
	else if ((size_t)used < n && (err = keep(c, data + used, n - (size_t)used)) != 0) {
		unframed(c, err);
		return;
	}
	if (c->in_size == 0) {
		free(c->in);
		c->in = NULL;
		c->in_room = 0;
		c->unfinished_ms = 0;
	} else if (used > 0 || c->unfinished_ms == 0) {
		c->unfinished_ms = uv_now(c->s->loop);
	}
}

static void take_plain(struct connection *c, const uint8_t *data, size_t n)
{
	int err;

	if (!c->websocket) {
		take_stream(c, data, n);
		return;
	}
	err = cp_websocket_feed(c->websocket, data, n);
	if (err == -EPROTO && !cp_websocket_ready(c->websocket))
		c->s->counters.upgrade_failures++;
	if (err)
		stream_drain(c, err == -EPIPE ? 0 : err);
}

static void take_tls(struct connection *c, const uint8_t *data, size_t n)
{
	struct cp_streams *s = c->s;
	int got, err = cp_tls_feed(c->tls, data, n);

	if (stream_flush(c) != 0 || c->state != OPEN) {
		stream_end(c, -EPIPE);
		return;
	}
	if (err) {
		s->counters.tls_failures++;
		stream_drain(c, err);
		return;
	}
	while (c->state == OPEN && !s->freed &&
		(got = cp_tls_read(c->tls, s->plain, sizeof(s->plain))) != 0) {
		if (got < 0) {
			stream_drain(c, got == -EPIPE ? 0 : got);
			return;
		}
		take_plain(c, s->plain, (size_t)got);
	}
}

void stream_on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct connection *c = (struct connection *)handle;

	*buf = uv_buf_init((char *)c->s->read, sizeof(c->s->read));
}

void stream_on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct connection *c = (struct connection *)stream;

	if (n < 0) {
		stream_end(c, n == UV_EOF ? 0 : (int)n);
		return;
	}
	if (n == 0 || c->state != OPEN)
		return;
	c->heard_ms = uv_now(c->s->loop);
	if (c->tls)
		take_tls(c, (const uint8_t *)buf->base, (size_t)n);
	else
		take_plain(c, (const uint8_t *)buf->base, (size_t)n);
}

const struct cp_websocket_ops stream_websocket_ops = {websocket_message, websocket_output};
