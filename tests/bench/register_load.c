// SPDX-License-Identifier: BSD-3-Clause
// Phones that register as fast as a registrar takes them, in one thread: for tests/bench/run register.
//
//     register_load --remote 10.98.0.1 --first 10.98.1.1 --hosts 200 --users 10000 --window 64 --seconds 5
//
// Users u0, u1, ... of --domain, all with the password "geheim", MD5. Each REGISTER goes with the credentials that its
// user has; a 401 gives it new ones. --fresh forgets them after every 200, so each registration is challenged. First all
// users register once; then it prints "ready", waits for a line on stdin, and goes on for --seconds. What is not answered
// within a second is sent again. Prints one JSON object.
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define HOSTS  1000
#define REPEAT 1000000000ull

struct user {
	char nonce[128], realm[64];
	uint32_t nc, cseq;
	uint64_t sent;
	bool waits;
};

static struct {
	const char *remote, *first, *domain;
	int fds[HOSTS], hosts, users, window, epoll;
	double seconds;
	bool fresh;
	struct user *all;
	int next, running;
	uint64_t good, challenged, failed, repeated;
	char own[HOSTS][16];
} load = {.remote = "10.98.0.1",
	.first = "10.98.1.1",
	.domain = "pbx.example",
	.hosts = 200,
	.users = 10000,
	.window = 64,
	.seconds = 5};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static void md5(char out[33], const char *text)
{
	static EVP_MD_CTX *ctx;
	static EVP_MD *md;
	uint8_t bytes[16];

	if (!ctx) {
		ctx = EVP_MD_CTX_new();
		md = EVP_MD_fetch(NULL, "MD5", NULL);
	}
	EVP_DigestInit_ex(ctx, md, NULL);
	EVP_DigestUpdate(ctx, text, strlen(text));
	EVP_DigestFinal_ex(ctx, bytes, NULL);
	for (int i = 0; i < 16; i++)
		sprintf(out + 2 * i, "%02x", bytes[i]);
}

static int credentials(int i, struct user *u, char *out, size_t size)
{
	char text[512], ha1[33], ha2[33], response[33];

	if (!u->nonce[0])
		return 0;
	u->nc++;
	snprintf(text, sizeof(text), "u%d:%s:geheim", i, u->realm);
	md5(ha1, text);
	snprintf(text, sizeof(text), "REGISTER:sip:%s", load.domain);
	md5(ha2, text);
	snprintf(text, sizeof(text), "%s:%s:%08x:abcdef:auth:%s", ha1, u->nonce, u->nc, ha2);
	md5(response, text);
	return snprintf(out, size,
		"Authorization: Digest username=\"u%d\", realm=\"%s\", nonce=\"%s\", "
		"uri=\"sip:%s\", "
		"response=\"%s\", algorithm=MD5, qop=auth, nc=%08x, cnonce=\"abcdef\"\r\n",
		i, u->realm, u->nonce, load.domain, response, u->nc);
}

static void send_one(int i)
{
	struct user *u = &load.all[i];
	char message[2048];
	int host = i % load.hosts, n;
	static unsigned branch;

	u->cseq++;
	n = snprintf(message, sizeof(message),
		"REGISTER sip:%s SIP/2.0\r\nVia: SIP/2.0/UDP %s:5060;branch=z9hG4bK%x-%x;rport\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:u%d@%s>;tag=t%d\r\nTo: <sip:u%d@%s>\r\nCall-ID: "
		"c%d-%x@%s\r\n"
		"CSeq: %u REGISTER\r\nContact: <sip:u%d@%s:5060>\r\nExpires: 3600\r\nUser-Agent: "
		"register_load\r\n",
		load.domain, load.own[host], (unsigned)getpid(), ++branch, i, load.domain, i, i,
		load.domain, i, (unsigned)getpid(), load.own[host], u->cseq, i, load.own[host]);
	n += credentials(i, u, message + n, sizeof(message) - (size_t)n);
	n += snprintf(message + n, sizeof(message) - (size_t)n, "Content-Length: 0\r\n\r\n");
	u->sent = now();
	u->waits = true;
	if (send(load.fds[host], message, (size_t)n, 0) < 0 && errno != EAGAIN)
		load.failed++;
}

static bool quoted(const char *m, const char *name, char *out, size_t size)
{
	const char *p = strstr(m, name), *end;

	if (!p)
		return false;
	p += strlen(name);
	end = strchr(p, '"');
	if (!end || (size_t)(end - p) >= size)
		return false;
	memcpy(out, p, (size_t)(end - p));
	out[end - p] = 0;
	return true;
}

static void fill(bool more)
{
	while (more && load.running < load.window) {
		struct user *u = &load.all[load.next];
		int i = load.next;

		load.next = (load.next + 1) % load.users;
		if (u->waits)
			return;
		load.running++;
		send_one(i);
	}
}

