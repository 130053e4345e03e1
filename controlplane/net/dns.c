// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/net/dns.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <uv.h>

#define SOCKETS 16u // c-ares uses one UDP and at most one TCP socket a server

struct watch {
	uv_poll_t poll; // first
	struct cp_dns *d;
	ares_socket_t fd;
};

struct cp_dns {
	uv_loop_t *loop;
	ares_channel channel;
	uv_timer_t timer;
	struct watch *watch[SOCKETS];
	unsigned handles;
	bool freed;
};

static void release(struct cp_dns *d)
{
	if (--d->handles == 0)
		free(d);
}

static void on_watch_closed(uv_handle_t *handle)
{
	struct watch *w = (struct watch *)handle;
	struct cp_dns *d = w->d;

	free(w);
	release(d);
}

static void on_timer_closed(uv_handle_t *handle)
{
	release(handle->data);
}

static void on_timer(uv_timer_t *timer);

static void arm(struct cp_dns *d)
{
	struct timeval tv, *next;

	if (d->freed)
		return;
	next = ares_timeout(d->channel, NULL, &tv);
	if (next)
		uv_timer_start(&d->timer, on_timer,
			(uint64_t)next->tv_sec * 1000 + (uint64_t)next->tv_usec / 1000 + 1, 0);
	else
		uv_timer_stop(&d->timer);
}

static void on_timer(uv_timer_t *timer)
{
	struct cp_dns *d = timer->data;

	ares_process_fd(d->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	arm(d);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct watch *w = (struct watch *)poll;
	struct cp_dns *d = w->d;
	ares_socket_t fd = w->fd; // the call may close the watch

	ares_process_fd(d->channel, status < 0 || (events & UV_READABLE) ? fd : ARES_SOCKET_BAD,
		status < 0 || (events & UV_WRITABLE) ? fd : ARES_SOCKET_BAD);
	arm(d);
}

static unsigned find(const struct cp_dns *d, ares_socket_t fd)
{
	unsigned i = 0;

	while (i < SOCKETS && !(d->watch[i] && d->watch[i]->fd == fd))
		i++;
	return i;
}

static void unwatch(struct cp_dns *d, unsigned i)
{
	uv_poll_stop(&d->watch[i]->poll);
	uv_close((uv_handle_t *)&d->watch[i]->poll, on_watch_closed);
	d->watch[i] = NULL;
}

static struct watch *watch_new(struct cp_dns *d, ares_socket_t fd)
{
	unsigned i = 0;
	struct watch *w;

	while (i < SOCKETS && d->watch[i])
		i++;
	if (i == SOCKETS || !(w = calloc(1, sizeof(*w))))
		return NULL; // the question will time out
	if (uv_poll_init_socket(d->loop, &w->poll, fd) != 0) {
		free(w);
		return NULL;
	}
	w->d = d;
	w->fd = fd;
	d->handles++;
	d->watch[i] = w;
	return w;
}

static void on_socket(void *user, ares_socket_t fd, int readable, int writable)
{
	struct cp_dns *d = user;
	unsigned i = find(d, fd);
	struct watch *w = i < SOCKETS ? d->watch[i] : NULL;

	if (!readable && !writable) {
		if (w)
			unwatch(d, i);
		return;
	}
	if (!w)
		w = watch_new(d, fd);
	if (w)
		uv_poll_start(&w->poll, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0),
			on_poll);
}

int cp_dns_new(struct cp_dns **out, struct uv_loop_s *loop, const char *servers)
{
	struct cp_dns *d = calloc(1, sizeof(*d));
	struct ares_options options = {
		.flags = ARES_FLAG_NOSEARCH,
		.timeout = 2000,
		.tries = 3,
		.sock_state_cb = on_socket,
		.sock_state_cb_data = d,
	};

	if (!d)
		return -ENOMEM;
	d->loop = loop;
	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
		goto fail;
	if (ares_init_options(&d->channel, &options,
		    ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
			    ARES_OPT_SOCK_STATE_CB) != ARES_SUCCESS)
		goto fail;
	if (servers && ares_set_servers_ports_csv(d->channel, servers) != ARES_SUCCESS) {
		ares_destroy(d->channel);
		goto fail;
	}
	uv_timer_init(loop, &d->timer);
	d->timer.data = d;
	d->handles = 1;
	*out = d;
	return 0;
fail:
	free(d);
	return servers ? -EINVAL : -ENOMEM;
}

void cp_dns_free(struct cp_dns *d)
{
	if (!d)
		return;
	d->freed = true;
	ares_destroy(d->channel); // closes the sockets, hence the watches
	for (unsigned i = 0; i < SOCKETS; i++)
		if (d->watch[i])
			unwatch(d, i);
	uv_close((uv_handle_t *)&d->timer, on_timer_closed);
}

struct question {
	cp_dns_fn *done;
	void *user;
};

static void on_answer(void *arg, int status, int timeouts, unsigned char *answer, int size)
{
	struct question q = *(struct question *)arg;

	free(arg);
	q.done(q.user, status, answer, size);
}

void cp_dns_ask(
	struct cp_dns *d, const char *name, enum cp_dns_type type, cp_dns_fn *done, void *user)
{
	struct question *q = malloc(sizeof(*q));

	if (!q) {
		done(user, ARES_ENOMEM, NULL, 0);
		return;
	}
	*q = (struct question){done, user};
	ares_query(d->channel, name, 1, (int)type, on_answer, q); // class IN
	arm(d);
}
