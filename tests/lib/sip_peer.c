// SPDX-License-Identifier: BSD-3-Clause
#include "tests/lib/sip_peer.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>

static volatile sig_atomic_t stopping;

static void on_signal(int number)
{
	stopping = number;
}

static unsigned hash_of(const char *call_id)
{
	unsigned h = 5381;
	for (; *call_id; call_id++)
		h = h * 33 + (unsigned char)*call_id;
	return h & 4095;
}

struct call *peer_find(struct peer *p, const char *call_id)
{
	for (struct call *c = p->hash[hash_of(call_id)]; c; c = c->next_in_hash)
		if (strcmp(c->call_id, call_id) == 0)
			return c;
	return NULL;
}

// Data of an epoll entry: the call's pointer, its lowest bit set for the RTCP socket.
static int watch(struct peer *p, int fd, uintptr_t data)
{
	struct epoll_event e = {.events = EPOLLIN, .data.u64 = data};
	return epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

int peer_open_media(struct peer *p, struct call *c)
{
	int e = rtp_open(&c->media, &p->local, c->rtp_port);
	if (e < 0)
		return e;
	if (p->fax && !c->media.fax)
		c->media.fax = telefax_new(p->fax, rtp_send_fax, &c->media);
	if (p->tone && !c->media.tone)
		c->media.tone = tone_new(p->tone);
	c->media.sender = p->sender;
	c->media.call = c->number;
	c->media.payload_type = (uint8_t)atoi(p->codecs);
	c->media.interval = p->interval;
	if (p->first_seq)
		c->media.first_seq = (uint16_t)p->first_seq;
	e = watch(p, c->media.fd, (uintptr_t)c);
	if (!e)
		e = watch(p, c->media.rtcp_fd, (uintptr_t)c | 1);
	if (e < 0)
		rtp_close(&c->media);
	return e;
}

struct call *peer_add_call(struct peer *p, const char *call_id, uint64_t now)
{
	if (p->count == p->calls) {
		p->refused++;
		return NULL;
	}
	struct call *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->media.fd = c->media.rtcp_fd = -1;
	c->number = p->count;
	c->live = true;
	c->uas = p->uas;
	c->started = now;
	c->direction = "sendrecv";
	c->offered = true;
	c->secure = p->secure.suite ? secure_new(&p->secure) : NULL;
	c->peer = p->remote;
	snprintf(c->tag, sizeof(c->tag), "%x-%x", p->sender, c->number);
	snprintf(c->call_id, sizeof(c->call_id), "%s", call_id);
	snprintf(c->sip_call_id, sizeof(c->sip_call_id), "%s", call_id);
	for (int i = 0; i < p->ignore_count; i++)
		c->ignore_left[i] = p->ignores[i].times;
	// Slots come round again, so many short calls need few ports.
	c->rtp_port = (uint16_t)(p->rtp_base + 2 * (c->number % p->rtp_slots));
	c->next_in_hash = p->hash[hash_of(call_id)];
	p->hash[hash_of(call_id)] = c;
	p->all[p->count++] = c;
	int e = peer_open_media(p, c);
	c->media.guard_due = c->secure != NULL;
	if (e < 0)
		peer_finish(p, c, strerror(-e));
	return c;
}

void peer_finish(struct peer *p, struct call *c, const char *problem)
{
	if (!c->live)
		return;
	c->live = false;
	c->failed = problem != NULL;
	snprintf(c->problem, sizeof(c->problem), "%s", problem ? problem : "");
	p->finished++;
	p->failed += c->failed;
	if (!c->ended_at)
		c->ended_at = rtp_now();
	if (c->media.fd >= 0) {
		rtp_receive(&c->media, &p->latency);
		rtp_receive_rtcp(&c->media);
	}
	rtp_close(&c->media);
	secure_free(c->secure);
	c->secure = NULL;
	c->media.guard = (struct rtp_guard){0};
}

static void start_call(struct peer *p, uint64_t now)
{
	char id[128], host[64], remote[80];
	snprintf(id, sizeof(id), "%x-%x@%s", p->sender, p->count,
		rtp_host_text(&p->local, host, sizeof(host)));
	struct call *c = peer_add_call(p, id, now);
	if (!c)
		return;
	const char *bare = p->local.ss_family == AF_INET6 ? "sip:%s@[%s]" : "sip:%s@%s";
	char uri[160];
	snprintf(uri, sizeof(uri), bare, p->from, host);
	snprintf(c->local, sizeof(c->local), "<%s>;tag=%s", uri, c->tag);
	snprintf(c->target, sizeof(c->target), "sip:%s@%s", p->to,
		rtp_address_text(&p->remote, remote, sizeof(remote)));
	snprintf(c->remote, sizeof(c->remote), "<sip:%s@%s>", p->to, remote);
}

// Everything that is due in all calls; returns when to come back.
static uint64_t run_calls(struct peer *p, uint64_t now)
{
	uint64_t next = UINT64_MAX, t;
	// Calls that ended long ago repeat nothing any more.
	while (p->oldest < p->count && !p->all[p->oldest]->live &&
		now > p->all[p->oldest]->ended_at + 40 * SECOND)
		p->oldest++;
	for (unsigned i = p->oldest; i < p->count; i++) {
		struct call *c = p->all[i];
		t = dialog_repeat(p, c, now);
		next = t < next ? t : next;
		if (!c->live || (c->uas && !c->request))
			continue;
		t = script_run(p, c, now);
		next = t < next ? t : next;
		if (!c->live || c->vanished)
			continue;
		t = rtp_send_due(&c->media, now);
		next = t < next ? t : next;
	}
	return next;
}

static void poll_events(struct peer *p, uint64_t now, uint64_t next)
{
	struct epoll_event events[128];
	int timeout = 100;
	if (next < now + 100000000ull)
		timeout = next <= now ? 0 : (int)((next - now + 999999) / 1000000);
	int n = epoll_wait(p->epoll_fd, events, 128, timeout);
	for (int i = 0; i < n; i++) {
		uint64_t data = events[i].data.u64;
		struct call *c = (struct call *)(uintptr_t)(data & ~3ull);
		if (!c || (data & 2))
			wire_read(p, c);
		else if (c->media.fd >= 0 && !(data & 1))
			rtp_receive(&c->media, &p->latency);
		else if (c->media.fd >= 0)
			rtp_receive_rtcp(&c->media);
	}
}

static void run(struct peer *p)
{
	uint64_t begin = rtp_now(), spacing = p->rate > 0 ? (uint64_t)(1e9 / p->rate) : 0;
	uint64_t limit = p->time_limit > 0 ? begin + (uint64_t)(p->time_limit * 1e9) : UINT64_MAX;
	while (!stopping) {
		uint64_t now = rtp_now(), next;
		while (!p->uas && p->count < p->calls && begin + p->count * spacing <= now)
			start_call(p, now);
		next = run_calls(p, now);
		if (now >= limit)
			break;
		if (!p->uas && p->count < p->calls && begin + p->count * spacing < next)
			next = begin + p->count * spacing;
		// The last ones may still have to answer a repetition: that is what --linger is
		// for.
		if (p->finished == p->calls)
			break;
		poll_events(p, now, next);
	}
	uint64_t until = rtp_now() + SECOND / 2;
	for (uint64_t now = rtp_now(); now < until && !stopping; now = rtp_now()) {
		uint64_t next = run_calls(p, now);
		poll_events(p, now, next < until ? next : until);
	}
	for (unsigned i = 0; i < p->count; i++)
		peer_finish(p, p->all[i], "the time was up");
}

static double ms(uint64_t from, uint64_t to)
{
	return from && to > from ? (double)(to - from) / 1e6 : 0;
}

static void print_text(FILE *out, const char *key, const char *text)
{
	fprintf(out, ", \"%s\": \"", key);
	for (; *text; text++)
		fprintf(out, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
	fprintf(out, "\"");
}

static void print_call(const struct call *c, FILE *out)
{
	fprintf(out, "{\"call\": %u, \"ok\": %s", c->number, c->failed ? "false" : "true");
	print_text(out, "problem", c->problem);
	print_text(out, "call_id", c->call_id);
	print_text(out, "reason", c->reason);
	print_text(out, "retry_after", c->retry_after);
	print_text(out, "remote_direction", c->remote_direction);
	fprintf(out,
		", \"bye_seen\": %s, \"cancel_seen\": %s, \"reinvites\": %d, \"tags\": %d, \"updates\": %d, \"refreshes\": %d, \"pracks\": %d, \"remote_version\": "
		"%u",
		c->bye_seen ? "true" : "false", c->cancel_seen ? "true" : "false", c->reinvites, c->tags, c->updates, c->refreshes, c->pracks,
		c->remote_version);
	fprintf(out,
		", \"final\": %d, \"repeats_seen\": %u, \"repeats_sent\": %u, \"acks_sent\": %u",
		c->uas ? c->answered : c->invite.final, c->repeats_seen, c->repeats_sent,
		c->acks_sent);
	fprintf(out, ", \"setup_ms\": %.1f, \"length_ms\": %.1f, \"codes\": [",
		ms(c->invited, c->answered_at), ms(c->answered_at, c->ended_at));
	for (int i = 0; i < c->code_count; i++)
		fprintf(out, "%s%d", i ? ", " : "", c->codes[i]);
	fprintf(out, "], ");
	rtp_report(&c->media, out);
	fprintf(out, "}");
}

static void print_report(const struct peer *p, FILE *out)
{
	struct rtp_stream sum = {0};
	uint64_t lost = 0, wrong = 0, gap = 0;
	for (unsigned i = 0; i < p->count; i++) {
		const struct rtp_stream *m = &p->all[i]->media;
		sum.sent += m->sent, sum.received += m->received, sum.doubled += m->doubled;
		sum.reordered += m->reordered, sum.crossed += m->crossed, sum.corrupt += m->corrupt;
		sum.foreign += m->foreign;
		lost += rtp_lost(m), wrong += rtp_wrong_source(m);
		gap = m->max_gap > gap ? m->max_gap : gap;
	}
	fprintf(out,
		"{\"role\": \"%s\", \"calls\": %u, \"failed\": %u, \"missing\": %u, \"refused\": "
		"%u, "
		"\"strays\": %u, ",
		p->uas ? "uas" : "uac", p->count, p->failed, p->calls - p->count, p->refused,
		p->strays);
	fprintf(out,
		"\"sent\": %llu, \"received\": %llu, \"lost\": %llu, \"doubled\": %llu, "
		"\"reordered\": %llu, \"crossed\": %llu, \"corrupt\": %llu, \"foreign\": %llu, "
		"\"wrong_source\": %llu, \"max_gap_ms\": %.1f, ",
		(unsigned long long)sum.sent, (unsigned long long)sum.received,
		(unsigned long long)lost, (unsigned long long)sum.doubled,
		(unsigned long long)sum.reordered, (unsigned long long)sum.crossed,
		(unsigned long long)sum.corrupt, (unsigned long long)sum.foreign,
		(unsigned long long)wrong, (double)gap / 1e6);
	wire_report(p, out);
	rtp_report_latency(&p->latency, out);
	fprintf(out, ", \"each\": [");
	for (unsigned i = 0; i < p->count && p->json_calls; i++) {
		fprintf(out, "%s\n", i ? "," : "");
		print_call(p->all[i], out);
	}
	fprintf(out, "]}\n");
}

static struct wire_options wire;

static int open_sip(struct peer *p)
{
	p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return p->epoll_fd < 0 ? -errno : wire_open(p, &wire);
}

static const struct option options[] = {
	{"local", 1, NULL, 'l'},
	{"remote", 1, NULL, 'r'},
	{"calls", 1, NULL, 'n'},
	{"rate", 1, NULL, 'R'},
	{"script", 1, NULL, 's'},
	{"rtp", 1, NULL, 'p'},
	{"slots", 1, NULL, 'S'},
	{"from", 1, NULL, 'f'},
	{"to", 1, NULL, 't'},
	{"mux", 0, NULL, 'm'},
	{"ignore", 1, NULL, 'i'},
	{"time", 1, NULL, 'T'},
	{"step-timeout", 1, NULL, 'w'},
	{"header", 1, NULL, 'H'},
	{"codecs", 1, NULL, 'c'},
	{"brief", 0, NULL, 'b'},
	{"early", 0, NULL, 'e'},
	{"transport", 1, NULL, 'x'},
	{"certificate", 1, NULL, 'C'},
	{"key", 1, NULL, 'K'},
	{"authorities", 1, NULL, 'A'},
	{"split", 1, NULL, 'P'},
	{"srtp", 1, NULL, 'Q'},
	{"srtp-mode", 1, NULL, 'M'},
	{"interval", 1, NULL, 'I'},
	{"first-seq", 1, NULL, 'F'},
	{"tone", 1, NULL, 'o'},
	{"sdp", 1, NULL, 'L'},
	{"fax", 1, NULL, 'X'},
	{NULL, 0, NULL, 0},
};

static int add_ignore(struct peer *p, const char *text)
{
	struct ignore *i = &p->ignores[p->ignore_count];
	if (p->ignore_count == MAX_IGNORES || sscanf(text, "%15[^:]:%d", i->what, &i->times) != 2)
		return -EINVAL;
	p->ignore_count++;
	return 0;
}

// "a=x|a=y" as lines.
static char *sdp_lines(const char *text)
{
	char *out = calloc(2, strlen(text) + 2), *at = out;
	for (; out && *text; text++)
		if (*text == '|')
			at = stpcpy(at, "\r\n");
		else
			*at++ = *text;
	if (out && at != out)
		strcpy(at, "\r\n");
	return out;
}

static int read_option(struct peer *p, int option, const char *value)
{
	switch (option) {
	case 'l':
		return rtp_parse_address(value, 5060, &p->local);
	case 'r':
		return rtp_parse_address(value, 5060, &p->remote);
	case 'n':
		p->calls = (unsigned)atoi(value);
		return 0;
	case 'R':
		p->rate = atof(value);
		return 0;
	case 's':
		return script_parse(value, &p->script);
	case 'p':
		p->rtp_base = (uint16_t)atoi(value);
		return 0;
	case 'S':
		p->rtp_slots = (uint16_t)atoi(value);
		return 0;
	case 'f':
		snprintf(p->from, sizeof(p->from), "%s", value);
		return 0;
	case 't':
		snprintf(p->to, sizeof(p->to), "%s", value);
		return 0;
	case 'm':
		p->mux = true;
		return 0;
	case 'i':
		return add_ignore(p, value);
	case 'T':
		p->time_limit = atof(value);
		return 0;
	case 'w':
		p->step_timeout = atof(value);
		return 0;
	case 'H':
		snprintf(p->extra + strlen(p->extra), sizeof(p->extra) - strlen(p->extra), "%s\r\n",
			value);
		return 0;
	case 'c':
		p->codecs = value;
		return 0;
	case 'e':
		p->early = true;
		return 0;
	case 'b':
		p->json_calls = false;
		return 0;
	case 'Q':
		p->secure.suite = value;
		return 0;
	case 'M':
		p->secure.best_effort = strcmp(value, "best-effort") == 0;
		p->secure.wrong = strcmp(value, "wrong") == 0;
		p->secure.mki = strcmp(value, "mki") == 0;
		return p->secure.best_effort || p->secure.wrong || p->secure.mki ? 0 : -EINVAL;
	case 'o':
		p->tone = value;
		return 0;
	case 'X':
		p->fax = value;
		return 0;
	case 'L':
		p->lines = sdp_lines(value);
		return p->lines ? 0 : -ENOMEM;
	case 'F':
		p->first_seq = atoi(value);
		return 0;
	case 'I':
		p->interval = (uint64_t)(atof(value) * 1e9);
		return 0;
	case 'x':
		wire.kind = strcmp(value, "tls") == 0 ? WIRE_TLS : WIRE_TCP;
		return strcmp(value, "tls") == 0 || strcmp(value, "tcp") == 0 ? 0 : -EINVAL;
	case 'C':
		wire.certificate = value;
		return 0;
	case 'K':
		wire.key = value;
		return 0;
	case 'A':
		wire.authorities = value;
		return 0;
	case 'P':
		wire.split = (unsigned)atoi(value);
		return 0;
	default:
		return -EINVAL;
	}
}

static int usage(void)
{
	fprintf(stderr,
		"sip_peer uac|uas --local ADDRESS[:PORT] [--remote ADDRESS[:PORT]] --script STEPS\n"
		"  [--calls N] [--rate PER_SECOND] [--rtp FIRST_PORT] [--slots N] [--from USER]\n"
		"  [--to USER] [--mux] [--codecs '8 101'] [--header 'Name: value'] [--ignore "
		"WHAT:TIMES]\n"
		"  [--time SECONDS] [--step-timeout SECONDS] [--brief] [--early]\n"
		"  [--transport tcp|tls] [--certificate FILE] [--key FILE] [--authorities FILE] "
		"[--split OCTETS]\n"
		"  [--srtp SUITE] [--srtp-mode best-effort|wrong|mki] [--interval SECONDS] [--first-seq N]\n"
		"  [--tone CODEC:TYPE:HZ:EXPECTED[:EVENTS]] [--sdp 'a=...|a=...']\n"
		"  [--fax send:FILE|receive:FILE|audio-send:FILE|audio-receive:FILE|refuse]\n");
	return 2;
}

int main(int argc, char **argv)
{
	static struct peer p = {.calls = 1,
		.rtp_base = 30000,
		.rtp_slots = 1000,
		.step_timeout = 20,
		.codecs = "8 101",
		.json_calls = true,
		.from = "+15550001",
		.to = "+15550002"};
	if (argc < 2 || (strcmp(argv[1], "uac") != 0 && strcmp(argv[1], "uas") != 0))
		return usage();
	p.uas = strcmp(argv[1], "uas") == 0;
	argv++, argc--;
	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;)
		if (read_option(&p, o, optarg) < 0)
			return usage();
	if (!p.local.ss_family || !p.script.count || !p.calls || !p.rtp_slots || optind != argc ||
		(!p.uas && !p.remote.ss_family))
		return usage();
	if (getrandom(&p.sender, sizeof(p.sender), 0) != sizeof(p.sender))
		return 2;
	struct rtp_secure *probe = p.secure.suite ? secure_new(&p.secure) : NULL;
	if (p.secure.suite && !probe)
		return usage();
	secure_free(probe);
	p.all = calloc(p.calls, sizeof(p.all[0]));
	struct sigaction on = {.sa_handler = on_signal};
	sigaction(SIGINT, &on, NULL);
	sigaction(SIGTERM, &on, NULL);
	signal(SIGPIPE, SIG_IGN); // OpenSSL's writes
	int e = open_sip(&p);
	if (e < 0 || !p.all) {
		fprintf(stderr, "sip_peer: cannot open the SIP socket: %s\n", strerror(-e));
		return 2;
	}
	fprintf(stderr, "sip_peer: ready\n");
	run(&p);
	print_report(&p, stdout);
	return p.failed || p.count < p.calls ? 1 : 0;
}
