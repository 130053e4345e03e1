// SPDX-License-Identifier: BSD-3-Clause
// A UDP socket for signalling, bound to one address, driven by a libuv loop. A datagram that comes is
// delivered with its sip_flow; a datagram is sent to the remote of a flow, from this socket's own
// address. Reads in bursts (recvmmsg); what the kernel does not take at once waits in a bounded
// queue; ICMP errors come back with the flow they belong to.
//
// Refuses the unspecified address (0.0.0.0, ::): a socket answers from where it was asked only when
// it knows its address, and so do Via, Contact and the trace. An IPv6 socket takes IPv6 only.
//
// Thread: the one of the loop. Callbacks may send on any socket and may call cp_udp_close() on any,
// the one they were called for included.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "sip/flow.h"

#ifdef __cplusplus
extern "C" {
#endif

struct cp_udp;
struct uv_loop_s;

struct cp_udp_ops {
	// Once before the datagrams of one wake-up, so that the owner may read its clock once. May be
	// NULL.
	void (*wake)(void *ctx);
	// `data` lives until the return. Empty datagrams and keep-alives (RFC 5626 CRLF) come too.
	void (*receive)(void *ctx, const struct sip_flow *source, const uint8_t *data, size_t n);
	// After the datagrams of one wake-up. May be NULL.
	void (*rest)(void *ctx);
	// ICMP says that what was sent to this flow did not arrive: -ECONNREFUSED, -EHOSTUNREACH,
	// -EMSGSIZE, ...
	void (*error)(void *ctx, const struct sip_flow *to, int error);
};

struct cp_udp_config {
	struct sip_addr local; // with its port
	uint16_t socket;       // flow.socket of what is received here
	uint8_t dscp;          // 0..63; signalling wants CP_DSCP_SIGNALLING
	uint32_t queue;        // datagrams that wait for the kernel; 0: 1024
	const struct cp_udp_ops *ops;
	void *ctx;
};

#define CP_DSCP_SIGNALLING 24u // CS3 (RFC 4594 uses CS5; operators mark SIP CS3)

struct cp_udp_counters {
	uint64_t received, received_octets;
	uint64_t sent, sent_octets;
	uint64_t queued, queue_full, send_errors;
	uint64_t icmp_errors;
	uint64_t kernel_drops; // the kernel's own count of datagrams that found the socket's buffer
			       // full (SO_RXQ_OVFL)
};

#define CP_NET_ERROR 256u

// 0 or -errno; then `error` holds one line that says what to do about it.
int cp_udp_open(struct cp_udp **out, struct uv_loop_s *loop, const struct cp_udp_config *config,
	char error[CP_NET_ERROR]);
// Closes the socket at once; the memory goes when the loop has run once more. NULL is allowed.
void cp_udp_close(struct cp_udp *u);

// 0 when sent or queued; -ENOBUFS when the queue is full, else what the kernel answers
// (-ENETUNREACH, -EMSGSIZE, -EAFNOSUPPORT, ...).
int cp_udp_send(struct cp_udp *u, const struct sip_addr *to, const uint8_t *bytes, size_t n);

// Inside `receive`: how long this datagram has waited since the kernel took it from the device, in
// microseconds. 0 when the kernel does not say.
uint64_t cp_udp_waited(const struct cp_udp *u);

// As bound: port 0 of the configuration is the port that the kernel chose.
const struct sip_addr *cp_udp_local(const struct cp_udp *u);
const struct cp_udp_counters *cp_udp_counters(const struct cp_udp *u);

#ifdef __cplusplus
}
#endif
