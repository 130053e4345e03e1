// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/net/udp.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/ip.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#define BURST       16u
#define BURSTS      8u // that one wake-up takes at most, so that other sockets and timers come too
#define DATAGRAM    65536u
// Between the places of a burst: 13 lines more, or all of them would begin in the same sets of the caches.
#define STRIDE      (DATAGRAM + 832u)
#define BUFFER      (4 << 20) // of the kernel, each way: a second's calls of a busy carrier
#define QUEUE_BYTES (16u << 20)

// A datagram that waits for the kernel.
struct waiting {
	struct waiting *next;
	struct sip_addr to;
	size_t n;
	uint8_t bytes[];
};

struct cp_udp {
	uv_poll_t poll;
	int fd;
	bool closing, inside, writable_wanted;
	struct sip_addr local;
	struct cp_udp_config config;
	struct cp_udp_counters counters;
	uint32_t last_overflow;
	struct timespec stamp; // CLOCK_REALTIME of the datagram that is being delivered, or zero

	struct waiting *first, *last;
	uint32_t waiting;
	size_t waiting_bytes;

	uint8_t *buffers; // BURST * STRIDE
};

static void on_ready(uv_poll_t *handle, int status, int events);

// ---- open

static void explain(const struct cp_udp_config *config, int err, const char *what, char *error)
{
	char host[SIP_ADDR_TEXT];
	const char *advice;

	sip_addr_host(&config->local, true, host);
	switch (-err) {
	case EADDRINUSE:
		advice = "another program listens there; 'ss -ulpn' names it. Stop it or choose "
			 "another "
			 "port";
		break;
	case EADDRNOTAVAIL:
		advice = "no interface of this machine has that address; 'ip address' shows which "
			 "there "
			 "are";
		break;
	case EACCES:
	case EPERM:
		advice = "ports below 1024 need CAP_NET_BIND_SERVICE; choose a higher one or run "
			 "as root";
		break;
	case EAFNOSUPPORT:
		advice = "this machine has that family of addresses switched off";
		break;
	case EINVAL:
		advice = "expected the address of one interface";
		break;
	default:
		advice = strerror(-err);
	}
	snprintf(error, CP_NET_ERROR, "udp:%s:%u: cannot %s: %s", host, config->local.port, what,
		advice);
}

static int set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) ? -errno : 0;
}

