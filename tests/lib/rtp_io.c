// SPDX-License-Identifier: BSD-3-Clause
#include "tests/lib/rtp_io.h"

#include "tests/lib/fax.h"
#include "tests/lib/tone.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PTIME_NS 20000000ull
#define MAGIC    0x48575345u // "HWSE"

// What stands in front of the pattern in every payload.
struct mark {
	uint32_t magic, sender, call, reserved;
	uint64_t number, sent_at;
};

struct packet {
	uint8_t flags, type;
	uint16_t seq;
	uint32_t ts, ssrc;
	struct mark mark;
	uint8_t pattern[RTP_FRAME - sizeof(struct mark)];
} __attribute__((packed));

uint64_t rtp_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static void fill_pattern(uint8_t *p, size_t size, uint32_t call, uint64_t number)
{
	uint32_t x = call * 2654435761u + (uint32_t)number * 40503u + 1;
	for (size_t i = 0; i < size; i++) {
		x = x * 1664525u + 1013904223u;
		p[i] = (uint8_t)(x >> 24);
	}
}

static int open_socket(const struct sockaddr_storage *local, uint16_t port)
{
	struct sockaddr_storage a = *local;
	rtp_set_port(&a, port);
	int fd = socket(a.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	int size = 1 << 20;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (bind(fd, (struct sockaddr *)&a, rtp_address_size(&a)) < 0) {
		int e = errno;
		close(fd);
		return -e;
	}
	return fd;
}

int rtp_open(struct rtp_stream *s, const struct sockaddr_storage *local, uint16_t port)
{
	uint32_t random[4];
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return -EIO;
	s->fd = s->rtcp_fd = -1;
	s->port = port;
	s->ssrc = random[0];
	s->first_seq = (uint16_t)random[1];
	s->first_ts = random[2];
	int fd = open_socket(local, port);
	if (fd < 0)
		return fd;
	s->fd = fd;
	fd = open_socket(local, (uint16_t)(port + 1));
	if (fd < 0) {
		close(s->fd);
		s->fd = -1;
		return fd;
	}
	s->rtcp_fd = fd;
	return 0;
}

void rtp_close(struct rtp_stream *s)
{
	if (s->fd >= 0)
		close(s->fd);
	if (s->rtcp_fd >= 0)
		close(s->rtcp_fd);
	s->fd = s->rtcp_fd = -1;
	free(s->seen);
	s->seen = NULL;
	s->seen_bits = 0;
}

void rtp_set_remote(
	struct rtp_stream *s, const struct sockaddr_storage *rtp, uint16_t rtcp_port, bool mux)
{
	s->remote = s->rtcp_remote = *rtp;
	if (!mux)
		rtp_set_port(&s->rtcp_remote, rtcp_port);
	s->mux = mux;
	s->has_remote = true;
	for (unsigned i = 0; i < s->announced_count; i++)
		if (rtp_same_address(&s->announced[i], rtp))
			return;
	if (s->announced_count < RTP_SOURCES)
		s->announced[s->announced_count++] = *rtp;
}

static bool send_guarded(struct rtp_stream *s, int fd, const void *data, size_t size,
	const struct sockaddr_storage *to, bool rtcp)
{
	uint8_t copy[2048];
	int length = (int)size;
	memcpy(copy, data, size);
	if (!s->plain && s->guard.protect &&
		!s->guard.protect(s->guard.state, copy, &length, rtcp)) {
		s->send_errors++;
		return false;
	}
	if (sendto(fd, copy, (size_t)length, 0, (const struct sockaddr *)to,
		    rtp_address_size(to)) == length)
		return true;
	s->send_errors++;
	return false;
}

void rtp_send_fax(void *stream, const uint8_t *packet, size_t size)
{
	struct rtp_stream *s = stream;
	send_guarded(s, s->fd, packet, size, &s->remote, false);
}

static void send_tone(struct rtp_stream *s)
{
	uint8_t packet[1500] = {0x80};
	*(uint16_t *)(packet + 2) = htons((uint16_t)(s->first_seq + s->sent));
	*(uint32_t *)(packet + 8) = htonl(s->ssrc);
	size_t n = tone_send(s->tone, packet, sizeof(packet));
	packet[1] |= s->sent ? 0 : 0x80;
	send_guarded(s, s->fd, packet, n, &s->remote, false);
	s->sent++;
	s->to_send--;
}

static void send_one(struct rtp_stream *s, uint64_t now)
{
	if (s->tone) {
		send_tone(s);
		return;
	}
	struct packet p = {
		.flags = 0x80,
		.type = (uint8_t)(s->payload_type | (s->sent ? 0 : 0x80)),
		.seq = htons((uint16_t)(s->first_seq + s->sent)),
		.ts = htonl(s->first_ts + (uint32_t)s->sent * RTP_FRAME),
		.ssrc = htonl(s->ssrc),
		.mark = {.magic = MAGIC, .sender = s->sender, .call = s->call, .number = s->sent},
	};
	fill_pattern(p.pattern, sizeof(p.pattern), s->call, s->sent);
	p.mark.sent_at = now;
	send_guarded(s, s->fd, &p, sizeof(p), &s->remote, false);
	s->sent++;
	s->to_send--;
}

// A sender report with a CNAME, so that a relay has something whole to pass on (RFC 3550 6.1).
static void send_rtcp(struct rtp_stream *s)
{
	struct {
		uint8_t flags, type;
		uint16_t length;
		uint32_t ssrc, ntp[2], ts, packets, octets;
		uint8_t sdes_flags, sdes_type;
		uint16_t sdes_length;
		uint32_t sdes_ssrc;
		char item[8];
	} __attribute__((packed)) p = {
		0x80,
		200,
		htons(6),
		htonl(s->ssrc),
		{htonl((uint32_t)time(NULL)), 0},
		htonl(s->first_ts + (uint32_t)s->sent * RTP_FRAME),
		htonl((uint32_t)s->sent),
		htonl((uint32_t)s->sent * RTP_FRAME),
		0x81,
		202,
		htons(3),
		htonl(s->ssrc),
		{1, 4, 't', 'e', 's', 't', 0, 0},
	};
	int fd = s->mux ? s->fd : s->rtcp_fd;
	if (send_guarded(s, fd, &p, sizeof(p), &s->rtcp_remote, true))
		s->rtcp_sent++;
}

static bool fax_runs(const struct rtp_stream *s)
{
	return s->fax && (s->fax_on || telefax_is_audio(s->fax));
}

uint64_t rtp_send_due(struct rtp_stream *s, uint64_t now)
{
	uint64_t next = UINT64_MAX;
	if (s->fd < 0 || !s->has_remote)
		return next;
	if (s->to_send) {
		if (!s->next_send)
			s->next_send = now;
		while (s->to_send && s->next_send <= now) {
			send_one(s, rtp_now());
			s->next_send += s->interval ? s->interval : PTIME_NS;
		}
		if (s->to_send)
			next = s->next_send;
	}
	if (fax_runs(s)) {
		for (s->next_fax = s->next_fax ? s->next_fax : now; s->next_fax <= now;
			s->next_fax += PTIME_NS)
			telefax_run(s->fax);
		next = s->next_fax < next ? s->next_fax : next;
	}
	if (s->rtcp_interval) {
		if (s->next_rtcp <= now) {
			send_rtcp(s);
			s->next_rtcp = now + s->rtcp_interval;
		}
		if (s->next_rtcp < next)
			next = s->next_rtcp;
	}
	return next;
}

static void note_source(struct rtp_source *list, const struct sockaddr_storage *from)
{
	for (int i = 0; i < RTP_SOURCES; i++) {
		if (list[i].packets && !rtp_same_address(&list[i].address, from))
			continue;
		list[i].address = *from;
		list[i].packets++;
		return;
	}
}

static bool grow_seen(struct rtp_stream *s, uint64_t number)
{
	if (number < s->seen_bits)
		return true;
	if (number > 1u << 28)
		return false;
	size_t bits = s->seen_bits ? s->seen_bits : 4096;
	while (bits <= number)
		bits *= 2;
	uint8_t *p = realloc(s->seen, bits / 8);
	if (!p)
		return false;
	memset(p + s->seen_bits / 8, 0, (bits - s->seen_bits) / 8);
	s->seen = p;
	s->seen_bits = bits;
	return true;
}

// The relay may rewrite neither the order of sequence numbers and timestamps nor the payload.
static bool intact(struct rtp_stream *s, const struct packet *p)
{
	uint8_t pattern[sizeof(p->pattern)];
	uint32_t ahead = (uint32_t)(p->mark.number - s->heard_first);
	fill_pattern(pattern, sizeof(pattern), p->mark.call, p->mark.number);
	return memcmp(pattern, p->pattern, sizeof(pattern)) == 0 &&
	       ntohs(p->seq) == (uint16_t)(s->expect_seq + ahead) &&
	       ntohl(p->ts) == s->expect_ts + ahead * RTP_FRAME && ntohl(p->ssrc) == s->heard_ssrc;
}

static void account(struct rtp_stream *s, const struct packet *p, uint64_t now)
{
	if (!s->heard) {
		s->heard = true;
		s->heard_sender = p->mark.sender;
		s->heard_call = p->mark.call;
		s->heard_ssrc = ntohl(p->ssrc);
		s->heard_first = s->heard_max = p->mark.number;
		s->expect_seq = ntohs(p->seq);
		s->expect_ts = ntohl(p->ts);
		s->first_arrival = s->last_arrival = now;
	}
	if (p->mark.sender != s->heard_sender || p->mark.call != s->heard_call) {
		s->crossed++;
		return;
	}
	if (!intact(s, p) || !grow_seen(s, p->mark.number)) {
		s->corrupt++;
		return;
	}
	uint8_t bit = (uint8_t)(1u << (p->mark.number & 7));
	if (s->seen[p->mark.number / 8] & bit) {
		s->doubled++;
		return;
	}
	s->seen[p->mark.number / 8] |= bit;
	s->received++;
	if (p->mark.number < s->heard_max)
		s->reordered++;
	else
		s->heard_max = p->mark.number;
	if (now - s->last_arrival > s->max_gap)
		s->max_gap = now - s->last_arrival;
	s->last_arrival = now;
}

static void note_latency(struct rtp_latency *l, uint64_t ns)
{
	double us = (double)ns / 1000.0;
	int i = us <= 1.0 ? 0 : (int)(4.0 * log2(us));
	int last = (int)(sizeof(l->bucket) / sizeof(l->bucket[0])) - 1;
	l->bucket[i > last ? last : i]++;
	l->count++;
	if (ns > l->max)
		l->max = ns;
}

void rtp_receive(struct rtp_stream *s, struct rtp_latency *latency)
{
	union {
		struct packet p;
		uint8_t bytes[2048];
	} b;
	struct sockaddr_storage from;
	while (!s->guard_due) {
		socklen_t size = sizeof(from);
		ssize_t n = recvfrom(
			s->fd, &b, sizeof(b), MSG_DONTWAIT, (struct sockaddr *)&from, &size);
		if (n < 0)
			return;
		if (fax_runs(s)) {
			note_source(s->sources, &from);
			telefax_receive(s->fax, b.bytes, (size_t)n);
			continue;
		}
		bool rtcp = n >= 8 && b.bytes[1] >= 192 && b.bytes[1] <= 223; // RFC 5761
		int length = (int)n;
		if (n >= 12 && s->guard.unprotect &&
			!s->guard.unprotect(s->guard.state, b.bytes, &length, rtcp)) {
			s->unauthentic++;
			continue;
		}
		n = length;
		if (rtcp) {
			s->rtcp_received++;
			note_source(s->rtcp_sources, &from);
			continue;
		}
		note_source(s->sources, &from);
		if (s->tone) {
			tone_receive(s->tone, b.bytes, (size_t)n);
			s->received++;
			continue;
		}
		if ((size_t)n != sizeof(b.p) || b.p.mark.magic != MAGIC) {
			s->foreign++;
			continue;
		}
		uint64_t now = rtp_now();
		if (latency && now > b.p.mark.sent_at)
			note_latency(latency, now - b.p.mark.sent_at);
		account(s, &b.p, now);
	}
}

void rtp_receive_rtcp(struct rtp_stream *s)
{
	uint8_t b[2048];
	struct sockaddr_storage from;
	socklen_t size = sizeof(from);
	ssize_t n;
	while (!s->guard_due && (n = recvfrom(s->rtcp_fd, b, sizeof(b), MSG_DONTWAIT,
					 (struct sockaddr *)&from, &size)) >= 0) {
		int length = (int)n;
		size = sizeof(from);
		if (s->guard.unprotect && !s->guard.unprotect(s->guard.state, b, &length, true)) {
			s->unauthentic++;
			continue;
		}
		s->rtcp_received++;
		note_source(s->rtcp_sources, &from);
	}
}

uint64_t rtp_lost(const struct rtp_stream *s)
{
	return s->heard ? s->heard_max + 1 - s->received : 0;
}

uint64_t rtp_wrong_source(const struct rtp_stream *s)
{
	uint64_t wrong = 0;
	for (int i = 0; i < RTP_SOURCES; i++) {
		bool known = false;
		for (unsigned j = 0; j < s->announced_count; j++)
			known |= rtp_same_address(&s->sources[i].address, &s->announced[j]);
		if (!known)
			wrong += s->sources[i].packets;
	}
	return wrong;
}

void rtp_report(const struct rtp_stream *s, FILE *out)
{
	char text[80];
	fprintf(out,
		"\"sent\": %llu, \"send_errors\": %llu, \"received\": %llu, \"lost\": %llu, "
		"\"doubled\": %llu, \"reordered\": %llu, \"crossed\": %llu, \"corrupt\": %llu, "
		"\"foreign\": %llu, \"unauthentic\": %llu, \"wrong_source\": %llu, \"max_gap_ms\": "
		"%.1f, "
		"\"heard_call\": %lld, \"rtcp_sent\": %llu, \"rtcp_received\": %llu",
		(unsigned long long)s->sent, (unsigned long long)s->send_errors,
		(unsigned long long)s->received, (unsigned long long)rtp_lost(s),
		(unsigned long long)s->doubled, (unsigned long long)s->reordered,
		(unsigned long long)s->crossed, (unsigned long long)s->corrupt,
		(unsigned long long)s->foreign, (unsigned long long)s->unauthentic,
		(unsigned long long)rtp_wrong_source(s), (double)s->max_gap / 1e6,
		s->heard ? (long long)s->heard_call : -1, (unsigned long long)s->rtcp_sent,
		(unsigned long long)s->rtcp_received);
	fprintf(out, ", \"sources\": [");
	for (int i = 0; i < RTP_SOURCES && s->sources[i].packets; i++)
		fprintf(out, "%s\"%s\"", i ? ", " : "",
			rtp_address_text(&s->sources[i].address, text, sizeof(text)));
	fprintf(out, "], \"announced\": [");
	for (unsigned i = 0; i < s->announced_count; i++)
		fprintf(out, "%s\"%s\"", i ? ", " : "",
			rtp_address_text(&s->announced[i], text, sizeof(text)));
	fprintf(out, "]");
	if (s->fax) {
		fprintf(out, ", ");
		telefax_report(s->fax, out);
	}
	if (s->tone) {
		fprintf(out, ", ");
		tone_report(s->tone, out);
	}
}

static double percentile(const struct rtp_latency *l, double share)
{
	uint64_t want = (uint64_t)((double)l->count * share), seen = 0;
	for (size_t i = 0; i < sizeof(l->bucket) / sizeof(l->bucket[0]); i++) {
		seen += l->bucket[i];
		if (seen > want)
			return exp2((double)(i + 1) / 4.0);
	}
	return (double)l->max / 1000.0;
}

void rtp_report_latency(const struct rtp_latency *l, FILE *out)
{
	fprintf(out,
		"\"latency_us\": {\"count\": %llu, \"p50\": %.0f, \"p90\": %.0f, \"p99\": %.0f, "
		"\"p999\": %.0f, \"max\": %.0f}",
		(unsigned long long)l->count, percentile(l, 0.5), percentile(l, 0.9),
		percentile(l, 0.99), percentile(l, 0.999), (double)l->max / 1000.0);
}

int rtp_parse_address(const char *text, uint16_t default_port, struct sockaddr_storage *out)
{
	char host[64];
	const char *port = NULL, *end;
	size_t n;
	if (*text == '[') {
		end = strchr(++text, ']');
		if (!end)
			return -EINVAL;
		port = end[1] == ':' ? end + 2 : NULL;
	} else {
		end = strchr(text, ':');
		if (end && strchr(end + 1, ':')) // a bare IPv6 address
			end = NULL;
		port = end ? end + 1 : NULL;
		if (!end)
			end = text + strlen(text);
	}
	n = (size_t)(end - text);
	if (n >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, n);
	host[n] = 0;
	memset(out, 0, sizeof(*out));
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1)
		out->ss_family = AF_INET;
	else if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1)
		out->ss_family = AF_INET6;
	else
		return -EINVAL;
	rtp_set_port(out, port ? (uint16_t)atoi(port) : default_port);
	return 0;
}

