// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/net/websocket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wslay/wslay.h>

#include "controlplane/net/upgrade.h"

#define MESSAGE_MAX 65535u

struct cp_websocket {
	const struct cp_websocket_ops *ops;
	void *ctx;
	char *origins;
	wslay_event_context_ptr frames; // NULL until upgraded
	uint8_t *request;               // the upgrade as far as it came
	size_t request_size;
	const uint8_t *in; // what wslay may read now
	size_t in_size;
	bool closed;
};

static ssize_t on_recv(
	wslay_event_context_ptr frames, uint8_t *out, size_t size, int flags, void *user)
{
	struct cp_websocket *w = user;
	size_t n = w->in_size < size ? w->in_size : size;

	if (n == 0) {
		wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	memcpy(out, w->in, n);
	w->in += n;
	w->in_size -= n;
	return (ssize_t)n;
}

static ssize_t on_send(
	wslay_event_context_ptr frames, const uint8_t *data, size_t n, int flags, void *user)
{
	struct cp_websocket *w = user;

	w->ops->output(w->ctx, data, n);
	return (ssize_t)n;
}

static void on_message(
	wslay_event_context_ptr frames, const struct wslay_event_on_msg_recv_arg *arg, void *user)
{
	struct cp_websocket *w = user;

	if (arg->opcode == WSLAY_CONNECTION_CLOSE)
		w->closed = true;
	else if (!wslay_is_ctrl_frame(arg->opcode))
		w->ops->message(w->ctx, arg->msg, arg->msg_length);
}

int cp_websocket_new(struct cp_websocket **out, const struct cp_websocket_ops *ops, void *ctx,
	const char *origins)
{
	struct cp_websocket *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->ops = ops;
	w->ctx = ctx;
	if (origins && !(w->origins = strdup(origins))) {
		free(w);
		return -ENOMEM;
	}
	*out = w;
	return 0;
}

void cp_websocket_free(struct cp_websocket *w)
{
	if (!w)
		return;
	if (w->frames)
		wslay_event_context_free(w->frames);
	free(w->request);
	free(w->origins);
	free(w);
}

static int begin_frames(struct cp_websocket *w)
{
	static const struct wslay_event_callbacks callbacks = {
		.recv_callback = on_recv,
		.send_callback = on_send,
		.on_msg_recv_callback = on_message,
	};

	if (wslay_event_context_server_init(&w->frames, &callbacks, w) != 0) {
		w->frames = NULL;
		return -ENOMEM;
	}
	wslay_event_config_set_max_recv_msg_length(w->frames, MESSAGE_MAX);
	return 0;
}

// Gathers the upgrade; *used says how many of the bytes belonged to it.
static int upgrade(struct cp_websocket *w, const uint8_t *bytes, size_t n, size_t *used)
{
	struct cp_upgrade answer;
	size_t before = w->request_size;
	size_t take = n < CP_UPGRADE_MAX - before ? n : CP_UPGRADE_MAX - before;
	uint8_t *grown = realloc(w->request, before + take);
	int err;

	if (!grown)
		return -ENOMEM;
	w->request = grown;
	memcpy(grown + before, bytes, take);
	w->request_size += take;
	err = cp_upgrade_read(&answer, w->request, w->request_size, w->origins);
	if (err) {
		*used = take;
		return err;
	}
	*used = answer.length - before;
	w->ops->output(w->ctx, (const uint8_t *)answer.answer, strlen(answer.answer));
	free(w->request);
	w->request = NULL;
	return answer.status == 101 ? begin_frames(w) : -EPROTO;
}

int cp_websocket_feed(struct cp_websocket *w, const uint8_t *bytes, size_t n)
{
	size_t used = 0;
	int err;

	if (!w->frames) {
		err = upgrade(w, bytes, n, &used);
		if (err)
			return err == -EAGAIN ? 0 : err;
	}
	w->in = bytes + used;
	w->in_size = n - used;
	// wslay answers pings and closes by itself: what it queued goes out after.
	err = wslay_event_recv(w->frames);
	if (wslay_event_send(w->frames) != 0 || err == WSLAY_ERR_NOMEM)
		return -ENOMEM;
	if (w->closed)
		return -EPIPE;
	return err == 0 && wslay_event_get_read_enabled(w->frames) ? 0 : -EPROTO;
}

// RFC 3629, as far as a text frame needs it.
static bool is_utf8(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n;) {
		unsigned more = p[i] < 0x80   ? 0
				: p[i] < 0xc2 ? 9
				: p[i] < 0xe0 ? 1
				: p[i] < 0xf0 ? 2
				: p[i] < 0xf5 ? 3
					      : 9;

		if (more == 9 || n - i <= more)
			return false;
		if ((p[i] == 0xe0 && p[i + 1] < 0xa0) || (p[i] == 0xed && p[i + 1] > 0x9f) ||
			(p[i] == 0xf0 && p[i + 1] < 0x90) || (p[i] == 0xf4 && p[i + 1] > 0x8f))
			return false;
		for (unsigned k = 1; k <= more; k++)
			if ((p[i + k] & 0xc0) != 0x80)
				return false;
		i += more + 1;
	}
	return true;
}

int cp_websocket_send(struct cp_websocket *w, const uint8_t *bytes, size_t n)
{
	struct wslay_event_msg msg = {
		.opcode = is_utf8(bytes, n) ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME,
		.msg = bytes,
		.msg_length = n,
	};
	int err;

	if (!w->frames)
		return -ENOTCONN;
	err = wslay_event_queue_msg(w->frames, &msg);
	if (err == WSLAY_ERR_NO_MORE_MSG)
		return -ENOTCONN;
	return err == 0 && wslay_event_send(w->frames) == 0 ? 0 : -ENOMEM;
}

void cp_websocket_close(struct cp_websocket *w)
{
	if (!w->frames)
		return;
	if (wslay_event_queue_close(w->frames, WSLAY_CODE_GOING_AWAY, NULL, 0) == 0)
		wslay_event_send(w->frames);
}

bool cp_websocket_ready(const struct cp_websocket *w)
{
	return w->frames != NULL;
}
