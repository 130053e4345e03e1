// SPDX-License-Identifier: BSD-3-Clause
// Calls at a rate, without media: callers and callees of tests/bench/run overload, in one thread.
//
//     sip_load --caller 10.98.1.1 --callee 10.98.2.1 --relay 10.98.0.1 --rate 2000 --seconds 5 --warmup 2
//
// Every call is INVITE, 200, ACK, BYE, 200. Callers repeat INVITE and BYE as RFC 3261 wants it (0.5 s, doubling)
// and give up after --patience seconds; a new call begins at its time whatever became of those before it. A call
// is good when the 200 came within the patience and its BYE was answered. Prints one JSON object about the
// calls that began between warm-up and end.
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000ull
#define T1     (SECOND / 2)
#define SLOTS  65536u // of the wheel, 1 ms each
#define TICK   1000000ull

enum state { NEW, INVITED, UP, GOOD, REFUSED, LOST, FAILED };

struct call {
	uint64_t began, next, interval, answered;
	uint32_t number;
	struct call *in_slot;
	uint8_t state;
	bool trying;
	char to[160], target[120];
};

struct load {
	int caller_fd, callee_fd;
	const char *caller, *callee, *relay;
	struct sockaddr_in to;
	struct call *calls;
	uint64_t count, begun;
	double rate, seconds, warmup, patience;
	uint64_t begin, repeats, late;
	struct call *slots[SLOTS];
	uint64_t tick;
	unsigned id; // of this run, so that no transaction of the last one is met
};

static uint64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static int open_socket(const char *ip)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(5060)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), size = 32 << 20;
	inet_pton(AF_INET, ip, &sa.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		perror("sip_load: bind");
		exit(2);
	}
	return fd;
}

// ---- timers

static void arm(struct load *l, struct call *c, uint64_t at)
{
	struct call **slot = &l->slots[at / TICK % SLOTS];
	c->next = at;
	c->in_slot = *slot;
	*slot = c;
}

// ---- messages

static const char *header(const char *message, const char *name, char *out, size_t size)
{
	size_t n = strlen(name);
	const char *p = message;
	while ((p = strstr(p, "\r\n"))) {
		p += 2;
		if (strncasecmp(p, name, n) == 0 && p[n] == ':') {
			p += n + 1;
			while (*p == ' ')
				p++;
			size_t k = strcspn(p, "\r");
			snprintf(out, size, "%.*s", (int)(k < size ? k : size - 1), p);
			return out;
		}
		if (*p == '\r')
			break;
	}
	return NULL;
}

static size_t sdp(const char *ip, char *out, size_t size)
{
	return (size_t)snprintf(out, size,
		"v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio 10000 RTP/AVP "
		"8 101\r\n"
		"a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 "
		"0-15\r\na=ptime:20\r\n",
		ip, ip);
}

static void send_request(
	struct load *l, struct call *c, const char *method, unsigned cseq, const char *branch)
{
	char text[2048], body[512] = "", target[160];
	bool invite = strcmp(method, "INVITE") == 0;
	size_t n = invite ? sdp(l->caller, body, sizeof(body)) : 0;
	snprintf(target, sizeof(target), "sip:+1555%07u@%s", c->number, l->relay);
	int size = snprintf(text, sizeof(text),
		"%s %s SIP/2.0\r\nVia: SIP/2.0/UDP "
		"%s:5060;branch=z9hG4bK%s%u.%u;rport\r\nMax-Forwards: 70\r\n"
		"From: <sip:+4930%u@%s>;tag=f%u.%u\r\nTo: %s\r\nCall-ID: %u-%u-load\r\nCSeq: %u "
		"%s\r\n"
		"Contact: <sip:load@%s:5060>\r\n%sContent-Length: %zu\r\n\r\n%s",
		method, c->target[0] ? c->target : target, l->caller, branch, c->number, l->id,
		c->number, l->caller, c->number, l->id, c->to, c->number, l->id, cseq, method,
		l->caller, n ? "Content-Type: application/sdp\r\n" : "", n, body);
	sendto(l->caller_fd, text, (size_t)size, 0, (struct sockaddr *)&l->to, sizeof(l->to));
}

