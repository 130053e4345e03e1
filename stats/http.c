// SPDX-License-Identifier: BSD-3-Clause
#include "stats/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "controlplane/config/config.h"
#include "stats/prometheus.h"
#include "stats/text.h"

struct st_http {
	struct MHD_Daemon *daemon;
	const struct st_http_ops *ops;
	void *ctx;
	int epoll;
	uint16_t port;
};

static const char index_page[] = "<!doctype html><title>Hawse</title><h1>Hawse</h1><ul>"
				 "<li><a href=\"/metrics\">/metrics</a> for Prometheus"
				 "<li><a href=\"/healthz\">/healthz</a> 200 while hawse-media and "
				 "hawse-sip run and are attached"
				 "</ul><p>On this machine: <code>hawsectl show calls</code></p>\n";

// ---- socket

static const char *advice(int err)
{
	switch (-err) {
	case EADDRINUSE:
		return "another program listens there; 'ss -tlnp' names it. Stop it or choose "
		       "another port "
		       "in stats.listen";
	case EADDRNOTAVAIL:
		return "no interface of this machine has that address; 'ip address' shows which "
		       "there are";
	case EACCES:
	case EPERM:
		return "ports below 1024 need CAP_NET_BIND_SERVICE; choose a higher one in "
		       "stats.listen";
	default:
		return strerror(-err);
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

// A listening socket or -errno.
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

// ---- answers

static enum MHD_Result respond(struct MHD_Connection *connection, unsigned status, const char *type,
	void *body, size_t size, enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(size, body, mode);
	enum MHD_Result result;

	if (!response) {
		if (mode == MHD_RESPMEM_MUST_FREE)
			free(body);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result respond_text(
	struct MHD_Connection *connection, unsigned status, const char *type, const char *text)
{
	return respond(connection, status, type, (void *)(size_t)text, strlen(text),
		MHD_RESPMEM_PERSISTENT);
}

// What a callback wrote, or 500.
static enum MHD_Result respond_written(struct st_http *h, struct MHD_Connection *connection,
	int (*write)(void *ctx, FILE *out), const char *type, bool health)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	unsigned status = MHD_HTTP_OK;
	int result;

	if (!out)
		return respond_text(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "text/plain",
			"out of memory\n");
	result = write(h->ctx, out);
	if (fclose(out) || (!health && result)) {
		free(text);
		return respond_text(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "text/plain",
			"out of memory\n");
	}
	if (health && !result)
		status = MHD_HTTP_SERVICE_UNAVAILABLE;
	return respond(connection, status, type, text, size, MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_size,
	void **state)
{
	struct st_http *h = ctx;

	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return respond_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain",
			"only GET and HEAD\n");
	if (strcmp(url, "/metrics") == 0)
		return respond_written(h, connection, h->ops->metrics, ST_PROMETHEUS_TYPE, false);
	if (strcmp(url, "/healthz") == 0)
		return respond_written(
			h, connection, h->ops->health, "text/plain; charset=utf-8", true);
	if (strcmp(url, "/") == 0)
		return respond_text(
			connection, MHD_HTTP_OK, "text/html; charset=utf-8", index_page);
	return respond_text(connection, MHD_HTTP_NOT_FOUND, "text/plain",
		"not found; there are /metrics and /healthz\n");
}

// ---- life

int st_http_start(struct st_http **out, const struct cfg_address *listen,
	const struct st_http_ops *ops, void *ctx, char error[ST_HTTP_ERROR])
{
	struct st_http *h = calloc(1, sizeof(*h));
	const union MHD_DaemonInfo *info;
	char text[ST_ADDR_TEXT];
	int fd, err;

	if (!h)
		return -ENOMEM;
	h->ops = ops;
	h->ctx = ctx;
	fd = listen_at(listen, &h->port);
	if (fd < 0) {
		st_addr(text, listen->ip, listen->family, listen->port);
		snprintf(error, ST_HTTP_ERROR, "cannot listen on %s: %s", text, advice(fd));
		free(h);
		return fd;
	}
	h->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, h,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, 64u,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, 16u, MHD_OPTION_CONNECTION_TIMEOUT, 10u,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)16384, MHD_OPTION_END);
	info = h->daemon ? MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (!info) {
		err = errno ? -errno : -EINVAL;
		snprintf(error, ST_HTTP_ERROR, "cannot start the HTTP server: %s", strerror(-err));
		if (!h->daemon)
			close(fd);
		st_http_stop(h);
		return err;
	}
	h->epoll = info->epoll_fd;
	*out = h;
	return 0;
}

void st_http_stop(struct st_http *h)
{
	if (!h)
		return;
	if (h->daemon)
		MHD_stop_daemon(h->daemon);
	free(h);
}

int st_http_fd(const struct st_http *h)
{
	return h->epoll;
}

int st_http_timeout(const struct st_http *h)
{
	MHD_UNSIGNED_LONG_LONG ms;

	if (MHD_get_timeout(h->daemon, &ms) != MHD_YES)
		return -1;
	return ms > 60000 ? 60000 : (int)ms;
}

void st_http_run(struct st_http *h)
{
	MHD_run(h->daemon);
}

uint16_t st_http_port(const struct st_http *h)
{
	return h->port;
}
