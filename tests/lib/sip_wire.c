// SPDX-License-Identifier: BSD-3-Clause
#include "tests/lib/sip_wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tests/lib/sip_peer.h"

#define MAX_CONNECTIONS 64
#define ROOM            131072

struct connection {
	int fd; // -1: free
	SSL *ssl;
	struct sockaddr_storage remote;
	char *in;
	size_t size;
};

struct wire {
	struct wire_options o;
	int fd;
	SSL_CTX *server, *client;
	struct connection list[MAX_CONNECTIONS];
	unsigned accepted, opened, failed, lost, messages;
	char problem[160], shown[160]; // shown: the subject of the other side's certificate
};

static void watch(struct peer *p, int fd, void *connection)
{
	struct epoll_event e = {.events = EPOLLIN, .data.u64 = 0};
	if (connection)
		e.data.u64 = (uintptr_t)connection | 2;
	epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, fd, &e);
}

static bool same(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	char x[80], y[80];
	return strcmp(rtp_address_text(a, x, sizeof(x)), rtp_address_text(b, y, sizeof(y))) == 0;
}

static void drop(struct connection *c)
{
	if (c->ssl)
		SSL_free(c->ssl);
	close(c->fd);
	free(c->in);
	*c = (struct connection){.fd = -1};
}

// ---- TLS

static void note(struct wire *w, const char *what)
{
	const char *why = ERR_reason_error_string(ERR_peek_last_error());
	w->failed++;
	snprintf(w->problem, sizeof(w->problem), "%s: %s", what, why ? why : strerror(errno));
	ERR_clear_error();
}

static SSL_CTX *context(const struct wire_options *o, bool server)
{
	SSL_CTX *ctx = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	int verify = o->authorities ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
				    : SSL_VERIFY_NONE;
	if (!ctx)
		return NULL;
	if (o->certificate &&
		(SSL_CTX_use_certificate_chain_file(ctx, o->certificate) != 1 ||
			SSL_CTX_use_PrivateKey_file(
				ctx, o->key ? o->key : o->certificate, SSL_FILETYPE_PEM) != 1))
		goto bad;
	if (o->authorities && SSL_CTX_load_verify_locations(ctx, o->authorities, NULL) != 1)
		goto bad;
	SSL_CTX_set_verify(ctx, verify, NULL);
	return ctx;
bad:
	ERR_print_errors_fp(stderr);
	SSL_CTX_free(ctx);
	return NULL;
}

static bool shake_hands(struct wire *w, struct connection *c, bool server)
{
	struct timeval limit = {.tv_sec = 3};
	char text[160] = "";
	X509 *x;

	if (w->o.kind != WIRE_TLS)
		return true;
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	c->ssl = SSL_new(server ? w->server : w->client);
	if (!c->ssl)
		return false;
	SSL_set_fd(c->ssl, c->fd);
	if ((server ? SSL_accept(c->ssl) : SSL_connect(c->ssl)) != 1) {
		note(w, server ? "accept" : "connect");
		return false;
	}
	x = SSL_get1_peer_certificate(c->ssl);
	if (x) {
		X509_NAME_oneline(X509_get_subject_name(x), text, sizeof(text));
		snprintf(w->shown, sizeof(w->shown), "%.150s", text);
	}
	X509_free(x);
	return true;
}

// ---- connections

static struct connection *add(
	struct peer *p, int fd, const struct sockaddr_storage *remote, bool server)
{
	struct wire *w = p->wire;
	int one = 1;
	for (int i = 0; i < MAX_CONNECTIONS; i++) {
		struct connection *c = &w->list[i];
		if (c->fd >= 0)
			continue;
		*c = (struct connection){.fd = fd, .remote = *remote, .in = malloc(ROOM + 1)};
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		if (!c->in || !shake_hands(w, c, server)) {
			drop(c);
			return NULL;
		}
		struct timeval none = {0};
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof(none));
		watch(p, fd, c);
		return c;
	}
	close(fd);
	return NULL;
}

static struct connection *find(struct wire *w, const struct sockaddr_storage *to)
{
	for (int i = 0; i < MAX_CONNECTIONS; i++)
		if (w->list[i].fd >= 0 && same(&w->list[i].remote, to))
			return &w->list[i];
	return NULL;
}

static struct connection *dial(struct peer *p, const struct sockaddr_storage *to)
{
	struct wire *w = p->wire;
	struct sockaddr_storage from = p->local;
	int fd = socket(to->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct connection *c;
	rtp_set_port(&from, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&from, rtp_address_size(&from)) < 0 ||
		connect(fd, (const struct sockaddr *)to, rtp_address_size(to)) < 0) {
		snprintf(w->problem, sizeof(w->problem), "connect: %s", strerror(errno));
		w->failed++;
		close(fd);
		return NULL;
	}
	c = add(p, fd, to, false);
	w->opened += c != NULL;
	return c;
}

static void accept_one(struct peer *p)
{
	struct wire *w = p->wire;
	struct sockaddr_storage remote;
	socklen_t size = sizeof(remote);
	int fd = accept4(w->fd, (struct sockaddr *)&remote, &size, SOCK_CLOEXEC);
	if (fd >= 0 && add(p, fd, &remote, true))
		w->accepted++;
}

// ---- messages

// The length of the first message in c->in, 0: not all there yet.
static size_t first_message(struct connection *c)
{
	char value[32], *end, saved;
	size_t head, body = 0;
	c->in[c->size] = 0;
	end = strstr(c->in, "\r\n\r\n");
	if (!end)
		return 0;
	head = (size_t)(end - c->in) + 4;
	saved = c->in[head];
	c->in[head] = 0;
	if (sip_header(c->in, "Content-Length", 0, value, sizeof(value)))
		body = strtoul(value, NULL, 10);
	c->in[head] = saved;
	return head + body <= c->size ? head + body : 0;
}

