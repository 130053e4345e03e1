// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/transport.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "controlplane/certificates.h"
#include "controlplane/log.h"
#include "controlplane/trunk/names.h"
#include "sip/message.h"

#define MAX_SOCKETS 256u
#define SHUNNED     64u   // addresses that failed of late; the oldest makes room
#define KNOWN       1024u // connections whose peer is remembered; a power of two

// Of all, and of one address; strangers have fewer, and none while the half of all are taken.
#define CONNECTIONS          10000u
#define CONNECTIONS_PEER     1000u
#define CONNECTIONS_STRANGER 20u

struct shunned {
	struct sip_addr addr;
	uint8_t transport;
	uint64_t until; // ms of the loop
};

struct known {
	uint32_t connection; // 0: none
	uint32_t generation;
	const struct cp_policy *policy;
	const struct cp_peer *peer;
};

// A connection that is gone, and whose owner is not told yet.
struct gone {
	struct gone *next;
	struct sip_flow flow;
	int error;
};

struct cp_transport {
	uv_timer_t later; // first: libuv's pointer is ours
	struct gone *gone, **last_gone;
	uv_loop_t *loop;
	struct cp_policy *policy;
	const struct cp_transport_ops *ops;
	void *ctx;
	struct cp_udp *udp[MAX_SOCKETS]; // by listener; NULL: not UDP
	struct cp_streams *streams;      // NULL: only UDP
	struct cp_names *names;          // NULL: no peer by name
	struct cp_certificates *certificates;
	uint32_t generation;
	struct shunned shunned[SHUNNED];
	unsigned next_shunned;
	struct known known[KNOWN];
	uint64_t keepalives, widened, reconnected;
	struct sip_message message; // a response of ours, when its connection is gone
};

// ---- where it failed of late --------------------------------------------------------------------

static struct shunned *find_shunned(
	struct cp_transport *t, const struct sip_addr *addr, uint8_t transport)
{
	uint64_t now = uv_now(t->loop);

	for (unsigned i = 0; i < SHUNNED; i++)
		if (t->shunned[i].until > now && t->shunned[i].transport == transport &&
			sip_addr_equal(&t->shunned[i].addr, addr))
			return &t->shunned[i];
	return NULL;
}

void cp_transport_failed(struct cp_transport *t, const struct sip_flow *flow)
{
	struct shunned *s = find_shunned(t, &flow->remote, flow->transport);

	if (!s)
		s = &t->shunned[t->next_shunned++ % SHUNNED];
	s->addr = flow->remote;
	s->transport = flow->transport;
	s->until = uv_now(t->loop) + CP_SHUN_MS;
}

// ---- what comes -----------------------------------------------------------------------------------

static void on_wake(void *ctx)
{
	struct cp_transport *t = ctx;

	t->ops->wake(t->ctx);
}

static void on_rest(void *ctx)
{
	struct cp_transport *t = ctx;

	t->ops->rest(t->ctx);
}

static void on_datagram(void *ctx, const struct sip_flow *source, const uint8_t *data, size_t n)
{
	struct cp_transport *t = ctx;
	struct cp_udp *udp = t->udp[source->socket];

	// RFC 5626 knows this ping on streams only; phones send it on UDP as well. Strangers get nothing.
	if (n == 4 && memcmp(data, "\r\n\r\n", 4) == 0) {
		t->keepalives++;
		if (cp_transport_peer(t, t->policy, source))
			cp_udp_send(udp, &source->remote, data, 2);
		return;
	}
	t->ops->receive(t->ctx, source, cp_udp_waited(udp), data, n);
}

static void on_icmp(void *ctx, const struct sip_flow *to, int error)
{
	struct cp_transport *t = ctx;

	cp_transport_failed(t, to);
	t->ops->unreachable(t->ctx, to, error);
}