static void answered(char *m)
{
	const char *to = strstr(m, "\r\nTo: <sip:u"), *cseq = strstr(m, "\r\nCSeq: ");
	int status = atoi(m + 8), i = to ? atoi(to + 12) : -1;
	struct user *u = i >= 0 && i < load.users ? &load.all[i] : NULL;

	if (!u || !u->waits || !cseq || (uint32_t)atoi(cseq + 8) != u->cseq || status < 200)
		return;
	if (status == 401) {
		load.challenged++;
		u->nc = 0;
		if (quoted(m, "nonce=\"", u->nonce, sizeof(u->nonce)) &&
			quoted(m, "realm=\"", u->realm, sizeof(u->realm))) {
			send_one(i);
			return;
		}
	}
	u->waits = false;
	load.running--;
	if (status == 200)
		load.good++;
	else
		load.failed++;
	if (load.fresh || status != 200)
		u->nonce[0] = 0;
}

static void receive(int wait_ms)
{
	struct epoll_event events[64];
	int n = epoll_wait(load.epoll, events, 64, wait_ms);
	char m[4096];
	ssize_t got;

	for (int i = 0; i < n; i++)
		while ((got = recv(events[i].data.fd, m, sizeof(m) - 1, MSG_DONTWAIT)) > 0) {
			m[got] = 0;
			answered(m);
		}
}

static void repeat(void)
{
	uint64_t t = now();

	for (int i = 0; i < load.users; i++)
		if (load.all[i].waits && t - load.all[i].sent > REPEAT) {
			load.repeated++;
			load.all[i].nonce[0] = 0;
			send_one(i);
		}
}

static void run(uint64_t end, uint64_t count)
{
	uint64_t swept = now();

	while ((!end || now() < end) && (!count || load.good + load.failed < count)) {
		fill(!count || load.good + load.failed + (uint64_t)load.running < count);
		receive(50);
		if (now() - swept > REPEAT / 2) {
			swept = now();
			repeat();
		}
	}
}

static int open_sockets(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(5060)}, from = to;
	uint32_t first = ntohl(inet_addr(load.first));
	const int most = 1 << 22;

	to.sin_addr.s_addr = inet_addr(load.remote);
	load.epoll = epoll_create1(0);
	for (int i = 0; i < load.hosts; i++) {
		struct epoll_event event = {.events = EPOLLIN};

		from.sin_addr.s_addr = htonl(first + (uint32_t)i);
		inet_ntop(AF_INET, &from.sin_addr, load.own[i], sizeof(load.own[i]));
		load.fds[i] = event.data.fd = socket(AF_INET, SOCK_DGRAM, 0);
		setsockopt(load.fds[i], SOL_SOCKET, SO_RCVBUF, &most, sizeof(most));
		if (bind(load.fds[i], (struct sockaddr *)&from, sizeof(from)) < 0 ||
			connect(load.fds[i], (struct sockaddr *)&to, sizeof(to)) < 0 ||
			epoll_ctl(load.epoll, EPOLL_CTL_ADD, load.fds[i], &event) < 0) {
			perror(load.own[i]);
			return 1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"remote", 1, 0, 'r'}, {"first", 1, 0, 'f'},
		{"hosts", 1, 0, 'h'}, {"users", 1, 0, 'u'}, {"window", 1, 0, 'w'},
		{"seconds", 1, 0, 's'}, {"domain", 1, 0, 'd'}, {"fresh", 0, 0, 'F'}, {0}};
	int option;
	char line[16];

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0)
		switch (option) {
		case 'r':
			load.remote = optarg;
			break;
		case 'f':
			load.first = optarg;
			break;
		case 'h':
			load.hosts = atoi(optarg);
			break;
		case 'u':
			load.users = atoi(optarg);
			break;
		case 'w':
			load.window = atoi(optarg);
			break;
		case 's':
			load.seconds = atof(optarg);
			break;
		case 'd':
			load.domain = optarg;
			break;
		case 'F':
			load.fresh = true;
			break;
		default:
			return 2;
		}
	if (load.hosts < 1 || load.hosts > HOSTS || load.users < load.window)
		return 2;
	load.all = calloc((size_t)load.users, sizeof(*load.all));
	if (!load.all || open_sockets())
		return 1;
	run(now() + 60000000000ull, (uint64_t)load.users);
	printf("{\"ready\": true, \"good\": %llu, \"failed\": %llu}\n",
		(unsigned long long)load.good, (unsigned long long)load.failed);
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return 1;
	load.good = load.failed = load.challenged = load.repeated = 0;
	uint64_t begin = now();
	run(begin + (uint64_t)(load.seconds * 1e9), 0);
	printf("{\"good\": %llu, \"failed\": %llu, \"challenged\": %llu, \"repeated\": %llu, "
	       "\"seconds\": %.3f}\n",
		(unsigned long long)load.good, (unsigned long long)load.failed,
		(unsigned long long)load.challenged, (unsigned long long)load.repeated,
		(double)(now() - begin) / 1e9);
	return 0;
}
