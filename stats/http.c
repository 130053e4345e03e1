// SPDX-License-Identifier: BSD-3-Clause
#include "stats/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stats/listen.h"
#include "stats/prometheus.h"

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
	int fd, err;

	if (!h)
		return -ENOMEM;
	h->ops = ops;
	h->ctx = ctx;
	fd = st_listen(listen, "stats.listen", &h->port, error, ST_HTTP_ERROR);
	if (fd < 0) {
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