static void deliver(struct peer *p, struct connection *c)
{
	static char message[ROOM + 1];
	int fd = c->fd;
	size_t n;
	for (;;) {
		size_t skip = 0;
		while (skip < c->size && (c->in[skip] == '\r' || c->in[skip] == '\n'))
			skip++;
		memmove(c->in, c->in + skip, c->size -= skip);
		n = first_message(c);
		if (!n)
			return;
		struct sockaddr_storage from = c->remote;
		memcpy(message, c->in, n);
		message[n] = 0;
		memmove(c->in, c->in + n, c->size -= n);
		p->wire->messages++;
		dialog_receive(p, message, &from);
		if (c->fd != fd) // it was hung up meanwhile
			return;
	}
}

static void read_stream(struct peer *p, struct connection *c)
{
	int fd = c->fd;
	do {
		int n = (int)(ROOM - c->size);
		if (n <= 0) {
			drop(c);
			return;
		}
		n = c->ssl ? SSL_read(c->ssl, c->in + c->size, n)
			   : (int)recv(c->fd, c->in + c->size, (size_t)n, MSG_DONTWAIT);
		if (n <= 0) {
			if (!c->ssl && n < 0 && errno == EAGAIN)
				return;
			p->wire->lost++;
			drop(c);
			return;
		}
		c->size += (size_t)n;
		deliver(p, c);
	} while (c->fd == fd && c->ssl && SSL_pending(c->ssl));
}

static void read_datagrams(struct peer *p)
{
	static char message[65536];
	struct sockaddr_storage from;
	for (int i = 0; i < 64; i++) {
		socklen_t size = sizeof(from);
		ssize_t n = recvfrom(p->wire->fd, message, sizeof(message) - 1, MSG_DONTWAIT,
			(struct sockaddr *)&from, &size);
		if (n < 0)
			return;
		message[n] = 0;
		if (n > 4)
			dialog_receive(p, message, &from);
	}
}

void wire_read(struct peer *p, void *connection)
{
	if (connection && ((struct connection *)connection)->fd >= 0)
		read_stream(p, connection);
	else if (!connection && p->wire->o.kind == WIRE_UDP)
		read_datagrams(p);
	else if (!connection)
		accept_one(p);
}

void wire_send(struct peer *p, const char *data, size_t size, const struct sockaddr_storage *to)
{
	struct wire *w = p->wire;
	if (w->o.kind == WIRE_UDP) {
		if (sendto(w->fd, data, size, 0, (const struct sockaddr *)to,
			    rtp_address_size(to)) < 0)
			perror("sip_peer: sendto");
		return;
	}
	struct connection *c = find(w, to);
	if (!c)
		c = dial(p, to);
	for (size_t at = 0; c && at < size;) {
		size_t n = size - at;
		if (w->o.split && n > w->o.split)
			n = w->o.split;
		int done = c->ssl ? SSL_write(c->ssl, data + at, (int)n)
				  : (int)send(c->fd, data + at, n, MSG_NOSIGNAL);
		if (done <= 0) {
			w->lost++;
			drop(c);
			return;
		}
		at += (size_t)done;
		if (w->o.split)
			usleep(1000);
	}
}

void wire_hang_up(struct peer *p)
{
	for (int i = 0; i < MAX_CONNECTIONS; i++) {
		struct connection *c = &p->wire->list[i];
		if (c->fd < 0)
			continue;
		if (c->ssl)
			SSL_shutdown(c->ssl);
		drop(c);
	}
}

bool wire_is_stream(const struct peer *p)
{
	return p->wire->o.kind != WIRE_UDP;
}

const char *wire_name(const struct peer *p)
{
	return p->wire->o.kind == WIRE_TLS ? "TLS" : p->wire->o.kind == WIRE_TCP ? "TCP" : "UDP";
}

const char *wire_param(const struct peer *p)
{
	return p->wire->o.kind == WIRE_TLS   ? ";transport=tls"
	       : p->wire->o.kind == WIRE_TCP ? ";transport=tcp"
					     : "";
}

void wire_report(const struct peer *p, void *file)
{
	const struct wire *w = p->wire;
	fprintf(file,
		"\"accepted\": %u, \"opened\": %u, \"connections_failed\": %u, "
		"\"connections_lost\": %u, "
		"\"stream_messages\": %u, \"wire_problem\": \"%s\", \"shown\": \"%s\", ",
		w->accepted, w->opened, w->failed, w->lost, w->messages, w->problem, w->shown);
}

int wire_open(struct peer *p, const struct wire_options *options)
{
	struct wire *w = calloc(1, sizeof(*w));
	int size = 4 << 20, one = 1;
	bool stream = options->kind != WIRE_UDP;
	if (!w)
		return -ENOMEM;
	p->wire = w;
	w->o = *options;
	for (int i = 0; i < MAX_CONNECTIONS; i++)
		w->list[i].fd = -1;
	if (options->kind == WIRE_TLS) {
		w->client = context(options, false);
		w->server = options->certificate ? context(options, true) : NULL;
		if (!w->client || (options->certificate && !w->server))
			return -EINVAL;
	}
	w->fd = socket(p->local.ss_family,
		(stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (w->fd < 0)
		return -errno;
	setsockopt(w->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (stream)
		setsockopt(w->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(w->fd, (struct sockaddr *)&p->local, rtp_address_size(&p->local)) < 0 ||
		(stream && listen(w->fd, 64) < 0))
		return -errno;
	watch(p, w->fd, NULL);
	return 0;
}