// What a socket can do without is not worth an error.
static void set_options(int fd, const struct cp_udp_config *config)
{
	int tos = config->dscp << 2;

	// The forced ones need CAP_NET_ADMIN; the others stop at net.core.*mem_max.
	if (set(fd, SOL_SOCKET, SO_RCVBUFFORCE, BUFFER))
		set(fd, SOL_SOCKET, SO_RCVBUF, BUFFER);
	if (set(fd, SOL_SOCKET, SO_SNDBUFFORCE, BUFFER))
		set(fd, SOL_SOCKET, SO_SNDBUF, BUFFER);
	set(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
	set(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
	if (config->local.family == 4) {
		set(fd, IPPROTO_IP, IP_TOS, tos);
		set(fd, IPPROTO_IP, IP_RECVERR, 1);
	} else {
		set(fd, IPPROTO_IPV6, IPV6_TCLASS, tos);
		set(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
	}
}

static int open_socket(struct cp_udp *u, const char **what)
{
	struct sockaddr_storage sa;
	socklen_t n = sip_addr_to_sockaddr(&u->config.local, &sa);

	*what = "open a socket";
	u->fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (u->fd < 0)
		return -errno;
	if (sa.ss_family == AF_INET6 && set(u->fd, IPPROTO_IPV6, IPV6_V6ONLY, 1))
		return -errno;
	set_options(u->fd, &u->config);
	*what = "listen";
	if (bind(u->fd, (struct sockaddr *)&sa, n))
		return -errno;
	n = sizeof(sa);
	if (getsockname(u->fd, (struct sockaddr *)&sa, &n))
		return -errno;
	return sip_addr_from_sockaddr((struct sockaddr *)&sa, n, &u->local);
}

static bool specified(const struct sip_addr *a)
{
	static const uint8_t zero[16];

	return (a->family == 4 || a->family == 6) && memcmp(a->ip, zero, sizeof(zero)) != 0;
}

static void destroy(struct cp_udp *u)
{
	while (u->first) {
		struct waiting *next = u->first->next;

		free(u->first);
		u->first = next;
	}
	free(u->buffers);
	free(u);
}

int cp_udp_open(struct cp_udp **out, struct uv_loop_s *loop, const struct cp_udp_config *config,
	char error[CP_NET_ERROR])
{
	const char *what = "listen";
	struct cp_udp *u = calloc(1, sizeof(*u));
	int err = -ENOMEM;

	if (!u)
		goto fail;
	u->fd = -1;
	u->config = *config;
	if (!u->config.queue)
		u->config.queue = 1024;
	// Not touched before a datagram is as long: most of it never becomes memory.
	u->buffers = malloc((size_t)BURST * STRIDE);
	if (!u->buffers)
		goto fail;
	err = -EINVAL;
	if (!specified(&config->local))
		goto fail;
	err = open_socket(u, &what);
	if (err)
		goto fail;
	what = "watch the socket";
	err = uv_poll_init(loop, &u->poll, u->fd);
	if (err)
		goto fail;
	u->poll.data = u;
	err = uv_poll_start(&u->poll, UV_READABLE, on_ready);
	if (err) {
		// The handle is the loop's until it has run: cp_udp_close() knows how.
		explain(config, err, what, error);
		cp_udp_close(u);
		return err;
	}
	*out = u;
	return 0;
fail:
	explain(config, err, what, error);
	if (u) {
		if (u->fd >= 0)
			close(u->fd);
		destroy(u);
	}
	return err;
}

static void on_closed(uv_handle_t *handle)
{
	destroy(handle->data);
}

void cp_udp_close(struct cp_udp *u)
{
	if (!u || u->closing)
		return;
	u->closing = true;
	uv_poll_stop(&u->poll);
	close(u->fd);
	u->fd = -1;
	uv_close((uv_handle_t *)&u->poll, on_closed);
}

// ---- send

static void want(struct cp_udp *u, bool writable)
{
	if (u->writable_wanted == writable)
		return;
	u->writable_wanted = writable;
	uv_poll_start(&u->poll, UV_READABLE | (writable ? UV_WRITABLE : 0), on_ready);
}

// 0 or -errno. An ICMP error of an earlier datagram is reported once by whatever call comes next
// and says nothing about this one: try again. It is read from the error queue later.
static int send_now(struct cp_udp *u, const struct sip_addr *to, const uint8_t *bytes, size_t n)
{
	struct sockaddr_storage sa;
	socklen_t size = sip_addr_to_sockaddr(to, &sa);
	int err = 0;

	for (unsigned tries = 0; tries < 4; tries++) {
		if (sendto(u->fd, bytes, n, MSG_NOSIGNAL, (struct sockaddr *)&sa, size) >= 0) {
			u->counters.sent++;
			u->counters.sent_octets += n;
			return 0;
		}
		err = -errno;
		if (err == -EAGAIN || err == -EWOULDBLOCK || err == -ENOBUFS)
			return -EAGAIN;
	}
	return err;
}

static int enqueue(struct cp_udp *u, const struct sip_addr *to, const uint8_t *bytes, size_t n)
{
	struct waiting *w;

	if (u->waiting >= u->config.queue || u->waiting_bytes + n > QUEUE_BYTES) {
		u->counters.queue_full++;
		return -ENOBUFS;
	}
	w = malloc(sizeof(*w) + n);
	if (!w)
		return -ENOMEM;
	w->next = NULL;
	w->to = *to;
	w->n = n;
	memcpy(w->bytes, bytes, n);
	if (u->last)
		u->last->next = w;
	else
		u->first = w;
	u->last = w;
	u->waiting++;
	u->waiting_bytes += n;
	u->counters.queued++;
	want(u, true);
	return 0;
}

int cp_udp_send(struct cp_udp *u, const struct sip_addr *to, const uint8_t *bytes, size_t n)
{
	int err;

	if (u->closing)
		return -ENOTCONN;
	if (to->family != u->local.family)
		return -EAFNOSUPPORT;
	// In order: nothing overtakes what waits.
	err = u->first ? -EAGAIN : send_now(u, to, bytes, n);
	if (err == -EAGAIN)
		err = enqueue(u, to, bytes, n);
	else if (err)
		u->counters.send_errors++;
	return err;
}

static struct sip_flow flow_to(const struct cp_udp *u, const struct sip_addr *remote)
{
	return (struct sip_flow){
		.remote = *remote, .socket = u->config.socket, .transport = SIP_UDP};
}

static void flush(struct cp_udp *u)
{
	while (u->first && !u->closing) {
		struct waiting *w = u->first;
		int err = send_now(u, &w->to, w->bytes, w->n);

		if (err == -EAGAIN)
			return;
		u->first = w->next;
		if (!u->first)
			u->last = NULL;
		u->waiting--;
		u->waiting_bytes -= w->n;
		if (err) {
			struct sip_flow flow = flow_to(u, &w->to);

			u->counters.send_errors++;
			u->config.ops->error(u->config.ctx, &flow, err);
		}
		free(w);
	}
	if (!u->closing)
		want(u, false);
}

// ---- receive

static void read_control(struct cp_udp *u, struct msghdr *m)
{
	u->stamp = (struct timespec){0};
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		uint32_t total;

		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS)
			memcpy(&u->stamp, CMSG_DATA(c), sizeof(u->stamp));
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_RXQ_OVFL)
			continue;
		memcpy(&total, CMSG_DATA(c), sizeof(total));
		u->counters.kernel_drops += (uint32_t)(total - u->last_overflow);
		u->last_overflow = total;
	}
}

