// SPDX-License-Identifier: BSD-3-Clause
#include "stats/reader.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/abi/hello.h"

#define FIRST_RETRY_US 100000u
#define LAST_RETRY_US  1000000u

static int set_path(struct st_link *link, const char *run, const char *file)
{
	int n = snprintf(link->path, sizeof(link->path), "%s/%s", run, file);

	link->error = -ENOENT;
	link->retry_us = FIRST_RETRY_US;
	return n < 0 || (size_t)n >= sizeof(link->path) ? -ENAMETOOLONG : 0;
}

int st_reader_init(struct st_reader *r, const char *run, const char *name)
{
	int err;

	memset(r, 0, sizeof(*r));
	r->a.shm.fd = r->t.shm.fd = -1;
	r->media.socket = r->sip.socket = -1;
	snprintf(r->name, sizeof(r->name), "%s", name);
	err = set_path(&r->media, run, "media.sock");
	return err ? err : set_path(&r->sip, run, "sip.sock");
}

static void hang_up(struct st_link *link)
{
	if (link->socket >= 0)
		close(link->socket);
	link->socket = -1;
}

void st_reader_close(struct st_reader *r)
{
	hang_up(&r->media);
	hang_up(&r->sip);
	st_a_close(&r->a);
	st_t_close(&r->t);
}

// True while the other end of the socket is there. After the welcome it says nothing.
static bool alive(const struct st_link *link)
{
	char byte;
	ssize_t n = recv(link->socket, &byte, 1, MSG_DONTWAIT | MSG_PEEK);

	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

// Attaches and gives the descriptor of the wanted region, or -errno.
static int attach(struct st_reader *r, struct st_link *link, enum abi_fd_kind kind, int timeout_ms)
{
	struct abi_attached attached;
	int fd, err = abi_attach(&attached, link->path, ABI_ROLE_READER, r->name, timeout_ms);

	if (err)
		return err;
	fd = attached.fds[kind];
	attached.fds[kind] = -1;
	link->socket = attached.socket;
	attached.socket = -1;
	abi_detach(&attached);
	if (fd < 0)
		hang_up(link);
	return fd < 0 ? -EPROTO : fd;
}

static bool due(struct st_link *link, uint64_t now_us)
{
	if (link->socket >= 0 || now_us < link->retry_at_us)
		return false;
	link->retry_at_us = now_us + link->retry_us;
	link->retry_us = link->retry_us * 2 < LAST_RETRY_US ? link->retry_us * 2 : LAST_RETRY_US;
	return true;
}

static void attached(struct st_link *link, int err)
{
	link->error = err;
	if (err) {
		hang_up(link);
		return;
	}
	link->retry_us = FIRST_RETRY_US;
	link->attaches++;
}

void st_reader_poll(struct st_reader *r, uint64_t now_us, int timeout_ms)
{
	int fd;

	if (st_has_media(r) && !alive(&r->media)) {
		hang_up(&r->media);
		st_a_close(&r->a);
		r->media.error = -EPIPE;
		r->media.retry_at_us = now_us;
	}
	if (st_has_sip(r) && !alive(&r->sip)) {
		hang_up(&r->sip);
		st_t_close(&r->t);
		r->sip.error = -EPIPE;
		r->sip.retry_at_us = now_us;
	}
	if (due(&r->media, now_us)) {
		fd = attach(r, &r->media, ABI_FD_A, timeout_ms);
		attached(&r->media, fd < 0 ? fd : st_a_open(&r->a, fd));
	}
	if (due(&r->sip, now_us)) {
		fd = attach(r, &r->sip, ABI_FD_T, timeout_ms);
		attached(&r->sip, fd < 0 ? fd : st_t_open(&r->t, fd));
	}
}

void st_explain(const struct st_link *link, const char *process, char *text, size_t size)
{
	switch (-link->error) {
	case ENOENT:
		snprintf(text, size,
			"%s is not running, or with another \"run\" directory: there is no %s; "
			"name the "
			"directory by -r RUN",
			process, link->path);
		return;
	case ECONNREFUSED:
	case EPIPE:
	case ECONNRESET:
		snprintf(text, size, "%s is not running: nobody serves %s", process, link->path);
		return;
	case EACCES:
	case EPERM:
		snprintf(text, size, "no permission to use %s of %s: run as root or as its user",
			link->path, process);
		return;
	case ETIMEDOUT:
	case EAGAIN:
		snprintf(text, size, "%s does not answer at %s: it hangs, or is overloaded",
			process, link->path);
		return;
	case EPROTONOSUPPORT:
		snprintf(text, size,
			"%s is of another version than this program: restart it after an "
			"upgrade",
			process);
		return;
	default:
		snprintf(text, size, "cannot attach to %s at %s: %s", process, link->path,
			strerror(-link->error));
	}
}