const char *rtp_host_text(const struct sockaddr_storage *a, char *buf, size_t size)
{
	const void *p = a->ss_family == AF_INET6
				? (const void *)&((const struct sockaddr_in6 *)a)->sin6_addr
				: (const void *)&((const struct sockaddr_in *)a)->sin_addr;
	return inet_ntop(a->ss_family, p, buf, (socklen_t)size) ? buf : "?";
}

const char *rtp_address_text(const struct sockaddr_storage *a, char *buf, size_t size)
{
	char host[64];
	snprintf(buf, size, a->ss_family == AF_INET6 ? "[%s]:%u" : "%s:%u",
		rtp_host_text(a, host, sizeof(host)), rtp_port_of(a));
	return buf;
}

uint16_t rtp_port_of(const struct sockaddr_storage *a)
{
	return ntohs(a->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)a)->sin6_port
					      : ((const struct sockaddr_in *)a)->sin_port);
}

void rtp_set_port(struct sockaddr_storage *a, uint16_t port)
{
	if (a->ss_family == AF_INET6)
		((struct sockaddr_in6 *)a)->sin6_port = htons(port);
	else
		((struct sockaddr_in *)a)->sin_port = htons(port);
}

socklen_t rtp_address_size(const struct sockaddr_storage *a)
{
	return a->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

bool rtp_same_address(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	if (a->ss_family != b->ss_family || rtp_port_of(a) != rtp_port_of(b))
		return false;
	if (a->ss_family == AF_INET6)
		return memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr,
			       &((const struct sockaddr_in6 *)b)->sin6_addr, 16) == 0;
	return ((const struct sockaddr_in *)a)->sin_addr.s_addr ==
	       ((const struct sockaddr_in *)b)->sin_addr.s_addr;
}