// What a stream has waited in the kernel nobody knows; since this wake-up it is at least that.
static void on_stream_message(
	void *ctx, const struct sip_flow *source, const uint8_t *data, size_t n)
{
	struct cp_transport *t = ctx;
	uint64_t now = uv_hrtime() / 1000000, began = uv_now(t->loop);

	t->ops->wake(t->ctx);
	t->ops->receive(t->ctx, source, now > began ? (now - began) * 1000 : 0, data, n);
	t->ops->rest(t->ctx);
}

static bool never_opened(int error)
{
	return error == -ECONNREFUSED || error == -ETIMEDOUT || error == -EHOSTUNREACH ||
	       error == -ENETUNREACH || error == -EPROTO;
}

static void tell(uv_timer_t *timer)
{
	struct cp_transport *t = (struct cp_transport *)timer;

	while (t->gone) {
		struct gone *g = t->gone;

		t->gone = g->next;
		if (!t->gone)
			t->last_gone = &t->gone;
		t->ops->wake(t->ctx);
		t->ops->closed(t->ctx, &g->flow, g->error);
		t->ops->rest(t->ctx);
		free(g);
	}
}

// A connection may end inside of a send, when its owner is in the middle of something. Without memory
// the owner finds out by his own timers.
static void tell_later(struct cp_transport *t, const struct sip_flow *flow, int error)
{
	struct gone *g = malloc(sizeof(*g));

	if (!g)
		return;
	*g = (struct gone){NULL, *flow, error};
	*t->last_gone = g;
	t->last_gone = &g->next;
	uv_timer_start(&t->later, tell, 0, 0);
}

static void on_closed(void *ctx, const struct sip_flow *flow, int error)
{
	struct cp_transport *t = ctx;
	const struct cp_peer *peer = cp_peers_owner(t->policy->peers, &flow->remote);
	const char *why = cp_streams_why(t->streams);
	char host[SIP_ADDR_TEXT];

	if (!peer && t->names)
		peer = cp_names_owner(t->names, t->policy, &flow->remote);
	if (peer && never_opened(error)) {
		cp_transport_failed(t, flow);
		sip_addr_host(&flow->remote, true, host);
		cp_log(CP_LOG_WARNING, "transport", 0, "%s: %s %s:%u: %s", peer->cfg->name,
			sip_transport_name(flow->transport), host, flow->remote.port,
			why[0] ? why : strerror(-error));
	}
	tell_later(t, flow, error);
}

// Peers are told by address alone: a certificate is not seen before the connection stands.
static uint32_t on_most(void *ctx, const struct sip_addr *remote)
{
	struct cp_transport *t = ctx;

	if (cp_peers_owner(t->policy->peers, remote) ||
		(t->names && cp_names_owner(t->names, t->policy, remote)))
		return CONNECTIONS_PEER;
	return cp_streams_counters(t->streams)->open < CONNECTIONS / 2 ? CONNECTIONS_STRANGER : 0;
}

static const struct cp_udp_ops udp_ops = {
	.wake = on_wake, .receive = on_datagram, .rest = on_rest, .error = on_icmp};
static const struct cp_stream_ops stream_ops = {
	.receive = on_stream_message, .closed = on_closed, .most = on_most};

// ---- who sends -----------------------------------------------------------------------------------

static const struct cp_peer *by_certificate(
	struct cp_transport *t, const struct cp_policy *policy, const struct sip_flow *flow)
{
	struct known *k = &t->known[flow->connection & (KNOWN - 1)];
	const struct cp_tls_session *session;

	if (k->connection == flow->connection && k->generation == t->generation &&
		k->policy == policy)
		return k->peer;
	session = cp_streams_session(t->streams, flow);
	if (!session || !cp_tls_ready(session))
		return NULL;
	*k = (struct known){flow->connection, t->generation, policy,
		cp_certificates_peer(t->certificates, policy, session)};
	return k->peer;
}

const struct cp_peer *cp_transport_peer(
	struct cp_transport *t, const struct cp_policy *policy, const struct sip_flow *flow)
{
	const struct cp_peer *peer = NULL, *named;
	unsigned prefix = 0;

