// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/net/stream_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

// ---- the end of things

static void release(struct cp_streams *s)
{
	if (--s->handles || !s->freed)
		return;
	cp_stream_table_clear(&s->table);
	free(s);
}

static void on_closed(uv_handle_t *handle)
{
	struct connection *c = (struct connection *)handle;
	struct cp_streams *s = c->s;

	cp_tls_session_free(c->tls);
	cp_websocket_free(c->websocket);
	free(c->in);
	free(c);
	release(s);
}

void stream_end(struct connection *c, int error)
{
	struct cp_streams *s = c->s;
	enum stream_state before = c->state;

	if (before == CLOSED)
		return;
	c->state = CLOSED;
	if (c->error == 0)
		c->error = error;
	cp_stream_table_remove(&s->table, &c->node);
	if (c->prev)
		c->prev->next = c->next;
	else
		s->connections = c->next;
	if (c->next)
		c->next->prev = c->prev;
	s->counters.open--;
	s->counters.closed++;
	uv_close((uv_handle_t *)&c->tcp, on_closed);
	s->why = c->tls && cp_tls_session_failed(c->tls) ? cp_tls_session_why(c->tls) : "";
	if (!s->freed)
		s->config.ops->closed(s->config.ctx, &c->node.flow, c->error);
	s->why = "";
}

static void on_shutdown(uv_shutdown_t *request, int status)
{
	struct connection *c = request->data;

	stream_end(c, status < 0 ? status : 0);
}

void stream_drain(struct connection *c, int error)
{
	if (c->state == DRAINING || c->state == CLOSED)
		return;
	if (c->state == CONNECTING) {
		stream_end(c, error);
		return;
	}
	c->state = DRAINING;
	c->error = error;
	c->unfinished_ms = uv_now(c->s->loop);
	uv_read_stop((uv_stream_t *)&c->tcp);
	c->shutdown.data = c;
	if (uv_shutdown(&c->shutdown, (uv_stream_t *)&c->tcp, on_shutdown) != 0)
		stream_end(c, error);
}

// ---- the beginning of things

static struct connection *make(struct cp_streams *s)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	if (uv_tcp_init(s->loop, &c->tcp) != 0) {
		free(c);
		return NULL;
	}
	s->handles++;
	c->s = s;
	c->state = CLOSED; // until it is entered
	c->began_ms = c->heard_ms = uv_now(s->loop);
	return c;
}

// Enters a connection whose flow is known, with the layers that its transport needs.
static int enter(struct connection *c, struct cp_tls *tls, enum cp_tls_role role, const char *name)
{
	struct cp_streams *s = c->s;
	uint8_t transport = c->node.flow.transport;
	uint32_t most = s->config.per_source;
	int err = 0;

	if (s->counters.open >= s->config.connections) {
		s->counters.refused_full++;
		return -ENOBUFS;
	}
	if (transport == SIP_TLS || transport == SIP_WSS)
		err = tls ? cp_tls_session_new(&c->tls, tls, role, name) : -EINVAL;
	if (err == 0 && (transport == SIP_WS || transport == SIP_WSS))
		err = cp_websocket_new(&c->websocket, &stream_websocket_ops, c, NULL);
	if (role == CP_TLS_SERVER && s->config.ops->most)
		most = s->config.ops->most(s->config.ctx, &c->node.flow.remote);
	if (err == 0)
		err = cp_stream_table_add(&s->table, &c->node, most);
	if (err) {
		s->counters.refused_source += err == -EMFILE;
		return err == -EMFILE ? -ENOBUFS : err;
	}
	c->next = s->connections;
	if (c->next)
		c->next->prev = c;
	s->connections = c;
	s->counters.open++;
	uv_tcp_nodelay(&c->tcp, 1);
	return 0;
}

static int remote_of(struct connection *c)
{
	struct sockaddr_storage sa;
	int size = sizeof(sa);
	int err = uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&sa, &size);

	return err ? err
		   : sip_addr_from_sockaddr(
			     (struct sockaddr *)&sa, (socklen_t)size, &c->node.flow.remote);
}

static void on_connection(uv_stream_t *server, int status)
{
	struct listener *l = (struct listener *)server;
	struct connection *c;

	if (status < 0 || l->s->freed)
		return;
	c = make(l->s);
	if (!c)
		return;
	c->node.flow.socket = l->socket;
	c->node.flow.transport = l->transport;
	if (uv_accept(server, (uv_stream_t *)&c->tcp) != 0 || remote_of(c) != 0 ||
		enter(c, l->tls, CP_TLS_SERVER, NULL) != 0) {
		uv_close((uv_handle_t *)&c->tcp, on_closed);
		return;
	}
	c->state = OPEN;
	l->s->counters.accepted++;
	uv_read_start((uv_stream_t *)&c->tcp, stream_on_alloc, stream_on_read);
}

