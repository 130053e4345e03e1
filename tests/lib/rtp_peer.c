// SPDX-License-Identifier: BSD-3-Clause
// Sends packets to a range of ports without any SIP: a stranger's RTP, junk, RTCP or STUN.
//
//     rtp_peer --local 10.99.3.2:4000 --to 10.99.0.1:20000-20999 --rounds 10 --kind rtp --rate
//     20000
//
// It counts what comes back (nothing should) and prints one JSON object.
#include "tests/lib/rtp_io.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum kind { KIND_RTP, KIND_JUNK, KIND_SHORT, KIND_RTCP, KIND_STUN, KIND_COUNT };

static const char *const kinds[] = {"rtp", "junk", "short", "rtcp", "stun"};

struct stranger {
	struct sockaddr_storage local, to;
	unsigned first, last, rounds, step;
	double rate;
	int kind, payload_type;
	uint32_t random;
	int fd;
	uint64_t sent, errors, received;
};

static uint32_t draw(struct stranger *s)
{
	s->random = s->random * 1664525u + 1013904223u;
	return s->random >> 8;
}

static size_t make(struct stranger *s, uint8_t *b, uint32_t number)
{
	static const uint8_t stun[20] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4};
	size_t size = 172;
	memset(b, 0xd5, size);
	switch (s->kind) {
	case KIND_RTP:
		b[0] = 0x80;
		b[1] = (uint8_t)s->payload_type;
		*(uint16_t *)(b + 2) = htons((uint16_t)number);
		*(uint32_t *)(b + 4) = htonl(number * 160);
		*(uint32_t *)(b + 8) = htonl(0x57a4);
		return size;
	case KIND_RTCP:
		memset(b, 0, 28);
		b[0] = 0x80, b[1] = 200, b[3] = 6;
		return 28;
	case KIND_STUN:
		memcpy(b, stun, sizeof(stun));
		return sizeof(stun);
	case KIND_SHORT:
		b[0] = 0x80;
		return draw(s) % 12;
	default:
		size = 1 + draw(s) % 1400;
		for (size_t i = 0; i < size; i++)
			b[i] = (uint8_t)draw(s);
		return size;
	}
}

static void count_answers(struct stranger *s)
{
	uint8_t b[2048];
	while (recv(s->fd, b, sizeof(b), MSG_DONTWAIT) >= 0)
		s->received++;
}

static void send_all(struct stranger *s)
{
	uint8_t b[1500];
	uint64_t begin = rtp_now(), number = 0;
	for (unsigned r = 0; r < s->rounds; r++)
		for (unsigned port = s->first; port <= s->last; port += s->step, number++) {
			uint64_t due = begin + (uint64_t)((double)number * 1e9 / s->rate);
			uint64_t now = rtp_now();
			if (now < due)
				usleep((useconds_t)((due - now) / 1000));
			size_t n = make(s, b, r);
			rtp_set_port(&s->to, (uint16_t)port);
			if (sendto(s->fd, b, n, 0, (struct sockaddr *)&s->to,
				    rtp_address_size(&s->to)) < 0)
				s->errors++;
			else
				s->sent++;
			count_answers(s);
		}
	usleep(300000);
	count_answers(s);
}

static const struct option options[] = {
	{"local", 1, NULL, 'l'},
	{"to", 1, NULL, 't'},
	{"rounds", 1, NULL, 'r'},
	{"step", 1, NULL, 's'},
	{"rate", 1, NULL, 'R'},
	{"kind", 1, NULL, 'k'},
	{"payload-type", 1, NULL, 'p'},
	{NULL, 0, NULL, 0},
};

static int read_option(struct stranger *s, int o, char *value)
{
	char *dash;
	switch (o) {
	case 'l':
		return rtp_parse_address(value, 0, &s->local);
	case 't':
		dash = strrchr(value, '-');
		if (dash)
			*dash = 0;
		if (rtp_parse_address(value, 0, &s->to) < 0)
			return -1;
		s->first = rtp_port_of(&s->to);
		s->last = dash ? (unsigned)atoi(dash + 1) : s->first;
		return 0;
	case 'r':
		s->rounds = (unsigned)atoi(value);
		return 0;
	case 's':
		s->step = (unsigned)atoi(value);
		return s->step ? 0 : -1;
	case 'R':
		s->rate = atof(value);
		return s->rate > 0 ? 0 : -1;
	case 'p':
		s->payload_type = atoi(value) & 0x7f;
		return 0;
	case 'k':
		for (s->kind = 0; s->kind < KIND_COUNT; s->kind++)
			if (strcmp(kinds[s->kind], value) == 0)
				return 0;
		return -1;
	default:
		return -1;
	}
}

int main(int argc, char **argv)
{
	struct stranger s = {.rounds = 1, .step = 1, .rate = 10000, .payload_type = 8, .random = 7};
	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;)
		if (read_option(&s, o, optarg) < 0) {
			fprintf(stderr,
				"rtp_peer: cannot use that option: see the head of rtp_peer.c\n");
			return 2;
		}
	if (!s.local.ss_family || !s.to.ss_family || !s.first || s.last > 65535) {
		fprintf(stderr, "rtp_peer: --local and --to HOST:PORT[-PORT] are needed\n");
		return 2;
	}
	s.fd = socket(s.local.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s.fd < 0 || bind(s.fd, (struct sockaddr *)&s.local, rtp_address_size(&s.local)) < 0) {
		perror("rtp_peer: bind");
		return 2;
	}
	send_all(&s);
	printf("{\"kind\": \"%s\", \"sent\": %llu, \"errors\": %llu, \"received\": %llu}\n",
		kinds[s.kind], (unsigned long long)s.sent, (unsigned long long)s.errors,
		(unsigned long long)s.received);
	close(s.fd);
	return 0;
}
