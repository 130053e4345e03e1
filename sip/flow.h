// SPDX-License-Identifier: BSD-3-Clause
//
// A flow: where bytes came from, or where they go. The caller gives one with every message it
// received, and gets one with every message to be sent. Responses go to the flow of their request
// and nowhere else: no Via, received, rport or maddr of a sender's making is ever turned into a
// flow (RFC 3581, and TRAPS.md).
//
// Thread: plain values.
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "sip/slice.h"

#ifdef __cplusplus
extern "C" {
#endif

enum sip_transport {
	SIP_UDP,
	SIP_TCP,
	SIP_TLS,
	SIP_WS,
	SIP_WSS,
};

struct sip_addr {
	uint8_t family; // 4, 6, or 0 when there is none
	uint8_t reserved;
	uint16_t port;  // host order
	uint32_t scope; // IPv6 link-local only
	uint8_t ip[16]; // network order; an IPv4 address is in the first four, the rest is zero
};

struct sip_flow {
	struct sip_addr remote;
	uint16_t socket;   // which local socket or listener, in the caller's numbering
	uint8_t transport; // enum sip_transport
	uint8_t reserved;
	uint32_t connection; // which connection, in the caller's numbering; 0 on UDP
};

static inline bool sip_flow_reliable(const struct sip_flow *f)
{
	return f->transport != SIP_UDP;
}

// "UDP", "TCP", "TLS", "WS", "WSS", as a Via writes them.
const char *sip_transport_name(uint8_t transport);
// "udp" ...; -EINVAL when it is none of ours. Case does not matter.
int sip_transport_from(struct sip_slice name, uint8_t *out);

bool sip_addr_same_host(const struct sip_addr *a, const struct sip_addr *b);
bool sip_addr_equal(const struct sip_addr *a, const struct sip_addr *b);
// 0 or -EINVAL. IPv4-mapped IPv6 addresses become IPv4.
int sip_addr_from_sockaddr(const struct sockaddr *sa, socklen_t n, struct sip_addr *out);
socklen_t sip_addr_to_sockaddr(const struct sip_addr *a, struct sockaddr_storage *out);
// From a literal, "192.0.2.1", "2001:db8::1" or "[2001:db8::1]"; -EINVAL for names.
int sip_addr_parse(struct sip_slice host, uint16_t port, struct sip_addr *out);

#define SIP_ADDR_TEXT 64
// Writes "192.0.2.1" or "2001:db8::1" ("[...]" with brackets set), returns its length.
size_t sip_addr_host(const struct sip_addr *a, bool brackets, char out[SIP_ADDR_TEXT]);

#ifdef __cplusplus
}
#endif
