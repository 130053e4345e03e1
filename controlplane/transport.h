// SPDX-License-Identifier: BSD-3-Clause
// How SIP comes and goes: every listener, socket and connection of a loop, the names of peers, and their
// certificates, behind one object. Messages come with their flow; flow.socket is the index of the listener in
// policy->listeners, flow.connection the number of the connection.
//
// A request to a peer: cp_transport_locate() says by which flows, in the order in which they are to be
// tried; cp_transport_route() opens or finds the connection of one (RFC 5923), and turns from UDP to TCP what is
// too long (RFC 3261 18.1.1) when the peer has not refused TCP of late.
// A response goes to the flow of its request. When that connection is gone, a new one is opened only to the
// address it came from, and only if that is a peer's (RFC 3261 18.2.2): a Via's port is believed, its host
// never.
//
// Refuses: sending to an address for which a connection would have to be made over a WebSocket, which
// only the other side can open; TLS to whoever cannot prove the name it is called by (RFC 5922).
//
// Thread: the one of the loop. Callbacks may call everything here but new and free.
#pragma once

#include "controlplane/net/stream.h"
#include "controlplane/net/udp.h"
#include "controlplane/trunk/policy.h"

#define CP_TRANSPORT_ERROR 384u
#define CP_SHUN_MS         30000u // how long an address that failed is tried last
#define CP_UDP_MOST        1300u  // octets of a request (RFC 3261 18.1.1)

struct cp_transport;
struct uv_loop_s;

struct cp_transport_ops {
	// Before the messages of one wake-up, and after.
	void (*wake)(void *ctx);
	void (*rest)(void *ctx);
	// `waited`: microseconds since the kernel had it, as far as known.
	void (*receive)(void *ctx, const struct sip_flow *source, uint64_t waited,
		const uint8_t *data, size_t n);
	// ICMP: what was sent to this flow by UDP did not arrive.
	void (*unreachable)(void *ctx, const struct sip_flow *to, int error);
	// A connection is gone, or could not be made.
	void (*closed)(void *ctx, const struct sip_flow *flow, int error);
};

struct cp_transport_counters {
	uint64_t udp_received, udp_received_octets, udp_sent, udp_sent_octets;
	uint64_t udp_kernel_drops, udp_queue_full, udp_icmp;
	struct cp_stream_counters streams;
	uint64_t dns_questions, dns_failures;
	uint64_t keepalives;  // on UDP
	uint64_t widened;     // requests that went by TCP for their length
	uint64_t reconnected; // responses that went by a new connection
};

#ifdef __cplusplus
extern "C" {
#endif

// Opens every listener. Holds `policy`. 0 or -errno with one line in `error` that says what to do.
int cp_transport_new(struct cp_transport **out, struct uv_loop_s *loop, struct cp_policy *policy,
	const struct cp_transport_ops *ops, void *ctx, char error[CP_TRANSPORT_ERROR]);
// No callback any more; memory goes when the loop has run once more. NULL is allowed.
void cp_transport_free(struct cp_transport *t);

// Another policy with the same listeners: certificates are read again (connections go on with theirs),
// names asked for. Taken over whole, or not at all: -errno with `error`.
int cp_transport_set_policy(
	struct cp_transport *t, struct cp_policy *policy, char error[CP_TRANSPORT_ERROR]);

// 0 or -errno; 0 too when a socket's buffer was full, which is a lost packet.
int cp_transport_send(
	struct cp_transport *t, const struct sip_flow *to, const uint8_t *bytes, size_t n);

// By which flows requests to this peer go, the most likely first, none of whose connections need be
// open. How many; 0: nowhere, for now.
unsigned cp_transport_locate(struct cp_transport *t, const struct cp_policy *policy,
	const struct cp_peer *peer, struct sip_flow list[CP_HOPS]);
// A request of `n` octets leaves by `flow`: sets its connection, or changes it to TCP. 0 or -errno.
int cp_transport_route(struct cp_transport *t, struct sip_flow *flow, size_t n);
// Does the connection of this flow stand?
bool cp_transport_alive(struct cp_transport *t, const struct sip_flow *flow);
// This flow did not bring us anywhere (timeout, 503, refused): for a while others are tried first.
void cp_transport_failed(struct cp_transport *t, const struct sip_flow *flow);

// Who sends on this flow: by certificate, by address, by what his name resolves to. NULL: a stranger.
// `policy` may be an older one.
const struct cp_peer *cp_transport_peer(
	struct cp_transport *t, const struct cp_policy *policy, const struct sip_flow *flow);
// Is this an address at which the peer may be reached?
bool cp_transport_owns(struct cp_transport *t, const struct cp_policy *policy,
	const struct cp_peer *peer, const struct sip_addr *addr);

void cp_transport_count(const struct cp_transport *t, struct cp_transport_counters *out);

#ifdef __cplusplus
}
#endif
