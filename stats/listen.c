// SPDX-License-Identifier: BSD-3-Clause
#include "stats/listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "controlplane/config/config.h"
#include "stats/text.h"

static const char *advice(int err)
{
	switch (-err) {
	case EADDRINUSE:
		return "another program listens there; 'ss -tlnp' names it. Stop it or choose "
		       "another port in ";
	case EADDRNOTAVAIL:
		return "no interface of this machine has that address; 'ip address' shows which "
		       "there are; see ";
	case EACCES:
	case EPERM:
		return "ports below 1024 need CAP_NET_BIND_SERVICE; choose a higher one in ";
	default:
		return NULL;
	}
}

static socklen_t sockaddr_of(const struct cfg_address *a, struct sockaddr_storage *out)
{
	struct sockaddr_in *in = (struct sockaddr_in *)out;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (a->family == 4) {
		in->sin_family = AF_INET;
		in->sin_port = htons(a->port);
		memcpy(&in->sin_addr, a->ip, 4);
		return sizeof(*in);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(a->port);
	memcpy(&in6->sin6_addr, a->ip, 16);
	return sizeof(*in6);
}

static int listen_at(const struct cfg_address *a, uint16_t *port)
{
	struct sockaddr_storage sa;
	socklen_t n = sockaddr_of(a, &sa);
	int on = 1, err;
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (a->family == 6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&sa, n) || listen(fd, 64) ||
		getsockname(fd, (struct sockaddr *)&sa, &n)) {
		err = -errno;
		close(fd);
		return err;
	}
	// The port stands at the same place in both families.
	*port = ntohs(((struct sockaddr_in *)&sa)->sin_port);
	return fd;
}

int st_listen(
	const struct cfg_address *at, const char *key, uint16_t *port, char *error, size_t size)
{
	char text[ST_ADDR_TEXT];
	int fd = listen_at(at, port);
	const char *says;

	if (fd >= 0)
		return fd;
	says = advice(fd);
	st_addr(text, at->ip, at->family, at->port);
	snprintf(error, size, "cannot listen on %s: %s%s", text, says ? says : strerror(-fd),
		says ? key : "");
	return fd;
}