static void on_connected(uv_connect_t *request, int status)
{
	struct connection *c = request->data;

	if (c->state != CONNECTING)
		return;
	if (status < 0) {
		stream_end(c, status);
		return;
	}
	c->state = OPEN;
	c->heard_ms = uv_now(c->s->loop);
	c->s->counters.connected++;
	uv_read_start((uv_stream_t *)&c->tcp, stream_on_alloc, stream_on_read);
	if (c->tls && (cp_tls_start(c->tls) != 0 || stream_flush(c) != 0))
		stream_end(c, -EPROTO);
}

static int dial(struct connection *c, const struct sip_addr *local)
{
	struct sockaddr_storage sa;
	struct sip_addr from = *local;
	int err;

	from.port = 0;
	sip_addr_to_sockaddr(&from, &sa);
	err = uv_tcp_bind(&c->tcp, (struct sockaddr *)&sa, 0);
	if (err)
		return err;
	sip_addr_to_sockaddr(&c->node.flow.remote, &sa);
	c->connect.data = c;
	return uv_tcp_connect(&c->connect, &c->tcp, (struct sockaddr *)&sa, on_connected);
}

static struct connection *of(struct cp_stream_node *node)
{
	return node ? (struct connection *)((char *)node - offsetof(struct connection, node))
		    : NULL;
}

// One to this address that may carry what is meant for `name`.
static struct connection *reusable(
	struct cp_streams *s, const struct sip_flow *flow, struct cp_tls *tls, const char *name)
{
	struct cp_stream_node *node = NULL;

	while ((node = cp_stream_table_reuse(&s->table, flow, node))) {
		struct connection *c = of(node);

		if (c->state != DRAINING &&
			(!c->tls || (tls && cp_tls_session_serves(c->tls, tls, name))))
			return c;
	}
	return NULL;
}

int cp_streams_connect(struct cp_streams *s, struct sip_flow *flow, const struct sip_addr *local,
	struct cp_tls *tls, const char *name)
{
	char host[SIP_ADDR_TEXT];
	struct connection *c;
	int err;

	if (flow->transport != SIP_TCP && flow->transport != SIP_TLS)
		return -EINVAL;
	if (!name) {
		sip_addr_host(&flow->remote, false, host);
		name = host;
	}
	c = reusable(s, flow, tls, name);
	if (c) {
		flow->connection = c->node.flow.connection;
		flow->socket = c->node.flow.socket;
		return 0;
	}
	c = make(s);
	if (!c)
		return -ENOMEM;
	c->node.flow = *flow;
	err = enter(c, tls, CP_TLS_CLIENT, name);
	if (err) {
		uv_close((uv_handle_t *)&c->tcp, on_closed);
		return err;
	}
	c->state = CONNECTING;
	err = dial(c, local);
	if (err) {
		// The caller hears it from here, not from closed().
		c->state = CLOSED;
		cp_stream_table_remove(&s->table, &c->node);
		s->connections = c->next;
		if (c->next)
			c->next->prev = NULL;
		s->counters.open--;
		uv_close((uv_handle_t *)&c->tcp, on_closed);
		return err;
	}
	flow->connection = c->node.flow.connection;
	return 0;
}

static struct connection *find(struct cp_streams *s, const struct sip_flow *flow)
{
	struct connection *c = of(cp_stream_table_find(&s->table, flow->connection));

	if (!c || c->state == DRAINING || c->state == CLOSED ||
		c->node.flow.transport != flow->transport ||
		!sip_addr_same_host(&c->node.flow.remote, &flow->remote))
		return NULL;
	return c;
}

bool cp_streams_alive(struct cp_streams *s, const struct sip_flow *flow)
{
	return find(s, flow) != NULL;
}

const struct cp_tls_session *cp_streams_session(struct cp_streams *s, const struct sip_flow *flow)
{
	struct connection *c = find(s, flow);

	return c ? c->tls : NULL;
}

const char *cp_streams_why(const struct cp_streams *s)
{
	return s->why;
}

int cp_streams_send(
	struct cp_streams *s, const struct sip_flow *flow, const uint8_t *bytes, size_t n)
{
	struct connection *c = find(s, flow);
	int err;

	if (!c)
		return -ENOTCONN;
	err = c->websocket ? cp_websocket_send(c->websocket, bytes, n) : stream_put(c, bytes, n);
	if (err) {
		stream_end(c, err);
		return err;
	}
	s->counters.sent++;
	s->counters.sent_octets += n;
	return 0;
}

void cp_streams_close(struct cp_streams *s, uint32_t connection)
{
	struct connection *c = of(cp_stream_table_find(&s->table, connection));

	if (!c || c->state == DRAINING)
		return;
	if (c->websocket)
		cp_websocket_close(c->websocket);
	if (c->state != CLOSED && c->tls) {
		cp_tls_shutdown(c->tls);
		stream_flush(c);
	}
	stream_drain(c, 0);
}

// ---- the sweep of the slow and the silent