	if (t->certificates && (flow->transport == SIP_TLS || flow->transport == SIP_WSS))
		peer = by_certificate(t, policy, flow);
	if (peer)
		return peer;
	peer = cp_peers_find(policy->peers, &flow->remote, &prefix);
	if (!t->names || (peer && prefix == (flow->remote.family == 6 ? 128 : 32)))
		return peer;
	// A name goes before a network, and after an address that was written: the DNS must not be able to
	// make one peer another.
	named = cp_names_owner(t->names, policy, &flow->remote);
	return named && !(named->cfg->tls && named->cfg->tls->name[0]) ? named : peer;
}

static const struct cp_peer *owner(struct cp_transport *t, const struct sip_addr *addr)
{
	const struct cp_peer *named = t->names ? cp_names_owner(t->names, t->policy, addr) : NULL;

	return named ? named : cp_peers_owner(t->policy->peers, addr);
}

bool cp_transport_owns(struct cp_transport *t, const struct cp_policy *policy,
	const struct cp_peer *peer, const struct sip_addr *addr)
{
	return cp_peers_owner(policy->peers, addr) == peer ||
	       (t->names && cp_names_owner(t->names, policy, addr) == peer);
}

// ---- what goes -----------------------------------------------------------------------------------

static int dial(struct cp_transport *t, struct sip_flow *flow)
{
	const struct cp_peer *peer = owner(t, &flow->remote);
	struct cp_tls *tls = NULL;
	const char *name = NULL;

	if (!t->streams || flow->socket >= t->policy->listener_count ||
		(flow->transport != SIP_TCP && flow->transport != SIP_TLS))
		return -ENOTCONN;
	if (flow->transport == SIP_TLS) {
		if (!t->certificates)
			return -EPROTONOSUPPORT;
		tls = cp_certificates_towards(t->certificates, peer, &name);
	}
	return cp_streams_connect(
		t->streams, flow, &t->policy->listeners[flow->socket].local, tls, name);
}

// RFC 3261 18.1.1. The connection is asked for the same port, as the RFC says.
static int widen(struct cp_transport *t, struct sip_flow *flow, size_t n)
{
	const struct cp_policy *policy = t->policy;
	struct sip_flow stream = *flow;

	if (n <= CP_UDP_MOST || flow->socket >= policy->listener_count ||
		policy->listeners[flow->socket].stream < 0 ||
		find_shunned(t, &flow->remote, SIP_TCP))
		return 0;
	stream.transport = SIP_TCP;
	stream.socket = (uint16_t)policy->listeners[flow->socket].stream;
	if (dial(t, &stream))
		return 0;
	t->widened++;
	*flow = stream;
	return 0;
}

int cp_transport_route(struct cp_transport *t, struct sip_flow *flow, size_t n)
{
	if (flow->transport == SIP_UDP)
		return widen(t, flow, n);
	if (flow->connection && t->streams && cp_streams_alive(t->streams, flow))
		return 0;
	return dial(t, flow);
}

bool cp_transport_alive(struct cp_transport *t, const struct sip_flow *flow)
{
	return t->streams && flow->connection && cp_streams_alive(t->streams, flow);
}

// RFC 3261 18.2.2: the connection of the request is gone. The source address was proved by that
// connection; the Via of the request, which our response mirrors, tells the port where it listens.
static int reconnect(struct cp_transport *t, struct sip_flow *to, const uint8_t *bytes, size_t n)
{
	struct sip_via via;
	int err;

	if (n < 8 || memcmp(bytes, "SIP/2.0 ", 8) != 0 || !owner(t, &to->remote) ||
		sip_message_index(&t->message, bytes, n) || sip_message_via(&t->message, &via))
		return -ENOTCONN;
	to->remote.port = via.port ? via.port : to->transport == SIP_TLS ? 5061 : 5060;
	err = dial(t, to);
	if (!err)
		t->reconnected++;
	return err;
}

