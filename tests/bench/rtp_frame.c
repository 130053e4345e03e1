// SPDX-License-Identifier: BSD-3-Clause
#include "tests/bench/rtp_frame.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put16(uint8_t *at, uint16_t value)
{
	value = htons(value);
	memcpy(at, &value, sizeof(value));
}

static void put32(uint8_t *at, uint32_t value)
{
	value = htonl(value);
	memcpy(at, &value, sizeof(value));
}

static uint32_t sum16(const uint8_t *bytes, size_t size, uint32_t sum)
{
	for (size_t i = 0; i + 1 < size; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static bool flow_parse(struct flow *flow, const char *line)
{
	char ip[3][16];
	unsigned port[3];
	struct in_addr address[3];

	if (sscanf(line, "%15s %u %15s %u %15s %u", ip[0], &port[0], ip[1], &port[1], ip[2],
		    &port[2]) != 6)
		return false;
	for (unsigned i = 0; i < 3; i++) {
		if (inet_pton(AF_INET, ip[i], &address[i]) != 1 || port[i] > 65535)
			return false;
	}
	flow->source_ip = address[0].s_addr;
	flow->relay_ip = address[1].s_addr;
	flow->receiver_ip = address[2].s_addr;
	flow->source_port = (uint16_t)port[0];
	flow->relay_port = (uint16_t)port[1];
	flow->receiver_port = (uint16_t)port[2];
	return true;
}

struct flow *flows_read(const char *file, size_t *count)
{
	char line[160];
	struct flow *flows = NULL;
	size_t room = 0, used = 0;
	FILE *in = fopen(file, "r");

	if (!in) {
		perror(file);
		return NULL;
	}
	while (fgets(line, sizeof(line), in)) {
		if (used == room) {
			struct flow *more;

			room = room ? room * 2 : 1024;
			more = realloc(flows, room * sizeof(*flows));
			if (!more)
				goto fail;
			flows = more;
		}
		if (!flow_parse(&flows[used], line)) {
			fprintf(stderr, "%s:%zu: expected three addresses with ports\n", file,
				used + 1);
			goto fail;
		}
		used++;
	}
	fclose(in);
	if (!used)
		fprintf(stderr, "%s: no flow in it\n", file);
	*count = used;
	return flows;
fail:
	fclose(in);
	free(flows);
	return NULL;
}

void frame_build(uint8_t *frame, const struct flow *flow, uint32_t number,
	const uint8_t source_mac[6], const uint8_t relay_mac[6])
{
	uint8_t *ip = frame + FRAME_IP, *udp = frame + FRAME_UDP, *rtp = frame + FRAME_RTP;
	struct frame_mark mark = {.magic = FRAME_MAGIC, .flow = number};

	memset(frame, 0, FRAME_SIZE);
	memcpy(frame, relay_mac, 6);
	memcpy(frame + 6, source_mac, 6);
	put16(frame + 12, 0x0800);
	ip[0] = 0x45;
	put16(ip + 2, FRAME_SIZE - FRAME_IP);
	ip[6] = 0x40; // do not fragment
	ip[8] = 64;
	ip[9] = 17;
	memcpy(ip + 12, &flow->source_ip, 4);
	memcpy(ip + 16, &flow->relay_ip, 4);
	put16(ip + 10, fold(sum16(ip, 20, 0)));
	put16(udp, flow->source_port);
	put16(udp + 2, flow->relay_port);
	put16(udp + 4, FRAME_SIZE - FRAME_UDP);
	rtp[0] = 0x80;
	rtp[1] = 8; // PCMA
	put32(rtp + 8, 0x10000000u + number);
	memset(frame + FRAME_PAYLOAD, 0xd5, FRAME_SIZE - FRAME_PAYLOAD);
	memcpy(frame + FRAME_PAYLOAD, &mark, sizeof(mark));
}

void frame_checksum(uint8_t *frame)
{
	uint32_t sum = sum16(frame + FRAME_IP + 12, 8, 17 + FRAME_SIZE - FRAME_UDP);
	uint16_t whole;

	put16(frame + FRAME_UDP + 6, 0);
	whole = fold(sum16(frame + FRAME_UDP, FRAME_SIZE - FRAME_UDP, sum));
	put16(frame + FRAME_UDP + 6, whole ? whole : 0xffff);
}

void frame_serial(uint8_t *frame, uint32_t serial)
{
	put16(frame + FRAME_RTP + 2, (uint16_t)serial);
	put32(frame + FRAME_RTP + 4, serial * 160u);
}

bool mac_parse(uint8_t mac[6], const char *text)
{
	unsigned byte[6];

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x", &byte[0], &byte[1], &byte[2], &byte[3],
		    &byte[4], &byte[5]) != 6)
		return false;
	for (unsigned i = 0; i < 6; i++)
		mac[i] = (uint8_t)byte[i];
	return true;
}