uint64_t cp_udp_waited(const struct cp_udp *u)
{
	struct timespec now;
	int64_t ns;

	if (!u->stamp.tv_sec || clock_gettime(CLOCK_REALTIME, &now))
		return 0;
	ns = (now.tv_sec - u->stamp.tv_sec) * 1000000000ll + now.tv_nsec - u->stamp.tv_nsec;
	// A clock that was set in between says nothing.
	return ns < 0 || ns > 60000000000ll ? 0 : (uint64_t)ns / 1000;
}

static void deliver(struct cp_udp *u, struct mmsghdr *m, const uint8_t *data)
{
	struct sip_flow flow = {.socket = u->config.socket, .transport = SIP_UDP};

	read_control(u, &m->msg_hdr);
	if (sip_addr_from_sockaddr(m->msg_hdr.msg_name, m->msg_hdr.msg_namelen, &flow.remote))
		return;
	u->counters.received++;
	u->counters.received_octets += m->msg_len;
	u->config.ops->receive(u->config.ctx, &flow, data, m->msg_len);
}

// One recvmmsg. The number of datagrams, 0 when there is none (or only an error to be read).
static int receive_burst(struct cp_udp *u)
{
	struct mmsghdr messages[BURST];
	struct sockaddr_storage from[BURST];
	struct iovec iov[BURST];
	union {
		char bytes[CMSG_SPACE(sizeof(uint32_t)) + CMSG_SPACE(sizeof(struct timespec))];
		struct cmsghdr align;
	} control[BURST];
	int n;

	memset(messages, 0, sizeof(messages));
	for (unsigned i = 0; i < BURST; i++) {
		iov[i] = (struct iovec){u->buffers + (size_t)i * STRIDE, DATAGRAM};
		messages[i].msg_hdr = (struct msghdr){
			.msg_name = &from[i],
			.msg_namelen = sizeof(from[i]),
			.msg_iov = &iov[i],
			.msg_iovlen = 1,
			.msg_control = &control[i],
			.msg_controllen = sizeof(control[i]),
		};
	}
	n = recvmmsg(u->fd, messages, BURST, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n && !u->closing; i++)
		deliver(u, &messages[i], iov[i].iov_base);
	return n < 0 ? 0 : n;
}

// ---- ICMP

static int icmp_error(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		struct sock_extended_err e;

		if (!(c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) &&
			!(c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
			continue;
		memcpy(&e, CMSG_DATA(c), sizeof(e));
		return e.ee_errno ? -(int)e.ee_errno : 0;
	}
	return 0;
}

// The error queue holds the datagrams that did not arrive, with the address they were sent to.
static void read_errors(struct cp_udp *u)
{
	for (unsigned i = 0; i < 64 && !u->closing; i++) {
		struct sockaddr_storage to;
		uint8_t data[64];
		union {
			char bytes[512];
			struct cmsghdr align;
		} control;
		struct iovec iov = {data, sizeof(data)};
		struct msghdr m = {
			.msg_name = &to,
			.msg_namelen = sizeof(to),
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control),
		};
		struct sip_addr remote;
		struct sip_flow flow;
		int err;

		if (recvmsg(u->fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
			return;
		err = icmp_error(&m);
		if (!err || sip_addr_from_sockaddr((struct sockaddr *)&to, m.msg_namelen, &remote))
			continue;
		u->counters.icmp_errors++;
		flow = flow_to(u, &remote);
		u->config.ops->error(u->config.ctx, &flow, err);
	}
}

static void on_ready(uv_poll_t *handle, int status, int events)
{
	struct cp_udp *u = handle->data;
	const struct cp_udp_ops *ops = u->config.ops;
	int pending;
	socklen_t size = sizeof(pending);

	if (ops->wake)
		ops->wake(u->config.ctx);
	// libuv takes POLLERR, which here means that the error queue has something, for the end of the
	// descriptor and stops watching it.
	if (status < 0) {
		getsockopt(u->fd, SOL_SOCKET, SO_ERROR, &pending, &size);
		uv_poll_start(
			&u->poll, UV_READABLE | (u->writable_wanted ? UV_WRITABLE : 0), on_ready);
		read_errors(u);
	}
	for (unsigned i = 0; i < BURSTS && !u->closing; i++) {
		if (receive_burst(u) < (int)BURST)
			break;
	}
	if (!u->closing && u->first)
		flush(u);
	if (ops->rest)
		ops->rest(u->config.ctx);
}

const struct sip_addr *cp_udp_local(const struct cp_udp *u)
{
	return &u->local;
}

const struct cp_udp_counters *cp_udp_counters(const struct cp_udp *u)
{
	return &u->counters;
}
