// SPDX-License-Identifier: BSD-3-Clause
#include "stats/page.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stats/file.h"
#include "stats/listen.h"

#define PEM_MOST 262144u

struct st_page {
	struct MHD_Daemon *daemon; // NULL before the first load
	struct cfg_page cfg;
	int socket;
	int directory;
	int epoll;
	uint16_t port;
	char says[256]; // libmicrohttpd's last word, for errors
};

static const struct {
	const char *name, *value;
} headers[] = {
	{"Content-Security-Policy",
		"default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; "
		"img-src 'self' data:; media-src 'self' blob: mediastream:; manifest-src 'self'; "
		"connect-src 'self' wss:; form-action 'self'; base-uri 'none'; "
		"frame-ancestors 'none'"},
	{"X-Content-Type-Options", "nosniff"},
	{"X-Frame-Options", "DENY"},
	{"Referrer-Policy", "no-referrer"},
	{"Permissions-Policy", "microphone=(self), camera=(self), geolocation=()"},
	{"Cross-Origin-Opener-Policy", "same-origin"},
	{"Cross-Origin-Resource-Policy", "same-origin"},
};

// ---- answers

static enum MHD_Result queue(struct MHD_Connection *connection, unsigned status, const char *type,
	const char *cache, struct MHD_Response *response)
{
	enum MHD_Result result;

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		MHD_add_response_header(response, headers[i].name, headers[i].value);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, cache);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status, const char *text)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		strlen(text), (void *)(size_t)text, MHD_RESPMEM_PERSISTENT);

	if (!response)
		return MHD_NO;
	return queue(connection, status, "text/plain; charset=utf-8", "no-store", response);
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_size,
	void **state)
{
	const struct st_page *p = ctx;
	struct MHD_Response *response;
	struct st_file file;
	int err;

	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
	err = st_file_open(p->directory, url, &file);
	if (err == -ENOENT)
		return refuse(connection, MHD_HTTP_NOT_FOUND, "not found\n");
	if (err)
		return refuse(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "cannot be read\n");
	response = MHD_create_response_from_fd64(file.size, file.fd);
	if (!response) {
		close(file.fd);
		return MHD_NO;
	}
	return queue(connection, MHD_HTTP_OK, file.type,
		file.lasting ? "public, max-age=31536000, immutable" : "no-cache", response);
}

// ---- life

static void note(void *ctx, const char *format, va_list arguments)
{
	struct st_page *p = ctx;

	vsnprintf(p->says, sizeof(p->says), format, arguments);
	p->says[strcspn(p->says, "\n")] = '\0';
}

// A PEM file and a NUL, for wipe() to free. 0 or -errno.
static int read_pem(const char *path, char **text)
{
	FILE *in = fopen(path, "re");
	size_t n;
	int err = 0;

	*text = NULL;
	if (!in)
		return -errno;
	*text = calloc(1, PEM_MOST + 1);
	if (!*text) {
		err = -ENOMEM;
	} else {
		n = fread(*text, 1, PEM_MOST + 1, in);
		err = ferror(in) ? -EIO : n > PEM_MOST ? -EFBIG : 0;
		(*text)[PEM_MOST] = '\0';
	}
	fclose(in);
	return err;
}

static void wipe(char *text)
{
	if (text)
		explicit_bzero(text, PEM_MOST + 1);
	free(text);
}

int st_page_open(struct st_page **out, const struct cfg_page *cfg, char error[ST_PAGE_ERROR])
{
	struct st_page *p = calloc(1, sizeof(*p));

	if (!p) {
		snprintf(error, ST_PAGE_ERROR, "out of memory");
		return -ENOMEM;
	}
	p->cfg = *cfg;
	p->directory = -1;
	p->epoll = -1;
	p->socket = st_listen(&cfg->listen, "stats.page.listen", &p->port, error, ST_PAGE_ERROR);
	if (p->socket < 0) {
		int err = p->socket;

		free(p);
		return err;
	}
	*out = p;
	return 0;
}