static void begin_call(struct load *l, uint64_t at)
{
	struct call *c = &l->calls[l->begun];
	c->number = (uint32_t)l->begun++;
	c->began = at;
	c->state = INVITED;
	c->interval = T1;
	snprintf(c->to, sizeof(c->to), "<sip:+1555%07u@%s>", c->number, l->relay);
	send_request(l, c, "INVITE", 1, "i");
	arm(l, c, at + T1);
}

static void fire(struct load *l, struct call *c, uint64_t at)
{
	if (c->state != INVITED && c->state != UP)
		return;
	if (at - c->began > (uint64_t)(l->patience * 1e9) + (c->state == UP ? 4 * SECOND : 0)) {
		c->state = LOST;
		return;
	}
	if (c->state == UP && at - c->answered < T1) {
		arm(l, c, c->answered + T1);
		return;
	}
	if (c->state == UP || !c->trying) {
		l->repeats++;
		if (c->state == UP)
			send_request(l, c, "BYE", 2, "b");
		else
			send_request(l, c, "INVITE", 1, "i");
		c->interval *= 2;
	}
	arm(l, c, at + (c->interval < 4 * SECOND ? c->interval : 4 * SECOND));
}

static void on_final(struct load *l, struct call *c, const char *message, int code, uint64_t at)
{
	char value[160];
	if (header(message, "To", value, sizeof(value)))
		snprintf(c->to, sizeof(c->to), "%s", value);
	if (code >= 300) { // as 17.1.1.3: the INVITE's branch
		send_request(l, c, "ACK", 1, "i");
		if (c->state == INVITED)
			c->state = code == 503 ? REFUSED : FAILED;
		return;
	}
	if (c->state == INVITED && header(message, "Contact", value, sizeof(value))) {
		const char *from = strchr(value, '<');
		if (from)
			snprintf(c->target, sizeof(c->target), "%.*s", (int)strcspn(from + 1, ">"),
				from + 1);
	}
	send_request(l, c, "ACK", 1, "a");
	if (c->state != INVITED)
		return;
	if (at - c->began > (uint64_t)(l->patience * 1e9)) {
		l->late++;
		c->state = LOST;
		return;
	}
	c->answered = at;
	c->state = UP;
	c->interval = T1;
	send_request(l, c, "BYE", 2, "b"); // the timer of the INVITE goes on as that of the BYE
}

static void on_caller(struct load *l, const char *message, uint64_t at)
{
	char value[160];
	int code = strncmp(message, "SIP/2.0 ", 8) == 0 ? atoi(message + 8) : 0;
	if (!code || !header(message, "Call-ID", value, sizeof(value)))
		return;
	uint64_t number = strtoull(value, NULL, 10);
	if (number >= l->begun || !header(message, "CSeq", value, sizeof(value)))
		return;
	struct call *c = &l->calls[number];
	if (strstr(value, "BYE")) {
		if (c->state == UP && code >= 200)
			c->state = code == 200 ? GOOD : FAILED;
	} else if (code < 200) {
		c->trying = true;
	} else {
		on_final(l, c, message, code, at);
	}
}

static void on_callee(struct load *l, const char *message)
{
	char text[4096], body[512] = "", value[512];
	size_t at = 0, n = 0;
	bool invite = strncmp(message, "INVITE ", 7) == 0;
	if (!invite && strncmp(message, "BYE ", 4) != 0 && strncmp(message, "CANCEL ", 7) != 0)
		return;
	at += (size_t)snprintf(text, sizeof(text), "SIP/2.0 200 OK\r\n");
	for (int i = 0; i < 5; i++) {
		static const char *const names[] = {"Via", "From", "To", "Call-ID", "CSeq"};
		if (!header(message, names[i], value, sizeof(value)))
			return;
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s: %s%s\r\n", names[i],
			value, i == 2 && !strstr(value, ";tag=") ? ";tag=callee" : "");
	}
	if (invite)
		n = sdp(l->callee, body, sizeof(body));
	at += (size_t)snprintf(text + at, sizeof(text) - at,
		"Contact: <sip:callee@%s:5060>\r\n%sContent-Length: %zu\r\n\r\n%s", l->callee,
		n ? "Content-Type: application/sdp\r\n" : "", n, body);
	sendto(l->callee_fd, text, at, 0, (struct sockaddr *)&l->to, sizeof(l->to));
}

static void drain(struct load *l, int fd, bool caller)
{
	static char message[65536];
	for (int i = 0; i < 256; i++) {
		ssize_t n = recv(fd, message, sizeof(message) - 1, 0);
		if (n < 0)
			return;
		message[n] = 0;
		if (caller)
			on_caller(l, message, now());
		else
			on_callee(l, message);
	}
}

