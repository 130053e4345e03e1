// SPDX-License-Identifier: BSD-3-Clause
#include "sip/flow.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

static const char *const transports[] = {"UDP", "TCP", "TLS", "WS", "WSS"};
#define TRANSPORTS (sizeof(transports) / sizeof(transports[0]))

const char *sip_transport_name(uint8_t transport)
{
	return transport < TRANSPORTS ? transports[transport] : "UDP";
}

int sip_transport_from(struct sip_slice name, uint8_t *out)
{
	for (uint8_t i = 0; i < TRANSPORTS; i++) {
		if (sip_slice_iis(name, transports[i])) {
			*out = i;
			return 0;
		}
	}
	return -EINVAL;
}

bool sip_addr_same_host(const struct sip_addr *a, const struct sip_addr *b)
{
	return a->family == b->family && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0 &&
	       a->scope == b->scope;
}

bool sip_addr_equal(const struct sip_addr *a, const struct sip_addr *b)
{
	return a->port == b->port && sip_addr_same_host(a, b);
}

static void set_v6(struct sip_addr *out, const struct in6_addr *ip)
{
	if (IN6_IS_ADDR_V4MAPPED(ip)) {
		out->family = 4;
		memcpy(out->ip, &ip->s6_addr[12], 4);
	} else {
		out->family = 6;
		memcpy(out->ip, ip, 16);
	}
}

int sip_addr_from_sockaddr(const struct sockaddr *sa, socklen_t n, struct sip_addr *out)
{
	memset(out, 0, sizeof(*out));
	if (n >= sizeof(struct sockaddr_in) && sa->sa_family == AF_INET) {
		struct sockaddr_in in;
		memcpy(&in, sa, sizeof(in));
		out->family = 4;
		out->port = ntohs(in.sin_port);
		memcpy(out->ip, &in.sin_addr, 4);
		return 0;
	}
	if (n >= sizeof(struct sockaddr_in6) && sa->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;
		memcpy(&in6, sa, sizeof(in6));
		out->port = ntohs(in6.sin6_port);
		set_v6(out, &in6.sin6_addr);
		if (IN6_IS_ADDR_LINKLOCAL(&in6.sin6_addr))
			out->scope = in6.sin6_scope_id;
		return 0;
	}
	return -EINVAL;
}

socklen_t sip_addr_to_sockaddr(const struct sip_addr *a, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof(*out));
	if (a->family == 4) {
		struct sockaddr_in *in = (struct sockaddr_in *)out;
		in->sin_family = AF_INET;
		in->sin_port = htons(a->port);
		memcpy(&in->sin_addr, a->ip, 4);
		return sizeof(*in);
	}
	if (a->family == 6) {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(a->port);
		in6->sin6_scope_id = a->scope;
		memcpy(&in6->sin6_addr, a->ip, 16);
		return sizeof(*in6);
	}
	return 0;
}

int sip_addr_parse(struct sip_slice host, uint16_t port, struct sip_addr *out)
{
	char text[SIP_ADDR_TEXT];
	struct in6_addr v6;

	memset(out, 0, sizeof(*out));
	if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = sip_slice(host.p + 1, host.n - 2);
	if (host.n == 0 || host.n >= sizeof(text) || memchr(host.p, '\0', host.n))
		return -EINVAL;
	memcpy(text, host.p, host.n);
	text[host.n] = '\0';
	out->port = port;
	if (inet_pton(AF_INET, text, out->ip) == 1) {
		out->family = 4;
		return 0;
	}
	if (inet_pton(AF_INET6, text, &v6) != 1)
		return -EINVAL;
	set_v6(out, &v6);
	return 0;
}

// Decimal without printf: this runs for every response.
static size_t put_octet(char *p, uint8_t v)
{
	size_t n = 0;
	if (v >= 100)
		p[n++] = (char)('0' + v / 100);
	if (v >= 10)
		p[n++] = (char)('0' + v / 10 % 10);
	p[n++] = (char)('0' + v % 10);
	return n;
}

size_t sip_addr_host(const struct sip_addr *a, bool brackets, char out[SIP_ADDR_TEXT])
{
	size_t n = 0;
	if (a->family == 4) {
		for (int i = 0; i < 4; i++) {
			if (i)
				out[n++] = '.';
			n += put_octet(out + n, a->ip[i]);
		}
		out[n] = '\0';
		return n;
	}
	if (a->family != 6) {
		out[0] = '\0';
		return 0;
	}
	if (brackets)
		out[n++] = '[';
	inet_ntop(AF_INET6, a->ip, out + n, SIP_ADDR_TEXT - 4);
	n += strlen(out + n);
	if (brackets)
		out[n++] = ']';
	out[n] = '\0';
	return n;
}