// Ends a server, but not the socket: quiescing gives it back.
static void end(struct MHD_Daemon *daemon)
{
	int fd = daemon ? MHD_quiesce_daemon(daemon) : -1;

	if (daemon)
		MHD_stop_daemon(daemon);
	if (fd >= 0)
		close(fd);
}

static struct MHD_Daemon *begin(struct st_page *p, const char *certificate, const char *key)
{
	int fd = fcntl(p->socket, F_DUPFD_CLOEXEC, 0);
	struct MHD_Daemon *daemon;

	if (fd < 0)
		return NULL;
	daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_TLS | MHD_USE_ERROR_LOG, 0, NULL, NULL,
		on_request, p, MHD_OPTION_EXTERNAL_LOGGER, note, p, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_HTTPS_MEM_CERT, certificate, MHD_OPTION_HTTPS_MEM_KEY, key,
		MHD_OPTION_HTTPS_PRIORITIES, "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2",
		MHD_OPTION_CONNECTION_LIMIT, 256u, MHD_OPTION_PER_IP_CONNECTION_LIMIT, 32u,
		MHD_OPTION_CONNECTION_TIMEOUT, 30u, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)32768, MHD_OPTION_END);
	if (!daemon)
		close(fd);
	return daemon;
}

static int load(struct st_page *p, int directory, char error[ST_PAGE_ERROR])
{
	const struct cfg_page *cfg = &p->cfg;
	const union MHD_DaemonInfo *info;
	struct MHD_Daemon *daemon = NULL;
	char *certificate = NULL, *key = NULL;
	int err = read_pem(cfg->certificate, &certificate);

	if (err) {
		snprintf(error, ST_PAGE_ERROR, "stats.page.certificate: %s: %s", cfg->certificate,
			strerror(-err));
		goto out;
	}
	err = read_pem(cfg->key, &key);
	if (err) {
		snprintf(error, ST_PAGE_ERROR, "stats.page.key: %s: %s", cfg->key, strerror(-err));
		goto out;
	}
	p->says[0] = '\0';
	daemon = begin(p, certificate, key);
	info = daemon ? MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (!info) {
		err = -EINVAL;
		snprintf(error, ST_PAGE_ERROR,
			"stats.page: cannot serve with certificate %.150s and key %.150s: %.150s",
			cfg->certificate, cfg->key,
			p->says[0] ? p->says : "are they PEM, and do they belong together?");
		end(daemon);
		goto out;
	}
	end(p->daemon);
	if (p->directory >= 0)
		close(p->directory);
	p->daemon = daemon;
	p->epoll = info->epoll_fd;
	p->directory = directory;
out:
	wipe(certificate);
	wipe(key);
	return err;
}

int st_page_load(struct st_page *p, char error[ST_PAGE_ERROR])
{
	int directory = open(p->cfg.directory, O_PATH | O_DIRECTORY | O_CLOEXEC), err;
	struct st_file index;

	if (directory < 0) {
		err = -errno;
		snprintf(error, ST_PAGE_ERROR, "stats.page.directory: %s: %s", p->cfg.directory,
			strerror(-err));
		return err;
	}
	err = st_file_open(directory, "/", &index);
	if (err) {
		snprintf(error, ST_PAGE_ERROR, "stats.page.directory: %s/index.html: %s",
			p->cfg.directory, strerror(-err));
	} else {
		close(index.fd);
		err = load(p, directory, error);
	}
	if (err)
		close(directory);
	return err;
}

void st_page_close(struct st_page *p)
{
	if (!p)
		return;
	end(p->daemon);
	if (p->directory >= 0)
		close(p->directory);
	close(p->socket);
	free(p);
}

int st_page_fd(const struct st_page *p)
{
	return p->epoll;
}

int st_page_timeout(const struct st_page *p)
{
	MHD_UNSIGNED_LONG_LONG ms;

	if (MHD_get_timeout(p->daemon, &ms) != MHD_YES)
		return -1;
	return ms > 60000 ? 60000 : (int)ms;
}

void st_page_run(struct st_page *p)
{
	MHD_run(p->daemon);
}

uint16_t st_page_port(const struct st_page *p)
{
	return p->port;
}