static void advance(struct load *l, uint64_t at)
{
	for (; l->tick < at / TICK; l->tick++) {
		struct call *c = l->slots[l->tick % SLOTS], *next;
		l->slots[l->tick % SLOTS] = NULL;
		for (; c; c = next) {
			next = c->in_slot;
			fire(l, c, at);
		}
	}
}

static void run(struct load *l)
{
	struct pollfd fds[2] = {{l->caller_fd, POLLIN, 0}, {l->callee_fd, POLLIN, 0}};
	uint64_t end, at = now();
	l->begin = at;
	l->tick = at / TICK;
	end = at + (uint64_t)((l->warmup + l->seconds) * 1e9);
	for (; at < end + (uint64_t)((l->patience + 4) * 1e9); at = now()) {
		while (l->begun < l->count &&
			l->begin + (uint64_t)((double)l->begun / l->rate * 1e9) <= at)
			begin_call(l, at);
		advance(l, at);
		poll(fds, 2, 1);
		drain(l, l->caller_fd, true);
		drain(l, l->callee_fd, false);
		bool busy = l->begun < l->count || at <= end;
		for (uint64_t i = l->begun; at > end && !busy && i-- > 0 && i + 200000 > l->begun;)
			busy = l->calls[i].state == INVITED || l->calls[i].state == UP;
		if (!busy)
			break;
	}
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static void report(struct load *l)
{
	uint64_t states[FAILED + 1] = {0}, first = (uint64_t)(l->warmup * l->rate), n = 0;
	double *setup = calloc(l->count + 1, sizeof(*setup));
	for (uint64_t i = first; i < l->begun; i++) {
		const struct call *c = &l->calls[i];
		states[c->state]++;
		if (c->state == GOOD && setup)
			setup[n++] = (double)(c->answered - c->began) / 1e6;
	}
	if (setup)
		qsort(setup, n, sizeof(*setup), by_value);
	printf("{\"offered\": %.1f, \"good\": %.1f, \"refused\": %.1f, \"failed\": %llu, \"lost\": "
	       "%llu, "
	       "\"late\": %llu, \"unfinished\": %llu, \"repeats\": %llu, \"setup_p50_ms\": %.2f, "
	       "\"setup_p99_ms\": "
	       "%.2f}\n",
		(double)(l->begun - first) / l->seconds, (double)states[GOOD] / l->seconds,
		(double)states[REFUSED] / l->seconds, (unsigned long long)states[FAILED],
		(unsigned long long)states[LOST], (unsigned long long)l->late,
		(unsigned long long)(states[INVITED] + states[UP]), (unsigned long long)l->repeats,
		setup && n ? setup[n / 2] : 0, setup && n ? setup[n * 99 / 100] : 0);
	free(setup);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"caller", 1, NULL, 'c'}, {"callee", 1, NULL, 'd'},
		{"relay", 1, NULL, 'r'}, {"rate", 1, NULL, 'R'}, {"seconds", 1, NULL, 's'},
		{"warmup", 1, NULL, 'w'}, {"patience", 1, NULL, 'p'}, {0}};
	static struct load l = {.rate = 100, .seconds = 5, .warmup = 1, .patience = 4};
	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		switch (o) {
		case 'c':
			l.caller = optarg;
			break;
		case 'd':
			l.callee = optarg;
			break;
		case 'r':
			l.relay = optarg;
			break;
		case 'R':
			l.rate = atof(optarg);
			break;
		case 's':
			l.seconds = atof(optarg);
			break;
		case 'w':
			l.warmup = atof(optarg);
			break;
		case 'p':
			l.patience = atof(optarg);
			break;
		default:
			return 2;
		}
	}
	if (!l.caller || !l.callee || !l.relay || l.rate <= 0)
		return 2;
	l.to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(5060)};
	inet_pton(AF_INET, l.relay, &l.to.sin_addr);
	l.id = (unsigned)getpid();
	l.count = (uint64_t)(l.rate * (l.warmup + l.seconds));
	l.calls = calloc(l.count + 1, sizeof(*l.calls));
	if (!l.calls)
		return 2;
	l.caller_fd = open_socket(l.caller);
	l.callee_fd = open_socket(l.callee);
	run(&l);
	report(&l);
	return 0;
}
