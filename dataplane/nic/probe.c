// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/nic/probe.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#define SOURCE_PORT 9u // discard
#define PAYLOAD     24u
#define MAGIC       "hawse-media probe"

static uint8_t *put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return p + 2;
}

static uint32_t sum_of(const uint8_t *p, size_t size)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < size; i += 2) // all sizes here are even
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	return sum;
}

static unsigned fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

static uint8_t *write_ip4(uint8_t *p, const struct probe *probe)
{
	uint8_t *ip = p;

	p = put16(p, 0x4500);
	p = put16(p, 20 + 8 + PAYLOAD);
	p = put16(p, 0);
	p = put16(p, 0x4000); // never in fragments
	p = put16(p, 0x0111); // TTL 1, UDP
	p = put16(p, 0);
	memcpy(p, probe->ip, 4);
	memcpy(p + 4, probe->ip, 4);
	put16(ip + 10, fold(sum_of(ip, 20)));
	return p + 8;
}

static uint8_t *write_ip6(uint8_t *p, const struct probe *probe)
{
	p = put16(p, 0x6000);
	p = put16(p, 0);
	p = put16(p, 8 + PAYLOAD);
	p = put16(p, 0x1101); // UDP, one hop
	memcpy(p, probe->ip, 16);
	memcpy(p + 16, probe->ip, 16);
	return p + 32;
}

size_t probe_write(const struct probe *probe, uint8_t frame[PROBE_MAX])
{
	uint8_t *p = frame, *udp;
	uint32_t sum;

	memcpy(p, probe->mac, 6);
	memcpy(p + 6, probe->mac, 6);
	p = put16(p + 12, probe->family == 4 ? 0x0800 : 0x86dd);
	p = probe->family == 4 ? write_ip4(p, probe) : write_ip6(p, probe);
	udp = p;
	p = put16(p, SOURCE_PORT);
	p = put16(p, probe->port);
	p = put16(p, 8 + PAYLOAD);
	p = put16(p, 0);
	memset(p, 0, PAYLOAD);
	memcpy(p, MAGIC, 16);
	memcpy(p + 16, &probe->token, 8);
	sum = sum_of(udp, 8 + PAYLOAD) + 17 + 8 + PAYLOAD +
	      2 * sum_of(probe->ip, probe->family == 4 ? 4 : 16);
	sum = fold(sum);
	put16(udp + 6, sum ? sum : 0xffff);
	return (size_t)(p + PAYLOAD - frame);
}

bool probe_is(const struct probe *probe, const uint8_t *frame, size_t size)
{
	uint8_t wanted[PROBE_MAX];

	return size >= probe_write(probe, wanted) &&
	       memcmp(frame, wanted, probe_write(probe, wanted)) == 0;
}

uint64_t probe_token(void)
{
	static uint64_t given;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_nsec << 32 ^ (uint64_t)getpid() << 16 ^ ++given;
}