static bool ready(const struct connection *c)
{
	return c->state == OPEN && (!c->tls || cp_tls_ready(c->tls)) &&
	       (!c->websocket || cp_websocket_ready(c->websocket));
}

static void sweep(uv_timer_t *timer)
{
	struct cp_streams *s = timer->data;
	uint64_t now = uv_now(s->loop);
	struct connection *next;

	for (struct connection *c = s->connections; c && !s->freed; c = next) {
		uint64_t slow_since =
			ready(c) || c->state == DRAINING ? c->unfinished_ms : c->began_ms;

		next = c->next;
		if (slow_since && now - slow_since > (c->state == CONNECTING ? s->config.connect_ms
									     : s->config.slow_ms)) {
			s->counters.slow++;
			stream_end(c, -ETIMEDOUT);
		} else if (now - c->heard_ms > s->config.idle_ms) {
			s->counters.idle++;
			stream_end(c, 0);
		}
	}
}

int cp_streams_new(
	struct cp_streams **out, struct uv_loop_s *loop, const struct cp_stream_config *config)
{
	struct cp_streams *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->loop = loop;
	s->why = "";
	s->config = *config;
	s->config.connections = config->connections ? config->connections : 10000;
	s->config.per_source = config->per_source ? config->per_source : 1000;
	s->config.slow_ms = config->slow_ms ? config->slow_ms : 10000;
	s->config.connect_ms = config->connect_ms ? config->connect_ms : 4000;
	s->config.idle_ms = config->idle_ms ? config->idle_ms : 600000;
	s->config.backlog = config->backlog ? config->backlog : 262144;
	if (getrandom(&s->table.key, sizeof(s->table.key), 0) != sizeof(s->table.key) ||
		uv_timer_init(loop, &s->sweep) != 0) {
		free(s);
		return -EIO;
	}
	s->sweep.data = s;
	s->handles = 1;
	uv_timer_start(&s->sweep, sweep, SWEEP_MS, SWEEP_MS);
	uv_unref((uv_handle_t *)&s->sweep);
	*out = s;
	return 0;
}

static void on_listener_closed(uv_handle_t *handle)
{
	struct listener *l = (struct listener *)handle;
	struct cp_streams *s = l->s;

	free(l);
	release(s);
}

static void on_sweep_closed(uv_handle_t *handle)
{
	release(handle->data);
}

void cp_streams_free(struct cp_streams *s)
{
	struct listener *next;

	if (!s || s->freed)
		return;
	s->freed = true;
	while (s->connections)
		stream_end(s->connections, 0);
	for (struct listener *l = s->listeners; l; l = next) {
		next = l->next;
		uv_close((uv_handle_t *)&l->tcp, on_listener_closed);
	}
	uv_close((uv_handle_t *)&s->sweep, on_sweep_closed);
}

static int listen_error(
	int err, const struct sip_addr *local, uint8_t transport, char error[CP_STREAM_ERROR])
{
	char host[SIP_ADDR_TEXT];

	sip_addr_host(local, true, host);
	snprintf(error, CP_STREAM_ERROR, "cannot listen on %s %s:%u: %s%s",
		sip_transport_name(transport), host, local->port, uv_strerror(err),
		err == UV_EADDRINUSE ? "; another process has this port: look with 'ss -ltnp'"
		: err == UV_EADDRNOTAVAIL
			? "; no interface has this address: look with 'ip address'"
			: "");
	return err;
}

int cp_streams_listen(struct cp_streams *s, const struct sip_addr *local, uint16_t socket,
	uint8_t transport, struct cp_tls *tls, char error[CP_STREAM_ERROR])
{
	static const uint8_t any[16];
	struct sockaddr_storage sa;
	struct listener *l;
	int err;

	if (memcmp(local->ip, any, sizeof(any)) == 0)
		return listen_error(-EINVAL, local, transport, error);
	l = calloc(1, sizeof(*l));
	if (!l)
		return listen_error(-ENOMEM, local, transport, error);
	err = uv_tcp_init(s->loop, &l->tcp);
	if (err) {
		free(l);
		return listen_error(err, local, transport, error);
	}
	s->handles++;
	l->s = s;
	l->tls = tls;
	l->socket = socket;
	l->transport = transport;
	sip_addr_to_sockaddr(local, &sa);
	err = uv_tcp_bind(
		&l->tcp, (struct sockaddr *)&sa, local->family == 6 ? UV_TCP_IPV6ONLY : 0);
	if (err == 0)
		err = uv_listen((uv_stream_t *)&l->tcp, 1024, on_connection);
	if (err) {
		uv_close((uv_handle_t *)&l->tcp, on_listener_closed);
		return listen_error(err, local, transport, error);
	}
	l->next = s->listeners;
	s->listeners = l;
	return 0;
}

const struct cp_stream_counters *cp_streams_counters(const struct cp_streams *s)
{
	return &s->counters;
}
