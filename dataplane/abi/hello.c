// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/abi/hello.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "dataplane/abi/layout.h"

_Static_assert(sizeof(struct abi_hello) == 64, "layout of abi_hello is part of the ABI");
_Static_assert(sizeof(struct abi_welcome) == 64, "layout of abi_welcome is part of the ABI");

static int address(struct sockaddr_un *un, const char *path)
{
	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(un->sun_path))
		return -ENAMETOOLONG;
	strcpy(un->sun_path, path);
	return 0;
}

static int dial(const char *path)
{
	struct sockaddr_un un;
	int err = address(&un, path);
	int fd;

	if (err)
		return err;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&un, sizeof(un)) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

static void take_fds(
	struct abi_attached *attached, struct msghdr *msg, const uint8_t *kinds, unsigned count)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		unsigned n;
		int fds[ABI_MAX_FDS];

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		if (n > ABI_MAX_FDS)
			n = ABI_MAX_FDS;
		memcpy(fds, CMSG_DATA(c), n * sizeof(int));
		for (unsigned i = 0; i < n; i++) {
			unsigned kind = i < count ? kinds[i] : 0;

			if (kind == 0 || kind >= ABI_MAX_FDS || attached->fds[kind] >= 0)
				close(fds[i]);
			else
				attached->fds[kind] = fds[i];
		}
	}
}

static int receive_welcome(struct abi_attached *attached)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * ABI_MAX_FDS)];
		struct cmsghdr align;
	} control;
	struct iovec iov = {&attached->welcome, sizeof(attached->welcome)};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(attached->socket, &msg, MSG_CMSG_CLOEXEC);
	struct abi_welcome *w = &attached->welcome;

	if (n < 0)
		return -errno;
	take_fds(attached, &msg, w->fd_kind, n == sizeof(*w) ? w->fd_count : 0);
	if (n == 0)
		return -ECONNRESET;
	if (n != sizeof(*w) || w->magic != ABI_HELLO_MAGIC)
		return -EPROTO;
	if (w->status)
		return w->status < 0 && w->status > -4096 ? w->status : -EPROTO;
	return w->major == ABI_MAJOR ? 0 : -EPROTONOSUPPORT;
}

int abi_attach(struct abi_attached *attached, const char *path, enum abi_role role,
	const char *name, int timeout_ms)
{
	struct abi_hello hello = {
		.magic = ABI_HELLO_MAGIC,
		.major = ABI_MAJOR,
		.minor = ABI_MINOR,
		.role = role,
		.features = ABI_FEATURES,
	};
	struct pollfd pfd;
	int err;

	memset(attached, 0, sizeof(*attached));
	for (unsigned i = 0; i <= ABI_MAX_FDS; i++)
		attached->fds[i] = -1;
	attached->socket = dial(path);
	if (attached->socket < 0) {
		err = attached->socket;
		attached->socket = -1;
		return err;
	}
	snprintf(hello.name, sizeof(hello.name), "%s", name);
	if (send(attached->socket, &hello, sizeof(hello), MSG_NOSIGNAL) != sizeof(hello)) {
		err = errno ? -errno : -EPROTO;
		goto fail;
	}
	pfd = (struct pollfd){.fd = attached->socket, .events = POLLIN};
	err = poll(&pfd, 1, timeout_ms);
	if (err <= 0) {
		err = err < 0 ? -errno : -ETIMEDOUT;
		goto fail;
	}
	err = receive_welcome(attached);
	if (err == 0)
		return 0;
fail:
	abi_detach(attached);
	return err;
}

void abi_detach(struct abi_attached *attached)
{
	for (unsigned i = 0; i <= ABI_MAX_FDS; i++) {
		if (attached->fds[i] >= 0)
			close(attached->fds[i]);
		attached->fds[i] = -1;
	}
	if (attached->socket >= 0)
		close(attached->socket);
	attached->socket = -1;
}

int abi_listen(const char *path, mode_t mode)
{
	struct sockaddr_un un;
	int err = address(&un, path);
	int fd;

	if (err)
		return err;
	fd = dial(path);
	if (fd >= 0) {
		close(fd);
		return -EADDRINUSE;
	}
	if (fd == -ECONNREFUSED && unlink(path) < 0)
		return -errno;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&un, sizeof(un)) < 0 || chmod(path, mode) < 0 ||
		listen(fd, 16) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

int abi_accept(int listener, uid_t *uid, pid_t *pid)
{
	struct ucred cred;
	socklen_t size = sizeof(cred);
	int err;
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	*uid = cred.uid;
	*pid = cred.pid;
	return fd;
}

int abi_hello_read(int connection, struct abi_hello *hello)
{
	ssize_t n = recv(connection, hello, sizeof(*hello), MSG_TRUNC);

	if (n < 0)
		return -errno;
	if (n == 0)
		return -EPIPE;
	if (n != sizeof(*hello) || hello->magic != ABI_HELLO_MAGIC)
		return -EPROTO;
	hello->name[sizeof(hello->name) - 1] = '\0';
	return hello->major == ABI_MAJOR ? 0 : -EPROTONOSUPPORT;
}

int abi_welcome_send(int connection, struct abi_welcome *welcome, const int *fds)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * ABI_MAX_FDS)];
		struct cmsghdr align;
	} control;
	struct iovec iov = {welcome, sizeof(*welcome)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *c;

	welcome->magic = ABI_HELLO_MAGIC;
	welcome->major = ABI_MAJOR;
	welcome->minor = ABI_MINOR;
	if (welcome->fd_count > ABI_MAX_FDS)
		return -EINVAL;
	if (welcome->fd_count) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * welcome->fd_count);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * welcome->fd_count);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * welcome->fd_count);
	}
	return sendmsg(connection, &msg, MSG_NOSIGNAL) == sizeof(*welcome) ? 0 : -errno;
}