int cp_transport_send(
	struct cp_transport *t, const struct sip_flow *to, const uint8_t *bytes, size_t n)
{
	struct sip_flow other = *to;
	int err = -ENOTCONN;

	if (to->transport == SIP_UDP) {
		if (to->socket >= MAX_SOCKETS || !t->udp[to->socket])
			return -ENOTCONN;
		err = cp_udp_send(t->udp[to->socket], &to->remote, bytes, n);
		return err == -ENOBUFS ? 0 : err;
	}
	if (t->streams)
		err = cp_streams_send(t->streams, to, bytes, n);
	if (err != -ENOTCONN || reconnect(t, &other, bytes, n))
		return err;
	return cp_streams_send(t->streams, &other, bytes, n);
}

unsigned cp_transport_locate(struct cp_transport *t, const struct cp_policy *policy,
	const struct cp_peer *peer, struct sip_flow list[CP_HOPS])
{
	struct cp_resolve_target targets[CP_RESOLVE_TARGETS];
	struct sip_flow shunned[CP_HOPS];
	unsigned count = 0, last = 0, n;

	if (!peer->callable)
		return 0;
	if (!peer->cfg->by_name) {
		list[0] = (struct sip_flow){.remote = peer->remote,
			.socket = peer->socket,
			.transport = peer->transport};
		return 1;
	}
	n = t->names ? cp_names_targets(t->names, peer, targets) : 0;
	for (unsigned i = 0; i < n && count + last < CP_HOPS; i++) {
		int socket = cp_policy_listener(policy, targets[i].transport, &targets[i].addr);
		const struct sip_flow flow = {.remote = targets[i].addr,
			.socket = (uint16_t)socket,
			.transport = targets[i].transport};

		if (socket < 0)
			continue;
		if (find_shunned(t, &flow.remote, flow.transport))
			shunned[last++] = flow;
		else
			list[count++] = flow;
	}
	if (last)
		memcpy(&list[count], shunned, last * sizeof(*shunned));
	return count + last;
}

// ---- life ----------------------------------------------------------------------------------------

static bool has_names(const struct cp_policy *policy)
{
	for (unsigned i = 0; i < policy->cfg->peer_count; i++)
		if (policy->cfg->peers[i].host_count)
			return true;
	return false;
}

static int set_names(
	struct cp_transport *t, struct cp_policy *policy, char error[CP_TRANSPORT_ERROR])
{
	int err = 0;

	if (!t->names && has_names(policy))
		err = cp_names_new(&t->names, t->loop, policy->cfg->sip.nameservers);
	if (!err && t->names)
		err = cp_names_set(t->names, policy);
	if (err)
		snprintf(error, CP_TRANSPORT_ERROR, "names of peers: %s", strerror(-err));
	return err;
}

static int open_udp(struct cp_transport *t, unsigned i, char error[CP_TRANSPORT_ERROR])
{
	const struct cp_udp_config config = {
		.local = t->policy->listeners[i].local,
		.socket = (uint16_t)i,
		.dscp = CP_DSCP_SIGNALLING,
		.ops = &udp_ops,
		.ctx = t,
	};
	return cp_udp_open(&t->udp[i], t->loop, &config, error);
}

static int open_stream(struct cp_transport *t, unsigned i, char error[CP_TRANSPORT_ERROR])
{
	const struct cp_listener *l = &t->policy->listeners[i];
	const struct cp_stream_config config = {.ops = &stream_ops,
		.ctx = t,
		.connections = CONNECTIONS,
		.per_source = CONNECTIONS_PEER};
	bool secure = l->transport == SIP_TLS || l->transport == SIP_WSS;
	int err = t->streams ? 0 : cp_streams_new(&t->streams, t->loop, &config);

	if (err) {
		snprintf(error, CP_TRANSPORT_ERROR, "connections: %s", strerror(-err));
		return err;
	}
	return cp_streams_listen(t->streams, &l->local, (uint16_t)i, l->transport,
		secure ? cp_certificates_server(t->certificates) : NULL, error);
}

