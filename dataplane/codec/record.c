// SPDX-License-Identifier: BSD-3-Clause
// Writing recordings: the bytes of wav and pcap files (wav.h).
#include <errno.h>
#include <string.h>

#include "dataplane/codec/wav.h"

static void put16(uint8_t *p, unsigned v) // little endian, as both files are
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v & 0xffff);
	put16(p + 2, v >> 16);
}

static void net16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

// ---- wav

void wav_header(uint8_t out[WAV_HEADER], unsigned rate, unsigned channels, uint64_t bytes)
{
	uint32_t data = bytes > UINT32_MAX - WAV_HEADER ? UINT32_MAX - WAV_HEADER : (uint32_t)bytes;

	memcpy(out, "RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0", 22);
	put32(out + 4, data + WAV_HEADER - 8);
	put16(out + 22, channels);
	put32(out + 24, rate);
	put32(out + 28, rate * channels * 2);
	put16(out + 32, channels * 2);
	put16(out + 34, 16);
	memcpy(out + 36, "data", 4);
	put32(out + 40, data);
}

void wav_stereo(uint8_t *out, const int16_t *left, const int16_t *right, size_t samples)
{
	for (size_t i = 0; i < samples; i++) {
		put16(out + 4 * i, (uint16_t)(left ? left[i] : 0));
		put16(out + 4 * i + 2, (uint16_t)(right ? right[i] : 0));
	}
}

void wav_mono(uint8_t *out, const int16_t *pcm, size_t samples)
{
	for (size_t i = 0; i < samples; i++)
		put16(out + 2 * i, (uint16_t)pcm[i]);
}

// ---- pcap

void pcap_header(uint8_t out[PCAP_HEADER])
{
	put32(out, 0xa1b2c3d4); // microseconds
	put16(out + 4, 2);
	put16(out + 6, 4);
	put32(out + 8, 0);
	put32(out + 12, 0);
	put32(out + 16, 65535);
	put32(out + 20, 101); // LINKTYPE_RAW
}

static uint32_t sum16(const uint8_t *p, size_t size, uint32_t sum)
{
	for (size_t i = 0; i + 1 < size; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	if (size & 1)
		sum += (uint32_t)p[size - 1] << 8;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void ip4(const struct pcap_packet *packet, uint8_t *out, unsigned udp)
{
	memset(out, 0, 20);
	out[0] = 0x45;
	net16(out + 2, 20 + udp);
	out[6] = 0x40; // not to be fragmented
	out[8] = 64;
	out[9] = 17;
	memcpy(out + 12, packet->from_ip, 4);
	memcpy(out + 16, packet->to_ip, 4);
	net16(out + 10, fold(sum16(out, 20, 0)));
}

static void ip6(const struct pcap_packet *packet, uint8_t *out, unsigned udp)
{
	memset(out, 0, 8);
	out[0] = 0x60;
	net16(out + 4, udp);
	out[6] = 17;
	out[7] = 64;
	memcpy(out + 8, packet->from_ip, 16);
	memcpy(out + 24, packet->to_ip, 16);
}

int pcap_record(const struct pcap_packet *packet, uint8_t *out, size_t capacity)
{
	bool four = packet->family == 4;
	unsigned ip = four ? 20 : 40, address = four ? 4 : 16, udp = 8u + packet->length;
	uint8_t *datagram = out + 16 + ip;
	uint32_t sum;
	uint16_t checksum;

	if ((!four && packet->family != 6) || packet->length > PCAP_MAX_DATAGRAM)
		return -EINVAL;
	if (capacity < 16 + ip + udp)
		return -ENOSPC;
	put32(out, (uint32_t)(packet->time_us / 1000000));
	put32(out + 4, (uint32_t)(packet->time_us % 1000000));
	put32(out + 8, ip + udp);
	put32(out + 12, ip + udp);
	if (four)
		ip4(packet, out + 16, udp);
	else
		ip6(packet, out + 16, udp);
	net16(datagram, packet->from_port);
	net16(datagram + 2, packet->to_port);
	net16(datagram + 4, udp);
	net16(datagram + 6, 0);
	memcpy(datagram + 8, packet->data, packet->length);
	sum = sum16(packet->from_ip, address, udp + 17);
	sum = sum16(packet->to_ip, address, sum);
	checksum = fold(sum16(datagram, udp, sum));
	net16(datagram + 6, checksum ? checksum : 0xffff);
	return (int)(16 + ip + udp);
}