static int open_all(struct cp_transport *t, char error[CP_TRANSPORT_ERROR])
{
	int err = cp_certificates_new(&t->certificates, t->policy, error);

	if (!err && t->policy->listener_count > MAX_SOCKETS) {
		snprintf(
			error, CP_TRANSPORT_ERROR, "sip.listen: at most %u listeners", MAX_SOCKETS);
		err = -EINVAL;
	}
	for (unsigned i = 0; i < t->policy->listener_count && !err; i++)
		err = t->policy->listeners[i].transport == SIP_UDP ? open_udp(t, i, error)
								   : open_stream(t, i, error);
	return err ? err : set_names(t, t->policy, error);
}

int cp_transport_new(struct cp_transport **out, struct uv_loop_s *loop, struct cp_policy *policy,
	const struct cp_transport_ops *ops, void *ctx, char error[CP_TRANSPORT_ERROR])
{
	struct cp_transport *t = calloc(1, sizeof(*t));
	int err;

	error[0] = '\0';
	if (!t) {
		snprintf(error, CP_TRANSPORT_ERROR, "no memory left");
		return -ENOMEM;
	}
	t->loop = loop;
	t->last_gone = &t->gone;
	uv_timer_init(loop, &t->later);
	t->policy = cp_policy_hold(policy);
	t->ops = ops;
	t->ctx = ctx;
	err = open_all(t, error);
	if (err)
		cp_transport_free(t);
	else
		*out = t;
	return err;
}

static void on_freed(uv_handle_t *handle)
{
	struct cp_transport *t = (struct cp_transport *)handle;

	while (t->gone) {
		struct gone *g = t->gone;

		t->gone = g->next;
		free(g);
	}
	free(t);
}

void cp_transport_free(struct cp_transport *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < MAX_SOCKETS; i++)
		cp_udp_close(t->udp[i]);
	cp_streams_free(t->streams);
	cp_names_free(t->names);
	cp_certificates_free(t->certificates);
	cp_policy_release(t->policy);
	uv_close((uv_handle_t *)&t->later, on_freed);
}

int cp_transport_set_policy(
	struct cp_transport *t, struct cp_policy *policy, char error[CP_TRANSPORT_ERROR])
{
	struct cp_certificates *fresh;
	int err = cp_certificates_new(&fresh, policy, error);

	if (!err)
		err = set_names(t, policy, error);
	if (err) {
		cp_certificates_free(fresh);
		return err;
	}
	if (t->certificates && fresh)
		cp_certificates_update(t->certificates, fresh);
	else if (fresh)
		t->certificates = fresh;
	cp_policy_hold(policy);
	cp_policy_release(t->policy);
	t->policy = policy;
	t->generation++;
	return 0;
}

void cp_transport_count(const struct cp_transport *t, struct cp_transport_counters *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < MAX_SOCKETS; i++) {
		const struct cp_udp_counters *u = t->udp[i] ? cp_udp_counters(t->udp[i]) : NULL;

		if (!u)
			continue;
		out->udp_received += u->received;
		out->udp_received_octets += u->received_octets;
		out->udp_sent += u->sent;
		out->udp_sent_octets += u->sent_octets;
		out->udp_kernel_drops += u->kernel_drops;
		out->udp_queue_full += u->queue_full;
		out->udp_icmp += u->icmp_errors;
	}
	if (t->streams)
		out->streams = *cp_streams_counters(t->streams);
	if (t->names) {
		out->dns_questions = cp_names_counters(t->names)->queries;
		out->dns_failures = cp_names_counters(t->names)->failed;
	}
	out->keepalives = t->keepalives;
	out->widened = t->widened;
	out->reconnected = t->reconnected;
}
